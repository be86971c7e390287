//! The seal: the hash that binds a decision to exactly what was shown.
//!
//! `seal = SHA-256(canonical {intent, revision, policy, writes, expires})`. Each write carries the
//! digest of its connector and of the addresses it leads to, so a replaced connector or a
//! connection that points elsewhere breaks the seal as surely as a changed amount.

use crate::approval::{Intent, PlannedEffect};
use crate::canonical::{self, NotCanonical};
use crate::hash::Digest;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a decision binds to. Printed as 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seal(pub Digest);

#[derive(Serialize)]
struct Sealed<'a> {
    intent: &'a Intent,
    policy: Digest,
    writes: &'a [PlannedEffect],
    expires: Timestamp,
}

impl Seal {
    /// Seals what is about to be shown.
    ///
    /// # Errors
    /// [`NotCanonical`] if an intent or plan holds what has no canonical form; none that passed
    /// the door does.
    pub fn of(
        intent: &Intent,
        policy: Digest,
        writes: &[PlannedEffect],
        expires: Timestamp,
    ) -> Result<Seal, NotCanonical> {
        let bytes = canonical::to_vec(&Sealed { intent, policy, writes, expires })?;
        Ok(Seal(Digest::of(&bytes)))
    }
}

impl fmt::Display for Seal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}
