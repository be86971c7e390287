//! Whether what a near miss claims is true: at the named values, and over all that `<=` or `>=` says.

use crate::chance::Chance;
use crate::generate::value;
use crate::model::{Answer, Kind, MICRO, Policy, Ratio, Value};
use crate::naive::{Expected, Given, Known, decide, joined};
use countersign_core::intent::value::TokenValue;
use countersign_core::policy::explain::NearMiss;

/// Points of its region that one claim is tried at.
const TRIES: usize = 4;

/// The value of a token in the words of the oracle.
fn read(kind: &Kind, token: &TokenValue) -> Value {
    let micro = |number: i64, by: i128| Value::Number(Ratio::whole(i128::from(number) * by));
    match (kind, token) {
        (_, TokenValue::Percent(percent)) => micro(percent.0, 1),
        (_, TokenValue::Money(money)) => micro(money.minor, MICRO / 100),
        (_, TokenValue::Months(number) | TokenValue::Days(number) | TokenValue::Count(number)) => {
            micro(*number, MICRO)
        }
        (_, TokenValue::YesNo(truth)) => Value::Truth(*truth),
        (_, TokenValue::Date(day)) => Value::Day(day.0 - 20_453),
        (Kind::OneOf(words), TokenValue::OneOf(word)) => {
            Value::Word(words.iter().find(|own| *own == word).expect("it is a word of the type"))
        }
        (_, other) => panic!("nothing changes to {other:?}"),
    }
}

/// A value of the claim's region: any up to or from `to`, or `to` alone.
fn within(kind: &Kind, cell: &str, to: Value, chance: &mut Chance) -> Value {
    let (low, high) = match (cell.get(..2), kind) {
        (Some("<="), Kind::Number { min, .. }) => (Value::Number(Ratio::whole(*min)), to),
        (Some(">="), Kind::Number { max, .. }) => (to, Value::Number(Ratio::whole(*max))),
        (Some("<="), Kind::Date { from, .. }) => (Value::Day(*from), to),
        (Some(">="), Kind::Date { until, .. }) => (to, Value::Day(*until)),
        _ => return to,
    };
    match (kind, low, high) {
        (Kind::Number { unit, step, .. }, Value::Number(low), Value::Number(high)) => {
            let (min, max) = (low.over, high.over);
            value(&Kind::Number { unit: *unit, min, max, step: *step }, chance)
        }
        (_, Value::Day(from), Value::Day(until)) => value(&Kind::Date { from, until }, chance),
        _ => to,
    }
}

fn put(given: &mut Given, index: usize, element: Option<u32>, value: Value) {
    let slots = match element {
        Some(element) => &mut given.elements[element as usize - 1],
        None => &mut given.inputs,
    };
    slots[index] = Known::Valid(value);
}

/// What is false about a near miss; nothing if all of it is true.
pub(crate) fn wrong(
    policy: &Policy,
    given: &Given,
    now: &Expected,
    near: &NearMiss,
    claimed: &Answer,
    chance: &mut Chance,
) -> Option<String> {
    let changes: Vec<(usize, Option<u32>, Value, &str)> = near
        .changes
        .iter()
        .map(|change| {
            let index = policy.inputs.iter().position(|input| input.name == change.input.as_str());
            let index = index.expect("it is an input");
            (index, change.element, read(&policy.inputs[index].kind, &change.to), &*change.cell)
        })
        .collect();
    let mut then = given.clone();
    for (index, element, to, _) in &changes {
        put(&mut then, *index, *element, *to);
    }
    let answer = decide(policy, &then);
    if !answer.reasons.is_empty() || answer.known != *claimed {
        return Some(format!("at the value the answer is {answer:?}"));
    }
    if !answer.rules.iter().any(|(id, _)| *id == *near.rule) {
        return Some(format!("another row decides: {:?}", answer.rules));
    }
    if now.reasons.is_empty() && (*claimed == now.known || joined([claimed, &now.known]) != now.known) {
        return Some(format!("that is not less strict than {:?}", now.known));
    }
    for _ in 0..TRIES {
        let mut there = then.clone();
        for (index, element, to, cell) in &changes {
            let value = within(&policy.inputs[*index].kind, cell, *to, chance);
            put(&mut there, *index, *element, value);
        }
        let answer = decide(policy, &there);
        if !answer.reasons.is_empty() || joined([claimed, &answer.known]) != *claimed {
            return Some(format!("within the claim, at {:?}, the answer is {answer:?}", there.inputs));
        }
    }
    None
}
