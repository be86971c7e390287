//! How often a policy was overridden lately: what an override must know of the others.

use crate::count::each;
use crate::engine::Inner;
use crate::fault::Fault;
use crate::limits::COUNTER_ROWS_MAX;
use crate::row::{OVERRIDE, POST_MORTEM, Summary};
use countersign_core::approval::command::Command;
use countersign_core::approval::{Approval, Stage};
use countersign_core::id::IntentTypeName;
use countersign_core::override_::Habit;
use countersign_core::time::Millis;
use std::collections::BTreeSet;

/// The reason of the override that a command may make of an approval.
pub(crate) fn reason_of<'a>(approval: &'a Approval, command: &'a Command) -> Option<&'a str> {
    let command = command.said();
    if let Command::Override { what, .. } = command {
        return Some(&what.reason);
    }
    let decides = matches!((command, &approval.stage), (Command::Decide { .. }, Stage::Seated { .. }));
    let pending = approval.overridden.as_ref().filter(|_| decides)?;
    Some(&pending.what.reason)
}

impl Inner {
    /// Overrides of an intent type for a reason, as far back as its rule looks, and whether a post-mortem
    /// about them is open. The caller holds `overriding`, so that two at once count each other.
    pub(crate) async fn habit(&self, of: &IntentTypeName, reason: &str) -> Result<Habit, Fault> {
        let rulebook = self.rulebook();
        let schema = rulebook.intent_type(of);
        let rule = schema.and_then(|schema| schema.overrides.iter().find(|rule| rule.reason == reason));
        let Some(rule) = rule else { return Ok(Habit::default()) };
        let (now, window) = (self.clock.now(), Millis::hours(u64::from(rule.review_days).saturating_mul(24)));
        let mut reviewed_in = None;
        each(&*self.store, &[("type", of.as_str()), (POST_MORTEM, reason)], |row| {
            reviewed_in = row.stream.parse().ok();
            true
        })
        .await?;
        let (mut recent, mut by, mut seen) = (0_u32, BTreeSet::new(), 0_usize);
        each(&*self.store, &[("type", of.as_str()), (OVERRIDE, reason)], |row| {
            let summary = serde_json::from_slice::<Summary>(&row.row.summary).ok();
            if let Some(summary) = summary
                && summary.overridden.is_some_and(|at| now.since(at) <= window)
            {
                recent = recent.saturating_add(1);
                by.extend(summary.overrider);
            }
            seen = seen.saturating_add(1);
            // More than so many are a habit by every rule, so no further ones are counted.
            COUNTER_ROWS_MAX <= seen
        })
        .await?;
        Ok(Habit { recent, by, reviewed_in })
    }
}
