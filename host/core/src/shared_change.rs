//! Changing a file that all policies share is an intent like every other one: the built-in intent type
//! `shared_change`, what a change must pass at the door, what its approvers see of it, and what is checked once more
//! before it becomes active.
//!
//! A policy has a change of its own ([`crate::publish`]): it is proved, and has versions whose turns come. A shared
//! file has one text at a time. Nothing of a file is on record until its first change; from then on only the log says
//! what it holds, and the file of the house means nothing any more.

mod built_in;
mod compare;
mod evidence;
mod examine;
mod file;
pub(crate) mod gain;
mod record;

pub(crate) use built_in::described;
pub use built_in::voices;
pub use compare::{Difference, compare};
pub use evidence::SharedChange;
pub use examine::{admit, confirm, evidence};
pub use file::SharedFile;
pub use record::PublishedFile;

use crate::hash::Digest;
use crate::id::{FieldName, IntentTypeName};
use crate::intent::{TokenValue, Tokens};
use crate::rulebook::bare_document;

/// Name of the built-in intent type.
pub const SHARED_CHANGE: &str = "shared_change";
/// Name of the shared route that decides it.
pub const SHARED_CHANGE_ROUTE: &str = "shared-change";
/// Most differences that one change may make: whoever decides reads all of them.
pub const DIFFERENCES_MAX: usize = 500;
/// Most bytes of them all: they go into one entry of the log, beside the seats.
pub const DIFFERENCES_BYTES_MAX: usize = 256 * 1024;

/// Whether this is the built-in intent type.
#[must_use]
pub fn is_shared_change(name: &IntentTypeName) -> bool {
    name.as_str() == SHARED_CHANGE
}

/// The content address of a shared file's text: byte-order mark and carriage returns mean nothing in one.
#[must_use]
pub fn version_of(text: &str) -> Digest {
    Digest::of(bare_document(text).as_bytes())
}

/// What a `shared_change` asks for, as its tokens say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked<'a> {
    /// The file that changes.
    pub file: SharedFile,
    /// Its whole new text.
    pub document: &'a str,
    /// Why.
    pub reason: &'a str,
}

impl<'a> Asked<'a> {
    /// Reads the tokens of a `shared_change`; `None` if these are not such tokens, or name no such file.
    #[must_use]
    pub fn of(tokens: &'a Tokens) -> Option<Asked<'a>> {
        let text = |name: &str| match tokens.get(&FieldName::parse(name).ok()?) {
            Some(TokenValue::Text(text)) => Some(text.as_str()),
            Some(_) | None => None,
        };
        let file = SharedFile::parse(text("file")?)?;
        Some(Asked { file, document: text("document")?, reason: text("reason")? })
    }
}

#[cfg(test)]
mod tests;
