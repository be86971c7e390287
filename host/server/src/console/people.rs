//! People: who is there and where, who is away and who is asked instead, what nobody could decide any more, who owns
//! what; and saying that somebody is away, or back.

mod owned;

use super::form::{Form, escaped, parameter};
use super::guard::{self, Signed};
use super::intent::{denied, is_once, once, why_not};
use super::page::{self, Here, framed};
use super::part::moment::Clocks;
use crate::api::view::intent::Looking;
use crate::api::view::person::{AwayView, Sources};
use crate::api::view::{OwnershipView, PersonView};
use crate::asked::{Line, Query};
use crate::busy;
use crate::denied::Try;
use crate::problem::Problem;
use crate::state::Host;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use countersign_core::hash::Digest;
use countersign_core::id::{IntentTypeName, PersonId};
use countersign_core::intent::Day;
use countersign_core::people::Directory;
use countersign_core::people::register::{Actor, Away, Command, Register};
use countersign_core::policy::stop::Stop;
use countersign_core::rulebook::outlook::{OUTLOOK_DAYS, Outlook};
use countersign_engine::engine::Key;
use maud::{Markup, html};

/// What is said in an address once it is kept.
const AWAY: &str = "away";
const BACK: &str = "back";

/// The parts of the page.
const PARTS: [(&str, &str); 5] = [
    ("#gaps", "Gaps"),
    ("#everybody", "Everybody"),
    ("#pools", "Pools"),
    ("#owners", "Owners"),
    ("#connections", "Connections"),
];

/// What a page says beside what stands in the record.
#[derive(Default)]
struct Beside<'a> {
    /// What an address says was done, and of whom.
    said: Option<String>,
    of: Option<String>,
    /// What was typed, and why it was not kept.
    not_kept: Option<(&'a Form, String)>,
}

/// Shows it.
pub(super) async fn show(State(host): State<Host>, headers: HeaderMap, line: Line, uri: Uri) -> Response {
    let signed = match guard::required(&host, &headers, uri.path()) {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    if let Err(problem) = Query::of(&uri, &["said", "of"]).and_then(Query::checked) {
        return page::problem_to(&signed.session.person, &problem);
    }
    let beside = Beside { said: parameter(&uri, "said"), of: parameter(&uri, "of"), ..Beside::default() };
    shown(&host, &signed, line, StatusCode::OK, &beside).await
}

/// Sends a browser that opens the address of a form to the page of the form.
pub(super) async fn again() -> Response {
    page::see_other("/people")
}

/// Puts an absence on record.
pub(super) async fn away(State(host): State<Host>, line: Line, form: Form) -> Response {
    act(&host, line, &form, AWAY, |host| absence(host, &form)).await
}

/// Ends one that is on record.
pub(super) async fn back(State(host): State<Host>, line: Line, form: Form) -> Response {
    act(&host, line, &form, BACK, |_| {
        let whole = || "The form is not whole. Send the one below.".to_owned();
        let person = PersonId::parse(form.field("person")).map_err(|_| whole())?;
        let number = form.field("absence").parse().map_err(|_| whole())?;
        Ok(Command::Back { person, number: Some(number) })
    })
    .await
}

async fn act(
    host: &Host,
    line: Line,
    form: &Form,
    verb: &str,
    command: impl FnOnce(&Host) -> Result<Command, String>,
) -> Response {
    let signed = match guard::required(host, &form.headers, "/people") {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let once = form.field("once");
    let read = if is_once(once) {
        command(host)
    } else {
        Err("The form is not whole. Send the one below.".to_owned())
    };
    let command = match read {
        Ok(command) => command,
        Err(why) => {
            let beside = Beside { not_kept: Some((form, why)), ..Beside::default() };
            return shown(host, &signed, line, StatusCode::UNPROCESSABLE_ENTITY, &beside).await;
        }
    };
    let person = &signed.session.person;
    let fields =
        ["person", "from", "until", "cover", "for", "absence"].map(|name| form.field(name).as_bytes());
    let parts: Vec<&[u8]> = [verb.as_bytes()].into_iter().chain(fields).collect();
    let key = format!("{person}/page/{once}/{verb}/{}", form.field("absence"));
    let key = Key { key, fingerprint: Digest::of_parts(&parts) };
    let ask = |_: &Register| Ok::<_, Problem>(command.clone());
    match host.engine.record(Actor::Person(person.clone()), Some(key), ask).await {
        Ok(_) => {
            let of = form.field("person").trim();
            let of = if of == person.as_str() { String::new() } else { format!("of={}&", escaped(of)) };
            page::see_other(&format!("/people?{of}said={verb}"))
        }
        Err(problem) => {
            denied(host, &signed, Try::of_page(verb, form.field("person")), &problem);
            let beside = Beside { not_kept: Some((form, why_not(&problem))), ..Beside::default() };
            shown(host, &signed, line, problem.code().status(), &beside).await
        }
    }
}

/// What a form says of an absence.
fn absence(host: &Host, form: &Form) -> Result<Command, String> {
    let named = |name: &str| PersonId::parse(form.field(name).trim()).ok();
    let person = named("person").ok_or("Say who is away, by their id.")?;
    let day = |name: &str| Day::parse(form.field(name));
    let from = day("from").ok_or("Say on which day it begins.")?;
    let until = day("until").ok_or("Say which day is the last one.")?;
    let cover = named("cover").ok_or("Say who is asked instead, by their id.")?;
    let rulebook = host.engine.rulebook();
    let of = match form.field("for") {
        "" => None,
        name => {
            let known = IntentTypeName::parse(name).ok().filter(|name| rulebook.intent_type(name).is_some());
            Some(known.ok_or("Choose an intent type of the list.")?)
        }
    };
    Ok(Command::Away(Away { person, from, until, cover: Some(cover), of }))
}

/// Everything that the page shows.
struct Found {
    people: Vec<PersonView>,
    owned: OwnershipView,
    ahead: Result<Outlook, Problem>,
}

async fn shown(
    host: &Host,
    signed: &Signed,
    line: Line,
    status: StatusCode,
    beside: &Beside<'_>,
) -> Response {
    let (person, rulebook, now) = (&signed.session.person, host.engine.rulebook(), host.engine.now());
    let directory = rulebook.directory();
    let sources = Sources { rulebook: &rulebook, now };
    let outlook = {
        let rulebook = host.engine.rulebook();
        move |_: &Stop<'_>| Ok(rulebook.outlook(now, OUTLOOK_DAYS))
    };
    let found = Found {
        people: directory.persons.keys().map(|person| PersonView::of(sources, person)).collect(),
        owned: OwnershipView::of(Looking { person, rulebook: &rulebook, now }, &host.engine.reachable()),
        ahead: busy::proved(host, line, outlook).await,
    };
    let clocks = Clocks { directory, person, now };
    let types: Vec<String> = rulebook.intent_types().map(|schema| schema.name.to_string()).collect();
    let body = html! {
        link rel="stylesheet" href="/assets/measures.css";
        p.purpose { "Who is here, who is away and who is asked instead; what could not be decided any more, and who answers for what." }
        (told(&found, person, beside))
        nav.lists aria-label="Lists" {
            a href="/people" aria-current="true" { "People" }
            a href="/access" { "What each may do" }
        }
        nav.lists aria-label="On this page" {
            @for (to, name) in PARTS { a href=(to) { (name) } }
        }
        (own(&found, (directory, person), &types, &once(host), beside))
        (gaps(&found))
        (everybody(&found))
        (owned::pools(directory, clocks))
        (owned::types(&found.owned))
        (owned::connections(&found.owned))
    };
    (status, framed(Here::People, "People", person, &body)).into_response()
}

/// What came of what was just sent. That something was kept is told only if the record says so too.
fn told(found: &Found, person: &PersonId, beside: &Beside<'_>) -> Markup {
    let of = beside.of.as_deref().unwrap_or(person.as_str());
    let is_own = of == person.as_str();
    let view = found.people.iter().find(|view| view.person == of);
    let is_away = view.is_some_and(|of| of.away.iter().chain(&of.ahead).any(|away| away.absence.is_some()));
    html! {
        @match beside.said.as_deref() {
            Some(AWAY) => p.kept role="status" {
                @match view {
                    Some(_) if is_away && is_own => "It is kept: your absence is on record. From its first day on somebody else is asked instead of you.",
                    Some(of) if is_away => { "It is kept: an absence of " (of.person) " is on record. From its first day on somebody else is asked instead." },
                    Some(_) | None => "What is on record is below.",
                }
            },
            Some(BACK) if is_own && !is_away => p.kept role="status" { "You are not away, as far as the record says." },
            Some(BACK) if !is_away && view.is_some() => p.kept role="status" { (of) " is not away, as far as the record says." },
            Some(_) | None => {},
        }
        @if let Some((_, why)) = &beside.not_kept {
            div.warn role="alert" { p { strong { "Nothing was kept. " } (why) } p { "This is how it stands now." } }
        }
    }
}

/// The absences of whoever looks, and the form for one more.
fn own(
    found: &Found,
    (directory, person): (&Directory, &PersonId),
    types: &[String],
    once: &str,
    beside: &Beside<'_>,
) -> Markup {
    let own = found.people.iter().find(|view| view.person == person.as_str());
    let absences = own.iter().flat_map(|own| own.away.iter().chain(&own.ahead));
    let for_others = directory.pool(&directory.owner).is_some_and(|pool| pool.members.contains(person));
    let typed = |name: &str| beside.not_kept.as_ref().map_or("", |(form, _)| form.field(name));
    let who = Some(typed("person")).filter(|who| !who.is_empty()).unwrap_or(person.as_str());
    html! {
        section #can aria-labelledby="can-heading" {
            h2 #can-heading { "When you are away" }
            @for away in absences { (ending(person.as_str(), away, once)) }
            details open[beside.not_kept.is_some()] {
                summary { @if for_others { "Say that somebody is away" } @else { "Say that you are away" } }
                p.note { "From the first day to the last one whoever you name is asked instead; what waits for you already goes to them." }
                form method="post" action="/people/absences" {
                    input type="hidden" name="once" value=(once);
                    @if for_others { label for="who" { "Who" } input #who name="person" value=(who) list="people" required; }
                    @else { input type="hidden" name="person" value=(person); }
                    label for="from" { "First day" } input #from type="date" name="from" value=(typed("from")) required;
                    label for="until" { "Last day" } input #until type="date" name="until" value=(typed("until")) required;
                    label for="cover" { "Who is asked instead" }
                    input #cover name="cover" value=(typed("cover")) list=(if for_others { "people" } else { "covers" }) required;
                    p.note { "Somebody who stands by for them or manages them, or of one of their pools." }
                    label for="for" { "For which intents" }
                    select #for name="for" {
                        option value="" { "all" }
                        @for name in types { option value=(name) selected[name == typed("for")] { (name.replace('_', " ")) } }
                    }
                    datalist #covers { @for name in directory.covers(person) { option value=(name) {} } }
                    datalist #people { @if for_others { @for view in &found.people { option value=(view.person) {} } } }
                    button { "Put it on record" }
                }
            }
        }
    }
}

/// An absence, with the form that ends it if it is on record.
fn ending(person: &str, away: &AwayView, once: &str) -> Markup {
    html! {
        p { (days(away)) @if away.absence.is_none() { " It stands in " code { "people.md" } ", and ends there." } }
        @if let Some(number) = away.absence {
            form method="post" action="/people/returns" {
                input type="hidden" name="once" value=(once);
                input type="hidden" name="person" value=(person);
                input type="hidden" name="absence" value=(number);
                button.quiet { "Back again" }
            }
        }
    }
}

fn days(away: &AwayView) -> Markup {
    html! {
        (away.from) " to " (away.until)
        @if let Some(of) = &away.of { ", for " (of.replace('_', " ")) }
        ": " @match &away.cover { Some(cover) => { (cover) " is asked instead." }, None => b.late { "nobody is asked instead, as whoever was to has left." } }
    }
}

/// What nobody could decide, now or on days to come.
fn gaps(found: &Found) -> Markup {
    html! {
        h2 #gaps { "What could not be decided" }
        @match &found.ahead {
            Err(problem) => p.warn { (page::sentence(problem.said().0)) ". Open the page again in a moment." },
            Ok(ahead) if ahead.thin.is_empty() && ahead.uncovered.is_empty() && ahead.lone.is_empty() => {
                p { "Nothing, as far as " (OUTLOOK_DAYS) " days ahead are known: every row of every route has people enough." }
            },
            Ok(ahead) => { (lacks(ahead)) },
        }
    }
}

fn lacks(ahead: &Outlook) -> Markup {
    html! {
        @if !ahead.lone.is_empty() {
            h3 { "Nobody else could" }
            p.note { "If one of them left, what these rows decide could be approved by nobody, their backups included." }
            table.rows {
                thead { tr { th scope="col" { "person" } th scope="col" { "rows of routes" } th.number scope="col" { "rules that ask" } } }
                tbody { @for lone in &ahead.lone { tr {
                    th scope="row" { (lone.person) }
                    td data-of="rows of routes" { span { (lone.rows.join("; ")) } }
                    td.number data-of="rules that ask" { (lone.rules) }
                } } }
            }
        }
        @if !ahead.thin.is_empty() {
            h3 { "Too few on some days" }
            table.rows {
                thead { tr { th scope="col" { "policy" } th scope="col" { "row" } th scope="col" { "asked" } th scope="col" { "there" } th scope="col" { "days" } th scope="col" { "instead" } } }
                tbody { @for thin in &ahead.thin { tr {
                    th scope="row" { a href=(format!("/policies/{}", thin.policy)) { (thin.policy) } }
                    td data-of="row" { (thin.row) }
                    td data-of="asked" { (thin.whom) }
                    td data-of="there" { (thin.present) " of " (thin.need) }
                    td data-of="days" { span { (thin.from) " to " (thin.until) } }
                    td data-of="instead" { @match &thin.instead { Some(instead) => (instead), None => b.late { "nobody: it becomes an exception" } } }
                } } }
            }
        }
        @if !ahead.uncovered.is_empty() {
            h3 { "Away, and whoever is asked instead too" }
            ul { @for one in &ahead.uncovered { li { (one.person) " and " (one.cover) ", " (one.from) " to " (one.until) } } }
        }
    }
}

fn everybody(found: &Found) -> Markup {
    html! {
        h2 #everybody { "Everybody" }
        table.rows {
            thead {
                tr {
                    th scope="col" { "person" } th scope="col" { "pools" } th scope="col" { "roles and duties" }
                    th scope="col" { "reports to" } th scope="col" { "away" }
                }
            }
            tbody {
                @for view in &found.people {
                    tr {
                        th scope="row" { (view.person) }
                        td data-of="pools" { span { (listed(&view.pools)) @if !view.leads.is_empty() { p.note { "leads " (view.leads.join(", ")) } } } }
                        td data-of="roles and duties" { span { (listed(&[&view.roles[..], &view.duties[..]].concat())) } }
                        td data-of="reports to" { (view.manager.as_deref().unwrap_or("-")) }
                        td data-of="away" {
                            span {
                                @for away in &view.away { b { "today: " } (days(away)) br; }
                                @for away in &view.ahead { (days(away)) br; }
                                @if !view.covers.is_empty() { "asked instead of " (view.covers.join(", ")) }
                                @if view.away.is_empty() && view.ahead.is_empty() && view.covers.is_empty() { "-" }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "-".to_owned() } else { names.join(", ") }
}
