//! Deciding against the policy over HTTP: with a reason, evidence and the revision that was read.

use crate::world::World;
use serde_json::json;

const OFFER: &str = r#"{"decision":"approve","override_reason":"competitor-offer","reason":"they pay it elsewhere",
    "evidence":[{"kind":"competitor-quote","name":"offer.pdf","bytes":3,
    "sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"kind":"ticket-link","link":"https://example.com/t/1"}]}"#;

#[tokio::test]
async fn an_override_is_shown_listed_and_told_apart() {
    let (world, place) = World::below_the_floor().await;
    let overrides = format!("{place}/overrides");
    let can = world.get("cro", &place).await.json["can"].clone();
    assert_eq!(can, json!(["override", "comment"]));
    let none = world.get("cro", "/v1/intents?override=any").await;
    assert_eq!(none.json["items"], json!([]));

    let overridden = world.post("cro", &overrides, "o-1", OFFER).await;
    assert_eq!(overridden.status, 200, "{}", overridden.text);
    let shown = &overridden.json["override"];
    assert_eq!((&shown["by"], &shown["decision"]), (&json!("cro"), &json!("approve")));
    assert_eq!(shown["evidence"][0]["name"], "offer.pdf");
    assert_eq!(shown["evidence"][1]["link"], "https://example.com/t/1");
    assert!(shown["at"].is_string(), "{}", overridden.text);
    let again = world.post("cro", &overrides, "o-1", OFFER).await;
    assert_eq!((again.status, &again.json["override"]), (200, shown), "the same key is the same override");

    for (filter, rows) in [("any", 1), ("competitor-offer", 1), ("strategic-logo", 0)] {
        let listed = world.get("ae-1", &format!("/v1/intents?override={filter}")).await;
        assert_eq!(listed.json["items"].as_array().map(Vec::len), Some(rows), "{filter}: {}", listed.text);
    }
    world.get("ae-1", "/v1/intents?override=no%20word").await.is_problem(400, "CS-E0210");
    let story = world.get("ae-1", &format!("{place}/timeline")).await;
    assert!(story.text.contains("OVERRIDE: `cro` decides against the policy, approve"), "{}", story.text);
}

#[tokio::test]
async fn every_flaw_of_an_override_is_named_by_its_place() {
    let (world, place) = World::below_the_floor().await;
    let overrides = format!("{place}/overrides");
    let bad = r#"{"decision":"maybe","reason":"x","evidence":[{"kind":"a b","link":"ftp://x"},
        {"kind":"competitor-quote","name":"offer.pdf"},{"kind":"c","link":"https://x","colour":1},"text"]}"#;
    let flawed = world.post("cro", &overrides, "o-1", bad).await;
    flawed.is_problem(422, "CS-E0203");
    let mut pointers = flawed.pointers();
    pointers.sort_unstable();
    let expected = [
        "/decision",
        "/evidence/0/kind",
        "/evidence/0/link",
        "/evidence/1",
        "/evidence/2/colour",
        "/evidence/3",
        "/evidence/3/kind",
        "/override_reason",
    ];
    assert_eq!(pointers, expected, "{}", flawed.text);
    let many = json!({ "kind": "competitor-quote", "link": "https://example.com" });
    let many = json!({ "decision": "approve", "override_reason": "competitor-offer", "reason": "x",
        "evidence": vec![many; 11] });
    let many = world.post("cro", &overrides, "o-2", &many.to_string()).await;
    many.is_problem(422, "CS-E0203");
    assert_eq!(many.pointers(), ["/evidence"]);
}

#[tokio::test]
async fn an_override_is_refused_like_any_decision() {
    let (world, place) = World::below_the_floor().await;
    let overrides = format!("{place}/overrides");
    world.post("finance-1", &overrides, "o-1", OFFER).await.is_problem(403, "CS-E0135");
    world.post("ae-1", &overrides, "o-2", OFFER).await.is_problem(403, "CS-E0110");
    let bare = OFFER.replace("competitor-quote", "screenshot");
    world.post("cro", &overrides, "o-3", &bare).await.is_problem(422, "CS-E0134");
    let other = OFFER.replace("competitor-offer", "because-i-can");
    world.post("cro", &overrides, "o-4", &other).await.is_problem(422, "CS-E0133");
    let mute = OFFER.replace("they pay it elsewhere", " ");
    world.post("cro", &overrides, "o-5", &mute).await.is_problem(422, "CS-E0114");
    let seal = format!("{{\"seal\":\"{}\",{}", "0".repeat(64), &OFFER[1..]);
    world.post("cro", &overrides, "o-6", &seal).await.is_problem(409, "CS-E0107");
    assert_eq!(world.get("ae-1", &place).await.json["state"], "seated");
}
