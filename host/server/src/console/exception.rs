//! One exception: what happened, whose it is, and the ways out that whoever looks may take.
//!
//! Whatever they say is the command of the API, under a key that the form brings back: a second click closes nothing
//! twice, and whoever comes second is shown how it was closed.

use super::exceptions::address;
use super::form::{Form, escaped, parameter, words};
use super::guard::{self, Signed};
use super::intent::{Looked, denied, is_once, look, once, refused, why_not};
use super::page::{self, Here, framed, sentence};
use super::part::all;
use super::part::moment::Clocks;
use super::part::ways::{called, follows, happened, wanted};
use crate::api;
use crate::api::view::intent::Looking;
use crate::api::view::{ExceptionView, IntentView};
use crate::asked::Place;
use crate::denied::Try;
use crate::limits::WORDS_CHARACTERS_MAX;
use crate::problem::Problem;
use crate::state::Host;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use countersign_core::approval::command::Command;
use countersign_core::approval::refusal::Refusal;
use countersign_core::exception::{Closure, Exception};
use countersign_core::hash::Digest;
use countersign_core::id::{ExceptionId, PersonId};
use countersign_core::notice::words::title;
use countersign_engine::engine::Key;
use maud::{Markup, html};

/// The word for asking for what is there, which is an intent of its own and closes nothing by itself.
const ADOPT: &str = "adopt";

/// An exception of an intent that is for whoever looks.
struct Found {
    looked: Looked,
    id: ExceptionId,
    exception: Exception,
}

/// What a form asked for, and why it was not kept.
struct NotKept<'a> {
    way: Option<Closure>,
    words: &'a str,
    why: String,
}

/// What a page says beside what stands in the record.
#[derive(Default)]
struct Beside<'a> {
    /// Whether it was just closed, by what the address says.
    closed: bool,
    not_kept: Option<NotKept<'a>>,
}

/// Shows it.
pub(super) async fn show(
    State(host): State<Host>,
    Place((intent, name)): Place<(String, String)>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let signed = match guard::required(&host, &headers, uri.path()) {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let beside =
        Beside { closed: parameter(&uri, "said").is_some_and(|said| said == "closed"), not_kept: None };
    match find(&host, &signed, "show", (&intent, &name)).await {
        Ok(found) => shown(&host, &signed, &found, StatusCode::OK, &beside),
        Err(response) => response,
    }
}

/// Sends a browser that opens the address of a form to the page of the form.
pub(super) async fn again(Place((intent, name)): Place<(String, String)>) -> Response {
    page::see_other(&place(&intent, &name))
}

/// Closes it in the way that the form names.
pub(super) async fn close(
    State(host): State<Host>,
    Place((intent, name)): Place<(String, String)>,
    form: Form,
) -> Response {
    let signed = match guard::required(&host, &form.headers, &place(&intent, &name)) {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let found = match find(&host, &signed, "close-exception", (&intent, &name)).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    let typed = form.field("words").replace("\r\n", "\n");
    let way = Closure::parse(form.field("way"));
    let (command, key) = match closing(&found, &signed.session.person, &form, &typed) {
        Ok(said) => said,
        Err(why) => {
            let beside = Beside { closed: false, not_kept: Some(NotKept { way, words: &typed, why }) };
            return shown(&host, &signed, &found, StatusCode::UNPROCESSABLE_ENTITY, &beside);
        }
    };
    let of = found.looked.standing.approval.intent.id;
    let kept = match is_still(&found, &form) {
        Ok(()) => api::once(|| host.engine.command(of, command.clone(), Some(key.clone()))).await,
        Err(refusal) => Err(refusal.into()),
    };
    match kept {
        Ok(_) => page::see_other(&format!("{}?said=closed", place(&intent, &name))),
        Err(fault) => {
            let words = (way, typed.as_str());
            not_kept(&host, &signed, ("close-exception", &intent, &name), words, &Problem::from(fault)).await
        }
    }
}

/// Asks for what its target holds, as an intent of its own.
pub(super) async fn adopt(
    State(host): State<Host>,
    Place((intent, name)): Place<(String, String)>,
    form: Form,
) -> Response {
    let signed = match guard::required(&host, &form.headers, &place(&intent, &name)) {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let found = match find(&host, &signed, ADOPT, (&intent, &name)).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    let person = &signed.session.person;
    if !is_once(form.field("once")) {
        let why = "The form is not whole. Send the one below.".to_owned();
        let beside = Beside { closed: false, not_kept: Some(NotKept { way: None, words: "", why }) };
        return shown(&host, &signed, &found, StatusCode::UNPROCESSABLE_ENTITY, &beside);
    }
    let of = found.looked.standing.approval.intent.id;
    let key = key(&found, person, (&form, ADOPT), &["revision"]);
    let asked = match is_still(&found, &form) {
        Ok(()) => host.engine.adopt((of, found.id), person, key).await,
        Err(refusal) => Err(refusal.into()),
    };
    match asked {
        Ok(standing) => page::see_other(&format!("/intents/{}", standing.approval.intent.id)),
        Err(fault) => {
            not_kept(&host, &signed, (ADOPT, &intent, &name), (None, ""), &Problem::from(fault)).await
        }
    }
}

/// An exception, if its intent is for whoever looks; else the page that says so.
async fn find(
    host: &Host,
    signed: &Signed,
    verb: &str,
    (intent, name): (&str, &str),
) -> Result<Found, Response> {
    let looked = look(host, &signed.session.person, intent).await.map_err(|problem| {
        denied(host, signed, tried(verb, intent, name), &problem);
        refused(signed, &problem)
    })?;
    let id = name.parse().ok();
    let known = id.and_then(|id| looked.standing.approval.exceptions.get(&id).cloned().zip(Some(id)));
    let Some((exception, id)) = known else {
        return Err(page::problem_to(&signed.session.person, &Problem::unknown("exception", name)));
    };
    Ok(Found { looked, id, exception })
}

fn tried(verb: &str, intent: &str, name: &str) -> Try {
    Try::of_page(verb, intent).and(name)
}

/// Shows how it stands now, and that what was sent was not kept.
async fn not_kept(
    host: &Host,
    signed: &Signed,
    (verb, intent, name): (&str, &str, &str),
    (way, words): (Option<Closure>, &str),
    problem: &Problem,
) -> Response {
    denied(host, signed, tried(verb, intent, name), problem);
    match find(host, signed, verb, (intent, name)).await {
        Ok(now) => {
            let why = match &now.exception.closed {
                Some(closed) if closed.person.as_ref() == Some(&signed.session.person) => {
                    "You have closed it already.".to_owned()
                }
                Some(_) => "Somebody closed it first.".to_owned(),
                None => why_not(problem),
            };
            let beside = Beside { closed: false, not_kept: Some(NotKept { way, words, why }) };
            shown(host, signed, &now, problem.code().status(), &beside)
        }
        Err(response) => response,
    }
}

/// That nobody changed the intent since the form was made.
fn is_still(found: &Found, form: &Form) -> Result<(), Refusal> {
    let now = found.looked.standing.approval.intent.revision;
    match form.field("revision").parse() {
        Ok(revision) if revision == now => Ok(()),
        Ok(revision) => Err(Refusal::StaleRevision { found: revision, now }),
        Err(_) => Err(Refusal::StaleRevision { found: 0, now }),
    }
}

/// What a form asks for, and what makes it said once.
fn closing(found: &Found, person: &PersonId, form: &Form, typed: &str) -> Result<(Command, Key), String> {
    if !is_once(form.field("once")) || form.field("revision").parse::<u32>().is_err() {
        return Err("The form is not whole. Send the one below.".to_owned());
    }
    let by = Closure::parse(form.field("way")).ok_or("Choose one of the ways out.")?;
    let reason = words(typed)?;
    if reason.is_empty() {
        return Err("Say why: it stands in the record for whoever meets it next.".to_owned());
    }
    let key = key(found, person, (form, "close"), &["revision", "way", "words"]);
    Ok((Command::CloseException { person: person.clone(), id: found.id, by, reason }, key))
}

/// The key of one form, with the fields that make it say the same.
fn key(found: &Found, person: &PersonId, (form, verb): (&Form, &str), fields: &[&str]) -> Key {
    let exception = found.id.to_string();
    let fields = fields.iter().map(|name| form.field(name).as_bytes());
    let parts: Vec<&[u8]> = [verb.as_bytes(), exception.as_bytes()].into_iter().chain(fields).collect();
    Key { key: format!("{person}/page/{}/{verb}", form.field("once")), fingerprint: Digest::of_parts(&parts) }
}

fn place(intent: &str, name: &str) -> String {
    format!("/intents/{}/exceptions/{}", escaped(intent), escaped(name))
}

fn shown(host: &Host, signed: &Signed, found: &Found, status: StatusCode, beside: &Beside<'_>) -> Response {
    let (person, approval) = (&signed.session.person, &found.looked.standing.approval);
    let rulebook = host.engine.rulebook();
    let now = host.engine.now();
    let whole = IntentView::of(approval, Looking { person, rulebook: &rulebook, now });
    let name = found.id.to_string();
    let views = whole.as_ref().map(|whole| whole.exceptions.as_slice()).unwrap_or_default();
    let Some(view) = views.iter().find(|view| view.id == name) else {
        return refused(signed, &Problem::no_intent());
    };
    let clocks = Clocks { directory: rulebook.directory(), person, now };
    let about = sentence(&all(&title(approval, &rulebook, &found.looked.sight)));
    let body = html! {
        (told(view, person, beside))
        p.purpose { span.state { (view.state) } " since " (clocks.past(&found.exception.opened.to_string())) }
        @if view.state == "open" && view.owner == person.as_str() {
            div.yours {
                p { strong { "You answer for it. " } (clocks.due(&view.due)) }
                @if !view.can.is_empty() { p { a.button href="#can" { "Go to the ways out" } } }
            }
        }
        (facts(view, &found.exception, &about, clocks))
        (ways(found, view, &once(host), beside))
    };
    let title = sentence(happened(found.exception.cause));
    (status, framed(Here::Exceptions, &title, person, &body)).into_response()
}

/// What came of what was just sent. That it was closed is told only if the record says so too.
fn told(view: &ExceptionView, person: &PersonId, beside: &Beside<'_>) -> Markup {
    let closed = view.closed.as_ref().filter(|closed| closed.person.as_deref() == Some(person.as_str()));
    html! {
        @if beside.closed && closed.is_some() { p.kept role="status" { "You have closed it. What you said is kept." } }
        @if let Some(NotKept { words, why, .. }) = &beside.not_kept {
            div.warn role="alert" {
                p { strong { "Nothing was kept. " } (why) }
                p { "This is how it stands now." }
                @if !words.is_empty() && !is_offered(view) {
                    p { "You wrote:" }
                    blockquote { (words) }
                }
            }
        }
    }
}

/// Whether there is a form for closing it.
fn is_offered(view: &ExceptionView) -> bool {
    view.can.iter().any(|can| can != ADOPT)
}

fn facts(view: &ExceptionView, exception: &Exception, about: &str, clocks: Clocks<'_>) -> Markup {
    html! {
        h2 { "What happened" }
        table {
            tbody {
                tr { th scope="row" { "what is wrong" } td { (all(&view.detail.message)) " (" (view.cause) ")" } }
                tr { th scope="row" { "intent" } td { a href=(format!("/intents/{}", view.intent)) { (about) } } }
                @if let Some(connection) = &view.pauses { tr { th scope="row" { "held up" } td { "nothing is sent to connection " (connection) " until it is closed" } } }
                @else if let Some(connection) = &exception.connection { tr { th scope="row" { "connection" } td { (connection) } } }
                @if let Some(burn) = &view.burn {
                    tr { th scope="row" { "budget" } td { (burn.opened) " of " (burn.at_most) " exceptions in " (burn.days) " days: " (burn.level) } }
                }
                tr { th scope="row" { "owner" } td { (view.owner) ", by the row " (view.route) " of the exception table" } }
                @if 0 < view.missed { tr { th scope="row" { "missed" } td { (view.missed) @if view.missed == 1 { " time" } @else { " times" } ", by whoever answered for it before" } } }
                @if view.state == "open" { tr { th scope="row" { "until" } td { (clocks.due(&view.due)) } } }
                @if !view.closes_when.is_empty() { tr { th scope="row" { "settled when" } td { (all(&view.closes_when.join(", "))) } } }
                @if let Some(closed) = &view.closed {
                    tr { th scope="row" { "closed" } td { (clocks.past(&closed.at)) } }
                    tr { th scope="row" { "by" } td { @if let Some(person) = &closed.person { (person) } @else { "the host itself" } ", by " (closed.by) } }
                    tr { th scope="row" { "words" } td { (all(&closed.reason)) } }
                }
            }
        }
    }
}

/// The ways out that are open to whoever looks.
fn ways(found: &Found, view: &ExceptionView, once: &str, beside: &Beside<'_>) -> Markup {
    let ways: Vec<Closure> = view.can.iter().filter_map(|way| Closure::parse(way)).collect();
    let adopts = view.can.iter().any(|can| can == ADOPT);
    html! {
        @if !ways.is_empty() || adopts {
            section #can aria-labelledby="can-heading" {
                h2 #can-heading { "The ways out" }
                @if !ways.is_empty() { (closes(found, view, &ways, (once, beside.not_kept.as_ref()))) }
                @if adopts { (adoption(found, view, once)) }
            }
        } @else if view.state == "open" {
            p.note { (view.owner) " answers for it, and closes it." }
        }
    }
}

fn closes(
    found: &Found,
    view: &ExceptionView,
    ways: &[Closure],
    (once, before): (&str, Option<&NotKept<'_>>),
) -> Markup {
    let chosen =
        before.and_then(|before| before.way).or_else(|| ways.first().copied().filter(|_| ways.len() == 1));
    html! {
        form method="post" action=(format!("{}/closures", address(view))) {
            input type="hidden" name="revision" value=(found.looked.standing.approval.intent.revision);
            input type="hidden" name="once" value=(once);
            fieldset {
                legend { "What is to become of it" }
                @for way in ways {
                    label.way {
                        input type="radio" name="way" value=(way.as_str()) required checked[chosen == Some(*way)];
                        span { (called(*way)) span.faint { (follows(&found.exception, *way)) } }
                    }
                }
            }
            label for="words" { (wanted(found.exception.cause)) }
            textarea #words name="words" maxlength=(WORDS_CHARACTERS_MAX) required { "\n" (before.map_or("", |before| before.words)) }
            button { "Close it" }
        }
    }
}

fn adoption(found: &Found, view: &ExceptionView, once: &str) -> Markup {
    html! {
        details {
            summary { "Ask for what is there" }
            p.note { "What the target holds becomes an intent of its own, in your name, which others decide. This exception stays open until that has landed." }
            form method="post" action=(format!("{}/adoptions", address(view))) {
                input type="hidden" name="revision" value=(found.looked.standing.approval.intent.revision);
                input type="hidden" name="once" value=(once);
                button { "Ask for it" }
            }
        }
    }
}
