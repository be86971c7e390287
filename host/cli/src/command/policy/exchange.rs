//! What import and export share: formats, and the policy that stands already.

use crate::exit;
use crate::output::Failure;
use anyhow::Result;
use countersign_core::document::SourceFile;
use countersign_exchange::book::Book;
use std::fmt;
use std::path::Path;

/// A format of another tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A workbook: the whole policy
    Xlsx,
    /// One table
    Csv,
    /// The rule table
    Dmn,
    /// The typed form: the whole policy
    Json,
}

impl Format {
    /// The format that a file's name ends with.
    ///
    /// # Errors
    /// If it ends with none that is known.
    pub(super) fn of(file: &Path) -> Result<Format> {
        let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or("").to_ascii_lowercase();
        match ending.as_str() {
            "xlsx" => Ok(Format::Xlsx),
            "csv" | "tsv" => Ok(Format::Csv),
            "dmn" => Ok(Format::Dmn),
            "json" => Ok(Format::Json),
            _ => {
                let message = format!("the name `{}` says no format", file.display());
                let failure = Failure::new(exit::USAGE, message);
                Err(failure.with_help("it ends with .xlsx, .csv, .dmn or .json").into())
            }
        }
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

/// The policy file that decides `intent`, taken apart; `None` if there is none.
///
/// # Errors
/// If several do and `named` says none of them, or if it cannot be taken apart.
pub(super) fn existing<'a>(
    files: &'a [SourceFile],
    intent: &str,
    named: Option<&str>,
) -> Result<Option<(&'a SourceFile, Book)>> {
    let mut found = Vec::new();
    let mut broken = Vec::new();
    for file in files.iter().filter(|file| file.path.starts_with("policies/")) {
        let name = file.path.trim_start_matches("policies/");
        if named.is_some_and(|named| named != name) {
            continue;
        }
        match Book::read(file) {
            Ok(book) if setting(&book, "intent") == Some(intent) => found.push((file, book)),
            Ok(_) => {}
            Err(refused) => broken.push((file, refused)),
        }
    }
    // A file that cannot be read could be the one.
    if found.is_empty()
        && let Some((file, refused)) = broken.first()
    {
        let mut failure = Failure::new(exit::NO, format!("`{}` cannot be read", file.path));
        failure.places = refused.to_string().lines().map(str::to_owned).collect();
        return Err(failure.into());
    }
    if found.len() > 1 {
        let names: Vec<&str> =
            found.iter().map(|(file, _)| file.path.trim_start_matches("policies/")).collect();
        let failure = Failure::new(exit::USAGE, format!("several policies decide `{intent}`"));
        return Err(failure.with_help(format!("name one with `--policy`: {}", names.join(", "))).into());
    }
    Ok(found.pop())
}

/// The value of a setting.
pub(super) fn setting<'a>(book: &'a Book, name: &str) -> Option<&'a str> {
    let row = book.settings.rows.iter().find(|row| row.first().is_some_and(|first| first == name))?;
    row.get(1).map(String::as_str)
}
