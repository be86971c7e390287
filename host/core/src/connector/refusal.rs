//! Why nothing changes about a connector.

use super::BUILDS_MAX;
use crate::hash::Digest;
use crate::id::ConnectionName;
use std::fmt;

/// Why nothing changes. Nothing is stored then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotChanged {
    /// There is no such build.
    Unknown(Digest),
    /// It is in force already.
    Active(Digest),
    /// It asks for more than was granted, and nobody has accepted that.
    Held {
        /// The build.
        digest: Digest,
        /// What it asks for beyond.
        asks: Vec<String>,
    },
    /// It is called no more.
    Quarantined {
        /// The build.
        digest: Digest,
        /// Why.
        reason: String,
    },
    /// It is not what waits to be accepted.
    NotHeld(Digest),
    /// The connection is not served by whichever build of the connector is in force.
    OtherConnector {
        /// The connection.
        connection: ConnectionName,
        /// The build.
        digest: Digest,
    },
    /// It serves a connection.
    Serves(Digest),
    /// No build is in force that it could be tried beside.
    NothingBeside(Digest),
    /// Nothing was in force before.
    NothingBefore,
    /// There are as many builds as there may be.
    TooMany,
}

impl NotChanged {
    /// Stable code of the problem.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            NotChanged::Unknown(_) => "CS-E0227",
            NotChanged::Active(_) => "CS-E0228",
            NotChanged::Held { .. } => "CS-E0229",
            NotChanged::Quarantined { .. } => "CS-E0230",
            NotChanged::Serves(_) => "CS-E0231",
            NotChanged::NothingBefore => "CS-E0232",
            NotChanged::TooMany => "CS-E0233",
            NotChanged::NotHeld(_) => "CS-E0235",
            NotChanged::OtherConnector { .. } => "CS-E0236",
            NotChanged::NothingBeside(_) => "CS-E0238",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            NotChanged::Unknown(_) => {
                "`countersign connector list` shows the builds; `countersign connector add FILE` adds one"
            }
            NotChanged::Active(_) => "there is nothing to do",
            NotChanged::Held { .. } => {
                "whoever answers for it accepts it in the intent `connector_upgrade` that was asked for when it was added"
            }
            NotChanged::OtherConnector { .. } => {
                "name a connection whose `connector` is the id of this one, and no digest: `countersign connection list`"
            }
            NotChanged::NotHeld(_) => {
                "the host asks for it by itself when a build is added that asks for more: `countersign connector add`"
            }
            NotChanged::Quarantined { .. } => {
                "release it first if it is sound: `countersign connector release`"
            }
            NotChanged::Serves(_) => {
                "put another build in force first, or roll back; `countersign connection pause` stops what goes there"
            }
            NotChanged::NothingBefore => {
                "put another build in force: `countersign connector activate`; until there is one, \
                 `countersign connection pause` stops what goes there"
            }
            NotChanged::NothingBeside(_) => {
                "put a build in force first, this one or another: `countersign connector activate`"
            }
            NotChanged::TooMany => "remove one that nobody needs: `countersign connector remove`",
        }
    }
}

impl fmt::Display for NotChanged {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotChanged::Unknown(digest) => write!(formatter, "the connector has no build sha256:{digest}"),
            NotChanged::Active(digest) => write!(formatter, "build sha256:{digest} is in force already"),
            NotChanged::Held { digest, asks } => write!(
                formatter,
                "build sha256:{digest} asks for more than was granted, and nobody has accepted it: {}",
                asks.join("; ")
            ),
            NotChanged::Quarantined { digest, reason } => {
                write!(formatter, "build sha256:{digest} is called no more: {reason}")
            }
            NotChanged::NotHeld(digest) => {
                write!(formatter, "build sha256:{digest} does not wait for exactly this to be accepted")
            }
            NotChanged::OtherConnector { connection, digest } => write!(
                formatter,
                "build sha256:{digest} cannot be tried on `{connection}`, which names another connector, or one build"
            ),
            NotChanged::Serves(digest) => write!(formatter, "build sha256:{digest} serves a connection"),
            NotChanged::NothingBeside(digest) => write!(
                formatter,
                "build sha256:{digest} cannot plan a share of the intents, or in the shadow: no build is in force beside it"
            ),
            NotChanged::NothingBefore => {
                formatter.write_str("there is no build before this one to go back to")
            }
            NotChanged::TooMany => {
                write!(formatter, "there are {BUILDS_MAX} builds of the connector already")
            }
        }
    }
}

impl std::error::Error for NotChanged {}
