//! What all policies share, over HTTP: proposed, shown, approved by a second person, listed and read.

use crate::world::{Answer, SMALL, World};
use serde_json::{Value as Json, json};

/// What asks for a shared file with another text.
pub(super) fn body(file: &str, document: &str) -> String {
    let tokens = json!({ "file": file, "document": document, "reason": "the memo" });
    json!({ "type": "shared_change", "tokens": tokens }).to_string()
}

/// The text of a file that is in force.
pub(super) async fn text(world: &World, file: &str) -> String {
    let shown = world.get("auditor-1", &format!("/v1/rules/{file}")).await;
    shown.json["document"]["text"].as_str().unwrap_or_else(|| panic!("{}", shown.text)).to_owned()
}

/// Somebody more who can ask for things.
pub(super) async fn joined(world: &World, who: &str) -> String {
    let people = text(world, "people.md").await;
    let row = people.lines().find(|line| line.starts_with("| ae-2 ")).expect("somebody of the house");
    body("people.md", &people.replacen(row, &format!("{row}\n{}", row.replacen("ae-2", who, 1)), 1))
}

async fn decided(world: &World, place: &str, who: &str, key: &str) -> Answer {
    world.post(who, &format!("{place}/decisions"), key, r#"{"decision":"approve"}"#).await
}

#[tokio::test]
async fn a_shared_file_is_proposed_shown_approved_by_a_second_person_and_read() {
    let world = World::start().await;
    let before = world.get("ae-1", "/v1/rules").await;
    let file = |answer: &Answer, name: &str| -> Json {
        let items = answer.json["items"].as_array().expect("items");
        items.iter().find(|item| item["file"] == name).unwrap_or_else(|| panic!("{}", answer.text)).clone()
    };
    assert_eq!(file(&before, "people.md").get("published"), None, "the file of the house decides");
    let people = text(&world, "people.md").await;

    let asked = joined(&world, "ae-9").await;
    let place = world.submitted("k-1", &asked).await;
    let shown = world.get("revops-1", &place).await;
    assert_eq!(shown.json["state"], "seated", "{}", shown.text);
    let change = &shown.json["shared"];
    assert_eq!(
        (&change["file"], &change["before"]),
        (&json!("people.md"), &file(&before, "people.md")["version"])
    );
    let said: Vec<&Json> =
        change["differences"].as_array().expect("all of them").iter().map(|found| &found["place"]).collect();
    assert_eq!(said, ["Persons, `ae-9`"], "{change}");
    // Accounts and addresses stand in the text: it is for those who decide on it, and for its owners.
    let outside = world.get("finance-1", &place).await;
    assert_eq!((outside.status, outside.json.get("shared")), (200, None), "{}", outside.text);
    assert_eq!(
        (&outside.json["withheld"], outside.json["tokens"].get("document")),
        (&json!(["document"]), None)
    );

    decided(&world, &place, "ae-1", "d-1").await.is_problem(403, "CS-E0110");
    decided(&world, &place, "finance-1", "d-1").await.is_problem(403, "CS-E0111");
    let done = decided(&world, &place, "revops-1", "d-1").await;
    assert_eq!((done.status, &done.json["state"]), (200, &json!("done")), "{}", done.text);
    let listed = world.get("finance-1", "/v1/people").await;
    assert!(listed.text.contains("\"ae-9\""), "{}", listed.text);

    let after = file(&world.get("ae-1", "/v1/rules").await, "people.md");
    assert_eq!((&after["version"], &after["published"]["intent"]), (&change["version"], &shown.json["id"]));
    assert_eq!(
        (&after["published"]["author"], &after["published"]["by"]),
        (&json!("ae-1"), &json!(["revops-1"]))
    );
    assert_eq!(after["before"], json!([{ "version": change["before"] }]));
    let old = change["before"].as_str().expect("a version");
    let old = world.get("auditor-1", &format!("/v1/rules/people.md?version={old}")).await;
    assert_eq!(old.json["document"]["text"], people.as_str(), "what was replaced is on record");
    let timeline = world.get("ae-1", &format!("{place}/timeline")).await;
    let events: Vec<&Json> =
        timeline.json["entries"].as_array().expect("entries").iter().map(|entry| &entry["event"]).collect();
    assert_eq!(events[events.len() - 4..], ["voted", "approved", "file-published", "closed"]);
}

#[tokio::test]
async fn the_text_of_a_shared_file_is_for_those_who_answer_for_it() {
    let world = World::start().await;
    for who in ["ae-1", "finance-1", "pricing-lead"] {
        world.get(who, "/v1/rules/people.md").await.is_problem(403, "CS-E0243");
    }
    for who in ["revops-1", "integration-1", "auditor-1"] {
        assert_eq!(world.get(who, "/v1/rules/people.md").await.status, 200, "{who}");
    }
    world.get("auditor-1", "/v1/rules/nobody.md").await.is_problem(404, "CS-E0220");
    world.get("auditor-1", "/v1/rules/discount.policy.md").await.is_problem(404, "CS-E0220");
    let never = format!("/v1/rules/people.md?version={}", "0".repeat(64));
    world.get("auditor-1", &never).await.is_problem(404, "CS-E0220");
}

#[tokio::test]
async fn a_shared_file_that_does_not_check_is_refused_with_every_finding() {
    let world = World::start().await;
    let people = text(&world, "people.md").await;
    let broken = people.replacen("| pricing-lead, pricing-1 ", "| pricing-lead, nobody-1 ", 1);
    assert_ne!(broken, people);
    let answer = world.post("revops-1", "/v1/intents", "k-1", &body("people.md", &broken)).await;
    answer.is_problem(422, "CS-E0119");
    assert!(
        answer.pointers().iter().all(|pointer| *pointer == "/tokens/document"),
        "{:?}",
        answer.pointers()
    );
    assert!(answer.text.contains("people.md:") && answer.text.contains("nobody-1"), "{}", answer.text);
    let answer = world.post("revops-1", "/v1/intents", "k-2", &body("passwords.toml", "x")).await;
    answer.is_problem(422, "CS-E0119");
    assert!(answer.text.contains("names no file that policies share"), "{}", answer.text);
    world.submitted("k-3", SMALL).await;
    assert_eq!(world.get("ae-1", "/v1/intents").await.json["items"].as_array().map(Vec::len), Some(1));
}
