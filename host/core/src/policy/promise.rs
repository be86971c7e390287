//! Promises: proved by the sweep where it can see, else tested, and a broken one shows itself.

use super::asks::Asked;
use super::space::{Point, Space, Trend, Verdict, trend};
use super::stop::Stop;
use super::sweep::{Diagram, Place, Region};
use super::typed::Expression;
use super::{Policy, Promise};
use crate::id::FieldName;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;

/// What is known of a promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// It holds everywhere.
    Proved,
    /// It holds wherever it was tried.
    Tested {
        /// At how many points.
        points: usize,
    },
    /// It does not hold.
    Broken {
        /// Intents and their outcomes: two neighbours, or the one that is approved.
        witness: Vec<(String, String)>,
        /// The rules and guards that answer the last of them.
        #[serde(skip)]
        by: Vec<String>,
    },
}

/// A promise and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// The promise in its own words.
    pub promise: String,
    /// What is known of it.
    pub proof: Proof,
}

impl fmt::Display for Promise {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Promise::More(name) => write!(formatter, "more {name} never needs less"),
            Promise::Less(name) => write!(formatter, "less {name} never needs less"),
            Promise::ApproveOnlyIf(condition) => write!(formatter, "approve only if {}", condition.source),
        }
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "promise \"{}\": ", self.promise)?;
        match &self.proof {
            Proof::Proved => formatter.write_str("proved"),
            Proof::Tested { points } => write!(formatter, "tested at {points} points, not proved"),
            Proof::Broken { witness, .. } => {
                formatter.write_str("BROKEN")?;
                witness.iter().try_for_each(|(intent, outcome)| write!(formatter, "\n  {intent}: {outcome}"))
            }
        }
    }
}

/// All promises of a policy, in its order; worth nothing if it was stopped.
pub(crate) fn promises(policy: &Policy, stop: &Stop<'_>) -> Vec<Kept> {
    policy
        .promises
        .iter()
        .take_while(|_| !stop.is_asked())
        .map(|promise| {
            let proof = match promise {
                Promise::More(name) => monotone(policy, name, Direction::More, stop),
                Promise::Less(name) => monotone(policy, name, Direction::Less, stop),
                Promise::ApproveOnlyIf(condition) => approve_only_if(policy, condition, stop),
            };
            Kept { promise: promise.to_string(), proof }
        })
        .collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    More,
    Less,
}

/// Whether `stricter` is at least as strict; a gap or overlap is an error of its own.
fn at_least(policy: &Policy, less: &Verdict, stricter: &Verdict) -> bool {
    match (less.settled(), stricter.settled()) {
        (Some(less), Some(stricter)) => {
            less.join(&stricter, &policy.covers) == stricter.normal(&policy.covers)
        }
        (None, _) | (_, None) => true,
    }
}

/// The smaller value first, then the larger, in the order in which the outcome must not fall.
fn ordered<T>(direction: Direction, small: T, large: T) -> (T, T) {
    match direction {
        Direction::More => (small, large),
        Direction::Less => (large, small),
    }
}

/// The promises of a policy that say which way an input may move, and are proved.
pub(crate) fn proved(policy: &Policy) -> Vec<Promise> {
    let stop = Stop::never();
    let space = Space::of(policy, &stop);
    let is_proved = |promise: &&Promise| {
        let swept = match promise {
            Promise::More(name) => swept(&space, policy, name, Direction::More),
            Promise::Less(name) => swept(&space, policy, name, Direction::Less),
            Promise::ApproveOnlyIf(_) => None,
        };
        swept.is_some_and(|swept| swept.proves())
    };
    policy.promises.iter().filter(is_proved).cloned().collect()
}

/// What the sweep sees of a promise about one input.
struct Swept {
    /// Where the outcome falls between neighbours: a region, the smaller and the larger value.
    falls: Vec<(Region, i64, i64)>,
    /// Whether every guard that computes with the input is known to move the right way.
    all_known: bool,
}

impl Swept {
    fn proves(&self) -> bool {
        self.falls.is_empty() && self.all_known
    }
}

/// `None` where the sweep sees nothing: no such axis, or beyond its cap.
fn swept(space: &Space<'_>, policy: &Policy, name: &FieldName, direction: Direction) -> Option<Swept> {
    let model = space.models.first()?;
    let axis = axis_of(policy, name)?;
    let wanted = if direction == Direction::More { Trend::Up } else { Trend::Down };
    // A guard that computes with the input counts by its trend: joined in, it cannot break a
    // promise that the rest keeps.
    let mut all_known = true;
    let counts: Vec<bool> = model
        .guards
        .iter()
        .zip(&policy.guards)
        .map(|(formula, guard)| {
            let computes = formula.axes(&space.areas).iter().any(|own| {
                let derived = space.derived.iter().find(|derived| derived.axis == *own);
                derived.is_some_and(|derived| trend(&derived.node, axis, policy) != Trend::Flat)
            });
            all_known &= !computes || trend(&guard.when.node, axis, policy) == wanted;
            !computes
        })
        .collect();
    let mut order = space.order();
    order.sort_by_key(|own| *own == axis);
    let diagram = space.asked(model, &order, |guard| counts.get(guard) == Some(&true))?;
    let diagram = diagram.map(space.stop, |asked| space.verdict(model, *asked));
    let falls = falls(&diagram, axis, |small, large| {
        let (less, stricter) = ordered(direction, small, large);
        at_least(policy, less, stricter)
    });
    Some(Swept { falls, all_known })
}

fn axis_of(policy: &Policy, name: &FieldName) -> Option<usize> {
    policy.inputs.iter().position(|input| input.name == *name)
}

fn monotone(policy: &Policy, name: &FieldName, direction: Direction, stop: &Stop<'_>) -> Proof {
    let space = Space::of(policy, stop);
    let Some(axis) = axis_of(policy, name) else { return Proof::Tested { points: 0 } };
    let pair = |point: &Point, next: i64| {
        let mut other = point.clone();
        if let Some(number) = other.numbers.get_mut(axis) {
            *number = next;
        }
        broken(&space, policy, direction, point, &other)
    };
    if let Some(swept) = swept(&space, policy, name, direction) {
        if swept.proves() {
            return Proof::Proved;
        }
        for (mut region, small, large) in swept.falls {
            region.insert(axis, vec![(small, small)]);
            if let Some(proof) = space.points(&region).find_map(|point| pair(&point, large)) {
                return proof;
            }
        }
    }
    let Some(grid) = space.axes.get(axis) else { return Proof::Tested { points: 0 } };
    let mut points = 0_usize;
    for point in space.points(&Region::new()) {
        points = points.saturating_add(1);
        let Some(number) = point.numbers.get(axis).copied() else { continue };
        let (before, after) = (number.saturating_sub(grid.step), number.saturating_add(grid.step));
        let mut lower = point.clone();
        if let Some(number) = lower.numbers.get_mut(axis) {
            *number = before;
        }
        let below = if grid.low <= before { pair(&lower, number) } else { None };
        let above = if after <= grid.high { pair(&point, after) } else { None };
        if let Some(proof) = below.or(above) {
            return proof;
        }
    }
    Proof::Tested { points }
}

/// Neighbours between which the outcome falls: a region, the smaller and the larger value.
fn falls(
    diagram: &Diagram<Verdict>,
    axis: usize,
    keeps: impl Fn(&Verdict, &Verdict) -> bool,
) -> Vec<(Region, i64, i64)> {
    /// Most places that are looked at one by one.
    const FALLS_MAX: usize = 32;
    let mut found = Vec::new();
    for (index, node) in diagram.nodes.iter().enumerate().filter(|(_, node)| node.axis == axis) {
        for (before, after) in node.pieces.iter().zip(node.pieces.iter().skip(1)) {
            let end = |place: Place| match place {
                Place::End(end) => diagram.ends.get(end),
                Place::Node(_) => None,
            };
            let (Some(small), Some(large)) = (end(before.2), end(after.2)) else { continue };
            if !keeps(small, large)
                && found.len() < FALLS_MAX
                && let Some(region) = diagram.path_to(index)
            {
                found.push((region, before.1, after.0));
            }
        }
    }
    found
}

/// The proof that two neighbours break a promise, if they do.
fn broken(
    space: &Space<'_>,
    policy: &Policy,
    direction: Direction,
    small: &Point,
    large: &Point,
) -> Option<Proof> {
    let model = space.models.first()?;
    let (less, stricter) = ordered(direction, small, large);
    let (before, after) = (space.answer(model, less).verdict, space.answer(model, stricter).verdict);
    if at_least(policy, &before, &after) {
        return None;
    }
    let by = answering(space, policy, stricter);
    let witness = vec![(space.said(less), before.to_string()), (space.said(stricter), after.to_string())];
    Some(Proof::Broken { witness, by })
}

/// The ids of the rules and guards that answer a point.
fn answering(space: &Space<'_>, policy: &Policy, point: &Point) -> Vec<String> {
    let Some(model) = space.models.first() else { return Vec::new() };
    let answered = space.answer(model, point);
    let rules = answered.rules.iter().filter_map(|row| policy.rules.get(*row)).map(|rule| &rule.id);
    let guards = answered.guards.iter().filter_map(|guard| policy.guards.get(*guard)).map(|guard| &guard.id);
    rules.chain(guards).map(|id| id.to_string()).collect()
}

fn approve_only_if(policy: &Policy, condition: &Expression, stop: &Stop<'_>) -> Proof {
    let mut space = Space::of(policy, stop);
    let formula = space.formula(0, condition);
    let Some(model) = space.models.first() else { return Proof::Tested { points: 0 } };
    let breaks = |point: &Point| {
        let verdict = space.answer(model, point).verdict;
        let holds = space.condition(model, condition, point) != Some(false);
        (verdict == Verdict::Approve && !holds).then(|| Proof::Broken {
            witness: vec![(space.said(point), verdict.to_string())],
            by: answering(&space, policy, point),
        })
    };
    let order = space.order();
    let mut read = BTreeSet::new();
    formula.reads(&mut read);
    let asked = space.asked(model, &order, |_| true);
    let holds = space.conditions(&order, &read, |areas| formula.holds(areas));
    let approves = |asked: &Option<Asked>| *asked == Some(Asked::default());
    let both = asked.zip(holds);
    let breaking = both.and_then(|(asked, holds)| {
        asked.with(&holds, &order, stop, |asked, holds| approves(asked) && !holds)
    });
    if let Some(diagram) = breaking {
        /// Most regions that are looked at one by one.
        const REGIONS_MAX: usize = 32;
        let (regions, all) = diagram.regions(REGIONS_MAX, stop, |broken| *broken);
        if regions.is_empty() && all {
            return Proof::Proved;
        }
        for (region, _) in regions {
            if let Some(proof) = space.points(&region).find_map(|point| breaks(&point)) {
                return proof;
            }
        }
    }
    let mut points = 0_usize;
    let broken = space
        .points(&Region::new())
        .inspect(|_| points = points.saturating_add(1))
        .find_map(|point| breaks(&point));
    broken.unwrap_or(Proof::Tested { points })
}
