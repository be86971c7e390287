//! `countersign audit population`: everything of one kind that the log holds of some days, in one file.

use super::Global;
use super::evidence::{self, Lines, Table};
use super::ledger::{Bound, Under, of_intent};
use crate::exit;
use crate::output::{self, Failure};
use anyhow::{Context as _, Result};
use clap::builder::PossibleValuesParser;
use countersign_core::evidence::Seen;
use countersign_core::evidence::population::{Fates, Item, Of, Picker, Query, Tally};
use countersign_core::hash::Digest;
use countersign_core::id::IntentTypeName;
use countersign_core::intent::Day;
use countersign_core::log::leaf::Leaf;
use countersign_engine::port::store::Logged;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What the first line calls itself.
pub(super) const FORM: &str = "countersign-population/1";

/// Columns of the table for spreadsheets.
const COLUMNS: [&str; 16] = [
    "id",
    "position",
    "intent",
    "sequence",
    "entry",
    "at",
    "type",
    "requester",
    "outcome",
    "settled",
    "authority",
    "by",
    "connection",
    "of",
    "cause",
    "owner",
];

/// What is wanted of it.
#[derive(Debug, clap::Args)]
pub struct Population {
    /// The file: one JSON value a line; no file is written over
    file: PathBuf,
    /// Of what
    #[arg(long, value_parser = PossibleValuesParser::new(Of::ALL.map(Of::as_str)), default_value = "intents")]
    of: String,
    /// The first day, in UTC, such as 2026-10-01; from the beginning of the log unless given
    #[arg(long, value_name = "DAY", value_parser = day)]
    since: Option<Day>,
    /// The last day; to the end of the log unless given
    #[arg(long, value_name = "DAY", value_parser = day)]
    until: Option<Day>,
    /// Of one intent type alone
    #[arg(long = "type", value_name = "NAME")]
    intent_type: Option<IntentTypeName>,
    /// Also write a table for spreadsheets
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Make a file that is there again from the log, by its own query up to its own checkpoint, and compare every byte
    #[arg(long, conflicts_with_all = ["of", "since", "until", "intent_type", "csv", "checkpoint"])]
    again: bool,
    #[command(flatten)]
    under: Under,
}

pub(super) fn day(text: &str) -> Result<Day, String> {
    Day::parse(text).ok_or_else(|| "expected a day such as 2026-10-01".to_owned())
}

/// The first line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    form: String,
    /// What was asked for.
    pub(super) query: Query,
    /// The log that it was asked of.
    pub(super) log: Log,
    /// The entries that were looked at, all of them.
    looked_at: LookedAt,
}

/// A log up to a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    pub(super) origin: String,
    pub(super) entries: u64,
    pub(super) root: Digest,
    /// The signed note, which says the three above.
    pub(super) checkpoint: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LookedAt {
    first: u64,
    last: u64,
}

impl LookedAt {
    /// All of it.
    pub(super) fn of(bound: &Bound) -> LookedAt {
        LookedAt { first: 1, last: bound.checkpoint.size }
    }
}

impl Log {
    pub(super) fn of(bound: &Bound) -> Log {
        let checkpoint = &bound.checkpoint;
        Log {
            origin: checkpoint.origin.clone(),
            entries: checkpoint.size,
            root: checkpoint.root,
            checkpoint: bound.note.clone(),
        }
    }
}

/// What stands between the log and the files.
struct Writing {
    picker: Picker,
    lines: Lines,
    table: Option<Table>,
}

/// Writes a population, or makes one again.
///
/// # Errors
/// If the log cannot be read, is not what its checkpoint says, or holds more than can be held; or a file cannot be written
/// or is not what the log says.
pub(super) async fn run(command: Population, global: &Global) -> Result<ExitCode> {
    let Population { file, of, since, until, intent_type, csv, again, under } = command;
    let known = again.then(|| head(&file)).transpose()?;
    let query = match &known {
        Some(known) => known.query.clone(),
        None => {
            let of = Of::ALL.into_iter().find(|known| known.as_str() == of);
            Query { of: of.context("clap lets no other word pass")?, since, until, intent_type }
        }
    };
    // Before the log is read, which may take long.
    let lines = if again { Lines::like(&file, "the log says")? } else { Lines::to(&file)? };
    let table = csv.as_deref().map(|csv| Table::begin(csv, &COLUMNS)).transpose()?;
    let ledger = under.ledger(known.map(|known| known.log.checkpoint), global).await?;
    let (fates, bound) = ledger.walk(Fates::default(), fates).await?;
    let mut writing = Writing { picker: Picker::new(query.clone(), fates), lines, table };
    let looked_at = LookedAt::of(&bound);
    let log = Log::of(&bound);
    writing.lines.line(&Head { form: FORM.to_owned(), query: query.clone(), log, looked_at })?;
    let ledger = ledger.up_to(bound.clone());
    let (Writing { picker, lines, table }, _) = ledger.walk(writing, items).await?;
    let tally = picker.tally();
    let sha256 = lines.end(tally)?;
    table.map(Table::end).transpose()?;
    say(&file, &query, tally, &bound, sha256, again, global)
}

/// The first line of a population.
pub(super) fn head(file: &Path) -> Result<Head> {
    let head: Head = evidence::head(file, "population")?;
    if head.form != FORM {
        let message = format!("`{}` is a `{}`, and this program knows `{FORM}`", file.display(), head.form);
        return Err(Failure::new(exit::NO, message).into());
    }
    Ok(head)
}

fn fates(fates: &mut Fates, logged: &Logged, leaf: &Leaf) -> Result<()> {
    of_intent(logged, leaf, |seen| fates.take(seen).map_err(evidence::unmade))?;
    Ok(())
}

fn items(writing: &mut Writing, logged: &Logged, leaf: &Leaf) -> Result<()> {
    let take = |seen: Seen<'_>| writing.picker.take(seen).map_err(evidence::unmade);
    for item in of_intent(logged, leaf, take)?.unwrap_or_default() {
        writing.lines.line(&item)?;
        if let Some(table) = &mut writing.table {
            table.row(cells(&item))?;
        }
    }
    Ok(())
}

fn cells(item: &Item) -> [String; COLUMNS.len()] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let by: Vec<&str> = item.by.iter().map(|person| person.as_str()).collect();
    [
        item.id.clone(),
        item.position.to_string(),
        item.intent.to_string(),
        item.sequence.to_string(),
        item.entry.to_string(),
        item.at.clone(),
        item.intent_type.to_string(),
        item.requester.to_string(),
        item.outcome.clone(),
        item.settled.map(|settled| settled.to_string()).unwrap_or_default(),
        text(&item.authority),
        by.join(" "),
        item.connection.as_ref().map(ToString::to_string).unwrap_or_default(),
        item.of.map(|of| of.to_string()).unwrap_or_default(),
        text(&item.cause),
        item.owner.as_ref().map(ToString::to_string).unwrap_or_default(),
    ]
}

fn say(
    file: &Path,
    query: &Query,
    tally: Tally,
    bound: &Bound,
    sha256: Digest,
    again: bool,
    global: &Global,
) -> Result<ExitCode> {
    let checkpoint = &bound.checkpoint;
    if global.json {
        output::json(&json!({
            "file": file.display().to_string(),
            "query": query,
            "tally": tally,
            "entries": checkpoint.size,
            "root": checkpoint.root,
            "sha256": sha256,
        }))?;
        return Ok(ExitCode::from(exit::DONE));
    }
    let which = match (tally.first, tally.last) {
        (Some(first), Some(last)) => format!(", by entries {first} to {last}"),
        (_, _) => String::new(),
    };
    let found = if again { "is what the log says" } else { "is written" };
    output::line(&format!("`{}` {found}: {} {}{which}", file.display(), tally.count, query.of.as_str()))?;
    let left_out = tally.left_out;
    output::line(&format!(
        "left out: {} earlier, {} later, {} of other types, {} of trials",
        left_out.earlier, left_out.later, left_out.other_types, left_out.trials
    ))?;
    output::line(&format!(
        "looked at: all {} entries of `{}`, root {}",
        checkpoint.size, checkpoint.origin, checkpoint.root
    ))?;
    output::line(&format!("SHA-256 of all lines but the last: {sha256}"))?;
    Ok(ExitCode::from(exit::DONE))
}
