//! Time and chance. Nothing else in the product asks the machine for either.

use super::Answer;
use countersign_core::time::Timestamp;

/// Says what time it is and wakes sleepers. Tests turn it by hand.
pub trait Clock: Send + Sync + 'static {
    /// The moment now. May jump in either direction: wall time is a recorded fact, never an order.
    fn now(&self) -> Timestamp;

    /// Returns at `moment` or later; at once if it has passed.
    fn sleep_until(&self, moment: Timestamp) -> Answer<'_, ()>;
}

/// Draws random bits for ids and jitter.
pub trait Chance: Send + Sync + 'static {
    /// 128 bits that nobody can predict (a seeded sequence, in tests).
    fn bits(&self) -> u128;
}
