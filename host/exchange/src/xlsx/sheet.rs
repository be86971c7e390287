//! A workbook's file to sheets of raw cells: what stands there, not yet what it means.

use super::format::Format;
use super::package::{Package, parsed};
use crate::Misfit;
use countersign_core::document::{DOCUMENT_BYTES_MAX, TABLE_COLUMNS_MAX, TABLE_ROWS_MAX};
use roxmltree::Node;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Most sheets of one workbook.
const SHEETS_MAX: usize = 100;
/// Most rows of one sheet: a table and the prose of a large document.
const ROWS_MAX: usize = 4 * TABLE_ROWS_MAX;
/// Longest code of a number format, in characters: what spreadsheets let anybody type.
const FORMAT_CHARACTERS_MAX: usize = 255;
/// What a workbook part is called in the relations.
const WORKBOOK_RELATION: &str = "/officeDocument";

/// What a cell holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    /// The number as the file spells it.
    Number(String),
    Truth(bool),
    /// A date that the file spells as text.
    Day(String),
    /// An error such as `#REF!`.
    Error(String),
}

/// A cell that is not empty.
#[derive(Debug, Clone)]
pub(super) struct RawCell {
    /// From 0.
    pub(super) column: usize,
    pub(super) value: Value,
    pub(super) format: Rc<Format>,
    /// Whether the value was computed.
    pub(super) formula: bool,
}

/// A row that is not empty.
#[derive(Debug, Clone)]
pub(super) struct RawRow {
    /// From 1, as the spreadsheet counts.
    pub(super) number: u32,
    pub(super) cells: Vec<RawCell>,
}

/// A sheet with its rows that are not empty.
#[derive(Debug, Clone)]
pub(super) struct RawSheet {
    pub(super) name: String,
    pub(super) rows: Vec<RawRow>,
}

/// A workbook.
#[derive(Debug)]
pub(super) struct Workbook {
    pub(super) sheets: Vec<RawSheet>,
    /// Whether day 0 is 1904-01-01.
    pub(super) from_1904: bool,
}

/// What all sheets share.
struct Shared {
    strings: Vec<String>,
    formats: Vec<Rc<Format>>,
}

/// Bytes of text that the cells of a workbook may still hold. A text that stands in the file once can stand in every cell,
/// so a small file could fill the memory; what no document holds needs not be read.
struct Room(usize);

impl Room {
    fn take(&mut self, cell: &RawCell) -> Result<(), String> {
        let Value::Text(text) = &cell.value else { return Ok(()) };
        let left = self.0.checked_sub(text.len());
        self.0 = left.ok_or_else(|| {
            format!(
                "up to here the cells hold more than {DOCUMENT_BYTES_MAX} bytes of text, and no document does"
            )
        })?;
        Ok(())
    }
}

/// The name of a column: 0 is A, 26 is AA.
pub(super) fn column_name(column: usize) -> String {
    let mut name = String::new();
    let mut rest = column + 1;
    while rest > 0 {
        let letter = u8::try_from((rest - 1) % 26).unwrap_or(0);
        name.insert(0, char::from(b'A' + letter));
        rest = (rest - 1) / 26;
    }
    name
}

/// Where a cell stands.
pub(super) fn place(sheet: &str, row: u32, column: usize) -> String {
    format!("sheet {sheet}, cell {}{row}", column_name(column))
}

/// Reads a workbook.
pub(super) fn workbook(bytes: &[u8]) -> Result<Workbook, Misfit> {
    let mut package = Package::open(bytes)?;
    let main = main_part(&mut package)?;
    let folder = main.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let file = main.rsplit('/').next().unwrap_or(&main);
    let relations = relations(&mut package, &format!("{folder}/_rels/{file}.rels"), &folder)?;
    let by_kind = |kind: &str| relations.values().find(|(found, _)| found.ends_with(kind));
    let strings = match by_kind("/sharedStrings") {
        Some((_, part)) => strings(part, &package.needed(part)?)?,
        None => Vec::new(),
    };
    let formats = match by_kind("/styles") {
        Some((_, part)) => formats(part, &package.needed(part)?)?,
        None => Vec::new(),
    };
    let shared = Shared { strings, formats };
    let text = package.needed(&main)?;
    let document = parsed(&main, &text)?;
    let of_name = |name: &'static str| {
        document.descendants().filter(move |node| node.is_element() && node.tag_name().name() == name)
    };
    let truth = |node: Node<'_, '_>, name: &str| matches!(node.attribute(name), Some("1" | "true"));
    let from_1904 = of_name("workbookPr").any(|node| truth(node, "date1904"));
    let mut sheets = Vec::new();
    let mut room = Room(DOCUMENT_BYTES_MAX);
    if of_name("sheet").count() > SHEETS_MAX {
        return Err(Misfit::at("", format!("the workbook has more than {SHEETS_MAX} sheets")));
    }
    for node in of_name("sheet") {
        let name = node.attribute("name").unwrap_or_default().to_owned();
        let id = node.attributes().find(|attribute| {
            attribute.name() == "id"
                && attribute.namespace().is_some_and(|space| space.ends_with("/relationships"))
        });
        let part = id.and_then(|id| relations.get(id.value())).map(|(_, part)| part.as_str());
        let part = part.ok_or_else(|| Misfit::at(format!("sheet {name}"), "the workbook lacks its part"))?;
        let sheet = read_sheet(&name, part, &package.needed(part)?, &shared, &mut room)?;
        let hidden = matches!(node.attribute("state"), Some("hidden" | "veryHidden"));
        if hidden && !sheet.rows.is_empty() {
            let message = "the sheet is hidden: what nobody sees is not taken over";
            return Err(Misfit::at(format!("sheet {name}"), message).try_instead("show it or delete it"));
        }
        sheets.push(sheet);
    }
    Ok(Workbook { sheets, from_1904 })
}

fn main_part(package: &mut Package<'_>) -> Result<String, Misfit> {
    let found = relations(package, "_rels/.rels", "")?;
    let main = found.into_values().find(|(kind, _)| kind.ends_with(WORKBOOK_RELATION));
    Ok(main.map_or_else(|| "xl/workbook.xml".to_owned(), |(_, part)| part))
}

/// The relations of a part by id: their kind and the part that they lead to.
fn relations(
    package: &mut Package<'_>,
    part: &str,
    folder: &str,
) -> Result<BTreeMap<String, (String, String)>, Misfit> {
    let Some(text) = package.part(part)? else { return Ok(BTreeMap::new()) };
    let document = parsed(part, &text)?;
    let mut found = BTreeMap::new();
    for node in document.descendants().filter(|node| node.tag_name().name() == "Relationship") {
        let (Some(id), Some(kind), Some(target)) =
            (node.attribute("Id"), node.attribute("Type"), node.attribute("Target"))
        else {
            continue;
        };
        if node.attribute("TargetMode") == Some("External") {
            continue;
        }
        let path = match target.strip_prefix('/') {
            Some(absolute) => absolute.to_owned(),
            None if folder.is_empty() => target.to_owned(),
            None => format!("{folder}/{target}"),
        };
        found.insert(id.to_owned(), (kind.to_owned(), path));
    }
    Ok(found)
}

/// The text of a string with its runs; what only says how it is pronounced is no part of it.
fn text_of(node: Node<'_, '_>) -> String {
    let named = |node: &Node<'_, '_>, name: &str| node.tag_name().name() == name;
    let mut text = String::new();
    let mut plain = |node: Node<'_, '_>| {
        text.extend(node.descendants().filter_map(|node| node.is_text().then(|| node.text()).flatten()));
    };
    for child in node.children() {
        if named(&child, "t") {
            plain(child);
        } else if named(&child, "r") {
            // The format has no runs in runs.
            child.children().filter(|inner| named(inner, "t")).for_each(&mut plain);
        }
    }
    text
}

/// Undoes `_x0009_`, in which the format writes characters that XML cannot hold.
fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        let (before, from) = rest.split_at(at);
        out += before;
        let code = from.get(2..6).filter(|_| from.get(6..7) == Some("_"));
        let letter = code
            .filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|code| char::from_u32(u32::from_str_radix(code, 16).ok()?));
        let (text, taken) = match letter {
            Some(letter) => (letter.to_string(), 7),
            None => ("_x".to_owned(), 2),
        };
        out += &text;
        rest = from.get(taken..).unwrap_or("");
    }
    out + rest
}

fn strings(part: &str, text: &str) -> Result<Vec<String>, Misfit> {
    let document = parsed(part, text)?;
    let items = document.root_element().children().filter(|node| node.tag_name().name() == "si");
    Ok(items.map(|item| unescaped(&text_of(item))).collect())
}

/// The number format of each cell style.
fn formats(part: &str, text: &str) -> Result<Vec<Rc<Format>>, Misfit> {
    let document = parsed(part, text)?;
    let mut codes: BTreeMap<u32, Rc<Format>> = BTreeMap::new();
    for node in document.descendants().filter(|node| node.tag_name().name() == "numFmt") {
        let id = node.attribute("numFmtId").and_then(|id| id.parse().ok());
        if let (Some(id), Some(code)) = (id, node.attribute("formatCode")) {
            if code.chars().nth(FORMAT_CHARACTERS_MAX).is_some() {
                let message = format!(
                    "part `{part}`: a number format has more than {FORMAT_CHARACTERS_MAX} characters"
                );
                return Err(Misfit::at("", message));
            }
            codes.insert(id, Rc::new(Format::of_code(code)));
        }
    }
    let styles = document.descendants().find(|node| node.tag_name().name() == "cellXfs");
    let styles =
        styles.into_iter().flat_map(|node| node.children()).filter(|node| node.tag_name().name() == "xf");
    let format = |node: Node<'_, '_>| {
        let id = node.attribute("numFmtId").and_then(|id| id.parse().ok()).unwrap_or(0);
        codes.get(&id).cloned().or_else(|| Format::built_in(id).map(Rc::new)).unwrap_or_default()
    };
    Ok(styles.map(format).collect())
}

fn read_sheet(
    name: &str,
    part: &str,
    text: &str,
    shared: &Shared,
    room: &mut Room,
) -> Result<RawSheet, Misfit> {
    let document = parsed(part, text)?;
    let whole = format!("sheet {name}");
    let mut sheet = RawSheet { name: name.to_owned(), rows: Vec::new() };
    let hidden = hidden_columns(&document);
    let mut number = 0_u32;
    for row in document.descendants().filter(|node| node.tag_name().name() == "row") {
        number = row.attribute("r").and_then(|r| r.parse().ok()).unwrap_or(number.saturating_add(1));
        let cells = read_row((name, number), row, shared, room)?;
        let Some(last) = cells.last() else { continue };
        if last.column >= TABLE_COLUMNS_MAX {
            let message = format!("{} columns, at most {TABLE_COLUMNS_MAX} are read", last.column + 1);
            return Err(Misfit::at(place(name, number, last.column), message));
        }
        let help = "show it, or delete it";
        if matches!(row.attribute("hidden"), Some("1" | "true")) {
            let message = format!("row {number} is hidden: what nobody sees is not taken over");
            return Err(Misfit::at(whole, message).try_instead(help));
        }
        if let Some(cell) = cells.iter().find(|cell| hidden.get(cell.column).is_some_and(|hidden| *hidden)) {
            let column = column_name(cell.column);
            let message = format!("column {column} is hidden: what nobody sees is not taken over");
            return Err(Misfit::at(whole, message).try_instead(help));
        }
        if sheet.rows.len() == ROWS_MAX {
            let message =
                format!("the sheet has more than {ROWS_MAX} rows; a table has at most {TABLE_ROWS_MAX}");
            return Err(Misfit::at(whole, message));
        }
        sheet.rows.push(RawRow { number, cells });
    }
    let merged = document.descendants().find(|node| node.tag_name().name() == "mergeCell");
    if let Some(node) = merged {
        let message = format!("the cells {} are merged", node.attribute("ref").unwrap_or_default());
        return Err(Misfit::at(whole, message).try_instead("split them: each cell says its own"));
    }
    Ok(sheet)
}

/// For each column that a table may have whether nobody sees it.
fn hidden_columns(document: &roxmltree::Document<'_>) -> [bool; TABLE_COLUMNS_MAX] {
    let mut hidden = [false; TABLE_COLUMNS_MAX];
    let bound = |node: Node<'_, '_>, name: &str| node.attribute(name)?.parse::<usize>().ok()?.checked_sub(1);
    for node in document.descendants().filter(|node| node.tag_name().name() == "col") {
        let is_hidden = matches!(node.attribute("hidden"), Some("1" | "true"));
        if let (true, Some(low), Some(high)) = (is_hidden, bound(node, "min"), bound(node, "max")) {
            let all = hidden.iter_mut().enumerate();
            all.filter(|(column, _)| low <= *column && *column <= high)
                .for_each(|(_, hidden)| *hidden = true);
        }
    }
    hidden
}

fn read_row(
    (sheet, number): (&str, u32),
    row: Node<'_, '_>,
    shared: &Shared,
    room: &mut Room,
) -> Result<Vec<RawCell>, Misfit> {
    let mut cells = Vec::new();
    let mut next = 0_usize;
    for node in row.children().filter(|node| node.tag_name().name() == "c") {
        let column = node.attribute("r").and_then(column_of).unwrap_or(next);
        let wrong = |what: String| Misfit::at(place(sheet, number, column), what);
        if column < next {
            return Err(wrong("the cells of the row are out of order".to_owned()));
        }
        next = column + 1;
        if let Some(cell) = read_cell(column, node, shared).map_err(wrong)? {
            room.take(&cell).map_err(wrong)?;
            cells.push(cell);
        }
    }
    Ok(cells)
}

/// The column of a reference such as `AB12`, from 0.
fn column_of(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_uppercase);
    let mut column = 0_usize;
    for letter in letters {
        column = column.checked_mul(26)?.checked_add(usize::from(letter - b'A') + 1)?;
    }
    column.checked_sub(1)
}

fn read_cell(column: usize, node: Node<'_, '_>, shared: &Shared) -> Result<Option<RawCell>, String> {
    let child = |name: &str| node.children().find(|child| child.tag_name().name() == name);
    let raw = child("v").map(|value| value.text().unwrap_or("").to_owned());
    let formula = child("f").is_some();
    let format = node
        .attribute("s")
        .and_then(|style| shared.formats.get(style.parse::<usize>().ok()?))
        .cloned()
        .unwrap_or_default();
    let value = match (node.attribute("t").unwrap_or("n"), raw) {
        ("inlineStr", _) => Value::Text(unescaped(&child("is").map(text_of).unwrap_or_default())),
        (_, None) if formula => {
            return Err("a formula without a value: open the file, save it again".to_owned());
        }
        (_, None) => return Ok(None),
        ("s", Some(index)) => {
            let text = index.trim().parse::<usize>().ok().and_then(|index| shared.strings.get(index));
            Value::Text(text.ok_or("the file lacks the text of this cell")?.clone())
        }
        ("str", Some(text)) => Value::Text(unescaped(&text)),
        ("b", Some(text)) => Value::Truth(text.trim() == "1"),
        ("d", Some(text)) => Value::Day(text),
        ("e", Some(text)) => Value::Error(text),
        ("n", Some(text)) => Value::Number(text),
        (other, Some(_)) => return Err(format!("`{other}` is no kind of cell that is known")),
    };
    if matches!(&value, Value::Text(text) if text.is_empty()) && !formula {
        return Ok(None);
    }
    Ok(Some(RawCell { column, value, format, formula }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_letters() {
        for (column, name) in [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")] {
            assert_eq!(column_name(column), name);
            assert_eq!(column_of(&format!("{name}7")), Some(column));
        }
    }

    #[test]
    fn characters_that_xml_cannot_hold_come_back() {
        for (text, expected) in
            [("a_x0009_b", "a\tb"), ("_x005F_x0041_", "_x0041_"), ("_x00_", "_x00_"), ("x_xé", "x_xé")]
        {
            assert_eq!(unescaped(text), expected, "{text}");
        }
    }
}
