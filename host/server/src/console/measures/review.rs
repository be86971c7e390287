//! A week or a month beside the one before it: what got better or worse, what was changed meanwhile, and every figure of both.

use super::{OF_INTENTS, filled, many, refused};
use crate::api::measures::review::reviewed;
use crate::api::view::{FigureChangeView, HouseChangeView, MeasureReviewView, TypeReviewView};
use crate::console::connector::did;
use crate::console::guard;
use crate::console::page::{self, Here, framed};
use crate::console::part::all;
use crate::console::part::moment::Clocks;
use crate::state::Host;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use countersign_core::intent::Day;
use countersign_core::measure::period::Period;
use maud::{Markup, html};

/// Shows it. The address takes what `GET /v1/measures/review` takes.
pub(in crate::console) async fn show(State(host): State<Host>, headers: HeaderMap, uri: Uri) -> Response {
    let signed = match guard::required(&host, &headers, uri.path()) {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let person = &signed.session.person;
    match reviewed(&host, person, &filled(&uri)).await {
        Ok(view) => {
            let rulebook = host.engine.rulebook();
            let clocks = Clocks { directory: rulebook.directory(), person, now: host.engine.now() };
            let title = format!("The {} from {} to {}", view.of, view.since, view.until);
            framed(Here::Measures, &title, person, &whole(&view, clocks)).into_response()
        }
        Err(problem) => {
            let body = refused(&problem, "/measures/review", "The last week");
            (problem.code().status(), framed(Here::Measures, "A week or a month", person, &body))
                .into_response()
        }
    }
}

fn whole(view: &MeasureReviewView, clocks: Clocks<'_>) -> Markup {
    let of = &view.of;
    html! {
        link rel="stylesheet" href="/assets/measures.css";
        p.purpose { "What got better or worse than in the " (of) " before, and what was changed in the house meanwhile." }
        (ways(view, clocks))
        @if !view.over { p.note { "This " (of) " is not over yet: its figures still grow, and nothing is called better or worse." } }
        @if 0 < view.withheld { p.note { "Without " (many(view.withheld, "intent type")) " whose intents are not for you." } }
        @if let Some(begins) = &view.begins { p.note { "Figures before " (begins) " are not kept any more: nothing is called better or worse." } }
        @if 0 < view.forgotten {
            p.note { "Of " (many(view.forgotten, "intent")) " later entries are not counted: too many were open at one time." }
        }
        section aria-labelledby="tendencies" {
            h2 #tendencies { "Better or worse" }
            (tendencies(view))
        }
        section aria-labelledby="changes" {
            h2 #changes { "What was changed" }
            (changes(view, clocks))
        }
        @if !view.types.is_empty() {
            section aria-labelledby="types" { h2 #types { "By intent type" } (types(view)) }
        }
        section aria-labelledby="all" { h2 #all { "Every figure" } (figures(view)) }
        p.note {
            "Days are those of UTC. The exception rate and the rework rate are of what was asked for in the " (of) ", and may \
             still grow. A change counts on the day on which it was decided, also where it is in force later; who came, left or \
             is away stands under " a href="/people" { "People" } ". Counted from the log up to its entry " (view.position) "."
        }
    }
}

/// The way to the period before and after, and to one of the other kind.
fn ways(view: &MeasureReviewView, clocks: Clocks<'_>) -> Markup {
    let to = |of: &str, day: &str| format!("/measures/review?of={of}&day={day}");
    let later = Period::parse(&view.of).zip(Day::parse(&view.since)).map(|(per, since)| per.next(since));
    let later = later.filter(|day| *day <= Day::at(clocks.now));
    let other = if view.of == "week" { "month" } else { "week" };
    html! {
        nav.pages aria-label="Periods" {
            a href=(to(&view.of, &view.before)) { "The " (view.of) " before" }
            @if let Some(later) = later { a href=(to(&view.of, &later.to_string())) { "The next " (view.of) } }
            a href=(to(other, &view.since)) { "Its " (other) }
            a href=(format!("/measures?since={}&until={}", view.since, until(view, clocks))) { "All measures of these days" }
        }
    }
}

/// Its last day, or today where that has not come.
fn until(view: &MeasureReviewView, clocks: Clocks<'_>) -> String {
    if view.over { view.until.clone() } else { Day::at(clocks.now).to_string() }
}

/// What goes one way or the other, the worse before the better.
fn tendencies(view: &MeasureReviewView) -> Markup {
    let of = |tendency: &'static str| {
        view.all.iter().filter(move |figure| figure.tendency.as_deref() == Some(tendency))
    };
    let told: Vec<&FigureChangeView> = of("worse").chain(of("better")).collect();
    html! {
        @if told.is_empty() { p { "No rate and no time of which there is enough to say so." } }
        @else {
            ul {
                @for figure in told {
                    @let [then, now] = figure.brief();
                    li {
                        b { (figure.tendency.as_deref().map(page::sentence).unwrap_or_default()) } ": "
                        (name(view, &figure.id)) " " (now) ", before it " (then)
                        @if let Some(difference) = &figure.difference { " (" (difference) ")" }
                    }
                }
            }
        }
    }
}

fn changes(view: &MeasureReviewView, clocks: Clocks<'_>) -> Markup {
    html! {
        @if view.changes.is_empty() {
            p {
                "No change of a policy, a shared file or an intent type was decided, and nothing happened to a connector, as far as \
                 these are for you."
            }
        } @else {
            ol.story { @for change in &view.changes { li { (clocks.exact(&change.at)) " " span { (changed(change)) } } } }
        }
        @if view.more { p.note { "More may have been changed than is told here." } }
    }
}

fn changed(change: &HouseChangeView) -> Markup {
    let by = if change.by.is_empty() { "the host".to_owned() } else { change.by.join(", ") };
    html! {
        @match (&change.entry, &change.connector, &change.intent) {
            (Some(entry), Some(connector), _) => {
                a href=(format!("/connectors/{connector}")) { (connector) } ": " (by) " " (did(entry))
                @if let Some(reason) = &entry.reason { ": " (all(reason)) }
            },
            (_, _, Some(intent)) => { a href=(format!("/intents/{intent}")) { (all(&change.what)) } ", decided by " (by) },
            (_, _, None) => { (all(&change.what)) ", by " (by) },
        }
    }
}

fn types(view: &MeasureReviewView) -> Markup {
    html! {
        table.rows {
            thead { tr { th scope="col" { "type" } @for (_, name) in OF_INTENTS { th.number scope="col" { (name) } } } }
            tbody { @for one in &view.types { (row(one)) } }
        }
    }
}

fn row(of: &TypeReviewView) -> Markup {
    let figure = |id: &str| of.figures.iter().find(|figure| figure.id == id);
    html! {
        tr {
            th scope="row" { a href=(format!("/intents?type={}", of.intent_type)) { (of.intent_type.replace('_', " ")) } }
            @for (id, short) in OF_INTENTS {
                td.number data-of=(short) {
                    @if let Some(figure) = figure(id) {
                        @let [_, now] = figure.brief();
                        (now)
                        @if let Some(difference) = &figure.difference { br; small { (difference) } }
                    }
                }
            }
        }
    }
}

fn figures(view: &MeasureReviewView) -> Markup {
    html! {
        table.rows {
            thead { tr {
                th scope="col" { "measure" } th.number scope="col" { "this " (view.of) } th.number scope="col" { "the one before" }
                th.number scope="col" { "difference" }
            } }
            tbody { @for figure in &view.all { @let [then, now] = figure.brief(); tr {
                th scope="row" { (name(view, &figure.id)) }
                td.number data-of=(format!("this {}", view.of)) { (now) }
                td.number data-of="the one before" { (then) }
                td.number data-of="difference" {
                    (figure.difference.as_deref().unwrap_or("-"))
                    @if let Some(tendency) = figure.tendency.as_deref().filter(|tendency| *tendency != "level") { ", " (tendency) }
                }
            } } }
        }
    }
}

/// What a measure is called.
fn name<'a>(view: &'a MeasureReviewView, id: &str) -> &'a str {
    view.measures.iter().find(|measure| measure.id == id).map_or("", |measure| &measure.name)
}
