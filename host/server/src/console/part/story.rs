//! What happened so far, the newest first.

use super::moment::Clocks;
use super::named;
use crate::api::view::{IntentView, TimelineView};
use maud::{Markup, html};

/// Most entries of a life that one page shows: the newest. All of them are at the API and the command line.
const ENTRIES_MAX: usize = 200;

/// The timeline.
pub(in crate::console) fn story(view: &IntentView, timeline: &TimelineView, clocks: Clocks<'_>) -> Markup {
    let entries = &timeline.entries;
    let earlier = entries.len().saturating_sub(ENTRIES_MAX);
    html! {
        h2 { "What happened" }
        ol.story reversed start=(entries.len()) {
            @for entry in entries.iter().rev().take(ENTRIES_MAX) {
                li { (clocks.exact(&entry.at)) " " span { (named(&entry.words)) } }
            }
        }
        @if 0 < earlier {
            p.note { (earlier) " earlier entries are not shown here: " code { "countersign intent show " (view.id) } " shows all." }
        }
    }
}
