//! Faults on purpose: which request meets which trouble, decided by a seed.
//!
//! The n-th write (or read) that a stand-in gets meets the same fate in every run with the same
//! seed, whatever the others do at that time.

use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a slow answer takes. Far below the host's deadline for one call.
pub const SLOW_MS: u64 = 400;
/// How long a lost answer keeps the caller waiting before the connection ends.
pub const LOST_MS: u64 = 60;
/// What an overloaded stand-in asks for in `Retry-After`.
pub const RETRY_AFTER_S: u64 = 1;

/// The trouble that one request meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Answers 503 and does nothing.
    UnavailableBefore,
    /// Ends the connection before anything is done.
    LostBefore,
    /// Answers 429 with `Retry-After` and does nothing.
    TooMany,
    /// Does it and answers 503.
    UnavailableAfter,
    /// Does it and answers 500.
    ErrorAfter,
    /// Does it and ends the connection without an answer.
    LostAfter,
    /// Does it and ends the connection in the middle of the answer.
    CutAfter,
    /// Does it and takes its time to say so.
    Slow,
    /// Does nothing and keeps a 500 under the idempotency key, where the target has one.
    Burnt,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 9] = [
        Kind::UnavailableBefore,
        Kind::LostBefore,
        Kind::TooMany,
        Kind::UnavailableAfter,
        Kind::ErrorAfter,
        Kind::LostAfter,
        Kind::CutAfter,
        Kind::Slow,
        Kind::Burnt,
    ];

    /// What happened, for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Kind::UnavailableBefore => "503, nothing done",
            Kind::LostBefore => "connection lost, nothing done",
            Kind::TooMany => "429 with Retry-After",
            Kind::UnavailableAfter => "503 after it was done",
            Kind::ErrorAfter => "500 after it was done",
            Kind::LostAfter => "answer lost after it was done",
            Kind::CutAfter => "answer cut in the middle",
            Kind::Slow => "slow answer",
            Kind::Burnt => "500 kept under the key, nothing done",
        }
    }

    /// Whether the request is done all the same.
    #[must_use]
    pub fn is_done(self) -> bool {
        match self {
            Kind::UnavailableAfter | Kind::ErrorAfter | Kind::LostAfter | Kind::CutAfter | Kind::Slow => true,
            Kind::UnavailableBefore | Kind::LostBefore | Kind::TooMany | Kind::Burnt => false,
        }
    }

    /// How long the caller waits for what comes.
    #[must_use]
    pub fn pause(self) -> Duration {
        Duration::from_millis(match self {
            Kind::Slow => SLOW_MS,
            Kind::LostBefore | Kind::LostAfter | Kind::CutAfter => LOST_MS,
            Kind::UnavailableBefore
            | Kind::TooMany
            | Kind::UnavailableAfter
            | Kind::ErrorAfter
            | Kind::Burnt => 0,
        })
    }
}

/// How much trouble there is, and of what kinds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mix {
    /// Of a hundred requests that change something, how many meet trouble.
    pub writes_percent: u64,
    /// Of a hundred requests that only read.
    pub reads_percent: u64,
    /// The troubles of writes, each as often as it stands here.
    pub of_writes: Vec<Kind>,
    /// The troubles of reads.
    pub of_reads: Vec<Kind>,
}

impl Mix {
    /// No trouble at all.
    #[must_use]
    pub fn calm() -> Mix {
        Mix { writes_percent: 0, reads_percent: 0, of_writes: Vec::new(), of_reads: Vec::new() }
    }

    /// What `demo` shows: a quarter of the writes, mostly the kinds that make a write's outcome
    /// unknown, and a few of the reads. No 500 is kept under a key, because the host then waits
    /// for the target's settle time before it uses another one, and Stripe's half a minute is
    /// longer than anybody watches.
    #[must_use]
    pub fn lively() -> Mix {
        Mix {
            writes_percent: 25,
            reads_percent: 5,
            of_writes: vec![
                Kind::LostAfter,
                Kind::LostAfter,
                Kind::UnavailableAfter,
                Kind::UnavailableAfter,
                Kind::CutAfter,
                Kind::CutAfter,
                Kind::TooMany,
                Kind::Slow,
                Kind::UnavailableBefore,
                Kind::LostBefore,
            ],
            of_reads: vec![
                Kind::UnavailableBefore,
                Kind::LostBefore,
                Kind::TooMany,
                Kind::CutAfter,
                Kind::Slow,
            ],
        }
    }

    /// Every write meets this trouble; for tests of one kind.
    #[must_use]
    pub fn always(kind: Kind) -> Mix {
        Mix { writes_percent: 100, reads_percent: 0, of_writes: vec![kind], of_reads: Vec::new() }
    }
}

/// The source of trouble, shared by all stand-ins.
#[derive(Debug)]
pub struct Faults {
    seed: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    mix: Mix,
    drawn: BTreeMap<(&'static str, bool), u64>,
    injected: BTreeMap<Kind, u64>,
}

impl Faults {
    /// Trouble as `mix` says, reproducible by `seed`.
    #[must_use]
    pub fn new(seed: u64, mix: Mix) -> Faults {
        Faults { seed, state: Mutex::new(State { mix, drawn: BTreeMap::new(), injected: BTreeMap::new() }) }
    }

    /// From now on as `mix` says; counts stay.
    pub fn become_as(&self, mix: Mix) {
        self.locked().mix = mix;
    }

    /// How often each kind was met so far.
    #[must_use]
    pub fn injected(&self) -> BTreeMap<Kind, u64> {
        self.locked().injected.clone()
    }

    /// How many requests came so far.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.locked().drawn.values().sum()
    }

    /// How many of them change something.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.locked().drawn.iter().filter(|((_, is_write), _)| *is_write).map(|(_, count)| count).sum()
    }

    /// The fate of the next request to `system`.
    pub(crate) fn draw(&self, system: &'static str, is_write: bool) -> Option<Kind> {
        let mut state = self.locked();
        let count = state.drawn.entry((system, is_write)).or_default();
        *count += 1;
        let name = system.bytes().fold(u64::from(is_write), |sum, byte| sum * 31 + u64::from(byte));
        let chance = mixed(self.seed ^ mixed(name) ^ mixed(*count));
        let (percent, kinds) = if is_write {
            (state.mix.writes_percent, &state.mix.of_writes)
        } else {
            (state.mix.reads_percent, &state.mix.of_reads)
        };
        if percent <= chance % 100 || kinds.is_empty() {
            return None;
        }
        let which = usize::try_from((chance >> 32) % (kinds.len() as u64)).ok()?;
        let kind = *kinds.get(which)?;
        *state.injected.entry(kind).or_default() += 1;
        Some(kind)
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// SplitMix64 (Steele, Lea, Flood, 2014): one step, as a hash.
pub(crate) fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fates(seed: u64) -> Vec<Option<Kind>> {
        let faults = Faults::new(seed, Mix::lively());
        (0..400).map(|_| faults.draw("billing", true)).collect()
    }

    #[test]
    fn one_seed_gives_one_sequence_of_fates() {
        assert_eq!(fates(7), fates(7));
        assert_ne!(fates(7), fates(8));
    }

    #[test]
    fn about_a_quarter_of_the_writes_meet_trouble_of_every_kind_of_the_mix() {
        let met: Vec<Kind> = fates(1).into_iter().flatten().collect();
        assert!((70..130).contains(&met.len()), "{}", met.len());
        for kind in Mix::lively().of_writes {
            assert!(met.contains(&kind), "{kind:?}");
        }
    }

    #[test]
    fn what_others_ask_changes_no_fate() {
        let faults = Faults::new(7, Mix::lively());
        let together: Vec<_> = (0..400)
            .map(|_| {
                faults.draw("crm", true);
                faults.draw("billing", false);
                faults.draw("billing", true)
            })
            .collect();
        assert_eq!(together, fates(7));
    }

    #[test]
    fn a_calm_world_has_no_faults_and_still_counts_requests() {
        let faults = Faults::new(1, Mix::calm());
        assert!((0..100).all(|_| faults.draw("crm", true).is_none()));
        assert_eq!((faults.requests(), faults.writes(), faults.injected().len()), (100, 100, 0));
    }
}
