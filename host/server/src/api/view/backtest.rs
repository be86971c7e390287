//! The report of a backtest. It is `core`'s own, byte for byte, so that what is attached to a change as
//! evidence is what was shown; these shapes describe it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// An exact amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StakeView {
    /// Decimal text in the major unit, such as `1250.00`.
    pub amount: String,
    /// ISO 4217 code.
    pub currency: String,
}

/// A number of cases and the money at stake in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SumView {
    /// How many.
    pub count: u64,
    /// How much, one amount a currency.
    pub at_stake: Vec<StakeView>,
}

/// Cases that got one answer and would get another, or the same again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MovedView {
    /// The recorded answer: `approve`, `deny`, `unsure`, or the routes that were asked.
    pub was: String,
    /// The answer of the changed policy.
    pub would_be: String,
    /// How many.
    pub count: u64,
    /// How much is at stake, one amount a currency.
    pub at_stake: Vec<StakeView>,
    /// How many of them a person declined.
    pub declined_by_people: u64,
    /// Minutes that people's seats waited, by the median of each route.
    pub minutes_were: u64,
    /// The same for the new answer.
    pub minutes_would_be: u64,
}

/// Cases that the changed policy cannot decide, because of what was not recorded then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LackingView {
    /// How many, and how much.
    pub cases: SumView,
    /// How many lack which input.
    pub inputs: BTreeMap<String, u64>,
}

/// One case that is decided otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WorstView {
    /// The intent.
    pub intent: String,
    /// The money at stake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_stake: Option<StakeView>,
    /// The recorded answer.
    pub was: String,
    /// The answer of the changed policy.
    pub would_be: String,
    /// What became of it: `approved-by-policy`, `approved-by-people`, `declined-by-policy`,
    /// `declined-by-people`, `withdrawn` or `open`.
    pub fate: String,
}

/// How often something is asked, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadView {
    /// What is asked: a route, or the people of a seat.
    pub name: String,
    /// How often it was.
    pub was: u64,
    /// How often it would be.
    pub would_be: u64,
    /// The median time of the route in minutes, if it is one and somebody ever answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u64>,
}

/// What a changed policy would have answered to the recorded intents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BacktestView {
    /// The intent type.
    pub intent: String,
    /// The version that was tried: 64 hexadecimal digits.
    pub policy: String,
    /// The first day of the cases, if they were cut off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// All cases.
    pub cases: SumView,
    /// Those that are decided otherwise.
    pub changed: SumView,
    /// Those that would be approved without asking anybody, and were not.
    pub newly_approved: SumView,
    /// Those of them that a person declined.
    pub newly_approved_though_declined: SumView,
    /// Was, would be: newly approved first, then what changes, then what stays.
    pub moved: Vec<MovedView>,
    /// Rows that are left out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub moved_left_out: u64,
    /// Cases that cannot be compared, apart.
    pub lacking: LackingView,
    /// The cases with the most money among those decided otherwise, newly approved first.
    pub worst: Vec<WorstView>,
    /// How often each route is asked, what grows first.
    pub routes: Vec<LoadView>,
    /// How many seats each pool, role or person gets, what grows first.
    pub seats: Vec<LoadView>,
    /// Routes in which nobody ever answered, so that their time counts as nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub untimed: Vec<String>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}
