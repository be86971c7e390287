//! Answers that were signed wrongly, by others, for others, or at another time.

use super::Claim;
use super::Description;
use super::answer::{Claims, Expected, verified};
use super::keys;
use countersign_core::time::Timestamp;
use countersign_engine::port::identity::NotSignedIn;
use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::jwk::JwkSet;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value as Json, json};
use sha2::Sha256;

/// 2026-11-23T15:00:00Z.
const NOW: Timestamp = Timestamp(1_795_446_000_000);
const EXPECTED: Expected<'static> =
    Expected { issuer: "https://id.example.com", client: "countersign", nonce: "n-1", now: NOW };

struct House {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl House {
    fn new() -> House {
        keys::install();
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let bytes = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, bytes.as_ref(), &random).expect("a key");
        House { pair, random }
    }

    fn key(&self, id: &str) -> Json {
        let point = self.pair.public_key().as_ref();
        let part = |range: std::ops::Range<usize>| BASE64URL_NOPAD.encode(&point[range]);
        json!({"kty": "EC", "crv": "P-256", "kid": id, "use": "sig", "alg": "ES256",
               "x": part(1..33), "y": part(33..65)})
    }

    fn keys(&self) -> JwkSet {
        serde_json::from_value(json!({"keys": [self.key("k-1")]})).expect("keys")
    }

    fn token(&self, header: &Json, claims: &Json) -> String {
        let signed = unsigned(header, claims);
        let signature = self.pair.sign(&self.random, signed.as_bytes()).expect("a signature");
        format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
    }

    fn check(&self, token: &str) -> Result<Claims, String> {
        let signer = keys::of(&self.keys(), token).ok_or("none of its keys")?;
        verified(token, signer, &EXPECTED).map_err(|not| match not {
            NotSignedIn::Refused(why) | NotSignedIn::Unreachable(why) => why,
        })
    }
}

fn unsigned(header: &Json, claims: &Json) -> String {
    let part = |json: &Json| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
    format!("{}.{}", part(header), part(claims))
}

fn header() -> Json {
    json!({"alg": "ES256", "kid": "k-1", "typ": "JWT"})
}

fn claims() -> Json {
    let now = NOW.0 / 1_000;
    json!({"iss": "https://id.example.com", "aud": "countersign", "sub": "00u1", "nonce": "n-1",
           "iat": now, "exp": now + 300, "email": "sam@example.com",
           "email_verified": true, "preferred_username": "sam"})
}

/// The claims with one of them changed, or taken away by `null`.
fn with(name: &str, value: Json) -> Json {
    let mut claims = claims();
    let members = claims.as_object_mut().expect("an object");
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
    claims
}

#[test]
fn an_answer_names_the_account_of_the_configured_claim() {
    let house = House::new();
    let claims = house.check(&house.token(&header(), &claims())).expect("it holds");
    assert_eq!(claims.account(Claim::Subject), Ok("00u1"));
    assert_eq!(claims.account(Claim::Email), Ok("sam@example.com"));
    assert_eq!(claims.account(Claim::PreferredUsername), Ok("sam"));
    for verified in [json!(false), Json::Null] {
        let claims =
            house.check(&house.token(&header(), &with("email_verified", verified))).expect("it holds");
        assert!(claims.account(Claim::Email).is_err());
    }
    let claims = house.check(&house.token(&header(), &with("email", Json::Null))).expect("it holds");
    assert!(claims.account(Claim::Email).is_err());
}

#[test]
fn an_answer_for_somebody_else_or_of_another_time_is_not_believed() {
    let house = House::new();
    let now = NOW.0 / 1_000;
    let check = |name: &str, value: Json, words: &str| {
        let why = house.check(&house.token(&header(), &with(name, value.clone()))).expect_err(name);
        assert!(why.contains(words), "{name} {value}: {why}");
    };
    check("iss", json!("https://evil.example.com"), "InvalidIssuer");
    check("iss", Json::Null, "");
    check("aud", json!("another"), "InvalidAudience");
    check("aud", Json::Null, "");
    check("aud", json!(["countersign", "another"]), "for several hosts");
    check("azp", json!("another"), "for another host");
    check("nonce", json!("n-2"), "another sign-in");
    check("nonce", Json::Null, "another sign-in");
    check("sub", Json::Null, "");
    check("exp", json!(now - 61), "out of date");
    check("exp", Json::Null, "");
    check("iat", json!(now + 61), "of the future");
    check("iat", json!(now - 601), "is old");
    let several = house.token(&header(), &{
        let mut several = with("aud", json!(["countersign", "another"]));
        several["azp"] = json!("countersign");
        several
    });
    assert!(house.check(&several).is_ok(), "it says for which of them");
}

#[test]
fn an_answer_that_is_signed_by_nothing_by_a_secret_or_by_others_is_not_believed() {
    let house = House::new();
    let good = house.token(&header(), &claims());
    assert!(house.check(&good).is_ok());
    let none = format!("{}.", unsigned(&json!({"alg": "none", "kid": "k-1"}), &claims()));
    assert!(house.check(&none).is_err());
    // The public key as if it were a secret.
    let hs = unsigned(&json!({"alg": "HS256", "kid": "k-1"}), &claims());
    let mut mac = Hmac::<Sha256>::new_from_slice(house.pair.public_key().as_ref()).expect("a key");
    mac.update(hs.as_bytes());
    let hs = format!("{hs}.{}", BASE64URL_NOPAD.encode(&mac.finalize().into_bytes()));
    assert_eq!(house.check(&hs).expect_err("a secret"), "none of its keys");
    // Another key under the same id, an unknown id, another algorithm than the key's.
    let others = House::new().token(&header(), &claims());
    assert!(house.check(&others).expect_err("another key").contains("InvalidSignature"));
    let unknown = house.token(&json!({"alg": "ES256", "kid": "k-2"}), &claims());
    assert_eq!(house.check(&unknown).expect_err("unknown"), "none of its keys");
    let rs = house.token(&json!({"alg": "RS256", "kid": "k-1"}), &claims());
    assert_eq!(house.check(&rs).expect_err("another algorithm"), "none of its keys");
    // What would have to be understood.
    let critical = house.token(&json!({"alg": "ES256", "kid": "k-1", "crit": ["b64"]}), &claims());
    assert_eq!(house.check(&critical).expect_err("nobody here knows it"), "none of its keys");
    // One bit of what was signed, and a signature that was cut off.
    let (front, signature) = good.rsplit_once('.').expect("a signature");
    let (head, _) = front.split_once('.').expect("claims");
    let changed = BASE64URL_NOPAD.encode(with("sub", json!("00u2")).to_string().as_bytes());
    assert!(house.check(&format!("{head}.{changed}.{signature}")).is_err());
    assert!(house.check(front).is_err());
    assert!(house.check(&good[..good.len() - 4]).is_err());
    // Keys that are for something else, or two that fit an answer without an id.
    let mut key = house.key("k-1");
    key["use"] = json!("enc");
    let keys: JwkSet = serde_json::from_value(json!({"keys": [key]})).expect("keys");
    assert!(keys::of(&keys, &good).is_none());
    let anonymous = house.token(&json!({"alg": "ES256"}), &claims());
    let both: JwkSet =
        serde_json::from_value(json!({"keys": [house.key("k-1"), House::new().key("k-2")]})).expect("keys");
    assert!(keys::of(&both, &anonymous).is_none());
    assert!(keys::of(&house.keys(), &anonymous).is_some());
}

fn description(change: &[(&str, Json)]) -> Description {
    let mut description = json!({
        "issuer": "https://id.example.com",
        "authorization_endpoint": "https://id.example.com/authorize",
        "token_endpoint": "https://id.example.com/token",
        "jwks_uri": "https://id.example.com/keys",
    });
    change.iter().for_each(|(name, value)| description[*name] = value.clone());
    serde_json::from_value(description).expect("a description")
}

#[test]
fn a_description_is_of_the_provider_that_is_configured() {
    let check = |change: &[(&str, Json)], scheme: &str| {
        description(change).is_of("https://id.example.com", scheme).err().map(|not| not.to_string())
    };
    assert_eq!(check(&[], "https"), None);
    for other in ["https://id.example.com/", "https://ID.example.com", "https://evil.example"] {
        let why = check(&[("issuer", json!(other))], "https").expect("another name");
        assert!(why.contains("it calls itself"), "{why}");
    }
    for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
        for address in ["http://id.example.com/x", "javascript:alert(1)", "no address"] {
            let why = check(&[(name, json!(address))], "https").expect("it is not guarded");
            assert!(why.contains("is not one of `https://`"), "{name} {address}: {why}");
        }
        assert_eq!(check(&[(name, json!("http://127.0.0.1/x"))], "http"), None, "as its own name has it");
    }
}

#[test]
fn a_browser_that_comes_back_from_elsewhere_is_not_believed() {
    let says = ("authorization_response_iss_parameter_supported", json!(true));
    let (silent, saying) = (description(&[]), description(&[says]));
    for described in [&silent, &saying] {
        assert!(described.sent(Some("https://id.example.com")).is_ok());
        assert!(described.sent(Some("https://evil.example")).is_err());
    }
    assert!(silent.sent(None).is_ok());
    assert!(saying.sent(None).is_err(), "somebody took the name out");
}
