//! What answers look like: the shapes of every body, the same over HTTP and in `--json` of the
//! command line. The types inside the engine may change; these only grow.

pub mod access;
pub mod backtest;
pub mod budget;
pub mod check;
pub mod connection;
pub mod connector;
mod course;
pub mod delivery;
pub mod denied;
pub mod draft;
pub mod effect;
pub mod evaluation;
pub mod exception;
pub mod health;
pub mod intent;
pub mod intent_type;
mod log;
pub mod measure;
mod notice;
pub mod outlook;
pub mod override_;
pub mod ownership;
pub mod person;
pub mod plan;
pub mod policy;
pub mod readiness;
pub mod reconciliation;
pub mod replay;
pub mod row;
pub mod seat;
pub mod shared_change;
pub mod timeline;
pub mod value;
mod withheld;

pub use access::{RightView, SaidView};
pub use backtest::BacktestView;
pub use budget::{BudgetView, ClusterView, SpentOnView, SuggestedRowView, SuggestedRowsView};
pub use check::{CheckedView, FaultView, FindingView, RanView, ReportView, SuggestedView, SuggestionView};
pub use connection::{CheckView, ConnectionView};
pub use connector::{BuildView, ConnectorEntryView, ConnectorView, OddView, ShadowView};
pub use delivery::{DeliveryView, WishView};
pub use denied::DeniedView;
pub use draft::{DifferenceView, FormattedView, ImportView, StarterView};
pub use effect::{EffectView, ReceiptView, WatchView};
pub use evaluation::EvaluationView;
pub use exception::ExceptionView;
pub use health::{HealthView, LogHealthView};
pub use intent::{AmendedView, IntentView, OutcomeView, ReturnView, TokenChangeView};
pub use intent_type::IntentTypeView;
pub use log::ConsistencyView;
pub use measure::review::{FigureChangeView, HouseChangeView, MeasureReviewView, TypeReviewView};
pub use measure::{CountsView, FigureView, GroupView, MeasureView, MeasuresView, PeriodView};
pub use outlook::OutlookView;
pub use override_::{BrokenView, EvidenceView, OverrideView};
pub use ownership::{AloneView, OnCallView, OwnedConnectionView, OwnedTypeView, OwnerView, OwnershipView};
pub use person::{AwayView, PersonView, SourceView};
pub use plan::{ChangeView, PlanView, WriteView};
pub use policy::{DocumentView, FoundView, PolicyChangeView, PolicyView, PublishedView, VersionView};
pub use readiness::{LiveView, PointView, ReadinessView};
pub use reconciliation::{ComparedView, ReconciledView, ReconciliationView};
pub use replay::{ReplayView, ReplayedView};
pub use row::{IntentRow, Listed};
pub use seat::{ClaimView, ProgressView, QuestionView, SeatView, StandInView, seat_name};
pub use shared_change::{SharedChangeView, SharedFileView, TextDifferenceView};
pub use timeline::{TimelineEntry, TimelineView};
pub use value::ValueView;

use countersign_core::effect::attempt::{Detail, Guarantee};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One line about a failure, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DetailView {
    /// Short code, such as `rate-limited`.
    pub code: String,
    /// One line.
    pub message: String,
    /// HTTP status of the vendor's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_status: Option<u16>,
    /// The vendor's own id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_request_id: Option<String>,
}

impl From<&Detail> for DetailView {
    fn from(detail: &Detail) -> DetailView {
        DetailView {
            code: detail.code.clone(),
            message: detail.message.clone(),
            vendor_status: detail.vendor_status,
            vendor_request_id: detail.vendor_request_id.clone(),
        }
    }
}

/// The guarantee class as files and surfaces spell it.
#[must_use]
pub fn guarantee(guarantee: Guarantee) -> &'static str {
    guarantee.as_str()
}
