//! Expressions with their types: units are checked and sizes are bounded before anything runs.

mod advice;
mod check;
mod units;

use super::expr;
use super::node::Node;
use crate::document::Wrong;
use crate::id::FieldName;
use crate::intent::kind::{FieldType, Grid, Unit};
use crate::intent::value::{Day, TokenValue};
use check::Checker;
use serde::{Serialize, Serializer};
use units::{Typed, on_grid};

/// Something that an expression may name: an input of a policy, a token or a fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Input {
    /// Its name; a dotted one belongs to the elements of the list.
    pub name: FieldName,
    /// Its type.
    pub kind: FieldType,
}

impl Input {
    /// Whether it has one value for each element of the list.
    #[must_use]
    pub fn is_of_element(&self) -> bool {
        self.name.as_str().contains('.')
    }
}

/// The names that an expression may use.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// Inputs by index.
    pub inputs: &'a [Input],
    /// Terms by index; only earlier ones, so that there is no circle.
    pub terms: &'a [(FieldName, Expression)],
    /// Whether a dotted name outside a fold is the current element.
    pub in_element: bool,
    /// Whether folds over the list may stand here.
    pub folds: bool,
    /// Names of terms that are wrong themselves: whoever reads one made no slip of their own.
    pub broken: &'a [FieldName],
}

/// The type of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A number with a unit, on the grid of that unit.
    Number(Unit),
    /// A number that was written without a unit.
    Bare,
    /// Yes or no.
    Truth,
    /// A word of this enum.
    Word(Vec<String>),
    /// A calendar day.
    Day,
    /// Text.
    Text,
}

/// A checked expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    /// Its text, with one blank between its words.
    pub source: String,
    /// Its type.
    pub kind: Kind,
    /// The inputs that it reads, through terms too; sorted.
    pub reads: Vec<FieldName>,
    /// Whether it reads the current element of the list.
    pub per_element: bool,
    pub(crate) node: Node,
    low: i128,
    high: i128,
}

impl Serialize for Expression {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

impl Expression {
    /// Reads and checks an expression.
    ///
    /// # Errors
    /// The first thing that is wrong, where, and what to write instead if that can be guessed.
    pub fn parse(text: &str, scope: Scope<'_>) -> Result<Expression, Wrong> {
        let reads = |better: &str| Expression::read(better, scope).is_ok();
        Expression::read(text, scope).map_err(|wrong| advice::advised(wrong, text, scope, reads))
    }

    fn read(text: &str, scope: Scope<'_>) -> Result<Expression, Wrong> {
        let ast = expr::parse(text)?;
        let mut checker = Checker { scope, reads: Vec::new(), per_element: false, in_fold: false };
        let typed = checker.check(&ast, None)?;
        on_grid(&typed, ast.at)?;
        let Checker { mut reads, per_element, .. } = checker;
        reads.sort();
        reads.dedup();
        let Typed { node, kind, low, high, .. } = typed;
        Ok(Expression { source: expr::normal(text), kind, reads, per_element, node, low, high })
    }

    /// Reads an expression that is yes or no.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub fn condition(text: &str, scope: Scope<'_>) -> Result<Expression, Wrong> {
        let expression = Expression::parse(text, scope)?;
        match expression.kind {
            Kind::Truth => Ok(expression),
            Kind::Number(_) | Kind::Bare | Kind::Word(_) | Kind::Day | Kind::Text => {
                let help = format!("compare it with something, such as `{text} > 0`");
                let help = if expression.kind == Kind::Bare { None } else { Some(help) };
                Err(Wrong {
                    at: 0,
                    message: "a condition is yes or no, such as `margin < 15%`".to_owned(),
                    help,
                })
            }
        }
    }

    /// The value that a result of this expression stands for; `None` if it does not fit.
    #[must_use]
    pub fn value(&self, result: i128) -> Option<TokenValue> {
        let number = i64::try_from(result).ok()?;
        match &self.kind {
            Kind::Number(unit) => {
                let grid = Grid { unit: *unit, min: i64::MIN, max: i64::MAX, step: 1, round: None };
                Some(grid.value(number))
            }
            Kind::Bare => Some(TokenValue::Count(number)),
            Kind::Truth => Some(TokenValue::YesNo(number != 0)),
            Kind::Word(words) => {
                words.get(usize::try_from(number).ok()?).map(|word| TokenValue::OneOf(word.clone()))
            }
            Kind::Day => Some(TokenValue::Date(Day(number))),
            Kind::Text => None,
        }
    }
}
