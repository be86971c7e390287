//! `set-price`: the net amount and the terms of a customer's one active subscription.
//!
//! Stripe's prices cannot be changed, so a change of price is a new price and a subscription that
//! moves onto it. Amount, terms and effect id all stand in the new price, so the move changes them
//! together: there is no state in which one of them is old and another new.

use crate::amount::{minor, money, positive_in};
use crate::api::{self, EFFECT_FIELD, List};
use crate::operations::Kind;
use crate::records::{reference, subject};
use crate::shapes::{Customer, Item, Metadata, Plan, Price, Subscription, dashboard, is_of_effect, value};
use countersign_sdk::{
    Context, Effect, Failure, Field, Finding, Proposal, Receipt, Snapshot, Value, WritePlan,
};

/// The fields that the operation writes.
const FIELDS: [&str; 3] = ["net_amount", "term_months", "payment_days"];

/// How Stripe's server calls what is sold: `plan` is the older word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Catalogue {
    Prices,
    Plans,
}

/// What a subscription sells now.
pub(crate) struct Offer {
    subscription: String,
    livemode: bool,
    by_invoice: bool,
    days_until_due: Option<i64>,
    item: String,
    quantity: Option<i64>,
    catalogue: Catalogue,
    price: String,
    unit_minor: Option<i64>,
    currency: String,
    product: String,
    interval: Option<(String, i64)>,
    metadata: Option<Metadata>,
}

impl Offer {
    /// Reads the offer out of a subscription with one item.
    pub(crate) fn of(subscription: Subscription) -> Result<Offer, Failure> {
        let id = subscription.id;
        let mut items = subscription.items.data;
        let several = items.len() != 1 || subscription.items.has_more;
        let Some(item) = items.pop().filter(|_| !several) else {
            let message = format!("the subscription `{id}` must sell one thing, not none and not several");
            return Err(Failure::rejected("not-one-item", message));
        };
        let Item { id: item, quantity, price, plan } = item;
        let (by_invoice, days_until_due) =
            (subscription.collection_method.as_deref() == Some("send_invoice"), subscription.days_until_due);
        let start = |catalogue, price, unit_minor, currency, product, interval, metadata| Offer {
            subscription: id.clone(),
            livemode: subscription.livemode,
            by_invoice,
            days_until_due,
            item,
            quantity,
            catalogue,
            price,
            unit_minor,
            currency,
            product,
            interval,
            metadata,
        };
        match (price, plan) {
            (Some(price), _) => {
                let Price { id, unit_amount, currency, product, recurring, metadata } = price;
                let interval = recurring.map(|recurring| (recurring.interval, recurring.interval_count));
                let product = product.id().to_owned();
                Ok(start(Catalogue::Prices, id, unit_amount, currency, product, interval, metadata))
            }
            (None, Some(plan)) => {
                let Plan { id, amount, currency, product, interval, interval_count, metadata } = plan;
                let interval = Some((interval, interval_count));
                let product = product.id().to_owned();
                Ok(start(Catalogue::Plans, id, amount, currency, product, interval, metadata))
            }
            (None, None) => {
                Err(Failure::rejected("no-price", format!("the subscription `{id}` names no price")))
            }
        }
    }

    /// Number of units; Stripe leaves it out where one is meant.
    fn units(&self) -> i64 {
        self.quantity.unwrap_or(1)
    }

    fn terms(&self, name: &str) -> Option<i64> {
        value(self.metadata.as_ref(), name).and_then(|text| text.parse().ok())
    }

    fn net_amount(&self) -> Value {
        let net = self.unit_minor.and_then(|unit| unit.checked_mul(self.units()));
        net.map_or(Value::Absent, |net| money(net, &self.currency))
    }

    /// The fields of the vocabulary, in their fixed order.
    pub(crate) fn fields(&self) -> Vec<Field> {
        let days = self.terms("payment_days").or(self.days_until_due);
        vec![
            Field::new("net_amount", self.net_amount()),
            Field::new("term_months", Value::integer_or_absent(self.terms("term_months"))),
            Field::new("payment_days", Value::integer_or_absent(days)),
        ]
    }

    /// Stripe has no version of a subscription. Which price it sells is all that we write.
    fn revision(&self) -> String {
        format!("{}/{}", self.subscription, self.price)
    }

    fn snapshot(&self, customer: &str) -> Snapshot {
        let mut fields = self.fields();
        fields.push(Field::new("subscription", reference(Kind::Subscription, &self.subscription)));
        Snapshot {
            subject: subject(Kind::Customer, customer),
            revision: Some(self.revision()),
            url: dashboard(self.livemode, "customers", customer),
            fields,
        }
    }

    fn receipt(&self, effect: &Effect) -> Receipt {
        let snapshot = self.snapshot(&effect.plan.subject.id);
        let applied = effect.plan.changes.iter();
        let applied = applied.map(|change| Field::new(&change.name, snapshot.value(&change.name).clone()));
        let mut receipt = Receipt::new(snapshot.subject.clone(), applied.collect());
        receipt.revision = snapshot.revision;
        receipt.url = snapshot.url;
        receipt
    }
}

/// The offer of the customer's one active subscription; `None` if the customer has none.
fn offer(context: &Context<'_>, customer: &str) -> Result<Option<Offer>, Failure> {
    let draft = api::get(context, &["subscriptions"])
        .query("customer", customer)
        .query("status", "active")
        .query("limit", 2);
    let list: List<Subscription> = api::settled(draft.read()?)?.json()?;
    let mut active = list.data;
    match (active.pop(), active.is_empty()) {
        (Some(only), true) => Offer::of(only).map(Some),
        (None, _) => Ok(None),
        (Some(_), false) => {
            let message = format!("the customer `{customer}` has several active subscriptions");
            Err(Failure::rejected("several-subscriptions", message))
        }
    }
}

/// The offer, where there must be one.
fn offer_to_change(context: &Context<'_>, customer: &str) -> Result<Offer, Failure> {
    offer(context, customer)?.ok_or_else(|| {
        let message = format!("the customer `{customer}` has no active subscription");
        Failure::rejected("no-active-subscription", message)
    })
}

pub(crate) fn fetch_customer(context: &Context<'_>, id: &str) -> Result<Snapshot, Failure> {
    let customer: Customer = api::record(context, &["customers", id])?;
    if customer.deleted {
        return Err(Failure::not_found(subject(Kind::Customer, id)));
    }
    if let Some(offer) = offer(context, id)? {
        return Ok(offer.snapshot(id));
    }
    let absent = FIELDS.into_iter().chain(["subscription"]).map(|name| Field::new(name, Value::Absent));
    Ok(Snapshot {
        subject: subject(Kind::Customer, &customer.id),
        revision: None,
        url: dashboard(customer.livemode, "customers", id),
        fields: absent.collect(),
    })
}

/// The wish in the connector's own vocabulary: amounts in one spelling, terms in bounds.
fn wanted(what: &Proposal, offer: &Offer) -> Result<Vec<Field>, Failure> {
    let net = positive_in(what.money("net_amount")?, &offer.currency, "net_amount")?;
    let mut wanted = vec![Field::new("net_amount", money(net, &offer.currency))];
    for name in ["term_months", "payment_days"] {
        if *what.value(name) == Value::Absent {
            continue;
        }
        let number = what.integer(name)?;
        if number < 0 {
            let message = format!("the field `{name}` must not be negative");
            return Err(Failure::rejected("bad-input", message).naming(name));
        }
        wanted.push(Field::new(name, Value::Integer(number)));
    }
    Ok(wanted)
}

pub(crate) fn plan(context: &Context<'_>, what: &Proposal) -> Result<WritePlan, Failure> {
    let offer = offer_to_change(context, &what.subject.id)?;
    if offer.units() != 1 {
        let message = format!("the subscription `{}` sells {} units", offer.subscription, offer.units());
        return Err(Failure::rejected("not-one-unit", message));
    }
    if offer.interval.is_none() {
        let message = format!("the subscription `{}` has no billing interval", offer.subscription);
        return Err(Failure::rejected("no-interval", message));
    }
    let wanted = wanted(what, &offer)?;
    let mut plan = WritePlan::update(&offer.snapshot(&what.subject.id), &wanted);
    if !plan.changes.is_empty() && context.setting("proration-behavior").as_deref() != Some("none") {
        plan.remarks.push("Stripe prorates the running period on the next invoice".to_owned());
    }
    Ok(plan)
}

pub(crate) fn apply(context: &Context<'_>, effect: &Effect) -> Result<Receipt, Failure> {
    let customer = &effect.plan.subject.id;
    let offer = offer_to_change(context, customer)?;
    if is_of_effect(offer.metadata.as_ref(), &effect.effect_id) || effect.plan.changes.is_empty() {
        return Ok(offer.receipt(effect));
    }
    if let Some(planned) = &effect.plan.revision
        && *planned != offer.revision()
    {
        let message = "the subscription sells something else than when planned";
        return Err(Failure::conflict("moved", message).at_revision(offer.revision()));
    }
    let price = create_price(context, effect, &offer)?;
    let answer = api::post(
        context,
        &["subscriptions", &offer.subscription],
        &move_form(context, effect, &offer, &price),
    )
    .step("move-subscription")?;
    let answer = api::settled(answer)?;
    let moved =
        Offer::of(answer.json()?).map_err(|_| answer.unreadable("the subscription has no one item"))?;
    if moved.price != price {
        return Err(answer.unreadable("the subscription does not sell the new price"));
    }
    let mut receipt = moved.receipt(effect);
    receipt.vendor_request_id = answer.request_id().map(ToOwned::to_owned);
    Ok(receipt)
}

/// The terms that the new price carries: what was sealed, else what the old price has.
fn sealed_terms(what: &Proposal, offer: &Offer, name: &str) -> Option<i64> {
    match what.value(name) {
        Value::Integer(number) => Some(*number),
        _ => offer.terms(name),
    }
}

/// Makes the new price and gives its id. A price of this effect that is there already is used.
fn create_price(context: &Context<'_>, effect: &Effect, offer: &Offer) -> Result<String, Failure> {
    let what = effect.sealed();
    let amount = what.money("net_amount")?;
    let (interval, count) =
        offer.interval.as_ref().ok_or_else(|| Failure::bug("planned without interval"))?;
    let name = format!("countersign_{}", effect.effect_id);
    let mut form = match offer.catalogue {
        Catalogue::Prices => vec![
            ("lookup_key", name.clone()),
            ("unit_amount", minor(amount)?.to_string()),
            ("recurring[interval]", interval.clone()),
            ("recurring[interval_count]", count.to_string()),
        ],
        Catalogue::Plans => vec![
            ("id", name.clone()),
            ("amount", minor(amount)?.to_string()),
            ("interval", interval.clone()),
            ("interval_count", count.to_string()),
        ],
    };
    form.push(("currency", offer.currency.clone()));
    form.push(("product", offer.product.clone()));
    form.push((EFFECT_FIELD, effect.effect_id.clone()));
    for (field, key) in [("term_months", "metadata[term_months]"), ("payment_days", "metadata[payment_days]")]
    {
        if let Some(number) = sealed_terms(&what, offer, field) {
            form.push((key, number.to_string()));
        }
    }
    let folder = match offer.catalogue {
        Catalogue::Prices => "prices",
        Catalogue::Plans => "plans",
    };
    let answer = api::post(context, &[folder], &form).step("create-price")?;
    if answer.is_success() {
        return answer.json::<Created>().map(|created| created.id);
    }
    // 400 and 409: the name is taken. 5xx: Stripe keeps that answer under the key, and may have
    // made the price before it.
    if !matches!(answer.status(), 400 | 409 | 500..=599) {
        return Err(api::failure(&answer));
    }
    match existing(context, offer.catalogue, &name)? {
        Some(price) if is_of_effect(price.metadata.as_ref(), &effect.effect_id) => Ok(price.id),
        _ => Err(api::failure(&answer)),
    }
}

/// A price that was made, as far as it matters here.
#[derive(serde::Deserialize)]
struct Created {
    id: String,
    #[serde(default)]
    metadata: Option<Metadata>,
}

/// The price that an earlier sending of the step made.
fn existing(context: &Context<'_>, catalogue: Catalogue, name: &str) -> Result<Option<Created>, Failure> {
    match catalogue {
        Catalogue::Prices => {
            let draft = api::get(context, &["prices"]).query("lookup_keys[]", name).query("limit", 1);
            let mut list: List<Created> = api::settled(draft.read()?)?.json()?;
            Ok(list.data.pop())
        }
        Catalogue::Plans => match api::record(context, &["plans", name]) {
            Ok(plan) => Ok(Some(plan)),
            Err(failure) if failure.is_not_found() => Ok(None),
            Err(failure) => Err(failure),
        },
    }
}

/// The body that moves the subscription onto the new price.
fn move_form(
    context: &Context<'_>,
    effect: &Effect,
    offer: &Offer,
    price: &str,
) -> Vec<(&'static str, String)> {
    let key = match offer.catalogue {
        Catalogue::Prices => "items[0][price]",
        Catalogue::Plans => "items[0][plan]",
    };
    let mut form = vec![("items[0][id]", offer.item.clone()), (key, price.to_owned())];
    if let Some(quantity) = offer.quantity {
        form.push(("items[0][quantity]", quantity.to_string()));
    }
    if offer.by_invoice
        && let Some(days) = sealed_terms(&effect.sealed(), offer, "payment_days")
    {
        form.push(("days_until_due", days.to_string()));
    }
    if let Some(behavior) = context.setting("proration-behavior") {
        form.push(("proration_behavior", behavior));
    }
    form
}

pub(crate) fn probe(context: &Context<'_>, effect: &Effect) -> Result<Finding, Failure> {
    match offer(context, &effect.plan.subject.id)? {
        Some(offer) if is_of_effect(offer.metadata.as_ref(), &effect.effect_id) => {
            Ok(Finding::Landed(offer.receipt(effect)))
        }
        _ => Ok(Finding::Absent),
    }
}
