//! Boundary mutants: every bound of a cell moved one step both ways, and the examples that notice.

mod suggest;

pub use suggest::{SUGGESTED_MAX, Suggested, Suggestion};

use super::cell::End;
use super::space::{Answered, Point, Space, spelled};
use super::stop::Stop;
use super::{Hit, Policy};
use crate::id::FieldName;
use crate::intent::kind::FieldType;
use crate::intent::value::TokenValue;
use serde::Serialize;
use std::sync::Arc;

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
