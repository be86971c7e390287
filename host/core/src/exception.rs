//! Exceptions: what the normal path could not settle, each with one owner, a time and a way out.

use crate::effect::attempt::Detail;
use crate::hash::Digest;
use crate::id::{ConnectionName, EffectId, ExceptionId, IntentId, PersonId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Why an exception was opened: a cause of the exception table in `routes.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The policy could not be evaluated, or the facts or plans it needs could not be had.
    Unsure,
    /// Nobody present and unconflicted can fill a seat.
    NoSeat,
    /// A seat and its backups were missed.
    Overdue,
    /// It was to be sent back once more than its intent type lets it.
    Rounds,
    /// A target or connector says that an effect will never work as asked.
    Rejected,
    /// A record moved under an effect.
    Conflict,
    /// Nobody can say whether an effect landed.
    Uncertain,
    /// The budget of an effect is spent.
    Exhausted,
    /// A credential or permission is missing.
    Denied,
    /// A connector breaks again and again.
    Quarantined,
    /// Something that was to be taken back stays written: its connector cannot.
    Irreversible,
    /// A target has failed for so long that somebody must know; what is written there waits.
    Unavailable,
    /// A target holds something else than was approved and written.
    Drift,
    /// A target holds what it held before: a write was lost, or somebody took it back.
    Late,
    /// A record that was written is not there any more.
    Gone,
    /// A target does not let what was written be read back.
    Unreadable,
    /// The policy was overridden so often that somebody must say why.
    PostMortem,
    /// What the policy could not evaluate passed, as its owner declared.
    FailOpen,
    /// So many exceptions of its intent type were opened that somebody must say what follows.
    Budget,
    /// Somebody took it on themselves to decide alone, in an emergency.
    BreakGlass,
}

impl Cause {
    /// The cause as files and surfaces spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Unsure => "unsure",
            Cause::NoSeat => "no-seat",
            Cause::Overdue => "overdue",
            Cause::Rounds => "rounds",
            Cause::Rejected => "rejected",
            Cause::Conflict => "conflict",
            Cause::Uncertain => "uncertain",
            Cause::Exhausted => "exhausted",
            Cause::Denied => "denied",
            Cause::Quarantined => "quarantined",
            Cause::Irreversible => "irreversible",
            Cause::Unavailable => "unavailable",
            Cause::Drift => "drift",
            Cause::Late => "late",
            Cause::Gone => "gone",
            Cause::Unreadable => "unreadable",
            Cause::PostMortem => "post-mortem",
            Cause::FailOpen => "fail-open",
            Cause::Budget => "budget",
            Cause::BreakGlass => "break-glass",
        }
    }

    /// Whether it stays open when the intent is over: it is about more than this one.
    #[must_use]
    pub fn outlives(self) -> bool {
        !self.closed_by().is_empty()
    }

    /// Whether it is about the way to a target, not about what is to be written there: whoever looks after the connection
    /// may have it tried again.
    #[must_use]
    pub fn is_of_connection(self) -> bool {
        match self {
            Cause::Exhausted | Cause::Denied | Cause::Quarantined => true,
            // Nobody but whoever answers for it gives their word for what nobody knows; what a target that is down
            // holds up goes on by itself.
            Cause::Uncertain
            | Cause::Unavailable
            | Cause::Unsure
            | Cause::NoSeat
            | Cause::Overdue
            | Cause::Rounds
            | Cause::Rejected
            | Cause::Conflict
            | Cause::Irreversible
            | Cause::Drift
            | Cause::Late
            | Cause::Gone
            | Cause::Unreadable
            | Cause::PostMortem
            | Cause::FailOpen
            | Cause::Budget
            | Cause::BreakGlass => false,
        }
    }

    /// By what alone an exception of this cause is closed, wherever its intent stands; empty where that depends on
    /// the intent.
    #[must_use]
    pub fn closed_by(self) -> &'static [Closure] {
        match self {
            Cause::PostMortem | Cause::Budget | Cause::BreakGlass => &[Closure::Reviewed],
            Cause::FailOpen => &[Closure::Confirmed, Closure::Reversed],
            Cause::Drift | Cause::Late => &[Closure::ReAssert, Closure::Probe, Closure::GiveUp],
            // What is not there, or cannot be read, cannot be written again either.
            Cause::Gone | Cause::Unreadable => &[Closure::Probe, Closure::GiveUp],
            Cause::Unsure
            | Cause::NoSeat
            | Cause::Overdue
            | Cause::Rounds
            | Cause::Rejected
            | Cause::Conflict
            | Cause::Uncertain
            | Cause::Exhausted
            | Cause::Denied
            | Cause::Quarantined
            | Cause::Irreversible
            | Cause::Unavailable => &[],
        }
    }
}

/// How far an exception budget has burnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The part at which its owner is told.
    Burning,
    /// All of it.
    Spent,
}

impl Level {
    /// The word of it on every surface.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Burning => "burning",
            Level::Spent => "spent",
        }
    }
}

/// The figures of an exception budget at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Burn {
    /// How far.
    pub level: Level,
    /// So many exceptions were opened ...
    pub opened: u32,
    /// ... of so many ...
    pub at_most: u32,
    /// ... in so many days ...
    pub days: u32,
    /// ... counted from here on.
    pub since: Timestamp,
    /// The hour in which all of it is spent at the present rate; absent if it is, or if that is not to be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exhausted: Option<Timestamp>,
    /// When it is spent no longer, if nothing new is opened; absent unless it is spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<Timestamp>,
}

/// One exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// Why.
    pub cause: Cause,
    /// When it was opened: the moment of its entry, which alone says it in the log.
    #[serde(skip)]
    pub opened: Timestamp,
    /// The effect it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<EffectId>,
    /// The connection, where it is about all of it: while one of cause `denied` is open, nothing is sent there;
    /// while one of cause `quarantined` is, nothing by the build of the connector that its effect is bound to; one of
    /// cause `unavailable` tells that nothing gets through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionName>,
    /// Row of the exception table that gave it its owner.
    pub route: String,
    /// Who answers for it.
    pub owner: PersonId,
    /// Until when.
    pub due: Timestamp,
    /// When they are reminded, once; entries of older hosts lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind: Option<Timestamp>,
    /// When it is looked up again who answers for it, because an absence of its owner begins before it is due: an
    /// entry of its own says so in the log.
    #[serde(skip)]
    pub review: Option<Timestamp>,
    /// How often it was missed.
    #[serde(default)]
    pub missed: u32,
    /// Which criteria can close it.
    pub closes_when: Vec<String>,
    /// For people.
    pub detail: Detail,
    /// Who cannot close it: it is about what they did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub barred: Vec<PersonId>,
    /// The figures, where it is about an exception budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burn: Option<Burn>,
    /// Whether it is about a seat of the council that sits because the budget is spent: it spends none of it, so
    /// that a council which is late does not keep itself in office.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_council: bool,
    /// Whether and how it was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Closed>,
}

impl Exception {
    /// The connection that it pauses: its credential was refused or its connector breaks, and whoever answers for that
    /// has not closed it.
    #[must_use]
    pub fn pauses(&self) -> Option<&ConnectionName> {
        self.is_about(Cause::Denied).or_else(|| self.is_about(Cause::Quarantined))
    }

    /// The connection of which it tells that its target does not answer.
    #[must_use]
    pub fn tells_of(&self) -> Option<&ConnectionName> {
        self.is_about(Cause::Unavailable)
    }

    /// Whether it is about what a target holds after the write: see [`crate::effect::reconcile`].
    #[must_use]
    pub fn is_of_watch(&self) -> bool {
        matches!(self.cause, Cause::Drift | Cause::Late | Cause::Gone | Cause::Unreadable)
    }

    fn is_about(&self, cause: Cause) -> Option<&ConnectionName> {
        self.connection.as_ref().filter(|_| self.closed.is_none() && self.cause == cause)
    }
}

/// How an exception was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// The criterion that was met.
    pub by: Closure,
    /// Who closed it; absent if the engine saw the criterion met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// Their words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// What a person does to close an exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Closure {
    /// Try again: evaluate again, or attempt the effect again. A blind effect whose outcome is open
    /// is sent again only by this, on the word of the person.
    Retry,
    /// Look at the target once more.
    Probe,
    /// Give it up; the rest of the approval goes on without it.
    GiveUp,
    /// Take back whatever the intent wrote. The engine closes by it what its undo has settled.
    Undo,
    /// Write what was approved once more, where the target does not hold it any more.
    ReAssert,
    /// Decline the intent.
    Decline,
    /// Say what was found and what follows: a post-mortem ends with it.
    Reviewed,
    /// Say that it was right: a fail-open ends with it.
    Confirmed,
    /// Say that it was not, and what was done about it. The host itself undoes nothing.
    Reversed,
}

impl Closure {
    /// Every way.
    pub const ALL: [Closure; 9] = [
        Closure::Retry,
        Closure::Probe,
        Closure::GiveUp,
        Closure::Undo,
        Closure::ReAssert,
        Closure::Decline,
        Closure::Reviewed,
        Closure::Confirmed,
        Closure::Reversed,
    ];

    /// The way as files and surfaces spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Closure::Retry => "retry",
            Closure::Probe => "probe",
            Closure::GiveUp => "give-up",
            Closure::Undo => "undo",
            Closure::ReAssert => "re-assert",
            Closure::Decline => "decline",
            Closure::Reviewed => "reviewed",
            Closure::Confirmed => "confirmed",
            Closure::Reversed => "reversed",
        }
    }

    /// The way that a text spells.
    #[must_use]
    pub fn parse(text: &str) -> Option<Closure> {
        Closure::ALL.into_iter().find(|way| way.as_str() == text)
    }
}

/// The id of the `number`-th exception of an intent: derived, so that replay draws nothing.
#[must_use]
pub fn exception_id(intent: IntentId, number: usize) -> ExceptionId {
    let number = u64::try_from(number).unwrap_or(u64::MAX);
    ExceptionId::from_digest(&Digest::of_parts(&[
        b"countersign exception",
        &intent.bits().to_be_bytes(),
        &number.to_be_bytes(),
    ]))
}
