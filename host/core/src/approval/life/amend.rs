//! The next revision: sent back by whoever has a seat, and amended by the requester.

use super::settle::Opening;
use super::{Turn, ask, prepare, requester_only, seat, settle, vote, wrong_stage};
use crate::approval::event::{Actor, Event};
use crate::approval::refusal::Refusal;
use crate::approval::{Authority, Intent, Stage};
use crate::built_in::is_built_in;
use crate::effect::attempt::Detail;
use crate::exception::Cause;
use crate::going_live;
use crate::id::PersonId;
use crate::intent::Raw;
use crate::policy::Policy;
use std::sync::Arc;

pub(super) fn send_back(
    turn: &mut Turn<'_>,
    person: PersonId,
    revision: u32,
    words: String,
) -> Result<(), Refusal> {
    seat::review(turn, &Actor::Engine);
    vote::seat_of(turn, "send-back", &person, revision)?;
    amendable(&turn.approval.intent)?;
    ask::requester_is_there(turn)?;
    if words.trim().is_empty() {
        return Err(Refusal::ReasonMissing);
    }
    let name = turn.approval.intent.intent_type.clone();
    let rounds = turn.context.rulebook.intent_type(&name).map_or(0, |schema| schema.rounds);
    if rounds <= turn.approval.rounds {
        if settle::open_since(turn, Cause::Rounds).is_some() {
            return Err(Refusal::RoundsSpent(rounds));
        }
        let message = format!("`{person}` wants it back once more, after {rounds} rounds: {words}");
        settle::open(turn, Opening::of(Cause::Rounds, Detail::new("rounds", message)));
        return Ok(());
    }
    // It lives as long as a seal would: after that nobody waits for it any more.
    let until = turn.context.now.plus(turn.context.rulebook.seal_life(&name));
    turn.record(Actor::Person(person.clone()), Event::SentBack { person, words, until });
    Ok(())
}

pub(super) fn amend(
    turn: &mut Turn<'_>,
    person: PersonId,
    revision: u32,
    tokens: &Raw,
) -> Result<(), Refusal> {
    let was_returned = match &turn.approval.stage {
        Stage::Returned { .. } => true,
        Stage::Preparing { .. } | Stage::Unsettled { .. } | Stage::Seated { .. } => false,
        Stage::Executing { .. } | Stage::Closed(_) => return Err(wrong_stage("amend", &turn.approval)),
    };
    let before = Arc::clone(&turn.approval.intent);
    requester_only(turn, &person, revision)?;
    let (rulebook, intent) = (turn.context.rulebook, &turn.approval.intent);
    if let Some(schema) = rulebook.intent_type(&intent.intent_type) {
        // What was asked for is no ticket to ask for more.
        match &intent.trial {
            None => prepare::may_ask(rulebook, schema, &intent.requester)?,
            Some(_) => going_live::of_owner(rulebook, schema, &intent.requester)?,
        }
    }
    amendable(&before)?;
    let schema = turn.context.rulebook.intent_type(&before.intent_type);
    let schema = schema.ok_or_else(|| Refusal::NoPolicy(before.intent_type.to_string()))?;
    let tokens = schema.validate(tokens).map_err(Refusal::Tokens)?;
    if tokens == before.tokens && !was_returned {
        return Err(Refusal::NothingAmended);
    }
    let mut answers = before.answers.clone();
    // Whoever answers for it by now stands behind what is asked now.
    answers.extend(turn.context.rulebook.directory().machines.get(&before.requester).cloned());
    answers.dedup();
    let intent = Intent { revision: revision.saturating_add(1), tokens, answers, ..Intent::clone(&before) };
    turn.record(Actor::Person(person), Event::Amended { intent: Arc::new(intent) });
    judge_anew(turn);
    Ok(())
}

/// What is asked for now is judged by the rules of now: an intent is no ticket to old ones.
pub(super) fn judge_anew(turn: &mut Turn<'_>) {
    let in_force = turn.context.rulebook.policy(&turn.approval.intent.intent_type, turn.context.now);
    if let Some(policy) = in_force.map(Policy::version).filter(|version| *version != turn.approval.policy) {
        turn.record(Actor::Engine, Event::Repinned { policy });
    }
}

/// What the host itself takes is proved at the door, with its evidence; another one passes the door anew.
fn amendable(intent: &Intent) -> Result<(), Refusal> {
    if is_built_in(&intent.intent_type) {
        return Err(Refusal::NotAmendable(intent.intent_type.clone()));
    }
    Ok(())
}

/// Declines what waits to be amended by somebody who has left the house.
pub(super) fn give_up(turn: &mut Turn<'_>) {
    if !matches!(turn.approval.stage, Stage::Returned { .. }) {
        return;
    }
    if let Err(left) = ask::requester_is_there(turn) {
        let reason = format!("it was sent back, and {left}");
        turn.record(Actor::Engine, Event::Declined { authority: Authority::Policy, reason });
    }
}

/// Declines what was sent back and not amended in time.
pub(super) fn due(turn: &mut Turn<'_>) -> Result<(), Refusal> {
    let Stage::Returned { until, .. } = &turn.approval.stage else {
        return Err(wrong_stage("return-due", &turn.approval));
    };
    if turn.context.now < *until {
        return Ok(());
    }
    let reason = format!("it was sent back and not amended until {until}");
    turn.record(Actor::Timer, Event::Declined { authority: Authority::Policy, reason });
    Ok(())
}
