//! One gate a connection: so many attempts run there at one time, so many wait for their turn, and
//! whatever cannot wait here goes back to the store, where it costs nothing. One target that is slow
//! or down holds up no other.

use crate::engine::Inner;
use crate::fault::Fault;
use crate::limits::{GATE_FULL_MS, GATE_WAITING_MAX, PAUSED_LOOK_MS};
use crate::port::connectors::Connection;
use countersign_core::id::ConnectionName;
use countersign_core::time::{Millis, Timestamp};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The gates of all connections.
#[derive(Debug, Default)]
pub(crate) struct Gates {
    gates: Mutex<HashMap<ConnectionName, Arc<Gate>>>,
}

#[derive(Debug)]
struct Gate {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// How an attempt or a probe fares at a gate.
#[derive(Debug)]
pub(crate) enum Entry {
    /// It may begin.
    Through(OwnedSemaphorePermit),
    /// It may begin, and has waited: what it was to do may have changed meanwhile.
    Waited(OwnedSemaphorePermit),
    /// It is to come again then.
    Later(Timestamp),
}

impl Gates {
    /// As wide as the version says that the connection has now: `current`.
    fn of(&self, connection: &Connection, current: usize) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let gate = gates.entry(connection.name.clone()).or_insert_with(|| {
            let places = Arc::new(Semaphore::new(current.max(1)));
            Arc::new(Gate { places, waiting: AtomicUsize::new(0) })
        });
        Arc::clone(gate)
    }

    /// Whether as many are at a connection as may be, so that one takes the time of another.
    pub(crate) fn is_full(&self, connection: &Connection) -> bool {
        let gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates.get(&connection.name).is_some_and(|gate| {
            let others = 1 < connection.concurrent || 0 < gate.waiting.load(Ordering::Relaxed);
            others && gate.places.available_permits() == 0
        })
    }
}

impl Inner {
    /// Goes to the gate of a connection. Dropping the permit lets the next one through.
    ///
    /// # Errors
    /// [`Fault::Store`] if it cannot be read whether the connection is paused.
    pub(crate) async fn enter(&self, connection: &Connection) -> Result<Entry, Fault> {
        let current = self.connectors.connection(&connection.name);
        let gate = self.gates.of(connection, current.map_or(connection.concurrent, |found| found.concurrent));
        let at_once = Arc::clone(&gate.places).try_acquire_owned();
        // Looked at with the place in hand: whoever had it last may have found that nobody is let in.
        if let Some(later) = self.kept_out(connection).await? {
            return Ok(Entry::Later(later));
        }
        if let Ok(permit) = at_once {
            return Ok(Entry::Through(permit));
        }
        let Some(_waits) = Waits::begin(self, &gate) else {
            return Ok(Entry::Later(self.later(Millis(GATE_FULL_MS))));
        };
        let permit = tokio::select! {
            biased;
            () = self.tasks.stopping() => return Ok(Entry::Later(self.later(Millis(0)))),
            permit = Arc::clone(&gate.places).acquire_owned() => permit,
        };
        Ok(match (permit, self.kept_out(connection).await?) {
            (Ok(permit), None) => Entry::Waited(permit),
            (Ok(_), Some(later)) => Entry::Later(later),
            // No gate is ever closed.
            (Err(_), _) => Entry::Later(self.later(Millis(GATE_FULL_MS))),
        })
    }

    /// When to come again, if nothing is sent to a connection now: its credential was refused, or its target
    /// failed again and again.
    async fn kept_out(&self, connection: &Connection) -> Result<Option<Timestamp>, Fault> {
        if self.keeps_out(connection).await? {
            return Ok(Some(self.later(Millis(PAUSED_LOOK_MS))));
        }
        Ok(self.connectors.health(&connection.name).rests.map(|rest| self.later(rest)))
    }

    /// So long from now, and up to as long again, so that not all come back in one moment.
    pub(crate) fn later(&self, wait: Millis) -> Timestamp {
        let jitter = self.chance.bits().checked_rem(u128::from(wait.0)).unwrap_or(0);
        let jitter = Millis(u64::try_from(jitter).unwrap_or(0));
        self.clock.now().plus(wait).plus(jitter)
    }
}

/// One that waits for its turn at a gate. It runs nothing, so other errands get its place.
struct Waits<'a> {
    inner: &'a Inner,
    gate: &'a Gate,
}

impl<'a> Waits<'a> {
    /// `None` if as many wait as may.
    fn begin(inner: &'a Inner, gate: &'a Gate) -> Option<Waits<'a>> {
        let room = |waiting| (waiting < GATE_WAITING_MAX).then_some(waiting + 1);
        gate.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).ok()?;
        inner.schedule.begin_waiting();
        Some(Waits { inner, gate })
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.gate.waiting.fetch_sub(1, Ordering::Relaxed);
        self.inner.schedule.end_waiting();
    }
}
