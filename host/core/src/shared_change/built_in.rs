//! The built-in intent type `shared_change`: what it is asked with, and whom it can seat.

use super::{SHARED_CHANGE, SHARED_CHANGE_ROUTE};
use crate::built_in::{Described, token, words};
use crate::id::{FieldName, IntentTypeName, PersonId, PoolName, RouteName};
use crate::publish::{POLICY_CHANGE_BYTES_MAX, seated_by};
use crate::rulebook::Rulebook;
use std::collections::BTreeSet;

/// The built-in intent type `shared_change`.
pub(crate) fn described() -> Option<Described> {
    let longest = i64::try_from(POLICY_CHANGE_BYTES_MAX).ok()?;
    Some(Described {
        name: IntentTypeName::parse(SHARED_CHANGE).ok()?,
        route: RouteName::parse(SHARED_CHANGE_ROUTE).ok()?,
        because: "nobody changes alone what all policies share",
        subject: "file",
        tokens: vec![
            token("file", words(1, 80), true, "people.md, routes.md or NAME.intent.md")?,
            token("document", words(1, longest), true, "its whole new text")?,
            token("reason", words(1, 2_000), true, "why, for whoever decides")?,
        ],
        list: "shared-files",
        // `people.md` says by which accounts people sign in, and where they are told.
        withheld: vec![FieldName::parse("document").ok()?],
    })
}

/// Everybody whom a change can seat, while nobody is away: whose open intents must be looked at.
#[must_use]
pub fn voices(rulebook: &Rulebook, owners: &[PoolName]) -> BTreeSet<PersonId> {
    seated_by(rulebook, SHARED_CHANGE_ROUTE, owners)
}
