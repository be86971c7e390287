//! The Merkle tree over the log: the root commits to every entry and to their order, and a short path proves that one
//! entry is among them.
//!
//! Hashes and tree are those of RFC 6962 section 2.1, as `c2sp.org/tlog-tiles` has them; a path is checked as RFC 9162
//! section 2.1.3.2 says. A tree grows leaf by leaf and keeps one hash for each of its complete subtrees that stand side
//! by side, at most 64, so a log of any length is read once from front to back.

use crate::hash::Digest;
use sha2::{Digest as _, Sha256};

/// Hash of a leaf.
#[must_use]
pub fn leaf(bytes: &[u8]) -> Digest {
    Digest(Sha256::new().chain_update([0]).chain_update(bytes).finalize().into())
}

/// Hash of two subtrees that become one.
pub(super) fn node(left: &Digest, right: &Digest) -> Digest {
    Digest(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// A tree that grows at its right edge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    /// Roots of the complete subtrees, the largest first: one for each bit of `size` that is set.
    peaks: Vec<Digest>,
}

impl Tree {
    /// How many leaves it has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds the hash of one more leaf.
    pub fn push(&mut self, leaf: Digest) {
        self.grow(leaf, |_, _, _| {});
    }

    /// The same, and puts every hash that comes to be behind those in `row`: see [`super::stored`].
    pub fn push_into(&mut self, leaf: Digest, row: &mut Vec<Digest>) {
        row.push(leaf);
        self.grow(leaf, |_, left, right| row.push(node(left, right)));
    }

    /// The tree of so many leaves whose complete subtrees have these roots, the largest first; `None` if they are not as
    /// many as it has.
    #[must_use]
    pub fn of(size: u64, peaks: Vec<Digest>) -> Option<Tree> {
        let wanted = usize::try_from(size.count_ones()).ok()?;
        (peaks.len() == wanted).then_some(Tree { size, peaks })
    }

    /// The root: that of the empty tree is the SHA-256 of nothing.
    #[must_use]
    pub fn root(&self) -> Digest {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return Digest::of(b"") };
        peaks.fold(*last, |right, left| node(left, &right))
    }

    /// Adds a leaf, and shows each two subtrees of 2^level leaves that become one.
    fn grow(&mut self, leaf: Digest, mut joined: impl FnMut(u32, &Digest, &Digest)) {
        let mut hash = leaf;
        for level in 0..self.size.trailing_ones() {
            let Some(left) = self.peaks.pop() else { break };
            joined(level, &left, &hash);
            hash = node(&left, &hash);
        }
        self.peaks.push(hash);
        self.size = self.size.saturating_add(1);
    }
}

/// Notes the path of one leaf while the tree grows.
#[derive(Debug, Clone)]
pub struct Prover {
    tree: Tree,
    index: u64,
    path: Vec<Digest>,
}

impl Prover {
    /// Proves the leaf at `index`, counted from 0, of the tree that is grown from nothing.
    #[must_use]
    pub fn of(index: u64) -> Prover {
        Prover { tree: Tree::default(), index, path: Vec::new() }
    }

    /// Adds the hash of one more leaf.
    pub fn push(&mut self, leaf: Digest) {
        let Prover { tree, index, path } = self;
        let before = tree.size;
        tree.grow(leaf, |level, left, right| {
            // Both halves of what becomes one subtree, and `index`, by their number among those of this size.
            let (right_half, mine) = (before >> level, *index >> level);
            if mine == right_half {
                path.push(*left);
            } else if mine ^ 1 == right_half {
                path.push(*right);
            }
        });
    }

    /// The tree as it is now, and the path of the leaf in it from the leaf's sibling up; no path if it has not come.
    #[must_use]
    pub fn finish(mut self) -> (Tree, Option<Vec<Digest>>) {
        let Tree { size, peaks } = &self.tree;
        if *size <= self.index {
            return (self.tree, None);
        }
        // The peaks are joined from the right; `start` is the first leaf of what is joined already.
        let mut left_over = *size;
        let mut joined: Option<Digest> = None;
        for peak in peaks.iter().rev() {
            let start = left_over;
            left_over &= left_over.wrapping_sub(1);
            if let Some(right) = &joined {
                if start <= self.index {
                    self.path.push(*peak);
                } else if left_over <= self.index {
                    self.path.push(*right);
                }
            }
            joined = Some(joined.map_or(*peak, |right| node(peak, &right)));
        }
        (self.tree, Some(self.path))
    }
}

/// The root to which `path` leads from the leaf at `index` of a tree of `size` leaves; `None` if no such path exists.
/// The proof holds if this is the root that is known.
#[must_use]
pub fn root_by(leaf: Digest, index: u64, size: u64, path: &[Digest]) -> Option<Digest> {
    let (mut here, mut last) = (index, size.checked_sub(1)?);
    if last < here {
        return None;
    }
    let mut hash = leaf;
    for sibling in path {
        if last == 0 {
            return None;
        }
        if here & 1 == 1 || here == last {
            hash = node(sibling, &hash);
            // At the ragged edge the subtree stands alone on some levels.
            let skipped = if here == 0 { 0 } else { here.trailing_zeros() };
            (here, last) = (here >> skipped, last >> skipped);
        } else {
            hash = node(&hash, sibling);
        }
        (here, last) = (here >> 1, last >> 1);
    }
    (last == 0).then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    /// MTH of RFC 6962 section 2.1, word for word.
    fn naive_root(leaves: &[Digest]) -> Digest {
        match leaves {
            [] => Digest::of(b""),
            [leaf] => *leaf,
            more => {
                let (left, right) = more.split_at(split(more.len()));
                node(&naive_root(left), &naive_root(right))
            }
        }
    }

    /// PATH of RFC 6962 section 2.1.1, word for word.
    fn naive_path(index: usize, leaves: &[Digest]) -> Vec<Digest> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let (left, right) = leaves.split_at(split(leaves.len()));
        if index < left.len() {
            [naive_path(index, left), vec![naive_root(right)]].concat()
        } else {
            [naive_path(index - left.len(), right), vec![naive_root(left)]].concat()
        }
    }

    /// The largest power of two below `count`.
    fn split(count: usize) -> usize {
        count.next_power_of_two() / 2
    }

    fn leaves(count: usize) -> Vec<Digest> {
        (0..count).map(|number| leaf(&number.to_be_bytes())).collect()
    }

    fn proved(index: u64, leaves: &[Digest]) -> (Tree, Option<Vec<Digest>>) {
        let mut prover = Prover::of(index);
        leaves.iter().for_each(|leaf| prover.push(*leaf));
        prover.finish()
    }

    /// The eight leaves and the roots that implementations of RFC 6962 are tested with.
    #[test]
    fn roots_are_those_of_the_known_answers() {
        let leaves = [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut tree = Tree::default();
        assert_eq!(
            tree.root().to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        for (bytes, root) in leaves.iter().zip(roots) {
            tree.push(leaf(&HEXLOWER.decode(bytes.as_bytes()).expect("hexadecimal digits")));
            assert_eq!(tree.root().to_string(), root, "{}", tree.size());
        }
    }

    #[test]
    fn every_root_and_every_path_to_70_leaves_is_that_of_the_definition() {
        let all = leaves(70);
        for size in 0..=all.len() {
            let leaves = &all[..size];
            let root = naive_root(leaves);
            for index in 0..size {
                let (tree, path) = proved(index as u64, leaves);
                let path = path.expect("it is a leaf");
                assert_eq!((tree.size(), tree.root()), (size as u64, root));
                assert_eq!(path, naive_path(index, leaves), "{index} of {size}");
                assert_eq!(root_by(leaves[index], index as u64, size as u64, &path), Some(root));
            }
            assert_eq!(proved(size as u64, leaves).1, None, "a leaf that has not come");
        }
    }

    #[test]
    fn a_path_proves_no_other_place_and_leads_nowhere_when_it_is_cut_or_longer() {
        let all = leaves(40);
        for size in 1..=all.len() {
            let root = naive_root(&all[..size]);
            for index in 0..size {
                let path = naive_path(index, &all[..size]);
                for other in (0..size as u64).filter(|other| *other != index as u64) {
                    let found = root_by(all[index], other, size as u64, &path);
                    assert_ne!(found, Some(root), "{index} as {other} of {size}");
                }
                let longer = [&path[..], &[root]].concat();
                assert_eq!(root_by(all[index], index as u64, size as u64, &longer), None);
                if let Some((_, cut)) = path.split_last() {
                    assert_eq!(root_by(all[index], index as u64, size as u64, cut), None);
                }
            }
        }
        assert_eq!(root_by(all[0], 0, 0, &[]), None, "nothing is in the empty tree");
    }

    proptest! {
        #[test]
        fn a_flipped_bit_of_leaf_or_path_leads_to_another_root(
            size in 1_usize..400, at: prop::sample::Index, bit in 0_usize..256, part: prop::sample::Index,
        ) {
            let all = leaves(size);
            let index = at.index(size);
            let (tree, path) = proved(index as u64, &all);
            let mut parts = [&[all[index]], &path.expect("it is a leaf")[..]].concat();
            let part = part.index(parts.len());
            parts[part].0[bit / 8] ^= 1 << (bit % 8);
            let found = root_by(parts[0], index as u64, size as u64, &parts[1..]);
            prop_assert!(found.is_some() && found != Some(tree.root()));
        }
    }
}
