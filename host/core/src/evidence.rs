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
