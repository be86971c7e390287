//! Lists: one line an intent, and the page that they stand on.

use countersign_core::approval::Sight;
use countersign_core::id::FieldName;
use countersign_core::intent::{IntentType, Tokens};
use countersign_engine::port::store::Row;
use countersign_engine::row::Summary;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

/// One page of a list, newest first. Without `next` it is the last one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Listed<T> {
    /// What was found.
    pub items: Vec<T>,
    /// Cursor of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> Listed<T> {
    /// A list that has only this page.
    #[must_use]
    pub fn whole(items: Vec<T>) -> Listed<T> {
        Listed { items, next: None }
    }
}

/// One intent in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IntentRow {
    /// Its id.
    pub id: String,
    /// Its intent type.
    #[serde(rename = "type")]
    pub intent_type: String,
    /// Where it stands.
    pub state: String,
    /// Who asked.
    pub requester: String,
    /// When.
    pub submitted: String,
    /// The record that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Amount at stake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub stake: Option<Json>,
    /// When it next needs somebody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// Whether it is a trial of an intent type that is a draft.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trial: bool,
}

impl IntentRow {
    /// The line that a row of the store stands for.
    ///
    /// # Errors
    /// If another program wrote the row.
    pub fn of(row: &Row) -> Result<IntentRow, serde_json::Error> {
        let summary: Summary = serde_json::from_slice(&row.row.summary)?;
        Ok(IntentRow {
            id: row.stream.to_string(),
            intent_type: summary.intent_type,
            state: summary.state,
            requester: summary.requester,
            submitted: summary.submitted.to_string(),
            subject: Some(summary.subject).filter(|subject| !subject.is_empty()),
            stake: summary.stake.map(|stake| serde_json::json!(stake)),
            due: summary.due.map(|due| due.to_string()),
            trial: summary.trial,
        })
    }

    /// The same without what is not for whoever looks. What stands in the row was chosen by the type as it was
    /// then; what is shown in its place is what the type of now says.
    #[must_use]
    pub fn without(self, schema: Option<&IntentType>, tokens: &Tokens, sight: &Sight) -> IntentRow {
        if sight.is_whole() {
            return self;
        }
        let shown = |field: Option<&FieldName>| field.is_some_and(|field| !sight.hides(field));
        let by_subject = schema.filter(|schema| shown(Some(&schema.subject)));
        let by_stake = schema.filter(|schema| shown(schema.amount_at_stake.as_ref()));
        let stake = by_stake.and_then(|schema| schema.stake_of(tokens));
        IntentRow {
            subject: by_subject.and_then(|schema| schema.subject_of(tokens)),
            stake: stake.map(|stake| serde_json::json!(stake)),
            ..self
        }
    }
}
