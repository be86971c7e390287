//! Locks of values that are whole between two statements.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The lock, also after a panic elsewhere.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
