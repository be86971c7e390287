//! Choices from chance that repeats: the same seed makes the same ones.

use countersign_engine::port::clock::Chance as _;
use countersign_engine::simulated::SeededChance;

/// How many a variable of the environment asks for, if it is set.
///
/// # Panics
/// If it is no number.
#[must_use]
pub fn wanted(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number, not `{text}`")))
}

/// Draws choices.
#[derive(Debug)]
pub struct Draw(pub SeededChance);

impl Draw {
    /// The choices of one seed.
    #[must_use]
    pub fn new(seed: u64) -> Draw {
        Draw(SeededChance::new(seed))
    }

    /// A number from 0 up to `end`, without it.
    ///
    /// # Panics
    /// Never: it is below a 64-bit number.
    #[must_use]
    pub fn below(&self, end: u64) -> u64 {
        u64::try_from(self.0.bits() % u128::from(end.max(1))).expect("it is below a u64")
    }

    /// One of them.
    ///
    /// # Panics
    /// If there are none.
    #[must_use]
    pub fn of<'a, T>(&self, items: &'a [T]) -> &'a T {
        let index = usize::try_from(self.below(items.len() as u64)).expect("an index");
        &items[index]
    }

    /// Yes in so many of a hundred.
    #[must_use]
    pub fn in_100(&self, percent: u64) -> bool {
        self.below(100) < percent
    }
}
