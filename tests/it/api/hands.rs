//! Seats in other hands over HTTP: delegated, handed over, taken back; added voices, comments, reminders.

use crate::world::{SMALL, World};
use countersign_core::effect::attempt::{Detail, Failure};
use serde_json::json;

#[tokio::test]
async fn a_seat_is_delegated_to_whom_the_host_names_and_comes_back() {
    let world = World::start().await;
    let place = world.submitted("k-1", SMALL).await;
    let (delegations, recalls) = (format!("{place}/delegations"), format!("{place}/recalls"));
    let seen = world.get("sales-manager-1", &place).await;
    let can = ["approve", "decline", "send-back", "ask", "delegate", "transfer", "add-voice", "comment"];
    assert_eq!(seen.json["can"], json!(can), "{}", seen.text);
    let deputies = seen.json["deputies"].as_array().expect("the host names them").clone();
    assert!(deputies.contains(&json!("director-1")) && !deputies.contains(&json!("ae-1")), "{deputies:?}");

    let flawed =
        world.post("sales-manager-1", &delegations, "d-0", r#"{"to":"no one","until":"soon"}"#).await;
    flawed.is_problem(422, "CS-E0203");
    assert_eq!(flawed.pointers(), ["/to", "/until"]);
    let to =
        |who: &str, until: &str| json!({ "to": who, "until": until, "reason": "audit week" }).to_string();
    let past = to("director-1", "2026-11-23T14:00:00Z");
    world.post("sales-manager-1", &delegations, "d-1", &past).await.is_problem(422, "CS-E0152");
    let own = to("ae-1", "2026-11-24T14:00:00Z");
    world.post("sales-manager-1", &delegations, "d-2", &own).await.is_problem(403, "CS-E0151");
    let other = to("director-1", "2026-11-24T14:00:00Z");
    let delegated = world.post("sales-manager-1", &delegations, "d-3", &other).await;
    assert_eq!(delegated.status, 200, "{}", delegated.text);
    let stands = json!([{ "person": "director-1", "instead_of": "sales-manager-1", "until": "2026-11-24T14:00:00.000Z" }]);
    assert_eq!(delegated.json["seats"][0]["standing_in"], stands);
    assert_eq!(delegated.json["can"], json!(["recall", "comment"]));
    world.post("finance-1", &recalls, "r-0", "{}").await.is_problem(409, "CS-E0153");
    let recalled = world.post("sales-manager-1", &recalls, "r-1", "{}").await;
    assert_eq!(recalled.json["seats"][0]["eligible"], json!(["sales-manager-1"]), "{}", recalled.text);

    let transfers = format!("{place}/transfers");
    world
        .post("sales-manager-1", &transfers, "t-0", r#"{"to":"director-1"}"#)
        .await
        .is_problem(422, "CS-E0114");
    let handed = r#"{"to":"director-1","reason":"she knows them"}"#;
    let handed = world.post("sales-manager-1", &transfers, "t-1", handed).await;
    assert_eq!(handed.json["seats"][0]["eligible"], json!(["director-1"]), "{}", handed.text);
    let waiting = world.get("sales-manager-1", "/v1/intents?seat=me").await;
    assert_eq!(waiting.json["items"], json!([]), "it waits for somebody else now");
}

#[tokio::test]
async fn one_more_voice_is_asked_and_shown_with_whoever_wanted_it() {
    let world = World::start().await;
    let place = world.submitted("k-1", SMALL).await;
    let voices = format!("{place}/voices");
    let flawed = world.post("sales-manager-1", &voices, "v-0", r#"{"order":"beside"}"#).await;
    flawed.is_problem(422, "CS-E0203");
    assert_eq!(flawed.pointers(), ["/whom", "/order"]);
    let asker = r#"{"whom":"ae-1","order":"after","reason":"why"}"#;
    world.post("sales-manager-1", &voices, "v-1", asker).await.is_problem(422, "CS-E0154");
    let finance = r#"{"whom":"finance-1","order":"before","reason":"the margin"}"#;
    world.post("ae-2", &voices, "v-2", finance).await.is_problem(403, "CS-E0111");
    let added = world.post("sales-manager-1", &voices, "v-3", finance).await;
    assert_eq!(added.status, 200, "{}", added.text);
    let states: Vec<_> = [0, 1].iter().map(|seat| &added.json["seats"][*seat]["state"]).collect();
    assert_eq!(states, ["later", "open"]);
    assert_eq!(added.json["seats"][1]["added_by"], "sales-manager-1");
    let words = added.json["progress"]["words"].as_str().expect("words").to_owned();
    assert!(words.starts_with("0 of 2, then manager, manager (person finance-1) pending"), "{words}");
    let approve = r#"{"decision":"approve"}"#;
    let decisions = format!("{place}/decisions");
    world.post("sales-manager-1", &decisions, "d-1", approve).await.is_problem(403, "CS-E0111");
    assert_eq!(world.post("finance-1", &decisions, "d-2", approve).await.status, 200);
    assert_eq!(world.post("sales-manager-1", &decisions, "d-3", approve).await.status, 200);
}

#[tokio::test]
async fn comments_and_reminders_need_no_revision() {
    let world = World::start().await;
    let place = world.submitted("k-1", SMALL).await;
    let (comments, reminders) = (format!("{place}/comments"), format!("{place}/reminders"));
    world.post("ae-2", &comments, "c-0", "{}").await.is_problem(422, "CS-E0114");
    let hidden = json!({ "words": "a\u{202e}b" }).to_string();
    world.post("ae-2", &comments, "c-1", &hidden).await.is_problem(422, "CS-E0203");
    let commented = world.post("ae-2", &comments, "c-2", r#"{"words":"as last week"}"#).await;
    assert_eq!(commented.status, 200, "{}", commented.text);
    let again = world.post("ae-2", &comments, "c-2", r#"{"words":"as last week"}"#).await;
    assert_eq!(again.status, 200);
    let story = world.get("ae-1", &format!("{place}/timeline")).await;
    assert_eq!(story.text.matches("`ae-2` comments: as last week").count(), 1, "{}", story.text);
    world.post("ae-2", &reminders, "r-1", "{}").await.is_problem(403, "CS-E0113");
    assert_eq!(world.post("ae-1", &reminders, "r-2", "{}").await.status, 200);
    world.post("ae-1", &reminders, "r-3", "{}").await.is_problem(409, "CS-E0158");
}

#[tokio::test]
async fn an_administrator_puts_a_seat_into_hands_that_the_house_lets_stand_in() {
    let (world, place) = World::below_the_floor().await;
    let path = format!("{place}/reassignments");
    let seen = world.get("revops-lead", &place).await;
    assert_eq!(seen.json["can"], json!(["reassign", "comment"]), "{}", seen.text);
    let flawed = world.post("revops-lead", &path, "r-0", r#"{"from":"finance-3","exception":"exc_0"}"#).await;
    flawed.is_problem(422, "CS-E0203");
    assert_eq!(flawed.pointers(), ["/exception", "/to"]);
    let neither = world.post("revops-lead", &path, "r-1", r#"{"to":"fpna-1","reason":"away"}"#).await;
    assert_eq!(neither.pointers(), ["/from"], "{}", neither.text);
    let to =
        |from: &str, to: &str, reason: &str| json!({ "from": from, "to": to, "reason": reason }).to_string();
    let body = to("finance-3", "fpna-1", "in hospital");
    for (person, code) in [("ae-1", "CS-E0190"), ("finance-1", "CS-E0190"), ("auditor-1", "CS-E0190")] {
        world.post(person, &path, "r-2", &body).await.is_problem(403, code);
    }
    // Neither to themselves, nor to whoever asked, nor to whom nobody lets stand in.
    for whom in ["revops-lead", "ae-1", "finance-2", "agent-1"] {
        world
            .post("revops-lead", &path, "r-3", &to("finance-3", whom, "away"))
            .await
            .is_problem(403, "CS-E0151");
    }
    world
        .post("revops-lead", &path, "r-4", &to("finance-3", "fpna-1", " "))
        .await
        .is_problem(422, "CS-E0114");
    world
        .post("revops-lead", &path, "r-5", &to("agent-1", "fpna-1", "away"))
        .await
        .is_problem(403, "CS-E0111");
    let done = world.post("revops-lead", &path, "r-6", &body).await;
    assert_eq!(done.status, 200, "{}", done.text);
    let eligible = done.json["seats"][0]["eligible"].as_array().expect("people").clone();
    assert!(eligible.contains(&json!("fpna-1")) && !eligible.contains(&json!("finance-3")), "{eligible:?}");
    let story = world.get("ae-1", &format!("{place}/timeline")).await.text;
    let words = "`revops-lead`, an administrator, puts the seat of `finance-3` into the hands of `fpna-1`: in hospital";
    assert!(story.contains(words), "{story}");
    // Whoever had it cannot take it back; whoever has it decides, and hands it back if they must not.
    world.post("finance-3", &format!("{place}/recalls"), "c-1", "{}").await.is_problem(409, "CS-E0153");
    let approve = r#"{"decision":"approve"}"#;
    world.post("finance-3", &format!("{place}/decisions"), "d-1", approve).await.is_problem(403, "CS-E0111");
    let given = world.post("fpna-1", &format!("{place}/decisions"), "d-2", approve).await;
    assert_eq!(given.json["seats"][0]["approved"], json!(["fpna-1"]), "{}", given.text);
    // Nobody chooses who decides on what they ask for.
    let headers = [("idempotency-key", "own"), ("prefer", "wait=10")];
    let own = world.send("revops-lead", "POST", "/v1/intents", &headers, SMALL).await;
    let own = format!("{}/reassignments", own.header("location"));
    world
        .post("revops-lead", &own, "r-8", &to("finance-3", "fpna-1", "away"))
        .await
        .is_problem(403, "CS-E0110");
    // A seat that is decided is nobody's to move.
    world
        .post("revops-lead", &path, "r-7", &to("fpna-1", "fpna-2", "late"))
        .await
        .is_problem(403, "CS-E0111");
}

#[tokio::test]
async fn an_administrator_gives_an_exception_to_whom_it_can_belong() {
    let world = World::start().await;
    let detail = Detail::new("gone", "the account was deleted");
    world.connectors.next_read(Failure::Rejected { fields: Vec::new(), detail });
    let place = world.submitted("k-1", SMALL).await;
    let path = format!("{place}/reassignments");
    let exception = world.get("ae-1", &place).await.json["exceptions"][0].clone();
    let owner = exception["owner"].as_str().expect("an owner").to_owned();
    let to =
        |whom: &str| json!({ "exception": exception["id"], "to": whom, "reason": "knows it" }).to_string();
    world.post("ae-2", &path, "r-1", &to("deal-desk-lead")).await.is_problem(403, "CS-E0190");
    for whom in ["ae-1", "revops-lead", owner.as_str(), "agent-1"] {
        world.post("revops-lead", &path, "r-2", &to(whom)).await.is_problem(403, "CS-E0151");
    }
    let gone =
        json!({ "exception": "exc_00000000000000000000000000", "to": "deal-desk-lead", "reason": "x" });
    world.post("revops-lead", &path, "r-3", &gone.to_string()).await.is_problem(404, "CS-E0115");
    let moved = world.post("revops-lead", &path, "r-4", &to("deal-desk-lead")).await;
    assert_eq!(moved.json["exceptions"][0]["owner"], "deal-desk-lead", "{}", moved.text);
    let story = world.get("ae-1", &format!("{place}/timeline")).await.text;
    assert!(
        story.contains("`revops-lead`, an administrator, gives an exception to `deal-desk-lead`: knows it"),
        "{story}"
    );
    // It is not found with whoever had it.
    let listed = world.get(&owner, &format!("/v1/exceptions?owner={owner}")).await;
    assert_eq!(listed.json["items"], json!([]), "{}", listed.text);
}
