//! The memory store: the simple truth that every other store is compared with.
//!
//! It keeps the whole log in one vector and everything else in sorted maps under one lock, and it
//! forgets all of it when the process ends. Tests and the demonstration of a single rule use it;
//! a host does not. [`within_limits`] is what every store asks before it takes a batch, so that a
//! batch that one store refuses is refused by all.

use crate::errands::Errands;
use crate::port::Answer;
use crate::port::store::{
    Appended, BATCH_ENTRIES_MAX, Batch, CallerKey, ENTRY_BYTES_MAX, Errand, ErrandChange, Health, Logged,
    PAGE_ROWS_MAX, Page, Position, Query, Row, RowChange, STREAM_ENTRIES_MAX, Store, StoreFault, StreamName,
    Verified,
};
use countersign_core::hash::Digest;
use countersign_core::log::chain;
use countersign_core::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Longest stream name, in bytes: a prefix and an id fit several times over.
pub const STREAM_NAME_BYTES_MAX: usize = 96;
/// Largest batch, in bytes of entries, summaries and answers: half a log segment, so that one
/// caller cannot hold the others up for long.
pub const BATCH_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Most streams of one batch: the approval, its caller and the windows that it counts in.
pub const BATCH_STREAMS_MAX: usize = 64;
/// Most errand changes of one stream in one batch: every effect and every seat of one approval.
pub const BATCH_ERRANDS_MAX: usize = 1024;
/// Longest errand key, in bytes.
pub const ERRAND_KEY_BYTES_MAX: usize = 256;
/// Longest caller key, in bytes: who gave it and 255 bytes of what they gave.
pub const CALLER_KEY_BYTES_MAX: usize = 512;
/// Most labels of one row.
pub const ROW_LABELS_MAX: usize = 256;
/// Longest label, name and value together, in bytes: labels are keys of an index.
pub const LABEL_BYTES_MAX: usize = 512;

/// The log in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

/// Everything that the store knows.
#[derive(Debug, Default, Clone)]
struct State {
    log: Vec<Logged>,
    head: Option<Digest>,
    bytes: u64,
    streams: BTreeMap<StreamName, Vec<usize>>,
    rows: BTreeMap<StreamName, RowChange>,
    errands: Errands,
    caller_keys: BTreeMap<Arc<str>, CallerKey>,
}

impl MemoryStore {
    /// An empty log.
    #[must_use]
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }

    /// A log of its own that is as this one is now: a backup of it.
    #[must_use]
    pub fn copied(&self) -> MemoryStore {
        MemoryStore { state: Mutex::new(self.state().clone()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether `batch` is within the limits of the port.
///
/// # Errors
/// [`StoreFault::TooLarge`] with the name of the limit that it exceeds.
pub fn within_limits(batch: &Batch) -> Result<(), StoreFault> {
    let check = |holds: bool, limit| if holds { Ok(()) } else { Err(StoreFault::TooLarge(limit)) };
    check(batch.appends.len() <= BATCH_STREAMS_MAX, "BATCH_STREAMS_MAX")?;
    let mut names = BTreeSet::new();
    let mut entries = 0usize;
    let mut bytes = 0usize;
    for append in &batch.appends {
        let stream = append.stream.as_bytes();
        check(!stream.is_empty() && stream.len() <= STREAM_NAME_BYTES_MAX, "STREAM_NAME_BYTES_MAX")?;
        check(stream.iter().all(|byte| (0x20..0x7f).contains(byte)), "STREAM_NAME_PRINTABLE_ASCII")?;
        check(names.insert(stream), "APPENDS_PER_STREAM_MAX")?;
        entries = entries.saturating_add(append.entries.len());
        for entry in &append.entries {
            check(entry.len() <= ENTRY_BYTES_MAX, "ENTRY_BYTES_MAX")?;
            bytes = bytes.saturating_add(entry.len());
        }
        check(append.errands.len() <= BATCH_ERRANDS_MAX, "BATCH_ERRANDS_MAX")?;
        for change in &append.errands {
            let (ErrandChange::Set { key, .. } | ErrandChange::Clear { key }) = change;
            check(key.len() <= ERRAND_KEY_BYTES_MAX, "ERRAND_KEY_BYTES_MAX")?;
        }
        if let Some(row) = &append.row {
            check(row.labels.len() <= ROW_LABELS_MAX, "ROW_LABELS_MAX")?;
            check(
                row.labels.iter().all(|(name, value)| name.len() + value.len() <= LABEL_BYTES_MAX),
                "LABEL_BYTES_MAX",
            )?;
            check(row.summary.len() <= ENTRY_BYTES_MAX, "ENTRY_BYTES_MAX")?;
            bytes = bytes.saturating_add(row.summary.len());
        }
        let after = append.expected.saturating_add(append.entries.len() as u64);
        check(after <= STREAM_ENTRIES_MAX, "STREAM_ENTRIES_MAX")?;
    }
    if let Some(caller_key) = &batch.caller_key {
        check(caller_key.key.len() <= CALLER_KEY_BYTES_MAX, "CALLER_KEY_BYTES_MAX")?;
        check(caller_key.answer.len() <= ENTRY_BYTES_MAX, "ENTRY_BYTES_MAX")?;
        bytes = bytes.saturating_add(caller_key.answer.len());
    }
    check(entries <= BATCH_ENTRIES_MAX, "BATCH_ENTRIES_MAX")?;
    check(bytes <= BATCH_BYTES_MAX, "BATCH_BYTES_MAX")
}

/// Whether `row` bears every label of `query`.
#[must_use]
pub fn bears_all(row: &RowChange, query: &Query) -> bool {
    query
        .labels
        .iter()
        .all(|(name, value)| row.labels.iter().any(|label| (&label.0, &label.1) == (name, value)))
}

impl State {
    fn sequence(&self, stream: &str) -> u64 {
        self.streams.get(stream).map_or(0, |entries| entries.len() as u64)
    }

    fn head(&self) -> Digest {
        self.head.unwrap_or(Digest::ZERO)
    }

    fn position(&self) -> Position {
        Position(self.log.len() as u64)
    }

    fn append(&mut self, batch: Batch) -> Result<Appended, StoreFault> {
        for append in &batch.appends {
            let found = self.sequence(&append.stream);
            if found != append.expected {
                let (stream, expected) = (Arc::clone(&append.stream), append.expected);
                return Err(StoreFault::Conflict { stream, expected, found });
            }
        }
        for append in batch.appends {
            let stream = append.stream;
            let places = self.streams.entry(Arc::clone(&stream)).or_default();
            let mut head = self.head.unwrap_or(Digest::ZERO);
            for entry in append.entries {
                places.push(self.log.len());
                let (position, sequence) = (Position(self.log.len() as u64 + 1), places.len() as u64);
                head = chain::link(head, &stream, sequence, &entry);
                self.bytes += entry.len() as u64;
                self.log.push(Logged { position, stream: Arc::clone(&stream), sequence, entry });
            }
            self.head = Some(head);
            for change in append.errands {
                self.change(&stream, change);
            }
            if let Some(row) = append.row {
                self.rows.insert(stream, row);
            }
        }
        if let Some(caller_key) = batch.caller_key {
            self.caller_keys.insert(Arc::clone(&caller_key.key), caller_key);
        }
        Ok(Appended { position: self.position() })
    }

    fn change(&mut self, stream: &StreamName, change: ErrandChange) {
        let (key, due) = match change {
            ErrandChange::Set { key, due } => (key, Some(due)),
            ErrandChange::Clear { key } => (key, None),
        };
        self.errands.put((Arc::clone(stream), key), due);
    }

    fn row(&self, stream: &str) -> Option<Row> {
        let (stream, row) = self.rows.get_key_value(stream)?;
        let last =
            self.streams.get(stream).and_then(|places| places.last()).and_then(|place| self.log.get(*place));
        Some(Row {
            stream: Arc::clone(stream),
            sequence: self.sequence(stream),
            position: last.map(|logged| logged.position).unwrap_or_default(),
            row: row.clone(),
        })
    }

    fn query(&self, query: &Query) -> Page {
        let limit = query.limit.clamp(1, PAGE_ROWS_MAX);
        let mut found = self
            .rows
            .iter()
            .rev()
            .filter(|(stream, _)| query.after.as_ref().is_none_or(|after| *stream < after))
            .filter(|(_, row)| bears_all(row, query))
            .filter_map(|(stream, _)| self.row(stream));
        let rows: Vec<Row> = found.by_ref().take(limit).collect();
        let next = found.next().and_then(|_| rows.last().map(|row| Arc::clone(&row.stream)));
        Page { rows, next }
    }

    fn verify(&self) -> Result<Verified, StoreFault> {
        let head = self.log.iter().fold(Digest::ZERO, |head, logged| {
            chain::link(head, &logged.stream, logged.sequence, &logged.entry)
        });
        if head != self.head() {
            let message = "the entries do not make the head of the chain; restart the host".to_owned();
            return Err(StoreFault::Corrupt { place: "memory".to_owned(), message });
        }
        Ok(Verified { entries: self.log.len() as u64, head })
    }
}

/// An answer that is there already.
fn now<'a, T: Send + 'a>(answer: T) -> Answer<'a, T> {
    Box::pin(std::future::ready(answer))
}

impl Store for MemoryStore {
    fn append(&self, batch: Batch) -> Answer<'_, Result<Appended, StoreFault>> {
        now(within_limits(&batch).and_then(|()| self.state().append(batch)))
    }

    fn load(&self, stream: &str) -> Answer<'_, Result<Vec<Arc<[u8]>>, StoreFault>> {
        let state = self.state();
        let places = state.streams.get(stream).into_iter().flatten();
        now(Ok(places
            .filter_map(|place| state.log.get(*place))
            .map(|logged| Arc::clone(&logged.entry))
            .collect()))
    }

    fn scan(&self, from: Position, limit: usize) -> Answer<'_, Result<Vec<Logged>, StoreFault>> {
        let skipped = usize::try_from(from.0.saturating_sub(1)).unwrap_or(usize::MAX);
        now(Ok(self.state().log.iter().skip(skipped).take(limit).cloned().collect()))
    }

    fn due(
        &self,
        moment: Timestamp,
        after: Option<Errand>,
        limit: usize,
    ) -> Answer<'_, Result<Vec<Errand>, StoreFault>> {
        now(Ok(self.state().errands.due(moment, after.as_ref(), limit.min(PAGE_ROWS_MAX))))
    }

    fn next_due(&self, moment: Timestamp) -> Answer<'_, Result<Option<Timestamp>, StoreFault>> {
        now(Ok(self.state().errands.next_due(moment)))
    }

    fn put_off(&self, errand: &Errand, until: Timestamp) {
        self.state().errands.put_off(errand, until);
    }

    fn caller_key(&self, key: &str) -> Answer<'_, Result<Option<CallerKey>, StoreFault>> {
        now(Ok(self.state().caller_keys.get(key).cloned()))
    }

    fn query(&self, query: Query) -> Answer<'_, Result<Page, StoreFault>> {
        now(Ok(self.state().query(&query)))
    }

    fn row(&self, stream: &str) -> Answer<'_, Result<Option<Row>, StoreFault>> {
        now(Ok(self.state().row(stream)))
    }

    fn health(&self) -> Health {
        let state = self.state();
        let (position, head, bytes) = (state.position(), state.head(), state.bytes);
        Health { writable: Ok(()), position, head, bytes, syncs: 0 }
    }

    fn verify<'a>(
        &'a self,
        progress: &'a (dyn Fn(u64, u64) + Send + Sync),
    ) -> Answer<'a, Result<Verified, StoreFault>> {
        let state = self.state();
        progress(state.bytes, state.bytes);
        now(state.verify())
    }
}
