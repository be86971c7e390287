//! Numbers of an axis in the spelling of the documents.

use crate::intent::kind::{FieldType, Unit};
use crate::intent::value::{Day, Percent, TokenValue};
use crate::money::Money;
use crate::policy::sweep::{Axis, Range};
use crate::policy::typed::Expression;
use std::fmt;

/// One value as a cell writes it: `49_999.99`, `15.01%`, `smb`.
pub(crate) fn spelled(kind: &FieldType, number: i64) -> String {
    Spelled { kind, number }.to_string()
}

/// The same as a part of a longer text.
pub(crate) struct Spelled<'a> {
    pub(crate) kind: &'a FieldType,
    pub(crate) number: i64,
}

impl fmt::Display for Spelled<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.number;
        match self.kind {
            FieldType::Number(grid) => match grid.unit {
                Unit::Percent => write!(formatter, "{}", Percent(number)),
                Unit::Money(currency) => spell_amount(formatter, Money { minor: number, currency }),
                Unit::Months | Unit::Days | Unit::Count => spell_grouped(formatter, number),
            },
            FieldType::YesNo => formatter.write_str(if number == 0 { "no" } else { "yes" }),
            FieldType::OneOf(words) => {
                match usize::try_from(number).ok().and_then(|index| words.get(index)) {
                    Some(word) => formatter.write_str(word),
                    None => write!(formatter, "{number}"),
                }
            }
            FieldType::Date { .. } => write!(formatter, "{}", Day(number)),
            FieldType::Text { .. } | FieldType::Record { .. } | FieldType::List { .. } => {
                write!(formatter, "{number}")
            }
        }
    }
}

/// A value without its unit, as a cell writes it.
pub(crate) fn spelled_value(value: &TokenValue) -> String {
    match value {
        TokenValue::Money(money) => fmt::from_fn(|formatter| spell_amount(formatter, *money)).to_string(),
        TokenValue::Months(number) | TokenValue::Days(number) | TokenValue::Count(number) => {
            fmt::from_fn(|formatter| spell_grouped(formatter, *number)).to_string()
        }
        TokenValue::Percent(_)
        | TokenValue::YesNo(_)
        | TokenValue::OneOf(_)
        | TokenValue::Date(_)
        | TokenValue::Text(_)
        | TokenValue::Record(_)
        | TokenValue::List(_) => value.to_string(),
    }
}

/// An amount without its currency; cents only where there are some.
fn spell_amount(formatter: &mut fmt::Formatter<'_>, money: Money) -> fmt::Result {
    let digits = money.currency.digits();
    let unit = 10_u64.saturating_pow(digits);
    let minor = money.minor.unsigned_abs();
    if money.minor < 0 {
        formatter.write_str("-")?;
    }
    spell_groups(formatter, minor.checked_div(unit).unwrap_or(minor))?;
    match (minor.checked_rem(unit), usize::try_from(digits)) {
        (Some(fraction), Ok(width)) if fraction != 0 => write!(formatter, ".{fraction:0width$}"),
        (_, _) => Ok(()),
    }
}

/// Ranges as a cell writes them; several ranges of numbers are joined by `or`.
pub(crate) fn spelled_ranges(kind: &FieldType, ranges: &[Range]) -> String {
    if let FieldType::OneOf(_) | FieldType::YesNo = kind {
        let words = ranges.iter().flat_map(|(low, high)| *low..=*high).map(|number| spelled(kind, number));
        return words.collect::<Vec<String>>().join(", ");
    }
    let one = |(low, high): &Range| {
        if low == high {
            spelled(kind, *low)
        } else {
            format!("{} .. {}", spelled(kind, *low), spelled(kind, *high))
        }
    };
    ranges.iter().map(one).collect::<Vec<String>>().join(" or ")
}

/// A number with its digits in groups of three.
fn spell_grouped(formatter: &mut fmt::Formatter<'_>, number: i64) -> fmt::Result {
    if number < 0 {
        formatter.write_str("-")?;
    }
    spell_groups(formatter, number.unsigned_abs())
}

fn spell_groups(formatter: &mut fmt::Formatter<'_>, number: u64) -> fmt::Result {
    match number / 1_000 {
        0 => write!(formatter, "{number}"),
        upper => {
            spell_groups(formatter, upper)?;
            write!(formatter, "_{:03}", number % 1_000)
        }
    }
}

/// Ranges of what a term comes to, within what it can come to: `<= 50_000`, `1 .. 9`; nothing where it has no
/// spelling.
pub(super) fn spelled_term(term: &Expression, axis: Axis, ranges: &[Range]) -> Option<String> {
    let one = |(low, high): &Range| {
        let value = |number: i64| Some(spelled_value(&term.value(i128::from(number))?));
        Some(match (*low <= axis.low, axis.high <= *high) {
            (true, true) => "whatever it is".to_owned(),
            (true, false) => format!("<= {}", value(*high)?),
            (false, true) => format!(">= {}", value(*low)?),
            (false, false) if low == high => value(*low)?,
            (false, false) => format!("{} .. {}", value(*low)?, value(*high)?),
        })
    };
    Some(ranges.iter().map(one).collect::<Option<Vec<String>>>()?.join(" or "))
}
