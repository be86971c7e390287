//! What `connector new` writes is part of the program: a file that is added there builds it anew. So is what a
//! connector in Go runs on: it lies in the package that generates the bindings, and is taken from there.

use serde_json::Value;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The package that has the runtime of the bindings that it generates.
const BINDINGS: &str = "wit-bindgen-go";
/// Where the runtime lies in there.
const RUNTIME: &str = "src/pkg";
/// What of it is wanted.
const WANTED: [&str; 3] = ["go.mod", "LICENSE", "wit"];

fn main() -> Result<(), Box<dyn Error>> {
    for place in ["../../sdk", "../../wit", "../../Cargo.lock", "build.rs"] {
        println!("cargo::rerun-if-changed={place}");
    }
    let from = bindings()?.join(RUNTIME);
    let to = PathBuf::from(variable("OUT_DIR")?).join("go-runtime");
    if to.exists() {
        fs::remove_dir_all(&to)?;
    }
    fs::create_dir_all(&to)?;
    for name in WANTED {
        copy(&from.join(name), &to.join(name))
            .map_err(|fault| format!("`{name}` of {BINDINGS} cannot be taken: {fault}"))?;
    }
    Ok(())
}

/// The folder of the package, as cargo has it for this build.
fn bindings() -> Result<PathBuf, Box<dyn Error>> {
    let mut cargo = Command::new(variable("CARGO")?);
    cargo
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform"])
        .arg(variable("TARGET")?)
        .current_dir(variable("CARGO_MANIFEST_DIR")?);
    let said = cargo.output()?;
    if !said.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&said.stderr)).into());
    }
    let metadata: Value = serde_json::from_slice(&said.stdout)?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata names no packages")?;
    let package = packages.iter().find(|package| package["name"] == BINDINGS);
    let manifest = package.and_then(|package| package["manifest_path"].as_str());
    let folder = manifest.and_then(|manifest| Path::new(manifest).parent());
    Ok(folder.ok_or_else(|| format!("cargo metadata knows no {BINDINGS}"))?.to_owned())
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
