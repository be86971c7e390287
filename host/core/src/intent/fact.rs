//! Facts: what the host finds out itself, where it looks, and how an answer gets onto the grid.

use super::IntentType;
use super::kind::{FieldType, Grid, OffGrid, Unit};
use super::value::{Day, FactValue, TokenValue, Tokens};
use crate::id::{ConnectionName, FieldName};
use crate::record::{RecordRef, Value};
use crate::time::{Millis, Timestamp};
use serde::Serialize;

/// A fact of an intent type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FactSpec {
    /// Its name; a dotted one has one value for each element of the list.
    pub name: FieldName,
    /// Its type.
    pub kind: FieldType,
    /// Where it comes from.
    pub source: FactSource,
    /// How old it may be; always there for a fact of a connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fresh: Option<Millis>,
}

/// Where a fact comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FactSource {
    /// A field of a record at a connection.
    Connection {
        /// The connection.
        connection: ConnectionName,
        /// The field there.
        field: String,
        /// The token that names the record.
        token: FieldName,
    },
    /// A field of the requester in the directory.
    Directory {
        /// The field: `manager` or `calendar`.
        field: String,
    },
    /// Days from a date, a token or an earlier fact, to the day of submission.
    Age {
        /// The date.
        of: FieldName,
    },
    /// A count or sum over the log.
    Log {
        /// What is added up.
        measure: LogMeasure,
        /// Which intents count.
        of: LogStanding,
        /// The token whose value they share with this one.
        by: FieldName,
        /// How far back.
        window: Window,
    },
}

/// What a fact of the log adds up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogMeasure {
    /// The number of intents.
    Count,
    /// The sum of a token of them.
    SumOf(FieldName),
}

/// Which intents of the log count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogStanding {
    /// Approved ones.
    Approved,
    /// Approved or still open ones, this one included.
    Asked,
}

/// How far back a fact of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Window {
    /// So many days of 24 hours.
    Days(u32),
    /// So many calendar months, in UTC.
    Months(u32),
}

impl Window {
    /// The first moment that still counts, seen from `now`.
    #[must_use]
    pub fn since(self, now: Timestamp) -> Timestamp {
        match self {
            Window::Days(days) => {
                let length = i64::from(days).saturating_mul(86_400_000);
                Timestamp(now.0.saturating_sub(length))
            }
            Window::Months(months) => {
                let moment = jiff::Timestamp::from_millisecond(now.0)
                    .map(|moment| moment.to_zoned(jiff::tz::TimeZone::UTC))
                    .and_then(|moment| moment.checked_sub(jiff::Span::new().months(i64::from(months))));
                moment.map_or(Timestamp(i64::MIN), |moment| Timestamp(moment.timestamp().as_millisecond()))
            }
        }
    }
}

/// One read at a connection that a fact asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRead {
    /// The fact.
    pub fact: FieldName,
    /// The element of the list that it is about, from 0; `None` for the whole intent.
    pub element: Option<usize>,
    /// Where to look.
    pub connection: ConnectionName,
    /// The record.
    pub record: RecordRef,
    /// The field of it.
    pub field: String,
}

impl IntentType {
    /// Every read at a connection that the facts of an intent with these tokens ask for. A fact of a
    /// list asks once for each element, in their order.
    #[must_use]
    pub fn reads(&self, tokens: &Tokens) -> Vec<RecordRead> {
        let mut reads = Vec::new();
        for fact in &self.facts {
            let FactSource::Connection { connection, field, token } = &fact.source else { continue };
            let mut read = |element: Option<usize>, value: Option<&TokenValue>| {
                let Some(record) = value.and_then(|value| record_of(token, value)) else { return };
                reads.push(RecordRead {
                    fact: fact.name.clone(),
                    element,
                    connection: connection.clone(),
                    record,
                    field: field.clone(),
                });
            };
            match token.as_str().split_once('.') {
                None => read(None, tokens.get(token)),
                Some((list, short)) => {
                    let (Ok(list), Ok(short)) = (FieldName::parse(list), FieldName::parse(short)) else {
                        continue;
                    };
                    let Some(TokenValue::List(elements)) = tokens.get(&list) else { continue };
                    for (index, element) in elements.iter().enumerate() {
                        read(Some(index), element.get(&short));
                    }
                }
            }
        }
        reads
    }

    /// Brings what a connector answered onto the grid of a fact.
    ///
    /// # Errors
    /// Why it does not fit, for the exception: the fact is then missing.
    pub fn fact_value(fact: &FactSpec, value: &Value) -> Result<TokenValue, String> {
        IntentType::held(&fact.name, &fact.kind, value)
    }

    /// What a target holds, as a value of a token or fact of this name.
    ///
    /// # Errors
    /// Why it does not fit, in words.
    pub fn held(name: &FieldName, kind: &FieldType, value: &Value) -> Result<TokenValue, String> {
        let found = match kind {
            FieldType::Number(grid) => number(grid, value).map(|number| grid.value(number)),
            FieldType::YesNo
            | FieldType::OneOf(_)
            | FieldType::Date { .. }
            | FieldType::Text { .. }
            | FieldType::Record { .. }
            | FieldType::List { .. } => {
                let found = typed(kind, value).ok_or(OffGrid::WrongKind);
                found.and_then(|found| kind.accepts(&found).map(|()| found))
            }
        };
        found.map_err(|why| match why {
            OffGrid::TooFine => format!("`{name}`: `{value}` is finer than the step of {kind}"),
            OffGrid::OutOfBounds | OffGrid::NotOneOf => format!("`{name}`: `{value}` is outside of {kind}"),
            OffGrid::WrongKind => format!("`{name}`: expected {kind}, the target holds `{value}`"),
        })
    }

    /// The value of an `age of` fact: whole days from the date to the day of submission, in UTC.
    #[must_use]
    pub fn age(fact: &FactSpec, date: Option<&FactValue>, submitted: Timestamp) -> FactValue {
        let day = match date {
            Some(FactValue::Known(TokenValue::Date(day))) => *day,
            Some(FactValue::Stale) => return FactValue::Stale,
            Some(FactValue::Missing(why)) => return FactValue::Missing(why.clone()),
            Some(FactValue::Known(_) | FactValue::Each(_)) | None => {
                return FactValue::Missing(format!("`{}` has no date to count from", fact.name));
            }
        };
        let today = Day::at(submitted);
        let days = Value::Integer(today.0.saturating_sub(day.0));
        match IntentType::fact_value(fact, &days) {
            Ok(value) => FactValue::Known(value),
            Err(why) => FactValue::Missing(why),
        }
    }
}

/// The record that a token names; plain text names one whose kind is the last part of the token's name.
fn record_of(token: &FieldName, value: &TokenValue) -> Option<RecordRef> {
    match value {
        TokenValue::Record(record) => Some(record.clone()),
        TokenValue::Text(text) => {
            let name = token.as_str();
            let kind = name.rsplit_once('.').map_or(name, |(_, last)| last);
            Some(RecordRef { kind: kind.to_owned(), id: text.clone() })
        }
        TokenValue::Percent(_)
        | TokenValue::Money(_)
        | TokenValue::Months(_)
        | TokenValue::Days(_)
        | TokenValue::Count(_)
        | TokenValue::YesNo(_)
        | TokenValue::OneOf(_)
        | TokenValue::Date(_)
        | TokenValue::List(_) => None,
    }
}

/// A target's value as a value of this type, before its bounds are looked at; numbers are read apart.
fn typed(kind: &FieldType, value: &Value) -> Option<TokenValue> {
    match (kind, value) {
        (FieldType::YesNo, Value::Flag(flag)) => Some(TokenValue::YesNo(*flag)),
        (FieldType::OneOf(_), Value::Text(text)) => Some(TokenValue::OneOf(text.clone())),
        (FieldType::Date { .. }, Value::Date(text)) => Day::parse(text).map(TokenValue::Date),
        (FieldType::Date { .. }, Value::Instant(moment)) => Some(TokenValue::Date(Day::at(*moment))),
        (FieldType::Text { .. }, Value::Text(text)) => Some(TokenValue::Text(text.clone())),
        (FieldType::Record { kind, .. }, Value::Reference(record)) if record.kind == *kind => {
            Some(TokenValue::Record(record.clone()))
        }
        (FieldType::Record { kind, .. }, Value::Text(id)) if !id.is_empty() => {
            Some(TokenValue::Record(RecordRef { kind: kind.clone(), id: id.clone() }))
        }
        (
            FieldType::Number(_)
            | FieldType::YesNo
            | FieldType::OneOf(_)
            | FieldType::Date { .. }
            | FieldType::Text { .. }
            | FieldType::Record { .. }
            | FieldType::List { .. },
            _,
        ) => None,
    }
}

/// A target's number on this grid. At a target 25 % is `25`.
fn number(grid: &Grid, value: &Value) -> Result<i64, OffGrid> {
    match (grid.unit, value) {
        (Unit::Money(currency), Value::Money(money)) if money.currency == currency => grid.place(money.minor),
        (Unit::Percent | Unit::Months | Unit::Days | Unit::Count, Value::Decimal(text)) => grid.read(text),
        (Unit::Percent | Unit::Months | Unit::Days | Unit::Count, Value::Integer(number)) => {
            grid.read(&number.to_string())
        }
        (Unit::Percent | Unit::Money(_) | Unit::Months | Unit::Days | Unit::Count, _) => {
            Err(OffGrid::WrongKind)
        }
    }
}
