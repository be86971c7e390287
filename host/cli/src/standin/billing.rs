//! Billing as Stripe's `/v1` speaks: customers with one subscription, prices, payments, refunds.
//!
//! Idempotency keys work as Stripe documents them: status and body of the first request whose
//! execution began are kept, errors of the server included, and are given again to every request
//! with the same key and parameters; other parameters under the key are an `idempotency_error`.
//! Requests that fail validation, authentication or the rate limit are not kept.

mod answers;
mod keys;

use super::Landing;
use super::server::{Asked, Reply, StandIn};
use answers::{Form, error, list, missing, request_id, unauthorised};
use keys::{Found, Keys};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The key that callers must show.
pub const SECRET: &str = "sk_test_stand_in";

/// Name of the metadata by which a change is recognised.
const EFFECT: &str = "countersign_effect";

/// A customer to begin with: one active subscription at one price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// `cus_..`
    pub id: String,
    /// What one period costs, in minor units.
    pub net_minor: i64,
    /// Length of the commitment.
    pub term_months: i64,
    /// Days until payment is due.
    pub payment_days: i64,
}

/// A payment to begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// `ch_..`
    pub id: String,
    /// `cus_..`
    pub customer: String,
    /// What was paid, in minor units.
    pub amount_minor: i64,
    /// When, in seconds since 1970.
    pub created: i64,
    /// Whether the customer's bank disputes it.
    pub disputed: bool,
}

/// Money that was given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// `re_..`
    pub id: String,
    /// The payment.
    pub charge: String,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// Stripe's own reason.
    pub reason: Option<String>,
    /// What the caller left beside it.
    pub metadata: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
struct Price {
    id: String,
    lookup_key: Option<String>,
    unit_minor: i64,
    metadata: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
struct Subscription {
    id: String,
    customer: String,
    price: String,
}

/// The state.
#[derive(Debug, Default)]
pub struct Billing {
    customers: BTreeMap<String, Customer>,
    subscriptions: BTreeMap<String, Subscription>,
    prices: BTreeMap<String, Price>,
    charges: BTreeMap<String, Charge>,
    refunds: Vec<Refund>,
    keys: Keys,
    landings: BTreeMap<(&'static str, String, Option<String>), usize>,
    made: u64,
}

impl Billing {
    /// Adds a customer with a subscription.
    pub fn add_customer(&mut self, customer: Customer) {
        let terms = [("term_months", customer.term_months), ("payment_days", customer.payment_days)];
        let price = Price {
            id: self.next("price"),
            lookup_key: None,
            unit_minor: customer.net_minor,
            metadata: terms.map(|(name, number)| (name.to_owned(), number.to_string())).into(),
        };
        let subscription =
            Subscription { id: self.next("sub"), customer: customer.id.clone(), price: price.id.clone() };
        self.prices.insert(price.id.clone(), price);
        self.subscriptions.insert(subscription.id.clone(), subscription);
        self.customers.insert(customer.id.clone(), customer);
    }

    /// Adds a payment.
    pub fn add_charge(&mut self, charge: Charge) {
        self.charges.insert(charge.id.clone(), charge);
    }

    /// All refunds, oldest first.
    #[must_use]
    pub fn refunds(&self) -> &[Refund] {
        &self.refunds
    }

    /// What a customer's subscription costs a period now, in minor units.
    #[must_use]
    pub fn net_minor(&self, customer: &str) -> Option<i64> {
        let subscription = self.subscriptions.values().find(|known| known.customer == customer)?;
        self.prices.get(&subscription.price).map(|price| price.unit_minor)
    }

    /// Everything that was done here.
    #[must_use]
    pub fn landings(&self) -> Vec<Landing> {
        let each = self.landings.iter();
        each.map(|((operation, record, effect), times)| Landing {
            system: Self::NAME,
            operation,
            record: record.clone(),
            effect: effect.clone(),
            times: *times,
        })
        .collect()
    }

    fn landed(&mut self, operation: &'static str, record: &str, metadata: &BTreeMap<String, String>) {
        let place = (operation, record.to_owned(), metadata.get(EFFECT).cloned());
        *self.landings.entry(place).or_default() += 1;
    }

    fn next(&mut self, prefix: &str) -> String {
        self.made += 1;
        format!("{prefix}_{:06}", self.made)
    }

    fn read(&self, asked: &Asked, path: &[&str]) -> Reply {
        match path {
            ["v1", "customers"] => {
                list(asked, "/v1/customers", self.customers.values().map(customer_json).collect())
            }
            ["v1", "customers", id] => found("customer", id, self.customers.get(*id).map(customer_json)),
            ["v1", "subscriptions"] => {
                let of = asked.query("customer");
                let ours = |known: &&Subscription| of.is_none_or(|customer| known.customer == customer);
                let all = self.subscriptions.values().filter(ours).map(|known| self.subscription_json(known));
                list(asked, "/v1/subscriptions", all.collect())
            }
            ["v1", "subscriptions", id] => {
                let known = self.subscriptions.get(*id).map(|known| self.subscription_json(known));
                found("subscription", id, known)
            }
            ["v1", "prices"] => {
                let key = asked.query("lookup_keys[]").or_else(|| asked.query("lookup_keys[0]"));
                let ours = |price: &&Price| key.is_none_or(|key| price.lookup_key.as_deref() == Some(key));
                list(asked, "/v1/prices", self.prices.values().filter(ours).map(price_json).collect())
            }
            ["v1", "prices", id] => found("price", id, self.prices.get(*id).map(price_json)),
            ["v1", "charges", id] => {
                found("charge", id, self.charges.get(*id).map(|charge| self.charge_json(charge)))
            }
            ["v1", "payment_intents", id] => self.payment_intent(asked, id),
            ["v1", "refunds"] => {
                let of = asked.query("charge").map(str::to_owned);
                let of = of.or_else(|| asked.query("payment_intent").map(charge_of_intent));
                let ours = |refund: &&Refund| of.as_ref().is_none_or(|charge| refund.charge == *charge);
                list(asked, "/v1/refunds", self.refunds.iter().rev().filter(ours).map(refund_json).collect())
            }
            ["v1", "refunds", id] => {
                found("refund", id, self.refunds.iter().find(|refund| refund.id == *id).map(refund_json))
            }
            _ => unknown_route(asked),
        }
    }

    /// A payment intent is named after its charge: `pi_7` has the charge `ch_7`.
    fn payment_intent(&self, asked: &Asked, id: &str) -> Reply {
        let Some(charge) = self.charges.get(&charge_of_intent(id)) else {
            return missing("payment_intent", id);
        };
        let expanded =
            asked.query.iter().any(|(name, value)| name.starts_with("expand") && value == "latest_charge");
        let latest = if expanded { self.charge_json(charge) } else { json!(charge.id) };
        Reply::json(
            200,
            &json!({"id": id, "object": "payment_intent", "status": "succeeded",
            "amount": charge.amount_minor, "currency": "usd", "latest_charge": latest}),
        )
    }

    /// A write, with what Stripe keeps under the key. The flag says whether execution began.
    fn write(&mut self, path: &[&str], form: &Form) -> (Reply, bool) {
        match path {
            ["v1", "prices"] => self.create_price(form),
            ["v1", "subscriptions", id] => self.move_subscription(id, form),
            ["v1", "refunds"] => self.create_refund(form),
            _ => (error(404, "invalid_request_error", None, "Unrecognized request URL."), false),
        }
    }

    fn create_price(&mut self, form: &Form) -> (Reply, bool) {
        let known = [
            "lookup_key",
            "unit_amount",
            "currency",
            "product",
            "recurring[interval]",
            "recurring[interval_count]",
        ];
        if let Err(reply) = form.only(&known) {
            return (reply, false);
        }
        let unit_minor = match form.integer("unit_amount") {
            Ok(unit_minor) => unit_minor,
            Err(reply) => return (reply, false),
        };
        let lookup_key = form.text("lookup_key").map(str::to_owned);
        if lookup_key.is_some() && self.prices.values().any(|price| price.lookup_key == lookup_key) {
            let words = "A price already uses that lookup key.";
            return (
                error(400, "invalid_request_error", Some(("resource_already_exists", "lookup_key")), words),
                true,
            );
        }
        let price = Price { id: self.next("price"), lookup_key, unit_minor, metadata: form.metadata() };
        let reply = Reply::json(200, &price_json(&price));
        self.prices.insert(price.id.clone(), price);
        (reply, true)
    }

    fn move_subscription(&mut self, id: &str, form: &Form) -> (Reply, bool) {
        let known =
            ["items[0][id]", "items[0][price]", "items[0][quantity]", "days_until_due", "proration_behavior"];
        if let Err(reply) = form.only(&known) {
            return (reply, false);
        }
        let Some(subscription) = self.subscriptions.get(id) else {
            return (missing("subscription", id), false);
        };
        let Some(price) = form.text("items[0][price]").and_then(|price| self.prices.get(price)) else {
            return (missing("price", form.text("items[0][price]").unwrap_or_default()), false);
        };
        let mut moved = subscription.clone();
        moved.price.clone_from(&price.id);
        let metadata = price.metadata.clone();
        let reply = Reply::json(200, &self.subscription_json(&moved));
        self.landed("set-price", &moved.customer, &metadata);
        self.subscriptions.insert(id.to_owned(), moved);
        (reply, true)
    }

    fn create_refund(&mut self, form: &Form) -> (Reply, bool) {
        if let Err(reply) = form.only(&["charge", "payment_intent", "amount", "reason"]) {
            return (reply, false);
        }
        let named = form.text("charge").map(str::to_owned);
        let id = named.or_else(|| form.text("payment_intent").map(charge_of_intent)).unwrap_or_default();
        let Some(charge) = self.charges.get(&id).cloned() else {
            return (missing("charge", &id), false);
        };
        let left = charge.amount_minor - self.refunded(&charge.id);
        let amount_minor = match form.text("amount").map_or(Ok(left), |_| form.integer("amount")) {
            Ok(amount) => amount,
            Err(reply) => return (reply, false),
        };
        if charge.disputed {
            let words = format!("Charge {id} has been charged back; cannot issue a refund.");
            return (error(400, "invalid_request_error", Some(("charge_disputed", "charge")), &words), true);
        }
        if left == 0 {
            let words = format!("Charge {id} has already been refunded.");
            return (
                error(400, "invalid_request_error", Some(("charge_already_refunded", "charge")), &words),
                true,
            );
        }
        if amount_minor <= 0 || left < amount_minor {
            let words = "Refund amount is greater than unrefunded amount on charge.";
            return (error(400, "invalid_request_error", Some(("amount_too_large", "amount")), words), true);
        }
        let refund = Refund {
            id: self.next("re"),
            charge: charge.id,
            amount_minor,
            reason: form.text("reason").map(str::to_owned),
            metadata: form.metadata(),
        };
        let reply = Reply::json(200, &refund_json(&refund));
        self.landed("create-refund", &refund.charge, &refund.metadata);
        self.refunds.push(refund);
        (reply, true)
    }

    fn refunded(&self, charge: &str) -> i64 {
        self.refunds.iter().filter(|refund| refund.charge == charge).map(|refund| refund.amount_minor).sum()
    }

    fn charge_json(&self, charge: &Charge) -> Value {
        json!({"id": charge.id, "object": "charge", "amount": charge.amount_minor,
            "amount_refunded": self.refunded(&charge.id), "currency": "usd", "created": charge.created,
            "customer": charge.customer, "invoice": null, "status": "succeeded", "paid": true,
            "disputed": charge.disputed, "livemode": false, "metadata": {}})
    }

    fn subscription_json(&self, known: &Subscription) -> Value {
        let price = self.prices.get(&known.price).map(price_json);
        json!({"id": known.id, "object": "subscription", "customer": known.customer, "status": "active",
            "collection_method": "charge_automatically", "days_until_due": null, "livemode": false,
            "metadata": {}, "items": {"object": "list", "has_more": false, "data": [
                {"id": format!("si_{}", known.id), "object": "subscription_item", "quantity": 1, "price": price}]}})
    }
}

impl StandIn for Billing {
    const NAME: &'static str = "billing";

    fn answer(&mut self, asked: &Asked) -> Reply {
        self.made += 1;
        let request = request_id(self.made);
        if asked.header("authorization") != Some(format!("Bearer {SECRET}").as_str()) {
            return unauthorised().with("request-id", request);
        }
        let (method, path) = asked.route();
        let reply = match method {
            "GET" | "HEAD" => self.read(asked, &path),
            "POST" => match self.keys.find(asked) {
                Found::Kept(reply) => reply.with("idempotent-replayed", "true"),
                Found::OtherParameters => {
                    let words = "Keys for idempotent requests can only be used with the same parameters they were first used with.";
                    error(400, "idempotency_error", None, words)
                }
                Found::Nothing => {
                    let (reply, began) = self.write(&path, &Form::of(asked));
                    if began {
                        self.keys.keep(asked, &reply);
                    }
                    reply
                }
            },
            _ => unknown_route(asked),
        };
        reply.with("request-id", request)
    }

    fn unwell(&self, status: u16) -> Reply {
        let (kind, words) = match status {
            429 => ("rate_limit_error", "Too many requests hit the API too quickly."),
            _ => ("api_error", "Something went wrong on our end."),
        };
        error(status, kind, None, words)
    }

    fn replaced(&mut self, asked: &Asked, reply: &Reply) {
        self.keys.keep_instead(asked, reply);
    }
}

fn found(kind: &str, id: &str, record: Option<Value>) -> Reply {
    record.map_or_else(|| missing(kind, id), |record| Reply::json(200, &record))
}

fn unknown_route(asked: &Asked) -> Reply {
    let words = format!("Unrecognized request URL ({}: /{}).", asked.method, asked.path.join("/"));
    error(404, "invalid_request_error", None, &words)
}

fn charge_of_intent(intent: &str) -> String {
    intent.replacen("pi_", "ch_", 1)
}

fn customer_json(customer: &Customer) -> Value {
    json!({"id": customer.id, "object": "customer", "livemode": false, "metadata": {}})
}

fn price_json(price: &Price) -> Value {
    json!({"id": price.id, "object": "price", "unit_amount": price.unit_minor, "currency": "usd",
        "product": "prod_stand_in", "lookup_key": price.lookup_key, "active": true, "type": "recurring",
        "recurring": {"interval": "year", "interval_count": 1}, "metadata": price.metadata})
}

fn refund_json(refund: &Refund) -> Value {
    json!({"id": refund.id, "object": "refund", "amount": refund.amount_minor, "currency": "usd",
        "charge": refund.charge, "payment_intent": null, "reason": refund.reason, "status": "succeeded",
        "metadata": refund.metadata})
}
