//! What can be asked of an approval. Every door (API, console, CLI, link, chat, timer, engine) asks
//! through these and nothing else.

use super::PlannedEffect;
use super::seat::Order;
use super::watch::{Next, Others};
use crate::effect::attempt::{AttemptEnd, Detail, Ended, Finding, Guarantee};
use crate::effect::life::{Denial, Memory};
use crate::effect::plan::WritePlan;
use crate::effect::reconcile::Unread;
use crate::exception::Closure;
use crate::going_live::Readiness;
use crate::hash::Digest;
use crate::id::{ConnectionName, EffectId, ExceptionId, IntentId, PersonId};
use crate::intent::{Facts, Raw};
use crate::override_::Override;
use crate::policy::component::Contributions;
use crate::publish::Change;
use crate::record::Snapshot;
use crate::seal::Seal;
use crate::shared_change::SharedChange;
use crate::time::{Millis, Timestamp};
use std::sync::Arc;

/// What the engine has found out before a decision.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Prepared {
    /// What the host found out itself.
    pub facts: Facts,
    /// What the components of the policy said.
    pub said: Contributions,
    /// The planned writes; empty if the policy's answer needs none.
    pub writes: Vec<PlannedEffect>,
    /// Whether they could not be planned, for an answer that needs none unless it fails open.
    pub unplanned: bool,
    /// The evidence of a policy's change, where that is what is asked for.
    pub change: Option<Arc<Change>>,
    /// The evidence of a shared file's change, where that is what is asked for.
    pub shared: Option<Arc<SharedChange>>,
    /// What an intent type goes live on, where that is what is asked for.
    pub readiness: Option<Arc<Readiness>>,
}

/// What the engine has found out about an effect whose record was changed elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anew {
    /// The facts as they are now.
    pub facts: Facts,
    /// What the components of the policy say now.
    pub said: Contributions,
    /// What would be written now.
    pub plan: WritePlan,
}

/// What the engine has found out about a write that landed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadBack {
    /// What was to become of the write when it was read: if that is something else by now, nothing comes of it.
    pub of: Next,
    /// How far the clock was set forward since the write landed: it is younger than it looks by as much.
    pub ahead: Millis,
    /// What its record holds, or why that is not known.
    pub read: Result<Snapshot, (Unread, Detail)>,
    /// What other effects have to do with the record. Found out after it was read.
    pub others: Others,
    /// How far a refused credential reaches.
    pub denial: Denial,
}

/// A command about an approval that exists. Submitting makes one: see [`super::life::submit`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The engine has read the facts, asked the components and planned the writes.
    Prepare {
        /// The revision that they were read and planned for: it may be amended meanwhile.
        revision: u32,
        /// What was found.
        prepared: Box<Prepared>,
    },
    /// The engine could not read facts or plan writes.
    Postpone {
        /// The revision that they were wanted for.
        revision: u32,
        /// Why.
        detail: Detail,
        /// How long the target asked us to wait.
        wish: Option<Millis>,
        /// Whether trying again can help.
        hope: Hope,
        /// The connection that refuses its credential, where nobody has been told of that: a person must look.
        denied: Option<ConnectionName>,
    },
    /// A person decides in their seat.
    Decide {
        /// Who.
        person: PersonId,
        /// The revision that they saw.
        revision: u32,
        /// The seal that they saw, where the door shows it.
        seal: Option<Seal>,
        /// What they say.
        voice: Voice,
    },
    /// A person decides against the policy.
    Override {
        /// The revision that they saw.
        revision: u32,
        /// The seal that they saw, where there is one and the door shows it.
        seal: Option<Seal>,
        /// Who, what instead, and on what ground.
        what: Box<Override>,
    },
    /// The requester takes it back.
    Withdraw {
        /// Who.
        person: PersonId,
        /// The revision that they saw.
        revision: u32,
    },
    /// A person says that they will decide in a seat of their pool.
    Claim {
        /// Who.
        person: PersonId,
        /// The revision that they saw.
        revision: u32,
    },
    /// A person gives a claim back.
    Release {
        /// Who.
        person: PersonId,
        /// The revision that they saw.
        revision: u32,
    },
    /// A person in a seat hands it to somebody, until a moment (they delegate it) or for good (they transfer
    /// it).
    Hand {
        /// Who.
        person: PersonId,
        /// The revision that they saw.
        revision: u32,
        /// To whom.
        to: PersonId,
        /// Until when.
        until: Option<Timestamp>,
        /// Why; never empty.
        reason: String,
    },
    /// An administrator puts a seat or an exception into the hands of somebody else, for good.
    Reassign {
        /// Who.
        person: PersonId,
        /// The revision that they saw.
        revision: u32,
        /// What.
        what: Reassigned,
        /// Into whose hands.
        to: PersonId,
        /// Why; never empty.
        reason: String,
    },
    /// A person takes back what they handed over and the voices that they added.
    Recall {
        /// Who.
        person: PersonId,
        /// The revision that they saw.
        revision: u32,
    },
    /// A person in a seat wants somebody else to decide too.
    AddVoice {
        /// Who.
        person: PersonId,
        /// The revision that they saw.
        revision: u32,
        /// Whose voice.
        whom: PersonId,
        /// Before their own or after it.
        order: Order,
        /// Why; never empty.
        reason: String,
    },
    /// Somebody says something that moves nothing.
    Comment {
        /// Who.
        person: PersonId,
        /// Their words; never empty.
        words: String,
    },
    /// The requester has people reminded.
    Remind {
        /// Who.
        person: PersonId,
    },
    /// A person in a seat asks the requester.
    Ask {
        /// Who.
        person: PersonId,
        /// The revision that they saw.
        revision: u32,
        /// Their words; never empty.
        words: String,
    },
    /// In an emergency somebody takes it on themselves to decide alone for a while.
    BreakGlass {
        /// Who.
        person: PersonId,
        /// The revision that they saw.
        revision: u32,
        /// Why; never empty.
        reason: String,
    },
    /// The requester answers a question.
    Answer {
        /// Who.
        person: PersonId,
        /// The revision that they saw.
        revision: u32,
        /// Which question, from 1; not needed while only one is open.
        question: Option<u32>,
        /// Their words; never empty.
        words: String,
    },
    /// A person in a seat sends it back to the requester.
    SendBack {
        /// Who.
        person: PersonId,
        /// The revision that they saw.
        revision: u32,
        /// What must be otherwise; never empty.
        words: String,
    },
    /// The requester asks for something else under the same intent: the next revision.
    Amend {
        /// Who.
        person: PersonId,
        /// The revision that they saw.
        revision: u32,
        /// All of its tokens as they are now, not yet checked.
        tokens: Raw,
    },
    /// The requester's time to amend is up.
    ReturnDue,
    /// Who may fill the seats, and who answers for the exceptions, is looked up again.
    Review,
    /// Whoever answers for the exception budget of the type is told how far it has burnt, if nobody was: others have
    /// spent it meanwhile, or it is smaller than it was.
    LookAtBudget,
    /// The egress gate is about to let a step out.
    Send {
        /// The effect.
        effect: EffectId,
        /// The step.
        step: String,
        /// Digest of what is sent.
        request: Digest,
    },
    /// An attempt ended.
    Attempted {
        /// The effect.
        effect: EffectId,
        /// How.
        end: AttemptEnd,
        /// When it began: nothing left before that.
        began: Timestamp,
        /// What is known of the target.
        target: Target,
    },
    /// An attempt would repeat what may have been sent under an idempotency key that the target may have forgotten:
    /// the target is asked first.
    KeyExpired {
        /// The effect.
        effect: EffectId,
        /// What is known of the target.
        target: Target,
    },
    /// An effect whose record was changed elsewhere was planned anew.
    Replanned {
        /// The effect.
        effect: EffectId,
        /// What was found.
        found: Box<Anew>,
    },
    /// The target of a write was read back.
    Reconciled {
        /// The effect that wrote it.
        effect: EffectId,
        /// What was found.
        found: Box<ReadBack>,
    },
    /// A write that is to be written again was planned.
    ReAssert {
        /// The effect that wrote it.
        effect: EffectId,
        /// The connector that planned it and its plan, or why there is none.
        plan: Result<(Digest, WritePlan), Detail>,
        /// What other effects have to do with the record. Found out after it was planned.
        others: Others,
    },
    /// Another intent has written where this effect was to write something again.
    Supersede {
        /// The effect that was to write it again.
        effect: EffectId,
        /// The intent.
        by: IntentId,
    },
    /// The target of an effect that waits has failed for so long that somebody must know.
    Unavailable {
        /// The effect.
        effect: EffectId,
        /// For how long, in words.
        detail: Detail,
    },
    /// A probe ended.
    Probed {
        /// The effect.
        effect: EffectId,
        /// How.
        end: Ended<Finding>,
        /// When it began: what it says holds for then.
        began: Timestamp,
        /// What is known of the target.
        target: Target,
    },
    /// An effect must not be attempted: its seal does not hold, or its connection is not what it
    /// was bound to.
    Block {
        /// The effect.
        effect: EffectId,
        /// Why.
        detail: Detail,
    },
    /// A seat needs a look: see [`super::seat::Seats::wakes`].
    SeatDue {
        /// Index of its row.
        row: u32,
    },
    /// The time of an exception is up.
    ExceptionDue {
        /// Its id.
        id: ExceptionId,
    },
    /// The owner closes an exception.
    CloseException {
        /// Who.
        person: PersonId,
        /// Its id.
        id: ExceptionId,
        /// How.
        by: Closure,
        /// Why.
        reason: String,
    },
    /// A person says something in the form behind the link of a notice.
    ByLink {
        /// The number of the notice.
        notice: u32,
        /// What they say: see [`crate::notice::link::LinkVerb::of_command`].
        command: Box<Command>,
    },
    /// A notice got through.
    Told {
        /// Its number.
        notice: u32,
        /// What the other side said.
        detail: Detail,
    },
    /// A notice did not get through.
    NotTold {
        /// Its number.
        notice: u32,
        /// Why.
        detail: Detail,
        /// How long the other side asked us to wait.
        wish: Option<Millis>,
        /// Whether trying again can help.
        hope: Hope,
    },
}

impl Command {
    /// The person who says it; nobody for what the engine and its timers say.
    #[must_use]
    pub fn person(&self) -> Option<&PersonId> {
        match self {
            Command::Decide { person, .. }
            | Command::Withdraw { person, .. }
            | Command::Claim { person, .. }
            | Command::Release { person, .. }
            | Command::Hand { person, .. }
            | Command::Reassign { person, .. }
            | Command::Recall { person, .. }
            | Command::AddVoice { person, .. }
            | Command::Comment { person, .. }
            | Command::Remind { person }
            | Command::Ask { person, .. }
            | Command::BreakGlass { person, .. }
            | Command::Answer { person, .. }
            | Command::SendBack { person, .. }
            | Command::Amend { person, .. }
            | Command::CloseException { person, .. } => Some(person),
            Command::Override { what, .. } => Some(&what.by),
            Command::ByLink { command, .. } => command.person(),
            Command::Prepare { .. }
            | Command::Postpone { .. }
            | Command::ReturnDue
            | Command::Review
            | Command::LookAtBudget
            | Command::Send { .. }
            | Command::Attempted { .. }
            | Command::Probed { .. }
            | Command::Block { .. }
            | Command::KeyExpired { .. }
            | Command::Replanned { .. }
            | Command::Reconciled { .. }
            | Command::ReAssert { .. }
            | Command::Supersede { .. }
            | Command::Unavailable { .. }
            | Command::SeatDue { .. }
            | Command::ExceptionDue { .. }
            | Command::Told { .. }
            | Command::NotTold { .. } => None,
        }
    }

    /// What is said, whatever carries it.
    #[must_use]
    pub fn said(&self) -> &Command {
        if let Command::ByLink { command, .. } = self { command.said() } else { self }
    }
}

/// What an administrator puts into other hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reassigned {
    /// The seat in which this person can decide.
    Seat {
        /// Who has it.
        of: PersonId,
    },
    /// An open exception.
    Exception {
        /// Its id.
        id: ExceptionId,
    },
}

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hope {
    /// It can.
    Some,
    /// It cannot: a person must look.
    None,
}

/// What a person says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Voice {
    /// Yes, with a note if they like.
    Approve {
        /// Their words.
        note: String,
    },
    /// No, and why.
    Decline {
        /// Their words; never empty.
        reason: String,
    },
}

/// What is known of a target, beside the effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// How long after the last send an `absent` can be believed.
    pub settle: Millis,
    /// Before which moment none can be: the clock was set forward since.
    pub unsettled_until: Timestamp,
    /// How long it remembers an idempotency key.
    pub key_lifetime: Millis,
    /// How far the clock was ever set back: see [`clock::set_back`](crate::clock::set_back).
    pub set_back: Millis,
    /// How often the log was restored from a backup.
    pub restored: u32,
    /// How far a credential reaches that was refused in this attempt or probe.
    pub denial: Denial,
}

impl Target {
    /// What it remembers of the keys that it was sent.
    #[must_use]
    pub fn memory(&self, guarantee: Guarantee) -> Memory {
        Memory { guarantee, key_lifetime: self.key_lifetime, set_back: self.set_back }
    }
}
