//! Why a seat stays in the hands that it is in, and why no voice is added to it.

use super::refusal::list;
use crate::id::PersonId;
use crate::time::Timestamp;
use std::fmt;

/// Why a seat is not handed over, given back or given another voice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotHanded {
    /// The person stands in for somebody: a seat is never passed on.
    NotTheirs {
        /// Who tried.
        person: PersonId,
        /// Whose it is.
        whose: PersonId,
    },
    /// Nobody lets this person stand in.
    NoDeputy {
        /// To whom it was to go.
        to: PersonId,
        /// To whom it can go.
        deputies: Vec<PersonId>,
    },
    /// A delegation ends after now, and not too late.
    Time {
        /// The last moment at which one can end.
        latest: Timestamp,
    },
    /// The person has handed over and added nothing that could be taken back.
    Nothing(PersonId),
    /// The person decides already, or cannot decide at all.
    NoVoice(PersonId),
    /// As many voices were added as may be.
    VoicesSpent(usize),
    /// A voice is in already, so that none can come before it.
    TooLate(PersonId),
    /// The person is no administrator.
    NoAdministrator(PersonId),
}

impl NotHanded {
    /// The documented code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            NotHanded::NotTheirs { .. } => "CS-E0150",
            NotHanded::NoDeputy { .. } => "CS-E0151",
            NotHanded::Time { .. } => "CS-E0152",
            NotHanded::Nothing(_) => "CS-E0153",
            NotHanded::NoVoice(_) => "CS-E0154",
            NotHanded::VoicesSpent(_) => "CS-E0155",
            NotHanded::TooLate(_) => "CS-E0156",
            NotHanded::NoAdministrator(_) => "CS-E0190",
        }
    }

    /// What the person can do next.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            NotHanded::NotTheirs { .. } => "decide, or give it back with `release`",
            NotHanded::NoDeputy { .. } => {
                "name one of them; who stands in for whom is in `people.md`: standby, cover, manager"
            }
            NotHanded::Time { .. } => "name a moment in between",
            NotHanded::Nothing(_) => "read the intent again to see who has which seat",
            NotHanded::NoVoice(_) => "name somebody who is there and has no seat in it",
            NotHanded::VoicesSpent(_) => "decide on what is known",
            NotHanded::TooLate(_) => {
                "add the voice after the seat: without `--before`, in the API `order` `after`"
            }
            NotHanded::NoAdministrator(_) => "ask one; who they are is in `people.md` under `Duties`",
        }
    }
}

impl fmt::Display for NotHanded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotHanded::NotTheirs { person, whose } => {
                write!(formatter, "`{person}` stands in for `{whose}` and cannot pass the seat on")
            }
            NotHanded::NoDeputy { to, deputies } => {
                write!(formatter, "it cannot go to `{to}`; it can go to {}", list(deputies))
            }
            NotHanded::Time { latest } => {
                write!(formatter, "a delegation ends after now, and at {latest} at the latest")
            }
            NotHanded::Nothing(person) => {
                write!(formatter, "`{person}` has handed over and added nothing that is still open")
            }
            NotHanded::NoVoice(person) => {
                write!(
                    formatter,
                    "`{person}` cannot be given a voice: they have a seat in it, asked for it, or are not there"
                )
            }
            NotHanded::VoicesSpent(most) => {
                write!(formatter, "{most} voices were added to this revision; there are no more")
            }
            NotHanded::TooLate(person) => {
                write!(formatter, "`{person}` has decided in this seat already, so nobody comes before it")
            }
            NotHanded::NoAdministrator(person) => write!(formatter, "`{person}` is no administrator"),
        }
    }
}
