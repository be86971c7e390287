//! Every policy, and the changes of policies that wait for somebody.

use super::guard;
use super::page::{self, Here, framed};
use super::part::changed::{figure, short};
use super::part::moment::Clocks;
use super::part::waits::reasons;
use crate::api::view::intent::Looking;
use crate::api::view::{IntentView, PolicyChangeView, PolicyView};
use crate::asked::Query;
use crate::limits::PAGE_ROWS;
use crate::problem::Problem;
use crate::state::Host;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{Html, IntoResponse, Response};
use countersign_core::id::{IntentId, PersonId};
use countersign_core::publish::POLICY_CHANGE;
use countersign_engine::port::store::{PAGE_ROWS_MAX, Query as Rows};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// A change that people decide on.
pub(super) struct Proposal {
    id: String,
    requester: String,
    submitted: String,
    yours: bool,
    change: PolicyChangeView,
}

/// The changes that people decide on.
pub(super) struct Proposals {
    all: Vec<Proposal>,
    /// Whether there are more than these.
    pub(super) more: bool,
}

impl Proposals {
    pub(super) fn of(&self, policy: &str) -> impl Iterator<Item = &Proposal> {
        self.all.iter().filter(move |proposal| proposal.change.intent == policy)
    }
}

/// Shows them.
pub(super) async fn show(State(host): State<Host>, headers: HeaderMap, uri: Uri) -> Response {
    let signed = match guard::required(&host, &headers, uri.path()) {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let person = &signed.session.person;
    let found = match Query::of(&uri, &[]).and_then(Query::checked) {
        Ok(()) => proposals(&host, person).await,
        Err(problem) => Err(problem),
    };
    match found {
        Ok(proposals) => shown(&host, person, &proposals).into_response(),
        Err(problem) => page::problem_to(person, &problem),
    }
}

/// Looks through the changes that people decide on: those that wait for whoever looks first, then the newest first.
pub(super) async fn proposals(host: &Host, person: &PersonId) -> Result<Proposals, Problem> {
    let pairs = [("type", POLICY_CHANGE), ("state", "seated")];
    let labels = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let rows = Rows { labels: BTreeMap::from(labels), after: None, limit: PAGE_ROWS_MAX };
    let page = host.engine.list(rows).await?;
    let mut found = Proposals { all: Vec::new(), more: page.next.is_some() };
    for row in &page.rows {
        let Ok(intent) = row.stream.parse::<IntentId>() else { continue };
        let (approval, rulebook) = (host.engine.read(intent).await?.approval, host.engine.rulebook());
        let looking = Looking { person, rulebook: &rulebook, now: host.engine.now() };
        let Some(view) = IntentView::of(&approval, looking) else { continue };
        let yours = !reasons(&approval, looking).is_empty();
        let Some(change) = view.change else { continue };
        let (id, requester, submitted) = (view.id, view.requester, view.submitted);
        found.all.push(Proposal { id, requester, submitted, yours, change });
    }
    // What waits for whoever looks is not cut off by what is newer.
    found.all.sort_by_key(|proposal| !proposal.yours);
    found.more |= PAGE_ROWS < found.all.len();
    found.all.truncate(PAGE_ROWS);
    Ok(found)
}

fn shown(host: &Host, person: &PersonId, proposals: &Proposals) -> Html<String> {
    let (rulebook, now) = (host.engine.rulebook(), host.engine.now());
    let clocks = Clocks { directory: rulebook.directory(), person, now };
    let policies: Vec<PolicyView> =
        rulebook.intent_types().filter_map(|schema| PolicyView::of(&schema.name, &rulebook, now)).collect();
    let body = html! {
        p.purpose { "The rules that decide. One person proposes a change of a policy, and somebody else of its owners publishes it." }
        h2 { "Changes that wait" }
        @if proposals.all.is_empty() { p { "No change waits. Open a policy to propose one." } }
        @else { (waiting(proposals.all.iter(), clocks)) }
        (rest(proposals))
        h2 { "Policies" }
        @if policies.is_empty() { (empty()) } @else { (table(&policies, proposals, clocks)) }
    };
    framed(Here::Policies, "Policies", person, &body)
}

/// Changes that people decide on; those that wait for whoever looks stand first.
pub(super) fn waiting<'a>(proposals: impl Iterator<Item = &'a Proposal>, clocks: Clocks<'_>) -> Markup {
    html! {
        table.rows {
            thead {
                tr {
                    th scope="col" { "change" } th scope="col" { "asked by" } th scope="col" { "decides otherwise" }
                    th scope="col" { "on the record" } th scope="col" { "for you" }
                }
            }
            tbody {
                @for one in proposals {
                    @let regions = one.change.changed.len();
                    tr {
                        th scope="row" { a href=(format!("/intents/{}", one.id)) { (one.change.intent) " to version " (short(&one.change.version)) } }
                        td data-of="asked by" { span { (one.requester) ", " (clocks.past(&one.submitted)) } }
                        td data-of="decides otherwise" { (regions) @if !one.change.all { " and more" } @if regions == 1 { " region" } @else { " regions" } }
                        td data-of="on the record" { (one.change.backtest.as_ref().map_or_else(|| "not for you".to_owned(), figure)) }
                        td data-of="for you" { @if one.yours { b { "waits for you" } } @else { "-" } }
                    }
                }
            }
        }
    }
}

/// Where the changes are that a page does not hold.
pub(super) fn rest(proposals: &Proposals) -> Markup {
    html! {
        @if proposals.more { p.note { "More changes may wait than are shown here: " code { "countersign intent list --type " (POLICY_CHANGE) } " lists them all." } }
    }
}

fn table(policies: &[PolicyView], proposals: &Proposals, clocks: Clocks<'_>) -> Markup {
    html! {
        table.rows {
            thead {
                tr {
                    th scope="col" { "policy" } th scope="col" { "owner" } th scope="col" { "version" }
                    th scope="col" { "in force since" } th scope="col" { "published by" } th.number scope="col" { "changes that wait" }
                }
            }
            tbody {
                @for policy in policies {
                    @let version = policy.in_force.as_ref();
                    tr {
                        th scope="row" { a href=(address(&policy.intent)) { (policy.intent) } @for remark in &policy.remarks { p.note { (remark) } } }
                        td data-of="owner" { (version.map_or("-", |version| &version.owner)) }
                        td data-of="version" { code { (version.map_or("-", |version| short(&version.version))) } }
                        td data-of="in force since" { @if let Some(version) = version { span { (clocks.exact(&version.since)) } } @else { "not yet in force" } }
                        td data-of="published by" { (version.map_or_else(|| "-".to_owned(), |version| published(version.published.as_ref()))) }
                        td.number data-of="changes that wait" { (proposals.of(&policy.intent).count()) }
                    }
                }
            }
        }
    }
}

/// Who put a version in force.
pub(super) fn published(published: Option<&crate::api::view::PublishedView>) -> String {
    published.map_or_else(
        || "the files of the house".to_owned(),
        |published| format!("{}, asked by {}", published.by.join(", "), published.author),
    )
}

/// The page of a policy.
pub(super) fn address(policy: &str) -> String {
    format!("/policies/{policy}")
}

fn empty() -> Markup {
    html! {
        p { strong { "This house has no policy." } }
        p { "The first one comes with an intent type: " code { "countersign init" } " writes some to begin with." }
    }
}
