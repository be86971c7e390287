//! Writes a document again: its tables aligned, everything else as it was.
//!
//! Every line end becomes a line feed, the last line has one, and a byte order mark is dropped, so
//! that one document has one spelling on every machine. Nothing else changes: no blank line, no
//! word of the prose, no letter of a cell.
//!
//! A cell that is wider than all others widens each row. Where the document would become longer than
//! one may be, its tables are not aligned: one blank stands at each end of a cell.

use super::read::split;
use super::{DOCUMENT_BYTES_MAX, Faults, SourceFile};
use std::fmt::{self, Write as _};
use std::iter;

/// Narrowest column, in characters: three dashes are what every renderer takes for a table.
const WIDTH_MIN: usize = 3;

/// Where the cells of a column stand when the table is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Align {
    /// As the renderer likes: `---`.
    #[default]
    Free,
    /// `:---`.
    Left,
    /// `---:`.
    Right,
    /// `:---:`.
    Middle,
}

/// A table as text: what a spreadsheet has too.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlainTable {
    /// The names of the columns.
    pub header: Vec<String>,
    /// One for each column.
    pub align: Vec<Align>,
    /// Rows of as many cells as there are columns; a pipe is a plain `|` in here.
    pub rows: Vec<Vec<String>>,
}

/// A piece of a document between two borders of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// Lines that belong to no table, blank ones among them.
    Lines(Vec<String>),
    /// A table.
    Table(PlainTable),
}

/// A document taken apart into lines and tables. Its `Display` is the document, formatted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    /// The pieces in their order.
    pub blocks: Vec<Block>,
}

impl Layout {
    /// Takes a document apart whose sections are among `known`. Faults are noted; `None` if there
    /// is any, because a document whose shape is wrong has no tables to rely on.
    #[must_use]
    pub fn read(file: &SourceFile, known: &[&str], faults: &mut Faults) -> Option<Layout> {
        let before = faults.len();
        super::read(file, known, faults)?;
        if faults.len() > before {
            return None;
        }
        let text = file.text.strip_prefix('\u{feff}').unwrap_or(&file.text);
        let text = text.strip_suffix('\n').unwrap_or(text);
        let mut lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
        let mut layout = Layout::default();
        while let Some(line) = lines.next() {
            if !line.starts_with('|') {
                layout.line(line);
                continue;
            }
            let row = split(faults, 0, line)?.cells.into_iter().map(|cell| cell.text).collect();
            match layout.blocks.last_mut() {
                Some(Block::Table(table)) => table.rows.push(row),
                Some(Block::Lines(_)) | None => {
                    let align = alignment(lines.next().unwrap_or(""));
                    layout.blocks.push(Block::Table(PlainTable { header: row, align, rows: Vec::new() }));
                }
            }
        }
        Some(layout)
    }

    fn line(&mut self, line: &str) {
        match self.blocks.last_mut() {
            Some(Block::Lines(lines)) => lines.push(line.to_owned()),
            Some(Block::Table(_)) | None => self.blocks.push(Block::Lines(vec![line.to_owned()])),
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = |block: &Block| match block {
            Block::Lines(lines) => lines.iter().map(|line| line.len().saturating_add(1)).sum(),
            Block::Table(table) => table.bytes(&table.widths()),
        };
        let all = self.blocks.iter().map(bytes).fold(0, usize::saturating_add);
        for block in &self.blocks {
            match block {
                Block::Lines(lines) => lines.iter().try_for_each(|line| writeln!(formatter, "{line}"))?,
                Block::Table(table) if all <= DOCUMENT_BYTES_MAX => {
                    table.written(formatter, &table.widths())?;
                }
                Block::Table(table) => table.written(formatter, &vec![0; table.header.len()])?,
            }
        }
        Ok(())
    }
}

impl PlainTable {
    fn rows(&self) -> impl Iterator<Item = &Vec<String>> {
        iter::once(&self.header).chain(&self.rows)
    }

    /// What each column needs, in characters.
    fn widths(&self) -> Vec<usize> {
        let mut widths = vec![WIDTH_MIN; self.header.len()];
        for row in self.rows() {
            for (width, text) in widths.iter_mut().zip(row) {
                *width = escape(text).chars().count().max(*width);
            }
        }
        widths
    }

    /// How long the table is with columns so wide.
    fn bytes(&self, widths: &[usize]) -> usize {
        let cells = self.rows().flat_map(|row| row.iter().zip(widths));
        // A pipe and two blanks; and letters of more than one byte count as one in a width.
        let cell = |(text, width): (&String, &usize)| {
            let more = text.len().saturating_sub(text.chars().count());
            width.saturating_add(more).saturating_add(3)
        };
        let dashes = widths.iter().map(|width| width.saturating_add(3));
        let ends = self.rows.len().saturating_add(2).saturating_mul(2);
        cells.map(cell).chain(dashes).fold(ends, usize::saturating_add)
    }

    fn written(&self, formatter: &mut fmt::Formatter<'_>, widths: &[usize]) -> fmt::Result {
        line(formatter, &self.header, widths)?;
        formatter.write_char('|')?;
        for (index, width) in widths.iter().enumerate() {
            let align = self.align.get(index).copied().unwrap_or_default();
            formatter.write_char(if matches!(align, Align::Left | Align::Middle) { ':' } else { '-' })?;
            times(formatter, '-', (*width).max(WIDTH_MIN))?;
            formatter.write_char(if matches!(align, Align::Right | Align::Middle) { ':' } else { '-' })?;
            formatter.write_char('|')?;
        }
        formatter.write_char('\n')?;
        self.rows.iter().try_for_each(|row| line(formatter, row, widths))
    }
}

fn line(formatter: &mut fmt::Formatter<'_>, row: &[String], widths: &[usize]) -> fmt::Result {
    formatter.write_char('|')?;
    for (text, width) in row.iter().zip(widths) {
        let text = escape(text);
        write!(formatter, " {text}")?;
        // The width of a format ends at 65,535.
        times(formatter, ' ', width.saturating_sub(text.chars().count()).saturating_add(1))?;
        formatter.write_char('|')?;
    }
    formatter.write_char('\n')
}

fn times(formatter: &mut fmt::Formatter<'_>, letter: char, count: usize) -> fmt::Result {
    iter::repeat_n(letter, count).try_for_each(|letter| formatter.write_char(letter))
}

/// A pipe would end the cell.
fn escape(text: &str) -> String {
    text.replace('|', "\\|")
}

/// What the row under a header says of each column.
fn alignment(line: &str) -> Vec<Align> {
    let inner = line.trim();
    let inner = inner.strip_prefix('|').unwrap_or(inner);
    let inner = inner.strip_suffix('|').unwrap_or(inner);
    let of = |cell: &str| match (cell.starts_with(':'), cell.ends_with(':')) {
        (false, false) => Align::Free,
        (true, false) => Align::Left,
        (false, true) => Align::Right,
        (true, true) => Align::Middle,
    };
    inner.split('|').map(|cell| of(cell.trim())).collect()
}
