//! The feature files of `tests/spec`, run against the real core and engine on a clock turned by hand.

#[path = "spec/adoption.rs"]
mod adoption;
#[path = "spec/amendments.rs"]
mod amendments;
#[path = "spec/assignment.rs"]
mod assignment;
#[path = "spec/break_glass.rs"]
mod break_glass;
#[path = "spec/budget.rs"]
mod budget;
#[path = "spec/builds.rs"]
mod builds;
#[path = "spec/candidates.rs"]
mod candidates;
#[path = "spec/clock.rs"]
mod clock;
#[path = "spec/conflicts.rs"]
mod conflicts;
#[path = "spec/connections.rs"]
mod connections;
#[path = "spec/dynamic.rs"]
mod dynamic;
#[path = "spec/fail_open.rs"]
mod fail_open;
#[path = "spec/going_live.rs"]
mod going_live;
#[path = "spec/hands.rs"]
mod hands;
#[path = "spec/integrations.rs"]
mod integrations;
#[path = "spec/machines.rs"]
mod machines;
#[path = "spec/notices.rs"]
mod notices;
#[path = "spec/overrides.rs"]
mod overrides;
#[path = "spec/people.rs"]
mod people;
#[path = "spec/publishing.rs"]
mod publishing;
#[path = "spec/reconciliation.rs"]
mod reconciliation;
#[path = "spec/refusals.rs"]
mod refusals;
#[path = "spec/restored.rs"]
mod restored;
#[path = "spec/sealed.rs"]
mod sealed;
#[path = "spec/seats.rs"]
mod seats;
#[path = "spec/shared_change.rs"]
mod shared_change;
#[path = "spec/splitting.rs"]
mod splitting;
#[path = "spec/story.rs"]
mod story;
#[path = "spec/undo.rs"]
mod undo;
#[path = "spec/weights.rs"]
mod weights;

use countersign_core::approval::command::{Command, Voice};
use countersign_core::approval::event::Event;
use countersign_core::approval::{Approval, Outcome, Stage};
use countersign_core::document::SourceFile;
use countersign_core::effect::attempt::{
    Answer, AttemptEnd, Break, BreakKind, Detail, Ended, Failure, Finding, Guarantee, Receipt,
};
use countersign_core::effect::life::EffectState;
use countersign_core::exception::Closure;
use countersign_core::id::{EffectId, ExceptionId, IntentId, PersonId};
use countersign_core::intent::Raw;
use countersign_core::notice::words::Message;
use countersign_core::record::{RecordRef, Value};
use countersign_core::rulebook::Rulebook;
use countersign_core::time::{Millis, Timestamp};
use countersign_engine::connectors::settle;
use countersign_engine::engine::{Engine, Parts, Submission};
use countersign_engine::fault::Fault;
use countersign_engine::limits::REVIEW_DELAY_MS;
use countersign_engine::memory::MemoryStore;
use countersign_engine::people::recorded;
use countersign_engine::port::clock::Clock as _;
use countersign_engine::simulated::{SeededChance, SimulatedClock};
use countersign_tests::scripted::{Act, Scripted, step};
use countersign_tests::told::ScriptedNotifier;
use countersign_tests::world::{root, source_files};
use cucumber::writer::Stats as _;
use cucumber::{World, given, then, when};
use futures::executor::block_on;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// A Monday morning in New York, so that business hours run.
const MORNING: &str = "2026-11-23T15:00:00Z";
/// How long a step waits for the engine.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, World)]
#[world(init = Self::new)]
struct Spec {
    store: Arc<MemoryStore>,
    clock: Arc<SimulatedClock>,
    connectors: Arc<Scripted>,
    guarantee: Guarantee,
    host: Option<Host>,
    intent: Option<IntentId>,
    /// Those that were asked for at one time.
    all: Vec<IntentId>,
    refused: Option<String>,
    /// Why the record of people refused what was asked last.
    unrecorded: Option<String>,
    notifier: Arc<ScriptedNotifier>,
    /// The message that was looked at last.
    read: Option<Message>,
    house: publishing::House,
    people: seats::People,
    draft: going_live::Draft,
    budgets: budget::Budgets,
    assigned: assignment::Assigned,
    chain: undo::Chain,
    watched: reconciliation::Watched,
    /// The log as it was when it was last backed up.
    backup: Option<MemoryStore>,
}

/// An engine on a runtime of its own, so that it can die without a word.
#[derive(Debug)]
struct Host {
    engine: Engine,
    runtime: Option<Runtime>,
}

impl Host {
    fn start(
        store: &Arc<MemoryStore>,
        clock: &Arc<SimulatedClock>,
        connectors: &Arc<Scripted>,
        notifier: &Arc<ScriptedNotifier>,
        rulebook: Rulebook,
    ) -> Host {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime starts");
        let entered = runtime.enter();
        block_on(settle(&**store, &**connectors, clock.now())).expect("the record of connectors is read");
        let engine = Engine::start(Parts {
            record: block_on(recorded(&**store)).expect("the record of people is read"),
            notifier: notifier.clone(),
            components: Arc::new(countersign_engine::port::components::NoComponents),
            catalogue: connectors.clone(),
            store: store.clone(),
            connectors: connectors.clone(),
            clock: clock.clone(),
            chance: Arc::new(SeededChance::new(7)),
            rulebook,
        });
        drop(entered);
        Host { engine, runtime: Some(runtime) }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waited for beside this runtime, which must not wait itself: a dead host does nothing any more.
            let died = std::thread::spawn(move || runtime.shutdown_timeout(PATIENCE)).join();
            assert!(died.is_ok(), "the host dies");
        }
    }
}

impl Spec {
    fn new() -> Spec {
        Spec {
            store: Arc::new(MemoryStore::new()),
            clock: Arc::new(SimulatedClock::at(Timestamp::from_rfc3339(MORNING).expect("a moment"))),
            connectors: Arc::new(Scripted::default()),
            guarantee: Guarantee::ByKey,
            host: None,
            intent: None,
            all: Vec::new(),
            refused: None,
            unrecorded: None,
            notifier: Arc::new(ScriptedNotifier::default()),
            read: None,
            house: publishing::House::default(),
            people: seats::People::default(),
            draft: going_live::Draft::default(),
            budgets: budget::Budgets::default(),
            assigned: assignment::Assigned::default(),
            chain: undo::Chain::default(),
            watched: reconciliation::Watched::default(),
            backup: None,
        }
    }

    fn start(&mut self, rulebook: Rulebook) {
        self.host = None;
        self.host = Some(Host::start(&self.store, &self.clock, &self.connectors, &self.notifier, rulebook));
    }

    /// Turns the clock so that everything is looked up again: once whoever does that waits for it, beside the schedule.
    fn let_review(&self) {
        for _ in 0..PATIENCE.as_millis() {
            if 2 <= self.clock.sleepers() {
                return self.clock.turn(Millis(REVIEW_DELAY_MS));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("nobody waits to look everything up again");
    }

    fn engine(&self) -> &Engine {
        &self.host.as_ref().expect("a host runs").engine
    }

    async fn submit(&mut self, intent_type: &str, tokens: Raw) {
        let submission =
            Submission { requester: "ae-1".into(), intent_type: intent_type.into(), tokens, key: None };
        let standing = self.engine().submit(submission).await.expect("it passes the door");
        self.intent = Some(standing.approval.intent.id);
    }

    async fn approval(&self) -> Arc<Approval> {
        let intent = self.intent.expect("something was submitted");
        self.engine().read(intent).await.expect("the intent is there").approval
    }

    /// How many entries the predicate counts.
    async fn count(&self, counts: fn(&Event) -> bool) -> usize {
        let intent = self.intent.expect("something was submitted");
        let entries = self.engine().entries(intent).await.expect("the intent is there");
        entries.iter().filter(|entry| counts(&entry.event)).count()
    }

    async fn until(&self, what: &str, counts: fn(&Event) -> bool, at_least: usize) {
        let waiting = async {
            while self.count(counts).await < at_least {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{what} did not happen"));
    }

    async fn effect(&self) -> (EffectId, EffectState) {
        let approval = self.approval().await;
        let effects = match &approval.stage {
            Stage::Executing { effects, .. } | Stage::Closed(Outcome::Done { effects, .. }) => effects,
            other => panic!("the intent is {}", other.as_str()),
        };
        let (id, state) = effects.iter().next().expect("there is an effect");
        (*id, state.clone())
    }

    async fn command(&mut self, command: Command) {
        let intent = self.intent.expect("something was submitted");
        self.refused = match self.engine().command(intent, command, None).await {
            Ok(_) => None,
            Err(Fault::Refused(refusal)) => Some(refusal.code().to_owned()),
            Err(fault) => panic!("{fault}"),
        };
    }

    async fn open_exception(&self, cause: &str) -> (ExceptionId, PersonId) {
        let waiting = async {
            loop {
                let approval = self.approval().await;
                let mut open = approval.exceptions.iter().filter(|(_, exception)| exception.closed.is_none());
                if let Some((id, found)) = open.find(|(_, exception)| exception.cause.as_str() == cause) {
                    return (*id, found.owner.clone());
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("no exception `{cause}`"))
    }
}

fn single_files() -> Vec<SourceFile> {
    let mut files = source_files(&root().join("tests/bench/rules")).expect("the shared files");
    files.retain(|file| !file.path.contains('/'));
    files.extend(source_files(&root().join("tests/spec/rules")).expect("the files of the features"));
    files
}

fn single_rules() -> Rulebook {
    Rulebook::load(&single_files()).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

fn text(value: &str) -> Raw {
    Raw::Text(value.to_owned())
}

fn map(members: Vec<(&str, Raw)>) -> Raw {
    Raw::Map(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn money(amount: &str) -> Raw {
    map(vec![("amount", text(amount)), ("currency", text("USD"))])
}

fn person(name: &str) -> PersonId {
    PersonId::parse(name).expect("a person")
}

fn attempted(event: &Event) -> bool {
    matches!(event, Event::Attempted { .. })
}

fn probed(event: &Event) -> bool {
    matches!(event, Event::Probed { .. })
}

#[given(expr = "an approved intent with one effect whose guarantee is {word}")]
fn one_effect(spec: &mut Spec, guarantee: String) {
    spec.guarantee = match guarantee.as_str() {
        "by-key" => Guarantee::ByKey,
        "by-natural-key" => Guarantee::ByNaturalKey,
        "by-probe" => Guarantee::ByProbe,
        "blind" => Guarantee::Blind,
        other => panic!("no guarantee `{other}`"),
    };
    spec.connectors = Arc::new(Scripted::default().with("target", spec.guarantee, &[("deliver", "order")]));
    spec.start(single_rules());
}

async fn submit_single(spec: &mut Spec) {
    let tokens =
        map(vec![("order_id", text("order-1")), ("amount", money("10.00")), ("reason", text("goodwill"))]);
    spec.submit("single", tokens).await;
}

#[when(expr = "the connector says {word} and the wire saw {word}")]
async fn says(spec: &mut Spec, claim: String, wire: String) {
    let detail = Detail::new("scripted", "as the feature says");
    let claim = match claim.as_str() {
        "receipt" => Ended::Returned(found_receipt()),
        "transient" => Ended::Failed(Failure::Transient { after: None, detail }),
        "rejected" => Ended::Failed(Failure::Rejected { fields: Vec::new(), detail }),
        "conflict" => Ended::Failed(Failure::Conflict { revision: None, detail }),
        "denied" => Ended::Failed(Failure::Denied(detail)),
        "uncertain" => Ended::Failed(Failure::Uncertain(detail)),
        "trap" => Ended::Broke(Break { kind: BreakKind::Trap, message: "it trapped".into() }),
        other => panic!("no claim `{other}`"),
    };
    let steps = match wire.as_str() {
        "nothing" => Vec::new(),
        "refused" => vec![step(Answer::Answered { status: 422 })],
        "done" => vec![step(Answer::Answered { status: 200 })],
        "error" => vec![step(Answer::Answered { status: 503 })],
        "silence" => vec![step(Answer::Unanswered)],
        other => panic!("no wire `{other}`"),
    };
    spec.connectors.next_act(Act::End(AttemptEnd { claim, steps, held_back: None }));
    submit_single(spec).await;
    spec.until("the attempt", attempted, 1).await;
}

fn found_receipt() -> Receipt {
    let subject = RecordRef { kind: "order".into(), id: "order-1".into() };
    Receipt {
        subject,
        revision: None,
        url: None,
        vendor_request_id: None,
        applied: Vec::new(),
        extra: Vec::new(),
    }
}

#[when(expr = "the probe says {word}")]
async fn probe_says(spec: &mut Spec, finding: String) {
    // First the probe is due and asks, then the target answers: what follows lies in the future.
    spec.probe_says(&finding, Millis::seconds(1)).await;
}

#[when(expr = "the probe says {word} {int} times")]
async fn probe_says_often(spec: &mut Spec, finding: String, times: u32) {
    for _ in 0..times {
        spec.probe_says(&finding, Millis(countersign_core::effect::retry::RETRY_DELAY_MS_MAX)).await;
    }
}

fn finding(word: &str) -> Finding {
    match word {
        "landed" => Finding::Landed(found_receipt()),
        "absent" => Finding::Absent,
        "unknown" => Finding::Unknown,
        other => panic!("no finding `{other}`"),
    }
}

impl Spec {
    /// Waits until the target was sent more writes than before.
    async fn is_sent(&self, before: usize) {
        let waiting = async {
            while self.connectors.writes().len() == before {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("the write leaves");
    }

    /// The probe that is due after a while says this.
    async fn probe_says(&self, word: &str, after: Millis) {
        let before = self.count(probed).await;
        self.clock.turn(after);
        self.connectors.next_finding(Ended::Returned(finding(word)));
        self.until("the probe", probed, before + 1).await;
    }
}

#[when(expr = "{int} second(s) pass(es)")]
fn seconds_pass(spec: &mut Spec, seconds: u64) {
    spec.clock.turn(Millis::seconds(seconds));
}

#[when("the host dies while the write is on its way")]
async fn host_dies(spec: &mut Spec) {
    spec.connectors.next_act(Act::Hang);
    submit_single(spec).await;
    spec.until("the send", |event| matches!(event, Event::Sending { .. }), 1).await;
    spec.start(single_rules());
    spec.until("the look after the restart", attempted, 1).await;
}

#[when(expr = "the host dies in an attempt that leaves no record, and is back after {int} hour(s)")]
async fn host_is_back(spec: &mut Spec, hours: u64) {
    spec.connectors.next_act(Act::Hang);
    submit_single(spec).await;
    spec.is_sent(0).await;
    spec.host = None;
    assert_eq!(spec.connectors.writes().len(), 1);
    spec.clock.turn(Millis::hours(hours));
    spec.start(single_rules());
    spec.until("the look after the restart", attempted, 1).await;
}

#[then(expr = "the target was sent {int} writes, the last one under a new key")]
async fn was_sent_anew(spec: &mut Spec, count: usize) {
    let landed =
        |event: &Event| matches!(event, Event::Attempted { verdict: EffectState::Landed { .. }, .. });
    spec.until("the write", landed, 1).await;
    let generations: Vec<u32> = spec.connectors.writes().iter().map(|call| call.generation).collect();
    assert_eq!(generations.len(), count);
    assert_eq!(generations, [0, 1]);
}

#[when("the connection is pointed elsewhere")]
async fn pointed_elsewhere(spec: &mut Spec) {
    another_target(spec, |target| target.pointed_at("https://elsewhere.example")).await;
}

#[when("the connection is set otherwise")]
async fn set_otherwise(spec: &mut Spec) {
    another_target(spec, |target| target.set("path", "/elsewhere")).await;
}

async fn another_target(spec: &mut Spec, changed: fn(Scripted) -> Scripted) {
    let target = Scripted::default().with("target", spec.guarantee, &[("deliver", "order")]);
    spec.connectors = Arc::new(changed(target));
    spec.start(single_rules());
    spec.clock.turn(Millis::seconds(1));
    spec.until("the refused attempt", attempted, 2).await;
}

#[when(expr = "the owner closes the exception by {word}")]
async fn owner_closes(spec: &mut Spec, by: String) {
    let (id, owner) = spec.open_exception("uncertain").await;
    let by = match by.as_str() {
        "retry" => Closure::Retry,
        "probe" => Closure::Probe,
        "give-up" => Closure::GiveUp,
        other => panic!("no closure `{other}`"),
    };
    // What follows stays as it is until the test looks: the next attempt does not come back.
    spec.connectors.next_act(Act::Hang);
    let before = spec.connectors.writes().len();
    spec.command(Command::CloseException { person: owner, id, by, reason: "looked at it".into() }).await;
    assert_eq!(spec.refused, None);
    if by == Closure::Retry {
        spec.is_sent(before).await;
    }
}

#[then(expr = "the effect is {}")]
async fn effect_is(spec: &mut Spec, expected: String) {
    let (_, state) = spec.effect().await;
    let found = match &state {
        EffectState::Waiting => "waiting",
        EffectState::Ready { .. } | EffectState::Sent { .. } => "sent again",
        EffectState::Probing { .. } => "probed",
        EffectState::Landed { .. } => "landed",
        EffectState::Held { cause, .. } => cause.as_str(),
        EffectState::GivenUp => "given up",
    };
    assert_eq!(found, expected, "{state:?}");
}

#[then(expr = "the target was sent {int} write(s)")]
fn was_sent(spec: &mut Spec, count: usize) {
    assert_eq!(spec.connectors.writes().len(), count);
}

#[then("no write left the host")]
fn nothing_left(spec: &mut Spec) {
    assert_eq!(spec.connectors.writes().len(), 0);
}

#[then(expr = "an exception with cause {word} has an owner")]
async fn exception_has_owner(spec: &mut Spec, cause: String) {
    let (id, owner) = spec.open_exception(&cause).await;
    let approval = spec.approval().await;
    assert!(approval.wakes().keys().any(|wake| wake.to_string() == id.to_string()), "it wakes");
    assert!(!owner.as_str().is_empty());
}

fn asked_tokens(percent: u32, amount: u32) -> Raw {
    map(vec![
        ("quote_id", text("Q-1")),
        ("customer_id", text("A-1")),
        ("discount_percent", text(&format!("{percent}%"))),
        ("amount", money(&format!("{amount}.00"))),
        ("term_months", Raw::Integer(18)),
        ("payment_days", Raw::Integer(30)),
        ("reason", text("competitor")),
    ])
}

/// A host with the shipped rules and a crm in which the quote has this margin. Approved effects stay on their
/// way, so that `executing` can be seen.
fn discount_world(spec: &mut Spec, margin: u32) {
    discount_house(spec, margin);
    spec.connectors.next_act(Act::Hang);
}

/// The same with targets that take every write.
fn discount_house(spec: &mut Spec, margin: u32) {
    let connectors = Scripted::default()
        .with("crm", Guarantee::ByProbe, &[("set-price", "quote"), ("record-approval", "quote")])
        .with("billing", Guarantee::ByKey, &[("set-price", "customer")]);
    let customer = RecordRef { kind: "customer".into(), id: "cus_1".into() };
    let account = [("segment", Value::Text("smb".into())), ("billing_account", Value::Reference(customer))];
    connectors.put("crm", "account", "A-1", &account);
    let quote = [("margin", Value::Decimal(margin.to_string())), ("renewal", Value::Flag(false))];
    connectors.put("crm", "quote", "Q-1", &quote);
    connectors.put("crm", "quote", "Q-2", &quote);
    spec.connectors = Arc::new(connectors);
    let rulebook = spec.people.rulebook();
    spec.start(rulebook);
}

#[given(expr = "ae-1 asks for a discount of {int} % on {int} for an smb customer")]
async fn asks_for_discount(spec: &mut Spec, percent: u32, amount: u32) {
    discount_world(spec, 40);
    spec.submit("discount", asked_tokens(percent, amount)).await;
    spec.until("the seat", |event| matches!(event, Event::SeatOpened { .. }), 1).await;
}

#[when(expr = "{word} approves revision {int}")]
async fn approves(spec: &mut Spec, name: String, revision: u32) {
    let voice = Voice::Approve { note: String::new() };
    spec.command(Command::Decide { person: person(&name), revision, seal: None, voice }).await;
}

#[when(expr = "{word} declines revision {int} because {string}")]
async fn declines(spec: &mut Spec, name: String, revision: u32, reason: String) {
    let voice = Voice::Decline { reason };
    spec.command(Command::Decide { person: person(&name), revision, seal: None, voice }).await;
}

#[when(expr = "{word} withdraws revision {int}")]
async fn withdraws(spec: &mut Spec, name: String, revision: u32) {
    spec.command(Command::Withdraw { person: person(&name), revision }).await;
}

#[when("the seat is missed")]
async fn seat_missed(spec: &mut Spec) {
    let approval = spec.approval().await;
    let Stage::Seated { seats, .. } = &approval.stage else {
        panic!("the intent is {}", approval.stage.as_str())
    };
    let due = seats.open.values().map(|seat| seat.due).max().expect("a seat is open");
    let opened = |event: &Event| matches!(event, Event::SeatOpened { .. });
    let before = spec.count(opened).await;
    spec.clock.set(due);
    spec.until("the escalation", opened, before + 1).await;
}

#[then(expr = "the intent is {word}")]
async fn intent_is(spec: &mut Spec, expected: String) {
    assert_eq!(spec.approval().await.stage.as_str(), expected);
}

#[then(expr = "it is refused with {}")]
fn refused_with(spec: &mut Spec, code: String) {
    assert_eq!(spec.refused.as_deref(), Some(code.as_str()));
}

#[then(expr = "{word} may decide")]
async fn may_decide(spec: &mut Spec, name: String) {
    let approval = spec.approval().await;
    let Stage::Seated { seats, .. } = &approval.stage else {
        panic!("the intent is {}", approval.stage.as_str())
    };
    let eligible: Vec<&PersonId> = seats.open.values().flat_map(|seat| &seat.eligible).collect();
    assert!(eligible.contains(&&person(&name)), "eligible are {eligible:?}");
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the closing line counts what ran")]
async fn main() {
    let features = root().join("tests/spec");
    let run =
        Spec::cucumber().with_default_cli().fail_on_skipped().max_concurrent_scenarios(4).run(features).await;
    let failed = run.failed_steps() + run.parsing_errors() + run.hook_errors();
    println!(
        "test result: {}. {} passed; {failed} failed; 0 ignored",
        if failed == 0 { "ok" } else { "FAILED" },
        run.passed_steps()
    );
    std::process::exit(i32::from(failed != 0));
}
