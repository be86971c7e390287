//! How much money each route, an approval without people and the fail-open path can see at most.

use super::{Findings, House, Level, Spot};
use crate::policy::Policy;
use crate::policy::space::{Formula, Point, Space, Verdict, spelled};
use crate::policy::stop::Stop;
use crate::policy::sweep::{Diagram, Place, Region};
use crate::policy::typed::Expression;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Most points at which one route is looked for where the sweep does not see what is computed; some 1 ms.
const POINTS_SEEN_MAX: usize = 256;

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
    let mut others = space.points(&region).take(POINTS_SEEN_MAX);
    if shows(&corner) { Some(corner) } else { others.find(|point| shows(point)) }
}

/// What may pass without a decision, a day: the largest amount for which the condition of `fail open` can hold.
pub(super) fn of_fail_open(policy: &Policy, house: House<'_>, stop: &Stop<'_>, findings: &mut Findings<'_>) {
    let Some(open) = &policy.fail_open else { return };
    let mut space = Space::of(policy, stop);
    let formula = space.formula(0, &open.only_if);
    let stake = house.intent.amount_at_stake.as_ref();
    let axis = space.inputs.iter().position(|input| Some(&input.name) == stake);
    let (cap, condition) = (open.at_most_a_day, &open.only_if.source);
    let most = match most(&space, &formula, axis) {
        Most::Nothing => {
            let message = format!("fail-open passes nothing: `{condition}` never holds");
            findings.add(Level::Note, "exposure", Spot::Setting("fail open"), message);
            return;
        }
        Most::Upto(most) => Some(most),
        // What the policy does not read may be as large as its type allows.
        Most::Anything => stake.and_then(|stake| Some(house.intent.kind_of(stake)?.bounds()?.1)),
    };
    let kind = stake.and_then(|stake| house.intent.kind_of(stake));
    let what = match most.zip(kind).zip(stake) {
        Some(((most, kind), stake)) => format!("at most {} ({stake}) x {cap} a day", spelled(kind, most)),
        None => format!("{cap} a day"),
    };
    let mut message = format!("fail-open may pass {what}, where `{condition}`");
    let point = passing(&space, &open.only_if, axis.zip(most));
    let reached = point.as_ref().zip(axis).and_then(|(point, axis)| point.numbers.get(axis).copied());
    if let (Some(reached), Some(most), Some(kind)) = (reached, most, kind)
        && reached < most
    {
        message += &format!("; the most that was found is {}", spelled(kind, reached));
    }
    findings.add(Level::Note, "exposure", Spot::Setting("fail open"), message);
    if let Some(point) = point {
        findings.witness(&space, &point);
    }
}

/// The largest value of an input for which a condition can hold, as far as the sweep sees.
enum Most {
    /// It never holds.
    Nothing,
    /// No larger one.
    Upto(i64),
    /// There is no such input.
    Anything,
}

fn most(space: &Space<'_>, formula: &Formula, axis: Option<usize>) -> Most {
    let mut order = space.order();
    order.sort_by_key(|own| Some(*own) != axis);
    let mut read = BTreeSet::new();
    formula.reads(&mut read);
    let holds = space.conditions(&order, &read, |areas| formula.holds(areas));
    if holds.as_ref().is_some_and(|holds| !holds.answers().any(|holds| *holds)) {
        return Most::Nothing;
    }
    let Some((axis, grid)) = axis.and_then(|axis| Some((axis, space.axes.get(axis)?))) else {
        return Most::Anything;
    };
    let Some(holds) = holds else { return Most::Upto(grid.high) };
    let can_hold = |place: Place| {
        let (ends, _) = holds.reached(place);
        holds.ends.iter().zip(ends).any(|(holds, reached)| reached && *holds)
    };
    let pieces = pieces(&holds, axis, grid.high).into_iter().filter(|(_, place)| can_hold(*place));
    Most::Upto(pieces.map(|(high, _)| high).max().unwrap_or(grid.high))
}

/// An intent for which a condition holds: one with this value of the input, else the largest value that is found.
fn passing(space: &Space<'_>, condition: &Expression, most: Option<(usize, i64)>) -> Option<Point> {
    let model = space.models.first()?;
    let holds = |point: &Point| space.condition(model, condition, point) == Some(true);
    let mut region = Region::new();
    region.extend(most.map(|(axis, most)| (axis, vec![(most, most)])));
    let corner = space.corner(&region);
    if holds(&corner) {
        return Some(corner);
    }
    let all = Region::new();
    let found = space.points(&region).find(|point| holds(point));
    found.or_else(|| {
        let holding = space.points(&all).filter(|point| holds(point));
        holding.min_by_key(|point| Reverse(most.and_then(|(axis, _)| point.numbers.get(axis).copied())))
    })
}
