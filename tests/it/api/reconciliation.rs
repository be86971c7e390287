//! What was approved, what was written and what the targets hold now, side by side.

use super::world::{SMALL, World};
use countersign_core::effect::attempt::{Detail, Failure};
use countersign_core::money::{Currency, Money};
use countersign_core::record::Value;
use countersign_core::time::Millis;
use serde_json::{Value as Json, json};

pub(super) fn usd(amount: &str) -> Value {
    Value::Money(Money::parse(amount, Currency::parse("USD").expect("a currency")).expect("an amount"))
}

/// A discount of 4 %, which the policy approves by itself, once all of it has landed.
async fn done(world: &World) -> String {
    let place = world.submitted("k-1", &SMALL.replace("12%", "4%")).await;
    for _ in 0..400 {
        if world.get("ae-1", &place).await.json["state"] == "done" {
            return place;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("it is not done")
}

/// The verdicts of one binding, by field.
fn verdicts(found: &Json, binding: &str) -> Vec<(String, String)> {
    let effects = found["effects"].as_array().expect("effects");
    let own = effects.iter().find(|effect| effect["binding"] == binding).expect("it landed");
    let word = |json: &Json| json.as_str().expect("a word").to_owned();
    let fields = own["fields"].as_array().expect("fields").iter();
    fields.map(|field| (word(&field["field"]), word(&field["verdict"]))).collect()
}

#[tokio::test]
async fn each_field_stands_beside_what_was_approved_and_what_was_written() {
    let world = World::start().await;
    let place = format!("{}/reconciliation", done(&world).await);
    let quote = [("discount_percent", Value::Decimal("4".to_owned())), ("net_amount", usd("11000.00"))];
    world.connectors.put("crm", "quote", "q-1", &quote);
    // What was there before is nothing, in a scripted plan.
    let customer = [("net_amount", Value::Absent), ("term_months", Value::Integer(12))];
    world.connectors.put("billing", "customer", "cus_1", &customer);
    let entries = world.get("ae-1", &place.replace("reconciliation", "timeline")).await.text;
    let answer = world.get("ae-1", &place).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let pairs = |all: &[(&str, &str)]| -> Vec<(String, String)> {
        all.iter().map(|(field, verdict)| ((*field).to_owned(), (*verdict).to_owned())).collect()
    };
    let quote = pairs(&[("discount_percent", "true"), ("net_amount", "drifted")]);
    assert_eq!(verdicts(&answer.json, "quote-price"), quote);
    let billing = pairs(&[("net_amount", "late"), ("term_months", "true"), ("payment_days", "unreadable")]);
    assert_eq!(verdicts(&answer.json, "billing-price"), billing);
    let net = &answer.json["effects"][0]["fields"][1];
    let texts = ["approved", "written", "current"].map(|column| net[column]["text"].clone());
    assert_eq!(texts, ["11520.00 USD", "11520.00 USD", "11000.00 USD"].map(|text| json!(text)));
    // The gravest of all, and of each effect.
    assert_eq!(answer.json["verdict"], "unreadable");
    assert_eq!(answer.json["effects"][0]["verdict"], "drifted");
    let after = world.get("ae-1", &place.replace("reconciliation", "timeline")).await.text;
    assert_eq!(entries, after, "a look is no entry");
}

#[tokio::test]
async fn a_record_that_is_gone_and_a_target_that_does_not_answer_say_so() {
    let world = World::start().await;
    let place = format!("{}/reconciliation", done(&world).await);
    // Nothing was put at billing: there is no such customer.
    world.connectors.next_read(Failure::Transient { after: None, detail: Detail::new("down", "it is down") });
    let answer = world.get("ae-1", &place).await;
    let effects = answer.json["effects"].as_array().expect("effects");
    let said = |effect: &Json| (effect["verdict"].clone(), effect["why"]["message"].clone());
    assert_eq!(said(&effects[0]), (json!("unreadable"), json!("it is down")));
    assert_eq!(said(&effects[1]), (json!("gone"), json!("there is no `customer/cus_1`")));
}

#[tokio::test]
async fn before_it_is_approved_there_is_nothing_to_compare() {
    let world = World::start().await;
    let place = world.submitted("k-1", SMALL).await;
    world.get("ae-1", &format!("{place}/reconciliation")).await.is_problem(409, "CS-E0109");
    world
        .get("ae-1", "/v1/intents/int_00000000000000000000000001/reconciliation")
        .await
        .is_problem(404, "CS-E0101");
}

/// Lets time pass until an intent shows this of itself.
async fn until(world: &World, place: &str, is_so: impl Fn(&Json) -> bool) -> Json {
    for _ in 0..400 {
        let shown = world.get("ae-1", place).await.json;
        if is_so(&shown) {
            return shown;
        }
        world.clock.set(world.engine.now().plus(Millis::minutes(10)));
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("it does not come: {:#}", world.get("ae-1", place).await.json)
}

/// The exception about what a target holds instead.
fn drift(shown: &Json) -> Option<&Json> {
    shown["exceptions"].as_array()?.iter().find(|exception| exception["cause"] == "drift")
}

/// A discount that is done, and whose customer pays within 60 days instead of 30 by now; with the exception about that.
pub(super) async fn pays_later(world: &World) -> (String, Json) {
    let place = done(world).await;
    let decimal = |text: &str| Value::Decimal(text.to_owned());
    let quote = [
        ("margin", decimal("40")),
        ("renewal", Value::Flag(false)),
        ("discount_percent", decimal("4")),
        ("net_amount", usd("11520.00")),
    ];
    world.connectors.put("crm", "quote", "q-1", &quote);
    let days = |days: i64| {
        let net = ("net_amount", usd("11520.00"));
        [net, ("term_months", Value::Integer(12)), ("payment_days", Value::Integer(days))]
    };
    world.connectors.put("billing", "customer", "cus_1", &days(60));
    let shown = until(world, &place, |shown| drift(shown).is_some()).await;
    let exception = drift(&shown).expect("there is one").clone();
    (place, exception)
}

#[tokio::test]
async fn what_a_target_holds_instead_is_asked_for_as_an_intent_of_its_own() {
    let world = World::start().await;
    let (place, exception) = pays_later(&world).await;
    let owner = exception["owner"].as_str().expect("an owner").to_owned();
    let adoptions = format!("{place}/exceptions/{}/adoptions", exception["id"].as_str().expect("an id"));
    let can = |shown: &Json| drift(shown).expect("it is there")["can"].to_string().contains("adopt");
    assert!(can(&world.get(&owner, &place).await.json), "{exception}");
    assert!(!can(&world.get("ae-1", &place).await.json));
    world.post("ae-1", &adoptions, "a-0", "{}").await.is_problem(403, "CS-E0116");

    let asked = world.post(&owner, &adoptions, "a-1", "{}").await;
    assert_eq!(asked.status, 201, "{}", asked.text);
    let old = place.rsplit('/').next().expect("an id");
    let adopts = json!({ "intent": old, "exception": exception["id"] });
    assert_eq!((&asked.json["adopts"], &asked.json["requester"]), (&adopts, &json!(owner)));
    let before = world.get("ae-1", &place).await.json;
    for (token, value) in asked.json["tokens"].as_object().expect("tokens") {
        let same = before["tokens"][token] == *value;
        assert_eq!(same, token != "payment_days", "{token}: {value}");
    }
    assert_eq!(asked.json["tokens"]["payment_days"], json!(60));
    let again = world.post(&owner, &adoptions, "a-1", "{}").await;
    assert_eq!(again.header("location"), asked.header("location"));
    world.post(&owner, &adoptions, "a-2", "{}").await.is_problem(409, "CS-E0146");

    // People decide on it as on any other; when it has landed, nothing is amiss.
    let new = asked.header("location").to_owned();
    until(&world, &new, |shown| shown["state"] == "seated").await;
    for who in ["finance-lead", "finance-1"] {
        let decided = world.post(who, &format!("{new}/decisions"), who, r#"{"decision":"approve"}"#).await;
        assert_eq!(decided.status, 200, "{}", decided.text);
    }
    until(&world, &new, |shown| shown["state"] == "done").await;
    let shown =
        until(&world, &place, |shown| drift(shown).is_some_and(|drift| drift["state"] == "closed")).await;
    let drifts = shown["exceptions"].as_array().expect("a list").iter();
    assert_eq!(drifts.filter(|exception| exception["cause"] == "drift").count(), 1, "{shown:#}");
    let timeline = world.get("ae-1", &format!("{new}/timeline")).await.text;
    assert!(timeline.contains(&format!("what was found instead of what `{old}` wrote")), "{timeline}");
}

#[tokio::test]
async fn what_was_declined_can_be_adopted_again_and_what_is_right_again_cannot() {
    let world = World::start().await;
    let (place, exception) = pays_later(&world).await;
    let owner = exception["owner"].as_str().expect("an owner").to_owned();
    let adoptions = format!("{place}/exceptions/{}/adoptions", exception["id"].as_str().expect("an id"));
    let asked = world.post(&owner, &adoptions, "a-1", "{}").await;
    let new = asked.header("location").to_owned();
    let withdrawn = world.post(&owner, &format!("{new}/withdrawals"), "w-1", "{}").await;
    assert_eq!(withdrawn.status, 200, "{}", withdrawn.text);
    let again = world.post(&owner, &adoptions, "a-2", "{}").await;
    assert_eq!(again.status, 201, "{}", again.text);
    world.post(&owner, &format!("{}/withdrawals", again.header("location")), "w-2", "{}").await;
    let net = ("net_amount", usd("11520.00"));
    let right = [net, ("term_months", Value::Integer(12)), ("payment_days", Value::Integer(30))];
    world.connectors.put("billing", "customer", "cus_1", &right);
    let refused = world.post(&owner, &adoptions, "a-3", "{}").await;
    refused.is_problem(409, "CS-E0145");
    assert!(refused.text.contains("does not hold anything else"), "{}", refused.text);
}

#[tokio::test]
async fn half_of_what_is_there_is_not_adopted() {
    let world = World::start().await;
    let (place, exception) = pays_later(&world).await;
    let owner = exception["owner"].as_str().expect("an owner").to_owned();
    let adoptions = format!("{place}/exceptions/{}/adoptions", exception["id"].as_str().expect("an id"));
    let hold = |net: &str, days: Value| {
        let fields = [("net_amount", usd(net)), ("term_months", Value::Integer(12)), ("payment_days", days)];
        world.connectors.put("billing", "customer", "cus_1", &fields);
    };
    // The amount is computed from the discount: nobody can ask for one without the other.
    hold("10000.00", Value::Integer(60));
    let refused = world.post(&owner, &adoptions, "a-1", "{}").await;
    refused.is_problem(409, "CS-E0145");
    let words = "the target holds 10000.00 USD in `net_amount`, and what is there otherwise would make that 11520.00 USD";
    assert!(refused.text.contains(words), "{}", refused.text);
    // No intent of that type asks for so many days.
    hold("11520.00", Value::Integer(4_000));
    let refused = world.post(&owner, &adoptions, "a-2", "{}").await;
    refused.is_problem(409, "CS-E0145");
    assert!(refused.text.contains("`payment_days`: `4000` is outside of"), "{}", refused.text);
    world.connectors.next_read(Failure::Transient { after: None, detail: Detail::new("down", "it is down") });
    let refused = world.post(&owner, &adoptions, "a-3", "{}").await;
    refused.is_problem(409, "CS-E0145");
    assert!(refused.text.contains("it is down"), "{}", refused.text);
}
