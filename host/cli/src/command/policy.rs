//! `countersign policy`: what a policy's owner asks before anybody else sees the change.

mod check;
mod diff;
mod explain;
mod test;

use super::Global;
use crate::config::{self, rule_files};
use crate::exit;
use crate::output::Failure;
use anyhow::{Context as _, Result};
use countersign_core::document::SourceFile;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Timestamp;
use countersign_engine::port::clock::Clock as _;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What to do with policies.
#[derive(Debug, clap::Subcommand)]
pub enum PolicyCommand {
    /// Prove the tables: gaps, overlaps, dead rows, seats nobody can fill, promises, examples
    Check(check::Check),
    /// Show exactly which requests a changed policy decides otherwise
    Diff(diff::Changed),
    /// Say what a policy answers to these inputs, and why
    Explain(explain::Explain),
    /// Run the examples of the policies
    Test(test::Test),
}

/// Runs one of them.
///
/// # Errors
/// Rules or a file that cannot be read; what is wrong inside them is the answer, not an error.
pub fn run(command: PolicyCommand, global: &Global) -> Result<ExitCode> {
    match command {
        PolicyCommand::Check(command) => check::run(&command, global),
        PolicyCommand::Diff(command) => diff::run(&command, global),
        PolicyCommand::Explain(command) => explain::run(&command, global),
        PolicyCommand::Test(command) => test::run(&command, global),
    }
}

/// The rules folder and what is in it.
fn rules(named: Option<&Path>, global: &Global) -> Result<(PathBuf, Vec<SourceFile>)> {
    let folder = match named {
        Some(folder) => folder.to_owned(),
        None => config::load(global.config.as_deref())?.rules,
    };
    let files = rule_files(&folder).with_context(|| format!("`{}` cannot be read", folder.display()))?;
    if files.is_empty() {
        let message = format!("`{}` holds no rules", folder.display());
        let help = "`countersign init` writes a set to begin with; `--rules DIR` names another folder";
        return Err(Failure::new(exit::CONFIGURATION, message).with_help(help).into());
    }
    Ok((folder, files))
}

/// Rules as they are before their examples are run.
fn read(files: &[SourceFile], whose: &str) -> Result<Rulebook> {
    Rulebook::draft(files).map_err(|faults| {
        let mut failure = Failure::new(exit::NO, format!("the rules with `{whose}` are not sound"));
        failure.places = faults.iter().map(ToString::to_string).collect();
        failure.with_help("`countersign policy check` says more").into()
    })
}

/// No policy decides intents of this type.
fn unknown(intent: &str, rulebook: &Rulebook) -> Failure {
    let known: BTreeSet<&str> = rulebook.policies().map(|policy| policy.intent.as_str()).collect();
    let known: Vec<&str> = known.into_iter().collect();
    Failure::new(exit::USAGE, format!("no policy decides intents of type `{intent}`"))
        .with_help(format!("it is one of {}", known.join(", ")))
}

/// Who is absent is told from today.
fn now() -> Timestamp {
    crate::wire::SystemClock.now()
}
