//! Exception budgets over HTTP: what burns, what is refused, and what lies before whoever says what follows.

use crate::world::{SMALL, Setup, World};
use countersign_core::record::Value;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Millis;
use countersign_engine::port::store::Store;
use countersign_store_local::{LocalStore, Options};
use countersign_tests::world::{root, source_files};
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

/// Callers that ask at one moment.
const CALLERS: usize = 32;

/// A world in which discounts have this budget, and no quote has the margin that the policy reads.
async fn budgeted(budget: &str) -> World {
    let world = World::of(Setup { rulebook: rules(budget), ..Setup::default() }).await;
    world.connectors.put("crm", "quote", "q-1", &[("renewal", Value::Flag(false))]);
    world
}

fn rules(budget: &str) -> Rulebook {
    let mut files = source_files(&root().join("host/cli/starter")).expect("the starter files");
    for file in files.iter_mut().filter(|file| file.path == "intents/discount.intent.md") {
        let row = format!("| exception budget | {budget} |\n| QA checkpoint ");
        file.text = file.text.replacen("| QA checkpoint ", &row, 1);
    }
    Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

async fn budget(world: &World) -> Json {
    let answer = world.get("pricing-lead", "/v1/intent-types/discount/budget").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

#[tokio::test]
async fn a_budget_shows_what_spent_it_and_what_that_has_in_common() {
    let world = budgeted("4 in 7d, warn at 50%, then refuse").await;
    let calm = budget(&world).await;
    assert_eq!((&calm["state"], &calm["burn"]["opened"]), (&json!("calm"), &json!(0)));
    assert_eq!((&calm["budget"], &calm["open"]), (&json!("4 in 7d, warn at 50%, then refuse"), &Json::Null));

    let first = world.submitted("k-1", SMALL).await;
    world.clock.turn(Millis::hours(24));
    let second = world.submitted("k-2", &SMALL.replace("volume", "launch")).await;
    let burning = budget(&world).await;
    assert_eq!(burning["state"], "burning", "{burning:#}");
    assert_eq!(burning["burn"]["exhausted"], "2026-11-26T15:00:00.000Z");
    assert_eq!(burning["open"]["intent"], json!(second.rsplit('/').next()));
    let cases = burning["cases"].as_array().expect("cases");
    let places: Vec<String> =
        cases.iter().map(|case| format!("/v1/intents/{}", case["intent"].as_str().expect("an id"))).collect();
    assert_eq!(places, [second.clone(), first], "the newest first");
    assert_eq!((&cases[0]["cause"], &cases[0]["reported"]), (&json!("unsure"), &json!({"reason": "launch"})));
    let common = |by: &str, value: &str| {
        let clusters = burning["clusters"].as_array().expect("clusters");
        let found = clusters.iter().find(|cluster| cluster["by"] == by && cluster["value"] == value);
        found.map(|cluster| cluster["count"].clone())
    };
    assert_eq!(common("cause", "unsure"), Some(json!(2)));
    assert_eq!(common("what", "unsure"), Some(json!(2)));
    assert_eq!(common("reason", "launch"), Some(json!(1)));
    let days = burning["days"].as_array().expect("days");
    assert_eq!(days.len(), 8, "{burning:#}");
    let opened: Vec<&Json> = days.iter().rev().take(3).map(|day| &day["opened"]).collect();
    assert_eq!(opened, [&json!(1), &json!(1), &json!(0)]);

    let told = world.get("pricing-lead", &second).await;
    let about = told.json["exceptions"].as_array().expect("exceptions");
    let about = about.iter().find(|exception| exception["cause"] == "budget").expect("it is there");
    assert_eq!((&about["burn"]["level"], &about["burn"]["opened"]), (&json!("burning"), &json!(2)));
}

#[tokio::test]
async fn a_spent_budget_is_refused_with_until_when_and_told_to_whoever_asks_what_a_policy_says() {
    let world = budgeted("1 in 7d, warn at 50%, then refuse").await;
    let path = "/v1/policies/discount/explain";
    let body = json!({ "case": "plain small deal" }).to_string();
    let before = world.send("ae-1", "POST", path, &[], &body).await;
    assert_eq!((before.status, &before.json["budget"]), (200, &Json::Null), "{}", before.text);
    let place = world.submitted("k-1", SMALL).await;
    let refused = world.post("ae-1", "/v1/intents", "k-2", SMALL).await;
    refused.is_problem(409, "CS-E0171");
    let detail = refused.json["detail"].as_str().expect("a text");
    assert!(detail.contains("until 2026-11-30T15:00:00.000Z"), "{detail}");
    // Whose it is, and not in which intent it stands: that may not be for whoever asks.
    let intent = place.rsplit('/').next().expect("an id");
    assert!(detail.contains("`revops-lead` can give it back") && !detail.contains(intent), "{detail}");
    let after = world.send("ae-1", "POST", path, &[], &body).await;
    let words = after.json["budget"].as_str().expect("a text");
    assert!(words.contains("nothing new is taken, until 2026-11-30T15:00:00.000Z"), "{words}");
    // What was asked under a key before is answered as before, not refused.
    let again = world.post("ae-1", "/v1/intents", "k-1", SMALL).await;
    assert_eq!(again.status, 201, "{}", again.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_in_parallel_do_not_share_the_last_places_of_a_throttled_day() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Arc::new(LocalStore::open(Options::at(folder.path())).expect("the folder opens"));
    let rulebook = rules("1 in 7d, warn at 50%, then throttle 6 a day");
    let setup = Setup { rulebook, store: Some(store as Arc<dyn Store>), ..Setup::default() };
    let world = Arc::new(World::of(setup).await);
    world.connectors.put("crm", "quote", "q-1", &[("renewal", Value::Flag(false))]);
    world.submitted("k-0", SMALL).await;
    let start = Arc::new(Barrier::new(CALLERS));
    let mut callers = JoinSet::new();
    for caller in 1..=CALLERS {
        let (world, start) = (Arc::clone(&world), Arc::clone(&start));
        callers.spawn(async move {
            start.wait().await;
            world.post("ae-1", "/v1/intents", &format!("k-{caller}"), SMALL).await
        });
    }
    let answers = callers.join_all().await;
    let taken = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(taken, 5, "one of the six was there before");
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        answer.is_problem(409, "CS-E0171");
        assert!(answer.text.contains("so at most 6 of a day are taken"), "{}", answer.text);
        assert!(answer.text.contains("until 2026-11-24T00:00:00.000Z"), "{}", answer.text);
    }
}

#[tokio::test]
async fn what_a_council_decides_says_so() {
    let world = budgeted("1 in 7d, warn at 50%, then council council").await;
    world.submitted("k-1", SMALL).await;
    let whole = [("margin", Value::Decimal("40".to_owned())), ("renewal", Value::Flag(false))];
    world.connectors.put("crm", "quote", "q-1", &whole);
    let place = world.submitted("k-2", &SMALL.replace("12%", "4%")).await;
    let seated = world.get("ae-1", &place).await;
    assert_eq!(seated.json["state"], "seated", "the policy alone lets it pass: {}", seated.text);
    assert_eq!(seated.json["council"]["route"], "council");
    let words = seated.json["council"]["words"].as_str().expect("a text");
    assert!(words.contains("until 2026-11-30T15:00:00.000Z"), "{words}");
    let story = world.get("ae-1", &format!("{place}/timeline")).await;
    assert!(story.text.contains("so route `council` decides on whatever is new"), "{}", story.text);
}

#[tokio::test]
async fn a_type_without_a_budget_says_so() {
    let world = World::start().await;
    world.get("ae-1", "/v1/intent-types/discount/budget").await.is_problem(404, "CS-E0220");
    world.get("ae-1", "/v1/intent-types/nothing/budget").await.is_problem(404, "CS-E0220");
    world.get("ae-1", "/v1/intent-types/discount/budget/rows").await.is_problem(404, "CS-E0220");
    let shown = world.get("ae-1", "/v1/intent-types/discount").await;
    assert_eq!(shown.json["exception_budget"], Json::Null);
}

#[tokio::test]
async fn a_row_is_suggested_where_people_approved_what_it_sent_them_and_tried_on_the_record() {
    let world = budgeted("9 in 7d, warn at 50%, then warn").await;
    let whole = [("margin", Value::Decimal("40".to_owned())), ("renewal", Value::Flag(false))];
    world.connectors.put("crm", "quote", "q-1", &whole);
    let rows = "/v1/intent-types/discount/budget/rows";
    let mut places = Vec::new();
    for (number, percent) in ["12%", "9%", "10%"].into_iter().enumerate() {
        places.push(world.submitted(&format!("k-{number}"), &SMALL.replace("12%", percent)).await);
    }
    // Neither the manager nor the backup decides, and that is three exceptions.
    let overdue = async {
        while budget(&world).await["burn"]["opened"] != json!(3) {
            world.clock.turn(Millis::hours(1));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), overdue).await.expect("nobody decides");
    for (number, place) in places.iter().enumerate() {
        let none = world.get("pricing-lead", rows).await;
        assert_eq!((none.status, &none.json["rows"]), (200, &json!([])), "{}", none.text);
        let approves = r#"{"decision":"approve"}"#;
        let key = format!("d-{number}");
        let approved = world.post("deal-desk-1", &format!("{place}/decisions"), &key, approves).await;
        assert_eq!(approved.status, 200, "{}", approved.text);
    }
    let suggested = world.get("pricing-lead", rows).await;
    let row = &suggested.json["rows"][0];
    assert_eq!((&row["above"], &row["cases"]), (&json!("smb-small"), &json!(3)), "{}", suggested.text);
    let cells = &row["cells"];
    assert_eq!((&cells["discount_percent"], &cells["=> outcome"]), (&json!("9% .. 12%"), &json!("approve")));
    assert_eq!((&cells["segment"], &cells["amount"]), (&json!("smb"), &json!("12000.00 USD")));
    let draft = row["policy"].as_str().expect("a text");
    assert!(draft.contains("people approved 3 of the kind that nobody had decided in time"), "{draft}");
    let backtest = &row["backtest"];
    assert_eq!((&backtest["newly_approved"]["count"], &backtest["cases"]["count"]), (&json!(3), &json!(3)));
    assert_eq!(backtest["newly_approved_though_declined"]["count"], 0);

    // What people declined of the like stands beside it.
    let place = world.submitted("k-9", &SMALL.replace("12%", "11%")).await;
    let declines = r#"{"decision":"decline","reason":"not this one"}"#;
    let declined = world.post("sales-manager-1", &format!("{place}/decisions"), "d-9", declines).await;
    assert_eq!(declined.status, 200, "{}", declined.text);
    let suggested = world.get("pricing-lead", rows).await;
    let backtest = &suggested.json["rows"][0]["backtest"];
    assert_eq!(backtest["newly_approved_though_declined"]["count"], 1, "{}", suggested.text);
    // The draft passes the same check as any other.
    let body = json!({ "policy": suggested.json["rows"][0]["policy"] }).to_string();
    let formatted = world.send("pricing-lead", "POST", "/v1/policies/discount/format", &[], &body).await;
    assert_eq!(formatted.json["changed"], false, "{}", formatted.text);
}
