//! One history: what is asked for, who decides, what fails and when the host dies, all from one seed.

use crate::Bug;
use crate::counts::{Before, Counts};
use crate::disk::{Disk, Session};
use crate::promises::Read;
use crate::rules::{LIMITS, RULES, TYPES, tokens};
use crate::targets::{CLASSES, Targets};
use countersign_core::approval::command::{Command, Voice};
use countersign_core::approval::watch::{Next, Watch};
use countersign_core::approval::{Approval, Stage};
use countersign_core::effect::reconcile::Agreement;
use countersign_core::exception::{Closure, Exception};
use countersign_core::hash::Digest;
use countersign_core::id::{IntentId, PersonId};
use countersign_core::time::{Millis, Timestamp};
use countersign_engine::engine::{Engine, Key, Parts, Submission};
use countersign_engine::people::recorded;
use countersign_engine::port::clock::Clock as _;
use countersign_engine::port::components::NoComponents;
use countersign_engine::port::store::{PAGE_ROWS_MAX, Position, Store};
use countersign_engine::simulated::{SeededChance, SimulatedClock};
use countersign_tests::draw::{Draw, wanted};
use countersign_tests::told::ScriptedNotifier;
use futures::FutureExt as _;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Runtime;

/// When histories begin.
const MORNING: &str = "2026-11-23T15:00:00Z";
/// Most intents of one history, unless somebody wants a crowd.
const INTENTS: u64 = 6;
pub(crate) static INTENTS_MAX: LazyLock<u64> = LazyLock::new(|| wanted("INTENTS").unwrap_or(INTENTS));
/// Steps of one history for each of them, while things fail.
const STEPS_EACH: u64 = 10;
/// Rounds for each of them in which everything must end once nothing fails any more.
const ROUNDS_EACH_MAX: u64 = 70;
/// Turns that every task gets before the next step.
const TURNS: u32 = 80;
/// Wait between two looks whether a store has answered that takes its time.
const LOOK: Duration = Duration::from_micros(50);
/// How long a host must be silent before another one takes over.
const LEASE: Millis = Millis::seconds(10);
/// How long a host is away, in milliseconds: the longest is longer than a target remembers a key.
const DOWN: [u64; 5] = [0, 1_000, 40_000, 0, 90_000_000];
/// Most times that others go on before a host does that stands still.
const STANDS_MAX: u64 = 6;
/// Most times that one that was overtaken goes on before it notices by itself.
const GOES_ON_MAX: u64 = 3;

/// What broke a promise.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) seed: u64,
    pub(crate) what: String,
    /// The steps that were taken.
    pub(crate) steps: Vec<u64>,
    story: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Broken { seed, what, steps, story } = self;
        let steps: Vec<String> = steps.iter().map(u64::to_string).collect();
        write!(formatter, "SIMULATION={seed} STEPS={}: {what}\n{story}", steps.join(","))
    }
}

/// What became of all histories, so that none of it can be trivial.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    intents: u64,
    attempts: u64,
    probes: u64,
    done: u64,
    deaths: u64,
    takeovers: u64,
    overtaken: u64,
    failures: u64,
    exceptions: u64,
    looked_first: u64,
    pauses: u64,
    outages: u64,
    replans: u64,
    reconsidered: u64,
    undos: u64,
    undone: u64,
    looks: u64,
    again: u64,
    superseded: u64,
    edits: u64,
    amended: u64,
    upgrades: u64,
    changes: u64,
    sets: u64,
    /// Digest of every log.
    logs: Option<Digest>,
}

impl Tally {
    /// That the histories had what they are made for.
    pub(crate) fn is_rich(&self) {
        let Tally { intents, attempts, probes, done, deaths, exceptions, .. } = self;
        let Tally { looked_first, pauses, outages, replans, reconsidered, undos, undone, .. } = self;
        let Tally { looks, again, superseded, edits, amended, upgrades, changes, sets, .. } = self;
        let Tally { takeovers, overtaken, failures, .. } = self;
        let counts = [intents, attempts, probes, done, deaths, exceptions];
        let of_effects = [looked_first, pauses, outages, replans, reconsidered, undos, undone];
        let of_watches = [looks, again, superseded, edits];
        let of_changes = [amended, upgrades, changes, sets];
        let of_hosts = [takeovers, overtaken, failures];
        let of_others = of_watches.into_iter().chain(of_changes).chain(of_hosts);
        for count in counts.into_iter().chain(of_effects).chain(of_others) {
            assert!(0 < *count, "{self:?}");
        }
    }
}

/// What somebody asked for.
#[derive(Debug, Clone)]
struct Asked {
    class: &'static str,
    amount: u64,
    /// The intent, once it was acknowledged.
    intent: Option<IntentId>,
}

/// What was acknowledged: the last sequence of each intent that somebody was told.
#[derive(Debug, Default)]
struct Told {
    asked: Vec<Asked>,
    sequences: BTreeMap<IntentId, u64>,
}

fn lock(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Host {
    runtime: Runtime,
    engine: Engine,
    counts: Counts,
    disk: Arc<Session>,
}

impl Host {
    /// Lets everything run that can, until all that it waits for is the clock.
    fn run(&self) {
        self.runtime.block_on(async {
            loop {
                let waited = 0 < self.disk.busy();
                for _ in 0..TURNS {
                    tokio::task::yield_now().await;
                }
                if !waited && self.disk.busy() == 0 {
                    return;
                }
                tokio::time::sleep(LOOK).await;
            }
        });
    }

    /// Whether it was told that nothing more is written, and does not say so.
    fn is_deaf(&self) -> bool {
        self.disk.is_lost() && self.engine.lost().now_or_never().is_none()
    }
}

/// A host that stood still until another one took over.
struct Elder {
    host: Host,
    /// How often the others go on before it does.
    stands: u64,
    /// How often it goes on then before it looks whose turn it is.
    goes_on: u64,
}

/// One history.
pub(crate) struct History {
    pub(crate) seed: u64,
    /// What is done, by number: each step has its own chance, so that one can be left out.
    steps: Vec<u64>,
    draw: Draw,
    pub(crate) clock: Arc<SimulatedClock>,
    pub(crate) disk: Arc<Disk>,
    pub(crate) targets: Arc<Targets>,
    told: Arc<Mutex<Told>>,
    host: Option<Host>,
    elder: Option<Elder>,
    /// What looks at the log, the disk and the hosts. Nothing of a host runs meanwhile.
    quiet: Runtime,
    pub(crate) hosts: u64,
    takeovers: u64,
    /// Whether a host went on that nothing more is written by.
    deaf: bool,
    /// Which rules are in force.
    rules: usize,
    changes: u64,
    sets: u64,
    pub(crate) read: Read,
    /// How far the log, the targets and the hosts were when all of it was looked at last.
    pub(crate) checked: Option<(Position, usize, u64)>,
    /// What the log held when the host that runs has started.
    before: Before,
    story: Vec<String>,
}

/// The steps of one history.
pub(crate) fn steps() -> std::ops::Range<u64> {
    0..*INTENTS_MAX * STEPS_EACH
}

fn rounds_max() -> u64 {
    *INTENTS_MAX * ROUNDS_EACH_MAX
}

/// A runtime of one thread: tasks run in one order.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts")
}

impl History {
    /// The history of a seed, of which only these steps are taken.
    pub(crate) fn begin(seed: u64, bug: Option<Bug>, steps: Vec<u64>) -> History {
        let draw = |which: u64| Draw::new(seed * 8 + which);
        let history = History::on(seed, Disk::new(draw(1), bug), |clock| Targets::new(draw(2), bug, clock));
        History { steps, ..history }.begun()
    }

    /// One in which nothing fails, except that hosts die in whatever they append and send.
    pub(crate) fn dying(store: Arc<dyn Store>, bug: Option<Bug>) -> History {
        let disk = Disk::dying(Draw::new(1), bug, store);
        let history = History::on(0, disk, |clock| Targets::new(Draw::new(2), bug, clock));
        history.targets.kill_senders();
        history.begun()
    }

    fn on(seed: u64, disk: Disk, targets: impl FnOnce(Arc<SimulatedClock>) -> Targets) -> History {
        let clock = Arc::new(SimulatedClock::at(Timestamp::from_rfc3339(MORNING).expect("a moment")));
        History {
            seed,
            steps: Vec::new(),
            draw: Draw::new(seed * 8),
            disk: Arc::new(disk),
            targets: Arc::new(targets(Arc::clone(&clock))),
            clock,
            told: Arc::default(),
            host: None,
            elder: None,
            quiet: runtime(),
            hosts: 0,
            takeovers: 0,
            deaf: false,
            rules: 0,
            changes: 0,
            sets: 0,
            read: Read::default(),
            checked: None,
            before: Before::default(),
            story: Vec::new(),
        }
    }

    /// With its first host.
    fn begun(mut self) -> History {
        self.start();
        self
    }

    fn say(&mut self, what: impl fmt::Display) {
        let now = self.clock.now();
        self.story.push(format!("{now}: {what}"));
    }

    /// What happened, a line each.
    pub(crate) fn story(&self) -> String {
        self.story.join("\n")
    }

    pub(crate) fn broken(&self, what: impl Into<String>) -> Broken {
        Broken { seed: self.seed, what: what.into(), steps: self.steps.clone(), story: self.story() }
    }

    /// Starts a host on what the one before left.
    fn start(&mut self) {
        let runtime = runtime();
        let chance = Arc::new(SeededChance::new(self.seed * 1_000 + self.hosts));
        let (engine, counts, disk) = runtime.block_on(async {
            let disk = Arc::new(self.disk.open().await);
            self.before.read_on(&*disk).await;
            let engine = Engine::start(Parts {
                record: recorded(&*disk).await.expect("the record of people is read"),
                notifier: Arc::new(ScriptedNotifier::default()),
                components: Arc::new(NoComponents),
                catalogue: Arc::new(countersign_engine::port::catalogue::NoCatalogue),
                store: Arc::clone(&disk) as Arc<_>,
                connectors: Arc::clone(&self.targets) as Arc<_>,
                clock: Arc::clone(&self.clock) as Arc<_>,
                chance,
                rulebook: RULES[self.rules].clone(),
            });
            let counts = Counts::of(&engine, &self.before);
            (engine, counts, disk)
        });
        self.hosts += 1;
        self.host = Some(Host { runtime, engine, counts, disk });
        self.ask_again();
    }

    /// The host stands still, and another one takes over. It goes on later, and does not know.
    fn take_over(&mut self) {
        self.elder = None;
        let Some(host) = self.host.take() else { return };
        self.say("the host stands still, and another one takes over");
        self.block_on(host.disk.stands_still());
        self.targets.senders_stand_still();
        let (stands, goes_on) = (self.draw.below(STANDS_MAX), 1 + self.draw.below(GOES_ON_MAX));
        self.elder = Some(Elder { host, stands, goes_on });
        self.takeovers += 1;
        self.clock.turn(Millis(LEASE.0 + self.draw.below(5_000)));
        self.targets.arrive();
        self.start();
    }

    /// The one that was overtaken goes on, if it does by now, until it is told or looks.
    fn elder_goes_on(&mut self) {
        let Some(mut elder) = self.elder.take() else { return };
        if 0 < elder.stands {
            elder.stands -= 1;
            self.elder = Some(elder);
            return;
        }
        elder.host.run();
        elder.goes_on -= 1;
        self.deaf |= elder.host.is_deaf();
        let told = elder.host.disk.is_lost();
        self.say(format_args!(
            "the host that was overtaken goes on{}",
            if told { ", and is told" } else { "" }
        ));
        if !told && 0 < elder.goes_on {
            self.elder = Some(elder);
        }
    }

    /// No host goes on that was told that nothing more is written.
    pub(crate) fn none_is_deaf(&self) -> Result<(), Broken> {
        if self.deaf { Err(self.broken("a host lost its log and does not say so")) } else { Ok(()) }
    }

    /// Whoever was not answered, or refused by a full disk, asks again under the same key; how many do.
    fn ask_again(&self) -> usize {
        let waiting: Vec<usize> = {
            let told = lock(&self.told);
            (0..told.asked.len()).filter(|place| told.asked[*place].intent.is_none()).collect()
        };
        waiting.iter().for_each(|place| self.submit(*place));
        waiting.len()
    }

    /// The host dies at this moment: nothing of it does anything any more.
    fn die(&mut self, why: &str, down: Millis) {
        self.host = None;
        self.say(format_args!("the host {why}, and is back after {down:?}"));
        self.clock.turn(down);
        self.targets.arrive();
        self.start();
    }

    fn host(&self) -> &Host {
        self.host.as_ref().expect("a host runs")
    }

    /// Whom somebody asks: the host that runs, or the one that they do not know to be overtaken.
    fn anyone(&self) -> &Host {
        let elder = self.elder.as_ref().filter(|_| self.draw.in_100(30));
        elder.map_or_else(|| self.host(), |elder| &elder.host)
    }

    fn submit(&self, place: usize) {
        let told = Arc::clone(&self.told);
        let asked = lock(&told).asked[place].clone();
        let Host { runtime, engine, .. } = self.anyone();
        let engine = engine.clone();
        let tokens = tokens(&format!("order-{place}"), asked.amount);
        let key = Key { key: format!("ae-1/{place}"), fingerprint: Digest::of(&place.to_be_bytes()) };
        let submission = Submission {
            requester: "ae-1".to_owned(),
            intent_type: asked.class.to_owned(),
            tokens,
            key: Some(key),
        };
        runtime.spawn(async move {
            let Ok(standing) = engine.submit(submission).await else { return };
            let mut told = lock(&told);
            let intent = standing.approval.intent.id;
            told.asked[place].intent = Some(intent);
            let known = told.sequences.entry(intent).or_default();
            *known = standing.sequence.max(*known);
        });
    }

    /// Gives a command and notes that it was acknowledged, if the host lives to say so.
    fn give(&mut self, intent: IntentId, command: Command) {
        self.say(format_args!("{command:?}"));
        let told = Arc::clone(&self.told);
        let Host { runtime, engine, .. } = self.anyone();
        let engine = engine.clone();
        runtime.spawn(async move {
            let Ok(standing) = engine.command(intent, command, None).await else { return };
            let mut told = lock(&told);
            let known = told.sequences.entry(intent).or_default();
            *known = standing.sequence.max(*known);
        });
    }

    /// Lets everything run that can, at this moment of the clock; starts another host if this one dies in it.
    fn settle(&mut self) {
        self.targets.arrive();
        let elder_first = self.draw.in_100(50);
        if elder_first {
            self.elder_goes_on();
        }
        self.host().run();
        if !elder_first {
            self.elder_goes_on();
        }
        self.deaf |= self.host().is_deaf();
        let cut_off = self.targets.cut_off();
        if let Some(moment) = cut_off {
            self.disk.died_in_a_send(moment);
        }
        let ends = if cut_off.is_some() || self.disk.is_dead() {
            "dies"
        } else if self.host().disk.is_lost() {
            "ends, as its disk has failed"
        } else {
            return;
        };
        let down = Millis(*self.draw.of(if self.targets.are_dying() { &DOWN[..3] } else { &DOWN }));
        self.die(ends, down);
    }

    /// Every intent that somebody was told of, with the last sequence that they were told.
    pub(crate) fn acknowledged(&self) -> Vec<(IntentId, u64)> {
        let told = lock(&self.told);
        told.sequences.iter().map(|(intent, sequence)| (*intent, *sequence)).collect()
    }

    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.quiet.block_on(work)
    }

    /// What the host that runs has counted.
    pub(crate) fn counts(&self) -> &Counts {
        &self.host().counts
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.host().engine
    }

    fn step(&mut self) {
        match self.draw.below(100) {
            0..25 => self.ask(),
            25..40 => self.turn(Millis(self.draw.below(40_000))),
            40..54 => {
                let length = Millis(self.draw.below(5_000));
                if self.sets_clock() && self.draw.in_100(20) {
                    self.set_clock();
                }
                self.turn(length);
            }
            54..60 => self.somebody_edits(),
            60..68 => self.turn(Millis::minutes(self.draw.below(90))),
            68..70 => self.turn(if self.takes_weeks() { Millis::hours(24 * 24) } else { Millis::hours(25) }),
            70..80 => {
                let appends = self.draw.below(6);
                self.say(format_args!("the host is to die in its append after {appends} more"));
                self.disk.die_in(appends);
            }
            80..83 => {
                let down = Millis(*self.draw.of(&[0, 10_000, 90_000_000]));
                self.die("dies", down);
            }
            83..86 => self.take_over(),
            86..92 => self.somebody_decides(),
            92..94 => {
                let (class, keeps) = (self.draw.of(&CLASSES).0, self.draw.in_100(70));
                let before = if keeps { "stays installed" } else { "is taken away" };
                self.say(format_args!(
                    "{class} gets another version of its connector; the one before {before}"
                ));
                self.targets.upgrade(class, keeps);
            }
            94..95 => self.change_rules(),
            95..97 => {
                let class = self.draw.of(&CLASSES).0;
                let longest = *self.draw.of(&[60_000, 600_000, 7_200_000]);
                let length = Millis(self.draw.below(longest));
                self.say(format_args!("{class} refuses its credential for {length:?}"));
                self.targets.shut(class, length);
            }
            _ => {
                let by = *self.draw.of(&[Closure::Retry, Closure::Probe, Closure::Undo]);
                self.somebody_settles(by);
            }
        }
    }

    /// Somebody changes the policies under a host that runs.
    fn change_rules(&mut self) {
        self.rules = 1 - self.rules;
        self.changes += 1;
        self.say(format_args!("{} USD pass by themselves from now on", LIMITS[self.rules].0));
        let engine = self.engine();
        let replaced = engine.replace_rulebook(&engine.rulebook(), RULES[self.rules].clone());
        assert!(replaced, "nobody else changes them");
    }

    fn somebody_edits(&mut self) {
        if let Some((record, value)) = self.targets.edit() {
            self.say(format_args!("somebody writes {value:?} to {record}"));
        }
    }

    /// Whether steps of this history take weeks: one in twenty of these gets as old as what landed is read back.
    fn takes_weeks(&self) -> bool {
        self.seed % 8 == 5
    }

    /// Whether somebody sets the clock of the host in this history.
    pub(crate) fn sets_clock(&self) -> bool {
        self.seed % 4 == 3
    }

    pub(crate) fn was_set(&self) -> bool {
        0 < self.sets
    }

    /// A host that dies before it has noted it cannot know how far: nothing tells it how much passes while it is off.
    fn set_clock(&mut self) {
        let hours = *self.draw.of(&[-30, -25, -3, -1, 1, 24, 24 * 365]);
        self.sets += 1;
        self.disk.is_steady(true);
        self.clock.jump(Timestamp(self.clock.now().0 + hours * 3_600_000));
        self.say(format_args!("somebody sets the clock by {hours} hours"));
        for _ in 0..3 {
            self.clock.turn(Millis::seconds(1));
            self.settle();
        }
        let noted = self.block_on(self.disk.store().load("clock/1")).expect("it is read").len();
        assert_eq!(noted as u64, self.sets, "it is noted");
        self.disk.is_steady(false);
    }

    fn turn(&mut self, length: Millis) {
        self.clock.turn(length);
        self.say("time has gone by");
    }

    fn ask(&mut self) {
        let asked = Asked {
            class: self.draw.of::<&str>(&TYPES),
            amount: *self.draw.of(&[10, 20, 20, 5_000]),
            intent: None,
        };
        let place = {
            let mut told = lock(&self.told);
            if *INTENTS_MAX <= told.asked.len() as u64 {
                return;
            }
            told.asked.push(asked.clone());
            told.asked.len() - 1
        };
        self.say(format_args!("order-{place}: {} of {}", asked.class, asked.amount));
        self.submit(place);
    }

    /// Asks for something, lets hosts die at every moment of it, and has each of its questions answered, until it is over.
    pub(crate) fn lives_through(&mut self, class: &'static str, amount: u64) -> Result<(), Broken> {
        let place = {
            let mut told = lock(&self.told);
            told.asked.push(Asked { class, amount, intent: None });
            told.asked.len() - 1
        };
        self.say(format_args!("order-{place}: {class} of {amount}"));
        self.submit(place);
        for _ in 0..rounds_max() {
            self.settle();
            self.read_on()?;
            let told = lock(&self.told).asked[place].intent;
            let open = |(_, approval): (&IntentId, &Approval)| !matches!(approval.stage, Stage::Closed(_));
            if told.is_some() && !self.approvals().any(open) {
                return Ok(());
            }
            self.ask_again();
            let approves = |approval: &Approval| {
                let voice = Voice::Approve { note: String::new() };
                let person = PersonId::parse("owner-1").expect("a name");
                Command::Decide { person, revision: approval.intent.revision, seal: None, voice }
            };
            let seated =
                self.approvals().filter(|(_, approval)| matches!(approval.stage, Stage::Seated { .. }));
            let commands: Vec<_> = seated.map(|(intent, approval)| (*intent, approves(approval))).collect();
            commands.into_iter().for_each(|(intent, command)| self.give(intent, command));
            self.somebody_settles(if class == "blind" { Closure::GiveUp } else { Closure::Probe });
            self.settle();
            let now = self.clock.now();
            let next = self.block_on(self.disk.store().next_due(now)).expect("it is read");
            let wait = next.map_or(Millis::seconds(1), |next| next.since(now).max(Millis::seconds(1)));
            self.clock.turn(wait.min(Millis::minutes(1)));
        }
        Err(self.broken(format!("order-{place} does not end")))
    }

    pub(crate) fn approvals(&self) -> impl Iterator<Item = (&IntentId, &Approval)> {
        self.read.approvals.iter().map(|(intent, read)| (intent, &read.approval))
    }

    fn somebody_decides(&mut self) {
        let mut commands = Vec::new();
        for (intent, approval) in self.approvals() {
            let Stage::Seated { .. } = approval.stage else { continue };
            let revision = approval.intent.revision;
            let person = PersonId::parse(self.draw.of::<&str>(&["owner-1", "owner-2"])).expect("a name");
            let command = match self.draw.below(10) {
                0 => Command::Withdraw { person: approval.intent.requester.clone(), revision },
                // Another amount, on which others decide anew.
                2 => {
                    let order = approval.intent.tokens.iter().find(|(name, _)| name.as_str() == "order_id");
                    let (_, order) = order.expect("it has an order");
                    let tokens = tokens(&order.to_string(), *self.draw.of(&[10, 20, 4_000]));
                    Command::Amend { person: approval.intent.requester.clone(), revision, tokens }
                }
                1 => {
                    let voice = Voice::Decline { reason: "no".to_owned() };
                    Command::Decide { person, revision, seal: None, voice }
                }
                _ => {
                    let voice = Voice::Approve { note: String::new() };
                    Command::Decide { person, revision, seal: None, voice }
                }
            };
            commands.push((*intent, command));
        }
        commands.into_iter().for_each(|(intent, command)| self.give(intent, command));
    }

    /// Whoever answers for exceptions settles them, in this way if they are about effects.
    fn somebody_settles(&mut self, by: Closure) {
        let mut commands = Vec::new();
        let all = self.approvals().flat_map(|(intent, approval)| {
            approval.exceptions.iter().map(move |(id, exception)| (intent, id, exception))
        });
        for (intent, id, exception) in all.filter(|(_, _, exception)| exception.closed.is_none()) {
            let by = match exception.effect {
                Some(_) if exception.is_of_watch() => self.of_watch(by),
                Some(_) => by,
                None => Closure::Retry,
            };
            let command = Command::CloseException {
                id: *id,
                person: exception.owner.clone(),
                by,
                reason: "it was looked into".to_owned(),
            };
            commands.push((*intent, command));
        }
        commands.into_iter().for_each(|(intent, command)| self.give(intent, command));
    }

    /// How somebody settles what a target does not hold any more, who would settle an effect in this way.
    fn of_watch(&self, by: Closure) -> Closure {
        match by {
            Closure::Retry => Closure::ReAssert,
            Closure::Probe => Closure::Probe,
            _ => *self.draw.of(&[Closure::ReAssert, Closure::GiveUp]),
        }
    }

    /// Lives it to its end, and looks after every step whether everything holds.
    pub(crate) fn run(&mut self, tally: &mut Tally) -> Result<(), Broken> {
        for step in self.steps.clone() {
            self.draw = Draw::new(self.seed * 8 + 3 + (step << 40));
            self.step();
            self.settle();
            self.check()?;
        }
        self.draw = Draw::new(self.seed * 8 + 4);
        self.say("nothing fails any more");
        self.elder = None;
        self.disk.heal();
        self.targets.heal();
        for round in 0.. {
            let open = self.approvals().find(|(_, approval)| !matches!(approval.stage, Stage::Closed(_)));
            if round == rounds_max() {
                return Err(self.broken(format!("it does not end: {open:#?}")));
            }
            if open.is_none() && self.ask_again() == 0 {
                break;
            }
            self.somebody_decides();
            self.somebody_settles(if round % 40 < 20 { Closure::Probe } else { Closure::GiveUp });
            let now = self.clock.now();
            let next = self.block_on(self.disk.store().next_due(now)).expect("it is read");
            let wait = next.map_or(Millis::seconds(1), |next| next.since(now).max(Millis::seconds(1)));
            self.clock.turn(wait.min(Millis::hours(1)));
            self.settle();
            self.check()?;
        }
        self.ended()?;
        // Which of two intents wrote a record last is told by the clock: where that was set, nobody can say.
        if !self.was_set() {
            self.look_at_all()?;
        }
        self.measured()?;
        self.count(tally);
        Ok(())
    }

    /// Lets everything that is watched be looked at once more, and settled.
    fn look_at_all(&mut self) -> Result<(), Broken> {
        self.say("all that is watched is looked at");
        // Somebody may have written at the moment of a last look.
        self.clock.turn(Millis(1));
        let since = self.clock.now();
        for round in 0.. {
            let open = |watch: &Watch| match watch.next {
                Next::Look(_) => watch.last.is_none_or(|(at, agreement)| {
                    at < since.max(watch.landed) || agreement == Agreement::Unreadable
                }),
                Next::ReAssert(_) | Next::Writing(_) => true,
                Next::Over => false,
            };
            let unseen = self.approvals().find(|(_, approval)| approval.watches.values().any(open));
            let asked = |exception: &Exception| exception.closed.is_none() && exception.is_of_watch();
            let asked = self.approvals().any(|(_, approval)| approval.exceptions.values().any(asked));
            if round == rounds_max() {
                let now = self.clock.now();
                let due = self.block_on(self.disk.store().due(now, None, PAGE_ROWS_MAX)).expect("it is read");
                return Err(
                    self.broken(format!("at {now} {due:?} are due, and it is not looked at: {unseen:#?}"))
                );
            }
            if unseen.is_none() && !asked {
                break;
            }
            // Two who want their own written again and again come to an end.
            self.somebody_settles(if round < 20 { Closure::Retry } else { Closure::GiveUp });
            let now = self.clock.now();
            let next = self.block_on(self.disk.store().next_due(now)).expect("it is read");
            let wait = next.map_or(Millis::seconds(1), |next| next.since(now).max(Millis::seconds(1)));
            self.clock.turn(wait);
            self.settle();
            self.check()?;
        }
        self.holds_what_was_approved()
    }

    fn count(&self, tally: &mut Tally) {
        let add = |count: &mut u64, more: usize| *count += u64::try_from(more).expect("it fits");
        add(&mut tally.intents, self.read.approvals.len());
        add(&mut tally.done, self.targets.done().len());
        add(&mut tally.exceptions, self.approvals().map(|(_, approval)| approval.exceptions.len()).sum());
        let (attempts, probes) = self.targets.calls();
        tally.attempts += attempts;
        tally.probes += probes;
        tally.deaths += self.hosts - 1 - self.takeovers;
        tally.takeovers += self.takeovers;
        let (failures, overtaken) = self.disk.stops();
        tally.failures += failures;
        tally.overtaken += overtaken;
        tally.looked_first += self.read.looked_first;
        tally.pauses += self.read.pauses;
        tally.outages += self.read.outages;
        tally.replans += self.read.replans;
        tally.reconsidered += self.read.reconsidered;
        tally.undos += self.read.undos;
        tally.looks += self.read.looks;
        tally.again += self.read.again;
        tally.superseded += self.read.superseded;
        tally.edits += self.targets.edits();
        let revisions = self.approvals().map(|(_, approval)| approval.intent.revision.saturating_sub(1));
        tally.amended += revisions.map(u64::from).sum::<u64>();
        tally.upgrades += self.targets.upgrades();
        tally.changes += self.changes;
        tally.sets += self.sets;
        let undone = self.approvals().filter(|(_, approval)| approval.stage.as_str() == "undone");
        add(&mut tally.undone, undone.count());
        let logs = format!("{:?} {}", tally.logs, self.disk.store().health().head);
        tally.logs = Some(Digest::of(logs.as_bytes()));
    }
}
