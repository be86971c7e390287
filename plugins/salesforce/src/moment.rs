//! Moments: as Salesforce writes them, as SOQL reads them, and as HTTP does.

/// Days of the week, from that of 1970-01-01 on.
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Days from 0000-03-01 to 1970-01-01.
const DAYS_BEFORE: u64 = 719_468;

/// Days of four hundred years.
const DAYS_OF_ERA: u64 = 146_097;

/// A moment, in milliseconds since 1970 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

impl Moment {
    /// Reads `2026-11-23T05:13:07.000+0000`, as answers have it, or what [`soql`](Moment::soql) gives.
    pub(crate) fn parse(text: &str) -> Option<Moment> {
        let (date, time) = text.split_once('T')?;
        let time = time.strip_suffix("+0000").or_else(|| time.strip_suffix('Z'))?;
        let (clock, fraction) = time.split_once('.').unwrap_or((time, "000"));
        let [year, month, day] = parts(date, '-', [4, 2, 2])?;
        let [hour, minute, second] = parts(clock, ':', [2, 2, 2])?;
        let [milli] = parts(fraction, '.', [3])?;
        Moment::of([year, month, day], [hour, minute, second], milli)
    }

    /// Reads `Mon, 23 Nov 2026 05:13:07 GMT`.
    pub(crate) fn of_http(text: &str) -> Option<Moment> {
        let (_, rest) = text.split_once(", ")?;
        let words: Vec<&str> = rest.split(' ').collect();
        let [day, month, year, clock, "GMT"] = words[..] else { return None };
        let month = MONTHS.iter().position(|name| *name == month)? as u64 + 1;
        let ([day], [year]) = (parts(day, ' ', [2])?, parts(year, ' ', [4])?);
        Moment::of([year, month, day], parts(clock, ':', [2, 2, 2])?, 0)
    }

    fn of([year, month, day]: [u64; 3], [hour, minute, second]: [u64; 3], milli: u64) -> Option<Moment> {
        let is_one = (1970..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        let days = days([year, month, day]);
        is_one.then(|| Moment((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000 + milli))
    }

    /// This many seconds before.
    pub(crate) fn before(self, seconds: u64) -> Moment {
        Moment(self.0.saturating_sub(seconds * 1_000))
    }

    /// As a query has it, to the second: SOQL takes two moments of one second for equal.
    pub(crate) fn soql(self) -> String {
        let ([year, month, day], [hour, minute, second]) = civil(self.0 / 1_000);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// As a header has it. HTTP counts seconds, so a fraction is rounded up: the moment itself is not after it.
    pub(crate) fn http(self) -> String {
        let seconds = self.0.div_ceil(1_000);
        let ([year, month, day], [hour, minute, second]) = civil(seconds);
        let name = |names: &[&'static str], at: u64| {
            usize::try_from(at).ok().and_then(|at| names.get(at).copied()).unwrap_or_default()
        };
        let (weekday, month) = (name(&DAYS, seconds / 86_400 % 7), name(&MONTHS, month - 1));
        format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
    }
}

/// Numbers of exactly these widths.
fn parts<const COUNT: usize>(text: &str, between: char, widths: [usize; COUNT]) -> Option<[u64; COUNT]> {
    let words: Vec<&str> = text.split(between).collect();
    let mut numbers = [0; COUNT];
    if words.len() != COUNT {
        return None;
    }
    for ((word, width), number) in words.into_iter().zip(widths).zip(&mut numbers) {
        if word.len() != width || !word.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = word.parse().ok()?;
    }
    Some(numbers)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, counted in years that begin in March.
fn days([year, month, day]: [u64; 3]) -> u64 {
    let (year, month) = if month <= 2 { (year.saturating_sub(1), month + 9) } else { (year, month - 3) };
    let before = year * 365 + year / 4 - year / 100 + year / 400;
    (before + (153 * month + 2) / 5 + day).saturating_sub(1 + DAYS_BEFORE)
}

/// Date and clock of so many seconds since 1970.
fn civil(seconds: u64) -> ([u64; 3], [u64; 3]) {
    let days = seconds / 86_400 + DAYS_BEFORE;
    let (era, day) = (days / DAYS_OF_ERA, days % DAYS_OF_ERA);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    ([era * 400 + year, month, date], [seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_to_soql_and_to_http() {
        for (text, soql, http) in [
            ("1970-01-01T00:00:00.000+0000", "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
            ("1994-11-06T08:49:37.000+0000", "1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("2024-02-29T23:59:59.000+0000", "2024-02-29T23:59:59Z", "Thu, 29 Feb 2024 23:59:59 GMT"),
            ("2026-12-31T23:59:59.500+0000", "2026-12-31T23:59:59Z", "Fri, 01 Jan 2027 00:00:00 GMT"),
            ("2026-11-23T05:13:07Z", "2026-11-23T05:13:07Z", "Mon, 23 Nov 2026 05:13:07 GMT"),
            ("9999-12-31T00:00:00.000+0000", "9999-12-31T00:00:00Z", "Fri, 31 Dec 9999 00:00:00 GMT"),
        ] {
            let moment = Moment::parse(text).expect(text);
            assert_eq!((moment.soql().as_str(), moment.http().as_str()), (soql, http));
            assert!(moment <= Moment::of_http(http).expect(http), "{http}");
        }
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in [
            "",
            "2026-11-23",
            "2026-11-23T05:13:07.000+0100",
            "2026-13-23T05:13:07.000+0000",
            "2026-11-23T25:13:07.000+0000",
            "1969-12-31T23:59:59.000+0000",
            "2026-11-23T05:13:07.000Z' OR Id != '",
            "0000-00-00T00:00:00Z",
            "+026-11-23T05:13:07Z",
        ] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
        for text in ["", "Mon, 23 Nov 2026 05:13:07 CET", "23 Nov 2026", "Mon, 3 Nov 2026 05:13:07 GMT"] {
            assert_eq!(Moment::of_http(text), None, "{text}");
        }
    }
}
