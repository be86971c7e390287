//! One connection: how it stands, what is on its way there, and, for whoever looks after it, pausing it, letting it go
//! on and asking its target whether all is right.

use super::form::{Form, escaped, parameter, words};
use super::guard::{self, Signed};
use super::intent::{denied, is_once, once, why_not};
use super::page::{self, Here, framed};
use super::part::all;
use super::part::moment::Clocks;
use super::part::standing::{Standing, amiss, open, standing, whole};
use super::reconciliation::state;
use crate::api::connections;
use crate::api::view::connection::{BY_HAND, WAITING};
use crate::api::view::{CheckView, ConnectionView};
use crate::asked::Place;
use crate::denied::Try;
use crate::limits::WORDS_CHARACTERS_MAX;
use crate::problem::Problem;
use crate::state::Host;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use countersign_core::connection::{Change, NotChanged};
use countersign_core::hash::Digest;
use countersign_core::id::{ConnectionName, PersonId};
use countersign_core::people::NoOperator;
use countersign_engine::engine::Key;
use countersign_engine::fault::Fault;
use maud::{Markup, html};

/// What a form of the page is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Pause,
    Resume,
    Check,
}

impl Verb {
    /// What stands in the record of what was refused.
    fn as_str(self) -> &'static str {
        match self {
            Verb::Pause => "pause-connection",
            Verb::Resume => "resume-connection",
            Verb::Check => "check-connection",
        }
    }

    /// What is said in an address once it is kept.
    fn said(self) -> &'static str {
        match self {
            Verb::Pause => "paused",
            Verb::Resume => "resumed",
            Verb::Check => "checked",
        }
    }
}

/// What a page says beside what stands in the record.
#[derive(Default)]
struct Beside<'a> {
    /// What an address says was done.
    said: Option<String>,
    checked: Option<CheckView>,
    /// What was typed, and why it was not kept.
    not_kept: Option<(&'a str, String)>,
}

/// Shows it.
pub(super) async fn show(
    State(host): State<Host>,
    Place(name): Place<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    match guard::required(&host, &headers, uri.path()) {
        Ok(signed) => {
            let beside = Beside { said: parameter(&uri, "said"), ..Beside::default() };
            shown(&host, &signed, &name, StatusCode::OK, &beside).await
        }
        Err(to) => page::see_other(&to),
    }
}

/// Sends a browser that opens the address of a form to the page of the form.
pub(super) async fn again(Place(name): Place<String>) -> Response {
    page::see_other(&place(&name))
}

/// Pauses it.
pub(super) async fn pause(State(host): State<Host>, Place(name): Place<String>, form: Form) -> Response {
    change(&host, &name, Verb::Pause, &Change::Pause, &form).await
}

/// Lets it go on.
pub(super) async fn resume(State(host): State<Host>, Place(name): Place<String>, form: Form) -> Response {
    change(&host, &name, Verb::Resume, &Change::Resume, &form).await
}

/// Asks its target whether address, credential and permissions are right. Changes nothing there.
pub(super) async fn check(State(host): State<Host>, Place(name): Place<String>, form: Form) -> Response {
    let signed = match guard::required(&host, &form.headers, &place(&name)) {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let checked = match looks_after(&host, &signed.session.person, &name) {
        Ok(()) => connections::checked(&host, &name).await,
        Err(problem) => Err(problem),
    };
    match checked {
        Ok(checked) => {
            let beside = Beside { checked: Some(checked), ..Beside::default() };
            shown(&host, &signed, &name, StatusCode::OK, &beside).await
        }
        Err(problem) => not_kept(&host, &signed, (&name, Verb::Check), "", &problem).await,
    }
}

async fn change(host: &Host, name: &str, verb: Verb, change: &Change, form: &Form) -> Response {
    let signed = match guard::required(host, &form.headers, &place(name)) {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let person = &signed.session.person;
    let typed = form.field("words").replace("\r\n", "\n");
    if let Err(problem) = looks_after(host, person, name) {
        return not_kept(host, &signed, (name, verb), &typed, &problem).await;
    }
    let (reason, key) = match reason((person, name), verb, form, &typed) {
        Ok(said) => said,
        Err(why) => {
            let beside = Beside { not_kept: Some((&typed, why)), ..Beside::default() };
            return shown(host, &signed, name, StatusCode::UNPROCESSABLE_ENTITY, &beside).await;
        }
    };
    match connections::changed(host, name, change, (person, &reason), key).await {
        Ok(_) => page::see_other(&format!("{}?said={}", place(name), verb.said())),
        Err(problem) => not_kept(host, &signed, (name, verb), &typed, &problem).await,
    }
}

/// That a person looks after a connection. What is none is for nobody to look after but for operators, who are told.
fn looks_after(host: &Host, person: &PersonId, name: &str) -> Result<(), Problem> {
    let connection = ConnectionName::parse(name).ok();
    if host.engine.rulebook().directory().looks_after(person, connection.as_ref()) {
        return Ok(());
    }
    let refused = NotChanged::from(NoOperator { person: person.clone(), connection });
    Err(Fault::Connection(refused).into())
}

/// Why somebody does it, and what makes it said once.
fn reason(
    (person, name): (&PersonId, &str),
    verb: Verb,
    form: &Form,
    typed: &str,
) -> Result<(String, Key), String> {
    let once = form.field("once");
    if !is_once(once) {
        return Err("The form is not whole. Send the one below.".to_owned());
    }
    let reason = words(typed)?;
    if reason.is_empty() {
        return Err("Say why: it stands here for whoever meets it next.".to_owned());
    }
    let fingerprint = Digest::of_parts(&[name.as_bytes(), verb.as_str().as_bytes(), typed.as_bytes()]);
    Ok((reason, Key { key: format!("{person}/page/{once}/{}", verb.as_str()), fingerprint }))
}

/// Shows how it stands now, and that what was sent was not kept.
async fn not_kept(
    host: &Host,
    signed: &Signed,
    (name, verb): (&str, Verb),
    words: &str,
    problem: &Problem,
) -> Response {
    denied(host, signed, Try::of_page(verb.as_str(), name), problem);
    let beside = Beside { not_kept: Some((words, why_not(problem))), ..Beside::default() };
    shown(host, signed, name, problem.code().status(), &beside).await
}

fn place(name: &str) -> String {
    format!("/connections/{}", escaped(name))
}

async fn shown(
    host: &Host,
    signed: &Signed,
    name: &str,
    status: StatusCode,
    beside: &Beside<'_>,
) -> Response {
    let person = &signed.session.person;
    let (view, standing) = match found(host, person, name).await {
        Ok(found) => found,
        Err(problem) => return page::problem_to(person, &problem),
    };
    let rulebook = host.engine.rulebook();
    let clocks = Clocks { directory: rulebook.directory(), person, now: host.engine.now() };
    let body = html! {
        (told(&view, person, beside))
        p.purpose { (state(&view, clocks)) }
        @if let Some(reason) = view.paused.as_ref().and_then(|paused| paused.reason.as_ref()) { blockquote { (all(reason)) } }
        @if looks_after(host, person, name).is_ok() { (can(&view, &once(host), beside)) }
        (lists(&view, &standing, clocks))
        (facts(&view))
    };
    let title = format!("Connection {}", view.name);
    (status, framed(Here::Reconciliation, &title, person, &body)).into_response()
}

async fn found(host: &Host, person: &PersonId, name: &str) -> Result<(ConnectionView, Standing), Problem> {
    Ok((connections::one(host, name).await?, standing(host, person).await?))
}

/// What came of what was just sent. That something was kept is told only if the record says so too.
fn told(view: &ConnectionView, person: &PersonId, beside: &Beside<'_>) -> Markup {
    let by_hand = view.paused.as_ref().filter(|paused| paused.cause == BY_HAND);
    let is_own = by_hand.is_some_and(|paused| paused.owner == person.as_str());
    html! {
        @match beside.said.as_deref() {
            Some("paused") if is_own => p.kept role="status" { "You have paused it. Nothing more is sent there until somebody lets it go on." },
            Some("resumed") if by_hand.is_none() => p.kept role="status" {
                "Nobody keeps it paused by hand. "
                @if view.paused.is_none() { "What waited for it is sent within a minute." } @else { "Something else keeps it paused still." }
            },
            Some(_) | None => {},
        }
        @if let Some(checked) = &beside.checked { (answered(checked)) }
        @if let Some((words, why)) = &beside.not_kept {
            div.warn role="alert" {
                p { strong { "Nothing was kept. " } (why) }
                p { "This is how it stands now." }
                @if !words.is_empty() { p { "You wrote:" } blockquote { (words) } }
            }
        }
    }
}

/// What its target said.
fn answered(checked: &CheckView) -> Markup {
    html! {
        @if checked.result == "right" {
            p.kept role="status" { "Its target answers: address, credential and permissions are right." }
        } @else {
            div.warn role="status" {
                p { strong { "Its target was asked, and all is not right" } @if let Some(failure) = &checked.failure { " (" (failure) ")" } "." }
                @if let Some(detail) = &checked.detail { p { (all(&detail.message)) } }
            }
        }
    }
}

/// What whoever looks after it can do.
fn can(view: &ConnectionView, once: &str, beside: &Beside<'_>) -> Markup {
    let paused = view.paused.as_ref();
    let by_hand = paused.is_some_and(|paused| paused.cause == BY_HAND);
    let words = beside.not_kept.as_ref().map_or("", |(words, _)| words);
    let (to, label, button, does) = if by_hand {
        (
            "resumptions",
            "Why it may go on",
            "Let it go on",
            "What waits for it is sent within a minute, unless something else keeps it paused.",
        )
    } else {
        (
            "pauses",
            "Why it is paused",
            "Pause it",
            "What is on its way there ends. Everything else waits until somebody lets it go on.",
        )
    };
    html! {
        section #can aria-labelledby="can-heading" {
            h2 #can-heading { "What you can do" }
            @if let Some(paused) = paused.filter(|_| !by_hand) {
                p { (paused.owner) " answers for the exception that keeps it paused, and closes that."
                    @if let (Some(intent), Some(exception)) = (&paused.intent, &paused.exception) {
                        " " a href=(format!("/intents/{intent}/exceptions/{exception}")) { "See it" }
                    }
                }
            }
            @if view.state != WAITING {
                p.note { (does) }
                form method="post" action=(format!("/connections/{}/{to}", view.name)) {
                    input type="hidden" name="once" value=(once);
                    label for="words" { (label) }
                    textarea #words name="words" maxlength=(WORDS_CHARACTERS_MAX) required { "\n" (words) }
                    button { (button) }
                }
            }
            form method="post" action=(format!("/connections/{}/check", view.name)) {
                p.note { "Its target is asked whether address, credential and permissions are right. Nothing is changed there." }
                button.quiet { "Check it now" }
            }
        }
    }
}

fn lists(view: &ConnectionView, standing: &Standing, clocks: Clocks<'_>) -> Markup {
    html! {
        h2 #on-the-way { "On the way there" }
        @if standing.open_at(&view.name).next().is_none() { p { "Nothing that you may see." } }
        @else { (open(standing.open_at(&view.name), clocks)) }
        h2 #amiss { "Not as approved" }
        @if standing.amiss_at(&view.name).next().is_none() { p { "Of no write it is known that its target holds something else." } }
        @else { (amiss(standing.amiss_at(&view.name), clocks)) }
        (whole(standing))
    }
}

fn facts(view: &ConnectionView) -> Markup {
    html! {
        h2 { "How it is set up" }
        table {
            tbody {
                tr { th scope="row" { "connector" } td { (view.connector) " " (view.version) } }
                @if !view.digest.is_empty() { tr { th scope="row" { "digest" } td { code { (view.digest) } } } }
                @if !view.system.is_empty() { tr { th scope="row" { "system" } td { (view.system) } } }
                @for (name, to) in &view.endpoints { tr { th scope="row" { "endpoint " (name) } td { (to) } } }
                @for operation in &view.operations {
                    tr { th scope="row" { (operation.name) } td { "on " (operation.kind) ", " (operation.guarantee) @if operation.reversible { ", can be taken back" } @else { ", cannot be taken back" } } }
                }
                @for hook in &view.hooks { tr { th scope="row" { "hook" } td { (hook.path) ", proved by " (hook.verify) } } }
            }
        }
    }
}
