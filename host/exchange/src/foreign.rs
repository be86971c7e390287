//! Decision tables of other engines into a policy: what they do not say stands in a side table.
//!
//! A foreign table has conditions and answers, but neither types with units and bounds, nor ids, nor
//! reasons, nor routes. What the policy does not know already is asked for in a file that the reader
//! fills in; it is never guessed.

use crate::book::{Book, Draft};
use crate::column::Types;
use crate::csv::with_table;
use crate::feel::{self, Share};
use crate::{Misfit, Refused};
use countersign_core::document::{Align, PlainTable};
use countersign_core::intent::kind::{FieldType, Unit};
use countersign_core::intent::literal::{is_word, parse_type};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What a foreign table does not say. Read from TOML.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Side {
    /// Which decision of the file is meant, where it has several.
    pub decision: String,
    /// By the expression of the foreign column.
    pub inputs: BTreeMap<String, SideInput>,
    /// Outcomes by the foreign answer.
    pub outcomes: BTreeMap<String, String>,
    /// By the number of the foreign row, from 1.
    pub rows: BTreeMap<String, SideRow>,
}

/// What a foreign column is about.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SideInput {
    /// The input of the policy.
    pub name: String,
    /// Its type, such as `money USD 0 .. 1_000`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Of a percent: `fraction` (0.15 is 15 %) or `hundred` (15 is 15 %).
    pub number: String,
    /// Words of the policy by the foreign texts, where they differ.
    pub words: BTreeMap<String, String>,
}

/// What a foreign row is called, and why it stands there.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SideRow {
    /// Its id.
    pub id: String,
    /// Why it decides so.
    pub because: String,
}

impl Side {
    /// Reads a side table.
    ///
    /// # Errors
    /// What is no such table, with its place.
    pub fn read(text: &str) -> Result<Side, Refused> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        toml::from_str(text).map_err(|fault| Misfit::at("side table", fault.to_string()).into())
    }
}

/// A foreign table as it was found.
#[derive(Debug)]
pub(crate) struct Foreign {
    pub(crate) hit: &'static str,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Row>,
}

#[derive(Debug)]
pub(crate) struct Column {
    /// What the column is about, in the foreign words.
    pub(crate) expression: String,
    /// What the foreign table says of its type.
    pub(crate) hint: String,
}

/// A foreign text and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) text: String,
    pub(crate) place: String,
}

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) cells: Vec<Placed>,
    /// The answer, as a text without quotes.
    pub(crate) answer: Placed,
    /// Empty if it has none that could be one.
    pub(crate) id: String,
    pub(crate) because: String,
    pub(crate) place: String,
}

/// A foreign table that was read into its policy.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The policy with the new rules.
    pub book: Book,
    /// Places of the rows.
    places: Vec<String>,
}

impl Imported {
    /// Where a cell stands in the file; row 0 is the header.
    #[must_use]
    pub fn place(&self, table: &str, row: usize, _column: usize) -> String {
        match row.checked_sub(1).and_then(|row| self.places.get(row)) {
            Some(place) if table == "Rules" => place.clone(),
            Some(_) | None => format!("table {table} of the policy"),
        }
    }

    /// The document.
    ///
    /// # Errors
    /// Texts that a document cannot hold, with their cells.
    pub fn draft(&self) -> Result<Draft, Refused> {
        self.book.draft(&|table, row, column| self.place(table, row, column))
    }
}

/// What is known of a column.
struct Known {
    name: String,
    text: String,
    kind: FieldType,
    share: Share,
    words: BTreeMap<String, String>,
}

impl Foreign {
    /// Puts the table in the place of the policy's rules.
    pub(crate) fn into_policy(self, policy: &Book, side: &Side) -> Result<Imported, Refused> {
        let mut missing = Missing::default();
        let types = Types::of(policy);
        let written = |name: &str| -> String {
            let rows = policy.table("Inputs").map_or(&[] as &[Vec<String>], |table| &table.rows);
            let row = rows.iter().find(|row| row.first().is_some_and(|first| first == name));
            row.and_then(|row| row.get(1)).cloned().unwrap_or_default()
        };
        let mut columns = Vec::new();
        for column in &self.columns {
            columns.push(known(column, side, &types, &written, &mut missing)?);
        }
        let routes = policy.table("Routes").map_or(&[] as &[Vec<String>], |table| &table.rows);
        let is_route = |text: &str| routes.iter().any(|row| row.first().is_some_and(|first| first == text));
        let mut rows = Vec::new();
        for (number, row) in (1..).zip(&self.rows) {
            let own = side.rows.get(&format!("{number}")).cloned().unwrap_or_default();
            let first = |said: String, found: &str| if said.is_empty() { found.to_owned() } else { said };
            let (id, because) = (first(own.id, &row.id), first(own.because, &row.because));
            if id.is_empty() || because.is_empty() {
                missing.rows.push((number, id.clone(), because.clone()));
            }
            let answer = &row.answer.text;
            let outcome = match side.outcomes.get(answer).filter(|outcome| !outcome.is_empty()) {
                Some(outcome) => outcome.clone(),
                None if matches!(answer.as_str(), "approve" | "deny") || is_route(answer) => answer.clone(),
                None => {
                    missing.outcomes.entry(answer.clone()).or_default();
                    String::new()
                }
            };
            rows.push((id, outcome, because));
        }
        missing.told()?;
        let columns: Vec<Known> = columns.into_iter().flatten().collect();
        let table = self.rules(&columns, &rows)?;
        let mut book = with_inputs(policy, &columns);
        book = with_table(&book, "Rules", table);
        self.hit.clone_into(&mut book.rules);
        book.prose.retain(|prose| prose.place != "heading Rules" && prose.place != "columns Rules");
        let places = self.rows.into_iter().map(|row| row.place).collect();
        Ok(Imported { book, places })
    }

    fn rules(&self, columns: &[Known], rows: &[(String, String, String)]) -> Result<PlainTable, Refused> {
        let mut header = vec!["id".to_owned()];
        header.extend(columns.iter().map(|column| column.name.clone()));
        header.extend(["=> outcome".to_owned(), "because".to_owned()]);
        let mut table = PlainTable { align: vec![Align::Free; header.len()], header, rows: Vec::new() };
        let mut misfits = Vec::new();
        for (row, (id, outcome, because)) in self.rows.iter().zip(rows) {
            let mut cells = vec![id.clone()];
            for (cell, column) in row.cells.iter().zip(columns) {
                let word = |text: &str| column.words.get(text).map_or(text, String::as_str).to_owned();
                let found = feel::test(&cell.text)
                    .and_then(|test| feel::to_cell(&test, &column.kind, column.share, &word));
                match found {
                    Ok(text) => cells.push(text),
                    Err(message) => misfits.push(Misfit::at(cell.place.clone(), message)),
                }
            }
            cells.extend([outcome.clone(), because.clone()]);
            table.rows.push(cells);
        }
        if misfits.is_empty() { Ok(table) } else { Err(Refused(misfits)) }
    }
}

/// What the side table and the policy know of a column.
fn known(
    column: &Column,
    side: &Side,
    types: &Types,
    written: &dyn Fn(&str) -> String,
    missing: &mut Missing,
) -> Result<Option<Known>, Refused> {
    let said = side.inputs.get(&column.expression).cloned().unwrap_or_default();
    let name = if said.name.is_empty() { column.expression.clone() } else { said.name.clone() };
    let text = if said.kind.is_empty() { written(&name) } else { said.kind.clone() };
    let kind = if said.kind.is_empty() {
        types.get(&name).cloned()
    } else {
        let place = format!("side table, inputs.\"{}\"", column.expression);
        Some(parse_type(&said.kind).map_err(|message| Misfit::at(place, message))?)
    };
    let is_percent = matches!(&kind, Some(FieldType::Number(grid)) if grid.unit == Unit::Percent);
    let share = match said.number.as_str() {
        "hundred" => Some(Share::Hundred),
        "fraction" => Some(Share::Fraction),
        _ if is_percent => None,
        _ => Some(Share::Fraction),
    };
    let (Some(kind), Some(share)) = (kind, share) else {
        let name = if said.name.is_empty() && types.get(&name).is_none() { String::new() } else { name };
        missing.inputs.push((column.expression.clone(), name, text, column.hint.clone()));
        return Ok(None);
    };
    Ok(Some(Known { name, text, kind, share, words: said.words }))
}

/// The policy with the types of the columns among its inputs.
fn with_inputs(policy: &Book, columns: &[Known]) -> Book {
    let mut table = policy.table("Inputs").cloned().unwrap_or_else(|| PlainTable {
        header: vec!["name".to_owned(), "type".to_owned()],
        ..PlainTable::default()
    });
    for column in columns {
        let row = vec![column.name.clone(), column.text.clone()];
        match table.rows.iter_mut().find(|row| row.first() == Some(&column.name)) {
            Some(own) => *own = row,
            None => table.rows.push(row),
        }
    }
    with_table(policy, "Inputs", table)
}

/// What neither the policy nor the side table says.
#[derive(Default)]
struct Missing {
    /// Expression, name, type, hint.
    inputs: Vec<(String, String, String, String)>,
    outcomes: BTreeMap<String, ()>,
    /// Number, id, reason.
    rows: Vec<(u32, String, String)>,
}

impl Missing {
    /// Refuses with the side table to fill in, if something is missing.
    fn told(&self) -> Result<(), Refused> {
        if self.inputs.is_empty() && self.outcomes.is_empty() && self.rows.is_empty() {
            return Ok(());
        }
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let mut text = String::new();
        for (expression, name, kind, hint) in &self.inputs {
            let hint = if hint.is_empty() { String::new() } else { format!("  # the table says {hint}") };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "[inputs.{}]", quoted(expression));
            let _ = writeln!(text, "name = {}", quoted(name));
            let _ = writeln!(text, "type = {}{hint}", quoted(kind));
            let _ = writeln!(
                text,
                "number = \"\"  # of a percent: \"fraction\" (0.15 is 15%) or \"hundred\" (15 is 15%)\n"
            );
        }
        if !self.outcomes.is_empty() {
            let _ = writeln!(text, "[outcomes]  # approve, deny, or routes such as \"vp + finance\"");
            for answer in self.outcomes.keys() {
                let _ = writeln!(text, "{} = \"\"", quoted(answer));
            }
            text.push('\n');
        }
        if !self.rows.is_empty() {
            let _ = writeln!(text, "[rows]");
            for (number, id, because) in &self.rows {
                let _ = writeln!(text, "{number} = {{ id = {}, because = {} }}", quoted(id), quoted(because));
            }
        }
        let message = "types, outcomes, ids or reasons are missing: fill this in, beside what you have, and name \
                       the file with `--side FILE`";
        Err(Misfit::at("", format!("{message}\n\n{text}")).into())
    }
}

/// The id of a foreign row, if it can be one of a policy.
pub(crate) fn id_of(text: Option<&str>) -> String {
    text.filter(|text| is_word(text)).unwrap_or_default().to_owned()
}
