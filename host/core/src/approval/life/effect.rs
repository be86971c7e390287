//! Effects inside an approval: what left, how attempts and probes ended, and when all is settled.

use super::settle::Opening;
use super::{Turn, settle, undo, watch, wrong_stage};
use crate::approval::command::Target;
use crate::approval::event::{Actor, Event};
use crate::approval::refusal::Refusal;
use crate::approval::{Approval, PlannedEffect, Stage};
use crate::effect::attempt::{AttemptEnd, Detail, Ended, Finding, Guarantee};
use crate::effect::life::{self, Denial, EffectState, HeldCause, History, Terms, Verdict, Wire};
use crate::effect::reconcile::WRITTEN_ELSEWHERE;
use crate::effect::retry;
use crate::exception::Cause;
use crate::hash::Digest;
use crate::id::EffectId;
use crate::intent::OnFailure;
use crate::time::{Millis, Timestamp};

pub(super) fn send(
    turn: &mut Turn<'_>,
    effect: EffectId,
    step: String,
    request: Digest,
) -> Result<(), Refusal> {
    let (planned, state) = open_effect("send", &turn.approval, effect)?;
    match state {
        // A step that follows on another one goes out still: half of an effect is worse than all of it.
        EffectState::Ready { .. } if turn.approval.is_called_off(planned) => Err(Refusal::Overtaken),
        EffectState::Ready { .. } | EffectState::Sent { .. } => {
            turn.record(Actor::Engine, Event::Sending { effect, step, request });
            Ok(())
        }
        EffectState::Waiting
        | EffectState::Probing { .. }
        | EffectState::Landed { .. }
        | EffectState::Held { .. }
        | EffectState::GivenUp => Err(Refusal::Overtaken),
    }
}

pub(super) fn attempted(
    turn: &mut Turn<'_>,
    effect: EffectId,
    end: AttemptEnd,
    began: Timestamp,
    target: Target,
) -> Result<(), Refusal> {
    let (planned, state) = open_effect("attempted", &turn.approval, effect)?;
    let (history, untraced) = match state {
        EffectState::Ready { due, history } => {
            (*history, untraced(&turn.approval, planned, (*due, *history)))
        }
        EffectState::Sent { history, .. } => (*history, None),
        EffectState::Waiting
        | EffectState::Probing { .. }
        | EffectState::Landed { .. }
        | EffectState::Held { .. }
        | EffectState::GivenUp => return Err(Refusal::Overtaken),
    };
    let terms = Terms { began: began.min(turn.context.now), untraced, ..terms(turn, planned, target) };
    let mut verdict = life::next(history, &end, &terms);
    let undoes = if turn.approval.is_called_off(planned) {
        let traced = turn.approval.case().is_some_and(|case| case.leaves_traces(planned));
        verdict = life::called_off(verdict, traced, &end.steps, terms.now);
        false
    } else {
        planned.on_failure == OnFailure::Undo && life::is_refused(&verdict, &end.steps)
    };
    let detail = match &end.claim {
        Ended::Returned(_) => None,
        Ended::Failed(failure) => Some(failure.detail().clone()),
        Ended::Broke(broke) => Some(Detail::new("connector-broke", broke.message.clone())),
    };
    // Whoever had it sent once more without knowing is to hear of it.
    let again = planned.re_asserts.filter(|_| !history.vouched);
    let again = again.and_then(|of| refused_again(&verdict, &end).map(|why| (of, why)));
    if let Some((of, (why, asked))) = again {
        let verdict = EffectState::GivenUp;
        turn.record(Actor::Engine, Event::Attempted { effect, steps: end.steps, detail, verdict });
        watch::failed(turn, of, why, asked);
        follow_up(turn, effect);
        return Ok(());
    }
    let opened = held(&verdict).map(|(cause, detail)| opening(planned, cause, detail, terms.denial));
    turn.record(Actor::Engine, Event::Attempted { effect, steps: end.steps, detail, verdict });
    let opened = opened.map(|opening| settle::open(turn, opening));
    if undoes && opened.is_some() && turn.approval.undo().is_none() {
        undo::begin(turn, Actor::Engine, effect);
    }
    follow_up(turn, effect);
    Ok(())
}

/// Since when an attempt at what was due may have been made that left no trace.
fn untraced(
    approval: &Approval,
    planned: &PlannedEffect,
    (due, history): (Timestamp, History),
) -> Option<Timestamp> {
    let traced = approval.case().is_some_and(|case| case.leaves_traces(planned));
    let since = history.may_have_begun(approval.unset(due));
    (!traced).then_some(since)
}

/// Why what was to be written again is given up, and who is asked: it was refused for certain. Where its record was
/// changed elsewhere that is looked at once more, as it will be planned anew then.
fn refused_again(verdict: &Verdict, end: &AttemptEnd) -> Option<(Detail, watch::Asked)> {
    if Wire::of(&end.steps) != Wire::Nothing {
        return None;
    }
    match held(verdict)? {
        (HeldCause::Rejected, detail) => Some((detail, watch::Asked::Somebody)),
        (HeldCause::Conflict, detail) => Some((detail, watch::Asked::Nobody)),
        (HeldCause::Uncertain | HeldCause::Exhausted | HeldCause::Denied | HeldCause::Quarantined, _) => None,
    }
}

pub(super) fn probed(
    turn: &mut Turn<'_>,
    effect: EffectId,
    end: Ended<Finding>,
    began: Timestamp,
    target: Target,
) -> Result<(), Refusal> {
    let (planned, state) = open_effect("probed", &turn.approval, effect)?;
    let EffectState::Probing { sent, probes, history, .. } = state else {
        return Err(Refusal::Overtaken);
    };
    let terms = Terms { began: began.min(turn.context.now), ..terms(turn, planned, target) };
    let mut verdict = life::next_after_probe(*history, *sent, *probes, &end, &terms);
    if turn.approval.is_called_off(planned) {
        verdict = life::absent_for_good(verdict, &end);
    }
    let detail = match &end {
        Ended::Returned(Finding::Landed(_)) => None,
        Ended::Returned(Finding::Absent) => Some(Detail::new("absent", "the target does not hold it")),
        Ended::Returned(Finding::Unknown) => Some(Detail::new("unknown", "the target does not say")),
        Ended::Failed(failure) => Some(failure.detail().clone()),
        Ended::Broke(broke) => Some(Detail::new("connector-broke", broke.message.clone())),
    };
    let opened = held(&verdict).map(|(cause, detail)| opening(planned, cause, detail, terms.denial));
    turn.record(Actor::Engine, Event::Probed { effect, detail, verdict });
    if let Some(opening) = opened {
        settle::open(turn, opening);
    }
    follow_up(turn, effect);
    Ok(())
}

/// Has the target asked before anything is repeated under a key that it may have forgotten, or may have been sent by a
/// host whose log is lost.
pub(super) fn key_expired(turn: &mut Turn<'_>, effect: EffectId, target: Target) -> Result<(), Refusal> {
    let (planned, state) = open_effect("key-expired", &turn.approval, effect)?;
    let EffectState::Ready { due, history } = state else { return Err(Refusal::Overtaken) };
    let memory = target.memory(planned.guarantee);
    let now = turn.context.now;
    let called_off = turn.approval.is_called_off(planned);
    let doubted = turn.approval.is_doubted(history, target.restored);
    let forgotten = life::is_looked_for_first(turn.approval.unset(*due), *history, memory, now);
    if !called_off && !doubted && !forgotten {
        return Err(Refusal::Overtaken);
    }
    let history = if called_off && !doubted {
        *history
    } else {
        history.left_open(history.may_have_begun(turn.approval.unset(*due)))
    };
    let history = History { restored: target.restored.max(history.restored), ..history };
    let detail = if doubted {
        let message = "the log was restored from a backup, and a host whose log is lost may have sent it: it is looked for \
                       before anything is sent";
        Detail::new("restored", message)
    } else if called_off {
        Detail::new(
            "called-off",
            "what the intent wrote is taken back: it is looked for instead of being sent",
        )
    } else {
        let message = "something may have been sent under a key that the target may have forgotten: it is looked for \
                       before anything is sent";
        Detail::new("key-expired", message)
    };
    // Nothing can be asked of a target that offers nothing: somebody has to look there.
    let verdict = if doubted && planned.guarantee == Guarantee::Blind {
        let message = "the log was restored from a backup, and a host whose log is lost may have sent it: look at the target \
                       before it is sent";
        EffectState::Held { cause: HeldCause::Uncertain, detail: Detail::new("restored", message), history }
    } else {
        life::probe(history, now, Millis(0))
    };
    let opened = held(&verdict).map(|(cause, detail)| opening(planned, cause, detail, Denial::Effect));
    let detail = Some(detail);
    turn.record(Actor::Engine, Event::Attempted { effect, steps: Vec::new(), detail, verdict });
    if let Some(opening) = opened {
        settle::open(turn, opening);
        follow_up(turn, effect);
    }
    Ok(())
}

/// Tells whoever answers for it that a target does not answer; the effect goes on waiting.
pub(super) fn unavailable(turn: &mut Turn<'_>, effect: EffectId, detail: Detail) -> Result<(), Refusal> {
    let (planned, state) = open_effect("unavailable", &turn.approval, effect)?;
    let connection = planned.connection.clone();
    if !waits(state) || turn.approval.tells_of().contains(&connection) {
        return Err(Refusal::Overtaken);
    }
    let opening = Opening::of(Cause::Unavailable, detail);
    settle::open(turn, Opening { effect: Some(effect), connection: Some(connection), ..opening });
    Ok(())
}

/// Whether an effect waits for its target: nothing of it runs, and nobody is asked about it.
pub(super) fn waits(state: &EffectState) -> bool {
    match state {
        EffectState::Ready { .. } | EffectState::Probing { .. } => true,
        EffectState::Waiting
        | EffectState::Sent { .. }
        | EffectState::Landed { .. }
        | EffectState::Held { .. }
        | EffectState::GivenUp => false,
    }
}

pub(super) fn block(turn: &mut Turn<'_>, effect: EffectId, detail: Detail) -> Result<(), Refusal> {
    let (planned, state) = open_effect("block", &turn.approval, effect)?;
    let (history, detail) = match state {
        EffectState::Ready { due, history } if retry::is_due(*due, turn.context.now) => {
            (history.since(untraced(&turn.approval, planned, (*due, *history))), detail)
        }
        EffectState::Ready { history, .. } => (*history, detail),
        // What was looked for may be in: whoever has it tried again must have it looked for first.
        EffectState::Probing { sent, history, .. } => (history.left_open(turn.approval.unset(*sent)), detail),
        // The step may be in: whoever has it tried again must have it looked for first.
        EffectState::Sent { step, at, history } => {
            let message = format!("{}; step `{step}` of it may be in", detail.message);
            (history.left_open(turn.approval.unset(*at)), Detail { message, ..detail })
        }
        EffectState::Waiting
        | EffectState::Landed { .. }
        | EffectState::Held { .. }
        | EffectState::GivenUp => return Err(Refusal::Overtaken),
    };
    if let (Some(of), EffectState::Ready { .. }) = (planned.re_asserts, state) {
        // It can be planned anew, as things are now: what is there says whether it must.
        let (verdict, why) = (EffectState::GivenUp, detail.clone());
        let event = Event::Attempted { effect, steps: Vec::new(), detail: Some(detail), verdict };
        turn.record(Actor::Engine, event);
        let waited = why.code == WRITTEN_ELSEWHERE;
        let asked = if waited { watch::Asked::Somebody } else { watch::Asked::Nobody };
        watch::failed(turn, of, why, asked);
        follow_up(turn, effect);
        return Ok(());
    }
    let verdict = EffectState::Held { cause: HeldCause::Rejected, detail: detail.clone(), history };
    let opened = held(&verdict).map(|(cause, detail)| opening(planned, cause, detail, Denial::Effect));
    let event = Event::Attempted { effect, steps: Vec::new(), detail: Some(detail), verdict };
    turn.record(Actor::Engine, event);
    if let Some(opening) = opened {
        settle::open(turn, opening);
    }
    follow_up(turn, effect);
    Ok(())
}

/// Takes back what is to be, and closes the approval once every effect is settled and no exception is open.
pub(super) fn close_if_settled(turn: &mut Turn<'_>) {
    undo::go_on(turn);
    let Stage::Executing { effects, .. } = &turn.approval.stage else { return };
    let settled = effects.values().all(EffectState::is_settled);
    let mut exceptions = turn.approval.exceptions.values();
    let quiet = exceptions.all(|exception| exception.closed.is_some() || exception.cause.outlives());
    if settled && quiet {
        turn.record(Actor::Engine, Event::Closed);
        watch::begin(turn);
    }
}

pub(super) fn follow_up(turn: &mut Turn<'_>, effect: EffectId) {
    let ended = !open_effect("follow-up", &turn.approval, effect).is_ok_and(|(_, state)| waits(state));
    if ended {
        settle::waits_no_more(turn, effect, "its target answered");
    }
    close_if_settled(turn);
}

/// The exception about an effect that is held; about the whole connection, if that is not let in or its connector
/// breaks.
pub(super) fn opening(planned: &PlannedEffect, cause: HeldCause, detail: Detail, denial: Denial) -> Opening {
    let of_connection = matches!(cause, HeldCause::Denied | HeldCause::Quarantined);
    let whole = of_connection && denial == Denial::Connection;
    Opening {
        effect: Some(planned.effect),
        connection: whole.then(|| planned.connection.clone()),
        ..Opening::of(cause_of(cause), detail)
    }
}

fn held(verdict: &Verdict) -> Option<(HeldCause, Detail)> {
    match verdict {
        EffectState::Held { cause, detail, .. } => Some((*cause, detail.clone())),
        EffectState::Waiting
        | EffectState::Ready { .. }
        | EffectState::Sent { .. }
        | EffectState::Probing { .. }
        | EffectState::Landed { .. }
        | EffectState::GivenUp => None,
    }
}

fn cause_of(cause: HeldCause) -> Cause {
    match cause {
        HeldCause::Rejected => Cause::Rejected,
        HeldCause::Conflict => Cause::Conflict,
        HeldCause::Uncertain => Cause::Uncertain,
        HeldCause::Exhausted => Cause::Exhausted,
        HeldCause::Denied => Cause::Denied,
        HeldCause::Quarantined => Cause::Quarantined,
    }
}

fn terms(turn: &Turn<'_>, planned: &PlannedEffect, target: Target) -> Terms {
    let mut exceptions = turn.approval.exceptions.values();
    let told = exceptions.any(|exception| exception.pauses() == Some(&planned.connection));
    Terms {
        // Two effects of one approval can hear it in one commit.
        denial: if told { Denial::Passing } else { target.denial },
        guarantee: planned.guarantee,
        settle: target.settle,
        unsettled_until: target.unsettled_until,
        key_lifetime: target.key_lifetime,
        set_back: target.set_back,
        replans: planned.is_sealed(),
        nothing_to_write: !planned.writes(),
        untraced: None,
        began: turn.context.now,
        now: turn.context.now,
        chance: turn.context.chance,
    }
}

pub(super) fn open_effect<'a>(
    command: &'static str,
    approval: &'a Approval,
    effect: EffectId,
) -> Result<(&'a PlannedEffect, &'a EffectState), Refusal> {
    let Stage::Executing { effects, .. } = &approval.stage else {
        return Err(wrong_stage(command, approval));
    };
    approval.planned(effect).zip(effects.get(&effect)).ok_or(Refusal::Overtaken)
}
