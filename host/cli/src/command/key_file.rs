//! Files that hold a private key: drawn once, never written over, read by nobody but their owner.

use super::Global;
use crate::exit;
use crate::output::{self, Failure};
use anyhow::{Context as _, Result};
use serde_json::json;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use zeroize::Zeroizing;

/// Largest file with a private key, in bytes.
const KEY_BYTES_MAX: u64 = 16 * 1024;

/// Thirty-two random bytes, of which a key is made.
///
/// # Errors
/// If the operating system gives none.
pub(super) fn seed() -> Result<Zeroizing<[u8; 32]>> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).context("the operating system gives no random bits")?;
    Ok(seed)
}

/// Writes a private key into a new file that only its owner reads; says the public half and what to do with both. Durable
/// on return.
///
/// # Errors
/// If the file is there already or cannot be written.
pub(super) fn write(file: &Path, private: &str, (public, next): (&str, &str), global: &Global) -> Result<()> {
    if let Err(fault) = new_file(file, private.as_bytes()) {
        let failure = Failure::new(exit::NO, format!("`{}` cannot be written: {fault}", file.display()));
        return Err(failure.with_help("a key is never written over another one: name a new file").into());
    }
    if global.json {
        return output::json(&json!({ "file": file.display().to_string(), "public": public }));
    }
    output::line(public)?;
    if !global.quiet {
        output::say(&format!("`{}` {next}", file.display()));
    }
    Ok(())
}

/// Writes a new file that only its owner reads. Durable on return.
///
/// # Errors
/// If it is there already or cannot be written.
pub(super) fn new_file(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    new.write_all(bytes)?;
    new.sync_all()
}

/// Reads the text of a private key.
///
/// # Errors
/// If the file cannot be read, or is larger than any key.
pub(super) fn read(file: &Path) -> Result<Zeroizing<String>> {
    let named = || format!("the key `{}` cannot be read", file.display());
    let size = fs::metadata(file).with_context(named)?.len();
    if KEY_BYTES_MAX < size {
        return Err(Failure::new(exit::USAGE, format!("`{}` is larger than any key", file.display())).into());
    }
    Ok(Zeroizing::new(fs::read_to_string(file).with_context(named)?))
}
