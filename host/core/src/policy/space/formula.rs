//! Conditions as boolean formulas over areas, and which way a value moves with an input.

use super::{Derived, Space};
use crate::policy::Policy;
use crate::policy::node::{Compare, Node};
use crate::policy::sweep::{Area, Areas, Axis, Range};
use std::collections::BTreeSet;

/// A condition over the areas of a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Formula {
    Always(bool),
    Area(usize),
    Not(Box<Formula>),
    And(Box<Formula>, Box<Formula>),
    Or(Box<Formula>, Box<Formula>),
}

impl Formula {
    /// Whether it holds where exactly these areas are live.
    pub(crate) fn holds(&self, areas: &Areas) -> bool {
        match self {
            Formula::Always(truth) => *truth,
            Formula::Area(index) => areas.has(*index),
            Formula::Not(inner) => !inner.holds(areas),
            Formula::And(one, other) => one.holds(areas) && other.holds(areas),
            Formula::Or(one, other) => one.holds(areas) || other.holds(areas),
        }
    }

    /// Adds the areas that it reads.
    pub(crate) fn reads(&self, areas: &mut BTreeSet<usize>) {
        match self {
            Formula::Always(_) => {}
            Formula::Area(index) => drop(areas.insert(*index)),
            Formula::Not(inner) => inner.reads(areas),
            Formula::And(one, other) | Formula::Or(one, other) => {
                one.reads(areas);
                other.reads(areas);
            }
        }
    }

    /// The axes that it reads.
    pub(crate) fn axes(&self, areas: &[Area]) -> BTreeSet<usize> {
        let mut read = BTreeSet::new();
        self.reads(&mut read);
        let demands = read.iter().filter_map(|index| areas.get(*index)).flat_map(|area| &area.demands);
        demands.map(|(axis, _)| *axis).collect()
    }
}

pub(super) struct Builder<'s, 'a, 'b> {
    pub(super) space: &'s mut Space<'a>,
    pub(super) policy: &'b Policy,
    pub(super) axis_of: &'b [usize],
    pub(super) owner: usize,
}

impl Builder<'_, '_, '_> {
    pub(super) fn truth(&mut self, node: &Node) -> Formula {
        match node {
            Node::Const(number) => Formula::Always(*number != 0),
            Node::Not(inner) => Formula::Not(Box::new(self.truth(inner))),
            Node::And(one, other) => Formula::And(Box::new(self.truth(one)), Box::new(self.truth(other))),
            Node::Or(one, other) => Formula::Or(Box::new(self.truth(one)), Box::new(self.truth(other))),
            Node::Term(index) => {
                let policy = self.policy;
                match policy.terms.get(*index) {
                    Some((_, term)) => self.truth(&term.node),
                    None => Formula::Always(false),
                }
            }
            Node::Compare(compare, one, other) => match (one.constant(), other.constant()) {
                (None, Some(number)) => self.compare(*compare, one, number),
                (Some(number), None) => self.compare(flipped(*compare), other, number),
                (Some(_), Some(_)) | (None, None) => {
                    let difference = Node::Subtract(one.clone(), other.clone());
                    self.compare(*compare, &difference, 0)
                }
            },
            Node::Input(_) | Node::Element(_) => self.compare(Compare::Equal, node, 1),
            Node::Text(_)
            | Node::Negate(_)
            | Node::Add(..)
            | Node::Subtract(..)
            | Node::Multiply(..)
            | Node::SameText(..)
            | Node::Round { .. }
            | Node::Extreme { .. }
            | Node::Fold { .. } => {
                let axis = self.derived(node, (0, 1));
                self.space.atom(axis, vec![(1, 1)])
            }
        }
    }

    /// `value` compared with a number.
    fn compare(&mut self, compare: Compare, value: &Node, number: i128) -> Formula {
        // The checker brings both sides to one scale by a factor on the coarser one.
        if let Node::Multiply(inner, factor) = value
            && let Node::Const(factor @ 1..) = **factor
            && let Node::Input(_) | Node::Element(_) | Node::Term(_) = **inner
        {
            let down = number.div_euclid(factor);
            let exact = number.rem_euclid(factor) == 0;
            return match compare {
                Compare::Equal if !exact => Formula::Always(false),
                Compare::NotEqual if !exact => Formula::Always(true),
                Compare::Less if !exact => self.compare(Compare::AtMost, inner, down),
                Compare::AtLeast if !exact => self.compare(Compare::More, inner, down),
                Compare::Equal
                | Compare::NotEqual
                | Compare::Less
                | Compare::AtMost
                | Compare::More
                | Compare::AtLeast => self.compare(compare, inner, down),
            };
        }
        let (axis, grid) = if let Node::Input(index) | Node::Element(index) = value {
            let axis = self.axis_of.get(*index).copied().unwrap_or(0);
            let grid = self.space.axes.get(axis).copied();
            (axis, grid.unwrap_or(Axis { low: 0, high: 0, step: 1 }))
        } else {
            let (low, high) = bounds(value, self.policy)
                .and_then(|(low, high)| Some((i64::try_from(low).ok()?, i64::try_from(high).ok()?)))
                .unwrap_or((i64::MIN / 4, i64::MAX / 4));
            (self.derived(value, (low, high)), Axis { low, high, step: 1 })
        };
        let ranges = ranges(compare, number, grid);
        match ranges.as_slice() {
            [] => Formula::Always(false),
            [(low, high)] if *low <= grid.low && grid.high <= *high => Formula::Always(true),
            _ => self.space.atom(axis, ranges),
        }
    }

    /// The axis of something computed. Two policies share it only if their inputs are the same.
    fn derived(&mut self, node: &Node, (low, high): (i64, i64)) -> usize {
        let same_inputs = |one: usize, other: usize| {
            let inputs = |index: usize| self.space.models.get(index).map(|model| model.policy);
            match (inputs(one), inputs(other)) {
                (Some(one), Some(other)) => one.inputs == other.inputs && one.terms == other.terms,
                _ => false,
            }
        };
        let owner = self.owner;
        let found = self.space.derived.iter().find(|derived| {
            derived.node == *node && (derived.owner == owner || same_inputs(derived.owner, owner))
        });
        if let Some(derived) = found {
            return derived.axis;
        }
        let axis = self.space.axes.len();
        self.space.axes.push(Axis { low, high, step: 1 });
        self.space.derived.push(Derived { axis, node: node.clone(), owner });
        axis
    }
}

fn flipped(compare: Compare) -> Compare {
    match compare {
        Compare::Equal => Compare::Equal,
        Compare::NotEqual => Compare::NotEqual,
        Compare::Less => Compare::More,
        Compare::AtMost => Compare::AtLeast,
        Compare::More => Compare::Less,
        Compare::AtLeast => Compare::AtMost,
    }
}

/// The numbers of the grid for which the comparison holds.
fn ranges(compare: Compare, number: i128, grid: Axis) -> Vec<Range> {
    let step = i128::from(grid.step.max(1));
    let (low, high) = (i128::from(grid.low), i128::from(grid.high));
    let down = number.saturating_sub(number.checked_rem_euclid(step).unwrap_or(0));
    let exact = down == number;
    let below = if exact { number.saturating_sub(step) } else { down };
    let up = if exact { number } else { down.saturating_add(step) };
    let above = down.saturating_add(step);
    let parts: Vec<(i128, i128)> = match compare {
        Compare::Equal if exact => vec![(number, number)],
        Compare::Equal => Vec::new(),
        Compare::NotEqual => vec![(low, below), (if exact { above } else { up }, high)],
        Compare::Less => vec![(low, below)],
        Compare::AtMost => vec![(low, down)],
        Compare::More => vec![(above, high)],
        Compare::AtLeast => vec![(up, high)],
    };
    parts
        .into_iter()
        .map(|(from, until)| (from.max(low), until.min(high)))
        .filter(|(from, until)| from <= until)
        .filter_map(|(from, until)| Some((i64::try_from(from).ok()?, i64::try_from(until).ok()?)))
        .collect()
}

/// An interval that holds every value of a number; nothing where none is known.
pub(super) fn bounds(node: &Node, policy: &Policy) -> Option<(i128, i128)> {
    match node {
        Node::Const(number) => Some((*number, *number)),
        Node::Input(index) | Node::Element(index) => {
            let (low, high) = policy.inputs.get(*index)?.kind.bounds()?;
            Some((i128::from(low), i128::from(high)))
        }
        Node::Term(index) => bounds(&policy.terms.get(*index)?.1.node, policy),
        Node::Negate(inner) => {
            let (low, high) = bounds(inner, policy)?;
            Some((high.checked_neg()?, low.checked_neg()?))
        }
        Node::Add(one, other) => {
            let (one, other) = (bounds(one, policy)?, bounds(other, policy)?);
            Some((one.0.checked_add(other.0)?, one.1.checked_add(other.1)?))
        }
        Node::Subtract(one, other) => {
            let (one, other) = (bounds(one, policy)?, bounds(other, policy)?);
            Some((one.0.checked_sub(other.1)?, one.1.checked_sub(other.0)?))
        }
        Node::Multiply(one, other) => {
            let (one, other) = (bounds(one, policy)?, bounds(other, policy)?);
            let corners = [
                one.0.checked_mul(other.0)?,
                one.0.checked_mul(other.1)?,
                one.1.checked_mul(other.0)?,
                one.1.checked_mul(other.1)?,
            ];
            Some((*corners.iter().min()?, *corners.iter().max()?))
        }
        Node::Round { value, by: None, up, down, step, mode } => {
            let (low, high) = bounds(value, policy)?;
            let divisor = down.checked_mul(*step)?;
            let round = |number: i128| mode.divide(number.checked_mul(*up)?, divisor)?.checked_mul(*step);
            Some((round(low)?, round(high)?))
        }
        Node::Extreme { greatest, one, other } => {
            let (one, other) = (bounds(one, policy)?, bounds(other, policy)?);
            Some(if *greatest {
                (one.0.max(other.0), one.1.max(other.1))
            } else {
                (one.0.min(other.0), one.1.min(other.1))
            })
        }
        Node::Not(_) | Node::And(..) | Node::Or(..) | Node::Compare(..) | Node::SameText(..) => Some((0, 1)),
        Node::Text(_) | Node::Round { by: Some(_), .. } | Node::Fold { .. } => None,
    }
}

/// Which way a value moves when an input rises and all others stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trend {
    Flat,
    Up,
    Down,
    Unknown,
}

impl Trend {
    pub(crate) fn turned(self) -> Trend {
        match self {
            Trend::Up => Trend::Down,
            Trend::Down => Trend::Up,
            Trend::Flat | Trend::Unknown => self,
        }
    }

    fn with(self, other: Trend) -> Trend {
        match (self, other) {
            (Trend::Flat, other) => other,
            (own, Trend::Flat) => own,
            (own, other) if own == other => own,
            _ => Trend::Unknown,
        }
    }
}

/// Which way `node` moves when the input of this index rises. `or`, `and` and comparisons count
/// as 0 and 1.
pub(crate) fn trend(node: &Node, input: usize, policy: &Policy) -> Trend {
    let of = |node: &Node| trend(node, input, policy);
    match node {
        Node::Const(_) | Node::Text(_) | Node::SameText(..) => Trend::Flat,
        Node::Input(index) | Node::Element(index) => {
            if *index == input {
                Trend::Up
            } else {
                Trend::Flat
            }
        }
        Node::Term(index) => policy.terms.get(*index).map_or(Trend::Unknown, |(_, term)| of(&term.node)),
        Node::Not(inner) | Node::Negate(inner) => of(inner).turned(),
        Node::And(one, other)
        | Node::Or(one, other)
        | Node::Add(one, other)
        | Node::Extreme { one, other, .. } => of(one).with(of(other)),
        Node::Subtract(one, other) => of(one).with(of(other).turned()),
        Node::Multiply(one, other) => {
            let scaled = |factor: &Node, moving: Trend| match (bounds(factor, policy), moving) {
                (_, Trend::Flat) => Trend::Flat,
                (Some((0.., _)), moving) => moving,
                (Some((_, ..=0)), moving) => moving.turned(),
                _ => Trend::Unknown,
            };
            scaled(other, of(one)).with(scaled(one, of(other)))
        }
        Node::Compare(compare, one, other) => {
            let difference = of(one).with(of(other).turned());
            match (compare, difference) {
                (_, Trend::Flat) => Trend::Flat,
                (Compare::More | Compare::AtLeast, difference) => difference,
                (Compare::Less | Compare::AtMost, difference) => difference.turned(),
                (Compare::Equal | Compare::NotEqual, _) => Trend::Unknown,
            }
        }
        Node::Round { value, by: None, .. } => of(value),
        Node::Round { value, by: Some(by), .. } => match (of(value), of(by), bounds(by, policy)) {
            (Trend::Flat, Trend::Flat, _) => Trend::Flat,
            (moving, Trend::Flat, Some((1.., _))) => moving,
            _ => Trend::Unknown,
        },
        Node::Fold { value, filter, .. } => {
            let filter = filter.as_ref().map_or(Trend::Flat, |filter| of(filter));
            if of(value) == Trend::Flat && filter == Trend::Flat { Trend::Flat } else { Trend::Unknown }
        }
    }
}
