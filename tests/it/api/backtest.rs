//! Backtest over HTTP: a changed policy is tried on what the log has.

use crate::world::{Answer, SMALL, World, policy};
use countersign_server::api::view::BacktestView;
use countersign_server::limits::POLICY_BYTES_MAX;
use serde_json::{Value as Json, json};

const PLACE: &str = "/v1/policies/discount/backtest";

async fn asked(world: &World, body: &Json) -> Answer {
    world.send("read", "POST", PLACE, &[], &body.to_string()).await
}

#[tokio::test]
async fn a_changed_policy_is_tried_on_the_log_and_two_answers_are_the_same_bytes() {
    let world = World::start().await;
    world.submitted("k-1", &SMALL.replace("12%", "4%")).await;
    world.submitted("k-2", SMALL).await;
    let declined = world.submitted("k-3", &SMALL.replace("12000", "9000")).await;
    let body = r#"{"decision":"decline","reason":"too deep"}"#;
    let answer = world.post("sales-manager-1", &format!("{declined}/decisions"), "d-1", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let text = policy("discount", "smb-auto  | smb     | <= 5%", "smb-auto  | smb     | <= 12%");
    let body = json!({ "policy": text, "since": "90d" });
    let answer = asked(&world, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let report: BacktestView = serde_json::from_value(answer.json.clone()).expect("it is as described");
    assert_eq!((report.cases.count, report.changed.count, report.newly_approved.count), (3, 2, 2));
    assert_eq!(report.newly_approved.at_stake[0].amount, "21000.00");
    assert_eq!(report.newly_approved_though_declined.count, 1);
    assert_eq!((report.moved[0].was.as_str(), report.moved[0].would_be.as_str()), ("manager", "approve"));
    assert_eq!(report.since.as_deref(), Some("2026-08-25"));
    assert_eq!(asked(&world, &body).await.text, answer.text);
    // The rules in force are what they were.
    let place = world.submitted("k-4", SMALL).await;
    assert_eq!(world.get("ae-1", &place).await.json["state"], "seated");
}

#[tokio::test]
async fn a_policy_that_does_not_fit_is_refused_with_every_place() {
    let world = World::start().await;
    let empty = world.send("read", "POST", PLACE, &[], "").await;
    empty.is_problem(422, "CS-E0203");
    assert_eq!(empty.pointers(), ["/policy"]);
    let wrong = asked(&world, &json!({ "policy": 7, "since": "soon", "data": "/" })).await;
    wrong.is_problem(422, "CS-E0203");
    assert_eq!(wrong.pointers(), ["/data", "/policy", "/since"]);
    let text = policy("discount", "<= 5%", "<= 5.005%").replacen("pool finance", "pool finanze", 1);
    let unsound = asked(&world, &json!({ "policy": text })).await;
    unsound.is_problem(422, "CS-E0203");
    let found = unsound.json["errors"][0]["found"].as_str().expect("a place");
    assert!(found.starts_with("discount.policy.md:") && found.contains("5.005%"), "{found}");
    let other = asked(&world, &json!({ "policy": policy("refund", "refund", "refund") })).await;
    other.is_problem(422, "CS-E0203");
    assert_eq!(other.json["errors"][0]["expected"], "a policy of `discount`");
    asked(&world, &json!({ "policy": "x".repeat(POLICY_BYTES_MAX) })).await.is_problem(413, "CS-E0202");
    let nowhere = world.send("read", "POST", "/v1/policies/discuont/backtest", &[], "{}").await;
    nowhere.is_problem(404, "CS-E0220");
    world.get("read", PLACE).await.is_problem(405, "CS-E0209");
}
