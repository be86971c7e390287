//! Intent types: what may be asked, what the host finds out itself, and what is written after an
//! approval. Every request passes [`IntentType::validate`]; nothing that it refuses goes further.

mod fact;
pub mod kind;
pub mod literal;
mod parse;
mod raw;
mod tables;
mod validate;
pub mod value;
mod visibility;
mod write;

pub use fact::{FactSource, FactSpec, LogMeasure, LogStanding, RecordRead, Window};
pub use kind::{FieldType, Grid, Unit};
pub(crate) use parse::{SECTIONS, defined_by};
pub use raw::Raw;
pub use validate::TokenFault;
pub use value::{Day, FactValue, Facts, Percent, TokenValue, Tokens};
pub use visibility::{SeenBy, Visibility};
pub use write::{
    DecisionWords, EngineNames, Planned, Write, WriteFault, WriteValue, fill_placeholders, fill_planned,
};

use crate::break_glass::BreakGlass;
use crate::budget::Budget;
use crate::document::{Aside, Place};
use crate::effect::attempt::Guarantee;
use crate::id::{BindingName, ConnectionName, FieldName, IntentTypeName, PersonId, PoolName};
use crate::money::Money;
use crate::policy::Whom;
use crate::time::Millis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What is at risk when an intent is decided wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Impact {
    /// Money.
    Financial,
    /// Obligations.
    Legal,
    /// Neither; the only impact that may fail open.
    Low,
}

impl Impact {
    /// The word of it on every surface.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Impact::Financial => "financial",
            Impact::Legal => "legal",
            Impact::Low => "low",
        }
    }
}

/// What `unsure` may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailMode {
    /// A person is asked, always.
    Closed,
    /// The policy may let it pass, within what its owner declared.
    MayOpen,
}

impl FailMode {
    /// The word of it on every surface.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            FailMode::Closed => "closed",
            FailMode::MayOpen => "may-open",
        }
    }
}

/// Whether a person may decide against the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Enforcement {
    /// Never.
    Hard,
    /// With a reason and evidence.
    Soft,
    /// Decisions are recorded, nothing is written.
    Advisory,
}

impl Enforcement {
    /// The word of it on every surface.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Enforcement::Hard => "hard",
            Enforcement::Soft => "soft",
            Enforcement::Advisory => "advisory",
        }
    }
}

/// What the file of an intent type says of its being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeState {
    /// Nobody relies on it yet: only trials are taken, until the record says that it went live.
    Draft,
    /// Intents are taken.
    Live,
}

impl TypeState {
    /// The word of it on every surface.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            TypeState::Draft => "draft",
            TypeState::Live => "live",
        }
    }
}

/// How an intent of this type begins its life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// A webhook of a connection.
    Webhook {
        /// The connection.
        connection: ConnectionName,
        /// The name of the hook.
        hook: String,
    },
    /// A record of a kind changed.
    RecordChange {
        /// The connection.
        connection: ConnectionName,
        /// The kind of record.
        kind: String,
    },
    /// A person presses a button.
    Button,
}

impl fmt::Display for Trigger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trigger::Webhook { connection, hook } => write!(formatter, "webhook {connection} {hook}"),
            Trigger::RecordChange { connection, kind } => {
                write!(formatter, "record change {connection} {kind}")
            }
            Trigger::Button => formatter.write_str("button"),
        }
    }
}

/// What to do with the rest when one binding is rejected after others landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// Wait for a person.
    Hold,
    /// Take back what has landed: all of the intent stands, or nothing of it.
    Undo,
    /// Go on with the rest.
    Continue,
}

/// What reconciliation does about a field that is not as approved; the later ones are the more careful.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remedy {
    /// Write it again.
    ReAssert,
    /// Take what is there as the truth, as an intent of its own.
    Adopt,
    /// Ask a person.
    Exception,
}

/// A token of an intent type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenSpec {
    /// Its name; a dotted one belongs to the elements of the list.
    pub name: FieldName,
    /// Its type.
    pub kind: FieldType,
    /// Whether it must be there.
    pub required: bool,
    /// What it means, for the requester.
    pub meaning: String,
}

/// One change to one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Binding {
    /// Its name.
    pub name: BindingName,
    /// The connection.
    pub connection: ConnectionName,
    /// The connector's operation.
    pub operation: String,
    /// The token or fact that names the record; `None` is the connection's default parent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<FieldName>,
    /// The guarantees that are good enough.
    pub guarantees: Vec<Guarantee>,
    /// Bindings that must have landed before.
    pub after: Vec<BindingName>,
    /// What becomes of the rest when this one is rejected.
    pub on_failure: OnFailure,
}

/// A field that reconciliation watches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reconciled {
    /// The field.
    pub field: String,
    /// The binding that writes it.
    pub binding: BindingName,
    /// Whether the type is not live without reading it back.
    pub required: bool,
    /// When the write has not arrived.
    pub late: Remedy,
    /// When something else is there.
    pub drifted: Remedy,
    /// When the record is gone.
    pub gone: Remedy,
}

/// A reason for which a person may decide against the policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OverrideRule {
    /// The reason.
    pub reason: String,
    /// Kinds of evidence that must be given.
    pub evidence: Vec<String>,
    /// Who may.
    pub by: Whom,
    /// So many ...
    pub review_after: u32,
    /// ... in so many days open a post-mortem.
    pub review_days: u32,
    /// Whether there are no more of them until it is closed.
    #[serde(skip_serializing_if = "is_false")]
    pub then_blocked: bool,
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

/// A sample of decisions that a pool looks at again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QaCheckpoint {
    /// Of a hundred.
    pub percent: u32,
    /// `week` or `month`.
    pub each: String,
    /// Who looks.
    pub pool: PoolName,
    /// The list of questions.
    pub list: String,
}

/// The schema of an intent: its tokens, facts, writes, owner and fail mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IntentType {
    /// Its name.
    pub name: IntentTypeName,
    /// What is at risk.
    pub impact: Impact,
    /// The pool that owns the type.
    pub owner: PoolName,
    /// The pool that owns broken connections of it.
    pub incident_owner: PoolName,
    /// Who owns what everybody missed.
    pub fallback_owner: PersonId,
    /// Where intents come from.
    pub source: ConnectionName,
    /// How they begin.
    pub trigger: Trigger,
    /// Where approvals are written to.
    pub destinations: Vec<ConnectionName>,
    /// The token that names the record it is about.
    pub subject: FieldName,
    /// The money that exceptions and measures use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount_at_stake: Option<FieldName>,
    /// Rows of the exception table that its causes reach.
    pub exception_routes: Vec<String>,
    /// The sample that is looked at again.
    pub qa_checkpoint: QaCheckpoint,
    /// Tokens that group the measures.
    pub reporting: Vec<FieldName>,
    /// What `unsure` may become.
    pub fail_mode: FailMode,
    /// Whether a person may decide against the policy.
    pub enforcement: Enforcement,
    /// How many exceptions it may have, and what becomes of new intents after that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// How often it may be sent back.
    pub rounds: u32,
    /// How long a seal lives.
    pub expires: Millis,
    /// What the requester says.
    pub tokens: Vec<TokenSpec>,
    /// What the host finds out.
    pub facts: Vec<FactSpec>,
    /// What is changed where.
    pub bindings: Vec<Binding>,
    /// What is written.
    pub writes: Vec<Write>,
    /// What is watched.
    pub reconciliation: Vec<Reconciled>,
    /// For which reasons a person may decide against the policy.
    pub overrides: Vec<OverrideRule>,
    /// What its file says of its being used. It is no part of a policy's version, so that going live changes
    /// none; what counts is [`crate::rulebook::Rulebook::state_of`].
    #[serde(skip)]
    pub state: TypeState,
    /// Who sees what of its intents.
    #[serde(skip)]
    pub visibility: Visibility,
    /// Who may ask for it; everybody of the house without the row. No part of what is decided.
    #[serde(skip)]
    pub asked_by: Option<Vec<Whom>>,
    /// Who decides alone in an emergency, and for how long; nobody without the row. No part of what a policy decides,
    /// and so of no version of one.
    #[serde(skip)]
    pub break_glass: Option<BreakGlass>,
    /// Path of its file.
    #[serde(skip)]
    pub path: String,
    /// Places in its file by what stands there, for faults that only the whole set shows.
    #[serde(skip)]
    pub places: Aside<BTreeMap<String, Place>>,
}

impl IntentType {
    /// What is watched of the writes of a binding.
    #[must_use]
    pub fn watched(&self, binding: &BindingName) -> Vec<&Reconciled> {
        self.reconciliation.iter().filter(|row| row.binding == *binding).collect()
    }

    /// The token called `name`.
    #[must_use]
    pub fn token(&self, name: &FieldName) -> Option<&TokenSpec> {
        self.tokens.iter().find(|token| token.name == *name)
    }

    /// The facts that the host must find out before an evaluation.
    #[must_use]
    pub fn facts(&self) -> &[FactSpec] {
        &self.facts
    }

    /// The type of the token or fact called `name`.
    #[must_use]
    pub fn kind_of(&self, name: &FieldName) -> Option<&FieldType> {
        let token = self.tokens.iter().find(|token| token.name == *name).map(|token| &token.kind);
        token.or_else(|| self.facts.iter().find(|fact| fact.name == *name).map(|fact| &fact.kind))
    }

    /// The name of the one list, if the type has one.
    #[must_use]
    pub fn list(&self) -> Option<&FieldName> {
        self.tokens.iter().find(|token| matches!(token.kind, FieldType::List { .. })).map(|token| &token.name)
    }

    /// Whether it can be decided and closed without looking at the world: no facts, no writes, and
    /// no evidence that the host must compute.
    #[must_use]
    pub fn is_self_contained(&self) -> bool {
        self.facts.is_empty() && self.bindings.is_empty() && !crate::built_in::is_built_in(&self.name)
    }

    /// The record that an intent with these tokens is about, in words.
    #[must_use]
    pub fn subject_of(&self, tokens: &Tokens) -> Option<String> {
        tokens.get(&self.subject).map(|value| match value {
            TokenValue::Record(record) => record.id.clone(),
            TokenValue::Percent(_)
            | TokenValue::Money(_)
            | TokenValue::Months(_)
            | TokenValue::Days(_)
            | TokenValue::Count(_)
            | TokenValue::YesNo(_)
            | TokenValue::OneOf(_)
            | TokenValue::Date(_)
            | TokenValue::Text(_)
            | TokenValue::List(_) => value.to_string(),
        })
    }

    /// The money at stake, as far as the tokens say; a fact may say it later ([`Self::stake_with`]).
    #[must_use]
    pub fn stake_of(&self, tokens: &Tokens) -> Option<Money> {
        match tokens.get(self.amount_at_stake.as_ref()?) {
            Some(TokenValue::Money(money)) => Some(*money),
            Some(_) | None => None,
        }
    }

    /// The money at stake, from tokens or facts.
    #[must_use]
    pub fn stake_with(&self, tokens: &Tokens, facts: &Facts) -> Option<Money> {
        let from_fact = || match facts.get(self.amount_at_stake.as_ref()?) {
            Some(FactValue::Known(TokenValue::Money(money))) => Some(*money),
            Some(_) | None => None,
        };
        self.stake_of(tokens).or_else(from_fact)
    }
}

#[cfg(test)]
mod tests;
