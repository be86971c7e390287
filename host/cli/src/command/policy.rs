//! `countersign policy`: what a policy's owner asks before anybody else sees the change.

mod check;
mod diff;
mod publish;
mod show;

use super::Global;
use crate::config::{self, rule_files};
use crate::exit;
use crate::output::Failure;
use anyhow::{Context as _, Result};
use countersign_core::document::SourceFile;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Timestamp;
use countersign_engine::port::clock::Clock as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What to do with policies.
#[derive(Debug, clap::Subcommand)]
pub enum PolicyCommand {
    /// Prove the tables: gaps, overlaps, dead rows, seats nobody can fill, promises, examples
    Check(check::Check),
    /// Show exactly which requests a changed policy decides otherwise
    Diff(diff::Changed),
    /// Propose a changed policy: active once a second person has approved exactly that
    Publish(publish::Publish),
    /// Propose an earlier version again
    Rollback(publish::Rollback),
    /// List which version of every policy is in force, since when, by whom
    List(show::List),
    /// Show one policy: all its versions and the document of one
    Show(show::Show),
}

/// Runs one of them.
///
/// # Errors
/// Rules or a file that cannot be read, or a host that refuses; what `check` finds is the answer, not an
/// error.
pub async fn run(command: PolicyCommand, global: &Global) -> Result<ExitCode> {
    match command {
        PolicyCommand::Check(command) => check::run(&command, global),
        PolicyCommand::Diff(command) => diff::run(&command, global),
        PolicyCommand::Publish(command) => publish::publish(&command, global).await,
        PolicyCommand::Rollback(command) => publish::rollback(&command, global).await,
        PolicyCommand::List(command) => show::list(&command, global).await,
        PolicyCommand::Show(command) => show::show(&command, global).await,
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

/// Who is absent is told from today.
fn now() -> Timestamp {
    crate::wire::SystemClock.now()
}
