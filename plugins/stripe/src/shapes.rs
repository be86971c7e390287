//! The parts of Stripe's records that this connector reads.

use crate::api::{EFFECT, List};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Free names and values that Stripe keeps with a record.
pub(crate) type Metadata = BTreeMap<String, String>;

/// A record that Stripe gives by its id, or whole when it was asked to expand it.
#[derive(Deserialize, Clone)]
#[serde(try_from = "serde_json::Value")]
pub(crate) struct Link(String);

impl TryFrom<serde_json::Value> for Link {
    type Error = &'static str;

    fn try_from(found: serde_json::Value) -> Result<Link, &'static str> {
        let id = found.as_str().or_else(|| found.get("id")?.as_str());
        id.map(|id| Link(id.to_owned())).ok_or("neither an id nor a record")
    }
}

impl Link {
    pub(crate) fn id(&self) -> &str {
        &self.0
    }
}

#[derive(Deserialize)]
pub(crate) struct Customer {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) deleted: bool,
    #[serde(default)]
    pub(crate) livemode: bool,
}

#[derive(Deserialize)]
pub(crate) struct Subscription {
    pub(crate) id: String,
    pub(crate) customer: Link,
    pub(crate) status: String,
    pub(crate) items: List<Item>,
    pub(crate) collection_method: Option<String>,
    pub(crate) days_until_due: Option<i64>,
    #[serde(default)]
    pub(crate) livemode: bool,
}

#[derive(Deserialize)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) quantity: Option<i64>,
    pub(crate) price: Option<Price>,
    /// What a price was called before; servers of that time give only this.
    pub(crate) plan: Option<Plan>,
}

#[derive(Deserialize)]
pub(crate) struct Price {
    pub(crate) id: String,
    pub(crate) unit_amount: Option<i64>,
    pub(crate) currency: String,
    pub(crate) product: Link,
    pub(crate) recurring: Option<Recurring>,
    #[serde(default)]
    pub(crate) metadata: Option<Metadata>,
}

#[derive(Deserialize)]
pub(crate) struct Recurring {
    pub(crate) interval: String,
    pub(crate) interval_count: i64,
}

#[derive(Deserialize)]
pub(crate) struct Plan {
    pub(crate) id: String,
    pub(crate) amount: Option<i64>,
    pub(crate) currency: String,
    pub(crate) product: Link,
    pub(crate) interval: String,
    pub(crate) interval_count: i64,
    #[serde(default)]
    pub(crate) metadata: Option<Metadata>,
}

#[derive(Deserialize)]
pub(crate) struct Charge {
    pub(crate) id: String,
    pub(crate) amount: i64,
    #[serde(default)]
    pub(crate) amount_refunded: i64,
    pub(crate) currency: String,
    pub(crate) created: i64,
    pub(crate) customer: Option<Link>,
    pub(crate) invoice: Option<Link>,
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) disputed: bool,
    #[serde(default)]
    pub(crate) livemode: bool,
}

#[derive(Deserialize)]
pub(crate) struct PaymentIntent {
    pub(crate) latest_charge: Option<Link>,
}

#[derive(Deserialize)]
pub(crate) struct Invoice {
    pub(crate) id: String,
    pub(crate) currency: String,
    pub(crate) customer: Option<Link>,
    pub(crate) status: Option<String>,
    pub(crate) total: i64,
    pub(crate) amount_due: i64,
    #[serde(default)]
    pub(crate) amount_paid: i64,
    #[serde(default)]
    pub(crate) amount_remaining: i64,
    #[serde(default)]
    pub(crate) livemode: bool,
}

#[derive(Deserialize)]
pub(crate) struct Refund {
    pub(crate) id: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) charge: Option<Link>,
    pub(crate) payment_intent: Option<Link>,
    pub(crate) reason: Option<String>,
    pub(crate) status: Option<String>,
    #[serde(default)]
    pub(crate) metadata: Option<Metadata>,
}

#[derive(Deserialize)]
pub(crate) struct CreditNote {
    pub(crate) id: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) invoice: Link,
    #[serde(default)]
    pub(crate) post_payment_amount: i64,
    pub(crate) reason: Option<String>,
    pub(crate) status: Option<String>,
    #[serde(default)]
    pub(crate) livemode: bool,
    #[serde(default)]
    pub(crate) metadata: Option<Metadata>,
}

/// Whether a record was created by the effect.
pub(crate) fn is_of_effect(metadata: Option<&Metadata>, effect_id: &str) -> bool {
    value(metadata, EFFECT) == Some(effect_id)
}

/// One value of the metadata.
pub(crate) fn value<'a>(metadata: Option<&'a Metadata>, name: &str) -> Option<&'a str> {
    metadata?.get(name).map(String::as_str)
}

/// Where a person opens a record.
pub(crate) fn dashboard(livemode: bool, folder: &str, id: &str) -> Option<String> {
    let mode = if livemode { "" } else { "test/" };
    Some(format!("https://dashboard.stripe.com/{mode}{folder}/{id}"))
}
