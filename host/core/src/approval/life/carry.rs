//! Voices for an earlier revision: they hold for the next one where what they rested on is the same, or moved only
//! where the policy is proved to ask for no more. Everybody else is asked again.

use super::{Turn, seat};
use crate::approval::event::{Actor, Event};
use crate::approval::{Case, Intent, PlannedEffect, Stage};
use crate::id::{FieldName, PersonId, RouteName};
use crate::intent::{FactValue, IntentType, TokenValue};
use crate::money::Money;
use crate::policy::explain::Contribution;
use crate::policy::{Policy, Promise};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Lets the voices of an earlier revision hold for a seat that was just opened, where what they rested on is the same
/// or is proved to be no worse.
pub(super) fn carry(turn: &mut Turn<'_>, row: u32) {
    let Some(earlier) = turn.approval.earlier.clone() else { return };
    let Stage::Seated { case, seats } = &turn.approval.stage else { return };
    let Some(wanted) = usize::try_from(row).ok().and_then(|row| seats.rows.get(row)) else { return };
    let Some(seat) = seat::unfilled(turn, row).filter(|seat| seat.missed == 0) else { return };
    let name = &turn.approval.intent.intent_type;
    let Some(schema) = turn.context.rulebook.intent_type(name) else { return };
    let now = Asked { intent: &turn.approval.intent, case, schema };
    let was = Asked { intent: &earlier.intent, case: &earlier.case, schema };
    // Where the same is asked for, what would be written otherwise is nothing that anybody has seen.
    if was.intent.tokens == now.intent.tokens && !writes_alike(was.case, now.case) {
        return;
    }
    let policy = turn.context.rulebook.policy_version(name, &case.evaluation.version);
    let Some(promises) = holding(&was, &now, &wanted.route, policy) else { return };
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
        turn.record(Actor::Engine, Event::Carried { row, people, revision, promises });
    }
}

/// Whether two write plans come to the same, field by field, with what was there before.
fn writes_alike(was: &Case, now: &Case) -> bool {
    let alike = |(was, now): (&PlannedEffect, &PlannedEffect)| {
        was.binding == now.binding
            && was.connection == now.connection
            && was.target == now.target
            && was.what == now.what
            && was.plan.subject == now.plan.subject
            && was.plan.changes == now.plan.changes
    };
    was.writes.len() == now.writes.len() && was.writes.iter().zip(&now.writes).all(alike)
}

/// One revision as the policy judged it.
pub(super) struct Asked<'a> {
    pub(super) intent: &'a Intent,
    pub(super) case: &'a Case,
    pub(super) schema: &'a IntentType,
}

impl Asked<'_> {
    fn stake(&self) -> Option<Money> {
        self.schema.stake_with(&self.intent.tokens, &self.case.facts)
    }
}

/// By which promises a voice for a route holds: by none, if it is asked for the same reasons as before: the same
/// record, the same amount at stake, and the same rules, guards and components, each of which read the same values.
/// `None` if it does not hold, and where something else would be written that the policy knows nothing of: that was
/// for people to see, whichever of them.
pub(super) fn holding(
    was: &Asked<'_>,
    now: &Asked<'_>,
    route: &RouteName,
    policy: Option<&Policy>,
) -> Option<Vec<String>> {
    let about_the_same = records(was.intent) == records(now.intent)
        && was.case.evaluation.version == now.case.evaluation.version
        && unweighed(now.schema, policy).all(|name| value(was, name) == value(now, name));
    let (before, after) = (reasons(was, route)?, reasons(now, route)?);
    if !about_the_same || before.is_empty() || after.is_empty() {
        return None;
    }
    if before == after && was.stake() == now.stake() {
        return Some(Vec::new());
    }
    no_worse(was, now, route, policy?)
}

/// The promises by which everything that has changed, of what asks for a route, moved only where the policy never
/// needs more; `None` if something else has changed too. What a component asks for stands outside all promises.
fn no_worse(was: &Asked<'_>, now: &Asked<'_>, route: &RouteName, policy: &Policy) -> Option<Vec<String>> {
    let by_component =
        |asked: &Asked<'_>| asked.case.evaluation.components.iter().any(|added| added.adds.needs(route));
    if by_component(was) || by_component(now) {
        return None;
    }
    let stake = now.schema.amount_at_stake.as_ref();
    let read =
        [was, now].into_iter().flat_map(|asked| asking(asked.case, route)).flat_map(|voice| voice.reads);
    let mut used = BTreeSet::new();
    for name in read.chain(stake) {
        let (before, after) = (value(was, name), value(now, name));
        if before == after {
            continue;
        }
        let kind = &policy.inputs.iter().find(|input| input.name == *name)?.kind;
        // Less is no worse where more never needs less.
        let safe = match kind.place(after?.known()?).ok()?.cmp(&kind.place(before?.known()?).ok()?) {
            Ordering::Less => Promise::More(name.clone()),
            Ordering::Greater => Promise::Less(name.clone()),
            // Rounded it is the same, and the policy sees no more of it.
            Ordering::Equal => continue,
        };
        let promise = policy.proved().iter().find(|promise| **promise == safe)?;
        used.insert(promise.to_string());
    }
    Some(used.into_iter().collect())
}

/// The records and lists that an intent is about: an approval is for these and no others. In a list every
/// element counts with all that it says, whether a rule reads it or not.
fn records(intent: &Intent) -> BTreeMap<&FieldName, &TokenValue> {
    let about =
        |(_, value): &(&FieldName, &TokenValue)| matches!(value, TokenValue::Record(_) | TokenValue::List(_));
    intent.tokens.iter().filter(about).collect()
}

/// What is written and no rule of the policy could look at.
fn unweighed<'a>(schema: &'a IntentType, policy: Option<&Policy>) -> impl Iterator<Item = &'a FieldName> {
    let written = schema.writes.iter().flat_map(|write| write.value.reads());
    let written = written.chain(schema.bindings.iter().filter_map(|binding| binding.subject.as_ref()));
    let inputs = policy.into_iter().flat_map(|policy| &policy.inputs);
    let weighed: BTreeSet<FieldName> = inputs.map(|input| input.name.clone()).collect();
    written.filter(move |name| !weighed.contains(*name))
}

/// One value that a voice of the policy read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Read<'a> {
    Said(&'a TokenValue),
    Found(&'a FactValue),
}

impl<'a> Read<'a> {
    fn known(self) -> Option<&'a TokenValue> {
        match self {
            Read::Said(value) | Read::Found(FactValue::Known(value)) => Some(value),
            Read::Found(FactValue::Missing(_) | FactValue::Stale | FactValue::Each(_)) => None,
        }
    }
}

/// A voice of the policy: its id, and what it read by name.
type Reasons<'a> = Vec<(&'a str, Vec<(&'a FieldName, Read<'a>)>)>;

/// What asks for a route, each with the values of everything that it read, in the order of the policy.
/// `None` if it cannot be said of one of them, such as the part of one element of a list: then nobody can
/// know that it is the same.
fn reasons<'a>(asked: &Asked<'a>, route: &RouteName) -> Option<Reasons<'a>> {
    let read = |name: &'a FieldName| Some((name, value(asked, name)?));
    let voice =
        |voice: Contribution<'a>| Some((voice.id, voice.reads.iter().map(read).collect::<Option<_>>()?));
    asking(asked.case, route).map(voice).collect()
}

/// The rules, guards and components that ask for a route.
fn asking<'a>(case: &'a Case, route: &RouteName) -> impl Iterator<Item = Contribution<'a>> {
    case.evaluation.contributions().filter(|voice| voice.outcome.needs(route))
}

fn value<'a>(asked: &Asked<'a>, name: &FieldName) -> Option<Read<'a>> {
    // A part of one element: which element it was of is not known here.
    if name.as_str().contains('.') {
        return None;
    }
    let Asked { intent, case, .. } = asked;
    let term = || case.evaluation.terms.iter().find(|term| term.name == *name);
    let token = intent.tokens.get(name).map(Read::Said);
    token.or_else(|| case.facts.get(name).map(Read::Found)).or_else(|| Some(Read::Said(&term()?.value)))
}
