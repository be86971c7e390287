//! An intent that somebody's system asks for, as signed JSON:
//!
//! ```json
//! {"type": "countersign.intent.v1", "data": {
//!   "key": "Q-1042/2", "intent_type": "discount", "requester": "sam@example.com",
//!   "source": {"kind": "quote", "id": "Q-1042"},
//!   "tokens": {"discount": "25%", "quote": "Q-1042"}}}
//! ```
//!
//! Tokens stand there as in `POST /v1/intents`: text, whole numbers, true or false, and objects and arrays of them.

use countersign_sdk::{Delivery, DraftIntent, Failure, Field, RecordRef, Value};
use serde_json::{Map, Value as Json};

/// The type of the message, as Standard Webhooks has it.
const MESSAGE: &str = "countersign.intent.v1";

/// What a delivery asks for; nothing where it is a message of another type.
pub(crate) fn drafts(delivery: &Delivery) -> Result<Vec<DraftIntent>, Failure> {
    let message: Json = serde_json::from_str(delivery.text()?)
        .map_err(|fault| bad("/", &format!("JSON, and not broken at {}:{}", fault.line(), fault.column())))?;
    if message["type"] != MESSAGE {
        return Ok(Vec::new());
    }
    let data = message["data"].as_object().ok_or_else(|| bad("/data", "an object"))?;
    const KNOWN: [&str; 5] = ["intent_type", "key", "requester", "source", "tokens"];
    if let Some(name) = data.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        return Err(bad(&format!("/data/{name}"), &format!("nothing; known are `{}`", KNOWN.join("`, `"))));
    }
    let tokens =
        data.get("tokens").and_then(Json::as_object).ok_or_else(|| bad("/data/tokens", "an object"))?;
    let fields = tokens.iter().map(|(name, value)| field(name, value)).collect::<Result<_, _>>()?;
    Ok(vec![DraftIntent {
        intent_type: text(data, "intent_type")?,
        source: source(data)?,
        fields,
        dedupe_key: text(data, "key")?,
        requester: Some(text(data, "requester")?),
    }])
}

fn source(data: &Map<String, Json>) -> Result<RecordRef, Failure> {
    let source = data
        .get("source")
        .and_then(Json::as_object)
        .ok_or_else(|| bad("/data/source", "an object of `kind` and `id`"))?;
    Ok(RecordRef { kind: text(source, "kind")?, id: text(source, "id")? })
}

fn text(object: &Map<String, Json>, name: &str) -> Result<String, Failure> {
    let text = object.get(name).and_then(Json::as_str).filter(|text| !text.is_empty());
    Ok(text.ok_or_else(|| bad(name, "text"))?.to_owned())
}

/// A number with a point is refused here already: what it was meant to be exactly is lost in most readers of JSON.
fn field(name: &str, value: &Json) -> Result<Field, Failure> {
    let value = match value {
        Json::Null => Value::Absent,
        Json::Bool(flag) => Value::Flag(*flag),
        Json::Number(number) => Value::Integer(number.as_i64().ok_or_else(|| {
            bad(&format!("/data/tokens/{name}"), "a whole number, or text such as \"12.5%\"")
        })?),
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(_) | Json::Object(_) => Value::Json(value.to_string()),
    };
    Ok(Field { name: name.to_owned(), value })
}

fn bad(place: &str, expected: &str) -> Failure {
    Failure::rejected("bad-delivery", format!("the delivery needs {expected} at `{place}`"))
}
