//! The installed connectors: their bytes by digest, checked at the door, and hashed whenever they are read.

mod folder;
mod known;

pub use folder::installed_builds;

use crate::compile::{self, ChildCompiler, Compiler, Weight};
use crate::contract::{self, Contract, Description, Exports};
use crate::fault::{ConnectorFault, FaultCode};
use crate::grant::OperatorGrant;
use crate::manifest::{IdempotencyMode, Manifest};
use crate::package::{self, Inspected};
use crate::sandbox::{CallState, Fate, Limits, MEMORIES_MAX, Room, Sandbox, TABLES_MAX, Who};
use crate::trust::{Times, Trust, Vouched, When};
use crate::witness::Witness;
use arc_swap::ArcSwap;
use countersign_core::effect::attempt::Guarantee;
use countersign_core::hash::Digest;
use countersign_core::time::Timestamp;
use countersign_engine::port::catalogue::Evidence;
use countersign_engine::port::connectors::Operation;
use folder::Folder;
use known::Ready;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::Component;

/// A connector that is ready to be connected.
#[derive(Debug, Clone)]
pub struct Installed {
    /// Its id, such as `countersign.stripe`.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Digest of its bytes.
    pub digest: Digest,
    /// Length of its bytes.
    pub size: usize,
    /// The system that it speaks to.
    pub system: String,
    /// What it can do.
    pub operations: Vec<Operation>,
    /// The kinds of record of whose changes it tells.
    pub tells: Vec<String>,
    /// Everything that it asks for, in sentences.
    pub wants: BTreeSet<String>,
    /// The same as its author wrote it.
    pub manifest: Manifest,
    /// Who of those whom the operator trusts has said what of it.
    pub vouched: Vouched,
    /// Whether it was installed to serve, and that is not on record yet.
    pub wanted: bool,
}

/// A connector in memory: compiled, linked, described.
pub(crate) struct Loaded {
    pub(crate) installed: Installed,
    pub(crate) contract: Box<dyn Contract>,
    pub(crate) limits: Limits,
}

impl Loaded {
    /// Has it describe itself once more, within the limits of a description.
    pub(crate) async fn describes_itself(
        &self,
        witness: Option<Arc<dyn Witness>>,
    ) -> Result<(), ConnectorFault> {
        let who = who(&self.installed.manifest);
        described(self.contract.as_ref(), &who, self.limits, witness).await.map(drop)
    }
}

/// Marks what was there already as installed now.
#[expect(clippy::disallowed_methods, reason = "the date of a file, which no log records")]
fn touch(path: &Path) -> std::io::Result<()> {
    fs::File::open(path)?.set_modified(std::time::SystemTime::now())
}

/// Connectors by digest, and the order in which they were taken up.
#[derive(Default, Clone)]
struct Shelf {
    by_digest: BTreeMap<Digest, Arc<Loaded>>,
    order: Vec<Digest>,
}

/// The installed connectors.
pub(crate) struct Catalogue {
    sandbox: Arc<Sandbox>,
    compiler: Arc<Compiler>,
    folder: Folder,
    trust: Trust,
    shelf: ArcSwap<Shelf>,
}

impl Catalogue {
    /// Opens the folder of connectors. Nothing is loaded yet.
    pub(crate) fn open(
        sandbox: Arc<Sandbox>,
        folder: &Path,
        cache_key: [u8; 32],
        trust: Trust,
        compiler: Option<ChildCompiler>,
    ) -> Result<Catalogue, ConnectorFault> {
        let kept = Folder::at(folder);
        compile::create_private(&kept.blobs)?;
        compile::create_private(&kept.evidence)?;
        let compiler = Arc::new(Compiler::open(Arc::clone(&sandbox), folder, cache_key)?.by(compiler));
        Ok(Catalogue { sandbox, compiler, folder: kept, trust, shelf: ArcSwap::default() })
    }

    /// Checks, compiles, links and describes a component, stores it, and takes it up.
    ///
    /// If the process stops in here, the blob is stored whole or not at all, and nothing uses it
    /// before it is loaded again.
    pub(crate) async fn install(
        &self,
        (bytes, evidence): (Vec<u8>, Evidence),
        grant: &OperatorGrant,
        now: Timestamp,
        wanted: bool,
    ) -> Result<Installed, ConnectorFault> {
        let inspected = package::inspect(&bytes)?;
        // Before anything of it is compiled or run.
        let (evidence, vouched) = self.vouched(&inspected, evidence, now)?;
        grant.covers(&inspected.manifest)?;
        let (digest, bytes) = (inspected.digest, Arc::new(bytes));
        let loaded = self.make(inspected, Arc::clone(&bytes), (vouched, wanted)).await?;
        if wanted {
            compile::store(&self.folder.wanted(digest), b"", 0o600)?;
        }
        if let Some(signature) = &evidence.signature {
            compile::store(&self.folder.signature(digest), signature, 0o444)?;
        }
        if let Some(report) = &evidence.conformance {
            compile::store(&self.folder.conformance(digest), report, 0o444)?;
        }
        let path = self.folder.blob(digest);
        // What is there and was changed since is put right.
        if path.exists() && self.folder.bytes(digest).is_ok() {
            // Nothing but that depends on it: which of several builds is the newest after the next start.
            if let Err(error) = touch(&path) {
                tracing::warn!(
                    %error,
                    path = %path.display(),
                    blame = "operator",
                    "the date of an installed connector cannot be set: after the next start another build of it may be \
                     the newest"
                );
            }
        } else {
            compile::store(&path, &bytes, 0o444)?;
        }
        Ok(self.take_up(loaded))
    }

    /// What is said of a component that is added, and what of that counts. What was said before and is not said better
    /// now stays.
    fn vouched(
        &self,
        inspected: &Inspected,
        given: Evidence,
        now: Timestamp,
    ) -> Result<(Evidence, Vouched), ConnectorFault> {
        let digest = inspected.digest;
        let stored = if self.folder.blob(digest).exists() {
            self.folder.evidence_of(digest)?
        } else {
            Evidence::default()
        };
        // What is there already was added in its time; what comes now must count now.
        let when = |given: &Option<Vec<u8>>, stored: &Option<Vec<u8>>| {
            if given.is_some() && given == stored { When::Loaded } else { When::Added(now) }
        };
        let look = |evidence: &Evidence| {
            let signature = when(&evidence.signature, &stored.signature);
            let conformance = when(&evidence.conformance, &stored.conformance);
            self.trust.look_at(inspected, evidence, Times { signature, conformance })
        };
        let both = Evidence {
            signature: given.signature.clone().or_else(|| stored.signature.clone()),
            conformance: given.conformance.clone().or_else(|| stored.conformance.clone()),
        };
        let looked = look(&both);
        let kept = Evidence { conformance: stored.conformance.clone(), ..both.clone() };
        if both.conformance != kept.conformance
            && let Ok(before) = look(&kept)
            && looked.as_ref().map_or(true, |vouched| vouched.level < before.level)
        {
            return Ok((kept, before));
        }
        looked.map(|vouched| (both, vouched))
    }

    /// Loads a connector that was installed before, by its digest.
    pub(crate) async fn load(&self, digest: Digest) -> Result<Installed, ConnectorFault> {
        if let Some(loaded) = self.get(&digest) {
            return Ok(self.take_up(loaded));
        }
        let evidence = self.folder.evidence_of(digest)?;
        let vouched = |inspected: &Inspected| self.trust.look_at(inspected, &evidence, When::Loaded);
        let wanted = self.folder.wanted(digest).exists();
        if let Some(ready) = self.known(digest).await? {
            let Ready { component, inspected, description } = ready;
            let said = (vouched(&inspected)?, wanted);
            let contract = self.linked(&component, &inspected.manifest)?;
            return Ok(self.take_up(self.serving(inspected, contract, description, said)?));
        }
        let bytes = self.folder.bytes(digest)?;
        let inspected = package::inspected(digest, &bytes)?;
        let said = (vouched(&inspected)?, wanted);
        Ok(self.take_up(self.make(inspected, Arc::new(bytes), said).await?))
    }

    /// A build that this runtime compiled and heard here before. Of its component nothing is read: what is not used
    /// need not be right.
    async fn known(&self, digest: Digest) -> Result<Option<Ready>, ConnectorFault> {
        if !self.folder.blob(digest).exists() {
            return Ok(None);
        }
        let compiler = Arc::clone(&self.compiler);
        tokio::task::spawn_blocking(move || known::recall(&compiler, digest)).await.map_err(|error| {
            let what = format!("the compiled code of sha256:{digest} cannot be looked for: {error}");
            ConnectorFault::host(FaultCode::NotCompiled, what)
        })
    }

    /// The digests of everything that is installed, loaded or not; what was installed last stands last, so that it is
    /// what its id means after a start too.
    pub(crate) fn stored(&self) -> Result<Vec<Digest>, ConnectorFault> {
        self.folder.digests()
    }

    /// The loaded connector with this digest.
    pub(crate) fn get(&self, digest: &Digest) -> Option<Arc<Loaded>> {
        self.shelf.load().by_digest.get(digest).cloned()
    }

    /// The connector with this id that was taken up last.
    pub(crate) fn newest(&self, id: &str) -> Option<Arc<Loaded>> {
        let shelf = self.shelf.load();
        let mut newest = shelf.order.iter().rev().filter_map(|digest| shelf.by_digest.get(digest));
        newest.find(|loaded| loaded.installed.id == id).cloned()
    }

    /// Everything that is loaded; what was taken up last stands last.
    pub(crate) fn loaded(&self) -> Vec<Installed> {
        let shelf = self.shelf.load();
        let in_order = shelf.order.iter().filter_map(|digest| shelf.by_digest.get(digest));
        in_order.map(|loaded| loaded.installed.clone()).collect()
    }

    /// Takes a build away from disk and from memory; calls in flight end with it. One that is not there is gone.
    pub(crate) fn remove(&self, digest: &Digest) -> Result<(), ConnectorFault> {
        let evidence =
            [self.folder.signature(*digest), self.folder.conformance(*digest), self.folder.wanted(*digest)];
        for path in evidence.into_iter().chain([self.folder.blob(*digest)]) {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(ConnectorFault::storage("remove", &path, &error));
                }
                Ok(()) | Err(_) => {}
            }
        }
        self.compiler.forget(*digest)?;
        self.shelf.rcu(|shelf| {
            let mut shelf = Shelf::clone(shelf);
            shelf.by_digest.remove(digest);
            shelf.order.retain(|other| other != digest);
            shelf
        });
        Ok(())
    }

    /// Calls in flight keep the version that they began with.
    fn take_up(&self, loaded: Arc<Loaded>) -> Installed {
        let installed = loaded.installed.clone();
        self.shelf.rcu(|shelf| {
            let mut shelf = Shelf::clone(shelf);
            shelf.order.retain(|other| *other != installed.digest);
            shelf.order.push(installed.digest);
            shelf.by_digest.insert(installed.digest, Arc::clone(&loaded));
            shelf
        });
        installed
    }

    /// What was wanted is on record: nothing is any more.
    pub(crate) fn settled(&self) -> Result<(), ConnectorFault> {
        for digest in self.shelf.load().by_digest.keys() {
            let path = self.folder.wanted(*digest);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(ConnectorFault::storage("remove", &path, &error));
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Compiles, links and describes, and keeps what it learned for the next start.
    async fn make(
        &self,
        inspected: Inspected,
        bytes: Arc<Vec<u8>>,
        said: (Vouched, bool),
    ) -> Result<Arc<Loaded>, ConnectorFault> {
        let who = who(&inspected.manifest);
        let digest = inspected.digest;
        let component = self.compiling(&who, move |compiler| compiler.load(digest, &bytes)).await?;
        let contract = self.linked(&component, &inspected.manifest)?;
        let limits = self.sandbox.limits(inspected.manifest.connector.class);
        let description = described(contract.as_ref(), &who, limits, None).await?;
        if description != described(contract.as_ref(), &who, limits, None).await? {
            let what = format!("{who} describes itself differently each time; report it to its author");
            return Err(ConnectorFault::connector(FaultCode::BadDescription, what));
        }
        let (compiler, kept) = (Arc::clone(&self.compiler), (inspected.clone(), description.clone()));
        let keeping = tokio::task::spawn_blocking(move || known::keep(&compiler, &kept.0, &kept.1));
        if let Err(error) = keeping.await {
            tracing::warn!(blame = "host", %error, "what is known of a connector was not kept");
        }
        self.serving(inspected, contract, description, said)
    }

    /// A compiled build against the contract that its manifest names.
    fn linked(
        &self,
        component: &Component,
        manifest: &Manifest,
    ) -> Result<Box<dyn Contract>, ConnectorFault> {
        let who = who(manifest);
        let place = (self.room_for(component, &who)?, self.sandbox.turns.pace());
        contract::bind(&manifest.connector.contract, component, place, &who)
    }

    /// A linked build, if what it says of itself is what its manifest says.
    fn serving(
        &self,
        inspected: Inspected,
        contract: Box<dyn Contract>,
        description: Description,
        (vouched, wanted): (Vouched, bool),
    ) -> Result<Arc<Loaded>, ConnectorFault> {
        let Inspected { digest, size, manifest, .. } = inspected;
        check_description(&description, &manifest, contract.exports(), &who(&manifest))?;
        let installed = Installed {
            id: manifest.connector.id.clone(),
            version: manifest.connector.version.clone(),
            digest,
            size,
            system: description.system,
            operations: description.operations,
            tells: description.tells,
            wants: manifest.wants()?,
            vouched,
            wanted,
            manifest,
        };
        let limits = self.sandbox.limits(installed.manifest.connector.class);
        Ok(Arc::new(Loaded { installed, contract, limits }))
    }

    /// Compiles a component and loads the result, to see what that takes.
    pub(crate) async fn weigh(&self, bytes: Vec<u8>) -> Result<Weight, ConnectorFault> {
        let inspected = package::inspect(&bytes)?;
        let who = who(&inspected.manifest);
        self.compiling(&who, move |compiler| compiler.weigh(inspected.digest, &bytes)).await
    }

    /// Runs what compiles where blocking is fine; a panic of the compiler is the component's fault.
    async fn compiling<T: Send + 'static>(
        &self,
        who: &Who,
        work: impl FnOnce(&Compiler) -> Result<T, ConnectorFault> + Send + 'static,
    ) -> Result<T, ConnectorFault> {
        let compiler = Arc::clone(&self.compiler);
        tokio::task::spawn_blocking(move || work(&compiler)).await.unwrap_or_else(|error| {
            let what = format!(
                "{who} made the compiler fail: {}; report it to its author",
                package::one_line(&error.to_string())
            );
            Err(ConnectorFault::connector(FaultCode::NotCompiled, what))
        })
    }

    /// What each call takes of the pool. Refuses at the door what would not fit at its first call.
    fn room_for(&self, component: &Component, who: &Who) -> Result<Option<Room>, ConnectorFault> {
        let Some(pool) = &self.sandbox.pool else { return Ok(None) };
        let needs = component.resources_required();
        let (memories, tables) = needs.map_or((0, 0), |needs| (needs.num_memories, needs.num_tables));
        let too_many = |count: u32, limit: usize| limit < usize::try_from(count).unwrap_or(usize::MAX);
        let room = pool.room_for(component);
        if room.is_none() || too_many(memories, MEMORIES_MAX) || too_many(tables, TABLES_MAX) {
            let what = format!(
                "{who} needs {memories} memories and {tables} tables, more than any connector may have"
            );
            return Err(ConnectorFault::connector(FaultCode::NotCompiled, what));
        }
        Ok(room)
    }
}

/// Whom a build is called before it has a connection.
fn who(manifest: &Manifest) -> Arc<Who> {
    let about = &manifest.connector;
    Arc::new(Who { connector: about.id.clone(), version: about.version.clone(), connection: None })
}

/// Time in which a connector describes itself, in milliseconds: a host that starts waits for each of them.
const DESCRIBE_MS: u64 = 5_000;

async fn described(
    contract: &dyn Contract,
    who: &Arc<Who>,
    limits: Limits,
    witness: Option<Arc<dyn Witness>>,
) -> Result<Description, ConnectorFault> {
    let limits = Limits { wall: Duration::from_millis(DESCRIBE_MS), ..limits };
    // No moment and no chance: it says the same of itself each time.
    let fate = Fate { now: Timestamp::default(), seed: Digest::of(who.connector.as_bytes()) };
    let mut state = CallState::new(Arc::clone(who), limits, fate, None);
    state.witness = witness;
    let described = contract.describe(state).await;
    described.map_err(|broke| ConnectorFault::connector(FaultCode::BadDescription, broke.message))
}

/// What a connector says of itself must be what its manifest says.
fn check_description(
    description: &Description,
    manifest: &Manifest,
    exports: Exports,
    who: &Who,
) -> Result<(), ConnectorFault> {
    let refuse = |what: String| {
        Err(ConnectorFault::connector(
            FaultCode::BadDescription,
            format!("{who} {what}; report it to its author"),
        ))
    };
    let about = &manifest.connector;
    if description.name != about.id || description.version != about.version {
        return refuse(format!(
            "describes itself as `{}` {}, which its manifest contradicts",
            description.name.escape_debug(),
            description.version.escape_debug()
        ));
    }
    if !exports.writes && !description.operations.is_empty() {
        return refuse("describes operations but exports no `writer`".to_owned());
    }
    let reversible = description.operations.iter().find(|operation| operation.reversible);
    if let (Some(operation), false) = (reversible, exports.undoes) {
        return refuse(format!(
            "says that operation `{}` can be taken back but exports no `compensator`",
            operation.name
        ));
    }
    if manifest.intake.is_some() && !exports.brings {
        return refuse("asks for intents in its manifest but exports no `intake`".to_owned());
    }
    if !manifest.webhooks.is_empty() && !exports.interprets && !exports.brings {
        return refuse("has hooks in its manifest but exports neither `webhooks` nor `intake`".to_owned());
    }
    let offers =
        |mode: IdempotencyMode| manifest.endpoints.values().any(|endpoint| endpoint.idempotency.mode == mode);
    for operation in &description.operations {
        let needed = match operation.guarantee {
            Guarantee::ByKey => IdempotencyMode::Header,
            Guarantee::ByNaturalKey => IdempotencyMode::NaturalKey,
            Guarantee::ByProbe | Guarantee::Blind => continue,
        };
        if !offers(needed) {
            let class = if needed == IdempotencyMode::Header { "by-key" } else { "by-natural-key" };
            return refuse(format!(
                "promises `{class}` for operation `{}`, but no endpoint of its manifest has that kind of idempotency",
                operation.name
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_engine::port::connectors::Operation;

    #[test]
    fn a_connector_exports_what_it_says_it_can_do() {
        const TEXT: &str = "manifest = 1\n[connector]\nid = \"acme.crm\"\nversion = \"1.0.0\"\ncontract = \"1.0\"\n\
             [endpoints.api]\nbase = \"https://crm.example.com\"\nmethods = [\"PUT\"]\npaths = [\"/*\"]\n";
        let manifest = Manifest::parse(TEXT).expect("it is good");
        let described = |reversible| Description {
            name: "acme.crm".to_owned(),
            version: "1.0.0".to_owned(),
            system: "crm".to_owned(),
            operations: vec![Operation {
                name: "set-price".to_owned(),
                kind: "quote".to_owned(),
                input_schema: "{}".to_owned(),
                guarantee: Guarantee::ByProbe,
                reversible,
            }],
            tells: Vec::new(),
        };
        let who = Who { connector: "acme.crm".to_owned(), version: "1.0.0".to_owned(), connection: None };
        let says = |reversible, exports| {
            let checked = check_description(&described(reversible), &manifest, exports, &who);
            checked.map_err(|fault| fault.message)
        };
        let none = Exports::default();
        assert_eq!(says(false, Exports { writes: true, ..none }), Ok(()));
        assert_eq!(says(true, Exports { writes: true, undoes: true, ..none }), Ok(()));
        let message = says(true, Exports { writes: true, ..none }).expect_err("nothing takes it back");
        assert!(message.contains("`set-price` can be taken back but exports no `compensator`"), "{message}");
        let message = says(false, none).expect_err("nothing writes");
        assert!(message.contains("exports no `writer`"), "{message}");
        for (more, lacks) in [
            ("[webhooks.paid]\nverify = { scheme = \"stripe\" }\n", "neither `webhooks` nor `intake`"),
            (
                "[webhooks.paid]\nverify = { scheme = \"stripe\" }\n[intake]\nintent-types = [\"discount\"]\n",
                "exports no `intake`",
            ),
        ] {
            let manifest = Manifest::parse(&format!("{TEXT}{more}")).expect("it is good");
            let exports = Exports { writes: true, ..none };
            let fault = check_description(&described(false), &manifest, exports, &who).expect_err(lacks);
            assert!(fault.message.contains(lacks), "{}", fault.message);
        }
    }
}
