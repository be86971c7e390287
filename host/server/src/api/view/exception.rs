//! Exceptions: what the normal path could not settle, whose it is, until when, and the way out.

use super::DetailView;
use countersign_core::exception::{Burn, Closure, Exception};
use countersign_core::id::{ExceptionId, IntentId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExceptionView {
    /// Its id.
    pub id: String,
    /// The intent that it belongs to.
    pub intent: String,
    /// Why: a cause of the exception table.
    pub cause: String,
    /// The effect it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
    /// The connection to which nothing is sent while it is open; of cause `quarantined`, only by the build of the
    /// connector that broke.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pauses: Option<String>,
    /// Row of the exception table that gave it its owner.
    pub route: String,
    /// Who answers for it.
    pub owner: String,
    /// Until when.
    pub due: String,
    /// How often it was missed and moved on.
    pub missed: u32,
    /// Which criteria can close it.
    pub closes_when: Vec<String>,
    /// What happened.
    pub detail: DetailView,
    /// The figures, where it is about the exception budget of the intent type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burn: Option<BurnView>,
    /// open or closed.
    pub state: String,
    /// In which ways the caller may close it now, and `adopt` where they may ask for what is there instead.
    pub can: Vec<String>,
    /// How it was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<ClosedView>,
}

/// How far the exception budget of an intent type has burnt, at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BurnView {
    /// burning (its owner is told) or spent.
    pub level: String,
    /// So many exceptions were opened.
    pub opened: u32,
    /// So many may be.
    pub at_most: u32,
    /// Within so many days.
    pub days: u32,
    /// From when on they are counted.
    pub since: String,
    /// The hour in which the budget is spent at the present rate; absent if it is, or if that is not to be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exhausted: Option<String>,
    /// When it is spent no longer, if nothing new is opened; absent unless it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<String>,
}

impl From<&Burn> for BurnView {
    fn from(burn: &Burn) -> BurnView {
        BurnView {
            level: burn.level.as_str().to_owned(),
            opened: burn.opened,
            at_most: burn.at_most,
            days: burn.days,
            since: burn.since.to_string(),
            exhausted: burn.exhausted.map(|hour| hour.to_string()),
            ends: burn.ends.map(|at| at.to_string()),
        }
    }
}

/// How an exception was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClosedView {
    /// retry, probe, give-up, undo, re-assert, decline, reviewed, confirmed or reversed.
    pub by: String,
    /// Who closed it; absent if the engine saw the criterion met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// Their words.
    pub reason: String,
    /// When.
    pub at: String,
}

/// One exception, and what the caller may do about it.
#[must_use]
pub fn exception(intent: IntentId, id: ExceptionId, exception: &Exception, can: &[Closure]) -> ExceptionView {
    let closed = exception.closed.as_ref().map(|closed| ClosedView {
        by: closed.by.as_str().to_owned(),
        person: closed.person.as_ref().map(ToString::to_string),
        reason: closed.reason.clone(),
        at: closed.at.to_string(),
    });
    ExceptionView {
        id: id.to_string(),
        intent: intent.to_string(),
        cause: exception.cause.as_str().to_owned(),
        effect: exception.effect.map(|effect| effect.to_string()),
        pauses: exception.pauses().map(ToString::to_string),
        route: exception.route.clone(),
        owner: exception.owner.to_string(),
        due: exception.due.to_string(),
        missed: exception.missed,
        closes_when: exception.closes_when.clone(),
        detail: (&exception.detail).into(),
        burn: exception.burn.as_ref().map(BurnView::from),
        state: if closed.is_some() { "closed" } else { "open" }.to_owned(),
        can: can.iter().map(|closure| closure.as_str().to_owned()).collect(),
        closed,
    }
}
