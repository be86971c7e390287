//! A client of the host's HTTP API: what anybody could write from the API's description.

use anyhow::{Context, Result, bail};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

/// Largest page that the API gives.
const PAGE: usize = 200;
/// How long one request may take.
const REQUEST_MS: u64 = 10_000;
/// Wait between two tries while the host is away.
const AWAY_MS: u64 = 50;
/// How often a request is tried while the host is away: half a minute.
const TRIES_MAX: u32 = 600;

/// An answer of the API.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The revision that it shows, for `If-Match`.
    pub etag: Option<String>,
    /// The body; null if there is none.
    pub body: Value,
    /// The body as it came.
    pub bytes: Bytes,
}

impl Answer {
    /// What the host says is wrong, on one line.
    #[must_use]
    pub fn problem(&self) -> String {
        let text = |name: &str| self.body[name].as_str().unwrap_or_default().to_owned();
        format!("{} {} {} {}", self.status, text("code"), text("title"), text("detail"))
    }
}

/// One line of a list of intents.
#[derive(Debug, Clone, Deserialize)]
pub struct Line {
    /// The intent.
    pub id: String,
    /// Where it stands.
    pub state: String,
}

/// The API of one host, for one person at a time.
#[derive(Debug, Clone)]
pub struct Api {
    base: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// One request.
#[derive(Debug)]
pub struct Ask<'a> {
    /// The method.
    pub method: &'static str,
    /// Path and query.
    pub path: &'a str,
    /// Whose token.
    pub token: &'a str,
    /// The idempotency key of a write.
    pub key: Option<&'a str>,
    /// The revision that the write is about.
    pub revision: Option<&'a str>,
    /// The body of a write.
    pub body: Option<Sent<'a>>,
}

/// A body as a value; what is no JSON is text.
fn body_of(bytes: &[u8]) -> Value {
    let text = || if bytes.is_empty() { Value::Null } else { String::from_utf8_lossy(bytes).into() };
    serde_json::from_slice(bytes).unwrap_or_else(|_| text())
}

/// What a request carries.
#[derive(Debug)]
pub enum Sent<'a> {
    /// A JSON value.
    Json(&'a Value),
    /// A WebAssembly component.
    Component {
        /// Its bytes.
        bytes: &'a Bytes,
        /// Its signature, in base 64.
        signature: Option<&'a str>,
        /// Its conformance report, in base 64.
        conformance: Option<&'a str>,
    },
}

impl<'a> Ask<'a> {
    /// A read.
    #[must_use]
    pub fn get(path: &'a str, token: &'a str) -> Ask<'a> {
        Ask { method: "GET", path, token, key: None, revision: None, body: None }
    }
}

impl Api {
    /// The API at `http://HOST:PORT`.
    #[must_use]
    pub fn at(base: String) -> Api {
        Api { base, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// Asks once. `None` if the host is not there or goes away before it has answered.
    ///
    /// # Errors
    /// If the request cannot be written.
    pub async fn once(&self, ask: &Ask<'_>) -> Result<Option<Answer>> {
        self.once_within(ask, REQUEST_MS).await
    }

    /// The same with another patience, in milliseconds.
    ///
    /// # Errors
    /// If the request cannot be written.
    pub async fn once_within(&self, ask: &Ask<'_>, within_ms: u64) -> Result<Option<Answer>> {
        let mut request = Request::builder()
            .method(ask.method)
            .uri(format!("{}{}", self.base, ask.path))
            .header("authorization", format!("Bearer {}", ask.token))
            .header("accept", "application/json");
        if let Some(key) = ask.key {
            request = request.header("idempotency-key", key);
        }
        if let Some(revision) = ask.revision {
            request = request.header("if-match", revision);
        }
        let body = match ask.body {
            Some(Sent::Json(body)) => {
                request = request.header("content-type", "application/json");
                Bytes::from(body.to_string())
            }
            Some(Sent::Component { bytes, signature, conformance }) => {
                request = request.header("content-type", "application/wasm");
                if let Some(signature) = signature {
                    request = request.header("countersign-signature", signature);
                }
                if let Some(conformance) = conformance {
                    request = request.header("countersign-conformance", conformance);
                }
                (*bytes).clone()
            }
            None => Bytes::new(),
        };
        let request = request.body(Full::new(body)).context("the request cannot be written")?;
        let answered = async {
            let response = self.client.request(request).await.ok()?;
            let status = response.status().as_u16();
            let etag = response.headers().get("etag").and_then(|tag| tag.to_str().ok()).map(str::to_owned);
            let body = response.into_body().collect().await.ok()?.to_bytes();
            Some(Answer { status, etag, body: body_of(&body), bytes: body })
        };
        Ok(tokio::time::timeout(Duration::from_millis(within_ms), answered).await.ok().flatten())
    }

    /// Asks until the host answers for certain: the same request with the same key, as a careful
    /// client does.
    ///
    /// # Errors
    /// If the host stays away.
    pub async fn ask(&self, ask: &Ask<'_>) -> Result<Answer> {
        for _ in 0..TRIES_MAX {
            match self.once(ask).await? {
                Some(answer) if !matches!(answer.status, 429 | 503) => return Ok(answer),
                Some(_) | None => tokio::time::sleep(Duration::from_millis(AWAY_MS)).await,
            }
        }
        bail!("the host at {} does not answer {} {}", self.base, ask.method, ask.path)
    }

    /// All lines of the list that `filter` (such as `state=seated`) leaves.
    ///
    /// # Errors
    /// If the host stays away or refuses.
    pub async fn list(&self, token: &str, filter: &str) -> Result<Vec<Line>> {
        let mut lines: Vec<Line> = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/v1/intents?limit={PAGE}{filter}{cursor}");
            let answer = self.ask(&Ask::get(&path, token)).await?;
            if answer.status != 200 {
                bail!("the host does not list intents: {}", answer.problem());
            }
            let page: Vec<Line> = serde_json::from_value(answer.body["items"].clone())
                .context("the host lists intents in a shape that this client does not know")?;
            lines.extend(page);
            match answer.body["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(lines),
            }
        }
    }
}
