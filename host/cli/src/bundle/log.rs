//! How the log is, without what stands in it: how long it is, what kinds of entries it has, and when the last ones came.

use crate::backup::LOG_FOLDER;
use crate::config::Whereabouts;
use anyhow::{Context as _, Result};
use countersign_engine::port::store::Logged;
use countersign_store_local::disk::RealDisk;
use countersign_store_local::{Survey, survey};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Longest name of a kind that is taken for one.
const KIND_BYTES_MAX: usize = 40;

/// What is told of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    position: u64,
    /// What the stream is of.
    stream: String,
    event: String,
    at: Option<i64>,
    bytes: usize,
}

/// Reads the log beside a host that runs or not, and tells of its `last` entries.
///
/// # Errors
/// If it cannot be read, or is not what was written.
pub async fn status(house: &Whereabouts, last: usize) -> Result<Value> {
    if house.in_database {
        return Ok(json!({ "place": "a database", "note": "ask it how it is: nothing of it is read here" }));
    }
    let log = house.data.join(LOG_FOLDER);
    if !log.is_dir() {
        return Ok(json!({ "place": "the data folder", "note": "no host has run here yet" }));
    }
    let read = move || {
        let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
        let mut told: VecDeque<Told> = VecDeque::new();
        let mut position = 0;
        let mut visit = |logged: Logged| {
            position += 1;
            let one = one(position, &logged);
            *kinds.entry(format!("{} {}", one.stream, one.event).trim_end().to_owned()).or_default() += 1;
            told.push_back(one);
            if last < told.len() {
                told.pop_front();
            }
        };
        let found = survey(&log, Arc::new(RealDisk), u64::MAX, &mut visit)?;
        anyhow::Ok(shown(&found, &kinds, &told))
    };
    tokio::task::spawn_blocking(read).await.context("the log could not be read")?
}

fn shown(found: &Survey, kinds: &BTreeMap<String, u64>, told: &VecDeque<Told>) -> Value {
    let segments: Vec<Value> =
        found.segments.iter().map(|one| json!({ "name": one.name, "bytes": one.bytes })).collect();
    let last: Vec<Value> = told
        .iter()
        .map(|one| json!({ "position": one.position, "stream": one.stream, "event": one.event, "at": one.at, "bytes": one.bytes }))
        .collect();
    json!({
        "place": "the data folder",
        "entries": found.entries,
        "head": found.head,
        "segments": segments,
        "kinds": kinds,
        "last": last,
    })
}

/// What may be told of an entry: no name and no value, only words that this program has itself.
fn one(position: u64, logged: &Logged) -> Told {
    let stream = logged.stream.split(['_', '/']).next().unwrap_or_default();
    let entry: Value = serde_json::from_slice(&logged.entry).unwrap_or_default();
    let event = match &entry["event"] {
        Value::String(event) => event.as_str(),
        Value::Object(event) => event.keys().next().map_or("", String::as_str),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => "",
    };
    Told {
        position,
        stream: kind(stream),
        event: kind(event),
        at: entry["at"].as_i64(),
        bytes: logged.entry.len(),
    }
}

fn kind(word: &str) -> String {
    let is_word =
        word.len() <= KIND_BYTES_MAX && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    if is_word { word.to_owned() } else { "other".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_engine::port::store::Position;

    #[test]
    fn of_an_entry_its_kind_is_told_and_nothing_that_stands_in_it() {
        let logged = |stream: &str, entry: &str| Logged {
            position: Position(1),
            stream: Arc::from(stream),
            sequence: 1,
            entry: Arc::from(entry.as_bytes()),
        };
        let check = |stream: &str, entry: &str, expected: (&str, &str, Option<i64>)| {
            let told = one(7, &logged(stream, entry));
            assert_eq!((told.stream.as_str(), told.event.as_str(), told.at), expected, "{entry}");
        };
        check(
            "int_1",
            r#"{"at":5,"by":"engine","event":{"submitted":{"amount":"12"}}}"#,
            ("int", "submitted", Some(5)),
        );
        check("int_1", r#"{"at":5,"by":"engine","event":"closed"}"#, ("int", "closed", Some(5)));
        check("connection/crm", r#"{"event":{"Some Name":1}}"#, ("connection", "other", None));
        check("Somebody", "no JSON", ("other", "", None));
    }
}
