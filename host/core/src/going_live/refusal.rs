//! A rule's no on the way from draft to live.

use super::Lack;
use crate::id::{IntentId, IntentTypeName, PersonId, PoolName};
use std::fmt;

/// Why a trial, an intent of a draft, or going live is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotLive {
    /// The intent type is a draft, so only trials of it are taken.
    Draft(IntentTypeName),
    /// The intent type is live, so no trial of it is taken.
    NotDraft(IntentTypeName),
    /// So many trials of the intent type were taken today that no more are.
    TooManyTrials {
        /// The intent type.
        of: IntentTypeName,
        /// Most of them on one day.
        most: u32,
    },
    /// Somebody has asked already that the intent type goes live.
    Asked {
        /// The intent type.
        of: IntentTypeName,
        /// Where that is decided.
        intent: IntentId,
    },
    /// Only the pool that owns an intent type tries it out and lets it go live.
    NotOfOwner {
        /// Who tried.
        person: PersonId,
        /// The pool.
        pool: PoolName,
    },
    /// The intent type lacks something before it can go live; everything at once.
    NotReady {
        /// The intent type.
        of: IntentTypeName,
        /// What is lacking.
        lacking: Vec<Lack>,
    },
    /// What the intent type goes live on is not any more what was shown.
    Overtaken(IntentTypeName),
    /// `routes.md` has no route by which an intent type goes live.
    NoRoute(&'static str),
}

impl NotLive {
    /// The documented code of this refusal.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            NotLive::Draft(_) => "CS-E0180",
            NotLive::NotDraft(_) => "CS-E0181",
            NotLive::NotOfOwner { .. } => "CS-E0182",
            NotLive::NotReady { .. } => "CS-E0183",
            NotLive::Overtaken(_) => "CS-E0184",
            NotLive::NoRoute(_) => "CS-E0185",
            NotLive::TooManyTrials { .. } => "CS-E0186",
            NotLive::Asked { .. } => "CS-E0187",
        }
    }

    /// What the person can do next.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            NotLive::Draft(_) => {
                "somebody of the pool that owns it can submit it as a trial: `--trial`, in the API `\"trial\": true`"
            }
            NotLive::NotDraft(_) => {
                "submit it as an intent; what a policy would answer, `countersign policy explain` says"
            }
            NotLive::TooManyTrials { .. } => {
                "go on tomorrow (by UTC), or let the type go live on a trial that it has"
            }
            NotLive::Asked { .. } => {
                "have that one decided, or withdrawn by whoever asked, before you ask anew"
            }
            NotLive::NotOfOwner { .. } => "ask somebody of that pool",
            NotLive::NotReady { .. } => {
                "put right what is listed, try the type out again if it changes by that, and ask anew"
            }
            NotLive::Overtaken(_) => "withdraw it and ask anew, so that what it rests on is shown anew",
            NotLive::NoRoute(_) => {
                "add its row to `routes.md`: whom `owner of policy`, need 1, within, backup, finally `decline`"
            }
        }
    }
}

impl fmt::Display for NotLive {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotLive::Draft(name) => {
                write!(formatter, "intent type `{name}` is a draft: only trials are taken")
            }
            NotLive::NotDraft(name) => {
                write!(formatter, "intent type `{name}` is live already")
            }
            NotLive::Asked { of, intent } => {
                write!(formatter, "whether intent type `{of}` goes live is decided in `{intent}` already")
            }
            NotLive::TooManyTrials { of, most } => {
                write!(formatter, "{most} trials of intent type `{of}` were taken today, and no more are")
            }
            NotLive::NotOfOwner { person, pool } => {
                write!(formatter, "`{person}` is not of pool `{pool}`, which owns the intent type")
            }
            NotLive::NotReady { of, lacking } => {
                let words: Vec<String> = lacking.iter().map(ToString::to_string).collect();
                write!(formatter, "intent type `{of}` is not ready to go live: {}", words.join("; "))
            }
            NotLive::Overtaken(name) => {
                write!(formatter, "intent type `{name}` or its trial is not any more what was shown")
            }
            NotLive::NoRoute(route) => {
                write!(formatter, "there is no route `{route}`, so nobody can decide it")
            }
        }
    }
}
