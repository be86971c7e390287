//! Moments and lengths of time. `core` never asks what time it is: every moment is an argument.

use jiff::Timestamp as Civil;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A moment: milliseconds since 1970-01-01T00:00:00Z, leap seconds ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// A length of time in milliseconds, never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Timestamp {
    /// The moment that lies `length` later. Stops at the end of representable time.
    #[must_use]
    pub fn plus(self, length: Millis) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(length.0).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this moment is; zero if it is not after it.
    #[must_use]
    pub fn since(self, earlier: Timestamp) -> Millis {
        Millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Reads an RFC 3339 text such as `2026-11-23T09:00:00Z`. Finer than a millisecond is cut off.
    #[must_use]
    pub fn from_rfc3339(text: &str) -> Option<Timestamp> {
        text.parse::<Civil>().ok().map(|moment| Timestamp(moment.as_millisecond()))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with milliseconds; outside of the years -9999 to 9999 the bare number.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Civil::from_millisecond(self.0) {
            Ok(moment) => write!(formatter, "{moment:.3}"),
            Err(_) => write!(formatter, "{}ms", self.0),
        }
    }
}

impl Millis {
    /// `count` seconds.
    #[must_use]
    pub const fn seconds(count: u64) -> Millis {
        Millis(count.saturating_mul(1_000))
    }

    /// `count` minutes.
    #[must_use]
    pub const fn minutes(count: u64) -> Millis {
        Millis::seconds(count.saturating_mul(60))
    }

    /// `count` hours of 60 minutes.
    #[must_use]
    pub const fn hours(count: u64) -> Millis {
        Millis::minutes(count.saturating_mul(60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_reads_back_as_it_was_written() {
        let check = |text: &str, millis: i64| {
            let moment = Timestamp::from_rfc3339(text).expect("it is RFC 3339");
            assert_eq!(moment, Timestamp(millis));
            assert_eq!(Timestamp::from_rfc3339(&moment.to_string()), Some(moment));
        };
        check("1970-01-01T00:00:00Z", 0);
        check("2026-11-23T10:00:00.250+01:00", 1_795_424_400_250);
        assert_eq!(Timestamp::from_rfc3339("yesterday"), None);
    }

    #[test]
    fn time_before_is_no_time_since() {
        assert_eq!(Timestamp(5).since(Timestamp(9)), Millis(0));
        assert_eq!(Timestamp(i64::MAX).plus(Millis(1)), Timestamp(i64::MAX));
    }
}
