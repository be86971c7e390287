//! Exception budgets: how far each has burnt, and what spent it.

use super::DetailView;
use super::backtest::BacktestView;
use super::exception::BurnView;
use countersign_core::budget::{Cluster, Packet, Spending, SpentOn};
use countersign_core::exception::Level;
use countersign_core::id::IntentTypeName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The exception budget of an intent type: figures, and what lies before whoever says what follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BudgetView {
    /// The intent type.
    #[serde(rename = "type")]
    pub intent_type: String,
    /// The budget, as the file has it.
    pub budget: String,
    /// calm, burning or spent.
    pub state: String,
    /// What applies to new intents now, in words.
    pub applies: String,
    /// The figures.
    pub burn: FiguresView,
    /// The open exception about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<OpenBudgetView>,
    /// How many exceptions were opened on each day that counts, by UTC, the first day first.
    pub days: Vec<DayView>,
    /// What the cases below have in common, the most common first.
    pub clusters: Vec<ClusterView>,
    /// The newest exceptions that spent it, the newest first: at most 100.
    pub cases: Vec<SpentOnView>,
    /// Whether `open`, `clusters` and `cases` are left out, as not all of each intent is for the caller.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withheld: bool,
}

/// How far a budget has burnt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FiguresView {
    /// So many exceptions were opened.
    pub opened: u32,
    /// So many may be.
    pub at_most: u32,
    /// Within so many days.
    pub days: u32,
    /// From how many on its owner is told.
    pub warns_from: u32,
    /// From when on they are counted.
    pub since: String,
    /// The hour in which it is spent at the present rate; absent if it is, or if that is not to be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exhausted: Option<String>,
    /// When it is spent no longer, if nothing new is opened; absent unless it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<String>,
}

/// The open exception about a budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpenBudgetView {
    /// The intent in which it stands.
    pub intent: String,
    /// Who gives the budget back by closing it once it is spent.
    pub owner: String,
    /// burning or spent: what its owner was told.
    pub level: String,
}

/// One day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DayView {
    /// The day.
    pub day: String,
    /// How many exceptions were opened on it.
    pub opened: u32,
}

/// What some of the cases have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClusterView {
    /// cause, what (the code of what happened), row (of the policy), or a token by which the intent type reports.
    pub by: String,
    /// The value.
    pub value: String,
    /// How many cases.
    pub count: u32,
}

/// One exception that spent the budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SpentOnView {
    /// When it was opened.
    pub opened: String,
    /// The intent.
    pub intent: String,
    /// Where that stands.
    pub state: String,
    /// The exception.
    pub exception: String,
    /// Why: a cause of the exception table.
    pub cause: String,
    /// What happened.
    pub detail: DetailView,
    /// Whose it is, or was.
    pub owner: String,
    /// open or closed.
    pub exception_state: String,
    /// Rows of the policy that answered, where it did.
    pub rows: Vec<String>,
    /// The tokens by which the intent type reports.
    pub reported: BTreeMap<String, String>,
}

/// Rows that would have spared exceptions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SuggestedRowsView {
    /// Those that most exceptions ask for first.
    pub rows: Vec<SuggestedRowView>,
}

/// One row that could stand above another one, tried on the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SuggestedRowView {
    /// The row that sent the cases to people.
    pub above: String,
    /// So many that it sent to people were exceptions because nobody decided in time; people approved each.
    pub cases: u32,
    /// Its cells, by column.
    pub cells: BTreeMap<String, String>,
    /// The whole text of the policy with the row in it.
    pub policy: String,
    /// What that would have answered to the recorded intents of the last 90 days.
    pub backtest: BacktestView,
}

impl BudgetView {
    /// What the host found of a budget.
    #[must_use]
    pub fn of(name: &IntentTypeName, spending: &Spending, packet: &Packet) -> BudgetView {
        let open = spending.open.as_ref().map(|(intent, told)| OpenBudgetView {
            intent: intent.to_string(),
            owner: told.owner.to_string(),
            level: told.level.as_str().to_owned(),
        });
        let days = packet.days.iter().map(|(day, opened)| DayView { day: day.to_string(), opened: *opened });
        BudgetView {
            intent_type: name.to_string(),
            budget: spending.budget.to_string(),
            state: spending.level().map_or("calm", Level::as_str).to_owned(),
            applies: spending.words(),
            burn: spending.into(),
            open,
            days: days.collect(),
            clusters: packet.clusters.iter().map(ClusterView::from).collect(),
            cases: packet.cases.iter().map(SpentOnView::from).collect(),
            withheld: false,
        }
    }

    /// The same without what names intents and what went wrong with them, for whoever does not see all of each.
    #[must_use]
    pub(crate) fn figures(name: &IntentTypeName, spending: &Spending) -> BudgetView {
        let view = BudgetView::of(name, spending, &Packet::of_days(spending));
        BudgetView { open: None, withheld: true, ..view }
    }
}

impl From<&Spending> for FiguresView {
    fn from(spending: &Spending) -> FiguresView {
        let BurnView { opened, at_most, days, since, exhausted, ends, .. } =
            (&spending.burn(Level::Spent)).into();
        FiguresView {
            opened,
            at_most,
            days,
            warns_from: spending.budget.warns_from(),
            since,
            exhausted,
            ends,
        }
    }
}

impl From<&Cluster> for ClusterView {
    fn from(cluster: &Cluster) -> ClusterView {
        ClusterView { by: cluster.by.clone(), value: cluster.value.clone(), count: cluster.count }
    }
}

impl From<&SpentOn> for SpentOnView {
    fn from(case: &SpentOn) -> SpentOnView {
        let exception = &case.exception;
        let reported = case.reported.iter().map(|(name, value)| (name.to_string(), value.clone()));
        SpentOnView {
            opened: exception.opened.to_string(),
            intent: case.intent.to_string(),
            state: case.state.to_owned(),
            exception: case.id.to_string(),
            cause: exception.cause.as_str().to_owned(),
            detail: (&exception.detail).into(),
            owner: exception.owner.to_string(),
            exception_state: if exception.closed.is_some() { "closed" } else { "open" }.to_owned(),
            rows: case.rules.clone(),
            reported: reported.collect(),
        }
    }
}
