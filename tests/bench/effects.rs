//! Approvals with two effects each, through the sandbox and the egress gate, against a sink on
//! loopback that runs in a process of its own.

use crate::decisions::{rulebook, tokens};
use crate::figures::{Report, cpu, micros, millis, percentile, resident_mib};
use crate::sandbox::{runtime_with_webhook, webhook_connection};
use crate::yardstick::{bench_folder, raw_sync};
use countersign_engine::engine::{Engine, Parts, Submission};
use countersign_engine::simulated::SeededChance;
use countersign_store_local::{LocalStore, Options};
use countersign_tests::world::RealClock;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the crowded level is measured.
const LEVEL_SECONDS: u64 = 8;
/// Approvals measured one after the other.
const SINGLE_APPROVALS: usize = 300;
/// How often a lone approval is looked at while it is executed: finely, for its latency.
const LOOK_ALONE: Duration = Duration::from_micros(200);
/// How often each of many is looked at: rarely, since looking costs the host CPU too.
const LOOK_CROWDED: Duration = Duration::from_millis(10);

/// The sink's process: answers every POST with 200.
pub(crate) fn sink() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?.port());
        loop {
            let (socket, _) = listener.accept().await?;
            socket.set_nodelay(true)?;
            #[expect(clippy::disallowed_methods, reason = "the sink is no part of the engine")]
            tokio::spawn(async move {
                let service =
                    hyper::service::service_fn(|request: hyper::Request<hyper::body::Incoming>| async {
                        request.into_body().collect().await?;
                        let body = Full::new(Bytes::from_static(br#"{"ok":true}"#));
                        Ok::<_, hyper::Error>(hyper::Response::new(body))
                    });
                let http = hyper::server::conn::http1::Builder::new();
                drop(http.serve_connection(TokioIo::new(socket), service).await);
            });
        }
    })
}

pub(crate) struct Sink {
    process: Child,
    pub(crate) port: u16,
}

impl Sink {
    pub(crate) fn start() -> anyhow::Result<Sink> {
        let mut process = Command::new(std::env::current_exe()?)
            .env("COUNTERSIGN_BENCH_ROLE", "sink")
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let output = process.stdout.take().ok_or_else(|| anyhow::anyhow!("the sink has no output"))?;
        BufReader::new(output).read_line(&mut line)?;
        Ok(Sink { port: line.trim().parse()?, process })
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

pub(crate) fn run(report: &mut Report) -> anyhow::Result<()> {
    let sink = Sink::start()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let post = direct_posts(sink.port).await?;
        report.row("direct HTTP post to the sink", micros(post), "p50, one connection kept open");
        let (syncs, sync) = raw_sync()?;
        let folder = tempfile::tempdir_in(bench_folder())?;
        let store = Arc::new(LocalStore::open(Options::at(folder.path().join("data")))?);
        let connectors = runtime_with_webhook(&folder.path().join("connectors")).await?;
        for name in ["sink-a", "sink-b"] {
            connectors.connect(webhook_connection(name, sink.port)?)?;
        }
        let engine = Engine::start(Parts {
            record: countersign_engine::people::Record::default(),
            notifier: Arc::new(countersign_engine::port::notifier::NoNotifier),
            components: Arc::new(countersign_engine::port::components::NoComponents),
            catalogue: Arc::new(countersign_engine::port::catalogue::NoCatalogue),
            store: store.clone(),
            connectors: Arc::new(connectors),
            clock: Arc::new(RealClock),
            chance: Arc::new(SeededChance::new(1)),
            rulebook: rulebook()?,
        });
        rest(report).await;
        single(report, &engine, sync).await?;
        crowd(report, &engine, syncs).await?;
        engine.stop().await;
        anyhow::Ok(())
    })
}

/// Memory and CPU of a host with two connections and nothing to do.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn rest(report: &mut Report) {
    let before = cpu();
    let began = Instant::now();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let share = (cpu() - before).as_secs_f64() / began.elapsed().as_secs_f64() * 100.0;
    report.row("memory at rest", format!("{:.1} MiB", resident_mib()), format!("{share:.2} % of a core"));
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn single(report: &mut Report, engine: &Engine, sync: Duration) -> anyhow::Result<()> {
    let before = engine.health();
    let mut times = Vec::new();
    for number in 0..SINGLE_APPROVALS {
        let start = Instant::now();
        approve(engine, number, LOOK_ALONE).await?;
        times.push(start.elapsed());
    }
    let after = engine.health();
    times.sort();
    let count = SINGLE_APPROVALS as f64;
    report.row(
        "approval with two effects, 1 in flight",
        millis(percentile(&times, 50)),
        format!(
            "p99 {}; raw sync p50 {}; {:.2} syncs and {:.0} B an approval",
            millis(percentile(&times, 99)),
            millis(sync),
            (after.syncs - before.syncs) as f64 / count,
            (after.bytes - before.bytes) as f64 / count,
        ),
    );
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn crowd(report: &mut Report, engine: &Engine, syncs: f64) -> anyhow::Result<()> {
    let (before, cpu_before, began) = (engine.health(), cpu(), Instant::now());
    let mut callers = Vec::new();
    for caller in 0..64 {
        let engine = engine.clone();
        callers.push(tokio::spawn(async move {
            let mut done = 0_usize;
            while began.elapsed() < Duration::from_secs(LEVEL_SECONDS) {
                approve(&engine, caller + done, LOOK_CROWDED).await?;
                done += 1;
            }
            anyhow::Ok(done)
        }));
    }
    let mut done = 0;
    for caller in callers {
        done += caller.await??;
    }
    let (took, used, after) = (began.elapsed(), cpu() - cpu_before, engine.health());
    let count = done as f64;
    report.row(
        "approvals with two effects, 64 in flight",
        format!("{:.0}/s", count / took.as_secs_f64()),
        format!(
            "raw sync {syncs:.0}/s; {:.3} ms CPU, {:.3} syncs and {:.0} B an approval",
            used.as_secs_f64() * 1e3 / count,
            (after.syncs - before.syncs) as f64 / count,
            (after.bytes - before.bytes) as f64 / count,
        ),
    );
    Ok(())
}

/// Submits one and waits until both effects have landed.
pub(crate) async fn approve(engine: &Engine, number: usize, look: Duration) -> anyhow::Result<()> {
    let standing = engine
        .submit(Submission {
            requester: "ae-1".to_owned(),
            intent_type: "two-effects".to_owned(),
            tokens: tokens(number),
            key: None,
        })
        .await?;
    // The row of the list says it, as an inbox would: cheaper than the whole record.
    let stream = standing.approval.intent.id.to_string();
    loop {
        let row = engine.store().row(&stream).await?;
        let labels = row.map(|row| row.row.labels).unwrap_or_default();
        match labels.iter().find(|(name, _)| name == "state").map(|(_, state)| state.as_str()) {
            Some("done") => return Ok(()),
            Some("preparing" | "executing") => pause(look).await?,
            other => anyhow::bail!("an approval went astray: {other:?}"),
        }
    }
}

/// Tokio's timers tick in milliseconds, which is too coarse for the latency of one approval.
async fn pause(time: Duration) -> anyhow::Result<()> {
    if LOOK_CROWDED <= time {
        tokio::time::sleep(time).await;
    } else {
        tokio::task::spawn_blocking(move || std::thread::sleep(time)).await?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn direct_posts(port: u16) -> anyhow::Result<Duration> {
    let client =
        hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let mut times = Vec::new();
    for _ in 0..2_000 {
        let body = Full::new(Bytes::from_static(br#"{"amount":"10.00"}"#));
        let request = hyper::Request::post(format!("http://127.0.0.1:{port}/")).body(body)?;
        let start = Instant::now();
        client.request(request).await?.into_body().collect().await?;
        times.push(start.elapsed());
    }
    times.sort();
    Ok(percentile(&times, 50))
}
