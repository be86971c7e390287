//! The built-in intent type `policy_change`: what it is asked with, and whom it can seat.

use super::{ACCEPTED_MAX, Change, POLICY_CHANGE, POLICY_CHANGE_BYTES_MAX, POLICY_CHANGE_ROUTE};
use crate::built_in::{Described, token, words};
use crate::id::{IntentTypeName, PersonId, PoolName, RouteName};
use crate::intent::{FieldType, TokenSpec};
use crate::people::Directory;
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
    let Ok(route) = RouteName::parse(route) else { return BTreeSet::new() };
    let steps = rulebook.shared().routes.get(&route).map(|route| route.steps.as_slice()).unwrap_or_default();
    let whoms = steps.iter().flat_map(|step| std::iter::once(&step.whom).chain(&step.backup));
    whoms.flat_map(|whom| named_by(rulebook.directory(), whom, owners)).collect()
}

/// Everybody whom these words name, away or not, with these pools for `owner of policy`.
pub(crate) fn named_by(directory: &Directory, whom: &Whom, owners: &[PoolName]) -> Vec<PersonId> {
    let members = |pool: &PoolName| directory.pool(pool).map(|pool| pool.members.clone()).unwrap_or_default();
    match whom {
        Whom::Pool(pool) => members(pool),
        Whom::Role(role) => directory.roles.get(role).cloned().into_iter().collect(),
        Whom::Person(person) => vec![person.clone()],
        Whom::OwnerOfPolicy => owners.iter().flat_map(members).collect(),
        // Whoever they turn out to be is looked at again at the vote.
        Whom::Manager(_) | Whom::NamedIn(_) => Vec::new(),
    }
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
