//! What a column of a foreign table is about, and the values that are tried in it, each as FEEL and
//! as a token.

use countersign_core::intent::value::{Day, TokenValue};
use countersign_core::money::{Currency, Money};
use countersign_exchange::foreign::SideInput;
use std::collections::{BTreeMap, BTreeSet};

/// A column with fewer values than this is tried with all of them.
const VALUES_ALL_MAX: i64 = 200;
/// Into so many equal steps a wider one is cut, beside the values that its cells name.
const STEPS: i64 = 50;

/// The type of a column, as a side table tells it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// These texts, in the words of the foreign table.
    Words(&'static [&'static str]),
    YesNo,
    /// Whole numbers.
    Count(i64, i64),
    /// Numbers with two digits behind the point; the bounds in hundredths.
    Cents(i64, i64),
    /// Days between two others.
    Dates(&'static str, &'static str),
}

/// One value of a column.
#[derive(Debug, Clone)]
pub(crate) struct Value {
    pub(crate) feel: String,
    pub(crate) token: TokenValue,
}

/// A word of a policy for a foreign text.
fn word(text: &str) -> String {
    text.to_lowercase().replace(' ', "-")
}

fn hundredths(number: i64) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", number.abs() / 100, number.abs() % 100)
}

fn day(text: &str) -> i64 {
    Day::parse(text).expect("it is a date").0
}

/// The numbers in a cell, in hundredths, and its dates.
fn edges(cell: &str) -> (Vec<i64>, Vec<i64>) {
    let (mut numbers, mut days) = (Vec::new(), Vec::new());
    let is_inner = |letter: char| letter.is_ascii_digit() || matches!(letter, '.' | '-');
    for part in cell.replace("..", " ").split(|letter| !is_inner(letter)).filter(|part| !part.is_empty()) {
        let (whole, fraction) = part.split_once('.').unwrap_or((part, ""));
        if let Some(day) = Day::parse(part) {
            days.push(day.0);
        } else if let Ok(number) = format!("{whole}{fraction:0<2.2}").parse() {
            numbers.push(number);
        }
    }
    (numbers, days)
}

impl Kind {
    /// What a side table says of a column of this kind.
    pub(crate) fn side(self, name: &str) -> SideInput {
        let kind = match self {
            Kind::Words(words) => {
                format!("one of {}", words.iter().map(|text| word(text)).collect::<Vec<_>>().join(", "))
            }
            Kind::YesNo => "yes/no".to_owned(),
            Kind::Count(low, high) => format!("count {low} .. {high}"),
            Kind::Cents(low, high) => format!("money USD {} .. {}", hundredths(low), hundredths(high)),
            Kind::Dates(from, until) => format!("date {from} .. {until}"),
        };
        let words = match self {
            Kind::Words(words) => words.iter().map(|text| ((*text).to_owned(), word(text))).collect(),
            Kind::YesNo | Kind::Count(..) | Kind::Cents(..) | Kind::Dates(..) => BTreeMap::new(),
        };
        SideInput { name: name.to_owned(), kind, number: String::new(), words }
    }

    fn value(self, number: i64) -> Value {
        match self {
            Kind::Words(words) => {
                let text = usize::try_from(number).ok().and_then(|at| words.get(at)).expect("a word");
                Value { feel: format!("\"{text}\""), token: TokenValue::OneOf(word(text)) }
            }
            Kind::YesNo => {
                let truth = number != 0;
                Value { feel: truth.to_string(), token: TokenValue::YesNo(truth) }
            }
            Kind::Count(..) => Value { feel: number.to_string(), token: TokenValue::Count(number) },
            Kind::Cents(..) => {
                let currency = Currency::parse("USD").expect("a currency");
                Value {
                    feel: hundredths(number),
                    token: TokenValue::Money(Money { minor: number, currency }),
                }
            }
            Kind::Dates(..) => {
                let day = Day(number);
                Value { feel: format!("date(\"{day}\")"), token: TokenValue::Date(day) }
            }
        }
    }

    /// All values where they are few; else those that the cells name with their neighbours, and some
    /// from one bound to the other.
    pub(crate) fn values(self, cells: &[String]) -> Vec<Value> {
        let found: Vec<(Vec<i64>, Vec<i64>)> = cells.iter().map(|cell| edges(cell)).collect();
        let numbers = || found.iter().flat_map(|(numbers, _)| numbers.iter().copied());
        let (low, high, edges): (i64, i64, Vec<i64>) = match self {
            Kind::Words(words) => (0, i64::try_from(words.len()).expect("few words") - 1, Vec::new()),
            Kind::YesNo => (0, 1, Vec::new()),
            Kind::Count(low, high) => (low, high, numbers().map(|number| number / 100).collect()),
            Kind::Cents(low, high) => (low, high, numbers().collect()),
            Kind::Dates(from, until) => {
                (day(from), day(until), found.iter().flat_map(|(_, days)| days.iter().copied()).collect())
            }
        };
        let numbers: BTreeSet<i64> = if high - low < VALUES_ALL_MAX {
            (low..=high).collect()
        } else {
            let beside = edges.into_iter().flat_map(|edge| [edge - 1, edge, edge + 1]);
            let spread = (0..=STEPS).map(|step| low + (high - low) * step / STEPS);
            beside.chain(spread).filter(|number| (low..=high).contains(number)).collect()
        };
        numbers.into_iter().map(|number| self.value(number)).collect()
    }

    /// The value that a FEEL text says, if it lies in the bounds.
    pub(crate) fn read(self, feel: &str) -> Option<Value> {
        let (numbers, days) = edges(feel);
        let within = |number: i64, low: i64, high: i64| (low <= number && number <= high).then_some(number);
        let number = match self {
            Kind::Words(words) => {
                let at = words.iter().position(|text| format!("\"{text}\"") == feel)?;
                i64::try_from(at).ok()?
            }
            Kind::YesNo => i64::from(feel.parse::<bool>().ok()?),
            Kind::Count(low, high) => within(numbers.first()? / 100, low, high)?,
            Kind::Cents(low, high) => within(*numbers.first()?, low, high)?,
            Kind::Dates(from, until) => within(*days.first()?, day(from), day(until))?,
        };
        Some(self.value(number))
    }
}
