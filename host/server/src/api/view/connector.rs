//! Connectors and their builds.

use countersign_core::connector::candidate::Share;
use countersign_core::connector::{Entry, Event, Known, OnRecord};
use countersign_core::hash::Digest;
use countersign_core::id::ConnectorId;
use countersign_engine::port::catalogue::Installed;
use countersign_engine::port::connectors::Connection;
use countersign_engine::shadow::Seen;
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
    /// active, tried (it serves single connections), canary (it plans a share of the intents), shadow (it plans beside the
    /// active build, and nothing of that is written), previous (a roll-back goes there), held (it asks for more than was
    /// granted), staged (it waits), or quarantined (it is called no more).
    pub state: String,
    /// Connections that it serves.
    pub serves: Vec<String>,
    /// Percent of the intents that it plans; absent unless it is a canary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<u8>,
    /// What it has shown in the shadow; absent unless it plans there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShadowView>,
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

/// What a build has shown in the shadow, beside the active one: how often it was asked for a write plan, or for an effect
/// that may have landed, since it plans there or since the host runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShadowView {
    /// How often it said what the active build said.
    pub same: u64,
    /// How often it said something else.
    pub differs: u64,
    /// How often it failed or broke where the active build did not.
    pub failed: u64,
    /// How often nothing can be said: its target was in trouble, or the record was changed in between.
    pub unknown: u64,
    /// How often it was not asked, as too much was being asked already.
    pub skipped: u64,
    /// The last time that it was not the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<OddView>,
}

/// One time that a build in the shadow was not the same as the active one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OddView {
    /// The intent.
    pub intent: String,
    /// The connection.
    pub connection: String,
    /// In what it differs, or how it failed: names of fields, the code of a failure or the kind of a break, and no values.
    pub what: String,
}

impl ShadowView {
    fn of(seen: Seen) -> ShadowView {
        let last = seen.last.map(|odd| OddView {
            intent: odd.intent.to_string(),
            connection: odd.connection.to_string(),
            what: odd.what,
        });
        let Seen { same, differs, failed, unknown, skipped, .. } = seen;
        ShadowView { same, differs, failed, unknown, skipped, last }
    }
}

/// One thing that happened to a connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConnectorEntryView {
    /// When, RFC 3339.
    pub at: String,
    /// Who did it; absent if the host did by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// added, asked (people are to accept what it asks for), accepted, activated, canary (it plans a share of the intents),
    /// shadow (it plans beside the active build), dropped (it does neither any more), rolled-back, quarantined, released or
    /// removed.
    pub what: String,
    /// SHA-256 of the build; absent where it is none in particular.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The version that the build gives itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Percent of the intents that a canary plans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<u8>,
    /// The one connection that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// The intent by which people were asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl ConnectorEntryView {
    /// The last `limit` things that happened, the newest first.
    #[must_use]
    pub fn newest(history: &[Entry], limit: usize) -> Vec<ConnectorEntryView> {
        let added = |entry: &Entry| match &entry.event {
            Event::Added { build, .. } => Some((build.digest, build.version.clone())),
            Event::Asked { .. }
            | Event::Accepted { .. }
            | Event::Activated { .. }
            | Event::Nominated { .. }
            | Event::Dropped { .. }
            | Event::RolledBack { .. }
            | Event::Quarantined { .. }
            | Event::Released { .. }
            | Event::Removed { .. } => None,
        };
        let versions: BTreeMap<Digest, String> = history.iter().filter_map(added).collect();
        history.iter().rev().take(limit).map(|entry| ConnectorEntryView::of(entry, &versions)).collect()
    }

    fn of(entry: &Entry, versions: &BTreeMap<Digest, String>) -> ConnectorEntryView {
        let (mut connection, mut intent, mut share) = (None, None, None);
        let (what, digest, reason) = match &entry.event {
            Event::Added { build, stage } => {
                ("added", Some(build.digest), stage.then(|| "it waits until it is put in force".to_owned()))
            }
            Event::Asked { digest, intent: asked } => {
                intent = Some(asked.to_string());
                ("asked", Some(*digest), None)
            }
            Event::Accepted { digest, intent: asked, wants } => {
                intent = Some(asked.to_string());
                ("accepted", Some(*digest), Some(wants.iter().cloned().collect::<Vec<_>>().join("; ")))
            }
            Event::Activated { digest, on, reason } => {
                connection = on.as_ref().map(ToString::to_string);
                ("activated", Some(*digest), Some(reason.clone()))
            }
            Event::Nominated { digest, percent: 0, reason } => {
                ("shadow", Some(*digest), Some(reason.clone()))
            }
            Event::Nominated { digest, percent, reason } => {
                share = Some(*percent);
                ("canary", Some(*digest), Some(reason.clone()))
            }
            Event::Dropped { digest, reason } => ("dropped", Some(*digest), Some(reason.clone())),
            Event::RolledBack { reason } => ("rolled-back", None, Some(reason.clone())),
            Event::Quarantined { digest, reason } => ("quarantined", Some(*digest), Some(reason.clone())),
            Event::Released { digest, reason } => ("released", Some(*digest), Some(reason.clone())),
            Event::Removed { digest, reason } => ("removed", Some(*digest), Some(reason.clone())),
        };
        ConnectorEntryView {
            at: entry.at.to_string(),
            by: entry.by.as_ref().map(ToString::to_string),
            what: what.to_owned(),
            version: digest.and_then(|digest| versions.get(&digest).cloned()),
            digest: digest.map(|digest| digest.to_string()),
            share,
            connection,
            intent,
            reason,
        }
    }
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

impl ConnectorView {
    /// The same with what a build has shown in the shadow.
    #[must_use]
    pub fn with(mut self, seen: Option<(Digest, Seen)>) -> ConnectorView {
        if let Some((digest, seen)) = seen {
            let digest = digest.to_string();
            let build = self.builds.iter_mut().find(|build| build.digest == digest);
            build.into_iter().for_each(|build| build.shadow = Some(ShadowView::of(seen.clone())));
        }
        self
    }
}

impl BuildView {
    fn of(known: &Known, record: &OnRecord, there: Option<&Installed>) -> BuildView {
        let operations = there.iter().flat_map(|one| &one.operations);
        let candidate = record.serving.candidate.filter(|one| one.digest == known.build.digest);
        let share = candidate.map(|candidate| candidate.share).filter(|share| *share != Share::NONE);
        BuildView {
            digest: known.build.digest.to_string(),
            version: known.build.version.clone(),
            state: record.state(known).as_str().to_owned(),
            serves: Vec::new(),
            share: share.map(Share::percent),
            shadow: None,
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
