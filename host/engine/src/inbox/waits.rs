//! Why deliveries wait: of each that does the last reason, for whoever looks.
//!
//! It is not on record. After a restart each is looked at again, and then it is known again.

use countersign_core::effect::attempt::Detail;
use countersign_core::id::DeliveryId;
use countersign_core::time::Timestamp;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Most deliveries whose reason is kept. What waits behind them waits for the same, nearly always.
const WAITS_MAX: usize = 1_000;

/// Why a delivery waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// What its connector or its target said.
    pub why: Detail,
    /// When it is looked at again.
    pub until: Timestamp,
}

/// The reasons, by delivery.
#[derive(Debug, Default)]
pub(crate) struct Waits(Mutex<HashMap<DeliveryId, Wait>>);

impl Waits {
    pub(crate) fn note(&self, id: DeliveryId, wait: Wait) {
        let mut waits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waits.len() < WAITS_MAX || waits.contains_key(&id) {
            waits.insert(id, wait);
        }
    }

    pub(crate) fn over(&self, id: DeliveryId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    pub(crate) fn of(&self, id: DeliveryId) -> Option<Wait> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }
}
