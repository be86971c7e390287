//! What the log has lately grown by, for those who watch it: which intents have changed, and after which place.
//!
//! Whoever appends says so here once it is durable and in force. Nothing is read for it, and nothing of it is stored: whoever
//! comes with a place that was before this host began, or that is too long ago, is told to look at everything anew. One
//! host at a time writes to a log (decision 0083), so that no entry comes from elsewhere.

use crate::engine::{Engine, Inner};
use crate::limits::GROWN_KEPT_MAX;
use crate::port::store::Position;
use countersign_core::id::IntentId;
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// What has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// These intents.
    Intents(BTreeSet<IntentId>),
    /// Perhaps everything: other rules or other people are in force, or nobody knows any more what it was.
    Anything,
}

/// What has changed, and up to which place of the log: whoever goes on after it misses nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grown {
    /// The place.
    pub position: Position,
    /// What.
    pub changed: Changed,
}

/// One thing that was said.
#[derive(Debug, Clone, Copy)]
enum Said {
    Intent(IntentId),
    Rules,
}

/// What was said lately, in the order in which it was said. That is nearly the order of the log: of two commits that become
/// durable together the later one may be said first.
#[derive(Debug, Default)]
struct Kept {
    said: VecDeque<(Position, Said)>,
    /// How many were said before the first that is kept.
    gone: u64,
    /// The last place of what was said before it, or at which this host began.
    floor: Position,
}

impl Kept {
    fn end(&self) -> u64 {
        self.gone.saturating_add(u64::try_from(self.said.len()).unwrap_or(u64::MAX))
    }

    fn say(&mut self, position: Position, said: Said) {
        if GROWN_KEPT_MAX <= self.said.len()
            && let Some((oldest, _)) = self.said.pop_front()
        {
            self.gone = self.gone.saturating_add(1);
            self.floor = self.floor.max(oldest);
        }
        self.said.push_back((position, said));
    }

    /// The first that somebody has not heard who has seen the log up to a place; `None` if that is not known.
    fn after(&self, seen: Position, end: Position) -> Option<u64> {
        let evicted = 0 < self.gone && seen == self.floor;
        if seen < self.floor || end < seen || evicted {
            return None;
        }
        // Rules may be said at the place of an entry, and an entry behind one of a later place.
        let is_new = |(position, said): &(Position, Said)| match said {
            Said::Intent(_) => seen < *position,
            Said::Rules => seen <= *position,
        };
        let new = self.said.iter().position(is_new);
        let behind =
            self.said.iter().position(|(position, _)| *position == seen).map(|own| own.saturating_add(1));
        let first = match (new, behind) {
            (Some(new), Some(behind)) => new.min(behind),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => self.said.len(),
        };
        Some(self.gone.saturating_add(u64::try_from(first).unwrap_or(u64::MAX)))
    }

    /// Everything that was said from a number on; nothing if that is nothing.
    fn from(&self, number: u64) -> Option<Grown> {
        let Some(skipped) = number.checked_sub(self.gone) else {
            return Some(Grown { position: self.last(), changed: Changed::Anything });
        };
        let said = self.said.iter().skip(usize::try_from(skipped).unwrap_or(usize::MAX));
        let (mut intents, mut all, mut last) = (BTreeSet::new(), false, None);
        for (position, said) in said {
            last = Some(*position);
            match said {
                Said::Intent(intent) => {
                    intents.insert(*intent);
                }
                Said::Rules => all = true,
            }
        }
        let changed = if all { Changed::Anything } else { Changed::Intents(intents) };
        last.map(|position| Grown { position, changed })
    }

    fn last(&self) -> Position {
        self.said.back().map_or(self.floor, |(position, _)| *position)
    }
}

/// What the log has grown by since the host began.
#[derive(Debug)]
pub(crate) struct Growth {
    kept: Mutex<Kept>,
    /// How many were said.
    said: watch::Sender<u64>,
}

impl Growth {
    /// From this place of the log on.
    pub(crate) fn since(floor: Position) -> Growth {
        let kept = Kept { floor, ..Kept::default() };
        Growth { kept: Mutex::new(kept), said: watch::Sender::new(0) }
    }

    /// Says that an intent has changed: durable, and seen by whoever looks.
    pub(crate) fn changed(&self, position: Position, intent: IntentId) {
        self.say(position, Said::Intent(intent));
    }

    /// Says that other rules or other people are in force.
    pub(crate) fn ruled(&self, position: Position) {
        self.say(position, Said::Rules);
    }

    fn say(&self, position: Position, said: Said) {
        let end = {
            let mut kept = self.kept();
            kept.say(position, said);
            kept.end()
        };
        // Two who say something at one time may come here in the other order.
        self.said.send_if_modified(|known| {
            let more = *known < end;
            *known = (*known).max(end);
            more
        });
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who watches what the log grows by.
pub struct Watcher {
    inner: Arc<Inner>,
    /// The number of what they hear next; `None` if they must look at everything anew first.
    next: Option<u64>,
    said: watch::Receiver<u64>,
}

impl std::fmt::Debug for Watcher {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Watcher").field("next", &self.next).finish_non_exhaustive()
    }
}

impl Engine {
    /// Watches the log from a place on, up to which somebody has seen it; from now on if there is none.
    #[must_use]
    pub fn watches(&self, seen: Option<Position>) -> Watcher {
        let inner = Arc::clone(&self.inner);
        let said = inner.growth.said.subscribe();
        // Read before what was said: what becomes durable in between is heard as new.
        let end = inner.store.health().position;
        let next = {
            let kept = inner.growth.kept();
            match seen {
                None => Some(kept.end()),
                Some(seen) => kept.after(seen, end),
            }
        };
        Watcher { inner, next, said }
    }
}

impl Watcher {
    /// What has changed since the last time; waits until something has.
    pub async fn grown(&mut self) -> Grown {
        loop {
            // What is said from here on wakes the wait below.
            self.said.mark_unchanged();
            let (found, end) = {
                let kept = self.inner.growth.kept();
                let found = match self.next {
                    Some(next) => kept.from(next),
                    None => Some(Grown { position: kept.last(), changed: Changed::Anything }),
                };
                (found, kept.end())
            };
            self.next = Some(end);
            if let Some(found) = found {
                return found;
            }
            // The sender is a part of what is held here.
            let _ = self.said.changed().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intent(number: u64) -> IntentId {
        format!("int_{number:026}").parse().expect("an id")
    }

    fn kept(said: &[(u64, Option<u64>)], floor: u64) -> Kept {
        let mut kept = Kept { floor: Position(floor), ..Kept::default() };
        for (position, of) in said {
            kept.say(Position(*position), of.map_or(Said::Rules, |number| Said::Intent(intent(number))));
        }
        kept
    }

    /// The numbers of the intents that somebody hears of who has seen the log up to a place; `None` if everything.
    fn heard(kept: &Kept, seen: u64, end: u64) -> Option<Vec<u64>> {
        let next = kept.after(Position(seen), Position(end))?;
        match kept.from(next).map(|grown| grown.changed) {
            None => Some(Vec::new()),
            Some(Changed::Anything) => None,
            Some(Changed::Intents(intents)) => {
                Some((0..100).filter(|number| intents.contains(&intent(*number))).collect())
            }
        }
    }

    #[test]
    fn whoever_comes_back_hears_all_that_was_said_since_and_nothing_before() {
        let kept = kept(&[(10, Some(1)), (11, Some(2)), (14, Some(3))], 9);
        assert_eq!(heard(&kept, 9, 14), Some(vec![1, 2, 3]));
        assert_eq!(heard(&kept, 10, 14), Some(vec![2, 3]));
        assert_eq!(heard(&kept, 12, 14), Some(vec![3]), "between two of intents stands something else");
        assert_eq!(heard(&kept, 14, 14), Some(vec![]));
        assert_eq!(heard(&kept, 8, 14), None, "that was before the host began");
        assert_eq!(heard(&kept, 15, 14), None, "so far the log does not go");
    }

    #[test]
    fn what_is_said_behind_a_later_place_is_not_missed() {
        // 12 was said first, and whoever heard it went away before 11 was said.
        let kept = kept(&[(12, Some(1)), (11, Some(2)), (13, Some(3))], 9);
        assert_eq!(heard(&kept, 12, 13), Some(vec![2, 3]));
        // A page of 11 was made before 12 was durable.
        assert_eq!(heard(&kept, 11, 13), Some(vec![1, 2, 3]));
    }

    #[test]
    fn other_rules_are_everything_also_where_the_log_has_not_grown() {
        assert_eq!(heard(&kept(&[(10, Some(1)), (10, None)], 9), 10, 10), None);
        assert_eq!(heard(&kept(&[(9, None)], 9), 9, 9), None);
        assert_eq!(heard(&kept(&[(9, None), (10, Some(1)), (11, Some(2))], 9), 10, 11), Some(vec![2]));
    }

    #[test]
    fn whoever_stayed_away_for_too_long_looks_at_everything() {
        let most = u64::try_from(GROWN_KEPT_MAX).expect("a small number");
        let mut kept = kept(&[], 0);
        for number in 1..=most + 2 {
            kept.say(Position(number), Said::Intent(intent(1)));
        }
        assert_eq!(kept.said.len(), GROWN_KEPT_MAX);
        assert_eq!(heard(&kept, 2, most + 2), None);
        assert_eq!(heard(&kept, 3, most + 2), Some(vec![1]));
        // Somebody who is connected, and slower than the house.
        assert_eq!(kept.from(1).map(|grown| grown.changed), Some(Changed::Anything));
        assert_eq!(kept.from(kept.end()), None);
    }
}
