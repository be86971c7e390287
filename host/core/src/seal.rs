//! The seal: the hash that binds a decision to exactly what was shown.
//!
//! `seal = SHA-256(canonical {intent, revision, policy, writes, change, shared, readiness, advisory,
//! expires})`; what is not there is left out. Each write carries the digest of its connector and of the addresses it leads to, so a replaced connector or a
//! connection that points elsewhere breaks the seal as surely as a changed amount.

use crate::approval::{Intent, PlannedEffect};
use crate::canonical::{self, NotCanonical};
use crate::going_live::Readiness;
use crate::hash::Digest;
use crate::publish::Change;
use crate::shared_change::SharedChange;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a decision binds to. Printed as 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seal(pub Digest);

/// What an approval would bring about.
#[derive(Debug, Clone, Copy)]
pub struct Content<'a> {
    /// The changes, field by field.
    pub writes: &'a [PlannedEffect],
    /// The change of a policy, where that is what is asked for.
    pub change: Option<&'a Change>,
    /// The change of a shared file, where that is what is asked for.
    pub shared: Option<&'a SharedChange>,
    /// What an intent type goes live on, where that is what is asked for.
    pub readiness: Option<&'a Readiness>,
    /// Whether the decision is only recorded.
    pub advisory: bool,
    /// When the seal ends.
    pub expires: Timestamp,
}

#[derive(Serialize)]
struct Sealed<'a> {
    intent: &'a Intent,
    policy: Digest,
    writes: &'a [PlannedEffect],
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<&'a Change>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shared: Option<&'a SharedChange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    readiness: Option<&'a Readiness>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advisory: Option<bool>,
    expires: Timestamp,
}

impl Seal {
    /// Seals what is about to be shown.
    ///
    /// # Errors
    /// [`NotCanonical`] if an intent or plan holds what has no canonical form; none that passed
    /// the door does.
    pub fn of(intent: &Intent, policy: Digest, content: Content<'_>) -> Result<Seal, NotCanonical> {
        let Content { writes, change, shared, readiness, advisory, expires } = content;
        let advisory = advisory.then_some(true);
        let sealed = Sealed { intent, policy, writes, change, shared, readiness, advisory, expires };
        let bytes = canonical::to_vec(&sealed)?;
        Ok(Seal(Digest::of(&bytes)))
    }
}

impl fmt::Display for Seal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}
