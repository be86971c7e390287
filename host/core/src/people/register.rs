//! People on record: who joined, left or is away, as an identity provider and the people themselves say.
//!
//! `people.md` says what the house is: its pools, roles, standbys and calendars. The record says who is in
//! it. Both together are the directory in force: see [`Directory::with`](super::Directory::with).
//!
//! An id is never used twice: whoever was deleted stays on record as somebody who has left.

mod absence;
mod command;
mod event;
mod refusal;

pub use command::{Active, Asked, Command};
pub use event::{Actor, Entry, Event};
pub use refusal::NotRecorded;

use super::CalendarName;
use crate::id::{GroupId, IntentTypeName, PersonId, PoolName};
use crate::intent::value::Day;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Most people on record, those who left among them: all of them are in memory.
pub const MEMBERS_MAX: usize = 20_000;
/// Most groups on record.
pub const GROUPS_MAX: usize = 1_000;
/// Most members of one group: they all stand in one entry of the log.
pub const GROUP_MEMBERS_MAX: usize = 5_000;
/// Most absences of one person that are not over.
pub const ABSENCES_OF_ONE_MAX: usize = 20;
/// Longest absence, and the furthest ahead that one begins, in days.
pub const ABSENCE_DAYS_MAX: i64 = 366;
/// Longest name of an account or a group, in bytes: a mail address fits.
pub const ACCOUNT_BYTES_MAX: usize = 256;
/// Days after which an absence that is over is forgotten: by then it is over in every zone.
const OVER_DAYS: i64 = 2;

/// Everybody on record, folded from the entries of the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Register {
    members: BTreeMap<PersonId, Arc<Member>>,
    groups: BTreeMap<GroupId, Arc<Group>>,
    absences: BTreeMap<u64, Recorded>,
    /// Every account and folded user name that ever was somebody's, and whose: none is another one's afterwards.
    spent: BTreeMap<String, PersonId>,
    /// Number of the last absence.
    numbered: u64,
}

/// What an identity provider says of a person. No more of a human is kept: the record is for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The name of their account.
    pub user_name: String,
    /// The identity provider's own id of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<String>,
    /// Whom they report to. It counts only for somebody whom `people.md` does not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<PersonId>,
}

/// A person on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The account that is this person: the identity provider's own id, else the user name. It stands once.
    pub account: String,
    /// What the identity provider says.
    pub about: About,
    /// Their calendar if `people.md` does not have them; `None` is the usual one of the file.
    pub calendar: Option<CalendarName>,
    /// Whether they are the person of this id if `people.md` has one; else the two only share a name.
    pub vouched: bool,
    /// Whether they are there.
    pub standing: Standing,
    /// When they were put on record.
    pub joined: Timestamp,
    /// When something about them was last changed.
    pub changed: Timestamp,
}

/// Whether a person on record is in the house.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// They are.
    There,
    /// They have left, and may come back.
    Left,
    /// They have left for good: the id is spent.
    Deleted,
}

/// People whom an identity provider put together. A group that is called as a pool is in that pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What it is called.
    pub name: String,
    /// The identity provider's own id of it.
    pub external: Option<String>,
    /// Who is in it.
    pub members: BTreeSet<PersonId>,
    /// When it was made.
    pub made: Timestamp,
    /// When it was last changed.
    pub changed: Timestamp,
}

/// A time in which a person is not asked, on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Away {
    /// Who.
    pub person: PersonId,
    /// First day, in the person's calendar.
    pub from: Day,
    /// Last day.
    pub until: Day,
    /// Who is asked instead; nobody once they have left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cover: Option<PersonId>,
    /// For which intent type; `None` is all.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub of: Option<IntentTypeName>,
}

/// An absence, and who put it on record.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Recorded {
    away: Away,
    by: Option<PersonId>,
}

impl About {
    /// The account: the identity provider's own id, else the user name.
    #[must_use]
    pub fn account(&self) -> &str {
        self.external.as_deref().unwrap_or(&self.user_name)
    }

    /// The user name as it is compared: whoever writes it otherwise means the same.
    #[must_use]
    pub fn folded(&self) -> String {
        self.user_name.to_lowercase()
    }
}

impl Member {
    /// Whether they are in the house.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.standing == Standing::There
    }
}

impl Register {
    /// A person on record who is not deleted.
    #[must_use]
    pub fn member(&self, person: &PersonId) -> Option<&Member> {
        self.members.get(person).map(AsRef::as_ref).filter(|member| member.standing != Standing::Deleted)
    }

    /// Everybody on record who is not deleted, by id.
    pub fn members(&self) -> impl Iterator<Item = (&PersonId, &Member)> {
        let all = self.members.iter().map(|(person, member)| (person, member.as_ref()));
        all.filter(|(_, member)| member.standing != Standing::Deleted)
    }

    /// Whether the record says that a person has left; `false` if it says nothing about them.
    #[must_use]
    pub fn has_left(&self, person: &PersonId) -> bool {
        self.members.get(person).is_some_and(|member| !member.is_there())
    }

    /// Whom the record lets a person report to, even if they have left.
    pub(crate) fn manager(&self, person: &PersonId) -> Option<&PersonId> {
        self.members.get(person)?.about.manager.as_ref()
    }

    /// One group.
    #[must_use]
    pub fn group(&self, group: GroupId) -> Option<&Group> {
        self.groups.get(&group).map(AsRef::as_ref)
    }

    /// Every group, by id.
    pub fn groups(&self) -> impl Iterator<Item = (GroupId, &Group)> {
        self.groups.iter().map(|(id, group)| (*id, group.as_ref()))
    }

    /// Who is in a pool by a group of its name.
    #[must_use]
    pub fn in_pool(&self, pool: &PoolName) -> Option<&BTreeSet<PersonId>> {
        self.groups.values().find(|group| group.name == pool.as_str()).map(|group| &group.members)
    }

    /// Absences that are not forgotten, each with its number.
    pub fn absences(&self) -> impl Iterator<Item = (u64, &Away)> {
        self.absences.iter().map(|(number, recorded)| (*number, &recorded.away))
    }

    /// Who put an absence on record.
    #[must_use]
    pub fn recorder(&self, number: u64) -> Option<&PersonId> {
        self.absences.get(&number)?.by.as_ref()
    }

    /// The register after one more entry. An entry that does not fit what is there changes nothing: the same
    /// entries give the same register for ever, whatever they say.
    #[must_use]
    pub fn after(mut self, entry: &Entry) -> Register {
        let at = entry.at;
        let today = Day::at(at).0;
        self.absences.retain(|_, recorded| today <= recorded.away.until.0.saturating_add(OVER_DAYS));
        match &entry.event {
            Event::Joined { person, about, calendar, vouched } => {
                self.spend(person, about);
                self.joined(person, about, (calendar.as_ref(), *vouched), at);
            }
            Event::Changed { person, about } => {
                self.spend(person, about);
                self.with_member(person, at, |member| {
                    about.account().clone_into(&mut member.account);
                    member.about = about.clone();
                });
            }
            Event::Left { person } => self.left(person, Standing::Left, at),
            Event::Deleted { person } => self.left(person, Standing::Deleted, at),
            Event::Returned { person } => {
                self.with_member(person, at, |member| member.standing = Standing::There);
            }
            Event::Grouped { group, name, external, added, removed } => {
                let known: Vec<PersonId> = added
                    .iter()
                    .filter(|person| self.member(person).is_some_and(Member::is_there))
                    .cloned()
                    .collect();
                let made = || Group {
                    name: String::new(),
                    external: None,
                    members: BTreeSet::new(),
                    made: at,
                    changed: at,
                };
                let group = Arc::make_mut(self.groups.entry(*group).or_insert_with(|| Arc::new(made())));
                group.name.clone_from(name);
                group.external.clone_from(external);
                for person in removed {
                    group.members.remove(person);
                }
                group.members.extend(known);
                group.changed = at;
            }
            Event::Disbanded { group } => {
                self.groups.remove(group);
            }
            Event::Away { number, away } => {
                self.numbered = self.numbered.max(*number);
                let by = match &entry.by {
                    Actor::Person(by) => Some(by.clone()),
                    Actor::Token(_) => None,
                };
                self.absences.insert(*number, Recorded { away: away.clone(), by });
            }
            Event::Back { number } => {
                self.absences.remove(number);
            }
        }
        self
    }

    /// Remembers whose the names of an account are, for ever.
    fn spend(&mut self, person: &PersonId, about: &About) {
        for name in [about.folded(), about.account().to_owned()] {
            self.spent.entry(name).or_insert_with(|| person.clone());
        }
    }

    fn joined(
        &mut self,
        person: &PersonId,
        about: &About,
        (calendar, vouched): (Option<&CalendarName>, bool),
        at: Timestamp,
    ) {
        // INVARIANT: an id is never used twice, whatever the log says.
        let member = || Member {
            account: about.account().to_owned(),
            about: about.clone(),
            calendar: calendar.cloned(),
            vouched,
            standing: Standing::There,
            joined: at,
            changed: at,
        };
        self.members.entry(person.clone()).or_insert_with(|| Arc::new(member()));
    }

    /// Whoever leaves takes nothing along: groups and absences must be given again.
    fn left(&mut self, person: &PersonId, standing: Standing, at: Timestamp) {
        if self.member(person).is_none() {
            return;
        }
        self.with_member(person, at, |member| member.standing = standing);
        for group in self.groups.values_mut().filter(|group| group.members.contains(person)) {
            Arc::make_mut(group).members.remove(person);
        }
        self.absences.retain(|_, recorded| recorded.away.person != *person);
        let covered = self.absences.values_mut().map(|recorded| &mut recorded.away);
        for away in covered.filter(|away| away.cover.as_ref() == Some(person)) {
            away.cover = None;
        }
    }

    fn with_member(&mut self, person: &PersonId, at: Timestamp, change: impl FnOnce(&mut Member)) {
        let known = self.members.get_mut(person).filter(|member| member.standing != Standing::Deleted);
        if let Some(member) = known {
            let member = Arc::make_mut(member);
            change(member);
            member.changed = at;
        }
    }
}

#[cfg(test)]
mod tests;
