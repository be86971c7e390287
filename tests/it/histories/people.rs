//! People in the middle of a random life: who leaves, comes back, and is away, by the record that the host keeps.

use super::{History, PEOPLE, person};
use countersign_core::approval::Stage;
use countersign_core::approval::command::{Command, Voice};
use countersign_core::id::{IntentTypeName, PersonId};
use countersign_core::intent::value::Day;
use countersign_core::people::register::{
    About, Active, Actor, Asked, Away, Command as Ask, Entry, Register,
};
use std::sync::Arc;

/// Most people who have left at one time: the house goes on.
const GONE_MAX: usize = 4;

impl History<'_> {
    /// Somebody leaves, comes back, or says who is away. The host looks through everything open after that, and
    /// sometimes whoever it is about was quicker.
    pub(super) fn people(&mut self) {
        let who = self.concerned();
        let gone: Vec<PersonId> = self.leavers();
        let (by, asked) = match self.draw.below(10) {
            0..4 => self.away(&who),
            4..7 => {
                let numbers: Vec<u64> = self.register.absences().map(|(number, _)| number).collect();
                let number = (!numbers.is_empty() && self.draw.in_100(60)).then(|| *self.draw.of(&numbers));
                let own = self.register.absences().find(|(other, _)| Some(*other) == number);
                let whose = own.map_or(who.clone(), |(_, away)| away.person.clone());
                let by = if self.draw.in_100(80) { whose.clone() } else { self.anybody() };
                (Actor::Person(by), Ask::Back { person: whose, number })
            }
            7..9 if gone.len() < GONE_MAX => (provider(), self.account(&who, Active::No)),
            _ if gone.is_empty() => return,
            _ => (provider(), self.account(self.draw.of(&gone), Active::Yes)),
        };
        self.leaves_behind(&who, &asked);
        if !self.put_on_record(&by, &asked) {
            return;
        }
        if self.draw.in_100(30) {
            let voice = Voice::Approve { note: String::new() };
            let revision = self.approval.intent.revision;
            let command = Command::Decide { person: who.clone(), revision, seal: None, voice };
            let _ = self.give(who.as_str(), command);
        }
        let _ = self.give("engine", Command::Review);
    }

    /// Mostly somebody for whom something waits.
    fn concerned(&self) -> PersonId {
        let open = self.approval.exceptions.values().filter(|exception| exception.closed.is_none());
        let mut concerned: Vec<&PersonId> = open.map(|exception| &exception.owner).collect();
        if let Stage::Seated { seats, .. } = &self.approval.stage {
            concerned.extend(seats.unfilled().map(|(_, seat)| seat.answerable()));
            concerned.extend(seats.questions.iter().map(|_| &self.approval.intent.requester));
        }
        if concerned.is_empty() || self.draw.in_100(30) {
            return self.anybody();
        }
        (*self.draw.of(&concerned)).clone()
    }

    fn anybody(&self) -> PersonId {
        person(self.draw.of::<&str>(&PEOPLE))
    }

    fn leavers(&self) -> Vec<PersonId> {
        let left = self.register.members().filter(|(_, member)| !member.is_there());
        left.map(|(person, _)| person.clone()).collect()
    }

    /// From a day around today on, mostly covered by somebody who may.
    fn away(&self, who: &PersonId) -> (Actor, Ask) {
        let by = if self.draw.in_100(80) { who.clone() } else { self.anybody() };
        let days = |days: u64| i64::try_from(days).expect("it is small");
        let from = Day(Day::at(self.now).0 + days(self.draw.below(7)) - 3);
        let until = Day(from.0 + days(self.draw.below(5)));
        let covers = self.book.directory().covers(who);
        let cover = match self.draw.below(10) {
            0..7 if !covers.is_empty() => Some(self.draw.of(&covers).clone()),
            7..8 => Some(self.anybody()),
            _ => None,
        };
        let of = self.draw.of(&[None, None, Some("discount"), Some("refund")]);
        let of = of.map(|name| IntentTypeName::parse(name).expect("a name"));
        (Actor::Person(by), Ask::Away(Away { person: who.clone(), from, until, cover, of }))
    }

    /// What the identity provider says of somebody.
    fn account(&self, who: &PersonId, standing: Active) -> Ask {
        let about = About { user_name: format!("{who}@example.com"), external: None, manager: None };
        let person = who.clone();
        match self.register.member(who) {
            Some(_) => Ask::Change { person, about, standing },
            None => Ask::Join { person, about, standing, calendar: None, vouched: true },
        }
    }

    /// Puts it on record and in force, if no rule is against it and something changes.
    fn put_on_record(&mut self, by: &Actor, asked: &Ask) -> bool {
        let told = format!("{}: {by}: {asked:?}", self.now);
        let looks = Asked { by, directory: self.book.directory(), now: self.now, waits: None };
        let events = match self.register.decide(asked, looks) {
            Ok(events) if events.is_empty() => return false,
            Ok(events) => events,
            Err(refusal) => {
                self.story.push(format!("{told} -> {refusal}"));
                return false;
            }
        };
        self.story.push(told);
        match asked {
            Ask::Away(Away { cover, .. }) => {
                self.did("away");
                cover.iter().for_each(|_| self.did("covers"));
            }
            Ask::Back { .. } => self.did("back"),
            Ask::Join { person, standing: Active::No, .. }
            | Ask::Change { person, standing: Active::No, .. } => {
                self.left.insert(person.clone());
                self.did("left");
            }
            _ => self.did("returned"),
        }
        let mut register = Register::clone(&self.register);
        for event in events {
            register = register.after(&Entry { at: self.now, by: by.clone(), event });
        }
        self.register = Arc::new(register);
        self.book = self.house.clone().with_register(Arc::clone(&self.register));
        true
    }

    /// Counts what somebody has in hand who leaves.
    fn leaves_behind(&mut self, who: &PersonId, asked: &Ask) {
        let leaves = matches!(
            asked,
            Ask::Join { standing: Active::No, .. } | Ask::Change { standing: Active::No, .. }
        );
        if !leaves {
            return;
        }
        let mut exceptions = self.approval.exceptions.values().filter(|exception| exception.closed.is_none());
        let exception = exceptions.any(|exception| exception.owner == *who);
        let (mut seat, mut claim) = (false, false);
        if let Stage::Seated { seats, .. } = &self.approval.stage {
            seat = seats.unfilled().any(|(_, seat)| seat.eligible.contains(who));
            claim = seats.unfilled().any(|(_, seat)| seat.claims.iter().any(|claim| claim.by == *who));
        }
        let held = [("left a seat", seat), ("left a claim", claim), ("left an exception", exception)];
        held.into_iter().filter(|(_, held)| *held).for_each(|(name, _)| self.did(name));
    }

    fn did(&mut self, what: &'static str) {
        *self.deeds.entry(what).or_default() += 1;
    }
}

fn provider() -> Actor {
    Actor::Token("idp".to_owned())
}
