//! The steps of `publishing.feature` and `advisory.feature`.

use super::{PATIENCE, Spec, asked_tokens, map, text};
use countersign_core::approval::event::Event;
use countersign_core::approval::refusal::Refusal;
use countersign_core::approval::{Approval, ApprovedIntent, Authority, Case, Outcome, Stage};
use countersign_core::document::SourceFile;
use countersign_core::effect::attempt::Guarantee;
use countersign_core::hash::Digest;
use countersign_core::id::{IntentId, IntentTypeName};
use countersign_core::intent::Raw;
use countersign_core::policy::Policy;
use countersign_core::policy::check::check_files;
use countersign_core::policy::lint::Level;
use countersign_core::publish::POLICY_CHANGE;
use countersign_core::record::{RecordRef, Value};
use countersign_core::rulebook::Rulebook;
use countersign_core::seal::Seal;
use countersign_core::time::{Millis, Timestamp};
use countersign_engine::engine::Submission;
use countersign_engine::fault::Fault;
use countersign_tests::scripted::Scripted;
use countersign_tests::world::{root, source_files};
use cucumber::{given, then, when};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// The file whose policy changes.
const FILE: &str = "policies/discount.policy.md";
/// Its date as it is shipped.
const DAY: &str = "| 2026-01-01 ";

/// What the scenarios of this feature remember.
#[derive(Debug, Default)]
pub(crate) struct House {
    pub(super) files: Vec<SourceFile>,
    /// The discounts that were asked for.
    discounts: Vec<IntentId>,
    /// The changes that were proposed.
    changes: Vec<IntentId>,
    /// The versions in force before the last restart.
    before: Vec<(IntentTypeName, Digest)>,
    /// What a refusal named.
    named: Vec<String>,
    /// How many entries the log held before the last proposal.
    position: u64,
}

impl House {
    /// The change that was proposed first.
    pub(super) fn first_change(&self) -> Option<IntentId> {
        self.changes.first().copied()
    }
}

fn discount() -> IntentTypeName {
    IntentTypeName::parse("discount").expect("a name")
}

fn file(files: &[SourceFile]) -> &SourceFile {
    files.iter().find(|file| file.path == FILE).expect("the discount policy")
}

/// The shipped document with something replaced, and with another date.
fn document(house: &House, from: &str, to: &str, day: &str) -> String {
    let text = &file(&house.files).text;
    assert!(text.contains(from), "the policy holds {from}");
    text.replacen(from, to, 1).replacen(DAY, &format!("| {day} "), 1)
}

/// Every kind of warning that this document has.
fn warnings(house: &House, document: &str) -> BTreeSet<String> {
    let mut files = house.files.clone();
    let changed = files.iter_mut().find(|file| file.path == FILE).expect("the discount policy");
    changed.text = document.to_owned();
    let report = check_files(&files, Timestamp(0));
    let warnings = report.findings().filter(|finding| finding.level == Level::Warning);
    warnings.map(|finding| finding.kind.to_owned()).collect()
}

impl Spec {
    async fn propose(&mut self, person: &str, document: &str, accept: BTreeSet<String>) {
        let kinds = accept.iter().map(|kind| map(vec![("kind", text(kind))])).collect();
        let tokens = map(vec![
            ("intent", text("discount")),
            ("document", text(document)),
            ("reason", text("as the memo says")),
            ("accept", Raw::List(kinds)),
        ]);
        self.submit_change(person, POLICY_CHANGE, tokens).await;
    }

    /// Asks for a change of the rules, and keeps what is said of it.
    pub(super) async fn submit_change(&mut self, person: &str, of: &str, tokens: Raw) {
        self.house.position = self.engine().health().position.0;
        let submission = Submission { requester: person.into(), intent_type: of.into(), tokens, key: None };
        self.refused = None;
        self.house.named.clear();
        match self.engine().submit(submission).await {
            Ok(standing) => {
                let intent = standing.approval.intent.id;
                self.intent = Some(intent);
                self.house.changes.push(intent);
                self.prepared(intent).await;
            }
            Err(Fault::Refused(refusal)) => {
                self.refused = Some(refusal.code().to_owned());
                self.house.named.push(refusal.to_string());
                if let Refusal::Change(found) | Refusal::Warnings(found) = &refusal {
                    self.house.named.extend(found.iter().map(ToString::to_string));
                }
            }
            Err(fault) => panic!("{fault}"),
        }
    }

    /// The intent once it is prepared.
    async fn prepared(&self, intent: IntentId) -> Arc<Approval> {
        let waiting = async {
            loop {
                let approval = self.engine().read(intent).await.expect("the intent is there").approval;
                if !matches!(approval.stage, Stage::Preparing { .. }) {
                    return approval;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(super::PATIENCE, waiting).await.expect("it is prepared")
    }

    pub(super) async fn last_discount(&self) -> Arc<Approval> {
        self.prepared(*self.house.discounts.last().expect("a discount was asked for")).await
    }

    fn in_force(&self) -> Vec<(IntentTypeName, Digest)> {
        let (rulebook, now) = (self.engine().rulebook(), self.engine().now());
        let types = rulebook.intent_types().map(|schema| schema.name.clone());
        types.filter_map(|name| Some((name.clone(), rulebook.policy(&name, now)?.version()))).collect()
    }

    pub(super) async fn start_again(&mut self) {
        self.house.before = self.in_force();
        // Another process draws other ids, and later ones.
        self.clock.turn(Millis::seconds(1));
        let published = countersign_engine::publish::published(&*self.store).await.expect("the log is read");
        let now = self.engine().now();
        let rulebook = Rulebook::with_published(&self.house.files, published.publications(), now);
        self.start(rulebook.unwrap_or_else(|faults| panic!("{faults:#?}")));
    }
}

pub(super) fn case(approval: &Approval) -> &Case {
    match &approval.stage {
        Stage::Seated { case, .. }
        | Stage::Executing { case, .. }
        | Stage::Closed(Outcome::Done { case, .. }) => case,
        other => panic!("the intent is {}", other.as_str()),
    }
}

#[given("a house with the shipped rules")]
pub(super) fn shipped(spec: &mut Spec) {
    let connectors = Scripted::default()
        .with("crm", Guarantee::ByProbe, &[("set-price", "quote"), ("record-approval", "quote")])
        .with("billing", Guarantee::ByKey, &[("set-price", "customer")]);
    let customer = RecordRef { kind: "customer".into(), id: "cus_1".into() };
    let account = [("segment", Value::Text("mid".into())), ("billing_account", Value::Reference(customer))];
    connectors.put("crm", "account", "A-1", &account);
    let quote = [("margin", Value::Decimal("40".into())), ("renewal", Value::Flag(false))];
    connectors.put("crm", "quote", "Q-1", &quote);
    spec.connectors = Arc::new(connectors);
    spec.house.files = source_files(&root().join("host/cli/starter")).expect("the shipped files");
    spec.start(Rulebook::load(&spec.house.files).expect("the shipped rules check"));
}

#[when(expr = "{word} publishes {string} as {string}, effective {word}")]
async fn publishes(spec: &mut Spec, person: String, from: String, to: String, day: String) {
    let document = document(&spec.house, &from, &to, &day);
    let accept = warnings(&spec.house, &document);
    spec.propose(&person, &document, accept).await;
}

#[when(expr = "{word} publishes {string} as {string}, effective 2026-11-20, answering for no warning")]
async fn publishes_without_name(spec: &mut Spec, person: String, from: String, to: String) {
    let document = document(&spec.house, &from, &to, "2026-11-20");
    spec.propose(&person, &document, BTreeSet::new()).await;
}

#[when(expr = "{word} proposes the version before")]
async fn goes_back(spec: &mut Spec, person: String) {
    let (rulebook, now) = (spec.engine().rulebook(), spec.engine().now());
    let turns = rulebook.turns(&discount());
    let present = turns.iter().rposition(|turn| turn.since <= now).expect("a version is in force");
    let before = turns[present - 1].version;
    let document = rulebook.document(&discount(), &before).expect("its document").to_owned();
    spec.propose(&person, &document, BTreeSet::new()).await;
}

#[when("the earlier change is looked at again")]
fn earlier_change(spec: &mut Spec) {
    spec.intent = spec.house.first_change();
}

#[when(expr = "{word} asks for {int} % off")]
async fn asks_for(spec: &mut Spec, person: String, percent: u32) {
    let tokens = asked_tokens(percent, 12_000);
    let submission = Submission { requester: person, intent_type: "discount".into(), tokens, key: None };
    let standing = spec.engine().submit(submission).await.expect("it passes the door");
    spec.house.discounts.push(standing.approval.intent.id);
    spec.last_discount().await;
}

#[when("the host is started again")]
async fn started_again(spec: &mut Spec) {
    spec.start_again().await;
}

#[when(expr = "the host is started again with {string} as {string} in the file")]
async fn started_with(spec: &mut Spec, from: String, to: String) {
    let files = &mut spec.house.files;
    let changed = files.iter_mut().find(|file| file.path == FILE).expect("the discount policy");
    changed.text = changed.text.replacen(&from, &to, 1);
    spec.start_again().await;
}

#[when(expr = "it is {word}")]
fn time_is(spec: &mut Spec, moment: String) {
    spec.clock.set(Timestamp::from_rfc3339(&moment).expect("a moment"));
}

#[then(expr = "the change is {word}")]
async fn change_is(spec: &mut Spec, expected: String) {
    assert_eq!(spec.approval().await.stage.as_str(), expected);
}

#[then("the discount waits for people")]
async fn waits(spec: &mut Spec) {
    assert_eq!(spec.last_discount().await.stage.as_str(), "seated");
}

#[then("the discount is approved by policy")]
async fn approved(spec: &mut Spec) {
    let approval = spec.last_discount().await;
    let (Stage::Executing { authority, .. } | Stage::Closed(Outcome::Done { authority, .. })) =
        &approval.stage
    else {
        panic!("the discount is {}", approval.stage.as_str())
    };
    assert_eq!(*authority, Authority::Policy);
}

#[then("the version in force is the one that was approved")]
async fn exactly_that(spec: &mut Spec) {
    let approval = spec.approval().await;
    let change = case(&approval).change.as_ref().expect("evidence");
    let (rulebook, now) = (spec.engine().rulebook(), spec.engine().now());
    assert_eq!(rulebook.policy(&discount(), now).map(Policy::version), Some(change.version));
    let activated = spec.count(|event| matches!(event, Event::Activated { .. })).await;
    assert_eq!(activated, 1, "the activation is on record");
}

#[then("no write was needed for the change")]
async fn no_write(spec: &mut Spec) {
    let approval = spec.approval().await;
    let Stage::Closed(Outcome::Done { effects, .. }) = &approval.stage else { panic!("it is not done") };
    assert!(effects.is_empty());
}

#[then(expr = "the evidence names a region that was {word} and is {word}")]
async fn names_region(spec: &mut Spec, was: String, now: String) {
    let approval = spec.approval().await;
    let change = case(&approval).change.as_ref().expect("evidence");
    let diff = change.diff.as_ref().expect("a difference");
    let named = |changed: &&countersign_core::policy::diff::Changed| {
        changed.was.contains(&was) && changed.now.contains(&now)
    };
    assert!(diff.changed.iter().find(named).is_some(), "{diff:#?}");
}

#[then(expr = "the evidence says that {int} of {int} examples pass")]
async fn examples_pass(spec: &mut Spec, passed: usize, of: usize) {
    let approval = spec.approval().await;
    let examples = case(&approval).change.as_ref().expect("evidence").examples;
    assert_eq!((examples.passed, examples.of), (passed, of));
}

#[then("the evidence says that it was in force before")]
async fn was_before(spec: &mut Spec) {
    let approval = spec.approval().await;
    assert!(case(&approval).change.as_ref().expect("evidence").again.is_some());
}

#[then("the seal covers the evidence")]
async fn sealed(spec: &mut Spec) {
    let approval = spec.approval().await;
    let mut case = case(&approval).clone();
    let seal = |case: &Case| Seal::of(&approval.intent, approval.policy, case.content()).expect("a seal");
    assert_eq!(seal(&case), case.seal);
    let mut change = case.change.as_deref().expect("evidence").clone();
    change.accepted.push("anything".to_owned());
    case.change = Some(Arc::new(change));
    assert_ne!(seal(&case), case.seal, "other evidence has another seal");
    assert!(ApprovedIntent::of(&approval).is_none(), "a change that is not approved yields no write");
}

#[then("the open discount is prepared anew")]
async fn prepared_anew(spec: &mut Spec) {
    let first = *spec.house.discounts.first().expect("a discount was asked for");
    let waiting = async {
        loop {
            let approval = spec.engine().read(first).await.expect("it is there").approval;
            if approval.intent.revision == 2 && !matches!(approval.stage, Stage::Preparing { .. }) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("its seal has ended");
}

#[then("the open discount is still decided by the version of its day")]
async fn keeps_version(spec: &mut Spec) {
    let first = *spec.house.discounts.first().expect("a discount was asked for");
    let approval = spec.engine().read(first).await.expect("it is there").approval;
    assert_eq!(approval.stage.as_str(), "seated");
    let (rulebook, now) = (spec.engine().rulebook(), spec.engine().now());
    let policy = rulebook.policy_version(&discount(), &approval.policy).expect("its version can be read");
    assert_ne!(Some(policy.version()), rulebook.policy(&discount(), now).map(Policy::version));
}

#[then(expr = "it names {string}")]
fn names(spec: &mut Spec, said: String) {
    assert!(spec.house.named.iter().any(|named| named.contains(&said)), "{:#?}", spec.house.named);
}

#[then("nothing was stored")]
fn nothing_stored(spec: &mut Spec) {
    assert_eq!(spec.engine().health().position.0, spec.house.position);
}

#[then("the same versions are in force as before")]
fn same_versions(spec: &mut Spec) {
    assert_eq!(spec.in_force(), spec.house.before);
}

#[then(expr = "the host says that {word} does not count")]
fn says_so(spec: &mut Spec, file: String) {
    let remarks = spec.engine().rulebook().remarks();
    assert!(remarks.iter().any(|(_, remark)| remark.contains(&file)), "{remarks:#?}");
}

#[then(expr = "{word} may not decide")]
async fn may_not_decide(spec: &mut Spec, name: String) {
    let approval = spec.approval().await;
    let Stage::Seated { seats, .. } = &approval.stage else {
        panic!("the intent is {}", approval.stage.as_str())
    };
    let person = super::person(&name);
    assert!(seats.open.values().all(|seat| !seat.eligible.contains(&person)));
}

#[given("an intent type whose enforcement is advisory")]
fn advisory(spec: &mut Spec) {
    spec.connectors = Arc::new(Scripted::default().with("target", Guarantee::ByKey, &[("deliver", "order")]));
    let mut files = super::single_files();
    for file in files.iter_mut().filter(|file| file.path.ends_with(".intent.md")) {
        let hard = "| enforcement     | hard     ";
        assert!(file.text.contains(hard), "{} says hard", file.path);
        file.text = file.text.replacen(hard, "| enforcement     | advisory ", 1);
    }
    spec.start(Rulebook::load(&files).expect("the rules check"));
}

#[when(expr = "an order of {int} is asked for")]
async fn order(spec: &mut Spec, amount: u32) {
    let tokens = map(vec![
        ("order_id", text("order-1")),
        ("amount", super::money(&format!("{amount}.00"))),
        ("reason", text("goodwill")),
    ]);
    spec.submit("single", tokens).await;
    let intent = spec.intent.expect("it was submitted");
    spec.prepared(intent).await;
}

#[then("the case says that it is advisory")]
async fn is_advisory(spec: &mut Spec) {
    let approval = spec.approval().await;
    let case = case(&approval);
    assert!(case.advisory && case.writes.is_empty());
}
