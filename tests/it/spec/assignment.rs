//! The steps of `assignment.feature`: who of a pool answers for a seat.

use super::{Spec, asked_tokens, discount_world, person, seats};
use countersign_core::approval::Stage;
use countersign_core::approval::command::Command;
use countersign_core::approval::event::Event;
use countersign_core::approval::seat::Seat;
use countersign_core::document::SourceFile;
use countersign_core::id::{IntentId, PersonId};
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Millis;
use countersign_engine::engine::Submission;
use countersign_tests::world::{root, source_files, with_column};
use cucumber::{given, then, when};
use std::time::Duration;

/// What the scenarios of this feature remember.
#[derive(Debug, Default)]
pub(crate) struct Assigned {
    owner: Option<PersonId>,
}

fn starter() -> Vec<SourceFile> {
    source_files(&root().join("host/cli/starter")).expect("the starter files")
}

impl Spec {
    /// The seat of finance in an intent, while it is open.
    async fn finance(&self, intent: IntentId) -> Seat {
        let approval = self.engine().read(intent).await.expect("it is read").approval;
        let Stage::Seated { seats, .. } = &approval.stage else {
            panic!("the intent is {}", approval.stage.as_str())
        };
        let row = (0_u32..).zip(&seats.rows).find(|(_, row)| row.route.as_str() == "finance");
        row.and_then(|(row, _)| seats.open.get(&row)).expect("it is open").clone()
    }

    async fn owners(&self) -> Vec<PersonId> {
        let mut owners = Vec::new();
        for intent in &self.all {
            owners.push(self.finance(*intent).await.owner);
        }
        owners
    }
}

#[given(expr = "a house in which finance is {word}")]
fn house(spec: &mut Spec, assigns: String) {
    spec.people = seats::People::default();
    spec.people.begin_with(|text| with_column(&text, "assigns", "finance", &assigns));
    discount_world(spec, 14);
}

#[given(expr = "the seats of finance are due after {int} hours")]
fn due_soon(spec: &mut Spec, hours: u32) {
    let mut files = starter();
    let policy =
        files.iter_mut().find(|file| file.path == "policies/discount.policy.md").expect("the policy");
    let row =
        policy.text.lines().find(|line| line.starts_with("| finance ") && line.contains("| pool fpna "));
    let row = row.expect("the route of finance").to_owned();
    policy.text = policy.text.replacen(&row, &row.replacen("16bh", &format!("{hours}h"), 1), 1);
    spec.people.policy = Some(policy.text.clone());
    discount_world(spec, 14);
}

#[when("it is five in the afternoon in Dublin")]
fn afternoon(spec: &mut Spec) {
    spec.clock.turn(Millis::hours(2));
}

#[when(expr = "ae-1 asks for {int} discount(s) that finance decides on")]
async fn asks_for(spec: &mut Spec, count: u32) {
    spec.all.clear();
    for _ in 0..count {
        let (requester, intent_type) = ("ae-1".to_owned(), "discount".to_owned());
        let submission = Submission { requester, intent_type, tokens: asked_tokens(12, 12_000), key: None };
        let standing = spec.engine().submit(submission).await.expect("it passes the door");
        spec.intent = Some(standing.approval.intent.id);
        spec.all.extend(spec.intent);
        spec.until("the seats", |event| matches!(event, Event::SeatOpened { .. }), 2).await;
    }
    let first = spec.all[0];
    spec.assigned.owner = Some(spec.finance(first).await.owner);
}

#[when("all of them are withdrawn")]
async fn withdrawn(spec: &mut Spec) {
    for intent in spec.all.clone() {
        spec.intent = Some(intent);
        spec.command(Command::Withdraw { person: person("ae-1"), revision: 1 }).await;
    }
}

#[when("whoever answers for it stays, and the others are looked up again")]
async fn looked_up(spec: &mut Spec) {
    let owner = spec.assigned.owner.clone().expect("somebody answers");
    let other = ["finance-1", "finance-2"].into_iter().find(|name| owner.as_str() != *name).expect("another");
    spec.save_people(|text| {
        format!("{}\n| {other} | 2026-11-23 | 2026-11-24 | fpna-1 | all |\n", text.trim_end())
    });
    spec.out_of_seats(&person(other)).await;
}

#[when("whoever answers for it is away from today on")]
async fn away(spec: &mut Spec) {
    let owner = spec.assigned.owner.clone().expect("somebody answers");
    spec.save_people(|text| {
        format!("{}\n| {owner} | 2026-11-23 | 2026-11-27 | fpna-1 | all |\n", text.trim_end())
    });
    spec.out_of_seats(&owner).await;
}

#[then(regex = r"^each of (.*) answers for (\d+) of them$")]
async fn each_answers(spec: &mut Spec, names: String, count: usize) {
    tokio::time::sleep(Duration::from_millis(5)).await;
    let owners = spec.owners().await;
    for name in names.split(", ") {
        let theirs = owners.iter().filter(|owner| owner.as_str() == name).count();
        assert_eq!(theirs, count, "{name}: {owners:?}");
    }
}

#[then(expr = "{word} answers for {int} of them")]
async fn answers_for(spec: &mut Spec, name: String, count: usize) {
    let owners = spec.owners().await;
    assert_eq!(owners.iter().filter(|owner| owner.as_str() == name).count(), count, "{owners:?}");
}

#[then(expr = "{word} answers for none of them")]
async fn answers_for_none(spec: &mut Spec, name: String) {
    let owners = spec.owners().await;
    assert!(owners.iter().all(|owner| owner.as_str() != name), "{owners:?}");
}

#[then("the same one answers for it")]
async fn same(spec: &mut Spec) {
    assert_eq!(spec.owners().await, [spec.assigned.owner.clone().expect("somebody answered")]);
}

#[then("somebody else of finance answers for it")]
async fn other(spec: &mut Spec) {
    let (was, owners) = (spec.assigned.owner.clone().expect("somebody answered"), spec.owners().await);
    let seat = spec.finance(spec.all[0]).await;
    assert!(owners[0] != was && seat.eligible.contains(&owners[0]), "{seat:#?}");
}

#[then(regex = r"^a house is refused in which finance is (\S+): (.*)$")]
fn refused(_: &mut Spec, assigns: String, why: String) {
    let mut files = starter();
    let people = files.iter_mut().find(|file| file.path == "people.md").expect("the people");
    people.text = with_column(&people.text, "assigns", "finance", &assigns);
    let faults = Rulebook::load(&files).expect_err("it is refused");
    let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(said.iter().any(|fault| fault.contains(&why)), "{said:#?}");
}
