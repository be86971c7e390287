//! What a script answers, and what a connector sent.

use crate::failure::Failure;
use crate::http::{Body, Method, Purpose, Request, Response};

/// One scripted answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply(pub(super) Outcome);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Answered(Response),
    /// The target got the request, and its answer was lost.
    Lost,
    /// Nothing left the host.
    NotSent,
}

impl Reply {
    /// An answer without body.
    #[must_use]
    pub fn status(status: u16) -> Reply {
        Reply(Outcome::Answered(Response { status, headers: Vec::new(), body: Body::Empty }))
    }

    /// An answer with JSON.
    #[must_use]
    pub fn json(status: u16, body: &serde_json::Value) -> Reply {
        Reply::text(status, body.to_string()).header("content-type", "application/json")
    }

    /// An answer with text.
    #[must_use]
    pub fn text(status: u16, body: impl Into<String>) -> Reply {
        Reply(Outcome::Answered(Response { status, headers: Vec::new(), body: Body::Text(body.into()) }))
    }

    /// The target gets the request, does what it does, and nobody hears of it.
    #[must_use]
    pub fn lost() -> Reply {
        Reply(Outcome::Lost)
    }

    /// The request does not leave the host.
    #[must_use]
    pub fn not_sent() -> Reply {
        Reply(Outcome::NotSent)
    }

    /// Adds a header to an answer.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Reply {
        if let Outcome::Answered(response) = &mut self.0 {
            response.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// The reply as the host hands it to a connector.
    pub(super) fn into_result(self, purpose: &Purpose) -> Result<Response, Failure> {
        match (self.0, purpose) {
            (Outcome::Answered(response), _) => Ok(response),
            (Outcome::Lost, Purpose::Step(_)) => {
                Err(Failure::uncertain("no-answer", "the step was sent and not answered"))
            }
            (Outcome::Lost, Purpose::Read) => {
                Err(Failure::transient("no-answer", "the request was sent and not answered"))
            }
            (Outcome::NotSent, _) => Err(Failure::transient("unreachable", "nothing left the host")),
        }
    }
}

/// One request that reached the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The request.
    pub request: Request,
    /// The effect under way, for a step.
    pub effect_id: Option<String>,
}

impl Sent {
    /// Name of the step; `None` for a read.
    #[must_use]
    pub fn step(&self) -> Option<&str> {
        match &self.request.purpose {
            Purpose::Step(name) => Some(name),
            Purpose::Read => None,
        }
    }

    /// A stand-in for the idempotency key that the host would add: the same for the same step of
    /// the same effect.
    #[must_use]
    pub fn key(&self) -> Option<String> {
        Some(format!("{}/{}", self.effect_id.as_deref()?, self.step()?))
    }

    /// Method and path, such as `GET /orders/7`.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{} {}", self.request.method.name(), self.request.path)
    }

    /// The first query parameter `name`.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        first(&self.request.query, name)
    }

    /// The first header `name`, in any case of letters.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.request.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.request.body {
            Body::Empty => String::new(),
            Body::Text(text) => text.clone(),
            Body::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        }
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text())
            .unwrap_or_else(|error| panic!("{} sent no JSON: {error}", self.line()))
    }

    /// The fields of a form body, decoded, in order.
    #[must_use]
    pub fn form(&self) -> Vec<(String, String)> {
        let text = self.text();
        text.split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decoded(name), decoded(value))
            })
            .collect()
    }

    /// The first field `name` of a form body.
    #[must_use]
    pub fn form_value(&self, name: &str) -> Option<String> {
        self.form().into_iter().find(|(field, _)| field == name).map(|(_, value)| value)
    }
}

/// Whether `path` is `pattern`, where a `*` at the end stands for any rest and a `*` between
/// slashes for one segment.
pub(super) fn path_matches(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut found) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), found.next()) {
            (Some("*"), Some(_)) if wanted.clone().next().is_none() => return true,
            (Some("*"), Some(segment)) if !segment.is_empty() => {}
            (Some(want), Some(segment)) if want == segment => {}
            (None, None) => return true,
            _ => return false,
        }
    }
}

/// The name of a method in the manifest, as the enum.
pub(super) fn method_named(name: &str) -> Option<Method> {
    [Method::Get, Method::Head, Method::Post, Method::Put, Method::Patch, Method::Delete]
        .into_iter()
        .find(|method| method.name() == name)
}

fn first<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        match (byte, escaped.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(value)) => {
                out.push(value);
                at += 3;
            }
            (b'+', _) => {
                out.push(b' ');
                at += 1;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_a_rest_or_for_one_segment() {
        let rows = [
            ("/v1/*", "/v1/charges/ch_1", true),
            ("/v1/*", "/v1/", true),
            ("/v1/*", "/v1", false),
            ("/v1/*/query", "/v1/sales/query", true),
            ("/v1/*/query", "/v1/sales/other/query", false),
            ("/v1/charges", "/v1/charges", true),
            ("/v1/charges", "/v1/charges/ch_1", false),
            ("/*", "/anything", true),
        ];
        for (pattern, path, expected) in rows {
            assert_eq!(path_matches(pattern, path), expected, "{pattern} and {path}");
        }
    }

    #[test]
    fn a_form_is_read_back_as_it_was_meant() {
        assert_eq!(decoded("a+b%3D%C3%A9%zz"), "a b=é%zz");
    }
}
