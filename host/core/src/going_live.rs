//! From draft to live: an intent type that says `draft` takes trials only, until two persons of the pool that owns
//! it have let it go live on the strength of one trial.
//!
//! A trial is an intent like every other one: policy, seats, writes, through the real connections. It is marked
//! for ever, and counted nowhere. Going live is an intent of the built-in type `go_live`; what it must rest on is
//! listed by [`weigh`]. All of it is pure: what is configured, and the entries of the trial, come in as arguments.

mod built_in;
mod field;
mod gate;
mod point;
mod record;
mod refusal;
mod shape;
mod silence;

pub(crate) use built_in::described;
pub use field::{Reach, Reachable, fields};
pub use gate::{Asked, Readiness, Shown, admit, confirm, weigh};
pub(crate) use gate::{of_owner, still_tried};
pub use point::{Lack, Met, Point};
pub use record::{Lives, WentLive};
pub use refusal::NotLive;
pub use shape::shape;

use crate::hash::Digest;
use crate::id::IntentTypeName;
use crate::intent::Trigger;
use serde::{Deserialize, Serialize};

/// Name of the built-in intent type.
pub const GO_LIVE: &str = "go_live";
/// Name of the shared route that decides it.
pub const GO_LIVE_ROUTE: &str = "go-live";

/// Most trials of one intent type on one day, by UTC: they write to the real targets and are counted nowhere, so they
/// must not become the usual way.
pub const TRIALS_A_DAY_MAX: u32 = 20;

/// Whether this is the built-in intent type by which another one goes live.
#[must_use]
pub fn is_going_live(name: &IntentTypeName) -> bool {
    name.as_str() == GO_LIVE
}

/// That an intent is a trial of a draft: part of what its seal covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// By what it began: which door it came through.
    pub by: Trigger,
    /// What the intent type was then: see [`shape`].
    pub shape: Digest,
}

#[cfg(test)]
mod tests;
