//! `countersign connector test`: the conformance kit, and its recorder.

use super::{Global, kilobytes, sign};
use crate::build::{self, MANIFEST_FILE};
use crate::conformance::budgets::{Budgets, Cost, FILE};
use crate::conformance::law::Level;
use crate::conformance::report::Report;
use crate::conformance::{self, INPUTS, INPUTS_MAX, Recordings, cassette};
use crate::distribution::Kind;
use crate::output::{self, Failure, Progress, Table};
use crate::{config, exit};
use anyhow::{Context as _, Result};
use countersign_connectors::{COMPONENT_BYTES_MAX, PrivateKey};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Folder of cassettes beside a connector's source.
const CASSETTES: &str = "cassettes";
/// Breaches that are shown; the report has more.
const BREACHES_SHOWN: usize = 10;

/// What to test.
#[derive(Debug, clap::Args)]
pub struct Test {
    /// A connector's folder, which is built first, or a finished component
    #[arg(default_value = ".", value_name = "DIR|FILE")]
    connector: PathBuf,
    /// Folder of cassettes, instead of `cassettes` beside the source
    #[arg(long, value_name = "DIR")]
    cassettes: Option<PathBuf>,
    /// Strange inputs of the law `fuzz`
    #[arg(long, default_value_t = INPUTS, value_parser = clap::value_parser!(u64).range(1..=INPUTS_MAX))]
    inputs: u64,
    /// The level that must be reached
    #[arg(long, value_enum, default_value = "certified")]
    level: Wanted,
    /// Write the report here, as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Sign what was shown with this private key: the report lies beside the component, as FILE.conformance, and goes
    /// with it into registries and hosts
    #[arg(long, value_name = "FILE", conflicts_with_all = ["record", "only"])]
    key: Option<PathBuf>,
    /// Agree to what each call takes now: it is written as `budgets.toml` beside the cassettes, and a later run that
    /// takes over 20 % more fuel or memory breaks a law
    #[arg(long, conflicts_with_all = ["record", "only", "key"])]
    accept_budgets: bool,
    /// Record the cassettes at the target of this connection of the configuration, instead of
    /// testing. Everything that they ask for is really done there
    #[arg(long, value_name = "CONNECTION")]
    record: Option<String>,
    /// Only this cassette: what the others show is then missing
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

/// A level that can be asked for.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Wanted {
    /// It loads and describes itself
    Loads,
    /// It changes nothing that it should not, does nothing twice and says what is
    Safe,
    /// It keeps every law
    Certified,
}

impl Wanted {
    fn level(self) -> Level {
        match self {
            Wanted::Loads => Level::Loads,
            Wanted::Safe => Level::Safe,
            Wanted::Certified => Level::Certified,
        }
    }
}

/// Tests a connector, or records its cassettes.
///
/// # Errors
/// If there is nothing to test, or a target does not do what is to be recorded.
pub(super) async fn run(test: Test, global: &Global) -> Result<ExitCode> {
    let progress = Progress::begin(global.quiet);
    // Before anything runs: a key that is none is known now.
    let key = test.key.as_deref().map(sign::private).transpose()?;
    let folder = cassettes_of(&test.connector, test.cassettes.as_deref())?;
    if let Some(connection) = &test.record {
        let (_, component) = component(&test.connector, &|text| progress.now(text))?;
        progress.end();
        return record(&test, connection, component, &folder, global).await;
    }
    // What is written by hand is read before anything is built, which may take a minute.
    let mut recordings = Recordings::of(&folder)?;
    if let Some(only) = &test.only {
        recordings.cassettes.retain(|cassette| cassette.name == *only);
        if recordings.cassettes.is_empty() {
            return Err(no_cassette(only, &folder));
        }
    }
    if test.accept_budgets {
        recordings.budgets = None;
    }
    let (file, component) = component(&test.connector, &|text| progress.now(text))?;
    let report = conformance::run(&component, recordings, test.inputs, &|text| progress.now(text)).await?;
    progress.end();
    if let Some(file) = &test.report {
        let text = serde_json::to_string_pretty(&report)? + "\n";
        std::fs::write(file, text).with_context(|| format!("`{}` cannot be written", file.display()))?;
    }
    if global.json {
        output::json(&report)?;
    } else {
        shown(&report, component.len(), &test, global)?;
    }
    if let Some(key) = key {
        signed(&report, &key, &file, global)?;
    }
    if test.accept_budgets {
        accepted(&report, &folder, global)?;
    }
    let reached = test.level.level() <= report.level;
    Ok(ExitCode::from(if reached { exit::DONE } else { exit::NO }))
}

/// Writes what each call took beside the cassettes.
fn accepted(report: &Report, folder: &Path, global: &Global) -> Result<()> {
    if report.breaches().next().is_some() {
        let failure = Failure::new(exit::NO, "nothing was agreed to: the connector breaks other laws");
        return Err(failure.with_help("make it keep them first, since they decide which way it goes").into());
    }
    if report.costs.is_empty() {
        let message = format!("`{}` holds no cassette and no delivery", folder.display());
        return Err(Failure::new(exit::USAGE, message).with_help("there is nothing to measure it by").into());
    }
    Budgets::from_costs(&report.costs).write(folder)?;
    if !global.quiet && !global.json {
        let calls = report.costs.len();
        output::say(&format!("what {calls} calls take is agreed to: `{}`", folder.join(FILE).display()));
    }
    Ok(())
}

/// Writes what was shown beside the component, signed.
fn signed(report: &Report, key: &PrivateKey, component: &Path, global: &Global) -> Result<()> {
    let place = Kind::Conformance.place_of(component);
    let envelope = key.sign_tested(&report.tested())?;
    std::fs::write(&place, envelope).with_context(|| format!("`{}` cannot be written", place.display()))?;
    if !global.quiet && !global.json {
        let (level, public) = (report.level.name(), key.public());
        output::say(&format!("that it is `{level}` is signed by `{public}`: `{}`", place.display()));
    }
    Ok(())
}

/// The folder of cassettes: the one that is named, or the one beside the source.
pub(super) fn cassettes_of(connector: &Path, named: Option<&Path>) -> Result<PathBuf> {
    let folder = named.map(Path::to_owned).or_else(|| beside(connector)).ok_or_else(|| {
        Failure::new(exit::USAGE, "it is not known where the cassettes are")
            .with_help("name their folder with `--cassettes DIR`")
    })?;
    Ok(folder)
}

/// The component, built first if a folder is named: where it lies, and its bytes.
pub(super) fn component(connector: &Path, progress: &dyn Fn(&str)) -> Result<(PathBuf, Vec<u8>)> {
    let file = if connector.is_dir() {
        let built = build::build_all(connector, &build::out_folder(connector), progress)?;
        let [one] = built.as_slice() else {
            let message = format!("`{}` holds {} connectors", connector.display(), built.len());
            return Err(Failure::new(exit::USAGE, message).with_help("name the folder of one").into());
        };
        one.file.clone()
    } else {
        connector.to_owned()
    };
    let size =
        std::fs::metadata(&file).with_context(|| format!("`{}` cannot be read", file.display()))?.len();
    if COMPONENT_BYTES_MAX as u64 <= size {
        anyhow::bail!("`{}` is larger than 64 MiB", file.display());
    }
    let bytes = std::fs::read(&file).with_context(|| format!("`{}` cannot be read", file.display()))?;
    Ok((file, bytes))
}

/// The cassettes beside a connector's manifest.
fn beside(connector: &Path) -> Option<PathBuf> {
    let folder = if connector.is_dir() { connector } else { connector.parent()? };
    let has_source = folder.join(MANIFEST_FILE).is_file() || folder.join(CASSETTES).is_dir();
    has_source.then(|| folder.join(CASSETTES))
}

fn no_cassette(name: &str, folder: &Path) -> anyhow::Error {
    Failure::new(exit::USAGE, format!("`{}` holds no cassette `{name}`", folder.display()))
        .with_help("a cassette's name is that of its file, without `.json`")
        .into()
}

async fn record(
    test: &Test,
    connection: &str,
    component: Vec<u8>,
    folder: &Path,
    global: &Global,
) -> Result<ExitCode> {
    let settings = config::load(global.config.as_deref())?;
    let found = settings.connections.into_iter().find(|known| known.name.as_str() == connection);
    let connection = found.ok_or_else(|| {
        Failure::new(exit::USAGE, format!("the configuration has no connection `{connection}`"))
            .with_help("add `[connection.NAME]` with its endpoints, or name another one")
    })?;
    let mut cassettes = cassette::all(folder)?;
    cassettes.retain(|cassette| test.only.as_ref().is_none_or(|only| *only == cassette.name));
    if let (Some(only), true) = (&test.only, cassettes.is_empty()) {
        return Err(no_cassette(only, folder));
    }
    for cassette in cassettes {
        let file = folder.join(format!("{}.json", cassette.name));
        let recorded = conformance::record(component.clone(), connection.clone(), &file).await?;
        if !global.quiet {
            output::say(&format!("recorded {} exchanges into {}", recorded.exchanges.len(), file.display()));
        }
    }
    Ok(ExitCode::from(exit::DONE))
}

fn shown(report: &Report, size: usize, test: &Test, global: &Global) -> Result<()> {
    let mut table = Table::new(&["law", "looks", "broken", "says"]);
    for of in &report.laws {
        let looks = if of.shown.checks == 0 { "–".to_owned() } else { of.shown.checks.to_string() };
        table.row([of.law.name(), &looks, &of.shown.broken.to_string(), of.says]);
    }
    table.print()?;
    if !global.quiet {
        costs_shown(report, test)?;
    }
    let breaches = report.words();
    for breach in breaches.iter().take(BREACHES_SHOWN) {
        output::say(&format!("\n{breach}"));
    }
    if BREACHES_SHOWN < breaches.len() {
        let more = breaches.len() - BREACHES_SHOWN;
        output::say(&format!("\n{more} more; `--report FILE` has them"));
    }
    if !global.quiet {
        let digest: String = report.digest.chars().take(super::DIGEST_DIGITS).collect();
        output::say(&format!(
            "\n{} {} (sha256:{digest}, {}), kit {}: {}",
            report.connector,
            report.version,
            kilobytes(size),
            report.kit,
            report.level.name()
        ));
    }
    Ok(())
}

/// What each call took, and what was agreed to.
fn costs_shown(report: &Report, test: &Test) -> Result<()> {
    if report.costs.is_empty() {
        return Ok(());
    }
    output::line("")?;
    let mut table = Table::new(&["cassette", "call", "fuel", "agreed", "KiB", "agreed", "of its class"]);
    for of in &report.costs {
        let agreed =
            |part: fn(&Cost) -> u64| of.was.as_ref().map_or("–".to_owned(), |was| part(was).to_string());
        table.row([
            of.cassette.clone(),
            of.call.clone(),
            of.is.fuel.to_string(),
            agreed(|cost| cost.fuel),
            of.is.memory_kib.to_string(),
            agreed(|cost| cost.memory_kib),
            format!("{} %", of.memory_percent),
        ]);
    }
    table.print()?;
    let new = report.costs.iter().filter(|of| of.was.is_none()).count();
    if 0 < new && !test.accept_budgets {
        output::say(&format!(
            "nothing to compare yet for {new} calls; `--accept-budgets` records what they take"
        ));
    }
    Ok(())
}
