//! `countersign policy`: what a policy's owner asks before anybody else sees the change.

mod backtest;
mod check;
mod diff;
mod past;

use super::Global;
use crate::config::{self, rule_files};
use crate::exit;
use crate::output::Failure;
use anyhow::{Context as _, Result};
use countersign_core::document::{Fault, SourceFile};
use countersign_core::policy::Policy;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Timestamp;
use countersign_engine::port::clock::Clock as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Largest policy file that is read, in bytes: what the documents' own limit allows.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// What to do with policies.
#[derive(Debug, clap::Subcommand)]
pub enum PolicyCommand {
    /// Prove the tables: gaps, overlaps, dead rows, seats nobody can fill, promises, examples
    Check(check::Check),
    /// Show exactly which requests a changed policy decides otherwise
    Diff(diff::Changed),
    /// Show what a changed policy would have answered to the intents that were decided already
    Backtest(backtest::Tried),
}

/// Runs one of them.
///
/// # Errors
/// Rules or a file that cannot be read; what is wrong inside them is the answer, not an error.
pub async fn run(command: PolicyCommand, global: &Global) -> Result<ExitCode> {
    match command {
        PolicyCommand::Check(command) => check::run(&command, global).await,
        PolicyCommand::Diff(command) => diff::run(&command, global),
        PolicyCommand::Backtest(command) => backtest::run(&command, global).await,
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
    Rulebook::draft(files).map_err(|faults| unsound(&faults, whose))
}

/// What is said of rules that are not sound.
fn unsound(faults: &[Fault], whose: &str) -> anyhow::Error {
    let mut failure = Failure::new(exit::NO, format!("the rules with `{whose}` are not sound"));
    failure.places = faults.iter().map(ToString::to_string).collect();
    failure.with_help("`countersign policy check` says more").into()
}

/// The text of a policy file, if it is not too large.
fn policy_text(file: &Path) -> Result<String> {
    let size = std::fs::metadata(file).map(|about| about.len());
    if size.is_ok_and(|size| FILE_BYTES_MAX < size) {
        let message = format!("`{}` is larger than {FILE_BYTES_MAX} bytes", file.display());
        return Err(Failure::new(exit::NO, message).into());
    }
    std::fs::read_to_string(file).with_context(|| format!("`{}` cannot be read", file.display()))
}

/// A changed policy among the rules, beside the one that it replaces.
#[derive(Debug)]
struct Change {
    /// The rules with the change.
    rulebook: Rulebook,
    /// The policy in force.
    was: Policy,
    /// The changed one.
    now: Policy,
}

/// Puts a changed file in the place of the policy of the same name.
///
/// # Errors
/// If there is none of this name, the changed rules are not sound, or it decides another intent type.
fn change(new: &Path, rules_folder: Option<&Path>, global: &Global) -> Result<Change> {
    let (folder, mut files) = rules(rules_folder, global)?;
    let text = policy_text(new)?;
    let old = read(&files, &folder.display().to_string())?;
    let name = new.file_name().and_then(|name| name.to_str()).unwrap_or("new.policy.md");
    let path = format!("policies/{name}");
    match files.iter_mut().find(|file| file.path == path) {
        Some(file) => file.text = text,
        None => {
            let known = files.iter().filter(|file| file.path.starts_with("policies/"));
            let known: Vec<_> = known.map(|file| file.path.trim_start_matches("policies/")).collect();
            let message = format!("`{name}` is not the name of a policy in `{}`", folder.display());
            let help = format!("give the changed file the name of the one it replaces: {}", known.join(", "));
            return Err(Failure::new(exit::USAGE, message).with_help(help).into());
        }
    }
    let rulebook = read(&files, &new.display().to_string())?;
    let at = |rulebook: &Rulebook| rulebook.policies().find(|policy| policy.path == path).cloned();
    let (Some(was), Some(now)) = (at(&old), at(&rulebook)) else {
        anyhow::bail!("`{name}` was read but is not among the policies");
    };
    if was.intent != now.intent {
        let message = format!("`{name}` decides `{}` now, not `{}`", now.intent, was.intent);
        return Err(Failure::new(exit::NO, message).into());
    }
    Ok(Change { rulebook, was, now })
}

/// Who is absent is told from today.
fn now() -> Timestamp {
    crate::wire::SystemClock.now()
}
