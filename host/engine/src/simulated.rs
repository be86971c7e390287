//! A clock that is turned by hand and chance that repeats: a whole test world without waiting.

use crate::port::Answer;
use crate::port::clock::{Chance, Clock};
use countersign_core::hash::Digest;
use countersign_core::time::{Millis, Timestamp};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;

/// A clock that stands still until somebody turns it.
#[derive(Debug)]
pub struct SimulatedClock {
    now: watch::Sender<Timestamp>,
}

impl SimulatedClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> SimulatedClock {
        SimulatedClock { now: watch::Sender::new(now) }
    }

    /// Turns the clock on and wakes whoever slept until then.
    pub fn turn(&self, length: Millis) {
        self.now.send_modify(|now| *now = now.plus(length));
    }

    /// How many wait for this clock to be turned.
    #[must_use]
    pub fn sleepers(&self) -> usize {
        self.now.receiver_count()
    }

    /// Sets the clock, in either direction.
    pub fn set(&self, now: Timestamp) {
        self.now.send_replace(now);
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    fn sleep_until(&self, moment: Timestamp) -> Answer<'_, ()> {
        let mut hand = self.now.subscribe();
        Box::pin(async move {
            // The sender lives as long as `self`, which this future borrows, so waiting cannot fail.
            drop(hand.wait_for(|now| moment <= *now).await);
        })
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
