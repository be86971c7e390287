//! The built-in intent type `go_live`: what it is asked with.

use super::{GO_LIVE, GO_LIVE_ROUTE};
use crate::built_in::{Described, token, words};
use crate::id::{IntentTypeName, RouteName};

/// The built-in intent type `go_live`.
pub(crate) fn described() -> Option<Described> {
    Some(Described {
        name: IntentTypeName::parse(GO_LIVE).ok()?,
        route: RouteName::parse(GO_LIVE_ROUTE).ok()?,
        because: "no intent type goes live on one person's word",
        subject: "intent",
        tokens: vec![
            token("intent", words(1, 64), true, "the intent type that goes live")?,
            token("trial", words(1, 64), true, "the trial that shows that it works")?,
            token("reason", words(1, 2_000), true, "why now, for whoever decides")?,
            token(
                "waive_trigger",
                words(1, 2_000),
                false,
                "why the trigger need not be shown, where this host has none of its kind",
            )?,
        ],
        list: "intent-types",
        withheld: Vec::new(),
    })
}
