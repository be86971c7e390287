//! Reads opportunities and accounts in Salesforce, prices approved opportunities, and leaves approval records, through
//! Salesforce's REST API.

mod account;
mod api;
mod approval;
mod changes;
mod exact;
mod moment;
mod opportunity;

use countersign_sdk::{
    Compensator, Connector, Context, Descriptor, Effect, Failure, Finding, Guarantee, Operation, Page,
    Proposal, Receipt, RecordRef, Snapshot, WritePlan,
};

/// What `set-price` takes.
const SET_PRICE_INPUT: &str = r#"{
  "type": "object",
  "required": ["net_amount"],
  "properties": {
    "net_amount": {"title": "What the opportunity comes to without tax"},
    "discount_percent": {"title": "Percent off the list price of the whole opportunity"}
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
pub struct Salesforce;

impl Connector for Salesforce {
    fn describe(&self) -> Descriptor {
        let price = Operation::new("set-price", "opportunity", Guarantee::ByProbe, SET_PRICE_INPUT);
        let approval =
            Operation::new("record-approval", "opportunity", Guarantee::ByNaturalKey, RECORD_APPROVAL_INPUT);
        Descriptor::new("countersign.salesforce", env!("CARGO_PKG_VERSION"), "salesforce")
            .kinds(&["opportunity", "account", "approval"])
            .tells_changes_of(&["opportunity", "account", "approval"])
            .operation(price.reversible())
            .operation(approval)
    }

    fn check(&self, context: &Context<'_>) -> Result<(), Failure> {
        opportunity::check(context)?;
        account::check(context)?;
        approval::check(context)
    }

    fn fetch(&self, context: &Context<'_>, subject: &RecordRef) -> Result<Snapshot, Failure> {
        match subject.kind.as_str() {
            "opportunity" => opportunity::fetch(context, subject),
            "account" => account::fetch(context, subject),
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
        let object = match kind {
            "opportunity" => opportunity::OBJECT.to_owned(),
            "account" => account::OBJECT.to_owned(),
            "approval" => match approval::object(context)? {
                Some(object) => object,
                None => return Ok(Page::default()),
            },
            other => return Err(Failure::unknown_kind(other)),
        };
        changes::page(context, (kind, &object), cursor, limit)
    }

    fn plan(&self, context: &Context<'_>, what: &Proposal, _now_ms: u64) -> Result<WritePlan, Failure> {
        match Task::of(what)? {
            Task::SetPrice => opportunity::plan(context, what),
            Task::RecordApproval => approval::plan(context, what),
        }
    }

    fn apply(&self, context: &Context<'_>, effect: &Effect) -> Result<Receipt, Failure> {
        match Task::of(&effect.what)? {
            Task::SetPrice => opportunity::apply(context, effect),
            Task::RecordApproval => approval::apply(context, effect),
        }
    }

    fn probe(&self, context: &Context<'_>, effect: &Effect) -> Result<Finding, Failure> {
        match Task::of(&effect.what)? {
            Task::SetPrice => opportunity::probe(context, effect),
            Task::RecordApproval => approval::probe(context, effect),
        }
    }
}

impl Compensator for Salesforce {
    fn undo(&self, context: &Context<'_>, effect: &Effect, _landed: &Receipt) -> Result<Receipt, Failure> {
        match Task::of(&effect.what)? {
            Task::SetPrice => opportunity::undo(context, effect),
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
            Task::SetPrice => opportunity::probe(context, effect),
            Task::RecordApproval => Err(Failure::unknown_operation(&effect.what.operation)),
        }
    }
}

countersign_sdk::export!(Salesforce, compensator);

/// The operations, each checked for its kind of record.
enum Task {
    SetPrice,
    RecordApproval,
}

impl Task {
    fn of(what: &Proposal) -> Result<Task, Failure> {
        let task = match what.operation.as_str() {
            "set-price" => Task::SetPrice,
            "record-approval" => Task::RecordApproval,
            other => return Err(Failure::unknown_operation(other)),
        };
        match what.subject.kind.as_str() {
            "opportunity" => Ok(task),
            other => Err(Failure::unknown_kind(other)),
        }
    }
}

#[cfg(test)]
mod tests;
