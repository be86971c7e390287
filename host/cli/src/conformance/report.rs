//! What a run of the kit says: for people a table and every breach, for machines JSON that names the
//! bytes it is about.

use super::KIT;
use super::budgets::Costs;
use super::law::{Book, Breach, Law, Level, Shown};
use countersign_connectors::{Looks, Manifest, Tested};
use countersign_core::hash::Digest;
use countersign_engine::port::connectors::Operation;
use serde::Serialize;

/// The report of one run. The same run gives the same report, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The version of the kit.
    pub kit: u32,
    /// The connector's id; empty if the component cannot be read.
    pub connector: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of the component.
    pub digest: String,
    /// The level that was reached.
    pub level: Level,
    /// What it can do.
    pub operations: Vec<Shows>,
    /// What was shown of each law.
    pub laws: Vec<OfLaw>,
    /// What each call took.
    pub costs: Vec<Costs>,
}

/// An operation with its guarantee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shows {
    /// Its name.
    pub name: String,
    /// Its guarantee.
    pub guarantee: &'static str,
    /// Whether it can be taken back.
    pub reversible: bool,
}

/// What was shown of one law.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OfLaw {
    /// The law.
    pub law: Law,
    /// What it says.
    pub says: &'static str,
    /// Looks and breaches.
    #[serde(flatten)]
    pub shown: Shown,
}

/// The laws that a connector with these operations cannot break, and which is told nothing unless it has hooks.
/// What nobody agreed to cannot be gone beyond.
fn idle(operations: &[Operation], manifest: Option<&Manifest>, costs: &[Costs]) -> Vec<Law> {
    let writes = [Law::Idempotency, Law::Probe, Law::Seal, Law::Determinism];
    let mut idle = Vec::new();
    if operations.is_empty() {
        idle.extend(writes);
    }
    if !operations.iter().any(|operation| operation.reversible) {
        idle.push(Law::Compensation);
    }
    if manifest.is_none_or(|manifest| manifest.webhooks.is_empty()) {
        idle.push(Law::Deliveries);
    }
    if costs.iter().all(|of| of.was.is_none()) {
        idle.push(Law::Budgets);
    }
    idle
}

impl Report {
    /// The report of what a book holds.
    #[must_use]
    pub fn new(
        component: &[u8],
        manifest: Option<&Manifest>,
        operations: &[Operation],
        (book, costs): (&Book, Vec<Costs>),
    ) -> Report {
        let about = manifest.map(|manifest| &manifest.connector);
        Report {
            kit: KIT,
            connector: about.map(|about| about.id.clone()).unwrap_or_default(),
            version: about.map(|about| about.version.clone()).unwrap_or_default(),
            digest: Digest::of(component).to_string(),
            level: book.level(&idle(operations, manifest, &costs)),
            operations: operations
                .iter()
                .map(|operation| Shows {
                    name: operation.name.clone(),
                    guarantee: operation.guarantee.as_str(),
                    reversible: operation.reversible,
                })
                .collect(),
            laws: Law::ALL
                .into_iter()
                .map(|law| OfLaw { law, says: law.words(), shown: book.of(law) })
                .collect(),
            costs,
        }
    }

    /// The same in short, to be signed.
    #[must_use]
    pub fn tested(&self) -> Tested {
        let looks = |of: &OfLaw| {
            let Shown { checks, broken, .. } = of.shown;
            (of.law.name().to_owned(), Looks { checks, broken })
        };
        Tested {
            kit: self.kit,
            connector: self.connector.clone(),
            version: self.version.clone(),
            sha256: self.digest.clone(),
            level: self.level,
            laws: self.laws.iter().map(looks).collect(),
        }
    }

    /// How often any law was looked at.
    #[must_use]
    pub fn checks(&self) -> u64 {
        self.laws.iter().map(|of| of.shown.checks).sum()
    }

    /// Every breach, with its law.
    pub fn breaches(&self) -> impl Iterator<Item = (Law, &Breach)> {
        self.laws.iter().flat_map(|of| of.shown.breaches.iter().map(|breach| (of.law, breach)))
    }

    /// The breaches in words, one paragraph each.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let words = |(law, breach): (Law, &Breach)| {
            let Breach { cassette, doing, found, wanted } = breach;
            let of = if cassette.is_empty() { String::new() } else { format!(" [{cassette}]") };
            format!("{}{of}: {doing}\n    it {found}\n    wanted: {wanted}", law.name())
        };
        self.breaches().map(words).collect()
    }
}
