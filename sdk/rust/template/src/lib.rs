//! The connector to Acme: it cancels orders.

use countersign_sdk::{
    Connector, Context, Descriptor, Effect, Failure, Field, Finding, Guarantee, Operation, Proposal, Receipt,
    RecordRef, Snapshot, Value, WritePlan, path,
};
use serde::Deserialize;

/// The connector to the shop.
#[derive(Debug, Default)]
pub struct Orders;

countersign_sdk::export!(Orders);

/// An order, as the shop tells it.
#[derive(Deserialize)]
struct Order {
    status: String,
    version: u64,
    /// Why it was cancelled, and by which effect.
    reason: Option<String>,
    reference: Option<String>,
}

fn order(context: &Context<'_>, id: &str) -> Result<Order, Failure> {
    context.get("api", path(["orders", id])).read()?.ok()?.json()
}

fn snapshot(id: &str, order: &Order) -> Snapshot {
    Snapshot {
        subject: RecordRef::new("order", id),
        revision: Some(order.version.to_string()),
        url: None,
        fields: vec![
            Field::new("status", Value::Text(order.status.clone())),
            Field::new("reason", Value::text_or_absent(order.reason.clone())),
        ],
    }
}

fn receipt(effect: &Effect, order: &Order) -> Receipt {
    let now = snapshot(&effect.plan.subject.id, order);
    let held = |name: &str| Field::new(name, now.value(name).clone());
    let applied = effect.plan.changes.iter().map(|change| held(&change.name)).collect();
    Receipt { revision: now.revision.clone(), ..Receipt::new(now.subject.clone(), applied) }
}

impl Connector for Orders {
    fn describe(&self) -> Descriptor {
        const INPUT: &str =
            r#"{"type": "object", "required": ["reason"], "properties": {"reason": {"title": "Why"}}}"#;
        Descriptor::new("acme.orders", env!("CARGO_PKG_VERSION"), "acme")
            .kinds(&["order"])
            .operation(Operation::new("cancel-order", "order", Guarantee::ByKey, INPUT))
    }

    fn check(&self, context: &Context<'_>) -> Result<(), Failure> {
        context.get("api", "/orders/").query("limit", 1).read()?.ok().map(|_| ())
    }

    fn fetch(&self, context: &Context<'_>, subject: &RecordRef) -> Result<Snapshot, Failure> {
        Ok(snapshot(&subject.id, &order(context, &subject.id)?))
    }

    fn plan(&self, context: &Context<'_>, what: &Proposal, _now_ms: u64) -> Result<WritePlan, Failure> {
        let now = self.fetch(context, &what.subject)?;
        let cancelled = Value::Text("cancelled".to_owned());
        let reason = Value::Text(what.text("reason")?.to_owned());
        Ok(WritePlan::update(&now, &[Field::new("status", cancelled), Field::new("reason", reason)]))
    }

    fn apply(&self, context: &Context<'_>, effect: &Effect) -> Result<Receipt, Failure> {
        let body = serde_json::json!({
            "reason": effect.sealed().text("reason")?,
            "reference": effect.effect_id,
            "if_version": effect.plan.revision,
        });
        let id = effect.plan.subject.id.as_str();
        let answer = context.post("api", path(["orders", id, "cancel"])).json(&body).step("cancel")?;
        Ok(receipt(effect, &answer.ok()?.json()?))
    }

    fn probe(&self, context: &Context<'_>, effect: &Effect) -> Result<Finding, Failure> {
        let order = order(context, &effect.plan.subject.id)?;
        if order.reference.as_deref() == Some(effect.effect_id.as_str()) {
            Ok(Finding::Landed(receipt(effect, &order)))
        } else {
            Ok(Finding::Absent)
        }
    }
}
