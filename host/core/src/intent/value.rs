//! Values of tokens and facts.

use crate::id::FieldName;
use crate::money::Money;
use crate::record::RecordRef;
use crate::time::Timestamp;
use jiff::civil;
use serde::{Deserialize, Serialize, de};
use std::collections::BTreeMap;
use std::fmt;

/// A rate in millionths: 1 % is 10,000. Written as text with `%`, never as a float.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(pub i64);

/// A calendar day, counted from 1970-01-01. Written as `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i64);

/// One value of a token, or of a fact.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenValue {
    /// A rate.
    Percent(Percent),
    /// An amount of money.
    Money(Money),
    /// Months.
    Months(i64),
    /// Days.
    Days(i64),
    /// A number of things.
    Count(i64),
    /// Yes or no.
    YesNo(bool),
    /// A word of an enum.
    OneOf(String),
    /// A calendar day.
    Date(Day),
    /// Text.
    Text(String),
    /// A record; its connection stands in the type.
    Record(RecordRef),
    /// The one list; each element by the part of the name behind the dot.
    List(Vec<BTreeMap<FieldName, TokenValue>>),
}

/// The tokens of one intent, as they passed the door.
pub type Tokens = BTreeMap<FieldName, TokenValue>;

/// What is known of one fact at the moment of an evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FactValue {
    /// The value that was found.
    Known(TokenValue),
    /// It could not be found, and why.
    Missing(String),
    /// It was found too long ago.
    Stale,
    /// One reading for each element of the list, in its order.
    Each(Vec<FactValue>),
}

/// The facts of one intent by name.
pub type Facts = BTreeMap<FieldName, FactValue>;

impl Percent {
    /// Reads `12.5%`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Percent> {
        let (mantissa, scale) = decimal(text.strip_suffix('%')?)?;
        let factor = 10_i128.checked_pow(4_u32.checked_sub(scale)?)?;
        i64::try_from(mantissa.checked_mul(factor)?).ok().map(Percent)
    }

    /// The rate as decimal text without the sign of percent: 12.5 % is `12.5`.
    #[must_use]
    pub fn decimal(self) -> String {
        let mut text = self.to_string();
        text.pop();
        text
    }
}

/// Longest decimal number that is read, in digits: all of it fits 127 bits.
const DECIMAL_DIGITS_MAX: usize = 30;

/// Reads decimal text as `mantissa / 10^scale`, the scale as small as it can be; `None` if it is
/// no decimal number or has too many digits.
#[must_use]
pub(crate) fn decimal(text: &str) -> Option<(i128, u32)> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match unsigned.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return None,
        None => (unsigned, ""),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let long = whole.len().saturating_add(fraction.len()) > DECIMAL_DIGITS_MAX;
    if whole.is_empty() || long || !digits(whole) || !digits(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let all = whole.bytes().chain(fraction.bytes()).map(|digit| i128::from(digit.wrapping_sub(b'0')));
    let mantissa = all.fold(0_i128, |number, digit| number.saturating_mul(10).saturating_add(digit));
    let mantissa = if unsigned.len() < text.len() { mantissa.saturating_neg() } else { mantissa };
    Some((mantissa, u32::try_from(fraction.len()).ok()?))
}

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

impl Day {
    /// The day that a moment lies in, in UTC.
    #[must_use]
    pub fn at(moment: Timestamp) -> Day {
        Day(moment.0.div_euclid(DAY_MS))
    }

    /// Its first moment, in UTC.
    #[must_use]
    pub fn begins(self) -> Timestamp {
        Timestamp(self.0.saturating_mul(DAY_MS))
    }

    /// Reads `YYYY-MM-DD`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Day> {
        let shaped = text.len() == 10
            && text.bytes().enumerate().all(|(index, byte)| match index {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if !shaped {
            return None;
        }
        let date: civil::Date = text.parse().ok()?;
        Day::of(date)
    }

    pub(crate) fn of(date: civil::Date) -> Option<Day> {
        let epoch = civil::date(1970, 1, 1);
        Some(Day(i64::from(epoch.until(date).ok()?.get_days())))
    }

    pub(crate) fn civil(self) -> Option<civil::Date> {
        let days = jiff::Span::new().try_days(self.0).ok()?;
        civil::date(1970, 1, 1).checked_add(days).ok()
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let whole = self.0.unsigned_abs() / 10_000;
        let (mut rest, mut width) = (self.0.unsigned_abs() % 10_000, 4_usize);
        if rest == 0 {
            return write!(formatter, "{sign}{whole}%");
        }
        while rest % 10 == 0 {
            (rest, width) = (rest / 10, width.saturating_sub(1));
        }
        write!(formatter, "{sign}{whole}.{rest:0width$}%")
    }
}

impl fmt::Display for Day {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.civil() {
            Some(date) => write!(formatter, "{date}"),
            None => write!(formatter, "day {}", self.0),
        }
    }
}

impl Serialize for Percent {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Percent::parse(&text).ok_or_else(|| de::Error::custom("expected a rate such as `12.5%`"))
    }
}

impl Serialize for Day {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Day::parse(&text).ok_or_else(|| de::Error::custom("expected a date such as `2026-11-23`"))
    }
}

impl fmt::Display for TokenValue {
    /// The value in a person's words, with its unit.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = |formatter: &mut fmt::Formatter<'_>, number: i64, one: &str, many: &str| {
            write!(formatter, "{number} {}", if number == 1 { one } else { many })
        };
        match self {
            TokenValue::Percent(percent) => write!(formatter, "{percent}"),
            TokenValue::Money(money) => write!(formatter, "{money}"),
            TokenValue::Months(number) => counted(formatter, *number, "month", "months"),
            TokenValue::Days(number) => counted(formatter, *number, "day", "days"),
            TokenValue::Count(number) => write!(formatter, "{number}"),
            TokenValue::YesNo(true) => formatter.write_str("yes"),
            TokenValue::YesNo(false) => formatter.write_str("no"),
            TokenValue::OneOf(text) | TokenValue::Text(text) => formatter.write_str(text),
            TokenValue::Date(day) => write!(formatter, "{day}"),
            TokenValue::Record(record) => write!(formatter, "{record}"),
            TokenValue::List(elements) => {
                counted(formatter, i64::try_from(elements.len()).unwrap_or(i64::MAX), "element", "elements")
            }
        }
    }
}
