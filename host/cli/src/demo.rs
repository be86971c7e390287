//! The demonstration: the real host, the real connectors, stand-ins that fail on purpose, people
//! who ask and decide, and a comparison at the end that trusts none of them.
//!
//! | module | does |
//! |---|---|
//! | [`scenario`] | what is asked for, and the records that it is about |
//! | [`stage`] | the folder of the host: rules, tokens, configuration, connectors |
//! | [`host`] | the host as a child process that can be killed |
//! | [`client`] | its HTTP API |
//! | [`play`] | requesters, approvers, and the kill in the middle |
//! | [`record`] | what the log says afterwards |
//! | [`report`], [`table`] | the comparison, and the page that tells it |

pub mod client;
pub mod host;
pub mod play;
pub mod record;
pub mod report;
pub mod scenario;
pub mod stage;
pub mod table;

use crate::standin::StandIns;
use crate::standin::faults::{Faults, Mix};
use anyhow::{Context, Result};
use client::Api;
use countersign_store_local::{LocalStore, Options};
use host::Host;
use indicatif::{ProgressBar, ProgressStyle};
use play::{Cast, Played};
use record::Record;
use report::{Outside, Report};
use scenario::{Scenario, Wish};
use stage::Stage;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long the play may take. It takes a quarter of a minute usually; the slowest recovery that the faults
/// can cause is several rounds of Stripe's settle time of half a minute.
const PLAY_MS_MAX: u64 = 120_000;
/// How often the bar moves.
const TICK_MS: u64 = 100;

/// What to show.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// Makes the same wishes and faults again.
    pub seed: u64,
    /// How many intents.
    pub intents: usize,
    /// Leaves everything running at the end.
    pub keep: bool,
    /// Prints the report as JSON.
    pub json: bool,
    /// The program that is the host.
    pub binary: PathBuf,
}

/// Stages the demonstration, plays it, compares, and says what it found. The exit code is 0 only if
/// everything holds.
///
/// # Errors
/// If it cannot be staged or played; what does not hold is in the report.
pub async fn run(options: DemoOptions) -> Result<ExitCode> {
    say("The real host and the real connectors, against stand-ins that fail on purpose.");
    say("Building the connectors.");
    let connectors = stage::connectors()?;
    let Scenario { world, wishes } = Scenario::new(options.seed, options.intents, now_s()?);
    let stand_ins = StandIns::start(world, Faults::new(options.seed, Mix::lively())).await?;
    let stage = Stage::set(&stand_ins, &connectors)?;
    let mut host = Host::new(options.binary.clone(), &stage.configuration(), stage.address());
    let result = shown(&options, &stand_ins, &stage, &mut host, &wishes).await;
    if !matches!(&result, Ok(report) if report.ok) {
        // Dead before its folder is looked at; it may be dead already.
        let _ = host.kill().await;
        say(&format!("The host's folder and its own words are kept in {}.", stage.keep().display()));
        return result.map(|_| ExitCode::FAILURE);
    }
    if options.keep {
        keep(&stage, &mut host).await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Plays, compares and prints the report.
async fn shown(
    options: &DemoOptions,
    stand_ins: &StandIns,
    stage: &Stage,
    host: &mut Host,
    wishes: &[Wish],
) -> Result<Report> {
    let progress = bar(wishes.len())?;
    progress.set_message("the host starts");
    host.start().await?;
    progress.set_message("people ask and decide");
    let (played, took) = play(stage, host, wishes, &progress).await?;
    progress.set_message("the log is read");
    // Killed again: the log must be whole without any farewell.
    host.kill().await?;
    let store = LocalStore::open(Options::at(stage.data())).context("the log cannot be opened")?;
    let record = Record::read(&store).await?;
    store.close()?;
    progress.finish_and_clear();
    let outside = Outside {
        seed: options.seed,
        acknowledged: played.acknowledged,
        landings: stand_ins.landings(),
        faults: stand_ins.faults().injected(),
        requests: stand_ins.faults().requests(),
        killed: vec![played.under_way],
        took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    };
    let report = Report::of(&record, outside);
    let mut out = std::io::stdout().lock();
    if options.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        write!(out, "\n{}", table::page(&report))?;
    }
    Ok(report)
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long the play took is told to the viewer, nothing hangs on it"
)]
async fn play(
    stage: &Stage,
    host: &mut Host,
    wishes: &[Wish],
    progress: &ProgressBar,
) -> Result<(Played, Duration)> {
    let begun = Instant::now();
    let cast = Cast {
        api: Api::at(host.base_url()),
        tokens: stage.tokens(),
        wishes,
        limit: Duration::from_millis(PLAY_MS_MAX),
        progress,
    };
    let played = cast.play(host).await?;
    Ok((played, begun.elapsed()))
}

/// Leaves the host running until it is interrupted.
async fn keep(stage: &Stage, host: &mut Host) -> Result<()> {
    host.start().await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nThe host runs at {} until you interrupt it. Tokens:", host.base_url())?;
    for (person, token) in stage.tokens() {
        writeln!(out, "  {person:24}{token}")?;
    }
    drop(out);
    tokio::select! {
        ended = host.wait() => ended,
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}

fn bar(intents: usize) -> Result<ProgressBar> {
    let progress = ProgressBar::new(u64::try_from(intents)?);
    progress.set_style(ProgressStyle::with_template("{bar:30} {pos:>3}/{len} settled  {msg}")?);
    progress.enable_steady_tick(Duration::from_millis(TICK_MS));
    Ok(progress)
}

/// Talk goes to the standard error.
fn say(words: &str) {
    // If nobody listens there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{words}");
}

#[expect(clippy::disallowed_methods, reason = "the records of the stand-ins are dated from today")]
fn now_s() -> Result<i64> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(i64::try_from(since.as_secs())?)
}
