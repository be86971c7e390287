//! Types of tokens, facts and inputs: every number is an integer on a grid with a unit.

use crate::document::{is_invisible, is_lookalike};
use crate::id::ConnectionName;
use crate::intent::value::{Day, Percent, TokenValue, decimal};
use crate::money::{Currency, Money};
use serde::Serialize;
use std::fmt;

/// Most values that an enum may have.
pub const ENUM_VALUES_MAX: usize = 256;
/// Most elements that the one list of an intent may have.
pub const LIST_ELEMENTS_MAX: i64 = 1_000;
/// Most characters of a text token.
pub const TEXT_CHARACTERS_MAX: i64 = 100_000;

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Parts of a hundred; the integer is in millionths, so 1 % is 10,000.
    Percent,
    /// Money; the integer is in minor units.
    Money(Currency),
    /// Months.
    Months,
    /// Days.
    Days,
    /// Things.
    Count,
}

impl Unit {
    /// Digits behind the point that one step of the integer stands for, in the unit itself:
    /// 6 for a percent (0.12 = 120,000 millionths), 2 for USD.
    #[must_use]
    pub fn scale(self) -> u32 {
        match self {
            Unit::Percent => 6,
            Unit::Money(currency) => currency.digits(),
            Unit::Months | Unit::Days | Unit::Count => 0,
        }
    }
}

/// What becomes of a value that is finer than the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rounding {
    /// Away from zero to the next step.
    Up,
    /// Towards zero.
    Down,
    /// To the nearest step, halves to the even one.
    HalfEven,
}

impl Rounding {
    /// Reads `up`, `down` or `half-even`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Rounding> {
        match text {
            "up" => Some(Rounding::Up),
            "down" => Some(Rounding::Down),
            "half-even" => Some(Rounding::HalfEven),
            _ => None,
        }
    }

    /// `number / by` as a whole number; `None` if `by` is not positive or it overflows.
    #[must_use]
    pub fn divide(self, number: i128, by: i128) -> Option<i128> {
        if by <= 0 {
            return None;
        }
        let (whole, rest) = match (i64::try_from(number), i64::try_from(by)) {
            // Nearly all numbers are small, and 128 bits are divided bit by bit.
            (Ok(number), Ok(by)) => (number.checked_div(by)?.into(), number.checked_rem(by)?.into()),
            (_, _) => (number.checked_div(by)?, number.checked_rem(by)?),
        };
        if rest == 0 {
            return Some(whole);
        }
        let away = if number < 0 { -1 } else { 1 };
        let further = match self {
            Rounding::Down => false,
            Rounding::Up => true,
            Rounding::HalfEven => {
                let twice = rest.checked_abs()?.checked_mul(2)?;
                by < twice || (by == twice && whole.checked_rem(2)? != 0)
            }
        };
        if further { whole.checked_add(away) } else { Some(whole) }
    }
}

/// A bounded grid of numbers. All integers are in the unit's own small steps ([`Unit::scale`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Grid {
    /// What is counted.
    pub unit: Unit,
    /// Smallest value.
    pub min: i64,
    /// Largest value.
    pub max: i64,
    /// Distance of two neighbours.
    pub step: i64,
    /// What becomes of finer values; refused if `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round: Option<Rounding>,
}

/// The type of a token, fact or input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldType {
    /// A number.
    Number(Grid),
    /// Yes or no.
    YesNo,
    /// One of these words.
    OneOf(Vec<String>),
    /// A calendar date between two others.
    Date {
        /// First day.
        from: Day,
        /// Last day.
        until: Day,
    },
    /// Text of so many characters; `None` where a policy leaves the length to the token.
    Text {
        /// Fewest and most characters.
        length: Option<(i64, i64)>,
    },
    /// A record at a target.
    Record {
        /// Whose record.
        connection: ConnectionName,
        /// Its kind there.
        kind: String,
    },
    /// The one list, of so many elements.
    List {
        /// Fewest elements.
        min: i64,
        /// Most elements.
        max: i64,
    },
}

/// Why a value is not on a type's grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffGrid {
    /// Below the smallest or above the largest value.
    OutOfBounds,
    /// Between two steps.
    TooFine,
    /// Of another type or unit.
    WrongKind,
    /// A word that the enum does not have.
    NotOneOf,
}

impl Grid {
    /// Brings `number` onto the grid, rounding if the type says so.
    ///
    /// # Errors
    /// [`OffGrid`] if it is out of bounds, or too fine and the type does not round.
    pub fn place(&self, number: i64) -> Result<i64, OffGrid> {
        let rest = number.checked_rem(self.step).unwrap_or(0);
        let number = match (rest, self.round) {
            (0, _) => number,
            (_, None) => return Err(OffGrid::TooFine),
            (_, Some(rounding)) => rounding
                .divide(i128::from(number), i128::from(self.step))
                .and_then(|steps| steps.checked_mul(i128::from(self.step)))
                .and_then(|rounded| i64::try_from(rounded).ok())
                .ok_or(OffGrid::OutOfBounds)?,
        };
        if self.min <= number && number <= self.max { Ok(number) } else { Err(OffGrid::OutOfBounds) }
    }

    /// Reads decimal text in the unit as people write it (`12.5` percent, `1250.00` of money) and
    /// brings it onto the grid.
    ///
    /// # Errors
    /// [`OffGrid::WrongKind`] if it is no decimal number; else as [`Grid::place`].
    pub fn read(&self, text: &str) -> Result<i64, OffGrid> {
        let (mantissa, scale) = decimal(text).ok_or(OffGrid::WrongKind)?;
        // A percent is written in hundredths of what its scale counts in.
        let places = match self.unit {
            Unit::Percent => 4,
            Unit::Money(_) | Unit::Months | Unit::Days | Unit::Count => self.unit.scale(),
        };
        let power = |exponent: u32| 10_i128.checked_pow(exponent).ok_or(OffGrid::OutOfBounds);
        let finer = power(scale.saturating_sub(places))?;
        let number =
            mantissa.checked_mul(power(places.saturating_sub(scale))?).ok_or(OffGrid::OutOfBounds)?;
        let number = match self.round {
            None if finer > 1 => return Err(OffGrid::TooFine),
            None => Some(number),
            Some(rounding) => {
                let step = i128::from(self.step);
                let by = finer.checked_mul(step).ok_or(OffGrid::OutOfBounds)?;
                rounding.divide(number, by).and_then(|steps| steps.checked_mul(step))
            }
        };
        let number = number.and_then(|number| i64::try_from(number).ok()).ok_or(OffGrid::OutOfBounds)?;
        self.place(number)
    }

    /// The value that `number` stands for.
    #[must_use]
    pub fn value(&self, number: i64) -> TokenValue {
        match self.unit {
            Unit::Percent => TokenValue::Percent(Percent(number)),
            Unit::Money(currency) => TokenValue::Money(Money { minor: number, currency }),
            Unit::Months => TokenValue::Months(number),
            Unit::Days => TokenValue::Days(number),
            Unit::Count => TokenValue::Count(number),
        }
    }
}

impl FieldType {
    /// The integer that stands for `value` in a rule column; text and records have none.
    ///
    /// # Errors
    /// [`OffGrid`] says why the value does not belong to the type.
    pub fn place(&self, value: &TokenValue) -> Result<i64, OffGrid> {
        match (self, value) {
            (FieldType::Number(grid), TokenValue::Percent(Percent(number))) if grid.unit == Unit::Percent => {
                grid.place(*number)
            }
            (FieldType::Number(grid), TokenValue::Money(money))
                if grid.unit == Unit::Money(money.currency) =>
            {
                grid.place(money.minor)
            }
            (FieldType::Number(grid), TokenValue::Months(number)) if grid.unit == Unit::Months => {
                grid.place(*number)
            }
            (FieldType::Number(grid), TokenValue::Days(number)) if grid.unit == Unit::Days => {
                grid.place(*number)
            }
            (FieldType::Number(grid), TokenValue::Count(number)) if grid.unit == Unit::Count => {
                grid.place(*number)
            }
            (FieldType::YesNo, TokenValue::YesNo(flag)) => Ok(i64::from(*flag)),
            (FieldType::OneOf(words), TokenValue::OneOf(word)) => words
                .iter()
                .position(|other| other == word)
                .and_then(|index| i64::try_from(index).ok())
                .ok_or(OffGrid::NotOneOf),
            (FieldType::Date { from, until }, TokenValue::Date(day)) => {
                if from <= day && day <= until {
                    Ok(day.0)
                } else {
                    Err(OffGrid::OutOfBounds)
                }
            }
            _ => Err(OffGrid::WrongKind),
        }
    }

    /// Whether `value` belongs to the type; a list is judged by its length only.
    ///
    /// # Errors
    /// [`OffGrid`] says why it does not.
    pub fn accepts(&self, value: &TokenValue) -> Result<(), OffGrid> {
        let within = |low: i64, count: usize, high: i64| match i64::try_from(count) {
            Ok(count) if low <= count && count <= high => Ok(()),
            Ok(_) | Err(_) => Err(OffGrid::OutOfBounds),
        };
        match (self, value) {
            (FieldType::Text { length: None }, TokenValue::Text(_)) => Ok(()),
            (FieldType::Text { length: Some((min, max)) }, TokenValue::Text(text)) => {
                within(*min, text.chars().count(), *max)
            }
            (FieldType::Record { kind, .. }, TokenValue::Record(record)) if record.kind == *kind => Ok(()),
            (FieldType::List { min, max }, TokenValue::List(elements)) => within(*min, elements.len(), *max),
            _ => self.place(value).map(|_| ()),
        }
    }

    /// Smallest and largest integer of a rule column; `None` for types that take no column.
    #[must_use]
    pub fn bounds(&self) -> Option<(i64, i64)> {
        match self {
            FieldType::Number(grid) => Some((grid.min, grid.max)),
            FieldType::YesNo => Some((0, 1)),
            FieldType::OneOf(words) => {
                Some((0, i64::try_from(words.len()).unwrap_or(i64::MAX).saturating_sub(1)))
            }
            FieldType::Date { from, until } => Some((from.0, until.0)),
            FieldType::Text { .. } | FieldType::Record { .. } | FieldType::List { .. } => None,
        }
    }

    /// Distance of two neighbours in a rule column.
    #[must_use]
    pub fn step(&self) -> i64 {
        match self {
            FieldType::Number(grid) => grid.step,
            FieldType::YesNo
            | FieldType::OneOf(_)
            | FieldType::Date { .. }
            | FieldType::Text { .. }
            | FieldType::Record { .. }
            | FieldType::List { .. } => 1,
        }
    }

    /// The value that an integer of a rule column stands for.
    #[must_use]
    pub fn value(&self, number: i64) -> Option<TokenValue> {
        match self {
            FieldType::Number(grid) => Some(grid.value(number)),
            FieldType::YesNo => Some(TokenValue::YesNo(number != 0)),
            FieldType::OneOf(words) => {
                words.get(usize::try_from(number).ok()?).map(|word| TokenValue::OneOf(word.clone()))
            }
            FieldType::Date { .. } => Some(TokenValue::Date(Day(number))),
            FieldType::Text { .. } | FieldType::Record { .. } | FieldType::List { .. } => None,
        }
    }

    /// Whether every value of this type is one of `wider`.
    #[must_use]
    pub fn is_within(&self, wider: &FieldType) -> bool {
        match (self, wider) {
            (FieldType::Number(own), FieldType::Number(other)) => {
                own.unit == other.unit
                    && other.min <= own.min
                    && own.max <= other.max
                    && own.step.checked_rem(other.step) == Some(0)
            }
            (FieldType::YesNo, FieldType::YesNo) => true,
            (FieldType::OneOf(own), FieldType::OneOf(other)) => own.iter().all(|word| other.contains(word)),
            (FieldType::Date { from, until }, FieldType::Date { from: first, until: last }) => {
                first <= from && until <= last
            }
            (FieldType::Text { length: None }, FieldType::Text { .. }) => true,
            (FieldType::Text { length: Some(own) }, FieldType::Text { length: Some(other) }) => {
                other.0 <= own.0 && own.1 <= other.1
            }
            _ => false,
        }
    }
}

impl fmt::Display for FieldType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FieldType::Number(grid) => {
                let name = match grid.unit {
                    Unit::Percent => "percent ".to_owned(),
                    Unit::Money(currency) => format!("money {currency} "),
                    Unit::Months => "months ".to_owned(),
                    Unit::Days => "days ".to_owned(),
                    Unit::Count => "count ".to_owned(),
                };
                let bound = |number: i64| match grid.unit {
                    Unit::Percent => Percent(number).to_string(),
                    Unit::Money(currency) => Money { minor: number, currency }.amount(),
                    Unit::Months | Unit::Days | Unit::Count => number.to_string(),
                };
                write!(formatter, "{name}{} .. {}", bound(grid.min), bound(grid.max))
            }
            FieldType::YesNo => formatter.write_str("yes/no"),
            FieldType::OneOf(words) => write!(formatter, "one of {}", words.join(", ")),
            FieldType::Date { from, until } => write!(formatter, "date {from} .. {until}"),
            FieldType::Text { length: None } => formatter.write_str("text"),
            FieldType::Text { length: Some((min, max)) } => write!(formatter, "text {min} .. {max}"),
            FieldType::Record { connection, kind } => write!(formatter, "record {connection} {kind}"),
            FieldType::List { min, max } => write!(formatter, "list {min} .. {max}"),
        }
    }
}

/// Texts that may be longer than this are prose: look-alikes of blanks and ASCII, such as the
/// no-break space that word processors write, are welcome there. Ids and codes are shorter.
const CODE_CHARACTERS_MAX: i64 = 200;

/// The first character of `text` that a token of at most `most` characters may not hold: control
/// characters except line feed and tab, invisible ones, and look-alikes where the text is no prose.
#[must_use]
pub fn refused_character(text: &str, most: i64) -> Option<char> {
    text.chars().find(|character| {
        (character.is_control() && !matches!(character, '\n' | '\t'))
            || is_invisible(*character)
            || (most <= CODE_CHARACTERS_MAX && is_lookalike(*character))
    })
}
