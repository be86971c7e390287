//! A policy as named tables and the prose between them: the form that all formats share.
//!
//! A book holds everything that the document's text holds, so that a document that goes out and
//! comes back is the same, byte for byte, after formatting. What a document usually has between two
//! tables (one blank line) is left out of the prose; whatever differs from that stands there line by
//! line under the name of its place.

use crate::{Misfit, Refused};
use countersign_core::document::{Align, Block, Fault, Layout, PlainTable, SourceFile};
use countersign_core::rulebook;
use std::collections::BTreeMap;

/// The name under which the settings table goes.
pub const POLICY: &str = "Policy";
/// The name under which the lines between the tables go.
pub const PROSE: &str = "Prose";
/// The sections that a policy may have, in their usual order.
pub const SECTIONS: [&str; 8] =
    ["Inputs", "Terms", "Rules", "Guards", "Components", "Routes", "Promises", "Examples"];
/// The columns of the prose.
pub const PROSE_COLUMNS: [&str; 3] = ["place", "line", "text"];
/// Most lines of prose at one place.
const PROSE_LINES_MAX: u32 = 20_000;

/// One line that belongs to no table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prose {
    /// Where: `under title`, `after Rules`, `under Rules`, or what a heading or a row of dashes says
    /// beyond the usual (`heading Rules`, `columns Rules`).
    pub place: String,
    /// Which line of that place, from 1; 0 says that there is not even a blank line.
    pub line: u32,
    /// The line.
    pub text: String,
}

/// A section with its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Its table.
    pub table: PlainTable,
}

/// A policy as tables.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Book {
    /// The text of the `# Title`.
    pub title: String,
    /// What stands behind `Rules:`, such as `first, for each clause`.
    pub rules: String,
    /// The settings.
    pub settings: PlainTable,
    /// The sections that have a table, in their order.
    pub sections: Vec<Section>,
    /// The lines between the tables where they are not the usual ones.
    pub prose: Vec<Prose>,
}

/// For each line the table and the row that it shows; nothing for a line that belongs to no table.
type Origins = Vec<Option<(String, usize)>>;

/// A document that was put together, and where each of its lines comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The formatted text.
    pub text: String,
    /// For each line the table and the row (0 is the header) that it shows.
    lines: Origins,
}

impl Book {
    /// Takes a policy's document apart.
    ///
    /// # Errors
    /// What is wrong with its shape.
    pub fn read(file: &SourceFile) -> Result<Book, Refused> {
        let layout = rulebook::layout(file).map_err(|faults| refused(&faults))?;
        let mut book = Book::default();
        // The table that was read last; its lines come next.
        let mut last: Option<String> = None;
        let mut lines: &[String] = &[];
        for block in &layout.blocks {
            match block {
                Block::Lines(found) => lines = found,
                Block::Table(table) => {
                    let name = book.headed(lines, last.as_deref());
                    book.aligned(&name, table);
                    let table = PlainTable { align: vec![Align::Free; table.header.len()], ..table.clone() };
                    match last {
                        None => book.settings = table,
                        Some(_) => book.sections.push(Section { name: name.clone(), table }),
                    }
                    last = Some(name);
                    lines = &[];
                }
            }
        }
        book.gap(&format!("after {}", last.as_deref().unwrap_or(POLICY)), lines, &[]);
        Ok(book)
    }

    /// Takes the lines before a table apart; gives the name of the table.
    fn headed(&mut self, lines: &[String], last: Option<&str>) -> String {
        let at = lines.iter().rposition(|line| line.starts_with('#')).unwrap_or(0);
        let (before, rest) = lines.split_at(at.min(lines.len()));
        let (heading, under) = rest.split_first().map_or(("", rest), |(first, rest)| (first.as_str(), rest));
        let Some(last) = last else {
            heading_text(heading).clone_into(&mut self.title);
            self.gap("before title", before, &[]);
            self.heading("title", heading, &title_line(&self.title));
            self.gap("under title", under, &[""]);
            return POLICY.to_owned();
        };
        let (name, detail) = section_of(heading);
        self.gap(&format!("after {last}"), before, &[""]);
        let usual = if name == "Rules" {
            detail.clone_into(&mut self.rules);
            section_line(name, detail)
        } else {
            section_line(name, "")
        };
        self.heading(name, heading, &usual);
        self.gap(&format!("under {name}"), under, &[""]);
        name.to_owned()
    }

    fn heading(&mut self, name: &str, line: &str, usual: &str) {
        if line != usual {
            self.prose.push(Prose { place: format!("heading {name}"), line: 1, text: line.to_owned() });
        }
    }

    fn aligned(&mut self, name: &str, table: &PlainTable) {
        if table.align.iter().any(|align| *align != Align::Free) {
            let words: Vec<&str> = table.align.iter().map(|align| word_of(*align)).collect();
            let place = format!("columns {name}");
            self.prose.push(Prose { place, line: 1, text: words.join(" ") });
        }
    }

    fn gap(&mut self, place: &str, lines: &[String], usual: &[&str]) {
        if lines == usual {
            return;
        }
        let prose = |line, text: &str| Prose { place: place.to_owned(), line, text: text.to_owned() };
        if lines.is_empty() {
            self.prose.push(prose(0, ""));
        }
        self.prose.extend((1..).zip(lines).map(|(number, line)| prose(number, line)));
    }

    /// The value of a setting.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&str> {
        let row = self.settings.rows.iter().find(|row| row.first().is_some_and(|first| first == name))?;
        row.get(1).map(String::as_str)
    }

    /// The table of the section called `name`.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&PlainTable> {
        self.sections.iter().find(|section| section.name == name).map(|section| &section.table)
    }

    /// Puts the document together and reads it again: what would be read otherwise than it stands
    /// here is refused.
    ///
    /// # Errors
    /// What a document cannot hold; `place` says where a cell (table, row from 0 for the header,
    /// column from 0) stands in the file that this book was made of.
    pub fn draft(&self, place: &dyn Fn(&str, usize, usize) -> String) -> Result<Draft, Refused> {
        self.cells(place)?;
        let (layout, lines) = self.layout()?;
        let draft = Draft { text: layout.to_string(), lines };
        let file = SourceFile { path: "import.policy.md".to_owned(), text: draft.text.clone() };
        match rulebook::layout(&file) {
            Ok(again) if again == layout => Ok(draft),
            Ok(_) => {
                let message = "the prose would be read as something else: it holds a heading or a table";
                Err(Misfit::at(PROSE, message).into())
            }
            Err(faults) => Err(Refused(faults.iter().map(|fault| draft.misfit(fault, place)).collect())),
        }
    }

    /// Refuses texts that no cell of a document can hold.
    fn cells(&self, place: &dyn Fn(&str, usize, usize) -> String) -> Result<(), Refused> {
        let mut misfits = Vec::new();
        let sections = self.sections.iter().map(|section| (section.name.as_str(), &section.table));
        for (name, table) in [(POLICY, &self.settings)].into_iter().chain(sections) {
            for (number, row) in std::iter::once(&table.header).chain(&table.rows).enumerate() {
                for column in
                    (0..row.len()).filter(|column| row.get(*column).is_some_and(|text| !is_cell(text)))
                {
                    let misfit = Misfit::at(place(name, number, column), "a cell cannot hold this text");
                    let help = "no line end, no blank at an end, no backslash right before a pipe";
                    misfits.push(misfit.try_instead(help));
                }
            }
        }
        if misfits.is_empty() { Ok(()) } else { Err(Refused(misfits)) }
    }

    fn layout(&self) -> Result<(Layout, Origins), Refused> {
        let mut prose = places(&self.prose)?;
        let mut layout = Layout::default();
        let mut origins: Origins = Vec::new();
        let mut take = |place: String, usual: &[&str]| -> Vec<String> {
            prose.remove(&place).unwrap_or_else(|| usual.iter().map(|line| (*line).to_owned()).collect())
        };
        let heading = |found: Vec<String>, usual: String, same: &dyn Fn(&str) -> bool| -> String {
            found.into_iter().next().filter(|line| same(line)).unwrap_or(usual)
        };
        let mut lines = take("before title".to_owned(), &[]);
        let own = |line: &str| heading_text(line) == self.title;
        lines.push(heading(take("heading title".to_owned(), &[]), title_line(&self.title), &own));
        lines.extend(take("under title".to_owned(), &[""]));
        let tables = std::iter::once((POLICY, &self.settings))
            .chain(self.sections.iter().map(|section| (section.name.as_str(), &section.table)));
        let count = 1 + self.sections.len();
        for (index, (name, table)) in tables.enumerate() {
            if index > 0 {
                let detail = if name == "Rules" { self.rules.as_str() } else { "" };
                let same = |line: &str| {
                    let (own, found) = section_of(line);
                    own == name && (name != "Rules" || found == self.rules)
                };
                lines.push(heading(take(format!("heading {name}"), &[]), section_line(name, detail), &same));
                lines.extend(take(format!("under {name}"), &[""]));
            }
            origins.resize(origins.len() + lines.len(), None);
            layout.blocks.push(Block::Lines(std::mem::take(&mut lines)));
            let words = take(format!("columns {name}"), &[]);
            let align = alignment(words.first().map_or("", String::as_str), table.header.len());
            origins.push(Some((name.to_owned(), 0)));
            origins.push(None);
            origins.extend((1..=table.rows.len()).map(|row| Some((name.to_owned(), row))));
            layout.blocks.push(Block::Table(PlainTable { align, ..table.clone() }));
            let usual: &[&str] = if index + 1 == count { &[] } else { &[""] };
            lines = take(format!("after {name}"), usual);
        }
        if !lines.is_empty() {
            layout.blocks.push(Block::Lines(lines));
        }
        let unknown: Vec<Misfit> = prose
            .into_keys()
            .map(|place| Misfit::at(PROSE, format!("`{place}` is no place of this policy")))
            .collect();
        if unknown.is_empty() { Ok((layout, origins)) } else { Err(Refused(unknown)) }
    }
}

impl Draft {
    /// A fault of the draft's text in the words of the file that it was made of.
    #[must_use]
    pub fn misfit(&self, fault: &Fault, place: &dyn Fn(&str, usize, usize) -> String) -> Misfit {
        let index = usize::try_from(fault.line).unwrap_or(0).checked_sub(1);
        let found = match index.and_then(|index| self.lines.get(index).cloned().flatten()) {
            Some((table, row)) => {
                let line = index.and_then(|index| self.text.lines().nth(index)).unwrap_or("");
                place(&table, row, cell_at(line, fault.column))
            }
            None if fault.line > 0 => format!("line {} of the document", fault.line),
            None => String::new(),
        };
        Misfit { place: found, message: fault.message.clone(), help: fault.help.clone() }
    }
}

/// Whether a cell of a document can hold this text.
fn is_cell(text: &str) -> bool {
    let even = |text: &str| text.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 0;
    text.trim() == text
        && !text.contains(['\n', '\r'])
        && text.match_indices('|').all(|(at, _)| text.get(..at).is_none_or(even))
}

/// The index of the cell that holds a column (from 1) of a table line.
fn cell_at(line: &str, column: u32) -> usize {
    let until = usize::try_from(column).unwrap_or(0).saturating_sub(1);
    let mut escaped = false;
    let mut pipes = 0_usize;
    for character in line.chars().take(until) {
        if character == '|' && !escaped {
            pipes += 1;
        }
        escaped = character == '\\' && !escaped;
    }
    pipes.saturating_sub(1)
}

/// Lines by their place.
fn places(prose: &[Prose]) -> Result<BTreeMap<String, Vec<String>>, Refused> {
    let mut found: BTreeMap<String, BTreeMap<u32, &str>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for line in prose {
        let at = || format!("{PROSE}, `{}` line {}", line.place, line.line);
        if PROSE_LINES_MAX < line.line {
            wrong.push(Misfit::at(at(), format!("a place has at most {PROSE_LINES_MAX} lines")));
        } else if found.entry(line.place.clone()).or_default().insert(line.line, &line.text).is_some() {
            wrong.push(Misfit::at(at(), "this line stands here twice"));
        }
    }
    if !wrong.is_empty() {
        return Err(Refused(wrong));
    }
    let lines = |numbered: BTreeMap<u32, &str>| -> Vec<String> {
        let last = numbered.keys().last().copied().unwrap_or(0);
        (1..=last).map(|number| numbered.get(&number).copied().unwrap_or("").to_owned()).collect()
    };
    Ok(found.into_iter().map(|(place, numbered)| (place, lines(numbered))).collect())
}

pub(crate) fn refused(faults: &[Fault]) -> Refused {
    let misfit = |fault: &Fault| {
        let bare = Fault { message: String::new(), ..fault.clone() }.to_string();
        let place = bare.trim_end_matches([':', ' ']).to_owned();
        Misfit { place, message: fault.message.clone(), help: fault.help.clone() }
    };
    Refused(faults.iter().map(misfit).collect())
}

fn heading_text(line: &str) -> &str {
    line.trim_start_matches('#').trim()
}

fn section_of(line: &str) -> (&str, &str) {
    let text = heading_text(line);
    text.split_once(':').map_or((text, ""), |(name, detail)| (name.trim(), detail.trim()))
}

fn title_line(title: &str) -> String {
    format!("# {title}")
}

fn section_line(name: &str, detail: &str) -> String {
    if detail.is_empty() { format!("## {name}") } else { format!("## {name}: {detail}") }
}

fn word_of(align: Align) -> &'static str {
    match align {
        Align::Free => "---",
        Align::Left => ":--",
        Align::Right => "--:",
        Align::Middle => ":-:",
    }
}

fn alignment(words: &str, columns: usize) -> Vec<Align> {
    let of = |word: &str| match word {
        ":--" => Align::Left,
        "--:" => Align::Right,
        ":-:" => Align::Middle,
        _ => Align::Free,
    };
    let mut align: Vec<Align> = words.split(' ').map(of).collect();
    align.resize(columns, Align::Free);
    align
}
