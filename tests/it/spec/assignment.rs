//! The steps of `assignment.feature`: who of a pool answers for a seat.

use super::{Spec, asked_tokens, discount_world, map, money, person, seats, single_files, text};
use countersign_core::approval::Stage;
use countersign_core::approval::command::{Command, Voice};
use countersign_core::approval::event::Event;
use countersign_core::approval::seat::Seat;
use countersign_core::document::SourceFile;
use countersign_core::effect::attempt::Guarantee;
use countersign_core::id::{IntentId, PersonId};
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Millis;
use countersign_engine::engine::Submission;
use countersign_tests::scripted::Scripted;
use countersign_tests::world::{root, source_files, with_column};
use cucumber::{given, then, when};
use std::sync::Arc;
use std::time::Duration;

/// What the scenarios of this feature remember.
#[derive(Debug, Default)]
pub(crate) struct Assigned {
    owner: Option<PersonId>,
    /// The route that asks the fair pool, where that is not `finance`.
    route: Option<&'static str>,
}

fn starter() -> Vec<SourceFile> {
    source_files(&root().join("host/cli/starter")).expect("the starter files")
}

impl Spec {
    /// The seat of the fair pool in an intent, while it is open.
    async fn fair_seat(&self, intent: IntentId) -> Seat {
        let approval = self.engine().read(intent).await.expect("it is read").approval;
        let Stage::Seated { seats, .. } = &approval.stage else {
            panic!("the intent is {}", approval.stage.as_str())
        };
        let route = self.assigned.route.unwrap_or("finance");
        let row = (0_u32..).zip(&seats.rows).find(|(_, row)| row.route.as_str() == route);
        row.and_then(|(row, _)| seats.open.get(&row)).expect("it is open").clone()
    }

    async fn owners(&self) -> Vec<PersonId> {
        let mut owners = Vec::new();
        for intent in &self.all {
            owners.push(self.fair_seat(*intent).await.owner);
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

#[given("a house in which owners is fair, and a type that is decided at the door")]
fn at_the_door(spec: &mut Spec) {
    let mut files = single_files();
    for file in &mut files {
        match file.path.as_str() {
            "people.md" => file.text = with_column(&file.text, "assigns", "owners", "fair"),
            "intents/single.intent.md" => {
                let stays = file.text.lines().filter(|line| !line.starts_with("| write "));
                let text: String = stays.map(|line| format!("{line}\n")).collect();
                file.text = text.replacen("| destinations    | target ", "| destinations    | ", 1);
            }
            _ => {}
        }
    }
    spec.assigned.route = Some("owners");
    let connectors = Scripted::default().with("target", Guarantee::ByKey, &[("deliver", "order")]);
    spec.connectors = Arc::new(connectors);
    spec.start(Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}")));
}

#[when(expr = "ae-1 asks for {int} orders that owners decide on")]
async fn asks_for_orders(spec: &mut Spec, count: u32) {
    spec.all.clear();
    for _ in 0..count {
        let tokens = map(vec![
            ("order_id", text("order-1")),
            ("amount", money("5000.00")),
            ("reason", text("goodwill")),
        ]);
        let (requester, intent_type) = ("ae-1".to_owned(), "single".to_owned());
        let submission = Submission { requester, intent_type, tokens, key: None };
        let standing = spec.engine().submit(submission).await.expect("it passes the door");
        assert_eq!(standing.approval.stage.as_str(), "seated", "at the door");
        spec.all.push(standing.approval.intent.id);
    }
}

#[when("an hour goes by")]
fn hour(spec: &mut Spec) {
    spec.clock.turn(Millis::hours(1));
}

#[when("whoever answers for the first of them approves")]
async fn owner_approves(spec: &mut Spec) {
    let first = spec.all[0];
    let owner = spec.fair_seat(first).await.owner;
    spec.intent = Some(first);
    let voice = Voice::Approve { note: String::new() };
    spec.command(Command::Decide { person: owner.clone(), revision: 1, seal: None, voice }).await;
    assert_eq!(spec.refused, None, "the vote is taken");
    spec.assigned.owner = Some(owner);
}

#[when(expr = "whoever answers for each of them transfers it to {word}")]
async fn owners_transfer(spec: &mut Spec, to: String) {
    for intent in spec.all.clone() {
        spec.intent = Some(intent);
        let owner = spec.fair_seat(intent).await.owner;
        spec.hands(owner.as_str(), &to, None, "a week of audits".to_owned()).await;
        assert_eq!(spec.refused, None, "it may be handed over");
    }
}

#[then("somebody else answers for the first of them, and is told so")]
async fn told_so(spec: &mut Spec) {
    let (was, owner) = (spec.assigned.owner.clone(), spec.fair_seat(spec.all[0]).await.owner);
    assert_ne!(was.as_ref(), Some(&owner));
    let says = |words: &str| spec.reached(owner.as_str()).iter().any(|message| message.text.contains(words));
    spec.in_the_end(&format!("{owner} is not told"), async || says("you answer for it")).await;
}

#[given(regex = r"^the seats of finance are due after (\d+) (business )?hours$")]
fn due_soon(spec: &mut Spec, hours: u32, business: String) {
    let unit = if business.is_empty() { "h" } else { "bh" };
    spec.people.change("policies/discount.policy.md", |text| {
        let row = text.lines().find(|line| line.starts_with("| finance ") && line.contains("| pool fpna "));
        let row = row.expect("the route of finance").to_owned();
        text.replacen(&row, &row.replacen("16bh", &format!("{hours}{unit}"), 1), 1)
    });
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
    spec.assigned.owner = Some(spec.fair_seat(first).await.owner);
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
    let seat = spec.fair_seat(spec.all[0]).await;
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
