//! The effect worker: attempts and probes, one at a time an effect, a bounded number a connection.
//!
//! It decides nothing: it asks for the proof that the intent was approved, calls the connector, and
//! gives what came back to the transition table.

use crate::beside::Begun;
use crate::engine::Inner;
use crate::fault::Fault;
use crate::gates::Entry;
use crate::handle::Running;
use crate::limits::PAUSED_LOOK_MS;
use crate::outages::Denied;
use crate::port::Answer;
use crate::port::connectors::{Call, Connection, Ledger, NotRecorded};
use crate::prepare::Found;
use crate::watch::Meanwhile;
use countersign_core::approval::command::{Command, Target};
use countersign_core::approval::refusal::Refusal;
use countersign_core::approval::{Approval, ApprovedIntent, NotToBeWritten, PlannedEffect};
use countersign_core::effect::attempt::{AttemptEnd, Detail, Ended, Failure};
use countersign_core::effect::life::{self, Denial, EffectState, History};
use countersign_core::effect::plan::WritePlan;
use countersign_core::effect::retry;
use countersign_core::hash::Digest;
use countersign_core::id::{EffectId, IntentId};
use countersign_core::time::{Millis, Timestamp};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// What the worker has to do for an effect now.
enum Work {
    Nothing,
    /// Its connection has no connector yet.
    Wait,
    Block(Detail),
    Interrupted {
        step: String,
        began: Timestamp,
        target: Target,
    },
    Look {
        target: Target,
    },
    Replan {
        connection: Arc<Connection>,
        target: Target,
    },
    Supersede {
        by: IntentId,
    },
    Attempt {
        call: Box<Call>,
        records: bool,
        connection: Arc<Connection>,
        target: Target,
    },
    Probe {
        call: Box<Call>,
        connection: Arc<Connection>,
        target: Target,
    },
}

impl Work {
    /// The connection that it needs a turn at.
    fn needs(&self) -> Option<&Arc<Connection>> {
        match self {
            Work::Attempt { connection, .. }
            | Work::Probe { connection, .. }
            | Work::Replan { connection, .. } => Some(connection),
            Work::Nothing
            | Work::Wait
            | Work::Block(_)
            | Work::Interrupted { .. }
            | Work::Look { .. }
            | Work::Supersede { .. } => None,
        }
    }
}

/// Takes one effect a step further; says when to look again if its connection cannot take it now.
///
/// If the process stops in here: an effect that was ready and had nothing recorded as sent is
/// attempted again; one with a recorded step is looked at as interrupted.
pub(crate) async fn run(
    inner: &Arc<Inner>,
    intent: IntentId,
    effect: EffectId,
) -> Result<Option<Timestamp>, Fault> {
    let mut approval = inner.read(intent).await?.approval;
    let mut work = work(inner, &approval, effect);
    let mut permit = None;
    let needed = work.needs().cloned();
    if let Some(connection) = &needed {
        match inner.enter(connection).await? {
            Entry::Through(turn) => permit = Some(turn),
            Entry::Waited(turn) => {
                permit = Some(turn);
                // It may have waited long: what stands now is what counts.
                approval = inner.read(intent).await?.approval;
                work = self::work(inner, &approval, effect);
            }
            Entry::Later(until) => {
                inner.tell_of_outage(&connection.name, intent, effect).await?;
                return Ok(Some(until));
            }
        }
    }
    if let Work::Attempt { .. } = &work {
        match crate::watch::meanwhile(inner, &approval, effect).await? {
            Meanwhile::Nothing => {}
            Meanwhile::Wait(until) => return Ok(Some(until)),
            Meanwhile::By(by) => work = Work::Supersede { by },
            Meanwhile::TooLong(why) => work = Work::Block(why),
        }
    }
    let recorded = match work {
        Work::Nothing => return Ok(None),
        Work::Wait => return Ok(Some(inner.later(Millis(PAUSED_LOOK_MS)))),
        Work::Supersede { by } => {
            inner.command(intent, Command::Supersede { effect, by }, None).await.map(drop)
        }
        Work::Block(detail) => inner.command(intent, Command::Block { effect, detail }, None).await.map(drop),
        Work::Interrupted { step, began, target } => {
            let command = Command::Attempted { effect, end: life::interrupted(&step), began, target };
            inner.command(intent, command, None).await.map(drop)
        }
        Work::Look { target } => {
            inner.command(intent, Command::KeyExpired { effect, target }, None).await.map(drop)
        }
        Work::Replan { connection, target } => {
            match replan(inner, (intent, effect), (&connection, target), permit).await {
                Ok(Some(until)) => return Ok(Some(until)),
                Ok(None) => Ok(()),
                Err(fault) => Err(fault),
            }
        }
        Work::Attempt { call, records, connection, target } => {
            let ledger = StepLedger { inner: Arc::clone(inner), intent, effect, records };
            attempt(inner, &approval, (call, ledger), (&connection, target), permit).await
        }
        Work::Probe { call, connection, mut target } => {
            let running = Running::begin(inner, intent);
            let began = call.now;
            let shadow = inner.shadow_of(&connection).await.map(|shadow| (shadow, Call::clone(&call)));
            let end = inner.connectors.probe(*call).await;
            if let Some((shadow, call)) = shadow {
                inner.probe_in_the_shadow(shadow, (intent, call, &end));
            }
            let denied = inner.denied(&end, (&connection, intent), began).await?;
            target.denial = denied.denial;
            let _permit = permit.filter(|_| denied.denial == Denial::Connection);
            running.end(Command::Probed { effect, end, began, target }).await
        }
    };
    match recorded {
        // Somebody settled it in the meantime: nothing is lost.
        Ok(()) | Err(Fault::Refused(Refusal::Overtaken | Refusal::WrongStage { .. })) => {}
        Err(fault) => return Err(fault),
    }
    if let Some(connection) = needed {
        inner.tell_of_outage(&connection.name, intent, effect).await?;
    }
    Ok(None)
}

/// Makes one attempt, and compares what it came to with what the build before came to.
async fn attempt(
    inner: &Arc<Inner>,
    approval: &Approval,
    (call, ledger): (Box<Call>, StepLedger),
    (connection, mut target): (&Arc<Connection>, Target),
    permit: Option<OwnedSemaphorePermit>,
) -> Result<(), Fault> {
    let (intent, effect, began) = (ledger.intent, ledger.effect, call.now);
    let running = Running::begin(inner, intent);
    let begun = Begun::of(inner, connection, approval, &call);
    let end = inner.connectors.apply(*call, Arc::new(ledger)).await;
    let done = begun.map(|begun| begun.ended(inner, &end));
    let denied = inner.denied(&end.claim, (connection, intent), began).await?;
    target.denial = denied.denial;
    // Nobody else goes there before it is stored that the connection is paused.
    let permit = permit.filter(|_| denied.denial == Denial::Connection);
    let recorded = running.end(Command::Attempted { effect, end, began, target }).await;
    drop((permit, denied));
    if let Some(done) = done {
        inner.compare(done).await;
    }
    recorded
}

/// Plans an effect anew whose record was changed elsewhere; says when to come again if a connection that it needs is
/// paused.
async fn replan(
    inner: &Arc<Inner>,
    (intent, effect): (IntentId, EffectId),
    (connection, mut target): (&Arc<Connection>, Target),
    permit: Option<OwnedSemaphorePermit>,
) -> Result<Option<Timestamp>, Fault> {
    let (began, mut denied) = (inner.clock.now(), Denied::default());
    let approval = inner.read(intent).await?.approval;
    let command = match crate::prepare::anew(inner, &approval, effect).await? {
        Found::Anew(found) => Command::Replanned { effect, found },
        // A connection that its facts are read at is paused: that is no attempt of its own.
        Found::Paused => return Ok(Some(inner.later(Millis(PAUSED_LOOK_MS)))),
        Found::Not(claim) => {
            // What was asked of other connections says nothing of this one's connector.
            if let Ended::Failed(Failure::Denied(_)) = &claim {
                denied = inner.denied_at(&connection.name, began).await?;
            }
            target.denial = denied.denial;
            let end = AttemptEnd { claim, steps: Vec::new(), held_back: None };
            Command::Attempted { effect, end, began, target }
        }
        Found::Gone => return Ok(None),
    };
    // Nobody else tells of it before it is stored.
    let _permit = permit.filter(|_| denied.denial == Denial::Connection);
    let done = inner.command(intent, command, None).await.map(|_| None);
    drop(denied);
    done
}

fn work(inner: &Inner, approval: &Approval, effect: EffectId) -> Work {
    let Some(approved) = ApprovedIntent::of(approval) else { return Work::Nothing };
    let (planned, state) = match approved.write(effect) {
        Ok(found) => found,
        Err(NotToBeWritten::SealBroken(detail)) => return Work::Block(detail),
        Err(NotToBeWritten::NotOpen) => return Work::Nothing,
    };
    let now = inner.clock.now();
    let is_open =
        matches!(state, EffectState::Ready { .. } | EffectState::Sent { .. } | EffectState::Probing { .. });
    if inner.lacks_connector(&planned.connection) {
        return if is_open { Work::Wait } else { Work::Nothing };
    }
    let connection = match bound(inner, planned) {
        Ok(connection) => connection,
        Err(detail) => return if is_open { Work::Block(detail) } else { Work::Nothing },
    };
    let target = inner.target(&connection);
    match state {
        EffectState::Ready { due, history } if retry::is_due(*due, now) => {
            let memory = target.memory(planned.guarantee);
            let called_off = approval.is_called_off(planned);
            let doubted = approval.is_doubted(history, target.restored);
            let forgotten = life::is_looked_for_first(approval.unset(*due), *history, memory, now);
            if called_off || doubted || forgotten {
                return Work::Look { target };
            }
            let call = Box::new(call(inner, &approved, planned, *history));
            if history.moved && planned.is_sealed() {
                return Work::Replan { connection, target };
            }
            let records = approved.case().leaves_traces(planned);
            Work::Attempt { call, records, connection, target }
        }
        EffectState::Probing { due, history, .. } if retry::is_due(*due, now) => {
            let call = Box::new(call(inner, &approved, planned, *history));
            Work::Probe { call, connection, target }
        }
        // It may have been sent before the clock was set back.
        EffectState::Sent { step, at, .. } => {
            let target = Target { set_back: approval.set_back, ..target };
            Work::Interrupted { step: step.clone(), began: *at, target }
        }
        EffectState::Ready { .. }
        | EffectState::Probing { .. }
        | EffectState::Waiting
        | EffectState::Landed { .. }
        | EffectState::Held { .. }
        | EffectState::GivenUp => Work::Nothing,
    }
}

/// The connection that an effect was sealed with, if it still is that one. An effect keeps the version of
/// the connector that planned it, whatever the connection has by now.
fn bound(inner: &Inner, planned: &PlannedEffect) -> Result<Arc<Connection>, Detail> {
    let name = &planned.connection;
    if inner.connectors.connection(name).is_none() {
        let message = format!("connection `{name}` is not configured any more");
        return Err(Detail::new("no-connection", message));
    }
    let connection = inner.connectors.bound(name, planned.connector).map_err(|why| {
        let message = format!(
            "connection `{name}` has another connector than the one that was sealed, sha256:{}, and that cannot be \
             used: {why}",
            planned.connector
        );
        Detail::new("connector-changed", message)
    })?;
    if connection.target() != planned.target {
        let message = format!(
            "connection `{name}` leads to another address, or is set otherwise, than when it was sealed"
        );
        return Err(Detail::new("target-changed", message));
    }
    Ok(connection)
}

fn call(inner: &Inner, approved: &ApprovedIntent<'_>, planned: &PlannedEffect, history: History) -> Call {
    let (case, authority) = (approved.case(), approved.authority());
    let what = case.asked(planned, authority);
    let revision = approved.revision(planned);
    let plan = WritePlan { changes: case.written(planned, authority), revision, ..planned.plan.clone() };
    Call {
        connection: planned.connection.clone(),
        connector: planned.connector,
        effect: planned.effect,
        attempt: history.attempts.saturating_add(1),
        generation: history.generation,
        what,
        plan,
        guarantee: planned.guarantee,
        takes_back: approved.taken_back(planned).cloned(),
        now: inner.clock.now(),
    }
}

/// Records steps in the log before they leave the host, where a repeat could do harm. Where none can, it asks whether
/// the log is still this host's: another one that took it over may use other keys by now.
struct StepLedger {
    inner: Arc<Inner>,
    intent: IntentId,
    effect: EffectId,
    /// Whether there is anything to be recorded: see [`Case::leaves_traces`](countersign_core::approval::Case).
    records: bool,
}

impl Ledger for StepLedger {
    fn leaves_again(&self) -> Answer<'_, Result<(), NotRecorded>> {
        Box::pin(async move { self.inner.holds().await.map_err(|fault| NotRecorded(fault.to_string())) })
    }

    fn about_to_send<'a>(&'a self, step: &'a str, request: Digest) -> Answer<'a, Result<(), NotRecorded>> {
        Box::pin(async move {
            if !self.records {
                let held = self.inner.holds().await;
                return held.map_err(|fault| NotRecorded(fault.to_string()));
            }
            let command = Command::Send { effect: self.effect, step: step.to_owned(), request };
            let recorded = self.inner.command(self.intent, command, None).await;
            recorded.map(drop).map_err(|fault| NotRecorded(fault.to_string()))
        })
    }
}
