//! Single points of a space: a policy's answer there, row by row, and the points worth testing.

use super::{Model, Space, Trend, trend};
use crate::intent::kind::FieldType;
use crate::policy::node::{Env, Slot};
use crate::policy::outcome::Settled;
use crate::policy::sweep::Region;
use crate::policy::{Hit, Needs, Policy};
use std::fmt;

/// Most points that are tried where nothing can be proved; some 10 ms.
const POINTS_MAX: usize = 4_096;

/// What a policy answers, in an order of its own (not that of the lattice).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Approve,
    Needs(Vec<String>, Vec<String>),
    Deny,
    Unsure,
}

/// One value for each input; texts stand beside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) numbers: Vec<i64>,
    pub(crate) texts: Vec<String>,
}

/// A policy's answer at a point, and who gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) verdict: Verdict,
    pub(crate) rules: Vec<usize>,
    pub(crate) guards: Vec<usize>,
}

impl Verdict {
    pub(crate) fn of(settled: &Settled) -> Verdict {
        match settled {
            Settled::Approve => Verdict::Approve,
            Settled::Needs(Needs { routes, evidence }) => Verdict::Needs(
                routes.iter().map(ToString::to_string).collect(),
                evidence.iter().cloned().collect(),
            ),
            Settled::Deny => Verdict::Deny,
        }
    }

    /// The outcome; nothing if it is unsure.
    pub(crate) fn settled(&self) -> Option<Settled> {
        match self {
            Verdict::Approve => Some(Settled::Approve),
            Verdict::Needs(routes, evidence) => {
                let routes = routes.iter().filter_map(|name| name.parse().ok()).collect();
                Some(Settled::Needs(Needs { routes, evidence: evidence.iter().cloned().collect() }))
            }
            Verdict::Deny => Some(Settled::Deny),
            Verdict::Unsure => None,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.settled() {
            Some(settled) => write!(formatter, "{settled}"),
            None => formatter.write_str("unsure"),
        }
    }
}

impl Space<'_> {
    /// The point with the least value of a region on each axis.
    pub(crate) fn corner(&self, region: &Region) -> Point {
        let numbers = self
            .axes
            .iter()
            .take(self.inputs.len())
            .enumerate()
            .map(|(axis, grid)| {
                region.get(&axis).and_then(|ranges| ranges.first()).map_or(grid.low, |range| range.0)
            })
            .collect();
        Point { numbers, texts: vec!["x".to_owned(); self.inputs.len()] }
    }

    /// The values of an axis beside which something changes, within a region, rising.
    fn edges(&self, axis: usize, region: &Region) -> Vec<i64> {
        let Some(grid) = self.axes.get(axis) else { return Vec::new() };
        let mut edges = vec![grid.low, grid.high];
        for area in &self.areas {
            for (low, high) in area.demands.iter().filter(|(own, _)| *own == axis).flat_map(|(_, all)| all) {
                edges.extend([*low, low.saturating_sub(grid.step), *high, high.saturating_add(grid.step)]);
            }
        }
        edges.extend(self.flips(axis));
        if let Some(ranges) = region.get(&axis) {
            edges.extend(ranges.iter().flat_map(|(low, high)| [*low, *high]));
            edges.retain(|edge| ranges.iter().any(|(low, high)| low <= edge && edge <= high));
        }
        edges.retain(|edge| grid.low <= *edge && *edge <= grid.high);
        edges.sort_unstable();
        edges.dedup();
        edges
    }

    /// The values of an axis at which something computed crosses a bound while the others stay low,
    /// in the middle or high, and the values before them.
    fn flips(&self, axis: usize) -> Vec<i64> {
        let mut flips = Vec::new();
        let Some(grid) = self.axes.get(axis) else { return flips };
        let steps = grid.high.saturating_sub(grid.low).checked_div(grid.step.max(1)).unwrap_or(0);
        for derived in self.derived.iter().take_while(|_| !self.stop.is_asked()) {
            let Some(model) = self.models.get(derived.owner) else { continue };
            let Some(own) = model.axis_of.iter().position(|other| *other == axis) else { continue };
            let moves = trend(&derived.node, own, model.policy);
            if !matches!(moves, Trend::Up | Trend::Down) {
                continue;
            }
            let demands = self.areas.iter().flat_map(|area| &area.demands);
            let bounds: Vec<i64> = demands
                .filter(|(other, _)| *other == derived.axis)
                .flat_map(|(_, ranges)| ranges.iter().flat_map(|(low, high)| [*low, high.saturating_add(1)]))
                .collect();
            for part in [0, 1, 2] {
                let mut point = self.corner(&Region::new());
                for (number, grid) in point.numbers.iter_mut().zip(&self.axes) {
                    let wide = grid.high.saturating_sub(grid.low).checked_div(grid.step.max(1)).unwrap_or(0);
                    let far = (wide / 2).saturating_mul(part).saturating_mul(grid.step);
                    *number = grid.low.saturating_add(far).min(grid.high);
                }
                for bound in &bounds {
                    let mut reaches = |step: i64| {
                        let value = grid.low.saturating_add(step.saturating_mul(grid.step));
                        if let Some(number) = point.numbers.get_mut(axis) {
                            *number = value;
                        }
                        let env = self.env(model, &point)?;
                        let found = derived.node.evaluate(&env, Some(0), &mut Vec::new())?;
                        Some((found >= i128::from(*bound)) == (moves == Trend::Up))
                    };
                    let (mut from, mut until) = (0, steps);
                    while from < until {
                        let middle = from.saturating_add(until.saturating_sub(from) / 2);
                        match reaches(middle) {
                            Some(true) => until = middle,
                            Some(false) => from = middle.saturating_add(1),
                            None => break,
                        }
                    }
                    let flip = grid.low.saturating_add(from.saturating_mul(grid.step));
                    flips.extend([flip, flip.saturating_sub(grid.step)]);
                }
            }
        }
        flips
    }

    /// At most [`POINTS_MAX`] points of a region at which something may change: all combinations
    /// of edges if they are few, else an even choice of them that is the same in every run.
    pub(crate) fn points(&self, region: &Region) -> impl Iterator<Item = Point> {
        let edges: Vec<Vec<i64>> = (0..self.inputs.len()).map(|axis| self.edges(axis, region)).collect();
        let all = edges.iter().try_fold(1_usize, |product, edges| product.checked_mul(edges.len().max(1)));
        let count = all.filter(|all| *all <= POINTS_MAX);
        let texts = vec!["x".to_owned(); self.inputs.len()];
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let all = (0..count.unwrap_or(POINTS_MAX)).take_while(|_| !self.stop.is_asked());
        all.map(move |index| {
            let mut rest = index;
            let numbers = edges
                .iter()
                .map(|edges| {
                    let length = edges.len().max(1);
                    let pick = if count.is_some() {
                        let pick = rest.checked_rem(length).unwrap_or(0);
                        rest = rest.checked_div(length).unwrap_or(0);
                        pick
                    } else {
                        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                        usize::try_from(state >> 33).unwrap_or(0).checked_rem(length).unwrap_or(0)
                    };
                    edges.get(pick).copied().unwrap_or(0)
                })
                .collect();
            Point { numbers, texts: texts.clone() }
        })
    }

    /// What a policy answers at a point: a plain scan, a second opinion to the sweep.
    pub(crate) fn answer(&self, model: &Model<'_>, point: &Point) -> Answered {
        let mut answered = Answered { verdict: Verdict::Unsure, rules: Vec::new(), guards: Vec::new() };
        let policy = model.policy;
        if self.stop.is_asked() {
            return answered;
        }
        let Some(env) = self.env(model, point) else { return answered };
        let own = |input: usize| {
            model.axis_of.get(input).and_then(|axis| point.numbers.get(*axis)).copied().unwrap_or(i64::MIN)
        };
        let met =
            policy.rules.iter().enumerate().filter(|(_, rule)| {
                rule.demands.iter().all(|demand| demand.ranges.accept(own(demand.input)))
            });
        let most = if policy.hit == Hit::First { 1 } else { usize::MAX };
        answered.rules = met.map(|(index, _)| index).take(most).collect();
        let mut faults = Vec::new();
        for (index, guard) in policy.guards.iter().enumerate() {
            let element = guard.when.per_element.then_some(0);
            match guard.when.node.holds(&env, element, &mut faults) {
                Some(false) => {}
                Some(true) => answered.guards.push(index),
                None => return answered,
            }
        }
        if !faults.is_empty() {
            return answered;
        }
        answered.verdict = self.joined(policy, &answered.rules, &answered.guards);
        answered
    }

    /// What these rows and guards say together.
    pub(crate) fn joined(&self, policy: &Policy, rules: &[usize], guards: &[usize]) -> Verdict {
        if rules.is_empty() || (policy.hit == Hit::Unique && rules.len() > 1) {
            return Verdict::Unsure;
        }
        let said = rules.iter().filter_map(|row| policy.rules.get(*row)).map(|rule| &rule.outcome);
        let held = guards.iter().filter_map(|index| policy.guards.get(*index)).map(|guard| &guard.then);
        Verdict::of(&said.chain(held).fold(Settled::Approve, |all, next| all.join(next, &policy.covers)))
    }

    /// Whether a condition of a policy holds at a point; nothing if it cannot be evaluated.
    pub(crate) fn condition(
        &self,
        model: &Model<'_>,
        condition: &crate::policy::typed::Expression,
        point: &Point,
    ) -> Option<bool> {
        let env = self.env(model, point).filter(|_| !self.stop.is_asked())?;
        let mut faults = Vec::new();
        let element = condition.per_element.then_some(0);
        condition.node.holds(&env, element, &mut faults)
    }

    /// The point as a policy sees it; nothing if a value is out of its bounds or a term fails.
    fn env<'p>(&self, model: &Model<'_>, point: &'p Point) -> Option<Env<'p>> {
        let policy = model.policy;
        let mut env = Env { elements: vec![Vec::new()], list_known: true, ..Env::default() };
        for (input, axis) in policy.inputs.iter().zip(&model.axis_of) {
            let slot = if let FieldType::Text { .. } = input.kind {
                Slot::Text(point.texts.get(*axis)?)
            } else {
                let number = *point.numbers.get(*axis)?;
                let (low, high) = input.kind.bounds()?;
                if number < low || high < number {
                    return None;
                }
                Slot::Number(number)
            };
            let (outer, inner) =
                if input.is_of_element() { (Slot::Unknown, slot) } else { (slot, Slot::Unknown) };
            env.inputs.push(outer);
            env.elements.iter_mut().for_each(|slots| slots.push(inner));
        }
        if policy.list().is_none() {
            env.elements.clear();
        }
        let mut faults = Vec::new();
        for (_, term) in &policy.terms {
            let value = term.node.evaluate(&env, None, &mut faults);
            env.terms.push(Some(value?));
        }
        faults.is_empty().then_some(env)
    }

    /// A point in words: `segment smb, discount_percent 15.01%, amount 0`.
    pub(crate) fn said(&self, point: &Point) -> String {
        let parts: Vec<String> =
            self.values(point).into_iter().map(|(name, value)| format!("{name} {value}")).collect();
        parts.join(", ")
    }

    /// What a point says of an element alone: `clause.topic data, clause.position beyond`.
    pub(crate) fn said_of_element(&self, point: &Point) -> String {
        let of_element = self.inputs.iter().map(crate::policy::typed::Input::is_of_element);
        let values = self.values(point).into_iter().zip(of_element).filter(|(_, of_element)| *of_element);
        let parts: Vec<String> = values.map(|((name, value), _)| format!("{name} {value}")).collect();
        parts.join(", ")
    }

    /// The values of a point as an example writes them.
    pub(crate) fn values(&self, point: &Point) -> Vec<(String, String)> {
        let values = self.inputs.iter().zip(&point.numbers).zip(&point.texts);
        values
            .map(|((input, number), text)| {
                let value = if let FieldType::Text { .. } = input.kind {
                    text.clone()
                } else {
                    super::spelled(&input.kind, *number)
                };
                (input.name.to_string(), value)
            })
            .collect()
    }
}
