//! The steps of `weights.feature`: voices that weigh more than one.

use super::Spec;
use super::seats::People;
use countersign_core::approval::Stage;
use countersign_tests::world::weighed;
use cucumber::{given, then};

/// The policy whose margin floor needs this much of finance.
fn needing(text: &str, weight: u32) -> String {
    let row = text.lines().find(|line| line.starts_with("| finance ") && line.contains("| pool fpna "));
    let row = row.expect("the route of finance").to_owned();
    let changed = row.replacen("| 2 ", &format!("| weight {weight} "), 1);
    assert_ne!(row, changed, "it needs two");
    text.replacen(&row, &changed, 1)
}

fn weigh(people: &mut People, member: &str, weighs: &str, needs: u32) {
    people.begin_with(|text| weighed(&text, "finance", &format!("{member} {weighs}")));
    people.change("policies/discount.policy.md", |text| needing(&text, needs));
}

#[given("a house in which finance-lead weighs 2, and the margin floor needs weight 3")]
fn house(spec: &mut Spec) {
    weigh(&mut spec.people, "finance-lead", "2", 3);
}

#[then(expr = "{word} weighs {int} of {int}")]
async fn weighs(spec: &mut Spec, route: String, given: u32, need: u32) {
    let approval = spec.approval().await;
    let Stage::Seated { seats, .. } = &approval.stage else {
        panic!("the intent is {}", approval.stage.as_str())
    };
    let of = (0_u32..).zip(&seats.rows).find(|(_, row)| row.route.as_str() == route);
    let seat = of.and_then(|(row, _)| seats.open.get(&row)).expect("it is open");
    assert_eq!((seat.given(), seat.need), (given, need), "{seat:#?}");
}

#[then(regex = r"^a house is refused in which the margin floor needs weight (\d+): (.*)$")]
fn needs_too_much(spec: &mut Spec, weight: u32, why: String) {
    // What the background set up is another house.
    spec.people = People::default();
    weigh(&mut spec.people, "finance-lead", "2", weight);
    spec.people.is_refused(&why);
}

#[then(regex = r"^a house is refused in which (\S+) weighs ([^:]+): (.*)$")]
fn no_weight(spec: &mut Spec, member: String, weight: String, why: String) {
    spec.people = People::default();
    weigh(&mut spec.people, &member, &weight, 2);
    spec.people.is_refused(&why);
}
