//! What is unsigned, wrongly signed, altered or of somebody else is refused, each with its reason.

use super::*;
use crate::manifest::Manifest;
use countersign_core::hash::Digest;

fn about(id: &str, bytes: &[u8]) -> Inspected {
    let manifest = format!(
        "manifest = 1\n[connector]\nid = \"{id}\"\nversion = \"1.0.0\"\ncontract = \"1.0\"\n\
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
    let of = Namespace { keys, ..Namespace::default() };
    Trust { namespaces: BTreeMap::from([(namespace.to_owned(), of)]), unsigned: false }
}

/// The key that signed a component which is taken, nothing else being said of it.
fn looked(
    trust: &Trust,
    about: &Inspected,
    signature: Option<&[u8]>,
    when: When,
) -> Result<Option<PublicKey>, ConnectorFault> {
    let evidence = Evidence { signature: signature.map(<[u8]>::to_vec), conformance: None };
    trust.look_at(about, &evidence, when).map(|vouched| vouched.signer)
}

fn refused(trust: &Trust, about: &Inspected, envelope: Option<&[u8]>) -> String {
    let fault = looked(trust, about, envelope, When::Added(Timestamp(5))).expect_err("it is refused");
    assert_eq!(fault.code, FaultCode::Untrusted);
    fault.message
}

#[test]
fn what_a_trusted_key_signed_is_taken_and_nothing_else() {
    let (crm, trust) = (about("acme.crm", b"bytes"), trust("acme", vec![trusted(1), trusted(2)]));
    let envelope = key(2).sign(&crm).expect("it is signed");
    let by = looked(&trust, &crm, Some(&envelope), When::Added(Timestamp(5))).expect("it is trusted");
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
        if looked(&trust, &crm, Some(&altered), When::Loaded).is_ok() {
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
    let narrow = Namespace { keys: vec![trusted(2)], ..Namespace::default() };
    trust.namespaces.insert("acme.crm".to_owned(), narrow);
    let crm = about("acme.crm", b"bytes");
    let signed = |by: u8, about: &Inspected| key(by).sign(about).expect("it is signed");
    assert!(
        refused(&trust, &crm, Some(&signed(1, &crm))).contains("is signed by no key of `[trust.acme.crm]`")
    );
    assert!(looked(&trust, &crm, Some(&signed(2, &crm)), When::Loaded).is_ok());
    let squatter = about("acmecorp.crm", b"bytes");
    assert!(refused(&trust, &squatter, Some(&signed(1, &squatter))).contains("is covered by no namespace"));
    // Unsigned is taken only where no key is named.
    let lenient = Trust { unsigned: true, ..trust };
    assert_eq!(looked(&lenient, &squatter, None, When::Loaded).expect("it is taken"), None);
    assert!(refused(&lenient, &crm, None).contains("is not signed"));
    // What is given with it is kept, so it must belong to it all the same.
    assert!(looked(&lenient, &squatter, Some(&signed(1, &squatter)), When::Loaded).is_ok());
    assert!(refused(&lenient, &squatter, Some(&signed(1, &crm))).contains("which is another component"));
}

#[test]
fn a_key_counts_for_its_time_and_what_it_signed_stays() {
    let crm = about("acme.crm", b"bytes");
    let envelope = key(1).sign(&crm).expect("it is signed");
    let text = format!("{} from 1970-01-01T00:00:00.010Z until 1970-01-01T00:00:00.020Z", key(1).public());
    let trust = trust("acme", vec![TrustedKey::parse(&text).expect("it is a key")]);
    let at = |when| looked(&trust, &crm, Some(&envelope), when);
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
    let altered = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut envelope = serde_json::from_slice(&theirs).expect("it is JSON");
        change(&mut envelope);
        serde_json::to_vec(&envelope).expect("it is JSON")
    };
    // Somebody who may push, and wants nobody to find ours.
    let many = altered(&|envelope| {
        let noise: Vec<_> = (0..48u8)
            .map(|number| serde_json::json!({ "sig": data_encoding::BASE64.encode(&[number; 64]) }))
            .collect();
        envelope["signatures"] = noise.into();
    });
    let long = altered(&|envelope| envelope["signatures"][0]["keyid"] = "k".repeat(6_000).into());
    let spaced = altered(&|envelope| {
        let payload = envelope["payload"].as_str().expect("a payload").to_owned();
        let mut payload = data_encoding::BASE64.decode(payload.as_bytes()).expect("it is base 64");
        payload.push(b' ');
        envelope["payload"] = data_encoding::BASE64.encode(&payload).into();
    });
    for several in [
        vec![&theirs, &ours, &noise],
        vec![&noise, &theirs, &ours],
        vec![&ours, &ours, &theirs],
        vec![&many, &long, &spaced, &ours],
        vec![&ours, &many],
    ] {
        let joined = joined_signatures(&several, &crm).expect("there are some");
        let by = looked(&trust, &crm, Some(&joined), When::Added(Timestamp(5))).expect("it is trusted");
        assert_eq!(by, Some(key(1).public()));
    }
    assert_eq!(joined_signatures(&[&ours, &ours], &crm), joined_signatures(&[&ours], &crm));
    assert!(refused(&trust, &crm, Some(&spaced)).contains("is written in another way"));
    // Of none that says something of it the first is given, so that somebody says what is wrong with it.
    let other = key(1).sign(&about("acme.crm", b"other")).expect("it is signed");
    assert_eq!(joined_signatures(&[&noise, &other], &crm), Some(noise));
    assert_eq!(joined_signatures(&[], &crm), None);
}

fn tested(about: &Inspected, level: Level, kit: u32) -> Tested {
    let named = &about.manifest.connector;
    Tested {
        kit,
        connector: named.id.clone(),
        version: named.version.clone(),
        sha256: about.digest.to_string(),
        level,
        laws: BTreeMap::from([("static".to_owned(), Looks { checks: 1, broken: 0 })]),
    }
}

fn report(about: &Inspected, level: Level, by: u8) -> Vec<u8> {
    key(by).sign_tested(&tested(about, level, 1)).expect("it is signed")
}

#[test]
fn a_level_that_is_wanted_is_shown_by_somebody_whose_runs_count() {
    let (crm, other) = (about("acme.crm", b"bytes"), about("acme.crm", b"other"));
    let signature = key(1).sign(&crm).expect("it is signed");
    let wants = |level: Option<Level>| {
        let of = Namespace { keys: vec![trusted(1)], testers: vec![trusted(2)], level };
        Trust { namespaces: BTreeMap::from([("acme".to_owned(), of)]), unsigned: false }
    };
    let look = |level, conformance: Option<Vec<u8>>| {
        let evidence = Evidence { signature: Some(signature.clone()), conformance };
        let looked = wants(level).look_at(&crm, &evidence, When::Added(Timestamp(5)));
        looked.map(|vouched| vouched.level).map_err(|fault| fault.message)
    };
    let safe = Some(Level::Safe);
    for by in [1, 2] {
        for level in [Level::Safe, Level::Certified] {
            assert_eq!(look(safe, Some(report(&crm, level, by))), Ok(Some(level)), "signed by {by}");
        }
    }
    for (report, expected) in [
        (None, "has no conformance report, and `[trust.acme]` wants one of level `safe`"),
        (Some(report(&crm, Level::Loads, 1)), "is `loads` by its conformance report"),
        (Some(report(&crm, Level::None, 1)), "is `none` by its conformance report"),
        (Some(report(&crm, Level::Certified, 3)), "that no key of `[trust.acme]` has signed"),
        (Some(report(&other, Level::Certified, 1)), "a conformance report of `acme.crm` 1.0.0"),
        // What is signed of one kind of thing is nothing of another kind.
        (Some(signature.clone()), "it is of another kind of thing"),
        (Some(vec![b' '; CONFORMANCE_BYTES_MAX + 1]), "of more than 16384 bytes"),
    ] {
        let message = look(safe, report).expect_err(expected);
        assert!(message.contains(expected), "{message}");
    }
    // Where none is wanted: what nobody known has signed is not on record, and what is of something else is not kept.
    assert_eq!(look(None, None), Ok(None));
    assert_eq!(look(None, Some(report(&crm, Level::Certified, 2))), Ok(Some(Level::Certified)));
    assert_eq!(look(None, Some(report(&crm, Level::Certified, 3))), Ok(None));
    assert!(look(None, Some(report(&other, Level::Certified, 1))).is_err());
    // A report does not stand for the signature of whoever made it.
    let unsigned = Evidence { signature: None, conformance: Some(report(&crm, Level::Certified, 1)) };
    assert!(wants(safe).look_at(&crm, &unsigned, When::Loaded).is_err());
    let swapped = Evidence { signature: unsigned.conformance.clone(), conformance: unsigned.conformance };
    assert!(wants(safe).look_at(&crm, &swapped, When::Loaded).is_err());
    // Nobody is named: it must belong to the component all the same, and says nothing on record.
    let lenient = Trust { namespaces: BTreeMap::new(), unsigned: true };
    let given = |conformance| Evidence { signature: None, conformance: Some(conformance) };
    let looked = lenient.look_at(&crm, &given(report(&crm, Level::Certified, 3)), When::Loaded);
    assert_eq!(looked, Ok(Vouched::default()));
    assert!(lenient.look_at(&crm, &given(report(&other, Level::Certified, 3)), When::Loaded).is_err());
}

#[test]
fn every_byte_of_a_report_counts() {
    let crm = about("acme.crm", b"bytes");
    let of = Namespace { keys: vec![trusted(1)], testers: Vec::new(), level: Some(Level::Certified) };
    let trust = Trust { namespaces: BTreeMap::from([("acme".to_owned(), of)]), unsigned: false };
    let (signature, report) = (key(1).sign(&crm).expect("it is signed"), report(&crm, Level::Certified, 1));
    let hint = String::from_utf8_lossy(&report).find("keyid").expect("there is a hint");
    let behind = hint + "keyid\":\"".len() + key(1).public().to_string().len();
    for place in (0..report.len()).filter(|place| !(hint..behind).contains(place)) {
        let mut altered = report.clone();
        altered[place] ^= 1;
        let evidence = Evidence { signature: Some(signature.clone()), conformance: Some(altered) };
        assert!(
            trust.look_at(&crm, &evidence, When::Loaded).is_err(),
            "byte {place} was altered and nobody saw it"
        );
    }
}

#[test]
fn of_several_reports_the_best_that_counts_is_taken() {
    let (crm, other) = (about("acme.crm", b"bytes"), about("acme.crm", b"other"));
    let signed = |by: u8, level, kit| key(by).sign_tested(&tested(&crm, level, kit)).expect("it is signed");
    let of = Namespace { keys: vec![trusted(1)], testers: Vec::new(), level: Some(Level::Safe) };
    let trust = Trust { namespaces: BTreeMap::from([("acme".to_owned(), of)]), unsigned: false };
    let look = |several: &[&Vec<u8>]| {
        let signature = Some(key(1).sign(&crm).expect("it is signed"));
        let evidence = Evidence { signature, conformance: joined_reports(several, &crm) };
        trust
            .look_at(&crm, &evidence, When::Loaded)
            .map(|vouched| vouched.level)
            .map_err(|fault| fault.message)
    };
    let (loads, safe) = (signed(1, Level::Loads, 1), signed(1, Level::Safe, 1));
    // Nobody whom the operator trusts says that.
    let boast = signed(3, Level::Certified, u32::MAX);
    let (foreign, noise) = (report(&other, Level::Certified, 1), b"no envelope".to_vec());
    for several in [[&loads, &safe, &boast, &foreign], [&noise, &boast, &safe, &loads]] {
        assert_eq!(look(&several), Ok(Some(Level::Safe)));
    }
    assert!(look(&[&boast]).is_err_and(|what| what.contains("no key of `[trust.acme]` has signed")));
    assert!(look(&[&boast, &loads]).is_err_and(|what| what.contains("is `loads`")));
    assert_eq!(joined_reports(&[&foreign], &crm), Some(foreign), "somebody says what is wrong with it");
    assert_eq!(joined_reports(&[], &crm), None);
    assert_eq!(
        Tested::read_unverified(&joined_reports(&[&loads, &safe], &crm).expect("two")),
        Some(tested(&crm, Level::Safe, 1))
    );
}
