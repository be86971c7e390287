//! What a token is asked for with, how long it lives, and what is no token.

mod refresh;

use super::*;
use crate::metrics::Tally;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use ring::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey, VerificationAlgorithm};

const NOW: Timestamp = Timestamp(1_700_000_000_999);

fn url() -> Url {
    Url::parse("https://id.example.com/token").expect("an address")
}

fn keyring() -> Keyring {
    Keyring::of(Tally::default())
}

fn tokens(proof: ClientProof) -> Arc<Tokens> {
    let secret = Secret::new("app:s:cret/ü".to_owned());
    let scopes = ["orders".to_owned(), "read".to_owned()];
    Tokens::of_client(&keyring(), url(), &secret, (proof, &scopes)).expect("a client")
}

fn answer(status: u16, body: &str) -> Whole {
    Whole { status, headers: http::HeaderMap::new(), body: body.as_bytes().to_vec() }
}

#[test]
fn a_client_proves_itself_as_the_provider_wants() {
    let basic = tokens(ClientProof::Basic).message("id.example.com", NOW).expect("a request");
    let expected = format!("Basic {}", BASE64.encode(b"app:s%3Acret%2F%C3%BC"));
    assert_eq!(basic.headers()["authorization"], expected.as_str());
    let body = tokens(ClientProof::Body).message("id.example.com", NOW).expect("a request");
    assert!(body.headers().get("authorization").is_none());
    assert_eq!(body.uri(), "/token");
    for bad in ["", "app", "app:", ":secret"] {
        let bad = Secret::new(bad.to_owned());
        assert!(Tokens::of_client(&keyring(), url(), &bad, (ClientProof::Basic, &[])).is_err());
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
    // What is said otherwise than it should be costs no token that came with it.
    check(r#"{"access_token": "t-123456", "expires_in": "3600"}"#, 3_570);
    check(r#"{"access_token": "t-123456", "expires_in": 3600.0}"#, 3_570);
    check(r#"{"access_token": "t-123456", "expires_in": -1}"#, 270);
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

/// What is posted, by name.
async fn posted(tokens: &Tokens) -> Vec<(String, String)> {
    use http_body_util::BodyExt as _;
    let message = tokens.message("id.example.com", NOW).expect("a request");
    let body = message.into_body().collect().await.expect("it is whole").to_bytes();
    url::form_urlencoded::parse(&body).into_owned().collect()
}

fn pem(der: &[u8]) -> Secret {
    Secret::new(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", BASE64.encode(der)))
}

#[tokio::test]
async fn a_key_signs_who_acts_for_whom() {
    let check = async |der: &[u8], algorithm: &str, public: &[u8], by: &'static dyn VerificationAlgorithm| {
        let (issuer, subject) = ("app-1".to_owned(), "user-2".to_owned());
        let parties = Parties { issuer, subject, audience: "id.example.com".to_owned() };
        let scopes = ["signature".to_owned(), "impersonation".to_owned()];
        let tokens = Tokens::of_key(&keyring(), url(), &pem(der), (parties, &scopes)).expect("a key");
        let posted = posted(&tokens).await;
        assert_eq!(posted[0], ("grant_type".into(), "urn:ietf:params:oauth:grant-type:jwt-bearer".into()));
        assert_eq!((posted[1].0.as_str(), posted.len()), ("assertion", 3));
        assert_eq!(posted[2], ("scope".into(), "signature impersonation".into()));
        let (signed, signature) = posted[1].1.rsplit_once('.').expect("three parts");
        let bytes = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).expect("base64url");
        let read = |part: &str| serde_json::from_slice::<serde_json::Value>(&bytes(part)).expect("JSON");
        let (header, claims) = signed.split_once('.').expect("two parts");
        assert_eq!(read(header), serde_json::json!({"alg": algorithm, "typ": "JWT"}));
        let expected = serde_json::json!({
            "iss": "app-1", "sub": "user-2", "aud": "id.example.com", "iat": 1_700_000_000,
            "exp": 1_700_000_120, "scope": "signature impersonation",
        });
        assert_eq!(read(claims), expected);
        let key = UnparsedPublicKey::new(by, public);
        key.verify(signed.as_bytes(), &bytes(signature)).expect("it is signed");
        assert!(tokens.hidden().is_empty(), "what signs is never sent");
    };
    let random = SystemRandom::new();
    let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
    let pair =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref(), &random).expect("a key");
    check(der.as_ref(), "ES256", pair.public_key().as_ref(), &ECDSA_P256_SHA256_FIXED).await;
    let der = Ed25519KeyPair::generate_pkcs8(&random).expect("a key");
    let pair = Ed25519KeyPair::from_pkcs8(der.as_ref()).expect("a key");
    check(der.as_ref(), "EdDSA", pair.public_key().as_ref(), &ED25519).await;
    for bad in ["", "a word", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"] {
        let parties = Parties { issuer: String::new(), subject: String::new(), audience: String::new() };
        let refused = Tokens::of_key(&keyring(), url(), &Secret::new(bad.to_owned()), (parties, &[]));
        assert!(refused.is_err_and(|why| why.contains("private key in PEM")), "{bad}");
    }
}
