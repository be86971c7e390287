//! Deliveries: what has arrived at a connection, and what came of it. What stands in one is not shown: it may be about
//! people.

use super::DetailView;
use countersign_core::delivery::{CameTo, Outcome, Wish};
use countersign_engine::inbox::{Summary, Wait};
use countersign_engine::port::store::Row;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryView {
    /// Its id.
    pub id: String,
    /// The hook that it came by.
    pub hook: String,
    /// When it arrived.
    pub arrived: String,
    /// waiting (its connector or its target does not say now what it is about), handled, or refused.
    pub state: String,
    /// The records that it says have changed, as `KIND/ID`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<String>,
    /// The intents that it asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wishes: Vec<WishView>,
    /// Why nothing came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<DetailView>,
    /// Why it waits, once this host has looked at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<DetailView>,
    /// When it is looked at again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// An intent that a delivery asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WishView {
    /// The connector's name of it: it becomes one intent, however often it is delivered.
    pub key: String,
    /// Its intent type.
    pub intent_type: String,
    /// The record in the other system that it is about, as `KIND/ID`.
    pub source: String,
    /// The intent; absent if it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// Why there is no intent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<DetailView>,
}

impl DeliveryView {
    /// The delivery of a row, and why it waits if it does.
    ///
    /// # Errors
    /// If the row's summary is not one that the engine wrote.
    pub fn of(row: &Row, wait: Option<&Wait>) -> Result<DeliveryView, serde_json::Error> {
        let Summary { hook, arrived, outcome } = serde_json::from_slice(&row.row.summary)?;
        let wait = wait.filter(|_| outcome.is_none());
        let (state, records, wishes, refused) = match &outcome {
            None => ("waiting", &[][..], &[][..], None),
            Some(Outcome::Handled { records, wishes }) => ("handled", &**records, &**wishes, None),
            Some(Outcome::Refused(why)) => ("refused", &[][..], &[][..], Some(why)),
        };
        Ok(DeliveryView {
            id: row.stream.to_string(),
            hook,
            arrived: arrived.to_string(),
            state: state.to_owned(),
            records: records.iter().map(ToString::to_string).collect(),
            wishes: wishes.iter().map(WishView::of).collect(),
            refused: refused.map(Into::into),
            waits: wait.map(|wait| (&wait.why).into()),
            next: wait.map(|wait| wait.until.to_string()),
        })
    }
}

impl WishView {
    fn of(wish: &Wish) -> WishView {
        let (intent, refused) = match &wish.came_to {
            CameTo::Intent(intent) => (Some(intent.to_string()), None),
            CameTo::Refused(why) => (None, Some(why.into())),
        };
        let (key, intent_type) = (wish.key.clone(), wish.intent_type.clone());
        WishView { key, intent_type, source: wish.source.to_string(), intent, refused }
    }
}
