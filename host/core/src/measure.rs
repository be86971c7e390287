//! Measures: figures that managers steer by, each a fold over the log and nothing else.
//!
//! Folding the same entries gives the same figures on every host and in every year, so a figure can
//! be checked by whoever has the log; for amounts at stake it takes the rules too, which name them. [`book`] keeps them by day, intent type, version of the policy and connection;
//! [`words`] says what each means, for every surface;
//! [`compared`] says by how much one differs from the period before.

pub mod book;
pub mod compared;
pub mod figures;
mod life;
pub mod period;
pub mod spread;
pub mod words;

use crate::approval::Authority;
use crate::approval::event::{Entry, Event};
use crate::effect::life::EffectState;
use crate::effect::reconcile::Agreement;
use crate::id::{EffectId, IntentId};
use crate::time::{Millis, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Buckets of the time-to-decision distribution: bucket `n` counts decisions that took less than
/// `2^n` milliseconds; the last one takes what is longer, about a year.
pub const DECISION_BUCKETS: usize = 36;

/// Figures over a stretch of the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Measures {
    /// Intents submitted.
    pub submitted: u64,
    /// Approved by a row of the policy.
    pub approved_by_policy: u64,
    /// Approved by people.
    pub approved_by_people: u64,
    /// Decided by a person against the policy: approvals and refusals, counted nowhere else.
    pub overridden: u64,
    /// How often the glass was broken, whether anything was decided by it or not.
    pub glass_broken: u64,
    /// Approved although the policy could not be evaluated, as its owner declared: counted nowhere else.
    pub failed_open: u64,
    /// Declined, by policy or people.
    pub declined: u64,
    /// Taken back by the requester.
    pub withdrawn: u64,
    /// Closed with every effect settled.
    pub done: u64,
    /// Approved, and then taken back what was written of it.
    pub undos: u64,
    /// Effects that landed.
    pub landed: u64,
    /// Attempts made.
    pub attempts: u64,
    /// Attempts after which the effect had to be tried again.
    pub retries: u64,
    /// Probes made.
    pub probes: u64,
    /// Effects that a person had to look at.
    pub held: u64,
    /// Looks at what landed writes have become.
    pub looks: u64,
    /// Writes that were found as approved for the first time, since they landed or were written again ...
    pub reconciled: u64,
    /// ... and how long after their intent was done, summed up over all of them: the reconciliation lag.
    pub reconciliation_total: Millis,
    /// Intents of which a target was found not to hold what was approved: rework.
    pub reworked: u64,
    /// Writes that were written again.
    pub re_asserted: u64,
    /// Exceptions opened.
    pub exceptions_opened: u64,
    /// Exceptions closed.
    pub exceptions_closed: u64,
    /// Time to decision, summed over all decisions.
    pub decision_total: Millis,
    /// Distribution of the time to decision.
    pub decision_buckets: BTreeMap<u32, u64>,
    waiting: BTreeMap<IntentId, Timestamp>,
    /// Writes that nobody has found as approved yet, since when.
    unseen: BTreeMap<EffectId, Timestamp>,
    /// Intents that are rework.
    amiss: BTreeSet<IntentId>,
    /// Intents that are done and write once more: they are not done twice.
    again: BTreeSet<IntentId>,
    /// Trials: nothing of them counts.
    trials: BTreeSet<IntentId>,
}

impl Measures {
    /// Adds one entry of an approval's stream.
    pub fn add(&mut self, intent: IntentId, entry: &Entry) {
        if self.is_trial(intent, entry) {
            return;
        }
        match &entry.event {
            Event::Submitted { .. } => {
                count(&mut self.submitted);
                self.waits(intent, entry.at);
            }
            Event::Approved { authority } => {
                count(self.approved_by(authority));
                self.decided(intent, entry.at);
            }
            Event::Declined { authority, .. } => {
                count(self.declined_by(authority));
                self.decided(intent, entry.at);
            }
            Event::Reopened { .. } | Event::Reconsidered { .. } => self.waits(intent, entry.at),
            Event::Withdrawn { .. } => self.taken_back(intent),
            Event::Closed if self.again.remove(&intent) => {}
            Event::Closed => count(&mut self.done),
            Event::Watched { effects } => self.watched(effects, entry.at),
            Event::Reconciled { effect, agreement, by, next, .. } => {
                self.looked((intent, *effect), *agreement, (by.is_some(), next.is_none()), entry.at);
            }
            Event::ReAsserted { .. } => self.written_again(intent),
            Event::Attempted { verdict, .. } => {
                count(&mut self.attempts);
                self.verdict(verdict);
            }
            Event::Probed { verdict, .. } => {
                count(&mut self.probes);
                self.verdict(verdict);
            }
            Event::UndoBegun { .. } => count(&mut self.undos),
            Event::GlassBroken { .. } => count(&mut self.glass_broken),
            Event::ExceptionOpened { .. } => count(&mut self.exceptions_opened),
            Event::ExceptionClosed { .. } => count(&mut self.exceptions_closed),
            Event::Postponed { .. }
            | Event::Repinned { .. }
            | Event::Evaluated { .. }
            | Event::Sealed { .. }
            | Event::Seated { .. }
            | Event::SeatOpened { .. }
            | Event::SeatMoved { .. }
            | Event::Claimed { .. }
            | Event::Released { .. }
            | Event::Handed { .. }
            | Event::Recalled { .. }
            | Event::VoiceAdded { .. }
            | Event::VoiceDropped { .. }
            | Event::Commented { .. }
            | Event::Reminded { .. }
            | Event::Asked { .. }
            | Event::Answered { .. }
            | Event::Unanswered { .. }
            | Event::Carried { .. }
            | Event::SentBack { .. }
            | Event::Amended { .. }
            | Event::Renewed { .. }
            | Event::Overridden { .. }
            | Event::Voted { .. }
            | Event::Sending { .. }
            | Event::Replanned { .. }
            | Event::UndoPlanned { .. }
            | Event::NotReAsserted { .. }
            | Event::Superseded { .. }
            | Event::ExceptionEscalated { .. }
            | Event::ExceptionReminded { .. }
            | Event::ExceptionMoved { .. }
            | Event::ExceptionReview { .. }
            | Event::Activated { .. }
            | Event::FilePublished { .. }
            | Event::WentLive { .. }
            | Event::Noticed { .. }
            | Event::Told { .. }
            | Event::NotTold { .. }
            | Event::NoticesMoot { .. }
            | Event::FailedOpen { .. }
            | Event::LinkUsed { .. } => {}
        }
    }

    fn waits(&mut self, intent: IntentId, since: Timestamp) {
        self.waiting.insert(intent, since);
    }

    fn taken_back(&mut self, intent: IntentId) {
        count(&mut self.withdrawn);
        self.waiting.remove(&intent);
    }

    fn watched(&mut self, effects: &BTreeMap<EffectId, Timestamp>, since: Timestamp) {
        self.unseen.extend(effects.keys().map(|effect| (*effect, since)));
    }

    fn written_again(&mut self, intent: IntentId) {
        count(&mut self.re_asserted);
        self.again.insert(intent);
    }

    /// A look at what a write has become.
    fn looked(
        &mut self,
        (intent, effect): (IntentId, EffectId),
        agreement: Agreement,
        (by_another, over): (bool, bool),
        at: Timestamp,
    ) {
        count(&mut self.looks);
        if by_another && over {
            // Nobody knows any more what this write came to.
            self.unseen.remove(&effect);
        }
        if agreement.is_amiss() && self.amiss.insert(intent) {
            count(&mut self.reworked);
        }
        if agreement == Agreement::True
            && let Some(since) = self.unseen.remove(&effect)
        {
            count(&mut self.reconciled);
            let lag = at.since(since);
            self.reconciliation_total = Millis(self.reconciliation_total.0.saturating_add(lag.0));
        }
        if over {
            self.unseen.remove(&effect);
        }
    }

    /// What counts the refusals of such an authority.
    fn declined_by(&mut self, authority: &Authority) -> &mut u64 {
        match authority {
            Authority::Policy | Authority::People(_) | Authority::FailOpen(_) => &mut self.declined,
            Authority::Override(_) => &mut self.overridden,
        }
    }

    /// What counts the approvals of such an authority.
    fn approved_by(&mut self, authority: &Authority) -> &mut u64 {
        match authority {
            Authority::Policy => &mut self.approved_by_policy,
            Authority::People(_) => &mut self.approved_by_people,
            Authority::Override(_) => &mut self.overridden,
            Authority::FailOpen(_) => &mut self.failed_open,
        }
    }

    /// Whether the entry is one of a trial, of which the first says that it is one.
    fn is_trial(&mut self, intent: IntentId, entry: &Entry) -> bool {
        if let Event::Submitted { intent: asked, .. } = &entry.event
            && asked.trial.is_some()
        {
            self.trials.insert(intent);
        }
        self.trials.contains(&intent)
    }

    /// Decisions made: approvals, refusals and overrides.
    #[must_use]
    pub fn decided_count(&self) -> u64 {
        let approved = self.approved_by_policy.saturating_add(self.approved_by_people);
        approved.saturating_add(self.overridden).saturating_add(self.declined)
    }

    /// Mean time to decision, if there was one.
    #[must_use]
    pub fn decision_mean(&self) -> Option<Millis> {
        self.decision_total.0.checked_div(self.decided_count()).map(Millis)
    }

    /// Upper end of the bucket that holds the `percent`-th percentile of the time to decision.
    #[must_use]
    pub fn decision_percentile(&self, percent: u64) -> Option<Millis> {
        let all: u64 = self.decision_buckets.values().sum();
        let wanted = all.saturating_mul(percent).div_ceil(100).max(1);
        let mut seen = 0_u64;
        for (bucket, count) in &self.decision_buckets {
            seen = seen.saturating_add(*count);
            if wanted <= seen {
                return Some(Millis(1_u64.checked_shl(*bucket).unwrap_or(u64::MAX)));
            }
        }
        None
    }

    fn decided(&mut self, intent: IntentId, at: Timestamp) {
        let Some(submitted) = self.waiting.remove(&intent) else { return };
        let took = at.since(submitted);
        self.decision_total = Millis(self.decision_total.0.saturating_add(took.0));
        let bucket = u64::BITS.saturating_sub(took.0.leading_zeros());
        let last = u32::try_from(DECISION_BUCKETS).unwrap_or(u32::MAX);
        count(self.decision_buckets.entry(bucket.min(last)).or_default());
    }

    fn verdict(&mut self, verdict: &EffectState) {
        match verdict {
            EffectState::Landed { .. } => count(&mut self.landed),
            EffectState::Ready { .. } | EffectState::Probing { .. } => count(&mut self.retries),
            EffectState::Held { .. } => count(&mut self.held),
            EffectState::Waiting | EffectState::Sent { .. } | EffectState::GivenUp => {}
        }
    }
}

fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::approval::event::Actor;

    fn add(measures: &mut Measures, intent: u128, at: i64, event: Event) {
        let entry = Entry { at: Timestamp(at), by: Actor::Engine, event };
        measures.add(IntentId::from_bits(intent), &entry);
    }

    #[test]
    fn an_empty_log_has_no_time_to_decision() {
        let measures = Measures::default();
        assert_eq!(measures.decision_mean(), None);
        assert_eq!(measures.decision_percentile(50), None);
    }

    #[test]
    fn time_to_decision_runs_from_submission_to_answer() {
        let mut measures = Measures::default();
        for (intent, took) in [(1, 10), (2, 20), (3, 1_000)] {
            measures.waiting.insert(IntentId::from_bits(intent), Timestamp(0));
            add(&mut measures, intent, took, Event::Approved { authority: Authority::Policy });
        }
        assert_eq!(measures.approved_by_policy, 3);
        assert_eq!(measures.decision_mean(), Some(Millis(343)));
        assert_eq!(measures.decision_percentile(50), Some(Millis(32)));
        assert_eq!(measures.decision_percentile(100), Some(Millis(1_024)));
    }

    #[test]
    fn what_is_withdrawn_is_not_decided() {
        let mut measures = Measures::default();
        measures.waiting.insert(IntentId::from_bits(1), Timestamp(0));
        let by = crate::id::PersonId::parse("ae-1").expect("it is a name");
        add(&mut measures, 1, 10, Event::Withdrawn { by });
        assert_eq!((measures.withdrawn, measures.decided_count()), (1, 0));
    }
}
