//! The recorded decisions in the log of a host that does not run.

use super::Global;
use crate::exit;
use crate::log::Place;
use crate::output::{Bar, Failure};
use anyhow::{Context as _, Result};
use countersign_core::id::IntentTypeName;
use countersign_core::policy::backtest::Recorded;
use countersign_engine::history::{self, Seen, Wanted};
use countersign_engine::port::store::StoreFault;

/// Hands every wanted case on.
///
/// # Errors
/// If the log is in use, is not what was written, or holds too many undecided intents.
pub(super) async fn read(
    place: &Place,
    wanted: &Wanted,
    global: &Global,
    each: impl FnMut(&IntentTypeName, Recorded) + Send,
) -> Result<Seen> {
    let log = place.read(in_use).await?;
    let store = log.store();
    let bar = Bar::begin("reading the log", global.quiet);
    let seen = history::read(&*store, wanted, &|done, of| bar.at(done, of), each).await;
    bar.end();
    drop(store);
    let closed = log.close().await;
    let seen = seen.with_context(|| place.to_string())?;
    closed.with_context(|| place.to_string())?;
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
