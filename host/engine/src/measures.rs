//! Measures: figures over the log, kept while it grows, so that a question costs a look at counts and not at entries.
//!
//! The book follows the log, as the tree does that proves it. Nothing of it is stored: a start reads the log once, in the
//! background, and whoever asks meanwhile is told how far that is. Whoever asks later waits for what was appended since
//! the last look.

use crate::engine::{Engine, Inner};
use crate::fault::Fault;
use crate::handle::from_bytes;
use crate::limits::{MEASURES_BEHIND_MAX, MEASURES_LOOK_MS, MEASURES_PAGE_ENTRIES};
use crate::port::store::Position;
use countersign_core::id::{IntentId, IntentTypeName};
use countersign_core::measure::book::{Asking, Book, Report, Sees};
use countersign_core::time::Millis;
use std::sync::Arc;
use tokio::sync::Mutex;

/// The book, and how far it goes.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    book: Book,
    position: Position,
}

/// What a question comes to.
#[derive(Debug)]
pub enum Measured {
    /// The figures, of the log up to a place in it.
    Told(Box<Report>, Position),
    /// The log is still being read: so many entries of so many.
    Behind(Position, Position),
}

impl Engine {
    /// Has the book follow the log from here on, until the engine stops. Without it whoever asks first has the log read.
    pub fn keep_measures(&self) {
        self.inner.tasks.start(follow(Arc::clone(&self.inner)));
    }

    /// The figures that are asked for, of the intent types that `sees` lets through.
    ///
    /// # Errors
    /// [`Fault::Unreadable`] if an entry cannot be read; whatever the store says.
    pub async fn measures(
        &self,
        asking: Asking,
        sees: impl Fn(&IntentTypeName) -> Sees + Send + 'static,
    ) -> Result<Measured, Fault> {
        let inner = &self.inner;
        let mut kept = Arc::clone(&inner.measures).lock_owned().await;
        let end = inner.store.health().position;
        if MEASURES_BEHIND_MAX < end.0.saturating_sub(kept.position.0) {
            return Ok(Measured::Behind(kept.position, end));
        }
        while kept.position < end && page(inner, &mut kept).await? {}
        // Where summing up holds nobody else up.
        let asked = move || Measured::Told(Box::new(kept.book.report(asking, sees)), kept.position);
        let told = tokio::task::spawn_blocking(asked).await;
        told.map_err(|_| Fault::Unreadable("the figures could not be summed up".to_owned()))
    }
}

/// Follows the log.
async fn follow(inner: Arc<Inner>) {
    while !inner.tasks.are_stopping() {
        match ahead(&inner).await {
            Ok(true) => {
                tokio::task::yield_now().await;
                continue;
            }
            Ok(false) => {}
            Err(fault) => {
                tracing::warn!(%fault, blame = "host", "the figures of the log are behind; it is tried again");
            }
        }
        let until = inner.later(Millis(MEASURES_LOOK_MS));
        tokio::select! {
            biased;
            () = inner.tasks.stopping() => return,
            () = inner.clock.sleep_until(until) => {}
        }
    }
}

/// Reads one page, and lets go of the book in between, so that nobody who asks waits for all of the log.
async fn ahead(inner: &Inner) -> Result<bool, Fault> {
    let mut kept = Arc::clone(&inner.measures).lock_owned().await;
    page(inner, &mut kept).await
}

/// Adds the next entries to the book; says whether there may be more.
async fn page(inner: &Inner, kept: &mut Kept) -> Result<bool, Fault> {
    let rulebook = inner.rulebook();
    let next = Position(kept.position.0.saturating_add(1));
    let logged = inner.store.scan(next, MEASURES_PAGE_ENTRIES).await?;
    for logged in &logged {
        if let Ok(intent) = logged.stream.parse::<IntentId>() {
            kept.book.add(intent, &from_bytes(&logged.entry)?, &rulebook);
        }
        kept.position = logged.position;
    }
    Ok(MEASURES_PAGE_ENTRIES <= logged.len())
}

/// The place where the book is kept.
pub(crate) type Measures = Arc<Mutex<Kept>>;
