//! What was approved of an intent, what was written, and what its targets hold now, side by side.

use super::guard;
use super::intent::{denied, look, refused};
use super::page::{self, Here, framed, sentence};
use super::part::all;
use super::part::moment::Clocks;
use crate::api::intents;
use crate::api::view::{ReconciledView, ReconciliationView, ValueView};
use crate::asked::{Place, Query};
use crate::denied::Try;
use crate::door::Caller;
use crate::problem::Problem;
use crate::state::Host;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use countersign_core::id::PersonId;
use countersign_core::notice::words::title;
use maud::{Markup, html};

/// Reads the targets and shows it. Nothing is changed or recorded.
pub(super) async fn show(
    State(host): State<Host>,
    Place(name): Place<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let signed = match guard::required(&host, &headers, uri.path()) {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let person = &signed.session.person;
    match found(&host, person, &name, &uri).await {
        Ok((title, view)) => shown(&host, person, &title, &view),
        Err(problem) => {
            denied(&host, &signed, Try::of_page("reconcile", &name), &problem);
            refused(&signed, &problem)
        }
    }
}

async fn found(
    host: &Host,
    person: &PersonId,
    name: &str,
    uri: &Uri,
) -> Result<(String, ReconciliationView), Problem> {
    Query::of(uri, &[])?.checked()?;
    let looked = look(host, person, name).await?;
    let caller = Caller { person: person.clone(), token: String::new() };
    let approval = &looked.standing.approval;
    let view = intents::reconciled(host, &caller, approval.intent.id).await?;
    Ok((title(approval, &host.engine.rulebook(), &looked.sight), view))
}

fn shown(host: &Host, person: &PersonId, title: &str, view: &ReconciliationView) -> Response {
    let rulebook = host.engine.rulebook();
    let clocks = Clocks { directory: rulebook.directory(), person, now: host.engine.now() };
    let body = html! {
        p.purpose { "What was approved, what was written, and what its targets hold now. They were read " (clocks.past(&view.read)) "." }
        p { span.state { (verdict(&view.verdict)) } }
        @if view.effects.is_empty() { p { strong { "Nothing of it has landed yet." } } p { "As soon as a write has landed, its target is read back here." } }
        @for effect in &view.effects { (effect_table(effect, clocks)) }
        p { a.button.quiet href=(format!("/intents/{}", view.intent)) { "The intent" } }
    };
    framed(Here::Reconciliation, &sentence(&all(title)), person, &body).into_response()
}

fn effect_table(effect: &ReconciledView, clocks: Clocks<'_>) -> Markup {
    html! {
        h2 { (effect.connection) ": " (all(&effect.subject)) }
        p.note {
            @if effect.undoes.is_some() { "It was taken back, and is compared with what was there before. " }
            "Landed " (clocks.past(&effect.landed)) ". "
            (sentence(verdict(&effect.verdict)))
            @if let Some(why) = &effect.why { ": " (all(&why.message)) }
            "."
        }
        table.rows.plan {
            caption { "binding " (effect.binding) }
            thead { tr { th scope="col" { "field" } th scope="col" { "before" } th scope="col" { "approved" } th scope="col" { "written" } th scope="col" { "now" } th scope="col" { "verdict" } } }
            tbody {
                @for field in &effect.fields {
                    tr {
                        th scope="row" { (all(&field.field)) }
                        td data-of="before" { (value(Some(&field.before))) }
                        td data-of="approved" { (value(Some(&field.approved))) }
                        td data-of="written" { (value(field.written.as_ref())) }
                        td data-of="now" { (value(field.current.as_ref())) }
                        td data-of="verdict" { @if field.verdict == "true" { (verdict(&field.verdict)) } @else { b.late { (verdict(&field.verdict)) } } }
                    }
                }
            }
        }
    }
}

fn value(value: Option<&ValueView>) -> Markup {
    html! {
        @match value {
            Some(value) => span { (all(&value.text)) },
            None => "not known",
        }
    }
}

/// A verdict of a view, in words.
fn verdict(word: &str) -> &str {
    match word {
        "true" => "as approved",
        "late" => "what was there before",
        "drifted" => "something else",
        "gone" => "no such record",
        "unreadable" => "cannot be read",
        other => other,
    }
}
