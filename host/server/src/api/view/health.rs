//! How the host and its log are.

use countersign_engine::port::store::Health;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the log is, and up to where it is durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogHealthView {
    /// Place of the last durable entry.
    pub position: u64,
    /// Head of the hash chain at that place.
    pub head: String,
    /// Bytes on disk.
    pub bytes: u64,
    /// How many times stable storage was asked to sync since the start.
    pub syncs: u64,
    /// Whether it takes commands.
    pub writable: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl From<&Health> for LogHealthView {
    fn from(health: &Health) -> LogHealthView {
        LogHealthView {
            position: health.position.0,
            head: health.head.to_string(),
            bytes: health.bytes,
            syncs: health.syncs,
            writable: health.writable.is_ok(),
            why: health.writable.clone().err(),
        }
    }
}

/// Whether the host is well. Says nothing that a stranger should not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HealthView {
    /// `well` or `unwell`.
    pub state: String,
    /// Why it is unwell: `draining`, `store-not-writable`.
    pub not: Vec<String>,
}

impl HealthView {
    /// The health of a host that does not do what `not` names.
    #[must_use]
    pub fn of(not: Vec<String>) -> HealthView {
        let state = if not.is_empty() { "well" } else { "unwell" };
        HealthView { state: state.to_owned(), not }
    }
}
