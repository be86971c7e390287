//! What is known of a change before anybody decides on it: computed by the host when the intent is
//! prepared, kept with the case and covered by its seal.

use super::Found;
use crate::hash::Digest;
use crate::id::{IntentId, IntentTypeName, PersonId, PoolName};
use crate::intent::value::Day;
use crate::policy::backtest::Backtest;
use crate::policy::diff::Diff;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Most findings that are kept with a change; the first ones are the most urgent.
pub(super) const FINDINGS_MAX: usize = 100;
/// Most regions of the difference that are kept with a change.
pub(super) const REGIONS_MAX: usize = 50;
/// Longest text of one finding or region that is kept, in characters.
pub(super) const WORDS_MAX: usize = 2_000;

/// The change of a policy, as its approvers see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The intent type whose policy changes.
    pub of: IntentTypeName,
    /// Content address of the new version: exactly this becomes active.
    pub version: Digest,
    /// First day of its being in force; the day of its activation if that is later.
    pub effective: Day,
    /// The pool that owns the new version.
    pub owner: PoolName,
    /// The pool that owns the version in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_before: Option<PoolName>,
    /// The version in force, against which the difference was made; `None` for a first policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Digest>,
    /// Where this very version was in force before, if it was: its old evidence stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Again>,
    /// What the linter found, most urgent first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Found>,
    /// How many findings there are in all.
    pub findings_total: usize,
    /// Kinds of warnings that the publisher answers for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<String>,
    /// The examples of the document that get the answer that they expect.
    pub examples: Tally,
    /// Bounds that were moved by one step, and how many of them an example notices.
    pub mutants: Tally,
    /// Each promise, and whether it is proved or tested.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub promises: Vec<String>,
    /// What is decided otherwise; `None` for a first policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<Diff>,
    /// What it would have decided over the recorded intents of the last days; `None` if the log was
    /// too long to be read in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backtest: Option<Backtest>,
    /// Who has an open intent of this type and therefore no seat.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicted: Vec<PersonId>,
}

/// So many of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many did.
    pub passed: usize,
    /// How many there are.
    pub of: usize,
}

/// An earlier time of being in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    /// The intent that published it then; `None` if it came with the files of the house.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<IntentId>,
    /// Since when it was in force then.
    pub since: Timestamp,
}
