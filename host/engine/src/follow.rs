//! Follows what changes at a target that tells of it: what was approved and is watched is read back at once, and not
//! when its turn comes.
//!
//! It is only a short cut. A target may leave a change out, so each write is read back by the clock all the same.

use crate::count;
use crate::engine::Inner;
use crate::fault::Fault;
use crate::gates::Entry;
use crate::limits::{
    FOLLOW_ITEMS, FOLLOW_MS, FOLLOW_NOTE_GAP_MS, FOLLOW_NOTE_MS, FOLLOW_PAGES_MAX, RECORD_INTENTS_MAX,
};
use crate::port::connectors::{Asked, Changed, Connection, Page};
use crate::row::{RECORD, record_label};
use crate::watch;
use countersign_core::approval::watch::Next;
use countersign_core::connection::Event;
use countersign_core::effect::attempt::{Break, Ended, Failure};
use countersign_core::id::{ConnectionName, EffectId, IntentId};
use countersign_core::time::{Millis, Timestamp};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

/// How far the changes of one kind of record were looked at.
#[derive(Debug)]
struct Place {
    cursor: Option<String>,
    /// What stands on record.
    noted: Option<String>,
    /// When that was noted, or nothing was to be.
    since: Timestamp,
    /// Whether it was noted since the host began.
    is_noted: bool,
}

/// What came of one page.
enum Turned {
    /// There may be more.
    On,
    /// There is nothing more for now, or nothing can be asked.
    Done,
}

impl Inner {
    /// Follows every target that tells and is not followed yet.
    pub(crate) fn follow_all(self: &Arc<Self>) {
        for connection in self.connectors.connections() {
            let mut following = self.following.lock().unwrap_or_else(PoisonError::into_inner);
            if !connection.tells.is_empty() && following.insert(connection.name.clone()) {
                self.tasks.start(run(Arc::clone(self), connection.name.clone()));
            }
        }
    }
}

/// Asks the target of a connection again and again what has changed, until the engine stops.
///
/// If the process stops in here, what was looked at and not noted is looked at once more.
async fn run(inner: Arc<Inner>, name: ConnectionName) {
    let mut places = BTreeMap::new();
    loop {
        let until = inner.later(Millis(FOLLOW_MS));
        tokio::select! {
            biased;
            () = inner.tasks.stopping() => return,
            () = inner.clock.sleep_until(until) => {}
        }
        let Some(connection) = inner.connectors.connection(&name) else { continue };
        for kind in &connection.tells {
            if let Err(fault) = follow(&inner, &connection, kind, &mut places).await {
                tracing::warn!(%fault, connection = %name, kind, blame = "host", "changes are not followed; it is tried again");
            }
        }
    }
}

async fn follow(
    inner: &Arc<Inner>,
    connection: &Connection,
    kind: &str,
    places: &mut BTreeMap<String, Place>,
) -> Result<(), Fault> {
    let place = match places.get_mut(kind) {
        Some(place) => place,
        None => {
            let noted = inner.on_record(&connection.name).await?.followed.get(kind).cloned();
            let place = Place { cursor: noted.clone(), noted, since: inner.clock.now(), is_noted: false };
            places.entry(kind.to_owned()).or_insert(place)
        }
    };
    for _ in 0..FOLLOW_PAGES_MAX {
        if inner.tasks.are_stopping() {
            break;
        }
        match turn(inner, connection, kind, place).await? {
            Turned::On => {}
            Turned::Done => break,
        }
    }
    Ok(())
}

/// Asks for one page, and looks at what of it is watched.
async fn turn(
    inner: &Arc<Inner>,
    connection: &Connection,
    kind: &str,
    place: &mut Place,
) -> Result<Turned, Fault> {
    let asked = Asked {
        kind: kind.to_owned(),
        cursor: place.cursor.clone(),
        limit: FOLLOW_ITEMS,
        now: inner.clock.now(),
    };
    let ended = match inner.enter(connection).await? {
        Entry::Later(_) => return Ok(Turned::Done),
        Entry::Through(_turn) | Entry::Waited(_turn) => {
            inner.connectors.changes(&connection.name, asked).await
        }
    };
    let Page { items, next } = match ended {
        Ended::Returned(page) => page,
        Ended::Failed(Failure::Rejected { detail, .. }) if place.cursor.is_some() => {
            // A place that another version of the connector has made, perhaps, or another database.
            let why = &detail.message;
            tracing::warn!(
                connection = %connection.name,
                kind,
                why,
                blame = "connector",
                "the target does not know where to go on with what has changed: it is asked from the beginning"
            );
            place.cursor = None;
            return Ok(Turned::Done);
        }
        Ended::Failed(failure) => {
            let why = &failure.detail().message;
            tracing::info!(connection = %connection.name, kind, why, "the target does not say what has changed");
            return Ok(Turned::Done);
        }
        Ended::Broke(Break { message: why, .. }) => {
            tracing::warn!(connection = %connection.name, kind, why, blame = "connector", "it breaks when it is asked what has changed");
            return Ok(Turned::Done);
        }
    };
    let mut concerned = false;
    for item in &items {
        match looked_at(inner, connection, item).await? {
            Looked::Nothing => {}
            Looked::At => concerned = true,
            // It is asked for once more.
            Looked::NotYet => return Ok(Turned::Done),
        }
    }
    let Some(next) = next.filter(|next| place.cursor.as_ref() != Some(next)) else {
        noted(inner, connection, (kind, place), false).await?;
        return Ok(Turned::Done);
    };
    place.cursor = Some(next);
    noted(inner, connection, (kind, place), concerned).await?;
    Ok(if items.is_empty() { Turned::Done } else { Turned::On })
}

/// Notes how far it was looked, if something was there or it was not noted for long: each time is an entry of the log.
async fn noted(
    inner: &Arc<Inner>,
    connection: &Connection,
    (kind, place): (&str, &mut Place),
    concerned: bool,
) -> Result<(), Fault> {
    let now = inner.clock.now();
    let since = now.since(place.since);
    let is_long = Millis(FOLLOW_NOTE_MS) <= since;
    let is_due = concerned && (!place.is_noted || Millis(FOLLOW_NOTE_GAP_MS) <= since);
    let Some(cursor) = place.cursor.clone().filter(|cursor| place.noted.as_ref() != Some(cursor)) else {
        place.since = now;
        return Ok(());
    };
    if is_due || is_long {
        let event = Event::Followed { kind: kind.to_owned(), cursor: cursor.clone() };
        inner.note(&connection.name, None, None, |_| Ok(event.clone())).await?;
        (place.noted, place.since, place.is_noted) = (Some(cursor), now, true);
    }
    Ok(())
}

/// What came of one record that has changed.
pub(crate) enum Looked {
    /// Nothing of it is watched, or it is our own write.
    Nothing,
    /// It was read back.
    At,
    /// Its connection cannot be asked now.
    NotYet,
}

/// Reads back what is watched of a record that has changed.
pub(crate) async fn looked_at(
    inner: &Arc<Inner>,
    connection: &Connection,
    changed: &Changed,
) -> Result<Looked, Fault> {
    let label = record_label(&connection.name, &changed.subject);
    let mut intents: Vec<IntentId> = Vec::new();
    count::each(&*inner.store, &[(RECORD, &label)], |row| {
        intents.extend(row.stream.parse::<IntentId>().ok());
        RECORD_INTENTS_MAX <= intents.len()
    })
    .await?;
    let mut looked = Looked::Nothing;
    for intent in intents {
        let watched = match watched(inner, intent, connection, changed).await {
            Ok(watched) => watched,
            // It must not keep what has changed elsewhere from being looked at.
            Err(fault @ Fault::Unreadable(_)) => {
                tracing::error!(%fault, %intent, blame = "host", "a record that changed is not looked at for this intent");
                continue;
            }
            Err(fault) => return Err(fault),
        };
        for effect in watched {
            if watch::changed(inner, intent, effect).await?.is_some() {
                return Ok(Looked::NotYet);
            }
            looked = Looked::At;
        }
    }
    Ok(looked)
}

/// The writes of an intent to a record that are watched, and are not what has changed it.
async fn watched(
    inner: &Arc<Inner>,
    intent: IntentId,
    connection: &Connection,
    changed: &Changed,
) -> Result<Vec<EffectId>, Fault> {
    let approval = inner.read(intent).await?.approval;
    let there = approval.standing().filter(|standing| {
        let (planned, receipt) = (standing.planned, standing.receipt);
        let is_ours = changed.revision.is_some() && receipt.revision == changed.revision;
        let watch = approval.watches.get(&planned.effect);
        planned.connection == connection.name
            && receipt.subject == changed.subject
            && !is_ours
            && watch.is_some_and(|watch| matches!(watch.next, Next::Look(_)))
    });
    Ok(there.map(|standing| standing.planned.effect).collect())
}
