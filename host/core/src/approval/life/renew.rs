//! A seal that ends while people are asked: what they were shown is old by then. The intent is prepared anew, as
//! its next revision, and whoever has decided on the same keeps their voice.

use super::Turn;
use crate::approval::event::{Actor, Event};
use crate::approval::{Intent, Stage};
use crate::built_in::is_built_in;
use crate::time::Timestamp;
use std::sync::Arc;

/// When the seal of what waits for people has to be made anew; nothing for what the host itself takes: that was proved
/// at the door, with its evidence, and passes the door anew.
#[must_use]
pub(in crate::approval) fn due(intent: &Intent, stage: &Stage) -> Option<Timestamp> {
    match stage {
        Stage::Seated { case, .. } if !is_built_in(&intent.intent_type) => Some(case.expires),
        Stage::Seated { .. }
        | Stage::Preparing { .. }
        | Stage::Unsettled { .. }
        | Stage::Returned { .. }
        | Stage::Executing { .. }
        | Stage::Closed(_) => None,
    }
}

/// Prepares anew what has lost its seal, by the policy that it was asked under: nobody amended it, and time alone puts
/// no intent under other rules. Says whether it did.
pub(super) fn renew(turn: &mut Turn<'_>) -> bool {
    let intent = &turn.approval.intent;
    if due(intent, &turn.approval.stage).is_none_or(|due| turn.context.now <= due) {
        return false;
    }
    let next = Intent { revision: intent.revision.saturating_add(1), ..Intent::clone(intent) };
    turn.record(Actor::Timer, Event::Renewed { intent: Arc::new(next) });
    true
}
