//! That the log was restored from a backup: on record before anything else happens on it.
//!
//! A host whose log is lost may have sent whatever an older copy of that log calls open, and what people decided
//! since. How often a log was restored is counted, and an intent keeps the count of when it was asked for: where the two
//! differ, each of its effects is looked for once before it is sent
//! (`host/docs/decisions/0084-what-a-restored-log-calls-open-is-looked-for.md`).

use crate::fault::Fault;
use crate::place;
use crate::port::store::Store;
use countersign_core::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Name of the record.
const RESTORED: &str = "restored";

/// One restoration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// When a host first started on the restored log.
    pub at: Timestamp,
    /// Where that log came from, as whoever restored it left it; empty if they did not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub from: String,
}

/// How often the log was restored.
pub(crate) async fn count(store: &dyn Store) -> Result<u32, Fault> {
    let mut times: u32 = 0;
    place::read(store, RESTORED, |_: Restored| times = times.saturating_add(1)).await?;
    Ok(times)
}

/// Puts on record that the log was restored. Durable on return; before any engine starts on it.
///
/// If the process stops in here it is on record or not; said twice it has everything looked for once more, and does no
/// harm.
///
/// # Errors
/// [`Fault::Store`] if the log cannot be read or written.
pub async fn note(store: &dyn Store, restored: &Restored) -> Result<(), Fault> {
    let place = place::read(store, RESTORED, |_: Restored| {}).await?;
    let bytes = serde_json::to_vec(restored).map_err(|fault| Fault::Unreadable(fault.to_string()))?;
    place::append(store, RESTORED, place, vec![bytes.into()], None).await?;
    Ok(())
}
