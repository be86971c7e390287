//! What a sealed write plan says once somebody has decided: only the decision knows its own words.

use super::{Authority, Case, PlannedEffect};
use crate::effect::plan::{Change, Proposal};
use crate::id::PersonId;
use crate::intent::{DecisionWords, fill_placeholders, fill_planned};

impl Case {
    /// What is asked of the connector for an effect, by this authority.
    #[must_use]
    pub fn asked(&self, planned: &PlannedEffect, by: &Authority) -> Proposal {
        let mut what = planned.what.clone();
        fill_placeholders(&mut what.fields, &self.words(by));
        what
    }

    /// The changes of an effect as they are written, by this authority.
    #[must_use]
    pub fn written(&self, planned: &PlannedEffect, by: &Authority) -> Vec<Change> {
        let mut changes = planned.plan.changes.clone();
        if planned.re_asserts.is_some() {
            // It was planned after the decision, with its words.
            return changes;
        }
        // What was written is what has to be found there, if it is to be taken back.
        let exchange = |changes: &mut Vec<Change>| {
            if planned.undoes.is_some() {
                *changes = changes.iter().map(Change::exchanged).collect();
            }
        };
        exchange(&mut changes);
        fill_planned(&mut changes, &self.words(by));
        exchange(&mut changes);
        changes
    }

    fn words(&self, by: &Authority) -> DecisionWords {
        let all = |people: &[PersonId]| people.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let (outcome, approvers) = match by {
            Authority::Policy => ("approved", "policy".to_owned()),
            Authority::People(people) => ("approved", all(people)),
            // In the target too nobody takes it for a decision by the rules.
            Authority::Override(person) => ("approved by override", person.to_string()),
            Authority::FailOpen(people) => ("approved by fail-open", all(people)),
        };
        DecisionWords { outcome: outcome.to_owned(), approvers, seal: self.seal.to_string() }
    }
}
