//! Rows that would have spared exceptions: where nobody decided in time on what a row of the policy sent to people,
//! and they approved it all the same, a narrower row above it could let the like pass.
//!
//! A suggestion is a draft and nothing else: it is tried on the record beside, and somebody publishes it or not.

use super::Spending;
use crate::approval::{Approval, Authority, Case, Outcome, Stage};
use crate::document::{Block, PlainTable, SourceFile};
use crate::id::FieldName;
use crate::intent::{FactValue, TokenValue};
use crate::policy::{Hit, Policy, Settled};
use crate::rulebook::layout;
use std::collections::{BTreeMap, BTreeSet};

/// Approvals by people from which on a row is suggested: fewer are chance.
pub const SUGGESTED_FROM: usize = 3;

/// Most rows that are suggested at once: each is tried on the whole record.
pub const SUGGESTED_ROWS_MAX: usize = 3;

/// Name of the column of what a row answers.
const OUTCOME: &str = "=> outcome";

/// One row that could stand above another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuggestedRow {
    /// The row that sent the cases to people.
    pub above: String,
    /// How many of them people approved.
    pub cases: u32,
    /// Its cells by column, in the order of the table.
    pub cells: Vec<(String, String)>,
    /// The whole document with the row in it, its tables aligned.
    pub document: String,
}

/// Rows for a policy, given approvals in which exceptions spent the budget; those that most cases ask for first.
/// Only a table of which the first row decides takes a row more, and none is suggested for a policy over a list.
#[must_use]
pub fn rows(
    document: &SourceFile,
    policy: &Policy,
    spending: &Spending,
    approvals: &[Approval],
) -> Vec<SuggestedRow> {
    if policy.hit != Hit::First || policy.each.is_some() {
        return Vec::new();
    }
    let mut by_row: BTreeMap<&str, Vec<(&Approval, &Case)>> = BTreeMap::new();
    for approval in approvals.iter().filter(|approval| spent(spending, approval)) {
        let Some(case) = approved_by_people(approval) else { continue };
        let [rule] = case.evaluation.rules.as_slice() else { continue };
        if matches!(rule.outcome, Settled::Needs(_)) && case.evaluation.version == policy.version {
            by_row.entry(&rule.id).or_default().push((approval, case));
        }
    }
    let mut groups: Vec<_> = by_row.into_iter().filter(|(_, cases)| SUGGESTED_FROM <= cases.len()).collect();
    groups.sort_by_key(|(_, cases)| std::cmp::Reverse(cases.len()));
    groups
        .into_iter()
        .take(SUGGESTED_ROWS_MAX)
        .filter_map(|(row, cases)| above(document, row, &cases))
        .collect()
}

/// Whether it spent the budget because nobody decided in time: only that would not have happened without asking. A
/// target that rejects an order rejects it too when nobody was asked.
fn spent(spending: &Spending, approval: &Approval) -> bool {
    let mut exceptions = approval.exceptions.values();
    exceptions.any(|exception| {
        exception.spends() && exception.cause.is_silence() && spending.since < exception.opened
    })
}

fn approved_by_people(approval: &Approval) -> Option<&Case> {
    match &approval.stage {
        Stage::Executing { case, authority: Authority::People(people), .. }
        | Stage::Closed(Outcome::Done { case, authority: Authority::People(people), .. }) => {
            (!people.is_empty()).then_some(&**case)
        }
        Stage::Preparing { .. }
        | Stage::Unsettled { .. }
        | Stage::Seated { .. }
        | Stage::Returned { .. }
        | Stage::Executing { .. }
        | Stage::Closed(_) => None,
    }
}

/// The document with a row above `row` that takes exactly what lies between these cases.
fn above(document: &SourceFile, row: &str, cases: &[(&Approval, &Case)]) -> Option<SuggestedRow> {
    let mut layout = layout(document).ok()?;
    let mut tables = layout.blocks.iter_mut().filter_map(|block| match block {
        Block::Table(table) => Some(table),
        Block::Lines(_) => None,
    });
    let is_rules = |table: &PlainTable| {
        table.header.first().is_some_and(|name| name == "id")
            && table.header.iter().any(|name| name == OUTCOME)
    };
    let table = tables.find(|table| is_rules(table))?;
    let place = table.rows.iter().position(|cells| cells.first().is_some_and(|id| id == row))?;
    let base = table.rows.get(place)?.clone();
    let taken: BTreeSet<&str> =
        table.rows.iter().filter_map(|cells| cells.first()).map(String::as_str).collect();
    let id = (1..=table.rows.len().saturating_add(1))
        .map(|number| format!("suggested-{number}"))
        .find(|id| !taken.contains(id.as_str()))?;
    let count = cases.len();
    let cell = |(name, base): (&String, &String)| match name.as_str() {
        "id" => id.clone(),
        OUTCOME => "approve".to_owned(),
        "because" => format!("people approved {count} of the kind that nobody had decided in time"),
        name => {
            FieldName::parse(name).ok().and_then(|name| between(&name, cases)).unwrap_or_else(|| base.clone())
        }
    };
    let cells: Vec<String> = table.header.iter().zip(&base).map(cell).collect();
    let named = table.header.iter().cloned().zip(cells.iter().cloned()).collect();
    table.rows.insert(place, cells);
    let cases = u32::try_from(count).unwrap_or(u32::MAX);
    Some(SuggestedRow { above: row.to_owned(), cases, cells: named, document: layout.to_string() })
}

/// The cell that takes what lies between the values of these cases; `None` where a value is not known or of a type
/// that has no cell: then the cell stays as it is.
fn between(name: &FieldName, cases: &[(&Approval, &Case)]) -> Option<String> {
    let values = cases.iter().map(|(approval, case)| value(name, approval, case));
    let values: Vec<&TokenValue> = values.collect::<Option<_>>()?;
    let numbers: Option<Vec<(i64, &TokenValue)>> =
        values.iter().map(|value| Some((number(value)?, *value))).collect();
    if let Some(numbers) = numbers {
        let (low, high) =
            (numbers.iter().min_by_key(|(at, _)| *at)?, numbers.iter().max_by_key(|(at, _)| *at)?);
        let (from, to) = (plain(low.1), plain(high.1));
        return Some(if low.0 == high.0 { from } else { format!("{from} .. {to}") });
    }
    let words: Option<BTreeSet<String>> = values.iter().map(|value| word(value)).collect();
    words.map(|words| words.into_iter().collect::<Vec<_>>().join(", "))
}

fn value<'a>(name: &FieldName, approval: &'a Approval, case: &'a Case) -> Option<&'a TokenValue> {
    approval.intent.tokens.get(name).or_else(|| match case.facts.get(name)? {
        FactValue::Known(value) => Some(value),
        FactValue::Missing(_) | FactValue::Stale | FactValue::Each(_) => None,
    })
}

fn number(value: &TokenValue) -> Option<i64> {
    match value {
        TokenValue::Percent(percent) => Some(percent.0),
        TokenValue::Money(money) => Some(money.minor),
        TokenValue::Months(number) | TokenValue::Days(number) | TokenValue::Count(number) => Some(*number),
        TokenValue::Date(day) => Some(day.0),
        TokenValue::YesNo(_)
        | TokenValue::OneOf(_)
        | TokenValue::Record(_)
        | TokenValue::Text(_)
        | TokenValue::List(_) => None,
    }
}

/// A number as a cell has it: months and days without their word.
fn plain(value: &TokenValue) -> String {
    match value {
        TokenValue::Months(number) | TokenValue::Days(number) | TokenValue::Count(number) => {
            number.to_string()
        }
        TokenValue::Percent(_)
        | TokenValue::Money(_)
        | TokenValue::Date(_)
        | TokenValue::YesNo(_)
        | TokenValue::OneOf(_)
        | TokenValue::Record(_)
        | TokenValue::Text(_)
        | TokenValue::List(_) => value.to_string(),
    }
}

fn word(value: &TokenValue) -> Option<String> {
    match value {
        TokenValue::YesNo(_) | TokenValue::OneOf(_) => Some(value.to_string()),
        TokenValue::Percent(_)
        | TokenValue::Money(_)
        | TokenValue::Months(_)
        | TokenValue::Days(_)
        | TokenValue::Count(_)
        | TokenValue::Date(_)
        | TokenValue::Record(_)
        | TokenValue::Text(_)
        | TokenValue::List(_) => None,
    }
}
