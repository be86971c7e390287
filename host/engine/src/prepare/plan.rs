//! Plans the writes of an approval: asks each connector what it would change, and binds the answer
//! to the connector and the addresses that gave it.

use super::Trouble;
use crate::engine::Inner;
use crate::limits::PREPARE_READS_AT_ONCE;
use crate::port::connectors::{Connection, Operation};
use countersign_core::approval::{Approval, PlannedEffect};
use countersign_core::effect::key::effect_id;
use countersign_core::id::{ConnectionName, IntentId};
use countersign_core::intent::{EngineNames, Facts, IntentType, Planned};
use countersign_core::record::RecordRef;
use futures::StreamExt as _;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Id of the record that a binding without a subject is about: the connection's default parent.
const DEFAULT_PARENT: &str = "default";

pub(super) async fn writes(
    inner: &Arc<Inner>,
    approval: &Approval,
    schema: &IntentType,
    (facts, paused): (&Facts, &BTreeSet<ConnectionName>),
) -> Result<Vec<PlannedEffect>, Trouble> {
    let names = EngineNames {
        intent_id: approval.intent.id.to_string(),
        policy_version: approval.policy.to_string(),
    };
    let proposed = schema.proposals(&approval.intent.tokens, facts, &names).map_err(|faults| {
        let words: Vec<String> = faults.iter().map(ToString::to_string).collect();
        Trouble::hopeless("no-proposal", words.join("; "))
    })?;
    if let Some(write) = proposed.iter().find(|write| paused.contains(&write.connection)) {
        return Err(Trouble::paused(&write.connection));
    }
    let mut planned: Vec<Result<PlannedEffect, Trouble>> = futures::stream::iter(proposed)
        .map(|write| planned(inner, approval, write))
        .buffered(PREPARE_READS_AT_ONCE)
        .collect()
        .await;
    planned.drain(..).collect()
}

async fn planned(inner: &Arc<Inner>, approval: &Approval, write: Planned) -> Result<PlannedEffect, Trouble> {
    let intent = approval.intent.id;
    let (connection, operation) = able(inner, intent, &write).await?;
    let mut what = write.proposal;
    if what.subject.id.is_empty() {
        what.subject = RecordRef { kind: operation.kind.clone(), id: DEFAULT_PARENT.to_owned() };
    }
    let guarantee = operation.guarantee;
    let ended =
        inner.connectors.plan(&write.connection, connection.digest, what.clone(), inner.clock.now()).await;
    let plan = Trouble::of(ended, &write.connection)?;
    inner.plan_in_the_shadow(&connection, (intent, &what, &plan)).await;
    Ok(PlannedEffect {
        effect: effect_id(intent, approval.intent.revision, &write.binding, &what.subject),
        binding: write.binding,
        connection: write.connection,
        connector: connection.digest,
        target: connection.target(),
        guarantee,
        after: write.after,
        on_failure: write.on_failure,
        reversible: operation.reversible,
        undoes: None,
        re_asserts: None,
        what,
        plan,
    })
}

/// The connection and operation of a write, by the build that plans for this intent, if they are there and promise
/// enough.
async fn able(
    inner: &Inner,
    intent: IntentId,
    write: &Planned,
) -> Result<(Arc<Connection>, Operation), Trouble> {
    let name = &write.connection;
    let serving = inner.connectors.connection(name).ok_or_else(|| Trouble::missing(inner, name))?;
    let connection = inner.planner(serving, intent).await;
    let wanted = &write.proposal.operation;
    let operation = connection.operation(wanted).cloned().ok_or_else(|| {
        let known: Vec<&str> = connection.operations.iter().map(|known| known.name.as_str()).collect();
        let message = format!("connection `{name}` has no operation `{wanted}`; it has {}", known.join(", "));
        Trouble::hopeless("no-operation", message)
    })?;
    if !write.guarantees.contains(&operation.guarantee) {
        let message = format!(
            "operation `{wanted}` of connection `{name}` promises less than binding `{}` allows",
            write.binding
        );
        return Err(Trouble::hopeless("guarantee-too-weak", message));
    }
    Ok((connection, operation))
}
