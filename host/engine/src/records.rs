//! Records of things that are no intents, such as connections and connectors: each in streams of its own, read when it
//! is first asked for. An entry is stored before it counts.

use crate::place::Place;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use tokio::sync::Mutex;

/// The record of one thing, and where it goes on.
pub(crate) type Known<R> = (Arc<R>, Place);

/// The records of all things of a kind that were asked for, by name.
pub(crate) struct Records<N, R> {
    known: StdMutex<BTreeMap<N, Known<R>>>,
    /// Held while one is read or changed, so that each is changed as the last one left it.
    pub(crate) changing: Mutex<()>,
}

impl<N, R> Default for Records<N, R> {
    fn default() -> Records<N, R> {
        Records { known: StdMutex::default(), changing: Mutex::default() }
    }
}

impl<N, R> fmt::Debug for Records<N, R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Records").finish_non_exhaustive()
    }
}

impl<N: Ord + Clone, R> Records<N, R> {
    pub(crate) fn known(&self, name: &N) -> Option<Known<R>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub(crate) fn keep(&self, name: &N, known: Known<R>) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), known);
    }
}
