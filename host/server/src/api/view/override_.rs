//! Overrides: who decided, or means to decide, against the policy, and on what ground.

use countersign_core::approval::Overridden;
use countersign_core::break_glass::Broken;
use countersign_core::override_::{Evidence, Piece};
use countersign_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A decision against the policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OverrideView {
    /// Who.
    pub by: String,
    /// approve or decline.
    pub decision: String,
    /// A reason of the intent type's table of overrides.
    pub override_reason: String,
    /// Why, in their words.
    pub reason: String,
    /// What shows that it is so.
    pub evidence: Vec<EvidenceView>,
    /// When; absent until they have seen and approved what would be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// One piece of evidence: a file by its digest, or a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceView {
    /// A kind of the intent type's table.
    pub kind: String,
    /// What the file is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// SHA-256 of its bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// How many bytes it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// That somebody broke the glass, and until when they can decide alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BrokenView {
    /// Who, the last time.
    pub by: String,
    /// Why, in their words.
    pub reason: String,
    /// Until when.
    pub until: String,
    /// Whether that is still to come.
    pub open: bool,
    /// How often it was broken.
    pub times: u32,
}

impl BrokenView {
    /// How it is at `now`.
    #[must_use]
    pub fn of(broken: &Broken, now: Timestamp) -> BrokenView {
        BrokenView {
            by: broken.by.to_string(),
            reason: broken.reason.clone(),
            until: broken.until.to_string(),
            open: broken.is_open(now),
            times: broken.times(),
        }
    }
}

impl From<&Overridden> for OverrideView {
    fn from(overridden: &Overridden) -> OverrideView {
        let what = &overridden.what;
        OverrideView {
            by: what.by.to_string(),
            decision: what.instead.as_str().to_owned(),
            override_reason: what.reason.clone(),
            reason: what.words.clone(),
            evidence: what.evidence.iter().map(EvidenceView::from).collect(),
            at: overridden.at.map(|at| at.to_string()),
        }
    }
}

impl From<&Evidence> for EvidenceView {
    fn from(evidence: &Evidence) -> EvidenceView {
        let kind = evidence.kind.clone();
        match &evidence.piece {
            Piece::File { name, sha256, bytes } => EvidenceView {
                kind,
                name: Some(name.clone()),
                sha256: Some(sha256.to_string()),
                bytes: Some(*bytes),
                link: None,
            },
            Piece::Link(link) => {
                EvidenceView { kind, name: None, sha256: None, bytes: None, link: Some(link.clone()) }
            }
        }
    }
}
