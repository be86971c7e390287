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
    /// Who waits, by the number of their sleep.
    waiting: BTreeMap<u64, Waker>,
    sleeps: u64,
}

impl SimulatedClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> SimulatedClock {
        SimulatedClock { hands: Mutex::new(Hands { now, waiting: BTreeMap::new(), sleeps: 0 }) }
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

    /// Sets the clock, in either direction.
    pub fn set(&self, now: Timestamp) {
        let woken = {
            let mut hands = self.hands();
            hands.now = now;
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

    fn sleep_until(&self, moment: Timestamp) -> Answer<'_, ()> {
        let number = {
            let mut hands = self.hands();
            hands.sleeps = hands.sleeps.saturating_add(1);
            hands.sleeps
        };
        Box::pin(Sleep { clock: self, moment, number })
    }
}

/// One who sleeps.
struct Sleep<'a> {
    clock: &'a SimulatedClock,
    moment: Timestamp,
    number: u64,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut hands = self.clock.hands();
        if self.moment <= hands.now {
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
