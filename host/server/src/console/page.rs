//! The frame of every page, and pages that only say something.

use crate::problem::Problem;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use countersign_core::id::PersonId;
use maud::{DOCTYPE, Markup, html};

/// The one style of all pages.
const STYLE: &str = include_str!("console.css");

/// What a page may load and where its forms may go: this host, and nothing runs in it.
pub(super) fn policy() -> HeaderValue {
    HeaderValue::from_static(
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    )
}

/// The style.
pub(super) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

/// A whole page; `who` is signed in.
pub(super) fn page(title: &str, who: Option<&PersonId>, body: &Markup) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) " – countersign" }
                link rel="stylesheet" href="/assets/console.css";
            }
            body {
                header {
                    p.name { "countersign" }
                    @if let Some(person) = who {
                        nav aria-label="You" {
                            a href="/you" { (person) }
                            form method="post" action="/sign-out" { button.quiet { "Sign out" } }
                        }
                    }
                }
                main { h1 { (title) } (body) }
            }
        }
    };
    Html(page.into_string())
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
