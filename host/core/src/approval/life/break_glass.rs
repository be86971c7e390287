//! Breaking the glass: loud, for a few hours, on one intent; and what it lets whoever did it do.

use super::settle::{self, Opening};
use super::{Turn, override_, seat, still, vote};
use crate::approval::event::{Actor, Event};
use crate::approval::refusal::Refusal;
use crate::approval::{Authority, Outcome, Sight, Stage, rules};
use crate::break_glass::{BREAK_GLASS, BREAK_GLASS_TIMES_MAX, BreakGlass, NotBroken};
use crate::effect::attempt::Detail;
use crate::exception::Cause;
use crate::going_live;
use crate::id::PersonId;
use crate::intent::OverrideRule;
use crate::override_::{Instead, Override};
use crate::people::Duty;
use crate::policy::Whom;
use crate::time::Millis;

pub(super) fn break_it(
    turn: &mut Turn<'_>,
    person: PersonId,
    revision: u32,
    reason: String,
) -> Result<(), Refusal> {
    seat::review(turn, &Actor::Engine);
    still(turn, revision)?;
    let (row, instead_of) = may(turn, &person)?;
    if reason.trim().is_empty() {
        return Err(Refusal::ReasonMissing);
    }
    // Nobody is alarmed by what could help nobody.
    if override_::at_once(turn, "break-glass", Instead::Approve)? {
        vote::still_shown(turn, "break-glass", None)?;
    }
    going_live::still_tried(turn.context.rulebook, &turn.approval.intent)?;
    if let Some(broken) = &turn.approval.broken {
        // Whoever broke it and cannot decide any more keeps nobody else from it.
        if broken.is_open(turn.context.now) && (broken.by == person || may(turn, &broken.by).is_ok()) {
            return Err(NotBroken::Already { by: broken.by.clone(), until: broken.until }.into());
        }
        if BREAK_GLASS_TIMES_MAX <= broken.times() {
            return Err(NotBroken::TooOften(broken.times()).into());
        }
    }
    let until = turn.context.now.plus(Millis::hours(u64::from(row.hours)));
    let message = format!(
        "`{person}` broke the glass to decide alone until {until}. Was that right, and what follows? They said: {reason}"
    );
    let loud = loud(turn, &person);
    let row = row.to_string();
    let event = Event::GlassBroken { person: person.clone(), instead_of, row, until, reason, loud };
    turn.record(Actor::Person(person), event);
    let opening = Opening::of(Cause::BreakGlass, Detail::new("break-glass", message));
    let barred = turn.approval.broken.as_ref().map(|broken| broken.everyone.clone()).unwrap_or_default();
    settle::open(turn, Opening { barred, ..opening });
    // What was theirs to look at of an earlier time is theirs no more.
    settle::review(turn, &Actor::Engine);
    Ok(())
}

/// The row by which this person may break the glass, and in whose place they do.
fn may(turn: &Turn<'_>, person: &PersonId) -> Result<(BreakGlass, Option<PersonId>), Refusal> {
    let (rulebook, intent) = (turn.context.rulebook, &turn.approval.intent);
    if !rulebook.directory().knows(person) {
        return Err(Refusal::UnknownPerson(person.to_string()));
    }
    if rules::asked(rulebook, intent, person) {
        return Err(Refusal::OwnIntent(person.clone()));
    }
    let row = rulebook.intent_type(&intent.intent_type).and_then(|schema| schema.break_glass.clone());
    let row = row.ok_or_else(|| NotBroken::Never(intent.intent_type.clone()))?;
    let filled = rules::fill(rulebook, intent, &row.by, &[], turn.context.now);
    let (eligible, standing_in) =
        filled.map(|filled| (filled.eligible, filled.standing_in)).unwrap_or_default();
    if eligible.contains(person) {
        return Ok((row, standing_in.get(person).cloned()));
    }
    Err(NotBroken::MayNot { person: person.clone(), eligible }.into())
}

/// Whether what came of it can be looked at: something was decided, or nobody can decide alone any more.
pub(super) fn is_over(turn: &Turn<'_>) -> Result<(), Refusal> {
    let decided = match &turn.approval.stage {
        Stage::Executing { .. }
        | Stage::Closed(Outcome::Done { .. } | Outcome::Withdrawn { .. })
        | Stage::Closed(Outcome::Declined {
            authority: Authority::People(_) | Authority::Override(_) | Authority::FailOpen(_),
            ..
        }) => true,
        Stage::Preparing { .. }
        | Stage::Unsettled { .. }
        | Stage::Seated { .. }
        | Stage::Returned { .. }
        | Stage::Closed(Outcome::Declined { authority: Authority::Policy, .. }) => false,
    };
    match &turn.approval.broken {
        Some(broken) if !decided && broken.is_open(turn.context.now) => {
            Err(NotBroken::StillOpen(broken.until).into())
        }
        Some(_) | None => Ok(()),
    }
}

/// What whoever broke the glass overrides by, while they may and their time is not up. It is no habit: each time has a
/// review of its own.
pub(super) fn opened(turn: &Turn<'_>, what: &Override) -> Result<OverrideRule, Refusal> {
    may(turn, &what.by)?;
    let broken = turn.approval.broken.as_ref();
    let open = broken.filter(|broken| broken.by == what.by && broken.is_open(turn.context.now));
    open.ok_or_else(|| NotBroken::Intact(what.by.clone()))?;
    if what.words.trim().is_empty() {
        return Err(Refusal::ReasonMissing);
    }
    Ok(OverrideRule {
        reason: BREAK_GLASS.to_owned(),
        evidence: Vec::new(),
        by: Whom::Person(what.by.clone()),
        review_after: u32::MAX,
        review_days: 1,
        then_blocked: false,
    })
}

/// Who hears of it at once: those who answer for the intent type and its policy, auditors, and whoever asked; as far as
/// the intent is for them.
fn loud(turn: &Turn<'_>, by: &PersonId) -> Vec<PersonId> {
    let (rulebook, intent, now) = (turn.context.rulebook, &turn.approval.intent, turn.context.now);
    let directory = rulebook.directory();
    let schema = rulebook.intent_type(&intent.intent_type);
    let of_type = schema.into_iter().flat_map(|schema| [&schema.owner, &schema.incident_owner]);
    let of_policy = rulebook.policy(&intent.intent_type, now).map(|policy| &policy.owner);
    let pools = of_type.chain(of_policy).filter_map(|pool| directory.pool(pool));
    let auditors = directory.persons.keys().filter(|person| directory.has_duty(person, Duty::Auditor));
    let mut loud: Vec<PersonId> = pools.flat_map(|pool| &pool.members).chain(auditors).cloned().collect();
    loud.push(intent.behind(directory).clone());
    loud.sort();
    loud.dedup();
    loud.retain(|person| person != by && rulebook.sight(&turn.approval, person, now) != Sight::Nothing);
    loud
}
