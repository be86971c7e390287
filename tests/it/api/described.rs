//! The description of the API against the API: a caller that is not ours says whatever it allows, and what it does not.

use crate::world::{SMALL, World, secret};
use countersign_tests::servers::any_caller::{Phase, calls_everything, is_described};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

/// How long the suites with a budget may take, in seconds, unless the environment says otherwise.
const BUDGET_SECONDS: u64 = 40;
/// Intents that it finds, each of which waits for somebody.
const INTENTS: usize = 20;
/// Operations that take one of its calls at least: those that need nothing but the right person.
const TAKEN_MIN: usize = 15;
/// How much of the budget it calls by chance.
const FUZZING_SHARE: u64 = 2;
/// As whom it calls: somebody of every duty, who asks, who decides, a machine, and somebody whom nobody knows.
const CALLERS: [&str; 9] = [
    "ae-1",
    "sales-manager-1",
    "pricing-lead",
    "integration-1",
    "auditor-1",
    "privacy-1",
    "cro",
    "crm-bot",
    "leaver",
];

/// The operations that took a call.
fn taken(report: &Json) -> impl Iterator<Item = &str> {
    let accepted = |rate: &Json| {
        let phases = rate.as_object().into_iter().flatten();
        phases.filter_map(|(_, phase)| phase["accepted"].as_u64()).sum::<u64>()
    };
    let rates = report["valid_rates"].as_object().into_iter().flatten();
    rates.filter(move |(_, rate)| 0 < accepted(rate)).map(|(operation, _)| operation.as_str())
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_somebody_says_is_answered_as_it_is_described() {
    let world = World::start().await;
    let description = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(description.path(), world.get("ae-1", "/openapi.json").await.text).expect("it is written");
    is_described(description.path()).expect("it is a description");
    let (mut intents, mut matches) = (Vec::new(), serde_json::Map::new());
    for number in 0..INTENTS {
        let place = world.submitted(&format!("described-{number}"), SMALL).await;
        let id = place.trim_start_matches("/v1/intents/").to_owned();
        matches.insert(id.clone(), world.get("ae-1", &place).await.header("etag").into());
        intents.push(id);
    }
    let small: Json = serde_json::from_str(SMALL).expect("it is JSON");
    let text = world.get("pricing-lead", "/v1/policies/discount").await.json["text"].clone();
    let decided = json!({ "decision": "approve", "note": "yes" });
    let tokens: Vec<String> =
        CALLERS.iter().map(|caller| secret(caller)).chain(["nobody".to_owned()]).collect();
    let known = json!({
        "tokens": tokens,
        "values": {
            "intents/id": intents,
            "people/id": ["ae-1", "finance-1"],
            "policies/name": ["discount"],
            "connections/name": ["crm", "billing"],
            "intent-types/name": ["discount"],
            "rules/file": ["people.md"],
        },
        "matches": matches,
        "bodies": {
            "POST /v1/intents": [small],
            "POST /v1/intents/{id}/decisions": [decided],
            "POST /v1/intents/{id}/comments": [{ "text": "seen" }],
            "POST /v1/intents/{id}/withdrawals": [{}],
            "POST /v1/policies/{name}/check": [{ "text": text }],
            "POST /v1/policies/{name}/format": [{ "text": text }],
        },
    });
    let url = format!("http://{}", world.address);
    let seconds =
        std::env::var("BUDGET_SECONDS").map_or(BUDGET_SECONDS, |text| text.parse().expect("a number"));
    let called = tokio::task::spawn_blocking(move || {
        let calls = |phase| {
            calls_everything(&url, description.path(), &known, phase)
                .unwrap_or_else(|fault| panic!("{fault:#}"))
        };
        [calls(Phase::Coverage), calls(Phase::Fuzzing(seconds / FUZZING_SHARE))]
    });
    let [coverage, fuzzing] = called.await.expect("it ends");
    assert_eq!(coverage["operations"]["tested"], coverage["operations"]["selected"], "{coverage:#}");
    let taken: BTreeSet<&str> = [&coverage, &fuzzing].into_iter().flat_map(taken).collect();
    let calls =
        [&coverage, &fuzzing].map(|report| report["test_cases"]["generated"].as_u64().unwrap_or_default());
    println!("{calls:?} calls by plan and by chance; {} operations took one", taken.len());
    assert!(TAKEN_MIN <= taken.len(), "{taken:?}");
    let health = world.get("ae-1", "/v1/log/health").await;
    assert_eq!(health.status, 200, "{}", health.text);
    let Json::Object(_) = health.json else { panic!("{}", health.text) };
}
