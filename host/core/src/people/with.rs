//! The directory in force: what `people.md` says the house is, with those people in it whom the record has.

use super::register::Register;
use super::{Absence, Account, CalendarName, Directory, MANAGERS_MAX, Person, Pool, Standby};
use crate::id::PersonId;
use crate::intent::value::Day;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

impl Directory {
    /// This directory, as a file has it, with what is on record.
    ///
    /// - Whoever has left is in no pool, holds no role, stands by for and covers nobody, is told nothing and
    ///   manages nobody: their people report to whoever is above them. An emptied pool is no pool any more.
    /// - Whoever joined is a person, and in the pools that have groups of their name.
    /// - A machine for which nobody answers any more, or whose name is a person's by now, is none.
    /// - Where the file says something about a person, the file counts.
    #[must_use]
    pub fn with(&self, register: &Register) -> Directory {
        let house = House { file: self, register };
        let persons = house.persons();
        let there = |person: &PersonId| persons.contains_key(person);
        let pools = self.pools.iter().filter_map(|(name, pool)| {
            // Who may decide is the house's to say: a group fills a pool only where the file lets it.
            let open = self.groups.contains(name);
            let grouped = register.in_pool(name).filter(|_| open).into_iter().flatten();
            let mut members: Vec<PersonId> = Vec::new();
            for person in pool.members.iter().chain(grouped).filter(|person| there(person)) {
                if !members.contains(person) {
                    members.push(person.clone());
                }
            }
            // A group never makes a lead.
            let next = pool.members.iter().find(|person| there(person));
            let lead = if there(&pool.lead) { pool.lead.clone() } else { next?.clone() };
            Some((name.clone(), Pool { members, lead, ..pool.clone() }))
        });
        let standby = self.standby.iter().filter_map(|standby| {
            let people: Vec<PersonId> =
                standby.people.iter().filter(|person| there(person)).cloned().collect();
            // Whoever stands by for somebody who left goes on: the house said who takes that seat then.
            (!people.is_empty()).then(|| Standby { instead_of: standby.instead_of.clone(), people })
        });
        let recorded = register.absences().map(|(number, away)| Absence {
            by: register.recorder(number).cloned(),
            person: away.person.clone(),
            from: away.from,
            until: away.until,
            cover: away.cover.clone(),
            of: away.of.clone(),
        });
        let absence = self.absence.iter().cloned().chain(recorded).filter(|absence| there(&absence.person));
        let covered = absence.map(|absence| Absence { cover: absence.cover.filter(there), ..absence });
        let contacts = self.contacts.iter().filter(|(person, _)| there(person));
        let recorded = register.members().filter_map(|(person, member)| {
            // Who only has a name in common with somebody of the file does not sign in as them, nor anybody by an
            // account that the file says is, or was, another one's.
            let account = Account::parse(&member.account).ok()?;
            let is_theirs = member.vouched || !self.persons.contains_key(person);
            let filed = self.accounts.get(&account).is_none_or(|whose| whose == person);
            (is_theirs && filed).then(|| (account, person.clone()))
        });
        let filed = self.accounts.iter().map(|(account, person)| (account.clone(), person.clone()));
        // Where both name an account, the file counts.
        let accounts = recorded.chain(filed).filter(|(_, person)| there(person));
        let mut directory = Directory {
            owner: self.owner.clone(),
            calendar: self.calendar.clone(),
            groups: self.groups.clone(),
            pools: pools.collect(),
            rotations: self.rotations.clone(),
            roles: self.roles.clone().into_iter().filter(|(_, holder)| there(holder)).collect(),
            duties: self.duties.clone(),
            integrations: self.integrations.clone(),
            standby: standby.collect(),
            calendars: self.calendars.clone(),
            absence: covered.collect(),
            accounts: accounts.collect(),
            contacts: contacts.map(|(person, ways)| (person.clone(), ways.clone())).collect(),
            machines: self
                .machines
                .clone()
                .into_iter()
                .filter(|(machine, answers)| there(answers) && !there(machine))
                .collect(),
            persons,
        };
        // Who may cover is looked up anew: somebody who was a colleague may not decide for a role.
        let mut absence = std::mem::take(&mut directory.absence);
        for absence in absence.iter_mut().filter(|absence| absence.by.is_some()) {
            let may = directory.covers(&absence.person);
            absence.cover = absence.cover.take().filter(|cover| may.contains(cover));
        }
        directory.absence = absence;
        directory
    }

    /// Today, where a person lives.
    pub(super) fn today(&self, person: &PersonId, now: Timestamp) -> Day {
        let calendar = self.calendar_of(person).and_then(|name| self.calendars.get(name));
        calendar.and_then(|calendar| calendar.day(now)).unwrap_or_else(|| Day::at(now))
    }

    /// Who can cover for a person: whoever stands by for them or for a role of theirs, their manager, and, if
    /// they hold no role, whoever is in a pool with them. A role is never covered by a mere colleague.
    #[must_use]
    pub fn covers(&self, person: &PersonId) -> Vec<PersonId> {
        let roles: Vec<_> = self.roles.iter().filter(|(_, holder)| *holder == person).collect();
        let own = |standby: &&Standby| match &standby.instead_of {
            super::Whom::Person(whose) => whose == person,
            super::Whom::Role(role) => roles.iter().any(|(held, _)| *held == role),
            super::Whom::Pool(_)
            | super::Whom::Manager(_)
            | super::Whom::NamedIn(_)
            | super::Whom::OwnerOfPolicy => false,
        };
        let standby = self.standby.iter().filter(own).flat_map(|standby| standby.people.iter().cloned());
        let pools = self.pools.values().filter(|pool| roles.is_empty() && pool.members.contains(person));
        let colleagues = pools.flat_map(|pool| pool.members.iter().cloned());
        let mut covers: Vec<PersonId> = standby
            .chain(self.manager(person, 1))
            .chain(colleagues)
            .filter(|cover| cover != person)
            .collect();
        covers.sort();
        covers.dedup();
        covers.retain(|cover| self.knows(cover));
        covers
    }
}

/// A file and a record, before they are one directory.
struct House<'a> {
    file: &'a Directory,
    register: &'a Register,
}

impl House<'_> {
    /// Everybody who is in the house, each with a manager who is too.
    fn persons(&self) -> BTreeMap<PersonId, Person> {
        let joined = self
            .register
            .members()
            .filter(|(person, member)| member.is_there() && !self.file.persons.contains_key(*person));
        let calendar = |wanted: Option<&CalendarName>| {
            let known = wanted.filter(|name| self.file.calendars.contains_key(*name));
            known.unwrap_or(&self.file.calendar).clone()
        };
        let joined = joined.map(|(person, member)| (person.clone(), calendar(member.calendar.as_ref())));
        let stayed = self.file.persons.iter().filter(|(person, _)| !self.register.has_left(person));
        let stayed = stayed.map(|(person, known)| (person.clone(), known.calendar.clone()));
        let there: BTreeMap<PersonId, CalendarName> = stayed.chain(joined).collect();
        let mut managers: BTreeMap<PersonId, PersonId> = BTreeMap::new();
        for person in there.keys() {
            managers.extend(self.above(person, &there).map(|manager| (person.clone(), manager)));
        }
        // A file has no circle, so each has somebody of the record in it; whoever is found first there reports
        // to nobody, and is asked about like a head of the house.
        let circular: Vec<PersonId> =
            there.keys().filter(|person| !self.file.persons.contains_key(*person)).cloned().collect();
        for person in circular {
            if is_circle(&person, &managers) {
                managers.remove(&person);
            }
        }
        let person = |(person, calendar): (PersonId, CalendarName)| {
            let manager = managers.get(&person).cloned();
            (person, Person { manager, calendar })
        };
        there.into_iter().map(person).collect()
    }

    /// Whom the file, else the record, lets somebody report to.
    fn manager(&self, person: &PersonId) -> Option<&PersonId> {
        match self.file.persons.get(person) {
            Some(known) => known.manager.as_ref(),
            None => self.register.manager(person),
        }
    }

    /// The first one above a person who is there.
    fn above(&self, person: &PersonId, there: &BTreeMap<PersonId, CalendarName>) -> Option<PersonId> {
        let mut above = self.manager(person);
        for _ in 0..MANAGERS_MAX {
            match above {
                Some(manager) if manager == person => return None,
                Some(manager) if there.contains_key(manager) => return Some(manager.clone()),
                Some(manager) => above = self.manager(manager),
                None => return None,
            }
        }
        None
    }
}

/// Whether whoever is above a person reports to them in the end.
fn is_circle(person: &PersonId, managers: &BTreeMap<PersonId, PersonId>) -> bool {
    let mut seen: BTreeSet<&PersonId> = BTreeSet::new();
    let mut above = managers.get(person);
    while let Some(manager) = above {
        if manager == person {
            return true;
        }
        if !seen.insert(manager) {
            return false;
        }
        above = managers.get(manager);
    }
    false
}

/// Who answers in the place of somebody who has left: the first one above them who is there, else the lead
/// of the pool that owns the file, else anybody who leads a pool.
pub(crate) fn successor(
    person: &PersonId,
    file: &Directory,
    register: &Register,
    in_force: &Directory,
) -> PersonId {
    if in_force.knows(person) {
        return person.clone();
    }
    let house = House { file, register };
    let there = in_force.persons.iter().map(|(person, known)| (person.clone(), known.calendar.clone()));
    let above = house.above(person, &there.collect());
    let lead =
        || in_force.lead(&in_force.owner).or_else(|| in_force.pools.values().next().map(|pool| &pool.lead));
    let last = || lead().or_else(|| in_force.persons.keys().next()).cloned();
    above.or_else(last).unwrap_or_else(|| person.clone())
}
