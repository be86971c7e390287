//! What is unsigned, wrongly signed, altered or of somebody else is refused, each with its reason.

use super::*;
use crate::manifest::Manifest;
use countersign_core::hash::Digest;

fn about(id: &str, bytes: &[u8]) -> Inspected {
    let manifest = format!(
        "manifest = 1\n[connector]\nid = \"{id}\"\nversion = \"1.0.0\"\ncontract = \"0.1\"\n\
         [endpoints.api]\nbase = \"https://crm.example.com\"\nmethods = [\"PUT\"]\npaths = [\"/*\"]\n"
    );
    Inspected {
        digest: Digest::of(bytes),
        size: bytes.len(),
        imports: Vec::new(),
        exports: Vec::new(),
        manifest: Manifest::parse(&manifest).expect("it is good"),
        manifest_text: manifest,
    }
}

fn key(number: u8) -> PrivateKey {
    PrivateKey::drawn(&[number; 32])
}

fn trusted(number: u8) -> TrustedKey {
    TrustedKey { key: key(number).public(), from: None, until: None }
}

fn trust(namespace: &str, keys: Vec<TrustedKey>) -> Trust {
    Trust { keys: BTreeMap::from([(namespace.to_owned(), keys)]), unsigned: false }
}

fn refused(trust: &Trust, about: &Inspected, envelope: Option<&[u8]>) -> String {
    let looked = trust.look_at(about, envelope, When::Added(Timestamp(5)));
    let fault = looked.expect_err("it is refused");
    assert_eq!(fault.code, FaultCode::Untrusted);
    fault.message
}

#[test]
fn what_a_trusted_key_signed_is_taken_and_nothing_else() {
    let (crm, trust) = (about("acme.crm", b"bytes"), trust("acme", vec![trusted(1), trusted(2)]));
    let envelope = key(2).sign(&crm).expect("it is signed");
    let by = trust.look_at(&crm, Some(&envelope), When::Added(Timestamp(5))).expect("it is trusted");
    assert_eq!(by, Some(key(2).public()));
    for (envelope, expected) in [
        (None, "is not signed, and `[trust.acme]` wants a signature"),
        (Some(key(3).sign(&crm).expect("it is signed")), "is signed by no key of `[trust.acme]`"),
        (
            Some(key(1).sign(&about("acme.crm", b"other bytes")).expect("it is signed")),
            "which is another component",
        ),
        (
            Some(key(1).sign(&about("acme.erp", b"bytes")).expect("it is signed")),
            "which is another component",
        ),
        (Some(b"-----BEGIN".to_vec()), "has a signature that is no envelope of one"),
        (Some(vec![b' '; SIGNATURE_BYTES_MAX + 1]), "has a signature of more than 8192 bytes"),
    ] {
        let message = refused(&trust, &crm, envelope.as_deref());
        assert!(
            message.starts_with("connector `acme.crm` 1.0.0 ") && message.contains(expected),
            "{message}"
        );
    }
}

#[test]
fn every_byte_of_an_envelope_counts() {
    let (crm, trust) = (about("acme.crm", b"bytes"), trust("acme", vec![trusted(1)]));
    let envelope = key(1).sign(&crm).expect("it is signed");
    let hint = String::from_utf8_lossy(&envelope).find("keyid").expect("there is a hint");
    let behind = hint + "keyid\":\"".len() + key(1).public().to_string().len();
    let mut taken = 0;
    for place in 0..envelope.len() {
        let mut altered = envelope.clone();
        altered[place] ^= 1;
        if trust.look_at(&crm, Some(&altered), When::Loaded).is_ok() {
            taken += 1;
            assert!((hint..behind).contains(&place), "byte {place} was altered and nobody saw it");
        }
    }
    // What names the key is a hint: nothing is decided by it.
    assert_ne!(taken, 0);
}

#[test]
fn the_narrowest_namespace_counts_and_none_covers_what_only_begins_so() {
    let mut trust = trust("acme", vec![trusted(1)]);
    trust.keys.insert("acme.crm".to_owned(), vec![trusted(2)]);
    let crm = about("acme.crm", b"bytes");
    let signed = |by: u8, about: &Inspected| key(by).sign(about).expect("it is signed");
    assert!(
        refused(&trust, &crm, Some(&signed(1, &crm))).contains("is signed by no key of `[trust.acme.crm]`")
    );
    assert!(trust.look_at(&crm, Some(&signed(2, &crm)), When::Loaded).is_ok());
    let squatter = about("acmecorp.crm", b"bytes");
    assert!(refused(&trust, &squatter, Some(&signed(1, &squatter))).contains("is covered by no namespace"));
    // Unsigned is taken only where no key is named.
    let lenient = Trust { unsigned: true, ..trust };
    assert_eq!(lenient.look_at(&squatter, None, When::Loaded).expect("it is taken"), None);
    assert!(refused(&lenient, &crm, None).contains("is not signed"));
    // What is given with it is kept, so it must belong to it all the same.
    assert!(lenient.look_at(&squatter, Some(&signed(1, &squatter)), When::Loaded).is_ok());
    assert!(refused(&lenient, &squatter, Some(&signed(1, &crm))).contains("which is another component"));
}

#[test]
fn a_key_counts_for_its_time_and_what_it_signed_stays() {
    let crm = about("acme.crm", b"bytes");
    let envelope = key(1).sign(&crm).expect("it is signed");
    let text = format!("{} from 1970-01-01T00:00:00.010Z until 1970-01-01T00:00:00.020Z", key(1).public());
    let trust = trust("acme", vec![TrustedKey::parse(&text).expect("it is a key")]);
    let at = |when| trust.look_at(&crm, Some(&envelope), when);
    for (moment, counts) in [(9, false), (10, true), (19, true), (20, false)] {
        assert_eq!(at(When::Added(Timestamp(moment))).is_ok(), counts, "{moment}");
    }
    let fault = at(When::Added(Timestamp(20))).expect_err("it is over");
    assert!(fault.message.contains("which does not count now"), "{fault}");
    assert!(at(When::Loaded).is_ok());
    for bad in [
        "",
        "ed25519:AAAA",
        // The neutral element: every message is signed by it.
        "ed25519:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        &format!("{} since 2026-01-01T00:00:00Z", key(1).public()),
        &format!("{} from yesterday", key(1).public()),
        &format!("{} from", key(1).public()),
    ] {
        assert_eq!(TrustedKey::parse(bad), None, "{bad}");
    }
}

#[test]
fn a_key_is_read_as_it_is_kept() {
    // RFC 8410, section 10: a key as openssl writes it, and its public half.
    let pem = "-----BEGIN PRIVATE KEY-----\n\
               MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
               -----END PRIVATE KEY-----\n";
    let read = PrivateKey::from_pem(pem).expect("it is a key");
    assert_eq!(read.public().to_string(), "ed25519:Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=");
    assert_eq!(read.to_pem().as_deref().map(String::as_str), Some(pem));
    assert_eq!(PublicKey::parse(&key(7).public().to_string()), Some(key(7).public()));
    assert!(PrivateKey::from_pem("nothing").is_err_and(|why| why.starts_with("is no ed25519 key")));
}

#[test]
fn several_signatures_are_one_envelope() {
    let (crm, trust) = (about("acme.crm", b"bytes"), trust("acme", vec![trusted(1)]));
    let signed = |number: u8| key(number).sign(&crm).expect("it is signed");
    let (ours, theirs, noise) = (signed(1), signed(2), b"no envelope".to_vec());
    for several in [[&theirs, &ours, &noise], [&noise, &theirs, &ours], [&ours, &ours, &theirs]] {
        let joined = joined_signatures(&several, &crm).expect("there are some");
        let by = trust.look_at(&crm, Some(&joined), When::Added(Timestamp(5))).expect("it is trusted");
        assert_eq!(by, Some(key(1).public()));
    }
    assert_eq!(joined_signatures(&[&ours, &ours], &crm), Some(ours), "the same twice is one");
    // Of none that says something of it the first is given, so that somebody says what is wrong with it.
    let other = key(1).sign(&about("acme.crm", b"other")).expect("it is signed");
    assert_eq!(joined_signatures(&[&noise, &other], &crm), Some(noise));
    assert_eq!(joined_signatures(&[], &crm), None);
}
