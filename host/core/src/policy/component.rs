//! Policy components: what a policy says where its tables cannot, and can only make it stricter.
//!
//! A component runs before the tables are evaluated and is never asked again: what it said stands
//! with the facts, so that a replay reads the same words.

use super::Policy;
use super::explain::{ComponentTrace, Evaluation};
use super::outcome::{Needs, Outcome, ReasonKind, Settled};
use crate::document::{Cell, Document, Faults};
use crate::hash::Digest;
use crate::id::{FieldName, RouteName};
use crate::intent::literal::is_word;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Most components of one policy: each costs a call before every decision.
pub const COMPONENTS_MAX: usize = 8;
/// Most contributions of one component: more than a person would read.
pub const CONTRIBUTIONS_MAX: usize = 64;
/// Longest text of a contribution, in bytes: one line for people.
pub const CONTRIBUTION_TEXT_BYTES_MAX: usize = 500;

/// A component that a policy names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Component {
    /// Its id in the policy.
    pub id: Arc<str>,
    /// SHA-256 of its bytes: another component is another policy.
    pub digest: Digest,
    /// What it looks for, in the owner's words.
    #[serde(skip)]
    pub because: Arc<str>,
}

/// One reason of a component to be stricter, as it gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contribution {
    /// Name of the reason.
    pub id: String,
    /// Routes that must decide too; none means the answer is no.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<String>,
    /// Why.
    pub because: String,
    /// Names of the tokens and facts that it looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<String>,
}

/// What one component said, or why it said nothing, in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contributed {
    /// What it adds; empty if it has no objection.
    Said(Vec<Contribution>),
    /// It failed: the policy is unsure then.
    Failed(String),
}

/// What the components of a policy said, by their ids in the policy.
pub type Contributions = BTreeMap<Arc<str>, Contributed>;

/// What the components of a policy said, in the words of the policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Heard {
    /// What they add.
    pub(crate) added: Vec<ComponentTrace>,
    /// Those whose answer is void, and why.
    pub(crate) failed: Vec<(Arc<str>, String)>,
}

/// The section `Components`: id, digest, because.
pub(crate) fn parse(document: &Document, faults: &mut Faults) -> Vec<Component> {
    let Some(table) = document.table("Components") else { return Vec::new() };
    let rows = table.rows_of(["id", "digest", "because"], faults);
    if COMPONENTS_MAX < rows.len() {
        let count = rows.len();
        faults.on_line(table.header.line, format!("{count} components, at most {COMPONENTS_MAX} are asked"));
    }
    let mut components: Vec<Component> = Vec::new();
    for [id, digest, because] in rows {
        if !is_word(&id.text) {
            faults.at(id, format!("`{}` is no id", id.text));
            faults.help("an id is lower-case letters, digits, `_` and `-`");
        } else if components.iter().any(|component| *component.id == id.text) {
            faults.at(id, format!("component `{}` stands here twice", id.text));
        }
        if because.text.is_empty() {
            faults.at(because, format!("component `{}`: a component says what it looks for", id.text));
        }
        if let Some(digest) = named_digest(id, digest, faults) {
            let (id, because) = (id.text.as_str().into(), because.text.as_str().into());
            components.push(Component { id, digest, because });
        }
    }
    components
}

fn named_digest(id: &Cell, cell: &Cell, faults: &mut Faults) -> Option<Digest> {
    let digest = cell.text.strip_prefix("sha256:").and_then(Digest::parse);
    if digest.is_none() {
        let message = format!("component `{}`: `{}` is no digest of a component", id.text, cell.text);
        faults.at(cell, message);
        faults.help("`sha256:` and 64 digits in lower case; `countersign policy build` prints it");
    }
    digest
}

impl From<&ComponentTrace> for Contribution {
    fn from(trace: &ComponentTrace) -> Contribution {
        let routes = match &trace.adds {
            Settled::Needs(needs) => needs.routes.iter().map(ToString::to_string).collect(),
            Settled::Approve | Settled::Deny => Vec::new(),
        };
        Contribution {
            id: trace.id.to_string(),
            routes,
            because: trace.because.to_string(),
            reads: trace.reads.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Policy {
    /// What its components said, checked against the policy. An answer counts as a whole: one word
    /// in it that the policy does not know makes all of it void.
    pub(crate) fn heard(&self, said: &Contributions) -> Heard {
        let mut heard = Heard::default();
        for component in &self.components {
            match self.added(&component.id, said.get(&component.id)) {
                Ok(added) => heard.added.extend(added),
                Err(why) => heard.failed.push((Arc::clone(&component.id), why)),
            }
        }
        heard
    }

    /// What its components had said when it gave a recorded answer.
    #[must_use]
    pub(crate) fn said_in(&self, recorded: &Evaluation) -> Contributions {
        let failed = |id: &Arc<str>| {
            let Outcome::Unsure(unsure) = &recorded.outcome else { return None };
            let mut reasons = unsure.reasons.iter().filter(|reason| reason.kind == ReasonKind::Component);
            reasons.find_map(|reason| reason.at.strip_prefix(&format!("{id}: ")).map(str::to_owned))
        };
        let said = |id: &Arc<str>| {
            let own = recorded.components.iter().filter(|trace| trace.component == *id);
            own.map(Contribution::from).collect()
        };
        let of = |id: &Arc<str>| failed(id).map_or_else(|| Contributed::Said(said(id)), Contributed::Failed);
        self.components.iter().map(|component| (Arc::clone(&component.id), of(&component.id))).collect()
    }

    fn added(&self, component: &Arc<str>, said: Option<&Contributed>) -> Result<Vec<ComponentTrace>, String> {
        let contributions = match said {
            Some(Contributed::Said(contributions)) => contributions,
            Some(Contributed::Failed(why)) => return Err(why.clone()),
            None => return Err("it was not asked".to_owned()),
        };
        if CONTRIBUTIONS_MAX < contributions.len() {
            let count = contributions.len();
            return Err(format!("it gave {count} contributions, at most {CONTRIBUTIONS_MAX} are read"));
        }
        let mut ids = BTreeSet::new();
        let mut added = Vec::with_capacity(contributions.len());
        for contribution in contributions {
            if !ids.insert(contribution.id.as_str()) {
                return Err(format!("it gave `{}` twice", contribution.id.escape_debug()));
            }
            added.push(self.one_added(component, contribution)?);
        }
        Ok(added)
    }

    fn one_added(&self, component: &Arc<str>, contribution: &Contribution) -> Result<ComponentTrace, String> {
        let id = contribution.id.escape_debug();
        let texts = [&contribution.id, &contribution.because];
        if texts.iter().any(|text| text.is_empty() || CONTRIBUTION_TEXT_BYTES_MAX < text.len()) {
            return Err(format!(
                "`{id}` has an id or a reason that is empty or longer than {CONTRIBUTION_TEXT_BYTES_MAX} bytes"
            ));
        }
        if texts.iter().any(|text| text.chars().any(char::is_control)) {
            return Err(format!("`{id}` has a control character in its id or reason"));
        }
        let mut routes = BTreeSet::new();
        for name in &contribution.routes {
            let route = RouteName::parse(name).ok().filter(|route| self.routes.contains_key(route));
            let route = route.ok_or_else(|| {
                format!("`{id}` asks for route `{}`, which the policy does not have", name.escape_debug())
            })?;
            routes.insert(route);
        }
        let mut reads = BTreeSet::new();
        for name in &contribution.reads {
            let field = FieldName::parse(name);
            let field =
                field.map_err(|_| format!("`{id}` reads `{}`, which is no name", name.escape_debug()))?;
            reads.insert(field);
        }
        let adds = if routes.is_empty() {
            Settled::Deny
        } else {
            Settled::Needs(Needs { routes, evidence: BTreeSet::new() }).normal(&self.covers)
        };
        Ok(ComponentTrace {
            component: Arc::clone(component),
            id: contribution.id.as_str().into(),
            adds,
            because: contribution.because.as_str().into(),
            reads: reads.into_iter().collect(),
        })
    }
}

#[cfg(test)]
mod tests;
