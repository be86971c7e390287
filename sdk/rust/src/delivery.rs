//! What a vendor tells by itself, and the intents that it asks for.

use crate::failure::Failure;
use crate::http::Body;
use crate::value::{Field, RecordRef};

/// One delivery. The host has verified who sent it and, where the scheme signs a moment, how old it is; it drops what it
/// had before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Which hook of the manifest it came by.
    pub hook: String,
    /// Header names in lower case, in order of arrival, without credentials and signatures.
    pub headers: Vec<(String, String)>,
    /// The body as it arrived.
    pub body: Body,
    /// When it arrived, in milliseconds since 1970 in UTC.
    pub received_ms: u64,
}

impl Delivery {
    /// The value of the first header of this name, which is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    ///
    /// # Errors
    /// `rejected` when it is none.
    pub fn text(&self) -> Result<&str, Failure> {
        match &self.body {
            Body::Text(text) => Ok(text),
            Body::Empty => Ok(""),
            Body::Bytes(_) => Err(Failure::rejected("bad-delivery", "the body of the delivery is no text")),
        }
    }
}

/// An intent that a delivery asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftIntent {
    /// The intent type, such as `discount`. The manifest names it under `[intake]`.
    pub intent_type: String,
    /// The record at the vendor that the intent is about.
    pub source: RecordRef,
    /// Its tokens, named as in its intent type.
    pub fields: Vec<Field>,
    /// The same text for the same wish, however often it is delivered: at most 200 characters. The host makes one intent
    /// of each.
    pub dedupe_key: String,
    /// Who asks, as the vendor names them: a mail address that the host's people file has, or an id of a person there.
    pub requester: Option<String>,
}
