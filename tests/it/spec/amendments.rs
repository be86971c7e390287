//! The steps of `amendments.feature`: sent back, amended, asked again.

use super::{PATIENCE, Spec, asked_tokens, money, person, text};
use countersign_core::approval::Stage;
use countersign_core::approval::command::Command;
use countersign_core::intent::Raw;
use countersign_core::record::{RecordRef, Value};
use countersign_server::api::view::intent::Looking;
use countersign_server::api::view::{IntentView, TokenChangeView};
use cucumber::{then, when};
use std::time::Duration;

/// These tokens with one of them replaced.
pub(super) fn with(tokens: Raw, name: &str, words: &str) -> Raw {
    let Raw::Map(mut members) = tokens else { panic!("tokens are a map") };
    members.retain(|(other, _)| other != name);
    members.push((name.to_owned(), value(name, words)));
    Raw::Map(members)
}

fn value(name: &str, words: &str) -> Raw {
    match name {
        "amount" => money(&format!("{words}.00")),
        "term_months" | "payment_days" => Raw::Integer(words.parse().expect("a number")),
        _ => text(words),
    }
}

impl Spec {
    pub(super) async fn becomes(&self, expected: &str) {
        let waiting = async {
            while self.approval().await.stage.as_str() != expected || !self.is_asked().await {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            panic!("the intent is {:#?}", self.approval().await.stage);
        }
    }

    /// Whether people are asked, where it is seated.
    async fn is_asked(&self) -> bool {
        match &self.approval().await.stage {
            Stage::Seated { seats, .. } => !seats.open.is_empty(),
            _ => true,
        }
    }

    async fn amends(&mut self, name: &str, tokens: Raw) {
        let revision = self.approval().await.intent.revision;
        self.command(Command::Amend { person: person(name), revision, tokens }).await;
    }

    async fn sends_back(&mut self, name: &str, words: &str) {
        let revision = self.approval().await.intent.revision;
        let words = words.to_owned();
        self.command(Command::SendBack { person: person(name), revision, words }).await;
    }
}

#[when(expr = "{word} sends it back because {string}")]
async fn sends_back(spec: &mut Spec, name: String, words: String) {
    spec.sends_back(&name, &words).await;
}

#[when(regex = r#"^([^ ]+) amends ([a-z_]+) to ("[^"]*"|[^" ]+)$"#)]
async fn amends(spec: &mut Spec, name: String, token: String, words: String) {
    let tokens = asked_tokens(spec.people.asked.0, spec.people.asked.1);
    spec.amends(&name, with(tokens, &token, words.trim_matches('"'))).await;
}

#[when(regex = r#"^([^ ]+) amends ([a-z_]+) to ([^" ]+) and ([a-z_]+) to ([^" ]+)$"#)]
async fn amends_two(
    spec: &mut Spec,
    name: String,
    first: String,
    becomes: String,
    second: String,
    too: String,
) {
    let tokens = asked_tokens(spec.people.asked.0, spec.people.asked.1);
    spec.amends(&name, with(with(tokens, &first, &becomes), &second, &too)).await;
}

#[when(expr = "{word} amends nothing")]
async fn amends_nothing(spec: &mut Spec, name: String) {
    spec.amends(&name, asked_tokens(spec.people.asked.0, spec.people.asked.1)).await;
}

#[when(expr = "the margin of the quote becomes {word}")]
fn margin_becomes(spec: &mut Spec, margin: String) {
    let quote = [("margin", Value::Decimal(margin)), ("renewal", Value::Flag(false))];
    spec.connectors.put("crm", "quote", "Q-1", &quote);
    // The fact that was read is used for five minutes.
    spec.clock.turn(countersign_core::time::Millis::minutes(6));
}

#[when("another account is billed for the customer")]
fn another_account(spec: &mut Spec) {
    let customer = RecordRef { kind: "customer".into(), id: "cus_2".into() };
    let account = [("segment", Value::Text("smb".into())), ("billing_account", Value::Reference(customer))];
    spec.connectors.put("crm", "account", "A-1", &account);
    // The fact that was read is used for a day.
    spec.clock.turn(countersign_core::time::Millis::hours(25));
}

#[when(expr = "it went back and forth {int} times")]
async fn back_and_forth(spec: &mut Spec, times: u32) {
    for _ in 0..times {
        spec.sends_back("sales-manager-1", "less").await;
        assert_eq!(spec.refused, None);
        spec.amends("ae-1", asked_tokens(spec.people.asked.0, spec.people.asked.1)).await;
        assert_eq!(spec.refused, None);
        spec.becomes("seated").await;
    }
}

#[then(expr = "the intent becomes {word}")]
async fn becomes(spec: &mut Spec, expected: String) {
    assert_eq!(spec.refused, None, "the last command was refused");
    spec.becomes(&expected).await;
}

#[then(expr = "the revision is {int}")]
async fn revision_is(spec: &mut Spec, expected: u32) {
    // What time alone does comes by itself, a moment later.
    let waiting = async {
        while spec.approval().await.intent.revision != expected {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let reached = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(reached.is_ok(), "the revision is {}", spec.approval().await.intent.revision);
}

#[then(expr = "{word} sees {word} as {string} instead of {string}")]
async fn sees_change(spec: &mut Spec, name: String, token: String, after: String, before: String) {
    let (approval, rulebook) = (spec.approval().await, spec.engine().rulebook());
    let (person, now) = (person(&name), spec.engine().now());
    let seen = IntentView::of(&approval, Looking { person: &person, rulebook: &rulebook, now })
        .expect("they see it");
    let expected = TokenChangeView { token, before: Some(before), after: Some(after) };
    assert_eq!(seen.amended.map(|amended| (amended.since, amended.changes)), Some((1, vec![expected])));
}
