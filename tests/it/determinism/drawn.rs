//! Inputs of a policy from chance: in most cases at a bound that a cell or a guard names, one step
//! beside it, or where 32 bits would take it for one; else anywhere in the domain. Some are missing,
//! stale or beyond it.

use countersign_core::id::FieldName;
use countersign_core::intent::kind::{FieldType, Unit};
use countersign_core::intent::value::{Day, FactValue, Facts, Percent, TokenValue, Tokens};
use countersign_core::money::Money;
use countersign_core::policy::{Policy, cell};
use countersign_engine::port::clock::Chance as _;
use countersign_engine::simulated::SeededChance;
use std::collections::BTreeMap;

/// Most elements of a list.
const ELEMENTS_MAX: u64 = 4;
/// Two numbers so far apart are the same to whoever keeps 32 bits of them.
const WRAP: i64 = 1 << 32;
/// One of so many values is missing, one is stale, one is beyond its domain.
const FAULTS_ONE_IN: u64 = 40;

/// A policy whose inputs are drawn.
pub(crate) struct Drawn<'a> {
    policy: &'a Policy,
    /// The bounds that its cells and guards name, by input.
    edges: Vec<Vec<i64>>,
    chance: SeededChance,
}

/// Bounds of a type and the distance of two values, as whole numbers.
fn domain(kind: &FieldType) -> Option<(i64, i64, i64)> {
    match kind {
        FieldType::Number(grid) => Some((grid.min, grid.max, grid.step)),
        FieldType::YesNo => Some((0, 1, 1)),
        FieldType::OneOf(words) => Some((0, i64::try_from(words.len()).ok()? - 1, 1)),
        FieldType::Date { from, until } => Some((from.0, until.0, 1)),
        FieldType::Text { .. } | FieldType::Record { .. } | FieldType::List { .. } => None,
    }
}

fn token(kind: &FieldType, number: i64) -> TokenValue {
    match kind {
        FieldType::Number(grid) => match grid.unit {
            Unit::Percent => TokenValue::Percent(Percent(number)),
            Unit::Money(currency) => TokenValue::Money(Money { minor: number, currency }),
            Unit::Months => TokenValue::Months(number),
            Unit::Days => TokenValue::Days(number),
            Unit::Count => TokenValue::Count(number),
        },
        FieldType::YesNo => TokenValue::YesNo(number != 0),
        FieldType::OneOf(words) => {
            let word = usize::try_from(number).ok().and_then(|at| words.get(at));
            TokenValue::OneOf(word.cloned().unwrap_or_else(|| "zzz".to_owned()))
        }
        FieldType::Date { .. } => TokenValue::Date(Day(number)),
        FieldType::Text { .. } | FieldType::Record { .. } | FieldType::List { .. } => {
            TokenValue::Text(format!("é \"{number}\" \u{1f600}"))
        }
    }
}

impl<'a> Drawn<'a> {
    pub(crate) fn new(policy: &'a Policy, seed: u64) -> Drawn<'a> {
        let words = |text: &str| {
            let parts =
                text.split(|letter: char| letter.is_whitespace() || matches!(letter, '(' | ')' | ','));
            parts.map(str::to_owned).collect::<Vec<_>>()
        };
        let guards: Vec<String> = policy.guards.iter().flat_map(|guard| words(&guard.text)).collect();
        let edges = |(at, input): (usize, &countersign_core::policy::typed::Input)| {
            let demands = policy.rules.iter().flat_map(|rule| &rule.demands);
            let pairs = demands.filter(|demand| demand.input == at).flat_map(|demand| demand.ranges.pairs());
            let of_guards = guards.iter().filter_map(|word| cell::value(word, &input.kind).ok());
            pairs.flat_map(|(low, high)| [*low, *high]).chain(of_guards).collect()
        };
        let edges = policy.inputs.iter().enumerate().map(edges).collect();
        Drawn { policy, edges, chance: SeededChance::new(seed) }
    }

    /// A number below `end`.
    fn below(&self, end: u64) -> u64 {
        u64::try_from(self.chance.bits() % u128::from(end)).expect("it is below")
    }

    fn number(&self, at: usize, kind: &FieldType) -> i64 {
        let Some((low, high, step)) = domain(kind) else {
            return i64::try_from(self.below(9)).expect("small");
        };
        let own = || self.edges[at].iter().copied().chain([low, high]);
        let alike = own().map(|edge| edge + WRAP).filter(|edge| *edge <= high);
        let edges: Vec<i64> = own().chain(alike).collect();
        let steps = u64::try_from((high - low) / step).expect("bounds in order") + 1;
        match self.below(4) {
            0 => low + i64::try_from(self.below(steps)).expect("in bounds") * step,
            _ => {
                let edge = edges[usize::try_from(self.below(edges.len() as u64)).expect("an index")];
                let aside = i64::try_from(self.below(3)).expect("small") - 1;
                (edge + aside * step).clamp(low, high)
            }
        }
    }

    fn value(&self, at: usize, kind: &FieldType) -> FactValue {
        match (self.below(FAULTS_ONE_IN), domain(kind)) {
            (0, _) => FactValue::Missing("the target is down".to_owned()),
            (1, _) => FactValue::Stale,
            (2, Some((_, high, step))) => FactValue::Known(token(kind, high + step)),
            _ => FactValue::Known(token(kind, self.number(at, kind))),
        }
    }

    /// One set of tokens and facts.
    pub(crate) fn inputs(&self) -> (Tokens, Facts) {
        let (mut tokens, mut facts) = (Tokens::new(), Facts::new());
        let count = usize::try_from(self.below(ELEMENTS_MAX + 1)).expect("few elements");
        let mut elements: Vec<BTreeMap<FieldName, TokenValue>> = vec![BTreeMap::new(); count];
        for (at, input) in self.policy.inputs.iter().enumerate() {
            let Some((_, short)) = input.name.as_str().split_once('.') else {
                match self.value(at, &input.kind) {
                    FactValue::Known(value) if self.below(2) == 0 => {
                        drop(tokens.insert(input.name.clone(), value))
                    }
                    value => drop(facts.insert(input.name.clone(), value)),
                }
                continue;
            };
            let short = FieldName::parse(short).expect("a part of a name is a name");
            let mut readings = Vec::new();
            for element in &mut elements {
                match self.value(at, &input.kind) {
                    FactValue::Known(value) if self.below(2) == 0 => {
                        element.insert(short.clone(), value);
                        readings.push(FactValue::Stale);
                    }
                    value => readings.push(value),
                }
            }
            facts.insert(input.name.clone(), FactValue::Each(readings));
        }
        if let Some(list) = self.policy.list() {
            tokens.insert(list.clone(), TokenValue::List(elements));
        }
        (tokens, facts)
    }
}
