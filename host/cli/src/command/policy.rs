//! `countersign policy`: what a policy's owner asks before anybody else sees the change.

use super::Global;
use crate::config::{self, rule_files};
use crate::exit;
use crate::output::{self, Failure, plain};
use anyhow::{Context as _, Result};
use countersign_core::document::SourceFile;
use countersign_core::policy::Policy;
use countersign_core::policy::check::{Report, check_files};
use countersign_core::policy::diff::{self, Diff};
use countersign_core::policy::mutant;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Timestamp;
use countersign_engine::port::clock::Clock as _;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Largest policy file that is read, in bytes: what the documents' own limit allows.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// What to do with policies.
#[derive(Debug, clap::Subcommand)]
pub enum PolicyCommand {
    /// Prove the tables: gaps, overlaps, dead rows, seats nobody can fill, promises, examples
    Check(Check),
    /// Show exactly which requests a changed policy decides otherwise
    Diff(Changed),
}

/// Which policies to check.
#[derive(Debug, clap::Args)]
pub struct Check {
    /// Intent type of the only policy to check
    pub intent: Option<String>,
    /// Folder with the rules, instead of the configured one
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
    /// Print the examples that would notice the edges that no example tests
    #[arg(long)]
    pub suggest: bool,
}

/// Which change to look at.
#[derive(Debug, clap::Args)]
pub struct Changed {
    /// The changed policy
    #[arg(value_name = "FILE")]
    pub new: PathBuf,
    /// Folder with the rules that are in force, instead of the configured one
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
}

/// What `policy diff --json` prints.
#[derive(Debug, Serialize)]
struct Difference {
    intent: String,
    old: String,
    new: String,
    #[serde(flatten)]
    diff: Diff,
}

/// Runs one of them.
///
/// # Errors
/// Rules or a file that cannot be read; what is wrong inside them is the answer, not an error.
pub fn run(command: PolicyCommand, global: &Global) -> Result<ExitCode> {
    match command {
        PolicyCommand::Check(command) => check(&command, global),
        PolicyCommand::Diff(command) => differences(&command, global),
    }
}

fn check(command: &Check, global: &Global) -> Result<ExitCode> {
    let (_, files) = rules(command.rules.as_deref(), global)?;
    let mut report = check_files(&files, now());
    if let Some(intent) = &command.intent {
        only(&mut report, intent)?;
    }
    if command.suggest {
        return suggest(&files, command.intent.as_deref(), &report);
    }
    if global.json {
        output::json(&report)?;
    } else {
        report.to_string().lines().try_for_each(|line| output::line(&plain(line)))?;
        if report.passes() && !global.quiet {
            output::say("nothing keeps these policies from being published");
        }
    }
    Ok(ExitCode::from(if report.passes() { exit::DONE } else { exit::NO }))
}

fn only(report: &mut Report, intent: &str) -> Result<()> {
    if !report.faults.is_empty() {
        return Ok(());
    }
    let known: Vec<String> = report.policies.iter().map(|policy| policy.intent.clone()).collect();
    report.policies.retain(|policy| policy.intent == intent);
    if report.policies.is_empty() {
        let failure = Failure::new(exit::USAGE, format!("no policy decides intents of type `{intent}`"));
        return Err(failure.with_help(format!("it is one of {}", known.join(", "))).into());
    }
    Ok(())
}

fn suggest(files: &[SourceFile], intent: Option<&str>, report: &Report) -> Result<ExitCode> {
    let rulebook = match Rulebook::draft(files) {
        Ok(rulebook) => rulebook,
        Err(_) => {
            report.to_string().lines().try_for_each(|line| output::line(&plain(line)))?;
            return Ok(ExitCode::from(exit::NO));
        }
    };
    let wanted = |policy: &&Policy| intent.is_none_or(|intent| policy.intent.as_str() == intent);
    for policy in rulebook.policies().filter(wanted) {
        output::line(&format!("{}: rows to add under `## Examples`", plain(&policy.path)))?;
        mutant::suggest(policy).lines().try_for_each(|line| output::line(&plain(line)))?;
    }
    Ok(ExitCode::from(exit::DONE))
}

fn differences(command: &Changed, global: &Global) -> Result<ExitCode> {
    let (folder, files) = rules(command.rules.as_deref(), global)?;
    let size = std::fs::metadata(&command.new).map(|about| about.len());
    if size.is_ok_and(|size| FILE_BYTES_MAX < size) {
        let message = format!("`{}` is larger than {FILE_BYTES_MAX} bytes", command.new.display());
        return Err(Failure::new(exit::NO, message).into());
    }
    let text = std::fs::read_to_string(&command.new)
        .with_context(|| format!("`{}` cannot be read", command.new.display()))?;
    let old = read(&files, &folder.display().to_string())?;
    let name = command.new.file_name().and_then(|name| name.to_str()).unwrap_or("new.policy.md");
    let path = format!("policies/{name}");
    let mut changed = files;
    match changed.iter_mut().find(|file| file.path == path) {
        Some(file) => file.text = text,
        None => {
            let known = changed.iter().filter(|file| file.path.starts_with("policies/"));
            let known: Vec<_> = known.map(|file| file.path.trim_start_matches("policies/")).collect();
            let message = format!("`{name}` is not the name of a policy in `{}`", folder.display());
            let help = format!("give the changed file the name of the one it replaces: {}", known.join(", "));
            return Err(Failure::new(exit::USAGE, message).with_help(help).into());
        }
    }
    let new = read(&changed, &command.new.display().to_string())?;
    let at = |rulebook: &Rulebook| rulebook.policies().find(|policy| policy.path == path).cloned();
    let (Some(was), Some(now)) = (at(&old), at(&new)) else {
        anyhow::bail!("`{name}` was read but is not among the policies");
    };
    if was.intent != now.intent {
        let message = format!("`{name}` decides `{}` now, not `{}`", now.intent, was.intent);
        return Err(Failure::new(exit::NO, message).into());
    }
    let diff = diff::diff(&was, &now);
    if global.json {
        let (old, new) = (was.version().to_string(), now.version().to_string());
        output::json(&Difference { intent: was.intent.to_string(), old, new, diff })?;
    } else {
        diff.to_string().lines().try_for_each(|line| output::line(&plain(line)))?;
    }
    Ok(ExitCode::from(exit::DONE))
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
