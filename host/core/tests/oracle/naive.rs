//! The second, naive implementation of the semantics: rows are scanned, cells and expressions are
//! taken as they are written, numbers are exact fractions.

use crate::model::{Answer, Cell, Expr, Fold, Hit, MICRO, Mode, Policy, ROUTES, Ratio, Sign, Value};
use std::collections::BTreeSet;

/// What is known of one input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    Valid(Value),
    Missing,
    Stale,
    OutOfBounds,
}

/// What is known of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    Known,
    Missing,
    WrongKind,
}

/// One set of inputs.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) inputs: Vec<Known>,
    pub(crate) list: List,
    /// For each element one for each input; only the dotted ones count.
    pub(crate) elements: Vec<Vec<Known>>,
}

/// Everything that an evaluation is compared by.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) reasons: BTreeSet<(&'static str, String)>,
    pub(crate) known: Answer,
    pub(crate) possible: Answer,
    pub(crate) rules: Vec<(String, Option<usize>)>,
    pub(crate) guards: Vec<(String, Option<usize>)>,
    pub(crate) not_true: Vec<String>,
    pub(crate) terms: Vec<(String, Value)>,
    pub(crate) fail_open: Option<u32>,
}

fn gcd(one: i128, other: i128) -> i128 {
    if other == 0 { one.abs() } else { gcd(other, one % other) }
}

impl Ratio {
    pub(crate) fn of(over: i128, under: i128) -> Ratio {
        let common = gcd(over, under).max(1) * if under < 0 { -1 } else { 1 };
        Ratio { over: over / common, under: under / common }
    }

    pub(crate) fn whole(number: i128) -> Ratio {
        Ratio { over: number, under: 1 }
    }

    fn times(self, other: Ratio) -> Ratio {
        Ratio::of(self.over * other.over, self.under * other.under)
    }

    fn plus(self, other: Ratio) -> Ratio {
        Ratio::of(self.over * other.under + other.over * self.under, self.under * other.under)
    }

    fn order(self, other: Ratio) -> std::cmp::Ordering {
        (self.over * other.under).cmp(&(other.over * self.under))
    }

    /// The nearest whole number as `mode` says; up is away from zero.
    fn rounded(self, mode: Mode) -> i128 {
        let (sign, over) = (self.over.signum(), self.over.abs());
        let (whole, rest) = (over / self.under, over % self.under);
        let up = match mode {
            Mode::Down => false,
            Mode::Up => rest > 0,
            Mode::HalfEven => 2 * rest > self.under || (2 * rest == self.under && whole % 2 == 1),
        };
        sign * (whole + i128::from(up))
    }
}

fn meets(sign: Sign, order: std::cmp::Ordering) -> bool {
    match sign {
        Sign::Equal => order.is_eq(),
        Sign::NotEqual => order.is_ne(),
        Sign::Less => order.is_lt(),
        Sign::AtMost => order.is_le(),
        Sign::More => order.is_gt(),
        Sign::AtLeast => order.is_ge(),
    }
}

fn compared(sign: Sign, one: Value, other: Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => meets(sign, one.order(other)),
        (Value::Day(one), Value::Day(other)) => meets(sign, one.cmp(&other)),
        (one, other) => (one == other) == (sign == Sign::Equal),
    }
}

fn accepts(cell: &Cell, value: Value) -> bool {
    match cell {
        Cell::Any(_) => true,
        Cell::List { values, negated } => values.contains(&value) != *negated,
        Cell::Compare(sign, bound) => compared(*sign, value, *bound),
        Cell::Range { beyond, low, before, high } => {
            let (from, until) = (
                if *beyond { Sign::More } else { Sign::AtLeast },
                if *before { Sign::Less } else { Sign::AtMost },
            );
            compared(from, value, *low) && compared(until, value, *high)
        }
    }
}

/// All answers together: the highest wins, needs are united without what another one covers.
pub(crate) fn joined<'a>(answers: impl IntoIterator<Item = &'a Answer>) -> Answer {
    let (mut routes, mut evidence) = (BTreeSet::new(), BTreeSet::new());
    for answer in answers {
        match answer {
            Answer::Approve => {}
            Answer::Deny => return Answer::Deny,
            Answer::Needs(own, kinds) => {
                routes.extend(own.iter().cloned());
                evidence.extend(kinds.iter().cloned());
            }
        }
    }
    if routes.is_empty() {
        return Answer::Approve;
    }
    // Each covers the next of the table, and what that one covers; the list is ordered by it.
    let all = routes.clone();
    let below =
        |name: &str| ROUTES.iter().find(|(route, _)| *route == name).map_or("", |(_, covers)| *covers);
    for route in &all {
        let mut next = below(route);
        while !next.is_empty() {
            routes.remove(next);
            next = below(next);
        }
    }
    Answer::Needs(routes, evidence)
}

struct Run<'a> {
    policy: &'a Policy,
    given: &'a Given,
    terms: Vec<Option<Value>>,
    faults: BTreeSet<&'static str>,
}

type Found = Option<Value>;

impl Run<'_> {
    fn known(&self, input: usize, element: Option<usize>) -> Known {
        match element {
            Some(element) if self.policy.inputs[input].dotted() => self.given.elements[element][input],
            _ => self.given.inputs[input],
        }
    }

    fn number(&mut self, expr: &Expr, element: Option<usize>) -> Option<Ratio> {
        match self.value(expr, element)? {
            Value::Number(ratio) => Some(ratio),
            other => panic!("{other:?} is no number"),
        }
    }

    fn truth(&mut self, expr: &Expr, element: Option<usize>) -> Option<bool> {
        match self.value(expr, element)? {
            Value::Truth(truth) => Some(truth),
            other => panic!("{other:?} is neither yes nor no"),
        }
    }

    fn numbers(&mut self, one: &Expr, other: &Expr, element: Option<usize>) -> Option<(Ratio, Ratio)> {
        let one = self.number(one, element);
        let other = self.number(other, element);
        one.zip(other)
    }

    fn value(&mut self, expr: &Expr, element: Option<usize>) -> Found {
        match expr {
            Expr::Const(value, _) => Some(*value),
            Expr::Input(index) => match self.known(*index, element) {
                Known::Valid(value) => Some(value),
                Known::Missing | Known::Stale | Known::OutOfBounds => None,
            },
            Expr::Term(index) => self.terms[*index],
            Expr::Not(inner) => self.truth(inner, element).map(|truth| Value::Truth(!truth)),
            Expr::Negate(inner) => {
                self.number(inner, element).map(|ratio| Value::Number(ratio.times(Ratio::whole(-1))))
            }
            Expr::And(one, other) | Expr::Or(one, other) => {
                let (one, other) = (self.truth(one, element), self.truth(other, element));
                let (one, other) = one.zip(other)?;
                Some(Value::Truth(if matches!(expr, Expr::And(..)) { one && other } else { one || other }))
            }
            Expr::Plus(one, other) => {
                let (one, other) = self.numbers(one, other, element)?;
                Some(Value::Number(one.plus(other)))
            }
            Expr::Minus(one, other) => {
                let (one, other) = self.numbers(one, other, element)?;
                Some(Value::Number(one.plus(other.times(Ratio::whole(-1)))))
            }
            Expr::Times(one, other) => {
                let (one, other) = self.numbers(one, other, element)?;
                Some(Value::Number(one.times(other).times(Ratio::of(1, MICRO))))
            }
            Expr::Compare(sign, one, other) => {
                let (one, other) = (self.value(one, element), self.value(other, element));
                let (one, other) = one.zip(other)?;
                Some(Value::Truth(compared(*sign, one, other)))
            }
            Expr::In(value, list) => {
                let value = self.value(value, element)?;
                Some(Value::Truth(list.iter().any(|(item, _)| compared(Sign::Equal, value, *item))))
            }
            Expr::Round { value, by, step, mode } => {
                let value = self.number(value, element);
                // Without a divisor it is divided by one whole unit.
                let by = match by {
                    Some(by) => self.number(by, element),
                    None => Some(Ratio::whole(MICRO)),
                };
                let (value, by) = value.zip(by)?;
                if by.over == 0 {
                    self.faults.insert("division-by-zero");
                    return None;
                }
                let quotient = value.times(Ratio::of(by.under * MICRO, by.over));
                let steps = quotient.times(Ratio::of(step.0.under, step.0.over));
                Some(Value::Number(step.0.times(Ratio::whole(steps.rounded(*mode)))))
            }
            Expr::Extreme(greatest, of) => {
                let numbers: Vec<Option<Ratio>> = of.iter().map(|item| self.number(item, element)).collect();
                let numbers: Option<Vec<Ratio>> = numbers.into_iter().collect();
                let numbers = numbers?.into_iter();
                let best = if *greatest {
                    numbers.max_by(|one, other| one.order(*other))
                } else {
                    numbers.min_by(|one, other| one.order(*other))
                };
                best.map(Value::Number)
            }
            Expr::Fold(fold, value, filter) => self.fold(*fold, value, filter.as_deref()),
        }
    }

    fn fold(&mut self, fold: Fold, value: &Expr, filter: Option<&Expr>) -> Found {
        if self.given.list != List::Known {
            return None;
        }
        let mut taken: Vec<Value> = Vec::new();
        let mut whole = true;
        for element in 0..self.given.elements.len() {
            let counts = filter.map_or(Some(true), |filter| self.truth(filter, Some(element)));
            let value = self.value(value, Some(element));
            match counts.zip(value) {
                Some((true, value)) => taken.push(value),
                Some((false, _)) => {}
                None => whole = false,
            }
        }
        if !whole {
            return None;
        }
        let numbers = taken.iter().map(|value| match value {
            Value::Number(ratio) => *ratio,
            other => panic!("{other:?} is no number"),
        });
        let yes = taken.iter().filter(|value| **value == Value::Truth(true)).count();
        let found = match fold {
            Fold::Sum => Some(numbers.fold(Ratio::whole(0), Ratio::plus)),
            Fold::Min => numbers.min_by(|one, other| one.order(*other)),
            Fold::Max => numbers.max_by(|one, other| one.order(*other)),
            Fold::Count => Some(Ratio::whole(yes as i128 * MICRO)),
            Fold::Any => return Some(Value::Truth(yes > 0)),
            Fold::All => return Some(Value::Truth(yes == taken.len())),
        };
        if found.is_none() {
            self.faults.insert("empty-list");
        }
        found.map(Value::Number)
    }

    /// Whether an expression names a dotted input outside of a fold.
    fn per_element(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Input(index) => self.policy.inputs[*index].dotted(),
            Expr::Const(..) | Expr::Term(_) | Expr::Fold(..) => false,
            Expr::Not(inner) | Expr::Negate(inner) | Expr::In(inner, _) => self.per_element(inner),
            Expr::And(one, other)
            | Expr::Or(one, other)
            | Expr::Plus(one, other)
            | Expr::Minus(one, other)
            | Expr::Times(one, other)
            | Expr::Compare(_, one, other) => self.per_element(one) || self.per_element(other),
            Expr::Round { value, by, .. } => {
                self.per_element(value) || by.as_ref().is_some_and(|by| self.per_element(by))
            }
            Expr::Extreme(_, of) => of.iter().any(|item| self.per_element(item)),
        }
    }
}

/// What the policy must answer.
pub(crate) fn decide(policy: &Policy, given: &Given) -> Expected {
    let mut out = Gathered::default();
    out.inputs(policy, given);
    let mut run = Run { policy, given, terms: Vec::new(), faults: BTreeSet::new() };
    let mut terms = Vec::new();
    for (name, formula) in &policy.terms {
        let value = run.value(formula, None);
        out.note(&mut run.faults, name);
        terms.extend(value.map(|value| (name.clone(), value)));
        run.terms.push(value);
    }
    if policy.each {
        if given.list == List::Known && given.elements.is_empty() {
            out.reasons.insert(("empty-list", "item".to_owned()));
        }
        if given.elements.is_empty() {
            out.possible.extend(policy.rules.iter().map(|rule| &rule.answer));
        }
        for element in 0..given.elements.len() {
            out.table(&run, Some(element));
        }
    } else {
        out.table(&run, None);
    }
    for guard in &policy.guards {
        let each = run.per_element(&guard.when);
        let places: Vec<Option<usize>> =
            if each { (0..given.elements.len()).map(Some).collect() } else { vec![None] };
        // Without an element nobody knows what the guard would say of one.
        let mut open = places.is_empty();
        if open {
            out.possible.push(&guard.then);
        }
        for place in places {
            let holds = run.truth(&guard.when, place);
            out.note(&mut run.faults, &guard.id);
            if holds != Some(false) {
                open = true;
                out.possible.push(&guard.then);
            }
            if holds == Some(true) {
                out.known.push(&guard.then);
                out.guards.push((guard.id.clone(), place));
            }
        }
        if !open {
            out.not_true.push(guard.id.clone());
        }
    }
    let of_document = out.reasons.iter().any(|(kind, _)| ["gap", "overlap"].contains(kind));
    let mut fail_open = None;
    if let (Some((condition, cap)), false, false) = (&policy.fail_open, out.reasons.is_empty(), of_document)
        && run.truth(condition, None) == Some(true)
        && run.faults.is_empty()
    {
        fail_open = Some(*cap);
    }
    Expected {
        known: joined(out.known.iter().copied()),
        possible: joined(out.possible.iter().copied()),
        reasons: out.reasons,
        rules: out.rules,
        guards: out.guards,
        not_true: out.not_true,
        terms,
        fail_open,
    }
}

#[derive(Default)]
struct Gathered<'a> {
    reasons: BTreeSet<(&'static str, String)>,
    known: Vec<&'a Answer>,
    possible: Vec<&'a Answer>,
    rules: Vec<(String, Option<usize>)>,
    guards: Vec<(String, Option<usize>)>,
    not_true: Vec<String>,
}

impl<'a> Gathered<'a> {
    /// Every input must have a valid value, whether it would matter or not.
    fn inputs(&mut self, policy: &Policy, given: &Given) {
        if policy.inputs.iter().any(crate::model::Input::dotted) {
            match given.list {
                List::Known => {}
                List::Missing => drop(self.reasons.insert(("missing", "item".to_owned()))),
                List::WrongKind => drop(self.reasons.insert(("out-of-bounds", "item".to_owned()))),
            }
        }
        for (index, input) in policy.inputs.iter().enumerate() {
            let values: Vec<Known> = if input.dotted() {
                given.elements.iter().map(|element| element[index]).collect()
            } else {
                vec![given.inputs[index]]
            };
            for known in values {
                let kind = match known {
                    Known::Valid(_) => continue,
                    Known::Missing => "missing",
                    Known::Stale => "stale",
                    Known::OutOfBounds => "out-of-bounds",
                };
                self.reasons.insert((kind, input.name.clone()));
            }
        }
    }

    fn note(&mut self, faults: &mut BTreeSet<&'static str>, at: &str) {
        self.reasons.extend(std::mem::take(faults).into_iter().map(|kind| (kind, at.to_owned())));
    }

    fn table(&mut self, run: &Run<'a>, element: Option<usize>) {
        let policy = run.policy;
        // For each row: yes, no, or unknown.
        let matches: Vec<Option<bool>> = policy
            .rules
            .iter()
            .map(|rule| {
                let mut unknown = false;
                for (column, cell) in policy.columns.iter().zip(&rule.cells) {
                    match (cell, run.known(*column, element)) {
                        (Cell::Any(_), _) => {}
                        (cell, Known::Valid(value)) => {
                            if !accepts(cell, value) {
                                return Some(false);
                            }
                        }
                        (_, Known::Missing | Known::Stale | Known::OutOfBounds) => unknown = true,
                    }
                }
                if unknown { None } else { Some(true) }
            })
            .collect();
        let sure: Vec<usize> = (0..matches.len()).filter(|row| matches[*row] == Some(true)).collect();
        let mut live: Vec<usize> = (0..matches.len()).filter(|row| matches[*row] != Some(false)).collect();
        if policy.hit == Hit::First
            && let Some(first) = sure.first()
        {
            live.retain(|row| row <= first);
        }
        let at = element.map_or("t".to_owned(), |element| format!("t (element {})", element + 1));
        if live.is_empty() {
            self.reasons.insert(("gap", at));
            self.possible.extend(policy.rules.iter().map(|rule| &rule.answer));
            return;
        }
        self.possible.extend(live.iter().map(|row| &policy.rules[*row].answer));
        let decided: Vec<usize> = match policy.hit {
            // The first that surely matches decides only if none above it might.
            Hit::First => {
                live.first().filter(|row| matches[**row] == Some(true)).copied().into_iter().collect()
            }
            Hit::Unique if sure.len() > 1 => {
                let ids: Vec<&str> = sure.iter().map(|row| policy.rules[*row].id.as_str()).collect();
                self.reasons.insert(("overlap", ids.join(", ")));
                Vec::new()
            }
            Hit::Unique | Hit::Every => sure,
        };
        for row in decided {
            let rule = &policy.rules[row];
            self.known.push(&rule.answer);
            self.rules.push((rule.id.clone(), element));
        }
    }
}
