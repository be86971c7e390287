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
use maud::{Markup, html};

/// All of a text, without what would hide or turn a part of it.
pub(super) fn all(text: &str) -> String {
    plain(text, usize::MAX)
}

/// The same of a sentence of the host, in which names stand between backticks.
pub(super) fn named(text: &str) -> Markup {
    let text = all(text);
    let parts: Vec<&str> = text.split('`').collect();
    // Without its other half a backtick is a letter like others.
    if parts.len().is_multiple_of(2) {
        return html! { (text) };
    }
    html! {
        @for (place, part) in parts.into_iter().enumerate() {
            @if place.is_multiple_of(2) { (part) } @else { code { (part) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn names_of_a_sentence_are_set_as_such() {
        for (text, shown) in [
            ("route `manager` of `discount`", "route <code>manager</code> of <code>discount</code>"),
            ("5` wide", "5` wide"),
            ("`<b>`", "<code>&lt;b&gt;</code>"),
            ("nothing", "nothing"),
            ("", ""),
        ] {
            assert_eq!(named(text).into_string(), shown);
        }
    }
}
