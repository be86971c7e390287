//! The guest toolchain: a compiler that can make `wasm32-unknown-unknown`, found in the cheapest way
//! that this machine offers.

use anyhow::{Context as _, Result, bail};
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// What connectors are compiled for: it has no system interface, so nothing but ours can be imported.
pub(super) const TARGET: &str = "wasm32-unknown-unknown";
/// The compiler of the distribution.
const DISTRIBUTION_RUSTC: &str = "/usr/bin/rustc";
/// How long rustup may take to fetch the target: about 20 MB.
const RUSTUP_MS_MAX: u64 = 90_000;
/// Wait between two looks at rustup.
const LOOK_MS: u64 = 100;

/// A compiler that can build connectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Toolchain {
    /// The usual one; the target is installed.
    Installed,
    /// The distribution's compiler, which builds the standard library from its sources.
    Distribution {
        /// The linker of the usual toolchain, since the distribution's compiler comes without.
        linker: PathBuf,
    },
}

impl fmt::Display for Toolchain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Toolchain::Installed => "the installed toolchain",
            Toolchain::Distribution { .. } => "the distribution's compiler",
        })
    }
}

impl Toolchain {
    /// Finds one for the sources in `folder`; fetches the target if rustup can.
    ///
    /// # Errors
    /// If there is none; names the three ways to get one.
    pub fn find(folder: &Path, progress: &dyn Fn(&str)) -> Result<Toolchain> {
        if let Some(found) = Toolchain::present(folder) {
            return Ok(found);
        }
        progress(&format!("fetching the target {TARGET} with rustup"));
        if fetched(folder) && is_installed(folder) {
            return Ok(Toolchain::Installed);
        }
        bail!(
            "there is no compiler for {TARGET}; run `rustup target add {TARGET}`, or install a Rust that has \
             it, or on Debian `apt-get install --no-install-recommends rustc-web rust-web-src`"
        )
    }

    /// The one that is here, without fetching anything.
    #[must_use]
    pub fn present(folder: &Path) -> Option<Toolchain> {
        if is_installed(folder) {
            return Some(Toolchain::Installed);
        }
        let sources = said_by(Path::new(DISTRIBUTION_RUSTC), folder, &["--print", "sysroot"])?;
        let library = Path::new(&sources).join("lib/rustlib/src/rust/library");
        let linker = linker(folder).filter(|_| library.is_dir())?;
        Some(Toolchain::Distribution { linker })
    }

    /// The version of its compiler.
    pub(super) fn version(&self, folder: &Path) -> Result<String> {
        let rustc = match self {
            Toolchain::Installed => "rustc",
            Toolchain::Distribution { .. } => DISTRIBUTION_RUSTC,
        };
        let said = said_by(Path::new(rustc), folder, &["--version"]);
        let version = said.as_deref().and_then(|said| said.split_whitespace().nth(1)).map(str::to_owned);
        version.with_context(|| format!("`{rustc}` does not say its version"))
    }

    /// Makes a call of `cargo build` use this toolchain.
    pub(super) fn apply(&self, cargo: &mut Command) {
        match self {
            Toolchain::Installed => {}
            Toolchain::Distribution { linker } => {
                cargo
                    .env("RUSTC", DISTRIBUTION_RUSTC)
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
                    .arg("-Zbuild-std=std,panic_abort");
            }
        }
    }
}

/// The cargo that runs us, or the one in the path.
pub(super) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn is_installed(folder: &Path) -> bool {
    let place = said_by(Path::new("rustc"), folder, &["--print", "target-libdir", "--target", TARGET]);
    let entries = place.and_then(|place| std::fs::read_dir(place).ok());
    entries.is_some_and(|entries| {
        entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
    })
}

/// `rust-lld` of the toolchain in the path.
fn linker(folder: &Path) -> Option<PathBuf> {
    let host_folder = said_by(Path::new("rustc"), folder, &["--print", "target-libdir"])?;
    let linker = Path::new(&host_folder).parent()?.join("bin").join("rust-lld");
    linker.is_file().then_some(linker)
}

/// What a compiler answers to a question; nothing if there is no such compiler.
fn said_by(rustc: &Path, folder: &Path, question: &[&str]) -> Option<String> {
    let answer = Command::new(rustc).current_dir(folder).args(question).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8(answer.stdout).ok()?.trim().to_owned();
    (answer.status.success() && !text.is_empty()).then_some(text)
}

/// Whether rustup installed the target in time.
fn fetched(folder: &Path) -> bool {
    let mut rustup = Command::new("rustup");
    rustup.current_dir(folder).args(["target", "add", TARGET]).stdin(Stdio::null()).stdout(Stdio::null());
    let Ok(mut rustup) = rustup.spawn() else { return false };
    for _ in 0..RUSTUP_MS_MAX / LOOK_MS {
        match rustup.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) => std::thread::sleep(Duration::from_millis(LOOK_MS)),
            Err(_) => break,
        }
    }
    // It may end by itself meanwhile; either way it did not install the target in time.
    let ended = rustup.kill().and_then(|()| rustup.wait());
    ended.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distributions_compiler_builds_its_own_standard_library() {
        let mut command = Command::new("cargo");
        Toolchain::Distribution { linker: PathBuf::from("/lib/rust-lld") }.apply(&mut command);
        let arguments: Vec<_> = command.get_args().collect();
        assert_eq!(arguments, ["-Zbuild-std=std,panic_abort"]);
        let names: Vec<_> = command.get_envs().map(|(name, _)| name.to_owned()).collect();
        assert_eq!(names, ["CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "RUSTC", "RUSTC_BOOTSTRAP"]);
    }

    #[test]
    fn the_installed_toolchain_needs_nothing() {
        let mut command = Command::new("cargo");
        Toolchain::Installed.apply(&mut command);
        assert_eq!((command.get_args().count(), command.get_envs().count()), (0, 0));
    }
}
