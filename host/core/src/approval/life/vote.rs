//! What people decide: yes or no in their seats, and the requester's way back.

use super::{Turn, effect, override_, requester_only, seat, settle, still, wrong_stage};
use crate::approval::command::Voice;
use crate::approval::event::{Actor, Event};
use crate::approval::refusal::Refusal;
use crate::approval::{Authority, Stage, rules};
use crate::exception::Cause;
use crate::going_live;
use crate::id::PersonId;
use crate::publish;
use crate::seal::Seal;
use crate::shared_change;

pub(super) fn decide(
    turn: &mut Turn<'_>,
    person: PersonId,
    revision: u32,
    seal: Option<Seal>,
    voice: Voice,
) -> Result<(), Refusal> {
    seat::review(turn, &Actor::Engine);
    let row = seat_of(turn, "decide", &person, revision)?;
    let shown = still_shown(turn, "decide", seal)?;
    match voice {
        Voice::Approve { note } => {
            confirm(turn)?;
            override_::may_confirm(turn, &person)?;
            let event = Event::Voted { person: person.clone(), rows: vec![row], seal: shown, note };
            turn.record(Actor::Person(person), event);
            // Whoever has decided here can fill no other seat.
            seat::review(turn, &Actor::Engine);
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

/// A vote for what the host itself does is for what still is what was shown, and one for a trial is for a draft.
fn confirm(turn: &Turn<'_>) -> Result<(), Refusal> {
    going_live::still_tried(turn.context.rulebook, &turn.approval.intent)?;
    let Stage::Seated { case, .. } = &turn.approval.stage else { return Ok(()) };
    if let Some(seen) = &case.readiness {
        going_live::admit(turn.context.rulebook, &turn.approval.intent)?;
        return going_live::confirm(seen, turn.context.ready);
    }
    if let Some(seen) = &case.shared {
        return shared_change::confirm(turn.context.rulebook, &turn.approval.intent, seen, turn.context.now);
    }
    let Some(change) = &case.change else { return Ok(()) };
    publish::confirm(turn.context.rulebook, &turn.approval.intent, change, turn.context.now)
}

/// The seal that stands, if it is the one that was shown and has not ended.
pub(super) fn still_shown(
    turn: &Turn<'_>,
    command: &'static str,
    seal: Option<Seal>,
) -> Result<Seal, Refusal> {
    let Stage::Seated { case, .. } = &turn.approval.stage else {
        return Err(wrong_stage(command, &turn.approval));
    };
    if seal.is_some_and(|seen| seen != case.seal) {
        return Err(Refusal::StaleSeal);
    }
    if case.expires < turn.context.now {
        return Err(Refusal::SealExpired);
    }
    Ok(case.seal)
}

/// The row of the seat that this person may act in now. It must have been looked up who may.
///
/// # Errors
/// Why they may not: every door asks through here.
pub(super) fn seat_of(
    turn: &Turn<'_>,
    command: &'static str,
    person: &PersonId,
    revision: u32,
) -> Result<u32, Refusal> {
    let intent = &turn.approval.intent;
    let Stage::Seated { seats, .. } = &turn.approval.stage else {
        return Err(wrong_stage(command, &turn.approval));
    };
    if !turn.context.rulebook.directory().knows(person) {
        return Err(Refusal::UnknownPerson(person.to_string()));
    }
    if rules::asked(turn.context.rulebook, intent, person) {
        return Err(Refusal::OwnIntent(person.clone()));
    }
    still(turn, revision)?;
    if let Some(intent) = turn.context.own_open {
        return Err(Refusal::OwnOpenIntent { person: person.clone(), intent });
    }
    if seats.voices().any(|voice| voice == person) {
        return Err(Refusal::AlreadyDecided(person.clone()));
    }
    let theirs = seats.unfilled().filter(|(_, seat)| seat.eligible.contains(person));
    if let Some((row, _)) = theirs.clone().find(|(_, seat)| seat.is_free_for(person)) {
        return Ok(row);
    }
    if let Some(claim) = theirs.into_iter().find_map(|(_, seat)| seat.claims.first()) {
        return Err(Refusal::Claimed { by: claim.by.clone(), until: claim.until });
    }
    let mut eligible: Vec<PersonId> =
        seats.unfilled().flat_map(|(_, seat)| seat.eligible.iter().cloned()).collect();
    eligible.sort();
    eligible.dedup();
    Err(Refusal::NoSeat { person: person.clone(), eligible })
}

pub(super) fn withdraw(turn: &mut Turn<'_>, person: PersonId, revision: u32) -> Result<(), Refusal> {
    match turn.approval.stage {
        Stage::Preparing { .. } | Stage::Unsettled { .. } | Stage::Returned { .. } | Stage::Seated { .. } => {
        }
        Stage::Executing { .. } | Stage::Closed(_) => return Err(wrong_stage("withdraw", &turn.approval)),
    }
    requester_only(turn, &person, revision)?;
    turn.record(Actor::Person(person.clone()), Event::Withdrawn { by: person });
    Ok(())
}

/// Approves and lets the effects go; a policy or a shared file becomes active in the same commit.
pub(super) fn approve(turn: &mut Turn<'_>, authority: Authority) {
    // Whatever people and rows said of it, the rest was never evaluated.
    let authority = match (turn.approval.failed_open, authority) {
        (Some(_), Authority::Policy) => Authority::FailOpen(Vec::new()),
        (Some(_), Authority::People(people)) => Authority::FailOpen(people),
        (_, authority) => authority,
    };
    turn.record(Actor::Engine, Event::Approved { authority });
    for cause in [Cause::NoSeat, Cause::Overdue, Cause::Rounds] {
        settle::met(turn, cause, "it is approved");
    }
    if let Stage::Executing { case, .. } = &turn.approval.stage
        && let Some(change) = &case.change
    {
        let base = turn.context.rulebook.base_of(&change.of);
        let event = Event::Activated { policy: change.of.clone(), version: change.version, base };
        turn.record(Actor::Engine, event);
    }
    if let Stage::Executing { case, .. } = &turn.approval.stage
        && let Some(seen) = &case.shared
    {
        let base = turn.context.rulebook.file_base(&seen.file);
        let event = Event::FilePublished { file: seen.file.clone(), version: seen.version, base };
        turn.record(Actor::Engine, event);
    }
    if let Stage::Executing { case, .. } = &turn.approval.stage
        && let Some(seen) = &case.readiness
    {
        let event = Event::WentLive { of: seen.of.clone(), shape: seen.shape, trial: seen.trial };
        turn.record(Actor::Engine, event);
    }
    effect::close_if_settled(turn);
}
