//! One intent: what would be written, what was asked, what the policy says, who decides, what happened; and what
//! whoever looks can say about it.
//!
//! Whatever they say is one command, with the revision and the seal that the page showed, and is refused by the same
//! table as from every other door.

use super::form::{Form, parameter, words};
use super::guard::{self, Signed};
use super::page::{self, Here, framed, sentence};
use super::part::moment::Clocks;
use super::part::say::{Fields, Sent, Verb, command, form};
use super::part::waits::{Reason, reasons};
use super::part::{all, asked, changed, judged, plan, seats, settled, story};
use crate::api;
use crate::api::view::intent::Looking;
use crate::api::view::{IntentView, TimelineView};
use crate::asked::Place;
use crate::denied::{self, Try};
use crate::door::Caller;
use crate::problem::Problem;
use crate::sign_in::bits;
use crate::state::Host;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use countersign_core::approval::Sight;
use countersign_core::approval::command::Command;
use countersign_core::approval::event::Entry;
use countersign_core::hash::Digest;
use countersign_core::id::{IntentId, PersonId};
use countersign_core::notice::words::title;
use countersign_engine::engine::{Key, Standing};
use countersign_engine::port::store::Position;
use data_encoding::HEXLOWER;
use maud::{Markup, html};

/// An intent that is for whoever looks.
pub(super) struct Looked {
    pub(super) standing: Standing,
    pub(super) entries: Vec<Entry>,
    pub(super) sight: Sight,
    /// A place of the log up to which all is looked at.
    seen: Position,
}

/// What a page says beside what stands in the record.
#[derive(Default)]
struct Beside<'a> {
    /// What was just said and kept.
    kept: Option<Verb>,
    /// What was just said and not kept, with its words and why.
    not_kept: Option<(Option<Verb>, &'a str, &'a str)>,
}

/// Shows it.
pub(super) async fn show(
    State(host): State<Host>,
    Place(name): Place<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let signed = match guard::required(&host, &headers, uri.path()) {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    match look(&host, &signed.session.person, &name).await {
        Ok(looked) => {
            let kept = parameter(&uri, "said").and_then(|verb| Verb::parse(&verb));
            shown(&host, &signed, &looked, StatusCode::OK, &Beside { kept, not_kept: None })
        }
        Err(problem) => {
            denied(&host, &signed, Try::of_page("show", &name), &problem);
            refused(&signed, &problem)
        }
    }
}

/// Sends a browser that opens the address of the form to the page of the form.
pub(super) async fn again(Place(name): Place<String>) -> Response {
    page::see_other(&address(&name))
}

/// Does what a form of the page asks for.
pub(super) async fn act(State(host): State<Host>, Place(name): Place<String>, form: Form) -> Response {
    let signed = match guard::required(&host, &form.headers, &address(&name)) {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let person = &signed.session.person;
    let tried = Try::of_page(form.field("verb"), &name);
    let looked = match look(&host, person, &name).await {
        Ok(looked) => looked,
        Err(problem) => {
            denied(&host, &signed, tried, &problem);
            return refused(&signed, &problem);
        }
    };
    let verb = Verb::parse(form.field("verb"));
    // Browsers end the lines of a form as mails do.
    let typed = form.field("words").replace("\r\n", "\n");
    let approval = &looked.standing.approval;
    let (verb, command, key) = match said(&looked, person, &form, &typed) {
        Ok(said) => said,
        Err(wrong) => {
            let beside = Beside { kept: None, not_kept: Some((verb, &typed, &wrong)) };
            return shown(&host, &signed, &looked, StatusCode::UNPROCESSABLE_ENTITY, &beside);
        }
    };
    let of = approval.intent.id;
    match api::once(|| host.engine.command(of, command.clone(), Some(key.clone()))).await {
        Ok(_) => page::see_other(&format!("{}?said={}", address(&name), verb.as_str())),
        Err(fault) => {
            let problem = Problem::from(fault);
            denied(&host, &signed, tried, &problem);
            let wrong = why_not(&problem);
            match look(&host, person, &name).await {
                Ok(now) => {
                    let beside = Beside { kept: None, not_kept: Some((Some(verb), &typed, &wrong)) };
                    shown(&host, &signed, &now, problem.code().status(), &beside)
                }
                Err(problem) => refused(&signed, &problem),
            }
        }
    }
}

/// Why something was not kept, in the words of a page.
pub(super) fn why_not(problem: &Problem) -> String {
    if problem.code().code == OTHER_WORDS {
        return "This form was sent before with other words, and those are kept. Send it again if you mean these too."
            .to_owned();
    }
    let (what, next) = problem.said();
    format!("{}. {}.", sentence(what), sentence(next))
}

/// What a form says, and what makes it said once.
fn said(
    looked: &Looked,
    person: &PersonId,
    form: &Form,
    typed: &str,
) -> Result<(Verb, Command, Key), String> {
    let anew = || "The form is not whole. Send the one below.".to_owned();
    let verb = Verb::parse(form.field("verb")).ok_or_else(anew)?;
    let words = words(typed)?;
    let once = form.field("once");
    if !is_once(once) {
        return Err(anew());
    }
    let question = match form.field("question") {
        "" => None,
        number => Some(number.parse().map_err(|_| anew())?),
    };
    let sent =
        Sent { verb, revision: form.field("revision"), seal: form.field("seal"), question, words: &words };
    let approval = &looked.standing.approval;
    let command = command(approval, person, sent)?;
    let fields = ["verb", "revision", "seal", "question", "words"].map(|name| form.field(name).as_bytes());
    let intent = approval.intent.id.to_string();
    let parts: Vec<&[u8]> = [intent.as_bytes()].into_iter().chain(fields).collect();
    // A page has several forms, and each may be sent.
    let form = format!("{}/{}", verb.as_str(), form.field("question"));
    let key = Key { key: format!("{person}/page/{once}/{form}"), fingerprint: Digest::of_parts(&parts) };
    Ok((verb, command, key))
}

/// The code of a key that was used for something else.
const OTHER_WORDS: &str = "CS-E0213";

/// Length of what makes a second click the same decision: 128 random bits.
const ONCE_CHARACTERS: usize = 32;

/// Whether a form brought back what makes it said once.
pub(super) fn is_once(text: &str) -> bool {
    text.len() == ONCE_CHARACTERS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// An intent, if it is for a person; else the same answer as if there were none.
pub(super) async fn look(host: &Host, person: &PersonId, name: &str) -> Result<Looked, Problem> {
    let intent: IntentId = name.parse().map_err(|_| Problem::no_intent())?;
    let seen = host.engine.health().position;
    let standing = host.engine.read(intent).await?;
    let sight = host.engine.rulebook().sight(&standing.approval, person, host.engine.now());
    if sight == Sight::Nothing {
        return Err(Problem::no_intent());
    }
    let entries = host.engine.entries(intent).await?;
    Ok(Looked { standing, entries, sight, seen })
}

/// Puts on record that something is not for whoever tried it.
pub(super) fn denied(host: &Host, signed: &Signed, tried: Try, problem: &Problem) {
    // A browser has no token.
    let caller = Caller { person: signed.session.person.clone(), token: String::new() };
    denied::look(host, &caller, tried, problem);
}

pub(super) fn refused(signed: &Signed, problem: &Problem) -> Response {
    if !problem.hides_intent() {
        return page::problem_to(&signed.session.person, problem);
    }
    let body = html! {
        p { "It may never have been, or it is not for you. Check the address, or look in the lists." }
        p { a.button href="/inbox" { "Waiting for you" } a.button.quiet href="/intents" { "All intents" } }
    };
    let page = framed(Here::Nowhere, "There is no such intent", &signed.session.person, &body);
    (StatusCode::NOT_FOUND, page).into_response()
}

fn address(name: &str) -> String {
    format!("/intents/{}", super::form::escaped(name))
}

fn shown(host: &Host, signed: &Signed, looked: &Looked, status: StatusCode, beside: &Beside<'_>) -> Response {
    let (person, approval) = (&signed.session.person, &looked.standing.approval);
    let rulebook = host.engine.rulebook();
    let now = host.engine.now();
    let looking = Looking { person, rulebook: &rulebook, now };
    let Some(view) = IntentView::of(approval, looking) else {
        return refused(signed, &Problem::no_intent());
    };
    host.signing.sessions.shows(&signed.cookie, approval.intent.id);
    let clocks = Clocks { directory: rulebook.directory(), person, now };
    let timeline = TimelineView::of(&looked.entries, &looked.sight);
    let can = can(looked, &view, &once(host), beside);
    let body = html! {
        (told(&view, &timeline, person, beside))
        (head((&view, looked.seen), &reasons(approval, looking), clocks, can.is_some()))
        (plan::written(approval, &view, rulebook.intent_type(&approval.intent.intent_type)))
        (changed::policy(approval, &view, &rulebook))
        (asked::asked(approval, &looked.sight, asked::before(&looked.entries)))
        @if let Some(evaluation) = &view.evaluation { (judged::judged(evaluation)) (judged::explained(evaluation)) }
        (can.unwrap_or_default())
        (seats::seats(&view, clocks))
        (settled::effects(&view))
        (settled::exceptions(&view, clocks))
        (story::story(&view, &timeline, clocks))
    };
    let title = sentence(&all(&title(approval, &rulebook, &looked.sight)));
    (status, framed(Here::Nowhere, &title, person, &body)).into_response()
}

/// What came of what was just said. That something was kept is told only if the record says so too: anybody can write
/// an address.
fn told(view: &IntentView, timeline: &TimelineView, person: &PersonId, beside: &Beside<'_>) -> Markup {
    let kept = beside.kept.filter(|verb| {
        let is_it = |event: &str| verb.events().contains(&event);
        timeline.entries.iter().any(|entry| entry.by == person.as_str() && is_it(&entry.event))
    });
    html! {
        @if let Some(verb) = kept { p.kept role="status" { (verb.kept()) ". It stands like this now: " strong { (view.state) } "." } }
        @if let Some((verb, words, why)) = &beside.not_kept {
            div.warn role="alert" {
                p { strong { "Nothing was kept. " } (why) }
                p { "This is how it stands now." }
                // Nothing that was typed is lost where its form is not offered any more.
                @if !words.is_empty() && !verb.is_some_and(|verb| view.can.iter().any(|can| can == verb.as_str())) {
                    p { "You wrote:" }
                    blockquote { (words) }
                }
            }
        }
    }
}

fn head(
    (view, seen): (&IntentView, Position),
    reasons: &[Reason],
    clocks: Clocks<'_>,
    decides: bool,
) -> Markup {
    html! {
        p.purpose data-live=(seen.0) {
            span.state { (view.state) } " "
            @if view.trial { "trial of a draft, " }
            "revision " (view.revision) ", asked by " (view.requester)
            @if let Some(answers) = &view.answers { ", for which " (answers) " answers" }
            ", " (clocks.past(&view.submitted))
        }
        @if view.progress.is_some() { p { (seats::progress(view)) "." } }
        @if let Some(outcome) = &view.outcome {
            p {
                (outcome.decision) " by " (outcome.by.join(", "))
                @if outcome.authority == "override" { ", against the policy" }
                @if let Some(reason) = &outcome.reason { ": " (all(reason)) }
            }
        }
        @if let Some(returned) = &view.returned {
            p.warn { "Sent back by " (returned.by) ": " (all(&returned.reason)) ". It is declined " (clocks.exact(&returned.until)) " unless the requester changes it." }
        }
        @if let Some(why) = &view.reconsidered { p.warn { "Decided anew, as its record was changed elsewhere before anything was written: " (all(why)) } }
        @if let Some(broken) = &view.broken { p.warn { strong { "Glass broken" } " by " (broken.by) ": " (all(&broken.reason)) } }
        @if let Some(what) = &view.overridden { p.warn { strong { "Override" } " by " (what.by) " (" (what.override_reason) "): " (all(&what.reason)) } }
        @if !reasons.is_empty() {
            div.yours {
                p { strong { "It waits for you." } }
                @for reason in reasons { p { (all(&reason.words)) @if let Some(due) = &reason.due { ": " (clocks.due(due)) } } }
                @if decides { p { a.button href="#can" { "Go to the decision" } } }
            }
        }
    }
}

/// Every form that whoever looks can send now.
fn can(looked: &Looked, view: &IntentView, once: &str, beside: &Beside<'_>) -> Option<Markup> {
    let approval = &looked.standing.approval;
    let verbs: Vec<Verb> =
        Verb::ALL.into_iter().filter(|verb| view.can.iter().any(|can| can == verb.as_str())).collect();
    if verbs.is_empty() {
        return None;
    }
    let to = format!("/intents/{}/decisions", view.id);
    let fields = |verb: Verb, question| Fields {
        verb,
        to: Some(&to),
        once: Some(once),
        question,
        words: beside.not_kept.filter(|(last, ..)| *last == Some(verb)).map_or("", |(_, words, _)| words),
    };
    let one = |verb: Verb, question| html! { p.note { (verb.does()) } (form(approval, &looked.sight, fields(verb, question))) };
    let other = view.can.iter().filter(|can| Verb::parse(can).is_none());
    let other: Vec<&str> = other.map(String::as_str).collect();
    let is_last = |verb: Verb| beside.not_kept.is_some_and(|(last, ..)| last == Some(verb));
    Some(html! {
        section #can aria-labelledby="can-heading" {
            h2 #can-heading { "What you can do" }
            @for verb in verbs {
                @match (verb, plan::unreadable(approval)) {
                    (Verb::Approve, Some(why)) => {
                        p.warn { (why) " Read it with " code { "countersign intent show " (view.id) }
                            " and approve it with " code { "countersign decide" } "." }
                    },
                    (Verb::Approve, None) => (one(verb, None)),
                    (Verb::Answer, _) => {
                        @for question in view.questions.iter().filter(|question| question.state == "open") {
                            blockquote { (all(&question.words)) }
                            (one(verb, Some(question.number)))
                        }
                    },
                    (_, _) => details open[is_last(verb)] { summary { (verb.button()) } (one(verb, None)) },
                }
            }
            @if !other.is_empty() {
                p.note { "On the command line you can also: " (other.join(", ")) ". " code { "countersign intent --help" } " says how." }
            }
        }
    })
}

/// What makes a second click on one page the same decision.
pub(super) fn once(host: &Host) -> String {
    bits(&*host.chance).get(..ONCE_CHARACTERS / 2).map(|bytes| HEXLOWER.encode(bytes)).unwrap_or_default()
}
