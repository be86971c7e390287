//! The steps of `refusals.feature`: what no other feature comes across.

use super::{Spec, asked_tokens, going_live, map, money, person, publishing, single_files, text};
use countersign_core::approval::COMMENTS_MAX;
use countersign_core::approval::command::{Command, Voice};
use countersign_core::effect::attempt::{Detail, Guarantee};
use countersign_core::id::IntentId;
use countersign_core::intent::{Day, Raw, Trigger};
use countersign_core::people::register;
use countersign_core::people::register::Away;
use countersign_core::rulebook::Rulebook;
use countersign_engine::engine::Submission;
use countersign_engine::fault::Fault;
use countersign_tests::scripted::Scripted;
use cucumber::{given, when};
use std::sync::Arc;

impl Spec {
    /// Asks for something, and keeps why it is refused.
    async fn tries_to_ask(&mut self, intent_type: &str, tokens: Raw) {
        let intent_type = intent_type.to_owned();
        let submission = Submission { requester: "ae-1".to_owned(), intent_type, tokens, key: None };
        self.refused = match self.engine().submit(submission).await {
            Ok(_) => None,
            Err(Fault::Refused(refusal)) => Some(refusal.code().to_owned()),
            Err(fault) => panic!("{fault}"),
        };
    }
}

fn asked_by(whom: &str) -> Rulebook {
    let mut files = single_files();
    let intent = files.iter_mut().find(|file| file.path.ends_with("single.intent.md")).expect("the type");
    intent.text = intent.text.replacen("| rounds ", &format!("| asked by | {whom} |\n| rounds "), 1);
    Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

#[when("only boss may ask for it any more")]
fn only_boss(spec: &mut Spec) {
    let before = spec.engine().rulebook();
    assert!(spec.engine().replace_rulebook(&before, asked_by("person boss")), "nobody else changes them");
}

#[when(expr = "owner-1 asks for an order of {int} instead")]
async fn amends_order(spec: &mut Spec, amount: u32) {
    let tokens = map(vec![
        ("order_id", text("order-1")),
        ("amount", money(&format!("{amount}.00"))),
        ("reason", text("goodwill")),
    ]);
    spec.command(Command::Amend { person: person("owner-1"), revision: 1, tokens }).await;
}

#[given("a type that pool owners may ask for")]
fn for_owners(spec: &mut Spec) {
    let connectors = Scripted::default().with("target", Guarantee::ByKey, &[("deliver", "order")]);
    spec.connectors = Arc::new(connectors);
    spec.start(asked_by("pool owners"));
}

#[given("a policy that begins next year")]
fn later(spec: &mut Spec) {
    let mut files = single_files();
    let policy = files.iter_mut().find(|file| file.path.ends_with("single.policy.md")).expect("the policy");
    policy.text = policy.text.replacen("2026-01-01", "2027-01-01", 1);
    spec.start(Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}")));
}

#[given("a house with the discount as a draft and no route by which a type goes live")]
fn no_route(spec: &mut Spec) {
    publishing::shipped(spec);
    going_live::begin_draft(spec);
    let routes = spec.house.files.iter_mut().find(|file| file.path == "routes.md").expect("the routes");
    let without = routes.text.lines().filter(|line| !line.starts_with("| go-live "));
    routes.text = without.map(|line| format!("{line}\n")).collect();
    going_live::start(spec);
}

#[when("ae-1 comments on an intent that there is not")]
async fn comments_on_nothing(spec: &mut Spec) {
    let before = spec.intent.replace(IntentId::from_bits(7));
    spec.command(Command::Comment { person: person("ae-1"), words: "hello".to_owned() }).await;
    spec.intent = before;
}

#[when("ae-1 asks for a holiday")]
async fn asks_for_a_holiday(spec: &mut Spec) {
    spec.tries_to_ask("holiday", asked_tokens(12, 12_000)).await;
}

#[when("ae-1 asks for what it decides")]
async fn asks_too_early(spec: &mut Spec) {
    let tokens =
        map(vec![("order_id", text("order-1")), ("amount", money("10.00")), ("reason", text("goodwill"))]);
    spec.tries_to_ask("single", tokens).await;
}

#[when("a server says that a message arrived which nobody has sent")]
async fn arrived(spec: &mut Spec) {
    spec.command(Command::Told { notice: 99, detail: Detail::new("smtp", "250 ok") }).await;
}

#[when(expr = "finance-1 asks {int} questions, and ae-1 answers each")]
async fn asks_often(spec: &mut Spec, times: u32) {
    for number in 1..=times {
        let words = format!("question {number}?");
        spec.command(Command::Ask { person: person("finance-1"), revision: 1, words }).await;
        assert_eq!(spec.refused, None, "question {number}");
        let (person, words) = (person("ae-1"), "because".to_owned());
        spec.command(Command::Answer { person, revision: 1, question: Some(number), words }).await;
    }
}

#[when("ae-1 says as much as can be said")]
async fn says_much(spec: &mut Spec) {
    for number in 0..COMMENTS_MAX {
        let words = format!("word {number}");
        spec.command(Command::Comment { person: person("ae-1"), words }).await;
    }
}

#[when(expr = "revops-1 tries out {int} discounts")]
async fn tries_out_often(spec: &mut Spec, times: u32) {
    for number in 0..times {
        let (requester, intent_type) = ("revops-1".to_owned(), "discount".to_owned());
        let submission = Submission { requester, intent_type, tokens: asked_tokens(12, 12_000), key: None };
        let answer = spec.engine().try_out(submission, Trigger::Button).await;
        assert!(answer.is_ok(), "trial {number}");
    }
}

#[when("finance-1 opens a link that no message has, and approves")]
async fn dead_link(spec: &mut Spec) {
    let voice = Voice::Approve { note: String::new() };
    let decide = Command::Decide { person: person("finance-1"), revision: 1, seal: None, voice };
    spec.command(Command::ByLink { notice: 99, command: Box::new(decide) }).await;
}

#[when(expr = "{word} says that {word} is away from {word} until {word} and {word} covers")]
async fn tries_to_be_away(
    spec: &mut Spec,
    by: String,
    name: String,
    from: String,
    until: String,
    cover: String,
) {
    let day = |text: &str| Day::parse(text).expect("a day");
    let (from, until, cover) = (day(&from), day(&until), Some(person(&cover)));
    let away = Away { person: person(&name), from, until, cover, of: None };
    spec.put_on_record(register::Actor::Person(person(&by)), register::Command::Away(away)).await;
}

#[when(expr = "{word} comes back")]
async fn comes_back(spec: &mut Spec, name: String) {
    let command = register::Command::Back { person: person(&name), number: None };
    spec.put_on_record(register::Actor::Person(person(&name)), command).await;
}

#[when(expr = "finance-1 is away on {int} days, each with finance-2")]
async fn away_often(spec: &mut Spec, days: i64) {
    let first = Day::parse("2027-02-01").expect("a day");
    for number in 0..days {
        // With a day between, so that each is an absence of its own.
        let on = Day(first.0 + 2 * number);
        let (name, cover) = (person("finance-1"), Some(person("finance-2")));
        let away = Away { person: name.clone(), from: on, until: on, cover, of: None };
        spec.put_on_record(register::Actor::Person(name), register::Command::Away(away)).await;
        assert_eq!(spec.unrecorded, None, "absence {number}");
    }
}
