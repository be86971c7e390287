//! What is kept in memory: all open errands, and what the index does not know yet.
//!
//! The index trails the log. Between the two stands an [`Overlay`]: for each stream that changed
//! since the index was last written, where it is now. Reads ask the overlay first. Two overlays
//! exist while one of them is being written to the index. An approval that waits for a person
//! costs its errands here and nothing else.

use crate::record::Record;
use crate::segment::End;
use crate::wire::Place;
use countersign_core::time::Timestamp;
use countersign_engine::errands::{ErrandName, Errands};
use countersign_engine::port::store::{ErrandChange, RowChange, StreamName};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// Its last sequence.
    pub(crate) sequence: u64,
    /// Position of its last entry.
    pub(crate) position: u64,
    /// Its last record.
    pub(crate) last: Place,
    /// The record that holds its row, if it has one.
    pub(crate) row: Option<Place>,
}

/// A stream that changed since the index was written.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) head: Head,
    /// Its row, if that changed too.
    pub(crate) row: Option<RowChange>,
}

/// When an errand was due when the overlay began, and when it is due now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moved {
    pub(crate) before: Option<Timestamp>,
    pub(crate) after: Option<Timestamp>,
}

/// What the index does not know yet.
#[derive(Debug, Clone)]
pub(crate) struct Overlay {
    pub(crate) streams: BTreeMap<StreamName, Live>,
    pub(crate) errands: BTreeMap<ErrandName, Moved>,
    pub(crate) caller_keys: BTreeMap<Arc<str>, Place>,
    /// The log up to here is in this overlay or in what is older.
    pub(crate) end: End,
}

impl Overlay {
    pub(crate) fn new(end: End) -> Overlay {
        Overlay { streams: BTreeMap::new(), errands: BTreeMap::new(), caller_keys: BTreeMap::new(), end }
    }

    /// How many things it holds, for limits.
    pub(crate) fn size(&self) -> usize {
        self.streams.len() + self.errands.len() + self.caller_keys.len()
    }
}

/// All that is kept in memory.
#[derive(Debug)]
pub(crate) struct Hot {
    /// What is newer than the overlay that is being written, or than the index.
    pub(crate) current: Overlay,
    /// What is being written to the index.
    pub(crate) flushing: Option<Arc<Overlay>>,
    pub(crate) errands: Errands,
    /// End of the durable log.
    pub(crate) end: End,
}

impl Hot {
    pub(crate) fn new(indexed: End, errands: Errands) -> Hot {
        Hot { current: Overlay::new(indexed), flushing: None, errands, end: indexed }
    }

    /// Where `stream` is, if it changed since the index was written.
    pub(crate) fn head(&self, stream: &str) -> Option<Head> {
        let newer = self.current.streams.get(stream);
        let older = || self.flushing.as_ref().and_then(|overlay| overlay.streams.get(stream));
        newer.or_else(older).map(|live| live.head)
    }

    /// The row of `stream`, if it changed since the index was written.
    pub(crate) fn row(&self, stream: &str) -> Option<&RowChange> {
        let newer = self.current.streams.get(stream).and_then(|live| live.row.as_ref());
        let older = || self.flushing.as_ref()?.streams.get(stream)?.row.as_ref();
        newer.or_else(older)
    }

    pub(crate) fn caller_key(&self, key: &str) -> Option<Place> {
        let older = || self.flushing.as_ref().and_then(|overlay| overlay.caller_keys.get(key));
        self.current.caller_keys.get(key).or_else(older).copied()
    }

    /// Takes in a durable record that ends at `end`. `heads` are its streams' heads after it, in
    /// the record's order.
    pub(crate) fn apply(&mut self, record: Record, heads: Vec<Head>, place: Place, end: End) {
        for (part, head) in record.parts.into_iter().zip(heads) {
            let append = part.append;
            for change in append.errands {
                let (key, due) = match change {
                    ErrandChange::Set { key, due } => (key, Some(due)),
                    ErrandChange::Clear { key } => (key, None),
                };
                let name = (Arc::clone(&append.stream), key);
                let before = self.errands.put(name.clone(), due);
                let moved = self.current.errands.entry(name).or_insert(Moved { before, after: due });
                moved.after = due;
            }
            let live = self.current.streams.entry(append.stream).or_insert(Live { head, row: None });
            live.head = head;
            live.row = append.row.or(live.row.take());
        }
        if let Some(caller_key) = record.caller_key {
            self.current.caller_keys.insert(caller_key.key, place);
        }
        self.current.end = end;
        self.end = end;
    }

    /// Begins a new overlay and hands out the one until now.
    pub(crate) fn turn(&mut self) -> Arc<Overlay> {
        // The end moves without a record when a segment is begun.
        self.current.end = self.end;
        let full = std::mem::replace(&mut self.current, Overlay::new(self.end));
        let full = Arc::new(full);
        self.flushing = Some(Arc::clone(&full));
        full
    }
}

/// The heads of a record's streams after it stands at `place`. `before` says where a stream is
/// now; it is asked only for streams that keep what they had.
pub(crate) fn heads_after<E>(
    record: &Record,
    place: Place,
    mut before: impl FnMut(&str) -> Result<Option<Head>, E>,
) -> Result<Vec<Head>, E> {
    let mut next = record.first;
    let mut heads = Vec::with_capacity(record.parts.len());
    for part in &record.parts {
        let entries = part.append.entries.len() as u64;
        next += entries;
        let gained = entries > 0;
        let kept = if gained && part.append.row.is_some() { None } else { before(&part.append.stream)? };
        heads.push(Head {
            sequence: part.sequence(),
            position: if gained { next - 1 } else { kept.map_or(0, |head| head.position) },
            last: place,
            row: if part.append.row.is_some() { Some(place) } else { kept.and_then(|head| head.row) },
        });
    }
    Ok(heads)
}
