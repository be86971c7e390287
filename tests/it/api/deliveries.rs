//! What other systems tell by themselves: taken when it is proved who sent it, stored before it is answered, done once.

use super::going_live;
use super::world::{Answer, SMALL, Setup, World};
use countersign_core::delivery::Draft;
use countersign_core::effect::attempt::{Detail, Failure};
use countersign_core::record::{Field, RecordRef, Value};
use countersign_core::rulebook::Rulebook;
use countersign_core::time::{Millis, Timestamp};
use countersign_engine::port::store::StoreFault;
use countersign_tests::scripted::HOOK;
use serde_json::{Value as Json, json};
use std::time::Duration;

const SIGNED: (&str, &str) = ("signed", "well");

fn quote() -> RecordRef {
    RecordRef { kind: "quote".to_owned(), id: "q-1".to_owned() }
}

/// The wish for the small discount, as a connector says it.
fn draft(key: &str, intent_type: &str, requester: &str) -> Draft {
    let asked: Json = serde_json::from_str(SMALL).expect("JSON");
    let value = |value: &Json| match value {
        Json::String(text) => Value::Text(text.clone()),
        Json::Number(number) => Value::Integer(number.as_i64().expect("a whole number")),
        other => Value::Json(other.to_string()),
    };
    let tokens = asked["tokens"].as_object().expect("tokens").iter();
    Draft {
        intent_type: intent_type.to_owned(),
        source: quote(),
        fields: tokens.map(|(name, token)| Field { name: name.clone(), value: value(token) }).collect(),
        dedupe_key: key.to_owned(),
        requester: Some(requester.to_owned()),
    }
}

/// Delivers, a moment after whatever was delivered before.
async fn deliver(world: &World, body: &str) -> Answer {
    world.clock.set(world.engine.now().plus(Millis(1)));
    world.send("", "POST", &format!("/hooks/crm/{HOOK}"), &[SIGNED], body).await
}

async fn deliveries(world: &World) -> Vec<Json> {
    let answer = world.get("integration-1", "/v1/connections/crm/deliveries").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json["items"].as_array().expect("items").clone()
}

/// Waits until the newest delivery waits no more.
async fn handled(world: &World) -> Json {
    for _ in 0..400 {
        match deliveries(world).await.into_iter().next() {
            Some(newest) if newest["state"] != "waiting" => return newest,
            Some(_) | None => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    panic!("nothing comes of it: {:#?}", deliveries(world).await)
}

async fn intents(world: &World) -> usize {
    world.get("ae-1", "/v1/intents").await.json["items"].as_array().expect("items").len()
}

#[tokio::test]
async fn a_delivery_becomes_an_intent_of_whoever_asked_and_only_one() {
    let world = World::start().await;
    world.connectors.delivers(Vec::new(), vec![draft("q-1/1", "discount", "ae-1")]);
    for _ in 0..2 {
        let answer = deliver(&world, "{\"event\":1}").await;
        assert_eq!((answer.status, answer.text.as_str()), (202, ""), "the same is answered alike");
    }
    let first = handled(&world).await;
    assert_eq!(deliveries(&world).await.len(), 1, "the same delivery is stored once");
    assert_eq!((first["state"].as_str(), first["hook"].as_str()), (Some("handled"), Some(HOOK)));
    let intent = first["wishes"][0]["intent"].as_str().expect("an intent").to_owned();
    let shown = world.get("ae-1", &format!("/v1/intents/{intent}")).await.json;
    assert_eq!((&shown["requester"], &shown["type"]), (&json!("ae-1"), &json!("discount")), "{shown:#}");
    // Another delivery of the same wish, whatever else it says.
    let mut again = draft("q-1/1", "discount", "ae-1");
    again.fields.clear();
    world.connectors.delivers(Vec::new(), vec![again]);
    assert_eq!(deliver(&world, "{\"event\":2}").await.status, 202);
    let second = handled(&world).await;
    assert_ne!(second["id"], first["id"]);
    assert_eq!((&second["wishes"][0]["intent"], intents(&world).await), (&json!(intent), 1));
    assert_eq!(intents(&world).await, 1, "a delivery is no intent");
}

#[tokio::test]
async fn what_nobody_may_bring_in_is_refused_and_the_operator_sees_why() {
    let world = World::start().await;
    let mut nameless = draft("e", "discount", "ae-1");
    nameless.requester = None;
    let mut odd = draft("f", "discount", "ae-1");
    odd.fields.push(Field { name: "lines".to_owned(), value: Value::Json("[".to_owned()) });
    let mut wrong = draft("g", "discount", "ae-1");
    wrong.fields.retain(|field| field.name != "term_months");
    let drafts = vec![
        draft("a", "refund", "ae-1"),
        draft("b", "policy_change", "ae-1"),
        draft("c", "tour", "ae-1"),
        draft("d", "discount", "mallory@example.com"),
        nameless,
        odd,
        wrong,
        draft("", "discount", "ae-1"),
    ];
    let expected = [
        ("not-granted", "begins by `button` and not by `webhook crm quote-submitted`"),
        ("not-granted", "does not name `policy_change` in `[intake]`"),
        ("not-granted", "there is no intent type `tour`"),
        ("unknown-requester", "nobody of the people is `mallory@example.com`"),
        ("no-requester", "does not say who asks"),
        ("bad-draft", "`lines`"),
        ("CS-E0105", "`/term_months`: expected "),
        ("bad-draft", "has 0 characters"),
    ];
    world.connectors.delivers(Vec::new(), drafts);
    assert_eq!(deliver(&world, "{}").await.status, 202);
    let wishes = handled(&world).await["wishes"].clone();
    let wishes = wishes.as_array().expect("wishes");
    assert_eq!(wishes.len(), expected.len());
    for (wish, (code, words)) in wishes.iter().zip(expected) {
        let message = wish["refused"]["message"].as_str().expect("why");
        assert_eq!((&wish["refused"]["code"], message.contains(words)), (&json!(code), true), "{wish:#}");
    }
    assert_eq!(intents(&world).await, 0);
}

#[tokio::test]
async fn what_is_not_proved_is_not_stored_and_told_nothing() {
    let world = World::start().await;
    let hook = format!("/hooks/crm/{HOOK}");
    for headers in [vec![], vec![("signed", "badly")]] {
        let answer = world.send("", "POST", &hook, &headers, "{}").await;
        answer.is_problem(401, "CS-E0237");
        assert!(!answer.text.contains("hunter2"), "{}", answer.text);
    }
    for place in ["/hooks/crm/other", "/hooks/nobody/quote-submitted", "/hooks/C%20rm/quote-submitted"] {
        world.send("", "POST", place, &[SIGNED], "{}").await.is_problem(404, "CS-E0220");
    }
    let large = "x".repeat(256 * 1024 + 1);
    world.send("", "POST", &hook, &[SIGNED], &large).await.is_problem(413, "CS-E0202");
    // No token makes up for it, and what a connection is told is for operators alone.
    world.send("integration-1", "POST", &hook, &[], "{}").await.is_problem(401, "CS-E0237");
    world.get("ae-1", "/v1/connections/crm/deliveries").await.is_problem(403, "CS-E0223");
    let answer = world.send("", "POST", &hook, &[("signed", "challenge")], "{}").await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "are you there"));
    assert_eq!(deliveries(&world).await.len(), 0);
}

#[tokio::test]
async fn a_delivery_is_acknowledged_when_it_is_stored_and_not_before() {
    let world = World::start().await;
    world.connectors.delivers(Vec::new(), vec![draft("q-1/1", "discount", "ae-1")]);
    world.store.fail(Some(StoreFault::Full));
    deliver(&world, "{}").await.is_problem(507, "CS-E0301");
    world.store.fail(None);
    assert_eq!(deliveries(&world).await.len(), 0);
    assert_eq!(deliver(&world, "{}").await.status, 202);
    assert_eq!(handled(&world).await["state"], "handled");
}

#[tokio::test]
async fn a_delivery_waits_while_its_connector_cannot_say_and_is_given_up_after_days() {
    let world = World::start().await;
    let down = || Failure::Transient { after: None, detail: Detail::new("down", "it is down") };
    world.connectors.delivers(Vec::new(), vec![draft("q-1/1", "discount", "ae-1")]);
    (0..2).for_each(|_| world.connectors.next_delivery(down()));
    assert_eq!(deliver(&world, "{}").await.status, 202);
    let waits = deliveries(&world).await;
    assert_eq!(waits[0]["state"], "waiting", "{waits:#?}");
    // It is looked at beside the answer to its sender.
    let mut waits = waits;
    for _ in 0..400 {
        if !waits[0]["waits"].is_null() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        waits = deliveries(&world).await;
    }
    assert_eq!(
        (&waits[0]["waits"]["code"], &waits[0]["waits"]["message"]),
        (&json!("down"), &json!("it is down"))
    );
    assert!(waits[0]["next"].is_string(), "{waits:#?}");
    for _ in 0..400 {
        world.clock.set(world.engine.now().plus(Millis::minutes(1)));
        tokio::time::sleep(Duration::from_millis(5)).await;
        if deliveries(&world).await[0]["state"] != "waiting" {
            break;
        }
    }
    let done = handled(&world).await;
    assert_eq!((&done["state"], &done["waits"]), (&json!("handled"), &Json::Null));
    // One that is refused is refused at once.
    let detail = Detail::new("bad-delivery", "it is no event");
    world.connectors.next_delivery(Failure::Rejected { fields: Vec::new(), detail });
    assert_eq!(deliver(&world, "{\"event\":2}").await.status, 202);
    let refused = handled(&world).await;
    assert_eq!((&refused["state"], &refused["refused"]["code"]), (&json!("refused"), &json!("bad-delivery")));
    // One of which nobody ever can say what it is about is given up, with the last reason.
    (0..5_000).for_each(|_| world.connectors.next_delivery(down()));
    assert_eq!(deliver(&world, "{\"event\":3}").await.status, 202);
    for _ in 0..800 {
        world.clock.set(world.engine.now().plus(Millis::minutes(30)));
        tokio::time::sleep(Duration::from_millis(5)).await;
        if deliveries(&world).await[0]["state"] != "waiting" {
            break;
        }
    }
    assert_eq!(handled(&world).await["refused"]["code"], "down");
}

#[tokio::test]
async fn a_delivery_waits_as_long_as_its_target_asks() {
    let world = World::start().await;
    let after = Some(Millis::minutes(10));
    world.connectors.delivers(Vec::new(), vec![draft("q-1/1", "discount", "ae-1")]);
    world.connectors.next_delivery(Failure::Transient { after, detail: Detail::new("busy", "later") });
    let arrived = world.engine.now();
    assert_eq!(deliver(&world, "{}").await.status, 202);
    let mut waits = Json::Null;
    for _ in 0..400 {
        waits = deliveries(&world).await.remove(0);
        if !waits["next"].is_null() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let next = waits["next"].as_str().and_then(Timestamp::from_rfc3339).expect("a moment");
    assert!(Millis::minutes(10) <= next.since(arrived), "{waits:#}");
}

#[tokio::test]
async fn an_intent_type_that_is_a_draft_is_tried_out_by_what_it_begins_by() {
    let rulebook = Rulebook::load(&going_live::files(None)).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let world = World::of(Setup { rulebook, ..Setup::default() }).await;
    world.connectors.delivers(Vec::new(), vec![draft("q-1/1", "discount", "revops-1")]);
    assert_eq!(deliver(&world, "{}").await.status, 202);
    let handled = handled(&world).await;
    let intent = handled["wishes"][0]["intent"].as_str().unwrap_or_else(|| panic!("{handled:#}"));
    let approval = world.engine.read(intent.parse().expect("an id")).await.expect("it is there").approval;
    let by = approval.intent.trial.as_ref().expect("it is a trial").by.to_string();
    assert_eq!(by, "webhook crm quote-submitted");
}

#[tokio::test]
async fn the_list_of_intents_is_whole_however_much_was_delivered() {
    let world = World::start().await;
    world.connectors.delivers(Vec::new(), vec![draft("q-1/1", "discount", "ae-1")]);
    assert_eq!(deliver(&world, "0").await.status, 202);
    handled(&world).await;
    world.connectors.delivers(Vec::new(), Vec::new());
    // More rows than a list looks at.
    for number in 1..=2_100 {
        assert_eq!(deliver(&world, &number.to_string()).await.status, 202);
    }
    let listed = world.get("ae-1", "/v1/intents").await;
    assert_eq!(
        (listed.status, listed.json["items"].as_array().map(Vec::len)),
        (200, Some(1)),
        "{}",
        listed.text
    );
}

#[tokio::test]
async fn an_intent_that_was_made_is_told_of_although_whoever_asked_may_not_any_more() {
    let world = World::start().await;
    world.connectors.delivers(Vec::new(), vec![draft("q-1/1", "discount", "ae-1")]);
    assert_eq!(deliver(&world, "1").await.status, 202);
    let first = handled(&world).await["wishes"][0]["intent"].clone();
    world.connectors.delivers(Vec::new(), vec![draft("q-1/1", "discount", "nobody@example.com")]);
    assert_eq!(deliver(&world, "2").await.status, 202);
    assert_eq!(handled(&world).await["wishes"][0]["intent"], first);
}

#[tokio::test]
async fn what_came_of_it_is_refused_where_no_entry_holds_it() {
    let world = World::start().await;
    let record =
        |number: usize| RecordRef { kind: "quote".to_owned(), id: format!("{number}{}", "x".repeat(6_000)) };
    world.connectors.delivers((0..200).map(record).collect(), vec![draft("q-1/1", "discount", "ae-1")]);
    assert_eq!(deliver(&world, "0").await.status, 202);
    let refused = handled(&world).await;
    assert_eq!((&refused["state"], &refused["refused"]["code"]), (&json!("refused"), &json!("too-large")));
    assert_eq!(intents(&world).await, 1, "what it asked for is there all the same");
    world.connectors.delivers((0..201).map(|_| quote()).collect(), Vec::new());
    assert_eq!(deliver(&world, "1").await.status, 202);
    assert_eq!(handled(&world).await["refused"]["code"], "too-many");
}
