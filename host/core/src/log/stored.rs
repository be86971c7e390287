//! A tree whose hashes are kept: where each stands, and proofs out of a few of them.
//!
//! The hashes of all complete subtrees stand in one row, in the order in which they come to be: a leaf, then each subtree
//! that it completes, the smallest first. So the row only grows, and a tree of n leaves has 2n hashes less one for each
//! bit of n that is set. The subtree of 2^level leaves number `n` is complete with its last leaf, and stands `level`
//! places behind it.
//!
//! Paths are those of RFC 6962 section 2.1.1, consistency proofs those of section 2.1.2, checked as RFC 9162 section
//! 2.1.4.2 says.

use super::tree::node;
use crate::hash::Digest;

/// How many hashes a tree of so many leaves has.
#[must_use]
pub fn count(size: u64) -> u64 {
    size.saturating_mul(2).saturating_sub(u64::from(size.count_ones()))
}

/// Where the hash of subtree number `n` of those of 2^level leaves stands.
pub(super) fn place(level: u32, n: u64) -> u64 {
    let last = (n.saturating_add(1) << level).saturating_sub(1);
    count(last).saturating_add(u64::from(level))
}

/// Reads hashes by their places.
pub trait Row {
    /// Why one cannot be read.
    type Fault;

    /// The hash at a place, counted from 0.
    ///
    /// # Errors
    /// If it cannot be read.
    fn hash(&self, place: u64) -> Result<Digest, Self::Fault>;
}

/// The root of the first `size` leaves; that of none is the SHA-256 of nothing.
///
/// # Errors
/// If a hash cannot be read.
pub fn root<R: Row + ?Sized>(row: &R, size: u64) -> Result<Digest, R::Fault> {
    if size == 0 { Ok(Digest::of(b"")) } else { subtree(row, 0, size) }
}

/// The roots of the complete subtrees of the first `size` leaves, the largest first.
///
/// # Errors
/// If a hash cannot be read.
pub fn peaks<R: Row + ?Sized>(row: &R, size: u64) -> Result<Vec<Digest>, R::Fault> {
    let mut peaks = Vec::new();
    let mut start = 0_u64;
    for level in (0..u64::BITS).rev().filter(|level| size >> level & 1 == 1) {
        peaks.push(row.hash(place(level, start >> level))?);
        start = start.saturating_add(1 << level);
    }
    Ok(peaks)
}

/// The path of the leaf at `index`, counted from 0, in the tree of the first `size` leaves: from its sibling up.
///
/// # Errors
/// If a hash cannot be read.
pub fn path<R: Row + ?Sized>(row: &R, index: u64, size: u64) -> Result<Vec<Digest>, R::Fault> {
    let (mut start, mut end) = (0_u64, size);
    let mut path = Vec::new();
    while start.saturating_add(1) < end {
        let middle = split(start, end);
        if index < middle {
            path.push(subtree(row, middle, end)?);
            end = middle;
        } else {
            path.push(subtree(row, start, middle)?);
            start = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The proof that the tree of the first `size` leaves goes on where that of the first `old` ended: nothing if either is
/// empty or both are the same.
///
/// # Errors
/// If a hash cannot be read.
pub fn consistency<R: Row + ?Sized>(row: &R, old: u64, size: u64) -> Result<Vec<Digest>, R::Fault> {
    let (mut start, mut end) = (0_u64, size);
    let mut proof = Vec::new();
    if old == 0 || size <= old {
        return Ok(proof);
    }
    // As long as the old tree ends inside, the other half goes into the proof.
    while old != end {
        let middle = split(start, end);
        if old <= middle {
            proof.push(subtree(row, middle, end)?);
            end = middle;
        } else {
            proof.push(subtree(row, start, middle)?);
            start = middle;
        }
    }
    // Whoever has the old root knows that of the whole old tree.
    if start != 0 {
        proof.push(subtree(row, start, end)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Whether `proof` shows that the tree with root `root` of `size` leaves goes on where that with root `old_root` of `old`
/// leaves ended.
#[must_use]
pub fn is_consistent(
    (old, old_root): (u64, &Digest),
    (size, root): (u64, &Digest),
    proof: &[Digest],
) -> bool {
    if old == 0 && size != 0 {
        // Every log goes on where the empty one ended, and there is one empty one.
        return proof.is_empty() && *old_root == Digest::of(b"");
    }
    if size <= old {
        return proof.is_empty() && old == size && old_root == root;
    }
    let mut rest = proof.iter();
    let (mut here, mut last) = (old.saturating_sub(1), size.saturating_sub(1));
    let skipped = here.trailing_ones();
    (here, last) = (here >> skipped, last >> skipped);
    // An old tree that is one complete subtree is where the proof begins.
    let first = if old.is_power_of_two() { Some(old_root) } else { rest.next() };
    let Some(first) = first else { return false };
    let (mut was, mut is) = (*first, *first);
    for hash in rest {
        if last == 0 {
            return false;
        }
        if here & 1 == 1 || here == last {
            (was, is) = (node(hash, &was), node(hash, &is));
            let alone = if here == 0 { 0 } else { here.trailing_zeros() };
            (here, last) = (here >> alone, last >> alone);
        } else {
            is = node(&is, hash);
        }
        (here, last) = (here >> 1, last >> 1);
    }
    last == 0 && was == *old_root && is == *root
}

/// Where the right half of the leaves from `start` to `end` begins: the left one has the largest power of two below all.
fn split(start: u64, end: u64) -> u64 {
    let below = end.saturating_sub(start).saturating_sub(1);
    start.saturating_add(1_u64 << below.checked_ilog2().unwrap_or(0))
}

/// The hash over the leaves from `start`, where a subtree of as many as there are begins, to `end`.
fn subtree<R: Row + ?Sized>(row: &R, start: u64, end: u64) -> Result<Digest, R::Fault> {
    // From the smallest complete subtree at the right edge to the largest.
    let mut left_over = end.saturating_sub(start);
    let mut joined: Option<Digest> = None;
    while left_over != 0 {
        let level = left_over.trailing_zeros();
        left_over &= left_over.wrapping_sub(1);
        let hash = row.hash(place(level, start.saturating_add(left_over) >> level))?;
        joined = Some(joined.map_or(hash, |right| node(&hash, &right)));
    }
    Ok(joined.unwrap_or_else(|| Digest::of(b"")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::tree::{Prover, Tree, leaf, root_by};
    use std::convert::Infallible;

    /// Trees up to this size are tried in every way.
    const SIZES: u64 = 70;

    struct Kept(Vec<Digest>);

    impl Row for Kept {
        type Fault = Infallible;

        fn hash(&self, place: u64) -> Result<Digest, Infallible> {
            Ok(self.0[usize::try_from(place).expect("it is small")])
        }
    }

    fn leaves(count: u64) -> Vec<Digest> {
        (0..count).map(|number| leaf(&number.to_be_bytes())).collect()
    }

    fn kept(leaves: &[Digest]) -> (Kept, Tree) {
        let (mut row, mut tree) = (Vec::new(), Tree::default());
        leaves.iter().for_each(|leaf| tree.push_into(*leaf, &mut row));
        (Kept(row), tree)
    }

    fn fine<T>(result: Result<T, Infallible>) -> T {
        result.unwrap_or_else(|never| match never {})
    }

    #[test]
    fn roots_paths_and_peaks_are_those_of_a_tree_that_is_grown() {
        let leaves = leaves(SIZES);
        let (row, _) = kept(&leaves);
        for size in 0..=SIZES {
            let own = &leaves[..usize::try_from(size).expect("it is small")];
            let (alone, tree) = kept(own);
            assert_eq!(u64::try_from(alone.0.len()).expect("it is small"), count(size));
            assert_eq!(fine(root(&row, size)), tree.root(), "of {size}");
            assert_eq!(Tree::of(size, fine(peaks(&row, size))), Some(tree.clone()));
            for index in 0..size {
                let mut prover = Prover::of(index);
                own.iter().for_each(|leaf| prover.push(*leaf));
                let path = fine(path(&row, index, size));
                assert_eq!(Some(&path), prover.finish().1.as_ref(), "{index} of {size}");
                let leaf = own[usize::try_from(index).expect("it is small")];
                assert_eq!(root_by(leaf, index, size, &path), Some(tree.root()));
            }
        }
    }

    #[test]
    fn a_tree_goes_on_where_each_smaller_one_ended_and_where_no_other_did() {
        let leaves = leaves(SIZES);
        let (row, _) = kept(&leaves);
        for size in 0..=SIZES {
            let new = fine(root(&row, size));
            for old in 0..=size {
                let was = fine(root(&row, old));
                let proof = fine(consistency(&row, old, size));
                assert!(is_consistent((old, &was), (size, &new), &proof), "{old} of {size}");
                let other = Digest::of(b"another log");
                assert!(!is_consistent((old, &other), (size, &new), &proof), "{old} of {size}");
                if old != 0 || size == 0 {
                    assert!(!is_consistent((old, &was), (size, &other), &proof), "{old} of {size}");
                }
                for at in 0..proof.len() {
                    let mut altered = proof.clone();
                    altered[at] = other;
                    assert!(!is_consistent((old, &was), (size, &new), &altered), "{old} of {size}, {at}");
                }
                let longer = [proof.as_slice(), &[other]].concat();
                assert!(!is_consistent((old, &was), (size, &new), &longer), "{old} of {size}");
                if let Some((_, shorter)) = proof.split_last() {
                    assert!(!is_consistent((old, &was), (size, &new), shorter), "{old} of {size}");
                }
            }
        }
    }
}
