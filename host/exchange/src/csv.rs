//! One table of a policy as CSV: into an existing policy and out of it.
//!
//! A file says neither what separates its cells nor what its decimal mark is. Commas and points are
//! taken; semicolons, tabs and decimal commas are noticed, and taken only when somebody says so.

use crate::book::{Book, Draft, SECTIONS, Section};
use crate::column::{Kind, Types};
use crate::{FILE_BYTES_MAX, Misfit, Refused};
use countersign_core::document::{Align, PlainTable, TABLE_COLUMNS_MAX, TABLE_ROWS_MAX};
use countersign_core::intent::kind::FieldType;

/// The column of the answer, as a document has it and as CSV has it: a spreadsheet takes what
/// begins with `=` for a formula.
const OUTCOME: [&str; 2] = ["=> outcome", "outcome"];
/// What may separate cells.
const DELIMITERS: [char; 3] = [',', ';', '\t'];

/// What somebody says of a file.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// What separates its cells; a comma unless said otherwise.
    pub delimiter: Option<char>,
    /// Whether the decimal mark is a comma and a point groups digits.
    pub decimal_comma: bool,
}

/// A table that was read into its policy.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The policy with the new table.
    pub book: Book,
    table: String,
    /// Line of the header, then of each row.
    lines: Vec<u64>,
}

impl Imported {
    /// Where a cell stands in the file; row 0 is the header.
    #[must_use]
    pub fn place(&self, table: &str, row: usize, column: usize) -> String {
        match self.lines.get(row) {
            Some(line) if table == self.table => place(*line, column),
            Some(_) | None => format!("table {table} of the existing policy"),
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

fn place(line: u64, column: usize) -> String {
    format!("line {line}, cell {}", column + 1)
}

/// Reads `bytes` as the table `name` of `policy`.
///
/// # Errors
/// Every cell that cannot be carried over exactly, with its line.
pub fn read(bytes: &[u8], policy: &Book, name: &str, options: Options) -> Result<Imported, Refused> {
    if !SECTIONS.contains(&name) {
        let message = format!("`{name}` is no table of a policy");
        return Err(Misfit::at("", message).try_instead(format!("one of {}", SECTIONS.join(", "))).into());
    }
    let text = text(bytes)?;
    let delimiter = delimiter(text, options)?;
    let (header, rows, lines) = records(text, delimiter)?;
    let mut table = PlainTable { align: vec![Align::Free; header.len()], header, rows };
    let types = match name {
        "Inputs" => Types::of_table(Some(&table)),
        _ => Types::of(policy),
    };
    let mut misfits = Vec::new();
    for (row, line) in table.rows.iter_mut().zip(lines.iter().skip(1)) {
        let id = row.first().cloned().unwrap_or_default();
        for (column, cell) in row.iter_mut().enumerate() {
            let named = table.header.get(column).map_or("", String::as_str);
            let Kind::Typed(FieldType::Number(_)) = types.kind(name, named, &id) else { continue };
            match pointed(cell, options.decimal_comma) {
                Ok(text) => *cell = text,
                Err((message, help)) => {
                    misfits.push(Misfit::at(place(*line, column), message).try_instead(help));
                }
            }
        }
    }
    if !misfits.is_empty() {
        return Err(Refused(misfits));
    }
    Ok(Imported { book: with_table(policy, name, table), table: name.to_owned(), lines })
}

/// The policy with a table in place of its own of that name, or at its usual place.
pub(crate) fn with_table(policy: &Book, name: &str, table: PlainTable) -> Book {
    let mut book = policy.clone();
    if let Some(own) = book.sections.iter_mut().find(|section| section.name == name) {
        own.table = table;
        return book;
    }
    let rank = |name: &str| SECTIONS.iter().position(|known| *known == name);
    let before = |section: &&Section| rank(&section.name) < rank(name);
    let at = book.sections.iter().take_while(before).count();
    book.sections.insert(at, Section { name: name.to_owned(), table });
    book
}

fn text(bytes: &[u8]) -> Result<&str, Misfit> {
    if bytes.len() > FILE_BYTES_MAX {
        let message = format!("the file has {} bytes, at most {FILE_BYTES_MAX} are read", bytes.len());
        return Err(Misfit::at("", message));
    }
    let text = std::str::from_utf8(bytes).map_err(|fault| {
        let line = bytes.iter().take(fault.valid_up_to()).filter(|byte| **byte == b'\n').count() + 1;
        Misfit::at(format!("line {line}"), "the file is not UTF-8").try_instead("save it as `CSV UTF-8`")
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// What separates the cells; anything but a comma must have been said.
fn delimiter(text: &str, options: Options) -> Result<char, Misfit> {
    let header = text.lines().next().unwrap_or("");
    let mut quoted = false;
    let mut counts = [0_usize; 3];
    for letter in header.chars() {
        quoted ^= letter == '"';
        if let Some(index) = DELIMITERS.iter().position(|known| *known == letter && !quoted) {
            counts[index] += 1;
        }
    }
    let most = (0..3).rev().max_by_key(|index| counts[*index]).filter(|index| counts[*index] > 0);
    let found = most.map_or(',', |index| DELIMITERS[index]);
    let wanted = options.delimiter.unwrap_or(',');
    if found == wanted {
        return Ok(found);
    }
    let shown = |letter: char| if letter == '\t' { "tab".to_owned() } else { format!("`{letter}`") };
    let message = format!("the cells seem to be separated by {}, not {}", shown(found), shown(wanted));
    let help = match found {
        ',' => "leave `--delimiter` out".to_owned(),
        '\t' => "if that is so, say `--delimiter tab`".to_owned(),
        other => format!("if that is so, say `--delimiter '{other}'`"),
    };
    Err(Misfit::at("line 1", message).try_instead(help))
}

/// Counts lines up to where a record begins; the reader's own count begins before the line end.
struct LineCounter<'a> {
    text: &'a str,
    at: usize,
    line: u64,
}

impl LineCounter<'_> {
    fn line_of(&mut self, byte: u64) -> u64 {
        let from = usize::try_from(byte).unwrap_or(usize::MAX).max(self.at);
        let rest = self.text.as_bytes().get(from..).unwrap_or_default();
        let ends = rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        let until = from.saturating_add(ends);
        let passed = self.text.as_bytes().get(self.at..until).unwrap_or_default();
        self.line += passed.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        self.at = until;
        self.line
    }
}

type Records = (Vec<String>, Vec<Vec<String>>, Vec<u64>);

fn records(text: &str, delimiter: char) -> Result<Records, Refused> {
    let separator = u8::try_from(delimiter).unwrap_or(b',');
    let mut reader = ::csv::ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut lines_before = LineCounter { text, at: 0, line: 1 };
    let mut all: Vec<Vec<String>> = Vec::new();
    let mut lines = Vec::new();
    let mut misfits = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|fault| Misfit::at("", fault.to_string()))?;
        let line = lines_before.line_of(record.position().map_or(0, ::csv::Position::byte));
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if all.len() > TABLE_ROWS_MAX {
            let message = format!("more than {TABLE_ROWS_MAX} rows; no more are read");
            return Err(Misfit::at(format!("line {line}"), message).into());
        }
        let mut row = Vec::new();
        for (column, cell) in record.iter().enumerate() {
            let cell = cell.trim();
            if cell.contains(['\n', '\r']) {
                misfits.push(Misfit::at(place(line, column), "the cell holds more than one line"));
            }
            row.push(cell.to_owned());
        }
        if let Some(header) = all.first()
            && header.len() != row.len()
        {
            let message = format!("the row has {} cells, its header has {}", row.len(), header.len());
            misfits.push(Misfit::at(format!("line {line}"), message));
        }
        if row.len() > TABLE_COLUMNS_MAX {
            let message = format!("{} columns, at most {TABLE_COLUMNS_MAX} are read", row.len());
            return Err(Misfit::at(format!("line {line}"), message).into());
        }
        all.push(row);
        lines.push(line);
    }
    if !misfits.is_empty() {
        return Err(Refused(misfits));
    }
    let mut rows = all.into_iter();
    let mut header = rows.next().ok_or_else(|| Misfit::at("", "the file holds no table"))?;
    for name in header.iter_mut().filter(|name| *name == OUTCOME[1]) {
        OUTCOME[0].clone_into(name);
    }
    Ok((header, rows.collect(), lines))
}

/// The numbers of a cell with a decimal point.
fn pointed(cell: &str, decimal_comma: bool) -> Result<String, (String, &'static str)> {
    let mut words = Vec::new();
    for word in cell.split(' ') {
        // A comma at the end of a word separates two values.
        let (number, end) = word.strip_suffix(',').map_or((word, ""), |number| (number, ","));
        words.push(pointed_number(number, decimal_comma)? + end);
    }
    Ok(words.join(" "))
}

fn pointed_number(word: &str, decimal_comma: bool) -> Result<String, (String, &'static str)> {
    let digits_in = |text: &str| text.bytes().any(|byte| byte.is_ascii_digit());
    if !digits_in(word)
        || !(word.contains(',') || (decimal_comma && word.contains('.')))
        || word.contains("..")
    {
        return Ok(word.to_owned());
    }
    if !decimal_comma {
        let message = format!("`{word}` holds a comma between its digits");
        return Err((message, "if it is a decimal comma, say `--decimal-comma`; digits are grouped by `_`"));
    }
    let sign = word.len() - word.trim_start_matches(['-', '+', '<', '>', '=']).len();
    let (sign, rest) = word.split_at(sign);
    let (number, percent) = rest.strip_suffix('%').map_or((rest, ""), |number| (number, "%"));
    let (whole, fraction) = number.split_once(',').unwrap_or((number, ""));
    let groups: Vec<&str> = whole.split('.').collect();
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let grouped = groups.len() > 1;
    let sound = groups.iter().all(|group| are_digits(group))
        && (!grouped || (groups[0].len() <= 3 && groups.iter().skip(1).all(|group| group.len() == 3)))
        && (fraction.is_empty() || are_digits(fraction));
    let help = "write it without grouping";
    if !sound {
        return Err((format!("`{word}` is no number with a decimal comma"), help));
    }
    let one_group = groups.len() == 2 && fraction.is_empty();
    let three = !grouped && fraction.len() == 3 && whole.len() <= 3 && whole != "0";
    if one_group || three {
        return Err((format!("`{word}` can be read in two ways: thousands, or a fraction"), help));
    }
    let point = if fraction.is_empty() { "" } else { "." };
    Ok(format!("{sign}{}{point}{fraction}{percent}", groups.concat()))
}

/// Writes the table `name` of a policy.
///
/// # Errors
/// If there is no such table, or a cell that a spreadsheet would run as a formula.
pub fn write(book: &Book, name: &str) -> Result<Vec<u8>, Refused> {
    let Some(table) = book.table(name) else {
        let known: Vec<&str> = book.sections.iter().map(|section| section.name.as_str()).collect();
        let message = format!("the policy has no table `{name}`");
        return Err(Misfit::at("", message).try_instead(format!("one of {}", known.join(", "))).into());
    };
    let mut misfits = Vec::new();
    for row in &table.rows {
        let id = row.first().map_or("", String::as_str);
        for (cell, column) in row.iter().zip(&table.header) {
            if cell.starts_with(['=', '+', '@']) {
                let message = format!("`{cell}` would be a formula where this file is opened");
                let misfit = Misfit::at(format!("{name} {id}, column {column}"), message);
                misfits.push(misfit.try_instead("export a workbook instead: it can say that this is text"));
            }
        }
    }
    if !misfits.is_empty() {
        return Err(Refused(misfits));
    }
    let failed = |fault: &dyn std::fmt::Display| Misfit::at("", fault.to_string());
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    let header = table.header.iter().map(|name| if name == OUTCOME[0] { OUTCOME[1] } else { name.as_str() });
    writer.write_record(header).map_err(|fault| failed(&fault))?;
    for row in &table.rows {
        writer.write_record(row).map_err(|fault| failed(&fault))?;
    }
    let bytes = writer.into_inner().map_err(|fault| failed(&fault))?;
    // Spreadsheets take a file for UTF-8 only if it begins so.
    let mark: &[u8] = if bytes.is_ascii() { b"" } else { "\u{feff}".as_bytes() };
    Ok([mark, &bytes].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generated::{SHIPPED, documents, file, formatted};
    use proptest::prelude::*;

    fn discount() -> Book {
        Book::read(&file(SHIPPED[0])).expect("it is a policy")
    }

    fn through(text: &str) {
        let book = Book::read(&file(text)).expect("it is a policy");
        for section in &book.sections {
            let Ok(bytes) = write(&book, &section.name) else {
                assert!(section.table.rows.iter().flatten().any(|cell| cell.starts_with(['=', '+', '@'])));
                continue;
            };
            let back = read(&bytes, &book, &section.name, Options::default())
                .unwrap_or_else(|refused| panic!("{refused}\n{}", String::from_utf8_lossy(&bytes)));
            assert_eq!(back.draft().expect("a document").text, text, "{}", section.name);
        }
    }

    #[test]
    fn shipped_tables_come_back_byte_for_byte() {
        SHIPPED.iter().for_each(|text| through(&formatted(text)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn drawn_tables_come_back_byte_for_byte(text in documents()) {
            through(&text);
        }
    }

    fn rules(text: &str, options: Options) -> Result<String, String> {
        let read = read(text.as_bytes(), &discount(), "Rules", options).and_then(|read| read.draft());
        read.map(|draft| draft.text).map_err(|refused| refused.to_string())
    }

    const COMMA: Options = Options { delimiter: Some(';'), decimal_comma: true };

    #[test]
    fn semicolons_and_decimal_commas_are_taken_when_they_are_confirmed() {
        let german = "id;discount_percent;amount;outcome;because\r\na;<= 12,5%;< 1.234.567,50;approve;a, b\r\n\
                      b;5,25%, 7,5%;0,125 .. 50000;vp;\"x;y\"\r\n";
        let found = rules(german, COMMA).expect("it is confirmed");
        assert!(
            found.contains("| a   | <= 12.5%         | < 1234567.50   | approve    | a, b    |"),
            "{found}"
        );
        assert!(
            found.contains("| b   | 5.25%, 7.5%      | 0.125 .. 50000 | vp         | x;y     |"),
            "{found}"
        );
        let refused = rules(german, Options::default()).expect_err("nobody confirmed it");
        assert!(
            refused.contains("separated by `;`, not `,`") && refused.contains("--delimiter ';'"),
            "{refused}"
        );
        let refused = rules(german, Options { decimal_comma: false, ..COMMA })
            .expect_err("only half of it is confirmed");
        assert!(refused.contains("line 2, cell 2: `12,5%` holds a comma"), "{refused}");
        assert!(refused.contains("--decimal-comma"), "{refused}");
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused_with_its_line() {
        let check = |text: &str, options: Options, expected: &str| {
            let found = rules(text, options).expect_err(text);
            assert!(found.contains(expected), "{text}: {found}");
        };
        let head = "id;amount;outcome;because\n";
        check(&format!("{head}a;50,000;vp;x"), COMMA, "line 2, cell 2: `50,000` can be read in two ways");
        check(&format!("{head}a;1.234;vp;x"), COMMA, "`1.234` can be read in two ways");
        check(&format!("{head}a;12.5;vp;x"), COMMA, "`12.5` is no number with a decimal comma");
        check(&format!("{head}a;1,2,3;vp;x"), COMMA, "`1,2,3` is no number with a decimal comma");
        let head = "id,amount,outcome,because\n";
        let plain = Options::default();
        check(&format!("{head}a,\"50,000\",vp,x"), plain, "line 2, cell 2: `50,000` holds a comma");
        check(&format!("{head}a,\"x\ny\",vp,x"), plain, "line 2, cell 2: the cell holds more than one line");
        check(&format!("{head}a,1,vp"), plain, "line 2: the row has 3 cells, its header has 4");
        check(
            &format!("{head}\n\na,1\u{a0}0,vp,x"),
            plain,
            "line 4, cell 2: a character that looks like another one",
        );
        check(
            &format!("{head}a,\u{ff11},vp,x"),
            plain,
            "line 2, cell 2: a character that looks like another one",
        );
        check(&head.replace(',', "\t"), plain, "say `--delimiter tab`");
        check(head, COMMA, "leave `--delimiter` out");
        check("", plain, "the file holds no table");
        check(&format!("{head}{}", "a,1,vp,x\n".repeat(100_000)), plain, "more than 5000 rows");
        check(&"a,".repeat(200), plain, "201 columns, at most 24 are read");
        let latin = read(b"id,because\na,\xfcber", &discount(), "Rules", plain).expect_err("it is no UTF-8");
        assert!(latin.to_string().contains("line 2: the file is not UTF-8"), "{latin}");
        let large = vec![b'a'; FILE_BYTES_MAX + 1];
        assert!(read(&large, &discount(), "Rules", plain).is_err());
        let unknown = read(b"id", &discount(), "Prose", plain).expect_err("it is no table");
        assert!(unknown.to_string().contains("`Prose` is no table of a policy"), "{unknown}");
    }

    #[test]
    fn what_a_spreadsheet_would_run_does_not_go_out() {
        let mut book = discount();
        let rules = book.sections.iter_mut().find(|section| section.name == "Rules").expect("rules");
        "=HYPERLINK(1)".clone_into(rules.table.rows[0].last_mut().expect("because"));
        let refused = write(&book, "Rules").expect_err("it is a formula").to_string();
        assert!(
            refused.contains("Rules smb-auto, column because: `=HYPERLINK(1)` would be a formula"),
            "{refused}"
        );
        assert!(write(&book, "Terms").is_ok());
        let refused = write(&book, "Components").expect_err("it has none").to_string();
        assert!(refused.contains("the policy has no table `Components`"), "{refused}");
    }
}
