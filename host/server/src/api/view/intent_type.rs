//! Intent types: what can be asked for, and how it is written.

use super::intent::Looking;
use super::readiness::LiveView;
use countersign_core::going_live::{Reachable, fields};
use countersign_core::intent::{IntentType, TypeState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One intent type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IntentTypeView {
    /// Its name.
    pub name: String,
    /// draft (only trials are taken) or live.
    pub state: String,
    /// Since when it is live and on what trial; absent if its file alone says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<LiveView>,
    /// What keeps a draft from going live, its trial aside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacking: Vec<String>,
    /// financial, legal or low.
    pub impact: String,
    /// The pool that owns it.
    pub owner: String,
    /// closed or may-open.
    pub fail_mode: String,
    /// hard, soft or advisory.
    pub enforcement: String,
    /// How many exceptions it may have and what follows, as the file has it; absent without such a budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception_budget: Option<String>,
    /// Who may ask for it, as the file has it; none where everybody may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked_by: Vec<String>,
    /// Who decides alone in an emergency and for how long, as the file has it; absent if nobody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<String>,
    /// How long a seal lives, in milliseconds.
    pub seal_ms: u64,
    /// Connections that are written to.
    pub destinations: Vec<String>,
    /// What the requester says.
    pub tokens: Vec<TokenView>,
    /// What the host finds out itself.
    pub facts: Vec<FactTypeView>,
    /// What is changed where.
    pub bindings: Vec<BindingView>,
    /// Content address of the policy in force; absent if none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

/// A token of an intent type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    /// Its name; a dotted one belongs to the elements of the list.
    pub name: String,
    /// Its type with unit and bounds, as the file has it.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it must be there.
    pub required: bool,
    /// What it means.
    pub meaning: String,
}

/// A fact of an intent type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FactTypeView {
    /// Its name.
    pub name: String,
    /// Its type with unit and bounds.
    #[serde(rename = "type")]
    pub kind: String,
}

/// One change to one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BindingView {
    /// Its name.
    pub name: String,
    /// The connection.
    pub connection: String,
    /// The connector's operation.
    pub operation: String,
}

impl IntentTypeView {
    /// An intent type with the policy that is in force now; `reachable` are the connections.
    #[must_use]
    pub fn of(schema: &IntentType, looking: Looking<'_>, reachable: &Reachable) -> IntentTypeView {
        let Looking { rulebook, now, .. } = looking;
        let state = rulebook.state_of(schema);
        let lacking = match state {
            TypeState::Live => Vec::new(),
            TypeState::Draft => fields(rulebook, schema, reachable, now).1,
        };
        let tokens = schema.tokens.iter().map(|token| TokenView {
            name: token.name.to_string(),
            kind: token.kind.to_string(),
            required: token.required,
            meaning: token.meaning.clone(),
        });
        let facts = schema.facts.iter();
        let bindings = schema.bindings.iter().map(|binding| BindingView {
            name: binding.name.to_string(),
            connection: binding.connection.to_string(),
            operation: binding.operation.clone(),
        });
        IntentTypeView {
            name: schema.name.to_string(),
            state: state.as_str().to_owned(),
            live: LiveView::of(looking, schema),
            lacking: lacking.iter().map(ToString::to_string).collect(),
            impact: schema.impact.as_str().to_owned(),
            owner: schema.owner.to_string(),
            fail_mode: schema.fail_mode.as_str().to_owned(),
            enforcement: schema.enforcement.as_str().to_owned(),
            exception_budget: schema.budget.as_ref().map(ToString::to_string),
            asked_by: schema.asked_by.iter().flatten().map(ToString::to_string).collect(),
            break_glass: schema.break_glass.as_ref().map(ToString::to_string),
            seal_ms: schema.expires.0,
            destinations: schema.destinations.iter().map(ToString::to_string).collect(),
            tokens: tokens.collect(),
            facts: facts
                .map(|fact| FactTypeView { name: fact.name.to_string(), kind: fact.kind.to_string() })
                .collect(),
            bindings: bindings.collect(),
            policy: rulebook.policy(&schema.name, now).map(|policy| policy.version.to_string()),
        }
    }
}
