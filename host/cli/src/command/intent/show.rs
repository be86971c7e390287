//! One intent as a page of text: what was asked first, what you may do last.

use crate::output::{self, Table, plain};
use anyhow::Result;
use countersign_server::api::view::{ExceptionView, IntentView};
use serde_json::Value;

/// Prints it.
pub(super) fn intent(intent: &IntentView) -> Result<()> {
    let mut head = Table::new(&["intent", &intent.id]);
    head.row(["type", &intent.intent_type]);
    head.row(["state", &state(intent)]);
    head.row(["revision", &intent.revision.to_string()]);
    head.row(["requester", &intent.requester]);
    head.row(["submitted", &intent.submitted]);
    for (name, value) in &intent.tokens {
        head.row([&format!("  {name}"), &text(value)]);
    }
    for (name, fact) in &intent.facts {
        head.row([&format!("  {name}"), &format!("{} (found out)", fact.text)]);
    }
    head.print()?;
    if let Some(evaluation) = &intent.evaluation {
        heading(&format!("policy says {}", evaluation.outcome))?;
        for line in evaluation.text.lines() {
            output::line(&format!("  {}", plain(line)))?;
        }
        for near in &evaluation.near {
            output::line(&format!("  it would be {}", plain(&near.words)))?;
        }
    }
    seats(intent)?;
    plan(intent)?;
    effects(intent)?;
    for exception in &intent.exceptions {
        self::exception(exception)?;
    }
    if !intent.can.is_empty() {
        output::line(&format!("\nyou can {}", plain(&intent.can.join(", "))))?;
    }
    Ok(())
}

fn state(intent: &IntentView) -> String {
    let Some(outcome) = &intent.outcome else { return intent.state.clone() };
    let reason = outcome.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{} ({} by {}{reason})", intent.state, outcome.decision, outcome.by.join(", "))
}

fn seats(intent: &IntentView) -> Result<()> {
    if intent.seats.is_empty() {
        return Ok(());
    }
    let words = intent.progress.as_ref().map(|progress| progress.words.as_str()).unwrap_or_default();
    heading(&format!("seats: {words}"))?;
    let mut table = Table::new(&["  route", "step", "state", "whom", "approved", "owner", "due"]);
    for seat in &intent.seats {
        let (owner, due) =
            (seat.owner.as_deref().unwrap_or_default(), seat.due.as_deref().unwrap_or_default());
        let (step, approved) = (seat.step.to_string(), seat.approved.join(", "));
        table.row([&format!("  {}", seat.route), &*step, &seat.state, &seat.whom, &approved, owner, due]);
    }
    table.print()
}

fn plan(intent: &IntentView) -> Result<()> {
    let Some(plan) = &intent.plan else { return Ok(()) };
    heading(&format!("write plan, seal {} until {}", plan.seal, plan.expires))?;
    let mut table =
        Table::new(&["  binding", "connection", "operation", "subject", "field", "before", "after"]);
    for write in &plan.writes {
        for change in &write.changes {
            table.row([
                &format!("  {}", write.binding),
                &write.connection,
                &write.operation,
                &write.subject,
                &change.field,
                &change.before.text,
                &change.after.text,
            ]);
        }
    }
    table.print()
}

fn effects(intent: &IntentView) -> Result<()> {
    if intent.effects.is_empty() {
        return Ok(());
    }
    heading("effects")?;
    let mut table = Table::new(&["  binding", "connection", "state", "attempts", "proof or cause"]);
    for effect in &intent.effects {
        let receipt = effect.receipt.as_ref().map(|receipt| receipt.subject.clone());
        let held = effect.detail.as_ref().map(|detail| detail.message.clone());
        let proof = receipt.or(held).unwrap_or_default();
        let (binding, attempts) = (format!("  {}", effect.binding), effect.attempts.to_string());
        table.row([&binding, &effect.connection, &effect.state, &attempts, &proof]);
    }
    table.print()
}

fn exception(exception: &ExceptionView) -> Result<()> {
    heading(&format!("exception {} ({})", exception.id, exception.state))?;
    output::line(&plain(&format!("  {}: {}", exception.cause, exception.detail.message)))?;
    output::line(&plain(&format!("  {} answers for it until {}", exception.owner, exception.due)))?;
    if let Some(closed) = &exception.closed {
        output::line(&plain(&format!("  closed by {} at {}: {}", closed.by, closed.at, closed.reason)))?;
    }
    Ok(())
}

fn heading(text: &str) -> Result<()> {
    output::line(&format!("\n{}", plain(text)))
}

/// A token as it was asked for: texts bare, everything else as JSON.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}
