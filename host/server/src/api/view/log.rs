//! The log as others may check it.

use countersign_core::hash::Digest;
use countersign_core::log::note::Note;
use data_encoding::BASE64;
use serde::Serialize;
use utoipa::ToSchema;

/// That the log goes on where it ended when it had fewer entries.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConsistencyView {
    /// Entries of the checkpoint that was noted.
    pub from: u64,
    /// The consistency proof of RFC 6962, section 2.1.2: hashes in base 64. None where nothing is between the two.
    pub path: Vec<String>,
    /// The signed checkpoint that it leads to, as `c2sp.org/tlog-checkpoint` has it.
    pub checkpoint: String,
}

impl ConsistencyView {
    pub(crate) fn of(from: u64, path: &[Digest], checkpoint: &Note) -> ConsistencyView {
        let path = path.iter().map(|hash| BASE64.encode(&hash.0)).collect();
        ConsistencyView { from, path, checkpoint: checkpoint.to_text() }
    }
}
