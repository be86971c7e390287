//! What a document says otherwise than another one, row by row and cell by cell: how wide its columns are says nothing,
//! and everything else is told.

use crate::document::{Block, Layout, PlainTable};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The table under the title.
const SETTINGS: &str = "settings";
/// What stands in no table.
const WORDS: &str = "words";
/// What is said of rows or lines that only stand elsewhere.
const ORDER: &str = "order";
/// What is said of a table whose header is another one.
const COLUMNS: &str = "columns";

/// One thing that a text says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Difference {
    /// The section it stands in: a heading, `settings` for the table under the title, `words` for what stands in no
    /// table.
    pub section: String,
    /// The first cell of its row, and the second where another row begins with the same; empty for what is about no
    /// row.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub row: String,
    /// The column; `order` or `columns` for what is about the whole table; empty for a whole row or line.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub column: String,
    /// What it says in force; `None` for what is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// What it says then; `None` for what is taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
}

impl Difference {
    /// How many bytes it says.
    pub(super) fn bytes(&self) -> usize {
        let optional = [&self.was, &self.now].into_iter().flatten();
        [&self.section, &self.row, &self.column].into_iter().chain(optional).map(String::len).sum()
    }

    /// What it is about, in words.
    #[must_use]
    pub fn place(&self) -> String {
        let row = (!self.row.is_empty()).then(|| format!("`{}`", self.row));
        let column = (!self.column.is_empty()).then(|| self.column.clone());
        let parts: Vec<String> = std::iter::once(self.section.clone()).chain(row).chain(column).collect();
        parts.join(", ")
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place();
        let said = |text: &str| if text.is_empty() { "nothing".to_owned() } else { format!("`{text}`") };
        match (&self.was, &self.now) {
            (Some(was), Some(now)) => write!(formatter, "{place}: was {}, now {}", said(was), said(now)),
            (None, Some(now)) => write!(formatter, "{place}: new: {now}"),
            (Some(was), None) => write!(formatter, "{place}: taken away: {was}"),
            (None, None) => formatter.write_str(&place),
        }
    }
}

/// Everything that `after` says otherwise than `before`, in the order of the sections of both; all of `after` is new where
/// there is nothing before it.
#[must_use]
pub fn compare(before: Option<&Layout>, after: &Layout) -> Vec<Difference> {
    let (old, new) = (before.map(Parts::of).unwrap_or_default(), Parts::of(after));
    let mut found = Vec::new();
    let added = new.tables.iter().filter(|(name, _)| old.table(name).is_none());
    let names = old.tables.iter().chain(added).map(|(name, _)| *name);
    for name in names {
        tables(name, old.table(name), new.table(name), &mut found);
    }
    words(&old.lines, &new.lines, &mut found);
    found
}

/// A document as tables by section, and the lines between them.
#[derive(Default)]
struct Parts<'a> {
    tables: Vec<(&'a str, &'a PlainTable)>,
    lines: Vec<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(layout: &'a Layout) -> Parts<'a> {
        let mut parts = Parts::default();
        let mut section = SETTINGS;
        for block in &layout.blocks {
            match block {
                Block::Table(table) => parts.tables.push((section, table)),
                Block::Lines(lines) => {
                    let lines = lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty());
                    for line in lines {
                        if let Some(heading) = line.strip_prefix("## ") {
                            section = heading.split(':').next().unwrap_or(heading).trim();
                        }
                        parts.lines.push(line);
                    }
                }
            }
        }
        parts
    }

    fn table(&self, name: &str) -> Option<&'a PlainTable> {
        self.tables.iter().find(|(other, _)| *other == name).map(|(_, table)| *table)
    }
}

fn tables(section: &str, old: Option<&PlainTable>, new: Option<&PlainTable>, found: &mut Vec<Difference>) {
    let none = PlainTable::default();
    let (old, new) = (old.unwrap_or(&none), new.unwrap_or(&none));
    let difference = |row: String, column: &str, was: Option<String>, now: Option<String>| Difference {
        section: section.to_owned(),
        row,
        column: column.to_owned(),
        was,
        now,
    };
    let both = !old.header.is_empty() && !new.header.is_empty();
    // The cells of other columns cannot be set beside each other.
    let alike = both && old.header == new.header;
    if both && !alike {
        let (was, now) = (old.header.join(", "), new.header.join(", "));
        found.push(difference(String::new(), COLUMNS, Some(was), Some(now)));
    }
    let pairs = if alike { Pairs::of(&old.rows, &new.rows) } else { Pairs::default() };
    let (old_names, new_names) = (names(old), names(new));
    let name = |names: &[String], index: usize| names.get(index).cloned().unwrap_or_default();
    for (index, row) in old.rows.iter().enumerate() {
        match pairs.by_old.get(&index).and_then(|other| new.rows.get(*other)) {
            None => found.push(difference(name(&old_names, index), "", Some(spelt(&old.header, row)), None)),
            Some(other) => {
                let cells = old.header.iter().zip(row.iter().zip(other));
                for (column, (was, now)) in cells.filter(|(_, (was, now))| was != now) {
                    let (was, now) = (Some(was.clone()), Some(now.clone()));
                    found.push(difference(name(&old_names, index), column, was, now));
                }
            }
        }
    }
    for (index, row) in new.rows.iter().enumerate().filter(|(index, _)| !pairs.new.contains(index)) {
        found.push(difference(name(&new_names, index), "", None, Some(spelt(&new.header, row))));
    }
    let order: Vec<usize> = pairs.by_old.values().copied().collect();
    if !order.is_sorted() {
        let mut then = order.clone();
        then.sort_unstable();
        let list = |order: &[usize]| order.iter().map(|index| name(&new_names, *index)).collect::<Vec<_>>();
        let (was, now) = (list(&order).join("; "), list(&then).join("; "));
        found.push(difference(String::new(), ORDER, Some(was), Some(now)));
    }
}

/// What each row is called: by its first cell, and by as many more as tell it from the others.
fn names(table: &PlainTable) -> Vec<String> {
    let mut firsts: BTreeMap<&str, usize> = BTreeMap::new();
    for first in table.rows.iter().filter_map(|row| row.first()) {
        let count = firsts.entry(first).or_default();
        *count = count.saturating_add(1);
    }
    let named = |row: &Vec<String>| match row.as_slice() {
        [first, second, ..]
            if first.is_empty() || firsts.get(first.as_str()).is_some_and(|count| 1 < *count) =>
        {
            format!("{first}, {second}")
        }
        [first, ..] => first.clone(),
        [] => String::new(),
    };
    table.rows.iter().map(named).collect()
}

/// A whole row: each cell that says something, with its column.
fn spelt(header: &[String], row: &[String]) -> String {
    let cells = header.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
    cells.map(|(column, cell)| format!("{column}: {cell}")).collect::<Vec<_>>().join("; ")
}

/// Which row of one table has become which one of the other.
#[derive(Default)]
struct Pairs {
    by_old: BTreeMap<usize, usize>,
    new: BTreeSet<usize>,
}

impl Pairs {
    /// Rows that say the same are a pair first; of the others, those that begin with the same cell, the likest ones.
    fn of(old: &[Vec<String>], new: &[Vec<String>]) -> Pairs {
        let mut pairs = Pairs::default();
        let mut same: BTreeMap<&[String], Vec<usize>> = BTreeMap::new();
        for (index, row) in new.iter().enumerate().rev() {
            same.entry(row).or_default().push(index);
        }
        for (index, row) in old.iter().enumerate() {
            if let Some(other) = same.get_mut(row.as_slice()).and_then(Vec::pop) {
                pairs.join(index, other);
            }
        }
        let mut begins: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, row) in new.iter().enumerate().filter(|(index, _)| !pairs.new.contains(index)) {
            begins.entry(row.first().map_or("", String::as_str)).or_default().push(index);
        }
        for (index, row) in old.iter().enumerate() {
            let open = row.first().filter(|_| !pairs.by_old.contains_key(&index));
            let Some(others) = open.and_then(|first| begins.get_mut(first.as_str())) else { continue };
            let alike = |other: usize| {
                let cells = new.get(other).into_iter().flatten().zip(row);
                cells.filter(|(now, was)| now == was).count()
            };
            // The first of the likest ones.
            let best = (0..others.len()).rev().max_by_key(|at| others.get(*at).map(|other| alike(*other)));
            if let Some(best) = best {
                let other = others.remove(best);
                pairs.join(index, other);
            }
        }
        pairs
    }

    fn join(&mut self, old: usize, new: usize) {
        self.by_old.insert(old, new);
        self.new.insert(new);
    }
}

/// The lines of one text that the other does not have, and that they stand in another order.
fn words(old: &[&str], new: &[&str], found: &mut Vec<Difference>) {
    let difference = |column: &str, was: Option<String>, now: Option<String>| Difference {
        section: WORDS.to_owned(),
        row: String::new(),
        column: column.to_owned(),
        was,
        now,
    };
    let (gone, come) = (lacking(old, new), lacking(new, old));
    if gone.is_empty() && come.is_empty() && old != new {
        found.push(difference(ORDER, Some(old.join("; ")), Some(new.join("; "))));
    }
    found.extend(gone.into_iter().map(|line| difference("", Some(line.to_owned()), None)));
    found.extend(come.into_iter().map(|line| difference("", None, Some(line.to_owned()))));
}

/// The lines of `some` that `others` does not have, as often as it lacks them.
fn lacking<'a>(some: &[&'a str], others: &[&str]) -> Vec<&'a str> {
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for line in others {
        let count = left.entry(line).or_default();
        *count = count.saturating_add(1);
    }
    let lacks = |line: &&&str| match left.get_mut(**line) {
        Some(count) if 0 < *count => {
            *count = count.saturating_sub(1);
            false
        }
        Some(_) | None => true,
    };
    some.iter().filter(lacks).copied().collect()
}
