//! Who sent a delivery: checked by the host on the bytes as they arrived, before anybody reads them.
//!
//! | scheme | header | what is signed | secret | stands for the delivery |
//! |---|---|---|---|---|
//! | `standard-webhooks` | `webhook-id`, `webhook-timestamp`, `webhook-signature` | `id.timestamp.body`, `v1` HMAC-SHA256 or `v1a` ed25519 | `whsec_` or `whpk_`, base64 | the id |
//! | the same, of Svix | `svix-id`, `svix-timestamp`, `svix-signature` | the same | the same | the same |
//! | `stripe` | `stripe-signature` | `t.body`, HMAC-SHA256, hex | as Stripe shows it | `id` of the body |
//! | `slack` | `x-slack-signature`, `x-slack-request-timestamp` | `v0:timestamp:body`, HMAC-SHA256, hex | the signing secret | `event_id` of the body, else its bytes |
//! | `github` | `x-hub-signature-256` | the body, HMAC-SHA256, hex | as it was entered there | its bytes |
//! | `hubspot` | `x-hubspot-signature-v3`, `x-hubspot-request-timestamp` | `POST`, the address, body and timestamp in a row, HMAC-SHA256, base64 | the app's client secret | its bytes |
//! | `hmac-sha256` | the one that the manifest names | the body | any text | its bytes |
//!
//! An id that is not signed is not believed: whoever has one signed delivery could send it under a thousand names. An address
//! is that of the configuration, whatever the delivery says of itself: a proxy on the way may have made another one of it.
//!
//! Sources: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>,
//! <https://docs.svix.com/receiving/verifying-payloads/how-manual>,
//! <https://docs.stripe.com/webhooks/signature>, <https://docs.slack.dev/authentication/verifying-requests-from-slack>,
//! <https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries>,
//! <https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation>.

use crate::manifest::{Encoding, Verify, VerifyScheme};
use crate::secret::Secret;
use countersign_core::hash::Digest;
use countersign_core::time::Timestamp;
use countersign_engine::port::connectors::Arrived;
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use ed25519_dalek::{Signature, VerifyingKey};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;
use zeroize::Zeroizing;

/// How far the sender's clock may be from ours, in milliseconds: what each of the vendors recommends.
const CLOCK_MS_MAX: u64 = 5 * 60 * 1_000;
/// Milliseconds of a second, in which most count.
const SECOND_MS: i64 = 1_000;
/// Most secrets of one hook: an old one and a new one while it is rotated, and some to spare.
const SECRETS_MAX: usize = 5;
/// Most signatures of one delivery that are tried.
const SIGNATURES_MAX: usize = 20;
/// Shortest secret, in bytes.
const SECRET_BYTES_MIN: usize = 8;

/// How the deliveries of one hook are verified.
pub(crate) struct Verifier {
    verify: Verify,
    keys: Vec<Key>,
    /// Where its deliveries are posted to, as their sender knows it.
    address: Option<String>,
}

enum Key {
    Shared(Zeroizing<Vec<u8>>),
    Public(Box<VerifyingKey>),
}

/// What was proved.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Proved {
    /// A delivery, with what tells it from every other one of its hook.
    Delivery(Digest),
    /// The sender asks whether this is the right place.
    Challenge(String),
}

impl Verifier {
    /// Verifies by the scheme of the manifest and any of the connection's secrets, which stand one a line. `address` is
    /// where its deliveries are posted to, if the host knows its own.
    pub(crate) fn new(verify: &Verify, secret: &Secret, address: Option<String>) -> Result<Verifier, String> {
        if verify.scheme == VerifyScheme::Hubspot && address.is_none() {
            return Err(
                "is signed with the address that it is posted to, and nothing says where this host is reached; add \
                 `public-address` under `[server]`, as its sender was given it"
                    .to_owned(),
            );
        }
        let lines = secret.expose().lines().map(str::trim).filter(|line| !line.is_empty());
        let secrets: Vec<&str> = lines.collect();
        if secrets.is_empty() || SECRETS_MAX < secrets.len() {
            return Err(format!("has {} secrets and not 1 to {SECRETS_MAX}, one a line", secrets.len()));
        }
        let keys = secrets.into_iter().map(|secret| key(verify.scheme, secret)).collect::<Result<_, _>>()?;
        Ok(Verifier { verify: verify.clone(), keys, address })
    }

    /// How deliveries are proved, in a word.
    pub(crate) fn scheme(&self) -> &'static str {
        self.verify.scheme.as_str()
    }

    /// The header that the manifest names for the signature.
    pub(crate) fn header(&self) -> Option<&str> {
        self.verify.header.as_deref()
    }

    /// Checks what has arrived.
    pub(crate) fn proved(&self, arrived: &Arrived, now: Timestamp) -> Result<Proved, String> {
        match self.verify.scheme {
            VerifyScheme::StandardWebhooks => self.standard(arrived, now),
            VerifyScheme::Stripe => self.stripe(arrived, now),
            VerifyScheme::Slack => self.slack(arrived, now),
            VerifyScheme::Github => self.plain(arrived, "x-hub-signature-256", "sha256=", Encoding::Hex),
            VerifyScheme::Hubspot => self.hubspot(arrived, now),
            VerifyScheme::HmacSha256 => {
                let header = self.verify.header.as_deref().unwrap_or_default();
                self.plain(arrived, header, &self.verify.prefix, self.verify.encoding)
            }
        }
    }

    fn standard(&self, arrived: &Arrived, now: Timestamp) -> Result<Proved, String> {
        let [named, moment, signatures] = standard_headers(arrived);
        let (id, moment) = (header(arrived, named)?, header(arrived, moment)?);
        is_recent(moment, SECOND_MS, now)?;
        // What is signed is all three in a row: with another dot it could be taken apart otherwise.
        if id.contains('.') {
            return Err(format!("its `{named}` holds a `.`"));
        }
        let signed = [id.as_bytes(), b".", moment.as_bytes(), b".", &arrived.body].concat();
        let signatures = header(arrived, signatures)?.split(' ').take(SIGNATURES_MAX);
        let fits = signatures.filter_map(|one| one.split_once(',')).any(|(version, text)| {
            let Ok(bytes) = BASE64.decode(text.as_bytes()) else { return false };
            self.keys.iter().any(|key| match (version, key) {
                ("v1", Key::Shared(key)) => is_mac(key, &signed, &bytes),
                ("v1a", Key::Public(key)) => Signature::from_slice(&bytes)
                    .is_ok_and(|signature| key.verify_strict(&signed, &signature).is_ok()),
                _ => false,
            })
        });
        proved(fits, || Proved::Delivery(Digest::of(id.as_bytes())))
    }

    fn stripe(&self, arrived: &Arrived, now: Timestamp) -> Result<Proved, String> {
        let parts = || header(arrived, "stripe-signature").map(|text| text.split(',').take(SIGNATURES_MAX));
        let value = |wanted| {
            move |part: &'_ str| {
                part.trim()
                    .split_once('=')
                    .filter(|(name, _)| *name == wanted)
                    .map(|(_, value)| value.to_owned())
            }
        };
        let moment = parts()?.find_map(value("t")).ok_or("`stripe-signature` names no moment `t`")?;
        is_recent(&moment, SECOND_MS, now)?;
        let signed = [moment.as_bytes(), b".", &arrived.body].concat();
        let fits = parts()?.filter_map(value("v1")).any(|text| self.is_signed(&signed, &text, Encoding::Hex));
        proved(fits, || Proved::Delivery(named(&arrived.body, |said| said.id)))
    }

    fn slack(&self, arrived: &Arrived, now: Timestamp) -> Result<Proved, String> {
        let moment = header(arrived, "x-slack-request-timestamp")?;
        is_recent(moment, SECOND_MS, now)?;
        let signed = [b"v0:", moment.as_bytes(), b":", &arrived.body].concat();
        let text = header(arrived, "x-slack-signature")?.strip_prefix("v0=").unwrap_or_default();
        let fits = self.is_signed(&signed, text, Encoding::Hex);
        proved(fits, || {
            let said: Said = serde_json::from_slice(&arrived.body).unwrap_or_default();
            match (said.kind.as_deref(), said.challenge) {
                (Some("url_verification"), Some(challenge)) => Proved::Challenge(challenge),
                _ => Proved::Delivery(named(&arrived.body, |said| said.event_id)),
            }
        })
    }

    fn hubspot(&self, arrived: &Arrived, now: Timestamp) -> Result<Proved, String> {
        let moment = header(arrived, "x-hubspot-request-timestamp")?;
        is_recent(moment, 1, now)?;
        // INVARIANT: without an address there is no such verifier. It is of names that need no percent signs, so nothing of
        // it is decoded before it is signed, as HubSpot does with other addresses.
        let address = self.address.as_deref().unwrap_or_default();
        let signed = [b"POST", address.as_bytes(), &arrived.body, moment.as_bytes()].concat();
        let text = header(arrived, "x-hubspot-signature-v3")?;
        let fits = self.is_signed(&signed, text, Encoding::Base64);
        // An event has an id, which HubSpot says is not unique.
        proved(fits, || Proved::Delivery(Digest::of(&arrived.body)))
    }

    fn plain(
        &self,
        arrived: &Arrived,
        name: &str,
        prefix: &str,
        encoding: Encoding,
    ) -> Result<Proved, String> {
        let text = header(arrived, name)?;
        let text =
            text.strip_prefix(prefix).ok_or_else(|| format!("`{name}` does not begin with `{prefix}`"))?;
        let fits = self.is_signed(&arrived.body, text, encoding);
        proved(fits, || Proved::Delivery(Digest::of(&arrived.body)))
    }

    fn is_signed(&self, signed: &[u8], text: &str, encoding: Encoding) -> bool {
        let decoded = match encoding {
            Encoding::Hex => HEXLOWER_PERMISSIVE.decode(text.as_bytes()),
            Encoding::Base64 => BASE64.decode(text.as_bytes()),
        };
        let Ok(bytes) = decoded else { return false };
        self.keys.iter().any(|key| matches!(key, Key::Shared(key) if is_mac(key, signed, &bytes)))
    }
}

/// What a body is looked through for, once its signature is right.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Said {
    id: Option<String>,
    event_id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    challenge: Option<String>,
}

/// The sender's name of a delivery in its body; its bytes where there is none.
fn named(body: &[u8], name: impl FnOnce(Said) -> Option<String>) -> Digest {
    let said = serde_json::from_slice::<Said>(body).ok().and_then(name);
    said.filter(|name| !name.is_empty()).map_or_else(|| Digest::of(body), |name| Digest::of(name.as_bytes()))
}

fn key(scheme: VerifyScheme, secret: &str) -> Result<Key, String> {
    let of_base64 = |text: &str| {
        BASE64
            .decode(text.as_bytes())
            .map_err(|_| "has a secret that is no base64 behind its prefix".to_owned())
    };
    let key = match (scheme, secret.split_once('_')) {
        (VerifyScheme::StandardWebhooks, Some(("whsec", text))) => Key::Shared(of_base64(text)?.into()),
        (VerifyScheme::StandardWebhooks, Some(("whpk", text))) => {
            let bytes = of_base64(text)?;
            let key =
                <[u8; 32]>::try_from(bytes).ok().and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok());
            Key::Public(Box::new(key.ok_or("has a public key `whpk_...` that is none of ed25519")?))
        }
        (VerifyScheme::StandardWebhooks, _) => {
            return Err("needs a secret of the form `whsec_...`, or a public key `whpk_...`".to_owned());
        }
        (
            VerifyScheme::Stripe
            | VerifyScheme::Slack
            | VerifyScheme::Github
            | VerifyScheme::Hubspot
            | VerifyScheme::HmacSha256,
            _,
        ) => Key::Shared(secret.as_bytes().to_vec().into()),
    };
    match &key {
        Key::Shared(bytes) if bytes.len() < SECRET_BYTES_MIN => {
            Err(format!("has a secret of fewer than {SECRET_BYTES_MIN} bytes, which anybody finds"))
        }
        Key::Shared(_) | Key::Public(_) => Ok(key),
    }
}

fn header<'a>(arrived: &'a Arrived, wanted: &str) -> Result<&'a str, String> {
    let mut found = arrived.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Ok(value),
        (None, _) => Err(format!("it lacks the header `{wanted}`")),
        (Some(_), Some(_)) => Err(format!("it has the header `{wanted}` more than once")),
    }
}

/// The headers of Standard Webhooks: id, moment and signatures. Svix sends the same under its own name.
fn standard_headers(arrived: &Arrived) -> [&'static str; 3] {
    match header(arrived, "svix-id") {
        Ok(_) if header(arrived, "webhook-id").is_err() => ["svix-id", "svix-timestamp", "svix-signature"],
        _ => ["webhook-id", "webhook-timestamp", "webhook-signature"],
    }
}

/// `moment` counts since 1970 what has `unit_ms` milliseconds.
fn is_recent(moment: &str, unit_ms: i64, now: Timestamp) -> Result<(), String> {
    let moment = moment.parse::<i64>().ok().and_then(|moment| moment.checked_mul(unit_ms));
    let Some(moment) = moment else {
        let unit = if unit_ms == SECOND_MS { "seconds" } else { "milliseconds" };
        return Err(format!("its moment is no number of {unit} since 1970"));
    };
    if now.0.abs_diff(moment) <= CLOCK_MS_MAX {
        return Ok(());
    }
    Err(format!(
        "it was signed at {}, more than five minutes away from {now}; is a clock wrong?",
        Timestamp(moment)
    ))
}

/// Compares in constant time.
fn is_mac(key: &[u8], signed: &[u8], mac: &[u8]) -> bool {
    Hmac::<Sha256>::new_from_slice(key).is_ok_and(|hmac| hmac.chain_update(signed).verify_slice(mac).is_ok())
}

fn proved(fits: bool, what: impl FnOnce() -> Proved) -> Result<Proved, String> {
    if fits { Ok(what()) } else { Err("no signature of it is made with a secret of this hook".to_owned()) }
}

/// What the name of a header holds that bears a credential or a signature.
const KEPT: [&str; 9] =
    ["signature", "authorization", "cookie", "hmac", "token", "secret", "api-key", "apikey", "password"];

/// The headers that a connector sees: none that bears a credential or a signature, `own` being the one by which this hook
/// is verified, and none of the way here.
pub(crate) fn shown(headers: Vec<(String, String)>, own: Option<&str>) -> Vec<(String, String)> {
    let is_kept = |name: &str| {
        KEPT.iter().any(|part| name.contains(part)) || own.is_some_and(|own| own.eq_ignore_ascii_case(name))
    };
    let is_way = |name: &str| {
        matches!(
            name,
            "host" | "connection" | "content-length" | "transfer-encoding" | "via" | "forwarded" | "te"
        ) || name.starts_with("x-forwarded")
            || name.starts_with("x-real")
            || name.starts_with("proxy-")
    };
    headers
        .into_iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .filter(|(name, _)| !is_kept(name) && !is_way(name))
        .collect()
}

#[cfg(test)]
mod tests;
