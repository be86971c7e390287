//! How soon a host that was killed works again: 64 approvals were in flight, each with two effects.

use crate::decisions::rulebook;
use crate::effects::Sink;
use crate::figures::{Report, millis, percentile};
use crate::sandbox::{runtime_with_webhook, webhook_connection};
use crate::yardstick::bench_folder;
use anyhow::Context as _;
use countersign_engine::engine::{Engine, Parts};
use countersign_engine::port::store::{PAGE_ROWS_MAX, Query, Store as _, StreamName};
use countersign_engine::simulated::SeededChance;
use countersign_store_local::{LocalStore, Options};
use countersign_tests::world::RealClock;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a host is killed and started again.
const KILLS: usize = 9;
/// How long it works before it is killed.
const LIFE: Duration = Duration::from_millis(700);
/// Approvals in flight.
const IN_FLIGHT: usize = 64;
/// How often the host looks whether something is done.
const LOOK: Duration = Duration::from_millis(1);

/// The host's process: `host-load` submits until it is killed, `host-recover` finishes what is open.
pub(crate) fn host(role: &str) -> anyhow::Result<()> {
    let (folder, port) = (std::env::var("BENCH_FOLDER")?, std::env::var("BENCH_PORT")?.parse()?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let folder = Path::new(&folder);
        let store = Arc::new(LocalStore::open(Options::at(folder.join("data")))?);
        let open = open(&store).await?;
        let connectors = runtime_with_webhook(&folder.join("connectors")).await?;
        for name in ["sink-a", "sink-b"] {
            connectors.connect(webhook_connection(name, port)?)?;
        }
        let engine = Engine::start(Parts {
            record: countersign_engine::people::Record::default(),
            notifier: Arc::new(countersign_engine::port::notifier::NoNotifier),
            components: Arc::new(countersign_engine::port::components::NoComponents),
            catalogue: Arc::new(countersign_engine::port::catalogue::NoCatalogue),
            store: store.clone(),
            connectors: Arc::new(connectors),
            clock: Arc::new(RealClock),
            chance: Arc::new(SeededChance::new(u64::from(std::process::id()))),
            rulebook: rulebook()?,
        });
        println!("ready {}", open.len());
        if role == "host-recover" { recover(&store, open).await } else { load(&engine).await }
    })
}

/// The approvals that are not done.
async fn open(store: &LocalStore) -> anyhow::Result<Vec<StreamName>> {
    let mut open = Vec::new();
    for state in ["preparing", "executing"] {
        let labels = BTreeMap::from([("state".to_owned(), state.to_owned())]);
        let page = store.query(Query { labels, after: None, limit: PAGE_ROWS_MAX }).await?;
        open.extend(page.rows.into_iter().map(|row| row.stream));
    }
    Ok(open)
}

async fn recover(store: &LocalStore, mut open: Vec<StreamName>) -> anyhow::Result<()> {
    let mut first = false;
    while !open.is_empty() {
        let mut left = Vec::new();
        for stream in std::mem::take(&mut open) {
            let row = store.row(&stream).await?.context("an approval has no row")?;
            if !row.row.labels.contains(&("state".to_owned(), "done".to_owned())) {
                left.push(stream);
            } else if !std::mem::replace(&mut first, true) {
                println!("first");
            }
        }
        open = left;
        tokio::time::sleep(LOOK).await;
    }
    println!("all");
    Ok(())
}

async fn load(engine: &Engine) -> anyhow::Result<()> {
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..IN_FLIGHT {
        let engine = engine.clone();
        callers.spawn(async move {
            for number in caller.. {
                crate::effects::approve(&engine, number, Duration::from_millis(10)).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = callers.join_next().await {
        ended??;
    }
    Ok(())
}

struct Host {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    started: Instant,
}

impl Host {
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
    fn start(role: &str, folder: &Path, port: u16) -> anyhow::Result<Host> {
        let started = Instant::now();
        let mut process = Command::new(std::env::current_exe()?)
            .env("COUNTERSIGN_BENCH_ROLE", role)
            .env("BENCH_FOLDER", folder)
            .env("BENCH_PORT", port.to_string())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().context("the host has no output")?;
        Ok(Host { process, lines: BufReader::new(output).lines(), started })
    }

    /// Waits for a line that begins with `word`; gives its rest, and how long after the start it came.
    fn says(&mut self, word: &str) -> anyhow::Result<(String, Duration)> {
        for line in self.lines.by_ref() {
            if let Some(rest) = line?.strip_prefix(word) {
                return Ok((rest.trim().to_owned(), self.started.elapsed()));
            }
        }
        anyhow::bail!("the host ended without saying `{word}`")
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

pub(crate) fn run(report: &mut Report) -> anyhow::Result<()> {
    let sink = Sink::start()?;
    let folder = tempfile::tempdir_in(bench_folder())?;
    let (mut ready, mut first, mut all, mut open) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..KILLS {
        let mut loaded = Host::start("host-load", folder.path(), sink.port)?;
        loaded.says("ready")?;
        std::thread::sleep(LIFE);
        drop(loaded);
        let mut host = Host::start("host-recover", folder.path(), sink.port)?;
        let (count, took) = host.says("ready")?;
        if count == "0" {
            continue;
        }
        open.push(count.parse::<usize>()?);
        ready.push(took);
        first.push(host.says("first")?.1);
        all.push(host.says("all")?.1);
    }
    open.sort_unstable();
    let middle = open.get(open.len() / 2).copied().unwrap_or_default();
    let beside = format!("after kill -9 with {middle} approvals open (median of {})", open.len());
    for (name, mut times) in [("ready", ready), ("first approval done", first), ("all approvals done", all)] {
        times.sort();
        let most = times.last().copied().unwrap_or_default();
        let figure = millis(percentile(&times, 50));
        report.row(&format!("restart: {name}"), figure, format!("max {}; {beside}", millis(most)));
    }
    Ok(())
}
