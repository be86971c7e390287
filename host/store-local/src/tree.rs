//! The hashes of the log's Merkle tree, in a folder of their own: `hashes`, 32 bytes each, and `size`, which says how many
//! leaves they are of and what root they make.
//!
//! Hashes are synced before `size` is replaced, so what stands behind it was never whole and is written over. Where the two do
//! not fit, everything is forgotten: the log has it all.

use crate::disk;
use countersign_core::hash::Digest;
use countersign_core::log::stored::{self, Row};
use countersign_engine::port::hashes::Hashes;
use countersign_engine::port::store::StoreFault;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of one hash.
const HASH_BYTES: u64 = 32;

/// The hashes of one log.
#[derive(Debug)]
pub struct TreeFile {
    file: File,
    head: PathBuf,
    size: AtomicU64,
    /// Held while it is written.
    writing: Mutex<()>,
}

impl TreeFile {
    /// Opens the hashes below `folder`, which is created if it is missing. Blocks.
    ///
    /// # Errors
    /// If the folder cannot be used.
    pub fn open(folder: &Path) -> Result<TreeFile, StoreFault> {
        disk::create_folder(folder).map_err(|error| unusable(folder, &error))?;
        let path = folder.join("hashes");
        let file = disk::open_or_create(&path).map_err(|error| unusable(&path, &error))?;
        let tree =
            TreeFile { file, head: folder.join("size"), size: AtomicU64::new(0), writing: Mutex::default() };
        let head = disk::read_text(&tree.head).map_err(|error| unusable(&tree.head, &error))?;
        if let Some((size, root)) = head.as_deref().and_then(head_of)
            && stored::root(&tree, size).is_ok_and(|found| found == root)
        {
            tree.size.store(size, Ordering::Release);
        } else if head.is_some() {
            tracing::warn!(blame = "host", file = %path.display(), "kept hashes of the log's tree are wrong; they are made anew");
        }
        Ok(tree)
    }

    fn write(&self, hashes: &[Digest], size: u64, root: &Digest) -> io::Result<()> {
        let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.0).collect();
        let start = stored::count(self.size.load(Ordering::Acquire)).saturating_mul(HASH_BYTES);
        self.file.write_all_at(&bytes, start)?;
        self.file.sync_data()?;
        disk::replace(&self.head, format!("{size} {root}\n").as_bytes())
    }
}

/// What the small file says.
fn head_of(text: &str) -> Option<(u64, Digest)> {
    let (size, root) = text.trim_end().split_once(' ')?;
    Some((size.parse().ok()?, Digest::parse(root)?))
}

fn unusable(path: &Path, error: &io::Error) -> StoreFault {
    StoreFault::Io(format!("`{}`: {error}", path.display()))
}

impl Row for TreeFile {
    type Fault = StoreFault;

    fn hash(&self, place: u64) -> Result<Digest, StoreFault> {
        let mut bytes = [0; 32];
        let read = self.file.read_exact_at(&mut bytes, place.saturating_mul(HASH_BYTES));
        read.map_err(|error| StoreFault::Io(format!("hash {place} of the log's tree: {error}")))?;
        Ok(Digest(bytes))
    }
}

impl Hashes for TreeFile {
    fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    fn append(&self, hashes: &[Digest], size: u64, root: &Digest) -> Result<(), StoreFault> {
        let _writing = self.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.write(hashes, size, root).map_err(|error| unusable(&self.head, &error))?;
        self.size.store(size, Ordering::Release);
        Ok(())
    }

    fn clear(&self) -> Result<(), StoreFault> {
        let _writing = self.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match std::fs::remove_file(&self.head) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(unusable(&self.head, &error));
            }
            Ok(()) | Err(_) => {}
        }
        self.size.store(0, Ordering::Release);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::log::tree::{Tree, leaf};

    fn grown(tree: &mut Tree, file: &TreeFile, count: u64) {
        let mut row = Vec::new();
        (0..count).for_each(|number| tree.push_into(leaf(&(tree.size() + number).to_be_bytes()), &mut row));
        file.append(&row, tree.size(), &tree.root()).expect("it is written");
    }

    #[test]
    fn hashes_are_found_again_and_what_was_never_whole_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut tree = Tree::default();
        let file = TreeFile::open(folder.path()).expect("it opens");
        assert_eq!(file.size(), 0);
        grown(&mut tree, &file, 5);
        grown(&mut tree, &file, 4);
        drop(file);
        let file = TreeFile::open(folder.path()).expect("it opens");
        assert_eq!((file.size(), stored::root(&file, 9)), (9, Ok(tree.root())));
        // The host was killed before the small file was replaced.
        file.file.write_all_at(&[7; 100], stored::count(9) * HASH_BYTES).expect("it is written");
        drop(file);
        let file = TreeFile::open(folder.path()).expect("it opens");
        grown(&mut tree, &file, 2);
        assert_eq!(stored::root(&file, 11), Ok(tree.root()));
        assert!(file.hash(stored::count(9) + 99).is_err(), "nothing is read where nothing was written");
    }

    #[test]
    fn hashes_that_do_not_make_the_noted_root_are_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut tree = Tree::default();
        let file = TreeFile::open(folder.path()).expect("it opens");
        grown(&mut tree, &file, 8);
        // The last hash is the root of all eight.
        file.file.write_all_at(&[7], (stored::count(8) - 1) * HASH_BYTES).expect("it is written");
        assert_eq!(TreeFile::open(folder.path()).expect("it opens").size(), 0);
        file.clear().expect("it is forgotten");
        assert_eq!((file.size(), TreeFile::open(folder.path()).expect("it opens").size()), (0, 0));
        std::fs::write(folder.path().join("size"), "many\n").expect("it is written");
        assert_eq!(TreeFile::open(folder.path()).expect("it opens").size(), 0);
    }
}
