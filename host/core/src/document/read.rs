//! Reads a document's shape: headings, tables, prose, and everything that is refused.

use super::{
    Cell, DOCUMENT_BYTES_MAX, Document, Faults, Row, Section, SourceFile, TABLE_COLUMNS_MAX, TABLE_ROWS_MAX,
    Table,
};

/// Where the reader is: decides whom the next table belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    Settings,
    Section,
    Unknown,
}

struct Reader<'a> {
    known: &'a [&'a str],
    faults: &'a mut Faults,
    place: Place,
    title: Option<String>,
    settings: Option<Table>,
    sections: Vec<Section>,
    /// The table that is being read; its rows end at the next blank line.
    table: Option<Table>,
    /// The last heading that is no section.
    last_heading: Option<String>,
    /// Whether the line before was blank or a heading, so that a table may begin.
    clear: bool,
}

/// Reads the shape of a document whose sections are among `known`. Faults are noted in `faults`;
/// `None` if there is no title or no settings table, so that nothing can be made of it.
pub fn read(file: &SourceFile, known: &[&str], faults: &mut Faults) -> Option<Document> {
    if file.text.len() > DOCUMENT_BYTES_MAX {
        faults.on_line(
            0,
            format!("the document has {} bytes, at most {DOCUMENT_BYTES_MAX} are read", file.text.len()),
        );
        return None;
    }
    let text = file.text.strip_prefix('\u{feff}').unwrap_or(&file.text);
    let lines: Vec<&str> = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
    let mut reader = Reader {
        known,
        faults,
        place: Place::Start,
        title: None,
        settings: None,
        sections: Vec::new(),
        table: None,
        last_heading: None,
        clear: true,
    };
    let mut skip = false;
    for (index, line) in lines.iter().enumerate() {
        let number = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
        reader.characters(number, line);
        if skip {
            // The delimiter row was read together with its header.
            skip = false;
            continue;
        }
        let next = lines.get(index.saturating_add(1)).copied().unwrap_or("");
        skip = reader.line(number, line, next);
    }
    reader.close_table();
    let Reader { title, settings, sections, faults, .. } = reader;
    if title.is_none() {
        faults.on_line(0, "the document has no `# Title`");
    }
    if settings.is_none() {
        faults.on_line(0, "the document has no settings table under its title");
    }
    Some(Document { path: file.path.clone(), title: title?, settings: settings?, sections })
}

impl Reader<'_> {
    /// Refuses characters that a reader cannot see, or could take for others.
    fn characters(&mut self, number: u32, line: &str) {
        for (index, character) in line.chars().enumerate() {
            let column = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
            let what = if is_invisible(character) {
                "an invisible character"
            } else if character.is_control() && character != '\t' {
                "a control character"
            } else if line.starts_with('|') && is_lookalike(character) {
                "a character that looks like another one"
            } else {
                continue;
            };
            let code = u32::from(character);
            self.faults.push(number, column, format!("{what} (U+{code:04X}) stands here"), None);
            self.faults.help("delete it and type a plain blank or digit instead");
        }
    }

    /// Reads one line; true if `next` was read with it.
    fn line(&mut self, number: u32, line: &str, next: &str) -> bool {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            self.close_table();
            self.clear = true;
            return false;
        }
        if line.starts_with('|') {
            return self.table_line(number, line, next);
        }
        if self.table.is_some() && !line.starts_with('#') {
            self.faults.on_line(number, "text right under a table is rendered as a row of it");
            self.faults.help("put a blank line between");
            // The rows below it are still those of the table.
            markup(self.faults, number, 1, line);
            return false;
        }
        self.close_table();
        if line.starts_with('#') {
            self.heading(number, line);
            self.clear = true;
            return false;
        }
        self.prose(number, line, next);
        self.clear = false;
        false
    }

    fn heading(&mut self, number: u32, line: &str) {
        let marks = line.bytes().take_while(|byte| *byte == b'#').count();
        let rest = line.get(marks..).unwrap_or("");
        let text = rest.trim();
        if !rest.starts_with(' ') || text.is_empty() {
            self.faults.on_line(number, "a heading has a blank and words behind its `#`");
            self.faults.help("write `## HEADING`");
            return;
        }
        markup(self.faults, number, 1, line);
        match marks {
            1 if self.place == Place::Start => {
                self.title = Some(text.to_owned());
                self.place = Place::Settings;
            }
            1 => {
                self.faults.on_line(number, "a document has one `# Title`, at its beginning");
                self.faults.help("write `##` before a section");
            }
            2 => self.section(number, text, marks.saturating_add(1)),
            _ => self.place = Place::Unknown,
        }
    }

    fn section(&mut self, number: u32, text: &str, offset: usize) {
        let (name, detail) = match text.split_once(':') {
            Some((name, detail)) => (name.trim(), detail.trim()),
            None => (text, ""),
        };
        if !self.known.contains(&name) {
            // Prose may have headings of its own; a table under one is refused when it comes.
            self.place = Place::Unknown;
            self.last_heading = Some(name.to_owned());
            let near = self.known.iter().find(|known| known.eq_ignore_ascii_case(name));
            if let Some(near) = near {
                self.faults.on_line(number, format!("unknown section `{name}`"));
                self.faults.help(format!("write `## {near}`"));
            }
            return;
        }
        if self.sections.iter().any(|section| section.name == name) {
            self.faults.on_line(number, format!("a second section `{name}`"));
            self.faults.help("put its rows into the table of the first one");
            self.place = Place::Unknown;
            return;
        }
        let before = text.len().saturating_sub(detail.len()).saturating_add(offset).saturating_add(1);
        let column = u32::try_from(before).unwrap_or(1);
        let detail = Cell { text: detail.to_owned(), line: number, column };
        self.sections.push(Section { name: name.to_owned(), detail, table: None });
        self.place = Place::Section;
    }

    fn table_line(&mut self, number: u32, line: &str, next: &str) -> bool {
        let row = split(self.faults, number, line);
        if let Some(table) = &mut self.table {
            let expected = table.header.cells.len();
            match row {
                Some(row) if row.cells.len() == expected => {
                    if table.rows.len() == TABLE_ROWS_MAX {
                        self.faults.on_line(number, format!("a table has at most {TABLE_ROWS_MAX} rows"));
                    }
                    table.rows.push(row);
                }
                Some(row) => {
                    let count = row.cells.len();
                    let at = row.cells.get(expected).or(row.cells.last()).unwrap_or(&Cell::default()).column;
                    let message = format!("the row has {count} cells, its header has {expected}");
                    self.faults.push(number, at.max(1), message, None);
                    self.faults.help(match count.checked_sub(expected) {
                        Some(1) => {
                            "take one `|` out; one that belongs to the text of a cell is written `\\|`"
                        }
                        Some(_) => {
                            "take some `|` out; those that belong to the text of a cell are written `\\|`"
                        }
                        None => "add a `|` for each cell that is missing; a cell may be empty",
                    });
                }
                None => {}
            }
            return false;
        }
        let Some(header) = row else { return false };
        let columns = delimiter_columns(next);
        if columns.is_none() || !next.starts_with('|') {
            self.faults.on_line(number, "a line that starts with `|` belongs to no table");
            self.faults.help("a table begins with a header and a line of `|---|` under it");
            return false;
        }
        if !self.clear {
            self.faults.on_line(number, "a table begins right under text");
            self.faults.help("put a blank line between");
        }
        if columns != Some(header.cells.len()) {
            self.faults.on_line(number, "the line under the header has another number of cells than it");
            self.faults.help("write `---` once for each cell of the header");
        }
        if header.cells.len() > TABLE_COLUMNS_MAX {
            let count = header.cells.len();
            self.faults.on_line(number, format!("{count} columns, at most {TABLE_COLUMNS_MAX} are read"));
        }
        self.table = Some(Table { header, rows: Vec::new() });
        true
    }

    /// Gives the table that just ended to its section, or says why it has none.
    fn close_table(&mut self) {
        let Some(table) = self.table.take() else { return };
        let line = table.header.line;
        match self.place {
            Place::Settings if self.settings.is_none() => {
                if table.header.cells.len() == 2 {
                    self.settings = Some(table);
                } else {
                    self.faults.on_line(line, "the settings table has two columns");
                    self.faults.help("write `| name | value |` in each row");
                }
            }
            Place::Settings => {
                self.faults.on_line(line, "a second settings table");
                self.faults.help("put its rows into the first one, or a `## HEADING` above it");
            }
            Place::Section => {
                if let Some(section) = self.sections.last_mut() {
                    if section.table.is_some() {
                        self.faults.on_line(line, format!("a second table under `{}`", section.name));
                        let first = section.table.as_ref().map_or(0, |table| table.header.line);
                        self.faults
                            .help(format!("put its rows into the table of line {first}, or remove it"));
                    } else {
                        section.table = Some(table);
                    }
                }
            }
            Place::Start | Place::Unknown => {
                self.faults.on_line(line, "a table under no known heading is not evaluated");
                let known = self.known.iter().copied();
                let near = self.last_heading.as_deref().and_then(|name| super::nearest(name, known));
                self.faults.help(match near {
                    Some(near) => format!("write `## {near}` above it"),
                    None => format!("the headings are {}", self.known.join(", ")),
                });
            }
        }
    }

    fn prose(&mut self, number: u32, line: &str, next: &str) {
        let trimmed = line.trim_start();
        if trimmed.starts_with("```") || trimmed.starts_with("~~~") {
            self.faults.on_line(number, "a fence hides what stands in it from the evaluation");
            self.faults.help("write what stands in it as plain text");
        }
        let inner = trimmed.trim_start_matches(|character: char| {
            matches!(character, '>' | '-' | '*' | '+' | '.' | ')' | ' ' | '\t') || character.is_ascii_digit()
        });
        if inner.starts_with('|') {
            self.faults.on_line(number, "a line that starts with `|` belongs to no table");
            self.faults.help("a table stands at the left margin");
        }
        let underline = next.trim();
        let setext = underline.len() >= 2
            && (underline.bytes().all(|byte| byte == b'=') || underline.bytes().all(|byte| byte == b'-'));
        if setext {
            self.faults.on_line(number, "a heading is written with `#`, not underlined");
            self.faults.help("write `## HEADING`, and remove the line under it");
        }
        let marks = trimmed.trim_end();
        if delimiter_columns(marks).is_some() && marks.contains(['|', ':']) {
            self.faults.on_line(number, "a table has `|` at the beginning of each of its lines");
            self.faults.help("write `|` at the beginning and the end of each line");
        }
        markup(self.faults, number, 1, line);
    }
}

/// Splits a table line at its pipes.
pub(super) fn split(faults: &mut Faults, number: u32, line: &str) -> Option<Row> {
    let mut cells = Vec::new();
    let mut text = String::new();
    let mut start = 0_usize;
    let mut escaped = false;
    let mut ended = false;
    for (index, character) in line.trim_end().chars().enumerate() {
        ended = false;
        if index == 0 {
            start = 1;
        } else if escaped {
            if character != '|' {
                text.push('\\');
            }
            text.push(character);
            escaped = false;
        } else if character == '\\' {
            escaped = true;
        } else if character == '|' {
            cells.push(cell(number, start, &text));
            text.clear();
            start = index.saturating_add(1);
            ended = true;
        } else {
            text.push(character);
        }
    }
    if !ended {
        faults.on_line(number, "a table line ends with `|`");
        faults.help("write `|` at its end");
        return None;
    }
    for cell in &cells {
        markup(faults, number, cell.column, &cell.text);
    }
    Some(Row { line: number, cells })
}

fn cell(line: u32, start: usize, text: &str) -> Cell {
    let blanks = text.chars().take_while(|character| character.is_whitespace()).count();
    let trimmed = text.trim();
    let lead = if trimmed.is_empty() { 1 } else { blanks };
    let column = u32::try_from(start.saturating_add(lead).saturating_add(1)).unwrap_or(u32::MAX);
    Cell { text: trimmed.to_owned(), line, column }
}

/// How many cells the delimiter row `line` has; `None` if it is none.
fn delimiter_columns(line: &str) -> Option<usize> {
    let inner = line.trim();
    let inner = inner.strip_prefix('|').unwrap_or(inner);
    let inner = inner.strip_suffix('|').unwrap_or(inner);
    let cells: Vec<&str> = inner.split('|').map(str::trim).collect();
    let plain = cells.iter().all(|cell| {
        let dashes = cell.strip_prefix(':').unwrap_or(cell);
        let dashes = dashes.strip_suffix(':').unwrap_or(dashes);
        !dashes.is_empty() && dashes.bytes().all(|byte| byte == b'-')
    });
    plain.then_some(cells.len())
}

/// Refuses HTML and comments: a renderer hides or changes what stands in them.
fn markup(faults: &mut Faults, number: u32, column: u32, text: &str) {
    let mut previous = ' ';
    let mut code = false;
    for (index, character) in text.chars().enumerate() {
        // A backtick that nothing closes is only a backtick.
        if character == '`' && (code || text.chars().skip(index.saturating_add(1)).any(|next| next == '`')) {
            code = !code;
        }
        let opens = character.is_ascii_alphabetic() || matches!(character, '/' | '!' | '?');
        if previous == '<' && opens && !code {
            let offset = u32::try_from(index).unwrap_or(0);
            let (what, help) = if character == '!' {
                ("a comment", "remove it, or write it as plain text away from the table")
            } else {
                ("HTML", "write plain text; put a blank behind a `<` that compares")
            };
            faults.push(
                number,
                column.saturating_add(offset).saturating_sub(1),
                format!("{what} is rendered as something else than it says"),
                Some(help.to_owned()),
            );
            return;
        }
        previous = character;
    }
}

/// Zero-width and direction-changing characters.
pub(crate) fn is_invisible(character: char) -> bool {
    matches!(u32::from(character),
        0x00AD | 0x034F | 0x061C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180F
        | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF
        | 0xFFA0 | 0xFFF0..=0xFFFB | 0xE0000..=0xE0FFF)
}

/// Blanks that are no plain blank, and full-width forms of ASCII.
pub(crate) fn is_lookalike(character: char) -> bool {
    matches!(u32::from(character),
        0x00A0 | 0x1680 | 0x2000..=0x200A | 0x2028 | 0x2029 | 0x202F | 0x205F | 0x3000 | 0xFF01..=0xFF5E)
}
