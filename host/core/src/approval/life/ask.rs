//! Questions: whoever has a seat asks the requester, and the time of the seat stands still until the
//! answer, or until the requester's time is up.

use super::{Turn, requester_only, seat, vote, wrong_stage};
use crate::approval::event::{Actor, Event};
use crate::approval::question::NotAsked;
use crate::approval::refusal::Refusal;
use crate::approval::seat::{QUESTIONS_MAX, Question, Reply};
use crate::approval::{Stage, rules};
use crate::id::PersonId;
use crate::people::CalendarName;
use crate::policy::RouteRow;
use crate::time::{Millis, Timestamp};

pub(super) fn ask(
    turn: &mut Turn<'_>,
    person: PersonId,
    revision: u32,
    words: String,
) -> Result<(), Refusal> {
    seat::review(turn, &Actor::Engine);
    let row = vote::seat_of(turn, "ask", &person, revision)?;
    if words.trim().is_empty() {
        return Err(Refusal::ReasonMissing);
    }
    let Stage::Seated { seats, .. } = &turn.approval.stage else { return Ok(()) };
    if let Some((_, open)) = seats.awaited(row) {
        return Err(Refusal::Ask(NotAsked::Already(open.by.clone())));
    }
    if QUESTIONS_MAX <= seats.questions.len() {
        return Err(Refusal::Ask(NotAsked::Spent(QUESTIONS_MAX)));
    }
    requester_is_there(turn)?;
    let (Some(seat), Some(route)) = (seats.open.get(&row), seat::route_row(turn, row)) else { return Ok(()) };
    let (directory, now) = (turn.context.rulebook.directory(), turn.context.now);
    let left = match calendar(turn, &route, seat.missed) {
        Some(calendar) => directory.left(&route.within, &calendar, now, seat.due),
        None => seat.due.since(now),
    };
    // The requester has as long as the seat had, in their own hours.
    let requester = turn.approval.intent.behind(directory);
    let until = match directory.calendar_of(requester) {
        Some(calendar) => directory.due(&route.within, calendar, now),
        None => now.plus(route.within.length()),
    };
    turn.record(Actor::Person(person.clone()), Event::Asked { row, person, words, left, until });
    Ok(())
}

pub(super) fn answer(
    turn: &mut Turn<'_>,
    person: PersonId,
    revision: u32,
    question: Option<u32>,
    words: String,
) -> Result<(), Refusal> {
    let Stage::Seated { seats, .. } = &turn.approval.stage else {
        return Err(wrong_stage("answer", &turn.approval));
    };
    requester_only(turn, &person, revision)?;
    let open: Vec<(u32, u32, Millis)> = (1_u32..)
        .zip(&seats.questions)
        .filter_map(|(number, question)| Some((number, question.row, left_of(question)?)))
        .collect();
    let found = match (question, open.as_slice()) {
        (None, [only]) => Some(*only),
        (None, _) => None,
        (Some(wanted), _) => open.iter().find(|(number, ..)| *number == wanted).copied(),
    };
    let Some((question, row, left)) = found else {
        return Err(Refusal::NoQuestion { open: open.iter().map(|(number, ..)| *number).collect() });
    };
    if words.trim().is_empty() {
        return Err(Refusal::ReasonMissing);
    }
    let (due, remind) = runs_on(turn, row, left);
    turn.record(Actor::Person(person), Event::Answered { question, words, due, remind });
    Ok(())
}

/// Whether anybody could answer, or amend what was sent back.
pub(super) fn requester_is_there(turn: &Turn<'_>) -> Result<(), Refusal> {
    let directory = turn.context.rulebook.directory();
    let behind = turn.approval.intent.behind(directory);
    if directory.knows(behind) { Ok(()) } else { Err(Refusal::Ask(NotAsked::Left(behind.clone()))) }
}

/// Lets the time of every seat run on that waits for a requester who has left the house.
pub(super) fn give_up(turn: &mut Turn<'_>) {
    let Stage::Seated { seats, .. } = &turn.approval.stage else { return };
    let waiting: Vec<u32> =
        seats.unfilled().map(|(row, _)| row).filter(|row| seats.awaited(*row).is_some()).collect();
    if waiting.is_empty() || requester_is_there(turn).is_ok() {
        return;
    }
    waiting.into_iter().for_each(|row| unanswered(turn, row, |_| true));
}

/// Lets the time of a seat run on when the requester's time to answer is up.
pub(super) fn expire(turn: &mut Turn<'_>, row: u32) {
    let now = turn.context.now;
    unanswered(turn, row, |until| until <= now);
}

fn unanswered(turn: &mut Turn<'_>, row: u32, is_up: impl Fn(Timestamp) -> bool) {
    let Stage::Seated { seats, .. } = &turn.approval.stage else { return };
    let Some((index, Question { reply: Reply::Awaited { left, until }, .. })) = seats.awaited(row) else {
        return;
    };
    let (left, until) = (*left, *until);
    let Ok(question) = u32::try_from(index.saturating_add(1)) else { return };
    if is_up(until) {
        let (due, remind) = runs_on(turn, row, left);
        turn.record(Actor::Timer, Event::Unanswered { question, due, remind });
    }
}

fn left_of(question: &Question) -> Option<Millis> {
    match question.reply {
        Reply::Awaited { left, .. } => Some(left),
        Reply::Given(_) | Reply::Missing => None,
    }
}

/// When a seat is due whose time stood still and runs on now, and when its people are reminded.
fn runs_on(turn: &Turn<'_>, row: u32, left: Millis) -> (Timestamp, Option<Timestamp>) {
    let now = turn.context.now;
    let runs = seat::route_row(turn, row).and_then(|route| {
        let Stage::Seated { seats, .. } = &turn.approval.stage else { return None };
        let calendar = calendar(turn, &route, seats.open.get(&row)?.missed)?;
        let directory = turn.context.rulebook.directory();
        let due = directory.after(&route.within, &calendar, now, left);
        Some((due, Some(directory.reminds(&route.within, &calendar, now, left))))
    });
    // Nobody can fill the seat now: an exception with an owner is open, and plain hours do.
    runs.unwrap_or_else(|| (now.plus(left), None))
}

/// The calendar in which the time of a seat runs.
fn calendar(turn: &Turn<'_>, route: &RouteRow, missed: u32) -> Option<CalendarName> {
    let (rulebook, intent) = (turn.context.rulebook, &turn.approval.intent);
    let filled = rules::fill(rulebook, intent, seat::asked(route, missed), &[], turn.context.now)?;
    Some(filled.calendar)
}
