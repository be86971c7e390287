//! The tree cut into tiles, as `c2sp.org/tlog-tiles` (v1.0.0) has it: 256 hashes beside each other, or the leaves under
//! them, each under a path of its own. A tile that is full never changes, so it can be kept anywhere, by anybody.
//!
//! ```text
//! tile/0/x001/067        hashes 256 × 1067 to 256 × 1068 − 1 of level 0: the leaves
//! tile/1/004             hashes of level 8: each of the 256 leaves of a tile below
//! tile/0/x001/068.p/12   the same of the last tile, which has 12 hashes so far
//! tile/entries/x001/067  the 256 leaves themselves
//! ```

use super::stored::{Row, place};
use crate::hash::Digest;
use std::fmt;

/// Hashes or leaves of a full tile.
pub const TILE_WIDTH: u64 = 256;
/// Levels of the tree that a tile spans: 2⁸ hashes are one hash of the tile above.
const TILE_LEVELS: u32 = 8;
/// The highest level of tiles: with the one above, a tree would have more than 2⁶⁴ leaves.
const LEVEL_MAX: u32 = 63 / TILE_LEVELS;
/// Where the leaves are.
const ENTRIES: &str = "entries";

/// A tile: hashes of a level of tiles, or leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tile {
    /// The level of tiles, from 0; `None` for the leaves themselves.
    pub level: Option<u32>,
    /// Which tile of its level, from 0.
    pub index: u64,
    /// How many hashes or leaves it has: 1 to 256.
    pub width: u64,
}

impl Tile {
    /// Reads a path such as `0/x001/067` or `entries/000.p/12`, in its one spelling.
    #[must_use]
    pub fn parse(text: &str) -> Option<Tile> {
        let (path, width) = match text.split_once(".p/") {
            Some((path, width)) => {
                (path, width.parse().ok().filter(|width| (1..TILE_WIDTH).contains(width))?)
            }
            None => (text, TILE_WIDTH),
        };
        let mut parts = path.split('/');
        let level = match parts.next()? {
            ENTRIES => None,
            level => Some(level.parse::<u32>().ok().filter(|level| *level <= LEVEL_MAX)?),
        };
        let mut index = 0_u64;
        for part in parts {
            let digits = part.strip_prefix('x').unwrap_or(part);
            let number = digits.parse::<u64>().ok().filter(|_| digits.len() == 3)?;
            index = index.checked_mul(1_000)?.checked_add(number)?;
        }
        let tile = Tile { level, index, width };
        (tile.to_string() == text).then_some(tile)
    }

    /// Every tile of a tree of so many leaves, the leaves first, then the hashes level by level.
    pub fn all(size: u64) -> impl Iterator<Item = Tile> {
        let levels = (0..=LEVEL_MAX)
            .map(Some)
            .take_while(move |level| 0 < level.map_or(0, |level| hashes(level, size)));
        std::iter::once(None).chain(levels).flat_map(move |level| {
            let count = hashes(level.unwrap_or(0), size);
            let (full, rest) = (count / TILE_WIDTH, count % TILE_WIDTH);
            let last = (0 < rest).then_some(Tile { level, index: full, width: rest });
            (0..full).map(move |index| Tile { level, index, width: TILE_WIDTH }).chain(last)
        })
    }

    /// Whether a tree of so many leaves has all of it.
    #[must_use]
    pub fn is_in(&self, size: u64) -> bool {
        let end = self.index.checked_mul(TILE_WIDTH).and_then(|first| first.checked_add(self.width));
        end.is_some_and(|end| end <= hashes(self.level.unwrap_or(0), size))
    }

    /// The first of its hashes or leaves, counted from 0 in its level.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.index.saturating_mul(TILE_WIDTH)
    }

    /// The bytes of a tile of hashes, 32 for each.
    ///
    /// # Errors
    /// If a hash cannot be read.
    pub fn bytes<R: Row + ?Sized>(&self, level: u32, row: &R) -> Result<Vec<u8>, R::Fault> {
        let mut bytes = Vec::new();
        let end = self.first().saturating_add(self.width);
        for number in self.first()..end {
            let Digest(hash) = row.hash(place(level.saturating_mul(TILE_LEVELS), number))?;
            bytes.extend_from_slice(&hash);
        }
        Ok(bytes)
    }
}

/// How many hashes of a level of tiles a tree of so many leaves has.
fn hashes(level: u32, size: u64) -> u64 {
    size.checked_shr(level.saturating_mul(TILE_LEVELS)).unwrap_or(0)
}

/// The bytes of a tile of leaves: each behind its length, in two bytes, the higher one first. `None` for a leaf that is
/// longer than those can say.
#[must_use]
pub fn bundle<'a>(leaves: impl IntoIterator<Item = &'a str>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for leaf in leaves {
        bytes.extend_from_slice(&u16::try_from(leaf.len()).ok()?.to_be_bytes());
        bytes.extend_from_slice(leaf.as_bytes());
    }
    Some(bytes)
}

impl fmt::Display for Tile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            Some(level) => write!(formatter, "{level}")?,
            None => formatter.write_str(ENTRIES)?,
        }
        let mut groups = vec![self.index % 1_000];
        let mut rest = self.index / 1_000;
        while 0 < rest {
            groups.push(rest % 1_000);
            rest /= 1_000;
        }
        let last = groups.len().saturating_sub(1);
        for (index, group) in groups.iter().rev().enumerate() {
            let more = if index < last { "x" } else { "" };
            write!(formatter, "/{more}{group:03}")?;
        }
        if self.width < TILE_WIDTH { write!(formatter, ".p/{}", self.width) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::tree::{self, Tree};
    use proptest::prelude::*;
    use std::convert::Infallible;

    struct Kept(Vec<Digest>);

    impl Row for Kept {
        type Fault = Infallible;

        fn hash(&self, place: u64) -> Result<Digest, Infallible> {
            Ok(self.0[usize::try_from(place).expect("a place")])
        }
    }

    fn grown(size: u64) -> (Tree, Kept) {
        let (mut tree, mut row) = (Tree::default(), Vec::new());
        for leaf in 0..size {
            tree.push_into(tree::leaf(&leaf.to_be_bytes()), &mut row);
        }
        (tree, Kept(row))
    }

    /// The root, by somebody who has nothing but tiles of level 0.
    fn root(bytes: &[u8]) -> Digest {
        let mut tree = Tree::default();
        for hash in bytes.chunks(32) {
            tree.push(Digest(hash.try_into().expect("32 bytes")));
        }
        tree.root()
    }

    #[test]
    fn a_tile_has_one_path() {
        let check = |level, index, width, path: &str| {
            let tile = Tile { level, index, width };
            assert_eq!(tile.to_string(), path);
            assert_eq!(Tile::parse(path), Some(tile));
        };
        // The example of the specification.
        check(Some(0), 1_234_067, 256, "0/x001/x234/067");
        check(Some(1), 0, 256, "1/000");
        check(None, 999, 12, "entries/999.p/12");
        check(None, 1_000, 256, "entries/x001/000");
        check(Some(7), 5, 1, "7/005.p/1");
        for wrong in [
            "",
            "0",
            "0/",
            "0/67",
            "0/x067",
            "0/0067",
            "00/067",
            "8/067",
            "-1/067",
            "0/067.p/0",
            "0/067.p/256",
            "0/067.p/07",
            "0/001/067",
            "0/x000/067",
            "0/067/",
            "entry/000",
            "0/+67",
            "0/067.p/",
            "0/x999/x999/x999/x999/x999/x999/x999/999",
        ] {
            assert_eq!(Tile::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_bundle_says_the_length_of_each_leaf() {
        assert_eq!(bundle(["ab", ""]), Some(vec![0, 2, b'a', b'b', 0, 0]));
        assert_eq!(bundle([&*"x".repeat(65_536)]), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        /// The tiles of a tree are all of its hashes, a hash of a level is what the tile below comes to, and there is
        /// no other tile.
        #[test]
        fn tiles_hold_the_whole_tree(size in 0_u64..70_000) {
            let (tree, row) = grown(size);
            let all: Vec<Tile> = Tile::all(size).collect();
            let leaves: u64 = all.iter().filter(|tile| tile.level.is_none()).map(|tile| tile.width).sum();
            prop_assert_eq!(leaves, size);
            let (mut level_0, mut level_1) = (Vec::new(), Vec::new());
            for tile in &all {
                prop_assert!(tile.is_in(size));
                prop_assert_eq!(Tile::parse(&tile.to_string()), Some(*tile));
                match tile.level {
                    Some(0) => level_0.extend(tile.bytes(0, &row).expect("it is kept")),
                    Some(1) => level_1.extend(tile.bytes(1, &row).expect("it is kept")),
                    Some(_) | None => {}
                }
            }
            prop_assert_eq!(root(&level_0), tree.root());
            let below: Vec<u8> = level_0.chunks_exact(256 * 32).flat_map(|tile| root(tile).0).collect();
            prop_assert_eq!(below, level_1);
            for level in [None, Some(0), Some(1), Some(2)] {
                let count = hashes(level.unwrap_or(0), size);
                let next = Tile { level, index: count / 256, width: count % 256 + 1 };
                prop_assert!(!next.is_in(size), "{next}");
            }
        }
    }
}
