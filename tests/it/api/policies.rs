//! Publishing a policy over HTTP: proposed, shown with its evidence, approved by a second person, listed.

use crate::world::{SMALL, World};
use countersign_core::policy::check::check_files;
use countersign_core::policy::lint::Level;
use countersign_core::time::Timestamp;
use countersign_tests::world::{root, source_files};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

/// The shipped discount policy with another bound of `mid-auto` and another date, and its warnings.
fn changed(to: &str, day: &str) -> (String, BTreeSet<String>) {
    let mut files = source_files(&root().join("host/cli/starter")).expect("the shipped files");
    let file = files.iter_mut().find(|file| file.path.ends_with("discount.policy.md")).expect("the policy");
    file.text = file.text.replacen("<= 10%", to, 1).replacen("| 2026-01-01 ", &format!("| {day} "), 1);
    let text = file.text.clone();
    let report = check_files(&files, Timestamp(0));
    let warnings = report.findings().filter(|finding| finding.level == Level::Warning);
    (text, warnings.map(|finding| finding.kind.to_owned()).collect())
}

fn body(document: &str, accept: &BTreeSet<String>) -> String {
    let kinds: Vec<Json> = accept.iter().map(|kind| json!({ "kind": kind })).collect();
    let tokens = json!({ "intent": "discount", "document": document, "reason": "the memo", "accept": kinds });
    json!({ "type": "policy_change", "tokens": tokens }).to_string()
}

#[tokio::test]
async fn a_policy_is_proposed_shown_approved_by_a_second_person_and_listed() {
    let world = World::start().await;
    world.submitted("k-0", SMALL).await;
    let before = world.get("ae-1", "/v1/policies/discount").await;
    assert_eq!((before.status, &before.json["in_force"]["standing"]), (200, &json!("in-force")));
    let (document, warnings) = changed("<= 12%", "2026-11-20");
    let place = world.submitted("k-1", &body(&document, &warnings)).await;
    let shown = world.get("pricing-lead", &place).await;
    assert_eq!(shown.json["state"], "seated", "{}", shown.text);
    assert_eq!(shown.json["can"], json!(["approve", "decline"]));
    assert_eq!(world.get("ae-1", &place).await.json["can"], json!(["withdraw"]));
    let change = &shown.json["change"];
    assert_eq!(change["before"], before.json["in_force"]["version"]);
    assert_eq!(change["owners"], json!(["pricing"]));
    assert_eq!(change["examples"], json!({ "passed": 8, "of": 8 }));
    assert_eq!((&change["all"], &change["unsettled"]), (&json!(true), &json!(0)));
    let tried = &change["backtest"];
    assert_eq!((&tried["cases"]["count"], &tried["changed"]["count"]), (&json!(1), &json!(0)), "{tried}");
    assert_eq!(tried["policy"], change["version"], "exactly this version was tried");
    let regions = change["changed"].as_array().expect("regions");
    assert!(regions.iter().any(|region| region["now"] == "approve"), "{change}");

    let decisions = format!("{place}/decisions");
    let approve = r#"{"decision":"approve"}"#;
    world.post("ae-1", &decisions, "d-1", approve).await.is_problem(403, "CS-E0110");
    world.post("finance-1", &decisions, "d-1", approve).await.is_problem(403, "CS-E0111");
    let seal = format!(r#"{{"decision":"approve","seal":{}}}"#, shown.json["plan"]["seal"]);
    let done = world.post("pricing-lead", &decisions, "d-1", &seal).await;
    assert_eq!((done.status, &done.json["state"]), (200, &json!("done")), "{}", done.text);

    let after = world.get("ae-1", "/v1/policies/discount").await;
    let in_force = &after.json["in_force"];
    assert_eq!(in_force["version"], change["version"]);
    assert_eq!(in_force["published"]["author"], "ae-1");
    assert_eq!(in_force["published"]["by"], json!(["pricing-lead"]));
    assert_eq!(in_force["published"]["intent"], shown.json["id"]);
    assert_eq!(after.json["document"]["text"], document.as_str());
    assert_eq!(after.json["versions"].as_array().map(Vec::len), Some(2));
    let old = before.json["in_force"]["version"].as_str().expect("a version");
    let old = world.get("ae-1", &format!("/v1/policies/discount?version={old}")).await;
    assert_eq!(old.json["document"], before.json["document"]);
    let listed = world.get("ae-1", "/v1/policies").await;
    let names: Vec<&Json> =
        listed.json["items"].as_array().expect("items").iter().map(|item| &item["intent"]).collect();
    assert_eq!(names, ["contract_redline", "discount", "refund"]);
    assert_eq!(listed.json["items"][1]["in_force"], *in_force);
    let timeline = world.get("ae-1", &format!("{place}/timeline")).await;
    let events: Vec<&Json> =
        timeline.json["entries"].as_array().expect("entries").iter().map(|entry| &entry["event"]).collect();
    assert_eq!(events[events.len() - 4..], ["voted", "approved", "activated", "closed"]);
}

#[tokio::test]
async fn a_change_that_does_not_check_is_refused_with_every_finding() {
    let world = World::start().await;
    let post = async |key: &str, body: &str| world.post("ae-1", "/v1/intents", key, body).await;
    let (document, warnings) = changed("<= 10", "2026-11-20");
    let answer = post("k-1", &body(&document, &warnings)).await;
    answer.is_problem(422, "CS-E0119");
    assert_eq!(answer.pointers(), ["/tokens/document"]);
    assert!(answer.text.contains("discount.policy.md:37"), "{}", answer.text);

    let (document, _) = changed("<= 12%", "2026-11-20");
    let answer = post("k-2", &body(&document, &BTreeSet::new())).await;
    answer.is_problem(422, "CS-E0120");
    for kind in ["edge-without-example", "no-manager"] {
        assert!(answer.text.contains(kind), "{kind}: {}", answer.text);
    }

    let answer = post("k-3", r#"{"type":"policy_change","tokens":{"intent":"discount"}}"#).await;
    answer.is_problem(422, "CS-E0105");
    assert_eq!(answer.pointers(), ["/tokens/document", "/tokens/reason"]);
    assert_eq!(world.get("ae-1", "/v1/intents").await.json["items"], json!([]));
}

#[tokio::test]
async fn what_is_no_policy_or_no_version_is_not_found() {
    let world = World::start().await;
    world.get("ae-1", "/v1/policies/nothing").await.is_problem(404, "CS-E0220");
    world.get("ae-1", "/v1/policies/policy_change").await.is_problem(404, "CS-E0220");
    let unknown = format!("/v1/policies/discount?version={}", "0".repeat(64));
    world.get("ae-1", &unknown).await.is_problem(404, "CS-E0220");
    world.get("ae-1", "/v1/policies/discount?version=last").await.is_problem(400, "CS-E0210");
}

#[tokio::test]
async fn a_policy_that_names_a_component_which_is_not_here_is_refused_at_the_door() {
    let world = World::start().await;
    let digest = "ab".repeat(32);
    let section = format!(
        "## Components\n\n| id | digest | because |\n|---|---|---|\n| rivals | sha256:{digest} | who else bids |\n\n## Routes"
    );
    let (document, mut warnings) = changed("<= 12%", "2026-11-20");
    warnings.insert("component".to_owned());
    let document = document.replacen("## Routes", &section, 1);
    let key = [("idempotency-key", "k-1")];
    let answer = world.send("ae-1", "POST", "/v1/intents", &key, &body(&document, &warnings)).await;
    answer.is_problem(422, "CS-E0119");
    assert!(
        answer.text.contains(&format!("component `rivals` sha256:{digest} is not installed here")),
        "{}",
        answer.text
    );
}
