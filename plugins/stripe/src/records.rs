//! Reading subscriptions, payments and invoices.

use crate::amount::{date, money};
use crate::api;
use crate::operations::Kind;
use crate::price::Offer;
use crate::shapes::{Charge, Invoice, PaymentIntent, Subscription, dashboard};
use countersign_sdk::{Context, Failure, Field, RecordRef, Snapshot, Value};

pub(crate) fn fetch_subscription(context: &Context<'_>, id: &str) -> Result<Snapshot, Failure> {
    let subscription: Subscription = api::record(context, &["subscriptions", id])?;
    let mut fields = vec![
        Field::new("customer", reference(Kind::Customer, subscription.customer.id())),
        Field::new("status", Value::Text(subscription.status.clone())),
    ];
    let url = dashboard(subscription.livemode, "subscriptions", id);
    fields.extend(Offer::of(subscription)?.fields());
    Ok(Snapshot { subject: subject(Kind::Subscription, id), revision: None, url, fields })
}

pub(crate) fn fetch_invoice(context: &Context<'_>, id: &str) -> Result<Snapshot, Failure> {
    let invoice: Invoice = api::record(context, &["invoices", id])?;
    let currency = &invoice.currency;
    let fields = vec![
        Field::new("total", money(invoice.total, currency)),
        Field::new("amount_due", money(invoice.amount_due, currency)),
        Field::new("amount_paid", money(invoice.amount_paid, currency)),
        Field::new("amount_remaining", money(invoice.amount_remaining, currency)),
        Field::new("customer", optional_reference(Kind::Customer, invoice.customer.as_ref().map(|l| l.id()))),
        Field::new("status", Value::text_or_absent(invoice.status)),
    ];
    let url = dashboard(invoice.livemode, "invoices", id);
    Ok(Snapshot { subject: subject(Kind::Invoice, id), revision: None, url, fields })
}

/// A payment is a charge (`ch_..`, `py_..`), or a payment intent (`pi_..`) with its latest charge.
pub(crate) fn charge(context: &Context<'_>, id: &str) -> Result<Charge, Failure> {
    if !is_intent(id) {
        return api::record(context, &["charges", id]);
    }
    let intent: PaymentIntent = api::record(context, &["payment_intents", id])?;
    match intent.latest_charge {
        Some(charge) => api::record(context, &["charges", charge.id()]),
        None => Err(Failure::rejected("not-charged", format!("the payment `{id}` was never charged"))),
    }
}

/// Whether the id is a payment intent's.
pub(crate) fn is_intent(id: &str) -> bool {
    id.starts_with("pi_")
}

pub(crate) fn fetch_payment(context: &Context<'_>, id: &str) -> Result<Snapshot, Failure> {
    let charge = charge(context, id)?;
    let fields = vec![
        Field::new("amount", money(charge.amount, &charge.currency)),
        Field::new("refunded", money(charge.amount_refunded, &charge.currency)),
        Field::new("currency", Value::Text(charge.currency.to_ascii_uppercase())),
        Field::new("charged_on", date(charge.created)),
        Field::new("chargeback_open", Value::Flag(charge.disputed)),
        Field::new("customer", optional_reference(Kind::Customer, charge.customer.as_ref().map(|l| l.id()))),
        Field::new("invoice", optional_reference(Kind::Invoice, charge.invoice.as_ref().map(|l| l.id()))),
        Field::new("status", Value::Text(charge.status)),
    ];
    let url = dashboard(charge.livemode, "payments", &charge.id);
    Ok(Snapshot { subject: subject(Kind::Payment, id), revision: None, url, fields })
}

pub(crate) fn subject(kind: Kind, id: &str) -> RecordRef {
    RecordRef::new(kind.name(), id)
}

pub(crate) fn reference(kind: Kind, id: &str) -> Value {
    Value::Reference(subject(kind, id))
}

pub(crate) fn optional_reference(kind: Kind, id: Option<&str>) -> Value {
    id.map_or(Value::Absent, |id| reference(kind, id))
}
