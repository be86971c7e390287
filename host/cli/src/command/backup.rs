//! `countersign backup`: a host in one file, made while it runs; looked into; put back.

use super::{Global, audit};
use crate::backup::archive::Archive;
use crate::backup::content::{HOUSE_FOLDER, Made, lacks_install_key, make, verified_since};
use crate::backup::restore::{Back, restore};
use crate::config;
use crate::exit;
use crate::output::{self, Failure, Progress, Table};
use crate::wire::{INSTALL_KEY_FILE, SystemClock, read_token_file};
use anyhow::{Context as _, Result};
use countersign_core::log::note::VerifierKey;
use countersign_engine::port::clock::Clock as _;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What to do with backups.
#[derive(Debug, clap::Subcommand)]
pub enum Backup {
    /// Make a backup of a data folder, while its host runs or not
    ///
    /// It holds the log up to an entry, the install key, tokens and passwords (hashes), connectors, and the configuration and
    /// the rules as they are; no secret of a target. It is as confidential as the data folder.
    Create {
        /// The file, or a folder in which it is named by the moment; no file is written over
        to: PathBuf,
        /// Data folder, instead of the one in the configuration; configuration and rules are left out then
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Check a backup from the first byte to the last, the log in it too, and list what it holds
    Verify {
        /// The backup
        file: PathBuf,
        /// Checkpoint that was noted down elsewhere; the log in it must extend that
        #[arg(long, value_name = "FILE", requires = "public")]
        since: Option<PathBuf>,
        /// Public key of the log, as `countersign audit key` prints it
        #[arg(long, value_name = "KEY", value_parser = audit::public)]
        public: Option<VerifierKey>,
    },
    /// Put a backup back into an empty folder
    ///
    /// A host that starts there looks for each effect that the backup knows before it sends anything.
    Restore {
        /// The backup
        file: PathBuf,
        /// The folder: empty, or not there yet
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// Most entries of the log that are restored; what was written by one commit stays together
        #[arg(long, value_name = "ENTRIES")]
        at: Option<u64>,
    },
}

/// Makes a backup, looks into one, or puts one back.
///
/// # Errors
/// If it cannot be made or put back, or is not what was written.
pub async fn run(command: Backup, global: &Global) -> Result<ExitCode> {
    match command {
        Backup::Create { to, data } => create(to, data, global).await,
        Backup::Verify { file, since, public } => {
            let noted = since.zip(public).map(|(file, public)| audit::noted(&file, &public)).transpose()?;
            let then = noted.as_ref().map(|noted| noted.size);
            let words = format!("reading `{}`", file.display());
            let (name, read) = (file.display().to_string(), move || verified_since(&file, then));
            let (archive, root) = away(&words, read, global).await?;
            if let Some(noted) = &noted
                && root != Some(noted.root)
            {
                let message = if archive.about.entries < noted.size {
                    format!(
                        "its log has {} entries and had {} at the noted checkpoint",
                        archive.about.entries, noted.size
                    )
                } else {
                    format!(
                        "the first {} entries of its log are not those of the noted checkpoint",
                        noted.size
                    )
                };
                let help =
                    "it is older than the checkpoint, or of another log: look for one that was made since";
                return Err(Failure::new(exit::NO, message).with_help(help).into());
            }
            verified(&name, &archive, then, global)
        }
        Backup::Restore { file, data, at } => {
            let folder = data.clone();
            let words = format!("restoring `{}`", file.display());
            let put = move || restore(&file, &folder, at.unwrap_or(u64::MAX));
            restored(&data, &away(&words, put, global).await?, global)
        }
    }
}

/// Does what waits for the disk where it holds up nothing.
async fn away<T: Send + 'static>(
    words: &str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
    global: &Global,
) -> Result<T> {
    let progress = Progress::begin(global.quiet);
    progress.now(words);
    let done = tokio::task::spawn_blocking(work).await.context("it ended before it was done")?;
    progress.end();
    done
}

async fn create(to: PathBuf, data: Option<PathBuf>, global: &Global) -> Result<ExitCode> {
    let house = match &data {
        Some(_) => None,
        None => Some(config::whereabouts(global.config.as_deref())?),
    };
    if house.as_ref().is_some_and(|house| house.in_database) {
        let message =
            "the log lies in the database that `[data]` names, which `countersign backup` does not copy";
        let help = "back the database up with `pg_dump`, and the data folder beside it: see `operating.md`, \"Backup and \
                    restore\"";
        return Err(Failure::new(exit::CONFIGURATION, message).with_help(help).into());
    }
    let data = data.or_else(|| house.as_ref().map(|house| house.data.clone())).unwrap_or_default();
    let words = format!("reading the log in `{}`", data.display());
    let work = move || make(&data, house.as_ref(), &to, SystemClock.now());
    let Made { file, about, bytes, files } = away(&words, work, global).await?;
    if global.json {
        output::json(&json!({
            "file": file.display().to_string(),
            "bytes": bytes,
            "files": files,
            "made": about.made,
            "entries": about.entries,
            "head": about.head,
            "root": about.root,
        }))?;
    } else {
        output::line(&format!("{}: {} entries, root {}", file.display(), about.entries, about.root))?;
        if !global.quiet {
            output::say(&format!(
                "{files} files, {bytes} bytes, read back and found whole. Keep it where this machine cannot take it away, and as \
                 closed as the data folder"
            ));
        }
    }
    Ok(ExitCode::from(exit::DONE))
}

fn verified(name: &str, archive: &Archive, extends: Option<u64>, global: &Global) -> Result<ExitCode> {
    let about = &archive.about;
    let mut items: Vec<_> = archive.items.iter().collect();
    items.sort_by_key(|(_, item)| item.number);
    if global.json {
        let files: Vec<_> =
            items.iter().map(|(name, item)| json!({ "name": name, "bytes": item.bytes })).collect();
        let mut answer = serde_json::to_value(about)?;
        answer["files"] = files.into();
        if let Some(size) = extends {
            answer["extends"] = size.into();
        }
        if lacks_install_key(archive) {
            answer["lacks"] = json!([INSTALL_KEY_FILE]);
        }
        output::json(&answer)?;
        return Ok(ExitCode::from(exit::DONE));
    }
    let mut table = Table::new(&["file", "bytes"]);
    for (name, item) in items {
        table.row([name.as_str(), &item.bytes.to_string()]);
    }
    table.print()?;
    if lacks_install_key(archive) {
        output::line(&format!("not in it: `{INSTALL_KEY_FILE}`, without which its log is not gone on with"))?;
    }
    for sentence in &about.left_out {
        output::line(&format!("left out: {}", output::plain(sentence)))?;
    }
    for (key, reference) in &about.secrets {
        let words = format!("bring along: `{}`, which the configuration has as `{}`", key, reference);
        output::line(&output::plain(&words))?;
    }
    let words = format!("{name}: made {} by version {}", about.made, about.version);
    output::line(&output::plain(&words))?;
    if let Some(size) = extends {
        output::line(&format!("the first {size} entries are those of the noted checkpoint"))?;
    }
    output::line(&format!("{} entries, root {}", about.entries, about.root))?;
    Ok(ExitCode::from(exit::DONE))
}

fn restored(data: &Path, back: &Back, global: &Global) -> Result<ExitCode> {
    let Back { archive, entries, root } = back;
    if global.json {
        let mut answer = json!({
            "folder": data.display().to_string(),
            "made": archive.about.made,
            "entries": entries,
            "of": archive.about.entries,
            "root": root,
        });
        if lacks_install_key(archive) {
            answer["lacks"] = json!([INSTALL_KEY_FILE]);
        }
        output::json(&answer)?;
        return Ok(ExitCode::from(exit::DONE));
    }
    output::line(&format!("{}: {entries} entries, root {root}", data.display()))?;
    if !global.quiet {
        for words in before_a_start(data, archive)? {
            output::say(&output::plain(&words));
        }
    }
    Ok(ExitCode::from(exit::DONE))
}

/// What somebody has to think of before a host starts on a restored folder.
fn before_a_start(data: &Path, archive: &Archive) -> Result<Vec<String>> {
    let mut words = vec![format!("Before a host starts on `{}`:", data.display())];
    let mut say = |text: String| words.push(format!("- {text}"));
    say("the host that it was copied from must not run any more: two would write the same".to_owned());
    if lacks_install_key(archive) {
        say(format!(
            "the backup has no `{INSTALL_KEY_FILE}`: bring the one of the lost host, as with another one a target takes a \
             repeated write for a new one"
        ));
    }
    let made = &archive.about.made;
    say(format!(
        "what was asked for after {made} is in no log; whoever asks for it once more may have it written once more"
    ));
    if archive.items.keys().any(|name| Path::new(name).starts_with(HOUSE_FOLDER)) {
        let house = data.join(HOUSE_FOLDER);
        say(format!(
            "configuration and rules as they were lie in `{}`: put them where you keep them",
            house.display()
        ));
    }
    for (key, reference) in &archive.about.secrets {
        say(format!("`{key}` of the configuration wants `{reference}`"));
    }
    let tokens = read_token_file(data)?.tokens;
    if !tokens.is_empty() {
        say(format!(
            "{} tokens and the passwords are as they were then: revoke again what was revoked since (`countersign token list`)",
            tokens.len()
        ));
    }
    say("if checkpoints are noted elsewhere (`[log]`), it does not start on a log that is shorter than they say: compare, then \
         move what is noted away"
        .to_owned());
    Ok(words)
}
