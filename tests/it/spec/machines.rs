//! The steps of `machines.feature`: who asks and is nobody of the house.

use super::{Spec, asked_tokens, discount_world};
use countersign_core::approval::event::Event;
use countersign_core::rulebook::Rulebook;
use countersign_engine::engine::Submission;
use countersign_engine::fault::Fault;
use countersign_tests::world::{root, source_files};
use cucumber::{given, then, when};

/// The machine of these features.
const MACHINE: &str = "crm-bot";

fn section(name: &str, answers: &str) -> String {
    format!("## Machines\n\n| machine | answers for it |\n|---|---|\n| {name} | {answers} |\n\n## Pools")
}

fn submission(percent: u32) -> Submission {
    let (requester, intent_type) = (MACHINE.to_owned(), "discount".to_owned());
    Submission { requester, intent_type, tokens: asked_tokens(percent, 12_000), key: None }
}

#[given(
    expr = "crm-bot, for which {word} answers, asks for a discount of {int} % on 12000 at a margin of {int} %"
)]
async fn machine_asks(spec: &mut Spec, answers: String, percent: u32, margin: u32) {
    spec.people.begin_with(|text| text.replacen("## Pools", &section(MACHINE, &answers), 1));
    discount_world(spec, margin);
    spec.people.asked = (percent, 12_000);
    let standing = spec.engine().submit(submission(percent)).await.expect("it passes the door");
    spec.intent = Some(standing.approval.intent.id);
    spec.until("the seats", |event| matches!(event, Event::SeatOpened { .. }), 2).await;
}

fn other_row(text: &str, row: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for line in lines.iter_mut().filter(|line| line.starts_with(&format!("| {MACHINE} "))) {
        row.clone_into(line);
    }
    lines.retain(|line| line != "gone");
    lines.join("\n") + "\n"
}

#[when(expr = "{word} answers for crm-bot from now on")]
fn answers_now(spec: &mut Spec, answers: String) {
    spec.save_people(|text| other_row(&text, &format!("| {MACHINE} | {answers} |")));
}

#[when("nobody answers for crm-bot any more")]
fn nobody_answers(spec: &mut Spec) {
    // A table needs a row.
    spec.save_people(|text| other_row(&text, "| another-bot | ae-1 |"));
}

#[when("crm-bot asks for another discount")]
async fn asks_again(spec: &mut Spec) {
    spec.refused = match spec.engine().submit(submission(12)).await {
        Ok(_) => None,
        Err(Fault::Refused(refusal)) => Some(refusal.code().to_owned()),
        Err(fault) => panic!("{fault}"),
    };
}

#[then(
    regex = r"^a house is refused whose (machine|pool) (\S+) (?:is answered for by|has the member) (\S+): (.*)$"
)]
fn no_machine(_: &mut Spec, kind: String, name: String, whom: String, why: String) {
    let mut files = source_files(&root().join("host/cli/starter")).expect("the starter files");
    let people = files.iter_mut().find(|file| file.path == "people.md").expect("the people");
    let machine = if kind == "machine" { section(&name, &whom) } else { section(&whom, "ae-1") };
    people.text = people.text.replacen("## Pools", &machine, 1);
    if kind == "pool" {
        let row = people.text.lines().find(|line| line.starts_with(&format!("| {name} "))).map(str::to_owned);
        let pool = row.filter(|row| row.contains(", ")).unwrap_or_else(|| {
            let mut rows = people.text.lines().filter(|line| line.starts_with(&format!("| {name} ")));
            rows.find(|line| line.contains(", ")).expect("the pool").to_owned()
        });
        let more = pool.replacen(", ", &format!(", {whom}, "), 1);
        people.text = people.text.replacen(&pool, &more, 1);
    }
    let faults = Rulebook::load(&files).expect_err("it is refused");
    let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(said.iter().any(|fault| fault.contains("people.md") && fault.contains(&why)), "{said:#?}");
}
