//! Lists: filters, pages, and what is configured.

use crate::world::{SMALL, Setup, World};
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Millis;
use countersign_tests::world::{root, source_files};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::time::Duration;

#[tokio::test]
async fn the_union_of_the_pages_is_the_list() {
    let world = World::start().await;
    let mut expected = BTreeSet::new();
    for number in 0..7 {
        expected.insert(world.submitted(&format!("k-{number}"), SMALL).await);
    }
    let mut found = BTreeSet::new();
    let mut path = "/v1/intents?state=seated&limit=3".to_owned();
    let mut pages = 0;
    loop {
        let page = world.get("ae-1", &path).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let items = page.json["items"].as_array().expect("items");
        assert!(items.len() <= 3);
        for item in items {
            let new = found.insert(format!("/v1/intents/{}", item["id"].as_str().expect("an id")));
            assert!(new, "{item} stands on two pages");
        }
        pages += 1;
        let Some(next) = page.json["next"].as_str() else {
            assert_eq!(page.header("link"), "");
            break;
        };
        path = format!("/v1/intents?state=seated&limit=3&cursor={next}");
        assert_eq!(page.header("link"), format!("<{path}>; rel=\"next\""));
    }
    assert_eq!((found, pages), (expected, 3));
}

#[tokio::test]
async fn a_list_is_narrowed_by_what_is_known_and_by_nothing_else() {
    let world = World::start().await;
    world.submitted("k-1", SMALL).await;
    let check = async |person: &str, filter: &str, count: usize| {
        let answer = world.get(person, &format!("/v1/intents?{filter}")).await;
        assert_eq!(answer.json["items"].as_array().map(Vec::len), Some(count), "{filter}: {}", answer.text);
    };
    check("sales-manager-1", "seat=me", 1).await;
    check("finance-1", "seat=me", 0).await;
    check("finance-1", "seat=sales-manager-1&type=discount&state=seated", 1).await;
    check("ae-1", "requester=me", 1).await;
    check("ae-2", "requester=me", 0).await;
    check("ae-1", "type=refund", 0).await;
    check("ae-1", "state=done", 0).await;
    let row = world.get("ae-1", "/v1/intents").await.json["items"][0].clone();
    assert_eq!(row["stake"], json!({"amount": "12000.00", "currency": "USD"}));
    assert_eq!((&row["subject"], &row["requester"]), (&json!("q-1"), &json!("ae-1")));
    let answer =
        world.get("ae-1", "/v1/intents?stat=seated&limit=201&cursor=x&state=open&state=done&seat=Me!").await;
    answer.is_problem(400, "CS-E0210");
    assert_eq!(answer.pointers(), ["stat", "state", "seat", "cursor", "limit"]);
    for path in
        ["/v1/connections?x=1", "/v1/log/health?limit=1", "/v1/intents?limit=0", "/v1/effects?limit=-1"]
    {
        world.get("ae-1", path).await.is_problem(400, "CS-E0210");
    }
}

#[tokio::test]
async fn connections_connectors_and_intent_types_are_shown() {
    let world = World::start().await;
    let listed = world.get("ae-1", "/v1/connections").await;
    let names: Vec<&str> = listed.json["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter_map(|item| item["name"].as_str())
        .collect();
    assert_eq!(names, ["billing", "crm"]);
    let one = world.get("ae-1", "/v1/connections/crm").await;
    assert_eq!(one.json, listed.json["items"][1]);
    assert_eq!(one.json["operations"][0]["guarantee"], "by-natural-key");
    world.get("ae-1", "/v1/connections/crmm").await.is_problem(404, "CS-E0220");
    let check = world.post("integration-1", "/v1/connections/crm/check", "c-1", "").await;
    assert_eq!((check.status, &check.json["result"]), (200, &json!("right")));
    world.post("integration-1", "/v1/connections/crmm/check", "c-1", "").await.is_problem(404, "CS-E0220");
    world
        .post("integration-1", "/v1/connections/crm/check", "c-1", r#"{"x":1}"#)
        .await
        .is_problem(422, "CS-E0203");
    let connectors = world.get("ae-1", "/v1/connectors").await;
    assert_eq!(connectors.json["items"][1]["connections"], json!(["crm"]));
    let types = world.get("ae-1", "/v1/intent-types").await;
    assert_eq!(
        types.json["items"].as_array().map(Vec::len),
        Some(7),
        "three of the house and the four of the host itself"
    );
    let discount = world.get("ae-1", "/v1/intent-types/discount").await;
    assert_eq!(discount.json, types.json["items"][1]);
    assert_eq!(discount.json["tokens"][2]["type"], "percent 0% .. 60%");
    assert!(discount.json["policy"].is_string());
    world.get("ae-1", "/v1/intent-types/nothing").await.is_problem(404, "CS-E0220");
}

#[tokio::test]
async fn everybody_is_listed_with_where_they_stand() {
    let world = World::start().await;
    let people = world.get("ae-1", "/v1/people").await;
    assert_eq!(people.status, 200, "{}", people.text);
    let items = people.json["items"].as_array().expect("a list");
    let lead = items.iter().find(|item| item["person"] == "finance-lead").expect("the lead of finance");
    assert_eq!((&lead["manager"], &lead["leads"]), (&json!("cro"), &json!(["finance"])));
    assert!(lead["pools"].as_array().is_some_and(|pools| pools.contains(&json!("finance"))), "{lead}");
    world.get("ae-1", "/v1/people?pool=finance").await.is_problem(400, "CS-E0210");
}

#[tokio::test]
async fn who_answers_for_what_is_told_with_what_is_lacking() {
    let world = World::start().await;
    let answer = world.get("ae-1", "/v1/ownership").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let types = answer.json["types"].as_array().expect("types");
    let of = |name: &str| types.iter().find(|owned| owned["name"] == name).expect("it is there");
    let discount = of("discount");
    assert_eq!(discount["owner"]["lead"], "revops-lead");
    assert_eq!(
        (&discount["policy_owner"]["pool"], &discount["fallback_owner"]),
        (&json!("pricing"), &json!("deal-desk-lead"))
    );
    assert_eq!(discount["lacking"], json!([]), "crm and billing are there");
    let seats = discount["seats"].as_array().expect("seats");
    let finance = seats.iter().find(|seat| seat["route"] == "finance").expect("a route");
    assert_eq!(finance["people"], json!(["finance-lead", "finance-1", "finance-2", "finance-3"]));
    assert!(finance["rules"].as_u64().is_some_and(|rules| rules >= 3), "{finance}");
    let manager = seats.iter().find(|seat| seat["whom"] == "manager of requester").expect("a route");
    assert_eq!(manager["people"], json!([]), "that depends on who asks");
    let lacking = of("refund")["lacking"].as_array().expect("a list").clone();
    assert_eq!(lacking, [json!("connection ledger is not configured")]);
    let exceptions = of("refund")["exceptions"].as_array().expect("exceptions");
    assert!(
        exceptions
            .iter()
            .any(|exception| exception["id"] == "money-drift" && exception["within"] == "8 business hours")
    );
    let connections = answer.json["connections"].as_array().expect("connections").iter();
    let of = |connection: &Json| {
        let pool = connection["integration_owner"]["pool"].as_str().unwrap_or("operators alone").to_owned();
        (connection["name"].as_str().expect("a name").to_owned(), pool, connection["configured"] == true)
    };
    let expected =
        [("billing", "billing", true), ("crm", "operators alone", true), ("ledger", "billing", false)];
    let expected = expected.map(|(name, pool, there)| (name.to_owned(), pool.to_owned(), there));
    assert_eq!(connections.map(of).collect::<Vec<_>>(), expected);
    assert_eq!(answer.json["alone"], json!([]));
}

#[tokio::test]
async fn who_is_on_call_is_told_with_who_answers_for_what() {
    let mut files = source_files(&root().join("host/cli/starter")).expect("the starter files");
    let people = files.iter_mut().find(|file| file.path == "people.md").expect("people.md");
    let rows = "## Rotations\n\n| pool | from | days | order |\n|---|---|---|---|\n\
                | billing | 2026-11-23 | 7 | billing-2, billing-1 |\n\n## Roles";
    people.text = people.text.replacen("## Roles", rows, 1);
    people.text.push_str("| billing-2 | 2026-11-24 | 2026-11-24 | billing-1 | all |\n");
    let rulebook = Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let world = World::of(Setup { rulebook, ..Setup::default() }).await;
    let on_call = async || {
        let answer = world.get("ae-1", "/v1/ownership").await;
        let connections = answer.json["connections"].as_array().expect("connections").clone();
        let billing =
            connections.iter().find(|connection| connection["name"] == "billing").expect("it is there");
        billing["integration_owner"]["on_call"].clone()
    };
    assert_eq!(on_call().await, json!({ "person": "billing-2", "until": "2026-11-29" }));
    world.clock.turn(Millis::hours(24));
    let instead = json!({ "person": "billing-1", "until": "2026-11-29", "instead_of": "billing-2" });
    assert_eq!(on_call().await, instead);
}

#[tokio::test]
async fn an_operator_pauses_a_connection_and_lets_it_go_on() {
    let world = World::start().await;
    let (pauses, resumptions) = ("/v1/connections/crm/pauses", "/v1/connections/crm/resumptions");
    let why = r#"{"reason":" the prices are wrong "}"#;
    world.post("ae-1", pauses, "p-1", why).await.is_problem(403, "CS-E0223");
    for body in ["{}", r#"{"reason":"  "}"#, r#"{"reason":7}"#, r#"{"reason":"x","until":"tomorrow"}"#] {
        world.post("integration-1", pauses, "p-2", body).await.is_problem(422, "CS-E0203");
    }
    let crmm = "/v1/connections/crmm/pauses";
    world.post("integration-1", crmm, "p-3", why).await.is_problem(404, "CS-E0220");
    world.post("integration-1", resumptions, "p-4", why).await.is_problem(409, "CS-E0226");
    assert_eq!(world.get("ae-1", "/v1/connections/crm").await.json["state"], "open");

    let paused = world.post("integration-1", pauses, "p-5", why).await;
    assert_eq!((paused.status, &paused.json["state"]), (200, &json!("paused")), "{}", paused.text);
    let by_hand = &paused.json["paused"];
    assert_eq!(
        (&by_hand["cause"], &by_hand["owner"], &by_hand["reason"], by_hand.get("exception")),
        (&json!("by-hand"), &json!("integration-1"), &json!("the prices are wrong"), None)
    );
    // The same request once more is the same pause; another one is refused, and says who was first.
    assert_eq!(world.post("integration-1", pauses, "p-5", why).await.json, paused.json);
    let second = world.post("integration-1", pauses, "p-6", why).await;
    second.is_problem(409, "CS-E0225");
    assert!(second.text.contains("integration-1") && second.text.contains("the prices are wrong"));
    assert_eq!(world.get("ae-1", "/v1/connections/billing").await.json["state"], "open");

    let resumed = world.post("integration-1", resumptions, "p-7", r#"{"reason":"put right"}"#).await;
    assert_eq!((resumed.status, &resumed.json["state"]), (200, &json!("open")), "{}", resumed.text);
}

#[tokio::test]
async fn a_connection_says_what_keeps_anything_from_being_sent_there() {
    let world = World::start().await;
    world.connectors.rest(Some(Millis(4_000)));
    let resting = world.get("ae-1", "/v1/connections/crm").await.json;
    assert_eq!((&resting["state"], &resting["rests_ms"]), (&json!("resting"), &json!(4_000)));
    world.connectors.rest(None);
    assert_eq!(world.get("ae-1", "/v1/connections/crm").await.json["state"], "open");
    world.connectors.deny(true);
    let intent = world.submitted("k-1", SMALL).await;
    let decision = r#"{"decision":"approve"}"#;
    let decided = world.post("sales-manager-1", &format!("{intent}/decisions"), "d-1", decision).await;
    assert_eq!(decided.status, 200, "{}", decided.text);
    let waiting = async {
        loop {
            let crm = world.get("ae-1", "/v1/connections/crm").await.json;
            if crm["state"] == "paused" {
                return crm;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let crm = tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("it is paused");
    let shown = world.get("integration-1", &intent).await.json;
    let exceptions = shown["exceptions"].as_array().expect("exceptions");
    let of_crm = exceptions.iter().find(|exception| exception["pauses"] == "crm").expect("one of it");
    let paused = json!({
        "cause": "denied", "intent": shown["id"], "exception": of_crm["id"], "owner": of_crm["owner"], "since": crm["paused"]["since"],
    });
    assert_eq!(crm["paused"], paused);
    assert!(crm["paused"]["since"].is_string());
}
