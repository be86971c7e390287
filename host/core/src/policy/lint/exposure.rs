//! How much money each route, an approval without people and the fail-open path can see at most.

use super::{Findings, House, Level, Spot};
use crate::policy::Policy;
use crate::policy::space::{Point, Space, Verdict, spelled};
use crate::policy::stop::Stop;
use crate::policy::sweep::{Diagram, Place, Region};
use std::collections::{BTreeMap, BTreeSet};

/// What the first axis of a diagram leads to: its pieces, each with its largest value.
fn pieces<T>(diagram: &Diagram<T>, axis: usize, high: i64) -> Vec<(i64, Place)> {
    match diagram.root {
        Place::Node(index) => match diagram.nodes.get(index) {
            Some(node) if node.axis == axis => {
                node.pieces.iter().map(|(_, high, place)| (*high, *place)).collect()
            }
            Some(_) | None => vec![(high, diagram.root)],
        },
        Place::End(_) => vec![(high, diagram.root)],
    }
}

/// The largest amount at stake of each route, and of an approval without people. The diagram asks for the amount first.
pub(super) fn of_routes(
    space: &Space<'_>,
    diagram: &Diagram<Verdict>,
    axis: usize,
    findings: &mut Findings<'_>,
) {
    let (Some(input), Some(grid)) = (space.inputs.get(axis), space.axes.get(axis)) else { return };
    let mut most: BTreeMap<String, (i64, Place)> = BTreeMap::new();
    for (high, place) in pieces(diagram, axis, grid.high) {
        let (ends, _) = diagram.reached(place);
        for (end, _) in diagram.ends.iter().zip(ends).filter(|(_, reached)| *reached) {
            match end {
                Verdict::Needs(routes, _) => {
                    routes.iter().for_each(|route| {
                        most.insert(route.clone(), (high, place));
                    });
                }
                Verdict::Approve => {
                    most.insert(String::new(), (high, place));
                }
                Verdict::Deny | Verdict::Unsure => {}
            }
        }
    }
    for (route, (high, from)) in most.into_iter().take_while(|_| !space.stop.is_asked()) {
        let amount = spelled(&input.kind, high);
        let name = route.parse().ok();
        let (spot, who) = match &name {
            Some(name) => (Spot::Step(name, 0, "route"), format!("route `{route}`")),
            None => (Spot::Table("Rules"), "an approval without people".to_owned()),
        };
        findings.add(
            Level::Note,
            "exposure",
            spot,
            format!("{who} decides about at most {amount} ({})", input.name),
        );
        if let Some(point) = seen(space, diagram, (axis, high, from), &route) {
            findings.witness(space, &point);
        }
    }
}

/// An intent with this amount that needs the route, or with an empty name one that is approved; nothing if what is
/// computed keeps every point that was tried from it.
fn seen(
    space: &Space<'_>,
    diagram: &Diagram<Verdict>,
    (axis, high, from): (usize, i64, Place),
    route: &str,
) -> Option<Point> {
    let model = space.models.first()?;
    let leads = |verdict: &Verdict| match verdict {
        Verdict::Needs(routes, _) => routes.iter().any(|own| own == route),
        Verdict::Approve => route.is_empty(),
        Verdict::Deny | Verdict::Unsure => false,
    };
    let (mut region, _) = diagram.regions_from(from, 1, space.stop, leads).0.into_iter().next()?;
    region.insert(axis, vec![(high, high)]);
    let corner = space.corner(&region);
    let shows = |point: &Point| leads(&space.answer(model, point).verdict);
    if shows(&corner) { Some(corner) } else { space.points(&region).find(|point| shows(point)) }
}

/// What may pass without a decision, a day: the largest amount for which the condition of `fail open` can hold.
pub(super) fn of_fail_open(policy: &Policy, house: House<'_>, stop: &Stop<'_>, findings: &mut Findings<'_>) {
    let Some(open) = &policy.fail_open else { return };
    let mut space = Space::of(policy, stop);
    let formula = space.formula(0, &open.only_if);
    let stake = house.intent.amount_at_stake.as_ref();
    let axis = space.inputs.iter().position(|input| Some(&input.name) == stake);
    let mut order = space.order();
    order.sort_by_key(|own| Some(*own) != axis);
    let mut read = BTreeSet::new();
    formula.reads(&mut read);
    let holds = space.conditions(&order, &read, |areas| formula.holds(areas));
    let (spot, cap, condition) = (Spot::Setting("fail open"), open.at_most_a_day, &open.only_if.source);
    if holds.as_ref().is_some_and(|holds| !holds.answers().any(|holds| *holds)) {
        findings.add(
            Level::Note,
            "exposure",
            spot,
            format!("fail-open passes nothing: `{condition}` never holds"),
        );
        return;
    }
    // What the policy does not read, or the sweep does not see, may be as large as its type allows.
    let unread = stake.and_then(|stake| Some((stake, house.intent.kind_of(stake)?)));
    let (most, kind) = match axis
        .and_then(|axis| Some((axis, space.inputs.get(axis)?, space.axes.get(axis)?)))
    {
        Some((axis, input, grid)) => {
            let all = holds.as_ref().map(|holds| (pieces(holds, axis, grid.high), holds));
            let held = all.and_then(|(pieces, holds)| {
                let leads = |place: Place| {
                    let (ends, _) = holds.reached(place);
                    holds.ends.iter().zip(ends).any(|(holds, reached)| reached && *holds)
                };
                pieces.into_iter().filter(|(_, place)| leads(*place)).map(|(high, _)| high).max()
            });
            (Some(held.unwrap_or(grid.high)), Some(&input.kind))
        }
        None => {
            (unread.and_then(|(_, kind)| kind.bounds()).map(|(_, high)| high), unread.map(|(_, kind)| kind))
        }
    };
    let amount = most.zip(kind).zip(stake);
    let what = match amount {
        Some(((most, kind), stake)) => format!("at most {} ({stake}) x {cap} a day", spelled(kind, most)),
        None => format!("{cap} a day"),
    };
    findings.add(Level::Note, "exposure", spot, format!("fail-open may pass {what}, where `{condition}`"));
    let mut region = Region::new();
    if let (Some(axis), Some(most)) = (axis, most) {
        region.insert(axis, vec![(most, most)]);
    }
    let Some(model) = space.models.first() else { return };
    let shows = |point: &Point| space.condition(model, &open.only_if, point) == Some(true);
    let corner = space.corner(&region);
    let point = if shows(&corner) { Some(corner) } else { space.points(&region).find(|point| shows(point)) };
    if let Some(point) = point {
        findings.witness(&space, &point);
    }
}
