//! Cells of a rule table, compiled to closed ranges of integers.

mod advice;

use crate::document::{Wrong, listed};
use crate::intent::kind::{FieldType, Unit};
use crate::intent::literal::Literal;
use crate::intent::value::{Day, Percent};
use serde::Serialize;

/// Closed ranges in rising order, none touching the next: what one cell accepts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Ranges(Vec<(i64, i64)>);

impl Ranges {
    /// Whether `number` lies in one of the ranges.
    #[must_use]
    pub fn accept(&self, number: i64) -> bool {
        self.0.iter().any(|(low, high)| *low <= number && number <= *high)
    }

    /// The ranges, low to high.
    #[must_use]
    pub fn pairs(&self) -> &[(i64, i64)] {
        &self.0
    }
}

/// One end of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Low,
    High,
}

/// Reads a cell of a column of type `kind`; `None` if it accepts everything (empty or `-`).
///
/// # Errors
/// What is wrong with the cell.
pub fn parse(text: &str, kind: &FieldType) -> Result<Option<Ranges>, String> {
    if text.is_empty() || text == "-" {
        return Ok(None);
    }
    let Some((min, max)) = kind.bounds() else {
        return Err(format!("{kind} takes no rule column"));
    };
    let step = kind.step();
    let mut pairs = if let Some(list) = text.strip_prefix("not ") {
        complement(&values(list, kind)?, (min, max), step)
    } else if let Some(rest) = text.strip_prefix("<=") {
        vec![(min, bound(rest, text, kind)?)]
    } else if let Some(rest) = text.strip_prefix(">=") {
        vec![(bound(rest, text, kind)?, max)]
    } else if !text.contains(" .. ") && text.starts_with('<') {
        vec![(min, bound(text.get(1..).unwrap_or(""), text, kind)?.saturating_sub(step))]
    } else if !text.contains(" .. ") && text.starts_with('>') {
        vec![(bound(text.get(1..).unwrap_or(""), text, kind)?.saturating_add(step), max)]
    } else if let Some((low, high)) = text.split_once(" .. ") {
        vec![range(low, high, kind)?]
    } else {
        values(text, kind)?
    };
    pairs.retain(|(low, high)| low <= high);
    if pairs.is_empty() {
        return Err(format!("`{text}` accepts nothing of {kind}"));
    }
    Ok(Some(Ranges(merged(pairs, step))))
}

/// The same, with what to try where it cannot be read.
pub(crate) fn read(text: &str, kind: &FieldType) -> Result<Option<Ranges>, Wrong> {
    parse(text, kind).map_err(|why| Wrong::advised(why, advice::of_cell(text, kind)))
}

/// Reads one value as an integer of the column, with what to try where it cannot be read.
pub(crate) fn read_value(text: &str, kind: &FieldType) -> Result<i64, Wrong> {
    value(text, kind).map_err(|why| Wrong::advised(why, advice::of_value(text, kind)))
}

/// A bound of a comparison: ordered types only.
fn bound(text: &str, cell: &str, kind: &FieldType) -> Result<i64, String> {
    ordered(cell, kind)?;
    if !text.starts_with(' ') {
        return Err(format!("`{cell}`: put a blank behind the comparison"));
    }
    value(text.trim(), kind)
}

fn range(low: &str, high: &str, kind: &FieldType) -> Result<(i64, i64), String> {
    ordered(low, kind)?;
    let step = kind.step();
    let first = match low.trim().strip_prefix('>') {
        Some(low) => value(low.trim(), kind)?.saturating_add(step),
        None => value(low.trim(), kind)?,
    };
    let last = match high.trim().strip_prefix('<') {
        Some(high) => value(high.trim(), kind)?.saturating_sub(step),
        None => value(high.trim(), kind)?,
    };
    if last < first {
        return Err(format!("`{low} .. {high}` ends before it begins"));
    }
    Ok((first, last))
}

fn ordered(cell: &str, kind: &FieldType) -> Result<(), String> {
    match kind {
        FieldType::Number(_) | FieldType::Date { .. } => Ok(()),
        FieldType::YesNo
        | FieldType::OneOf(_)
        | FieldType::Text { .. }
        | FieldType::Record { .. }
        | FieldType::List { .. } => Err(format!("`{cell}`: {kind} has no order")),
    }
}

fn values(text: &str, kind: &FieldType) -> Result<Vec<(i64, i64)>, String> {
    if text.contains(',') && !text.contains(", ") && Literal::parse(text).is_err() {
        // `50,000` is a slip of its own; the number's message says how to write it.
        return match kind {
            FieldType::Number(_) => Err(Literal::parse(text).err().unwrap_or_default()),
            FieldType::YesNo
            | FieldType::OneOf(_)
            | FieldType::Date { .. }
            | FieldType::Text { .. }
            | FieldType::Record { .. }
            | FieldType::List { .. } => Err(format!("`{text}`: a comma is followed by a blank")),
        };
    }
    text.split(", ").map(|word| value(word.trim(), kind).map(|number| (number, number))).collect()
}

/// One value of a cell as an integer of the column.
///
/// # Errors
/// What is wrong with the value, such as `35: unit mismatch for percent 0% .. 60%`.
pub fn value(text: &str, kind: &FieldType) -> Result<i64, String> {
    match kind {
        FieldType::Number(grid) => {
            let literal = Literal::parse(text)?;
            let number = literal.in_unit(grid.unit).map_err(|why| format!("`{text}`: {why} for {kind}"))?;
            if number.checked_rem(grid.step) != Some(0) {
                return Err(format!("`{text}` is finer than the step {}", step_text(grid.unit, grid.step)));
            }
            if number < grid.min || grid.max < number {
                return Err(format!("`{text}` is outside of {kind}"));
            }
            Ok(number)
        }
        FieldType::YesNo => match text {
            "yes" => Ok(1),
            "no" => Ok(0),
            _ => Err(format!("`{text}` is neither yes nor no")),
        },
        FieldType::OneOf(words) => words
            .iter()
            .position(|word| word == text)
            .and_then(|index| i64::try_from(index).ok())
            .ok_or_else(|| format!("`{text}` is not one of {}", listed(words.iter().map(String::as_str)))),
        FieldType::Date { from, until } => {
            let day = Day::parse(text).ok_or_else(|| format!("`{text}` is no date"))?;
            if day < *from || *until < day {
                return Err(format!("`{text}` is outside of {kind}"));
            }
            Ok(day.0)
        }
        FieldType::Text { .. } | FieldType::Record { .. } | FieldType::List { .. } => {
            Err(format!("{kind} takes no rule column"))
        }
    }
}

fn step_text(unit: Unit, step: i64) -> String {
    match unit {
        Unit::Percent => Percent(step).to_string(),
        Unit::Money(currency) => crate::money::Money { minor: step, currency }.amount(),
        Unit::Months | Unit::Days | Unit::Count => step.to_string(),
    }
}

/// Rising, and with neighbours on the grid joined.
fn merged(mut pairs: Vec<(i64, i64)>, step: i64) -> Vec<(i64, i64)> {
    pairs.sort_unstable();
    let mut out: Vec<(i64, i64)> = Vec::with_capacity(pairs.len());
    for (low, high) in pairs {
        match out.last_mut() {
            Some(last) if low <= last.1.saturating_add(step) => last.1 = last.1.max(high),
            Some(_) | None => out.push((low, high)),
        }
    }
    out
}

fn complement(pairs: &[(i64, i64)], bounds: (i64, i64), step: i64) -> Vec<(i64, i64)> {
    let mut out = Vec::new();
    let mut from = bounds.0;
    for (low, high) in merged(pairs.to_vec(), step) {
        if from < low {
            out.push((from, low.saturating_sub(step)));
        }
        from = high.saturating_add(step);
    }
    if from <= bounds.1 {
        out.push((from, bounds.1));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intent::literal::parse_type;

    fn cell(kind: &str, text: &str) -> Result<Option<Vec<(i64, i64)>>, String> {
        let kind = parse_type(kind).expect("it is a type");
        parse(text, &kind).map(|ranges| ranges.map(|ranges| ranges.0))
    }

    #[test]
    fn a_cell_becomes_closed_ranges() {
        let check = |kind: &str, text: &str, expected: Option<Vec<(i64, i64)>>| {
            assert_eq!(cell(kind, text), Ok(expected), "{kind}: {text}");
        };
        let money = "money USD 0 .. 1_000_000";
        check(money, "", None);
        check(money, "-", None);
        check(money, "< 50_000", Some(vec![(0, 4_999_999)]));
        check(money, "> 100 .. 2_500", Some(vec![(10_001, 250_000)]));
        check(money, "100 .. < 2_500", Some(vec![(10_000, 249_999)]));
        check(money, ">= 0.01 USD", Some(vec![(1, 100_000_000)]));
        check("percent 0% .. 60%", "<= 5%", Some(vec![(0, 50_000)]));
        check("percent 0% .. 60%", "> 35%", Some(vec![(350_100, 600_000)]));
        check("percent 0% .. 60% step 1%", "> 35%", Some(vec![(360_000, 600_000)]));
        check("one of smb, mid, ent, pub", "smb, mid", Some(vec![(0, 1)]));
        check("one of smb, mid, ent, pub", "not mid", Some(vec![(0, 0), (2, 3)]));
        check("yes/no", "no", Some(vec![(0, 0)]));
        check("count 0 .. 9", "1, 3, 4", Some(vec![(1, 1), (3, 4)]));
        check("date 1970-01-01 .. 1970-12-31", "<= 1970-01-03", Some(vec![(0, 2)]));
    }

    #[test]
    fn a_slip_in_a_cell_is_said() {
        let check = |kind: &str, text: &str, expected: &str| {
            let found = cell(kind, text).expect_err(text);
            assert!(found.contains(expected), "{text}: {found}");
        };
        let percent = "percent 0% .. 60%";
        let money = "money USD 0 .. 1_000_000";
        check("one of smb, mid, ent, pub", "smb, mdi", "`mdi` is not one of smb, mid, ent, pub");
        check("one of smb, mid", "< mid", "has no order");
        check(percent, "<= 35", "`35`: unit mismatch for percent 0% .. 60%");
        check(percent, "0.15", "`0.15`: unit mismatch");
        check(percent, "<= 5.005%", "`5.005%` is finer than the step 0.01%");
        check(percent, "> 60%", "accepts nothing");
        check(percent, "<= 61%", "outside of percent 0% .. 60%");
        check(money, "50,000", "digits are grouped by `_`");
        check(money, "< 50,000", "digits are grouped by `_`");
        check(money, "5-15", "a range is written with ` .. `");
        check(money, "5 .. 1", "ends before it begins");
        check(money, "<= 10 EUR", "unit mismatch");
        check(money, "<=10", "a blank behind");
        check(money, "0.001", "finer");
        check(money, "1_00", "is no number");
        check("yes/no", "true", "neither yes nor no");
        check("text", "a", "takes no rule column");
    }
}
