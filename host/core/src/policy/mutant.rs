//! Boundary mutants: every bound of a cell moved one step both ways, and the examples that notice.

use super::cell::End;
use super::space::{Answered, Point, Space, spelled};
use super::stop::Stop;
use super::sweep::{Area, Region, sweep};
use super::{Hit, Policy};
use crate::id::FieldName;
use crate::intent::kind::FieldType;
use crate::intent::value::TokenValue;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

/// Most examples that are suggested at once; more nobody reads.
pub const SUGGESTED_MAX: usize = 100;

/// A bound that was moved by one step, so that one value changes sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mutant {
    /// The rule.
    pub rule: Arc<str>,
    /// The column.
    pub input: FieldName,
    /// The cell as it is written.
    pub cell: Arc<str>,
    /// The value that changes sides.
    pub value: String,
    /// The examples that notice.
    pub noticed_by: Vec<String>,
    #[serde(skip)]
    row: usize,
    #[serde(skip)]
    axis: usize,
    #[serde(skip)]
    number: i64,
    #[serde(skip)]
    pub(crate) line: u32,
}

/// One example at its point, with the rows that match and the answer.
struct Case<'a> {
    name: &'a str,
    by: bool,
    point: Point,
    met: Vec<bool>,
    answered: Answered,
}

/// All boundary mutants of the rule table, row by row; worth nothing if it was stopped.
pub(crate) fn mutants(policy: &Policy, stop: &Stop<'_>) -> Vec<Mutant> {
    let space = Space::of(policy, stop);
    let cases = cases(&space, policy);
    let mut mutants = Vec::new();
    for (row, rule) in policy.rules.iter().enumerate() {
        for demand in &rule.demands {
            let Some(input) = policy.inputs.get(demand.input) else { continue };
            let (FieldType::Number(_) | FieldType::Date { .. }, Some((min, max))) =
                (&input.kind, input.kind.bounds())
            else {
                continue;
            };
            let step = input.kind.step();
            let ends =
                demand.ranges.pairs().iter().flat_map(|(low, high)| [(End::Low, *low), (End::High, *high)]);
            let inner = ends.filter(|(end, bound)| match end {
                End::Low => *bound > min,
                End::High => *bound < max,
            });
            for (end, bound) in inner {
                let beyond = match end {
                    End::Low => bound.saturating_sub(step),
                    End::High => bound.saturating_add(step),
                };
                for number in [bound, beyond].into_iter().take_while(|_| !stop.is_asked()) {
                    let noticed = cases
                        .iter()
                        .filter(|case| notices(&space, policy, case, (row, demand.input, number)));
                    mutants.push(Mutant {
                        rule: Arc::clone(&rule.id),
                        input: input.name.clone(),
                        cell: Arc::clone(&demand.text),
                        value: spelled(&input.kind, number),
                        noticed_by: noticed.map(|case| case.name.to_owned()).collect(),
                        row,
                        axis: demand.input,
                        number,
                        line: rule.line,
                    });
                }
            }
        }
    }
    mutants
}

/// The examples that have a value for every input.
fn cases<'a>(space: &Space<'_>, policy: &'a Policy) -> Vec<Case<'a>> {
    let Some(model) = space.models.first() else { return Vec::new() };
    policy
        .examples
        .iter()
        .filter_map(|example| {
            let point = point(policy, example)?;
            let accept = |rule: &super::Rule| rule.demands.iter().all(|demand| accepts(demand, &point));
            Some(Case {
                name: &example.case,
                by: !example.by.is_empty(),
                met: policy.rules.iter().map(accept).collect(),
                answered: space.answer(model, &point),
                point,
            })
        })
        .collect()
}

fn accepts(demand: &super::Demand, point: &Point) -> bool {
    point.numbers.get(demand.input).is_some_and(|number| demand.ranges.accept(*number))
}

/// The point of an example; nothing if a value is missing.
pub(super) fn point(policy: &Policy, example: &super::example::Example) -> Option<Point> {
    let list = policy.list();
    let element = match list.and_then(|list| example.tokens.get(list)) {
        Some(TokenValue::List(elements)) => elements.first(),
        Some(_) | None => None,
    };
    let mut point = Point { numbers: Vec::new(), texts: Vec::new() };
    for input in &policy.inputs {
        let value = match input.name.as_str().split_once('.') {
            Some((_, short)) => element?.get(&FieldName::parse(short).ok()?)?,
            None => example.tokens.get(&input.name)?,
        };
        if let TokenValue::Text(text) = value {
            point.numbers.push(0);
            point.texts.push(text.clone());
        } else {
            point.numbers.push(input.kind.place(value).ok()?);
            point.texts.push(String::new());
        }
    }
    Some(point)
}

/// Whether an example fails when in one row one value of one input changes sides.
fn notices(
    space: &Space<'_>,
    policy: &Policy,
    case: &Case<'_>,
    (row, input, number): (usize, usize, i64),
) -> bool {
    let Some(rule) = policy.rules.get(row) else { return false };
    if case.point.numbers.get(input) != Some(&number) {
        return false;
    }
    let others = rule.demands.iter().filter(|demand| demand.input != input);
    if !others.into_iter().all(|demand| accepts(demand, &case.point)) {
        return false;
    }
    let live = case.met.iter().enumerate().filter(|(index, met)| **met != (*index == row));
    let live: Vec<usize> = live.map(|(index, _)| index).collect();
    let decided = deciding(policy, &live);
    if decided == case.answered.rules {
        return false;
    }
    case.by || space.joined(policy, &decided, &case.answered.guards) != case.answered.verdict
}

/// Of the rows that match, those that decide.
fn deciding(policy: &Policy, live: &[usize]) -> Vec<usize> {
    let most = if policy.hit == Hit::First { 1 } else { usize::MAX };
    live.iter().copied().take(most).collect()
}

/// Rows of an `Examples` table that notice what no example notices, with its header.
#[must_use]
pub fn suggest(policy: &Policy, stop: &Stop<'_>) -> String {
    let space = Space::of(policy, stop);
    let Some(model) = space.models.first() else { return String::new() };
    let first = policy.examples.iter().find_map(|example| point(policy, example));
    let mut out = String::from("| case |");
    let names: Vec<String> = policy.inputs.iter().map(|input| input.name.to_string()).collect();
    let _ = write!(out, " {} | => outcome | by |\n|---|", names.join(" | "));
    out.push_str(&"---|".repeat(names.len().saturating_add(2)));
    out.push('\n');
    let mut seen: BTreeSet<Vec<i64>> = BTreeSet::new();
    for mutant in mutants(policy, stop).iter().filter(|mutant| mutant.noticed_by.is_empty()) {
        if seen.len() == SUGGESTED_MAX || stop.is_asked() {
            break;
        }
        let Some(region) = differs(&space, policy, mutant) else { continue };
        let mut point = first.clone().unwrap_or_else(|| space.corner(&Region::new()));
        for (axis, ranges) in &region {
            let (Some(number), Some(range)) = (point.numbers.get_mut(*axis), ranges.first()) else {
                continue;
            };
            if !ranges.iter().any(|(low, high)| *low <= *number && *number <= *high) {
                *number = range.0;
            }
        }
        let answered = space.answer(model, &point);
        if answered.verdict == super::space::Verdict::Unsure || !seen.insert(point.numbers.clone()) {
            continue;
        }
        let rules = answered.rules.iter().filter_map(|row| policy.rules.get(*row)).map(|rule| &*rule.id);
        let guards = answered.guards.iter().filter_map(|row| policy.guards.get(*row)).map(|guard| &*guard.id);
        let by: Vec<&str> = rules.chain(guards).collect();
        let values: Vec<String> = space.values(&point).into_iter().map(|(_, value)| value).collect();
        let _ = writeln!(
            out,
            "| {}, {} {} | {} | {} | {} |",
            mutant.rule,
            mutant.input,
            mutant.value,
            values.join(" | "),
            answered.verdict,
            by.join(", ")
        );
    }
    out
}

/// Where a mutant is decided by another row than the policy; nothing if it cannot be told apart.
fn differs(space: &Space<'_>, policy: &Policy, mutant: &Mutant) -> Option<Region> {
    let rule = policy.rules.get(mutant.row)?;
    let mut rows: Vec<usize> = Vec::new();
    let mut areas: Vec<Area> = Vec::new();
    for (index, other) in policy.rules.iter().enumerate() {
        let of = |demand: &super::Demand| (demand.input, demand.ranges.pairs().to_vec());
        let rest = other.demands.iter().filter(|demand| demand.input != mutant.axis);
        let here = other
            .demands
            .iter()
            .filter(|demand| demand.input == mutant.axis)
            .all(|demand| demand.ranges.accept(mutant.number));
        if here || index == mutant.row {
            rows.push(index);
            areas.push(Area { demands: rest.map(of).collect() });
        }
    }
    let own = rows.iter().position(|row| *row == mutant.row)?;
    let diagram = sweep(&space.axes, &space.order(), &areas, &[], space.stop, |live| {
        let with: Vec<usize> =
            live.within(0, rows.len()).filter_map(|index| rows.get(index).copied()).collect();
        let without: Vec<usize> = with.iter().copied().filter(|row| *row != mutant.row).collect();
        live.has(own) && deciding(policy, &with) != deciding(policy, &without)
    })?;
    let (mut region, _) = diagram.regions(1, space.stop, |differs| *differs).0.into_iter().next()?;
    region.insert(mutant.axis, vec![(mutant.number, mutant.number)]);
    for demand in rule.demands.iter().filter(|demand| demand.input != mutant.axis) {
        region.entry(demand.input).or_insert_with(|| demand.ranges.pairs().to_vec());
    }
    Some(region)
}
