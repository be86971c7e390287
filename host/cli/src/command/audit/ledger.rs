//! The log from front to back, beside a host that runs or not, up to a checkpoint that others hold it to.

use super::key::{self, LogKey};
use super::{Global, broken, noted, running, tree};
use crate::backup::{LOG_FOLDER, refuse_half_restored};
use crate::exit;
use crate::log::Place;
use crate::output::{Failure, Progress};
use anyhow::{Context as _, Result};
use countersign_core::approval::event::Entry;
use countersign_core::evidence::Seen;
use countersign_core::id::IntentId;
use countersign_core::log::leaf::Leaf;
use countersign_core::log::note::{Checkpoint, NOTE_BYTES_MAX, Note, VerifierKey};
use countersign_core::log::tree::Tree;
use countersign_engine::port::store::{BATCH_ENTRIES_MAX, Logged, Position};
use countersign_store_local::disk::RealDisk;
use countersign_store_local::survey;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Entries of a database that are read at once: even of the largest, they fit into memory.
const SCAN_ENTRIES: usize = 256;

/// Whose log, and which checkpoint it is held to.
#[derive(Debug, clap::Args)]
pub(super) struct Under {
    /// Data folder, instead of the one in the configuration; its host may run meanwhile
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Checkpoint that was noted down elsewhere: the log is read up to it; a running host is asked for today's unless given
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    checkpoint: Option<PathBuf>,
    /// The private key, to sign today's checkpoint without a host
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Public key of the log, as `countersign audit key` prints it
    #[arg(long, value_name = "KEY", value_parser = super::public, required_unless_present = "key")]
    public: Option<VerifierKey>,
}

/// A log, and what says how far it is read.
pub(super) struct Ledger {
    place: Place,
    held: Held,
    quiet: bool,
}

enum Held {
    /// To this checkpoint, in its note.
    To(Bound),
    /// To its end, which is signed.
    Signed(LogKey),
}

/// The checkpoint of a log, and the note that says so.
#[derive(Debug, Clone)]
pub(super) struct Bound {
    pub(super) note: String,
    pub(super) checkpoint: Checkpoint,
}

impl Bound {
    /// A note, if the log of this key signed it.
    pub(super) fn of(note: String, public: &VerifierKey) -> Option<Bound> {
        let checkpoint = Note::parse(&note)?.checkpoint(public, key::is_right)?;
        Some(Bound { note, checkpoint })
    }
}

impl Under {
    /// The log that is meant. `again` is the note of a file that is made again: the log is read up to that.
    ///
    /// # Errors
    /// If the checkpoint is not one of the log's key, or the host cannot be asked for one.
    pub(super) async fn ledger(self, again: Option<String>, global: &Global) -> Result<Ledger> {
        let place = Place::named(self.data, global)?;
        let private = self.key.map(|file| key::private(&file)).transpose()?;
        let public = self.public.or_else(|| private.as_ref().map(|key| key.public().clone()));
        let stranger = |what: &str| {
            let name = public.as_ref().map_or("nobody", VerifierKey::name);
            let help = "the log has another key now, or it is of another host: ask who runs it";
            Failure::new(exit::NO, format!("{what} is not signed by `{name}`")).with_help(help)
        };
        let bound = |note: String| public.as_ref().and_then(|public| Bound::of(note, public));
        let held = match (again, self.checkpoint, private) {
            (Some(note), ..) => Held::To(bound(note).ok_or_else(|| stranger("the checkpoint in the file"))?),
            (None, Some(file), _) => {
                let public = public.as_ref().context("clap asks for the public key")?;
                let note = noted(&file, public).and_then(|_| super::text_of(&file, NOTE_BYTES_MAX))?;
                Held::To(bound(note).ok_or_else(|| stranger("the checkpoint"))?)
            }
            (None, None, Some(key)) => Held::Signed(key),
            (None, None, None) => {
                let note = running::checkpoint(global).await?;
                Held::To(bound(note).ok_or_else(|| stranger("the checkpoint of the host"))?)
            }
        };
        Ok(Ledger { place, held, quiet: global.quiet })
    }
}

impl Ledger {
    /// The same log up to what was found of it: whatever has come since is not read.
    pub(super) fn up_to(self, bound: Bound) -> Ledger {
        Ledger { held: Held::To(bound), ..self }
    }

    /// What the log is read up to.
    ///
    /// # Errors
    /// If that is its end and it cannot be read.
    pub(super) async fn end(&self) -> Result<Bound> {
        match &self.held {
            Held::To(bound) => Ok(bound.clone()),
            Held::Signed(_) => Ok(self.walk((), |(), _, _| Ok(())).await?.1),
        }
    }

    /// Reads the log once more, shows every entry, and says what it is bound to.
    ///
    /// # Errors
    /// If the log cannot be read or does not lead to the checkpoint, or `see` says so.
    pub(super) async fn walk<T: Send + 'static>(
        &self,
        state: T,
        see: fn(&mut T, &Logged, &Leaf) -> Result<()>,
    ) -> Result<(T, Bound)> {
        let most = match &self.held {
            Held::To(bound) => bound.checkpoint.size,
            Held::Signed(_) => u64::MAX,
        };
        let progress = Progress::begin(self.quiet);
        progress.now("reading the log");
        let walk = Walk { state, see, tree: Tree::default(), most, fault: None };
        let walked = match &self.place {
            Place::Folder(data) => in_folder(data.clone(), walk).await,
            Place::Database { .. } => self.in_database(walk).await,
        };
        progress.end();
        let Walk { state, tree, fault, .. } = walked.with_context(|| self.place.to_string())?;
        match fault {
            Some(fault) => Err(fault),
            None => Ok((state, self.bound(&tree)?)),
        }
    }

    async fn in_database<T>(&self, mut walk: Walk<T>) -> Result<Walk<T>> {
        let log = self.place.read(broken).await?;
        let store = log.store();
        let mut from = Position(1);
        while walk.goes_on() {
            let page = store.scan(from, SCAN_ENTRIES).await.map_err(broken)?;
            let Some(last) = page.last() else { break };
            from = Position(last.position.0.saturating_add(1));
            page.iter().for_each(|logged| walk.step(logged));
        }
        drop(store);
        log.close().await?;
        Ok(walk)
    }

    fn bound(&self, tree: &Tree) -> Result<Bound> {
        let bound = match &self.held {
            Held::To(bound) => bound,
            Held::Signed(key) => {
                let note = Note::of(tree.size(), tree.root(), key.public(), |text| key.sign(text)).to_text();
                return Bound::of(note, key.public()).context("a note that was just signed is not right");
            }
        };
        let Checkpoint { size, root, .. } = &bound.checkpoint;
        let message = if tree.size() < *size {
            format!("the log has {} entries and had {size} at the checkpoint", tree.size())
        } else if tree.root() != *root {
            format!("the first {size} entries of the log are not those of the checkpoint")
        } else {
            return Ok(bound.clone());
        };
        let help = "somebody replaced the log or put an old copy in its place; keep the folder as it is, and compare it \
                    with a backup";
        Err(Failure::new(exit::NO, message).with_help(help).into())
    }
}

/// A walk through a log: each entry is shown once, and becomes a leaf of the tree.
struct Walk<T> {
    state: T,
    see: fn(&mut T, &Logged, &Leaf) -> Result<()>,
    tree: Tree,
    most: u64,
    fault: Option<anyhow::Error>,
}

impl<T> Walk<T> {
    fn goes_on(&self) -> bool {
        self.fault.is_none() && self.tree.size() < self.most
    }

    fn step(&mut self, logged: &Logged) {
        if !self.goes_on() {
            return;
        }
        let leaf = tree::leaf(logged);
        self.tree.push(tree::hash(&leaf));
        if let Err(fault) = (self.see)(&mut self.state, logged, &leaf) {
            self.fault = Some(fault);
        }
    }
}

async fn in_folder<T: Send + 'static>(data: PathBuf, mut walk: Walk<T>) -> Result<Walk<T>> {
    refuse_half_restored(&data)?;
    let log = data.join(LOG_FOLDER);
    if !log.is_dir() {
        let message = format!("no host has run in `{}`: there is no log in it", data.display());
        return Err(Failure::new(exit::CONFIGURATION, message).with_help("name it with `--data DIR`").into());
    }
    let read = move || {
        // A checkpoint may lie within what one commit wrote.
        let most = walk.most.saturating_add(BATCH_ENTRIES_MAX as u64);
        read_folder(&log, most, &mut walk)?;
        Ok(walk)
    };
    tokio::task::spawn_blocking(read).await.context("reading ended before it was done")?
}

fn read_folder<T>(log: &Path, most: u64, walk: &mut Walk<T>) -> Result<()> {
    survey(log, Arc::new(RealDisk), most, &mut |logged| walk.step(&logged)).map_err(broken)?;
    Ok(())
}

/// Shows an entry to `take` if it is one of the life of an intent.
///
/// # Errors
/// If it cannot be read, or `take` says so.
pub(super) fn of_intent<R>(
    logged: &Logged,
    leaf: &Leaf,
    take: impl FnOnce(Seen<'_>) -> Result<R>,
) -> Result<Option<R>> {
    let Ok(intent) = logged.stream.parse::<IntentId>() else { return Ok(None) };
    let entry: Entry = serde_json::from_slice(&logged.entry)
        .with_context(|| format!("entry {} of `{}` cannot be read", logged.sequence, logged.stream))?;
    let (position, sequence) = (logged.position.0, logged.sequence);
    take(Seen { position, intent, sequence, digest: leaf.entry, entry: &entry }).map(Some)
}
