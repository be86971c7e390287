//! The exchange port over the formats of `countersign-exchange`.

use countersign_core::document::{Fault, SourceFile};
use countersign_core::exchange::{Format, Refused, Writing, Written};
use countersign_engine::port::exchange::{Exchange, Imported, Incoming};
use countersign_exchange::book::Book;
use countersign_exchange::carry::{self, Taken};

/// All formats that there are.
#[derive(Debug, Clone, Copy, Default)]
pub struct Formats;

impl Exchange for Formats {
    fn read(
        &self,
        file: Incoming<'_>,
        path: &str,
        sound: &dyn Fn(&SourceFile) -> Result<(), Vec<Fault>>,
    ) -> Result<Imported, Refused> {
        let standing = file.standing.map(Book::read).transpose()?;
        let taken = Taken::read(file.bytes, file.format, file.intent, standing.as_ref(), file.reading)?;
        let document = SourceFile { path: path.to_owned(), text: taken.text().to_owned() };
        sound(&document).map_err(|faults| taken.refused(path, &faults))?;
        Ok(Imported { document: document.text, changes: taken.changes(standing.as_ref()) })
    }

    fn write(&self, document: &SourceFile, format: Format, writing: &Writing) -> Result<Written, Refused> {
        carry::write(&Book::read(document)?, format, writing)
    }
}
