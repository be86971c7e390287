//! When a notice that did not get through is tried again, and when it is given up.

use super::OpenNotice;
use crate::time::{Millis, Timestamp};

/// Most tries of one notice. The schedule below reaches [`NOTICE_AGE_MAX`] before that, unless chance is
/// always at its lower end.
pub const NOTICE_TRIES_MAX: u32 = 64;
/// How long a notice is tried: a weekend and a day. Whoever is told later than that is not told in time.
pub const NOTICE_AGE_MAX: Millis = Millis::hours(72);
/// Upper end of the first delay, in milliseconds: greylisting servers let the second try pass after that.
pub const NOTICE_DELAY_MS_BASE: u64 = 30_000;
/// Upper end of every delay, in milliseconds: two hours. Each try is an entry of the log.
pub const NOTICE_DELAY_MS_MAX: u64 = 7_200_000;

/// When to try again after one more try that did not get through; `None` gives it up.
///
/// The delay doubles and lies between half of its upper end and all of it, by `chance`. What the other
/// side asked for (`Retry-After`) is a lower bound, as long as the notice lives.
#[must_use]
pub fn next_try(open: &OpenNotice, now: Timestamp, wish: Option<Millis>, chance: u128) -> Option<Timestamp> {
    if NOTICE_TRIES_MAX <= open.tries.saturating_add(1) {
        return None;
    }
    let doublings = open.tries.min(20);
    let cap = NOTICE_DELAY_MS_BASE.saturating_mul(1_u64 << doublings).min(NOTICE_DELAY_MS_MAX);
    let half = cap >> 1;
    let drawn = chance.checked_rem(u128::from(half.max(1))).and_then(|drawn| u64::try_from(drawn).ok());
    let own = Millis(half.saturating_add(drawn.unwrap_or(0)));
    let last = open.since.plus(NOTICE_AGE_MAX);
    let due = now.plus(own);
    if last < due {
        return None;
    }
    // A wish beyond its age is met by one last try.
    Some(wish.map_or(due, |wish| now.plus(wish).max(due).min(last)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::PersonId;
    use crate::notice::{About, Notice};
    use crate::people::Contact;

    fn open() -> OpenNotice {
        let to = PersonId::parse("sam").expect("a person");
        let by = Contact::mail("sam@example.com").expect("an address");
        let notice = Notice { to, by, about: About::Done };
        OpenNotice { notice, since: Timestamp(0), tries: 0, due: Timestamp(0) }
    }

    /// Tries until it is given up; says how many there were and when the last one was.
    fn tried(chance: u128) -> (u32, Timestamp) {
        let mut open = open();
        while let Some(due) = next_try(&open, open.due, None, chance) {
            open.tries += 1;
            open.due = due;
        }
        (open.tries + 1, open.due)
    }

    #[test]
    fn a_notice_is_given_up_after_its_tries_or_its_age() {
        for chance in [0, 1 << 70, u128::MAX] {
            let (tries, last) = tried(chance);
            assert!(tries <= NOTICE_TRIES_MAX, "{tries}");
            assert!(last.since(Timestamp(0)) <= NOTICE_AGE_MAX, "{last}");
            assert!(Millis::hours(48) < last.since(Timestamp(0)), "it was tried for two days: {last}");
        }
    }

    #[test]
    fn the_other_sides_wish_is_a_lower_bound_and_never_outlives_the_notice() {
        let wish = |wish| next_try(&open(), Timestamp(0), Some(wish), 7);
        assert_eq!(wish(Millis::hours(3)), Some(Timestamp(0).plus(Millis::hours(3))));
        assert!(
            wish(Millis(1)).is_some_and(|due| Millis(NOTICE_DELAY_MS_BASE / 2) <= due.since(Timestamp(0)))
        );
        assert_eq!(wish(Millis::hours(73)), Some(Timestamp(0).plus(NOTICE_AGE_MAX)));
        let at_last = next_try(&open(), Timestamp(0).plus(NOTICE_AGE_MAX), Some(Millis::hours(1)), 7);
        assert_eq!(at_last, None);
    }
}
