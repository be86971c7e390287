//! Periods by which figures are told: days, weeks and months of UTC.

use crate::intent::Day;

/// How long one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Period {
    /// A day.
    Day,
    /// A week, from Monday on.
    Week,
    /// A month of the calendar.
    Month,
}

impl Period {
    /// Each of them.
    pub const ALL: [Period; 3] = [Period::Day, Period::Week, Period::Month];

    /// The word of it on every surface.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Period::Day => "day",
            Period::Week => "week",
            Period::Month => "month",
        }
    }

    /// The period that a text names.
    #[must_use]
    pub fn parse(text: &str) -> Option<Period> {
        Period::ALL.into_iter().find(|period| period.as_str() == text)
    }

    /// The first day of the period in which a day lies.
    #[must_use]
    pub fn first(self, day: Day) -> Day {
        match self {
            Period::Day => day,
            // 1970-01-01 was a Thursday.
            Period::Week => Day(day.0.saturating_sub(day.0.saturating_add(3).rem_euclid(7))),
            Period::Month => {
                let past = day.civil().map_or(0, |date| i64::from(date.day()).saturating_sub(1));
                Day(day.0.saturating_sub(past))
            }
        }
    }

    /// The first day of the one that comes after it.
    #[must_use]
    pub fn next(self, first: Day) -> Day {
        let days = match self {
            Period::Day => 1,
            Period::Week => 7,
            // Beyond each month, and within the one after it.
            Period::Month => 31,
        };
        self.first(Day(first.0.saturating_add(days)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_begins_on_its_first_day_and_the_next_one_after_it() {
        let check = |period: Period, day: &str, first: &str, next: &str| {
            let day = Day::parse(day).expect("a day");
            let found = period.first(day);
            assert_eq!(
                (found.to_string(), period.next(found).to_string()),
                (first.into(), next.into()),
                "{day}"
            );
        };
        check(Period::Day, "2026-11-30", "2026-11-30", "2026-12-01");
        check(Period::Week, "2026-11-30", "2026-11-30", "2026-12-07");
        check(Period::Week, "2026-11-29", "2026-11-23", "2026-11-30");
        check(Period::Week, "1969-12-31", "1969-12-29", "1970-01-05");
        check(Period::Month, "2026-11-30", "2026-11-01", "2026-12-01");
        check(Period::Month, "2028-02-29", "2028-02-01", "2028-03-01");
        check(Period::Month, "2026-12-31", "2026-12-01", "2027-01-01");
    }
}
