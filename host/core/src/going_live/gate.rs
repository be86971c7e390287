//! The gate: everything that is lacking before an intent type goes live, or what it rests on.

use super::field::{Reachable, fields};
use super::point::{Lack, Met, Point};
use super::{NotLive, shape, silence};
use crate::approval::event::{Actor, Entry, Event};
use crate::approval::refusal::Refusal;
use crate::approval::{Approval, Authority, Case, Intent, Outcome, PlannedEffect, Stage, life};
use crate::effect::life::EffectState;
use crate::hash::Digest;
use crate::id::{EffectId, FieldName, IntentId, IntentTypeName, PersonId};
use crate::intent::{Enforcement, IntentType, TokenFault, TokenValue, Tokens, Trigger, TypeState};
use crate::rulebook::Rulebook;
use crate::seal::Seal;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a `go_live` asks for, as its tokens say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked<'a> {
    /// The intent type that goes live.
    pub of: IntentTypeName,
    /// The trial that it rests on; nothing if that is no id.
    pub trial: Option<IntentId>,
    /// Why.
    pub reason: &'a str,
    /// Why its trigger need not be shown.
    pub waive_trigger: Option<&'a str>,
}

impl<'a> Asked<'a> {
    /// Reads the tokens of a `go_live`; `None` if these are not such tokens.
    #[must_use]
    pub fn of(tokens: &'a Tokens) -> Option<Asked<'a>> {
        let text = |name: &str| match tokens.get(&FieldName::parse(name).ok()?) {
            Some(TokenValue::Text(text)) => Some(text.as_str()),
            Some(_) | None => None,
        };
        Some(Asked {
            of: IntentTypeName::parse(text("intent")?).ok()?,
            trial: text("trial")?.parse().ok(),
            reason: text("reason")?,
            waive_trigger: text("waive_trigger").filter(|why| !why.trim().is_empty()),
        })
    }
}

/// A trial as the log holds it.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// Its id.
    pub intent: IntentId,
    /// Every entry, in order; none if there is no such intent.
    pub entries: &'a [Entry],
    /// What is wrong with the log that holds them, if somebody looked and something is.
    pub broken: Option<&'a str>,
}

/// What an intent type goes live on: computed by the host, shown to whoever decides, covered by the seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// The intent type.
    pub of: IntentTypeName,
    /// What it is: see [`super::shape`].
    pub shape: Digest,
    /// The trial.
    pub trial: IntentId,
    /// Digest of the entries of the trial until it was closed.
    pub trail: Digest,
    /// The eleven, each with what it rests on.
    pub met: Vec<Met>,
    /// Why the trigger was not shown, if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived: Option<String>,
}

/// Whether somebody may ask that an intent type goes live at all. What it lacks is weighed by the host, who has the
/// trial and the connections.
///
/// # Errors
/// [`Refusal::UnknownIntentType`], [`NotLive::NotDraft`], [`NotLive::NotOfOwner`].
pub fn admit(rulebook: &Rulebook, intent: &Intent) -> Result<(), Refusal> {
    let drafts = || {
        let draft = |schema: &&IntentType| rulebook.state_of(schema) == TypeState::Draft;
        rulebook.intent_types().filter(draft).map(|schema| schema.name.to_string()).collect()
    };
    let asked = Asked::of(&intent.tokens);
    let schema = asked.as_ref().and_then(|asked| rulebook.intent_type(&asked.of));
    let Some(schema) = schema else {
        let found = asked.map_or_else(String::new, |asked| asked.of.to_string());
        return Err(Refusal::UnknownIntentType { found, known: drafts() });
    };
    if rulebook.state_of(schema) == TypeState::Live {
        return Err(NotLive::NotDraft(schema.name.clone()).into());
    }
    of_owner(rulebook, schema, &intent.requester)?;
    match asked.map(|asked| asked.trial) {
        Some(Some(_)) => Ok(()),
        Some(None) | None => Err(Refusal::Tokens(vec![no_trial(&intent.tokens)])),
    }
}

fn no_trial(tokens: &Tokens) -> TokenFault {
    let found = FieldName::parse("trial").ok().and_then(|name| tokens.get(&name)).map(ToString::to_string);
    TokenFault {
        pointer: "/trial".to_owned(),
        expected: "the id of a trial, such as `int_01jdcgk8f3e9w7q2m5x0a4b6c8`".to_owned(),
        found: found.unwrap_or_default(),
    }
}

/// Whether a trial may still be approved: of a type that went live meanwhile nothing passes uncounted.
pub(crate) fn still_tried(rulebook: &Rulebook, intent: &Intent) -> Result<(), Refusal> {
    let tried = rulebook.intent_type(&intent.intent_type).filter(|_| intent.trial.is_some());
    match tried.filter(|schema| rulebook.state_of(schema) == TypeState::Live) {
        Some(schema) => Err(NotLive::NotDraft(schema.name.clone()).into()),
        None => Ok(()),
    }
}

/// Only those who own a type try it out and ask that it goes live.
pub(crate) fn of_owner(rulebook: &Rulebook, schema: &IntentType, person: &PersonId) -> Result<(), Refusal> {
    let (directory, pool) = (rulebook.directory(), rulebook.directory().pool(&schema.owner));
    // A machine tries out what whoever answers for it owns.
    if pool.is_some_and(|pool| pool.members.contains(directory.answering(person))) {
        return Ok(());
    }
    Err(NotLive::NotOfOwner { person: person.clone(), pool: schema.owner.clone() }.into())
}

/// Everything that an intent type rests on, or everything that it lacks.
///
/// # Errors
/// Every lack at once, each of them named.
pub fn weigh(
    rulebook: &Rulebook,
    schema: &IntentType,
    reachable: &Reachable,
    (shown, waive_trigger): (Shown<'_>, Option<&str>),
    now: Timestamp,
) -> Result<Readiness, Vec<Lack>> {
    let (mut met, mut lacking) = fields(rulebook, schema, reachable, now);
    let mut waived = None;
    let trial = Tried::of(schema, shown);
    for point in Point::SHOWN {
        let found = match &trial {
            // Whatever the trial would show, nobody answers in the end.
            Err(why) if point == Point::FallbackOwner => {
                fallback(rulebook, schema, now).and_then(|_| Err(why.clone()))
            }
            // What cannot be read because the log is broken is not there for another reason.
            Err(why) if point == Point::AuditTrail => Err(shown.broken.unwrap_or(why).to_owned()),
            Err(why) => Err(why.clone()),
            Ok(trial) => match point {
                Point::Trigger => trial.trigger(schema, waive_trigger, &mut waived),
                Point::ReviewPath => trial.review_path(rulebook),
                Point::AuditTrail => trial.audit_trail(shown),
                Point::FallbackOwner => fallback(rulebook, schema, now)
                    .and_then(|fallback| silence::silent(rulebook, shown.entries, &fallback)),
                Point::Outcome => trial.outcome(schema, reachable),
                Point::Owner
                | Point::Source
                | Point::Destinations
                | Point::ExceptionRoute
                | Point::QaCheckpoint
                | Point::ReportingField => continue,
            },
        };
        match found {
            Ok(by) => met.push(Met::new(point, by)),
            Err(why) => lacking.push(Lack::new(point, why)),
        }
    }
    match trial {
        Ok(trial) if lacking.is_empty() => Ok(Readiness {
            of: schema.name.clone(),
            shape: trial.shape,
            trial: shown.intent,
            trail: trail(shown.entries),
            met,
            waived,
        }),
        Ok(_) | Err(_) => Err(lacking),
    }
}

/// Whether what whoever decides has seen still is so.
///
/// # Errors
/// [`NotLive::NotReady`] with what is lacking now; [`NotLive::Overtaken`] if it rests on something else.
pub fn confirm(seen: &Readiness, ready: Option<&Result<Readiness, Vec<Lack>>>) -> Result<(), Refusal> {
    let overtaken = || Refusal::from(NotLive::Overtaken(seen.of.clone()));
    match ready.ok_or_else(overtaken)? {
        Err(lacking) => Err(NotLive::NotReady { of: seen.of.clone(), lacking: lacking.clone() }.into()),
        Ok(now)
            if (&now.of, now.shape, now.trial, now.trail)
                == (&seen.of, seen.shape, seen.trial, seen.trail) =>
        {
            Ok(())
        }
        Ok(_) => Err(overtaken()),
    }
}

/// The fallback owner who is there.
fn fallback(rulebook: &Rulebook, schema: &IntentType, now: Timestamp) -> Result<PersonId, String> {
    let person = &schema.fallback_owner;
    if rulebook.directory().is_there(person, &schema.name, now) {
        return Ok(person.clone());
    }
    Err(format!("`{person}` has left or is away"))
}

/// One digest of all entries until it was closed: who was told of it since changes nothing.
fn trail(entries: &[Entry]) -> Digest {
    let closed = entries.iter().position(|entry| matches!(entry.event, Event::Closed));
    let life = entries.iter().take(closed.map_or(entries.len(), |closed| closed.saturating_add(1)));
    let bytes: Vec<Vec<u8>> = life.filter_map(|entry| entry.to_bytes().ok()).collect();
    let parts: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
    Digest::of_parts(&parts)
}

/// A trial of exactly this intent type, read from its entries.
struct Tried<'a> {
    approval: Approval,
    entries: &'a [Entry],
    shape: Digest,
    by: Trigger,
}

/// How a trial that was approved ended.
type Done<'a> = (&'a Case, &'a Authority, &'a BTreeMap<EffectId, EffectState>);

impl<'a> Tried<'a> {
    /// Reads a trial; why it shows nothing of this type, if it does not.
    fn of(schema: &IntentType, shown: Shown<'a>) -> Result<Tried<'a>, String> {
        let id = shown.intent;
        let nothing = || format!("there is no intent `{id}` of type `{}`", schema.name);
        // Whoever owns this type need not see an intent of another one: of that they hear what they hear of none.
        let other = |entry: &Entry| matches!(&entry.event, Event::Submitted { intent, .. } if intent.intent_type != schema.name);
        if shown.entries.first().is_some_and(other) {
            return Err(nothing());
        }
        let mut approval = None;
        for entry in shown.entries {
            let next = life::after(approval, entry);
            approval = Some(next.map_err(|fault| format!("the record of `{id}` does not fold: {fault}"))?);
        }
        let approval = approval.filter(|approval: &Approval| approval.intent.intent_type == schema.name);
        let approval = approval.ok_or_else(nothing)?;
        let Some(trial) = &approval.intent.trial else { return Err(format!("`{id}` is no trial")) };
        let (by, tried) = (trial.by.clone(), trial.shape);
        if shape(schema) != Some(tried) {
            return Err(format!("the intent type has changed since the trial `{id}`"));
        }
        Ok(Tried { approval, entries: shown.entries, shape: tried, by })
    }

    fn done(&self) -> Option<Done<'_>> {
        match &self.approval.stage {
            // What was taken back has shown that it can be, and not that it stands.
            Stage::Closed(Outcome::Done { undo: Some(_), .. }) => None,
            Stage::Closed(Outcome::Done { case, authority, effects, .. }) => Some((case, authority, effects)),
            Stage::Preparing { .. }
            | Stage::Unsettled { .. }
            | Stage::Returned { .. }
            | Stage::Seated { .. }
            | Stage::Executing { .. }
            | Stage::Closed(Outcome::Declined { .. } | Outcome::Withdrawn { .. }) => None,
        }
    }

    fn trigger(
        &self,
        schema: &IntentType,
        waive: Option<&str>,
        waived: &mut Option<String>,
    ) -> Result<String, String> {
        let words = schema.trigger.to_string();
        if self.by == schema.trigger {
            return Ok(format!("it began by {words}"));
        }
        match waive {
            Some(why) => {
                *waived = Some(why.to_owned());
                Ok(format!("not shown ({words}): {why}"))
            }
            None => Err(format!("it began by {}, and the trigger is {words}", self.by)),
        }
    }

    fn review_path(&self, rulebook: &Rulebook) -> Result<String, String> {
        let (_, authority, _) = self.done().ok_or_else(|| self.not_done())?;
        let people = match authority {
            Authority::People(people) => people,
            Authority::Policy => return Err("the policy approved it alone, so nobody was asked".to_owned()),
            Authority::Override(person) => return Err(format!("`{person}` overrode the policy")),
            Authority::FailOpen(_) => return Err("the policy could not be evaluated".to_owned()),
        };
        let intent = &self.approval.intent;
        let requester = &intent.requester;
        // Whoever stood behind it then: who does by now may have decided on it before.
        let behind = if intent.answers.is_empty() { Some(intent.behind(rulebook.directory())) } else { None };
        let asked = |person: &PersonId| {
            person == requester || intent.answers.contains(person) || behind == Some(person)
        };
        let voice = |person: &PersonId| {
            let own =
                |entry: &&Entry| matches!(&entry.event, Event::Voted { person: by, .. } if by == person);
            let mut votes = self.entries.iter().filter(own);
            votes.any(|entry| entry.by == Actor::Person(person.clone()))
        };
        if people.is_empty() || people.iter().any(asked) || !people.iter().all(voice) {
            return Err(format!("not every seat was decided by somebody beside `{requester}`"));
        }
        let names: Vec<&str> = people.iter().map(PersonId::as_str).collect();
        Ok(format!("{} decided", names.join(", ")))
    }

    /// Whether the record is whole: it folds, its seal holds, and the log that holds it is not broken.
    fn audit_trail(&self, shown: Shown<'_>) -> Result<String, String> {
        if let Some(broken) = shown.broken {
            return Err(broken.to_owned());
        }
        let (case, _, _) = self.done().ok_or_else(|| self.not_done())?;
        let sealed = Seal::of(&self.approval.intent, self.approval.policy, case.content());
        if sealed != Ok(case.seal) {
            return Err("what is on record is not what was sealed".to_owned());
        }
        // Not the seal itself: it is made of what may be kept from whoever reads this.
        Ok(format!("{} entries, and its seal holds", self.entries.len()))
    }

    fn outcome(&self, schema: &IntentType, reachable: &Reachable) -> Result<String, String> {
        let (case, _, effects) = self.done().ok_or_else(|| self.not_done())?;
        let landed = effects.values().filter(|state| matches!(state, EffectState::Landed { .. })).count();
        if landed < effects.len() {
            let lost = effects.len().saturating_sub(landed);
            return Err(format!("{lost} of {} writes have not landed", effects.len()));
        }
        let bound = |binding: &&crate::intent::Binding| {
            case.writes
                .iter()
                .any(|planned| planned.binding == binding.name && !planned.plan.changes.is_empty())
        };
        let unwritten = schema.bindings.iter().find(|binding| !bound(binding));
        if let Some(binding) = unwritten.filter(|_| schema.enforcement != Enforcement::Advisory) {
            return Err(format!("binding `{}` wrote nothing", binding.name));
        }
        let moved = |planned: &&PlannedEffect| {
            let reach = reachable.get(&planned.connection);
            reach.is_some_and(|reach| (reach.connector, reach.target) != (planned.connector, planned.target))
        };
        if let Some(planned) = case.writes.iter().find(moved) {
            let name = &planned.connection;
            return Err(format!("connection `{name}` has another connector or address than when it wrote"));
        }
        Ok(format!("it is done; {landed} writes landed, each with its receipt"))
    }

    fn not_done(&self) -> String {
        format!("the trial is {}", self.approval.stage.as_str())
    }
}
