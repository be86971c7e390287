//! Signing people in through an OpenID provider: OpenID Connect Core 1.0 by the code flow, with PKCE (RFC 7636)
//! and the issuer in the answer (RFC 9207), behind the engine's identity port.
//!
//! The provider is the one that the configuration names. Its addresses come from its own description (OpenID
//! Connect Discovery 1.0), its keys from the address in that, and all of it leaves through the same checks of
//! addresses as what connectors send.

mod answer;
mod keys;
#[cfg(test)]
mod tests;

use crate::egress::address::Cidr;
use crate::egress::client::{Lost, Pool, SystemResolver, Whole};
use crate::egress::{NoWay, destination};
use crate::secret::Secret;
use answer::{Claims, Expected};
use bytes::Bytes;
use countersign_core::people::Account;
use countersign_engine::port::Answer;
use countersign_engine::port::identity::{Ask, Back, Identity, IdentityProvider, NotSignedIn};
use data_encoding::BASE64;
use http::{Method, Request, header};
use http_body_util::Full;
use jsonwebtoken::jwk::JwkSet;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;
use url::form_urlencoded;

/// Time for one request to the provider, from the look-up to the whole answer, in milliseconds.
const CALL_MS_MAX: u64 = 10_000;
/// How long the provider's description is believed, in milliseconds.
const DESCRIPTION_MS: u64 = 60 * 60 * 1_000;
/// How long its keys are believed at least, in milliseconds: a signature by an unknown key has them fetched
/// anew, and nobody can have that done more often.
const KEYS_MS_MIN: u64 = 30 * 1_000;
/// How long its keys are believed at most, in milliseconds: one that was withdrawn signs nobody in for longer.
const KEYS_MS_MAX: u64 = 60 * 60 * 1_000;
/// How long it is believed that the provider does not answer, in milliseconds.
const FAULT_MS: u64 = 5_000;
/// Largest answer of the provider, in bytes.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Where the browser comes back to, on this host.
const BACK: &str = "/sign-in/back";

/// Which claim of the provider's answer is the account of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Claim {
    /// `sub`: never given to somebody else by the provider.
    #[default]
    Subject,
    /// `email`, taken only if the provider says that it was verified.
    Email,
    /// `preferred_username`: for a provider that gives no name to somebody else.
    PreferredUsername,
}

impl Claim {
    /// What the provider is asked for, so that it sends this claim.
    const fn scope(self) -> &'static str {
        match self {
            Claim::Subject => "openid",
            Claim::Email => "openid email",
            Claim::PreferredUsername => "openid profile",
        }
    }
}

/// The provider, as the operator configures it.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "it holds a secret")]
pub struct SignInOptions {
    /// Its name for itself: `https://id.example.com`.
    pub issuer: String,
    /// Its name for this host.
    pub client: String,
    /// What this host proves itself with, unless it is a public client.
    pub secret: Option<Secret>,
    /// Which claim is the account.
    pub claim: Claim,
    /// Special-purpose address ranges that it may be in, such as `10.0.0.0/8`.
    pub allow: Vec<Cidr>,
    /// Where browsers reach this host: `https://approvals.example.com`.
    pub host: String,
}

/// The provider, ready to be asked. Cheap to make: nothing is connected yet.
#[expect(missing_debug_implementations, reason = "it holds a secret")]
pub struct OpenIdProvider {
    options: SignInOptions,
    issuer: Url,
    back: String,
    pool: Pool,
    description: Mutex<Option<Kept<Description>>>,
    keys: Mutex<Option<Kept<JwkSet>>>,
}

/// What the provider last said, or why it did not, and when.
type Kept<T> = (Result<Arc<T>, NotSignedIn>, Instant);

/// What the provider says of itself.
#[derive(Debug, Deserialize)]
struct Description {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// Whether every answer names its issuer.
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Description {
    /// Looks that it is of the provider with this name, and names no address that is less guarded than that.
    fn is_of(&self, issuer: &str, scheme: &str) -> Result<(), NotSignedIn> {
        // Discovery section 4.3: byte for byte, or somebody else answers in its name.
        if self.issuer != issuer {
            let why = format!("it calls itself `{}`, the configuration `{issuer}`", self.issuer);
            return Err(NotSignedIn::Refused(why));
        }
        for url in [&self.authorization_endpoint, &self.token_endpoint, &self.jwks_uri] {
            if !Url::parse(url).is_ok_and(|url| url.scheme() == "https" || url.scheme() == scheme) {
                return Err(NotSignedIn::Refused(format!("its address `{url}` is not one of `https://`")));
            }
        }
        Ok(())
    }

    /// Looks that a browser which names this issuer, or none, was sent back by this provider (RFC 9207).
    fn sent(&self, issuer: Option<&str>) -> Result<(), NotSignedIn> {
        let refused = |why: &str| Err(NotSignedIn::Refused(why.to_owned()));
        match issuer {
            Some(issuer) if issuer != self.issuer => refused("the browser comes from another provider"),
            None if self.authorization_response_iss_parameter_supported => {
                refused("the browser does not say which provider it comes from")
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// What it gives for a code. Only who it was is kept.
#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

/// Why it gives nothing.
#[derive(Deserialize)]
struct Refusal {
    error: String,
}

impl OpenIdProvider {
    /// The provider of these options.
    ///
    /// # Errors
    /// What of the configuration cannot be used, in one sentence.
    pub fn new(options: SignInOptions) -> Result<OpenIdProvider, String> {
        keys::install();
        let address = |name: &str, text: &str| {
            let url = Url::parse(text).map_err(|why| format!("`{name}` is no address: {why}"))?;
            if !matches!(url.scheme(), "https" | "http") || url.host().is_none() {
                return Err(format!("`{name}` does not begin with `https://`"));
            }
            if !url.username().is_empty() || url.query().is_some() || url.fragment().is_some() {
                return Err(format!("`{name}` has a name, `?` or `#` in it, which it may not"));
            }
            Ok(url)
        };
        let issuer = address("issuer", &options.issuer)?;
        let host = address("public-address", &options.host)?;
        if issuer.scheme() != "https" && options.allow.is_empty() {
            return Err(
                "`issuer` does not begin with `https://`; only a range under `allow` does without".to_owned()
            );
        }
        if options.client.is_empty() {
            return Err("`client-id` is empty".to_owned());
        }
        let back = format!("{}{BACK}", host.as_str().trim_end_matches('/'));
        Ok(OpenIdProvider {
            options,
            issuer,
            back,
            pool: Pool::default(),
            description: Mutex::default(),
            keys: Mutex::default(),
        })
    }

    /// Asks the provider for its description and its keys, so that an operator learns of a mistake before
    /// anybody signs in.
    ///
    /// # Errors
    /// What is wrong.
    pub async fn check(&self) -> Result<(), NotSignedIn> {
        let description = self.described().await?;
        let keys = self.keys(&description, Duration::ZERO).await?;
        if keys.keys.is_empty() {
            return Err(NotSignedIn::Refused("it has no keys".to_owned()));
        }
        Ok(())
    }

    async fn described(&self) -> Result<Arc<Description>, NotSignedIn> {
        let mut kept = self.description.lock().await;
        if let Some(said) = still(kept.as_ref(), Duration::from_millis(DESCRIPTION_MS)) {
            return said;
        }
        let said = self.describe().await.map(Arc::new);
        *kept = Some((said.clone(), Instant::now()));
        said
    }

    async fn describe(&self) -> Result<Description, NotSignedIn> {
        let url = format!("{}/.well-known/openid-configuration", self.options.issuer.trim_end_matches('/'));
        let found: Description =
            read(&self.call(Method::GET, &url, None, String::new()).await?, "its description")?;
        found.is_of(&self.options.issuer, self.issuer.scheme())?;
        Ok(found)
    }

    /// Its keys, not older than this.
    async fn keys(&self, description: &Description, age: Duration) -> Result<Arc<JwkSet>, NotSignedIn> {
        let mut kept = self.keys.lock().await;
        if let Some(said) = still(kept.as_ref(), age) {
            return said;
        }
        let asked = self.call(Method::GET, &description.jwks_uri, None, String::new()).await;
        let said = asked.and_then(|whole| read(&whole, "its keys")).map(Arc::new);
        *kept = Some((said.clone(), Instant::now()));
        said
    }

    /// What the provider says of whoever holds this code.
    async fn claims(&self, back: &Back) -> Result<Claims, NotSignedIn> {
        let description = self.described().await?;
        description.sent(back.issuer.as_deref())?;
        let tokens = self.spend(&description, back).await?;
        let expected = Expected {
            issuer: &self.options.issuer,
            client: &self.options.client,
            nonce: &back.nonce,
            now: back.now,
        };
        let most = Duration::from_millis(KEYS_MS_MAX);
        let keys = self.keys(&description, most).await?;
        if let Some(key) = keys::of(&keys, &tokens.id_token) {
            return answer::verified(&tokens.id_token, key, &expected);
        }
        // The provider has changed its keys since.
        let keys = self.keys(&description, Duration::from_millis(KEYS_MS_MIN)).await?;
        let key = keys::of(&keys, &tokens.id_token)
            .ok_or_else(|| NotSignedIn::Refused("its answer is signed by none of its keys".to_owned()))?;
        answer::verified(&tokens.id_token, key, &expected)
    }

    /// Spends a code.
    async fn spend(&self, description: &Description, back: &Back) -> Result<Tokens, NotSignedIn> {
        let (authorization, form) = self.form(description, back);
        let whole = self.call(Method::POST, &description.token_endpoint, authorization, form).await?;
        if whole.status != 200 {
            let said = serde_json::from_slice::<Refusal>(&whole.body).map(|refusal| refusal.error);
            let said =
                said.ok().filter(|said| said.len() <= 64 && said.bytes().all(|byte| byte.is_ascii_graphic()));
            let why = format!(
                "it does not take the code: {}",
                said.unwrap_or_else(|| format!("status {}", whole.status))
            );
            return Err(NotSignedIn::Refused(why));
        }
        read(&whole, "its answer for a code")
    }

    /// What is sent for a code: how this host proves itself, and the form.
    fn form(&self, description: &Description, back: &Back) -> (Option<String>, String) {
        let client = &self.options.client;
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", &back.code)
            .append_pair("redirect_uri", &self.back)
            .append_pair("code_verifier", &back.verifier);
        let methods = description.token_endpoint_auth_methods_supported.as_deref();
        let basic =
            methods.is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic"));
        let authorization = match &self.options.secret {
            Some(secret) if basic => {
                let part = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                let pair = format!("{}:{}", part(client), part(secret.expose()));
                Some(format!("Basic {}", BASE64.encode(pair.as_bytes())))
            }
            Some(secret) => {
                form.append_pair("client_id", client).append_pair("client_secret", secret.expose());
                None
            }
            None => {
                form.append_pair("client_id", client);
                None
            }
        };
        (authorization, form.finish())
    }

    /// One request and its whole answer.
    async fn call(
        &self,
        method: Method,
        url: &str,
        authorization: Option<String>,
        body: String,
    ) -> Result<Whole, NotSignedIn> {
        let unreachable = |why: String| NotSignedIn::Unreachable(why);
        let url = Url::parse(url).map_err(|why| unreachable(format!("`{url}` is no address: {why}")))?;
        let host = url.host_str().unwrap_or_default();
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let path =
            url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let mut request = Request::builder()
            .method(method.clone())
            .uri(path)
            .header(header::HOST, host)
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, concat!("countersign/", env!("CARGO_PKG_VERSION")));
        if method == Method::POST {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let request =
            request.body(Full::new(Bytes::from(body))).map_err(|error| unreachable(error.to_string()))?;
        let calling = async {
            let to = destination(&url, &SystemResolver, &self.options.allow, "identity provider").await;
            let to = to.map_err(|no_way| match no_way {
                NoWay::Malformed(why) | NoWay::NotFound(why) | NoWay::Forbidden(why) => unreachable(why),
            })?;
            let open = self.pool.open(&to).await.map_err(unreachable)?;
            self.pool.send(&to, open, request).await.map_err(|lost| match lost {
                Lost::NotSent(why) | Lost::Unanswered(why) => unreachable(why),
                Lost::Unusable { status, why } => unreachable(format!("status {status}: {why}")),
            })
        };
        let whole = match tokio::time::timeout(Duration::from_millis(CALL_MS_MAX), calling).await {
            Ok(whole) => whole?,
            Err(_) => return Err(unreachable(format!("no whole answer within {CALL_MS_MAX} ms"))),
        };
        if 500 <= whole.status || (method == Method::GET && whole.status != 200) {
            return Err(unreachable(format!("`{url}` answers with status {}", whole.status)));
        }
        Ok(whole)
    }
}

/// What was said, while it is believed. That it does not answer is believed for a moment, so that those who wait for
/// it do not ask one after the other.
fn still<T>(kept: Option<&Kept<T>>, age: Duration) -> Option<Result<Arc<T>, NotSignedIn>> {
    let (said, since) = kept?;
    let age = if said.is_ok() { age } else { Duration::from_millis(FAULT_MS) };
    (since.elapsed() < age).then(|| said.clone())
}

fn read<T: DeserializeOwned>(whole: &Whole, what: &str) -> Result<T, NotSignedIn> {
    if ANSWER_BYTES_MAX < whole.body.len() {
        return Err(NotSignedIn::Refused(format!("{what} is larger than {ANSWER_BYTES_MAX} bytes")));
    }
    // What was wrong with it could hold a token: only where.
    serde_json::from_slice(&whole.body).map_err(|fault| {
        NotSignedIn::Refused(format!("{what} cannot be read at {}:{}", fault.line(), fault.column()))
    })
}

impl IdentityProvider for OpenIdProvider {
    fn begin(&self, ask: Ask) -> Answer<'_, Result<String, NotSignedIn>> {
        Box::pin(async move {
            let description = self.described().await?;
            let mut url = Url::parse(&description.authorization_endpoint)
                .map_err(|why| NotSignedIn::Refused(format!("its address for sign-ins is none: {why}")))?;
            url.query_pairs_mut()
                .append_pair("response_type", "code")
                .append_pair("client_id", &self.options.client)
                .append_pair("redirect_uri", &self.back)
                .append_pair("scope", self.options.claim.scope())
                .append_pair("state", &ask.state)
                .append_pair("nonce", &ask.nonce)
                .append_pair("code_challenge", &ask.challenge)
                .append_pair("code_challenge_method", "S256");
            Ok(url.into())
        })
    }

    fn finish(&self, back: Back) -> Answer<'_, Result<Identity, NotSignedIn>> {
        Box::pin(async move {
            let claims = self.claims(&back).await?;
            let account = claims.account(self.options.claim)?;
            let account = Account::parse(account)
                .map_err(|why| NotSignedIn::Refused(format!("the account that it names is none: {why}")))?;
            Ok(Identity { account })
        })
    }
}
