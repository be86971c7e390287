//! Who sees what of an intent. Every door asks here, and a command of somebody who does not see the intent is
//! answered as if there were none.

use super::rules;
use super::seat::Seat;
use super::{Approval, Authority, Outcome, Stage};
use crate::going_live::{self, is_going_live};
use crate::id::{FieldName, PersonId};
use crate::intent::{FactSource, FactSpec, IntentType, SeenBy, WriteValue};
use crate::people::Duty;
use crate::policy::Whom;
use crate::rulebook::Rulebook;
use crate::time::Timestamp;
use std::collections::BTreeSet;

/// What one person sees of one intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// Not even that there is one.
    Nothing,
    /// All but these tokens and facts, and what says their values.
    Part(BTreeSet<FieldName>),
    /// All of it.
    Whole,
}

impl Sight {
    /// Whether a token or fact is not shown.
    #[must_use]
    pub fn hides(&self, field: &FieldName) -> bool {
        match self {
            Sight::Nothing => true,
            Sight::Part(hidden) => hidden.contains(field),
            Sight::Whole => false,
        }
    }

    /// Whether nothing is withheld.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        match self {
            Sight::Whole => true,
            Sight::Nothing | Sight::Part(_) => false,
        }
    }

    /// Whether the record that a binding writes to is not shown, as what names it is not. What no binding of the
    /// type says is not shown either.
    #[must_use]
    pub fn hides_subject(&self, schema: Option<&IntentType>, binding: &str) -> bool {
        let mut bindings = schema.into_iter().flat_map(|schema| &schema.bindings);
        let found = bindings.find(|one| one.name.as_str() == binding);
        !self.is_whole()
            && found.is_none_or(|found| found.subject.as_ref().is_some_and(|name| self.hides(name)))
    }

    /// Whether a field that a binding writes is not shown: what it is made of is not, or what it holds now is a
    /// fact that is not. The seal is made of everything. What no write of the type says is not shown either.
    #[must_use]
    pub fn hides_write(&self, schema: Option<&IntentType>, binding: &str, field: &str) -> bool {
        if self.is_whole() {
            return false;
        }
        let Some(schema) = schema else { return true };
        let mut writes = schema.writes.iter();
        let found = writes.find(|write| write.binding.as_str() == binding && write.field == field);
        let mut bindings = schema.bindings.iter();
        let bound = bindings.find(|one| one.name.as_str() == binding);
        let (Some(found), Some(bound)) = (found, bound) else { return true };
        let is_there = |fact: &&FactSpec| match &fact.source {
            FactSource::Connection { connection, field: read, .. } => {
                *connection == bound.connection && read == field
            }
            FactSource::Directory { .. } | FactSource::Age { .. } | FactSource::Log { .. } => false,
        };
        let mut held = schema.facts.iter().filter(is_there);
        matches!(found.value, WriteValue::Seal)
            || found.value.reads().iter().any(|name| self.hides(name))
            || held.any(|fact| self.hides(&fact.name))
    }

    /// Whether a token or fact with this name is not shown.
    #[must_use]
    pub fn hides_named(&self, name: &str) -> bool {
        match self {
            Sight::Nothing => true,
            Sight::Part(hidden) => hidden.iter().any(|field| field.as_str() == name),
            Sight::Whole => false,
        }
    }
}

impl Approval {
    /// Whether a person decides about it, or did: who has a seat, whoever gave their voice, decided against the
    /// policy, sent it back, or answers for an exception.
    #[must_use]
    pub fn is_decided_by(&self, person: &PersonId) -> bool {
        let by = |authority: &Authority| match authority {
            Authority::Policy => false,
            Authority::People(people) | Authority::FailOpen(people) => people.contains(person),
            Authority::Override(one) => one == person,
        };
        let stands = match &self.stage {
            Stage::Seated { seats, .. } => {
                let added = seats.added.values().any(|added| added.by == *person && !added.is_gone);
                // Whose seat it is can take it back, if no administrator took it from them.
                let taken = seats.handed.iter().any(|handed| handed.from == *person && handed.by.is_some());
                let sits = |seat: &Seat| {
                    let theirs = seat.standing_in.values().chain(&seat.spent).any(|whose| whose == person);
                    seat.eligible.contains(person) || (theirs && !taken)
                };
                added || seats.open.values().any(sits)
            }
            Stage::Executing { authority, .. }
            | Stage::Closed(Outcome::Done { authority, .. } | Outcome::Declined { authority, .. }) => {
                by(authority)
            }
            Stage::Returned { by, .. } => by == person,
            Stage::Preparing { .. } | Stage::Unsettled { .. } | Stage::Closed(Outcome::Withdrawn { .. }) => {
                false
            }
        };
        let overrides = self.overridden.as_ref().is_some_and(|overridden| overridden.what.by == *person);
        let answers = self.exceptions.values().any(|exception| exception.owner == *person);
        stands || overrides || answers || self.voices.contains(person)
    }

    /// Every token and fact that it has.
    #[must_use]
    pub fn named(&self) -> BTreeSet<FieldName> {
        let tokens = self.intent.tokens.keys();
        let facts = self.case().into_iter().flat_map(|case| case.facts.keys());
        tokens.chain(facts).cloned().collect()
    }
}

impl Rulebook {
    /// What a person sees of an intent, by the rules and people of now.
    ///
    /// Whoever decides sees all of what they decide: those who have a seat or gave their voice, whoever answers for an
    /// exception of it, may override it or break its glass, or owns its type or policy; auditors see all of
    /// everything. The requester sees every token, which are their own words, and no fact that is not for them.
    /// Administrators see whose everything is, and of an intent that is not for them no token and no fact.
    #[must_use]
    pub fn sight(&self, approval: &Approval, person: &PersonId, now: Timestamp) -> Sight {
        let intent = &approval.intent;
        let asked = rules::is_requester(self, intent, person);
        let Some(schema) = self.intent_type(&intent.intent_type) else {
            return self.sight_of_old(approval, person, asked);
        };
        if is_going_live(&intent.intent_type) {
            return self.sight_of_going_live(approval, person, now);
        }
        if schema.visibility.is_open()
            || self.sees_all(schema, person, now)
            || approval.is_decided_by(person)
            || self.may_override(approval, schema, person, now)
        {
            return Sight::Whole;
        }
        let is_one = |whom: &Whom| self.directory().is_one(person, whom);
        let seen = match &schema.visibility.intent {
            SeenBy::Everybody => true,
            SeenBy::Only(whoms) => asked || whoms.iter().any(is_one),
        };
        if !seen {
            return self.outline(approval, person);
        }
        let fields = schema.visibility.fields.iter();
        let kept = fields.filter(|(name, whoms)| {
            let theirs = asked && schema.token(name).is_some();
            !theirs && !whoms.iter().any(is_one)
        });
        let mut hidden: BTreeSet<FieldName> = kept.map(|(name, _)| name.clone()).collect();
        // Of what the type does not know any more nobody says whose it is.
        let unknown =
            |name: &FieldName| schema.kind_of(name).is_none() && !(asked && intent.tokens.contains_key(name));
        hidden.extend(approval.named().into_iter().filter(unknown));
        if hidden.is_empty() { Sight::Whole } else { Sight::Part(hidden) }
    }

    /// The same of an intent by which another type goes live: it names a trial of that type and those who decided it,
    /// so it is for those for whom the trial is, and for everybody where that one is.
    fn sight_of_going_live(&self, approval: &Approval, person: &PersonId, now: Timestamp) -> Sight {
        let intent = &approval.intent;
        let of = going_live::Asked::of(&intent.tokens).and_then(|asked| self.intent_type(&asked.of));
        let Some(of) = of else {
            return self.sight_of_old(approval, person, rules::is_requester(self, intent, person));
        };
        if rules::is_requester(self, intent, person)
            || approval.is_decided_by(person)
            || self.sees_that_there_are(of, person, now)
        {
            return Sight::Whole;
        }
        self.outline(approval, person)
    }

    /// Whether a person sees that there are intents of a type, whoever is in them.
    #[must_use]
    pub fn sees_that_there_are(&self, schema: &IntentType, person: &PersonId, now: Timestamp) -> bool {
        match &schema.visibility.intent {
            SeenBy::Everybody => true,
            SeenBy::Only(whoms) => {
                whoms.iter().any(|whom| self.directory().is_one(person, whom))
                    || self.sees_all(schema, person, now)
            }
        }
    }

    /// The same of an intent whose type is not in the files any more: for auditors and those who are in it.
    fn sight_of_old(&self, approval: &Approval, person: &PersonId, asked: bool) -> Sight {
        if self.directory().has_duty(person, Duty::Auditor) || approval.is_decided_by(person) {
            return Sight::Whole;
        }
        if !asked {
            return self.outline(approval, person);
        }
        let facts = approval.case().into_iter().flat_map(|case| case.facts.keys()).cloned();
        let hidden: BTreeSet<FieldName> = facts.collect();
        if hidden.is_empty() { Sight::Whole } else { Sight::Part(hidden) }
    }

    /// What administrators see of what is not for them; nobody else sees anything.
    fn outline(&self, approval: &Approval, person: &PersonId) -> Sight {
        if self.directory().has_duty(person, Duty::Administrator) {
            Sight::Part(approval.named())
        } else {
            Sight::Nothing
        }
    }

    /// Whether a person sees all of every intent of a type, whoever is in it.
    #[must_use]
    pub fn sees_all_of(&self, schema: &IntentType, person: &PersonId, now: Timestamp) -> bool {
        // Of what lets a type go live each is for those for whom intents of that type are.
        let open = schema.visibility.is_open() && !is_going_live(&schema.name);
        open || self.sees_all(schema, person, now)
    }

    fn sees_all(&self, schema: &IntentType, person: &PersonId, now: Timestamp) -> bool {
        let directory = self.directory();
        let policies = [self.policy(&schema.name, now), self.newest(&schema.name)];
        let owners = policies.into_iter().flatten().map(|policy| &policy.owner).chain([&schema.owner]);
        directory.has_duty(person, Duty::Auditor)
            || owners.into_iter().any(|owner| directory.is_one(person, &Whom::Pool(owner.clone())))
            || schema.overrides.iter().any(|rule| directory.is_one(person, &rule.by))
            || schema.break_glass.iter().any(|row| directory.is_one(person, &row.by))
    }

    /// Whether a person may decide against the policy now, or break the glass to, in their own place or in that of
    /// somebody who is away.
    fn may_override(
        &self,
        approval: &Approval,
        schema: &IntentType,
        person: &PersonId,
        now: Timestamp,
    ) -> bool {
        let glass = schema.break_glass.iter().map(|row| &row.by);
        let mut whoms = schema.overrides.iter().map(|rule| &rule.by).chain(glass);
        whoms.any(|whom| {
            let filled = rules::fill(self, &approval.intent, whom, &[], now);
            filled.is_some_and(|filled| filled.eligible.contains(person))
        })
    }
}
