//! Scripted connectors: the connectors port without WASM and sockets. A test says what each target
//! answers; without a script every read finds what was put there and every write lands.

mod catalogue;

use countersign_core::connector::Serving;
use countersign_core::delivery::{Body, Delivery, Draft};
use countersign_core::effect::attempt::{
    Answer as Wire, AttemptEnd, Detail, Ended, Failure, Finding, Guarantee, Receipt, Step,
};
use countersign_core::effect::plan::{Change, Proposal, WritePlan};
use countersign_core::hash::Digest;
use countersign_core::id::ConnectionName;
use countersign_core::record::{Field, RecordRef, Snapshot, Value};
use countersign_core::time::{Millis, Timestamp};
use countersign_engine::port::Answer;
use countersign_engine::port::connectors::{
    Arrived, Asked, Call, Changed, Connection, Connectors, Inbound, Ledger, NotTaken, Operation, Page,
    TargetHealth, Verified,
};
use countersign_engine::simulated::SimulatedClock;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The one hook of every scripted connection.
pub const HOOK: &str = "quote-submitted";

/// What one attempt is made to do.
#[derive(Debug, Clone)]
pub enum Act {
    /// Ends like this; every step in it was recorded before it was sent.
    End(AttemptEnd),
    /// Records the step, sends it, and never comes back: the host dies in it.
    Hang,
    /// Lands at the moment when as many attempts have come as the barrier counts.
    Meet(Arc<tokio::sync::Barrier>),
    /// Ends like this, as the record was changed elsewhere: it has this revision now, and a field this value.
    EndMoved(AttemptEnd, String, Option<Value>),
    /// Ends like this at the moment when as many attempts have come as the barrier counts.
    EndTogether(Arc<tokio::sync::Barrier>, AttemptEnd),
}

/// Connectors that do what a test says.
#[derive(Debug, Default)]
pub struct Scripted {
    connections: BTreeMap<ConnectionName, Arc<Connection>>,
    /// What was there before, and is kept.
    before: BTreeMap<ConnectionName, Arc<Connection>>,
    /// What the builds before ask for, and those behind the connections.
    wants: [BTreeSet<String>; 2],
    /// Which build of a connector serves, by its id; what was scripted where nothing is said.
    serving: Mutex<BTreeMap<String, Serving>>,
    state: Mutex<State>,
    found: tokio::sync::Notify,
}

#[derive(Debug, Default)]
struct State {
    records: BTreeMap<(ConnectionName, RecordRef), Vec<Field>>,
    /// What deliveries are about, and what they ask for.
    delivered: (Vec<RecordRef>, Vec<Draft>),
    /// How the next questions about deliveries fail.
    undelivered: VecDeque<Failure>,
    reads: VecDeque<Failure>,
    /// What has changed at the target, the oldest first, and how often it was asked.
    changed: Vec<Changed>,
    followed: usize,
    /// Whether it does not know the place at which it is asked to go on next.
    place_forgotten: bool,
    /// Where it was first asked to go on since it was last looked at.
    followed_from: Option<Option<String>>,
    acts: VecDeque<Act>,
    /// What the next attempts at a connection do.
    once: BTreeMap<String, VecDeque<Act>>,
    /// The revision of every record.
    revision: Option<String>,
    /// What the first field to be written holds now.
    before: Option<Value>,
    /// What is planned beside what is asked for.
    also: Vec<Field>,
    /// What every attempt at a connection does, and every attempt at taking back what was written there.
    always: BTreeMap<(String, bool), Act>,
    findings: VecDeque<Ended<Finding>>,
    writes: Vec<Call>,
    probes: usize,
    attempts: usize,
    lost: Option<(String, String)>,
    /// Whether no connection has its connector.
    bare: bool,
    /// Where everything is already as it is asked for.
    holding: Option<String>,
    withdraws: bool,
    moved: Option<(String, String)>,
    health: TargetHealth,
    denies: bool,
    plans_denied: bool,
    remark: Option<String>,
    reads_denied: bool,
    plans: usize,
    renews: bool,
    nothing_found: bool,
    hangs: Option<String>,
    hanging: usize,
    /// What each so many attempts of one build do, with how many it has made.
    habits: BTreeMap<Digest, (usize, Act, usize)>,
    /// What becomes of the plans of one build, one after the other; the last one stays.
    planning: BTreeMap<Digest, VecDeque<Planning>>,
    /// How long each attempt of one build takes.
    paces: BTreeMap<Digest, (Arc<SimulatedClock>, Millis)>,
}

/// What a build makes of the plan that was scripted.
pub type Planning = fn(WritePlan) -> Ended<WritePlan>;

impl State {
    /// What this build makes of a plan now.
    fn planned(&mut self, build: &Digest, plan: WritePlan) -> Ended<WritePlan> {
        let Some(planning) = self.planning.get_mut(build) else { return Ended::Returned(plan) };
        let next = if planning.len() > 1 { planning.pop_front() } else { planning.front().copied() };
        next.map_or_else(|| Ended::Returned(plan.clone()), |make| make(plan.clone()))
    }

    /// What an attempt of this build does now by its habit.
    fn habit(&mut self, build: &Digest) -> Option<Act> {
        let (every, act, made) = self.habits.get_mut(build)?;
        *made += 1;
        (*made % *every == 0).then(|| act.clone())
    }
}

impl Scripted {
    /// Adds a connection whose operations all have one guarantee.
    #[must_use]
    pub fn with(mut self, name: &str, guarantee: Guarantee, operations: &[(&str, &str)]) -> Scripted {
        let connection = connection(name, guarantee, operations);
        self.connections.insert(connection.name.clone(), Arc::new(connection));
        self
    }

    /// Leads every connection to another address.
    #[must_use]
    pub fn pointed_at(mut self, base: &str) -> Scripted {
        for connection in self.connections.values_mut() {
            Arc::make_mut(connection).endpoints = vec![("api".to_owned(), base.to_owned())];
        }
        self
    }

    /// Lets what is written at a connection be taken back.
    #[must_use]
    pub fn reversible(mut self, name: &str) -> Scripted {
        let connections = self.connections.values_mut().filter(|connection| connection.name.as_str() == name);
        for connection in connections {
            let operations = &mut Arc::make_mut(connection).operations;
            operations.iter_mut().for_each(|operation| operation.reversible = true);
        }
        self
    }

    /// Gives every connection this setting.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Scripted {
        for connection in self.connections.values_mut() {
            Arc::make_mut(connection).settings = vec![(name.to_owned(), value.to_owned())];
        }
        self
    }

    /// Puts another build of its connector behind every connection.
    #[must_use]
    pub fn built_anew(mut self) -> Scripted {
        for connection in self.connections.values_mut() {
            Arc::make_mut(connection).digest = Digest::of(b"another build");
        }
        self
    }

    /// Puts another build of its connector behind every connection, and keeps the one before.
    #[must_use]
    pub fn upgraded(self) -> Scripted {
        let before = self.connections.clone();
        Scripted { before, ..self.built_anew() }
    }

    /// Has every build before ask for this, and every one behind a connection for that; somebody has signed them.
    #[must_use]
    pub fn asking(self, before: &[&str], now: &[&str]) -> Scripted {
        let wants = [before, now].map(|wants| wants.iter().map(|want| (*want).to_owned()).collect());
        Scripted { wants, ..self }
    }

    /// Puts another build of its connector behind one connection.
    #[must_use]
    pub fn built_anew_at(mut self, name: &str) -> Scripted {
        for connection in self.connections.values_mut().filter(|known| known.name.as_str() == name) {
            Arc::make_mut(connection).digest = Digest::of(b"another build");
        }
        self
    }

    /// Puts a record at a connection.
    pub fn put(&self, connection: &str, kind: &str, id: &str, fields: &[(&str, Value)]) {
        let name = ConnectionName::parse(connection).expect("a connection name");
        let record = RecordRef { kind: kind.to_owned(), id: id.to_owned() };
        let fields =
            fields.iter().map(|(name, value)| Field { name: (*name).to_owned(), value: value.clone() });
        self.state().records.insert((name, record), fields.collect());
    }

    /// Takes a record away from a connection.
    pub fn remove(&self, connection: &str, kind: &str, id: &str) {
        let name = ConnectionName::parse(connection).expect("a connection name");
        self.state().records.remove(&(name, RecordRef { kind: kind.to_owned(), id: id.to_owned() }));
    }

    /// From now on every delivery is about these records, and asks for these intents.
    pub fn delivers(&self, records: Vec<RecordRef>, drafts: Vec<Draft>) {
        self.state().delivered = (records, drafts);
    }

    /// The next question about a delivery fails like this.
    pub fn next_delivery(&self, failure: Failure) {
        self.state().undelivered.push_back(failure);
    }

    /// From now on every plan writes this field too.
    pub fn plan_also(&self, field: Field) {
        self.plan_all_of(vec![field]);
    }

    /// From now on every plan writes these fields too.
    pub fn plan_all_of(&self, fields: Vec<Field>) {
        self.state().also = fields;
    }

    /// From now on every plan says this beside its changes.
    pub fn remark(&self, words: &str) {
        self.state().remark = Some(words.to_owned());
    }

    /// The next read fails like this.
    pub fn next_read(&self, failure: Failure) {
        self.state().reads.push_back(failure);
    }

    /// The next attempt does this.
    pub fn next_act(&self, act: Act) {
        self.state().acts.push_back(act);
    }

    /// The next attempt at this connection does this.
    pub fn once(&self, connection: &str, act: Act) {
        self.state().once.entry(connection.to_owned()).or_default().push_back(act);
    }

    /// Every record is again as it was before somebody changed it.
    pub fn as_it_was(&self) {
        self.state().before = None;
    }

    /// Every record has this revision now.
    pub fn is_at(&self, revision: &str) {
        self.state().revision = Some(revision.to_owned());
    }

    /// From now on no connection has its connector, or each has it again.
    pub fn bare(&self, bare: bool) {
        self.state().bare = bare;
    }

    /// From now on every attempt at a connection does this, or every one at taking back what was written there.
    pub fn always(&self, connection: &str, takes_back: bool, act: Act) {
        self.state().always.insert((connection.to_owned(), takes_back), act);
    }

    /// From now on every so many attempts of this build do this.
    pub fn build_does(&self, build: Digest, every: usize, act: Act) {
        self.state().habits.insert(build, (every, act, 0));
    }

    /// The next plans of this build become this, one after the other; the last one stays.
    pub fn build_plans(&self, build: Digest, planning: &[Planning]) {
        self.state().planning.insert(build, planning.iter().copied().collect());
    }

    /// From now on each attempt of this build takes so long.
    pub fn build_takes(&self, build: Digest, clock: &Arc<SimulatedClock>, length: Millis) {
        self.state().paces.insert(build, (Arc::clone(clock), length));
    }

    /// From now on they land again.
    pub fn lands_again(&self, connection: &str, takes_back: bool) {
        self.state().always.remove(&(connection.to_owned(), takes_back));
    }

    /// Whatever was said about attempts is forgotten: they land from here on.
    pub fn forget_acts(&self) {
        self.state().acts.clear();
    }

    /// From now on a connection cannot do this any more.
    pub fn lose(&self, connection: &str, operation: &str) {
        self.state().lost = Some((connection.to_owned(), operation.to_owned()));
    }

    /// A connection holds already whatever is to be written there.
    pub fn holds(&self, connection: &str) {
        self.state().holding = Some(connection.to_owned());
    }

    /// From now on a connection leads to another address.
    pub fn move_to(&self, connection: &str, base: &str) {
        self.state().moved = Some((connection.to_owned(), base.to_owned()));
    }

    /// Whether every connection refuses its credential from now on.
    pub fn deny(&self, denies: bool) {
        self.state().denies = denies;
    }

    /// Every token is withdrawn from now on, once its step has left: it is sent once more with another one.
    pub fn withdraw_tokens(&self) {
        self.state().withdraws = true;
    }

    /// Every probe without a script finds nothing from now on.
    pub fn find_nothing(&self) {
        self.state().nothing_found = true;
        self.found.notify_one();
    }

    /// Whether plans are refused as well while the credential is.
    pub fn deny_plans(&self) {
        self.state().plans_denied = true;
    }

    /// Every target tells of changes to records of this kind.
    #[must_use]
    pub fn telling(mut self, kind: &str) -> Scripted {
        for connection in self.connections.values_mut() {
            Arc::make_mut(connection).tells.push(kind.to_owned());
        }
        self
    }

    /// The target tells that a record has changed, and that it has this revision now.
    pub fn has_changed(&self, subject: RecordRef, revision: Option<&str>) {
        self.state().changed.push(Changed { subject, revision: revision.map(ToOwned::to_owned) });
    }

    /// No place that the target gave until now is one any more.
    pub fn forget_place(&self) {
        self.state().place_forgotten = true;
    }

    /// From where it was first asked what has changed since this was last asked for.
    #[must_use]
    pub fn followed_from(&self) -> Option<Option<String>> {
        self.state().followed_from.take()
    }

    /// How often it was asked what has changed.
    #[must_use]
    pub fn followed(&self) -> usize {
        self.state().followed
    }

    /// Whether reads are refused as well while the credential is.
    pub fn deny_reads(&self) {
        self.state().reads_denied = true;
    }

    /// How many plans were asked for.
    #[must_use]
    pub fn plans(&self) -> usize {
        self.state().plans
    }

    /// How many attempts there were, whatever left.
    pub fn attempts(&self) -> usize {
        self.state().attempts
    }

    /// When a credential is read again, it is another one, and taken.
    pub fn rotate(&self) {
        self.state().renews = true;
    }

    /// No attempt at this connection comes back from now on.
    pub fn hang(&self, connection: &str) {
        self.state().hangs = Some(connection.to_owned());
    }

    /// How many attempts do not come back.
    #[must_use]
    pub fn hanging(&self) -> usize {
        self.state().hanging
    }

    /// Every connection is left alone for so long, or for no time from now on.
    pub fn rest(&self, rest: Option<Millis>) {
        self.state().health.rests = rest;
    }

    /// Every target has failed for so long, or does not any more.
    pub fn fail_for(&self, length: Option<Millis>) {
        self.state().health.failing = length;
    }

    /// The next probe says this. A probe without a script waits for one.
    pub fn next_finding(&self, finding: Ended<Finding>) {
        self.state().findings.push_back(finding);
        self.found.notify_one();
    }

    /// Every attempt that sent something, in order.
    #[must_use]
    pub fn writes(&self) -> Vec<Call> {
        self.state().writes.clone()
    }

    /// How many probes were made.
    #[must_use]
    pub fn probes(&self) -> usize {
        self.state().probes
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection whose operations all have one guarantee.
///
/// # Panics
/// If it is no name of a connection.
#[must_use]
pub fn connection(name: &str, guarantee: Guarantee, operations: &[(&str, &str)]) -> Connection {
    let name = ConnectionName::parse(name).expect("a connection name");
    let operations = operations.iter().map(|(operation, kind)| Operation {
        name: (*operation).to_owned(),
        kind: (*kind).to_owned(),
        input_schema: "{}".to_owned(),
        guarantee,
        reversible: false,
    });
    Connection {
        connector: format!("scripted.{name}"),
        version: "1.0.0".to_owned(),
        digest: Digest::of(name.as_str().as_bytes()),
        system: name.to_string(),
        endpoints: vec![("api".to_owned(), format!("https://{name}.example"))],
        settings: Vec::new(),
        operations: operations.collect(),
        tells: Vec::new(),
        inbound: Inbound {
            hooks: vec![(HOOK.to_owned(), "scripted")],
            interprets: true,
            brings: vec!["discount".to_owned(), "refund".to_owned(), "tour".to_owned()],
        },
        settle: Millis::seconds(30),
        key_lifetime: Millis::hours(24),
        concurrent: 16,
        name,
    }
}

/// The plan to write what was asked for, where nothing is yet.
#[must_use]
pub fn planned(what: &Proposal) -> WritePlan {
    let changes = what.fields.iter().map(|field| Change {
        name: field.name.clone(),
        before: Value::Absent,
        after: field.value.clone(),
    });
    WritePlan {
        changes: changes.collect(),
        subject: what.subject.clone(),
        revision: None,
        remarks: Vec::new(),
    }
}

/// A receipt that says what was asked.
#[must_use]
pub fn receipt(call: &Call) -> Receipt {
    let applied = call.plan.changes.iter();
    Receipt {
        subject: call.plan.subject.clone(),
        revision: None,
        url: None,
        vendor_request_id: None,
        applied: applied
            .map(|change| Field { name: change.name.clone(), value: change.after.clone() })
            .collect(),
        extra: Vec::new(),
    }
}

fn denied() -> Failure {
    Failure::Denied(Detail::new("unauthorized", "the key has expired"))
}

/// One step with this answer.
#[must_use]
pub fn step(answer: Wire) -> Step {
    Step { name: "write".to_owned(), request: Digest::of(b"request"), answer }
}

impl Scripted {
    /// A connection, with the build of its connector that serves it.
    fn served(&self, name: &ConnectionName) -> Option<Arc<Connection>> {
        let scripted = self.connections.get(name).filter(|_| !self.state().bare)?;
        let serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
        let digest = serving.get(&scripted.connector).and_then(|serving| serving.of(name));
        let before = self.before.get(name).filter(|before| Some(before.digest) == digest);
        Some(Arc::clone(before.unwrap_or(scripted)))
    }
}

impl Connectors for Scripted {
    fn connections(&self) -> Vec<Arc<Connection>> {
        let lost = self.state().lost.clone();
        let moved = self.state().moved.clone();
        let known = self.connections.keys().filter_map(|name| self.served(name));
        known
            .map(|mut connection| {
                if let Some((name, operation)) = &lost
                    && connection.name.as_str() == name
                {
                    Arc::make_mut(&mut connection).operations.retain(|known| known.name != *operation);
                }
                if let Some((name, base)) = &moved
                    && connection.name.as_str() == name
                {
                    Arc::make_mut(&mut connection).endpoints = vec![("api".to_owned(), base.clone())];
                }
                connection
            })
            .collect()
    }

    fn connection(&self, name: &ConnectionName) -> Option<Arc<Connection>> {
        self.served(name)
    }

    fn waiting(&self) -> BTreeMap<ConnectionName, String> {
        let named = self.connections.values().map(|one| (one.name.clone(), one.connector.clone()));
        if self.state().bare { named.collect() } else { BTreeMap::new() }
    }

    fn bound(&self, name: &ConnectionName, connector: Digest) -> Result<Arc<Connection>, String> {
        let known = [self.connections.get(name), self.before.get(name)];
        let found = known.into_iter().flatten().find(|known| known.digest == connector).cloned();
        found.ok_or_else(|| "it is not installed".to_owned())
    }

    fn renew<'a>(&'a self, _: &'a ConnectionName) -> Answer<'a, bool> {
        let renews = std::mem::take(&mut self.state().renews);
        if renews {
            self.deny(false);
        }
        Box::pin(std::future::ready(renews))
    }

    fn health(&self, _: &ConnectionName) -> TargetHealth {
        self.state().health
    }

    fn check(&self, _: &ConnectionName) -> Answer<'_, Ended<()>> {
        let ended = if self.state().denies { Ended::Failed(denied()) } else { Ended::Returned(()) };
        Box::pin(async { ended })
    }

    fn changes(&self, _name: &ConnectionName, asked: Asked) -> Answer<'_, Ended<Page>> {
        let mut state = self.state();
        state.followed += 1;
        state.followed_from.get_or_insert(asked.cursor.clone());
        let from = asked.cursor.map_or(0, |cursor| cursor.parse().expect("it is ours"));
        let new = state.changed.iter().filter(|changed| changed.subject.kind == asked.kind).skip(from);
        let items: Vec<Changed> = new.take(asked.limit as usize).cloned().collect();
        let next = (!items.is_empty()).then(|| (from + items.len()).to_string());
        let ended = if state.denies && state.reads_denied {
            Ended::Failed(denied())
        } else if from != 0 && state.place_forgotten {
            let detail = Detail::new("bad-cursor", "there is no such place");
            Ended::Failed(Failure::Rejected { fields: Vec::new(), detail })
        } else {
            Ended::Returned(Page { items, next })
        };
        Box::pin(async move { ended })
    }

    fn verify(
        &self,
        name: &ConnectionName,
        hook: &str,
        arrived: Arrived,
        _: Timestamp,
    ) -> Result<Verified, NotTaken> {
        if hook != HOOK || self.served(name).is_none() {
            return Err(NotTaken::NoHook { connection: name.clone(), hook: hook.to_owned() });
        }
        let value =
            |wanted: &str| arrived.headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
        match value("signed").map(String::as_str) {
            Some("challenge") => return Ok(Verified::Challenge("are you there".to_owned())),
            Some("well") => {}
            _ => return Err(NotTaken::NotProved("the secret is `hunter2`, and it is not signed".to_owned())),
        }
        let id = Digest::of(&arrived.body);
        let (connection, hook) = (name.clone(), hook.to_owned());
        let delivery = Delivery { connection, hook, headers: arrived.headers, body: Body::of(arrived.body) };
        Ok(Verified::Delivery { id, delivery })
    }

    fn interpret(&self, _: Delivery, _: Timestamp) -> Answer<'_, Ended<Vec<RecordRef>>> {
        let mut state = self.state();
        let failed = state.undelivered.pop_front();
        let ended = failed.map_or_else(|| Ended::Returned(state.delivered.0.clone()), Ended::Failed);
        Box::pin(async move { ended })
    }

    fn receive(&self, _: Delivery, _: Timestamp) -> Answer<'_, Ended<Vec<Draft>>> {
        let drafts = self.state().delivered.1.clone();
        Box::pin(async move { Ended::Returned(drafts) })
    }

    fn fetch(&self, name: &ConnectionName, subject: RecordRef) -> Answer<'_, Ended<Snapshot>> {
        let mut state = self.state();
        let denied = (state.denies && state.reads_denied).then(denied);
        let ended = match denied.or_else(|| state.reads.pop_front()) {
            Some(failure) => Ended::Failed(failure),
            None => match state.records.get(&(name.clone(), subject.clone())) {
                Some(fields) => {
                    Ended::Returned(Snapshot { subject, revision: None, url: None, fields: fields.clone() })
                }
                None => Ended::Failed(Failure::Rejected {
                    fields: Vec::new(),
                    detail: Detail::new("not-found", format!("there is no `{subject}`")),
                }),
            },
        };
        Box::pin(async move { ended })
    }

    fn plan(
        &self,
        name: &ConnectionName,
        build: Digest,
        what: Proposal,
        _: Timestamp,
    ) -> Answer<'_, Ended<WritePlan>> {
        let mut state = self.state();
        state.plans += 1;
        let denied = state.denies && state.plans_denied;
        let mut plan = planned(&what);
        if state.holding.as_deref() == Some(name.as_str()) {
            plan.changes.clear();
        }
        let also = state.also.iter().map(|field| Change {
            name: field.name.clone(),
            before: Value::Absent,
            after: field.value.clone(),
        });
        plan.changes.extend(also);
        plan.remarks.extend(state.remark.clone());
        plan.revision.clone_from(&state.revision);
        if let (Some(first), Some(before)) = (plan.changes.first_mut(), &state.before) {
            first.before = before.clone();
        }
        let ended = if denied { Ended::Failed(self::denied()) } else { state.planned(&build, plan) };
        Box::pin(async move { ended })
    }

    fn apply(&self, call: Call, ledger: Arc<dyn Ledger>) -> Answer<'_, AttemptEnd> {
        Box::pin(async move {
            if self.state().hangs.as_deref() == Some(call.connection.as_str()) {
                self.state().hanging += 1;
                return std::future::pending().await;
            }
            self.state().attempts += 1;
            let pace = self.state().paces.get(&call.connector).cloned();
            if let Some((clock, length)) = pace {
                clock.turn(length);
            }
            let denies = self.state().denies;
            let place = (call.connection.to_string(), call.takes_back.is_some());
            let once = self.state().once.get_mut(&place.0).and_then(VecDeque::pop_front);
            let always = || self.state().always.get(&place).cloned();
            let act = once
                .or_else(always)
                .or_else(|| self.state().habit(&call.connector))
                .or_else(|| self.state().acts.pop_front())
                .unwrap_or_else(|| {
                    if denies {
                        let steps = vec![step(Wire::Answered { status: 401 })];
                        return Act::End(AttemptEnd {
                            claim: Ended::Failed(denied()),
                            steps,
                            held_back: None,
                        });
                    }
                    let steps = vec![step(Wire::Answered { status: 200 })];
                    Act::End(AttemptEnd { claim: Ended::Returned(receipt(&call)), steps, held_back: None })
                });
            let steps = match &act {
                Act::End(end) | Act::EndMoved(end, ..) | Act::EndTogether(_, end) => end.steps.clone(),
                Act::Hang => vec![step(Wire::Unanswered)],
                Act::Meet(_) => vec![step(Wire::Answered { status: 200 })],
            };
            for step in steps.iter().filter(|step| step.answer != Wire::NotSent) {
                let asked = ledger.about_to_send(&step.name, step.request).await;
                let asked = match asked {
                    Ok(()) if self.state().withdraws => {
                        self.state().writes.push(call.clone());
                        ledger.leaves_again().await
                    }
                    asked => asked,
                };
                if let Err(refused) = asked {
                    let detail = Detail::new("not-recorded", refused.to_string());
                    let claim = Ended::Failed(Failure::Transient { after: None, detail });
                    return AttemptEnd { claim, steps: Vec::new(), held_back: None };
                }
                self.state().writes.push(call.clone());
            }
            match act {
                Act::End(end) => end,
                Act::EndMoved(end, revision, before) => {
                    let mut state = self.state();
                    (state.revision, state.before) = (Some(revision), before);
                    end
                }
                Act::Hang => std::future::pending().await,
                Act::EndTogether(barrier, end) => {
                    barrier.wait().await;
                    end
                }
                Act::Meet(barrier) => {
                    barrier.wait().await;
                    AttemptEnd { claim: Ended::Returned(receipt(&call)), steps, held_back: None }
                }
            }
        })
    }

    fn probe(&self, _: Call) -> Answer<'_, Ended<Finding>> {
        Box::pin(async move {
            loop {
                let scripted = self.found.notified();
                let finding = {
                    let mut state = self.state();
                    let absent = state.nothing_found.then_some(Ended::Returned(Finding::Absent));
                    state.findings.pop_front().or(absent)
                };
                match finding {
                    Some(finding) => {
                        self.state().probes += 1;
                        return finding;
                    }
                    None => scripted.await,
                }
            }
        })
    }
}
