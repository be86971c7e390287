//! One connector: its builds, what each asks for beside the one in force, how what it serves is doing, what happened to
//! it; and for operators, which build serves.

use super::connectors::{address, stands};
use super::form::{Form, parameter, words};
use super::guard::{self, Signed};
use super::intent::{denied, is_once, once, why_not};
use super::page::{self, Here, framed, sentence};
use super::part::changed::short;
use super::part::moment::Clocks;
use super::part::{all, named};
use super::reconciliation::{self, state};
use crate::api::view::{BuildView, ConnectionView, ConnectorEntryView, ConnectorView};
use crate::api::{connections, connectors};
use crate::asked::Place;
use crate::denied::Try;
use crate::limits::{PAGE_ROWS, WORDS_CHARACTERS_MAX};
use crate::problem::Problem;
use crate::state::Host;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use countersign_core::connection::NotChanged;
use countersign_core::connector::Change;
use countersign_core::connector::candidate::Share;
use countersign_core::hash::Digest;
use countersign_core::id::PersonId;
use countersign_core::people::NoOperator;
use countersign_engine::engine::Key;
use countersign_engine::fault::Fault;
use maud::{Markup, html};

/// Percent of the intents that a form offers to a candidate.
const SHARE_PERCENT: u8 = 10;

/// What a form of the page is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Activate,
    RollBack,
    Quarantine,
    Release,
    Remove,
}

impl Verb {
    /// What stands in the record of what was refused.
    fn as_str(self) -> &'static str {
        match self {
            Verb::Activate => "activate-connector",
            Verb::RollBack => "roll-back-connector",
            Verb::Quarantine => "quarantine-connector",
            Verb::Release => "release-connector",
            Verb::Remove => "remove-connector",
        }
    }

    /// The last part of the address of its form.
    fn below(self) -> &'static str {
        match self {
            Verb::Activate => "activations",
            Verb::RollBack => "rollbacks",
            Verb::Quarantine => "quarantines",
            Verb::Release => "releases",
            Verb::Remove => "removals",
        }
    }

    /// What the history calls what came of it.
    fn events(self) -> &'static [&'static str] {
        match self {
            Verb::Activate => &["activated", "canary", "shadow"],
            Verb::RollBack => &["rolled-back", "dropped"],
            Verb::Quarantine => &["quarantined"],
            Verb::Release => &["released"],
            Verb::Remove => &["removed"],
        }
    }

    fn button(self) -> &'static str {
        match self {
            Verb::Activate => "Put it in force",
            Verb::RollBack => "Go back",
            Verb::Quarantine => "Put it in quarantine",
            Verb::Release => "Let it out of quarantine",
            Verb::Remove => "Take it away",
        }
    }

    fn asks_why(self) -> &'static str {
        match self {
            Verb::Activate => "Why it is put in force",
            Verb::RollBack => "Why it goes back",
            Verb::Quarantine => "Why it is called no more",
            Verb::Release => "Why it may be called again",
            Verb::Remove => "Why it is taken away",
        }
    }

    fn does(self) -> &'static str {
        match self {
            Verb::Activate => "What is on its way ends with the build that planned it.",
            Verb::RollBack => {
                "A build that plans a share of the intents or in the shadow plans nothing any more; else what was in force before is so again."
            }
            Verb::Quarantine => {
                "It is called no more, whatever it has planned. If it serves, what served before does again."
            }
            Verb::Release => "It may be called again. It serves nothing until somebody puts it in force.",
            Verb::Remove => {
                "Its component is deleted. What it has planned and is not written becomes an exception."
            }
        }
    }

    /// What can be done with a build that stands so.
    fn of(build: &BuildView) -> &'static [Verb] {
        match build.state.as_str() {
            "active" => &[Verb::Quarantine],
            "held" => &[Verb::Quarantine, Verb::Remove],
            "canary" | "shadow" | "tried" => &[Verb::Activate, Verb::Quarantine],
            "quarantined" => &[Verb::Release, Verb::Remove],
            _ => &[Verb::Activate, Verb::Quarantine, Verb::Remove],
        }
    }
}

/// What a page says beside what stands in the record.
#[derive(Default)]
struct Beside<'a> {
    /// What an address says was done.
    said: Option<String>,
    /// What was tried with which build, what was typed, and why it was not kept.
    not_kept: Option<NotKept<'a>>,
}

struct NotKept<'a> {
    verb: Verb,
    digest: &'a str,
    words: &'a str,
    why: String,
}

/// Shows it.
pub(super) async fn show(
    State(host): State<Host>,
    Place(id): Place<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    match guard::required(&host, &headers, uri.path()) {
        Ok(signed) => {
            let beside = Beside { said: parameter(&uri, "said"), ..Beside::default() };
            shown(&host, &signed, &id, StatusCode::OK, &beside).await
        }
        Err(to) => page::see_other(&to),
    }
}

/// Sends a browser that opens the address of a form to the page of the form.
pub(super) async fn again(Place(id): Place<String>) -> Response {
    page::see_other(&place(&id))
}

/// Puts a build in force, or has it tried.
pub(super) async fn activate(State(host): State<Host>, Place(id): Place<String>, form: Form) -> Response {
    act(&host, &id, Verb::Activate, &form).await
}

/// Goes back to what was so before.
pub(super) async fn roll_back(State(host): State<Host>, Place(id): Place<String>, form: Form) -> Response {
    act(&host, &id, Verb::RollBack, &form).await
}

/// Has a build called no more.
pub(super) async fn quarantine(State(host): State<Host>, Place(id): Place<String>, form: Form) -> Response {
    act(&host, &id, Verb::Quarantine, &form).await
}

/// Lets a build be called again.
pub(super) async fn release(State(host): State<Host>, Place(id): Place<String>, form: Form) -> Response {
    act(&host, &id, Verb::Release, &form).await
}

/// Takes a build away.
pub(super) async fn remove(State(host): State<Host>, Place(id): Place<String>, form: Form) -> Response {
    act(&host, &id, Verb::Remove, &form).await
}

async fn act(host: &Host, id: &str, verb: Verb, form: &Form) -> Response {
    let signed = match guard::required(host, &form.headers, &place(id)) {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let person = &signed.session.person;
    let typed = form.field("words").replace("\r\n", "\n");
    let not_kept = |why| NotKept { verb, digest: form.field("digest"), words: &typed, why };
    let tried = Try::of_page(verb.as_str(), id);
    let done = match (operates(host, person), said(host, person, (id, verb), form, &typed)) {
        (Err(problem), _) => Err(problem),
        (Ok(()), Err(why)) => {
            let beside = Beside { not_kept: Some(not_kept(why)), ..Beside::default() };
            return shown(host, &signed, id, StatusCode::UNPROCESSABLE_ENTITY, &beside).await;
        }
        (Ok(()), Ok((change, reason, key))) => {
            connectors::changed(host, id, &change, (person, &reason), key).await
        }
    };
    match done {
        Ok(()) => page::see_other(&format!("{}?said={}", place(id), verb.below())),
        Err(problem) => {
            denied(host, &signed, tried, &problem);
            let beside = Beside { not_kept: Some(not_kept(why_not(&problem))), ..Beside::default() };
            shown(host, &signed, id, problem.code().status(), &beside).await
        }
    }
}

/// That a person operates the house: a connector concerns more than one connection.
fn operates(host: &Host, person: &PersonId) -> Result<(), Problem> {
    if host.engine.rulebook().directory().looks_after(person, None) {
        return Ok(());
    }
    let refused = NotChanged::from(NoOperator { person: person.clone(), connection: None });
    Err(Fault::Connection(refused).into())
}

/// What a form asks for, why, and what makes it said once.
fn said(
    host: &Host,
    person: &PersonId,
    (id, verb): (&str, Verb),
    form: &Form,
    typed: &str,
) -> Result<(Change, String, Key), String> {
    let once = form.field("once");
    if !is_once(once) {
        return Err("The form is not whole. Send the one below.".to_owned());
    }
    let change = change(host, verb, form)?;
    let reason = words(typed)?;
    if reason.is_empty() {
        return Err("Say why: it stands here for whoever meets it next.".to_owned());
    }
    let fields = ["digest", "way", "share", "words"].map(|name| form.field(name).as_bytes());
    let parts: Vec<&[u8]> = [id.as_bytes(), verb.as_str().as_bytes()].into_iter().chain(fields).collect();
    // A page has a form for each build, and each may be sent.
    let key = format!("{person}/page/{once}/{}/{}", verb.as_str(), short(form.field("digest")));
    Ok((change, reason, Key { key, fingerprint: Digest::of_parts(&parts) }))
}

fn change(host: &Host, verb: Verb, form: &Form) -> Result<Change, String> {
    if verb == Verb::RollBack {
        return Ok(Change::RollBack);
    }
    let whole = || "The form is not whole. Send the one below.".to_owned();
    let digest = Digest::parse(form.field("digest")).ok_or_else(whole)?;
    match verb {
        Verb::Quarantine => Ok(Change::Quarantine(digest)),
        Verb::Release => Ok(Change::Release(digest)),
        Verb::Remove => Ok(Change::Remove(digest)),
        Verb::Activate | Verb::RollBack => match form.field("way") {
            "all" => Ok(Change::Activate { digest, on: None }),
            "shadow" => Ok(Change::Nominate { digest, share: Share::NONE }),
            "share" => {
                let share = form
                    .field("share")
                    .parse()
                    .ok()
                    .and_then(Share::of)
                    .filter(|share| *share != Share::NONE);
                let share = share.ok_or("A share is a whole number of percent, 1 to 99.")?;
                Ok(Change::Nominate { digest, share })
            }
            way => {
                let on = way.strip_prefix("on/").and_then(|name| connectors::connection(host, name));
                let on = on.ok_or("Choose for which intents it is.")?;
                Ok(Change::Activate { digest, on: Some(on) })
            }
        },
    }
}

fn place(id: &str) -> String {
    address(&super::form::escaped(id))
}

/// What is known of a connector.
struct Found {
    view: ConnectorView,
    /// Its connections.
    served: Vec<ConnectionView>,
    history: Vec<ConnectorEntryView>,
}

async fn found(host: &Host, id: &str) -> Result<Found, Problem> {
    let history = connectors::happened(host, id, PAGE_ROWS).await?;
    // Of one whose last build was taken away there is what happened.
    let view = match connectors::one(host, id).await {
        Err(_) if !history.is_empty() => connectors::gone(host, id).await?,
        found => found?,
    };
    let mut served = connections::all(host).await?;
    served.retain(|connection| connection.connector == view.id);
    Ok(Found { view, served, history })
}

async fn shown(host: &Host, signed: &Signed, id: &str, status: StatusCode, beside: &Beside<'_>) -> Response {
    let person = &signed.session.person;
    let found = match found(host, id).await {
        Ok(found) => found,
        Err(problem) => return page::problem_to(person, &problem),
    };
    let rulebook = host.engine.rulebook();
    let clocks = Clocks { directory: rulebook.directory(), person, now: host.engine.now() };
    let (view, once) = (&found.view, once(host));
    let can = operates(host, person).is_ok();
    let body = html! {
        (told(&found, person, beside))
        p.purpose {
            @if !view.system.is_empty() { "It speaks to " (view.system) ". " }
            @if view.digest.is_empty() { "No build of it is in force." }
            @else { "In force is " (view.version) ", build " code { (short(&view.digest)) } "." }
        }
        @if can { (going_back(view, &once, beside)) }
        h2 { "What it serves" }
        (served(&found.served, clocks))
        @if view.builds.is_empty() { h2 { "Builds" } p { "None of its builds is there any more." } }
        @for build in &view.builds { (one(view, build, can.then_some((&*once, beside)), clocks)) }
        (story(&found.history, clocks))
    };
    (status, framed(Here::Connectors, &format!("Connector {}", view.id), person, &body)).into_response()
}

/// What came of what was just sent. That something was kept is told only if the record says so too.
fn told(found: &Found, person: &PersonId, beside: &Beside<'_>) -> Markup {
    let verbs = [Verb::Activate, Verb::RollBack, Verb::Quarantine, Verb::Release, Verb::Remove];
    let said = beside.said.as_deref().and_then(|said| verbs.into_iter().find(|verb| verb.below() == said));
    let last = found.history.first().filter(|entry| entry.by.as_deref() == Some(person.as_str()));
    let kept = said.zip(last).filter(|(verb, entry)| verb.events().contains(&entry.what.as_str()));
    html! {
        @if let Some((_, entry)) = kept { p.kept role="status" { "It is kept: you " (did(entry)) "." } }
        @if let Some(not_kept) = &beside.not_kept {
            div.warn role="alert" {
                p { strong { "Nothing was kept. " } (not_kept.why) }
                p { "This is how it stands now." }
                @if !not_kept.words.is_empty() { p { "You wrote:" } blockquote { (not_kept.words) } }
            }
        }
    }
}

/// The form by which what was so before is so again, where something was.
fn going_back(view: &ConnectorView, once: &str, beside: &Beside<'_>) -> Markup {
    let changed = ["canary", "shadow", "tried", "previous"];
    let to = view.builds.iter().find(|build| changed.contains(&build.state.as_str()));
    html! {
        @if to.is_some() {
            section #can aria-labelledby="can-heading" {
                h2 #can-heading { "Go back" }
                (form(view, None, Verb::RollBack, once, beside))
            }
        }
    }
}

/// The form of a verb, for a build or for the connector.
fn form(
    view: &ConnectorView,
    build: Option<&BuildView>,
    verb: Verb,
    once: &str,
    beside: &Beside<'_>,
) -> Markup {
    let digest = build.map_or("", |build| build.digest.as_str());
    let id = format!("{}-{}", verb.below(), short(digest));
    let last = beside.not_kept.as_ref().filter(|last| last.verb == verb && last.digest == digest);
    html! {
        p.note { (verb.does()) }
        form method="post" action=(format!("{}/{}", address(&view.id), verb.below())) {
            input type="hidden" name="once" value=(once);
            @if let Some(build) = build { input type="hidden" name="digest" value=(build.digest); }
            @if verb == Verb::Activate {
                fieldset {
                    legend { "For which intents" }
                    @if !view.digest.is_empty() && build.is_some_and(|build| build.state != "tried") {
                        (way("share", "A share of them", "The build in force plans the others."))
                        (way("shadow", "None yet", "It plans in the shadow, is compared with the build in force, and nothing of that is written."))
                    }
                    @if 1 < view.connections.len() {
                        @for name in &view.connections { (way(&format!("on/{name}"), &format!("Those of {name}"), "It is tried on this connection alone.")) }
                    }
                    (way("all", "All of them", "It serves every connection that names this connector."))
                }
                label for=(format!("share-{id}")) { "Percent, if it plans a share" }
                input id=(format!("share-{id}")) type="number" name="share" min="1" max="99" value=(SHARE_PERCENT);
            }
            label for=(id) { (verb.asks_why()) }
            textarea id=(id) name="words" maxlength=(WORDS_CHARACTERS_MAX) required { "\n" (last.map_or("", |last| last.words)) }
            button { (verb.button()) }
        }
    }
}

fn way(value: &str, name: &str, does: &str) -> Markup {
    html! {
        label.way {
            input type="radio" name="way" value=(value) required;
            span { (name) span.faint { (does) } }
        }
    }
}

fn served(connections: &[ConnectionView], clocks: Clocks<'_>) -> Markup {
    html! {
        @if connections.is_empty() {
            p { "No connection names it. The first one is a section of the configuration: " code { "countersign connection --help" } " says how." }
        } @else {
            table.rows {
                thead { tr { th scope="col" { "connection" } th scope="col" { "build" } th scope="col" { "how it is" } } }
                tbody {
                    @for connection in connections {
                        tr {
                            th scope="row" { a href=(reconciliation::address(&connection.name)) { (connection.name) } }
                            td data-of="build" { span { (connection.version) " " code { (short(&connection.digest)) } } }
                            td data-of="how it is" { span { (state(connection, clocks)) } }
                        }
                    }
                }
            }
        }
    }
}

/// One build; with its forms for whoever may send them.
fn one(
    view: &ConnectorView,
    build: &BuildView,
    can: Option<(&str, &Beside<'_>)>,
    clocks: Clocks<'_>,
) -> Markup {
    let id = format!("build-{}", short(&build.digest));
    html! {
        section aria-labelledby=(id) {
            h2 id=(id) { "Build " (build.version) " " code { (short(&build.digest)) } }
            p { span.state { (stands(build)) } ", there since " (clocks.past(&build.since)) }
            @if let Some(why) = &build.quarantined { blockquote { (all(why)) } }
            @if build.state == "held" {
                p.warn { "It asks for more than was granted, and serves nothing before people have accepted that."
                    @if let Some(asked) = &build.asked { " " a href=(format!("/intents/{asked}")) { "Where they are asked" } }
                }
            }
            @if let Some(seen) = &build.shadow {
                p { "In the shadow it said the same " (seen.same) " times and something else " (seen.differs) " times; it failed " (seen.failed)
                    " times, nothing can be said of " (seen.unknown) ", and " (seen.skipped) " times it was not asked."
                    @if let Some(last) = &seen.last {
                        " The last time that it was not the same: " a href=(format!("/intents/{}", last.intent)) { (last.connection) } " (" (named(&last.what)) ")."
                    }
                }
            }
            (facts(build))
            (asks(view, build))
            @if let Some((once, beside)) = can {
                @for verb in Verb::of(build) {
                    @let is_last = beside.not_kept.as_ref().is_some_and(|last| last.verb == *verb && last.digest == build.digest);
                    details open[is_last] { summary { (verb.button()) } (form(view, Some(build), *verb, once, beside)) }
                }
            }
        }
    }
}

fn facts(build: &BuildView) -> Markup {
    html! {
        table {
            tbody {
                tr { th scope="row" { "digest" } td { code { (build.digest) } } }
                tr { th scope="row" { "signed by" } td { @if let Some(signer) = &build.signer { code { (signer) } } @else { "nobody was asked for" } } }
                tr { th scope="row" { "conformance" } td { @if let Some(level) = &build.level { (level) } @else { "no report that is trusted" } } }
                @if let Some(size) = build.size { tr { th scope="row" { "size" } td { (size.div_ceil(1024)) " KiB" } } }
                @else { tr { th scope="row" { "size" } td { "its component is not there any more" } } }
                tr { th scope="row" { "serves" } td { @if build.serves.is_empty() { "nothing" } @else { (build.serves.join(", ")) } } }
                @if !build.operations.is_empty() { tr { th scope="row" { "can do" } td { (build.operations.join(", ")) } } }
            }
        }
    }
}

/// What a build asks for, beside the one in force.
fn asks(view: &ConnectorView, build: &BuildView) -> Markup {
    let active =
        view.builds.iter().find(|active| active.digest == view.digest && active.digest != build.digest);
    let asked = active.map(|active| &active.wants[..]).unwrap_or_default();
    let dropped: Vec<&String> = asked.iter().filter(|want| !build.wants.contains(want)).collect();
    html! {
        h3 { "What it asks for" }
        @if build.wants.is_empty() { p { "Nothing." } }
        @else {
            ul {
                @for want in &build.wants {
                    li { (named(want)) @if active.is_some() && build.widens.contains(want) { " " b.late { "not granted to the build in force" } } }
                }
            }
        }
        @if !dropped.is_empty() {
            p { "Not any more, as the build in force does:" }
            ul { @for want in dropped { li { (named(want)) } } }
        }
        @if active.is_some() && is_same(build, asked) { p.note { "The same as the build in force." } }
        @if let Some(accepted) = &build.accepted { p { "People have accepted it: " a href=(format!("/intents/{accepted}")) { "see who and why" } } }
    }
}

/// Whether a build asks for the same as another one.
fn is_same(build: &BuildView, asked: &[String]) -> bool {
    build.widens.is_empty() && asked.iter().all(|want| build.wants.contains(want))
}

fn story(history: &[ConnectorEntryView], clocks: Clocks<'_>) -> Markup {
    html! {
        h2 { "What happened" }
        @if history.is_empty() { p { "Nothing is on record of it." } }
        @else {
            ol.story reversed {
                @for entry in history {
                    li {
                        (clocks.exact(&entry.at)) " "
                        span { (entry.by.as_deref().unwrap_or("the host")) " " (did(entry)) @if let Some(reason) = &entry.reason { ": " (all(reason)) } }
                    }
                }
            }
            @if PAGE_ROWS <= history.len() {
                p.note { "What was before is on the command line: " code { "countersign connector log" } "." }
            }
        }
    }
}

/// What somebody did, as a part of a sentence.
pub(super) fn did(entry: &ConnectorEntryView) -> Markup {
    let build = html! {
        (entry.version.as_deref().unwrap_or("a build"))
        @if let Some(digest) = &entry.digest { " " code { (short(digest)) } }
    };
    let intent = html! { @if let Some(intent) = &entry.intent { " (" a href=(format!("/intents/{intent}")) { "see" } ")" } };
    html! {
        @match entry.what.as_str() {
            "added" => { "added " (build) },
            "asked" => { "asked people to accept what " (build) " asks for" (intent) },
            "accepted" => { "accepted what " (build) " asks for" (intent) },
            "activated" => { "put " (build) " in force" @if let Some(name) = &entry.connection { " on " (name) " alone" } },
            "canary" => { "had " (build) " plan " (entry.share.unwrap_or_default()) " % of the intents" },
            "shadow" => { "had " (build) " plan in the shadow" },
            "dropped" => { "had " (build) " plan nothing any more" },
            "rolled-back" => { "went back to what was in force before" },
            "quarantined" => { "put " (build) " in quarantine" },
            "released" => { "let " (build) " out of quarantine" },
            "removed" => { "took " (build) " away" },
            other => (sentence(other)),
        }
    }
}
