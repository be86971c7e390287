//! The built-in intent type and the policy that decides it: always the shared route, never a row
//! that approves.

use super::{ACCEPTED_MAX, Change, POLICY_CHANGE, POLICY_CHANGE_BYTES_MAX, POLICY_CHANGE_ROUTE};
use crate::id::{ConnectionName, FieldName, IntentTypeName, PersonId, PoolName, RouteName};
use crate::intent::value::Day;
use crate::intent::{
    Enforcement, FailMode, FieldType, Impact, IntentType, QaCheckpoint, TokenSpec, Trigger, Visibility,
};
use crate::people::Directory;
use crate::policy::index::Index;
use crate::policy::{Hit, Layout, Needs, Policy, Rule, Settled, Whom};
use crate::rulebook::{Rulebook, Shared};
use crate::time::Millis;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How long the seal of a change lives: as long as that of a contract.
const SEAL_LIFE: Millis = Millis::hours(30 * 24);
/// Where it stands, for whoever asks for the file.
const PATH: &str = "built in";

/// What every house has beside its own files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BuiltIn {
    /// The schema of `policy_change`.
    pub(crate) intent: IntentType,
    /// What decides it; `None` while `routes.md` has no route `policy-change`.
    pub(crate) policy: Option<Arc<Policy>>,
}

/// The built-in intent type of a house, owned by whoever owns its `routes.md`; `None` if that pool
/// is not there, which is a fault of the set already.
pub(crate) fn built_in(shared: &Shared, directory: &Directory) -> Option<BuiltIn> {
    let name = IntentTypeName::parse(POLICY_CHANGE).ok()?;
    let intent = schema(name.clone(), &shared.owner, directory.lead(&shared.owner)?.clone())?;
    let route = RouteName::parse(POLICY_CHANGE_ROUTE).ok()?;
    let policy = shared.routes.get(&route).map(|found| {
        let needs = Needs { routes: BTreeSet::from([route.clone()]), evidence: BTreeSet::new() };
        let rule = Rule {
            id: Arc::from("always"),
            demands: Vec::new(),
            outcome: Settled::Needs(needs),
            because: Arc::from("nobody changes a policy alone"),
            reads: Arc::from([]),
            line: 0,
        };
        let rules = vec![rule];
        let index = Index::of(&rules, &[], &BTreeMap::new());
        Policy {
            intent: name,
            owner: shared.owner.clone(),
            effective: Day(0),
            fail_open: None,
            inputs: Vec::new(),
            terms: Vec::new(),
            hit: Hit::First,
            each: None,
            rules,
            guards: Vec::new(),
            components: Vec::new(),
            routes: BTreeMap::from([(route.clone(), found.clone())]),
            promises: Vec::new(),
            covers: BTreeMap::new(),
            examples: Vec::new(),
            version: crate::hash::Digest::ZERO,
            path: PATH.to_owned(),
            lines: BTreeMap::new(),
            list: None,
            layout: Layout::default(),
            index,
        }
    });
    Some(BuiltIn { intent, policy: policy.map(Arc::new) })
}

fn schema(name: IntentTypeName, owner: &PoolName, lead: PersonId) -> Option<IntentType> {
    let pool = owner.clone();
    Some(IntentType {
        name,
        impact: Impact::Legal,
        owner: pool.clone(),
        incident_owner: pool.clone(),
        fallback_owner: lead,
        source: ConnectionName::parse("countersign").ok()?,
        trigger: Trigger::Button,
        destinations: Vec::new(),
        subject: FieldName::parse("intent").ok()?,
        amount_at_stake: None,
        exception_routes: Vec::new(),
        qa_checkpoint: QaCheckpoint {
            percent: 100,
            each: "month".to_owned(),
            pool,
            list: "policies".to_owned(),
        },
        reporting: vec![FieldName::parse("intent").ok()?],
        fail_mode: FailMode::Closed,
        enforcement: Enforcement::Hard,
        budget: None,
        rounds: 1,
        expires: SEAL_LIFE,
        tokens: tokens()?,
        facts: Vec::new(),
        bindings: Vec::new(),
        writes: Vec::new(),
        reconciliation: Vec::new(),
        overrides: Vec::new(),
        visibility: Visibility::default(),
        path: PATH.to_owned(),
        lines: BTreeMap::new(),
    })
}

fn tokens() -> Option<Vec<TokenSpec>> {
    let words = |min: i64, max: i64| FieldType::Text { length: Some((min, max)) };
    let longest = i64::try_from(POLICY_CHANGE_BYTES_MAX).ok()?;
    let token = |name: &str, kind: FieldType, required: bool, meaning: &str| {
        Some(TokenSpec { name: FieldName::parse(name).ok()?, kind, required, meaning: meaning.to_owned() })
    };
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
    let directory = rulebook.directory();
    let members = |pool: &PoolName| directory.pool(pool).map(|pool| pool.members.clone()).unwrap_or_default();
    let mut people = BTreeSet::new();
    let Ok(route) = RouteName::parse(POLICY_CHANGE_ROUTE) else { return people };
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
