//! What every house has beside its own files: the intent types of the host's own changes. Each is decided by a
//! route of `routes.md` and by nothing else: no row approves it.

use crate::connector::upgrade::{self, CONNECTOR_UPGRADE};
use crate::document::Aside;
use crate::going_live::{self, GO_LIVE};
use crate::id::{ConnectionName, FieldName, IntentTypeName, PersonId, PoolName, RouteName};
use crate::intent::value::Day;
use crate::intent::{
    Enforcement, FailMode, FieldType, Impact, IntentType, QaCheckpoint, TokenSpec, Trigger, TypeState,
    Visibility,
};
use crate::people::Directory;
use crate::policy::index::Index;
use crate::policy::{Hit, Layout, Needs, Policy, Proved, Rule, Settled, Whom};
use crate::publish::{self, POLICY_CHANGE};
use crate::rulebook::Shared;
use crate::shared_change::{self, SHARED_CHANGE};
use crate::time::Millis;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How long the seal of a change lives: as long as that of a contract.
const SEAL_LIFE: Millis = Millis::hours(30 * 24);
/// Where it stands, for whoever asks for the file.
const PATH: &str = "built in";

/// The names of the host's own intent types.
pub const NAMES: [&str; 4] = [POLICY_CHANGE, SHARED_CHANGE, GO_LIVE, CONNECTOR_UPGRADE];

/// Whether this is an intent type of the host itself.
#[must_use]
pub fn is_built_in(name: &IntentTypeName) -> bool {
    NAMES.contains(&name.as_str())
}

/// An intent type of the host itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BuiltIn {
    /// Its schema.
    pub(crate) intent: IntentType,
    /// What decides it; `None` while `routes.md` lacks its route.
    pub(crate) policy: Option<Arc<Policy>>,
}

/// The built-in intent types of a house, owned by whoever owns its `routes.md`; none if that pool is not there,
/// which is a fault of the set already.
pub(crate) fn all(shared: &Shared, directory: &Directory) -> BTreeMap<IntentTypeName, BuiltIn> {
    let Some(lead) = directory.lead(&shared.owner) else { return BTreeMap::new() };
    [publish::described(), shared_change::described(), going_live::described(), upgrade::described()]
        .into_iter()
        .flatten()
        .filter_map(|described| {
            let policy = decided_by(&described, shared).map(Arc::new);
            let intent = schema(described, &shared.owner, lead.clone())?;
            Some((intent.name.clone(), BuiltIn { intent, policy }))
        })
        .collect()
}

/// What tells one built-in intent type from another.
pub(crate) struct Described {
    /// Its name.
    pub(crate) name: IntentTypeName,
    /// The shared route that decides it.
    pub(crate) route: RouteName,
    /// Why nobody decides it alone.
    pub(crate) because: &'static str,
    /// The token that names what it is about.
    pub(crate) subject: &'static str,
    /// What it is asked with.
    pub(crate) tokens: Vec<TokenSpec>,
    /// The questions that its decisions are looked at with again.
    pub(crate) list: &'static str,
    /// Tokens that are for those who decide and for the owners alone.
    pub(crate) withheld: Vec<FieldName>,
}

/// A token of a built-in intent type.
pub(crate) fn token(name: &str, kind: FieldType, required: bool, meaning: &str) -> Option<TokenSpec> {
    Some(TokenSpec { name: FieldName::parse(name).ok()?, kind, required, meaning: meaning.to_owned() })
}

/// Text of so many characters.
pub(crate) fn words(min: i64, max: i64) -> FieldType {
    FieldType::Text { length: Some((min, max)) }
}

/// The policy that always asks the one route.
fn decided_by(described: &Described, shared: &Shared) -> Option<Policy> {
    let (name, route) = (described.name.clone(), described.route.clone());
    let found = shared.routes.get(&route)?;
    let needs = Needs { routes: BTreeSet::from([route.clone()]), evidence: BTreeSet::new() };
    let rule = Rule {
        id: Arc::from("always"),
        demands: Vec::new(),
        outcome: Settled::Needs(needs),
        because: Arc::from(described.because),
        reads: Arc::from([]),
        line: 0,
    };
    let rules = vec![rule];
    let index = Index::of(&rules, &[], &BTreeMap::new());
    Some(Policy {
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
        routes: BTreeMap::from([(route, found.clone())]),
        promises: Vec::new(),
        covers: BTreeMap::new(),
        examples: Vec::new(),
        version: crate::hash::Digest::ZERO,
        path: PATH.to_owned(),
        places: Aside::default(),
        list: None,
        layout: Layout::default(),
        index,
        proved: Proved::default(),
    })
}

fn schema(described: Described, owner: &PoolName, lead: PersonId) -> Option<IntentType> {
    let pool = owner.clone();
    let owners = || vec![Whom::Pool(owner.clone())];
    let fields = described.withheld.into_iter().map(|name| (name, owners())).collect();
    Some(IntentType {
        name: described.name,
        impact: Impact::Legal,
        owner: pool.clone(),
        incident_owner: pool.clone(),
        fallback_owner: lead,
        source: ConnectionName::parse("countersign").ok()?,
        trigger: Trigger::Button,
        destinations: Vec::new(),
        subject: FieldName::parse(described.subject).ok()?,
        amount_at_stake: None,
        exception_routes: Vec::new(),
        qa_checkpoint: QaCheckpoint {
            percent: 100,
            each: "month".to_owned(),
            pool,
            list: described.list.to_owned(),
        },
        reporting: vec![FieldName::parse(described.subject).ok()?],
        fail_mode: FailMode::Closed,
        enforcement: Enforcement::Hard,
        budget: None,
        rounds: 1,
        expires: SEAL_LIFE,
        tokens: described.tokens,
        facts: Vec::new(),
        bindings: Vec::new(),
        writes: Vec::new(),
        reconciliation: Vec::new(),
        overrides: Vec::new(),
        state: TypeState::Live,
        visibility: Visibility { fields, ..Visibility::default() },
        break_glass: None,
        asked_by: None,
        path: PATH.to_owned(),
        places: Aside::default(),
    })
}
