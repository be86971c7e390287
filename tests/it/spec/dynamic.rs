//! The steps of `dynamic.feature`: seats that depend on the intent.

use super::{Spec, discount_world};
use countersign_core::approval::Stage;
use countersign_core::approval::event::Event;
use cucumber::{given, then};

const POLICY: &str = "policies/discount.policy.md";

/// The policy whose route of the manager asks somebody else.
fn asking(text: &str, whom: &str) -> String {
    let changed = text.replacen("| manager of requester |", &format!("| {whom} |"), 1);
    assert_ne!(text, changed, "a manager is asked");
    changed
}

#[given(expr = "a house in which manager asks {string}")]
fn house(spec: &mut Spec, whom: String) {
    spec.people.change(POLICY, |text| asking(&text, &whom));
    if whom.ends_with(" note") {
        // What decides who is asked is never left out.
        spec.people.change("intents/discount.intent.md", |text| {
            let row =
                text.lines().find(|line| line.starts_with("| note ")).expect("it has a note").to_owned();
            text.replacen(&row, "| note | text 1 .. 2_000 | yes | who decides |", 1)
        });
    }
}

#[given(expr = "a house in which the guard {string} asks vp")]
fn guarded(spec: &mut Spec, when: String) {
    spec.people.change(POLICY, |text| {
        // Its promises and examples are those of another policy.
        let (text, _) = text.split_once("## Promises").expect("promises come last but one");
        let guard = format!("| asked | {when} | vp | the expression holds |\n\n## Routes");
        text.replacen("\n## Routes", &guard, 1)
    });
}

#[given(expr = "ae-1 asks for a discount of {int} % on {int} and notes {string}")]
async fn asks_and_notes(spec: &mut Spec, percent: u32, amount: u32, words: String) {
    discount_world(spec, 40);
    spec.people.asked = (percent, amount);
    spec.submit("discount", super::amendments::with(super::asked_tokens(percent, amount), "note", &words))
        .await;
    spec.until("the seat", |event| matches!(event, Event::SeatOpened { .. }), 1).await;
}

#[then(regex = r"^(\S+) is (asked|not asked)$")]
async fn is_asked(spec: &mut Spec, route: String, asked: String) {
    let approval = spec.approval().await;
    let Stage::Seated { seats, .. } = &approval.stage else {
        panic!("the intent is {}", approval.stage.as_str())
    };
    let is_there = seats.rows.iter().any(|row| row.route.as_str() == route);
    assert_eq!(is_there, asked == "asked", "{:#?}", seats.rows);
}

#[then(regex = r#"^a house is refused in which manager asks "([^"]+)": (.*)$"#)]
fn no_house(spec: &mut Spec, whom: String, why: String) {
    spec.people.change(POLICY, |text| asking(&text, &whom));
    spec.people.is_refused(&why);
}
