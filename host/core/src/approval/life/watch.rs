//! What landed is read back: by itself less and less often, and written again where the intent type or a person says so.

use super::settle::{self, Opening};
use super::{Turn, effect, fold, wrong_stage};
use crate::approval::command::ReadBack;
use crate::approval::event::{Actor, Event};
use crate::approval::refusal::Refusal;
use crate::approval::watch::{Next, Others, Standing, Watch};
use crate::approval::{Approval, Authority, Case, Outcome, PlannedEffect, Stage};
use crate::effect::attempt::Detail;
use crate::effect::life::{Denial, EffectState, History};
use crate::effect::plan::WritePlan;
use crate::effect::reconcile::{
    AMISS_GAP_MAX, Agreement, Compared, FIRST_LOOK, Judged, RE_ASSERTS_MAX, Unread, compare, judge, next_look,
};
use crate::exception::{Cause, Closed, Closure};
use crate::hash::Digest;
use crate::id::{EffectId, ExceptionId, IntentId};
use crate::intent::{IntentType, Reconciled, Remedy};
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// Begins to watch what the intent type watches of the writes that stand, as soon as nothing is open. A trial is
/// counted nowhere, so it is not watched either; and what was called off nobody wants to stand.
pub(super) fn begin(turn: &mut Turn<'_>) {
    let approval = &turn.approval;
    let schema = turn.context.rulebook.intent_type(&approval.intent.intent_type);
    let schema = schema.filter(|_| approval.intent.trial.is_none() && approval.undo().is_none());
    let due = turn.context.now.plus(FIRST_LOOK);
    let begins = |planned: &PlannedEffect| match approval.watches.get(&planned.effect).map(|watch| watch.next)
    {
        None => schema.is_some_and(|schema| is_watched(schema, planned)),
        // What is still being written now that nothing is open has landed once more.
        Some(Next::Writing(_)) => true,
        Some(Next::Look(_) | Next::ReAssert(_) | Next::Over) => false,
    };
    let own = approval.standing().map(|standing| standing.planned).filter(|planned| planned.undoes.is_none());
    let effects: BTreeMap<EffectId, Timestamp> =
        own.filter(|planned| begins(planned)).map(|planned| (planned.effect, due)).collect();
    if !effects.is_empty() {
        turn.record(Actor::Engine, Event::Watched { effects });
    }
}

fn is_watched(schema: &IntentType, planned: &PlannedEffect) -> bool {
    let changes = |field: &str| planned.plan.changes.iter().any(|change| change.name == field);
    schema.watched(&planned.binding).iter().any(|row| changes(&row.field))
}

/// A write that is watched, while nothing of its intent is under way.
struct Watched<'a> {
    standing: Standing<'a>,
    watch: &'a Watch,
    case: &'a Case,
    authority: &'a Authority,
}

fn watched<'a>(
    command: &'static str,
    approval: &'a Approval,
    effect: EffectId,
) -> Result<Watched<'a>, Refusal> {
    let Stage::Closed(Outcome::Done { case, authority, .. }) = &approval.stage else {
        return Err(wrong_stage(command, approval));
    };
    let watch = approval.watches.get(&effect).filter(|watch| watch.next.due().is_some());
    let standing = approval.standing().find(|standing| standing.planned.effect == effect);
    let (watch, standing) = watch.zip(standing).ok_or(Refusal::Overtaken)?;
    Ok(Watched { standing, watch, case, authority })
}

/// What a look at a target comes to.
pub(super) fn reconciled(turn: &mut Turn<'_>, effect: EffectId, found: ReadBack) -> Result<(), Refusal> {
    let now = turn.context.now;
    let Watched { standing, watch, case, authority } = watched("reconciled", &turn.approval, effect)?;
    if watch.next != found.of {
        return Err(Refusal::Overtaken);
    }
    let planned = standing.planned;
    let schema = turn.context.rulebook.intent_type(&turn.approval.intent.intent_type);
    let Some(schema) = schema.filter(|schema| is_watched(schema, planned)) else {
        let detail = Some(Detail::new("not-watched", "its intent type does not watch it any more"));
        let (agreement, fields) = (Agreement::Unreadable, Vec::new());
        let over =
            Event::Reconciled { effect, agreement, fields, detail, by: None, next: None, re_assert: false };
        turn.record(Actor::Timer, over);
        return Ok(());
    };
    let ReadBack { of: _, ahead, read, others, denial } = found;
    let unread = read.as_ref().err().map(|(unread, _)| *unread);
    let why = read.as_ref().err().map(|(_, why)| why.clone());
    let changes = case.written(planned, authority);
    let compared = compare(&changes, standing.receipt, read.as_ref().map_err(|(unread, _)| *unread));
    let rows = schema.watched(&planned.binding);
    let Weighed { judged, by, over: is_over, unjudged, doubt } = weighed(&compared, &rows, &others);
    let open = open_about(&turn.approval, effect);
    let re_asserts = judged.remedy == Some(Remedy::ReAssert)
        && matches!(judged.agreement, Agreement::Late | Agreement::Drifted)
        && open.is_none()
        && doubt.is_none()
        && standing.is_repeatable()
        && !matches!(watch.next, Next::ReAssert(_))
        && watch.asserted < RE_ASSERTS_MAX;
    let later = next_look(standing.landed.plus(ahead), now, judged.agreement);
    // What somebody wants to have written again waits until its connection lets it in.
    let waits = match watch.next {
        Next::ReAssert(since) if denial == Denial::Connection => Some(since),
        Next::ReAssert(_) | Next::Look(_) | Next::Writing(_) | Next::Over => None,
    };
    let was_amiss = watch.last.is_some_and(|(_, agreement)| agreement.is_amiss());
    let next = match (re_asserts, is_over, later) {
        (true, _, _) => Some(now),
        (false, true, _) => None,
        (false, false, _) if waits.is_some() => waits,
        // Somebody answers for it, and is to know when it is put right; or it is amiss, and nobody knows yet by whom.
        (false, false, later) => {
            later.or_else(|| (open.is_some() || was_amiss || unjudged).then(|| now.plus(AMISS_GAP_MAX)))
        }
    };
    let re_assert = re_asserts || (waits.is_some() && !is_over);
    let connection = planned.connection.clone();
    let seen = Seen {
        standing: &standing,
        unread: unread.map(|unread| (unread, denial)),
        why: why.as_ref(),
        asserted: watch.asserted,
        doubt,
    };
    let opening = (!re_asserts).then(|| opening(&judged, &seen)).flatten();
    let Judged { agreement, fields, .. } = judged;
    let told = turn.approval.pauses().contains(&connection);
    let denied =
        (unread == Some(Unread::Denied) && denial == Denial::Connection && !told).then(|| why.clone());
    let event = Event::Reconciled { effect, agreement, fields, detail: why, by, next, re_assert };
    turn.record(Actor::Timer, event);
    if let Some(why) = denied.flatten() {
        let opening = Opening::of(Cause::Denied, why);
        settle::open(turn, Opening { connection: Some(connection), ..opening });
    }
    let known = open.filter(|(_, cause)| opening.as_ref().is_none_or(|opening| opening.cause != *cause));
    let gone_by = match agreement {
        _ if is_over => Some("another intent has written there since"),
        Agreement::True => Some("the target holds what was approved"),
        _ if opening.is_some() => Some("something else is amiss by now"),
        Agreement::Late | Agreement::Drifted | Agreement::Gone | Agreement::Unreadable => None,
    };
    if let Some(((id, _), reason)) = known.zip(gone_by) {
        settle::overtaken(turn, id, reason);
    }
    if let Some(opening) = opening
        && open_about(&turn.approval, effect).is_none()
    {
        settle::open(turn, opening);
    }
    Ok(())
}

/// A look, leaving out what another effect has written since.
struct Weighed {
    /// The verdict on what is left.
    judged: Judged,
    /// The intent that has written something of it, or is about to.
    by: Option<IntentId>,
    /// Whether nothing is left.
    over: bool,
    /// Whether something of it is amiss, and is not judged as long as another intent is writing there.
    unjudged: bool,
    /// Why nobody can say whether what is amiss was written by somebody who was allowed to.
    doubt: Option<String>,
}

fn weighed(compared: &[Compared], rows: &[&Reconciled], others: &Others) -> Weighed {
    let watched = compared.iter().filter(|field| rows.iter().any(|row| row.field == field.field));
    let (later, left): (Vec<_>, Vec<_>) =
        watched.cloned().partition(|field| others.later.contains_key(&field.field));
    let (judged, over) = (judge(&left, rows), left.is_empty());
    if judged.agreement.is_amiss() && others.open.is_some() {
        // What it holds now nobody can lay at anybody's door.
        let judged = Judged { agreement: Agreement::Unreadable, fields: Vec::new(), remedy: None };
        return Weighed { judged, by: others.open, over, unjudged: true, doubt: None };
    }
    let by = later.iter().find_map(|field| others.later.get(&field.field)).copied();
    let unsure = judged.fields.iter().any(|field| others.unsure.contains(field));
    let unsure =
        unsure.then(|| "another intent was written there, and nobody can say which came last".to_owned());
    let alias = others.alias.as_ref();
    let alias = alias.map(|name| format!("connection `{name}` leads to the same system"));
    Weighed { judged, by, over, unjudged: false, doubt: unsure.or(alias) }
}

/// What is known beside the verdict of a look.
struct Seen<'a> {
    standing: &'a Standing<'a>,
    unread: Option<(Unread, Denial)>,
    why: Option<&'a Detail>,
    asserted: u32,
    doubt: Option<String>,
}

/// The exception that a look opens, if it must.
fn opening(judged: &Judged, seen: &Seen<'_>) -> Option<Opening> {
    let planned = seen.standing.planned;
    let cause = judged.agreement.cause()?;
    // What cannot be reached is the whole connection's trouble.
    let unreachable = match seen.unread {
        Some((Unread::Unreachable, _)) => true,
        Some((Unread::Denied, denial)) => denial != Denial::Effect,
        Some((Unread::Gone | Unread::Refused, _)) | None => false,
    };
    if cause == Cause::Unreadable && (unreachable || judged.fields.is_empty()) {
        return None;
    }
    let mut message = amiss(planned, judged.agreement, &judged.fields);
    if let Some(why) = seen.why {
        message.push_str(&format!(" ({})", why.message));
    }
    let more = match (judged.remedy, &seen.doubt) {
        (Some(Remedy::ReAssert), Some(doubt)) => format!("; it is not written again by itself, as {doubt}"),
        (Some(Remedy::ReAssert), None) if !seen.standing.is_repeatable() => {
            "; it made a record of its own, and would make another one if it was written again".to_owned()
        }
        (Some(Remedy::ReAssert), None) if RE_ASSERTS_MAX <= seen.asserted => {
            "; it was to be written again before, and is not by itself any more".to_owned()
        }
        (Some(Remedy::Adopt), _) if judged.agreement == Agreement::Drifted => {
            "; its intent type has it adopted: `countersign exception adopt` asks for what is there"
                .to_owned()
        }
        (Some(Remedy::Adopt | Remedy::ReAssert | Remedy::Exception) | None, _) => String::new(),
    };
    message.push_str(&more);
    let opening = Opening::of(cause, Detail::new(judged.agreement.as_str(), message));
    Some(Opening { effect: Some(planned.effect), ..opening })
}

fn amiss(planned: &PlannedEffect, agreement: Agreement, fields: &[String]) -> String {
    let connection = &planned.connection;
    let fields = fields.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(", ");
    let binding = &planned.binding;
    match agreement {
        Agreement::True => format!("connection `{connection}` holds what `{binding}` wrote"),
        Agreement::Late => {
            format!("connection `{connection}` holds what it held before `{binding}` wrote: {fields}")
        }
        Agreement::Drifted => {
            format!("connection `{connection}` holds something else than what `{binding}` wrote: {fields}")
        }
        Agreement::Gone => {
            format!(
                "the record in which connection `{connection}` held what `{binding}` wrote is gone: {fields}"
            )
        }
        Agreement::Unreadable => {
            format!("connection `{connection}` does not let be read back what `{binding}` wrote: {fields}")
        }
    }
}

/// The open exception about what the target of an effect holds.
fn open_about(approval: &Approval, effect: EffectId) -> Option<(ExceptionId, Cause)> {
    let mut open = approval.exceptions.iter().filter(|(_, exception)| exception.closed.is_none());
    let about = open.find(|(_, exception)| exception.is_of_watch() && exception.effect == Some(effect));
    about.map(|(id, exception)| (*id, exception.cause))
}

/// Writes again what was approved, if nothing else would be written; else a person is asked.
pub(super) fn re_assert(
    turn: &mut Turn<'_>,
    effect: EffectId,
    plan: Result<(Digest, WritePlan), Detail>,
    others: &Others,
) -> Result<(), Refusal> {
    let seen = watched("re-assert", &turn.approval, effect)?;
    if !matches!(seen.watch.next, Next::ReAssert(_)) {
        return Err(Refusal::Overtaken);
    }
    let name = &turn.approval.intent.intent_type;
    let schema = turn.context.rulebook.intent_type(name);
    let checked = plan.and_then(|(connector, plan)| match unlike(&seen, schema, &plan, others) {
        None => Ok((connector, plan)),
        Some(why) => Err(Detail::new("not-re-asserted", why)),
    });
    match checked {
        Ok((connector, plan)) => turn.record(Actor::Engine, Event::ReAsserted { effect, connector, plan }),
        Err(detail) => failed(turn, effect, detail, Asked::Somebody),
    }
    Ok(())
}

/// Who is asked about what could not be written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Whoever answers for it.
    Somebody,
    /// Nobody: it is looked at once more in a moment.
    Nobody,
}

/// What was to be written again was not, as far as is known.
pub(super) fn failed(turn: &mut Turn<'_>, of: EffectId, detail: Detail, asked: Asked) {
    let now = turn.context.now;
    let next = now.plus(if asked == Asked::Nobody { FIRST_LOOK } else { AMISS_GAP_MAX });
    let known = turn.approval.planned(of).map(|planned| (&planned.binding, &planned.connection));
    let what = known.map_or_else(String::new, |(binding, at)| format!("what `{binding}` wrote at `{at}`"));
    let message = format!("{what} is not there any more, and was not written again: {}", detail.message);
    let last = turn.approval.watches.get(&of).and_then(|watch| watch.last);
    let cause = last.and_then(|(_, agreement)| agreement.cause()).unwrap_or(Cause::Drift);
    let opening = Opening::of(cause, Detail::new(&detail.code, message));
    turn.record(Actor::Engine, Event::NotReAsserted { effect: of, detail, next });
    if asked == Asked::Somebody && open_about(&turn.approval, of).is_none() {
        settle::open(turn, Opening { effect: Some(of), ..opening });
    }
}

/// Writes nothing again where another intent has written meanwhile: what that wrote counts.
pub(super) fn supersede(turn: &mut Turn<'_>, effect: EffectId, by: IntentId) -> Result<(), Refusal> {
    let (planned, state) = effect::open_effect("supersede", &turn.approval, effect)?;
    if planned.re_asserts.is_none() || !effect::waits(state) {
        return Err(Refusal::Overtaken);
    }
    turn.record(Actor::Engine, Event::Superseded { effect, by });
    effect::follow_up(turn, effect);
    Ok(())
}

/// How a plan differs from writing again what was approved and is watched.
fn unlike(
    seen: &Watched<'_>,
    schema: Option<&IntentType>,
    plan: &WritePlan,
    others: &Others,
) -> Option<String> {
    let Watched { standing, case, authority, .. } = seen;
    if !standing.is_repeatable() || plan.subject != standing.receipt.subject {
        return Some("it made a record of its own, and would make another one".to_owned());
    }
    if plan.changes.is_empty() {
        return Some("its connector says that there is nothing to write".to_owned());
    }
    if !case.allows(plan, standing, authority) {
        return Some("what would be written is not what was approved".to_owned());
    }
    if let Some(change) = plan.changes.iter().find(|change| others.later.contains_key(&change.name)) {
        let name = &change.name;
        return Some(format!("`{name}` would be written with it, and another intent has written that since"));
    }
    // What the connector adds of its own belongs to the fields that were asked for.
    let (schema, binding) = (schema?, &standing.planned.binding);
    let watched = schema.watched(binding);
    let is_watched = |field: &str| watched.iter().any(|row| row.field == field);
    let asked = schema.writes.iter().filter(|write| write.binding == *binding);
    let mut unwatched = asked.filter(|write| !is_watched(&write.field));
    let also = unwatched.find(|write| plan.changes.iter().any(|change| change.name == write.field))?;
    Some(format!("`{}` would be written with it, and the intent type does not watch that", also.field))
}

/// These are watched from now on, or again.
pub(super) fn watch(approval: &mut Approval, effects: &BTreeMap<EffectId, Timestamp>) -> Option<()> {
    let Stage::Closed(Outcome::Done { .. }) = &approval.stage else { return None };
    let landed: BTreeMap<EffectId, Timestamp> =
        approval.standing().map(|standing| (standing.planned.effect, standing.landed)).collect();
    for (effect, due) in effects {
        let (landed, next) = (*landed.get(effect)?, Next::Look(*due));
        let new = Watch { landed, next, last: None, asserted: 0, writes: Vec::new() };
        let watch = approval.watches.entry(*effect).or_insert(new);
        (watch.landed, watch.next) = (landed, next);
    }
    Some(())
}

/// What a look came to.
pub(super) fn look(
    approval: &mut Approval,
    effect: EffectId,
    (agreement, next, re_assert): (Agreement, Option<Timestamp>, bool),
    at: Timestamp,
) -> Option<()> {
    let Stage::Closed(Outcome::Done { .. }) = &approval.stage else { return None };
    let watch = approval.watches.get_mut(&effect)?;
    watch.last = Some((at, agreement));
    watch.next = match next {
        None => Next::Over,
        Some(next) if re_assert => Next::ReAssert(next),
        Some(next) => Next::Look(next),
    };
    Some(())
}

/// It could not be written again: its target is read back then.
pub(super) fn put_off(approval: &mut Approval, effect: EffectId, next: Timestamp) -> Option<()> {
    approval.watches.get_mut(&effect)?.next = Next::Look(next);
    Some(())
}

/// A write goes out once more, under the same approval.
pub(super) fn begin_again(
    approval: &mut Approval,
    effect: EffectId,
    (connector, plan): (Digest, &WritePlan),
    at: Timestamp,
) -> Option<()> {
    let stage = std::mem::replace(&mut approval.stage, Stage::Preparing { tries: 0, due: at });
    let Stage::Closed(Outcome::Done { case, authority, mut effects, undo, .. }) = stage else { return None };
    let planned = case.writes.iter().find(|planned| planned.effect == effect)?;
    let watch = approval.watches.get_mut(&effect)?;
    let number = u32::try_from(watch.writes.len()).ok()?.saturating_add(1);
    let again = planned.again(number, connector, plan.clone());
    effects.insert(again.effect, EffectState::Ready { due: at, history: History::default() });
    watch.writes.push(again);
    watch.next = Next::Writing(at);
    watch.asserted = watch.asserted.saturating_add(1);
    approval.stage = Stage::Executing { case, authority, effects, undo, revisions: BTreeMap::new() };
    Some(())
}

/// What somebody gave up writing again is looked at all the same.
pub(super) fn end_given_up(approval: &mut Approval, at: Timestamp) {
    let Stage::Closed(Outcome::Done { effects, .. }) = &approval.stage else { return };
    let writing = |watch: &&mut Watch| matches!(watch.next, Next::Writing(_));
    for watch in approval.watches.values_mut().filter(writing) {
        let write = watch.writes.last().and_then(|write| effects.get(&write.effect));
        if write == Some(&EffectState::GivenUp) {
            // By itself it is not written again against the word of whoever gave it up.
            watch.asserted = RE_ASSERTS_MAX;
            watch.next = Next::Look(at.plus(AMISS_GAP_MAX));
        }
    }
}

/// It is not written again, and nobody looks any more: whoever wrote there since does.
pub(super) fn superseded(approval: &mut Approval, effect: EffectId, at: Timestamp) -> Option<()> {
    let of = approval.planned(effect)?.re_asserts?;
    fold::move_effect(&mut approval.stage, effect, at, |_| Some(EffectState::GivenUp))?;
    approval.watches.get_mut(&of)?.next = Next::Over;
    Some(())
}

/// What somebody says who answers for it.
pub(super) fn settle(watch: &mut Watch, closed: &Closed) {
    if closed.person.is_none() {
        return;
    }
    match closed.by {
        Closure::ReAssert => {
            watch.asserted = 0;
            watch.next = Next::ReAssert(closed.at);
        }
        Closure::Probe => watch.next = Next::Look(closed.at),
        Closure::GiveUp => watch.next = Next::Over,
        Closure::Retry
        | Closure::Undo
        | Closure::Decline
        | Closure::Reviewed
        | Closure::Confirmed
        | Closure::Reversed => {}
    }
}
