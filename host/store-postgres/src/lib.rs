//! The log in a PostgreSQL database, which outlives the machine that a host runs on.
//!
//! Of all hosts that are given one database, one writes and the others wait ([`lease`]). Its number, which rises with each
//! takeover, stands in every commit: whoever was overtaken records nothing any more, whatever it was in the middle of.

mod fault;
mod lease;
mod read;
mod schema;
mod session;
mod shared;
mod writer;

pub use fault::OpenFault;
pub use lease::LEASE_MS;

use countersign_core::hash::Digest;
use countersign_core::time::Timestamp;
use countersign_engine::memory::within_limits;
use countersign_engine::port::Answer;
use countersign_engine::port::store::{
    Appended, Batch, CallerKey, Errand, Health, Logged, PAGE_ROWS_MAX, Page, Position, Query, Row, Store,
    StoreFault, Verified,
};
use fault::stored;
use shared::Shared;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::Client;
use writer::{Ask, Given};

/// Batches that wait to be written. Whoever comes when there is no room is told to try again.
const QUEUE_BATCHES_MAX: usize = 1_024;

/// How to open a log.
#[derive(Clone)]
pub struct Options {
    /// Where the database is and as whom it is opened, as `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`.
    pub url: String,
    /// Whom others read that wait for this host: its machine and process.
    pub owner: String,
    /// Digest of the install key. Hosts of one log make one idempotency key of one effect, so they have one install key.
    pub install: Digest,
}

impl fmt::Debug for Options {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address holds a password.
        formatter.debug_struct("Options").field("owner", &self.owner).finish_non_exhaustive()
    }
}

/// With what right a log is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hold {
    /// That of the one host that writes.
    Lease,
    /// None: it is read.
    Nothing,
}

/// An open log, and the right to write to it.
///
/// Dropped without [`PostgresStore::close`] it leaves the lease as a crash would: the next host waits until it has run
/// out. What was acknowledged is there either way.
pub struct PostgresStore {
    shared: Arc<Shared>,
    reader: Arc<Client>,
    queue: mpsc::Sender<Ask>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PostgresStore").field("epoch", &self.shared.epoch).finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Opens the log, makes its tables if they are not there, and takes the lease.
    ///
    /// # Errors
    /// [`OpenFault::InUse`] while another host holds the lease: ask again. The others say what to do.
    pub async fn open(options: Options) -> Result<PostgresStore, OpenFault> {
        PostgresStore::begin(options, Hold::Lease).await
    }

    /// Opens the log to read it, also beside a host that writes; appends are refused.
    ///
    /// # Errors
    /// [`OpenFault::Empty`] if no host has begun a log there. The others say what to do.
    pub async fn look(options: Options) -> Result<PostgresStore, OpenFault> {
        PostgresStore::begin(options, Hold::Nothing).await
    }

    async fn begin(options: Options, hold: Hold) -> Result<PostgresStore, OpenFault> {
        let (ready, opened) = oneshot::channel();
        let (queue, asked) = mpsc::channel(QUEUE_BATCHES_MAX);
        let thread = std::thread::Builder::new()
            .name("store-postgres".to_owned())
            .spawn(move || session::run(&options, hold, ready, asked))
            .map_err(|error| OpenFault::Refused(format!("a thread for it cannot be started: {error}")))?;
        let session =
            opened.await.unwrap_or_else(|_| Err(OpenFault::Refused("its thread ended".to_owned())))?;
        Ok(PostgresStore {
            shared: session.shared,
            reader: session.reader,
            queue,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// How often this log has changed hands, this time counted.
    #[must_use]
    pub fn epoch(&self) -> i64 {
        self.shared.epoch
    }

    /// Returns when this host may write no more: it was overtaken, or the database is gone.
    pub async fn lost(&self) {
        // The sender lives as long as this does.
        let _ = self.shared.lost.subscribe().wait_for(|lost| *lost).await;
    }

    /// Writes what is queued and gives the lease back, so that the next host need not wait for its end. A second call
    /// does nothing; appends are refused from now on.
    pub async fn close(&self) {
        let (answer, closed) = oneshot::channel();
        if self.queue.send(Ask::Close(answer)).await.is_ok() {
            // An error means that it ended by itself.
            let _ = closed.await;
        }
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && tokio::task::spawn_blocking(move || thread.join()).await.is_ok_and(|ended| ended.is_err())
        {
            tracing::error!(blame = "host", "the thread of the store has panicked");
        }
    }

    async fn put(&self, batch: Batch) -> Result<Appended, StoreFault> {
        within_limits(&batch)?;
        let (answer, answered) = oneshot::channel();
        self.queue.try_send(Ask::Append(Given { batch, answer })).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreFault::Busy,
            mpsc::error::TrySendError::Closed(_) => self.shared.why_closed(),
        })?;
        answered.await.unwrap_or_else(|_| Err(self.shared.why_closed()))
    }
}

impl Store for PostgresStore {
    fn append(&self, batch: Batch) -> Answer<'_, Result<Appended, StoreFault>> {
        Box::pin(self.put(batch))
    }

    fn load(&self, stream: &str) -> Answer<'_, Result<Vec<Arc<[u8]>>, StoreFault>> {
        let stream = stream.to_owned();
        Box::pin(async move { read::load(&self.reader, &stream).await.map_err(stored) })
    }

    fn logged<'a>(&'a self, stream: &'a str) -> Answer<'a, Result<Vec<Logged>, StoreFault>> {
        Box::pin(async move { read::logged(&self.reader, stream).await.map_err(stored) })
    }

    fn scan(&self, from: Position, limit: usize) -> Answer<'_, Result<Vec<Logged>, StoreFault>> {
        Box::pin(async move { read::scan(&self.reader, from, limit).await.map_err(stored) })
    }

    fn due(
        &self,
        now: Timestamp,
        after: Option<Errand>,
        limit: usize,
    ) -> Answer<'_, Result<Vec<Errand>, StoreFault>> {
        let due = self.shared.errands().due(now, after.as_ref(), limit.min(PAGE_ROWS_MAX));
        Box::pin(std::future::ready(Ok(due)))
    }

    fn next_due(&self, now: Timestamp) -> Answer<'_, Result<Option<Timestamp>, StoreFault>> {
        Box::pin(std::future::ready(Ok(self.shared.errands().next_due(now))))
    }

    fn put_off(&self, errand: &Errand, until: Timestamp) {
        self.shared.errands().put_off(errand, until);
    }

    fn caller_key(&self, key: &str) -> Answer<'_, Result<Option<CallerKey>, StoreFault>> {
        let key = key.to_owned();
        Box::pin(async move { read::caller_key(&self.reader, &key).await.map_err(stored) })
    }

    fn query(&self, query: Query) -> Answer<'_, Result<Page, StoreFault>> {
        Box::pin(async move { read::query(&self.reader, query).await.map_err(stored) })
    }

    fn row(&self, stream: &str) -> Answer<'_, Result<Option<Row>, StoreFault>> {
        let stream = stream.to_owned();
        Box::pin(async move { read::row(&self.reader, &stream).await.map_err(stored) })
    }

    fn holds(&self) -> Answer<'_, Result<(), StoreFault>> {
        Box::pin(async move {
            match lease::stands(&self.reader, self.shared.epoch).await.map_err(stored)? {
                (true, true) => Ok(()),
                // It is made longer in a moment, or somebody else takes it.
                (true, false) => Err(StoreFault::Io("the lease on the log has run out".to_owned())),
                (false, _) => Err(writer::overtaken()),
            }
        })
    }

    fn health(&self) -> Health {
        self.shared.health()
    }

    fn verify<'a>(
        &'a self,
        progress: &'a (dyn Fn(u64, u64) + Send + Sync),
    ) -> Answer<'a, Result<Verified, StoreFault>> {
        Box::pin(read::verify(&self.reader, progress))
    }
}
