//! What can be asked of the record of people, and the one function that answers.
//!
//! Who may, in one place: an identity provider says who is there and who is in which group, and nothing
//! else; people say who is away, each for themselves, and those of the pool that owns `people.md` for others.

use super::{
    ACCOUNT_BYTES_MAX, About, Actor, Away, Event, GROUP_MEMBERS_MAX, GROUPS_MAX, Group, MEMBERS_MAX, Member,
    NotRecorded, Register, Standing, absence,
};
use crate::id::{GroupId, IntentId, PersonId};
use crate::intent::kind::refused_character;
use crate::people::{CalendarName, Directory, MANAGERS_MAX};
use crate::time::Timestamp;
use std::collections::BTreeSet;

/// Something that is asked of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Put a person on record.
    Join {
        /// Who.
        person: PersonId,
        /// What the identity provider says.
        about: About,
        /// Whether they are there.
        standing: Active,
        /// Their calendar if `people.md` does not have them.
        calendar: Option<CalendarName>,
        /// Whether they are the person of this id if `people.md` has one.
        vouched: bool,
    },
    /// Say something else of a person on record.
    Change {
        /// Who.
        person: PersonId,
        /// What the identity provider says now.
        about: About,
        /// Whether they are there.
        standing: Active,
    },
    /// Delete a person: they leave for good.
    Delete {
        /// Who.
        person: PersonId,
    },
    /// Make a group.
    Form {
        /// The id that it gets.
        group: GroupId,
        /// Its name, and the identity provider's own id of it.
        named: (String, Option<String>),
        /// Who is in it.
        members: BTreeSet<PersonId>,
    },
    /// Change a group.
    Regroup {
        /// Which.
        group: GroupId,
        /// Its name, and the identity provider's own id of it.
        named: (String, Option<String>),
        /// Who is in it now.
        members: BTreeSet<PersonId>,
    },
    /// Delete a group.
    Disband {
        /// Which.
        group: GroupId,
    },
    /// Put an absence on record.
    Away(Away),
    /// End absences of a person: this one, or else those of today.
    Back {
        /// Whose.
        person: PersonId,
        /// Which of them.
        number: Option<u64>,
    },
}

/// Whether an identity provider has an account active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Active {
    /// It has.
    Yes,
    /// It has not: the person has left.
    No,
}

/// What an answer may look at beside the record.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Who asks.
    pub by: &'a Actor,
    /// The directory in force.
    pub directory: &'a Directory,
    /// What time it is.
    pub now: Timestamp,
    /// An open intent of whoever asks that waits for the person whom they send away.
    pub waits: Option<IntentId>,
}

impl Register {
    /// What a command causes; nothing if all of it is so already.
    ///
    /// # Errors
    /// [`NotRecorded`] if a rule says no.
    pub fn decide(&self, command: &Command, asked: Asked<'_>) -> Result<Vec<Event>, NotRecorded> {
        match (asked.by, command) {
            (Actor::Person(by), Command::Away(away)) => absence::away(self, by, away, asked),
            (Actor::Person(by), Command::Back { person, number }) => {
                absence::back(self, by, (person, *number), asked)
            }
            (Actor::Token(name), Command::Away(Away { person, .. }) | Command::Back { person, .. }) => {
                Err(NotRecorded::NotTheirs { by: name.clone(), person: person.clone() })
            }
            // INVARIANT: no door lets a person ask for this; should one, the answer is still no.
            (
                Actor::Person(by),
                Command::Join { person, .. } | Command::Change { person, .. } | Command::Delete { person },
            ) => Err(NotRecorded::NotTheirs { by: by.to_string(), person: person.clone() }),
            (
                Actor::Person(_),
                Command::Form { group, .. } | Command::Regroup { group, .. } | Command::Disband { group },
            ) => Err(NotRecorded::NoGroup(group.to_string())),
            (Actor::Token(_), Command::Join { person, .. })
                if asked.directory.machines.contains_key(person) =>
            {
                Err(NotRecorded::Joined(person.clone()))
            }
            (Actor::Token(_), Command::Join { person, about, standing, calendar, vouched }) => {
                self.join(person, about, *standing, (calendar.as_ref(), *vouched))
            }
            (Actor::Token(_), Command::Change { person, about, standing }) => {
                self.change(person, about, *standing)
            }
            (Actor::Token(_), Command::Delete { person }) => {
                self.member(person).ok_or_else(|| NotRecorded::NoMember(person.clone()))?;
                Ok(vec![Event::Deleted { person: person.clone() }])
            }
            (Actor::Token(_), Command::Form { group, named, members }) => {
                if GROUPS_MAX <= self.groups.len() {
                    return Err(NotRecorded::TooMany { what: "groups", most: GROUPS_MAX });
                }
                self.grouped(*group, named, members, None)
            }
            (Actor::Token(_), Command::Regroup { group, named, members }) => {
                let known = self.group(*group).ok_or_else(|| NotRecorded::NoGroup(group.to_string()))?;
                self.grouped(*group, named, members, Some(known))
            }
            (Actor::Token(_), Command::Disband { group }) => {
                self.group(*group).ok_or_else(|| NotRecorded::NoGroup(group.to_string()))?;
                Ok(vec![Event::Disbanded { group: *group }])
            }
        }
    }

    fn join(
        &self,
        person: &PersonId,
        about: &About,
        standing: Active,
        (calendar, vouched): (Option<&CalendarName>, bool),
    ) -> Result<Vec<Event>, NotRecorded> {
        match self.members.get(person).map(|member| member.standing) {
            Some(Standing::Deleted) => return Err(NotRecorded::IdSpent(person.clone())),
            Some(Standing::There | Standing::Left) => return Err(NotRecorded::Joined(person.clone())),
            None => {}
        }
        if MEMBERS_MAX <= self.members.len() {
            return Err(NotRecorded::TooMany { what: "people", most: MEMBERS_MAX });
        }
        self.fits(person, about)?;
        let (person, about, calendar) = (person.clone(), about.clone(), calendar.cloned());
        let left = Event::Left { person: person.clone() };
        let mut events = vec![Event::Joined { person, about, calendar, vouched }];
        if standing == Active::No {
            events.push(left);
        }
        Ok(events)
    }

    fn change(&self, person: &PersonId, about: &About, standing: Active) -> Result<Vec<Event>, NotRecorded> {
        let member = self.member(person).ok_or_else(|| NotRecorded::NoMember(person.clone()))?;
        let mut events = Vec::new();
        match (standing, member.is_there()) {
            (Active::No, true) => events.push(Event::Left { person: person.clone() }),
            (Active::Yes, false) => events.push(Event::Returned { person: person.clone() }),
            (Active::Yes, true) | (Active::No, false) => {}
        }
        if member.about == *about {
            return Ok(events);
        }
        match self.fits(person, about) {
            Ok(()) => events.push(Event::Changed { person: person.clone(), about: about.clone() }),
            // Nothing that is wrong with the rest of a change keeps a leaver in the house.
            Err(_) if standing == Active::No && member.is_there() => {}
            Err(refusal) => return Err(refusal),
        }
        Ok(events)
    }

    /// Whether this can be said of a person: names that are names, an account of their own, no circle.
    fn fits(&self, person: &PersonId, about: &About) -> Result<(), NotRecorded> {
        for name in std::iter::once(&about.user_name).chain(&about.external) {
            is_name(name)?;
        }
        let folded = about.folded();
        for (whose, other) in self.members.iter().filter(|(other, _)| *other != person) {
            let account = if other.about.folded() == folded {
                &about.user_name
            } else if other.account == about.account() {
                &other.account
            } else {
                continue;
            };
            return Err(NotRecorded::AccountTaken { account: account.clone(), whose: whose.clone() });
        }
        for name in [folded.as_str(), about.account()] {
            let whose = self.spent.get(name).filter(|whose| *whose != person);
            if let Some(whose) = whose {
                let (account, whose) = (name.to_owned(), whose.clone());
                return Err(NotRecorded::AccountTaken { account, whose });
            }
        }
        let mut above = about.manager.as_ref();
        for _ in 0..MANAGERS_MAX {
            match above {
                Some(manager) if manager == person => return Err(NotRecorded::Circle(person.clone())),
                Some(manager) => above = self.manager(manager),
                None => break,
            }
        }
        Ok(())
    }

    fn grouped(
        &self,
        group: GroupId,
        (name, external): &(String, Option<String>),
        members: &BTreeSet<PersonId>,
        known: Option<&Group>,
    ) -> Result<Vec<Event>, NotRecorded> {
        for name in std::iter::once(name).chain(external) {
            is_name(name)?;
        }
        if GROUP_MEMBERS_MAX < members.len() {
            return Err(NotRecorded::TooMany { what: "members of a group", most: GROUP_MEMBERS_MAX });
        }
        if self.groups.iter().any(|(other, there)| *other != group && there.name == *name) {
            return Err(NotRecorded::GroupTaken(name.clone()));
        }
        let empty = BTreeSet::new();
        let before = known.map_or(&empty, |known| &known.members);
        let mut added: Vec<PersonId> = members.difference(before).cloned().collect();
        if let Some(nobody) = added.iter().find(|person| self.member(person).is_none()) {
            return Err(NotRecorded::NoMember(nobody.clone()));
        }
        // Whoever has left is given nothing while they are gone: they would have it when they come back.
        added.retain(|person| self.member(person).is_some_and(Member::is_there));
        let removed: Vec<PersonId> = before.difference(members).cloned().collect();
        let same = known.is_some_and(|known| known.name == *name && known.external == *external);
        if same && added.is_empty() && removed.is_empty() {
            return Ok(Vec::new());
        }
        Ok(vec![Event::Grouped { group, name: name.clone(), external: external.clone(), added, removed }])
    }
}

/// Whether a text can be the name of an account or a group: shown on one line, it is what it seems.
fn is_name(name: &str) -> Result<(), NotRecorded> {
    let most = i64::try_from(ACCOUNT_BYTES_MAX).unwrap_or(i64::MAX);
    let plain = refused_character(name, most).is_none() && !name.contains(['\n', '\t']);
    let fits = !name.is_empty() && name.len() <= ACCOUNT_BYTES_MAX && name.trim() == name;
    if fits && plain { Ok(()) } else { Err(NotRecorded::NoName(name.chars().take(60).collect())) }
}
