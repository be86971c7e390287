//! Scripted connectors as a catalogue: which builds there are, and which serves.

use super::Scripted;
use countersign_core::connector::{Build, OnRecord, Serving};
use countersign_core::hash::Digest;
use countersign_core::id::{ConnectionName, ConnectorId};
use countersign_engine::port::Answer;
use countersign_engine::port::catalogue::{Catalogue, Evidence, Installed, NotInstalled};
use std::sync::PoisonError;

/// Its builds are those that were scripted.
impl Catalogue for Scripted {
    fn installed(&self) -> Vec<Installed> {
        let [before, now] = &self.wants;
        let all = self.before.values().map(|connection| (connection, before));
        let all = all.chain(self.connections.values().map(|connection| (connection, now)));
        let installed = all.map(|(connection, wants)| Installed {
            connector: ConnectorId::parse(&connection.connector).expect("an id"),
            build: Build {
                digest: connection.digest,
                version: connection.version.clone(),
                wants: wants.clone(),
                signer: (!wants.is_empty()).then(|| "acme-2026".to_owned()),
                level: (!wants.is_empty()).then(|| "full".to_owned()),
            },
            size: 0,
            system: connection.system.clone(),
            operations: connection.operations.clone(),
            wanted: true,
        });
        installed.collect()
    }

    fn install(&self, component: Vec<u8>, _: Evidence) -> Answer<'_, Result<Installed, NotInstalled>> {
        let message = format!("{} bytes are no script", component.len());
        Box::pin(async { Err(NotInstalled { ours: true, message }) })
    }

    fn fits(&self, connector: &ConnectorId, serving: &Serving) -> Result<(), NotInstalled> {
        let installed = self.installed();
        let mut named = serving.active.iter().chain(serving.on.values());
        let there = |digest: &Digest| {
            installed.iter().any(|one| one.connector == *connector && one.build.digest == *digest)
        };
        match named.find(|digest| !there(digest)) {
            None => Ok(()),
            Some(digest) => Err(NotInstalled { ours: false, message: format!("{digest} is not there") }),
        }
    }

    fn serve(&self, connector: &ConnectorId, record: &OnRecord) {
        let mut serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
        serving.insert(connector.to_string(), record.serving.clone());
    }

    fn is_of(&self, connection: &ConnectionName, connector: &ConnectorId) -> bool {
        self.connections.get(connection).is_some_and(|known| known.connector == connector.as_str())
    }

    fn is_named(&self, _: &Digest) -> bool {
        false
    }

    fn settled(&self) {}

    fn remove(&self, _: &Digest) -> Result<(), NotInstalled> {
        Ok(())
    }
}
