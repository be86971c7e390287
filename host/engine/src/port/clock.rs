//! Time and chance. Nothing else in the product asks the machine for either.

use super::Answer;
use countersign_core::time::{Millis, Timestamp};

/// Says what time it is and wakes sleepers. Tests turn it by hand.
pub trait Clock: Send + Sync + 'static {
    /// The moment now. May jump in either direction: wall time is a recorded fact, never an order.
    fn now(&self) -> Timestamp;

    /// How long something has been going on that began before this clock was first asked, as nobody can set it: never
    /// less than before.
    fn passed(&self) -> Millis;

    /// Returns when as much has passed as lies between now and `moment`, or later; at once if that has passed. A clock
    /// that is set meanwhile does not change it.
    fn sleep_until(&self, moment: Timestamp) -> Answer<'_, ()>;
}

/// Draws random bits for ids and jitter.
pub trait Chance: Send + Sync + 'static {
    /// 128 bits that nobody can predict (a seeded sequence, in tests).
    fn bits(&self) -> u128;
}
