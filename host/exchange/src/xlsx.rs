//! Workbooks: one workbook is one policy, one sheet a section, with the same columns.
//!
//! The sheet `Policy` holds title, settings and what stands behind `Rules:`; the sheet `Prose` holds
//! the lines between the tables where they are not the usual ones. A cell is text, or a number where
//! a number says exactly the same; a percent is a number that is shown as one.

mod cell;
mod format;
mod package;
mod sheet;
mod write;

pub use write::write;

use crate::book::{Book, Draft, POLICY, PROSE, PROSE_COLUMNS, Prose, SECTIONS, Section};
use crate::column::{Kind, Types};
use crate::{Misfit, Refused};
use cell::Reading;
use countersign_core::document::{Align, PlainTable, TABLE_ROWS_MAX};
use sheet::{RawCell, RawSheet, Value, column_name, place};
use std::collections::BTreeMap;

/// The row of the sheet `Policy` that holds the title.
const TITLE: &str = "title";
/// The row of the sheet `Policy` that holds what stands behind `Rules:`.
const RULES: &str = "rules";
/// The column of the answer; spreadsheets take the `=` for a formula when it is typed.
const OUTCOME: &str = "=> outcome";

/// How a workbook is to be read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Take the values of formulas instead of refusing them.
    pub values: bool,
}

/// A workbook that was read: the policy, and where each row stands.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The policy.
    pub book: Book,
    /// Row numbers of each sheet: of the header, then of the rows.
    rows: BTreeMap<String, Vec<u32>>,
}

impl Imported {
    /// Where a cell stands in the workbook; row 0 is the header.
    #[must_use]
    pub fn place(&self, table: &str, row: usize, column: usize) -> String {
        match self.rows.get(table).and_then(|rows| rows.get(row)) {
            Some(number) => place(table, *number, column),
            None => format!("sheet {table}"),
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

/// Reads a workbook.
///
/// # Errors
/// Every cell that cannot be carried over exactly, with sheet and cell.
pub fn read(bytes: &[u8], options: Options) -> Result<Imported, Refused> {
    let workbook = sheet::workbook(bytes)?;
    let reading = Reading { values: options.values, from_1904: workbook.from_1904 };
    let mut reader = Reader { reading, types: Types::default(), misfits: Vec::new(), rows: BTreeMap::new() };
    let mut book = Book::default();
    let known = |name: &str| name == POLICY || name == PROSE || SECTIONS.contains(&name);
    for sheet in workbook.sheets.iter().filter(|sheet| !known(&sheet.name) && !sheet.rows.is_empty()) {
        let names: Vec<&str> = [POLICY].into_iter().chain(SECTIONS).chain([PROSE]).collect();
        let message = "a sheet of this name is no part of a policy";
        let misfit = Misfit::at(format!("sheet {}", sheet.name), message);
        reader.misfits.push(misfit.try_instead(format!("delete it, or name it one of {}", names.join(", "))));
    }
    let find = |name: &str| workbook.sheets.iter().find(|sheet| sheet.name == name);
    match find(POLICY) {
        Some(sheet) => reader.policy(sheet, &mut book),
        None => reader.misfits.push(Misfit::at("", format!("the workbook has no sheet `{POLICY}`"))),
    }
    // The types of the inputs say what the other sheets hold.
    let inputs = find("Inputs").and_then(|sheet| reader.table(sheet));
    reader.types = Types::of_table(inputs.as_ref());
    for sheet in workbook.sheets.iter().filter(|sheet| SECTIONS.contains(&sheet.name.as_str())) {
        let table = if sheet.name == "Inputs" { inputs.clone() } else { reader.table(sheet) };
        if let Some(table) = table {
            book.sections.push(Section { name: sheet.name.clone(), table });
        }
    }
    if let Some(sheet) = find(PROSE) {
        reader.prose(sheet, &mut book);
    }
    let Reader { misfits, rows, .. } = reader;
    if misfits.is_empty() { Ok(Imported { book, rows }) } else { Err(Refused(misfits)) }
}

struct Reader {
    reading: Reading,
    types: Types,
    misfits: Vec<Misfit>,
    rows: BTreeMap<String, Vec<u32>>,
}

impl Reader {
    fn text(&mut self, sheet: &str, row: u32, cell: &RawCell, kind: &Kind) -> String {
        match cell::text(cell, kind, self.reading) {
            Ok(text) => text,
            Err((message, help)) => {
                self.misfits.push(Misfit { place: place(sheet, row, cell.column), message, help });
                String::new()
            }
        }
    }

    /// The header and the rows of a sheet; nothing if the sheet is empty.
    fn table(&mut self, sheet: &RawSheet) -> Option<PlainTable> {
        let name = sheet.name.as_str();
        let (first, rest) = sheet.rows.split_first()?;
        let width = match name {
            POLICY => 2,
            _ => first.cells.last().map_or(0, |cell| cell.column + 1),
        };
        let mut header = vec![String::new(); width];
        for cell in &first.cells {
            let text = self.text(name, first.number, cell, &Kind::Text);
            match header.get_mut(cell.column) {
                Some(slot) => *slot = if text == "outcome" { OUTCOME.to_owned() } else { text },
                None => self.outside(name, first.number, cell.column),
            }
        }
        if name != POLICY
            && let Some(column) = header.iter().position(String::is_empty)
        {
            let message = format!("column {} has no name", column_name(column));
            self.misfits.push(Misfit::at(place(name, first.number, column), message));
        }
        if rest.len() > TABLE_ROWS_MAX {
            let message = format!("{} rows, at most {TABLE_ROWS_MAX} are read", rest.len());
            self.misfits.push(Misfit::at(format!("sheet {name}"), message));
            return None;
        }
        let mut numbers = vec![first.number];
        let mut rows = Vec::with_capacity(rest.len());
        for raw in rest {
            let mut row = vec![String::new(); width];
            for cell in &raw.cells {
                let id = row.first().cloned().unwrap_or_default();
                let Some(column) = header.get(cell.column) else {
                    self.outside(name, raw.number, cell.column);
                    continue;
                };
                let kind = self.types.kind(name, column, &id);
                let text = self.text(name, raw.number, cell, &kind);
                if let Some(slot) = row.get_mut(cell.column) {
                    *slot = text;
                }
            }
            if row.iter().any(|text| !text.is_empty()) {
                rows.push(row);
                numbers.push(raw.number);
            }
        }
        self.rows.insert(name.to_owned(), numbers);
        Some(PlainTable { align: vec![Align::Free; header.len()], header, rows })
    }

    fn outside(&mut self, sheet: &str, row: u32, column: usize) {
        let misfit = Misfit::at(place(sheet, row, column), "the cell stands outside of the table");
        self.misfits.push(misfit.try_instead("delete it, or give its column a name in the header"));
    }

    /// The settings, with title and hit policy taken out.
    fn policy(&mut self, sheet: &RawSheet, book: &mut Book) {
        if sheet.rows.is_empty() {
            self.misfits.push(Misfit::at(format!("sheet {POLICY}"), "the sheet is empty"));
        }
        let Some(mut table) = self.table(sheet) else { return };
        let mut numbers = self.rows.remove(POLICY).unwrap_or_default();
        for (name, slot) in [(TITLE, &mut book.title), (RULES, &mut book.rules)] {
            let at = |row: &Vec<String>| row.first().is_some_and(|first| first == name);
            let Some(index) = table.rows.iter().position(at) else {
                self.misfits
                    .push(Misfit::at(format!("sheet {POLICY}"), format!("the row `{name}` is missing")));
                continue;
            };
            let row = table.rows.remove(index);
            numbers.remove(index + 1);
            *slot = row.into_iter().nth(1).unwrap_or_default();
        }
        self.rows.insert(POLICY.to_owned(), numbers);
        book.settings = table;
    }

    fn prose(&mut self, sheet: &RawSheet, book: &mut Book) {
        let Some((first, rest)) = sheet.rows.split_first() else { return };
        let names: Vec<String> =
            first.cells.iter().map(|cell| self.text(PROSE, first.number, cell, &Kind::Text)).collect();
        if names != PROSE_COLUMNS {
            let message =
                format!("the columns are `{}`, expected `{}`", names.join(", "), PROSE_COLUMNS.join(", "));
            self.misfits.push(Misfit::at(format!("sheet {PROSE}"), message));
            return;
        }
        for raw in rest {
            let mut prose = Prose { place: String::new(), line: 0, text: String::new() };
            for cell in &raw.cells {
                match cell.column {
                    0 => prose.place = self.text(PROSE, raw.number, cell, &Kind::Text),
                    1 => {
                        let text = self.text(PROSE, raw.number, cell, &Kind::Whole);
                        match text.parse() {
                            Ok(line) => prose.line = line,
                            Err(_) => self.misfits.push(Misfit::at(
                                place(PROSE, raw.number, 1),
                                format!("`{text}` is no number of a line"),
                            )),
                        }
                    }
                    // Blanks at the end of a line of prose mean a line break.
                    2 => {
                        let checked = self.text(PROSE, raw.number, cell, &Kind::Text);
                        prose.text = match &cell.value {
                            Value::Text(text) => text.clone(),
                            Value::Number(_) | Value::Truth(_) | Value::Day(_) | Value::Error(_) => checked,
                        };
                    }
                    column => self.outside(PROSE, raw.number, column),
                }
            }
            book.prose.push(prose);
        }
    }
}

#[cfg(test)]
mod tests;
