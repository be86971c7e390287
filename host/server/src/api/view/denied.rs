//! Refused tries as they are shown.

use countersign_core::denied::{Entry, Event};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A try that was refused, or how many more there were in an hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeniedView {
    /// When; of those that were only counted, when that was put on record.
    pub at: String,
    /// Who tried.
    pub person: String,
    /// By which door: api, link or console.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub door: Option<String>,
    /// What the operator calls the token that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// What: the method and the address as the API's description has it, or what the link or the form
    /// of a page was for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verb: Option<String>,
    /// On what: the names and ids of the address, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<String>,
    /// With which code it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// How many more there were, where they were only counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more: Option<u32>,
    /// From when on they were only counted: the hour that begins here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

impl From<&Entry> for DeniedView {
    fn from(entry: &Entry) -> DeniedView {
        let at = entry.at.to_string();
        match &entry.event {
            Event::Denied(denied) => DeniedView {
                at,
                person: denied.by.to_string(),
                door: Some(denied.door.as_str().to_owned()),
                token: denied.token.clone(),
                verb: Some(denied.verb.clone()),
                on: denied.on.clone(),
                code: Some(denied.code.clone()),
                more: None,
                since: None,
            },
            Event::More { by, since, count } => DeniedView {
                at,
                person: by.to_string(),
                door: None,
                token: None,
                verb: None,
                on: Vec::new(),
                code: None,
                more: Some(*count),
                since: Some(since.to_string()),
            },
        }
    }
}
