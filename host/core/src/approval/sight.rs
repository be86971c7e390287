//! Who sees what of an intent. Every door asks here, and a command of somebody who does not see the intent is
//! answered as if there were none.

use super::seat::Seat;
use super::{Approval, Authority, Outcome, Stage};
use crate::id::{FieldName, PersonId};
use crate::intent::{IntentType, SeenBy};
use crate::people::Duty;
use crate::policy::Whom;
use crate::rulebook::Rulebook;
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

    /// Whether a field that a binding writes is not shown, as what it is made of is not. What no write of the
    /// type says is not shown either.
    #[must_use]
    pub fn hides_write(&self, schema: Option<&IntentType>, binding: &str, field: &str) -> bool {
        let mut writes = schema.into_iter().flat_map(|schema| &schema.writes);
        let found = writes.find(|write| write.binding.as_str() == binding && write.field == field);
        !self.is_whole() && found.is_none_or(|found| found.value.reads().iter().any(|name| self.hides(name)))
    }

    /// What is not shown, by name.
    pub fn hidden(&self) -> impl Iterator<Item = &FieldName> {
        let hidden = match self {
            Sight::Part(hidden) => Some(hidden),
            Sight::Nothing | Sight::Whole => None,
        };
        hidden.into_iter().flatten()
    }
}

impl Rulebook {
    /// What a person sees of an intent, by the rules and people of now.
    ///
    /// Whoever decides sees all of what they decide: those in a seat and those who were when it was decided,
    /// whoever answers for an exception of it, may override it or owns its type or policy; auditors see all of
    /// everything. The requester sees every token, which are their own words, and no fact that is not for them.
    /// Administrators see whose everything is, and of an intent that is not for them no token and no fact.
    #[must_use]
    pub fn sight(&self, approval: &Approval, person: &PersonId) -> Sight {
        let intent = &approval.intent;
        let schema = self.intent_type(&intent.intent_type);
        if schema.is_some_and(|schema| schema.visibility.is_open())
            || self.sees_all(schema, person)
            || decides(approval, person)
        {
            return Sight::Whole;
        }
        let asked = intent.requester == *person;
        // Of a type that is not in the files any more nobody says who sees it: those in it do.
        let Some(schema) = schema else { return if asked { Sight::Whole } else { Sight::Nothing } };
        let is_one = |whom: &Whom| self.directory().is_one(person, whom);
        let seen = match &schema.visibility.intent {
            SeenBy::Everybody => true,
            SeenBy::Only(whoms) => asked || whoms.iter().any(is_one),
        };
        if !seen {
            if !self.directory().has_duty(person, Duty::Administrator) {
                return Sight::Nothing;
            }
            // They see whose it is, and not what it says.
            let tokens = schema.tokens.iter().map(|token| token.name.clone());
            return Sight::Part(tokens.chain(schema.facts.iter().map(|fact| fact.name.clone())).collect());
        }
        let fields = schema.visibility.fields.iter();
        let hidden: BTreeSet<FieldName> = fields
            .filter(|(name, whoms)| {
                let theirs = asked && schema.token(name).is_some();
                !theirs && !whoms.iter().any(is_one)
            })
            .map(|(name, _)| name.clone())
            .collect();
        if hidden.is_empty() { Sight::Whole } else { Sight::Part(hidden) }
    }

    /// Whether a person sees all of every intent of a type, whoever is in it.
    #[must_use]
    pub fn sees_all_of(&self, schema: &IntentType, person: &PersonId) -> bool {
        schema.visibility.is_open() || self.sees_all(Some(schema), person)
    }

    fn sees_all(&self, schema: Option<&IntentType>, person: &PersonId) -> bool {
        let directory = self.directory();
        if directory.has_duty(person, Duty::Auditor) {
            return true;
        }
        let Some(schema) = schema else { return false };
        let policy = self.newest(&schema.name).map(|policy| &policy.owner);
        let owners = policy.into_iter().chain([&schema.owner]);
        owners.into_iter().any(|owner| directory.is_one(person, &Whom::Pool(owner.clone())))
            || schema.overrides.iter().any(|rule| directory.is_one(person, &rule.by))
    }
}

/// Whether a person decides about an intent, or did when it was decided.
fn decides(approval: &Approval, person: &PersonId) -> bool {
    let by = |authority: &Authority| match authority {
        Authority::Policy => false,
        Authority::People(people) | Authority::FailOpen(people) => people.contains(person),
        Authority::Override(one) => one == person,
    };
    let seated = match &approval.stage {
        Stage::Seated { seats, .. } => {
            let handed = seats.handed.iter().any(|handed| handed.from == *person || handed.to == *person);
            let added = seats.added.values().any(|added| added.by == *person);
            let sits = |seat: &Seat| seat.eligible.contains(person) || seat.approved.contains(person);
            handed || added || seats.open.values().any(sits)
        }
        Stage::Executing { authority, .. }
        | Stage::Closed(Outcome::Done { authority, .. } | Outcome::Declined { authority, .. }) => {
            by(authority)
        }
        Stage::Returned { by, .. } => by == person,
        Stage::Preparing { .. } | Stage::Unsettled { .. } | Stage::Closed(Outcome::Withdrawn { .. }) => false,
    };
    let asked_before =
        approval.earlier.as_ref().is_some_and(|earlier| earlier.seats.voices().any(|voice| voice == person));
    let overrides = approval.overridden.as_ref().is_some_and(|overridden| overridden.what.by == *person);
    seated
        || asked_before
        || overrides
        || approval.exceptions.values().any(|exception| exception.owner == *person)
}
