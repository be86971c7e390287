//! `countersign policy import`: a policy, or a table of one, from the format of another tool.

use super::exchange::{existing, format_of};
use super::{Global, bytes_of, now, placed, replace, rules, text_of, written_new};
use crate::exit;
use crate::output::{self, Failure, plain};
use anyhow::Result;
use countersign_core::document::SourceFile;
use countersign_core::exchange::{Changes, Reading, Refused};
use countersign_core::id::IntentTypeName;
use countersign_core::policy::check::check_files;
use countersign_core::policy::lint::{Finding, Level};
use countersign_core::rulebook::Rulebook;
use countersign_exchange::book::Book;
use countersign_exchange::carry::Taken;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

/// What to import, and how to read it.
#[derive(Debug, clap::Args)]
pub struct Import {
    /// A workbook (.xlsx), one table (.csv), a DMN model (.dmn), JSON or JDM (.json)
    pub file: PathBuf,
    /// Intent type that the policy decides
    #[arg(long = "as", value_name = "INTENT")]
    pub intent: String,
    /// Only show what would change
    #[arg(long)]
    pub dry_run: bool,
    /// Overwrite the policy that is there
    #[arg(long)]
    pub replace: bool,
    /// Write it there instead of among the rules, such as draft/discount.policy.md
    #[arg(long, short, value_name = "FILE", conflicts_with = "dry_run")]
    pub output: Option<PathBuf>,
    /// Workbook: take the values of formulas
    #[arg(long)]
    pub values: bool,
    /// CSV: which table it is
    #[arg(long, value_name = "NAME", default_value = "Rules")]
    pub table: String,
    /// CSV: what separates the cells: `,`, `;` or `tab`
    #[arg(long, value_name = "MARK", value_parser = delimiter)]
    pub delimiter: Option<char>,
    /// CSV: the decimal mark is a comma
    #[arg(long)]
    pub decimal_comma: bool,
    /// DMN, JDM: the side table with types, ids and outcomes
    #[arg(long, value_name = "FILE")]
    pub side: Option<PathBuf>,
    /// Policy file, where several decide this intent type
    #[arg(long, value_name = "FILE")]
    pub policy: Option<String>,
    /// Folder with the rules, instead of the configured one
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
}

fn delimiter(text: &str) -> Result<char, &'static str> {
    Reading::mark(text).ok_or("write `,`, `;` or `tab`")
}

/// What `policy import --json` prints.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    file: String,
    written: bool,
    #[serde(flatten)]
    changes: &'a Changes,
}

/// Shows what changes, and writes it where nothing is there or somebody said so.
///
/// # Errors
/// A file that cannot be carried over exactly, or a policy that would not pass its check any more.
pub(super) fn run(command: &Import, global: &Global) -> Result<ExitCode> {
    let intent = IntentTypeName::parse(&command.intent)
        .map_err(|fault| Failure::new(exit::USAGE, format!("`--as`: {fault}")))?;
    let (folder, files) = rules(command.rules.as_deref(), global)?;
    let old = existing(&files, intent.as_str(), command.policy.as_deref())?;
    let standing = old.as_ref().map(|(_, book)| book);
    let taken = taken(command, &intent, standing)?;
    let path = match (&old, &command.policy) {
        (Some((file, _)), _) => file.path.clone(),
        (None, Some(name)) => format!("policies/{name}"),
        (None, None) => format!("policies/{intent}.policy.md"),
    };
    let mut changed = files.clone();
    placed(&mut changed, &path, taken.text().to_owned());
    Rulebook::draft(&changed).map_err(|faults| failure(command, &taken.refused(&path, &faults)))?;
    let changes = taken.changes(standing);
    let target = command.output.clone().unwrap_or_else(|| folder.join(&path));
    let among_the_rules = command.output.is_none();
    let asked = command.replace || old.is_none() || !among_the_rules;
    let write = asked && !command.dry_run && !changes.is_empty();
    if !global.json {
        changes.to_string().lines().try_for_each(|line| output::line(&plain(line)))?;
    }
    if write && among_the_rules {
        proved(&files, &changed, intent.as_str())?;
        std::fs::create_dir_all(folder.join("policies"))?;
    }
    match (write, command.replace) {
        (true, true) if target.exists() => replace(&target, taken.text().as_bytes())?,
        (true, _) => written_new(&target, taken.text().as_bytes())?,
        (false, _) => {}
    }
    if global.json {
        output::json(&Answer { file: target.display().to_string(), written: write, changes: &changes })?;
    } else if !global.quiet {
        match (changes.is_empty(), write) {
            (true, _) => output::say("nothing changes"),
            (false, true) => {
                output::say(&format!(
                    "written  {}; next: countersign policy check {intent}",
                    target.display()
                ));
            }
            (false, false) if command.dry_run => output::say("nothing is written"),
            (false, false) => output::say(
                "nothing is written: `--replace` overwrites the policy that is there, `-o FILE` writes a draft elsewhere",
            ),
        }
    }
    Ok(ExitCode::from(exit::DONE))
}

/// Reads the file by its format.
fn taken(command: &Import, intent: &IntentTypeName, old: Option<&Book>) -> Result<Taken> {
    let bytes = bytes_of(&command.file)?;
    let reading = Reading {
        values: command.values,
        table: command.table.clone(),
        delimiter: command.delimiter,
        decimal_comma: command.decimal_comma,
        side: command.side.as_deref().map(text_of).transpose()?,
    };
    let taken = Taken::read(&bytes, format_of(&command.file)?, intent, old, &reading);
    Ok(taken.map_err(|refused| failure(command, &refused))?)
}

/// Proves the new policy before it takes the place of the old one: a host that follows its files would decide by it at
/// once. What was wrong before does not count, nor an example that fails: such a file no host takes, and the example may
/// be what has to follow.
fn proved(before: &[SourceFile], after: &[SourceFile], intent: &str) -> Result<()> {
    let errors = |files: &[SourceFile]| {
        let report = check_files(files, now());
        let policies = report.policies.into_iter().filter(|policy| policy.intent == intent);
        let findings = policies.flat_map(|policy| policy.findings);
        findings
            .filter(|finding| finding.level == Level::Error && finding.kind != "example-failed")
            .collect::<Vec<Finding>>()
    };
    let known: BTreeSet<String> = errors(before).into_iter().map(|finding| finding.message).collect();
    let fresh = errors(after).into_iter().filter(|finding| !known.contains(&finding.message));
    let places: Vec<String> = fresh
        .flat_map(|finding| finding.to_string().lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    if places.is_empty() {
        return Ok(());
    }
    let mut failure =
        Failure::new(exit::NO, "the policy that comes of it does not pass its check: nothing is written");
    failure.places = places;
    Err(failure.with_help("correct the file, or write a draft elsewhere with `-o FILE`").into())
}

fn failure(command: &Import, refused: &Refused) -> Failure {
    let message = format!("`{}` cannot be carried over as it is", command.file.display());
    let mut failure = Failure::new(exit::NO, message);
    failure.places = refused.to_string().lines().map(str::to_owned).collect();
    failure
}
