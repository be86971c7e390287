//! The Markdown that policies, intent types, routes and people are written in.
//!
//! A document is a `# Title` with one settings table and `## Section`s with one table each;
//! everything else is prose. What a reader sees rendered is exactly what is evaluated: whatever a
//! renderer would hide, move or show as a table that the host does not read is a [`Fault`].

mod advice;
mod read;
mod write;

pub(crate) use advice::{any_of, day, day_advice, did_you_mean, nearest};
pub use read::read;
pub(crate) use read::{is_invisible, is_lookalike};
pub use write::{Align, Block, Layout, PlainTable};

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Deref;

/// Longest document in bytes; beyond it nobody reviews a table by eye.
pub const DOCUMENT_BYTES_MAX: usize = 1024 * 1024;
/// Most rows of one table.
pub const TABLE_ROWS_MAX: usize = 5_000;
/// Most columns of one table.
pub const TABLE_COLUMNS_MAX: usize = 24;
/// Most words that one message lists: each cell of a large table can be wrong, and all messages would fill the memory.
const WORDS_LISTED_MAX: usize = 20;

/// One file as it was found, not yet read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// Path below the rulebook's folder, such as `policies/discount.policy.md`.
    pub path: String,
    /// Its whole text.
    pub text: String,
}

/// Where something stands in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// Line, from 1; 0 for the whole file.
    pub line: u32,
    /// Column in characters, from 1; 0 for the whole file.
    pub column: u32,
}

/// Where something stands is no part of what it says: with other blanks a document says the same. Whatever is in
/// here, two of them are equal.
#[derive(Debug, Clone, Copy, Default)]
pub struct Aside<T>(pub T);

impl<T> PartialEq for Aside<T> {
    fn eq(&self, _: &Aside<T>) -> bool {
        true
    }
}

impl<T> Eq for Aside<T> {}

impl<T> Deref for Aside<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// What is wrong inside one cell, and how many characters into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Characters before the place.
    pub at: usize,
    /// What is wrong.
    pub message: String,
    /// What to try, if that is known.
    pub help: Option<String>,
}

impl Wrong {
    /// At the beginning of the cell, with what to try.
    pub(crate) fn advised(message: impl Into<String>, help: impl Into<String>) -> Wrong {
        Wrong { at: 0, message: message.into(), help: Some(help.into()) }
    }

    /// The same `offset` characters further on, and of something that has a name.
    pub(crate) fn of(self, whose: &str, offset: usize) -> Wrong {
        Wrong { at: self.at.saturating_add(offset), message: format!("{whose}: {}", self.message), ..self }
    }
}

impl From<String> for Wrong {
    fn from(message: String) -> Wrong {
        Wrong { at: 0, message, help: None }
    }
}

/// Something in a document that keeps the whole set from being used, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fault {
    /// Path of the file.
    pub file: String,
    /// Line, from 1; 0 where the fault is about the whole file.
    pub line: u32,
    /// Column in characters, from 1; 0 where the fault is about the whole file.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What to try, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.file)?;
        if self.line > 0 {
            write!(formatter, ":{}", self.line)?;
        }
        if self.column > 0 {
            write!(formatter, ":{}", self.column)?;
        }
        write!(formatter, ": {}", self.message)
    }
}

/// Words that are known, for a message: the first of them, and how many more there are.
#[must_use]
pub fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut words = words.into_iter();
    let first: Vec<&str> = words.by_ref().take(WORDS_LISTED_MAX).collect();
    match words.count() {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// Faults of one file while it is read: all are collected, so that one run shows them all.
#[derive(Debug)]
pub struct Faults {
    file: String,
    list: Vec<Fault>,
}

impl Faults {
    /// No fault yet in the file at `path`.
    #[must_use]
    pub fn new(path: &str) -> Faults {
        Faults { file: path.to_owned(), list: Vec::new() }
    }

    /// Notes a fault at the beginning of a cell.
    pub fn at(&mut self, cell: &Cell, message: impl Into<String>) {
        self.push(cell.line, cell.column, message.into(), None);
    }

    /// Notes a fault at a place.
    pub fn at_place(&mut self, place: Place, message: impl Into<String>) {
        self.push(place.line, place.column, message.into(), None);
    }

    /// Notes what is wrong inside a cell.
    pub fn inside(&mut self, cell: &Cell, wrong: Wrong) {
        let offset = u32::try_from(wrong.at).unwrap_or(0);
        self.push(cell.line, cell.column.saturating_add(offset), wrong.message, wrong.help);
    }

    /// Notes a fault of a whole line, or of the whole file if it is line 0.
    pub fn on_line(&mut self, line: u32, message: impl Into<String>) {
        self.push(line, line.min(1), message.into(), None);
    }

    /// Notes a fault with every part of its place.
    pub fn push(&mut self, line: u32, column: u32, message: String, help: Option<String>) {
        self.list.push(Fault { file: self.file.clone(), line, column, message, help });
    }

    /// Adds a hint to the fault that was noted last.
    pub fn help(&mut self, help: impl Into<String>) {
        if let Some(last) = self.list.last_mut() {
            last.help = Some(help.into());
        }
    }

    /// Whether nothing was noted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many were noted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// All that was noted.
    #[must_use]
    pub fn into_list(self) -> Vec<Fault> {
        self.list
    }
}

/// The text of one cell and where it begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    /// The text without surrounding blanks; `\|` has become `|`.
    pub text: String,
    /// Line, from 1.
    pub line: u32,
    /// Column of the first character, from 1.
    pub column: u32,
}

impl Cell {
    /// Where it begins.
    #[must_use]
    pub fn place(&self) -> Place {
        Place { line: self.line, column: self.column }
    }
}

/// One line of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Line, from 1.
    pub line: u32,
    /// As many cells as the header has.
    pub cells: Vec<Cell>,
}

impl Row {
    /// Where its first cell begins.
    #[must_use]
    pub fn place(&self) -> Place {
        self.cells.first().map_or(Place { line: self.line, column: 1 }, Cell::place)
    }
}

/// A header and its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The header row.
    pub header: Row,
    /// The rows behind the delimiter.
    pub rows: Vec<Row>,
}

impl Table {
    /// The rows, if the header has exactly these names in this order; else a fault and no row.
    pub fn rows_of<const N: usize>(&self, names: [&str; N], faults: &mut Faults) -> Vec<&[Cell; N]> {
        let rows = self.rows_with(&names, faults).into_iter();
        rows.filter_map(|row| <&[Cell; N]>::try_from(row).ok()).collect()
    }

    /// The same of as many columns as there are names.
    pub fn rows_with(&self, names: &[&str], faults: &mut Faults) -> Vec<&[Cell]> {
        let found: Vec<&str> = self.header.cells.iter().map(|cell| cell.text.as_str()).collect();
        if found != names {
            let differs = self.header.cells.iter().zip(names).find(|(cell, name)| cell.text != **name);
            faults.at_place(
                differs.map_or(self.header.place(), |(cell, _)| cell.place()),
                format!("the columns are `{}`, expected `{}`", found.join(", "), names.join(", ")),
            );
            faults.help(format!("write the header as `| {} |`", names.join(" | ")));
            return Vec::new();
        }
        self.rows.iter().map(|row| row.cells.as_slice()).collect()
    }
}

/// A `## Heading` and the table under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The heading up to a colon, such as `Rules`.
    pub name: String,
    /// What stands behind the colon, such as `first, for each clause`; empty if there is none.
    pub detail: Cell,
    /// The one table; `None` if the section is only prose.
    pub table: Option<Table>,
}

/// A document whose shape is right. What its cells say is not looked at yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Path of its file.
    pub path: String,
    /// The text of the `# Title`.
    pub title: String,
    /// The table under the title; two columns.
    pub settings: Table,
    /// The sections in their order; each name at most once.
    pub sections: Vec<Section>,
}

impl Document {
    /// The section called `name`.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// The table of the section called `name`.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.section(name).and_then(|section| section.table.as_ref())
    }

    /// The settings by name. A name that is not in `known` or stands there twice is a fault.
    pub fn settings<'a>(&'a self, known: &[&str], faults: &mut Faults) -> Vec<(&'a str, &'a Cell)> {
        let mut found: Vec<(&str, &Cell)> = Vec::new();
        for row in &self.settings.rows {
            let [name, value] = row.cells.as_slice() else { continue };
            if !known.contains(&name.text.as_str()) {
                faults.at(name, format!("unknown setting `{}`", name.text));
                faults.help(did_you_mean(&name.text, known.iter().copied(), "the settings are"));
            } else if found.iter().any(|(other, _)| *other == name.text) {
                faults.at(name, format!("setting `{}` stands here twice", name.text));
                faults.help("remove one of the two rows");
            } else {
                found.push((&name.text, value));
            }
        }
        found
    }
}

/// The value of a setting; a fault if it is not there, unless a misspelt name may be meant for it: that is said
/// already.
pub fn required<'a>(
    settings: &[(&str, &'a Cell)],
    name: &str,
    document: &Document,
    faults: &mut Faults,
) -> Option<&'a Cell> {
    let found = settings.iter().find(|(other, _)| *other == name).map(|(_, cell)| *cell);
    let rows = document.settings.rows.iter().filter_map(|row| row.cells.first());
    let mut unknown = rows.filter(|cell| !settings.iter().any(|(other, _)| *other == cell.text));
    if found.is_none() && !unknown.any(|cell| nearest(&cell.text, [name]).is_some()) {
        faults.at_place(document.settings.header.place(), format!("the settings lack `{name}`"));
        faults.help(format!("add a row `| {name} | .. |` with its value to this table"));
    }
    found
}

#[cfg(test)]
mod tests;
