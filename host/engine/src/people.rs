//! The record of people: read before anything else runs, written before it counts.
//!
//! It stands in streams of its own, `directory/1` and on: one after the other, each until it is full. What
//! is in force is always `people.md` with the record: a set of rules that comes into force gets the record
//! of the one before it (see `Inner::replace_rulebook`), and the record that is read at the start is part of
//! what an engine is made of.

use crate::engine::{Engine, Inner, Key};
use crate::fault::Fault;
use crate::limits::{CALLER_KEY_BYTES_MAX, CONFLICTS_MAX, DIRECTORY_STREAM_ENTRIES, DIRECTORY_STREAMS_MAX};
use crate::port::store::{Append, Batch, CallerKey, Query, Store, StoreFault, StreamName};
use crate::publish::asks_as;
use countersign_core::approval::refusal::Refusal;
use countersign_core::going_live::Lives;
use countersign_core::id::{IntentId, PersonId};
use countersign_core::people::register::{Actor, Asked, Command, Entry, Register};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the log says beside every set of rules: who is there, with the place up to which that was read, and which
/// intent types went live.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// Who is on record.
    pub register: Arc<Register>,
    /// Which intent types went live.
    pub lives: Arc<Lives>,
    pub(crate) place: Place,
}

/// Where the next entry goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Number of the stream.
    stream: u32,
    /// Its last sequence.
    sequence: u64,
}

impl Default for Place {
    fn default() -> Place {
        Place { stream: 1, sequence: 0 }
    }
}

impl Place {
    fn name(self) -> StreamName {
        format!("directory/{}", self.stream).into()
    }

    /// The place after so many entries. A stream is full at a fixed place, so that whoever does not know of
    /// the next one meets a conflict.
    fn after(self, entries: u64) -> Place {
        let sequence = self.sequence.saturating_add(entries);
        if sequence < DIRECTORY_STREAM_ENTRIES {
            Place { sequence, ..self }
        } else {
            Place { stream: self.stream.saturating_add(1), sequence: 0 }
        }
    }
}

/// Reads the record of people from the log. Asked once, before an engine starts.
///
/// # Errors
/// [`Fault::Store`] if the log cannot be read; [`Fault::Unreadable`] if an entry is none.
pub async fn recorded(store: &dyn Store) -> Result<Record, Fault> {
    let mut register = Register::default();
    let mut place = Place::default();
    while place.stream <= DIRECTORY_STREAMS_MAX {
        let stored = store.load(&place.name()).await?;
        for bytes in &stored {
            let entry: Entry =
                serde_json::from_slice(bytes).map_err(|fault| Fault::Unreadable(fault.to_string()))?;
            register = register.after(&entry);
        }
        let next = place.after(u64::try_from(stored.len()).unwrap_or(u64::MAX));
        if next.stream == place.stream {
            let lives = Arc::new(crate::going_live::recorded(store).await?);
            return Ok(Record { register: Arc::new(register), lives, place: next });
        }
        place = next;
    }
    let most = u64::from(DIRECTORY_STREAMS_MAX).saturating_mul(DIRECTORY_STREAM_ENTRIES);
    Err(Fault::Unreadable(format!("the record of people has more than {most} entries")))
}

impl Engine {
    /// Puts on record what `ask` makes of the register as it stands, and in force right after. Durable on
    /// return; what is so already is no entry. Returns the register with it.
    ///
    /// If the process stops in here either all of it is on record or nothing is, and the next start puts in
    /// force what is.
    ///
    /// # Errors
    /// What `ask` says; [`Fault::People`] if a rule says no; nothing is stored then.
    pub async fn record<E: From<Fault>>(
        &self,
        by: Actor,
        key: Option<Key>,
        ask: impl Fn(&Register) -> Result<Command, E>,
    ) -> Result<Arc<Register>, E> {
        let _inside = self.inner.doors.enter();
        let mut place = self.inner.recording.lock().await;
        if self.inner.recorded_under(key.as_ref()).await? {
            return Ok(Arc::clone(self.rulebook().register()));
        }
        for _ in 0..CONFLICTS_MAX {
            let rulebook = self.inner.rulebook();
            let register = Arc::clone(rulebook.register());
            let command = ask(&register)?;
            let waits = self.inner.waits(&by, &command).await?;
            let now = self.inner.clock.now();
            let asked = Asked { by: &by, directory: rulebook.directory(), now, waits };
            let events = register.decide(&command, asked).map_err(Fault::from)?;
            if events.is_empty() {
                return Ok(register);
            }
            let entry = |event| Entry { at: now, by: by.clone(), event };
            let entries: Vec<Entry> = events.into_iter().map(entry).collect();
            match self.inner.put_on_record(&mut place, &register, &entries, key.as_ref()).await {
                Err(Fault::Store(StoreFault::Conflict { .. })) => {
                    let found = recorded(&*self.inner.store).await?;
                    *place = found.place;
                    self.inner.in_force(found.register);
                }
                Err(fault) => return Err(fault.into()),
                Ok(register) => return Ok(register),
            }
        }
        Err(Fault::Refused(Refusal::Overtaken).into())
    }
}

impl Inner {
    /// Stores the entries, then puts them in force. The caller holds `recording`, so nobody else changes the
    /// register meanwhile.
    async fn put_on_record(
        &self,
        place: &mut Place,
        register: &Arc<Register>,
        entries: &[Entry],
        key: Option<&Key>,
    ) -> Result<Arc<Register>, Fault> {
        let mut bytes: Vec<Arc<[u8]>> = Vec::with_capacity(entries.len());
        let mut after = Register::clone(register);
        for entry in entries {
            let written = entry.to_bytes().map_err(|fault| Fault::Unreadable(fault.to_string()))?;
            bytes.push(written.into());
            after = after.after(entry);
        }
        let stream = place.name();
        let caller_key = key.map(|key| CallerKey {
            key: key.key.as_str().into(),
            fingerprint: key.fingerprint,
            answer: stream.as_bytes().into(),
        });
        if DIRECTORY_STREAMS_MAX < place.stream {
            return Err(StoreFault::TooLarge("DIRECTORY_STREAMS_MAX").into());
        }
        let append =
            Append { stream, expected: place.sequence, entries: bytes, errands: Vec::new(), row: None };
        let stored = self.store.append(Batch { appends: vec![append], caller_key }).await;
        if let Err(StoreFault::Lost(_)) = &stored {
            self.lost.cancel();
        }
        stored?;
        *place = place.after(u64::try_from(entries.len()).unwrap_or(u64::MAX));
        let after = Arc::new(after);
        self.in_force(Arc::clone(&after));
        Ok(after)
    }

    /// Whether a caller's key was used for the same request already: what it asked for is on record then.
    async fn recorded_under(&self, key: Option<&Key>) -> Result<bool, Fault> {
        let Some(key) = key else { return Ok(false) };
        if CALLER_KEY_BYTES_MAX < key.key.len() {
            return Err(Fault::KeyTooLong);
        }
        match self.store.caller_key(&key.key).await? {
            None => Ok(false),
            Some(known) if known.fingerprint == key.fingerprint => Ok(true),
            Some(_) => Err(Fault::KeyReused),
        }
    }

    /// An intent of whoever sends somebody else away, or has them back, that waits for just the person who would not
    /// decide any more.
    async fn waits(&self, by: &Actor, command: &Command) -> Result<Option<IntentId>, Fault> {
        let Actor::Person(by) = by else { return Ok(None) };
        let mut for_whom: Vec<PersonId> = Vec::new();
        if let Command::Away(away) = command
            && *by != away.person
        {
            for_whom.push(away.person.clone());
        } else if let Command::Back { person, .. } = command
            && by != person
        {
            let rulebook = self.rulebook();
            let own = rulebook.register().absences().filter(|(_, away)| away.person == *person);
            for_whom.extend(own.filter_map(|(_, away)| away.cover.clone()));
        }
        let names = asks_as(self.rulebook().directory(), by);
        let mut pairs = Vec::new();
        for name in &names {
            pairs.extend(for_whom.iter().map(|person| (person.clone(), name.clone())));
        }
        for (person, (asks, by)) in &pairs {
            for label in ["seat", "exception"] {
                let labels = [(*asks, by), (label, person)];
                let labels =
                    labels.map(|(name, person): (&str, &PersonId)| (name.to_owned(), person.to_string()));
                let query = Query { labels: BTreeMap::from(labels), after: None, limit: 1 };
                let page = self.store.query(query).await?;
                if let Some(intent) = page.rows.first().and_then(|row| row.stream.parse().ok()) {
                    return Ok(Some(intent));
                }
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
