//! How far the exception budget of an intent type has burnt: what the next exception, and the next intent, must know
//! of the others.

use crate::count::each;
use crate::engine::{Engine, Inner};
use crate::fault::Fault;
use crate::limits::COUNTER_ROWS_MAX;
use crate::row::{BUDGET, EXCEPTED, Summary};
use countersign_core::approval::command::Command;
use countersign_core::approval::event::Entry;
use countersign_core::approval::life;
use countersign_core::approval::{Approval, Stage};
use countersign_core::budget::{
    BUDGET_EXCEPTIONS_MAX, Budget, Found, PACKET_CASES_MAX, Packet, Spending, Spent,
};
use countersign_core::exception::Level;
use countersign_core::id::{IntentId, IntentTypeName};
use countersign_core::intent::Day;
use countersign_core::time::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::MutexGuard;

/// A count, and what keeps everybody else from counting.
pub(crate) type Counted<'a> = (MutexGuard<'a, ()>, Spending);

/// How a command that is decided otherwise while a budget is spent, before it opens any exception, counts.
enum Asks {
    /// Beside others.
    Beside,
    /// Alone: it says what somebody has heard.
    Alone,
}

fn asks(approval: &Approval, command: &Command, budget: &Budget) -> Option<Asks> {
    match (command.said(), &approval.stage) {
        (Command::Prepare { .. }, Stage::Preparing { .. }) => {
            matches!(budget.then, Spent::Council(_)).then_some(Asks::Beside)
        }
        (Command::LookAtBudget, _) => Some(Asks::Alone),
        (Command::CloseException { id, .. }, _) => {
            let about = approval.exceptions.get(id).is_some_and(|exception| exception.burn.is_some());
            about.then_some(Asks::Alone)
        }
        (_, _) => None,
    }
}

/// The intent in which a budget stands open as burning although so many more have spent it: it has to hear that.
pub(crate) fn to_be_raised(of: IntentId, more: usize, spending: &Spending) -> Option<IntentId> {
    let (intent, told) = spending.open.as_ref().filter(|(intent, _)| *intent != of)?;
    let spent = spending.level_with(more) == Some(Level::Spent);
    (spent && told.level == Level::Burning).then_some(*intent)
}

/// Looks whether somebody has heard of every budget how far it has burnt: not if it is smaller than it was, or if the
/// host died before it said so.
pub(crate) async fn look_at_all(inner: &Arc<Inner>) -> Result<(), Fault> {
    let rulebook = inner.rulebook();
    let budgets = rulebook.intent_types().filter_map(|schema| Some((&schema.name, schema.budget.as_ref()?)));
    for (of, budget) in budgets {
        if inner.tasks.are_stopping() {
            return Ok(());
        }
        let now = inner.clock.now();
        let found = inner.look_for(of, budget, now).await?;
        let newest = found.opened.iter().max().map(|(_, intent)| *intent);
        let spending = Spending::of(budget, found, now);
        let unheard = match (spending.level(), &spending.open) {
            (None, _) => None,
            (Some(level), Some((intent, told))) => (told.level < level).then_some(*intent),
            (Some(Level::Burning), None) if spending.was_told => None,
            (Some(_), None) => newest,
        };
        let Some(intent) = unheard else { continue };
        match inner.command(intent, Command::LookAtBudget, None).await {
            Ok(_) | Err(Fault::Refused(_)) => {}
            Err(Fault::Store(fault)) => return Err(fault.into()),
            Err(fault) => {
                tracing::warn!(%fault, %intent, blame = "host", "the owner of a budget is not told")
            }
        }
    }
    Ok(())
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

    /// How far the budget has burnt, for a command that is decided otherwise while it is spent. With a guard, nobody
    /// else counts until that is dropped.
    pub(crate) async fn asked(
        &self,
        approval: &Approval,
        command: &Command,
    ) -> Result<(Option<MutexGuard<'_, ()>>, Option<Spending>), Fault> {
        let Some(budget) = self.spent_by(approval) else { return Ok((None, None)) };
        let alone = match asks(approval, command, &budget) {
            None => return Ok((None, None)),
            Some(Asks::Beside) => None,
            Some(Asks::Alone) => Some(self.spending.lock().await),
        };
        let spending = self.spending(&approval.intent.intent_type, &budget).await?;
        Ok((alone, Some(spending)))
    }

    /// What entries that open exceptions must know of the others, so that they are decided once more with it. Nobody
    /// else counts until the guard is dropped.
    pub(crate) async fn counted(
        &self,
        entries: &[Entry],
        approval: &Approval,
    ) -> Result<Option<Counted<'_>>, Fault> {
        if life::spends(entries) == 0 {
            return Ok(None);
        }
        let Some(budget) = self.spent_by(approval) else { return Ok(None) };
        let alone = self.spending.lock().await;
        let spending = self.spending(&approval.intent.intent_type, &budget).await?;
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
        // One open exception at a time: it can be older than the window.
        self.found(&[("type", of.as_str()), BUDGET], &mut seen, &mut found).await?;
        let today = Day::at(now).0;
        let enough = usize::try_from(BUDGET_EXCEPTIONS_MAX).unwrap_or(usize::MAX);
        // The newest day first: once more are found than a budget can allow, older ones change nothing. Whole days, as
        // rows of one day come in no order. A clock that was set back may have left some on the day after.
        for before in -1..=i64::from(budget.days) {
            let day = Day(today.saturating_sub(before)).to_string();
            self.found(&[("type", of.as_str()), (EXCEPTED, &day)], &mut seen, &mut found).await?;
            if enough < found.opened.len() {
                break;
            }
        }
        Ok(found)
    }

    /// Adds what the rows with these labels say, each intent once.
    async fn found(
        &self,
        labels: &[(&str, &str)],
        seen: &mut BTreeSet<IntentId>,
        found: &mut Found,
    ) -> Result<(), Fault> {
        each(&*self.store, labels, |row| {
            let summary = serde_json::from_slice::<Summary>(&row.row.summary);
            if let (Ok(intent), Ok(summary)) = (row.stream.parse::<IntentId>(), summary)
                && seen.insert(intent)
            {
                found.opened.extend(summary.excepted.into_iter().map(|at| (at, intent)));
                found.told.extend(summary.budget.into_iter().map(|told| (intent, told)));
            }
            COUNTER_ROWS_MAX <= seen.len()
        })
        .await
    }

    /// Tells whoever answers for a budget how far it has burnt. If the store cannot take it now everything is looked
    /// through once more; if the process stops before, at the next start.
    pub(crate) fn raise(self: &Arc<Self>, intent: IntentId) {
        let inner = Arc::clone(self);
        self.tasks.start(async move {
            if let Err(fault) = inner.command(intent, Command::LookAtBudget, None).await {
                tracing::warn!(%fault, %intent, blame = "host", "the owner of a budget is not told that it is spent");
                if matches!(fault, Fault::Store(_)) {
                    inner.changed.notify_one();
                }
            }
        });
    }
}
