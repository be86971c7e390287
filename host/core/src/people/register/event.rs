//! What is put on record about people: facts, in the past tense, each one entry of the log.

use super::{About, Away};
use crate::canonical::{self, NotCanonical};
use crate::id::{GroupId, PersonId};
use crate::people::CalendarName;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One entry of the record of people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When. A recorded fact, never an order.
    pub at: Timestamp,
    /// Who caused it.
    pub by: Actor,
    /// What happened.
    pub event: Event,
}

impl Entry {
    /// The bytes that stand in the log.
    ///
    /// # Errors
    /// [`NotCanonical`] if the entry holds what has no canonical form; none that passed the door does.
    pub fn to_bytes(&self) -> Result<Vec<u8>, NotCanonical> {
        canonical::to_vec(self)
    }
}

/// Who caused an entry: machines and persons are told apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Actor {
    /// An identity provider, by the name of its token.
    Token(String),
    /// A person, signed in.
    Person(PersonId),
}

impl fmt::Display for Actor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Actor::Token(name) => write!(formatter, "token {name}"),
            Actor::Person(person) => write!(formatter, "{person}"),
        }
    }
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

/// What can happen to people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// A person was put on record, and is there.
    Joined {
        /// Who.
        person: PersonId,
        /// What the identity provider says.
        about: About,
        /// Their calendar if `people.md` does not have them; the usual one of the file unless it is named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        calendar: Option<CalendarName>,
        /// Whether whoever runs the host has said that such an account is the person of this id, should `people.md`
        /// have one. Else the two only have a name in common.
        #[serde(default, skip_serializing_if = "is_false")]
        vouched: bool,
    },
    /// The identity provider says something else of a person.
    Changed {
        /// Who.
        person: PersonId,
        /// What it says now.
        about: About,
    },
    /// A person was deactivated: they have left until they return.
    Left {
        /// Who.
        person: PersonId,
    },
    /// A person was activated again. What they had by groups is not theirs again.
    Returned {
        /// Who.
        person: PersonId,
    },
    /// A person was deleted: they have left for good, and nobody has this id again.
    Deleted {
        /// Who.
        person: PersonId,
    },
    /// A group was made or changed.
    Grouped {
        /// Which.
        group: GroupId,
        /// What it is called now.
        name: String,
        /// The identity provider's own id of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        external: Option<String>,
        /// Who came into it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        added: Vec<PersonId>,
        /// Who went out of it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        removed: Vec<PersonId>,
    },
    /// A group was deleted.
    Disbanded {
        /// Which.
        group: GroupId,
    },
    /// A person will not be asked for some days.
    Away {
        /// By which number it can be ended.
        number: u64,
        /// Who, when, and who covers.
        away: Away,
    },
    /// An absence was ended or taken back.
    Back {
        /// Its number.
        number: u64,
    },
}
