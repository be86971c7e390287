//! The store port: moves bytes and keeps one promise, *an acknowledged batch is on stable storage,
//! whatever dies next: the process, the machine, the power*. All logic stands above it.
//!
//! A **stream** is one approval or one named system stream; inside it the sequence (1, 2, 3, ...)
//! orders everything. An **entry** is opaque bytes. An **errand** is work or a timer that a stream
//! has open; a **row** is what lists show of a stream. Errands and rows travel in the batch that
//! causes them, so they can never disagree with the log.

use super::Answer;
use countersign_core::hash::Digest;
use countersign_core::time::Timestamp;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Largest entry, in bytes: a refused intent of the largest size still fits with its reasons.
pub const ENTRY_BYTES_MAX: usize = 1024 * 1024;
/// Most entries of one batch, over all its streams.
pub const BATCH_ENTRIES_MAX: usize = 256;
/// Most entries that one stream may grow to: a runaway stops before it fills the disk.
pub const STREAM_ENTRIES_MAX: u64 = 10_000;
/// Most rows or errands that one call returns.
pub const PAGE_ROWS_MAX: usize = 200;

/// Name of a stream: the printed id of an intent, or `connection/NAME` and the like. At most 96
/// bytes of printable ASCII.
pub type StreamName = Arc<str>;

/// Place of an entry in the whole log, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position(pub u64);

/// The log: append, load, find what is due, list.
pub trait Store: Send + Sync + 'static {
    /// Appends all of `batch` or nothing of it. Durable on return.
    ///
    /// If the process stops in here the batch is wholly there after the restart or wholly not;
    /// the caller was not answered, so either is right.
    ///
    /// # Errors
    /// [`StoreFault::Conflict`] if a stream is not at its expected sequence; then nothing changed.
    fn append(&self, batch: Batch) -> Answer<'_, Result<Appended, StoreFault>>;

    /// Says how many commands are under way that will append soon, this caller's among them. A
    /// store may wait a moment for them, to make them all durable with one sync.
    fn expect(&self, commands: usize) {
        let _ = commands;
    }

    /// All entries of `stream` in order; empty if there is none. Sees every acknowledged append.
    fn load(&self, stream: &str) -> Answer<'_, Result<Vec<Arc<[u8]>>, StoreFault>>;

    /// The same with the place of each entry in the log.
    fn logged<'a>(&'a self, stream: &'a str) -> Answer<'a, Result<Vec<Logged>, StoreFault>> {
        Box::pin(async move {
            let (mut found, mut from) = (Vec::new(), Position(1));
            loop {
                let page = self.scan(from, PAGE_ROWS_MAX).await?;
                let Some(last) = page.last() else { return Ok(found) };
                from = Position(last.position.0.saturating_add(1));
                found.extend(page.into_iter().filter(|logged| &*logged.stream == stream));
            }
        })
    }

    /// Up to `limit` entries of the whole log, in order, beginning with `from`.
    fn scan(&self, from: Position, limit: usize) -> Answer<'_, Result<Vec<Logged>, StoreFault>>;

    /// Up to `limit` open errands that are due at `now`, the longest overdue first, going on after
    /// the errand `after` of an earlier call.
    fn due(
        &self,
        now: Timestamp,
        after: Option<Errand>,
        limit: usize,
    ) -> Answer<'_, Result<Vec<Errand>, StoreFault>>;

    /// When the next open errand after `now` is due.
    fn next_due(&self, now: Timestamp) -> Answer<'_, Result<Option<Timestamp>, StoreFault>>;

    /// Has an open errand found at `until`, if it would be found when it says now: what it waits for
    /// cannot be had before. Kept in memory alone: a restart forgets it, and so does a batch that sets
    /// the errand.
    fn put_off(&self, errand: &Errand, until: Timestamp);

    /// What was answered under a caller's idempotency key.
    fn caller_key(&self, key: &str) -> Answer<'_, Result<Option<CallerKey>, StoreFault>>;

    /// Rows of streams that bear all of the query's labels, newest stream name first.
    fn query(&self, query: Query) -> Answer<'_, Result<Page, StoreFault>>;

    /// One row.
    fn row(&self, stream: &str) -> Answer<'_, Result<Option<Row>, StoreFault>>;

    /// Whether the log is still this host's to write. Asked before something leaves of which nothing is recorded first:
    /// whatever is recorded is refused by itself where another host has taken the log over. A store that one process has
    /// alone is always its own.
    ///
    /// # Errors
    /// [`StoreFault::Lost`] if another host has it: this one must end. Any other fault says that nobody knows now. In
    /// both cases nothing may leave.
    fn holds(&self) -> Answer<'_, Result<(), StoreFault>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// How the store is.
    fn health(&self) -> Health;

    /// Reads the whole log again and checks every sum and link. `progress(done, of)` counts bytes.
    fn verify<'a>(
        &'a self,
        progress: &'a (dyn Fn(u64, u64) + Send + Sync),
    ) -> Answer<'a, Result<Verified, StoreFault>>;
}

/// One atomic commit.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// What is appended, each stream at most once.
    pub appends: Vec<Append>,
    /// What a caller's idempotency key now stands for, if a caller gave one.
    pub caller_key: Option<CallerKey>,
}

/// What one stream gains in a batch.
#[derive(Debug, Clone)]
pub struct Append {
    /// The stream.
    pub stream: StreamName,
    /// Its last sequence as the caller knows it; 0 for a stream that does not exist yet.
    pub expected: u64,
    /// The new entries.
    pub entries: Vec<Arc<[u8]>>,
    /// Errands opened, moved or closed.
    pub errands: Vec<ErrandChange>,
    /// The stream's row from now on; `None` leaves it as it is.
    pub row: Option<RowChange>,
}

/// A change to the open errands of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrandChange {
    /// Opens the errand called `key`, or moves it to another time.
    Set {
        /// Name of the errand within its stream, such as `effect/eff_...`.
        key: Arc<str>,
        /// When it is due.
        due: Timestamp,
    },
    /// Closes it; no harm if it was not open.
    Clear {
        /// Name of the errand within its stream.
        key: Arc<str>,
    },
}

/// Open work or an open timer of a stream.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Errand {
    /// When it is due.
    pub due: Timestamp,
    /// Whose it is.
    pub stream: StreamName,
    /// Name within the stream.
    pub key: Arc<str>,
}

/// What lists show of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowChange {
    /// What the row can be found by: name and value, such as `state` and `seated`. A label can
    /// stand several times with different values (`seat` once per person).
    pub labels: Vec<(String, String)>,
    /// Opaque bytes for whoever shows the list.
    pub summary: Arc<[u8]>,
}

/// A row as it is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The stream.
    pub stream: StreamName,
    /// Its last sequence.
    pub sequence: u64,
    /// Place of its last entry.
    pub position: Position,
    /// What was put.
    pub row: RowChange,
}

/// Which rows to list.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Every one of these labels must be borne. Empty: all rows.
    pub labels: BTreeMap<String, String>,
    /// Go on after the row of this stream.
    pub after: Option<StreamName>,
    /// Most rows wanted; at most [`PAGE_ROWS_MAX`].
    pub limit: usize,
}

/// One page of rows.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The rows, newest stream name first.
    pub rows: Vec<Row>,
    /// Ask again with this in `after`; absent at the end.
    pub next: Option<StreamName>,
}

/// What a caller's idempotency key stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerKey {
    /// The key, prefixed with who gave it.
    pub key: Arc<str>,
    /// Digest of what was asked under it.
    pub fingerprint: Digest,
    /// The first answer.
    pub answer: Arc<[u8]>,
}

/// Where a batch stands in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Place of the batch's last entry.
    pub position: Position,
}

/// One entry as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Its place.
    pub position: Position,
    /// Its stream.
    pub stream: StreamName,
    /// Its sequence in the stream.
    pub sequence: u64,
    /// The entry.
    pub entry: Arc<[u8]>,
}

/// How the store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Whether it takes appends; if not, why.
    pub writable: Result<(), String>,
    /// Place of the last durable entry.
    pub position: Position,
    /// Head of the hash chain at that place.
    pub head: Digest,
    /// Bytes on disk.
    pub bytes: u64,
    /// How many times stable storage was asked to sync since the start.
    pub syncs: u64,
}

/// What a full check of the log found. A broken log is a [`StoreFault::Corrupt`] instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Entries read.
    pub entries: u64,
    /// Head of the hash chain.
    pub head: Digest,
}

/// The world's no to the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreFault {
    /// Somebody else appended first. Load again, decide again.
    Conflict {
        /// The stream.
        stream: StreamName,
        /// What the caller expected.
        expected: u64,
        /// Where it is.
        found: u64,
    },
    /// The disk is full. Reads go on; writes resume when there is space.
    Full,
    /// Too many callers wait. Try again later.
    Busy,
    /// A sync failed: nothing more is written, and the process should end (exit 75).
    Lost(String),
    /// What is on disk is not what was written.
    Corrupt {
        /// File and offset.
        place: String,
        /// What is wrong and what is safe to do.
        message: String,
    },
    /// The data folder has a format version that this program does not know.
    Version {
        /// What the folder says.
        found: u32,
        /// What this program reads.
        known: u32,
    },
    /// The data folder is in use by another process.
    InUse(String),
    /// The operating system said no.
    Io(String),
    /// A limit of this port was exceeded; names it.
    TooLarge(&'static str),
}

impl StoreFault {
    /// Whether the same call may succeed later without anybody doing anything.
    #[must_use]
    pub fn can_pass(&self) -> bool {
        match self {
            StoreFault::Conflict { .. } | StoreFault::Full | StoreFault::Busy => true,
            StoreFault::Lost(_)
            | StoreFault::Corrupt { .. }
            | StoreFault::Version { .. }
            | StoreFault::InUse(_)
            | StoreFault::Io(_)
            | StoreFault::TooLarge(_) => false,
        }
    }
}

impl fmt::Display for StoreFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreFault::Conflict { stream, expected, found } => {
                write!(formatter, "stream `{stream}` is at {found}, not at {expected}")
            }
            StoreFault::Full => {
                formatter.write_str("the disk of the data folder is full; free space to resume")
            }
            StoreFault::Busy => formatter.write_str("too many commands wait for the log; try again"),
            StoreFault::Lost(cause) => {
                write!(
                    formatter,
                    "the disk could not confirm a write ({cause}); restart after checking the disk"
                )
            }
            StoreFault::Corrupt { place, message } => write!(formatter, "corrupt log at {place}: {message}"),
            StoreFault::Version { found, known } => write!(
                formatter,
                "the data folder has format version {found}, this program knows {known}; use the program that wrote it"
            ),
            StoreFault::InUse(owner) => write!(formatter, "the data folder is in use by {owner}"),
            StoreFault::Io(cause) => write!(formatter, "the data folder cannot be used: {cause}"),
            StoreFault::TooLarge(limit) => write!(formatter, "over the limit {limit}"),
        }
    }
}

impl std::error::Error for StoreFault {}
