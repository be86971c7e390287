//! `countersign policy export`: a policy in the format of another tool.

use super::exchange::{existing, format_of, format_word};
use super::{Global, replace, rules, written_new};
use crate::exit;
use crate::output::{self, Failure};
use anyhow::Result;
use countersign_core::exchange::{Format, Writing};
use countersign_exchange::carry;
use serde_json::json;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// What to export, and to what.
#[derive(Debug, clap::Args)]
pub struct Export {
    /// Intent type of the policy
    pub intent: String,
    /// Format; told from the ending of the file unless given
    #[arg(long, value_parser = format_word())]
    pub to: Option<Format>,
    /// Where it goes, instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Overwrite the file if it is there
    #[arg(long)]
    pub replace: bool,
    /// The one table that CSV holds
    #[arg(long, value_name = "NAME", default_value = "Rules")]
    pub table: String,
    /// DMN: write the rule table alone, and say what is left out
    #[arg(long)]
    pub rules_only: bool,
    /// Policy file, where several decide this intent type
    #[arg(long, value_name = "FILE")]
    pub policy: Option<String>,
    /// Folder with the rules, instead of the configured one
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
}

/// Writes the policy.
///
/// # Errors
/// A policy that is not there or does not fit the format, or a file that must not be overwritten.
pub(super) fn run(command: &Export, global: &Global) -> Result<ExitCode> {
    let format = match (command.to, &command.output) {
        (Some(format), _) => format,
        (None, Some(file)) => format_of(file)?,
        (None, None) => {
            let failure = Failure::new(exit::USAGE, "no format is named");
            return Err(failure.with_help("`--to xlsx -o FILE`, or `--to json`").into());
        }
    };
    let (folder, files) = rules(command.rules.as_deref(), global)?;
    let Some((_, book)) = existing(&files, &command.intent, command.policy.as_deref())? else {
        let message = format!("no policy in `{}` decides `{}`", folder.display(), command.intent);
        return Err(Failure::new(exit::USAGE, message).into());
    };
    let writing = Writing { table: command.table.clone(), rules_only: command.rules_only };
    let written = carry::write(&book, format, &writing).map_err(|refused| {
        let mut failure = Failure::new(exit::NO, format!("this policy does not fit {format}"));
        failure.places = refused.to_string().lines().map(str::to_owned).collect();
        failure
    })?;
    if !global.json || command.output.is_none() {
        written.left_out.iter().for_each(|what| output::say(&format!("left out  {what}")));
    }
    let Some(file) = &command.output else {
        if format == Format::Xlsx {
            let failure = Failure::new(exit::USAGE, "a workbook is no text for standard output");
            return Err(failure.with_help("name a file with `-o FILE.xlsx`").into());
        }
        std::io::stdout().lock().write_all(&written.bytes)?;
        return Ok(ExitCode::from(exit::DONE));
    };
    if command.replace {
        replace(file, &written.bytes)?;
    } else {
        written_new(file, &written.bytes)?;
    }
    if global.json {
        output::json(&json!({ "written": file.display().to_string(), "left_out": written.left_out }))?;
    } else if !global.quiet {
        output::say(&format!("written  {}", file.display()));
    }
    Ok(ExitCode::from(exit::DONE))
}
