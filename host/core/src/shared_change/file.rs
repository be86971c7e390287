//! Which files policies share.

use crate::document::SourceFile;
use crate::id::IntentTypeName;
use crate::intent;
use crate::rulebook::{PEOPLE_FILE, ROUTES_FILE};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How the name of an intent type's file ends.
const INTENT_TYPE: &str = ".intent.md";

/// A file that is no policy's own. It is known by its name alone, in whichever folder it lies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum SharedFile {
    /// `people.md`.
    People,
    /// `routes.md`.
    Routes,
    /// `NAME.intent.md`: the file that defines this intent type, however it is called in the house.
    IntentType(IntentTypeName),
}

impl SharedFile {
    /// Reads a name; `None` if no shared file is called so.
    #[must_use]
    pub fn parse(name: &str) -> Option<SharedFile> {
        match name {
            PEOPLE_FILE => Some(SharedFile::People),
            ROUTES_FILE => Some(SharedFile::Routes),
            _ => {
                let of = name.strip_suffix(INTENT_TYPE)?;
                IntentTypeName::parse(of).ok().map(SharedFile::IntentType)
            }
        }
    }

    /// Which one a file of the house is; `None` for a policy, and for what defines no intent type.
    #[must_use]
    pub fn of(file: &SourceFile) -> Option<SharedFile> {
        match file.path.rsplit(['/', '\\']).next() {
            Some(PEOPLE_FILE) => Some(SharedFile::People),
            Some(ROUTES_FILE) => Some(SharedFile::Routes),
            Some(name) if name.ends_with(INTENT_TYPE) => intent::defined_by(file).map(SharedFile::IntentType),
            Some(_) | None => None,
        }
    }
}

impl fmt::Display for SharedFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SharedFile::People => formatter.write_str(PEOPLE_FILE),
            SharedFile::Routes => formatter.write_str(ROUTES_FILE),
            SharedFile::IntentType(of) => write!(formatter, "{of}{INTENT_TYPE}"),
        }
    }
}

impl From<SharedFile> for String {
    fn from(file: SharedFile) -> String {
        file.to_string()
    }
}

impl TryFrom<String> for SharedFile {
    type Error = String;

    fn try_from(name: String) -> Result<SharedFile, String> {
        SharedFile::parse(&name).ok_or_else(|| format!("no shared file is called `{name}`"))
    }
}
