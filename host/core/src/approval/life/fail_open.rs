//! Failing open: what a policy could not evaluate passes all the same, where two keys say so and the count of the
//! day allows it, and somebody must look at it afterwards.
//!
//! The intent type declares that it may, the policy's owner says when and how often. A denial that is known
//! stands, and so do the routes that are known; a gap or an overlap of the table never passes.

use super::settle::Opening;
use super::{Turn, settle};
use crate::approval::event::{Actor, Event};
use crate::effect::attempt::Detail;
use crate::exception::Cause;
use crate::id::FieldName;
use crate::intent::{FailMode, TokenValue};
use crate::policy::{Evaluation, Outcome, Policy, Settled};
use std::collections::BTreeSet;

/// What stands in the place of an answer that could not be had, if it may pass; `None` is closed.
pub(super) fn opened(turn: &Turn<'_>, policy: &Policy, evaluation: &Evaluation) -> Option<Settled> {
    let Outcome::Unsure(unsure) = &evaluation.outcome else { return None };
    // A trial shows that people look; it takes nothing of what the day allows.
    if turn.approval.intent.trial.is_some() {
        return None;
    }
    let schema = turn.context.rulebook.intent_type(&turn.approval.intent.intent_type)?;
    if schema.fail_mode != FailMode::MayOpen || policy.fail_open.is_none() {
        return None;
    }
    // Nobody counted, or the count of the day is spent: closed.
    if turn.context.failed_open? >= evaluation.fail_open? {
        return None;
    }
    // Of a row that may match nobody knows what it asks: where a table has no row for certain, what is known is less
    // than what any of its rows would say.
    let elements = policy.each.as_ref().map_or(1, |list| elements(turn, list));
    let certain: BTreeSet<Option<u32>> = evaluation.rules.iter().map(|rule| rule.element).collect();
    if certain.len() < elements.max(1) {
        return None;
    }
    match &unsure.known {
        Settled::Deny => None,
        known @ (Settled::Approve | Settled::Needs(_)) => Some(known.clone()),
    }
}

fn elements(turn: &Turn<'_>, list: &FieldName) -> usize {
    match turn.approval.intent.tokens.get(list) {
        Some(TokenValue::List(elements)) => elements.len(),
        Some(_) | None => 0,
    }
}

/// Records that it passes, with the owner's declaration, and opens what somebody must close.
pub(super) fn record(turn: &mut Turn<'_>, policy: &Policy, evaluation: &Evaluation) {
    let Some(declared) = &policy.fail_open else { return };
    let today = turn.context.failed_open.unwrap_or_default().saturating_add(1);
    let only_if = declared.only_if.source.clone();
    let at_most = declared.at_most_a_day;
    let event = Event::FailedOpen { owner: policy.owner.clone(), only_if: only_if.clone(), at_most, today };
    turn.record(Actor::Engine, event);
    let message = format!(
        "it passed although the policy could not be evaluated ({}): `{only_if}` lets {at_most} a day pass, and this \
         was number {today} of today. Was it right?",
        evaluation.words().join("; "),
    );
    settle::open(turn, Opening::of(Cause::FailOpen, Detail::new("fail-open", message)));
}
