//! Days: Xero's JSON writes them as milliseconds (`/Date(1573755038314+0000)/`), and takes them as text.
//! Source: https://developer.xero.com/documentation/api/accounting/requests-and-responses

use countersign_sdk::{Failure, Value};
use serde::Deserialize;

/// Days between 0000-03-01 and 1970-01-01.
const DAYS_BEFORE_1970: i64 = 719_468;

/// Days of 400 years.
const DAYS_OF_ERA: i64 = 146_097;

const DAY_MS: i64 = 86_400_000;

/// A day of Xero's JSON, as `YYYY-MM-DD`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Day(pub(crate) String);

impl Day {
    pub(crate) fn value(&self) -> Value {
        Value::Date(self.0.clone())
    }
}

impl TryFrom<String> for Day {
    type Error = String;

    fn try_from(text: String) -> Result<Day, String> {
        let inner = text.strip_prefix("/Date(").and_then(|rest| rest.strip_suffix(")/"));
        let milliseconds = inner.and_then(|inner| {
            // Behind the milliseconds an offset may stand, which says nothing of the moment.
            let offset = inner.char_indices().skip(1).find(|(_, sign)| matches!(sign, '+' | '-'));
            offset.map_or(inner, |(at, _)| &inner[..at]).parse().ok()
        });
        milliseconds.map(day).map(Day).ok_or_else(|| "a date is none of Xero's".to_owned())
    }
}

/// The date in UTC of a moment in milliseconds since 1970, `YYYY-MM-DD`.
pub(crate) fn day(moment_ms: i64) -> String {
    // Years are counted from March, so that the leap day is the last of its year.
    let days = moment_ms.div_euclid(DAY_MS) + DAYS_BEFORE_1970;
    let (era, day_of_era) = (days.div_euclid(DAYS_OF_ERA), days.rem_euclid(DAYS_OF_ERA));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The date in UTC of the moment of a call.
pub(crate) fn today(now_ms: u64) -> String {
    day(i64::try_from(now_ms).unwrap_or(i64::MAX))
}

/// The day before a date `YYYY-MM-DD`.
pub(crate) fn day_before(date: &str) -> Result<String, Failure> {
    let parts: Vec<i64> = date.split('-').map(str::parse).collect::<Result<_, _>>()?;
    let [year, month, day_of_month] = parts[..] else {
        return Err(Failure::bug(format!("`{date}` is no date")));
    };
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let days = year * 365 + leaps + (153 * month + 2) / 5 + day_of_month - 1;
    Ok(day((days - DAYS_BEFORE_1970 - 1) * DAY_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_the_date_of_its_day_in_utc() {
        for (milliseconds, date) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (951_782_400_000, "2000-02-29"),
            (1_709_251_199_999, "2024-02-29"),
            (1_709_251_200_000, "2024-03-01"),
        ] {
            assert_eq!(day(milliseconds), date);
        }
    }

    #[test]
    fn a_day_before_is_one_of_the_calendar() {
        for (date, before) in [
            ("2026-11-23", "2026-11-22"),
            ("2026-01-01", "2025-12-31"),
            ("2024-03-01", "2024-02-29"),
            ("2100-03-01", "2100-02-28"),
            ("1970-01-01", "1969-12-31"),
            ("0001-01-01", "0000-12-31"),
        ] {
            assert_eq!(day_before(date).as_deref(), Ok(before));
        }
        assert!(day_before("today").is_err());
    }

    #[test]
    fn a_day_of_xeros_is_read_and_nothing_else() {
        for (text, expected) in [
            ("/Date(1573755038314+0000)/", Some("2019-11-14")),
            ("/Date(1552357217359)/", Some("2019-03-12")),
            ("/Date(-86400000+0000)/", Some("1969-12-31")),
            ("/Date(1552357217359-0500)/", Some("2019-03-12")),
            ("2019-03-12", None),
            ("/Date()/", None),
            ("/Date(99999999999999999999)/", None),
            ("", None),
        ] {
            assert_eq!(
                Day::try_from(text.to_owned()).ok(),
                expected.map(|day| Day(day.to_owned())),
                "{text}"
            );
        }
    }
}
