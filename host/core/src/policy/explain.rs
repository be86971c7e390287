//! The trace of an evaluation: always recorded, compact, and sayable in plain sentences.

mod text;

pub use text::{captured, not_asked};

use super::outcome::{Outcome, Settled};
use crate::hash::Digest;
use crate::id::{FieldName, IntentTypeName};
use crate::intent::value::TokenValue;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a policy answered and how it came to that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// The answer.
    pub outcome: Outcome,
    /// The intent type whose policy answered.
    pub policy: IntentTypeName,
    /// Its version.
    pub version: Digest,
    /// The version of the language.
    pub language: u32,
    /// The rules that decided: one, several where all are joined, one an element in a `for each`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleTrace>,
    /// The guards that hold, in the order of the document.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<GuardTrace>,
    /// What the components added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<ComponentTrace>,
    /// The terms with their values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<TermTrace>,
    /// Rows that would have answered less strictly and were missed in one column only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub near: Vec<NearMiss>,
    /// Ids of the guards that do not hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_true: Vec<Arc<str>>,
    /// How often a day the policy's owner lets an `unsure` pass, if the declared condition holds
    /// here; the engine counts. Never present for a gap or an overlap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail_open: Option<u32>,
}

/// A rule that decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleTrace {
    /// Its id.
    pub id: Arc<str>,
    /// Its row, from 1.
    pub row: u32,
    /// How many rows there are.
    pub of: u32,
    /// Its reason, in its owner's words.
    pub because: Arc<str>,
    /// What it asked for.
    pub outcome: Settled,
    /// The cells that restrict it, with the values that met them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<CellTrace>,
    /// The inputs that its row or a row above it restricts.
    pub reads: Arc<[FieldName]>,
    /// The element of the list, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<u32>,
}

/// A cell that was met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellTrace {
    /// The input.
    pub input: FieldName,
    /// Its value.
    pub value: TokenValue,
    /// The cell as it is written.
    pub cell: Arc<str>,
}

/// A guard that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuardTrace {
    /// Its id.
    pub id: Arc<str>,
    /// Its condition.
    pub when: Arc<str>,
    /// Its reason, in its owner's words.
    pub because: Arc<str>,
    /// What it adds.
    pub adds: Settled,
    /// The inputs that its condition reads.
    pub reads: Arc<[FieldName]>,
    /// Their values as far as they are numbers or words, in the order of `reads`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<(FieldName, TokenValue)>,
    /// The element of the list, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<u32>,
}

/// A reason of a component to be stricter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComponentTrace {
    /// The component's id in the policy.
    pub component: Arc<str>,
    /// Name of the reason.
    pub id: Arc<str>,
    /// The reason, in the component's words.
    pub because: Arc<str>,
    /// What it adds.
    pub adds: Settled,
    /// What it looked at.
    pub reads: Arc<[FieldName]>,
}

/// A term and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TermTrace {
    /// Its name.
    pub name: FieldName,
    /// Its value.
    pub value: TokenValue,
}

/// A way to a less strict answer: what would have to change, and what would be answered then, with
/// the guards evaluated again.
///
/// Records of before have no `changes`: they name a row that was missed in one column, and what that
/// row alone would have asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NearMiss {
    /// The id of the row that would decide.
    pub rule: Arc<str>,
    /// What would be answered.
    pub outcome: Settled,
    /// The first input that would have to change.
    pub input: FieldName,
    /// The cell that it would have to meet.
    pub cell: Arc<str>,
    /// Everything that would have to change, together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
}

/// One input with another value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The input.
    pub input: FieldName,
    /// The nearest value that does it.
    pub to: TokenValue,
    /// All values that do it: `<= 5%`, `>= 24`, or the one value alone.
    pub cell: Arc<str>,
    /// The element of the list that it is of, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<u32>,
}

/// One voice in the join: a rule, a guard or a component's, what it asked for and what it read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contribution<'a> {
    /// Id of the rule, guard or reason.
    pub id: &'a str,
    /// Its reason.
    pub because: &'a str,
    /// What it asked for.
    pub outcome: &'a Settled,
    /// The inputs it read.
    pub reads: &'a [FieldName],
}

impl Evaluation {
    /// Whether the policy itself does not let it pass: only an override does.
    #[must_use]
    pub fn is_against(&self) -> bool {
        match self.outcome {
            Outcome::Deny | Outcome::Unsure(_) => true,
            Outcome::Approve | Outcome::Needs(_) => false,
        }
    }

    /// The answer.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Every rule, guard and component that has a voice in the answer.
    pub fn contributions(&self) -> impl Iterator<Item = Contribution<'_>> {
        let rules = self.rules.iter().map(|rule| Contribution {
            id: &rule.id,
            because: &rule.because,
            outcome: &rule.outcome,
            reads: &rule.reads,
        });
        let guards = self.guards.iter().map(|guard| Contribution {
            id: &guard.id,
            because: &guard.because,
            outcome: &guard.adds,
            reads: &guard.reads,
        });
        let components = self.components.iter().map(|added| Contribution {
            id: &added.id,
            because: &added.because,
            outcome: &added.adds,
            reads: &added.reads,
        });
        rules.chain(guards).chain(components)
    }

    /// The trace in plain sentences, one a line.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let mut words = vec![self.answer()];
        if let Outcome::Unsure(unsure) = &self.outcome {
            words.extend(unsure.reasons.iter().map(|reason| format!("not sure: {reason}")));
            words.push(format!("known so far: {}", unsure.known));
            words.push(format!("possible: {}", unsure.possible));
        }
        for rule in &self.rules {
            let cells: Vec<String> = rule.cells.iter().map(CellTrace::words).collect();
            let cells = if cells.is_empty() { "any other case".to_owned() } else { cells.join(", ") };
            let place = place(rule.element);
            words.push(format!(
                "rule `{}`{place} (row {} of {}) says {}: {} ({cells})",
                rule.id, rule.row, rule.of, rule.outcome, rule.because
            ));
        }
        for guard in &self.guards {
            let values: Vec<String> =
                guard.values.iter().map(|(name, value)| format!("{name} is {value}")).collect();
            let values = if values.is_empty() { String::new() } else { format!("; {}", values.join(", ")) };
            words.push(format!(
                "guard `{}`{} adds {}: {} ({}{values})",
                guard.id,
                place(guard.element),
                guard.adds,
                guard.because,
                guard.when
            ));
        }
        words.extend(
            self.components.iter().map(|added| {
                format!("component `{}` adds {}: {}", added.component, added.adds, added.because)
            }),
        );
        words.extend(self.terms.iter().map(|term| format!("{} is {}", term.name, term.value)));
        words.extend(self.near.iter().map(NearMiss::words));
        if !self.not_true.is_empty() {
            words.push(format!("guards that do not hold: {}", self.not_true.join(", ")));
        }
        words
    }

    fn answer(&self) -> String {
        match &self.outcome {
            Outcome::Approve => "approved by policy".to_owned(),
            Outcome::Needs(needs) => format!("needs {needs}"),
            Outcome::Deny => "denied by policy".to_owned(),
            Outcome::Unsure(_) => "the policy cannot tell: a person decides".to_owned(),
        }
    }
}

impl NearMiss {
    /// The way in a requester's words: `approved if discount_percent is 5% or less`.
    #[must_use]
    pub fn words(&self) -> String {
        if self.changes.is_empty() {
            let (rule, outcome) = (&self.rule, &self.outcome);
            return format!("rule `{rule}` would say {outcome} if {} were {}", self.input, self.cell);
        }
        let changes: Vec<String> = self.changes.iter().map(Change::words).collect();
        let answer = match &self.outcome {
            Settled::Approve => "approved".to_owned(),
            Settled::Needs(needs) => format!("needs only {needs}"),
            Settled::Deny => "denied".to_owned(),
        };
        format!("{answer} if {}", changes.join(" and "))
    }
}

impl Change {
    fn words(&self) -> String {
        let (less, more) = match self.to {
            TokenValue::Date(_) => ("or before", "or later"),
            TokenValue::Percent(_)
            | TokenValue::Money(_)
            | TokenValue::Months(_)
            | TokenValue::Days(_)
            | TokenValue::Count(_)
            | TokenValue::YesNo(_)
            | TokenValue::OneOf(_)
            | TokenValue::Text(_)
            | TokenValue::Record(_)
            | TokenValue::List(_) => ("or less", "or more"),
        };
        let way = match self.cell.get(..2) {
            Some("<=") => format!(" {less}"),
            Some(">=") => format!(" {more}"),
            Some(_) | None => String::new(),
        };
        format!("{}{} is {}{way}", self.input, place(self.element), self.to)
    }
}

impl CellTrace {
    fn words(&self) -> String {
        let compared = self.cell.starts_with(['<', '>']);
        let list = self.cell.contains(", ") || self.cell.contains(" .. ") || self.cell.starts_with("not ");
        if compared {
            format!("{} {} is {}", self.input, self.value, self.cell)
        } else if list {
            format!("{} {} is in {}", self.input, self.value, self.cell)
        } else {
            format!("{} is {}", self.input, self.value)
        }
    }
}

fn place(element: Option<u32>) -> String {
    element.map_or_else(String::new, |element| format!(" for element {element}"))
}
