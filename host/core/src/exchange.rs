//! What is said when a policy goes to the format of another tool or comes from one: how it is to be
//! read, what cannot be carried over, and what would change. The formats themselves are an adapter's.

use serde::Serialize;
use std::fmt;

/// A format of another tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A workbook: the whole policy.
    Xlsx,
    /// One table.
    Csv,
    /// The rule table.
    Dmn,
    /// The typed form: the whole policy. Comes in as JDM too.
    Json,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 4] = [Format::Xlsx, Format::Csv, Format::Dmn, Format::Json];

    /// Its word, with which the names of its files end.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Format::Xlsx => "xlsx",
            Format::Csv => "csv",
            Format::Dmn => "dmn",
            Format::Json => "json",
        }
    }

    /// The format of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.word() == word)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Format::Xlsx => "a workbook",
            Format::Csv => "CSV",
            Format::Dmn => "DMN",
            Format::Json => "JSON",
        })
    }
}

/// How a file is to be read: what it does not say itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Workbook: take the values of formulas instead of refusing them.
    pub values: bool,
    /// CSV: which table it is.
    pub table: String,
    /// CSV: what separates its cells; a comma unless said otherwise.
    pub delimiter: Option<char>,
    /// CSV: whether the decimal mark is a comma.
    pub decimal_comma: bool,
    /// DMN, JDM: the side table with types, ids and outcomes, as text.
    pub side: Option<String>,
}

impl Reading {
    /// What may separate the cells of CSV, as somebody writes it: `,`, `;` or `tab`.
    #[must_use]
    pub fn mark(text: &str) -> Option<char> {
        match text {
            "," => Some(','),
            ";" => Some(';'),
            "tab" | "\t" => Some('\t'),
            _ => None,
        }
    }
}

/// How a policy is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writing {
    /// The one table that CSV holds.
    pub table: String,
    /// DMN: the rule table alone, whatever is left out.
    pub rules_only: bool,
}

/// A policy in another format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The file.
    pub bytes: Vec<u8>,
    /// What of the policy it does not hold.
    pub left_out: Vec<String>,
}

/// Most misfits that are told at once; more nobody reads.
pub const MISFITS_MAX: usize = 100;

/// Something in a file that cannot be carried over, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// Where, in the words of the format: `sheet Rules, cell C4`.
    pub place: String,
    /// What is wrong.
    pub message: String,
    /// What to try, if that is known.
    pub help: Option<String>,
}

impl Misfit {
    /// Something wrong at a place.
    #[must_use]
    pub fn at(place: impl Into<String>, message: impl Into<String>) -> Misfit {
        Misfit { place: place.into(), message: message.into(), help: None }
    }

    /// The same with a way out.
    #[must_use]
    pub fn try_instead(mut self, help: impl Into<String>) -> Misfit {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() {
            return formatter.write_str(&self.message);
        }
        write!(formatter, "{}: {}", self.place, self.message)
    }
}

/// Everything that keeps a file from being carried over, up to [`MISFITS_MAX`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(pub Vec<Misfit>);

impl From<Misfit> for Refused {
    fn from(misfit: Misfit) -> Refused {
        Refused(vec![misfit])
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, misfit) in self.0.iter().take(MISFITS_MAX).enumerate() {
            if index > 0 {
                formatter.write_str("\n")?;
            }
            write!(formatter, "{misfit}")?;
            if let Some(help) = &misfit.help {
                write!(formatter, "\n  try: {help}")?;
            }
        }
        match self.0.len().checked_sub(MISFITS_MAX) {
            Some(more) if more > 0 => write!(formatter, "\nand {more} more"),
            Some(_) | None => Ok(()),
        }
    }
}

impl std::error::Error for Refused {}

/// What happens to a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "what")]
pub enum Change {
    /// It is new.
    Added {
        /// Its cells.
        cells: Vec<String>,
    },
    /// It goes.
    Removed {
        /// Its cells.
        cells: Vec<String>,
    },
    /// Some of its cells are others now.
    Changed {
        /// Column, old text, new text.
        cells: Vec<(String, String, String)>,
    },
    /// It stands at another place among the rows that stay, which can decide otherwise.
    Moved,
}

/// A change of one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowChange {
    /// The table.
    pub table: String,
    /// The row's id.
    pub id: String,
    /// What happens.
    #[serde(flatten)]
    pub change: Change,
}

/// Everything that an import would change.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Changes {
    /// Changes of rows, table by table.
    pub rows: Vec<RowChange>,
    /// Changes of title, hit policy, columns and prose, in words.
    pub others: Vec<String>,
}

impl Changes {
    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.others.is_empty()
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |cells: &[String]| {
            let filled: Vec<&str> =
                cells.iter().skip(1).map(String::as_str).filter(|text| !text.is_empty()).collect();
            filled.join(" | ")
        };
        for row in &self.rows {
            let place = format!("{} {}", row.table, row.id);
            match &row.change {
                Change::Added { cells } => writeln!(formatter, "added    {place}: {}", joined(cells))?,
                Change::Removed { cells } => writeln!(formatter, "removed  {place}: {}", joined(cells))?,
                Change::Moved => writeln!(formatter, "moved    {place}")?,
                Change::Changed { cells } => {
                    let one =
                        |(column, was, is): &(String, String, String)| format!("{column} `{was}` -> `{is}`");
                    let all: Vec<String> = cells.iter().map(one).collect();
                    writeln!(formatter, "changed  {place}: {}", all.join(", "))?;
                }
            }
        }
        self.others.iter().try_for_each(|other| writeln!(formatter, "changed  {other}"))
    }
}
