//! What is asked: the tokens, what the host found out, and what was otherwise before.

use super::all;
use countersign_core::approval::event::{Entry, Event};
use countersign_core::approval::{Approval, Intent, Sight};
use countersign_core::intent::{FactValue, TokenValue};
use maud::{Markup, html};

/// The revision before the present one, if there was one.
pub(in crate::console) fn before(entries: &[Entry]) -> Option<&Intent> {
    let revisions = entries.iter().filter_map(|entry| {
        if let Event::Submitted { intent, .. } | Event::Amended { intent } = &entry.event {
            Some(&**intent)
        } else {
            None
        }
    });
    let mut newest = revisions.rev();
    newest.next();
    newest.next()
}

/// All that is asked and found, as far as it is for whoever looks; where `before` is another revision, what was
/// otherwise in it.
pub(in crate::console) fn asked(approval: &Approval, sight: &Sight, before: Option<&Intent>) -> Markup {
    let intent = &approval.intent;
    let facts = approval.case().map(|case| &case.facts);
    let (facts, hidden_facts): (Vec<_>, Vec<_>) =
        facts.into_iter().flatten().partition(|(name, _)| !sight.hides(name));
    let hidden = intent.tokens.keys().filter(|name| sight.hides(name));
    let hidden = hidden.chain(hidden_facts.into_iter().map(|(name, _)| name));
    let changes = before.map(|before| intent.changes_since(before)).unwrap_or_default();
    let gone = changes.iter().filter(|change| change.after.is_none() && !sight.hides(change.token));
    html! {
        h2 { "What is asked" }
        table {
            caption { "revision " (intent.revision) }
            tbody {
                tr { th scope="row" { "intent" } td { (intent.id) } }
                @for (name, value) in intent.tokens.iter().filter(|(name, _)| !sight.hides(name)) {
                    tr {
                        th scope="row" { (name) }
                        td {
                            (whole(value))
                            @if let Some(change) = changes.iter().find(|change| change.token == name) {
                                p.was {
                                    "changed: "
                                    @match change.before {
                                        Some(before) => { "was " (whole(before)) },
                                        None => { "was not there before" },
                                    }
                                }
                            }
                        }
                    }
                }
                @for change in gone {
                    tr {
                        th scope="row" { (change.token) }
                        td { p.was { "changed: not asked for any more" @if let Some(before) = change.before { ", was " (whole(before)) } } }
                    }
                }
                @for (name, fact) in &facts {
                    tr { th scope="row" { (name) " (found)" } td { (all(&fact_words(fact))) } }
                }
                @for name in hidden {
                    tr { th scope="row" { (name) } td { "(withheld)" } }
                }
            }
        }
    }
}

/// A value, whole; the elements of a list one under the other.
fn whole(value: &TokenValue) -> Markup {
    html! {
        @if let TokenValue::List(elements) = value {
            ol {
                @for element in elements {
                    li { @for (name, value) in element.iter() { (name) ": " (whole(value)) br; } }
                }
            }
        } @else { (all(&value.to_string())) }
    }
}

fn fact_words(fact: &FactValue) -> String {
    match fact {
        FactValue::Known(value) => value.to_string(),
        FactValue::Missing(why) => format!("not found: {why}"),
        FactValue::Stale => "found too long ago".to_owned(),
        FactValue::Each(facts) => facts.iter().map(fact_words).collect::<Vec<_>>().join("; "),
    }
}
