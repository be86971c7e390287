//! What is known of the change of a shared file before anybody decides on it: computed by the host when the intent is
//! prepared, kept with the case and covered by its seal.

use super::{Difference, SharedFile};
use crate::hash::Digest;
use crate::id::{IntentTypeName, PersonId, PoolName};
use crate::rulebook::outlook::Outlook;
use serde::{Deserialize, Serialize};

/// Most entries of each kind that are kept of what lies ahead; the first ones are enough to ask why.
pub(super) const AHEAD_MAX: usize = 50;

/// The change of a shared file, as its approvers see it: all of it, and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedChange {
    /// The file.
    pub file: SharedFile,
    /// Content address of the new text: exactly this becomes active.
    pub version: Digest,
    /// That of the text in force, against which it was compared; `None` for an intent type that is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Digest>,
    /// The pools that own the file: before it, and after it if that is another one. Nobody takes a file over by
    /// editing its header.
    pub owners: Vec<PoolName>,
    /// What the new text says otherwise, whole; nothing where a file is put on record as it is.
    pub differences: Vec<Difference>,
    /// The intent types whose policy is another version with it: what is decided from then on is read anew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<IntentTypeName>,
    /// The intent types that are drafts again with it, until another trial shows them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drafts: Vec<IntentTypeName>,
    /// What lies ahead with it and did not without it: rows that too few can fill, people whom the house could not do
    /// without.
    pub ahead: Outlook,
    /// Who has no seat: whoever comes by it into a pool, a role or another right, and whoever has an open intent of
    /// the type that changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicted: Vec<PersonId>,
}
