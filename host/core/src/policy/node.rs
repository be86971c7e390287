//! Compiled expressions and their evaluation: integers only, checked, total.

use super::outcome::ReasonKind;
use crate::intent::kind::Rounding;

/// A compiled expression. Indices are those of the policy's inputs and terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Const(i128),
    Input(usize),
    Element(usize),
    Term(usize),
    Text(TextOf),
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Add(Box<Node>, Box<Node>),
    Subtract(Box<Node>, Box<Node>),
    Multiply(Box<Node>, Box<Node>),
    Compare(Compare, Box<Node>, Box<Node>),
    SameText(TextOf, TextOf),
    /// `value * up / (by * down)`, rounded to whole multiples of `step`.
    Round {
        value: Box<Node>,
        by: Option<Box<Node>>,
        up: i128,
        down: i128,
        step: i128,
        mode: Rounding,
    },
    Extreme {
        greatest: bool,
        one: Box<Node>,
        other: Box<Node>,
    },
    Fold {
        fold: Fold,
        value: Box<Node>,
        filter: Option<Box<Node>>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TextOf {
    Const(String),
    Input(usize),
    Element(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compare {
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fold {
    Sum,
    Least,
    Greatest,
    Count,
    Any,
    All,
}

/// One value that an expression reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot<'a> {
    Number(i64),
    Text(&'a str),
    /// Missing, stale or out of bounds; the reason was noted when the slot was filled.
    Unknown,
}

/// What an expression is evaluated over.
#[derive(Debug, Default)]
pub(crate) struct Env<'a> {
    /// One for each input; dotted ones are unknown here.
    pub(crate) inputs: Vec<Slot<'a>>,
    /// For each element one slot for each input.
    pub(crate) elements: Vec<Vec<Slot<'a>>>,
    /// Whether the elements are those of the list; a list without value has none that are known.
    pub(crate) list_known: bool,
    /// Values of the terms, as far as they are evaluated.
    pub(crate) terms: Vec<Option<i128>>,
}

impl Node {
    /// The value; `None` if something that it reads is unknown (noted elsewhere) or a fault of
    /// the arithmetic, which is added to `faults`. Nothing is absorbed: both sides of `and` and
    /// `or` are always evaluated.
    pub(crate) fn evaluate(
        &self,
        env: &Env<'_>,
        element: Option<usize>,
        faults: &mut Vec<ReasonKind>,
    ) -> Option<i128> {
        let both = |one: &Node, other: &Node, faults: &mut Vec<ReasonKind>| {
            let one = one.operand(env, element, faults);
            let other = other.operand(env, element, faults);
            one.zip(other)
        };
        match self {
            Node::Const(number) => Some(*number),
            Node::Input(index) => number_of(env.inputs.get(*index)),
            Node::Element(index) => number_of(element_slot(env, element, *index)),
            Node::Term(index) => env.terms.get(*index).copied().flatten(),
            Node::Text(_) => None,
            Node::Negate(inner) => checked(inner.evaluate(env, element, faults)?.checked_neg(), faults),
            Node::Add(one, other) => {
                let (one, other) = both(one, other, faults)?;
                checked(one.checked_add(other), faults)
            }
            Node::Subtract(one, other) => {
                let (one, other) = both(one, other, faults)?;
                checked(one.checked_sub(other), faults)
            }
            Node::Multiply(one, other) => {
                let (one, other) = both(one, other, faults)?;
                checked(one.checked_mul(other), faults)
            }
            Node::Round { value, by, up, down, step, mode } => {
                let value = value.evaluate(env, element, faults);
                let by = match by {
                    Some(by) => by.evaluate(env, element, faults),
                    None => Some(1),
                };
                let (value, by) = value.zip(by)?;
                if by == 0 {
                    faults.push(ReasonKind::DivisionByZero);
                    return None;
                }
                checked(rounded(value, by, (*up, *down, *step), *mode), faults)
            }
            Node::Extreme { greatest, one, other } => {
                let (one, other) = both(one, other, faults)?;
                Some(if *greatest { one.max(other) } else { one.min(other) })
            }
            Node::Fold { fold, value, filter } => folded(*fold, value, filter.as_deref(), env, faults),
            Node::Not(_) | Node::And(..) | Node::Or(..) | Node::Compare(..) | Node::SameText(..) => {
                self.holds(env, element, faults).map(i128::from)
            }
        }
    }

    /// Whether a condition holds: its value as [`Node::evaluate`] gives it, where only 0 is no.
    pub(crate) fn holds(
        &self,
        env: &Env<'_>,
        element: Option<usize>,
        faults: &mut Vec<ReasonKind>,
    ) -> Option<bool> {
        match self {
            Node::Not(inner) => inner.holds(env, element, faults).map(|truth| !truth),
            Node::And(one, other) => {
                let one = one.holds(env, element, faults);
                let other = other.holds(env, element, faults);
                Some(one? & other?)
            }
            Node::Or(one, other) => {
                let one = one.holds(env, element, faults);
                let other = other.holds(env, element, faults);
                Some(one? | other?)
            }
            Node::Compare(compare, one, other) => {
                let one = one.operand(env, element, faults);
                let other = other.operand(env, element, faults);
                Some(compare.holds(one?, other?))
            }
            Node::SameText(one, other) => Some(one.text(env, element)? == other.text(env, element)?),
            Node::Const(_)
            | Node::Input(_)
            | Node::Element(_)
            | Node::Term(_)
            | Node::Text(_)
            | Node::Negate(_)
            | Node::Add(..)
            | Node::Subtract(..)
            | Node::Multiply(..)
            | Node::Round { .. }
            | Node::Extreme { .. }
            | Node::Fold { .. } => self.operand(env, element, faults).map(|truth| truth != 0),
        }
    }

    /// The same value as [`Node::evaluate`]. Nearly everything that is compared only has to be looked
    /// up, and of a million replays comparisons are most.
    #[inline]
    fn operand(&self, env: &Env<'_>, element: Option<usize>, faults: &mut Vec<ReasonKind>) -> Option<i128> {
        match self {
            Node::Const(number) => Some(*number),
            Node::Input(index) => number_of(env.inputs.get(*index)),
            Node::Term(index) => env.terms.get(*index).copied().flatten(),
            Node::Element(_)
            | Node::Text(_)
            | Node::Not(_)
            | Node::Negate(_)
            | Node::And(..)
            | Node::Or(..)
            | Node::Add(..)
            | Node::Subtract(..)
            | Node::Multiply(..)
            | Node::Compare(..)
            | Node::SameText(..)
            | Node::Round { .. }
            | Node::Extreme { .. }
            | Node::Fold { .. } => self.evaluate(env, element, faults),
        }
    }

    /// Whether the value differs from element to element; a fold over all of them does not.
    pub(crate) fn reads_element(&self) -> bool {
        match self {
            Node::Element(_) | Node::Text(TextOf::Element(_)) => true,
            Node::Const(_)
            | Node::Input(_)
            | Node::Term(_)
            | Node::Text(TextOf::Const(_) | TextOf::Input(_))
            | Node::Fold { .. } => false,
            Node::Not(inner) | Node::Negate(inner) => inner.reads_element(),
            Node::And(one, other)
            | Node::Or(one, other)
            | Node::Add(one, other)
            | Node::Subtract(one, other)
            | Node::Multiply(one, other)
            | Node::Compare(_, one, other)
            | Node::Extreme { one, other, .. } => one.reads_element() || other.reads_element(),
            Node::SameText(one, other) => [one, other].iter().any(|text| matches!(text, TextOf::Element(_))),
            Node::Round { value, by, .. } => {
                value.reads_element() || by.as_ref().is_some_and(|by| by.reads_element())
            }
        }
    }

    /// The value of a node that reads nothing.
    pub(crate) fn constant(&self) -> Option<i128> {
        match self {
            Node::Const(number) => Some(*number),
            Node::Negate(inner) => inner.constant()?.checked_neg(),
            Node::Multiply(one, other) => one.constant()?.checked_mul(other.constant()?),
            Node::Add(one, other) => one.constant()?.checked_add(other.constant()?),
            Node::Subtract(one, other) => one.constant()?.checked_sub(other.constant()?),
            Node::Input(_)
            | Node::Element(_)
            | Node::Term(_)
            | Node::Text(_)
            | Node::Not(_)
            | Node::And(..)
            | Node::Or(..)
            | Node::Compare(..)
            | Node::SameText(..)
            | Node::Round { .. }
            | Node::Extreme { .. }
            | Node::Fold { .. } => None,
        }
    }
}

impl Compare {
    fn holds(self, one: i128, other: i128) -> bool {
        match self {
            Compare::Equal => one == other,
            Compare::NotEqual => one != other,
            Compare::Less => one < other,
            Compare::AtMost => one <= other,
            Compare::More => one > other,
            Compare::AtLeast => one >= other,
        }
    }
}

impl TextOf {
    fn text<'a>(&'a self, env: &'a Env<'_>, element: Option<usize>) -> Option<&'a str> {
        let slot = match self {
            TextOf::Const(text) => return Some(text),
            TextOf::Input(index) => env.inputs.get(*index),
            TextOf::Element(index) => element_slot(env, element, *index),
        };
        match slot? {
            Slot::Text(text) => Some(text),
            Slot::Number(_) | Slot::Unknown => None,
        }
    }
}

fn element_slot<'a>(env: &'a Env<'_>, element: Option<usize>, index: usize) -> Option<&'a Slot<'a>> {
    env.elements.get(element?)?.get(index)
}

fn number_of(slot: Option<&Slot<'_>>) -> Option<i128> {
    match slot? {
        Slot::Number(number) => Some(i128::from(*number)),
        Slot::Text(_) | Slot::Unknown => None,
    }
}

fn checked(value: Option<i128>, faults: &mut Vec<ReasonKind>) -> Option<i128> {
    if value.is_none() {
        faults.push(ReasonKind::Overflow);
    }
    value
}

fn rounded(value: i128, by: i128, (up, down, step): (i128, i128, i128), mode: Rounding) -> Option<i128> {
    // Nearly all numbers are small, and to multiply with care is a single step for them.
    let narrow = |number: i128| i64::try_from(number).ok();
    let small = || {
        let by = narrow(by)?;
        let number = narrow(value)?.checked_mul(narrow(up)?)?.checked_mul(by.signum())?;
        let divisor = by.checked_abs()?.checked_mul(narrow(down)?)?.checked_mul(narrow(step)?)?;
        Some((i128::from(number), i128::from(divisor)))
    };
    let large = || {
        let number = value.checked_mul(up)?.checked_mul(by.signum())?;
        Some((number, by.checked_abs()?.checked_mul(down)?.checked_mul(step)?))
    };
    let (number, divisor) = small().or_else(large)?;
    mode.divide(number, divisor)?.checked_mul(step)
}

/// Folds over the elements; a single unknown element makes the whole unknown.
fn folded(
    fold: Fold,
    value: &Node,
    filter: Option<&Node>,
    env: &Env<'_>,
    faults: &mut Vec<ReasonKind>,
) -> Option<i128> {
    let mut known = env.list_known;
    let mut result: Option<i128> = match fold {
        Fold::Sum | Fold::Count | Fold::Any => Some(0),
        Fold::All => Some(1),
        Fold::Least | Fold::Greatest => None,
    };
    for index in 0..env.elements.len() {
        let taken = filter.map_or(Some(1), |filter| filter.evaluate(env, Some(index), faults));
        let next = value.evaluate(env, Some(index), faults);
        let (Some(taken), Some(next)) = (taken, next) else {
            known = false;
            continue;
        };
        if taken == 0 {
            continue;
        }
        result = match (fold, result) {
            (Fold::Sum, Some(sum)) => Some(checked(sum.checked_add(next), faults)?),
            (Fold::Count, Some(count)) => Some(count.saturating_add(next)),
            (Fold::Any, Some(any)) => Some(any.max(next)),
            (Fold::All, Some(all)) => Some(all.min(next)),
            (Fold::Least, Some(least)) => Some(least.min(next)),
            (Fold::Greatest, Some(greatest)) => Some(greatest.max(next)),
            (Fold::Sum | Fold::Count | Fold::Any | Fold::All | Fold::Least | Fold::Greatest, None) => {
                Some(next)
            }
        };
    }
    if !known {
        return None;
    }
    if result.is_none() {
        faults.push(ReasonKind::EmptyList);
    }
    result
}
