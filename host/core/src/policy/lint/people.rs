//! Findings about routes: who is asked, how much is at stake, and which routes meet.

use super::{Findings, House, Level, Spot, each, exposure};
use crate::id::RouteName;
use crate::people::Directory;
use crate::policy::Policy;
use crate::policy::outcome::Settled;
use crate::policy::route::{Need, RouteStep, Whom};
use crate::policy::space::Space;
use crate::policy::sweep::Region;
use std::collections::{BTreeMap, BTreeSet};

/// Most sets of routes whose seats are checked one by one.
pub(super) const JOINS_MAX: usize = 256;

/// A place where routes meet: a region, or one for each of several elements of an intent's list.
pub(super) type Meeting = Vec<Region>;

/// Sets of routes that some intent needs together, with a place where they do.
pub(super) type Joins = BTreeMap<BTreeSet<RouteName>, Meeting>;

/// How many people a row names before anybody is away or in conflict; nothing if it depends on the
/// intent.
pub(super) fn holders(directory: &Directory, policy: &Policy, whom: &Whom) -> Option<usize> {
    match whom.owned_by(&policy.owner) {
        Whom::Pool(name) => directory.pool(&name).map(|pool| pool.members.len()),
        Whom::Role(_) | Whom::Person(_) => Some(1),
        Whom::Manager(_) | Whom::NamedIn(_) | Whom::OwnerOfPolicy => None,
    }
}

/// How many voices, or what weight, somebody can give; nothing if that depends on the intent.
fn voices(directory: &Directory, policy: &Policy, need: Need, whom: &Whom) -> Option<u32> {
    let whole = match need {
        Need::Weight(_) => directory.whole_weight(&whom.owned_by(&policy.owner)),
        Need::Count(_) | Need::All | Need::Percent(_) => None,
    };
    whole.or_else(|| u32::try_from(holders(directory, policy, whom)?).ok())
}

/// Backups that are too few, and managers that are nobody.
pub(super) fn routes(policy: &Policy, house: House<'_>, findings: &mut Findings<'_>) {
    for (name, route) in &policy.routes {
        for (index, step) in route.steps.iter().enumerate() {
            row(policy, house, name, (index, step), findings);
        }
        let mut levels: Vec<(usize, u32)> = Vec::new();
        for (index, step) in route.steps.iter().enumerate() {
            if let Whom::Manager(level) = step.whom
                && !levels.iter().any(|(_, other)| *other == level)
            {
                levels.push((index, level));
            }
        }
        for (index, level) in levels {
            let without: Vec<String> = house
                .directory
                .persons
                .keys()
                .filter(|person| house.directory.manager(person, level).is_none())
                .map(|person| format!("`{person}`"))
                .collect();
            if !without.is_empty() {
                let whom = Whom::Manager(level);
                let shown = without.iter().take(3).cloned().collect::<Vec<String>>().join(", ");
                let more = without.len().saturating_sub(3);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                findings.add(
                    Level::Warning,
                    "no-manager",
                    Spot::Step(name, index, "whom"),
                    format!(
                        "route `{name}`: {whom} is nobody for {shown}{more}; their intents go to the backup"
                    ),
                );
                findings.advise("give them a manager in `people.md`, or accept the backup");
            }
        }
    }
}

fn row(
    policy: &Policy,
    house: House<'_>,
    name: &RouteName,
    (index, step): (usize, &RouteStep),
    findings: &mut Findings<'_>,
) {
    if step.backup.is_empty() {
        let message = format!("route `{name}`, step {}: there is no backup", step.step);
        findings.add(Level::Error, "no-backup", Spot::Step(name, index, "backup"), message);
        findings.advise("name a pool that is asked when nobody answers in time");
    }
    let (needed, weigh) = match step.need {
        Need::Count(needed) => (needed, ""),
        Need::Weight(needed) => (needed, "a weight of "),
        Need::All | Need::Percent(_) => return,
    };
    for backup in &step.backup {
        let Some(count) = voices(house.directory, policy, step.need, backup) else { continue };
        if count < needed {
            findings.add(
                Level::Warning,
                "backup-too-small",
                Spot::Step(name, index, "backup"),
                format!(
                    "route `{name}`, step {}: needs {weigh}{needed}, but its backup {backup} has {count}",
                    step.step
                ),
            );
            findings.advise(match larger(house.directory, policy, step) {
                Some(pool) => format!("name a larger pool as backup, such as `{pool}`"),
                None => format!("lower `need` to {count}, or add people: no other pool is large enough"),
            });
        }
    }
}

/// A pool that is not asked already and could give as many voices as a row needs.
fn larger(directory: &Directory, policy: &Policy, step: &RouteStep) -> Option<Whom> {
    let (Need::Count(needed) | Need::Weight(needed)) = step.need else { return None };
    let pools = directory.pools.keys().map(|name| Whom::Pool(name.clone()));
    let mut free = pools.filter(|pool| step.whom.owned_by(&policy.owner) != *pool);
    free.find(|pool| voices(directory, policy, step.need, pool).is_some_and(|count| needed <= count))
}

/// Which routes an intent can need together, and how much money each of them can see.
pub(super) fn joins(space: &Space<'_>, house: House<'_>, findings: &mut Findings<'_>) -> Option<Joins> {
    let model = space.models.first()?;
    // The amount comes first, so that its largest piece that leads to a route is the exposure; what
    // belongs to an element comes last, so that behind a place stand all elements of one intent.
    let stake = house.intent.amount_at_stake.as_ref();
    let amount = space.inputs.iter().position(|input| Some(&input.name) == stake);
    let mut order = space.order();
    order.sort_by_key(|axis| (space.is_of_element(*axis), Some(*axis) != amount));
    let diagram = space.asked(model, &order, |_| true);
    let diagram = diagram.map(|diagram| diagram.map(space.stop, |asked| space.verdict(model, *asked)));
    let Some(diagram) = diagram else {
        findings.add(
            Level::Warning,
            "not-proved",
            Spot::Table("Routes"),
            "rules and guards have too many cases together: seats and exposure are not proved".to_owned(),
        );
        findings.advise("split the table, or make guards simpler");
        return None;
    };
    let mut joins = Joins::new();
    let mut more = false;
    for end in diagram.ends.iter().take_while(|_| !space.stop.is_asked()) {
        let Some(Settled::Needs(needs)) = end.settled() else { continue };
        if joins.contains_key(&needs.routes) {
            continue;
        }
        if joins.len() == JOINS_MAX {
            more = true;
            continue;
        }
        if let Some((region, _)) = diagram.regions(1, space.stop, |other| other == end).0.into_iter().next() {
            joins.insert(needs.routes, vec![region]);
        }
    }
    if model.policy.each.is_some() {
        let elements_max = each::elements_max(model.policy, house.intent);
        more |= !each::united(space, &diagram, &model.policy.covers, elements_max, &mut joins);
    }
    if more {
        let message =
            format!("more than {JOINS_MAX} sets of routes meet: the seats of the rest are not proved");
        findings.add(Level::Warning, "not-proved", Spot::Table("Routes"), message);
        findings.advise("let one route cover another, so that fewer meet");
    }
    if let Some(axis) = amount {
        exposure::of_routes(space, &diagram, axis, findings);
    }
    Some(joins)
}
