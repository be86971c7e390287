//! What the log says of the demonstration: read after the host is gone, by nothing but the store
//! and the rules of `core`.

use super::scenario::Flow;
use anyhow::{Context, Result};
use countersign_core::approval::event::Entry;
use countersign_core::approval::life;
use countersign_core::approval::{Approval, Authority, Outcome, PlannedEffect, Stage};
use countersign_core::effect::life::EffectState;
use countersign_core::id::IntentId;
use countersign_core::measure::Measures;
use countersign_engine::port::store::{Position, Store, Verified};
use std::collections::BTreeMap;

/// Entries that are read at a time.
const SCAN_ENTRIES: usize = 200;

/// The log, folded.
#[derive(Debug)]
pub struct Record {
    /// What a check of every sum and link found.
    pub verified: Verified,
    /// Every approval as it stands at the end of the log.
    pub approvals: BTreeMap<IntentId, Approval>,
    /// Figures.
    pub measures: Measures,
}

/// How an intent ended, for the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// Approved by a row of the policy.
    ByPolicy,
    /// Approved by people.
    ByPeople,
    /// Declined by a row of the policy.
    Denied,
    /// Declined by a person.
    Declined,
    /// Not closed.
    Open,
}

impl Record {
    /// Verifies the log and folds it.
    ///
    /// # Errors
    /// If the log is broken, or holds what `core` cannot read.
    pub async fn read(store: &dyn Store) -> Result<Record> {
        let verified = store.verify(&|_, _| {}).await.context("the log does not verify")?;
        let mut record = Record { verified, approvals: BTreeMap::new(), measures: Measures::default() };
        let mut from = Position(1);
        loop {
            let page = store.scan(from, SCAN_ENTRIES).await.context("the log cannot be read")?;
            let Some(last) = page.last() else { return Ok(record) };
            from = Position(last.position.0 + 1);
            for logged in page {
                let Ok(id) = logged.stream.parse::<IntentId>() else { continue };
                let entry: Entry = serde_json::from_slice(&logged.entry)
                    .with_context(|| format!("entry {} of the log cannot be read", logged.position.0))?;
                record.add(id, &entry)?;
            }
        }
    }

    fn add(&mut self, id: IntentId, entry: &Entry) -> Result<()> {
        self.measures.add(id, entry);
        let before = self.approvals.remove(&id);
        let after = life::after(before, entry).with_context(|| format!("the log of {id} makes no sense"))?;
        self.approvals.insert(id, after);
        Ok(())
    }

    /// Every planned effect of every approved intent, with where it stands.
    pub fn effects(&self) -> impl Iterator<Item = (&PlannedEffect, &EffectState)> {
        self.approvals.values().flat_map(|approval| {
            let found = match &approval.stage {
                Stage::Executing { effects, .. } | Stage::Closed(Outcome::Done { effects, .. }) => {
                    Some(effects)
                }
                Stage::Preparing { .. }
                | Stage::Unsettled { .. }
                | Stage::Returned { .. }
                | Stage::Seated { .. }
                | Stage::Closed(Outcome::Declined { .. } | Outcome::Withdrawn { .. }) => None,
            };
            found.into_iter().flat_map(|effects| {
                approval.writes().filter_map(|planned| Some((planned, effects.get(&planned.effect)?)))
            })
        })
    }

    /// Exceptions that nobody has closed, each in one line.
    #[must_use]
    pub fn open_exceptions(&self) -> Vec<String> {
        let all = self
            .approvals
            .iter()
            .flat_map(|(id, approval)| approval.exceptions.values().map(move |exception| (id, exception)));
        all.filter(|(_, exception)| exception.closed.is_none())
            .map(|(id, exception)| {
                let (cause, owner) = (exception.cause.as_str(), &exception.owner);
                format!("{id}: {cause}, owner {owner}: {}", exception.detail.message)
            })
            .collect()
    }
}

/// The flow of an approval, and how it ended.
#[must_use]
pub fn ending(approval: &Approval) -> (Option<Flow>, Ending) {
    let flow = Flow::of(approval.intent.intent_type.as_str());
    let ending = match &approval.stage {
        Stage::Closed(Outcome::Done { authority: Authority::Policy, .. }) => Ending::ByPolicy,
        // Nobody overrides anything in the play, and nothing fails open: what says so is not at an end that it knows.
        Stage::Closed(
            Outcome::Done { authority: Authority::Override(_) | Authority::FailOpen(_), .. }
            | Outcome::Declined { authority: Authority::Override(_) | Authority::FailOpen(_), .. },
        ) => Ending::Open,
        Stage::Closed(Outcome::Done { authority: Authority::People(_), .. }) => Ending::ByPeople,
        Stage::Closed(Outcome::Declined { authority: Authority::Policy, .. }) => Ending::Denied,
        Stage::Closed(Outcome::Declined { authority: Authority::People(_), .. }) => Ending::Declined,
        Stage::Closed(Outcome::Withdrawn { .. })
        | Stage::Preparing { .. }
        | Stage::Unsettled { .. }
        | Stage::Returned { .. }
        | Stage::Seated { .. }
        | Stage::Executing { .. } => Ending::Open,
    };
    (flow, ending)
}
