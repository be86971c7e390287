//! Open exceptions, those of whoever looks or all that are for them: what is due first stands first.

use super::guard;
use super::inbox::{LOOKED_AT_MAX, Place, collect, read, written};
use super::page::{self, Here, framed, sentence};
use super::part::all;
use super::part::moment::Clocks;
use super::part::ways::happened;
use crate::api::view::intent::Looking;
use crate::api::view::{ExceptionView, IntentView};
use crate::asked::Query;
use crate::limits::PAGE_ROWS;
use crate::problem::Problem;
use crate::state::Host;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{Html, IntoResponse, Response};
use countersign_core::exception::Cause;
use countersign_core::id::{ExceptionId, IntentId, PersonId};
use countersign_core::notice::words::title;
use countersign_core::time::Timestamp;
use countersign_engine::row::EXCEPTION_OPEN;
use maud::{Markup, html};
use std::collections::BTreeSet;

/// The label of an intent that has an open exception of somebody.
const OWNED: &str = "exception";

/// Whose exceptions a page lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Those of whoever looks.
    Own,
    /// All that are for whoever looks.
    Everybody,
}

impl Whose {
    const ALL: [Whose; 2] = [Whose::Own, Whose::Everybody];

    /// What stands in the address.
    fn word(self) -> &'static str {
        match self {
            Whose::Own => "me",
            Whose::Everybody => "everybody",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Whose::Own => "Yours",
            Whose::Everybody => "All",
        }
    }

    fn address(self) -> String {
        match self {
            Whose::Own => "/exceptions".to_owned(),
            Whose::Everybody => format!("/exceptions?whose={}", self.word()),
        }
    }

    fn is_of(self, view: &ExceptionView, person: &PersonId) -> bool {
        view.state == "open" && (self == Whose::Everybody || view.owner == person.as_str())
    }
}

/// What an address asks for.
#[derive(Debug, Clone, Copy)]
struct Asked {
    whose: Whose,
    after: Option<Place>,
}

/// One open exception.
struct Open {
    title: String,
    cause: Cause,
    since: Timestamp,
    due: Timestamp,
    view: ExceptionView,
}

/// What is open, and where the next page begins.
struct Found {
    open: Vec<Open>,
    next: Option<Place>,
    /// Whether there may be more than was looked at.
    more: bool,
}

/// Shows them.
pub(super) async fn show(State(host): State<Host>, headers: HeaderMap, uri: Uri) -> Response {
    let signed = match guard::required(&host, &headers, uri.path()) {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    let person = &signed.session.person;
    let asked = match asked(&uri) {
        Ok(asked) => asked,
        Err(problem) => return page::problem_to(person, &problem),
    };
    match found(&host, person, asked).await {
        Ok(found) => shown(&host, person, asked, &found).into_response(),
        Err(problem) => page::problem_to(person, &problem),
    }
}

fn asked(uri: &Uri) -> Result<Asked, Problem> {
    let mut query = Query::of(uri, &["whose", "cursor"])?;
    let named = |text: &str| Whose::ALL.into_iter().find(|whose| whose.word() == text);
    let whose = query.read("whose", "`me` or `everybody`", named).unwrap_or(Whose::Own);
    let after = query.read("cursor", "the next page of an earlier answer", read);
    query.checked()?;
    Ok(Asked { whose, after })
}

/// Looks through the intents with an open exception, as far as a page holds.
async fn found(host: &Host, person: &PersonId, Asked { whose, after }: Asked) -> Result<Found, Problem> {
    let label = match whose {
        Whose::Own => (OWNED, person.as_str()),
        Whose::Everybody => EXCEPTION_OPEN,
    };
    let mut places = BTreeSet::new();
    let more = collect(host, label, &mut places).await?;
    let (mut open, mut last, mut next) = (Vec::<Open>::new(), None, None);
    let behind = places.into_iter().filter(|place| after.is_none_or(|after| after < *place));
    for place in behind {
        let found = of_intent(host, person, whose, place.intent).await?;
        if found.is_empty() {
            continue;
        }
        // An intent is not torn apart: a page is as long as its last intent makes it.
        if PAGE_ROWS <= open.len() {
            next = last;
            break;
        }
        open.extend(found);
        last = Some(place);
    }
    // An intent has its place by what it needs next, which need not be this exception.
    open.sort_by_key(|one| one.due);
    Ok(Found { open, next, more })
}

/// The open exceptions of one intent, as far as it is for a person.
async fn of_intent(
    host: &Host,
    person: &PersonId,
    whose: Whose,
    intent: IntentId,
) -> Result<Vec<Open>, Problem> {
    let (approval, rulebook) = (host.engine.read(intent).await?.approval, host.engine.rulebook());
    let looking = Looking { person, rulebook: &rulebook, now: host.engine.now() };
    let Some(view) = IntentView::of(&approval, looking) else { return Ok(Vec::new()) };
    let title = title(&approval, &rulebook, &rulebook.sight(&approval, person, looking.now));
    let own = view.exceptions.into_iter().filter(|view| whose.is_of(view, person));
    let open = own.filter_map(|view| {
        let id: ExceptionId = view.id.parse().ok()?;
        let exception = approval.exceptions.get(&id)?;
        let (cause, since, due) = (exception.cause, exception.opened, exception.due);
        Some(Open { title: title.clone(), cause, since, due, view })
    });
    Ok(open.collect())
}

fn shown(host: &Host, person: &PersonId, asked: Asked, found: &Found) -> Html<String> {
    let rulebook = host.engine.rulebook();
    let clocks = Clocks { directory: rulebook.directory(), person, now: host.engine.now() };
    let address = asked.whose.address();
    let mark = if asked.whose == Whose::Own { '?' } else { '&' };
    let body = html! {
        p.purpose { "What the normal path could not settle. Each has an owner, a time, and ways out; what is due first stands first." }
        nav.lists aria-label="Lists" {
            @for whose in Whose::ALL {
                a href=(whose.address()) aria-current=[(whose == asked.whose).then_some("true")] { (whose.name()) }
            }
        }
        @if !found.open.is_empty() { (table(&found.open, clocks)) }
        @else if asked.after.is_some() { p { "Nothing else is open." } }
        @else { (empty(asked.whose)) }
        @if found.more {
            p.note { "More than " (LOOKED_AT_MAX) " intents have an open exception; the oldest are not looked at here. "
                code { "countersign exception list" } " lists them all, owner by owner." }
        }
        @if asked.after.is_some() || found.next.is_some() {
            nav.pages aria-label="Pages" {
                @if asked.after.is_some() { a href=(address) { "First page" } }
                @if let Some(next) = found.next { a rel="next" href=(format!("{address}{mark}cursor={}", written(next))) { "Next page" } }
            }
        }
    };
    framed(Here::Exceptions, "Exceptions", person, &body)
}

fn table(open: &[Open], clocks: Clocks<'_>) -> Markup {
    html! {
        table.rows {
            thead {
                tr {
                    th scope="col" { "what happened" } th scope="col" { "intent" } th scope="col" { "owner" }
                    th scope="col" { "open since" } th scope="col" { "due" }
                }
            }
            tbody {
                @for one in open {
                    tr {
                        th scope="row" {
                            a href=(address(&one.view)) { (sentence(happened(one.cause))) }
                            p.note { (all(&one.view.detail.message)) " (" (one.view.cause) ")" }
                        }
                        td data-of="intent" { a href=(format!("/intents/{}", one.view.intent)) { (sentence(&all(&one.title))) } }
                        td data-of="owner" { (one.view.owner) }
                        td data-of="open since" { span { (clocks.past(&one.since.to_string())) } }
                        td data-of="due" { span { (clocks.due(&one.view.due)) } }
                    }
                }
            }
        }
    }
}

/// The page of an exception.
pub(super) fn address(exception: &ExceptionView) -> String {
    format!("/intents/{}/exceptions/{}", exception.intent, exception.id)
}

/// What would be here, and how the first one comes.
fn empty(whose: Whose) -> Markup {
    html! {
        @match whose {
            Whose::Own => {
                p { strong { "No exception is yours." } }
                p { "One becomes yours when something cannot go on by itself and the exception table of " code { "routes.md" }
                    " names you: a policy that cannot decide, a seat that nobody fills, a target that refuses a write." }
                p { a.button.quiet href=(Whose::Everybody.address()) { "All exceptions" } }
            },
            Whose::Everybody => {
                p { strong { "No exception is open." } }
                p { "Everything that you may see goes its normal way. The first exception comes when something cannot go on by itself." }
                p { a.button.quiet href="/intents" { "All intents" } }
            },
        }
    }
}
