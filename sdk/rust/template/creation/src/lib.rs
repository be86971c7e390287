//! The connector to Acme: it creates refunds of payments.

use countersign_sdk::Money;
use countersign_sdk::{
    Connector, Context, Descriptor, Effect, Failure, Field, Finding, Guarantee, Operation, Proposal, Receipt,
    RecordRef, Snapshot, Value, WritePlan, path,
};
use serde::Deserialize;

/// The connector to Acme.
#[derive(Debug, Default)]
pub struct Refunds;

countersign_sdk::export!(Refunds);

/// A payment, as Acme tells it.
#[derive(Deserialize)]
struct Payment {
    status: String,
}

/// A refund, as Acme tells it.
#[derive(Deserialize)]
struct Refund {
    id: String,
    amount: String,
    currency: String,
    reason: String,
    /// The effect that it was created by.
    reference: Option<String>,
}

impl Refund {
    fn snapshot(&self) -> Snapshot {
        Snapshot {
            subject: RecordRef::new("refund", &self.id),
            revision: None,
            url: None,
            fields: vec![
                Field::new("amount", Value::Money(Money::new(&self.amount, &self.currency))),
                Field::new("reason", Value::Text(self.reason.clone())),
            ],
        }
    }

    fn receipt(&self, effect: &Effect) -> Receipt {
        let now = self.snapshot();
        let held = |name: &str| Field::new(name, now.value(name).clone());
        let applied = effect.plan.changes.iter().map(|change| held(&change.name)).collect();
        Receipt::new(now.subject.clone(), applied)
    }
}

/// What is there already by this effect.
fn look(context: &Context<'_>, effect: &Effect) -> Result<Option<Refund>, Failure> {
    let place = path(["payments", &effect.plan.subject.id, "refunds"]);
    let answer = context.get("api", place).query("reference", &effect.effect_id).read()?.ok()?;
    let all: Vec<Refund> = answer.json()?;
    Ok(all.into_iter().find(|one| one.reference.as_deref() == Some(effect.effect_id.as_str())))
}

impl Connector for Refunds {
    fn describe(&self) -> Descriptor {
        const INPUT: &str = r#"{
            "type": "object",
            "required": [
                "amount",
                "reason"
            ],
            "properties": {
                "amount": {"title": "Amount"},
                "reason": {"title": "Why"}
            },
            "additionalProperties": false
        }"#;
        Descriptor::new("acme.refunds", env!("CARGO_PKG_VERSION"), "acme")
            .kinds(&["payment", "refund"])
            .operation(Operation::new("create-refund", "payment", Guarantee::ByProbe, INPUT))
    }

    fn check(&self, context: &Context<'_>) -> Result<(), Failure> {
        context.get("api", "/payments/").query("limit", 1).read()?.ok().map(|_| ())
    }

    fn fetch(&self, context: &Context<'_>, subject: &RecordRef) -> Result<Snapshot, Failure> {
        match subject.kind.as_str() {
            "payment" => {
                let answer = context.get("api", path(["payments", &subject.id])).read()?.ok()?;
                let now: Payment = answer.json()?;
                let fields = vec![Field::new("status", Value::Text(now.status))];
                Ok(Snapshot { subject: subject.clone(), revision: None, url: None, fields })
            }
            "refund" => {
                let answer = context.get("api", path(["refunds", &subject.id])).read()?.ok()?;
                let now: Refund = answer.json()?;
                Ok(now.snapshot())
            }
            other => Err(Failure::unknown_kind(other)),
        }
    }

    fn plan(&self, context: &Context<'_>, what: &Proposal, _now_ms: u64) -> Result<WritePlan, Failure> {
        what.money("amount")?;
        what.text("reason")?;
        // What is to take it must be there: better said now than after somebody has approved.
        self.fetch(context, &what.subject)?;
        Ok(WritePlan::creation(what))
    }

    fn apply(&self, context: &Context<'_>, effect: &Effect) -> Result<Receipt, Failure> {
        // Acme takes no idempotency key: what an earlier attempt has made would be made once more.
        if let Some(made) = look(context, effect)? {
            return Ok(made.receipt(effect));
        }
        let sealed = effect.sealed();
        let body = serde_json::json!({
            "amount": sealed.money("amount")?.amount,
            "currency": sealed.money("amount")?.currency,
            "reason": sealed.text("reason")?,
            "reference": effect.effect_id,
        });
        let place = path(["payments", &effect.plan.subject.id, "refunds"]);
        let answer = context.post("api", place).json(&body).step("refund")?;
        let made: Refund = answer.ok()?.json()?;
        Ok(made.receipt(effect))
    }

    fn probe(&self, context: &Context<'_>, effect: &Effect) -> Result<Finding, Failure> {
        let found = look(context, effect)?;
        Ok(found.map_or(Finding::Absent, |made| Finding::Landed(made.receipt(effect))))
    }
}
