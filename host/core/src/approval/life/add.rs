//! One more voice: somebody in a seat wants another person to decide too, before them or after.

use super::{Turn, override_, seat, vote};
use crate::approval::event::{Actor, Event};
use crate::approval::hand::NotHanded;
use crate::approval::refusal::Refusal;
use crate::approval::seat::{ADDED_MAX, Added, Handed, Order};
use crate::approval::{Stage, rules};
use crate::id::PersonId;
use crate::policy::{Finally, Need, RouteRow, Whom};

pub(super) fn voice(
    turn: &mut Turn<'_>,
    person: PersonId,
    revision: u32,
    (whom, order): (PersonId, Order),
    reason: String,
) -> Result<(), Refusal> {
    seat::review(turn, &Actor::Engine);
    let row = vote::seat_of(turn, "add-voice", &person, revision)?;
    if override_::is_pending(turn) {
        // Whoever overrides answers for it alone.
        return Err(Refusal::WrongStage { command: "add-voice", stage: "to be overridden" });
    }
    if reason.trim().is_empty() {
        return Err(Refusal::ReasonMissing);
    }
    let (Some(route), Stage::Seated { seats, .. }) = (seat::route_row(turn, row), &turn.approval.stage)
    else {
        return Ok(());
    };
    if ADDED_MAX <= seats.added.len() {
        return Err(NotHanded::VoicesSpent(ADDED_MAX).into());
    }
    let voiced = seats.open.get(&row).and_then(|seat| seat.approved.first());
    if let (Order::Before, Some(voice)) = (order, voiced) {
        return Err(NotHanded::TooLate(voice.clone()).into());
    }
    // Everybody who may decide somewhere already has their own say.
    let seated = seat::asked_anywhere(turn).contains(&whom);
    let taken = seat::taken(turn, None);
    let wanted = Whom::Person(whom.clone());
    let (rulebook, intent, now) = (turn.context.rulebook, &turn.approval.intent, turn.context.now);
    let filled = rules::fill(rulebook, intent, &wanted, &taken, now);
    // Whoever stands by for them is somebody else.
    let barred = taken.contains(&whom) || rules::asked(rulebook, intent, &whom);
    if seated || barred || filled.is_none() {
        return Err(NotHanded::NoVoice(whom).into());
    }
    let wanted = RouteRow { whom: wanted, need: Need::Count(1), finally: Finally::Hold, ..route };
    let by = Actor::Person(person.clone());
    turn.record(by, Event::VoiceAdded { by: person, beside: row, order, wanted, reason });
    seat::review(turn, &Actor::Engine);
    Ok(())
}

/// What people in seats settled between them holds for the next revision: an amendment takes no voice away,
/// unless its person has a seat of their own by it, and no deputy where the same seat is asked for.
pub(super) fn resume(turn: &mut Turn<'_>) {
    let Some(earlier) = turn.approval.earlier.clone() else { return };
    let same = |turn: &Turn<'_>, before: u32| {
        let Stage::Seated { seats, .. } = &turn.approval.stage else { return None };
        let before = earlier.seats.rows.get(usize::try_from(before).ok()?)?;
        (0_u32..).zip(&seats.rows).find(|(_, row)| *row == before).map(|(row, _)| row)
    };
    for (before, added) in earlier.seats.added.iter().filter(|(_, added)| !added.is_gone) {
        let Added { by, beside, order, .. } = added.clone();
        let wanted = usize::try_from(*before).ok().and_then(|before| earlier.seats.rows.get(before));
        let Some(wanted) = wanted.cloned() else { continue };
        // The seat that wanted it may not be asked for any more: then it is asked after another one.
        let (beside, order) = same(turn, beside).map_or((0, Order::After), |row| (row, order));
        let reason = format!("as for revision {}", earlier.intent.revision);
        let (own_seat, row) = (has_own_seat(turn, &wanted.whom), rows(turn));
        turn.record(Actor::Engine, Event::VoiceAdded { by, beside, order, wanted, reason });
        if let Some(row) = row.filter(|_| own_seat) {
            // They are asked for themselves by now.
            turn.record(Actor::Engine, Event::VoiceDropped { row });
        }
    }
    for handed in earlier.seats.handed.clone() {
        let goes_on = handed.until.is_none_or(|until| turn.context.now < until);
        if let Some(row) = same(turn, handed.row).filter(|_| goes_on) {
            let reason = format!("as for revision {}", earlier.intent.revision);
            turn.record(Actor::Engine, Event::Handed { handed: Handed { row, ..handed }, reason });
        }
    }
}

/// Whether whoever an added voice asks has a seat of their own in this revision.
fn has_own_seat(turn: &Turn<'_>, whom: &Whom) -> bool {
    match whom {
        Whom::Person(person) => seat::asked_anywhere(turn).contains(person),
        Whom::Pool(_) | Whom::Role(_) | Whom::Manager(_) | Whom::NamedIn(_) | Whom::OwnerOfPolicy => false,
    }
}

/// The index of the next row.
fn rows(turn: &Turn<'_>) -> Option<u32> {
    let Stage::Seated { seats, .. } = &turn.approval.stage else { return None };
    u32::try_from(seats.rows.len()).ok()
}
