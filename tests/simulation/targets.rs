//! The targets of the simulator, one for each class of guarantee, and the wire to them: what is sent may be refused,
//! lost on the way there or back, or arrive when nobody waits for it any more.

use crate::Bug;
use crate::moments::{self, Moment};
use countersign_core::effect::attempt::{
    Answer as Wire, AttemptEnd, Break, BreakKind, Detail, Ended, Failure, Finding, Guarantee, Receipt, Step,
};
use countersign_core::effect::key::{InstallKey, idempotency_key};
use countersign_core::effect::plan::{Proposal, WritePlan};
use countersign_core::hash::Digest;
use countersign_core::id::{ConnectionName, EffectId};
use countersign_core::record::{Field, RecordRef, Snapshot, Value};
use countersign_core::time::{Millis, Timestamp};
use countersign_engine::port::Answer;
use countersign_engine::port::clock::Clock as _;
use countersign_engine::port::connectors::{Asked, Call, Connection, Connectors, Ledger, Page, TargetHealth};
use countersign_engine::simulated::SimulatedClock;
use countersign_tests::draw::Draw;
use countersign_tests::scripted::{connection, planned, receipt};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The classes, each with the name of its intent type and target.
pub(crate) const CLASSES: [(&str, Guarantee); 4] = [
    ("keyed", Guarantee::ByKey),
    ("upsert", Guarantee::ByNaturalKey),
    ("look", Guarantee::ByProbe),
    ("blind", Guarantee::Blind),
];
/// How long a request can still arrive after its sender gave it up.
const SETTLE: Millis = Millis::seconds(30);
/// How long the target with keys remembers them.
const KEY_LIFETIME: Millis = Millis::hours(24);
/// The one step of every operation.
const STEP: &str = "write";

/// Every target, with what arrived there.
#[derive(Debug)]
pub(crate) struct Targets {
    draw: Draw,
    bug: Option<Bug>,
    clock: Arc<SimulatedClock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    healed: bool,
    /// Every version of every connection's connector that there ever was, the newest last.
    versions: BTreeMap<ConnectionName, Vec<Arc<Connection>>>,
    /// Versions that somebody took away.
    gone: BTreeSet<Digest>,
    /// Which version was asked for a plan of which record.
    planned: BTreeSet<(ConnectionName, RecordRef, Digest)>,
    upgrades: u64,
    /// The connections whose credential is refused, each until when.
    shut: BTreeMap<ConnectionName, Timestamp>,
    /// When each key was first seen.
    keys: BTreeMap<String, Timestamp>,
    /// What was done, in order.
    done: Vec<Done>,
    /// What each record holds; nothing if it is gone.
    records: BTreeMap<(ConnectionName, RecordRef), Option<Value>>,
    /// How often somebody else wrote to one.
    edits: u64,
    /// What is on its way although nobody waits for it.
    late: Vec<(Timestamp, Call)>,
    /// What is on its way and waited for, by a number of its own.
    flights: BTreeMap<u64, Flight>,
    sent: u64,
    attempts: u64,
    probes: u64,
    /// How often each effect was sent, where hosts die at every moment.
    dying: Option<BTreeMap<EffectId, u64>>,
    /// The moment of a send at which the host has died.
    cut_off: Option<Moment>,
}

/// Something that a target did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) effect: EffectId,
    pub(crate) guarantee: Guarantee,
    /// The version of the connector that wrote it.
    pub(crate) connector: Digest,
    /// Digest of what was written.
    pub(crate) wrote: Digest,
    /// Where.
    pub(crate) place: (ConnectionName, RecordRef),
    /// When it got there by the target's own clock, however far that was turned at once meanwhile ...
    pub(crate) at: Timestamp,
    /// ... and what the host's clock said by then.
    pub(crate) seen: Timestamp,
}

/// Digest of what is written by an effect.
pub(crate) fn written(what: &Proposal, plan: &WritePlan) -> Digest {
    Digest::of(&serde_json::to_vec(&(what, plan)).expect("it is text"))
}

/// What becomes of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Lands,
    NotSent,
    HeldBack,
    Busy,
    Refused,
    Conflicts,
    DownBefore,
    DownAfter,
    LostThere,
    LostBack,
    Late,
    TrapsBefore,
    TrapsAfter,
    ClaimsWithoutSending,
    DeniesAfterLanding,
    RejectsAfterLanding,
}

fn status(status: u16) -> Wire {
    Wire::Answered { status }
}

fn trapped<T>() -> Ended<T> {
    Ended::Broke(Break { kind: BreakKind::Trap, message: "it trapped".to_owned() })
}

/// How an attempt ends in which these answers came.
fn ended(claim: Ended<Receipt>, answers: &[Wire]) -> AttemptEnd {
    let steps = answers.iter().map(|answer| Step {
        name: STEP.to_owned(),
        request: Digest::of(b"request"),
        answer: *answer,
    });
    AttemptEnd { claim, steps: steps.collect(), held_back: None }
}

impl Way {
    fn detail(self) -> Detail {
        Detail::new("simulated", format!("{self:?}"))
    }

    fn transient(self) -> Ended<Receipt> {
        Ended::Failed(Failure::Transient { after: None, detail: self.detail() })
    }

    /// Whether the request reaches its target while its sender waits.
    fn reaches(self) -> bool {
        match self {
            Way::TrapsBefore | Way::ClaimsWithoutSending | Way::HeldBack | Way::NotSent => false,
            Way::Busy | Way::Refused | Way::Conflicts | Way::DownBefore | Way::LostThere | Way::Late => false,
            Way::Lands | Way::DownAfter | Way::LostBack | Way::TrapsAfter => true,
            Way::DeniesAfterLanding | Way::RejectsAfterLanding => true,
        }
    }
}

/// A request that was sent by a host that runs.
#[derive(Debug)]
struct Flight {
    call: Call,
    /// When the target does something about it, if ever.
    lands: Option<Timestamp>,
}

/// Every other way than landing, each as often as the others.
const FAULTS: [Way; 15] = [
    Way::NotSent,
    Way::HeldBack,
    Way::Busy,
    Way::Refused,
    Way::Conflicts,
    Way::DownBefore,
    Way::DownAfter,
    Way::LostThere,
    Way::LostBack,
    Way::Late,
    Way::TrapsBefore,
    Way::TrapsAfter,
    Way::ClaimsWithoutSending,
    Way::DeniesAfterLanding,
    Way::RejectsAfterLanding,
];

impl Targets {
    pub(crate) fn new(draw: Draw, bug: Option<Bug>, clock: Arc<SimulatedClock>) -> Targets {
        let settle = if bug == Some(Bug::BelievesAbsentAtOnce) { Millis(0) } else { SETTLE };
        let key_lifetime = if bug == Some(Bug::TrustsOldKeys) { Millis::hours(10_000) } else { KEY_LIFETIME };
        let connections = CLASSES.map(|(name, guarantee)| {
            let connection = connection(name, guarantee, &[("deliver", "order")]);
            let mut connection = Connection { settle, key_lifetime, concurrent: 4, ..connection };
            // What nothing can be said about cannot be taken back either.
            for operation in &mut connection.operations {
                operation.reversible = guarantee != Guarantee::Blind;
            }
            (connection.name.clone(), vec![Arc::new(connection)])
        });
        let state = State { versions: connections.into(), ..State::default() };
        Targets { draw, bug, clock, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was done, in order.
    pub(crate) fn done(&self) -> Vec<Done> {
        self.state().done.clone()
    }

    /// How many of them there are.
    pub(crate) fn count(&self) -> usize {
        self.state().done.len()
    }

    /// Attempts and probes so far.
    pub(crate) fn calls(&self) -> (u64, u64) {
        let state = self.state();
        (state.attempts, state.probes)
    }

    /// What a record holds; `None` if it is gone, or never was.
    pub(crate) fn holds(&self, connection: &ConnectionName, record: &RecordRef) -> Option<Value> {
        self.state().records.get(&(connection.clone(), record.clone())).cloned().flatten()
    }

    /// How often somebody else wrote somewhere.
    pub(crate) fn edits(&self) -> u64 {
        self.state().edits
    }

    /// Somebody else writes to a record, takes back what was written there, or removes it.
    pub(crate) fn edit(&self) -> Option<(String, Option<Value>)> {
        let mut state = self.state();
        let known = u64::try_from(state.records.len()).expect("it fits");
        let place = usize::try_from(self.draw.below(known.max(1))).expect("it fits");
        let ((connection, record), value) = state.records.iter_mut().nth(place)?;
        *value = match self.draw.below(8) {
            0 => None,
            1..4 => Some(Value::Absent),
            _ => Some(Value::Integer(7)),
        };
        let told = (format!("{connection} {record}"), value.clone());
        state.edits += 1;
        Some(told)
    }

    /// Another version of its connector takes the place of the one behind a target, which stays installed or is
    /// taken away.
    pub(crate) fn upgrade(&self, class: &str, keeps: bool) {
        let name = ConnectionName::parse(class).expect("a name");
        let mut state = self.state();
        let Some(versions) = state.versions.get_mut(&name) else { return };
        let Some(before) = versions.last().cloned() else { return };
        let digest = Digest::of(format!("{class} {}", versions.len()).as_bytes());
        versions.push(Arc::new(Connection { digest, ..Connection::clone(&before) }));
        if !keeps {
            state.gone.insert(before.digest);
        }
        state.upgrades += 1;
    }

    /// Whether this version was asked for a plan of this record.
    pub(crate) fn has_planned(&self, name: &ConnectionName, record: &RecordRef, connector: Digest) -> bool {
        self.state().planned.contains(&(name.clone(), record.clone(), connector))
    }

    /// How often that happened.
    pub(crate) fn upgrades(&self) -> u64 {
        self.state().upgrades
    }

    /// From here on nothing fails, and whatever was taken away is installed again.
    pub(crate) fn heal(&self) {
        let mut state = self.state();
        state.healed = true;
        state.shut.clear();
        state.gone.clear();
    }

    /// A target refuses its credential for so long.
    pub(crate) fn shut(&self, class: &str, length: Millis) {
        let name = ConnectionName::parse(class).expect("a name");
        let until = self.time().plus(length);
        self.state().shut.insert(name, until);
    }

    /// A clock of its own: whatever is done to that of the host.
    fn time(&self) -> Timestamp {
        Timestamp(0).plus(self.clock.passed())
    }

    fn is_shut(&self, name: &ConnectionName) -> bool {
        let now = self.time();
        self.state().shut.get(name).is_some_and(|until| now < *until)
    }

    /// What was on its way arrives, as far as its time has come.
    pub(crate) fn arrive(&self) {
        let now = self.time();
        let mut due: Vec<(Timestamp, Call)> = {
            let mut state = self.state();
            let (due, late) = std::mem::take(&mut state.late).into_iter().partition(|(at, _)| *at <= now);
            state.late = late;
            due
        };
        due.sort_by_key(|(at, call)| (*at, call.effect, call.attempt));
        due.iter().for_each(|(at, call)| self.reach(call, *at));
    }

    /// A request reaches its target: what the target knows already it does not do again, if it can know.
    fn reach(&self, call: &Call, at: Timestamp) {
        let mut state = self.state();
        let mut wrote = written(&call.what, &call.plan);
        if self.bug == Some(Bug::WritesSomethingElse) && call.attempt == 2 {
            wrote = Digest::of(b"something else");
        }
        let newest = state.versions.get(&call.connection).and_then(|versions| versions.last());
        let by_newest = newest.filter(|_| self.bug == Some(Bug::WritesByTheNewest));
        let connector = by_newest.map_or(call.connector, |newest| newest.digest);
        let place = (call.connection.clone(), call.plan.subject.clone());
        let done = Done {
            effect: call.effect,
            guarantee: call.guarantee,
            connector,
            wrote,
            place: place.clone(),
            at,
            seen: self.clock.now(),
        };
        let before = state.done.len();
        match call.guarantee {
            Guarantee::ByKey => {
                // The key is the gate's, from its own arguments; the bug makes it another one each time.
                let generation =
                    if self.bug == Some(Bug::KeyOfAttempt) { call.attempt } else { call.generation };
                let key = idempotency_key(&InstallKey::new([7; 32]), call.effect, STEP, generation);
                let known = state.keys.get(&key).is_some_and(|seen| at.since(*seen) < KEY_LIFETIME);
                if !known {
                    state.keys.insert(key, at);
                    state.done.push(done);
                }
            }
            Guarantee::ByNaturalKey => {
                if !state.done.iter().any(|known| known.effect == done.effect) {
                    state.done.push(done);
                }
            }
            Guarantee::ByProbe | Guarantee::Blind => state.done.push(done),
        }
        if let Some(change) = call.plan.changes.first().filter(|_| before < state.done.len()) {
            state.records.insert(place, Some(change.after.clone()));
        }
    }

    /// From here on nothing fails, and hosts die while something is on its way.
    pub(crate) fn kill_senders(&self) {
        self.heal();
        self.state().dying = Some(BTreeMap::new());
    }

    /// Whether hosts die while something is on its way.
    pub(crate) fn are_dying(&self) -> bool {
        self.state().dying.is_some()
    }

    /// The moment of a send at which the host has died since this was last asked.
    pub(crate) fn cut_off(&self) -> Option<Moment> {
        self.state().cut_off.take()
    }

    /// The moment at which the host dies in this send, if it does.
    fn dies(&self, call: &Call) -> Option<Moment> {
        let mut state = self.state();
        let times = state.dying.as_mut()?.entry(call.effect).or_default();
        *times += 1;
        let moment = moments::of_send(&call.what.subject.id, call.guarantee, *times)?;
        state.cut_off = Some(moment);
        Some(moment)
    }

    fn way(&self) -> Way {
        let healed = self.state().healed;
        if healed || self.draw.in_100(55) { Way::Lands } else { *self.draw.of(&FAULTS) }
    }

    /// Puts a request on its way, which the target does something about then: if its sender dies, it may arrive all the
    /// same.
    fn send(&self, call: &Call, lands: Option<Timestamp>) -> OnItsWay<'_> {
        let mut state = self.state();
        state.sent += 1;
        let number = state.sent;
        state.flights.insert(number, Flight { call: call.clone(), lands });
        OnItsWay { targets: self, number }
    }

    /// Whoever waits stands still: what is on its way arrives at its time, and no later than after a sender's death.
    pub(crate) fn senders_stand_still(&self) {
        let latest = self.time().plus(SETTLE);
        let mut state = self.state();
        let flights = std::mem::take(&mut state.flights);
        let landing =
            flights.into_values().filter_map(|Flight { call, lands }| Some((lands?.min(latest), call)));
        state.late.extend(landing);
    }

    /// Time goes by while something is on its way.
    async fn while_on_its_way(&self) {
        self.goes_by(Millis(self.draw.below(20_000))).await;
    }

    async fn goes_by(&self, length: Millis) {
        self.clock.sleep_until(self.clock.now().plus(length)).await;
    }

    async fn attempt(&self, call: Call, ledger: Arc<dyn Ledger>) -> AttemptEnd {
        let way = self.way();
        self.state().attempts += 1;
        match way {
            Way::TrapsBefore => return ended(trapped(), &[]),
            Way::ClaimsWithoutSending => return ended(Ended::Returned(receipt(&call)), &[]),
            Way::HeldBack => {
                let held_back = Some(Millis(self.draw.below(60_000)));
                return AttemptEnd { held_back, ..ended(way.transient(), &[]) };
            }
            _ => {}
        }
        if self.bug != Some(Bug::SendsUnrecorded)
            && let Err(fault) = ledger.about_to_send(STEP, Digest::of(b"request")).await
        {
            let failure =
                Failure::Transient { after: None, detail: Detail::new("ledger", fault.to_string()) };
            return ended(Ended::Failed(failure), &[]);
        }
        if way == Way::NotSent {
            return ended(way.transient(), &[Wire::NotSent]);
        }
        if self.is_shut(&call.connection) {
            self.while_on_its_way().await;
            return ended(Ended::Failed(Failure::Denied(way.detail())), &[status(401)]);
        }
        let length = Millis(self.draw.below(20_000));
        // However far the clock is turned at once.
        let arrives = self.time().plus(length);
        let lands = match way {
            Way::Late => Some(arrives.plus(Millis(1 + self.draw.below(SETTLE.0 - 1)))),
            way => way.reaches().then_some(arrives),
        };
        if let Some(moment) = self.dies(&call) {
            if moment == Moment::LandsUnanswered {
                self.reach(&call, arrives);
            }
            return std::future::pending().await;
        }
        let on_its_way = self.send(&call, lands);
        self.goes_by(length).await;
        let flight = on_its_way.ends();
        self.answered(way, call, (flight, arrives)).await
    }

    /// What comes back of a request that has got there, or nowhere; one whose sender stood still has gone on by itself.
    async fn answered(
        &self,
        way: Way,
        call: Call,
        (flight, arrives): (Option<Flight>, Timestamp),
    ) -> AttemptEnd {
        match way {
            Way::Busy => {
                let after = Some(Millis(self.draw.below(60_000)));
                ended(Ended::Failed(Failure::Transient { after, detail: way.detail() }), &[status(429)])
            }
            Way::Refused => {
                let failure = Failure::Rejected { fields: Vec::new(), detail: way.detail() };
                ended(Ended::Failed(failure), &[status(422)])
            }
            Way::Conflicts => {
                let failure = Failure::Conflict { revision: None, detail: way.detail() };
                ended(Ended::Failed(failure), &[status(412)])
            }
            Way::DownBefore => ended(way.transient(), &[status(503)]),
            Way::LostThere => ended(way.transient(), &[Wire::Unanswered]),
            Way::Late => {
                let late = flight.and_then(|flight| Some((flight.lands?, flight.call)));
                self.state().late.extend(late);
                ended(way.transient(), &[Wire::Unanswered])
            }
            _ => {
                if flight.is_some() {
                    self.reach(&call, arrives);
                }
                self.while_on_its_way().await;
                match way {
                    Way::DownAfter => ended(way.transient(), &[status(503)]),
                    Way::LostBack => ended(way.transient(), &[Wire::Unanswered]),
                    Way::TrapsAfter => ended(trapped(), &[status(200)]),
                    Way::DeniesAfterLanding => {
                        ended(Ended::Failed(Failure::Denied(way.detail())), &[status(200)])
                    }
                    Way::RejectsAfterLanding => {
                        let failure = Failure::Rejected { fields: Vec::new(), detail: way.detail() };
                        ended(Ended::Failed(failure), &[status(200)])
                    }
                    _ => ended(Ended::Returned(receipt(&call)), &[status(200)]),
                }
            }
        }
    }

    async fn look(&self, call: Call) -> Ended<Finding> {
        self.state().probes += 1;
        self.while_on_its_way().await;
        if !self.state().healed && self.draw.in_100(30) {
            return match self.draw.below(3) {
                0 => Ended::Returned(Finding::Unknown),
                1 => {
                    let detail = Detail::new("simulated", "it is down");
                    Ended::Failed(Failure::Transient { after: None, detail })
                }
                _ => trapped(),
            };
        }
        let landed = self.state().done.iter().any(|done| done.effect == call.effect);
        Ended::Returned(if landed { Finding::Landed(receipt(&call)) } else { Finding::Absent })
    }
}

/// A request that has left the host and has not reached its target.
struct OnItsWay<'a> {
    targets: &'a Targets,
    number: u64,
}

impl OnItsWay<'_> {
    /// Its time is over: what was sent, unless it has gone on by itself while its sender stood still.
    fn ends(self) -> Option<Flight> {
        self.targets.state().flights.remove(&self.number)
    }
}

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        let Some(Flight { call, .. }) = self.targets.state().flights.remove(&self.number) else { return };
        // Whatever order a dead host's attempts are dropped in, each has the same chance.
        let draw = Draw::new(call.effect.bits() as u64 ^ u64::from(call.attempt));
        if draw.in_100(50) {
            let at = self.targets.time().plus(Millis(draw.below(SETTLE.0)));
            self.targets.state().late.push((at, call));
        }
    }
}

impl Connectors for Targets {
    fn connections(&self) -> Vec<Arc<Connection>> {
        self.state().versions.values().filter_map(|versions| versions.last().cloned()).collect()
    }

    fn connection(&self, name: &ConnectionName) -> Option<Arc<Connection>> {
        self.state().versions.get(name).and_then(|versions| versions.last().cloned())
    }

    fn bound(&self, name: &ConnectionName, connector: Digest) -> Result<Arc<Connection>, String> {
        let state = self.state();
        let mut known = state.versions.get(name).into_iter().flatten();
        let found = known.find(|known| known.digest == connector && !state.gone.contains(&connector));
        found.cloned().ok_or_else(|| "it was taken away".to_owned())
    }

    fn renew<'a>(&'a self, name: &'a ConnectionName) -> Answer<'a, bool> {
        let renewed = self.draw.in_100(20);
        if renewed {
            self.state().shut.remove(name);
        }
        Box::pin(std::future::ready(renewed))
    }

    fn health(&self, _: &ConnectionName) -> TargetHealth {
        if self.state().healed {
            return TargetHealth::default();
        }
        let rests = self.draw.in_100(10).then(|| Millis(self.draw.below(60_000)));
        let failing = self.draw.in_100(20).then(|| Millis::minutes(self.draw.below(20)));
        TargetHealth { failing, rests }
    }

    fn check(&self, name: &ConnectionName) -> Answer<'_, Ended<()>> {
        let name = name.clone();
        Box::pin(async move {
            self.while_on_its_way().await;
            if self.is_shut(&name) {
                return Ended::Failed(Failure::Denied(Detail::new("simulated", "it is let in nowhere")));
            }
            Ended::Returned(())
        })
    }

    fn changes(&self, _name: &ConnectionName, _asked: Asked) -> Answer<'_, Ended<Page>> {
        Box::pin(async { Ended::Returned(Page::default()) })
    }

    fn fetch(&self, name: &ConnectionName, subject: RecordRef) -> Answer<'_, Ended<Snapshot>> {
        let name = name.clone();
        Box::pin(async move {
            self.while_on_its_way().await;
            if self.is_shut(&name) {
                return Ended::Failed(Failure::Denied(Detail::new("simulated", "it is let in nowhere")));
            }
            if !self.state().healed && self.draw.in_100(10) {
                let detail = Detail::new("simulated", "it is down");
                return Ended::Failed(Failure::Transient { after: None, detail });
            }
            let Some(value) = self.holds(&name, &subject) else {
                let detail = Detail::new("not-found", "there is no such record");
                return Ended::Failed(Failure::Rejected { fields: Vec::new(), detail });
            };
            let fields = vec![Field { name: "amount".to_owned(), value }];
            Ended::Returned(Snapshot { subject, revision: None, url: None, fields })
        })
    }

    fn plan(
        &self,
        name: &ConnectionName,
        connector: Digest,
        what: Proposal,
        _: Timestamp,
    ) -> Answer<'_, Ended<WritePlan>> {
        self.state().planned.insert((name.clone(), what.subject.clone(), connector));
        let shut = self.is_shut(name);
        let fails = !self.state().healed && self.draw.in_100(10);
        let changed = !self.state().healed && self.draw.in_100(20);
        Box::pin(async move {
            if shut {
                return Ended::Failed(Failure::Denied(Detail::new("simulated", "it is let in nowhere")));
            }
            if fails {
                let detail = Detail::new("simulated", "it is down");
                return Ended::Failed(Failure::Transient { after: None, detail });
            }
            let mut plan = planned(&what);
            // Somebody writes there too.
            for change in plan.changes.iter_mut().filter(|_| changed) {
                change.before = Value::Integer(7);
            }
            Ended::Returned(plan)
        })
    }

    fn apply(&self, call: Call, ledger: Arc<dyn Ledger>) -> Answer<'_, AttemptEnd> {
        Box::pin(self.attempt(call, ledger))
    }

    fn probe(&self, call: Call) -> Answer<'_, Ended<Finding>> {
        Box::pin(self.look(call))
    }
}
