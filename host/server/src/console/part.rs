//! What several pages show in the same way.

pub(super) mod asked;
pub(super) mod changed;
pub(super) mod judged;
pub(super) mod moment;
pub(super) mod plan;
pub(super) mod say;
pub(super) mod seats;
pub(super) mod settled;
pub(super) mod standing;
pub(super) mod story;
pub(super) mod tables;
pub(super) mod waits;
pub(super) mod ways;

use countersign_core::notice::plain::plain;

/// All of a text, without what would hide or turn a part of it.
pub(super) fn all(text: &str) -> String {
    plain(text, usize::MAX)
}
