//! Notices: who is told what about an approval, recorded in the commit that causes it.
//!
//! [`whom`] says whom the entries of a turn concern, [`words`] what they are told, [`is_moot`] when there
//! is nothing to tell any more. Who was told is evidence: it stands in the approval's own stream, and what
//! nobody needs to hear any more dies with its subject.

mod due;
pub mod link;
mod moot;
pub mod plain;
pub mod whom;
pub mod words;

pub use due::{NOTICE_AGE_MAX, NOTICE_DELAY_MS_BASE, NOTICE_DELAY_MS_MAX, NOTICE_TRIES_MAX, next_try};
pub use moot::is_moot;
use moot::is_over;

use crate::id::{ExceptionId, PersonId};
use crate::people::Contact;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One message to one person by one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Who is told.
    pub to: PersonId,
    /// How: as `people.md` had it when this was recorded.
    pub by: Contact,
    /// What about. The words are made when it is sent, from what is true then.
    pub about: About,
}

/// What a notice is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// They are asked to decide.
    Seat {
        /// Indices of the rows in which they can.
        rows: Vec<u32>,
        /// Why they are asked now.
        why: Why,
    },
    /// A claim is over: the seat is the pool's again.
    Free {
        /// Index of the seat's row.
        row: u32,
        /// Whose claim it was.
        person: PersonId,
        /// Whether its time was up; else they gave it back.
        expired: bool,
    },
    /// The requester is asked something.
    Question {
        /// Which question, from 1.
        question: u32,
    },
    /// Whoever asked has an answer, or will not get one.
    Answer {
        /// Which question, from 1.
        question: u32,
    },
    /// They are asked next, if whoever is asked now does not decide in time.
    Soon {
        /// Index of the seat's row.
        row: u32,
        /// How often it had been missed.
        missed: u32,
    },
    /// The requester must amend it.
    SentBack,
    /// Nobody decided in time; the requester hears who has it now.
    Missed {
        /// Index of the seat's row.
        row: u32,
    },
    /// The requester's intent waits for somebody who answers for an exception.
    HeldUp {
        /// The exception.
        id: ExceptionId,
    },
    /// An exception is theirs.
    Exception {
        /// The exception.
        id: ExceptionId,
        /// Why they hear of it now.
        why: Why,
    },
    /// An exception is theirs next, if whoever answers for it does not settle it in time.
    SoonException {
        /// The exception.
        id: ExceptionId,
        /// How often it had been missed.
        missed: u32,
    },
    /// In an emergency somebody took it on themselves to decide alone.
    GlassBroken,
    /// The requester's intent is approved, and is being written.
    Approved,
    /// The requester's intent is declined.
    Declined,
    /// All of the requester's intent is settled.
    Done,
}

/// Why somebody hears of something now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It was opened.
    Opened,
    /// Whoever had it before did not look after it in time.
    Missed,
    /// Whoever had it before left, is away, is back, or handed it over.
    Moved,
    /// They have not looked after it yet, and its time runs out or the requester asks.
    Reminded,
}

impl About {
    /// What it is about, as webhooks spell it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            About::Seat { .. } => "seat",
            About::Free { .. } => "free",
            About::Question { .. } => "question",
            About::Answer { .. } => "answer",
            About::Soon { .. } => "soon",
            About::SentBack => "sent-back",
            About::Missed { .. } => "missed",
            About::HeldUp { .. } => "held-up",
            About::Exception { .. } => "exception",
            About::SoonException { .. } => "soon-exception",
            About::GlassBroken => "break-glass",
            About::Approved => "approved",
            About::Declined => "declined",
            About::Done => "done",
        }
    }

    /// The same in a few words, for the timeline.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match self {
            About::Seat { why: Why::Opened, .. } => "asked to decide",
            About::Seat { why: Why::Missed, .. } => "asked to decide as the backup",
            About::Seat { why: Why::Moved, .. } => "asked to decide, since the people of the seat changed",
            About::Seat { why: Why::Reminded, .. } => "reminded to decide",
            About::Free { .. } => "the seat is open again",
            About::Question { .. } => "asked to answer",
            About::Answer { .. } => "what came of the question",
            About::Soon { .. } => "asked next",
            About::SentBack => "sent back",
            About::Missed { .. } => "late, and who has it now",
            About::HeldUp { .. } => "held up, and who looks after it",
            About::Exception { why: Why::Opened, .. } => "an exception to settle",
            About::Exception { why: Why::Missed, .. } => "an exception that others missed",
            About::Exception { why: Why::Moved, .. } => "an exception that others left behind",
            About::Exception { why: Why::Reminded, .. } => "reminded of an exception",
            About::SoonException { .. } => "next for an exception",
            About::GlassBroken => "somebody broke the glass",
            About::Approved => "approved",
            About::Declined => "declined",
            About::Done => "all of it is settled",
        }
    }
}

/// What of an approval people are still to be told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notices {
    /// How many were recorded so far; the next one has the next number.
    pub recorded: u32,
    /// What is still to be sent, by its number.
    pub open: BTreeMap<u32, OpenNotice>,
    /// Those that have links, by their numbers, as long as the approval lives.
    pub linked: BTreeMap<u32, link::Told>,
}

/// A notice that is not sent yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenNotice {
    /// The notice.
    pub notice: Notice,
    /// When it was recorded.
    pub since: Timestamp,
    /// Tries so far that did not get through.
    pub tries: u32,
    /// When the next try is due.
    pub due: Timestamp,
}

impl Notices {
    /// Adds what was recorded of a revision at `at`, each under the next number.
    pub(crate) fn add(&mut self, notices: &[Notice], revision: u32, at: Timestamp) {
        for notice in notices {
            self.recorded = self.recorded.saturating_add(1);
            let open = OpenNotice { notice: notice.clone(), since: at, tries: 0, due: at };
            self.open.insert(self.recorded, open);
            if !link::LinkVerb::of(&notice.about).is_empty() {
                let (to, about) = (notice.to.clone(), notice.about.clone());
                self.linked.insert(self.recorded, link::Told { to, about, revision, used: false });
            }
        }
    }

    /// Ends the links of one.
    pub(crate) fn used(&mut self, number: u32) -> Option<()> {
        self.linked.get_mut(&number)?.used = true;
        Some(())
    }

    /// Ends one that got through, also if it was dropped while it was on its way.
    pub(crate) fn told(&mut self, number: u32) -> Option<()> {
        self.open.remove(&number);
        (1..=self.recorded).contains(&number).then_some(())
    }

    /// Puts one off after a try that did not get through, or gives it up.
    pub(crate) fn put_off(&mut self, number: u32, due: Option<Timestamp>) -> Option<()> {
        match due {
            Some(due) => {
                let open = self.open.get_mut(&number)?;
                open.tries = open.tries.saturating_add(1);
                open.due = due;
            }
            None => drop(self.open.remove(&number)?),
        }
        Some(())
    }
}
