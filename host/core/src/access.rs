//! Access: what each person may do in the house, as one list, and what reviewers have said of it.
//!
//! Nothing here gives or takes a right. Rights follow from the files and from the record of people; a review says of each
//! whether it is still right that somebody has it, and the log keeps who said so.

mod review;

pub use review::{
    Asked, Entry, Event, Last, NotReviewed, REASON_BYTES_MAX, Reviews, Said, Standing, VERDICTS_MAX, Verdict,
    decide,
};

use crate::budget::{Budget, Spent};
use crate::built_in::is_built_in;
use crate::going_live::GO_LIVE;
use crate::hash::Digest;
use crate::id::{PersonId, PoolName};
use crate::intent::IntentType;
use crate::people::{Directory, Duty};
use crate::policy::{Policy, Whom};
use crate::publish::POLICY_CHANGE;
use crate::rulebook::Rulebook;
use crate::shared_change::SHARED_CHANGE;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Letters of the id of a right: 64 bits of a SHA-256, so that no two rights of a house share one.
const ID_LETTERS: usize = 16;

/// Something that a person may do: one line of a review.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Right {
    /// What it is, such as `pool finance`.
    pub what: String,
    /// Whose.
    pub person: PersonId,
    /// Who answers for them, where that is a machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<PersonId>,
    /// What follows from it, such as `decides route finance of discount`; sorted, each once.
    pub leads_to: Vec<String>,
}

impl Right {
    /// The id of it: another one as soon as something else follows from it, so that a verdict is about what was read.
    #[must_use]
    pub fn id(&self) -> String {
        let answers = self.answers.as_ref().map_or("", PersonId::as_str);
        let of = [self.what.as_str(), self.person.as_str(), answers];
        let texts = of.into_iter().chain(self.leads_to.iter().map(String::as_str));
        let parts: Vec<&[u8]> = texts.map(str::as_bytes).collect();
        Digest::of_parts(&parts).to_string().chars().take(ID_LETTERS).collect()
    }

    /// Whether it is this person's, or a machine's for which they answer.
    #[must_use]
    pub fn is_of(&self, person: &PersonId) -> bool {
        self.person == *person || self.answers.as_ref() == Some(person)
    }
}

/// A token of the API, as far as it is a right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What the operator calls it.
    pub name: String,
    /// In whose name it acts.
    pub person: PersonId,
    /// SHA-256 of the whole token: another token of the same name is another right.
    pub sha256: Digest,
    /// What it is good for.
    pub scopes: Vec<String>,
}

/// Letters of the digest of a token that are shown: enough to tell two apart.
const TOKEN_LETTERS: usize = 8;

/// Every right of whoever is in the house, and of its machines, in the order of what it is.
#[must_use]
pub fn rights(rulebook: &Rulebook, tokens: &[Token], now: Timestamp) -> Vec<Right> {
    let directory = rulebook.directory();
    let uses = uses(rulebook, now);
    let mut rights = BTreeSet::new();
    let mut has = |what: String, person: &PersonId, leads_to: BTreeSet<String>| {
        let answers = directory.machines.get(person).cloned();
        // Whoever has left may do nothing, whatever still names them.
        if directory.knows(person) || answers.is_some() {
            let leads_to = leads_to.into_iter().collect();
            rights.insert(Right { what, person: person.clone(), answers, leads_to });
        }
    };
    let of = |whom: &Whom| uses.get(whom).cloned().unwrap_or_default();
    for (name, pool) in &directory.pools {
        for person in &pool.members {
            let mut leads_to = of(&Whom::Pool(name.clone()));
            leads_to.extend(of_member(directory, name, person));
            has(format!("pool {name}"), person, leads_to);
        }
        let answers = BTreeSet::from(["answers for what nobody of it has claimed".to_owned()]);
        has(format!("lead of pool {name}"), &pool.lead, answers);
    }
    for (role, person) in &directory.roles {
        has(format!("role {role}"), person, of(&Whom::Role(role.clone())));
    }
    for (whom, leads_to) in &uses {
        match whom {
            Whom::Person(person) => has("named in the rules".to_owned(), person, leads_to.clone()),
            Whom::Manager(levels) => {
                for (manager, leads_to) in managed(directory, *levels, leads_to) {
                    has("manager".to_owned(), &manager, leads_to);
                }
            }
            // Whom a token names depends on each intent; the others are had by whoever is in them.
            Whom::NamedIn(_) | Whom::Pool(_) | Whom::Role(_) | Whom::OwnerOfPolicy => {}
        }
    }
    for standby in &directory.standby {
        for person in &standby.people {
            let mut leads_to = BTreeSet::from([format!("decides in the place of {}", standby.instead_of)]);
            leads_to.extend(of(&standby.instead_of));
            has(format!("standby for {}", standby.instead_of), person, leads_to);
        }
    }
    for (machine, person) in &directory.machines {
        let leads_to = BTreeSet::from([format!("asks for whatever {machine} asks for")]);
        has(format!("answers for machine {machine}"), person, leads_to);
    }
    for token in tokens {
        let shown: String = token.sha256.to_string().chars().take(TOKEN_LETTERS).collect();
        let scopes = token.scopes.iter().map(|scope| format!("scope {scope}"));
        let leads_to = scopes.chain([format!("SHA-256 {shown}")]).collect();
        has(format!("token {}", token.name), &token.person, leads_to);
    }
    rights.into_iter().collect()
}

/// What somebody of a pool does for the house, as far as they may: an auditor has no other duty. And what their voice
/// weighs, where that is more than one.
fn of_member(directory: &Directory, pool: &PoolName, person: &PersonId) -> BTreeSet<String> {
    let duties =
        directory.duties.iter().filter(|(duty, name)| *name == pool && directory.has_duty(person, **duty));
    let connections = directory
        .integrations
        .iter()
        .filter(|(connection, name)| *name == pool && directory.looks_after(person, Some(connection)));
    let weight = directory.pool(pool).and_then(|pool| pool.weights.get(person));
    duties
        .map(|(duty, _)| format!("is {duty} of the house"))
        .chain(connections.map(|(connection, _)| format!("operates connection {connection}")))
        .chain(weight.map(|weight| format!("has a voice that weighs {weight}")))
        .collect()
}

/// Whoever is so many levels above somebody, and what follows from that where the rules ask for them.
fn managed(
    directory: &Directory,
    levels: u32,
    uses: &BTreeSet<String>,
) -> BTreeMap<PersonId, BTreeSet<String>> {
    let mut managers: BTreeMap<PersonId, BTreeSet<String>> = BTreeMap::new();
    for person in directory.persons.keys() {
        let Some(manager) = directory.manager(person, levels) else { continue };
        let leads_to = uses.iter().map(|what| format!("{what}, where {person} asks"));
        managers.entry(manager).or_default().extend(leads_to);
    }
    managers
}

/// What the rules let pools, roles and persons do.
fn uses(rulebook: &Rulebook, now: Timestamp) -> BTreeMap<Whom, BTreeSet<String>> {
    let mut uses = Uses { rulebook, found: BTreeMap::new() };
    let (directory, shared) = (rulebook.directory(), rulebook.shared());
    uses.pool(&directory.owner, "owns the list of people".to_owned());
    uses.pool(&shared.owner, "owns the shared routes".to_owned());
    for schema in rulebook.intent_types() {
        uses.of_type(schema);
        // Whoever decides what is open by a version of before, or will by the next one, may too.
        let versions = rulebook.policies().filter(|policy| policy.intent == schema.name);
        let built_in = rulebook.policy(&schema.name, now).filter(|_| is_built_in(&schema.name));
        for policy in versions.chain(built_in) {
            uses.of_policy(schema, policy);
        }
    }
    uses.found
}

struct Uses<'a> {
    rulebook: &'a Rulebook,
    found: BTreeMap<Whom, BTreeSet<String>>,
}

impl Uses<'_> {
    fn may(&mut self, whom: Whom, what: String) {
        self.found.entry(whom).or_default().insert(what);
    }

    fn pool(&mut self, name: &PoolName, what: String) {
        self.may(Whom::Pool(name.clone()), what);
    }

    fn of_type(&mut self, schema: &IntentType) {
        let of = &schema.name;
        self.pool(&schema.owner, format!("owns {of}"));
        self.pool(&schema.incident_owner, format!("answers for broken connections of {of}"));
        self.pool(&schema.qa_checkpoint.pool, format!("looks at samples of {of}"));
        let missed = format!("answers for what everybody missed of {of}");
        self.may(Whom::Person(schema.fallback_owner.clone()), missed);
        for whom in schema.asked_by.iter().flatten() {
            self.may(whom.clone(), format!("asks for {of}"));
        }
        if let Some(glass) = &schema.break_glass {
            self.may(glass.by.clone(), format!("breaks the glass of {of}"));
        }
        for rule in &schema.overrides {
            let says = format!("decides {of} against the policy, for {}", rule.reason);
            self.whom(&rule.by, schema, &says);
        }
        for whom in schema.visibility.intent.named() {
            self.may(whom.clone(), format!("sees every {of}"));
        }
        for (field, people) in &schema.visibility.fields {
            for whom in people {
                self.may(whom.clone(), format!("sees {field} of {of}"));
            }
        }
        if let Some(Budget { then: Spent::Council(council), .. }) = &schema.budget {
            for row in self.rulebook.shared_rows(council) {
                let says = format!("decides route {council} of {of} once its budget is spent");
                let backup = format!("{says}, as a backup");
                self.may(row.whom, says);
                row.backup.into_iter().for_each(|whom| self.may(whom, backup.clone()));
            }
        }
        let rows = self.rulebook.exception_rows(of);
        // The file of a type names those that its causes reach; the host's own types have no file.
        for row in rows.filter(|row| is_built_in(of) || schema.exception_routes.contains(&row.id)) {
            let says = format!("answers for exceptions {} of {of}", row.id);
            for whom in std::iter::once(&row.whom).chain(&row.backup) {
                // What becomes of a change of a file that all share is for whoever owns that file.
                if *whom == Whom::OwnerOfPolicy && of.as_str() == SHARED_CHANGE {
                    self.pool(&schema.owner, says.clone());
                } else {
                    self.whom(whom, schema, &says);
                }
            }
        }
    }

    fn of_policy(&mut self, schema: &IntentType, policy: &Policy) {
        let of = &schema.name;
        if !is_built_in(of) {
            self.pool(&policy.owner, format!("owns the policy of {of}"));
        }
        for route in policy.routes.values().filter(|route| policy.asking(&route.name).next().is_some()) {
            for step in &route.steps {
                self.whom(&step.whom, schema, &format!("decides route {} of {of}", route.name));
                let says = format!("decides route {} of {of} as a backup", route.name);
                step.backup.iter().for_each(|backup| self.whom(backup, schema, &says));
            }
        }
    }

    /// Gives it to whoever is meant; `owner of policy` are those who own what it is about.
    fn whom(&mut self, whom: &Whom, schema: &IntentType, says: &str) {
        if *whom != Whom::OwnerOfPolicy {
            return self.may(whom.clone(), says.to_owned());
        }
        let (rulebook, name) = (self.rulebook, schema.name.as_str());
        if !is_built_in(&schema.name) {
            let owners = rulebook.policies().filter(|policy| policy.intent == schema.name);
            return owners.for_each(|policy| self.pool(&policy.owner, says.to_owned()));
        }
        // A change of the house is decided by whoever owns what is changed.
        for policy in rulebook.policies().filter(|_| name == POLICY_CHANGE) {
            self.pool(&policy.owner, format!("{says}, about the policy of {}", policy.intent));
        }
        let types = rulebook.intent_types().filter(|other| !is_built_in(&other.name));
        for other in types.filter(|_| [GO_LIVE, SHARED_CHANGE].contains(&name)) {
            self.pool(&other.owner, format!("{says}, about {}", other.name));
        }
        if name == SHARED_CHANGE {
            self.pool(&rulebook.directory().owner, format!("{says}, about the list of people"));
            self.pool(&rulebook.shared().owner, format!("{says}, about the shared routes"));
        }
        if ![POLICY_CHANGE, GO_LIVE, SHARED_CHANGE].contains(&name) {
            self.pool(&schema.owner, says.to_owned());
        }
    }
}

/// Who can review a right: whoever owns the list of people, and of a pool its lead; nobody their own or that of a machine
/// for which they answer, and no auditor.
#[must_use]
pub fn reviewers(directory: &Directory, right: &Right) -> Vec<PersonId> {
    let led = right.what.strip_prefix("pool ").and_then(|name| PoolName::parse(name).ok());
    let lead = led.and_then(|name| directory.lead(&name)).cloned();
    may_review(directory, right, owners(directory).into_iter().chain(lead))
}

/// Whoever owns the list of people.
fn owners(directory: &Directory) -> Vec<PersonId> {
    directory.pool(&directory.owner).map(|pool| pool.members.clone()).unwrap_or_default()
}

/// Those of them who may say something of this right.
fn may_review(
    directory: &Directory,
    right: &Right,
    people: impl IntoIterator<Item = PersonId>,
) -> Vec<PersonId> {
    let all: BTreeSet<PersonId> = people.into_iter().collect();
    let may = |person: &PersonId| {
        directory.knows(person) && !right.is_of(person) && !directory.has_duty(person, Duty::Auditor)
    };
    all.into_iter().filter(may).collect()
}

#[cfg(test)]
mod tests;
