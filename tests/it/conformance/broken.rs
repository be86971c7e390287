//! Each law is broken by a connector that keeps all the others, so that what the kit says is seen to be able
//! to fail.

use super::{asked, is_certified};
use anyhow::{Context as _, Result, ensure};
use countersign::conformance::budgets::Budgets;
use countersign::conformance::cassette::{self, Cassette};
use countersign::conformance::deliveries::Told;
use countersign::conformance::law::{Law, Level};
use countersign::conformance::report::Report;
use countersign::conformance::{Recordings, run};
use countersign_connectors::componentize;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// Strange inputs: enough to meet an answer that is no record.
const INPUTS: u64 = 400;

static COMPONENT: LazyLock<Vec<u8>> =
    LazyLock::new(|| component(str::to_owned).expect("it wraps into a component"));

/// The guest with another manifest.
fn component(manifest: impl Fn(&str) -> String) -> Result<Vec<u8>> {
    let module =
        countersign_tests::guests::module("rust-lawbreaker", "lawbreaker_guest", env!("CARGO_TARGET_TMPDIR"));
    let own = include_str!("../../guests/rust-lawbreaker/connector.toml");
    Ok(componentize(&module, &manifest(own))?)
}

/// What the target holds after these steps.
fn held(level: &str, version: u64, by: &[&str]) -> Value {
    json!({"json": {"level": level, "version": version, "owner": "Jane Canary", "by": by}})
}

fn exchange(when: &[&str], step: Option<&str>, request: Value, body: Value) -> Value {
    let mut request = request;
    request["endpoint"] = json!("api");
    json!({"when": when, "step": step, "request": request, "response": {"status": 200, "body": body}})
}

fn get(when: &[&str], body: Value) -> Value {
    exchange(when, None, json!({"method": "GET", "path": "/records/7"}), body)
}

fn put(when: &[&str], step: &str, level: &str, by: &str, body: Value) -> Value {
    let sent = json!({"json": {"level": level, "by": by}});
    exchange(when, Some(step), json!({"method": "PUT", "path": "/records/7", "body": sent}), body)
}

fn cassettes(breaks: &str) -> Result<Vec<Cassette>> {
    let (effect, undo, rival) = ("{{effect}}", "{{undo}}", "{{rival}}");
    let done = ["effect/set-level"];
    let undone = ["effect/set-level", "undo/restore-level"];
    let level = |level: &str| json!([{"name": "level", "value": {"text": level}}]);
    let list = exchange(&[], None, json!({"method": "GET", "path": "/records/"}), json!({"json": []}));
    let base = |exchanges: Vec<Value>| {
        let mut cassette = asked("Made up.", "set-level", ("record", "7"), &level("gold"));
        cassette["settings"] = json!({"breaks": breaks});
        cassette["personal"] = json!(["Jane Canary"]);
        cassette["exchanges"] = json!(exchanges);
        cassette
    };
    let straight = base(vec![
        list,
        get(&[], held("silver", 1, &[])),
        put(&[], "effect/set-level", "gold", effect, held("gold", 2, &[effect])),
        get(&done, held("gold", 2, &[effect])),
        put(&done, "undo/restore-level", "silver", undo, held("silver", 3, &[effect, undo])),
        get(&undone, held(if breaks == "half-undo" { "gold" } else { "silver" }, 3, &[effect, undo])),
    ]);
    let mut moved = base(vec![
        get(&[], held("silver", 1, &[])),
        put(&[], "rival/set-level", "bronze", rival, held("bronze", 2, &[rival])),
        get(&["rival/set-level"], held("bronze", 2, &[rival])),
        put(&["rival/set-level"], "effect/set-level", "gold", effect, held("gold", 3, &[rival, effect])),
    ]);
    moved["rival"] = level("bronze");
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("level.json"), straight.to_string())?;
    std::fs::write(folder.path().join("level-that-moved.json"), moved.to_string())?;
    cassette::all(folder.path())
}

async fn report(breaks: &str) -> Result<Report> {
    run(&COMPONENT, cassettes(breaks)?, INPUTS, &|_| {}).await
}

/// Every request bears a token that the kit's target gives, and a 401 costs one more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connector_whose_requests_bear_tokens_is_certified() -> Result<()> {
    for (scheme, further) in [
        ("oauth2-client", ", scopes = [\"records\"]"),
        ("oauth2-refresh", ""),
        ("oauth2-jwt", ", scopes = [\"records\"], audience = \"id.example.com\""),
    ] {
        let auth = format!("{{ scheme = \"{scheme}\", token = \"https://id.example.com/token\"{further} }}");
        let component = component(|manifest| manifest.replace("{ scheme = \"bearer\" }", &auth))?;
        ensure!(component != *COMPONENT, "its requests bear tokens");
        let report = run(&component, cassettes("nothing")?, INPUTS, &|_| {}).await?;
        is_certified(&report).context(scheme)?;
    }
    Ok(())
}

/// Every request is signed as the manifest declares it, with a key of the form that it wants.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connector_whose_requests_are_signed_is_certified() -> Result<()> {
    for further in [
        "",
        ", key = \"hex\"",
        ", key = \"base64\", key-header = \"x-key\"",
        ", value = \"v1 {key}:{signature}\"",
    ] {
        let sign = format!("{{ content = \"{{method}}{{target}}{{body}}\", header = \"x-sig\"{further} }}");
        let auth = format!("{{ scheme = \"hmac\", sign = {sign} }}");
        let component = component(|manifest| manifest.replace("{ scheme = \"bearer\" }", &auth))?;
        ensure!(component != *COMPONENT, "its requests are signed");
        let report = run(&component, cassettes("nothing")?, INPUTS, &|_| {}).await?;
        is_certified(&report).context(further)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_certified_by_what_was_not_looked_at() -> Result<()> {
    let silent = run(&COMPONENT, Vec::new(), INPUTS, &|_| {}).await?;
    ensure!(silent.level == Level::Loads, "without cassettes: {:?}", silent.level);
    let calm = run(&COMPONENT, cassettes("nothing")?, 0, &|_| {}).await?;
    ensure!(calm.level == Level::Safe, "without strange inputs: {:?}", calm.level);
    let nonsense = run(b"\0asm nonsense", Vec::new(), INPUTS, &|_| {}).await?;
    let of = nonsense.laws.iter().find(|of| of.law == Law::Static).context("a law")?;
    ensure!(nonsense.level == Level::None && of.shown.broken == 1, "{nonsense:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connector_that_contradicts_its_manifest_breaks_the_law_of_its_description() -> Result<()> {
    let component = component(|manifest| manifest.replace("version = \"1.0.0\"", "version = \"2.0.0\""))?;
    let report = run(&component, Vec::new(), INPUTS, &|_| {}).await?;
    let of = report.laws.iter().find(|of| of.law == Law::Describe).context("a law")?;
    ensure!(report.level == Level::None && of.shown.broken == 1, "{report:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connector_that_keeps_every_law_is_certified() -> Result<()> {
    let report = told(vec![delivery("nothing", "changes")?]).await?;
    is_certified(&report)?;
    let agreed = Some(Budgets::from_costs(&report.costs));
    let report = costing(vec![delivery("nothing", "changes")?], agreed).await?;
    is_certified(&report)?;
    // A law that nothing was looked at for would be kept by everybody.
    let idle: Vec<_> = report.laws.iter().filter(|of| of.shown.checks == 0).map(|of| of.law).collect();
    ensure!(idle.is_empty(), "nothing was looked at for {idle:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_law_is_seen_broken() -> Result<()> {
    let cases = [
        ("step-in-plan", Law::Phase, Level::Loads, "tried to send step `lock`"),
        ("no-look", Law::Idempotency, Level::Loads, "did step `effect/set-level` twice at the target"),
        ("other-bytes", Law::Idempotency, Level::Loads, "again with other bytes"),
        ("clock-in-step", Law::Idempotency, Level::Loads, "again with other bytes"),
        ("no-step", Law::Idempotency, Level::Loads, "gave a receipt and sent no step"),
        ("look-that-fails", Law::Idempotency, Level::Loads, "did step `effect/set-level` twice"),
        ("clock-in-receipt", Law::Determinism, Level::Safe, "gave a receipt"),
        ("silent-receipt", Law::Seal, Level::Loads, "does not say what became of `level`"),
        ("takes-any", Law::Probe, Level::Loads, "said `landed`"),
        ("untrue-probe", Law::Probe, Level::Loads, "said `landed`"),
        ("wrong-case", Law::Failures, Level::Loads, "said `rejected` (no: it did not work)"),
        ("transient-after-step", Law::Failures, Level::Loads, "said `transient` (odd: an odd answer)"),
        ("trap", Law::Failures, Level::Loads, "trapped"),
        ("trap", Law::Fuzz, Level::Loads, "trapped"),
        ("unsealed", Law::Seal, Level::Loads, "the steps were others"),
        ("no-conflict", Law::Seal, Level::Loads, "gave a receipt"),
        ("half-undo", Law::Compensation, Level::Safe, "`level` is gold, and was silver"),
        ("leak", Law::Hygiene, Level::Loads, "a record was read owner=Jane Canary"),
    ];
    let mut unseen = Vec::new();
    for (breaks, law, level, found) in cases {
        let report = report(breaks).await?;
        let of = report.laws.iter().find(|of| of.law == law).context("a law")?;
        if !of.shown.breaches.iter().any(|breach| breach.found.contains(found)) {
            unseen.push(format!("{breaks}, {law:?}, `{found}`:\n{}", report.words().join("\n")));
        }
        if report.level != level {
            unseen.push(format!("{breaks}: {:?} is reached, {level:?} was expected", report.level));
        }
    }
    ensure!(unseen.is_empty(), "{}", unseen.join("\n\n"));
    Ok(())
}

/// A delivery to the hook of the component that has one, with `breaks` as its setting.
fn delivery(breaks: &str, hook: &str) -> Result<Told> {
    Ok(serde_json::from_value(json!({
        "delivery": 1, "about": "a record has changed", "hook": hook, "now": "2026-11-02T10:00:00Z",
        "body": {"json": {"record": "17", "owner": "Ada Example", "wish": "gold"}}, "personal": ["Ada Example"],
        "records": [{"kind": "record", "id": "17"}], "settings": {"breaks": breaks},
        "intents": [{
            "intent-type": "level", "source": {"kind": "record", "id": "17"}, "dedupe-key": "17-gold",
            "fields": [{"name": "level", "value": {"text": "gold"}}],
        }],
    }))?)
}

/// The component with a hook.
fn hooked() -> Result<Vec<u8>> {
    component(|manifest| {
        manifest.to_owned()
            + "\n[webhooks.changes]\nverify = { scheme = \"github\" }\n[intake]\nintent-types = [\"level\"]\n"
    })
}

/// The report of the component with a hook that is told these.
async fn told(deliveries: Vec<Told>) -> Result<Report> {
    costing(deliveries, None).await
}

/// The same where this was agreed to.
async fn costing(deliveries: Vec<Told>, budgets: Option<Budgets>) -> Result<Report> {
    let recordings = Recordings { cassettes: cassettes("nothing")?, deliveries, budgets };
    run(&hooked()?, recordings, INPUTS, &|_| {}).await
}

/// A release of the contract is for ever: what was built against one keeps every law in every later host.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_of_each_released_contract_stays_certified() -> Result<()> {
    for version in countersign_tests::guests::RELEASES {
        let component = countersign_tests::guests::released("lawbreaker", version, hooked)?;
        let exports = countersign_connectors::inspect(&component)?.exports;
        for export in ["identity", "reader", "writer", "compensator", "webhooks", "intake"] {
            let name = format!("countersign:connector/{export}@{version}");
            ensure!(exports.contains(&name), "{version}: it has no `{name}`: {exports:?}");
        }
        let deliveries = vec![delivery("nothing", "changes")?];
        let recordings = Recordings { cassettes: cassettes("nothing")?, deliveries, budgets: None };
        let report = run(&component, recordings, INPUTS, &|_| {}).await?;
        is_certified(&report)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_takes_much_more_than_was_agreed_to_is_no_more_certified() -> Result<()> {
    let agreed = Budgets::from_costs(&report("nothing").await?.costs);
    for (breaks, found) in [("burns-fuel", "units of fuel, and "), ("hoards-memory", "KiB of memory, and ")] {
        // Nobody has agreed to anything yet: it is said what is taken, and nothing is broken.
        let first = report(breaks).await?;
        is_certified(&first)?;
        ensure!(first.costs.iter().any(|of| of.call == "plan" && 0 < of.is.fuel), "{:?}", first.costs);
        let budgets = Some(agreed.clone());
        let recordings = Recordings { cassettes: cassettes(breaks)?, budgets, ..Recordings::default() };
        let report = run(&COMPONENT, recordings, INPUTS, &|_| {}).await?;
        ensure!(report.level == Level::Safe, "{breaks}: {:?}", report.level);
        let of = report.laws.iter().find(|of| of.law == Law::Budgets).context("the law")?;
        let told = report.words().join("\n");
        let is_plan = of.shown.breaches.iter().all(|breach| breach.doing == "plan");
        ensure!(is_plan && told.contains(found) && told.contains("--accept-budgets"), "{breaks}: {told}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_is_taken_for_what_it_is() -> Result<()> {
    let broken = |report: &Report, law: Law| {
        let of = report.laws.iter().find(|of| of.law == law);
        of.map(|of| of.shown.breaches.iter().map(|breach| breach.found.clone()).collect::<Vec<_>>())
    };
    for (deliveries, law, found) in [
        (Vec::new(), Law::Deliveries, "no delivery shows it"),
        (vec![delivery("nothing", "others")?], Law::Deliveries, "the manifest has no such hook"),
        (vec![delivery("delivery-kind", "changes")?], Law::Deliveries, "named [{\"kind\":\"other\""),
        (vec![delivery("delivery-leak", "changes")?], Law::Hygiene, "Ada Example"),
        (vec![delivery("delivery-trap", "changes")?], Law::Fuzz, ""),
    ] {
        let report = told(deliveries).await?;
        let breaches = broken(&report, law).context("the law")?;
        ensure!(breaches.iter().any(|breach| breach.contains(found)), "{law:?}: {breaches:?}");
        ensure!(report.level < Level::Certified, "{law:?}: {:?}", report.level);
    }
    Ok(())
}
