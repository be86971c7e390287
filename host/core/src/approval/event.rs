//! What happened to an approval: facts, in the past tense, each one entry of the log.

use super::seat::{Claim, Gone, Handed, Order, Seat};
use super::{Authority, Case, Intent};
use crate::canonical::{self, NotCanonical};
use crate::document::SourceFile;
use crate::effect::attempt::{Detail, Step};
use crate::effect::life::Verdict;
use crate::effect::plan::WritePlan;
use crate::effect::reconcile::Agreement;
use crate::exception::{Closed, Exception};
use crate::hash::Digest;
use crate::id::{EffectId, ExceptionId, IntentId, IntentTypeName, PersonId, PoolName};
use crate::intent::Facts;
use crate::notice::Notice;
use crate::notice::link::LinkVerb;
use crate::override_::Override;
use crate::policy::{Evaluation, RouteRow};
use crate::seal::Seal;
use crate::shared_change::SharedFile;
use crate::time::{Millis, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One entry of an approval's stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When. A recorded fact, never an order.
    pub at: Timestamp,
    /// Who caused it.
    pub by: Actor,
    /// What happened.
    pub event: Event,
}

impl Entry {
    /// The bytes that stand in the log.
    ///
    /// # Errors
    /// [`NotCanonical`] if the entry holds what has no canonical form; none that passed the door does.
    pub fn to_bytes(&self) -> Result<Vec<u8>, NotCanonical> {
        canonical::to_vec(self)
    }
}

/// Who caused an entry: persons, the engine and timers are told apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Actor {
    /// A person, signed in.
    Person(PersonId),
    /// The engine, following up on an earlier entry.
    Engine,
    /// A timer that fired.
    Timer,
}

/// What can happen to an approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// It was asked for, and passed the door.
    Submitted {
        /// What exactly.
        intent: Arc<Intent>,
        /// Content address of the policy in force.
        policy: Digest,
        /// How far the clock had been set back by then: see [`clock::set_back`](crate::clock::set_back).
        #[serde(default, skip_serializing_if = "is_none")]
        set_back: Millis,
        /// How often the log had been restored from a backup by then.
        #[serde(default, skip_serializing_if = "is_never")]
        restored: u32,
    },
    /// Facts or plans could not be had yet.
    Postponed {
        /// When the next try is due.
        due: Timestamp,
        /// Why.
        detail: Detail,
        /// Whether it was given up, so that a person must look.
        #[serde(default, skip_serializing_if = "is_false")]
        hopeless: bool,
    },
    /// The policy version of the submission is not installed any more; this one is used instead.
    Repinned {
        /// Content address of the policy in force.
        policy: Digest,
    },
    /// The policy was evaluated and its answer needs no writes to be planned.
    Evaluated {
        /// The answer.
        evaluation: Box<Evaluation>,
        /// What the host found out itself. Entries of older hosts lack it.
        #[serde(default, skip_serializing_if = "Facts::is_empty")]
        facts: Facts,
    },
    /// The policy was evaluated, the writes are planned, and both are sealed.
    Sealed {
        /// What is decided about.
        case: Arc<Case>,
    },
    /// The policy could not be evaluated, and its owner lets this one pass.
    FailedOpen {
        /// The pool that owns the policy.
        owner: PoolName,
        /// Its condition, as the policy has it.
        only_if: String,
        /// How many it lets pass a day.
        at_most: u32,
        /// Which of today this one is, from 1.
        today: u32,
    },
    /// People were asked.
    Seated {
        /// Every row of every route that the evaluation asks for.
        rows: Vec<RouteRow>,
    },
    /// A seat was opened, or moved to its backup.
    SeatOpened {
        /// Index of its row.
        row: u32,
        /// Who may fill it, until when.
        seat: Seat,
    },
    /// Other people may fill a seat now: somebody left, is away or is back.
    SeatMoved {
        /// Index of its row.
        row: u32,
        /// Who may fill it now.
        seat: Seat,
        /// Who may not any more.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        gone: Vec<Gone>,
        /// Who may and could not before.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        come: Vec<PersonId>,
    },
    /// A person said that they will decide in a seat.
    Claimed {
        /// Index of its row.
        row: u32,
        /// Who, until when.
        claim: Claim,
    },
    /// A claim was given back, or its time was up.
    Released {
        /// Index of the seat's row.
        row: u32,
        /// Whose claim it was.
        person: PersonId,
        /// Whether its time was up.
        #[serde(default, skip_serializing_if = "is_false")]
        expired: bool,
    },
    /// A seat was handed to somebody, for a time or for good.
    Handed {
        /// Which, from whom, to whom, until when.
        handed: Handed,
        /// Why.
        reason: String,
    },
    /// It was taken back, or given back.
    Recalled {
        /// What was handed over.
        handed: Handed,
    },
    /// Somebody in a seat wanted one more voice.
    VoiceAdded {
        /// Who.
        by: PersonId,
        /// Their seat: index of its row.
        beside: u32,
        /// Which of the two comes first.
        order: Order,
        /// The new row.
        wanted: RouteRow,
        /// Why.
        reason: String,
    },
    /// An added voice was taken back.
    VoiceDropped {
        /// Index of its row.
        row: u32,
    },
    /// Somebody said something that moves nothing.
    Commented {
        /// Their words.
        words: String,
    },
    /// Those whose voice is missing were reminded.
    Reminded {
        /// Indices of the seats' rows.
        rows: Vec<u32>,
        /// Who is asked next, if nobody decides in time: they hear of it too.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        next: Vec<PersonId>,
    },
    /// A person in a seat asked the requester; the time of the seat stands still.
    Asked {
        /// Index of the seat's row.
        row: u32,
        /// Who.
        person: PersonId,
        /// Their words.
        words: String,
        /// What is left of the seat's time, in the hours in which it runs.
        left: Millis,
        /// When the seat's time runs on without an answer.
        until: Timestamp,
    },
    /// The requester answered; the time of the seat runs on.
    Answered {
        /// Which question, from 1.
        question: u32,
        /// Their words.
        words: String,
        /// When the seat is due now.
        due: Timestamp,
        /// When its people are reminded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remind: Option<Timestamp>,
    },
    /// The requester did not answer in time; the time of the seat runs on.
    Unanswered {
        /// Which question, from 1.
        question: u32,
        /// When the seat is due now.
        due: Timestamp,
        /// When its people are reminded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remind: Option<Timestamp>,
    },
    /// Voices for an earlier revision hold for this one: what they rested on is the same, or is proved to be no worse.
    Carried {
        /// Index of the seat's row.
        row: u32,
        /// Whose.
        people: Vec<PersonId>,
        /// The revision that they decided on.
        revision: u32,
        /// The promises of the policy by which it is no worse, in their own words; none where nothing has changed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        promises: Vec<String>,
    },
    /// A person in a seat sent it back to the requester.
    SentBack {
        /// Who.
        person: PersonId,
        /// What must be otherwise.
        words: String,
        /// When it is declined, if it is not amended.
        until: Timestamp,
    },
    /// The requester asks for something else under the same intent.
    Amended {
        /// The next revision.
        intent: Arc<Intent>,
    },
    /// A person approved in their seats.
    Voted {
        /// Who.
        person: PersonId,
        /// The rows of the seats that this voice fills.
        rows: Vec<u32>,
        /// What they saw.
        seal: Seal,
        /// Their words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
    },
    /// A person decided against the policy, or over the heads of those who had not decided.
    Overridden {
        /// Who, what instead, and on what ground.
        what: Arc<Override>,
        /// What they saw.
        seal: Seal,
    },
    /// A person will decide against the policy's no, or its being unsure: the writes are planned, so that
    /// they see what they approve.
    Reopened {
        /// The next revision; it asks for the same.
        intent: Arc<Intent>,
        /// Who, and on what ground.
        what: Arc<Override>,
    },
    /// What was approved is decided anew: a record was changed elsewhere before anything was written, and something else
    /// would be written now, or what it was decided on leads to something else.
    Reconsidered {
        /// The next revision; it asks for the same.
        intent: Arc<Intent>,
        /// What is otherwise.
        why: String,
    },
    /// The seal of what waits for people has ended: it is prepared anew from the facts of now. Whoever has decided on the
    /// same keeps their voice.
    Renewed {
        /// The next revision; it asks for the same.
        intent: Arc<Intent>,
    },
    /// It is approved; its effects may be attempted.
    Approved {
        /// By whom.
        authority: Authority,
    },
    /// The policy that was approved is active from now on, or from its day on.
    Activated {
        /// The intent type whose policy it is.
        policy: IntentTypeName,
        /// Content address of the version.
        version: Digest,
        /// The documents that the first publication of this policy takes the place of.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        base: Vec<SourceFile>,
    },
    /// The text that was approved is in the place of a shared file from now on.
    FilePublished {
        /// The file.
        file: SharedFile,
        /// Content address of the text.
        version: Digest,
        /// The file of the house that the first publication takes the place of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        base: Option<SourceFile>,
    },
    /// The intent type takes intents from now on, as long as it is what it was tried as.
    WentLive {
        /// The intent type.
        of: IntentTypeName,
        /// What it was tried as: see [`crate::going_live::shape`].
        shape: Digest,
        /// The trial.
        trial: IntentId,
    },
    /// It is declined.
    Declined {
        /// By whom.
        authority: Authority,
        /// Why.
        reason: String,
    },
    /// The requester took it back.
    Withdrawn {
        /// Who.
        by: PersonId,
    },
    /// A step of an effect is about to leave the host.
    Sending {
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
        /// What left the host.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        steps: Vec<Step>,
        /// What the connector said, where it was no receipt.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<Detail>,
        /// What follows.
        verdict: Verdict,
    },
    /// A probe ended.
    Probed {
        /// The effect.
        effect: EffectId,
        /// What it said, where it was no receipt.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<Detail>,
        /// What follows.
        verdict: Verdict,
    },
    /// An effect was planned anew, as its record was changed elsewhere.
    Replanned {
        /// The effect.
        effect: EffectId,
        /// What the host found out itself, as it counts now.
        facts: Facts,
        /// The revision of the record that it is written on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        revision: Option<String>,
        /// What follows: it goes on, or a person is asked.
        verdict: Verdict,
    },
    /// What the intent wrote is to be taken back: nothing of it is sent any more, and what is on its way is looked for.
    UndoBegun {
        /// The effect because of which.
        because: EffectId,
        /// How often the log had been restored from a backup by then.
        #[serde(default, skip_serializing_if = "is_never")]
        restored: u32,
    },
    /// Effects that landed are taken back.
    UndoPlanned {
        /// Which, one after the other. What each compensation writes is what was sealed, with before and after
        /// exchanged.
        effects: Vec<EffectId>,
    },
    /// What was written is read back from now on.
    Watched {
        /// Each write, and when it is read back first.
        effects: BTreeMap<EffectId, Timestamp>,
    },
    /// What was written was read back.
    Reconciled {
        /// The effect that wrote it.
        effect: EffectId,
        /// What its target holds.
        agreement: Agreement,
        /// The fields that are not as approved, or cannot be read.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        fields: Vec<String>,
        /// Why it could not be read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<Detail>,
        /// The intent that has written there since, or is writing: what it writes counts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<IntentId>,
        /// When it is read back next; absent if nobody looks any more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<Timestamp>,
        /// Whether it is to be written again, as its intent type says.
        #[serde(default, skip_serializing_if = "is_false")]
        re_assert: bool,
    },
    /// What was approved is written once more: its target holds something else.
    ReAsserted {
        /// The effect that wrote it.
        effect: EffectId,
        /// Digest of the connector that planned it, and writes it.
        connector: Digest,
        /// What it will write: nothing but what was approved.
        plan: WritePlan,
    },
    /// What was to be written again is not: another intent has written there meanwhile.
    Superseded {
        /// The effect that was to write it again.
        effect: EffectId,
        /// The intent.
        by: IntentId,
    },
    /// It could not be written again.
    NotReAsserted {
        /// The effect that wrote it.
        effect: EffectId,
        /// Why.
        detail: Detail,
        /// When its target is read back next.
        next: Timestamp,
    },
    /// An exception was opened.
    ExceptionOpened {
        /// Its id.
        id: ExceptionId,
        /// What, whose, until when.
        exception: Exception,
    },
    /// An exception was missed and moved to its backup.
    ExceptionEscalated {
        /// Its id.
        id: ExceptionId,
        /// Whose it is now.
        owner: PersonId,
        /// Until when.
        due: Timestamp,
        /// When they are reminded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remind: Option<Timestamp>,
    },
    /// Whoever answers for an exception was reminded, with most of its time gone.
    ExceptionReminded {
        /// Its id.
        id: ExceptionId,
        /// Who answers for it next, if it is not settled in time and that is somebody else: they hear of it too.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<PersonId>,
    },
    /// Whoever answered for an exception left or is away, or an administrator gave it to somebody else.
    ExceptionMoved {
        /// Its id.
        id: ExceptionId,
        /// Whose it is now.
        owner: PersonId,
        /// Why, if an administrator says so.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// When it is looked up again who answers for an exception changed.
    ExceptionReview {
        /// Its id.
        id: ExceptionId,
        /// When an absence of its owner begins; absent if none does before it is due.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// In an emergency somebody took it on themselves to decide alone.
    GlassBroken {
        /// Who.
        person: PersonId,
        /// Who was to, where they stand in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instead_of: Option<PersonId>,
        /// The row of the intent type that lets them, as it was then.
        #[serde(default)]
        row: String,
        /// Until when they can.
        until: Timestamp,
        /// Their words.
        reason: String,
        /// Who is to hear of it: those who answer for the intent type, auditors, and whoever asked. Those of them who
        /// have a contact were told.
        loud: Vec<PersonId>,
    },
    /// An exception was closed.
    ExceptionClosed {
        /// Its id.
        id: ExceptionId,
        /// How.
        closed: Closed,
        /// What that means for effects.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        effects: BTreeMap<EffectId, Verdict>,
    },
    /// Nothing is open any more.
    Closed,
    /// People are to be told what stands before this entry. Each notice has a number: they are counted from
    /// 1 through the whole life of the approval.
    Noticed {
        /// The notices, in the order of their numbers.
        notices: Vec<Notice>,
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
        /// When it is tried again; absent if it is given up.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due: Option<Timestamp>,
    },
    /// Notices are not sent: what they were about is over.
    NoticesMoot {
        /// Their numbers.
        notices: Vec<u32>,
    },
    /// A person used the link of a notice: what follows in the same commit was said in the form behind it.
    LinkUsed {
        /// The number of the notice.
        notice: u32,
        /// What the link was for.
        verb: LinkVerb,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_none(length: &Millis) -> bool {
    *length == Millis(0)
}

fn is_never(count: &u32) -> bool {
    *count == 0
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Event {
    /// Whether the intent is decided by it.
    #[must_use]
    pub fn decides(&self) -> bool {
        matches!(self, Event::Approved { .. } | Event::Declined { .. } | Event::Withdrawn { .. })
    }

    /// Whether the effect has come to its end by it.
    #[must_use]
    pub fn ends(&self, wanted: EffectId) -> bool {
        let (Event::Attempted { effect, verdict, .. }
        | Event::Probed { effect, verdict, .. }
        | Event::Replanned { effect, verdict, .. }) = self
        else {
            return false;
        };
        *effect == wanted && verdict.is_settled()
    }

    /// The event as the log spells it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Event::Submitted { .. } => "submitted",
            Event::Postponed { .. } => "postponed",
            Event::Repinned { .. } => "repinned",
            Event::Evaluated { .. } => "evaluated",
            Event::Sealed { .. } => "sealed",
            Event::FailedOpen { .. } => "failed-open",
            Event::Seated { .. } => "seated",
            Event::SeatOpened { .. } => "seat-opened",
            Event::SeatMoved { .. } => "seat-moved",
            Event::Claimed { .. } => "claimed",
            Event::Released { .. } => "released",
            Event::Handed { .. } => "handed",
            Event::Recalled { .. } => "recalled",
            Event::VoiceAdded { .. } => "voice-added",
            Event::VoiceDropped { .. } => "voice-dropped",
            Event::Commented { .. } => "commented",
            Event::Reminded { .. } => "reminded",
            Event::Asked { .. } => "asked",
            Event::Answered { .. } => "answered",
            Event::Unanswered { .. } => "unanswered",
            Event::Carried { .. } => "carried",
            Event::SentBack { .. } => "sent-back",
            Event::Amended { .. } => "amended",
            Event::Voted { .. } => "voted",
            Event::Overridden { .. } => "overridden",
            Event::Reopened { .. } => "reopened",
            Event::Reconsidered { .. } => "reconsidered",
            Event::Renewed { .. } => "renewed",
            Event::Approved { .. } => "approved",
            Event::Activated { .. } => "activated",
            Event::FilePublished { .. } => "file-published",
            Event::WentLive { .. } => "went-live",
            Event::Declined { .. } => "declined",
            Event::Withdrawn { .. } => "withdrawn",
            Event::Sending { .. } => "sending",
            Event::Attempted { .. } => "attempted",
            Event::Probed { .. } => "probed",
            Event::Replanned { .. } => "replanned",
            Event::UndoBegun { .. } => "undo-begun",
            Event::UndoPlanned { .. } => "undo-planned",
            Event::Watched { .. } => "watched",
            Event::Reconciled { .. } => "reconciled",
            Event::ReAsserted { .. } => "re-asserted",
            Event::NotReAsserted { .. } => "not-re-asserted",
            Event::Superseded { .. } => "superseded",
            Event::ExceptionOpened { .. } => "exception-opened",
            Event::ExceptionEscalated { .. } => "exception-escalated",
            Event::ExceptionReminded { .. } => "exception-reminded",
            Event::ExceptionMoved { .. } => "exception-moved",
            Event::ExceptionReview { .. } => "exception-review",
            Event::GlassBroken { .. } => "glass-broken",
            Event::ExceptionClosed { .. } => "exception-closed",
            Event::Closed => "closed",
            Event::Noticed { .. } => "noticed",
            Event::Told { .. } => "told",
            Event::NotTold { .. } => "not-told",
            Event::NoticesMoot { .. } => "notices-moot",
            Event::LinkUsed { .. } => "link-used",
        }
    }
}
