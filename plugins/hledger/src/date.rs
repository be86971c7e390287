//! The calendar date of a moment: a journal dates its entries by day.

/// Days between 0000-03-01 and 1970-01-01.
const DAYS_BEFORE_1970: u64 = 719_468;

/// Days of 400 years.
const DAYS_OF_ERA: u64 = 146_097;

/// The date in UTC of a moment in milliseconds since 1970, `YYYY-MM-DD`.
pub(crate) fn of(moment_ms: u64) -> String {
    // Years are counted from March, so that the leap day is the last of its year.
    let days = moment_ms / 86_400_000 + DAYS_BEFORE_1970;
    let (era, day_of_era) = (days / DAYS_OF_ERA, days % DAYS_OF_ERA);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_moment_has_the_date_of_its_day_in_utc() {
        for (seconds, date) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (1_709_251_199, "2024-02-29"),
            (1_709_251_200, "2024-03-01"),
            (1_795_467_185, "2026-11-23"),
        ] {
            assert_eq!(super::of(seconds * 1_000), date);
        }
    }
}
