//! The connector to Stripe billing.
//!
//! | operation | subject | writes |
//! |---|---|---|
//! | `set-price` | customer | a new price, and the customer's one active subscription onto it |
//! | `create-refund` | payment | a refund |
//! | `create-credit-note` | invoice | a credit note |
//!
//! Each of them leaves the effect id in the metadata of what it creates, so that `probe` finds it;
//! Stripe's idempotency key, which the host sets, makes a repeat harmless within a day.

mod amount;
mod api;
mod credit_note;
mod operations;
mod price;
mod records;
mod refund;
mod shapes;
mod told;

#[cfg(test)]
mod tests;

use countersign_sdk::{
    Connector, Context, Delivery, Descriptor, Effect, Failure, Finding, Proposal, Receipt, RecordRef,
    Snapshot, Webhooks, WritePlan,
};
use operations::Kind;

/// The connector to Stripe billing.
#[derive(Debug, Default)]
pub struct Stripe;

countersign_sdk::export!(Stripe, webhooks);

impl Connector for Stripe {
    fn describe(&self) -> Descriptor {
        operations::describe()
    }

    fn check(&self, context: &Context<'_>) -> Result<(), Failure> {
        let answer = api::get(context, &["customers"]).query("limit", 1).read()?;
        api::settled(answer).map(|_| ())
    }

    fn fetch(&self, context: &Context<'_>, subject: &RecordRef) -> Result<Snapshot, Failure> {
        match Kind::named(&subject.kind)? {
            Kind::Customer => price::fetch_customer(context, &subject.id),
            Kind::Subscription => records::fetch_subscription(context, &subject.id),
            Kind::Payment => records::fetch_payment(context, &subject.id),
            Kind::Invoice => records::fetch_invoice(context, &subject.id),
            Kind::Refund => refund::fetch(context, &subject.id),
            Kind::CreditNote => credit_note::fetch(context, &subject.id),
        }
    }

    fn plan(&self, context: &Context<'_>, what: &Proposal, _now_ms: u64) -> Result<WritePlan, Failure> {
        match operations::of(what)? {
            operations::Name::SetPrice => price::plan(context, what),
            operations::Name::CreateRefund => refund::plan(context, what),
            operations::Name::CreateCreditNote => credit_note::plan(context, what),
        }
    }

    fn apply(&self, context: &Context<'_>, effect: &Effect) -> Result<Receipt, Failure> {
        match operations::of(&effect.what)? {
            operations::Name::SetPrice => price::apply(context, effect),
            operations::Name::CreateRefund => refund::apply(context, effect),
            operations::Name::CreateCreditNote => credit_note::apply(context, effect),
        }
    }

    fn probe(&self, context: &Context<'_>, effect: &Effect) -> Result<Finding, Failure> {
        match operations::of(&effect.what)? {
            operations::Name::SetPrice => price::probe(context, effect),
            operations::Name::CreateRefund => refund::probe(context, effect),
            operations::Name::CreateCreditNote => credit_note::probe(context, effect),
        }
    }
}

impl Webhooks for Stripe {
    fn interpret(&self, _: &Context<'_>, delivery: &Delivery) -> Result<Vec<RecordRef>, Failure> {
        told::records(delivery)
    }
}
