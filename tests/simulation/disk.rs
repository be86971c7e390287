//! The disk of the simulator: the memory store behind a port that fails, and in which the host can die.

use crate::Bug;
use countersign_core::time::Timestamp;
use countersign_engine::memory::MemoryStore;
use countersign_engine::port::Answer;
use countersign_engine::port::store::{
    Appended, Batch, CallerKey, Errand, ErrandChange, Health, Logged, Page, Position, Query, Row, Store,
    StoreFault, Verified,
};
use countersign_tests::draw::Draw;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most batches that a disk loses in a crash that acknowledged them before they were synced.
const LOST_MAX: u64 = 2;

/// A disk that outlives its hosts.
#[derive(Debug)]
pub(crate) struct Disk {
    draw: Draw,
    bug: Option<Bug>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    store: Arc<MemoryStore>,
    /// What is durable, in order.
    batches: Vec<Batch>,
    /// After how many appends the host dies in one.
    dies_in: Option<u64>,
    /// Whether it has.
    dead: bool,
    /// Whether it fails now and then.
    faulty: bool,
}

impl Disk {
    pub(crate) fn new(draw: Draw, bug: Option<Bug>) -> Disk {
        Disk { draw, bug, state: Mutex::new(State { faulty: true, ..State::default() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn store(&self) -> Arc<MemoryStore> {
        Arc::clone(&self.state().store)
    }

    /// The host dies in the append after so many.
    pub(crate) fn die_in(&self, appends: u64) {
        self.state().dies_in = Some(appends);
    }

    /// Whether nothing happens to it for a while.
    pub(crate) fn is_steady(&self, steady: bool) {
        let mut state = self.state();
        (state.faulty, state.dies_in) = (!steady, None);
    }

    /// Whether the host has died in an append.
    pub(crate) fn is_dead(&self) -> bool {
        self.state().dead
    }

    /// From here on nothing fails.
    pub(crate) fn heal(&self) {
        let mut state = self.state();
        (state.faulty, state.dies_in) = (false, None);
    }

    /// What a host finds that starts after another one died.
    pub(crate) async fn restart(&self) {
        let (batches, lost) = {
            let mut state = self.state();
            (state.dead, state.dies_in) = (false, None);
            let lost = match self.bug {
                Some(Bug::AcknowledgesBeforeSync) => self.draw.below(LOST_MAX + 1),
                _ => 0,
            };
            let kept = state.batches.len().saturating_sub(usize::try_from(lost).unwrap_or_default());
            state.batches.truncate(kept);
            (state.batches.clone(), lost)
        };
        if lost == 0 {
            return;
        }
        let store = MemoryStore::new();
        for batch in batches {
            store.append(batch).await.expect("it was taken before");
        }
        self.state().store = Arc::new(store);
    }

    /// What becomes of a batch: kept, kept in the death of the host, lost in it, or refused.
    fn fate(&self) -> Fate {
        let mut state = self.state();
        if let Some(left) = &mut state.dies_in {
            if *left == 0 {
                state.dead = true;
                return if self.draw.in_100(50) { Fate::KeptAndDead } else { Fate::LostAndDead };
            }
            *left -= 1;
        }
        if state.dead {
            return Fate::LostAndDead;
        }
        if state.faulty && self.draw.in_100(2) { Fate::Refused } else { Fate::Kept }
    }

    async fn keep(&self, mut batch: Batch) -> Result<Appended, StoreFault> {
        match self.bug {
            Some(Bug::ForgetsTimers) => {
                for append in &mut batch.appends {
                    append.errands.retain(|change| {
                        matches!(change, ErrandChange::Clear { .. }) || !self.draw.in_100(5)
                    });
                }
            }
            Some(Bug::DropsBatches) if self.draw.in_100(3) => {
                return Ok(Appended { position: Position(0) });
            }
            _ => {}
        }
        let store = self.store();
        let appended = store.append(batch.clone()).await?;
        self.state().batches.push(batch);
        Ok(appended)
    }
}

enum Fate {
    Kept,
    KeptAndDead,
    LostAndDead,
    Refused,
}

impl Store for Disk {
    fn append(&self, batch: Batch) -> Answer<'_, Result<Appended, StoreFault>> {
        Box::pin(async move {
            // Others get their turn while it is written.
            tokio::task::yield_now().await;
            match self.fate() {
                Fate::Kept => self.keep(batch).await,
                Fate::KeptAndDead => {
                    let _ = self.keep(batch).await;
                    std::future::pending().await
                }
                Fate::LostAndDead => std::future::pending().await,
                Fate::Refused => Err(StoreFault::Full),
            }
        })
    }

    fn load(&self, stream: &str) -> Answer<'_, Result<Vec<Arc<[u8]>>, StoreFault>> {
        let (store, stream) = (self.store(), stream.to_owned());
        Box::pin(async move { store.load(&stream).await })
    }

    fn scan(&self, from: Position, limit: usize) -> Answer<'_, Result<Vec<Logged>, StoreFault>> {
        let store = self.store();
        Box::pin(async move { store.scan(from, limit).await })
    }

    fn due(
        &self,
        now: Timestamp,
        after: Option<Errand>,
        limit: usize,
    ) -> Answer<'_, Result<Vec<Errand>, StoreFault>> {
        let store = self.store();
        Box::pin(async move { store.due(now, after, limit).await })
    }

    fn next_due(&self, now: Timestamp) -> Answer<'_, Result<Option<Timestamp>, StoreFault>> {
        let store = self.store();
        Box::pin(async move { store.next_due(now).await })
    }

    fn put_off(&self, errand: &Errand, until: Timestamp) {
        self.store().put_off(errand, until);
    }

    fn caller_key(&self, key: &str) -> Answer<'_, Result<Option<CallerKey>, StoreFault>> {
        let (store, key) = (self.store(), key.to_owned());
        Box::pin(async move { store.caller_key(&key).await })
    }

    fn query(&self, query: Query) -> Answer<'_, Result<Page, StoreFault>> {
        let store = self.store();
        Box::pin(async move { store.query(query).await })
    }

    fn row(&self, stream: &str) -> Answer<'_, Result<Option<Row>, StoreFault>> {
        let (store, stream) = (self.store(), stream.to_owned());
        Box::pin(async move { store.row(&stream).await })
    }

    fn health(&self) -> Health {
        self.store().health()
    }

    fn verify<'a>(
        &'a self,
        progress: &'a (dyn Fn(u64, u64) + Send + Sync),
    ) -> Answer<'a, Result<Verified, StoreFault>> {
        let store = self.store();
        Box::pin(async move { store.verify(progress).await })
    }
}
