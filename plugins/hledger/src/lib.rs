//! The connector to an hledger journal, through the API of `hledger-web`.
//!
//! One operation: `post-entry` adds a transaction of two postings, the ledger account against a
//! clearing account. hledger knows no idempotency key, and a repeat would be a second entry. So
//! the effect id is the transaction's code (`2026-01-31 * (eff_1) refund`), `probe` looks for it,
//! and `apply` looks before it writes: the guarantee is `by-probe`.

mod date;
mod entry;
mod journal;
#[cfg(test)]
mod tests;

use countersign_sdk::{
    Connector, Context, Descriptor, Effect, Failure, Finding, Guarantee, Operation, Proposal, Receipt,
    RecordRef, Snapshot, WritePlan,
};
use entry::Entry;

/// The one operation.
const POST_ENTRY: &str = "post-entry";

/// The kind of record that takes entries, and the kind that an entry is.
const JOURNAL: &str = "journal";
const ENTRY: &str = "entry";

const POST_ENTRY_INPUT: &str = r#"{
  "type": "object",
  "required": ["amount", "ledger_code"],
  "properties": {
    "amount": {"title": "The amount that the ledger account bears"},
    "ledger_code": {"title": "Ledger account"},
    "invoice_id": {"title": "The invoice"},
    "payment_id": {"title": "The payment"},
    "reason": {"title": "Reason code"},
    "intent_id": {"title": "The intent that was approved"}
  },
  "additionalProperties": false
}"#;

/// The connector to an hledger journal.
#[derive(Debug, Default)]
pub struct Hledger;

countersign_sdk::export!(Hledger);

impl Connector for Hledger {
    fn describe(&self) -> Descriptor {
        Descriptor::new("countersign.hledger", env!("CARGO_PKG_VERSION"), "hledger")
            .kinds(&[JOURNAL, ENTRY])
            .operation(Operation::new(POST_ENTRY, JOURNAL, Guarantee::ByProbe, POST_ENTRY_INPUT))
    }

    fn check(&self, context: &Context<'_>) -> Result<(), Failure> {
        journal::transactions(context).map(|_| ())
    }

    fn fetch(&self, context: &Context<'_>, subject: &RecordRef) -> Result<Snapshot, Failure> {
        match subject.kind.as_str() {
            JOURNAL => journal::summary(context, subject),
            ENTRY => match journal::find(context, &subject.id)? {
                Some(entry) => Ok(entry.snapshot()),
                None => Err(Failure::not_found(subject)),
            },
            other => Err(Failure::unknown_kind(other)),
        }
    }

    fn plan(&self, context: &Context<'_>, what: &Proposal, now_ms: u64) -> Result<WritePlan, Failure> {
        known(what)?;
        let clearing = context.required_setting("clearing-account")?;
        Entry::plan(what, date::of(now_ms), clearing)
    }

    fn apply(&self, context: &Context<'_>, effect: &Effect) -> Result<Receipt, Failure> {
        known(&effect.what)?;
        if let Some(entry) = journal::find(context, &effect.effect_id)? {
            return Ok(entry.receipt(&effect.plan));
        }
        let entry = Entry::sealed(&effect.effect_id, &effect.sealed())?;
        Ok(journal::add(context, &entry)?.receipt(&effect.plan))
    }

    fn probe(&self, context: &Context<'_>, effect: &Effect) -> Result<Finding, Failure> {
        known(&effect.what)?;
        Ok(match journal::find(context, &effect.effect_id)? {
            Some(entry) => Finding::Landed(entry.receipt(&effect.plan)),
            None => Finding::Absent,
        })
    }
}

/// Refuses what is none of our operations, or about something else than a journal.
fn known(what: &Proposal) -> Result<(), Failure> {
    if what.operation != POST_ENTRY {
        return Err(Failure::unknown_operation(&what.operation));
    }
    if what.subject.kind != JOURNAL {
        return Err(Failure::unknown_kind(&what.subject.kind));
    }
    Ok(())
}
