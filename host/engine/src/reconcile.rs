//! Reconciliation of one intent: reads what its targets hold now. Changes nothing, there or here.

use crate::engine::Inner;
use crate::fault::Fault;
use crate::limits::PREPARE_READS_AT_ONCE;
use countersign_core::approval::refusal::Refusal;
use countersign_core::approval::watch::Standing;
use countersign_core::approval::{Approval, Outcome, PlannedEffect, Stage};
use countersign_core::effect::attempt::{Detail, Ended, Failure};
use countersign_core::effect::plan::Change;
use countersign_core::effect::reconcile::{Agreement, Compared, Unread, compare};
use countersign_core::id::{BindingName, ConnectionName, EffectId};
use countersign_core::record::{RecordRef, Snapshot};
use countersign_core::time::Timestamp;
use futures::StreamExt as _;
use std::sync::Arc;

/// Code of the refusal by which a connector says that a record is not there.
const NOT_FOUND: &str = "not-found";

/// What was approved, written and found of one effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciliation {
    /// The effect.
    pub effect: EffectId,
    /// The binding that asked for it.
    pub binding: BindingName,
    /// The connection.
    pub connection: ConnectionName,
    /// The effect that it took back, if it is a compensation: those stand for what they took back.
    pub undoes: Option<EffectId>,
    /// The record that holds the change.
    pub subject: RecordRef,
    /// Where a person opens it.
    pub url: Option<String>,
    /// When it landed.
    pub landed: Timestamp,
    /// The verdict on the whole of it: the gravest of its fields.
    pub agreement: Agreement,
    /// Why it could not be read.
    pub why: Option<Detail>,
    /// Each field that was written.
    pub fields: Vec<Compared>,
}

/// Reads the targets of everything that landed of an approval, in the order of its plan.
///
/// # Errors
/// [`Refusal::WrongStage`] while nothing of it is approved.
pub(crate) async fn of(inner: &Arc<Inner>, approval: &Approval) -> Result<Vec<Reconciliation>, Fault> {
    let (Stage::Executing { case, authority, .. } | Stage::Closed(Outcome::Done { case, authority, .. })) =
        &approval.stage
    else {
        return Err(Refusal::WrongStage { command: "reconcile", stage: approval.stage.as_str() }.into());
    };
    let paused = inner.paused_connections().await?;
    let looks = approval.standing().map(|standing| {
        let is_paused = paused.contains(&standing.planned.connection);
        let changes = case.written(standing.planned, authority);
        look(inner, standing, is_paused, changes)
    });
    Ok(futures::stream::iter(looks.collect::<Vec<_>>()).buffered(PREPARE_READS_AT_ONCE).collect().await)
}

async fn look(
    inner: &Arc<Inner>,
    Standing { planned, receipt, landed, .. }: Standing<'_>,
    is_paused: bool,
    changes: Vec<Change>,
) -> Reconciliation {
    let found = read(inner, planned, &receipt.subject, is_paused).await;
    let (snapshot, why) = match found {
        Ok(snapshot) => (Ok(snapshot), None),
        Err((unread, why)) => (Err(unread), Some(why)),
    };
    let fields = compare(&changes, receipt, snapshot.as_ref().map_err(|unread| *unread));
    let url = snapshot.as_ref().ok().and_then(|snapshot| snapshot.url.clone());
    Reconciliation {
        effect: planned.effect,
        binding: planned.binding.clone(),
        connection: planned.connection.clone(),
        undoes: planned.undoes,
        subject: receipt.subject.clone(),
        url: url.or_else(|| receipt.url.clone()),
        landed,
        agreement: fields.iter().map(|field| field.agreement).max().unwrap_or(Agreement::True),
        why,
        fields,
    }
}

/// Reads the record that an effect wrote, if its connection still leads where it did.
pub(crate) async fn read(
    inner: &Arc<Inner>,
    planned: &PlannedEffect,
    subject: &RecordRef,
    is_paused: bool,
) -> Result<Snapshot, (Unread, Detail)> {
    let connection = &planned.connection;
    let unreadable = |code: &str, message: String| (Unread::Unreachable, Detail::new(code, message));
    if inner.lacks_connector(connection) {
        return Err(unreadable("no-connector", format!("connection `{connection}` has no connector yet")));
    }
    let Some(known) = inner.connectors.connection(connection) else {
        let message = format!("connection `{connection}` is not configured any more");
        return Err(unreadable("no-connection", message));
    };
    // Another system may have a record of the same name.
    if known.target() != planned.target {
        let message = format!(
            "connection `{connection}` leads to another address, or is set otherwise, than when it was sealed"
        );
        return Err(unreadable("target-changed", message));
    }
    if is_paused {
        return Err(unreadable("paused", format!("connection `{connection}` is paused")));
    }
    match inner.connectors.fetch(connection, subject.clone()).await {
        Ended::Returned(snapshot) => Ok(snapshot),
        Ended::Failed(Failure::Rejected { detail, .. }) if detail.code == NOT_FOUND => {
            Err((Unread::Gone, detail))
        }
        Ended::Failed(Failure::Rejected { detail, .. }) => Err((Unread::Refused, detail)),
        Ended::Failed(Failure::Denied(detail)) => Err((Unread::Denied, detail)),
        Ended::Failed(failure) => Err((Unread::Unreachable, failure.detail().clone())),
        Ended::Broke(broke) => Err(unreadable("connector-broke", broke.message)),
    }
}
