//! What a token is asked for with: the client's own name, a refresh token, or a signed word about somebody.

use super::refresh::Refresh;
use super::{ClientProof, Parties, denied};
use countersign_core::effect::attempt::Failure;
use countersign_core::hash::Digest;
use countersign_core::time::Timestamp;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::json;
use std::sync::Arc;
use url::form_urlencoded;
use zeroize::Zeroizing;

/// How long an assertion holds, in seconds. Salesforce takes three minutes at most, others an hour.
const ASSERTION_SECONDS: i64 = 120;
/// Shortest RSA key that signs, in bytes: 2,048 bits (RFC 7518, §3.3).
const RSA_BYTES_MIN: usize = 256;

/// What tokens are given for.
pub(super) enum Grant {
    /// The client itself (RFC 6749, §4.4).
    Client(ClientId, ClientProof),
    /// A refresh token (RFC 6749, §6).
    Refresh(Arc<Refresh>, ClientProof),
    /// A word that the client signs, about whom it acts for (RFC 7523, §2.1).
    Assertion(Box<Assertion>),
    /// What a person's browser came back with (RFC 6749, §4.1.3).
    Code(Box<Code>),
}

/// A code, and all that shows that it was asked for by whom it was given to.
pub(super) struct Code {
    pub(super) client: ClientId,
    pub(super) proof: ClientProof,
    pub(super) code: Zeroizing<String>,
    /// Where the browser was sent back to.
    pub(super) back: String,
    /// What nobody has who only saw the code (RFC 7636, §4.5).
    pub(super) verifier: Zeroizing<String>,
}

/// A client, and what only it knows.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct ClientId {
    pub(super) id: String,
    pub(super) secret: Zeroizing<String>,
}

/// Who says what of whom, and the key that it is signed with.
pub(super) struct Assertion {
    pub(super) parties: Parties,
    pub(super) key: SigningKey,
    /// Of the key as its secret has it: what tells one key from another.
    pub(super) digest: Digest,
}

/// A private key, by what it signs with.
pub(super) enum SigningKey {
    /// RS256.
    Rsa(RsaKeyPair),
    /// ES256.
    P256(EcdsaKeyPair),
    /// EdDSA.
    Ed25519(Ed25519KeyPair),
}

/// As it stands in a form.
fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

impl ClientId {
    /// The client in `secret`, which is `client:secret`.
    pub(super) fn parse(secret: &str) -> Result<ClientId, String> {
        let parts = secret.split_once(':').filter(|(id, secret)| !id.is_empty() && !secret.is_empty());
        let (id, secret) = parts.ok_or("needs a secret of the form `client:secret`")?;
        Ok(ClientId { id: id.to_owned(), secret: Zeroizing::new(secret.to_owned()) })
    }

    /// `Authorization`, where the client proves itself there: both are form-encoded before they are joined (§2.3.1).
    fn basic(&self) -> Zeroizing<String> {
        let pair = Zeroizing::new(format!("{}:{}", encoded(&self.id), encoded(&self.secret)));
        Zeroizing::new(format!("Basic {}", BASE64.encode(pair.as_bytes())))
    }
}

impl Grant {
    /// Whether a token for the one is as good as a token for the other.
    pub(super) fn is_as(&self, other: &Grant) -> bool {
        match (self, other) {
            (Grant::Client(one, proof), Grant::Client(other, other_proof)) => {
                one == other && proof == other_proof
            }
            (Grant::Refresh(one, proof), Grant::Refresh(other, other_proof)) => {
                Arc::ptr_eq(one, other) && proof == other_proof
            }
            (Grant::Assertion(one), Grant::Assertion(other)) => {
                one.parties == other.parties && one.digest == other.digest
            }
            // A code is spent once.
            (Grant::Client(..) | Grant::Refresh(..) | Grant::Assertion(_) | Grant::Code(_), _) => false,
        }
    }

    /// What is posted, and what goes into `Authorization`.
    pub(super) fn asked(
        &self,
        scopes: &[String],
        now: Timestamp,
    ) -> Result<(Zeroizing<String>, Option<Zeroizing<String>>), Failure> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        let scope = scopes.join(" ");
        let (client, names_scope) = match self {
            Grant::Client(client, proof) => {
                form.append_pair("grant_type", "client_credentials");
                (Some((client.clone(), *proof)), true)
            }
            Grant::Refresh(refresh, proof) => {
                let (client, token) = refresh.now();
                form.append_pair("grant_type", "refresh_token");
                form.append_pair("refresh_token", &token);
                // What was granted once is granted again.
                (Some((client, *proof)), false)
            }
            Grant::Assertion(assertion) => {
                form.append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
                form.append_pair("assertion", &assertion.signed(&scope, now)?);
                (None, true)
            }
            Grant::Code(given) => {
                form.append_pair("grant_type", "authorization_code");
                form.append_pair("code", &given.code).append_pair("redirect_uri", &given.back);
                form.append_pair("code_verifier", &given.verifier);
                // The person was asked for the scopes.
                (Some((given.client.clone(), given.proof)), false)
            }
        };
        if names_scope && !scope.is_empty() {
            form.append_pair("scope", &scope);
        }
        let proof = match client {
            Some((client, ClientProof::Basic)) => Some(client.basic()),
            Some((client, ClientProof::Body)) => {
                form.append_pair("client_id", &client.id).append_pair("client_secret", &client.secret);
                None
            }
            None => None,
        };
        Ok((Zeroizing::new(form.finish()), proof))
    }

    /// The refresh token, where tokens are given for one.
    pub(super) fn refresh(&self) -> Option<&Arc<Refresh>> {
        match self {
            Grant::Refresh(refresh, _) => Some(refresh),
            Grant::Client(..) | Grant::Assertion(_) | Grant::Code(_) => None,
        }
    }

    /// What must not come back to the guest, beside the tokens that are given.
    pub(super) fn hidden(&self) -> Vec<Vec<u8>> {
        self.secrets().into_iter().map(String::into_bytes).collect()
    }

    /// What must not be repeated of a provider's words: the same, and each as it was sent.
    pub(super) fn unspoken(&self) -> Vec<String> {
        let basic = match self {
            Grant::Client(client, _) => Some(client.basic()),
            Grant::Refresh(refresh, _) => Some(refresh.now().0.basic()),
            Grant::Code(given) => Some(given.client.basic()),
            Grant::Assertion(_) => None,
        };
        let basic = basic.and_then(|basic| basic.strip_prefix("Basic ").map(str::to_owned));
        let secrets = self.secrets().into_iter();
        secrets.flat_map(|secret| [encoded(&secret), secret]).chain(basic).collect()
    }

    fn secrets(&self) -> Vec<String> {
        match self {
            Grant::Client(client, _) => vec![client.secret.to_string()],
            Grant::Refresh(refresh, _) => {
                let (client, token) = refresh.now();
                vec![client.secret.to_string(), token.to_string()]
            }
            // A key signs and is never sent.
            Grant::Assertion(_) => Vec::new(),
            Grant::Code(given) => {
                let Code { client, code, verifier, .. } = &**given;
                vec![client.secret.to_string(), code.to_string(), verifier.to_string()]
            }
        }
    }
}

impl SigningKey {
    /// The key in a PEM file: RSA (PKCS #1 or #8), P-256 or Ed25519 (PKCS #8).
    pub(super) fn parse(pem: &str) -> Result<SigningKey, String> {
        let wanted = "needs a private key in PEM as its secret: RSA of 2,048 bits or more, or P-256 or Ed25519 as PKCS #8";
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| wanted.to_owned())?;
        let rsa = match &der {
            PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
            _ => return Err(wanted.to_owned()),
        };
        if let Ok(key) = rsa {
            let is_long = RSA_BYTES_MIN <= key.public().modulus_len();
            return is_long.then_some(SigningKey::Rsa(key)).ok_or_else(|| wanted.to_owned());
        }
        let PrivateKeyDer::Pkcs8(key) = &der else { return Err(wanted.to_owned()) };
        let der = key.secret_pkcs8_der();
        // Whoever makes one often leaves its public half out.
        if let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
            return Ok(SigningKey::Ed25519(key));
        }
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &SystemRandom::new());
        pair.map(SigningKey::P256).map_err(|_| wanted.to_owned())
    }

    fn algorithm(&self) -> &'static str {
        match self {
            SigningKey::Rsa(_) => "RS256",
            SigningKey::P256(_) => "ES256",
            SigningKey::Ed25519(_) => "EdDSA",
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ring::error::Unspecified> {
        let random = SystemRandom::new();
        match self {
            SigningKey::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)?;
                Ok(signature)
            }
            SigningKey::P256(key) => key.sign(&random, message).map(|signature| signature.as_ref().to_vec()),
            SigningKey::Ed25519(key) => Ok(key.sign(message).as_ref().to_vec()),
        }
    }
}

impl Assertion {
    /// The assertion as a JSON Web Token. Scopes stand in a claim too: Google and DocuSign look for them there.
    fn signed(&self, scope: &str, now: Timestamp) -> Result<String, Failure> {
        let Parties { issuer, subject, audience } = &self.parties;
        let seconds = now.0.div_euclid(1_000);
        let header = json!({"alg": self.key.algorithm(), "typ": "JWT"});
        let mut claims = json!({
            "iss": issuer, "sub": subject, "aud": audience,
            "iat": seconds, "exp": seconds.saturating_add(ASSERTION_SECONDS),
        });
        if !scope.is_empty() {
            claims["scope"] = json!(scope);
        }
        let part = |of: &serde_json::Value| BASE64URL_NOPAD.encode(of.to_string().as_bytes());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = self
            .key
            .sign(signed.as_bytes())
            .map_err(|_| denied("no-token", "its private key does not sign".to_owned()))?;
        Ok(format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature)))
    }
}
