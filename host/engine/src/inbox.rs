//! Deliveries: what other systems tell by themselves. One is stored before its sender is answered, under the sender's name
//! of it, so that the same one counts once; then it is turned into what it is about: records that are read back, and
//! intents.
//!
//! Each stands in a stream of its own, named by its id. The errand `delivery` is open until something came of it.

mod waits;
mod wish;

pub use waits::Wait;
pub(crate) use waits::Waits;

use crate::engine::{Engine, Inner, Key};
use crate::fault::Fault;
use crate::follow::{Looked, looked_at};
use crate::gates::Entry as Gate;
use crate::limits::{
    DELIVERY_AGE_MS_MAX, DELIVERY_BYTES_MAX, DELIVERY_LOOK_MS_MAX, DELIVERY_RECORDS_MAX,
    DELIVERY_WAIT_MS_MAX, DELIVERY_WAIT_MS_MIN, DELIVERY_WISHES_MAX, PAUSED_LOOK_MS,
};
use crate::place::Delivered;
use crate::port::connectors::{Arrived, Changed, Connection, Verified};
use crate::port::store::{ENTRY_BYTES_MAX, ErrandChange, Page, Query, RowChange, StoreFault, StreamName};
use countersign_core::approval::wake::Wake;
use countersign_core::delivery::{CameTo, Delivery, Draft, Entry, Event, OnRecord, Outcome, Wish};
use countersign_core::effect::attempt::{Detail, Ended, Failure};
use countersign_core::hash::Digest;
use countersign_core::id::{ConnectionName, DeliveryId};
use countersign_core::record::RecordRef;
use countersign_core::time::{Millis, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Label of a delivery: the connection that it came to.
pub const DELIVERY: &str = "delivery";

/// What lists show of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The hook that it came by.
    pub hook: String,
    /// When.
    pub arrived: Timestamp,
    /// What came of it; nothing yet while it waits.
    pub outcome: Option<Outcome>,
}

/// What a sender is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It is stored. The same id for the same delivery, however often it is sent.
    Stored(DeliveryId),
    /// It wants this text back.
    Challenge(String),
}

impl Engine {
    /// Takes what has arrived at a hook of a connection. Durable on return; what it asks for is done after it.
    ///
    /// If the process stops in here it is stored or it is not; sent again, it is.
    ///
    /// # Errors
    /// [`Fault::NotTaken`] if there is no such hook, or it is not proved who sent it; [`Fault::KeyBusy`] while the same
    /// one is being stored; those of the store. Nothing is stored then.
    pub async fn deliver(
        &self,
        connection: &ConnectionName,
        hook: &str,
        arrived: Arrived,
    ) -> Result<Taken, Fault> {
        let _inside = self.inner.doors.enter();
        self.inner.deliver(connection, hook, arrived).await
    }

    /// Deliveries to a connection, the newest first: their rows, each with a [`Summary`].
    ///
    /// # Errors
    /// Those of the store.
    pub async fn deliveries(
        &self,
        connection: &ConnectionName,
        (after, limit): (Option<StreamName>, usize),
    ) -> Result<Page, Fault> {
        let labels = BTreeMap::from([(DELIVERY.to_owned(), connection.to_string())]);
        Ok(self.inner.store.query(Query { labels, after, limit }).await?)
    }

    /// Why a delivery waits, if it was looked at since this host began.
    #[must_use]
    pub fn waits(&self, delivery: DeliveryId) -> Option<Wait> {
        self.inner.waits.of(delivery)
    }
}

impl Inner {
    async fn deliver(
        self: &Arc<Self>,
        connection: &ConnectionName,
        hook: &str,
        arrived: Arrived,
    ) -> Result<Taken, Fault> {
        if self.tasks.are_stopping() {
            return Err(Fault::Stopping);
        }
        if DELIVERY_BYTES_MAX < arrived.body.len() {
            return Err(StoreFault::TooLarge("DELIVERY_BYTES_MAX").into());
        }
        let now = self.clock.now();
        let (id, delivery) = match self.connectors.verify(connection, hook, arrived, now)? {
            Verified::Challenge(text) => return Ok(Taken::Challenge(text)),
            Verified::Delivery { id, delivery } => (id, delivery),
        };
        let name = Digest::of_parts(&[connection.as_str().as_bytes(), hook.as_bytes(), &id.0]);
        // No person is called so, whose keys begin with their name.
        let key = Key { key: format!(":delivery/{name}"), fingerprint: name };
        let _running = self.hot.begin(Some(&key))?;
        if let Some(known) = self.store.caller_key(&key.key).await? {
            let text = String::from_utf8_lossy(&known.answer);
            let fault = |fault: countersign_core::id::NotAName| Fault::Unreadable(fault.to_string());
            return text.parse().map(Taken::Stored).map_err(fault);
        }
        let id = DeliveryId::drawn(now, self.chance.bits());
        let stream: StreamName = id.to_string().into();
        let record = OnRecord { delivery: delivery.clone(), arrived: now, outcome: None };
        let turn = Delivered {
            expected: 0,
            entry: to_bytes(now, Event::Arrived(delivery))?,
            errand: ErrandChange::Set { key: Wake::Delivery.to_string().into(), due: now },
            row: row(&record),
        };
        self.append_delivery(id, turn, Some(&key)).await?;
        crate::schedule::begin(self, stream, Wake::Delivery, now);
        Ok(Taken::Stored(id))
    }

    async fn delivery(&self, stream: &str) -> Result<Option<OnRecord>, Fault> {
        let stored = self.store.load(stream).await?;
        let read = |bytes: &Arc<[u8]>| serde_json::from_slice::<Entry>(bytes);
        let entries: Result<Vec<Entry>, _> = stored.iter().map(read).collect();
        Ok(OnRecord::of(&entries.map_err(|fault| Fault::Unreadable(fault.to_string()))?))
    }
}

fn to_bytes(at: Timestamp, event: Event) -> Result<Arc<[u8]>, Fault> {
    let bytes = Entry { at, by: None, event }.to_bytes();
    Ok(bytes.map_err(|fault| Fault::Unreadable(fault.to_string()))?.into())
}

fn row(record: &OnRecord) -> RowChange {
    let labels = vec![(DELIVERY.to_owned(), record.delivery.connection.to_string())];
    let OnRecord { delivery: Delivery { hook, .. }, arrived, outcome } = record;
    let summary = Summary { hook: hook.clone(), arrived: *arrived, outcome: outcome.clone() };
    // Texts, numbers and lists of them always have a JSON form.
    RowChange { labels, summary: serde_json::to_vec(&summary).unwrap_or_default().into() }
}

/// What became of an attempt to turn a delivery into what it is about.
enum Turned {
    /// This came of it.
    Into(Outcome),
    /// Nothing is asked of its connection now: why, and when it is looked at again.
    Later(Detail, Timestamp),
    /// Its connector or its target does not say now: why, and how long the target asked us to wait.
    NotNow(Detail, Option<Millis>),
}

/// Turns a delivery into what it is about; says when to come again if that cannot be done now.
///
/// If the process stops in here it is begun again: an intent that it made is found by its key.
pub(crate) async fn run(inner: &Arc<Inner>, id: DeliveryId) -> Result<Option<Timestamp>, Fault> {
    let stream = &*id.to_string();
    let Some(record) = inner.delivery(stream).await?.filter(|record| record.outcome.is_none()) else {
        return Ok(None);
    };
    let outcome = match turned(inner, &record).await? {
        Turned::Into(outcome) => outcome,
        Turned::Later(why, until) => {
            inner.waits.note(id, Wait { why, until });
            return Ok(Some(until));
        }
        Turned::NotNow(why, after) => {
            let age = inner.clock.now().since(record.arrived).0;
            if age < DELIVERY_AGE_MS_MAX {
                let wished = after.map_or(0, |after| after.0);
                let wait = age.max(wished).clamp(DELIVERY_WAIT_MS_MIN, DELIVERY_WAIT_MS_MAX);
                tracing::info!(connection = %record.delivery.connection, delivery = %stream, why = why.message, "a delivery waits");
                let until = inner.later(Millis(wait));
                inner.waits.note(id, Wait { why, until });
                return Ok(Some(until));
            }
            Outcome::Refused(why)
        }
    };
    let now = inner.clock.now();
    let mut after = OnRecord { outcome: Some(outcome.clone()), ..record };
    let mut entry = to_bytes(now, Event::Ended(outcome))?;
    if ENTRY_BYTES_MAX < entry.len() {
        // The intents that it made stand under its keys all the same.
        let why = Detail::new("too-large", "what came of it is longer than an entry of the log may be");
        entry = to_bytes(now, Event::Ended(Outcome::Refused(why.clone())))?;
        after.outcome = Some(Outcome::Refused(why));
    }
    say(stream, &after);
    let errand = ErrandChange::Clear { key: Wake::Delivery.to_string().into() };
    let turn = Delivered { expected: 1, entry, errand, row: row(&after) };
    inner.append_delivery(id, turn, None).await?;
    inner.waits.over(id);
    Ok(None)
}

/// Tells the operator of what came to nothing: nobody else is there to be told.
fn say(stream: &str, record: &OnRecord) {
    let Delivery { connection, hook, .. } = &record.delivery;
    match &record.outcome {
        Some(Outcome::Refused(why)) => {
            tracing::warn!(%connection, hook, delivery = %stream, code = why.code, why = why.message, "nothing came of a delivery");
        }
        Some(Outcome::Handled { wishes, .. }) => {
            for Wish { intent_type, came_to, .. } in wishes {
                let CameTo::Refused(why) = came_to else { continue };
                // Who asked, and for what, is for those who may look at deliveries.
                tracing::warn!(%connection, hook, delivery = %stream, intent_type, code = why.code, "a delivery asks for what is refused");
            }
        }
        None => {}
    }
}

async fn turned(inner: &Arc<Inner>, record: &OnRecord) -> Result<Turned, Fault> {
    let delivery = &record.delivery;
    if inner.lacks_connector(&delivery.connection) {
        let why = format!("connection `{}` has no connector yet", delivery.connection);
        return Ok(Turned::Later(Detail::new("no-connector", why), inner.later(Millis(PAUSED_LOOK_MS))));
    }
    let Some(connection) = inner.connectors.connection(&delivery.connection) else {
        let message = format!("connection `{}` is not configured any more", delivery.connection);
        return Ok(Turned::Into(Outcome::Refused(Detail::new("no-connection", message))));
    };
    let (records, drafts) = {
        let _turn = match inner.enter(&connection).await? {
            Gate::Through(turn) | Gate::Waited(turn) => turn,
            Gate::Later(until) => {
                let why =
                    format!("connection `{}` is paused, or busy with what is to be written", connection.name);
                return Ok(Turned::Later(Detail::new("held-back", why), until));
            }
        };
        match asked(inner, &connection, record).await {
            Ok(asked) => asked,
            Err(turned) => return Ok(turned),
        }
    };
    let mut wishes = Vec::new();
    for draft in drafts {
        let came_to = wish::came_to(inner, &connection, &delivery.hook, &draft).await?;
        let Draft { dedupe_key: key, intent_type, source, .. } = draft;
        wishes.push(Wish { key, intent_type, source, came_to });
    }
    let age = inner.clock.now().since(record.arrived).0;
    for subject in &records {
        let changed = Changed { subject: subject.clone(), revision: None };
        let looked = looked_at(inner, &connection, &changed).await?;
        // It is a short cut: what cannot be read for long is read when its turn comes.
        if matches!(looked, Looked::NotYet) && age < DELIVERY_LOOK_MS_MAX {
            let message = format!("{subject} of connection `{}` cannot be read now", connection.name);
            return Ok(Turned::NotNow(Detail::new("unavailable", message), None));
        }
    }
    Ok(Turned::Into(Outcome::Handled { records, wishes }))
}

type Said = (Vec<RecordRef>, Vec<Draft>);

/// What the connector makes of a delivery.
async fn asked(inner: &Inner, connection: &Connection, record: &OnRecord) -> Result<Said, Turned> {
    let mut said = Said::default();
    if connection.inbound.interprets {
        said.0 = told(inner.connectors.interpret(record.delivery.clone(), record.arrived).await)?;
    }
    if !connection.inbound.brings.is_empty() {
        said.1 = told(inner.connectors.receive(record.delivery.clone(), record.arrived).await)?;
    }
    let too_many = |what: &str, most: usize| {
        let message = format!("it names more than {most} {what}");
        Err(Turned::Into(Outcome::Refused(Detail::new("too-many", message))))
    };
    match said {
        (records, _) if DELIVERY_RECORDS_MAX < records.len() => too_many("records", DELIVERY_RECORDS_MAX),
        (_, drafts) if DELIVERY_WISHES_MAX < drafts.len() => too_many("intents", DELIVERY_WISHES_MAX),
        said => Ok(said),
    }
}

fn told<T>(ended: Ended<T>) -> Result<T, Turned> {
    match ended {
        Ended::Returned(told) => Ok(told),
        Ended::Failed(Failure::Rejected { detail, .. }) => Err(Turned::Into(Outcome::Refused(detail))),
        Ended::Failed(Failure::Transient { after, detail }) => Err(Turned::NotNow(detail, after)),
        Ended::Failed(failure) => Err(Turned::NotNow(failure.detail().clone(), None)),
        Ended::Broke(broke) => Err(Turned::NotNow(Detail::new("connector-broke", broke.message), None)),
    }
}
