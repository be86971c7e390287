//! The steps of `break_glass.feature`: deciding alone in an emergency.

use super::{Spec, map, money, person, single_files, text};
use countersign_core::approval::command::Command;
use countersign_core::approval::event::Event;
use countersign_core::document::SourceFile;
use countersign_core::effect::attempt::Guarantee;
use countersign_core::exception::{Cause, Closure};
use countersign_core::id::{ExceptionId, PersonId};
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Millis;
use countersign_engine::engine::Submission;
use countersign_tests::scripted::Scripted;
use cucumber::{given, then, when};
use std::sync::Arc;

/// The shared type of the features with a glass, something that its policy refuses, and rows for reviews.
fn files(glass: Option<&str>, exceptions: &str) -> Vec<SourceFile> {
    let mut files = single_files();
    let mut change = |ending: &str, from: &str, to: &str| {
        let file = files.iter_mut().find(|file| file.path.ends_with(ending)).expect("the file is there");
        assert!(file.text.contains(from), "{} has `{from}`", file.path);
        file.text = file.text.replacen(from, to, 1);
    };
    if let Some(glass) = glass {
        let routes = if exceptions == "rest" { "rest" } else { "rest, glass" };
        let rows = format!("| exception route | {routes} |\n| break glass | {glass} ");
        change("single.intent.md", "| exception route | rest ", &rows);
        let closes = if exceptions == "closed" { "given-up" } else { "reviewed" };
        let row =
            format!("| glass | break-glass | | | | pool owners | 8h | person boss | {closes} |\n| rest |");
        change("routes.md", "| rest |", &row);
    }
    change(
        "single.policy.md",
        "| rest  |          |          | owners",
        "| never |          | > 500_000 | deny      | too much   |\n| rest  |          |          | owners",
    );
    files
}

fn start(spec: &mut Spec, glass: Option<&str>) {
    let connectors = Scripted::default().with("target", Guarantee::ByKey, &[("deliver", "order")]);
    spec.connectors = Arc::new(connectors);
    spec.start(Rulebook::load(&files(glass, "glass")).unwrap_or_else(|faults| panic!("{faults:#?}")));
}

impl Spec {
    async fn breaks(&mut self, name: &str, reason: &str) {
        let revision = self.approval().await.intent.revision;
        let (person, reason) = (person(name), reason.to_owned());
        self.command(Command::BreakGlass { person, revision, reason }).await;
    }

    /// The open review, and whose it is.
    async fn review(&self) -> (ExceptionId, PersonId) {
        self.open_exception(Cause::BreakGlass.as_str()).await
    }
}

#[given("a hard type whose glass boss can break for 4 hours")]
fn has_glass(spec: &mut Spec) {
    start(spec, Some("person boss for 4h"));
}

#[given("a hard type without a glass")]
fn has_none(spec: &mut Spec) {
    start(spec, None);
}

#[when(expr = "{word} asks for an order of {int}")]
async fn asks(spec: &mut Spec, requester: String, amount: u32) {
    let tokens = map(vec![
        ("order_id", text("order-1")),
        ("amount", money(&format!("{amount}.00"))),
        ("reason", text("goodwill")),
    ]);
    let submission = Submission { requester, intent_type: "single".into(), tokens, key: None };
    let standing = spec.engine().submit(submission).await.expect("it is taken");
    spec.intent = Some(standing.approval.intent.id);
    spec.refused = None;
}

#[when(regex = r"^(\S+) breaks the glass$")]
async fn breaks(spec: &mut Spec, name: String) {
    spec.breaks(&name, "the customer's line is down and nobody of the owners is to be had").await;
}

#[when(expr = "{word} breaks the glass without a word")]
async fn breaks_mutely(spec: &mut Spec, name: String) {
    spec.breaks(&name, "  ").await;
}

#[when(expr = "{word} breaks the glass {int} times, each when it has ended")]
async fn breaks_often(spec: &mut Spec, name: String, times: u32) {
    for number in 0..times {
        if 0 < number {
            spec.clock.turn(Millis::hours(4));
        }
        spec.breaks(&name, "it goes on").await;
        assert_eq!(spec.refused, None, "time {number}");
    }
}

#[when(expr = "{word} closes the review")]
async fn closes(spec: &mut Spec, name: String) {
    let (id, _) = spec.review().await;
    let reason = "it could not wait; the route gets a third person".to_owned();
    let command = Command::CloseException { person: person(&name), id, by: Closure::Reviewed, reason };
    spec.command(command).await;
}

#[then("it is not refused")]
fn not_refused(spec: &mut Spec) {
    assert_eq!(spec.refused, None);
}

#[then(expr = "{word} answers for the review")]
async fn answers(spec: &mut Spec, name: String) {
    assert_eq!(spec.review().await.1, person(&name));
}

#[then(regex = r"^(.*) are told of it$")]
async fn told(spec: &mut Spec, names: String) {
    let intent = spec.intent.expect("an intent was submitted");
    let entries = spec.engine().entries(intent).await.expect("the record is read");
    let loud = entries.iter().find_map(|entry| {
        if let Event::GlassBroken { loud, .. } = &entry.event { Some(loud.clone()) } else { None }
    });
    let names: Vec<PersonId> = names.split(", ").map(person).collect();
    assert_eq!(loud, Some(names));
}

#[then(regex = r#"^a type is refused whose glass is "(.*)" and whose reviews reach "(.*)": (.*)$"#)]
fn is_no_glass(_: &mut Spec, glass: String, exceptions: String, why: String) {
    let faults = Rulebook::load(&files(Some(&glass), &exceptions)).expect_err("it is refused");
    let intent: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(
        intent.iter().any(|fault| fault.contains("single.intent.md") && fault.contains(&why)),
        "{intent:#?}"
    );
}
