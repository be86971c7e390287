//! An effect whose record was changed elsewhere: it goes on if it would write the same, and if what was decided on still
//! leads to the same decision. Otherwise a person is asked.

use super::carry::{self, Asked};
use super::effect::{follow_up, open_effect, opening};
use super::{Turn, prepare, settle};
use crate::approval::command::Anew;
use crate::approval::event::{Actor, Event};
use crate::approval::refusal::Refusal;
use crate::approval::{Approval, Authority, Case, Intent, PlannedEffect, Stage};
use crate::effect::attempt::{Detail, Guarantee};
use crate::effect::life::{self, Denial, EffectState, HeldCause, History};
use crate::effect::plan::WritePlan;
use crate::effect::retry::{RECONSIDERED_MAX, REPLANS_MAX};
use crate::id::{ConnectionName, EffectId};
use crate::intent::{FactSource, FactSpec, FactValue, Facts};
use crate::policy::component::Contributions;
use crate::policy::{self, Outcome};
use crate::time::{Millis, Timestamp};
use std::collections::BTreeSet;
use std::sync::Arc;

pub(super) fn replanned(turn: &mut Turn<'_>, effect: EffectId, found: Anew) -> Result<(), Refusal> {
    let (planned, state) = open_effect("replanned", &turn.approval, effect)?;
    let history = match state {
        EffectState::Ready { history, .. } if history.moved && planned.is_sealed() => *history,
        EffectState::Ready { .. }
        | EffectState::Waiting
        | EffectState::Sent { .. }
        | EffectState::Probing { .. }
        | EffectState::Landed { .. }
        | EffectState::Held { .. }
        | EffectState::GivenUp => return Err(Refusal::Overtaken),
    };
    if turn.approval.undo().is_some() {
        return Err(Refusal::Overtaken);
    }
    let Anew { facts, said, plan } = found;
    let facts = as_known(turn, facts);
    let changed = otherwise(planned, &plan).or_else(|| weighed_otherwise(turn, &facts, &said));
    let traced = turn.approval.case().is_some_and(|case| case.leaves_traces(planned));
    // What is there already may be ours: an attempt that died with its host left no trace.
    let ours = planned.writes() && plan.changes.is_empty() && !history.is_unsent(traced);
    let (verdict, opened) = match changed {
        Some(_) if ours && history.replans < REPLANS_MAX => {
            let history = History { replans: history.replans.saturating_add(1), ..history };
            (life::probe(history, turn.context.now, Millis(0)), None)
        }
        None => (goes_on(planned.guarantee, history, turn.context.now), None),
        Some(why) if is_reconsidered(turn, effect, &plan) && is_clean(history) => {
            reconsider(turn, why);
            return Ok(());
        }
        // Whatever went out under its keys is looked for first: then it is known that nothing of it is in. Where a
        // person had it sent once more, asking has led to nothing before.
        Some(_)
            if is_reconsidered(turn, effect, &plan)
                && planned.guarantee != Guarantee::Blind
                && !history.vouched
                && history.replans < REPLANS_MAX =>
        {
            let history = History { replans: history.replans.saturating_add(1), ..history };
            (life::probe(history, turn.context.now, Millis(0)), None)
        }
        Some(why) => {
            let detail = Detail::new("changed", why);
            let opening = opening(planned, HeldCause::Conflict, detail.clone(), Denial::Effect);
            (EffectState::Held { cause: HeldCause::Conflict, detail, history }, Some(opening))
        }
    };
    let event = Event::Replanned { effect, facts, revision: plan.revision, verdict };
    turn.record(Actor::Engine, event);
    if let Some(opening) = opened {
        settle::open(turn, opening);
    }
    follow_up(turn, effect);
    Ok(())
}

/// What is still the same is written on the record as it is now, so its steps have other bytes, and no target may get those
/// under a key that it knows. What went out is looked for first, and what is absent has new keys. Where nothing can be
/// looked for, the refusal is all that there is to go by.
fn goes_on(guarantee: Guarantee, history: History, now: Timestamp) -> EffectState {
    let history = History { moved: false, ..history };
    if is_clean(history) {
        return EffectState::Ready { due: now, history };
    }
    match guarantee {
        Guarantee::Blind => EffectState::Ready { due: now, history: history.anew() },
        Guarantee::ByKey | Guarantee::ByNaturalKey | Guarantee::ByProbe => {
            life::probe(history, now, Millis(0))
        }
    }
}

/// Whether what is otherwise is decided anew: the policy or people in their seats approved it, nothing else of the
/// intent was begun, and it was not decided anew too often. What is there already, without a write that is known to be
/// ours, somebody must see.
fn is_reconsidered(turn: &Turn<'_>, effect: EffectId, plan: &WritePlan) -> bool {
    let approval = &turn.approval;
    let Stage::Executing { authority, effects, .. } = &approval.stage else { return false };
    let by_rule = match authority {
        Authority::Policy | Authority::People(_) => approval.overridden.is_none(),
        Authority::Override(_) | Authority::FailOpen(_) => false,
    };
    let mut others = effects.iter().filter(|(other, _)| **other != effect);
    let times = approval.reconsidered.as_ref().map_or(0, |before| before.times);
    by_rule
        && approval.intent.trial.is_none()
        && !plan.changes.is_empty()
        && times < RECONSIDERED_MAX
        && others.all(|(_, state)| matches!(state, EffectState::Waiting))
        && prepare::deciding(turn.context, approval).is_some()
}

/// Whether nothing of an effect can be in, under any keys.
fn is_clean(history: History) -> bool {
    history.first_sent.is_none() && history.untraced.is_none() && history.repeats == 0 && !history.vouched
}

/// Has the same asked for once more: facts are read, the policy is asked and the writes are planned as for any revision.
fn reconsider(turn: &mut Turn<'_>, why: String) {
    let before = Arc::clone(&turn.approval.intent);
    let intent = Arc::new(Intent { revision: before.revision.saturating_add(1), ..Intent::clone(&before) });
    turn.record(Actor::Engine, Event::Reconsidered { intent, why });
}

/// What would be written otherwise than was approved; `None` if nothing is.
fn otherwise(planned: &PlannedEffect, now: &WritePlan) -> Option<String> {
    let was = &planned.plan;
    if was.subject != now.subject {
        return Some(format!("it would be written to `{}`, and `{}` was approved", now.subject, was.subject));
    }
    if now.changes.is_empty() && planned.writes() {
        return Some(
            "the record holds already what was to be written, and no write of this intent is known to be in"
                .to_owned(),
        );
    }
    let of = |plan: &WritePlan, name: &str| plan.changes.iter().find(|change| change.name == name).cloned();
    let names: BTreeSet<&str> =
        was.changes.iter().chain(&now.changes).map(|change| change.name.as_str()).collect();
    names.into_iter().find_map(|name| match (of(was, name), of(now, name)) {
        (Some(was), Some(now)) if was == now => None,
        (Some(was), Some(now)) if was.after == now.after => {
            Some(format!("`{name}` was {} when it was approved and is {} now", was.before, now.before))
        }
        (Some(was), Some(now)) => {
            Some(format!("`{name}` would be {} now, and {} was approved", now.after, was.after))
        }
        (Some(was), None) => Some(format!("`{name}` is {} already", was.after)),
        (None, Some(now)) => Some(format!("`{name}` would become {}, which nobody approved", now.after)),
        (None, None) => None,
    })
}

/// The facts as they count: what this intent itself has changed counts as it was found before.
fn as_known(turn: &Turn<'_>, mut facts: Facts) -> Facts {
    let Stage::Executing { case, .. } = &turn.approval.stage else { return facts };
    let Some(schema) = turn.context.rulebook.intent_type(&turn.approval.intent.intent_type) else {
        return facts;
    };
    let written = written(&turn.approval);
    let own = |fact: &FactSpec| match &fact.source {
        FactSource::Connection { connection, .. } => written.contains(connection),
        FactSource::Directory { .. } | FactSource::Age { .. } | FactSource::Log { .. } => false,
    };
    let mut kept: BTreeSet<_> = schema.facts.iter().filter(|fact| own(fact)).map(|fact| &fact.name).collect();
    for fact in &schema.facts {
        if let FactSource::Age { of } = &fact.source
            && kept.contains(of)
        {
            kept.insert(&fact.name);
        }
    }
    for name in kept {
        if let Some(known) = case.facts.get(name) {
            facts.insert(name.clone(), known.clone());
        }
    }
    facts
}

/// Where something of an approval was written, or may be.
fn written(approval: &Approval) -> BTreeSet<&ConnectionName> {
    let Stage::Executing { case, effects, .. } = &approval.stage else { return BTreeSet::new() };
    let is_in = |planned: &&PlannedEffect| match effects.get(&planned.effect) {
        Some(
            EffectState::Landed { .. }
            | EffectState::Sent { .. }
            | EffectState::Probing { .. }
            | EffectState::Held { cause: HeldCause::Uncertain, .. },
        ) => true,
        Some(EffectState::Ready { history, .. } | EffectState::Held { history, .. }) => {
            0 < history.repeats || history.vouched
        }
        Some(EffectState::Waiting | EffectState::GivenUp) | None => false,
    };
    case.writes
        .iter()
        .filter(|planned| planned.writes())
        .filter(is_in)
        .map(|planned| &planned.connection)
        .collect()
}

/// What has changed of what was decided on, if that leads to another decision or nobody can say.
fn weighed_otherwise(turn: &Turn<'_>, facts: &Facts, said: &Contributions) -> Option<String> {
    let Stage::Executing { case, authority, .. } = &turn.approval.stage else { return None };
    let names: Vec<String> = facts
        .iter()
        .filter(|(name, now)| case.facts.get(*name) != Some(now))
        .map(|(name, now)| {
            let was = case.facts.get(name).map_or_else(|| "unknown".to_owned(), words);
            format!("`{name}` was {was} and is {} now", words(now))
        })
        .collect();
    if names.is_empty() && case.facts.len() == facts.len() {
        return None;
    }
    let changed = format!("what it was decided on has changed: {}", names.join("; "));
    if is_decided_alike(turn, case, authority, (facts, said)) { None } else { Some(changed) }
}

/// Whether the same is decided on these facts, and everybody who decided would not be asked again.
fn is_decided_alike(
    turn: &Turn<'_>,
    case: &Case,
    authority: &Authority,
    (facts, said): (&Facts, &Contributions),
) -> bool {
    let intent = &turn.approval.intent;
    let rulebook = turn.context.rulebook;
    let (Some(schema), Some(policy)) =
        (rulebook.intent_type(&intent.intent_type), prepare::deciding(turn.context, &turn.approval))
    else {
        return false;
    };
    let evaluation = policy::decide_with(policy, &intent.tokens, facts, said);
    let same = evaluation.version == case.evaluation.version && evaluation.outcome == case.evaluation.outcome;
    match (authority, &evaluation.outcome) {
        (Authority::Policy, Outcome::Approve) => same,
        (Authority::People(_), Outcome::Needs(needs)) if same => {
            let now = Case { facts: facts.clone(), evaluation: evaluation.clone(), ..case.clone() };
            let (was, now) = (Asked { intent, case, schema }, Asked { intent, case: &now, schema });
            needs.routes.iter().all(|route| carry::holding(&was, &now, route, Some(policy)).is_some())
        }
        // Whoever decided against the policy, or without it, decided on what they saw.
        (
            Authority::Policy | Authority::People(_) | Authority::Override(_) | Authority::FailOpen(_),
            Outcome::Approve | Outcome::Needs(_) | Outcome::Deny | Outcome::Unsure(_),
        ) => false,
    }
}

fn words(fact: &FactValue) -> String {
    match fact {
        FactValue::Known(value) => value.to_string(),
        FactValue::Missing(_) => "missing".to_owned(),
        FactValue::Stale => "too old".to_owned(),
        FactValue::Each(each) => each.iter().map(words).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_out_is_looked_for_before_it_has_new_keys() {
        let sent = History { first_sent: Some(Timestamp(1)), moved: true, ..History::default() };
        let vouched = History { first_sent: None, vouched: true, ..sent };
        let unsent = History { first_sent: None, ..sent };
        let check =
            |guarantee, history, looks: bool, keys: u32| match goes_on(guarantee, history, Timestamp(9)) {
                EffectState::Ready { history, .. } => {
                    assert_eq!((looks, history.generation, history.moved), (false, keys, false))
                }
                EffectState::Probing { history, .. } => {
                    assert_eq!((looks, history.generation, history.moved), (true, keys, false))
                }
                other => panic!("{other:?}"),
            };
        for guarantee in [Guarantee::ByKey, Guarantee::ByNaturalKey, Guarantee::ByProbe] {
            check(guarantee, unsent, false, 0);
            check(guarantee, sent, true, 0);
            check(guarantee, vouched, true, 0);
        }
        check(Guarantee::Blind, unsent, false, 0);
        check(Guarantee::Blind, sent, false, 1);
        check(Guarantee::Blind, vouched, false, 1);
    }
}
