//! The record of a connection: that somebody paused it, and how far its target was asked what has changed.
//!
//! It stands in streams of its own, `connection/NAME/1` and on, and is read when it is first asked for. An entry is
//! stored before it counts.

use crate::engine::{Engine, Inner, Key};
use crate::fault::Fault;
use crate::place;
use crate::records::{Known, Records};
use countersign_core::connection::{Change, Entry, Event, NotChanged, OnRecord};
use countersign_core::id::{ConnectionName, PersonId};
use std::sync::Arc;

/// The records of all connections that were asked for.
pub(crate) type Connections = Records<ConnectionName, OnRecord>;

fn record(connection: &ConnectionName) -> String {
    format!("connection/{connection}")
}

impl Engine {
    /// Pauses a connection, or lets it go on. Durable on return. Attempts that are on their way end; no other one
    /// begins while it is paused.
    ///
    /// If the process stops in here it is on record or it is not; asked again under the same key, it is.
    ///
    /// # Errors
    /// [`Fault::Connection`] if it is so already, or they do not look after it; those of the store. Nothing changes then.
    pub async fn change_connection(
        &self,
        connection: &ConnectionName,
        change: &Change,
        (by, reason): (&PersonId, &str),
        key: Option<Key>,
    ) -> Result<Arc<OnRecord>, Fault> {
        let _inside = self.inner.doors.enter();
        self.rulebook().directory().operates(by, Some(connection)).map_err(NotChanged::from)?;
        let decide = |record: &OnRecord| record.decide(change, reason);
        self.inner.note(connection, Some(by), key.as_ref(), decide).await
    }

    /// The record of a connection.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn on_record(&self, connection: &ConnectionName) -> Result<Arc<OnRecord>, Fault> {
        self.inner.on_record(connection).await
    }
}

impl Inner {
    pub(crate) async fn on_record(&self, connection: &ConnectionName) -> Result<Arc<OnRecord>, Fault> {
        if let Some((record, _)) = self.records.known(connection) {
            return Ok(record);
        }
        let _alone = self.records.changing.lock().await;
        Ok(self.read_record(connection).await?.0)
    }

    /// Puts on record what `decide` makes of it. Durable on return.
    pub(crate) async fn note(
        &self,
        connection: &ConnectionName,
        by: Option<&PersonId>,
        key: Option<&Key>,
        decide: impl Fn(&OnRecord) -> Result<Event, NotChanged>,
    ) -> Result<Arc<OnRecord>, Fault> {
        let _alone = self.records.changing.lock().await;
        let (standing, place) = self.read_record(connection).await?;
        if self.recorded_under(key).await? {
            return Ok(standing);
        }
        let event = decide(&standing)?;
        let entry = Entry { at: self.clock.now(), by: by.cloned(), event };
        let bytes = entry.to_bytes().map_err(|fault| Fault::Unreadable(fault.to_string()))?;
        let next = self.append_to(&record(connection), place, vec![bytes.into()], key).await?;
        let after = Arc::new(OnRecord::clone(&standing).after(&entry));
        self.records.keep(connection, (Arc::clone(&after), next));
        Ok(after)
    }

    /// Whoever calls holds `changing`.
    async fn read_record(&self, connection: &ConnectionName) -> Result<Known<OnRecord>, Fault> {
        if let Some(known) = self.records.known(connection) {
            return Ok(known);
        }
        let mut standing = OnRecord::default();
        let take = |entry: Entry| standing = std::mem::take(&mut standing).after(&entry);
        let place = place::read(&*self.store, &record(connection), take).await?;
        let known = (Arc::new(standing), place);
        self.records.keep(connection, known.clone());
        Ok(known)
    }
}
