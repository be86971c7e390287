//! Policies from and to the formats of other tools: workbooks, CSV, DMN, JDM, JSON.
//!
//! Everything in here is a pure function from bytes to a document or back. What cannot be carried
//! over exactly is refused with its place: an import never guesses, and an export never leaves
//! something out without saying so.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod book;
pub mod carry;
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

pub use countersign_core::exchange::{MISFITS_MAX, Misfit, Refused};

/// Largest file that is imported, in bytes; a policy of 5,000 rows is a tenth of it.
pub const FILE_BYTES_MAX: usize = 10 * 1024 * 1024;
