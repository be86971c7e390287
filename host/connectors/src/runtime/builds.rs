//! The adapter behind the engine's catalogue port: which builds there are, and which serves what.

use super::{Bound, Runtime, Target};
use crate::catalogue::Installed;
use crate::connection::{ConnectionOptions, ConnectorRef};
use crate::fault::{ConnectorFault, FaultCode};
use countersign_core::connector::{Build, OnRecord, Serving};
use countersign_core::hash::Digest;
use countersign_core::id::{ConnectionName, ConnectorId};
use countersign_engine::port::Answer;
use countersign_engine::port::catalogue as engine;
use std::collections::BTreeMap;
use std::sync::Arc;

impl engine::Catalogue for Runtime {
    fn installed(&self) -> Vec<engine::Installed> {
        self.catalogue.loaded().into_iter().filter_map(build_of).collect()
    }

    fn install(
        &self,
        component: Vec<u8>,
        evidence: engine::Evidence,
    ) -> Answer<'_, Result<engine::Installed, engine::NotInstalled>> {
        Box::pin(async move {
            let now = self.clock.now();
            let installed = self.catalogue.install((component, evidence), &self.grant, now, false).await;
            let installed = installed.map_err(refused)?;
            // INVARIANT: the manifest was checked, and so was the id in it.
            build_of(installed).ok_or_else(|| engine::NotInstalled {
                ours: true,
                message: "the connector was checked and has no id".to_owned(),
            })
        })
    }

    fn fits(&self, connector: &ConnectorId, serving: &Serving) -> Result<(), engine::NotInstalled> {
        let targets = self.targets.load();
        let connected = targets.values().map(|target| &target.options);
        let expected = self.expected.load();
        let waiting = expected.iter().filter(|options| !targets.contains_key(&options.name));
        for options in connected.chain(waiting).filter(|options| is_of(options, connector)) {
            let keyring = targets.get(&options.name).map(|target| Arc::clone(&target.keyring));
            let keyring = keyring.unwrap_or_else(|| Arc::new(self.keyring(&options.name)));
            for digest in serving.all_of(&options.name) {
                let loaded = self.catalogue.get(&digest).ok_or_else(|| engine::NotInstalled {
                    ours: false,
                    message: format!(
                        "the component of build sha256:{digest} is not there any more; add it again"
                    ),
                })?;
                Bound::new(loaded, options, &keyring).map_err(refused)?;
            }
        }
        // One that names its build is made as soon as that is there.
        for options in self.waiting.load().values() {
            let ConnectionOptions { connector: ConnectorRef::Digest(digest), .. } = options else { continue };
            let loaded =
                self.catalogue.get(digest).filter(|loaded| loaded.installed.id == connector.as_str());
            if let Some(loaded) = loaded {
                Bound::new(loaded, options, &self.keyring(&options.name)).map_err(refused)?;
            }
        }
        Ok(())
    }

    fn is_of(&self, connection: &ConnectionName, connector: &ConnectorId) -> bool {
        let is_made =
            self.targets.load().get(connection).is_some_and(|target| is_of(&target.options, connector));
        is_made || self.waiting.load().get(connection).is_some_and(|options| is_of(options, connector))
    }

    fn is_named(&self, digest: &Digest) -> bool {
        let names = |target: &Arc<Target>| target.options.connector == ConnectorRef::Digest(*digest);
        self.targets.load().values().any(names)
    }

    fn settled(&self) {
        if let Err(fault) = self.catalogue.settled() {
            tracing::warn!(%fault, blame = "host", "what was installed while no host ran is taken for new again at the next start");
        }
    }

    fn serve(&self, connector: &ConnectorId, record: &OnRecord) {
        let id = connector.as_str();
        let _alone = self.changing.lock();
        self.quarantined.rcu(|known| with(known, id, record.quarantined()));
        self.serving.rcu(|known| with(known, id, record.serving.clone()));
        for target in self.targets.load().values().filter(|target| is_of(&target.options, connector)) {
            if let Err(fault) = self.swap(target) {
                // INVARIANT: `fits` looked a moment ago, and nobody else changes connectors meanwhile.
                tracing::error!(%fault, connector = %connector, connection = %target.options.name, blame = "host", "a connection keeps the build that it had");
            }
        }
        let waiting = self.waiting.load();
        for options in waiting.values().filter(|options| could_be(options, connector, record)) {
            match self.connect_alone(options.clone()) {
                Ok(_) => {
                    self.wait(&options.name, None);
                    tracing::info!(connector = %connector, connection = %options.name, "a connection that waited for its connector is made");
                }
                // INVARIANT: as above.
                Err(fault) => {
                    tracing::error!(%fault, connector = %connector, connection = %options.name, blame = "host", "a connection goes on waiting for its connector");
                }
            }
        }
    }

    fn remove(&self, digest: &Digest) -> Result<(), engine::NotInstalled> {
        self.catalogue.remove(digest).map_err(refused)
    }
}

/// The same with another value under this key.
pub(super) fn with<V: Clone>(known: &BTreeMap<String, V>, key: &str, value: V) -> BTreeMap<String, V> {
    let mut known = known.clone();
    known.insert(key.to_owned(), value);
    known
}

/// What the engine knows of a build.
pub(super) fn build_of(installed: Installed) -> Option<engine::Installed> {
    let Installed { id, version, digest, size, system, operations, wants, vouched, wanted, .. } = installed;
    let signer = vouched.signer.map(|key| key.to_string());
    let level = vouched.level.map(|level| level.name().to_owned());
    let connector = ConnectorId::parse(&id).ok()?;
    Some(engine::Installed {
        connector,
        build: Build { digest, version, wants, signer, level },
        size,
        system,
        operations,
        wanted,
    })
}

pub(super) fn refused(fault: ConnectorFault) -> engine::NotInstalled {
    let ours = matches!(fault.code, FaultCode::Altered | FaultCode::Storage | FaultCode::Runtime);
    engine::NotInstalled { ours, message: fault.message }
}

/// Whether a connection that waits for its connector has one now.
pub(super) fn could_be(options: &ConnectionOptions, connector: &ConnectorId, record: &OnRecord) -> bool {
    match &options.connector {
        ConnectorRef::Id(id) => id == connector.as_str() && record.serving.of(&options.name).is_some(),
        ConnectorRef::Digest(digest) => record.builds.contains_key(digest),
    }
}

/// Whether a connection is served by whichever build of this connector is in force.
pub(super) fn is_of(options: &ConnectionOptions, connector: &ConnectorId) -> bool {
    matches!(&options.connector, ConnectorRef::Id(id) if id == connector.as_str())
}
