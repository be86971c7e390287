//! One policy: which version decides, its tables, what came before, what waits, what its check finds; and going back to
//! an earlier version, which is a change that somebody else decides on.

use super::form::{Form, escaped, words};
use super::guard::{self, Signed};
use super::intent::{denied, is_once, once, why_not};
use super::page::{self, Here, framed};
use super::part::changed::{findings, short};
use super::part::moment::Clocks;
use super::part::tables::document;
use super::policies::{Proposals, address, proposals, published, rest, waiting};
use crate::api::drafts::{self, file};
use crate::api::policies;
use crate::api::view::{PolicyView, VersionView};
use crate::asked::{Line, Place, Query};
use crate::denied::Try;
use crate::limits::WORDS_CHARACTERS_MAX;
use crate::problem::Problem;
use crate::state::Host;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use countersign_core::hash::Digest;
use countersign_core::id::{IntentTypeName, PersonId};
use countersign_core::rulebook::{Rulebook, layout};
use countersign_engine::engine::Key;
use maud::{Markup, html};

/// A policy as one person sees it.
struct Found {
    of: IntentTypeName,
    view: PolicyView,
    proposals: Proposals,
}

/// What was sent and not kept: which version, what was typed, and why.
struct NotKept<'a> {
    version: &'a str,
    words: &'a str,
    why: String,
}

/// Shows it, with the tables of the version in force or of another one.
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
    let version = Query::of(&uri, &["version"]).and_then(|mut query| {
        let version = query.read("version", "a content address of 64 digits", Digest::parse);
        query.checked()?;
        Ok(version)
    });
    let found = match version {
        Ok(version) => find(&host, &signed.session.person, &name, version).await,
        Err(problem) => Err(problem),
    };
    match found {
        Ok(found) => shown(&host, &signed, &found, StatusCode::OK, None),
        Err(problem) => page::problem_to(&signed.session.person, &problem),
    }
}

/// Sends a browser that opens the address of the form to the page of the form.
pub(super) async fn again(Place(name): Place<String>) -> Response {
    page::see_other(&place(&name))
}

/// Shows what the check finds in the version in force.
pub(super) async fn check(
    State(host): State<Host>,
    Place(name): Place<String>,
    headers: HeaderMap,
    line: Line,
    uri: Uri,
) -> Response {
    let signed = match guard::required(&host, &headers, uri.path()) {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let person = &signed.session.person;
    let checked = match named(&host.engine.rulebook(), &name) {
        Ok(of) => drafts::looked_at(&host, line, of, None).await,
        Err(problem) => Err(problem),
    };
    match checked {
        Ok(report) => {
            let found = drafts::found(&report);
            let body = html! {
                p.purpose { "What the check finds in the version in force: gaps, overlaps, dead rows, seats that nobody can fill, broken promises." }
                p { span.state { @if report.passes() { "passes" } @else { "does not pass" } } }
                (drafts_of(&report))
                h2 { "Findings" }
                (findings(&found))
                p { a.button.quiet href=(address(&name)) { "The policy" } }
            };
            framed(Here::Policies, &format!("Check of policy {name}"), person, &body).into_response()
        }
        Err(problem) => page::problem_to(person, &problem),
    }
}

/// How many of its examples get the answer that they expect.
pub(super) fn drafts_of(report: &countersign_core::policy::check::Report) -> Markup {
    html! {
        @for checked in &report.policies {
            p { (checked.passing) " of " (checked.examples) " examples get the answer that they expect." }
        }
    }
}

/// Proposes an earlier version again, as a change that somebody else decides on.
pub(super) async fn roll_back(State(host): State<Host>, Place(name): Place<String>, form: Form) -> Response {
    let signed = match guard::required(&host, &form.headers, &place(&name)) {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let person = &signed.session.person;
    let found = match find(&host, person, &name, None).await {
        Ok(found) => found,
        Err(problem) => return page::problem_to(person, &problem),
    };
    let typed = form.field("words").replace("\r\n", "\n");
    let version = form.field("version");
    let again = |why| Some(NotKept { version, words: &typed, why });
    let (version, reason, key) = match back(person, &found.of, &form, &typed) {
        Ok(said) => said,
        Err(why) => return shown(&host, &signed, &found, StatusCode::UNPROCESSABLE_ENTITY, again(why)),
    };
    match policies::back(&host, person, &found.of, (Some(version), reason), key).await {
        Ok(intent) => page::see_other(&format!("/intents/{intent}")),
        Err(problem) => {
            denied(&host, &signed, Try::of_page("roll-back-policy", &name), &problem);
            shown(&host, &signed, &found, problem.code().status(), again(why_not(&problem)))
        }
    }
}

/// What the form asks for, and what makes it said once.
fn back(
    person: &PersonId,
    of: &IntentTypeName,
    form: &Form,
    typed: &str,
) -> Result<(Digest, String, Key), String> {
    let once = form.field("once");
    if !is_once(once) {
        return Err("The form is not whole. Send the one below.".to_owned());
    }
    let version = Digest::parse(form.field("version")).ok_or("Choose the version to go back to.")?;
    let reason = words(typed)?;
    if reason.is_empty() {
        return Err("Say why, for whoever decides on it.".to_owned());
    }
    let parts = [of.as_str(), form.field("version"), typed];
    let fingerprint = Digest::of_parts(&parts.map(str::as_bytes));
    Ok((version, reason, Key { key: format!("{person}/page/{once}/roll-back"), fingerprint }))
}

/// The intent type of a policy.
pub(super) fn named(rulebook: &Rulebook, name: &str) -> Result<IntentTypeName, Problem> {
    let of = IntentTypeName::parse(name).ok().filter(|of| !rulebook.turns(of).is_empty());
    of.ok_or_else(|| Problem::unknown("policy", name))
}

async fn find(host: &Host, person: &PersonId, name: &str, version: Option<Digest>) -> Result<Found, Problem> {
    let (rulebook, now) = (host.engine.rulebook(), host.engine.now());
    let of = named(&rulebook, name)?;
    let view = policies::with_document(&rulebook, &of, version, now)?;
    Ok(Found { of, view, proposals: proposals(host, person).await? })
}

fn place(name: &str) -> String {
    format!("/policies/{}", escaped(name))
}

fn shown(
    host: &Host,
    signed: &Signed,
    found: &Found,
    status: StatusCode,
    not_kept: Option<NotKept<'_>>,
) -> Response {
    let person = &signed.session.person;
    let rulebook = host.engine.rulebook();
    let clocks = Clocks { directory: rulebook.directory(), person, now: host.engine.now() };
    let (view, name) = (&found.view, found.of.as_str());
    let body = html! {
        @if let Some(NotKept { why, .. }) = &not_kept {
            div.warn role="alert" { p { strong { "Nothing was kept. " } (why) } }
        }
        (head(view, clocks))
        p {
            a.button href=(format!("{}/change", address(name))) { "Propose a change" }
            a.button.quiet href=(format!("{}/check", address(name))) { "Check it" }
        }
        @let waits = found.proposals.of(name).next().is_some();
        @if waits || found.proposals.more {
            h2 { "Changes that wait" }
            @if waits { (waiting(found.proposals.of(name), clocks)) }
            (rest(&found.proposals))
        }
        h2 { "What it says" }
        (tables(view, &found.of))
        h2 { "Its versions" }
        (versions(view, clocks))
        (going_back(view, &once(host), not_kept.as_ref(), clocks))
    };
    (status, framed(Here::Policies, &format!("Policy {name}"), person, &body)).into_response()
}

fn head(view: &PolicyView, clocks: Clocks<'_>) -> Markup {
    html! {
        @match &view.in_force {
            Some(version) => p.purpose {
                "Version " code { (short(&version.version)) } ", owned by " (version.owner) ", in force since " (clocks.past(&version.since))
                "; published by " (published(version.published.as_ref()))
                @if let Some(published) = &version.published { " (" a href=(format!("/intents/{}", published.intent)) { "see why" } ")" }
                "."
            },
            None => p.purpose { "No version of it is in force yet." },
        }
        @for remark in &view.remarks { p.warn { (remark) } }
    }
}

fn tables(view: &PolicyView, of: &IntentTypeName) -> Markup {
    let Some(shown) = &view.document else { return html! {} };
    let is_other = view.in_force.as_ref().is_some_and(|version| version.version != shown.version);
    html! {
        @if is_other { p.warn { "This is version " code { (short(&shown.version)) } ", which is not in force now. " a href=(address(&view.intent)) { "The one that is" } } }
        @match layout(&file(of, shown.text.clone())) {
            Ok(layout) => (document(&layout)),
            Err(_) => pre { (shown.text) },
        }
    }
}

fn versions(view: &PolicyView, clocks: Clocks<'_>) -> Markup {
    html! {
        table.rows {
            thead { tr { th scope="col" { "version" } th scope="col" { "stands" } th scope="col" { "since" } th scope="col" { "published by" } th scope="col" { "why" } } }
            tbody {
                @for version in view.versions.iter().rev() {
                    tr {
                        th scope="row" { a href=(format!("{}?version={}", address(&view.intent), version.version)) { (short(&version.version)) } }
                        td data-of="stands" { (version.standing.replace('-', " ")) }
                        td data-of="since" { span { (clocks.exact(&version.since)) } }
                        td data-of="published by" { (published(version.published.as_ref())) }
                        td data-of="why" { (version.published.as_ref().map_or("-", |published| &published.reason)) }
                    }
                }
            }
        }
    }
}

/// The versions that were in force before and are not now, each once, the last one first.
fn earlier(view: &PolicyView) -> Vec<&VersionView> {
    let standing = view.in_force.as_ref().map(|version| &version.version);
    let mut found: Vec<&VersionView> = Vec::new();
    for version in view.versions.iter().rev().filter(|version| version.standing == "over") {
        if Some(&version.version) != standing && !found.iter().any(|known| known.version == version.version) {
            found.push(version);
        }
    }
    found
}

fn going_back(view: &PolicyView, once: &str, not_kept: Option<&NotKept<'_>>, clocks: Clocks<'_>) -> Markup {
    let earlier = earlier(view);
    if earlier.is_empty() {
        return html! {};
    }
    let (chosen, words) = not_kept.map_or(("", ""), |not_kept| (not_kept.version, not_kept.words));
    html! {
        section #can aria-labelledby="can-heading" {
            h2 #can-heading { "Go back to an earlier version" }
            p.note { "You propose it again; it decides once somebody else of the owners has published it." }
            form method="post" action=(format!("{}/rollback", address(&view.intent))) {
                input type="hidden" name="once" value=(once);
                fieldset {
                    legend { "Which version" }
                    @for version in earlier {
                        label.way {
                            input type="radio" name="version" value=(version.version) required checked[version.version == chosen];
                            span { (short(&version.version)) span.faint { "in force from " (clocks.exact(&version.since)) " on; published by " (published(version.published.as_ref())) } }
                        }
                    }
                }
                label for="words" { "Why, for whoever decides on it" }
                textarea #words name="words" maxlength=(WORDS_CHARACTERS_MAX) required { "\n" (words) }
                button { "Propose to go back" }
            }
        }
    }
}
