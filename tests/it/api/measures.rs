//! Figures over HTTP and in the console: planted ones come out, to whom they are, with their words.

use super::browser::Browsers;
use super::console::without_module;
use super::visibility::{CLOSED, FIELDS, discount, restricted};
use super::world::{SMALL, Setup, World, secret};
use countersign_core::id::IntentTypeName;
use countersign_core::measure::words::MEASURES;
use countersign_core::time::Millis;
use countersign_engine::port::store::{Append, Batch, Store as _};
use countersign_tests::world::program;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::process::Command;

/// Entries beyond which nobody waits for figures.
const BEHIND: usize = 20_001;
/// Entries of one commit here, and commits of one stream.
const COMMIT: usize = 100;
const COMMITS: usize = 50;

const APPROVE: &str = r#"{"decision":"approve"}"#;
const DECLINE: &str = r#"{"decision":"decline","reason":"not this quarter"}"#;

async fn figures(world: &World, person: &str, query: &str) -> Json {
    let answer = world.get(person, &format!("/v1/measures{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

async fn state(world: &World, place: &str, wanted: &str) {
    for _ in 0..500 {
        let shown = world.get("auditor-1", place).await;
        if shown.json["state"] == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{place} is not {wanted}: {}", world.get("auditor-1", place).await.text);
}

/// Four discounts: one that a manager approves after two hours, one that they decline after one, one that is taken
/// back, and one that the policy approves. Nothing of it is read back: that begins a minute later.
async fn planted(world: &World) {
    let approved = world.submitted("k-2", SMALL).await;
    world.clock.turn(Millis::hours(1));
    let declined = world.submitted("k-3", SMALL).await;
    let withdrawn = world.submitted("k-4", SMALL).await;
    world.clock.turn(Millis::hours(1));
    for (place, key, body) in [(&approved, "d-1", APPROVE), (&declined, "d-2", DECLINE)] {
        let answer = world.post("sales-manager-1", &format!("{place}/decisions"), key, body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let answer = world.post("ae-1", &format!("{withdrawn}/withdrawals"), "w", "{}").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let own = world.submitted("k-1", &SMALL.replace("12%", "4%")).await;
    for place in [&approved, &own] {
        state(world, place, "done").await;
    }
}

#[tokio::test]
async fn planted_figures_come_out_with_their_formula() {
    let world = World::start().await;
    planted(&world).await;
    let told = figures(&world, "revops-lead", "").await;
    let all = &told["all"]["figures"];
    for (id, expected) in [
        ("submitted", json!({"count": 4})),
        ("decided", json!({"count": 3})),
        ("done", json!({"count": 2})),
        ("withdrawn", json!({"count": 1})),
        ("undecided", json!({"count": 0})),
        ("decided_by_policy", json!({"part": 1, "of": 3, "percent": "33.3"})),
        ("exception_rate", json!({"part": 0, "of": 4, "percent": "0.0"})),
        ("rework_rate", json!({"part": 0, "of": 4, "percent": "0.0"})),
        ("kept_in_time", json!({"part": 2, "of": 2, "percent": "100.0"})),
        ("leak_time", json!({"ms": 3 * 3_600_000})),
        ("leak_money", json!({"money": []})),
        // Two decisions and a withdrawal.
        ("leak_capacity", json!({"count": 3})),
        ("write_success", json!({"part": 6, "of": 6, "percent": "100.0"})),
    ] {
        assert_eq!(all[id], expected, "{id}: {told:#}");
    }
    let people = &all["decision_by_people"];
    let hours = |name: &str| people[name].as_u64().expect("a length") / 3_600_000;
    assert_eq!(
        (people["count"].as_u64(), hours("p50_ms"), hours("p90_ms"), hours("mean_ms")),
        (Some(2), 1, 2, 1)
    );
    assert_eq!(told["groups"][0]["type"], "discount", "{told:#}");
    assert_eq!(told["groups"][0]["figures"]["submitted"], all["submitted"]);
    assert_eq!((&told["periods"][0]["since"], &told["per"]), (&json!("2026-11-23"), &json!("week")));
    // What is missing until the targets were read back for the first time.
    assert_eq!(all["audit_completeness"]["of"], 3, "{told:#}");
    let words = told["measures"].as_array().expect("measures");
    assert_eq!(words.len(), MEASURES.len());
    for measure in words {
        for name in ["id", "name", "formula", "source"] {
            assert!(!measure[name].as_str().expect("a text").is_empty(), "{measure}");
        }
    }
    let versions = figures(&world, "revops-lead", "?by=policy&per=day").await;
    let (rulebook, name) = (world.engine.rulebook(), IntentTypeName::parse("discount").expect("a name"));
    let version = rulebook.policy(&name, world.engine.now()).expect("a policy").version.to_string();
    assert_eq!(versions["groups"][0]["version"], json!(version), "{versions:#}");
    let connections = figures(&world, "revops-lead", "?by=connection").await;
    let names: Vec<&Json> =
        connections["groups"].as_array().expect("groups").iter().map(|group| &group["connection"]).collect();
    assert_eq!(names, [&json!("billing"), &json!("crm")]);
    assert_eq!(connections["groups"][1]["figures"].get("submitted"), None, "{connections:#}");
    let watched = world.watched("/metrics").await.text;
    assert!(
        watched.contains(r#"countersign_attempts_total{connection="crm",outcome="landed"} 4"#),
        "{watched}"
    );
    assert_eq!(connections["groups"][1]["figures"]["attempts"]["count"], 4);
    let tomorrow = figures(&world, "revops-lead", "?since=2026-11-01&until=2026-11-22").await;
    assert_eq!(tomorrow["all"]["figures"]["submitted"]["count"], 0, "{tomorrow:#}");
}

#[tokio::test]
async fn a_command_prints_them() {
    let world = World::start().await;
    planted(&world).await;
    let command = async |arguments: &[&str]| {
        let mut command = Command::new(program().expect("the program was built"));
        command.arg("measure").args(arguments).kill_on_drop(true);
        command.env("COUNTERSIGN_URL", format!("http://{}", world.address));
        command.env("COUNTERSIGN_TOKEN", secret("revops-lead"));
        let said = command.output().await.expect("it runs");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).expect("it prints text")
    };
    let text = command(&["--since", "7d"]).await;
    let lines: Vec<String> =
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for wanted in [
        "2026-11-16 to 2026-11-23 (UTC)",
        "leak of time: Waited for people 3 h",
        "Asked for 4",
        "Decided by policy 33.3 % (1 of 3)",
        "Time to decision by people 1 h (mean 1 h 30 min; 90 % 2 h; 95 % 2 h; of 2)",
        "the reconciliation is missing of 2",
        "manager 2 0",
    ] {
        assert!(lines.iter().any(|line| line == wanted), "no `{wanted}`: {text}");
    }
    let text = command(&["--by", "connection", "--formulas"]).await;
    assert!(text.contains("attempts by which the write was in / attempts"), "{text}");
    assert!(text.lines().any(|line| line.starts_with("crm ") && line.contains("100.0 % (4 of 4)")), "{text}");
    let json: Json = serde_json::from_str(&command(&["--json", "--per", "month"]).await).expect("JSON");
    assert_eq!((&json["per"], &json["periods"][0]["since"]), (&json!("month"), &json!("2026-11-01")));
}

#[tokio::test]
async fn figures_are_for_those_for_whom_the_intents_are_and_amounts_for_those_who_see_them() {
    let hidden = World::of(Setup { rulebook: restricted(&[CLOSED]), ..Setup::default() }).await;
    hidden.submitted("k-1", SMALL).await;
    // Going live is for those for whom the draft is, intent by intent: the pricing lead is told no figures of it.
    let people =
        [("ae-2", 0, true), ("revops-lead", 1, false), ("auditor-1", 1, false), ("pricing-lead", 1, true)];
    for (person, submitted, withheld) in people {
        let told = figures(&hidden, person, "").await;
        assert_eq!(told["all"]["figures"]["submitted"]["count"], submitted, "{person}: {told:#}");
        assert_eq!(told.get("withheld").is_some(), withheld, "{person}: {told:#}");
    }
    let world =
        World::of(Setup { rulebook: restricted(&[("## Bindings", FIELDS)]), ..Setup::default() }).await;
    let place = world.submitted("k-1", &discount("4%")).await;
    state(&world, &place, "done").await;
    // Somebody changes the price by hand, and it is looked at.
    world.connectors.put(
        "crm",
        "quote",
        "q-1",
        &[("net_price", countersign_core::record::Value::Decimal("1".into()))],
    );
    for _ in 0..40 {
        world.clock.turn(Millis::minutes(5));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let all = figures(&world, "auditor-1", "").await;
    let few = figures(&world, "ae-2", "").await;
    let of = |told: &Json, id: &str| told["all"]["figures"][id].clone();
    assert_eq!(of(&all, "rework_rate")["part"], 1, "{all:#}");
    assert_eq!(of(&all, "leak_money"), json!({"money": [{"amount": "98765.43", "currency": "USD"}]}));
    assert_eq!(
        (of(&few, "rework_rate"), of(&few, "leak_money")),
        (of(&all, "rework_rate"), json!({"money": []}))
    );
    assert!(!few.to_string().contains("98765"), "{few:#}");
    // No figure names a person.
    for who in ["ae-1", "sales-manager-1", "finance-1"] {
        assert!(!all.to_string().contains(who), "{who}: {all:#}");
    }
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_said_all_at_once() {
    let world = World::start().await;
    let refused = world.get("ae-1", "/v1/measures?by=person&since=tomorrow&until=x&per=hour").await;
    refused.is_problem(400, "CS-E0210");
    assert_eq!(refused.json["errors"].as_array().expect("errors").len(), 4, "{}", refused.text);
    for query in [
        "?since=2026-11-24",
        "?since=2026-11-20&until=2026-11-19",
        "?until=2026-11-24",
        "?since=3660d&per=day",
        "?since=3661d",
        "?since=2000-01-01",
    ] {
        world.get("ae-1", &format!("/v1/measures{query}")).await.is_problem(400, "CS-E0210");
    }
    for query in
        ["?since=2026-11-23", "?since=3660d", "?since=366d&per=week", "?since=2026-11-23&until=2026-11-23"]
    {
        figures(&world, "ae-1", query).await;
    }
}

#[tokio::test]
async fn while_a_long_log_is_read_whoever_asks_is_told_so_and_then_gets_the_figures() {
    let world = World::start().await;
    world.submitted("k-1", SMALL).await;
    for stream in 0..BEHIND.div_ceil(COMMIT * COMMITS) {
        for commit in 0..COMMITS {
            let append = Append {
                stream: format!("record/{stream}").into(),
                expected: (commit * COMMIT) as u64,
                entries: (0..COMMIT).map(|_| Arc::from(&b"{}"[..])).collect(),
                errands: Vec::new(),
                row: None,
            };
            let batch = Batch { appends: vec![append], caller_key: None };
            world.store.append(batch).await.expect("it is stored");
        }
    }
    let behind = world.get("ae-1", "/v1/measures").await;
    behind.is_problem(503, "CS-E0255");
    assert!(!behind.header("retry-after").is_empty());
    world.engine.keep_measures();
    for _ in 0..500 {
        if world.get("ae-1", "/v1/measures").await.status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let told = figures(&world, "ae-1", "").await;
    assert_eq!(told["all"]["figures"]["submitted"]["count"], 1, "{told:#}");
    assert!(BEHIND as u64 <= told["position"].as_u64().expect("a place"), "{told:#}");
}

#[tokio::test]
async fn the_page_says_every_figure_with_its_formula_and_a_file_has_them_too() {
    let browsers = Browsers::start().await;
    let cookie = browsers.signed_in("sales-manager-1").await;
    let empty = browsers.get(&cookie, "/measures").await;
    assert_eq!(empty.status, 200, "{}", empty.text);
    assert!(empty.text.contains("nothing happened that could be counted"), "{}", empty.text);
    assert!(empty.text.contains("countersign intent submit"), "{}", empty.text);
    planted(&browsers.world).await;
    let page = browsers.get(&cookie, "/measures?since=2026-11-01&until=&by=type&per=day").await;
    assert_eq!(page.status, 200, "{}", page.text);
    for measure in MEASURES {
        assert!(page.text.contains(measure.formula), "{}: {}", measure.id, page.text);
    }
    for wanted in [
        "<a href=\"/measures\" aria-current=\"page\">Measures</a>",
        "<dd class=\"figure\">3 h</dd>",
        "33.3 % (1 of 3)",
        "1 h (mean 1 h 30 min; 90 % 2 h; 95 % 2 h; of 2)",
        "<title>2026-11-23: 4</title>",
        "Show as table",
        "<a href=\"/intents?type=discount\">discount</a>",
        "value=\"2026-11-01\"",
        "<option selected>day</option>",
        "<th scope=\"row\">manager</th>",
    ] {
        assert!(page.text.contains(wanted), "no {wanted}: {}", page.text);
    }
    let rest = without_module(&page.text);
    for forbidden in ["<script", "style=", "http://", "https://", "onclick"] {
        assert!(!rest.contains(forbidden), "{forbidden}: {}", page.text);
    }
    let style = browsers.get("", "/assets/measures.css").await;
    assert_eq!((style.status, style.header("content-type")), (200, "text/css; charset=utf-8"));
    for by in ["policy", "connection"] {
        let page = browsers.get(&cookie, &format!("/measures?by={by}")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        assert!(
            page.text.contains(if by == "policy" { "By version" } else { "By connection" }),
            "{}",
            page.text
        );
    }
    let file = browsers.get(&cookie, "/measures.csv?by=connection").await;
    assert_eq!((file.status, file.header("content-type")), (200, "text/csv; charset=utf-8"), "{}", file.text);
    assert!(file.header("content-disposition").starts_with("attachment; filename=\"measures-2026-"));
    assert!(file.text.starts_with("\u{feff}group,period,measure,count,"), "{}", file.text);
    assert!(file.text.contains("\r\nall,,submitted,4,"), "{}", file.text);
    assert!(file.text.contains("\r\ncrm,,attempts,4,"), "{}", file.text);
    let wrong = browsers.get(&cookie, "/measures?since=tomorrow").await;
    assert_eq!(wrong.status, 400, "{}", wrong.text);
    assert!(wrong.text.contains("since") && wrong.text.contains("90d"), "{}", wrong.text);
    for path in ["/measures", "/measures.csv"] {
        let stranger = browsers.get("", path).await;
        assert_eq!((stranger.status, stranger.header("location")), (303, "/sign-in?next=%2Fmeasures"));
    }
}
