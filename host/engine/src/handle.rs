//! The command loop: load, decide, append, wake. The only caller of the transition table.

mod hot;
mod submit;
mod verdicts;

pub(crate) use hot::{Doors, Hot, Loaded};
pub(crate) use verdicts::{Running, Verdicts};

use crate::budget;
use crate::engine::{Inner, Key, Standing};
use crate::fault::Fault;
use crate::going_live::{Log, is_asked};
use crate::limits::CONFLICTS_MAX;
use crate::overrides;
use crate::port::store::{Append, Batch, CallerKey, ErrandChange, RowChange, StoreFault, StreamName};
use crate::row;
use countersign_core::approval::Approval;
use countersign_core::approval::command::{Command, Voice};
use countersign_core::approval::event::Entry;
use countersign_core::approval::life::{self, Context, Turn};
use countersign_core::approval::refusal::Refusal;
use countersign_core::approval::wake::Wake;
use countersign_core::built_in::is_built_in;
use countersign_core::connector::upgrade::Accepted;
use countersign_core::going_live::WentLive;
use countersign_core::id::{IntentId, PersonId};
use countersign_core::override_::Habit;
use countersign_core::rulebook::{Published, Rulebook};
use countersign_core::shared_change::PublishedFile;
use countersign_core::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::MutexGuard;

impl Inner {
    /// Decides one command and stores what it causes.
    ///
    /// If the process stops in here, either all of it is stored or nothing is; the caller was not
    /// answered.
    pub(crate) async fn command(
        self: &Arc<Self>,
        intent: IntentId,
        command: Command,
        key: Option<Key>,
    ) -> Result<Standing, Fault> {
        // Taken before the look-up: of two calls with one key only one can get past both.
        let _running = self.hot.begin(key.as_ref())?;
        if let Some(answered) = self.answered(key.as_ref()).await? {
            return self.read(answered).await;
        }
        for _ in 0..CONFLICTS_MAX {
            let slot = self.hot.slot(intent);
            let mut place = slot.lock().await;
            let result = self.decide(&mut place, intent, command.clone(), key.as_ref()).await;
            drop(place);
            self.hot.release(intent, &slot);
            match result {
                Err(Fault::Store(StoreFault::Conflict { .. })) => {}
                other => return other,
            }
        }
        Err(Fault::Refused(Refusal::Overtaken))
    }

    /// Decides several commands and stores what they cause in one commit; says of each whether it
    /// was allowed. One that is refused changes nothing for the others.
    pub(crate) async fn commands(
        self: &Arc<Self>,
        intent: IntentId,
        commands: Vec<Command>,
    ) -> Result<Vec<bool>, Fault> {
        for _ in 0..CONFLICTS_MAX {
            let slot = self.hot.slot(intent);
            let mut place = slot.lock().await;
            let result = self.decide_all(&mut place, intent, commands.clone()).await;
            drop(place);
            self.hot.release(intent, &slot);
            match result {
                Err(Fault::Store(StoreFault::Conflict { .. })) => {}
                other => return other,
            }
        }
        Err(Fault::Refused(Refusal::Overtaken))
    }

    async fn decide_all(
        self: &Arc<Self>,
        place: &mut Option<Loaded>,
        intent: IntentId,
        commands: Vec<Command>,
    ) -> Result<Vec<bool>, Fault> {
        let loaded = match place.take() {
            Some(loaded) => loaded,
            None => self.load(intent).await?,
        };
        let rulebook = self.rulebook();
        let context = self.context(&rulebook);
        let (mut turn, mut allowed) = in_a_row(&loaded.approval, commands.clone(), context);
        let counted = match &turn {
            Some(turn) => self.counted(turn.entries(), turn.approval()).await?,
            None => None,
        };
        if let Some((_, spending)) = &counted {
            let context = Context { spending: Some(spending), now: self.clock.now(), ..context };
            (turn, allowed) = in_a_row(&loaded.approval, commands, context);
        }
        *place = match turn {
            None => hot::kept(loaded),
            Some(turn) => {
                let raised = counted.as_ref().and_then(|(_, spending)| {
                    budget::to_be_raised(intent, life::spends(turn.entries()), spending)
                });
                let stored = self.store_turn(Some(&loaded), turn.into_parts(), None).await?;
                raised.into_iter().for_each(|intent| self.raise(intent));
                hot::kept(stored)
            }
        };
        Ok(allowed)
    }

    async fn decide(
        self: &Arc<Self>,
        place: &mut Option<Loaded>,
        intent: IntentId,
        command: Command,
        key: Option<&Key>,
    ) -> Result<Standing, Fault> {
        // On any fault the place stays empty: the next command reads the log again.
        let loaded = match place.take() {
            Some(loaded) => loaded,
            None => self.load(intent).await?,
        };
        let asked_for = &loaded.approval.intent;
        // A trial is decided as one while its type is a draft.
        let changes = is_built_in(&asked_for.intent_type) || asked_for.trial.is_some();
        let _alone = if changes { Some(self.publishing.lock().await) } else { None };
        let own_open = match decider(&command) {
            Some(person) => self.own_open(&loaded.approval, person).await?,
            None => None,
        };
        let rulebook = self.rulebook();
        let reason = overrides::reason_of(&loaded.approval, &command).map(str::to_owned);
        let _counted = if reason.is_some() { Some(self.overriding.lock().await) } else { None };
        let habit = match reason {
            // What is done in a trial is no habit, and it does not add to one.
            Some(_) if loaded.approval.intent.trial.is_some() => Some(Habit::default()),
            Some(reason) => Some(self.habit(&loaded.approval.intent.intent_type, &reason).await?),
            None => None,
        };
        let opens = self.may_fail_open(&loaded.approval, &command);
        let _opened = if opens { Some(self.failing_open.lock().await) } else { None };
        let failed_open = if opens { Some(self.failed_open(&loaded.approval).await?) } else { None };
        let approves = matches!(command.said(), Command::Decide { voice: Voice::Approve { .. }, .. });
        let ready = if approves && is_asked(&loaded.approval) {
            self.ready(&loaded.approval, Log::Trusted).await?
        } else {
            None
        };
        let (alone, asked) = self.asked(&loaded.approval, &command).await?;
        let context = Context {
            own_open,
            overrides: habit.as_ref(),
            failed_open,
            ready: ready.as_ref().map(|(_, weighed)| weighed),
            spending: asked.as_ref(),
            ..self.context(&rulebook)
        };
        let turned = self.turned(&loaded, command, context, alone.is_none()).await?;
        let (entries, approval) = match turned.parts {
            Ok(parts) => parts,
            Err(refusal) => {
                *place = hot::kept(loaded);
                // Whoever would have closed what they had not heard of hears it now.
                if alone.is_some() && refusal == Refusal::Overtaken {
                    self.raise(intent);
                }
                return Err(refusal.into());
            }
        };
        let stored = self.store_turn(Some(&loaded), (entries, approval), key).await?;
        turned.raised.into_iter().for_each(|intent| self.raise(intent));
        let standing = stored.standing();
        *place = hot::kept(stored);
        Ok(standing)
    }

    /// Decides, and once more with what the first answer shows that it must know of others: how many exceptions spend a
    /// budget, if it opens some (`counts` says whether that is still to be asked), and how busy those are who could be
    /// given a seat.
    async fn turned<'a>(
        &'a self,
        loaded: &Loaded,
        command: Command,
        context: Context<'_>,
        counts: bool,
    ) -> Result<Turned<'a>, Fault> {
        let (approval, id) = (&loaded.approval, loaded.approval.intent.id);
        let counts = counts && self.spent_by(approval).is_some();
        let again = (counts || context.rulebook.directory().has_fair_pools()).then(|| command.clone());
        let first = life::decide(approval, command, context);
        let Some(command) = again else {
            return Ok(Turned { parts: first.map(Turn::into_parts), raised: None, _alone: None });
        };
        let counted = match &first {
            Ok(turn) if counts => self.counted(turn.entries(), turn.approval()).await?,
            Ok(_) | Err(_) => None,
        };
        let spending = counted.as_ref().map(|(_, spending)| spending);
        // At the moment of the count, which may have had to wait.
        let context = match spending {
            Some(_) => Context { spending, now: self.clock.now(), ..context },
            None => context,
        };
        let decided =
            if spending.is_some() { life::decide(approval, command.clone(), context) } else { first };
        let loads = match &decided {
            Ok(turn) => self.loads(Some(approval), turn.entries()).await,
            Err(_) => None,
        };
        let decided = match &loads {
            Some(loads) => life::decide(approval, command, Context { loads: Some(loads), ..context }),
            None => decided,
        };
        let raised = match (spending, &decided) {
            (Some(spending), Ok(turn)) => budget::to_be_raised(id, life::spends(turn.entries()), spending),
            (Some(_) | None, _) => None,
        };
        let parts = decided.map(Turn::into_parts);
        Ok(Turned { parts, raised, _alone: counted.map(|(alone, _)| alone) })
    }

    /// What a decision of now may look at.
    fn context<'a>(&self, rulebook: &'a Rulebook) -> Context<'a> {
        let context = Context::new(rulebook, self.clock.now(), self.chance.bits());
        Context { restored: self.restored, ..context }
    }

    /// Stores the entries of a turn and the approval after them, then wakes whoever has work from it.
    async fn store_turn(
        self: &Arc<Self>,
        before: Option<&Loaded>,
        (entries, approval): (Vec<Entry>, Approval),
        key: Option<&Key>,
    ) -> Result<Loaded, Fault> {
        let stream: StreamName = approval.intent.id.to_string().into();
        let expected = before.map_or(0, |loaded| loaded.sequence);
        if entries.is_empty() {
            return Ok(Loaded { approval: Arc::new(approval), sequence: expected, row: None });
        }
        let row = row::row(&approval, self.rulebook().intent_type(&approval.intent.intent_type));
        let count = u64::try_from(entries.len()).unwrap_or(u64::MAX);
        let wakes_before = before.map(|loaded| loaded.approval.wakes()).unwrap_or_default();
        let wakes = approval.wakes();
        let append = Append {
            stream: Arc::clone(&stream),
            expected,
            entries: to_bytes(&entries)?,
            errands: changes(&wakes_before, &wakes),
            row: self.row_changed(before, &row).then(|| row.clone()),
        };
        let caller_key = key.map(|key| CallerKey {
            key: key.key.as_str().into(),
            fingerprint: key.fingerprint,
            answer: stream.as_bytes().into(),
        });
        let under_way = self.schedule.begun().saturating_add(self.doors.inside());
        self.store.expect(under_way.saturating_sub(self.verdicts.waiting()));
        let stored = self.store.append(Batch { appends: vec![append], caller_key }).await;
        if let Err(StoreFault::Lost(_)) = &stored {
            self.lost.cancel();
        }
        let position = stored?.position;
        self.metrics.count(before.map(|loaded| &*loaded.approval), &approval, &entries);
        for entry in &entries {
            if let Some(published) = Published::of(&approval, entry) {
                self.put_in_force(&published, entry.at);
            }
            if let Some(published) = PublishedFile::of(&approval, entry) {
                self.put_file_in_force(&published, entry.at);
            }
            if let Some(went) = WentLive::of(&approval, entry) {
                self.now_live(went);
            }
            if let Some(accepted) = Accepted::of(&approval, entry) {
                self.accept_build(accepted).await;
            }
        }
        self.outages_of(before.map(|loaded| &*loaded.approval), &approval).await;
        self.wake(&stream, &wakes_before, &wakes);
        self.growth.changed(position, approval.intent.id);
        let sequence = expected.saturating_add(count);
        Ok(Loaded { approval: Arc::new(approval), sequence, row: Some(row) })
    }

    fn row_changed(&self, before: Option<&Loaded>, row: &RowChange) -> bool {
        let Some(before) = before else { return true };
        match &before.row {
            Some(known) => known != row,
            None => {
                let intent_type = &before.approval.intent.intent_type;
                row::row(&before.approval, self.rulebook().intent_type(intent_type)) != *row
            }
        }
    }

    /// Begins at once what the new entries made due; everything later is in the store.
    fn wake(
        self: &Arc<Self>,
        stream: &StreamName,
        before: &BTreeMap<Wake, Timestamp>,
        after: &BTreeMap<Wake, Timestamp>,
    ) {
        let now = self.clock.now();
        let mut later = false;
        for (wake, due) in after {
            if before.get(wake) == Some(due) {
                continue;
            }
            if *due <= now {
                crate::schedule::begin(self, Arc::clone(stream), wake.clone(), *due);
            } else {
                later = true;
            }
        }
        if later {
            self.schedule.look_again();
        }
    }

    pub(crate) async fn read(self: &Arc<Self>, intent: IntentId) -> Result<Standing, Fault> {
        let slot = self.hot.slot(intent);
        let mut place = slot.lock().await;
        let loaded = match place.take() {
            Some(loaded) => Ok(loaded),
            None => self.load(intent).await,
        };
        let standing = loaded.map(|loaded| {
            let standing = loaded.standing();
            *place = hot::kept(loaded);
            standing
        });
        drop(place);
        self.hot.release(intent, &slot);
        standing
    }

    pub(crate) async fn entries(&self, intent: IntentId) -> Result<Vec<Entry>, Fault> {
        let stored = self.store.load(&intent.to_string()).await?;
        if stored.is_empty() {
            return Err(Refusal::UnknownIntent(intent).into());
        }
        stored.iter().map(|bytes| from_bytes(bytes)).collect()
    }

    pub(crate) async fn load(&self, intent: IntentId) -> Result<Loaded, Fault> {
        let entries = self.entries(intent).await?;
        let sequence = u64::try_from(entries.len()).unwrap_or(u64::MAX);
        let mut approval = None;
        for entry in &entries {
            let next = life::after(approval, entry).map_err(|fault| Fault::Unreadable(fault.to_string()))?;
            approval = Some(next);
        }
        let approval = approval.ok_or(Refusal::UnknownIntent(intent))?;
        Ok(Loaded { approval: Arc::new(approval), sequence, row: None })
    }

    /// The intent that a caller's key stands for already.
    pub(crate) async fn answered(&self, key: Option<&Key>) -> Result<Option<IntentId>, Fault> {
        let Some(key) = key else { return Ok(None) };
        if crate::limits::CALLER_KEY_BYTES_MAX < key.key.len() {
            return Err(Fault::KeyTooLong);
        }
        let Some(known) = self.store.caller_key(&key.key).await? else { return Ok(None) };
        if known.fingerprint != key.fingerprint {
            return Err(Fault::KeyReused);
        }
        let text = String::from_utf8_lossy(&known.answer);
        text.parse()
            .map(Some)
            .map_err(|fault: countersign_core::id::NotAName| Fault::Unreadable(fault.to_string()))
    }
}

/// What a command came to.
struct Turned<'a> {
    parts: Result<(Vec<Entry>, Approval), Refusal>,
    /// The intent in which somebody must hear that a budget is spent.
    raised: Option<IntentId>,
    /// Nobody else counts until it is stored.
    _alone: Option<MutexGuard<'a, ()>>,
}

/// Who has a say in a seat by it: for a change of policy, somebody without an open intent that it would free.
fn decider(command: &Command) -> Option<&PersonId> {
    match command.said() {
        Command::Decide { person, .. }
        | Command::Claim { person, .. }
        | Command::Ask { person, .. }
        | Command::Hand { person, .. }
        | Command::Reassign { person, .. }
        | Command::AddVoice { person, .. }
        | Command::SendBack { person, .. } => Some(person),
        Command::Prepare { .. }
        | Command::Postpone { .. }
        | Command::Override { .. }
        | Command::BreakGlass { .. }
        | Command::Withdraw { .. }
        | Command::Release { .. }
        | Command::Recall { .. }
        | Command::Comment { .. }
        | Command::Remind { .. }
        | Command::Answer { .. }
        | Command::Review
        | Command::LookAtBudget
        | Command::Amend { .. }
        | Command::ReturnDue
        | Command::Send { .. }
        | Command::Attempted { .. }
        | Command::Probed { .. }
        | Command::Block { .. }
        | Command::KeyExpired { .. }
        | Command::Replanned { .. }
        | Command::Reconciled { .. }
        | Command::ReAssert { .. }
        | Command::Supersede { .. }
        | Command::Unavailable { .. }
        | Command::SeatDue { .. }
        | Command::ExceptionDue { .. }
        | Command::CloseException { .. }
        | Command::ByLink { .. }
        | Command::Told { .. }
        | Command::NotTold { .. } => None,
    }
}

/// Decides commands one after the other, and says of each whether it was allowed.
fn in_a_row<'a>(
    approval: &Approval,
    commands: Vec<Command>,
    context: Context<'a>,
) -> (Option<Turn<'a>>, Vec<bool>) {
    let mut turn: Option<Turn<'a>> = None;
    let mut allowed = Vec::with_capacity(commands.len());
    for command in commands {
        let next = match &turn {
            None => life::decide(approval, command, context),
            Some(turn) => turn.clone().then(command),
        };
        allowed.push(next.is_ok());
        turn = next.ok().or(turn);
    }
    (turn, allowed)
}

/// The errands that a turn opens, moves and closes.
fn changes(before: &BTreeMap<Wake, Timestamp>, after: &BTreeMap<Wake, Timestamp>) -> Vec<ErrandChange> {
    let closed = before.keys().filter(|wake| !after.contains_key(wake));
    let set = after.iter().filter(|(wake, due)| before.get(wake) != Some(due));
    closed
        .map(|wake| ErrandChange::Clear { key: wake.to_string().into() })
        .chain(set.map(|(wake, due)| ErrandChange::Set { key: wake.to_string().into(), due: *due }))
        .collect()
}

fn to_bytes(entries: &[Entry]) -> Result<Vec<Arc<[u8]>>, Fault> {
    entries
        .iter()
        .map(|entry| entry.to_bytes().map(Arc::from).map_err(|fault| Fault::Unreadable(fault.to_string())))
        .collect()
}

/// Reads an entry of the log.
pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Entry, Fault> {
    serde_json::from_slice(bytes).map_err(|fault| Fault::Unreadable(fault.to_string()))
}
