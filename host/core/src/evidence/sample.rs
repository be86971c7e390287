//! A sample that anybody can draw again: of each stratum the items that come first when all are ordered by a hash of the
//! seed and the item's id.
//!
//! It is bottom-k sampling (Cohen and Kaplan, "Summarizing data using bottom-k sketches", PODC 2007) with SHA-256 for the
//! ranks, as election auditors draw ballots by it (Rivest, "Consistent Sampling with Replacement", 2018). The rank of an
//! item is what this prints, and the smallest ones are drawn:
//!
//! ```text
//! printf '%s %s' SEED ID | sha256sum
//! ```
//! Nobody can choose the items without choosing the seed, and a larger sample by the same seed holds the smaller one.

use crate::hash::Digest;
use std::collections::BTreeMap;
use std::fmt;

/// Most items of one sample, all strata together: more than people look at one by one.
pub const SAMPLE_ITEMS_MAX: usize = 10_000;
/// Most strata: more than a house has intent types.
pub const STRATA_MAX: usize = 200;
/// Most characters of a seed.
pub const SEED_CHARACTERS_MAX: usize = 100;

/// The method, in the words that a sample's file has.
pub const METHOD: &str = "of each stratum the items with the smallest SHA-256 of `SEED ID`, in that order: printf '%s %s' SEED ID | sha256sum";

/// What a sample is drawn by: printable ASCII without spaces, so that it can be typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed(String);

impl Seed {
    /// A seed, if it can be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Seed> {
        let fits = (1..=SEED_CHARACTERS_MAX).contains(&text.len());
        (fits && text.bytes().all(|byte| byte.is_ascii_graphic())).then(|| Seed(text.to_owned()))
    }

    /// As it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The rank of the item of this id.
    #[must_use]
    pub fn rank(&self, id: &str) -> Digest {
        Digest::of(format!("{} {id}", self.0).as_bytes())
    }
}

/// What cannot be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotDrawn {
    /// There are more than [`STRATA_MAX`] strata.
    Strata,
    /// It would be more than [`SAMPLE_ITEMS_MAX`] items.
    Items,
    /// The population has an item twice.
    Twice,
}

impl fmt::Display for NotDrawn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotDrawn::Strata => write!(formatter, "the population has more than {STRATA_MAX} strata"),
            NotDrawn::Items => write!(formatter, "the sample would have more than {SAMPLE_ITEMS_MAX} items"),
            NotDrawn::Twice => formatter.write_str("the population has an item twice"),
        }
    }
}

impl std::error::Error for NotDrawn {}

/// One stratum: how many items it has, and those with the smallest ranks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stratum<T> {
    /// Items of the population in it.
    pub of: u64,
    /// What is drawn, by rank and id.
    pub drawn: BTreeMap<(Digest, String), T>,
}

/// Draws a sample from items that are shown one after the other. It holds no more than it draws.
#[derive(Debug)]
pub struct Draw<T> {
    seed: Seed,
    most: usize,
    strata: BTreeMap<String, Stratum<T>>,
}

impl<T> Draw<T> {
    /// Draws up to `most` items of each stratum.
    #[must_use]
    pub fn new(seed: Seed, most: usize) -> Draw<T> {
        Draw { seed, most, strata: BTreeMap::new() }
    }

    /// Shows one item.
    ///
    /// # Errors
    /// [`NotDrawn`] if there are more strata or items than a sample has.
    pub fn show(&mut self, stratum: &str, id: &str, item: T) -> Result<(), NotDrawn> {
        if !self.strata.contains_key(stratum) && STRATA_MAX <= self.strata.len() {
            return Err(NotDrawn::Strata);
        }
        let rank = self.seed.rank(id);
        let found =
            self.strata.entry(stratum.to_owned()).or_insert(Stratum { of: 0, drawn: BTreeMap::new() });
        found.of = found.of.saturating_add(1);
        if found.drawn.insert((rank, id.to_owned()), item).is_some() {
            return Err(NotDrawn::Twice);
        }
        if self.most < found.drawn.len() {
            found.drawn.pop_last();
        }
        let drawn: usize = self.strata.values().map(|stratum| stratum.drawn.len()).sum();
        if SAMPLE_ITEMS_MAX < drawn { Err(NotDrawn::Items) } else { Ok(()) }
    }

    /// What is drawn of each stratum.
    #[must_use]
    pub fn strata(self) -> BTreeMap<String, Stratum<T>> {
        self.strata
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(seed: &str, most: usize, ids: &[String]) -> Vec<String> {
        let mut draw = Draw::new(Seed::parse(seed).expect("a seed"), most);
        for id in ids {
            draw.show("all", id, ()).expect("it has room");
        }
        let all = draw.strata().remove("all").expect("there are some");
        assert_eq!(all.of, u64::try_from(ids.len()).expect("a number"));
        all.drawn.into_keys().map(|(_, id)| id).collect()
    }

    #[test]
    fn a_rank_is_what_sha256sum_prints() {
        // printf '%s %s' 20261130 int_1 | sha256sum
        let expected = "f8c54cb05119a3438f780e49766fa86a6cd50ed058c4b2bec28cb08515799343";
        assert_eq!(Seed::parse("20261130").expect("a seed").rank("int_1").to_string(), expected);
    }

    #[test]
    fn a_sample_is_the_same_in_any_order_and_a_larger_one_holds_it() {
        let ids: Vec<String> = (0..500).map(|number| format!("int_{number}")).collect();
        let backwards: Vec<String> = ids.iter().rev().cloned().collect();
        let mut naive = ids.clone();
        naive.sort_by_key(|id| Digest::of(format!("dice-4-2-6 {id}").as_bytes()));
        for most in [1, 7, 60, 499, 500, 501] {
            let found = drawn("dice-4-2-6", most, &ids);
            assert_eq!(found, naive[..most.min(500)], "{most}");
            assert_eq!(found, drawn("dice-4-2-6", most, &backwards), "{most}");
        }
        assert_ne!(drawn("dice-4-2-6", 7, &ids), drawn("dice-4-2-5", 7, &ids));
    }

    #[test]
    fn each_part_of_the_population_is_drawn_as_often() {
        let ids: Vec<String> = (0..40).map(|number| format!("int_{number}")).collect();
        let mut hits = [0_u32; 40];
        for seed in 0..2_000 {
            for id in drawn(&format!("seed-{seed}"), 10, &ids) {
                hits[id[4..].parse::<usize>().expect("a number")] += 1;
            }
        }
        // 500 is expected of each; five times the spread of a fair draw lies within.
        assert!(hits.iter().all(|hits| (400..=600).contains(hits)), "{hits:?}");
    }

    #[test]
    fn what_is_no_sample_is_refused() {
        for text in ["", "two words", "tab\t", "ü", &"x".repeat(SEED_CHARACTERS_MAX + 1)] {
            assert_eq!(Seed::parse(text), None, "{text}");
        }
        let seed = || Seed::parse("1").expect("a seed");
        let mut draw = Draw::new(seed(), 2);
        assert_eq!(draw.show("all", "a", ()), Ok(()));
        assert_eq!(draw.show("all", "a", ()), Err(NotDrawn::Twice));
        let mut draw = Draw::new(seed(), 1);
        let each = (0..=STRATA_MAX).map(|number| draw.show(&number.to_string(), "a", ()));
        assert_eq!(each.last(), Some(Err(NotDrawn::Strata)));
        let mut draw = Draw::new(seed(), usize::MAX);
        let each = (0..=SAMPLE_ITEMS_MAX).map(|number| draw.show("all", &number.to_string(), ()));
        assert_eq!(each.last(), Some(Err(NotDrawn::Items)));
    }
}
