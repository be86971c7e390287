//! The form behind the link of a message: what is asked, what would be written, and one thing to say.
//!
//! Opening it changes nothing, however often and by whomever. It shows nothing before somebody has signed in, and
//! nothing to anybody but the person whom the message told. What they say is one command, with the revision and
//! the seal that the form showed, and is refused by the same table as from every other door.

use super::form::Form;
use super::guard::{self, Signed};
use super::page::{self, page, sentence};
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
use countersign_core::approval::command::{Command, Voice};
use countersign_core::approval::{Approval, PlannedEffect, Sight};
use countersign_core::hash::Digest;
use countersign_core::id::IntentId;
use countersign_core::intent::{FactValue, TokenValue};
use countersign_core::notice::About;
use countersign_core::notice::link::{self, Dead, LinkVerb, Linked, Told};
use countersign_core::notice::plain::plain;
use countersign_core::seal::Seal;
use countersign_engine::engine::{Key, Standing};
use maud::{Markup, html};

/// Most characters of what is asked and written that a person reads on one page. What is longer is not decided here:
/// nobody approves what they cannot be shown.
const PAGE_CHARACTERS_MAX: usize = 60_000;

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
    match host.engine.command(intent, by_link, Some(key)).await {
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
    let person = opened.signed.session.person.clone();
    let anew = "The form is not whole. Open the link again and send its form.";
    let revision: u32 = form.field("revision").parse().map_err(|_| anew)?;
    let seal = match form.field("seal") {
        "" => None,
        text => Some(Seal(Digest::parse(text).ok_or(anew)?)),
    };
    // What is decided about was shown, or nothing is decided.
    let case = opened.standing.approval.case();
    if matches!(opened.verb, LinkVerb::Approve | LinkVerb::Decline) && case.is_some() && seal.is_none() {
        return Err(anew);
    }
    if opened.verb == LinkVerb::Approve
        && let Some(why) = unreadable(&opened.standing.approval)
    {
        return Err(why);
    }
    let needed =
        || if words.is_empty() { Err("Say why, or what you want to know.") } else { Ok(words.to_owned()) };
    Ok(match opened.verb {
        LinkVerb::Approve => {
            Command::Decide { person, revision, seal, voice: Voice::Approve { note: words.to_owned() } }
        }
        LinkVerb::Decline => {
            Command::Decide { person, revision, seal, voice: Voice::Decline { reason: needed()? } }
        }
        LinkVerb::Ask => Command::Ask { person, revision, words: needed()? },
        LinkVerb::Answer => {
            let question =
                if let About::Question { question } = opened.told.about { Some(question) } else { None };
            Command::Answer { person, revision, question, words: needed()? }
        }
    })
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
    let unread = unreadable(approval);
    let body = html! {
        @if let Some(wrong) = wrong { p.warn role="alert" { (wrong) } }
        @match alive {
            Ok(()) => {
                @if let Some(why) = unread.filter(|_| opened.verb == LinkVerb::Approve) {
                    p.warn { (why) " Read it with " code { "countersign intent show " (approval.intent.id) }
                        " and approve it with " code { "countersign decide" } "." }
                } @else {
                    (form(approval, &sight, opened.verb, words))
                }
            }
            Err(dead) => {
                p.warn { (sentence(dead.as_str())) ". Nothing can be said through it." }
                p { "It stands like this now: " strong { (view.state) } "." }
            }
        }
        (asked(approval, &sight))
        (written(approval, &sight))
        (judged(&view))
    };
    let title = format!(
        "{}: {} asked by {}",
        heading(opened.verb),
        approval.intent.intent_type,
        approval.intent.requester
    );
    (status, page(&title, Some(person), &body)).into_response()
}

/// Why this page cannot show the whole of what would be approved.
fn unreadable(approval: &Approval) -> Option<&'static str> {
    let case = approval.case()?;
    if case.change.is_some() {
        return Some("This changes a policy, and the page cannot show what would change.");
    }
    if case.shared.is_some() {
        return Some(
            "This changes a file that all policies share, and the page cannot show what would change.",
        );
    }
    if case.readiness.is_some() {
        return Some("This lets an intent type go live, and the page cannot show what that rests on.");
    }
    let changes = case.writes.iter().flat_map(|planned| &planned.plan.changes);
    let written = changes.map(|change| change.before.to_string().len() + change.after.to_string().len());
    let remarks = case.writes.iter().flat_map(|planned| &planned.plan.remarks).map(String::len);
    let asked = approval.intent.tokens.values().map(length);
    (PAGE_CHARACTERS_MAX < written.chain(remarks).chain(asked).sum())
        .then_some("This is too long for the page.")
}

fn length(value: &TokenValue) -> usize {
    if let TokenValue::List(elements) = value {
        elements.iter().flat_map(|element| element.values()).map(length).sum()
    } else {
        value.to_string().len()
    }
}

/// A value, whole; the elements of a list one under the other.
fn whole(value: &TokenValue) -> Markup {
    html! {
        @if let TokenValue::List(elements) = value {
            ol {
                @for element in elements {
                    li { @for (name, value) in element.iter() { (name) ": " (whole(value)) br; } }
                }
            }
        } @else { (all(&value.to_string())) }
    }
}

/// All of a text, without what would hide or turn a part of it.
fn all(text: &str) -> String {
    plain(text, usize::MAX)
}

fn heading(verb: LinkVerb) -> &'static str {
    match verb {
        LinkVerb::Approve => "Approve",
        LinkVerb::Decline => "Decline",
        LinkVerb::Ask => "Ask",
        LinkVerb::Answer => "Answer",
    }
}

fn form(approval: &Approval, sight: &Sight, verb: LinkVerb, words: &str) -> Markup {
    // It is made of everything, also of what is not shown.
    let sealed = approval.case().filter(|_| sight.is_whole());
    let seal = sealed.map(|case| case.seal.to_string()).unwrap_or_default();
    let (label, needed) = match verb {
        LinkVerb::Approve => ("A note, if you like", false),
        LinkVerb::Decline => ("Why", true),
        LinkVerb::Ask => ("What you want to know from the requester", true),
        LinkVerb::Answer => ("Your answer", true),
    };
    html! {
        form method="post" {
            input type="hidden" name="revision" value=(approval.intent.revision);
            input type="hidden" name="seal" value=(seal);
            label for="words" { (label) }
            textarea #words name="words" maxlength=(WORDS_CHARACTERS_MAX) required[needed] { (words) }
            button { (heading(verb)) }
        }
    }
}

fn asked(approval: &Approval, sight: &Sight) -> Markup {
    let intent = &approval.intent;
    let facts = approval.case().map(|case| &case.facts);
    let facts = facts.into_iter().flatten().filter(|(name, _)| !sight.hides(name));
    let found: Vec<(String, String)> =
        facts.map(|(name, fact)| (name.to_string(), fact_words(fact))).collect();
    html! {
        table {
            caption { "What is asked, revision " (intent.revision) }
            tbody {
                tr { th scope="row" { "intent" } td { (intent.id) } }
                @for (name, value) in intent.tokens.iter().filter(|(name, _)| !sight.hides(name)) {
                    tr { th scope="row" { (name) } td { (whole(value)) } }
                }
                @for (name, fact) in &found {
                    tr { th scope="row" { (name) " (found)" } td { (all(fact)) } }
                }
            }
        }
    }
}

fn fact_words(fact: &FactValue) -> String {
    match fact {
        FactValue::Known(value) => value.to_string(),
        FactValue::Missing(why) => format!("not found: {why}"),
        FactValue::Stale => "found too long ago".to_owned(),
        FactValue::Each(facts) => facts.iter().map(fact_words).collect::<Vec<_>>().join("; "),
    }
}

fn written(approval: &Approval, sight: &Sight) -> Markup {
    let Some(case) = approval.case().filter(|_| sight.is_whole()) else { return html! {} };
    html! {
        h2 { "What an approval lets the host write" }
        @if let Some(council) = &case.council { p { (council) "." } }
        @if case.advisory { p { "Nothing: the decision is only recorded." } }
        @else if let Some(change) = &case.change {
            p { "Version " (change.version) " of the policy of " (change.of) "." }
        }
        @else if let Some(change) = &case.shared { p { "Version " (change.version) " of " (change.file) "." } }
        @else if let Some(ready) = &case.readiness { p { "Intents of type " (ready.of) "." } }
        @else if case.writes.is_empty() { p { "Nothing." } }
        @for planned in &case.writes { (write(planned)) }
    }
}

fn write(planned: &PlannedEffect) -> Markup {
    html! {
        table {
            caption { (planned.connection) ", " (all(&planned.plan.subject.to_string())) }
            thead { tr { th scope="col" { "field" } th scope="col" { "now" } th scope="col" { "then" } } }
            tbody {
                @for change in &planned.plan.changes {
                    tr {
                        th scope="row" { (all(&change.name)) }
                        td data-of="now" { (all(&change.before.to_string())) }
                        td data-of="then" { (all(&change.after.to_string())) }
                    }
                }
            }
        }
        @for remark in &planned.plan.remarks { p data-of="remark" { (all(remark)) } }
    }
}

fn judged(view: &IntentView) -> Markup {
    html! {
        @if let Some(evaluation) = &view.evaluation {
            h2 { "What the policy says" }
            ul { @for words in &evaluation.words { li { (all(words)) } } }
        }
        @if !view.seats.is_empty() {
            h2 { "Who decides" }
            table {
                thead { tr { th scope="col" { "whom" } th scope="col" { "state" } th scope="col" { "approved by" } th scope="col" { "due" } } }
                tbody {
                    @for seat in &view.seats {
                        tr {
                            th scope="row" { (seat.whom) }
                            td data-of="state" { (seat.state) }
                            td data-of="approved by" { (if seat.approved.is_empty() { "nobody yet".to_owned() } else { seat.approved.join(", ") }) }
                            td data-of="due" { (seat.due.as_deref().unwrap_or("")) }
                        }
                    }
                }
            }
        }
    }
}

fn done(host: &Host, opened: &Opened, standing: &Standing) -> Response {
    let person = &opened.signed.session.person;
    let rulebook = host.engine.rulebook();
    let looking = Looking { person, rulebook: &rulebook, now: host.engine.now() };
    let Some(view) = IntentView::of(&standing.approval, looking) else { return nothing() };
    let sight = rulebook.sight(&standing.approval, person, host.engine.now());
    let kept = match opened.verb {
        LinkVerb::Approve => "Your approval is kept",
        LinkVerb::Decline => "Your decline is kept",
        LinkVerb::Ask => "Your question is kept",
        LinkVerb::Answer => "Your answer is kept",
    };
    let body = html! {
        p role="status" { "It stands like this now: " strong { (view.state) } "." }
        @if let Some(progress) = &view.progress { p { (progress.words) } }
        (asked(&standing.approval, &sight))
    };
    page(kept, Some(person), &body).into_response()
}
