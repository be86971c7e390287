//! Reads and writes customers and quotes in Tryton, through its REST interface.
//!
//! Tryton honours no idempotency key, so everything is found by a look: a price by the prices
//! that the quote holds, an approval record by the effect's id at the beginning of its note.

mod account;
mod approval;
mod changes;
mod decimal;
mod quote;
mod rest;

use countersign_sdk::{
    Compensator, Connector, Context, Descriptor, Effect, Failure, Finding, Guarantee, Operation, Page,
    Proposal, Receipt, RecordRef, Snapshot, WritePlan,
};

/// What `set-price` takes.
const SET_PRICE_INPUT: &str = r#"{
  "type": "object",
  "required": ["discount_percent", "net_amount"],
  "properties": {
    "discount_percent": {"title": "Percent off the list price of the whole quote"},
    "net_amount": {"title": "What the quote comes to without tax"}
  },
  "additionalProperties": false
}"#;

/// What `record-approval` takes.
const RECORD_APPROVAL_INPUT: &str = r#"{
  "type": "object",
  "required": ["intent_id"],
  "properties": {
    "intent_id": {"title": "The intent that was decided"},
    "decision": {"title": "What was decided"},
    "approvers": {"title": "Who decided"},
    "policy_version": {"title": "The policy that it was decided under"},
    "seal": {"title": "What binds decision, payload, policy and plan"}
  },
  "additionalProperties": false
}"#;

/// The connector.
#[derive(Debug, Default)]
pub struct Tryton;

impl Connector for Tryton {
    fn describe(&self) -> Descriptor {
        Descriptor::new("countersign.tryton", env!("CARGO_PKG_VERSION"), "tryton")
            .kinds(&["quote", "account", "opportunity", "approval"])
            .tells_changes_of(&["quote"])
            .operation(Operation::new("set-price", "quote", Guarantee::ByProbe, SET_PRICE_INPUT).reversible())
            .operation(Operation::new("record-approval", "quote", Guarantee::ByProbe, RECORD_APPROVAL_INPUT))
    }

    fn check(&self, context: &Context<'_>) -> Result<(), Failure> {
        let some = |model, field| -> Result<Vec<serde_json::Value>, Failure> {
            rest::search(context, model, &serde_json::json!([]), &[field], 1)
        };
        some(account::ACCOUNT_MODEL, "name")?;
        // Tryton breaks on a field that it does not know; that it works was seen just now.
        some(quote::MODEL, "lines.base_price").map_err(|failure| match failure.detail().vendor_status {
            Some(500) => Failure::rejected(
                "missing-module",
                "quotes cannot be read with list prices; activate the modules `sale` and `sale_discount`",
            ),
            _ => failure,
        })?;
        some(approval::MODEL, "message").map(|_| ())
    }

    fn fetch(&self, context: &Context<'_>, subject: &RecordRef) -> Result<Snapshot, Failure> {
        match subject.kind.as_str() {
            "quote" => quote::fetch(context, subject),
            "account" => account::fetch_account(context, subject),
            "opportunity" => account::fetch_opportunity(context, subject),
            "approval" => approval::fetch(context, subject),
            other => Err(Failure::unknown_kind(other)),
        }
    }

    fn changes(
        &self,
        context: &Context<'_>,
        kind: &str,
        cursor: Option<&str>,
        limit: u32,
        _now_ms: u64,
    ) -> Result<Page, Failure> {
        match kind {
            "quote" => changes::quotes(context, cursor, limit),
            other => Err(Failure::unknown_kind(other)),
        }
    }

    fn plan(&self, context: &Context<'_>, what: &Proposal, _now_ms: u64) -> Result<WritePlan, Failure> {
        match Task::of(what)? {
            Task::SetPrice => quote::plan(context, what),
            Task::RecordApproval => approval::plan(context, what),
        }
    }

    fn apply(&self, context: &Context<'_>, effect: &Effect) -> Result<Receipt, Failure> {
        match Task::of(&effect.what)? {
            Task::SetPrice => quote::apply(context, effect),
            Task::RecordApproval => approval::apply(context, effect),
        }
    }

    fn probe(&self, context: &Context<'_>, effect: &Effect) -> Result<Finding, Failure> {
        match Task::of(&effect.what)? {
            Task::SetPrice => quote::probe(context, effect),
            Task::RecordApproval => approval::probe(context, effect),
        }
    }
}

impl Compensator for Tryton {
    fn undo(&self, context: &Context<'_>, effect: &Effect, _landed: &Receipt) -> Result<Receipt, Failure> {
        match Task::of(&effect.what)? {
            Task::SetPrice => quote::undo(context, effect),
            Task::RecordApproval => Err(Failure::unknown_operation(&effect.what.operation)),
        }
    }

    fn probe_undo(
        &self,
        context: &Context<'_>,
        effect: &Effect,
        _landed: &Receipt,
    ) -> Result<Finding, Failure> {
        match Task::of(&effect.what)? {
            Task::SetPrice => quote::probe(context, effect),
            Task::RecordApproval => Err(Failure::unknown_operation(&effect.what.operation)),
        }
    }
}

countersign_sdk::export!(Tryton, compensator);

/// The operations, each checked for its kind of record. An approval record may stand on more
/// kinds than a descriptor can name for one operation.
enum Task {
    SetPrice,
    RecordApproval,
}

impl Task {
    fn of(what: &Proposal) -> Result<Task, Failure> {
        match what.operation.as_str() {
            "set-price" if what.subject.kind == "quote" => Ok(Task::SetPrice),
            "set-price" => Err(Failure::unknown_kind(&what.subject.kind)),
            "record-approval" => approval::model_of(&what.subject.kind).map(|_| Task::RecordApproval),
            other => Err(Failure::unknown_operation(other)),
        }
    }
}

#[cfg(test)]
mod tests;
