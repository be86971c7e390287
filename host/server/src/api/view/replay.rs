//! What is on record of the decisions on an intent, made again.

use countersign_core::approval::life::{Again, Replayed};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Every answer of a policy and every seal of an intent, made again from what the log holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReplayView {
    /// The intent.
    pub intent: String,
    /// Whether every one comes out as it is on record.
    pub same: bool,
    /// The answers, in the order of the log.
    pub answers: Vec<ReplayedView>,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReplayedView {
    /// Its sequence in the life of the intent, from 1.
    pub sequence: u64,
    /// When it was recorded.
    pub at: String,
    /// Revision of the intent that it answers.
    pub revision: u32,
    /// Version of the policy that the intent was pinned to then.
    pub policy: String,
    /// `same`: with every reason; `otherwise`; or `no-policy`, if the rules have no such version.
    pub answer: String,
    /// The answer on record, if it comes out otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<String>,
    /// What comes out, if that is something else. The same as on record if only its reasons are others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
    /// `same` or `otherwise`; left out where nothing was sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<String>,
}

impl ReplayView {
    /// What came of an intent.
    #[must_use]
    pub fn of(intent: String, replayed: &[Replayed]) -> ReplayView {
        let same = replayed.iter().all(Replayed::is_same);
        ReplayView { intent, same, answers: replayed.iter().map(ReplayedView::from).collect() }
    }
}

impl From<&Replayed> for ReplayedView {
    fn from(replayed: &Replayed) -> ReplayedView {
        let (answer, recorded, now) = match &replayed.answer {
            Again::Same => ("same", None, None),
            Again::Otherwise { recorded, now } => {
                ("otherwise", Some(recorded.to_string()), Some(now.to_string()))
            }
            Again::NoPolicy => ("no-policy", None, None),
        };
        let seal = replayed.seal.map(|same| if same { "same" } else { "otherwise" }.to_owned());
        ReplayedView {
            sequence: replayed.sequence,
            at: replayed.at.to_string(),
            revision: replayed.revision,
            policy: replayed.policy.to_string(),
            answer: answer.to_owned(),
            recorded,
            now,
            seal,
        }
    }
}
