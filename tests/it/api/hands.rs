//! Seats in other hands over HTTP: delegated, handed over, taken back; added voices, comments, reminders.

use crate::world::{SMALL, World};
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
