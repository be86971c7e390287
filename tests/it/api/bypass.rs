//! Ways around an approval that begin in the body of a submission: each is refused at the door, and nothing of
//! it is stored. `host/docs/security.md` lists all ways and where each is tried.

use crate::world::{SMALL, World};
use serde_json::json;

/// Submits what must not pass, and says at which places it was refused.
async fn refused(world: &World, key: &str, body: &str) -> Vec<String> {
    let headers = [("idempotency-key", key), ("prefer", "wait=10")];
    let answer = world.send("ae-1", "POST", "/v1/intents", &headers, body).await;
    assert!((400..500).contains(&answer.status), "it was let in: {body}: {}", answer.text);
    answer.pointers().into_iter().map(str::to_owned).collect()
}

/// The small discount with one token written otherwise.
fn with(name: &str, value: &str) -> String {
    let mut body: serde_json::Value = serde_json::from_str(SMALL).expect("it is JSON");
    body["tokens"][name] = json!("HERE");
    body.to_string().replace("\"HERE\"", value)
}

async fn is_empty(world: &World) {
    assert_eq!(world.get("ae-1", "/v1/intents").await.json["items"], json!([]), "nothing was stored");
}

#[tokio::test]
async fn a_number_has_one_spelling_and_its_own_unit() {
    let world = World::start().await;
    let money = |amount: &str, currency: &str| json!({"amount": amount, "currency": currency}).to_string();
    let digits = "9".repeat(31);
    let tries = [
        ("discount_percent", "\"1e1%\"".to_owned()),
        ("discount_percent", "\"NaN%\"".to_owned()),
        ("discount_percent", "\"0.1\"".to_owned()),
        ("discount_percent", "0.1".to_owned()),
        ("amount", money("1e4", "USD")),
        ("amount", money("12.000", "USD")),
        ("amount", money("12,000.00", "USD")),
        ("amount", money(&digits, "USD")),
        ("amount", money("12000.00", "JPY")),
        ("amount", money("12000.00", "usd")),
        ("amount", "12000".to_owned()),
        ("term_months", "1e1".to_owned()),
        ("term_months", "\"18\"".to_owned()),
        ("term_months", digits.clone()),
    ];
    for (number, (token, value)) in tries.iter().enumerate() {
        let places = refused(&world, &format!("k-{number}"), &with(token, value)).await;
        let place = format!("/tokens/{token}");
        assert!(places.iter().any(|found| found.starts_with(&place)), "{token} {value}: {places:?}");
    }
    is_empty(&world).await;
    // A zero with a sign is the zero that everybody reads.
    let place = world.submitted("k-zero", &with("discount_percent", "\"-0%\"")).await;
    assert_eq!(world.get("ae-1", &place).await.json["tokens"]["discount_percent"], "0%");
}

#[tokio::test]
async fn a_text_that_shows_otherwise_than_it_is_stays_outside() {
    let world = World::start().await;
    let tries = [
        ("quote_id", "q\u{200b}-1"),
        ("quote_id", "\u{202e}1-q"),
        ("customer_id", "a-1\u{0000}"),
        ("customer_id", "\u{0430}-1"),
        ("note", "fine\u{2066}print"),
        ("note", "a\u{001b}[31mb"),
    ];
    for (number, (token, value)) in tries.iter().enumerate() {
        let body = with(token, &json!(value).to_string());
        let places = refused(&world, &format!("k-{number}"), &body).await;
        assert_eq!(places, [format!("/tokens/{token}")], "{value:?}");
    }
    is_empty(&world).await;
}

#[tokio::test]
async fn nothing_is_smuggled_in_beside_the_tokens() {
    let world = World::start().await;
    let twice = SMALL.replace("\"quote_id\":\"q-1\"", "\"quote_id\":\"q-1\",\"quote_id\":\"q-2\"");
    assert_ne!(twice, SMALL);
    refused(&world, "k-1", &twice).await;
    for (number, member) in ["status", "approved_by", "revision", "seal", "requester"].iter().enumerate() {
        let mut body: serde_json::Value = serde_json::from_str(SMALL).expect("it is JSON");
        body[*member] = json!("approved");
        assert_eq!(refused(&world, &format!("k-b{number}"), &body.to_string()).await, [format!("/{member}")]);
        let places = refused(&world, &format!("k-t{number}"), &with(member, "\"approved\"")).await;
        assert_eq!(places, [format!("/tokens/{member}")]);
    }
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    refused(&world, "k-2", &with("note", &deep)).await;
    is_empty(&world).await;
}
