//! The life of an intent until it is closed: a state that carries its evidence.
//!
//! [`life::decide`] says which events a command causes or why it is refused; [`life::after`] applies
//! one event. Replay uses the same `after`, so the log and the state can never disagree.

pub mod command;
mod decided;
pub mod event;
pub mod hand;
pub mod life;
pub mod question;
pub mod refusal;
mod rules;
pub mod seat;
mod sight;
pub mod undo;
pub mod wake;
pub mod watch;

pub use sight::Sight;

use crate::break_glass::Broken;
use crate::budget::many;
use crate::effect::attempt::{Detail, Guarantee, Receipt};
use crate::effect::life::{EffectState, History};
use crate::effect::plan::{Proposal, WritePlan};
use crate::exception::{Burn, Exception};
use crate::going_live::{Readiness, Trial};
use crate::hash::Digest;
use crate::id::{
    BindingName, ConnectionName, EffectId, ExceptionId, FieldName, IntentId, IntentTypeName, PersonId,
    RouteName,
};
use crate::intent::{Facts, OnFailure, TokenValue, Tokens};
use crate::notice::Notices;
use crate::override_::Override;
use crate::people::Directory;
use crate::policy::Evaluation;
use crate::publish::Change;
use crate::seal::{Content, Seal};
use crate::shared_change::SharedChange;
use crate::time::{Millis, Timestamp};
use seat::Seats;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use undo::Undo;
use watch::Watch;

/// Most comments on one intent: it is a decision, not a forum.
pub const COMMENTS_MAX: u32 = 200;

/// What someone asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Its id, for ever.
    pub id: IntentId,
    /// What kind of thing is asked for.
    #[serde(rename = "type")]
    pub intent_type: IntentTypeName,
    /// Counted from 1; an amendment makes the next one.
    pub revision: u32,
    /// Who asks.
    pub requester: PersonId,
    /// Who answered for the requester when it was submitted and with each amendment, where that is a machine. They
    /// decide nothing about it, whoever answers for the machine by now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<PersonId>,
    /// When it was submitted: "now", for every rule.
    pub submitted: Timestamp,
    /// What exactly, typed by the intent type.
    pub tokens: Tokens,
    /// Whether it is a trial of a draft: it counts nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<Trial>,
    /// What it adopts, where it asks for what a target was found to hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopts: Option<Adopts>,
}

/// What an intent asks for that is there already, instead of what another one wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adopts {
    /// The other intent.
    pub intent: IntentId,
    /// The exception about its write.
    pub exception: ExceptionId,
}

impl Intent {
    /// Who answers for what was asked now: for a machine whoever does, or did; else the requester.
    #[must_use]
    pub fn behind<'a>(&'a self, directory: &'a Directory) -> &'a PersonId {
        directory.behind(&self.requester, &self.answers)
    }
}

/// One token that an amendment changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenChange<'a> {
    /// The token.
    pub token: &'a FieldName,
    /// What it was, if it was there.
    pub before: Option<&'a TokenValue>,
    /// What it is, if it is there.
    pub after: Option<&'a TokenValue>,
}

impl Intent {
    /// What this revision asks for otherwise than an earlier one, by token.
    #[must_use]
    pub fn changes_since<'a>(&'a self, earlier: &'a Intent) -> Vec<TokenChange<'a>> {
        let tokens: BTreeSet<&FieldName> = earlier.tokens.keys().chain(self.tokens.keys()).collect();
        let change =
            |token| TokenChange { token, before: earlier.tokens.get(token), after: self.tokens.get(token) };
        tokens.into_iter().map(change).filter(|change| change.before != change.after).collect()
    }
}

/// An intent and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// What is asked for.
    pub intent: Arc<Intent>,
    /// Content address of the policy that decides it: pinned at submission.
    pub policy: Digest,
    /// How far the clock of the host had been set back when it was asked for: see
    /// [`clock::set_back`](crate::clock::set_back).
    pub set_back: Millis,
    /// How often the log had been restored from a backup when it was asked for.
    pub restored: u32,
    /// Where it stands.
    pub stage: Stage,
    /// What the normal path could not settle, open and closed.
    pub exceptions: BTreeMap<ExceptionId, Exception>,
    /// When its present revision was asked for: counters over the log count it from then on.
    pub asked: Timestamp,
    /// How often it was sent back.
    pub rounds: u32,
    /// What was decided about an earlier revision, until people are asked about this one.
    pub earlier: Option<Arc<Earlier>>,
    /// The override of this revision.
    pub overridden: Option<Overridden>,
    /// When this revision passed although the policy could not be evaluated.
    pub failed_open: Option<Timestamp>,
    /// That its glass was broken, however long ago.
    pub broken: Option<Broken>,
    /// How often somebody commented on it.
    pub comments: u32,
    /// When the requester last had people reminded.
    pub reminded: Option<Timestamp>,
    /// What people are still to be told; also after it is closed.
    pub notices: Notices,
    /// Whoever gave their voice on any revision.
    pub voices: BTreeSet<PersonId>,
    /// When this revision was approved.
    pub approved: Option<Timestamp>,
    /// That what was approved was decided anew, however long ago.
    pub reconsidered: Option<Reconsidered>,
    /// The writes whose targets are read back, once all of them are settled.
    pub watches: BTreeMap<EffectId, Watch>,
}

impl Approval {
    /// What is decided about, where it has come to that and is kept.
    #[must_use]
    pub fn case(&self) -> Option<&Case> {
        match &self.stage {
            Stage::Seated { case, .. }
            | Stage::Executing { case, .. }
            | Stage::Closed(Outcome::Done { case, .. }) => Some(case),
            Stage::Preparing { .. }
            | Stage::Unsettled { .. }
            | Stage::Returned { .. }
            | Stage::Closed(Outcome::Declined { .. } | Outcome::Withdrawn { .. }) => None,
        }
    }

    /// Everything that is written, taken back or written again, once it is approved.
    pub fn writes(&self) -> impl Iterator<Item = &PlannedEffect> {
        let compensations = self.undo().into_iter().flat_map(|undo| &undo.writes);
        let again = self.watches.values().flat_map(|watch| &watch.writes);
        self.case().into_iter().flat_map(|case| &case.writes).chain(compensations).chain(again)
    }

    /// What one effect writes, or takes back.
    #[must_use]
    pub fn planned(&self, effect: EffectId) -> Option<&PlannedEffect> {
        self.writes().find(|planned| planned.effect == effect)
    }

    /// What takes back what was written, if that is or was to be.
    #[must_use]
    pub fn undo(&self) -> Option<&Undo> {
        match &self.stage {
            Stage::Executing { undo, .. } | Stage::Closed(Outcome::Done { undo, .. }) => undo.as_deref(),
            Stage::Preparing { .. }
            | Stage::Unsettled { .. }
            | Stage::Returned { .. }
            | Stage::Seated { .. }
            | Stage::Closed(Outcome::Declined { .. } | Outcome::Withdrawn { .. }) => None,
        }
    }

    /// A moment that stands in its log, by a clock that is never set back: or earlier, where the clock was set back since
    /// it was asked for.
    #[must_use]
    pub fn unset(&self, moment: Timestamp) -> Timestamp {
        moment.plus(self.set_back)
    }

    /// Whether an effect may have been sent by a host whose log is lost: since it was asked for, and since its target was
    /// last asked because of that, the log was restored from a backup. `restored` is how often that was done.
    #[must_use]
    pub fn is_doubted(&self, history: &History, restored: u32) -> bool {
        self.restored.max(history.restored) < restored
    }

    /// Whether this effect is not to be sent any more: what the intent wrote is taken back.
    #[must_use]
    pub fn is_called_off(&self, planned: &PlannedEffect) -> bool {
        self.undo().is_some() && planned.is_sealed()
    }

    /// The connections of which an exception tells that their target does not answer.
    #[must_use]
    pub fn tells_of(&self) -> BTreeSet<&ConnectionName> {
        self.exceptions.values().filter_map(Exception::tells_of).collect()
    }

    /// The connections at which nothing is sent, for any intent, until an exception of this one is closed.
    #[must_use]
    pub fn pauses(&self) -> BTreeSet<&ConnectionName> {
        self.exceptions.values().filter_map(Exception::pauses).collect()
    }
}

/// That what was approved is decided anew, as its record was changed elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconsidered {
    /// How often.
    pub times: u32,
    /// What was otherwise the last time.
    pub why: String,
    /// When that was.
    pub at: Timestamp,
}

/// That a revision is decided against the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overridden {
    /// Who, what instead, and on what ground.
    pub what: Arc<Override>,
    /// When it was decided; nothing while whoever overrides has yet to see what would be written.
    pub at: Option<Timestamp>,
}

/// An earlier revision, and who approved what of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// What was asked for.
    pub intent: Arc<Intent>,
    /// What was decided about.
    pub case: Arc<Case>,
    /// Who must decide, and who did.
    pub seats: Seats,
}

/// Where an approval stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Facts are read, the policy is evaluated and the writes are planned.
    Preparing {
        /// Tries so far that did not get through.
        tries: u32,
        /// When the next try is due.
        due: Timestamp,
    },
    /// No decision is possible until an exception is settled: the evaluation is unsure, or the
    /// facts or plans cannot be had.
    Unsettled {
        /// The evaluation, where it came to one.
        evaluation: Option<Box<Evaluation>>,
    },
    /// People must decide.
    Seated {
        /// What they decide about.
        case: Arc<Case>,
        /// Who must.
        seats: Seats,
    },
    /// Sent back: the requester amends it, or withdraws it.
    Returned {
        /// Who sent it back.
        by: PersonId,
        /// Their words.
        words: String,
        /// When it is declined, if it is not amended.
        until: Timestamp,
    },
    /// Approved: the effects are on their way.
    Executing {
        /// What was decided about.
        case: Arc<Case>,
        /// Who approved it.
        authority: Authority,
        /// Every effect.
        effects: BTreeMap<EffectId, EffectState>,
        /// What takes back what was written, once that is to be.
        undo: Option<Box<Undo>>,
        /// The revisions of records that were changed elsewhere since the plan, and are written all the same.
        revisions: BTreeMap<EffectId, Option<String>>,
    },
    /// Nothing is open.
    Closed(Outcome),
}

/// How an approval ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Approved, and every effect landed or was given up with a reason.
    Done {
        /// What was decided about.
        case: Arc<Case>,
        /// Who approved it.
        authority: Authority,
        /// Every effect.
        effects: BTreeMap<EffectId, EffectState>,
        /// What took back what was written, if that was to be.
        undo: Option<Box<Undo>>,
        /// When the last one was settled.
        at: Timestamp,
    },
    /// Somebody with authority said no.
    Declined {
        /// Who.
        authority: Authority,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// The requester took it back.
    Withdrawn {
        /// Who.
        by: PersonId,
        /// When.
        at: Timestamp,
    },
}

/// What is decided about: evaluation and sealed write plan of one revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// What the host found out itself.
    pub facts: Facts,
    /// The policy's answer.
    pub evaluation: Evaluation,
    /// The changes, field by field, in the order of the intent type's bindings.
    pub writes: Vec<PlannedEffect>,
    /// The change of a policy, where that is what is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Arc<Change>>,
    /// The change of a shared file, where that is what is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<Arc<SharedChange>>,
    /// What an intent type goes live on, where that is what is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness: Option<Arc<Readiness>>,
    /// Whether the decision is only recorded: the intent type is `advisory`, and nothing is written.
    #[serde(default, skip_serializing_if = "is_false")]
    pub advisory: bool,
    /// Who decides on it beside those whom the policy asks, because the exception budget is spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub council: Option<Box<Council>>,
    /// What a decision binds to.
    pub seal: Seal,
    /// When the seal ends.
    pub expires: Timestamp,
}

/// Why people decide on an intent whatever its policy lets pass: the exception budget of its type is spent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Council {
    /// The route of `routes.md` that they sit in.
    pub route: RouteName,
    /// The figures when it was decided that they do.
    pub burn: Burn,
}

impl fmt::Display for Council {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Burn { opened, at_most, days, ends, .. } = &self.burn;
        write!(
            formatter,
            "the exception budget is spent ({opened} in {}, of {at_most}), so route `{}` decides on whatever is new",
            many(*days, "day"),
            self.route
        )?;
        match ends {
            Some(until) => write!(formatter, ", until {until} or until the budget is given back"),
            None => Ok(()),
        }
    }
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Case {
    /// Whether it changes what everybody may do instead of writing anything.
    #[must_use]
    pub fn is_of_house(&self) -> bool {
        self.change.is_some() || self.shared.is_some() || self.readiness.is_some()
    }

    /// Who has no seat of it because they have a stake in the change.
    pub fn conflicted(&self) -> impl Iterator<Item = &PersonId> {
        let of_policy = self.change.iter().flat_map(|change| &change.conflicted);
        of_policy.chain(self.shared.iter().flat_map(|change| &change.conflicted))
    }

    /// Whether every step of this effect is on record before it leaves.
    ///
    /// Where a key makes repeats harmless that costs a commit for nothing, unless the intent may be taken back: an attempt
    /// that died with its host must leave a trace then, so that a refusal says that nothing is in.
    #[must_use]
    pub fn leaves_traces(&self, planned: &PlannedEffect) -> bool {
        match planned.guarantee {
            Guarantee::ByProbe | Guarantee::Blind => true,
            Guarantee::ByKey | Guarantee::ByNaturalKey => {
                self.writes.iter().any(|write| write.on_failure == OnFailure::Undo)
            }
        }
    }

    /// What its seal covers, beside the intent and the policy.
    #[must_use]
    pub fn content(&self) -> Content<'_> {
        Content {
            writes: &self.writes,
            change: self.change.as_deref(),
            shared: self.shared.as_deref(),
            readiness: self.readiness.as_deref(),
            advisory: self.advisory,
            expires: self.expires,
        }
    }
}

/// One effect as it was planned and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedEffect {
    /// Its id.
    pub effect: EffectId,
    /// Which binding of the intent type asks for it.
    pub binding: BindingName,
    /// Where to.
    pub connection: ConnectionName,
    /// Digest of the connector that planned it.
    pub connector: Digest,
    /// Digest of the addresses that the connection led to.
    pub target: Digest,
    /// What the host may promise.
    pub guarantee: Guarantee,
    /// Bindings that must have landed first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<BindingName>,
    /// What happens to the rest if this one is refused.
    pub on_failure: OnFailure,
    /// Whether its connector can take it back.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reversible: bool,
    /// The effect that it takes back, where it is a compensation. Those are derived, so none is sealed.
    #[serde(skip)]
    pub undoes: Option<EffectId>,
    /// The effect that it writes again, where its target held something else. Its plan is part of the log, and writes
    /// nothing but what was sealed.
    #[serde(skip)]
    pub re_asserts: Option<EffectId>,
    /// What was asked of the connector.
    pub what: Proposal,
    /// What it will write.
    pub plan: WritePlan,
}

impl PlannedEffect {
    /// Whether its plan is part of the seal: neither takes it back nor writes again what another effect wrote.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.undoes.is_none() && self.re_asserts.is_none()
    }
}

/// By whose authority something was approved or declined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Authority {
    /// A row of the policy.
    Policy,
    /// These persons, each in a seat of their own.
    People(Vec<PersonId>),
    /// This person, against the policy: never counted among the others.
    Override(PersonId),
    /// The policy's owner, who lets what cannot be evaluated pass, with these persons where known rows ask for
    /// them: never counted among the others.
    FailOpen(Vec<PersonId>),
}

/// Proof that an intent was approved. Only [`ApprovedIntent::of`] makes one, and only from it can
/// a write be had.
#[derive(Debug)]
pub struct ApprovedIntent<'a> {
    approval: &'a Approval,
    case: &'a Case,
    authority: &'a Authority,
    effects: &'a BTreeMap<EffectId, EffectState>,
    revisions: &'a BTreeMap<EffectId, Option<String>>,
}

/// Why an approved intent yields no write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotToBeWritten {
    /// What is on record is not what was sealed. Nothing may be executed from it.
    SealBroken(Detail),
    /// There is no such effect, or it does not wait for an attempt.
    NotOpen,
}

impl<'a> ApprovedIntent<'a> {
    /// The proof, if the intent was approved.
    #[must_use]
    pub fn of(approval: &'a Approval) -> Option<ApprovedIntent<'a>> {
        match &approval.stage {
            Stage::Executing { case, authority, effects, revisions, .. } => {
                Some(ApprovedIntent { approval, case, authority, effects, revisions })
            }
            Stage::Preparing { .. }
            | Stage::Unsettled { .. }
            | Stage::Returned { .. }
            | Stage::Seated { .. }
            | Stage::Closed(_) => None,
        }
    }

    /// What is to be written for one effect and where it stands, after checking the seal anew.
    ///
    /// # Errors
    /// [`NotToBeWritten`] if the seal does not hold or the effect is not open.
    pub fn write(&self, effect: EffectId) -> Result<(&'a PlannedEffect, &'a EffectState), NotToBeWritten> {
        let intent = &self.approval.intent;
        let sealed = Seal::of(intent, self.approval.policy, self.case.content());
        if sealed != Ok(self.case.seal) {
            let message = "the record is not what was sealed, so nothing of it is executed";
            return Err(NotToBeWritten::SealBroken(Detail::new("seal-broken", message)));
        }
        let (planned, state) =
            self.approval.planned(effect).zip(self.effects.get(&effect)).ok_or(NotToBeWritten::NotOpen)?;
        if let Some(of) = planned.re_asserts {
            // Its plan is younger than the seal, so it is compared with what that covers.
            let standing = self.approval.standing().find(|standing| standing.planned.effect == of);
            let allowed = |standing| self.case.allows(&planned.plan, &standing, self.authority);
            if !standing.is_some_and(allowed) {
                let message =
                    "what is to be written again is not what was sealed, so nothing of it is executed";
                return Err(NotToBeWritten::SealBroken(Detail::new("seal-broken", message)));
            }
        }
        Ok((planned, state))
    }

    /// The revision of the record that an effect is written on: that of its plan, or of the one that came to the same.
    #[must_use]
    pub fn revision(&self, planned: &PlannedEffect) -> Option<String> {
        self.revisions.get(&planned.effect).unwrap_or(&planned.plan.revision).clone()
    }

    /// The receipt of the effect that this one takes back, if it is a compensation.
    #[must_use]
    pub fn taken_back(&self, planned: &PlannedEffect) -> Option<&'a Receipt> {
        match self.effects.get(&planned.undoes?)? {
            EffectState::Landed { receipt, .. } => Some(receipt),
            EffectState::Waiting
            | EffectState::Ready { .. }
            | EffectState::Sent { .. }
            | EffectState::Probing { .. }
            | EffectState::Held { .. }
            | EffectState::GivenUp => None,
        }
    }

    /// By whose authority.
    #[must_use]
    pub fn authority(&self) -> &'a Authority {
        self.authority
    }

    /// What was decided about.
    #[must_use]
    pub fn case(&self) -> &'a Case {
        self.case
    }
}
