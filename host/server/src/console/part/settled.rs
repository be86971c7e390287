//! What became of it: each write, and what the normal path could not settle.

use super::all;
use super::moment::Clocks;
use super::standing::compared;
use crate::api::view::{EffectView, ExceptionView, IntentView};
use crate::console::exceptions::address;
use maud::{Markup, html};

/// The effects, once there are any.
pub(in crate::console) fn effects(view: &IntentView) -> Markup {
    if view.effects.is_empty() {
        return html! {};
    }
    html! {
        h2 { "What became of each write" }
        p { a.button.quiet href=(compared(&view.id)) { "Compare it with what its targets hold now" } }
        table {
            thead { tr { th scope="col" { "write" } th scope="col" { "connection" } th scope="col" { "state" } th scope="col" { "failed attempts" } th scope="col" { "receipt or cause" } } }
            tbody {
                @for effect in &view.effects {
                    tr {
                        th scope="row" { (origin(effect)) (effect.binding) }
                        td data-of="connection" { (effect.connection) }
                        td data-of="state" { (effect.state) }
                        td data-of="failed attempts" { (effect.attempts) }
                        td data-of="receipt or cause" { (all(&proof(effect))) }
                    }
                }
            }
        }
    }
}

fn proof(effect: &EffectView) -> String {
    let receipt = effect.receipt.as_ref().map(|receipt| receipt.subject.clone());
    let held = effect.detail.as_ref().map(|detail| detail.message.clone());
    receipt.or(held).unwrap_or_else(|| "-".to_owned())
}

/// What an effect is, where it is not what was asked for itself.
fn origin(effect: &EffectView) -> &'static str {
    match (&effect.undoes, &effect.re_asserts) {
        (Some(_), _) => "undo of ",
        (None, Some(_)) => "again: ",
        (None, None) => "",
    }
}

/// The exceptions, if there are any.
pub(in crate::console) fn exceptions(view: &IntentView, clocks: Clocks<'_>) -> Markup {
    html! {
        @if !view.exceptions.is_empty() {
            h2 { "Exceptions" }
            @for exception in &view.exceptions { (one(exception, clocks)) }
        }
    }
}

fn one(exception: &ExceptionView, clocks: Clocks<'_>) -> Markup {
    html! {
        table {
            caption { (exception.id) ", " (exception.state) }
            tbody {
                tr { th scope="row" { "what is wrong" } td { (all(&exception.detail.message)) " (" (exception.cause) ")" } }
                tr { th scope="row" { "owner" } td { (exception.owner) } }
                @if exception.state == "open" { tr { th scope="row" { "until" } td { (clocks.due(&exception.due)) } } }
                @if let Some(connection) = &exception.pauses { tr { th scope="row" { "held up" } td { "nothing is sent to connection " (connection) " until it is closed" } } }
                @if let Some(closed) = &exception.closed { tr { th scope="row" { "closed" } td { "by " (closed.by) ", " (clocks.exact(&closed.at)) ": " (all(&closed.reason)) } } }
            }
        }
        p { a.button.quiet href=(address(exception)) { @if exception.can.is_empty() { "See this exception" } @else { "See its ways out" } } }
    }
}
