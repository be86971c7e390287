//! What moves no seat: comments, and reminding those who have not decided.

use super::{Turn, seat, wrong_stage};
use crate::approval::event::{Actor, Event};
use crate::approval::refusal::Refusal;
use crate::approval::{COMMENTS_MAX, Stage, rules};
use crate::id::PersonId;
use crate::time::Millis;

/// How long after a reminder the requester can ask for the next one.
const REMIND_EVERY: Millis = Millis::hours(4);

pub(super) fn comment(turn: &mut Turn<'_>, person: PersonId, words: String) -> Result<(), Refusal> {
    if let Stage::Closed(_) = turn.approval.stage {
        return Err(wrong_stage("comment", &turn.approval));
    }
    let directory = turn.context.rulebook.directory();
    if !directory.knows(directory.answering(&person)) {
        return Err(Refusal::UnknownPerson(person.to_string()));
    }
    if words.trim().is_empty() {
        return Err(Refusal::ReasonMissing);
    }
    if COMMENTS_MAX <= turn.approval.comments {
        return Err(Refusal::CommentsSpent(COMMENTS_MAX));
    }
    turn.record(Actor::Person(person), Event::Commented { words });
    Ok(())
}

/// The requester has everybody reminded whose voice is missing.
pub(super) fn remind(turn: &mut Turn<'_>, person: PersonId) -> Result<(), Refusal> {
    seat::review(turn, &Actor::Engine);
    let Stage::Seated { seats, .. } = &turn.approval.stage else {
        return Err(wrong_stage("remind", &turn.approval));
    };
    if !rules::is_requester(turn.context.rulebook, &turn.approval.intent, &person) {
        return Err(Refusal::NotRequester(person));
    }
    let again = turn.approval.reminded.map(|last| last.plus(REMIND_EVERY));
    if let Some(again) = again.filter(|again| turn.context.now < *again) {
        return Err(Refusal::RemindedLately(again));
    }
    // While the requester is asked, they are the one who is waited for.
    let rows: Vec<u32> =
        seats.unfilled().map(|(row, _)| row).filter(|row| seats.awaited(*row).is_none()).collect();
    if rows.is_empty() {
        return Err(Refusal::NobodyToRemind);
    }
    turn.record(Actor::Person(person), Event::Reminded { rows, next: Vec::new() });
    Ok(())
}

/// Reminds those whose seat has run for most of its time; whoever comes next is named with them.
pub(super) fn due(turn: &mut Turn<'_>, row: u32) {
    let (Some(seat), now) = (seat::unfilled(turn, row), turn.context.now) else { return };
    // Whose time is up needs no reminder: somebody else is asked.
    if seat.remind.is_some_and(|remind| remind <= now) && now < seat.due {
        let next = seat::asked_next(turn, row, &seat);
        turn.record(Actor::Timer, Event::Reminded { rows: vec![row], next });
    }
}
