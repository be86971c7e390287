//! Approvals whose state is in memory, and the callers' keys that are in use right now.

use crate::engine::{Key, Standing};
use crate::fault::Fault;
use crate::limits::APPROVALS_HOT_MAX;
use crate::port::store::RowChange;
use countersign_core::approval::{Approval, Stage};
use countersign_core::id::IntentId;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// One approval in memory: its commands pass one at a time through the lock.
pub(crate) type Slot = Arc<tokio::sync::Mutex<Option<Loaded>>>;

/// An approval with the sequence that it reflects.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) approval: Arc<Approval>,
    pub(crate) sequence: u64,
    /// Its row as it was stored last, if this process stored it.
    pub(crate) row: Option<RowChange>,
}

impl Loaded {
    pub(crate) fn standing(&self) -> Standing {
        Standing { approval: Arc::clone(&self.approval), sequence: self.sequence }
    }
}

/// The slots in use and the callers' keys in use.
#[derive(Debug, Default)]
pub(crate) struct Hot {
    slots: Mutex<HashMap<IntentId, Slot>>,
    keys: Arc<Mutex<HashSet<String>>>,
}

impl Hot {
    /// The slot of an approval. Whoever takes one gives it back through [`Hot::release`].
    pub(crate) fn slot(&self, intent: IntentId) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(intent).or_default())
    }

    /// Forgets a slot that holds nothing and that nobody else waits for, or any idle one above the limit.
    pub(crate) fn release(&self, intent: IntentId, slot: &Slot) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        // INVARIANT: one reference is the map's and one is the caller's; new ones are made only
        // under this lock. So at two, nobody else can be waiting.
        let idle = Arc::strong_count(slot) == 2;
        let empty = slot.try_lock().is_ok_and(|place| place.is_none());
        if idle && (empty || APPROVALS_HOT_MAX < slots.len()) {
            slots.remove(&intent);
        }
    }

    /// Marks a caller's key as in use until the guard is dropped.
    pub(crate) fn begin(&self, key: Option<&Key>) -> Result<Option<InUse>, Fault> {
        let Some(key) = key else { return Ok(None) };
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if !keys.insert(key.key.clone()) {
            return Err(Fault::KeyBusy);
        }
        Ok(Some(InUse { key: key.key.clone(), keys: Arc::clone(&self.keys) }))
    }
}

/// A caller's key in use.
#[derive(Debug)]
pub(crate) struct InUse {
    key: String,
    keys: Arc<Mutex<HashSet<String>>>,
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

/// An approval that will be needed again soon. One that waits for a person, perhaps for weeks, or
/// is closed, costs no memory.
pub(crate) fn kept(loaded: Loaded) -> Option<Loaded> {
    match loaded.approval.stage {
        Stage::Preparing { .. } | Stage::Executing { .. } => Some(loaded),
        Stage::Unsettled { .. } | Stage::Returned { .. } | Stage::Seated { .. } | Stage::Closed(_) => None,
    }
}

/// How many commands from outside are under way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Doors(Arc<AtomicUsize>);

/// A command from outside that is under way.
#[derive(Debug)]
pub(crate) struct Inside(Doors);

impl Doors {
    pub(crate) fn enter(&self) -> Inside {
        self.0.fetch_add(1, Ordering::Relaxed);
        Inside(self.clone())
    }

    pub(crate) fn inside(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
