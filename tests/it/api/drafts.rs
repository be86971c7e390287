//! What a policy's owner asks over HTTP before anybody else sees a change: the same answers as on the
//! command line, about a document or about the policy that stands.

use crate::world::{Answer, SMALL, World, policy, secret};
use countersign_core::hash::Digest;
use countersign_core::policy::check::check_files;
use countersign_core::policy::component::{Contributed, Contribution};
use countersign_core::policy::mutant::Suggested;
use countersign_core::policy::stop::Stop;
use countersign_engine::port::Answer as Port;
use countersign_engine::port::components::Components;
use countersign_server::api::view::{
    DifferenceView, EvaluationView, FindingView, FormattedView, RanView, ReportView, StarterView,
    SuggestedView, SuggestionView,
};
use countersign_server::limits::{
    BACKTESTS_AT_ONCE_MAX, INPUT_VALUES_MAX, POLICY_BYTES_MAX, PROOFS_AT_ONCE_MAX,
};
use countersign_tests::world::{root, source_files};
use futures::future::{Either, join_all, select, select_all};
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Every question about one policy whose body is JSON.
const QUESTIONS: [&str; 7] = ["check", "suggest", "test", "explain", "diff", "format", "backtest"];

async fn asked(world: &World, verb: &str, body: &Json) -> Answer {
    world.send("read", "POST", &format!("/v1/policies/discount/{verb}"), &[], &body.to_string()).await
}

/// An answer as it is described.
#[track_caller]
fn shaped<T: DeserializeOwned>(answer: &Answer) -> T {
    assert_eq!(answer.status, 200, "{}", answer.text);
    serde_json::from_str(&answer.text).expect("it is as described")
}

/// The shipped policy with something changed.
fn discount(from: &str, to: &str) -> String {
    policy("discount", from, to)
}

#[tokio::test]
async fn the_check_finds_the_same_over_http_as_on_the_command_line() {
    let world = World::start().await;
    let mut files = source_files(&root().join("host/cli/starter")).expect("the shipped files");
    let mut report = check_files(&files, world.engine.now());
    report.policies.retain(|checked| checked.intent == "discount");
    let standing = asked(&world, "check", &json!({})).await;
    assert_eq!(standing.json, serde_json::to_value(&report).expect("JSON"));
    let view: ReportView = shaped(&standing);
    assert!(view.passes && !view.policies[0].mutants.is_empty() && view.policies[0].promises.len() == 3);
    // Without the row for the rest there is a gap, and without `pub-cap` its example fails.
    let text = discount(
        "| rest      |         |                  |           | vp ",
        "| rest      | pub     | <= 1%            |           | vp ",
    );
    let file = files.iter_mut().find(|file| file.path.ends_with("discount.policy.md")).expect("shipped");
    file.text.clone_from(&text);
    file.path = "discount.policy.md".to_owned();
    let mut report = check_files(&files, world.engine.now());
    report.policies.retain(|checked| checked.intent == "discount");
    let sent = asked(&world, "check", &json!({ "policy": text })).await;
    assert_eq!(sent.json, serde_json::to_value(&report).expect("JSON"));
    let view: ReportView = shaped(&sent);
    let gap = view.policies[0].findings.iter().find(|finding| finding.kind == "gap").expect("a gap");
    assert!(!view.passes && 0 < gap.line && gap.witness.is_some(), "{gap:?}");
    assert_eq!((gap.level.as_str(), gap.file.as_str()), ("error", "discount.policy.md"));
}

#[tokio::test]
async fn a_check_counts_what_fired_in_the_log() {
    let world = World::start().await;
    world.submitted("k-1", SMALL).await;
    world.submitted("k-2", &SMALL.replace("12%", "4%")).await;
    let report: ReportView = shaped(&asked(&world, "check", &json!({ "since": "90d" })).await);
    let coverage = &report.policies[0].coverage;
    assert_eq!((coverage.decisions, coverage.days), (2, Some(90)));
    let times = |id: &str| coverage.rules.iter().find(|used| used.id == id).map(|used| used.decisions);
    assert_eq!((times("smb-auto"), times("smb-small"), times("deep")), (Some(1), Some(1), Some(0)));
    let unasked: ReportView = shaped(&asked(&world, "check", &json!({})).await);
    assert_eq!((unasked.policies[0].coverage.decisions, unasked.policies[0].coverage.days), (0, None));
    let wrong = asked(&world, "check", &json!({ "since": "soon" })).await;
    wrong.is_problem(422, "CS-E0203");
    assert_eq!(wrong.pointers(), ["/since"]);
}

#[tokio::test]
async fn a_document_that_cannot_be_read_is_named_at_every_place() {
    let world = World::start().await;
    let text = discount("<= 5% ", "<= 5.005% ").replacen("pool finance", "pool finanze", 1);
    let report: ReportView = shaped(&asked(&world, "check", &json!({ "policy": text })).await);
    assert!(!report.passes && report.policies.is_empty());
    let fault = &report.faults[0];
    assert!(fault.message.contains("5.005%") && 0 < fault.line && 0 < fault.column, "{fault:?}");
    for verb in ["test", "explain", "diff", "backtest"] {
        let unsound = asked(&world, verb, &json!({ "policy": text })).await;
        unsound.is_problem(422, "CS-E0203");
        assert_eq!(unsound.pointers(), ["/policy", "/policy"], "{verb}");
        assert!(unsound.text.contains("discount.policy.md:") && unsound.text.contains("5.005%"), "{verb}");
    }
    let other = json!({ "policy": policy("refund", "refund", "refund") });
    for verb in ["check", "test", "explain", "diff", "backtest"] {
        let other = asked(&world, verb, &other).await;
        other.is_problem(422, "CS-E0203");
        assert_eq!(other.json["errors"][0]["expected"], "a policy of `discount`", "{verb}");
    }
    // Far too many faults: the first ones are enough.
    let rows = "| x |\n".repeat(5_000);
    let report: ReportView = shaped(&asked(&world, "check", &json!({ "policy": rows })).await);
    assert!((1..=100).contains(&report.faults.len()), "{}", report.faults.len());
}

#[tokio::test]
async fn the_examples_that_are_suggested_notice_every_edge_and_are_those_of_the_command_line() {
    let world = World::start().await;
    let answer = asked(&world, "suggest", &json!({})).await;
    let suggested: SuggestedView = shaped(&answer);
    let rulebook = world.engine.rulebook();
    let policy = rulebook.policies().find(|policy| policy.intent.as_str() == "discount").expect("shipped");
    let same = Suggested::of(policy, &Stop::never()).expect("nobody stops it");
    assert_eq!(answer.json, serde_json::to_value(&same).expect("JSON"));
    assert!(suggested.all && suggested.inputs.len() == 7 && 10 < suggested.examples.len());
    let edges = async |text: &str| {
        let report: ReportView = shaped(&asked(&world, "check", &json!({ "policy": text })).await);
        assert!(report.passes, "{text}");
        let checked = &report.policies[0];
        let edge = |finding: &&FindingView| finding.kind == "edge-without-example";
        (checked.examples, checked.findings.iter().filter(edge).count())
    };
    let text = discount("", "");
    let (examples, left) = edges(&text).await;
    assert!(0 < left);
    // An editor needs no more than what is in the answer to write the rows.
    let row = |example: &SuggestionView| {
        let cells = [&example.case].into_iter().chain(&example.values).chain([&example.outcome]);
        let cells: Vec<&str> = cells.map(String::as_str).collect();
        format!("| {} | {} |\n", cells.join(" | "), example.by.join(", "))
    };
    let rows: String = suggested.examples.iter().map(row).collect();
    assert_eq!(edges(&format!("{text}{rows}")).await, (examples + suggested.examples.len(), 0));
    let none: SuggestedView =
        shaped(&asked(&world, "suggest", &json!({ "policy": format!("{text}{rows}") })).await);
    assert!(none.examples.is_empty() && none.all);
}

#[tokio::test]
async fn each_example_says_who_answered_and_a_failing_one_is_an_answer() {
    let world = World::start().await;
    let ran: RanView = shaped(&asked(&world, "test", &json!({})).await);
    assert_eq!((ran.examples.len(), ran.intent.as_str()), (8, "discount"));
    assert!(ran.examples.iter().all(|example| example.passes));
    let text = discount(
        "| 5.01%            |         |        |             |              |         | manager ",
        "| 5.01%            |         |        |             |              |         | director",
    );
    let ran: RanView = shaped(&asked(&world, "test", &json!({ "policy": text })).await);
    let failed: Vec<_> = ran.examples.iter().filter(|example| !example.passes).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!((failed[0].case.as_str(), failed[0].expected.as_str()), ("one step over", "director"));
    assert_eq!((failed[0].got.as_str(), failed[0].by.clone()), ("manager", vec!["smb-small".to_owned()]));
}

#[tokio::test]
async fn an_answer_is_explained_in_words_and_nothing_is_recorded() {
    let world = World::start().await;
    let before = world.engine.health().position;
    let inputs = json!({
        "segment": "smb", "discount_percent": "12%", "amount": "12_000", "margin": "40%",
        "term_months": "12", "payment_days": "30", "renewal": "no",
    });
    let said: EvaluationView = shaped(&asked(&world, "explain", &json!({ "inputs": inputs })).await);
    assert_eq!((said.outcome.as_str(), said.routes.clone()), ("needs", vec!["manager".to_owned()]));
    assert_eq!(said.words[0], "needs manager");
    assert!(said.text.contains("smb-small   (row 2 of 11)"), "{}", said.text);
    assert!(
        said.near.iter().any(|near| near.words == "approved if discount_percent is 5% or less"),
        "{said:?}"
    );
    // Another document answers otherwise; an example brings the values that are not given.
    let text = discount("smb-auto  | smb     | <= 5% ", "smb-auto  | smb     | <= 13%");
    let body = json!({ "policy": text, "case": "exactly 50k" });
    let said: EvaluationView = shaped(&asked(&world, "explain", &body).await);
    assert_eq!(said.outcome, "approve", "{said:?}");
    // What is left out has no value, and is no approval.
    let unsure: EvaluationView = shaped(&asked(&world, "explain", &json!({})).await);
    assert_eq!((unsure.outcome.as_str(), unsure.known.as_deref()), ("unsure", Some("approve")));
    assert!(unsure.unsure.iter().any(|reason| reason == "`margin` has no value"), "{unsure:?}");
    // The elements of a list, one value each.
    let inputs = json!({
        "contract_value": "80_000", "paper": "ours",
        "clause.topic": ["liability", "data"], "clause.position": ["fallback", "beyond"],
    });
    let place = "/v1/policies/contract_redline/explain";
    let body = json!({ "inputs": inputs }).to_string();
    let said: EvaluationView = shaped(&world.send("read", "POST", place, &[], &body).await);
    let elements: Vec<_> = said.rules.iter().map(|rule| (rule.id.as_str(), rule.element)).collect();
    assert_eq!(elements, [("risk-small", Some(1)), ("data-beyond", Some(2))]);
    assert_eq!(world.engine.health().position, before);
}

/// The component that is installed: it wants the vice president where the note names a rival.
#[derive(Debug, Default)]
struct Rivals {
    asked: Arc<AtomicUsize>,
}

fn rivals() -> Digest {
    Digest::of(b"rivals")
}

impl Components for Rivals {
    fn contribute(&self, component: Digest, intent: String, facts: String) -> Port<'_, Contributed> {
        assert_eq!(component, rivals(), "only what is installed is asked");
        assert!(facts.contains(r#""segment":{"known":{"one-of":"smb"}}"#), "{facts}");
        self.asked.fetch_add(1, Ordering::Relaxed);
        let added = Contribution {
            id: "rival".to_owned(),
            routes: vec!["vp".to_owned()],
            because: "another one bids".to_owned(),
            reads: vec!["note".to_owned()],
        };
        let said = match intent.contains("rival") {
            true => Contributed::Said(vec![added]),
            false if intent.contains(r#""note""#) => Contributed::Said(Vec::new()),
            false => Contributed::Failed("there is no note".to_owned()),
        };
        Box::pin(std::future::ready(said))
    }

    fn is_installed(&self, component: &Digest) -> bool {
        *component == rivals()
    }
}

/// The shipped policy with components: an id and a digest each.
fn with_components(named: &[(&str, Digest)]) -> String {
    let row = |(id, digest): &(&str, Digest)| format!("| {id} | sha256:{digest} | more |\n");
    let rows: String = named.iter().map(row).collect();
    let table = format!("| id | digest | because |\n|---|---|---|\n{rows}");
    discount("## Routes", &format!("## Components\n\n{table}\n## Routes"))
}

#[tokio::test]
async fn an_explanation_asks_the_components_that_are_here_and_names_the_others() {
    let components = Rivals::default();
    let times = Arc::clone(&components.asked);
    let world = World::with(components).await;
    let before = world.engine.health().position;
    let explained = async |policy: &str, note: Option<&str>| {
        let inputs = note.map_or(json!({}), |note| json!({ "note": note }));
        let body = json!({ "policy": policy, "case": "plain small deal", "inputs": inputs });
        shaped::<EvaluationView>(&asked(&world, "explain", &body).await)
    };
    // The tables approve it; what no table reads can be given, since a component may read it.
    let both = with_components(&[("rivals", rivals()), ("words", Digest::ZERO)]);
    let said = explained(&both, Some("a rival bids")).await;
    assert_eq!((said.outcome.as_str(), said.routes.as_slice()), ("needs", ["vp".to_owned()].as_slice()));
    assert_eq!((said.components.len(), said.components[0].component.as_str()), (1, "rivals"));
    assert_eq!(said.not_asked, ["words"]);
    assert!(said.text.contains("component rivals rival   adds vp   \"another one bids\""), "{}", said.text);
    assert!(said.text.contains("not asked words, which can only make the answer stricter"), "{}", said.text);
    let said = explained(&both, Some("nobody else bids")).await;
    assert_eq!((said.outcome.as_str(), said.components.len()), ("approve", 0));
    assert_eq!(said.not_asked, ["words"]);
    let here = with_components(&[("rivals", rivals())]);
    assert!(explained(&here, Some("quiet")).await.not_asked.is_empty());
    // One that cannot tell makes the answer unsure, as it would be.
    let said = explained(&here, None).await;
    assert_eq!((said.outcome.as_str(), said.known.as_deref()), ("unsure", Some("approve")));
    assert_eq!(said.unsure, ["component rivals: there is no note"]);
    assert_eq!(times.load(Ordering::Relaxed), 4);
    // A policy without any asks none, and takes no more than its inputs.
    let plain = json!({ "case": "plain small deal", "inputs": { "note": "a rival bids" } });
    asked(&world, "explain", &plain).await.is_problem(422, "CS-E0203");
    let away = with_components(&[("words", Digest::ZERO)]);
    assert_eq!(explained(&away, Some("a rival bids")).await.not_asked, ["words"]);
    assert_eq!(times.load(Ordering::Relaxed), 4);
    assert_eq!(world.engine.health().position, before, "nothing was recorded");
}

#[tokio::test]
async fn inputs_that_cannot_be_read_are_named_each_at_its_place() {
    let world = World::start().await;
    let inputs = json!({ "discount_percant": "5%", "margin": "40", "renewal": "no", "amount": "12_000" });
    let wrong = asked(&world, "explain", &json!({ "case": "none", "inputs": inputs })).await;
    wrong.is_problem(422, "CS-E0203");
    let mut pointers = wrong.pointers();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/case", "/inputs/discount_percant", "/inputs/margin"]);
    let found = wrong.json["errors"].to_string();
    assert!(found.contains("did you mean `discount_percent`?") && found.contains("unit mismatch"), "{found}");
    assert!(found.contains("`plain small deal`"), "{found}");
    let twice = r#"{"inputs":{"renewal":"no","renewal":"yes"}}"#;
    let twice = world.send("read", "POST", "/v1/policies/discount/explain", &[], twice).await;
    twice.is_problem(422, "CS-E0203");
    assert!(twice.text.contains("`renewal` is given twice"), "{}", twice.text);
    let untyped = json!({ "inputs": { "amount": 12_000, "renewal": [true], "a/b": null }, "case": 1 });
    let untyped = asked(&world, "explain", &untyped).await;
    untyped.is_problem(422, "CS-E0203");
    let mut pointers = untyped.pointers();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/case", "/inputs/amount", "/inputs/a~1b", "/inputs/renewal/0"]);
    let many = json!({ "inputs": { "renewal": vec!["no"; INPUT_VALUES_MAX + 1] } });
    let many = asked(&world, "explain", &many).await;
    many.is_problem(422, "CS-E0203");
    assert_eq!(many.json["errors"][0]["found"], format!("{} values", INPUT_VALUES_MAX + 1));
}

#[tokio::test]
async fn a_difference_has_every_region_and_the_versions_that_it_is_between() {
    let world = World::start().await;
    let standing = world.get("read", "/v1/policies/discount").await;
    let version = standing.json["in_force"]["version"].as_str().expect("a version").to_owned();
    let text = discount("<= 10% ", "<= 12% ");
    let body = json!({ "policy": text });
    let difference: DifferenceView = shaped(&asked(&world, "diff", &body).await);
    assert_eq!((&difference.old, difference.old == difference.new), (&version, false));
    assert!(difference.all && difference.unsettled == 0);
    let eased = difference.changed.iter().find(|region| region.now == "approve").expect("it is eased");
    assert!(eased.region.contains("10.01% .. 12%") && eased.was == "director", "{eased:?}");
    let named: DifferenceView =
        shaped(&asked(&world, "diff", &json!({ "policy": text, "version": version })).await);
    assert_eq!(named, difference);
    let same: DifferenceView =
        shaped(&asked(&world, "diff", &json!({ "policy": standing.json["document"]["text"] })).await);
    assert!(same.changed.is_empty() && same.old == same.new);
    for version in ["0".repeat(64), "latest".to_owned()] {
        let unknown = asked(&world, "diff", &json!({ "policy": text, "version": version })).await;
        unknown.is_problem(422, "CS-E0203");
        assert_eq!(unknown.pointers(), ["/version"]);
    }
    let nothing = asked(&world, "diff", &json!({})).await;
    nothing.is_problem(422, "CS-E0203");
    assert_eq!(nothing.pointers(), ["/policy"]);
}

#[tokio::test]
async fn a_formatted_document_stays_as_it_is() {
    let world = World::start().await;
    let tidy = discount("# Discount", "# Discount");
    let untidy = tidy.replace("| mid-auto  |", "|mid-auto|").replace('\n', "\r\n");
    let once: FormattedView = shaped(&asked(&world, "format", &json!({ "policy": untidy })).await);
    assert!(once.changed && once.policy == tidy, "{}", once.policy);
    let twice: FormattedView = shaped(&asked(&world, "format", &json!({ "policy": once.policy })).await);
    assert!(!twice.changed && twice.policy == tidy);
    let broken = asked(&world, "format", &json!({ "policy": "# T\n\n| a | b |\n|---|---|\n| 1 |\n" })).await;
    broken.is_problem(422, "CS-E0203");
    assert_eq!(
        broken.json["errors"][0]["found"],
        "discount.policy.md:5:3: the row has 1 cells, its header has 2"
    );
}

#[tokio::test]
async fn a_policy_to_begin_with_passes_the_check() {
    let world = World::start().await;
    for intent in ["discount", "refund", "contract_redline"] {
        let begun: StarterView =
            shaped(&world.get("read", &format!("/v1/intent-types/{intent}/starter")).await);
        let place = format!("/v1/policies/{intent}/check");
        let body = json!({ "policy": begun.policy }).to_string();
        let report: ReportView = shaped(&world.send("read", "POST", &place, &[], &body).await);
        assert!(report.passes, "{intent}: {report:?}");
    }
    world.get("read", "/v1/intent-types/holiday/starter").await.is_problem(404, "CS-E0220");
    world.get("read", "/v1/intent-types/policy_change/starter").await.is_problem(404, "CS-E0220");
}

#[tokio::test]
async fn a_hostile_body_is_refused_clearly_by_every_question() {
    let world = World::start().await;
    let large = format!("{{\"policy\":\"{}\"}}", "x".repeat(10 * 1024 * 1024));
    for verb in QUESTIONS {
        let place = format!("/v1/policies/discount/{verb}");
        let send = async |headers: &[(&str, &str)], body: &str| {
            world.send("read", "POST", &place, headers, body).await
        };
        send(&[], &large).await.is_problem(413, "CS-E0202");
        send(&[("content-type", "text/markdown")], "# Discount").await.is_problem(415, "CS-E0204");
        send(&[("content-encoding", "gzip")], "{}").await.is_problem(415, "CS-E0204");
        send(&[], "{\"policy\": }").await.is_problem(400, "CS-E0201");
        send(&[], &"[".repeat(100_000)).await.is_problem(400, "CS-E0201");
        send(&[], "[]").await.is_problem(422, "CS-E0203");
        let unknown = send(&[], r#"{"policy":7,"document":"x","policy":"y"}"#).await;
        unknown.is_problem(422, "CS-E0203");
        assert_eq!(unknown.pointers(), ["/document", "/policy", "/policy"], "{verb}");
        let queried = world.send("read", "POST", &format!("{place}?policy=x"), &[], "{}").await;
        queried.is_problem(400, "CS-E0210");
        // A document above its own limit, within that of the body.
        let long =
            json!({ "policy": format!("# T\n\n{}", "words ".repeat(POLICY_BYTES_MAX / 8)) }).to_string();
        let long = send(&[], &long).await;
        assert!(long.text.contains("at most 1048576 are read"), "{verb}: {}", long.text);
        for name in ["discuont", "..%2f..", "policy%00", "Discount"] {
            let nowhere = world.send("read", "POST", &format!("/v1/policies/{name}/{verb}"), &[], "{}").await;
            nowhere.is_problem(404, "CS-E0220");
        }
    }
    // The built-in policy has no document that could be changed.
    let built_in = world.send("read", "POST", "/v1/policies/policy_change/check", &[], "{}").await;
    built_in.is_problem(404, "CS-E0220");
}

/// A table whose proof takes a while.
fn large() -> Json {
    let row = |number: u32| {
        format!("| r{number} | smb | <= {}.{:02}% | | manager | x |\n", number / 100, number % 100)
    };
    let rows: String = (1..60).map(row).collect();
    json!({ "policy": discount("| smb-auto  |", &format!("{rows}| smb-auto  |")) })
}

#[tokio::test]
async fn a_proof_holds_up_no_other_caller() {
    let world = World::start().await;
    let body = large();
    let proof = pin!(asked(&world, "check", &body));
    let others = async {
        for _ in 0..10 {
            assert_eq!(world.get("ae-1", "/v1/intents").await.status, 200);
        }
    };
    // The server has one thread here, so whoever is answered first was not waiting behind the proof.
    match select(proof, pin!(others)).await {
        Either::Left(_) => panic!("the proof was answered before ten small questions"),
        Either::Right(((), proof)) => assert_eq!(proof.await.status, 200),
    }
}

#[tokio::test]
async fn more_proofs_than_there_are_places_are_told_to_come_back() {
    let world = World::start().await;
    let body = large();
    let all = (0..8).map(|_| asked(&world, "check", &body));
    let answers = join_all(all).await;
    let (busy, done): (Vec<&Answer>, Vec<&Answer>) = answers.iter().partition(|answer| answer.status == 429);
    assert!(PROOFS_AT_ONCE_MAX <= done.len() && !busy.is_empty(), "{} busy", busy.len());
    for busy in busy {
        busy.is_problem(429, "CS-E0217");
        assert_eq!(busy.header("retry-after"), "1");
    }
    assert!(done.iter().all(|answer| answer.status == 200));
    assert_eq!(asked(&world, "check", &json!({})).await.status, 200, "the places are free again");
}

/// A table whose proof takes minutes: rows that cut every column at random.
fn hostile() -> Json {
    let text = discount("## Rules: first", "## Rules: every");
    let mut state = 7_u64;
    let mut drawn = |most: u64| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (state >> 40) % most
    };
    let mut rows = String::new();
    for row in 0..150 {
        let (percent, amount, margin) = (drawn(30), drawn(50_000_000), drawn(50));
        rows += &format!(
            "| h{row} | | {percent}% .. {}% | {amount} .. {} | vp | x |\n",
            percent + 30,
            amount + 50_000_000,
        );
        rows += &format!("| m{row} | smb, ent | <= {}.{margin:02}% | | vp | x |\n", drawn(60));
    }
    let promises = "| more discount_percent never needs less |\n".repeat(400);
    let text = text.replacen("| smb-auto  |", &format!("{rows}| smb-auto  |"), 1);
    let text = text.replacen("| more discount_percent never needs less |\n", &promises, 1);
    json!({ "policy": text })
}

/// Sends a question and does not listen to its answer.
async fn sent(world: &World, verb: &str, body: &Json) -> TcpStream {
    let body = body.to_string();
    let head = format!(
        "POST /v1/policies/discount/{verb} HTTP/1.1\r\nhost: here\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        secret("read"),
        body.len()
    );
    let mut stream = TcpStream::connect(world.address).await.expect("a connection");
    stream.write_all(head.as_bytes()).await.expect("it is read");
    stream.write_all(body.as_bytes()).await.expect("it is read");
    stream
}

/// Sends one question more than there are places; gives those that have a place and wait.
async fn crowded(world: &World, verb: &str, body: &Json, places: usize) -> Vec<impl Future<Output = String>> {
    let callers = join_all((0..=places).map(|_| sent(world, verb, body))).await;
    let first = callers.into_iter().map(|mut stream| {
        Box::pin(async move {
            let mut line = [0; 12];
            stream.read_exact(&mut line).await.expect("an answer");
            String::from_utf8_lossy(&line).into_owned()
        })
    });
    // Whoever is answered first is told that the others have every place.
    let (answer, _, waiting) = select_all(first).await;
    assert_eq!(answer, "HTTP/1.1 429", "{verb}");
    waiting
}

/// Fails unless there is a place for this question soon.
async fn has_room(world: &World, verb: &str, body: &Json) {
    let mut looks = 0;
    while asked(world, verb, body).await.status != 200 {
        looks += 1;
        assert!(looks < 200, "{verb}: the places of those who hung up are not free");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_proof_is_stopped_when_its_caller_hangs_up() {
    let world = World::start().await;
    let body = hostile();
    for verb in ["check", "suggest", "diff"] {
        let waiting = crowded(&world, verb, &body, PROOFS_AT_ONCE_MAX).await;
        asked(&world, "test", &json!({})).await.is_problem(429, "CS-E0217");
        drop(waiting);
        has_room(&world, "test", &json!({})).await;
    }
}

#[tokio::test]
async fn a_walk_over_the_log_ends_when_its_caller_hangs_up() {
    let world = World::start().await;
    world.submitted("k-1", SMALL).await;
    for (verb, body) in
        [("backtest", json!({ "policy": discount("", "") })), ("check", json!({ "since": "90d" }))]
    {
        world.store.hang_scans(true);
        let waiting = crowded(&world, verb, &body, BACKTESTS_AT_ONCE_MAX).await;
        world.store.hang_scans(false);
        asked(&world, verb, &body).await.is_problem(429, "CS-E0217");
        drop(waiting);
        has_room(&world, verb, &body).await;
    }
}
