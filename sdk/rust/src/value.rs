//! Values, fields and records, in the words of the contract.
//!
//! Amounts and rates travel as decimal text and never pass through a float: [`Money::minor`] and
//! [`Money::from_minor`] are the only two roads between text and a vendor's integer.

use crate::failure::Failure;
use std::fmt;

/// Most digits after the point that a vendor's minor unit may have.
const EXPONENT_MAX: u32 = 6;

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Money {
    /// Decimal text in the major unit, such as `1250.00` or `-3.50`.
    pub amount: String,
    /// ISO 4217 code in capitals, such as `EUR`.
    pub currency: String,
}

impl Money {
    /// An amount from decimal text in the major unit.
    #[must_use]
    pub fn new(amount: impl Into<String>, currency: impl Into<String>) -> Money {
        Money { amount: amount.into(), currency: currency.into() }
    }

    /// An amount from a vendor's integer of minor units with `exponent` digits after the point.
    ///
    /// The currency may come in small letters; it leaves in capitals.
    ///
    /// ```
    /// use countersign_sdk::Money;
    /// assert_eq!(Money::from_minor(-350, 2, "eur"), Money::new("-3.50", "EUR"));
    /// assert_eq!(Money::from_minor(1200, 0, "JPY"), Money::new("1200", "JPY"));
    /// ```
    #[must_use]
    pub fn from_minor(minor: i64, exponent: u32, currency: &str) -> Money {
        let exponent = exponent.min(EXPONENT_MAX);
        let unit = 10_u64.pow(exponent);
        let (whole, rest) = (minor.unsigned_abs() / unit, minor.unsigned_abs() % unit);
        let sign = if minor < 0 { "-" } else { "" };
        let amount = if exponent == 0 {
            format!("{sign}{whole}")
        } else {
            format!("{sign}{whole}.{rest:0width$}", width = exponent as usize)
        };
        Money { amount, currency: currency.to_ascii_uppercase() }
    }

    /// The amount as an integer of minor units with `exponent` digits after the point.
    ///
    /// # Errors
    /// `rejected` when the text is not a decimal, is finer than the unit, or is too large.
    pub fn minor(&self, exponent: u32) -> Result<i64, Failure> {
        minor_of(&self.amount, exponent.min(EXPONENT_MAX)).ok_or_else(|| {
            Failure::rejected(
                "bad-amount",
                format!(
                    "the amount `{}` {} does not fit {exponent} digits after the point",
                    self.amount, self.currency
                ),
            )
        })
    }
}

/// Digits after the point of a currency (ISO 4217, table A.1), as the host counts them: an answer with more is refused.
///
/// ```
/// use countersign_sdk::currency_digits;
/// assert_eq!((currency_digits("EUR"), currency_digits("JPY"), currency_digits("KWD")), (2, 0, 3));
/// ```
#[must_use]
pub fn currency_digits(currency: &str) -> u32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI"
        | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}

impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.amount, self.currency)
    }
}

/// Decimal text as an integer of `10^-exponent`; `None` if it does not convert exactly.
fn minor_of(text: &str, exponent: u32) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, rest) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(rest) {
        return None;
    }
    let rest = rest.trim_end_matches('0');
    let missing = exponent.checked_sub(u32::try_from(rest.len()).ok()?)?;
    let whole: i64 = whole.parse().ok()?;
    let rest: i64 = if rest.is_empty() { 0 } else { rest.parse().ok()? };
    let minor = whole
        .checked_mul(10_i64.checked_pow(exponent)?)?
        .checked_add(rest.checked_mul(10_i64.checked_pow(missing)?)?)?;
    Some(if negative { -minor } else { minor })
}

/// Names one record at the vendor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordRef {
    /// One of the kinds that the connector describes.
    pub kind: String,
    /// The vendor's id of it.
    pub id: String,
}

impl RecordRef {
    /// The record `id` of the kind `kind`.
    #[must_use]
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> RecordRef {
        RecordRef { kind: kind.into(), id: id.into() }
    }
}

impl fmt::Display for RecordRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.kind, self.id)
    }
}

/// One value of one field. The host compares values case by case, so a connector always uses
/// the same case for the same field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// The vendor holds nothing there.
    Absent,
    /// True or false.
    Flag(bool),
    /// A whole number without unit.
    Integer(i64),
    /// A number as decimal text; 25 % is `25`.
    Decimal(String),
    /// Text as the vendor holds it.
    Text(String),
    /// A calendar date, `YYYY-MM-DD`.
    Date(String),
    /// A moment, in milliseconds since 1970 in UTC.
    InstantMs(u64),
    /// An amount of money.
    Money(Money),
    /// Another record at the same vendor.
    Reference(RecordRef),
    /// Nested data as JSON text: keys sorted, no insignificant white space.
    Json(String),
}

impl Value {
    /// Text, or [`Value::Absent`] when there is none or it is empty.
    #[must_use]
    pub fn text_or_absent(text: Option<impl Into<String>>) -> Value {
        match text.map(Into::into) {
            Some(text) if !text.is_empty() => Value::Text(text),
            _ => Value::Absent,
        }
    }

    /// An integer, or [`Value::Absent`] when there is none.
    #[must_use]
    pub fn integer_or_absent(number: Option<i64>) -> Value {
        number.map_or(Value::Absent, Value::Integer)
    }

    /// Nested data as canonical JSON text, so that equal data is equal text.
    ///
    /// # Errors
    /// `rejected` with the code `connector.bug` when `data` cannot be written as JSON.
    pub fn json(data: &impl serde::Serialize) -> Result<Value, Failure> {
        // The map of `serde_json::Value` is sorted, whatever order `data` writes its keys in.
        let tree = serde_json::to_value(data)?;
        Ok(Value::Json(tree.to_string()))
    }

    /// Name of the case, for messages to people.
    #[must_use]
    pub fn case(&self) -> &'static str {
        match self {
            Value::Absent => "nothing",
            Value::Flag(_) => "yes or no",
            Value::Integer(_) => "a whole number",
            Value::Decimal(_) => "a decimal number",
            Value::Text(_) => "text",
            Value::Date(_) => "a date",
            Value::InstantMs(_) => "a moment",
            Value::Money(_) => "an amount of money",
            Value::Reference(_) => "a record",
            Value::Json(_) => "nested data",
        }
    }
}

/// A named value. Snapshots, proposals, changes and receipts use one vocabulary of names for one
/// kind of record; that is what makes drift a plain comparison.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Field {
    /// Name, such as `discount_percent`.
    pub name: String,
    /// Its value.
    pub value: Value,
}

impl Field {
    /// The field `name` with the value `value`.
    #[must_use]
    pub fn new(name: impl Into<String>, value: Value) -> Field {
        Field { name: name.into(), value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_text_converts_to_minor_units_exactly_or_not_at_all() {
        let cases = [
            ("1250.00", 2, Some(125_000)),
            ("1250", 2, Some(125_000)),
            ("-3.5", 2, Some(-350)),
            ("0.01", 2, Some(1)),
            ("12.340", 2, Some(1_234)),
            ("12.345", 2, None),
            ("1200", 0, Some(1_200)),
            ("1200.00", 0, Some(1_200)),
            ("1200.5", 0, None),
            ("", 2, None),
            ("-", 2, None),
            ("1.", 2, None),
            (".5", 2, None),
            ("+1", 2, None),
            ("1e3", 2, None),
            ("1,000", 2, None),
            ("99999999999999999999", 2, None),
        ];
        for (text, exponent, expected) in cases {
            assert_eq!(Money::new(text, "EUR").minor(exponent).ok(), expected, "{text} at {exponent}");
        }
    }

    #[test]
    fn minor_units_come_back_as_the_same_text() {
        for (minor, exponent, text) in
            [(0, 2, "0.00"), (5, 2, "0.05"), (-5, 3, "-0.005"), (i64::MIN, 0, "-9223372036854775808")]
        {
            assert_eq!(Money::from_minor(minor, exponent, "usd"), Money::new(text, "USD"));
        }
    }

    #[test]
    fn nested_data_is_written_with_sorted_keys() {
        let data = serde_json::json!({"b": 1, "a": [{"d": null, "c": "x"}]});
        assert_eq!(
            Value::json(&data).expect("plain JSON"),
            Value::Json(r#"{"a":[{"c":"x","d":null}],"b":1}"#.to_owned())
        );
    }
}
