//! Findings about routes: who is asked, how much is at stake, and which routes meet.

use super::{Findings, House, Level, each};
use crate::id::RouteName;
use crate::people::Directory;
use crate::policy::Policy;
use crate::policy::outcome::Settled;
use crate::policy::route::{Need, RouteStep, Whom};
use crate::policy::space::{Space, Verdict, spelled};
use crate::policy::sweep::{Place, Region};
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
        let place = format!("Routes {name}");
        for step in &route.steps {
            row(policy, house, name, step, &place, findings);
        }
        let mut levels: Vec<u32> = Vec::new();
        for step in &route.steps {
            if let Whom::Manager(level) = step.whom
                && !levels.contains(&level)
            {
                levels.push(level);
            }
        }
        for level in levels {
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
                    &place,
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
    step: &RouteStep,
    place: &str,
    findings: &mut Findings<'_>,
) {
    if step.backup.is_empty() {
        let message = format!("route `{name}`, step {}: there is no backup", step.step);
        findings.add(Level::Error, "no-backup", place, message);
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
                place,
                format!(
                    "route `{name}`, step {}: needs {weigh}{needed}, but its backup {backup} has {count}",
                    step.step
                ),
            );
            findings.advise("name a larger pool as backup");
        }
    }
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
            "Routes",
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
        findings.add(Level::Warning, "not-proved", "Routes", message);
        findings.advise("let one route cover another, so that fewer meet");
    }
    if let Some(axis) = amount {
        exposure(space, &diagram, axis, findings);
    }
    Some(joins)
}

/// The largest amount at stake of each route, and of an approval without people.
fn exposure(
    space: &Space<'_>,
    diagram: &crate::policy::sweep::Diagram<Verdict>,
    axis: usize,
    findings: &mut Findings<'_>,
) {
    let (Some(input), Some(grid), Some(model)) =
        (space.inputs.get(axis), space.axes.get(axis), space.models.first())
    else {
        return;
    };
    let pieces: Vec<(i64, Place)> = match diagram.root {
        Place::Node(index) => match diagram.nodes.get(index) {
            Some(node) if node.axis == axis => {
                node.pieces.iter().map(|(_, high, place)| (*high, *place)).collect()
            }
            Some(_) | None => vec![(grid.high, diagram.root)],
        },
        Place::End(_) => vec![(grid.high, diagram.root)],
    };
    let mut most: BTreeMap<String, i64> = BTreeMap::new();
    for (high, place) in pieces {
        let (ends, _) = diagram.reached(place);
        for (end, _) in diagram.ends.iter().zip(ends).filter(|(_, reached)| *reached) {
            match end {
                Verdict::Needs(routes, _) => {
                    routes.iter().for_each(|route| {
                        most.insert(route.clone(), high);
                    });
                }
                Verdict::Approve => {
                    most.insert(String::new(), high);
                }
                Verdict::Deny | Verdict::Unsure => {}
            }
        }
    }
    for (route, high) in most {
        let amount = spelled(&input.kind, high);
        let (place, who) = match route.as_str() {
            "" => ("Rules".to_owned(), "an approval without people".to_owned()),
            route => (format!("Routes {route}"), format!("route `{route}`")),
        };
        let message = format!("{who} decides about at most {amount} ({})", input.name);
        findings.add(Level::Note, "exposure", &place, message);
    }
    let open = model.policy.fail_open.as_ref().map(|open| open.at_most_a_day);
    if let Some(cap) = open {
        let amount = spelled(&input.kind, grid.high);
        let message = format!("fail-open may pass at most {amount} ({}) x {cap} a day", input.name);
        findings.add(Level::Note, "exposure", "fail open", message);
    }
}
