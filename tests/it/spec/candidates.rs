//! The steps of `candidates.feature`: a build that plans a share of the intents, or plans in the shadow.

use super::builds::{A_WHILE, build, connector};
use super::{PATIENCE, Spec, found_receipt, probed, single_rules};
use countersign_core::connector::candidate::{Candidate, Share};
use countersign_core::connector::{Change, Event};
use countersign_core::effect::attempt::{
    Answer, AttemptEnd, Break, BreakKind, Detail, Ended, Failure, Finding, Guarantee,
};
use countersign_core::effect::plan::{Change as Line, WritePlan};
use countersign_core::record::Value;
use countersign_core::time::Millis;
use countersign_engine::shadow::Seen;
use countersign_tests::scripted::{Act, Planning, Scripted, step};
use cucumber::{given, then, when};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

fn same(plan: WritePlan) -> Ended<WritePlan> {
    Ended::Returned(plan)
}

fn another_amount(mut plan: WritePlan) -> Ended<WritePlan> {
    let amount = plan.changes.iter_mut().find(|line| line.name == "amount").expect("an amount is written");
    amount.after = Value::Text("another".to_owned());
    Ended::Returned(plan)
}

fn another_record(mut plan: WritePlan) -> Ended<WritePlan> {
    plan.subject.id.push_str("-copy");
    Ended::Returned(plan)
}

fn one_field_more(mut plan: WritePlan) -> Ended<WritePlan> {
    let (name, before, after) = ("memo".to_owned(), Value::Absent, Value::Text("as agreed".to_owned()));
    plan.changes.push(Line { name, before, after });
    Ended::Returned(plan)
}

fn rejects(_: WritePlan) -> Ended<WritePlan> {
    let detail = Detail::new("no-such-field", "as the feature says");
    Ended::Failed(Failure::Rejected { fields: Vec::new(), detail })
}

fn in_trouble(_: WritePlan) -> Ended<WritePlan> {
    let detail = Detail::new("unavailable", "as the feature says");
    Ended::Failed(Failure::Transient { after: None, detail })
}

fn breaks(_: WritePlan) -> Ended<WritePlan> {
    Ended::Broke(Break { kind: BreakKind::Trap, message: "it broke".to_owned() })
}

impl Spec {
    async fn nominates(&self, percent: u8) {
        let share = Share::of(percent).expect("a share");
        self.changes_build(Change::Nominate { digest: build("other"), share }).await;
    }

    fn plans(&self, which: &str, planning: &[Planning]) {
        self.connectors.build_plans(build(which), planning);
    }

    /// What has been seen in the shadow, as soon as that is enough.
    async fn seen(&self, enough: impl Fn(&Seen) -> bool) -> Seen {
        let waiting = async {
            loop {
                let seen = self.engine().seen_in_the_shadow(&build("other"));
                if enough(&seen) {
                    return seen;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("it is seen")
    }
}

#[given("a connector whose writes are looked for, with another build of it that waits")]
async fn another_waits(spec: &mut Spec) {
    let target = Scripted::default().with("target", Guarantee::ByProbe, &[("deliver", "order")]);
    spec.connectors = Arc::new(target.upgraded());
    spec.start(single_rules());
    spec.changes_build(Change::Activate { digest: build("first"), on: None }).await;
}

#[when(expr = "the other build gets {int} percent of the intents")]
async fn gets_a_share(spec: &mut Spec, percent: u8) {
    spec.nominates(percent).await;
    let share = Share::of(percent).expect("a share");
    assert_eq!(spec.builds().await.serving.candidate, Some(Candidate { digest: build("other"), share }));
}

#[when("the other build plans in the shadow")]
async fn plans_in_the_shadow(spec: &mut Spec) {
    spec.nominates(0).await;
}

#[when("somebody goes back")]
async fn goes_back(spec: &mut Spec) {
    spec.changes_build(Change::RollBack).await;
}

#[when("every write of the other build breaks")]
fn every_write_breaks(spec: &mut Spec) {
    let claim = Ended::Broke(Break { kind: BreakKind::Trap, message: "it broke".to_owned() });
    let end = AttemptEnd { claim, steps: Vec::new(), held_back: None };
    spec.connectors.build_does(build("other"), 1, Act::End(end));
}

#[when("the other build plans another amount")]
fn plans_another_amount(spec: &mut Spec) {
    spec.plans("other", &[another_amount]);
}

#[when("the other build plans another record")]
fn plans_another_record(spec: &mut Spec) {
    spec.plans("other", &[another_record]);
}

#[when("the other build plans one field more")]
fn plans_one_field_more(spec: &mut Spec) {
    spec.plans("other", &[one_field_more]);
}

#[when("the other build rejects what it plans")]
fn rejects_what_it_plans(spec: &mut Spec) {
    spec.plans("other", &[rejects]);
}

#[when("the other build finds its target in trouble")]
fn finds_trouble(spec: &mut Spec) {
    spec.plans("other", &[in_trouble]);
}

#[when("the other build breaks as it plans")]
fn breaks_as_it_plans(spec: &mut Spec) {
    spec.plans("other", &[breaks]);
}

#[when("the record is changed while the other build plans")]
fn changed_in_between(spec: &mut Spec) {
    spec.plans("first", &[same, another_amount]);
    spec.plans("other", &[another_amount]);
}

#[when("an effect that may have landed is found by the active build, and not by the other one")]
async fn is_found_by_one(spec: &mut Spec) {
    let claim = Ended::Failed(Failure::Uncertain(Detail::new("scripted", "as the feature says")));
    let end = AttemptEnd { claim, steps: vec![step(Answer::Unanswered)], held_back: None };
    spec.connectors.next_act(Act::End(end));
    spec.is_written("ae-1").await;
    spec.clock.turn(Millis::seconds(1));
    // The active build is asked, then the other one, and then the active build once more.
    let landed = || Ended::Returned(Finding::Landed(found_receipt()));
    for finding in [landed(), Ended::Returned(Finding::Absent), landed()] {
        spec.connectors.next_finding(finding);
    }
    spec.until("the look", probed, 1).await;
}

#[then("each intent was written by the build whose share it is")]
async fn by_share(spec: &mut Spec) {
    let candidate = spec.builds().await.serving.candidate.expect("there is one");
    let mut count: BTreeMap<_, usize> = BTreeMap::new();
    for intent in &spec.all {
        let expected = if candidate.plans(*intent) { build("other") } else { build("first") };
        let approval = spec.engine().read(*intent).await.expect("it is there").approval;
        let planned: Vec<_> = approval.writes().map(|write| write.connector).collect();
        assert_eq!(planned, [expected]);
        *count.entry(expected).or_default() += 1;
    }
    assert_eq!(count.len(), 2, "both plan some of {}", spec.all.len());
    let written = spec.connectors.writes().into_iter().map(|call| call.connector);
    let of_other = written.filter(|build| *build == candidate.digest).count();
    assert_eq!(count.get(&candidate.digest), Some(&of_other));
}

#[then(expr = "only the {word} build wrote the last {int}")]
fn only_one_wrote(spec: &mut Spec, which: String, last: usize) {
    let writes = spec.connectors.writes();
    assert!(last <= writes.len());
    for call in writes.iter().rev().take(last) {
        assert_eq!(call.connector, build(&which));
    }
}

#[then(expr = "the other build was dropped, because {string}")]
async fn was_dropped(spec: &mut Spec, because: String) {
    let waiting = async {
        while spec.builds().await.serving.candidate.is_some() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it is dropped");
    assert_eq!(spec.builds().await.serving.active, Some(build("first")));
    let history = spec.engine().history_of_connector(&connector()).await.expect("it is read");
    let last = history.last().expect("something happened");
    let Event::Dropped { digest, reason } = &last.event else { panic!("{last:?}") };
    assert_eq!((last.by.as_ref(), *digest), (None, build("other")), "the host did it by itself");
    assert!(reason.contains(&because), "{reason}");
}

#[then(expr = "the shadow was the same {int} time(s)")]
async fn was_the_same(spec: &mut Spec, times: u64) {
    let seen = spec.seen(|seen| times <= seen.same).await;
    assert_eq!(seen, Seen { same: times, ..Seen::default() });
}

#[then(expr = "the shadow {word} {int} time(s), because {string}")]
async fn was_otherwise(spec: &mut Spec, how: String, times: u64, because: String) {
    let seen = spec.seen(|seen| times <= seen.differs + seen.failed).await;
    let expected = if how == "differs" { (times, 0) } else { (0, times) };
    assert_eq!((seen.differs, seen.failed), expected, "{seen:?}");
    let last = seen.last.expect("there is one");
    assert_eq!((Some(last.intent), last.connection.as_str(), last.what), (spec.intent, "target", because));
}

#[then(expr = "the shadow cannot be told {int} time(s)")]
async fn cannot_be_told(spec: &mut Spec, times: u64) {
    let seen = spec.seen(|seen| times <= seen.unknown).await;
    assert_eq!(seen, Seen { unknown: times, ..Seen::default() });
}

#[then("nothing was asked in the shadow")]
async fn nothing_asked(spec: &mut Spec) {
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(spec.engine().seen_in_the_shadow(&build("other")), Seen::default());
}

#[then("the other build is in the shadow")]
async fn is_in_the_shadow(spec: &mut Spec) {
    let candidate = Candidate { digest: build("other"), share: Share::NONE };
    assert_eq!(spec.builds().await.serving.candidate, Some(candidate));
}
