//! What an import would change, row by row: rows are told apart by their ids.

use crate::book::{Book, POLICY};
use countersign_core::document::PlainTable;
use countersign_core::exchange::{Change, Changes, RowChange};
use std::collections::BTreeMap;

/// From `old` (nothing if there is none) to `new`.
#[must_use]
pub fn between(old: Option<&Book>, new: &Book) -> Changes {
    let empty = Book::default();
    let old = old.unwrap_or(&empty);
    let mut changes = Changes::default();
    if old.title != new.title {
        changes.others.push(format!("title: `{}` -> `{}`", old.title, new.title));
    }
    if old.rules != new.rules {
        changes.others.push(format!("rules: `{}` -> `{}`", old.rules, new.rules));
    }
    let none = PlainTable::default();
    table(&mut changes, POLICY, &old.settings, &new.settings);
    for section in &new.sections {
        table(&mut changes, &section.name, old.table(&section.name).unwrap_or(&none), &section.table);
    }
    for section in old.sections.iter().filter(|section| new.table(&section.name).is_none()) {
        table(&mut changes, &section.name, &section.table, &none);
    }
    if old.prose != new.prose {
        changes.others.push("the prose between the tables".to_owned());
    }
    changes
}

fn table(changes: &mut Changes, name: &str, old: &PlainTable, new: &PlainTable) {
    if old.header != new.header {
        let listed = |header: &[String]| header.join(", ");
        let (from, to) = (listed(&old.header), listed(&new.header));
        changes.others.push(format!("columns of {name}: `{from}` -> `{to}`"));
    }
    let (before, after) = (keyed(name, old), keyed(name, new));
    let find = |rows: &[(String, usize)], id: &str| {
        rows.iter().find(|(other, _)| other == id).map(|(_, index)| *index)
    };
    let mut push = |id: &str, change| {
        changes.rows.push(RowChange { table: name.to_owned(), id: id.to_owned(), change });
    };
    let stay: Vec<&str> =
        before.iter().map(|(id, _)| id.as_str()).filter(|id| find(&after, id).is_some()).collect();
    let mut order = stay.iter();
    for (id, index) in &after {
        let row = new.rows.get(*index).cloned().unwrap_or_default();
        let Some(was) = find(&before, id).and_then(|index| old.rows.get(index)) else {
            push(id, Change::Added { cells: row });
            continue;
        };
        let cells = differing(&old.header, was, &new.header, &row);
        if !cells.is_empty() {
            push(id, Change::Changed { cells });
        }
        if order.next() != Some(&id.as_str()) {
            push(id, Change::Moved);
        }
    }
    for (id, index) in before.iter().filter(|(id, _)| find(&after, id).is_none()) {
        push(id, Change::Removed { cells: old.rows.get(*index).cloned().unwrap_or_default() });
    }
}

/// The ids of a table's rows: the first cell, of routes the step as well; where one stands twice,
/// the later ones bear a number.
fn keyed(name: &str, table: &PlainTable) -> Vec<(String, usize)> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut keys = Vec::new();
    for (index, row) in table.rows.iter().enumerate() {
        let first = row.first().map_or("", String::as_str);
        let id = match (name, row.get(1)) {
            ("Routes", Some(step)) => format!("{first} {step}"),
            _ => first.to_owned(),
        };
        let times = seen.entry(id.clone()).or_default();
        *times += 1;
        keys.push((if *times > 1 { format!("{id} ({times})") } else { id }, index));
    }
    keys
}

/// The cells of a row that differ, by column; a column that one side lacks is empty there.
fn differing(
    old_header: &[String],
    old: &[String],
    new_header: &[String],
    new: &[String],
) -> Vec<(String, String, String)> {
    let cell = |header: &[String], row: &[String], column: &str| {
        let index = header.iter().position(|name| name == column);
        index.and_then(|index| row.get(index)).cloned().unwrap_or_default()
    };
    let mut columns: Vec<&String> = old_header.iter().collect();
    columns.extend(new_header.iter().filter(|name| !old_header.contains(name)));
    let pair =
        |column: &String| (column.clone(), cell(old_header, old, column), cell(new_header, new, column));
    columns.into_iter().map(pair).filter(|(_, was, is)| was != is).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::Section;

    fn book(rows: &[&[&str]]) -> Book {
        let words = |row: &[&str]| row.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
        let table = PlainTable {
            header: words(&["id", "amount", "because"]),
            align: Vec::new(),
            rows: rows.iter().map(|row| words(row)).collect(),
        };
        Book { sections: vec![Section { name: "Rules".to_owned(), table }], ..Book::default() }
    }

    #[test]
    fn rows_are_added_changed_moved_and_removed_by_their_ids() {
        let old = book(&[&["a", "1", "x"], &["b", "2", "y"], &["c", "3", "z"]]);
        let check = |new: &Book, expected: &str| {
            assert_eq!(between(Some(&old), new).to_string(), expected);
        };
        check(&old, "");
        check(
            &book(&[&["a", "9", "x"], &["n", "5", ""], &["c", "3", "z"]]),
            "changed  Rules a: amount `1` -> `9`\nadded    Rules n: 5\nremoved  Rules b: 2 | y\n",
        );
        check(
            &book(&[&["b", "2", "y"], &["a", "1", "x"], &["c", "3", "z"]]),
            "moved    Rules b\nmoved    Rules a\n",
        );
        check(
            &book(&[&["a", "1", "x"], &["a", "1", "x"], &["b", "2", "y"], &["c", "3", "z"]]),
            "added    Rules a (2): 1 | x\n",
        );
    }
}
