//! Reviews of access: what somebody says of rights, who may say it, and what stands on record.

use super::{Right, may_review, owners, reviewers};
use crate::canonical::{self, NotCanonical};
use crate::id::PersonId;
use crate::people::{Directory, Duty};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Most verdicts of one review: they stand in one entry of the log.
pub const VERDICTS_MAX: usize = 500;
/// Longest reason, in bytes.
pub const REASON_BYTES_MAX: usize = 500;

/// What somebody says of a right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    /// It is still right.
    Keep,
    /// It is to be taken away.
    Remove,
}

impl Said {
    /// The one of this word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Said> {
        [Said::Keep, Said::Remove].into_iter().find(|said| said.as_str() == text)
    }

    /// The word of it on every surface.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Said::Keep => "keep",
            Said::Remove => "remove",
        }
    }
}

/// A verdict on one right, as it stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The right.
    pub right: Right,
    /// What is said of it.
    pub said: Said,
    /// Why it is to be taken away; what somebody wants to say of one that stays.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// One entry of the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: PersonId,
    /// What happened.
    pub event: Event,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// Somebody reviewed rights.
    Reviewed {
        /// What they say of which.
        verdicts: Vec<Verdict>,
        /// How many rights there were then, of everybody.
        rights: u64,
        /// At how many of them somebody should still look after it: of which nothing was said as they stand, or which are
        /// to be taken away.
        open: u64,
    },
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

/// The last that was said of a right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Last {
    /// The id that it had.
    pub id: String,
    /// What.
    pub said: Said,
    /// By whom.
    pub by: PersonId,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// How a right stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing<'a> {
    /// Nobody has said anything of it.
    Never,
    /// It was to stay, and more or less follows from it since.
    Changed(&'a Last),
    /// It is to stay.
    Kept(&'a Last),
    /// It is to be taken away, and is still there.
    ToRemove(&'a Last),
}

impl Standing<'_> {
    /// The word of it on every surface.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Standing::Never => "never-reviewed",
            Standing::Changed(_) => "changed",
            Standing::Kept(_) => "kept",
            Standing::ToRemove(_) => "to-remove",
        }
    }

    /// The last that was said of it.
    #[must_use]
    pub fn last(&self) -> Option<&Last> {
        match self {
            Standing::Never => None,
            Standing::Changed(last) | Standing::Kept(last) | Standing::ToRemove(last) => Some(last),
        }
    }

    /// Whether somebody should look at it: nothing was said of it as it stands, it is to be taken away, or it was to stay
    /// before this moment.
    #[must_use]
    pub fn is_open(self, since: Option<Timestamp>) -> bool {
        match self {
            Standing::Never | Standing::Changed(_) | Standing::ToRemove(_) => true,
            Standing::Kept(last) => since.is_some_and(|since| last.at < since),
        }
    }
}

/// What was said last of each right that ever was reviewed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reviews {
    last: BTreeMap<(String, PersonId), Last>,
}

impl Reviews {
    /// Takes one more entry.
    pub fn take(&mut self, entry: Entry) {
        let Entry { at, by, event: Event::Reviewed { verdicts, .. } } = entry;
        for Verdict { right, said, reason } in verdicts {
            let last = Last { id: right.id(), said, by: by.clone(), at, reason };
            self.last.insert((right.what, right.person), last);
        }
    }

    /// How a right stands.
    #[must_use]
    pub fn standing(&self, right: &Right) -> Standing<'_> {
        match self.last.get(&(right.what.clone(), right.person.clone())) {
            None => Standing::Never,
            Some(last) if last.said == Said::Remove => Standing::ToRemove(last),
            Some(last) if last.id == right.id() => Standing::Kept(last),
            Some(last) => Standing::Changed(last),
        }
    }
}

/// What somebody asks for: the id of a right, what they say of it, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The right.
    pub id: String,
    /// What is said.
    pub said: Said,
    /// Why.
    pub reason: String,
}

/// A rule's no to a review. Nothing is stored then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotReviewed {
    /// There is no such right, or not as it was read.
    Unknown(String),
    /// It is for others to say.
    NotTheirs {
        /// What.
        what: String,
        /// Whose.
        person: PersonId,
        /// Who can.
        reviewers: Vec<PersonId>,
    },
    /// A right stands twice in it.
    Twice(String),
    /// Nothing is said, or too much at once.
    Count(usize),
    /// Why is missing, or too long.
    Reason(String),
}

impl NotReviewed {
    /// The documented code of this refusal.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            NotReviewed::Unknown(_) => "CS-E0256",
            NotReviewed::NotTheirs { .. } => "CS-E0257",
            NotReviewed::Twice(_) | NotReviewed::Count(_) | NotReviewed::Reason(_) => "CS-E0258",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            NotReviewed::Unknown(_) => {
                "read the list once more: a right has another id as soon as something else follows from it"
                    .to_owned()
            }
            NotReviewed::NotTheirs { reviewers, .. } if reviewers.is_empty() => {
                "nobody else owns the list of people: `people.md` names its owner, a pool of two or more"
                    .to_owned()
            }
            NotReviewed::NotTheirs { reviewers, .. } => {
                let names: Vec<&str> = reviewers.iter().map(PersonId::as_str).collect();
                format!("ask {}", names.join(" or "))
            }
            NotReviewed::Twice(_) => "say one thing of each right".to_owned(),
            NotReviewed::Count(_) => {
                format!("say something of one right or more, up to {VERDICTS_MAX} at once")
            }
            NotReviewed::Reason(_) => format!(
                "say why a right is to be taken away, or stays although somebody wanted it gone, in up to {REASON_BYTES_MAX} bytes"
            ),
        }
    }
}

impl fmt::Display for NotReviewed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotReviewed::Unknown(id) => write!(formatter, "there is no right `{}` now", id.escape_debug()),
            NotReviewed::NotTheirs { what, person, .. } => {
                write!(formatter, "whether `{person}` keeps `{what}` is for somebody else to say")
            }
            NotReviewed::Twice(id) => {
                write!(formatter, "the right `{}` stands there twice", id.escape_debug())
            }
            NotReviewed::Count(count) => write!(formatter, "it says something of {count} rights"),
            NotReviewed::Reason(id) => {
                write!(formatter, "the right `{}` has no fit reason", id.escape_debug())
            }
        }
    }
}

/// What goes on record if this person says this of these rights, of which `reviews` says what was said before.
///
/// A right that is to be taken away stays only if whoever said so says otherwise, or somebody who owns the list of people;
/// and they say why.
///
/// # Errors
/// [`NotReviewed`] for the first verdict that cannot be. Of a right that is not for them nobody hears that it is there.
pub fn decide(
    (directory, rights): (&Directory, &[Right]),
    reviews: &Reviews,
    by: &PersonId,
    asked: &[Asked],
) -> Result<Event, NotReviewed> {
    if asked.is_empty() || VERDICTS_MAX < asked.len() {
        return Err(NotReviewed::Count(asked.len()));
    }
    let known: BTreeMap<String, &Right> = rights.iter().map(|right| (right.id(), right)).collect();
    let (mut once, mut verdicts) = (BTreeMap::new(), Vec::with_capacity(asked.len()));
    for Asked { id, said, reason } in asked {
        let Some(right) = known.get(id) else { return Err(NotReviewed::Unknown(id.clone())) };
        let mut reviewers = reviewers(directory, right);
        let sees = right.is_of(by) || reviewers.contains(by) || directory.has_duty(by, Duty::Auditor);
        if !sees {
            return Err(NotReviewed::Unknown(id.clone()));
        }
        let contradicted = match reviews.standing(right) {
            Standing::ToRemove(last) if *said == Said::Keep => Some(last),
            Standing::Never | Standing::Changed(_) | Standing::Kept(_) | Standing::ToRemove(_) => None,
        };
        if let Some(last) = contradicted {
            let people = owners(directory).into_iter().chain([last.by.clone()]);
            reviewers = may_review(directory, right, people);
        }
        if !reviewers.contains(by) {
            let (what, person) = (right.what.clone(), right.person.clone());
            return Err(NotReviewed::NotTheirs { what, person, reviewers });
        }
        if once.insert(id, *said).is_some() {
            return Err(NotReviewed::Twice(id.clone()));
        }
        let reason = reason.trim();
        let lacks = reason.is_empty() && (*said == Said::Remove || contradicted.is_some());
        if lacks || REASON_BYTES_MAX < reason.len() {
            return Err(NotReviewed::Reason(id.clone()));
        }
        verdicts.push(Verdict { right: Right::clone(right), said: *said, reason: reason.to_owned() });
    }
    let open = known.iter().filter(|(id, right)| match once.get(id) {
        Some(Said::Keep) => false,
        Some(Said::Remove) => true,
        None => reviews.standing(right).is_open(None),
    });
    let open = open.count();
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    Ok(Event::Reviewed { verdicts, rights: count(rights.len()), open: count(open) })
}
