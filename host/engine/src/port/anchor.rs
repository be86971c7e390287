//! The anchor port: a place in which checkpoints of the log are noted, and that whoever runs the host does not rule alone.

use super::Answer;
use countersign_core::hash::Digest;
use countersign_core::time::Millis;

/// One place in which checkpoints are noted.
pub trait Anchor: Send + Sync + 'static {
    /// What the operator calls it.
    fn name(&self) -> &str;

    /// How long it rests between two checkpoints.
    fn rest(&self) -> Millis;

    /// Notes that the log has so many entries with this root over them; says why it could not.
    ///
    /// If the process stops in here the place holds the checkpoint before or this one, and a later one is noted after
    /// the next start: each begins with the one before.
    fn note(&self, size: u64, root: Digest) -> Answer<'_, Result<(), String>>;
}
