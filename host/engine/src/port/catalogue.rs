//! The catalogue port: which builds of connectors this host has, and which of them serves which connection.

use super::Answer;
use super::connectors::Operation;
use countersign_core::connector::{Build, OnRecord, Serving};
use countersign_core::hash::Digest;
use countersign_core::id::{ConnectionName, ConnectorId};
use std::fmt;

/// The builds of connectors that are there.
///
/// It decides nothing: what may serve is decided by the record of the connector, and is in the log before it is done
/// here.
pub trait Catalogue: Send + Sync + 'static {
    /// Every build of every connector; what was installed last stands last.
    fn installed(&self) -> Vec<Installed>;

    /// Checks a component, compiles it, asks it to describe itself, and keeps it. It serves nothing yet.
    ///
    /// If the process stops in here it is kept whole or not at all.
    fn install(&self, component: Vec<u8>, evidence: Evidence) -> Answer<'_, Result<Installed, NotInstalled>>;

    /// Whether every connection that would be served so could be.
    ///
    /// # Errors
    /// The first that could not, and why.
    fn fits(&self, connector: &ConnectorId, serving: &Serving) -> Result<(), NotInstalled>;

    /// Puts behind every connection that names the connector the build that the record says. What is on its way ends
    /// with the build that it began with.
    fn serve(&self, connector: &ConnectorId, record: &OnRecord);

    /// Whether a connection is served by whichever build of this connector is in force.
    fn is_of(&self, connection: &ConnectionName, connector: &ConnectorId) -> bool;

    /// Whether a connection names exactly this build, whatever is in force.
    fn is_named(&self, digest: &Digest) -> bool;

    /// What was wanted is on record: from the next start on it is like everything else.
    fn settled(&self);

    /// Takes a build away, whatever it has planned; none of this digest is no error.
    ///
    /// # Errors
    /// If it cannot be taken away.
    fn remove(&self, digest: &Digest) -> Result<(), NotInstalled>;
}

/// What is said of a component by whoever made or tested it, as they signed it. Nothing of it is believed before it is
/// looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Who made it: the envelope of its signatures.
    pub signature: Option<Vec<u8>>,
    /// What a run of the conformance kit has shown: the envelope of the report.
    pub conformance: Option<Vec<u8>>,
}

/// One build that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The connector that it is a build of.
    pub connector: ConnectorId,
    /// The build.
    pub build: Build,
    /// Length of its bytes.
    pub size: usize,
    /// The system that it speaks to.
    pub system: String,
    /// What it can do.
    pub operations: Vec<Operation>,
    /// Whether somebody installed it while no host ran, and so wants it to serve.
    pub wanted: bool,
}

/// Why a build is not installed, does not fit, or stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotInstalled {
    /// Whether it is the host that could not; else it is what was asked of it.
    pub ours: bool,
    /// What, where, whose, and what to do, in one sentence.
    pub message: String,
}

impl fmt::Display for NotInstalled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for NotInstalled {}

/// A host whose connectors are none of a catalogue.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCatalogue;

impl NoCatalogue {
    fn refuses() -> NotInstalled {
        NotInstalled { ours: true, message: "this host takes no connectors".to_owned() }
    }
}

impl Catalogue for NoCatalogue {
    fn installed(&self) -> Vec<Installed> {
        Vec::new()
    }

    fn install(&self, _: Vec<u8>, _: Evidence) -> Answer<'_, Result<Installed, NotInstalled>> {
        Box::pin(std::future::ready(Err(NoCatalogue::refuses())))
    }

    fn fits(&self, _: &ConnectorId, _: &Serving) -> Result<(), NotInstalled> {
        Err(NoCatalogue::refuses())
    }

    fn serve(&self, _: &ConnectorId, _: &OnRecord) {}

    fn is_of(&self, _: &ConnectionName, _: &ConnectorId) -> bool {
        false
    }

    fn is_named(&self, _: &Digest) -> bool {
        false
    }

    fn settled(&self) {}

    fn remove(&self, _: &Digest) -> Result<(), NotInstalled> {
        Err(NoCatalogue::refuses())
    }
}
