//! The connector to Acme: it prices quotes.

use countersign_sdk::Money;
use countersign_sdk::{
    Connector, Context, Descriptor, Effect, Failure, Field, Finding, Guarantee, Operation, Proposal, Receipt,
    RecordRef, Snapshot, Value, WritePlan, path,
};
use serde::Deserialize;

/// The connector to Acme.
#[derive(Debug, Default)]
pub struct Quotes;

countersign_sdk::export!(Quotes);

/// A quote, as Acme tells it.
#[derive(Deserialize)]
struct Quote {
    status: String,
    version: u64,
    net_amount: String,
    currency: String,
    reason: Option<String>,
    /// The effect that it was priced by.
    reference: Option<String>,
}

fn read(context: &Context<'_>, id: &str) -> Result<Quote, Failure> {
    context.get("api", path(["quotes", id])).read()?.ok()?.json()
}

fn snapshot(id: &str, now: &Quote) -> Snapshot {
    Snapshot {
        subject: RecordRef::new("quote", id),
        revision: Some(now.version.to_string()),
        url: None,
        fields: vec![
            Field::new("status", Value::Text(now.status.clone())),
            Field::new("net_amount", Value::Money(Money::new(&now.net_amount, &now.currency))),
            Field::new("reason", Value::text_or_absent(now.reason.clone())),
        ],
    }
}

fn receipt(effect: &Effect, now: &Quote) -> Receipt {
    let now = snapshot(&effect.plan.subject.id, now);
    let held = |name: &str| Field::new(name, now.value(name).clone());
    let applied = effect.plan.changes.iter().map(|change| held(&change.name)).collect();
    Receipt { revision: now.revision.clone(), ..Receipt::new(now.subject.clone(), applied) }
}

impl Connector for Quotes {
    fn describe(&self) -> Descriptor {
        const INPUT: &str = r#"{
            "type": "object",
            "required": [
                "net_amount",
                "reason"
            ],
            "properties": {
                "net_amount": {"title": "Net amount"},
                "reason": {"title": "Why"}
            }
        }"#;
        Descriptor::new("acme.quotes", env!("CARGO_PKG_VERSION"), "acme")
            .kinds(&["quote"])
            .operation(Operation::new("set-price", "quote", Guarantee::ByKey, INPUT))
    }

    fn check(&self, context: &Context<'_>) -> Result<(), Failure> {
        context.get("api", "/quotes/").query("limit", 1).read()?.ok().map(|_| ())
    }

    fn fetch(&self, context: &Context<'_>, subject: &RecordRef) -> Result<Snapshot, Failure> {
        Ok(snapshot(&subject.id, &read(context, &subject.id)?))
    }

    fn plan(&self, context: &Context<'_>, what: &Proposal, _now_ms: u64) -> Result<WritePlan, Failure> {
        let now = self.fetch(context, &what.subject)?;
        let wanted = [
            Field::new("status", Value::Text("priced".to_owned())),
            Field::new("net_amount", Value::Money(what.money("net_amount")?.clone())),
            Field::new("reason", Value::Text(what.text("reason")?.to_owned())),
        ];
        Ok(WritePlan::update(&now, &wanted))
    }

    fn apply(&self, context: &Context<'_>, effect: &Effect) -> Result<Receipt, Failure> {
        let sealed = effect.sealed();
        let body = serde_json::json!({
            "net_amount": sealed.money("net_amount")?.amount,
            "currency": sealed.money("net_amount")?.currency,
            "reason": sealed.text("reason")?,
            "reference": effect.effect_id,
            "if_version": effect.plan.revision,
        });
        let id = effect.plan.subject.id.as_str();
        let answer = context.post("api", path(["quotes", id, "price"])).json(&body).step("price")?;
        Ok(receipt(effect, &answer.ok()?.json()?))
    }

    fn probe(&self, context: &Context<'_>, effect: &Effect) -> Result<Finding, Failure> {
        let now = read(context, &effect.plan.subject.id)?;
        if now.reference.as_deref() == Some(effect.effect_id.as_str()) {
            Ok(Finding::Landed(receipt(effect, &now)))
        } else {
            Ok(Finding::Absent)
        }
    }
}
