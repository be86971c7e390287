//! Builds connectors from their source: one call of cargo for `wasm32-unknown-unknown` (or the tools that
//! a project in TypeScript, Python, Go or C names), then each module is wrapped into a component with its manifest
//! inside, in this process.
//!
//! Beside each component that is to be given away lies its bill of materials (`materials.rs`): of what it is made is known
//! here, and nowhere later.
//!
//! What is built goes to `target/connectors/ID.wasm` below the outermost folder that holds a
//! `Cargo.toml`, so that one connector and the whole workspace land in the same place. A build
//! that stops half-way leaves the component of the last one: files are written beside and renamed.

mod c;
mod crates;
mod go;
mod gomod;
mod npm;
mod python;
mod tool;
mod toolchain;
mod typescript;
mod wheels;
mod world;

pub use toolchain::Toolchain;

use crate::distribution::Kind;
use crate::materials::Materials;
use anyhow::{Context, Result, bail};
use countersign_connectors::{Inspected, Manifest, componentize, componentize_contributor, inspect};
use countersign_core::hash::Digest;
use serde::Deserialize;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use toolchain::TARGET;

/// The manifest beside a connector's `Cargo.toml`.
pub const MANIFEST_FILE: &str = "connector.toml";
/// Largest core module that is read: several times the largest guest language runtime.
const MODULE_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// A connector that was built.
#[derive(Debug, Clone)]
pub struct BuiltConnector {
    /// Where the component lies.
    pub file: PathBuf,
    /// What the component says of itself.
    pub about: Inspected,
    /// Where its bill of materials lies; none of what was not built here, or only to be tried.
    pub materials: Option<PathBuf>,
}

impl Pace {
    /// What cargo is told of it: a profile of ours beside the project's own, which both leave as they are.
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Pace::Release => &["--release"],
            Pace::Quick => &[
                "--config",
                "profile.quick.inherits = 'release'",
                "--config",
                "profile.quick.lto = 'off'",
                "--config",
                "profile.quick.incremental = true",
                "--config",
                "profile.quick.codegen-units = 16",
                "--profile",
                "quick",
            ],
        }
    }
}

impl BuiltConnector {
    /// The connector's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.about.manifest.connector.id
    }
}

/// Whether the manifest is one: known before anything is built, which may take a minute.
fn is_manifest(file: &Path) -> Result<()> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("`{}` cannot be read", file.display()))?;
    Manifest::parse(&text).with_context(|| format!("`{}` is no manifest", file.display()))?;
    Ok(())
}

/// Where components go that are built from `folder`.
#[must_use]
pub fn out_folder(folder: &Path) -> PathBuf {
    outermost(folder).join("target").join("connectors")
}

/// Builds every connector of the cargo workspace or package in `folder` into `out`; `progress` is
/// told what is done now, one line at a time.
///
/// # Errors
/// If there is no guest toolchain, if cargo fails (with its own words), or if a module is no honest
/// connector.
pub fn build_all(folder: &Path, out: &Path, progress: &dyn Fn(&str)) -> Result<Vec<BuiltConnector>> {
    build_at(Pace::Release, folder, out, progress)
}

/// What a build is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// To be given away: small, and the same bytes from the same source.
    Release,
    /// To be tried while it is written: as soon as it can be had.
    Quick,
}

/// The same at a pace. Only what Rust makes is another thing.
///
/// # Errors
/// Those of [`build_all`].
pub fn build_at(
    pace: Pace,
    folder: &Path,
    out: &Path,
    progress: &dyn Fn(&str),
) -> Result<Vec<BuiltConnector>> {
    let folder = folder
        .canonicalize()
        .with_context(|| format!("there is no folder `{}`; name one with a connector", folder.display()))?;
    let mut built = Vec::new();
    let is_there = |file: &str| folder.join(file).is_file();
    if is_there(MANIFEST_FILE) {
        is_manifest(&folder.join(MANIFEST_FILE))?;
    }
    let modules = if is_there("Cargo.toml") {
        modules(pace, &folder, &is_connector, progress)?
    } else if is_there(typescript::PACKAGE_FILE) {
        vec![typescript::module(&folder, &between(&folder), progress)?]
    } else if is_there(python::PROJECT_FILE) {
        vec![python::module(&folder, &between(&folder), progress)?]
    } else if is_there(go::MODULE_FILE) {
        vec![go::module(&folder, &between(&folder), progress)?]
    } else if is_there(c::BUILD_FILE) {
        vec![c::module(&folder, &between(&folder), progress)?]
    } else {
        modules(pace, &folder, &is_connector, progress)?
    };
    for module in modules {
        progress(&format!("wrapping {}", module.name));
        let manifest = module.folder.join(MANIFEST_FILE);
        let component = wrapped(&module.file, &manifest)?;
        let about = inspect(&component)?;
        let file = out.join(format!("{}.wasm", about.manifest.connector.id));
        put(&file, &component)?;
        let materials = match pace {
            Pace::Release => {
                let place = Kind::Materials.place_of(&file);
                put(&place, &module.materials.document(&about)?)?;
                Some(place)
            }
            Pace::Quick => None,
        };
        built.push(BuiltConnector { file, about, materials });
    }
    if built.is_empty() {
        bail!(
            "nothing in `{}` is a connector; one has a `{MANIFEST_FILE}` and the crate type `cdylib`",
            folder.display()
        );
    }
    built.sort_by(|one, other| one.id().cmp(other.id()));
    Ok(built)
}

/// The connectors in other languages that lie in the folders of a cargo workspace, each a project of its own.
///
/// # Errors
/// If the folder cannot be read.
pub fn projects_in(workspace: &Path) -> Result<Vec<PathBuf>> {
    if !workspace.join("Cargo.toml").is_file() {
        return Ok(Vec::new());
    }
    let named = || format!("`{}` cannot be read", workspace.display());
    let mut projects = Vec::new();
    for entry in std::fs::read_dir(workspace).with_context(named)? {
        let folder = entry.with_context(named)?.path();
        let has = |file: &str| folder.join(file).is_file();
        let is_project = [typescript::PACKAGE_FILE, python::PROJECT_FILE, go::MODULE_FILE, c::BUILD_FILE]
            .into_iter()
            .any(has);
        if has(MANIFEST_FILE) && is_project && !has("Cargo.toml") {
            projects.push(folder);
        }
    }
    projects.sort();
    Ok(projects)
}

/// Builds the policy component whose package is `folder`, and says where it lies and the digest by
/// which a policy names it.
///
/// # Errors
/// If there is no guest toolchain, if cargo fails (with its own words), or if the module is no
/// honest policy component.
pub fn build_policy_component(folder: &Path, progress: &dyn Fn(&str)) -> Result<(PathBuf, Digest)> {
    let folder = folder
        .canonicalize()
        .with_context(|| format!("there is no folder `{}`; name one with a component", folder.display()))?;
    let modules = modules(Pace::Release, &folder, &|package| package == folder, progress)?;
    let [module] = modules.as_slice() else {
        let count = modules.len();
        bail!(
            "`{}` makes {count} modules; a policy component is one crate of type `cdylib`",
            folder.display()
        );
    };
    progress(&format!("wrapping {}", module.name));
    let component = componentize_contributor(&bytes_of(&module.file)?)
        .with_context(|| format!("`{}` cannot be wrapped", module.file.display()))?;
    let out = outermost(&folder).join("target").join("policy-components");
    let file = out.join(format!("{}.wasm", module.name.replace('-', "_")));
    put(&file, &component)?;
    Ok((file, Digest::of(&component)))
}

/// Wraps one core module (or takes one component) with its manifest, and writes it to `out`.
///
/// # Errors
/// If a file cannot be read or written, or the module is no honest connector.
pub fn wrap(module: &Path, manifest: &Path, out: &Path) -> Result<BuiltConnector> {
    let component = wrapped(module, manifest)?;
    let about = inspect(&component)?;
    put(out, &component)?;
    Ok(BuiltConnector { file: out.to_owned(), about, materials: None })
}

/// Reads a component and what it says of itself.
///
/// # Errors
/// If it cannot be read or is no connector.
pub fn inspected(file: &Path) -> Result<Inspected> {
    inspect(&bytes_of(file)?).with_context(|| format!("`{}` cannot be used", file.display()))
}

fn wrapped(module: &Path, manifest: &Path) -> Result<Vec<u8>> {
    let toml = std::fs::read_to_string(manifest)
        .with_context(|| format!("the manifest `{}` cannot be read", manifest.display()))?;
    componentize(&bytes_of(module)?, &toml)
        .with_context(|| format!("`{}` cannot be wrapped", module.display()))
}

fn bytes_of(file: &Path) -> Result<Vec<u8>> {
    let source = std::fs::File::open(file).with_context(|| format!("`{}` cannot be read", file.display()))?;
    let mut bytes = Vec::new();
    source
        .take(MODULE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("`{}` cannot be read", file.display()))?;
    if MODULE_BYTES_MAX < bytes.len() as u64 {
        bail!("`{}` is larger than 128 MiB; build it in release mode", file.display());
    }
    Ok(bytes)
}

/// Writes beside and renames, so that nobody ever reads half a component.
pub(crate) fn put(file: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("the folder `{}` cannot be made", folder.display()))?;
    }
    let beside = file.with_extension(format!("wasm.{}", std::process::id()));
    std::fs::write(&beside, bytes)
        .and_then(|()| std::fs::rename(&beside, file))
        .with_context(|| format!("`{}` cannot be written", file.display()))
}

/// Where that lies which is neither source nor component.
fn between(folder: &Path) -> PathBuf {
    outermost(folder).join("target").join("guests")
}

/// The outermost folder above (or at) `folder` that holds a `Cargo.toml`.
fn outermost(folder: &Path) -> PathBuf {
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let holder = whole.ancestors().filter(|folder| folder.join("Cargo.toml").is_file()).last();
    holder.unwrap_or(&whole).to_owned()
}

/// A core module that cargo made.
#[derive(Debug, PartialEq, Eq)]
struct Module {
    name: String,
    folder: PathBuf,
    file: PathBuf,
    materials: Materials,
}

/// Whether the package in this folder makes a connector.
fn is_connector(package: &Path) -> bool {
    package.join(MANIFEST_FILE).is_file()
}

/// Runs cargo once and gives the modules that it built in wanted packages.
fn modules(
    pace: Pace,
    folder: &Path,
    wanted: &dyn Fn(&Path) -> bool,
    progress: &dyn Fn(&str),
) -> Result<Vec<Module>> {
    if !folder.join("Cargo.toml").is_file() {
        bail!(
            "`{}` has no `Cargo.toml`, `package.json`, `pyproject.toml`, `go.mod` or `build.toml`; wrap a finished module with `--core FILE`",
            folder.display()
        );
    }
    let toolchain = Toolchain::find(folder, progress)?;
    let mut command = Command::new(toolchain::cargo());
    command
        .current_dir(folder)
        .args(["build", "--quiet", "--lib", "--target", TARGET])
        .args(pace.arguments())
        .args(["--message-format", "json-render-diagnostics", "--target-dir"])
        .arg(between(folder))
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    // Whoever tries something wants it at once, and gives it to nobody.
    let is_given = pace == Pace::Release;
    // What keeps cargo from an answer keeps it from building too, which it says itself.
    let before = if is_given { crates::metadata(folder).ok() } else { None };
    if let Some(metadata) = &before {
        // Joined with what the project says there; a project that sets its flags elsewhere keeps those alone.
        let flags = toml::Value::try_from(metadata.nameless())?;
        command.arg("--config").arg(format!("build.rustflags={flags}"));
    }
    if folder.join("Cargo.lock").is_file() {
        command.arg("--locked");
    }
    toolchain.apply(&mut command);
    progress(&format!("building for {TARGET} with {toolchain}"));
    let mut cargo = command.spawn().context("cargo cannot be started; install Rust with rustup")?;
    let (mut modules, mut compiled) = (Vec::new(), crates::Compiled::default());
    if let Some(messages) = cargo.stdout.take() {
        for line in BufReader::new(messages).lines() {
            let Some(message) = Message::read(&line?) else { continue };
            if !message.fresh && !message.is_build_script() {
                progress(&format!("compiled {}", message.target.name));
            }
            message.note(&mut compiled);
            modules.extend(message.module(wanted));
        }
    }
    let status = cargo.wait()?;
    if !status.success() {
        bail!(
            "cargo could not build `{}` ({status}); correct what it says above and build again (where that is the lock \
             file: `cargo update --workspace` brings it up to date)",
            folder.display()
        );
    }
    if is_given {
        let metadata = before.map_or_else(|| crates::metadata(folder), Ok)?;
        let rustc = toolchain.version(folder)?;
        for module in &mut modules {
            module.materials = metadata.materials(&module.folder, &compiled, &rustc)?;
        }
    }
    Ok(modules)
}

/// One line that cargo says for programs, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Message {
    reason: String,
    package_id: String,
    manifest_path: PathBuf,
    target: Target,
    filenames: Vec<PathBuf>,
    /// Whether it was there already.
    #[serde(default)]
    fresh: bool,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Message {
    /// The message, if something was built that is our matter.
    fn read(line: &str) -> Option<Message> {
        // Other messages have other members; they are said to people already.
        let message: Message = serde_json::from_str(line).ok()?;
        (message.reason == "compiler-artifact").then_some(message)
    }

    /// Whether it is only a program that another build needs.
    fn is_build_script(&self) -> bool {
        self.target.kind.iter().any(|kind| kind == "custom-build")
    }

    /// Remembers what it was compiled for: what is for the target lies in a folder of that name.
    fn note(&self, compiled: &mut crates::Compiled) {
        let is_target = |file: &PathBuf| file.iter().any(|part| part == TARGET);
        let those = if self.filenames.iter().any(is_target) {
            &mut compiled.for_target
        } else {
            &mut compiled.for_host
        };
        those.insert(self.package_id.clone());
    }

    /// The module of a wanted package, if that is what was built.
    fn module(self, wanted: &dyn Fn(&Path) -> bool) -> Option<Module> {
        let folder = self.manifest_path.parent()?.to_owned();
        if !self.target.kind.iter().any(|kind| kind == "cdylib") || !wanted(&folder) {
            return None;
        }
        let file =
            self.filenames.into_iter().find(|file| file.extension().is_some_and(|end| end == "wasm"))?;
        Some(Module { name: self.target.name, folder, file, materials: Materials::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_faulty_manifest_is_named_before_anything_is_built() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |file: &str, text: &str| std::fs::write(folder.path().join(file), text).expect("a file");
        write(typescript::PACKAGE_FILE, "{}");
        write(MANIFEST_FILE, "manifest = 1\n[connector]\nidd = 'acme.orders'\n");
        let built = build_all(folder.path(), folder.path(), &|doing| panic!("{doing}"));
        let why = format!("{:#}", built.expect_err("it is no manifest"));
        assert!(why.contains("connector.toml` is no manifest: line 3") && why.contains("`idd`"), "{why}");
    }

    #[test]
    fn only_a_cdylib_beside_a_manifest_is_a_connector() {
        let folder = std::env::temp_dir().join(format!("countersign-build-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("one")).expect("a folder");
        std::fs::create_dir_all(folder.join("other")).expect("a folder");
        std::fs::write(folder.join("one").join(MANIFEST_FILE), "").expect("a file");
        let check = |reason: &str, package: &str, kind: &str, expected: bool| {
            let line = serde_json::json!({
                "reason": reason,
                "package_id": package,
                "manifest_path": folder.join(package).join("Cargo.toml"),
                "target": { "name": "it", "kind": [kind, "lib"] },
                "filenames": ["libit.rlib", "it.wasm"],
                "fresh": true,
            });
            let found = Message::read(&line.to_string()).and_then(|message| message.module(&is_connector));
            assert_eq!(found.is_some(), expected, "{reason} {package} {kind}");
            assert!(found.is_none_or(|module| module.file == Path::new("it.wasm")));
        };
        let mut compiled = crates::Compiled::default();
        for file in ["/t/wasm32-unknown-unknown/release/deps/liba.rlib", "/t/release/deps/libb.so"] {
            let line = serde_json::json!({
                "reason": "compiler-artifact", "package_id": file, "manifest_path": "a/Cargo.toml",
                "target": { "name": "it", "kind": ["lib"] }, "filenames": [file],
            });
            Message::read(&line.to_string()).expect("it is one").note(&mut compiled);
        }
        assert!(compiled.for_target.iter().all(|file| file.ends_with("liba.rlib")));
        assert_eq!((compiled.for_target.len(), compiled.for_host.len()), (1, 1));
        check("compiler-artifact", "one", "cdylib", true);
        check("compiler-artifact", "one", "bin", false);
        check("compiler-artifact", "other", "cdylib", false);
        check("build-script-executed", "one", "cdylib", false);
        assert!(Message::read("warning: not JSON").is_none());
        std::fs::remove_dir_all(&folder).expect("it can be removed");
    }

    #[test]
    fn a_member_and_its_workspace_build_into_one_place() {
        let folder = std::env::temp_dir().join(format!("countersign-outermost-{}", std::process::id()));
        let member = folder.join("plugins").join("one");
        std::fs::create_dir_all(&member).expect("a folder");
        std::fs::write(folder.join("Cargo.toml"), "").expect("a file");
        std::fs::write(member.join("Cargo.toml"), "").expect("a file");
        let expected = folder.canonicalize().expect("it is there").join("target").join("connectors");
        assert_eq!(out_folder(&member), expected);
        assert_eq!(out_folder(&folder.join("plugins")), expected);
        std::fs::remove_dir_all(&folder).expect("it can be removed");
    }
}
