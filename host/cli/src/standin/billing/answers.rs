//! Forms as Stripe reads them, and answers as it writes them.

use crate::standin::server::{Asked, Reply};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Records on a page where the caller does not say.
const PAGE_RECORDS: usize = 10;
/// Most records on a page.
const PAGE_RECORDS_MAX: usize = 100;

/// The parameters of a write.
#[derive(Debug)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn of(asked: &Asked) -> Form {
        Form(asked.form())
    }

    /// One parameter.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// One parameter that must be there and be a whole number.
    pub(super) fn integer(&self, name: &str) -> Result<i64, Reply> {
        let Some(text) = self.text(name) else {
            let words = format!("Missing required param: {name}.");
            return Err(error(400, "invalid_request_error", Some(("parameter_missing", name)), &words));
        };
        text.parse().map_err(|_| {
            let words = format!("Invalid integer: {text}");
            error(400, "invalid_request_error", Some(("parameter_invalid_integer", name)), &words)
        })
    }

    /// The answer if a parameter is neither known nor metadata.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Reply> {
        let strange = |name: &&String| !known.contains(&name.as_str()) && !name.starts_with("metadata[");
        match self.0.iter().map(|(name, _)| name).find(strange) {
            None => Ok(()),
            Some(name) => {
                let words = format!("Received unknown parameter: {name}");
                Err(error(400, "invalid_request_error", Some(("parameter_unknown", name)), &words))
            }
        }
    }

    /// What the caller leaves beside the record.
    pub(super) fn metadata(&self) -> BTreeMap<String, String> {
        let named = |(name, value): &(String, String)| {
            let name = name.strip_prefix("metadata[")?.strip_suffix(']')?;
            Some((name.to_owned(), value.clone()))
        };
        self.0.iter().filter_map(named).collect()
    }
}

/// An error; `about` is its code and the parameter that it is about.
pub(super) fn error(status: u16, kind: &str, about: Option<(&str, &str)>, words: &str) -> Reply {
    let (code, param) = about.unzip();
    Reply::json(status, &json!({"error": {"type": kind, "code": code, "param": param, "message": words}}))
}

/// There is no such record.
pub(super) fn missing(kind: &str, id: &str) -> Reply {
    let words = format!("No such {kind}: '{id}'");
    error(404, "invalid_request_error", Some(("resource_missing", "id")), &words)
}

/// The key is none or wrong.
pub(super) fn unauthorised() -> Reply {
    error(401, "invalid_request_error", None, "Invalid API Key provided.")
}

/// The id under which a request can be asked about.
pub(super) fn request_id(count: u64) -> String {
    format!("req_{count:08}")
}

/// One page of a list.
pub(super) fn list(asked: &Asked, url: &str, all: Vec<Value>) -> Reply {
    let limit = asked.query("limit").and_then(|text| text.parse().ok()).unwrap_or(PAGE_RECORDS);
    let after = asked.query("starting_after");
    let begin = after.and_then(|id| all.iter().position(|record| record["id"] == id)).map_or(0, |at| at + 1);
    let rest: Vec<Value> = all.into_iter().skip(begin).collect();
    let limit = limit.clamp(1, PAGE_RECORDS_MAX);
    let has_more = limit < rest.len();
    let data: Vec<Value> = rest.into_iter().take(limit).collect();
    Reply::json(200, &json!({"object": "list", "url": url, "has_more": has_more, "data": data}))
}
