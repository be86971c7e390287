//! Deliveries: what has arrived at a connection, and what came of it. What stands in one is not shown: it may be about
//! people.

use super::DetailView;
use countersign_core::delivery::{CameTo, OnRecord, Outcome, Wish};
use countersign_core::id::DeliveryId;
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
}

/// An intent that a delivery asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WishView {
    /// The connector's name of it: it becomes one intent, however often it is delivered.
    pub key: String,
    /// Its intent type.
    pub intent_type: String,
    /// The intent; absent if it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// Why there is no intent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<DetailView>,
}

impl DeliveryView {
    /// A delivery as its record has it.
    #[must_use]
    pub fn of(id: DeliveryId, record: &OnRecord) -> DeliveryView {
        let mut view = DeliveryView {
            id: id.to_string(),
            hook: record.delivery.hook.clone(),
            arrived: record.arrived.to_string(),
            state: record.state().to_owned(),
            records: Vec::new(),
            wishes: Vec::new(),
            refused: None,
        };
        match &record.outcome {
            Some(Outcome::Handled { records, wishes }) => {
                view.records = records.iter().map(ToString::to_string).collect();
                view.wishes = wishes.iter().map(WishView::of).collect();
            }
            Some(Outcome::Refused(why)) => view.refused = Some(why.into()),
            None => {}
        }
        view
    }
}

impl WishView {
    fn of(wish: &Wish) -> WishView {
        let (intent, refused) = match &wish.came_to {
            CameTo::Intent(intent) => (Some(intent.to_string()), None),
            CameTo::Refused(why) => (None, Some(why.into())),
        };
        WishView { key: wish.key.clone(), intent_type: wish.intent_type.clone(), intent, refused }
    }
}
