//! What a requester sent, before anything is believed: JSON with its floats, large numbers and
//! duplicate keys still visible, so that the door can name them instead of losing them.

use crate::id::FieldName;
use crate::intent::value::TokenValue;
use serde::de::{self, Deserialize, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// One value of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Raw {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number that fits 64 bits.
    Integer(i64),
    /// A number with a point or an exponent; its value is not kept, since nothing may use it.
    Float,
    /// A whole number beyond 64 bits.
    TooLarge,
    /// Text.
    Text(String),
    /// An array.
    List(Vec<Raw>),
    /// An object with its keys in their order, duplicates included.
    Map(Vec<(String, Raw)>),
}

impl Raw {
    /// What a caller would send to ask for these tokens.
    #[must_use]
    pub fn of_tokens(tokens: &BTreeMap<FieldName, TokenValue>) -> Raw {
        Raw::Map(tokens.iter().map(|(name, value)| (name.to_string(), Raw::of(value))).collect())
    }

    fn of(value: &TokenValue) -> Raw {
        match value {
            TokenValue::Percent(percent) => Raw::Text(format!("{}%", percent.decimal())),
            TokenValue::Money(money) => Raw::Map(vec![
                ("amount".to_owned(), Raw::Text(money.amount())),
                ("currency".to_owned(), Raw::Text(money.currency.to_string())),
            ]),
            TokenValue::Months(number) | TokenValue::Days(number) | TokenValue::Count(number) => {
                Raw::Integer(*number)
            }
            TokenValue::YesNo(flag) => Raw::Bool(*flag),
            TokenValue::OneOf(text) | TokenValue::Text(text) => Raw::Text(text.clone()),
            TokenValue::Date(day) => Raw::Text(day.to_string()),
            TokenValue::Record(record) => Raw::Text(record.id.clone()),
            TokenValue::List(elements) => Raw::List(elements.iter().map(Raw::of_tokens).collect()),
        }
    }

    /// What was found, in words for the sender; long text is cut.
    #[must_use]
    pub fn found(&self) -> String {
        match self {
            Raw::Null => "null".to_owned(),
            Raw::Bool(flag) => flag.to_string(),
            Raw::Integer(number) => format!("the number {number}"),
            Raw::Float => "a number with a point or an exponent".to_owned(),
            Raw::TooLarge => "a number beyond 64 bits".to_owned(),
            Raw::Text(text) if text.chars().count() > 60 => {
                format!("the text `{}...`", text.chars().take(57).collect::<String>().escape_debug())
            }
            Raw::Text(text) => format!("the text `{}`", text.escape_debug()),
            Raw::List(items) => format!("an array of {}", items.len()),
            Raw::Map(_) => "an object".to_owned(),
        }
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }
    fn visit_unit<E: de::Error>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }
    fn visit_none<E: de::Error>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }
    fn visit_some<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        Raw::deserialize(deserializer)
    }
    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(flag))
    }
    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Raw, E> {
        Ok(Raw::Integer(number))
    }
    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Raw, E> {
        Ok(i64::try_from(number).map_or(Raw::TooLarge, Raw::Integer))
    }
    fn visit_i128<E: de::Error>(self, number: i128) -> Result<Raw, E> {
        Ok(i64::try_from(number).map_or(Raw::TooLarge, Raw::Integer))
    }
    fn visit_u128<E: de::Error>(self, number: u128) -> Result<Raw, E> {
        Ok(i64::try_from(number).map_or(Raw::TooLarge, Raw::Integer))
    }
    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::Float)
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }
    fn visit_string<E: de::Error>(self, text: String) -> Result<Raw, E> {
        Ok(Raw::Text(text))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = access.next_entry()? {
            members.push(member);
        }
        Ok(Raw::Map(members))
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}
