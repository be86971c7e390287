//! The manifest: what a connector asks for, in `connector.toml`, inside the signed bytes.
//!
//! It is one of two keys to every grant (the operator's connection is the other). Unknown keys are
//! errors, so that a misspelt limit is never silently no limit.

mod authorizing;
mod signing;

pub use authorizing::Redirect;
pub use signing::{Algorithm, KeyForm, Signing, Unit};
pub(crate) use signing::{Piece, Place};

use crate::egress::Method;
use crate::egress::oauth2::ClientProof;
use crate::fault::{ConnectorFault, FaultCode};
use crate::sandbox::{Limits, fuel};
use countersign_core::effect::retry::SETTLE_MAX;
use countersign_core::id::ConnectorId;
use http::HeaderName;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Name of the custom section of a component that holds the manifest.
pub const MANIFEST_SECTION: &str = "countersign:manifest";

/// Longest manifest: far more than one person reads at install.
pub(crate) const MANIFEST_BYTES_MAX: usize = 64 * 1024;

/// Longest name of a hook, in bytes.
const HOOK_BYTES_MAX: usize = 64;

/// The only manifest format so far.
const MANIFEST_FORMAT: u32 = 1;

/// The contract versions that this host speaks.
pub const CONTRACTS: &[&str] = &["1.0"];

/// What to do about a connector of another contract.
pub(crate) fn rebuild() -> String {
    let newest = CONTRACTS.last().copied().unwrap_or_default();
    format!("build it with the SDK of {newest}, or give it to a host that speaks its contract")
}

/// A checked manifest.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// Format of the manifest itself.
    manifest: u32,
    /// What it is.
    pub connector: About,
    /// The ways out that it asks for, by the name that the guest uses.
    #[serde(default)]
    pub endpoints: BTreeMap<String, Endpoint>,
    /// The settings that it reads.
    #[serde(default)]
    pub settings: BTreeMap<String, Setting>,
    /// The deliveries that it understands.
    #[serde(default)]
    pub webhooks: BTreeMap<String, Webhook>,
    /// The intents that it may bring in.
    #[serde(default)]
    pub intake: Option<Intake>,
}

/// What a connector is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct About {
    /// Its id, such as `acme.salesforce`.
    pub id: String,
    /// Its semantic version; equals `describe().version`.
    pub version: String,
    /// The contract that it was built against, such as `1.0`.
    pub contract: String,
    /// Its class of limits.
    #[serde(default)]
    pub class: Class,
    /// SPDX expression of its licence.
    #[serde(default)]
    pub license: String,
    /// One sentence on what it is for.
    #[serde(default)]
    pub description: String,
}

/// Class of limits of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// 32 MiB, 200 ms: a Rust or C guest.
    #[default]
    Small,
    /// 128 MiB, 1 s: a JavaScript guest.
    Medium,
    /// 256 MiB, 5 s: a Python guest.
    Large,
}

impl Class {
    /// Its name in a manifest.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Small => "small",
            Class::Medium => "medium",
            Class::Large => "large",
        }
    }

    /// Most linear memory of one call, in bytes.
    #[must_use]
    pub fn memory_bytes(self) -> usize {
        Limits::serving(self).memory_bytes
    }

    /// Most time in which guest code itself runs in one call.
    #[must_use]
    pub fn guest(self) -> Duration {
        Limits::serving(self).guest
    }

    /// Most fuel of one call, where it is counted: more than any machine burns in that time.
    #[must_use]
    pub fn fuel(self) -> u64 {
        fuel(self)
    }
}

/// One way out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Endpoint {
    /// Base address, perhaps with `{variables}`. Absent: only the connection knows it.
    #[serde(default)]
    pub base: Option<String>,
    /// Variables of the base that the operator fills.
    #[serde(default)]
    pub variables: Vec<String>,
    /// Methods that it may be called with.
    pub methods: Vec<String>,
    /// Path patterns below the base: `*` stands for one segment, at the end for any rest.
    pub paths: Vec<String>,
    /// Path patterns whose `POST` changes nothing.
    #[serde(default)]
    pub read_posts: Vec<String>,
    /// How requests prove who sends them.
    #[serde(default)]
    pub auth: Auth,
    /// What the target offers against doing a step twice.
    #[serde(default)]
    pub idempotency: Idempotency,
    /// How much the target bears.
    #[serde(default)]
    pub rate: Rate,
    /// How long after the last send an `absent` can be believed, in milliseconds.
    #[serde(default)]
    pub settle_ms: Option<u64>,
    /// Why the connector needs it, shown at install.
    #[serde(default)]
    pub why: String,
}

/// How requests prove who sends them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Auth {
    /// The scheme.
    #[serde(default)]
    pub scheme: Scheme,
    /// Name of the header or in the query, for the schemes `header` and `query`.
    #[serde(default)]
    pub name: Option<String>,
    /// Where tokens are given, for the schemes of OAuth 2.0; perhaps with the `{variables}` of the base address.
    #[serde(default)]
    pub token: Option<String>,
    /// Who is to believe what is signed, for the scheme `oauth2-jwt`; perhaps with the `{variables}` of the base address.
    /// Absent: the address where tokens are given, as the manifest has it.
    #[serde(default)]
    pub audience: Option<String>,
    /// What is asked for with a token; for the scheme `oauth2-refresh`, what a person is asked for.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Where a person signs in to have the first refresh token given, for the scheme `oauth2-refresh`; perhaps with the
    /// `{variables}` of the base address. Absent: whoever operates the host gets one elsewhere.
    #[serde(default)]
    pub authorize: Option<String>,
    /// What else they are asked with there, such as `access_type = "offline"`.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// Where their browser may be sent back to.
    #[serde(default)]
    pub redirect: Option<Redirect>,
    /// How the client proves itself where tokens are given.
    #[serde(default)]
    pub client: ClientProof,
    /// How requests are signed, for the scheme `hmac`.
    #[serde(default)]
    pub sign: Option<Signing>,
}

/// The schemes that the gate can sign with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// Nothing: the target asks for no credential.
    #[default]
    None,
    /// `Authorization: Bearer ...`.
    Bearer,
    /// `Authorization: Basic ...`; the secret is `user:password`.
    Basic,
    /// A header of its own, such as `x-api-key`.
    Header,
    /// A name of its own in the query, for targets that take a key nowhere else: whoever logs addresses there has it.
    Query,
    /// Standard Webhooks: `v1` (HMAC-SHA256, `whsec_...`) or `v1a` (ed25519, `whsk_...`).
    StandardWebhooks,
    /// A signature as `sign` declares it; the secret is the key, or `id:key`.
    Hmac,
    /// OAuth 2.0 client credentials; the secret is `client:secret`, and the host has itself given tokens for it.
    Oauth2Client,
    /// OAuth 2.0 with a refresh token. The secret is a file of two lines, `client:secret` and the refresh token, in which
    /// the host puts every refresh token that takes the place of the last one.
    Oauth2Refresh,
    /// OAuth 2.0 with a JSON Web Token that the host signs (RFC 7523). The secret is a private key in PEM; the connection
    /// says as whom (`issuer`, the client's id) and for whom (`subject`).
    Oauth2Jwt,
}

impl Scheme {
    /// Whether the host has itself given tokens.
    #[must_use]
    pub fn bears_tokens(self) -> bool {
        match self {
            Scheme::Oauth2Client | Scheme::Oauth2Refresh | Scheme::Oauth2Jwt => true,
            Scheme::None
            | Scheme::Bearer
            | Scheme::Basic
            | Scheme::Header
            | Scheme::Query
            | Scheme::StandardWebhooks
            | Scheme::Hmac => false,
        }
    }
}

/// What the target offers against doing a step twice.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Idempotency {
    /// The mechanism.
    #[serde(default)]
    pub mode: IdempotencyMode,
    /// Name of the header, for the mode `header`.
    #[serde(default)]
    pub name: Option<String>,
    /// How long the target remembers a key, in minutes.
    #[serde(default)]
    pub lifetime_min: Option<u64>,
}

/// The mechanisms against doing a step twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdempotencyMode {
    /// A key in a header, which the gate sets.
    Header,
    /// A unique field that the connector writes.
    NaturalKey,
    /// None.
    #[default]
    None,
}

/// How much a target bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rate {
    /// Requests in a second, in the long run.
    #[serde(default = "Rate::default_per_second")]
    pub per_second: u32,
    /// Requests at once after a pause.
    #[serde(default = "Rate::default_burst")]
    pub burst: u32,
    /// Requests in flight.
    #[serde(default = "Rate::default_concurrent")]
    pub concurrent: u32,
}

impl Rate {
    /// What a vendor's smallest plan usually bears; a manifest that knows better says so.
    const fn default_per_second() -> u32 {
        10
    }

    const fn default_burst() -> u32 {
        20
    }

    const fn default_concurrent() -> u32 {
        8
    }
}

impl Default for Rate {
    fn default() -> Rate {
        Rate {
            per_second: Rate::default_per_second(),
            burst: Rate::default_burst(),
            concurrent: Rate::default_concurrent(),
        }
    }
}

/// One setting that a connector reads.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Setting {
    /// Kind of value; only `string` so far.
    #[serde(rename = "type", default = "Setting::default_kind")]
    pub kind: String,
    /// Whether the connection must give it.
    #[serde(default)]
    pub required: bool,
    /// Its value if the connection gives none.
    #[serde(default)]
    pub default: Option<String>,
    /// What it is for, shown at install.
    #[serde(default)]
    pub why: String,
}

impl Setting {
    fn default_kind() -> String {
        "string".to_owned()
    }
}

/// One kind of delivery.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Webhook {
    /// How the host verifies it.
    pub verify: Verify,
}

/// How the host verifies a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Verify {
    /// The scheme.
    pub scheme: VerifyScheme,
    /// Header with the signature, for the scheme `hmac-sha256`.
    #[serde(default)]
    pub header: Option<String>,
    /// What stands before the signature in that header, such as `sha256=`.
    #[serde(default)]
    pub prefix: String,
    /// How the signature is written there.
    #[serde(default)]
    pub encoding: Encoding,
}

/// The schemes by which the host verifies deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerifyScheme {
    /// Standard Webhooks, `v1` and `v1a`.
    StandardWebhooks,
    /// What Stripe signs.
    Stripe,
    /// What Slack signs.
    Slack,
    /// What GitHub signs.
    Github,
    /// What HubSpot signs, the address that it posts to included.
    Hubspot,
    /// HMAC-SHA256 of the body, in a header that the manifest names. It tells nothing of when it was sent.
    HmacSha256,
}

impl VerifyScheme {
    /// The word of it in a manifest.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            VerifyScheme::StandardWebhooks => "standard-webhooks",
            VerifyScheme::Stripe => "stripe",
            VerifyScheme::Slack => "slack",
            VerifyScheme::Github => "github",
            VerifyScheme::Hubspot => "hubspot",
            VerifyScheme::HmacSha256 => "hmac-sha256",
        }
    }
}

/// How a signature is written in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// Hexadecimal digits.
    #[default]
    Hex,
    /// Base64 with padding.
    Base64,
}

/// The intents that a connector may bring in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Intake {
    /// Names of intent types.
    pub intent_types: Vec<String>,
}

impl Manifest {
    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// [`FaultCode::BadManifest`], with the line and, for an unknown key, the nearest known one.
    pub fn parse(text: &str) -> Result<Manifest, ConnectorFault> {
        if text.len() > MANIFEST_BYTES_MAX {
            return Err(bad(format!("the manifest is longer than {MANIFEST_BYTES_MAX} bytes; shorten it")));
        }
        let manifest: Manifest = toml::from_str(text).map_err(|error| bad(words(text, &error)))?;
        manifest.check()?;
        Ok(manifest)
    }

    /// How long after the last send an `absent` can be believed: the longest of its endpoints.
    pub(crate) fn settle_ms(&self) -> u64 {
        /// A late request may still arrive for about as long as a request may take.
        const SETTLE_MS_DEFAULT: u64 = 30_000;
        self.endpoints.values().filter_map(|endpoint| endpoint.settle_ms).max().unwrap_or(SETTLE_MS_DEFAULT)
    }

    /// How long every key-honouring endpoint remembers a key: the shortest of them.
    pub(crate) fn key_lifetime_min(&self) -> u64 {
        /// A day, as most vendors document it.
        const LIFETIME_MIN_DEFAULT: u64 = 24 * 60;
        let of = |endpoint: &Endpoint| endpoint.idempotency.lifetime_min;
        self.endpoints.values().filter_map(of).min().unwrap_or(LIFETIME_MIN_DEFAULT)
    }

    fn check(&self) -> Result<(), ConnectorFault> {
        let id = &self.connector.id;
        let say = |what: String| Err(bad(format!("the manifest of `{id}` {what}")));
        if self.manifest != MANIFEST_FORMAT {
            return say(format!(
                "has format {}, and this host reads format {MANIFEST_FORMAT}",
                self.manifest
            ));
        }
        if ConnectorId::parse(id).is_err() {
            return say(
                "needs `connector.id` of a-z, 0-9, `.`, `-`, `_`, such as `acme.salesforce`".to_owned()
            );
        }
        let version = &self.connector.version;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-+".contains(&byte);
        if version.split('.').count() < 3 || version.len() > 64 || !version.bytes().all(is_plain) {
            return say("needs a semantic `connector.version`, such as `1.0.0`".to_owned());
        }
        if !CONTRACTS.contains(&self.connector.contract.as_str()) {
            return say(format!(
                "was built for contract `{}`, and this host speaks {}: {}",
                self.connector.contract,
                CONTRACTS.join(", "),
                rebuild()
            ));
        }
        for (name, setting) in &self.settings {
            if setting.kind != "string" {
                return say(format!(
                    "gives setting `{name}` the type `{}`; only `string` is known",
                    setting.kind
                ));
            }
        }
        for (name, webhook) in &self.webhooks {
            // It stands in an address.
            let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            if name.is_empty() || HOOK_BYTES_MAX < name.len() || !name.bytes().all(is_plain) {
                return say(format!(
                    "calls a hook `{}`; a name of a-z, 0-9 and `-` with at most {HOOK_BYTES_MAX} letters can stand in its address",
                    name.escape_debug()
                ));
            }
            if let Some(fault) = webhook.verify.fault() {
                return say(format!("says of hook `{name}` {fault}"));
            }
        }
        if self.intake.is_some() && self.webhooks.is_empty() {
            return say(
                "asks for intents (`[intake]`) but has no hook (`[webhooks.NAME]`) that they come by"
                    .to_owned(),
            );
        }
        self.endpoints.iter().try_for_each(|(name, endpoint)| match endpoint.fault() {
            Some(fault) => say(format!("says of endpoint `{name}` {fault}")),
            None => Ok(()),
        })
    }
}

impl Verify {
    /// What is wrong with it, to stand behind `says of hook`.
    fn fault(&self) -> Option<String> {
        let scheme = self.scheme.as_str();
        match (self.scheme, &self.header) {
            (VerifyScheme::HmacSha256, None) => {
                Some("that its deliveries are signed, but not in which header (`verify.header`)".to_owned())
            }
            (VerifyScheme::HmacSha256, Some(name)) if name.parse::<HeaderName>().is_err() => Some(format!(
                "that its signature stands in `{}`, which is no header name",
                name.escape_debug()
            )),
            (VerifyScheme::HmacSha256, Some(_)) => None,
            (_, Some(_)) => {
                Some(format!("in which header its signature stands, which `{scheme}` says itself"))
            }
            (_, None) if !self.prefix.is_empty() || self.encoding != Encoding::Hex => {
                Some(format!("how its signature is written, which `{scheme}` says itself"))
            }
            (_, None) => None,
        }
    }
}

impl Auth {
    /// What is wrong with how tokens are given, to stand behind `says of endpoint`.
    fn token_fault(&self) -> Option<&'static str> {
        if self.scheme.bears_tokens() && self.token.is_none() {
            return Some("that its requests bear a token, but not where one is given (`auth.token`)");
        }
        if self.audience.is_some() && self.scheme != Scheme::Oauth2Jwt {
            return Some("who is to believe what is signed (`auth.audience`), and nothing is");
        }
        None
    }
}

impl Endpoint {
    /// What is wrong with it, to stand behind `says of endpoint`.
    fn fault(&self) -> Option<String> {
        if let Some(method) = self.methods.iter().find(|method| Method::named(method).is_none()) {
            let known = Method::ALL.map(Method::as_str).join(", ");
            return Some(format!("that it uses method `{method}`; known are {known}"));
        }
        let patterns = self.paths.iter().chain(&self.read_posts);
        if let Some(path) = patterns.into_iter().find(|path| !path.starts_with('/')) {
            return Some(format!("that it uses path `{path}`, which does not begin with `/`"));
        }
        // Where an address leads is read by people, by the operator's grant and by the client: all must read the same.
        let disguised = |base: &&String| {
            base.contains(['\\', '@']) || base.matches("://").count() != 1 || !base.is_ascii()
        };
        let auth = [&self.auth.token, &self.auth.authorize];
        if let Some(base) = self.base.iter().chain(auth.into_iter().flatten()).find(disguised) {
            return Some(format!(
                "that it leads to `{}`, which is no plain address such as `https://api.example.com`",
                base.escape_debug()
            ));
        }
        if self.auth.scheme == Scheme::Header && self.auth.name.is_none() {
            return Some("that its credential goes into a header, but not which (`auth.name`)".to_owned());
        }
        if self.auth.scheme == Scheme::Query && self.auth.name.is_none() {
            return Some("that its credential goes into the query, but not as what (`auth.name`)".to_owned());
        }
        if let Some(fault) = self.auth.token_fault() {
            return Some(fault.to_owned());
        }
        if let Some(fault) = self.auth.authorize_fault() {
            return Some(fault);
        }
        if let Some(fault) = self.auth.signing_fault(&self.methods) {
            return Some(fault);
        }
        if self.idempotency.mode == IdempotencyMode::Header && self.idempotency.name.is_none() {
            return Some("that it honours a key header, but not which (`idempotency.name`)".to_owned());
        }
        if self.idempotency.lifetime_min == Some(0) {
            return Some(
                "that it remembers a key for no time (`idempotency.lifetime-min`): then it honours none"
                    .to_owned(),
            );
        }
        if self.settle_ms.is_some_and(|settle| SETTLE_MAX.0 < settle) {
            return Some(format!(
                "that a request may arrive later than {} ms after it was sent (`settle-ms`): no write waits that long to \
                 be looked for",
                SETTLE_MAX.0
            ));
        }
        if self.rate.per_second == 0 || self.rate.burst == 0 || self.rate.concurrent == 0 {
            return Some("a rate of zero, which would let nothing out".to_owned());
        }
        None
    }
}

fn bad(message: String) -> ConnectorFault {
    ConnectorFault::connector(FaultCode::BadManifest, message)
}

/// The parser's message in our words: the line, and for an unknown key the nearest known one.
fn words(text: &str, error: &toml::de::Error) -> String {
    let line =
        error.span().map_or(1, |span| text.get(..span.start).unwrap_or(text).matches('\n').count() + 1);
    let message = error.message().replace('\n', " ");
    format!("line {line} of the manifest: {message}{}", nearest(&message).unwrap_or_default())
}

/// For `unknown field X, expected one of A, B`: a hint at the one that X was probably meant to be.
fn nearest(message: &str) -> Option<String> {
    let mut quoted = message.strip_prefix("unknown field ")?.split('`').skip(1).step_by(2);
    let found = quoted.next()?;
    let best = quoted.min_by_key(|known| distance(found, known))?;
    Some(format!("; did you mean `{best}`?"))
}

/// Levenshtein distance, for words of a few letters.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, letter) in left.chars().enumerate() {
        let mut diagonal = above;
        row[0] = above + 1;
        for (place, other) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(letter != *other);
            diagonal = row[place + 1];
            row[place + 1] = substituted.min(row[place] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
manifest = 1
[connector]
id = "acme.billing"
version = "1.0.0"
contract = "1.0"
[endpoints.api]
base = "https://api.example.com"
methods = ["GET", "POST"]
paths = ["/v1/*"]
auth = { scheme = "bearer" }
idempotency = { mode = "header", name = "Idempotency-Key", lifetime-min = 1440 }
"#;

    fn refusal(text: &str) -> String {
        Manifest::parse(text).expect_err("it must be refused").message
    }

    #[test]
    fn an_address_in_disguise_is_no_address() {
        for base in [
            "https://attacker.com\\\\@granted.com",
            "https:\\\\attacker.com/x://granted.com",
            "https://granted.com@attacker.com",
            "https://gr\u{430}nted.com",
            "granted.com",
        ] {
            let manifest = format!(
                "manifest = 1\n[connector]\nid = \"acme.crm\"\nversion = \"1.0.0\"\ncontract = \"1.0\"\n\
                 [endpoints.api]\nbase = \"{base}\"\nmethods = [\"GET\"]\npaths = [\"/*\"]\n"
            );
            let fault = Manifest::parse(&manifest).expect_err("it is in disguise");
            assert!(fault.message.contains("which is no plain address"), "{base}: {fault}");
        }
    }

    #[test]
    fn a_manifest_is_read_with_its_defaults() {
        let manifest = Manifest::parse(GOOD).expect("it is good");
        assert_eq!(manifest.connector.class, Class::Small);
        assert_eq!(manifest.settle_ms(), 30_000);
        assert_eq!(manifest.endpoints["api"].rate, Rate { per_second: 10, burst: 20, concurrent: 8 });
    }

    #[test]
    fn an_unknown_key_is_an_error_with_the_nearest_known_one() {
        let message = refusal(&GOOD.replace("contract =", "contrakt ="));
        assert!(message.starts_with("line 6 of the manifest: unknown field `contrakt`"), "{message}");
        assert!(message.ends_with("did you mean `contract`?"), "{message}");
    }

    #[test]
    fn each_fault_of_a_manifest_has_its_sentence() {
        let check = |from: &str, to: &str, expected: &str| {
            let message = refusal(&GOOD.replace(from, to));
            assert!(message.contains(expected), "{message}");
        };
        check("manifest = 1", "manifest = 2", "has format 2");
        check("acme.billing", "Acme Billing", "needs `connector.id`");
        check("\"1.0.0\"", "\"1\"", "needs a semantic `connector.version`");
        check(
            "\"1.0\"",
            "\"0.1\"",
            "was built for contract `0.1`, and this host speaks 1.0: build it with the SDK",
        );
        check("\"1.0\"", "\"1.1\"", "was built for contract `1.1`");
        check("\"POST\"", "\"TRACE\"", "uses method `TRACE`");
        check("\"/v1/*\"", "\"v1/*\"", "does not begin with `/`");
        let hook = |name: &str, verify: &str, expected: &str| {
            let message = refusal(&format!("{GOOD}\n[webhooks.\"{name}\"]\nverify = {{ {verify} }}\n"));
            assert!(message.contains(expected), "{message}");
        };
        hook("Paid", "scheme = \"stripe\"", "calls a hook `Paid`");
        hook("", "scheme = \"stripe\"", "calls a hook ``");
        hook("paid", "scheme = \"hmac-sha256\"", "not in which header");
        hook("paid", "scheme = \"hmac-sha256\", header = \"x y\"", "`x y`, which is no header name");
        hook("paid", "scheme = \"stripe\", header = \"x\"", "which `stripe` says itself");
        hook("paid", "scheme = \"stripe\", encoding = \"base64\"", "which `stripe` says itself");
        hook("paid", "scheme = \"md5\"", "unknown variant `md5`");
        let message = refusal(&format!("{GOOD}\n[intake]\nintent-types = [\"refund\"]\n"));
        assert!(message.contains("has no hook"), "{message}");
        check("scheme = \"bearer\"", "scheme = \"header\"", "not which (`auth.name`)");
        check("scheme = \"bearer\"", "scheme = \"query\"", "not as what (`auth.name`)");
        check("name = \"Idempotency-Key\", ", "", "not which (`idempotency.name`)");
        check("lifetime-min = 1440", "lifetime-min = 0", "remembers a key for no time");
        check("lifetime-min = 1440 }", "lifetime-min = 1440 }\nsettle-ms = 3600001", "later than 3600000 ms");
        check("scheme = \"bearer\"", "scheme = \"oauth2-client\"", "not where one is given (`auth.token`)");
        check("scheme = \"bearer\"", "scheme = \"oauth2-jwt\"", "not where one is given (`auth.token`)");
        check(
            "scheme = \"bearer\"",
            "scheme = \"bearer\", audience = \"id\"",
            "(`auth.audience`), and nothing is",
        );
        let refresh = "scheme = \"oauth2-refresh\", token = \"https://id.example.com\", scopes = [\"a\"]";
        check("scheme = \"bearer\"", refresh, "has granted some already");
        let disguised =
            refresh.replace("scopes = [\"a\"]", "authorize = \"https://id.example.com@other.com\"");
        check("scheme = \"bearer\"", &disguised, "which is no plain address");
        check("scheme = \"bearer\"", "scheme = \"mtls\"", "unknown variant `mtls`");
    }
}
