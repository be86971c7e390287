//! Absences on record: who may say that somebody is away, on which days, and who covers.

use super::refusal::{TOO_MANY_ABSENCES, days};
use super::{ABSENCES_OF_ONE_MAX, Asked, Away, Event, NotRecorded, Register};
use crate::id::{IntentTypeName, PersonId};
use crate::intent::value::Day;
use crate::people::{Absence, Directory};

/// Puts an absence on record.
pub(super) fn away(
    register: &Register,
    by: &PersonId,
    away: &Away,
    asked: Asked<'_>,
) -> Result<Vec<Event>, NotRecorded> {
    let directory = asked.directory;
    may(directory, by, &away.person)?;
    // Whoever sends somebody else away gains nothing by it.
    if *by != away.person && (away.cover.as_ref() == Some(by) || asked.waits.is_some()) {
        return Err(NotRecorded::SelfDealing { by: by.clone(), intent: asked.waits });
    }
    let today = directory.today(&away.person, asked.now);
    days(away.from, away.until, today)?;
    let own = directory.absence.iter().filter(|absence| absence.person == away.person);
    if let Some(other) = own.clone().find(|absence| meets(absence, away)) {
        let (person, from, until) = (other.person.clone(), other.from, other.until);
        return Err(NotRecorded::Overlaps { person, from, until });
    }
    let recorded = register.absences().filter(|(_, other)| other.person == away.person);
    if ABSENCES_OF_ONE_MAX <= recorded.count() {
        return Err(TOO_MANY_ABSENCES);
    }
    if let Some(cover) = &away.cover {
        covers(directory, cover, away)?;
    }
    let number = register.numbered.saturating_add(1);
    Ok(vec![Event::Away { number, away: away.clone() }])
}

/// Ends the absence of this number, or those of today.
pub(super) fn back(
    register: &Register,
    by: &PersonId,
    (person, number): (&PersonId, Option<u64>),
    asked: Asked<'_>,
) -> Result<Vec<Event>, NotRecorded> {
    may(asked.directory, by, person)?;
    let today = asked.directory.today(person, asked.now);
    let own = register.absences().filter(|(_, away)| away.person == *person);
    let ended: Vec<(u64, &Away)> = match number {
        Some(number) => own.filter(|(other, _)| *other == number).collect(),
        None => own.filter(|(_, away)| away.from <= today && today <= away.until).collect(),
    };
    if ended.is_empty() {
        return Err(NotRecorded::NotAway(person.clone()));
    }
    if by != person && asked.waits.is_some() {
        return Err(NotRecorded::SelfDealing { by: by.clone(), intent: asked.waits });
    }
    // Whoever covers does not give the seats back by themselves to be rid of them, or to be seen out of it.
    if by != person && ended.iter().any(|(_, away)| away.cover.as_ref() == Some(by)) {
        return Err(NotRecorded::NotTheirs { by: by.to_string(), person: person.clone() });
    }
    Ok(ended.into_iter().map(|(number, _)| Event::Back { number }).collect())
}

/// Whether it is for `by` to say when `person` is away.
fn may(directory: &Directory, by: &PersonId, person: &PersonId) -> Result<(), NotRecorded> {
    if !directory.knows(person) {
        return Err(NotRecorded::NotThere(person.clone()));
    }
    let owns = || directory.pool(&directory.owner).is_some_and(|pool| pool.members.contains(by));
    if directory.knows(by) && (by == person || owns()) {
        return Ok(());
    }
    Err(NotRecorded::NotTheirs { by: by.to_string(), person: person.clone() })
}

fn covers(directory: &Directory, cover: &PersonId, away: &Away) -> Result<(), NotRecorded> {
    let covers = directory.covers(&away.person);
    if !covers.contains(cover) {
        return Err(NotRecorded::NoCover { cover: cover.clone(), covers });
    }
    // So covers never go round in a circle: whoever covers is there.
    let other = directory.absence.iter().filter(|absence| absence.person == *cover);
    match other.clone().find(|absence| meets(absence, away)) {
        Some(absence) => Err(NotRecorded::CoverAway { cover: cover.clone(), until: absence.until }),
        None => Ok(()),
    }
}

/// Whether two absences have a day and an intent type in common.
fn meets(absence: &Absence, away: &Away) -> bool {
    let one = |of: &Option<IntentTypeName>, other: &Option<IntentTypeName>| {
        of.is_none() || other.is_none() || of == other
    };
    let day = |from: Day, until: Day| absence.from <= until && from <= absence.until;
    one(&absence.of, &away.of) && day(away.from, away.until)
}
