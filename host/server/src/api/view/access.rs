//! Rights as they are shown: what somebody may do, what follows from it, and what was said of it last.

use countersign_core::access::{Reviews, Right, reviewers};
use countersign_core::id::PersonId;
use countersign_core::people::Directory;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something that a person may do in the house.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RightView {
    /// Its id: another one as soon as something else follows from it.
    pub id: String,
    /// What it is, such as `pool finance`.
    pub what: String,
    /// Whose.
    pub person: String,
    /// Who answers for them, where that is a machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<String>,
    /// What follows from it.
    pub leads_to: Vec<String>,
    /// never-reviewed, changed (more or less follows from it since it was to stay), kept, or to-remove (it is to be taken
    /// away, and is still there).
    pub standing: String,
    /// What was said of it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<SaidView>,
    /// Who can review it; empty if nobody can.
    pub reviewers: Vec<String>,
}

/// What somebody said of a right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SaidView {
    /// keep or remove.
    pub said: String,
    /// By whom.
    pub by: String,
    /// When.
    pub at: String,
    /// Why, if they said so; not for whoever has the right, who is told that by people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// What a right is shown by, and to whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) reviews: &'a Reviews,
    pub(crate) to: &'a PersonId,
}

impl RightView {
    /// A right as it stands.
    #[must_use]
    pub(crate) fn of(right: &Right, Shown { directory, reviews, to }: Shown<'_>) -> RightView {
        let standing = reviews.standing(right);
        let last = standing.last().map(|last| SaidView {
            said: last.said.as_str().to_owned(),
            by: last.by.to_string(),
            at: last.at.to_string(),
            reason: if right.is_of(to) { String::new() } else { last.reason.clone() },
        });
        RightView {
            id: right.id(),
            what: right.what.clone(),
            person: right.person.to_string(),
            answers: right.answers.as_ref().map(ToString::to_string),
            leads_to: right.leads_to.clone(),
            standing: standing.as_str().to_owned(),
            last,
            reviewers: reviewers(directory, right).iter().map(ToString::to_string).collect(),
        }
    }
}
