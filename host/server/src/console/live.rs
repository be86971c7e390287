//! The stream of a page that is open: which intents have changed since it was made, of those that are for whoever looks.
//!
//! It tells no more than their ids, so that whatever a page shows comes from a page; and each time anew it is asked
//! whether the session still holds and the intent is still for its person. It is pulled by whoever reads it: a browser
//! that is slow hears less often, and of all that has changed at once.

use super::form::parameter;
use super::guard;
use super::page;
use super::part::waits::reasons;
use crate::api::view::intent::Looking;
use crate::limits::{
    LIVE_GAP_MS, LIVE_INTENTS_MAX, LIVE_KEEP_ALIVE_MS, LIVE_LOOK_MS, LIVE_RETRY_MS, LIVE_STREAMS_MAX,
    LIVE_STREAMS_PER_PERSON_MAX, SHOWN_MAX,
};
use crate::problem::Problem;
use crate::serve::Stopping;
use crate::state::Host;
use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use countersign_core::approval::Sight;
use countersign_core::id::{IntentId, PersonId};
use countersign_engine::grown::{Changed, Grown, Watcher};
use countersign_engine::port::store::Position;
use futures::stream::unfold;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How a browser says where the stream before broke off.
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");

/// The open streams, by person.
#[derive(Debug, Default, Clone)]
pub(crate) struct Streams(Arc<Mutex<BTreeMap<PersonId, usize>>>);

/// One of them, for as long as it is open.
struct Place {
    streams: Streams,
    person: PersonId,
}

impl Streams {
    fn open(&self, person: &PersonId) -> Result<Place, Problem> {
        let mut open = self.locked();
        let own = open.get(person).copied().unwrap_or_default();
        let help = "close pages that are open elsewhere; this one stays as it is until it is loaded again";
        if LIVE_STREAMS_PER_PERSON_MAX <= own {
            let detail = format!("{person} has {own} pages open that are kept up to date");
            return Err(Problem::new("CS-E0260", detail, help).later());
        }
        if LIVE_STREAMS_MAX <= open.values().sum() {
            let detail = format!("{LIVE_STREAMS_MAX} pages are open that this host keeps up to date");
            return Err(Problem::new("CS-E0260", detail, help).later());
        }
        open.insert(person.clone(), own.saturating_add(1));
        drop(open);
        Ok(Place { streams: self.clone(), person: person.clone() })
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<PersonId, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.locked();
        if let Some(own) = open.get_mut(&self.person) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                open.remove(&self.person);
            }
        }
    }
}

/// A stream.
struct Live {
    host: Host,
    cookie: String,
    place: Place,
    watcher: Watcher,
    stopping: Option<Stopping>,
    /// How far it has told, and since how many milliseconds it has said nothing.
    position: Position,
    quiet_ms: u64,
    begun: bool,
    has_looked: bool,
    /// What its page shows, as far as it may be lost from sight.
    shown: BTreeSet<IntentId>,
}

/// Opens one, from the place on that its page or the stream before has seen.
pub(super) async fn stream(
    State(host): State<Host>,
    stopping: Option<Extension<Stopping>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let signed = match guard::required(&host, &headers, "/inbox") {
        Ok(signed) => signed,
        Err(to) => return page::see_other(&to),
    };
    if !guard::is_of_own_page(&headers) {
        return page::said(
            StatusCode::FORBIDDEN,
            "This is for the pages of this host",
            "Open a page of it instead.",
        );
    }
    let place = match host.streams.open(&signed.session.person) {
        Ok(place) => place,
        Err(problem) => return problem.into_response(),
    };
    let last = headers.get(LAST_EVENT).and_then(|value| value.to_str().ok().map(str::to_owned));
    // What is no place of the log is one that nobody knows: everything is looked at anew.
    let read = |text: String| Position(text.parse().unwrap_or(u64::MAX));
    let seen = last.filter(|last| !last.is_empty()).or_else(|| parameter(&uri, "after")).map(read);
    let position = seen.unwrap_or_default();
    let watcher = host.engine.watches(seen);
    let stopping = stopping.map(|Extension(stopping)| stopping);
    let (cookie, shown) = (signed.cookie, signed.session.shown);
    let (quiet_ms, begun, has_looked) = (0, false, false);
    let live = Live { host, cookie, place, watcher, stopping, position, quiet_ms, begun, has_looked, shown };
    let texts = unfold(live, |mut live| async move {
        let text = live.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(text)), live))
    });
    let kind =
        [(header::CONTENT_TYPE, "text/event-stream"), (HeaderName::from_static("x-accel-buffering"), "no")];
    (kind, Body::from_stream(texts)).into_response()
}

impl Live {
    /// What is told next; nothing once it ends.
    async fn next(&mut self) -> Option<String> {
        if !self.begun {
            self.begun = true;
            return Some(format!("retry: {LIVE_RETRY_MS}\n\n"));
        }
        loop {
            // In a busy house what comes within a moment is looked at together.
            if std::mem::take(&mut self.has_looked) {
                tokio::time::sleep(Duration::from_millis(LIVE_GAP_MS)).await;
            }
            let grown = tokio::select! {
                biased;
                () = stopped(&mut self.stopping) => return None,
                grown = self.watcher.grown() => Some(grown),
                () = tokio::time::sleep(Duration::from_millis(LIVE_LOOK_MS)) => None,
            };
            if self.host.engine.is_stopping() || !guard::holds(&self.host, &self.cookie) {
                return None;
            }
            let Some(grown) = grown else {
                self.quiet_ms = self.quiet_ms.saturating_add(LIVE_LOOK_MS);
                if LIVE_KEEP_ALIVE_MS <= self.quiet_ms {
                    self.quiet_ms = 0;
                    // No event for the page; the browser knows how far it is.
                    return Some(format!("id: {}\n\n", self.position.0));
                }
                continue;
            };
            (self.position, self.has_looked) = (grown.position, true);
            if let Some(text) = self.told(&grown).await {
                self.quiet_ms = 0;
                return Some(text);
            }
        }
    }

    /// The event about what has changed, as far as it is for its person.
    async fn told(&mut self, grown: &Grown) -> Option<String> {
        let mut text = format!("id: {}\n", grown.position.0);
        let intents = match &grown.changed {
            Changed::Intents(intents) if intents.len() <= LIVE_INTENTS_MAX => intents,
            Changed::Intents(_) | Changed::Anything => {
                text.push_str("event: anew\ndata: all\n\n");
                return Some(text);
            }
        };
        let before = text.len();
        for intent in intents {
            if let Some(waits) = self.concerns(*intent).await {
                let waits = if waits { " waits" } else { "" };
                let data = if text.len() == before { "event: changed\ndata" } else { "data" };
                // A text takes all that is written to it.
                let _ = writeln!(text, "{data}: {intent}{waits}");
            }
        }
        text.push('\n');
        (before + 1 < text.len()).then_some(text)
    }

    /// Whether an intent waits for its person now; nothing if it is not for them. What they were shown and is not for them
    /// any more is told of once, as it is to leave their page.
    async fn concerns(&mut self, intent: IntentId) -> Option<bool> {
        let approval = match self.host.engine.read(intent).await {
            Ok(standing) => standing.approval,
            Err(fault) => {
                tracing::debug!(%fault, %intent, "a page was not told of a change");
                return None;
            }
        };
        let (rulebook, now) = (self.host.engine.rulebook(), self.host.engine.now());
        let person = &self.place.person;
        if rulebook.sight(&approval, person, now) == Sight::Nothing {
            return self.shown.remove(&intent).then_some(false);
        }
        let waits = !reasons(&approval, Looking { person, rulebook: &rulebook, now }).is_empty();
        if waits && self.shown.len() < SHOWN_MAX {
            self.shown.insert(intent);
        }
        Some(waits)
    }
}

/// Returns when the host stops serving.
async fn stopped(stopping: &mut Option<Stopping>) {
    match stopping {
        Some(stopping) => stopping.begun().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_and_a_host_have_only_so_many_streams_and_one_that_ends_makes_room() {
        let streams = Streams::default();
        let person = |number: usize| PersonId::parse(&format!("person-{number}")).expect("a person");
        let code = |person: &PersonId| streams.open(person).err().map(|problem| problem.code().code);
        let mut open = Vec::new();
        for number in 0..LIVE_STREAMS_MAX / LIVE_STREAMS_PER_PERSON_MAX {
            for _ in 0..LIVE_STREAMS_PER_PERSON_MAX {
                open.push(streams.open(&person(number)).expect("there is room"));
            }
            assert_eq!(code(&person(number)), Some("CS-E0260"), "{number}");
        }
        let rest = LIVE_STREAMS_MAX - open.len();
        open.extend((0..rest).map(|number| streams.open(&person(1_000 + number)).expect("there is room")));
        assert_eq!(code(&person(9_999)), Some("CS-E0260"), "the host is full");
        open.remove(0);
        assert_eq!(code(&person(9_999)), None, "one has ended");
        drop(open);
        assert!(streams.locked().is_empty(), "nobody is remembered who has none");
    }
}
