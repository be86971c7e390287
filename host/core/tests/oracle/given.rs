//! Inputs from chance, beside the boundaries of a policy and beyond them, as tokens and facts.

use crate::chance::Chance;
use crate::generate::value;
use crate::model::{Cell, Kind, MICRO, Policy, Ratio, Unit, Value};
use crate::naive::{Given, Known, List};
use countersign_core::id::FieldName;
use countersign_core::intent::value::{Day, FactValue, Facts, Percent, TokenValue, Tokens};
use countersign_core::money::{Currency, Money};
use std::collections::BTreeMap;

/// The values that the cells of each input name.
pub(crate) fn edges(policy: &Policy) -> Vec<Vec<Value>> {
    let mut edges: Vec<Vec<Value>> = policy.inputs.iter().map(|_| Vec::new()).collect();
    for rule in &policy.rules {
        for (column, cell) in policy.columns.iter().zip(&rule.cells) {
            match cell {
                Cell::Any(_) => {}
                Cell::List { values, .. } => edges[*column].extend(values),
                Cell::Compare(_, bound) => edges[*column].push(*bound),
                Cell::Range { low, high, .. } => edges[*column].extend([*low, *high]),
            }
        }
    }
    edges
}

/// What a policy is asked about, and the same as tokens and facts.
pub(crate) struct Asked {
    pub(crate) given: Given,
    pub(crate) tokens: Tokens,
    pub(crate) facts: Facts,
}

struct Maker<'a> {
    policy: &'a Policy,
    edges: &'a [Vec<Value>],
    chance: &'a mut Chance,
}

pub(crate) fn asked(policy: &Policy, edges: &[Vec<Value>], chance: &mut Chance) -> Asked {
    let mut maker = Maker { policy, edges, chance };
    let mut asked = Asked {
        given: Given { inputs: Vec::new(), list: List::Known, elements: Vec::new() },
        tokens: Tokens::new(),
        facts: Facts::new(),
    };
    for (index, input) in policy.inputs.iter().enumerate() {
        if input.dotted() {
            asked.given.inputs.push(Known::Missing);
            continue;
        }
        let (known, value) = maker.one(index);
        asked.given.inputs.push(known);
        maker.put(name(&input.name), value, &mut asked.tokens, &mut asked.facts);
    }
    if policy.inputs.iter().any(crate::model::Input::dotted) {
        maker.list(&mut asked);
    }
    asked
}

fn name(text: &str) -> FieldName {
    FieldName::parse(text).expect("it is a name")
}

impl Maker<'_> {
    /// The state of one input, and a fact of that state.
    fn one(&mut self, index: usize) -> (Known, FactValue) {
        let kind = &self.policy.inputs[index].kind;
        match self.chance.below(40) {
            0 => (Known::Missing, FactValue::Missing("down".to_owned())),
            1 => (Known::Stale, FactValue::Stale),
            2 => (Known::OutOfBounds, FactValue::Known(self.beyond(kind))),
            _ => {
                let value = self.near(index);
                (Known::Valid(value), FactValue::Known(token(kind, value)))
            }
        }
    }

    /// A value of the input's type, in most cases at an edge of the table or one step beside it.
    fn near(&mut self, index: usize) -> Value {
        let kind = &self.policy.inputs[index].kind;
        let edges = &self.edges[index];
        if edges.is_empty() || self.chance.percent(25) {
            return value(kind, self.chance);
        }
        let edge = *self.chance.pick(edges);
        let aside = self.chance.between(-1, 1);
        match (kind, edge) {
            (Kind::Number { min, max, step, .. }, Value::Number(ratio)) => {
                Value::Number(Ratio::whole((ratio.over + aside * step).clamp(*min, *max)))
            }
            (Kind::Date { from, until }, Value::Day(day)) => {
                Value::Day((day + aside as i64).clamp(*from, *until))
            }
            (_, edge) => edge,
        }
    }

    /// A value that does not belong to the type.
    fn beyond(&mut self, kind: &Kind) -> TokenValue {
        match (kind, self.chance.below(4)) {
            (Kind::Number { min, step, .. }, 0) => token(kind, Value::Number(Ratio::whole(min - step))),
            (Kind::Number { max, step, .. }, 1) => token(kind, Value::Number(Ratio::whole(max + step))),
            // Half a step, where the unit has such a value.
            (Kind::Number { unit, min, step, .. }, 2) if small(*unit) < *step => {
                token(kind, Value::Number(Ratio::whole(min + small(*unit))))
            }
            (Kind::Number { unit: Unit::Money, .. }, _) => {
                TokenValue::Money(Money { minor: 1, currency: Currency::parse("EUR").expect("it is a code") })
            }
            (Kind::OneOf(_), _) => TokenValue::OneOf("zzz".to_owned()),
            (Kind::Date { from, .. }, 0) => token(kind, Value::Day(from - 1)),
            (Kind::Date { until, .. }, 1) => token(kind, Value::Day(until + 1)),
            (Kind::Text | Kind::Date { .. } | Kind::YesNo, _) => TokenValue::Count(1),
            (Kind::Number { .. }, _) => TokenValue::YesNo(true),
        }
    }

    fn put(&mut self, name: FieldName, value: FactValue, tokens: &mut Tokens, facts: &mut Facts) {
        match value {
            FactValue::Known(value) if self.chance.percent(70) => drop(tokens.insert(name, value)),
            FactValue::Missing(_) if self.chance.percent(50) => {}
            other => drop(facts.insert(name, other)),
        }
    }

    fn list(&mut self, asked: &mut Asked) {
        match self.chance.below(30) {
            0 => {
                asked.given.list = List::Missing;
                return;
            }
            1 => {
                asked.given.list = List::WrongKind;
                asked.tokens.insert(name("item"), TokenValue::Count(3));
                return;
            }
            _ => {}
        }
        let count = if self.chance.percent(5) { 0 } else { 1 + self.chance.below(3) };
        let mut elements: Vec<BTreeMap<FieldName, TokenValue>> = vec![BTreeMap::new(); count];
        asked.given.elements = vec![vec![Known::Missing; self.policy.inputs.len()]; count];
        for (index, input) in self.policy.inputs.iter().enumerate() {
            let Some((_, short)) = input.name.split_once('.') else { continue };
            let mut readings = Vec::new();
            for (element, known) in elements.iter_mut().zip(&mut asked.given.elements) {
                let (state, value) = self.one(index);
                known[index] = state;
                match value {
                    FactValue::Known(value) if self.chance.percent(70) => {
                        element.insert(name(short), value);
                        readings.push(FactValue::Stale);
                    }
                    other => readings.push(other),
                }
            }
            asked.facts.insert(name(&input.name), FactValue::Each(readings));
        }
        asked.tokens.insert(name("item"), TokenValue::List(elements));
    }
}

/// The smallest difference that the unit's values have.
fn small(unit: Unit) -> i128 {
    match unit {
        Unit::Percent => 1,
        Unit::Money => 10_000,
        Unit::Months | Unit::Days | Unit::Count => MICRO,
    }
}

/// A value as the product holds it.
pub(crate) fn token(kind: &Kind, value: Value) -> TokenValue {
    let whole = |ratio: Ratio, by: i128| i64::try_from(ratio.over / ratio.under / by).expect("it is small");
    match (kind, value) {
        (Kind::Number { unit, .. }, Value::Number(ratio)) => numbered(*unit, whole(ratio, small(*unit))),
        (_, Value::Truth(truth)) => TokenValue::YesNo(truth),
        (_, Value::Word(word)) => TokenValue::OneOf(word.to_owned()),
        // The first of January 2026 is the 20,454th day.
        (_, Value::Day(day)) => TokenValue::Date(Day(20_453 + day)),
        (_, Value::Text(text)) => TokenValue::Text(text.to_owned()),
        (_, Value::Number(_)) => panic!("{kind:?} has no numbers"),
    }
}

fn numbered(unit: Unit, number: i64) -> TokenValue {
    match unit {
        Unit::Percent => TokenValue::Percent(Percent(number)),
        Unit::Money => TokenValue::Money(Money {
            minor: number,
            currency: Currency::parse("USD").expect("it is a code"),
        }),
        Unit::Months => TokenValue::Months(number),
        Unit::Days => TokenValue::Days(number),
        Unit::Count => TokenValue::Count(number),
    }
}
