//! The frame of every page, and pages that only say something.

use super::assets::{MODULE, STYLE};
use crate::problem::Problem;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use countersign_core::id::PersonId;
use maud::{DOCTYPE, Markup, html};

/// What a page may load and where its forms may go: this host; what
/// runs in it is the module that this host brings, and no text becomes a part of a page by a script.
pub(super) fn policy() -> HeaderValue {
    HeaderValue::from_static(
        "default-src 'none'; style-src 'self'; form-action 'self'; script-src 'self'; connect-src 'self'; \
         frame-ancestors 'none'; base-uri 'none'; trusted-types 'none'; require-trusted-types-for 'script'",
    )
}

/// Where in the console a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Here {
    /// What waits for whoever is signed in.
    Inbox,
    /// The list of all.
    Intents,
    /// What the normal path could not settle.
    Exceptions,
    /// What was approved, and what is there.
    Reconciliation,
    /// The rules that decide.
    Policies,
    /// Figures.
    Measures,
    /// The programs that speak to targets.
    Connectors,
    /// Who there is, and who answers for what.
    People,
    /// What the log says.
    Audit,
    /// Who one is here.
    You,
    /// None of these.
    Nowhere,
}

/// What stands at the top of every page of somebody who is signed in.
const MENU: [(Here, &str, &str); 5] = [
    (Here::Inbox, "/inbox", "Inbox"),
    (Here::Intents, "/intents", "Intents"),
    (Here::Exceptions, "/exceptions", "Exceptions"),
    (Here::Policies, "/policies", "Policies"),
    (Here::Measures, "/measures", "Measures"),
];

/// What is folded behind it: what fewer people open, or less often.
const MORE: [(Here, &str, &str); 5] = [
    (Here::Reconciliation, "/reconciliation", "Reconciliation"),
    (Here::Connectors, "/connectors", "Connectors"),
    (Here::People, "/people", "People"),
    (Here::Audit, "/audit", "Audit"),
    (Here::You, "/you", "You"),
];

/// A whole page for nobody in particular, or of a message.
pub(super) fn page(title: &str, who: Option<&PersonId>, body: &Markup) -> Html<String> {
    whole(Here::Nowhere, title, who, body)
}

/// A whole page of the console for somebody who is signed in.
pub(super) fn framed(here: Here, title: &str, who: &PersonId, body: &Markup) -> Html<String> {
    whole(here, title, Some(who), body)
}

fn whole(here: Here, title: &str, who: Option<&PersonId>, body: &Markup) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) " – countersign" }
                link rel="stylesheet" href=(STYLE.address);
                @if who.is_some() { script type="module" src=(MODULE.address) {} }
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header {
                    p.name { "countersign" }
                    @if let Some(person) = who {
                        nav aria-label="Main" {
                            (entries(&MENU, here))
                            details {
                                summary aria-current=[MORE.iter().any(|(place, ..)| *place == here).then_some("true")] { "More" }
                                div { (entries(&MORE, here)) }
                            }
                        }
                        form method="post" action="/sign-out" { span { (person) } button.quiet { "Sign out" } }
                    }
                }
                main #main tabindex="-1" { h1 { (title) } (body) }
            }
        }
    };
    Html(page.into_string())
}

/// Entries of the menu.
fn entries(entries: &[(Here, &str, &str)], here: Here) -> Markup {
    html! {
        @for (place, to, name) in entries { a href=(to) aria-current=[(*place == here).then_some("page")] { (name) } }
    }
}

/// A page that says one thing and what to do next.
pub(super) fn said(status: StatusCode, what: &str, next: &str) -> Response {
    (status, page(what, None, &html! { p { (next) } })).into_response()
}

/// The same of a problem that the API has words for.
pub(super) fn problem(problem: &Problem) -> Response {
    let (what, next) = problem.said();
    said(problem.code().status(), &sentence(what), &sentence(next))
}

/// The same to somebody who is signed in.
pub(super) fn problem_to(who: &PersonId, problem: &Problem) -> Response {
    let (what, next) = problem.said();
    let body = html! { p { (sentence(next)) "." } };
    (problem.code().status(), framed(Here::Nowhere, &sentence(what), who, &body)).into_response()
}

/// Words of the API as a sentence.
pub(super) fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    format!("{first}{}", letters.as_str())
}

/// Sends a browser on by `GET`, whatever it asked with.
pub(super) fn see_other(to: &str) -> Response {
    match HeaderValue::from_str(to) {
        Ok(to) => (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response(),
        Err(_) => problem(&Problem::bug()),
    }
}
