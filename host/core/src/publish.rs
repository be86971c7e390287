//! Publishing a policy is an intent like every other one: the built-in intent type `policy_change`,
//! what a change must pass at the door, the evidence that its approvers see, and what is checked
//! once more before it becomes active.
//!
//! All of it is pure: who has an open intent of the changed type is found out by the host and comes
//! in as an argument.

mod built_in;
mod evidence;
mod examine;

pub use built_in::voices;
pub(crate) use built_in::{described, named_by, seated_by};
pub use evidence::{Again, Change, Tally};
pub(crate) use examine::no_route;
pub use examine::{Found, admit, confirm, evidence, places};

use crate::id::{FieldName, IntentTypeName};
use crate::intent::{TokenValue, Tokens};
use std::collections::BTreeSet;

/// Name of the built-in intent type.
pub const POLICY_CHANGE: &str = "policy_change";
/// Name of the shared route that decides it.
pub const POLICY_CHANGE_ROUTE: &str = "policy-change";
/// Longest document that can be published, in bytes: with the escapes of its line ends and quotes
/// it stays well below the largest entry of the log.
pub const POLICY_CHANGE_BYTES_MAX: usize = 192 * 1024;
/// Most bytes of the files that a first publication takes the place of: they go into one entry.
pub const BASE_BYTES_MAX: usize = 384 * 1024;
/// Most kinds of warnings that one change accepts.
pub const ACCEPTED_MAX: i64 = 64;

/// Whether this is the built-in intent type.
#[must_use]
pub fn is_policy_change(name: &IntentTypeName) -> bool {
    name.as_str() == POLICY_CHANGE
}

/// What a `policy_change` asks for, as its tokens say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked<'a> {
    /// The intent type whose policy changes.
    pub of: IntentTypeName,
    /// The whole new document.
    pub document: &'a str,
    /// Why.
    pub reason: &'a str,
    /// Kinds of warnings that the publisher answers for.
    pub accept: BTreeSet<&'a str>,
}

impl<'a> Asked<'a> {
    /// Reads the tokens of a `policy_change`; `None` if these are not such tokens.
    #[must_use]
    pub fn of(tokens: &'a Tokens) -> Option<Asked<'a>> {
        let kinds = match field(tokens, "accept") {
            Some(TokenValue::List(items)) => items.as_slice(),
            Some(_) | None => &[],
        };
        let kind = FieldName::parse("kind").ok()?;
        Some(Asked {
            of: IntentTypeName::parse(text(field(tokens, "intent")?)?).ok()?,
            document: text(field(tokens, "document")?)?,
            reason: text(field(tokens, "reason")?)?,
            accept: kinds.iter().filter_map(|item| text(item.get(&kind)?)).collect(),
        })
    }
}

fn field<'a>(tokens: &'a Tokens, name: &str) -> Option<&'a TokenValue> {
    tokens.get(&FieldName::parse(name).ok()?)
}

fn text(value: &TokenValue) -> Option<&str> {
    match value {
        TokenValue::Text(text) => Some(text),
        TokenValue::Percent(_)
        | TokenValue::Money(_)
        | TokenValue::Months(_)
        | TokenValue::Days(_)
        | TokenValue::Count(_)
        | TokenValue::YesNo(_)
        | TokenValue::OneOf(_)
        | TokenValue::Date(_)
        | TokenValue::Record(_)
        | TokenValue::List(_) => None,
    }
}

#[cfg(test)]
mod tests;
