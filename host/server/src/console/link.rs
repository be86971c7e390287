//! The form behind the link of a message: what is asked, what would be written, and one thing to say.
//!
//! Opening it changes nothing, however often and by whomever. It shows nothing before somebody has signed in, and
//! nothing to anybody but the person whom the message told. What they say is one command, with the revision and
//! the seal that the form showed, and is refused by the same table as from every other door.

use super::form::Form;
use super::guard::{self, Signed};
use super::page::{self, page, sentence};
use super::part::asked::asked;
use super::part::changed;
use super::part::judged::judged;
use super::part::moment::Clocks;
use super::part::plan::{unreadable, written};
use super::part::say::{Fields, Sent, Verb, command, form};
use super::part::seats::seats;
use crate::api;
use crate::api::view::IntentView;
use crate::api::view::intent::Looking;
use crate::asked::Place;
use crate::denied::{self, Try};
use crate::door::Caller;
use crate::limits::WORDS_CHARACTERS_MAX;
use crate::problem::Problem;
use crate::state::Host;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use countersign_core::approval::Sight;
use countersign_core::approval::command::Command;
use countersign_core::hash::Digest;
use countersign_core::id::IntentId;
use countersign_core::notice::About;
use countersign_core::notice::link::{self, Dead, LinkVerb, Linked, Told};
use countersign_engine::engine::{Key, Standing};
use maud::html;

/// The parts of a link's address: intent, notice, verb, code.
type Parts = (String, u32, String, String);

/// What a link leads to, once it is known who opened it.
struct Opened {
    signed: Signed,
    standing: Standing,
    notice: u32,
    verb: LinkVerb,
    told: Told,
}

/// Shows what the link is for.
pub(super) async fn show(
    State(host): State<Host>,
    Place(parts): Place<Parts>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    match opened(&host, &headers, uri.path(), parts).await {
        Ok(opened) => shown(&host, &opened, StatusCode::OK, "", None),
        Err(response) => response,
    }
}

/// Does what the link is for.
pub(super) async fn act(
    State(host): State<Host>,
    Place(parts): Place<Parts>,
    uri: Uri,
    form: Form,
) -> Response {
    let tried = Try::of_link(&parts.2, &parts.0);
    let opened = match opened(&host, &form.headers, uri.path(), parts).await {
        Ok(opened) => opened,
        Err(response) => {
            // Whoever only looks leaves nothing behind: browsers and mail scanners open links by themselves.
            let signed = guard::signed(&host, &form.headers);
            if let Some(signed) = signed.filter(|_| response.status() == StatusCode::NOT_FOUND) {
                denied(&host, &signed, tried, &Problem::no_intent());
            }
            return response;
        }
    };
    let words = form.field("words").trim();
    if WORDS_CHARACTERS_MAX < words.chars().count() {
        let wrong = format!("Your words are longer than {WORDS_CHARACTERS_MAX} characters.");
        return shown(&host, &opened, StatusCode::UNPROCESSABLE_ENTITY, words, Some(&wrong));
    }
    let command = match said(&opened, &form, words) {
        Ok(command) => command,
        Err(wrong) => return shown(&host, &opened, StatusCode::UNPROCESSABLE_ENTITY, words, Some(wrong)),
    };
    let intent = opened.standing.approval.intent.id;
    // A second click on the same form is the same decision.
    let fields = ["revision", "seal", "words"].map(|name| form.field(name).as_bytes());
    let key = Key {
        key: format!("{}/link/{}", opened.signed.session.person, Digest::of(uri.path().as_bytes())),
        fingerprint: Digest::of_parts(&[uri.path().as_bytes(), fields[0], fields[1], fields[2]]),
    };
    let by_link = Command::ByLink { notice: opened.notice, command: Box::new(command) };
    match api::once(|| host.engine.command(intent, by_link.clone(), Some(key.clone()))).await {
        Ok(standing) => done(&host, &opened, &standing),
        Err(fault) => {
            let problem = Problem::from(fault);
            denied(&host, &opened.signed, tried, &problem);
            let (what, next) = problem.said();
            let wrong = format!("{}. {}.", sentence(what), sentence(next));
            match host.engine.read(intent).await {
                Ok(standing) => {
                    shown(&host, &Opened { standing, ..opened }, problem.code().status(), words, Some(&wrong))
                }
                Err(_) => page::problem(&problem),
            }
        }
    }
}

/// Who opened which link. Whatever is wrong with an address, the answer is the same: nobody learns from it which
/// intents there are and whom they wait for.
async fn opened(
    host: &Host,
    headers: &HeaderMap,
    path: &str,
    (intent, notice, verb, code): Parts,
) -> Result<Opened, Response> {
    let signed = guard::required(host, headers, path).map_err(|to| page::see_other(&to))?;
    let verb = LinkVerb::parse(&verb).ok_or_else(nothing)?;
    let intent: IntentId = intent.parse().map_err(|_| nothing())?;
    let links = host.signing.by.links.as_ref().ok_or_else(nothing)?;
    let standing = match host.engine.read(intent).await {
        Ok(standing) => standing,
        Err(fault) => {
            let problem = Problem::from(fault);
            return Err(if problem.code().status == 404 { nothing() } else { page::problem(&problem) });
        }
    };
    let sight = host.engine.rulebook().sight(&standing.approval, &signed.session.person, host.engine.now());
    if sight == Sight::Nothing {
        return Err(nothing());
    }
    let told = standing.approval.notices.linked.get(&notice).cloned().ok_or_else(nothing)?;
    let linked = Linked { intent, notice, to: &told.to, revision: told.revision };
    if !links.key.is_of(&code, &linked, verb) || told.to != signed.session.person {
        return Err(nothing());
    }
    Ok(Opened { signed, standing, notice, verb, told })
}

/// Puts on record that somebody may not do what a link is for.
fn denied(host: &Host, signed: &Signed, tried: Try, problem: &Problem) {
    // A browser has no token.
    let caller = Caller { person: signed.session.person.clone(), token: String::new() };
    denied::look(host, &caller, tried, problem);
}

fn nothing() -> Response {
    page::said(
        StatusCode::NOT_FOUND,
        "There is nothing for you behind this link",
        "It may be cut off, or meant for somebody else: open the whole link of a message that you got yourself.",
    )
}

/// The command that the form asks for.
fn said(opened: &Opened, form: &Form, words: &str) -> Result<Command, &'static str> {
    let question = if let About::Question { question } = opened.told.about { Some(question) } else { None };
    let (revision, seal) = (form.field("revision"), form.field("seal"));
    let sent = Sent { verb: opened.verb.into(), revision, seal, question, words };
    command(&opened.standing.approval, &opened.signed.session.person, sent)
}

fn shown(host: &Host, opened: &Opened, status: StatusCode, words: &str, wrong: Option<&str>) -> Response {
    let approval = &opened.standing.approval;
    let person = &opened.signed.session.person;
    let rulebook = host.engine.rulebook();
    let looking = Looking { person, rulebook: &rulebook, now: host.engine.now() };
    let Some(view) = IntentView::of(approval, looking) else { return nothing() };
    let sight = rulebook.sight(approval, person, host.engine.now());
    let alive = link::alive(approval, opened.notice, opened.verb).map(|_| ());
    // A link that lives can still be for something that is not possible now, such as a seat that others claimed.
    let alive = alive.and_then(|()| {
        if view.can.iter().any(|can| can == opened.verb.as_str()) { Ok(()) } else { Err(Dead::Over) }
    });
    let (verb, unread) = (Verb::from(opened.verb), unreadable(approval));
    let body = html! {
        @if let Some(wrong) = wrong { p.warn role="alert" { (wrong) } }
        @match alive {
            Ok(()) => {
                @if let Some(why) = unread.filter(|_| opened.verb == LinkVerb::Approve) {
                    p.warn { (why) " Read it with " code { "countersign intent show " (approval.intent.id) }
                        " and approve it with " code { "countersign decide" } "." }
                } @else {
                    (form(approval, &sight, Fields { verb, to: None, once: None, question: None, words }))
                }
            }
            Err(dead) => {
                p.warn { (sentence(dead.as_str())) ". Nothing can be said through it." }
                p { "It stands like this now: " strong { (view.state) } "." }
            }
        }
        (asked(approval, &sight, None))
        (written(approval, &view, rulebook.intent_type(&approval.intent.intent_type)))
        (changed::policy(approval, &view, &rulebook))
        @if let Some(evaluation) = &view.evaluation { (judged(evaluation)) }
        (seats(&view, Clocks { directory: rulebook.directory(), person, now: looking.now }))
    };
    let title =
        format!("{}: {} asked by {}", verb.button(), approval.intent.intent_type, approval.intent.requester);
    (status, page(&title, Some(person), &body)).into_response()
}

fn done(host: &Host, opened: &Opened, standing: &Standing) -> Response {
    let person = &opened.signed.session.person;
    let rulebook = host.engine.rulebook();
    let looking = Looking { person, rulebook: &rulebook, now: host.engine.now() };
    let Some(view) = IntentView::of(&standing.approval, looking) else { return nothing() };
    let sight = rulebook.sight(&standing.approval, person, host.engine.now());
    let body = html! {
        p role="status" { "It stands like this now: " strong { (view.state) } "." }
        @if let Some(progress) = &view.progress { p { (progress.words) } }
        (asked(&standing.approval, &sight, None))
    };
    page(Verb::from(opened.verb).kept(), Some(person), &body).into_response()
}
