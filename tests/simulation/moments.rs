//! Hosts die at every append, before and after it is kept, and before, during and after every send, once each, over every
//! store: nothing is lost, nothing is doubled where it can be known, and what nobody can know is an exception of somebody.

use crate::Bug;
use crate::disk::Fate;
use crate::history::{Broken, History};
use crate::promises::states;
use crate::targets::CLASSES;
use countersign_core::approval::event::{Entry, Event};
use countersign_core::effect::attempt::Guarantee;
use countersign_core::effect::life::EffectState;
use countersign_core::exception::Exception;
use countersign_engine::memory::MemoryStore;
use countersign_engine::port::store::{Batch, Store, StreamName};
use countersign_tests::draw::wanted;
use countersign_tests::stores::Kept;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Effects of one run on the memory store, and on one that takes its time, unless the environment says otherwise.
const EFFECTS: usize = 200;
const EFFECTS_ON_DISK: usize = 40;
/// Everything is looked at after so many effects, and at the end.
const LOOK_EVERY: usize = 40;
/// What is written `blind` has one death each, by its number: a second one would be of something else.
const BLIND_DEATHS: u64 = 5;
/// What a policy lets pass, and what a person decides, in dollars.
const AMOUNTS: [u64; 2] = [20, 5_000];

const LOST: &str = "in a send that is lost";
const LANDS_UNANSWERED: &str = "in a send that lands";

/// What is appended in the life of an intent at least: hosts die before it is kept and after.
const APPENDS: [&str; 11] = [
    "submitted",
    "sealed and approved",
    "sealed and seated and seat-opened",
    "voted and approved",
    "sending",
    "attempted",
    "probed",
    "attempted and closed and watched",
    "attempted and exception-opened",
    "exception-closed and closed",
    "reconciled",
];

/// Bugs that a host shows that dies at every moment.
const BUGS: [Bug; 2] = [Bug::AcknowledgesBeforeSync, Bug::SendsUnrecorded];

/// When a host dies in a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The request has left, and is lost.
    Lost,
    /// It gets there, and its answer finds nobody.
    LandsUnanswered,
}

impl Moment {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Moment::Lost => LOST,
            Moment::LandsUnanswered => LANDS_UNANSWERED,
        }
    }
}

/// The number of an order, or of a record of one.
fn number(order: &str) -> u64 {
    let number = order.rsplit("order-").next().and_then(|number| number.parse().ok());
    number.expect("it is an order of a history")
}

/// What one that is written `blind` dies of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OfBlind {
    BeforeTheSend,
    Lost,
    LandsUnanswered,
    AfterTheSend,
    AfterTheVerdict,
}

impl OfBlind {
    fn of(number: u64) -> OfBlind {
        match number / CLASSES.len() as u64 % BLIND_DEATHS {
            0 => OfBlind::BeforeTheSend,
            1 => OfBlind::Lost,
            2 => OfBlind::LandsUnanswered,
            3 => OfBlind::AfterTheSend,
            _ => OfBlind::AfterTheVerdict,
        }
    }
}

/// When the host dies in a send of an effect that was sent so often, of the order of this name.
pub(crate) fn of_send(order: &str, guarantee: Guarantee, times: u64) -> Option<Moment> {
    match (guarantee, times) {
        (Guarantee::Blind, 1) => match OfBlind::of(number(order)) {
            OfBlind::Lost => Some(Moment::Lost),
            OfBlind::LandsUnanswered => Some(Moment::LandsUnanswered),
            OfBlind::BeforeTheSend | OfBlind::AfterTheSend | OfBlind::AfterTheVerdict => None,
        },
        (Guarantee::Blind, _) => None,
        (Guarantee::ByKey | Guarantee::ByNaturalKey | Guarantee::ByProbe, 1) => Some(Moment::Lost),
        (Guarantee::ByKey | Guarantee::ByNaturalKey | Guarantee::ByProbe, 2) => Some(Moment::LandsUnanswered),
        (Guarantee::ByKey | Guarantee::ByNaturalKey | Guarantee::ByProbe, _) => None,
    }
}

/// The appends in which hosts have died, and are to die: each kind of each order once before it is kept and once after.
#[derive(Debug, Default)]
pub(crate) struct Deaths {
    met: BTreeMap<(String, String), u64>,
    /// The order that each stream is about: one that was lost is asked for again, under another name.
    orders: BTreeMap<StreamName, String>,
    /// What each blind one dies of.
    blind: BTreeMap<String, OfBlind>,
    /// How often hosts died at each moment.
    pub(crate) counts: BTreeMap<String, u64>,
}

impl Deaths {
    /// A host has died at this moment of a send.
    pub(crate) fn in_a_send(&mut self, moment: Moment) {
        *self.counts.entry(moment.as_str().to_owned()).or_default() += 1;
    }

    /// What becomes of a batch.
    pub(crate) fn fate(&mut self, batch: &Batch) -> Fate {
        let Some(append) = batch.appends.first() else { return Fate::Kept };
        let entries: Vec<Entry> =
            append.entries.iter().filter_map(|entry| serde_json::from_slice(entry).ok()).collect();
        let kind = entries.iter().map(|entry| kind(&entry.event)).collect::<Vec<_>>().join(" and ");
        if let Some(Event::Submitted { intent, .. }) = entries.first().map(|entry| &entry.event) {
            let order = intent.tokens.iter().find(|(name, _)| name.as_str() == "order_id");
            let order = order.map(|(_, order)| order.to_string()).expect("it has an order");
            if intent.intent_type.as_str() == "blind" {
                self.blind.insert(order.clone(), OfBlind::of(number(&order)));
            }
            self.orders.insert(Arc::clone(&append.stream), order);
        }
        let order = self.orders.get(&append.stream).cloned().unwrap_or_else(|| append.stream.to_string());
        let times = self.met.entry((order.clone(), kind.clone())).or_default();
        *times += 1;
        let (fate, phase) = match *times {
            1 => (Fate::LostAndDead, "before"),
            2 => (Fate::KeptAndDead, "after"),
            _ => return Fate::Kept,
        };
        if self.blind.get(&order).is_some_and(|of| !of.lets(&kind, phase)) {
            // It is kept, or was before: there is no other one.
            return Fate::Kept;
        }
        *self.counts.entry(format!("{phase} {kind}")).or_default() += 1;
        fate
    }
}

impl OfBlind {
    /// Whether a host may die there without anything else becoming of the effect than what it is made for.
    fn lets(self, kind: &str, phase: &str) -> bool {
        match (kind, phase) {
            ("sending", "after") => self == OfBlind::BeforeTheSend,
            ("attempted", "before") => self == OfBlind::AfterTheSend,
            ("attempted", _) => self == OfBlind::AfterTheVerdict,
            _ => true,
        }
    }
}

/// What an entry is, as the log has it.
fn kind(event: &Event) -> String {
    match serde_json::to_value(event).expect("it is text") {
        serde_json::Value::String(kind) => kind,
        serde_json::Value::Object(members) => members.keys().next().expect("it has a name").clone(),
        other => panic!("{other} is no event"),
    }
}

/// Lives through so many effects over one store; tells at which moments hosts died.
fn dies_at_every_moment(
    store: Arc<dyn Store>,
    effects: usize,
    bug: Option<Bug>,
) -> Result<BTreeMap<String, u64>, Broken> {
    let mut history = History::dying(store, bug);
    for effect in 0..effects {
        let (class, _) = CLASSES[effect % CLASSES.len()];
        // A class has both, as there are as many classes as turns of an amount.
        history.lives_through(class, AMOUNTS[effect / CLASSES.len() % AMOUNTS.len()])?;
        if effect % LOOK_EVERY == 0 {
            history.check()?;
        }
    }
    history.check()?;
    history.ended()?;
    each_landed_once(&history)?;
    Ok(history.disk.deaths())
}

/// Every effect is done once; one that is `blind` at most once, and is somebody's if nobody can know.
fn each_landed_once(history: &History) -> Result<(), Broken> {
    let done = history.targets.done();
    for (intent, approval) in history.approvals() {
        for (effect, state) in states(approval) {
            let count = done.iter().filter(|done| done.effect == *effect).count();
            let guarantee = approval.planned(*effect).expect("it was planned").guarantee;
            let fits = match (guarantee, state) {
                (Guarantee::Blind, EffectState::GivenUp) => {
                    let of_it = |exception: &Exception| {
                        exception.effect == Some(*effect) && !exception.owner.as_str().is_empty()
                    };
                    count <= 1 && approval.exceptions.values().any(of_it)
                }
                (_, EffectState::Landed { .. }) => count == 1,
                (_, _) => false,
            };
            if !fits {
                return Err(
                    history.broken(format!("{intent}: {effect} was done {count} times and is {state:?}"))
                );
            }
        }
    }
    Ok(())
}

/// Every moment there is has been one at which hosts died; tells how often.
fn all_were_met(deaths: &BTreeMap<String, u64>) -> String {
    let of_appends = APPENDS.iter().flat_map(|kind| [format!("before {kind}"), format!("after {kind}")]);
    for moment in of_appends.chain([LOST, LANDS_UNANSWERED].map(ToOwned::to_owned)) {
        assert!(deaths.contains_key(&moment), "no host has died {moment}");
    }
    deaths.iter().map(|(moment, count)| format!("{count} {moment}\n")).collect()
}

fn all_hold_over(store: Arc<dyn Store>, effects: usize) -> String {
    let effects = wanted("EFFECTS").map_or(effects, |effects| usize::try_from(effects).expect("it fits"));
    let deaths = dies_at_every_moment(store, effects, None);
    all_were_met(&deaths.unwrap_or_else(|broken| panic!("{broken}")))
}

#[test]
fn a_bug_that_a_death_shows_is_seen() {
    for bug in BUGS {
        let broken = dies_at_every_moment(Arc::new(MemoryStore::new()), EFFECTS, Some(bug));
        let broken = broken.expect_err("it is seen").what;
        println!("{bug:?}: {broken}");
    }
}

#[test]
fn hosts_die_at_every_append_and_every_send_over_the_memory_store() {
    println!("{}", all_hold_over(Arc::new(MemoryStore::new()), EFFECTS));
}

#[test]
fn hosts_die_at_every_append_and_every_send_over_a_data_folder() {
    let kept = Kept::in_a_folder();
    println!("{}", all_hold_over(Arc::clone(&kept.store), EFFECTS_ON_DISK));
}

#[test]
fn hosts_die_at_every_append_and_every_send_over_a_database() {
    let kept = Kept::in_a_database();
    println!("{}", all_hold_over(Arc::clone(&kept.store), EFFECTS_ON_DISK));
}
