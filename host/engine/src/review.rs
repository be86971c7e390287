//! When the directory changes: everything that waits for a person is looked up again, so that nobody
//! who left or is away keeps a seat or an exception, and nothing waits for a requester who has left.
//!
//! Absences that begin and end need none of this: each seat wakes by itself then. If the process stops
//! in here nothing is lost: the next start looks through everything once.

use crate::budget;
use crate::engine::Inner;
use crate::fault::Fault;
use crate::limits::{REVIEW_DELAY_MS, REVIEW_ROWS};
use crate::port::store::Query;
use crate::row::OUTLIVES;
use countersign_core::approval::command::Command;
use countersign_core::id::IntentId;
use countersign_core::time::Millis;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where something can wait for a person.
const STATES: [&str; 4] = ["seated", "returned", "unsettled", "executing"];

/// Looks through everything at the start and after every change of the rules, until the engine stops.
pub(crate) async fn run(inner: Arc<Inner>) {
    loop {
        // Changes that come right after each other are one, and a start has more urgent work.
        let until = inner.clock.now().plus(Millis(REVIEW_DELAY_MS));
        tokio::select! {
            biased;
            () = inner.tasks.stopping() => return,
            () = inner.clock.sleep_until(until) => {}
        }
        if let Err(fault) = look_through(&inner).await {
            tracing::warn!(%fault, blame = "host", "seats cannot be looked up again; it is tried again");
            continue;
        }
        tokio::select! {
            biased;
            () = inner.tasks.stopping() => return,
            () = inner.changed.notified() => {}
        }
    }
}

async fn look_through(inner: &Arc<Inner>) -> Result<(), Fault> {
    let states = STATES.map(|state| ("state", state));
    for (name, value) in states.into_iter().chain([OUTLIVES]) {
        let labels = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let mut after = None;
        loop {
            let query = Query { labels: labels.clone(), after: after.take(), limit: REVIEW_ROWS };
            let page = inner.store.query(query).await?;
            for row in &page.rows {
                let Ok(intent) = row.stream.parse::<IntentId>() else { continue };
                if inner.tasks.are_stopping() {
                    return Ok(());
                }
                match inner.command(intent, Command::Review, None).await {
                    Ok(_) | Err(Fault::Refused(_)) => {}
                    Err(Fault::Store(fault)) => return Err(fault.into()),
                    // One that cannot be read must not keep the others with people who left.
                    Err(fault) => tracing::warn!(%fault, %intent, blame = "host", "not looked up again"),
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
    }
    budget::look_at_all(inner).await
}
