//! An administrator puts a seat or an exception into other hands, where whoever has it cannot or must not. They
//! choose among those whom the house lets stand in anyway, never themselves, and see no more of the intent for it.

use super::{Context, Turn, seat, still, wrong_stage};
use crate::approval::command::Reassigned;
use crate::approval::event::{Actor, Event};
use crate::approval::hand::NotHanded;
use crate::approval::refusal::Refusal;
use crate::approval::seat::Handed;
use crate::approval::{Approval, Stage, rules};
use crate::exception::{Cause, Exception};
use crate::id::{ExceptionId, PersonId};
use crate::override_::NotOverridden;
use crate::people::{Directory, Duty};

pub(super) fn reassign(
    turn: &mut Turn<'_>,
    person: PersonId,
    revision: u32,
    (what, to): (Reassigned, PersonId),
    reason: String,
) -> Result<(), Refusal> {
    if !turn.context.rulebook.directory().has_duty(&person, Duty::Administrator) {
        return Err(NotHanded::NoAdministrator(person).into());
    }
    if rules::asked(turn.context.rulebook, &turn.approval.intent, &person) {
        return Err(Refusal::OwnIntent(person));
    }
    if let Some(intent) = turn.context.own_open {
        return Err(Refusal::OwnOpenIntent { person, intent });
    }
    still(turn, revision)?;
    if reason.trim().is_empty() {
        return Err(Refusal::ReasonMissing);
    }
    seat::review(turn, &Actor::Engine);
    match what {
        Reassigned::Seat { of } => {
            let (row, whose) = held(turn, &of)?;
            let deputies = without(&person, seat::deputies(turn, row, &whose));
            if !deputies.contains(&to) {
                return Err(NotHanded::NoDeputy { to, deputies }.into());
            }
            let handed = Handed { row, from: whose, to, until: None, by: Some(person.clone()) };
            turn.record(Actor::Person(person), Event::Handed { handed, reason });
            seat::review(turn, &Actor::Engine);
        }
        Reassigned::Exception { id } => {
            let found = open(turn, id)?;
            // Whoever did what it is about does not choose who looks at it.
            if found.barred.contains(&person) {
                return Err(NotOverridden::Own(person).into());
            }
            let owners = owners(turn, found);
            let owners = without(&person, owners);
            if !owners.contains(&to) {
                return Err(NotHanded::NoDeputy { to, deputies: owners }.into());
            }
            turn.record(Actor::Person(person), Event::ExceptionMoved { id, owner: to, reason });
        }
    }
    Ok(())
}

/// Whether a person could put something of it into other hands now.
#[must_use]
pub fn can_reassign(approval: &Approval, person: &PersonId, context: Context<'_>) -> bool {
    let directory = context.rulebook.directory();
    let asked = rules::asked(context.rulebook, &approval.intent, person);
    if asked || !directory.has_duty(person, Duty::Administrator) {
        return false;
    }
    let mut turn = Turn::new(context, approval.clone());
    seat::review(&mut turn, &Actor::Engine);
    let mut exceptions = turn.approval.exceptions.values().filter(|found| found.closed.is_none());
    let movable = |found: &Exception| {
        !found.barred.contains(person) && !without(person, owners(&turn, found)).is_empty()
    };
    if exceptions.any(movable) {
        return true;
    }
    let Stage::Seated { seats, .. } = &turn.approval.stage else { return false };
    let holders: Vec<PersonId> = seats.unfilled().flat_map(|(_, seat)| seat.eligible.clone()).collect();
    holders.iter().any(|holder| {
        let found = held(&turn, holder).ok();
        found.is_some_and(|(row, whose)| !without(person, seat::deputies(&turn, row, &whose)).is_empty())
    })
}

/// The seat in which somebody could decide, and whose it is: theirs, or that of whoever they stand in for.
fn held(turn: &Turn<'_>, holder: &PersonId) -> Result<(u32, PersonId), Refusal> {
    let Stage::Seated { seats, .. } = &turn.approval.stage else {
        return Err(wrong_stage("reassign", &turn.approval));
    };
    let theirs = seats
        .unfilled()
        .filter(|(_, seat)| seat.eligible.contains(holder) && !seat.approved.contains(holder));
    let theirs: Vec<(u32, PersonId)> =
        theirs.map(|(row, seat)| (row, seat.standing_in.get(holder).unwrap_or(holder).clone())).collect();
    // Of several the first that somebody else could have.
    let movable = theirs.iter().find(|(row, whose)| !seat::deputies(turn, *row, whose).is_empty());
    match movable.or(theirs.first()) {
        Some(found) => Ok(found.clone()),
        None => {
            let mut eligible: Vec<PersonId> =
                seats.unfilled().flat_map(|(_, seat)| seat.eligible.iter().cloned()).collect();
            eligible.sort();
            eligible.dedup();
            Err(Refusal::NoSeat { person: holder.clone(), eligible })
        }
    }
}

fn open<'a>(turn: &'a Turn<'_>, id: ExceptionId) -> Result<&'a Exception, Refusal> {
    let found = turn.approval.exceptions.get(&id).filter(|found| found.closed.is_none());
    found.ok_or(Refusal::UnknownException(id))
}

/// Who could answer for an exception: the pools that own the intent type and its connections, and who owns what
/// everybody missed, if they are there and may close it.
fn owners(turn: &Turn<'_>, exception: &Exception) -> Vec<PersonId> {
    let (rulebook, now, intent) = (turn.context.rulebook, turn.context.now, &turn.approval.intent);
    let directory: &Directory = rulebook.directory();
    let schema = rulebook.intent_type(&intent.intent_type);
    // Of a type that is not in the files any more nobody says whose it is: the owners of `people.md` are.
    let pools = schema.map_or(vec![&directory.owner], |schema| vec![&schema.owner, &schema.incident_owner]);
    let pools = pools.into_iter().filter_map(|name| directory.pool(name));
    let mut owners: Vec<PersonId> = pools.flat_map(|pool| pool.members.clone()).collect();
    owners.extend(schema.map(|schema| schema.fallback_owner.clone()));
    owners.sort();
    owners.dedup();
    owners.retain(|owner| {
        let there = directory.is_there(owner, &intent.intent_type, now);
        let free = !rules::asked(rulebook, intent, owner)
            && *owner != exception.owner
            && !exception.barred.contains(owner);
        // Nobody looks at what they let pass themselves.
        let looks = exception.cause != Cause::FailOpen || !turn.approval.voices.contains(owner);
        there && free && looks
    });
    owners
}

fn without(person: &PersonId, mut people: Vec<PersonId>) -> Vec<PersonId> {
    people.retain(|other| other != person);
    people
}
