//! Moments as people read them: by the clocks of where they work, and in UTC beside it.

use super::{Directory, calendar};
use crate::id::PersonId;
use crate::time::Timestamp;
use jiff::tz::TimeZone;
use std::fmt;

/// A moment in words, twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spelt {
    /// By the clocks of a person: `Mon 30 Nov 17:00 New York`.
    pub there: String,
    /// In UTC: `Mon 30 Nov 22:00 UTC`.
    pub utc: String,
}

impl Directory {
    /// A moment as this person reads it; in UTC if nobody knows where they work. The year stands there if
    /// it is not the one of `seen`.
    #[must_use]
    pub fn spelt(&self, person: &PersonId, at: Timestamp, seen: Timestamp) -> Spelt {
        let utc = calendar::spelt(&TimeZone::UTC, at, seen).unwrap_or_else(|| at.to_string());
        let calendar = self.calendar_of(person).and_then(|name| self.calendars.get(name));
        let there = calendar.and_then(|calendar| calendar.spelt(at, seen)).unwrap_or_else(|| utc.clone());
        Spelt { there, utc }
    }
}

impl fmt::Display for Spelt {
    /// `Mon 30 Nov 17:00 New York (22:00 UTC)`; the day in UTC if it is another one.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Spelt { there, utc } = self;
        if there == utc {
            return formatter.write_str(there);
        }
        // What stands before the time of day is the day.
        let day =
            |text: &str| text.split(':').next().and_then(|head| head.rsplit_once(' ')).map(|it| it.0.len());
        let same = day(there).zip(day(utc)).is_some_and(|(own, other)| there.get(..own) == utc.get(..other));
        let short = if same { day(utc).and_then(|day| utc.get(day..)) } else { None };
        write!(formatter, "{there} ({})", short.unwrap_or(utc).trim_start())
    }
}
