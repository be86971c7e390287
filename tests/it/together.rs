//! Verdicts of attempts that end together are one commit; one that hangs holds up nobody.

use countersign_core::approval::{Outcome, Stage};
use countersign_core::effect::attempt::Guarantee;
use countersign_core::effect::life::EffectState;
use countersign_core::id::IntentId;
use countersign_core::intent::Raw;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Timestamp;
use countersign_engine::engine::{Engine, Parts, Submission};
use countersign_engine::memory::MemoryStore;
use countersign_engine::port::Answer;
use countersign_engine::port::store::{
    Appended, Batch, CallerKey, Errand, Health, Logged, Page, Position, Query, Row, Store, StoreFault,
    Verified,
};
use countersign_engine::simulated::SeededChance;
use countersign_tests::scripted::{Act, Scripted};
use countersign_tests::world::{RealClock, root, source_files};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A store that counts its commits.
#[derive(Debug, Default)]
struct Counting {
    store: MemoryStore,
    commits: AtomicUsize,
}

impl Store for Counting {
    fn append(&self, batch: Batch) -> Answer<'_, Result<Appended, StoreFault>> {
        self.commits.fetch_add(1, Ordering::SeqCst);
        self.store.append(batch)
    }

    fn load(&self, stream: &str) -> Answer<'_, Result<Vec<Arc<[u8]>>, StoreFault>> {
        self.store.load(stream)
    }

    fn scan(&self, from: Position, limit: usize) -> Answer<'_, Result<Vec<Logged>, StoreFault>> {
        self.store.scan(from, limit)
    }

    fn due(
        &self,
        now: Timestamp,
        after: Option<Errand>,
        limit: usize,
    ) -> Answer<'_, Result<Vec<Errand>, StoreFault>> {
        self.store.due(now, after, limit)
    }

    fn next_due(&self, now: Timestamp) -> Answer<'_, Result<Option<Timestamp>, StoreFault>> {
        self.store.next_due(now)
    }

    fn put_off(&self, errand: &Errand, until: Timestamp) {
        self.store.put_off(errand, until);
    }

    fn caller_key(&self, key: &str) -> Answer<'_, Result<Option<CallerKey>, StoreFault>> {
        self.store.caller_key(key)
    }

    fn query(&self, query: Query) -> Answer<'_, Result<Page, StoreFault>> {
        self.store.query(query)
    }

    fn row(&self, stream: &str) -> Answer<'_, Result<Option<Row>, StoreFault>> {
        self.store.row(stream)
    }

    fn health(&self) -> Health {
        self.store.health()
    }

    fn verify<'a>(
        &'a self,
        progress: &'a (dyn Fn(u64, u64) + Send + Sync),
    ) -> Answer<'a, Result<Verified, StoreFault>> {
        self.store.verify(progress)
    }
}

struct Host {
    engine: Engine,
    store: Arc<Counting>,
    connectors: Arc<Scripted>,
}

/// A host with two connections, and an intent type that writes to both at once.
fn host() -> Host {
    let files = source_files(&root().join("tests/bench/rules")).expect("the rules are there");
    let connectors = Scripted::default().with("sink-a", Guarantee::ByKey, &[("deliver", "record")]).with(
        "sink-b",
        Guarantee::ByKey,
        &[("deliver", "record")],
    );
    let (store, connectors) = (Arc::new(Counting::default()), Arc::new(connectors));
    let engine = Engine::start(Parts {
        record: countersign_engine::people::Record::default(),
        notifier: Arc::new(countersign_engine::port::notifier::NoNotifier),
        components: Arc::new(countersign_engine::port::components::NoComponents),
        catalogue: Arc::new(countersign_engine::port::catalogue::NoCatalogue),
        store: store.clone(),
        connectors: connectors.clone(),
        clock: Arc::new(RealClock),
        chance: Arc::new(SeededChance::new(3)),
        rulebook: Rulebook::load(&files).expect("the rules are sound"),
    });
    Host { engine, store, connectors }
}

impl Host {
    async fn submit(&self) -> IntentId {
        let text = |text: &str| Raw::Text(text.to_owned());
        let amount =
            Raw::Map(vec![("amount".to_owned(), text("12.00")), ("currency".to_owned(), text("USD"))]);
        let tokens = Raw::Map(vec![
            ("order_id".to_owned(), text("order-1")),
            ("amount".to_owned(), amount),
            ("reason".to_owned(), text("goodwill")),
        ]);
        let submission = Submission {
            requester: "ae-1".to_owned(),
            intent_type: "two-effects".to_owned(),
            tokens,
            key: None,
        };
        self.engine.submit(submission).await.expect("it is accepted").approval.intent.id
    }

    /// Waits until so many effects have landed, and says whether the approval is closed.
    async fn landed(&self, wanted: usize) -> bool {
        for _ in 0..2_000 {
            let rows = self.engine.list(Query { limit: 1, ..Query::default() }).await.expect("it lists");
            let intent = rows.rows[0].stream.parse().expect("an intent");
            let standing = self.engine.read(intent).await.expect("it is there");
            let (effects, closed) = match &standing.approval.stage {
                Stage::Closed(Outcome::Done { effects, .. }) => (effects.clone(), true),
                Stage::Executing { effects, .. } => (effects.clone(), false),
                _ => Default::default(),
            };
            let landed = effects.values().filter(|state| matches!(state, EffectState::Landed { .. })).count();
            if landed == wanted {
                return closed;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{wanted} effects did not land in ten seconds");
    }
}

#[tokio::test]
async fn effects_that_land_together_are_recorded_in_one_commit() {
    let host = host();
    let meeting = Arc::new(tokio::sync::Barrier::new(2));
    host.connectors.next_act(Act::Meet(meeting.clone()));
    host.connectors.next_act(Act::Meet(meeting));
    let intent = host.submit().await;
    assert!(host.landed(2).await, "the approval is closed");
    assert_eq!(host.store.commits.load(Ordering::SeqCst), 3, "submitted, decided, both verdicts");
    let entries = host.engine.entries(intent).await.expect("they are there");
    let words: Vec<_> = entries.iter().map(|entry| entry.event.as_str()).collect();
    assert_eq!(words, ["submitted", "sealed", "approved", "attempted", "attempted", "closed"]);
    host.engine.stop().await;
}

#[tokio::test]
async fn an_attempt_that_hangs_holds_up_no_other_verdict() {
    let host = host();
    host.connectors.next_act(Act::Hang);
    host.submit().await;
    assert!(!host.landed(1).await, "the other effect is still on its way");
}
