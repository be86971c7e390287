//! A scripted target for native tests of a connector.
//!
//! [`ScriptedTarget`] stands where the host and the vendor stand. It answers by script, keeps
//! what was sent, and holds the connector to the rules that the host holds it to: the phase of
//! each call, the methods and paths of the manifest, the same bytes for the same step. Breaking
//! a rule panics with the rule's name, so that a test fails where the fault is.
//!
//! ```
//! use countersign_sdk::testing::{Reply, ScriptedTarget};
//! use countersign_sdk::{Context, Method};
//!
//! let target = ScriptedTarget::new();
//! target.on(Method::Get, "/orders/7", Reply::text(200, "open"));
//! let answer = target.reading(|context| context.get("api", "/orders/7").read());
//! assert_eq!(answer.expect("scripted").text(), "open");
//! ```

mod manifest;
mod reply;
mod target;

pub use manifest::Manifest;
pub use reply::{Reply, Sent};
pub use target::ScriptedTarget;

use crate::effect::{Effect, Proposal, WritePlan};
use crate::value::{Field, RecordRef};

/// The moment of every scripted call: 2026-01-01T00:00:00Z.
pub const NOW_MS: u64 = 1_767_225_600_000;

/// A proposal, in one line.
#[must_use]
pub fn proposal(operation: &str, subject: RecordRef, fields: Vec<Field>) -> Proposal {
    Proposal { operation: operation.to_owned(), subject, fields }
}

/// The first attempt at an effect.
#[must_use]
pub fn effect(effect_id: &str, what: &Proposal, plan: &WritePlan) -> Effect {
    Effect {
        effect_id: effect_id.to_owned(),
        attempt: 1,
        what: what.clone(),
        plan: plan.clone(),
        now_ms: NOW_MS,
        extra: Vec::new(),
    }
}

/// The first attempt at taking back an effect that landed, as the host derives it: an id of its own, and the plan with
/// before and after exchanged.
#[must_use]
pub fn compensation(landed: &Effect) -> Effect {
    let mut plan = landed.plan.clone();
    plan.revision = None;
    plan.remarks.clear();
    for change in &mut plan.changes {
        std::mem::swap(&mut change.before, &mut change.after);
    }
    effect(&format!("{}-undo", landed.effect_id), &landed.what, &plan)
}
