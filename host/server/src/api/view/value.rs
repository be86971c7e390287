//! Values in JSON: as a requester writes them (`"12.5%"`, `{"amount", "currency"}`), never a float,
//! and beside it the words in which a person reads them.

use countersign_core::intent::{FactValue, TokenValue, Tokens};
use countersign_core::record::{Field, Value};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Elements of a list of which a line says what was found; the others are in `each`.
const READINGS_SHOWN_MAX: usize = 8;

/// One value at a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ValueView {
    /// Its type: absent, flag, integer, decimal, text, date, instant, money, reference or json; withheld, if it
    /// is not for whoever looks.
    #[serde(rename = "type")]
    pub kind: String,
    /// The value.
    #[schema(value_type = Value)]
    pub value: Json,
    /// The value as a person reads it.
    pub text: String,
}

/// A named value at a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldView {
    /// Name of the field.
    pub field: String,
    /// Its value.
    pub value: ValueView,
}

/// What is known of one fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FactView {
    /// known, missing, stale, or each: one reading an element of the list.
    pub state: String,
    /// The value, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub value: Option<Json>,
    /// The value as a person reads it, or why it is missing.
    pub text: String,
    /// One reading an element, in the order of the list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion)]
    pub each: Vec<FactView>,
}

/// Stands where something is not for whoever looks.
pub const WITHHELD: &str = "(withheld)";

impl ValueView {
    /// A value that is not for whoever looks.
    #[must_use]
    pub fn withheld() -> ValueView {
        ValueView { kind: "withheld".to_owned(), value: Json::Null, text: WITHHELD.to_owned() }
    }
}

impl From<&Value> for ValueView {
    fn from(value: &Value) -> ValueView {
        let (kind, json) = match value {
            Value::Absent => ("absent", Json::Null),
            Value::Flag(flag) => ("flag", json!(flag)),
            Value::Integer(number) => ("integer", json!(number)),
            Value::Decimal(text) => ("decimal", json!(text)),
            Value::Text(text) => ("text", json!(text)),
            Value::Date(text) => ("date", json!(text)),
            Value::Instant(moment) => ("instant", json!(moment.to_string())),
            Value::Money(money) => ("money", json!(money)),
            Value::Reference(record) => ("reference", json!(record)),
            Value::Json(text) => ("json", json!(text)),
        };
        ValueView { kind: kind.to_owned(), value: json, text: value.to_string() }
    }
}

impl From<&Field> for FieldView {
    fn from(field: &Field) -> FieldView {
        FieldView { field: field.name.clone(), value: (&field.value).into() }
    }
}

impl From<&FactValue> for FactView {
    fn from(fact: &FactValue) -> FactView {
        let (state, value, text, each) = match fact {
            FactValue::Known(value) => ("known", Some(token(value)), value.to_string(), Vec::new()),
            FactValue::Missing(why) => ("missing", None, why.clone(), Vec::new()),
            FactValue::Stale => ("stale", None, "read too long ago".to_owned(), Vec::new()),
            FactValue::Each(readings) => {
                let each: Vec<FactView> = readings.iter().map(FactView::from).collect();
                ("each", None, of_each(&each), each)
            }
        };
        FactView { state: state.to_owned(), value, text, each }
    }
}

/// What was found of each element, in one line.
fn of_each(each: &[FactView]) -> String {
    let shown = each.iter().take(READINGS_SHOWN_MAX).map(|fact| fact.text.as_str());
    let mut text = shown.collect::<Vec<_>>().join(", ");
    match each.len().saturating_sub(READINGS_SHOWN_MAX) {
        0 => {}
        more => text.push_str(&format!(", and {more} more")),
    }
    text
}

/// A token as a requester writes it.
#[must_use]
pub fn token(value: &TokenValue) -> Json {
    match value {
        TokenValue::Percent(percent) => json!(percent.to_string()),
        TokenValue::Money(money) => json!(money),
        TokenValue::Months(number) | TokenValue::Days(number) | TokenValue::Count(number) => json!(number),
        TokenValue::YesNo(flag) => json!(flag),
        TokenValue::OneOf(text) | TokenValue::Text(text) => json!(text),
        TokenValue::Date(day) => json!(day.to_string()),
        TokenValue::Record(record) => json!(record.id),
        TokenValue::List(elements) => {
            let element = |element: &BTreeMap<_, _>| {
                Json::Object(Map::from_iter(element.iter().map(|(name, value): (&_, &TokenValue)| {
                    let name: &countersign_core::id::FieldName = name;
                    (name.to_string(), token(value))
                })))
            };
            Json::Array(elements.iter().map(element).collect())
        }
    }
}

/// All tokens as a requester writes them.
#[must_use]
pub fn tokens(tokens: &Tokens) -> BTreeMap<String, Json> {
    tokens.iter().map(|(name, value)| (name.to_string(), token(value))).collect()
}
