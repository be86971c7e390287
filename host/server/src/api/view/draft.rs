//! What is said of a document before it is proposed: compared, formatted, begun, made of a file.

use super::policy::RegionView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a changed policy decides otherwise. It is `core`'s own; this shape describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DifferenceView {
    /// The intent type that both versions decide.
    pub intent: String,
    /// The version that it is compared with.
    pub old: String,
    /// The version that the document would be.
    pub new: String,
    /// The regions that are decided otherwise, in the order of the inputs.
    pub changed: Vec<RegionView>,
    /// Inputs that only one of the versions has, or that mean something else now.
    pub inputs: Vec<String>,
    /// Whether these are all regions.
    pub all: bool,
    /// Regions in which a guard that computes may differ, but no tried point does.
    pub unsettled: usize,
}

/// A document whose tables are aligned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FormattedView {
    /// The whole text.
    pub policy: String,
    /// Whether it is another text than was sent.
    pub changed: bool,
}

/// A policy to begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StarterView {
    /// The whole text of a policy that passes the check and asks the owner's people everything.
    pub policy: String,
}

/// A document that was made of a file, and what it would change of the policy that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportView {
    /// The whole text of the document, formatted.
    pub policy: String,
    /// Changes of rows, table by table; rows are told apart by their ids.
    pub rows: Vec<RowChangeView>,
    /// Changes of title, hit policy, columns and prose, in words.
    pub others: Vec<String>,
}

/// A change of one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RowChangeView {
    /// The table.
    pub table: String,
    /// The row's id.
    pub id: String,
    /// What happens.
    #[serde(flatten)]
    pub change: CellsView,
}

/// What happens to a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "what")]
pub enum CellsView {
    /// It is new.
    Added {
        /// Its cells.
        cells: Vec<String>,
    },
    /// It goes.
    Removed {
        /// Its cells.
        cells: Vec<String>,
    },
    /// Some of its cells are others now.
    Changed {
        /// Column, old text, new text.
        cells: Vec<(String, String, String)>,
    },
    /// It stands at another place among the rows that stay, which can decide otherwise.
    Moved,
}
