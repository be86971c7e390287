//! What whoever watches over the host sees, and that each kind of fault is seen: its metric moves and its code is told.

use super::world::{SMALL, Setup, World};
use countersign_core::connector::Change;
use countersign_core::connector::candidate::Share;
use countersign_core::effect::attempt::{
    Answer as Wire, AttemptEnd, Break, BreakKind, Detail, Ended, Failure, Guarantee,
};
use countersign_core::hash::Digest;
use countersign_core::id::{ConnectorId, PersonId};
use countersign_core::record::Value;
use countersign_core::time::Millis;
use countersign_engine::port::store::StoreFault;
use countersign_tests::scripted::{Act, step};
use countersign_tests::world::root;
use std::collections::BTreeSet;
use std::time::Duration;

/// A discount that the policy approves by itself.
fn approved() -> String {
    SMALL.replace("12%", "4%")
}

/// Waits until a metric says so; moves the clock on, as gauges are not counted anew at once.
async fn shows(world: &World, line: &str) {
    let mut text = String::new();
    for _ in 0..400 {
        text = world.watched("/metrics").await.text;
        if text.lines().any(|found| found == line) {
            return;
        }
        world.clock.set(world.engine.now().plus(Millis(4_000)));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let name = line.split(['{', ' ']).next().unwrap_or_default();
    let near: Vec<&str> = text.lines().filter(|found| found.starts_with(name)).collect();
    panic!("there is no `{line}` among {near:#?}")
}

/// An attempt whose step was answered with this status, and that says this of it.
fn answered(status: u16, failure: Failure) -> Act {
    let steps = vec![step(Wire::Answered { status })];
    Act::End(AttemptEnd { claim: Ended::Failed(failure), steps, held_back: None })
}

/// An attempt that went out and was not answered.
fn unanswered() -> Act {
    let claim = Ended::Failed(Failure::Uncertain(Detail::new("timeout", "no answer")));
    Act::End(AttemptEnd { claim, steps: vec![step(Wire::Unanswered)], held_back: None })
}

/// One kind of fault at a target, and what is seen then.
struct Row {
    /// The connection: the CRM is one that can only be looked at.
    at: &'static str,
    /// What comes of the first attempt there.
    act: fn() -> Act,
    seen: &'static [&'static str],
}

const ROWS: [Row; 4] = [
    Row {
        at: "billing",
        act: || {
            let detail = Detail::new("unavailable", "it answered 503");
            answered(503, Failure::Transient { after: Some(Millis(600_000)), detail })
        },
        seen: &[r#"countersign_attempts_total{connection="billing",outcome="retry"} 1"#],
    },
    Row {
        at: "billing",
        act: || {
            let detail = Detail::new("closed", "the account is closed");
            answered(422, Failure::Rejected { fields: Vec::new(), detail })
        },
        seen: &[
            r#"countersign_attempts_total{connection="billing",outcome="rejected"} 1"#,
            r#"countersign_effects_total{connection="billing",outcome="rejected"} 1"#,
            r#"countersign_exceptions_opened_total{type="discount",cause="rejected"} 1"#,
            // What was written before it is taken back, which the scripted CRM cannot.
            r#"countersign_exceptions_open{type="discount",cause="irreversible"} 1"#,
            r#"countersign_open_items{type="discount",kind="exception"} 1"#,
        ],
    },
    Row {
        at: "crm",
        act: unanswered,
        seen: &[
            r#"countersign_attempts_total{connection="crm",outcome="unknown"} 1"#,
            r#"countersign_unknown_outcomes{connection="crm"} 1"#,
        ],
    },
    Row {
        at: "billing",
        act: || {
            answered(409, Failure::Conflict { revision: None, detail: Detail::new("changed", "changed") })
        },
        seen: &[r#"countersign_attempts_total{connection="billing",outcome="retry"} 1"#],
    },
];

#[tokio::test]
async fn each_kind_of_fault_of_a_target_moves_its_metric() {
    for Row { at, act, seen } in ROWS {
        let world = World::of(Setup { crm: Guarantee::ByProbe, ..Setup::default() }).await;
        world.connectors.once(at, act());
        world.submitted("k-1", &approved()).await;
        for line in seen {
            shows(&world, line).await;
        }
    }
}

/// Nothing is sent to `crm`, for this reason.
fn blocked(cause: &str) -> String {
    format!(r#"countersign_connection_blocked{{connection="crm",cause="{cause}"}} 1"#)
}

#[tokio::test]
async fn a_connection_that_is_left_alone_says_so_and_why() {
    let world = World::start().await;
    shows(&world, r#"countersign_connection_blocked{connection="crm",cause="unavailable"} 0"#).await;
    world.connectors.rest(Some(Millis(4_000)));
    shows(&world, &blocked("unavailable")).await;
    world.connectors.rest(None);
    let reason = r#"{"reason":"invoices go out with the wrong tax"}"#;
    let paused = world.post("integration-1", "/v1/connections/crm/pauses", "p-1", reason).await;
    assert_eq!(paused.status, 200, "{}", paused.text);
    shows(&world, &blocked("by-hand")).await;
    world.post("integration-1", "/v1/connections/crm/resumptions", "p-2", reason).await;
    world.connectors.deny(true);
    world.submitted("k-1", &approved()).await;
    shows(&world, &blocked("denied")).await;
    shows(&world, r#"countersign_exceptions_opened_total{type="discount",cause="denied"} 1"#).await;
}

#[tokio::test]
async fn a_connector_that_breaks_again_and_again_is_seen_to_be_left_alone() {
    let world = World::start().await;
    let broke = Break { kind: BreakKind::Trap, message: "it trapped".to_owned() };
    let end = AttemptEnd { claim: Ended::Broke(broke), steps: Vec::new(), held_back: None };
    world.connectors.always("crm", false, Act::End(end));
    for key in ["k-1", "k-2", "k-3"] {
        let quote = [("margin", Value::Decimal("40".to_owned())), ("renewal", Value::Flag(false))];
        world.connectors.put("crm", "quote", key, &quote);
        world.submitted(key, &approved().replace("q-1", key)).await;
    }
    shows(&world, &blocked("quarantined")).await;
    shows(&world, r#"countersign_exceptions_opened_total{type="discount",cause="quarantined"} 1"#).await;
}

#[tokio::test]
async fn what_a_target_does_not_hold_any_more_is_counted() {
    let world = World::start().await;
    world.submitted("k-1", &approved()).await;
    shows(&world, r#"countersign_intents_total{type="discount",outcome="done"} 1"#).await;
    shows(&world, r#"countersign_effects_total{connection="crm",outcome="landed"} 2"#).await;
    world.connectors.put("crm", "quote", "q-1", &[("discount_percent", Value::Decimal("40".to_owned()))]);
    shows(&world, r#"countersign_drift_open{connection="crm"} 1"#).await;
}

#[tokio::test]
async fn what_a_candidate_shows_and_that_it_is_dropped_is_counted() {
    let world = World::of(Setup { upgraded: true, ..Setup::default() }).await;
    let connector = ConnectorId::parse("scripted.crm").expect("an id");
    let other = Digest::of(b"another build");
    let by = PersonId::parse("integration-1").expect("a person");
    for change in [
        Change::Activate { digest: Digest::of(b"crm"), on: None },
        Change::Nominate { digest: other, share: Share::NONE },
    ] {
        world.engine.change_connector(&connector, &change, (&by, "said"), None).await.expect("it may");
    }
    world.submitted("k-1", &approved()).await;
    shows(&world, r#"countersign_connector_shadow_total{connector="scripted.crm",outcome="same"} 2"#).await;
    world.connectors.build_plans(
        other,
        &[|plan| match plan.subject.kind.as_str() {
            "quote" => Ended::Broke(Break { kind: BreakKind::Trap, message: "it broke".to_owned() }),
            // It serves the other connection.
            _ => Ended::Returned(plan),
        }],
    );
    for key in ["q-2", "q-3", "q-4"] {
        let quote = [("margin", Value::Decimal("40".to_owned())), ("renewal", Value::Flag(false))];
        world.connectors.put("crm", "quote", key, &quote);
        world.submitted(key, &approved().replace("q-1", key)).await;
    }
    shows(&world, r#"countersign_connector_taken_back_total{connector="scripted.crm"} 1"#).await;
}

#[tokio::test]
async fn a_full_disk_a_clock_that_jumps_and_refusals_are_seen() {
    let world = World::start().await;
    shows(&world, "countersign_store_writable 1").await;
    world.store.fail(Some(StoreFault::Full));
    let refused = world.post("ae-1", "/v1/intents", "k-1", SMALL).await;
    refused.is_problem(507, "CS-E0301");
    shows(&world, "countersign_store_writable 0").await;
    shows(&world, r#"countersign_problems_total{code="CS-E0301"} 1"#).await;
    world.store.fail(None);
    world.clock.jump(world.engine.now().plus(Millis(86_400_000)));
    shows(&world, "countersign_clock_jumps_total 1").await;
    world.send("", "GET", "/v1/intents", &[], "").await;
    let unknown = r#"countersign_http_seconds_count{method="GET",route="/v1/intents",class="4xx"} 1"#;
    shows(&world, unknown).await;
}

#[tokio::test]
async fn metrics_are_read_where_the_operator_listens_and_nowhere_else() {
    let world = World::start().await;
    world.get("auditor-1", "/metrics").await.is_problem(404, "CS-E0208");
    let answer = world.watched("/metrics").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(answer.text.ends_with("# EOF\n"), "{}", answer.text);
    for path in ["/livez", "/readyz", "/startupz"] {
        assert_eq!(world.watched(path).await.status, 200, "{path}");
    }
    assert_eq!(world.watched("/v1/intents").await.status, 404);
}

#[tokio::test]
async fn no_label_bears_an_id_of_an_intent_a_record_or_a_person() {
    let world = World::start().await;
    let place = world.submitted("k-1", SMALL).await;
    world.post("sales-manager-1", &format!("{place}/decisions"), "d-1", r#"{"decision":"approve"}"#).await;
    shows(&world, r#"countersign_decisions_total{type="discount",by="people",outcome="approved"} 1"#).await;
    world.get("ae-1", &place).await;
    let text = world.watched("/metrics").await.text;
    let intent = place.rsplit('/').next().expect("an id");
    for id in [intent, "q-1", "sales-manager-1", "ae-1"] {
        assert!(!text.contains(id), "{id} is in {text}");
    }
    let series = text.lines().filter(|line| !line.starts_with('#')).count();
    assert!(series < 2_000, "{series} series");
}

/// The names under which the sources of a crate register metrics.
fn registered(source: &str) -> Vec<String> {
    let calls = ["registry.register(", "registry.register_with_unit(", "encode_descriptor("];
    let after = calls.iter().flat_map(|call| source.split(call).skip(1));
    after
        .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next().map(str::to_owned))
        .collect()
}

#[test]
fn every_metric_has_its_row_in_the_reference_and_every_row_its_metric() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect("it is there");
    let sources = [
        "host/engine/src/metrics.rs",
        "host/engine/src/metrics/open.rs",
        "host/connectors/src/metrics.rs",
        "host/server/src/metrics.rs",
        "host/store-local/src/metrics.rs",
        "host/cli/src/command/serve.rs",
    ];
    let names: BTreeSet<String> = sources.iter().flat_map(|path| registered(&read(path))).collect();
    assert!(30 < names.len(), "{names:?}");
    let page = read("host/docs/metrics.md");
    let cells = page.lines().filter_map(|line| line.strip_prefix("| `countersign_")?.split(" | ").next());
    let words = cells.flat_map(|cell| cell.split('`')).map(|word| word.trim_start_matches("countersign_"));
    let plain = |word: &str| {
        !word.is_empty() && word.chars().all(|letter| letter == '_' || letter.is_ascii_lowercase())
    };
    let without = |word: &str| {
        let ends = ["_total", "_seconds", "_bytes", "_info"];
        ends.iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word).to_owned()
    };
    let rows: BTreeSet<String> = words.filter(|word| plain(word)).map(without).collect();
    let names: BTreeSet<String> = names.iter().map(|name| without(name)).collect();
    assert_eq!(rows, names);
}
