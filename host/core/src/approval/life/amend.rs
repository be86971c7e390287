//! The next revision: sent back by whoever has a seat, amended by the requester, and asked again only
//! where something that a voice rested on has changed.

use super::settle::Opening;
use super::{Turn, prepare, requester_only, seat, settle, vote, wrong_stage};
use crate::approval::event::{Actor, Event};
use crate::approval::refusal::Refusal;
use crate::approval::{Authority, Case, Earlier, Intent, Stage};
use crate::built_in::is_built_in;
use crate::effect::attempt::Detail;
use crate::exception::Cause;
use crate::going_live;
use crate::id::{FieldName, PersonId, RouteName};
use crate::intent::{FactValue, IntentType, Raw, TokenValue};
use crate::policy::{Policy, Settled};
use std::collections::BTreeMap;
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

/// Lets the voices of an earlier revision hold for a seat that was just opened, where nothing that they
/// rested on has changed.
pub(super) fn carry(turn: &mut Turn<'_>, row: u32) {
    let Some(earlier) = turn.approval.earlier.clone() else { return };
    let Stage::Seated { case, seats } = &turn.approval.stage else { return };
    let Some(wanted) = usize::try_from(row).ok().and_then(|row| seats.rows.get(row)) else { return };
    let Some(seat) = seat::unfilled(turn, row).filter(|seat| seat.missed == 0) else { return };
    let schema = turn.context.rulebook.intent_type(&turn.approval.intent.intent_type);
    if !rests_on_the_same(&earlier, &turn.approval.intent, case, &wanted.route, schema) {
        return;
    }
    let same = (0_u32..).zip(&earlier.seats.rows).find(|(_, before)| *before == wanted);
    let Some(before) = same.and_then(|(before, _)| earlier.seats.open.get(&before)) else { return };
    let taken: Vec<&PersonId> = seats.voices().collect();
    let holds = |person: &&PersonId| seat.eligible.contains(person) && !taken.contains(person);
    // Where a voice was missing, one must still come: people who left in between make no quorum.
    let most = if before.is_filled() { seat.lacking() } else { seat.lacking().saturating_sub(1) };
    let (mut people, mut carried) = (Vec::new(), 0_u32);
    for person in before.approved.iter().filter(holds) {
        let weight = seat.weight(person);
        // What is filled may weigh more than it must; what was not is never filled by it.
        let fits = carried < most && (before.is_filled() || carried.saturating_add(weight) <= most);
        if fits {
            carried = carried.saturating_add(weight);
            people.push(person.clone());
        }
    }
    if !people.is_empty() {
        let revision = earlier.intent.revision;
        turn.record(Actor::Engine, Event::Carried { row, people, revision });
    }
}

/// Whether a route is asked for the same reasons as before: the same record, the same amount at stake,
/// and the same rules, guards and components, each of which read the same values.
fn rests_on_the_same(
    earlier: &Earlier,
    intent: &Intent,
    case: &Case,
    route: &RouteName,
    schema: Option<&IntentType>,
) -> bool {
    let Some(schema) = schema else { return false };
    let before = &earlier.intent;
    let asked = reasons(before, &earlier.case, route);
    let stake = |intent: &Intent, case: &Case| schema.stake_with(&intent.tokens, &case.facts);
    records(before) == records(intent)
        && stake(before, &earlier.case) == stake(intent, case)
        && earlier.case.evaluation.version == case.evaluation.version
        && asked.as_ref().is_some_and(|asked| !asked.is_empty())
        && asked == reasons(intent, case, route)
}

/// The records and lists that an intent is about: an approval is for these and no others. In a list every
/// element counts with all that it says, whether a rule reads it or not.
fn records(intent: &Intent) -> BTreeMap<&FieldName, &TokenValue> {
    let about =
        |(_, value): &(&FieldName, &TokenValue)| matches!(value, TokenValue::Record(_) | TokenValue::List(_));
    intent.tokens.iter().filter(about).collect()
}

/// One value that a voice of the policy read.
#[derive(Debug, PartialEq, Eq)]
enum Read<'a> {
    Said(&'a TokenValue),
    Found(&'a FactValue),
}

/// A voice of the policy: its id, and what it read by name.
type Reasons<'a> = Vec<(&'a str, Vec<(&'a FieldName, Read<'a>)>)>;

/// What asks for a route, each with the values of everything that it read, in the order of the policy.
/// `None` if it cannot be said of one of them, such as the part of one element of a list: then nobody can
/// know that it is the same.
fn reasons<'a>(intent: &'a Intent, case: &'a Case, route: &RouteName) -> Option<Reasons<'a>> {
    let asking = case.evaluation.contributions().filter(|voice| match voice.outcome {
        Settled::Needs(needs) => needs.routes.contains(route),
        Settled::Approve | Settled::Deny => false,
    });
    let read = |name: &'a FieldName| Some((name, value(intent, case, name)?));
    asking.map(|voice| Some((voice.id, voice.reads.iter().map(read).collect::<Option<_>>()?))).collect()
}

fn value<'a>(intent: &'a Intent, case: &'a Case, name: &FieldName) -> Option<Read<'a>> {
    // A part of one element: which element it was of is not known here.
    if name.as_str().contains('.') {
        return None;
    }
    let term = || case.evaluation.terms.iter().find(|term| term.name == *name);
    let token = intent.tokens.get(name).map(Read::Said);
    token.or_else(|| case.facts.get(name).map(Read::Found)).or_else(|| Some(Read::Said(&term()?.value)))
}
