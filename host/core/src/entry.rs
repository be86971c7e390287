//! One entry of a record that is no approval: when, who, and what happened.

use crate::canonical::{self, NotCanonical};
use crate::id::PersonId;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// One entry of the record of something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry<E> {
    /// When. A recorded fact, never an order.
    pub at: Timestamp,
    /// Who caused it; nobody where the host noted something for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonId>,
    /// What happened.
    pub event: E,
}

impl<E: Serialize> Entry<E> {
    /// The bytes that stand in the log.
    ///
    /// # Errors
    /// [`NotCanonical`] if the entry holds what has no canonical form; none that passed the door does.
    pub fn to_bytes(&self) -> Result<Vec<u8>, NotCanonical> {
        canonical::to_vec(self)
    }
}
