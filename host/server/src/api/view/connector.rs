//! Connectors and their builds.

use countersign_core::connector::{Known, OnRecord};
use countersign_core::id::ConnectorId;
use countersign_engine::port::catalogue::Installed;
use countersign_engine::port::connectors::Connection;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// One connector, with its builds and the connections that it serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConnectorView {
    /// Its id.
    pub id: String,
    /// Version of the build that serves every connection for which no other one is named.
    pub version: String,
    /// Digest of that build; empty if there is none.
    pub digest: String,
    /// The system that it speaks to.
    pub system: String,
    /// Connections that it serves.
    pub connections: Vec<String>,
    /// Its builds, the newest first.
    pub builds: Vec<BuildView>,
}

/// One build of a connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BuildView {
    /// SHA-256 of the component.
    pub digest: String,
    /// The version that it gives itself.
    pub version: String,
    /// active, tried (it serves single connections), previous (a roll-back goes there), held (it asks for more than was
    /// granted), staged (it waits), or quarantined (it is called no more).
    pub state: String,
    /// Connections that it serves.
    pub serves: Vec<String>,
    /// Since when it is there.
    pub since: String,
    /// Length in bytes; absent if its component is not there any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<usize>,
    /// The key that signed it, where a signature was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// The level of the conformance kit that somebody trusted has seen it reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// What it can do.
    pub operations: Vec<String>,
    /// Everything that it asks for, in sentences.
    pub wants: Vec<String>,
    /// What of it the active build does not ask for.
    pub widens: Vec<String>,
    /// The intent by which people are asked to accept that, or were the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// The intent by which they did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
    /// Why it is called no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantined: Option<String>,
}

impl ConnectorView {
    /// A connector, by its record and by what is there.
    #[must_use]
    pub fn of(
        id: &ConnectorId,
        record: &OnRecord,
        installed: &[Installed],
        connections: &[Arc<Connection>],
    ) -> ConnectorView {
        let there: BTreeMap<_, _> = installed.iter().map(|one| (one.build.digest, one)).collect();
        let behind: Vec<_> =
            connections.iter().filter(|connection| connection.connector == id.as_str()).collect();
        let active = record.serving.active.and_then(|digest| record.builds.get(&digest));
        // Of a connector that is on no record, what serves is all that is known.
        let digest = active.map(|known| known.build.digest).or(behind.first().map(|first| first.digest));
        let version = active.map(|known| known.build.version.clone());
        let system = digest.and_then(|digest| there.get(&digest)).map(|one| one.system.clone());
        let mut known: Vec<&Known> = record.builds.values().collect();
        known.sort_by(|one, other| {
            (other.since, &other.build.version, other.build.digest).cmp(&(
                one.since,
                &one.build.version,
                one.build.digest,
            ))
        });
        ConnectorView {
            id: id.to_string(),
            version: version.or(behind.first().map(|first| first.version.clone())).unwrap_or_default(),
            digest: digest.map(|digest| digest.to_string()).unwrap_or_default(),
            system: system.or(behind.first().map(|first| first.system.clone())).unwrap_or_default(),
            connections: behind.iter().map(|one| one.name.to_string()).collect(),
            builds: known
                .into_iter()
                .map(|known| {
                    let serves = behind.iter().filter(|one| one.digest == known.build.digest);
                    BuildView {
                        serves: serves.map(|one| one.name.to_string()).collect(),
                        ..BuildView::of(known, record, there.get(&known.build.digest).copied())
                    }
                })
                .collect(),
        }
    }
}

impl BuildView {
    fn of(known: &Known, record: &OnRecord, there: Option<&Installed>) -> BuildView {
        let operations = there.iter().flat_map(|one| &one.operations);
        BuildView {
            digest: known.build.digest.to_string(),
            version: known.build.version.clone(),
            state: record.state(known).as_str().to_owned(),
            serves: Vec::new(),
            since: known.since.to_string(),
            size: there.map(|one| one.size),
            signer: known.build.signer.clone(),
            level: known.build.level.clone(),
            operations: operations.map(|operation| operation.name.clone()).collect(),
            wants: known.build.wants.iter().cloned().collect(),
            widens: record.widens(&known.build),
            asked: known.asked.last().map(ToString::to_string),
            accepted: known.accepted.last().map(ToString::to_string),
            quarantined: known.quarantined.clone(),
        }
    }
}
