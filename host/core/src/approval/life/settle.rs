//! Exceptions inside an approval: opened with an owner in the commit that causes them, escalated
//! when missed, closed by a person with a reason.

use super::{Turn, break_glass, budget, effect, seat, undo, wrong_stage};
use crate::approval::event::{Actor, Event};
use crate::approval::refusal::Refusal;
use crate::approval::rules::{self, About};
use crate::approval::{Authority, PlannedEffect, Stage};
use crate::effect::attempt::Detail;
use crate::effect::life::{self, EffectState, Verdict};
use crate::exception::{Burn, Cause, Closed, Closure, Exception, exception_id};
use crate::id::{ConnectionName, EffectId, ExceptionId, PersonId};
use crate::override_::NotOverridden;
use crate::time::{Millis, Timestamp};
use std::collections::BTreeMap;

/// What an exception is opened about.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) cause: Cause,
    pub(super) effect: Option<EffectId>,
    /// The connection, where it is about all of it.
    pub(super) connection: Option<ConnectionName>,
    /// Who cannot close it, as it is about what they did.
    pub(super) barred: Vec<PersonId>,
    /// The figures of the exception budget that it is about.
    pub(super) burn: Option<Burn>,
    /// Whether it is about a seat of the council.
    pub(super) of_council: bool,
    pub(super) detail: Detail,
}

impl Opening {
    pub(super) fn of(cause: Cause, detail: Detail) -> Opening {
        let (effect, connection, burn) = (None, None, None);
        Opening { cause, effect, connection, barred: Vec::new(), burn, of_council: false, detail }
    }
}

/// Opens an exception and says when it is due.
pub(super) fn open(turn: &mut Turn<'_>, opening: Opening) -> Timestamp {
    let Opening { cause, effect, connection, barred, burn, of_council, detail } = opening;
    let id = exception_id(turn.approval.intent.id, turn.approval.exceptions.len());
    let about = About { cause, effect, connection: connection.as_ref(), barred: &barred };
    let owned = rules::owner(turn.context.rulebook, &turn.approval, about, 0, turn.context.now);
    let due = owned.due;
    let exception = Exception {
        cause,
        opened: Timestamp::default(),
        effect,
        connection,
        route: owned.route,
        owner: owned.owner,
        due,
        remind: Some(owned.remind),
        missed: 0,
        closes_when: owned.closes_when,
        detail,
        barred,
        burn,
        of_council,
        review: None,
        closed: None,
    };
    turn.record(Actor::Engine, Event::ExceptionOpened { id, exception });
    due
}

/// The open exception of this cause, if there is one.
pub(super) fn open_of<'a>(turn: &'a Turn<'_>, cause: Cause) -> Option<&'a Exception> {
    let mut open = turn.approval.exceptions.values().filter(|exception| exception.closed.is_none());
    open.find(|exception| exception.cause == cause)
}

/// When the open exception of this cause is due, if there is one.
pub(super) fn open_since(turn: &Turn<'_>, cause: Cause) -> Option<Timestamp> {
    open_of(turn, cause).map(|exception| exception.due)
}

/// Looks after one exception: an owner who left or is away, the reminder with most of its time gone, which names whoever
/// comes next, and the end of its time.
pub(super) fn due(turn: &mut Turn<'_>, id: ExceptionId) -> Result<(), Refusal> {
    seat::review(turn, &Actor::Timer);
    let exception = turn.approval.exceptions.get(&id).ok_or(Refusal::UnknownException(id))?;
    if exception.closed.is_some() {
        return Ok(());
    }
    let missed = exception.missed.saturating_add(1);
    let (rulebook, now) = (turn.context.rulebook, turn.context.now);
    let next = rules::owner(rulebook, &turn.approval, About::of(exception), missed, now);
    if exception.due <= now {
        let (owner, due, remind) = (next.owner, next.due, Some(next.remind));
        turn.record(Actor::Timer, Event::ExceptionEscalated { id, owner, due, remind });
    } else if exception.remind.is_some_and(|remind| remind <= now) {
        let next = Some(next.owner).filter(|next| *next != exception.owner);
        turn.record(Actor::Timer, Event::ExceptionReminded { id, next });
    }
    Ok(())
}

/// Closes what was open for a cause that is gone by itself.
pub(super) fn met(turn: &mut Turn<'_>, cause: Cause, reason: &str) {
    let open = turn.approval.exceptions.iter().filter(|(_, exception)| exception.closed.is_none());
    let met: Vec<ExceptionId> =
        open.filter(|(_, exception)| exception.cause == cause).map(|(id, _)| *id).collect();
    for id in met {
        overtaken(turn, id, reason);
    }
}

/// Closes what told that the target of an effect does not answer: the effect waits for it no more.
pub(super) fn waits_no_more(turn: &mut Turn<'_>, effect: EffectId, reason: &str) {
    let about = |exception: &Exception| exception.effect == Some(effect) && exception.tells_of().is_some();
    let told = turn.approval.exceptions.iter().find(|(_, exception)| about(exception)).map(|(id, _)| *id);
    if let Some(id) = told {
        overtaken(turn, id, reason);
    }
}

/// Closes what nobody need close any more.
pub(super) fn overtaken(turn: &mut Turn<'_>, id: ExceptionId, reason: &str) {
    let at = turn.context.now;
    let closed = Closed { by: Closure::Retry, person: None, reason: reason.to_owned(), at };
    turn.record(Actor::Engine, Event::ExceptionClosed { id, closed, effects: BTreeMap::new() });
}

/// Gives the exceptions of people who left or are away to whoever answers for them now.
pub(super) fn review(turn: &mut Turn<'_>, by: &Actor) {
    let (rulebook, now) = (turn.context.rulebook, turn.context.now);
    let intent_type = &turn.approval.intent.intent_type;
    let there = |owner: &PersonId| rulebook.directory().is_there(owner, intent_type, now);
    let intent = &turn.approval.intent;
    let stays = |exception: &Exception| {
        there(&exception.owner)
            && !exception.barred.contains(&exception.owner)
            && !rules::asked(rulebook, intent, &exception.owner)
    };
    let open = turn.approval.exceptions.iter().filter(|(_, exception)| exception.closed.is_none());
    let moved: Vec<(ExceptionId, PersonId)> = open
        .filter(|(_, exception)| !stays(exception))
        .map(|(id, exception)| {
            let about = About::of(exception);
            (*id, rules::owner(rulebook, &turn.approval, about, exception.missed, now).owner)
        })
        .filter(|(id, owner)| turn.approval.exceptions.get(id).is_some_and(|known| known.owner != *owner))
        .collect();
    for (id, owner) in moved {
        turn.record(by.clone(), Event::ExceptionMoved { id, owner, reason: String::new() });
    }
}

/// Remembers of each open exception when an absence of its owner begins before it is due, so that it wakes then.
pub(super) fn foresee(turn: &mut Turn<'_>) {
    let (directory, now) = (turn.context.rulebook.directory(), turn.context.now);
    let intent_type = &turn.approval.intent.intent_type;
    let open = turn.approval.exceptions.iter().filter(|(_, exception)| exception.closed.is_none());
    let changed: Vec<(ExceptionId, Option<Timestamp>)> = open
        .map(|(id, exception)| (*id, exception, directory.next_away(&exception.owner, intent_type, now)))
        .map(|(id, exception, away)| (id, exception, away.filter(|away| *away < exception.due)))
        .filter(|(_, exception, away)| exception.review != *away)
        .map(|(id, _, away)| (id, away))
        .collect();
    for (id, at) in changed {
        turn.record(Actor::Engine, Event::ExceptionReview { id, at });
    }
}

pub(super) fn close(
    turn: &mut Turn<'_>,
    person: PersonId,
    id: ExceptionId,
    by: Closure,
    reason: String,
) -> Result<(), Refusal> {
    let exception = turn
        .approval
        .exceptions
        .get(&id)
        .filter(|exception| exception.closed.is_none())
        .ok_or(Refusal::UnknownException(id))?;
    let own = rules::asked(turn.context.rulebook, &turn.approval.intent, &person);
    if exception.barred.contains(&person) {
        return Err(if own { Refusal::OwnIntent(person) } else { NotOverridden::Own(person).into() });
    }
    let rulebook = turn.context.rulebook;
    if exception.owner != person && !rules::tries_again(rulebook, &turn.approval, exception, (&person, by)) {
        return Err(Refusal::NotOwner { person, owner: exception.owner.clone() });
    }
    if reason.trim().is_empty() {
        return Err(Refusal::ReasonMissing);
    }
    if own {
        return Err(Refusal::OwnIntent(person));
    }
    if budget::is_unheard(turn, exception) {
        return Err(Refusal::Overtaken);
    }
    let effects = verdicts(turn, exception, by)?;
    let because = exception.effect;
    let at = turn.context.now;
    let closed = Closed { by, person: Some(person.clone()), reason: reason.clone(), at };
    turn.record(Actor::Person(person.clone()), Event::ExceptionClosed { id, closed, effects });
    if by == Closure::Decline {
        let authority = Authority::People(vec![person.clone()]);
        turn.record(Actor::Person(person.clone()), Event::Declined { authority, reason });
    }
    if by == Closure::Retry {
        seat::review(turn, &Actor::Engine);
    }
    if let (Closure::Undo, Some(effect)) = (by, because) {
        undo::begin(turn, Actor::Person(person), effect);
    }
    effect::close_if_settled(turn);
    Ok(())
}

/// What this way of closing means for the exception's effect; refuses ways that mean nothing here.
fn verdicts(
    turn: &Turn<'_>,
    exception: &Exception,
    by: Closure,
) -> Result<BTreeMap<EffectId, Verdict>, Refusal> {
    // It is about more than this intent, so it matters not where this one stands.
    if exception.cause == Cause::FailOpen && !turn.approval.stage.is_approved() {
        // Nothing has passed yet, so nobody can say whether that was right.
        return Err(wrong_stage("close-exception", &turn.approval));
    }
    if exception.cause == Cause::BreakGlass {
        break_glass::is_over(turn)?;
    }
    if let Some(ways) = anywhere(turn, exception) {
        let wrong = || Refusal::WrongClosure { allowed: ways.iter().map(|way| way.as_str()).collect() };
        return ways.contains(&by).then(BTreeMap::new).ok_or_else(wrong);
    }
    if let Some(closing) = undo::closing(turn, exception, by) {
        return closing;
    }
    match (&turn.approval.stage, exception.effect, by) {
        // It is tried again by itself.
        (Stage::Executing { effects, .. }, Some(effect), by) if exception.tells_of().is_some() => {
            if by != Closure::GiveUp {
                return Err(Refusal::WrongClosure { allowed: vec!["give-up"] });
            }
            if !effects.get(&effect).is_some_and(effect::waits) {
                return Err(Refusal::Overtaken);
            }
            Ok(BTreeMap::from([(effect, EffectState::GivenUp)]))
        }
        (
            Stage::Executing { effects, .. },
            Some(effect),
            Closure::Retry | Closure::Probe | Closure::GiveUp,
        ) => {
            let verdict = of_held(turn, (effect, effects.get(&effect)), by)?;
            Ok(BTreeMap::from([(effect, verdict)]))
        }
        (
            Stage::Executing { .. },
            Some(effect),
            Closure::Undo
            | Closure::ReAssert
            | Closure::Decline
            | Closure::Reviewed
            | Closure::Confirmed
            | Closure::Reversed,
        ) => {
            let sealed = turn.approval.planned(effect).is_some_and(PlannedEffect::is_sealed);
            let ways = ["retry", "probe", "give-up"].into_iter().chain(sealed.then_some("undo"));
            Err(Refusal::WrongClosure { allowed: ways.collect() })
        }
        (Stage::Unsettled { .. }, _, Closure::Retry | Closure::Decline) => Ok(BTreeMap::new()),
        (Stage::Seated { .. }, _, Closure::Retry | Closure::Decline) => Ok(BTreeMap::new()),
        (
            Stage::Unsettled { .. } | Stage::Seated { .. },
            _,
            Closure::Probe
            | Closure::GiveUp
            | Closure::Undo
            | Closure::ReAssert
            | Closure::Reviewed
            | Closure::Confirmed
            | Closure::Reversed,
        ) => Err(Refusal::WrongClosure { allowed: vec!["retry", "decline"] }),
        // It is approved and under way: there is nothing left to decline.
        (
            Stage::Executing { .. },
            None,
            Closure::Undo
            | Closure::ReAssert
            | Closure::Decline
            | Closure::Reviewed
            | Closure::Confirmed
            | Closure::Reversed,
        ) => Err(Refusal::WrongClosure { allowed: vec!["retry", "give-up"] }),
        (Stage::Executing { .. }, None, Closure::Retry | Closure::Probe | Closure::GiveUp) => {
            Ok(BTreeMap::new())
        }
        (Stage::Preparing { .. } | Stage::Returned { .. } | Stage::Closed(_), _, _) => {
            Err(wrong_stage("close-exception", &turn.approval))
        }
    }
}

/// How an exception is closed that is not about what becomes of the intent; `None` if it is.
fn anywhere(turn: &Turn<'_>, exception: &Exception) -> Option<Vec<Closure>> {
    let is_over = matches!(turn.approval.stage, Stage::Closed(_));
    // What was written was read back, and the connection did not let it be.
    let of_connection =
        (exception.pauses().is_some() && is_over).then(|| vec![Closure::Retry, Closure::GiveUp]);
    let outlives = exception.cause.outlives().then(|| turn.approval.closed_by(exception));
    outlives.or(of_connection)
}

/// What becomes of an effect that is held.
fn of_held(
    turn: &Turn<'_>,
    (effect, state): (EffectId, Option<&EffectState>),
    by: Closure,
) -> Result<Verdict, Refusal> {
    let Some(EffectState::Held { cause, history, .. }) = state else { return Err(Refusal::Overtaken) };
    let planned = turn.approval.planned(effect).ok_or(Refusal::Overtaken)?;
    let now = turn.context.now;
    Ok(match by {
        Closure::Retry => life::again(*history, *cause, planned.guarantee, now),
        Closure::Probe => life::probe(*history, now, Millis(0)),
        Closure::GiveUp
        | Closure::Undo
        | Closure::ReAssert
        | Closure::Decline
        | Closure::Reviewed
        | Closure::Confirmed
        | Closure::Reversed => EffectState::GivenUp,
    })
}
