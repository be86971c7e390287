//! Publishing a policy over HTTP: proposed, shown with its evidence, approved by a second person, listed.

use crate::world::{Answer, SMALL, World};
use countersign_core::policy::check::check_files;
use countersign_core::policy::lint::Level;
use countersign_core::time::Timestamp;
use countersign_server::Scope;
use countersign_tests::world::{root, source_files};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

/// The shipped discount policy with another bound of `mid-auto` and another date, and its warnings.
pub(super) fn changed(to: &str, day: &str) -> (String, BTreeSet<String>) {
    let mut files = source_files(&root().join("host/cli/starter")).expect("the shipped files");
    let file = files.iter_mut().find(|file| file.path.ends_with("discount.policy.md")).expect("the policy");
    file.text = file.text.replacen("<= 10%", to, 1).replacen("| 2026-01-01 ", &format!("| {day} "), 1);
    let text = file.text.clone();
    let report = check_files(&files, Timestamp(0));
    let warnings = report.findings().filter(|finding| finding.level == Level::Warning);
    (text, warnings.map(|finding| finding.kind.to_owned()).collect())
}

/// The same with so many words that no page shows it whole.
pub(super) fn longer_than_a_page() -> (String, BTreeSet<String>) {
    let (text, warnings) = changed("<= 12%", "2026-11-20");
    let words = format!("{}\n\n## Inputs", "Nobody reads this to its end. ".repeat(2_100));
    (text.replacen("## Inputs", &words, 1), warnings)
}

pub(super) fn body(document: &str, accept: &BTreeSet<String>) -> String {
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
    assert_eq!(
        shown.json["can"],
        json!(["approve", "decline", "claim", "ask", "delegate", "transfer", "add-voice", "comment"])
    );
    assert_eq!(world.get("ae-1", &place).await.json["can"], json!(["remind", "withdraw", "comment"]));
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

const ROLLBACK: &str = "/v1/policies/discount/rollback";

/// The version of the discount policy that is in force.
async fn in_force(world: &World) -> String {
    let shown = world.get("ae-1", "/v1/policies/discount").await;
    shown.json["in_force"]["version"].as_str().expect("a version").to_owned()
}

/// Approves a change, which must be possible.
async fn approved(world: &World, place: &str, key: &str) {
    let decisions = format!("{place}/decisions");
    let done = world.post("pricing-lead", &decisions, key, r#"{"decision":"approve"}"#).await;
    assert_eq!((done.status, &done.json["state"]), (200, &json!("done")), "{}", done.text);
}

/// Asks to go back and waits until that is prepared.
async fn gone_back(world: &World, person: &str, key: &str, body: &str) -> Answer {
    let headers = [("idempotency-key", key), ("prefer", "wait=10")];
    let answer = world.send(person, "POST", ROLLBACK, &headers, body).await;
    assert_eq!((answer.status, &answer.json["state"]), (201, &json!("seated")), "{}", answer.text);
    answer
}

#[tokio::test]
async fn a_rollback_is_proposed_by_one_person_and_takes_over_when_another_approves() {
    let world = World::start().await;
    let shipped = world.get("ae-1", "/v1/policies/discount").await;
    let (document, warnings) = changed("<= 12%", "2026-11-20");
    let place = world.submitted("k-1", &body(&document, &warnings)).await;
    approved(&world, &place, "d-1").await;
    let second = in_force(&world).await;
    assert_ne!(shipped.json["in_force"]["version"], second.as_str());

    let why = r#"{"reason":"margin fell"}"#;
    let back = gone_back(&world, "ae-1", "b-1", why).await;
    assert_eq!(back.header("etag"), "\"1\"");
    assert_eq!(back.json["change"]["version"], shipped.json["in_force"]["version"]);
    assert_eq!(back.json["change"]["before"], second.as_str());
    assert_eq!(back.json["change"]["again"], "files");
    assert_eq!(in_force(&world).await, second, "nothing has changed yet");
    let again = world.send("ae-1", "POST", ROLLBACK, &[("idempotency-key", "b-1")], why).await;
    assert_eq!(again.header("location"), back.header("location"), "asked twice, done once");
    let decisions = format!("{}/decisions", back.header("location"));
    let approve = r#"{"decision":"approve"}"#;
    world.post("ae-1", &decisions, "d-2", approve).await.is_problem(403, "CS-E0110");
    world.post("finance-1", &decisions, "d-2", approve).await.is_problem(403, "CS-E0111");
    approved(&world, back.header("location"), "d-3").await;

    let after = world.get("ae-1", "/v1/policies/discount").await;
    assert_eq!(after.json["in_force"]["version"], shipped.json["in_force"]["version"]);
    assert_eq!(after.json["document"], shipped.json["document"]);
    assert_eq!(after.json["in_force"]["published"]["author"], "ae-1");
    assert_eq!(after.json["in_force"]["published"]["by"], json!(["pricing-lead"]));
    assert_eq!(after.json["in_force"]["published"]["reason"], "margin fell");
    // From there the version before is the second one, and any other can be named.
    let back = gone_back(&world, "ae-2", "b-2", r#"{"reason":"it rose again"}"#).await;
    assert_eq!(back.json["change"]["version"], second.as_str());
    let named = json!({ "reason": "it rose again", "version": second }).to_string();
    let back = gone_back(&world, "ae-1", "b-3", &named).await;
    assert_eq!(back.json["change"]["version"], second.as_str());
}

#[tokio::test]
async fn a_rollback_that_leads_nowhere_is_refused_and_nothing_is_stored() {
    let world = World::start().await;
    let ask = async |person: &str, body: &Json| {
        world.send(person, "POST", ROLLBACK, &[("idempotency-key", "b-1")], &body.to_string()).await
    };
    let none = ask("ae-1", &json!({ "reason": "x" })).await;
    none.is_problem(404, "CS-E0220");
    assert_eq!(none.json["detail"], "`discount` has no version before the one in force");
    ask("ae-1", &json!({ "reason": "x", "version": "0".repeat(64) })).await.is_problem(404, "CS-E0220");
    let wrong = ask("ae-1", &json!({ "reason": 7, "version": "last", "force": true })).await;
    wrong.is_problem(422, "CS-E0203");
    assert_eq!(wrong.pointers(), ["/force", "/reason", "/version"]);
    for silent in [json!({}), json!({ "reason": "  " })] {
        ask("ae-1", &silent).await.is_problem(422, "CS-E0114");
    }
    let same = ask("ae-1", &json!({ "reason": "x", "version": in_force(&world).await })).await;
    same.is_problem(422, "CS-E0119");
    assert_eq!(same.pointers(), ["/version"]);
    assert!(same.text.contains("this version is in force already"), "{}", same.text);
    let keyless = world.send("ae-1", "POST", ROLLBACK, &[], r#"{"reason":"x"}"#).await;
    keyless.is_problem(400, "CS-E0211");
    for name in ["policy_change", "discuont", "..%2f.."] {
        let path = format!("/v1/policies/{name}/rollback");
        let unknown = world.post("ae-1", &path, "b-1", r#"{"reason":"x"}"#).await;
        unknown.is_problem(404, "CS-E0220");
        let detail = unknown.json["detail"].as_str().expect("a detail");
        assert!(detail.starts_with("there is no policy `"), "{detail}");
    }
    assert_eq!(world.get("ae-1", "/v1/intents").await.json["items"], json!([]));
}

#[tokio::test]
async fn only_a_person_who_may_ask_goes_back() {
    let world = World::start().await;
    let (document, warnings) = changed("<= 12%", "2026-11-20");
    let place = world.submitted("k-1", &body(&document, &warnings)).await;
    approved(&world, &place, "d-1").await;
    let why = r#"{"reason":"margin fell"}"#;
    for scope in Scope::ALL.iter().filter(|scope| **scope != Scope::Ask) {
        world.post(scope.as_str(), ROLLBACK, "b-1", why).await.is_problem(403, "CS-E0207");
    }
    world.post("", ROLLBACK, "b-1", why).await.is_problem(401, "CS-E0205");
    world.post("leaver", ROLLBACK, "b-1", why).await.is_problem(403, "CS-E0104");
    let changes = world.get("ae-1", "/v1/intents?type=policy_change").await;
    assert_eq!(changes.json["items"].as_array().map(Vec::len), Some(1), "none was stored");
    assert_eq!(world.post("ask", ROLLBACK, "b-1", why).await.status, 201);
}

#[tokio::test]
async fn a_rollback_beside_an_open_change_of_somebody_else_holds_only_if_it_is_decided_first() {
    let world = World::start().await;
    let (document, warnings) = changed("<= 12%", "2026-11-20");
    let place = world.submitted("k-1", &body(&document, &warnings)).await;
    approved(&world, &place, "d-1").await;
    let (document, warnings) = changed("<= 14%", "2026-11-21");
    let open = world.submitted("k-2", &body(&document, &warnings)).await;
    let back = gone_back(&world, "ae-2", "b-1", r#"{"reason":"margin fell"}"#).await;
    approved(&world, &open, "d-2").await;
    let third = in_force(&world).await;
    // What it was compared with is not in force any more: its approvers saw another difference.
    let decisions = format!("{}/decisions", back.header("location"));
    let late = world.post("pricing-lead", &decisions, "d-3", r#"{"decision":"approve"}"#).await;
    late.is_problem(409, "CS-E0122");
    assert_eq!(in_force(&world).await, third);
    // The other way round it is the change that comes too late.
    let back = gone_back(&world, "ae-2", "b-2", r#"{"reason":"margin fell"}"#).await;
    let (document, warnings) = changed("<= 16%", "2026-11-22");
    let open = world.submitted("k-3", &body(&document, &warnings)).await;
    approved(&world, back.header("location"), "d-4").await;
    assert_ne!(in_force(&world).await, third);
    let late =
        world.post("pricing-lead", &format!("{open}/decisions"), "d-5", r#"{"decision":"approve"}"#).await;
    late.is_problem(409, "CS-E0122");
}
