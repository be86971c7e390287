//! Attempts at effects and requests through the egress gate, to a sink on loopback in a process of its own.

use super::component;
use crate::effects::Sink;
use crate::figures::{Report, cpu};
use crate::sandbox::webhook_connection;
use crate::yardstick::bench_folder;
use anyhow::{Context as _, Result, ensure};
use countersign_connectors::{RawConnection, Runtime, Secret};
use countersign_core::effect::attempt::{Ended, Guarantee};
use countersign_core::effect::plan::{Proposal, WritePlan};
use countersign_core::hash::Digest;
use countersign_core::id::{ConnectionName, EffectId};
use countersign_core::record::{Field, RecordRef, Value};
use countersign_core::time::Timestamp;
use countersign_engine::port::Answer;
use countersign_engine::port::connectors::{Call, Connectors as _, Ledger, NotRecorded};
use countersign_tests::world::{root, runtime};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long each way is measured.
const SECONDS: u64 = 5;
/// Callers at one time.
const CALLERS: usize = 32;
/// Requests that the guest makes in one call, which is as many as it may.
const REQUESTS_A_CALL: usize = 32;
/// What must be reached.
const BAR: &str = "bar 5000/s";

/// The ledger of an effect with a key: nothing must be on disk before it is sent.
struct Nothing;

impl Ledger for Nothing {
    fn about_to_send<'a>(&'a self, _step: &'a str, _request: Digest) -> Answer<'a, Result<(), NotRecorded>> {
        Box::pin(async { Ok(()) })
    }
}

/// An effect that is attempted over and over, each time another one.
pub(super) struct Attempts {
    connection: ConnectionName,
    what: Proposal,
    plan: WritePlan,
}

impl Attempts {
    /// Has the connection plan it.
    pub(super) async fn planned(host: &Runtime, connection: &str) -> Result<Attempts> {
        let connection = host.connection(&ConnectionName::parse(connection)?).context("it is connected")?;
        let what = Proposal {
            operation: "deliver".to_owned(),
            subject: RecordRef { kind: "record".to_owned(), id: "order-1".to_owned() },
            fields: vec![Field { name: "reason".to_owned(), value: Value::Text("goodwill".to_owned()) }],
        };
        let planned = host.plan(&connection.name, connection.digest, what.clone(), Timestamp(0)).await;
        let Ended::Returned(plan) = planned else { anyhow::bail!("the plan failed: {planned:?}") };
        Ok(Attempts { connection: connection.name.clone(), what, plan })
    }

    /// One attempt, by the build that serves now. Whether it landed.
    pub(super) async fn attempt(&self, host: &Runtime, number: u128) -> Result<bool> {
        let connection = host.connection(&self.connection).context("it is connected")?;
        let call = Call {
            takes_back: None,
            connection: self.connection.clone(),
            connector: connection.digest,
            effect: EffectId::from_bits(number),
            attempt: 1,
            generation: 0,
            what: self.what.clone(),
            plan: self.plan.clone(),
            guarantee: Guarantee::ByKey,
            now: Timestamp(0),
        };
        let end = host.apply(call, Arc::new(Nothing)).await;
        Ok(matches!(end.claim, Ended::Returned(_)))
    }
}

pub(super) async fn run(report: &mut Report) -> Result<()> {
    let sink = Sink::start()?;
    let folder = tempfile::tempdir_in(bench_folder())?;
    let host = Arc::new(runtime(folder.path())?);
    host.install(component("webhook")?).await?;
    host.connect(webhook_connection("sink", sink.port)?)?;
    let attempts = Arc::new(Attempts::planned(&host, "sink").await?);
    let one_each = {
        let (host, attempts) = (Arc::clone(&host), Arc::clone(&attempts));
        rate(move |number| {
            let (host, attempts) = (Arc::clone(&host), Arc::clone(&attempts));
            async move {
                ensure!(attempts.attempt(&host, number).await?, "an attempt failed");
                Ok(1)
            }
        })
        .await?
    };
    // A guest that asks and asks: what the gate takes, with the sandbox beside it only once in so many requests.
    let asks = std::fs::read(root().join("tests/guests/released/hostile@1.0.0.wasm"))?;
    host.install(asks).await?;
    let raw: RawConnection = toml::from_str(&format!(
        "connector = \"tests.hostile\"\nallow = [\"127.0.0.0/8\"]\n\
         rate = {{ per-second = 1000000, burst = 1000000, concurrent = {CALLERS} }}\n\
         [endpoints.api]\nbase = \"http://127.0.0.1:{}\"\nsecret = \"bench\"\n",
        sink.port
    ))?;
    let name = ConnectionName::parse("asks")?;
    let options = raw.resolve(name.clone(), |_| Ok(Secret::new("sk_bench".to_owned())));
    host.connect(options.map_err(|faults| anyhow::anyhow!("{faults:?}"))?)?;
    let many_each = rate(move |_| {
        let (host, name) = (Arc::clone(&host), name.clone());
        async move {
            let subject = RecordRef { kind: "thing".to_owned(), id: "many-requests".to_owned() };
            let ended = host.fetch(&name, subject).await;
            // It asks once more than it may, which ends the call behind the last request.
            let is_full =
                matches!(&ended, Ended::Failed(failure) if failure.detail().code == "too-many-requests");
            ensure!(is_full, "{ended:?}");
            Ok(REQUESTS_A_CALL)
        }
    })
    .await?;
    let direct = directly(sink.port).await?;
    for (what, figure) in [
        ("requests through the gate, one a call", &one_each),
        ("requests through the gate, 32 a call", &many_each),
        ("requests of a bare client", &direct),
    ] {
        let beside = format!(
            "{:.0} us CPU each in this process, {:.2} of a bare client; {CALLERS} at one time; {BAR}",
            figure.cpu.as_secs_f64() * 1e6 / figure.requests as f64,
            figure.rate() / direct.rate(),
        );
        report.row(what, format!("{:.0}/s", figure.rate()), beside);
    }
    Ok(())
}

/// Requests in some time.
struct Figure {
    requests: usize,
    took: Duration,
    cpu: Duration,
}

impl Figure {
    fn rate(&self) -> f64 {
        self.requests as f64 / self.took.as_secs_f64()
    }
}

/// Calls `one` by so many callers at one time; each call says how many requests it made.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn rate<F>(one: impl Fn(u128) -> F + Send + Sync + 'static) -> Result<Figure>
where
    F: Future<Output = Result<usize>> + Send,
{
    let (one, cpu_before, began) = (Arc::new(one), cpu(), Instant::now());
    let callers = (0..CALLERS).map(|caller| {
        let one = Arc::clone(&one);
        tokio::spawn(async move {
            let (mut requests, mut number) = (0, u128::try_from(caller)? << 64);
            while began.elapsed() < Duration::from_secs(SECONDS) {
                requests += one(number).await?;
                number += 1;
            }
            anyhow::Ok(requests)
        })
    });
    let mut requests = 0;
    for caller in callers.collect::<Vec<_>>() {
        requests += caller.await??;
    }
    Ok(Figure { requests, took: began.elapsed(), cpu: cpu() - cpu_before })
}

/// The same by a client that checks nothing.
async fn directly(port: u16) -> Result<Figure> {
    let client =
        hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    rate(move |_| {
        let client: hyper_util::client::legacy::Client<_, Full<Bytes>> = client.clone();
        async move {
            let body = Full::new(Bytes::from_static(br#"{"amount":"10.00"}"#));
            let request = hyper::Request::post(format!("http://127.0.0.1:{port}/")).body(body)?;
            client.request(request).await?.into_body().collect().await?;
            Ok(1)
        }
    })
    .await
}
