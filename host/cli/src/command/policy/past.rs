//! The recorded decisions in the log of a host that does not run.

use super::Global;
use crate::output::{Bar, Failure};
use crate::{config, exit};
use anyhow::{Context as _, Result};
use countersign_core::id::IntentTypeName;
use countersign_core::policy::backtest::Recorded;
use countersign_engine::history::{self, Seen, Wanted};
use countersign_engine::port::store::StoreFault;
use countersign_store_local::{LocalStore, Options};
use std::path::{Path, PathBuf};

/// The data folder that is meant.
///
/// # Errors
/// If it is not named and the configuration cannot be read, or it is not there.
pub(super) fn folder(named: Option<&Path>, global: &Global) -> Result<PathBuf> {
    let data = match named {
        Some(data) => data.to_owned(),
        None => config::load(global.config.as_deref())?.data,
    };
    if data.is_dir() {
        return Ok(data);
    }
    let message = format!("there is no data folder `{}`", data.display());
    Err(Failure::new(exit::CONFIGURATION, message).with_help("name it with `--data DIR`").into())
}

/// Hands every wanted case on.
///
/// # Errors
/// If the log is in use, is not what was written, or holds too many undecided intents.
pub(super) async fn read(
    data: &Path,
    wanted: &Wanted,
    global: &Global,
    each: impl FnMut(&IntentTypeName, Recorded) + Send,
) -> Result<Seen> {
    let place = || format!("data folder `{}`", data.display());
    let folder = data.to_owned();
    let opened = tokio::task::spawn_blocking(move || LocalStore::open(Options::at(folder))).await?;
    let store = opened.map_err(in_use).with_context(place)?;
    let bar = Bar::begin("reading the log", global.quiet);
    let seen = history::read(&store, wanted, &|done, of| bar.at(done, of), each).await;
    bar.end();
    let closed = tokio::task::spawn_blocking(move || store.close()).await?;
    let seen = seen.with_context(place)?;
    closed.with_context(place)?;
    Ok(seen)
}

/// A folder that a host holds is asked through that host.
fn in_use(fault: StoreFault) -> anyhow::Error {
    if !matches!(fault, StoreFault::InUse(_)) {
        return fault.into();
    }
    let help = "stop the host, or leave `--data` out: `policy backtest` then asks the host that runs";
    Failure::new(exit::TEMPORARY, fault.to_string()).with_help(help).into()
}
