//! Who answers for what: the owners of each intent type, its seats and exceptions with their times, what is
//! lacking, and people whom the house cannot do without.

use super::intent::Looking;
use super::readiness::LiveView;
use countersign_core::built_in::is_built_in;
use countersign_core::going_live::{Reachable, fields};
use countersign_core::id::{ConnectionName, IntentTypeName, PoolName};
use countersign_core::intent::{IntentType, TypeState};
use countersign_core::people::Directory;
use countersign_core::policy::route::{Need, RouteStep};
use countersign_core::policy::{Policy, Whom};
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// Who answers for what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnershipView {
    /// Every intent type.
    pub types: Vec<OwnedTypeView>,
    /// Every connection that is configured, or that somebody owns.
    #[serde(default)]
    pub connections: Vec<OwnedConnectionView>,
    /// People without whom a seat could not be filled by anybody, its backups included.
    pub alone: Vec<AloneView>,
}

/// Who looks after one connection, beside the operators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnedConnectionView {
    /// Its name.
    pub name: String,
    /// Its integration owner; absent if operators alone look after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integration_owner: Option<OwnerView>,
    /// Whether it is configured.
    pub configured: bool,
}

/// Who answers for one intent type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnedTypeView {
    /// Its name.
    pub name: String,
    /// draft (only trials are taken) or live.
    pub state: String,
    /// Since when it is live and on what trial; absent if its file alone says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<LiveView>,
    /// financial, legal or low.
    pub impact: String,
    /// Who owns the service.
    pub owner: OwnerView,
    /// Who owns the policy that is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_owner: Option<OwnerView>,
    /// Who looks after broken connections of it.
    pub incident_owner: OwnerView,
    /// Who owns what everybody missed.
    pub fallback_owner: String,
    /// The connection that it comes from.
    pub source: String,
    /// How it begins.
    pub trigger: String,
    /// Connections that are written to.
    pub destinations: Vec<String>,
    /// closed or may-open.
    pub fail_mode: String,
    /// hard, soft or advisory.
    pub enforcement: String,
    /// The sample that is looked at again.
    pub qa_checkpoint: String,
    /// How many exceptions it may have and what follows, as the file has it; absent without such a budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception_budget: Option<String>,
    /// Who may ask for it, as the file has it; none where everybody may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked_by: Vec<String>,
    /// Who decides alone in an emergency and for how long, as the file has it; absent if nobody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<String>,
    /// Tokens by which it is reported.
    pub reporting: Vec<String>,
    /// Who decides, in which order, until when.
    pub seats: Vec<SeatRuleView>,
    /// Who answers for what the normal path does not settle.
    pub exceptions: Vec<ExceptionRuleView>,
    /// What is missing before anybody should rely on it.
    pub lacking: Vec<String>,
}

/// A pool that owns something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnerView {
    /// The pool.
    pub pool: String,
    /// Who leads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead: Option<String>,
    /// Everybody in it.
    pub members: Vec<String>,
    /// Who of it answers for exceptions now, where its people take turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_call: Option<OnCallView>,
}

/// Who is on call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OnCallView {
    /// Who.
    pub person: String,
    /// The last day of the turn, in the pool's calendar.
    pub until: String,
    /// Whose turn it is, where they are away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
}

/// One row of a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SeatRuleView {
    /// The route.
    pub route: String,
    /// Its place in the order, from 1.
    pub step: u32,
    /// Who is asked.
    pub whom: String,
    /// The people behind it now; empty where they depend on the intent.
    pub people: Vec<String>,
    /// How many of them must approve: a number, `all`, or percent.
    pub need: String,
    /// Until when.
    pub within: String,
    /// Who is asked next.
    pub backup: Vec<String>,
    /// What follows if nobody decides: hold or decline.
    pub finally: String,
    /// How many rules and guards of the policy ask for it.
    pub rules: usize,
}

/// One row of the exception table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExceptionRuleView {
    /// Its id.
    pub id: String,
    /// Who answers.
    pub whom: String,
    /// Until when.
    pub within: String,
    /// Who is asked next.
    pub backup: Vec<String>,
    /// What closes it.
    pub closes_when: Vec<String>,
}

/// Somebody whom the house cannot do without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AloneView {
    /// Who.
    pub person: String,
    /// Rows of routes that nobody could fill if they left.
    pub rows: Vec<String>,
    /// How many rules and guards of the policies ask for one of them.
    pub rules: usize,
}

impl OwnershipView {
    /// Who answers for what by the rules that are in force; `reachable` are the connections.
    #[must_use]
    pub fn of(looking: Looking<'_>, reachable: &Reachable) -> OwnershipView {
        let Looking { rulebook, now, .. } = looking;
        let types = rulebook.intent_types().map(|schema| owned(looking, schema, reachable)).collect();
        let alone = rulebook.outlook(now, 0).lone.into_iter().map(|lone| AloneView {
            person: lone.person.to_string(),
            rows: lone.rows,
            rules: lone.rules,
        });
        let connections = connections(rulebook.directory(), reachable, now);
        OwnershipView { types, connections, alone: alone.collect() }
    }
}

fn connections(directory: &Directory, reachable: &Reachable, now: Timestamp) -> Vec<OwnedConnectionView> {
    let names: BTreeSet<&ConnectionName> = reachable.keys().chain(directory.integrations.keys()).collect();
    let view = |name: &ConnectionName| OwnedConnectionView {
        name: name.to_string(),
        integration_owner: directory.integrations.get(name).map(|pool| owner(directory, pool, now)),
        configured: reachable.contains_key(name),
    };
    names.into_iter().map(view).collect()
}

fn owned(looking: Looking<'_>, schema: &IntentType, reachable: &Reachable) -> OwnedTypeView {
    let Looking { rulebook, now, .. } = looking;
    let directory = rulebook.directory();
    let policy = rulebook.policy(&schema.name, now);
    let rows: BTreeMap<&str, _> =
        rulebook.shared().exceptions.iter().map(|rule| (&*rule.route.id, &rule.route)).collect();
    let exceptions = schema.exception_routes.iter().filter_map(|id| rows.get(id.as_str()));
    OwnedTypeView {
        name: schema.name.to_string(),
        state: rulebook.state_of(schema).as_str().to_owned(),
        live: LiveView::of(looking, schema),
        impact: schema.impact.as_str().to_owned(),
        owner: owner(directory, &schema.owner, now),
        policy_owner: policy.map(|policy| owner(directory, &policy.owner, now)),
        incident_owner: owner(directory, &schema.incident_owner, now),
        fallback_owner: schema.fallback_owner.to_string(),
        source: schema.source.to_string(),
        trigger: schema.trigger.to_string(),
        destinations: schema.destinations.iter().map(ToString::to_string).collect(),
        fail_mode: schema.fail_mode.as_str().to_owned(),
        enforcement: schema.enforcement.as_str().to_owned(),
        qa_checkpoint: format!(
            "{}% each {} by pool {} against list {}",
            schema.qa_checkpoint.percent,
            schema.qa_checkpoint.each,
            schema.qa_checkpoint.pool,
            schema.qa_checkpoint.list
        ),
        exception_budget: schema.budget.as_ref().map(ToString::to_string),
        asked_by: schema.asked_by.iter().flatten().map(ToString::to_string).collect(),
        break_glass: schema.break_glass.as_ref().map(ToString::to_string),
        reporting: schema.reporting.iter().map(ToString::to_string).collect(),
        seats: policy.map(|policy| seats(directory, policy, &schema.name, now)).unwrap_or_default(),
        exceptions: exceptions
            .map(|route| ExceptionRuleView {
                id: route.id.clone(),
                whom: route.whom.to_string(),
                within: route.within.to_string(),
                backup: route.backup.iter().map(ToString::to_string).collect(),
                closes_when: route.closes_when.clone(),
            })
            .collect(),
        lacking: lacking(rulebook, schema, now, reachable),
    }
}

fn owner(directory: &Directory, pool: &PoolName, now: Timestamp) -> OwnerView {
    let known = directory.pool(pool);
    let on_call = directory.on_call(pool, now).map(|on_call| OnCallView {
        person: on_call.person.to_string(),
        until: on_call.until.to_string(),
        instead_of: on_call.instead_of.map(|person| person.to_string()),
    });
    OwnerView {
        pool: pool.to_string(),
        lead: known.map(|known| known.lead.to_string()),
        members: known
            .map(|known| known.members.iter().map(ToString::to_string).collect())
            .unwrap_or_default(),
        on_call,
    }
}

/// Every row of the policy's routes that one of its rules or guards asks for.
fn seats(directory: &Directory, policy: &Policy, of: &IntentTypeName, now: Timestamp) -> Vec<SeatRuleView> {
    let asked = policy.routes.values().filter(|route| policy.asking(&route.name).next().is_some());
    let row = |route: &countersign_core::policy::Route, step: &RouteStep| SeatRuleView {
        route: route.name.to_string(),
        step: step.step,
        whom: step.whom.to_string(),
        people: people(directory, &step.whom.owned_by(&policy.owner), of, now),
        need: match step.need {
            Need::Count(count) => count.to_string(),
            Need::All => "all".to_owned(),
            Need::Percent(percent) => format!("{percent}%"),
            Need::Weight(weight) => format!("weight {weight}"),
        },
        within: step.within.to_string(),
        backup: step.backup.iter().map(ToString::to_string).collect(),
        finally: step.finally.as_str().to_owned(),
        rules: policy.asking(&route.name).count(),
    };
    asked.flat_map(|route| route.steps.iter().map(move |step| row(route, step))).collect()
}

/// Who can fill a seat now, where that does not depend on the intent.
fn people(directory: &Directory, whom: &Whom, of: &IntentTypeName, now: Timestamp) -> Vec<String> {
    let present = directory.present(whom, of, &[], now);
    present.unwrap_or_default().iter().map(ToString::to_string).collect()
}

fn lacking(rulebook: &Rulebook, schema: &IntentType, now: Timestamp, reachable: &Reachable) -> Vec<String> {
    let (directory, policy) = (rulebook.directory(), rulebook.policy(&schema.name, now));
    let mut lacking = Vec::new();
    if policy.is_none() {
        lacking.push("no policy is in force".to_owned());
    }
    let pools = [
        ("owner", Some(&schema.owner)),
        ("policy owner", policy.map(|policy| &policy.owner)),
        ("incident owner", Some(&schema.incident_owner)),
        ("QA checkpoint", Some(&schema.qa_checkpoint.pool)),
    ];
    for (what, pool) in pools {
        let Some(pool) = pool else { continue };
        match directory.pool(pool).map_or(0, |known| known.members.len()) {
            0 => lacking.push(format!("{what}: nobody is in pool {pool}")),
            1 => lacking.push(format!("{what}: one person is in pool {pool}, and nobody stands in for them")),
            _ => {}
        }
    }
    if !directory.knows(&schema.fallback_owner) {
        lacking.push(format!("fallback owner: {} is not in the house", schema.fallback_owner));
    }
    if is_built_in(&schema.name) {
        // It is written by the host itself.
        return lacking;
    }
    let mut connections: Vec<&ConnectionName> = schema.destinations.iter().chain([&schema.source]).collect();
    connections.sort();
    connections.dedup();
    for connection in connections.into_iter().filter(|connection| !reachable.contains_key(*connection)) {
        lacking.push(format!("connection {connection} is not configured"));
    }
    match rulebook.state_of(schema) {
        TypeState::Live => {}
        TypeState::Draft => lacking.extend(before_it_is_live(rulebook, schema, now, reachable)),
    }
    lacking
}

/// What keeps a draft from going live: what its file lacks, and a trial.
fn before_it_is_live(
    rulebook: &Rulebook,
    schema: &IntentType,
    now: Timestamp,
    reachable: &Reachable,
) -> Vec<String> {
    let (_, lacking) = fields(rulebook, schema, reachable, now);
    let fields = lacking.iter().map(|lack| format!("before it goes live: {lack}"));
    let name = &schema.name;
    let trial = format!(
        "it is a draft: `countersign intent submit {name} --trial` tries it out, \
         `countersign intent-type go-live {name} --trial INTENT --reason TEXT` asks that it goes live"
    );
    fields.chain([trial]).collect()
}
