//! Units and scales of numbers inside an expression: what may meet, and what comes out.

use super::Kind;
use crate::document::Wrong;
use crate::intent::kind::Unit;
use crate::intent::literal::{Literal, Suffix};
use crate::policy::expr::wrong;
use crate::policy::node::Node;

/// A node with its type and the interval that its value lies in.
pub(super) struct Typed {
    pub(super) node: Node,
    pub(super) kind: Kind,
    /// Digits behind the point, for numbers.
    pub(super) scale: u32,
    pub(super) low: i128,
    pub(super) high: i128,
}

pub(super) type Checked = Result<Typed, Wrong>;

const OVERFLOW: &str = "the value may grow beyond 127 bits: narrow the bounds of what it reads";

pub(super) fn truth(node: Node) -> Typed {
    Typed { node, kind: Kind::Truth, scale: 0, low: 0, high: 1 }
}

pub(super) fn power(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

/// Products of percents and amounts lie between the steps of every grid until they are rounded.
pub(super) fn on_grid(typed: &Typed, at: usize) -> Result<(), Wrong> {
    match typed.kind {
        Kind::Number(unit) if typed.scale != unit.scale() => {
            wrong(at, "the value leaves its grid: put it inside `round(.., STEP)`")
        }
        Kind::Bare if typed.scale != 0 => wrong(at, "the number needs a unit"),
        Kind::Number(_) | Kind::Bare | Kind::Truth | Kind::Word(_) | Kind::Day | Kind::Text => Ok(()),
    }
}

pub(super) fn name_of(kind: &Kind) -> String {
    match kind {
        Kind::Number(Unit::Percent) => "percent".to_owned(),
        Kind::Number(Unit::Money(currency)) => format!("money {currency}"),
        Kind::Number(Unit::Months) => "months".to_owned(),
        Kind::Number(Unit::Days) => "days".to_owned(),
        Kind::Number(Unit::Count) => "count".to_owned(),
        Kind::Bare => "a number without unit".to_owned(),
        Kind::Truth => "yes/no".to_owned(),
        Kind::Word(words) => format!("one of {}", words.join(", ")),
        Kind::Day => "date".to_owned(),
        Kind::Text => "text".to_owned(),
    }
}

pub(super) fn overflow(at: usize) -> Wrong {
    Wrong { at, message: OVERFLOW.to_owned(), help: None }
}

pub(super) fn negated(typed: &Typed) -> Option<(i128, i128)> {
    Some((typed.high.checked_neg()?, typed.low.checked_neg()?))
}

pub(super) fn number(literal: &Literal, at: usize) -> Checked {
    let (kind, scale, mantissa) = match literal.suffix {
        Suffix::None => (Kind::Bare, literal.scale, literal.mantissa),
        Suffix::Percent => {
            let number =
                literal.in_unit(Unit::Percent).map_err(|message| Wrong { at, message, help: None })?;
            (Kind::Number(Unit::Percent), Unit::Percent.scale(), number)
        }
        Suffix::Currency(currency) => {
            let unit = Unit::Money(currency);
            let number = literal.in_unit(unit).map_err(|message| Wrong { at, message, help: None })?;
            (Kind::Number(unit), unit.scale(), number)
        }
    };
    let low = i128::from(mantissa);
    Ok(Typed { node: Node::Const(low), kind, scale, low, high: low })
}

pub(super) fn numeric(typed: &Typed, at: usize) -> Result<(), Wrong> {
    numeric_kind(&typed.kind, at)
}

pub(super) fn numeric_kind(kind: &Kind, at: usize) -> Result<(), Wrong> {
    match kind {
        Kind::Number(_) | Kind::Bare => Ok(()),
        Kind::Truth | Kind::Word(_) | Kind::Day | Kind::Text => {
            wrong(at, format!("expected a number, found {}", name_of(kind)))
        }
    }
}

/// A bare number takes the unit of what it meets; percent must be written out.
pub(super) fn adopt(typed: &mut Typed, other: &Kind, at: usize) -> Result<(), Wrong> {
    let (Kind::Bare, Kind::Number(unit)) = (&typed.kind, other) else { return Ok(()) };
    if *unit == Unit::Percent {
        return wrong(at, "unit mismatch: a percent is written with `%`");
    }
    if typed.scale > unit.scale() {
        return wrong(at, "the number is finer than its unit allows");
    }
    typed.kind = Kind::Number(*unit);
    Ok(())
}

pub(super) fn on_grid_or_bare(typed: &Typed, at: usize) -> Result<(), Wrong> {
    match typed.kind {
        Kind::Number(unit) if typed.scale > unit.scale() => on_grid(typed, at),
        Kind::Number(_) | Kind::Bare | Kind::Truth | Kind::Word(_) | Kind::Day | Kind::Text => Ok(()),
    }
}

pub(super) fn same(first: &Typed, second: &Typed, at: usize) -> Result<(), Wrong> {
    if first.kind == second.kind {
        return Ok(());
    }
    wrong(at, format!("unit mismatch: {} against {}", name_of(&first.kind), name_of(&second.kind)))
}

/// Brings both numbers to the finer scale of the two.
pub(super) fn aligned(first: Typed, second: Typed, at: usize) -> Result<(Typed, Typed), Wrong> {
    let scale = first.scale.max(second.scale);
    let finer = |typed: Typed| -> Checked {
        if typed.scale == scale {
            return Ok(typed);
        }
        let factor = power(scale.saturating_sub(typed.scale)).ok_or_else(|| overflow(at))?;
        let (Some(low), Some(high)) = (typed.low.checked_mul(factor), typed.high.checked_mul(factor)) else {
            return Err(overflow(at));
        };
        let node = Node::Multiply(Box::new(typed.node), Box::new(Node::Const(factor)));
        Ok(Typed { node, scale, low, high, ..typed })
    };
    Ok((finer(first)?, finer(second)?))
}

/// The unit of `round(value / by, step)`.
pub(super) fn rounded_unit(
    number: &Typed,
    by: Option<&Typed>,
    step: &Literal,
    at: usize,
) -> Result<Unit, Wrong> {
    let ratio = if step.suffix == Suffix::Percent { Unit::Percent } else { Unit::Count };
    match (&number.kind, by.map(|by| &by.kind)) {
        (Kind::Number(unit), None) => Ok(*unit),
        (Kind::Number(unit), Some(Kind::Number(other))) if unit == other => Ok(ratio),
        // A bare divisor has the unit of what it divides where the step asks for a ratio.
        (Kind::Number(unit), Some(Kind::Bare)) if *unit != Unit::Percent && ratio == Unit::Percent => {
            Ok(ratio)
        }
        (
            Kind::Number(unit),
            Some(Kind::Bare | Kind::Number(Unit::Count | Unit::Months | Unit::Days | Unit::Percent)),
        ) => Ok(*unit),
        (Kind::Bare, Some(Kind::Bare | Kind::Number(Unit::Count))) => Ok(ratio),
        (one, Some(other)) => {
            wrong(at, format!("{} divided by {} has no unit", name_of(one), name_of(other)))
        }
        (one, None) => wrong(at, format!("`round` takes a number with a unit, not {}", name_of(one))),
    }
}
