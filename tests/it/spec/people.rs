//! The steps of `people.feature`: an identity provider and people put on record who is there.

use super::{Spec, person};
use countersign_core::id::{GroupId, PersonId};
use countersign_core::intent::Day;
use countersign_core::people::register::{About, Active, Actor, Away, Command, Entry, Event, Register};
use countersign_engine::fault::Fault;
use countersign_engine::port::store::{Append, Batch, Store as _};
use cucumber::{given, then, when};
use std::collections::BTreeSet;

/// The only group of these features.
const GROUP: GroupId = GroupId::from_bits(1);

fn about(account: &str) -> About {
    About { user_name: format!("{account}@example.com"), external: None, manager: None }
}

fn join(name: &str, account: &str) -> Command {
    Command::Join {
        person: person(name),
        about: about(account),
        standing: Active::Yes,
        calendar: None,
        vouched: true,
    }
}

fn names(listed: &str) -> impl Iterator<Item = &str> {
    listed.split(", ")
}

/// `people.md` that lets groups fill pools.
fn open_groups(text: String) -> String {
    if text.contains("| groups ") {
        return text;
    }
    text.replacen("\n\n## Persons", "\n| groups | finance, billing, deal-desk |\n\n## Persons", 1)
}

impl Spec {
    /// Puts something on record; what is refused is remembered.
    pub(super) async fn put_on_record(&mut self, by: Actor, command: Command) {
        let ask = |_: &Register| Ok::<_, Fault>(command.clone());
        self.unrecorded = match self.engine().record(by, None, ask).await {
            Ok(_) => None,
            Err(Fault::People(refusal)) => Some(refusal.code().to_owned()),
            Err(fault) => panic!("{fault}"),
        };
        // What is refused changes nothing, and nobody looks at anything.
        if self.unrecorded.is_none() {
            self.let_review();
        }
    }

    async fn provider(&mut self, command: Command) {
        self.put_on_record(Actor::Token("idp".to_owned()), command).await;
    }

    async fn change(&mut self, listed: &str, standing: Active) {
        for name in names(listed) {
            let command = Command::Change { person: person(name), about: about(name), standing };
            self.provider(command).await;
            assert_eq!(self.unrecorded, None, "{name}");
        }
    }

    async fn regroup(&mut self, name: &str, members: BTreeSet<PersonId>) {
        self.save_people(open_groups);
        let named = (name.to_owned(), None);
        let known = self.engine().rulebook().register().group(GROUP).is_some();
        let command = if known {
            Command::Regroup { group: GROUP, named, members }
        } else {
            Command::Form { group: GROUP, named, members }
        };
        self.provider(command).await;
        assert_eq!(self.unrecorded, None);
    }
}

#[given(expr = "people have contacts, and so has {word}")]
fn contacts_and(spec: &mut Spec, name: String) {
    super::notices::have_contacts(spec);
    let row = format!("| {name} | mail | {name}@example.com |\n");
    spec.people.begin_with(|text| text.replacen("\n## Pools", &format!("{row}\n## Pools"), 1));
}

#[given(regex = r"^turns of (\d+) days in (\S+) begin on (\S+) with (.+)$")]
#[when(regex = r"^turns of (\d+) days in (\S+) begin on (\S+) with (.+)$")]
fn turns(spec: &mut Spec, days: u32, pool: String, from: String, order: String) {
    spec.save_people(|text| {
        let stays = text.lines().filter(|line| !line.starts_with(&format!("| {pool} | 2026-")));
        let text: String = stays.map(|line| format!("{line}\n")).collect();
        let head = "## Rotations\n\n| pool | from | days | order |\n|---|---|---|---|\n";
        let text = if text.contains(head) {
            text
        } else {
            text.replacen("## Roles", &format!("{head}\n## Roles"), 1)
        };
        text.replacen(head, &format!("{head}| {pool} | {from} | {days} | {order} |\n"), 1)
    });
}

#[then(expr = "{word} answers for the exception with cause {word}")]
async fn answers_for(spec: &mut Spec, name: String, cause: String) {
    let is_theirs = async || spec.open_exception(&cause).await.1 == person(&name);
    spec.in_the_end(&format!("the exception with cause {cause} is not {name}'s"), is_theirs).await;
}

#[when(expr = "the identity provider creates {word}")]
async fn creates(spec: &mut Spec, name: String) {
    spec.provider(join(&name, &name)).await;
}

#[when(regex = r"^the identity provider creates (\S+, .+)$")]
async fn creates_all(spec: &mut Spec, listed: String) {
    for name in names(&listed) {
        spec.provider(join(name, name)).await;
        assert_eq!(spec.unrecorded, None, "{name}");
    }
}

#[when(expr = "the identity provider creates {word} with the account of {word}")]
async fn creates_with(spec: &mut Spec, name: String, account: String) {
    spec.provider(join(&name, &account)).await;
}

#[when(regex = r"^the identity provider deactivates (.+)$")]
async fn deactivates(spec: &mut Spec, listed: String) {
    spec.change(&listed, Active::No).await;
}

#[when(expr = "the identity provider says that {word} reports to {word}")]
async fn reports(spec: &mut Spec, name: String, to: String) {
    let about = About { manager: Some(person(&to)), ..about(&name) };
    spec.provider(Command::Change { person: person(&name), about, standing: Active::Yes }).await;
}

#[when(expr = "the identity provider activates {word}")]
async fn activates(spec: &mut Spec, name: String) {
    spec.change(&name, Active::Yes).await;
}

#[when(expr = "the identity provider deletes {word}")]
async fn deletes(spec: &mut Spec, name: String) {
    spec.provider(Command::Delete { person: person(&name) }).await;
}

#[when(expr = "the identity provider has {word} in the group {word}")]
async fn groups(spec: &mut Spec, name: String, group: String) {
    let members = if name == "nobody" { BTreeSet::new() } else { BTreeSet::from([person(&name)]) };
    spec.regroup(&group, members).await;
}

#[when(expr = "another host puts {word} on record")]
async fn another_host(spec: &mut Spec, name: String) {
    let event = Event::Joined { person: person(&name), about: about(&name), calendar: None, vouched: true };
    let entry = Entry { at: spec.engine().now(), by: Actor::Token("idp".to_owned()), event };
    let entries = vec![entry.to_bytes().expect("it has a canonical form").into()];
    let append =
        Append { stream: "directory/1".into(), expected: 0, entries, errands: Vec::new(), row: None };
    spec.store.append(Batch { appends: vec![append], caller_key: None }).await.expect("it is kept");
}

#[when("a host with the same record starts again")]
fn starts_again(spec: &mut Spec) {
    let rulebook = spec.people.rulebook();
    spec.start(rulebook);
    spec.let_review();
}

#[when(expr = "{word} says that they are away from {word} until {word} and {word} covers")]
async fn says_away(spec: &mut Spec, name: String, from: String, until: String, cover: String) {
    let day = |text: &str| Day::parse(text).expect("a day");
    let (from, until, cover) = (day(&from), day(&until), Some(person(&cover)));
    let away = Away { person: person(&name), from, until, cover, of: None };
    spec.put_on_record(Actor::Person(person(&name)), Command::Away(away)).await;
    assert_eq!(spec.unrecorded, None);
}

#[when(expr = "{word} says that {word} is back")]
async fn says_back(spec: &mut Spec, by: String, name: String) {
    let command = Command::Back { person: person(&name), number: None };
    spec.put_on_record(Actor::Person(person(&by)), command).await;
    assert_eq!(spec.unrecorded, None);
}

#[then(expr = "the record refuses with {word}")]
fn refused(spec: &mut Spec, code: String) {
    assert_eq!(spec.unrecorded.as_deref(), Some(code.as_str()));
}
