//! Connectors in Go: pip brings the compiler that the project names, the bindings are generated in this process, and a
//! program of a few lines binds connector, SDK and bindings together.
//!
//! The project's own `go.mod` knows the SDK alone. What only a component needs is added to a copy of it, in the folder
//! of the build, so that the project stays a plain module that every Go tool understands.

use super::{Module, bytes_of, gomod, put, tool, world};
use crate::output::{self, plain};
use anyhow::{Context as _, Result, bail};
use countersign_connectors::embed_contract;
use include_dir::{Dir, include_dir};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Command;
use wit_bindgen_core::Files;

/// The manifest of a Go module.
pub(super) const MODULE_FILE: &str = "go.mod";
/// What to build, beside it.
const BUILD_FILE: &str = "build.toml";
/// What the bindings run on, as the package that generates them has it.
static RUNTIME: Dir<'_> = include_dir!("$OUT_DIR/go-runtime");
/// The module of the runtime, as the bindings name it.
pub(super) const RUNTIME_MODULE: &str = "go.bytecodealliance.org/pkg";
/// The module of the bindings, as the SDK names it.
pub(super) const BINDINGS_MODULE: &str = "countersign/wit";
/// The module that stands between bindings and SDK.
const GUEST_MODULE: &str = "countersign/guest";
/// The module of the program.
pub(super) const PROGRAM_MODULE: &str = "countersign/component";
/// The language of what is generated, as the runtime has it.
const LANGUAGE: &str = "1.25";

/// A `build.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Build {
    /// The world of the contract.
    world: String,
    /// The folder of the contract.
    wit: PathBuf,
    /// The folder of the SDK.
    sdk: PathBuf,
    /// What pip installs to build with.
    tools: Vec<String>,
}

/// Builds the module of the Go project in `folder`; it becomes a component, with the manifest in it, later.
pub(super) fn module(folder: &Path, between: &Path, progress: &dyn Fn(&str)) -> Result<Module> {
    let own = read(&folder.join(MODULE_FILE))?;
    let Some(name) = module_name(&own) else {
        bail!("`{}` does not name its module", folder.join(MODULE_FILE).display());
    };
    let file = folder.join(BUILD_FILE);
    let build: Build = toml::from_str(&read(&file)?).with_context(|| {
        format!("`{}` does not say what to build; it needs `world`, `wit`, `sdk` and `tools`", file.display())
    })?;
    let work = tool::folder_of(&between.join("go"), &folder_name(name))?;
    let wanted: Vec<&String> = build.tools.iter().collect();
    let environment = tool::environment(&work, &wanted, progress)
        .context("a connector in Go is built by the compiler that pip brings; that needs Python 3.10 or newer, with `venv` and `pip`")?;
    progress(&format!("generating the bindings of {name}"));
    let wit = folder.join(&build.wit);
    let sdk = folder.join(&build.sdk);
    let modules = Modules::write(&work, &sdk, name, &wit, &build.world)?;
    let copy = work.join(MODULE_FILE);
    std::fs::write(&copy, format!("{own}\n{}", modules.needed(folder)?))
        .and_then(|()| sums(folder, &work))
        .with_context(|| format!("`{}` cannot be written", copy.display()))?;
    progress(&format!("compiling {name}"));
    let core = work.join("core.wasm");
    let sums_before = std::fs::read(work.join("go.sum")).unwrap_or_default();
    tool::run(&mut compiler(&environment, &copy, &core), folder, "go could not build it")?;
    if std::fs::read(work.join("go.sum")).unwrap_or_default() != sums_before {
        output::say(&plain(&format!(
            "`{}` lacks sums of what {name} imports, so nothing holds it to the same the next time; `go mod tidy` writes them",
            folder.join("go.sum").display()
        )));
    }
    let mut list = go(&environment);
    list.args(["list", "-deps", "-json=Standard,Module", "-mod=mod", "-modfile"])
        .arg(&copy)
        .arg(PROGRAM_MODULE);
    let listed = tool::said_by(&mut list, folder, "go does not say of what the connector is made")?;
    let version =
        tool::said_by(go(&environment).args(["env", "GOVERSION"]), folder, "go does not say what it is")?;
    let materials = gomod::materials(&listed, name, String::from_utf8_lossy(&version).trim())?;
    let mut bytes = bytes_of(&core)?;
    embed_contract(&mut bytes, &wit, &build.world)?;
    let file = work.join("connector.wasm");
    put(&file, &bytes)?;
    Ok(Module { name: name.to_owned(), folder: folder.to_owned(), file, materials })
}

fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("`{}` cannot be read", file.display()))
}

/// The name after `module` in a `go.mod`.
fn module_name(text: &str) -> Option<&str> {
    let rest = text.lines().find_map(|line| line.trim().strip_prefix("module "))?;
    rest.split_whitespace().next().map(|name| name.trim_matches('"'))
}

/// The name of a module's folder. `a/b` does not lie in that of `a`, and no module has an `@` in its name.
fn folder_name(module: &str) -> String {
    module.replace('/', "@")
}

/// The sums of what the connector imports, beside the copy of its `go.mod`; none if it has none.
fn sums(folder: &Path, work: &Path) -> std::io::Result<()> {
    let (own, copy) = (folder.join("go.sum"), work.join("go.sum"));
    if own.is_file() {
        return std::fs::copy(own, copy).map(drop);
    }
    if copy.is_file() { std::fs::remove_file(copy) } else { Ok(()) }
}

/// The tool of the language in an environment, as every call of it is made.
fn go(environment: &Path) -> Command {
    let mut go = Command::new(environment.join("bin").join("go"));
    go.env("GOOS", "wasip1")
        .env("GOARCH", "wasm")
        // The compiler that pip brought, and no other.
        .env("GOTOOLCHAIN", "local")
        .env("GOWORK", "off")
        // Nor what somebody set with `go env -w`, which an empty variable alone lets through.
        .env("GOENV", "off")
        .env("GOFLAGS", "")
        .env("GOWASM", "")
        .env("GOEXPERIMENT", "")
        .env("GODEBUG", "");
    go
}

/// The call of the compiler. It builds the same bytes of the same sources, wherever they lie.
fn compiler(environment: &Path, modules: &Path, out: &Path) -> Command {
    let mut go = go(environment);
    // The runtime takes memory before the collector is there, by a name that is not exported.
    go.args(["build", "-trimpath", "-buildvcs=false", "-buildmode=c-shared", "-mod=mod"])
        .args(["-ldflags", "-s -w -buildid= -checklinkname=0", "-modfile"])
        .arg(modules)
        .arg("-o")
        .arg(out)
        .arg(PROGRAM_MODULE);
    go
}

/// The folders of what only a component needs.
#[derive(Debug)]
struct Modules {
    bindings: PathBuf,
    runtime: PathBuf,
    program: PathBuf,
    guest: PathBuf,
}

impl Modules {
    /// Writes what is generated below `work`, for the connector that is the module `name`.
    fn write(work: &Path, sdk: &Path, name: &str, wit: &Path, world: &str) -> Result<Modules> {
        let modules = Modules {
            bindings: work.join("wit"),
            runtime: work.join("runtime"),
            program: work.join("component"),
            guest: sdk.join("guest"),
        };
        let emptied = |folder: &Path| {
            if folder.is_dir() {
                std::fs::remove_dir_all(folder)?;
            }
            std::fs::create_dir_all(folder)
        };
        let named = || format!("what is generated cannot be written to `{}`", work.display());
        for folder in [&modules.bindings, &modules.runtime, &modules.program] {
            emptied(folder).with_context(named)?;
        }
        RUNTIME.extract(&modules.runtime).with_context(named)?;
        for (folder, module) in [(&modules.bindings, BINDINGS_MODULE), (&modules.program, PROGRAM_MODULE)] {
            std::fs::write(folder.join(MODULE_FILE), format!("module {module}\n\ngo {LANGUAGE}\n"))
                .with_context(named)?;
        }
        std::fs::write(modules.program.join("main.go"), program(name)).with_context(named)?;
        for (file, bytes) in bindings(wit, world)?.iter() {
            let file = modules.bindings.join(file);
            file.parent().map_or(Ok(()), std::fs::create_dir_all).with_context(named)?;
            std::fs::write(file, bytes).with_context(named)?;
        }
        Ok(modules)
    }

    /// What is added to the copy of the `go.mod` of the project in `folder`.
    fn needed(&self, folder: &Path) -> Result<String> {
        let all = [
            (PROGRAM_MODULE, &self.program),
            (GUEST_MODULE, &self.guest),
            (BINDINGS_MODULE, &self.bindings),
            (RUNTIME_MODULE, &self.runtime),
        ];
        let mut text = String::new();
        for (module, place) in all {
            let place = quoted(&from(folder, place))?;
            text.push_str(&format!("require {module} v0.0.0\n\nreplace {module} => {place}\n\n"));
        }
        Ok(text)
    }
}

/// The way from one folder to another. What Go builds holds it, and is to hold no path of a machine.
fn from(folder: &Path, to: &Path) -> PathBuf {
    let mut way = PathBuf::from(".");
    for above in folder.ancestors() {
        if let Ok(rest) = to.strip_prefix(above) {
            return way.join(rest);
        }
        way.push("..");
    }
    to.to_owned()
}

/// A path as `go.mod` takes it.
fn quoted(folder: &Path) -> Result<String> {
    match folder.to_str() {
        Some(path) if !path.contains(['"', '\\', '\n', '\r']) => Ok(format!("\"{path}\"")),
        _ => bail!(
            "go cannot build in `{}`: the name of a folder holds what it does not take; move the project",
            folder.display()
        ),
    }
}

/// The program: it gives the connector to the SDK, and has the bindings in it.
fn program(connector: &str) -> String {
    format!(
        "package main\n\nimport (\n\tconnector \"{connector}\"\n\n\t\"{GUEST_MODULE}\"\n\t_ \"{BINDINGS_MODULE}/wit_exports\"\n)\n\n\
         func init() {{ guest.Serve(connector.New()) }}\n\nfunc main() {{}}\n"
    )
}

/// The bindings to a world of the contract in the folder `wit`.
fn bindings(wit: &Path, world: &str) -> Result<Files> {
    let (mut contract, id) = world::named(wit, world)?;
    let options = wit_bindgen_go::Opts {
        format: wit_bindgen_go::Format::False,
        pkg_name: Some(BINDINGS_MODULE.to_owned()),
        export_pkg_name: Some(GUEST_MODULE.to_owned()),
        ..wit_bindgen_go::Opts::default()
    };
    let mut files = Files::default();
    let what = || format!("the world `{world}` of `{}` cannot be bound", wit.display());
    options.build().generate(&mut contract, id, &mut files).with_context(what)?;
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_named_where_go_names_it() {
        let check = |text: &str, expected: Option<&str>| assert_eq!(module_name(text), expected, "{text}");
        check("module acme-orders\n\ngo 1.25\n", Some("acme-orders"));
        check("// Orders.\nmodule \"example.com/orders\" // ours\n", Some("example.com/orders"));
        check("go 1.25\n", None);
    }

    #[test]
    fn no_module_lies_in_the_folder_of_another() {
        assert_eq!(folder_name("countersign-quickbooks"), "countersign-quickbooks");
        assert_eq!(folder_name("a/wit"), "a@wit");
        let work = tempfile::tempdir().expect("a folder");
        let one = tool::folder_of(work.path(), &folder_name("a")).expect("a folder");
        let other = tool::folder_of(work.path(), &folder_name("a/wit")).expect("a folder");
        assert!(!other.starts_with(one));
    }

    #[test]
    fn what_somebody_has_set_for_go_changes_no_build() {
        let call = go(Path::new("/environment"));
        let set: Vec<_> =
            call.get_envs().filter_map(|(name, value)| name.to_str().zip(value?.to_str())).collect();
        for expected in [("GOENV", "off"), ("GOFLAGS", ""), ("GOWORK", "off"), ("GOTOOLCHAIN", "local")] {
            assert!(set.contains(&expected), "{expected:?}");
        }
    }

    #[test]
    fn the_way_to_a_folder_begins_at_the_project() {
        let check = |to: &str, expected: &str| {
            assert_eq!(from(Path::new("/a/b"), Path::new(to)), Path::new(expected), "{to}");
        };
        check("/a/b/target/wit", "./target/wit");
        check("/a/target/wit", "./../target/wit");
        check("/a/b/../sdk", "./../sdk");
    }

    #[test]
    fn a_path_stands_in_go_mod_as_it_is_or_not_at_all() {
        assert_eq!(quoted(Path::new("/a b/`c`")).ok().as_deref(), Some("\"/a b/`c`\""));
        assert!(quoted(Path::new("/a\"b")).is_err());
        assert!(quoted(Path::new("/a\nreplace x => y")).is_err());
    }
}
