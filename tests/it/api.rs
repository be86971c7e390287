//! The HTTP API as a caller meets it: what it promises, and every way in which it says no.

#[path = "api/access.rs"]
mod access;
#[path = "api/audited.rs"]
mod audited;
#[path = "api/authorization.rs"]
mod authorization;
#[path = "api/backtest.rs"]
mod backtest;
#[path = "api/browser.rs"]
mod browser;
#[path = "api/budget.rs"]
mod budget;
#[path = "api/bypass.rs"]
mod bypass;
#[path = "api/connections.rs"]
mod connections;
#[path = "api/connectors.rs"]
mod connectors;
#[path = "api/console.rs"]
mod console;
#[path = "api/deliveries.rs"]
mod deliveries;
#[path = "api/denied.rs"]
mod denied;
#[path = "api/described.rs"]
mod described;
#[path = "api/doors.rs"]
mod doors;
#[path = "api/drafts.rs"]
mod drafts;
#[path = "api/exceptions.rs"]
mod exceptions;
#[path = "api/exchange.rs"]
mod exchange;
#[path = "api/going_live.rs"]
mod going_live;
#[path = "api/hands.rs"]
mod hands;
#[path = "api/links.rs"]
mod links;
#[path = "api/lists.rs"]
mod lists;
#[path = "api/live.rs"]
mod live;
#[path = "api/log.rs"]
mod log;
#[path = "api/measure_review.rs"]
mod measure_review;
#[path = "api/measures.rs"]
mod measures;
#[path = "api/metrics.rs"]
mod metrics;
#[path = "api/of_people.rs"]
mod of_people;
#[path = "api/of_the_house.rs"]
mod of_the_house;
#[path = "api/on_pages.rs"]
mod on_pages;
#[path = "api/overrides.rs"]
mod overrides;
#[path = "api/people.rs"]
mod people;
#[path = "api/policies.rs"]
mod policies;
#[path = "api/provision.rs"]
mod provision;
#[path = "api/publishing.rs"]
mod publishing;
#[path = "api/reconciliation.rs"]
mod reconciliation;
#[path = "api/replay.rs"]
mod replay;
#[path = "api/rules.rs"]
mod rules;
#[path = "api/scim.rs"]
mod scim;
#[path = "api/seats.rs"]
mod seats;
#[path = "api/shown.rs"]
mod shown;
#[path = "api/stores.rs"]
mod stores;
#[path = "api/stories.rs"]
mod stories;
#[path = "api/told.rs"]
mod told;
#[path = "api/visibility.rs"]
mod visibility;
#[path = "api/wire.rs"]
mod wire;
#[path = "api/world.rs"]
mod world;

use countersign_core::effect::attempt::{Detail, Failure};
use futures::future::join_all;
use serde_json::json;
use world::{SMALL, World, golden};

#[tokio::test]
async fn a_submission_is_answered_with_its_place_its_tag_and_its_whole_state() {
    let world = World::start().await;
    let headers = [("idempotency-key", "k-1"), ("prefer", "wait=10")];
    let answer = world.send("ae-1", "POST", "/v1/intents", &headers, SMALL).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.header("etag"), "\"1\"");
    assert_eq!(answer.header("preference-applied"), "wait=10");
    assert_eq!(
        answer.header("location"),
        format!("/v1/intents/{}", answer.json["id"].as_str().expect("an id"))
    );
    assert_eq!(answer.json["state"], "seated");
    assert_eq!(answer.json["can"], json!(["remind", "withdraw", "amend", "comment"]));
    insta::assert_snapshot!("seated_intent", golden(&answer.json));

    let seen = world.get("sales-manager-1", answer.header("location")).await;
    let can = ["approve", "decline", "send-back", "ask", "delegate", "transfer", "add-voice", "comment"];
    assert_eq!(seen.json["can"], json!(can));
    let plan = world.get("sales-manager-1", &format!("{}/plan", answer.header("location"))).await;
    assert_eq!(plan.json, seen.json["plan"]);
}

#[tokio::test]
async fn a_decision_by_the_policy_lands_and_its_life_can_be_read() {
    let world = World::start().await;
    let place = world.submitted("k-1", &SMALL.replace("12%", "4%")).await;
    let mut answer = world.get("ae-1", &place).await;
    for _ in 0..400 {
        if answer.json["state"] == "done" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        answer = world.get("ae-1", &place).await;
    }
    assert_eq!(answer.json["outcome"]["by"], json!(["policy"]), "{}", answer.text);
    assert_eq!(answer.json["state"], "done");
    let effects = answer.json["effects"].as_array().expect("effects");
    assert_eq!(effects.len(), 3);
    assert!(
        effects.iter().all(|effect| effect["state"] == "landed" && effect["receipt"]["subject"].is_string())
    );
    assert_eq!(world.connectors.writes().len(), 3);

    let timeline = world.get("ae-1", &format!("{place}/timeline")).await;
    let entries = timeline.json["entries"].as_array().expect("entries");
    assert_eq!(entries[0]["event"], "submitted");
    let events: Vec<_> = entries.iter().filter_map(|entry| entry["event"].as_str()).collect();
    assert!(events.ends_with(&["closed", "watched"]), "{events:?}");
    let words: Vec<&str> = entries.iter().filter_map(|entry| entry["words"].as_str()).collect();
    insta::assert_snapshot!("timeline_words", words.join("\n"));
    let all = world
        .get("ae-1", &format!("/v1/effects?intent={}", answer.json["id"].as_str().expect("an id")))
        .await;
    assert_eq!(all.json["items"], answer.json["effects"]);
    let watched =
        |effect: &serde_json::Value| effect["watch"]["next"] == "look" && effect["watch"]["due"].is_string();
    assert!(effects.iter().all(watched), "each is read back: {effects:?}");
    assert_eq!(world.get("ae-1", "/v1/effects").await.json["items"], json!([]));
}

#[tokio::test]
async fn the_same_request_has_the_same_answer_and_happens_once() {
    let world = World::start().await;
    let first = world.post("ae-1", "/v1/intents", "k-1", SMALL).await;
    let again = world.post("ae-1", "/v1/intents", "\"k-1\"", SMALL).await;
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.header("location"), again.header("location"));
    world.post("ae-1", "/v1/intents", "k-1", &SMALL.replace("12%", "13%")).await.is_problem(422, "CS-E0213");
    // Another person's key is another key.
    let other = world.post("ae-2", "/v1/intents", "k-1", SMALL).await;
    assert_ne!(first.header("location"), other.header("location"));
    assert_eq!(world.get("ae-1", "/v1/intents").await.json["items"].as_array().map(Vec::len), Some(2));

    let place = world.submitted("k-2", SMALL).await;
    let decisions = format!("{place}/decisions");
    let body = r#"{"decision":"decline","reason":"not now"}"#;
    let first = world.post("sales-manager-1", &decisions, "d-1", body).await;
    let again = world.post("sales-manager-1", &decisions, "d-1", body).await;
    assert_eq!((first.status, first.json), (200, again.json.clone()));
    assert_eq!(again.json["outcome"]["reason"], "not now");
    world.post("sales-manager-1", &decisions, "d-2", body).await.is_problem(409, "CS-E0109");
}

#[tokio::test]
async fn a_decision_binds_to_the_revision_and_the_seal_that_were_read() {
    let world = World::start().await;
    let place = world.submitted("k-1", SMALL).await;
    let decisions = format!("{place}/decisions");
    let approve = r#"{"decision":"approve"}"#;
    let with = |tag: &'static str| [("idempotency-key", "d-1"), ("if-match", tag)];
    let missing = [("idempotency-key", "d-1")];
    world.send("sales-manager-1", "POST", &decisions, &missing, approve).await.is_problem(428, "CS-E0215");
    for (tag, code) in [("\"2\"", "CS-E0106"), ("*", "CS-E0216"), ("W/\"1\"", "CS-E0216"), ("1", "CS-E0216")]
    {
        world.send("sales-manager-1", "POST", &decisions, &with(tag), approve).await.is_problem(412, code);
    }
    let seal = format!(r#"{{"decision":"approve","seal":"{}"}}"#, "0".repeat(64));
    world.post("sales-manager-1", &decisions, "d-1", &seal).await.is_problem(409, "CS-E0107");
    world.post("ae-1", &decisions, "d-1", approve).await.is_problem(403, "CS-E0110");
    world.post("finance-1", &decisions, "d-1", approve).await.is_problem(403, "CS-E0111");
    let silent = r#"{"decision":"decline","reason":"  "}"#;
    world.post("sales-manager-1", &decisions, "d-1", silent).await.is_problem(422, "CS-E0114");
    world.post("leaver", &decisions, "d-1", approve).await.is_problem(403, "CS-E0104");
    let shown = world.get("sales-manager-1", &place).await;
    let seal = format!(r#"{{"decision":"approve","note":"good","seal":{}}}"#, shown.json["plan"]["seal"]);
    let done = world.post("sales-manager-1", &decisions, "d-1", &seal).await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert_eq!(done.json["outcome"]["by"], json!(["sales-manager-1"]));
    world.post("ae-1", &format!("{place}/withdrawals"), "w-1", "{}").await.is_problem(409, "CS-E0109");
}

#[tokio::test]
async fn a_quorum_is_of_distinct_persons() {
    let world = World::start().await;
    let thin = [
        ("margin", countersign_core::record::Value::Decimal("14".to_owned())),
        ("renewal", countersign_core::record::Value::Flag(false)),
    ];
    world.connectors.put("crm", "quote", "q-1", &thin);
    let place = world.submitted("k-1", SMALL).await;
    let decisions = format!("{place}/decisions");
    let approve = r#"{"decision":"approve"}"#;
    let first = world.post("finance-1", &decisions, "d-1", approve).await;
    assert_eq!(first.status, 200, "{}", first.text);
    let words = first.json["progress"]["words"].as_str().unwrap_or_default();
    assert!(words.starts_with("0 of 2, finance (1 of 2 voices) pending until 2"), "{words}");
    assert!(words.contains(", manager pending until 2"), "{words}");
    world.post("finance-1", &decisions, "d-2", approve).await.is_problem(409, "CS-E0112");
    assert_eq!(world.post("finance-2", &decisions, "d-3", approve).await.json["progress"]["filled"], 1);
    world.post("ae-2", &format!("{place}/withdrawals"), "w-1", "").await.is_problem(403, "CS-E0113");
    let withdrawn = world.post("ae-1", &format!("{place}/withdrawals"), "w-2", "").await;
    assert_eq!((withdrawn.status, &withdrawn.json["state"]), (200, &json!("withdrawn")));
}

#[tokio::test]
async fn of_64_commands_at_one_time_exactly_one_is_taken() {
    let world = World::start().await;
    let place = world.submitted("k-1", SMALL).await;
    let (decisions, withdrawals) = (format!("{place}/decisions"), format!("{place}/withdrawals"));
    let commands = (0..64).map(|number| {
        let (world, decisions, withdrawals) = (&world, &decisions, &withdrawals);
        async move {
            let key = format!("p-{number}");
            match number % 3 {
                0 => world.post("sales-manager-1", decisions, &key, r#"{"decision":"approve"}"#).await,
                1 => {
                    let body = r#"{"decision":"decline","reason":"no"}"#;
                    world.post("sales-manager-1", decisions, &key, body).await
                }
                _ => world.post("ae-1", withdrawals, &key, "{}").await,
            }
        }
    });
    let answers = join_all(commands).await;
    let taken = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(taken, 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.is_problem(409, "CS-E0109");
    }
}

#[tokio::test]
async fn an_exception_is_closed_by_its_owner_in_a_way_that_means_something() {
    let world = World::start().await;
    let detail = Detail::new("gone", "the account was deleted");
    world.connectors.next_read(Failure::Rejected { fields: Vec::new(), detail });
    let place = world.submitted("k-1", SMALL).await;
    let intent = world.get("pricing-lead", &place).await;
    assert_eq!(intent.json["state"], "unsettled", "{}", intent.text);
    let owner = intent.json["exceptions"][0]["owner"].as_str().expect("an owner").to_owned();
    assert_eq!(owner, "pricing-lead");
    let listed = world.get(&owner, "/v1/exceptions").await;
    assert_eq!(listed.json["items"], intent.json["exceptions"]);
    assert_eq!(listed.json["items"][0]["can"], json!(["retry", "decline"]));
    let id = listed.json["items"][0]["id"].as_str().expect("an id").to_owned();
    let closures = format!("{place}/exceptions/{id}/closures");
    let retry = r#"{"by":"retry","reason":"it is there again"}"#;
    world.post("finance-1", &closures, "c-1", retry).await.is_problem(403, "CS-E0116");
    let stale = [("idempotency-key", "c-1"), ("if-match", "\"9\"")];
    world.send(&owner, "POST", &closures, &stale, retry).await.is_problem(412, "CS-E0106");
    let silent = r#"{"by":"retry","reason":""}"#;
    world.post(&owner, &closures, "c-1", silent).await.is_problem(422, "CS-E0114");
    let probe = r#"{"by":"probe","reason":"look"}"#;
    world.post(&owner, &closures, "c-1", probe).await.is_problem(409, "CS-E0117");
    let other = format!("{place}/exceptions/exc_{}/closures", "0".repeat(26));
    world.post(&owner, &other, "c-1", retry).await.is_problem(404, "CS-E0115");
    let closed = world.post(&owner, &closures, "c-1", retry).await;
    assert_eq!(closed.status, 200, "{}", closed.text);
    assert_eq!(closed.json["exceptions"][0]["closed"]["reason"], "it is there again");
    assert_eq!(world.get(&owner, "/v1/exceptions").await.json["items"], json!([]));
}
