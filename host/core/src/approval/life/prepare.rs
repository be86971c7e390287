//! From the door to the seats: submitted, facts read, evaluated, planned, sealed.

use super::settle::Opening;
use super::{Context, Turn, add, budget, fail_open, override_, seat, settle, still, vote, wrong_stage};
use crate::approval::command::{Hope, Prepared};
use crate::approval::event::{Actor, Entry, Event};
use crate::approval::refusal::Refusal;
use crate::approval::{Approval, Authority, Case, Council, Intent, PlannedEffect, Stage};
use crate::effect::attempt::Detail;
use crate::effect::plan::can_be_shown;
use crate::effect::retry::{self, PREPARE_TRIES_MAX};
use crate::exception::Cause;
use crate::going_live::{
    self, GO_LIVE_ROUTE, NotLive, Readiness, TRIALS_A_DAY_MAX, Trial, is_going_live, shape,
};
use crate::id::{ConnectionName, IntentId, IntentTypeName, PersonId, PoolName};
use crate::intent::{Enforcement, Facts, FailMode, IntentType, Raw, Trigger, TypeState};
use crate::notice::Notices;
use crate::policy::component::Contributions;
use crate::policy::{self, Evaluation, Outcome, Policy, RouteRow, Settled};
use crate::publish::{self, Change, POLICY_CHANGE_ROUTE, is_policy_change};
use crate::rulebook::Rulebook;
use crate::seal::{Content, Seal};
use crate::shared_change::{self, SHARED_CHANGE_ROUTE, SharedChange, is_shared_change};
use crate::time::Millis;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Asks for something: checks it at the door and makes the approval.
///
/// # Errors
/// [`Refusal`] with every fault of the tokens at once; nothing is stored.
pub fn submit<'a>(
    context: Context<'a>,
    id: IntentId,
    requester: &str,
    intent_type: &str,
    tokens: &Raw,
) -> Result<Turn<'a>, Refusal> {
    passed(context, id, (requester, intent_type, tokens), None)
}

/// The same as a trial of an intent type that is a draft; `by` is what it begins by.
///
/// # Errors
/// Those of [`submit`]; [`NotLive::NotDraft`] if the type is live; [`NotLive::NotOfOwner`] if whoever asks is not
/// of the pool that owns it; [`NotLive::TooManyTrials`].
pub fn submit_trial<'a>(
    context: Context<'a>,
    id: IntentId,
    (requester, intent_type, tokens): (&str, &str, &Raw),
    by: Trigger,
) -> Result<Turn<'a>, Refusal> {
    passed(context, id, (requester, intent_type, tokens), Some(by))
}

fn passed<'a>(
    context: Context<'a>,
    id: IntentId,
    (requester, intent_type, tokens): (&str, &str, &Raw),
    by: Option<Trigger>,
) -> Result<Turn<'a>, Refusal> {
    let rulebook = context.rulebook;
    let unknown_type = || Refusal::UnknownIntentType {
        found: intent_type.to_owned(),
        known: rulebook.intent_types().map(|known| known.name.to_string()).collect(),
    };
    let name = IntentTypeName::parse(intent_type).map_err(|_| unknown_type())?;
    let schema = rulebook.intent_type(&name).ok_or_else(unknown_type)?;
    let requester = PersonId::parse(requester)
        .ok()
        .filter(|person| rulebook.directory().knows(rulebook.directory().answering(person)))
        .ok_or_else(|| Refusal::UnknownPerson(requester.to_owned()))?;
    let trial = trial(context, schema, &requester, by)?;
    if trial.is_none() {
        may_ask(rulebook, schema, &requester)?;
    }
    if rulebook.policy(&name, context.now).is_none() {
        if is_policy_change(&name) {
            return Err(publish::no_route(POLICY_CHANGE_ROUTE));
        }
        if is_shared_change(&name) {
            return Err(publish::no_route(SHARED_CHANGE_ROUTE));
        }
        if is_going_live(&name) {
            return Err(NotLive::NoRoute(GO_LIVE_ROUTE).into());
        }
    }
    let policy =
        rulebook.policy(&name, context.now).ok_or_else(|| Refusal::NoPolicy(intent_type.to_owned()))?;
    budget::admit(context, &name)?;
    let tokens = schema.validate(tokens).map_err(Refusal::Tokens)?;
    let submitted = context.now;
    let answers = rulebook.directory().machines.get(&requester).cloned().into_iter().collect();
    let (revision, adopts) = (1, context.adopts);
    let intent =
        Intent { id, intent_type: name, revision, requester, answers, submitted, tokens, trial, adopts };
    let intent = Arc::new(intent);
    if is_policy_change(&intent.intent_type) {
        publish::admit(rulebook, &intent, context.now)?;
    }
    if is_shared_change(&intent.intent_type) {
        shared_change::admit(rulebook, &intent, context.now)?;
    }
    if is_going_live(&intent.intent_type) {
        going_live::admit(rulebook, &intent)?;
    }
    let by = Actor::Person(intent.requester.clone());
    let (policy, set_back, restored) = (policy.version(), context.set_back, context.restored);
    let event = Event::Submitted { intent: Arc::clone(&intent), policy, set_back, restored };
    let stage = Stage::Preparing { tries: 0, due: context.now };
    let approval = Approval {
        intent,
        policy,
        set_back,
        restored,
        stage,
        exceptions: BTreeMap::new(),
        asked: context.now,
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
    };
    let mut turn = Turn::new(context, approval);
    turn.entries.push(Entry { at: context.now, by, event });
    Ok(turn)
}

/// Whether a person may ask for it: who is away may, who has left is not known any more.
pub(super) fn may_ask(rulebook: &Rulebook, schema: &IntentType, person: &PersonId) -> Result<(), Refusal> {
    let Some(whoms) = &schema.asked_by else { return Ok(()) };
    // A machine asks for what whoever answers for it may ask for.
    let who = rulebook.directory().answering(person);
    if whoms.iter().any(|whom| rulebook.directory().is_one(who, whom)) {
        return Ok(());
    }
    let (person, of) = (person.clone(), schema.name.clone());
    let may: Vec<String> = whoms.iter().map(ToString::to_string).collect();
    Err(Refusal::MayNotAsk { person, of, may: may.join(", ") })
}

/// What makes a trial of an intent; a draft takes nothing else, and only from those who own it.
fn trial(
    context: Context<'_>,
    schema: &IntentType,
    requester: &PersonId,
    by: Option<Trigger>,
) -> Result<Option<Trial>, Refusal> {
    let rulebook = context.rulebook;
    let draft = || Refusal::from(NotLive::Draft(schema.name.clone()));
    match (rulebook.state_of(schema), by) {
        (TypeState::Live, None) => Ok(None),
        (TypeState::Draft, None) => Err(draft()),
        (TypeState::Live, Some(_)) => Err(NotLive::NotDraft(schema.name.clone()).into()),
        (TypeState::Draft, Some(by)) => {
            going_live::of_owner(rulebook, schema, requester)?;
            if context.tried.is_none_or(|tried| TRIALS_A_DAY_MAX <= tried) {
                let of = schema.name.clone();
                return Err(NotLive::TooManyTrials { of, most: TRIALS_A_DAY_MAX }.into());
            }
            Ok(Some(Trial { by, shape: shape(schema).ok_or_else(draft)? }))
        }
    }
}

/// The policy's answer for an approval, given the facts, without its reasons: what the host has to know
/// before it plans any write.
#[must_use]
pub fn outcome(
    context: Context<'_>,
    approval: &Approval,
    facts: &Facts,
    said: &Contributions,
) -> Option<Outcome> {
    let policy = deciding(context, approval)?;
    Some(policy::outcome_with(policy, &approval.intent.tokens, facts, said))
}

/// Whether an answer that cannot be given may pass all the same, as far as policy and intent type say: then its writes
/// are planned too. How many have passed today is counted later.
#[must_use]
pub fn may_fail_open(context: Context<'_>, approval: &Approval, facts: &Facts, said: &Contributions) -> bool {
    let schema = context.rulebook.intent_type(&approval.intent.intent_type);
    if schema.is_none_or(|schema| schema.fail_mode != FailMode::MayOpen) {
        return false;
    }
    let Some(policy) = deciding(context, approval) else { return false };
    let evaluation = policy::decide_with(policy, &approval.intent.tokens, facts, said);
    let counted = Context { failed_open: Some(0), ..context };
    fail_open::opened(&Turn::new(counted, approval.clone()), policy, &evaluation).is_some()
}

/// The policy that decides an approval: the version of its submission, or the one in force if that
/// is not installed any more.
#[must_use]
pub fn deciding<'a>(context: Context<'a>, approval: &Approval) -> Option<&'a Policy> {
    let name = &approval.intent.intent_type;
    let pinned = context.rulebook.policy_version(name, &approval.policy);
    pinned.or_else(|| context.rulebook.policy(name, context.now))
}

pub(super) fn prepare(turn: &mut Turn<'_>, revision: u32, prepared: Prepared) -> Result<(), Refusal> {
    let Prepared { facts, said, writes, unplanned, change, shared, readiness } = prepared;
    let Stage::Preparing { .. } = turn.approval.stage else {
        return Err(wrong_stage("prepare", &turn.approval));
    };
    still(turn, revision)?;
    let context = turn.context;
    let name = turn.approval.intent.intent_type.clone();
    if context.rulebook.policy_version(&name, &turn.approval.policy).is_none() {
        let now_in_force =
            context.rulebook.policy(&name, context.now).ok_or_else(|| Refusal::NoPolicy(name.to_string()))?;
        turn.record(Actor::Engine, Event::Repinned { policy: now_in_force.version() });
    }
    let policy = deciding(context, &turn.approval).ok_or_else(|| Refusal::NoPolicy(name.to_string()))?;
    let evaluation = policy::decide_with(policy, &turn.approval.intent.tokens, &facts, &said);
    match &evaluation.outcome {
        // Whoever overrides it sees first what would be written.
        Outcome::Deny | Outcome::Unsure(_) if turn.approval.overridden.is_some() => {
            seal(turn, Found { facts, evaluation, writes, change, shared, readiness }, None);
        }
        Outcome::Deny => {
            let reason = evaluation.words().join("; ");
            turn.record(Actor::Engine, Event::Evaluated { evaluation: Box::new(evaluation), facts });
            turn.record(Actor::Engine, Event::Declined { authority: Authority::Policy, reason });
        }
        Outcome::Unsure(_) => match fail_open::opened(turn, policy, &evaluation).filter(|_| !unplanned) {
            Some(known) => seal(
                turn,
                Found { facts, evaluation, writes, change, shared, readiness },
                Some((policy, known)),
            ),
            None => {
                let detail = Detail::new("unsure", evaluation.words().join("; "));
                unsealed(turn, evaluation, facts, detail);
            }
        },
        Outcome::Approve | Outcome::Needs(_) => {
            seal(turn, Found { facts, evaluation, writes, change, shared, readiness }, None);
        }
    }
    Ok(())
}

/// What an evaluation and the looks at the world came to.
struct Found {
    facts: Facts,
    evaluation: Evaluation,
    writes: Vec<PlannedEffect>,
    change: Option<Arc<Change>>,
    shared: Option<Arc<SharedChange>>,
    readiness: Option<Arc<Readiness>>,
}

impl Found {
    /// Whether a change of the house is asked for, and nothing is known of it.
    fn lacks_evidence(&self, name: &IntentTypeName) -> bool {
        (is_policy_change(name) && self.change.is_none())
            || (is_shared_change(name) && self.shared.is_none())
            || (is_going_live(name) && self.readiness.is_none())
    }

    /// The pools that stand for `owner of policy` where a change of the house is asked for.
    fn owners(&self, rulebook: &Rulebook) -> Option<Vec<PoolName>> {
        match (&self.change, &self.shared, &self.readiness) {
            (Some(change), _, _) => Some(change.owners()),
            (None, Some(change), _) => Some(change.owners.clone()),
            (None, None, Some(seen)) => rulebook.intent_type(&seen.of).map(|own| vec![own.owner.clone()]),
            (None, None, None) => None,
        }
    }
}

/// Seals what was planned, then approves by policy or opens the seats. What passes although the policy could not be
/// evaluated passes with what is known of its answer.
fn seal(turn: &mut Turn<'_>, found: Found, opened: Option<(&Policy, Settled)>) {
    let (rulebook, name) = (turn.context.rulebook, turn.approval.intent.intent_type.clone());
    let (unknown, owned) = (found.lacks_evidence(&name), found.owners(rulebook));
    let Found { facts, evaluation, mut writes, change, shared, readiness } = found;
    if unknown {
        let detail = Detail::new("no-evidence", "nothing is known of the change that is asked for");
        return unsealed(turn, evaluation, facts, detail);
    }
    let expires = turn.context.now.plus(rulebook.seal_life(&name));
    let schema = rulebook.intent_type(&name);
    if let Err(refusal) = going_live::still_tried(rulebook, &turn.approval.intent) {
        return unsealed(turn, evaluation, facts, Detail::new("type-changed", refusal.to_string()));
    }
    let tried = turn.approval.intent.trial.as_ref().map(|trial| trial.shape);
    if tried.is_none() && schema.is_some_and(|schema| rulebook.state_of(schema) == TypeState::Draft) {
        let message = "the intent type is a draft again, so nobody has tried what this would write: it can go on once \
                       the type is live";
        return unsealed(turn, evaluation, facts, Detail::new("type-changed", message));
    }
    if tried.is_some() && schema.and_then(shape) != tried {
        let message = "the intent type is not what it was when this trial began: begin another one";
        return unsealed(turn, evaluation, facts, Detail::new("type-changed", message));
    }
    let advisory = schema.is_some_and(|schema| schema.enforcement == Enforcement::Advisory);
    if advisory {
        // Sealed without a write, so that none can follow even if the intent type changes later.
        writes.clear();
    }
    if let Err(fault) = can_be_shown(&writes) {
        return unsealed(turn, evaluation, facts, Detail::new("plan-too-long", fault));
    }
    let content = Content {
        writes: &writes,
        change: change.as_deref(),
        shared: shared.as_deref(),
        readiness: readiness.as_deref(),
        advisory,
        expires,
    };
    let seal = match Seal::of(&turn.approval.intent, turn.approval.policy, content) {
        Ok(seal) => seal,
        Err(fault) => {
            return unsealed(turn, evaluation, facts, Detail::new("not-canonical", fault.to_string()));
        }
    };
    let asked = match &opened {
        Some((_, known)) => Outcome::from(known.clone()),
        None => evaluation.outcome.clone(),
    };
    let rows = match owned {
        Some(owners) => rulebook.rows_for(&name, &evaluation.version, &asked, &owners),
        None => rulebook.rows_of(&name, &evaluation.version, &asked),
    };
    let against = evaluation.is_against();
    let council = budget::council(turn).map(Box::new);
    let (rows, council) = match &turn.approval.overridden {
        // A person answers for it already, and alone.
        Some(overridden) if against => (override_::rows(turn, &overridden.what), None),
        Some(_) | None => (with_council(rulebook, rows, council.as_deref()), council),
    };
    let approved = asked == Outcome::Approve && council.is_none();
    let case =
        Case { facts, evaluation, writes, change, shared, readiness, advisory, council, seal, expires };
    let case = Arc::new(case);
    turn.record(Actor::Engine, Event::Sealed { case: Arc::clone(&case) });
    if let Some((policy, _)) = opened {
        fail_open::record(turn, policy, &case.evaluation);
    }
    if approved {
        vote::approve(turn, Authority::Policy);
    } else if rows.is_empty() {
        let message = "the policy asks for people, but its routes name nobody";
        settle::open(turn, Opening::of(Cause::NoSeat, Detail::new("no-seat", message)));
    } else {
        turn.record(Actor::Engine, Event::Seated { rows });
        add::resume(turn);
        seat::review(turn, &Actor::Engine);
    }
}

/// The rows of the policy, and those of the council where its route is not among them.
fn with_council(rulebook: &Rulebook, mut rows: Vec<RouteRow>, council: Option<&Council>) -> Vec<RouteRow> {
    if let Some(council) = council
        && !rows.iter().any(|row| row.route == council.route)
    {
        rows.extend(rulebook.shared_rows(&council.route));
    }
    rows
}

/// What cannot be sealed is a person's: nothing can be decided from it.
fn unsealed(turn: &mut Turn<'_>, evaluation: Evaluation, facts: Facts, detail: Detail) {
    turn.record(Actor::Engine, Event::Evaluated { evaluation: Box::new(evaluation), facts });
    settle::open(turn, Opening::of(Cause::Unsure, detail));
}

pub(super) fn postpone(
    turn: &mut Turn<'_>,
    revision: u32,
    detail: Detail,
    wish: Option<Millis>,
    (hope, denied): (Hope, Option<ConnectionName>),
) -> Result<(), Refusal> {
    let Stage::Preparing { tries, .. } = turn.approval.stage else {
        return Err(wrong_stage("postpone", &turn.approval));
    };
    still(turn, revision)?;
    let tries = tries.saturating_add(1);
    let hopeless = hope == Hope::None || denied.is_some() || PREPARE_TRIES_MAX <= tries;
    let due = turn.context.now.plus(retry::delay(tries, wish, turn.context.chance));
    turn.record(Actor::Engine, Event::Postponed { due, detail: detail.clone(), hopeless });
    if hopeless {
        let cause = if denied.is_some() { Cause::Denied } else { Cause::Unsure };
        settle::open(turn, Opening { connection: denied, ..Opening::of(cause, detail) });
    }
    Ok(())
}
