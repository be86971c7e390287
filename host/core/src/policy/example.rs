//! Examples: cases that the policy's owner writes beside the table. All run with every check.

use super::cell;
use super::explain::Evaluation;
use super::outcome::{Outcome, Settled};
use super::parse::settled;
use super::route::{Route, take};
use super::stop::{Stop, Stopped};
use super::typed::Input;
use super::{Policy, decide};
use crate::document::{Cell, Document, Faults, any_of, did_you_mean};
use crate::id::{FieldName, RouteName};
use crate::intent::kind::FieldType;
use crate::intent::value::{Facts, TokenValue, Tokens};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// One case with the answer that it must get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Its name.
    pub case: String,
    /// The values of all inputs; what is missing in the case is missing here.
    pub tokens: Tokens,
    /// The answer; `None` is unsure.
    pub expected: Option<Settled>,
    /// The rules that decide, then the guards that hold; not compared if empty.
    pub by: Vec<String>,
    /// Where it stands in its file.
    pub line: u32,
}

/// Reads the examples. An empty cell takes the first row's value, `?` is a missing one.
pub(crate) fn parse(
    document: &Document,
    inputs: &[Input],
    list: Option<&FieldName>,
    routes: &BTreeMap<RouteName, Route>,
    faults: &mut Faults,
) -> Vec<Example> {
    let Some(table) = document.table("Examples") else { return Vec::new() };
    let [case, columns @ .., outcome, by] = table.header.cells.as_slice() else {
        faults.at_place(table.header.place(), "the columns are `case, INPUT.., => outcome, by`");
        faults.help("write the header as `| case | INPUT | => outcome | by |`, with a column for each input");
        return Vec::new();
    };
    for (cell, name) in [(case, "case"), (outcome, "=> outcome"), (by, "by")] {
        if cell.text != name {
            faults.at(cell, format!("the column is `{}`, expected `{name}`", cell.text));
            faults.help(format!("write `{name}`"));
        }
    }
    let known: Vec<Option<&Input>> =
        columns.iter().map(|column| inputs.iter().find(|input| input.name.as_str() == column.text)).collect();
    for (column, found) in columns.iter().zip(&known) {
        if found.is_none() {
            faults.at(column, format!("column `{}` is no input", column.text));
            let names = inputs.iter().map(|input| input.name.as_str());
            faults.help(did_you_mean(&column.text, names, "the inputs are"));
        }
    }
    for input in inputs {
        if !columns.iter().any(|column| column.text == input.name.as_str()) {
            faults.at_place(by.place(), format!("the examples lack a column for input `{}`", input.name));
            faults
                .help(format!("add the column `{}`; an empty cell takes the first row's value", input.name));
        }
    }
    let mut examples = Vec::new();
    let first = table.rows.first();
    for (number, row) in table.rows.iter().enumerate() {
        let [case, cells @ .., outcome, by] = row.cells.as_slice() else { continue };
        let mut values = Values { list, tokens: Tokens::new(), element: BTreeMap::new() };
        for (index, (input, cell)) in known.iter().zip(cells).enumerate() {
            let Some(input) = input else { continue };
            let above = first.and_then(|first| first.cells.get(index.saturating_add(1)));
            let text = if cell.text.is_empty() { above.unwrap_or(cell) } else { cell };
            if text.text.is_empty() {
                // The rows below lack it because the first one does.
                if number == 0 {
                    faults.at(cell, format!("the first example needs a value for `{}`, or `?`", input.name));
                    let what = if let FieldType::OneOf(_) = input.kind { "" } else { "a value of " };
                    faults.help(format!("write {what}{}, or `?` where it is missing", input.kind));
                }
            } else if text.text != "?" {
                values.put(input, text, faults);
            }
        }
        let expected = match outcome.text.as_str() {
            "unsure" => None,
            text => take(settled(text, routes), outcome, faults),
        };
        let by =
            if by.text.is_empty() { Vec::new() } else { by.text.split(", ").map(str::to_owned).collect() };
        examples.push(Example {
            case: case.text.clone(),
            tokens: values.finish(),
            expected,
            by,
            line: row.line,
        });
    }
    examples
}

/// The values of one case; dotted ones make the single element of the list.
struct Values<'a> {
    list: Option<&'a FieldName>,
    tokens: Tokens,
    element: BTreeMap<FieldName, TokenValue>,
}

impl Values<'_> {
    fn put(&mut self, input: &Input, cell: &Cell, faults: &mut Faults) {
        let value = match &input.kind {
            FieldType::Text { .. } => Some(TokenValue::Text(cell.text.clone())),
            FieldType::Number(_)
            | FieldType::YesNo
            | FieldType::OneOf(_)
            | FieldType::Date { .. }
            | FieldType::Record { .. }
            | FieldType::List { .. } => {
                let number = take(cell::read_value(&cell.text, &input.kind), cell, faults);
                number.and_then(|number| input.kind.value(number))
            }
        };
        let Some(value) = value else { return };
        match input.name.as_str().split_once('.') {
            None => {
                self.tokens.insert(input.name.clone(), value);
            }
            Some((_, short)) => {
                if let Ok(short) = FieldName::parse(short) {
                    self.element.insert(short, value);
                }
            }
        }
    }

    fn finish(mut self) -> Tokens {
        if let Some(list) = self.list {
            self.tokens.insert(list.clone(), TokenValue::List(vec![self.element]));
        }
        self.tokens
    }
}

/// What became of one example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tried {
    /// Its name.
    pub case: String,
    /// Where it stands in its file.
    pub line: u32,
    /// Whether it got the answer that it must get, from whom it must get it.
    pub passes: bool,
    /// The answer that it must get.
    pub expected: String,
    /// Who must give it; not compared if empty.
    pub expected_by: Vec<String>,
    /// The answer that it got.
    pub got: String,
    /// The rules that decided, then the guards that hold.
    pub by: Vec<String>,
    /// Why it is unsure, if it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unsure: Vec<String>,
}

/// What became of all examples of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ran {
    /// The intent type that it decides.
    pub intent: String,
    /// Path of its file.
    pub path: String,
    /// Its examples, in the order of the document.
    pub examples: Vec<Tried>,
}

impl Ran {
    /// Tries all examples of a policy.
    ///
    /// # Errors
    /// If it was stopped.
    pub fn of(policy: &Policy, stop: &Stop<'_>) -> Result<Ran, Stopped> {
        let (intent, path) = (policy.intent.to_string(), policy.path.clone());
        Ok(Ran { intent, path, examples: stop.kept(try_all(policy, stop))? })
    }
}

/// Tries the examples of a policy in the order of the document, all of them unless it was stopped.
pub(crate) fn try_all(policy: &Policy, stop: &Stop<'_>) -> Vec<Tried> {
    let none = Facts::new();
    let tried = policy.examples.iter().take_while(|_| !stop.is_asked()).map(|example| {
        let evaluation = decide(policy, &example.tokens, &none);
        let by = deciding(&evaluation);
        let expected = example.expected.as_ref().map(|expected| expected.normal(&policy.covers));
        let (same, unsure) = match (&evaluation.outcome, &expected) {
            (Outcome::Unsure(unsure), expected) => {
                let reasons = unsure.reasons.iter().map(ToString::to_string).collect();
                (expected.is_none(), reasons)
            }
            (Outcome::Approve | Outcome::Needs(_) | Outcome::Deny, Some(expected)) => {
                (evaluation.outcome == Outcome::from(expected.clone()), Vec::new())
            }
            (Outcome::Approve | Outcome::Needs(_) | Outcome::Deny, None) => (false, Vec::new()),
        };
        Tried {
            case: example.case.clone(),
            line: example.line,
            passes: same && (example.by.is_empty() || example.by == by),
            expected: expected.map_or_else(|| "unsure".to_owned(), |expected| expected.to_string()),
            expected_by: example.by.clone(),
            got: evaluation.outcome.to_string(),
            by,
            unsure,
        }
    });
    tried.collect()
}

impl Tried {
    /// What to correct where it fails: whoever answers so, or what the example expects.
    fn help(&self) -> String {
        if !self.unsure.is_empty() {
            return "let exactly one row take it; if that was meant, the example expects `unsure`".to_owned();
        }
        let (answer, got, by) = (any_of(self.by.iter()), &self.got, self.by.join(", "));
        format!("correct {answer}; if that was meant, the example expects `{got}` by `{by}`")
    }
}

impl fmt::Display for Tried {
    /// What was expected and what came instead, or that it passes.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = |by: &[String]| if by.is_empty() { String::new() } else { format!(" by {}", by.join(", ")) };
        let got =
            if self.unsure.is_empty() { by(&self.by) } else { format!(" ({})", self.unsure.join("; ")) };
        if self.passes {
            return write!(formatter, "example `{}` passes: {}{got}", self.case, self.got);
        }
        write!(
            formatter,
            "example `{}` fails: expected {}{}, got {}{got}",
            self.case,
            self.expected,
            by(&self.expected_by),
            self.got
        )
    }
}

/// Runs the examples; one that gets another answer is a fault.
pub(crate) fn run(policy: &Policy, stop: &Stop<'_>, faults: &mut Faults) {
    for (row, tried) in try_all(policy, stop).iter().enumerate().filter(|(_, tried)| !tried.passes) {
        let column = if tried.got == tried.expected { "by" } else { "=> outcome" };
        faults.at_place(policy.places.nth_cell("Examples", row, column), tried.to_string());
        faults.help(tried.help());
    }
}

/// Ids of the rules that decided, then of the guards that hold, in the order of the document.
fn deciding(evaluation: &Evaluation) -> Vec<String> {
    let mut by: Vec<String> = Vec::new();
    for contribution in evaluation.contributions() {
        if !by.iter().any(|id| id == contribution.id) {
            by.push(contribution.id.to_owned());
        }
    }
    by
}
