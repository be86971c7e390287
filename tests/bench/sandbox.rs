//! What the sandbox costs: cold and cached load, and one call without I/O in a fresh store.

use crate::figures::{Report, micros, millis, percentile};
use crate::yardstick::bench_folder;
use anyhow::Context as _;
use countersign_connectors::{ConnectionOptions, RawConnection, Runtime, Secret};
use countersign_core::effect::attempt::Ended;
use countersign_core::effect::plan::Proposal;
use countersign_core::id::ConnectionName;
use countersign_core::record::{Field, RecordRef, Value};
use countersign_core::time::Timestamp;
use countersign_engine::port::connectors::Connectors as _;
use countersign_tests::world::{root, runtime};
use std::path::Path;
use std::time::Instant;

/// Calls measured.
const CALLS: usize = 5_000;

fn webhook() -> anyhow::Result<Vec<u8>> {
    let path = root().join("target/connectors/countersign.webhook.wasm");
    std::fs::read(&path).with_context(|| {
        format!("{}: build it first: cargo run --release -- connector build plugins", path.display())
    })
}

/// A runtime with the `webhook` connector installed.
pub(crate) async fn runtime_with_webhook(folder: &Path) -> anyhow::Result<Runtime> {
    let runtime = runtime(folder)?;
    runtime.install(webhook()?).await?;
    Ok(runtime)
}

/// A connection to the sink.
pub(crate) fn webhook_connection(name: &str, port: u16) -> anyhow::Result<ConnectionOptions> {
    let text = format!(
        "connector = \"countersign.webhook\"\nallow = [\"127.0.0.0/8\"]\n\
         rate = {{ per-second = 1000000, burst = 1000000, concurrent = 64 }}\n\
         [endpoints.receiver]\nbase = \"http://127.0.0.1:{port}\"\nsecret = \"bench\"\n"
    );
    let raw: RawConnection = toml::from_str(&text)?;
    // 24 bytes in base 64, as Standard Webhooks writes a v1 secret.
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    raw.resolve(ConnectionName::parse(name)?, |_| Ok(Secret::new(secret.to_owned())))
        .map_err(|faults| anyhow::anyhow!("{faults:?}"))
}

pub(crate) fn run(report: &mut Report) -> anyhow::Result<()> {
    let executor = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    executor.block_on(measure(report))
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let folder = tempfile::tempdir_in(bench_folder())?;
    let bytes = webhook()?;
    let start = Instant::now();
    let first = runtime(folder.path())?;
    let installed = first.install(bytes).await?;
    report.row("connector install, cold", millis(start.elapsed()), "start, check, compile, describe, store");
    drop(first);
    let second = runtime(folder.path())?;
    let start = Instant::now();
    second.load(installed.digest).await?;
    report.row("connector load, cached", millis(start.elapsed()), "hash, MAC, map, link");

    let connection = second.connect(webhook_connection("sink-a", 9)?)?;
    let what = Proposal {
        operation: "deliver".to_owned(),
        subject: RecordRef { kind: "record".to_owned(), id: "order-1".to_owned() },
        fields: vec![Field { name: "reason".to_owned(), value: Value::Text("goodwill".to_owned()) }],
    };
    let mut times = Vec::new();
    for _ in 0..CALLS {
        let start = Instant::now();
        let ended = second.plan(&connection.name, connection.digest, what.clone(), Timestamp(0)).await;
        times.push(start.elapsed());
        anyhow::ensure!(matches!(ended, Ended::Returned(_)), "the plan failed: {ended:?}");
    }
    times.sort();
    let native = native(&what);
    report.row(
        "attempt overhead (fresh store, instantiate, call, drop)",
        micros(percentile(&times, 50)),
        format!("p99 {}; the same plan as a native call {}", micros(percentile(&times, 99)), micros(native)),
    );
    Ok(())
}

/// The same work without a sandbox: each field copied into a change.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn native(what: &Proposal) -> std::time::Duration {
    let mut times = Vec::new();
    for _ in 0..CALLS {
        let start = Instant::now();
        let what = std::hint::black_box(what.clone());
        let changes: Vec<(String, Value, Value)> =
            what.fields.into_iter().map(|field| (field.name, Value::Absent, field.value)).collect();
        std::hint::black_box(changes);
        times.push(start.elapsed());
    }
    times.sort();
    percentile(&times, 50)
}
