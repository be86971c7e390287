//! Connectors in C: pip brings the compiler that the project names, with the C library in it, and the bindings are
//! generated in this process, under the name `contract` whatever the world.
//!
//! The author includes `countersign.h` of the SDK, which `build.toml` names, and defines one connector. Without an SDK they
//! include `contract.h` and write the functions that it declares.

use super::{Module, put, tool, world};
use crate::materials::{Licence, Materials, Part, Role};
use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use wit_bindgen_core::Files;

/// What to build. A project in Go has one too, and its own manifest beside it.
pub(super) const BUILD_FILE: &str = "build.toml";
/// The generated files, without their endings.
const BINDINGS: &str = "contract";
/// The generated file that says, within the module, for which world it is. The bindings do not link without it.
const CONTRACT_OBJECT: &str = "contract_component_type.o";
/// How many files of source a folder may have.
const SOURCES_MAX: usize = 1_000;
/// The C library, and the SDK, as a bill of materials has them.
const LIBRARY: &str = "wasi-libc";
const SDK: &str = "countersign-sdk";
/// Where in the SDK the glue between bindings and SDK lies.
const GUEST_FOLDER: &str = "guest";
/// What the glue calls an interface that the world exports, before its name in capitals.
const EXPORT_MACRO: &str = "COUNTERSIGN_EXPORTS_";
/// The stack, in bytes. Unasked, the linker makes one of 16 MiB: half of what the class `small` has.
const STACK_BYTES: usize = 1024 * 1024;

/// A `build.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Build {
    #[serde(rename = "lang")]
    _lang: Lang,
    /// The name of the project.
    name: String,
    /// The world of the contract.
    world: String,
    /// The folder of the contract.
    wit: PathBuf,
    /// The folder of the SDK; without one the sources stand on the bindings.
    sdk: Option<PathBuf>,
    /// What pip installs to build with.
    tools: Vec<String>,
}

/// The language of the sources.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Lang {
    C,
}

/// Builds the module of the C project in `folder`; it becomes a component, with the manifest in it, later.
pub(super) fn module(folder: &Path, between: &Path, progress: &dyn Fn(&str)) -> Result<Module> {
    let file = folder.join(BUILD_FILE);
    let text =
        std::fs::read_to_string(&file).with_context(|| format!("`{}` cannot be read", file.display()))?;
    let build: Build = toml::from_str(&text).with_context(|| {
        format!(
            "`{}` does not say what to build; it needs `lang = \"c\"`, `name`, `world`, `wit` and `tools`",
            file.display()
        )
    })?;
    let mut parts = vec![sources(folder, Path::new("."))?];
    if let Some(sdk) = &build.sdk {
        parts.push(sources(folder, sdk)?);
        parts.push(sources(folder, &sdk.join(GUEST_FOLDER))?);
    }
    let work = tool::folder_of(&between.join("c"), &build.name)?;
    let wanted: Vec<&String> = build.tools.iter().collect();
    let environment = tool::environment(&work, &wanted, progress)
        .context("a connector in C is built by the compiler that pip brings; that needs Python 3.10 or newer, with `venv` and `pip`")?;
    progress(&format!("generating the bindings of {}", build.name));
    let wit = folder.join(&build.wit);
    for (file, bytes) in bindings(&wit, &build.world)?.iter() {
        put(&work.join(file), bytes)?;
    }
    progress(&format!("compiling {}", build.name));
    let file = work.join("connector.wasm");
    let mut compiler = compiler(&environment, &work, &file);
    if let Some(sdk) = &build.sdk {
        let exports = world::exports(&wit, &build.world)?;
        compiler.arg("-I").arg(sdk).args(exports.iter().map(|name| export_macro(name)));
    }
    compiler.args(parts.iter().flatten());
    tool::run(&mut compiler, folder, "zig cc could not build it")?;
    let mut asks = zig(&environment, &work);
    let version = tool::said_by(asks.arg("version"), folder, "zig does not say what it is")?;
    let materials = materials(String::from_utf8_lossy(&version).trim(), build.sdk.is_some());
    Ok(Module { name: build.name, folder: folder.to_owned(), file, materials })
}

/// What a module in C is made of beside its own sources: the C library that comes with the compiler, which gives it no
/// version of its own, and the SDK in the project's folder, which has none.
fn materials(version: &str, has_sdk: bool) -> Materials {
    let part = |name: &str| Part {
        name: name.to_owned(),
        version: None,
        purl: None,
        licence: Licence::Unsaid,
        hash: None,
        role: Role::Inside,
    };
    Materials {
        parts: std::iter::once(part(LIBRARY)).chain(has_sdk.then(|| part(SDK))).collect(),
        tools: BTreeMap::from([("zig".to_owned(), version.to_owned())]),
    }
}

/// The files of C in the folder `part` of the project, by name: the order in which they are linked is part of the module.
fn sources(project: &Path, part: &Path) -> Result<Vec<PathBuf>> {
    let folder = project.join(part);
    let named = || format!("`{}` cannot be read", folder.display());
    let mut sources = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(named)? {
        let name = PathBuf::from(entry.with_context(named)?.file_name());
        if name.extension().is_some_and(|end| end == "c") {
            // From the project, so that no path of the machine goes in; with a point before it, no name is taken for an
            // option.
            sources.push(Path::new(".").join(part).join(name));
        }
    }
    if sources.is_empty() || SOURCES_MAX < sources.len() {
        bail!("`{}` has {} files `*.c`; it needs 1 to {SOURCES_MAX}", folder.display(), sources.len());
    }
    sources.sort();
    Ok(sources)
}

/// What the compiler is told of an interface that the world exports: its types are declared only then.
fn export_macro(interface: &str) -> String {
    format!("-D{EXPORT_MACRO}{}", interface.to_ascii_uppercase().replace('-', "_"))
}

/// The call of the compiler, but for the author's sources. It builds the same bytes of the same sources, wherever they
/// lie.
fn compiler(environment: &Path, work: &Path, out: &Path) -> Command {
    let mut compiler = zig(environment, work);
    compiler
        .args(["cc", "-target", "wasm32-wasi", "-mexec-model=reactor"])
        .args(["-std=c17", "-Os", "-s", "-Wall", "-Werror=implicit-function-declaration"])
        .arg(format!("-Wl,-z,stack-size={STACK_BYTES}"))
        .arg("-I")
        .arg(work)
        .arg("-o")
        .arg(out)
        .arg(work.join(BINDINGS).with_extension("c"))
        .arg(work.join(CONTRACT_OBJECT));
    compiler
}

/// A call of the compiler's program.
fn zig(environment: &Path, work: &Path) -> Command {
    let mut zig = Command::new(environment.join("bin").join("python3"));
    // What it keeps for the next time lies beside what it made, and nowhere else.
    zig.env("ZIG_GLOBAL_CACHE_DIR", work.join("cache"))
        .env("ZIG_LOCAL_CACHE_DIR", work.join("cache"))
        .args(["-m", "ziglang"]);
    zig
}

/// The bindings to a world of the contract in the folder `wit`.
fn bindings(wit: &Path, world: &str) -> Result<Files> {
    let (mut contract, id) = world::named(wit, world)?;
    let options =
        wit_bindgen_c::Opts { rename_world: Some(BINDINGS.to_owned()), ..wit_bindgen_c::Opts::default() };
    let mut files = Files::default();
    let what = || format!("the world `{world}` of `{}` cannot be bound", wit.display());
    options.build().generate(&mut contract, id, &mut files).with_context(what)?;
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sources_are_the_c_files_of_the_folder_in_order() {
        let folder = tempfile::tempdir().expect("a folder");
        let of = |part: &str| sources(folder.path(), Path::new(part));
        let none = of(".").expect_err("there is none").to_string();
        assert!(none.ends_with("has 0 files `*.c`; it needs 1 to 1000"), "{none}");
        std::fs::create_dir_all(folder.path().join("sdk/tests")).expect("a folder");
        for file in ["b.c", "-a.c", "contract.h", "README.md", "sdk/json.c", "sdk/host.h", "sdk/tests/test.c"]
        {
            std::fs::write(folder.path().join(file), "").expect("a file");
        }
        assert_eq!(of(".").expect("they are read"), [Path::new("./-a.c"), Path::new("./b.c")]);
        assert_eq!(of("sdk").expect("they are read"), [Path::new("./sdk/json.c")]);
        assert!(of("sdk/guest").is_err());
    }

    #[test]
    fn the_library_and_the_sdk_are_in_the_bill() {
        let names = |has_sdk| {
            materials("1.0.0", has_sdk).parts.into_iter().map(|part| part.name).collect::<Vec<String>>()
        };
        assert_eq!(names(false), ["wasi-libc"]);
        assert_eq!(names(true), ["countersign-sdk", "wasi-libc"]);
    }

    #[test]
    fn the_glue_is_told_what_a_world_exports() {
        assert_eq!(export_macro("intake"), "-DCOUNTERSIGN_EXPORTS_INTAKE");
        assert_eq!(export_macro("some-day"), "-DCOUNTERSIGN_EXPORTS_SOME_DAY");
    }

    #[test]
    fn the_bindings_have_one_name_in_every_world() {
        let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/connector@1.0.0");
        for world in ["connector", "full-connector"] {
            let files = bindings(&wit, world).expect(world);
            let names: Vec<&str> = files.iter().map(|(name, _)| name).collect();
            assert_eq!(names, ["contract.c", "contract.h", CONTRACT_OBJECT], "{world}");
        }
        assert!(bindings(&wit, "other").is_err());
    }

    #[test]
    fn a_build_file_says_that_it_is_c() {
        let of = |lang: &str| {
            let text = format!("{lang}name = 'it'\nworld = 'connector'\nwit = 'wit'\ntools = ['ziglang']");
            toml::from_str::<Build>(&text).is_ok()
        };
        assert!(of("lang = 'c'\n"));
        assert!(of("lang = 'c'\nsdk = 'sdk'\n"));
        assert!(!of("lang = 'cobol'\n"));
        assert!(!of(""));
    }
}
