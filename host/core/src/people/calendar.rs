//! Working hours: a zone, open days, open hours, holidays.

use crate::intent::value::Day;
use crate::time::{Millis, Timestamp};
use jiff::civil;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// Longest search for an open hour; a calendar that is never open is refused when it is read.
const DAYS_MAX: u32 = 4_000;

/// The name of a calendar.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CalendarName(pub(super) String);

impl CalendarName {
    /// Reads a name.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<CalendarName, String> {
        if crate::intent::literal::is_word(text) {
            Ok(CalendarName(text.to_owned()))
        } else {
            Err(format!("`{text}` is no calendar (a-z, 0-9, `-`, `_`)"))
        }
    }

    /// The name as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CalendarName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// When people work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    zone: TimeZone,
    /// Monday first.
    open: [bool; 7],
    /// Minutes of the day.
    from: i64,
    until: i64,
    pub(super) holidays: BTreeSet<Day>,
}

const WEEK: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Calendar {
    /// Reads `America/New_York`, `mon-fri`, `09:00-17:00`.
    ///
    /// # Errors
    /// What is wrong, with the column that it is in (0 zone, 1 days, 2 hours).
    pub fn parse(zone: &str, days: &str, hours: &str) -> Result<Calendar, (usize, String)> {
        let zone = TimeZone::get(zone).map_err(|_| (0, format!("`{zone}` is no time zone")))?;
        let open =
            week(days).ok_or_else(|| (1, format!("`{days}` are no days; write `mon-fri` or `mon, wed`")))?;
        let wrong = || (2, format!("`{hours}` are no hours; write `09:00-17:00`"));
        let (from, until) = hours.split_once('-').ok_or_else(wrong)?;
        let (from, until) = (minutes(from).ok_or_else(wrong)?, minutes(until).ok_or_else(wrong)?);
        if until <= from {
            return Err((2, format!("`{hours}` end before they begin")));
        }
        Ok(Calendar { zone, open, from, until, holidays: BTreeSet::new() })
    }

    /// The calendar day of a moment there.
    #[must_use]
    pub fn day(&self, at: Timestamp) -> Option<Day> {
        Day::of(self.civil(at)?)
    }

    fn civil(&self, at: Timestamp) -> Option<civil::Date> {
        let moment = jiff::Timestamp::from_millisecond(at.0).ok()?;
        Some(moment.to_zoned(self.zone.clone()).date())
    }

    /// The moment at which so much open time has passed since `from`.
    #[must_use]
    pub fn after(&self, from: Timestamp, length: Millis) -> Timestamp {
        // A moment that no calendar has: the plain length is the best answer left.
        self.search(from, length).unwrap_or_else(|| from.plus(length))
    }

    fn search(&self, from: Timestamp, length: Millis) -> Option<Timestamp> {
        let mut date = self.civil(from)?;
        let mut left = length;
        for _ in 0..DAYS_MAX {
            if let Some((opens, closes)) = self.hours_of(date) {
                let start = opens.max(from);
                let here = closes.since(start);
                if left <= here {
                    return Some(start.plus(left));
                }
                left = Millis(left.0.saturating_sub(here.0));
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    /// How much open time lies between two moments.
    #[must_use]
    pub fn open_between(&self, from: Timestamp, until: Timestamp) -> Millis {
        // A moment that no calendar has: the plain length is the best answer left.
        self.sum(from, until).unwrap_or_else(|| until.since(from))
    }

    fn sum(&self, from: Timestamp, until: Timestamp) -> Option<Millis> {
        let mut date = self.civil(from)?;
        let last = self.civil(until)?;
        let mut sum = Millis(0);
        for _ in 0..DAYS_MAX {
            if last < date {
                return Some(sum);
            }
            if let Some((opens, closes)) = self.hours_of(date) {
                sum = Millis(sum.0.saturating_add(closes.min(until).since(opens.max(from)).0));
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    /// A moment as its clocks show it, and the place: `Mon 30 Nov 17:00 New York`. The year stands there
    /// if it is not the one of `seen`. `None` for a moment that no calendar has.
    pub(super) fn spelt(&self, at: Timestamp, seen: Timestamp) -> Option<String> {
        spelt(&self.zone, at, seen)
    }

    /// The first moment of a day there.
    #[must_use]
    pub fn begins(&self, day: Day) -> Option<Timestamp> {
        self.moment(day.civil()?, 0)
    }

    /// First and last moment of a day's open hours; `None` if it is closed.
    fn hours_of(&self, date: civil::Date) -> Option<(Timestamp, Timestamp)> {
        let weekday = usize::try_from(date.weekday().to_monday_zero_offset()).ok()?;
        let holiday = Day::of(date).is_some_and(|day| self.holidays.contains(&day));
        if holiday || !self.open.get(weekday).copied().unwrap_or(false) {
            return None;
        }
        Some((self.moment(date, self.from)?, self.moment(date, self.until)?))
    }

    fn moment(&self, date: civil::Date, minutes: i64) -> Option<Timestamp> {
        let hour = i8::try_from(minutes.checked_div(60)?).ok()?;
        let minute = i8::try_from(minutes.checked_rem(60)?).ok()?;
        // 24:00 is the midnight that ends the day.
        let (date, hour) = if hour == 24 { (date.tomorrow().ok()?, 0) } else { (date, hour) };
        let zoned = date.at(hour, minute, 0, 0).to_zoned(self.zone.clone()).ok()?;
        Some(Timestamp(zoned.timestamp().as_millisecond()))
    }
}

/// A moment as the clocks of a zone show it, and the place.
pub(super) fn spelt(zone: &TimeZone, at: Timestamp, seen: Timestamp) -> Option<String> {
    let there = |at: Timestamp| {
        jiff::Timestamp::from_millisecond(at.0).ok().map(|moment| moment.to_zoned(zone.clone()))
    };
    let (moment, seen) = (there(at)?, there(seen)?);
    let layout = if moment.year() == seen.year() { "%a %-d %b %H:%M" } else { "%a %-d %b %Y %H:%M" };
    // `America/New_York` is the place New York.
    let name = zone.iana_name().unwrap_or("UTC");
    let place = name.rsplit('/').next().unwrap_or(name).replace('_', " ");
    Some(format!("{} {place}", moment.strftime(layout)))
}

fn week(text: &str) -> Option<[bool; 7]> {
    let index = |name: &str| WEEK.iter().position(|day| *day == name);
    let mut open = [false; 7];
    for part in text.split(", ") {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (mut day, last) = (index(first)?, index(last)?);
        loop {
            *open.get_mut(day)? = true;
            if day == last {
                break;
            }
            day = day.saturating_add(1).checked_rem(7)?;
        }
    }
    Some(open)
}

/// `09:30` as minutes of the day; `24:00` is its end.
fn minutes(text: &str) -> Option<i64> {
    let (hour, minute) = text.split_once(':')?;
    let two = |digits: &str| {
        (digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse::<i64>())
    };
    let (hour, minute) = (two(hour)?.ok()?, two(minute)?.ok()?);
    let total = hour.checked_mul(60)?.checked_add(minute)?;
    (minute < 60 && total <= 1_440).then_some(total)
}
