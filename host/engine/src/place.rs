//! Where a record that is no intent stands in the log: in streams of its own, such as `directory/1` and on, one after
//! the other, each until it is full; a delivery in one alone.

use crate::engine::{Inner, Key};
use crate::fault::Fault;
use crate::limits::{RECORD_STREAM_ENTRIES, RECORD_STREAMS_MAX};
use crate::port::store::{Append, Batch, CallerKey, ErrandChange, RowChange, Store, StoreFault, StreamName};
use countersign_core::id::DeliveryId;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Where the next entry of a record goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Number of the stream.
    pub(crate) stream: u32,
    /// Its last sequence.
    pub(crate) sequence: u64,
}

impl Default for Place {
    fn default() -> Place {
        Place { stream: 1, sequence: 0 }
    }
}

impl Place {
    /// The stream of the record of this name.
    pub(crate) fn name(self, record: &str) -> StreamName {
        format!("{record}/{}", self.stream).into()
    }

    /// The place after so many entries. A stream is full at a fixed place, so that whoever does not know of
    /// the next one meets a conflict.
    pub(crate) fn after(self, entries: u64) -> Place {
        let sequence = self.sequence.saturating_add(entries);
        if sequence < RECORD_STREAM_ENTRIES {
            Place { sequence, ..self }
        } else {
            Place { stream: self.stream.saturating_add(1), sequence: 0 }
        }
    }
}

/// Reads every entry of a record, the oldest first; says where the next one goes.
///
/// # Errors
/// [`Fault::Store`] if the log cannot be read; [`Fault::Unreadable`] if an entry is none of this record, or if there are
/// more than a record holds.
pub(crate) async fn read<E: DeserializeOwned>(
    store: &dyn Store,
    record: &str,
    mut take: impl FnMut(E),
) -> Result<Place, Fault> {
    let mut place = Place::default();
    while place.stream <= RECORD_STREAMS_MAX {
        let stored = store.load(&place.name(record)).await?;
        for bytes in &stored {
            take(serde_json::from_slice(bytes).map_err(|fault| Fault::Unreadable(fault.to_string()))?);
        }
        let next = place.after(u64::try_from(stored.len()).unwrap_or(u64::MAX));
        if next.stream == place.stream {
            return Ok(next);
        }
        place = next;
    }
    let most = u64::from(RECORD_STREAMS_MAX).saturating_mul(RECORD_STREAM_ENTRIES);
    Err(Fault::Unreadable(format!("the record `{record}` has more than {most} entries")))
}

/// Appends entries to a record; says where the next one goes. Durable on return. The caller keeps everybody else from
/// changing the record meanwhile.
///
/// # Errors
/// [`StoreFault::Conflict`] if the record goes on elsewhere; nothing is stored then.
pub(crate) async fn append(
    store: &dyn Store,
    record: &str,
    place: Place,
    entries: Vec<Arc<[u8]>>,
    key: Option<&Key>,
) -> Result<Place, StoreFault> {
    if RECORD_STREAMS_MAX < place.stream {
        return Err(StoreFault::TooLarge("RECORD_STREAMS_MAX"));
    }
    let stream = place.name(record);
    let caller_key = key.map(|key| CallerKey {
        key: key.key.as_str().into(),
        fingerprint: key.fingerprint,
        answer: stream.as_bytes().into(),
    });
    let after = place.after(u64::try_from(entries.len()).unwrap_or(u64::MAX));
    let append = Append { stream, expected: place.sequence, entries, errands: Vec::new(), row: None };
    store.append(Batch { appends: vec![append], caller_key }).await?;
    Ok(after)
}

impl Inner {
    /// The same, by an engine that runs: it stops if its log is lost.
    ///
    /// # Errors
    /// [`StoreFault::Conflict`] if the record goes on elsewhere; nothing is stored then.
    pub(crate) async fn append_to(
        &self,
        record: &str,
        place: Place,
        entries: Vec<Arc<[u8]>>,
        key: Option<&Key>,
    ) -> Result<Place, Fault> {
        let stored = append(&*self.store, record, place, entries, key).await;
        if let Err(StoreFault::Lost(_)) = &stored {
            self.lost.cancel();
        }
        Ok(stored?)
    }

    /// Whether the log is still this host's to write; the engine stops if it is not.
    ///
    /// # Errors
    /// Those of [`Store::holds`].
    pub(crate) async fn holds(&self) -> Result<(), StoreFault> {
        let held = self.store.holds().await;
        if let Err(StoreFault::Lost(_)) = &held {
            self.lost.cancel();
        }
        held
    }

    /// Appends one turn to a delivery. Durable on return.
    ///
    /// # Errors
    /// [`StoreFault::Conflict`] if it goes on elsewhere; nothing is stored then.
    pub(crate) async fn append_delivery(
        &self,
        delivery: DeliveryId,
        Delivered { expected, entry, errand, row }: Delivered,
        key: Option<&Key>,
    ) -> Result<(), Fault> {
        let stream: StreamName = delivery.to_string().into();
        let caller_key = key.map(|key| CallerKey {
            key: key.key.as_str().into(),
            fingerprint: key.fingerprint,
            answer: stream.as_bytes().into(),
        });
        let append = Append { stream, expected, entries: vec![entry], errands: vec![errand], row: Some(row) };
        let stored = self.store.append(Batch { appends: vec![append], caller_key }).await;
        if let Err(StoreFault::Lost(_)) = &stored {
            self.lost.cancel();
        }
        stored?;
        Ok(())
    }
}

/// What a delivery gains in one commit.
#[derive(Debug)]
pub(crate) struct Delivered {
    /// Its last sequence before.
    pub(crate) expected: u64,
    /// What happened.
    pub(crate) entry: Arc<[u8]>,
    /// Its errand, opened or closed.
    pub(crate) errand: ErrandChange,
    /// Its row from now on.
    pub(crate) row: RowChange,
}
