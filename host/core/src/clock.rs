//! When the clock of the machine jumps: it is a recorded fact, and nothing waits longer for it.
//!
//! Wall time says when a seat is late and when an approval has run out, as the policy means it: a clock that is set
//! forward makes them so. Other things are lengths and not moments. A clock that is set back must not stretch how long an
//! effect or a notice waits for its next attempt ([`is_due`]), nor how long a target is believed to remember an
//! idempotency key ([`set_back`]); one that is set forward must not shorten how long a request may still arrive
//! ([`unsettled_until`]).

use crate::canonical::{self, NotCanonical};
use crate::time::{Millis, Timestamp};
use serde::{Deserialize, Serialize};

/// A clock that is set by less than that is not noted.
pub const JUMP_MIN: Millis = Millis::seconds(1);
/// How many of the newest jumps are kept one by one; how far it was set back is summed up over all.
pub const JUMPS_MAX: usize = 100;

/// A moment by the clock, beside how long something has been going on that nobody can set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// What the clock says.
    pub clock: Timestamp,
    /// How long it has been going on.
    pub passed: Millis,
}

/// That the clock of the machine has jumped: one entry of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jump {
    /// What it says now.
    pub at: Timestamp,
    /// What it would say if it had gone on.
    pub expected: Timestamp,
    /// How much had passed then; unknown to whoever reads it in the log.
    #[serde(skip)]
    pub passed: Option<Millis>,
}

impl Jump {
    /// Whether it has jumped between two readings.
    #[must_use]
    pub fn between(before: Reading, after: Reading) -> Option<Jump> {
        let between = Millis(after.passed.0.saturating_sub(before.passed.0));
        let expected = before.clock.plus(between);
        let jump = Jump { at: after.clock, expected, passed: Some(after.passed) };
        (JUMP_MIN <= jump.back() || JUMP_MIN <= jump.forward()).then_some(jump)
    }

    /// How far it was set back.
    #[must_use]
    pub fn back(&self) -> Millis {
        self.expected.since(self.at)
    }

    /// How far it was set forward, or how long the machine slept.
    #[must_use]
    pub fn forward(&self) -> Millis {
        self.at.since(self.expected)
    }

    /// The bytes that stand in the log.
    ///
    /// # Errors
    /// None for any moment that a clock can say.
    pub fn to_bytes(&self) -> Result<Vec<u8>, NotCanonical> {
        canonical::to_vec(self)
    }
}

/// How far a clock that has jumped so was set back, all in all.
///
/// What it says, and this on top, is a clock that is never set back: by it nothing is younger than it is. How long ago a
/// key was first sent is reckoned by it.
#[must_use]
pub fn set_back<'a>(jumps: impl IntoIterator<Item = &'a Jump>) -> Millis {
    Millis(jumps.into_iter().fold(0, |all, jump| all.saturating_add(jump.back().0)))
}

/// Before which moment no `absent` can be believed, where a request may arrive for as long as `settle`: what was sent
/// before the clock was set forward is younger than the clock says, until `settle` has passed since then. The past, if
/// it was not set forward in that time.
#[must_use]
pub fn unsettled_until(settle: Millis, jumps: &[Jump], now: Reading) -> Timestamp {
    let is_forward = |(_, jump): &(usize, &Jump)| Millis(0) < jump.forward();
    let left = jumps.iter().enumerate().filter(is_forward).filter_map(|(place, jump)| {
        let since = match jump.passed {
            Some(passed) => Millis(now.passed.0.saturating_sub(passed.0)),
            // It is read from the log: what the clock says has passed since, without the jumps that came after it.
            None => {
                let later = jumps.get(place.saturating_add(1)..).unwrap_or_default();
                let forward = later.iter().fold(0_u64, |all, jump| all.saturating_add(jump.forward().0));
                Millis(now.clock.plus(set_back(later)).since(jump.at).0.saturating_sub(forward))
            }
        };
        settle.0.checked_sub(since.0).filter(|left| 0 < *left)
    });
    left.max().map_or(Timestamp(0), |left| now.clock.plus(Millis(left)))
}

/// Whether what was to be done at `due` is to be done now, where nothing of its kind ever waits longer than `longest`:
/// what seems to has been told to by a clock that was ahead.
#[must_use]
pub fn is_due(due: Timestamp, now: Timestamp, longest: Millis) -> bool {
    due <= now || longest < due.since(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn read(clock: i64, passed: u64) -> Reading {
        Reading { clock: Timestamp(clock), passed: Millis(passed) }
    }

    #[test]
    fn a_clock_that_goes_on_or_is_slewed_has_not_jumped() {
        assert_eq!(Jump::between(read(5_000, 10), read(6_000, 1_010)), None);
        assert_eq!(Jump::between(read(5_000, 10), read(5_001, 1_010)), None);
        assert_eq!(Jump::between(read(5_000, 10), read(6_999, 1_010)), None);
    }

    #[test]
    fn a_jump_says_how_far() {
        let back = Jump::between(read(HOUR, 0), read(0, 500)).expect("it was set back");
        assert_eq!((back.back(), back.forward()), (Millis(3_600_500), Millis(0)));
        let forward = Jump::between(read(0, 0), read(HOUR, 500)).expect("it was set forward");
        assert_eq!((forward.back(), forward.forward()), (Millis(0), Millis(3_599_500)));
        assert_eq!(set_back([&back, &forward, &back]), Millis(7_201_000));
        let bytes = back.to_bytes().expect("it has a canonical form");
        assert_eq!(serde_json::from_slice::<Jump>(&bytes).expect("it is one"), Jump { passed: None, ..back });
    }

    #[test]
    fn an_absent_is_never_believed_while_a_request_may_still_arrive() {
        let settle = Millis::seconds(30);
        // Each second from 0 to 60 something is sent. At 60 the clock is set forward.
        for (forward, is_read) in [(2, false), (29, true), (31, false), (3_600, false), (3_600, true)] {
            let before = read(60_000, 60_000);
            let jump =
                Jump::between(before, read((60 + forward) * 1_000, 60_000)).expect("it was set forward");
            let jump = if is_read { Jump { passed: None, ..jump } } else { jump };
            let at = |passed: i64| {
                read((60 + forward + passed) * 1_000, u64::try_from(60 + passed).expect("a number") * 1_000)
            };
            for sent in 0..60 {
                for passed in 0..60 {
                    let now = at(passed);
                    let age = Millis::seconds(u64::try_from(60 + passed - sent).expect("it is not negative"));
                    let settled = Timestamp(sent * 1_000).plus(settle);
                    let believed = settled.max(unsettled_until(settle, &[jump], now)) <= now.clock;
                    assert!(
                        !believed || settle <= age,
                        "sent {sent}, set forward by {forward}, {passed} later"
                    );
                }
            }
            assert_eq!(unsettled_until(settle, &[jump], at(30)), Timestamp(0));
        }
    }

    #[test]
    fn a_clock_that_is_set_forward_and_back_again_has_set_nothing_forward_for_ever() {
        let settle = Millis::seconds(30);
        let forward = Jump::between(read(0, 0), read(24 * HOUR, 0)).expect("it was set forward");
        let back =
            Jump::between(read(24 * HOUR + 5_000, 5_000), read(5_000, 5_000)).expect("it was set back");
        let jumps = [forward, back];
        assert_eq!(unsettled_until(settle, &jumps, read(10_000, 10_000)), Timestamp(30_000));
        assert_eq!(unsettled_until(settle, &jumps, read(30_000, 30_000)), Timestamp(0));
        let read_again = jumps.map(|jump| Jump { passed: None, ..jump });
        assert_eq!(unsettled_until(settle, &read_again, read(10_000, 0)), Timestamp(30_000));
        assert_eq!(unsettled_until(settle, &read_again, read(30_000, 0)), Timestamp(0));
    }

    #[test]
    fn what_a_clock_that_was_ahead_has_put_off_is_due() {
        let (now, longest) = (Timestamp(10 * HOUR), Millis::hours(2));
        assert!(is_due(Timestamp(10 * HOUR), now, longest));
        assert!(!is_due(Timestamp(12 * HOUR), now, longest));
        assert!(is_due(Timestamp(12 * HOUR + 1), now, longest));
    }
}
