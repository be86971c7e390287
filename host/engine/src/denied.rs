//! Refused tries on record: each day in streams of its own, `denied/2026-11-23/1` and on.
//!
//! Whoever is refused does not wait for the entry. A refusal changes nothing, so nothing must be stored before it; and an
//! answer that waited would turn into another one on a full disk, and would let a flood of tries slow down everybody else. If the process is killed, what
//! waits here is lost; a stop writes it first.

use crate::engine::{Engine, Inner};
use crate::fault::Fault;
use crate::limits::{DENIED_WAITING_MAX, ERRAND_FAULT_DELAY_MS, RECORD_STREAM_ENTRIES};
use crate::place::{self, Place};
use crate::port::store::{BATCH_ENTRIES_MAX, StoreFault};
use countersign_core::canonical::NotCanonical;
use countersign_core::denied::{Denied, Ends, Entry, Event, Tally};
use countersign_core::id::PersonId;
use countersign_core::intent::Day;
use countersign_core::time::{Millis, Timestamp};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// What is still to be written.
#[derive(Debug, Default)]
pub(crate) struct Denials {
    waiting: StdMutex<Waiting>,
    bell: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    tries: VecDeque<(Timestamp, Denied)>,
    /// How many of whom found no place among them.
    lost: BTreeMap<PersonId, u32>,
}

impl Denials {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Puts a refused try on record, soon. It waits for nothing.
    pub fn deny(&self, denied: Denied) {
        let mut waiting = self.inner.denials.waiting();
        if waiting.tries.len() < DENIED_WAITING_MAX {
            waiting.tries.push_back((self.inner.clock.now(), denied));
        } else {
            let lost = waiting.lost.entry(denied.by).or_default();
            *lost = lost.saturating_add(1);
        }
        self.inner.denials.bell.notify_one();
    }

    /// The refused tries of a day, by the clock of the host in UTC, the oldest first.
    ///
    /// # Errors
    /// Those of the store; [`Fault::Unreadable`] if an entry is none.
    pub async fn denied_on(&self, day: Day) -> Result<Vec<Entry>, Fault> {
        let mut entries = Vec::new();
        place::read(&*self.inner.store, &record(&day.to_string()), |entry: Entry| entries.push(entry))
            .await?;
        Ok(entries)
    }
}

fn record(day: &str) -> String {
    format!("denied/{day}")
}

/// The day of a moment in UTC, as it stands before its time.
fn day(at: Timestamp) -> String {
    at.to_string().chars().take_while(|letter| *letter != 'T').collect()
}

/// Where the record goes on, and what of it is still to be written.
#[derive(Debug, Default)]
struct Book {
    /// Whether it was looked up how much of this hour the log has already.
    learned: bool,
    tally: Tally,
    place: Option<(String, Place)>,
    entries: VecDeque<Entry>,
}

/// Writes what is refused, until the engine stops; then the rest of it.
pub(crate) async fn run(inner: Arc<Inner>) {
    let mut book = Book::default();
    loop {
        let stopping = inner.tasks.are_stopping();
        let ends = if stopping { Ends::All } else { Ends::Over };
        let written = book.write(&inner, ends).await;
        let again = match &written {
            // More came meanwhile, or had no room beside what could not be written before.
            Ok(()) if !inner.denials.waiting().tries.is_empty() => continue,
            Ok(()) => book.tally.next(),
            Err(fault) => {
                if matches!(fault, Fault::Store(StoreFault::Full)) {
                    // The store has said so once; a line each second would take what little room is left.
                    tracing::debug!(%fault, blame = "host", "refused tries cannot be put on record yet");
                } else {
                    tracing::warn!(%fault, blame = "host", "refused tries cannot be put on record yet");
                }
                // It may have gone on elsewhere.
                book.place = None;
                Some(inner.clock.now().plus(Millis(ERRAND_FAULT_DELAY_MS)))
            }
        };
        if stopping {
            return;
        }
        let slept = async {
            match again {
                Some(moment) => inner.clock.sleep_until(moment).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = inner.tasks.stopping() => {}
            () = slept => {}
            () = inner.denials.bell.notified(), if written.is_ok() => {}
        }
    }
}

impl Book {
    async fn write(&mut self, inner: &Inner, ends: Ends) -> Result<(), Fault> {
        let now = inner.clock.now();
        if !self.learned && !inner.denials.waiting().tries.is_empty() {
            self.learn(inner, now).await?;
        }
        let (tries, lost) = {
            let mut waiting = inner.denials.waiting();
            // What could not be written keeps its place among those that wait.
            let room = DENIED_WAITING_MAX.saturating_sub(self.entries.len()).min(waiting.tries.len());
            (waiting.tries.drain(..room).collect::<Vec<_>>(), std::mem::take(&mut waiting.lost))
        };
        for (at, denied) in tries {
            self.entries.extend(self.tally.take(at, denied));
        }
        for (by, count) in &lost {
            self.entries.extend(self.tally.count(now, by, *count));
        }
        self.entries.extend(self.tally.over(now, ends));
        while let Some(first) = self.entries.front() {
            let day = day(first.at);
            self.append(inner, &day).await?;
        }
        Ok(())
    }

    /// Goes on counting where the log ends.
    async fn learn(&mut self, inner: &Inner, now: Timestamp) -> Result<(), Fault> {
        let (day, mut tally) = (day(now), Tally::default());
        let place = place::read(&*inner.store, &record(&day), |entry: Entry| tally.learn(&entry)).await?;
        (self.tally, self.place, self.learned) = (tally, Some((day, place)), true);
        Ok(())
    }

    /// Appends the first entries that are of one day. Durable on return.
    async fn append(&mut self, inner: &Inner, of: &str) -> Result<(), Fault> {
        let place = match &self.place {
            Some((known, place)) if known == of => *place,
            Some(_) | None => place::read(&*inner.store, &record(of), |_: Entry| ()).await?,
        };
        let room = usize::try_from(RECORD_STREAM_ENTRIES.saturating_sub(place.sequence)).unwrap_or(1);
        let most = room.clamp(1, BATCH_ENTRIES_MAX);
        let first: Vec<&Entry> =
            self.entries.iter().take(most).take_while(|entry| day(entry.at) == of).collect();
        let bytes = first.iter().map(|entry| Ok(entry.to_bytes()?.into()));
        let bytes: Result<Vec<Arc<[u8]>>, NotCanonical> = bytes.collect();
        let bytes = bytes.map_err(|fault| Fault::Unreadable(fault.to_string()))?;
        let next = inner.append_to(&record(of), place, bytes, None).await?;
        first.iter().for_each(|entry| inner.metrics.denied(&entry.event));
        let count = first.len();
        self.place = Some((of.to_owned(), next));
        self.entries.drain(..count);
        Ok(())
    }
}

/// How many tries an entry stands for, and whether each has one of its own.
pub(crate) fn counted(event: &Event) -> (&'static str, u64) {
    match event {
        Event::Denied(_) => ("on-record", 1),
        Event::More { count, .. } => ("counted", u64::from(*count)),
    }
}
