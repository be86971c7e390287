//! `countersign policy import`: a policy, or a table of one, from the format of another tool.

use super::exchange::{Format, existing, setting};
use super::{Global, bytes_of, replace, rules, text_of, written_new};
use crate::exit;
use crate::output::{self, Failure, plain};
use anyhow::Result;
use countersign_core::document::{Fault, SourceFile};
use countersign_core::id::IntentTypeName;
use countersign_core::rulebook::Rulebook;
use countersign_exchange::book::{Book, Draft};
use countersign_exchange::changes::Changes;
use countersign_exchange::foreign::Side;
use countersign_exchange::{Misfit, Refused, csv, dmn, jdm, json, xlsx};
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

fn delimiter(text: &str) -> Result<char, String> {
    match text {
        "," => Ok(','),
        ";" => Ok(';'),
        "tab" | "\t" => Ok('\t'),
        _ => Err("write `,`, `;` or `tab`".to_owned()),
    }
}

/// Says where a cell (table, row, column) stands in the file that was read.
type Place = Box<dyn Fn(&str, usize, usize) -> String>;

/// What was read from the file.
struct Taken {
    book: Book,
    draft: Draft,
    place: Place,
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
    let taken = taken(command, old.as_ref().map(|(_, book)| book))?;
    let decides = setting(&taken.book, "intent").unwrap_or("");
    if decides != intent.as_str() {
        let message = format!("`{}` decides `{decides}`, not `{intent}`", command.file.display());
        return Err(Failure::new(exit::NO, message).with_help(format!("say `--as {decides}`")).into());
    }
    let path = match (&old, &command.policy) {
        (Some((file, _)), _) => file.path.clone(),
        (None, Some(name)) => format!("policies/{name}"),
        (None, None) => format!("policies/{intent}.policy.md"),
    };
    check(&files, &path, &taken).map_err(|refused| failure(command, &refused))?;
    let changes = Changes::between(old.as_ref().map(|(_, book)| book), &taken.book);
    let target = folder.join(&path);
    let write = !command.dry_run && !changes.is_empty();
    if !global.json {
        changes.to_string().lines().try_for_each(|line| output::line(&plain(line)))?;
    }
    if write {
        std::fs::create_dir_all(folder.join("policies"))?;
        match (&old, command.replace) {
            (Some(_), true) => replace(&target, taken.draft.text.as_bytes())?,
            (Some(_), false) => {
                let message = format!("`{}` is there, and is not overwritten unasked", target.display());
                let help = "read the changes above, then say `--replace`";
                return Err(Failure::new(exit::NO, message).with_help(help).into());
            }
            (None, _) => written_new(&target, taken.draft.text.as_bytes())?,
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
fn taken(command: &Import, old: Option<&Book>) -> Result<Taken> {
    let bytes = bytes_of(&command.file)?;
    let refused = |refused: Refused| failure(command, &refused);
    let part_of = || {
        let message =
            format!("no policy decides `{}` yet, and this file holds only a table of one", command.intent);
        let help = format!("begin with `countersign policy new {}`", command.intent);
        old.ok_or_else(|| Failure::new(exit::NO, message).with_help(help))
    };
    let side = || -> Result<Side> {
        let Some(path) = &command.side else { return Ok(Side::default()) };
        Ok(Side::read(&text_of(path)?).map_err(refused)?)
    };
    match Format::of(&command.file)? {
        Format::Xlsx => {
            let read = xlsx::read(&bytes, xlsx::Options { values: command.values }).map_err(refused)?;
            let (book, draft) = (read.book.clone(), read.draft().map_err(refused)?);
            Ok(Taken {
                book,
                draft,
                place: Box::new(move |table, row, column| read.place(table, row, column)),
            })
        }
        Format::Csv => {
            let options = csv::Options { delimiter: command.delimiter, decimal_comma: command.decimal_comma };
            let read = csv::read(&bytes, part_of()?, &command.table, options).map_err(refused)?;
            let (book, draft) = (read.book.clone(), read.draft().map_err(refused)?);
            Ok(Taken {
                book,
                draft,
                place: Box::new(move |table, row, column| read.place(table, row, column)),
            })
        }
        Format::Json if !jdm::is_jdm(&bytes) => {
            let read = json::read(&bytes).map_err(refused)?;
            let (book, draft) = (read.book.clone(), read.draft().map_err(refused)?);
            Ok(Taken {
                book,
                draft,
                place: Box::new(move |table, row, column| read.place(table, row, column)),
            })
        }
        format @ (Format::Json | Format::Dmn) => {
            let policy = part_of()?;
            let side = side()?;
            let read = match format {
                Format::Dmn => dmn::read(&bytes, policy, &side),
                Format::Xlsx | Format::Csv | Format::Json => jdm::read(&bytes, policy, &side),
            };
            let read = read.map_err(refused)?;
            let (book, draft) = (read.book.clone(), read.draft().map_err(refused)?);
            Ok(Taken {
                book,
                draft,
                place: Box::new(move |table, row, column| read.place(table, row, column)),
            })
        }
    }
}

/// Checks the new policy among the others; its faults are told in the words of the imported file.
fn check(files: &[SourceFile], path: &str, taken: &Taken) -> Result<(), Refused> {
    let mut changed = files.to_vec();
    let text = taken.draft.text.clone();
    match changed.iter_mut().find(|file| file.path == path) {
        Some(file) => file.text = text,
        None => changed.push(SourceFile { path: path.to_owned(), text }),
    }
    let Err(faults) = Rulebook::draft(&changed) else { return Ok(()) };
    let misfit = |fault: &Fault| {
        if fault.file == path {
            return taken.draft.misfit(fault, &taken.place);
        }
        Misfit { place: String::new(), message: fault.to_string(), help: fault.help.clone() }
    };
    Err(Refused(faults.iter().map(misfit).collect()))
}

fn failure(command: &Import, refused: &Refused) -> Failure {
    let message = format!("`{}` cannot be carried over as it is", command.file.display());
    let mut failure = Failure::new(exit::NO, message);
    failure.places = refused.to_string().lines().map(str::to_owned).collect();
    failure
}
