//! Amounts of money: whole minor units with a currency. No way in from a float.

use serde::{Deserialize, Serialize, de};
use std::fmt;

/// An ISO 4217 code, three capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// An exact amount: `minor` units (cents of USD, yen of JPY) of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    /// Whole minor units; negative for a debt.
    pub minor: i64,
    /// What they are units of.
    pub currency: Currency,
}

/// Why a text is no amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotMoney {
    /// Not an optional minus, digits, optionally a point and digits.
    NotDecimal,
    /// More digits behind the point than the currency has: the text would not convert exactly.
    TooFine {
        /// Digits behind the point that the currency has.
        digits: u32,
    },
    /// More than fits into 63 bits of minor units.
    TooLarge,
    /// Not three capital letters.
    NotCurrency,
}

impl fmt::Display for NotMoney {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotMoney::NotDecimal => formatter.write_str("not a decimal number such as `1250.00`"),
            NotMoney::TooFine { digits } => {
                write!(formatter, "finer than the currency, which has {digits} digits behind the point")
            }
            NotMoney::TooLarge => formatter.write_str("too large an amount"),
            NotMoney::NotCurrency => formatter.write_str("not a currency code such as `USD`"),
        }
    }
}

impl std::error::Error for NotMoney {}

impl Currency {
    /// Reads a code such as `EUR`.
    ///
    /// # Errors
    /// [`NotMoney::NotCurrency`] if it is not three capital letters.
    pub fn parse(code: &str) -> Result<Currency, NotMoney> {
        match <[u8; 3]>::try_from(code.as_bytes()) {
            Ok(letters) if letters.iter().all(u8::is_ascii_uppercase) => Ok(Currency(letters)),
            Ok(_) | Err(_) => Err(NotMoney::NotCurrency),
        }
    }

    /// Digits behind the decimal point (ISO 4217, table A.1, minor units).
    #[must_use]
    pub fn digits(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF"
            | b"UGX" | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(std::str::from_utf8(&self.0).unwrap_or_default())
    }
}

impl Money {
    /// Reads decimal text in the major unit: `money("1250.00", USD)` is 125,000 cents.
    ///
    /// # Errors
    /// [`NotMoney`] if the text is no decimal number, is finer than the currency, or overflows.
    pub fn parse(amount: &str, currency: Currency) -> Result<Money, NotMoney> {
        let digits = currency.digits();
        let (negative, unsigned) = match amount.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, amount),
        };
        let (whole, fraction) = match unsigned.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return Err(NotMoney::NotDecimal),
            None => (unsigned, ""),
        };
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return Err(NotMoney::NotDecimal);
        }
        let places = usize::try_from(digits).unwrap_or(usize::MAX);
        if fraction.len() > places {
            return Err(NotMoney::TooFine { digits });
        }
        let text = format!("{whole}{fraction:0<places$}");
        let minor = text.parse::<i64>().map_err(|_| NotMoney::TooLarge)?;
        Ok(Money { minor: if negative { minor.saturating_neg() } else { minor }, currency })
    }

    /// The sum, if the currencies agree and it fits.
    #[must_use]
    pub fn plus(self, other: Money) -> Option<Money> {
        if self.currency != other.currency {
            return None;
        }
        Some(Money { minor: self.minor.checked_add(other.minor)?, ..self })
    }

    /// Decimal text in the major unit, such as `1250.00`: the amount without its currency.
    #[must_use]
    pub fn amount(self) -> String {
        let digits = self.currency.digits();
        let sign = if self.minor < 0 { "-" } else { "" };
        let unit = 10_u64.saturating_pow(digits);
        let minor = self.minor.unsigned_abs();
        let (whole, fraction) =
            (minor.checked_div(unit).unwrap_or(minor), minor.checked_rem(unit).unwrap_or(0));
        match usize::try_from(digits) {
            Ok(width) if 0 < width => format!("{sign}{whole}.{fraction:0>width$}"),
            Ok(_) | Err(_) => format!("{sign}{whole}"),
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.amount(), self.currency)
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Currency::parse(&code).map_err(de::Error::custom)
    }
}

/// How an amount travels in JSON and in the contract: decimal text beside its currency.
#[derive(Serialize, Deserialize)]
#[serde(rename = "Money", deny_unknown_fields)]
struct Written {
    amount: String,
    currency: Currency,
}

impl Serialize for Money {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written { amount: self.amount(), currency: self.currency }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        Money::parse(&written.amount, written.currency).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn currency(code: &str) -> Currency {
        Currency::parse(code).expect("it is a code")
    }

    #[test]
    fn an_amount_converts_exactly_or_not_at_all() {
        let check = |text: &str, code: &str, expected: Result<i64, NotMoney>| {
            let read = Money::parse(text, currency(code)).map(|money| money.minor);
            assert_eq!(read, expected, "{text} {code}");
        };
        check("1250.00", "USD", Ok(125_000));
        check("1250", "USD", Ok(125_000));
        check("1250.5", "USD", Ok(125_050));
        check("-3.50", "EUR", Ok(-350));
        check("1250", "JPY", Ok(1250));
        check("1.234", "KWD", Ok(1234));
        check("0.001", "USD", Err(NotMoney::TooFine { digits: 2 }));
        check("1250.0", "JPY", Err(NotMoney::TooFine { digits: 0 }));
        check("92233720368547758.08", "USD", Err(NotMoney::TooLarge));
        for text in ["", "-", ".5", "5.", "1e4", "+1", "1_000", "1,000", "١", "0x1", "NaN"] {
            check(text, "USD", Err(NotMoney::NotDecimal));
        }
    }

    #[test]
    fn an_amount_prints_as_it_is_read() {
        for (text, code) in [("0.05", "USD"), ("-0.05", "USD"), ("12", "JPY"), ("1.005", "KWD")] {
            let money = Money::parse(text, currency(code)).expect("it is an amount");
            assert_eq!(money.to_string(), format!("{text} {code}"));
        }
    }

    #[test]
    fn two_currencies_have_no_sum() {
        let dollar = Money { minor: 1, currency: currency("USD") };
        let euro = Money { minor: 1, currency: currency("EUR") };
        assert_eq!(dollar.plus(euro), None);
        assert_eq!(dollar.plus(Money { minor: i64::MAX, ..dollar }), None);
        assert_eq!(dollar.plus(dollar).map(|sum| sum.minor), Some(2));
    }

    #[test]
    fn a_code_is_three_capitals() {
        for code in ["usd", "US", "USDX", "U$D", ""] {
            assert_eq!(Currency::parse(code), Err(NotMoney::NotCurrency), "{code}");
        }
    }
}
