//! The hashes port: the row of hashes of the log's Merkle tree. It follows from the log, so losing it costs time and
//! nothing else.

use crate::port::store::StoreFault;
use countersign_core::hash::Digest;
use countersign_core::log::stored::Row;
use std::sync::{Mutex, PoisonError};

/// A row of hashes that only grows, in the order of [`countersign_core::log::stored`].
///
/// What is kept was kept whole: a row that a stop cut off in the middle of an append is found as it was before, and one
/// that was changed since is found empty or says so when it is read.
pub trait Hashes: Row<Fault = StoreFault> + Send + Sync + 'static {
    /// How many leaves the row has. Blocks.
    fn size(&self) -> u64;

    /// Puts hashes behind those that are there, which makes a tree of `size` leaves with this root; durable on return.
    /// Blocks.
    ///
    /// # Errors
    /// If they cannot be written; the row is as it was.
    fn append(&self, hashes: &[Digest], size: u64, root: &Digest) -> Result<(), StoreFault>;

    /// Forgets everything. Blocks.
    ///
    /// # Errors
    /// If it cannot be forgotten.
    fn clear(&self) -> Result<(), StoreFault>;
}

/// A row in memory, which is made anew at each start.
#[derive(Debug, Default)]
pub struct MemoryHashes(Mutex<(Vec<Digest>, u64)>);

impl Row for MemoryHashes {
    type Fault = StoreFault;

    fn hash(&self, place: u64) -> Result<Digest, StoreFault> {
        let row = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = usize::try_from(place).ok().and_then(|place| row.0.get(place).copied());
        found.ok_or_else(|| StoreFault::Io(format!("there is no hash {place}")))
    }
}

impl Hashes for MemoryHashes {
    fn size(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    fn append(&self, hashes: &[Digest], size: u64, _: &Digest) -> Result<(), StoreFault> {
        let mut row = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        row.0.extend_from_slice(hashes);
        row.1 = size;
        Ok(())
    }

    fn clear(&self) -> Result<(), StoreFault> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (Vec::new(), 0);
        Ok(())
    }
}
