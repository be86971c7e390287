//! The steps of `sealed.feature`: what was decided is what is executed.

use super::{PATIENCE, Spec, attempted, single_rules};
use countersign_core::approval::command::Command;
use countersign_core::approval::event::Event;
use countersign_core::approval::{
    Approval, ApprovedIntent, Case, Intent, NotToBeWritten, PlannedEffect, Stage,
};
use countersign_core::exception::Closure;
use countersign_core::hash::Digest;
use countersign_core::time::{Millis, Timestamp};
use countersign_engine::port::connectors::Connectors as _;
use countersign_tests::draw::Draw;
use countersign_tests::scripted::{Act, Scripted};
use cucumber::{then, when};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

/// Fewest of the changes that are something else, and no mere other spelling or no longer readable.
const CHANGES_MIN: usize = 1_000;

/// The same with one byte of its JSON form changed, if that is something else.
fn changed<T: Serialize + DeserializeOwned + PartialEq>(draw: &Draw, value: &T) -> Option<T> {
    let mut bytes = serde_json::to_vec(value).expect("it has a form");
    let place = usize::try_from(draw.below(bytes.len() as u64)).expect("an index");
    let letters = b"0123456789abcdefghijklmnopqrstuvwxyz-_ ";
    bytes[place] = *draw.of(letters);
    serde_json::from_slice(&bytes).ok().filter(|changed| changed != value)
}

fn executing(approval: &Approval) -> &Case {
    match &approval.stage {
        Stage::Executing { case, .. } => case,
        other => panic!("it is {}", other.as_str()),
    }
}

/// The same approval about another case.
fn about(approval: &Approval, change: impl FnOnce(&mut Case)) -> Approval {
    let mut approval = approval.clone();
    if let Stage::Executing { case, .. } = &mut approval.stage {
        change(Arc::make_mut(case));
    }
    approval
}

#[then(
    expr = "of {int} changes of one byte in what was asked, by which policy and what is written none is executed"
)]
async fn none_is_executed(spec: &mut Spec, count: usize) {
    let approval = spec.approval().await;
    let case = executing(&approval);
    let effect = case.writes.first().expect("something is written").effect;
    let approved = ApprovedIntent::of(&approval).expect("it is approved");
    approved.write(effect).expect("what was sealed is executed");
    let draw = Draw::new(13);
    let mut tried = 0;
    for number in 0..count {
        let other = match number % 4 {
            0 => changed(&draw, &*approval.intent)
                .map(|intent: Intent| Approval { intent: Arc::new(intent), ..approval.as_ref().clone() }),
            1 => changed(&draw, &approval.policy)
                .map(|policy: Digest| Approval { policy, ..approval.as_ref().clone() }),
            2 => changed(&draw, &case.writes)
                .map(|writes: Vec<PlannedEffect>| about(&approval, |case| case.writes = writes)),
            _ => changed(&draw, &case.expires)
                .map(|expires: Timestamp| about(&approval, |case| case.expires = expires)),
        };
        let Some(other) = other else { continue };
        tried += 1;
        let written =
            ApprovedIntent::of(&other).expect("it says that it is approved").write(effect).map(drop);
        assert!(matches!(written, Err(NotToBeWritten::SealBroken(_))), "{written:?}: {other:#?}");
    }
    assert!(CHANGES_MIN <= tried, "{tried} of {count} were something else");
}

#[when("the connector is replaced by another build")]
async fn replaced(spec: &mut Spec) {
    let other = Scripted::default().with("target", spec.guarantee, &[("deliver", "order")]);
    spec.connectors = Arc::new(other.built_anew());
    spec.start(single_rules());
    spec.clock.turn(Millis::seconds(1));
    spec.until("the refused attempt", attempted, 2).await;
}

/// The same target, with another build in front of the one that was sealed.
fn upgraded(spec: &mut Spec) {
    let target = Scripted::default().with("target", spec.guarantee, &[("deliver", "order")]);
    spec.connectors = Arc::new(target.upgraded());
    spec.start(single_rules());
}

#[when("the connector is replaced by another build, and the one before stays installed")]
fn is_upgraded(spec: &mut Spec) {
    upgraded(spec);
    spec.clock.turn(Millis::seconds(1));
}

#[when("the one before is installed again, and the owner of the exception closes it by retry")]
async fn is_back(spec: &mut Spec) {
    upgraded(spec);
    let (id, person) = spec.open_exception("rejected").await;
    let reason = "it is installed again".to_owned();
    spec.command(Command::CloseException { person, id, by: Closure::Retry, reason }).await;
    assert_eq!(spec.refused, None);
}

#[then("the effect lands by the connector that was sealed")]
async fn lands_as_sealed(spec: &mut Spec) {
    spec.until("the effect landing", |event| matches!(event, Event::Closed), 1).await;
    let sealed = spec.approval().await.case().expect("it was decided").writes[0].connector;
    let current = spec.connectors.connections()[0].digest;
    let by: Vec<Digest> = spec.connectors.writes().iter().map(|call| call.connector).collect();
    assert_eq!(by, [sealed]);
    assert_ne!(sealed, current);
}

#[then("what is asked for from now on is written by the new build")]
async fn by_the_new_build(spec: &mut Spec) {
    let before = spec.connectors.writes().len();
    super::submit_single(spec).await;
    spec.is_sent(before).await;
    let call = spec.connectors.writes().pop().expect("it was written");
    assert_eq!(call.connector, spec.connectors.connections()[0].digest);
}

#[when(expr = "its first attempt dies with its host, and {int} hours pass")]
async fn first_dies_with_its_host(spec: &mut Spec, hours: u64) {
    spec.connectors.next_act(Act::Hang);
    super::submit_single(spec).await;
    spec.is_sent(0).await;
    spec.host = None;
    spec.clock.turn(Millis::hours(hours));
}

#[when("the host starts with another build beside the one before")]
fn beside(spec: &mut Spec) {
    // Ids are of a moment, and the chance of every host is the same.
    spec.clock.turn(Millis::seconds(1));
    upgraded(spec);
}

#[when("its connector is gone when the host starts again")]
async fn connector_is_gone(spec: &mut Spec) {
    let other = Scripted::default().with("target", spec.guarantee, &[("deliver", "order")]);
    spec.connectors = Arc::new(other.built_anew());
    spec.start(single_rules());
    spec.open_exception("rejected").await;
}

#[when(expr = "the next attempt dies with its host, and {int} hours pass")]
async fn dies_with_its_host(spec: &mut Spec, hours: u64) {
    let before = spec.connectors.writes().len();
    spec.connectors.next_act(Act::Hang);
    spec.clock.turn(Millis::seconds(1));
    spec.is_sent(before).await;
    spec.host = None;
    spec.clock.turn(Millis::hours(hours));
}

/// Turns the clock until it is looked for, and found absent.
pub(super) async fn until_looked_for(spec: &Spec) {
    spec.connectors.find_nothing();
    let waiting = async {
        while spec.connectors.probes() == 0 {
            // It may have been asked before it had an answer.
            spec.clock.turn(Millis(500));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it is looked for");
}

#[then("it is looked for before anything is sent")]
async fn is_looked_for(spec: &mut Spec) {
    until_looked_for(spec).await;
    assert_eq!(spec.connectors.writes().len(), 0);
}
