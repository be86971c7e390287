//! The one transition table: [`decide`] says what a command causes, [`after`] applies one entry.
//!
//! A command that is allowed causes one or more entries in a row; each is applied before the next
//! is thought of, so a chain such as *voted → seat filled → approved → effects ready* is one commit.

mod add;
mod amend;
mod ask;
mod break_glass;
mod budget;
mod carry;
#[cfg(test)]
mod carry_tests;
mod claim;
mod effect;
mod fail_open;
mod fold;
mod hand;
mod override_;
mod prepare;
mod reassign;
pub(super) mod renew;
mod replan;
mod replay;
mod seat;
mod settle;
#[cfg(test)]
mod settle_tests;
mod talk;
mod tell;
mod undo;
mod vote;
#[cfg(test)]
mod vote_tests;
mod watch;

pub use budget::spends;
pub use fold::{Misplaced, after};
pub use hand::deputies;
pub use prepare::{deciding, may_fail_open, outcome, submit, submit_trial};
pub use reassign::can_reassign;
pub use replay::{Again, Replayed, replay};

use super::command::Command;
use super::event::{Actor, Entry, Event};
use super::refusal::Refusal;
use super::rules;
use super::{Adopts, Approval, Outcome, Sight, Stage};
use crate::budget::Spending;
use crate::going_live::{Lack, Readiness};
use crate::id::{IntentId, PersonId};
use crate::override_::Habit;
use crate::rulebook::Rulebook;
use crate::time::{Millis, Timestamp};
use std::collections::BTreeMap;

/// In how many intents each of some people answers for an open seat of a fair pool.
pub type Loads = BTreeMap<PersonId, u32>;

/// What a decision may look at beside the approval itself.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Intent types, policies, people and routes.
    pub rulebook: &'a Rulebook,
    /// The moment of the command.
    pub now: Timestamp,
    /// Random bits for jitter.
    pub chance: u128,
    /// How far the clock was ever set back: see [`clock::set_back`](crate::clock::set_back).
    pub set_back: Millis,
    /// How often the log was restored from a backup.
    pub restored: u32,
    /// An open intent of whoever decides now, of the type whose policy would change; found out by
    /// the host. `None` for every decision that is about no policy.
    pub own_open: Option<IntentId>,
    /// How often this policy was overridden lately for the reason of now; found out by the host. `None` for
    /// every decision that overrides nothing.
    pub overrides: Option<&'a Habit>,
    /// How often intents of this type passed today although their policy could not be evaluated; found out by the
    /// host. `None` where nobody counted: then none passes.
    pub failed_open: Option<u32>,
    /// How many trials of this intent type were taken today; found out by the host. `None` where nobody counted: then
    /// none is taken.
    pub tried: Option<u32>,
    /// In how many intents people of fair pools answer for an open seat; found out by the host. `None` where nobody counted: then
    /// chance alone decides.
    pub loads: Option<&'a Loads>,
    /// What an intent type would go live on now, or what it lacks; found out by the host. `None` for every decision
    /// that lets none go live.
    pub ready: Option<&'a Result<Readiness, Vec<Lack>>>,
    /// How far the exception budget of this intent type has burnt; found out by the host. `None` where the type has
    /// none, and for what neither spends it nor is stopped by it.
    pub spending: Option<&'a Spending>,
    /// What an intent that is asked for now adopts; found out by the host. `None` for every other one.
    pub adopts: Option<Adopts>,
}

impl<'a> Context<'a> {
    /// A context in which the host has found out nothing.
    #[must_use]
    pub fn new(rulebook: &'a Rulebook, now: Timestamp, chance: u128) -> Context<'a> {
        Context {
            rulebook,
            now,
            chance,
            set_back: Millis(0),
            restored: 0,
            own_open: None,
            overrides: None,
            failed_open: None,
            tried: None,
            loads: None,
            ready: None,
            spending: None,
            adopts: None,
        }
    }
}

/// What a command causes: the new entries, and where the approval stands after them.
#[derive(Debug, Clone)]
pub struct Turn<'a> {
    context: Context<'a>,
    approval: Approval,
    entries: Vec<Entry>,
}

impl<'a> Turn<'a> {
    /// The approval after all entries.
    #[must_use]
    pub fn approval(&self) -> &Approval {
        &self.approval
    }

    /// The new entries, in order.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Takes the turn apart: the new entries and the approval after them.
    #[must_use]
    pub fn into_parts(self) -> (Vec<Entry>, Approval) {
        (self.entries, self.approval)
    }

    /// Goes on with a further command in the same commit.
    ///
    /// # Errors
    /// The refusal of that command; the turn is lost then, nothing was stored.
    pub fn then(self, command: Command) -> Result<Turn<'a>, Refusal> {
        run(self, command)
    }

    fn new(context: Context<'a>, approval: Approval) -> Turn<'a> {
        Turn { context, approval, entries: Vec::new() }
    }

    /// Records one event and applies it.
    fn record(&mut self, by: Actor, event: Event) {
        let entry = Entry { at: self.context.now, by, event };
        let before = self.approval.clone();
        match after(Some(before), &entry) {
            Ok(approval) => {
                self.approval = approval;
                self.entries.push(entry);
            }
            // INVARIANT: every command checks the stage before it records, so its events fit; the
            // table tests walk every (stage, command) pair. In release an event that does not fit
            // is not recorded, which changes nothing.
            Err(misplaced) => debug_assert!(false, "{misplaced}"),
        }
    }
}

/// Says which entries `command` causes. Whoever does not see the intent is told that there is none, whatever they
/// say.
///
/// # Errors
/// [`Refusal`]: a rule's no. Nothing is changed by it.
pub fn decide<'a>(approval: &Approval, command: Command, context: Context<'a>) -> Result<Turn<'a>, Refusal> {
    run(Turn::new(context, approval.clone()), command)
}

/// Whether a person sees that there is an intent. Who has a seat is looked up again first, if they do not yet.
fn is_seen(turn: &Turn<'_>, person: &PersonId) -> bool {
    let context = turn.context;
    let sees = |approval: &Approval| context.rulebook.sight(approval, person, context.now) != Sight::Nothing;
    sees(&turn.approval) || {
        let mut turn = Turn::new(context, turn.approval.clone());
        seat::review(&mut turn, &Actor::Engine);
        sees(&turn.approval)
    }
}

/// The one way of every command, also of one that follows another in the same commit.
fn run(mut turn: Turn<'_>, command: Command) -> Result<Turn<'_>, Refusal> {
    if let Some(person) = command.person()
        && !is_seen(&turn, person)
    {
        return Err(Refusal::UnknownIntent(turn.approval.intent.id));
    }
    let begun = tell::begin(&turn);
    match command {
        Command::ByLink { notice, command } => {
            tell::by_link(&mut turn, notice, &command)?;
            return run(turn, *command);
        }
        Command::Prepare { revision, prepared } => prepare::prepare(&mut turn, revision, *prepared)?,
        Command::Postpone { revision, detail, wish, hope, denied } => {
            prepare::postpone(&mut turn, revision, detail, wish, (hope, denied))?;
        }
        Command::Decide { person, revision, seal, voice } => {
            vote::decide(&mut turn, person, revision, seal, voice)?;
        }
        Command::Override { revision, seal, what } => override_::over(&mut turn, revision, seal, *what)?,
        Command::Withdraw { person, revision } => vote::withdraw(&mut turn, person, revision)?,
        Command::Claim { person, revision } => claim::claim(&mut turn, person, revision)?,
        Command::Release { person, revision } => claim::release(&mut turn, person, revision)?,
        Command::Hand { person, revision, to, until, reason } => {
            hand::hand(&mut turn, person, revision, (to, until), reason)?;
        }
        Command::Reassign { person, revision, what, to, reason } => {
            reassign::reassign(&mut turn, person, revision, (what, to), reason)?;
        }
        Command::Recall { person, revision } => hand::recall(&mut turn, person, revision)?,
        Command::AddVoice { person, revision, whom, order, reason } => {
            add::voice(&mut turn, person, revision, (whom, order), reason)?;
        }
        Command::Comment { person, words } => talk::comment(&mut turn, person, words)?,
        Command::Remind { person } => talk::remind(&mut turn, person)?,
        Command::Ask { person, revision, words } => ask::ask(&mut turn, person, revision, words)?,
        Command::Answer { person, revision, question, words } => {
            ask::answer(&mut turn, person, revision, question, words)?;
        }
        Command::SendBack { person, revision, words } => {
            amend::send_back(&mut turn, person, revision, words)?;
        }
        Command::Amend { person, revision, tokens } => {
            amend::amend(&mut turn, person, revision, &tokens)?;
        }
        Command::ReturnDue => amend::due(&mut turn)?,
        Command::Review => review(&mut turn),
        Command::BreakGlass { person, revision, reason } => {
            break_glass::break_it(&mut turn, person, revision, reason)?;
        }
        Command::LookAtBudget => budget::look_anew(&mut turn),
        Command::SeatDue { row } => seat::due(&mut turn, row)?,
        Command::Send { effect, step, request } => effect::send(&mut turn, effect, step, request)?,
        Command::Attempted { effect, end, began, target } => {
            effect::attempted(&mut turn, effect, end, began, target)?;
        }
        Command::KeyExpired { effect, target } => effect::key_expired(&mut turn, effect, target)?,
        Command::Replanned { effect, found } => replan::replanned(&mut turn, effect, *found)?,
        Command::Reconciled { effect, found } => watch::reconciled(&mut turn, effect, *found)?,
        Command::Supersede { effect, by } => watch::supersede(&mut turn, effect, by)?,
        Command::ReAssert { effect, plan, others } => {
            watch::re_assert(&mut turn, effect, plan, &others)?;
        }
        Command::Unavailable { effect, detail } => effect::unavailable(&mut turn, effect, detail)?,
        Command::Probed { effect, end, began, target } => {
            effect::probed(&mut turn, effect, end, began, target)?
        }
        Command::Block { effect, detail } => effect::block(&mut turn, effect, detail)?,
        Command::ExceptionDue { id } => settle::due(&mut turn, id)?,
        Command::CloseException { person, id, by, reason } => {
            settle::close(&mut turn, person, id, by, reason)?;
        }
        Command::Told { notice, detail } => tell::told(&mut turn, notice, detail)?,
        Command::NotTold { notice, detail, wish, hope } => {
            tell::not_told(&mut turn, notice, detail, wish, hope)?;
        }
    }
    budget::look(&mut turn);
    settle::foresee(&mut turn);
    tell::end(&mut turn, begun);
    Ok(turn)
}

impl Stage {
    /// Whether what is asked for was approved.
    #[must_use]
    pub fn is_approved(&self) -> bool {
        match self {
            Stage::Executing { .. } | Stage::Closed(Outcome::Done { .. }) => true,
            Stage::Preparing { .. }
            | Stage::Unsettled { .. }
            | Stage::Returned { .. }
            | Stage::Seated { .. }
            | Stage::Closed(Outcome::Declined { .. } | Outcome::Withdrawn { .. }) => false,
        }
    }

    /// The stage as surfaces spell it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Stage::Preparing { .. } => "preparing",
            Stage::Unsettled { .. } => "unsettled",
            Stage::Returned { .. } => "returned",
            Stage::Seated { .. } => "seated",
            Stage::Executing { .. } => "executing",
            Stage::Closed(Outcome::Done { case, effects, undo: Some(undo), .. })
                if undo.is_whole(case, effects) =>
            {
                "undone"
            }
            Stage::Closed(Outcome::Done { .. }) => "done",
            Stage::Closed(Outcome::Declined { .. }) => "declined",
            Stage::Closed(Outcome::Withdrawn { .. }) => "withdrawn",
        }
    }
}

/// What was seen, read or planned for one revision says nothing of another.
fn still(turn: &Turn<'_>, revision: u32) -> Result<(), Refusal> {
    let now = turn.approval.intent.revision;
    if revision == now { Ok(()) } else { Err(Refusal::StaleRevision { found: revision, now }) }
}

/// Looks up again whoever it waits for, as people may have changed.
fn review(turn: &mut Turn<'_>) {
    seat::review(turn, &Actor::Engine);
    ask::give_up(turn);
    amend::give_up(turn);
}

/// Some things only whoever asked may do, about what they have read.
fn requester_only(turn: &Turn<'_>, person: &PersonId, revision: u32) -> Result<(), Refusal> {
    if !rules::is_requester(turn.context.rulebook, &turn.approval.intent, person) {
        return Err(Refusal::NotRequester(person.clone()));
    }
    still(turn, revision)
}

fn wrong_stage(command: &'static str, approval: &Approval) -> Refusal {
    Refusal::WrongStage { command, stage: approval.stage.as_str() }
}
