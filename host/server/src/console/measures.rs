//! Measures: what the log says of how approvals go, with the formula beside each figure.

mod chart;
mod csv;
pub(super) mod review;

use super::guard;
use super::page::{self, Here, framed};
use crate::api::measures::measured;
use crate::api::view::{CountsView, FigureView, GroupView, MeasureView, MeasuresView};
use crate::problem::Problem;
use crate::state::Host;
use axum::extract::State;
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use chart::{Chart, Mark};
use countersign_core::intent::Day;
use countersign_core::measure::period::Period;
use maud::{Markup, html};
use std::collections::BTreeMap;
use url::form_urlencoded;

/// What this page has beside the style of all: the others are no heavier for it.
const STYLE: &str = include_str!("measures/measures.css");

/// The lists behind figures, where the list of intents has one.
const LISTS: [(&str, &str); 3] =
    [("submitted", "/intents"), ("done", "/intents?state=done"), ("withdrawn", "/intents?state=withdrawn")];

/// The figures of each intent type or version, and their short names.
const OF_INTENTS: [(&str, &str); 7] = [
    ("submitted", "asked for"),
    ("decided", "decided"),
    ("decision_by_people", "half decided by people within"),
    ("exception_rate", "exceptions"),
    ("rework_rate", "rework"),
    ("audit_completeness", "whole records"),
    ("write_success", "write success"),
];

/// The figures of each connection.
const OF_WRITES: [(&str, &str); 6] = [
    ("attempts", "attempts"),
    ("write_success", "success"),
    ("first_try", "at the first attempt"),
    ("held", "handed to a person"),
    ("reconciliation_lag", "half reconciled within"),
    ("unseen", "not reconciled yet"),
];

/// What stands in the fields of the form.
const FIELDS: [(&str, &str, &[&str]); 2] = [
    ("by", "Compare by", &["type", "policy", "connection"]),
    ("per", "In steps of", &["day", "week", "month"]),
];

/// Shows them. The address takes what `GET /v1/measures` takes.
pub(super) async fn show(State(host): State<Host>, headers: HeaderMap, uri: Uri) -> Response {
    let signed = match guard::required(&host, &headers, uri.path()) {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let person = &signed.session.person;
    let asked = filled(&uri);
    let (status, body) = match measured(&host, person, &asked).await {
        Ok(view) => (axum::http::StatusCode::OK, whole(&view, &asked)),
        Err(problem) => (problem.code().status(), refused(&problem, "/measures", "The last 90 days")),
    };
    (status, framed(Here::Measures, "Measures", person, &body)).into_response()
}

/// Its style.
pub(super) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

/// The same as a file for a spreadsheet.
pub(super) async fn download(State(host): State<Host>, headers: HeaderMap, uri: Uri) -> Response {
    let signed = match guard::required(&host, &headers, "/measures") {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let person = &signed.session.person;
    match measured(&host, person, &filled(&uri)).await {
        Ok(view) => {
            let name = format!("attachment; filename=\"measures-{}-{}.csv\"", view.since, view.until);
            let kind = "text/csv; charset=utf-8";
            ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, &*name)], csv::of(&view))
                .into_response()
        }
        Err(problem) => page::problem_to(person, &problem),
    }
}

/// The address without the fields that somebody left empty.
pub(super) fn filled(uri: &Uri) -> Uri {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let mut filled = form_urlencoded::Serializer::new(String::new());
    filled.extend_pairs(pairs.filter(|(_, value)| !value.is_empty()));
    let address = format!("{}?{}", uri.path(), filled.finish());
    address.parse().unwrap_or_else(|_| uri.clone())
}

/// Why there are no figures, and the way to some.
fn refused(problem: &Problem, to: &str, name: &str) -> Markup {
    let (what, next) = problem.said();
    html! {
        p { strong { (page::sentence(what)) "." } }
        @for flaw in problem.flaws() { p { code { (flaw.pointer) } ": expected " (flaw.expected) ", found " (flaw.found) "." } }
        p { (page::sentence(next)) "." }
        p { a href=(to) { (name) } }
    }
}

fn whole(view: &MeasuresView, asked: &Uri) -> Markup {
    let is_empty =
        count(&view.all, "submitted") + count(&view.all, "attempts") + count(&view.all, "decided") == 0;
    html! {
        link rel="stylesheet" href="/assets/measures.css";
        p.purpose { "How approvals go: how many, how long, how often otherwise than planned; and what leaks." }
        (form(view))
        nav.pages aria-label="Reviews" {
            a href="/measures/review?of=week" { "The last week" } a href="/measures/review?of=month" { "The last month" }
        }
        @if 0 < view.withheld {
            p.note { "Without " (many(view.withheld, "intent type")) " whose intents are not for you." }
        }
        @if let Some(begins) = &view.begins { p.note { "Figures before " (begins) " are not kept any more." } }
        @if 0 < view.forgotten {
            p.note { "Of " (many(view.forgotten, "intent")) " later entries are not counted: too many were open at one time." }
        }
        @if is_empty { (empty()) } @else {
            section aria-labelledby="leaks" {
                h2 #leaks { "Four leaks" }
                dl.leaks { @for measure in view.measures.iter().filter(|measure| measure.leak.is_some()) { (leak(view, measure)) } }
            }
            section aria-labelledby="time" { h2 #time { "Over time" } @for chart in charts(view) { (chart.figure()) } }
            (groups(view))
            (seats(&view.all))
            section aria-labelledby="all" { h2 #all { "Every figure" } (all(view)) }
        }
        p { a.button.quiet href=(format!("/measures.csv?{}", asked.query().unwrap_or_default())) { "Download as CSV" } }
        p.note { "Days are those of UTC. Counted from the log up to its entry " (view.position) "." }
    }
}

fn form(view: &MeasuresView) -> Markup {
    let chosen = |name: &str| if name == "by" { &view.by } else { &view.per };
    html! {
        form.asking method="get" action="/measures" {
            p { label for="since" { "From" } input #since type="date" name="since" value=(view.since); }
            p { label for="until" { "To" } input #until type="date" name="until" value=(view.until); }
            @for (name, words, choices) in FIELDS {
                p {
                    label for=(name) { (words) }
                    select id=(name) name=(name) {
                        @for choice in choices { option selected[chosen(name) == choice] { (choice) } }
                    }
                }
            }
            p { button { "Show" } }
        }
    }
}

/// What would be here, and how it comes about.
fn empty() -> Markup {
    html! {
        p { strong { "On these days nothing happened that could be counted." } }
        p { "Figures come about by themselves: every intent that is asked for, decided and written is counted from the log. \
            The first one comes when somebody asks for something, by " code { "countersign intent submit" }
            " or from a connected system." }
        p { a href="/intents" { "All intents" } }
    }
}

fn leak(view: &MeasuresView, measure: &MeasureView) -> Markup {
    let figure = figure(&view.all, &measure.id);
    html! {
        div {
            dt { (page::sentence(measure.leak.as_deref().unwrap_or_default())) }
            dd.figure { (figure.words()) }
            dd { (measure.name) }
            dd.note { (measure.formula) }
        }
    }
}

/// The charts: throughput, how long people took, how much went otherwise, and how writes went.
fn charts(view: &MeasuresView) -> Vec<Chart> {
    let periods = periods(view);
    let places: BTreeMap<&str, u64> = periods.iter().map(String::as_str).zip(0..).collect();
    let of = |id: &str,
              title: &str,
              value: fn(&FigureView) -> Option<u64>,
              is_line: bool,
              unit: fn(u64) -> String| {
        let marks = view.periods.iter().filter_map(|period| {
            let figure = period.counts.figures.get(id)?;
            let place = places.get(period.since.as_str()).copied()?;
            value(figure).map(|value| Mark {
                name: period.since.clone(),
                place,
                value,
                words: unit(value),
                more: figure.words(),
            })
        });
        let title = format!("{title}, by {}", view.per);
        Chart { title, is_line, periods: periods.clone(), marks: marks.collect() }
    };
    let number = |value: u64| value.to_string();
    let percent = |mille: u64| format!("{}.{} %", mille / 10, mille % 10);
    let mille = |figure: &FigureView| {
        let (part, of) = (figure.part?, figure.of?);
        (u128::from(part) * 1_000).checked_div(u128::from(of)).and_then(|mille| u64::try_from(mille).ok())
    };
    let charts = vec![
        of("submitted", "Asked for", |figure| figure.count, false, number),
        of("decided", "Decided", |figure| figure.count, false, number),
        of("decision_by_people", "Half decided by people within", |figure| figure.p50_ms, true, length),
        of("exception_rate", "Exception rate", mille, true, percent),
        of("rework_rate", "Rework rate", mille, true, percent),
        of("write_success", "Write success", mille, true, percent),
        of("reconciliation_lag", "Half reconciled within", |figure| figure.p50_ms, true, length),
    ];
    charts.into_iter().filter(|chart| !chart.marks.is_empty()).collect()
}

/// The first day of every period that is asked about.
fn periods(view: &MeasuresView) -> Vec<String> {
    let asked = Period::parse(&view.per).zip(Day::parse(&view.since).zip(Day::parse(&view.until)));
    let Some((per, (since, until))) = asked else { return Vec::new() };
    let all = std::iter::successors(Some(per.first(since)), |day| Some(per.next(*day)));
    all.take_while(|day| *day <= until).map(|day| day.to_string()).collect()
}

fn length(ms: u64) -> String {
    crate::api::view::measure::length(ms)
}

fn groups(view: &MeasuresView) -> Markup {
    let (title, columns): (&str, &[(&str, &str)]) = match view.by.as_str() {
        "connection" => ("By connection", &OF_WRITES),
        "policy" => ("By version of the policy", &OF_INTENTS),
        _ => ("By intent type", &OF_INTENTS),
    };
    html! {
        section aria-labelledby="groups" {
            h2 #groups { (title) }
            @if view.groups.is_empty() { p { "Nothing." } } @else {
                table.rows {
                    thead { tr { th scope="col" { (view.by) } @for (_, name) in columns { th.number scope="col" { (name) } } } }
                    tbody { @for group in &view.groups { (row(group, columns)) } }
                }
            }
            @if 0 < view.left_out { p.note { (many(view.left_out, "more group")) ": ask for fewer days." } }
        }
    }
}

fn row(group: &GroupView, columns: &[(&str, &str)]) -> Markup {
    let name = group.name();
    html! {
        tr {
            th scope="row" {
                @match (&group.intent_type, &group.version) {
                    (Some(of), None) => a href=(format!("/intents?type={of}")) { (name.replace('_', " ")) },
                    (_, _) => (name.replace('_', " ")),
                }
            }
            @for (id, short) in columns { td.number data-of=(short) { (figure(&group.counts, id).brief()) } }
        }
    }
}

fn seats(all: &CountsView) -> Markup {
    html! {
        @if !all.seats.is_empty() {
            section aria-labelledby="seats" {
                h2 #seats { "Seats decided in time" }
                table.rows {
                    thead { tr {
                        th scope="col" { "who was asked" } th.number scope="col" { "in time" } th.number scope="col" { "passed on" }
                        th.number scope="col" { "share" }
                    } }
                    tbody { @for seats in &all.seats {
                        tr {
                            th scope="row" { (seats.asked) }
                            td.number data-of="in time" { (seats.kept) }
                            td.number data-of="passed on" { (seats.missed) }
                            td.number data-of="share" { (share(seats.kept, seats.missed)) }
                        }
                    } }
                }
            }
        }
    }
}

fn share(kept: u64, missed: u64) -> String {
    let mille = (u128::from(kept) * 1_000).checked_div(u128::from(kept) + u128::from(missed));
    mille.map_or_else(|| "-".to_owned(), |mille| format!("{}.{} %", mille / 10, mille % 10))
}

fn all(view: &MeasuresView) -> Markup {
    html! {
        table.plan {
            thead { tr { th scope="col" { "measure" } th scope="col" { "figure" } } }
            tbody {
                @for measure in view.measures.iter().filter(|measure| measure.leak.is_none()) {
                    tr {
                        th scope="row" {
                            @match LISTS.iter().find(|(id, _)| *id == measure.id) {
                                Some((_, list)) => a href=(list) { (measure.name) },
                                None => (measure.name),
                            }
                        }
                        td {
                            b { (figure(&view.all, &measure.id).words()) }
                            p.note { (measure.formula) ". From: " (measure.source) "." }
                            @if measure.id == "audit_completeness" { @for missing in &view.all.missing {
                                p.note { "The " (missing.link) " is missing of " (many(missing.count, "intent")) "." }
                            } }
                        }
                    }
                }
            }
        }
    }
}

fn figure(counts: &CountsView, id: &str) -> FigureView {
    counts.figures.get(id).cloned().unwrap_or_default()
}

fn count(counts: &CountsView, id: &str) -> u64 {
    counts.figures.get(id).and_then(|figure| figure.count).unwrap_or_default()
}

fn many(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
