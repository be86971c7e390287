//! Joining the credential to a request, and keeping it from coming back.
//!
//! It happens after every check and inside the host: a guest never holds a credential, and what the
//! target echoes of it is hidden before the guest sees the answer.

use super::oauth2::{Keyring, Parties, Token, Tokens};
use super::signer::Signer;
use crate::manifest::{Auth, Scheme};
use crate::secret::Secret;
use countersign_core::time::Timestamp;
use data_encoding::BASE64;
use ed25519_dalek::{Signer as _, SigningKey};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use sha2::Sha256;
use std::sync::Arc;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

/// What stands where a secret stood.
const HIDDEN: &[u8] = b"[secret]";

/// Shorter secrets are not searched for: they would hide parts of ordinary words.
const HIDDEN_BYTES_MIN: usize = 6;

/// A scheme with what it needs.
pub(crate) enum Credential {
    /// No credential.
    None,
    /// A fixed header, marked as sensitive, and the forms of the secret to hide in answers.
    Header { name: HeaderName, value: HeaderValue, hide: Vec<Vec<u8>> },
    /// A fixed pair of the query, as it stands in the address, and the forms of the secret to hide in answers.
    Query { name: String, pair: Zeroizing<String>, hide: Vec<Vec<u8>> },
    /// Standard Webhooks, symmetric.
    SignedV1 { key: Vec<u8>, hide: Vec<Vec<u8>> },
    /// Standard Webhooks, asymmetric.
    SignedV1a { key: Box<SigningKey>, hide: Vec<Vec<u8>> },
    /// A scheme that the manifest declares.
    Hmac { signer: Box<Signer>, hide: Vec<Vec<u8>> },
    /// A token that the host has itself given.
    Token(Arc<Tokens>),
}

/// A request as it leaves, for schemes that sign it.
pub(crate) struct Message<'m> {
    /// Names it; the idempotency key of a step, so a receiver that remembers ids does the step once.
    pub(crate) id: &'m str,
    pub(crate) now: Timestamp,
    /// In capitals.
    pub(crate) method: &'m str,
    /// Path and query as they are sent.
    pub(crate) target: &'m str,
    pub(crate) body: &'m [u8],
}

/// What the host has itself given tokens with.
pub(crate) struct SignIn<'k> {
    /// What the connection has been given already.
    pub(crate) keyring: &'k Keyring,
    /// Where tokens are given.
    pub(crate) token: Option<Url>,
    /// Who signs for whom there.
    pub(crate) parties: Option<Parties>,
}

impl Credential {
    /// Joins the manifest's scheme and the connection's secret. Of `SignIn`, what schemes with tokens want.
    pub(crate) fn of(
        auth: &Auth,
        secret: Option<&Secret>,
        SignIn { keyring, token, parties }: SignIn<'_>,
    ) -> Result<Credential, String> {
        let kept = match (auth.scheme, secret) {
            (Scheme::None, None) => return Ok(Credential::None),
            (Scheme::None, Some(_)) => {
                return Err("has a secret, but its connector sends none; remove it".to_owned());
            }
            (_, None) => {
                return Err("needs a credential; name it as `secret`, such as `env:API_KEY`".to_owned());
            }
            (_, Some(secret)) => secret,
        };
        let secret = kept.expose();
        let hide = vec![secret.as_bytes().to_vec()];
        let url = || token.ok_or("does not know where tokens are given");
        match auth.scheme {
            Scheme::None => Ok(Credential::None),
            Scheme::Bearer => header(header::AUTHORIZATION, &format!("Bearer {secret}"), hide),
            Scheme::Basic => {
                let Some((user, password)) = secret.split_once(':') else {
                    return Err("needs a secret of the form `user:password`".to_owned());
                };
                let encoded = BASE64.encode(secret.as_bytes());
                // Where there is no password, the user is the key.
                let bare = if password.is_empty() { user } else { password };
                let hide =
                    vec![secret.as_bytes().to_vec(), bare.as_bytes().to_vec(), encoded.clone().into_bytes()];
                header(header::AUTHORIZATION, &format!("Basic {encoded}"), hide)
            }
            Scheme::Header => {
                let name = auth.name.as_deref().unwrap_or_default();
                let name = name
                    .parse()
                    .map_err(|_| format!("sends its credential in `{name}`, which is no header name"))?;
                header(name, secret, hide)
            }
            Scheme::Query => {
                let name = auth.name.clone().unwrap_or_default();
                let secret = secret.trim();
                let encoded =
                    form_urlencoded::Serializer::new(String::new()).append_pair("", secret).finish();
                let encoded = encoded.trim_start_matches('=');
                let pair =
                    form_urlencoded::Serializer::new(String::new()).append_pair(&name, secret).finish();
                let hide = vec![secret.as_bytes().to_vec(), encoded.as_bytes().to_vec()];
                Ok(Credential::Query { name, pair: Zeroizing::new(pair), hide })
            }
            Scheme::StandardWebhooks => signing(secret, hide),
            Scheme::Hmac => {
                let signing = auth.sign.as_ref().ok_or("does not know how its requests are signed")?;
                let signer = Box::new(Signer::new(signing, secret)?);
                // The key is never sent; it is hidden all the same, alone too, for targets that show what was entered there.
                let key = secret.trim().rsplit_once(':').map(|(_, key)| key.as_bytes().to_vec());
                Ok(Credential::Hmac { signer, hide: hide.into_iter().chain(key).collect() })
            }
            Scheme::Oauth2Client => {
                Tokens::of_client(keyring, url()?, kept, (auth.client, &auth.scopes)).map(Credential::Token)
            }
            Scheme::Oauth2Refresh => {
                Tokens::of_refresh(keyring, url()?, kept, auth.client).map(Credential::Token)
            }
            Scheme::Oauth2Jwt => {
                let parties = parties.ok_or("does not know who signs for whom")?;
                Tokens::of_key(keyring, url()?, kept, (parties, &auth.scopes)).map(Credential::Token)
            }
        }
    }

    /// The name in the query that is the host's own, if its credential goes there.
    pub(crate) fn query_name(&self) -> Option<&str> {
        match self {
            Credential::Query { name, .. } => Some(name),
            Credential::None
            | Credential::Header { .. }
            | Credential::SignedV1 { .. }
            | Credential::SignedV1a { .. }
            | Credential::Hmac { .. }
            | Credential::Token(_) => None,
        }
    }

    /// The headers that are the host's own at an endpoint with this credential.
    pub(crate) fn headers(&self) -> impl Iterator<Item = &HeaderName> {
        let signer = match self {
            Credential::Hmac { signer, .. } => Some(signer),
            Credential::None
            | Credential::Header { .. }
            | Credential::Query { .. }
            | Credential::SignedV1 { .. }
            | Credential::SignedV1a { .. }
            | Credential::Token(_) => None,
        };
        signer.into_iter().flat_map(|signer| signer.headers())
    }

    /// Path and query with the credential, for the scheme that puts it there.
    pub(crate) fn address(&self, target: String) -> Zeroizing<String> {
        let Credential::Query { pair, .. } = self else { return Zeroizing::new(target) };
        let between = if target.contains('?') { '&' } else { '?' };
        Zeroizing::new(format!("{target}{between}{}", pair.as_str()))
    }

    /// Adds the credential. `token` is the one in use, for the scheme that has any.
    pub(crate) fn sign(&self, headers: &mut HeaderMap, token: Option<&Token>, message: &Message<'_>) {
        let Message { id, now, body, .. } = *message;
        let signature = match self {
            // One of the query is in the address already.
            Credential::None | Credential::Query { .. } => return,
            Credential::Token(_) => {
                if let Some(Token(value)) = token {
                    headers.insert(header::AUTHORIZATION, value.clone());
                }
                return;
            }
            Credential::Header { name, value, .. } => {
                headers.insert(name, value.clone());
                return;
            }
            Credential::Hmac { signer, .. } => return signer.sign(headers, message),
            Credential::SignedV1 { key, .. } => {
                format!("v1,{}", BASE64.encode(&hmac(key, &signed_content(id, now, body))))
            }
            Credential::SignedV1a { key, .. } => {
                format!("v1a,{}", BASE64.encode(&key.sign(&signed_content(id, now, body)).to_bytes()))
            }
        };
        let fields = [
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", seconds(now)),
            ("webhook-signature", signature),
        ];
        for (name, value) in fields {
            // An id is base 32, a time is digits and a signature is base 64: each is a header value.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }

    /// Replaces the secret's bytes, in the forms in which they travel.
    pub(crate) fn hide(&self, bytes: Vec<u8>) -> Vec<u8> {
        let tokens;
        let forms = match self {
            Credential::None => return bytes,
            Credential::Token(given) => {
                tokens = given.hidden();
                &tokens
            }
            Credential::Header { hide, .. }
            | Credential::Query { hide, .. }
            | Credential::SignedV1 { hide, .. }
            | Credential::SignedV1a { hide, .. }
            | Credential::Hmac { hide, .. } => hide,
        };
        forms
            .iter()
            .filter(|form| form.len() >= HIDDEN_BYTES_MIN)
            .fold(bytes, |bytes, form| replaced(bytes, form))
    }
}

fn header(name: HeaderName, value: &str, hide: Vec<Vec<u8>>) -> Result<Credential, String> {
    let mut value = HeaderValue::from_str(value.trim()).map_err(|_| {
        "has a secret with characters that no header can carry; check for line breaks".to_owned()
    })?;
    value.set_sensitive(true);
    Ok(Credential::Header { name, value, hide })
}

fn signing(secret: &str, hide: Vec<Vec<u8>>) -> Result<Credential, String> {
    let malformed =
        || "needs a secret of the form `whsec_...` (HMAC) or `whsk_...` (ed25519), in base 64".to_owned();
    let (asymmetric, encoded) = match (secret.strip_prefix("whsec_"), secret.strip_prefix("whsk_")) {
        (Some(encoded), _) => (false, encoded),
        (None, Some(encoded)) => (true, encoded),
        (None, None) => return Err(malformed()),
    };
    let key = BASE64.decode(encoded.as_bytes()).map_err(|_| malformed())?;
    if asymmetric {
        // 32 bytes of seed, or the seed followed by the public key.
        let seed: [u8; 32] = key.get(..32).and_then(|seed| seed.try_into().ok()).ok_or_else(malformed)?;
        return Ok(Credential::SignedV1a { key: Box::new(SigningKey::from_bytes(&seed)), hide });
    }
    if key.len() < 16 {
        return Err("has a signing secret of less than 16 bytes; draw a longer one".to_owned());
    }
    Ok(Credential::SignedV1 { key, hide })
}

/// What Standard Webhooks signs: `id.timestamp.body`.
fn signed_content(id: &str, now: Timestamp, body: &[u8]) -> Vec<u8> {
    let mut content = format!("{id}.{}.", seconds(now)).into_bytes();
    content.extend_from_slice(body);
    content
}

fn seconds(now: Timestamp) -> String {
    now.0.div_euclid(1_000).to_string()
}

fn hmac(key: &[u8], content: &[u8]) -> Vec<u8> {
    // INVARIANT: HMAC takes keys of every length (RFC 2104), so the fallback is never reached.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(content);
    mac.finalize().into_bytes().to_vec()
}

fn replaced(bytes: Vec<u8>, form: &[u8]) -> Vec<u8> {
    if !bytes.windows(form.len()).any(|window| window == form) {
        return bytes;
    }
    let mut result = Vec::with_capacity(bytes.len());
    let mut rest = bytes.as_slice();
    while let Some((first, after)) = rest.split_first() {
        if let Some(behind) = rest.strip_prefix(form) {
            result.extend_from_slice(HIDDEN);
            rest = behind;
        } else {
            result.push(*first);
            rest = after;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Tally;
    use ed25519_dalek::Verifier;

    /// The credential of a scheme without tokens.
    fn joined(auth: &Auth, secret: Option<&str>) -> Result<Credential, String> {
        let keyring = Keyring::of(Tally::default());
        let secret = secret.map(|text| Secret::new(text.to_owned()));
        Credential::of(auth, secret.as_ref(), SignIn { keyring: &keyring, token: None, parties: None })
    }

    fn credential(scheme: Scheme, name: Option<&str>, secret: &str) -> Credential {
        let auth = Auth { scheme, name: name.map(str::to_owned), ..Auth::default() };
        joined(&auth, Some(secret)).unwrap_or_else(|error| panic!("{error}"))
    }

    fn signed(credential: &Credential) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let body = br#"{"test": 2432232314}"#;
        let (id, now) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", Timestamp(1_614_265_330_999));
        let message = Message { id, now, method: "POST", target: "/hook", body };
        credential.sign(&mut headers, None, &message);
        headers
    }

    #[test]
    fn each_scheme_writes_its_header() {
        let basic = signed(&credential(Scheme::Basic, None, "Aladdin:open sesame"));
        assert_eq!(basic["authorization"], "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(basic["authorization"].is_sensitive());
        assert_eq!(
            signed(&credential(Scheme::Bearer, None, "sk_test_1\n"))["authorization"],
            "Bearer sk_test_1"
        );
        assert_eq!(signed(&credential(Scheme::Header, Some("X-Api-Key"), "abc"))["x-api-key"], "abc");
    }

    #[test]
    fn a_key_of_the_query_stands_behind_what_the_connector_asks() {
        let key = credential(Scheme::Query, Some("api key"), "k=1&admin=1 \u{e9}\n");
        let written = "api+key=k%3D1%26admin%3D1+%C3%A9";
        assert_eq!(*key.address("/v1/deals".to_owned()), format!("/v1/deals?{written}"));
        assert_eq!(*key.address("/v1/deals?a=1".to_owned()), format!("/v1/deals?a=1&{written}"));
        assert_eq!(key.query_name(), Some("api key"));
        assert!(signed(&key).is_empty());
        // Neither as it is kept nor as it travels.
        let echoed = key.hide(format!("no k=1&admin=1 \u{e9} and no {written}").into_bytes());
        assert_eq!(String::from_utf8_lossy(&echoed), "no [secret] and no api+key=[secret]");
        let header = credential(Scheme::Header, Some("X-Api-Key"), "abc");
        assert_eq!((&**header.address("/v1".to_owned()), header.query_name()), ("/v1", None));
    }

    #[test]
    fn standard_webhooks_are_signed_as_the_specification_shows() {
        // The example of the specification's reference libraries.
        let headers =
            signed(&credential(Scheme::StandardWebhooks, None, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
        assert_eq!(headers["webhook-signature"], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(headers["webhook-timestamp"], "1614265330");
    }

    #[test]
    fn an_asymmetric_signature_is_verified_with_the_public_key() {
        let seed = [7_u8; 32];
        let secret = format!("whsk_{}", BASE64.encode(&seed));
        let headers = signed(&credential(Scheme::StandardWebhooks, None, &secret));
        let text = headers["webhook-signature"].to_str().expect("it is text");
        let bytes =
            BASE64.decode(text.strip_prefix("v1a,").expect("it is v1a").as_bytes()).expect("it is base 64");
        let signature = ed25519_dalek::Signature::from_slice(&bytes).expect("it is a signature");
        let content = br#"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}"#;
        assert!(SigningKey::from_bytes(&seed).verifying_key().verify(content, &signature).is_ok());
    }

    #[test]
    fn a_secret_that_comes_back_is_hidden_in_each_form() {
        let basic = credential(Scheme::Basic, None, "user:hunter2!");
        let answer = b"you sent dXNlcjpodW50ZXIyIQ== that is user:hunter2! with hunter2!".to_vec();
        assert_eq!(basic.hide(answer), b"you sent [secret] that is [secret] with [secret]");
        // A key that is a user without a password.
        let bare = credential(Scheme::Basic, None, "live_hunter2:");
        assert_eq!(bare.hide(b"no live_hunter2 here".to_vec()), b"no [secret] here");
        let short = credential(Scheme::Header, Some("x-key"), "abc");
        assert_eq!(short.hide(b"abcdef".to_vec()), b"abcdef");
    }

    #[test]
    fn a_secret_that_does_not_fit_its_scheme_is_refused_without_being_shown() {
        let refused = |scheme, secret: Option<&str>| match joined(&Auth { scheme, ..Auth::default() }, secret)
        {
            Ok(_) => panic!("it must be refused"),
            Err(message) => message,
        };
        assert!(refused(Scheme::Bearer, None).contains("needs a credential"));
        assert!(refused(Scheme::None, Some("x")).contains("sends none"));
        assert!(refused(Scheme::Basic, Some("canary")).contains("user:password"));
        assert!(refused(Scheme::StandardWebhooks, Some("canary")).contains("whsec_"));
        assert!(refused(Scheme::Bearer, Some("a\r\nX: canary")).contains("line breaks"));
        for message in
            [refused(Scheme::Basic, Some("canary")), refused(Scheme::Bearer, Some("a\r\nX: canary"))]
        {
            assert!(!message.contains("canary"), "{message}");
        }
    }
}
