//! Evidence for auditors, made of nothing but the log: whoever has the log makes the same bytes again.
//!
//! An auditor first wants a whole population, then a sample of it that anybody can draw again, and for each item of that
//! what was asked, decided and done. Each item names the entry that it was read from, so that a proof of that entry is a
//! proof of the item.

pub mod case;
pub mod duties;
pub mod population;
pub mod sample;

use crate::approval::event::Entry;
use crate::hash::Digest;
use crate::id::IntentId;
use std::collections::BTreeSet;
use std::fmt;

/// Why no evidence can be made of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It has more than can be held at one time.
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many can be.
        most: usize,
    },
    /// An entry goes on with something that no entry began: left out in silence, it would be in nobody's count.
    Unfounded {
        /// Its place in the log, counted from 1.
        position: u64,
        /// What of it no entry began.
        what: &'static str,
    },
}

impl Fault {
    /// An entry of an intent that was not asked for.
    fn unasked(seen: Seen<'_>) -> Fault {
        Fault::Unfounded { position: seen.position, what: "an intent that no entry before it asks for" }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::TooMany { what, most } => write!(formatter, "the log has more than {most} {what}"),
            Fault::Unfounded { position, what } => {
                write!(formatter, "entry {position} of the log is about {what}")
            }
        }
    }
}

impl std::error::Error for Fault {}

/// An entry of the life of an intent, and where it stands in the log.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Its place in the whole log, counted from 1.
    pub position: u64,
    /// Whose life.
    pub intent: IntentId,
    /// Its place in that life, counted from 1.
    pub sequence: u64,
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// What it says.
    pub entry: &'a Entry,
}

/// One copy of each name, however often it was read.
fn one_of<T: Ord + Clone>(known: &mut BTreeSet<T>, name: &T) -> T {
    if let Some(known) = known.get(name) {
        return known.clone();
    }
    known.insert(name.clone());
    name.clone()
}
