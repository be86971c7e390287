//! The body of a delivery: thin, and the same bytes in every attempt.

use countersign_sdk::{Failure, Money, Proposal, RecordRef, Value};
use serde_json::{Map, Value as Json, json};

/// Longest body: the specification asks for thin bodies of less than 20 kB.
const BODY_BYTES_MAX: usize = 20_000;

/// Longest effect id, by the contract.
pub(crate) const EFFECT_ID_MAX: usize = 64;

/// The body of the delivery of one effect.
pub(crate) fn body(effect_id: &str, what: &Proposal) -> Result<String, Failure> {
    let mut changes = Map::new();
    for field in &what.fields {
        let value = json_of(&field.value).map_err(|failure| failure.naming(&field.name))?;
        if changes.insert(field.name.clone(), value).is_some() {
            let message = format!("the field `{}` is given twice", field.name);
            return Err(Failure::rejected("bad-input", message).naming(&field.name));
        }
    }
    let message = json!({
        "type": "countersign.effect.v1",
        "data": {
            "effect_id": effect_id,
            "subject": {"kind": what.subject.kind, "id": what.subject.id},
            "changes": changes,
        },
    });
    let body = message.to_string();
    if BODY_BYTES_MAX < body.len() {
        let message = format!("the delivery would have {} bytes, more than {BODY_BYTES_MAX}", body.len());
        return Err(Failure::rejected("too-long", message));
    }
    Ok(body)
}

/// A value as JSON. Amounts and rates stay decimal text.
fn json_of(value: &Value) -> Result<Json, Failure> {
    Ok(match value {
        Value::Absent => Json::Null,
        Value::Flag(flag) => json!(flag),
        Value::Integer(number) => json!(number),
        Value::Decimal(text) | Value::Text(text) | Value::Date(text) => json!(text),
        Value::InstantMs(moment) => json!(moment),
        Value::Money(Money { amount, currency }) => json!({"amount": amount, "currency": currency}),
        Value::Reference(RecordRef { kind, id }) => json!({"kind": kind, "id": id}),
        Value::Json(text) => serde_json::from_str(text).map_err(|error| {
            Failure::rejected("bad-input", format!("nested data that is no JSON: {error}"))
        })?,
    })
}
