//! Connectors in C: pip brings the compiler that the project names, with the C library in it, and the bindings are
//! generated in this process, under the name `contract` whatever the world.
//!
//! The author includes `contract.h` and writes the functions that it declares.

use super::{Module, put, tool, world};
use crate::materials::{Licence, Materials, Part, Role};
use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use wit_bindgen_core::Files;

/// What to build. A project in Go has one too, and its own manifest beside it.
pub(super) const BUILD_FILE: &str = "build.toml";
/// The generated files, without their endings.
const BINDINGS: &str = "contract";
/// The generated file that says, within the module, for which world it is. The bindings do not link without it.
const CONTRACT_OBJECT: &str = "contract_component_type.o";
/// How many files of source a project may have.
const SOURCES_MAX: usize = 1_000;

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
    let sources = sources(folder)?;
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
    compiler.args(&sources);
    tool::run(&mut compiler, folder, "zig cc could not build it")?;
    let mut asks = zig(&environment, &work);
    let version = tool::said_by(asks.arg("version"), folder, "zig does not say what it is")?;
    let materials = materials(String::from_utf8_lossy(&version).trim());
    Ok(Module { name: build.name, folder: folder.to_owned(), file, materials })
}

/// What a module in C is made of beside its own sources: the C library that comes with the compiler, which gives it no
/// version of its own.
fn materials(version: &str) -> Materials {
    let library = Part {
        name: "wasi-libc".to_owned(),
        version: None,
        purl: None,
        licence: Licence::Unsaid,
        hash: None,
        role: Role::Inside,
    };
    Materials {
        parts: BTreeSet::from([library]),
        tools: BTreeMap::from([("zig".to_owned(), version.to_owned())]),
    }
}

/// The files of C in the folder, by name: the order in which they are linked is part of the module.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let named = || format!("`{}` cannot be read", folder.display());
    let mut sources = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(named)? {
        let name = PathBuf::from(entry.with_context(named)?.file_name());
        if name.extension().is_some_and(|end| end == "c") {
            // With a point before it, so that no name is taken for an option.
            sources.push(Path::new(".").join(name));
        }
    }
    if sources.is_empty() || SOURCES_MAX < sources.len() {
        bail!("`{}` has {} files `*.c`; it needs 1 to {SOURCES_MAX}", folder.display(), sources.len());
    }
    sources.sort();
    Ok(sources)
}

/// The call of the compiler, but for the author's sources. It builds the same bytes of the same sources, wherever they
/// lie.
fn compiler(environment: &Path, work: &Path, out: &Path) -> Command {
    let mut compiler = zig(environment, work);
    compiler
        .args(["cc", "-target", "wasm32-wasi", "-mexec-model=reactor"])
        .args(["-std=c17", "-Os", "-s", "-Wall", "-Werror=implicit-function-declaration", "-I"])
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
        let none = sources(folder.path()).expect_err("there is none").to_string();
        assert!(none.ends_with("has 0 files `*.c`; it needs 1 to 1000"), "{none}");
        for file in ["b.c", "-a.c", "contract.h", "README.md"] {
            std::fs::write(folder.path().join(file), "").expect("a file");
        }
        let found = sources(folder.path()).expect("they are read");
        assert_eq!(found, [Path::new("./-a.c"), Path::new("./b.c")]);
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
        assert!(!of("lang = 'cobol'\n"));
        assert!(!of(""));
    }
}
