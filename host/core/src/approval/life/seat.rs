//! Seats in time: opened when their step is reached, looked up again when people change, moved to a
//! backup when they are missed.

use super::settle::Opening;
use super::{Turn, ask, carry, claim, override_, renew, settle, talk, vote, wrong_stage};
use crate::approval::event::{Actor, Event};
use crate::approval::refusal::Refusal;
use crate::approval::rules::{self, About};
use crate::approval::seat::{Because, Gone, Seat, Seats, weigh};
use crate::approval::{Authority, Stage};
use crate::effect::attempt::Detail;
use crate::exception::{Cause, Exception};
use crate::hash::Digest;
use crate::id::PersonId;
use crate::people::Filled;
use crate::policy::{Finally, Need, Outcome, RouteRow, Whom, Within};
use crate::time::{Millis, Timestamp};
use std::collections::BTreeMap;

/// Working time that whoever is given a seat of a fair pool must have until it is due.
const ASSIGNED_TIME: Millis = Millis::hours(1);
/// That the hours count in which a calendar is open.
const OPEN_HOURS: Within = Within::BusinessHours(1);

/// How long a held seat sleeps before it looks again whether its exception is still open.
const HELD_SEAT_DELAY: Millis = Millis::hours(1);

/// Opens every seat whose step has been reached: the first step of each route, then the next one
/// when all rows of the step before are filled.
fn open(turn: &mut Turn<'_>) {
    loop {
        let Stage::Seated { seats, .. } = &turn.approval.stage else { return };
        let (before, rows) = (seats.open.len(), reached(seats));
        for row in rows {
            open_row(turn, row);
        }
        // A seat whose voices are carried over is filled at once, and the next step is reached.
        let Stage::Seated { seats, .. } = &turn.approval.stage else { return };
        if seats.open.len() == before {
            return;
        }
    }
}

/// Rows without a seat whose earlier steps are filled.
fn reached(seats: &Seats) -> Vec<u32> {
    let numbered = || (0_u32..).zip(&seats.rows);
    let filled = |row: u32| seats.is_settled(row);
    numbered()
        .filter(|(row, _)| !seats.open.contains_key(row) && !seats.is_gone(*row) && !seats.is_put_off(*row))
        .filter(|(_, wanted)| {
            numbered()
                .filter(|(_, other)| other.route == wanted.route && other.step < wanted.step)
                .all(|(row, _)| filled(row))
        })
        .map(|(row, _)| row)
        .collect()
}

fn open_row(turn: &mut Turn<'_>, row: u32) {
    let Some(route) = route_row(turn, row) else { return };
    // Nobody can fill it: the backups are asked at once, and after them the operator's table names
    // an owner.
    let seat = match first_from(turn, row, &route, 0) {
        Some(seat) => seat,
        None => {
            nobody(turn, &route);
            empty(turn, &route)
        }
    };
    turn.record(Actor::Engine, Event::SeatOpened { row, seat });
    carry::carry(turn, row);
}

/// A seat that nobody can fill yet: it wakes when an absence ends, and is answered for by whoever owns
/// what is open about it.
fn empty(turn: &Turn<'_>, route: &RouteRow) -> Seat {
    let cause = Cause::NoSeat;
    let open = settle::open_of(turn, cause).map(|exception| (exception.owner.clone(), exception.due));
    let (owner, due) = open.unwrap_or_else(|| {
        let about = About { cause, effect: None, connection: None, barred: &[] };
        let answerable = rules::owner(turn.context.rulebook, &turn.approval, about, 0, turn.context.now);
        (answerable.owner, answerable.due)
    });
    Seat {
        need: route.need.of(1).max(1),
        weights: BTreeMap::new(),
        eligible: Vec::new(),
        owner,
        fair: false,
        due,
        missed: 0,
        approved: Vec::new(),
        claims: Vec::new(),
        review: returns(turn, route),
        remind: None,
        standing_in: BTreeMap::new(),
        spent: Vec::new(),
    }
}

/// When somebody of a row or of its backups may be back.
fn returns(turn: &Turn<'_>, route: &RouteRow) -> Option<Timestamp> {
    let (rulebook, now, intent) = (turn.context.rulebook, turn.context.now, &turn.approval.intent);
    let whoms = std::iter::once(&route.whom).chain(&route.backup);
    whoms.filter_map(|whom| rules::review(rulebook, intent, whom, now)).min()
}

/// A seat for the people of a row or, if they cannot fill it, for the first of its backups that can;
/// `missed` says with whom to begin.
fn first_from(turn: &Turn<'_>, row: u32, route: &RouteRow, missed: u32) -> Option<Seat> {
    let backups = u32::try_from(route.backup.len()).unwrap_or(u32::MAX);
    (missed..=backups).find_map(|missed| seat_for(turn, row, route, missed))
}

/// Who would be asked if a seat were missed now, beside those who are.
pub(super) fn asked_next(turn: &Turn<'_>, row: u32, seat: &Seat) -> Vec<PersonId> {
    let Some(route) = route_row(turn, row) else { return Vec::new() };
    let next = first_from(turn, row, &route, seat.missed.saturating_add(1));
    let people = next.map(|next| next.eligible).unwrap_or_default();
    let asked = |person: &PersonId| seat.eligible.contains(person) || seat.approved.contains(person);
    people.into_iter().filter(|person| !asked(person)).collect()
}

fn nobody(turn: &mut Turn<'_>, route: &RouteRow) {
    // One exception is enough while it is open; closing it by a retry looks for people again.
    if stands(turn, Cause::NoSeat, route).is_some() {
        return;
    }
    let message =
        format!("nobody present and unconflicted can fill `{}` of route `{}`", route.whom, route.route);
    let opening = Opening::of(Cause::NoSeat, Detail::new("no-seat", message));
    settle::open(turn, Opening { of_council: is_council(turn, route), ..opening });
}

/// Whether a row is of the council that sits because the exception budget is spent, and not asked by the policy too.
fn is_council(turn: &Turn<'_>, route: &RouteRow) -> bool {
    let Some(case) = turn.approval.case() else { return false };
    let asked = match &case.evaluation.outcome {
        Outcome::Needs(needs) => needs.routes.contains(&route.route),
        Outcome::Approve | Outcome::Deny | Outcome::Unsure(_) => false,
    };
    !asked && case.council.as_ref().is_some_and(|council| council.route == route.route)
}

/// The open exception of this cause that stands for a row: one about the council alone stands for no other.
fn stands<'a>(turn: &'a Turn<'_>, cause: Cause, route: &RouteRow) -> Option<&'a Exception> {
    let of_council = is_council(turn, route);
    let mut open = turn.approval.exceptions.values().filter(|exception| exception.closed.is_none());
    open.find(|exception| exception.cause == cause && (of_council || !exception.of_council))
}

/// The row of a route by its index.
pub(super) fn route_row(turn: &Turn<'_>, row: u32) -> Option<RouteRow> {
    let Stage::Seated { seats, .. } = &turn.approval.stage else { return None };
    seats.rows.get(usize::try_from(row).ok()?).cloned()
}

/// Whom a seat asks after it was missed so often.
pub(super) fn asked(route: &RouteRow, missed: u32) -> &Whom {
    route.asked(missed)
}

/// Who cannot fill a seat, whatever the directory says: those with a voice in another one, given by them or in
/// their place, and those with a stake in a change of the house.
pub(super) fn taken(turn: &Turn<'_>, row: Option<u32>) -> Vec<PersonId> {
    let Stage::Seated { case, seats } = &turn.approval.stage else { return Vec::new() };
    let others = seats.open.iter().filter(|(other, _)| row != Some(**other)).map(|(_, seat)| seat);
    let elsewhere = others.flat_map(|seat| seat.approved.iter().chain(&seat.spent));
    elsewhere.chain(case.conflicted()).cloned().collect()
}

/// Who is asked in a seat of the intent, now or when its step is reached, or has put one into other hands.
pub(super) fn asked_anywhere(turn: &Turn<'_>) -> Vec<PersonId> {
    let Stage::Seated { seats, .. } = &turn.approval.stage else { return Vec::new() };
    let (rulebook, now, intent) = (turn.context.rulebook, turn.context.now, &turn.approval.intent);
    let later =
        (0_u32..).zip(&seats.rows).filter(|(row, _)| !seats.open.contains_key(row) && !seats.is_gone(*row));
    let later = later.filter_map(|(_, wanted)| rules::fill(rulebook, intent, &wanted.whom, &[], now));
    let asked = seats.unfilled().flat_map(|(_, seat)| &seat.eligible);
    let away = seats.open.keys().flat_map(|row| seats.hands(*row, now)).map(|handed| &handed.from);
    later.flat_map(|filled| filled.eligible).chain(asked.chain(away).cloned()).collect()
}

/// How many voices a seat needs, or what they must weigh. Those that are in never suffice because people left: a quorum
/// that shrinks still wants one voice more.
fn needed(
    route: &RouteRow,
    people: (&[PersonId], &[PersonId]),
    weights: &BTreeMap<PersonId, u32>,
) -> Option<u32> {
    let (eligible, approved) = people;
    let late = approved.iter().filter(|voice| !eligible.contains(voice));
    let all: Vec<&PersonId> = eligible.iter().chain(late).collect();
    let voiced = weigh(weights, approved);
    let need = route.need.of(all.len()).max(voiced.saturating_add(1));
    (need <= weigh(weights, all)).then_some(need)
}

/// What the voices of a seat weigh, where the row asks for weight: that of whoever each is given for.
fn weights(
    turn: &Turn<'_>,
    (route, whom): (&RouteRow, &Whom),
    filled: &Filled,
    before: Option<&Seat>,
) -> BTreeMap<PersonId, u32> {
    match route.need {
        Need::Weight(_) => {}
        Need::Count(_) | Need::All | Need::Percent(_) => return BTreeMap::new(),
    }
    let directory = turn.context.rulebook.directory();
    let voiced = before
        .into_iter()
        .flat_map(|seat| seat.approved.iter().map(|voice| (voice.clone(), seat.weight(voice))));
    let weighs = |person: &PersonId| {
        let whose = filled.standing_in.get(person).unwrap_or(person);
        (person.clone(), directory.weight(whom, whose))
    };
    // A voice that is in weighs what it weighed.
    let mut weights: BTreeMap<PersonId, u32> = filled.eligible.iter().map(weighs).collect();
    weights.extend(voiced);
    weights.retain(|_, weight| *weight != 1);
    weights
}

/// A seat for whoever is asked after so many misses, with its whole time, if enough people can fill it.
fn seat_for(turn: &Turn<'_>, row: u32, route: &RouteRow, missed: u32) -> Option<Seat> {
    let Stage::Seated { seats, .. } = &turn.approval.stage else { return None };
    let (rulebook, now, intent) = (turn.context.rulebook, turn.context.now, &turn.approval.intent);
    let before = seats.open.get(&row);
    let approved = before.map(|seat| seat.approved.clone()).unwrap_or_default();
    let spent = before.map(|seat| seat.spent.clone()).unwrap_or_default();
    let whom = asked(route, missed);
    let out: Vec<PersonId> = taken(turn, Some(row)).into_iter().chain(spent.iter().cloned()).collect();
    // A place is used by whoever decided, and by whoever had somebody decide in it.
    let used: Vec<PersonId> = approved.iter().chain(&spent).cloned().collect();
    let mut filled = rules::fill_places(rulebook, intent, whom, (&out, &used), now)?;
    let ends = hand_over(turn, row, &mut filled, &out);
    let weights = weights(turn, (route, whom), &filled, before);
    let need = needed(route, (&filled.eligible, &approved), &weights)?;
    let (directory, length, claims) = (rulebook.directory(), route.within.length(), Vec::new());
    let due = directory.after(&route.within, &filled.calendar, now, length);
    let remind = Some(directory.reminds(&route.within, &filled.calendar, now, length));
    let review = rules::review(rulebook, intent, whom, now).into_iter().chain(ends).min();
    let fair = rulebook.directory().is_fair(whom);
    let owner = if fair { assigned(turn, row, (&filled, missed), due) } else { filled.owner };
    let Filled { eligible, standing_in, .. } = filled;
    Some(Seat {
        need,
        weights,
        eligible,
        owner,
        fair,
        due,
        missed,
        approved,
        claims,
        review,
        remind,
        standing_in,
        spent,
    })
}

/// Whoever of a fair pool answers for a seat: who had it before or to whom they handed it, or of those who have time for it
/// until it is due the one who answers for the fewest; of these one by chance, the same for the same seat.
fn assigned(turn: &Turn<'_>, row: u32, (filled, missed): (&Filled, u32), due: Timestamp) -> PersonId {
    let Stage::Seated { seats, .. } = &turn.approval.stage else { return filled.owner.clone() };
    let (context, intent) = (turn.context, &turn.approval.intent);
    let before = seats.open.get(&row).filter(|seat| seat.fair && seat.missed == missed);
    let lacks = |person: &PersonId| before.is_none_or(|seat| !seat.approved.contains(person));
    let (directory, now) = (context.rulebook.directory(), context.now);
    if let Some(seat) = before {
        let handed = seats.hands(row, now).filter(|handed| handed.from == seat.owner);
        let mut stay = std::iter::once(&seat.owner).chain(handed.map(|handed| &handed.to));
        if let Some(owner) = stay.find(|owner| filled.eligible.contains(owner) && lacks(owner)) {
            return owner.clone();
        }
    }
    // The time of a seat that is open runs on, whoever comes.
    let due = before.filter(|seat| !seat.eligible.is_empty()).map_or(due, |seat| seat.due);
    let has_time = |person: &&PersonId| {
        let away = directory.next_away(person, &intent.intent_type, now);
        let until = away.map_or(due, |away| away.min(due));
        let open = directory.calendar_of(person).map(|name| directory.left(&OPEN_HOURS, name, now, until));
        open.is_some_and(|open| ASSIGNED_TIME <= open)
    };
    let candidates: Vec<&PersonId> = filled.eligible.iter().filter(|person| lacks(person)).collect();
    let in_time: Vec<&PersonId> = candidates.iter().copied().filter(has_time).collect();
    let load = |person: &PersonId| context.loads.and_then(|loads| loads.get(person).copied()).unwrap_or(0);
    let lot = |person: &PersonId| {
        Digest::of_parts(&[&intent.id.bits().to_be_bytes(), &row.to_be_bytes(), person.as_str().as_bytes()])
    };
    let of = if in_time.is_empty() { candidates } else { in_time };
    // Nobody decides in two seats of one intent.
    let has_another = |person: &PersonId| {
        seats.unfilled().any(|(other, seat)| other != row && seat.fair && seat.owner == *person)
    };
    let found = of.into_iter().min_by_key(|person| (has_another(person), load(person), lot(person)));
    found.cloned().unwrap_or_else(|| filled.owner.clone())
}

/// Lets those decide to whom a seat was handed, in the place of those who did it, while they can. Says when
/// that ends, or may begin again.
fn hand_over(turn: &Turn<'_>, row: u32, filled: &mut Filled, out: &[PersonId]) -> Option<Timestamp> {
    let Stage::Seated { seats, .. } = &turn.approval.stage else { return None };
    let (rulebook, now, intent) = (turn.context.rulebook, turn.context.now, &turn.approval.intent);
    let mut ends: Option<Timestamp> = None;
    let decided = |person: &PersonId| seats.open.get(&row).is_some_and(|seat| seat.approved.contains(person));
    for handed in seats.hands(row, now) {
        // Under a clock that was set back a delegation can run again after whoever gave it has decided.
        if decided(&handed.from) {
            continue;
        }
        // Whoever is away and has a cover has said before who decides: the deputy, not the cover.
        let stands = |person: &PersonId| filled.standing_in.get(person) == Some(&handed.from);
        let place = filled.eligible.iter().position(|person| *person == handed.from || stands(person));
        let (Some(place), false) = (place, filled.eligible.contains(&handed.to)) else { continue };
        let whom = Whom::Person(handed.to.clone());
        let changes = rules::review(rulebook, intent, &whom, now).into_iter().chain(handed.until);
        ends = changes.filter(|change| now < *change).chain(ends).min();
        let there = rulebook.directory().is_there(&handed.to, &intent.intent_type, now);
        if !there || out.contains(&handed.to) || rules::asked(rulebook, intent, &handed.to) {
            // Whom an administrator took it from does not have it again because somebody is away.
            if handed.by.is_some() {
                let gone = filled.eligible.remove(place);
                filled.standing_in.remove(&gone);
                if let (true, Some(first)) = (filled.owner == gone, filled.eligible.first()) {
                    filled.owner.clone_from(first);
                }
            }
            continue;
        }
        if let Some(person) = filled.eligible.get_mut(place) {
            filled.standing_in.remove(person);
            if filled.owner == *person {
                filled.owner.clone_from(&handed.to);
            }
            person.clone_from(&handed.to);
        }
        filled.standing_in.insert(handed.to.clone(), handed.from.clone());
    }
    ends
}

/// To whom a person in a seat can hand it: whoever the house lets stand in, and the backups of its row, if
/// they have no voice or seat in the intent, are there and did not ask for it.
pub(super) fn deputies(turn: &Turn<'_>, row: u32, person: &PersonId) -> Vec<PersonId> {
    let Stage::Seated { seats, .. } = &turn.approval.stage else { return Vec::new() };
    let (Some(route), Some(seat)) = (route_row(turn, row), seats.open.get(&row)) else { return Vec::new() };
    if override_::is_pending(turn) {
        return Vec::new();
    }
    let (rulebook, now, intent) = (turn.context.rulebook, turn.context.now, &turn.approval.intent);
    let (taken, seated) = (taken(turn, None), asked_anywhere(turn));
    let backups = route.backup.iter().filter_map(|whom| rules::fill(rulebook, intent, whom, &taken, now));
    let mut deputies = rulebook.directory().deputies(asked(&route, seat.missed), person);
    deputies.extend(backups.flat_map(|filled| filled.eligible));
    deputies.sort();
    deputies.dedup();
    deputies.retain(|deputy| {
        let there = rulebook.directory().is_there(deputy, &intent.intent_type, now);
        there
            && !seated.contains(deputy)
            && !taken.contains(deputy)
            && !rules::asked(rulebook, intent, deputy)
    });
    deputies
}

/// Goes on after a voice, a change of people, or nothing but time: looks up again who may fill the seats
/// and who answers for the exceptions, opens the steps that are reached, and approves what is filled.
pub(super) fn review(turn: &mut Turn<'_>, by: &Actor) {
    settle::review(turn, by);
    review_rows(turn, by);
    let entries = turn.entries.len();
    open(turn);
    if entries < turn.entries.len() {
        // A voice that was carried over takes its person out of the other seats.
        review_rows(turn, by);
    }
    let Stage::Seated { seats, .. } = &turn.approval.stage else { return };
    if seats.rows.is_empty() {
        return;
    }
    if seats.unfilled().all(|(_, seat)| !seat.eligible.is_empty()) {
        settle::met(turn, Cause::NoSeat, "somebody can fill every open seat");
    }
    let Stage::Seated { seats, .. } = &turn.approval.stage else { return };
    if seats.are_filled() {
        let voices: Vec<PersonId> = seats.voices().cloned().collect();
        if override_::is_pending(turn) {
            override_::confirmed(turn, &voices);
        } else {
            vote::approve(turn, Authority::People(voices));
        }
    }
}

fn review_rows(turn: &mut Turn<'_>, by: &Actor) {
    let Stage::Seated { seats, .. } = &turn.approval.stage else { return };
    let rows: Vec<u32> = seats.unfilled().map(|(row, _)| row).collect();
    for row in rows {
        review_row(turn, row, by);
    }
}

/// Moves one seat to whoever may fill it now. Its time runs on, unless only a backup can.
fn review_row(turn: &mut Turn<'_>, row: u32, by: &Actor) {
    let Some(route) = route_row(turn, row) else { return };
    let Some(before) = unfilled(turn, row) else { return };
    let missed = before.missed;
    if let Some(same) = seat_for(turn, row, &route, missed) {
        // Nobody was there before, so nobody has lost any of the time.
        if before.eligible.is_empty() {
            return turn.record(by.clone(), Event::SeatOpened { row, seat: same });
        }
        let claims = before.claims.iter().filter(|claim| same.eligible.contains(&claim.by)).cloned();
        let seat = Seat { due: before.due, remind: before.remind, claims: claims.collect(), ..same };
        return moved(turn, row, &before, seat, by);
    }
    // Then whoever comes next, and at last whoever was asked before and may be back.
    let next = first_from(turn, row, &route, missed.saturating_add(1));
    if let Some(seat) = next.or_else(|| first_from(turn, row, &route, 0)) {
        return turn.record(by.clone(), Event::SeatOpened { row, seat });
    }
    let review = returns(turn, &route);
    let (eligible, claims, standing_in) = (Vec::new(), Vec::new(), BTreeMap::new());
    let (fair, remind) = (false, None);
    let empty = Seat { eligible, claims, standing_in, review, remind, fair, ..before.clone() };
    moved(turn, row, &before, empty, by);
    nobody(turn, &route);
}

fn moved(turn: &mut Turn<'_>, row: u32, before: &Seat, seat: Seat, by: &Actor) {
    if *before == seat {
        return;
    }
    let (rulebook, now, intent) = (turn.context.rulebook, turn.context.now, &turn.approval.intent);
    let left = before.eligible.iter().filter(|person| !seat.eligible.contains(person));
    let because = |person: &PersonId| match &turn.approval.stage {
        Stage::Seated { seats, .. } if seats.voices().any(|voice| voice == person) => Because::Decided,
        Stage::Seated { seats, .. } if seats.hands(row, now).any(|handed| handed.from == *person) => {
            Because::Handed
        }
        Stage::Preparing { .. }
        | Stage::Unsettled { .. }
        | Stage::Returned { .. }
        | Stage::Seated { .. }
        | Stage::Executing { .. }
        | Stage::Closed(_) => rules::because(rulebook, intent, person, now),
    };
    let gone = left
        .filter(|person| !seat.approved.contains(person))
        .map(|person| Gone { person: person.clone(), because: because(person) })
        .collect();
    let come = seat.eligible.iter().filter(|person| !before.eligible.contains(person)).cloned().collect();
    turn.record(by.clone(), Event::SeatMoved { row, seat, gone, come });
}

/// The seat of a row, if it lacks a voice.
pub(super) fn unfilled(turn: &Turn<'_>, row: u32) -> Option<Seat> {
    let Stage::Seated { seats, .. } = &turn.approval.stage else { return None };
    seats.open.get(&row).filter(|seat| !seat.is_filled()).cloned()
}

/// Looks after one seat: claims whose time is up, people who left or are away, an answer that did not
/// come, and the time of the seat itself.
pub(super) fn due(turn: &mut Turn<'_>, row: u32) -> Result<(), Refusal> {
    let Stage::Seated { .. } = &turn.approval.stage else {
        return Err(wrong_stage("seat-due", &turn.approval));
    };
    if renew::renew(turn) {
        return Ok(());
    }
    claim::expire(turn, row);
    review(turn, &Actor::Timer);
    ask::expire(turn, row);
    talk::due(turn, row);
    let Stage::Seated { seats, .. } = &turn.approval.stage else { return Ok(()) };
    let Some(seat) = unfilled(turn, row) else { return Ok(()) };
    if seats.awaited(row).is_some() || turn.context.now < seat.due {
        return Ok(());
    }
    missed(turn, row, &seat);
    Ok(())
}

/// Nobody decided in time: the next backup is asked, and after the last one the route says what.
fn missed(turn: &mut Turn<'_>, row: u32, seat: &Seat) {
    let missed = seat.missed.saturating_add(1);
    let Some(route) = route_row(turn, row) else { return };
    // Nobody was there to miss it: the exception about that has an owner, and the seat waits with it.
    if let (true, Some(exception)) = (seat.eligible.is_empty(), settle::open_of(turn, Cause::NoSeat)) {
        let due = exception.due.max(turn.context.now.plus(HELD_SEAT_DELAY));
        return hold(turn, row, due);
    }
    if let Some(seat) = first_from(turn, row, &route, missed) {
        turn.record(Actor::Timer, Event::SeatOpened { row, seat });
        return;
    }
    let message = match &turn.approval.stage {
        Stage::Seated { case, .. } if override_::is_pending(turn) => {
            format!("the override was not confirmed in time: {}", case.evaluation.words().join("; "))
        }
        Stage::Preparing { .. }
        | Stage::Unsettled { .. }
        | Stage::Returned { .. }
        | Stage::Seated { .. }
        | Stage::Executing { .. }
        | Stage::Closed(_) => {
            format!("`{}` of route `{}` and its backups were missed", route.whom, route.route)
        }
    };
    match route.finally {
        Finally::Decline => {
            let event = Event::Declined { authority: Authority::Policy, reason: message };
            turn.record(Actor::Timer, event);
        }
        Finally::Hold => {
            let due = match stands(turn, Cause::Overdue, &route).map(|exception| exception.due) {
                Some(due) => due.max(turn.context.now.plus(HELD_SEAT_DELAY)),
                None => {
                    let opening = Opening::of(Cause::Overdue, Detail::new("overdue", message));
                    let of_council = is_council(turn, &route);
                    settle::open(turn, Opening { of_council, ..opening })
                }
            };
            hold(turn, row, due);
        }
    }
}

/// The seat stays open for the same people beside the exception, and wakes again with it.
fn hold(turn: &mut Turn<'_>, row: u32, due: Timestamp) {
    let Some(seat) = unfilled(turn, row) else { return };
    turn.record(Actor::Timer, Event::SeatOpened { row, seat: Seat { due, remind: None, ..seat } });
}
