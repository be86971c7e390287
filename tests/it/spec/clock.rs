//! The steps of `clock.feature`: the clock of the machine is set while the host runs.

use super::sealed::until_looked_for;
use super::{PATIENCE, Spec, single_rules};
use countersign_core::clock::Jump;
use countersign_core::time::{Millis, Timestamp};
use countersign_engine::port::clock::Clock as _;
use countersign_engine::port::store::Store as _;
use cucumber::{then, when};
use std::time::Duration;

/// The clock so many hours from now, without any time passing.
fn moved(spec: &Spec, hours: i64) -> Timestamp {
    Timestamp(spec.clock.now().0 + hours * 3_600_000)
}

/// Until it is on record that the clock has jumped so often.
async fn noted(spec: &Spec, count: usize) -> Vec<Jump> {
    let waiting = async {
        loop {
            let entries = spec.store.load("clock/1").await.expect("it is read");
            if count <= entries.len() {
                return entries;
            }
            spec.clock.turn(Millis(200));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let entries = tokio::time::timeout(PATIENCE, waiting).await.expect("it is on record");
    entries.iter().map(|bytes| serde_json::from_slice(bytes).expect("it is a jump")).collect()
}

async fn jump(spec: &mut Spec, hours: i64) {
    let before = spec.store.load("clock/1").await.expect("it is read").len();
    // Whoever looks at the clock has seen what it says now.
    spec.clock.turn(Millis::seconds(2));
    let asleep = async {
        while spec.clock.sleepers() < 1 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asleep).await.expect("whoever looks at the clock sleeps");
    spec.clock.jump(moved(spec, hours));
    noted(spec, before + 1).await;
}

#[when(expr = "the clock of the machine is set forward by {int} hours")]
async fn set_forward(spec: &mut Spec, hours: i64) {
    jump(spec, hours).await;
}

#[when(expr = "the clock of the machine is set back by {int} hours")]
async fn set_back(spec: &mut Spec, hours: i64) {
    jump(spec, -hours).await;
}

#[when(expr = "the host is stopped, the clock set back by {int} hours, and the host started")]
fn set_back_meanwhile(spec: &mut Spec, hours: i64) {
    spec.host = None;
    spec.clock.jump(moved(spec, -hours));
    spec.start(single_rules());
}

#[then(expr = "the log says that the clock was set forward and back by {int} hours")]
async fn on_record(spec: &mut Spec, hours: u64) {
    let [forward, back] = <[Jump; 2]>::try_from(noted(spec, 2).await).expect("two jumps");
    assert_eq!((forward.forward(), forward.back()), (Millis::hours(hours), Millis(0)));
    assert_eq!((back.forward(), back.back()), (Millis(0), Millis::hours(hours)));
}

#[then("it is looked for before it is sent again")]
async fn is_looked_for(spec: &mut Spec) {
    until_looked_for(spec).await;
    assert_eq!(spec.connectors.attempts(), 1);
}

#[when(expr = "{int} hours go by")]
async fn hours_pass(spec: &mut Spec, hours: u64) {
    spec.clock.turn(Millis::hours(hours));
}

#[when(expr = "{int} seconds go by")]
async fn seconds_pass(spec: &mut Spec, seconds: u64) {
    for _ in 0..seconds {
        spec.clock.turn(Millis::seconds(1));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[then("it is looked for, and not sent again")]
fn not_sent_again(spec: &mut Spec) {
    assert!(0 < spec.connectors.probes());
    assert_eq!(spec.connectors.attempts(), 1);
}

#[then("nobody was asked whether it had landed")]
fn not_asked(spec: &mut Spec) {
    assert_eq!(spec.connectors.probes(), 0);
}
