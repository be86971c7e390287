//! A person: where they stand in the house, and whether they are there.

use countersign_core::id::PersonId;
use countersign_core::people::{Absence, Directory};
use countersign_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One person of the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PersonView {
    /// Their id.
    pub person: String,
    /// Whom they report to; nobody for the head of the house.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
    /// The calendar of their working hours.
    pub calendar: String,
    /// Pools they are in.
    pub pools: Vec<String>,
    /// Pools they lead: what nobody of these has claimed is theirs.
    pub leads: Vec<String>,
    /// Roles they hold.
    pub roles: Vec<String>,
    /// Absences of today, in their own calendar.
    pub away: Vec<AwayView>,
    /// For whom they are asked today.
    pub covers: Vec<String>,
}

/// An absence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AwayView {
    /// The last day.
    pub until: String,
    /// Who is asked instead.
    pub cover: String,
    /// For which intent type; absent if for all.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

impl PersonView {
    /// One person as they stand now.
    #[must_use]
    pub fn of(directory: &Directory, person: &PersonId, now: Timestamp) -> PersonView {
        let known = directory.persons.get(person);
        let pools = directory.pools.iter();
        let today = |absence: &&Absence| directory.is_today(absence, now);
        let away = directory.absence.iter().filter(|absence| absence.person == *person).filter(today);
        let covers = directory.absence.iter().filter(|absence| absence.cover == *person).filter(today);
        let roles = directory.roles.iter().filter(|(_, holder)| *holder == person);
        PersonView {
            person: person.to_string(),
            manager: known.and_then(|known| known.manager.as_ref()).map(ToString::to_string),
            calendar: known.map(|known| known.calendar.to_string()).unwrap_or_default(),
            pools: named(
                pools.clone().filter(|(_, pool)| pool.members.contains(person)).map(|(name, _)| name),
            ),
            leads: named(pools.filter(|(_, pool)| pool.lead == *person).map(|(name, _)| name)),
            roles: named(roles.map(|(name, _)| name)),
            away: away
                .map(|absence| AwayView {
                    until: absence.until.to_string(),
                    cover: absence.cover.to_string(),
                    of: absence.of.as_ref().map(ToString::to_string),
                })
                .collect(),
            covers: named(covers.map(|absence| &absence.person)),
        }
    }
}

fn named<'a, T: ToString + 'a>(names: impl Iterator<Item = &'a T>) -> Vec<String> {
    let mut names: Vec<String> = names.map(ToString::to_string).collect();
    names.dedup();
    names
}
