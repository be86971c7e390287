//! `countersign audit`: whether the log is what was written, and proofs of it for those who do not have it.

mod access;
mod case;
mod days;
mod denied;
mod duties;
mod evidence;
mod export;
pub(crate) mod key;
mod ledger;
mod population;
mod running;
mod sample;
mod tree;

use super::{Global, key_file};
use crate::exit;
use crate::log::Place;
use crate::output::{self, Failure, Progress};
use anyhow::{Context as _, Result};
use countersign_core::hash::Digest;
use countersign_core::id::EffectId;
use countersign_core::log::note::{Checkpoint, NOTE_BYTES_MAX, Note, VerifierKey};
use countersign_core::log::proof::{PROOF_BYTES_MAX, Proof};
use countersign_engine::port::store::{ENTRY_BYTES_MAX, Store, StoreFault, Verified};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What to do with the log.
#[derive(Debug, clap::Subcommand)]
pub enum Audit {
    /// Read the whole log again: every sum, every link of the hash chain
    Verify {
        #[command(flatten)]
        from: From,
        /// Head of the chain that was noted down elsewhere; the log must end with it
        #[arg(long, value_name = "SHA256")]
        head: Option<String>,
        /// Checkpoint that was noted down elsewhere; the log must extend it
        #[arg(long, value_name = "FILE", requires = "public")]
        since: Option<PathBuf>,
        /// Public key of the log, as `countersign audit key` prints it
        #[arg(long, value_name = "KEY", value_parser = public)]
        public: Option<VerifierKey>,
    },
    /// Draw the key pair that signs the checkpoints of a log
    Key {
        /// Name of the log, such as `acme.example/approvals`
        name: String,
        /// Where the private half goes; there must be no such file yet
        file: PathBuf,
    },
    /// Print a signed checkpoint: how many entries the log has, and the root over all of them
    ///
    /// The host is asked, which signs with the key of `[log]`. With `--key` the log of a host that does not run is read.
    Checkpoint {
        #[command(flatten)]
        from: Stopped,
    },
    /// Print the proof that a decision or the end of an effect stands in the log
    ///
    /// The host is asked, which signs with the key of `[log]`. With `--key` the log of a host that does not run is read.
    Prove {
        /// Intent; with `--key` also an effect or, with `--sequence`, any stream
        id: String,
        #[command(flatten)]
        from: Stopped,
        /// Effect of the intent whose end is proved, instead of the decision
        #[arg(long, value_name = "ID", conflicts_with_all = ["key", "sequence"])]
        effect: Option<EffectId>,
        /// Entry of the stream, counted from 1, instead of the decision
        #[arg(long, value_name = "NUMBER")]
        sequence: Option<u64>,
        /// Where the entry's bytes go, for whoever is to see what it says; there must be no such file yet
        #[arg(long, value_name = "FILE", requires = "key")]
        entry: Option<PathBuf>,
    },
    /// Write the tree over the log as files that others can serve and check, without any content: tiles, leaves and a
    /// signed checkpoint (c2sp.org/tlog-tiles)
    ///
    /// The host is asked, which signs with the key of `[log]`. With `--key` the log of a host that does not run is read.
    /// Written into the same folder again, only what is new is added.
    Export {
        /// The folder; it is made if it is not there
        folder: PathBuf,
        #[command(flatten)]
        from: Stopped,
        /// Public key of the log of a running host, as `countersign audit key` prints it
        #[arg(long, value_name = "KEY", value_parser = public, required_unless_present = "key")]
        public: Option<VerifierKey>,
    },
    /// Check that the log of a running host goes on where a noted checkpoint ended, and print today's
    Extends {
        /// The checkpoint, as it was printed
        file: PathBuf,
        /// Public key of the log, as `countersign audit key` prints it
        #[arg(long, value_name = "KEY", value_parser = public)]
        public: VerifierKey,
    },
    /// Write the whole population of some days: intents, decisions, effects or exceptions, with the query, the count and
    /// the checkpoint of the log
    ///
    /// Every entry of the log is looked at, up to a checkpoint, while its host runs or not; what is left out is counted.
    /// Whoever has the log makes the same file again, byte for byte.
    Population(population::Population),
    /// Draw a sample of a population by a seed, so that anybody can draw it again
    Sample(sample::Sample),
    /// Write everything that the log holds of one intent into one file: what was asked, decided, written and found, how it
    /// fits together, and the proof of each entry
    ///
    /// The log is read while its host runs or not. `countersign audit check` checks the file without either.
    Case(case::CaseOf),
    /// Look through the whole log for people who did two things that are for two persons
    ///
    /// Breaches, what is allowed and somebody should see, and what was refused; by rule, with how much was looked at.
    Duties(days::OverDays),
    /// Write every verdict of every review of access of some days, with who gave it and the checkpoint of the log
    ///
    /// Whoever has the log makes the same file again, byte for byte. Ends with 1 if somebody reviewed their own right.
    Access(days::OverDays),
    /// List what people and machines tried on a running host and may not do, newest first
    ///
    /// Auditors alone read it. Of one person sixty tries in an hour are listed, and how many more there were.
    Denied {
        /// Which day, in UTC, such as 2026-11-23; today unless given
        #[arg(long, value_name = "DAY")]
        day: Option<String>,
        /// Whose; `me` for your own
        #[arg(long, value_name = "PERSON")]
        person: Option<String>,
        /// Most items
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Check a proof, or a whole case; neither a host nor its data folder is needed
    Check {
        /// The proof, as `countersign audit prove` prints it, or the file of `countersign audit case`
        file: PathBuf,
        /// Public key of the log, as `countersign audit key` prints it
        #[arg(long, value_name = "KEY", value_parser = public)]
        public: VerifierKey,
        /// The entry's bytes; they must be those that the proof is of
        #[arg(long, value_name = "FILE")]
        entry: Option<PathBuf>,
    },
}

/// Whose log.
#[derive(Debug, clap::Args)]
pub struct From {
    /// Data folder, instead of the one in the configuration
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// The log of a host that does not run.
#[derive(Debug, clap::Args)]
pub struct Stopped {
    /// Data folder, instead of the one in the configuration
    #[arg(long, value_name = "DIR", requires = "key")]
    data: Option<PathBuf>,
    /// The private key, as `countersign audit key` writes it
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

pub(crate) fn public(text: &str) -> Result<VerifierKey, String> {
    VerifierKey::parse(text)
        .ok_or_else(|| "not a public key `NAME+ID+KEY`, as `countersign audit key` prints it".to_owned())
}

/// Verifies the log of a host that does not run, signs what a log has come to, or checks a proof.
///
/// # Errors
/// If the log or the proof is not what was written, or the log is in use.
pub async fn run(command: Audit, global: &Global) -> Result<ExitCode> {
    match command {
        Audit::Verify { from, head, since, public } => {
            let since = since.zip(public).map(|(file, public)| noted(&file, &public)).transpose()?;
            verify(from, head, since, global).await
        }
        Audit::Key { name, file } => key::draw(&name, &file, global),
        Audit::Checkpoint { from: Stopped { key: None, .. } } => {
            show(&running::checkpoint(global).await?, "checkpoint", global)
        }
        Audit::Checkpoint { from: Stopped { data, key: Some(key) } } => {
            let key = key::private(&key)?;
            let tree = with_log(From { data }, global, async |store, _| tree::whole(store).await).await?;
            let note = Note::of(tree.size(), tree.root(), key.public(), |text| key.sign(text));
            show(&note.to_text(), "checkpoint", global)
        }
        Audit::Prove { id, from: Stopped { key: None, .. }, effect, sequence, .. } => {
            show(&running::proof(&id, effect, sequence, global).await?, "proof", global)
        }
        Audit::Prove { id, from: Stopped { data, key: Some(key) }, sequence, entry, .. } => {
            let key = key::private(&key)?;
            let from = From { data };
            let found =
                with_log(from, global, async |store, _| tree::prove(store, &id, sequence, &key).await);
            let (proof, bytes) = found.await?;
            if let Some(file) = entry {
                // It may say what is nobody else's business.
                let written = key_file::new_file(&file, &bytes);
                written.with_context(|| format!("`{}` cannot be written", file.display()))?;
            }
            show(&proof.to_text(), "proof", global)
        }
        Audit::Export { folder, from: Stopped { data, key: Some(key) }, .. } => {
            let key = key::private(&key)?;
            let read = with_log(From { data }, global, async |store, _| export::stopped(store, &key).await);
            read.await?.write(&folder, global)
        }
        Audit::Export { folder, public, .. } => {
            let public = public.context("clap asks for the public key of a host that runs")?;
            export::running(&folder, &public, global).await
        }
        Audit::Extends { file, public } => {
            let noted = noted(&file, &public)?;
            let today = running::extension(&noted, &public, global).await?;
            show(&today, "checkpoint", global)
        }
        Audit::Population(command) => population::run(command, global).await,
        Audit::Sample(command) => sample::run(command, global),
        Audit::Case(command) => case::run(command, global).await,
        Audit::Duties(command) => duties::run(command, global).await,
        Audit::Access(command) => access::run(command, global).await,
        Audit::Denied { day, person, limit } => {
            denied::show(day.as_deref(), person.as_deref(), limit, global).await
        }
        Audit::Check { file, public, entry } => check(&file, &public, entry.as_deref(), global),
    }
}

/// Prints a text that others read as it is.
fn show(text: &str, name: &str, global: &Global) -> Result<ExitCode> {
    if global.json {
        output::json(&json!({ name: text }))?;
    } else {
        output::line(text.trim_end_matches('\n'))?;
    }
    Ok(ExitCode::from(exit::DONE))
}

/// Reads the log of a host that does not run.
async fn with_log<T>(
    from: From,
    global: &Global,
    read: impl AsyncFnOnce(&dyn Store, &Progress) -> Result<T>,
) -> Result<T> {
    let place = Place::named(from.data, global)?;
    let progress = Progress::begin(global.quiet);
    progress.now("opening the log");
    let log = place.read(broken).await?;
    progress.now("reading the log");
    let store = log.store();
    let answer = read(&*store, &progress).await;
    drop(store);
    let closed = log.close().await;
    progress.end();
    let answer = answer.with_context(|| place.to_string())?;
    closed.with_context(|| place.to_string())?;
    Ok(answer)
}

async fn verify(
    from: From,
    head: Option<String>,
    since: Option<Checkpoint>,
    global: &Global,
) -> Result<ExitCode> {
    let extends = since.as_ref().map(|checkpoint| checkpoint.size);
    let read = async |store: &dyn Store, progress: &Progress| -> Result<Verified> {
        let percent = |done: u64, of: u64| {
            let percent = done.saturating_mul(100).checked_div(of).unwrap_or(100);
            progress.now(&format!("verifying the log: {percent} %"));
        };
        let verified = store.verify(&percent).await.map_err(broken)?;
        if let Some(checkpoint) = &since {
            tree::extends(store, checkpoint).await?;
        }
        Ok(verified)
    };
    let verified = with_log(from, global, read).await?;
    let found = verified.head.to_string();
    if global.json {
        let mut answer = json!({ "entries": verified.entries, "head": found });
        if let Some(size) = extends {
            answer["extends"] = size.into();
        }
        output::json(&answer)?;
    } else {
        output::line(&format!("{} entries, head {found}", verified.entries))?;
        if let Some(size) = extends {
            output::line(&format!("the first {size} are those of the noted checkpoint"))?;
        }
    }
    if head.is_some_and(|head| !head.eq_ignore_ascii_case(&found)) {
        let help = "if the noted head is older, this log has grown since; otherwise somebody replaced it";
        return Err(Failure::new(exit::NO, "the log does not end with the noted head")
            .with_help(help)
            .into());
    }
    Ok(ExitCode::from(exit::DONE))
}

/// A checkpoint that was noted down, if the log's key signed it.
pub(crate) fn noted(file: &Path, public: &VerifierKey) -> Result<Checkpoint> {
    let text = text_of(file, NOTE_BYTES_MAX)?;
    let checkpoint = Note::parse(&text).and_then(|note| note.checkpoint(public, key::is_right));
    checkpoint.ok_or_else(|| {
        let message = format!("`{}` is no checkpoint that `{}` signed", file.display(), public.name());
        let help = "a checkpoint is kept byte for byte as `countersign audit checkpoint` printed it";
        Failure::new(exit::NO, message).with_help(help).into()
    })
}

fn check(file: &Path, public: &VerifierKey, entry: Option<&Path>, global: &Global) -> Result<ExitCode> {
    // Read once: it may be a pipe.
    let text = text_of(file, case::CASE_BYTES_MAX)?;
    if entry.is_none() && text.starts_with('{') {
        return case::check(file, &text, public, global);
    }
    if PROOF_BYTES_MAX < text.len() {
        let message = format!("`{}` is longer than {PROOF_BYTES_MAX} bytes", file.display());
        return Err(Failure::new(exit::NO, message).into());
    }
    let checked = Proof::parse(&text).and_then(|proof| {
        let checkpoint = proof.check(public, key::is_right)?;
        Ok((proof, checkpoint))
    });
    let (proof, checkpoint) = checked
        .map_err(|flaw| Failure::new(exit::NO, format!("`{}` proves nothing: {flaw}", file.display())))?;
    let leaf = &proof.leaf;
    if let Some(entry) = entry {
        let bytes = bytes_of(entry, ENTRY_BYTES_MAX)?;
        if Digest::of(&bytes) != leaf.entry {
            let message = format!("`{}` is not the entry that is proved", entry.display());
            return Err(Failure::new(exit::NO, message).into());
        }
    }
    if global.json {
        output::json(&json!({
            "log": checkpoint.origin,
            "entries": checkpoint.size,
            "position": proof.index + 1,
            "stream": leaf.stream,
            "sequence": leaf.sequence,
            "entry": leaf.entry.to_string(),
        }))?;
    } else {
        output::line(&format!(
            "entry {} of `{}` is number {} of the {} that `{}` had; its SHA-256 is {}",
            leaf.sequence,
            leaf.stream,
            proof.index + 1,
            checkpoint.size,
            checkpoint.origin,
            leaf.entry
        ))?;
    }
    Ok(ExitCode::from(exit::DONE))
}

pub(crate) fn text_of(file: &Path, bytes_max: usize) -> Result<String> {
    String::from_utf8(bytes_of(file, bytes_max)?)
        .map_err(|_| Failure::new(exit::NO, format!("`{}` is no text in UTF-8", file.display())).into())
}

fn bytes_of(file: &Path, bytes_max: usize) -> Result<Vec<u8>> {
    let named = || format!("`{}` cannot be read", file.display());
    if bytes_max as u64 <= fs::metadata(file).with_context(named)?.len().saturating_sub(1) {
        let message = format!("`{}` is longer than {bytes_max} bytes", file.display());
        return Err(Failure::new(exit::NO, message).into());
    }
    fs::read(file).with_context(named)
}

/// A fault of the log with the exit code that it deserves.
fn broken(fault: StoreFault) -> anyhow::Error {
    let help = match &fault {
        StoreFault::InUse(_) => "stop the host first, or ask it: `GET /v1/log/health`",
        StoreFault::Corrupt { .. } => "keep the folder as it is, and restore a backup beside it",
        StoreFault::Conflict { .. }
        | StoreFault::Full
        | StoreFault::Busy
        | StoreFault::Lost(_)
        | StoreFault::Version { .. }
        | StoreFault::Io(_)
        | StoreFault::TooLarge(_) => return fault.into(),
    };
    let exit = if matches!(fault, StoreFault::InUse(_)) { exit::TEMPORARY } else { exit::NO };
    Failure::new(exit, fault.to_string()).with_help(help).into()
}
