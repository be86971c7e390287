//! Every recorded answer of a policy and every seal, made again from the log.

use super::visibility::{FIELDS, comes_to, discount, world};
use serde_json::{Value as Json, json};

#[tokio::test]
async fn what_is_on_record_of_an_intent_comes_out_again() {
    let world = world(&[("## Bindings", FIELDS)]).await;
    let place = world.submitted("k-1", &discount("12%")).await;
    let amendment =
        json!({"tokens": serde_json::from_str::<Json>(&discount("14%")).expect("JSON")["tokens"]});
    let amended = world.post("ae-1", &format!("{place}/amendments"), "a-1", &amendment.to_string()).await;
    assert_eq!(amended.status, 200, "{}", amended.text);
    comes_to(&world, &place, "seated").await;
    let replay = world.get("auditor-1", &format!("{place}/replay")).await;
    assert_eq!((replay.status, &replay.json["same"]), (200, &json!(true)), "{}", replay.text);
    let answers = replay.json["answers"].as_array().expect("answers").iter();
    let told = |answer: &Json| (answer["revision"].clone(), answer["answer"].clone(), answer["seal"].clone());
    let expected = [1, 2].map(|revision| (json!(revision), json!("same"), json!("same")));
    assert_eq!(answers.map(told).collect::<Vec<_>>(), expected);
    let policy = world.get("auditor-1", &place).await.json["evaluation"]["version"].clone();
    assert_eq!(replay.json["answers"][1]["policy"], policy, "{}", replay.text);

    // An outcome says something of what it was made of.
    world.get("ae-2", &format!("{place}/replay")).await.is_problem(403, "CS-E0222");
    let nothing = "/v1/intents/int_00000000000000000000000001/replay";
    world.get("auditor-1", nothing).await.is_problem(404, "CS-E0101");
}
