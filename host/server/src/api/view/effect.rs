//! Effects: what became of each approved change.

use super::value::FieldView;
use super::withheld::Withheld;
use super::{DetailView, guarantee};
use countersign_core::approval::watch::{Next, Watch};
use countersign_core::approval::{Approval, Outcome, Sight, Stage};
use countersign_core::effect::attempt::Receipt;
use countersign_core::effect::life::{EffectState, History};
use countersign_core::id::EffectId;
use countersign_core::rulebook::Rulebook;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// One effect and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EffectView {
    /// Its id, for ever.
    pub id: String,
    /// The intent whose approval it follows.
    pub intent: String,
    /// The binding that asks for it.
    pub binding: String,
    /// The connection.
    pub connection: String,
    /// The connector's operation.
    pub operation: String,
    /// The effect that it takes back, where it takes one back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<String>,
    /// The effect that it writes again, where it writes one again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub re_asserts: Option<String>,
    /// What the host may promise.
    pub guarantee: String,
    /// waiting, ready, sent, probing, landed, held or given-up.
    pub state: String,
    /// When it is attempted or probed next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// Attempts so far that did not settle it.
    pub attempts: u32,
    /// Why it is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What was said about it last, where it is held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<DetailView>,
    /// The target's proof, once it landed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<ReceiptView>,
    /// How its target is read back, once it landed and its intent type watches it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<WatchView>,
}

/// How the target of a write is read back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WatchView {
    /// When it was read last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked: Option<String>,
    /// What it held then: true, late, drifted, gone or unreadable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// look, re-assert, writing or over.
    pub next: String,
    /// When that is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
}

impl From<&Watch> for WatchView {
    fn from(watch: &Watch) -> WatchView {
        let next = match watch.next {
            Next::Look(_) => "look",
            Next::ReAssert(_) => "re-assert",
            Next::Writing(_) => "writing",
            Next::Over => "over",
        };
        WatchView {
            looked: watch.last.map(|(at, _)| at.to_string()),
            verdict: watch.last.map(|(_, agreement)| agreement.as_str().to_owned()),
            next: next.to_owned(),
            due: watch.next.due().map(|due| due.to_string()),
        }
    }
}

/// The target's proof that an effect landed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceiptView {
    /// When the host learned it.
    pub at: String,
    /// The record that holds the change.
    pub subject: String,
    /// Its revision after the write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Where a person opens the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The vendor's own id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_request_id: Option<String>,
    /// The written fields, as the vendor says it holds them.
    pub applied: Vec<FieldView>,
}

/// Every effect of an approval; none before it is approved.
#[must_use]
pub fn effects(approval: &Approval) -> Vec<EffectView> {
    match &approval.stage {
        Stage::Executing { effects, .. } | Stage::Closed(Outcome::Done { effects, .. }) => {
            of(approval, effects)
        }
        Stage::Preparing { .. }
        | Stage::Unsettled { .. }
        | Stage::Returned { .. }
        | Stage::Seated { .. }
        | Stage::Closed(Outcome::Declined { .. } | Outcome::Withdrawn { .. }) => Vec::new(),
    }
}

/// The same, without what is withheld.
#[must_use]
pub fn seen(approval: &Approval, sight: &Sight, rulebook: &Rulebook) -> Vec<EffectView> {
    let mut views = effects(approval);
    let withheld = Withheld::of(approval, sight, rulebook);
    views.iter_mut().for_each(|view| withheld.strip_effect(view));
    views
}

/// Whether nothing more will happen to it.
#[must_use]
pub fn is_settled(effect: &EffectView) -> bool {
    effect.state == "landed" || effect.state == "given-up"
}

fn of(approval: &Approval, effects: &BTreeMap<EffectId, EffectState>) -> Vec<EffectView> {
    approval
        .writes()
        .filter_map(|planned| {
            let state = effects.get(&planned.effect)?;
            Some(EffectView {
                id: planned.effect.to_string(),
                intent: approval.intent.id.to_string(),
                binding: planned.binding.to_string(),
                connection: planned.connection.to_string(),
                operation: planned.what.operation.clone(),
                undoes: planned.undoes.map(|effect| effect.to_string()),
                re_asserts: planned.re_asserts.map(|effect| effect.to_string()),
                watch: approval.watches.get(&planned.effect).map(WatchView::from),
                guarantee: guarantee(planned.guarantee).to_owned(),
                ..stood(state)
            })
        })
        .collect()
}

/// What a state says, in a view that knows nothing else yet.
fn stood(state: &EffectState) -> EffectView {
    let told = |word: &str, history: History| EffectView { attempts: history.attempts, ..bare(word) };
    match state {
        EffectState::Waiting => bare("waiting"),
        EffectState::Ready { due, history } => {
            EffectView { due: Some(due.to_string()), ..told("ready", *history) }
        }
        EffectState::Sent { history, .. } => told("sent", *history),
        EffectState::Probing { due, history, .. } => {
            EffectView { due: Some(due.to_string()), ..told("probing", *history) }
        }
        EffectState::Landed { receipt, at } => {
            EffectView { receipt: Some(receipt_view(receipt, at.to_string())), ..bare("landed") }
        }
        EffectState::Held { cause, detail, history } => EffectView {
            cause: Some(cause.as_str().to_owned()),
            detail: Some(detail.into()),
            ..told("held", *history)
        },
        EffectState::GivenUp => bare("given-up"),
    }
}

fn bare(state: &str) -> EffectView {
    EffectView {
        id: String::new(),
        intent: String::new(),
        binding: String::new(),
        connection: String::new(),
        operation: String::new(),
        undoes: None,
        re_asserts: None,
        guarantee: String::new(),
        state: state.to_owned(),
        due: None,
        attempts: 0,
        cause: None,
        detail: None,
        receipt: None,
        watch: None,
    }
}

fn receipt_view(receipt: &Receipt, at: String) -> ReceiptView {
    ReceiptView {
        at,
        subject: receipt.subject.to_string(),
        revision: receipt.revision.clone(),
        url: receipt.url.clone(),
        vendor_request_id: receipt.vendor_request_id.clone(),
        applied: receipt.applied.iter().map(FieldView::from).collect(),
    }
}
