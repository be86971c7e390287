//! A flood: more callers at once than a host answers, on a slow disk.

use super::disk::injecting;
use super::load::{Client, Load};
use super::scene::Scene;
use super::{SEED, oracle};
use anyhow::{Context, Result, ensure};
use countersign::standin::faults::Mix;
use countersign_server::limits::REQUESTS_IN_FLIGHT_MAX;
use countersign_tests::host::resident_kib;
use countersign_tests::servers::http;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Callers at once.
const CALLERS: usize = REQUESTS_IN_FLIGHT_MAX + 476;
/// How long each sync of the disk takes, in microseconds: the callers of one commit wait together.
const SYNC_MICROS: u64 = 2_000_000;
/// What the host may have grown by when all of them are answered, in KiB: some 90 for each.
const GROWTH_KIB_MAX: u64 = 128 * 1024;

/// Asks over a connection of its own.
async fn ask(address: &str, client: &Client, number: usize) -> Result<http::Answer> {
    let (headers, body) = client.request(number);
    let mut head = format!("POST /v1/intents HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n")?;
    }
    write!(head, "content-length: {}\r\n\r\n{body}", body.len())?;
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(head.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    http::parse(&bytes)
}

#[test]
fn a_flood_is_told_to_come_back_and_nothing_that_was_taken_is_lost() -> Result<()> {
    // A connection each, beside those to the targets.
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut scene = Scene::set(SEED, Mix::calm(), CALLERS)?;
    // The first ones of each thread are quick: those of its start.
    scene.host.through(injecting("fdatasync", &format!("delay_exit={SYNC_MICROS}:when=3+")));
    scene.host.start()?;
    let client = Client::new(scene.host.base(), &scene.token);
    let (process, load) = (scene.host.process()?, Load::default());
    let address = scene.host.base().trim_start_matches("http://").to_owned();
    let before = resident_kib(process)?;

    let asked = futures::future::join_all((0..CALLERS).map(|number| ask(&address, &client, number)));
    let answers = runtime.block_on(asked);
    let growth = resident_kib(process)?.saturating_sub(before);
    let mut told: BTreeMap<u16, usize> = BTreeMap::new();
    for (number, answer) in answers.into_iter().enumerate() {
        let answer = answer?;
        *told.entry(answer.status).or_default() += 1;
        match answer.status {
            201 => load.keep(number, answer.json()?["id"].as_str().context("it has an id")?.to_owned()),
            429 | 503 => {
                let wait: u64 = answer.header("retry-after").context("it says when to come back")?.parse()?;
                ensure!(0 < wait && answer.text().contains("CS-E0"), "{}", answer.text());
            }
            other => anyhow::bail!("{other}: {}", answer.text()),
        }
    }
    println!("{CALLERS} at once: {told:?}, {growth} KiB more memory");
    let (kept, refused) = (load.acknowledged(), CALLERS - load.acknowledged().len());
    ensure!(0 < refused && !kept.is_empty(), "{refused} of {CALLERS} were refused");
    ensure!(growth < GROWTH_KIB_MAX, "the host grew by {growth} KiB");
    // It dies, and all come once more: who was told is told the same, the others are taken now. What
    // becomes of their effects is another test's.
    scene.host.kill()?;
    scene.host.through(Vec::new());
    scene.host.start()?;
    for number in 0..CALLERS {
        let id = client.insist(number)?;
        ensure!(kept.get(&number).is_none_or(|before| *before == id), "{number} is {id} now");
        load.keep(number, id);
    }
    let ids: BTreeSet<String> = load.acknowledged().into_values().collect();
    ensure!(ids.len() == CALLERS, "{} intents of {CALLERS} callers", ids.len());
    let there = oracle::told(&client)?.len();
    ensure!(there == CALLERS, "{there} intents are there");
    scene.host.kill()?;
    let audit = scene.host.beside(&["audit", "verify"])?;
    ensure!(audit.code == Some(0), "the log does not verify: {}", audit.words);
    Ok(())
}
