//! `countersign policy`: what a policy's owner asks before anybody else sees the change.

mod backtest;
mod build;
mod check;
mod diff;
mod exchange;
mod explain;
mod export;
mod fmt;
mod import;
mod new;
mod past;
mod publish;
mod show;
mod test;

pub(super) use publish::{propose, read as document};
pub(super) use show::short;

use super::Global;
use crate::config::{self, rule_files};
use crate::exit;
use crate::output::Failure;
use anyhow::{Context as _, Result};
use countersign_core::document::{Fault, SourceFile};
use countersign_core::id::IntentTypeName;
use countersign_core::policy::Policy;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Timestamp;
use countersign_engine::port::clock::Clock as _;
use std::collections::BTreeSet;
use std::fs::Permissions;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tempfile::NamedTempFile;

/// Largest file that an import reads, in bytes.
const IMPORT_BYTES_MAX: u64 = 10 * 1024 * 1024;
/// Mode of a new file: others read rules too, while a temporary file is private.
const NEW_FILE_MODE: u32 = 0o644;

/// Largest policy file that is read, in bytes: what the documents' own limit allows.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// What to do with policies.
#[derive(Debug, clap::Subcommand)]
pub enum PolicyCommand {
    /// Prove the tables: gaps, overlaps, dead rows, seats nobody can fill, promises, examples
    Check(check::Check),
    /// Show exactly which requests a changed policy decides otherwise
    Diff(diff::Changed),
    /// Build a policy component from its source, and print the digest by which a policy names it
    Build(build::Build),
    /// Show what a changed policy would have answered to the intents that were decided already
    Backtest(backtest::Tried),
    /// Propose a changed policy: active once a second person has approved exactly that
    Publish(publish::Publish),
    /// Propose an earlier version again
    Rollback(publish::Rollback),
    /// List which version of every policy is in force, since when, by whom
    List(show::List),
    /// Show one policy: all its versions and the document of one
    Show(show::Show),
    /// Align the tables of rules, and change nothing else
    Fmt(fmt::Fmt),
    /// Write a starter policy for an intent type
    New(new::New),
    /// Take over a policy, or a table of one, from a workbook, CSV, DMN or JSON
    Import(import::Import),
    /// Write a policy as a workbook, CSV, DMN or JSON
    Export(export::Export),
    /// Say what a policy answers to these inputs, and why
    Explain(explain::Explain),
    /// Run the examples of the policies
    Test(test::Test),
}

/// Runs one of them.
///
/// # Errors
/// Rules or a file that cannot be read, or a host that refuses; what `check` finds is the answer, not an
/// error.
pub async fn run(command: PolicyCommand, global: &Global) -> Result<ExitCode> {
    match command {
        PolicyCommand::Check(command) => check::run(&command, global).await,
        PolicyCommand::Diff(command) => diff::run(&command, global).await,
        PolicyCommand::Build(command) => build::run(&command, global),
        PolicyCommand::Backtest(command) => backtest::run(&command, global).await,
        PolicyCommand::Publish(command) => publish::publish(&command, global).await,
        PolicyCommand::Rollback(command) => publish::rollback(&command, global).await,
        PolicyCommand::List(command) => show::list(&command, global).await,
        PolicyCommand::Show(command) => show::show(&command, global).await,
        PolicyCommand::Fmt(command) => fmt::run(&command, global),
        PolicyCommand::New(command) => new::run(&command, global),
        PolicyCommand::Import(command) => import::run(&command, global),
        PolicyCommand::Export(command) => export::run(&command, global),
        PolicyCommand::Explain(command) => explain::run(&command, global).await,
        PolicyCommand::Test(command) => test::run(&command, global),
    }
}

/// The rules folder and what is in it.
pub(super) fn rules(named: Option<&Path>, global: &Global) -> Result<(PathBuf, Vec<SourceFile>)> {
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
    Rulebook::draft(files).map_err(|faults| unsound(&faults, whose))
}

/// What is said of rules that are not sound.
pub(super) fn unsound(faults: &[Fault], whose: &str) -> anyhow::Error {
    let mut failure = Failure::new(exit::NO, format!("the rules with `{whose}` are not sound"));
    failure.places = faults.iter().map(ToString::to_string).collect();
    failure.with_help("`countersign policy check` says more").into()
}

/// The text of a policy file, if it is not too large.
fn policy_text(file: &Path) -> Result<String> {
    let size = std::fs::metadata(file).map(|about| about.len());
    if size.is_ok_and(|size| FILE_BYTES_MAX < size) {
        let message = format!("`{}` is larger than {FILE_BYTES_MAX} bytes", file.display());
        return Err(Failure::new(exit::NO, message).into());
    }
    std::fs::read_to_string(file).with_context(|| format!("`{}` cannot be read", file.display()))
}

/// A changed policy that a running host is asked about: the intent type that it decides, and its text.
fn draft(file: &Path) -> Result<(IntentTypeName, String)> {
    let source = SourceFile { path: file.display().to_string(), text: policy_text(file)? };
    let intent = Policy::decides(&source).map_err(|faults| unsound(&faults, &source.path))?;
    Ok((intent, source.text))
}

/// Puts a document in the place of the file of its path, or beside the others if there is none.
fn placed(files: &mut Vec<SourceFile>, path: &str, text: String) {
    match files.iter_mut().find(|file| file.path == path) {
        Some(file) => file.text = text,
        None => files.push(SourceFile { path: path.to_owned(), text }),
    }
}

/// A changed policy among the rules, beside the one that it replaces.
#[derive(Debug)]
struct Change {
    /// The rules with the change.
    rulebook: Rulebook,
    /// The policy in force.
    was: Policy,
    /// The changed one.
    now: Policy,
}

/// Puts a changed file in the place of the policy of the same name.
///
/// # Errors
/// If there is none of this name, the changed rules are not sound, or it decides another intent type.
fn change(new: &Path, rules_folder: Option<&Path>, global: &Global) -> Result<Change> {
    let (folder, mut files) = rules(rules_folder, global)?;
    let text = policy_text(new)?;
    let old = read(&files, &folder.display().to_string())?;
    let name = new.file_name().and_then(|name| name.to_str()).unwrap_or("new.policy.md");
    let path = format!("policies/{name}");
    match files.iter_mut().find(|file| file.path == path) {
        Some(file) => file.text = text,
        None => {
            let known = files.iter().filter(|file| file.path.starts_with("policies/"));
            let known: Vec<_> = known.map(|file| file.path.trim_start_matches("policies/")).collect();
            let message = format!("`{name}` is not the name of a policy in `{}`", folder.display());
            let help = format!("give the changed file the name of the one it replaces: {}", known.join(", "));
            return Err(Failure::new(exit::USAGE, message).with_help(help).into());
        }
    }
    let rulebook = read(&files, &new.display().to_string())?;
    let at = |rulebook: &Rulebook| rulebook.policies().find(|policy| policy.path == path).cloned();
    let (Some(was), Some(now)) = (at(&old), at(&rulebook)) else {
        anyhow::bail!("`{name}` was read but is not among the policies");
    };
    if was.intent != now.intent {
        let message = format!("`{name}` decides `{}` now, not `{}`", now.intent, was.intent);
        return Err(Failure::new(exit::NO, message).into());
    }
    Ok(Change { rulebook, was, now })
}

/// The bytes of a file that is not larger than any format allows.
fn bytes_of(path: &Path) -> Result<Vec<u8>> {
    let cannot = || format!("`{}` cannot be read", path.display());
    let file = std::fs::File::open(path).with_context(cannot)?;
    let mut bytes = Vec::new();
    file.take(IMPORT_BYTES_MAX + 1).read_to_end(&mut bytes).with_context(cannot)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > IMPORT_BYTES_MAX {
        let message = format!("`{}` is larger than {IMPORT_BYTES_MAX} bytes", path.display());
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

/// No policy decides intents of this type.
fn unknown(intent: &str, rulebook: &Rulebook) -> Failure {
    let known: BTreeSet<&str> = rulebook.policies().map(|policy| policy.intent.as_str()).collect();
    let known: Vec<&str> = known.into_iter().collect();
    Failure::new(exit::USAGE, format!("no policy decides intents of type `{intent}`"))
        .with_help(format!("it is one of {}", known.join(", ")))
}

/// Who is absent is told from today.
fn now() -> Timestamp {
    crate::wire::SystemClock.now()
}
