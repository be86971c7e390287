//! How far the exception budget of an intent type has burnt: what the next exception, and the next intent, must know
//! of the others.

use crate::engine::{Engine, Inner};
use crate::fault::Fault;
use crate::limits::COUNTER_ROWS_MAX;
use crate::port::store::{PAGE_ROWS_MAX, Query};
use crate::row::{BUDGET, EXCEPTED, Summary};
use countersign_core::approval::command::Command;
use countersign_core::approval::life::{self, Turn};
use countersign_core::approval::{Approval, Stage};
use countersign_core::budget::{Budget, Found, PACKET_CASES_MAX, Packet, Spending, Spent};
use countersign_core::exception::Level;
use countersign_core::id::{IntentId, IntentTypeName};
use countersign_core::intent::Day;
use countersign_core::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::MutexGuard;

/// Whether a command is decided otherwise while a budget is spent, before it opens any exception.
fn asks(approval: &Approval, command: &Command, budget: &Budget) -> bool {
    let prepares = matches!((command, &approval.stage), (Command::Prepare { .. }, Stage::Preparing { .. }));
    let councils = matches!(budget.then, Spent::Council(_));
    (prepares && councils) || (matches!(command, Command::Review) && life::waits_for_the_end(approval))
}

/// The intent in which a budget stands open as burning although so many more have spent it: it has to hear that.
pub(crate) fn to_be_raised(of: IntentId, more: usize, spending: &Spending) -> Option<IntentId> {
    let (intent, told) = spending.open.as_ref().filter(|(intent, _)| *intent != of)?;
    let spent = spending.with(more).level() == Some(Level::Spent);
    (spent && told.level == Level::Burning).then_some(*intent)
}

impl Engine {
    /// How far the exception budget of an intent type has burnt; `None` if it has none.
    ///
    /// # Errors
    /// [`Fault::Store`] if the index cannot be read.
    pub async fn spending(&self, of: &IntentTypeName) -> Result<Option<Spending>, Fault> {
        match self.inner.budget_of(of) {
            Some(budget) => Ok(Some(self.inner.spending(of, &budget).await?)),
            None => Ok(None),
        }
    }

    /// The same with the exceptions that spent it: what lies before whoever says what follows.
    ///
    /// # Errors
    /// Those of [`Engine::spending`] and [`Engine::read`].
    pub async fn packet(&self, of: &IntentTypeName) -> Result<Option<(Spending, Packet)>, Fault> {
        let rulebook = self.rulebook();
        let Some(schema) = rulebook.intent_type(of) else { return Ok(None) };
        let found = self.spent_on(of).await?;
        Ok(found.map(|(spending, approvals)| {
            let packet = Packet::of(&spending, schema, &approvals);
            (spending, packet)
        }))
    }

    /// How far a budget has burnt, and the approvals with the newest exceptions that spent it; `None` if there is no
    /// budget.
    ///
    /// # Errors
    /// Those of [`Engine::spending`] and [`Engine::read`].
    pub async fn spent_on(&self, of: &IntentTypeName) -> Result<Option<(Spending, Vec<Approval>)>, Fault> {
        let (budget, now) = (self.inner.budget_of(of), self.now());
        let Some(budget) = &budget else { return Ok(None) };
        let found = self.inner.look_for(of, budget, now).await?;
        let mut newest = found.opened.clone();
        newest.sort_unstable();
        let spending = Spending::of(budget, found, now);
        let (mut approvals, mut seen) = (Vec::new(), BTreeSet::new());
        for (at, intent) in newest.into_iter().rev() {
            if at <= spending.since || PACKET_CASES_MAX <= seen.len() {
                break;
            }
            if seen.insert(intent) {
                approvals.push(Approval::clone(&self.read(intent).await?.approval));
            }
        }
        Ok(Some((spending, approvals)))
    }
}

impl Inner {
    /// The exception budget of an intent type, if it has one.
    pub(crate) fn budget_of(&self, of: &IntentTypeName) -> Option<Budget> {
        self.rulebook().intent_type(of)?.budget.clone()
    }

    /// The exception budget that exceptions of this approval spend. Those of a trial spend none.
    pub(crate) fn spent_by(&self, approval: &Approval) -> Option<Budget> {
        let intent = &approval.intent;
        if intent.trial.is_some() { None } else { self.budget_of(&intent.intent_type) }
    }

    /// How far the budget has burnt, for a command that is decided otherwise while it is spent.
    pub(crate) async fn asked(
        &self,
        approval: &Approval,
        command: &Command,
    ) -> Result<Option<Spending>, Fault> {
        let of = &approval.intent.intent_type;
        match self.spent_by(approval).filter(|budget| asks(approval, command, budget)) {
            Some(budget) => Ok(Some(self.spending(of, &budget).await?)),
            None => Ok(None),
        }
    }

    /// What a turn that opens exceptions must know of the others, so that it is decided once more with it. Nobody
    /// else counts until the guard is dropped.
    pub(crate) async fn counted(
        &self,
        turn: Option<&Turn<'_>>,
    ) -> Result<Option<(MutexGuard<'_, ()>, Spending)>, Fault> {
        let Some(turn) = turn.filter(|turn| 0 < life::spends(turn.entries())) else { return Ok(None) };
        let of = &turn.approval().intent.intent_type;
        let Some(budget) = self.spent_by(turn.approval()) else { return Ok(None) };
        let alone = self.spending.lock().await;
        let spending = self.spending(of, &budget).await?;
        Ok(Some((alone, spending)))
    }

    /// How far a budget has burnt. Who opens an exception on this ground holds `spending`, so that two at once count
    /// each other.
    pub(crate) async fn spending(&self, of: &IntentTypeName, budget: &Budget) -> Result<Spending, Fault> {
        let now = self.clock.now();
        let found = self.look_for(of, budget, now).await?;
        Ok(Spending::of(budget, found, now))
    }

    /// What spends a budget and what is about it, as far back as it looks.
    async fn look_for(&self, of: &IntentTypeName, budget: &Budget, now: Timestamp) -> Result<Found, Fault> {
        let mut found = Found::default();
        let mut seen = BTreeSet::new();
        let labelled = |name: &str, value: String| {
            BTreeMap::from([("type".to_owned(), of.to_string()), (name.to_owned(), value)])
        };
        // One open exception at a time: it can be older than the window.
        self.found(labelled(BUDGET.0, BUDGET.1.to_owned()), &mut seen, &mut found).await?;
        let today = Day::at(now).0;
        // The newest day first: once more are found than a budget can allow, older ones change nothing. A clock that
        // was set back may have left some on the day after.
        for before in -1..=i64::from(budget.days) {
            let day = Day(today.saturating_sub(before));
            self.found(labelled(EXCEPTED, day.to_string()), &mut seen, &mut found).await?;
            if COUNTER_ROWS_MAX <= seen.len() {
                break;
            }
        }
        Ok(found)
    }

    /// Adds what the rows with these labels say, each intent once.
    async fn found(
        &self,
        labels: BTreeMap<String, String>,
        seen: &mut BTreeSet<IntentId>,
        found: &mut Found,
    ) -> Result<(), Fault> {
        let mut after = None;
        while seen.len() < COUNTER_ROWS_MAX {
            let query = Query { labels: labels.clone(), after: after.take(), limit: PAGE_ROWS_MAX };
            let page = self.store.query(query).await?;
            for row in &page.rows {
                let Ok(intent) = row.stream.parse::<IntentId>() else { continue };
                let Ok(summary) = serde_json::from_slice::<Summary>(&row.row.summary) else { continue };
                if seen.insert(intent) {
                    found.opened.extend(summary.excepted.into_iter().map(|at| (at, intent)));
                    found.told.extend(summary.budget.into_iter().map(|told| (intent, told)));
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        Ok(())
    }

    /// Tells the exception about a budget that it is spent now. If the process stops before, the look through
    /// everything at the next start does it.
    pub(crate) fn raise(self: &Arc<Self>, intent: IntentId) {
        let inner = Arc::clone(self);
        self.tasks.start(async move {
            if let Err(fault) = inner.command(intent, Command::Review, None).await {
                tracing::warn!(%fault, %intent, blame = "host", "the owner of a budget is not told that it is spent");
            }
        });
    }
}
