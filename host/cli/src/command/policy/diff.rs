//! `countersign policy diff`: which requests a changed policy decides otherwise.

use super::{Change, Global, change, draft};
use crate::client::{Client, typed};
use crate::exit;
use crate::output::{self, plain};
use anyhow::Result;
use countersign_core::policy::diff::Difference;
use countersign_core::policy::stop::Stop;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Which change to look at.
#[derive(Debug, clap::Args)]
pub struct Changed {
    /// The changed policy
    #[arg(value_name = "FILE")]
    pub new: PathBuf,
    /// Compare with what is in force on the running host, instead of the file of the same name
    #[arg(long, conflicts_with = "rules")]
    pub in_force: bool,
    /// Folder with the file it replaces, instead of the configured one
    #[arg(long, value_name = "DIR")]
    pub rules: Option<PathBuf>,
}

/// Compares the changed policy with the one that it replaces.
///
/// # Errors
/// Rules or a file that cannot be read or are not sound, or a host that does not answer.
pub(super) async fn run(command: &Changed, global: &Global) -> Result<ExitCode> {
    let difference = if command.in_force {
        from_host(&command.new, global).await?
    } else {
        let Change { was, now, .. } = change(&command.new, command.rules.as_deref(), global)?;
        Difference::between(&was, &now, &Stop::never())?
    };
    if global.json {
        output::json(&difference)?;
    } else {
        difference.diff.to_string().lines().try_for_each(|line| output::line(&plain(line)))?;
    }
    Ok(ExitCode::from(exit::DONE))
}

async fn from_host(new: &Path, global: &Global) -> Result<Difference> {
    let (intent, text) = draft(new)?;
    let client = Client::of(global)?;
    typed(&client.question(&format!("/v1/policies/{intent}/diff"), &json!({ "policy": text })).await?)
}
