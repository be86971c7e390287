//! A clock that is turned by hand and chance that repeats: a whole test world without waiting.

use crate::port::Answer;
use crate::port::clock::{Chance, Clock};
use countersign_core::hash::Digest;
use countersign_core::time::{Millis, Timestamp};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// A clock that stands still until somebody turns it. Whoever sleeps is woken in the order in which they began to.
#[derive(Debug)]
pub struct SimulatedClock {
    hands: Mutex<Hands>,
}

#[derive(Debug)]
struct Hands {
    now: Timestamp,
    passed: Millis,
    /// Who waits, by the number of their sleep.
    waiting: BTreeMap<u64, Waker>,
    sleeps: u64,
}

impl SimulatedClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> SimulatedClock {
        SimulatedClock {
            hands: Mutex::new(Hands { now, passed: Millis(0), waiting: BTreeMap::new(), sleeps: 0 }),
        }
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Turns the clock on and wakes whoever slept until then.
    pub fn turn(&self, length: Millis) {
        let now = self.hands().now.plus(length);
        self.set(now);
    }

    /// How many wait for this clock to be turned.
    #[must_use]
    pub fn sleepers(&self) -> usize {
        self.hands().waiting.len()
    }

    /// Lets time pass until then; sets it back if that is earlier.
    pub fn set(&self, now: Timestamp) {
        let passed = now.since(self.now());
        self.show(now, passed);
    }

    /// Sets the clock without any time passing, in either direction.
    pub fn jump(&self, now: Timestamp) {
        self.show(now, Millis(0));
    }

    fn show(&self, now: Timestamp, passed: Millis) {
        let woken = {
            let mut hands = self.hands();
            hands.now = now;
            hands.passed = Millis(hands.passed.0.saturating_add(passed.0));
            std::mem::take(&mut hands.waiting)
        };
        // Who wakes too early goes on sleeping.
        woken.into_values().for_each(Waker::wake);
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        self.hands().now
    }

    fn passed(&self) -> Millis {
        self.hands().passed
    }

    fn sleep_until(&self, moment: Timestamp) -> Answer<'_, ()> {
        let number = {
            let mut hands = self.hands();
            hands.sleeps = hands.sleeps.saturating_add(1);
            hands.sleeps
        };
        let until = {
            let hands = self.hands();
            Millis(hands.passed.0.saturating_add(moment.since(hands.now).0))
        };
        Box::pin(Sleep { clock: self, until, number })
    }
}

/// One who sleeps.
struct Sleep<'a> {
    clock: &'a SimulatedClock,
    /// How much has passed then: what the clock is set to meanwhile does not matter.
    until: Millis,
    number: u64,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut hands = self.clock.hands();
        if self.until <= hands.passed {
            return Poll::Ready(());
        }
        hands.waiting.insert(self.number, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        self.clock.hands().waiting.remove(&self.number);
    }
}

/// Chance that gives the same sequence for the same seed.
#[derive(Debug)]
pub struct SeededChance {
    seed: u64,
    drawn: AtomicU64,
}

impl SeededChance {
    /// The sequence of `seed`, from its beginning.
    #[must_use]
    pub fn new(seed: u64) -> SeededChance {
        SeededChance { seed, drawn: AtomicU64::new(0) }
    }
}

impl Chance for SeededChance {
    fn bits(&self) -> u128 {
        let drawn = self.drawn.fetch_add(1, Ordering::Relaxed);
        Digest::of_parts(&[&self.seed.to_be_bytes(), &drawn.to_be_bytes()]).first_bits()
    }
}
