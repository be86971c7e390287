//! The write plan: field by field, what an approval will change, and the seal that binds it.

use super::guarantee;
use super::value::ValueView;
use countersign_core::approval::{Case, PlannedEffect};
use countersign_core::intent::OnFailure;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a decision binds to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlanView {
    /// The hash that binds decision, payload, policy version and write plan.
    pub seal: String,
    /// When it ends.
    pub expires: String,
    /// Every write, in the order in which they are planned.
    pub writes: Vec<WriteView>,
}

/// What one effect will change at one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WriteView {
    /// The effect.
    pub effect: String,
    /// The binding of the intent type that asks for it.
    pub binding: String,
    /// The connection.
    pub connection: String,
    /// Digest of the connector that planned it.
    pub connector: String,
    /// The connector's operation.
    pub operation: String,
    /// What the host may promise: by-key, by-natural-key, by-probe or blind.
    pub guarantee: String,
    /// Bindings that must have landed first.
    pub after: Vec<String>,
    /// What becomes of the rest if this one is refused: hold, undo or continue.
    pub on_failure: String,
    /// Whether its connector can take it back.
    pub reversible: bool,
    /// The record that will be written.
    pub subject: String,
    /// The revision of the record that `before` was read at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Every field that will be written.
    pub changes: Vec<ChangeView>,
    /// The connector's own words.
    pub remarks: Vec<String>,
}

/// One field that will be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangeView {
    /// The field.
    pub field: String,
    /// What the target holds now.
    pub before: ValueView,
    /// What it will hold.
    pub after: ValueView,
}

impl From<&Case> for PlanView {
    fn from(case: &Case) -> PlanView {
        PlanView {
            seal: case.seal.to_string(),
            expires: case.expires.to_string(),
            writes: case.writes.iter().map(WriteView::from).collect(),
        }
    }
}

impl From<&PlannedEffect> for WriteView {
    fn from(planned: &PlannedEffect) -> WriteView {
        let changes = planned.plan.changes.iter().map(|change| ChangeView {
            field: change.name.clone(),
            before: (&change.before).into(),
            after: (&change.after).into(),
        });
        let on_failure = match planned.on_failure {
            OnFailure::Hold => "hold",
            OnFailure::Undo => "undo",
            OnFailure::Continue => "continue",
        };
        WriteView {
            effect: planned.effect.to_string(),
            binding: planned.binding.to_string(),
            connection: planned.connection.to_string(),
            connector: planned.connector.to_string(),
            operation: planned.what.operation.clone(),
            guarantee: guarantee(planned.guarantee).to_owned(),
            after: planned.after.iter().map(ToString::to_string).collect(),
            on_failure: on_failure.to_owned(),
            reversible: planned.reversible,
            subject: planned.plan.subject.to_string(),
            revision: planned.plan.revision.clone(),
            changes: changes.collect(),
            remarks: planned.plan.remarks.clone(),
        }
    }
}
