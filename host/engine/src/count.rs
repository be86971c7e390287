//! Rows of the index that a count needs, all of them or as many as it can do with.

use crate::engine::Inner;
use crate::fault::Fault;
use crate::limits::{COUNTER_ROWS_MAX, LOAD_MAX};
use crate::port::store::{PAGE_ROWS_MAX, Query, Row, Store};
use crate::row::ASSIGNED;
use countersign_core::approval::event::{Entry, Event};
use countersign_core::approval::life::Loads;
use countersign_core::approval::seat::Seat;
use countersign_core::approval::{Approval, Stage};
use countersign_core::id::{IntentTypeName, PersonId};
use countersign_core::intent::Day;
use std::collections::{BTreeMap, BTreeSet};

/// Goes through the rows that have all of these labels, until one is enough.
///
/// # Errors
/// [`Fault::Store`] if the index cannot be read.
pub(crate) async fn each(
    store: &dyn Store,
    labels: &[(&str, &str)],
    mut enough: impl FnMut(&Row) -> bool,
) -> Result<(), Fault> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let labels: BTreeMap<String, String> = labels.iter().map(owned).collect();
    let mut after = None;
    loop {
        let query = Query { labels: labels.clone(), after: after.take(), limit: PAGE_ROWS_MAX };
        let page = store.query(query).await?;
        if page.rows.iter().any(&mut enough) {
            return Ok(());
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

/// Whether a seat stays with whoever answered for it before.
fn keeps(before: Option<&Approval>, row: u32, seat: &Seat) -> bool {
    let Some(Stage::Seated { seats, .. }) = before.map(|approval| &approval.stage) else { return false };
    let known = seats.open.get(&row);
    known.is_some_and(|known| known.fair && known.missed == seat.missed && known.owner == seat.owner)
}

impl Inner {
    /// In how many intents the people answer for a seat who can fill the seats of fair pools that these entries give to
    /// somebody new; nothing if there are none, or the index cannot be read: chance decides then, as who answers for a seat
    /// is no reason to refuse what opens it. Two at once may not count each other: then somebody has one more.
    pub(crate) async fn loads(&self, before: Option<&Approval>, entries: &[Entry]) -> Option<Loads> {
        let given = entries.iter().filter_map(|entry| {
            if let Event::SeatOpened { row, seat } | Event::SeatMoved { row, seat, .. } = &entry.event {
                (seat.fair && !keeps(before, *row, seat)).then_some(seat)
            } else {
                None
            }
        });
        let people: BTreeSet<PersonId> = given.flat_map(|seat| seat.eligible.iter().cloned()).collect();
        let mut loads = Loads::new();
        for person in people {
            let mut load = 0_u32;
            let counted = each(&*self.store, &[(ASSIGNED, person.as_str())], |_| {
                load = load.saturating_add(1);
                LOAD_MAX <= load
            })
            .await;
            if let Err(fault) = counted {
                tracing::warn!(%fault, "a seat of a fair pool is given by lot: what its people have cannot be counted");
                return None;
            }
            loads.insert(person, load);
        }
        (!loads.is_empty()).then_some(loads)
    }

    /// How many intents of a type have today (by UTC) as this label. More than [`COUNTER_ROWS_MAX`] are as many as
    /// there can be. The caller holds what keeps two at once from not counting each other.
    pub(crate) async fn counted_today(&self, of: &IntentTypeName, label: &str) -> Result<u32, Fault> {
        let today = Day::at(self.clock.now()).to_string();
        let mut count = 0_usize;
        let labels = [("type", of.as_str()), (label, today.as_str())];
        each(&*self.store, &labels, |_| {
            count = count.saturating_add(1);
            COUNTER_ROWS_MAX < count
        })
        .await?;
        let most = COUNTER_ROWS_MAX < count;
        Ok(if most { u32::MAX } else { u32::try_from(count).unwrap_or(u32::MAX) })
    }
}
