//! Paths of some leaves of a tree that grows: only the hashes that they need are kept.
//!
//! Which those are follows from the size that the tree is to have. So the proofs of a hundred entries out of ten million
//! take one reading of the log and a few thousand hashes.

use super::stored::{self, Row};
use super::tree::Tree;
use crate::hash::Digest;
use std::collections::{BTreeMap, BTreeSet};

/// A tree that grows to a known size, and the hashes of it that some paths need.
#[derive(Debug)]
pub struct Picked {
    size: u64,
    tree: Tree,
    /// Place of the next hash in the row of all hashes.
    next: u64,
    hashes: BTreeMap<u64, Digest>,
    wanted: BTreeSet<u64>,
    /// Room for what one leaf completes.
    row: Vec<Digest>,
}

/// Which hashes are wanted, while nobody knows one: whoever asks for another one is told its place.
struct Asked(BTreeSet<u64>);

impl Row for Asked {
    type Fault = u64;

    fn hash(&self, place: u64) -> Result<Digest, u64> {
        if self.0.contains(&place) { Ok(Digest::ZERO) } else { Err(place) }
    }
}

impl Row for Picked {
    type Fault = Missing;

    fn hash(&self, place: u64) -> Result<Digest, Missing> {
        self.hashes.get(&place).copied().ok_or(Missing)
    }
}

/// A hash that was not picked: the tree has not grown to its size, or another leaf is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing;

impl Picked {
    /// A tree that will have `size` leaves, for paths of these, counted from 0. Those beyond it have none.
    #[must_use]
    pub fn new(leaves: impl IntoIterator<Item = u64>, size: u64) -> Picked {
        let mut asked = Asked(BTreeSet::new());
        for leaf in leaves.into_iter().filter(|leaf| *leaf < size) {
            // Each turn adds a place, and a path has few.
            while let Err(place) = stored::path(&asked, leaf, size) {
                asked.0.insert(place);
            }
        }
        Picked {
            size,
            tree: Tree::default(),
            next: 0,
            hashes: BTreeMap::new(),
            wanted: asked.0,
            row: Vec::new(),
        }
    }

    /// The next leaf.
    pub fn push(&mut self, leaf: Digest) {
        self.tree.push_into(leaf, &mut self.row);
        for hash in self.row.drain(..) {
            if self.wanted.contains(&self.next) {
                self.hashes.insert(self.next, hash);
            }
            self.next = self.next.saturating_add(1);
        }
    }

    /// The path of one of the leaves, once all are in.
    ///
    /// # Errors
    /// [`Missing`] if they are not, or nobody said that this one is wanted.
    pub fn path(&self, leaf: u64) -> Result<Vec<Digest>, Missing> {
        if self.size <= leaf || self.tree.size() < self.size {
            return Err(Missing);
        }
        stored::path(self, leaf, self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::tree::{leaf, root_by};

    #[test]
    fn the_paths_of_picked_leaves_lead_to_the_root_and_others_are_not_known() {
        for size in 0..70_u64 {
            for step in 1..8 {
                let wanted: Vec<u64> = (0..size + 3).filter(|index| index % step == 0).collect();
                let (mut picked, mut tree) = (Picked::new(wanted.iter().copied(), size), Tree::default());
                let leaves: Vec<Digest> = (0..size).map(|index| leaf(&index.to_be_bytes())).collect();
                if let Some(first) = wanted.first() {
                    assert_eq!(picked.path(*first), Err(Missing), "nothing is in");
                }
                for leaf in &leaves {
                    picked.push(*leaf);
                    tree.push(*leaf);
                }
                for index in wanted {
                    let found = picked.path(index);
                    assert_eq!(found.is_ok(), index < size, "{index} of {size}");
                    let Ok(path) = found else { continue };
                    let leaf = leaves[usize::try_from(index).expect("it is small")];
                    assert_eq!(root_by(leaf, index, size, &path), Some(tree.root()), "{index} of {size}");
                }
            }
        }
    }

    #[test]
    fn no_more_is_kept_than_the_paths_need() {
        let size = 10_000;
        let mut picked = Picked::new([0, 4_711, 9_999], size);
        (0..size).for_each(|index| picked.push(leaf(&index.to_be_bytes())));
        assert!(picked.hashes.len() <= 3 * 14 * 4, "{}", picked.hashes.len());
        assert_eq!(picked.path(5), Err(Missing));
    }
}
