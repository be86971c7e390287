//! Why something is not put on record about people.

use super::{ABSENCE_DAYS_MAX, ABSENCES_OF_ONE_MAX};
use crate::id::{IntentId, PersonId};
use crate::intent::value::Day;
use std::fmt;

/// A rule's no to a change of the record of people. Nothing is stored then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotRecorded {
    /// The id was somebody's who was deleted.
    IdSpent(PersonId),
    /// The person is on record already.
    Joined(PersonId),
    /// The account is, or was, somebody else's.
    AccountTaken {
        /// The account or user name.
        account: String,
        /// Whose.
        whose: PersonId,
    },
    /// There is a group of this name.
    GroupTaken(String),
    /// A name of an account or a group that cannot be one.
    NoName(String),
    /// There is no such person on record, or none any more.
    NoMember(PersonId),
    /// There is no such group.
    NoGroup(String),
    /// Managers would form a circle.
    Circle(PersonId),
    /// More than the record takes.
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many it takes.
        most: usize,
    },
    /// The person is not in the house.
    NotThere(PersonId),
    /// This is not for that person to say.
    NotTheirs {
        /// Who tried.
        by: String,
        /// Whose absence.
        person: PersonId,
    },
    /// Whoever sends somebody else away never gains by it.
    SelfDealing {
        /// Who tried.
        by: PersonId,
        /// Their intent that waits for the person; `None` if they would cover themselves.
        intent: Option<IntentId>,
    },
    /// The days of an absence do not fit.
    Days(String),
    /// The house does not let this person cover.
    NoCover {
        /// Who was to cover.
        cover: PersonId,
        /// Who can.
        covers: Vec<PersonId>,
    },
    /// Whoever is to cover is away themselves.
    CoverAway {
        /// Who was to cover.
        cover: PersonId,
        /// Until when they are away.
        until: Day,
    },
    /// The person is away on some of the days already.
    Overlaps {
        /// Who.
        person: PersonId,
        /// First day of the other absence.
        from: Day,
        /// Its last day.
        until: Day,
    },
    /// There is no such absence on record.
    NotAway(PersonId),
}

impl NotRecorded {
    /// The documented code of this refusal.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            NotRecorded::IdSpent(_) => "CS-E0160",
            NotRecorded::Joined(_) | NotRecorded::AccountTaken { .. } | NotRecorded::GroupTaken(_) => {
                "CS-E0161"
            }
            NotRecorded::NoName(_) | NotRecorded::Circle(_) => "CS-E0162",
            NotRecorded::NoMember(_) | NotRecorded::NoGroup(_) | NotRecorded::NotThere(_) => "CS-E0163",
            NotRecorded::NotTheirs { .. } | NotRecorded::SelfDealing { .. } => "CS-E0164",
            NotRecorded::Days(_) => "CS-E0165",
            NotRecorded::Overlaps { .. } => "CS-E0166",
            NotRecorded::NoCover { .. } | NotRecorded::CoverAway { .. } => "CS-E0167",
            NotRecorded::TooMany { .. } => "CS-E0168",
            NotRecorded::NotAway(_) => "CS-E0169",
        }
    }

    /// What can be done next.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            NotRecorded::IdSpent(_) => {
                "give the account another user name; to take a deletion back is not possible, so deactivate \
                 whoever may return"
            }
            NotRecorded::Joined(_) => "change the one that is on record",
            NotRecorded::AccountTaken { .. } => {
                "give it another user name and external id; deactivate whoever may return, and do not delete them"
            }
            NotRecorded::GroupTaken(_) => "change the group that is on record, or choose another name",
            NotRecorded::NoName(_) => "use visible characters on one line",
            NotRecorded::NoMember(_) => "create the user first; a deleted one does not come back",
            NotRecorded::NoGroup(_) => "create the group first",
            NotRecorded::Circle(_) => "name somebody above both of them",
            NotRecorded::TooMany { .. } => "delete what is not needed any more, or end it",
            NotRecorded::NotThere(_) => "`countersign people list` shows who is there",
            NotRecorded::NotTheirs { .. } => "ask the person, or somebody of the pool that owns `people.md`",
            NotRecorded::SelfDealing { .. } => "ask the person, or somebody else of the pool",
            NotRecorded::Days(_) => "name a first and a last day that lie ahead",
            NotRecorded::NoCover { .. } => {
                "name one of them; `people.md` says who stands in: standby, manager, members of the same pool"
            }
            NotRecorded::CoverAway { .. } => "name somebody who is there on all of the days",
            NotRecorded::Overlaps { .. } => "end the other absence first, or choose other days",
            NotRecorded::NotAway(_) => {
                "`countersign people list` shows who is away; one that stands in `people.md` ends there"
            }
        }
    }
}

impl fmt::Display for NotRecorded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotRecorded::IdSpent(person) => {
                write!(formatter, "`{person}` was somebody who was deleted, and an id is never used twice")
            }
            NotRecorded::Joined(person) => write!(formatter, "`{person}` is on record already"),
            NotRecorded::AccountTaken { account, whose } => {
                write!(formatter, "the account `{}` is or was that of `{whose}`", account.escape_debug())
            }
            NotRecorded::GroupTaken(name) => {
                write!(formatter, "there is a group `{}` already", name.escape_debug())
            }
            NotRecorded::NoName(name) => {
                write!(formatter, "`{}` can be no name of an account or a group", name.escape_debug())
            }
            NotRecorded::NoMember(person) => write!(formatter, "there is nobody `{person}` on record"),
            NotRecorded::NoGroup(group) => write!(formatter, "there is no group `{group}` on record"),
            NotRecorded::Circle(person) => write!(formatter, "`{person}` would report to themselves"),
            NotRecorded::TooMany { what, most } => {
                write!(formatter, "the record takes at most {most} {what}")
            }
            NotRecorded::NotThere(person) => write!(formatter, "`{person}` is nobody of the house"),
            NotRecorded::NotTheirs { by, person } => {
                write!(formatter, "when `{person}` is away is not for `{}` to say", by.escape_debug())
            }
            NotRecorded::SelfDealing { by, intent: None } => {
                write!(formatter, "`{by}` cannot send somebody away and cover for them")
            }
            NotRecorded::SelfDealing { by, intent: Some(intent) } => {
                write!(formatter, "intent {intent} of `{by}` waits for that person")
            }
            NotRecorded::Days(why) => formatter.write_str(why),
            NotRecorded::NoCover { cover, covers } if covers.is_empty() => {
                write!(formatter, "`{cover}` cannot cover, and neither can anybody else")
            }
            NotRecorded::NoCover { cover, covers } => {
                let covers: Vec<&str> = covers.iter().map(PersonId::as_str).collect();
                write!(formatter, "`{cover}` cannot cover; {} can", covers.join(", "))
            }
            NotRecorded::CoverAway { cover, until } => {
                write!(formatter, "`{cover}` is away on some of the days, until {until}")
            }
            NotRecorded::Overlaps { person, from, until } => {
                write!(formatter, "`{person}` is away from {from} until {until} already")
            }
            NotRecorded::NotAway(person) => write!(formatter, "`{person}` has no such absence on record"),
        }
    }
}

/// Why the days of an absence do not fit.
pub(super) fn days(from: Day, until: Day, today: Day) -> Result<(), NotRecorded> {
    let why = if until < from {
        "the absence ends before it begins".to_owned()
    } else if until < today {
        format!("the absence is over: today is {today}")
    } else if ABSENCE_DAYS_MAX < from.0.saturating_sub(today.0) {
        format!("the absence begins more than {ABSENCE_DAYS_MAX} days ahead")
    } else if ABSENCE_DAYS_MAX < until.0.saturating_sub(from.0) {
        format!("the absence is longer than {ABSENCE_DAYS_MAX} days")
    } else {
        return Ok(());
    };
    Err(NotRecorded::Days(why))
}

/// That a person has as many absences as they may.
pub(super) const TOO_MANY_ABSENCES: NotRecorded =
    NotRecorded::TooMany { what: "absences of one person", most: ABSENCES_OF_ONE_MAX };
