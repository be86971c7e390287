//! What only the whole set shows: names that lead nowhere, inputs wider than their tokens, quorums
//! that no pool can fill. All of it is asked of `people.md`: who is on record comes and goes.

use super::Rulebook;
use crate::budget::{Budget, Spent};
use crate::built_in::is_built_in;
use crate::document::{Fault, Faults, Place, did_you_mean, nearest};
use crate::exception::{Cause, Closure};
use crate::going_live::GO_LIVE_ROUTE;
use crate::id::{FieldName, IntentTypeName, PersonId, PoolName, RoleName};
use crate::intent::{Enforcement, FailMode, FieldType, IntentType, TokenSpec};
use crate::people::Directory;
use crate::policy::typed::Input;
use crate::policy::{Need, Policy, Route, Whom};
use std::collections::BTreeSet;

pub(super) fn all(rulebook: &Rulebook, faults: &mut Vec<Fault>) {
    for intent in rulebook.intents.values() {
        let mut own = Faults::new(&intent.path);
        intent_type(rulebook, intent, &mut own);
        faults.extend(own.into_list());
    }
    for (name, versions) in &rulebook.policies {
        for policy in versions {
            let mut own = Faults::new(&policy.path);
            policy_of(rulebook, name, policy, &mut own);
            let twin = |other: &&std::sync::Arc<Policy>| {
                other.effective == policy.effective && other.path < policy.path
            };
            if let Some(other) = versions.iter().find(twin) {
                own.at_place(
                    policy.places.setting("effective"),
                    format!("`{}` is effective on {} too", other.path, policy.effective),
                );
                own.help("write the day from which this version counts");
            }
            faults.extend(own.into_list());
        }
    }
    shared(rulebook, faults);
    for absence in &rulebook.house.absence {
        if let Some(name) = &absence.of
            && rulebook.intent_type(name).is_none()
        {
            let mut own = Faults::new("people.md");
            own.on_line(
                0,
                format!(
                    "the absence of `{}` names the intent type `{name}`, which is not there",
                    absence.person
                ),
            );
            faults.extend(own.into_list());
        }
    }
}

fn shared(rulebook: &Rulebook, faults: &mut Vec<Fault>) {
    let shared = rulebook.shared();
    let mut own = Faults::new(&shared.path);
    pool(&rulebook.house, &shared.owner, Place::default(), "the owner", &mut own);
    // Whoever owns the file has the seats that no policy asks for.
    let policies = rulebook.policies.values().flatten().map(|policy| &policy.owner);
    let policies: BTreeSet<&PoolName> = policies.chain([&shared.owner]).collect();
    let types: BTreeSet<&PoolName> = rulebook.intents.values().map(|intent| &intent.owner).collect();
    for route in shared.routes.values() {
        let owners = if route.name.as_str() == GO_LIVE_ROUTE { &types } else { &policies };
        route_people(rulebook, (None, owners), route, &mut own);
    }
    // Whoever owns an intent type is among those who let it go live.
    let go_live = shared.routes.values().find(|route| route.name.as_str() == GO_LIVE_ROUTE);
    if let Some(route) = go_live
        && !route.steps.iter().any(|step| step.whom == Whom::OwnerOfPolicy)
    {
        let message = format!("route `{GO_LIVE_ROUTE}`: no step asks `owner of policy`");
        own.at_place(route.places(0).whom, message);
        own.help(
            "write `owner of policy` as `whom` of one of its rows: it stands for the pool that owns the intent type",
        );
    }
    for rule in &shared.exceptions {
        let people = std::iter::once(&rule.route.whom).chain(&rule.route.backup);
        for whom in people {
            let place = format!("row `{}`", rule.route.id);
            known(&rulebook.house, None, whom, rule.place(), &place, &mut own);
        }
    }
    faults.extend(own.into_list());
}

fn pool(directory: &Directory, name: &PoolName, at: Place, place: &str, faults: &mut Faults) {
    if directory.pool(name).is_none() {
        faults.at_place(at, format!("{place}: `{name}` is no pool of `people.md`"));
        let pools = directory.pools.keys().map(PoolName::as_str);
        faults.help(did_you_mean(name.as_str(), pools, "the pools are"));
    }
}

/// Who was probably meant: one of `known`, else a pool that is called so.
fn person_or_pool<'a>(
    directory: &Directory,
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
    listed: &str,
) -> String {
    let pool = nearest(name, directory.pools.keys().map(PoolName::as_str));
    match (nearest(name, known.clone()), pool) {
        (None, Some(pool)) => format!("did you mean `pool {pool}`?"),
        (_, _) => did_you_mean(name, known, listed),
    }
}

/// Whether those whom a row names are there.
fn known(
    directory: &Directory,
    intent: Option<&IntentType>,
    whom: &Whom,
    at: Place,
    place: &str,
    faults: &mut Faults,
) {
    match whom {
        Whom::Pool(name) => pool(directory, name, at, place, faults),
        Whom::Role(name) if !directory.roles.contains_key(name) => {
            faults.at_place(at, format!("{place}: `{name}` is no role of `people.md`"));
            let roles = directory.roles.keys().map(RoleName::as_str);
            faults.help(person_or_pool(directory, name.as_str(), roles, "the roles are"));
        }
        Whom::Person(name) if !directory.knows(name) => {
            faults.at_place(at, format!("{place}: `{name}` is no person of `people.md`"));
            let persons = directory.persons.keys().map(PersonId::as_str);
            faults.help(person_or_pool(directory, name.as_str(), persons, "the persons are"));
        }
        Whom::NamedIn(token) => {
            let can_name = |spec: &&TokenSpec| {
                spec.required && matches!(spec.kind, FieldType::Text { .. } | FieldType::OneOf(_))
            };
            let tokens: Vec<&TokenSpec> =
                intent.iter().flat_map(|intent| &intent.tokens).filter(can_name).collect();
            if !tokens.iter().any(|spec| spec.name == *token) {
                faults
                    .at_place(at, format!("{place}: `{token}` is no required token that can name a person"));
                let names = tokens.iter().map(|spec| spec.name.as_str());
                faults.help(did_you_mean(token.as_str(), names, "tokens that can are"));
            }
        }
        Whom::Role(_) | Whom::Person(_) | Whom::Manager(_) | Whom::OwnerOfPolicy => {}
    }
}

/// Whether there are people for a route; `owners` are the pools that `owner of policy` in it can be.
fn route_people(
    rulebook: &Rulebook,
    (intent, owners): (Option<&IntentType>, &BTreeSet<&PoolName>),
    route: &Route,
    faults: &mut Faults,
) {
    let directory = &rulebook.house;
    for (row, step) in route.steps.iter().enumerate() {
        let at = route.places(row);
        let place = format!("route `{}`, step {}", route.name, step.step);
        known(directory, intent, &step.whom, at.whom, &place, faults);
        for whom in &step.backup {
            known(directory, intent, whom, at.backup, &format!("{place}, backup"), faults);
        }
        if step.whom != Whom::OwnerOfPolicy {
            quorum(directory, (&step.whom, step.need), at.need, &place, faults);
            continue;
        }
        for owner in owners {
            let place = format!("{place}, for what `{owner}` owns");
            let before = faults.len();
            quorum(directory, (&Whom::Pool(PoolName::clone(owner)), step.need), at.need, &place, faults);
            if before < faults.len()
                && let Some(all) = all_have(directory, step.need, owners)
            {
                faults.help(format!("write `{all}` or less, which the smallest of these pools has too"));
            }
        }
    }
}

/// The largest number or weight of voices that each of these pools has; nothing if the row asks for neither.
fn all_have(directory: &Directory, need: Need, pools: &BTreeSet<&PoolName>) -> Option<String> {
    let found = pools.iter().filter_map(|name| directory.pool(name).map(|pool| (name, pool)));
    match need {
        Need::Count(_) => found.map(|(_, pool)| pool.members.len()).min().map(|least| least.to_string()),
        Need::Weight(_) => {
            let whole =
                found.filter_map(|(name, _)| directory.whole_weight(&Whom::Pool(PoolName::clone(name))));
            whole.min().map(|least| format!("weight {least}"))
        }
        Need::All | Need::Percent(_) => None,
    }
}

/// Whether a pool has as many members as a row needs, and whether one person can be two.
fn quorum(directory: &Directory, (whom, need): (&Whom, Need), at: Place, place: &str, faults: &mut Faults) {
    let needed = match need {
        Need::Count(needed) => needed,
        Need::All | Need::Percent(_) => return,
        Need::Weight(needed) => return weight(directory, whom, needed, (at, place), faults),
    };
    let members = match whom {
        Whom::Pool(name) => match directory.pool(name) {
            Some(pool) => pool.members.len(),
            None => return,
        },
        Whom::Role(_) | Whom::Person(_) | Whom::Manager(_) | Whom::NamedIn(_) => 1,
        Whom::OwnerOfPolicy => return,
    };
    if usize::try_from(needed).is_ok_and(|needed| members < needed) {
        faults.at_place(at, format!("{place}: needs {needed} of `{whom}`, which has {members}"));
        let larger = directory
            .pools
            .iter()
            .find(|(_, pool)| usize::try_from(needed).is_ok_and(|needed| needed <= pool.members.len()));
        let larger = larger.map(|(name, _)| format!(", or ask a larger pool, such as `pool {name}`"));
        faults.help(format!("write `{members}` or less{}", larger.unwrap_or_default()));
    }
}

/// Whether the voices of a pool weigh as much as a row needs.
fn weight(directory: &Directory, whom: &Whom, needed: u32, (at, place): (Place, &str), faults: &mut Faults) {
    match directory.whole_weight(whom) {
        Some(whole) if needed <= whole => {}
        Some(whole) => {
            faults.at_place(at, format!("{place}: needs weight {needed} of `{whom}`, which weighs {whole}"));
            faults.help(format!(
                "write `weight {whole}` or less, or give its members more weight in `people.md`"
            ));
        }
        None => {
            faults.at_place(
                at,
                format!("{place}: `{whom}` is no pool, and only the voices of a pool have weights"),
            );
            faults.help("write `1`, or ask a pool");
        }
    }
}

fn intent_type(rulebook: &Rulebook, intent: &IntentType, faults: &mut Faults) {
    let at = |name: &str| intent.places.get(name).copied().unwrap_or_default();
    let directory = &rulebook.house;
    pool(directory, &intent.owner, at("owner"), "the owner", faults);
    pool(directory, &intent.incident_owner, at("incident owner"), "the incident owner", faults);
    pool(directory, &intent.qa_checkpoint.pool, at("QA checkpoint"), "the QA checkpoint", faults);
    if !directory.knows(&intent.fallback_owner) {
        faults.at_place(
            at("fallback owner"),
            format!("`{}` is no person of `people.md`", intent.fallback_owner),
        );
    }
    for id in &intent.exception_routes {
        if !rulebook.shared().exceptions.iter().any(|rule| rule.route.id == *id) {
            faults.at_place(at("exception route"), format!("`{id}` is no row of the exception table"));
        }
    }
    for rule in &intent.overrides {
        let place = format!("override `{}`", rule.reason);
        known(directory, Some(intent), &rule.by, at("enforcement"), &place, faults);
    }
    for whom in intent.visibility.intent.named() {
        known(directory, Some(intent), whom, at("seen by"), "who sees it", faults);
    }
    for (field, whoms) in &intent.visibility.fields {
        for whom in whoms {
            known(directory, Some(intent), whom, at("Visibility"), &format!("who sees `{field}`"), faults);
        }
    }
    if let Some(declared) = &intent.budget {
        budget(rulebook, intent, declared, faults);
    }
    for whom in intent.asked_by.iter().flatten() {
        known(directory, Some(intent), whom, at("asked by"), "who may ask for it", faults);
    }
    if let Some(declared) = &intent.break_glass {
        known(directory, Some(intent), &declared.by, at("break glass"), "who breaks the glass", faults);
        reviewed(rulebook, intent, (Cause::BreakGlass, at("break glass")), faults);
    }
    if intent.enforcement == Enforcement::Soft && intent.overrides.is_empty() {
        faults.at_place(at("enforcement"), "enforcement is `soft`, but nobody may override");
    }
}

/// Whether the exception about a spent budget reaches somebody by a row of its own, and the council is there.
fn budget(rulebook: &Rulebook, intent: &IntentType, budget: &Budget, faults: &mut Faults) {
    let at = intent.places.get("exception budget").copied().unwrap_or_default();
    if let Spent::Council(route) = &budget.then
        && !rulebook.shared().routes.contains_key(route)
    {
        faults.at_place(at, format!("the exception budget: `{route}` is no route of `routes.md`"));
        faults.help("name the people of the council as a route there, with time and backup");
    }
    reviewed(rulebook, intent, (Cause::Budget, at), faults);
}

/// Whether what ends with a review, whatever is at stake in the intent, reaches somebody by rows that say so.
fn reviewed(rulebook: &Rulebook, intent: &IntentType, (cause, at): (Cause, Place), faults: &mut Faults) {
    let cause = cause.as_str();
    for row in rulebook.exceptions_of(&intent.name, cause, None) {
        let id = &row.id;
        if !intent.exception_routes.contains(id) {
            faults.at_place(at, format!("cause `{cause}` reaches row `{id}`, which `exception route` lacks"));
            faults.help(format!(
                "give cause `{cause}` a row of the exception table, and name its id in `exception route`"
            ));
        }
        if !row.closes_when.iter().any(|way| way == Closure::Reviewed.as_str()) {
            faults.at_place(at, format!("cause `{cause}`: row `{id}` does not close when `reviewed`"));
            faults.help("it ends with what was found and what follows");
        }
    }
}

fn policy_of(rulebook: &Rulebook, name: &IntentTypeName, policy: &Policy, faults: &mut Faults) {
    let at = |name: &str| policy.places.setting(name);
    pool(&rulebook.house, &policy.owner, at("owner"), "the owner", faults);
    let Some(intent) = rulebook.intents.get(name) else {
        if is_built_in(name) {
            faults.at_place(
                at("intent"),
                format!("the policy of `{name}` is built in: a file cannot define it"),
            );
            faults.help("who decides it stands in the route of its name in `routes.md`");
        } else {
            faults.at_place(at("intent"), format!("there is no intent type `{name}`"));
            let names = rulebook.intents.keys().map(IntentTypeName::as_str);
            faults.help(did_you_mean(name.as_str(), names, "the intent types are"));
        }
        return;
    };
    for own in &policy.inputs {
        input(intent, policy, own, faults);
    }
    if let Some(each) = policy.list()
        && intent.list() != Some(each)
    {
        faults.at_place(
            policy.places.table("Inputs"),
            format!("`{each}` is no list of the intent type `{name}`"),
        );
        faults.help(match intent.list() {
            Some(list) => format!("write `{list}.` before the names of its fields"),
            None => "remove the dotted inputs: the intent type has no list".to_owned(),
        });
    }
    if policy.fail_open.is_some() && intent.fail_mode != FailMode::MayOpen {
        faults.at_place(
            at("fail open"),
            format!("`fail open`: the intent type `{name}` has fail mode `closed`"),
        );
        faults.help("remove the row; only an intent type of impact `low` may open, and it says `may open`");
    }
    for (route_name, route) in &policy.routes {
        // Shared routes are checked once, in their own file.
        if !rulebook.shared().routes.contains_key(route_name) {
            let owners = BTreeSet::from([&policy.owner]);
            route_people(rulebook, (Some(intent), &owners), route, faults);
        }
    }
}

/// Whether an input is a token or fact of the intent type, of its type or a narrower one.
fn input(intent: &IntentType, policy: &Policy, own: &Input, faults: &mut Faults) {
    let name = &own.name;
    let cell = |column: &str| policy.places.cell("Inputs", name.as_str(), column);
    let Some(kind) = intent.kind_of(name) else {
        faults.at_place(cell("name"), format!("input `{name}` is no token and no fact of `{}`", intent.name));
        let known = intent.tokens.iter().map(|token| &token.name);
        let known: Vec<&str> =
            known.chain(intent.facts.iter().map(|fact| &fact.name)).map(FieldName::as_str).collect();
        // One that the policy reads already was not meant.
        let free = known
            .iter()
            .copied()
            .filter(|known| !policy.inputs.iter().any(|input| input.name.as_str() == *known));
        faults.help(match nearest(name.as_str(), free) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => did_you_mean(name.as_str(), known, "its tokens and facts are"),
        });
        return;
    };
    if !own.kind.is_within(kind) {
        faults.at_place(
            cell("type"),
            format!("input `{name}`: {} is not within {kind}, its type in `{}`", own.kind, intent.name),
        );
        faults.help(format!("write `{kind}`, or a narrower type"));
    }
    if intent.token(name).is_some_and(|token| !token.required) {
        faults.at_place(cell("name"), format!("input `{name}` is a token that is not required"));
        faults.help("make it required, or give its type a value that says `none`");
    }
}
