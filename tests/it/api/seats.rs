//! What people do about a seat over HTTP before anybody decides: claim, give back, ask, answer.

use crate::world::{Answer, SMALL, World};
use futures::future::join_all;
use serde_json::json;

#[tokio::test]
async fn a_seat_is_claimed_shown_and_given_back() {
    let (world, place) = World::below_the_floor().await;
    let (claims, releases) = (format!("{place}/claims"), format!("{place}/releases"));
    let seen = world.get("finance-1", &place).await;
    let hands = ["delegate", "transfer", "add-voice", "comment"];
    let can = [["approve", "decline", "send-back", "claim", "ask"].as_slice(), &hands].concat();
    assert_eq!(seen.json["can"], json!(can));
    let claimed = world.post("finance-1", &claims, "c-1", "{}").await;
    assert_eq!(claimed.status, 200, "{}", claimed.text);
    let finance = &claimed.json["seats"][0];
    assert_eq!((&finance["route"], &finance["owner"]), (&json!("finance"), &json!("finance-1")));
    assert_eq!(finance["claims"][0]["by"], "finance-1");
    let can = [["approve", "decline", "send-back", "release", "ask"].as_slice(), &hands].concat();
    assert_eq!(claimed.json["can"], json!(can));
    world.post("finance-1", &claims, "c-2", "{}").await.is_problem(409, "CS-E0123");
    assert_eq!(world.post("finance-2", &claims, "c-3", "{}").await.status, 200);
    let full = world.get("finance-3", &place).await;
    assert_eq!(full.json["can"], json!(["comment"]), "both voices are claimed");
    let approve = r#"{"decision":"approve"}"#;
    world.post("finance-3", &format!("{place}/decisions"), "d-1", approve).await.is_problem(409, "CS-E0123");
    world.post("sales-manager-1", &claims, "c-4", "{}").await.is_problem(422, "CS-E0124");
    world.post("finance-3", &releases, "r-1", "{}").await.is_problem(409, "CS-E0125");
    let released = world.post("finance-1", &releases, "r-2", "{}").await;
    assert_eq!(released.json["seats"][0]["owner"], "finance-2");
    assert_eq!(world.post("finance-3", &format!("{place}/decisions"), "d-2", approve).await.status, 200);
}

#[tokio::test]
async fn the_requester_is_asked_and_answers() {
    let (world, place) = World::below_the_floor().await;
    let (questions, answers) = (format!("{place}/questions"), format!("{place}/answers"));
    world.post("finance-1", &questions, "q-0", "{}").await.is_problem(422, "CS-E0114");
    let why = r#"{"words":"why now?"}"#;
    world.post("ae-1", &questions, "q-1", why).await.is_problem(403, "CS-E0110");
    let asked = world.post("finance-1", &questions, "q-2", why).await;
    assert_eq!(asked.status, 200, "{}", asked.text);
    let question = &asked.json["questions"][0];
    assert_eq!((&question["number"], &question["state"]), (&json!(1), &json!("open")));
    assert_eq!(
        (&asked.json["seats"][0]["state"], asked.json["seats"][0].get("due")),
        (&json!("asked"), None)
    );
    world.post("finance-2", &questions, "q-3", why).await.is_problem(409, "CS-E0126");

    assert_eq!(
        world.get("ae-1", &place).await.json["can"],
        json!(["remind", "withdraw", "answer", "amend", "comment"])
    );
    let waiting = world.get("ae-1", "/v1/intents?question=me").await;
    assert_eq!(waiting.json["items"].as_array().map(Vec::len), Some(1), "{}", waiting.text);
    assert_eq!(world.get("ae-2", "/v1/intents?question=me").await.json["items"], json!([]));
    let renewal = r#"{"words":"the renewal is due"}"#;
    world.post("ae-2", &answers, "a-1", renewal).await.is_problem(403, "CS-E0113");
    world.post("ae-1", &answers, "a-2", r#"{"words":"x","question":2}"#).await.is_problem(422, "CS-E0128");
    let flawed = world.post("ae-1", &answers, "a-3", r#"{"words":"x","question":"one"}"#).await;
    flawed.is_problem(422, "CS-E0203");
    assert_eq!(flawed.json["errors"][0]["pointer"], "/question");
    let answered = world.post("ae-1", &answers, "a-4", renewal).await;
    assert_eq!(answered.json["questions"][0]["answer"], "the renewal is due", "{}", answered.text);
    assert_eq!(answered.json["seats"][0]["state"], "open");
    assert_eq!(world.get("ae-1", "/v1/intents?question=me").await.json["items"], json!([]));
    world.post("ae-1", &answers, "a-5", renewal).await.is_problem(422, "CS-E0128");
    let story = world.get("ae-1", &format!("{place}/timeline")).await;
    assert!(story.text.contains("answered: the renewal is due"), "{}", story.text);
}

#[tokio::test]
async fn an_intent_is_sent_back_and_amended_under_the_next_tag() {
    let (world, place) = World::below_the_floor().await;
    let (returns, amendments) = (format!("{place}/returns"), format!("{place}/amendments"));
    let less = r#"{"reason":"36 months or nothing"}"#;
    world.post("ae-1", &returns, "r-0", less).await.is_problem(403, "CS-E0110");
    world.post("sales-manager-1", &returns, "r-1", "{}").await.is_problem(422, "CS-E0114");
    let returned = world.post("sales-manager-1", &returns, "r-2", less).await;
    assert_eq!((returned.status, &returned.json["state"]), (200, &json!("returned")), "{}", returned.text);
    assert_eq!(returned.json["returned"]["reason"], "36 months or nothing");
    let seen = world.get("ae-1", &place).await;
    assert_eq!(seen.json["can"], json!(["withdraw", "amend", "comment"]));
    assert_eq!(world.get("sales-manager-1", &place).await.json["can"], json!(["comment"]));
    let listed = world.get("ae-1", "/v1/intents?question=me&state=returned").await;
    assert_eq!(listed.json["items"].as_array().map(Vec::len), Some(1), "{}", listed.text);

    let mut tokens = seen.json["tokens"].clone();
    world.post("ae-1", &amendments, "a-0", "{}").await.is_problem(422, "CS-E0203");
    tokens["discount_percent"] = json!("80%");
    let body = json!({ "tokens": tokens }).to_string();
    let wrong = world.post("ae-1", &amendments, "a-1", &body).await;
    wrong.is_problem(422, "CS-E0105");
    assert_eq!(wrong.json["errors"][0]["pointer"], "/tokens/discount_percent", "{}", wrong.text);
    tokens["discount_percent"] = json!("12%");
    tokens["term_months"] = json!(36);
    let body = json!({ "tokens": tokens }).to_string();
    world.post("sales-manager-1", &amendments, "a-2", &body).await.is_problem(403, "CS-E0113");
    let amended = world.post("ae-1", &amendments, "a-3", &body).await;
    assert_eq!((amended.status, amended.header("etag")), (200, "\"2\""), "{}", amended.text);
    let again = world.post("ae-1", &amendments, "a-3", &body).await;
    assert_eq!(again.json["revision"], 2, "the same key is the same amendment: {}", again.text);
    // Whoever read the revision before decides on nothing.
    world
        .post("finance-1", &format!("{place}/decisions"), "d-1", r#"{"decision":"approve"}"#)
        .await
        .is_problem(412, "CS-E0106");
}

#[tokio::test]
async fn of_64_decisions_and_amendments_of_one_revision_exactly_one_is_taken() {
    let world = World::start().await;
    let place = world.submitted("k-1", SMALL).await;
    let mut tokens = world.get("ae-1", &place).await.json["tokens"].clone();
    tokens["term_months"] = json!(36);
    let amendment = json!({ "tokens": tokens }).to_string();
    let commands = (0..64).map(|number| {
        let (world, place, amendment) = (&world, &place, &amendment);
        async move {
            let key = format!("p-{number}");
            let (who, below, body) = match number % 4 {
                0 => ("sales-manager-1", "decisions", r#"{"decision":"approve"}"#),
                1 => ("sales-manager-1", "returns", r#"{"reason":"less"}"#),
                2 => ("ae-1", "amendments", amendment.as_str()),
                _ => ("ae-1", "withdrawals", "{}"),
            };
            world.post(who, &format!("{place}/{below}"), &key, body).await
        }
    });
    let answers = join_all(commands).await;
    let taken: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    // What was sent back may be amended or withdrawn right after: one more of the same revision.
    let returned = taken.iter().filter(|answer| answer.json["state"] == "returned").count();
    assert_eq!(taken.len(), if returned == 1 { 2 } else { 1 });
    let over =
        |answer: &&Answer| ["CS-E0106", "CS-E0109"].contains(&answer.json["code"].as_str().unwrap_or(""));
    assert_eq!(answers.iter().filter(over).count(), 64 - taken.len());
}
