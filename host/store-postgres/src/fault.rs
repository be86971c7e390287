//! What the database says no to, in the words of the port and of the operator.

use countersign_engine::port::store::StoreFault;
use std::error::Error as _;
use std::fmt;
use tokio_postgres::error::SqlState;

/// Why a log is not open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenFault {
    /// Another host holds the lease; names it.
    InUse(String),
    /// The address of the database is none, or none that may be used; says what to write.
    Address(String),
    /// The database did not answer.
    Unreachable(String),
    /// The database acknowledges what it may lose; names the setting.
    NotDurable(String),
    /// The tables have a version that this program does not know.
    Version {
        /// What the tables say.
        found: i64,
        /// What this program reads.
        known: i64,
    },
    /// No host has begun a log there.
    Empty,
    /// The log was begun with another install key.
    OtherInstall,
    /// The database said no.
    Refused(String),
}

impl fmt::Display for OpenFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenFault::InUse(owner) => write!(formatter, "the log in the database is held by {owner}"),
            OpenFault::Address(what) => write!(formatter, "the address of the database: {what}"),
            OpenFault::Unreachable(cause) => write!(formatter, "the database does not answer: {cause}"),
            OpenFault::NotDurable(setting) => write!(
                formatter,
                "the database runs with `{setting}`, so it would acknowledge what a power cut takes away; switch it on"
            ),
            OpenFault::Version { found, known } => write!(
                formatter,
                "the log in the database has version {found}, this program knows {known}; use the program that wrote it"
            ),
            OpenFault::Empty => formatter.write_str("the database holds no log: no host has run on it yet"),
            OpenFault::OtherInstall => formatter.write_str(
                "the log in the database was begun by a host with another install key, so targets would take a \
                 repeated write for a new one; copy `install.key` from the data folder of that host",
            ),
            OpenFault::Refused(cause) => write!(formatter, "the database refused: {cause}"),
        }
    }
}

impl std::error::Error for OpenFault {}

/// A fault of the client with its cause, in one line.
pub(crate) fn words(error: &tokio_postgres::Error) -> String {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}

/// What a read that failed is to the port.
#[expect(clippy::needless_pass_by_value, reason = "it is given to `map_err`")]
pub(crate) fn stored(error: tokio_postgres::Error) -> StoreFault {
    StoreFault::Io(words(&error))
}

/// Whether a commit failed for want of room, so that nothing of it is there and the next one may pass.
pub(crate) fn is_full(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&SqlState::DISK_FULL)
}
