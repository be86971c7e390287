//! The open errands, by time and by name, as stores keep them in memory.

use crate::port::store::{Errand, StreamName};
use countersign_core::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

/// Name of an errand over all streams.
pub type ErrandName = (StreamName, Arc<str>);

/// The open errands of one store.
#[derive(Debug, Default, Clone)]
pub struct Errands {
    found: BTreeSet<Errand>,
    by_name: BTreeMap<ErrandName, Open>,
}

/// When an open errand is due, and when it is found: later, if it was put off.
#[derive(Debug, Clone, Copy)]
struct Open {
    due: Timestamp,
    found: Timestamp,
}

impl Errands {
    /// Opens, moves (`Some`) or closes (`None`) an errand; says when it was due before.
    pub fn put(&mut self, name: ErrandName, due: Option<Timestamp>) -> Option<Timestamp> {
        let errand = |due| Errand { due, stream: Arc::clone(&name.0), key: Arc::clone(&name.1) };
        let before = self.by_name.remove(&name);
        if let Some(open) = before {
            self.found.remove(&errand(open.found));
        }
        if let Some(due) = due {
            self.found.insert(errand(due));
            self.by_name.insert(name, Open { due, found: due });
        }
        before.map(|open| open.due)
    }

    /// Has an errand found at `until`, if it is open and would be found when `errand` says.
    pub fn put_off(&mut self, errand: &Errand, until: Timestamp) {
        let name = (Arc::clone(&errand.stream), Arc::clone(&errand.key));
        let Some(open) = self.by_name.get_mut(&name).filter(|open| open.found == errand.due) else { return };
        open.found = until;
        self.found.remove(errand);
        self.found.insert(Errand { due: until, ..errand.clone() });
    }

    /// Up to `limit` errands that are found at `now`, the longest overdue first, going on after `after`.
    #[must_use]
    pub fn due(&self, now: Timestamp, after: Option<&Errand>, limit: usize) -> Vec<Errand> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let open = self.found.range((from, Bound::Unbounded));
        open.take_while(|errand| errand.due <= now).take(limit).cloned().collect()
    }

    /// When the next errand after `now` is found.
    #[must_use]
    pub fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let after =
            Errand { due: Timestamp(now.0.checked_add(1)?), stream: Arc::from(""), key: Arc::from("") };
        self.found.range(after..).next().map(|errand| errand.due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(errands: &Errands, now: i64) -> Vec<i64> {
        errands.due(Timestamp(now), None, 10).iter().map(|errand| errand.due.0).collect()
    }

    #[test]
    fn an_errand_that_is_put_off_is_found_later_until_it_is_set_anew() {
        let (mut errands, name) = (Errands::default(), (StreamName::from("int_1"), Arc::from("prepare")));
        errands.put(name.clone(), Some(Timestamp(5)));
        let errand = errands.due(Timestamp(5), None, 1).remove(0);
        errands.put_off(&errand, Timestamp(9));
        assert_eq!((found(&errands, 8), found(&errands, 9)), (vec![], vec![9]));
        assert_eq!(errands.next_due(Timestamp(5)), Some(Timestamp(9)));
        // Whoever read it before that moves nothing any more.
        errands.put_off(&errand, Timestamp(90));
        assert_eq!(found(&errands, 9), [9]);
        assert_eq!(errands.put(name.clone(), Some(Timestamp(7))), Some(Timestamp(5)), "that is what it is");
        assert_eq!(found(&errands, 8), [7]);
        errands.put(name, None);
        errands.put_off(&Errand { due: Timestamp(7), ..errand }, Timestamp(9));
        assert_eq!((found(&errands, 99), errands.next_due(Timestamp(0))), (vec![], None));
    }
}
