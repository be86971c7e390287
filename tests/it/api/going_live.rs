//! From draft to live over HTTP: what a draft takes, what keeps it from going live, each alone, and what two
//! persons let go live.

use crate::world::{Answer, SMALL, Setup, World};
use countersign_core::document::SourceFile;
use countersign_core::effect::attempt::{Answer as Wire, AttemptEnd, Detail, Ended, Failure};
use countersign_core::going_live::Point;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Millis;
use countersign_tests::scripted::{Act, step};
use countersign_tests::world::{root, source_files};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::time::Duration;

const TYPE: &str = "intents/discount.intent.md";
const GO_LIVE: &str = "/v1/intent-types/discount/go-live";

/// What is done to the shipped files, or to the world after the trial, so that one thing is lacking.
struct Without {
    /// In the file of the type, before anything else: what is replaced by what.
    file: Option<(&'static str, &'static str)>,
    /// Who is away when it is to go live.
    away: &'static [&'static str],
}

impl Without {
    fn of(point: Point) -> Without {
        let (file, away): (_, &[&str]) = match point {
            Point::Owner => (None, &["revops-1"]),
            Point::Source => (Some(("| source          | crm ", "| source          | helpdesk ")), &[]),
            Point::ExceptionRoute => (Some(("price-drift, learning, rest", "price-drift, rest")), &[]),
            Point::QaCheckpoint => (
                Some(("each week by pool deal-desk", "each week by pool billing")),
                &["billing-1", "billing-2"],
            ),
            Point::ReportingField => (Some(("| reporting field | reason ", "| reporting field | ")), &[]),
            Point::FallbackOwner => (None, &["deal-desk-lead"]),
            Point::Destinations | Point::Trigger | Point::ReviewPath | Point::AuditTrail | Point::Outcome => {
                (None, &[])
            }
        };
        Without { file, away }
    }
}

/// The shipped files with the discount as a draft, and something replaced in it.
pub(super) fn files(changed: Option<(&str, &str)>) -> Vec<SourceFile> {
    let mut files = source_files(&root().join("host/cli/starter")).expect("the starter files");
    let file = files.iter_mut().find(|file| file.path == TYPE).expect("the discount");
    file.text = file.text.replacen("| impact ", "| state | draft |\n| impact ", 1);
    if let Some((from, to)) = changed {
        assert!(file.text.contains(from), "it holds {from}");
        file.text = file.text.replacen(from, to, 1);
    }
    files
}

async fn world(changed: Option<(&str, &str)>) -> World {
    let rulebook = Rulebook::load(&files(changed)).unwrap_or_else(|faults| panic!("{faults:#?}"));
    World::of(Setup { rulebook, ..Setup::default() }).await
}

/// A trial of the small discount.
pub(super) fn trial(percent: &str) -> String {
    let mut body: Json = serde_json::from_str(SMALL).expect("it is JSON");
    body["trial"] = json!(true);
    body["tokens"]["discount_percent"] = json!(percent);
    body.to_string()
}

async fn asked(world: &World, person: &str, key: &str, place: &str, body: &str) -> Answer {
    let headers = [("idempotency-key", key), ("prefer", "wait=10")];
    world.send(person, "POST", place, &headers, body).await
}

pub(super) async fn until(world: &World, place: &str, state: &str) -> Json {
    for _ in 0..600 {
        let answer = world.get("ae-1", place).await;
        if answer.json["state"] == state {
            return answer.json;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{place} is not {state}: {}", world.get("ae-1", place).await.text);
}

pub(super) const DECIDED: (&str, &str, &str) = ("revops-lead", "decisions", r#"{"decision":"approve"}"#);
/// The one seat is not decided, but overridden.
const OVERRIDDEN: (&str, &str, &str) = (
    "cro",
    "overrides",
    r#"{"decision":"approve","override_reason":"competitor-offer","reason":"now",
        "evidence":[{"kind":"competitor-quote","link":"https://example.com"}]}"#,
);

/// Tries the discount out, decided like this, and gives the id of the trial.
pub(super) async fn tried(world: &World, (person, below, body): (&str, &str, &str)) -> String {
    let answer = asked(world, "revops-1", "trial", "/v1/intents", &trial("12%")).await;
    assert_eq!((answer.status, &answer.json["state"]), (201, &json!("seated")), "{}", answer.text);
    let place = format!("{}/{below}", answer.header("location"));
    let decided = world.post(person, &place, "vote", body).await;
    assert_eq!(decided.status, 200, "{}", decided.text);
    answer.json["id"].as_str().expect("an id").to_owned()
}

pub(super) fn body(trial: &str, waive: Option<&str>) -> String {
    let mut body = json!({ "trial": trial, "reason": "the pilot begins" });
    if let Some(why) = waive {
        body["waive_trigger"] = json!(why);
    }
    body.to_string()
}

/// People are away from today on, each covered by the next one.
fn away(world: &World, people: &[&str]) {
    for person in people {
        let before = world.engine.rulebook();
        let cover = people.iter().find(|other| *other != person).unwrap_or(&"cro");
        let row = format!("| {person} | 2026-11-20 | 2026-12-18 | {cover} | all |\n");
        let text = format!("{}\n{row}", before.people().trim_end());
        let changed = before.with_people(&text, world.engine.now());
        let changed = changed.unwrap_or_else(|faults| panic!("{faults:#?}"));
        assert!(world.engine.replace_rulebook(&before, changed), "nobody else changes them");
    }
}

/// The trial of a world in which just this is lacking, and who asks that the type goes live.
async fn without(point: Point) -> (World, String, &'static str) {
    let lack = Without::of(point);
    let world = world(lack.file).await;
    if point == Point::Outcome {
        let detail = Detail::new("closed", "the quote is closed");
        let claim = Ended::Failed(Failure::Rejected { fields: Vec::new(), detail });
        let steps = vec![step(Wire::Answered { status: 422 })];
        world.connectors.next_act(Act::End(AttemptEnd { claim, steps, held_back: None }));
    }
    let how = if point == Point::ReviewPath { OVERRIDDEN } else { DECIDED };
    let trial = tried(&world, how).await;
    let place = format!("/v1/intents/{trial}");
    if point == Point::Outcome {
        give_up(&world, &place).await;
    }
    until(&world, &place, "done").await;
    away(&world, lack.away);
    if point == Point::Destinations {
        world.connectors.lose("crm", "record-approval");
    }
    if point == Point::AuditTrail {
        world.store.spoil(&trial);
    }
    (world, trial, if point == Point::Owner { "revops-lead" } else { "revops-1" })
}

/// Gives every write up that did not land.
async fn give_up(world: &World, place: &str) {
    for round in 0..600 {
        let shown = world.get("pricing-lead", place).await.json;
        if shown["state"] == "done" {
            return;
        }
        let exceptions = shown["exceptions"].as_array().cloned().unwrap_or_default();
        if let Some(open) = exceptions.iter().find(|exception| exception["state"] == "open") {
            let id = open["id"].as_str().expect("an id");
            let close = r#"{"by":"give-up","reason":"the quote is closed"}"#;
            let place = format!("{place}/exceptions/{id}/closures");
            let closed = world.post("pricing-lead", &place, &format!("close-{round}"), close).await;
            assert_eq!(closed.status, 200, "{}", closed.text);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it is not done: {}", world.get("ae-1", place).await.text);
}

#[tokio::test]
async fn leaving_out_each_of_the_eleven_is_refused_with_that_one_named() {
    for point in Point::ALL {
        let (world, trial, person) = without(point).await;
        let waive = (point != Point::Trigger).then_some("the crm has no hook here");
        let answer = asked(&world, person, "live", GO_LIVE, &body(&trial, waive)).await;
        answer.is_problem(422, "CS-E0183");
        let named: BTreeSet<&str> = answer.pointers().into_iter().collect();
        assert_eq!(named, BTreeSet::from([point.as_str()]), "{}", answer.text);
        let detail = answer.json["detail"].as_str().expect("a detail");
        assert!(detail.contains(&format!("{}: ", point.as_str())), "{detail}");
        let shown = world.get("ae-1", "/v1/intent-types/discount").await.json;
        assert_eq!(shown["state"], "draft", "{}: nothing has changed", point.as_str());
        let asked_for = world.get("ae-1", "/v1/intents?type=go_live").await.json;
        assert_eq!(asked_for["items"], json!([]), "{}: nothing was stored", point.as_str());
    }
}

#[tokio::test]
async fn everything_that_is_lacking_is_listed_at_once() {
    let world = world(Some(("| source          | crm ", "| source          | helpdesk "))).await;
    let nothing = "int_01jdcgk8f3e9w7q2m5x0a4b6c8";
    let answer = asked(&world, "revops-1", "live", GO_LIVE, &body(nothing, None)).await;
    answer.is_problem(422, "CS-E0183");
    let named: Vec<&str> = answer.pointers();
    assert_eq!(
        named,
        ["source", "trigger", "review path", "audit trail", "fallback owner", "outcome"],
        "{}",
        answer.text
    );
    let shown = world.get("ae-1", "/v1/intent-types/discount").await.json;
    assert_eq!(shown["lacking"], json!(["source: connection `helpdesk` is not configured"]));
    let ownership = world.get("ae-1", "/v1/ownership").await.json;
    let types = ownership["types"].as_array().expect("types");
    let owned = types.iter().find(|owned| owned["name"] == "discount").expect("the discount");
    assert_eq!(owned["state"], "draft");
    assert!(owned["lacking"].to_string().contains("countersign intent submit discount --trial"), "{owned}");
}

#[tokio::test]
async fn a_complete_type_goes_live_by_a_second_person_and_keeps_its_trial() {
    let world = world(None).await;
    let trial = tried(&world, DECIDED).await;
    let shown = until(&world, &format!("/v1/intents/{trial}"), "done").await;
    assert_eq!(shown["trial"], true, "{shown}");
    assert_eq!(world.connectors.writes().len(), 3, "it wrote through the real connections");

    let waived = "the crm has no hook here";
    let answer = asked(&world, "revops-1", "live", GO_LIVE, &body(&trial, Some(waived))).await;
    assert_eq!((answer.status, &answer.json["state"]), (201, &json!("seated")), "{}", answer.text);
    let place = answer.header("location").to_owned();
    let ready = &answer.json["readiness"];
    assert_eq!((&ready["trial"], &ready["waived"]), (&json!(trial), &json!(waived)));
    let points: Vec<&str> = ready["rests_on"]
        .as_array()
        .expect("points")
        .iter()
        .filter_map(|met| met["point"].as_str())
        .collect();
    assert_eq!(points, Point::ALL.map(Point::as_str), "{ready}");
    insta::assert_snapshot!("readiness", crate::world::golden(ready));

    // Nothing has changed yet, whoever asks cannot decide, and others have no seat.
    let submit = async |key: &str| asked(&world, "ae-1", key, "/v1/intents", SMALL).await;
    submit("early").await.is_problem(422, "CS-E0180");
    let (decisions, approve) = (format!("{place}/decisions"), r#"{"decision":"approve"}"#);
    world.post("revops-1", &decisions, "own", approve).await.is_problem(403, "CS-E0110");
    world.post("finance-1", &decisions, "other", approve).await.is_problem(403, "CS-E0111");
    assert!(world.get("revops-lead", &place).await.json["can"].to_string().contains("approve"));
    let done = world.post("revops-lead", &decisions, "second", approve).await;
    assert_eq!((done.status, &done.json["state"]), (200, &json!("done")), "{}", done.text);

    let kind = world.get("ae-1", "/v1/intent-types/discount").await.json;
    assert_eq!((&kind["state"], &kind["live"]["trial"]), (&json!("live"), &json!(trial)));
    assert_eq!((&kind["live"]["asked"], &kind["live"]["by"]), (&json!("revops-1"), &json!(["revops-lead"])));
    assert_eq!(submit("late").await.status, 201, "no restart was needed");
    let again = asked(&world, "revops-1", "trial-2", "/v1/intents", &self::trial("12%")).await;
    again.is_problem(409, "CS-E0181");
    let again = asked(&world, "revops-1", "live-2", GO_LIVE, &body(&trial, Some(waived))).await;
    again.is_problem(409, "CS-E0181");
    let timeline = world.get("ae-1", &format!("{place}/timeline")).await.json;
    let events: Vec<&Json> =
        timeline["entries"].as_array().expect("entries").iter().map(|entry| &entry["event"]).collect();
    assert_eq!(events[events.len() - 4..], ["voted", "approved", "went-live", "closed"]);
}

#[tokio::test]
async fn the_gate_is_asked_again_by_the_vote() {
    let (world, trial, _) = without(Point::Trigger).await;
    let answer = asked(&world, "revops-1", "live", GO_LIVE, &body(&trial, Some("no hook here"))).await;
    assert_eq!((answer.status, &answer.json["state"]), (201, &json!("seated")), "{}", answer.text);
    let decisions = format!("{}/decisions", answer.header("location"));
    world.connectors.lose("crm", "record-approval");
    let approve = r#"{"decision":"approve"}"#;
    let refused = world.post("revops-lead", &decisions, "vote-1", approve).await;
    refused.is_problem(422, "CS-E0183");
    assert_eq!(refused.pointers(), ["destinations"]);

    // The type becomes another one while somebody is asked.
    world.connectors.lose("nothing", "nothing");
    let before = world.engine.rulebook();
    let changed = Rulebook::load(&files(Some(("by-natural-key, by-probe |", "by-natural-key           |"))))
        .expect("it checks");
    assert!(world.engine.replace_rulebook(&before, changed), "nobody else changes them");
    let refused = world.post("revops-lead", &decisions, "vote-2", approve).await;
    refused.is_problem(422, "CS-E0183");
    assert!(refused.text.contains("has changed since the trial"), "{}", refused.text);
    assert_eq!(world.get("ae-1", "/v1/intent-types/discount").await.json["state"], "draft");
}

#[tokio::test]
async fn a_trial_shows_nothing_of_another_target_than_it_wrote_to() {
    let (world, trial, _) = without(Point::Trigger).await;
    world.connectors.move_to("crm", "https://another.example");
    let answer = asked(&world, "revops-1", "live", GO_LIVE, &body(&trial, Some("no hook here"))).await;
    answer.is_problem(422, "CS-E0183");
    assert_eq!(answer.pointers(), ["outcome"]);
    assert!(answer.text.contains("connection `crm` has another connector or address"), "{}", answer.text);
}

#[tokio::test]
async fn twenty_trials_a_day_are_taken() {
    let world = world(None).await;
    for number in 0..20 {
        let answer = asked(&world, "revops-1", &format!("t-{number}"), "/v1/intents", &trial("12%")).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
    let answer = asked(&world, "revops-1", "t-20", "/v1/intents", &trial("12%")).await;
    answer.is_problem(409, "CS-E0186");
    world.clock.turn(Millis::hours(24));
    let answer = asked(&world, "revops-1", "t-21", "/v1/intents", &trial("12%")).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
}

#[tokio::test]
async fn what_goes_live_names_its_trial_only_to_those_who_see_that_there_are_such_intents() {
    let kept =
        ("| expires         | 30d ", "| seen by | pool revenue-operations |\n| expires         | 30d ");
    let world = world(Some(kept)).await;
    let trial = tried(&world, DECIDED).await;
    let place = format!("/v1/intents/{trial}");
    for _ in 0..600 {
        if world.get("revops-1", &place).await.json["state"] == "done" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let answer = asked(&world, "revops-1", "live", GO_LIVE, &body(&trial, Some("no hook here"))).await;
    assert_eq!((answer.status, &answer.json["state"]), (201, &json!("seated")), "{}", answer.text);
    let place = answer.header("location").to_owned();
    world.get("ae-1", &place).await.is_problem(404, "CS-E0101");
    let listed = async |person: &str| {
        let list = world.get(person, "/v1/intents?type=go_live").await.json;
        list["items"].as_array().expect("items").len()
    };
    assert_eq!((listed("ae-1").await, listed("revops-1").await), (0, 1));
    let done =
        world.post("revops-lead", &format!("{place}/decisions"), "v", r#"{"decision":"approve"}"#).await;
    assert_eq!((done.status, &done.json["state"]), (200, &json!("done")), "{}", done.text);
    let live = async |person: &str| {
        let shown = world.get(person, "/v1/intent-types/discount").await.json["live"].clone();
        let owned = world.get(person, "/v1/ownership").await.json;
        let types = owned["types"].as_array().expect("types");
        let owned = types.iter().find(|owned| owned["name"] == "discount").expect("the discount");
        assert_eq!(owned["live"], shown);
        shown
    };
    let kept = live("ae-1").await;
    let names: Vec<&String> = kept.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["since"], "{kept}");
    assert_eq!(live("revops-1").await["trial"], json!(trial));
    for (person, told) in [("ae-1", 0), ("revops-1", 1)] {
        let review = world.get(person, "/v1/measures/review?day=2026-11-23").await.json;
        assert_eq!(review["changes"].as_array().map(Vec::len), Some(told), "{person}: {review:#}");
    }
}

#[tokio::test]
async fn a_draft_takes_trials_of_its_owners_alone() {
    let world = world(None).await;
    asked(&world, "ae-1", "k-1", "/v1/intents", SMALL).await.is_problem(422, "CS-E0180");
    asked(&world, "ae-1", "k-2", "/v1/intents", &trial("12%")).await.is_problem(403, "CS-E0182");
    let odd = trial("12%").replace("\"trial\":true", "\"trial\":\"yes\"");
    let odd = asked(&world, "revops-1", "k-3", "/v1/intents", &odd).await;
    odd.is_problem(422, "CS-E0203");
    assert_eq!(odd.pointers(), ["/trial"]);
    let of_others =
        asked(&world, "ae-1", "k-4", GO_LIVE, &body("int_01jdcgk8f3e9w7q2m5x0a4b6c8", None)).await;
    of_others.is_problem(403, "CS-E0182");
    let empty = asked(&world, "revops-1", "k-5", GO_LIVE, "{}").await;
    empty.is_problem(422, "CS-E0203");
    assert_eq!(empty.pointers(), ["/trial"]);
    let unknown = "/v1/intent-types/holiday/go-live";
    asked(&world, "revops-1", "k-6", unknown, &body("int_01jdcgk8f3e9w7q2m5x0a4b6c8", None))
        .await
        .is_problem(404, "CS-E0220");
    let live = "/v1/intent-types/refund/go-live";
    asked(&world, "revops-1", "k-7", live, &body("int_01jdcgk8f3e9w7q2m5x0a4b6c8", None))
        .await
        .is_problem(409, "CS-E0181");
    assert_eq!(world.get("ae-1", "/v1/intents").await.json["items"], json!([]), "nothing was stored");
}
