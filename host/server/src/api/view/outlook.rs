//! What people's absences and departures mean for the routes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What lies ahead. It is `core`'s own; this shape describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutlookView {
    /// Rows of routes that too few people can fill on some days.
    pub thin: Vec<ThinView>,
    /// Absences whose cover is away too.
    pub uncovered: Vec<UncoveredView>,
    /// People without whom a row could not be filled by anybody, its backups included.
    pub lone: Vec<LoneView>,
}

/// A row of a route that too few people can fill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ThinView {
    /// The policy.
    #[schema(example = "discount")]
    pub policy: String,
    /// Route and step.
    #[schema(example = "finance step 1")]
    pub row: String,
    /// Who is asked.
    #[schema(example = "pool finance")]
    pub whom: String,
    /// How many of them must approve.
    pub need: u32,
    /// The fewest that are there on one of the days.
    pub present: usize,
    /// The first of the days.
    #[schema(example = "2026-12-21", format = Date)]
    pub from: String,
    /// The last of them.
    #[schema(example = "2026-12-31", format = Date)]
    pub until: String,
    /// Who is asked instead; absent if no backup can fill it either, so that it waits for an exception's owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
}

/// Days on which somebody is away, and whoever covers for them too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UncoveredView {
    /// Who.
    pub person: String,
    /// Who covers.
    pub cover: String,
    /// The first day of both.
    #[schema(example = "2026-12-21", format = Date)]
    pub from: String,
    /// The last day of both.
    #[schema(example = "2026-12-31", format = Date)]
    pub until: String,
}

/// A person whom routes cannot do without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoneView {
    /// Who.
    pub person: String,
    /// The rows of routes that nobody could fill if they left.
    pub rows: Vec<String>,
    /// How many rules and guards of policies ask for one of them: what they say could not be approved any more.
    pub rules: usize,
}
