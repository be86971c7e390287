//! Bodies: bytes within a limit, one JSON value, one object whose every member is known.

use super::header;
use super::query::Query;
use crate::door::Caller;
use crate::limits::{BODY_MS_MAX, COMPONENT_BYTES_MAX, COMPONENT_MS_MAX, WORDS_CHARACTERS_MAX};
use crate::problem::{Flaw, Problem};
use crate::state::Host;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, Uri, header as names};
use countersign_core::exchange::Format;
use countersign_core::hash::Digest;
use countersign_core::intent::Raw;
use countersign_core::intent::kind::refused_character;
use countersign_engine::engine::Key;
use countersign_engine::port::catalogue::Evidence;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// A request that asks for a change: who, under which key, with which words. Its body has at most
/// `BYTES_MAX` bytes; an empty one is an object without members.
#[derive(Debug)]
pub(crate) struct Posted<const BYTES_MAX: usize> {
    pub(crate) caller: Caller,
    pub(crate) key: Key,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Raw,
}

impl<S: Send + Sync, const BYTES_MAX: usize> FromRequest<S> for Posted<BYTES_MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        // INVARIANT: a route that changes something has a scope, so `sign_in` named the caller.
        let caller = parts.extensions.get::<Caller>().cloned().ok_or_else(Problem::bug)?;
        Query::of(&parts.uri, &[])?.checked()?;
        let key = header::idempotency_key(&parts.headers)?;
        let bytes = read(&parts.headers, body, BYTES_MAX).await?;
        let path = parts.uri.path();
        let key = Key {
            key: format!("{}/{key}", caller.person),
            fingerprint: Digest::of_parts(&[parts.method.as_str().as_bytes(), path.as_bytes(), &bytes]),
        };
        let body = parsed(&parts.headers, &bytes)?;
        Ok(Posted { caller, key, headers: parts.headers, body })
    }
}

/// A question that needs a body: it changes nothing, so it needs no key. Its body has at most
/// `BYTES_MAX` bytes; an empty one is an object without members.
#[derive(Debug)]
pub(crate) struct Question<const BYTES_MAX: usize>(pub(crate) Raw);

impl<S: Send + Sync, const BYTES_MAX: usize> FromRequest<S> for Question<BYTES_MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        Query::of(&parts.uri, &[])?.checked()?;
        let bytes = read(&parts.headers, body, BYTES_MAX).await?;
        Ok(Question(parsed(&parts.headers, &bytes)?))
    }
}

/// A component that is added: who, under which key. One at a time: it is held in memory, and compiled.
#[derive(Debug)]
pub(crate) struct Component {
    pub(crate) caller: Caller,
    pub(crate) key: Key,
    pub(crate) uri: Uri,
    pub(crate) bytes: Bytes,
    pub(crate) evidence: Evidence,
    /// Held until it is on record.
    pub(crate) place: OwnedSemaphorePermit,
}

/// The media type of a component.
const WASM: &str = "application/wasm";

impl FromRequest<Host> for Component {
    type Rejection = Problem;

    async fn from_request(request: Request, host: &Host) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        // INVARIANT: a route that changes something has a scope, so `sign_in` named the caller.
        let caller = parts.extensions.get::<Caller>().cloned().ok_or_else(Problem::bug)?;
        let key = header::idempotency_key(&parts.headers)?;
        let wasm = media(&parts.headers, |kind| kind.eq_ignore_ascii_case(WASM).then_some(()));
        wasm.map_err(|found| {
            Problem::new("CS-E0204", found, format!("send `Content-Type: {WASM}` and no `Content-Encoding`"))
        })?;
        let evidence = header::evidence(&parts.headers)?;
        let place = Arc::clone(&host.components).try_acquire_owned().map_err(|_| {
            let help = "wait until it has ended and send this again";
            Problem::new("CS-E0217", "another component is being added", help).later()
        })?;
        let limits = (COMPONENT_BYTES_MAX, COMPONENT_MS_MAX);
        let bytes = read_within(&parts.headers, body, limits).await?;
        let asked = parts.uri.path_and_query().map(|asked| asked.as_str()).unwrap_or_default();
        let key = Key {
            key: format!("{}/{key}", caller.person),
            fingerprint: Digest::of_parts(&[
                parts.method.as_str().as_bytes(),
                asked.as_bytes(),
                &bytes,
                evidence.signature.as_deref().unwrap_or_default(),
                evidence.conformance.as_deref().unwrap_or_default(),
            ]),
        };
        Ok(Component { caller, key, uri: parts.uri, bytes, evidence, place })
    }
}

/// A file that is looked at: it changes nothing, so it needs no key. It has at most `BYTES_MAX` bytes.
#[derive(Debug)]
pub(crate) struct Upload<const BYTES_MAX: usize> {
    pub(crate) format: Format,
    pub(crate) bytes: Bytes,
}

impl<S: Send + Sync, const BYTES_MAX: usize> FromRequest<S> for Upload<BYTES_MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let format = media(&parts.headers, |kind| {
            Format::ALL.into_iter().find(|format| media_type(*format).eq_ignore_ascii_case(kind))
        });
        let kinds = Format::ALL.map(|format| format!("`{}` ({format})", media_type(format)));
        let format = format.map_err(|found| {
            let help = format!("send `Content-Type` {}, and no `Content-Encoding`", kinds.join(" or "));
            Problem::new("CS-E0204", found, help)
        })?;
        let bytes = read(&parts.headers, body, BYTES_MAX).await?;
        Ok(Upload { format, bytes })
    }
}

/// The media type of the files of a format.
pub(crate) fn media_type(format: Format) -> &'static str {
    match format {
        Format::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        Format::Csv => "text/csv",
        Format::Dmn => "application/xml",
        Format::Json => "application/json",
    }
}

/// The bytes of a body, within a limit and a time.
pub(crate) async fn read(headers: &HeaderMap, body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    read_within(headers, body, (bytes_max, BODY_MS_MAX)).await
}

async fn read_within(
    headers: &HeaderMap,
    body: Body,
    (bytes_max, ms_max): (usize, u64),
) -> Result<Bytes, Problem> {
    let too_large = || {
        let detail = format!("the body is larger than {bytes_max} bytes");
        Problem::new("CS-E0202", detail, "send less")
    };
    // A sender that announces too much is told before it sends.
    let announced =
        headers.get(names::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|announced| bytes_max < announced) {
        return Err(too_large());
    }
    let collected = Limited::new(body, bytes_max).collect();
    match tokio::time::timeout(Duration::from_millis(ms_max), collected).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(fault)) if fault.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Problem::new("CS-E0201", "the body ended too early", "send the whole body")),
        Err(_) => {
            let detail = format!("the body was not complete within {ms_max} ms");
            Err(Problem::new("CS-E0218", detail, "send it again with the same idempotency key"))
        }
    }
}

fn parsed(headers: &HeaderMap, bytes: &[u8]) -> Result<Raw, Problem> {
    if bytes.is_empty() {
        return Ok(Raw::Map(Vec::new()));
    }
    plain_json(headers)?;
    serde_json::from_slice(bytes).map_err(|fault| {
        let (line, column) = (fault.line(), fault.column());
        let whole = fault.to_string();
        let what = whole.rsplit_once(" at line ").map_or(whole.as_str(), |(what, _)| what);
        let detail = format!("the body is no JSON at {line}:{column}: {what}");
        Problem::new("CS-E0201", detail, "correct the body at the named line and column")
    })
}

/// Whether the body says that it is JSON, and nothing else.
fn plain_json(headers: &HeaderMap) -> Result<(), Problem> {
    let json = media(headers, |kind| kind.eq_ignore_ascii_case("application/json").then_some(()));
    let help = "send `Content-Type: application/json` and no `Content-Encoding`";
    json.map_err(|found| Problem::new("CS-E0204", found, help))
}

/// Whether the body says that it is JSON as identity providers send it.
pub(crate) fn scim_json(headers: &HeaderMap) -> Result<(), Problem> {
    let kinds = ["application/scim+json", "application/json"];
    let json =
        media(headers, |kind| kinds.iter().any(|known| kind.eq_ignore_ascii_case(known)).then_some(()));
    let help = "send `Content-Type: application/scim+json` and no `Content-Encoding`";
    json.map_err(|found| Problem::new("CS-E0204", found, help))
}

/// What `known` makes of the media type of a body that is not encoded and, as a text, UTF-8.
///
/// # Errors
/// What the body is instead.
fn media<T>(headers: &HeaderMap, known: impl FnOnce(&str) -> Option<T>) -> Result<T, String> {
    let mut all = headers.get_all(names::CONTENT_TYPE).iter();
    let text = all.next().map(|value| value.to_str().unwrap_or_default()).unwrap_or_default();
    let mut parts = text.split(';').map(str::trim);
    let found = parts.next().and_then(known);
    let utf8 = parts.all(|part| {
        part.eq_ignore_ascii_case("charset=utf-8") || part.eq_ignore_ascii_case("charset=\"utf-8\"")
    });
    let encoded = headers.contains_key(names::CONTENT_ENCODING);
    match found {
        Some(found) if utf8 && !encoded && all.next().is_none() => Ok(found),
        Some(_) | None if encoded => Err("the body is encoded".to_owned()),
        Some(_) | None => {
            let shown: String = text.chars().take(60).flat_map(char::escape_debug).collect();
            Err(format!("the body is `{shown}`"))
        }
    }
}

/// The members of the one object that a body is, and what is wrong with them so far.
#[derive(Debug)]
pub(crate) struct Members {
    members: Vec<(String, Raw)>,
    flaws: Vec<Flaw>,
    /// Where the object stands in the body: a JSON Pointer, empty for the body itself.
    place: String,
}

impl Members {
    /// The members of a body; each must be one of `known`, and stand once.
    pub(crate) fn of(body: Raw, known: &[&str]) -> Members {
        let mut flaws = Vec::new();
        let members = match body {
            Raw::Map(members) => members,
            other => {
                flaws.push(Flaw::new("", "an object", other.found()));
                Vec::new()
            }
        };
        for (index, (name, _)) in members.iter().enumerate() {
            let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
            if !known.contains(&name.as_str()) {
                let expected = match known {
                    [] => "an empty object".to_owned(),
                    known => format!("one of {}", known.join(", ")),
                };
                flaws.push(Flaw::new(pointer, expected, "an unknown member"));
            } else if members.iter().take(index).any(|(other, _)| other == name) {
                flaws.push(Flaw::new(pointer, "each member once", "the member a second time"));
            }
        }
        Members { members, flaws, place: String::new() }
    }

    /// The same members, of an object that stands there in the body.
    pub(crate) fn below(mut self, place: &str) -> Members {
        for flaw in &mut self.flaws {
            flaw.pointer.insert_str(0, place);
        }
        self.place = place.to_owned();
        self
    }

    /// Whether nothing is wrong with them so far.
    pub(crate) fn are_sound(&self) -> bool {
        self.flaws.is_empty()
    }

    /// Notes what is wrong with an object inside.
    pub(crate) fn take_flaws(&mut self, inside: Members) {
        self.flaws.extend(inside.flaws);
    }

    /// Takes a member out as it was sent.
    pub(crate) fn take(&mut self, name: &str) -> Option<Raw> {
        let place = self.members.iter().position(|(other, _)| other == name)?;
        Some(self.members.remove(place).1)
    }

    /// Takes out a member that must be there, read by `read`.
    pub(crate) fn required<T>(
        &mut self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        match self.take(name) {
            None => {
                self.flaw(Flaw::new(format!("{}/{name}", self.place), expected, "nothing"));
                None
            }
            Some(raw) => self.typed(name, expected, &raw, read),
        }
    }

    /// Takes out a member that may be there, read by `read`.
    pub(crate) fn optional<T>(
        &mut self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let raw = self.take(name)?;
        self.typed(name, expected, &raw, read)
    }

    /// Takes out a person's words; none if they said nothing.
    pub(crate) fn words(&mut self, name: &str) -> String {
        let expected = format!("text of at most {WORDS_CHARACTERS_MAX} characters, none of them hidden");
        self.optional(name, &expected, readable).unwrap_or_default()
    }

    /// Takes out a person's words that must be there.
    pub(crate) fn reason(&mut self) -> Option<String> {
        let expected = format!("why, in 1 to {WORDS_CHARACTERS_MAX} characters, none of them hidden");
        let said = |text: &str| readable(text).filter(|text| !text.is_empty());
        self.required("reason", &expected, said)
    }

    /// Notes a flaw.
    pub(crate) fn flaw(&mut self, flaw: Flaw) {
        self.flaws.push(flaw);
    }

    /// The problem with every flaw so far, if there is one.
    pub(crate) fn flawed(&mut self) -> Option<Problem> {
        if self.flaws.is_empty() {
            return None;
        }
        let help = "correct every listed place and send it again; nothing was stored";
        let flaws = std::mem::take(&mut self.flaws);
        Some(Problem::new("CS-E0203", "the body does not fit", help).with_errors(flaws))
    }

    /// Says every flaw at once, if there is one.
    pub(crate) fn checked(mut self) -> Result<(), Problem> {
        self.flawed().map_or(Ok(()), Err)
    }

    fn typed<T>(
        &mut self,
        name: &str,
        expected: &str,
        raw: &Raw,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = match raw {
            Raw::Text(text) => read(text),
            Raw::Null
            | Raw::Bool(_)
            | Raw::Integer(_)
            | Raw::Float
            | Raw::TooLarge
            | Raw::List(_)
            | Raw::Map(_) => None,
        };
        if value.is_none() {
            self.flaw(Flaw::new(format!("{}/{name}", self.place), expected, raw.found()));
        }
        value
    }
}

/// What a person wrote, without the space around it; `None` if it is too long or holds what nobody sees.
pub(crate) fn readable(text: &str) -> Option<String> {
    let most = i64::try_from(WORDS_CHARACTERS_MAX).unwrap_or(i64::MAX);
    let fits = text.chars().count() <= WORDS_CHARACTERS_MAX && refused_character(text, most).is_none();
    fits.then(|| text.trim().to_owned())
}
