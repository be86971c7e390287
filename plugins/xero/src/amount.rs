//! Amounts: Xero's JSON has them as numbers with two digits behind the point, whatever the currency. They are read and
//! written digit for digit.

use countersign_sdk::{Failure, Money, Proposal, Value};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Digits behind the point that Xero keeps.
const DIGITS: u32 = 2;

/// An amount in hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Box<RawValue>")]
pub(crate) struct Cents(pub(crate) i64);

impl TryFrom<Box<RawValue>> for Cents {
    type Error = String;

    fn try_from(raw: Box<RawValue>) -> Result<Cents, String> {
        // Some of Xero's examples put the number in quotes.
        let amount = Money::new(raw.get().trim_matches('"'), "");
        amount.minor(DIGITS).map(Cents).map_err(|_| "an amount is no number with two digits".to_owned())
    }
}

impl Cents {
    /// The amount of a currency that Xero names. Without cents it has no digits behind the point: not every currency
    /// has hundredths.
    pub(crate) fn value(self, currency: &str) -> Value {
        Value::Money(match self.0 % 100 {
            0 => Money::from_minor(self.0 / 100, 0, currency),
            _ => Money::from_minor(self.0, DIGITS, currency),
        })
    }

    /// As a number of a JSON text.
    pub(crate) fn number(self) -> Result<Box<RawValue>, Failure> {
        Ok(RawValue::from_string(Money::from_minor(self.0, DIGITS, "").amount)?)
    }
}

/// The input `amount`, which must be more than nothing.
pub(crate) fn positive(what: &Proposal) -> Result<Cents, Failure> {
    let cents = what.money("amount")?.minor(DIGITS).map_err(|failure| failure.naming("amount"))?;
    if cents <= 0 {
        let message = "the amount must be more than nothing";
        return Err(Failure::rejected("bad-amount", message).naming("amount"));
    }
    Ok(Cents(cents))
}

/// The same, in this currency.
pub(crate) fn positive_in(what: &Proposal, currency: &str) -> Result<Cents, Failure> {
    let asked = &what.money("amount")?.currency;
    if asked != currency {
        let message = format!("the amount is in {asked}, and here it must be in {currency}");
        return Err(Failure::rejected("wrong-currency", message).naming("amount"));
    }
    positive(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_read_and_written_digit_for_digit() {
        for (text, cents, money) in [
            ("40.00", 4_000, "40"),
            ("40.0", 4_000, "40"),
            ("-2569", -256_900, "-2569"),
            ("\"109.89\"", 10_989, "109.89"),
            // No float holds it.
            ("90071992547409.93", 9_007_199_254_740_993, "90071992547409.93"),
        ] {
            let read: Cents = serde_json::from_str(text).expect(text);
            assert_eq!(read, Cents(cents), "{text}");
            assert_eq!(read.value("NZD"), Value::Money(Money::new(money, "NZD")));
        }
        assert_eq!(Cents(-4_000).number().expect("a number").get(), "-40.00");
        for text in ["40.001", "4e1", "null", "true", "[]", "\"\"", "99999999999999999999"] {
            assert!(serde_json::from_str::<Cents>(text).is_err(), "{text}");
        }
    }
}
