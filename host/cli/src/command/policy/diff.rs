//! `countersign policy diff`: which requests a changed policy decides otherwise.

use super::{Change, Global, change};
use crate::exit;
use crate::output::{self, plain};
use anyhow::Result;
use countersign_core::policy::diff::Difference;
use countersign_core::policy::stop::Stop;
use std::path::PathBuf;
use std::process::ExitCode;

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

/// Compares the changed policy with the one in force.
///
/// # Errors
/// Rules or a file that cannot be read or are not sound.
pub(super) fn run(command: &Changed, global: &Global) -> Result<ExitCode> {
    let Change { was, now, .. } = change(&command.new, command.rules.as_deref(), global)?;
    let difference = Difference::between(&was, &now, &Stop::never())?;
    if global.json {
        output::json(&difference)?;
    } else {
        difference.diff.to_string().lines().try_for_each(|line| output::line(&plain(line)))?;
    }
    Ok(ExitCode::from(exit::DONE))
}
