//! What becomes of a write after it has landed: its target is read back until the write is old, and written again where
//! the intent type or a person says so
//! (`host/docs/decisions/0032-what-landed-is-read-back.md`).

use super::{Approval, Authority, Case, Outcome, PlannedEffect, Stage};
use crate::effect::attempt::Receipt;
use crate::effect::key::{re_assert_id, undo_id};
use crate::effect::life::EffectState;
use crate::effect::plan::WritePlan;
use crate::effect::reconcile::Agreement;
use crate::exception::{Closure, Exception};
use crate::hash::Digest;
use crate::id::{ConnectionName, EffectId, IntentId};
use crate::intent::OnFailure;
use crate::record::Value;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// A write whose target is read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// When it landed, or was last written again.
    pub landed: Timestamp,
    /// What comes next.
    pub next: Next,
    /// When it was last looked at, and what was found.
    pub last: Option<(Timestamp, Agreement)>,
    /// How often it was written again since it landed, or since a person had it written again.
    pub asserted: u32,
    /// What wrote it again, one after the other.
    pub writes: Vec<PlannedEffect>,
}

/// What comes next for a write that is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Its target is read back then.
    Look(Timestamp),
    /// It is to be written again, as was said then.
    ReAssert(Timestamp),
    /// It is being written again, since then.
    Writing(Timestamp),
    /// Nobody looks any more.
    Over,
}

impl Next {
    /// When the engine has work from it.
    #[must_use]
    pub fn due(self) -> Option<Timestamp> {
        match self {
            Next::Look(due) | Next::ReAssert(due) => Some(due),
            Next::Writing(_) | Next::Over => None,
        }
    }
}

/// What other effects, of this intent or of another one, have to do with the fields of a write.
///
/// What was taken back does not count, nor what only takes back or writes again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Others {
    /// An intent that is writing one of them, or may have.
    pub open: Option<IntentId>,
    /// Those that were written later, and by which intent.
    pub later: BTreeMap<String, IntentId>,
    /// Those of which nobody can say which came last: they were written while this write may have been on its way, or
    /// the clock was set back since it was asked for.
    pub unsure: BTreeSet<String>,
    /// Another connection that leads to the same system: what was written through it is not known here.
    pub alias: Option<ConnectionName>,
}

/// A write that stands: it landed, changed something, and nobody took it back.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// What was written, as it was sealed.
    pub planned: &'a PlannedEffect,
    /// The target's proof of it, or of its being written again.
    pub receipt: &'a Receipt,
    /// When that landed.
    pub landed: Timestamp,
    /// When it was approved, and when it landed for the first time: it reached its target in between.
    pub reached: (Timestamp, Timestamp),
}

impl Standing<'_> {
    /// Whether it could be written again: a record that it made would be made once more.
    #[must_use]
    pub fn is_repeatable(&self) -> bool {
        self.planned.plan.subject == self.receipt.subject
    }
}

impl Approval {
    /// What this intent wrote and still stands, in the order of its plan.
    pub fn standing(&self) -> impl Iterator<Item = Standing<'_>> {
        let effects = match &self.stage {
            Stage::Executing { effects, .. } | Stage::Closed(Outcome::Done { effects, .. }) => Some(effects),
            Stage::Preparing { .. }
            | Stage::Unsettled { .. }
            | Stage::Returned { .. }
            | Stage::Seated { .. }
            | Stage::Closed(Outcome::Declined { .. } | Outcome::Withdrawn { .. }) => None,
        };
        let landed = move |effect: EffectId| match effects?.get(&effect)? {
            EffectState::Landed { receipt, at } => Some((receipt, *at)),
            EffectState::Waiting
            | EffectState::Ready { .. }
            | EffectState::Sent { .. }
            | EffectState::Probing { .. }
            | EffectState::Held { .. }
            | EffectState::GivenUp => None,
        };
        // What is taken back is compared with what it was before, by what took it back.
        let own = self.writes().filter(|planned| planned.re_asserts.is_none() && planned.writes());
        let stands = own.filter(move |planned| landed(undo_id(planned.effect)).is_none());
        stands.filter_map(move |planned| {
            let again = self.watches.get(&planned.effect).map(|watch| &watch.writes);
            let again = again.and_then(|writes| writes.iter().rev().find_map(|write| landed(write.effect)));
            let first = landed(planned.effect)?;
            let (receipt, landed) = again.unwrap_or(first);
            Some(Standing { planned, receipt, landed, reached: (self.approved.unwrap_or_default(), first.1) })
        })
    }

    /// By what alone an exception is closed, wherever its intent stands; empty where that depends on the intent.
    #[must_use]
    pub fn closed_by(&self, exception: &Exception) -> Vec<Closure> {
        let about = |standing: &Standing<'_>| Some(standing.planned.effect) == exception.effect;
        let repeatable = self.standing().find(about).is_some_and(|standing| standing.is_repeatable());
        let ways = exception.cause.closed_by().iter().copied();
        ways.filter(|way| repeatable || *way != Closure::ReAssert).collect()
    }

    /// What other effects have to do with the record of a write, this intent's or another one's, as far as this one
    /// goes.
    #[must_use]
    pub fn touches(&self, standing: &Standing<'_>) -> Others {
        let (Stage::Executing { effects, .. } | Stage::Closed(Outcome::Done { effects, .. })) = &self.stage
        else {
            return Others::default();
        };
        let Standing {
            planned: PlannedEffect { effect: watched, connection, plan, .. },
            receipt,
            reached,
            ..
        } = standing;
        let record = &receipt.subject;
        let shared = |planned: &PlannedEffect| -> Vec<String> {
            let written = plan.changes.iter().map(|change| &change.name);
            written.filter(|field| planned.says(field)).cloned().collect()
        };
        let landed = |effect| matches!(effects.get(&effect), Some(EffectState::Landed { .. }));
        let there = |planned: &&PlannedEffect| {
            let of = planned.re_asserts.or(planned.undoes).unwrap_or(planned.effect);
            planned.connection == *connection && of != *watched
        };
        let mut others = Others::default();
        for planned in self.writes().filter(there) {
            let fields = shared(planned);
            // Two writes that are to be made again would wait for each other: of those that have sent nothing one goes
            // first.
            let comes_after = planned.re_asserts.is_some_and(|of| *watched < of);
            match effects.get(&planned.effect) {
                Some(EffectState::Ready { history, .. }) if comes_after && history.first_sent.is_none() => {}
                Some(EffectState::Landed { receipt, at })
                    if receipt.subject == *record
                        && planned.is_sealed()
                        && !landed(undo_id(planned.effect)) =>
                {
                    if reached.1 < *at {
                        others.later.extend(fields.into_iter().map(|field| (field, self.intent.id)));
                    } else if reached.0 <= *at {
                        others.unsure.extend(fields);
                    }
                }
                Some(
                    EffectState::Ready { .. }
                    | EffectState::Sent { .. }
                    | EffectState::Probing { .. }
                    | EffectState::Held { .. },
                ) if planned.plan.subject == *record && !fields.is_empty() => {
                    others.open = Some(self.intent.id);
                }
                // It may be in: whoever gave it up may have seen that.
                Some(EffectState::GivenUp) if planned.plan.subject == *record && planned.is_sealed() => {
                    others.unsure.extend(fields);
                }
                Some(
                    EffectState::Waiting
                    | EffectState::Ready { .. }
                    | EffectState::Sent { .. }
                    | EffectState::Probing { .. }
                    | EffectState::Landed { .. }
                    | EffectState::Held { .. }
                    | EffectState::GivenUp,
                )
                | None => {}
            }
        }
        others
    }
}

impl Others {
    /// The same, where the clock tells nobody which of two came last.
    #[must_use]
    pub fn unsure_of_later(mut self) -> Others {
        self.unsure.extend(std::mem::take(&mut self.later).into_keys());
        self
    }

    /// The same, with what another intent says.
    #[must_use]
    pub fn and(mut self, other: Others) -> Others {
        self.open = self.open.or(other.open);
        self.later.extend(other.later);
        self.unsure.extend(other.unsure);
        self.alias = self.alias.or(other.alias);
        self
    }
}

impl Case {
    /// Whether a plan writes nothing but what was approved for an effect, to the record that holds it.
    #[must_use]
    pub fn allows(&self, again: &WritePlan, standing: &Standing<'_>, by: &Authority) -> bool {
        let approved = self.written(standing.planned, by);
        let is_approved = |name: &str, after: &Value| {
            approved.iter().any(|change| change.name == name && change.after == *after)
        };
        again.subject == standing.receipt.subject
            && again.changes.iter().all(|change| is_approved(&change.name, &change.after))
    }
}

impl PlannedEffect {
    /// Whether it says what a field is to hold, also where its target held that already.
    fn says(&self, field: &str) -> bool {
        let asked = self.what.fields.iter().any(|asked| asked.name == field);
        asked || self.plan.changes.iter().any(|change| change.name == field)
    }

    /// The effect that writes this one again: for the `number`-th time, by this version of the connector.
    #[must_use]
    pub fn again(&self, number: u32, connector: Digest, plan: WritePlan) -> PlannedEffect {
        PlannedEffect {
            effect: re_assert_id(self.effect, number),
            connector,
            after: Vec::new(),
            on_failure: OnFailure::Hold,
            reversible: false,
            re_asserts: Some(self.effect),
            plan,
            ..self.clone()
        }
    }
}
