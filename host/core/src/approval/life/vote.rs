//! What people do: decide in their seats, withdraw, and let the time of a seat run out.

use super::{Turn, effect, settle, wrong_stage};
use crate::approval::command::Voice;
use crate::approval::event::{Actor, Event};
use crate::approval::refusal::Refusal;
use crate::approval::{Authority, Seat, Seats, Stage, rules};
use crate::effect::attempt::Detail;
use crate::exception::Cause;
use crate::id::PersonId;
use crate::policy::{Finally, RouteRow, Whom};
use crate::publish;
use crate::seal::Seal;
use crate::time::{Millis, Timestamp};

/// How long a held seat sleeps before it looks again whether its exception is still open.
const HELD_SEAT_DELAY: Millis = Millis::hours(1);

pub(super) fn decide(
    turn: &mut Turn<'_>,
    person: PersonId,
    revision: u32,
    seal: Option<Seal>,
    voice: Voice,
) -> Result<(), Refusal> {
    let (row, shown) = seat_of(turn, &person, revision, seal)?;
    match voice {
        Voice::Approve { note } => {
            confirm(turn)?;
            let event = Event::Voted { person: person.clone(), rows: vec![row], seal: shown, note };
            turn.record(Actor::Person(person), event);
            let Stage::Seated { seats, .. } = &turn.approval.stage else { return Ok(()) };
            if seats.are_filled() {
                let voices = seats.voices().cloned().collect();
                approve(turn, Authority::People(voices));
            } else {
                open_seats(turn);
            }
        }
        Voice::Decline { reason } => {
            if reason.trim().is_empty() {
                return Err(Refusal::ReasonMissing);
            }
            let authority = Authority::People(vec![person.clone()]);
            turn.record(Actor::Person(person), Event::Declined { authority, reason });
        }
    }
    Ok(())
}

/// A vote for a change of policy is for what still is what was shown.
fn confirm(turn: &Turn<'_>) -> Result<(), Refusal> {
    let Stage::Seated { case, .. } = &turn.approval.stage else { return Ok(()) };
    let Some(change) = &case.change else { return Ok(()) };
    publish::confirm(turn.context.rulebook, &turn.approval.intent, change, turn.context.now)
}

/// The row of the seat that this person may fill now, and the seal that stands.
fn seat_of(
    turn: &Turn<'_>,
    person: &PersonId,
    revision: u32,
    seal: Option<Seal>,
) -> Result<(u32, Seal), Refusal> {
    let intent = &turn.approval.intent;
    let Stage::Seated { case, seats } = &turn.approval.stage else {
        return Err(wrong_stage("decide", &turn.approval));
    };
    if !turn.context.rulebook.directory().knows(person) {
        return Err(Refusal::UnknownPerson(person.to_string()));
    }
    if &intent.requester == person {
        return Err(Refusal::OwnIntent(person.clone()));
    }
    if intent.revision != revision {
        return Err(Refusal::StaleRevision { found: revision, now: intent.revision });
    }
    if seal.is_some_and(|seen| seen != case.seal) {
        return Err(Refusal::StaleSeal);
    }
    if let Some(intent) = turn.context.own_open {
        return Err(Refusal::OwnOpenIntent { person: person.clone(), intent });
    }
    if case.expires < turn.context.now {
        return Err(Refusal::SealExpired);
    }
    if seats.voices().any(|voice| voice == person) {
        return Err(Refusal::AlreadyDecided(person.clone()));
    }
    let mut unfilled = seats.open.iter().filter(|(_, seat)| !seat.is_filled());
    match unfilled.clone().find(|(_, seat)| seat.eligible.contains(person)) {
        Some((row, _)) => Ok((*row, case.seal)),
        None => {
            let mut eligible: Vec<PersonId> =
                unfilled.by_ref().flat_map(|(_, seat)| seat.eligible.iter().cloned()).collect();
            eligible.sort();
            eligible.dedup();
            Err(Refusal::NoSeat { person: person.clone(), eligible })
        }
    }
}

pub(super) fn withdraw(turn: &mut Turn<'_>, person: PersonId, revision: u32) -> Result<(), Refusal> {
    match turn.approval.stage {
        Stage::Preparing { .. } | Stage::Unsettled { .. } | Stage::Seated { .. } => {}
        Stage::Executing { .. } | Stage::Closed(_) => return Err(wrong_stage("withdraw", &turn.approval)),
    }
    if turn.approval.intent.requester != person {
        return Err(Refusal::NotRequester(person));
    }
    if turn.approval.intent.revision != revision {
        return Err(Refusal::StaleRevision { found: revision, now: turn.approval.intent.revision });
    }
    turn.record(Actor::Person(person.clone()), Event::Withdrawn { by: person });
    Ok(())
}

/// Approves and lets the effects go; a policy becomes active in the same commit.
pub(super) fn approve(turn: &mut Turn<'_>, authority: Authority) {
    turn.record(Actor::Engine, Event::Approved { authority });
    if let Stage::Executing { case, .. } = &turn.approval.stage
        && let Some(change) = &case.change
    {
        let base = turn.context.rulebook.base_of(&change.of);
        let event = Event::Activated { policy: change.of.clone(), version: change.version, base };
        turn.record(Actor::Engine, event);
    }
    effect::close_if_settled(turn);
}

/// Opens every seat whose step has been reached: the first step of each route, then the next one
/// when all rows of the step before are filled.
pub(super) fn open_seats(turn: &mut Turn<'_>) {
    let Stage::Seated { seats, .. } = &turn.approval.stage else { return };
    for row in reached(seats) {
        open_seat(turn, row);
    }
}

/// Rows without a seat whose earlier steps are filled.
fn reached(seats: &Seats) -> Vec<u32> {
    let numbered = || (0_u32..).zip(&seats.rows);
    let filled = |row: u32| seats.open.get(&row).is_some_and(Seat::is_filled);
    numbered()
        .filter(|(row, _)| !seats.open.contains_key(row))
        .filter(|(_, wanted)| {
            numbered()
                .filter(|(_, other)| other.route == wanted.route && other.step < wanted.step)
                .all(|(row, _)| filled(row))
        })
        .map(|(row, _)| row)
        .collect()
}

fn open_seat(turn: &mut Turn<'_>, row: u32) {
    let Some(route) = route_row(turn, row) else { return };
    let seat = seat_for(turn, &route, &route.whom, 0);
    // Nobody can fill it: the backup is asked at once, and the operator's table names an owner.
    let backup = route.backup.first().cloned();
    match (seat, backup) {
        (Some(seat), _) => turn.record(Actor::Engine, Event::SeatOpened { row, seat }),
        (None, Some(backup)) => match seat_for(turn, &route, &backup, 1) {
            Some(seat) => turn.record(Actor::Engine, Event::SeatOpened { row, seat }),
            None => nobody(turn, &route),
        },
        (None, None) => nobody(turn, &route),
    }
}

fn nobody(turn: &mut Turn<'_>, route: &RouteRow) {
    // One exception is enough while it is open; closing it by a retry looks for people again.
    if settle::open_since(turn, Cause::NoSeat).is_some() {
        return;
    }
    let message =
        format!("nobody present and unconflicted can fill `{}` of route `{}`", route.whom, route.route);
    settle::open(turn, Cause::NoSeat, None, Detail::new("no-seat", message));
}

fn route_row(turn: &Turn<'_>, row: u32) -> Option<RouteRow> {
    let Stage::Seated { seats, .. } = &turn.approval.stage else { return None };
    seats.rows.get(usize::try_from(row).ok()?).cloned()
}

/// A seat for `whom`, if enough people can fill it.
fn seat_for(turn: &Turn<'_>, route: &RouteRow, whom: &Whom, missed: u32) -> Option<Seat> {
    let Stage::Seated { case, seats } = &turn.approval.stage else { return None };
    let conflicted = case.change.iter().flat_map(|change| &change.conflicted);
    let taken: Vec<PersonId> = seats.voices().chain(conflicted).cloned().collect();
    let (rulebook, now) = (turn.context.rulebook, turn.context.now);
    let filled = rules::fill(rulebook, &turn.approval.intent, whom, &route.within, &taken, now)?;
    let need = route.need.of(filled.eligible.len());
    if filled.eligible.len() < usize::try_from(need).unwrap_or(usize::MAX) {
        return None;
    }
    let (eligible, owner, due) = (filled.eligible, filled.owner, filled.due);
    Some(Seat { need, eligible, owner, due, missed, approved: Vec::new() })
}

pub(super) fn seat_due(turn: &mut Turn<'_>, row: u32) -> Result<(), Refusal> {
    let Stage::Seated { seats, .. } = &turn.approval.stage else {
        return Err(wrong_stage("seat-due", &turn.approval));
    };
    let Some(seat) = seats.open.get(&row).filter(|seat| !seat.is_filled() && seat.due <= turn.context.now)
    else {
        return Ok(());
    };
    let (missed, approved) = (seat.missed.saturating_add(1), seat.approved.clone());
    let Some(route) = route_row(turn, row) else { return Ok(()) };
    let backup = usize::try_from(missed.saturating_sub(1)).ok().and_then(|next| route.backup.get(next));
    if let Some(seat) = backup.and_then(|backup| seat_for(turn, &route, backup, missed)) {
        turn.record(Actor::Timer, Event::SeatOpened { row, seat: Seat { approved, ..seat } });
        return Ok(());
    }
    let message = format!("`{}` of route `{}` and its backups were missed", route.whom, route.route);
    match route.finally {
        Finally::Decline => {
            let event = Event::Declined { authority: Authority::Policy, reason: message };
            turn.record(Actor::Timer, event);
        }
        // Approval by time-out is a fail-open; until its two keys are built it holds.
        Finally::Hold | Finally::ApproveWithAudit => {
            let due = match settle::open_since(turn, Cause::Overdue) {
                Some(due) => due.max(turn.context.now.plus(HELD_SEAT_DELAY)),
                None => settle::open(turn, Cause::Overdue, None, Detail::new("overdue", message)),
            };
            hold_seat(turn, row, due, missed);
        }
    }
    Ok(())
}

/// The seat stays open beside the exception, and wakes again with it.
fn hold_seat(turn: &mut Turn<'_>, row: u32, due: Timestamp, missed: u32) {
    let Stage::Seated { seats, .. } = &turn.approval.stage else { return };
    let Some(seat) = seats.open.get(&row) else { return };
    let seat = Seat { due, missed, ..seat.clone() };
    turn.record(Actor::Timer, Event::SeatOpened { row, seat });
}
