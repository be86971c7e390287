//! Coverage: which rows and guards the examples and the recorded decisions have used.

use super::Policy;
use super::explain::Evaluation;
use super::mutant::point;
use super::space::Space;
use super::stop::Stop;
use crate::id::IntentTypeName;
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
    /// How many recorded decisions were looked at.
    pub decisions: u64,
    /// Of how many days, if they were cut off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// The rows of the rule table.
    pub rules: Vec<Used>,
    /// The guards.
    pub guards: Vec<Used>,
}

/// What recorded decisions used, by the ids of rows and guards: a sum, whatever their number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fired {
    decisions: u64,
    days: Option<u32>,
    rules: BTreeMap<Arc<str>, usize>,
    guards: BTreeMap<Arc<str>, usize>,
}

impl Fired {
    /// No decision yet, of the last so many days.
    #[must_use]
    pub fn of_days(days: u32) -> Fired {
        Fired { days: Some(days), ..Fired::default() }
    }

    /// Adds one decision. One of another version counts by its ids.
    pub fn add(&mut self, decision: &Evaluation) {
        self.decisions = self.decisions.saturating_add(1);
        for rule in &decision.rules {
            count(&mut self.rules, &rule.id);
        }
        for guard in &decision.guards {
            count(&mut self.guards, &guard.id);
        }
    }

    /// How many decisions were added.
    #[must_use]
    pub fn decisions(&self) -> u64 {
        self.decisions
    }

    /// Of how many days, if they were cut off.
    #[must_use]
    pub fn days(&self) -> Option<u32> {
        self.days
    }
}

/// What the recorded decisions of every intent type used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Past {
    days: Option<u32>,
    fired: BTreeMap<IntentTypeName, Fired>,
}

impl Past {
    /// No decision yet, of the last so many days.
    #[must_use]
    pub fn of_days(days: u32) -> Past {
        Past { days: Some(days), ..Past::default() }
    }

    /// Adds one decision.
    pub fn add(&mut self, intent: &IntentTypeName, decision: &Evaluation) {
        let none = Fired { days: self.days, ..Fired::default() };
        self.fired.entry(intent.clone()).or_insert(none).add(decision);
    }

    /// What the decisions of one intent type used.
    #[must_use]
    pub fn of(&self, intent: &IntentTypeName) -> Fired {
        let none = || Fired { days: self.days, ..Fired::default() };
        self.fired.get(intent).cloned().unwrap_or_else(none)
    }
}

impl<'a> FromIterator<&'a Evaluation> for Fired {
    fn from_iter<I: IntoIterator<Item = &'a Evaluation>>(decisions: I) -> Fired {
        let mut fired = Fired::default();
        decisions.into_iter().for_each(|decision| fired.add(decision));
        fired
    }
}

fn count(counts: &mut BTreeMap<Arc<str>, usize>, id: &Arc<str>) {
    let count = counts.entry(Arc::clone(id)).or_default();
    *count = count.saturating_add(1);
}

/// What the examples and these decisions use; worth nothing if it was stopped.
pub(crate) fn coverage(policy: &Policy, fired: &Fired, stop: &Stop<'_>) -> Coverage {
    let mut rules: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    let mut guards: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    let space = Space::of(policy, stop);
    if let Some(model) = space.models.first() {
        for point in policy.examples.iter().filter_map(|example| point(policy, example)) {
            let answered = space.answer(model, &point);
            for rule in answered.rules.iter().filter_map(|index| policy.rules.get(*index)) {
                count(&mut rules, &rule.id);
            }
            for guard in answered.guards.iter().filter_map(|index| policy.guards.get(*index)) {
                count(&mut guards, &guard.id);
            }
        }
    }
    let used =
        |id: &Arc<str>, examples: &BTreeMap<Arc<str>, usize>, decisions: &BTreeMap<Arc<str>, usize>| {
            let of = |counts: &BTreeMap<Arc<str>, usize>| counts.get(id).copied().unwrap_or_default();
            Used { id: Arc::clone(id), examples: of(examples), decisions: of(decisions) }
        };
    Coverage {
        decisions: fired.decisions,
        days: fired.days,
        rules: policy.rules.iter().map(|rule| used(&rule.id, &rules, &fired.rules)).collect(),
        guards: policy.guards.iter().map(|guard| used(&guard.id, &guards, &fired.guards)).collect(),
    }
}
