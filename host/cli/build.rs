//! What `connector new` writes is part of the program: a file that is added there builds it anew. So is what a
//! connector in Go runs on: it lies in the package that generates the bindings, and is taken from there.

use serde_json::Value;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The package that has the runtime of the bindings that it generates.
const BINDINGS: &str = "wit-bindgen-go";
/// The package that has the adapter which a module for the first preview of WASI gets.
const ADAPTER: &str = "wasi-preview1-component-adapter-provider";
/// Where the runtime lies in there.
const RUNTIME: &str = "src/pkg";
/// What of it is wanted.
const WANTED: [&str; 3] = ["go.mod", "LICENSE", "wit"];

fn main() -> Result<(), Box<dyn Error>> {
    for place in ["../../sdk", "../../wit", "../../Cargo.lock", "build.rs"] {
        println!("cargo::rerun-if-changed={place}");
    }
    let packages = packages()?;
    let from = folder(package(&packages, BINDINGS)?)?.join(RUNTIME);
    let to = PathBuf::from(variable("OUT_DIR")?).join("go-runtime");
    if to.exists() {
        fs::remove_dir_all(&to)?;
    }
    fs::create_dir_all(&to)?;
    for name in WANTED {
        copy(&from.join(name), &to.join(name))
            .map_err(|fault| format!("`{name}` of {BINDINGS} cannot be taken: {fault}"))?;
    }
    // What is put into a component is on its bill of materials.
    for (name, variable) in [(BINDINGS, "GO_RUNTIME"), (ADAPTER, "WASI_ADAPTER")] {
        let package = package(&packages, name)?;
        for (member, of) in [("version", "VERSION"), ("license", "LICENCE")] {
            let said = package[member].as_str().ok_or_else(|| format!("{name} has no {member}"))?;
            println!("cargo::rustc-env=COUNTERSIGN_{variable}_{of}={said}");
        }
    }
    Ok(())
}

/// The packages of this build, as cargo has them.
///
/// Cargo has fetched all of them before it runs this, so nobody has to be asked. Only a vendored or half-empty registry
/// can lack some of another platform: then cargo may fetch what it wants.
fn packages() -> Result<Vec<Value>, Box<dyn Error>> {
    let said = match metadata(&["--locked", "--offline"])? {
        Ok(said) => said,
        Err(offline) => metadata(&["--locked"])?.map_err(|online| {
            format!(
                "what goes into connectors in Go is in packages that cargo cannot name; `cargo fetch --locked` fetches them.\n\
                 without network: {offline}\nwith network: {online}"
            )
        })?,
    };
    let metadata: Value = serde_json::from_slice(&said)?;
    Ok(metadata["packages"].as_array().ok_or("cargo metadata names no packages")?.clone())
}

/// What `cargo metadata` says of the platform of this build, or why it does not.
fn metadata(how: &[&str]) -> Result<Result<Vec<u8>, String>, Box<dyn Error>> {
    let mut cargo = Command::new(variable("CARGO")?);
    cargo
        .args(["metadata", "--format-version", "1", "--filter-platform"])
        .arg(variable("TARGET")?)
        .args(how)
        .current_dir(variable("CARGO_MANIFEST_DIR")?);
    let said = cargo.output()?;
    if said.status.success() {
        return Ok(Ok(said.stdout));
    }
    Ok(Err(String::from_utf8_lossy(&said.stderr).trim().to_owned()))
}

fn package<'p>(packages: &'p [Value], name: &str) -> Result<&'p Value, String> {
    let found = packages.iter().find(|package| package["name"] == name);
    found.ok_or_else(|| format!("cargo metadata knows no {name}"))
}

/// The folder of a package.
fn folder(package: &Value) -> Result<&Path, String> {
    let manifest = package["manifest_path"].as_str().and_then(|manifest| Path::new(manifest).parent());
    manifest.ok_or_else(|| format!("cargo metadata does not say where {} lies", package["name"]))
}

fn variable(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|fault| format!("{name}: {fault}"))
}

/// Copies a file, or a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    if from.is_file() {
        return fs::copy(from, to).map(drop);
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let name = entry?.file_name();
        copy(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
}
