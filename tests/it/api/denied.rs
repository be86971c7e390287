//! What somebody tried and may not do is in the log, for auditors: who, by which door, what, on what, with which code,
//! and nothing of what they sent.

use crate::authorization::{HOUSE, rulebook};
use crate::links::{path, waiting};
use crate::world::{SMALL, Setup, World, secret};
use countersign_core::denied::DENIED_AN_HOUR_MAX;
use countersign_core::time::Millis;
use countersign_engine::limits::ERRAND_FAULT_DELAY_MS;
use countersign_engine::port::store::StoreFault;
use countersign_tests::world::program;
use serde_json::{Value as Json, json};
use std::time::Duration;
use tokio::process::Command;

/// How often it is looked whether all is on record, and how long it is waited between two looks.
const LOOKS_MAX: usize = 1_000;
const LOOK: Duration = Duration::from_millis(10);

/// What stands in the body of each try, and nowhere else.
const SENT: &str = "NOBODY-ELSES-BUSINESS";

async fn house() -> World {
    World::of(Setup { rulebook: rulebook(|text| text), ..Setup::default() }).await
}

/// What is on record in the end, the oldest first.
pub(super) async fn on_record(world: &World, count: usize) -> Vec<Json> {
    for _ in 0..LOOKS_MAX {
        let answer = world.get("auditor-1", "/v1/denied?limit=200").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let mut items = answer.json["items"].as_array().expect("items").clone();
        if count <= items.len() {
            assert_eq!(items.len(), count, "{}", answer.text);
            items.reverse();
            return items;
        }
        tokio::time::sleep(LOOK).await;
    }
    panic!("not {count}: {}", world.get("auditor-1", "/v1/denied").await.text);
}

/// Tries something with a token of this name, and says what came of it.
async fn tries(world: &World, who: &str, route: &str, body: &Json) -> (u16, String) {
    let (method, path) = route.split_once(' ').expect("a method and a path");
    let headers = [("idempotency-key", "k-try"), ("if-match", "\"1\"")];
    let body = if method == "GET" { String::new() } else { body.to_string() };
    let answer = world.send(who, method, path, &headers, &body).await;
    (answer.status, answer.json["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_refused_try_is_on_record_with_who_which_door_what_on_what_and_why_and_nothing_that_was_sent() {
    let world = house().await;
    let place = world.submitted("k-1", SMALL).await;
    let id = place.rsplit('/').next().expect("an id");
    let decide = format!("POST {place}/decisions");
    let approve = json!({ "decision": "approve", "note": SENT });
    let why = json!({ "reason": SENT });
    let decisions = "POST /v1/intents/{id}/decisions";
    let tried = [
        ("finance-1", &*decide, &approve, "CS-E0111", decisions, id),
        ("ae-1", &decide, &approve, "CS-E0110", decisions, id),
        ("auditor-1", &decide, &approve, "CS-E0111", decisions, id),
        (HOUSE.machine, &decide, &approve, "CS-E0224", decisions, id),
        ("read", &decide, &approve, "CS-E0207", decisions, id),
        ("leaver", &decide, &approve, "CS-E0104", decisions, id),
        (
            "ae-2",
            &format!("POST {place}/withdrawals"),
            &json!({}),
            "CS-E0113",
            "POST /v1/intents/{id}/withdrawals",
            id,
        ),
        (
            "ae-2",
            "POST /v1/connections/crm/pauses",
            &why,
            "CS-E0223",
            "POST /v1/connections/{name}/pauses",
            "crm",
        ),
        ("ae-2", "GET /v1/denied", &why, "CS-E0222", "GET /v1/denied", ""),
    ];
    for (who, route, body, code, _, _) in &tried {
        assert_eq!(tries(&world, who, route, body).await, (403, (*code).to_owned()), "{who} {route}");
    }
    // What nobody may or what does not fit is refused too, and denied to nobody in particular.
    assert_eq!(tries(&world, "", &decide, &approve).await.0, 401);
    assert_eq!(tries(&world, "sales-manager-1", &decide, &json!({ "decision": SENT })).await.0, 422);

    let items = on_record(&world, tried.len()).await;
    for (item, (who, _, _, code, verb, on)) in items.iter().zip(&tried) {
        let person = match *who {
            "read" => "ae-1",
            "leaver" => "somebody-else",
            other => other,
        };
        assert_eq!(item["person"], person);
        assert_eq!((&item["door"], &item["token"]), (&json!("api"), &json!(who)));
        assert_eq!((&item["verb"], &item["code"]), (&json!(verb), &json!(code)));
        let on: Vec<&str> = on.split_terminator(' ').collect();
        assert_eq!(item.get("on").unwrap_or(&json!([])), &json!(on), "{item}");
        assert_eq!(item["at"], "2026-11-23T15:00:00.000Z");
    }
    let text = Json::from(items).to_string();
    assert!(!text.contains(SENT), "{text}");

    let of = world.get("auditor-1", "/v1/denied?day=2026-11-23&person=ae-2&limit=2").await;
    assert_eq!(of.json["items"].as_array().map(Vec::len), Some(2));
    let next = of.json["next"].as_str().expect("there is more");
    let of = world.get("auditor-1", &format!("/v1/denied?person=ae-2&limit=2&cursor={next}")).await;
    assert_eq!(of.json["items"][0]["code"], "CS-E0113");
    assert!(of.json.get("next").is_none(), "{}", of.text);
    assert_eq!(world.get("auditor-1", "/v1/denied?day=2026-11-22").await.json["items"], json!([]));
    world.get("auditor-1", "/v1/denied?day=yesterday").await.is_problem(400, "CS-E0210");
    let page = world.watched("/metrics").await;
    assert!(page.text.contains(r#"countersign_denied_total{outcome="on-record"} 9"#), "{}", page.text);
}

#[tokio::test]
async fn a_try_on_an_intent_that_is_not_there_for_somebody_is_not_told_apart_from_one_on_nothing() {
    let closed = "| expires         | 30d  ";
    let change = |text: String| text.replacen(closed, &format!("| seen by | those in it |\n{closed}"), 1);
    let world = World::of(Setup { rulebook: rulebook(change), ..Setup::default() }).await;
    let place = world.submitted("k-1", SMALL).await;
    let none = "/v1/intents/int_00000000000000000000000007";
    for route in [format!("POST {place}/decisions"), format!("POST {none}/decisions"), format!("GET {place}")]
    {
        let tried = tries(&world, "ae-2", &route, &json!({ "decision": "approve" })).await;
        assert_eq!(tried, (404, "CS-E0101".to_owned()), "{route}");
    }
    let items = on_record(&world, 3).await;
    let verbs: Vec<&Json> = items.iter().map(|item| &item["verb"]).collect();
    let decide = "POST /v1/intents/{id}/decisions";
    assert_eq!(verbs, [decide, decide, "GET /v1/intents/{id}"]);
}

#[tokio::test]
async fn whoever_tries_without_end_fills_no_log_and_one_entry_says_how_often_it_was() {
    let world = house().await;
    let place = world.submitted("k-1", SMALL).await;
    let decide = format!("POST {place}/decisions");
    let most = usize::try_from(DENIED_AN_HOUR_MAX).expect("it fits");
    for _ in 0..most + 7 {
        assert_eq!(tries(&world, "ae-2", &decide, &json!({ "decision": "approve" })).await.0, 403);
    }
    // Somebody else has room.
    assert_eq!(tries(&world, "ae-1", &decide, &json!({ "decision": "approve" })).await.0, 403);
    on_record(&world, most + 1).await;
    // The host counts on until the hour is over.
    while world.clock.sleepers() == 0 {
        tokio::time::sleep(LOOK).await;
    }
    world.clock.turn(Millis::hours(1));
    let items = on_record(&world, most + 2).await;
    let last = items.last().expect("an item");
    assert_eq!((&last["person"], &last["more"]), (&json!("ae-2"), &json!(7)), "{last}");
    assert_eq!(last["since"], "2026-11-23T15:00:00.000Z");
    assert_eq!(tries(&world, "ae-2", &decide, &json!({ "decision": "approve" })).await.0, 403);
    on_record(&world, most + 3).await;
}

#[tokio::test]
async fn a_full_disk_changes_no_refusal_and_what_was_refused_meanwhile_is_written_later() {
    let world = house().await;
    let place = world.submitted("k-1", SMALL).await;
    let decide = format!("POST {place}/decisions");
    world.store.fail(Some(StoreFault::Full));
    let tried = tries(&world, "finance-1", &decide, &json!({ "decision": "approve" })).await;
    assert_eq!(tried, (403, "CS-E0111".to_owned()));
    world.store.fail(None);
    for _ in 0..LOOKS_MAX {
        world.clock.turn(Millis(ERRAND_FAULT_DELAY_MS));
        if world.get("auditor-1", "/v1/denied").await.json["items"] != json!([]) {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    let items = on_record(&world, 1).await;
    assert_eq!(items[0]["at"], "2026-11-23T15:00:00.000Z", "it is when it was tried");
}

#[tokio::test]
async fn a_stop_writes_what_waits_and_another_host_goes_on_counting() {
    let world = house().await;
    let place = world.submitted("k-1", SMALL).await;
    let decide = format!("POST {place}/decisions");
    let most = usize::try_from(DENIED_AN_HOUR_MAX).expect("it fits");
    for _ in 0..most + 2 {
        tries(&world, "ae-2", &decide, &json!({ "decision": "approve" })).await;
    }
    world.engine.stop().await;
    let store = std::sync::Arc::clone(&world.store);
    let again =
        World::of(Setup { rulebook: rulebook(|text| text), store: Some(store), ..Setup::default() }).await;
    assert_eq!(on_record(&again, most + 1).await.last().expect("an item")["more"], 2);
    tries(&again, "ae-2", &decide, &json!({ "decision": "approve" })).await;
    tries(&again, "ae-1", &decide, &json!({ "decision": "approve" })).await;
    let items = on_record(&again, most + 2).await;
    assert_eq!(items.last().expect("an item")["person"], "ae-1", "ae-2 has no room left in this hour");
}

#[tokio::test]
async fn what_somebody_says_through_a_link_of_somebody_else_is_on_record_and_looking_is_not() {
    let (browsers, links, place) = waiting().await;
    let approve = path(&links, "approve");
    let stranger = browsers.signed_in("finance-1").await;
    let looked = browsers.get(&stranger, &approve).await;
    let said = browsers.post(&stranger, &approve, "revision=1&seal=&words=").await;
    assert_eq!((looked.status, said.status), (404, 404));
    assert_eq!(looked.text, said.text, "nobody learns more from saying something");
    // A link that never was is not told apart from it.
    assert_eq!(browsers.post(&stranger, &format!("{approve}x"), "revision=1&seal=&words=").await.status, 404);
    assert_eq!(browsers.post("", &approve, "revision=1&seal=&words=").await.status, 303);
    let items = on_record(&browsers.world, 2).await;
    assert_eq!((&items[0]["person"], &items[0]["door"]), (&json!("finance-1"), &json!("link")));
    assert_eq!((&items[0]["verb"], &items[0]["code"]), (&json!("approve"), &json!("CS-E0101")));
    assert_eq!(items[0]["on"], json!([place.rsplit('/').next()]));
}

#[tokio::test]
async fn an_auditor_reads_it_with_the_command() {
    let world = house().await;
    let place = world.submitted("k-1", SMALL).await;
    tries(&world, "finance-1", &format!("POST {place}/decisions"), &json!({ "decision": "approve" })).await;
    on_record(&world, 1).await;
    let command = async |who: &str| {
        let mut command = Command::new(program().expect("the program was built"));
        command.args(["audit", "denied", "--day", "2026-11-23", "--person", "finance-1"]).kill_on_drop(true);
        command.env("COUNTERSIGN_URL", format!("http://{}", world.address));
        command.env("COUNTERSIGN_TOKEN", secret(who));
        command.output().await.expect("it runs")
    };
    let said = command("auditor-1").await;
    let text = String::from_utf8(said.stdout).expect("it prints text");
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    let id = place.rsplit('/').next().expect("an id");
    let expected = ["finance-1", "api", "finance-1", "POST", "/v1/intents/{id}/decisions", id, "CS-E0111"];
    assert_eq!(lines.get(1).map(|line| &line[1..]), Some(&expected[..]), "{text}");
    let said = command("ae-2").await;
    assert!(!said.status.success() && said.stdout.is_empty());
    assert!(String::from_utf8_lossy(&said.stderr).contains("CS-E0222"));
}
