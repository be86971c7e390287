//! Policies from chance: every type, hit policy, kind of cell and form of expression.

use crate::chance::Chance;
use crate::model::{
    Answer, Cell, Expr, Fold, Guard, Hit, Input, Kind, MICRO, Mode, Policy, Ratio, Rule, Sign, Unit, Value,
    day, number,
};
use std::collections::BTreeSet;

const NAMES: [&str; 6] = ["alpha", "beta", "gamma", "delta", "kappa", "omega"];
const DOTTED: [&str; 2] = ["item.size", "item.note"];
/// Two enums, so that equal words of different ones meet; `b` stands in both.
const WORDS: [&[&str]; 2] = [&["a", "b", "c", "d"], &["b", "x-y", "3rd"]];
pub(crate) const TEXTS: [&str; 3] = ["", "hello", "a b"];
const SIGNS: [Sign; 6] = [Sign::Equal, Sign::NotEqual, Sign::Less, Sign::AtMost, Sign::More, Sign::AtLeast];

pub(crate) fn policy(chance: &mut Chance) -> Policy {
    let mut inputs: Vec<Input> = NAMES
        .iter()
        .take(1 + chance.below(NAMES.len()))
        .map(|name| Input { name: (*name).to_owned(), kind: kind(chance) })
        .collect();
    if chance.percent(40) {
        let count = 1 + chance.below(DOTTED.len());
        inputs.extend(
            DOTTED.iter().take(count).map(|name| Input { name: (*name).to_owned(), kind: kind(chance) }),
        );
    }
    let listed = inputs.iter().any(Input::dotted);
    let each = listed && chance.percent(60);
    let mut policy = Policy {
        inputs,
        terms: Vec::new(),
        hit: *chance.pick(&[Hit::First, Hit::Unique, Hit::Every]),
        each,
        columns: Vec::new(),
        rules: Vec::new(),
        guards: Vec::new(),
        fail_open: None,
    };
    for name in ["t_one", "t_two", "t_three"].iter().take(chance.below(4)) {
        let mut terms = Builder { policy: &policy, chance, element: false, folds: listed, foldable: false };
        if let Some(formula) = terms.formula() {
            policy.terms.push(((*name).to_owned(), formula));
        }
    }
    table(&mut policy, chance);
    for index in 0..chance.below(5) {
        let mut guards =
            Builder { policy: &policy, chance, element: each, folds: listed && !each, foldable: false };
        let Some(when) = guards.truth(3) else { continue };
        let then = match answer(chance) {
            Answer::Approve => Answer::Deny,
            other => other,
        };
        policy.guards.push(Guard { id: format!("g{index}"), when, then });
    }
    if chance.percent(30) {
        let mut open = Builder { policy: &policy, chance, element: false, folds: false, foldable: false };
        policy.fail_open = open.truth(2).map(|condition| (condition, 7));
    }
    policy
}

fn kind(chance: &mut Chance) -> Kind {
    let bounds = |chance: &mut Chance, step: i128, most: i128| {
        let min = chance.between(-2, 2) * step;
        (min, min + chance.between(1, most) * step)
    };
    let numbers = |chance: &mut Chance, unit: Unit, steps: &[i128], most: i128| {
        let step = *chance.pick(steps);
        let (min, max) = bounds(chance, step, most);
        Kind::Number { unit, min, max, step }
    };
    match chance.below(11) {
        0 | 1 => numbers(chance, Unit::Percent, &[100, 5_000, 10_000], 400),
        2 | 3 => numbers(chance, Unit::Money, &[10_000, MICRO, 5 * MICRO], 2_000),
        4 => numbers(chance, Unit::Months, &[MICRO, 6 * MICRO], 30),
        5 => numbers(chance, Unit::Days, &[MICRO], 90),
        6 | 7 => numbers(chance, Unit::Count, &[MICRO, 3 * MICRO], 12),
        8 => Kind::YesNo,
        9 => {
            if chance.percent(60) {
                Kind::OneOf(chance.pick(&WORDS).to_vec())
            } else {
                let from = chance.between(1, 10) as i64;
                Kind::Date { from, until: from + chance.between(1, 20) as i64 }
            }
        }
        _ => Kind::Text,
    }
}

/// A value on the grid of a type, often at its ends.
pub(crate) fn value(kind: &Kind, chance: &mut Chance) -> Value {
    let numbered = |low: i128, high: i128, chance: &mut Chance| match chance.below(6) {
        0 => low,
        1 => high,
        _ => chance.between(low, high),
    };
    match kind {
        Kind::Number { min, max, step, .. } => {
            Value::Number(Ratio::whole(numbered(min / step, max / step, chance) * step))
        }
        Kind::YesNo => Value::Truth(chance.percent(50)),
        Kind::OneOf(words) => Value::Word(chance.word(words)),
        Kind::Date { from, until } => {
            Value::Day(numbered(i128::from(*from), i128::from(*until), chance) as i64)
        }
        Kind::Text => Value::Text(chance.word(&TEXTS)),
    }
}

pub(crate) fn answer(chance: &mut Chance) -> Answer {
    match chance.below(6) {
        0 | 1 => Answer::Approve,
        2 => Answer::Deny,
        _ => {
            let routes: BTreeSet<String> = (0..1 + chance.below(2))
                .map(|_| chance.word(&["low", "high", "top", "side"]).to_owned())
                .collect();
            let evidence = if chance.percent(25) { vec![chance.word(&["letter", "quote"])] } else { vec![] };
            Answer::Needs(routes, evidence.into_iter().map(str::to_owned).collect())
        }
    }
}

fn table(policy: &mut Policy, chance: &mut Chance) {
    let may = |input: &Input| input.kind != Kind::Text && (policy.each || !input.dotted());
    let mut columns: Vec<usize> =
        (0..policy.inputs.len()).filter(|index| may(&policy.inputs[*index])).collect();
    if columns.len() > 1 && chance.percent(50) {
        columns.remove(chance.below(columns.len()));
        columns.reverse();
    }
    let count = match chance.below(20) {
        0 => 60 + chance.below(80),
        1..=4 => 8 + chance.below(20),
        _ => 1 + chance.below(7),
    };
    let open = if policy.hit == Hit::Unique { 10 } else { 35 };
    for index in 0..count {
        let cells = columns
            .iter()
            .map(|column| {
                if chance.percent(open) {
                    Cell::Any(chance.word(&["", "-"]))
                } else {
                    cell(&policy.inputs[*column].kind, chance)
                }
            })
            .collect();
        policy.rules.push(Rule { id: format!("r{index}"), cells, answer: answer(chance) });
    }
    if policy.hit != Hit::Unique && chance.percent(50) {
        let cells = columns.iter().map(|_| Cell::Any("")).collect();
        policy.rules.push(Rule { id: "rest".to_owned(), cells, answer: answer(chance) });
    }
    policy.columns = columns;
}

/// A cell that accepts something and not what its text does not say.
fn cell(kind: &Kind, chance: &mut Chance) -> Cell {
    let ordered = matches!(kind, Kind::Number { .. } | Kind::Date { .. });
    let ends = |value: Value| match (kind, value) {
        (Kind::Number { min, max, .. }, Value::Number(ratio)) => (ratio.over == *min, ratio.over == *max),
        (Kind::Date { from, until }, Value::Day(day)) => (day == *from, day == *until),
        _ => (false, false),
    };
    let one = value(kind, chance);
    match chance.below(if ordered { 6 } else { 2 }) {
        0 => Cell::List {
            values: (0..1 + chance.below(3)).map(|_| value(kind, chance)).collect(),
            negated: false,
        },
        // Of a type with two values or more, one can always be left out.
        1 => Cell::List { values: vec![one], negated: true },
        2 => Cell::Compare(if ends(one).0 { Sign::AtMost } else { Sign::Less }, one),
        3 => Cell::Compare(if ends(one).1 { Sign::AtLeast } else { Sign::More }, one),
        4 => Cell::Compare(*chance.pick(&[Sign::AtMost, Sign::AtLeast]), one),
        _ => {
            let other = value(kind, chance);
            let rising = match (one, other) {
                (Value::Number(one), Value::Number(other)) => one.over <= other.over,
                (Value::Day(one), Value::Day(other)) => one <= other,
                _ => true,
            };
            let (low, high) = if rising { (one, other) } else { (other, one) };
            // One open end needs a step between the two, both need two: far enough is enough.
            let far = match (kind, low, high) {
                (Kind::Number { step, .. }, Value::Number(low), Value::Number(high)) => {
                    high.over - low.over > *step
                }
                (_, Value::Day(low), Value::Day(high)) => high - low > 1,
                _ => false,
            };
            let (beyond, before) = (far && chance.percent(30), far && chance.percent(30));
            Cell::Range { beyond, low, before, high }
        }
    }
}

/// Expressions over what one place of the document may name.
struct Builder<'a> {
    policy: &'a Policy,
    chance: &'a mut Chance,
    /// Whether dotted names may stand here, as the current element.
    element: bool,
    /// Whether folds may stand here.
    folds: bool,
    /// Whether this is the inside of a fold, which must name a dotted input.
    foldable: bool,
}

impl Builder<'_> {
    fn inputs(&mut self, fits: impl Fn(&Kind) -> bool) -> Option<Expr> {
        let (policy, element) = (self.policy, self.element);
        let mut found: Vec<usize> = (0..policy.inputs.len())
            .filter(|index| {
                let input = &policy.inputs[*index];
                fits(&input.kind) && (element || !input.dotted())
            })
            .collect();
        // A fold reads the list: prefer its names where there is one.
        if self.foldable && found.iter().any(|index| policy.inputs[*index].dotted()) {
            found.retain(|index| policy.inputs[*index].dotted());
        }
        (!found.is_empty()).then(|| Expr::Input(found[self.chance.below(found.len())]))
    }

    fn term(&mut self, fits: impl Fn(&Expr) -> bool) -> Option<Expr> {
        let found: Vec<usize> =
            (0..self.policy.terms.len()).filter(|index| fits(&self.policy.terms[*index].1)).collect();
        (!found.is_empty()).then(|| Expr::Term(found[self.chance.below(found.len())]))
    }

    fn formula(&mut self) -> Option<Expr> {
        if self.chance.percent(25) {
            return self.truth(2);
        }
        let unit = *self.chance.pick(&[Unit::Percent, Unit::Money, Unit::Months, Unit::Days, Unit::Count]);
        let formula = self.number(unit, 3)?;
        // A bare number has no unit of its own; only something that was read has.
        (self.unit_of(&formula) == Some(unit)).then_some(formula)
    }

    /// The unit of a number; nothing if it is bare or no number.
    fn unit_of(&self, expr: &Expr) -> Option<Unit> {
        match expr {
            Expr::Const(_, text) if text.ends_with('%') => Some(Unit::Percent),
            Expr::Const(_, text) if text.ends_with("USD") => Some(Unit::Money),
            Expr::Input(index) => match self.policy.inputs[*index].kind {
                Kind::Number { unit, .. } => Some(unit),
                Kind::YesNo | Kind::OneOf(_) | Kind::Date { .. } | Kind::Text => None,
            },
            Expr::Term(index) => self.unit_of(&self.policy.terms[*index].1),
            Expr::Negate(inner) => self.unit_of(inner),
            Expr::Plus(one, other) | Expr::Minus(one, other) => {
                self.unit_of(one).or_else(|| self.unit_of(other))
            }
            Expr::Extreme(_, of) => of.iter().find_map(|item| self.unit_of(item)),
            Expr::Round { value, by: None, .. } => match &**value {
                Expr::Times(one, other) => {
                    let units = [self.unit_of(one), self.unit_of(other)];
                    units.into_iter().flatten().find(|unit| *unit == Unit::Money).or(units[0])
                }
                other => self.unit_of(other),
            },
            Expr::Round { value, by: Some(by), step, .. } => match (self.unit_of(value), self.unit_of(by)) {
                (Some(one), Some(other)) if one == other => {
                    Some(if step.1.ends_with('%') { Unit::Percent } else { Unit::Count })
                }
                (one, _) => one,
            },
            Expr::Fold(Fold::Sum | Fold::Min | Fold::Max, value, _) => self.unit_of(value),
            Expr::Fold(Fold::Count, ..) => Some(Unit::Count),
            Expr::Const(..)
            | Expr::Times(..)
            | Expr::Not(_)
            | Expr::And(..)
            | Expr::Or(..)
            | Expr::Compare(..)
            | Expr::In(..)
            | Expr::Fold(Fold::Any | Fold::All, ..) => None,
        }
    }

    fn constant(&mut self, unit: Unit) -> Expr {
        let micro = match unit {
            Unit::Percent => self.chance.between(-300, 300) * 100,
            Unit::Money => self.chance.between(-2_000, 2_000) * 10_000 * self.chance.between(1, 9),
            Unit::Months | Unit::Days | Unit::Count => self.chance.between(-3, 40) * MICRO,
        };
        let mut text = number(micro, unit);
        if unit == Unit::Money && self.chance.percent(50) {
            text += " USD";
        }
        Expr::Const(Value::Number(Ratio::whole(micro)), text)
    }

    /// A number of this unit that is on its grid.
    fn number(&mut self, unit: Unit, depth: usize) -> Option<Expr> {
        let of_unit = |kind: &Kind| matches!(kind, Kind::Number { unit: own, .. } if *own == unit);
        let sub = depth.checked_sub(1);
        match (self.chance.below(12), sub) {
            (0 | 1, Some(depth)) => {
                let (one, other) = (Box::new(self.number(unit, depth)?), Box::new(self.number(unit, depth)?));
                Some(if self.chance.percent(50) { Expr::Plus(one, other) } else { Expr::Minus(one, other) })
            }
            (2, Some(depth)) => {
                let greatest = self.chance.percent(50);
                let of: Option<Vec<Expr>> =
                    (0..2 + self.chance.below(2)).map(|_| self.number(unit, depth)).collect();
                Some(Expr::Extreme(greatest, of?))
            }
            (3, Some(depth)) => self.number(unit, depth).map(|inner| Expr::Negate(Box::new(inner))),
            (4 | 5, Some(_)) => self.rounded(unit),
            (6, Some(_)) if self.folds => self.fold(unit),
            (7, _) => {
                let wanted = Some(unit);
                let units: Vec<bool> =
                    self.policy.terms.iter().map(|(_, term)| self.unit_of(term) == wanted).collect();
                let found: Vec<usize> = (0..units.len()).filter(|index| units[*index]).collect();
                if found.is_empty() {
                    return Some(self.constant(unit));
                }
                Some(Expr::Term(*self.chance.pick(&found)))
            }
            (8, _) => Some(self.constant(unit)),
            _ => self.inputs(of_unit).or_else(|| Some(self.constant(unit))),
        }
    }

    /// Something that has a unit without being told: what products and quotients are made of.
    fn leaf(&mut self, unit: Unit) -> Option<Expr> {
        self.inputs(|kind| matches!(kind, Kind::Number { unit: own, .. } if *own == unit))
    }

    /// Products and quotients, which leave the grid, inside their `round`.
    fn rounded(&mut self, unit: Unit) -> Option<Expr> {
        let steps: &[i128] = match unit {
            Unit::Percent => &[100, 10_000, 2_500],
            Unit::Money => &[10_000, MICRO, 50_000],
            Unit::Months | Unit::Days | Unit::Count => &[MICRO, 3 * MICRO],
        };
        let step = *self.chance.pick(steps);
        let step = (Ratio::whole(step), number(step, unit));
        let mode = *self.chance.pick(&[Mode::Up, Mode::Down, Mode::HalfEven]);
        let whole = |value: Expr| Some((value, None));
        let over = |value: Expr, by: Expr| Some((value, Some(Box::new(by))));
        let (value, by) = match (unit, self.chance.below(3)) {
            (Unit::Money, 0) => over(self.leaf(Unit::Money)?, self.leaf(Unit::Count)?),
            (Unit::Money, _) => {
                let (amount, rate) = (self.leaf(Unit::Money)?, self.leaf(Unit::Percent)?);
                whole(Expr::Times(Box::new(amount), Box::new(rate)))
            }
            (Unit::Percent, 0) => {
                let (one, other) = (self.leaf(Unit::Percent)?, self.leaf(Unit::Percent)?);
                whole(Expr::Times(Box::new(one), Box::new(other)))
            }
            (Unit::Percent, _) => {
                let unit = *self.chance.pick(&[Unit::Money, Unit::Count, Unit::Percent]);
                over(
                    self.number(unit, 1).filter(|value| self.unit_of(value) == Some(unit))?,
                    self.leaf(unit)?,
                )
            }
            (Unit::Count, 0) => over(self.leaf(Unit::Money)?, self.leaf(Unit::Money)?),
            (Unit::Months | Unit::Days | Unit::Count, _) => over(self.leaf(unit)?, self.leaf(Unit::Count)?),
        }?;
        Some(Expr::Round { value: Box::new(value), by, step, mode })
    }

    fn fold(&mut self, unit: Unit) -> Option<Expr> {
        let mut inner =
            Builder { policy: self.policy, chance: self.chance, element: true, folds: false, foldable: true };
        if unit == Unit::Count && inner.chance.percent(40) {
            let condition = inner.truth(1)?;
            return Some(Expr::Fold(Fold::Count, Box::new(condition), None));
        }
        let fold = *inner.chance.pick(&[Fold::Sum, Fold::Min, Fold::Max]);
        let value = inner.leaf(unit)?;
        let filter = if inner.chance.percent(40) { Some(Box::new(inner.truth(1)?)) } else { None };
        Some(Expr::Fold(fold, Box::new(value), filter))
    }

    fn truth(&mut self, depth: usize) -> Option<Expr> {
        let sub = depth.checked_sub(1);
        match (self.chance.below(14), sub) {
            (0 | 1, Some(depth)) => {
                Some(Expr::And(Box::new(self.truth(depth)?), Box::new(self.truth(depth)?)))
            }
            (2 | 3, Some(depth)) => {
                Some(Expr::Or(Box::new(self.truth(depth)?), Box::new(self.truth(depth)?)))
            }
            (4, Some(depth)) => self.truth(depth).map(|inner| Expr::Not(Box::new(inner))),
            (5, _) => self.inputs(|kind| *kind == Kind::YesNo).or_else(|| {
                let truth = |expr: &Expr| {
                    matches!(
                        expr,
                        Expr::And(..)
                            | Expr::Or(..)
                            | Expr::Not(_)
                            | Expr::Compare(..)
                            | Expr::In(..)
                            | Expr::Fold(Fold::Any | Fold::All, ..)
                    )
                };
                self.term(truth)
            }),
            (6 | 7, _) => self.listed(),
            (8, Some(_)) if self.folds => {
                let mut inner = Builder {
                    policy: self.policy,
                    chance: self.chance,
                    element: true,
                    folds: false,
                    foldable: true,
                };
                let condition = Box::new(inner.truth(1)?);
                Some(Expr::Fold(*inner.chance.pick(&[Fold::Any, Fold::All]), condition, None))
            }
            _ => {
                let unit =
                    *self.chance.pick(&[Unit::Percent, Unit::Money, Unit::Months, Unit::Days, Unit::Count]);
                let left = self.leaf(unit).or_else(|| self.number(unit, depth.min(2)))?;
                let right = self.number(unit, depth.min(2))?;
                let sign = *self.chance.pick(&SIGNS);
                let (one, other) = if self.chance.percent(50) { (left, right) } else { (right, left) };
                Some(Expr::Compare(sign, Box::new(one), Box::new(other)))
            }
        }
    }

    /// An input against values of its type: a comparison or a list.
    fn listed(&mut self) -> Option<Expr> {
        let input = self.inputs(|_| true)?;
        let Expr::Input(index) = input else { return None };
        let kind = &self.policy.inputs[index].kind;
        let shown = |value: Value| match (kind, value) {
            (_, Value::Text(text)) => format!("\"{text}\""),
            (_, Value::Day(number)) => day(number),
            (kind, value) => kind.spell(value),
        };
        let one = value(kind, self.chance);
        let signs: &[Sign] = match kind {
            Kind::Number { .. } | Kind::Date { .. } => &SIGNS,
            Kind::YesNo | Kind::OneOf(_) | Kind::Text => &[Sign::Equal, Sign::NotEqual],
        };
        if *kind != Kind::Text && self.chance.percent(40) {
            let values = (0..1 + self.chance.below(3)).map(|_| value(kind, self.chance));
            let values = values.map(|value| (value, shown(value))).collect();
            return Some(Expr::In(Box::new(input), values));
        }
        let sign = *self.chance.pick(signs);
        let (one, other) = (Box::new(input), Box::new(Expr::Const(one, shown(one))));
        Some(if self.chance.percent(50) {
            Expr::Compare(sign, one, other)
        } else {
            Expr::Compare(sign, other, one)
        })
    }
}
