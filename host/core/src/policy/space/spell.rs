//! Numbers of an axis in the spelling of the documents.

use crate::intent::kind::{FieldType, Unit};
use crate::intent::value::{Day, Percent, TokenValue};
use crate::money::Money;
use crate::policy::sweep::Range;

/// One value as a cell writes it: `49_999.99`, `15.01%`, `smb`.
pub(crate) fn spelled(kind: &FieldType, number: i64) -> String {
    match kind {
        FieldType::Number(grid) => match grid.unit {
            Unit::Percent => Percent(number).to_string(),
            Unit::Money(currency) => spelled_amount(Money { minor: number, currency }),
            Unit::Months | Unit::Days | Unit::Count => grouped(&number.to_string()),
        },
        FieldType::YesNo => if number == 0 { "no" } else { "yes" }.to_owned(),
        FieldType::OneOf(words) => {
            let word = usize::try_from(number).ok().and_then(|index| words.get(index));
            word.cloned().unwrap_or_else(|| number.to_string())
        }
        FieldType::Date { .. } => Day(number).to_string(),
        FieldType::Text { .. } | FieldType::Record { .. } | FieldType::List { .. } => number.to_string(),
    }
}

/// A value without its unit, as a cell writes it.
pub(crate) fn spelled_value(value: &TokenValue) -> String {
    match value {
        TokenValue::Money(money) => spelled_amount(*money),
        TokenValue::Months(number) | TokenValue::Days(number) | TokenValue::Count(number) => {
            grouped(&number.to_string())
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

fn spelled_amount(money: Money) -> String {
    let amount = money.amount();
    match amount.split_once('.') {
        Some((whole, cents)) if cents.bytes().all(|byte| byte == b'0') => grouped(whole),
        Some((whole, cents)) => format!("{}.{cents}", grouped(whole)),
        None => grouped(&amount),
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

/// Digits in groups of three.
fn grouped(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    let mut out = String::from(sign);
    for (index, digit) in digits.chars().enumerate() {
        let left = digits.len().saturating_sub(index);
        if index > 0 && left % 3 == 0 {
            out.push('_');
        }
        out.push(digit);
    }
    out
}
