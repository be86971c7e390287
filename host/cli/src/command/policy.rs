//! `countersign policy`: what a policy's owner asks before anybody else sees the change.

mod check;
mod diff;
mod exchange;
mod export;
mod fmt;
mod import;
mod new;

use super::Global;
use crate::config::{self, rule_files};
use crate::exit;
use crate::output::Failure;
use anyhow::{Context as _, Result};
use countersign_core::document::SourceFile;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Timestamp;
use countersign_engine::port::clock::Clock as _;
use std::fs::Permissions;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tempfile::NamedTempFile;

/// Largest file that is read, in bytes: what imports allow.
const FILE_BYTES_MAX: u64 = 10 * 1024 * 1024;
/// Mode of a new file: others read rules too, while a temporary file is private.
const NEW_FILE_MODE: u32 = 0o644;

/// What to do with policies.
#[derive(Debug, clap::Subcommand)]
pub enum PolicyCommand {
    /// Prove the tables: gaps, overlaps, dead rows, seats nobody can fill, promises, examples
    Check(check::Check),
    /// Show exactly which requests a changed policy decides otherwise
    Diff(diff::Changed),
    /// Align the tables of rules, and change nothing else
    Fmt(fmt::Fmt),
    /// Write a starter policy for an intent type
    New(new::New),
    /// Take over a policy, or a table of one, from a workbook, CSV, DMN or JSON
    Import(import::Import),
    /// Write a policy as a workbook, CSV, DMN or JSON
    Export(export::Export),
}

/// Runs one of them.
///
/// # Errors
/// Rules or a file that cannot be read; what is wrong inside them is the answer, not an error.
pub fn run(command: PolicyCommand, global: &Global) -> Result<ExitCode> {
    match command {
        PolicyCommand::Check(command) => check::run(&command, global),
        PolicyCommand::Diff(command) => diff::run(&command, global),
        PolicyCommand::Fmt(command) => fmt::run(&command, global),
        PolicyCommand::New(command) => new::run(&command, global),
        PolicyCommand::Import(command) => import::run(&command, global),
        PolicyCommand::Export(command) => export::run(&command, global),
    }
}

/// The rules folder and what is in it.
fn rules(named: Option<&Path>, global: &Global) -> Result<(PathBuf, Vec<SourceFile>)> {
    let folder = match named {
        Some(folder) => folder.to_owned(),
        None => config::load(global.config.as_deref())?.rules,
    };
    let files = rule_files(&folder).with_context(|| format!("`{}` cannot be read", folder.display()))?;
    if files.is_empty() {
        let message = format!("`{}` holds no rules", folder.display());
        let help = "`countersign init` writes a set to begin with; `--rules DIR` names another folder";
        return Err(Failure::new(exit::CONFIGURATION, message).with_help(help).into());
    }
    Ok((folder, files))
}

/// Rules as they are before their examples are run.
fn read(files: &[SourceFile], whose: &str) -> Result<Rulebook> {
    Rulebook::draft(files).map_err(|faults| {
        let mut failure = Failure::new(exit::NO, format!("the rules with `{whose}` are not sound"));
        failure.places = faults.iter().map(ToString::to_string).collect();
        failure.with_help("`countersign policy check` says more").into()
    })
}

/// The bytes of a file that is not larger than any format allows.
fn bytes_of(path: &Path) -> Result<Vec<u8>> {
    let cannot = || format!("`{}` cannot be read", path.display());
    let file = std::fs::File::open(path).with_context(cannot)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).with_context(cannot)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
        let message = format!("`{}` is larger than {FILE_BYTES_MAX} bytes", path.display());
        return Err(Failure::new(exit::NO, message).into());
    }
    Ok(bytes)
}

/// The text of a file of rules.
fn text_of(path: &Path) -> Result<String> {
    let text = String::from_utf8(bytes_of(path)?);
    text.map_err(|_| Failure::new(exit::NO, format!("`{}` is not UTF-8", path.display())).into())
}

/// Puts `bytes` in the place of a file, with its mode. Whoever reads it meanwhile sees the old file
/// or the new one; if the process stops here, it is still the old one.
fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let cannot = || format!("`{}` cannot be written", path.display());
    // What a link points to is replaced, not the link.
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let new = written_beside(&target, bytes).with_context(cannot)?;
    if let Ok(about) = std::fs::metadata(&target) {
        new.as_file().set_permissions(about.permissions()).with_context(cannot)?;
    }
    new.persist(&target).with_context(cannot)?;
    Ok(())
}

/// Writes a file that must not be there yet; it appears whole or not at all.
fn written_new(path: &Path, bytes: &[u8]) -> Result<()> {
    let cannot = || format!("`{}` cannot be written", path.display());
    let new = written_beside(path, bytes).with_context(cannot)?;
    new.as_file().set_permissions(Permissions::from_mode(NEW_FILE_MODE)).with_context(cannot)?;
    if let Err(fault) = new.persist_noclobber(path) {
        if fault.error.kind() == ErrorKind::AlreadyExists {
            let message = format!("`{}` is there already, and is not overwritten unasked", path.display());
            return Err(Failure::new(exit::NO, message)
                .with_help("move it away, or say `--replace` where that is known")
                .into());
        }
        return Err(fault.error).with_context(cannot);
    }
    Ok(())
}

fn written_beside(path: &Path, bytes: &[u8]) -> std::io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut new = NamedTempFile::new_in(folder)?;
    new.write_all(bytes)?;
    new.as_file().sync_all()?;
    Ok(new)
}

/// Who is absent is told from today.
fn now() -> Timestamp {
    crate::wire::SystemClock.now()
}
