//! Which types went live, as the log has it.

use super::Asked;
use crate::approval::event::{Entry, Event};
use crate::approval::{Approval, Authority, Outcome, Stage};
use crate::hash::Digest;
use crate::id::{IntentId, IntentTypeName, PersonId};
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// That an intent type went live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WentLive {
    /// The intent that let it.
    pub intent: IntentId,
    /// The intent type.
    pub of: IntentTypeName,
    /// What it was: see [`super::shape`].
    pub shape: Digest,
    /// The trial that it rests on.
    pub trial: IntentId,
    /// Who asked for it.
    pub asked: PersonId,
    /// Who approved it.
    pub by: Vec<PersonId>,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

impl WentLive {
    /// What an approval has let go live, from the entry that says so; `None` if that is no such entry of an
    /// approved `go_live`.
    #[must_use]
    pub fn of(approval: &Approval, entry: &Entry) -> Option<WentLive> {
        let Event::WentLive { of, shape, trial } = &entry.event else { return None };
        let (Stage::Executing { authority, .. } | Stage::Closed(Outcome::Done { authority, .. })) =
            &approval.stage
        else {
            return None;
        };
        let Authority::People(by) = authority else { return None };
        Some(WentLive {
            intent: approval.intent.id,
            of: of.clone(),
            shape: *shape,
            trial: *trial,
            asked: approval.intent.requester.clone(),
            by: by.clone(),
            reason: Asked::of(&approval.intent.tokens)?.reason.to_owned(),
            at: entry.at,
        })
    }
}

/// Every type that went live, in the order of the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lives {
    by_type: BTreeMap<IntentTypeName, Vec<Arc<WentLive>>>,
}

impl Lives {
    /// The same with one more.
    #[must_use]
    pub fn and(&self, went: WentLive) -> Lives {
        let mut by_type = self.by_type.clone();
        by_type.entry(went.of.clone()).or_default().push(Arc::new(went));
        Lives { by_type }
    }

    /// When a type of exactly this shape went live, the last time. What was shown once holds when the file goes
    /// back to it.
    #[must_use]
    pub fn of(&self, name: &IntentTypeName, shape: &Digest) -> Option<&Arc<WentLive>> {
        self.all_of(name).iter().rev().find(|went| went.shape == *shape)
    }

    /// Every time that a type went live, whatever it was then.
    #[must_use]
    pub fn all_of(&self, name: &IntentTypeName) -> &[Arc<WentLive>] {
        self.by_type.get(name).map(Vec::as_slice).unwrap_or_default()
    }
}
