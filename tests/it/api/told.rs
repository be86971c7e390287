//! What came of a notice is recorded once the store takes it, and the notice is not sent again meanwhile.

use crate::world::FaultyStore;
use countersign_core::document::SourceFile;
use countersign_core::effect::attempt::{Detail, Guarantee};
use countersign_core::intent::Raw;
use countersign_core::notice::words::{Message, Reached};
use countersign_core::people::Contact;
use countersign_core::record::Value;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::{Millis, Timestamp};
use countersign_engine::engine::{Engine, Parts, Submission};
use countersign_engine::port::Answer;
use countersign_engine::port::notifier::{NotDelivered, Notifier};
use countersign_engine::port::store::StoreFault;
use countersign_engine::simulated::{SeededChance, SimulatedClock};
use countersign_tests::scripted::Scripted;
use countersign_tests::world::{root, source_files};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A mail server that takes every mail, while the disk of the host fills up.
#[derive(Debug)]
struct FillsTheDisk {
    store: Arc<FaultyStore>,
    sent: AtomicUsize,
}

impl Notifier for FillsTheDisk {
    fn deliver(&self, _: Message) -> Answer<'_, Result<Detail, NotDelivered>> {
        self.sent.fetch_add(1, Ordering::Relaxed);
        self.store.fail(Some(StoreFault::Full));
        Box::pin(async { Ok(Detail::new("mail", "250 it has it")) })
    }

    fn reaches(&self, _: &Contact) -> bool {
        true
    }

    fn reached(&self) -> Reached<'_> {
        Reached::default()
    }
}

fn rules() -> Rulebook {
    let mut files: Vec<SourceFile> =
        source_files(&root().join("host/cli/starter")).expect("the starter files");
    let rows = "## Contacts\n\n| person | by | address |\n|---|---|---|\n\
                | sales-manager-1 | mail | sam@example.com |\n\n## Pools";
    for file in files.iter_mut().filter(|file| file.path == "people.md") {
        file.text = file.text.replacen("## Pools", rows, 1);
    }
    Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

#[tokio::test]
async fn a_full_disk_costs_no_second_mail() {
    let connectors = Scripted::default()
        .with("crm", Guarantee::ByProbe, &[("set-price", "quote"), ("record-approval", "quote")])
        .with("billing", Guarantee::ByKey, &[("set-price", "customer")]);
    let account = [("segment", Value::Text("smb".into())), ("billing_account", Value::Text("cus_1".into()))];
    connectors.put("crm", "account", "a-1", &account);
    let quote = [("margin", Value::Decimal("40".into())), ("renewal", Value::Flag(false))];
    connectors.put("crm", "quote", "q-1", &quote);
    let store = Arc::new(FaultyStore::default());
    let notifier = Arc::new(FillsTheDisk { store: Arc::clone(&store), sent: AtomicUsize::new(0) });
    let clock =
        Arc::new(SimulatedClock::at(Timestamp::from_rfc3339("2026-11-23T15:00:00Z").expect("a moment")));
    let engine = Engine::start(Parts {
        record: countersign_engine::people::Record::default(),
        components: Arc::new(countersign_engine::port::components::NoComponents),
        catalogue: Arc::new(countersign_engine::port::catalogue::NoCatalogue),
        store: Arc::clone(&store) as Arc<_>,
        connectors: Arc::new(connectors),
        clock: Arc::clone(&clock) as Arc<_>,
        chance: Arc::new(SeededChance::new(7)),
        rulebook: rules(),
        notifier: Arc::clone(&notifier) as Arc<_>,
    });
    let body: Raw = serde_json::from_str(crate::world::SMALL).expect("it is JSON");
    let Raw::Map(members) = body else { panic!("an object") };
    let tokens = members.into_iter().find(|(name, _)| name == "tokens").expect("tokens").1;
    let submission =
        Submission { requester: "ae-1".into(), intent_type: "discount".into(), tokens, key: None };
    let intent = engine.submit(submission).await.expect("it is let in").approval.intent.id;
    let untold = async || engine.read(intent).await.expect("it is there").approval.notices.open.len();
    let patience = Duration::from_secs(10);
    let first = async {
        while notifier.sent.load(Ordering::Relaxed) == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(patience, first).await.expect("the mail is sent");
    // Minutes go by in which nothing can be recorded.
    for _ in 0..60 {
        clock.turn(Millis::seconds(5));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(
        (notifier.sent.load(Ordering::Relaxed), untold().await),
        (1, 1),
        "sent once, and on nobody's record"
    );
    store.fail(None);
    let recorded = async {
        while untold().await > 0 {
            clock.turn(Millis::seconds(1));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(patience, recorded).await.expect("it is recorded once there is room");
    assert_eq!(notifier.sent.load(Ordering::Relaxed), 1);
    engine.stop().await;
}
