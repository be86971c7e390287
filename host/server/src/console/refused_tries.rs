//! What people and machines tried and may not do, day by day, for auditors.

use super::form::{escaped, parameter};
use super::guard;
use super::intent::{denied, refused};
use super::measures::filled;
use super::page::{self, Here, framed};
use super::part::moment::Clocks;
use crate::api;
use crate::api::view::{DeniedView, Listed};
use crate::denied::Try;
use crate::door::Caller;
use crate::state::Host;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

/// Shows them.
pub(super) async fn show(State(host): State<Host>, headers: HeaderMap, uri: Uri) -> Response {
    let signed = match guard::required(&host, &headers, uri.path()) {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let caller = Caller { person: signed.session.person.clone(), token: String::new() };
    let uri = filled(&uri);
    let found = match api::denied::page(&host, &caller, &uri).await {
        Ok(found) => found,
        Err(problem) => {
            denied(&host, &signed, Try::of_page("list-denied", ""), &problem);
            return refused(&signed, &problem);
        }
    };
    let rulebook = host.engine.rulebook();
    let clocks = Clocks { directory: rulebook.directory(), person: &caller.person, now: host.engine.now() };
    let today = clocks.now.to_string().chars().take_while(|letter| *letter != 'T').collect::<String>();
    let day = parameter(&uri, "day").unwrap_or(today);
    let person = parameter(&uri, "person").unwrap_or_default();
    let body = html! {
        link rel="stylesheet" href="/assets/measures.css";
        p.purpose { "What somebody tried and may not do: who, by which door, what, and with which code it was refused. Nothing of what they sent is kept." }
        nav.lists aria-label="Lists" {
            a href="/audit" { "Entries" }
            a href="/audit/denied" aria-current="true" { "Refused tries" }
        }
        form.asking method="get" action="/audit/denied" {
            p { label for="day" { "Day" } input #day type="date" name="day" value=(day); }
            p { label for="person" { "Person" } input #person name="person" value=(person); }
            p { button { "Show" } }
        }
        @if found.items.is_empty() {
            p { strong { "Nothing was refused on this day." } }
            p { "A try is put here as soon as somebody asks for what is not for them, at the API, on a page or by the link of a message." }
        } @else { (table(&found, clocks)) }
        p.note { "Days are those of UTC." }
        @if let Some(next) = &found.next {
            nav.pages aria-label="Pages" {
                a rel="next" href=(format!("/audit/denied?day={}&person={}&cursor={next}", escaped(&day), escaped(&person))) { "Next page" }
            }
        }
    };
    framed(Here::Audit, "Refused tries", &caller.person, &body).into_response()
}

fn table(found: &Listed<DeniedView>, clocks: Clocks<'_>) -> Markup {
    html! {
        table.rows {
            thead {
                tr {
                    th scope="col" { "what" } th scope="col" { "on" } th scope="col" { "who" } th scope="col" { "door" }
                    th scope="col" { "code" } th scope="col" { "when" }
                }
            }
            tbody {
                @for item in &found.items {
                    tr {
                        th scope="row" {
                            @match (&item.verb, item.more) {
                                (Some(verb), _) => (verb),
                                (None, Some(more)) => { (more) " more tries in one hour" },
                                (None, None) => "-",
                            }
                        }
                        td data-of="on" { @if item.on.is_empty() { "-" } @else { span { (item.on.join(", ")) } } }
                        td data-of="who" { (item.person) }
                        td data-of="door" { (item.door.as_deref().unwrap_or("-")) @if let Some(token) = &item.token { " (" (token) ")" } }
                        td data-of="code" { @if let Some(code) = &item.code { a href=(format!("/errors/{code}")) { (code) } } @else { "-" } }
                        td data-of="when" { span { (clocks.exact(&item.at)) } }
                    }
                }
            }
        }
    }
}
