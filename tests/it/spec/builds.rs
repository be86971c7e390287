//! The steps of `builds.feature`: a new build of a connector beside the one before it.

use super::{PATIENCE, Spec, attempted, money, person, single_rules, text};
use countersign_core::connector::{Change, Event, OnRecord};
use countersign_core::effect::attempt::{Answer, AttemptEnd, Detail, Ended, Failure, Guarantee};
use countersign_core::hash::Digest;
use countersign_core::id::ConnectorId;
use countersign_core::intent::Raw;
use countersign_core::time::Millis;
use countersign_engine::engine::Submission;
use countersign_tests::scripted::{Act, Scripted, step};
use cucumber::{given, then, when};
use std::sync::Arc;
use std::time::Duration;

/// How long it is looked whether something is done after all that is not to be done.
pub(super) const A_WHILE: Duration = Duration::from_millis(200);

/// Those that ask, one after the other: what one alone asks for says nothing of a build.
const REQUESTERS: [&str; 2] = ["ae-1", "owner-1"];

pub(super) fn connector() -> ConnectorId {
    ConnectorId::parse("scripted.target").expect("it is a name")
}

/// A build by what the features call it.
pub(super) fn build(which: &str) -> Digest {
    match which {
        "first" => Digest::of(b"target"),
        "other" => Digest::of(b"another build"),
        _ => panic!("no build `{which}`"),
    }
}

impl Spec {
    pub(super) async fn changes_build(&self, change: Change) {
        let by = person("integration-1");
        let changed = self.engine().change_connector(&connector(), &change, (&by, "said"), None).await;
        changed.expect("it may be changed");
    }

    pub(super) async fn builds(&self) -> Arc<OnRecord> {
        self.engine().connector(&connector()).await.expect("the record is read")
    }

    /// One intent that is attempted once, whatever that comes to.
    pub(super) async fn is_written(&mut self, requester: &str) {
        let tokens = Raw::Map(vec![
            ("order_id".to_owned(), text(&format!("order-{}", self.all.len()))),
            ("amount".to_owned(), money("10.00")),
            ("reason".to_owned(), text("goodwill")),
        ]);
        let submission =
            Submission { requester: requester.into(), intent_type: "single".into(), tokens, key: None };
        let standing = self.engine().submit(submission).await.expect("it passes the door");
        self.intent = Some(standing.approval.intent.id);
        self.all.push(standing.approval.intent.id);
        self.until("the attempt", attempted, 1).await;
    }
}

#[given("a connector with another build of it that waits")]
async fn another_waits(spec: &mut Spec) {
    let target = Scripted::default().with("target", Guarantee::ByKey, &[("deliver", "order")]);
    spec.connectors = Arc::new(target.upgraded());
    spec.start(single_rules());
    spec.changes_build(Change::Activate { digest: build("first"), on: None }).await;
    assert_eq!(spec.builds().await.serving.active, Some(build("first")));
}

#[when("the other build is put in force")]
async fn is_put_in_force(spec: &mut Spec) {
    spec.changes_build(Change::Activate { digest: build("other"), on: None }).await;
}

#[when(expr = "{int} intent(s) is/are written one after the other")]
async fn are_written(spec: &mut Spec, count: usize) {
    for number in 0..count {
        // By twos, as every second one may be made to fail.
        spec.is_written(REQUESTERS[number / 2 % REQUESTERS.len()]).await;
    }
}

#[when(expr = "{int} intents of somebody else are written one after the other")]
async fn of_another_are_written(spec: &mut Spec, count: usize) {
    for _ in 0..count {
        spec.is_written("owner-2").await;
    }
}

#[when(expr = "one of {int} writes of the {word} build is {word} as {int}")]
fn is_made_to_fail(spec: &mut Spec, every: usize, which: String, claim: String, status: u16) {
    let detail = Detail::new("scripted", "as the feature says");
    let failure = match claim.as_str() {
        "transient" => Failure::Transient { after: None, detail },
        "rejected" => Failure::Rejected { fields: Vec::new(), detail },
        "conflict" => Failure::Conflict { revision: None, detail },
        "uncertain" => Failure::Uncertain(detail),
        other => panic!("no claim `{other}`"),
    };
    let steps = vec![step(Answer::Answered { status })];
    let end = AttemptEnd { claim: Ended::Failed(failure), steps, held_back: None };
    spec.connectors.build_does(build(&which), every, Act::End(end));
}

#[when("the target fails for a while")]
fn fails_for_a_while(spec: &mut Spec) {
    spec.connectors.fail_for(Some(Millis::seconds(1)));
}

#[when(expr = "a write of the {word} build takes {int} ms")]
fn takes(spec: &mut Spec, which: String, length: u64) {
    spec.connectors.build_takes(build(&which), &spec.clock, Millis(length));
}

#[then(expr = "the host went back to the build before, because {string}")]
async fn went_back(spec: &mut Spec, because: String) {
    let waiting = async {
        while spec.builds().await.serving.active != Some(build("first")) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it is rolled back");
    let history = spec.engine().history_of_connector(&connector()).await.expect("it is read");
    let last = history.last().expect("something happened");
    let Event::RolledBack { reason } = &last.event else { panic!("{last:?}") };
    assert_eq!(last.by, None, "the host did it by itself");
    assert!(reason.starts_with("1.0.0 at `target`, operation `deliver`: "), "{reason}");
    assert!(reason.contains(&because), "{reason}");
}

#[then("the other build serves")]
async fn other_serves(spec: &mut Spec) {
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(spec.builds().await.serving.active, Some(build("other")));
}

#[then("the build before wrote it")]
async fn before_wrote_it(spec: &mut Spec) {
    let call = spec.connectors.writes().pop().expect("it was written");
    assert_eq!(call.connector, build("first"));
}
