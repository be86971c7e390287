//! Reconciliation by itself: reads the target of a write that landed, and has it written again where that was said.
//!
//! It decides nothing: what it finds it gives to the transition table.

use crate::count;
use crate::engine::Inner;
use crate::fault::Fault;
use crate::gates::Entry;
use crate::limits::{PAUSED_LOOK_MS, RE_ASSERT_DELAY_MS, RECORD_INTENTS_MAX};
use crate::outages::Denied;
use crate::port::connectors::Connection;
use crate::reconcile;
use crate::row::{RECORD, record_label};
use countersign_core::approval::command::{Command, ReadBack};
use countersign_core::approval::refusal::Refusal;
use countersign_core::approval::watch::{Next, Others, Standing};
use countersign_core::approval::{Approval, Authority, Case, Outcome, Stage};
use countersign_core::clock::is_due;
use countersign_core::effect::attempt::{Detail, Ended, Failure};
use countersign_core::effect::life::Denial;
use countersign_core::effect::plan::WritePlan;
use countersign_core::effect::reconcile::{
    Agreement, LOOK_GAP_MAX, RE_ASSERT_WAIT_MAX, Unread, WRITTEN_ELSEWHERE, compare, judge,
};
use countersign_core::hash::Digest;
use countersign_core::id::{ConnectionName, EffectId, IntentId};
use countersign_core::time::{Millis, Timestamp};
use std::sync::Arc;

/// A write whose target is to be looked at now.
struct Due<'a> {
    standing: Standing<'a>,
    case: &'a Case,
    authority: &'a Authority,
    /// Since when it is to be written again, if it is.
    wanted: Option<Timestamp>,
    /// What is to become of it now.
    of: Next,
}

/// Which looks are made.
#[derive(Debug, Clone, Copy)]
enum When {
    /// Those that are due.
    Due,
    /// Those that are to come, too: the target says that the record has changed.
    Changed,
}

fn due(approval: &Approval, effect: EffectId, (when, now): (When, Timestamp)) -> Option<Due<'_>> {
    let Stage::Closed(Outcome::Done { case, authority, .. }) = &approval.stage else { return None };
    let next = approval.watches.get(&effect)?.next;
    let wanted = match next {
        Next::ReAssert(since) => Some(since),
        Next::Look(_) | Next::Writing(_) | Next::Over => None,
    };
    match (when, next) {
        (When::Changed, Next::Look(_)) => {}
        (When::Changed, Next::ReAssert(_) | Next::Writing(_) | Next::Over) => return None,
        // It waits for its connection alone.
        (When::Due, Next::ReAssert(_)) => {}
        (When::Due, Next::Look(_) | Next::Writing(_) | Next::Over) => {
            next.due().filter(|due| is_due(*due, now, LOOK_GAP_MAX))?;
        }
    }
    let standing = approval.standing().find(|standing| standing.planned.effect == effect)?;
    Some(Due { standing, case, authority, wanted, of: next })
}

/// Looks at one write; says when to come again if its connection cannot be asked now.
///
/// If the process stops in here nothing has changed, and the errand is begun again.
pub(crate) async fn run(
    inner: &Arc<Inner>,
    intent: IntentId,
    effect: EffectId,
) -> Result<Option<Timestamp>, Fault> {
    look(inner, (intent, effect), When::Due).await
}

/// Looks at one write before that is due, as its target says that the record has changed. What is written again, or
/// given up, is left alone. Answers as [`run`] does.
pub(crate) async fn changed(
    inner: &Arc<Inner>,
    intent: IntentId,
    effect: EffectId,
) -> Result<Option<Timestamp>, Fault> {
    look(inner, (intent, effect), When::Changed).await
}

async fn look(
    inner: &Arc<Inner>,
    (intent, effect): (IntentId, EffectId),
    when: When,
) -> Result<Option<Timestamp>, Fault> {
    let mut approval = inner.read(intent).await?.approval;
    let Some(Due { standing, wanted, .. }) = due(&approval, effect, (when, inner.clock.now())) else {
        return Ok(None);
    };
    let mut _turn = None;
    if let Some(connection) = inner.connectors.connection(&standing.planned.connection) {
        match inner.enter(&connection).await? {
            Entry::Through(turn) => _turn = Some(turn),
            Entry::Waited(turn) => {
                _turn = Some(turn);
                approval = inner.read(intent).await?.approval;
            }
            Entry::Later(until) => {
                let message = format!("connection `{}` could not be asked", connection.name);
                return later(inner, (intent, effect, wanted), until, Detail::new("unavailable", message))
                    .await;
            }
        }
    }
    let Some(Due { standing, case, authority, wanted, of }) =
        due(&approval, effect, (when, inner.clock.now()))
    else {
        return Ok(None);
    };
    let began = inner.clock.now();
    let read = reconcile::read(inner, standing.planned, &standing.receipt.subject, false).await;
    let mut denied = Denied::default();
    if let Err((Unread::Denied, _)) = &read {
        denied = inner.denied_at(&standing.planned.connection, began).await?;
        if denied.denial == Denial::Passing {
            // Somebody is seeing to it, or the credential is another one by now.
            return Ok(Some(inner.later(Millis(PAUSED_LOOK_MS))));
        }
    }
    if let (Err((Unread::Unreachable, _)), When::Changed) = (&read, when) {
        // It is asked once more, and its own turn comes when it would have come.
        return Ok(Some(inner.later(Millis(PAUSED_LOOK_MS))));
    }
    let changes = case.written(standing.planned, authority);
    let compared = compare(&changes, standing.receipt, read.as_ref().map_err(|(unread, _)| *unread));
    let rulebook = inner.rulebook();
    let schema = rulebook.intent_type(&approval.intent.intent_type);
    let rows = schema.map(|schema| schema.watched(&standing.planned.binding)).unwrap_or_default();
    let agreement = judge(&compared, &rows).agreement;
    let is_amiss = agreement.is_amiss();
    let gone = agreement == Agreement::Gone;
    let again = wanted.is_some() && is_amiss && !gone;
    let plan = if again { Some(planned(inner, &standing, (case, authority)).await) } else { None };
    // Looked up after it was read and planned: whoever had written by then is found.
    let others =
        if is_amiss { others(inner, &approval, &standing, Clock::Doubted).await? } else { Others::default() };
    let wait = inner.later(Millis(RE_ASSERT_DELAY_MS));
    if let Some(plan) = plan {
        return match (others.open, plan) {
            (Some(_), _) => later(inner, (intent, effect, wanted), wait, written_elsewhere()).await,
            (None, Planned::Known(plan)) => {
                say(inner, intent, Command::ReAssert { effect, plan, others }).await
            }
            (None, Planned::Later(detail)) => later(inner, (intent, effect, wanted), wait, detail).await,
        };
    }
    if wanted.is_some()
        && let Err((_, why)) = &read
        && !gone
        && denied.denial == Denial::Effect
    {
        return later(inner, (intent, effect, wanted), wait, why.clone()).await;
    }
    let ahead = inner.ahead_since(standing.landed);
    let found = Box::new(ReadBack { of, ahead, read, others, denial: denied.denial });
    let said = inner.command(intent, Command::Reconciled { effect, found }, None).await;
    // Nobody else tells of it before it is stored.
    drop(denied);
    match (said, when) {
        (Ok(_), _) => Ok(None),
        // Somebody has looked in the meantime: perhaps before it was changed.
        (Err(Fault::Refused(Refusal::Overtaken | Refusal::WrongStage { .. })), When::Changed) => {
            Ok(Some(inner.later(Millis(PAUSED_LOOK_MS))))
        }
        // Somebody settled it in the meantime.
        (Err(Fault::Refused(Refusal::Overtaken | Refusal::WrongStage { .. })), When::Due) => Ok(None),
        (Err(fault), _) => Err(fault),
    }
}

fn written_elsewhere() -> Detail {
    Detail::new(WRITTEN_ELSEWHERE, "another intent is writing there")
}

/// Comes again then; what waits to be written again waits only so long until somebody is told.
async fn later(
    inner: &Arc<Inner>,
    (intent, effect, wanted): (IntentId, EffectId, Option<Timestamp>),
    until: Timestamp,
    why: Detail,
) -> Result<Option<Timestamp>, Fault> {
    match wanted {
        Some(since) if has_waited(since, inner.clock.now()) => {
            let others = Others::default();
            say(inner, intent, Command::ReAssert { effect, plan: Err(why), others }).await
        }
        Some(_) | None => Ok(Some(until)),
    }
}

async fn say(inner: &Arc<Inner>, intent: IntentId, command: Command) -> Result<Option<Timestamp>, Fault> {
    match inner.command(intent, command, None).await {
        // Somebody settled it in the meantime.
        Ok(_) | Err(Fault::Refused(Refusal::Overtaken | Refusal::WrongStage { .. })) => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// Whether what is to be written again has waited as long as it may; also if it was said by a clock that was ahead.
fn has_waited(since: Timestamp, now: Timestamp) -> bool {
    is_due(since.plus(RE_ASSERT_WAIT_MAX), now, RE_ASSERT_WAIT_MAX)
}

/// What has become of a record since it was said that something is to be written there again.
pub(crate) enum Meanwhile {
    /// Nothing; or this effect writes nothing again.
    Nothing,
    /// Another intent is writing there: it is looked at again then.
    Wait(Timestamp),
    /// The same, and it has waited for so long that it is to be planned anew.
    TooLong(Detail),
    /// Another intent has written there.
    By(IntentId),
}

/// Looks once more before an attempt of what writes something again: it may have waited long for its target.
pub(crate) async fn meanwhile(
    inner: &Arc<Inner>,
    approval: &Approval,
    effect: EffectId,
) -> Result<Meanwhile, Fault> {
    // Every attempt comes by here, and almost none writes anything again.
    let again = approval.planned(effect).and_then(|planned| Some((planned, planned.re_asserts?)));
    let Some((planned, of)) = again else { return Ok(Meanwhile::Nothing) };
    let Some(standing) = approval.standing().find(|standing| standing.planned.effect == of) else {
        return Ok(Meanwhile::Nothing);
    };
    // Where in doubt it gives way.
    let others = others(inner, approval, &standing, Clock::Believed).await?;
    let later = planned.plan.changes.iter().find_map(|change| others.later.get(&change.name));
    let next = approval.watches.get(&of).map(|watch| watch.next);
    let now = inner.clock.now();
    let waited = matches!(next, Some(Next::Writing(since)) if has_waited(since, now));
    Ok(match (later, others.open) {
        (Some(by), _) => Meanwhile::By(*by),
        (None, Some(_)) if waited => Meanwhile::TooLong(written_elsewhere()),
        (None, Some(_)) => Meanwhile::Wait(inner.later(Millis(RE_ASSERT_DELAY_MS))),
        (None, None) => Meanwhile::Nothing,
    })
}

/// Whether the clock is believed that says which of two writes came last, although it was set back since one of them was
/// asked for.
#[derive(Debug, Clone, Copy)]
enum Clock {
    Believed,
    Doubted,
}

/// What other effects have to do with the record of a write: those of its own intent, and of every other one that wrote
/// there.
async fn others(
    inner: &Arc<Inner>,
    approval: &Approval,
    standing: &Standing<'_>,
    clock: Clock,
) -> Result<Others, Fault> {
    let mut others = approval.touches(standing);
    others.alias = alias(inner, &standing.planned.connection);
    let label = record_label(&standing.planned.connection, &standing.receipt.subject);
    let mut intents: Vec<IntentId> = Vec::new();
    count::each(&*inner.store, &[(RECORD, &label)], |row| {
        intents.extend(row.stream.parse::<IntentId>().ok());
        RECORD_INTENTS_MAX <= intents.len()
    })
    .await?;
    intents.retain(|other| *other != approval.intent.id);
    let set_back = match clock {
        Clock::Doubted => inner.set_back(),
        Clock::Believed => Millis(0),
    };
    if !intents.is_empty() && approval.set_back < set_back {
        // The clock, which tells who came last, was set back since.
        others.unsure.extend(standing.planned.plan.changes.iter().map(|change| change.name.clone()));
    }
    for other in intents {
        let there = inner.read(other).await?.approval;
        let touches = there.touches(standing);
        let is_told = set_back <= there.set_back;
        others = others.and(if is_told { touches } else { touches.unsure_of_later() });
    }
    Ok(others)
}

/// Another connection that leads to the same system: its intents are not found by this one's name.
fn alias(inner: &Inner, name: &ConnectionName) -> Option<ConnectionName> {
    let own = inner.connectors.connection(name)?;
    let same = |other: &Connection| {
        other.endpoints.iter().any(|(_, base)| own.endpoints.iter().any(|(_, own)| own == base))
    };
    let all = inner.connectors.connections();
    all.iter().find(|other| other.name != *name && same(other)).map(|other| other.name.clone())
}

/// What would be written again.
enum Planned {
    /// A plan of this connector, or why there is none.
    Known(Result<(Digest, WritePlan), Detail>),
    /// Nobody can say now.
    Later(Detail),
}

async fn planned(
    inner: &Arc<Inner>,
    standing: &Standing<'_>,
    (case, authority): (&Case, &Authority),
) -> Planned {
    let (name, what) = (&standing.planned.connection, case.asked(standing.planned, authority));
    if inner.lacks_connector(name) {
        let message = format!("connection `{name}` has no connector yet");
        return Planned::Later(Detail::new("no-connector", message));
    }
    let Some(connection) = inner.connectors.connection(name) else {
        let message = format!("connection `{name}` is not configured any more");
        return Planned::Known(Err(Detail::new("no-connection", message)));
    };
    // Another version of its connector may promise less.
    let promised = connection.operation(&what.operation).map(|operation| operation.guarantee);
    if promised != Some(standing.planned.guarantee) {
        let message = format!("connection `{name}` does not promise any more what was approved");
        return Planned::Known(Err(Detail::new("guarantee-changed", message)));
    }
    match inner.connectors.plan(name, connection.digest, what, inner.clock.now()).await {
        Ended::Returned(plan) => Planned::Known(Ok((connection.digest, plan))),
        Ended::Failed(Failure::Rejected { detail, .. }) => Planned::Known(Err(detail)),
        Ended::Failed(failure) => Planned::Later(failure.detail().clone()),
        Ended::Broke(broke) => Planned::Later(Detail::new("connector-broke", broke.message)),
    }
}
