//! The steps of `connections.feature`: what keeps all that waits for one connection.

use super::{PATIENCE, Spec, money, probed, single_rules, text};
use countersign_core::approval::command::Command;
use countersign_core::approval::refusal::Refusal;
use countersign_core::approval::{Approval, Outcome, Stage};
use countersign_core::connection::{Change, NotChanged};
use countersign_core::effect::attempt::{
    AttemptEnd, Break, BreakKind, CONNECTOR_BUG, Detail, Ended, Failure,
};
use countersign_core::effect::life::EffectState;
use countersign_core::effect::reconcile::Agreement;
use countersign_core::exception::{Closure, Exception};
use countersign_core::hash::Digest;
use countersign_core::id::{ConnectionName, ConnectorId, ExceptionId, IntentId, PersonId};
use countersign_core::intent::Raw;
use countersign_core::time::Millis;
use countersign_engine::engine::Submission;
use countersign_engine::fault::Fault;
use countersign_engine::outages::Paused;
use countersign_engine::port::connectors::Connectors as _;
use countersign_engine::port::store::Store as _;
use countersign_tests::scripted::Act;
use cucumber::{then, when};
use std::sync::Arc;
use std::time::Duration;

/// Who pauses the connection by hand.
const OPERATOR: &str = "integration-1";

/// Largest step of the clock while time passes, so that what comes due on the way is done on the way.
const STEP: Millis = Millis::seconds(10);
/// Looks, two milliseconds apart, for what is due at one moment and not done.
const LOOKS_MAX: u32 = 25;

#[when("the target refuses the credential")]
fn refuses(spec: &mut Spec) {
    spec.connectors.deny(true);
}

#[when("the credential is rotated where it is kept")]
fn rotated(spec: &mut Spec) {
    spec.connectors.rotate();
}

#[when("the target takes the credential again")]
fn takes(spec: &mut Spec) {
    spec.connectors.deny(false);
}

#[when("the connector breaks at every write")]
fn breaks(spec: &mut Spec) {
    let broke = Break { kind: BreakKind::Trap, message: "it trapped".to_owned() };
    let end = AttemptEnd { claim: Ended::Broke(broke), steps: Vec::new(), held_back: None };
    spec.connectors.always("target", false, Act::End(end));
}

/// What an SDK says when its connector's own code fails.
fn bug() -> Failure {
    Failure::Rejected { fields: Vec::new(), detail: Detail::new(CONNECTOR_BUG, "list index out of range") }
}

#[when("the code of the connector fails at every write")]
fn fails_at_writes(spec: &mut Spec) {
    let end = AttemptEnd { claim: Ended::Failed(bug()), steps: Vec::new(), held_back: None };
    spec.connectors.always("target", false, Act::End(end));
}

fn broke(kind: BreakKind) -> Act {
    let broke = Break { kind, message: "it broke".to_owned() };
    Act::End(AttemptEnd { claim: Ended::Broke(broke), steps: Vec::new(), held_back: None })
}

#[when("time runs out at every write")]
fn runs_out(spec: &mut Spec) {
    spec.connectors.always("target", false, broke(BreakKind::Deadline));
}

#[when("the connector breaks at the next write")]
fn breaks_once(spec: &mut Spec) {
    spec.connectors.next_act(broke(BreakKind::Trap));
}

#[when(
    expr = "{int} intents are asked for one after the other, and the connector breaks at the first attempt of each"
)]
async fn breaks_each(spec: &mut Spec, count: usize) {
    for number in 1..=count {
        spec.connectors.next_act(broke(BreakKind::Trap));
        asked_for(spec, 1).await;
        let done = async {
            while effects(&spec.approvals().await, |state| matches!(state, EffectState::Landed { .. }))
                < number
            {
                spec.clock.turn(Millis(500));
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, done).await.expect("its next attempt lands");
    }
}

#[when("the connector is whole again")]
fn whole_again(spec: &mut Spec) {
    spec.connectors.lands_again("target", false);
}

#[then(expr = "the connector was called for at most {int} writes")]
fn called_at_most(spec: &mut Spec, most: usize) {
    let calls = spec.connectors.attempts();
    assert!(0 < calls && calls <= most, "{calls}");
}

#[then(expr = "{int} intents are done, and one waits with an exception of cause {word}")]
async fn all_but_one(spec: &mut Spec, done: usize, cause: String) {
    let waiting = async {
        loop {
            let all = spec.approvals().await;
            // Of those that were asked for before, some may have been planned by whoever serves now.
            let closed = all.iter().rev().take_while(|approval| matches!(approval.stage, Stage::Closed(_)));
            let closed = closed.count();
            let exceptions: Vec<&Exception> =
                all.iter().flat_map(|approval| approval.exceptions.values()).collect();
            if done <= closed && exceptions.len() == 1 {
                return exceptions[0].cause.as_str().to_owned();
            }
            // On a busy machine something may have been put off once more when the clock already stood still.
            spec.clock.turn(STEP);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    let Ok(found) = waited else {
        let of = |approval: &Arc<Approval>| {
            let causes: Vec<_> =
                approval.exceptions.values().map(|open| open.detail.message.clone()).collect();
            format!("{} {causes:?}", approval.stage.as_str())
        };
        panic!(
            "not {done} done and one with an exception: {:#?}",
            spec.approvals().await.iter().map(of).collect::<Vec<_>>()
        );
    };
    assert_eq!(found, cause);
}

/// Whoever goes on before it is on record may find the connector whole, and land.
#[then(expr = "one of them waits with an exception of cause {word}")]
async fn one_waits(spec: &mut Spec, cause: String) {
    let waiting = async {
        loop {
            let all = spec.approvals().await;
            if let Some(exception) = all.iter().find_map(|approval| approval.exceptions.values().next()) {
                return exception.cause.as_str().to_owned();
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    assert_eq!(tokio::time::timeout(PATIENCE, waiting).await.as_deref(), Ok(cause.as_str()));
}

/// The build that a target had first.
fn first_build() -> Digest {
    Digest::of(b"target")
}

#[then("the build before serves again, and the record of the connector says so")]
async fn is_rolled_back(spec: &mut Spec) {
    let id = ConnectorId::parse("scripted.target").expect("it is a name");
    let rolled_back = async {
        loop {
            let record = spec.engine().connector(&id).await.expect("the record is read");
            if record.serving.active == Some(first_build()) {
                return record;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let record = tokio::time::timeout(PATIENCE, rolled_back).await.expect("it is rolled back");
    assert_eq!((record.builds.len(), record.previous.is_some()), (2, false));
    assert_eq!(spec.connectors.connections()[0].digest, first_build());
}

#[then("they were written by the build before")]
fn written_by_the_first(spec: &mut Spec) {
    let writes = spec.connectors.writes();
    let last: Vec<Digest> = writes.iter().rev().take(3).map(|call| call.connector).collect();
    assert_eq!(last, [first_build(); 3]);
}

#[when(expr = "the target is left alone for {int} seconds at a time")]
fn left_alone(spec: &mut Spec, seconds: u64) {
    spec.connectors.rest(Some(Millis::seconds(seconds)));
}

#[when("the host stops, and starts without the connectors")]
fn starts_bare(spec: &mut Spec) {
    spec.connectors.bare(true);
    spec.start(single_rules());
}

#[when("the connectors come, and the target is not left alone any more")]
fn connectors_come(spec: &mut Spec) {
    spec.connectors.bare(false);
    spec.connectors.rest(None);
}

#[when("the host stops and starts")]
fn stops_and_starts(spec: &mut Spec) {
    spec.start(single_rules());
}

async fn change(spec: &Spec, change: Change) -> Result<(), Fault> {
    let connection = ConnectionName::parse("target").expect("a name");
    let operator = PersonId::parse(OPERATOR).expect("a person");
    let why = (&operator, "the prices are wrong");
    spec.engine().change_connection(&connection, &change, why, None).await.map(drop)
}

#[when("an operator pauses the connection")]
async fn pauses(spec: &mut Spec) {
    change(spec, Change::Pause).await.expect("it is not paused by hand");
}

#[when("an operator lets the connection go on")]
async fn lets_go_on(spec: &mut Spec) {
    change(spec, Change::Resume).await.expect("it is paused by hand");
}

#[then("it cannot be paused a second time")]
async fn not_paused_twice(spec: &mut Spec) {
    let refused = change(spec, Change::Pause).await.expect_err("it is paused");
    assert!(
        refused.to_string().starts_with(&format!("{OPERATOR} paused the connection already")),
        "{refused}"
    );
}

#[then("the connection cannot be let go on a second time")]
async fn not_resumed_twice(spec: &mut Spec) {
    let refused = change(spec, Change::Resume).await.expect_err("it goes on");
    assert!(matches!(refused, Fault::Connection(NotChanged::NotPaused)), "{refused}");
}

#[then("it says that an operator paused it")]
async fn says_who(spec: &mut Spec) {
    let [(_, _, exception)] = <[_; 1]>::try_from(spec.telling().await).expect("one tells of it");
    let message = &exception.detail.message;
    assert!(message.contains(OPERATOR) && message.contains("the prices are wrong"), "{message}");
}

#[when("whoever is asked finds nothing there")]
fn found_absent(spec: &mut Spec) {
    spec.connectors.find_nothing();
}

#[when("the target is left alone no more")]
fn left_alone_no_more(spec: &mut Spec) {
    spec.connectors.rest(None);
    spec.connectors.fail_for(None);
}

#[when(expr = "it has failed for {int} minutes")]
fn has_failed(spec: &mut Spec, minutes: u64) {
    spec.connectors.fail_for(Some(Millis::minutes(minutes)));
}

#[then("one exception with cause unavailable tells of the connection")]
async fn one_tells(spec: &mut Spec) {
    assert_eq!(spec.telling().await.len(), 1);
}

#[then(expr = "it can be closed by {word} alone")]
async fn closed_by_alone(spec: &mut Spec, by: String) {
    let [(intent, id, exception)] = <[_; 1]>::try_from(spec.telling().await).expect("one tells of it");
    for way in Closure::ALL.into_iter().filter(|way| way.as_str() != by) {
        let command = Command::CloseException {
            person: exception.owner.clone(),
            id,
            by: way,
            reason: "no more of it".to_owned(),
        };
        let refused = spec.engine().command(intent, command, None).await.expect_err(way.as_str());
        assert!(matches!(refused, Fault::Refused(Refusal::WrongClosure { .. })), "{way:?}: {refused}");
    }
}

#[when(expr = "what tells of the connection is closed by {word}")]
async fn told_of_is_closed(spec: &mut Spec, by: String) {
    let [(intent, id, exception)] = <[_; 1]>::try_from(spec.telling().await).expect("one tells of it");
    let by = Closure::parse(&by).expect("a way to close it");
    let command =
        Command::CloseException { person: exception.owner, id, by, reason: "no more of it".to_owned() };
    spec.engine().command(intent, command, None).await.expect("the owner may close it");
}

#[then("nothing is left open")]
async fn nothing_open(spec: &mut Spec) {
    let all = spec.approvals().await;
    let mut exceptions = all.iter().flat_map(|approval| approval.exceptions.values());
    assert!(exceptions.all(|exception| exception.closed.is_some()), "{all:#?}");
}

#[when("plans are refused, and the credential with them")]
fn plans_refused(spec: &mut Spec) {
    spec.connectors.deny_plans();
    spec.connectors.deny(true);
}

#[then(expr = "the target was asked for at most {int} plans")]
fn plans_at_most(spec: &mut Spec, most: usize) {
    let asked = spec.connectors.plans();
    assert!(0 < asked && asked <= most, "{asked}");
}

#[when(expr = "{int} intent(s) is/are asked for")]
async fn asked_for(spec: &mut Spec, count: usize) {
    for _ in 0..count {
        let tokens = Raw::Map(vec![
            ("order_id".to_owned(), text(&format!("order-{}", spec.all.len()))),
            ("amount".to_owned(), money("10.00")),
            ("reason".to_owned(), text("goodwill")),
        ]);
        let submission =
            Submission { requester: "ae-1".into(), intent_type: "single".into(), tokens, key: None };
        let standing = spec.engine().submit(submission).await.expect("it passes the door");
        spec.all.push(standing.approval.intent.id);
    }
}

#[when(expr = "{int} minute(s) pass(es)")]
async fn minutes_pass(spec: &mut Spec, minutes: u64) {
    let steps = minutes * 60_000 / STEP.0;
    for _ in 0..steps {
        spec.clock.turn(STEP);
        // What came due is done before time goes on, unless it waits for what does not come by itself.
        for _ in 0..LOOKS_MAX {
            tokio::time::sleep(Duration::from_millis(2)).await;
            let due = spec.store.due(spec.engine().now(), None, 1).await.expect("the store answers");
            if due.is_empty() {
                break;
            }
        }
    }
}

#[when("the probe is refused")]
async fn probe_refused(spec: &mut Spec) {
    refused_probes(spec, 1).await;
}

#[when(expr = "the probe is refused {int} times")]
async fn refused_probes(spec: &mut Spec, times: u32) {
    for _ in 0..times {
        let before = spec.count(probed).await;
        spec.clock.turn(Millis(countersign_core::effect::retry::RETRY_DELAY_MS_MAX));
        let detail = Detail::new("unauthorized", "the key has expired");
        spec.connectors.next_finding(Ended::Failed(Failure::Denied(detail)));
        spec.until("the probe", probed, before + 1).await;
    }
}

#[then(regex = "^one exception with cause (denied|quarantined) pauses the connection$")]
async fn one_pauses(spec: &mut Spec, cause: String) {
    let waiting = async {
        loop {
            if let Some(paused) = spec.paused().await {
                return paused;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let paused = tokio::time::timeout(PATIENCE, waiting).await.expect("the connection is paused");
    assert!(!paused.exception.owner.as_str().is_empty());
    let all = spec.approvals().await;
    let open = all.iter().flat_map(|approval| approval.exceptions.values());
    let open = open.filter(|exception| exception.closed.is_none() && exception.cause.as_str() == cause);
    assert_eq!(open.count(), usize::from(!spec.all.is_empty()), "one tells of it, whatever else waits");
}

#[then("what the first one wrote cannot be compared, as the connection is paused")]
async fn not_compared(spec: &mut Spec) {
    let found = spec.engine().reconcile(spec.all[0]).await.expect("it is approved");
    let [found] = <[_; 1]>::try_from(found).expect("one write");
    assert_eq!(found.agreement, Agreement::Unreadable);
    assert_eq!(found.why.map(|why| why.code).as_deref(), Some("paused"));
}

#[then("the connection is not paused")]
async fn is_not_paused(spec: &mut Spec) {
    assert_eq!(spec.paused().await, None);
}

#[when(expr = "the exception that pauses the connection is closed by {word}")]
async fn resumed(spec: &mut Spec, by: String) {
    // One about a build that is not the one of now pauses nothing that is sent from here on.
    let of_a_build = async || {
        let all = spec.approvals().await;
        all.iter().find_map(|approval| {
            let mut exceptions = approval.exceptions.iter();
            let (id, exception) = exceptions.find(|(_, exception)| exception.pauses().is_some())?;
            Some((approval.intent.id, *id, exception.clone()))
        })
    };
    let pausing = match spec.paused().await {
        Some(Paused { intent, id, exception }) => Some((intent, id, exception)),
        None => of_a_build().await,
    };
    let (intent, id, exception) = pausing.expect("one pauses it, or a build of its connector");
    let by = Closure::parse(&by).expect("a way to close it");
    let command =
        Command::CloseException { person: exception.owner, id, by, reason: "the key is renewed".to_owned() };
    spec.engine().command(intent, command, None).await.expect("the owner may close it");
}

#[then(expr = "the target was sent at most {int} writes")]
fn sent_at_most(spec: &mut Spec, most: usize) {
    let sent = spec.connectors.writes().len();
    assert!(0 < sent && sent <= most, "{sent}");
}

#[then("nothing has landed")]
async fn nothing_landed(spec: &mut Spec) {
    assert_eq!(effects(&spec.approvals().await, |state| matches!(state, EffectState::Landed { .. })), 0);
}

#[then("no attempt was made")]
async fn no_attempt(spec: &mut Spec) {
    let all = spec.approvals().await;
    let untried =
        |state: &EffectState| matches!(state, EffectState::Ready { history, .. } if history.attempts == 0);
    assert_eq!(effects(&all, untried), all.len());
}

#[then(expr = "all {int} intents are done")]
async fn all_done(spec: &mut Spec, count: usize) {
    assert_eq!(spec.all.len(), count);
    let done = |all: &[Arc<Approval>]| {
        effects(all, |state| matches!(state, EffectState::Landed { .. })) == all.len()
            && all.iter().all(|approval| matches!(approval.stage, Stage::Closed(Outcome::Done { .. })))
    };
    spec.come_to("all is done", done).await;
}

#[then("nobody was told of anything")]
async fn no_exception(spec: &mut Spec) {
    let all = spec.approvals().await;
    assert!(all.iter().all(|approval| approval.exceptions.is_empty()), "{all:#?}");
}

#[then("one intent is done without its write")]
async fn one_given_up(spec: &mut Spec) {
    let all = spec.approvals().await;
    assert_eq!(effects(&all, |state| *state == EffectState::GivenUp), 1);
    assert_eq!(all.iter().filter(|approval| matches!(approval.stage, Stage::Closed(_))).count(), 1);
}

/// How many effects are as it says.
fn effects(all: &[Arc<Approval>], is: impl Fn(&EffectState) -> bool) -> usize {
    let of = |approval: &Arc<Approval>| match &approval.stage {
        Stage::Executing { effects, .. } | Stage::Closed(Outcome::Done { effects, .. }) => {
            effects.values().filter(|state| is(state)).count()
        }
        Stage::Preparing { .. }
        | Stage::Unsettled { .. }
        | Stage::Seated { .. }
        | Stage::Returned { .. }
        | Stage::Closed(Outcome::Declined { .. } | Outcome::Withdrawn { .. }) => 0,
    };
    all.iter().map(of).sum()
}

impl Spec {
    pub(super) async fn paused(&self) -> Option<Paused> {
        let target = ConnectionName::parse("target").expect("a name");
        self.engine().paused(&target).await.expect("the log is read")
    }

    /// The open exceptions that tell of a target.
    async fn telling(&self) -> Vec<(IntentId, ExceptionId, Exception)> {
        let mut telling = Vec::new();
        for approval in self.approvals().await {
            let open = approval.exceptions.iter().filter(|(_, exception)| exception.tells_of().is_some());
            telling.extend(open.map(|(id, exception)| (approval.intent.id, *id, exception.clone())));
        }
        telling
    }

    async fn approvals(&self) -> Vec<Arc<Approval>> {
        let mut all = Vec::new();
        for intent in &self.all {
            all.push(self.engine().read(*intent).await.expect("it is there").approval);
        }
        all
    }

    async fn come_to(&self, what: &str, is: impl Fn(&[Arc<Approval>]) -> bool) {
        let waiting = async {
            while !is(&self.approvals().await) {
                // On a busy machine something may have been put off once more when the clock already stood still.
                self.clock.turn(STEP);
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("not: {what}"));
    }
}
