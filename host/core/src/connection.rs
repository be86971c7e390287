//! What the log says of a connection itself, beside what is written there: that somebody paused it, and how far its
//! target was asked what has changed there.

use crate::id::PersonId;
use crate::people::NoOperator;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// One entry of the record of a connection.
pub type Entry = crate::entry::Entry<Event>;

/// What can happen to a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// Somebody paused it: nothing is sent there any more.
    Paused {
        /// Why, in their words.
        reason: String,
    },
    /// Somebody let it go on.
    Resumed {
        /// Why, in their words.
        reason: String,
    },
    /// Its target was asked what has changed there, and everything up to this place was looked at.
    Followed {
        /// Kind of record.
        kind: String,
        /// Where to go on; opaque.
        cursor: String,
    },
}

/// That somebody paused a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Who. They answer for it.
    pub by: PersonId,
    /// Since when.
    pub since: Timestamp,
    /// Why, in their words.
    pub reason: String,
}

/// What somebody wants of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Nothing more is to be sent there.
    Pause,
    /// It is to go on.
    Resume,
}

/// A connection, as its record has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OnRecord {
    /// Who paused it, if it is paused by hand.
    pub pause: Option<Pause>,
    /// By kind of record: up to where its target was asked what has changed.
    pub followed: BTreeMap<String, String>,
}

impl OnRecord {
    /// What a change makes of it.
    ///
    /// # Errors
    /// [`NotChanged`] if it is so already.
    pub fn decide(&self, change: &Change, reason: &str) -> Result<Event, NotChanged> {
        let reason = reason.to_owned();
        match (change, &self.pause) {
            (Change::Pause, None) => Ok(Event::Paused { reason }),
            (Change::Resume, Some(_)) => Ok(Event::Resumed { reason }),
            (Change::Pause, Some(pause)) => Err(NotChanged::Paused(pause.clone())),
            (Change::Resume, None) => Err(NotChanged::NotPaused),
        }
    }

    /// The record with one more entry.
    #[must_use]
    pub fn after(mut self, entry: &Entry) -> OnRecord {
        match (&entry.event, &entry.by) {
            (Event::Paused { reason }, Some(by)) => {
                self.pause = Some(Pause { by: by.clone(), since: entry.at, reason: reason.clone() });
            }
            // Nobody but a person pauses it.
            (Event::Paused { .. }, None) => {}
            (Event::Resumed { .. }, _) => self.pause = None,
            (Event::Followed { kind, cursor }, _) => {
                self.followed.insert(kind.clone(), cursor.clone());
            }
        }
        self
    }
}

/// Why nothing changes. Nothing is stored then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotChanged {
    /// It is paused already.
    Paused(Pause),
    /// Nobody has paused it.
    NotPaused,
    /// They do not look after it.
    NotTheirs(NoOperator),
}

impl NotChanged {
    /// Stable code of the problem.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            NotChanged::Paused(_) => "CS-E0225",
            NotChanged::NotPaused => "CS-E0226",
            NotChanged::NotTheirs(_) => "CS-E0223",
        }
    }

    /// What to do next.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            NotChanged::Paused(_) => "let it go on first if the reason is to be another one",
            NotChanged::NotPaused => {
                "if it is paused nevertheless, an exception does that: `countersign connection list` names it, and \
                 closing it lets the connection go on"
            }
            NotChanged::NotTheirs(refused) => refused.help(),
        }
    }
}

impl fmt::Display for NotChanged {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotChanged::Paused(Pause { by, since, reason }) => {
                write!(formatter, "{by} paused the connection already, at {since}: {reason}")
            }
            NotChanged::NotPaused => formatter.write_str("nobody has paused the connection"),
            NotChanged::NotTheirs(refused) => refused.fmt(formatter),
        }
    }
}

impl From<NoOperator> for NotChanged {
    fn from(refused: NoOperator) -> NotChanged {
        NotChanged::NotTheirs(refused)
    }
}

impl std::error::Error for NotChanged {}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(at: i64, by: Option<&str>, event: Event) -> Entry {
        Entry { at: Timestamp(at), by: by.map(|by| PersonId::parse(by).expect("a person")), event }
    }

    fn paused(reason: &str) -> Event {
        Event::Paused { reason: reason.to_owned() }
    }

    fn followed(cursor: &str) -> Event {
        Event::Followed { kind: "invoice".to_owned(), cursor: cursor.to_owned() }
    }

    #[test]
    fn whoever_pauses_answers_for_it_until_it_goes_on() {
        let record = OnRecord::default();
        let event = record.decide(&Change::Pause, "prices are wrong").expect("it goes on");
        assert_eq!(event, paused("prices are wrong"));
        let record = record.after(&entry(5, Some("ines"), event));
        let pause = record.pause.clone().expect("it is paused");
        assert_eq!(
            (pause.by.as_str(), pause.since, &*pause.reason),
            ("ines", Timestamp(5), "prices are wrong")
        );
        assert_eq!(record.decide(&Change::Pause, "again"), Err(NotChanged::Paused(pause)));
        let event = record.decide(&Change::Resume, "put right").expect("it is paused");
        let record = record.after(&entry(6, Some("omar"), event));
        assert_eq!(record.pause, None);
        assert_eq!(record.decide(&Change::Resume, "put right"), Err(NotChanged::NotPaused));
    }

    #[test]
    fn what_was_followed_last_counts_and_a_pause_leaves_it_alone() {
        let record = OnRecord::default()
            .after(&entry(1, None, followed("a")))
            .after(&entry(2, Some("ines"), paused("later")))
            .after(&entry(3, None, followed("b")));
        assert_eq!(record.followed.get("invoice").map(String::as_str), Some("b"));
        assert!(record.pause.is_some());
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        for event in [paused("x"), Event::Resumed { reason: "y".to_owned() }, followed("c")] {
            let entry = entry(9, Some("ines"), event);
            let bytes = entry.to_bytes().expect("it has a canonical form");
            assert_eq!(serde_json::from_slice::<Entry>(&bytes).expect("it is one"), entry);
        }
    }
}
