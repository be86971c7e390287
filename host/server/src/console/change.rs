//! A change of a policy before anybody else sees it: written, checked, compared, tried on the record, and proposed.
//!
//! Trying stores nothing. What is proposed is an intent like any other: somebody else decides on it on its page.

use super::form::{Draft, Form, escaped, words};
use super::guard::{self, Signed};
use super::intent::{denied, is_once, once};
use super::page::{self, Here, framed, sentence};
use super::part::all;
use super::part::changed::{Rest, backtest, findings, otherwise, regions};
use super::part::tables::comparison;
use super::policies::address;
use super::policy::{drafts_of, named};
use crate::api::view::policy::{FoundView, RegionView};
use crate::api::{backtest as record, drafts, policies};
use crate::asked::{Line, Place};
use crate::denied::Try;
use crate::door::Caller;
use crate::limits::WORDS_CHARACTERS_MAX;
use crate::problem::Problem;
use crate::state::Host;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use countersign_core::hash::Digest;
use countersign_core::id::{IntentTypeName, PersonId};
use countersign_core::policy::backtest::Backtest;
use countersign_core::policy::check::Report;
use countersign_core::policy::diff::Diff;
use countersign_core::publish::POLICY_CHANGE_BYTES_MAX;
use countersign_engine::engine::Key;
use maud::{Markup, html};
use std::collections::BTreeSet;

/// What begins the name of a box that accepts a kind of warning.
const ACCEPT: &str = "accept-";

/// What is done with what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    /// It is checked and compared.
    Try,
    /// It is tried on the recorded intents too.
    Record,
    /// It is proposed.
    Propose,
}

impl Deed {
    const ALL: [Deed; 3] = [Deed::Try, Deed::Record, Deed::Propose];

    fn as_str(self) -> &'static str {
        match self {
            Deed::Try => "try",
            Deed::Record => "record",
            Deed::Propose => "propose",
        }
    }

    fn button(self) -> &'static str {
        match self {
            Deed::Try => "Try it",
            Deed::Record => "Try it on the record",
            Deed::Propose => "Propose it",
        }
    }
}

/// What stands in the form.
#[derive(Debug, Default)]
struct Written {
    document: String,
    words: String,
    accepted: BTreeSet<String>,
}

/// What was found out about it.
#[derive(Default)]
struct Tried {
    report: Option<Report>,
    diff: Option<Diff>,
    record: Option<Result<Backtest, Problem>>,
    /// Why nothing was kept or found out.
    problem: Option<Problem>,
    /// What is wrong with the form, as a sentence.
    wrong: Option<String>,
}

/// Shows the form, with the document of the version in force in it.
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
    let rulebook = host.engine.rulebook();
    let found = named(&rulebook, &name).and_then(|of| {
        let view = policies::with_document(&rulebook, &of, None, host.engine.now())?;
        Ok((of, view.document.map(|document| document.text).unwrap_or_default()))
    });
    match found {
        Ok((of, document)) => {
            let written = Written { document, ..Written::default() };
            shown(&host, &signed, &of, StatusCode::OK, (&written, &Tried::default()))
        }
        Err(problem) => page::problem_to(&signed.session.person, &problem),
    }
}

/// Tries what is written, or proposes it.
pub(super) async fn act(
    State(host): State<Host>,
    Place(name): Place<String>,
    line: Line,
    Draft(form): Draft,
) -> Response {
    let to = format!("/policies/{}/change", escaped(&name));
    let signed = match guard::required(&host, &form.headers, &to) {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let person = &signed.session.person;
    let of = match named(&host.engine.rulebook(), &name) {
        Ok(of) => of,
        Err(problem) => return page::problem_to(person, &problem),
    };
    let written = written(&form);
    let deed = Deed::ALL.into_iter().find(|deed| deed.as_str() == form.field("do"));
    let wrong = |why: &str| Tried { wrong: Some(why.to_owned()), ..Tried::default() };
    let refused = match deed {
        None => wrong("The form is not whole. Send the one below."),
        Some(_) if POLICY_CHANGE_BYTES_MAX < written.document.len() => {
            wrong("The document is longer than one that can be proposed.")
        }
        Some(Deed::Try | Deed::Record) => {
            let is_record = deed == Some(Deed::Record);
            let tried = tried(&host, &signed, line, (&of, &written), is_record).await;
            let status = tried.problem.as_ref().map_or(StatusCode::OK, |problem| problem.code().status());
            return shown(&host, &signed, &of, status, (&written, &tried));
        }
        Some(Deed::Propose) => match proposal(person, &of, &form, &written) {
            Err(why) => wrong(&why),
            Ok((proposed, key)) => match policies::propose(&host, person, &of, proposed, key).await {
                Ok(intent) => return page::see_other(&format!("/intents/{intent}")),
                Err(problem) => {
                    denied(&host, &signed, Try::of_page("propose-policy", &name), &problem);
                    let status = problem.code().status();
                    // What keeps it from being proposed is what the check finds.
                    let tried = tried(&host, &signed, line, (&of, &written), false).await;
                    let tried = Tried { problem: Some(problem), ..tried };
                    return shown(&host, &signed, &of, status, (&written, &tried));
                }
            },
        },
    };
    shown(&host, &signed, &of, StatusCode::UNPROCESSABLE_ENTITY, (&written, &refused))
}

/// What stands in a form. Browsers end its lines as mails do.
fn written(form: &Form) -> Written {
    Written {
        document: form.field("document").replace("\r\n", "\n"),
        words: form.field("words").replace("\r\n", "\n"),
        accepted: form.names(ACCEPT).map(str::to_owned).collect(),
    }
}

/// What is proposed, and what makes it said once.
fn proposal(
    person: &PersonId,
    of: &IntentTypeName,
    form: &Form,
    written: &Written,
) -> Result<(policies::Proposed, Key), String> {
    let once = form.field("once");
    if !is_once(once) {
        return Err("The form is not whole. Send the one below.".to_owned());
    }
    let reason = words(&written.words)?;
    if reason.is_empty() {
        return Err("Say why, for whoever decides on it.".to_owned());
    }
    let accept: Vec<String> = written.accepted.iter().cloned().collect();
    let fixed = [of.as_str(), &written.document, &written.words];
    let parts: Vec<&[u8]> =
        fixed.into_iter().chain(accept.iter().map(String::as_str)).map(str::as_bytes).collect();
    let key = Key { key: format!("{person}/page/{once}/propose"), fingerprint: Digest::of_parts(&parts) };
    Ok((policies::Proposed { document: written.document.clone(), reason, accept }, key))
}

/// Checks what is written and compares it with the version in force; nothing is stored.
async fn tried(
    host: &Host,
    signed: &Signed,
    line: Line,
    (of, written): (&IntentTypeName, &Written),
    on_record: bool,
) -> Tried {
    let text = written.document.clone();
    let report = match drafts::looked_at(host, line.clone(), of.clone(), Some(text.clone())).await {
        Ok(report) => report,
        Err(problem) => return Tried { problem: Some(problem), ..Tried::default() },
    };
    if !report.faults.is_empty() {
        return Tried { report: Some(report), ..Tried::default() };
    }
    let diff = match drafts::compared(host, line.clone(), of.clone(), (None, text.clone())).await {
        Ok(difference) => difference.diff,
        Err(problem) => return Tried { report: Some(report), problem: Some(problem), ..Tried::default() },
    };
    let record = if on_record {
        let caller = Caller { person: signed.session.person.clone(), token: String::new() };
        let found = record::tried(host, &caller, line, (of.clone(), text, None)).await;
        if let Err(problem) = &found {
            denied(host, signed, Try::of_page("backtest-policy", of.as_str()), problem);
        }
        Some(found)
    } else {
        None
    };
    Tried { report: Some(report), diff: Some(diff), record, problem: None, wrong: None }
}

fn shown(
    host: &Host,
    signed: &Signed,
    of: &IntentTypeName,
    status: StatusCode,
    (written, tried): (&Written, &Tried),
) -> Response {
    let rulebook = host.engine.rulebook();
    let standing = rulebook.standing(of, host.engine.now()).map(|policy| policy.version());
    let before = standing.and_then(|version| rulebook.document(of, &version));
    let body = html! {
        (told(tried))
        p.purpose { "Write how the policy is to be, try it as often as you like, and propose it. It decides once somebody else of the owners has published it." }
        @if let Some(report) = &tried.report { (found(report)) }
        @if let Some(diff) = &tried.diff {
            h2 { "What would change" }
            h3 { "What the document says otherwise" }
            @match otherwise(of, before, &written.document) {
                Some(differences) if !differences.is_empty() => (comparison(&differences)),
                Some(_) => p { "Nothing." },
                None => p { "There is nothing to compare it with." },
            }
            (regions(&diff.changed.iter().map(RegionView::from).collect::<Vec<_>>(), Rest { inputs: &diff.inputs, all: diff.all, unsettled: diff.unsettled }))
        }
        @match &tried.record {
            Some(Ok(record)) => { h2 { "What it would have answered" } (backtest(record)) },
            Some(Err(problem)) => { h2 { "What it would have answered" } (why(problem)) },
            None => {},
        }
        (form(of, written, &warnings(tried), &once(host)))
        p { a.button.quiet href=(address(of.as_str())) { "The policy" } }
    };
    let title = format!("Change policy {of}");
    (status, framed(Here::Policies, &title, &signed.session.person, &body)).into_response()
}

/// Why nothing was kept.
fn told(tried: &Tried) -> Markup {
    html! {
        @if let Some(wrong) = &tried.wrong { div.warn role="alert" { p { strong { "Nothing was kept. " } (wrong) } } }
        @if let Some(problem) = &tried.problem {
            div.warn role="alert" { p { strong { "Nothing was kept. " } } (why(problem)) }
        }
    }
}

/// A problem, with each place that is wrong.
fn why(problem: &Problem) -> Markup {
    let (what, next) = problem.said();
    html! {
        p { (sentence(what)) ". " (sentence(next)) "." }
        @if !problem.flaws().is_empty() {
            ul { @for place in problem.flaws() { li { (all(&place.expected)) @if !place.found.is_empty() { ": " (all(&place.found)) } } } }
        }
    }
}

/// What the check found.
fn found(report: &Report) -> Markup {
    html! {
        h2 { "What the check found" }
        @if report.faults.is_empty() {
            p { span.state { @if report.passes() { "passes" } @else { "does not pass" } } }
            (drafts_of(report))
            (findings(&drafts::found(report)))
        } @else {
            p.warn { "It cannot be read." }
            ul { @for fault in &report.faults { li { (all(&fault.to_string())) } } }
        }
    }
}

/// The kinds of warnings that whoever proposes it answers for.
fn warnings(tried: &Tried) -> BTreeSet<String> {
    let found: Vec<FoundView> = tried.report.as_ref().map(drafts::found).unwrap_or_default();
    found.into_iter().filter(|found| found.level == "warning").map(|found| found.kind).collect()
}

fn form(of: &IntentTypeName, written: &Written, warnings: &BTreeSet<String>, once: &str) -> Markup {
    html! {
        section #can aria-labelledby="can-heading" {
            h2 #can-heading { "The change" }
            form method="post" action=(format!("{}/change", address(of.as_str()))) {
                input type="hidden" name="once" value=(once);
                label for="document" { "The whole document" }
                textarea.document #document name="document" spellcheck="false" required { "\n" (written.document) }
                label for="words" { "Why, for whoever decides on it" }
                textarea #words name="words" maxlength=(WORDS_CHARACTERS_MAX) { "\n" (written.words) }
                @if !warnings.is_empty() {
                    fieldset {
                        legend { "Warnings that you answer for" }
                        @for kind in warnings {
                            label.way { input type="checkbox" name=(format!("{ACCEPT}{kind}")) checked[written.accepted.contains(kind)]; span { (kind) } }
                        }
                    }
                }
                @for deed in Deed::ALL {
                    button name="do" value=(deed.as_str()) class=[(deed != Deed::Propose).then_some("quiet")] { (deed.button()) }
                }
            }
        }
    }
}
