//! `countersign policy fmt`: aligns the tables of rules and changes nothing else.

use super::{Global, replace, rules, text_of};
use crate::exit;
use crate::output::{self, Failure, plain};
use anyhow::Result;
use countersign_core::document::SourceFile;
use countersign_core::rulebook;
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;

/// Which files to format.
#[derive(Debug, clap::Args)]
pub struct Fmt {
    /// Policies, intent types, people.md or routes.md; all rules unless named
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Folder with the rules, instead of the configured one
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
    /// Write nothing; name the files that are not formatted, and fail if there is one
    #[arg(long)]
    pub check: bool,
}

/// What `policy fmt --json` prints.
#[derive(Debug, Default, Serialize)]
struct Formatted {
    /// Files that were not formatted before.
    changed: Vec<String>,
    /// How many were.
    unchanged: usize,
}

/// Formats files in place; a file whose shape is wrong is left as it is, and named.
///
/// # Errors
/// Files that cannot be read or written, or whose shape is wrong.
pub(super) fn run(command: &Fmt, global: &Global) -> Result<ExitCode> {
    let files = if command.files.is_empty() {
        let (folder, files) = rules(command.rules.as_deref(), global)?;
        files.iter().map(|file| folder.join(&file.path)).collect()
    } else {
        command.files.clone()
    };
    let mut found = Formatted::default();
    let mut places = Vec::new();
    for path in &files {
        let shown = path.display().to_string();
        let file = SourceFile { path: shown.clone(), text: text_of(path)? };
        match rulebook::formatted(&file) {
            Ok(text) if text == file.text => found.unchanged += 1,
            Ok(text) => {
                if !command.check {
                    replace(path, text.as_bytes())?;
                }
                found.changed.push(shown);
            }
            Err(faults) => places.extend(faults.iter().map(ToString::to_string)),
        }
    }
    if global.json {
        output::json(&found)?;
    } else {
        found.changed.iter().try_for_each(|path| output::line(&plain(path)))?;
    }
    if !places.is_empty() {
        let mut failure = Failure::new(exit::NO, "a document whose shape is wrong cannot be formatted");
        failure.places = places;
        return Err(failure.with_help("correct these lines first; no other file waits for them").into());
    }
    let no = command.check && !found.changed.is_empty();
    if no && !global.quiet {
        output::say("these files are not formatted; `countersign policy fmt` does it");
    }
    Ok(ExitCode::from(if no { exit::NO } else { exit::DONE }))
}
