//! The first refresh token: a person lets the host in at the provider, by the code flow (RFC 6749, §4.1) with PKCE (RFC
//! 7636), and what their browser comes back with is exchanged for it. What it is exchanged by, and how the client proves
//! itself, is what every later token is asked for with.

use super::grant::{ClientId, Code, Grant};
use super::refresh::{joined, parted};
use super::{Said, TOKEN_BYTES_MAX, Tokens, WORDS_CHARS_MAX, Way, can_be_kept};
use crate::connection::ConnectionOptions;
use crate::egress::address::Cidr;
use crate::egress::client::SystemResolver;
use crate::egress::line::Line;
use crate::egress::oauth2::ClientProof;
use crate::grant::{Grant as ConnectionGrant, authorize_address, token_address};
use crate::manifest::{Endpoint, Manifest, Rate, Redirect, Scheme};
use crate::secret::Secret;
use countersign_core::effect::attempt::Failure;
use countersign_core::hash::Digest;
use countersign_core::time::Timestamp;
use countersign_engine::port::clock::Chance;
use data_encoding::BASE64URL_NOPAD;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use url::{Host, Url, form_urlencoded};
use zeroize::Zeroizing;

/// The port that a browser comes back to unless somebody says another one: providers compare the whole address with what
/// is registered there, so it is always the same.
const PORT: u16 = 8790;
/// The path that a browser comes back to.
const PATH: &str = "/signed-in";
/// Longest code, in bytes: what a form can bear as well as a token.
const CODE_BYTES_MAX: usize = TOKEN_BYTES_MAX;

/// What a person lets the host do at one endpoint of a connection, before anybody is asked.
#[expect(missing_debug_implementations, reason = "it holds secrets")]
pub struct Authorizing {
    authorize: Url,
    token: Url,
    client: ClientId,
    proof: ClientProof,
    scopes: Vec<String>,
    parameters: BTreeMap<String, String>,
    redirect: Redirect,
    allow: Vec<Cidr>,
    secret: Secret,
    overwrite: Overwrite,
}

/// What becomes of a refresh token that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// It stays, and nobody is asked.
    Refuse,
    /// Another one takes its place.
    Replace,
}

/// Where a browser is sent back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Back {
    /// As it is registered at the provider, letter by letter.
    text: String,
    url: Url,
}

/// Somebody is on their way: what their browser is to bring back.
#[expect(missing_debug_implementations, reason = "it holds a secret")]
pub struct Gone {
    /// The address that they open.
    pub address: String,
    back: String,
    state: String,
    verifier: Zeroizing<String>,
}

/// What was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// The scopes that the provider says it granted; none if it says nothing, which means those that were asked for.
    pub scopes: Option<Vec<String>>,
    /// Those that were asked for and that it did not grant.
    pub withheld: Vec<String>,
}

/// Why the host was not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAuthorized {
    /// The endpoint's requests are proved otherwise.
    #[error("sends a credential of another kind ({0}): nobody signs in for that")]
    OtherScheme(&'static str),
    /// Nobody says where a person signs in.
    #[error("does not know where a person signs in: the manifest does not say it (`auth.authorize`)")]
    NoAddress,
    /// The connection does not fit its connector.
    #[error("{0}")]
    Connection(String),
    /// The secret's file does not begin with the client.
    #[error("{0}")]
    Form(String),
    /// It holds a refresh token.
    #[error("holds a refresh token already")]
    Held,
    /// Its file cannot be replaced.
    #[error("has a secret that {0}")]
    NotReplaceable(String),
    /// Whoever was asked has said no.
    #[error("was not let in: {0}")]
    Declined(String),
    /// The provider did not ask anybody, or could not.
    #[error("was sent back by the provider: {0}")]
    SentBack(String),
    /// What came back was asked for by somebody else, or by an earlier run.
    #[error("got an answer to another sign-in: its `state` is not the one that was sent")]
    OtherState,
    /// What came back is no answer.
    #[error("got an answer without a code")]
    NoCode,
    /// Nobody answered where tokens are given.
    #[error("could not exchange what the browser came back with: {0}")]
    Unreached(String),
    /// It is not taken where tokens are given.
    #[error("did not get a token for what the browser came back with: {0}")]
    Refused(String),
    /// No refresh token came with it.
    #[error("was let in, but was given no refresh token to stay")]
    NoRefreshToken,
    /// Somebody else has changed its file since.
    #[error(
        "was given a refresh token, but somebody else has changed the file of its secret since: what they wrote stays"
    )]
    Meanwhile,
    /// It could not be written.
    #[error("was given a refresh token that could not be kept: {0}")]
    NotKept(String),
}

impl Authorizing {
    /// What there is to ask somebody for, after all that can be looked at before.
    ///
    /// # Errors
    /// What keeps the answer from being of any use.
    pub fn of(
        manifest: &Manifest,
        options: &ConnectionOptions,
        (endpoint, overwrite): (&str, Overwrite),
    ) -> Result<Authorizing, NotAuthorized> {
        let unfit = |what: &str| NotAuthorized::Connection(what.to_owned());
        let wanted = manifest.endpoints.get(endpoint);
        let wanted = wanted.ok_or_else(|| unfit("is none that the connector has"))?;
        let configured = options.endpoints.get(endpoint);
        let configured = configured.ok_or_else(|| unfit("is none that the connection grants"))?;
        let Endpoint { auth, .. } = wanted;
        if auth.scheme != Scheme::Oauth2Refresh {
            return Err(NotAuthorized::OtherScheme(auth.scheme.words()));
        }
        let token = token_address(wanted, configured, &options.allow).map_err(NotAuthorized::Connection)?;
        let token = token.ok_or_else(|| unfit("does not know where tokens are given"))?;
        let authorize = authorize_address(wanted, configured, &options.allow);
        let authorize = authorize.map_err(NotAuthorized::Connection)?.ok_or(NotAuthorized::NoAddress)?;
        let secret = configured.secret.clone();
        let secret =
            secret.ok_or_else(|| unfit("names no secret; name the file as `secret`, such as `file:PATH`"))?;
        let (client, held) = parted(secret.expose()).map_err(NotAuthorized::Form)?;
        if held.is_some() && overwrite == Overwrite::Refuse {
            return Err(NotAuthorized::Held);
        }
        secret.is_replaceable_for_its_owner().map_err(NotAuthorized::NotReplaceable)?;
        Ok(Authorizing {
            authorize,
            token,
            client,
            proof: auth.client,
            scopes: auth.scopes.clone(),
            parameters: auth.parameters.clone(),
            redirect: auth.redirect.unwrap_or_default(),
            allow: options.allow.clone(),
            secret,
            overwrite,
        })
    }

    /// What a person is asked for.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// Where the browser is sent back to unless somebody says where; none if the provider sends nobody to this machine.
    #[must_use]
    pub fn usual_back(&self) -> Option<Back> {
        let host = match self.redirect {
            Redirect::Loopback => "127.0.0.1",
            Redirect::Localhost => "localhost",
            Redirect::Https => return None,
        };
        Back::parse(&format!("http://{host}:{PORT}{PATH}")).ok()
    }

    /// Sends somebody on their way.
    #[must_use]
    pub fn begin(&self, back: &Back, chance: &dyn Chance) -> Gone {
        let [state, verifier] = [(); 2].map(|()| format!("{:032x}{:032x}", chance.bits(), chance.bits()));
        let challenge = BASE64URL_NOPAD.encode(&Digest::of(verifier.as_bytes()).0);
        let mut url = self.authorize.clone();
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client.id)
            .append_pair("redirect_uri", &back.text);
        if !self.scopes.is_empty() {
            query.append_pair("scope", &self.scopes.join(" "));
        }
        query
            .append_pair("state", &state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .extend_pairs(&self.parameters);
        drop(query);
        Gone { address: url.into(), back: back.text.clone(), state, verifier: Zeroizing::new(verifier) }
    }

    /// Exchanges what a browser came back with for a refresh token, and keeps it.
    ///
    /// If the process stops in here, either the file has the refresh token whole, or what stood there, and somebody has to
    /// be asked once more.
    ///
    /// # Errors
    /// Why there is none in the file.
    pub async fn finish(&self, gone: &Gone, code: &str, now: Timestamp) -> Result<Granted, NotAuthorized> {
        let (client, proof) = (self.client.clone(), self.proof);
        let (back, verifier) = (gone.back.clone(), gone.verifier.clone());
        let code = Code { client, proof, code: Zeroizing::new(code.to_owned()), back, verifier };
        let tokens = Tokens::new(self.token.clone(), Grant::Code(Box::new(code)), &[]);
        let whole = tokens.posted(&self.way(now)).await;
        let whole = whole.map_err(|why| NotAuthorized::Unreached(why.detail().message.clone()))?;
        let said = tokens.said(&whole).map_err(|why| match why {
            Failure::Transient { detail, .. } => NotAuthorized::Unreached(detail.message),
            Failure::Denied(detail)
            | Failure::Rejected { detail, .. }
            | Failure::Conflict { detail, .. }
            | Failure::Uncertain(detail) => NotAuthorized::Refused(detail.message),
        })?;
        if said.error.is_some() {
            // Some refuse with a status that says otherwise.
            let words = tokens.words(&said);
            return Err(NotAuthorized::Refused(format!("no token was given ({}): {words}", whole.status)));
        }
        let granted = self.granted(&said);
        let token = said.refresh_token.filter(|token| can_be_kept(token)).map(Zeroizing::new);
        self.keep(&token.ok_or(NotAuthorized::NoRefreshToken)?)?;
        Ok(granted)
    }

    /// The way to where tokens are given.
    fn way(&self, now: Timestamp) -> Way {
        let rate = Rate::default();
        let grant = ConnectionGrant {
            endpoints: BTreeMap::new(),
            asked: BTreeSet::new(),
            settings: BTreeMap::new(),
            hooks: BTreeMap::new(),
            allow: self.allow.clone(),
            rate,
        };
        Way {
            line: Arc::new(Line::new(rate)),
            resolver: Arc::new(SystemResolver),
            grant: Arc::new(grant),
            now,
        }
    }

    fn granted(&self, said: &Said) -> Granted {
        let scopes: Option<Vec<String>> = match &said.scope {
            Some(serde_json::Value::String(text)) => {
                Some(text.split_whitespace().map(str::to_owned).collect())
            }
            Some(serde_json::Value::Array(all)) => {
                Some(all.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect())
            }
            // What is said otherwise than it should be costs no token that came with it.
            Some(_) | None => None,
        };
        let known: Option<BTreeSet<&String>> = scopes.as_ref().map(|scopes| scopes.iter().collect());
        let is_withheld = |scope: &&String| known.as_ref().is_some_and(|known| !known.contains(scope));
        let withheld = self.scopes.iter().filter(is_withheld).cloned().collect();
        Granted { scopes: scopes.filter(|scopes| !scopes.is_empty()), withheld }
    }

    /// Puts a refresh token into the file that the connection names, unless somebody else has changed that since.
    fn keep(&self, token: &str) -> Result<(), NotAuthorized> {
        let now = self.secret.again().map_err(NotAuthorized::NotKept)?;
        let (client, held) = parted(&now).map_err(|_| NotAuthorized::Meanwhile)?;
        // A host that runs may have put the successor of the one before there.
        let is_held = held.is_some() && self.overwrite == Overwrite::Refuse;
        if client != self.client || is_held {
            return Err(NotAuthorized::Meanwhile);
        }
        self.secret.replace_privately(&joined(&client, token)).map_err(NotAuthorized::NotKept)
    }
}

impl Back {
    /// An address to send a browser back to: of this machine, or any that begins with `https://`.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(text: &str) -> Result<Back, String> {
        let url = Url::parse(text).map_err(|why| format!("it is no address: {why}"))?;
        let back = Back { text: text.to_owned(), url };
        if back.url.fragment().is_some() || !back.url.username().is_empty() || back.url.password().is_some() {
            return Err("it has a `#` or a name before its host, which no browser brings back".to_owned());
        }
        match (back.url.scheme(), back.url.host()) {
            ("https", Some(_)) => Ok(back),
            ("http", Some(_)) if !back.listens().is_empty() => Ok(back),
            _ => Err("it begins neither with `https://` nor with `http://127.0.0.1` or `http://localhost`"
                .to_owned()),
        }
    }

    /// Where this machine listens for it; nowhere if it is not an address of this machine.
    #[must_use]
    pub fn listens(&self) -> Vec<SocketAddr> {
        if self.url.scheme() != "http" {
            return Vec::new();
        }
        let port = self.url.port_or_known_default().unwrap_or_default();
        let hosts = match self.url.host() {
            // What it leads to is the browser's to say, and both are this machine.
            Some(Host::Domain("localhost")) => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            Some(Host::Ipv4(host)) if host.is_loopback() => vec![host.into()],
            Some(Host::Ipv6(host)) if host.is_loopback() => vec![host.into()],
            Some(_) | None => Vec::new(),
        };
        hosts.into_iter().map(|host| SocketAddr::new(host, port)).collect()
    }

    /// The same at the port that was had for it, where it says port 0: any one.
    #[must_use]
    pub fn at(mut self, port: u16) -> Back {
        if self.url.port() == Some(0) && self.url.set_port(Some(port)).is_ok() {
            self.text = self.url.to_string();
        }
        self
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &str {
        self.url.path()
    }

    /// As it is registered at the provider.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Gone {
    /// The code that a browser came back with, by the names and values of its address.
    ///
    /// # Errors
    /// What came back instead.
    pub fn code(&self, query: &[(String, String)]) -> Result<Zeroizing<String>, NotAuthorized> {
        let of = |name: &str| query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        // Before anything else: somebody else's words are not repeated either.
        if of("state") != Some(&self.state) {
            return Err(NotAuthorized::OtherState);
        }
        if let Some(error) = of("error") {
            let words =
                [Some(error), of("error_description")].into_iter().flatten().collect::<Vec<_>>().join(": ");
            let words: String = words.chars().take(WORDS_CHARS_MAX).collect();
            let is_no = error == "access_denied";
            return Err(if is_no { NotAuthorized::Declined(words) } else { NotAuthorized::SentBack(words) });
        }
        let code = of("code").filter(|code| !code.is_empty() && code.len() <= CODE_BYTES_MAX);
        code.map(|code| Zeroizing::new(code.to_owned())).ok_or(NotAuthorized::NoCode)
    }

    /// The same of an address that somebody has copied out of their browser.
    ///
    /// # Errors
    /// What was there instead.
    pub fn pasted(&self, address: &str) -> Result<Zeroizing<String>, NotAuthorized> {
        let query = address.trim().split_once('?').map_or(address.trim(), |(_, query)| query);
        let query = query.split('#').next().unwrap_or_default();
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        self.code(&pairs)
    }
}
