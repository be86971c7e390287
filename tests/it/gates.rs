//! One target that is slow or down holds up no other, and what it is left alone for costs no attempt.

use countersign_core::approval::{Outcome, Stage};
use countersign_core::document::SourceFile;
use countersign_core::effect::attempt::Guarantee;
use countersign_core::effect::life::EffectState;
use countersign_core::id::IntentId;
use countersign_core::intent::Raw;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Millis;
use countersign_engine::engine::{Engine, Parts, Submission};
use countersign_engine::limits::{ERRANDS_IN_FLIGHT_MAX, GATE_WAITING_MAX};
use countersign_engine::memory::MemoryStore;
use countersign_engine::simulated::SeededChance;
use countersign_tests::scripted::Scripted;
use countersign_tests::world::{RealClock, root, source_files};
use std::sync::Arc;
use std::time::Duration;

/// Rules of one write, once for each of two systems.
fn rules() -> Vec<SourceFile> {
    let mut files = source_files(&root().join("tests/bench/rules")).expect("the shared files");
    files.retain(|file| !file.path.contains('/'));
    let single = source_files(&root().join("tests/spec/rules")).expect("the files of the features");
    for name in ["slow", "quick"] {
        files.extend(single.iter().map(|file| SourceFile {
            path: file.path.replace("single", name),
            text: file.text.replace("single", name).replace("target", name),
        }));
    }
    files
}

fn host() -> (Engine, Arc<Scripted>) {
    let operations = &[("deliver", "order")];
    let connectors = Scripted::default().with("slow", Guarantee::ByKey, operations).with(
        "quick",
        Guarantee::ByKey,
        operations,
    );
    let connectors = Arc::new(connectors);
    let engine = Engine::start(Parts {
        record: countersign_engine::people::Record::default(),
        notifier: Arc::new(countersign_engine::port::notifier::NoNotifier),
        components: Arc::new(countersign_engine::port::components::NoComponents),
        catalogue: Arc::new(countersign_engine::port::catalogue::NoCatalogue),
        store: Arc::new(MemoryStore::new()),
        connectors: connectors.clone(),
        clock: Arc::new(RealClock),
        chance: Arc::new(SeededChance::new(3)),
        rulebook: Rulebook::load(&rules()).expect("the rules are sound"),
    });
    (engine, connectors)
}

async fn submit(engine: &Engine, to: &str) -> IntentId {
    let text = |text: &str| Raw::Text(text.to_owned());
    let amount = Raw::Map(vec![("amount".to_owned(), text("12.00")), ("currency".to_owned(), text("USD"))]);
    let tokens = Raw::Map(vec![
        ("order_id".to_owned(), text("order-1")),
        ("amount".to_owned(), amount),
        ("reason".to_owned(), text("goodwill")),
    ]);
    let submission =
        Submission { requester: "ae-1".to_owned(), intent_type: to.to_owned(), tokens, key: None };
    engine.submit(submission).await.expect("it is accepted").approval.intent.id
}

/// The one effect of an intent.
async fn effect(engine: &Engine, intent: IntentId) -> Option<EffectState> {
    let standing = engine.read(intent).await.expect("it is there");
    match &standing.approval.stage {
        Stage::Closed(Outcome::Done { effects, .. }) | Stage::Executing { effects, .. } => {
            effects.values().next().cloned()
        }
        Stage::Preparing { .. }
        | Stage::Unsettled { .. }
        | Stage::Seated { .. }
        | Stage::Returned { .. }
        | Stage::Closed(_) => None,
    }
}

async fn lands(engine: &Engine, intent: IntentId) {
    let landing = async {
        while !matches!(effect(engine, intent).await, Some(EffectState::Landed { .. })) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), landing).await.expect("it lands");
}

#[tokio::test]
async fn a_target_that_does_not_answer_holds_up_no_other() {
    let (engine, connectors) = host();
    connectors.hang("slow");
    // As many as may run and wait, and as many again as the whole engine works on.
    for _ in 0..GATE_WAITING_MAX + ERRANDS_IN_FLIGHT_MAX {
        submit(&engine, "slow").await;
    }
    // Until the engine has taken up as many as it can.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let quick = submit(&engine, "quick").await;
    lands(&engine, quick).await;
    assert_eq!(connectors.hanging(), 16, "no more than the connection bears");
}

#[tokio::test]
async fn while_a_target_is_left_alone_nothing_is_sent_and_no_attempt_is_spent() {
    let (engine, connectors) = host();
    connectors.rest(Some(Millis(300)));
    let intent = submit(&engine, "quick").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(connectors.writes().is_empty());
    let Some(EffectState::Ready { history, .. }) = effect(&engine, intent).await else { panic!("it waits") };
    assert_eq!(history.attempts, 0);
    connectors.rest(None);
    lands(&engine, intent).await;
    assert_eq!(connectors.writes().len(), 1);
}
