//! One approval under the shipped rules, moved by hand, and what is said about it.

use countersign_core::approval::command::{Command, Prepared, Target, Voice};
use countersign_core::approval::life::{self, Context};
use countersign_core::approval::refusal::Refusal;
use countersign_core::approval::{Approval, PlannedEffect};
use countersign_core::document::SourceFile;
use countersign_core::effect::attempt::{Answer, AttemptEnd, Detail, Ended, Guarantee, Receipt};
use countersign_core::effect::life::Denial;
use countersign_core::effect::plan::{Change, Proposal, WritePlan};
use countersign_core::hash::Digest;
use countersign_core::id::{BindingName, ConnectionName, EffectId, IntentId, IntentTypeName, PersonId};
use countersign_core::intent::{OnFailure, Raw};
use countersign_core::notice::words::{self, Message, Reached};
use countersign_core::record::{RecordRef, Value};
use countersign_core::rulebook::Rulebook;
use countersign_core::time::{Millis, Timestamp};
use countersign_tests::world::{root, source_files};

/// A Monday morning in New York.
const MORNING: &str = "2026-11-23T15:00:00Z";

/// Where people reach the host of these tests.
const HOST: &str = "https://countersign.example.com";

pub(super) fn person(name: &str) -> PersonId {
    PersonId::parse(name).expect("a person")
}

pub(super) fn text(value: &str) -> Raw {
    Raw::Text(value.to_owned())
}

fn map(members: Vec<(&str, Raw)>) -> Raw {
    Raw::Map(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// The shipped rules, in which these people have these contacts: `ae-1 mail`, `fpna-1 webhook`.
pub(super) fn rules(contacts: &[&str]) -> Rulebook {
    rules_with(contacts, "")
}

/// The same with these rows under `Absence`.
pub(super) fn rules_with(contacts: &[&str], absence: &str) -> Rulebook {
    let mut rows = String::from("## Contacts\n\n| person | by | address |\n|---|---|---|\n");
    for contact in contacts {
        let (who, by) = contact.split_once(' ').expect("a person and a way");
        let address = if by == "mail" { format!("{who}@example.com") } else { "chat".to_owned() };
        rows.push_str(&format!("| {who} | {by} | {address} |\n"));
    }
    let mut files: Vec<SourceFile> =
        source_files(&root().join("host/cli/starter")).expect("the starter files");
    for file in files.iter_mut().filter(|file| file.path == "intents/discount.intent.md") {
        file.text = file.text.replacen("| rounds ", "| break glass | role cro for 4h |\n| rounds ", 1);
    }
    for file in files.iter_mut().filter(|file| file.path == "people.md") {
        file.text = file.text.replacen("## Pools", &format!("{rows}\n## Pools"), 1);
        file.text.push_str(absence);
    }
    Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

/// What a discount of the shipped type says.
pub(super) fn discount(quote: &str, note: Option<&str>) -> Raw {
    let amount = map(vec![("amount", text("12000.00")), ("currency", text("USD"))]);
    let mut members = vec![
        ("quote_id", text(quote)),
        ("customer_id", text("A-1")),
        ("discount_percent", text("12%")),
        ("amount", amount),
        ("term_months", Raw::Integer(18)),
        ("payment_days", Raw::Integer(30)),
        ("reason", text("competitor")),
    ];
    members.extend(note.map(|note| ("note", text(note))));
    map(members)
}

/// An approval and the moment.
pub(super) struct House {
    pub(super) rulebook: Rulebook,
    pub(super) now: Timestamp,
    pub(super) approval: Approval,
}

impl House {
    /// `ae-1` asks for 12 % on a quote whose margin is so many percent.
    pub(super) fn asks(rulebook: Rulebook, margin: u32, tokens: &Raw, writes: Vec<PlannedEffect>) -> House {
        let now = Timestamp::from_rfc3339(MORNING).expect("a moment");
        let context = Context::new(&rulebook, now, 0);
        let turn = life::submit(context, IntentId::from_bits(7), "ae-1", "discount", tokens);
        let (_, approval) = turn.expect("it passes the door").into_parts();
        let name = IntentTypeName::parse("discount").expect("a name");
        let facts = map(vec![
            ("segment", text("smb")),
            ("margin", text(&format!("{margin}%"))),
            ("renewal", Raw::Bool(false)),
        ]);
        let schema = rulebook.intent_type(&name).expect("the type is there");
        let facts = schema.validate_facts(&facts).expect("they fit");
        let mut house = House { rulebook, now, approval };
        let prepared = Box::new(Prepared { facts, writes, ..Prepared::default() });
        house.give(Command::Prepare { revision: 1, prepared });
        house
    }

    pub(super) fn give(&mut self, command: Command) {
        self.try_give(command).expect("it is allowed");
    }

    pub(super) fn try_give(&mut self, command: Command) -> Result<(), Refusal> {
        let context = Context::new(&self.rulebook, self.now, 0);
        let turn = life::decide(&self.approval, command, context)?;
        self.approval = turn.into_parts().1;
        Ok(())
    }

    pub(super) fn votes(&mut self, who: &str) {
        let voice = Voice::Approve { note: String::new() };
        let revision = self.approval.intent.revision;
        self.give(Command::Decide { person: person(who), revision, seal: None, voice });
    }

    /// The one attempt at an effect ends like this, with this status of its one step.
    pub(super) fn attempted(&mut self, effect: EffectId, claim: Ended<Receipt>, status: u16) {
        let (settle, key_lifetime) = (Millis::seconds(30), Millis::hours(24));
        let target = Target {
            settle,
            unsettled_until: Timestamp(0),
            key_lifetime,
            set_back: Millis(0),
            restored: 0,
            denial: Denial::default(),
        };
        let steps = vec![countersign_tests::scripted::step(Answer::Answered { status })];
        let end = AttemptEnd { claim, steps, held_back: None };
        self.give(Command::Attempted { effect, end, began: self.now, target });
    }

    /// Lets time pass, and looks after one seat.
    pub(super) fn passes(&mut self, length: Millis, row: u32) {
        self.now = self.now.plus(length);
        self.give(Command::SeatDue { row });
    }

    /// Lets time pass, and looks after the exception that is open.
    pub(super) fn settles(&mut self, length: Millis) {
        self.now = self.now.plus(length);
        let open = self.approval.exceptions.iter().find(|(_, found)| found.closed.is_none());
        let id = open.map(|(id, _)| *id).expect("one is open");
        self.give(Command::ExceptionDue { id });
    }

    /// Takes everything off the list that is still to be sent, as if it had got through.
    pub(super) fn all_told(&mut self) {
        let open: Vec<u32> = self.approval.notices.open.keys().copied().collect();
        for notice in open {
            self.give(Command::Told { notice, detail: Detail::new("scripted", "by hand") });
        }
    }

    /// Who is to be told what, one line each in the order of the record.
    pub(super) fn to_tell(&self) -> Vec<String> {
        let open = self.approval.notices.open.values();
        open.map(|open| {
            let notice = &open.notice;
            format!("{} by {}: {}", notice.to, notice.by.way(), notice.about.words())
        })
        .collect()
    }

    /// The message to a person whose subject begins like this.
    pub(super) fn message(&self, to: &str, begins: &str) -> Message {
        let numbers = self.approval.notices.open.keys();
        let all: Vec<Message> = numbers
            .filter_map(|number| {
                words::message(
                    &self.approval,
                    *number,
                    &self.rulebook,
                    Reached { host: Some(HOST), links: None },
                )
            })
            .collect();
        let found =
            all.iter().find(|message| message.to.as_str() == to && message.subject.starts_with(begins));
        found.unwrap_or_else(|| panic!("nothing of `{begins}` for {to}: {all:#?}")).clone()
    }
}

/// One write of the shipped type.
pub(super) fn write(connection: &str, changes: &[(&str, Value, Value)]) -> PlannedEffect {
    let subject = RecordRef { kind: "quote".to_owned(), id: "Q-1".to_owned() };
    let change = |(name, before, after): &(&str, Value, Value)| Change {
        name: (*name).to_owned(),
        before: before.clone(),
        after: after.clone(),
    };
    PlannedEffect {
        effect: EffectId::from_digest(&Digest::of(connection.as_bytes())),
        binding: BindingName::parse(&format!("{connection}-price")).expect("a name"),
        connection: ConnectionName::parse(connection).expect("a name"),
        connector: Digest::of(b"connector"),
        target: Digest::of(b"target"),
        guarantee: Guarantee::ByKey,
        after: Vec::new(),
        on_failure: OnFailure::Hold,
        reversible: false,
        undoes: None,
        re_asserts: None,
        what: Proposal { operation: "set-price".to_owned(), subject: subject.clone(), fields: Vec::new() },
        plan: WritePlan {
            subject,
            revision: None,
            changes: changes.iter().map(change).collect(),
            remarks: Vec::new(),
        },
    }
}
