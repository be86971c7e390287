//! A person: where they stand in the house, whether they are there, and who says so.

use countersign_core::id::PersonId;
use countersign_core::people::register::Register;
use countersign_core::people::{Absence, Duty};
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a person is shown from.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// The people in force, those of the file and those on record.
    pub rulebook: &'a Rulebook,
    /// What time it is.
    pub now: Timestamp,
}

/// One person of the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonView {
    /// Their id.
    pub person: String,
    /// Who says that they are there; where the file says something about them, the file counts.
    #[serde(default)]
    pub from: Vec<SourceView>,
    /// Whom they report to; nobody for the head of the house.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
    /// The calendar of their working hours.
    pub calendar: String,
    /// Pools they are in.
    pub pools: Vec<String>,
    /// Those of the pools that they are in by a group on record, and not by the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pools_by_group: Vec<String>,
    /// Pools they lead: what nobody of these has claimed is theirs.
    pub leads: Vec<String>,
    /// Roles they hold.
    pub roles: Vec<String>,
    /// What they do for the house beside deciding: auditor, operator, administrator.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub duties: Vec<String>,
    /// Machines for which they answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub machines: Vec<String>,
    /// Absences of today, in their own calendar.
    pub away: Vec<AwayView>,
    /// Absences to come.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ahead: Vec<AwayView>,
    /// For whom they are asked today.
    pub covers: Vec<String>,
}

/// Who says something about people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SourceView {
    /// The file `people.md`.
    File,
    /// The record: an identity provider, or people by command.
    Record,
}

/// An absence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AwayView {
    /// The first day.
    #[serde(default)]
    pub from: String,
    /// The last day.
    pub until: String,
    /// Who is asked instead; nobody if whoever was to has left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cover: Option<String>,
    /// For which intent type; absent if for all.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// The number by which it can be ended, if it is on record; one of the file ends there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absence: Option<u64>,
}

impl PersonView {
    /// One person as they stand now.
    #[must_use]
    pub fn of(sources: Sources<'_>, person: &PersonId) -> PersonView {
        let Sources { rulebook, now } = sources;
        let (directory, house, register) = (rulebook.directory(), rulebook.house(), rulebook.register());
        let known = directory.persons.get(person);
        let pools = directory.pools.iter();
        let today = |absence: &&Absence| directory.is_today(absence, now);
        let own = directory.absence.iter().filter(|absence| absence.person == *person);
        let covers =
            directory.absence.iter().filter(|absence| absence.cover.as_ref() == Some(person)).filter(today);
        let roles = directory.roles.iter().filter(|(_, holder)| *holder == person);
        let machines = directory.machines.iter().filter(|(_, answers)| *answers == person);
        let by_file = [house.knows(person).then_some(SourceView::File)];
        let by_record = [register.member(person).map(|_| SourceView::Record)];
        let in_file = |name| house.pool(name).is_some_and(|pool| pool.members.contains(person));
        let own_pools = pools.clone().filter(|(_, pool)| pool.members.contains(person)).map(|(name, _)| name);
        PersonView {
            person: person.to_string(),
            from: by_file.into_iter().chain(by_record).flatten().collect(),
            manager: known.and_then(|known| known.manager.as_ref()).map(ToString::to_string),
            calendar: known.map(|known| known.calendar.to_string()).unwrap_or_default(),
            pools: named(own_pools.clone()),
            pools_by_group: named(own_pools.filter(|name| !in_file(name))),
            leads: named(pools.filter(|(_, pool)| pool.lead == *person).map(|(name, _)| name)),
            roles: named(roles.map(|(name, _)| name)),
            duties: named(Duty::ALL.iter().filter(|duty| directory.has_duty(person, **duty))),
            machines: named(machines.map(|(machine, _)| machine)),
            away: own.clone().filter(today).map(|absence| AwayView::of(absence, register)).collect(),
            ahead: own
                .filter(|absence| directory.is_ahead(absence, now))
                .map(|absence| AwayView::of(absence, register))
                .collect(),
            covers: named(covers.map(|absence| &absence.person)),
        }
    }
}

impl AwayView {
    fn of(absence: &Absence, register: &Register) -> AwayView {
        let recorded = register.absences().find(|(_, away)| {
            away.person == absence.person && away.from == absence.from && away.of == absence.of
        });
        AwayView {
            from: absence.from.to_string(),
            until: absence.until.to_string(),
            cover: absence.cover.as_ref().map(ToString::to_string),
            of: absence.of.as_ref().map(ToString::to_string),
            absence: recorded.map(|(number, _)| number),
        }
    }
}

fn named<'a, T: ToString + 'a>(names: impl Iterator<Item = &'a T>) -> Vec<String> {
    let mut names: Vec<String> = names.map(ToString::to_string).collect();
    names.dedup();
    names
}
