//! The steps of `fail_open.feature`: what cannot be evaluated and passes all the same.

use super::{PATIENCE, Spec, map, money, person, single_files, text};
use countersign_core::approval::Authority;
use countersign_core::approval::command::Command;
use countersign_core::approval::event::Event;
use countersign_core::document::SourceFile;
use countersign_core::effect::attempt::Guarantee;
use countersign_core::exception::{Cause, Closure};
use countersign_core::intent::Raw;
use countersign_core::record::Value;
use countersign_core::rulebook::Rulebook;
use countersign_engine::engine::Submission;
use countersign_tests::scripted::Scripted;
use cucumber::{given, then, when};
use futures::future::join_all;
use std::sync::Arc;
use std::time::Duration;

/// The shared type of the features, with a fact that the target may be silent about.
fn files(fail_mode: &str, cap: u32, up_to: u32) -> Vec<SourceFile> {
    let mut files = single_files();
    let mut change = |ending: &str, from: &str, to: &str| {
        let file = files.iter_mut().find(|file| file.path.ends_with(ending)).expect("the file is there");
        assert!(file.text.contains(from), "{} has `{from}`", file.path);
        file.text = file.text.replacen(from, to, 1);
    };
    let intent = "single.intent.md";
    change(intent, "| fail mode       | closed ", &format!("| fail mode       | {fail_mode} "));
    change(
        intent,
        "|------|------|------|-------|",
        "|------|------|------|-------|\n| risk | one of low, high | connection target risk of order_id | 5m |",
    );
    let policy = "single.policy.md";
    let open =
        format!("| unsure    | closed     |\n| fail open | only if amount <= {up_to}, at most {cap} a day |");
    change(
        policy,
        "| unsure    | closed     |",
        &if fail_mode == "closed" { "| unsure    | closed     |".to_owned() } else { open },
    );
    change(
        policy,
        "| reason | one of goodwill, defect     |",
        "| reason | one of goodwill, defect     |\n| risk   | one of low, high            |",
    );
    change(
        policy,
        "## Examples",
        "## Guards\n\n| id    | when        | then   | because |\n|-------|-------------|--------|---------|\n| risky | risk = high | owners | risky   |\n\n## Examples",
    );
    change(
        policy,
        "| case  | amount | reason   | => outcome |",
        "| case  | amount | reason   | risk | => outcome |",
    );
    change(
        policy,
        "|-------|--------|----------|------------|-------|\n| small | 10     | goodwill |",
        "|-------|--------|----------|------|------------|-------|\n| small | 10     | goodwill | low  |",
    );
    files
}

fn start(spec: &mut Spec, fail_mode: &str, cap: u32, up_to: u32) {
    let connectors = Scripted::default().with("target", Guarantee::ByKey, &[("deliver", "order")]);
    connectors.put("target", "order", "order-1", &[("colour", Value::Text("blue".into()))]);
    spec.connectors = Arc::new(connectors);
    let rules = Rulebook::load(&files(fail_mode, cap, up_to)).unwrap_or_else(|faults| panic!("{faults:#?}"));
    spec.start(rules);
}

fn order(amount: u32) -> Raw {
    map(vec![
        ("order_id", text("order-1")),
        ("amount", money(&format!("{amount}.00"))),
        ("reason", text("goodwill")),
    ])
}

impl Spec {
    async fn closes_fail_open(&mut self, name: &str, by: Closure) {
        let (id, _) = self.open_exception("fail-open").await;
        let (person, reason) = (person(name), "the customer is known to us".to_owned());
        self.command(Command::CloseException { person, id, by, reason }).await;
    }
}

#[given(expr = "a low-impact type whose policy lets {int} a day fail open up to {int}")]
fn may_open(spec: &mut Spec, cap: u32, up_to: u32) {
    start(spec, "may open", cap, up_to);
}

#[given("a low-impact type whose table itself asks for the risk")]
fn table_asks(spec: &mut Spec) {
    let mut files = files("may open", 2, 5000);
    let policy = files.iter_mut().find(|file| file.path.ends_with("single.policy.md")).expect("the policy");
    for (from, to) in [
        ("| id    | reason   | amount   | =>", "| id    | reason   | amount   | risk | =>"),
        (
            "|-------|----------|----------|------------|--",
            "|-------|----------|----------|------|------------|--",
        ),
        ("| small | goodwill | <= 1_000 | approve", "| small | goodwill | <= 1_000 | low | approve"),
        ("| rest  |          |          | owners", "| rest  |          |          |      | owners"),
    ] {
        assert!(policy.text.contains(from), "the policy has `{from}`");
        policy.text = policy.text.replacen(from, to, 1);
    }
    let rules = Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"));
    spec.connectors = Arc::new(Scripted::default().with("target", Guarantee::ByKey, &[("deliver", "order")]));
    spec.connectors.put("target", "order", "order-1", &[("colour", Value::Text("blue".into()))]);
    spec.start(rules);
}

#[then("a policy that lets it fail open where its type does not is refused")]
fn needs_both(_: &mut Spec) {
    let mut files = files("may open", 2, 5000);
    for file in files.iter_mut().filter(|file| file.path.ends_with("single.intent.md")) {
        file.text = file.text.replacen("| fail mode       | may open ", "| fail mode       | closed ", 1);
    }
    let faults = Rulebook::load(&files).expect_err("it is refused");
    assert!(faults.iter().any(|fault| fault.to_string().contains("fail open")), "{faults:#?}");
}

#[then("no fail-open is open")]
async fn none_open(spec: &mut Spec) {
    assert_eq!(spec.refused, None);
    let approval = spec.approval().await;
    let mut items = approval.exceptions.values().filter(|exception| exception.cause == Cause::FailOpen);
    assert!(items.all(|item| item.closed.is_some()) && approval.failed_open.is_none());
}

#[given(expr = "the target says that the risk of the order is {word}")]
fn has_risk(spec: &mut Spec, risk: String) {
    spec.connectors.put("target", "order", "order-1", &[("risk", Value::Text(risk))]);
}

#[when(expr = "{int} orders of {int} are asked for at one time")]
async fn at_once(spec: &mut Spec, count: usize, amount: u32) {
    let submit = || {
        spec.engine().submit(Submission {
            requester: "ae-1".into(),
            intent_type: "single".into(),
            tokens: order(amount),
            key: None,
        })
    };
    let submitted = join_all((0..count).map(|_| submit())).await;
    spec.all = submitted.into_iter().map(|done| done.expect("it is let in").approval.intent.id).collect();
}

#[when(expr = "the owner of the fail-open closes it by {word}")]
async fn owner_closes(spec: &mut Spec, by: String) {
    let (_, owner) = spec.open_exception("fail-open").await;
    let by = match by.as_str() {
        "confirmed" => Closure::Confirmed,
        "reversed" => Closure::Reversed,
        _ => Closure::Reviewed,
    };
    spec.closes_fail_open(owner.as_str(), by).await;
}

#[when(expr = "{word} closes the fail-open")]
async fn closes(spec: &mut Spec, name: String) {
    spec.closes_fail_open(&name, Closure::Confirmed).await;
}

#[then(expr = "it was decided by failing open, with {word}")]
async fn by_failing_open(spec: &mut Spec, name: String) {
    let people = if name == "nobody" { Vec::new() } else { vec![person(&name)] };
    assert_eq!(spec.authority().await, Authority::FailOpen(people));
}

#[then(expr = "the record says that number {int} of {int} of today failed open")]
async fn on_record(spec: &mut Spec, number: u32, cap: u32) {
    let entries = spec.engine().entries(spec.intent.expect("one")).await.expect("they are read");
    let found = entries.iter().find_map(|entry| match &entry.event {
        Event::FailedOpen { owner, only_if, at_most, today } => {
            Some((owner.to_string(), only_if.clone(), *at_most, *today))
        }
        _ => None,
    });
    assert_eq!(found, Some(("owners".to_owned(), "amount <= 5000".to_owned(), cap, number)));
}

#[then("nothing is open about it")]
async fn nothing_open(spec: &mut Spec) {
    assert_eq!(spec.refused, None);
    let approval = spec.approval().await;
    let closed = approval.exceptions.values().find(|exception| exception.cause == Cause::FailOpen);
    let closed = closed.expect("it was there").closed.clone().expect("it is closed");
    assert_eq!((closed.by, closed.reason.as_str()), (Closure::Confirmed, "the customer is known to us"));
}

#[then(expr = "{word} answers for the fail-open")]
async fn answers(spec: &mut Spec, name: String) {
    let moved = async {
        while spec.open_exception("fail-open").await.1 != person(&name) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, moved).await.expect("it goes to the backup");
}

#[then(expr = "{int} of them are done and {int} are unsettled")]
async fn of_them(spec: &mut Spec, done: usize, unsettled: usize) {
    let settled = async {
        loop {
            let mut states = Vec::new();
            for intent in &spec.all {
                let standing = spec.engine().read(*intent).await.expect("it is read");
                states.push(standing.approval.stage.as_str());
            }
            let count = |state: &str| states.iter().filter(|found| **found == state).count();
            if count("done") + count("unsettled") == states.len() {
                return (count("done"), count("unsettled"));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, settled).await.expect("all of them are settled");
    assert_eq!(found, (done, unsettled));
}
