//! All intents that are for whoever is signed in, the newest first.

use super::guard;
use super::page::{self, Here, framed};
use super::part::all;
use super::part::moment::Clocks;
use crate::api::intents;
use crate::api::view::IntentRow;
use crate::asked::cursor;
use crate::door::Caller;
use crate::state::Host;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use url::form_urlencoded;

/// The lists that people open most, as the API takes their filters.
const LISTS: [(&str, &str); 5] = [
    ("All", ""),
    ("Asked by you", "requester=me"),
    ("Being decided", "state=seated"),
    ("Being written", "state=executing"),
    ("Done", "state=done"),
];

/// Shows it. The address takes every filter that the API takes.
pub(super) async fn show(State(host): State<Host>, headers: HeaderMap, uri: Uri) -> Response {
    let signed = match guard::required(&host, &headers, uri.path()) {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let caller = Caller { person: signed.session.person.clone(), token: String::new() };
    let (rows, next) = match intents::page(&host, &caller, &uri).await {
        Ok(found) => found,
        Err(problem) => return page::problem_to(&caller.person, &problem),
    };
    let filters = filters(&uri);
    let rulebook = host.engine.rulebook();
    let clocks = Clocks { directory: rulebook.directory(), person: &caller.person, now: host.engine.now() };
    let body = html! {
        p.purpose { "Every intent that you may see, the newest first." }
        nav.lists aria-label="Lists" {
            @for (name, filter) in LISTS {
                a href=(address(filter)) aria-current=[(filter == filters).then_some("true")] { (name) }
            }
        }
        @if rows.is_empty() { (empty(&filters)) } @else { (table(&rows, clocks)) }
        @if let Some(next) = &next {
            nav.pages aria-label="Pages" {
                a rel="next" href=(address(&joined(&filters, &cursor(next)))) { "Next page" }
            }
        }
    };
    framed(Here::Intents, "Intents", &caller.person, &body).into_response()
}

fn table(rows: &[IntentRow], clocks: Clocks<'_>) -> Markup {
    html! {
        table.rows {
            thead {
                tr {
                    th scope="col" { "intent" } th scope="col" { "requester" } th.number scope="col" { "amount" }
                    th scope="col" { "state" } th scope="col" { "submitted" }
                }
            }
            tbody {
                @for row in rows {
                    tr {
                        th scope="row" { a href=(format!("/intents/{}", row.id)) { (title(row)) } }
                        td data-of="requester" { (row.requester) }
                        td.number data-of="amount" { (stake(row)) }
                        td data-of="state" { (row.state) }
                        td data-of="submitted" { (clocks.exact(&row.submitted)) }
                    }
                }
            }
        }
    }
}

/// What it is, as far as a row says it.
fn title(row: &IntentRow) -> String {
    let trial = if row.trial { "trial of " } else { "" };
    let subject = row.subject.as_ref().map(|subject| format!(" for {}", all(subject))).unwrap_or_default();
    format!("{trial}{}{subject}", row.intent_type.replace('_', " "))
}

fn stake(row: &IntentRow) -> String {
    let part = |name| row.stake.as_ref()?.get(name)?.as_str();
    part("amount")
        .zip(part("currency"))
        .map_or_else(|| "-".to_owned(), |(amount, currency)| format!("{amount} {currency}"))
}

/// What would be here, and how the first one comes.
fn empty(filters: &str) -> Markup {
    html! {
        @if filters.is_empty() {
            p { strong { "There is no intent that you may see." } }
            p { "The first one comes when somebody asks for something: " code { "countersign intent submit" }
                ", or " code { "POST /v1/intents" } "." }
        } @else {
            p { strong { "No intent is like that." } }
            p { a.button.quiet href="/intents" { "All intents" } }
        }
    }
}

/// What the address narrows the list by, without the place where its page begins.
fn filters(uri: &Uri) -> String {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let mut filters = form_urlencoded::Serializer::new(String::new());
    filters.extend_pairs(pairs.filter(|(name, _)| name != "cursor"));
    filters.finish()
}

fn joined(filters: &str, cursor: &str) -> String {
    if filters.is_empty() { format!("cursor={cursor}") } else { format!("{filters}&cursor={cursor}") }
}

fn address(filters: &str) -> String {
    if filters.is_empty() { "/intents".to_owned() } else { format!("/intents?{filters}") }
}
