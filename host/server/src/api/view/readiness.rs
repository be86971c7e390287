//! What an intent type goes live on, and since when it is live.

use super::intent::Looking;
use countersign_core::going_live::Readiness;
use countersign_core::intent::IntentType;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an intent type goes live on, as whoever decides sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReadinessView {
    /// The intent type.
    pub intent_type: String,
    /// The trial that shows that it works.
    pub trial: String,
    /// Digest of what was tried: owners, source, trigger, destinations, bindings and writes.
    pub shape: String,
    /// The six fields and five points, each with what it rests on.
    pub rests_on: Vec<PointView>,
    /// Why the trigger was not shown, if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived: Option<String>,
}

/// One of the eleven things that an intent type goes live on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PointView {
    /// Which: owner, source, destinations, exception route, QA checkpoint, reporting field, trigger, review path,
    /// audit trail, fallback owner or outcome.
    pub point: String,
    /// What it rests on.
    pub by: String,
}

/// Since when an intent type is live, by whose decision, and on which trial. Only the moment where intents of the type
/// are not for the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LiveView {
    /// When.
    pub since: String,
    /// The intent that let it go live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// The trial that it rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<String>,
    /// Who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
}

impl From<&Readiness> for ReadinessView {
    fn from(ready: &Readiness) -> ReadinessView {
        let point = |met: &countersign_core::going_live::Met| PointView {
            point: met.point.as_str().to_owned(),
            by: met.by.clone(),
        };
        ReadinessView {
            intent_type: ready.of.to_string(),
            trial: ready.trial.to_string(),
            shape: ready.shape.to_string(),
            rests_on: ready.met.iter().map(point).collect(),
            waived: ready.waived.clone(),
        }
    }
}

impl LiveView {
    /// Since when a type is live, if it is on record; by what, if that is for whoever looks.
    #[must_use]
    pub(super) fn of(looking: Looking<'_>, schema: &IntentType) -> Option<LiveView> {
        let Looking { person, rulebook, now } = looking;
        let went = rulebook.went_live(schema)?;
        let shown = rulebook.sees_that_there_are(schema, person, now).then_some(went);
        Some(LiveView {
            since: went.at.to_string(),
            intent: shown.map(|went| went.intent.to_string()),
            trial: shown.map(|went| went.trial.to_string()),
            asked: shown.map(|went| went.asked.to_string()),
            by: shown.iter().flat_map(|went| &went.by).map(ToString::to_string).collect(),
        })
    }
}
