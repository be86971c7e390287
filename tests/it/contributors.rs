//! Policy components: they import nothing, can only tighten, and whatever breaks in one makes the
//! policy unsure, never sure.

use countersign::wire;
use countersign_connectors::{Contributors, FaultCode, componentize_contributor, inspect_contributor};
use countersign_core::approval::Stage;
use countersign_core::document::SourceFile;
use countersign_core::effect::attempt::Guarantee;
use countersign_core::hash::Digest;
use countersign_core::intent::Raw;
use countersign_core::policy::component::{Contributed, Contribution};
use countersign_core::policy::given;
use countersign_core::policy::{Outcome, Policy};
use countersign_core::record::{RecordRef, Value};
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Timestamp;
use countersign_engine::contributions::explained;
use countersign_engine::engine::{Engine, Parts, Submission};
use countersign_engine::memory::MemoryStore;
use countersign_engine::port::Answer;
use countersign_engine::port::components::{Components, NoComponents};
use countersign_engine::simulated::{SeededChance, SimulatedClock};
use countersign_tests::guests::module;
use countersign_tests::scripted::Scripted;
use countersign_tests::world::{root, source_files};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A component whose behaviour is the text of the intent.
fn hostile() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| {
        componentize_contributor(&module(
            "rust-contributor",
            "contributor_guest",
            env!("CARGO_TARGET_TMPDIR"),
        ))
        .expect("it is a policy component")
    })
}

async fn asked(contributors: &Contributors, digest: Digest, intent: &str) -> Contributed {
    contributors.contribute(digest, intent.to_owned(), "facts".to_owned()).await
}

fn contribution(id: &str, routes: &[&str]) -> Contribution {
    Contribution {
        id: id.to_owned(),
        routes: routes.iter().map(ToString::to_string).collect(),
        because: "so it is".to_owned(),
        reads: vec!["note".to_owned()],
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_breaks_in_a_component_is_said_in_one_line_and_the_next_call_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let contributors = Contributors::open(folder.path(), [7; 32]).expect("it opens");
    let digest = contributors.install(hostile()).expect("it is installed");
    for (behaviour, why) in [
        ("trap", "it trapped: wasm trap: wasm `unreachable` instruction executed"),
        ("spin", "it computed for more than 50000000 units of fuel"),
        ("memory", "it wanted more than 16 MiB of memory"),
        ("error", "the text is in no language that I know"),
        (
            "flood",
            "too much data is being copied between the host and the guest: \
             fuel allocated for hostcalls has been exhausted",
        ),
    ] {
        let answer = asked(&contributors, digest, behaviour).await;
        assert_eq!(answer, Contributed::Failed(why.to_owned()), "{behaviour}");
        assert_eq!(asked(&contributors, digest, "nothing").await, Contributed::Said(Vec::new()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_can_ask_for_more_and_has_no_word_for_less() {
    let folder = tempfile::tempdir().expect("a folder");
    let contributors = Contributors::open(folder.path(), [7; 32]).expect("it opens");
    let digest = contributors.install(hostile()).expect("it is installed");
    let said = |contribution| Contributed::Said(vec![contribution]);
    assert_eq!(asked(&contributors, digest, "deny").await, said(contribution("deny", &[])));
    assert_eq!(asked(&contributors, digest, "legal").await, said(contribution("facts", &["legal"])));
    // To ask for nobody is not to approve: the empty name is a route that no policy has.
    assert_eq!(asked(&contributors, digest, "nobody").await, said(contribution("nobody", &[""])));
}

#[tokio::test]
async fn a_component_that_is_not_there_fails_and_one_that_was_installed_comes_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let contributors = Contributors::open(folder.path(), [7; 32]).expect("it opens");
    let unknown = Digest::of(b"another");
    let why = format!("component sha256:{unknown} is not installed");
    assert_eq!(asked(&contributors, unknown, "nothing").await, Contributed::Failed(why));
    let digest = contributors.install(hostile()).expect("it is installed");
    drop(contributors);
    let contributors = Contributors::open(folder.path(), [7; 32]).expect("it opens again");
    assert!(contributors.is_installed(&digest));
    assert_eq!(asked(&contributors, digest, "nothing").await, Contributed::Said(Vec::new()));
}

#[test]
fn what_imports_anything_is_refused_at_the_door() {
    let importing = wat::parse_str(
        r#"(component (import "wasi:clocks/wall-clock@0.2.6" (instance (export "now" (func)))))"#,
    )
    .expect("it is a component");
    let refused = inspect_contributor(&importing).expect_err("it is refused");
    assert_eq!(refused.code, FaultCode::UnknownImport);
    assert!(
        refused
            .message
            .contains("imports `wasi:clocks/wall-clock@0.2.6`; a policy component imports nothing"),
        "{}",
        refused.message
    );
    let code = |bytes: &[u8]| inspect_contributor(bytes).expect_err("it is refused").code;
    assert_eq!(code(b"hello"), FaultCode::NotAComponent);
    assert_eq!(code(&hostile()[..200]), FaultCode::NotAComponent);
    let folder = tempfile::tempdir().expect("a folder");
    let contributors = Contributors::open(folder.path(), [7; 32]).expect("it opens");
    let empty = wat::parse_str("(component)").expect("it is a component");
    assert_eq!(contributors.install(&empty).expect_err("it is refused").code, FaultCode::MissingExport);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shipped_component_reads_clauses_as_the_engine_writes_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let contributors = Contributors::open(folder.path(), [7; 32]).expect("it opens");
    let module =
        module("../../plugins/clause-words", "countersign_clause_words", env!("CARGO_TARGET_TMPDIR"));
    let component = componentize_contributor(&module).expect("it is a policy component");
    let digest = contributors.install(&component).expect("it is installed");
    let intent = |text: &str| {
        let clause = serde_json::json!({
            "contract_clause_id": { "record": { "kind": "clause", "id": "C-100/7.2" } },
            "new_text": { "text": text },
        });
        serde_json::json!({ "clause": { "list": [clause] } }).to_string()
    };
    let found = contributors.contribute(digest, intent("A Perpetual\nlicence."), "{}".to_owned()).await;
    let expected = Contribution {
        id: "C-100/7.2 perpetual".to_owned(),
        routes: vec!["counsel".to_owned()],
        because: "C-100/7.2 grants something for ever (\"perpetual\")".to_owned(),
        reads: vec!["clause.new_text".to_owned()],
    };
    assert_eq!(found, Contributed::Said(vec![expected]));
    let found = contributors.contribute(digest, intent("Net 30."), "{}".to_owned()).await;
    assert_eq!(found, Contributed::Said(Vec::new()));
}

/// A component that wants the vice president for competitors, as long as it is the one that is named.
struct WantsVp;

/// What the policy names.
fn named() -> Digest {
    Digest::of(b"wants the vice president")
}

impl Components for WantsVp {
    fn contribute(&self, component: Digest, intent: String, facts: String) -> Answer<'_, Contributed> {
        assert_eq!(component, named());
        let competitor = intent.contains(r#""reason":{"one-of":"competitor"}"#);
        assert!(facts.contains(r#""segment":{"known":{"one-of":"smb"}}"#), "{facts}");
        let added = competitor.then(|| contribution("rival", &["vp"]));
        Box::pin(std::future::ready(Contributed::Said(added.into_iter().collect())))
    }

    fn is_installed(&self, component: &Digest) -> bool {
        *component == named()
    }
}

/// Where a discount of 3 %, which the table approves, stands once it is evaluated by a policy that
/// names a component.
async fn evaluated(components: Arc<dyn Components>, reason: &str) -> Stage {
    let mut files = source_files(&root().join("host/cli/starter")).expect("the shipped files");
    let file = files.iter_mut().find(|file| file.path.ends_with("discount.policy.md")).expect("the policy");
    let section = format!(
        "## Components\n\n| id | digest | because |\n|---|---|---|\n| rivals | sha256:{} | who else bids |\n\n## Routes",
        named()
    );
    file.text = file.text.replacen("## Routes", &section, 1);
    let connectors = Scripted::default()
        .with("crm", Guarantee::ByProbe, &[("set-price", "quote"), ("record-approval", "quote")])
        .with("billing", Guarantee::ByKey, &[("set-price", "customer")]);
    let customer = RecordRef { kind: "customer".into(), id: "cus_1".into() };
    let account = [("segment", Value::Text("smb".into())), ("billing_account", Value::Reference(customer))];
    connectors.put("crm", "account", "A-1", &account);
    let quote = [("margin", Value::Decimal("40".into())), ("renewal", Value::Flag(false))];
    connectors.put("crm", "quote", "Q-1", &quote);
    let text = |text: &str| Raw::Text(text.to_owned());
    let map = |members: Vec<(&str, Raw)>| {
        Raw::Map(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    };
    let tokens = map(vec![
        ("quote_id", text("Q-1")),
        ("customer_id", text("A-1")),
        ("discount_percent", text("3%")),
        ("amount", map(vec![("amount", text("1000.00")), ("currency", text("USD"))])),
        ("term_months", Raw::Integer(18)),
        ("payment_days", Raw::Integer(30)),
        ("reason", text(reason)),
    ]);
    asked_of(&files, connectors, components, "discount", tokens).await
}

/// Where an intent stands once it is evaluated.
async fn asked_of(
    files: &[SourceFile],
    connectors: Scripted,
    components: Arc<dyn Components>,
    intent_type: &str,
    tokens: Raw,
) -> Stage {
    let now = Timestamp::from_rfc3339("2026-11-23T15:00:00Z").expect("a moment");
    let engine = Engine::start(Parts {
        record: countersign_engine::people::Record::default(),
        notifier: Arc::new(countersign_engine::port::notifier::NoNotifier),
        components,
        catalogue: Arc::new(countersign_engine::port::catalogue::NoCatalogue),
        store: Arc::new(MemoryStore::new()),
        connectors: Arc::new(connectors),
        clock: Arc::new(SimulatedClock::at(now)),
        chance: Arc::new(SeededChance::new(7)),
        rulebook: Rulebook::load(files).expect("the rules check"),
    });
    let (requester, intent_type) = ("ae-1".to_owned(), intent_type.to_owned());
    let submission = Submission { requester, intent_type, tokens, key: None };
    let id = engine.submit(submission).await.expect("it passes the door").approval.intent.id;
    let prepared = async {
        loop {
            let stage = engine.read(id).await.expect("it is there").approval.stage.clone();
            if !matches!(stage, Stage::Preparing { .. }) {
                return stage;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), prepared).await.expect("it is prepared")
}

#[tokio::test]
async fn the_engine_asks_components_before_a_table_approves() {
    let Stage::Seated { case, .. } = evaluated(Arc::new(WantsVp), "competitor").await else {
        panic!("the component asked for people");
    };
    assert_eq!(case.evaluation.outcome.to_string(), "vp");
    assert_eq!(case.evaluation.components.len(), 1, "what it said is kept with the decision");
    let stage = evaluated(Arc::new(WantsVp), "volume").await;
    assert!(matches!(stage, Stage::Executing { .. } | Stage::Closed(_)), "no objection: {stage:?}");
}

#[tokio::test]
async fn without_its_component_a_policy_approves_nothing() {
    let Stage::Unsettled { evaluation: Some(evaluation) } = evaluated(Arc::new(NoComponents), "volume").await
    else {
        panic!("nobody can tell");
    };
    let Outcome::Unsure(unsure) = &evaluation.outcome else { panic!("{}", evaluation.outcome) };
    let reasons: Vec<String> = unsure.reasons.iter().map(ToString::to_string).collect();
    let expected = format!("component rivals: component sha256:{} is not installed", named());
    assert_eq!(reasons, [expected]);
}

/// A component without an objection.
struct Silent;

impl Components for Silent {
    fn contribute(&self, _: Digest, _: String, _: String) -> Answer<'_, Contributed> {
        Box::pin(std::future::ready(Contributed::Said(Vec::new())))
    }

    fn is_installed(&self, _: &Digest) -> bool {
        true
    }
}

#[tokio::test]
async fn an_intent_that_needs_no_look_at_the_world_still_asks_the_component() {
    let mut files = source_files(&root().join("tests/bench/rules")).expect("the rules of the benches");
    let file = files.iter_mut().find(|file| file.path.ends_with("plain.policy.md")).expect("the policy");
    let section = format!(
        "## Components\n\n| id | digest | because |\n|---|---|---|\n| rivals | sha256:{} | who else bids |\n\n## Examples",
        named()
    );
    file.text = file.text.replacen("## Examples", &section, 1);
    let text = |text: &str| Raw::Text(text.to_owned());
    let amount = [("amount".to_owned(), text("5.00")), ("currency".to_owned(), text("USD"))];
    let tokens = Raw::Map(vec![
        ("order_id".to_owned(), text("order-1")),
        ("amount".to_owned(), Raw::Map(amount.into())),
        ("reason".to_owned(), text("goodwill")),
    ]);
    let stage = asked_of(&files, Scripted::default(), Arc::new(Silent), "plain", tokens).await;
    assert!(matches!(stage, Stage::Closed(_)), "the component had no objection: {stage:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_asks_the_components_that_lie_beside_the_rules_or_were_installed() {
    let module =
        module("../../plugins/clause-words", "countersign_clause_words", env!("CARGO_TARGET_TMPDIR"));
    let component = componentize_contributor(&module).expect("it is a policy component");
    let digest = Digest::of(&component);
    let mut files = source_files(&root().join("host/cli/starter")).expect("the shipped files");
    let of = |file: &&mut SourceFile| file.path.ends_with("contract_redline.policy.md");
    let file = files.iter_mut().find(of).expect("the policy");
    let section = format!(
        "## Components\n\n| id | digest | because |\n|---|---|---|\n| words | sha256:{digest} | what no table sees |\n\n## Routes"
    );
    file.text = file.text.replacen("## Routes", &section, 1);
    let rulebook = Rulebook::draft(&files).expect("it can be read");
    let named = |policy: &&Policy| policy.intent.as_str() == "contract_redline";
    let policy = rulebook.policies().find(named).expect("it is there");
    let inputs = [
        ("contract_value", "80_000"),
        ("paper", "ours"),
        ("clause.topic", "termination"),
        ("clause.position", "standard"),
        ("clause.new_text", "A perpetual licence."),
    ];
    let inputs = inputs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let given = given::Asked { case: None, inputs: &inputs };
    let schema = rulebook.intent_type(&policy.intent);
    let (tokens, facts) = given::asked(policy, schema, given).expect("it can be read");
    let answer = async |rules: &Path, data: Option<&Path>| {
        let found = wire::components_of(policy, rules, data).await.expect("they can be loaded");
        let explained = explained(&*found, policy, &tokens, &facts).await.expect("it has a canonical form");
        (explained.evaluation.outcome.to_string(), explained.not_asked.len())
    };
    let (rules, data) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let missing = answer(rules.path(), Some(data.path())).await;
    assert_eq!(missing, ("approve".to_owned(), 1), "the table alone, and it says so");
    let beside = rules.path().join(wire::COMPONENTS_FOLDER);
    std::fs::create_dir(&beside).expect("a folder");
    std::fs::write(beside.join("words.wasm"), &component).expect("it is written");
    assert_eq!(answer(rules.path(), None).await, ("counsel".to_owned(), 0));
    // What a host has installed is used where it lies, and nothing is written there.
    let installed = Contributors::file(&data.path().join(wire::COMPONENTS_FOLDER), &digest);
    std::fs::create_dir_all(installed.parent().expect("a folder")).expect("folders");
    std::fs::rename(beside.join("words.wasm"), &installed).expect("it is moved");
    assert_eq!(answer(rules.path(), Some(data.path())).await, ("counsel".to_owned(), 0));
    assert_eq!(std::fs::read_dir(installed.parent().expect("a folder")).expect("it is there").count(), 1);
    // Another one under its name is not what the policy names.
    std::fs::write(&installed, hostile()).expect("it is written");
    assert_eq!(answer(rules.path(), Some(data.path())).await, ("approve".to_owned(), 1));
}
