//! Stripe's integers of minor units, and its moments.

use countersign_sdk::{Failure, Money, Value};

/// Currencies that Stripe counts in whole units.
const WHOLE: [&str; 15] =
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"];

/// Currencies that Stripe counts in thousandths.
const THOUSANDTHS: [&str; 5] = ["BHD", "JOD", "KWD", "OMR", "TND"];

/// Currencies without a smaller unit that Stripe still counts in hundredths.
const WHOLE_IN_HUNDREDTHS: [&str; 2] = ["ISK", "UGX"];

fn exponent(currency: &str) -> u32 {
    let currency = currency.to_ascii_uppercase();
    if WHOLE.contains(&currency.as_str()) {
        0
    } else if THOUSANDTHS.contains(&currency.as_str()) {
        3
    } else {
        2
    }
}

/// An amount as Stripe counts it.
pub(crate) fn minor(money: &Money) -> Result<i64, Failure> {
    money.minor(exponent(&money.currency))
}

/// What Stripe counts, as an amount.
pub(crate) fn money(minor: i64, currency: &str) -> Value {
    let code = currency.to_ascii_uppercase();
    if WHOLE_IN_HUNDREDTHS.contains(&code.as_str()) && minor % 100 == 0 {
        return Value::Money(Money::from_minor(minor / 100, 0, &code));
    }
    Value::Money(Money::from_minor(minor, exponent(&code), &code))
}

/// An amount that must be positive and in `currency`, as Stripe counts it.
pub(crate) fn positive_in(money: &Money, currency: &str, field: &str) -> Result<i64, Failure> {
    if !money.currency.eq_ignore_ascii_case(currency) {
        let message = format!(
            "the amount is in {}, the record is in {}",
            money.currency,
            currency.to_ascii_uppercase()
        );
        return Err(Failure::rejected("wrong-currency", message).naming(field));
    }
    let minor = minor(money)?;
    if minor <= 0 {
        return Err(Failure::rejected("bad-amount", "the amount must be more than nothing").naming(field));
    }
    Ok(minor)
}

/// The calendar date in UTC of a moment in seconds since 1970, `YYYY-MM-DD`.
pub(crate) fn date(seconds: i64) -> Value {
    // Years are counted from March, so that the leap day is the last of its year; 719_468 days lie
    // between 0000-03-01 and 1970-01-01, 146_097 days make 400 years.
    let days = seconds.div_euclid(86_400) + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Value::Date(format!("{year:04}-{month:02}-{day:02}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_counted_in_the_units_of_their_currency() {
        for (text, currency, counted) in [
            ("12.50", "USD", 1_250),
            ("1200", "JPY", 1_200),
            ("1.234", "KWD", 1_234),
            ("5", "EUR", 500),
            ("5", "ISK", 500),
        ] {
            let amount = Money::new(text, currency);
            assert_eq!(minor(&amount), Ok(counted));
        }
        assert_eq!(money(1_250, "usd"), Value::Money(Money::new("12.50", "USD")));
        assert_eq!(money(1_200, "jpy"), Value::Money(Money::new("1200", "JPY")));
        assert_eq!(money(500, "isk"), Value::Money(Money::new("5", "ISK")));
    }

    #[test]
    fn a_moment_has_the_date_of_its_day_in_utc() {
        for (seconds, date_text) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (951_782_400, "2000-02-29"),
            (1_709_251_199, "2024-02-29"),
            (1_709_251_200, "2024-03-01"),
            (1_795_467_185, "2026-11-23"),
        ] {
            assert_eq!(date(seconds), Value::Date(date_text.to_owned()));
        }
    }

    #[test]
    fn nothing_less_than_nothing_and_another_currency_are_refused() {
        for (text, currency, code) in
            [("0", "USD", "bad-amount"), ("-1", "USD", "bad-amount"), ("1", "EUR", "wrong-currency")]
        {
            let refused = positive_in(&Money::new(text, currency), "usd", "amount").expect_err(text);
            assert_eq!(refused.code(), code);
        }
    }
}
