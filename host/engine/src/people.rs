//! The record of people: read before anything else runs, written before it counts.
//!
//! It stands in streams of its own, `directory/1` and on: one after the other, each until it is full. What
//! is in force is always `people.md` with the record: a set of rules that comes into force gets the record
//! of the one before it (see `Inner::replace_rulebook`), and the record that is read at the start is part of
//! what an engine is made of.

use crate::engine::{Engine, Inner, Key};
use crate::fault::Fault;
use crate::jumps;
use crate::limits::{CALLER_KEY_BYTES_MAX, CONFLICTS_MAX};
use crate::place::{self, Place};
use crate::port::store::{Query, Store, StoreFault};
use crate::publish::asks_as;
use countersign_core::approval::refusal::Refusal;
use countersign_core::going_live::Lives;
use countersign_core::id::{IntentId, PersonId};
use countersign_core::people::register::{Actor, Asked, Command, Entry, Register};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Name of the record.
const DIRECTORY: &str = "directory";

/// What the log says beside every set of rules: who is there, with the place up to which that was read, which intent
/// types went live, when the clock was set back, and how often the log was restored from a backup.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// Who is on record.
    pub register: Arc<Register>,
    /// Which intent types went live.
    pub lives: Arc<Lives>,
    pub(crate) place: Place,
    pub(crate) clock: jumps::Record,
    pub(crate) restored: u32,
}

/// Reads the record of people from the log. Asked once, before an engine starts.
///
/// # Errors
/// [`Fault::Store`] if the log cannot be read; [`Fault::Unreadable`] if an entry is none.
pub async fn recorded(store: &dyn Store) -> Result<Record, Fault> {
    let mut register = Register::default();
    let take = |entry: Entry| register = std::mem::take(&mut register).after(&entry);
    let place = place::read(store, DIRECTORY, take).await?;
    let lives = Arc::new(crate::going_live::recorded(store).await?);
    let clock = jumps::recorded(store).await?;
    let restored = crate::restored::count(store).await?;
    Ok(Record { register: Arc::new(register), lives, place, clock, restored })
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
        *place = self.append_to(DIRECTORY, *place, bytes, key).await?;
        let after = Arc::new(after);
        self.in_force(Arc::clone(&after));
        Ok(after)
    }

    /// Whether a caller's key was used for the same request already: what it asked for is on record then.
    pub(crate) async fn recorded_under(&self, key: Option<&Key>) -> Result<bool, Fault> {
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
