//! OAuth 2.0 (RFC 6749): the host has itself given a token, keeps it until shortly before its end, and adds it to
//! requests. The connector sees neither what it is given for nor the token.
//!
//! One request for a token at a time, whichever builds of a connection's connector want it: whoever comes meanwhile waits
//! for its answer.

mod authorizing;
mod grant;
mod keyring;
mod refresh;

pub use authorizing::{Authorizing, Back, Gone, Granted, NotAuthorized, Overwrite};
pub(crate) use keyring::Keyring;
pub(crate) use refresh::is_refresh_token;

use super::client::{Lost, Resolve, Whole};
use super::line::Line;
use super::{NoWay, denied, destination, transient};
use crate::grant::Grant as ConnectionGrant;
use crate::lock::locked;
use crate::secret::Secret;
use bytes::Bytes;
use countersign_core::effect::attempt::Failure;
use countersign_core::hash::Digest;
use countersign_core::time::Timestamp;
use grant::{Assertion, ClientId, Grant, SigningKey};
use http::{HeaderValue, Method, Request, header};
use http_body_util::Full;
use serde::Deserialize;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

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

/// The tokens that are given for one thing: of one connection, for every endpoint and every build that asks for the same.
pub(crate) struct Tokens {
    url: Url,
    grant: Grant,
    scopes: Vec<String>,
    kept: tokio::sync::Mutex<Option<Kept>>,
    /// The token in use, and the one before it, which a late answer may hold.
    used: Mutex<Vec<Vec<u8>>>,
}

/// The last answer: a token, or why there is none, and until when that is believed.
struct Kept {
    given: Result<Token, Failure>,
    until: Instant,
    /// How often the operator had put another refresh token in place when it was asked for.
    rotations: u64,
}

/// A token, as the header that it goes into.
#[derive(Clone)]
pub(crate) struct Token(pub(crate) HeaderValue);

/// The way to where tokens are given, and what time it is.
pub(crate) struct Way {
    pub(crate) line: Arc<Line>,
    pub(crate) resolver: Arc<dyn Resolve>,
    pub(crate) grant: Arc<ConnectionGrant>,
    pub(crate) now: Timestamp,
}

/// Who acts for whom, where the client signs for itself, and who is to believe it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Parties {
    /// Id of the client.
    pub(crate) issuer: String,
    /// For whom it acts.
    pub(crate) subject: String,
    /// Who is to believe it.
    pub(crate) audience: String,
}

/// What a provider answers, well or not (RFC 6749 §5).
#[derive(Deserialize, Default)]
struct Said {
    access_token: Option<String>,
    refresh_token: Option<String>,
    token_type: Option<String>,
    /// In seconds. Some say it as text, or with a fraction.
    expires_in: Option<serde_json::Value>,
    /// What was granted, where that is not what was asked for.
    scope: Option<serde_json::Value>,
    error: Option<String>,
    error_description: Option<String>,
}

impl Tokens {
    /// Tokens from `url` for the client in `secret`, which is `client:secret`.
    pub(crate) fn of_client(
        keyring: &Keyring,
        url: Url,
        secret: &Secret,
        (proof, scopes): (ClientProof, &[String]),
    ) -> Result<Arc<Tokens>, String> {
        Ok(keyring.shared(Tokens::new(url, Grant::Client(ClientId::parse(secret.expose())?, proof), scopes)))
    }

    /// Tokens from `url` for a refresh token: the second line of `secret`, whose first is `client:secret`.
    pub(crate) fn of_refresh(
        keyring: &Keyring,
        url: Url,
        secret: &Secret,
        proof: ClientProof,
    ) -> Result<Arc<Tokens>, String> {
        Ok(keyring.shared(Tokens::new(url, Grant::Refresh(keyring.refresh(secret)?, proof), &[])))
    }

    /// Tokens from `url` for what the private key in `secret` signs.
    pub(crate) fn of_key(
        keyring: &Keyring,
        url: Url,
        secret: &Secret,
        (parties, scopes): (Parties, &[String]),
    ) -> Result<Arc<Tokens>, String> {
        let key = SigningKey::parse(secret.expose())?;
        let assertion = Assertion { parties, key, digest: Digest::of(secret.expose().as_bytes()) };
        Ok(keyring.shared(Tokens::new(url, Grant::Assertion(Box::new(assertion)), scopes)))
    }

    fn new(url: Url, grant: Grant, scopes: &[String]) -> Tokens {
        let (kept, used) = (tokio::sync::Mutex::new(None), Mutex::new(Vec::new()));
        Tokens { url, grant, scopes: scopes.to_vec(), kept, used }
    }

    /// Whether these are asked for as those are.
    fn are_asked_for_as(&self, other: &Tokens) -> bool {
        self.url == other.url && self.scopes == other.scopes && self.grant.is_as(&other.grant)
    }

    /// What must not come back to the guest.
    pub(crate) fn hidden(&self) -> Vec<Vec<u8>> {
        let mut hidden = self.grant.hidden();
        hidden.extend(locked(&self.used).iter().cloned());
        hidden
    }

    /// The token in use, or a new one. `spent` is one that was refused: it is not given again.
    ///
    /// If the call ends in here, the request goes on without it: what a provider gives may take the place of what it
    /// was given for, and must not be lost.
    pub(crate) async fn token(self: &Arc<Self>, way: Way, spent: Option<Token>) -> Result<Token, Failure> {
        let tokens = Arc::clone(self);
        #[expect(
            clippy::disallowed_methods,
            reason = "it ends with its one request, which the client's limits end"
        )]
        let asking = tokio::spawn(async move { tokens.current(way, spent.as_ref()).await });
        asking
            .await
            .unwrap_or_else(|why| Err(transient("no-token", format!("no token could be had: {why}"), None)))
    }

    async fn current(&self, way: Way, spent: Option<&Token>) -> Result<Token, Failure> {
        let mut kept = self.kept.lock().await;
        let rotations = || self.grant.refresh().map_or(0, |refresh| refresh.rotations());
        if let Some(Kept { given, until, rotations: then }) = kept.as_ref()
            && Instant::now() < *until
            && *then == rotations()
        {
            let is_spent = matches!((given, spent), (Ok(Token(now)), Some(Token(spent))) if now == spent);
            if !is_spent {
                return given.clone();
            }
        }
        // What asks in another way for the same refresh token waits, too. One that somebody has had given since counts.
        let _turn = match self.grant.refresh() {
            Some(refresh) => {
                let turn = refresh.turn().await;
                if let Err(why) = refresh.look() {
                    tracing::warn!(
                        blame = "host",
                        "what was put where a refresh token is kept is not used: it {why}"
                    );
                }
                Some(turn)
            }
            None => None,
        };
        let rotations = rotations();
        let (given, life) = match self.asked(way).await {
            Ok((token, life)) => (Ok(token), life),
            Err(failure) => (Err(failure), Duration::from_millis(REFUSED_MS)),
        };
        *kept = Some(Kept { given: given.clone(), until: Instant::now() + life, rotations });
        given
    }

    async fn asked(&self, way: Way) -> Result<(Token, Duration), Failure> {
        let whole = self.posted(&way).await?;
        self.given(&whole)
    }

    /// Asks, whatever is answered.
    async fn posted(&self, way: &Way) -> Result<Whole, Failure> {
        let to =
            destination(&self.url, &*way.resolver, &way.grant.allow, "connection").await.map_err(|no| {
                match no {
                    NoWay::Malformed(what) => denied("no-token", format!("where tokens are given: {what}")),
                    NoWay::NotFound(what) => {
                        transient("no-token", format!("where tokens are given: {what}"), None)
                    }
                    NoWay::Forbidden(what) => denied("no-token", format!("where tokens are given: {what}")),
                }
            })?;
        let lost = |why: String| transient("no-token", format!("no token could be had: {why}"), None);
        let open = way.line.pool.open(&to).await.map_err(lost)?;
        let message = self.message(&to.host, way.now)?;
        way.line.pool.send(&to, open, message).await.map_err(|how| match how {
            Lost::NotSent(why) | Lost::Unanswered(why) | Lost::Unusable { why, .. } => lost(why),
        })
    }

    fn message(&self, host: &str, now: Timestamp) -> Result<Request<Full<Bytes>>, Failure> {
        let (form, proof) = self.grant.asked(&self.scopes, now)?;
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
        if let Some(proof) = proof {
            request = request.header(header::AUTHORIZATION, proof.as_str());
        }
        let body = Full::new(Bytes::from(form.as_bytes().to_vec()));
        request.body(body).map_err(|error| denied("no-token", error.to_string()))
    }

    /// What an answer says, if it is a good one.
    fn said(&self, whole: &Whole) -> Result<Said, Failure> {
        let status = whole.status;
        // A page of a proxy leaves the status to speak.
        let said: Said = serde_json::from_slice(&whole.body).unwrap_or_default();
        if (200..300).contains(&status) {
            return Ok(said);
        }
        let what = format!("no token was given ({status}): {}", self.words(&said));
        Err(match status {
            408 | 425 | 429 | 500.. => transient("no-token", what, None),
            _ => denied("no-token", what),
        })
    }

    /// The provider's words about why it gives nothing, without what it was sent.
    fn words(&self, said: &Said) -> String {
        let words = [&said.error, &said.error_description];
        let words = words.into_iter().flatten().cloned().collect::<Vec<_>>().join(": ");
        let forms = self.grant.unspoken().into_iter();
        let words = forms.fold(words, |words, form| words.replace(&form, "[secret]"));
        words.chars().take(WORDS_CHARS_MAX).collect()
    }

    fn given(&self, whole: &Whole) -> Result<(Token, Duration), Failure> {
        let said = self.said(whole)?;
        // Before anything else can go wrong: the old one may be good for nothing now.
        let new = said.refresh_token.filter(|token| can_be_kept(token));
        if let (Some(new), Some(refresh)) = (new, self.grant.refresh()) {
            refresh.replaced(new);
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
        let life = said.expires_in.as_ref().and_then(seconds);
        let life = life.map_or(LIFETIME_MS_DEFAULT, |seconds| seconds.saturating_mul(1_000));
        let life = life.min(LIFETIME_MS_MAX);
        let margin = MARGIN_MS.min(life / 10);
        let mut used = locked(&self.used);
        if 1 < used.len() {
            used.remove(0);
        }
        used.push(token.into_bytes());
        Ok((Token(value), Duration::from_millis(life - margin)))
    }
}

/// Whether what an answer calls a refresh token can be one: it is kept as one line of a file.
fn can_be_kept(token: &str) -> bool {
    !token.trim().is_empty() && token.len() <= TOKEN_BYTES_MAX && !token.contains(char::is_control)
}

/// Whole seconds, whichever way they are said.
fn seconds(said: &serde_json::Value) -> Option<u64> {
    let text = said.as_str().map_or_else(|| said.to_string(), str::to_owned);
    text.split('.').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests;
