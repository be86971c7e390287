//! Accounts (`party.party`) and opportunities (`sale.opportunity`): what policies ask of them.

use crate::decimal::Wire;
use crate::rest;
use countersign_sdk::{Context, Failure, Field, Money, RecordRef, Snapshot, Value};
use serde::Deserialize;

/// Tryton's name of the model of accounts.
pub(crate) const ACCOUNT_MODEL: &str = "party.party";

/// Tryton's name of the model of opportunities.
pub(crate) const OPPORTUNITY_MODEL: &str = "sale.opportunity";

const ACCOUNT_FIELDS: &[&str] = &[
    "name",
    "code",
    "_timestamp",
    "categories.name",
    "categories.parent.name",
    "contact_mechanisms.name",
    "contact_mechanisms.value",
];

const OPPORTUNITY_FIELDS: &[&str] = &[
    "number",
    "description",
    "state",
    "party",
    "amount",
    "company.currency.code",
    "company.currency.digits",
    "_timestamp",
];

#[derive(Debug, Deserialize)]
struct Party {
    name: Option<String>,
    code: Option<String>,
    #[serde(rename = "_timestamp")]
    timestamp: String,
    #[serde(default)]
    categories: Vec<Category>,
    #[serde(default)]
    contact_mechanisms: Vec<Mechanism>,
}

#[derive(Debug, Deserialize)]
struct Category {
    name: String,
    parent: Option<Parent>,
}

#[derive(Debug, Deserialize)]
struct Parent {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Mechanism {
    name: Option<String>,
    value: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Opportunity {
    number: Option<String>,
    description: Option<String>,
    state: String,
    party: Option<i64>,
    amount: Option<Wire>,
    company: Option<Company>,
    #[serde(rename = "_timestamp")]
    timestamp: String,
}

#[derive(Debug, Deserialize)]
struct Company {
    currency: Currency,
}

#[derive(Debug, Deserialize)]
struct Currency {
    code: String,
    digits: u32,
}

/// Reads an account. A segment or billing account that is not there exactly once is absent: a
/// policy then asks a person, which is better than a guess.
pub(crate) fn fetch_account(context: &Context<'_>, subject: &RecordRef) -> Result<Snapshot, Failure> {
    let party: Party = rest::record(context, ACCOUNT_MODEL, &subject.id, ACCOUNT_FIELDS)?;
    let parent = setting(context, "segment-category", "Segment");
    let segments = party
        .categories
        .iter()
        .filter(|category| category.parent.as_ref().is_some_and(|above| above.name == parent))
        .map(|category| category.name.as_str());
    let mechanism = setting(context, "billing-mechanism", "billing account");
    let customers = party
        .contact_mechanisms
        .iter()
        .filter(|known| known.name.as_deref() == Some(mechanism.as_str()))
        .filter_map(|known| known.value.as_deref());
    let billing_account = match only(customers) {
        Some(customer) if !customer.is_empty() => Value::Reference(RecordRef::new("customer", customer)),
        Some(_) | None => Value::Absent,
    };
    Ok(Snapshot {
        subject: subject.clone(),
        revision: Some(party.timestamp),
        url: None,
        fields: vec![
            Field::new("name", Value::text_or_absent(party.name)),
            Field::new("code", Value::text_or_absent(party.code)),
            Field::new("segment", Value::text_or_absent(only(segments))),
            Field::new("billing_account", billing_account),
        ],
    })
}

/// Reads an opportunity.
pub(crate) fn fetch_opportunity(context: &Context<'_>, subject: &RecordRef) -> Result<Snapshot, Failure> {
    let found: Opportunity = rest::record(context, OPPORTUNITY_MODEL, &subject.id, OPPORTUNITY_FIELDS)?;
    let amount = match (&found.amount, &found.company) {
        (Some(amount), Some(company)) => {
            let text = amount.read()?.fixed(company.currency.digits)?;
            Value::Money(Money::new(text, &company.currency.code))
        }
        (None, _) | (_, None) => Value::Absent,
    };
    let account = found
        .party
        .map_or(Value::Absent, |party| Value::Reference(RecordRef::new("account", party.to_string())));
    Ok(Snapshot {
        subject: subject.clone(),
        revision: Some(found.timestamp),
        url: None,
        fields: vec![
            Field::new("number", Value::text_or_absent(found.number)),
            Field::new("description", Value::text_or_absent(found.description)),
            Field::new("state", Value::Text(found.state)),
            Field::new("account", account),
            Field::new("amount", amount),
        ],
    })
}

fn setting(context: &Context<'_>, name: &str, default: &str) -> String {
    context.setting(name).unwrap_or_else(|| default.to_owned())
}

/// The one element, `None` for none or several.
fn only<'a>(mut items: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let first = items.next()?;
    if items.next().is_some() { None } else { Some(first) }
}
