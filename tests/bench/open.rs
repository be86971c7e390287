//! How soon a host with very many open intents works again after it died, how long its index takes to be built anew,
//! and what it costs to count what is open.

use crate::decisions::{self, tokens};
use crate::figures::{Report, millis, resident_mib};
use crate::yardstick::bench_folder;
use anyhow::Context as _;
use countersign_core::intent::Raw;
use countersign_engine::engine::{Engine, Submission};
use countersign_store_local::{LocalStore, Options};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Intents that wait for somebody, unless `OPEN_INTENTS` says otherwise.
const OPEN: usize = 100_000;
/// How many are asked for at one time.
const AT_ONCE: usize = 256;
/// How often a host is started on what the one before left.
const STARTS: usize = 5;

fn open() -> usize {
    std::env::var("OPEN_INTENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(OPEN)
}

/// An intent that a person must decide.
fn waits(number: usize) -> Raw {
    let Raw::Map(mut members) = tokens(number) else { return Raw::Null };
    for (name, value) in &mut members {
        if name == "reason" {
            *value = Raw::Text("defect".to_owned());
        }
    }
    Raw::Map(members)
}

async fn engine(store: &Arc<LocalStore>) -> anyhow::Result<Engine> {
    let record = countersign_engine::people::recorded(&**store).await;
    let record = record.map_err(|fault| anyhow::anyhow!("{fault}"))?;
    decisions::engine(store, record, u64::from(std::process::id()))
}

/// The host's process: takes what is asked for, and dies.
#[expect(clippy::disallowed_methods, reason = "callers of a benchmark end by themselves")]
pub(crate) fn host(folder: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let store = Arc::new(LocalStore::open(Options::at(Path::new(folder).join("data")))?);
        let engine = engine(&store).await?;
        let callers = (0..AT_ONCE).map(|caller| {
            let engine = engine.clone();
            tokio::spawn(async move {
                for number in (caller..open()).step_by(AT_ONCE) {
                    let submission = Submission {
                        requester: "ae-1".to_owned(),
                        intent_type: "plain".to_owned(),
                        tokens: waits(number),
                        key: None,
                    };
                    engine.submit(submission).await?;
                }
                anyhow::Ok(())
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await??;
        }
        anyhow::Ok(())
    })?;
    std::process::abort()
}

/// One start: how long until the log is open, and until something new is asked for and kept.
struct Start {
    opened: Duration,
    ready: Duration,
    counted: Duration,
    entries: u64,
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn start(folder: &Path) -> anyhow::Result<Start> {
    let begun = Instant::now();
    let store = Arc::new(LocalStore::open(Options::at(folder.join("data")))?);
    let opened = begun.elapsed();
    let engine = engine(&store).await?;
    let submission = Submission {
        requester: "ae-1".to_owned(),
        intent_type: "plain".to_owned(),
        tokens: waits(0),
        key: None,
    };
    engine.submit(submission).await?;
    let ready = begun.elapsed();
    let counting = Instant::now();
    engine.look_at_open().await.map_err(|fault| anyhow::anyhow!("{fault}"))?;
    let counted = counting.elapsed();
    engine.stop().await;
    Ok(Start { opened, ready, counted, entries: store.opened().entries })
}

/// Reads and writes of the whole machine are forgotten, so that the next start reads from the disk.
fn forget_pages() -> bool {
    std::process::Command::new("sync").status().is_ok_and(|status| status.success())
        && std::fs::write("/proc/sys/vm/drop_caches", "3").is_ok()
}

pub(crate) fn run(report: &mut Report) -> anyhow::Result<()> {
    let folder = tempfile::tempdir_in(bench_folder())?;
    let place = folder.path().to_string_lossy().into_owned();
    let ended = Command::new(std::env::current_exe()?)
        .env("COUNTERSIGN_BENCH_ROLE", "host-open")
        .env("BENCH_FOLDER", &place)
        .status()?;
    anyhow::ensure!(!ended.success(), "the host was to die");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut once = |name: &str, prepare: &dyn Fn() -> anyhow::Result<String>| -> anyhow::Result<()> {
        let mut starts = Vec::new();
        let mut beside = String::new();
        for _ in 0..STARTS {
            beside = prepare()?;
            starts.push(runtime.block_on(start(folder.path()))?);
        }
        starts.sort_by_key(|start| start.ready);
        let median = starts.get(STARTS / 2).context("it was started")?;
        report.row(
            &format!("{name}, {} open intents", open()),
            millis(median.ready),
            format!(
                "log open after {}; counting what is open {}; {} entries; {:.0} MiB{beside}",
                millis(median.opened),
                millis(median.counted),
                median.entries,
                resident_mib()
            ),
        );
        Ok(())
    };
    once("restart after a death, warm", &|| Ok(String::new()))?;
    once("restart after a death, cold", &|| {
        Ok(if forget_pages() {
            String::new()
        } else {
            "; pages could not be dropped: this is warm".to_owned()
        })
    })?;
    once("restart without an index", &|| {
        std::fs::remove_dir_all(folder.path().join("data/index"))?;
        Ok(String::new())
    })
}
