//! What connectors cost a host, in each language that we ship one in: a call without I/O, a start from the cache, an
//! installation, a swap under load, a thousand calls at once, and requests through the gate.
//!
//! The bars stand beside the figures; nothing is held to them here, since the machine is shared.

mod crowd;
mod gate;
mod swap;

use crate::figures::{Report, micros, millis, percentile};
use crate::yardstick::bench_folder;
use anyhow::{Context as _, Result, ensure};
use countersign::conformance::deliveries::{self, Told};
use countersign_connectors::{ConnectionOptions, RawConnection, Runtime, Secret};
use countersign_core::delivery::{Body, Delivery};
use countersign_core::effect::attempt::Ended;
use countersign_core::id::ConnectionName;
use countersign_core::time::Timestamp;
use countersign_engine::port::connectors::Connectors as _;
use countersign_tests::world::{root, runtime};
use std::path::Path;
use std::time::{Duration, Instant};

/// Calls that are measured of one connector, one after the other.
const CALLS: usize = 3_000;
/// Starts that are measured of one connector; the one in the middle counts.
const STARTS: usize = 9;

/// A connector that we ship, and what is asked of it.
struct Shipped {
    language: &'static str,
    system: &'static str,
    call_bar: &'static str,
    start_bar: &'static str,
    install_bar: &'static str,
}

const SHIPPED: [Shipped; 4] = [
    Shipped {
        language: "Rust",
        system: "webhook",
        call_bar: "bar p50 60 us, p99 250 us",
        start_bar: "bar 5 ms",
        install_bar: "bar 2 s",
    },
    Shipped {
        language: "TypeScript",
        system: "slack",
        call_bar: "bar p50 300 us",
        start_bar: "no bar",
        install_bar: "no bar",
    },
    Shipped {
        language: "Go",
        system: "quickbooks",
        call_bar: "no bar",
        start_bar: "no bar",
        install_bar: "no bar",
    },
    Shipped {
        language: "Python",
        system: "mail",
        call_bar: "bar p50 2 ms",
        start_bar: "bar 10 ms",
        install_bar: "bar 30 s",
    },
];

pub(crate) fn run(report: &mut Report) -> Result<()> {
    let executor = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    executor.block_on(async {
        for shipped in &SHIPPED {
            measure(report, shipped).await?;
        }
        crowd::run(report).await?;
        swap::run(report).await?;
        gate::run(report).await
    })
}

fn component(system: &str) -> Result<Vec<u8>> {
    let path = root().join(format!("target/connectors/countersign.{system}.wasm"));
    std::fs::read(&path)
        .with_context(|| format!("{}: build it first: countersign connector build plugins", path.display()))
}

/// A connection to nobody: what is asked sends nothing.
fn connection(system: &str, folder: &Path) -> Result<ConnectionOptions> {
    let token = match system {
        "quickbooks" => "token = \"http://127.0.0.1:9/token\"\n",
        _ => "",
    };
    let endpoint = if system == "webhook" { "receiver" } else { "api" };
    let raw: RawConnection = toml::from_str(&format!(
        "connector = \"countersign.{system}\"\nallow = [\"127.0.0.0/8\"]\n\
         [endpoints.{endpoint}]\nbase = \"http://127.0.0.1:9\"\n{token}secret = \"bench\"\n"
    ))?;
    let file = folder.join("refresh-token");
    std::fs::write(&file, "user:secret\nrefresh\n")?;
    let secret = |_: &str| match system {
        "quickbooks" => Secret::of_file(&file),
        // 24 bytes in base 64, as Standard Webhooks writes a v1 secret.
        _ => Ok(Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned())),
    };
    raw.resolve(ConnectionName::parse("bench")?, secret).map_err(|faults| anyhow::anyhow!("{faults:?}"))
}

/// The first delivery that is recorded of a connector: every language has one, and nothing is sent for it.
fn told(system: &str) -> Result<Told> {
    let folder = root().join("plugins").join(system).join("cassettes");
    deliveries::all(&folder)?.into_iter().next().context("a delivery")
}

fn delivery(told: &Told) -> Result<Delivery> {
    Ok(Delivery {
        connection: ConnectionName::parse("bench")?,
        hook: told.hook.clone(),
        headers: told.headers.clone(),
        body: Body::of(told.body.bytes()),
    })
}

/// Has a connector say what a delivery is about, or asks for. It must be what is recorded.
async fn asked(connectors: &Runtime, delivery: &Delivery, told: &Told) -> Result<()> {
    let now = Timestamp::from_rfc3339(&told.now).context("a moment")?;
    if told.intents.is_empty() {
        let ended = connectors.interpret(delivery.clone(), now).await;
        ensure!(matches!(&ended, Ended::Returned(records) if *records == told.records), "{ended:?}");
    } else {
        let ended = connectors.receive(delivery.clone(), now).await;
        ensure!(matches!(&ended, Ended::Returned(drafts) if drafts.len() == told.intents.len()), "{ended:?}");
    }
    Ok(())
}

/// The same without a sandbox: the body is read, and what it is about is made.
fn natively(told: &Told) -> Result<()> {
    let body: serde_json::Value = serde_json::from_slice(&std::hint::black_box(told.body.bytes()))?;
    std::hint::black_box((body, told.records.clone(), told.intents.clone()));
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn measure(report: &mut Report, shipped: &Shipped) -> Result<()> {
    let Shipped { language, system, call_bar, start_bar, install_bar } = shipped;
    let folder = tempfile::tempdir_in(bench_folder())?;
    let connectors = folder.path().join("connectors");
    let (told, bytes) = (told(system)?, component(system)?);
    let delivery = delivery(&told)?;
    let (first, options) = (runtime(&connectors)?, connection(system, folder.path())?);
    let began = Instant::now();
    let installed = first.install(bytes).await?;
    first.connect(options.clone())?;
    asked(&first, &delivery, &told).await?;
    report.row(&format!("{language}: install to active"), millis(began.elapsed()), *install_bar);
    drop(first);

    let mut starts = Vec::new();
    let mut started = None;
    for _ in 0..STARTS {
        let host = runtime(&connectors)?;
        let began = Instant::now();
        host.load(installed.digest).await?;
        host.connect(options.clone())?;
        asked(&host, &delivery, &told).await?;
        starts.push(began.elapsed());
        started = Some(host);
    }
    starts.sort();
    let slowest = starts.last().copied().unwrap_or_default();
    report.row(
        &format!("{language}: from the cache to the first answer"),
        millis(percentile(&starts, 50)),
        format!("p50 of {STARTS}, the slowest {}; {start_bar}", millis(slowest)),
    );

    let host = started.context("it was started")?;
    let (mut calls, mut native) = (Vec::new(), Vec::new());
    for _ in 0..CALLS {
        let began = Instant::now();
        asked(&host, &delivery, &told).await?;
        calls.push(began.elapsed());
        let began = Instant::now();
        natively(&told)?;
        native.push(began.elapsed());
    }
    calls.sort();
    native.sort();
    let (call, beside) = (percentile(&calls, 50), percentile(&native, 50));
    report.row(
        &format!("{language}: a call without I/O"),
        micros(call),
        format!(
            "p99 {}; the same natively {}, ratio {}; {call_bar}",
            micros(percentile(&calls, 99)),
            micros(beside),
            ratio(call, beside),
        ),
    );
    Ok(())
}

/// How many times as long one is as the other.
fn ratio(one: Duration, other: Duration) -> String {
    format!("{:.2}", one.as_secs_f64() / other.as_secs_f64().max(f64::MIN_POSITIVE))
}
