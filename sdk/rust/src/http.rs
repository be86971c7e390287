//! Requests to a named endpoint and their answers.
//!
//! A [`Draft`] is built up from [`Context`](crate::Context) and leaves in one of two ways:
//! [`Draft::read`] for what changes nothing, [`Draft::step`] for what does. The [`Answer`]
//! remembers which, because the same status means different things: a 503 to a read can be tried
//! again, a 503 to a step may hide a write that landed.

mod date;
mod encoding;

use crate::context::Host;
use crate::failure::Failure;
use encoding::form;

pub use encoding::path;

/// Most characters of a vendor's own words that a failure repeats.
const WORDS_CHARACTERS_MAX: usize = 200;

/// HTTP method. The manifest lists the ones that an endpoint may be called with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// `GET`
    Get,
    /// `HEAD`
    Head,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
}

impl Method {
    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// Body of an HTTP message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// No body.
    Empty,
    /// A body of valid UTF-8.
    Text(String),
    /// Any other body.
    Bytes(Vec<u8>),
}

/// Why a request is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// It changes nothing at the vendor.
    Read,
    /// It changes something, under this name.
    Step(String),
}

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Name of an endpoint in the manifest.
    pub endpoint: String,
    /// HTTP method.
    pub method: Method,
    /// Path below the endpoint's base, percent-encoded.
    pub path: String,
    /// Query parameters in order, not encoded.
    pub query: Vec<(String, String)>,
    /// Headers in order.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Body,
    /// Why the request is made.
    pub purpose: Purpose,
}

/// What came back, as the host hands it over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Header names in lower case, in order.
    pub headers: Vec<(String, String)>,
    /// Body, decompressed.
    pub body: Body,
}

/// A request that is being built.
#[must_use = "a draft leaves with `read` or `step`"]
pub struct Draft<'h> {
    host: &'h dyn Host,
    request: Request,
    fault: Option<Failure>,
}

impl std::fmt::Debug for Draft<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Draft({} {})", self.request.method.name(), self.request.path)
    }
}

impl<'h> Draft<'h> {
    pub(crate) fn new(host: &'h dyn Host, method: Method, endpoint: &str, path: String) -> Draft<'h> {
        let request = Request {
            endpoint: endpoint.to_owned(),
            method,
            path,
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::Empty,
            purpose: Purpose::Read,
        };
        Draft { host, request, fault: None }
    }

    /// Adds a query parameter; the host encodes it.
    pub fn query(mut self, name: impl Into<String>, value: impl ToString) -> Draft<'h> {
        self.request.query.push((name.into(), value.to_string()));
        self
    }

    /// Adds a header. The host refuses the names that are its own.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Draft<'h> {
        self.request.headers.push((name.into(), value.into()));
        self
    }

    /// Sets a form body.
    pub fn form(self, fields: &[(impl AsRef<str>, impl AsRef<str>)]) -> Draft<'h> {
        self.text("application/x-www-form-urlencoded", form(fields))
    }

    /// Sets a JSON body, with sorted keys, so that the same data is the same bytes.
    pub fn json(mut self, data: &impl serde::Serialize) -> Draft<'h> {
        match serde_json::to_value(data) {
            Ok(tree) => self.text("application/json", tree.to_string()),
            Err(error) => {
                self.fault = Some(Failure::from(error));
                self
            }
        }
    }

    /// Sets a body of text.
    pub fn text(mut self, content_type: &str, body: impl Into<String>) -> Draft<'h> {
        self.request.body = Body::Text(body.into());
        self.header("content-type", content_type)
    }

    /// Sets a body of bytes.
    pub fn bytes(mut self, content_type: &str, body: Vec<u8>) -> Draft<'h> {
        self.request.body = Body::Bytes(body);
        self.header("content-type", content_type)
    }

    /// Sends what changes nothing. Any status is an answer; [`Answer::ok`] asks for success.
    ///
    /// # Errors
    /// The host's own failure, passed on as it is.
    pub fn read(self) -> Result<Answer, Failure> {
        self.send(Purpose::Read)
    }

    /// Sends what changes something, under a name that is unique within the effect and the same
    /// in every attempt, such as `create-refund`.
    ///
    /// # Errors
    /// The host's own failure, passed on as it is.
    pub fn step(self, name: &str) -> Result<Answer, Failure> {
        self.send(Purpose::Step(name.to_owned()))
    }

    fn send(mut self, purpose: Purpose) -> Result<Answer, Failure> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        self.request.purpose = purpose.clone();
        let response = self.host.send(self.request)?;
        Ok(Answer { response, purpose })
    }
}

/// An answer of the target, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    response: Response,
    purpose: Purpose,
}

impl Answer {
    /// HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.response.status
    }

    /// Whether the status says success (2xx).
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.response.status)
    }

    /// Whether it answers a step.
    #[must_use]
    pub fn is_of_step(&self) -> bool {
        matches!(self.purpose, Purpose::Step(_))
    }

    /// The first header `name` (in small letters).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response
            .headers
            .iter()
            .find(|(header, _)| header.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The vendor's own id of the request, from the usual headers.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        ["request-id", "x-request-id", "x-correlation-id"].into_iter().find_map(|name| self.header(name))
    }

    /// The entity tag, as the vendor wrote it.
    #[must_use]
    pub fn etag(&self) -> Option<&str> {
        self.header("etag")
    }

    /// The body as text; empty for no body, replacement characters for what is not UTF-8.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.response.body {
            Body::Empty => String::new(),
            Body::Text(text) => text.clone(),
            Body::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        }
    }

    /// The body as typed JSON.
    ///
    /// # Errors
    /// A body of another shape is `transient` after a read and `uncertain` after a step: a proxy
    /// may have answered for the target.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Failure> {
        // One way in for all three, so that each type is compiled for one reader only.
        let bytes: &[u8] = match &self.response.body {
            Body::Empty => b"null",
            Body::Text(text) => text.as_bytes(),
            Body::Bytes(bytes) => bytes,
        };
        serde_json::from_slice(bytes).map_err(|error| self.unreadable(&error.to_string()))
    }

    /// The failure for an answer that cannot be understood although its status says success.
    #[must_use]
    pub fn unreadable(&self, why: &str) -> Failure {
        let code = "unreadable-answer";
        let message = format!("the target answered something else than expected: {why}");
        match self.purpose {
            Purpose::Read => Failure::transient(code, message),
            Purpose::Step(_) => Failure::uncertain(code, message),
        }
        .answered(self)
    }

    /// The answer itself if its status says success.
    ///
    /// # Errors
    /// [`Answer::failure`] with the status as the message.
    pub fn ok(self) -> Result<Answer, Failure> {
        if self.is_success() { Ok(self) } else { Err(self.failure("")) }
    }

    /// The usual failure for this status. `words` are the vendor's own, shortened; when empty,
    /// only the status is told.
    ///
    /// | status | read | step |
    /// |---|---|---|
    /// | 401, 403 | denied | denied |
    /// | 404, 410 | rejected `not-found` | rejected `not-found` |
    /// | 409, 412, 423 | conflict | conflict |
    /// | 425, 429 | transient | transient: such a request was not begun |
    /// | 408, 5xx | transient | uncertain: it may have landed |
    /// | 2xx, 3xx, others | transient | uncertain |
    /// | other 4xx | rejected | rejected |
    #[must_use]
    pub fn failure(&self, words: &str) -> Failure {
        let status = self.response.status;
        let message = match shortened(words) {
            words if words.is_empty() => format!("the target answered {status}"),
            words => format!("the target answered {status}: {words}"),
        };
        let failure = match status {
            401 | 403 => Failure::denied("not-permitted", message),
            404 | 410 => Failure::rejected("not-found", message),
            409 | 412 | 423 => Failure::conflict("moved", message),
            425 | 429 => Failure::transient("rate-limited", message).after_ms(self.retry_after_ms()),
            400..=499 if status != 408 => Failure::rejected(format!("http-{status}"), message),
            _ => {
                let code = if status >= 500 || status == 408 { "unavailable" } else { "unexpected-status" };
                match self.purpose {
                    Purpose::Read => Failure::transient(code, message).after_ms(self.retry_after_ms()),
                    Purpose::Step(_) => Failure::uncertain(code, message),
                }
            }
        };
        failure.answered(self)
    }

    /// How long the vendor asked us to wait, from `Retry-After` in either form. A date is
    /// counted from the answer's own `Date`, since a connector has no clock.
    #[must_use]
    pub fn retry_after_ms(&self) -> Option<u64> {
        let text = self.header("retry-after")?.trim();
        if let Ok(seconds) = text.parse::<u64>() {
            return seconds.checked_mul(1_000);
        }
        let (until, now) = (date::seconds(text)?, date::seconds(self.header("date")?)?);
        Some(until.saturating_sub(now).saturating_mul(1_000))
    }
}

/// A vendor's words on one line, of bounded length.
fn shortened(words: &str) -> String {
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(WORDS_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, purpose: Purpose, headers: &[(&str, &str)], body: &str) -> Answer {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Answer { response: Response { status, headers, body: Body::Text(body.to_owned()) }, purpose }
    }

    #[test]
    fn a_status_means_what_is_known_of_the_write() {
        let step = || Purpose::Step("create".to_owned());
        let rows = [
            (400, "rejected", "rejected"),
            (401, "denied", "denied"),
            (403, "denied", "denied"),
            (404, "rejected", "rejected"),
            (408, "transient", "uncertain"),
            (409, "conflict", "conflict"),
            (412, "conflict", "conflict"),
            (422, "rejected", "rejected"),
            (429, "transient", "transient"),
            (302, "transient", "uncertain"),
            (500, "transient", "uncertain"),
            (503, "transient", "uncertain"),
        ];
        for (status, read, written) in rows {
            assert_eq!(answer(status, Purpose::Read, &[], "").failure("").case(), read, "read {status}");
            assert_eq!(answer(status, step(), &[], "").failure("").case(), written, "step {status}");
        }
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let date = "Fri, 31 Dec 1999 23:59:59 GMT";
        let earlier = "Fri, 31 Dec 1999 23:59:29 GMT";
        let rows = [
            (vec![("retry-after", "7")], Some(7_000)),
            (vec![("retry-after", date), ("date", earlier)], Some(30_000)),
            (vec![("retry-after", date)], None),
            (vec![("retry-after", "soon")], None),
            (vec![], None),
        ];
        for (headers, expected) in rows {
            let found = answer(429, Purpose::Read, &headers, "").failure("");
            assert!(
                matches!(found, Failure::Transient { after_ms, .. } if after_ms == expected),
                "{headers:?}"
            );
        }
    }

    #[test]
    fn a_page_of_html_is_never_a_trap() {
        let page = "<html>bad gateway</html>";
        let read = answer(200, Purpose::Read, &[], page).json::<Vec<u8>>().expect_err("no JSON");
        let step = answer(200, Purpose::Step("s".into()), &[], page).json::<Vec<u8>>().expect_err("no JSON");
        assert_eq!((read.case(), step.case()), ("transient", "uncertain"));
    }

    #[test]
    fn a_failure_keeps_the_vendors_request_id_and_shortens_its_words() {
        let words = "long ".repeat(100);
        let failure = answer(400, Purpose::Read, &[("request-id", "req_1")], "").failure(&words);
        assert_eq!(failure.detail().vendor_request_id.as_deref(), Some("req_1"));
        assert!(failure.detail().message.chars().count() < 250);
    }
}
