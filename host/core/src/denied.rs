//! Refused tries: what somebody who was let in tried and may not do, as the log keeps it. What they sent is never in it.

use crate::canonical::{self, NotCanonical};
use crate::id::PersonId;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most refused tries of a person that are entries of the log in one hour; further ones are counted, and one entry says
/// how many they were. A person who slips makes a few, a script that tries all doors shows what it does long before.
pub const DENIED_AN_HOUR_MAX: u32 = 60;

/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;

/// Which way a person came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Door {
    /// A request of the API; the command line comes this way too.
    Api,
    /// The page behind a link of a message.
    Link,
    /// A page of the console.
    Console,
}

impl Door {
    /// The door as surfaces spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Door::Api => "api",
            Door::Link => "link",
            Door::Console => "console",
        }
    }
}

/// One refused try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denied {
    /// Who tried: whom their token or session is of.
    pub by: PersonId,
    /// By which door.
    pub door: Door,
    /// What the operator calls their token; absent where a browser has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// What, such as `POST /v1/intents/{id}/decisions`: the row of the table of routes.
    pub verb: String,
    /// On what: whatever stood in the braces, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<String>,
    /// With which code it was refused.
    pub code: String,
}

/// One entry of the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}

impl Entry {
    /// The bytes that stand in the log.
    ///
    /// # Errors
    /// [`NotCanonical`] if the entry holds what has no canonical form; none that a door makes does.
    pub fn to_bytes(&self) -> Result<Vec<u8>, NotCanonical> {
        canonical::to_vec(self)
    }
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// Somebody tried what they may not.
    Denied(Denied),
    /// They tried so often that the rest was only counted.
    More {
        /// Who.
        by: PersonId,
        /// From the beginning of this hour on.
        since: Timestamp,
        /// How many more there were.
        count: u32,
    },
}

/// How often each person was refused in the hour in which they were refused last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<PersonId, Hour>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hour {
    since: Timestamp,
    kept: u32,
    more: u32,
}

impl Hour {
    fn of(at: Timestamp) -> Hour {
        Hour { since: Timestamp(at.0.saturating_sub(at.0.rem_euclid(HOUR_MS))), kept: 0, more: 0 }
    }

    fn ends(self) -> Timestamp {
        Timestamp(self.since.0.saturating_add(HOUR_MS))
    }
}

impl Tally {
    /// The entries that a refused try makes: itself while there is room in its hour, and what was only counted of an
    /// hour before.
    pub fn take(&mut self, at: Timestamp, denied: Denied) -> Vec<Entry> {
        let mut entries = self.another_hour(&denied.by, at);
        let hour = self.0.entry(denied.by.clone()).or_insert(Hour::of(at));
        if hour.kept < DENIED_AN_HOUR_MAX {
            hour.kept = hour.kept.saturating_add(1);
            entries.push(Entry { at, event: Event::Denied(denied) });
        } else {
            hour.more = hour.more.saturating_add(1);
        }
        entries
    }

    /// Counts so many tries of a person of which nothing else is known any more.
    pub fn count(&mut self, at: Timestamp, by: &PersonId, tries: u32) -> Vec<Entry> {
        let entries = self.another_hour(by, at);
        let hour = self.0.entry(by.clone()).or_insert(Hour::of(at));
        hour.more = hour.more.saturating_add(tries);
        entries
    }

    /// What was only counted in hours that are over by `at`, or of all of them if the host ends. Nothing of it is said
    /// twice.
    pub fn over(&mut self, at: Timestamp, ends: Ends) -> Vec<Entry> {
        let is_over = |hour: &Hour| ends == Ends::All || hour.ends() <= at || at < hour.since;
        let over: Vec<PersonId> =
            self.0.iter().filter(|(_, hour)| is_over(hour)).map(|(by, _)| by.clone()).collect();
        over.into_iter().filter_map(|by| self.close(&by, at)).collect()
    }

    /// When the next hour ends of which something was only counted.
    #[must_use]
    pub fn next(&self) -> Option<Timestamp> {
        self.0.values().filter(|hour| 0 < hour.more).map(|hour| hour.ends()).min()
    }

    /// The tally with an entry that is in the log already, so that a host that starts again does not begin anew.
    pub fn learn(&mut self, entry: &Entry) {
        if let Event::Denied(denied) = &entry.event {
            let hour = self.0.entry(denied.by.clone()).or_insert(Hour::of(entry.at));
            if hour.since != Hour::of(entry.at).since {
                *hour = Hour::of(entry.at);
            }
            hour.kept = hour.kept.saturating_add(1);
        }
    }

    fn another_hour(&mut self, by: &PersonId, at: Timestamp) -> Vec<Entry> {
        let same = self.0.get(by).is_none_or(|hour| hour.since == Hour::of(at).since);
        if same { Vec::new() } else { self.close(by, at).into_iter().collect() }
    }

    fn close(&mut self, by: &PersonId, at: Timestamp) -> Option<Entry> {
        let Hour { since, more: count, .. } = self.0.remove(by)?;
        (0 < count).then(|| Entry { at, event: Event::More { by: by.clone(), since, count } })
    }
}

/// Which hours end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// Those that are over.
    Over,
    /// All: nobody counts any more.
    All,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp(minutes * 60_000)
    }

    fn denied(by: &str) -> Denied {
        Denied {
            by: PersonId::parse(by).expect("a person"),
            door: Door::Api,
            token: Some("laptop".to_owned()),
            verb: "POST /v1/intents/{id}/decisions".to_owned(),
            on: vec!["int_1".to_owned()],
            code: "CS-E0111".to_owned(),
        }
    }

    fn more(by: &str, (at, since): (Timestamp, Timestamp), count: u32) -> Entry {
        Entry { at, event: Event::More { by: PersonId::parse(by).expect("a person"), since, count } }
    }

    #[test]
    fn so_many_of_an_hour_are_kept_and_one_entry_says_how_many_more_there_were() {
        let mut tally = Tally::default();
        for _ in 0..DENIED_AN_HOUR_MAX {
            assert_eq!(tally.take(at(5), denied("ae-1")).len(), 1);
        }
        assert_eq!(tally.next(), None, "nothing was only counted");
        for _ in 0..1_000 {
            assert_eq!(tally.take(at(59), denied("ae-1")), []);
        }
        assert_eq!(tally.take(at(59), denied("ae-2")).len(), 1, "somebody else has room");
        assert_eq!(tally.next(), Some(at(60)));
        assert_eq!(tally.over(at(59), Ends::Over), []);
        assert_eq!(tally.over(at(60), Ends::Over), [more("ae-1", (at(60), at(0)), 1_000)]);
        assert_eq!(tally.over(at(60), Ends::All), [], "it is said once");
        assert_eq!(tally.take(at(60), denied("ae-1")).len(), 1, "the next hour begins anew");
    }

    #[test]
    fn a_try_of_the_next_hour_says_first_what_was_only_counted() {
        let mut tally = Tally::default();
        (0..=DENIED_AN_HOUR_MAX).for_each(|_| drop(tally.take(at(0), denied("ae-1"))));
        assert_eq!(tally.count(at(1), &denied("ae-1").by, 4), []);
        let entries = tally.take(at(61), denied("ae-1"));
        assert_eq!(entries[0], more("ae-1", (at(61), at(0)), 5));
        assert_eq!(entries[1].event, Event::Denied(denied("ae-1")));
        // A clock that was set back begins another hour, and loses nothing.
        (0..=DENIED_AN_HOUR_MAX).for_each(|_| drop(tally.take(at(61), denied("ae-1"))));
        assert_eq!(tally.take(at(1), denied("ae-1"))[0], more("ae-1", (at(1), at(60)), 2));
    }

    #[test]
    fn a_host_that_starts_again_goes_on_counting_where_the_log_ends() {
        let mut tally = Tally::default();
        let written: Vec<Entry> =
            (0..DENIED_AN_HOUR_MAX).flat_map(|_| tally.take(at(5), denied("ae-1"))).collect();
        let mut again = Tally::default();
        for entry in &written {
            let bytes = entry.to_bytes().expect("it has a form");
            again.learn(&serde_json::from_slice(&bytes).expect("it reads back"));
        }
        assert_eq!(again, tally);
        assert_eq!(again.take(at(6), denied("ae-1")), []);
        assert_eq!(again.take(at(66), denied("ae-1")).len(), 2);
    }
}
