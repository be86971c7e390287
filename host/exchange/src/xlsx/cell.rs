//! What a cell of a spreadsheet means in its column: the text that the document has there.

use super::format::Format;
use super::sheet::{RawCell, Value};
use crate::column::Kind;
use crate::number::Decimal;
use countersign_core::document::listed;
use countersign_core::intent::kind::{FieldType, Unit};
use countersign_core::intent::value::Day;
use countersign_core::policy::cell;

/// Days from 1970-01-01 back to day 0 of a spreadsheet.
const DAY_ZERO: i64 = -25_569;
/// Days from day 0 to 1904-01-01.
const DAYS_TO_1904: i64 = 1_462;
/// The first day on which all spreadsheets agree: they know a 29 February 1900 before it.
const FIRST_DAY: i64 = 61;

/// What is wrong with a cell, and what to try.
pub(super) type Wrong = (String, Option<String>);

/// How the workbook is to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    /// Whether computed values are taken.
    pub(super) values: bool,
    /// Whether day 0 is 1904-01-01.
    pub(super) from_1904: bool,
}

fn wrong<T>(message: impl Into<String>, help: &str) -> Result<T, Wrong> {
    Err((message.into(), Some(help.to_owned())))
}

/// The text of a cell in a column of `kind`.
pub(super) fn text(cell: &RawCell, kind: &Kind, reading: Reading) -> Result<String, Wrong> {
    if cell.formula && !reading.values {
        return wrong("the cell holds a formula", "write its value, or take all values with `--values`");
    }
    match &cell.value {
        Value::Text(text) => {
            let text = text.trim();
            if text.contains(['\n', '\r']) {
                return wrong("the cell holds more than one line", "write it on one line");
            }
            Ok(text.to_owned())
        }
        Value::Number(number) if cell.format.date => day_of_serial(number, kind, reading),
        Value::Number(number) => number_text(number, &cell.format, kind),
        Value::Truth(truth) => match kind {
            Kind::Typed(FieldType::YesNo) => Ok(if *truth { "yes" } else { "no" }.to_owned()),
            Kind::Text | Kind::Typed(_) | Kind::Whole | Kind::Quorum | Kind::Day => {
                wrong("the cell holds a truth value", AS_TEXT)
            }
        },
        Value::Day(text) => {
            let (day, time) = text.split_once('T').unwrap_or((text, ""));
            let midnight = time.trim_end_matches('Z').bytes().all(|byte| matches!(byte, b'0' | b':' | b'.'));
            match Day::parse(day) {
                Some(day) if midnight => day_text(day, kind),
                Some(_) | None => wrong(format!("`{text}` is no date without a time"), AS_TEXT),
            }
        }
        Value::Error(text) => wrong(format!("the cell holds the error `{text}`"), "correct it"),
    }
}

/// What to do where a spreadsheet took text for something else.
const AS_TEXT: &str = "format the cell as text, then type it again";

fn day_of_serial(number: &str, kind: &Kind, reading: Reading) -> Result<String, Wrong> {
    let whole = Decimal::of_sheet(number).filter(|number| number.places() == 0);
    let serial = whole.and_then(|number| number.spelled().replace('_', "").parse::<i64>().ok());
    let serial = serial.map(|serial| if reading.from_1904 { serial + DAYS_TO_1904 } else { serial });
    match serial {
        Some(serial) if (FIRST_DAY..10_000_000).contains(&serial) => day_text(Day(serial + DAY_ZERO), kind),
        Some(_) | None => {
            wrong(format!("`{number}` is shown as a date, but is none without a time"), AS_TEXT)
        }
    }
}

fn day_text(day: Day, kind: &Kind) -> Result<String, Wrong> {
    match kind {
        Kind::Day | Kind::Typed(FieldType::Date { .. }) => checked(day.to_string(), kind),
        Kind::Typed(FieldType::Number(_)) => wrong(
            format!("the cell holds the date {day}, as spreadsheets make of `5-15`"),
            "format the cell as text, then type it again; a range is written with ` .. `",
        ),
        Kind::Text | Kind::Typed(_) | Kind::Whole | Kind::Quorum => {
            wrong(format!("the cell holds the date {day}, not the text that was typed"), AS_TEXT)
        }
    }
}

fn number_text(number: &str, format: &Format, kind: &Kind) -> Result<String, Wrong> {
    let Some(decimal) = Decimal::of_sheet(number) else {
        return wrong(format!("`{number}` is no number of a policy"), "write another one");
    };
    if format.scaled {
        return wrong("the cell shows thousands, so that nobody sees the number itself", "show it in full");
    }
    let shown = || if format.percent { decimal.times_ten_to(2).spelled() + "%" } else { decimal.spelled() };
    match kind {
        Kind::Typed(FieldType::Number(grid)) => {
            let scale = grid.unit.scale();
            if !decimal.is_held(scale) {
                let message = format!("{} has more digits than a spreadsheet's number can hold", shown());
                return wrong(message, "format the cell as text, then type the exact number");
            }
            match (grid.unit, format.percent) {
                (Unit::Percent, true) | (Unit::Money(_) | Unit::Months | Unit::Days | Unit::Count, false) => {
                }
                (Unit::Percent, false) => {
                    let plain = decimal.spelled();
                    return wrong(
                        format!(
                            "a plain {plain} in a column of percent is {plain}% to one reader and {}% to another",
                            decimal.times_ten_to(2).spelled()
                        ),
                        "format the cell as percent, or write it with its sign, such as `15%`",
                    );
                }
                (Unit::Money(_) | Unit::Months | Unit::Days | Unit::Count, true) => {
                    return wrong(
                        format!("{} in a column that is no percent", shown()),
                        "write a plain number",
                    );
                }
            }
            currency(format, grid.unit)?;
            checked(shown(), kind)
        }
        Kind::Typed(FieldType::OneOf(words)) => {
            let word = decimal.spelled().replace('_', "");
            if words.contains(&word) {
                Ok(word)
            } else {
                let known = listed(words.iter().map(String::as_str));
                wrong(format!("the number {word} is not one of {known}"), AS_TEXT)
            }
        }
        Kind::Whole | Kind::Quorum if decimal.places() == 0 && !format.percent => {
            Ok(decimal.spelled().replace('_', ""))
        }
        Kind::Quorum if format.percent => Ok(shown()),
        Kind::Whole | Kind::Quorum => {
            wrong(format!("{} is no whole number", shown()), "write a whole number")
        }
        Kind::Day | Kind::Typed(FieldType::Date { .. }) => wrong(
            format!("the number {} is not shown as a date", shown()),
            "format the cell as a date, or write it as 2026-01-31",
        ),
        Kind::Text | Kind::Typed(_) => wrong(
            format!(
                "the cell holds the number {}, where text belongs: zeros that were typed are lost",
                shown()
            ),
            AS_TEXT,
        ),
    }
}

/// Refuses a number that is shown in another currency than its column counts in.
fn currency(format: &Format, unit: Unit) -> Result<(), Wrong> {
    let Some(shown) = format.currency() else { return Ok(()) };
    let own = match unit {
        Unit::Money(currency) => currency.to_string(),
        Unit::Percent | Unit::Months | Unit::Days | Unit::Count => String::new(),
    };
    let fits = match shown {
        "€" => own == "EUR",
        "£" => own == "GBP",
        "¥" => own == "JPY" || own == "CNY",
        "$" => own.ends_with('D'),
        code => own == code,
    };
    if fits {
        return Ok(());
    }
    let column = if own.is_empty() { "counts no money".to_owned() } else { format!("counts in {own}") };
    wrong(format!("the cell shows `{shown}`, its column {column}"), "write the amount in the column's unit")
}

/// Demands the grid of the column.
fn checked(text: String, kind: &Kind) -> Result<String, Wrong> {
    if let Kind::Typed(kind) = kind {
        cell::value(&text, kind).map_err(|message| (message, None))?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::intent::literal::parse_type;
    use std::rc::Rc;

    const READING: Reading = Reading { values: false, from_1904: false };

    fn found(kind: &Kind, value: Value, code: &str) -> Result<String, String> {
        let cell = RawCell { column: 0, value, format: Rc::new(Format::of_code(code)), formula: false };
        text(&cell, kind, READING).map_err(|(message, _)| message)
    }

    fn typed(kind: &str) -> Kind {
        Kind::Typed(parse_type(kind).expect("it is a type"))
    }

    fn number(text: &str) -> Value {
        Value::Number(text.to_owned())
    }

    #[test]
    fn a_number_is_read_as_it_is_shown() {
        let check = |kind: &Kind, value: Value, code: &str, expected: &str| {
            assert_eq!(
                found(kind, value.clone(), code).as_deref(),
                Ok(expected),
                "{kind:?} {value:?} {code}"
            );
        };
        let percent = typed("percent 0% .. 60%");
        let money = typed("money USD 0 .. 1_000_000");
        check(&percent, number("0.15"), "0%", "15%");
        check(&percent, number("0.15000000000000002"), "0.00%", "15%");
        check(&percent, number("5.0099999999999999E-2"), "0.0%", "5.01%");
        check(&percent, Value::Text(" 15% ".to_owned()), "General", "15%");
        check(&percent, Value::Text("<= 5%".to_owned()), "@", "<= 5%");
        check(&percent, Value::Text("5 .. 15".to_owned()), "@", "5 .. 15");
        check(&money, number("50000"), "General", "50_000");
        check(&money, number("0.30000000000000004"), "#,##0.00", "0.3");
        check(&money, number("12.5"), "[$$-409]#,##0.00", "12.5");
        check(&money, number("12"), "#,##0 [$USD]", "12");
        check(&typed("months 1 .. 84"), number("12"), "0", "12");
        check(&typed("yes/no"), Value::Truth(true), "General", "yes");
        check(&typed("one of 12, 24"), number("24"), "General", "24");
        check(&typed("date 2020-01-01 .. 2030-01-01"), number("46143"), "yyyy-mm-dd", "2026-05-01");
        check(&Kind::Day, number("46023"), "m/d/yy", "2026-01-01");
        check(&Kind::Day, Value::Day("2026-01-01T00:00:00".to_owned()), "", "2026-01-01");
        check(&Kind::Whole, number("1"), "General", "1");
        check(&Kind::Quorum, number("0.5"), "0%", "50%");
        let cell = RawCell {
            column: 0,
            value: number("44561"),
            format: Rc::new(Format::of_code("d.m.yy")),
            formula: false,
        };
        let reading = Reading { values: false, from_1904: true };
        assert_eq!(text(&cell, &Kind::Day, reading).as_deref(), Ok("2026-01-01"));
    }

    #[test]
    fn what_a_spreadsheet_made_of_the_text_is_refused() {
        let check = |kind: &Kind, value: Value, code: &str, expected: &str| {
            let message = found(kind, value.clone(), code).expect_err(expected);
            assert!(message.contains(expected), "{kind:?} {value:?} {code}: {message}");
        };
        let percent = typed("percent 0% .. 60%");
        let money = typed("money USD 0 .. 1_000_000");
        check(&percent, number("15"), "General", "a plain 15 in a column of percent");
        check(&percent, number("0.15"), "0.00", "a plain 0.15 in a column of percent");
        check(&percent, number("15"), "0%", "outside of percent");
        check(&percent, number("0.150001"), "0%", "finer than the step");
        check(&percent, number("0.1500001"), "0%", "finer than its unit");
        check(&money, number("0.15"), "0%", "15% in a column that is no percent");
        check(&money, number("0.001"), "General", "finer than its unit");
        check(&money, number("100"), "[$€-407]#,##0.00", "the cell shows `€`, its column counts in USD");
        check(&money, number("50000"), "#,##0,", "shows thousands");
        check(&money, number("46157"), "d/m/yy", "the date 2026-05-15, as spreadsheets make of `5-15`");
        check(&typed("count 0 .. 9"), number("1"), "\"EUR\"0", "counts no money");
        let huge = typed("money USD 0 .. 10_000_000_000_000_000");
        check(
            &huge,
            number("99999999999999.98"),
            "General",
            "more digits than a spreadsheet's number can hold",
        );
        check(&typed("count 0 .. 9"), number("1.5"), "General", "finer than its unit");
        check(&typed("yes/no"), number("1"), "General", "where text belongs");
        check(&Kind::Text, number("7.10"), "General", "where text belongs");
        check(&Kind::Text, Value::Truth(true), "General", "truth value");
        check(&Kind::Text, number("46157"), "d/m/yy", "the date 2026-05-15");
        check(&Kind::Day, number("46157"), "General", "not shown as a date");
        check(&Kind::Day, number("46157.5"), "yyyy-mm-dd", "none without a time");
        check(&Kind::Day, number("59"), "yyyy-mm-dd", "is none");
        check(&Kind::Day, Value::Day("2026-01-01T10:00:00".to_owned()), "", "no date without a time");
        check(&Kind::Whole, number("1.5"), "General", "no whole number");
        check(&Kind::Text, Value::Error("#REF!".to_owned()), "General", "the error `#REF!`");
        check(&Kind::Text, Value::Text("a\nb".to_owned()), "General", "more than one line");
        let computed = RawCell { column: 0, value: number("1"), format: Rc::default(), formula: true };
        let refused = text(&computed, &Kind::Whole, READING).expect_err("it is a formula");
        assert!(refused.0.contains("formula"), "{refused:?}");
        assert_eq!(text(&computed, &Kind::Whole, Reading { values: true, ..READING }).as_deref(), Ok("1"));
    }
}
