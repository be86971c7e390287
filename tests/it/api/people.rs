//! Absences by command: who may, what is refused, and that a repeated request is the same one.

use crate::world::{SMALL, Setup, World};
use countersign_core::record::Value;
use countersign_core::rulebook::Rulebook;
use countersign_server::api::view::OutlookView;
use countersign_tests::world::{root, source_files};
use serde_json::json;

fn body(from: &str, until: &str, cover: &str) -> String {
    json!({ "from": from, "until": until, "cover": cover }).to_string()
}

#[tokio::test]
async fn an_absence_is_put_on_record_shown_and_ended() {
    let world = World::start().await;
    let absences = "/v1/people/finance-1/absences";
    let answer =
        world.post("finance-1", absences, "k-1", &body("2026-11-23", "2026-11-27", "finance-3")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let away = json!([{ "from": "2026-11-23", "until": "2026-11-27", "cover": "finance-3", "absence": 1 }]);
    assert_eq!((&answer.json["away"], &answer.json["from"]), (&away, &json!(["file"])));
    // The same request again is the same absence.
    let again =
        world.post("finance-1", absences, "k-1", &body("2026-11-23", "2026-11-27", "finance-3")).await;
    assert_eq!((again.status, &again.json), (200, &answer.json));
    let other =
        world.post("finance-1", absences, "k-1", &body("2026-11-24", "2026-11-27", "finance-3")).await;
    other.is_problem(422, "CS-E0213");
    let people = world.get("ae-1", "/v1/people").await.json;
    let shown = |name: &str| {
        let items = people["items"].as_array().expect("a list");
        items.iter().find(|one| one["person"] == name).expect("they are there").clone()
    };
    assert_eq!(shown("finance-1")["away"], away);
    assert_eq!(shown("finance-3")["covers"], json!(["finance-1"]));
    // One of the file has no number.
    assert_eq!(shown("finance-2")["ahead"][0].get("absence"), None);
    assert_eq!(shown("finance-2")["ahead"][0]["from"], "2026-12-14");

    let later = json!({ "from": "2027-01-11", "until": "2027-01-15", "cover": "finance-3", "for": "refund" });
    let answer = world.post("finance-1", absences, "k-2", &later.to_string()).await;
    assert_eq!(
        answer.json["ahead"][0],
        json!({ "from": "2027-01-11", "until": "2027-01-15", "cover": "finance-3", "for": "refund", "absence": 2 })
    );
    let returns = "/v1/people/finance-1/returns";
    let answer = world.post("finance-1", returns, "k-3", "{}").await;
    assert_eq!((answer.status, &answer.json["away"]), (200, &json!([])), "{}", answer.text);
    assert_eq!(answer.json["ahead"][0]["absence"], 2);
    world.post("finance-1", returns, "k-4", "{}").await.is_problem(404, "CS-E0169");
    let answer = world.post("finance-1", returns, "k-5", r#"{"absence":2}"#).await;
    assert_eq!((answer.status, answer.json.get("ahead")), (200, None), "{}", answer.text);
    assert_eq!(world.post("finance-1", returns, "k-5", r#"{"absence":2}"#).await.status, 200);
}

#[tokio::test]
async fn what_absences_on_record_mean_for_the_routes_is_foretold() {
    let world = World::start().await;
    let ahead = async |query: &str| {
        let answer = world.get("ae-1", &format!("/v1/people/outlook{query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        serde_json::from_value::<OutlookView>(answer.json).expect("it has the shape that is described")
    };
    let thin = |outlook: &OutlookView| {
        let of_finance =
            outlook.thin.iter().filter(|thin| thin.row == "finance step 1" && thin.policy == "discount");
        of_finance.map(|thin| (thin.from.clone(), thin.until.clone(), thin.present)).collect::<Vec<_>>()
    };
    assert_eq!(thin(&ahead("").await), Vec::new());
    for (person, key) in [("finance-1", "k-1"), ("finance-3", "k-3")] {
        let away = body("2026-12-14", "2026-12-18", "finance-lead");
        let answer = world.post(person, &format!("/v1/people/{person}/absences"), key, &away).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let (from, until) = ("2026-12-14".to_owned(), "2026-12-18".to_owned());
    assert_eq!(thin(&ahead("").await), [(from, until, 1)], "finance-2 is away by the files");
    assert_eq!(thin(&ahead("?days=7").await), Vec::new(), "that is not so far ahead");
    let answer = world.get("ae-1", "/v1/people/outlook?days=400&day=3").await;
    answer.is_problem(400, "CS-E0210");
    assert_eq!(answer.pointers(), ["day", "days"]);
}

#[tokio::test]
async fn every_absence_that_is_not_theirs_or_does_not_fit_is_refused_with_its_code() {
    let world = World::start().await;
    let mut number = 0;
    let mut check = async |by: &str, whose: &str, body: &str, status: u16, code: &str| {
        number += 1;
        let key = format!("k-{number}");
        let answer = world.post(by, &format!("/v1/people/{whose}/absences"), &key, body).await;
        answer.is_problem(status, code);
        answer.pointers().join(" ")
    };
    let week = body("2026-11-30", "2026-12-04", "finance-3");
    check("ae-1", "finance-1", &week, 403, "CS-E0164").await;
    check("finance-1", "nobody", &week, 404, "CS-E0163").await;
    check("finance-1", "A%20B", &week, 404, "CS-E0220").await;
    let own = body("2026-11-30", "2026-12-04", "revops-lead");
    check("revops-lead", "finance-lead", &own, 403, "CS-E0164").await;
    check("finance-1", "finance-1", &body("2026-12-04", "2026-11-30", "finance-3"), 422, "CS-E0165").await;
    check("finance-2", "finance-2", &body("2026-12-18", "2026-12-21", "finance-3"), 409, "CS-E0166").await;
    check("finance-1", "finance-1", &body("2026-11-30", "2026-12-04", "ae-1"), 422, "CS-E0167").await;
    check("finance-1", "finance-1", &body("2026-12-14", "2026-12-14", "finance-2"), 422, "CS-E0167").await;
    let pointers =
        check("finance-1", "finance-1", r#"{"from":"x","for":"lunch","why":"x"}"#, 422, "CS-E0203").await;
    assert_eq!(pointers, "/why /from /until /cover /for");
    let answer = world.post("finance-1", "/v1/people/finance-1/returns", "k-r", r#"{"absence":"x"}"#).await;
    answer.is_problem(422, "CS-E0203");
    world.post("ae-1", "/v1/people/finance-1/returns", "k-s", "{}").await.is_problem(403, "CS-E0164");
}

#[tokio::test]
async fn nobody_sends_away_whoever_their_intent_waits_for() {
    let world = World::start().await;
    let small = crate::world::SMALL.to_owned();
    let headers = [("idempotency-key", "k-1"), ("prefer", "wait=10")];
    let answer = world.send("revops-lead", "POST", "/v1/intents", &headers, &small).await;
    assert_eq!((answer.status, &answer.json["state"]), (201, &json!("seated")), "{}", answer.text);
    let seat = answer.json["seats"][0]["eligible"][0].as_str().expect("somebody is asked").to_owned();
    let cover = world.engine.rulebook().directory().covers(&seat.parse().expect("a person"))[0].to_string();
    let path = format!("/v1/people/{seat}/absences");
    let refused = world.post("revops-lead", &path, "k-2", &body("2026-11-23", "2026-11-24", &cover)).await;
    refused.is_problem(403, "CS-E0164");
    assert!(refused.text.contains("waits for that person"), "{}", refused.text);
}

#[tokio::test]
async fn a_machine_asks_and_decides_nothing() {
    let mut files = source_files(&root().join("host/cli/starter")).expect("the starter files");
    for file in files.iter_mut().filter(|file| file.path == "people.md") {
        let machines =
            "## Machines\n\n| machine | answers for it |\n|---|---|\n| somebody-else | ae-1 |\n\n## Pools";
        file.text = file.text.replacen("## Pools", machines, 1);
    }
    let rulebook = Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let world = World::of(Setup { rulebook, ..Setup::default() }).await;
    let whole = [("margin", Value::Decimal("40".to_owned())), ("renewal", Value::Flag(false))];
    world.connectors.put("crm", "quote", "q-1", &whole);
    // The token may all that people may.
    let machine = "leaver";
    let asked = world
        .send(machine, "POST", "/v1/intents", &[("idempotency-key", "k-1"), ("prefer", "wait=10")], SMALL)
        .await;
    assert_eq!((asked.status, &asked.json["state"]), (201, &json!("seated")), "{}", asked.text);
    assert_eq!((&asked.json["requester"], &asked.json["answers"]), (&json!("somebody-else"), &json!("ae-1")));
    let place = asked.header("location").to_owned();
    let approves = r#"{"decision":"approve"}"#;
    world.post(machine, &format!("{place}/decisions"), "d-1", approves).await.is_problem(403, "CS-E0224");
    world.post("ae-1", &format!("{place}/decisions"), "d-2", approves).await.is_problem(403, "CS-E0110");
    let shown = world.get(machine, &place).await;
    assert_eq!(
        (shown.status, &shown.json["can"]),
        (200, &json!(["remind", "withdraw", "amend", "comment"])),
        "{}",
        shown.text
    );
    assert!(world.get("ae-1", &place).await.json["can"].to_string().contains("withdraw"));
    let approved = world.post("sales-manager-1", &format!("{place}/decisions"), "d-3", approves).await;
    assert_eq!(approved.status, 200, "{}", approved.text);
}
