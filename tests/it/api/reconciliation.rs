//! What was approved, what was written and what the targets hold now, side by side.

use super::world::{SMALL, World};
use countersign_core::effect::attempt::{Detail, Failure};
use countersign_core::money::{Currency, Money};
use countersign_core::record::Value;
use serde_json::{Value as Json, json};

fn usd(amount: &str) -> Value {
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
