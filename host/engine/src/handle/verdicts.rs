//! Verdicts that come together: attempts of one approval that end within a moment of each other
//! are recorded in one commit, with one sync.
//!
//! The first attempt to end waits [`VERDICT_WAIT_MS`] for the others of its approval that still
//! run; the last one to end, or the first one to lose patience, records them all. If the process
//! stops in between, the effects stand as they stood while the attempts ran, and are taken up again.

use crate::engine::Inner;
use crate::fault::Fault;
use crate::limits::VERDICT_WAIT_MS;
use countersign_core::approval::command::Command;
use countersign_core::id::IntentId;
use countersign_core::time::Millis;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

/// The attempts that run, by approval, and what those that have ended wait to record.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    groups: Mutex<HashMap<IntentId, Group>>,
    waiting: AtomicUsize,
    tickets: AtomicU64,
}

#[derive(Debug, Default)]
struct Group {
    running: usize,
    ended: Vec<Ended>,
}

#[derive(Debug)]
struct Ended {
    ticket: u64,
    command: Command,
    recorded: oneshot::Sender<()>,
}

/// An attempt or probe that runs.
pub(crate) struct Running {
    inner: Arc<Inner>,
    intent: IntentId,
    counted: bool,
}

impl Running {
    pub(crate) fn begin(inner: &Arc<Inner>, intent: IntentId) -> Running {
        inner.verdicts.with(intent, |group| group.running = group.running.saturating_add(1));
        Running { inner: Arc::clone(inner), intent, counted: true }
    }

    /// Records how it ended. Durable on return.
    pub(crate) async fn end(mut self, command: Command) -> Result<(), Fault> {
        let inner = Arc::clone(&self.inner);
        let (recorded, mut answer) = oneshot::channel();
        self.counted = false;
        let ticket = inner.verdicts.tickets.fetch_add(1, Ordering::Relaxed);
        let last = inner.verdicts.with(self.intent, |group| {
            group.running = group.running.saturating_sub(1);
            group.ended.push(Ended { ticket, command: command.clone(), recorded });
            group.running == 0
        });
        if !last {
            let _waits = Waits::begin(&inner.verdicts);
            let until = inner.clock.now().plus(Millis(VERDICT_WAIT_MS));
            tokio::select! {
                biased;
                answer = &mut answer => return self.told(answer.is_ok(), command).await,
                () = inner.clock.sleep_until(until) => {}
            }
        }
        let group = inner.verdicts.with(self.intent, |group| std::mem::take(&mut group.ended));
        if group.iter().all(|ended| ended.ticket != ticket) {
            // Another one is recording it already.
            let _waits = Waits::begin(&inner.verdicts);
            let recorded = answer.await.is_ok();
            return self.told(recorded, command).await;
        }
        let (commands, waiting): (Vec<_>, Vec<_>) =
            group.into_iter().map(|ended| (ended.command, (ended.ticket, ended.recorded))).unzip();
        let taken = inner.commands(self.intent, commands).await?;
        let mut mine = false;
        for ((whose, recorded), taken) in waiting.into_iter().zip(taken) {
            mine |= taken && whose == ticket;
            if taken {
                // Whoever waited may have been stopped; what is recorded stays.
                let _ = recorded.send(());
            }
        }
        self.told(mine, command).await
    }

    /// A verdict that was not recorded with the others stands on its own, and hears its own fault.
    async fn told(&self, recorded: bool, command: Command) -> Result<(), Fault> {
        if recorded {
            return Ok(());
        }
        self.inner.command(self.intent, command, None).await.map(drop)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.counted {
            self.inner.verdicts.with(self.intent, |group| group.running = group.running.saturating_sub(1));
        }
    }
}

/// An attempt that waits for another one to record its verdict: it commits nothing itself.
struct Waits<'a>(&'a Verdicts);

impl Waits<'_> {
    fn begin(verdicts: &Verdicts) -> Waits<'_> {
        verdicts.waiting.fetch_add(1, Ordering::Relaxed);
        Waits(verdicts)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Verdicts {
    /// How many attempts wait for another one to record their verdict.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    fn with<T>(&self, intent: IntentId, change: impl FnOnce(&mut Group) -> T) -> T {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let group = groups.entry(intent).or_default();
        let result = change(group);
        if group.running == 0 && group.ended.is_empty() {
            groups.remove(&intent);
        }
        result
    }
}
