//! The connector to Xero's books.
//!
//! | operation | subject | writes |
//! |---|---|---|
//! | `post-entry` | organisation | a manual journal of two lines |
//! | `create-credit-note` | invoice | a credit note for part or all of it |
//!
//! Xero honours an idempotency key for six minutes only, and a repeat after that would be a second record. So the id of
//! the effect stands behind the narration of a journal and the reference of a credit note, `probe` looks for it, and
//! `apply` looks before it writes: `by-probe`.
//! Source: https://developer.xero.com/documentation/guides/idempotent-requests/idempotency

mod amount;
mod api;
mod credit_note;
mod date;
mod input;
mod invoice;
mod journal;
mod kept;
mod organisation;

#[cfg(test)]
mod tests;

use countersign_sdk::{
    Connector, Context, Descriptor, Effect, Failure, Finding, Guarantee, Operation, Proposal, Receipt,
    RecordRef, Snapshot, WritePlan,
};
use credit_note::CreditNote;
use journal::ManualJournal;

/// The operations.
const POST_ENTRY: &str = "post-entry";
const CREATE_CREDIT_NOTE: &str = "create-credit-note";

/// The kinds of record.
const ORGANISATION: &str = "organisation";
const MANUAL_JOURNAL: &str = "manual-journal";
const INVOICE: &str = "invoice";
const CREDIT_NOTE: &str = "credit-note";

const POST_ENTRY_INPUT: &str = r#"{
  "type": "object",
  "required": ["amount", "debit_account", "credit_account", "narration"],
  "properties": {
    "amount": {"title": "Amount, in the currency of the books"},
    "debit_account": {"title": "Code of the account that is debited"},
    "credit_account": {"title": "Code of the account that is credited"},
    "narration": {"title": "What the entry is for"}
  },
  "additionalProperties": false
}"#;

const CREATE_CREDIT_NOTE_INPUT: &str = r#"{
  "type": "object",
  "required": ["amount", "reason"],
  "properties": {
    "amount": {"title": "How much is credited, tax included"},
    "reason": {"title": "What stands on the credit note"},
    "account": {"title": "Code of the account; that of the invoice's lines if left out"},
    "tax_type": {"title": "Xero's kind of tax; that of the invoice's lines if left out"}
  },
  "additionalProperties": false
}"#;

/// The connector to Xero's books.
#[derive(Debug, Default)]
pub struct Xero;

countersign_sdk::export!(Xero);

impl Connector for Xero {
    fn describe(&self) -> Descriptor {
        let by_probe = |name, kind, input| Operation::new(name, kind, Guarantee::ByProbe, input);
        Descriptor::new("countersign.xero", env!("CARGO_PKG_VERSION"), "xero")
            .kinds(&[ORGANISATION, MANUAL_JOURNAL, INVOICE, CREDIT_NOTE])
            .operation(by_probe(POST_ENTRY, ORGANISATION, POST_ENTRY_INPUT))
            .operation(by_probe(CREATE_CREDIT_NOTE, INVOICE, CREATE_CREDIT_NOTE_INPUT))
    }

    fn check(&self, context: &Context<'_>) -> Result<(), Failure> {
        organisation::read(context).map(|_| ())
    }

    fn fetch(&self, context: &Context<'_>, subject: &RecordRef) -> Result<Snapshot, Failure> {
        match subject.kind.as_str() {
            ORGANISATION => organisation::fetch(context, subject),
            MANUAL_JOURNAL => journal::fetch(context, subject),
            INVOICE => invoice::fetch(context, subject),
            CREDIT_NOTE => credit_note::fetch(context, subject),
            other => Err(Failure::unknown_kind(other)),
        }
    }

    fn plan(&self, context: &Context<'_>, what: &Proposal, now_ms: u64) -> Result<WritePlan, Failure> {
        match made_by(what)? {
            Made::Journal => journal::plan(context, what, now_ms),
            Made::CreditNote => credit_note::plan(context, what, now_ms),
        }
    }

    fn apply(&self, context: &Context<'_>, effect: &Effect) -> Result<Receipt, Failure> {
        match made_by(&effect.what)? {
            Made::Journal => journal::apply(context, effect),
            Made::CreditNote => credit_note::apply(context, effect),
        }
    }

    fn probe(&self, context: &Context<'_>, effect: &Effect) -> Result<Finding, Failure> {
        match made_by(&effect.what)? {
            Made::Journal => kept::probe::<ManualJournal>(context, effect),
            Made::CreditNote => kept::probe::<CreditNote>(context, effect),
        }
    }
}

/// What an operation makes.
enum Made {
    Journal,
    CreditNote,
}

/// Refuses what is none of our operations, or about another kind of record.
fn made_by(what: &Proposal) -> Result<Made, Failure> {
    let (made, kind) = match what.operation.as_str() {
        POST_ENTRY => (Made::Journal, ORGANISATION),
        CREATE_CREDIT_NOTE => (Made::CreditNote, INVOICE),
        other => return Err(Failure::unknown_operation(other)),
    };
    if what.subject.kind == kind { Ok(made) } else { Err(Failure::unknown_kind(&what.subject.kind)) }
}
