//! The built-in intent type `policy_change`: what it is asked with, and whom it can seat.

use super::{ACCEPTED_MAX, Change, POLICY_CHANGE, POLICY_CHANGE_BYTES_MAX, POLICY_CHANGE_ROUTE};
use crate::built_in::{Described, token, words};
use crate::id::{IntentTypeName, PersonId, PoolName, RouteName};
use crate::intent::{FieldType, TokenSpec};
use crate::policy::Whom;
use crate::rulebook::Rulebook;
use std::collections::BTreeSet;

/// The built-in intent type `policy_change`.
pub(crate) fn described() -> Option<Described> {
    Some(Described {
        name: IntentTypeName::parse(POLICY_CHANGE).ok()?,
        route: RouteName::parse(POLICY_CHANGE_ROUTE).ok()?,
        because: "nobody changes a policy alone",
        subject: "intent",
        tokens: tokens()?,
        list: "policies",
        withheld: Vec::new(),
    })
}

fn tokens() -> Option<Vec<TokenSpec>> {
    let longest = i64::try_from(POLICY_CHANGE_BYTES_MAX).ok()?;
    Some(vec![
        token("intent", words(1, 64), true, "the intent type whose policy changes")?,
        token("document", words(1, longest), true, "the whole new policy")?,
        token("reason", words(1, 2_000), true, "why, for whoever decides")?,
        token(
            "accept",
            FieldType::List { min: 0, max: ACCEPTED_MAX },
            false,
            "warnings that you answer for",
        )?,
        token("accept.kind", words(1, 64), true, "the kind of a warning, such as edge-without-example")?,
    ])
}

/// Everybody whom a change can seat, while nobody is away: whose open intents must be looked at.
#[must_use]
pub fn voices(rulebook: &Rulebook, owners: &[PoolName]) -> BTreeSet<PersonId> {
    seated_by(rulebook, POLICY_CHANGE_ROUTE, owners)
}

/// Everybody whom a shared route can seat, while nobody is away, with these pools for `owner of policy`.
pub(crate) fn seated_by(rulebook: &Rulebook, route: &str, owners: &[PoolName]) -> BTreeSet<PersonId> {
    let directory = rulebook.directory();
    let members = |pool: &PoolName| directory.pool(pool).map(|pool| pool.members.clone()).unwrap_or_default();
    let mut people = BTreeSet::new();
    let Ok(route) = RouteName::parse(route) else { return people };
    let steps = rulebook.shared().routes.get(&route).map(|route| route.steps.as_slice()).unwrap_or_default();
    for whom in steps.iter().flat_map(|step| std::iter::once(&step.whom).chain(&step.backup)) {
        match whom {
            Whom::Pool(pool) => people.extend(members(pool)),
            Whom::Role(role) => people.extend(directory.roles.get(role).cloned()),
            Whom::Person(person) => {
                people.insert(person.clone());
            }
            Whom::OwnerOfPolicy => people.extend(owners.iter().flat_map(members)),
            // Whoever they turn out to be is looked at again at the vote.
            Whom::Manager(_) | Whom::NamedIn(_) => {}
        }
    }
    people
}

impl Change {
    /// The pools that stand for `owner of policy`: whose the version in force is, and whose the new
    /// one will be if that is another one. Nobody takes a policy over by editing its header.
    #[must_use]
    pub fn owners(&self) -> Vec<PoolName> {
        let mut owners: Vec<PoolName> = self.owner_before.iter().cloned().collect();
        if !owners.contains(&self.owner) {
            owners.push(self.owner.clone());
        }
        owners
    }
}
