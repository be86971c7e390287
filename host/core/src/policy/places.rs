//! Where things stand in the file of a policy, down to the cell.

use crate::document::{Document, Place, Row};
use std::collections::BTreeMap;

/// The places of settings, tables and cells. What is not there stands where the table does that it would stand in,
/// and without a table it is about the whole file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Places {
    settings: BTreeMap<String, Place>,
    tables: BTreeMap<String, Table>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Table {
    header: Line,
    names: Vec<String>,
    rows: Vec<Line>,
    /// The rows that begin with a word; those of a route do so several times.
    rows_of: BTreeMap<String, Vec<usize>>,
}

/// A row without its text: where each of its cells begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Line {
    line: u32,
    columns: Vec<u32>,
}

impl Line {
    fn of(row: &Row) -> Line {
        Line { line: row.line, columns: row.cells.iter().map(|cell| cell.column).collect() }
    }

    fn cell(&self, index: usize) -> Option<Place> {
        Some(Place { line: self.line, column: *self.columns.get(index)? })
    }
}

impl Table {
    fn index(&self, column: &str) -> Option<usize> {
        self.names.iter().position(|name| name == column)
    }

    fn line(&self, id: &str, nth: usize) -> Option<&Line> {
        let rows = self.rows_of.get(id)?;
        self.rows.get(*rows.get(nth).or(rows.first())?)
    }
}

impl Places {
    /// The places of a document.
    pub(crate) fn of(document: &Document) -> Places {
        let setting = |row: &Row| match row.cells.as_slice() {
            [name, value, ..] => Some((name.text.clone(), value.place())),
            [_] | [] => None,
        };
        let mut places = Places {
            settings: document.settings.rows.iter().filter_map(setting).collect(),
            tables: BTreeMap::new(),
        };
        for section in &document.sections {
            let Some(table) = &section.table else { continue };
            let mut rows_of: BTreeMap<String, Vec<usize>> = BTreeMap::new();
            for (index, row) in table.rows.iter().enumerate() {
                let first = row.cells.first().map(|cell| cell.text.clone()).unwrap_or_default();
                rows_of.entry(first).or_default().push(index);
            }
            let own = Table {
                header: Line::of(&table.header),
                names: table.header.cells.iter().map(|cell| cell.text.clone()).collect(),
                rows: table.rows.iter().map(Line::of).collect(),
                rows_of,
            };
            places.tables.insert(section.name.clone(), own);
        }
        places
    }

    /// The value of a setting.
    #[must_use]
    pub fn setting(&self, name: &str) -> Place {
        self.settings.get(name).copied().unwrap_or_default()
    }

    /// The header of a table.
    #[must_use]
    pub fn table(&self, section: &str) -> Place {
        self.tables.get(section).and_then(|table| table.header.cell(0)).unwrap_or_default()
    }

    /// The name of a column.
    #[must_use]
    pub fn column(&self, section: &str, name: &str) -> Place {
        let found = self.tables.get(section).and_then(|table| table.header.cell(table.index(name)?));
        found.unwrap_or_else(|| self.table(section))
    }

    /// The first row that begins with `id`.
    #[must_use]
    pub fn row(&self, section: &str, id: &str) -> Place {
        let found = self.tables.get(section).and_then(|table| table.line(id, 0)?.cell(0));
        found.unwrap_or_else(|| self.table(section))
    }

    /// A cell of the first row that begins with `id`.
    #[must_use]
    pub fn cell(&self, section: &str, id: &str, column: &str) -> Place {
        self.cell_of(section, (id, 0), column)
    }

    /// A cell of one of the rows that begin with `id`, counted from 0.
    #[must_use]
    pub fn cell_of(&self, section: &str, (id, nth): (&str, usize), column: &str) -> Place {
        let found =
            self.tables.get(section).and_then(|table| table.line(id, nth)?.cell(table.index(column)?));
        found.unwrap_or_else(|| self.row(section, id))
    }

    /// A row by its number, from 0.
    #[must_use]
    pub fn nth(&self, section: &str, row: usize) -> Place {
        let found = self.tables.get(section).and_then(|table| table.rows.get(row)?.cell(0));
        found.unwrap_or_else(|| self.table(section))
    }

    /// A cell of a row by its number, from 0.
    #[must_use]
    pub fn nth_cell(&self, section: &str, row: usize, column: &str) -> Place {
        let found =
            self.tables.get(section).and_then(|table| table.rows.get(row)?.cell(table.index(column)?));
        found.unwrap_or_else(|| self.nth(section, row))
    }

    /// Whether a table has a row that begins with `id`.
    #[must_use]
    pub fn has(&self, section: &str, id: &str) -> bool {
        self.tables.get(section).is_some_and(|table| table.rows_of.contains_key(id))
    }

    /// The names of the columns of a table, in their order.
    pub(crate) fn columns(&self, section: &str) -> &[String] {
        self.tables.get(section).map_or(&[], |table| &table.names)
    }
}
