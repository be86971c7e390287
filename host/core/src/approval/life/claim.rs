//! Claims: one member of a pool says that they will decide, so that two do not read the same case.

use super::{Turn, hand, seat, still, vote, wrong_stage};
use crate::approval::event::{Actor, Event};
use crate::approval::refusal::Refusal;
use crate::approval::seat::Claim;
use crate::approval::{Stage, rules};
use crate::id::PersonId;

pub(super) fn claim(turn: &mut Turn<'_>, person: PersonId, revision: u32) -> Result<(), Refusal> {
    seat::review(turn, &Actor::Engine);
    let row = vote::seat_of(turn, "claim", &person, revision)?;
    if let Some(own) = own(turn, row, &person) {
        return Err(Refusal::Claimed { by: own.by, until: own.until });
    }
    let until = seat::route_row(turn, row).and_then(|route| {
        let Stage::Seated { seats, .. } = &turn.approval.stage else { return None };
        let whom = seat::asked(&route, seats.open.get(&row)?.missed);
        rules::claim_ends(turn.context.rulebook, whom, turn.context.now)
    });
    let until = until.ok_or_else(|| Refusal::NothingToClaim(person.clone()))?;
    let claim = Claim { by: person.clone(), until };
    turn.record(Actor::Person(person), Event::Claimed { row, claim });
    Ok(())
}

pub(super) fn release(turn: &mut Turn<'_>, person: PersonId, revision: u32) -> Result<(), Refusal> {
    let Stage::Seated { seats, .. } = &turn.approval.stage else {
        return Err(wrong_stage("release", &turn.approval));
    };
    still(turn, revision)?;
    let held = |claims: &[Claim]| claims.iter().any(|claim| claim.by == person);
    let row = seats.unfilled().find(|(_, seat)| held(&seat.claims)).map(|(row, _)| row);
    let Some(row) = row else {
        // What somebody handed to them goes back too.
        return if hand::give_back(turn, &person) { Ok(()) } else { Err(Refusal::NotClaimed(person)) };
    };
    turn.record(Actor::Person(person.clone()), Event::Released { row, person, expired: false });
    Ok(())
}

/// Gives back the claims of a seat whose time is up.
pub(super) fn expire(turn: &mut Turn<'_>, row: u32) {
    let Stage::Seated { seats, .. } = &turn.approval.stage else { return };
    let claims = seats.open.get(&row).map(|seat| seat.claims.as_slice()).unwrap_or_default();
    let expired: Vec<PersonId> =
        claims.iter().filter(|claim| claim.until <= turn.context.now).map(|claim| claim.by.clone()).collect();
    for person in expired {
        turn.record(Actor::Timer, Event::Released { row, person, expired: true });
    }
}

fn own(turn: &Turn<'_>, row: u32, person: &PersonId) -> Option<Claim> {
    let Stage::Seated { seats, .. } = &turn.approval.stage else { return None };
    seats.open.get(&row)?.claims.iter().find(|claim| claim.by == *person).cloned()
}
