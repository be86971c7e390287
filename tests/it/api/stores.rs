//! What matters most, over HTTP and over every store: one outcome whoever races, and nothing that a restart changes.

use crate::world::{Answer, SMALL, Setup, World};
use countersign_core::approval::event::Event;
use countersign_core::record::Value;
use countersign_core::rulebook::Rulebook;
use countersign_engine::memory::MemoryStore;
use countersign_engine::port::store::Store;
use countersign_store_local::{LocalStore, Options};
use countersign_tests::stores::Kept;
use countersign_tests::world::{root, source_files};
use serde_json::{Value as Json, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

/// Races over each store.
const RACES: usize = 50;
/// Callers in one race.
const CALLERS: usize = 64;
/// How often a test looks whether something has come to its end, and how long it waits between two looks.
const LOOKS_MAX: usize = 1_000;
const LOOK: Duration = Duration::from_millis(10);

/// What one caller of a race wants; each has words of their own where there are any.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wish {
    Approve(String),
    Decline(String),
    Withdraw,
}

impl Wish {
    fn of(caller: usize) -> Wish {
        match caller % 3 {
            0 => Wish::Approve(format!("yes, says {caller}")),
            1 => Wish::Decline(format!("no, says {caller}")),
            _ => Wish::Withdraw,
        }
    }

    async fn ask(&self, world: &World, place: &str, key: &str) -> Answer {
        let (who, below, body) = match self {
            Wish::Approve(note) => {
                ("sales-manager-1", "decisions", json!({ "decision": "approve", "note": note }))
            }
            Wish::Decline(reason) => {
                ("sales-manager-1", "decisions", json!({ "decision": "decline", "reason": reason }))
            }
            Wish::Withdraw => ("ae-1", "withdrawals", json!({})),
        };
        world.post(who, &format!("{place}/{below}"), key, &body.to_string()).await
    }

    /// Whether an answer says that just this came of the intent.
    fn is_told(&self, told: &Json) -> bool {
        match self {
            Wish::Approve(_) => {
                told["outcome"]["by"] == json!(["sales-manager-1"]) && told["state"] != "declined"
            }
            Wish::Decline(reason) => {
                told["state"] == "declined" && told["outcome"]["reason"] == json!(reason)
            }
            Wish::Withdraw => told["state"] == "withdrawn",
        }
    }
}

/// A world over a data folder.
async fn over(folder: &Path) -> (World, Arc<LocalStore>) {
    let store = Arc::new(LocalStore::open(Options::at(folder)).expect("the folder opens"));
    let setup = Setup { store: Some(Arc::clone(&store) as Arc<dyn Store>), ..Setup::default() };
    (World::of(setup).await, store)
}

/// Stops the host as an operator does; the folder is free then.
async fn stop(world: World, store: &LocalStore) {
    world.engine.stop().await;
    store.close().expect("the folder is closed");
}

/// Waits until an intent has come to its end.
async fn done(world: &World, place: &str) -> Answer {
    for _ in 0..LOOKS_MAX {
        let shown = world.get("ae-1", place).await;
        if shown.json["state"] == "done" {
            return shown;
        }
        tokio::time::sleep(LOOK).await;
    }
    panic!("{place} does not end: {}", world.get("ae-1", place).await.text);
}

/// What decided an intent, as its log has it, in the order of the log.
async fn decided(world: &World, place: &str) -> Vec<Wish> {
    let id = place.rsplit('/').next().expect("an address").parse().expect("an id");
    let entries = world.engine.entries(id).await.expect("it is there");
    let wish = |event: Event| match event {
        Event::Voted { note, .. } => Some(Wish::Approve(note)),
        Event::Declined { reason, .. } => Some(Wish::Decline(reason)),
        Event::Withdrawn { .. } => Some(Wish::Withdraw),
        _ => None,
    };
    entries.into_iter().filter_map(|entry| wish(entry.event)).collect()
}

/// A quote of its own for a race, so that no race writes to the record of another one.
fn of_quote(world: &World, quote: &str) -> String {
    let found = [("margin", Value::Decimal("40".to_owned())), ("renewal", Value::Flag(false))];
    world.connectors.put("crm", "quote", quote, &found);
    SMALL.replace("\"q-1\"", &format!("\"{quote}\""))
}

/// 64 callers ask at one time, on as many threads as there are; says which of them got what they asked for.
async fn race(world: &Arc<World>, number: usize) -> Wish {
    let place = world.submitted(&format!("k-{number}"), &of_quote(world, &format!("q-race-{number}"))).await;
    let start = Arc::new(Barrier::new(CALLERS));
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (world, place, start) = (Arc::clone(world), place.clone(), Arc::clone(&start));
        callers.spawn(async move {
            start.wait().await;
            let answer = Wish::of(caller).ask(&world, &place, &format!("r-{number}-{caller}")).await;
            (caller, answer)
        });
    }
    let mut taken = Vec::new();
    while let Some(ended) = callers.join_next().await {
        let (caller, answer) = ended.expect("the caller ends");
        if answer.status == 200 {
            taken.push((caller, answer));
        } else {
            answer.is_problem(409, "CS-E0109");
        }
    }
    let [(winner, told)] = taken.as_slice() else { panic!("{} of race {number} were taken", taken.len()) };
    let wish = Wish::of(*winner);
    assert!(wish.is_told(&told.json), "{winner} wanted {wish:?} and was told {}", told.text);
    let logged = decided(world, &place).await;
    assert_eq!(logged, std::slice::from_ref(&wish), "the log says what {winner} was told");
    assert!(wish.is_told(&world.get("ae-1", &place).await.json), "whoever looks sees the same");
    let again = wish.ask(world, &place, &format!("r-{number}-{winner}")).await;
    assert_eq!((again.status, wish.is_told(&again.json)), (200, true), "{}", again.text);
    wish
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_calls_in_parallel_one_is_taken_and_the_log_says_what_its_caller_was_told() {
    let page = root().join("host/docs/errors/CS-E0109.md");
    assert!(page.is_file(), "whoever comes too late can read why");
    let kept = [Kept::in_a_folder(), Kept::in_a_database()];
    let memory: Arc<dyn Store> = Arc::new(MemoryStore::new());
    for store in [memory].into_iter().chain(kept.iter().map(|kept| Arc::clone(&kept.store))) {
        let world = Arc::new(World::of(Setup { store: Some(store), ..Setup::default() }).await);
        let mut won = Vec::new();
        for number in 0..RACES {
            won.push(race(&world, number).await);
        }
        let count = |kind: fn(&Wish) -> bool| won.iter().filter(|wish| kind(wish)).count();
        let approved = count(|wish| matches!(wish, Wish::Approve(_)));
        let declined = count(|wish| matches!(wish, Wish::Decline(_)));
        println!(
            "{RACES} races of {CALLERS}: {approved} approved, {declined} declined, the others withdrawn"
        );
        world.engine.stop().await;
        world.store.verify(&|_, _| {}).await.expect("the log verifies");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_asked_decided_and_written_is_the_same_after_each_restart() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let (world, store) = over(folder.path()).await;
    let place = world.submitted("k-1", SMALL).await;
    let asked = world.get("sales-manager-1", &place).await;
    assert_eq!(asked.json["state"], "seated", "{}", asked.text);
    stop(world, &store).await;

    let (world, store) = over(folder.path()).await;
    assert_eq!(world.get("sales-manager-1", &place).await.json, asked.json, "the seat is as it was");
    let again = world.post("ae-1", "/v1/intents", "k-1", SMALL).await;
    assert_eq!((again.status, again.header("location")), (201, place.as_str()), "asked once");
    let decision = json!({ "decision": "approve", "seal": asked.json["plan"]["seal"] }).to_string();
    let decisions = format!("{place}/decisions");
    let decided = world.post("sales-manager-1", &decisions, "d-1", &decision).await;
    assert_eq!(decided.status, 200, "{}", decided.text);
    let shown = done(&world, &place).await;
    let timeline = world.get("ae-1", &format!("{place}/timeline")).await;
    assert_eq!(world.connectors.writes().len(), 3);
    stop(world, &store).await;

    let (world, store) = over(folder.path()).await;
    assert_eq!(world.get("ae-1", &place).await.json, shown.json, "what became of it is as it was");
    assert_eq!(world.get("ae-1", &format!("{place}/timeline")).await.json, timeline.json);
    assert_eq!(world.get("ae-1", "/v1/effects").await.json["items"], json!([]), "nothing is open");
    let again = world.post("sales-manager-1", &decisions, "d-1", &decision).await;
    assert_eq!((again.status, &again.json["state"]), (200, &json!("done")), "decided once: {}", again.text);
    world.post("sales-manager-1", &decisions, "d-2", &decision).await.is_problem(409, "CS-E0109");
    assert!(world.connectors.writes().is_empty(), "nothing is written again");
    stop(world, &store).await;
}

/// The starter rules where nothing is taken back, so that no step is recorded before it leaves.
fn without_undo() -> Rulebook {
    let mut files = source_files(&root().join("host/cli/starter")).expect("the starter files");
    for file in files.iter_mut().filter(|file| file.path == "intents/discount.intent.md") {
        file.text = file.text.replace("| undo ", "| hold ");
    }
    Rulebook::load(&files).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

#[tokio::test]
async fn nothing_leaves_a_host_whose_log_is_another_ones_whatever_its_target_offers() {
    // It is asked before a step leaves, and before the same one leaves once more because its token was withdrawn.
    for questions in [0, 1] {
        let world = World::of(Setup { rulebook: without_undo(), ..Setup::default() }).await;
        world.connectors.withdraw_tokens();
        world.store.holds_for(questions);
        world.submitted("k-1", &SMALL.replace("12%", "4%")).await;
        let ends = tokio::time::timeout(LOOK * 1_000, world.engine.lost());
        assert!(ends.await.is_ok(), "{questions}: it does not end");
        let left = world.connectors.writes().len();
        assert_eq!(left, usize::try_from(questions).expect("a small number"), "{questions} left");
    }
}
