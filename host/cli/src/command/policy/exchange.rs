//! What import and export share: formats, and the policy that stands already.

use crate::exit;
use crate::output::Failure;
use anyhow::Result;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use countersign_core::document::SourceFile;
use countersign_core::exchange::Format;
use countersign_exchange::book::Book;
use std::path::Path;

/// Reads the word of a format.
pub(super) fn format_word() -> impl TypedValueParser<Value = Format> {
    let shown = Format::ALL.map(|format| {
        let help = match format {
            Format::Xlsx => "A workbook: the whole policy",
            Format::Csv => "One table",
            Format::Dmn => "The rule table",
            Format::Json => "The typed form: the whole policy",
        };
        PossibleValue::new(format.word()).help(help)
    });
    PossibleValuesParser::new(shown).try_map(|word| Format::parse(&word).ok_or("this is no format"))
}

/// The format that a file's name ends with.
///
/// # Errors
/// If it ends with none that is known.
pub(super) fn format_of(file: &Path) -> Result<Format> {
    let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or("").to_ascii_lowercase();
    let ending = if ending == "tsv" { Format::Csv.word() } else { &ending };
    if let Some(format) = Format::parse(ending) {
        return Ok(format);
    }
    let message = format!("the name `{}` says no format", file.display());
    let failure = Failure::new(exit::USAGE, message);
    Err(failure.with_help("it ends with .xlsx, .csv, .dmn or .json").into())
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
            Ok(book) if book.setting("intent") == Some(intent) => found.push((file, book)),
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
