//! The exchange port: policies from and to the formats of other tools, for doors that take and give
//! files. The engine itself never asks for it: see `host/docs/decisions/0011`.

use countersign_core::document::{Fault, SourceFile};
use countersign_core::exchange::{Changes, Format, Reading, Refused, Writing, Written};
use countersign_core::id::IntentTypeName;

/// A file that is to become a policy.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// What it is.
    pub format: Format,
    /// The intent type that it must decide.
    pub intent: &'a IntentTypeName,
    /// What it does not say itself.
    pub reading: &'a Reading,
    /// The policy that decides this type now: what holds only a table is put into it.
    pub standing: Option<&'a SourceFile>,
}

/// A document that was made of a file, and that is sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The formatted text of the document.
    pub document: String,
    /// What it would change of the policy that stands.
    pub changes: Changes,
}

/// All formats. Both ways are pure, and keep a core busy for as long as the file is large.
pub trait Exchange: Send + Sync + 'static {
    /// Makes a document of a file and lets `sound` look at it, as the file of that path; its faults are
    /// told in the words of the file.
    ///
    /// # Errors
    /// Everything that cannot be carried over exactly, or is not sound.
    fn read(
        &self,
        file: Incoming<'_>,
        path: &str,
        sound: &dyn Fn(&SourceFile) -> Result<(), Vec<Fault>>,
    ) -> Result<Imported, Refused>;

    /// Writes a document as a file.
    ///
    /// # Errors
    /// What the format cannot hold.
    fn write(&self, document: &SourceFile, format: Format, writing: &Writing) -> Result<Written, Refused>;
}
