//! A guest with a whole language runtime looks around, and finds nothing: there is a WASI, and nothing behind it.

use super::world::{name, runtime};
use anyhow::{Context as _, Result, ensure};
use countersign_connectors::{RawConnection, Runtime, Secret};
use countersign_core::effect::attempt::{BreakKind, Ended, Failure};
use countersign_core::record::{RecordRef, Value};
use countersign_engine::port::connectors::Connectors as _;
use countersign_tests::guests;
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::sync::OnceLock;

/// The guest, built once by the program under test.
pub(super) fn component() -> Result<&'static [u8]> {
    static COMPONENT: OnceLock<Result<Vec<u8>, String>> = OnceLock::new();
    let built = || guests::component("python-curious", env!("CARGO_TARGET_TMPDIR"));
    let built = COMPONENT.get_or_init(|| built().map_err(|error| format!("{error:#}")));
    built.as_ref().map(Vec::as_slice).map_err(|error| anyhow::anyhow!("{error}"))
}

async fn connected(folder: &Path) -> Result<Runtime> {
    let runtime = runtime(folder);
    runtime.install(component()?.to_vec()).await?;
    let raw: RawConnection = toml::from_str("connector = \"tests.curious\"")?;
    let options = raw.resolve(name("curious"), |_| Ok(Secret::new(String::new())));
    runtime.connect(options.map_err(|faults| anyhow::anyhow!("{faults:?}"))?)?;
    Ok(runtime)
}

async fn look(runtime: &Runtime, at: &str) -> Ended<Option<Value>> {
    let subject = RecordRef { kind: "place".to_owned(), id: at.to_owned() };
    match runtime.fetch(&name("curious"), subject).await {
        Ended::Returned(record) => Ended::Returned(record.field("found").cloned()),
        Ended::Failed(failure) => Ended::Failed(failure),
        Ended::Broke(broke) => Ended::Broke(broke),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_with_a_language_runtime_finds_nothing_of_this_machine() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let runtime = connected(folder.path()).await?;
    let tcp = TcpListener::bind("127.0.0.1:0")?;
    let udp = UdpSocket::bind("127.0.0.1:0")?;
    let to_tcp = format!("tcp/{}", tcp.local_addr()?.port());
    let to_udp = format!("udp/{}", udp.local_addr()?.port());
    let mut unexpected = Vec::new();
    for (at, expected) in [
        ("environment", "found []"),
        ("arguments", "found []"),
        ("input", "found ''"),
        ("root", "refused: "),
        ("file", "refused: "),
        ("above", "refused: "),
        ("write", "refused: "),
        (to_tcp.as_str(), "refused: "),
        (to_udp.as_str(), "refused: "),
        ("name", "refused: "),
        ("process", "refused: "),
        ("flood", "flooded"),
    ] {
        match look(&runtime, at).await {
            Ended::Returned(Some(Value::Text(found))) if found.starts_with(expected) => {}
            other => unexpected.push(format!("{at}: `{expected}` was expected, and it was {other:?}")),
        }
    }
    ensure!(unexpected.is_empty(), "{}", unexpected.join("\n"));
    ensure!(!Path::new("/tmp/countersign-curious").exists(), "it wrote a file");
    tcp.set_nonblocking(true)?;
    udp.set_nonblocking(true)?;
    ensure!(tcp.accept().is_err(), "nobody came over TCP");
    ensure!(udp.recv(&mut [0; 8]).is_err(), "nothing came over UDP");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_of_a_guest_stands_and_its_chance_repeats() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let runtime = connected(folder.path()).await?;
    for at in ["moment", "chance"] {
        let (one, other) = (look(&runtime, at).await, look(&runtime, at).await);
        ensure!(matches!(one, Ended::Returned(Some(_))) && one == other, "{at}: {one:?}, then {other:?}");
    }
    // The moment of the call, which stands.
    let moment = look(&runtime, "moment").await;
    let stands = Value::Text("1795424400.000 1795424400.000".to_owned());
    ensure!(moment == Ended::Returned(Some(stands)), "{moment:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_with_a_language_runtime_breaks_its_own_call_alone() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let runtime = connected(folder.path()).await?;
    for (at, kind, words) in [
        ("spin", BreakKind::Cpu, "computed for more than the 5000 ms of its class"),
        ("memory", BreakKind::Memory, "wanted more than the 256 MiB of its class"),
        ("exit", BreakKind::Trap, "ended itself with status 1"),
    ] {
        match look(&runtime, at).await {
            Ended::Broke(broke) if broke.kind == kind && broke.message.contains(words) => {}
            other => anyhow::bail!("{at}: {other:?}"),
        }
        let next = look(&runtime, "environment").await;
        ensure!(matches!(next, Ended::Returned(_)), "after {at}: {next:?}");
    }
    let bug = look(&runtime, "bug").await;
    let Ended::Failed(Failure::Rejected { detail, .. }) = &bug else { anyhow::bail!("{bug:?}") };
    ensure!(detail.code == "connector.bug", "{detail:?}");
    detail.message.contains("KeyError: 'a key that is not there'").then_some(()).context("its text is told")
}
