//! A changed policy against a history that the real engine made: intents are submitted, decided and
//! declined, then a loosened and a tightened policy are tried on the log.

use countersign_core::approval::command::{Command, Voice};
use countersign_core::approval::{Outcome, Stage};
use countersign_core::document::SourceFile;
use countersign_core::id::{IntentId, IntentTypeName};
use countersign_core::policy::backtest::{Backtest, Fate, Trial, Versions, Was};
use countersign_core::policy::check::check_files_with;
use countersign_core::policy::coverage::Past;
use countersign_core::time::{Millis, Timestamp};
use countersign_engine::engine::{Engine, Parts, Submission};
use countersign_engine::history::{self, Wanted};
use countersign_engine::memory::MemoryStore;
use countersign_engine::simulated::{SeededChance, SimulatedClock};
use countersign_tests::deals;
use countersign_tests::world::{root, source_files, starter};
use std::sync::Arc;
use std::time::Duration;

/// A Monday morning in New York, so that business hours run.
const MORNING: &str = "2026-11-23T15:00:00Z";
/// How long a step waits for the engine.
const PATIENCE: Duration = Duration::from_secs(20);

struct World {
    engine: Engine,
    store: Arc<MemoryStore>,
    clock: Arc<SimulatedClock>,
}

impl World {
    fn start() -> World {
        let store = Arc::new(MemoryStore::new());
        let clock = Arc::new(SimulatedClock::at(Timestamp::from_rfc3339(MORNING).expect("a moment")));
        let engine = Engine::start(Parts {
            record: countersign_engine::people::Record::default(),
            notifier: Arc::new(countersign_engine::port::notifier::NoNotifier),
            components: Arc::new(countersign_engine::port::components::NoComponents),
            catalogue: Arc::new(countersign_engine::port::catalogue::NoCatalogue),
            store: store.clone(),
            connectors: Arc::new(deals::connectors()),
            clock: clock.clone(),
            chance: Arc::new(SeededChance::new(7)),
            rulebook: starter().expect("the starter rules check"),
        });
        World { engine, store, clock }
    }

    /// Submits a discount and waits until the policy has answered.
    async fn asked(&self, account: &str, percent: u32, amount: u32) -> IntentId {
        let tokens = deals::discount(account, &format!("{percent}%"), &format!("{amount}.00"));
        let (requester, intent_type) = ("ae-1".to_owned(), "discount".to_owned());
        let submission = Submission { requester, intent_type, tokens, key: None };
        let id = self.engine.submit(submission).await.expect("it passes the door").approval.intent.id;
        let prepared = async {
            while matches!(self.stage(id).await, Stage::Preparing { .. }) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, prepared).await.expect("it is prepared");
        id
    }

    async fn stage(&self, id: IntentId) -> Stage {
        self.engine.read(id).await.expect("it is there").approval.stage.clone()
    }

    async fn voice(&self, id: IntentId, minutes: u64, voice: Voice) {
        self.clock.turn(Millis::minutes(minutes));
        let person = "sales-manager-1".parse().expect("a person");
        let command = Command::Decide { person, revision: 1, seal: None, voice };
        self.engine.command(id, command, None).await.expect("they have a seat");
    }

    /// What a changed text of the discount policy would have answered.
    async fn tried(&self, from: &str, to: &str) -> Backtest {
        let rulebook = self.engine.rulebook();
        let path = root().join("host/cli/starter/policies/discount.policy.md");
        let text = std::fs::read_to_string(path).expect("the starter is there");
        assert!(text.contains(from), "the starter lacks {from}: change this test");
        let file = SourceFile { path: "discount.policy.md".to_owned(), text: text.replacen(from, to, 1) };
        let new = rulebook.trying(&file).expect("it is sound");
        let name = IntentTypeName::parse("discount").expect("a name");
        let intent = rulebook.intent_type(&name).expect("it is there");
        let old = rulebook.policy(&name, self.engine.now());
        let mut trial = Trial::new(Versions { old, new: &new, intent, since: None });
        let wanted = Wanted::from_day(Some(name.clone()), None);
        history::read(&*self.store, &wanted, &|_, _| {}, |_, case| trial.add(&case)).await.expect("it reads");
        trial.finish()
    }
}

/// Two pass by the table, one is denied by it, two are approved and one is declined by a person, one waits.
async fn history_of(world: &World) -> IntentId {
    for percent in [3, 4] {
        world.asked("A-1", percent, 1_000).await;
    }
    world.asked("A-2", 26, 5_000).await;
    let approved = [world.asked("A-1", 6, 10_000).await, world.asked("A-1", 14, 20_000).await];
    let declined = world.asked("A-1", 7, 40_000).await;
    world.voice(approved[0], 30, Voice::Approve { note: String::new() }).await;
    world.voice(declined, 30, Voice::Decline { reason: "too deep".to_owned() }).await;
    world.voice(approved[1], 60, Voice::Approve { note: String::new() }).await;
    world.asked("A-1", 12, 2_000).await;
    declined
}

#[tokio::test]
async fn a_loosened_policy_shows_what_it_would_have_let_pass_and_what_people_had_declined() {
    let world = World::start();
    let declined = history_of(&world).await;
    let (from, to) = ("smb-auto  | smb     | <= 5%", "smb-auto  | smb     | <= 8%");
    let report = world.tried(from, to).await;
    assert_eq!((report.cases.count, report.changed.count, report.lacking.cases.count), (7, 2, 0));
    assert_eq!(report.newly_approved.count, 2);
    assert_eq!(report.newly_approved.at_stake[0].to_string(), "50000.00 USD");
    assert_eq!(report.newly_approved_though_declined.count, 1);
    let rows: Vec<(&str, &str, u64)> =
        report.moved.iter().map(|row| (row.was.as_str(), row.would_be.as_str(), row.count)).collect();
    let expected = [
        ("manager", "approve", 2),
        ("approve", "approve", 2),
        ("manager", "manager", 2),
        ("deny", "deny", 1),
    ];
    assert_eq!(rows, expected);
    assert_eq!(
        (report.moved[0].minutes_were, report.moved[0].minutes_would_be),
        (120, 0),
        "the median is an hour"
    );
    let worst = &report.worst[0];
    assert_eq!((worst.intent.as_str(), worst.fate), (declined.to_string().as_str(), Fate::DeclinedByPeople));
    let again = world.tried(from, to).await;
    let bytes = |report: &Backtest| serde_json::to_vec(report).expect("it is JSON");
    assert_eq!(bytes(&report), bytes(&again), "two runs give equal bytes");
}

#[tokio::test]
async fn a_tightened_policy_approves_nothing_new_and_shows_whose_load_grows() {
    let world = World::start();
    history_of(&world).await;
    let report = world.tried("smb-auto  | smb     | <= 5%", "smb-auto  | smb     | <= 3%").await;
    assert_eq!((report.changed.count, report.newly_approved.count), (1, 0));
    assert_eq!((report.moved[0].was.as_str(), report.moved[0].would_be.as_str()), ("approve", "manager"));
    assert_eq!((report.moved[0].minutes_were, report.moved[0].minutes_would_be), (0, 60));
    assert_eq!(
        (report.routes[0].name.as_str(), report.routes[0].was, report.routes[0].would_be),
        ("manager", 4, 5)
    );
    assert_eq!(report.seats[0].name, "manager of requester");
}

#[tokio::test]
async fn rows_that_fired_in_the_log_are_told_from_rows_that_did_not() {
    let world = World::start();
    history_of(&world).await;
    let mut past = Past::of_days(90);
    let wanted = Wanted::from_day(None, None);
    history::read(&*world.store, &wanted, &|_, _| {}, |intent, case| {
        if let Was::Evaluated(evaluation) = &case.was {
            past.add(intent, evaluation);
        }
    })
    .await
    .expect("it reads");
    let files = source_files(&root().join("host/cli/starter")).expect("the starter is there");
    let report = check_files_with(&files, world.engine.now(), &past);
    let discount = report.policies.iter().find(|policy| policy.intent == "discount").expect("it is checked");
    let fired = |id: &str| {
        let mut rules = discount.coverage.rules.iter();
        rules.find(|rule| &*rule.id == id).map(|rule| rule.decisions).expect("it is there")
    };
    assert_eq!((fired("smb-auto"), fired("smb-small"), fired("pub-cap"), fired("mid")), (2, 4, 1, 0));
    let unused: Vec<&str> = discount
        .findings
        .iter()
        .filter(|finding| finding.kind == "unused")
        .map(|finding| finding.message.as_str())
        .collect();
    let mid = "rule `mid` is used by no example and fired 0 times in 90 days (7 decisions)";
    assert!(unused.contains(&mid), "{unused:#?}");
    assert!(!unused.iter().any(|message| message.contains("`smb-small`")), "{unused:#?}");
}

#[tokio::test]
async fn a_decided_intent_stays_a_case_when_its_effects_have_landed() {
    let world = World::start();
    let id = world.asked("A-1", 3, 1_000).await;
    let landed = async {
        while !matches!(world.stage(id).await, Stage::Closed(Outcome::Done { .. })) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, landed).await.expect("its effects land");
    let wanted = Wanted::from_day(None, None);
    let mut fates = Vec::new();
    let seen = history::read(&*world.store, &wanted, &|_, _| {}, |_, case| fates.push(case.fate)).await;
    assert_eq!(seen.expect("it reads").cases, 1);
    assert_eq!(fates, [Fate::ApprovedByPolicy]);
}
