//! The policy's answer: the sentences that people read, and the trace behind them.

use countersign_core::policy::explain::{Change, ComponentTrace, GuardTrace, NearMiss, RuleTrace, not_asked};
use countersign_core::policy::{Evaluation, Needs, Outcome, Settled};
use countersign_engine::contributions::Explained;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a policy answered and how it came to that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvaluationView {
    /// approve, needs, deny or unsure.
    pub outcome: String,
    /// The whole answer in plain sentences, one a line.
    pub words: Vec<String>,
    /// The trace as a page of text, for whoever owns the policy.
    pub text: String,
    /// Routes that must decide.
    pub routes: Vec<String>,
    /// Kinds of evidence that are asked for.
    pub evidence: Vec<String>,
    /// Why it is unsure.
    pub unsure: Vec<String>,
    /// Where it is unsure: what all that could be evaluated asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<String>,
    /// Where it is unsure: the strictest that the rest could have asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub possible: Option<String>,
    /// How often a day the policy's owner lets an answer like this pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail_open: Option<u32>,
    /// The intent type whose policy answered.
    pub policy: String,
    /// Content address of the policy.
    pub version: String,
    /// The rules that decided.
    pub rules: Vec<RuleView>,
    /// The guards that hold.
    pub guards: Vec<GuardView>,
    /// What the components added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<AddedView>,
    /// Components of the policy that were not asked, since they are not installed: they can only make the
    /// answer stricter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_asked: Vec<String>,
    /// The terms with their values.
    pub terms: Vec<NamedText>,
    /// What would make the answer less strict, the best way first.
    pub near: Vec<NearView>,
    /// Guards that do not hold.
    pub not_true: Vec<String>,
    /// What becomes of new intents of the type now, whatever the policy says: its exception budget is spent. Only
    /// where a running host explains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<String>,
}

/// A name with a value as a person reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NamedText {
    /// The name.
    pub name: String,
    /// The value.
    pub text: String,
}

/// A rule that decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleView {
    /// Its id.
    pub id: String,
    /// Its row, from 1.
    pub row: u32,
    /// How many rows there are.
    pub of: u32,
    /// Its reason, in its owner's words.
    pub because: String,
    /// What it asked for.
    pub outcome: String,
    /// The cells that restrict it.
    pub cells: Vec<CellView>,
    /// The element of the list, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<u32>,
}

/// A cell that was met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CellView {
    /// The input.
    pub input: String,
    /// Its value.
    pub value: String,
    /// The cell as it is written.
    pub cell: String,
}

/// A guard that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GuardView {
    /// Its id.
    pub id: String,
    /// Its condition.
    pub when: String,
    /// Its reason, in its owner's words.
    pub because: String,
    /// What it adds.
    pub adds: String,
    /// The element of the list, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<u32>,
}

/// What a component added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AddedView {
    /// The component's id in the policy.
    pub component: String,
    /// Name of its reason.
    pub id: String,
    /// The reason, in the component's words.
    pub because: String,
    /// What it adds.
    pub adds: String,
}

/// A way to a less strict answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NearView {
    /// The way in a requester's words.
    pub words: String,
    /// The id of the row that would decide.
    pub rule: String,
    /// What would be answered.
    pub outcome: String,
    /// Everything that would have to change, together.
    pub changes: Vec<NearChangeView>,
}

/// One input with another value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NearChangeView {
    /// The input.
    pub input: String,
    /// The nearest value that does it; none in decisions of before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// All values that do it, as a table's cell says it.
    pub cell: String,
    /// The element of the list that it is of, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<u32>,
}

impl EvaluationView {
    /// An answer to what nobody has submitted, with the components that could not be asked.
    #[must_use]
    pub fn explained(explained: &Explained) -> EvaluationView {
        let mut view = EvaluationView::from(&explained.evaluation);
        view.not_asked = texts(&explained.not_asked);
        view.text += &not_asked(&explained.not_asked);
        view
    }
}

impl From<&Evaluation> for EvaluationView {
    fn from(evaluation: &Evaluation) -> EvaluationView {
        let (outcome, needs, unsure) = match &evaluation.outcome {
            Outcome::Approve => ("approve", None, Vec::new()),
            Outcome::Needs(needs) => ("needs", Some(needs), Vec::new()),
            Outcome::Deny => ("deny", None, Vec::new()),
            Outcome::Unsure(unsure) => {
                let known = match &unsure.known {
                    Settled::Needs(needs) => Some(needs),
                    Settled::Approve | Settled::Deny => None,
                };
                ("unsure", known, unsure.reasons.iter().map(ToString::to_string).collect())
            }
        };
        let (known, possible) = match &evaluation.outcome {
            Outcome::Unsure(unsure) => (Some(unsure.known.to_string()), Some(unsure.possible.to_string())),
            Outcome::Approve | Outcome::Needs(_) | Outcome::Deny => (None, None),
        };
        let terms = evaluation.terms.iter();
        EvaluationView {
            outcome: outcome.to_owned(),
            words: evaluation.words(),
            text: evaluation.text(),
            routes: needs.map(|needs: &Needs| texts(&needs.routes)).unwrap_or_default(),
            evidence: needs.map(|needs: &Needs| texts(&needs.evidence)).unwrap_or_default(),
            unsure,
            known,
            possible,
            fail_open: evaluation.fail_open,
            policy: evaluation.policy.to_string(),
            version: evaluation.version.to_string(),
            rules: evaluation.rules.iter().map(RuleView::from).collect(),
            guards: evaluation.guards.iter().map(GuardView::from).collect(),
            components: evaluation.components.iter().map(AddedView::from).collect(),
            not_asked: Vec::new(),
            terms: terms
                .map(|term| NamedText { name: term.name.to_string(), text: term.value.to_string() })
                .collect(),
            near: evaluation.near.iter().map(NearView::from).collect(),
            not_true: texts(&evaluation.not_true),
            budget: None,
        }
    }
}

fn texts<'a, T: ToString + 'a>(items: impl IntoIterator<Item = &'a T>) -> Vec<String> {
    items.into_iter().map(ToString::to_string).collect()
}

impl From<&RuleTrace> for RuleView {
    fn from(rule: &RuleTrace) -> RuleView {
        let cells = rule.cells.iter().map(|cell| CellView {
            input: cell.input.to_string(),
            value: cell.value.to_string(),
            cell: cell.cell.to_string(),
        });
        RuleView {
            id: rule.id.to_string(),
            row: rule.row,
            of: rule.of,
            because: rule.because.to_string(),
            outcome: rule.outcome.to_string(),
            cells: cells.collect(),
            element: rule.element,
        }
    }
}

impl From<&ComponentTrace> for AddedView {
    fn from(added: &ComponentTrace) -> AddedView {
        AddedView {
            component: added.component.to_string(),
            id: added.id.to_string(),
            because: added.because.to_string(),
            adds: added.adds.to_string(),
        }
    }
}

impl From<&GuardTrace> for GuardView {
    fn from(guard: &GuardTrace) -> GuardView {
        GuardView {
            id: guard.id.to_string(),
            when: guard.when.to_string(),
            because: guard.because.to_string(),
            adds: guard.adds.to_string(),
            element: guard.element,
        }
    }
}

impl From<&NearMiss> for NearView {
    fn from(near: &NearMiss) -> NearView {
        let mut changes: Vec<NearChangeView> = near.changes.iter().map(NearChangeView::from).collect();
        if changes.is_empty() {
            // A decision of before names one input and its cell.
            changes.push(NearChangeView {
                input: near.input.to_string(),
                to: None,
                cell: near.cell.to_string(),
                element: None,
            });
        }
        NearView {
            words: near.words(),
            rule: near.rule.to_string(),
            outcome: near.outcome.to_string(),
            changes,
        }
    }
}

impl From<&Change> for NearChangeView {
    fn from(change: &Change) -> NearChangeView {
        NearChangeView {
            input: change.input.to_string(),
            to: Some(change.to.to_string()),
            cell: change.cell.to_string(),
            element: change.element,
        }
    }
}
