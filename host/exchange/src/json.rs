//! The typed form of a policy as JSON, for other programs: every cell as it is written, and beside
//! it what it means on the grid of its type.
//!
//! What a cell means is written out for whoever reads; when it comes back, it must agree with the
//! cell, so that nobody can change the one without the other. Numbers are text: no float on the way.

use crate::book::{Book, Draft, Prose, SECTIONS, Section};
use crate::column::{Kind, Types};
use crate::{FILE_BYTES_MAX, Misfit, Refused};
use countersign_core::document::{Align, PlainTable, TABLE_COLUMNS_MAX, TABLE_ROWS_MAX};
use countersign_core::intent::literal::parse_type;
use countersign_core::policy::cell;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the files of this form say of themselves.
pub const FORMAT: &str = "countersign-policy/1";
/// Longest name of a column, in bytes: the place of a cell repeats it.
const COLUMN_BYTES_MAX: usize = 200;
/// The schema of these files.
pub const SCHEMA: &str = include_str!("../policy.schema.json");

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    title: String,
    rules: String,
    settings: Table,
    sections: Vec<Named>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    prose: Vec<Line>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
    columns: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    columns: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// By column; a cell that is empty may be left out.
    cells: BTreeMap<String, String>,
    /// What the cells of a rule accept, as closed ranges of integers; an empty cell accepts all.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    accepts: BTreeMap<String, Vec<(i64, i64)>>,
    /// The type of an input, taken apart.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<serde_json::Value>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    place: String,
    line: u32,
    text: String,
}

/// Writes the typed form.
///
/// # Errors
/// A table whose columns cannot be told apart by their names.
pub fn write(book: &Book) -> Result<String, Refused> {
    let types = Types::of(book);
    let named = |section: &Section| {
        let table = table(&section.name, &section.table, &types)?;
        Ok(Named { name: section.name.clone(), columns: table.columns, rows: table.rows })
    };
    let file = File {
        format: FORMAT.to_owned(),
        title: book.title.clone(),
        rules: book.rules.clone(),
        settings: table("settings", &book.settings, &types)?,
        sections: book.sections.iter().map(named).collect::<Result<_, Refused>>()?,
        prose: book
            .prose
            .iter()
            .map(|prose| Line { place: prose.place.clone(), line: prose.line, text: prose.text.clone() })
            .collect(),
    };
    let mut text = serde_json::to_string_pretty(&file).map_err(|fault| Misfit::at("", fault.to_string()))?;
    text.push('\n');
    Ok(text)
}

fn table(name: &str, table: &PlainTable, types: &Types) -> Result<Table, Refused> {
    for (index, column) in table.header.iter().enumerate() {
        if table.header.iter().take(index).any(|other| other == column) {
            let message = format!("the column `{column}` stands in this table twice");
            return Err(Misfit::at(name, message).into());
        }
    }
    let row = |row: &Vec<String>| Row {
        cells: table.header.iter().cloned().zip(row.iter().cloned()).collect(),
        accepts: accepted(name, &table.header, row, types),
        kind: kind(name, row),
    };
    Ok(Table { columns: table.header.clone(), rows: table.rows.iter().map(row).collect() })
}

/// What the cells of a rule accept; nothing for a cell that is no cell of its type.
fn accepted(
    name: &str,
    header: &[String],
    row: &[String],
    types: &Types,
) -> BTreeMap<String, Vec<(i64, i64)>> {
    let mut accepts = BTreeMap::new();
    for (column, text) in header.iter().zip(row).filter(|_| name == "Rules") {
        let Kind::Typed(kind) = types.kind(name, column, "") else { continue };
        if let Ok(Some(ranges)) = cell::parse(text, &kind) {
            accepts.insert(column.clone(), ranges.pairs().to_vec());
        }
    }
    accepts
}

/// The type of an input, taken apart.
fn kind(name: &str, row: &[String]) -> Option<serde_json::Value> {
    let text = row.get(1).filter(|_| name == "Inputs")?;
    serde_json::to_value(parse_type(text).ok()?).ok()
}

/// A policy that was read from JSON.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The policy.
    pub book: Book,
}

impl Imported {
    /// Where a cell stands in the file; row 0 is the header.
    #[must_use]
    pub fn place(&self, table: &str, row: usize, column: usize) -> String {
        place(&self.book, table, row, column)
    }

    /// The document.
    ///
    /// # Errors
    /// Texts that a document cannot hold, with their cells.
    pub fn draft(&self) -> Result<Draft, Refused> {
        self.book.draft(&|table, row, column| self.place(table, row, column))
    }
}

fn place(book: &Book, table: &str, row: usize, column: usize) -> String {
    let index = book.sections.iter().position(|section| section.name == table);
    let (path, plain) = match index.and_then(|index| Some((index, &book.sections.get(index)?.table))) {
        Some((index, plain)) => (format!("sections[{index}]"), plain),
        None => ("settings".to_owned(), &book.settings),
    };
    match (row.checked_sub(1), plain.header.get(column)) {
        (Some(row), Some(name)) => format!("{path}.rows[{row}].cells.{name}"),
        (Some(row), None) => format!("{path}.rows[{row}]"),
        (None, _) => format!("{path}.columns[{column}]"),
    }
}

/// Reads the typed form.
///
/// # Errors
/// What is no such file, and every meaning that does not agree with its cell.
pub fn read(bytes: &[u8]) -> Result<Imported, Refused> {
    if bytes.len() > FILE_BYTES_MAX {
        let message = format!("the file has {} bytes, at most {FILE_BYTES_MAX} are read", bytes.len());
        return Err(Misfit::at("", message).into());
    }
    let file: File = serde_json::from_slice(bytes).map_err(|fault| Misfit::at("", fault.to_string()))?;
    if file.format != FORMAT {
        let message = format!("the format is `{}`, expected `{FORMAT}`", file.format);
        return Err(Misfit::at("format", message).into());
    }
    let mut misfits = Vec::new();
    let mut book = Book {
        title: file.title,
        rules: file.rules,
        settings: plain("settings", &file.settings.columns, &file.settings.rows, &mut misfits),
        sections: Vec::new(),
        prose: file
            .prose
            .into_iter()
            .map(|line| Prose { place: line.place, line: line.line, text: line.text })
            .collect(),
    };
    for (index, named) in file.sections.iter().enumerate() {
        if !SECTIONS.contains(&named.name.as_str()) {
            let message = format!("`{}` is no table of a policy", named.name);
            let misfit = Misfit::at(format!("sections[{index}].name"), message);
            return Err(misfit.try_instead(format!("one of {}", SECTIONS.join(", "))).into());
        }
        let table = plain(&format!("sections[{index}]"), &named.columns, &named.rows, &mut misfits);
        book.sections.push(Section { name: named.name.clone(), table });
    }
    let types = Types::of(&book);
    for (named, section) in file.sections.iter().zip(&book.sections) {
        for (index, (row, cells)) in (1..).zip(named.rows.iter().zip(&section.table.rows)) {
            let accepts = accepted(&named.name, &named.columns, cells, &types);
            for (column, ranges) in
                row.accepts.iter().filter(|(column, ranges)| accepts.get(*column) != Some(*ranges))
            {
                let at = named.columns.iter().position(|name| name == column).unwrap_or(0);
                let message =
                    format!("`accepts` says {ranges:?} of {column}, the cell says {:?}", accepts.get(column));
                let misfit = Misfit::at(place(&book, &named.name, index, at), message);
                misfits.push(misfit.try_instead("change the cell, and leave its `accepts` out"));
            }
            if row.kind.is_some() && row.kind != kind(&named.name, cells) {
                let misfit =
                    Misfit::at(place(&book, &named.name, index, 1), "`type` says otherwise than the cell");
                misfits.push(misfit.try_instead("change the cell, and leave its `type` out"));
            }
        }
    }
    if misfits.is_empty() { Ok(Imported { book }) } else { Err(Refused(misfits)) }
}

/// The table, or an empty one if it is larger than one may be: each column is a cell of each row, so that a small file
/// could fill the memory.
fn plain(path: &str, columns: &[String], rows: &[Row], misfits: &mut Vec<Misfit>) -> PlainTable {
    if TABLE_COLUMNS_MAX < columns.len() || TABLE_ROWS_MAX < rows.len() {
        let (columns, rows) = (columns.len(), rows.len());
        let message = format!(
            "{rows} rows and {columns} columns, at most {TABLE_ROWS_MAX} and {TABLE_COLUMNS_MAX} are read"
        );
        misfits.push(Misfit::at(path, message));
        return PlainTable::default();
    }
    if let Some(index) = columns.iter().position(|name| COLUMN_BYTES_MAX < name.len()) {
        let message = format!("the name of the column has more than {COLUMN_BYTES_MAX} bytes");
        misfits.push(Misfit::at(format!("{path}.columns[{index}]"), message));
        return PlainTable::default();
    }
    let mut table = PlainTable {
        header: columns.to_vec(),
        align: vec![Align::Free; columns.len()],
        rows: Vec::with_capacity(rows.len()),
    };
    for (index, row) in rows.iter().enumerate() {
        for name in row.cells.keys().filter(|name| !columns.contains(name)) {
            let message = format!("the column `{name}` is not among `columns`");
            misfits.push(Misfit::at(format!("{path}.rows[{index}].cells"), message));
        }
        let cell = |name: &String| row.cells.get(name).cloned().unwrap_or_default();
        table.rows.push(columns.iter().map(cell).collect());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generated::{SHIPPED, documents, file, formatted};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn through(text: &str) -> String {
        let book = Book::read(&file(text)).expect("it is a policy");
        let json = write(&book).expect("it goes out");
        let value: Value = serde_json::from_str(&json).expect("it is JSON");
        let schema: Value = serde_json::from_str(SCHEMA).expect("it is JSON");
        assert_eq!(unfit(&schema, &schema, &value, "$"), None);
        read(json.as_bytes())
            .unwrap_or_else(|refused| panic!("{refused}\n{text}"))
            .draft()
            .expect("a document")
            .text
    }

    #[test]
    fn shipped_policies_come_back_from_json_byte_for_byte_and_fit_the_schema() {
        for text in SHIPPED {
            assert_eq!(through(text), formatted(text));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn drawn_policies_come_back_from_json_byte_for_byte(text in documents()) {
            prop_assert_eq!(through(&text), text);
        }
    }

    /// The first place where a value does not fit the part of JSON Schema that ours uses.
    fn unfit(root: &Value, schema: &Value, value: &Value, path: &str) -> Option<String> {
        if let Some(name) = schema["$ref"].as_str() {
            return unfit(root, root.pointer(name.trim_start_matches('#'))?, value, path);
        }
        let wrong = |what: &str| Some(format!("{path}: {what}"));
        if schema.get("const").is_some_and(|only| only != value) {
            return wrong("another constant");
        }
        let fits = match schema["type"].as_str() {
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            Some("string") => value.is_string(),
            Some("integer") => value.is_i64(),
            _ => true,
        };
        if !fits {
            return wrong("another type");
        }
        if let Some(all) = schema["enum"].as_array()
            && !all.contains(value)
        {
            return wrong("none of the values");
        }
        let none = serde_json::Map::new();
        let known = schema["properties"].as_object().unwrap_or(&none);
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if value.get(name).is_none() {
                return wrong(&format!("lacks {name}"));
            }
        }
        for (name, inner) in value.as_object().into_iter().flatten() {
            let path = format!("{path}.{name}");
            let found = match (known.get(name), &schema["additionalProperties"]) {
                (Some(known), _) => unfit(root, known, inner, &path),
                (None, Value::Bool(false)) => Some(format!("{path}: unknown")),
                (None, Value::Null | Value::Bool(true)) => None,
                (None, other) => unfit(root, other, inner, &path),
            };
            if found.is_some() {
                return found;
            }
        }
        let count = value.as_array().map_or(0, Vec::len) as u64;
        if schema["minItems"].as_u64().is_some_and(|least| count < least)
            || schema["maxItems"].as_u64().is_some_and(|most| most < count)
        {
            return wrong("another number of items");
        }
        let items = value.as_array().into_iter().flatten().enumerate();
        let mut items =
            items.map(|(index, item)| unfit(root, &schema["items"], item, &format!("{path}[{index}]")));
        items.find_map(|found| found)
    }

    fn changed(pointer: &str, to: Value) -> Vec<u8> {
        let book = Book::read(&file(SHIPPED[0])).expect("it is a policy");
        let mut value: Value = serde_json::from_str(&write(&book).expect("it goes out")).expect("it is JSON");
        *value.pointer_mut(pointer).expect(pointer) = to;
        value.to_string().into_bytes()
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_path() {
        let check = |pointer: &str, to: Value, expected: &str| {
            let found = match read(&changed(pointer, to)).and_then(|read| read.draft()) {
                Ok(draft) => panic!("{pointer} was taken:\n{}", draft.text),
                Err(refused) => refused.to_string(),
            };
            assert!(found.contains(expected), "{pointer}: {found}");
        };
        check("/format", json!("other/1"), "format: the format is `other/1`");
        check("/title", json!(5), "invalid type: integer `5`, expected a string");
        check(
            "/sections/2/rows/0/cells/discount_percent",
            json!("<= 6%"),
            "sections[2].rows[0].cells.discount_percent: `accepts` says [(0, 50000)]",
        );
        check(
            "/sections/2/rows/0/accepts",
            json!({"amount": [[1, 2]]}),
            "`accepts` says [(1, 2)] of amount, the cell says None",
        );
        check(
            "/sections/0/rows/1/type",
            json!("yes-no"),
            "sections[0].rows[1].cells.type: `type` says otherwise than the cell",
        );
        check(
            "/sections/2/rows/0/cells",
            json!({"colour": "red"}),
            "the column `colour` is not among `columns`",
        );
        check(
            "/settings/rows",
            json!(vec![json!({"cells": {}}); 5_001]),
            "settings: 5001 rows and 2 columns, at most 5000",
        );
        check(
            "/sections/2/columns",
            json!(vec!["a"; 25]),
            "sections[2]: 11 rows and 25 columns, at most 5000 and 24",
        );
        check(
            "/sections/2/columns/1",
            json!("a".repeat(201)),
            "sections[2].columns[1]: the name of the column has more",
        );
        check(
            "/sections/2/rows/0/cells/because",
            json!("<b>x</b>"),
            "sections[2].rows[0].cells.because: HTML",
        );
        check(
            "/sections/2/rows/0/cells/because",
            json!("a\nb"),
            "cells.because: a cell cannot hold this text",
        );
        check("/sections/0/name", json!("Colours"), "sections[0].name: `Colours` is no table of a policy");
        let mut large = changed("/title", json!("x"));
        large.resize(FILE_BYTES_MAX + 1, b' ');
        assert!(read(&large).is_err());
        assert!(read(b"{").expect_err("no JSON").to_string().contains("line 1 column 1"));
    }

    #[test]
    fn the_schema_refuses_what_the_reader_refuses() {
        let schema: Value = serde_json::from_str(SCHEMA).expect("it is JSON");
        let unfit_after = |pointer: &str, to: Value| {
            let value: Value = serde_json::from_slice(&changed(pointer, to)).expect("it is JSON");
            unfit(&schema, &schema, &value, "$")
        };
        assert_eq!(unfit_after("/title", json!("T")), None);
        assert_eq!(unfit_after("/format", json!("x")).as_deref(), Some("$.format: another constant"));
        assert_eq!(unfit_after("/title", json!(5)).as_deref(), Some("$.title: another type"));
        assert_eq!(
            unfit_after("/sections/0/name", json!("Colours")).as_deref(),
            Some("$.sections[0].name: none of the values")
        );
        let row = json!({"cells": {}, "colour": 1});
        assert_eq!(
            unfit_after("/sections/0/rows/0", row).as_deref(),
            Some("$.sections[0].rows[0].colour: unknown")
        );
    }
}
