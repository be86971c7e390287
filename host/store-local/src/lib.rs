//! The store of one machine: an append-only log in segments, and an index that trails it.
//!
//! **The log is the truth.** An append is answered once its record is written and synced
//! (`fdatasync`), in a group with all that waited. **The index is disposable**: sled holds where
//! each stream's last record stands, what rows can be found by, and the open errands; it is
//! written behind, and built again from the log whenever it is missing, behind, ahead or broken.
//!
//! ```text
//! append ─▶ queue ─▶ writer: check, chain, one write, one sync ─▶ answer
//!                        │
//!                        ▼
//!                    overlay in memory ─▶ indexer ─▶ sled
//! read   ─▶ overlay, else sled ─▶ place ─▶ segment
//! ```
//! Why it is so, and what it costs: `host/docs/decisions/0002-log-first-sled-trails.md`. The
//! modules, from the bytes up: `wire`, `squeeze`, `record`, `disk`, `segment`, `folder`, `hot`, `block`, `labels`, `index`,
//! `metrics`, `marks`, `shared`, `writer`, `indexer`, `open`, `verify`; `tree` and `survey` stand beside them.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod block;
pub mod disk;
mod fault;
mod folder;
mod hot;
mod index;
mod indexer;
mod labels;
mod marks;
mod metrics;
mod open;
mod record;
mod segment;
mod shared;
mod squeeze;
mod survey;
mod tree;
mod verify;
mod wire;
mod writer;

pub use open::{Network, Opened};
pub use survey::{Extent, Survey, left_at, survey};
pub use tree::TreeFile;
pub use writer::{FREE_BYTES_MIN, GROUP_BATCHES_MAX, GROUP_BYTES_MAX, QUEUE_BATCHES_MAX};

use countersign_core::time::Timestamp;
use countersign_engine::memory::within_limits;
use countersign_engine::port::Answer;
use countersign_engine::port::store::{
    Appended, Batch, CallerKey, Errand, Health, Logged, PAGE_ROWS_MAX, Page, Position, Query, Row, Store,
    StoreFault, Verified,
};
use disk::{Disk, RealDisk};
use folder::{Folder, Lock, State, this_boot};
use prometheus_client::registry::Registry;
use record::Body;
use shared::{Shared, Stop};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::oneshot;
use writer::{Ask, Given, Writer};

/// Size at which a segment is closed: large enough that few exist, small enough to copy one.
pub const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;
/// Largest size that a segment may be given, since a place in one is a number of 32 bits.
pub const SEGMENT_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// How to open a store.
#[derive(Debug, Clone)]
pub struct Options {
    /// The data folder. It is created if it is missing.
    pub folder: PathBuf,
    /// Size at which a segment is closed; at most [`SEGMENT_BYTES_MAX`].
    pub segment_bytes: u64,
    /// What lies below the segments.
    pub disk: Arc<dyn Disk>,
    /// Whether the folder may lie on a network file system.
    pub network: Network,
}

impl Options {
    /// The usual way to open `folder`.
    #[must_use]
    pub fn at(folder: impl Into<PathBuf>) -> Options {
        Options {
            folder: folder.into(),
            segment_bytes: SEGMENT_BYTES,
            disk: Arc::new(RealDisk),
            network: Network::Refused,
        }
    }
}

/// An open data folder.
///
/// Dropped without [`LocalStore::close`] it leaves the folder as a crash would, except that what
/// was queued is written: nothing is lost, and the next start reads a little more.
#[derive(Debug)]
pub struct LocalStore {
    shared: Arc<Shared>,
    queue: SyncSender<Ask>,
    folder: Folder,
    opened: Opened,
    running: Mutex<Option<Running>>,
}

/// What ends when the store is closed.
#[derive(Debug)]
struct Running {
    writer: JoinHandle<()>,
    indexer: JoinHandle<()>,
    _lock: Lock,
}

impl LocalStore {
    /// Opens a data folder. Blocks while it reads.
    ///
    /// # Errors
    /// [`StoreFault::Version`], [`StoreFault::InUse`] and [`StoreFault::Corrupt`] leave the
    /// folder untouched; others say what the operating system said.
    pub fn open(options: Options) -> Result<LocalStore, StoreFault> {
        #[expect(
            clippy::disallowed_methods,
            reason = "how long opening took is for the operator, not for the log"
        )]
        let begun = std::time::Instant::now();
        let folder = Folder::new(options.folder);
        let found = open::open(&folder, options.disk, options.network)?;
        let end = found.hot.end;
        let shared = Arc::new(Shared::new(found.segments, found.hot, found.index, found.log_bytes));
        let segment_bytes = options.segment_bytes.min(SEGMENT_BYTES_MAX);
        let no_thread = |error: std::io::Error| StoreFault::Io(format!("cannot start a thread: {error}"));
        let writer = Writer::new(Arc::clone(&shared), end, found.lock.epoch, segment_bytes);
        let (queue, writer) = writer.start().map_err(no_thread)?;
        let indexer = indexer::start(Arc::clone(&shared), folder.index()).map_err(no_thread)?;
        let running = Mutex::new(Some(Running { writer, indexer, _lock: found.lock }));
        let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let opened = Opened { millis, ..found.opened };
        tracing::info!(
            entries = opened.entries,
            replayed = opened.replayed,
            cut_bytes = opened.cut_bytes,
            millis = opened.millis,
            "the log is open"
        );
        Ok(LocalStore { shared, queue, folder, opened, running })
    }

    /// Puts what is counted of this log where a scraper reads it. Once, before the first is asked.
    pub fn register_metrics(&self, registry: &mut Registry) {
        self.shared.metrics.register(&self.shared, registry);
    }

    /// What was found when the folder was opened.
    #[must_use]
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Stops cleanly: writes what is queued, brings the index up to date, and says so in the
    /// folder, so that the next start reads nothing again. Blocks meanwhile. A second call does
    /// nothing; appends are refused from now on.
    ///
    /// # Errors
    /// When the folder could not be marked as clean; nothing is lost then either.
    pub fn close(&self) -> Result<(), StoreFault> {
        let Some(lock) = self.stop(Stop::Clean) else { return Ok(()) };
        let (end, healthy) = {
            let inside = self.shared.inside();
            (inside.hot.end, inside.writable.is_ok())
        };
        let indexed = self.shared.index().and_then(|index| index.cursor().ok().flatten());
        // sled holds its files until the last reader has gone.
        self.shared.put_index(None);
        let clean = healthy && indexed.is_some_and(|cursor| cursor == end);
        if clean {
            self.folder.put_state(&State { boot: this_boot(), clean: Some((end.position, end.head)) })?;
        }
        drop(lock);
        Ok(())
    }

    /// Ends both threads; `None` if they have ended before. The lock is held until it is dropped.
    fn stop(&self, how: Stop) -> Option<Lock> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        self.shared.inside().closing = true;
        self.shared.room.notify_all();
        // The writer may have ended by itself; then there is nobody to tell.
        let _ = self.queue.send(Ask::Stop);
        let ended = [running.writer.join(), {
            self.shared.inside().stop = how;
            self.shared.work.notify_all();
            self.shared.room.notify_all();
            running.indexer.join()
        }];
        if ended.iter().any(Result::is_err) {
            tracing::error!(blame = "host", "a thread of the store has panicked");
        }
        Some(running._lock)
    }

    async fn put(&self, batch: Batch) -> Result<Appended, StoreFault> {
        within_limits(&batch)?;
        let (answer, answered) = oneshot::channel();
        let given = Given { body: Body::of(&batch), batch, answer };
        self.queue.try_send(Ask::Append(given)).map_err(|error| match error {
            TrySendError::Full(_) => StoreFault::Busy,
            TrySendError::Disconnected(_) => StoreFault::Io("the store is closed".to_owned()),
        })?;
        answered.await.unwrap_or_else(|_| Err(StoreFault::Io("the store was closed meanwhile".to_owned())))
    }

    /// Asks the disk on a thread that may wait for it: a cold page would hold up every other
    /// task of an async thread.
    async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Shared) -> Result<T, StoreFault> + Send + 'static,
    ) -> Result<T, StoreFault> {
        let shared = Arc::clone(&self.shared);
        let answer = tokio::task::spawn_blocking(move || question(&shared)).await;
        answer.unwrap_or_else(|_| Err(StoreFault::Io("a read did not end".to_owned())))
    }
}

impl Drop for LocalStore {
    fn drop(&mut self) {
        drop(self.stop(Stop::Now));
    }
}

impl Store for LocalStore {
    fn append(&self, batch: Batch) -> Answer<'_, Result<Appended, StoreFault>> {
        Box::pin(self.put(batch))
    }

    fn expect(&self, commands: usize) {
        self.shared.expected.store(commands, Ordering::Relaxed);
    }

    fn load(&self, stream: &str) -> Answer<'_, Result<Vec<Arc<[u8]>>, StoreFault>> {
        let stream = stream.to_owned();
        Box::pin(self.read(move |shared| shared.load(&stream)))
    }

    fn logged<'a>(&'a self, stream: &'a str) -> Answer<'a, Result<Vec<Logged>, StoreFault>> {
        let stream = stream.to_owned();
        Box::pin(self.read(move |shared| shared.logged(&stream)))
    }

    fn scan(&self, from: Position, limit: usize) -> Answer<'_, Result<Vec<Logged>, StoreFault>> {
        Box::pin(self.read(move |shared| shared.scan(from, limit)))
    }

    fn due(
        &self,
        now: Timestamp,
        after: Option<Errand>,
        limit: usize,
    ) -> Answer<'_, Result<Vec<Errand>, StoreFault>> {
        let due = self.shared.inside().hot.errands.due(now, after.as_ref(), limit.min(PAGE_ROWS_MAX));
        Box::pin(std::future::ready(Ok(due)))
    }

    fn next_due(&self, now: Timestamp) -> Answer<'_, Result<Option<Timestamp>, StoreFault>> {
        let next = self.shared.inside().hot.errands.next_due(now);
        Box::pin(std::future::ready(Ok(next)))
    }

    fn put_off(&self, errand: &Errand, until: Timestamp) {
        self.shared.inside().hot.errands.put_off(errand, until);
    }

    fn caller_key(&self, key: &str) -> Answer<'_, Result<Option<CallerKey>, StoreFault>> {
        let key = key.to_owned();
        Box::pin(self.read(move |shared| shared.caller_key(&key)))
    }

    fn query(&self, query: Query) -> Answer<'_, Result<Page, StoreFault>> {
        Box::pin(self.read(move |shared| shared.query(&query)))
    }

    fn row(&self, stream: &str) -> Answer<'_, Result<Option<Row>, StoreFault>> {
        let stream = Arc::from(stream);
        match self.shared.fresh_row(&stream) {
            Some(row) => Box::pin(std::future::ready(Ok(Some(row)))),
            None => Box::pin(self.read(move |shared| shared.row(&stream))),
        }
    }

    fn health(&self) -> Health {
        let inside = self.shared.inside();
        let end = inside.hot.end;
        let writable = inside.writable.as_ref().map_err(ToString::to_string).copied();
        drop(inside);
        let index_bytes = self.shared.index().map_or(0, |index| index.bytes());
        Health {
            writable,
            position: Position(end.position),
            head: end.head,
            bytes: self.shared.log_bytes.load(Ordering::Relaxed) + index_bytes,
            syncs: self.shared.syncs.load(Ordering::Relaxed),
        }
    }

    fn verify<'a>(
        &'a self,
        progress: &'a (dyn Fn(u64, u64) + Send + Sync),
    ) -> Answer<'a, Result<Verified, StoreFault>> {
        Box::pin(verify::verify(Arc::clone(&self.shared), progress))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_engine::port::store::{Append, RowChange};
    use std::time::Duration;

    fn batch(number: u64, expected: u64) -> Batch {
        let stream = Arc::from(format!("int_{number}"));
        let labels = vec![("state".to_owned(), "pending".to_owned())];
        let row = Some(RowChange { labels, summary: Arc::from(&b""[..]) });
        let entries = vec![Arc::from(&b"entry"[..])];
        Batch {
            appends: vec![Append { stream, expected, entries, errands: Vec::new(), row }],
            caller_key: None,
        }
    }

    #[tokio::test]
    async fn an_index_that_breaks_while_the_host_runs_is_rebuilt_and_nothing_is_lost() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let store = LocalStore::open(Options::at(folder.path())).expect("it opens");
        for number in 0..50 {
            store.append(batch(number, 0)).await.expect("it is appended");
        }
        store.close().expect("it closes");
        let store = {
            drop(store);
            LocalStore::open(Options::at(folder.path())).expect("it opens again")
        };
        store.append(batch(7, 1)).await.expect("it is appended");
        store.shared.put_index(None);
        assert_eq!(store.load("int_1").await, Err(StoreFault::Busy), "only the index knows it");
        assert_eq!(store.load("int_7").await.map(|entries| entries.len()), Ok(2), "memory knows it");
        assert_eq!(store.append(batch(1, 1)).await, Err(StoreFault::Busy));
        store.append(batch(7, 2)).await.expect("memory knows it");
        store.shared.work.notify_all();
        while store.load("int_1").await == Err(StoreFault::Busy) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for number in 0..50 {
            let expected = if number == 7 { 3 } else { 1 };
            let entries = store.load(&format!("int_{number}")).await.expect("it loads");
            assert_eq!(entries.len(), expected);
        }
        let page = store.query(Query { limit: 60, ..Query::default() }).await.expect("the query is answered");
        assert_eq!(page.rows.len(), 50);
        store.close().expect("it closes");
        drop(store);
        let store = LocalStore::open(Options::at(folder.path())).expect("it opens again");
        assert_eq!((store.opened().replayed, &store.opened().index_rebuilt), (0, &None));
        assert!(folder.path().join("index.broken").is_dir());
    }
}
