//! Lengths of time, from which a mean and percentiles are had.

use crate::time::Millis;
use std::collections::BTreeMap;

/// Most lengths that one spread keeps one by one, so that its percentiles are exact: 8 MB of them. What has more is
/// kept in buckets, each at most a 64th wider than the length at which it begins.
pub const SPREAD_EXACT_MAX: usize = 1_000_000;

/// Bits of a length that a bucket keeps.
const BUCKET_BITS: u32 = 6;

/// Lengths of time, as many as were added.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spread {
    count: u64,
    total: u64,
    /// Each of them, unless they are in `buckets`.
    exact: Vec<u64>,
    /// How many of them by bucket, where they were too many.
    buckets: BTreeMap<u32, u64>,
}

/// Where a length belongs: those below 128 ms have a bucket each.
fn bucket(length: u64) -> u32 {
    let bits = u64::BITS.saturating_sub(length.leading_zeros());
    let shift = bits.saturating_sub(BUCKET_BITS.saturating_add(1));
    let top = u32::try_from(length >> shift).unwrap_or(u32::MAX);
    (shift << BUCKET_BITS).saturating_add(top)
}

/// The longest length of a bucket.
fn end(bucket: u32) -> u64 {
    let shift = (bucket >> BUCKET_BITS).saturating_sub(1);
    let top = u64::from(bucket.saturating_sub(shift << BUCKET_BITS));
    let next = u128::from(top.saturating_add(1)) << shift;
    u64::try_from(next.saturating_sub(1)).unwrap_or(u64::MAX)
}

impl Spread {
    /// Adds one.
    pub fn add(&mut self, length: Millis) {
        self.count = self.count.saturating_add(1);
        self.total = self.total.saturating_add(length.0);
        if self.buckets.is_empty() && self.exact.len() < SPREAD_EXACT_MAX {
            self.exact.push(length.0);
            return;
        }
        self.fold_up();
        let of = self.buckets.entry(bucket(length.0)).or_default();
        *of = of.saturating_add(1);
    }

    /// Adds all of another one.
    pub fn merge(&mut self, other: &Spread) {
        self.count = self.count.saturating_add(other.count);
        self.total = self.total.saturating_add(other.total);
        let both = self.exact.len().saturating_add(other.exact.len());
        if self.is_exact() && other.is_exact() && both <= SPREAD_EXACT_MAX {
            self.exact.extend_from_slice(&other.exact);
            return;
        }
        self.fold_up();
        let folded = other.exact.iter().map(|length| (bucket(*length), 1));
        for (bucket, count) in folded.chain(other.buckets.iter().map(|(bucket, count)| (*bucket, *count))) {
            let of = self.buckets.entry(bucket).or_default();
            *of = of.saturating_add(count);
        }
    }

    /// Keeps buckets only, from here on.
    pub fn fold_up(&mut self) {
        for length in std::mem::take(&mut self.exact) {
            let of = self.buckets.entry(bucket(length)).or_default();
            *of = of.saturating_add(1);
        }
    }

    /// How many lengths are kept one by one.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.exact.len()
    }

    /// Whether percentiles are exact; else they are at most a 64th too long.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.buckets.is_empty()
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// All of them together.
    #[must_use]
    pub fn total(&self) -> Millis {
        Millis(self.total)
    }

    /// Their mean; always exact but for the part of a millisecond that is cut off.
    #[must_use]
    pub fn mean(&self) -> Option<Millis> {
        self.total.checked_div(self.count).map(Millis)
    }

    /// For each of these percentages the shortest length than which so many of a hundred are no longer: the nearest rank.
    #[must_use]
    pub fn percentiles<const N: usize>(&self, percents: [u64; N]) -> Option<[Millis; N]> {
        if self.count == 0 {
            return None;
        }
        let mut sorted = self.exact.clone();
        sorted.sort_unstable();
        Some(percents.map(|percent| {
            let rank = self.count.saturating_mul(percent).div_ceil(100).max(1);
            Millis(if self.is_exact() { at(&sorted, rank) } else { self.in_buckets(rank) })
        }))
    }

    fn in_buckets(&self, rank: u64) -> u64 {
        let mut seen = 0_u64;
        let reached = self.buckets.iter().find(|(_, count)| {
            seen = seen.saturating_add(**count);
            rank <= seen
        });
        reached.map_or(0, |(bucket, _)| end(*bucket))
    }
}

/// The length of a rank, counted from 1.
fn at(sorted: &[u64], rank: u64) -> u64 {
    let place = usize::try_from(rank.saturating_sub(1)).unwrap_or(usize::MAX);
    sorted.get(place).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spread(lengths: &[u64]) -> Spread {
        let mut spread = Spread::default();
        lengths.iter().for_each(|length| spread.add(Millis(*length)));
        spread
    }

    #[test]
    fn nothing_has_no_mean_and_no_percentile() {
        assert_eq!(spread(&[]).mean(), None);
        assert_eq!(spread(&[]).percentiles([50]), None);
    }

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let of = |lengths: &[u64]| spread(lengths).percentiles([50, 90, 95, 100]);
        assert_eq!(of(&[7]), Some([Millis(7); 4]));
        assert_eq!(of(&[40, 10, 30, 20]), Some([Millis(20), Millis(40), Millis(40), Millis(40)]));
        let hundred: Vec<u64> = (1..=100).rev().collect();
        assert_eq!(of(&hundred), Some([Millis(50), Millis(90), Millis(95), Millis(100)]));
    }

    proptest! {
        #[test]
        fn a_bucket_ends_at_most_a_64th_behind_what_is_in_it(length: u64) {
            let end = end(bucket(length));
            prop_assert!(length <= end, "{length} {end}");
            prop_assert!(end - length <= length / 64, "{length} {end}");
            prop_assert!(bucket(length) <= bucket(length.saturating_add(1)));
        }

        #[test]
        fn what_is_merged_or_folded_up_says_what_one_says(
            one in prop::collection::vec(0_u64..10_000_000, 0..50),
            two in prop::collection::vec(0_u64..10_000_000, 1..50),
        ) {
            let all = spread(&[one.clone(), two.clone()].concat());
            let mut merged = spread(&one);
            merged.merge(&spread(&two));
            prop_assert_eq!(merged.percentiles([50, 90, 95]), all.percentiles([50, 90, 95]));
            prop_assert_eq!((merged.count(), merged.mean()), (all.count(), all.mean()));
            for folds_up in [true, false] {
                let (mut first, mut second) = (spread(&one), spread(&two));
                if folds_up { first.fold_up() } else { second.fold_up() }
                first.merge(&second);
                prop_assert_eq!((first.count(), first.total()), (all.count(), all.total()));
                let exact = all.percentiles([50, 90, 95]).expect("there are some");
                let rough = first.percentiles([50, 90, 95]).expect("there are some");
                for (exact, rough) in exact.iter().zip(rough) {
                    prop_assert!(exact.0 <= rough.0 && rough.0 - exact.0 <= exact.0 / 64, "{exact:?} {rough:?}");
                }
            }
        }
    }
}
