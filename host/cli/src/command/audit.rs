//! `countersign audit`: whether the log is what was written.

use super::Global;
use crate::output::{self, Failure, Progress};
use crate::{config, exit};
use anyhow::{Context as _, Result};
use countersign_engine::port::store::{Store as _, StoreFault};
use countersign_store_local::{LocalStore, Options};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// What to do with the log.
#[derive(Debug, clap::Subcommand)]
pub enum Audit {
    /// Read the whole log again: every sum, every link of the hash chain
    Verify {
        /// Data folder, instead of the one in the configuration
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Head of the chain that was noted down elsewhere; the log must end with it
        #[arg(long, value_name = "SHA256")]
        head: Option<String>,
    },
}

/// Verifies the log of a host that does not run.
///
/// # Errors
/// If the log is not what was written, or is in use.
pub async fn run(command: Audit, global: &Global) -> Result<ExitCode> {
    let Audit::Verify { data, head } = command;
    let data = match data {
        Some(data) => data,
        None => config::load(global.config.as_deref())?.data,
    };
    if !data.is_dir() {
        let message = format!("there is no data folder `{}`", data.display());
        return Err(Failure::new(exit::CONFIGURATION, message).with_help("name it with `--data DIR`").into());
    }
    let progress = Progress::begin(global.quiet);
    progress.now("opening the log");
    let folder = data.clone();
    let opened = tokio::task::spawn_blocking(move || LocalStore::open(Options::at(folder))).await?;
    let place = || format!("data folder `{}`", data.display());
    let store = opened.map_err(broken).with_context(place)?;
    let verified = store
        .verify(&|done, of| {
            let percent = done.saturating_mul(100).checked_div(of).unwrap_or(100);
            progress.now(&format!("verifying the log: {percent} %"));
        })
        .await;
    let closed = tokio::task::spawn_blocking(move || store.close()).await?;
    progress.end();
    let verified = verified.map_err(broken).with_context(place)?;
    closed.with_context(place)?;
    let found = verified.head.to_string();
    if global.json {
        output::json(&json!({ "entries": verified.entries, "head": found }))?;
    } else {
        output::line(&format!("{} entries, head {found}", verified.entries))?;
    }
    if head.is_some_and(|head| !head.eq_ignore_ascii_case(&found)) {
        let help = "if the noted head is older, this log has grown since; otherwise somebody replaced it";
        return Err(Failure::new(exit::NO, "the log does not end with the noted head")
            .with_help(help)
            .into());
    }
    Ok(ExitCode::from(exit::DONE))
}

/// A fault of the log with the exit code that it deserves.
fn broken(fault: StoreFault) -> anyhow::Error {
    let help = match &fault {
        StoreFault::InUse(_) => "stop the host first, or ask it: `GET /v1/log/health`",
        StoreFault::Corrupt { .. } => "keep the folder as it is, and restore a backup beside it",
        StoreFault::Conflict { .. }
        | StoreFault::Full
        | StoreFault::Busy
        | StoreFault::Lost(_)
        | StoreFault::Version { .. }
        | StoreFault::Io(_)
        | StoreFault::TooLarge(_) => return fault.into(),
    };
    let exit = if matches!(fault, StoreFault::InUse(_)) { exit::TEMPORARY } else { exit::NO };
    Failure::new(exit, fault.to_string()).with_help(help).into()
}
