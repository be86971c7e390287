//! What goes wrong with a connector before and around its calls: typed, with whose fault it is.
//!
//! How a *call* ends is not a fault but an answer ([`countersign_core::effect::attempt::Ended`]):
//! the engine decides on it. A [`ConnectorFault`] is for whoever installs or connects.

use std::fmt;

/// Why a connector could not be packed, installed or connected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConnectorFault {
    /// What kind of fault it is. Programs decide on this, people read the message.
    pub code: FaultCode,
    /// Whose fault it is.
    pub blame: Blame,
    /// Whether the same request may succeed later without a change by anybody.
    pub can_pass: bool,
    /// One line for the operator: what, where, whose, and the next step.
    pub message: String,
}

/// Whose fault something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// This host: its disk, its configuration, its limits.
    Host,
    /// The connector, and so its author.
    Connector,
    /// The system that the connector speaks to.
    Remote,
}

impl fmt::Display for Blame {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Blame::Host => "host",
            Blame::Connector => "connector",
            Blame::Remote => "remote",
        })
    }
}

/// The kinds of fault, each with a stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultCode {
    /// The bytes are no WebAssembly component.
    NotAComponent,
    /// The bytes are native code that some wasmtime compiled before.
    Precompiled,
    /// The component is larger than the host accepts.
    TooLarge,
    /// The component imports what the contract does not offer.
    UnknownImport,
    /// The component does not export what the contract demands.
    MissingExport,
    /// There is no manifest, or it is malformed.
    BadManifest,
    /// The manifest wants more than the operator grants.
    NotGranted,
    /// Nobody whom the operator trusts has signed it.
    Untrusted,
    /// `describe` contradicts the manifest, or itself.
    BadDescription,
    /// The component does not compile, or does not fit the pool.
    NotCompiled,
    /// The connector is not installed.
    NotInstalled,
    /// A connection is configured wrongly.
    BadConnection,
    /// The bytes of an installed connector are not those that were installed.
    Altered,
    /// The folder of connectors cannot be read or written.
    Storage,
    /// The runtime cannot start.
    Runtime,
}

impl FaultCode {
    /// The code as programs and pages name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            FaultCode::NotAComponent => "not-a-component",
            FaultCode::Precompiled => "precompiled",
            FaultCode::TooLarge => "too-large",
            FaultCode::UnknownImport => "unknown-import",
            FaultCode::MissingExport => "missing-export",
            FaultCode::BadManifest => "bad-manifest",
            FaultCode::NotGranted => "not-granted",
            FaultCode::Untrusted => "untrusted",
            FaultCode::BadDescription => "bad-description",
            FaultCode::NotCompiled => "not-compiled",
            FaultCode::NotInstalled => "not-installed",
            FaultCode::BadConnection => "bad-connection",
            FaultCode::Altered => "altered",
            FaultCode::Storage => "storage",
            FaultCode::Runtime => "runtime",
        }
    }
}

impl ConnectorFault {
    /// A fault of the connector: only its author can remove it.
    pub(crate) fn connector(code: FaultCode, message: impl Into<String>) -> ConnectorFault {
        ConnectorFault { code, blame: Blame::Connector, can_pass: false, message: message.into() }
    }

    /// A fault of this host or its configuration.
    pub(crate) fn host(code: FaultCode, message: impl Into<String>) -> ConnectorFault {
        ConnectorFault { code, blame: Blame::Host, can_pass: false, message: message.into() }
    }

    /// A failed read or write of the folder of connectors, which may work again later.
    pub(crate) fn storage(what: &str, path: &std::path::Path, source: &std::io::Error) -> ConnectorFault {
        ConnectorFault {
            code: FaultCode::Storage,
            blame: Blame::Host,
            can_pass: true,
            message: format!(
                "could not {what} `{}`: {source}; check the disk and its permissions",
                path.display()
            ),
        }
    }
}
