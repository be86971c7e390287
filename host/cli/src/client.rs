//! The client behind the commands that ask a running host: its HTTP API, with the host's problems as
//! failures of ours.
//!
//! A write carries an idempotency key and is repeated with the same one if the host goes away
//! before it has answered, so that nothing is asked for twice.

use crate::command::Global;
use crate::config;
use crate::demo::client::{Answer, Api, Ask, Sent};
use crate::exit;
use crate::output::Failure;
use anyhow::{Context as _, Result};
use countersign_engine::port::catalogue::Evidence;
use data_encoding::{BASE64, HEXLOWER};
use hyper::body::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Where a host listens unless somebody changed it.
const URL: &str = "http://127.0.0.1:8700";
/// How often a request is sent until somebody answers.
const TRIES_MAX: u32 = 3;
/// Wait before it is sent again.
const AGAIN_MS: u64 = 300;
/// How long a question may take that reads the whole log: longer than the host lets it.
const QUESTION_MS: u64 = 65_000;
/// Most pages of one list: 200 rows each.
const PAGES_MAX: usize = 500;

/// A running host, as one caller sees it.
#[derive(Debug)]
pub struct Client {
    api: Api,
    url: String,
    token: String,
}

/// How a host on this machine is reached that listens there: on every address means on this machine's own too.
fn reached_at(listens: SocketAddr) -> String {
    let ip = if listens.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { listens.ip() };
    format!("http://{}", SocketAddr::new(ip, listens.port()))
}

/// A change that is asked for.
#[derive(Debug)]
pub struct Change<'a> {
    /// Where.
    pub path: &'a str,
    /// What.
    pub body: &'a Value,
    /// The revision that it is about.
    pub revision: Option<u32>,
    /// The idempotency key; a new one unless it is given.
    pub key: Option<&'a str>,
}

impl Client {
    /// The host and the caller that the arguments name.
    ///
    /// # Errors
    /// If there is no token, or the address is none.
    pub fn of(global: &Global) -> Result<Client> {
        let url = global.url.clone().unwrap_or_else(|| {
            config::listens(global.config.as_deref()).map_or_else(|| URL.to_owned(), reached_at)
        });
        let url = url.trim_end_matches('/').to_owned();
        if !url.starts_with("http://") {
            let failure =
                Failure::new(exit::USAGE, format!("`{url}` is no address that begins with `http://`"));
            let help = "name the host's own address; for TLS go through a local proxy or an SSH tunnel";
            return Err(failure.with_help(help).into());
        }
        let token = global.token.clone().filter(|token| !token.is_empty()).ok_or_else(|| {
            Failure::new(exit::USAGE, "nobody says who you are: there is no token").with_help(
                "`countersign token create PERSON` makes one; give it as COUNTERSIGN_TOKEN or `--token`",
            )
        })?;
        Ok(Client { api: Api::at(url.clone()), url, token })
    }

    /// Reads one thing.
    ///
    /// # Errors
    /// If the host cannot be reached or refuses.
    pub async fn get(&self, path: &str) -> Result<Value> {
        Ok(self.ask(&Ask::get(path, &self.token)).await?.body)
    }

    /// Reads bytes.
    ///
    /// # Errors
    /// If the host cannot be reached or refuses.
    pub async fn bytes(&self, path: &str) -> Result<Bytes> {
        Ok(self.ask(&Ask::get(path, &self.token)).await?.bytes)
    }

    /// Asks for a change.
    ///
    /// # Errors
    /// If the host cannot be reached or refuses.
    pub async fn change(&self, change: &Change<'_>) -> Result<Value> {
        let key = match change.key {
            Some(key) => key.to_owned(),
            None => new_key()?,
        };
        let revision = change.revision.map(|revision| format!("\"{revision}\""));
        let ask = Ask {
            method: "POST",
            path: change.path,
            token: &self.token,
            key: Some(&key),
            revision: revision.as_deref(),
            body: Some(Sent::Json(change.body)),
        };
        Ok(self.ask(&ask).await?.body)
    }

    /// Asks something that needs a body and time. It is asked once: nothing is changed by it, and the
    /// caller sees that it takes long.
    ///
    /// # Errors
    /// If the host cannot be reached, refuses or does not answer in time.
    pub async fn question(&self, path: &str, body: &Value) -> Result<Value> {
        let ask = Ask {
            method: "POST",
            path,
            token: &self.token,
            key: None,
            revision: None,
            body: Some(Sent::Json(body)),
        };
        match self.api.once_within(&ask, QUESTION_MS).await? {
            Some(answer) if answer.status < 400 => Ok(answer.body),
            Some(answer) => Err(refused(&answer).into()),
            None => Err(self.nobody()),
        }
    }

    /// Sends a component with what is said of it, which the host compiles before it answers.
    ///
    /// # Errors
    /// If the host cannot be reached, refuses or does not answer in time.
    pub async fn component(&self, path: &str, bytes: Bytes, evidence: &Evidence) -> Result<Value> {
        let key = new_key()?;
        let encoded = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|bytes| BASE64.encode(bytes));
        let (signature, conformance) = (encoded(&evidence.signature), encoded(&evidence.conformance));
        let ask = Ask {
            method: "POST",
            path,
            token: &self.token,
            key: Some(&key),
            revision: None,
            body: Some(Sent::Component {
                bytes: &bytes,
                signature: signature.as_deref(),
                conformance: conformance.as_deref(),
            }),
        };
        for _ in 0..TRIES_MAX {
            match self.api.once_within(&ask, QUESTION_MS).await? {
                Some(answer) if answer.status < 400 => return Ok(answer.body),
                Some(answer) => return Err(refused(&answer).into()),
                None => tokio::time::sleep(Duration::from_millis(AGAIN_MS)).await,
            }
        }
        Err(self.nobody())
    }

    fn nobody(&self) -> anyhow::Error {
        let failure = Failure::new(exit::UNREACHABLE, format!("nobody answers at {}", self.url));
        failure.with_help("start it with `countersign serve`, or name it with `--url URL`").into()
    }

    /// Every item of a list, in the API's order; at most `limit`.
    ///
    /// # Errors
    /// If the host cannot be reached or refuses.
    pub async fn list(&self, path: &str, filters: &[(&str, &str)], limit: usize) -> Result<Value> {
        let mut items: Vec<Value> = Vec::new();
        let mut cursor: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let mut query = format!("limit={}", limit.saturating_sub(items.len()).clamp(1, 200));
            let pairs = filters.iter().copied().chain(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            for (name, value) in pairs {
                query.push_str(&format!("&{name}={}", escaped(value)));
            }
            let mut page = self.get(&format!("{path}?{query}")).await?;
            if let Some(Value::Array(found)) = page.get_mut("items").map(Value::take) {
                items.extend(found);
            }
            cursor = page["next"].as_str().map(str::to_owned);
            if cursor.is_none() || limit <= items.len() {
                break;
            }
        }
        items.truncate(limit);
        Ok(json!({ "items": items }))
    }

    async fn ask(&self, ask: &Ask<'_>) -> Result<Answer> {
        for number in 1..=TRIES_MAX {
            if let Some(answer) = self.api.once(ask).await? {
                return if answer.status < 400 { Ok(answer) } else { Err(refused(&answer).into()) };
            }
            if number < TRIES_MAX {
                tokio::time::sleep(Duration::from_millis(AGAIN_MS)).await;
            }
        }
        Err(self.nobody())
    }
}

/// A body as the type that it should be.
///
/// # Errors
/// If the host answers in another shape, so is another version.
pub fn typed<T: DeserializeOwned>(body: &Value) -> Result<T> {
    T::deserialize(body)
        .context("the host answers in a shape that this program does not know; are both of one version?")
}

/// An idempotency key that nobody has used.
fn new_key() -> Result<String> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).context("the operating system gives no random bits")?;
    Ok(HEXLOWER.encode(&bits))
}

/// A value as a part of a query.
pub(crate) fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// What the host says is wrong.
fn refused(answer: &Answer) -> Failure {
    let text = |name: &str| answer.body[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let message = text("detail").or_else(|| text("title"));
    let places = answer.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let place = |place: &Value| {
        let part = |name: &str| place[name].as_str().unwrap_or_default().to_owned();
        format!("{}: expected {}, found {}", part("pointer"), part("expected"), part("found"))
    };
    Failure {
        code: text("code"),
        message: message.unwrap_or_else(|| format!("the host answers with status {}", answer.status)),
        places: places.iter().map(place).collect(),
        help: text("help"),
        exit: match answer.status {
            401 | 403 => exit::REFUSED,
            409 | 412 | 428 => exit::CONFLICT,
            408 | 429 | 503 | 504 | 507 => exit::TEMPORARY,
            500 => exit::BUG,
            _ => exit::NO,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_of_the_host_keeps_its_code_its_places_and_its_way_out() {
        let body = json!({
            "code": "CS-E0105", "title": "a token does not fit", "detail": "1 of the tokens does not fit",
            "help": "correct it",
            "errors": [{ "pointer": "/tokens/percent", "expected": "a percentage", "found": "`a lot`" }],
        });
        let failure = refused(&Answer { status: 422, etag: None, body, bytes: Bytes::new() });
        assert_eq!(failure.code.as_deref(), Some("CS-E0105"));
        assert_eq!(failure.places, ["/tokens/percent: expected a percentage, found `a lot`"]);
        assert_eq!((failure.help.as_deref(), failure.exit), (Some("correct it"), exit::NO));
    }

    #[test]
    fn a_host_is_asked_where_it_listens() {
        let check = |listens: &str, expected: &str| {
            assert_eq!(reached_at(listens.parse().expect("an address")), expected);
        };
        check("127.0.0.1:9000", "http://127.0.0.1:9000");
        check("0.0.0.0:9000", "http://127.0.0.1:9000");
        check("[::]:9000", "http://127.0.0.1:9000");
        check("[::1]:9000", "http://[::1]:9000");
    }

    #[test]
    fn the_status_decides_the_exit_code() {
        let check = |status: u16, expected: u8| {
            let answer = Answer { status, etag: None, body: Value::Null, bytes: Bytes::new() };
            assert_eq!(refused(&answer).exit, expected, "{status}");
        };
        check(403, exit::REFUSED);
        check(412, exit::CONFLICT);
        check(404, exit::NO);
        check(429, exit::TEMPORARY);
        check(500, exit::BUG);
        check(503, exit::TEMPORARY);
    }

    #[test]
    fn a_filter_cannot_become_another_parameter() {
        assert_eq!(escaped("me&state=done"), "me%26state%3Ddone");
        assert_eq!(escaped("ae-1"), "ae-1");
    }
}
