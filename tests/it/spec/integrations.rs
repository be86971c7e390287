//! The steps of `integrations.feature`: who looks after a connection beside the operators.

use super::{Spec, person, single_files};
use countersign_core::approval::command::Command;
use countersign_core::connection::Change;
use countersign_core::exception::Closure;
use countersign_core::id::ConnectionName;
use countersign_core::rulebook::Rulebook;
use countersign_engine::fault::Fault;
use cucumber::{given, then, when};

/// Everybody of this house who is not of the one that the other features have.
const PERSONS: [&str; 8] = [
    "operator-1",
    "operator-2",
    "integrator-1",
    "integrator-2",
    "bookkeeper-1",
    "bookkeeper-2",
    "auditor-1",
    "auditor-2",
];

/// Their pools: the name, and who is in it, the lead first.
const POOLS: [(&str, &str); 4] = [
    ("operators", "operator-1, operator-2"),
    ("integrators", "integrator-1, integrator-2, ae-1"),
    ("bookkeepers", "bookkeeper-1, bookkeeper-2"),
    ("auditors", "auditor-1, auditor-2"),
];

const SECTIONS: &str = "## Duties

| duty     | pool      |
|----------|-----------|
| operator | operators |
| auditor  | auditors  |

## Connections

| connection | integration owner |
|------------|-------------------|
| target     | integrators       |
| ledger     | bookkeepers       |

## Roles";

fn people(text: &str) -> String {
    let persons = PERSONS.map(|person| format!("| {person} | boss | |\n")).concat();
    let pool = |(name, members): (&str, &str)| {
        let lead = members.split(", ").next().unwrap_or_default();
        format!("| {name} | {members} | {lead} | always | 1h |\n")
    };
    text.replacen("\n## Pools", &format!("{persons}\n## Pools"), 1)
        .replacen("\n## Roles", &format!("{}\n## Roles", POOLS.map(pool).concat()), 1)
        .replacen("## Roles", SECTIONS, 1)
}

fn house(change: impl Fn(&str) -> String) -> Rulebook {
    let mut files = single_files();
    let file = files.iter_mut().find(|file| file.path == "people.md").expect("people");
    file.text = change(&people(&file.text));
    Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

impl Spec {
    async fn changes(&mut self, who: &str, change: Change) {
        let (connection, who) = (ConnectionName::parse("target").expect("a name"), person(who));
        let why = (&who, "the prices are wrong");
        self.refused = match self.engine().change_connection(&connection, &change, why, None).await {
            Ok(_) => None,
            Err(Fault::Connection(refused)) => Some(refused.code().to_owned()),
            Err(fault) => panic!("{fault}"),
        };
    }
}

#[given("a house in which target and ledger have integration owners")]
fn owned(spec: &mut Spec) {
    spec.start(house(str::to_owned));
}

#[when(expr = "{word} is none any more")]
fn none_any_more(spec: &mut Spec, name: String) {
    let rulebook = house(|text| text.replacen(&format!(", {name}, "), ", ", 1));
    assert!(spec.engine().replace_rulebook(&spec.engine().rulebook(), rulebook), "nobody else changes it");
}

#[when(expr = "{word} pauses the connection")]
async fn pauses(spec: &mut Spec, who: String) {
    spec.changes(&who, Change::Pause).await;
}

#[when(expr = "{word} lets the connection go on")]
async fn lets_go_on(spec: &mut Spec, who: String) {
    assert_eq!(spec.refused, None, "it is paused");
    spec.changes(&who, Change::Resume).await;
}

#[when(expr = "{word} closes the exception that pauses it by {word}")]
async fn closes_what_pauses(spec: &mut Spec, who: String, by: String) {
    let pausing = spec.paused().await.expect("an exception pauses it");
    spec.intent = Some(pausing.intent);
    let (person, by) = (person(&who), Closure::parse(&by).expect("a way to close it"));
    let reason = "the key is renewed".to_owned();
    spec.command(Command::CloseException { person, id: pausing.id, by, reason }).await;
}

#[when(expr = "{word} closes the exception of cause {word} by {word}")]
async fn closes(spec: &mut Spec, who: String, cause: String, by: String) {
    let (id, owner) = spec.open_exception(&cause).await;
    assert_ne!(owner, person(&who));
    let (person, by) = (person(&who), Closure::parse(&by).expect("a way to close it"));
    spec.command(Command::CloseException { person, id, by, reason: "it looks right".to_owned() }).await;
}

#[then(expr = "the record says that {word} closed it")]
async fn closed_by(spec: &mut Spec, who: String) {
    let approval = spec.approval().await;
    let closed = approval.exceptions.values().find_map(|exception| exception.closed.as_ref());
    assert_eq!(closed.expect("it is closed").person, Some(person(&who)));
}
