//! A population: everything of one kind that the log holds of some days, each item once, in the order of the log.
//!
//! The log is read twice. The first time says what has become of everything ([`Fates`]), the second time picks what is
//! asked for ([`Picker`]) and counts what is left out and why, so that both together are all that there is.

use super::{Fault, Seen, one_of};
use crate::approval::Authority;
use crate::approval::event::Event;
use crate::effect::key::{re_assert_id, undo_id};
use crate::effect::life::EffectState;
use crate::exception::Cause;
use crate::hash::Digest;
use crate::id::{ConnectionName, EffectId, ExceptionId, IntentId, IntentTypeName, PersonId};
use crate::intent::Day;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Most intents, effects and exceptions whose fate is known at one time: about 100 bytes of each.
pub const FATES_MAX: usize = 8_000_000;
/// Most intents that are sealed and not decided at one time: about 1 KB of each.
pub const UNDECIDED_MAX: usize = 200_000;

/// Of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Of {
    /// Whatever was asked for.
    Intents,
    /// Each approval, no and taking back: an intent that is decided anew has several.
    Decisions,
    /// Each write that was approved, with those that take one back or write it again.
    Effects,
    /// Each exception that was opened.
    Exceptions,
}

impl Of {
    /// All of them.
    pub const ALL: [Of; 4] = [Of::Intents, Of::Decisions, Of::Effects, Of::Exceptions];

    /// The word of it on every surface.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Of::Intents => "intents",
            Of::Decisions => "decisions",
            Of::Effects => "effects",
            Of::Exceptions => "exceptions",
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Of what.
    pub of: Of,
    /// The first day, in UTC, by the moment of the entry; from the beginning if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Day>,
    /// The last day; to the end if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Day>,
    /// Of which intent type alone.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub intent_type: Option<IntentTypeName>,
}

/// What became of something, and by which entry: the last one that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fate {
    outcome: &'static str,
    settled: Option<u64>,
}

/// Nothing yet.
const OPEN: Fate = Fate { outcome: "open", settled: None };

#[derive(Debug)]
struct Life {
    kind: IntentTypeName,
    requester: PersonId,
    is_trial: bool,
    fate: Fate,
}

#[derive(Debug)]
struct Excepted {
    cause: Cause,
    fate: Fate,
}

#[derive(Debug)]
struct Effect {
    connection: ConnectionName,
    fate: Fate,
}

/// What has become of every intent, effect and exception by the end of what was read.
#[derive(Debug, Default)]
pub struct Fates {
    kinds: BTreeSet<IntentTypeName>,
    people: BTreeSet<PersonId>,
    connections: BTreeSet<ConnectionName>,
    lives: BTreeMap<IntentId, Life>,
    effects: BTreeMap<(IntentId, EffectId), Effect>,
    exceptions: BTreeMap<(IntentId, ExceptionId), Excepted>,
    following: Following,
}

/// What of each intent is needed to know its effects when they begin.
#[derive(Debug, Default)]
struct Following {
    /// What is sealed and not decided.
    sealed: BTreeMap<IntentId, Vec<(EffectId, ConnectionName)>>,
    /// How often each effect was written again.
    again: BTreeMap<EffectId, u32>,
}

/// Which way an effect came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Approved,
    Undo(EffectId),
    Again(EffectId),
}

impl Following {
    /// The effects that begin with this entry: where to, unless that is where another one went.
    fn begun(&mut self, seen: Seen<'_>) -> Result<Vec<(EffectId, Option<ConnectionName>, Way)>, Fault> {
        let event = &seen.entry.event;
        if let Event::Sealed { case } = event {
            let writes = case.writes.iter().map(|write| (write.effect, write.connection.clone())).collect();
            self.sealed.insert(seen.intent, writes);
            if UNDECIDED_MAX < self.sealed.len() {
                return Err(Fault::TooMany { what: "intents that wait for a decision", most: UNDECIDED_MAX });
            }
        } else if let Event::Approved { .. } = event {
            let writes = self.sealed.remove(&seen.intent).unwrap_or_default();
            return Ok(writes.into_iter().map(|(effect, to)| (effect, Some(to), Way::Approved)).collect());
        } else if let Event::UndoPlanned { effects } = event {
            return Ok(effects.iter().map(|of| (undo_id(*of), None, Way::Undo(*of))).collect());
        } else if let Event::ReAsserted { effect, .. } = event {
            let number = self.again.entry(*effect).or_default();
            *number = number.saturating_add(1);
            return Ok(vec![(re_assert_id(*effect, *number), None, Way::Again(*effect))]);
        } else if event.decides() {
            self.sealed.remove(&seen.intent);
        }
        Ok(Vec::new())
    }
}

/// What the verdict of an entry about an effect says of it, if that is its end.
fn end_of(verdict: &EffectState) -> Option<&'static str> {
    match verdict {
        EffectState::Landed { .. } => Some("landed"),
        EffectState::GivenUp => Some("given-up"),
        EffectState::Waiting
        | EffectState::Ready { .. }
        | EffectState::Sent { .. }
        | EffectState::Probing { .. }
        | EffectState::Held { .. } => None,
    }
}

impl Fates {
    /// Takes one more entry: every entry of the life of every intent, in the order of the log.
    ///
    /// # Errors
    /// [`Fault`] if there are more than can be held, or the entry goes on with what none began.
    pub fn take(&mut self, seen: Seen<'_>) -> Result<(), Fault> {
        let fate = |outcome| Fate { outcome, settled: Some(seen.position) };
        let begun = self.following.begun(seen)?;
        for (effect, to, way) in begun {
            let from = match way {
                Way::Approved => effect,
                Way::Undo(of) | Way::Again(of) => of,
            };
            let known = self.effects.get(&(seen.intent, from)).map(|known| known.connection.clone());
            let what = "an effect that no entry before it approves";
            let connection = to.or(known).ok_or(Fault::Unfounded { position: seen.position, what })?;
            let connection = one_of(&mut self.connections, &connection);
            self.effects.insert((seen.intent, effect), Effect { connection, fate: OPEN });
        }
        let event = &seen.entry.event;
        let is_asked = matches!(event, Event::Submitted { .. }) || self.lives.contains_key(&seen.intent);
        if !is_asked {
            return Err(Fault::unasked(seen));
        }
        if let Event::Submitted { intent, .. } = event {
            let kind = one_of(&mut self.kinds, &intent.intent_type);
            let requester = one_of(&mut self.people, &intent.requester);
            let is_trial = intent.trial.is_some();
            self.lives.insert(seen.intent, Life { kind, requester, is_trial, fate: OPEN });
        } else if let Some((outcome, ..)) = decided(event) {
            self.becomes(seen.intent, fate(outcome));
        } else if let Event::Reopened { .. } = event {
            self.becomes(seen.intent, OPEN);
        } else if let Event::Reconsidered { .. } = event {
            self.becomes(seen.intent, OPEN);
            self.call_off(seen, "moot");
        } else if let Event::Closed = event {
            // Once it is done it stays so: what is written again later ends with an entry of the same kind.
            if self.lives.get(&seen.intent).is_some_and(|life| life.fate.outcome != "done") {
                self.becomes(seen.intent, fate("done"));
            }
            self.call_off(seen, "given-up");
        } else if let Event::Attempted { effect, verdict, .. }
        | Event::Probed { effect, verdict, .. }
        | Event::Replanned { effect, verdict, .. } = event
        {
            self.moved(seen, *effect, verdict);
        } else if let Event::Superseded { effect, .. } = event {
            self.moved(seen, *effect, &EffectState::GivenUp);
        } else if let Event::ExceptionOpened { id, exception } = event {
            let excepted = Excepted { cause: exception.cause, fate: OPEN };
            self.exceptions.insert((seen.intent, *id), excepted);
        } else if let Event::ExceptionClosed { id, closed, effects } = event {
            if let Some(found) = self.exceptions.get_mut(&(seen.intent, *id)) {
                found.fate = fate(closed.by.as_str());
            }
            effects.iter().for_each(|(effect, verdict)| self.moved(seen, *effect, verdict));
        }
        self.moot(seen);
        let held = self.lives.len().saturating_add(self.effects.len()).saturating_add(self.exceptions.len());
        if FATES_MAX < held {
            return Err(Fault::TooMany { what: "intents, effects and exceptions", most: FATES_MAX });
        }
        Ok(())
    }

    fn becomes(&mut self, intent: IntentId, fate: Fate) {
        if let Some(life) = self.lives.get_mut(&intent) {
            life.fate = fate;
        }
    }

    fn moved(&mut self, seen: Seen<'_>, effect: EffectId, verdict: &EffectState) {
        if let Some(known) = self.effects.get_mut(&(seen.intent, effect)) {
            known.fate =
                end_of(verdict).map_or(OPEN, |outcome| Fate { outcome, settled: Some(seen.position) });
        }
    }

    /// What of its writes has not landed will not, without an entry of its own.
    fn call_off(&mut self, seen: Seen<'_>, outcome: &'static str) {
        let range = (seen.intent, EffectId::from_bits(0))..=(seen.intent, EffectId::from_bits(u128::MAX));
        for (_, effect) in self.effects.range_mut(range).filter(|(_, effect)| effect.fate == OPEN) {
            effect.fate = Fate { outcome, settled: Some(seen.position) };
        }
    }

    /// What was open about something that is over or asked for otherwise is over with it, without an entry of its own.
    fn moot(&mut self, seen: Seen<'_>) {
        let event = &seen.entry.event;
        let is_anew = matches!(event, Event::Amended { .. } | Event::Renewed { .. } | Event::Reopened { .. });
        let ends_unwritten = matches!(event, Event::Declined { .. } | Event::Withdrawn { .. });
        let goes_on = matches!(event, Event::SentBack { .. } | Event::Reconsidered { .. } | Event::Closed);
        let own = is_anew || ends_unwritten || goes_on;
        let fail_open = is_anew || ends_unwritten || matches!(event, Event::Overridden { .. });
        if !own && !fail_open {
            return;
        }
        let first = ExceptionId::from_bits(0);
        let last = ExceptionId::from_bits(u128::MAX);
        for (_, found) in self.exceptions.range_mut((seen.intent, first)..=(seen.intent, last)) {
            let ends = own && !found.cause.outlives() || fail_open && found.cause == Cause::FailOpen;
            if ends && found.fate == OPEN {
                found.fate = Fate { outcome: "moot", settled: Some(seen.position) };
            }
        }
    }

    /// What has become of an effect, if it has begun: for whoever compares it with another reading.
    #[must_use]
    pub fn of_effect(&self, intent: IntentId, effect: EffectId) -> Option<&'static str> {
        self.effects.get(&(intent, effect)).map(|found| found.fate.outcome)
    }

    /// What has become of an exception.
    #[must_use]
    pub fn of_exception(&self, intent: IntentId, exception: ExceptionId) -> Option<&'static str> {
        self.exceptions.get(&(intent, exception)).map(|found| found.fate.outcome)
    }

    /// What has become of an intent.
    #[must_use]
    pub fn of_intent(&self, intent: IntentId) -> Option<&'static str> {
        self.lives.get(&intent).map(|found| found.fate.outcome)
    }
}

/// What a decision came to, by whose authority, and the persons behind it.
fn decided(event: &Event) -> Option<(&'static str, &'static str, Vec<PersonId>)> {
    let (outcome, authority) = if let Event::Approved { authority } = event {
        ("approved", authority)
    } else if let Event::Declined { authority, .. } = event {
        ("declined", authority)
    } else if let Event::Withdrawn { by } = event {
        return Some(("withdrawn", "requester", vec![by.clone()]));
    } else {
        return None;
    };
    let (word, people) = match authority {
        Authority::Policy => ("policy", Vec::new()),
        Authority::People(people) => ("people", people.clone()),
        Authority::Override(person) => ("override", vec![person.clone()]),
        Authority::FailOpen(people) => ("fail-open", people.clone()),
    };
    Some((outcome, word, people))
}

/// One item: the entry that it was read from, and what the log says of it. The fields of the other kinds are absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// What it is sampled by: each item has its own, and the log gives it the same for ever.
    pub id: String,
    /// Place of its entry in the whole log, counted from 1.
    pub position: u64,
    /// The intent.
    pub intent: IntentId,
    /// Place of its entry in the life of the intent, counted from 1.
    pub sequence: u64,
    /// SHA-256 of that entry's bytes.
    pub entry: Digest,
    /// The moment of the entry, in UTC.
    pub at: String,
    /// The intent type.
    #[serde(rename = "type")]
    pub intent_type: IntentTypeName,
    /// Who asked.
    pub requester: PersonId,
    /// What has become of it by the end of the log as it was read.
    pub outcome: String,
    /// Place of the entry that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<u64>,
    /// Decisions: by whose authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
    /// Decisions: the persons who decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<PersonId>,
    /// Effects: where to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionName>,
    /// Effects: what it takes back or writes again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<EffectId>,
    /// Exceptions: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Exceptions: who answered for it first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<PersonId>,
}

/// What was looked at and is not in the population, by the first reason that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// Of trials of intent types that were not live.
    pub trials: u64,
    /// Of other intent types.
    pub other_types: u64,
    /// Before the first day.
    pub earlier: u64,
    /// After the last day.
    pub later: u64,
}

/// What was picked and left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// Items.
    pub count: u64,
    /// Place in the log of the first one's entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// Place in the log of the last one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<u64>,
    /// What of the same kind is left out.
    pub left_out: LeftOut,
}

/// Picks the items of a population.
#[derive(Debug)]
pub struct Picker {
    query: Query,
    fates: Fates,
    following: Following,
    tally: Tally,
}

impl Picker {
    /// A picker of what `query` asks for, where `fates` has seen every entry already.
    #[must_use]
    pub fn new(query: Query, fates: Fates) -> Picker {
        Picker { query, fates, following: Following::default(), tally: Tally::default() }
    }

    /// The items that this entry makes: every entry that [`Fates::take`] was given, in the same order.
    ///
    /// # Errors
    /// [`Fault`] as there.
    pub fn take(&mut self, seen: Seen<'_>) -> Result<Vec<Item>, Fault> {
        let begun = self.following.begun(seen)?;
        let mut found = Vec::new();
        let at = seen.entry.at;
        match self.query.of {
            Of::Intents => {
                if let Event::Submitted { .. } = &seen.entry.event {
                    found.extend(self.item(seen, seen.intent.to_string()).map(|item| self.of_life(item)));
                }
            }
            Of::Decisions => found.extend(self.decision(seen)),
            Of::Effects => {
                for (effect, _, way) in begun {
                    let of = match way {
                        Way::Approved => None,
                        Way::Undo(of) | Way::Again(of) => Some(of),
                    };
                    let known = self.fates.effects.get(&(seen.intent, effect));
                    let item = self.item(seen, effect.to_string()).zip(known);
                    found.extend(item.map(|(item, known)| Item {
                        connection: Some(known.connection.clone()),
                        of,
                        ..item.with(known.fate)
                    }));
                }
            }
            Of::Exceptions => {
                if let Event::ExceptionOpened { id, exception } = &seen.entry.event {
                    let known = self.fates.exceptions.get(&(seen.intent, *id));
                    let item = self.item(seen, id.to_string()).zip(known);
                    found.extend(item.map(|(item, known)| Item {
                        cause: Some(exception.cause.as_str().to_owned()),
                        owner: Some(exception.owner.clone()),
                        ..item.with(known.fate)
                    }));
                }
            }
        }
        found.retain(|_| self.is_wanted(seen.intent, at));
        for item in &found {
            self.tally.count = self.tally.count.saturating_add(1);
            self.tally.first = self.tally.first.or(Some(item.position));
            self.tally.last = Some(item.position);
        }
        Ok(found)
    }

    /// What was picked and left out so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Counts what is not wanted by the first reason.
    fn is_wanted(&mut self, intent: IntentId, at: Timestamp) -> bool {
        let Some(life) = self.fates.lives.get(&intent) else { return false };
        let (query, left_out) = (&self.query, &mut self.tally.left_out);
        let day = Day::at(at);
        let reason = if life.is_trial {
            &mut left_out.trials
        } else if query.intent_type.as_ref().is_some_and(|wanted| *wanted != life.kind) {
            &mut left_out.other_types
        } else if query.since.is_some_and(|since| day < since) {
            &mut left_out.earlier
        } else if query.until.is_some_and(|until| until < day) {
            &mut left_out.later
        } else {
            return true;
        };
        *reason = reason.saturating_add(1);
        false
    }

    fn item(&self, seen: Seen<'_>, id: String) -> Option<Item> {
        let life = self.fates.lives.get(&seen.intent)?;
        Some(Item {
            id,
            position: seen.position,
            intent: seen.intent,
            sequence: seen.sequence,
            entry: seen.digest,
            at: seen.entry.at.to_string(),
            intent_type: life.kind.clone(),
            requester: life.requester.clone(),
            outcome: String::new(),
            settled: None,
            authority: None,
            by: Vec::new(),
            connection: None,
            of: None,
            cause: None,
            owner: None,
        })
    }

    fn of_life(&self, item: Item) -> Item {
        let fate = self.fates.lives.get(&item.intent).map_or(OPEN, |life| life.fate);
        item.with(fate)
    }

    fn decision(&self, seen: Seen<'_>) -> Option<Item> {
        let (outcome, authority, by) = decided(&seen.entry.event)?;
        let item = self.item(seen, format!("{}/{}", seen.intent, seen.sequence))?;
        let fate = Fate { outcome, settled: Some(seen.position) };
        Some(Item { authority: Some(authority.to_owned()), by, ..item.with(fate) })
    }
}

impl Item {
    fn with(self, fate: Fate) -> Item {
        Item { outcome: fate.outcome.to_owned(), settled: fate.settled, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::approval::event::{Actor, Entry};
    use serde_json::json;

    #[test]
    fn what_no_entry_began_is_left_out_of_no_count_in_silence() {
        let fault = |event: serde_json::Value| {
            let event = serde_json::from_value(event).expect("an event");
            let entry = Entry { at: Timestamp(1_795_000_000_000), by: Actor::Engine, event };
            let (intent, digest) = (IntentId::from_bits(1), Digest::ZERO);
            let seen = Seen { position: 7, intent, sequence: 2, digest, entry: &entry };
            Fates::default().take(seen).expect_err("nothing began it").to_string()
        };
        let unasked = "entry 7 of the log is about an intent that no entry before it asks for";
        assert_eq!(fault(json!("closed")), unasked);
        let unapproved = "entry 7 of the log is about an effect that no entry before it approves";
        assert_eq!(fault(json!({ "undo-planned": { "effects": [EffectId::from_bits(2)] } })), unapproved);
    }
}
