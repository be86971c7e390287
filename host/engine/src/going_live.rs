//! Going live: what the log says is live, and what the host finds out for the gate: the trial, the connections, and
//! whether the log that holds it all is whole.

use crate::count::each;
use crate::engine::Inner;
use crate::fault::Fault;
use crate::handle::from_bytes;
use crate::limits::{TRAIL_MS_MAX, WENT_LIVE_MAX};
use crate::port::store::{Store, StoreFault};
use crate::publish::{OPEN, finished};
use crate::row::Summary;
use countersign_core::approval::event::Entry;
use countersign_core::approval::refusal::Refusal;
use countersign_core::approval::{Approval, Stage};
use countersign_core::going_live::{
    Asked, GO_LIVE, Lack, Lives, NotLive, Reach, Reachable, Readiness, Shown, WentLive, is_going_live, weigh,
};
use countersign_core::id::{IntentId, IntentTypeName};
use countersign_core::time::Millis;
use std::sync::Arc;

/// What a type would go live on, or everything that it lacks.
pub(crate) type Weighed = (IntentTypeName, Result<Readiness, Vec<Lack>>);

/// Whether the log is read again from its beginning, as a proof that it is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Log {
    /// It is taken for what it is: it was read when this was prepared, or will be.
    Trusted,
    /// It is read.
    Verified,
}

/// Every intent type that went live, in the order of the log. Asked once, before an engine starts.
///
/// # Errors
/// [`Fault::Store`] if the log or its index cannot be read; [`Fault::Unreadable`] if an entry is none.
pub(crate) async fn recorded(store: &dyn Store) -> Result<Lives, Fault> {
    let all = finished(store, GO_LIVE, WENT_LIVE_MAX, WentLive::of).await?;
    Ok(all.into_iter().fold(Lives::default(), |lives, went| lives.and(went)))
}

impl Inner {
    /// What the type that this approval would let go live rests on now; nothing if it lets none go live.
    pub(crate) async fn ready(&self, approval: &Approval, log: Log) -> Result<Option<Weighed>, Fault> {
        if !is_going_live(&approval.intent.intent_type) {
            return Ok(None);
        }
        let Some(asked) = Asked::of(&approval.intent.tokens) else { return Ok(None) };
        let (rulebook, now) = (self.rulebook(), self.clock.now());
        let Some(schema) = rulebook.intent_type(&asked.of).cloned() else { return Ok(None) };
        // What is no id names no intent.
        let intent = asked.trial.unwrap_or(IntentId::from_bits(0));
        let (entries, mut broken) = self.trail(intent).await?;
        if log == Log::Verified && broken.is_none() {
            broken = self.unverified().await?;
        }
        let (reachable, waived) = (self.reachable(), asked.waive_trigger.map(str::to_owned));
        let weighed = move || {
            let shown = Shown { intent, entries: &entries, broken: broken.as_deref() };
            weigh(&rulebook, &schema, &reachable, (shown, waived.as_deref()), now)
        };
        let weighed = self.proved(weighed).await?;
        Ok(Some((asked.of, weighed)))
    }

    /// Every configured connection with what it can do.
    pub(crate) fn reachable(&self) -> Reachable {
        let connections = self.connectors.connections().into_iter();
        connections
            .map(|connection| {
                let operations = connection.operations.iter();
                let can = operations.map(|operation| (operation.name.clone(), operation.guarantee));
                let (connector, target) = (connection.digest, connection.target());
                (connection.name.clone(), Reach { connector, target, operations: can.collect() })
            })
            .collect()
    }

    /// The open intent by which a type is to go live. The caller holds `trying`, so that two at once find each other.
    async fn asked_already(&self, of: &IntentTypeName) -> Result<Option<IntentId>, Fault> {
        let mut found = None;
        for state in OPEN {
            each(&*self.store, &[("type", GO_LIVE), ("state", state)], |row| {
                let summary = serde_json::from_slice::<Summary>(&row.row.summary);
                let is_of = summary.is_ok_and(|summary| summary.subject == of.as_str());
                found = row.stream.parse().ok().filter(|_| is_of);
                found.is_some()
            })
            .await?;
            if found.is_some() {
                break;
            }
        }
        Ok(found)
    }

    /// Refuses a second intent by which the same type is to go live: each reads the whole log.
    pub(crate) async fn asked_once(&self, approval: &Approval) -> Result<(), Fault> {
        let Some(asked) = Asked::of(&approval.intent.tokens) else { return Ok(()) };
        match self.asked_already(&asked.of).await? {
            Some(intent) => Err(Refusal::from(NotLive::Asked { of: asked.of, intent }).into()),
            None => Ok(()),
        }
    }

    /// The entries of a trial, as far as they can be read, and what is wrong with the first that cannot.
    async fn trail(&self, trial: IntentId) -> Result<(Vec<Entry>, Option<String>), Fault> {
        let mut entries = Vec::new();
        let stored = match self.store.load(&trial.to_string()).await {
            // It is no better when it is read again: then nothing is shown, and somebody answers for that.
            Err(fault @ (StoreFault::Corrupt { .. } | StoreFault::Io(_))) => {
                return Ok((entries, Some(fault.to_string())));
            }
            stored => stored?,
        };
        for bytes in stored {
            match from_bytes(&bytes) {
                Ok(entry) => entries.push(entry),
                Err(fault) => return Ok((entries, Some(fault.to_string()))),
            }
        }
        Ok((entries, None))
    }

    /// Why the log is not known to be whole; nothing if it is. One at a time: it is read from its beginning.
    async fn unverified(&self) -> Result<Option<String>, Fault> {
        let _alone = self.verifying.lock().await;
        let verified = tokio::select! {
            biased;
            verified = self.store.verify(&|_, _| {}) => verified,
            () = self.clock.sleep_until(self.clock.now().plus(Millis(TRAIL_MS_MAX))) => {
                return Ok(Some(format!("the log is too long to be verified within {TRAIL_MS_MAX} ms")));
            }
            () = self.tasks.stopping() => return Err(Fault::Stopping),
        };
        // Whatever keeps it from being read keeps it from being a proof; whoever answers for the exception tries again.
        Ok(verified.err().map(|fault| fault.to_string()))
    }

    /// Lets an intent type that the record says went live take intents. The caller holds `publishing`.
    pub(crate) fn now_live(&self, went: WentLive) {
        let lives = self.rulebook().lives().and(went);
        self.in_force_with(|rulebook| rulebook.with_lives(Arc::new(lives)));
    }
}

/// Whether people are being asked: only then is the gate asked again.
pub(crate) fn is_asked(approval: &Approval) -> bool {
    match approval.stage {
        Stage::Seated { .. } => true,
        Stage::Preparing { .. }
        | Stage::Unsettled { .. }
        | Stage::Returned { .. }
        | Stage::Executing { .. }
        | Stage::Closed(_) => false,
    }
}
