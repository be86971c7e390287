//! Records at a target and the values of their fields, in the words of the connector contract.
//!
//! These types mirror `types` of `wit/`: amounts and rates travel as decimal text, never as a float.

use crate::money::Money;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Names one record at one target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordRef {
    /// Kind of record, such as `opportunity`.
    pub kind: String,
    /// The vendor's id of it. Opaque; empty for a creation without parent.
    pub id: String,
}

impl fmt::Display for RecordRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.kind, self.id)
    }
}

/// One value of one field at a target.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// The target holds nothing there.
    Absent,
    /// True or false.
    Flag(bool),
    /// A whole number without unit.
    Integer(i64),
    /// A number as decimal text; 25 % is `25`.
    Decimal(String),
    /// Text as the target holds it.
    Text(String),
    /// A calendar date, `YYYY-MM-DD`.
    Date(String),
    /// A moment.
    Instant(Timestamp),
    /// An amount of money.
    Money(Money),
    /// Another record at the same target.
    Reference(RecordRef),
    /// Nested data as JSON text: keys sorted, no insignificant white space.
    Json(String),
}

impl fmt::Display for Value {
    /// The value as a person reads it; text is shown as it is.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Absent => formatter.write_str("nothing"),
            Value::Flag(true) => formatter.write_str("yes"),
            Value::Flag(false) => formatter.write_str("no"),
            Value::Integer(number) => write!(formatter, "{number}"),
            Value::Decimal(text) | Value::Text(text) | Value::Date(text) | Value::Json(text) => {
                formatter.write_str(text)
            }
            Value::Instant(moment) => write!(formatter, "{moment}"),
            Value::Money(money) => write!(formatter, "{money}"),
            Value::Reference(record) => write!(formatter, "{record}"),
        }
    }
}

/// A named value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Name, such as `discount_percent`.
    pub name: String,
    /// Its value.
    pub value: Value,
}

/// What a target holds now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The record that was read.
    pub subject: RecordRef,
    /// The target's version token, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Where a person opens the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The fields that the connector knows, each name at most once.
    pub fields: Vec<Field>,
}

impl Snapshot {
    /// The value of the field called `name`.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|field| field.name == name).map(|field| &field.value)
    }
}
