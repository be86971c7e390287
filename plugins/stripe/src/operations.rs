//! What the connector knows and can do, as the host and the policy owner see it.

use countersign_sdk::{Descriptor, Failure, Guarantee, Operation, Proposal};

const SET_PRICE: &str = r#"{
  "type": "object",
  "required": ["net_amount"],
  "properties": {
    "net_amount": {"title": "Net amount of one billing period"},
    "term_months": {"title": "Length of the commitment in months"},
    "payment_days": {"title": "Days until payment is due"}
  },
  "additionalProperties": false
}"#;

const CREATE_REFUND: &str = r#"{
  "type": "object",
  "required": ["amount", "reason"],
  "properties": {
    "amount": {"title": "How much is given back"},
    "reason": {"title": "Reason code", "enum": ["duplicate", "defect", "goodwill", "cancellation", "error"]},
    "invoice_id": {"title": "The invoice that the payment settled"}
  },
  "additionalProperties": false
}"#;

const CREATE_CREDIT_NOTE: &str = r#"{
  "type": "object",
  "required": ["amount", "reason"],
  "properties": {
    "amount": {"title": "How much is credited"},
    "reason": {"title": "Reason code", "enum": ["duplicate", "defect", "goodwill", "cancellation", "error"]}
  },
  "additionalProperties": false
}"#;

/// The kinds of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Customer,
    Subscription,
    Payment,
    Invoice,
    Refund,
    CreditNote,
}

impl Kind {
    const ALL: [Kind; 6] =
        [Kind::Customer, Kind::Subscription, Kind::Payment, Kind::Invoice, Kind::Refund, Kind::CreditNote];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Customer => "customer",
            Kind::Subscription => "subscription",
            Kind::Payment => "payment",
            Kind::Invoice => "invoice",
            Kind::Refund => "refund",
            Kind::CreditNote => "credit-note",
        }
    }

    pub(crate) fn named(name: &str) -> Result<Kind, Failure> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| Failure::unknown_kind(name))
    }
}

/// The operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    SetPrice,
    CreateRefund,
    CreateCreditNote,
}

impl Name {
    const ALL: [Name; 3] = [Name::SetPrice, Name::CreateRefund, Name::CreateCreditNote];

    fn parts(self) -> (&'static str, Kind, &'static str) {
        match self {
            Name::SetPrice => ("set-price", Kind::Customer, SET_PRICE),
            Name::CreateRefund => ("create-refund", Kind::Payment, CREATE_REFUND),
            Name::CreateCreditNote => ("create-credit-note", Kind::Invoice, CREATE_CREDIT_NOTE),
        }
    }
}

/// The operation that a proposal names, about the kind of record that it is for.
pub(crate) fn of(what: &Proposal) -> Result<Name, Failure> {
    let name = Name::ALL
        .into_iter()
        .find(|name| name.parts().0 == what.operation)
        .ok_or_else(|| Failure::unknown_operation(&what.operation))?;
    if name.parts().1.name() == what.subject.kind {
        Ok(name)
    } else {
        Err(Failure::unknown_kind(&what.subject.kind))
    }
}

/// The self-description.
pub(crate) fn describe() -> Descriptor {
    let kinds = Kind::ALL.map(Kind::name);
    let descriptor = Descriptor::new("countersign.stripe", env!("CARGO_PKG_VERSION"), "stripe").kinds(&kinds);
    Name::ALL.into_iter().fold(descriptor, |descriptor, name| {
        let (operation, kind, schema) = name.parts();
        descriptor.operation(Operation::new(operation, kind.name(), Guarantee::ByKey, schema))
    })
}
