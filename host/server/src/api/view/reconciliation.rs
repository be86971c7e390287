//! Reconciliation: what was approved, written and is there now.

use super::DetailView;
use super::value::ValueView;
use super::withheld::Withheld;
use countersign_core::approval::{Approval, Sight};
use countersign_core::effect::reconcile::Compared;
use countersign_core::rulebook::Rulebook;
use countersign_core::time::Timestamp;
use countersign_engine::reconcile::Reconciliation;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Everything that landed of an intent, compared with what its targets hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReconciliationView {
    /// The intent.
    pub intent: String,
    /// When the targets were read.
    pub read: String,
    /// The gravest verdict of all; `true` if nothing is known to have landed.
    pub verdict: String,
    /// What landed, in the order of the write plan. What was taken back is compared with what it was before.
    pub effects: Vec<ReconciledView>,
}

/// One effect, compared with what its target holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReconciledView {
    /// The effect.
    pub effect: String,
    /// The binding that asked for it.
    pub binding: String,
    /// The connection.
    pub connection: String,
    /// The effect that it took back, where it took one back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<String>,
    /// The record that was read.
    pub subject: String,
    /// Where a person opens the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When it landed.
    pub landed: String,
    /// The gravest verdict of its fields: true, late (it holds what it held before), drifted (something else), gone
    /// (there is no such record) or unreadable.
    pub verdict: String,
    /// Why it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<DetailView>,
    /// Each field that was written.
    pub fields: Vec<ComparedView>,
}

/// One field, compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ComparedView {
    /// The field.
    pub field: String,
    /// What the target held when it was planned.
    pub before: ValueView,
    /// What was approved.
    pub approved: ValueView,
    /// What the target said that it had written; absent if it said nothing of this field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<ValueView>,
    /// What the target holds now; absent if nobody can say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<ValueView>,
    /// The verdict.
    pub verdict: String,
}

impl ReconciliationView {
    /// What was found, without what is withheld from whoever looks.
    #[must_use]
    pub fn seen(
        approval: &Approval,
        found: &[Reconciliation],
        (sight, rulebook): (&Sight, &Rulebook),
        read: Timestamp,
    ) -> ReconciliationView {
        let withheld = Withheld::of(approval, sight, rulebook);
        let mut effects: Vec<ReconciledView> = found.iter().map(ReconciledView::from).collect();
        effects.iter_mut().for_each(|effect| withheld.strip_reconciled(effect));
        let gravest = found.iter().map(|effect| effect.agreement).max();
        ReconciliationView {
            intent: approval.intent.id.to_string(),
            read: read.to_string(),
            verdict: gravest.map_or("true", |gravest| gravest.as_str()).to_owned(),
            effects,
        }
    }
}

impl From<&Reconciliation> for ReconciledView {
    fn from(found: &Reconciliation) -> ReconciledView {
        ReconciledView {
            effect: found.effect.to_string(),
            binding: found.binding.to_string(),
            connection: found.connection.to_string(),
            undoes: found.undoes.map(|effect| effect.to_string()),
            subject: found.subject.to_string(),
            url: found.url.clone(),
            landed: found.landed.to_string(),
            verdict: found.agreement.as_str().to_owned(),
            why: found.why.as_ref().map(DetailView::from),
            fields: found.fields.iter().map(ComparedView::from).collect(),
        }
    }
}

impl From<&Compared> for ComparedView {
    fn from(compared: &Compared) -> ComparedView {
        ComparedView {
            field: compared.field.clone(),
            before: (&compared.before).into(),
            approved: (&compared.approved).into(),
            written: compared.written.as_ref().map(ValueView::from),
            current: compared.current.as_ref().map(ValueView::from),
            verdict: compared.agreement.as_str().to_owned(),
        }
    }
}
