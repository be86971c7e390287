//! What each vendor signs, and what must not pass. GitHub and Standard Webhooks publish the examples; Slack's was made
//! with another program.

use super::*;
use ed25519_dalek::{Signer, SigningKey};

/// How the deliveries of a hook are verified that a manifest declares so.
fn verifier(verify: &str, secret: &str) -> Result<Verifier, String> {
    verifier_at(verify, secret, None)
}

/// The same of a host that knows where the hook is posted to.
fn verifier_at(verify: &str, secret: &str, address: Option<&str>) -> Result<Verifier, String> {
    let verify: Verify = toml::from_str(verify).expect("it is declared");
    Verifier::new(&verify, &Secret::new(secret.to_owned()), address.map(str::to_owned))
}

fn arrived(headers: &[(&str, &str)], body: &str) -> Arrived {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Arrived { headers: headers.iter().map(owned).collect(), body: body.as_bytes().to_vec() }
}

fn seconds(seconds: i64) -> Timestamp {
    Timestamp(seconds * 1_000)
}

const SLACK_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const SLACK_BODY: &str =
    "token=xyzz0WbapA4vBCDEFxx0TG&team_id=T1DC2JH3J&user_name=roadrunner&command=%2Fdiscount&text=Q-1042+25";
const SLACK_MAC: &str = "v0=1a0105b5dab260a6c57a61dd9ccd4c69847dc639dfc0e725599d655aedf2c7c5";

#[test]
fn what_github_and_slack_sign_is_proved() {
    let github = verifier("scheme = \"github\"", "It's a Secret to Everybody").expect("a secret");
    let mac = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let delivery = arrived(&[("x-hub-signature-256", mac)], "Hello, World!");
    let proved = github.proved(&delivery, seconds(0));
    assert_eq!(proved, Ok(Proved::Delivery(Digest::of(b"Hello, World!"))), "there is no moment in it");
    // A part of a signature is none.
    for part in ["sha256=", &mac[..15], &mac[..mac.len() - 2]] {
        let cut = arrived(&[("x-hub-signature-256", part)], "Hello, World!");
        assert!(github.proved(&cut, seconds(0)).is_err(), "{part}");
    }

    let slack = verifier("scheme = \"slack\"", SLACK_SECRET).expect("a secret");
    let headers = [("x-slack-request-timestamp", "1531420618"), ("x-slack-signature", SLACK_MAC)];
    let delivery = arrived(&headers, SLACK_BODY);
    let expected = Ok(Proved::Delivery(Digest::of(SLACK_BODY.as_bytes())));
    assert_eq!(slack.proved(&delivery, seconds(1_531_420_618)), expected);
    assert_eq!(slack.proved(&delivery, seconds(1_531_420_618 + 300)), expected, "five minutes are allowed");
    for moment in [1_531_420_618 + 301, 1_531_420_618 - 301] {
        let refused = slack.proved(&delivery, seconds(moment)).expect_err("it is too far away");
        assert!(refused.contains("more than five minutes away"), "{refused}");
    }
}

#[test]
fn what_standard_webhooks_sign_is_proved_by_its_signed_id() {
    let shared = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let standard = verifier("scheme = \"standard-webhooks\"", shared).expect("a secret");
    let (id, moment) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330");
    let body = r#"{"test": 2432232314}"#;
    // One made with a secret that was retired stands before it.
    let good =
        "v1,AAAM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    let delivery = |id: &str, signature: &str, body: &str| {
        let headers = [("webhook-id", id), ("webhook-timestamp", moment), ("webhook-signature", signature)];
        arrived(&headers, body)
    };
    let expected = Ok(Proved::Delivery(Digest::of(id.as_bytes())));
    assert_eq!(standard.proved(&delivery(id, good, body), seconds(1_614_265_330)), expected);
    for (id, body) in [("msg_other", body), (id, r#"{"test": 2432232315}"#)] {
        assert!(standard.proved(&delivery(id, good, body), seconds(1_614_265_330)).is_err(), "{id} {body}");
    }
    // The same by the names of Svix; a mixture is neither.
    let svix = |moment_of: &str| {
        let headers = [("svix-id", id), (moment_of, moment), ("svix-signature", good)];
        standard.proved(&arrived(&headers, body), seconds(1_614_265_330))
    };
    assert_eq!(svix("svix-timestamp"), expected);
    assert!(svix("webhook-timestamp").is_err_and(|why| why.contains("lacks the header `svix-timestamp`")));
    // The other version, by a public key; an old secret and a new one count together.
    let signing = SigningKey::from_bytes(&[7; 32]);
    let public = format!("{shared}\nwhpk_{}\n", BASE64.encode(signing.verifying_key().as_bytes()));
    let both = verifier("scheme = \"standard-webhooks\"", &public).expect("two keys");
    let signature = signing.sign(format!("{id}.{moment}.{body}").as_bytes());
    let signature = format!("v1a,{}", BASE64.encode(&signature.to_bytes()));
    for signature in [signature.as_str(), good] {
        assert_eq!(both.proved(&delivery(id, signature, body), seconds(1_614_265_330)), expected);
    }
    let split = standard.proved(&delivery(&format!("{id}.{moment}"), good, body), seconds(1_614_265_330));
    assert!(split.is_err_and(|why| why.contains("holds a `.`")));
    // Neither stands for the other.
    let mixed = signature.replace("v1a,", "v1,");
    assert!(both.proved(&delivery(id, &mixed, body), seconds(1_614_265_330)).is_err());
    let other = good.replace("v1,", "v1a,");
    assert!(both.proved(&delivery(id, &other, body), seconds(1_614_265_330)).is_err());
}

#[test]
fn one_of_several_signatures_and_one_of_several_secrets_is_enough() {
    let signed = |secret: &str, moment: &str, body: &str| {
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key");
        let mac = mac.chain_update(format!("{moment}.{body}")).finalize().into_bytes();
        data_encoding::HEXLOWER.encode(&mac)
    };
    let (old, new) = ("whsec_old_secret", "whsec_new_secret");
    let (moment, body) = ("1700000000", r#"{"id":"evt_1","type":"charge.refunded"}"#);
    let header =
        |secret: &str| format!("t={moment},v1={},v1={},v0=x", "0".repeat(64), signed(secret, moment, body));
    let stripe = verifier("scheme = \"stripe\"", &format!("{old}\n{new}\n")).expect("two secrets");
    for secret in [old, new] {
        let delivery = arrived(&[("Stripe-Signature", &header(secret))], body);
        let proved = stripe.proved(&delivery, seconds(1_700_000_000));
        assert_eq!(proved, Ok(Proved::Delivery(Digest::of(b"evt_1"))), "by its id, which is signed");
    }
    for (header, why) in [
        (header("another_secret"), "no signature of it"),
        (format!("v1={}", signed(new, moment, body)), "names no moment"),
        (format!("t=1,v1={}", signed(new, "1", body)), "more than five minutes"),
        (format!("t={moment}"), "no signature of it"),
        (format!("t=now,v1={}", signed(new, "now", body)), "no number of seconds"),
    ] {
        let refused = stripe.proved(&arrived(&[("stripe-signature", &header)], body), seconds(1_700_000_000));
        assert!(refused.as_ref().is_err_and(|said| said.contains(why)), "{header}: {refused:?}");
    }
    let twice = arrived(&[("stripe-signature", &header(new)), ("stripe-signature", &header(old))], body);
    assert!(stripe.proved(&twice, seconds(1_700_000_000)).is_err_and(|why| why.contains("more than once")));
    assert!(
        stripe.proved(&arrived(&[], body), seconds(1_700_000_000)).is_err_and(|why| why.contains("lacks"))
    );
}

#[test]
fn a_signature_of_the_body_stands_where_the_manifest_says() {
    let declared = "scheme = \"hmac-sha256\"\nheader = \"X-Acme\"\nprefix = \"mac \"\nencoding = \"base64\"";
    let acme = verifier(declared, "correct horse").expect("a secret");
    let mac =
        Hmac::<Sha256>::new_from_slice(b"correct horse").expect("any key").chain_update("{}").finalize();
    let text = BASE64.encode(&mac.into_bytes());
    let proved = |header: &str, body: &str| acme.proved(&arrived(&[("x-acme", header)], body), seconds(0));
    assert_eq!(proved(&format!("mac {text}"), "{}"), Ok(Proved::Delivery(Digest::of(b"{}"))));
    for header in [text.clone(), format!("mac {}", &text[1..]), "mac ".to_owned()] {
        assert!(proved(&header, "{}").is_err(), "{header}");
    }
    assert!(proved(&format!("mac {text}"), "{ }").is_err(), "every byte counts");
}

#[test]
fn what_hubspot_signs_is_proved_with_the_address_that_it_was_given() {
    let (secret, declared) = ("yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", "scheme = \"hubspot\"");
    let address = "https://approvals.example.com/hooks/crm/deals";
    let body = r#"[{"eventId":1,"subscriptionType":"deal.propertyChange","objectId":123}]"#;
    // Made with another program.
    let (good, moment) = ("9WRqW5ukyhN+ogRHe44CVElqJNew/XqtOOD6NjguQn4=", "1764400000123");
    let proved = |address: &str, (signature, moment): (&str, &str), body: &str, now: i64| {
        let hubspot = verifier_at(declared, secret, Some(address)).expect("a secret");
        let headers = [("x-hubspot-signature-v3", signature), ("x-hubspot-request-timestamp", moment)];
        // What a proxy, or whoever sends it, says of the address counts for nothing.
        let others = [("host", "internal:8700"), ("x-forwarded-host", "evil.example.com")];
        hubspot.proved(&arrived(&[&headers[..], &others].concat(), body), Timestamp(now))
    };
    let expected = Ok(Proved::Delivery(Digest::of(body.as_bytes())));
    let now = 1_764_400_000_123;
    assert_eq!(proved(address, (good, moment), body, now), expected);
    assert_eq!(proved(address, (good, moment), body, now + 300_000), expected, "five minutes are allowed");
    for (address, said, body, at, why) in [
        (address, (good, moment), body, now + 300_001, "more than five minutes away"),
        (address, (good, moment), body, now - 300_001, "more than five minutes away"),
        (address, (good, "1764400000124"), body, now, "no signature of it"),
        (address, (good, "1764400000"), body, now, "more than five minutes away"),
        (address, (good, "soon"), body, now, "no number of milliseconds"),
        (address, (good, moment), "[]", now, "no signature of it"),
        (address, (&good[..40], moment), body, now, "no signature of it"),
        ("https://approvals.example.com/hooks/crm/notes", (good, moment), body, now, "no signature of it"),
        ("http://approvals.example.com/hooks/crm/deals", (good, moment), body, now, "no signature of it"),
    ] {
        let refused = proved(address, said, body, at).expect_err(why);
        assert!(refused.contains(why), "{address} {said:?} {body}: {refused}");
    }
    let nowhere = verifier(declared, secret).err().expect("it is refused");
    assert!(nowhere.contains("add `public-address` under `[server]`"), "{nowhere}");
}

#[test]
fn slack_gets_its_challenge_back_only_if_it_signed_it() {
    let slack = verifier("scheme = \"slack\"", SLACK_SECRET).expect("a secret");
    let body = r#"{"type":"url_verification","challenge":"3eZbrw1a"}"#;
    let mac = Hmac::<Sha256>::new_from_slice(SLACK_SECRET.as_bytes()).expect("any key");
    let mac = mac.chain_update(format!("v0:1531420618:{body}")).finalize().into_bytes();
    let signature = format!("v0={}", data_encoding::HEXLOWER.encode(&mac));
    let with = |signature: &str| {
        let headers = [("x-slack-request-timestamp", "1531420618"), ("x-slack-signature", signature)];
        slack.proved(&arrived(&headers, body), seconds(1_531_420_618))
    };
    assert_eq!(with(&signature), Ok(Proved::Challenge("3eZbrw1a".to_owned())));
    assert!(with(SLACK_MAC).is_err());
}

#[test]
fn a_secret_that_proves_nothing_is_refused_when_the_connection_is_made() {
    for (scheme, secret, why) in [
        ("stripe", "", "has 0 secrets"),
        ("stripe", "short", "fewer than 8 bytes"),
        ("stripe", "abcdefgh\nabcdefgh\nabcdefgh\nabcdefgh\nabcdefgh\nabcdefgh", "has 6 secrets"),
        ("standard-webhooks", "abcdefgh", "of the form `whsec_...`"),
        ("standard-webhooks", "whsec_!!!!", "no base64"),
        ("standard-webhooks", "whpk_AAAA", "none of ed25519"),
        ("standard-webhooks", "whsec_AAAA", "fewer than 8 bytes"),
    ] {
        let fault = verifier(&format!("scheme = \"{scheme}\""), secret).err();
        assert!(fault.as_ref().is_some_and(|fault| fault.contains(why)), "{scheme} {secret}: {fault:?}");
    }
}

#[test]
fn a_connector_sees_neither_signatures_nor_credentials_nor_the_way_here() {
    let headers = [
        "Content-Type",
        "X-GitHub-Event",
        "X-Hub-Signature-256",
        "Authorization",
        "Cookie",
        "X-Forwarded-For",
        "X-Acme",
        "X-Gitlab-Token",
        "X-Shopify-Hmac-Sha256",
    ];
    let given = headers.map(|name| (name.to_owned(), "x".to_owned())).to_vec();
    let names: Vec<String> = shown(given, Some("x-acme")).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["content-type", "x-github-event"]);
}
