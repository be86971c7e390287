//! Every connector: which build of it is in force, who signed that, and which connections it serves.

use super::guard;
use super::page::{self, Here, framed};
use super::part::changed::short;
use crate::api::connectors;
use crate::api::view::{BuildView, ConnectorView};
use crate::asked::Query;
use crate::problem::Problem;
use crate::state::Host;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{Html, IntoResponse, Response};
use countersign_core::id::PersonId;
use maud::{Markup, html};

/// Shows it.
pub(super) async fn show(State(host): State<Host>, headers: HeaderMap, uri: Uri) -> Response {
    let signed = match guard::required(&host, &headers, uri.path()) {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let person = &signed.session.person;
    match found(&host, &uri).await {
        Ok(views) => shown(person, &views).into_response(),
        Err(problem) => page::problem_to(person, &problem),
    }
}

async fn found(host: &Host, uri: &Uri) -> Result<Vec<ConnectorView>, Problem> {
    Query::of(uri, &[])?.checked()?;
    connectors::all(host).await
}

fn shown(person: &PersonId, views: &[ConnectorView]) -> Html<String> {
    let body = html! {
        p.purpose { "The programs that speak to your systems, each in a sandbox of its own: which build of each is in force, and what else is there." }
        @if views.is_empty() { (empty()) } @else { (table(views)) }
        p.note { "A build is added on the command line: " code { "countersign connector add FILE" } "." }
    };
    framed(Here::Connectors, "Connectors", person, &body)
}

fn table(views: &[ConnectorView]) -> Markup {
    html! {
        table.rows {
            thead {
                tr {
                    th scope="col" { "connector" } th scope="col" { "in force" } th scope="col" { "signed by" }
                    th scope="col" { "conformance" } th scope="col" { "serves" } th scope="col" { "other builds" }
                }
            }
            tbody {
                @for view in views {
                    @let active = view.builds.iter().find(|build| build.digest == view.digest);
                    tr {
                        th scope="row" {
                            a href=(address(&view.id)) { (view.id) }
                            @if !view.system.is_empty() { p.note { "speaks to " (view.system) } }
                        }
                        td data-of="in force" {
                            @if view.digest.is_empty() { "none" }
                            @else { span { (view.version) " " code { (short(&view.digest)) } } }
                        }
                        td data-of="signed by" { (active.and_then(|build| build.signer.as_deref()).unwrap_or("-")) }
                        td data-of="conformance" { (active.and_then(|build| build.level.as_deref()).unwrap_or("-")) }
                        td data-of="serves" {
                            span {
                                @for (place, name) in view.connections.iter().enumerate() {
                                    @if 0 < place { ", " }
                                    a href=(super::reconciliation::address(name)) { (name) }
                                }
                                @if view.connections.is_empty() { "nothing" }
                            }
                        }
                        td data-of="other builds" { span { (others(view)) } }
                    }
                }
            }
        }
    }
}

/// Builds that are not in force, in words: what is tried and what waits for somebody stands out.
fn others(view: &ConnectorView) -> Markup {
    let others: Vec<&BuildView> = view.builds.iter().filter(|build| build.digest != view.digest).collect();
    html! {
        @for (place, build) in others.iter().enumerate() {
            @if 0 < place { br; }
            (build.version) " "
            @if ["canary", "shadow", "tried", "held"].contains(&build.state.as_str()) { b { (stands(build)) } } @else { (stands(build)) }
        }
        @if others.is_empty() { "-" }
    }
}

/// How a build stands, in words.
pub(super) fn stands(build: &BuildView) -> String {
    match (build.state.as_str(), build.share) {
        ("active", _) => "in force".to_owned(),
        ("tried", _) => format!("tried on {}", build.serves.join(", ")),
        ("canary", Some(percent)) => format!("plans {percent} % of the intents"),
        ("shadow", _) => "plans in the shadow".to_owned(),
        ("previous", _) => "in force before".to_owned(),
        ("held", _) => "waits for a yes to what it asks for".to_owned(),
        ("staged", _) => "waits".to_owned(),
        ("quarantined", _) => "in quarantine".to_owned(),
        (other, _) => other.to_owned(),
    }
}

/// The page of a connector.
pub(super) fn address(connector: &str) -> String {
    format!("/connectors/{connector}")
}

/// What would be here, and how the first one comes.
fn empty() -> Markup {
    html! {
        p { strong { "This host has no connector." } }
        p { "Take one of those that come with countersign, or make your own: " code { "countersign connector new" }
            ". A connection of the configuration names it, and is what it may reach." }
    }
}
