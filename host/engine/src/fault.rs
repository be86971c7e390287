//! Why the engine did not do what it was asked.

use crate::port::catalogue::NotInstalled;
use crate::port::connectors::NotTaken;
use crate::port::store::StoreFault;
use countersign_core::access::NotReviewed;
use countersign_core::approval::refusal::Refusal;
use countersign_core::connection::NotChanged;
use countersign_core::connector;
use countersign_core::people::register::NotRecorded;
use std::fmt;

/// The engine's no: a rule's refusal, a fault of the store, or a misused idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A rule says no. Nothing was stored.
    Refused(Refusal),
    /// A rule of the record of people says no. Nothing was stored.
    People(NotRecorded),
    /// A rule of the reviews of access says no. Nothing was stored.
    Access(NotReviewed),
    /// A connection is paused already, or is not.
    Connection(NotChanged),
    /// A build of a connector cannot be put there, in force, or away.
    Connector(connector::NotChanged),
    /// A component is no sound connector, or does not fit a connection.
    Catalogue(NotInstalled),
    /// What has arrived at a hook is not taken. Nothing was stored.
    NotTaken(NotTaken),
    /// The store says no. Unless it says otherwise, nothing was stored.
    Store(StoreFault),
    /// The caller's idempotency key was used for something else.
    KeyReused,
    /// A call with the same idempotency key is still running.
    KeyBusy,
    /// The caller's idempotency key is longer than the limit.
    KeyTooLong,
    /// The host is stopping.
    Stopping,
    /// What is stored cannot be read back: this program did not write it, or wrote it wrongly.
    Unreadable(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Refused(refusal) => write!(formatter, "{refusal}"),
            Fault::People(refusal) => write!(formatter, "{refusal}"),
            Fault::Access(refusal) => write!(formatter, "{refusal}"),
            Fault::Connection(refusal) => write!(formatter, "{refusal}"),
            Fault::Connector(refusal) => write!(formatter, "{refusal}"),
            Fault::Catalogue(refusal) => write!(formatter, "{refusal}"),
            Fault::NotTaken(refusal) => write!(formatter, "{refusal}"),
            Fault::Store(fault) => write!(formatter, "{fault}"),
            Fault::KeyReused => formatter.write_str("this idempotency key was used for another request"),
            Fault::KeyBusy => formatter.write_str("a request with this idempotency key is still running"),
            Fault::KeyTooLong => write!(
                formatter,
                "the idempotency key is longer than {} bytes",
                crate::limits::CALLER_KEY_BYTES_MAX
            ),
            Fault::Stopping => formatter.write_str("the host is stopping; send the request again"),
            Fault::Unreadable(why) => write!(formatter, "an entry of the log cannot be read: {why}"),
        }
    }
}

impl std::error::Error for Fault {}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Fault {
        Fault::Refused(refusal)
    }
}

impl From<NotReviewed> for Fault {
    fn from(refusal: NotReviewed) -> Fault {
        Fault::Access(refusal)
    }
}

impl From<StoreFault> for Fault {
    fn from(fault: StoreFault) -> Fault {
        Fault::Store(fault)
    }
}

impl From<NotChanged> for Fault {
    fn from(refusal: NotChanged) -> Fault {
        Fault::Connection(refusal)
    }
}

impl From<connector::NotChanged> for Fault {
    fn from(refusal: connector::NotChanged) -> Fault {
        Fault::Connector(refusal)
    }
}

impl From<NotInstalled> for Fault {
    fn from(refusal: NotInstalled) -> Fault {
        Fault::Catalogue(refusal)
    }
}

impl From<NotTaken> for Fault {
    fn from(refusal: NotTaken) -> Fault {
        Fault::NotTaken(refusal)
    }
}

impl From<NotRecorded> for Fault {
    fn from(refusal: NotRecorded) -> Fault {
        Fault::People(refusal)
    }
}
