//! `countersign policy import`: a policy, or a table of one, from the format of another tool.

use super::exchange::{existing, format_of};
use super::{Global, bytes_of, replace, rules, text_of, written_new};
use crate::exit;
use crate::output::{self, Failure, plain};
use anyhow::Result;
use countersign_core::document::SourceFile;
use countersign_core::exchange::{Changes, Reading, Refused};
use countersign_core::id::IntentTypeName;
use countersign_core::rulebook::Rulebook;
use countersign_exchange::book::Book;
use countersign_exchange::carry::Taken;
use serde::Serialize;
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

/// Shows what changes, then writes it.
///
/// # Errors
/// A file that cannot be carried over exactly, or a policy that would be overwritten unasked.
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
    check(&files, &path, &taken).map_err(|refused| failure(command, &refused))?;
    let changes = taken.changes(standing);
    let target = folder.join(&path);
    let write = !command.dry_run && !changes.is_empty();
    if !global.json {
        changes.to_string().lines().try_for_each(|line| output::line(&plain(line)))?;
    }
    if write {
        std::fs::create_dir_all(folder.join("policies"))?;
        match (&old, command.replace) {
            (Some(_), true) => replace(&target, taken.text().as_bytes())?,
            (Some(_), false) => {
                let message = format!("`{}` is there, and is not overwritten unasked", target.display());
                let help = "read the changes above, then say `--replace`";
                return Err(Failure::new(exit::NO, message).with_help(help).into());
            }
            (None, _) => written_new(&target, taken.text().as_bytes())?,
        }
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
            (false, false) => output::say("nothing is written"),
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

/// Checks the new policy among the others; its faults are told in the words of the imported file.
fn check(files: &[SourceFile], path: &str, taken: &Taken) -> Result<(), Refused> {
    let mut changed = files.to_vec();
    let text = taken.text().to_owned();
    match changed.iter_mut().find(|file| file.path == path) {
        Some(file) => file.text = text,
        None => changed.push(SourceFile { path: path.to_owned(), text }),
    }
    Rulebook::draft(&changed).map(drop).map_err(|faults| taken.refused(path, &faults))
}

fn failure(command: &Import, refused: &Refused) -> Failure {
    let message = format!("`{}` cannot be carried over as it is", command.file.display());
    let mut failure = Failure::new(exit::NO, message);
    failure.places = refused.to_string().lines().map(str::to_owned).collect();
    failure
}
