//! Applies one entry to an approval. Replay and new commands go through here alike.

use super::{undo, watch};
use crate::approval::event::{Actor, Entry, Event};
use crate::approval::seat::{Added, Order, Question, Reply, Seat, Seats};
use crate::approval::undo::Undo;
use crate::approval::{Approval, Authority, Case, Earlier, Intent, Outcome, Overridden, Reconsidered, Stage};
use crate::break_glass::Broken;
use crate::effect::life::{EffectState, History, Verdict};
use crate::exception::{Cause, Closed, Closure, Exception};
use crate::id::{EffectId, ExceptionId, PersonId};
use crate::intent::OnFailure;
use crate::notice::Notices;
use crate::override_::Override;
use crate::policy::RouteRow;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// An entry that cannot follow what stands before it: the log was not written by this table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misplaced {
    /// What the entry says.
    pub event: &'static str,
    /// Where the approval stood.
    pub stage: &'static str,
}

impl fmt::Display for Misplaced {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "an entry `{}` cannot follow on `{}`", self.event, self.stage)
    }
}

impl std::error::Error for Misplaced {}

/// The approval after one more entry; `None` before the first.
///
/// # Errors
/// [`Misplaced`] if the entry cannot follow. No log that this table wrote holds such an entry.
pub fn after(approval: Option<Approval>, entry: &Entry) -> Result<Approval, Misplaced> {
    let Some(approval) = approval else {
        let Event::Submitted { intent, policy, set_back, restored } = &entry.event else {
            return Err(Misplaced { event: entry.event.as_str(), stage: "nothing" });
        };
        return Ok(Approval {
            intent: Arc::clone(intent),
            policy: *policy,
            set_back: *set_back,
            restored: *restored,
            stage: Stage::Preparing { tries: 0, due: entry.at },
            exceptions: BTreeMap::new(),
            asked: intent.submitted,
            rounds: 0,
            earlier: None,
            overridden: None,
            failed_open: None,
            broken: None,
            comments: 0,
            reminded: None,
            voices: BTreeSet::new(),
            notices: Notices::default(),
            approved: None,
            reconsidered: None,
            watches: BTreeMap::new(),
        });
    };
    let misplaced = Misplaced { event: entry.event.as_str(), stage: approval.stage.as_str() };
    let mut approval = apply(approval, entry).ok_or(misplaced)?;
    if let Event::Voted { person, .. } = &entry.event {
        approval.voices.insert(person.clone());
    }
    Ok(approval)
}

fn apply(mut approval: Approval, entry: &Entry) -> Option<Approval> {
    let at = entry.at;
    match &entry.event {
        Event::Submitted { .. } => return None,
        Event::Repinned { policy } => approval.policy = *policy,
        // What it activates is looked up in the log; the approval itself goes on to its end.
        Event::Activated { .. } | Event::FilePublished { .. } | Event::WentLive { .. } => {
            changes_the_house(&approval.stage, &entry.event)?;
        }
        Event::ExceptionOpened { id, exception } => open(&mut approval, *id, exception, at),
        Event::ExceptionEscalated { id, owner, due, remind } => {
            escalate(&mut approval, *id, owner, (*due, *remind))?;
        }
        Event::ExceptionReminded { id, .. } => approval.exceptions.get_mut(id)?.remind = None,
        Event::ExceptionMoved { id, owner, .. } => approval.exceptions.get_mut(id)?.owner.clone_from(owner),
        Event::ExceptionReview { id, at } => approval.exceptions.get_mut(id)?.review = *at,
        Event::ExceptionClosed { id, closed, effects } => close(&mut approval, *id, closed, effects)?,
        Event::Seated { .. }
        | Event::SeatOpened { .. }
        | Event::SeatMoved { .. }
        | Event::Claimed { .. }
        | Event::Released { .. }
        | Event::Handed { .. }
        | Event::Recalled { .. }
        | Event::VoiceAdded { .. }
        | Event::VoiceDropped { .. }
        | Event::Asked { .. }
        | Event::Answered { .. }
        | Event::Unanswered { .. }
        | Event::Carried { .. }
        | Event::Voted { .. } => move_seats(seats(&mut approval.stage)?, &entry.event)?,
        Event::Commented { .. } => approval.comments = approval.comments.saturating_add(1),
        Event::Reminded { rows, .. } => reminded(&mut approval, rows, entry)?,
        Event::SentBack { person, words, until } => send_back(&mut approval, (person, words), *until, at)?,
        Event::Amended { intent } => amend(&mut approval, intent, at)?,
        Event::Overridden { what, .. } => overrides(&mut approval, what, at)?,
        Event::FailedOpen { .. } => approval.failed_open = Some(at),
        Event::GlassBroken { person, until, reason, loud, .. } => {
            break_glass(&mut approval, (person, reason), *until, loud);
        }
        Event::Reopened { intent, what } => reopen(&mut approval, intent, what, at)?,
        Event::Reconsidered { intent, why } => reconsider(&mut approval, intent, why, at)?,
        Event::Renewed { intent } => renew(&mut approval, intent, at)?,
        Event::Sending { effect, step, .. } => send(&mut approval.stage, *effect, step, at)?,
        Event::Attempted { effect, verdict, .. } | Event::Probed { effect, verdict, .. } => {
            move_effect(&mut approval.stage, *effect, at, |_| Some(verdict.clone()))?;
        }
        Event::Replanned { effect, revision, verdict, .. } => {
            replan(&mut approval.stage, *effect, (revision, verdict), at)?;
        }
        Event::UndoBegun { because, restored } => begin_undo(&mut approval, *because, *restored, entry)?,
        Event::UndoPlanned { effects } => plan_undo(&mut approval.stage, effects, at)?,
        Event::Watched { effects } => watch::watch(&mut approval, effects)?,
        Event::Reconciled { effect, agreement, next, re_assert, .. } => {
            watch::look(&mut approval, *effect, (*agreement, *next, *re_assert), at)?;
        }
        Event::Superseded { effect, .. } => watch::superseded(&mut approval, *effect, at)?,
        Event::NotReAsserted { effect, next, .. } => watch::put_off(&mut approval, *effect, *next)?,
        Event::ReAsserted { effect, connector, plan } => {
            watch::begin_again(&mut approval, *effect, (*connector, plan), at)?;
        }
        Event::Noticed { notices } => approval.notices.add(notices, approval.intent.revision, at),
        Event::LinkUsed { notice, .. } => approval.notices.used(*notice)?,
        Event::Told { notice, .. } => approval.notices.told(*notice)?,
        Event::NotTold { notice, due, .. } => approval.notices.put_off(*notice, *due)?,
        Event::NoticesMoot { notices } => approval.notices.open.retain(|number, _| !notices.contains(number)),
        Event::Postponed { .. }
        | Event::Evaluated { .. }
        | Event::Sealed { .. }
        | Event::Approved { .. }
        | Event::Declined { .. }
        | Event::Withdrawn { .. }
        | Event::Closed => {
            approval = advance(approval, &entry.event, at)?;
        }
    }
    Some(approval)
}

/// Whoever breaks the glass looks at no earlier time of it either.
fn break_glass(
    approval: &mut Approval,
    (person, reason): (&PersonId, &str),
    until: Timestamp,
    loud: &[PersonId],
) {
    let open = approval.exceptions.values_mut().filter(|exception| exception.closed.is_none());
    for review in open.filter(|exception| exception.cause == Cause::BreakGlass) {
        if !review.barred.contains(person) {
            review.barred.push(person.clone());
        }
    }
    approval.broken = Some(Broken::again(approval.broken.as_ref(), (person, reason), until, loud));
}

/// It is decided against the policy.
fn overrides(approval: &mut Approval, what: &Arc<Override>, at: Timestamp) -> Option<()> {
    seats(&mut approval.stage)?;
    approval.overridden = Some(Overridden { what: Arc::clone(what), at: Some(at) });
    close_unused(approval, at);
    Some(())
}

/// Something is somebody's to settle.
fn open(approval: &mut Approval, id: ExceptionId, exception: &Exception, at: Timestamp) {
    approval.exceptions.insert(id, Exception { opened: at, ..exception.clone() });
}

/// Nobody settled it in time.
fn escalate(
    approval: &mut Approval,
    id: ExceptionId,
    owner: &PersonId,
    (due, remind): (Timestamp, Option<Timestamp>),
) -> Option<()> {
    let exception = approval.exceptions.get_mut(&id)?;
    exception.owner = owner.clone();
    exception.due = due;
    exception.remind = remind;
    exception.missed = exception.missed.saturating_add(1);
    Some(())
}

/// The requester is to amend it.
fn send_back(
    approval: &mut Approval,
    (by, words): (&PersonId, &str),
    until: Timestamp,
    at: Timestamp,
) -> Option<()> {
    remember(approval)?;
    approval.rounds = approval.rounds.saturating_add(1);
    approval.stage = Stage::Returned { by: by.clone(), words: words.to_owned(), until };
    moot(approval, at, "the intent was sent back");
    Some(())
}

/// A step is about to leave the host.
fn send(stage: &mut Stage, effect: EffectId, step: &str, at: Timestamp) -> Option<()> {
    move_effect(stage, effect, at, |state| match state {
        EffectState::Ready { history, .. } | EffectState::Sent { history, .. } => {
            Some(EffectState::Sent { step: step.to_owned(), at, history: *history })
        }
        EffectState::Waiting
        | EffectState::Probing { .. }
        | EffectState::Landed { .. }
        | EffectState::Held { .. }
        | EffectState::GivenUp => None,
    })
}

/// Goes from stage to stage, and forgets what has no meaning in the next one.
fn advance(mut approval: Approval, event: &Event, at: Timestamp) -> Option<Approval> {
    if let (Event::Approved { .. }, Stage::Seated { .. }) = (event, &approval.stage) {
        remember(&mut approval)?;
    }
    approval.stage = stage(approval.stage, event, at)?;
    if matches!(event, Event::Approved { .. }) {
        approval.approved = Some(at);
    }
    if let Event::Sealed { case } = event
        && !case.evaluation.is_against()
    {
        // The policy has changed its mind: there is nothing left to override.
        approval.overridden = None;
    }
    match approval.stage {
        Stage::Preparing { .. } | Stage::Unsettled { .. } | Stage::Seated { .. } => {}
        // What people approved is decided anew if its record was changed elsewhere.
        Stage::Executing { .. } if matches!(event, Event::Approved { authority: Authority::People(_) }) => {}
        Stage::Executing { .. } | Stage::Returned { .. } | Stage::Closed(_) => approval.earlier = None,
    }
    if matches!(approval.stage, Stage::Closed(_)) {
        // What nobody confirmed was no override.
        approval.overridden = approval.overridden.filter(|overridden| overridden.at.is_some());
    }
    if matches!(approval.stage, Stage::Closed(Outcome::Declined { .. } | Outcome::Withdrawn { .. })) {
        close_unused(&mut approval, at);
    }
    if matches!(event, Event::Closed) {
        watch::end_given_up(&mut approval, at);
    }
    end_exceptions(&mut approval, at);
    Some(approval)
}

/// Takes the claim of one person off a seat.
fn unclaim(seat: &mut Seat, person: &PersonId) {
    seat.claims.retain(|claim| claim.by != *person);
}

/// What people and time do to the seats.
fn move_seats(seats: &mut Seats, event: &Event) -> Option<()> {
    match event {
        Event::Seated { rows } => seats.rows.clone_from(rows),
        Event::SeatOpened { row, seat } => {
            seats.rows.get(usize::try_from(*row).ok()?)?;
            seats.open.insert(*row, seat.clone());
            // Other people begin with the whole time of the seat: the question of those before is over.
            seats.drop_question(*row);
        }
        Event::SeatMoved { row, seat, .. } => *seats.open.get_mut(row)? = seat.clone(),
        Event::Claimed { row, claim } => seats.open.get_mut(row)?.claims.push(claim.clone()),
        Event::Released { row, person, .. } => unclaim(seats.open.get_mut(row)?, person),
        Event::Handed { handed, .. } => {
            seats.rows.get(usize::try_from(handed.row).ok()?)?;
            seats.handed.push(handed.clone());
        }
        Event::Recalled { handed } => seats.handed.retain(|other| other != handed),
        Event::VoiceAdded { by, beside, order, wanted, .. } => add(seats, by, *beside, *order, wanted)?,
        Event::VoiceDropped { row } => {
            seats.added.get_mut(row)?.is_gone = true;
            seats.drop_question(*row);
            seats.open.remove(row);
        }
        Event::Asked { row, person, words, left, until } => {
            let reply = Reply::Awaited { left: *left, until: *until };
            ask(seats, Question { row: *row, by: person.clone(), words: words.clone(), reply })?;
        }
        Event::Answered { question, words, due, remind } => {
            reply(seats, *question, Reply::Given(words.clone()), (*due, *remind))?;
        }
        Event::Unanswered { question, due, remind } => {
            reply(seats, *question, Reply::Missing, (*due, *remind))?;
        }
        Event::Carried { row, people, .. } => carry(seats.open.get_mut(row)?, people),
        Event::Voted { person, rows, .. } => vote(seats, person, rows)?,
        Event::Submitted { .. }
        | Event::Commented { .. }
        | Event::Reminded { .. }
        | Event::Postponed { .. }
        | Event::Repinned { .. }
        | Event::Evaluated { .. }
        | Event::Sealed { .. }
        | Event::FailedOpen { .. }
        | Event::SentBack { .. }
        | Event::Amended { .. }
        | Event::Overridden { .. }
        | Event::Reopened { .. }
        | Event::Reconsidered { .. }
        | Event::Renewed { .. }
        | Event::Approved { .. }
        | Event::Activated { .. }
        | Event::FilePublished { .. }
        | Event::WentLive { .. }
        | Event::Declined { .. }
        | Event::Withdrawn { .. }
        | Event::Sending { .. }
        | Event::Attempted { .. }
        | Event::Probed { .. }
        | Event::Replanned { .. }
        | Event::UndoBegun { .. }
        | Event::UndoPlanned { .. }
        | Event::Watched { .. }
        | Event::Reconciled { .. }
        | Event::ReAsserted { .. }
        | Event::NotReAsserted { .. }
        | Event::Superseded { .. }
        | Event::ExceptionOpened { .. }
        | Event::ExceptionEscalated { .. }
        | Event::ExceptionReminded { .. }
        | Event::ExceptionMoved { .. }
        | Event::ExceptionReview { .. }
        | Event::GlassBroken { .. }
        | Event::ExceptionClosed { .. }
        | Event::Closed
        | Event::Noticed { .. }
        | Event::Told { .. }
        | Event::NotTold { .. }
        | Event::NoticesMoot { .. }
        | Event::LinkUsed { .. } => return None,
    }
    Some(())
}

/// The requester is asked: the time of the seat stands still.
fn ask(seats: &mut Seats, question: Question) -> Option<()> {
    seats.open.get_mut(&question.row)?.remind = None;
    seats.questions.push(question);
    Some(())
}

/// Voices for an earlier revision.
fn carry(seat: &mut Seat, people: &[PersonId]) {
    seat.spent.extend(people.iter().filter_map(|person| seat.standing_in.get(person)).cloned());
    seat.approved.extend(people.iter().cloned());
}

/// One voice, in every seat that it fills.
fn vote(seats: &mut Seats, person: &PersonId, rows: &[u32]) -> Option<()> {
    for row in rows {
        let seat = seats.open.get_mut(row)?;
        seat.approved.push(person.clone());
        seat.spent.extend(seat.standing_in.get(person).cloned());
        seat.claims.retain(|claim| claim.by != *person);
        // A voice that weighs more than one can leave less to be claimed.
        seat.claims.truncate(usize::try_from(seat.lacking()).unwrap_or(usize::MAX));
        if seat.is_filled() {
            seats.drop_question(*row);
        }
    }
    Some(())
}

/// One more row, beside the seat of whoever wanted it. If it comes first, that seat is asked anew after it.
fn add(seats: &mut Seats, by: &PersonId, beside: u32, order: Order, wanted: &RouteRow) -> Option<()> {
    seats.rows.get(usize::try_from(beside).ok()?)?;
    let row = u32::try_from(seats.rows.len()).ok()?;
    seats.rows.push(wanted.clone());
    seats.added.insert(row, Added { by: by.clone(), beside, order, is_gone: false });
    if order == Order::Before {
        seats.drop_question(beside);
        seats.open.remove(&beside);
    }
    Some(())
}

/// Notes when a person asked for it, and that each of the seats was reminded.
fn reminded(approval: &mut Approval, rows: &[u32], entry: &Entry) -> Option<()> {
    if matches!(entry.by, Actor::Person(_)) {
        approval.reminded = Some(entry.at);
    }
    remind(seats(&mut approval.stage)?, rows)
}

/// Each seat reminds its people once.
fn remind(seats: &mut Seats, rows: &[u32]) -> Option<()> {
    for row in rows {
        seats.open.get_mut(row)?.remind = None;
    }
    Some(())
}

/// Remembers who approved what, so that a voice can hold for the next revision.
fn remember(approval: &mut Approval) -> Option<()> {
    let Stage::Seated { case, seats } = &approval.stage else { return None };
    let (intent, case) = (Arc::clone(&approval.intent), Arc::clone(case));
    approval.earlier = Some(Arc::new(Earlier { intent, case, seats: seats.clone() }));
    Some(())
}

/// An amendment is prepared from the beginning.
fn amend(approval: &mut Approval, intent: &Arc<Intent>, at: Timestamp) -> Option<()> {
    match approval.stage {
        Stage::Seated { .. } => remember(approval)?,
        Stage::Preparing { .. } | Stage::Unsettled { .. } | Stage::Returned { .. } => {}
        Stage::Executing { .. } | Stage::Closed(_) => return None,
    }
    approval.asked = at;
    prepare_anew(approval, intent, at, "the intent was amended");
    Some(())
}

/// What waits for people is prepared from the beginning, when its seal has ended.
fn renew(approval: &mut Approval, intent: &Arc<Intent>, at: Timestamp) -> Option<()> {
    remember(approval)?;
    prepare_anew(approval, intent, at, "its seal has ended, and it is prepared anew");
    Some(())
}

fn prepare_anew(approval: &mut Approval, intent: &Arc<Intent>, at: Timestamp, why: &str) {
    approval.stage = Stage::Preparing { tries: 0, due: at };
    approval.intent = Arc::clone(intent);
    approval.overridden = None;
    close_unused(approval, at);
    moot(approval, at, why);
}

/// What the policy said no to, or could not say anything to, is prepared from the beginning.
fn reopen(approval: &mut Approval, intent: &Arc<Intent>, what: &Arc<Override>, at: Timestamp) -> Option<()> {
    match approval.stage {
        Stage::Unsettled { .. } | Stage::Closed(Outcome::Declined { authority: Authority::Policy, .. }) => {}
        Stage::Preparing { .. }
        | Stage::Returned { .. }
        | Stage::Seated { .. }
        | Stage::Executing { .. }
        | Stage::Closed(_) => return None,
    }
    approval.stage = Stage::Preparing { tries: 0, due: at };
    approval.intent = Arc::clone(intent);
    approval.overridden = Some(Overridden { what: Arc::clone(what), at: None });
    close_unused(approval, at);
    // Whoever overrides answers for it alone: what others decided or wanted before is not taken up.
    approval.earlier = None;
    moot(approval, at, "the policy is to be overridden");
    Some(())
}

/// What was approved is prepared from the beginning: nothing of it was written, and something is otherwise.
fn reconsider(approval: &mut Approval, intent: &Arc<Intent>, why: &str, at: Timestamp) -> Option<()> {
    let Stage::Executing { .. } = approval.stage else { return None };
    approval.stage = Stage::Preparing { tries: 0, due: at };
    approval.intent = Arc::clone(intent);
    approval.approved = None;
    let times = approval.reconsidered.as_ref().map_or(0, |before| before.times).saturating_add(1);
    approval.reconsidered = Some(Reconsidered { times, why: why.to_owned(), at });
    moot(approval, at, "what was approved is decided anew");
    Some(())
}

/// What was to pass although it could not be evaluated does not pass like that after all: it is not counted, and there
/// is nothing to look at.
fn close_unused(approval: &mut Approval, at: Timestamp) {
    if approval.failed_open.take().is_none() {
        return;
    }
    let open = approval.exceptions.values_mut().filter(|exception| exception.closed.is_none());
    for exception in open.filter(|exception| exception.cause == Cause::FailOpen) {
        let reason = "it did not pass like that".to_owned();
        exception.closed = Some(Closed { by: Closure::Retry, person: None, reason, at });
    }
}

/// The open exceptions that are about this intent alone.
fn own_exceptions(approval: &mut Approval) -> impl Iterator<Item = &mut Exception> {
    let own = |exception: &&mut Exception| exception.closed.is_none() && !exception.cause.outlives();
    approval.exceptions.values_mut().filter(own)
}

/// What was open about the revision before is over with it.
fn moot(approval: &mut Approval, at: Timestamp, reason: &str) {
    for exception in own_exceptions(approval) {
        let reason = reason.to_owned();
        exception.closed = Some(Closed { by: Closure::Retry, person: None, reason, at });
    }
}

/// What is over asks for nobody any more.
fn end_exceptions(approval: &mut Approval, at: Timestamp) {
    if !matches!(approval.stage, Stage::Closed(_)) {
        return;
    }
    let reason = format!("the intent is {}", approval.stage.as_str());
    for exception in own_exceptions(approval) {
        let reason = reason.clone();
        exception.closed = Some(Closed { by: Closure::Decline, person: None, reason, at });
    }
}

/// The moves from stage to stage.
fn stage(stage: Stage, event: &Event, at: Timestamp) -> Option<Stage> {
    match (stage, event) {
        (Stage::Preparing { tries, .. }, Event::Postponed { due, hopeless, .. }) => Some(if *hopeless {
            Stage::Unsettled { evaluation: None }
        } else {
            Stage::Preparing { tries: tries.saturating_add(1), due: *due }
        }),
        (Stage::Preparing { .. }, Event::Evaluated { evaluation, .. }) => {
            Some(Stage::Unsettled { evaluation: Some(evaluation.clone()) })
        }
        (Stage::Preparing { .. }, Event::Sealed { case }) => {
            Some(Stage::Seated { case: case.clone(), seats: Seats::default() })
        }
        (Stage::Seated { case, .. }, Event::Approved { authority }) => {
            let effects = first_states(&case, at);
            Some(Stage::Executing {
                case,
                authority: authority.clone(),
                effects,
                undo: None,
                revisions: BTreeMap::new(),
            })
        }
        (
            Stage::Preparing { .. } | Stage::Unsettled { .. } | Stage::Returned { .. } | Stage::Seated { .. },
            Event::Declined { authority, reason },
        ) => Some(Stage::Closed(Outcome::Declined {
            authority: authority.clone(),
            reason: reason.clone(),
            at,
        })),
        (
            Stage::Preparing { .. } | Stage::Unsettled { .. } | Stage::Returned { .. } | Stage::Seated { .. },
            Event::Withdrawn { by },
        ) => Some(Stage::Closed(Outcome::Withdrawn { by: by.clone(), at })),
        (Stage::Executing { case, authority, effects, undo, .. }, Event::Closed) => {
            Some(Stage::Closed(Outcome::Done { case, authority, effects, undo, at }))
        }
        (
            Stage::Preparing { .. }
            | Stage::Unsettled { .. }
            | Stage::Returned { .. }
            | Stage::Seated { .. }
            | Stage::Executing { .. }
            | Stage::Closed(_),
            _,
        ) => None,
    }
}

/// Only the very version, text or type that was approved comes into force.
fn changes_the_house(stage: &Stage, event: &Event) -> Option<()> {
    let Stage::Executing { case, .. } = stage else { return None };
    let approved = if let Event::Activated { version, .. } = event {
        case.change.as_ref()?.version == *version
    } else if let Event::FilePublished { file, version, .. } = event {
        let seen = case.shared.as_ref()?;
        (&seen.file, &seen.version) == (file, version)
    } else if let Event::WentLive { of, shape, trial } = event {
        let seen = case.readiness.as_ref()?;
        (&seen.of, &seen.shape, &seen.trial) == (of, shape, trial)
    } else {
        false
    };
    approved.then_some(())
}

fn seats(stage: &mut Stage) -> Option<&mut Seats> {
    match stage {
        Stage::Seated { seats, .. } => Some(seats),
        Stage::Preparing { .. }
        | Stage::Unsettled { .. }
        | Stage::Returned { .. }
        | Stage::Executing { .. }
        | Stage::Closed(_) => None,
    }
}

/// Settles a question and lets the time of its seat run on.
fn reply(
    seats: &mut Seats,
    question: u32,
    reply: Reply,
    (due, remind): (Timestamp, Option<Timestamp>),
) -> Option<()> {
    let index = usize::try_from(question.checked_sub(1)?).ok()?;
    let asked = seats.questions.get_mut(index)?;
    asked.reply = reply;
    let seat = seats.open.get_mut(&asked.row)?;
    seat.due = due;
    seat.remind = remind;
    Some(())
}

/// Moves one effect, then lets those go that waited for it.
pub(super) fn move_effect(
    stage: &mut Stage,
    effect: EffectId,
    at: Timestamp,
    to: impl FnOnce(&EffectState) -> Option<EffectState>,
) -> Option<()> {
    let Stage::Executing { case, effects, undo, .. } = stage else { return None };
    let state = effects.get_mut(&effect)?;
    *state = to(state)?;
    release(case, effects, undo.as_deref(), at);
    Some(())
}

/// An effect goes on from another revision of its record, or not at all.
fn replan(
    stage: &mut Stage,
    effect: EffectId,
    (revision, verdict): (&Option<String>, &Verdict),
    at: Timestamp,
) -> Option<()> {
    move_effect(stage, effect, at, |_| Some(verdict.clone()))?;
    let Stage::Executing { revisions, .. } = stage else { return None };
    let goes_on = match verdict {
        EffectState::Ready { .. } => true,
        // Looked for first. Where something else would be written, it is still to be planned anew.
        EffectState::Probing { history, .. } => !history.moved,
        EffectState::Waiting
        | EffectState::Sent { .. }
        | EffectState::Landed { .. }
        | EffectState::Held { .. }
        | EffectState::GivenUp => false,
    };
    if goes_on {
        revisions.insert(effect, revision.clone());
    }
    Some(())
}

/// What was written is to be taken back.
fn begin_undo(approval: &mut Approval, because: EffectId, restored: u32, entry: &Entry) -> Option<()> {
    let known = approval.restored;
    let Stage::Executing { case, effects, undo, .. } = &mut approval.stage else { return None };
    if undo.is_some() || !effects.contains_key(&because) {
        return None;
    }
    // By itself it begins only after a refusal that is certain.
    let refused = matches!(entry.by, Actor::Engine);
    *undo = Some(Box::new(Undo::begun(because, refused)));
    undo::call_off(case, effects, entry.at, |history| known.max(history.restored) < restored);
    Some(())
}

/// These are taken back.
fn plan_undo(stage: &mut Stage, wanted: &[EffectId], at: Timestamp) -> Option<()> {
    let Stage::Executing { case, effects, undo: Some(undo), .. } = stage else { return None };
    undo::plan(case, effects, undo, wanted)?;
    release(case, effects, Some(undo), at);
    Some(())
}

/// Where effects begin: those that come after others wait for them.
fn first_states(case: &Case, at: Timestamp) -> BTreeMap<EffectId, EffectState> {
    let mut effects =
        case.writes.iter().map(|planned| (planned.effect, EffectState::Waiting)).collect::<BTreeMap<_, _>>();
    release(case, &mut effects, None, at);
    effects
}

/// Lets those go that wait for nothing any more.
fn release(case: &Case, effects: &mut BTreeMap<EffectId, EffectState>, undo: Option<&Undo>, at: Timestamp) {
    let passed = |effects: &BTreeMap<EffectId, EffectState>, binding: &crate::id::BindingName| {
        case.writes.iter().filter(|planned| &planned.binding == binding).all(|planned| {
            match effects.get(&planned.effect) {
                Some(EffectState::Landed { .. } | EffectState::GivenUp) => true,
                Some(EffectState::Held { .. }) => planned.on_failure == OnFailure::Continue,
                Some(
                    EffectState::Waiting
                    | EffectState::Ready { .. }
                    | EffectState::Sent { .. }
                    | EffectState::Probing { .. },
                )
                | None => false,
            }
        })
    };
    for planned in &case.writes {
        if effects.get(&planned.effect) == Some(&EffectState::Waiting)
            && planned.after.iter().all(|binding| passed(effects, binding))
        {
            effects.insert(planned.effect, EffectState::Ready { due: at, history: History::default() });
        }
    }
    if let Some(next) = undo.and_then(|undo| undo::next(undo, effects)) {
        effects.insert(next, EffectState::Ready { due: at, history: History::default() });
    }
}

fn close(
    approval: &mut Approval,
    id: ExceptionId,
    closed: &Closed,
    verdicts: &BTreeMap<EffectId, Verdict>,
) -> Option<()> {
    let exception = approval.exceptions.get_mut(&id)?;
    exception.closed = Some(closed.clone());
    if exception.is_of_watch()
        && let Some(watch) = exception.effect.and_then(|effect| approval.watches.get_mut(&effect))
    {
        watch::settle(watch, closed);
    }
    // What is about more than this intent lets nothing of it go on.
    let tries_again = closed.by == Closure::Retry && !exception.cause.outlives();
    match &mut approval.stage {
        stage @ Stage::Unsettled { .. } if tries_again => {
            *stage = Stage::Preparing { tries: 0, due: closed.at };
        }
        Stage::Executing { case, effects, undo, .. } => {
            for (effect, verdict) in verdicts {
                *effects.get_mut(effect)? = verdict.clone();
            }
            release(case, effects, undo.as_deref(), closed.at);
        }
        Stage::Unsettled { .. }
        | Stage::Returned { .. }
        | Stage::Preparing { .. }
        | Stage::Seated { .. }
        | Stage::Closed(_) => {}
    }
    Some(())
}
