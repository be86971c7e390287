//! Seats in other hands: delegated for a time, handed over for good, taken back. Whoever gets a seat is one
//! whom the house lets stand in anyway, never the requester, and cannot pass it on.

use super::{Context, Turn, seat, still, vote, wrong_stage};
use crate::approval::event::{Actor, Event};
use crate::approval::hand::NotHanded;
use crate::approval::refusal::Refusal;
use crate::approval::seat::Handed;
use crate::approval::{Approval, Stage};
use crate::id::PersonId;
use crate::time::{Millis, Timestamp};

/// Longest time for which a seat is delegated: longer is no absence but another route.
const DELEGATION_MAX: Millis = Millis::hours(90 * 24);

pub(super) fn hand(
    turn: &mut Turn<'_>,
    person: PersonId,
    revision: u32,
    (to, until): (PersonId, Option<Timestamp>),
    reason: String,
) -> Result<(), Refusal> {
    seat::review(turn, &Actor::Engine);
    let verb = if until.is_some() { "delegate" } else { "transfer" };
    let row = vote::seat_of(turn, verb, &person, revision)?;
    if reason.trim().is_empty() {
        return Err(Refusal::ReasonMissing);
    }
    let now = turn.context.now;
    let latest = now.plus(DELEGATION_MAX);
    if until.is_some_and(|until| until <= now || latest < until) {
        return Err(NotHanded::Time { latest }.into());
    }
    let Stage::Seated { seats, .. } = &turn.approval.stage else { return Ok(()) };
    let Some(seat) = seats.open.get(&row) else { return Ok(()) };
    if let Some(whose) = seat.standing_in.get(&person) {
        return Err(NotHanded::NotTheirs { person, whose: whose.clone() }.into());
    }
    let deputies = seat::deputies(turn, row, &person);
    if !deputies.contains(&to) {
        return Err(NotHanded::NoDeputy { to, deputies }.into());
    }
    let handed = Handed { row, from: person.clone(), to, until, by: None };
    turn.record(Actor::Person(person), Event::Handed { handed, reason });
    seat::review(turn, &Actor::Engine);
    Ok(())
}

/// To whom a person can hand the seat that they may decide in now; nobody if they may in none.
#[must_use]
pub fn deputies(approval: &Approval, person: &PersonId, context: Context<'_>) -> Vec<PersonId> {
    let mut turn = Turn::new(context, approval.clone());
    seat::review(&mut turn, &Actor::Engine);
    let revision = approval.intent.revision;
    let Ok(row) = vote::seat_of(&turn, "delegate", person, revision) else { return Vec::new() };
    let Stage::Seated { seats, .. } = &turn.approval.stage else { return Vec::new() };
    let stands_in = seats.open.get(&row).is_some_and(|seat| seat.standing_in.contains_key(person));
    if stands_in { Vec::new() } else { seat::deputies(&turn, row, person) }
}

/// Takes back everything of theirs that was handed over or asked for and is not decided: by whoever did it.
pub(super) fn recall(turn: &mut Turn<'_>, person: PersonId, revision: u32) -> Result<(), Refusal> {
    seat::review(turn, &Actor::Engine);
    let Stage::Seated { seats, .. } = &turn.approval.stage else {
        return Err(wrong_stage("recall", &turn.approval));
    };
    still(turn, revision)?;
    let now = turn.context.now;
    let open = |row: &u32| seats.open.get(row).is_some_and(|seat| !seat.is_filled());
    let theirs = |handed: &&Handed| {
        let seat = seats.open.get(&handed.row);
        let decided = seat.is_some_and(|seat| seat.approved.contains(&handed.to));
        let runs = handed.until.is_none_or(|until| now < until);
        handed.from == person && handed.by.is_none() && open(&handed.row) && runs && !decided
    };
    let handed: Vec<Handed> = seats.handed.iter().filter(theirs).cloned().collect();
    // What is taken back must complete nothing: whoever wanted the voice has not decided, and no other voice was
    // wanted beside it.
    let added = seats.added.iter().filter(|(row, added)| {
        let hangs_on = seats.added.values().any(|other| other.beside == **row && !other.is_gone);
        let decided = seats.voices().any(|voice| *voice == person);
        let given = decided || seats.is_settled(**row) || seats.is_settled(added.beside);
        added.by == person && !added.is_gone && !given && !hangs_on
    });
    let added: Vec<u32> = added.map(|(row, _)| *row).collect();
    if handed.is_empty() && added.is_empty() {
        return Err(NotHanded::Nothing(person).into());
    }
    for handed in handed {
        turn.record(Actor::Person(person.clone()), Event::Recalled { handed });
    }
    for row in added {
        turn.record(Actor::Person(person.clone()), Event::VoiceDropped { row });
    }
    seat::review(turn, &Actor::Engine);
    Ok(())
}

/// Gives a seat back to whoever handed it over; says whether there was one.
pub(super) fn give_back(turn: &mut Turn<'_>, person: &PersonId) -> bool {
    let Stage::Seated { seats, .. } = &turn.approval.stage else { return false };
    let held = seats.handed.iter().find(|handed| {
        let seat = seats.open.get(&handed.row).filter(|seat| !seat.is_filled());
        handed.to == *person && seat.is_some_and(|seat| seat.standing_in.get(person) == Some(&handed.from))
    });
    let Some(handed) = held.cloned() else { return false };
    turn.record(Actor::Person(person.clone()), Event::Recalled { handed });
    seat::review(turn, &Actor::Engine);
    true
}
