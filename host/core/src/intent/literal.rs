//! Numbers and types as documents write them: `50_000`, `12.5%`, `percent 0% .. 60%`.

use crate::id::ConnectionName;
use crate::intent::kind::{
    ENUM_VALUES_MAX, FieldType, Grid, LIST_ELEMENTS_MAX, Rounding, TEXT_CHARACTERS_MAX, Unit,
};
use crate::intent::value::Day;
use crate::money::Currency;

/// What stands behind the digits of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suffix {
    /// Nothing: the number takes the unit of its place, unless that is percent.
    None,
    /// `%`.
    Percent,
    /// A blank and a currency.
    Currency(Currency),
}

/// A number exactly as it was written: `mantissa / 10^scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Literal {
    /// All digits without the point.
    pub mantissa: i64,
    /// Digits behind the point.
    pub scale: u32,
    /// Its unit.
    pub suffix: Suffix,
}

impl Literal {
    /// Reads `["-"] digits ["." digits] ["%" | " " CUR]`; digits may be grouped in threes by `_`.
    ///
    /// # Errors
    /// What is wrong, with the way to write it.
    pub fn parse(text: &str) -> Result<Literal, String> {
        let (number, suffix) = if let Some(number) = text.strip_suffix('%') {
            (number, Suffix::Percent)
        } else if let Some((number, code)) = text.rsplit_once(' ') {
            let currency = Currency::parse(code).map_err(|_| format!("`{text}` is no number"))?;
            (number, Suffix::Currency(currency))
        } else {
            (text, Suffix::None)
        };
        let unsigned = number.strip_prefix('-').unwrap_or(number);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        if unsigned.contains(',') {
            let plain: String = text.replace(',', "_");
            return Err(format!("`{text}` holds a comma; digits are grouped by `_`, such as `{plain}`"));
        }
        if whole.contains('-') {
            return Err(format!("`{text}` is no number; a range is written with ` .. `"));
        }
        if unsigned.ends_with('.') || !grouped(whole) || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("`{text}` is no number"));
        }
        let sign = if number.starts_with('-') { "-" } else { "" };
        let digits = format!("{sign}{}{fraction}", whole.replace('_', ""));
        let mantissa = digits.parse().map_err(|_| format!("`{text}` is too large a number"))?;
        let scale = u32::try_from(fraction.len()).map_err(|_| format!("`{text}` is too long a number"))?;
        Ok(Literal { mantissa, scale, suffix })
    }

    /// The number in the small steps of `unit` (see [`Unit::scale`]).
    ///
    /// # Errors
    /// `unit mismatch`, or that it is finer than the unit or too large for it.
    pub fn in_unit(&self, unit: Unit) -> Result<i64, String> {
        // 12 % is 0.12: two more digits behind the point than are written.
        let written = match (self.suffix, unit) {
            (Suffix::Percent, Unit::Percent) => self.scale.saturating_add(2),
            (Suffix::Currency(own), Unit::Money(other)) if own == other => self.scale,
            (Suffix::None, Unit::Money(_) | Unit::Months | Unit::Days | Unit::Count) => self.scale,
            (Suffix::None, Unit::Percent)
            | (Suffix::Percent, Unit::Money(_) | Unit::Months | Unit::Days | Unit::Count)
            | (
                Suffix::Currency(_),
                Unit::Percent | Unit::Money(_) | Unit::Months | Unit::Days | Unit::Count,
            ) => return Err("unit mismatch".to_owned()),
        };
        let mut number = self.mantissa;
        let target = unit.scale();
        for _ in target..written {
            if number.checked_rem(10) != Some(0) {
                return Err("it is finer than its unit allows".to_owned());
            }
            number = number.checked_div(10).unwrap_or(0);
        }
        for _ in written..target {
            number = number.checked_mul(10).ok_or_else(|| "it is too large".to_owned())?;
        }
        Ok(number)
    }
}

/// Digits, bare or grouped in threes by `_`.
fn grouped(text: &str) -> bool {
    let mut groups = text.split('_');
    let digits = |group: &str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    let Some(first) = groups.next() else { return false };
    let alone = !text.contains('_');
    digits(first) && (alone || first.len() <= 3) && groups.all(|group| group.len() == 3 && digits(group))
}

/// A word of an enum, an id or a name in a table: `[a-z0-9][a-z0-9_-]*`.
#[must_use]
pub fn is_word(text: &str) -> bool {
    let mut bytes = text.bytes();
    let starts = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    starts
        && text.len() <= crate::id::NAME_BYTES_MAX
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-'))
}

/// Reads a type such as `money USD 0 .. 100_000_000`.
///
/// # Errors
/// What is wrong, with what was expected.
pub fn parse_type(text: &str) -> Result<FieldType, String> {
    if text == "yes/no" {
        return Ok(FieldType::YesNo);
    }
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    match word {
        "percent" => number(Unit::Percent, rest),
        "months" => number(Unit::Months, rest),
        "days" => number(Unit::Days, rest),
        "count" => number(Unit::Count, rest),
        "money" => {
            let (code, rest) = rest.split_once(' ').unwrap_or((rest, ""));
            let currency = Currency::parse(code)
                .map_err(|_| format!("`{code}` is no currency; write `money USD 0 .. 1_000`"))?;
            number(Unit::Money(currency), rest)
        }
        "one" => words(rest.strip_prefix("of ").unwrap_or("")),
        "date" => {
            let (from, until) = range(rest)?;
            let day = |text: &str| Day::parse(text).ok_or_else(|| format!("`{text}` is no date"));
            let (from, until) = (day(from)?, day(until)?);
            if until < from {
                return Err(format!("`{rest}` ends before it begins"));
            }
            Ok(FieldType::Date { from, until })
        }
        "text" if rest.is_empty() => Ok(FieldType::Text { length: None }),
        "text" => counts(rest, TEXT_CHARACTERS_MAX).map(|length| FieldType::Text { length: Some(length) }),
        "list" => counts(rest, LIST_ELEMENTS_MAX).map(|(min, max)| FieldType::List { min, max }),
        "record" => {
            let (connection, kind) =
                rest.split_once(' ').ok_or_else(|| "write `record CONNECTION KIND`".to_owned())?;
            let connection = ConnectionName::parse(connection).map_err(|fault| fault.to_string())?;
            if !is_word(kind) {
                return Err(format!("`{kind}` is no kind of record"));
            }
            Ok(FieldType::Record { connection, kind: kind.to_owned() })
        }
        _ => Err(format!(
            "`{text}` is no type; one of percent, money CUR, months, days, count, yes/no, one of, date, text, \
             record, list"
        )),
    }
}

fn range(text: &str) -> Result<(&str, &str), String> {
    text.split_once(" .. ")
        .map(|(low, high)| (low.trim(), high.trim()))
        .ok_or_else(|| format!("`{text}` is no range; write `LOW .. HIGH` with a blank on each side of `..`"))
}

fn counts(text: &str, most: i64) -> Result<(i64, i64), String> {
    let (low, high) = range(text)?;
    let whole =
        |text: &str| Literal::parse(text)?.in_unit(Unit::Count).map_err(|why| format!("{text}: {why}"));
    let (low, high) = (whole(low)?, whole(high)?);
    if low < 0 || high < low || most < high {
        return Err(format!("`{text}` is no range within 0 .. {most}"));
    }
    Ok((low, high))
}

fn words(text: &str) -> Result<FieldType, String> {
    let words: Vec<String> = text.split(", ").map(str::to_owned).collect();
    for (index, word) in words.iter().enumerate() {
        if !is_word(word) {
            return Err(format!("`{word}` is no value of an enum (a-z, 0-9, `-`, `_`)"));
        }
        if words.iter().take(index).any(|other| other == word) {
            return Err(format!("`{word}` stands in the enum twice"));
        }
    }
    if words.len() > ENUM_VALUES_MAX {
        return Err(format!("an enum has at most {ENUM_VALUES_MAX} values, this one has {}", words.len()));
    }
    Ok(FieldType::OneOf(words))
}

fn number(unit: Unit, text: &str) -> Result<FieldType, String> {
    let (bounds, round) = match text.split_once(" round ") {
        Some((before, mode)) => {
            let mode = Rounding::parse(mode)
                .ok_or_else(|| format!("`{mode}` is no rounding; one of up, down, half-even"))?;
            (before, Some(mode))
        }
        None => (text, None),
    };
    let (bounds, step) = match bounds.split_once(" step ") {
        Some((bounds, step)) => (bounds, Some(step)),
        None => (bounds, None),
    };
    let value = |text: &str| -> Result<i64, String> {
        let literal = Literal::parse(text)?;
        literal.in_unit(unit).map_err(|why| format!("`{text}`: {why}"))
    };
    let (low, high) = range(bounds)?;
    let (min, max) = (value(low)?, value(high)?);
    let step = match step {
        Some(step) => value(step)?,
        // The usual step of a percent is 0.01 %, 100 millionths; of the others their smallest.
        None if unit == Unit::Percent => 100,
        None => 1,
    };
    if step < 1 {
        return Err("a step is more than 0".to_owned());
    }
    if max < min {
        return Err(format!("`{bounds}` ends before it begins"));
    }
    if min.checked_rem(step) != Some(0) || max.checked_rem(step) != Some(0) {
        return Err(format!("a bound of `{bounds}` is finer than the step"));
    }
    Ok(FieldType::Number(Grid { unit, min, max, step, round }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_prints_as_it_is_read() {
        for text in [
            "percent 0% .. 60%",
            "percent -100% .. 100.5%",
            "money USD 0.00 .. 100000000.00",
            "money JPY 0 .. 5",
            "months 1 .. 84",
            "yes/no",
            "one of smb, mid",
            "date 2015-01-01 .. 2050-12-31",
            "text",
            "text 1 .. 40",
            "record crm quote",
            "list 1 .. 200",
        ] {
            assert_eq!(parse_type(text).map(|kind| kind.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn a_type_that_makes_no_sense_is_refused() {
        let check = |text: &str, expected: &str| {
            let found = parse_type(text).expect_err(text);
            assert!(found.contains(expected), "{text}: {found}");
        };
        check("percent 0 .. 60", "unit mismatch");
        check("percent 0%..60%", "with a blank on each side");
        check("percent 60% .. 0%", "ends before it begins");
        check("percent 0% .. 60.001%", "finer than the step");
        check("percent 0% .. 60% step 0%", "more than 0");
        check("percent 0% .. 60% round near", "is no rounding");
        check("money 0 .. 5", "is no currency");
        check("money USD 0 EUR .. 5", "unit mismatch");
        check("one of a, a", "twice");
        check("one of a,b", "is no value of an enum");
        check("one of", "is no value of an enum");
        check("date 2026-02-30 .. 2026-03-01", "is no date");
        check("text 5 .. 1", "is no range");
        check("list 0 .. 9_999", "is no range within 0 .. 1000");
        check("record crm", "record CONNECTION KIND");
        check("number 1 .. 2", "is no type");
    }

    #[test]
    fn a_number_is_exact_or_refused() {
        let check = |text: &str, unit: Unit, expected: Option<i64>| {
            let number = Literal::parse(text).and_then(|literal| literal.in_unit(unit));
            assert_eq!(number.ok(), expected, "{text}");
        };
        let dollars = Unit::Money(Currency::parse("USD").expect("it is a code"));
        check("12.5%", Unit::Percent, Some(125_000));
        check("0.0001%", Unit::Percent, Some(1));
        check("0.00001%", Unit::Percent, None);
        check("-1_000.50", dollars, Some(-100_050));
        check("1.500", dollars, Some(150));
        check("1_000_000 USD", dollars, Some(100_000_000));
        check("7 EUR", dollars, None);
        check("1__000", dollars, None);
        check("1000_000", dollars, None);
        check("_1", dollars, None);
        check("1.", dollars, None);
        check(".5", dollars, None);
        check("1e3", dollars, None);
        check("99999999999999999999", dollars, None);
        check("99999999999999999", dollars, None);
        check("3.0", Unit::Count, Some(3));
        check("3.5", Unit::Count, None);
    }

    #[test]
    fn rounding_goes_where_its_name_says() {
        let check = |number: i128, by: i128, expected: [i128; 3]| {
            let found =
                [Rounding::Down, Rounding::Up, Rounding::HalfEven].map(|mode| mode.divide(number, by));
            assert_eq!(found, expected.map(Some), "{number} / {by}");
        };
        check(5, 2, [2, 3, 2]);
        check(7, 2, [3, 4, 4]);
        check(-5, 2, [-2, -3, -2]);
        check(-7, 2, [-3, -4, -4]);
        check(4, 2, [2, 2, 2]);
        check(8, 3, [2, 3, 3]);
        assert_eq!(Rounding::Up.divide(1, 0), None);
        assert_eq!(Rounding::Up.divide(i128::MIN, 1), Some(i128::MIN));
    }
}
