//! Backups: what of a host is in one, and what is left out.
//!
//! One file holds the log up to an entry, and whatever else a host needs to go on with it on another machine. It is made
//! from the data folder while the host runs, as the log is only ever appended to. What is in it is as confidential as the
//! data folder; secrets of targets are not in it, as no file of a host has them.
//! Why so: `host/docs/decisions/0084-what-a-restored-log-calls-open-is-looked-for.md`.

pub mod archive;
pub mod content;
pub mod draft;
pub mod restore;

use crate::exit;
use crate::output::Failure;
use countersign_core::hash::Digest;
use countersign_core::log::tree::{self, Tree};
use countersign_engine::log_tree::leaf_of;
use countersign_engine::port::store::{Logged, StoreFault};
use countersign_store_local::disk::Disk;
use countersign_store_local::{Survey, survey};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// The version of the layout that this program writes and reads.
pub const FORMAT: u32 = 1;
/// The folder of the log's segments, in the archive and in a data folder.
pub const LOG_FOLDER: &str = "log";
/// Marks a data folder into which a backup is being restored: no host may use it.
pub const RESTORING_FILE: &str = "RESTORING";
/// Marks a data folder that was restored, until a host has put that on record.
pub const RESTORED_FILE: &str = "RESTORED";

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The layout: see [`FORMAT`].
    pub format: u32,
    /// The version of the program that made it.
    pub version: String,
    /// When, by the clock of the machine that made it.
    pub made: String,
    /// Entries in the log.
    pub entries: u64,
    /// Head of the hash chain after the last one.
    pub head: Digest,
    /// Root of the Merkle tree over them.
    pub root: Digest,
    /// What was left out, and why: one sentence each.
    pub left_out: Vec<String>,
    /// Where the secrets of the configuration come from: the key, and the reference that stands there.
    pub secrets: Vec<(String, String)>,
}

/// A log that was read from front to back, with its tree.
#[derive(Debug, Clone)]
pub struct Whole {
    /// Its segments, entries and head.
    pub survey: Survey,
    /// Root of the Merkle tree over its entries.
    pub root: Digest,
    /// Root over its first entries, as many as were asked for; none if it has fewer.
    pub root_then: Option<Digest>,
}

/// Reads a log up to `most` entries, and the root that it had at `then` of them. Blocks meanwhile.
///
/// # Errors
/// What is wrong with it.
pub fn read_log(log: &Path, disk: Arc<dyn Disk>, most: u64, then: Option<u64>) -> Result<Whole, StoreFault> {
    let mut tree = Tree::default();
    let mut root_then = then.filter(|then| *then == 0).map(|_| tree.root());
    let mut push = |logged: Logged| {
        tree.push(tree::leaf(leaf_of(&logged).to_text().as_bytes()));
        if then == Some(tree.size()) {
            root_then = Some(tree.root());
        }
    };
    let survey = survey(log, disk, most, &mut push)?;
    Ok(Whole { survey, root: tree.root(), root_then })
}

/// Refuses a data folder into which a restore did not end.
///
/// # Errors
/// If it is one.
pub fn refuse_half_restored(data: &Path) -> anyhow::Result<()> {
    if data.join(RESTORING_FILE).exists() {
        let message =
            format!("a restore into `{}` is going on, or was stopped in the middle", data.display());
        let help = "if none is going on, empty the folder and run `countersign backup restore` once more";
        return Err(Failure::new(exit::CONFIGURATION, message).with_help(help).into());
    }
    Ok(())
}
