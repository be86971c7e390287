//! What a run of the conformance kit has shown of a component, as whoever ran it signs it.
//!
//! Anybody can run the kit, so there is no authority: an operator says whose runs count.

use crate::package::Inspected;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The kind of thing that is signed.
pub(super) const PAYLOAD_TYPE: &str = "application/vnd.countersign.conformance.v1+json";

/// How much a connector has been shown to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Not even that it loads.
    None,
    /// It loads and describes itself.
    Loads,
    /// It changes nothing that it should not, does nothing twice and says what is.
    Safe,
    /// It keeps every law of the kit.
    Certified,
}

impl Level {
    /// Those that can be demanded.
    pub const ALL: [Level; 3] = [Level::Loads, Level::Safe, Level::Certified];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Level::None => "none",
            Level::Loads => "loads",
            Level::Safe => "safe",
            Level::Certified => "certified",
        }
    }
}

/// What a run has shown of a component. A newer kit may say more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tested {
    /// The version of the kit.
    pub kit: u32,
    /// The connector's id.
    pub connector: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of the component.
    pub sha256: String,
    /// The level that was reached.
    pub level: Level,
    /// Each law by its name, with how often it was looked at and not kept.
    pub laws: BTreeMap<String, Looks>,
}

/// What was shown of one law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looks {
    /// How often it was looked at.
    pub checks: u64,
    /// How often it was not kept.
    pub broken: u64,
}

impl Tested {
    /// Whether it is about this component.
    pub(super) fn is_of(&self, about: &Inspected) -> bool {
        let named = &about.manifest.connector;
        self.connector == named.id && self.version == named.version && self.sha256 == about.digest.to_string()
    }
}
