//! A delivery: what another system tells by itself, as its record has it, and the intents that it may ask for.
//!
//! Who sent it was verified before it got here. It is no command: what it asks for goes through the same door as what a
//! person asks for.

use crate::effect::attempt::Detail;
use crate::id::{ConnectionName, IntentId};
use crate::record::{Field, RecordRef};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Longest `dedupe-key` of a draft, in characters, as the contract has it.
pub const DEDUPE_KEY_CHARS_MAX: usize = 200;

/// What stands in a manifest in the place of intent types where the connector brings in whatever begins by its hooks.
pub const ANY_TYPE: &str = "*";

/// One entry of the record of a delivery.
pub type Entry = crate::entry::Entry<Event>;

/// What can happen to a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// It arrived, and whoever sent it proved who they are.
    Arrived(Delivery),
    /// This came of it, and nobody tries again.
    Ended(Outcome),
}

/// What came of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was turned into what it is about.
    Handled {
        /// The records that it says have changed. Those of them that are watched were read back.
        records: Vec<RecordRef>,
        /// What it asks for, and what came of that.
        wishes: Vec<Wish>,
    },
    /// Nothing.
    Refused(Detail),
}

/// What arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The connection that it came to.
    pub connection: ConnectionName,
    /// Which of its hooks.
    pub hook: String,
    /// Header names in lower case, in order of arrival, without credentials and signatures.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
}

/// The body of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    /// Text in UTF-8.
    Text(String),
    /// Anything else.
    Bytes(Vec<u8>),
}

impl Body {
    /// The body in the form that says most.
    #[must_use]
    pub fn of(bytes: Vec<u8>) -> Body {
        String::from_utf8(bytes).map_or_else(|not_text| Body::Bytes(not_text.into_bytes()), Body::Text)
    }
}

/// One intent that a delivery asks for, and what came of that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// The connector's name of the wish, unique within the connection: it becomes one intent, however often it is
    /// delivered.
    pub key: String,
    /// The intent type that it names.
    pub intent_type: String,
    /// The record at the vendor that it is about.
    pub source: RecordRef,
    /// The intent, or why there is none.
    pub came_to: CameTo,
}

/// What came of a wish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CameTo {
    /// This intent: the one that it makes, or that it made when it was delivered before.
    Intent(IntentId),
    /// None.
    Refused(Detail),
}

/// An intent that a delivery asks for, in the connector's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The intent type.
    pub intent_type: String,
    /// The record at the vendor that it is about.
    pub source: RecordRef,
    /// Its tokens.
    pub fields: Vec<Field>,
    /// The same text for the same wish, however often it is delivered.
    pub dedupe_key: String,
    /// Who asked, as the vendor names them.
    pub requester: Option<String>,
}

/// A delivery, as its record has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnRecord {
    /// What arrived.
    pub delivery: Delivery,
    /// When.
    pub arrived: Timestamp,
    /// What came of it; nothing yet while it waits.
    pub outcome: Option<Outcome>,
}

impl OnRecord {
    /// The record from its entries; `None` if they do not begin with what arrived.
    #[must_use]
    pub fn of(entries: &[Entry]) -> Option<OnRecord> {
        let (first, rest) = entries.split_first()?;
        let Event::Arrived(delivery) = &first.event else { return None };
        let begun = OnRecord { delivery: delivery.clone(), arrived: first.at, outcome: None };
        Some(rest.iter().fold(begun, OnRecord::after))
    }

    /// The record with one more entry.
    #[must_use]
    pub fn after(mut self, entry: &Entry) -> OnRecord {
        match &entry.event {
            // It arrives once.
            Event::Arrived(_) => {}
            Event::Ended(outcome) => self.outcome = Some(outcome.clone()),
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrived() -> Entry {
        let delivery = Delivery {
            connection: ConnectionName::parse("crm").expect("a name"),
            hook: "deal".to_owned(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: Body::of(br#"{"id":1}"#.to_vec()),
        };
        Entry { at: Timestamp(5), by: None, event: Event::Arrived(delivery) }
    }

    #[test]
    fn a_delivery_waits_until_something_came_of_it() {
        let waiting = OnRecord::of(&[arrived()]).expect("it arrived");
        assert_eq!((&waiting.outcome, waiting.arrived), (&None, Timestamp(5)));
        let refused = Outcome::Refused(Detail::new("no-connection", "it is gone"));
        let wish = Wish {
            key: "deal/7".to_owned(),
            intent_type: "discount".to_owned(),
            source: RecordRef { kind: "deal".to_owned(), id: "7".to_owned() },
            came_to: CameTo::Intent(IntentId::from_bits(9)),
        };
        let handled = Outcome::Handled { records: Vec::new(), wishes: vec![wish] };
        for outcome in [refused, handled] {
            let entry = Entry { at: Timestamp(6), by: None, event: Event::Ended(outcome.clone()) };
            let bytes = entry.to_bytes().expect("it has a canonical form");
            assert_eq!(serde_json::from_slice::<Entry>(&bytes).expect("it is one"), entry);
            assert_eq!(waiting.clone().after(&entry).outcome, Some(outcome));
            assert_eq!(OnRecord::of(&[entry]), None, "nothing arrived");
        }
    }

    #[test]
    fn a_body_that_is_no_text_is_kept_byte_for_byte() {
        let Body::Bytes(bytes) = Body::of(vec![0xff, 0]) else { panic!("it is no text") };
        assert_eq!(bytes, [0xff, 0]);
    }
}
