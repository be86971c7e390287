//! Looks whether the clock of the machine has jumped, puts it on record, and brings forward what a clock that was ahead
//! has put off.

use crate::engine::Inner;
use crate::fault::Fault;
use crate::limits::BRING_FORWARD_LOOKS;
use crate::place::{self, Place};
use crate::port::clock::Clock;
use crate::port::connectors::Connection;
use crate::port::store::{Errand, PAGE_ROWS_MAX, Store};
use crate::schedule::longest_wait;
use countersign_core::approval::command::Target;
use countersign_core::approval::wake::Wake;
use countersign_core::clock::{self, JUMPS_MAX, Jump, Reading};
use countersign_core::effect::life::Denial;
use countersign_core::effect::retry;
use countersign_core::time::{Millis, Timestamp};
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};

/// Name of the record.
const CLOCK: &str = "clock";

/// How the clock has jumped, and where the next jump is noted.
#[derive(Debug, Default)]
pub(crate) struct Jumps {
    known: StdMutex<Known>,
    place: tokio::sync::Mutex<Place>,
}

#[derive(Debug, Clone, Default)]
struct Known {
    /// The newest, the last one last.
    jumps: Vec<Jump>,
    /// How far it was ever set back.
    set_back: Millis,
    /// The last reading up to which they are known.
    last: Option<Reading>,
}

/// What the log says of the clock.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record {
    known: Known,
    place: Place,
}

/// Reads what the log says of the clock.
pub(crate) async fn recorded(store: &dyn Store) -> Result<Record, Fault> {
    let mut known = Known::default();
    let place = place::read(store, CLOCK, |jump| known.keep(jump)).await?;
    Ok(Record { known, place })
}

impl Known {
    /// The jump that nobody has noted yet.
    fn newest(&self, now: Reading) -> Option<Jump> {
        self.last.and_then(|last| Jump::between(last, now))
    }

    fn set_back(&self, newest: Option<&Jump>) -> Millis {
        Millis(self.set_back.0.saturating_add(clock::set_back(newest).0))
    }

    fn keep(&mut self, jump: Jump) {
        if JUMPS_MAX <= self.jumps.len() {
            self.jumps.remove(0);
        }
        self.set_back = Millis(self.set_back.0.saturating_add(jump.back().0));
        self.jumps.push(jump);
    }
}

fn reading(clock: &dyn Clock) -> Reading {
    Reading { clock: clock.now(), passed: clock.passed() }
}

impl Jumps {
    /// As the log says, with what the clock says as the engine starts.
    pub(crate) fn of(record: Record, clock: &dyn Clock) -> Jumps {
        let known = Known { last: Some(reading(clock)), ..record.known };
        Jumps { known: StdMutex::new(known), place: tokio::sync::Mutex::new(record.place) }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// How far the clock was ever set back.
    pub(crate) fn set_back(&self) -> Millis {
        let now = reading(&*self.clock);
        let known = self.jumps.known();
        known.set_back(known.newest(now).as_ref())
    }

    /// How far the clock was set forward since then.
    pub(crate) fn ahead_since(&self, moment: Timestamp) -> Millis {
        let now = reading(&*self.clock);
        let known = self.jumps.known();
        let newest = known.newest(now);
        let since = known.jumps.iter().chain(&newest).filter(|jump| moment < jump.at && jump.at <= now.clock);
        Millis(since.fold(0, |all, jump| all.saturating_add(jump.forward().0)))
    }

    /// What is known of a target, by a clock that may have jumped: also if nobody has noted that yet.
    pub(crate) fn target(&self, connection: &Connection) -> Target {
        let now = reading(&*self.clock);
        let known = self.jumps.known();
        let newest = known.newest(now);
        let jumps: Vec<Jump> = known.jumps.iter().copied().chain(newest).collect();
        Target {
            settle: connection.settle,
            unsettled_until: clock::unsettled_until(connection.settle, &jumps, now),
            key_lifetime: connection.key_lifetime,
            set_back: known.set_back(newest.as_ref()),
            restored: self.restored,
            denial: Denial::default(),
        }
    }
}

/// Looks at the clock again and again.
#[derive(Debug)]
pub(crate) struct Watch {
    /// How often all that waits is still to be looked at since the start, or since the clock was set back.
    left: u32,
}

impl Default for Watch {
    fn default() -> Watch {
        Watch { left: 1 }
    }
}

impl Watch {
    /// Looks once. At the start and after a clock was set back, what a clock that was ahead has put off is due.
    ///
    /// If the process stops in here a jump may not be on record; the next start looks at what waits.
    pub(crate) async fn look(&mut self, inner: &Arc<Inner>) {
        let now = reading(&*inner.clock);
        let last = inner.jumps.known().last.get_or_insert(now).to_owned();
        let jump = Jump::between(last, now);
        if jump.is_some_and(|jump| Millis(0) < jump.back()) {
            self.left = BRING_FORWARD_LOOKS;
        }
        if 0 < self.left {
            match brought_forward(inner).await {
                Ok(()) => self.left = self.left.saturating_sub(1),
                Err(fault) => {
                    tracing::warn!(%fault, blame = "host", "what waits cannot be looked at; it is tried again");
                }
            }
        }
        let Some(jump) = jump else {
            inner.jumps.known().last = Some(now);
            return;
        };
        match note(inner, jump).await {
            Ok(()) => {
                {
                    let mut known = inner.jumps.known();
                    known.keep(jump);
                    known.last = Some(now);
                }
                let (back, forward) = (jump.back().0, jump.forward().0);
                tracing::warn!(
                    back_ms = back,
                    forward_ms = forward,
                    blame = "operator",
                    "the clock has jumped, or the machine has slept"
                );
            }
            Err(fault) => tracing::warn!(%fault, blame = "host", "a jump of the clock cannot be noted yet"),
        }
    }
}

async fn note(inner: &Arc<Inner>, jump: Jump) -> Result<(), Fault> {
    let mut place = inner.jumps.place.lock().await;
    let bytes = jump.to_bytes().map_err(|fault| Fault::Unreadable(fault.to_string()))?;
    *place = inner.append_to(CLOCK, *place, vec![bytes.into()], None).await?;
    inner.metrics.clock_jumped();
    Ok(())
}

/// Has found within a second or two what is due later than anything of its kind can be.
async fn brought_forward(inner: &Arc<Inner>) -> Result<(), Fault> {
    let now = inner.clock.now();
    let nowhere = || Arc::from("");
    let mut after = Some(Errand { due: now.plus(retry::WAIT_MAX), stream: nowhere(), key: nowhere() });
    loop {
        let page = inner.store.due(Timestamp(i64::MAX), after.take(), PAGE_ROWS_MAX).await?;
        for errand in &page {
            let Ok(wake) = errand.key.parse::<Wake>() else { continue };
            let longest = longest_wait(&wake);
            if longest.is_some_and(|longest| longest < errand.due.since(now)) {
                inner.store.put_off(errand, inner.later(Millis(1_000)));
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE_ROWS_MAX => after = Some(last.clone()),
            Some(_) | None => return Ok(()),
        }
    }
}
