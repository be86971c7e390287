//! Durable decisions a second: intents that the table approves, without facts or effects.

use crate::figures::{Report, millis, percentile};
use crate::yardstick::{bench_folder, raw_sync};
use countersign_core::intent::Raw;
use countersign_core::rulebook::Rulebook;
use countersign_engine::engine::{Engine, Parts, Submission};
use countersign_engine::people::Record;
use countersign_engine::simulated::SeededChance;
use countersign_store_local::{LocalStore, Options};
use countersign_tests::scripted::Scripted;
use countersign_tests::world::{RealClock, source_files};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long each level is measured.
const LEVEL_SECONDS: u64 = 4;

/// The rules of the benches.
pub(crate) fn rulebook() -> anyhow::Result<Rulebook> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/rules");
    Rulebook::load(&source_files(&folder)?).map_err(|faults| anyhow::anyhow!("{faults:?}"))
}

pub(crate) fn tokens(amount: usize) -> Raw {
    let money = Raw::Map(vec![
        ("amount".to_owned(), Raw::Text(format!("{}.00", 1 + amount % 900))),
        ("currency".to_owned(), Raw::Text("USD".to_owned())),
    ]);
    Raw::Map(vec![
        ("order_id".to_owned(), Raw::Text(format!("order-{amount}"))),
        ("amount".to_owned(), money),
        ("reason".to_owned(), Raw::Text("goodwill".to_owned())),
    ])
}

pub(crate) fn run(report: &mut Report) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    for in_flight in [1, 16, 64, 256] {
        let (syncs, _) = raw_sync()?;
        let measured = runtime.block_on(level(in_flight))?;
        report.row(
            &format!("durable decisions, {in_flight} in flight"),
            format!("{:.0}/s", measured.rate),
            format!(
                "raw sync {syncs:.0}/s; p50 {} p99 {}; {:.3} syncs and {:.0} B a decision",
                millis(measured.median),
                millis(measured.high),
                measured.syncs,
                measured.bytes
            ),
        );
    }
    Ok(())
}

/// An engine over a log on disk, with connectors that nobody calls.
pub(crate) fn engine(store: &Arc<LocalStore>, record: Record, seed: u64) -> anyhow::Result<Engine> {
    Ok(Engine::start(Parts {
        record,
        notifier: Arc::new(countersign_engine::port::notifier::NoNotifier),
        components: Arc::new(countersign_engine::port::components::NoComponents),
        catalogue: Arc::new(countersign_engine::port::catalogue::NoCatalogue),
        store: store.clone(),
        connectors: Arc::new(Scripted::default()),
        clock: Arc::new(RealClock),
        chance: Arc::new(SeededChance::new(seed)),
        rulebook: rulebook()?,
    }))
}

struct Level {
    rate: f64,
    median: Duration,
    high: Duration,
    syncs: f64,
    bytes: f64,
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn level(in_flight: usize) -> anyhow::Result<Level> {
    let folder = tempfile::tempdir_in(bench_folder())?;
    let store = Arc::new(LocalStore::open(Options::at(folder.path().join("data")))?);
    let engine = engine(&store, Record::default(), in_flight as u64)?;
    let before = engine.health();
    let began = Instant::now();
    let mut callers = Vec::new();
    for caller in 0..in_flight {
        let engine = engine.clone();
        callers.push(tokio::spawn(async move {
            let mut times = Vec::new();
            let mut number = caller;
            while began.elapsed() < Duration::from_secs(LEVEL_SECONDS) {
                let start = Instant::now();
                engine
                    .submit(Submission {
                        requester: "ae-1".to_owned(),
                        intent_type: "plain".to_owned(),
                        tokens: tokens(number),
                        key: None,
                    })
                    .await?;
                times.push(start.elapsed());
                number += 1;
            }
            anyhow::Ok(times)
        }));
    }
    let mut times = Vec::new();
    for caller in callers {
        times.extend(caller.await??);
    }
    let took = began.elapsed();
    engine.stop().await;
    let after = engine.health();
    times.sort();
    let count = times.len() as f64;
    Ok(Level {
        rate: count / took.as_secs_f64(),
        median: percentile(&times, 50),
        high: percentile(&times, 99),
        syncs: (after.syncs - before.syncs) as f64 / count,
        bytes: (after.bytes - before.bytes) as f64 / count,
    })
}
