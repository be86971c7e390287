//! Every connection, with what is on its way there and what its target does not hold any more.

use super::guard;
use super::page::{self, Here, framed, sentence};
use super::part::moment::Clocks;
use super::part::standing::{Standing, amiss, standing, whole};
use crate::api::connections;
use crate::api::view::ConnectionView;
use crate::asked::Query;
use crate::problem::Problem;
use crate::state::Host;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{Html, IntoResponse, Response};
use countersign_core::id::PersonId;
use maud::{Markup, html};

/// A second, in milliseconds.
const SECOND_MS: u64 = 1_000;

/// Shows it.
pub(super) async fn show(State(host): State<Host>, headers: HeaderMap, uri: Uri) -> Response {
    let signed = match guard::required(&host, &headers, uri.path()) {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let person = &signed.session.person;
    match found(&host, person, &uri).await {
        Ok((views, standing)) => shown(&host, person, &views, &standing).into_response(),
        Err(problem) => page::problem_to(person, &problem),
    }
}

async fn found(
    host: &Host,
    person: &PersonId,
    uri: &Uri,
) -> Result<(Vec<ConnectionView>, Standing), Problem> {
    Query::of(uri, &[])?.checked()?;
    Ok((connections::all(host).await?, standing(host, person).await?))
}

fn shown(host: &Host, person: &PersonId, views: &[ConnectionView], standing: &Standing) -> Html<String> {
    let rulebook = host.engine.rulebook();
    let clocks = Clocks { directory: rulebook.directory(), person, now: host.engine.now() };
    let body = html! {
        p.purpose { "What was approved, and whether its targets hold it. Every figure counts what you may see." }
        @if views.is_empty() { (empty()) } @else { (table(views, standing, clocks)) }
        (whole(standing))
        h2 { "Not as approved" }
        @if standing.amiss.is_empty() { p { "Of no write it is known that its target holds something else." } }
        @else { (amiss(standing.amiss.iter(), clocks)) }
    };
    framed(Here::Reconciliation, "Reconciliation", person, &body)
}

fn table(views: &[ConnectionView], standing: &Standing, clocks: Clocks<'_>) -> Markup {
    html! {
        table.rows {
            thead {
                tr {
                    th scope="col" { "connection" } th scope="col" { "state" } th.number scope="col" { "on the way" }
                    th scope="col" { "oldest of them" } th.number scope="col" { "unknown" } th.number scope="col" { "not as approved" }
                }
            }
            tbody {
                @for view in views {
                    @let open = || standing.open_at(&view.name);
                    tr {
                        th scope="row" { a href=(address(&view.name)) { (view.name) } }
                        td data-of="state" { span { (state(view, clocks)) } }
                        td.number data-of="on the way" { (figure(&view.name, "on-the-way", open().count())) }
                        td data-of="oldest of them" {
                            @match open().filter_map(|open| open.since).min() {
                                Some(since) => span { (clocks.past(&since.to_string())) },
                                None => "-",
                            }
                        }
                        td.number data-of="unknown" { (figure(&view.name, "on-the-way", open().filter(|open| open.unknown).count())) }
                        td.number data-of="not as approved" { (figure(&view.name, "amiss", standing.amiss_at(&view.name).count())) }
                    }
                }
            }
        }
    }
}

/// A figure, with the list behind it.
fn figure(connection: &str, list: &str, count: usize) -> Markup {
    html! {
        @if count == 0 { "0" } @else { a href=(format!("{}#{list}", address(connection))) { (count) } }
    }
}

/// The page of a connection.
pub(super) fn address(connection: &str) -> String {
    format!("/connections/{connection}")
}

/// Whether anything is sent there, and if not, why.
pub(super) fn state(view: &ConnectionView, clocks: Clocks<'_>) -> Markup {
    html! {
        span.state { (view.state) }
        @if let Some(paused) = &view.paused {
            " "
            @if paused.reason.is_some() { "by " (paused.owner) } @else { (sentence(&paused.cause)) ", for " (paused.owner) " to settle" }
            ", since " (clocks.past(&paused.since))
        }
        @if let Some(ms) = view.failing_ms { " everything sent there has failed for " (ms / SECOND_MS) " s" }
        @if let Some(ms) = view.rests_ms { ", and it is left alone for " (ms.div_ceil(SECOND_MS)) " s" }
        @if view.version.is_empty() { " its connector " (view.connector) " is not there: " code { "countersign connector add" } }
    }
}

fn empty() -> Markup {
    html! {
        p { strong { "This host has no connection." } }
        p { "The first one is a section of the configuration: " code { "countersign connection --help" } " says how." }
    }
}
