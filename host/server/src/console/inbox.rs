//! The inbox: what waits for whoever is signed in, what is due first before the rest.

use super::form::parameter;
use super::guard;
use super::page::{self, Here, framed};
use super::part::all;
use super::part::moment::Clocks;
use super::part::waits::{Reason, reasons};
use crate::api::view::intent::Looking;
use crate::limits::PAGE_ROWS;
use crate::problem::Problem;
use crate::state::Host;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{Html, IntoResponse, Response};
use countersign_core::id::{IntentId, PersonId};
use countersign_core::notice::words::{changes, title};
use countersign_core::time::Timestamp;
use countersign_engine::fault::Fault;
use countersign_engine::port::store::{PAGE_ROWS_MAX, Position, Query};
use countersign_engine::row;
use maud::{Markup, html};
use std::collections::{BTreeMap, BTreeSet};

/// The labels by which the list of intents finds what may wait for a person.
const LABELS: [&str; 3] = ["seat", "question", "exception"];

/// Most intents of one label that are looked at, the newest. Nobody decides on more in a week.
pub(super) const LOOKED_AT_MAX: usize = 1_000;

/// Most fields of one intent that are told; the page of the intent tells all.
const CHANGES_TOLD_MAX: usize = 2;

/// Where something stands in the inbox: by when it next needs somebody, then by its age. What is never due stands last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) due: Timestamp,
    pub(super) intent: IntentId,
}

/// One intent that waits.
struct Waiting {
    id: IntentId,
    title: String,
    requester: String,
    stake: Option<String>,
    changes: Vec<String>,
    reasons: Vec<Reason>,
}

/// What waits, and where the next page begins.
struct Found {
    waiting: Vec<Waiting>,
    next: Option<Place>,
    /// Whether there may be more than was looked at.
    more: bool,
}

/// Sends whoever opens the console to it.
pub(super) async fn first() -> Response {
    page::see_other("/inbox")
}

/// Shows it.
pub(super) async fn show(State(host): State<Host>, headers: HeaderMap, uri: Uri) -> Response {
    let signed = match guard::required(&host, &headers, uri.path()) {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let person = &signed.session.person;
    let after = parameter(&uri, "cursor").and_then(|text| read(&text));
    // What changes from here on is told to the page.
    let seen = host.engine.health().position;
    match found(&host, person, after).await {
        Ok(found) => {
            host.signing.sessions.lists(&signed.cookie, found.waiting.iter().map(|waiting| waiting.id));
            shown(&host, person, (&found, seen), after.is_some()).into_response()
        }
        Err(problem) => page::problem_to(person, &problem),
    }
}

/// Looks through what the list of intents finds for a person, as far as a page holds.
async fn found(host: &Host, person: &PersonId, after: Option<Place>) -> Result<Found, Problem> {
    let (mut places, mut more) = (BTreeSet::new(), false);
    for label in LABELS {
        more |= collect(host, (label, person.as_str()), &mut places).await?;
    }
    let (mut waiting, mut last) = (Vec::new(), None);
    let behind = places.into_iter().filter(|place| after.is_none_or(|after| after < *place));
    for place in behind {
        let Some(found) = waits(host, person, place.intent).await? else { continue };
        if PAGE_ROWS <= waiting.len() {
            return Ok(Found { waiting, next: last, more });
        }
        waiting.push(found);
        last = Some(place);
    }
    Ok(Found { waiting, next: None, more })
}

/// Adds every intent with a label; says whether there are more than are looked at.
pub(super) async fn collect(
    host: &Host,
    (label, value): (&str, &str),
    places: &mut BTreeSet<Place>,
) -> Result<bool, Problem> {
    let labels = BTreeMap::from([(label.to_owned(), value.to_owned())]);
    let (mut after, mut looked) = (None, 0);
    while looked < LOOKED_AT_MAX {
        let page = host.engine.list(Query { labels: labels.clone(), after, limit: PAGE_ROWS_MAX }).await?;
        looked += page.rows.len();
        for row in &page.rows {
            let Ok(intent) = row.stream.parse::<IntentId>() else { continue };
            let due = row::due(&row.row).map_err(|fault| Fault::Unreadable(fault.to_string()))?;
            places.insert(Place { due: due.unwrap_or(Timestamp(i64::MAX)), intent });
        }
        after = page.next;
        if after.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// An intent, if it waits for a person now.
async fn waits(host: &Host, person: &PersonId, intent: IntentId) -> Result<Option<Waiting>, Problem> {
    let (approval, rulebook) = (host.engine.read(intent).await?.approval, host.engine.rulebook());
    let looking = Looking { person, rulebook: &rulebook, now: host.engine.now() };
    let reasons = reasons(&approval, looking);
    if reasons.is_empty() {
        return Ok(None);
    }
    let sight = rulebook.sight(&approval, person, looking.now);
    let schema = rulebook.intent_type(&approval.intent.intent_type);
    let staked =
        schema.filter(|schema| schema.amount_at_stake.as_ref().is_none_or(|name| !sight.hides(name)));
    let stake = staked.and_then(|schema| schema.stake_of(&approval.intent.tokens));
    Ok(Some(Waiting {
        id: intent,
        title: title(&approval, &rulebook, &sight),
        requester: approval.intent.requester.to_string(),
        stake: stake.map(|stake| stake.to_string()),
        changes: changes(&approval, &rulebook, &sight),
        reasons,
    }))
}

fn shown(host: &Host, person: &PersonId, (found, seen): (&Found, Position), is_later: bool) -> Html<String> {
    let rulebook = host.engine.rulebook();
    let clocks = Clocks { directory: rulebook.directory(), person, now: host.engine.now() };
    let body = html! {
        p.purpose data-live=(seen.0) { "What you are asked to decide, to answer or to settle. What is due first stands first." }
        @if found.waiting.is_empty() && !is_later { (empty()) }
        @else if found.waiting.is_empty() { p { "Nothing else waits for you." } }
        @else { ol.inbox { @for waiting in &found.waiting { (line(waiting, clocks)) } } }
        @if found.more {
            p.note { "More than " (LOOKED_AT_MAX) " intents name you; the oldest are not looked at here. "
                code { "countersign intent list --seat me" } " lists them all." }
        }
        @if is_later || found.next.is_some() {
            nav.pages aria-label="Pages" {
                @if is_later { a href="/inbox" { "First page" } }
                @if let Some(next) = found.next { a rel="next" href=(format!("/inbox?cursor={}", written(next))) { "Next page" } }
            }
        }
    };
    framed(Here::Inbox, "Waiting for you", person, &body)
}

fn line(waiting: &Waiting, clocks: Clocks<'_>) -> Markup {
    let told = waiting.changes.iter().take(CHANGES_TOLD_MAX);
    let more = waiting.changes.len().saturating_sub(CHANGES_TOLD_MAX);
    let more = (0 < more).then(|| format!("and {more} more field{}", if more == 1 { "" } else { "s" }));
    let reasons: Vec<&str> = waiting.reasons.iter().map(|reason| &*reason.words).collect();
    html! {
        li {
            h2 { a href=(format!("/intents/{}", waiting.id)) { (all(&waiting.title)) } }
            div {
                @if let Some(stake) = &waiting.stake { b { (stake) } }
                @match waiting.reasons.first().and_then(|reason| reason.due.as_ref()) {
                    Some(due) => (clocks.due_in_short(due)),
                    None => "its time stands still",
                }
            }
            p { "asked by " (waiting.requester) "; " (all(&reasons.join("; "))) }
            @for change in told.chain(&more) { p { (all(change)) } }
        }
    }
}

/// What would be here, and how the first one comes.
fn empty() -> Markup {
    html! {
        p { strong { "Nothing waits for you." } }
        p { "Here you find an intent as soon as its policy asks you to decide, as soon as somebody asks you about one that you \
            asked for yourself or sends it back to you, and as soon as you answer for an exception." }
        p { "The first one comes when somebody asks for something, by " code { "countersign intent submit" }
            " or from a connected system." }
        p { a.button.quiet href="/intents" { "All intents" } a.button.quiet href="/start" { "First steps" } }
    }
}

/// A place as it stands in an address.
pub(super) fn written(place: Place) -> String {
    format!("{}.{}", place.due.0, place.intent)
}

pub(super) fn read(text: &str) -> Option<Place> {
    let (due, intent) = text.split_once('.')?;
    Some(Place { due: Timestamp(due.parse().ok()?), intent: intent.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written_and_nothing_else_is() {
        for due in [Timestamp(0), Timestamp(-1), Timestamp(i64::MAX)] {
            let intent = "int_00000000000000000000000007".parse().expect("an id");
            assert_eq!(read(&written(Place { due, intent })), Some(Place { due, intent }));
        }
        for other in ["", ".", "1", "1.x", "x.int_00000000000000000000000007"] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
