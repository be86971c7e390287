//! The one way in and the one way out, whatever the format: bytes to a checked shape of a document, and
//! a document's tables to bytes.

use crate::book::{Book, Draft};
use crate::foreign::Side;
use crate::{changes, csv, dmn, jdm, json, xlsx};
use countersign_core::document::Fault;
use countersign_core::exchange::{Changes, Format, Misfit, Reading, Refused, Writing, Written};
use countersign_core::id::IntentTypeName;
use std::fmt;

/// Says where a cell (table, row, column) stands in the file that was read.
type Place = Box<dyn Fn(&str, usize, usize) -> String>;

/// A policy that was read from a file.
pub struct Taken {
    book: Book,
    draft: Draft,
    place: Place,
}

impl fmt::Debug for Taken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Taken").field("book", &self.book).finish_non_exhaustive()
    }
}

impl Taken {
    /// Reads a file as a policy of `intent`. `standing` is the policy that decides it now: what holds
    /// only a table is put into that one.
    ///
    /// # Errors
    /// Everything that cannot be carried over exactly, in the words of the file; or that the file is
    /// about another intent type.
    pub fn read(
        bytes: &[u8],
        format: Format,
        intent: &IntentTypeName,
        standing: Option<&Book>,
        reading: &Reading,
    ) -> Result<Taken, Refused> {
        let taken = Taken::by_format(bytes, format, intent, standing, reading)?;
        let decides = taken.book.setting("intent").unwrap_or("");
        if decides == intent.as_str() {
            return Ok(taken);
        }
        let misfit = Misfit::at("", format!("the file decides `{decides}`, not `{intent}`"));
        Err(misfit.try_instead(format!("import it as a policy of `{decides}`")).into())
    }

    fn by_format(
        bytes: &[u8],
        format: Format,
        intent: &IntentTypeName,
        standing: Option<&Book>,
        reading: &Reading,
    ) -> Result<Taken, Refused> {
        let part_of = || {
            let message =
                format!("no policy decides `{intent}` yet, and this file holds only a table of one");
            let misfit = Misfit::at("", message);
            standing
                .ok_or_else(|| misfit.try_instead(format!("begin with `countersign policy new {intent}`")))
        };
        let side = || reading.side.as_deref().map_or_else(|| Ok(Side::default()), Side::read);
        match format {
            Format::Xlsx => {
                let read = xlsx::read(bytes, xlsx::Options { values: reading.values })?;
                let (book, draft) = (read.book.clone(), read.draft()?);
                Ok(Taken::of(book, draft, move |table, row, column| read.place(table, row, column)))
            }
            Format::Csv => {
                let options =
                    csv::Options { delimiter: reading.delimiter, decimal_comma: reading.decimal_comma };
                let read = csv::read(bytes, part_of()?, &reading.table, options)?;
                let (book, draft) = (read.book.clone(), read.draft()?);
                Ok(Taken::of(book, draft, move |table, row, column| read.place(table, row, column)))
            }
            Format::Json if !jdm::is_jdm(bytes) => {
                let read = json::read(bytes)?;
                let (book, draft) = (read.book.clone(), read.draft()?);
                Ok(Taken::of(book, draft, move |table, row, column| read.place(table, row, column)))
            }
            Format::Json | Format::Dmn => {
                let (policy, side) = (part_of()?, side()?);
                let read = if format == Format::Dmn {
                    dmn::read(bytes, policy, &side)?
                } else {
                    jdm::read(bytes, policy, &side)?
                };
                let (book, draft) = (read.book.clone(), read.draft()?);
                Ok(Taken::of(book, draft, move |table, row, column| read.place(table, row, column)))
            }
        }
    }

    fn of(book: Book, draft: Draft, place: impl Fn(&str, usize, usize) -> String + 'static) -> Taken {
        Taken { book, draft, place: Box::new(place) }
    }

    /// The formatted text of the document.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.draft.text
    }

    /// What it would change of the policy that stands, row by row.
    #[must_use]
    pub fn changes(&self, standing: Option<&Book>) -> Changes {
        changes::between(standing, &self.book)
    }

    /// Faults that were found in the document as `path`, told in the words of the file.
    #[must_use]
    pub fn refused(&self, path: &str, faults: &[Fault]) -> Refused {
        let misfit = |fault: &Fault| {
            if fault.file == path {
                return self.draft.misfit(fault, &self.place);
            }
            Misfit { place: String::new(), message: fault.to_string(), help: fault.help.clone() }
        };
        Refused(faults.iter().map(misfit).collect())
    }
}

/// A policy's document in another format.
///
/// # Errors
/// What the format cannot hold.
pub fn write(book: &Book, format: Format, writing: &Writing) -> Result<Written, Refused> {
    let whole = |bytes| Written { bytes, left_out: Vec::new() };
    match format {
        Format::Xlsx => xlsx::write(book).map(whole),
        Format::Csv => csv::write(book, &writing.table).map(whole),
        Format::Json => json::write(book).map(String::into_bytes).map(whole),
        Format::Dmn => {
            let dmn::Exported { text, left_out } = dmn::write(book, writing.rules_only)?;
            Ok(Written { bytes: text.into_bytes(), left_out })
        }
    }
}
