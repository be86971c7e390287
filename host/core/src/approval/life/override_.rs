//! Overrides: a person decides against the policy. Over the heads of open seats it is decided at once; a no of
//! the policy is taken up again first, so that whoever overrides it sees what would be written.

use super::settle::Opening;
use super::{Turn, amend, break_glass, seat, settle, still, vote, wrong_stage};
use crate::approval::event::{Actor, Event};
use crate::approval::refusal::Refusal;
use crate::approval::{Authority, Intent, Outcome, Stage, rules};
use crate::break_glass::BREAK_GLASS;
use crate::effect::attempt::Detail;
use crate::exception::Cause;
use crate::going_live;
use crate::id::{PersonId, RouteName};
use crate::intent::{Enforcement, OverrideRule};
use crate::override_::{Habit, Instead, NotOverridden, Override};
use crate::policy::{Finally, Need, RouteRow, Whom, Within};
use crate::seal::Seal;
use std::sync::Arc;

/// The route of the one seat in which an override of the policy's own answer is confirmed.
const ROUTE: &str = "override";

/// How long whoever overrides has to confirm it, once the writes are planned.
const CONFIRM_WITHIN: Within = Within::Hours(24);

pub(super) fn over(
    turn: &mut Turn<'_>,
    revision: u32,
    seal: Option<Seal>,
    what: Override,
) -> Result<(), Refusal> {
    seat::review(turn, &Actor::Engine);
    still(turn, revision)?;
    let rule = may(turn, &what)?;
    let at_once = at_once(turn, "override", what.instead)?;
    let what = Arc::new(what);
    if what.instead == Instead::Approve {
        going_live::still_tried(turn.context.rulebook, &turn.approval.intent)?;
    }
    if at_once {
        let shown = vote::still_shown(turn, "override", seal)?;
        let by = Actor::Person(what.by.clone());
        turn.record(by, Event::Overridden { what: Arc::clone(&what), seal: shown });
        look_at_habit(turn, &rule, &what.by);
        let authority = Authority::Override(what.by.clone());
        match what.instead {
            Instead::Approve => vote::approve(turn, authority),
            Instead::Decline => {
                let (by, reason) = (Actor::Person(what.by.clone()), what.words.clone());
                turn.record(by, Event::Declined { authority, reason });
            }
        }
        return Ok(());
    }
    let before = Arc::clone(&turn.approval.intent);
    let intent = Arc::new(Intent { revision: revision.saturating_add(1), ..Intent::clone(&before) });
    turn.record(Actor::Person(what.by.clone()), Event::Reopened { intent, what });
    // What was closed is no ticket to the rules of its day.
    amend::judge_anew(turn);
    Ok(())
}

/// Whether what stands here can be decided against the policy at once, or must be taken up again first; refused where it
/// cannot be at all.
pub(super) fn at_once(turn: &Turn<'_>, command: &'static str, instead: Instead) -> Result<bool, Refusal> {
    if let Stage::Closed(Outcome::Declined { at, .. }) = &turn.approval.stage {
        // Facts are read anew, but what counts back from the submission does not go on for ever.
        let life = turn.context.rulebook.seal_life(&turn.approval.intent.intent_type);
        if at.plus(life) < turn.context.now {
            return Err(Refusal::SealExpired);
        }
    }
    match (&turn.approval.stage, instead) {
        (Stage::Seated { .. }, Instead::Approve | Instead::Decline) => Ok(true),
        (Stage::Unsettled { .. }, Instead::Approve) => Ok(false),
        (Stage::Closed(Outcome::Declined { authority: Authority::Policy, .. }), Instead::Approve) => {
            Ok(false)
        }
        (
            Stage::Preparing { .. }
            | Stage::Unsettled { .. }
            | Stage::Returned { .. }
            | Stage::Executing { .. }
            | Stage::Closed(_),
            _,
        ) => Err(wrong_stage(command, &turn.approval)),
    }
}

/// The row of the table by which this person may override for this reason, with this evidence.
fn may(turn: &Turn<'_>, what: &Override) -> Result<OverrideRule, Refusal> {
    let (rulebook, intent, person) = (turn.context.rulebook, &turn.approval.intent, &what.by);
    if !rulebook.directory().knows(person) {
        return Err(Refusal::UnknownPerson(person.to_string()));
    }
    if rules::asked(rulebook, intent, person) {
        return Err(Refusal::OwnIntent(person.clone()));
    }
    if what.reason == BREAK_GLASS {
        return break_glass::opened(turn, what);
    }
    let schema = rulebook.intent_type(&intent.intent_type);
    let schema = schema.filter(|schema| schema.enforcement == Enforcement::Soft);
    let schema = schema.ok_or_else(|| NotOverridden::Never(intent.intent_type.clone()))?;
    let rule = schema.overrides.iter().find(|rule| rule.reason == what.reason);
    let rule = rule.ok_or_else(|| NotOverridden::UnknownReason {
        found: what.reason.clone(),
        known: schema.overrides.iter().map(|rule| rule.reason.clone()).collect(),
    })?;
    let filled = rules::fill(rulebook, intent, &rule.by, &[], turn.context.now);
    let eligible = filled.map(|filled| filled.eligible).unwrap_or_default();
    if !eligible.contains(person) {
        return Err(NotOverridden::MayNot { person: person.clone(), eligible }.into());
    }
    if what.words.trim().is_empty() {
        return Err(Refusal::ReasonMissing);
    }
    let missing = rule.missing(&what.evidence);
    if !missing.is_empty() {
        return Err(NotOverridden::EvidenceMissing(missing).into());
    }
    let reviewed_in = turn.context.overrides.and_then(|habit| habit.reviewed_in);
    match reviewed_in.filter(|_| rule.then_blocked) {
        Some(intent) => Err(NotOverridden::Blocked { reason: rule.reason.clone(), intent }.into()),
        None => Ok(rule.clone()),
    }
}

/// Opens a post-mortem when a policy is overridden again and again for the same reason.
fn look_at_habit(turn: &mut Turn<'_>, rule: &OverrideRule, by: &PersonId) {
    let none = Habit::default();
    let habit = turn.context.overrides.unwrap_or(&none);
    if !rule.is_habit(habit) || habit.reviewed_in.is_some() {
        return;
    }
    let barred: Vec<PersonId> = habit.by.iter().chain([by]).cloned().collect();
    let message = format!(
        "`{}` was overridden {} times in {} days for `{}`, the last time by `{by}`: why, and what follows?",
        turn.approval.intent.intent_type,
        habit.recent.saturating_add(1),
        rule.review_days,
        rule.reason,
    );
    let opening = Opening::of(Cause::PostMortem, Detail::new("post-mortem", message));
    settle::open(turn, Opening { barred, ..opening });
}

/// Whether this revision is decided against the policy's own answer: what its seat says is an override.
pub(super) fn is_pending(turn: &Turn<'_>) -> bool {
    let Stage::Seated { case, .. } = &turn.approval.stage else { return false };
    case.evaluation.is_against() && turn.approval.overridden.is_some()
}

/// The one seat in which whoever overrides the policy's own answer confirms what would be written.
pub(super) fn rows(turn: &Turn<'_>, what: &Override) -> Vec<RouteRow> {
    let Ok(route) = RouteName::parse(ROUTE) else { return Vec::new() };
    let whom = Whom::Person(what.by.clone());
    let broken = turn.approval.broken.as_ref().filter(|_| what.reason == BREAK_GLASS);
    let within = broken.map_or(CONFIRM_WITHIN, |broken| Within::Hours(broken.hours_left(turn.context.now)));
    let (need, backup) = (Need::Count(1), Vec::new());
    vec![RouteRow { route, step: 1, whom, need, within, backup, finally: Finally::Decline }]
}

/// Refuses to confirm an override to whoever may not override any more, or while a post-mortem comes first.
pub(super) fn may_confirm(turn: &Turn<'_>, person: &PersonId) -> Result<(), Refusal> {
    match turn.approval.overridden.as_ref().filter(|_| is_pending(turn)) {
        Some(pending) => {
            may(turn, &Override { by: person.clone(), ..Override::clone(&pending.what) }).map(|_| ())
        }
        None => Ok(()),
    }
}

/// Lets the confirmed override of the policy's own answer stand.
pub(super) fn confirmed(turn: &mut Turn<'_>, voices: &[PersonId]) {
    let Stage::Seated { case, .. } = &turn.approval.stage else { return };
    let what = turn.approval.overridden.as_ref().map(|overridden| Arc::clone(&overridden.what));
    let (Some(what), Some(voice)) = (what, voices.first()) else { return };
    // Whoever stands in for the person decides in their own name.
    let (seal, what) = (case.seal, Arc::new(Override { by: voice.clone(), ..Override::clone(&what) }));
    turn.record(Actor::Engine, Event::Overridden { what: Arc::clone(&what), seal });
    let schema = turn.context.rulebook.intent_type(&turn.approval.intent.intent_type);
    let rule = schema.and_then(|schema| schema.overrides.iter().find(|rule| rule.reason == what.reason));
    if let Some(rule) = rule.cloned() {
        look_at_habit(turn, &rule, voice);
    }
    vote::approve(turn, Authority::Override(voice.clone()));
}
