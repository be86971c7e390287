//! Taking back what an intent wrote: nothing of it is sent any more, what is on its way is looked for, and then whatever
//! landed is taken back, last first.

use super::settle::{self, Opening};
use super::{Turn, effect, seat};
use crate::approval::event::{Actor, Event};
use crate::approval::refusal::Refusal;
use crate::approval::undo::Undo;
use crate::approval::{Approval, Case, PlannedEffect, Stage};
use crate::effect::attempt::{Detail, Guarantee};
use crate::effect::life::{self, EffectState, HeldCause, History, Verdict};
use crate::exception::{Cause, Closed, Closure, Exception};
use crate::id::{EffectId, ExceptionId};
use crate::time::{Millis, Timestamp};
use std::collections::BTreeMap;

/// Says that what was written is taken back.
pub(super) fn begin(turn: &mut Turn<'_>, by: Actor, because: EffectId) {
    turn.record(by, Event::UndoBegun { because, restored: turn.context.restored });
    let Stage::Executing { effects, .. } = &turn.approval.stage else { return };
    let called_off = effects.iter().filter(|(_, state)| !effect::waits(state)).map(|(effect, _)| *effect);
    for effect in called_off.collect::<Vec<_>>() {
        settle::waits_no_more(turn, effect, "nothing is written there any more");
    }
}

/// Plans what is to be taken back as soon as nothing is on its way, and ends what is.
pub(super) fn go_on(turn: &mut Turn<'_>) {
    let Some((landed, lasting)) = standing(&turn.approval) else { return };
    if !landed.is_empty() {
        turn.record(Actor::Engine, Event::UndoPlanned { effects: landed });
    }
    for effect in lasting {
        let of = turn.approval.planned(effect);
        let what = of.map_or_else(String::new, |of| format!("`{}` at `{}`", of.binding, of.connection));
        let message =
            format!("what {what} wrote was to be taken back, and its connector cannot: it stays written");
        let opening = Opening::of(Cause::Irreversible, Detail::new("irreversible", message));
        settle::open(turn, Opening { effect: Some(effect), ..opening });
    }
    if let Some((id, effects)) = settled(&turn.approval) {
        let reason = "what was written is taken back".to_owned();
        let closed = Closed { by: Closure::Undo, person: None, reason, at: turn.context.now };
        turn.record(Actor::Engine, Event::ExceptionClosed { id, closed, effects });
        seat::review(turn, &Actor::Engine);
    }
}

/// Whether an effect is held because it was refused, and all is taken back because of it.
fn is_refusal(undo: &Undo, effect: EffectId, state: &EffectState) -> bool {
    undo.refused
        && effect == undo.because
        && matches!(state, EffectState::Held { cause: HeldCause::Rejected, .. })
}

/// What landed and nobody has begun to take back, last first: what can be, and what cannot. `None` as long as nobody
/// knows whether something else is in.
fn standing(approval: &Approval) -> Option<(Vec<EffectId>, Vec<EffectId>)> {
    let Stage::Executing { case, effects, undo: Some(undo), .. } = &approval.stage else { return None };
    let mut landed: Vec<(Place, &PlannedEffect)> = Vec::new();
    for (number, planned) in case.writes.iter().enumerate() {
        let state = effects.get(&planned.effect)?;
        match state {
            EffectState::Landed { at, .. } => landed.push(((depth(case, planned), *at, number), planned)),
            EffectState::Ready { .. } | EffectState::Sent { .. } | EffectState::Probing { .. } => {
                return None;
            }
            // It may be in: what it came after must not be taken back before it.
            EffectState::Held { .. } if !is_refusal(undo, planned.effect, state) => return None,
            EffectState::Waiting | EffectState::Held { .. } | EffectState::GivenUp => {}
        }
    }
    let told = |effect: EffectId| {
        let mut exceptions = approval.exceptions.values();
        exceptions.any(|exception| exception.cause == Cause::Irreversible && exception.effect == Some(effect))
    };
    landed.retain(|(_, planned)| planned.writes() && !undo.plans(planned.effect) && !told(planned.effect));
    landed.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
    let (can, cannot): (Vec<_>, Vec<_>) = landed.into_iter().partition(|(_, planned)| planned.reversible);
    let ids =
        |found: Vec<(Place, &PlannedEffect)>| found.into_iter().map(|(_, planned)| planned.effect).collect();
    Some((ids(can), ids(cannot)))
}

/// Where a write stands among the others: how many it comes after one after the other, when it landed, and its number.
/// The clock may have been turned back meanwhile, so by it alone nothing is ordered.
type Place = (usize, Timestamp, usize);

/// How many writes come before this one, one after the other. `after` has no circle: it is checked in the file.
fn depth(case: &Case, planned: &PlannedEffect) -> usize {
    let before = case.writes.iter().filter(|other| planned.after.contains(&other.binding));
    before.map(|other| depth(case, other).saturating_add(1)).max().unwrap_or(0)
}

/// The exception about the refusal because of which all was taken back, once all is, and what becomes of the refused
/// effect.
fn settled(approval: &Approval) -> Option<(ExceptionId, BTreeMap<EffectId, Verdict>)> {
    let Stage::Executing { case, effects, undo: Some(undo), .. } = &approval.stage else { return None };
    let is_over = |planned: &PlannedEffect| {
        let state = effects.get(&planned.effect);
        state.is_some_and(|state| state.is_settled() || is_refusal(undo, planned.effect, state))
    };
    if !case.writes.iter().chain(&undo.writes).all(is_over) {
        return None;
    }
    let refused = |exception: &Exception| {
        exception.closed.is_none()
            && exception.cause == Cause::Rejected
            && exception.effect == Some(undo.because)
    };
    let (id, _) = approval.exceptions.iter().find(|(_, exception)| refused(exception))?;
    let held = matches!(effects.get(&undo.because), Some(EffectState::Held { .. }));
    Some((*id, held.then_some((undo.because, EffectState::GivenUp)).into_iter().collect()))
}

/// What a way of closing an exception means where something is taken back, or is to be by it; `None` where it means
/// what it always does.
pub(super) fn closing(
    turn: &Turn<'_>,
    exception: &Exception,
    by: Closure,
) -> Option<Result<BTreeMap<EffectId, Verdict>, Refusal>> {
    let Stage::Executing { case, effects, undo, .. } = &turn.approval.stage else { return None };
    let effect = exception.effect?;
    let only = |allowed: &[&'static str]| Some(Err(Refusal::WrongClosure { allowed: allowed.to_vec() }));
    if exception.cause == Cause::Irreversible {
        // It landed and stays so: what is to be said is what was done about it.
        return if by == Closure::GiveUp { Some(Ok(BTreeMap::new())) } else { only(&["give-up"]) };
    }
    let planned = case.writes.iter().find(|planned| planned.effect == effect);
    let Some(EffectState::Held { history, .. }) = effects.get(&effect) else { return None };
    let looked_for = || life::probe(*history, turn.context.now, Millis(0));
    let verdict = match (planned, undo.is_some(), by) {
        // What is known of a blind effect is what the person knows.
        (Some(planned), false, Closure::Undo) if planned.guarantee == Guarantee::Blind => {
            EffectState::GivenUp
        }
        (Some(planned), false, Closure::Undo)
            if history.is_unsent(case.leaves_traces(planned))
                && !turn.approval.is_doubted(history, turn.context.restored) =>
        {
            EffectState::GivenUp
        }
        (Some(_), false, Closure::Undo) | (Some(_), true, Closure::Probe) => looked_for(),
        // It says that the connection lets us in again; this effect is not sent any more.
        (Some(_), true, Closure::Retry) if exception.pauses().is_some() => looked_for(),
        (Some(_), true, Closure::Retry | Closure::Undo) => return only(&["probe", "give-up"]),
        (None, _, Closure::Undo) => return only(&["retry", "probe", "give-up"]),
        (
            Some(_) | None,
            _,
            Closure::Retry
            | Closure::Probe
            | Closure::GiveUp
            | Closure::ReAssert
            | Closure::Decline
            | Closure::Reviewed
            | Closure::Confirmed
            | Closure::Reversed,
        ) => return None,
    };
    Some(Ok(BTreeMap::from([(effect, verdict)])))
}

/// Where the effects stand once nothing of the intent is sent any more. `is_doubted` says of which nobody knows whether a
/// host sent them whose log is lost.
pub(super) fn call_off(
    case: &Case,
    effects: &mut BTreeMap<EffectId, EffectState>,
    at: Timestamp,
    is_doubted: impl Fn(&History) -> bool,
) {
    for planned in &case.writes {
        let Some(state) = effects.get_mut(&planned.effect) else { continue };
        match state {
            EffectState::Waiting if is_doubted(&History::default()) => {
                *state = EffectState::Ready { due: at, history: History::default() };
            }
            EffectState::Waiting => *state = EffectState::GivenUp,
            // An attempt may be running whose first step is not on record yet: it is not let out any more.
            EffectState::Ready { history, .. }
                if history.is_unsent(case.leaves_traces(planned)) && !is_doubted(history) =>
            {
                *state = EffectState::GivenUp;
            }
            // It is looked for once whatever is running has ended.
            EffectState::Ready { due, .. } => *due = at,
            EffectState::Sent { .. }
            | EffectState::Probing { .. }
            | EffectState::Landed { .. }
            | EffectState::Held { .. }
            | EffectState::GivenUp => {}
        }
    }
}

/// Adds the compensations of these effects, each to be made when the one before it is settled.
pub(super) fn plan(
    case: &Case,
    effects: &mut BTreeMap<EffectId, EffectState>,
    undo: &mut Undo,
    wanted: &[EffectId],
) -> Option<()> {
    for effect in wanted {
        let planned = case.writes.iter().find(|planned| planned.effect == *effect)?;
        let compensation = planned.compensation();
        effects.insert(compensation.effect, EffectState::Waiting);
        undo.writes.push(compensation);
    }
    Some(())
}

/// The compensation that is next, if the one before it is settled: one that is held holds up those after it.
pub(super) fn next(undo: &Undo, effects: &BTreeMap<EffectId, EffectState>) -> Option<EffectId> {
    let settled = |write: &&PlannedEffect| effects.get(&write.effect).is_some_and(EffectState::is_settled);
    let next = undo.writes.iter().find(|write| !settled(write))?;
    (effects.get(&next.effect) == Some(&EffectState::Waiting)).then_some(next.effect)
}
