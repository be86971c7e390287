//! Whether anybody still waits for a proof: core has no clock and no caller, so it asks whoever has.

use std::cell::Cell;
use std::fmt;

/// Tells a proof that nobody waits for it any more.
///
/// Once it has said so it stays with it. What is found after that is worth nothing, so the provers
/// only hurry to their end, and whoever answers asks [`Stop::kept`] last.
pub struct Stop<'a> {
    ask: Option<&'a dyn Fn() -> bool>,
    said: Cell<bool>,
}

/// A proof was stopped before its end: nothing is proved, and nothing is said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped;

impl<'a> Stop<'a> {
    /// Lets a proof run to its own end, or to the caps of the prover.
    #[must_use]
    pub fn never() -> Stop<'a> {
        Stop { ask: None, said: Cell::new(false) }
    }

    /// Stops a proof once `ask` says so. It is asked many thousand times a second.
    #[must_use]
    pub fn when(ask: &'a dyn Fn() -> bool) -> Stop<'a> {
        Stop { ask: Some(ask), said: Cell::new(false) }
    }

    /// Whether nobody waits any more.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        if !self.said.get() {
            self.said.set(self.ask.is_some_and(|ask| ask()));
        }
        self.said.get()
    }

    /// What was found, if the proof has run to its end.
    ///
    /// # Errors
    /// If it was stopped: then it is a part, and looks like the whole.
    pub fn kept<T>(&self, found: T) -> Result<T, Stopped> {
        if self.said.get() { Err(Stopped) } else { Ok(found) }
    }
}

impl fmt::Debug for Stop<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Stop").field("said", &self.said.get()).finish_non_exhaustive()
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("it was stopped before its end: nothing is proved")
    }
}

impl std::error::Error for Stopped {}

#[cfg(test)]
mod tests;
