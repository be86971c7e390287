//! OAuth 2.0 client credentials (RFC 6749 §4.4): the host has itself given a token, keeps it until shortly before
//! its end, and adds it to requests. The connector sees neither the client's secret nor the token.
//!
//! One request for a token at a time and connection: whoever comes meanwhile waits for its answer.

use super::client::{Lost, Resolve, Whole};
use super::line::Line;
use super::{NoWay, denied, destination, transient};
use crate::egress::address::Cidr;
use crate::lock::locked;
use bytes::Bytes;
use countersign_core::effect::attempt::Failure;
use data_encoding::BASE64;
use http::{HeaderValue, Method, Request, header};
use http_body_util::Full;
use serde::Deserialize;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::Instant;
use url::{Url, form_urlencoded};

/// How long a token is used whose end the provider does not tell, in milliseconds.
const LIFETIME_MS_DEFAULT: u64 = 300_000;
/// How long one is used at most, in milliseconds.
const LIFETIME_MS_MAX: u64 = 24 * 60 * 60 * 1_000;
/// How long before its end it is not used any more, in milliseconds; of a short life, a tenth.
const MARGIN_MS: u64 = 30_000;
/// How long it is believed that no token is given, in milliseconds.
const REFUSED_MS: u64 = 1_000;
/// Longest token, in bytes: what a header can bear.
const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// Characters of the provider's words that a message repeats.
const WORDS_CHARS_MAX: usize = 200;

/// How the client proves itself where tokens are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientProof {
    /// `Authorization: Basic`, which every provider must take.
    #[default]
    Basic,
    /// In the body, for those that take nothing else.
    Body,
}

/// The tokens of one endpoint of one connection.
pub(crate) struct Tokens {
    url: Url,
    client: String,
    secret: String,
    proof: ClientProof,
    scopes: Vec<String>,
    kept: tokio::sync::Mutex<Option<Kept>>,
    /// What must not come back to the guest: the secret, and every token that is or was in use.
    hidden: Mutex<Vec<Vec<u8>>>,
}

/// The last answer: a token, or why there is none, and until when that is believed.
struct Kept {
    given: Result<Token, Failure>,
    until: Instant,
}

/// A token, as the header that it goes into.
#[derive(Clone)]
pub(crate) struct Token(pub(crate) HeaderValue);

/// The way to where tokens are given.
#[derive(Clone, Copy)]
pub(crate) struct Way<'w> {
    pub(crate) line: &'w Line,
    pub(crate) resolver: &'w dyn Resolve,
    pub(crate) allow: &'w [Cidr],
}

/// What a provider answers, well or not (RFC 6749 §5).
#[derive(Deserialize, Default)]
struct Said {
    access_token: Option<String>,
    token_type: Option<String>,
    expires_in: Option<u64>,
    error: Option<String>,
    error_description: Option<String>,
}

impl Tokens {
    /// Tokens from `url` for the client in `secret`, which is `client:secret`.
    pub(crate) fn new(
        url: Url,
        secret: &str,
        proof: ClientProof,
        scopes: &[String],
    ) -> Result<Tokens, String> {
        let Some((client, secret)) =
            secret.split_once(':').filter(|(client, secret)| !client.is_empty() && !secret.is_empty())
        else {
            return Err("needs a secret of the form `client:secret`".to_owned());
        };
        Ok(Tokens {
            url,
            client: client.to_owned(),
            secret: secret.to_owned(),
            proof,
            scopes: scopes.to_vec(),
            kept: tokio::sync::Mutex::new(None),
            hidden: Mutex::new(vec![secret.as_bytes().to_vec()]),
        })
    }

    /// What must not come back to the guest.
    pub(crate) fn hidden(&self) -> Vec<Vec<u8>> {
        locked(&self.hidden).clone()
    }

    /// The token in use, or a new one. `spent` is one that was refused: it is not given again.
    ///
    /// If the call ends in here, nothing of it is kept, and the next one asks anew.
    pub(crate) async fn token(&self, way: Way<'_>, spent: Option<&Token>) -> Result<Token, Failure> {
        let mut kept = self.kept.lock().await;
        if let Some(Kept { given, until }) = kept.as_ref()
            && Instant::now() < *until
        {
            let is_spent = matches!((given, spent), (Ok(Token(now)), Some(Token(spent))) if now == spent);
            if !is_spent {
                return given.clone();
            }
        }
        let (given, life) = match self.asked(way).await {
            Ok((token, life)) => (Ok(token), life),
            Err(failure) => (Err(failure), Duration::from_millis(REFUSED_MS)),
        };
        *kept = Some(Kept { given: given.clone(), until: Instant::now() + life });
        given
    }

    async fn asked(&self, way: Way<'_>) -> Result<(Token, Duration), Failure> {
        let to =
            destination(&self.url, way.resolver, way.allow, "connection").await.map_err(|no| match no {
                NoWay::Malformed(what) => denied("no-token", format!("where tokens are given: {what}")),
                NoWay::NotFound(what) => {
                    transient("no-token", format!("where tokens are given: {what}"), None)
                }
                NoWay::Forbidden(what) => denied("no-token", format!("where tokens are given: {what}")),
            })?;
        let lost = |why: String| transient("no-token", format!("no token could be had: {why}"), None);
        let open = way.line.pool.open(&to).await.map_err(lost)?;
        let message = self.message(&to.host)?;
        let whole = way.line.pool.send(&to, open, message).await.map_err(|how| match how {
            Lost::NotSent(why) | Lost::Unanswered(why) | Lost::Unusable { why, .. } => lost(why),
        })?;
        self.given(&whole)
    }

    fn message(&self, host: &str) -> Result<Request<Full<Bytes>>, Failure> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        if !self.scopes.is_empty() {
            form.append_pair("scope", &self.scopes.join(" "));
        }
        if self.proof == ClientProof::Body {
            form.append_pair("client_id", &self.client).append_pair("client_secret", &self.secret);
        }
        let host = match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(self.url.path())
            .header(header::HOST, host)
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if self.proof == ClientProof::Basic {
            // §2.3.1: both are form-encoded before they are joined.
            let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pair = format!("{}:{}", encoded(&self.client), encoded(&self.secret));
            request =
                request.header(header::AUTHORIZATION, format!("Basic {}", BASE64.encode(pair.as_bytes())));
        }
        let body = Full::new(Bytes::from(form.finish()));
        request.body(body).map_err(|error| denied("no-token", error.to_string()))
    }

    fn given(&self, whole: &Whole) -> Result<(Token, Duration), Failure> {
        let status = whole.status;
        // A page of a proxy leaves the status to speak.
        let said: Said = serde_json::from_slice(&whole.body).unwrap_or_default();
        if !(200..300).contains(&status) {
            let words = [said.error, said.error_description];
            let words = words.into_iter().flatten().collect::<Vec<_>>().join(": ");
            let words: String =
                words.replace(&self.secret, "[secret]").chars().take(WORDS_CHARS_MAX).collect();
            let what = format!("no token was given ({status}): {words}");
            return Err(match status {
                408 | 425 | 429 | 500.. => transient("no-token", what, None),
                _ => denied("no-token", what),
            });
        }
        let odd = |what: &str| Err(transient("no-token", format!("no token was given: {what}"), None));
        let Some(token) =
            said.access_token.filter(|token| !token.is_empty() && token.len() <= TOKEN_BYTES_MAX)
        else {
            return odd("the answer holds none");
        };
        if said.token_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
            return odd("it is none that goes into `Authorization: Bearer`");
        }
        let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {token}")) else {
            return odd("it has characters that no header can carry");
        };
        value.set_sensitive(true);
        let life = said.expires_in.map_or(LIFETIME_MS_DEFAULT, |seconds| seconds.saturating_mul(1_000));
        let life = life.min(LIFETIME_MS_MAX);
        let margin = MARGIN_MS.min(life / 10);
        let mut hidden = locked(&self.hidden);
        // The secret, the token before this one, which a late answer may hold, and this one.
        if 2 < hidden.len() {
            hidden.remove(1);
        }
        hidden.push(token.into_bytes());
        Ok((Token(value), Duration::from_millis(life - margin)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(proof: ClientProof) -> Tokens {
        let url = Url::parse("https://id.example.com/token").expect("an address");
        Tokens::new(url, "app:s:cret/ü", proof, &["orders".to_owned(), "read".to_owned()]).expect("a client")
    }

    fn answer(status: u16, body: &str) -> Whole {
        Whole { status, headers: http::HeaderMap::new(), body: body.as_bytes().to_vec() }
    }

    #[test]
    fn a_client_proves_itself_as_the_provider_wants() {
        let basic = tokens(ClientProof::Basic).message("id.example.com").expect("a request");
        let expected = format!("Basic {}", BASE64.encode(b"app:s%3Acret%2F%C3%BC"));
        assert_eq!(basic.headers()["authorization"], expected.as_str());
        let body = tokens(ClientProof::Body).message("id.example.com").expect("a request");
        assert!(body.headers().get("authorization").is_none());
        assert_eq!(body.uri(), "/token");
        for bad in ["", "app", "app:", ":secret"] {
            let url = Url::parse("https://id.example.com/token").expect("an address");
            assert!(Tokens::new(url, bad, ClientProof::Basic, &[]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_lives_as_long_as_its_provider_says_and_a_little_less() {
        let check = |said: &str, seconds: u64| {
            let tokens = tokens(ClientProof::Basic);
            let (token, life) = tokens.given(&answer(200, said)).unwrap_or_else(|why| panic!("{why:?}"));
            assert_eq!((token.0.to_str().ok(), life.as_secs()), (Some("Bearer t-123456"), seconds), "{said}");
            assert_eq!(tokens.hide_all(b"t-123456 s:cret/\xc3\xbc"), b"[] []");
        };
        check(r#"{"access_token": "t-123456", "token_type": "Bearer", "expires_in": 3600}"#, 3_570);
        check(r#"{"access_token": "t-123456", "expires_in": 100}"#, 90);
        check(r#"{"access_token": "t-123456"}"#, 270);
        check(r#"{"access_token": "t-123456", "expires_in": 99999999999}"#, 86_370);
    }

    #[test]
    fn what_is_no_token_says_so_without_the_secret() {
        let check = |status: u16, body: &str, case: &str, words: &str| {
            let failure = tokens(ClientProof::Basic).given(&answer(status, body)).err().expect("no token");
            assert_eq!(failure.case(), case, "{body}");
            assert!(failure.detail().message.contains(words), "{failure:?}");
            assert!(!failure.detail().message.contains("s:cret"), "{failure:?}");
        };
        check(
            401,
            r#"{"error": "invalid_client", "error_description": "s:cret/ü is wrong"}"#,
            "denied",
            "invalid_client",
        );
        check(400, "<html>", "denied", "(400)");
        check(503, "", "transient", "(503)");
        check(429, "{}", "transient", "(429)");
        check(200, "{}", "transient", "holds none");
        check(200, r#"{"access_token": "x", "token_type": "mac"}"#, "transient", "`Authorization: Bearer`");
        check(200, r#"{"access_token": "a\nb"}"#, "transient", "no header can carry");
    }

    impl Tokens {
        fn hide_all(&self, bytes: &[u8]) -> Vec<u8> {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let hidden = self.hidden().into_iter();
            let forms = hidden.map(|form| String::from_utf8(form).expect("text"));
            forms.fold(text, |text, form| text.replace(&form, "[]")).into_bytes()
        }
    }
}
