//! `countersign audit sample`: some items of a population, drawn by a seed so that anybody can draw them again.

use super::Global;
use super::evidence::{self, Lines};
use super::population::{Log, head};
use crate::exit;
use crate::output::{self, Failure};
use anyhow::Result;
use countersign_core::evidence::population::{Item, Query, Tally};
use countersign_core::evidence::sample::{Draw, METHOD, SAMPLE_ITEMS_MAX, Seed, Stratum};
use countersign_core::hash::Digest;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

/// What the first line calls itself.
const FORM: &str = "countersign-sample/1";
/// The one stratum where nobody asks for others.
const ALL: &str = "all";

/// What is wanted of it.
#[derive(Debug, clap::Args)]
pub struct Sample {
    /// The population, as `countersign audit population` wrote it
    population: PathBuf,
    /// The file: one JSON value a line; no file is written over
    file: PathBuf,
    /// What it is drawn by, such as the digits of some dice; whoever draws chooses it, and it is written into the file
    #[arg(long, value_name = "TEXT", value_parser = seed)]
    seed: Seed,
    /// How many items of each stratum; all of it if it has fewer
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..=SAMPLE_ITEMS_MAX as u64))]
    count: u64,
    /// Draw of each of these apart
    #[arg(long, value_enum)]
    by: Option<By>,
    /// Draw a sample that is there again, and compare every byte
    #[arg(long)]
    again: bool,
}

/// What strata are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
enum By {
    /// Intent types
    Type,
    /// What became of the items
    Outcome,
}

fn seed(text: &str) -> Result<Seed, String> {
    Seed::parse(text).ok_or_else(|| "expected up to 100 letters, digits or signs without spaces".to_owned())
}

/// The first line.
#[derive(Debug, Serialize)]
struct Head<'a> {
    form: &'a str,
    population: Of<'a>,
    seed: &'a str,
    count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<By>,
    method: &'a str,
}

/// The population, as its own first and last line have it.
#[derive(Debug, Serialize)]
struct Of<'a> {
    query: &'a Query,
    log: &'a Log,
    count: u64,
    sha256: Digest,
}

#[derive(Debug, Serialize)]
struct Drawn {
    rank: Digest,
    stratum: String,
    item: Item,
}

#[derive(Debug, Serialize)]
struct Counted {
    of: u64,
    drawn: usize,
}

/// Draws a sample.
///
/// # Errors
/// If the population was changed, or has more strata than a sample; or a file cannot be written or is not what comes out.
pub(super) fn run(command: Sample, global: &Global) -> Result<ExitCode> {
    let Sample { population, file, seed, count, by, again } = command;
    let whole = head(&population)?;
    let mut lines =
        if again { Lines::like(&file, "comes out of the population")? } else { Lines::to(&file)? };
    let mut draw = Draw::new(seed.clone(), usize::try_from(count)?);
    let mut seen = 0_u64;
    let no = |fault: &dyn std::fmt::Display| {
        Failure::new(exit::NO, format!("`{}`: {fault}", population.display()))
    };
    let (tally, sha256) = evidence::read::<Tally>(&population, "population", |line| {
        let item: Item = serde_json::from_slice(line).map_err(|fault| no(&fault))?;
        seen = seen.saturating_add(1);
        let stratum = match by {
            None => ALL.to_owned(),
            Some(By::Type) => item.intent_type.to_string(),
            Some(By::Outcome) => item.outcome.clone(),
        };
        draw.show(&stratum, &item.id.clone(), item).map_err(|fault| no(&fault))?;
        Ok(())
    })?;
    if seen != tally.count {
        let fault = format!("it has {seen} items, and its last line says {}", tally.count);
        return Err(no(&fault).into());
    }
    let of = Of { query: &whole.query, log: &whole.log, count: seen, sha256 };
    lines.line(&Head { form: FORM, population: of, seed: seed.as_str(), count, by, method: METHOD })?;
    let mut counted = BTreeMap::new();
    for (name, Stratum { of, drawn }) in draw.strata() {
        counted.insert(name.clone(), Counted { of, drawn: drawn.len() });
        for ((rank, _), item) in drawn {
            lines.line(&Drawn { rank, stratum: name.clone(), item })?;
        }
    }
    let total: usize = counted.values().map(|stratum| stratum.drawn).sum();
    let end = json!({ "count": total, "strata": counted });
    let sha256 = lines.end(&end)?;
    if global.json {
        output::json(&json!({ "file": file.display().to_string(), "drawn": end, "sha256": sha256 }))?;
        return Ok(ExitCode::from(exit::DONE));
    }
    let found = if again { "is what comes out" } else { "is written" };
    let seed = seed.as_str();
    output::line(&format!("`{}` {found}: {total} of {seen} items by seed {seed}", file.display()))?;
    for (name, Counted { of, drawn }) in counted.iter().filter(|_| by.is_some()) {
        output::line(&format!("{}: {drawn} of {of}", output::plain(name)))?;
    }
    Ok(ExitCode::from(exit::DONE))
}
