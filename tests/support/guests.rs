//! Guests of the suites, built for WebAssembly: by cargo, or in another language by the program under test.

use crate::world::program;
use anyhow::{Context as _, ensure};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

/// One lock for each guest: tests that run side by side build it one after the other, for they share its folder.
static BUILDING: Mutex<BTreeMap<String, Arc<Mutex<()>>>> = Mutex::new(BTreeMap::new());

/// The core module of the crate in `tests/guests/FOLDER`, whose library is called `name`. It is
/// built below `temporary`, the folder that cargo gives to a suite.
///
/// # Panics
/// If it does not build: then the suite cannot run.
#[must_use]
pub fn module(folder: &str, name: &str, temporary: &str) -> Vec<u8> {
    let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("guests");
    let target = Path::new(temporary).join("guests");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--locked", "--target", "wasm32-unknown-unknown"])
        .current_dir(guests.join(folder))
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTFLAGS", nameless())
        .status()
        .expect("cargo starts");
    assert!(
        built.success(),
        "the guest must build; `rustup target add wasm32-unknown-unknown` may be missing"
    );
    std::fs::read(target.join(format!("wasm32-unknown-unknown/release/{name}.wasm"))).expect("it was built")
}

/// Flags by which what is built holds no path of the machine that built it: some of it is kept.
fn nameless() -> String {
    let house = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("/"));
    let home = std::env::var("HOME").unwrap_or_default();
    let cargo = std::env::var("CARGO_HOME").unwrap_or_else(|_| format!("{home}/.cargo"));
    format!("--remap-path-prefix={}=countersign --remap-path-prefix={cargo}=cargo", house.display())
}

/// The component of the project in `tests/guests/FOLDER`, whatever language it is in. It is built below `temporary`, the
/// folder that cargo gives to a suite.
///
/// # Errors
/// If it does not build: then the suite cannot run.
pub fn component(folder: &str, temporary: &str) -> anyhow::Result<Vec<u8>> {
    let own = {
        let mut all = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(folder.to_owned()).or_default())
    };
    let _building = own.lock().unwrap_or_else(PoisonError::into_inner);
    let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("guests");
    let out = Path::new(temporary).join(folder).with_extension("wasm");
    let ended = Command::new(program()?)
        .args(["connector", "build"])
        .arg(guests.join(folder))
        .arg("--out")
        .arg(&out)
        .output()?;
    ensure!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    Ok(std::fs::read(out)?)
}

/// The released versions of the connector contract, as `wit/FROZEN` has them.
pub const RELEASES: &[&str] = &["1.0.0"];

/// The component of this name that was built against a released contract, on the day of its release. With
/// `COUNTERSIGN_WRITE=1` one that is missing is written, as it is `built` today; one that is there is never changed.
///
/// # Errors
/// If it is missing or cannot be read.
pub fn released(
    name: &str,
    version: &str,
    built: impl FnOnce() -> anyhow::Result<Vec<u8>>,
) -> anyhow::Result<Vec<u8>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("guests/released/{name}@{version}.wasm"));
    if !file.exists() && std::env::var_os("COUNTERSIGN_WRITE").is_some() {
        std::fs::write(&file, built()?)?;
    }
    std::fs::read(&file).with_context(|| format!("`{}` cannot be read", file.display()))
}

/// A module whose text behind a mark is another one, as long as the one that was there.
///
/// # Panics
/// If the mark is not in it.
#[must_use]
pub fn marked(module: &[u8], mark: &str, text: &str) -> Vec<u8> {
    let mut module = module.to_vec();
    let at = |window: &[u8]| window == mark.as_bytes();
    let place = module.windows(mark.len()).position(at).expect("the mark is in the module");
    module[place + mark.len()..][..text.len()].copy_from_slice(text.as_bytes());
    module
}
