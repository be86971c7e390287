//! The Merkle tree over a log that is read from front to back.

use super::broken;
use super::key::LogKey;
use crate::exit;
use crate::output::Failure;
use anyhow::{Context as _, Result};
use countersign_core::approval::event::Entry;
use countersign_core::hash::Digest;
use countersign_core::id::EffectId;
use countersign_core::log::leaf::Leaf;
use countersign_core::log::note::{Checkpoint, Note};
use countersign_core::log::proof::Proof;
use countersign_core::log::tree::{self, Prover, Tree};
use countersign_engine::log_tree::leaf_of;
use countersign_engine::port::store::{Logged, Position, Store};
use std::sync::Arc;

/// Entries that are read at once: even of the largest, they fit into memory.
const SCAN_ENTRIES: usize = 256;

/// Shows every entry of the log to `visit`, until it says that it has seen enough.
async fn read(store: &dyn Store, mut visit: impl FnMut(Logged) -> Result<bool>) -> Result<()> {
    let mut from = Position(1);
    loop {
        let page = store.scan(from, SCAN_ENTRIES).await.map_err(broken)?;
        let Some(last) = page.last() else { return Ok(()) };
        from = Position(last.position.0 + 1);
        for logged in page {
            if visit(logged)? {
                return Ok(());
            }
        }
    }
}

/// The leaf of an entry.
pub(super) fn leaf(logged: &Logged) -> Leaf {
    leaf_of(logged)
}

/// Its hash in the tree.
pub(super) fn hash(leaf: &Leaf) -> Digest {
    tree::leaf(leaf.to_text().as_bytes())
}

/// Shows the leaf of every entry.
pub(super) async fn leaves(store: &dyn Store, mut visit: impl FnMut(String)) -> Result<()> {
    let show = |logged: Logged| {
        visit(leaf_of(&logged).to_text());
        Ok(false)
    };
    read(store, show).await
}

/// The tree over the whole log.
pub(super) async fn whole(store: &dyn Store) -> Result<Tree> {
    let mut tree = Tree::default();
    let push = |logged| {
        tree.push(hash(&leaf(&logged)));
        Ok(false)
    };
    read(store, push).await?;
    Ok(tree)
}

/// Makes sure that the log begins with what `noted` says.
pub(super) async fn extends(store: &dyn Store, noted: &Checkpoint) -> Result<()> {
    let mut tree = Tree::default();
    let push = |logged| {
        if tree.size() < noted.size {
            tree.push(hash(&leaf(&logged)));
        }
        Ok(tree.size() == noted.size)
    };
    read(store, push).await?;
    let help = "somebody replaced the log or put an old copy in its place; keep the folder as it is, and compare it \
                with a backup";
    let message = if tree.size() < noted.size {
        format!("the log has {} entries and had {} at the noted checkpoint", tree.size(), noted.size)
    } else if tree.root() != noted.root {
        format!("the first {} entries of the log are not those of the noted checkpoint", noted.size)
    } else {
        return Ok(());
    };
    Err(Failure::new(exit::NO, message).with_help(help).into())
}

/// The proof of what `id` names, and the bytes of that entry.
pub(super) async fn prove(
    store: &dyn Store,
    id: &str,
    sequence: Option<u64>,
    key: &LogKey,
) -> Result<(Proof, Arc<[u8]>)> {
    let mut found = None;
    let look = |logged: Logged| {
        let is_it = match sequence {
            Some(sequence) => &*logged.stream == id && logged.sequence == sequence,
            None => ends(id, &logged)?,
        };
        if is_it {
            found = Some(logged);
        }
        Ok(false)
    };
    read(store, look).await?;
    let Some(logged) = found else {
        let (message, help) = match sequence {
            Some(sequence) => {
                (format!("the log has no entry {sequence} of `{id}`"), "a stream's entries count from 1")
            }
            None => (
                format!("the log has no decision of an intent and no end of an effect `{id}`"),
                "an open one has none yet; `--sequence NUMBER` proves any entry of a stream",
            ),
        };
        return Err(Failure::new(exit::NO, message).with_help(help).into());
    };
    let index = logged.position.0 - 1;
    let mut prover = Prover::of(index);
    let push = |logged| {
        prover.push(hash(&leaf(&logged)));
        Ok(false)
    };
    read(store, push).await?;
    let (tree, path) = prover.finish();
    let path = path.context("the log became shorter while it was read")?;
    let note = Note::of(tree.size(), tree.root(), key.public(), |text| key.sign(text));
    Ok((Proof { leaf: leaf_of(&logged), index, path, note }, logged.entry))
}

/// Whether the entry decides the intent `id`, or ends the effect `id`.
fn ends(id: &str, logged: &Logged) -> Result<bool> {
    let effect = id.parse::<EffectId>().ok();
    let may_be = match effect {
        // The bytes of an entry name its effect; reading them all would take much longer.
        Some(_) => {
            logged.stream.starts_with("int_")
                && logged.entry.windows(id.len()).any(|part| part == id.as_bytes())
        }
        None => logged.stream.starts_with("int_") && &*logged.stream == id,
    };
    if !may_be {
        return Ok(false);
    }
    let entry: Entry = serde_json::from_slice(&logged.entry)
        .with_context(|| format!("entry {} of `{}` cannot be read", logged.sequence, logged.stream))?;
    Ok(match effect {
        Some(effect) => entry.event.ends(effect),
        None => entry.event.decides(),
    })
}
