//! Why the requester is asked nothing, and nothing is sent back to them.

use crate::id::PersonId;
use std::fmt;

/// Why a question is not asked, or an intent not sent back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAsked {
    /// This person has asked, and the requester has not answered yet.
    Already(PersonId),
    /// As many questions were asked about one revision as may be.
    Spent(usize),
    /// Whoever would have to answer or amend has left the house.
    Left(PersonId),
}

impl NotAsked {
    /// The documented code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            NotAsked::Already(_) => "CS-E0126",
            NotAsked::Spent(_) => "CS-E0127",
            NotAsked::Left(_) => "CS-E0242",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            NotAsked::Already(_) => "wait for the answer, or decide without it",
            NotAsked::Spent(_) | NotAsked::Left(_) => "decide on what is known",
        }
    }
}

impl fmt::Display for NotAsked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotAsked::Already(person) => {
                write!(formatter, "`{person}` has asked already, and the requester has not answered yet")
            }
            NotAsked::Spent(most) => {
                write!(formatter, "{most} questions were asked about this revision; there are no more")
            }
            NotAsked::Left(person) => {
                write!(formatter, "`{person}`, who answers for it, has left the house")
            }
        }
    }
}
