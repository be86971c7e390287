//! The conformance kit on the connectors that we ship: their cassettes are recorded at real servers and
//! certify them, and each law is seen broken by a connector that breaks it.
//!
//! `COUNTERSIGN_WRITE=1` writes what was recorded into `plugins/*/cassettes`.

#[path = "conformance/broken.rs"]
mod broken;
#[path = "conformance/chargebee.rs"]
mod chargebee;
#[path = "conformance/docusign.rs"]
mod docusign;
#[path = "conformance/hubspot.rs"]
mod hubspot;
#[path = "conformance/mail.rs"]
mod mail;
#[path = "conformance/profile.rs"]
mod profile;
#[path = "conformance/quickbooks.rs"]
mod quickbooks;
#[path = "conformance/salesforce.rs"]
mod salesforce;
#[path = "conformance/scripted.rs"]
mod scripted;
#[path = "conformance/slack.rs"]
mod slack;
#[path = "conformance/webhook.rs"]
mod webhook;
#[path = "conformance/workshop.rs"]
mod workshop;
#[path = "conformance/xero.rs"]
mod xero;

use anyhow::{Context as _, Result, ensure};
use countersign::conformance::cassette::{self, Cassette};
use countersign::conformance::law::Level;
use countersign::conformance::report::Report;
use countersign::conformance::{Recordings, deliveries, record, run};
use countersign_connectors::{ConnectionOptions, RawConnection, Secret};
use countersign_core::id::ConnectionName;
use countersign_tests::guests;
use countersign_tests::servers::{
    Clause, Contract, HledgerWeb, LocalStripe, Quote, QuoteLine, Slack, Tryton, WebDav, sha256,
};
use countersign_tests::world::{program, root};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Strange inputs of a connector in the quick run.
const INPUTS: u64 = 1_000;

/// The same for a connector that has all of an SDK in it: the rarest of them are what an SDK must bear.
const SDK_INPUTS: u64 = 10_000;

/// The same for what was recorded just now.
const RECORDED_INPUTS: u64 = 50;

fn component(system: &str) -> Result<Vec<u8>> {
    let path = root().join(format!("target/connectors/countersign.{system}.wasm"));
    std::fs::read(&path)
        .with_context(|| format!("{}: `countersign connector build plugins` makes it", path.display()))
}

fn cassettes(system: &str) -> PathBuf {
    root().join("plugins").join(system).join("cassettes")
}

/// A connection with this secret, or with the one in this file if the host has to replace it.
fn connection(system: &str, base: &str, secret: &str) -> Result<ConnectionOptions> {
    let reference = if secret.is_empty() { "" } else { "secret = \"env:SECRET\"\n" };
    let manifest = std::fs::read_to_string(root().join("plugins").join(system).join("connector.toml"))?;
    let manifest = toml::from_str(&manifest)?;
    let mut token =
        token_path(&manifest).map_or_else(String::new, |path| format!("token = \"{base}/{path}\"\n"));
    let scheme = api(&manifest).and_then(|api| api.get("auth")?.get("scheme")?.as_str());
    if scheme == Some("oauth2-jwt") {
        token.push_str(
            "issuer = \"app-4711\"\nsubject = \"user-4711\"\nvariables.sign-in = \"sign-in.example\"\n",
        );
    }
    let raw: RawConnection = toml::from_str(&format!(
        "connector = \"countersign.{system}\"\nallow = [\"127.0.0.0/8\"]\n\
         [endpoints.api]\nbase = \"{base}\"\n{token}{reference}"
    ))?;
    let secret = |_: &str| match scheme {
        Some("oauth2-refresh") => Secret::of_file(Path::new(secret)),
        _ => Ok(Secret::new(secret.to_owned())),
    };
    raw.resolve(ConnectionName::parse("recorded")?, secret).map_err(|faults| anyhow::anyhow!("{faults:?}"))
}

/// The endpoint `api` of a manifest.
fn api(manifest: &toml::Table) -> Option<&toml::Value> {
    manifest.get("endpoints")?.get("api")
}

/// Where below its address a target gives tokens, if it gives any: a stand-in has no other address for them.
fn token_path(manifest: &toml::Table) -> Option<&str> {
    let token = api(manifest)?.get("auth")?.get("token")?.as_str()?;
    token.split_once("://")?.1.split_once('/').map(|(_, path)| path)
}

fn is_certified(report: &Report) -> Result<()> {
    ensure!(report.level == Level::Certified, "{}:\n{}", report.connector, report.words().join("\n"));
    Ok(())
}

/// One cassette before it is recorded.
fn asked(about: &str, operation: &str, subject: (&str, &str), fields: &Value) -> Value {
    json!({
        "cassette": 1, "about": about, "operation": operation, "now": "2026-11-02T10:00:00Z",
        "subject": {"kind": subject.0, "id": subject.1}, "fields": fields,
    })
}

fn money(amount: &str, currency: &str) -> Value {
    json!({"money": {"amount": amount, "currency": currency}})
}

/// Records each cassette at a real target, and certifies the connector by them together with those that no
/// server of ours can answer.
async fn recorded(system: &str, target: ConnectionOptions, all: Vec<(&str, Value)>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let component = component(system)?;
    for (name, asked) in &all {
        let file = folder.path().join(format!("{name}.json"));
        std::fs::write(&file, asked.to_string())?;
        let recorded = record(component.clone(), target.clone(), &file).await.context((*name).to_owned())?;
        ensure!(!recorded.exchanges.is_empty(), "{name}: something was recorded");
        if std::env::var_os("COUNTERSIGN_WRITE").is_some() {
            std::fs::create_dir_all(cassettes(system))?;
            recorded.write(&cassettes(system).join(format!("{name}.json")))?;
        }
    }
    let mut now = cassette::all(folder.path())?;
    let is_recorded = |kept: &Cassette| all.iter().any(|(name, _)| *name == kept.name);
    now.extend(cassette::all(&cassettes(system))?.into_iter().filter(|kept| !is_recorded(kept)));
    let deliveries = deliveries::all(&cassettes(system))?;
    // A record that was made just now costs what it costs.
    let recordings = Recordings { cassettes: now, deliveries, budgets: None };
    is_certified(&run(&component, recordings, RECORDED_INPUTS, &|_| {}).await?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_billing_answers_is_recorded_and_certifies() -> Result<()> {
    let billing = tokio::task::spawn_blocking(LocalStripe::start).await??;
    let about = "Recorded at localstripe 1.15.";
    let payer = billing.customer("Globex")?;
    let payment = billing.pay(&payer, 5_000, "USD")?;
    let refund = json!([{"name": "amount", "value": money("40.00", "USD")}, {"name": "reason", "value": {"text": "goodwill"}}]);
    let mut refund = asked(about, "create-refund", ("payment", &payment), &refund);
    refund["settings"] = json!({"refund-reason": "metadata"});
    let price = |customer: &str, amount: &str| {
        let fields = json!([{"name": "net_amount", "value": money(amount, "USD")}]);
        asked(about, "set-price", ("customer", customer), &fields)
    };
    let customer = billing.customer("Acme")?;
    billing.subscribe(&customer, 10_000_000, "USD")?;
    let other = billing.customer("Initech")?;
    billing.subscribe(&other, 10_000_000, "USD")?;
    let mut moved = price(&other, "75000.00");
    moved["rival"] = json!([{"name": "net_amount", "value": money("80000.00", "USD")}]);
    // Nothing is found under the name of a price that was refused; the straight way never asks.
    let unmade = json!([{
        "kept": true,
        "request": {"endpoint": "api", "method": "GET", "path": "/v1/plans/countersign_{{effect}}"},
        "response": {"status": 404, "body": {"json": {"error": {"type": "invalid_request_error", "message": "Not Found"}}}},
    }]);
    let mut priced = price(&customer, "75000.00");
    priced["exchanges"] = unmade;
    let target = connection("stripe", &billing.base_url(), billing.api_key())?;
    let all = vec![("refund", refund), ("price", priced), ("price-that-moved", moved)];
    recorded("stripe", target, all).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_crm_answers_is_recorded_and_certifies() -> Result<()> {
    let crm = tokio::task::spawn_blocking(Tryton::start).await??;
    let about = "Recorded at Tryton 8.2.";
    let account = crm.account("Acme", "mid", "cus_none")?;
    let lines = [QuoteLine { quantity: 1000, list_price: "100.00" }];
    let quote = || crm.quote(&Quote { account: &account, description: "New business", lines: &lines });
    let price = |percent: &str, net: &str| {
        json!([
            {"name": "discount_percent", "value": {"decimal": percent}},
            {"name": "net_amount", "value": money(net, "USD")},
        ])
    };
    let (first, second) = (quote()?, quote()?);
    let mut moved = asked(about, "set-price", ("quote", &second), &price("25", "75000.00"));
    moved["rival"] = price("20", "80000.00");
    let approval = json!([
        {"name": "intent_id", "value": {"text": "int_0123456789abcdefghjkmnpqrs"}},
        {"name": "decision", "value": {"text": "approve"}},
        {"name": "policy_version", "value": {"text": "p1"}},
    ]);
    let all = vec![
        ("price", asked(about, "set-price", ("quote", &first), &price("25", "75000.00"))),
        ("price-that-moved", moved),
        ("approval", asked(about, "record-approval", ("quote", &first), &approval)),
    ];
    let base = format!("{}/{}", crm.base_url(), crm.database());
    recorded("tryton", connection("tryton", &base, crm.api_key())?, all).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_contract_repository_answers_is_recorded_and_certifies() -> Result<()> {
    let contracts = tokio::task::spawn_blocking(WebDav::start).await??;
    let about = "Recorded at WsgiDAV 4.4.";
    let old = "Liability is capped at the fees of the last twelve months.";
    for id in ["C-100", "C-101"] {
        let clauses = [Clause { id: "7.2", topic: "liability", text: old }];
        contracts.put_contract(&Contract { id, value: "80000.00", paper: "ours", clauses: &clauses })?;
    }
    contracts.put_playbook(&[])?;
    let redline = |contract: &str, new: &str| {
        let clauses = json!([{
            "contract_clause_id": format!("{contract}/7.2"), "old_text_sha256": sha256(old), "new_text": new,
            "author": "counterparty counsel",
        }]);
        json!([{"name": "clauses", "value": {"json": clauses.to_string()}}])
    };
    let new = "Liability is capped at twice the fees of the last twelve months.";
    // A version that is there already, and is gone when it is read: only a person can say how that came.
    let gone = json!([{
        "kept": true,
        "request": {"endpoint": "api", "method": "GET", "path": "/contracts/C-100/versions/{{effect}}.json"},
        "response": {"status": 404},
    }]);
    let mut stored = asked(about, "store-version", ("contract", "C-100"), &redline("C-100", new));
    stored["exchanges"] = gone;
    let mut moved = asked(about, "store-version", ("contract", "C-101"), &redline("C-101", new));
    moved["rival"] = redline("C-101", "Liability is not capped.");
    let all = vec![("redline", stored), ("redline-that-moved", moved)];
    let secret = format!("{}:{}", contracts.user(), contracts.password());
    recorded("webdav", connection("webdav", &contracts.base_url(), &secret)?, all).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_ledger_answers_is_recorded_and_certifies() -> Result<()> {
    let ledger = tokio::task::spawn_blocking(HledgerWeb::start).await??;
    let fields = json!([
        {"name": "amount", "value": money("40.00", "USD")},
        {"name": "ledger_code", "value": {"text": "expenses:refunds"}},
        {"name": "reason", "value": {"text": "goodwill"}},
    ]);
    let about = "Recorded at hledger-web.";
    let entry = asked(about, "post-entry", ("journal", "main"), &fields);
    recorded("hledger", connection("hledger", &ledger.base_url(), "")?, vec![("entry", entry)]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_slack_answers_is_recorded_and_certifies() -> Result<()> {
    let slack = tokio::task::spawn_blocking(Slack::start).await??;
    let (slack, channel) = tokio::task::spawn_blocking(move || {
        let channel = slack.channel("general")?;
        anyhow::Ok((slack, channel))
    })
    .await??;
    // Words that Slack would take for a call to everybody, and for a link.
    let words = "Approved: 12 % on Q-1042 for <!channel> & Sons, see https://crm.example.com/quotes/1042";
    let fields = json!([{"name": "text", "value": {"text": words}}]);
    let announcement = asked("Recorded at backlot.", "post-message", ("channel", &channel), &fields);
    let target = connection("slack", &slack.base_url(), slack.token())?;
    recorded("slack", target, vec![("announcement", announcement)]).await?;
    let messages = tokio::task::spawn_blocking(move || slack.messages(&channel)).await??;
    let posted: Vec<&str> = messages.iter().filter_map(|message| message["text"].as_str()).collect();
    let ours: Vec<_> = posted.iter().filter(|text| text.contains("\nRef: eff_")).collect();
    ensure!(ours.len() == 1 && ours[0].contains("&lt;!channel&gt; &amp; Sons"), "{ours:?}");
    Ok(())
}

/// What stands beside each connector's source certifies it, on every machine and without a server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_connector_that_we_ship_is_certified_by_its_cassettes() -> Result<()> {
    for folder in std::fs::read_dir(root().join("plugins"))? {
        let folder = folder?.path();
        if !folder.join("connector.toml").is_file() {
            continue;
        }
        let system = folder.file_name().and_then(|name| name.to_str()).context("a name")?;
        let recordings = Recordings::of(&cassettes(system))?;
        ensure!(!recordings.cassettes.is_empty(), "{system} has cassettes");
        let report = run(&component(system)?, recordings, INPUTS, &|_| {}).await?;
        is_certified(&report)?;
        let unknown: Vec<_> = report.costs.iter().filter(|of| of.was.is_none()).collect();
        ensure!(unknown.is_empty(), "{system}: nobody agreed to these, `--accept-budgets` does: {unknown:?}");
        let fuzz = report.laws.last().context("laws")?;
        ensure!(INPUTS / 2 < fuzz.shown.checks, "{system}: strange inputs were tried");
    }
    Ok(())
}

/// The same run gives the same report: it can be signed, and made again by whoever doubts it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_run_gives_the_same_report() -> Result<()> {
    let once = || async {
        let report =
            run(&component("webhook")?, Recordings::of(&cassettes("webhook"))?, 200, &|_| {}).await?;
        anyhow::Ok(serde_json::to_string(&report)?)
    };
    ensure!(once().await? == once().await?);
    Ok(())
}

/// What an author has after one command is certified after the next, for each of these kinds of system. What a language's
/// tools have installed for one project serves the next.
fn new_projects_are_certified(language: &str, kinds: &[&str]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let countersign = |arguments: &[&str], at: &Path| -> Result<String> {
        let ended =
            Command::new(program()?).args(arguments).current_dir(at).env_remove("RUSTFLAGS").output()?;
        ensure!(ended.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ended.stderr));
        Ok(String::from_utf8(ended.stdout)?)
    };
    let project = folder.path().join("project");
    std::fs::create_dir(&project)?;
    for kind in kinds {
        let new =
            ["connector", "new", "vendor.some-crm", "--lang", language, "--system", kind, "--folder", "new"];
        countersign(&new, folder.path())?;
        put(&folder.path().join("new"), &project)?;
        let report = countersign(&["--json", "connector", "test", ".", "--inputs", "300"], &project)?;
        let report: Value = serde_json::from_str(&report)?;
        ensure!(
            report["level"] == "certified" && report["connector"] == "vendor.some-crm",
            "{kind}: {report:#}"
        );
    }
    if language == "rust" {
        // Built into the file where it lies already, it is not emptied.
        let file = "target/connectors/vendor.some-crm.wasm";
        countersign(&["connector", "build", ".", "--out", file], &project)?;
        ensure!(std::fs::metadata(project.join(file))?.len() != 0, "nothing is left of it");
        // Who builds the same elsewhere gets the same.
        let here = std::fs::read(project.join(file))?;
        let elsewhere = folder.path().join("somebody/elses");
        std::fs::create_dir_all(&elsewhere)?;
        std::fs::remove_dir_all(project.join("target"))?;
        let elsewhere = elsewhere.join("project");
        std::fs::rename(&project, &elsewhere)?;
        countersign(&["connector", "build", ".", "--out", file], &elsewhere)?;
        let there = std::fs::read(elsewhere.join(file))?;
        let folders = ["registry/src", "somebody/elses"];
        for name in folders {
            let is_in = there.windows(name.len()).any(|bytes| bytes == name.as_bytes());
            ensure!(!is_in, "it names a folder of the machine that built it: {name}");
        }
        ensure!(here == there, "the same project gives other bytes in another folder");
    }
    Ok(())
}

/// Puts a new project in the place of the one before, whose tools stay.
fn put(new: &Path, project: &Path) -> Result<()> {
    for entry in std::fs::read_dir(project)? {
        let entry = entry?;
        if entry.file_name() == "target" || entry.file_name() == "node_modules" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(entry.path())?;
        } else {
            std::fs::remove_file(entry.path())?;
        }
    }
    for entry in std::fs::read_dir(new)? {
        let entry = entry?;
        std::fs::rename(entry.path(), project.join(entry.file_name()))?;
    }
    Ok(std::fs::remove_dir(new)?)
}

// Each language with both of its templates, each kind of system somewhere, with an amount of money and without. Those of
// Rust with an amount are the SDK's own tests.

#[test]
fn new_projects_in_rust_are_certified_at_once() -> Result<()> {
    new_projects_are_certified("rust", &["other", "messages"])
}

#[test]
fn new_projects_in_python_are_certified_at_once() -> Result<()> {
    new_projects_are_certified("python", &["contract", "ledger"])
}

#[test]
fn new_projects_in_typescript_are_certified_at_once() -> Result<()> {
    new_projects_are_certified("typescript", &["crm", "messages"])
}

#[test]
fn new_projects_in_go_are_certified_at_once() -> Result<()> {
    new_projects_are_certified("go", &["other", "billing"])
}

#[test]
fn new_projects_in_c_are_certified_at_once() -> Result<()> {
    new_projects_are_certified("c", &["crm", "messages"])
}

/// A connector in C is certified, and wants nothing of WASI: the manifest says all that it can ask for.
async fn a_guest_in_c_is_certified(folder: &str, inputs: u64) -> Result<Report> {
    let built = guests::component(folder, env!("CARGO_TARGET_TMPDIR"))?;
    let recordings = Recordings::of(&root().join("tests/guests").join(folder).join("cassettes"))?;
    let report = run(&built, recordings, inputs, &|_| {}).await?;
    is_certified(&report)?;
    let of_wasi = b"wasi:";
    ensure!(!built.windows(of_wasi.len()).any(|part| part == of_wasi), "it wants something of WASI");
    Ok(report)
}

/// One that answers every question of the contract, and so has all of the SDK.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connector_in_c_on_its_sdk_is_built_and_keeps_the_laws() -> Result<()> {
    let report = a_guest_in_c_is_certified("c-told", SDK_INPUTS).await?;
    ensure!(report.operations.iter().all(|operation| operation.reversible), "it says what it can take back");
    ensure!(report.costs.iter().any(|of| of.call == "changes"), "it says of which kinds it tells");
    Ok(())
}

/// What needs no SDK keeps the laws too: one on nothing but the bindings.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connector_in_plain_c_is_built_and_keeps_the_laws() -> Result<()> {
    a_guest_in_c_is_certified("c-plain", INPUTS).await.map(drop)
}
