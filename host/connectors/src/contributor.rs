//! Policy components: guests that import nothing, run with counted fuel, and can only tighten.
//!
//! They have an engine of their own: fuel, not time, is their limit, so that the same arguments
//! end the same way on every machine. A component is kept by the digest of its bytes; a policy
//! names that digest, so another component is another policy.

use crate::compile::{Compiler, create_private, store};
use crate::fault::{ConnectorFault, FaultCode};
use crate::package::{COMPONENT_BYTES_MAX, Contents, one_line};
use crate::sandbox::{MemoryMeter, Sandbox};
use arc_swap::ArcSwap;
use bindings::exports::countersign::policy::contributor;
use countersign_core::hash::Digest;
use countersign_core::policy::component::{Contributed, Contribution};
use countersign_engine::port::Answer;
use countersign_engine::port::components::Components;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Semaphore;
use wasmparser::Parser;
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Engine, Store, Trap};

/// Fuel of one call, about one unit an instruction.
const FUEL_MAX: u64 = 50_000_000;
/// Linear memory of one call, in bytes, summed over its memories.
const MEMORY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes that a guest may hand over: 64 contributions of a few lines.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Calls at one time: each takes a thread for some milliseconds.
const CALLS_MAX: usize = 4;

/// Where components lie below their folder, by digest.
const BLOBS: &str = "blobs/sha256";

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/policy@0.1.0",
        world: "policy",
    });
}

/// The installed policy components.
#[expect(missing_debug_implementations, reason = "it holds the machine's cache key")]
pub struct Contributors {
    compiler: Arc<Compiler>,
    folder: PathBuf,
    shelf: ArcSwap<BTreeMap<Digest, Arc<Linked>>>,
    calls: Semaphore,
}

struct Linked {
    instance: InstancePre<MemoryMeter>,
    contributor: contributor::GuestIndices,
}

impl Contributors {
    /// Opens the folder of policy components and loads what is in it. `cache_key` marks compiled
    /// code of this machine.
    ///
    /// # Errors
    /// [`FaultCode::Runtime`] or [`FaultCode::Storage`].
    pub fn open(folder: &Path, cache_key: [u8; 32]) -> Result<Contributors, ConnectorFault> {
        create_private(&folder.join(BLOBS))?;
        let sandbox = Arc::new(Sandbox::counting()?);
        let compiler = Arc::new(Compiler::open(sandbox, folder, cache_key)?);
        let contributors = Contributors {
            compiler,
            folder: folder.to_owned(),
            shelf: ArcSwap::default(),
            calls: Semaphore::new(CALLS_MAX),
        };
        for digest in contributors.stored()? {
            contributors.load(digest)?;
        }
        Ok(contributors)
    }

    /// Where the component with this digest lies in a folder of policy components, if it is there.
    #[must_use]
    pub fn file(folder: &Path, digest: &Digest) -> PathBuf {
        folder.join(BLOBS).join(format!("{digest}.wasm"))
    }

    /// Installs a component and says under which digest a policy can name it. Compiles: call it
    /// where blocking is fine.
    ///
    /// If the process stops in here, the component is stored whole or not at all.
    ///
    /// # Errors
    /// Why it is refused, in one sentence. Nothing is stored then.
    pub fn install(&self, bytes: &[u8]) -> Result<Digest, ConnectorFault> {
        let digest = inspect_contributor(bytes)?;
        if self.is_installed(&digest) {
            return Ok(digest);
        }
        let linked = self.link(digest, bytes)?;
        let path = Self::file(&self.folder, &digest);
        if !path.exists() {
            store(&path, bytes, 0o444)?;
        }
        self.take_up(digest, linked);
        Ok(digest)
    }

    fn load(&self, digest: Digest) -> Result<(), ConnectorFault> {
        let path = Self::file(&self.folder, &digest);
        let bytes = fs::read(&path).map_err(|error| ConnectorFault::storage("read", &path, &error))?;
        if Digest::of(&bytes) != digest {
            let what = format!(
                "the file `{}` was changed after it was installed; install the policy component again",
                path.display()
            );
            return Err(ConnectorFault::host(FaultCode::Storage, what));
        }
        self.take_up(digest, self.link(digest, &bytes)?);
        Ok(())
    }

    fn link(&self, digest: Digest, bytes: &[u8]) -> Result<Linked, ConnectorFault> {
        let component = self.compiler.load(digest, bytes)?;
        let missing = |error: wasmtime::Error| {
            let what = format!(
                "policy component sha256:{digest} does not fit the contract `countersign:policy` 0.1: {}; \
                 build it against `wit/policy@0.1.0`",
                one_line(&format!("{error:#}"))
            );
            ConnectorFault::connector(FaultCode::MissingExport, what)
        };
        linked(&component).map_err(missing)
    }

    fn take_up(&self, digest: Digest, linked: Linked) {
        let linked = Arc::new(linked);
        self.shelf.rcu(|shelf| {
            let mut shelf = BTreeMap::clone(shelf);
            shelf.insert(digest, Arc::clone(&linked));
            shelf
        });
    }

    fn stored(&self) -> Result<Vec<Digest>, ConnectorFault> {
        let blobs = self.folder.join(BLOBS);
        let fault = |error: std::io::Error| ConnectorFault::storage("read", &blobs, &error);
        let mut digests = Vec::new();
        for entry in fs::read_dir(&blobs).map_err(fault)? {
            let name = entry.map_err(fault)?.file_name();
            digests.extend(name.to_str().and_then(|name| name.strip_suffix(".wasm")).and_then(Digest::parse));
        }
        Ok(digests)
    }
}

fn linked(component: &Component) -> wasmtime::Result<Linked> {
    let instance = Linker::new(component.engine()).instantiate_pre(component)?;
    let contributor = contributor::GuestIndices::new(&instance)?;
    Ok(Linked { instance, contributor })
}

/// Makes a policy component: `module` wrapped into a component if it is none yet.
///
/// # Errors
/// [`FaultCode::NotAComponent`] if it does not wrap, and all that [`inspect_contributor`] refuses.
pub fn componentize_contributor(module: &[u8]) -> Result<Vec<u8>, ConnectorFault> {
    let component = if Parser::is_component(module) {
        module.to_vec()
    } else {
        wit_component::ComponentEncoder::default()
            .validate(true)
            .module(module)
            .and_then(|encoder| encoder.encode())
            .map_err(|error| not_wrapped(&one_line(&format!("{error:#}"))))?
    };
    inspect_contributor(&component)?;
    Ok(component)
}

fn not_wrapped(why: &str) -> ConnectorFault {
    let what = format!(
        "the module does not wrap into a policy component: {why}; build it against `wit/policy@0.1.0`"
    );
    ConnectorFault::connector(FaultCode::NotAComponent, what)
}

/// Looks at the bytes of a policy component without running it, and says its digest.
///
/// # Errors
/// [`FaultCode::Precompiled`], [`FaultCode::TooLarge`], [`FaultCode::NotAComponent`], or
/// [`FaultCode::UnknownImport`] if it imports anything at all.
pub fn inspect_contributor(bytes: &[u8]) -> Result<Digest, ConnectorFault> {
    let digest = Digest::of(bytes);
    let refuse = |code, what: String| {
        Err(ConnectorFault::connector(code, format!("policy component sha256:{digest} {what}")))
    };
    if bytes.len() > COMPONENT_BYTES_MAX {
        return refuse(FaultCode::TooLarge, "is larger than 64 MiB; build it in release mode".to_owned());
    }
    if Engine::detect_precompiled(bytes).is_some() {
        let what = "is precompiled native code, which nobody can check; ask for the component itself";
        return refuse(FaultCode::Precompiled, what.to_owned());
    }
    if !Parser::is_component(bytes) {
        let what = "is no WebAssembly component; build it with `countersign policy build`";
        return refuse(FaultCode::NotAComponent, what.to_owned());
    }
    match Contents::read(bytes) {
        Err(why) => refuse(FaultCode::NotAComponent, format!("is not a whole component: {why}")),
        Ok(contents) => match contents.imports.first() {
            None => Ok(digest),
            Some(import) => {
                let what = format!(
                    "imports `{import}`; a policy component imports nothing, so that its answer depends on \
                     its arguments alone: build it for wasm32-unknown-unknown"
                );
                refuse(FaultCode::UnknownImport, what)
            }
        },
    }
}

impl Components for Contributors {
    fn contribute(&self, component: Digest, intent: String, facts: String) -> Answer<'_, Contributed> {
        let linked = self.shelf.load().get(&component).cloned();
        Box::pin(async move {
            let Some(linked) = linked else {
                return Contributed::Failed(format!("component sha256:{component} is not installed"));
            };
            // The semaphore is never closed, so a permit always comes.
            let _permit = self.calls.acquire().await;
            let called = tokio::task::spawn_blocking(move || call(&linked, &intent, &facts)).await;
            called.unwrap_or_else(|_| Contributed::Failed("it made the host itself panic".to_owned()))
        })
    }

    fn is_installed(&self, component: &Digest) -> bool {
        self.shelf.load().contains_key(component)
    }
}

/// One call in a store of its own, with every limit armed before any guest code runs.
fn call(linked: &Linked, intent: &str, facts: &str) -> Contributed {
    let mut store = Store::new(linked.instance.engine(), MemoryMeter::new(MEMORY_BYTES_MAX));
    store.limiter(|memory| memory);
    store.set_hostcall_fuel(ANSWER_BYTES_MAX);
    let answered = store.set_fuel(FUEL_MAX).and_then(|()| {
        let instance = linked.instance.instantiate(&mut store)?;
        let guest = linked.contributor.load(&mut store, &instance)?;
        guest.call_contribute(&mut store, intent, facts)
    });
    match answered {
        Ok(Ok(contributions)) => Contributed::Said(contributions.into_iter().map(contribution).collect()),
        Ok(Err(why)) => Contributed::Failed(one_line(&why)),
        Err(_) if store.data().exceeded => {
            let mib = MEMORY_BYTES_MAX / (1024 * 1024);
            Contributed::Failed(format!("it wanted more than {mib} MiB of memory"))
        }
        Err(error) => Contributed::Failed(words(&error)),
    }
}

fn contribution(given: contributor::Contribution) -> Contribution {
    let routes = match given.outcome {
        contributor::Outcome::Deny => Vec::new(),
        contributor::Outcome::Needs(routes) if routes.is_empty() => vec![String::new()],
        contributor::Outcome::Needs(routes) => routes,
    };
    Contribution { id: given.id, routes, because: given.because, reads: given.reads }
}

/// What an error of the runtime means, in one line for the policy's owner.
fn words(error: &wasmtime::Error) -> String {
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => format!("it computed for more than {FUEL_MAX} units of fuel"),
        Some(trap) => format!("it trapped: {}", one_line(&trap.to_string())),
        None => one_line(&error.root_cause().to_string()),
    }
}
