//! The steps of `reconciliation.feature`: what landed is read back, and written again.

use super::{PATIENCE, Spec, attempted, found_receipt, map, money, single_files, submit_single, text};
use countersign_core::approval::command::Command;
use countersign_core::approval::event::Event;
use countersign_core::approval::watch::{Next, Watch};
use countersign_core::approval::{Outcome, Stage};
use countersign_core::document::SourceFile;
use countersign_core::effect::attempt::{
    Answer, AttemptEnd, Detail, Ended, Failure, Finding, Guarantee, Receipt,
};
use countersign_core::effect::life::EffectState;
use countersign_core::effect::reconcile::{Agreement, WATCHED_MAX};
use countersign_core::exception::{Closure, Exception};
use countersign_core::id::{ConnectionName, EffectId, IntentId};
use countersign_core::measure::Measures;
use countersign_core::money::{Currency, Money};
use countersign_core::record::{Field, RecordRef, Value};
use countersign_core::rulebook::Rulebook;
use countersign_core::time::{Millis, Timestamp};
use countersign_tests::scripted::{Act, Scripted, step};
use cucumber::{given, then, when};
use std::sync::Arc;
use std::time::Duration;

/// What the files say about what has drifted, and the record in which the write landed.
#[derive(Debug, Default)]
pub(super) struct Watched {
    drifted: String,
    /// Whether another field is written that nobody watches.
    more: bool,
    /// Whether that one is watched too, and another intent type writes to the same record without it.
    both: bool,
    record: Option<String>,
    /// Whether the target tells what has changed, and the revision that it gives the write.
    tells: bool,
    revision: Option<String>,
    /// Whether another connection leads to the same system.
    mirrored: bool,
    pub(super) first: Option<IntentId>,
    /// What asks for what is there instead, and how often that was asked for.
    pub(super) adopted: Option<IntentId>,
    pub(super) asked: u32,
}

fn usd(amount: &str) -> Value {
    let currency = Currency::parse("USD").expect("a currency");
    Value::Money(Money::parse(amount, currency).expect("an amount"))
}

fn reconciled(event: &Event) -> bool {
    matches!(event, Event::Reconciled { .. })
}

impl Watched {
    fn rules(&self) -> Rulebook {
        let mut files = single_files();
        let table = "| field | binding | required | late | drifted | gone |\n|-------|---------|----------|------|---------|------|";
        let row = |field: &str| format!("\n| {field} | write | yes | {0} | {0} | exception |", self.drifted);
        let single = |file: &&mut SourceFile| file.path.contains("single");
        let narrow: Vec<SourceFile> = files
            .iter_mut()
            .filter(single)
            .map(|file| SourceFile {
                path: file.path.replace("single", "narrow"),
                text: file.text.replace("single", "narrow"),
            })
            .collect();
        for file in files.iter_mut().filter(single) {
            let reason = if self.both { row("reason") } else { String::new() };
            file.text = file.text.replace(table, &format!("{table}{}{reason}", row("amount")));
            if self.more || self.both {
                let write = "| write   | amount | amount |";
                file.text = file.text.replace(write, &format!("{write}\n| write | reason | reason |"));
            }
        }
        files.extend(narrow.into_iter().filter(|_| self.both));
        Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"))
    }
}

impl Spec {
    /// Lets the write land, and the target hold it.
    async fn lands_watched(&mut self, guarantee: Guarantee) {
        self.guarantee = guarantee;
        let connectors = Scripted::default().with("target", guarantee, &[("deliver", "order")]);
        let mirrored = |connectors: Scripted| {
            connectors.with("mirror", guarantee, &[]).pointed_at("https://one.example")
        };
        let connectors = if self.watched.mirrored { mirrored(connectors) } else { connectors };
        let connectors = if self.watched.tells { connectors.telling("order") } else { connectors };
        self.connectors = Arc::new(connectors);
        if self.watched.record.is_some() || self.watched.revision.is_some() {
            let id = self.watched.record.as_deref().unwrap_or("order-1").to_owned();
            let subject = RecordRef { kind: "order".to_owned(), id };
            let revision = self.watched.revision.clone();
            let claim = Ended::Returned(Receipt { subject, revision, ..found_receipt() });
            let steps = vec![step(Answer::Answered { status: 200 })];
            self.connectors.next_act(Act::End(AttemptEnd { claim, steps, held_back: None }));
        }
        self.target_holds(&[("amount", usd("10.00")), ("reason", Value::Text("goodwill".to_owned()))]);
        self.start(self.watched.rules());
        submit_single(self).await;
        self.watched.first = self.intent;
        self.until("the watch", |event| matches!(event, Event::Watched { .. }), 1).await;
    }

    fn target_holds(&self, fields: &[(&str, Value)]) {
        self.connectors.put("target", "order", self.watched.record.as_deref().unwrap_or("order-1"), fields);
    }

    async fn watch(&self) -> (EffectId, Watch) {
        let intent = self.watched.first.expect("the first one landed");
        let approval = self.engine().read(intent).await.expect("it is there").approval;
        let (effect, watch) = approval.watches.iter().next().expect("it is watched");
        (*effect, watch.clone())
    }

    /// Turns the clock to the next look and waits until what it comes to is settled.
    async fn look(&mut self) {
        self.intent = self.watched.first;
        let before = self.count(reconciled).await;
        let due = self.watch().await.1.next.due().expect("a look is due");
        self.clock.set(due);
        self.until("the look", reconciled, before + 1).await;
    }

    /// Waits until what is watched is neither to be written again nor being written.
    async fn rests(&self) -> Watch {
        let waiting = async {
            loop {
                let (_, watch) = self.watch().await;
                match watch.next {
                    Next::Look(_) | Next::Over => return watch,
                    Next::ReAssert(_) | Next::Writing(_) => {
                        tokio::time::sleep(Duration::from_millis(2)).await
                    }
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("it comes to rest")
    }

    pub(super) async fn about(&self, cause: &str) -> Option<Exception> {
        let approval = self.approval().await;
        approval.exceptions.values().rev().find(|exception| exception.cause.as_str() == cause).cloned()
    }

    async fn asked(&self) -> usize {
        self.approval().await.exceptions.values().filter(|exception| exception.closed.is_none()).count()
    }

    async fn closes_by(&mut self, by: Closure) {
        let (id, person) = {
            let approval = self.approval().await;
            let mut open = approval.exceptions.iter().filter(|(_, exception)| exception.closed.is_none());
            let (id, exception) = open.next().expect("an exception is open");
            (*id, exception.owner.clone())
        };
        self.command(Command::CloseException { person, id, by, reason: "looked at it".to_owned() }).await;
    }

    /// The last look.
    async fn found(&self) -> Agreement {
        self.watch().await.1.last.expect("it was looked at").1
    }
}

#[given("an intent type that has what has drifted put before a person")]
fn asks(spec: &mut Spec) {
    spec.watched.drifted = "exception".to_owned();
}

#[given("an intent type that has what has drifted written again")]
fn re_asserts(spec: &mut Spec) {
    spec.watched.drifted = "re-assert".to_owned();
}

#[given("it writes a reason that it does not watch")]
fn writes_more(spec: &mut Spec) {
    spec.watched.more = true;
}

#[given("another connection leads to the same system")]
fn mirrored(spec: &mut Spec) {
    spec.watched.mirrored = true;
}

#[when("another intent lands between its write and the answer to it")]
async fn lands_between(spec: &mut Spec) {
    let connectors = Scripted::default().with("target", Guarantee::ByNaturalKey, &[("deliver", "order")]);
    spec.connectors = Arc::new(connectors);
    spec.start(spec.watched.rules());
    let detail = Detail::new("scripted", "it does not answer");
    let claim = Ended::Failed(Failure::Transient { after: None, detail });
    let steps = vec![step(Answer::Unanswered)];
    spec.connectors.next_act(Act::End(AttemptEnd { claim, steps, held_back: None }));
    submit_single(spec).await;
    spec.watched.first = spec.intent;
    spec.until("the attempt", attempted, 1).await;
    submit_another(spec).await;
    spec.until("the write", |event| matches!(event, Event::Watched { .. }), 1).await;
    spec.intent = spec.watched.first;
    spec.clock.turn(Millis::seconds(30));
    spec.until("the watch", |event| matches!(event, Event::Watched { .. }), 1).await;
}

#[when("another intent is given up without anybody knowing whether it is in")]
async fn given_up(spec: &mut Spec) {
    let claim = Ended::Failed(Failure::Uncertain(Detail::new("scripted", "it does not say")));
    let steps = vec![step(Answer::Unanswered)];
    spec.connectors.next_act(Act::End(AttemptEnd { claim, steps, held_back: None }));
    submit_another(spec).await;
    spec.until("the attempt", attempted, 1).await;
    spec.connectors.next_finding(Ended::Returned(Finding::Unknown));
    spec.open_exception("uncertain").await;
    spec.closes_by(Closure::GiveUp).await;
    assert_eq!(spec.refused, None);
    spec.until("the end", |event| matches!(event, Event::Closed), 1).await;
    spec.target_holds(&[("amount", usd("20.00"))]);
}

#[when("the owner gives that up")]
async fn gives_up(spec: &mut Spec) {
    spec.closes_by(Closure::GiveUp).await;
    assert_eq!(spec.refused, None);
}

#[when("the owner has it sent once more, and it is refused")]
async fn sends_once_more(spec: &mut Spec) {
    let detail = Detail::new("scripted", "it is refused");
    let claim = Ended::Failed(Failure::Rejected { fields: Vec::new(), detail });
    let steps = vec![step(Answer::Answered { status: 422 })];
    spec.connectors.next_act(Act::End(AttemptEnd { claim, steps, held_back: None }));
    spec.closes_by(Closure::Retry).await;
    assert_eq!(spec.refused, None);
}

#[given("it writes a reason that it watches too")]
fn watches_more(spec: &mut Spec) {
    spec.watched.both = true;
}

#[given("its write has landed")]
async fn landed(spec: &mut Spec) {
    spec.lands_watched(Guarantee::ByKey).await;
}

#[given(expr = "its write has landed with guarantee {word}")]
async fn landed_with(spec: &mut Spec, guarantee: String) {
    let guarantee = match guarantee.as_str() {
        "by-key" => Guarantee::ByKey,
        "by-natural-key" => Guarantee::ByNaturalKey,
        "by-probe" => Guarantee::ByProbe,
        "blind" => Guarantee::Blind,
        other => panic!("no guarantee `{other}`"),
    };
    spec.lands_watched(guarantee).await;
}

#[given("the target tells what has changed")]
fn tells(spec: &mut Spec) {
    spec.watched.tells = true;
}

#[given("its write has landed with a revision")]
async fn landed_as(spec: &mut Spec) {
    spec.watched.revision = Some("r-7".to_owned());
    spec.lands_watched(Guarantee::ByKey).await;
}

fn order(id: &str) -> RecordRef {
    RecordRef { kind: "order".to_owned(), id: id.to_owned() }
}

/// Lets so much time pass that the target is asked at least once.
async fn some_time(spec: &Spec) {
    let asked = spec.connectors.followed();
    let waiting = async {
        while spec.connectors.followed() < asked + 2 {
            spec.clock.turn(Millis::seconds(10));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it is asked what has changed");
}

#[when("some time goes by")]
async fn goes_by(spec: &mut Spec) {
    some_time(spec).await;
}

#[when("it tells that the record has changed")]
async fn has_changed(spec: &mut Spec) {
    spec.connectors.has_changed(order("order-1"), Some("r-8"));
    some_time(spec).await;
}

#[when("it tells that the record has the revision of the write")]
async fn has_ours(spec: &mut Spec) {
    spec.connectors.has_changed(order("order-1"), Some("r-7"));
}

#[when("it tells that some other record has changed")]
async fn other_has_changed(spec: &mut Spec) {
    spec.connectors.has_changed(order("order-999"), None);
}

#[when("it tells that the record has changed, and nothing is asked of it for an hour")]
async fn changes_unseen(spec: &mut Spec) {
    let asked = spec.connectors.followed();
    spec.connectors.has_changed(order("order-1"), None);
    for _ in 0..60 {
        spec.clock.turn(Millis::minutes(1));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(spec.connectors.followed(), asked);
}

#[when("the host starts again, and the target holds what was approved")]
fn starts_again(spec: &mut Spec) {
    spec.host = None;
    drop(spec.connectors.followed_from());
    spec.start(spec.watched.rules());
    spec.target_holds(&[("amount", usd("10.00"))]);
}

#[then("it is not looked at again for that")]
async fn is_left(spec: &mut Spec) {
    let before = spec.count(reconciled).await;
    some_time(spec).await;
    assert_eq!(spec.count(reconciled).await, before);
}

#[when("the target has forgotten where it was asked to go on, and holds what was approved")]
fn forgotten(spec: &mut Spec) {
    spec.connectors.forget_place();
    spec.target_holds(&[("amount", usd("10.00"))]);
}

#[then(expr = "it is looked at for the {int}th time, and not for the last")]
async fn is_not_the_last(spec: &mut Spec, time: usize) {
    let waiting = async {
        while spec.count(reconciled).await < time {
            spec.clock.turn(Millis(200));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it is looked at");
    let (_, watch) = spec.watch().await;
    assert!(matches!(watch.next, Next::Look(_)), "{watch:?}");
}

#[then(expr = "the target was asked to go on from {word}")]
fn went_on_from(spec: &mut Spec, cursor: String) {
    assert_eq!(spec.connectors.followed_from(), Some(Some(cursor)));
}

#[then(expr = "the log says that changes were followed up to {word}")]
async fn followed_up_to(spec: &mut Spec, cursor: String) {
    let target = ConnectionName::parse("target").expect("a name");
    let record = spec.engine().on_record(&target).await.expect("it is read");
    assert_eq!(record.followed.get("order"), Some(&cursor));
}

#[given("its write has landed in a record of its own")]
async fn landed_elsewhere(spec: &mut Spec) {
    spec.watched.record = Some("made-1".to_owned());
    spec.lands_watched(Guarantee::ByKey).await;
}

#[when(expr = "the target holds {}")]
async fn holds(spec: &mut Spec, what: String) {
    match what.as_str() {
        "what was approved" => spec.target_holds(&[("amount", usd("10.00"))]),
        "something else" | "something else, whatever is written" => {
            spec.target_holds(&[("amount", usd("12.00"))]);
        }
        "what it held before" => spec.target_holds(&[("amount", Value::Absent)]),
        "other fields" => spec.target_holds(&[("price", usd("10.00"))]),
        "no such record" => spec.connectors.remove("target", "order", "order-1"),
        "something else, and more than that would be written" => {
            spec.target_holds(&[("amount", usd("12.00"))]);
            let also = Field { name: "discount".to_owned(), value: Value::Text("all of it".to_owned()) };
            spec.connectors.plan_also(also);
        }
        "something else, and plans nothing" => {
            spec.target_holds(&[("amount", usd("12.00"))]);
            spec.connectors.deny(true);
            spec.connectors.deny_plans();
        }
        "something else, and is busy when it is written again" => {
            spec.target_holds(&[("amount", usd("12.00"))]);
            let detail = Detail::new("scripted", "it is busy");
            let claim = Ended::Failed(Failure::Transient { after: None, detail });
            let steps = vec![step(Answer::Answered { status: 429 })];
            spec.connectors.next_act(Act::End(AttemptEnd { claim, steps, held_back: None }));
            spec.look().await;
            spec.until("the attempt", attempted, 2).await;
        }
        "something else, and is changed once more when it is written again" => {
            spec.target_holds(&[("amount", usd("12.00"))]);
            let detail = Detail::new("scripted", "it was changed by someone else");
            let claim = Ended::Failed(Failure::Conflict { revision: None, detail });
            let steps = vec![step(Answer::Answered { status: 412 })];
            spec.connectors.next_act(Act::End(AttemptEnd { claim, steps, held_back: None }));
            spec.look().await;
            spec.rests().await;
        }
        "something else, and nobody knows whether it was written again" => {
            spec.target_holds(&[("amount", usd("12.00"))]);
            let claim = Ended::Failed(Failure::Uncertain(Detail::new("scripted", "it does not say")));
            let steps = vec![step(Answer::Unanswered)];
            spec.connectors.next_act(Act::End(AttemptEnd { claim, steps, held_back: None }));
            spec.look().await;
            spec.connectors.next_finding(Ended::Returned(Finding::Unknown));
        }
        "something else, and refuses it when it is written again" => {
            spec.target_holds(&[("amount", usd("12.00"))]);
            let detail = Detail::new("scripted", "it is refused");
            let claim = Ended::Failed(Failure::Rejected { fields: Vec::new(), detail });
            let steps = vec![step(Answer::Answered { status: 422 })];
            spec.connectors.next_act(Act::End(AttemptEnd { claim, steps, held_back: None }));
            spec.look().await;
        }
        "something else, and the host dies while it is written again" => {
            spec.target_holds(&[("amount", usd("12.00"))]);
            spec.connectors.next_act(Act::Hang);
            let writes = spec.connectors.writes().len();
            spec.look().await;
            spec.is_sent(writes).await;
            spec.start(spec.watched.rules());
        }
        other => panic!("nothing is known of `{other}`"),
    }
}

#[when("the target answers nothing")]
fn silent(spec: &mut Spec) {
    let detail = Detail::new("scripted", "it does not answer");
    spec.connectors.next_read(Failure::Transient { after: None, detail });
}

#[when("the target refuses the credential for reads too")]
fn denies(spec: &mut Spec) {
    spec.connectors.deny(true);
    spec.connectors.deny_reads();
}

#[then("nothing is asked of the target")]
async fn is_paused(spec: &mut Spec) {
    let connection = ConnectionName::parse("target").expect("a name");
    let paused = spec.engine().paused(&connection).await.expect("it is known");
    assert_eq!(paused.map(|paused| paused.intent), spec.intent);
}

#[when("the credential is taken again, and the owner says retry")]
async fn taken_again(spec: &mut Spec) {
    spec.connectors.deny(false);
    spec.closes_by(Closure::Decline).await;
    assert_eq!(spec.refused.as_deref(), Some("CS-E0117"));
    spec.closes_by(Closure::Retry).await;
    assert_eq!(spec.refused, None);
}

#[when("the target is left alone for an hour")]
async fn left_alone(spec: &mut Spec) {
    spec.connectors.rest(Some(Millis::hours(1)));
    let due = spec.watch().await.1.next.due().expect("a look is due");
    spec.clock.set(due);
    // The look is begun, and put off.
    tokio::time::sleep(Duration::from_millis(50)).await;
    spec.connectors.rest(None);
    assert_eq!(spec.count(reconciled).await, 0);
}

#[when(expr = "{int} hours pass")]
fn hours_pass(spec: &mut Spec, hours: u64) {
    spec.clock.turn(Millis::hours(hours));
}

#[when("it is looked at")]
async fn looked_at(spec: &mut Spec) {
    spec.look().await;
}

#[when(expr = "it is looked at {int} times")]
async fn looked_at_often(spec: &mut Spec, times: usize) {
    for _ in 0..times {
        spec.look().await;
        spec.rests().await;
    }
}

#[when("it is looked at until nobody looks any more")]
async fn looked_at_for_ever(spec: &mut Spec) {
    for _ in 0..100 {
        if spec.watch().await.1.next == Next::Over {
            return;
        }
        spec.look().await;
    }
    panic!("it is looked at for ever");
}

#[when("it is about to be looked at for the last time")]
async fn looked_at_but_once(spec: &mut Spec) {
    for _ in 0..100 {
        let watch = spec.watch().await.1;
        let due = watch.next.due().expect("a look is due");
        if WATCHED_MAX <= due.since(watch.landed) {
            return spec.clock.set(Timestamp(due.0 - 60_000));
        }
        spec.look().await;
    }
    panic!("it is looked at for ever");
}

#[then(expr = "it was found true {int} times, at least {int} days long")]
async fn found_often(spec: &mut Spec, times: usize, days: u64) {
    let entries = spec.engine().entries(spec.intent.expect("an intent")).await.expect("its entries");
    let is_true = |event: &Event| matches!(event, Event::Reconciled { agreement: Agreement::True, .. });
    let looks: Vec<Timestamp> =
        entries.iter().filter(|entry| is_true(&entry.event)).map(|entry| entry.at).collect();
    assert_eq!(looks.len(), times, "{looks:?}");
    let gaps: Vec<Millis> = looks.windows(2).map(|pair| pair[1].since(pair[0])).collect();
    assert!(gaps.is_sorted(), "they are less and less often: {gaps:?}");
    let (first, last) = (looks.first().expect("a look"), looks.last().expect("a look"));
    assert!(Millis::hours(days * 24 - 1) <= last.since(*first), "{looks:?}");
}

#[then(expr = "it is found {word}")]
async fn is_found(spec: &mut Spec, verdict: String) {
    spec.rests().await;
    let found = async {
        while spec.watch().await.1.last.is_none_or(|(_, found)| found.as_str() != verdict) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, found).await.expect("that is what is found");
}

#[then(expr = "it is found {word} and nobody is asked about it")]
async fn is_nobodys(spec: &mut Spec, verdict: String) {
    is_found(spec, verdict).await;
    assert_eq!(spec.asked().await, 0);
}

#[then(expr = "it is found {word} and nobody else is asked")]
async fn is_still_theirs(spec: &mut Spec, verdict: String) {
    is_found(spec, verdict).await;
    assert_eq!(spec.approval().await.exceptions.len(), 1);
}

#[then("it is found true at once")]
async fn is_found_at_once(spec: &mut Spec) {
    spec.until("the look", reconciled, 2).await;
    assert_eq!(spec.found().await, Agreement::True);
    assert_eq!(spec.asked().await, 0);
}

#[then(expr = "the exception of cause {word} is closed by the host")]
async fn closed_by_the_host(spec: &mut Spec, cause: String) {
    let exception = spec.about(&cause).await.expect("it was opened");
    let closed = exception.closed.expect("it is closed");
    assert_eq!(closed.person, None, "{closed:?}");
}

#[then("it is looked at then, and not before")]
async fn looked_at_then(spec: &mut Spec) {
    spec.until("the look", reconciled, 1).await;
}

#[then("it is written again, and nobody is asked about it")]
async fn written_again(spec: &mut Spec) {
    spec.until("the write", |event| matches!(event, Event::ReAsserted { .. }), 1).await;
    spec.until("the end", |event| matches!(event, Event::Closed), 2).await;
    let writes = spec.connectors.writes();
    let [first, again] = &writes[..] else { panic!("it was written {} times", writes.len()) };
    assert_ne!(first.effect, again.effect, "each has keys of its own");
    assert_eq!(first.plan.subject, again.plan.subject);
    let after = |call: &countersign_engine::port::connectors::Call| call.plan.changes[0].after.clone();
    assert_eq!((after(first), after(again)), (usd("10.00"), usd("10.00")));
    assert_eq!(spec.asked().await, 0);
    spec.rests().await;
}

#[then("it is written again, and the exception is closed")]
async fn written_again_as_asked(spec: &mut Spec) {
    assert_eq!(spec.refused, None);
    written_again(spec).await;
}

#[then(expr = "it was written {int} time(s) in all")]
async fn written_in_all(spec: &mut Spec, times: usize) {
    let waiting = async {
        while spec.connectors.writes().len() < times {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it is written");
    spec.rests().await;
    assert_eq!(spec.connectors.writes().len(), times);
}

#[when(expr = "the owner says {word}")]
async fn owner_says(spec: &mut Spec, by: String) {
    let by = Closure::parse(&by).expect("a way to close it");
    spec.rests().await;
    spec.closes_by(by).await;
    assert_eq!(spec.refused, None);
}

#[then("the owner cannot say re-assert, only probe or give-up")]
async fn cannot(spec: &mut Spec) {
    for by in Closure::ALL {
        let allowed = matches!(by, Closure::Probe | Closure::GiveUp);
        if !allowed {
            spec.closes_by(by).await;
            assert_eq!(spec.refused.as_deref(), Some("CS-E0117"), "{by:?}");
        }
    }
    spec.closes_by(Closure::Probe).await;
    assert_eq!(spec.refused, None);
}

#[then("the measures count one rework, one write made again, one that is as approved, and the intent once")]
async fn measured(spec: &mut Spec) {
    let intent = spec.intent.expect("an intent");
    let mut measures = Measures::default();
    let entries = spec.engine().entries(intent).await.expect("its entries");
    entries.iter().for_each(|entry| measures.add(intent, entry));
    let Measures { looks, reworked, re_asserted, reconciled, done, reconciliation_total, .. } = measures;
    assert_eq!((looks, reworked, re_asserted, reconciled, done), (2, 1, 1, 1, 1));
    assert_eq!(reconciliation_total, Millis::minutes(1), "since it was written again");
}

#[then("nobody looks any more")]
async fn over(spec: &mut Spec) {
    assert_eq!(spec.watch().await.1.next, Next::Over);
    assert_eq!(spec.asked().await, 0);
    let approval = spec.approval().await;
    assert!(approval.wakes().is_empty(), "{:?}", approval.wakes());
}

#[then(expr = "its message ends with {string}")]
async fn message_ends(spec: &mut Spec, words: String) {
    let message = spec.about("drift").await.expect("it is somebody's").detail.message;
    assert!(message.ends_with(&words), "{message}");
}

#[when("another intent writes something else there")]
async fn another(spec: &mut Spec) {
    submit_another(spec).await;
    spec.until("the write", |event| matches!(event, Event::Watched { .. }), 1).await;
    spec.target_holds(&[("amount", usd("20.00"))]);
}

#[when("another intent is writing something else there")]
async fn another_is(spec: &mut Spec) {
    let writes = spec.connectors.writes().len();
    spec.connectors.next_act(Act::Hang);
    submit_another(spec).await;
    spec.is_sent(writes).await;
    spec.target_holds(&[("amount", usd("20.00"))]);
}

#[when("another intent is approved for what the target holds by now")]
async fn another_for_the_same(spec: &mut Spec) {
    spec.target_holds(&[("amount", usd("20.00"))]);
    spec.connectors.holds("target");
    let claim = Ended::Returned(found_receipt());
    spec.connectors.next_act(Act::End(AttemptEnd { claim, steps: Vec::new(), held_back: None }));
    submit_another(spec).await;
    spec.until("the end", |event| matches!(event, Event::Closed), 1).await;
}

#[when("another intent writes something else there, and no reason")]
async fn another_narrow(spec: &mut Spec) {
    spec.clock.turn(Millis(1));
    let tokens =
        map(vec![("order_id", text("order-1")), ("amount", money("20.00")), ("reason", text("goodwill"))]);
    spec.submit("narrow", tokens).await;
    spec.until("the end", |event| matches!(event, Event::Closed), 1).await;
    spec.target_holds(&[("amount", usd("20.00")), ("reason", Value::Text("none".to_owned()))]);
}

#[then("it was not written again")]
fn not_again(spec: &mut Spec) {
    let mut effects: Vec<EffectId> = spec.connectors.writes().iter().map(|call| call.effect).collect();
    effects.dedup();
    assert_eq!(effects.len(), 2, "each wrote once");
}

#[then("nobody looks at the first one any more, and nothing was written over it")]
async fn nothing_over_it(spec: &mut Spec) {
    assert_eq!(spec.rests().await.next, Next::Over);
    assert_eq!(spec.connectors.writes().len(), 1);
}

#[then("it is not written again, and goes on being looked at")]
async fn goes_on(spec: &mut Spec) {
    spec.intent = spec.watched.first;
    spec.until("the end", |event| matches!(event, Event::NotReAsserted { .. }), 1).await;
    spec.look().await;
    assert!(matches!(spec.rests().await.next, Next::Look(_)));
    assert_eq!(spec.found().await, Agreement::Unreadable);
    assert_eq!(spec.asked().await, 1);
}

async fn submit_another(spec: &mut Spec) {
    spec.clock.turn(Millis(1));
    let tokens =
        map(vec![("order_id", text("order-1")), ("amount", money("20.00")), ("reason", text("goodwill"))]);
    spec.submit("single", tokens).await;
    assert_ne!(spec.intent, spec.watched.first);
}

#[when("it is tried again")]
async fn tried_again(spec: &mut Spec) {
    spec.intent = spec.watched.first;
    spec.clock.turn(Millis::minutes(1));
    spec.until("the end", |event| matches!(event, Event::Superseded { .. }), 1).await;
}

#[when("that has landed")]
async fn that_landed(spec: &mut Spec) {
    let other = spec.all_but_the_first().await;
    spec.start(spec.watched.rules());
    spec.intent = Some(other);
    spec.until("the write", |event| matches!(event, Event::Watched { .. }), 1).await;
}

impl Spec {
    async fn all_but_the_first(&self) -> IntentId {
        let page =
            self.engine().list(countersign_engine::port::store::Query { limit: 10, ..Default::default() });
        let rows = page.await.expect("the list").rows;
        let ids = rows.iter().filter_map(|row| row.stream.parse::<IntentId>().ok());
        ids.filter(|id| Some(*id) != self.watched.first).last().expect("another one")
    }
}

#[then("nobody looks at the first one any more, and it was not written again")]
async fn not_any_more(spec: &mut Spec) {
    let watch = spec.rests().await;
    assert_eq!(watch.next, Next::Over);
    let intent = spec.watched.first.expect("the first one");
    let approval = spec.engine().read(intent).await.expect("it is there").approval;
    let Stage::Closed(Outcome::Done { effects, .. }) = &approval.stage else { panic!("it is done") };
    let landed = effects.values().filter(|state| matches!(state, EffectState::Landed { .. }));
    assert_eq!(landed.count(), 1, "nothing was written again");
    let values = spec.connectors.writes();
    let last = values.last().expect("it was written").plan.changes[0].after.clone();
    assert_eq!(last, usd("20.00"), "what the other one wrote is the last");
    assert!(approval.exceptions.is_empty());
}

#[when("whoever is asked finds it there")]
async fn finds(spec: &mut Spec) {
    spec.until("the look after the restart", attempted, 2).await;
    spec.clock.turn(Millis::minutes(1));
    spec.connectors.next_finding(Ended::Returned(Finding::Landed(found_receipt())));
}
