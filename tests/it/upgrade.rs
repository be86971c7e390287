//! What an earlier version wrote: a data folder of that day, with the rules of that day, is opened by
//! today's host 400 days later. Nothing that was open is lost, forgotten or left to nobody, and a decision
//! that was waited for all that time counts.
//!
//! The folder is never written anew; `COUNTERSIGN_WRITE=1` writes one that is missing.

use countersign_core::approval::command::{Command, Voice};
use countersign_core::approval::{Approval, Outcome, Stage};
use countersign_core::id::{IntentId, PersonId};
use countersign_core::rulebook::Rulebook;
use countersign_core::time::{Millis, Timestamp};
use countersign_engine::engine::{Engine, Parts, Submission};
use countersign_engine::port::store::Store as _;
use countersign_engine::simulated::{SeededChance, SimulatedClock};
use countersign_store_local::{LocalStore, Options};
use countersign_tests::deals;
use countersign_tests::world::{root, source_files};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A Monday morning in New York, on which the folder was written.
const MORNING: &str = "2026-11-23T15:00:00Z";
/// How long nobody came.
const AWAY_DAYS: u64 = 400;
/// How long a step waits for the engine.
const PATIENCE: Duration = Duration::from_secs(20);
/// Wait between two looks.
const LOOK: Duration = Duration::from_millis(2);

/// The intents of the folder, by what they are about.
const INTENTS: [(&str, &str, &str); 5] = [
    ("done", "A-1", "4%"),
    ("waits", "A-1", "12%"),
    ("returned", "A-1", "13%"),
    ("denied", "A-2", "30%"),
    ("unsure", "A-9", "5%"),
];

struct World {
    engine: Engine,
    store: Arc<LocalStore>,
    clock: Arc<SimulatedClock>,
}

/// What hosts of former days left behind: before format 4 of the log, and since.
const RELEASED: [&str; 2] = ["house@1", "house@2"];

/// A copy of the rules and the log of that day.
fn frozen(house: &str) -> PathBuf {
    root().join("tests/released").join(house)
}

fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("the folder is made");
    for entry in std::fs::read_dir(from).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copied(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("it is copied");
        }
    }
}

impl World {
    fn start(data: &Path, rules: &Path, at: Timestamp) -> World {
        let store = Arc::new(LocalStore::open(Options::at(data)).expect("the folder opens"));
        let clock = Arc::new(SimulatedClock::at(at));
        let files = source_files(rules).expect("the rules are read");
        let engine = Engine::start(Parts {
            record: countersign_engine::people::Record::default(),
            notifier: Arc::new(countersign_engine::port::notifier::NoNotifier),
            components: Arc::new(countersign_engine::port::components::NoComponents),
            catalogue: Arc::new(countersign_engine::port::catalogue::NoCatalogue),
            store: store.clone(),
            connectors: Arc::new(deals::connectors()),
            clock: clock.clone(),
            chance: Arc::new(SeededChance::new(7)),
            rulebook: Rulebook::load(&files).expect("the rules of that day still check"),
        });
        World { engine, store, clock }
    }

    async fn asked(&self, account: &str, percent: &str) -> IntentId {
        let tokens = deals::discount(account, percent, "12000.00");
        let (requester, intent_type) = ("ae-1".to_owned(), "discount".to_owned());
        let submission = Submission { requester, intent_type, tokens, key: None };
        self.engine.submit(submission).await.expect("it passes the door").approval.intent.id
    }

    async fn approval(&self, id: IntentId) -> Arc<Approval> {
        self.engine.read(id).await.expect("it is there").approval
    }

    /// Waits until an intent is where it is wanted.
    async fn until(&self, id: IntentId, wanted: impl Fn(&Approval) -> bool) -> Arc<Approval> {
        let looked = async {
            loop {
                let approval = self.approval(id).await;
                if wanted(&approval) {
                    return approval;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        match tokio::time::timeout(PATIENCE, looked).await {
            Ok(approval) => approval,
            Err(_) => panic!("{id} stays {:?}", self.approval(id).await.stage),
        }
    }

    /// Somebody who has a seat says something a minute later.
    async fn says(&self, id: IntentId, who: &str, of: impl FnOnce(PersonId) -> Command) {
        self.clock.turn(Millis::minutes(1));
        let command = of(who.parse().expect("a person"));
        self.engine.command(id, command, None).await.expect("they have a seat");
    }
}

fn is_done(approval: &Approval) -> bool {
    matches!(approval.stage, Stage::Closed(Outcome::Done { .. }))
}

/// Writes the folder as the host of that day leaves it.
async fn written(folder: &Path) -> BTreeMap<String, IntentId> {
    for file in source_files(&root().join("host/cli/starter")).expect("they are read") {
        let path = folder.join("rules").join(&file.path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
        std::fs::write(path, file.text).expect("it is written");
    }
    let at = Timestamp::from_rfc3339(MORNING).expect("a moment");
    let world = World::start(&folder.join("data"), &folder.join("rules"), at);
    let mut ids = BTreeMap::new();
    for (about, account, percent) in INTENTS {
        let id = world.asked(account, percent).await;
        let begun = |approval: &Approval| {
            !matches!(approval.stage, Stage::Preparing { .. } | Stage::Executing { .. })
        };
        world.until(id, begun).await;
        ids.insert(about.to_owned(), id);
    }
    let words = "36 months or nothing".to_owned();
    world
        .says(ids["returned"], "sales-manager-1", |person| Command::SendBack { person, revision: 1, words })
        .await;
    world.engine.stop().await;
    world.store.close().expect("it is closed");
    // The index is made anew from the log.
    std::fs::remove_dir_all(folder.join("data/index")).expect("it was there");
    std::fs::remove_file(folder.join("data/LOCK")).expect("it was there");
    let text = serde_json::to_string_pretty(&ids).expect("they have a form");
    std::fs::write(folder.join("intents.json"), text + "\n").expect("it is written");
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_of_400_days_outlives_upgrades_and_the_decision_still_counts() {
    for house in RELEASED {
        outlives(house).await;
    }
}

async fn outlives(house: &str) {
    let from = frozen(house);
    if !from.exists() {
        assert!(std::env::var_os("COUNTERSIGN_WRITE").is_some(), "{} is missing", from.display());
        written(&from).await;
    }
    let folder = tempfile::tempdir().expect("a folder");
    copied(&from, folder.path());
    let ids = std::fs::read_to_string(from.join("intents.json")).expect("it is there");
    let ids: BTreeMap<String, IntentId> = serde_json::from_str(&ids).expect("it has the form");
    let morning = Timestamp::from_rfc3339(MORNING).expect("a moment");
    let (data, rules) = (folder.path().join("data"), folder.path().join("rules"));
    // The host was off for all that time, and starts as it is today.
    let world = World::start(&data, &rules, morning.plus(Millis::hours(24 * AWAY_DAYS)));

    assert!(is_done(&*world.approval(ids["done"]).await), "what was done stays done");
    let denied = world.approval(ids["denied"]).await;
    assert!(matches!(denied.stage, Stage::Closed(Outcome::Declined { .. })), "{:?}", denied.stage);
    // The time to amend was up a year ago.
    let returned = world.until(ids["returned"], |approval| matches!(approval.stage, Stage::Closed(_))).await;
    assert!(returned.wakes().is_empty(), "a final state closes everything: {:?}", returned.wakes());
    // What people were shown then is old: it is prepared anew from today's facts, and the manager is asked again.
    let renewed =
        |approval: &Approval| approval.intent.revision == 2 && matches!(approval.stage, Stage::Seated { .. });
    world.until(ids["waits"], renewed).await;
    for about in ["waits", "unsure"] {
        let open = world.approval(ids[about]).await;
        assert!(!open.wakes().is_empty(), "{about} wakes up again");
        let exceptions = open.exceptions.values().filter(|found| found.closed.is_none());
        let owned = exceptions.filter(|found| !found.owner.as_str().is_empty()).count();
        let seats = match &open.stage {
            Stage::Seated { seats, .. } => {
                seats.unfilled().filter(|(_, seat)| !seat.owner.as_str().is_empty()).count()
            }
            _ => 0,
        };
        assert!(0 < owned + seats, "{about} is somebody's");
    }
    let voice = Voice::Approve { note: String::new() };
    world
        .says(ids["waits"], "sales-manager-1", |person| Command::Decide {
            person,
            revision: 2,
            seal: None,
            voice,
        })
        .await;
    world.until(ids["waits"], is_done).await;
    world.store.verify(&|_, _| {}).await.expect("the log verifies");
    world.engine.stop().await;
}
