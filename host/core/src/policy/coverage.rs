//! Coverage: which rows and guards the examples and the recorded decisions have used.

use super::Policy;
use super::explain::Evaluation;
use super::mutant::point;
use super::space::Space;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How often one row or guard was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Used {
    /// The id of the row or guard.
    pub id: Arc<str>,
    /// By so many examples.
    pub examples: usize,
    /// By so many recorded decisions.
    pub decisions: usize,
}

/// How often everything in a policy was used, in the order of the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// The rows of the rule table.
    pub rules: Vec<Used>,
    /// The guards.
    pub guards: Vec<Used>,
}

/// What the examples and these decisions use. A decision of another version counts by its ids.
#[must_use]
pub fn coverage<'a>(policy: &Policy, decisions: impl IntoIterator<Item = &'a Evaluation>) -> Coverage {
    let mut rules: BTreeMap<Arc<str>, (usize, usize)> = BTreeMap::new();
    let mut guards: BTreeMap<Arc<str>, (usize, usize)> = BTreeMap::new();
    let space = Space::of(policy);
    if let Some(model) = space.models.first() {
        for point in policy.examples.iter().filter_map(|example| point(policy, example)) {
            let answered = space.answer(model, &point);
            for rule in answered.rules.iter().filter_map(|index| policy.rules.get(*index)) {
                let used = rules.entry(Arc::clone(&rule.id)).or_default();
                used.0 = used.0.saturating_add(1);
            }
            for guard in answered.guards.iter().filter_map(|index| policy.guards.get(*index)) {
                let used = guards.entry(Arc::clone(&guard.id)).or_default();
                used.0 = used.0.saturating_add(1);
            }
        }
    }
    for decision in decisions {
        for rule in &decision.rules {
            let used = rules.entry(Arc::clone(&rule.id)).or_default();
            used.1 = used.1.saturating_add(1);
        }
        for guard in &decision.guards {
            let used = guards.entry(Arc::clone(&guard.id)).or_default();
            used.1 = used.1.saturating_add(1);
        }
    }
    let used = |id: &Arc<str>, counts: &BTreeMap<Arc<str>, (usize, usize)>| {
        let (examples, decisions) = counts.get(id).copied().unwrap_or_default();
        Used { id: Arc::clone(id), examples, decisions }
    };
    Coverage {
        rules: policy.rules.iter().map(|rule| used(&rule.id, &rules)).collect(),
        guards: policy.guards.iter().map(|guard| used(&guard.id, &guards)).collect(),
    }
}
