//! From a component to native code, once; afterwards from a cache that only this host can fill.
//!
//! Compiled code is as powerful as the host itself, so a cached file is used only if its mark was
//! made with this machine's key, over these bytes, for this component and this runtime. It is mapped, not
//! copied. Losing the cache costs time and nothing else.
//!
//! [`compile`] is the seam: bytes in, bytes out. A host lets a child do it, which has limits of its own.

mod child;

pub use child::{COMPILE_ARGUMENT, ChildCompiler, compile_input};

use crate::fault::{ConnectorFault, FaultCode};
use crate::package::one_line;
use crate::sandbox::{Sandbox, monotonic};
use countersign_core::hash::Digest;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use wasmtime::Engine;
use wasmtime::component::Component;

/// Length of a mark, in bytes.
const MARK_BYTES: usize = 32;

/// Loads that are timed of one component: an odd number, of which the one in the middle counts.
const LOADS: usize = 9;

/// What a component is as native code, and how long it takes to become that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weight {
    /// Bytes of native code.
    pub native_bytes: usize,
    /// Time to compile it.
    pub compile: Duration,
    /// Time to load it from the cache: the mark of this machine, mapping.
    pub load: Duration,
}

/// What is kept of a component, each under a mark of its own.
#[derive(Debug, Clone, Copy)]
enum Kept {
    /// Its native code.
    Code,
    /// What it said when it was compiled.
    Note,
}

impl Kept {
    const fn word(self) -> &'static [u8] {
        match self {
            Kept::Code => b"code",
            Kept::Note => b"note",
        }
    }
}

/// Compiles components and remembers the result.
pub(crate) struct Compiler {
    sandbox: Arc<Sandbox>,
    folder: PathBuf,
    key: [u8; 32],
    /// What compiles as a child; this process does it itself unless there is one.
    child: Option<ChildCompiler>,
}

impl Compiler {
    /// Opens the cache below `folder`, and drops what other runtimes left there.
    pub(crate) fn open(
        sandbox: Arc<Sandbox>,
        folder: &Path,
        key: [u8; 32],
    ) -> Result<Compiler, ConnectorFault> {
        let root = folder.join("aot");
        let own = root.join(&sandbox.runtime_id);
        create_private(&own)?;
        for entry in fs::read_dir(&root).map_err(|error| ConnectorFault::storage("read", &root, &error))? {
            let path = entry.map_err(|error| ConnectorFault::storage("read", &root, &error))?.path();
            if path != own {
                fs::remove_dir_all(&path)
                    .map_err(|error| ConnectorFault::storage("remove", &path, &error))?;
            }
        }
        Ok(Compiler { sandbox, folder: own, key, child: None })
    }

    /// The same with something that compiles as a child.
    pub(crate) fn by(self, child: Option<ChildCompiler>) -> Compiler {
        Compiler { child, ..self }
    }

    /// The component as native code, from the cache if it is there. Blocks: call it where that is fine.
    pub(crate) fn load(&self, digest: Digest, bytes: &[u8]) -> Result<Component, ConnectorFault> {
        if let Some(component) = self.cached(digest) {
            return Ok(component);
        }
        let native = self.native(digest, bytes)?;
        // A cache that cannot be written is slower, not wrong.
        if let Err(fault) = self.remember(digest, &native) {
            tracing::warn!(blame = "host", %fault, "compiled code was not cached");
        }
        self.adopt(&native).map_err(|error| not_loaded(digest, &one_line(&format!("{error:#}"))))
    }

    /// Compiles a component even if the cache has it, remembers the result, and loads that from the cache. Blocks.
    pub(crate) fn weigh(&self, digest: Digest, bytes: &[u8]) -> Result<Weight, ConnectorFault> {
        let began = monotonic();
        let native = self.native(digest, bytes)?;
        let compile = began.elapsed();
        self.remember(digest, &native)?;
        let mut loads = [Duration::ZERO; LOADS];
        for load in &mut loads {
            let began = monotonic();
            let component = self.cached(digest);
            *load = began.elapsed();
            component.ok_or_else(|| not_loaded(digest, "the cache does not give it back"))?;
        }
        loads.sort_unstable();
        let load = loads.get(LOADS / 2).copied().unwrap_or_default();
        Ok(Weight { native_bytes: native.len(), compile, load })
    }

    fn native(&self, digest: Digest, bytes: &[u8]) -> Result<Vec<u8>, ConnectorFault> {
        let native = match &self.child {
            Some(compiler) => child::compiled_by(compiler, bytes),
            None => compile(&self.sandbox.engine, bytes),
        };
        native.map_err(|why| {
            let what = format!("component sha256:{digest} does not compile: {why}; report it to its author");
            ConnectorFault::connector(FaultCode::NotCompiled, what)
        })
    }

    /// The component as native code, if the cache has it. Blocks for as long as it takes to read the code once.
    pub(crate) fn cached(&self, digest: Digest) -> Option<Component> {
        let file = self.file(digest, "cwasm");
        let mark = fs::read(self.file(digest, "mac")).ok()?;
        let mut hasher = blake3::Hasher::new();
        hasher.update_mmap_rayon(&file).ok()?;
        if self.mark(Kept::Code, digest, &hasher.finalize())?.verify_slice(&mark).is_err() {
            tracing::warn!(blame = "host", %digest, "cached code does not carry this machine's mark; compiling anew");
            return None;
        }
        match self.adopt_file(&file) {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(blame = "host", %digest, %error, "cached code does not load; compiling anew");
                None
            }
        }
    }

    fn remember(&self, digest: Digest, native: &[u8]) -> Result<(), ConnectorFault> {
        let Some(mark) = self.mark(Kept::Code, digest, &blake3::hash(native)) else { return Ok(()) };
        store(&self.file(digest, "cwasm"), native, 0o400)?;
        store(&self.file(digest, "mac"), &mark.finalize().into_bytes(), 0o400)
    }

    /// What was noted of a component that this runtime compiled here.
    pub(crate) fn noted(&self, digest: Digest) -> Option<Vec<u8>> {
        let kept = fs::read(self.file(digest, "note")).ok()?;
        let (mark, note) = kept.split_at_checked(MARK_BYTES)?;
        if self.mark(Kept::Note, digest, &blake3::hash(note))?.verify_slice(mark).is_err() {
            tracing::warn!(blame = "host", %digest, "what was noted of it does not carry this machine's mark");
            return None;
        }
        Some(note.to_vec())
    }

    /// Keeps what there is to say of a component beside its native code, for the next start.
    pub(crate) fn note(&self, digest: Digest, note: &[u8]) -> Result<(), ConnectorFault> {
        let Some(mark) = self.mark(Kept::Note, digest, &blake3::hash(note)) else { return Ok(()) };
        let kept = [mark.finalize().into_bytes().as_slice(), note].concat();
        store(&self.file(digest, "note"), &kept, 0o400)
    }

    /// Drops what is remembered of a component.
    pub(crate) fn forget(&self, digest: Digest) -> Result<(), ConnectorFault> {
        for ending in ["cwasm", "mac", "note"] {
            let path = self.file(digest, ending);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(ConnectorFault::storage("remove", &path, &error));
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    fn mark(&self, kept: Kept, digest: Digest, content: &blake3::Hash) -> Option<Hmac<Sha256>> {
        let mut mark = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        mark.update(kept.word());
        mark.update(content.as_bytes());
        mark.update(&digest.0);
        mark.update(self.sandbox.runtime_id.as_bytes());
        Some(mark)
    }

    fn file(&self, digest: Digest, ending: &str) -> PathBuf {
        self.folder.join(format!("{digest}.{ending}"))
    }

    #[expect(unsafe_code, reason = "loading native code is the one thing that wasmtime cannot check for us")]
    fn adopt_file(&self, file: &Path) -> wasmtime::Result<Component> {
        // SAFETY: the file carries the mark that only this host makes, over what stands in it. Nobody but the host's
        // own user can enter its folder, and that user could as well change the program itself; the host writes no
        // file in place, so what is mapped stays what was read, whatever becomes of the name.
        let component = unsafe { Component::deserialize_file(&self.sandbox.engine, file) }?;
        component.initialize_copy_on_write_image()?;
        Ok(component)
    }

    #[expect(unsafe_code, reason = "loading native code is the one thing that wasmtime cannot check for us")]
    fn adopt(&self, native: &[u8]) -> wasmtime::Result<Component> {
        // SAFETY: `native` was made by `compile` of this very engine a moment ago, and is in our memory.
        let component = unsafe { Component::deserialize(&self.sandbox.engine, native) }?;
        component.initialize_copy_on_write_image()?;
        Ok(component)
    }
}

fn not_loaded(digest: Digest, why: &str) -> ConnectorFault {
    let what = format!("the compiled code of sha256:{digest} does not load: {why}");
    ConnectorFault::host(FaultCode::NotCompiled, what)
}

/// Compiles a component. Pure: bytes in, native code or a reason out.
fn compile(engine: &Engine, bytes: &[u8]) -> Result<Vec<u8>, String> {
    engine.precompile_component(bytes).map_err(|error| refused(&error))
}

/// Why a component does not compile, in one line.
fn refused(error: &wasmtime::Error) -> String {
    one_line(&format!("{error:#}"))
}

/// A folder that only the host's own user can enter.
pub(crate) fn create_private(folder: &Path) -> Result<(), ConnectorFault> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| ConnectorFault::storage("create", folder, &error))
}

/// Stores a file whole or not at all: if the process stops in here, the old state stands.
pub(crate) fn store(path: &Path, bytes: &[u8], mode: u32) -> Result<(), ConnectorFault> {
    let fault = |error: std::io::Error| ConnectorFault::storage("write", path, &error);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let temporary = path.with_file_name(name);
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fault(error)),
        Ok(()) | Err(_) => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    let written = options.open(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    });
    match written {
        Ok(()) => Ok(()),
        Err(error) => {
            // The left-over is overwritten by the next attempt; the first error is the one to tell.
            drop(fs::remove_file(&temporary));
            Err(fault(error))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiler(folder: &Path, key: [u8; 32]) -> Compiler {
        let sandbox = Arc::new(Sandbox::start().expect("it starts"));
        Compiler::open(sandbox, folder, key).expect("the folder is writable")
    }

    /// The smallest component: nothing in it.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn compiled_code_is_used_again_only_with_this_machines_mark() {
        let folder = tempfile::tempdir().expect("a folder");
        let digest = Digest::of(EMPTY);
        let first = compiler(folder.path(), [1; 32]);
        assert!(first.cached(digest).is_none());
        first.load(digest, EMPTY).expect("it compiles");
        assert!(first.cached(digest).is_some());
        assert!(compiler(folder.path(), [2; 32]).cached(digest).is_none(), "another key");
        let file = first.file(digest, "cwasm");
        let mut native = fs::read(&file).expect("it is there");
        let last = native.len() - 1;
        native[last] ^= 1;
        fs::remove_file(&file).expect("the folder is ours");
        fs::write(&file, native).expect("it is writable");
        assert!(first.cached(digest).is_none(), "one bit was changed");
        first.load(digest, EMPTY).expect("it is compiled anew");
        assert!(first.cached(digest).is_some());
    }

    #[test]
    fn what_is_noted_is_believed_only_with_this_machines_mark() {
        let folder = tempfile::tempdir().expect("a folder");
        let (one, other) = (Digest::of(b"one"), Digest::of(b"other"));
        let first = compiler(folder.path(), [1; 32]);
        assert_eq!(first.noted(one), None);
        first.note(one, b"it is good").expect("the folder is writable");
        assert_eq!(first.noted(one).as_deref(), Some(b"it is good".as_slice()));
        assert_eq!(compiler(folder.path(), [2; 32]).noted(one), None, "another key");
        let kept = fs::read(first.file(one, "note")).expect("it is there");
        fs::write(first.file(other, "note"), &kept).expect("it is writable");
        assert_eq!(first.noted(other), None, "of another component");
        let altered = [&kept[..kept.len() - 4], b"evil"].concat();
        fs::remove_file(first.file(one, "note")).expect("the folder is ours");
        fs::write(first.file(one, "note"), altered).expect("it is writable");
        assert_eq!(first.noted(one), None, "other words");
        let mark = |kept| {
            let mark = first.mark(kept, one, &blake3::hash(b"it is good")).expect("any key will do");
            mark.finalize().into_bytes()
        };
        assert_ne!(mark(Kept::Note), mark(Kept::Code), "a mark is of one kind only");
        fs::write(first.file(other, "note"), &kept[..8]).expect("it is writable");
        assert_eq!(first.noted(other), None, "not even a mark");
        first.note(one, b"once more").expect("the folder is writable");
        assert_eq!(first.noted(one).as_deref(), Some(b"once more".as_slice()));
        first.forget(one).expect("it is removed");
        assert_eq!(first.noted(one), None);
    }

    #[test]
    fn code_of_another_runtime_is_dropped_at_start() {
        let folder = tempfile::tempdir().expect("a folder");
        let foreign = folder.path().join("aot/cs-48.0.0-0/");
        fs::create_dir_all(&foreign).expect("it is writable");
        compiler(folder.path(), [1; 32]);
        assert!(!foreign.exists());
    }
}
