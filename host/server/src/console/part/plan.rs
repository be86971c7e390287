//! What an approval lets the host write, field by field; and what no page can show whole.

use super::all;
use crate::api::view::{ChangeView, IntentView, WriteView};
use countersign_core::approval::Approval;
use countersign_core::intent::{IntentType, TokenValue, WriteValue};
use maud::{Markup, html};

/// Most characters of what is asked and written that a person reads on one page. What is longer is not decided here:
/// nobody approves what they cannot be shown.
const PAGE_CHARACTERS_MAX: usize = 60_000;

/// Why a page cannot show the whole of what would be approved.
pub(in crate::console) fn unreadable(approval: &Approval) -> Option<&'static str> {
    let case = approval.case()?;
    if case.shared.is_some() {
        return Some(
            "This changes a file that all policies share, and the page cannot show what would change.",
        );
    }
    if case.readiness.is_some() {
        return Some("This lets an intent type go live, and the page cannot show what that rests on.");
    }
    let changes = case.writes.iter().flat_map(|planned| &planned.plan.changes);
    let written = changes.map(|change| change.before.to_string().len() + change.after.to_string().len());
    let remarks = case.writes.iter().flat_map(|planned| &planned.plan.remarks).map(String::len);
    let asked = approval.intent.tokens.values().map(length);
    // What the check, the comparison and the record say of a change of a policy.
    let found =
        case.change.iter().map(|change| serde_json::to_string(change).map_or(usize::MAX, |text| text.len()));
    let all = written.chain(remarks).chain(asked).chain(found);
    (PAGE_CHARACTERS_MAX < all.fold(0, usize::saturating_add)).then_some("This is too long for the page.")
}

fn length(value: &TokenValue) -> usize {
    if let TokenValue::List(elements) = value {
        elements.iter().flat_map(|element| element.values()).map(length).sum()
    } else {
        value.to_string().len()
    }
}

/// The whole write plan, as far as it is for whoever looks.
pub(in crate::console) fn written(
    approval: &Approval,
    view: &IntentView,
    schema: Option<&IntentType>,
) -> Markup {
    let (Some(case), Some(plan)) = (approval.case(), &view.plan) else { return html! {} };
    html! {
        h2 { "What an approval lets the host write" }
        @if let Some(council) = &view.council { p { (council.words) "." } }
        @if view.advisory { p { "Nothing: the decision is only recorded." } }
        @else if let Some(change) = &case.change {
            p { "Version " (change.version) " of the policy of " (change.of) "." }
        }
        @else if let Some(change) = &case.shared { p { "Version " (change.version) " of " (change.file) "." } }
        @else if let Some(ready) = &case.readiness { p { "Intents of type " (ready.of) "." } }
        @else if plan.writes.is_empty() { p { "Nothing." } }
        @for planned in &plan.writes { (write(planned, schema)) }
    }
}

fn write(planned: &WriteView, schema: Option<&IntentType>) -> Markup {
    html! {
        table.plan {
            caption { (planned.connection) ", " (all(&planned.subject)) }
            thead { tr { th scope="col" { "field" } th scope="col" { "now" } th scope="col" { "then" } } }
            tbody {
                @for change in &planned.changes {
                    tr {
                        th scope="row" { (all(&change.field)) }
                        td data-of="now" { (all(&change.before.text)) }
                        td data-of="then" {
                            (all(&change.after.text))
                            @if is_filled_in(planned, change, schema) { p.note { "filled in once it is decided" } }
                        }
                    }
                }
            }
        }
        @for remark in &planned.remarks { p data-of="remark" { (all(remark)) } }
        p.note { (promised(&planned.guarantee)) " " (otherwise(planned)) }
    }
}

/// Whether a name stands where a word of the decision will: by the intent type, and by how the plan spells it.
fn is_filled_in(planned: &WriteView, change: &ChangeView, schema: Option<&IntentType>) -> bool {
    let mut writes = schema.into_iter().flat_map(|schema| &schema.writes);
    let found = writes.find(|write| write.binding.as_str() == planned.binding && write.field == change.field);
    let is_word = |value: &WriteValue| match value {
        WriteValue::Outcome | WriteValue::Approvers | WriteValue::Seal => true,
        WriteValue::Named(_)
        | WriteValue::Computed(_)
        | WriteValue::Text(_)
        | WriteValue::IntentId
        | WriteValue::PolicyVersion => false,
    };
    change.after.text.starts_with('{') && found.is_some_and(|write| is_word(&write.value))
}

/// What the host may promise of a write.
fn promised(guarantee: &str) -> &'static str {
    match guarantee {
        "by-key" => "By key: sent again, it lands once.",
        "by-natural-key" => "By natural key: sent again, it changes nothing.",
        "by-probe" => "By probe: before it is sent again, the host looks whether it landed.",
        _ => "Blind: it is sent once; if nobody knows whether it landed, a person looks.",
    }
}

/// When it is written, and what follows if the target refuses it.
fn otherwise(planned: &WriteView) -> String {
    let after = match planned.after.as_slice() {
        [] => String::new(),
        after => format!("Written after {}. ", after.join(" and ")),
    };
    let refused = match planned.on_failure.as_str() {
        "undo" => "If it is refused, what landed is taken back.",
        "continue" => "If it is refused, the rest goes on.",
        _ => "If it is refused, the rest waits.",
    };
    let back = if planned.reversible { " It can be taken back." } else { " It cannot be taken back." };
    format!("{after}{refused}{back}")
}
