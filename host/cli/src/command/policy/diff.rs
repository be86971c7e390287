//! `countersign policy diff`: which requests a changed policy decides otherwise.

use super::{Global, read, rules};
use crate::exit;
use crate::output::{self, Failure, plain};
use anyhow::{Context as _, Result};
use countersign_core::policy::diff::{self, Diff};
use countersign_core::rulebook::Rulebook;
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;

/// Largest policy file that is read, in bytes: what the documents' own limit allows.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

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

/// Compares the changed policy with the one in force.
///
/// # Errors
/// Rules or a file that cannot be read or are not sound.
pub(super) fn run(command: &Changed, global: &Global) -> Result<ExitCode> {
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
