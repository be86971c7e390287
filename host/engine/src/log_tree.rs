//! Proofs of a log that grows: its Merkle tree is kept beside it, so that a proof takes a few hashes and no reading of
//! the whole.
//!
//! The tree follows the log. What it has come to is behind by [`CATCH_UP_MS`] at the most, and whoever asks waits until it
//! has caught up. No proof leaves that does not lead to the root: hashes that were changed on disk are made anew.

use crate::engine::Inner;
use crate::port::anchor::Anchor;
use crate::port::hashes::Hashes;
use crate::port::store::{Logged, Position, Store, StoreFault};
use crate::task::Tasks;
use countersign_core::hash::Digest;
use countersign_core::log::leaf::Leaf;
use countersign_core::log::stored;
use countersign_core::log::tile::{Tile, bundle};
use countersign_core::log::tree::{self, Tree};
use countersign_core::time::Timestamp;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Mutex;

/// Most milliseconds between two looks at what was appended.
const CATCH_UP_MS: u64 = 10_000;
/// Entries that are read at once: even of the largest, they fit into memory.
const SCAN_ENTRIES: usize = 256;
/// Pages of entries whose hashes are kept with one sync.
const PAGES_A_SYNC: usize = 16;

/// The tree of a log and whoever proves by it.
pub struct LogTree {
    store: Arc<dyn Store>,
    hashes: Arc<dyn Hashes>,
    /// As far as the hashes go; none until somebody has looked.
    tree: Mutex<Option<Tree>>,
    /// Where checkpoints are noted, in the order of their names.
    notings: StdMutex<BTreeMap<String, Noting>>,
}

/// How a place stands in which checkpoints are noted, since the host runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noting {
    /// What the operator calls the place.
    pub anchor: String,
    /// How many entries the checkpoint had that was noted last, and when.
    pub last: Option<(u64, Timestamp)>,
    /// Why nothing could be noted since then.
    pub failed: Option<String>,
}

/// Whether the log begins with what somebody noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begins {
    /// It does.
    So,
    /// It has fewer entries, only so many.
    Shorter(u64),
    /// Its first entries are others.
    Otherwise,
}

/// What an entry's proof is made of, without the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved {
    /// The entry.
    pub leaf: Leaf,
    /// Its place in the log, counted from 0.
    pub index: u64,
    /// Hashes from the leaf's sibling up.
    pub path: Vec<Digest>,
    /// Entries of the log.
    pub size: u64,
    /// The root over them, to which the path leads.
    pub root: Digest,
}

impl fmt::Debug for LogTree {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LogTree").finish_non_exhaustive()
    }
}

/// The leaf of an entry.
#[must_use]
pub fn leaf_of(logged: &Logged) -> Leaf {
    let entry = Digest::of(&logged.entry);
    Leaf { stream: logged.stream.to_string(), sequence: logged.sequence, entry }
}

/// The hash of that leaf.
fn hash_of(logged: &Logged) -> Digest {
    tree::leaf(leaf_of(logged).to_text().as_bytes())
}

impl LogTree {
    /// Proves the log in `store` by these hashes.
    pub fn of(store: Arc<dyn Store>, hashes: Arc<dyn Hashes>) -> LogTree {
        LogTree { store, hashes, tree: Mutex::default(), notings: StdMutex::default() }
    }

    /// How each place stands in which checkpoints are noted.
    #[must_use]
    pub fn notings(&self) -> Vec<Noting> {
        self.noting().values().cloned().collect()
    }

    fn noting(&self) -> MutexGuard<'_, BTreeMap<String, Noting>> {
        self.notings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what came of noting a checkpoint.
    fn came(&self, anchor: &str, of: Result<(u64, Timestamp), String>) {
        let mut notings = self.noting();
        let fresh = || Noting { anchor: anchor.to_owned(), last: None, failed: None };
        let noting = notings.entry(anchor.to_owned()).or_insert_with(fresh);
        match of {
            Ok(last) => (noting.last, noting.failed) = (Some(last), None),
            Err(why) => noting.failed = Some(why),
        }
    }

    /// Follows the log until the engine stops.
    pub(crate) async fn follow(self: Arc<LogTree>, tasks: Tasks) {
        while !tasks.are_stopping() {
            if let Err(fault) = self.checkpoint().await {
                tracing::warn!(%fault, blame = "host", "the tree over the log is behind; it is tried again");
            }
            rested(&tasks, CATCH_UP_MS).await;
        }
    }

    /// Notes in one place what the log has come to, whenever that is more, until the engine stops. A place that cannot
    /// be reached holds up no other one.
    pub(crate) async fn note(self: Arc<LogTree>, anchor: Arc<dyn Anchor>, inner: Arc<Inner>) {
        let mut noted = None;
        while !inner.tasks.are_stopping() {
            match self.checkpoint().await {
                Ok(now) if noted == Some(now) => {}
                Ok(now) => match unless_stopping(&inner.tasks, anchor.note(now.0, now.1)).await {
                    None => return,
                    Some(Ok(())) => {
                        noted = Some(now);
                        inner.metrics.noted(anchor.name(), now.0);
                        self.came(anchor.name(), Ok((now.0, inner.clock.now())));
                    }
                    Some(Err(why)) => {
                        inner.metrics.not_noted(anchor.name());
                        self.came(anchor.name(), Err(why.clone()));
                        tracing::warn!(
                            anchor = anchor.name(),
                            why,
                            blame = "operator",
                            "the checkpoint of the log was not noted; it is tried again"
                        );
                    }
                },
                // Whoever follows the log says so.
                Err(_) => {}
            }
            rested(&inner.tasks, anchor.rest().0).await;
        }
    }

    /// How many entries the log has, and the root over them.
    ///
    /// # Errors
    /// If the log or the hashes cannot be read or written.
    pub async fn checkpoint(&self) -> Result<(u64, Digest), StoreFault> {
        let tree = self.caught_up().await?;
        Ok((tree.size(), tree.root()))
    }

    /// Proves that an entry of a stream, counted from 1, stands in the log; `None` if the stream has no such entry.
    ///
    /// # Errors
    /// If the log or the hashes cannot be read or written.
    pub async fn prove(&self, stream: &str, sequence: u64) -> Result<Option<Proved>, StoreFault> {
        let entries = self.store.logged(stream).await?;
        let Some(logged) = entries.into_iter().find(|logged| logged.sequence == sequence) else {
            return Ok(None);
        };
        let index = logged.position.0.saturating_sub(1);
        let leaf = leaf_of(&logged);
        let hash = tree::leaf(leaf.to_text().as_bytes());
        let (path, size, root) = self
            .sound(
                move |hashes, size| stored::path(hashes, index, size),
                move |path, size, root| tree::root_by(hash, index, size, path) == Some(*root),
            )
            .await?;
        Ok(Some(Proved { leaf, index, path, size, root }))
    }

    /// Proves that today's log goes on where the one of the first `old` entries ended: the proof, how many entries there
    /// are today, the root over them. `None` if there are fewer than `old`.
    ///
    /// # Errors
    /// If the log or the hashes cannot be read or written.
    pub async fn consistency(&self, old: u64) -> Result<Option<(Vec<Digest>, u64, Digest)>, StoreFault> {
        if self.caught_up().await?.size() < old {
            return Ok(None);
        }
        let made = move |hashes: &dyn Hashes, size| {
            let was = stored::root(hashes, old)?;
            Ok((was, stored::consistency(hashes, old, size)?))
        };
        let holds = move |(was, proof): &(Digest, Vec<Digest>), size, root: &Digest| {
            stored::is_consistent((old, was), (size, root), proof)
        };
        let ((_, proof), size, root) = self.sound(made, holds).await?;
        Ok(Some((proof, size, root)))
    }

    /// A tile of the tree, or of its leaves; `None` if the log does not have all of it yet. What a tile holds is to be
    /// checked against a checkpoint by whoever asks: unlike a proof it leads to no root by itself.
    ///
    /// # Errors
    /// If the log or the hashes cannot be read or written.
    pub async fn tile(&self, tile: Tile) -> Result<Option<Vec<u8>>, StoreFault> {
        if !tile.is_in(self.caught_up().await?.size()) {
            return Ok(None);
        }
        let Some(level) = tile.level else { return self.leaves(tile).await.map(Some) };
        self.blocking(move |hashes| tile.bytes(level, hashes)).await.map(Some)
    }

    async fn leaves(&self, tile: Tile) -> Result<Vec<u8>, StoreFault> {
        let width = usize::try_from(tile.width).unwrap_or(usize::MAX);
        let page = self.store.scan(Position(tile.first().saturating_add(1)), width).await?;
        let leaves: Vec<String> = page.iter().take(width).map(|logged| leaf_of(logged).to_text()).collect();
        let bytes = (leaves.len() == width).then(|| bundle(leaves.iter().map(String::as_str))).flatten();
        bytes.ok_or_else(|| StoreFault::Io("the log has become shorter while it was read".to_owned()))
    }

    /// Whether the log begins with the entries of a checkpoint that was noted. All of them are read, and no kept hash is
    /// believed: whoever puts another log in the place of this one may leave those as they are.
    ///
    /// # Errors
    /// If the log or the hashes cannot be read or written.
    pub async fn begins_with(&self, size: u64, root: &Digest) -> Result<Begins, StoreFault> {
        let mut read = Tree::default();
        while read.size() < size {
            let page = self.store.scan(Position(read.size().saturating_add(1)), SCAN_ENTRIES).await?;
            if page.is_empty() {
                return Ok(Begins::Shorter(read.size()));
            }
            let left = usize::try_from(size.saturating_sub(read.size())).unwrap_or(usize::MAX);
            page.iter().take(left).for_each(|logged| read.push(hash_of(logged)));
        }
        let found = read.root();
        if found != *root {
            return Ok(Begins::Otherwise);
        }
        let kept = self
            .blocking(move |hashes| {
                let is_kept = size <= hashes.size();
                if is_kept { stored::root(hashes, size).map(|root| root == found) } else { Ok(true) }
            })
            .await;
        if kept != Ok(true) {
            self.forget().await?;
        }
        Ok(Begins::So)
    }

    /// What is made of the hashes, with the size and the root that it was made for; they are made anew if it does not hold.
    async fn sound<T: Send + 'static>(
        &self,
        made: impl Fn(&dyn Hashes, u64) -> Result<T, StoreFault> + Clone + Send + 'static,
        holds: impl Fn(&T, u64, &Digest) -> bool,
    ) -> Result<(T, u64, Digest), StoreFault> {
        for _ in 0..2 {
            let tree = self.caught_up().await?;
            let (size, root, made) = (tree.size(), tree.root(), made.clone());
            let found = self.blocking(move |hashes| made(hashes, size)).await;
            match found {
                Ok(found) if holds(&found, size, &root) => return Ok((found, size, root)),
                Ok(_) | Err(_) => {
                    tracing::warn!(
                        blame = "host",
                        "kept hashes of the log's tree are wrong; they are made anew"
                    );
                    self.forget().await?;
                }
            }
        }
        Err(StoreFault::Io("the hashes of the log's tree are wrong and stay so".to_owned()))
    }

    /// The tree over everything that is in the log now.
    async fn caught_up(&self) -> Result<Tree, StoreFault> {
        let mut kept = self.tree.lock().await;
        let mut tree = match kept.take() {
            Some(tree) => tree,
            None => self.begun().await?,
        };
        let end = self.store.health().position.0;
        if end < tree.size() {
            // A log is never shorter than its tree: these hashes are another log's.
            self.blocking(|hashes| hashes.clear()).await?;
            tree = Tree::default();
        }
        while tree.size() < end {
            let (mut grown, mut row) = (tree.clone(), Vec::new());
            for _ in 0..PAGES_A_SYNC {
                let page = self.store.scan(Position(grown.size().saturating_add(1)), SCAN_ENTRIES).await?;
                page.iter().for_each(|logged| grown.push_into(hash_of(logged), &mut row));
                if page.len() < SCAN_ENTRIES {
                    break;
                }
            }
            if grown.size() == tree.size() {
                break;
            }
            let (size, root) = (grown.size(), grown.root());
            self.blocking(move |hashes| hashes.append(&row, size, &root)).await?;
            tree = grown;
            *kept = Some(tree.clone());
        }
        *kept = Some(tree.clone());
        Ok(tree)
    }

    /// The tree as the kept hashes have it, if the log still has what they are of.
    async fn begun(&self) -> Result<Tree, StoreFault> {
        let size = self.hashes.size();
        let peaks = self.blocking(move |hashes| stored::peaks(hashes, size)).await;
        if let Some(tree) = peaks.ok().and_then(|peaks| Tree::of(size, peaks))
            && self.is_of_this_log(size).await?
        {
            return Ok(tree);
        }
        self.blocking(|hashes| hashes.clear()).await?;
        Ok(Tree::default())
    }

    /// Whether the last of so many kept leaves is what stands there in the log: somebody may have put another log in its
    /// place.
    async fn is_of_this_log(&self, size: u64) -> Result<bool, StoreFault> {
        let Some(before) = size.checked_sub(1) else { return Ok(true) };
        let last = self.store.scan(Position(size), 1).await?;
        let Some(last) = last.first().map(hash_of) else { return Ok(false) };
        Ok(self.blocking(move |hashes| hashes.hash(stored::count(before))).await == Ok(last))
    }

    async fn forget(&self) -> Result<(), StoreFault> {
        let mut kept = self.tree.lock().await;
        *kept = Some(Tree::default());
        self.blocking(|hashes| hashes.clear()).await
    }

    /// Asks the hashes where waiting for a disk holds nobody up.
    async fn blocking<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn Hashes) -> Result<T, StoreFault> + Send + 'static,
    ) -> Result<T, StoreFault> {
        let hashes = Arc::clone(&self.hashes);
        let answer = tokio::task::spawn_blocking(move || ask(hashes.as_ref())).await;
        answer.unwrap_or_else(|_| Err(StoreFault::Io("a look at the hashes did not end".to_owned())))
    }
}

/// What a call comes to; nothing if the engine stops first, which does not wait for the other side.
async fn unless_stopping<T>(tasks: &Tasks, call: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        () = tasks.stopping() => None,
        found = call => Some(found),
    }
}

/// Waits so many milliseconds, or until the engine stops.
async fn rested(tasks: &Tasks, milliseconds: u64) {
    tokio::select! {
        () = tokio::time::sleep(Duration::from_millis(milliseconds)) => {}
        () = tasks.stopping() => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryStore;
    use crate::port::hashes::MemoryHashes;
    use crate::port::store::{Append, Batch};
    use countersign_core::log::stored::Row;
    use std::sync::atomic::{AtomicBool, Ordering};

    async fn appended(store: &MemoryStore, stream: &str, expected: u64, count: u64) {
        let entries = (0..count)
            .map(|number| Arc::from(format!("{stream} {}", expected + number).as_bytes()))
            .collect();
        let append = Append { stream: Arc::from(stream), expected, entries, errands: Vec::new(), row: None };
        store.append(Batch { appends: vec![append], caller_key: None }).await.expect("it is appended");
    }

    #[tokio::test]
    async fn every_entry_of_a_log_that_grows_is_proved_and_goes_on_from_each_earlier_one() {
        let store = Arc::new(MemoryStore::default());
        let tree = LogTree::of(store.clone(), Arc::new(MemoryHashes::default()));
        assert_eq!(tree.checkpoint().await, Ok((0, Digest::of(b""))));
        assert_eq!(tree.prove("int_1", 1).await, Ok(None));
        let mut seen = vec![(0, Digest::of(b""))];
        for round in 0..4 {
            appended(&store, "int_1", round * 3, 3).await;
            appended(&store, "int_2", round * 2, 2).await;
            let now = tree.checkpoint().await.expect("it catches up");
            assert_eq!(now.0, (round + 1) * 5);
            for (old, was) in &seen {
                let (proof, size, root) =
                    tree.consistency(*old).await.expect("it is read").expect("it was smaller");
                assert_eq!((size, root), now);
                assert!(stored::is_consistent((*old, was), (size, &root), &proof), "{old}");
            }
            seen.push(now);
            for (stream, count) in [("int_1", (round + 1) * 3), ("int_2", (round + 1) * 2)] {
                for sequence in 1..=count {
                    let proved =
                        tree.prove(stream, sequence).await.expect("it is read").expect("it is there");
                    assert_eq!((proved.leaf.stream.as_str(), proved.leaf.sequence), (stream, sequence));
                    assert_eq!((proved.size, proved.root), now);
                    let bytes = format!("{stream} {}", sequence - 1);
                    assert_eq!(proved.leaf.entry, Digest::of(bytes.as_bytes()));
                    let leaf = tree::leaf(proved.leaf.to_text().as_bytes());
                    assert_eq!(
                        tree::root_by(leaf, proved.index, proved.size, &proved.path),
                        Some(proved.root)
                    );
                }
                assert_eq!(tree.prove(stream, count + 1).await, Ok(None));
            }
        }
        assert_eq!(tree.consistency(21).await, Ok(None), "the log has 20 entries");
        for (size, root) in seen {
            assert_eq!(tree.begins_with(size, &root).await, Ok(Begins::So), "{size}");
            assert_eq!(tree.begins_with(size, &Digest::of(b"other")).await, Ok(Begins::Otherwise), "{size}");
        }
        assert_eq!(tree.begins_with(21, &Digest::of(b"")).await, Ok(Begins::Shorter(20)));
    }

    /// Hashes of which the first is read wrongly until they are forgotten.
    #[derive(Default)]
    struct Spoilt(MemoryHashes, AtomicBool);

    impl Row for Spoilt {
        type Fault = StoreFault;

        fn hash(&self, place: u64) -> Result<Digest, StoreFault> {
            let hash = self.0.hash(place)?;
            Ok(if place == 0 && !self.1.load(Ordering::SeqCst) { Digest::of(b"rot") } else { hash })
        }
    }

    impl Hashes for Spoilt {
        fn size(&self) -> u64 {
            self.0.size()
        }

        fn append(&self, hashes: &[Digest], size: u64, root: &Digest) -> Result<(), StoreFault> {
            self.0.append(hashes, size, root)
        }

        fn clear(&self) -> Result<(), StoreFault> {
            self.1.store(true, Ordering::SeqCst);
            self.0.clear()
        }
    }

    #[tokio::test]
    async fn no_proof_leaves_by_hashes_that_a_disk_has_spoilt() {
        let store = Arc::new(MemoryStore::default());
        appended(&store, "int_1", 0, 5).await;
        let spoilt = Arc::new(Spoilt::default());
        let tree = LogTree::of(store.clone(), spoilt.clone());
        let proved = tree.prove("int_1", 2).await.expect("they are made anew").expect("it is there");
        assert!(spoilt.1.load(Ordering::SeqCst), "they were forgotten");
        let leaf = tree::leaf(proved.leaf.to_text().as_bytes());
        assert_eq!(tree::root_by(leaf, proved.index, proved.size, &proved.path), Some(proved.root));
    }

    #[tokio::test]
    async fn hashes_of_another_log_are_made_anew() {
        for others in [1, 9] {
            let hashes = Arc::new(MemoryHashes::default());
            let other = Arc::new(MemoryStore::default());
            appended(&other, "int_9", 0, 5).await;
            LogTree::of(other, hashes.clone()).checkpoint().await.expect("it catches up");
            let own = Arc::new(MemoryStore::default());
            appended(&own, "int_1", 0, others).await;
            let found = LogTree::of(own.clone(), hashes).checkpoint().await;
            let fresh = LogTree::of(own, Arc::new(MemoryHashes::default())).checkpoint().await;
            assert_eq!(found, fresh, "{others} entries");
        }
    }

    /// A log whose first entry was changed, beside the hashes of what it was.
    #[tokio::test]
    async fn what_was_noted_is_compared_with_the_log_and_not_with_kept_hashes() {
        let hashes = Arc::new(MemoryHashes::default());
        let (was, is) = (Arc::new(MemoryStore::default()), Arc::new(MemoryStore::default()));
        appended(&was, "int_1", 0, 1).await;
        appended(&is, "int_3", 0, 1).await;
        for store in [&was, &is] {
            appended(store, "int_2", 0, 1).await;
        }
        let (size, root) = LogTree::of(was, hashes.clone()).checkpoint().await.expect("it catches up");
        let tree = LogTree::of(is, hashes);
        assert_eq!(tree.begins_with(size, &root).await, Ok(Begins::Otherwise));
    }
}
