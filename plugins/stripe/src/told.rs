//! What Stripe tells by itself: events (<https://docs.stripe.com/api/events/object>), each with the object that it is
//! about. Only which record that is counts; the host reads it.

use crate::operations::Kind;
use countersign_sdk::{Delivery, Failure, RecordRef};
use serde::Deserialize;

#[derive(Deserialize)]
struct Event {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Object,
}

/// The object of an event, with what it belongs to.
#[derive(Deserialize)]
struct Object {
    object: String,
    id: Option<String>,
    customer: Option<String>,
}

/// The records that a delivery is about; none where it is about something else.
pub(crate) fn records(delivery: &Delivery) -> Result<Vec<RecordRef>, Failure> {
    let event: Event = serde_json::from_str(delivery.text()?).map_err(|fault| {
        Failure::rejected("bad-delivery", format!("the delivery is no event of Stripe: {fault}"))
    })?;
    let Object { object, id, customer } = event.data.object;
    let kind = match object.as_str() {
        "customer" => Kind::Customer,
        "subscription" => Kind::Subscription,
        "charge" | "payment_intent" => Kind::Payment,
        "invoice" => Kind::Invoice,
        "refund" => Kind::Refund,
        "credit_note" => Kind::CreditNote,
        _ => return Ok(Vec::new()),
    };
    let record = |kind: Kind, id: String| RecordRef::new(kind.name(), id);
    let mut records: Vec<RecordRef> = id.map(|id| record(kind, id)).into_iter().collect();
    // A price stands at the subscription, and was approved for the customer.
    let subscriber = customer.filter(|_| kind == Kind::Subscription);
    records.extend(subscriber.map(|customer| record(Kind::Customer, customer)));
    Ok(records)
}
