//! What must hold of every history, after every step and at its end.

use crate::history::{Broken, History};
use crate::rules::most;
use crate::targets::{Done, written};
use countersign_core::approval::event::{Entry, Event};
use countersign_core::approval::life;
use countersign_core::approval::watch::{Next, Standing};
use countersign_core::approval::{Approval, ApprovedIntent, Authority, Outcome, PlannedEffect, Stage};
use countersign_core::effect::attempt::Guarantee;
use countersign_core::effect::key::undo_id;
use countersign_core::effect::life::{EffectState, HeldCause};
use countersign_core::effect::reconcile::{Agreement, WATCHED_MAX};
use countersign_core::exception::{Cause, Closure};
use countersign_core::id::{EffectId, IntentId};
use countersign_core::intent::value::TokenValue;
use countersign_core::measure::Measures;
use countersign_core::time::{Millis, Timestamp};
use countersign_engine::port::store::{Errand, PAGE_ROWS_MAX, Position};
use std::collections::{BTreeMap, BTreeSet};

/// How long a write can be on its way, with what a target may still take after its sender gave it up.
const ON_ITS_WAY: Millis = Millis::seconds(60);

/// The log as far as it was read.
#[derive(Debug, Default)]
pub(crate) struct Read {
    upto: Position,
    measures: Measures,
    pub(crate) approvals: BTreeMap<IntentId, Stream>,
    /// How often something was looked for because its key may have been forgotten.
    pub(crate) looked_first: u64,
    /// How often a connection was paused.
    pub(crate) pauses: u64,
    /// How often somebody was told that a target does not answer.
    pub(crate) outages: u64,
    /// How often something was planned anew, as its record was changed elsewhere.
    pub(crate) replans: u64,
    /// How often what was approved was decided anew for that.
    pub(crate) reconsidered: u64,
    /// How often it was begun to take back what an intent wrote.
    pub(crate) undos: u64,
    /// How often a target was read back.
    pub(crate) looks: u64,
    /// How often something was written again.
    pub(crate) again: u64,
    /// How often what another intent wrote counted instead.
    pub(crate) superseded: u64,
    /// What a person gave up, whatever had become of it.
    abandoned: BTreeSet<EffectId>,
    /// What was written again by itself, and the effect that wrote it first.
    again_of: BTreeMap<EffectId, EffectId>,
    /// What somebody said is to be written again.
    wanted: BTreeSet<EffectId>,
    /// At what nobody looks any more, because another intent wrote there or a person said so.
    over: BTreeSet<EffectId>,
    /// How often a person had an effect sent once more although nobody knew whether it was in.
    vouched: BTreeMap<EffectId, usize>,
}

/// One intent as the log has it.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) approval: Approval,
    sequence: u64,
}

impl History {
    /// What must hold after every step. What says nothing but what the log, the targets and the counts of a host say is
    /// looked at where one of them has changed.
    pub(crate) fn check(&mut self) -> Result<(), Broken> {
        self.none_is_deaf()?;
        self.read_on()?;
        for (intent, told) in self.acknowledged() {
            let there = self.read.approvals.get(&intent).map_or(0, |read| read.sequence);
            if there < told {
                return Err(
                    self.broken(format!("{intent}: {told} entries were acknowledged, {there} are there"))
                );
            }
        }
        self.wake_up()?;
        let state = (self.read.upto, self.targets.count(), self.hosts);
        if self.checked == Some(state) {
            return Ok(());
        }
        self.checked = Some(state);
        self.once_a_key()?;
        self.told_once()?;
        self.as_approved()?;
        self.nothing_overwritten()?;
        self.at_most_once()?;
        self.tried_in_vain()?;
        self.counted(self.counts(), &self.read.measures)
    }

    /// Reads what the log has got since the last time.
    pub(crate) fn read_on(&mut self) -> Result<(), Broken> {
        if self.disk.store().health().position < self.read.upto {
            // It lost something: what was acknowledged is compared below.
            self.read = Read::default();
        }
        let from = Position(self.read.upto.0 + 1);
        for logged in self.block_on(self.disk.store().scan(from, usize::MAX)).expect("it is read") {
            self.read.upto = logged.position;
            let Ok(intent) = logged.stream.parse::<IntentId>() else { continue };
            let entry: Entry = serde_json::from_slice(&logged.entry).expect("it is an entry");
            self.read.measures.add(intent, &entry);
            let before = self.read.approvals.remove(&intent).map(|read| read.approval);
            if let Some(effect) = before.as_ref().and_then(|before| vouched(before, &entry)) {
                *self.read.vouched.entry(effect).or_default() += 1;
            }
            self.read.replans += u64::from(matches!(entry.event, Event::Replanned { .. }));
            self.read.reconsidered += u64::from(matches!(entry.event, Event::Reconsidered { .. }));
            self.read.undos += u64::from(matches!(entry.event, Event::UndoBegun { .. }));
            self.read.looks += u64::from(matches!(entry.event, Event::Reconciled { .. }));
            self.read.again += u64::from(matches!(entry.event, Event::ReAsserted { .. }));
            self.read.superseded += u64::from(is_superseded(&entry.event));
            self.read.abandoned.extend(abandoned(&entry));
            self.read.over.extend(before.as_ref().and_then(|before| is_over(before, &entry.event)));
            if let Some(effect) = before.as_ref().and_then(|before| out_of_order(before, &entry)) {
                return Err(self.broken(format!("{effect} was begun before what it must come after")));
            }
            // Where the clock was set, what landed before that may seem to have landed later: it is left alone then.
            let left_alone = |before| if self.was_set() { None } else { self.left_alone(before, &entry) };
            if let Some(effect) = before.as_ref().and_then(left_alone) {
                return Err(
                    self.broken(format!("{effect} is left alone, and nobody has written there since"))
                );
            }
            self.read.wanted.extend(before.as_ref().and_then(|before| is_wanted(before, &entry.event)));
            let after = life::after(before, &entry).map_err(|fault| self.broken(fault.to_string()))?;
            match &entry.event {
                Event::Reconciled { effect, re_assert: true, .. } => drop(self.read.wanted.remove(effect)),
                Event::ReAsserted { effect, .. } if !self.read.wanted.contains(effect) => {
                    let write = after.watches.get(effect).and_then(|watch| watch.writes.last());
                    self.read.again_of.extend(write.map(|write| (write.effect, *effect)));
                }
                _ => {}
            }
            let read = Stream { approval: after, sequence: logged.sequence };
            self.read.approvals.insert(intent, read);
            self.read.looked_first += u64::from(is_look(&entry));
            if let Event::ExceptionOpened { exception, .. } = &entry.event {
                self.read.pauses += u64::from(exception.pauses().is_some());
                self.read.outages += u64::from(exception.tells_of().is_some());
            }
        }
        Ok(())
    }

    /// Nothing is written again by itself over what another intent wrote there since, by the order in which the target
    /// was reached. What is on its way at the same time nobody can tell.
    fn nothing_overwritten(&self) -> Result<(), Broken> {
        let done = self.targets.done();
        let ids: BTreeSet<EffectId> = done.iter().map(|done| done.effect).collect();
        for (place, again) in done.iter().enumerate() {
            let Some(of) = self.read.again_of.get(&again.effect) else { continue };
            let first = done.iter().position(|done| done.effect == *of).expect("it was written first");
            let between = done.get(first + 1..place).into_iter().flatten();
            for other in between.filter(|other| other.place == again.place && other.effect != *of) {
                if again.at <= other.at.plus(ON_ITS_WAY) || ids.contains(&undo_id(other.effect)) {
                    continue;
                }
                let stands = |read: &Stream| {
                    let planned = read.approval.planned(other.effect);
                    let landed = states(&read.approval).any(|(id, state)| {
                        *id == other.effect && matches!(state, EffectState::Landed { .. })
                    });
                    planned.is_some_and(PlannedEffect::is_sealed) && landed
                };
                if self.read.approvals.values().any(stands) {
                    let (one, two) = (self.story_of(*of), self.story_of(other.effect));
                    let message = format!("{of} is written again over {}\n{one}\n{two}", other.effect);
                    return Err(self.broken(message));
                }
            }
        }
        Ok(())
    }

    /// The write at which nobody looks any more because of another intent that has not written there.
    fn left_alone(&self, before: &Approval, Entry { at, event, .. }: &Entry) -> Option<EffectId> {
        let of = is_over(before, event).filter(|_| is_superseded(event))?;
        let standing = before.standing().find(|standing| standing.planned.effect == of)?;
        let own = before.touches(&standing);
        (self.wrote_since(&standing, *at).is_none() && own.later.is_empty()).then_some(of)
    }

    /// The intent that has written something else to the record of a write since that landed, unless it was taken back
    /// before this moment: what is taken back at the moment of a look may be seen by it or not.
    fn wrote_since(&self, standing: &Standing<'_>, now: Timestamp) -> Option<IntentId> {
        let Standing { planned: write, receipt: own, reached: (_, since), .. } = standing;
        let others = self.read.approvals.values().map(|read| &read.approval);
        others.map(|other| (other.intent.id, other)).find_map(|(intent, other)| {
            let mut landed = states(other).filter_map(|(effect, state)| match state {
                EffectState::Landed { receipt, at } => Some((other.planned(*effect)?, receipt, at)),
                _ => None,
            });
            let later = landed.any(|(planned, receipt, at)| {
                let is_other = planned.effect != write.effect && planned.connection == write.connection;
                let taken_back = matches!(
                    states(other).find(|(id, _)| **id == undo_id(planned.effect)),
                    Some((_, EffectState::Landed { at, .. })) if *at < now
                );
                is_other && !taken_back && planned.is_sealed() && receipt.subject == own.subject && since < at
            });
            later.then_some(intent)
        })
    }

    /// Whoever asks again under one key asks for one intent.
    fn once_a_key(&self) -> Result<(), Broken> {
        let mut orders = BTreeMap::new();
        for (intent, Stream { approval, .. }) in &self.read.approvals {
            let order = approval.intent.tokens.iter().find(|(name, _)| name.as_str() == "order_id");
            let (_, order) = order.expect("it has an order");
            if let Some(other) = orders.insert(order.to_string(), intent) {
                return Err(self.broken(format!("{order} was asked for once and is {other} and {intent}")));
            }
        }
        Ok(())
    }

    /// That a connection lets nobody in is told once, until it was seen to; that its target does not answer, too.
    fn told_once(&self) -> Result<(), Broken> {
        let (mut pausing, mut telling) = (BTreeMap::new(), BTreeMap::new());
        for (intent, Stream { approval, .. }) in &self.read.approvals {
            for exception in approval.exceptions.values() {
                let other = exception.pauses().and_then(|connection| pausing.insert(connection, intent));
                let other =
                    other.or(exception.tells_of().and_then(|connection| telling.insert(connection, intent)));
                if let Some(other) = other {
                    let message = format!("{other} and {intent} say the same of a connection: {exception:?}");
                    return Err(self.broken(message));
                }
            }
        }
        Ok(())
    }

    /// Whatever is open wakes: the store has an errand for each thing that an approval waits for, and no other.
    fn wake_up(&self) -> Result<(), Broken> {
        let end = Timestamp(i64::MAX);
        let (store, mut errands) = (self.disk.store(), Vec::<Errand>::new());
        loop {
            let due = store.due(end, errands.last().cloned(), PAGE_ROWS_MAX);
            let page = self.block_on(due).expect("they are read");
            if page.is_empty() {
                break;
            }
            errands.extend(page);
        }
        for (intent, Stream { approval, .. }) in &self.read.approvals {
            let stream = intent.to_string();
            let own = errands.iter().filter(|errand| *errand.stream == *stream);
            let own: BTreeMap<String, Timestamp> =
                own.map(|errand| (errand.key.to_string(), errand.due)).collect();
            let wakes: BTreeMap<String, Timestamp> =
                approval.wakes().iter().map(|(wake, due)| (wake.to_string(), *due)).collect();
            let same = |(wake, due): (&String, &Timestamp)| match own.get(wake) {
                // A clock that was ahead has put it off, or the one of now brought it forward.
                Some(_) if self.was_set() && is_a_length(wake) => true,
                // What waits for a target may be put off.
                Some(found) if waits_for_a_target(wake) => due <= found,
                Some(found) => due == found,
                None => false,
            };
            if own.len() != wakes.len() || !wakes.iter().all(same) {
                return Err(self.broken(format!("{intent} waits for {wakes:?} and the store for {own:?}")));
            }
            if wakes.is_empty() && !matches!(approval.stage, Stage::Closed(_)) {
                return Err(self.broken(format!("{intent} is open and waits for nothing: {approval:#?}")));
            }
            for exception in approval.exceptions.values() {
                if exception.closed.is_none() && exception.owner.as_str().is_empty() {
                    return Err(self.broken(format!("{intent} has an exception of nobody")));
                }
            }
        }
        Ok(())
    }

    /// What was written is what was sealed.
    fn as_approved(&self) -> Result<(), Broken> {
        let mut sealed = BTreeMap::new();
        for Stream { approval, .. } in self.read.approvals.values() {
            for planned in approval.case().into_iter().flat_map(|case| &case.writes) {
                if !self.targets.has_planned(&planned.connection, &planned.what.subject, planned.connector) {
                    return Err(self.broken(format!(
                        "{} is sealed with a connector that did not plan it",
                        planned.effect
                    )));
                }
                let wrote = written(&planned.what, &planned.plan);
                sealed.insert(planned.effect, (wrote, planned.connector));
                let mut back = planned.plan.clone();
                for change in &mut back.changes {
                    std::mem::swap(&mut change.before, &mut change.after);
                }
                sealed.insert(undo_id(planned.effect), (written(&planned.what, &back), planned.connector));
            }
            for again in approval.watches.values().flat_map(|watch| &watch.writes) {
                sealed.insert(again.effect, (written(&again.what, &again.plan), again.connector));
                let of =
                    again.re_asserts.and_then(|effect| approval.planned(effect)).expect("it wrote first");
                let same = again
                    .plan
                    .changes
                    .iter()
                    .zip(&of.plan.changes)
                    .all(|(again, of)| again.name == of.name && again.after == of.after);
                if !same
                    || again.plan.subject != of.plan.subject
                    || again.plan.changes.len() != of.plan.changes.len()
                {
                    return Err(self.broken(format!("{} writes again what was not sealed", again.effect)));
                }
            }
        }
        for Done { effect, wrote, connector, .. } in self.targets.done() {
            if sealed.get(&effect).is_some_and(|sealed| *sealed != (wrote, connector)) {
                let story = self.story_of(effect);
                let what = "wrote something else, or by another connector, than was approved";
                return Err(self.broken(format!("{effect} {what}\n{story}")));
            }
        }
        self.by_its_policy()
    }

    /// What a policy approved by itself it may: the version that decides is the one that is on record.
    fn by_its_policy(&self) -> Result<(), Broken> {
        for Stream { approval, .. } in self.read.approvals.values() {
            let Some(approved) = ApprovedIntent::of(approval) else { continue };
            let Authority::Policy = approved.authority() else { continue };
            let passes = most(approval.policy);
            let mut amounts = approval.intent.tokens.values();
            let amount = amounts.find_map(|token| match token {
                TokenValue::Money(amount) => Some(*amount),
                _ => None,
            });
            let Some(amount) = amount else { continue };
            if passes.is_none_or(|most| most < amount.minor) {
                return Err(self.broken(format!(
                    "{}: {amount} passed by itself, by policy {}, which lets {passes:?} cents pass",
                    approval.intent.id, approval.policy
                )));
            }
        }
        Ok(())
    }

    /// No effect is done twice, unless a person had it sent again who was told that nobody knows; and none is done that
    /// nobody approved.
    fn at_most_once(&self) -> Result<(), Broken> {
        let mut counts: BTreeMap<EffectId, (usize, Guarantee)> = BTreeMap::new();
        for done in self.targets.done() {
            counts.entry(done.effect).or_insert((0, done.guarantee)).0 += 1;
        }
        for (effect, (count, guarantee)) in counts {
            let most = match guarantee {
                Guarantee::ByNaturalKey => 1,
                Guarantee::ByKey | Guarantee::ByProbe | Guarantee::Blind => {
                    1 + self.read.vouched.get(&effect).copied().unwrap_or_default()
                }
            };
            if most < count {
                let story = self.story_of(effect);
                return Err(self.broken(format!("{effect} ({guarantee:?}) was done {count} times\n{story}")));
            }
            if !self.read.approvals.values().any(|read| states(&read.approval).any(|(own, _)| *own == effect))
            {
                return Err(self.broken(format!("{effect} was done without an approval")));
            }
        }
        Ok(())
    }

    /// What a person is asked about because nothing came of it is not in, as far as the log can know.
    fn tried_in_vain(&self) -> Result<(), Broken> {
        let done = self.targets.done();
        for Stream { approval, .. } in self.read.approvals.values() {
            for (effect, state) in states(approval) {
                let EffectState::Held { cause: HeldCause::Exhausted, .. } = state else { continue };
                if done.iter().any(|done| done.effect == *effect) {
                    let story = self.story_of(*effect);
                    return Err(self.broken(format!("{effect} is called exhausted and is in\n{story}")));
                }
            }
        }
        Ok(())
    }

    /// What was looked at once more, and is as approved, is so; what nobody looks at any more is somebody else's, or was
    /// given up.
    pub(crate) fn holds_what_was_approved(&self) -> Result<(), Broken> {
        for (intent, Stream { approval, .. }) in &self.read.approvals {
            if approval.undo().is_some() && !approval.watches.is_empty() {
                return Err(self.broken(format!("{intent} was taken back and is watched")));
            }
            for standing in approval.standing() {
                let Some(watch) = approval.watches.get(&standing.planned.effect) else { continue };
                let there = self.targets.holds(&standing.planned.connection, &standing.receipt.subject);
                let approved = standing.planned.plan.changes.first().map(|change| change.after.clone());
                let holds = there == approved;
                let (effect, last) = (standing.planned.effect, watch.last);
                let fits = match (watch.next, last) {
                    // Somebody may have had another write of the same record made again since.
                    (Next::Look(_), Some((at, Agreement::True))) => {
                        let place = (&standing.planned.connection, &standing.receipt.subject);
                        let done = self.targets.done();
                        let mut there = done.iter().filter(|done| (&done.place.0, &done.place.1) == place);
                        holds || there.any(|done| at <= done.seen)
                    }
                    (Next::Look(_), Some(_)) | (Next::Writing(_) | Next::ReAssert(_), _) => false,
                    (Next::Look(_), None) => false,
                    // Or it has been watched for as long as anything is that is not known to be amiss.
                    (Next::Over, Some((at, Agreement::True | Agreement::Unreadable)))
                        if WATCHED_MAX <= at.since(watch.landed) =>
                    {
                        true
                    }
                    (Next::Over, _) => self.read.over.contains(&effect),
                };
                if !fits {
                    let story = self.story_of(effect);
                    let message = format!(
                        "{intent}: {effect} is said to be {last:?}, {:?}; its target holds {there:?}\n{story}",
                        watch.next
                    );
                    return Err(self.broken(message));
                }
            }
        }
        Ok(())
    }

    /// What the log says of one effect.
    fn story_of(&self, effect: EffectId) -> String {
        let all = self.block_on(self.disk.store().scan(Position(1), usize::MAX)).expect("it is read");
        let entries = all.iter().filter_map(|logged| serde_json::from_slice::<Entry>(&logged.entry).ok());
        let about = |entry: &Entry| match &entry.event {
            Event::Sending { effect: of, .. }
            | Event::Attempted { effect: of, .. }
            | Event::Reconciled { effect: of, .. }
            | Event::ReAsserted { effect: of, .. }
            | Event::NotReAsserted { effect: of, .. }
            | Event::Superseded { effect: of, .. }
            | Event::Probed { effect: of, .. } => *of == effect,
            Event::ExceptionClosed { effects, .. } => effects.contains_key(&effect),
            Event::UndoPlanned { effects } => {
                effects.iter().any(|of| undo_id(*of) == effect || *of == effect)
            }
            Event::UndoBegun { .. } | Event::Approved { .. } => true,
            _ => false,
        };
        let lines = entries.filter(about).map(|entry| format!("  {}: {:?}", entry.at, entry.event));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// What must hold when all is closed.
    pub(crate) fn ended(&self) -> Result<(), Broken> {
        let done = self.targets.done();
        for (intent, Stream { approval, .. }) in &self.read.approvals {
            let standing = self.block_on(self.engine().read(*intent)).expect("it is there");
            if *standing.approval != *approval {
                return Err(self.broken(format!("{intent}: the host has another approval than the log")));
            }
            for (effect, state) in states(approval) {
                let count = done.iter().filter(|done| done.effect == *effect).count();
                if matches!(state, EffectState::Landed { .. }) && count == 0 {
                    return Err(self.broken(format!("{effect} is said to have landed and was not done")));
                }
            }
            let Some(undo) = approval.undo() else { continue };
            for planned in approval.case().into_iter().flat_map(|case| &case.writes) {
                let done = |effect| done.iter().any(|done| done.effect == effect);
                let back = undo_id(planned.effect);
                let mut given_up = [planned.effect, back].into_iter();
                let given_up = given_up.any(|effect| self.read.abandoned.contains(&effect));
                if done(planned.effect) && !done(back) && planned.reversible && !given_up {
                    let story = self.story_of(planned.effect);
                    let because = undo.because;
                    return Err(self
                        .broken(format!("{} stands after an undo for {because}\n{story}", planned.effect)));
                }
            }
        }
        Ok(())
    }
}

/// Whether a wake-up waits for a target.
/// Whether it is how long it waits that counts, whatever the clock says.
fn is_a_length(wake: &str) -> bool {
    !["seat/", "exc_", "returned"].iter().any(|moment| wake.starts_with(moment))
}

fn waits_for_a_target(wake: &str) -> bool {
    let effects = [EffectId::PREFIX, "watch/", "re-assert/"];
    effects.iter().any(|prefix| wake.starts_with(prefix)) || wake == "prepare"
}

/// Whether a look found that what another intent wrote counts.
fn is_superseded(event: &Event) -> bool {
    match event {
        Event::Superseded { .. } => true,
        Event::Reconciled { by, next, .. } => by.is_some() && next.is_none(),
        _ => false,
    }
}

/// The write of which somebody says that it is to be written again.
fn is_wanted(before: &Approval, event: &Event) -> Option<EffectId> {
    let Event::ExceptionClosed { id, closed, .. } = event else { return None };
    before.exceptions.get(id).filter(|_| closed.by == Closure::ReAssert)?.effect
}

/// The write at which nobody looks any more after this entry.
fn is_over(before: &Approval, event: &Event) -> Option<EffectId> {
    match event {
        Event::Superseded { effect, .. } => before.planned(*effect)?.re_asserts,
        Event::Reconciled { effect, .. } if is_superseded(event) => Some(*effect),
        Event::ExceptionClosed { id, closed, .. } if closed.by == Closure::GiveUp => {
            before.exceptions.get(id).filter(|exception| exception.is_of_watch())?.effect
        }
        _ => None,
    }
}

/// Every effect of what was approved.
pub(crate) fn states(approval: &Approval) -> impl Iterator<Item = (&EffectId, &EffectState)> {
    let effects = match &approval.stage {
        Stage::Executing { effects, .. } | Stage::Closed(Outcome::Done { effects, .. }) => Some(effects),
        Stage::Preparing { .. }
        | Stage::Unsettled { .. }
        | Stage::Seated { .. }
        | Stage::Returned { .. }
        | Stage::Closed(Outcome::Declined { .. } | Outcome::Withdrawn { .. }) => None,
    };
    effects.into_iter().flatten()
}

/// The effect that a person has sent once more, who was told that nobody knows: or whose target can say nothing.
fn vouched(before: &Approval, entry: &Entry) -> Option<EffectId> {
    let Event::ExceptionClosed { id, closed, .. } = &entry.event else { return None };
    let exception = before.exceptions.get(id).filter(|_| closed.by == Closure::Retry)?;
    let mut of_it = before.writes().filter(|planned| Some(planned.effect) == exception.effect);
    let blind = of_it.any(|planned| planned.guarantee == Guarantee::Blind);
    exception.effect.filter(|_| blind || exception.cause == Cause::Uncertain)
}

/// What a person gives up by closing an exception.
fn abandoned(entry: &Entry) -> Vec<EffectId> {
    let Event::ExceptionClosed { closed, effects, .. } = &entry.event else { return Vec::new() };
    let given_up = effects.iter().filter(|(_, state)| **state == EffectState::GivenUp);
    given_up.filter(|_| closed.person.is_some()).map(|(effect, _)| *effect).collect()
}

/// The effect that an entry is about, if it was begun although something that it must come after is still open.
fn out_of_order(before: &Approval, entry: &Entry) -> Option<EffectId> {
    let (Event::Sending { effect, .. } | Event::Attempted { effect, .. }) = &entry.event else { return None };
    let writes = || before.case().into_iter().flat_map(|case| &case.writes);
    let state_of = |effect| states(before).find(|(id, _)| **id == effect).map(|(_, state)| state);
    let settled =
        |effect| matches!(state_of(effect), Some(EffectState::Landed { .. } | EffectState::GivenUp));
    let own = before.planned(*effect)?;
    let Some(undone) = own.undoes.and_then(|undone| before.planned(undone)) else {
        let mut first = writes().filter(|planned| own.after.contains(&planned.binding));
        return first.any(|planned| !settled(planned.effect)).then_some(*effect);
    };
    // What came after it is taken back before it, and nothing is on its way meanwhile.
    let stands = |planned: &&PlannedEffect| {
        planned.after.contains(&undone.binding)
            && matches!(state_of(planned.effect), Some(EffectState::Landed { .. }))
            && planned.reversible
            && !settled(undo_id(planned.effect))
    };
    let on_its_way = |planned: &&PlannedEffect| {
        matches!(state_of(planned.effect), Some(EffectState::Waiting | EffectState::Sent { .. }))
    };
    writes().find(|planned| stands(planned) || on_its_way(planned)).map(|_| *effect)
}

/// Whether something was looked for because its key may have been forgotten.
fn is_look(entry: &Entry) -> bool {
    matches!(&entry.event, Event::Attempted { detail: Some(detail), .. } if detail.code == "key-expired")
}
