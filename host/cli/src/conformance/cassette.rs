//! A cassette: one thing asked of a connector, and what its target answers, in every state that the
//! steps of the connector bring it into.
//!
//! The format is JSON, so that a person can write one and read what a recorder wrote. Ids of effects
//! stand in it as `{{effect}}`, `{{rival}}`, `{{undo}}` and `{{stranger}}`.

use super::bench::Call;
use crate::loopback::{Asked, Reply, decoded};
use anyhow::{Context as _, Result, bail};
use countersign_connectors::Exchange;
use countersign_core::effect::key::undo_id;
use countersign_core::effect::plan::Proposal;
use countersign_core::hash::Digest;
use countersign_core::id::EffectId;
use countersign_core::record::{Field, RecordRef};
use countersign_core::time::{Millis, Timestamp};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The format that this kit reads and writes.
const FORMAT: u32 = 1;
/// Largest cassette, in bytes: a few hundred exchanges.
pub(super) const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Most cassettes of one connector.
const CASSETTES_MAX: usize = 64;

/// Who does something to the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Actor {
    /// The effect that the cassette is about.
    Effect,
    /// Another effect on the same record, between the plan and the attempt.
    Rival,
    /// What takes the effect back.
    Undo,
    /// An effect that never was: a look for it finds nothing.
    Stranger,
}

impl Actor {
    const ALL: [Actor; 4] = [Actor::Effect, Actor::Rival, Actor::Undo, Actor::Stranger];

    /// Its name in a cassette.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Actor::Effect => "effect",
            Actor::Rival => "rival",
            Actor::Undo => "undo",
            Actor::Stranger => "stranger",
        }
    }

    /// The id that it has in every run.
    #[must_use]
    pub fn id(self) -> EffectId {
        match self {
            Actor::Undo => undo_id(Actor::Effect.id()),
            Actor::Effect | Actor::Rival | Actor::Stranger => EffectId::from_digest(&Digest::of_parts(&[
                b"countersign conformance",
                self.name().as_bytes(),
            ])),
        }
    }

    /// One of its steps, as a cassette names it.
    #[must_use]
    pub fn step(self, name: &str) -> String {
        format!("{}/{name}", self.name())
    }
}

/// One thing asked of a connector, with all that its target answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cassette {
    /// The format: 1.
    pub cassette: u32,
    /// What it shows, and where its answers are from. For people.
    pub about: String,
    /// The operation.
    pub operation: String,
    /// The record that it is about.
    pub subject: RecordRef,
    /// What is asked.
    pub fields: Vec<Field>,
    /// What another one asks of the same record after our plan was made. Ours must then be a conflict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rival: Option<Vec<Field>>,
    /// Settings of the connection.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// The moment of every call that looks, RFC 3339; attempts follow it, an hour each.
    pub now: String,
    /// Personal data in the answers, which must show up in no message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub personal: Vec<String>,
    /// What the target answers.
    #[serde(default)]
    pub exchanges: Vec<Recorded>,
    /// The name of its file, without its ending.
    #[serde(skip)]
    pub name: String,
}

/// One request that the target knows, and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// The steps that have landed when it is asked, such as `effect/create-refund`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<String>,
    /// The step that it is; absent for what changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Whether it was written by hand: a recorder that does not see it leaves it here.
    #[serde(default, skip_serializing_if = "is_false")]
    pub kept: bool,
    /// What is asked.
    pub request: Request,
    /// What is answered. A step lands if the answer is a success.
    pub response: Response,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// A request, as far as it matters which one it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The endpoint of the manifest.
    pub endpoint: String,
    /// In capitals.
    pub method: String,
    /// Below the endpoint's base, percent-encoded.
    pub path: String,
    /// Names and values, decoded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(String, String)>,
    /// Headers that matter, names in lower case. The conditions of a request (`if-match` and its like) always do: each
    /// that is asked must stand here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The body.
    #[serde(default, skip_serializing_if = "Body::is_empty")]
    pub body: Body,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Headers, names in lower case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The body.
    #[serde(default, skip_serializing_if = "Body::is_empty")]
    pub body: Body,
}

/// A body, in the most readable form. JSON comes back with its members sorted, and numbers as far as 64 bits hold
/// them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    /// None.
    #[default]
    Empty,
    /// JSON.
    Json(serde_json::Value),
    /// Any other text.
    Text(String),
    /// Bytes that are no text.
    Base64(String),
}

impl Body {
    fn is_empty(&self) -> bool {
        *self == Body::Empty
    }

    fn of(bytes: &[u8]) -> Body {
        if bytes.is_empty() {
            return Body::Empty;
        }
        if let Ok(json @ (serde_json::Value::Object(_) | serde_json::Value::Array(_))) =
            serde_json::from_slice(bytes)
        {
            return Body::Json(json);
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Body::Text(text.to_owned()),
            Err(_) => Body::Base64(BASE64.encode(bytes)),
        }
    }

    /// The bytes of it.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Body::Empty => Vec::new(),
            Body::Json(json) => json.to_string().into_bytes(),
            Body::Text(text) => text.clone().into_bytes(),
            // Looked at when the cassette was read.
            Body::Base64(text) => BASE64.decode(text.as_bytes()).unwrap_or_default(),
        }
    }
}

impl Request {
    /// Whether the target is asked just this.
    #[must_use]
    pub fn is(&self, asked: &Asked) -> bool {
        self.is_at(asked) && self.differs(asked).is_none()
    }

    /// Whether it is the same method at the same place. The first part of the path that is asked for is the endpoint's
    /// name.
    fn is_at(&self, asked: &Asked) -> bool {
        let path: Vec<String> = self.path.split('/').skip(1).map(|part| decoded(part, false)).collect();
        asked.method == self.method
            && asked.path.split_first().is_some_and(|(first, rest)| *first == self.endpoint && rest == path)
    }

    /// In what a request at the same place differs from this one.
    fn differs(&self, asked: &Asked) -> Option<String> {
        let sorted = |pairs: &[(String, String)]| {
            let mut pairs = pairs.to_vec();
            pairs.sort();
            pairs
        };
        if sorted(&asked.query) != sorted(&self.query) {
            return Some("its query".to_owned());
        }
        let lacks = |name: &str, value: &str| asked.header(name) != Some(value);
        if let Some((name, _)) = self.headers.iter().find(|(name, value)| lacks(name, value)) {
            return Some(format!("its header `{name}`"));
        }
        let is_known = |name: &str| self.headers.iter().any(|(known, _)| known == name);
        if let Some(more) = CONDITIONS.iter().find(|name| asked.header(name).is_some() && !is_known(name)) {
            return Some(format!("its header `{more}`"));
        }
        match (Body::of(&asked.body), &self.body) {
            (asked, known) if asked == *known => None,
            (Body::Json(asked), Body::Json(known)) => {
                Some(format!("its body at `{}`", pointer(&asked, known)))
            }
            (_, _) => Some("its body".to_owned()),
        }
    }
}

/// The headers by which a request makes a condition (RFC 9110, §13.1).
const CONDITIONS: [&str; 4] = ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since"];

/// Where two values differ first, as a JSON Pointer.
fn pointer(one: &serde_json::Value, other: &serde_json::Value) -> String {
    use serde_json::Value;
    let below = |name: &str, one: &Value, other: &Value| {
        let name = name.replace('~', "~0").replace('/', "~1");
        format!("/{name}{}", pointer(one, other))
    };
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let names = one.keys().chain(other.keys());
            let differing = names.into_iter().find(|name| one.get(*name) != other.get(*name));
            let value = |of: &serde_json::Map<String, Value>, name| of.get(name).cloned().unwrap_or_default();
            differing.map_or_else(String::new, |name| below(name, &value(one, name), &value(other, name)))
        }
        (Value::Array(one), Value::Array(other)) => {
            let differing = (0..one.len().max(other.len())).find(|at| one.get(*at) != other.get(*at));
            let value = |of: &[Value], at: usize| of.get(at).cloned().unwrap_or_default();
            differing
                .map_or_else(String::new, |at| below(&at.to_string(), &value(one, at), &value(other, at)))
        }
        (_, _) => String::new(),
    }
}

impl Cassette {
    /// The exchange that comes nearest to a request, in words: its place in the file, and in what it differs.
    #[must_use]
    pub fn nearest(&self, asked: &Asked, step: Option<&str>) -> Option<String> {
        let near = (1..).zip(&self.exchanges).filter(|(_, recorded)| {
            recorded.request.is_at(asked) && recorded.step.is_some() == step.is_some()
        });
        let differs = |recorded: &Recorded| match recorded.request.differs(asked) {
            Some(what) => format!("fits but for {what}"),
            None if recorded.step.as_deref() != step => "fits but for its step".to_owned(),
            None => format!("fits when these have landed: {:?}", recorded.when),
        };
        near.map(|(number, recorded)| format!("exchange {number} {}", differs(recorded))).next()
    }
}

impl Recorded {
    /// Whether a step lands with this answer.
    #[must_use]
    pub fn lands(&self) -> bool {
        self.step.is_some() && (200..300).contains(&self.response.status)
    }

    /// Whether the other one is the same request in the same state.
    #[must_use]
    pub fn is_as(&self, other: &Recorded) -> bool {
        self.when == other.when && self.step == other.step && self.request == other.request
    }

    /// What went over the wire, as `actor` asked for it after the steps in `when`.
    #[must_use]
    pub fn of(exchange: &Exchange, actor: Actor, when: Vec<String>) -> Option<Recorded> {
        let heard = exchange.answer.as_ref().ok()?;
        Some(Recorded {
            when,
            kept: false,
            step: exchange.step.as_deref().map(|step| actor.step(step)),
            request: Request {
                endpoint: exchange.endpoint.clone(),
                method: exchange.method.to_owned(),
                path: exchange.path.clone(),
                query: exchange.query.clone(),
                headers: conditions(&exchange.headers),
                body: Body::of(&exchange.body),
            },
            response: Response {
                status: heard.status,
                headers: heard.headers.iter().filter(|(name, _)| !is_of_the_wire(name)).cloned().collect(),
                body: Body::of(&heard.body),
            },
        })
    }
}

/// Those by which a request makes a condition, names in lower case.
fn conditions(headers: &[(String, String)]) -> Vec<(String, String)> {
    let lower = headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
    lower.filter(|(name, _)| CONDITIONS.contains(&name.as_str())).collect()
}

/// Headers that belong to one connection or one moment, not to the answer.
fn is_of_the_wire(name: &str) -> bool {
    const OF_THE_WIRE: [&str; 7] =
        ["connection", "content-length", "date", "keep-alive", "server", "transfer-encoding", "via"];
    OF_THE_WIRE.contains(&name)
}

impl Response {
    /// The answer as a server gives it.
    #[must_use]
    pub fn reply(&self) -> Reply {
        let is_typed = self.headers.iter().any(|(name, _)| name == "content-type");
        let mut reply =
            Reply { headers: self.headers.clone(), body: self.body.bytes(), ..Reply::status(self.status) };
        if !is_typed && matches!(self.body, Body::Json(_)) {
            reply = reply.with("content-type", "application/json");
        }
        reply
    }
}

impl Cassette {
    /// What is asked.
    #[must_use]
    pub fn proposal(&self) -> Proposal {
        Proposal {
            operation: self.operation.clone(),
            subject: self.subject.clone(),
            fields: self.fields.clone(),
        }
    }

    /// The moment of every call that is no attempt.
    #[must_use]
    pub fn moment(&self) -> Timestamp {
        // Looked at when the cassette was read.
        Timestamp::from_rfc3339(&self.now).unwrap_or_default()
    }

    /// The moment of this call: an attempt, or a look at it, is made an hour after the one before it.
    #[must_use]
    pub fn moment_of(&self, call: &Call) -> Timestamp {
        let attempt = match call {
            Call::Attempt(doing) | Call::Look(doing) => doing.attempt,
            Call::Check
            | Call::Fetch(_)
            | Call::Changes(_)
            | Call::Plan(_)
            | Call::Interpret(_)
            | Call::Receive(_) => 0,
        };
        self.moment().plus(Millis::hours(u64::from(attempt)))
    }

    /// Reads one.
    ///
    /// # Errors
    /// If it cannot be read, or with the line at which it is no cassette.
    pub fn read(file: &Path) -> Result<Cassette> {
        let shown = file.display();
        let size = std::fs::metadata(file).with_context(|| format!("`{shown}` cannot be read"))?.len();
        if FILE_BYTES_MAX < size {
            bail!("`{shown}` is larger than 4 MiB; record fewer pages");
        }
        let text = std::fs::read_to_string(file).with_context(|| format!("`{shown}` cannot be read"))?;
        let text = Actor::ALL.iter().fold(text, |text, actor| {
            text.replace(&format!("{{{{{}}}}}", actor.name()), &actor.id().to_string())
        });
        let mut cassette: Cassette =
            serde_json::from_str(&text).with_context(|| format!("`{shown}` is no cassette"))?;
        cassette.name = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if let Some(why) = cassette.fault() {
            bail!("`{shown}` {why}");
        }
        Ok(cassette)
    }

    fn fault(&self) -> Option<String> {
        if self.cassette != FORMAT {
            return Some(format!("has format {}, and this kit reads format {FORMAT}", self.cassette));
        }
        if Timestamp::from_rfc3339(&self.now).is_none() {
            return Some(format!(
                "has `now` = `{}`, which is no moment such as 2026-11-02T10:00:00Z",
                self.now
            ));
        }
        let bodies = self.exchanges.iter().flat_map(|one| [&one.request.body, &one.response.body]);
        for body in bodies {
            if let Body::Base64(text) = body
                && BASE64.decode(text.as_bytes()).is_err()
            {
                return Some(format!("has a `base64` body that is none: `{text}`"));
            }
        }
        let steps = self.exchanges.iter().flat_map(|one| one.when.iter().chain(&one.step));
        for step in steps {
            let actor = step.split_once('/').map(|(actor, _)| actor);
            if !Actor::ALL.iter().any(|known| Some(known.name()) == actor) {
                return Some(format!(
                    "names a step `{step}`; a step is `effect/NAME`, `rival/NAME` or `undo/NAME`"
                ));
            }
        }
        None
    }

    /// Writes it, with placeholders for what is an id only in this kit. A stop leaves the old file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, file: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        let text = Actor::ALL.iter().fold(text, |text, actor| {
            text.replace(&actor.id().to_string(), &format!("{{{{{}}}}}", actor.name()))
        });
        let beside = file.with_extension(format!("json.{}", std::process::id()));
        std::fs::write(&beside, text + "\n")
            .and_then(|()| std::fs::rename(&beside, file))
            .with_context(|| format!("`{}` cannot be written", file.display()))
    }
}

/// Every cassette of a folder, by name.
///
/// # Errors
/// If one cannot be read, or there are too many.
pub fn all(folder: &Path) -> Result<Vec<Cassette>> {
    let mut found = Vec::new();
    if folder.is_dir() {
        for entry in
            std::fs::read_dir(folder).with_context(|| format!("`{}` cannot be read", folder.display()))?
        {
            let file = entry?.path();
            if file.extension().is_some_and(|ending| ending == "json") {
                found.push(file);
            }
        }
    }
    if CASSETTES_MAX < found.len() {
        bail!("`{}` holds more than {CASSETTES_MAX} cassettes", folder.display());
    }
    found.sort();
    found.iter().map(|file: &PathBuf| Cassette::read(file)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{
        "cassette": 1, "about": "an order", "operation": "cancel", "now": "2026-11-02T10:00:00Z",
        "subject": {"kind": "order", "id": "17"}, "fields": [{"name": "reason", "value": {"text": "late"}}],
        "exchanges": [{
            "when": ["rival/cancel"],
            "request": {"endpoint": "api", "method": "POST", "path": "/orders/a%20b", "query": [["b", "2"], ["a", "1"]],
                        "body": {"json": {"key": "{{effect}}", "n": 1}}},
            "response": {"status": 200, "body": {"text": "fine"}}
        }]
    }"#;

    fn read(text: &str) -> Result<Cassette> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("cancel.json");
        std::fs::write(&file, text)?;
        Cassette::read(&file)
    }

    #[test]
    fn a_request_is_known_whatever_the_order_of_its_query_and_its_json() {
        let cassette = read(TEXT).expect("it is one");
        assert_eq!(cassette.name, "cancel");
        let body = format!("{{\"n\": 1, \"key\": \"{}\"}}", Actor::Effect.id());
        let mut asked = Asked {
            method: "POST".to_owned(),
            path: vec!["api".to_owned(), "orders".to_owned(), "a b".to_owned()],
            query: vec![("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())],
            headers: Vec::new(),
            body: body.into_bytes(),
        };
        let request = &cassette.exchanges.first().expect("there is one").request;
        assert!(request.is(&asked));
        asked.body = b"{}".to_vec();
        assert!(!request.is(&asked), "another body");
        assert_eq!(
            cassette.nearest(&asked, cassette.exchanges[0].step.as_deref()).as_deref(),
            Some("exchange 1 fits but for its body at `/key`")
        );
        asked.body = format!("{{\"n\": 1, \"key\": \"{}\"}}", Actor::Effect.id()).into_bytes();
        asked.headers.push(("accept".to_owned(), "*/*".to_owned()));
        assert!(request.is(&asked), "a header that matters to nobody");
        asked.headers.push(("if-match".to_owned(), "3".to_owned()));
        assert!(!request.is(&asked), "a condition that is not in the cassette");
        let conditional =
            Request { headers: vec![("if-match".to_owned(), "3".to_owned())], ..request.clone() };
        assert!(conditional.is(&asked));
        asked.headers.pop();
        assert!(!conditional.is(&asked), "a condition that is made no more");
        asked.path.push("more".to_owned());
        assert_eq!(cassette.nearest(&asked, None), None);
    }

    #[test]
    fn what_is_written_reads_back_and_holds_no_id_of_this_kit() {
        let cassette = read(TEXT).expect("it is one");
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("cancel.json");
        cassette.write(&file).expect("it is written");
        let text = std::fs::read_to_string(&file).expect("it is read");
        assert!(text.contains("{{effect}}") && !text.contains(&Actor::Effect.id().to_string()), "{text}");
        assert_eq!(Cassette::read(&file).expect("it is one"), cassette);
    }

    #[test]
    fn a_faulty_cassette_is_refused_with_what_is_wrong() {
        let check = |old: &str, new: &str, expected: &str| {
            let why = read(&TEXT.replace(old, new)).expect_err("it is faulty");
            assert!(format!("{why:#}").contains(expected), "{why:#}");
        };
        check("\"cassette\": 1", "\"cassette\": 2", "has format 2, and this kit reads format 1");
        check("2026-11-02T10:00:00Z", "yesterday", "`yesterday`, which is no moment");
        check("rival/cancel", "cancel", "names a step `cancel`");
        check("\"about\"", "\"abuot\"", "unknown field `abuot`");
        check("{\"text\": \"fine\"}", "{\"base64\": \"%\"}", "has a `base64` body that is none: `%`");
    }
}
