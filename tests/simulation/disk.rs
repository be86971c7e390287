//! The disk of the simulator: the memory store behind a port that fails, in which the host can die, and which belongs to
//! the host that opened it last.

use crate::Bug;
use crate::moments::{Deaths, Moment};
use countersign_core::time::Timestamp;
use countersign_engine::memory::MemoryStore;
use countersign_engine::port::Answer;
use countersign_engine::port::store::{
    Appended, Batch, CallerKey, Errand, ErrandChange, Health, Logged, Page, Position, Query, Row, Store,
    StoreFault, Verified,
};
use countersign_tests::draw::Draw;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most batches that a disk loses in a crash that acknowledged them before they were synced.
const LOST_MAX: u64 = 2;

/// A disk that outlives its hosts.
pub(crate) struct Disk {
    draw: Draw,
    bug: Option<Bug>,
    state: Mutex<State>,
    busy: AtomicUsize,
}

struct State {
    store: Arc<dyn Store>,
    /// What is durable, in order.
    batches: Vec<Batch>,
    /// After how many appends the host dies in one.
    dies_in: Option<u64>,
    /// Whether it has.
    dead: bool,
    /// Whether it fails now and then.
    faulty: bool,
    /// Whose it is to write: the number of the session that was opened last.
    lease: u64,
    /// How often a host was told that a write could not be made sure.
    failures: u64,
    /// How often one was refused because another had taken over.
    refusals: u64,
    /// The moments at which every host dies, where a history is made of them.
    deaths: Option<Deaths>,
}

/// A disk as one host has it, from its start to its end.
pub(crate) struct Session {
    disk: Arc<Disk>,
    lease: u64,
    /// Whether it was told that nothing more is written.
    lost: AtomicBool,
    /// What is due, as the host knows it that stands still: others write meanwhile.
    known: Mutex<Option<Arc<dyn Store>>>,
}

/// A store that holds these.
async fn holding(batches: Vec<Batch>) -> Arc<dyn Store> {
    let store = MemoryStore::new();
    for batch in batches {
        store.append(batch).await.expect("it was taken before");
    }
    Arc::new(store)
}

impl State {
    fn over(store: Arc<dyn Store>) -> State {
        State {
            store,
            batches: Vec::new(),
            dies_in: None,
            dead: false,
            faulty: false,
            lease: 0,
            failures: 0,
            refusals: 0,
            deaths: None,
        }
    }
}

impl Disk {
    pub(crate) fn new(draw: Draw, bug: Option<Bug>) -> Disk {
        let state = State { faulty: true, ..State::over(Arc::new(MemoryStore::new())) };
        Disk { draw, bug, state: Mutex::new(state), busy: AtomicUsize::new(0) }
    }

    /// One that never fails, keeps everything in this store, and in every append of which a host dies.
    pub(crate) fn dying(draw: Draw, bug: Option<Bug>, store: Arc<dyn Store>) -> Disk {
        let state = State { deaths: Some(Deaths::default()), ..State::over(store) };
        Disk { draw, bug, state: Mutex::new(state), busy: AtomicUsize::new(0) }
    }

    /// A host has died at this moment of a send.
    pub(crate) fn died_in_a_send(&self, moment: Moment) {
        if let Some(deaths) = &mut self.state().deaths {
            deaths.in_a_send(moment);
        }
    }

    /// How often hosts died at each moment.
    pub(crate) fn deaths(&self) -> BTreeMap<String, u64> {
        self.state().deaths.as_ref().map(|deaths| deaths.counts.clone()).unwrap_or_default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is on it, whoever asks.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.state().store)
    }

    /// How often a host was told that a write could not be made sure, and how often one that was overtaken was refused.
    pub(crate) fn stops(&self) -> (u64, u64) {
        let state = self.state();
        (state.failures, state.refusals)
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

    /// What a host finds that starts after another one died, or takes over from it.
    pub(crate) async fn open(self: &Arc<Disk>) -> Session {
        let (batches, lost) = {
            let mut state = self.state();
            (state.dead, state.dies_in) = (false, None);
            state.lease += 1;
            let lost = match self.bug {
                Some(Bug::AcknowledgesBeforeSync) => self.draw.below(LOST_MAX + 1),
                _ => 0,
            };
            let kept = state.batches.len().saturating_sub(usize::try_from(lost).unwrap_or_default());
            state.batches.truncate(kept);
            (state.batches.clone(), lost)
        };
        if 0 < lost {
            let store = holding(batches).await;
            self.state().store = store;
        }
        let lease = self.state().lease;
        Session { disk: Arc::clone(self), lease, lost: AtomicBool::new(false), known: Mutex::default() }
    }

    /// Whether another host has opened it since; then its host is refused.
    fn is_overtaken(&self, lease: u64) -> bool {
        let mut state = self.state();
        let is_overtaken = lease != state.lease && self.bug != Some(Bug::WritesAfterTakeover);
        state.refusals += u64::from(is_overtaken);
        is_overtaken
    }

    /// What becomes of a batch: kept, kept in the death of the host, lost in it, or refused.
    fn fate(&self, lease: u64, batch: &Batch) -> Fate {
        if self.is_overtaken(lease) {
            return Fate::Overtaken;
        }
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
        if let Some(deaths) = &mut state.deaths {
            let fate = deaths.fate(batch);
            state.dead = !matches!(fate, Fate::Kept);
            return fate;
        }
        if !state.faulty || self.draw.in_100(97) {
            return Fate::Kept;
        }
        if self.draw.in_100(70) {
            return Fate::Refused;
        }
        state.failures += 1;
        if self.draw.in_100(50) { Fate::KeptAndUnsure } else { Fate::LostAndUnsure }
    }

    async fn keep(self: &Arc<Disk>, mut batch: Batch) -> Result<Appended, StoreFault> {
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
        let (store, waits) = (self.store(), Busy::with(self));
        let appended = store.append(batch.clone()).await?;
        drop(waits);
        self.state().batches.push(batch);
        Ok(appended)
    }
}

/// What becomes of a batch.
pub(crate) enum Fate {
    Kept,
    KeptAndDead,
    LostAndDead,
    Refused,
    /// It could not be made sure, and is there all the same.
    KeptAndUnsure,
    LostAndUnsure,
    Overtaken,
}

impl Session {
    /// How many wait for it, of this host or another.
    pub(crate) fn busy(&self) -> usize {
        self.disk.busy.load(Ordering::SeqCst)
    }

    /// Whether its host was told that nothing more is written.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Its host stands still: what is due it knows as of now.
    pub(crate) async fn stands_still(&self) {
        let batches = self.disk.state().batches.clone();
        let known = holding(batches).await;
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
    }

    /// What its host asks, which waits for the answer.
    fn store(&self) -> (Arc<dyn Store>, Busy) {
        (self.disk.store(), Busy::with(&self.disk))
    }

    /// What is due, as far as its host knows.
    fn known(&self) -> Arc<dyn Store> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        known.unwrap_or_else(|| self.disk.store())
    }

    fn lose<T>(&self, why: &str) -> Result<T, StoreFault> {
        self.lost.store(true, Ordering::Relaxed);
        Err(StoreFault::Lost(why.to_owned()))
    }
}

/// Somebody who waits for a disk.
struct Busy(Arc<Disk>);

impl Busy {
    fn with(disk: &Arc<Disk>) -> Busy {
        disk.busy.fetch_add(1, Ordering::SeqCst);
        Busy(Arc::clone(disk))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Store for Session {
    fn append(&self, batch: Batch) -> Answer<'_, Result<Appended, StoreFault>> {
        Box::pin(async move {
            // Others get their turn while it is written.
            tokio::task::yield_now().await;
            if self.is_lost() {
                return self.lose("a write before could not be made sure");
            }
            match self.disk.fate(self.lease, &batch) {
                Fate::Kept => self.disk.keep(batch).await,
                Fate::KeptAndDead => {
                    let _ = self.disk.keep(batch).await;
                    std::future::pending().await
                }
                Fate::KeptAndUnsure => {
                    let _ = self.disk.keep(batch).await;
                    self.lose("the disk has failed")
                }
                Fate::LostAndUnsure => self.lose("the disk has failed"),
                Fate::Overtaken => self.lose("another host took the log over"),
                Fate::LostAndDead => std::future::pending().await,
                Fate::Refused => Err(StoreFault::Full),
            }
        })
    }

    fn holds(&self) -> Answer<'_, Result<(), StoreFault>> {
        let held = if self.disk.is_overtaken(self.lease) {
            self.lose("another host took the log over")
        } else {
            Ok(())
        };
        Box::pin(std::future::ready(held))
    }

    fn load(&self, stream: &str) -> Answer<'_, Result<Vec<Arc<[u8]>>, StoreFault>> {
        let ((store, waits), stream) = (self.store(), stream.to_owned());
        Box::pin(async move {
            let _waits = waits;
            store.load(&stream).await
        })
    }

    fn scan(&self, from: Position, limit: usize) -> Answer<'_, Result<Vec<Logged>, StoreFault>> {
        let (store, waits) = self.store();
        Box::pin(async move {
            let _waits = waits;
            store.scan(from, limit).await
        })
    }

    fn due(
        &self,
        now: Timestamp,
        after: Option<Errand>,
        limit: usize,
    ) -> Answer<'_, Result<Vec<Errand>, StoreFault>> {
        let (store, waits) = (self.known(), Busy::with(&self.disk));
        Box::pin(async move {
            let _waits = waits;
            store.due(now, after, limit).await
        })
    }

    fn next_due(&self, now: Timestamp) -> Answer<'_, Result<Option<Timestamp>, StoreFault>> {
        let (store, waits) = (self.known(), Busy::with(&self.disk));
        Box::pin(async move {
            let _waits = waits;
            store.next_due(now).await
        })
    }

    fn put_off(&self, errand: &Errand, until: Timestamp) {
        self.known().put_off(errand, until);
    }

    fn caller_key(&self, key: &str) -> Answer<'_, Result<Option<CallerKey>, StoreFault>> {
        let ((store, waits), key) = (self.store(), key.to_owned());
        Box::pin(async move {
            let _waits = waits;
            store.caller_key(&key).await
        })
    }

    fn query(&self, query: Query) -> Answer<'_, Result<Page, StoreFault>> {
        let (store, waits) = self.store();
        Box::pin(async move {
            let _waits = waits;
            store.query(query).await
        })
    }

    fn row(&self, stream: &str) -> Answer<'_, Result<Option<Row>, StoreFault>> {
        let ((store, waits), stream) = (self.store(), stream.to_owned());
        Box::pin(async move {
            let _waits = waits;
            store.row(&stream).await
        })
    }

    fn health(&self) -> Health {
        self.known().health()
    }

    fn verify<'a>(
        &'a self,
        progress: &'a (dyn Fn(u64, u64) + Send + Sync),
    ) -> Answer<'a, Result<Verified, StoreFault>> {
        let (store, waits) = self.store();
        Box::pin(async move {
            let _waits = waits;
            store.verify(progress).await
        })
    }
}
