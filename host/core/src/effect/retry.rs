//! When to try again: exponential backoff with full jitter, and the budgets after which a person
//! is asked instead.

use crate::clock;
use crate::time::{Millis, Timestamp};

/// Most attempts at one effect. With the schedule below that is about four hours of trouble;
/// after it the effect is an exception with an owner, never silence.
pub const EFFECT_ATTEMPTS_MAX: u32 = 24;
/// Longest that an attempt takes: the deadline of the slowest class of connectors.
pub const ATTEMPT_MAX: Millis = Millis::seconds(120);
/// Most probes in a row that do not say whether the effect landed.
pub const EFFECT_PROBES_MAX: u32 = 24;
/// Most attempts that may end in a trap or a limit before the effect asks for a person.
pub const TRAPS_MAX: u32 = 5;
/// How often an open outcome is repeated under one idempotency key before it is probed instead:
/// some targets replay their first answer for ever, a 500 included.
pub const KEY_REPEATS_MAX: u32 = 4;
/// How often an effect is planned anew because its record was changed elsewhere, before it asks for a person.
pub const REPLANS_MAX: u32 = 5;

/// How often what was approved is decided anew because its record was changed elsewhere; then a person is asked.
pub const RECONSIDERED_MAX: u32 = 3;
/// Most tries to read facts and plan writes before the approval asks for a person.
pub const PREPARE_TRIES_MAX: u32 = 24;
/// Upper end of the first delay.
pub const RETRY_DELAY_MS_BASE: u64 = 500;
/// Upper end of every delay: ten minutes.
pub const RETRY_DELAY_MS_MAX: u64 = 600_000;
/// Lower end of every delay, so that full jitter never turns into a tight loop.
pub const RETRY_DELAY_MS_MIN: u64 = 50;

/// Longest that a target's wish (`Retry-After`) is followed, in milliseconds: an hour. Asking once an hour hurts nobody,
/// and nothing waits for a year because a header said so.
pub const RETRY_WISH_MS_MAX: u64 = 3_600_000;
/// Longest that a request may take until it arrives, as its connector says.
pub const SETTLE_MAX: Millis = Millis::hours(1);
/// Longest that anything waits for its next attempt, probe or plan: what the target wishes, or what it needs until an
/// `absent` can be believed, with a delay of our own.
pub const WAIT_MAX: Millis = Millis::hours(2);

/// Whether an attempt, a probe or a plan is due; so is one that a clock which was ahead has put off.
#[must_use]
pub fn is_due(due: Timestamp, now: Timestamp) -> bool {
    clock::is_due(due, now, WAIT_MAX)
}

/// How long to wait after the `tries`-th try (counted from 1) that did not succeed.
///
/// Full jitter (Brooker, "Exponential Backoff And Jitter", 2015): anywhere between
/// [`RETRY_DELAY_MS_MIN`] and the exponential cap, chosen by `chance`. The target's own wish
/// (`Retry-After`) is a lower bound, up to [`RETRY_WISH_MS_MAX`].
#[must_use]
pub fn delay(tries: u32, wish: Option<Millis>, chance: u128) -> Millis {
    let doublings = tries.saturating_sub(1).min(20);
    let cap = RETRY_DELAY_MS_BASE.saturating_mul(1_u64 << doublings).min(RETRY_DELAY_MS_MAX);
    let span = cap.saturating_sub(RETRY_DELAY_MS_MIN).max(1);
    let drawn = chance.checked_rem(u128::from(span)).and_then(|drawn| u64::try_from(drawn).ok()).unwrap_or(0);
    let own = Millis(RETRY_DELAY_MS_MIN.saturating_add(drawn));
    wish.map_or(own, |wish| Millis(wish.0.min(RETRY_WISH_MS_MAX)).max(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_stays_between_its_ends() {
        for tries in 0..100 {
            for chance in [0, 1, u128::MAX, 1 << 70] {
                let delay = delay(tries, None, chance).0;
                assert!((RETRY_DELAY_MS_MIN..=RETRY_DELAY_MS_MAX).contains(&delay), "{tries} {chance}");
            }
        }
    }

    #[test]
    fn the_targets_wish_is_a_lower_bound() {
        assert_eq!(delay(1, Some(Millis(90_000)), 7), Millis(90_000));
        assert!(delay(1, Some(Millis(0)), 7) >= Millis(RETRY_DELAY_MS_MIN));
        assert_eq!(delay(1, Some(Millis(u64::MAX)), 7), Millis(RETRY_WISH_MS_MAX));
    }
}
