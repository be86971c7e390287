//! Policies from and to the formats of other tools: workbooks, CSV, DMN, JDM, JSON.
//!
//! Everything in here is a pure function from bytes to a document or back. What cannot be carried
//! over exactly is refused with its place: an import never guesses, and an export never leaves
//! something out without saying so.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod book;
pub mod changes;
mod column;
pub mod csv;
pub mod dmn;
mod feel;
pub mod foreign;
#[cfg(test)]
mod generated;
pub mod jdm;
pub mod json;
mod number;
pub mod xlsx;

use std::fmt;

/// Largest file that is imported, in bytes; a policy of 5,000 rows is a tenth of it.
pub const FILE_BYTES_MAX: usize = 10 * 1024 * 1024;
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
