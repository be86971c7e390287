//! Reviews of access on record, in streams of their own: `access/1` and on, one after the other, each until it is full.
//!
//! They are read when somebody asks for the first time, and held from then on.

use crate::engine::{Engine, Inner, Key};
use crate::fault::Fault;
use crate::limits::CONFLICTS_MAX;
use crate::place::{self, Place};
use crate::port::store::StoreFault;
use countersign_core::access::{Entry, Event, Reviews};
use countersign_core::approval::refusal::Refusal;
use countersign_core::id::PersonId;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Timestamp;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Name of the record.
const ACCESS: &str = "access";

/// What was read, and where it goes on; nothing before somebody asks.
#[derive(Debug, Default)]
pub(crate) struct Book(Mutex<Option<(Place, Arc<Reviews>)>>);

impl Engine {
    /// What was said of every right that ever was reviewed.
    ///
    /// # Errors
    /// Those of the store; [`Fault::Unreadable`] if an entry is none.
    pub async fn access_reviews(&self) -> Result<Arc<Reviews>, Fault> {
        let mut book = self.inner.access.0.lock().await;
        let (_, reviews) = self.inner.opened(&mut book).await?;
        Ok(Arc::clone(reviews))
    }

    /// Puts on record what `ask` makes of the rules as they are in force, and of what was said before. Durable on return;
    /// returns what was said of everything.
    ///
    /// If the process stops in here either the whole review is on record or nothing is.
    ///
    /// # Errors
    /// What `ask` says; nothing is stored then.
    pub async fn review_access<E: From<Fault>>(
        &self,
        by: &PersonId,
        key: Option<Key>,
        ask: impl Fn(&Rulebook, &Reviews, Timestamp) -> Result<Event, E>,
    ) -> Result<Arc<Reviews>, E> {
        let _inside = self.inner.doors.enter();
        let mut book = self.inner.access.0.lock().await;
        if self.inner.recorded_under(key.as_ref()).await? {
            return Ok(Arc::clone(&self.inner.opened(&mut book).await?.1));
        }
        for _ in 0..CONFLICTS_MAX {
            let (place, reviews) = self.inner.opened(&mut book).await?;
            let (place, at) = (*place, self.inner.clock.now());
            let event = ask(&self.inner.rulebook(), reviews, at)?;
            let entry = Entry { at, by: by.clone(), event };
            let bytes = entry.to_bytes().map_err(|fault| Fault::Unreadable(fault.to_string()))?;
            match self.inner.append_to(ACCESS, place, vec![Arc::from(bytes)], key.as_ref()).await {
                Err(Fault::Store(StoreFault::Conflict { .. })) => *book = None,
                Err(fault) => return Err(fault.into()),
                Ok(after) => {
                    let (place, reviews) = self.inner.opened(&mut book).await?;
                    Arc::make_mut(reviews).take(entry);
                    *place = after;
                    return Ok(Arc::clone(reviews));
                }
            }
        }
        Err(Fault::Refused(Refusal::Overtaken).into())
    }
}

impl Inner {
    /// The record as it is known, read if it was not yet.
    async fn opened<'a>(
        &self,
        book: &'a mut Option<(Place, Arc<Reviews>)>,
    ) -> Result<&'a mut (Place, Arc<Reviews>), Fault> {
        let known = match book.take() {
            Some(known) => known,
            None => {
                let mut reviews = Reviews::default();
                let place = place::read(&*self.store, ACCESS, |entry: Entry| reviews.take(entry)).await?;
                (place, Arc::new(reviews))
            }
        };
        Ok(book.insert(known))
    }
}
