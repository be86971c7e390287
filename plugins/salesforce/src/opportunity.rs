//! Opportunities: what they hold, and their price.
//!
//! Salesforce sets no price twice by a key, so it is found by a look. What keeps an old request, or one that crosses
//! somebody else's change, from being written is `If-Unmodified-Since` with the revision of the sealed plan.

use crate::api::{self, Row};
use crate::exact;
use crate::moment::Moment;
use countersign_sdk::{
    Change, Context, Effect, Failure, Field, Finding, Money, Proposal, Receipt, RecordRef, Snapshot, Value,
    WritePlan,
};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Salesforce's name of the object.
pub(crate) const OBJECT: &str = "Opportunity";

/// Salesforce's name of `net_amount`.
const AMOUNT: &str = "Amount";

/// Where the currency of an amount is said.
enum Currency {
    /// The organization has this one only.
    Only(String),
    /// Each record has its own.
    OfRecord,
}

/// The fields that are read, with those that settings name.
struct Fields {
    currency: Currency,
    discount: Option<String>,
}

/// An opportunity as it is now.
struct Opportunity {
    snapshot: Snapshot,
    currency: String,
    /// Salesforce sums its products up, and takes no other amount.
    has_products: bool,
}

impl Fields {
    fn of(context: &Context<'_>) -> Result<Fields, Failure> {
        let currency = match context.setting("currency").filter(|code| !code.is_empty()) {
            None => Currency::OfRecord,
            Some(code) if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) => {
                Currency::Only(code)
            }
            Some(_) => {
                return Err(Failure::rejected(
                    "bad-setting",
                    "the setting `currency` is no code such as `USD`",
                ));
            }
        };
        Ok(Fields { currency, discount: api::name_setting(context, "discount-field")? })
    }

    fn names(&self) -> Vec<String> {
        let always = [
            "Id",
            "Name",
            AMOUNT,
            "StageName",
            "AccountId",
            "OwnerId",
            "HasOpportunityLineItem",
            "SystemModstamp",
        ];
        let mut names: Vec<String> = always.map(str::to_owned).into();
        names.extend(self.discount.clone());
        if let Currency::OfRecord = self.currency {
            names.push("CurrencyIsoCode".to_owned());
        }
        names
    }

    fn currency_of(&self, row: &Row) -> Result<String, Failure> {
        match &self.currency {
            Currency::Only(code) => Ok(code.clone()),
            Currency::OfRecord => row.needed("CurrencyIsoCode"),
        }
    }

    /// The field that holds the discount.
    fn discount(&self) -> Result<String, Failure> {
        self.discount.clone().ok_or_else(|| {
            let words = "no field holds a discount: the connection needs the setting `discount-field`";
            Failure::rejected("missing-setting", words).naming("discount_percent")
        })
    }

    /// Our name of a field that Salesforce names in a refusal.
    fn named(&self, failure: Failure) -> Failure {
        let Failure::Rejected { fields, detail } = failure else { return failure };
        let ours = |field: String| match &self.discount {
            Some(discount) if discount.eq_ignore_ascii_case(&field) => "discount_percent".to_owned(),
            Some(_) | None if field == AMOUNT => "net_amount".to_owned(),
            Some(_) | None => field,
        };
        Failure::Rejected { fields: fields.into_iter().map(ours).collect(), detail }
    }
}

/// Whether opportunities can be read with all that is asked of them.
pub(crate) fn check(context: &Context<'_>) -> Result<(), Failure> {
    let names = Fields::of(context)?.names().join(", ");
    api::query(context, "query", &format!("SELECT {names} FROM {OBJECT} LIMIT 1")).map(|_| ())
}

/// Reads an opportunity.
pub(crate) fn fetch(context: &Context<'_>, subject: &RecordRef) -> Result<Snapshot, Failure> {
    Ok(read(context, &Fields::of(context)?, subject)?.snapshot)
}

fn read(context: &Context<'_>, fields: &Fields, subject: &RecordRef) -> Result<Opportunity, Failure> {
    let row = api::record(context, OBJECT, &subject.id, &fields.names())?;
    let currency = fields.currency_of(&row)?;
    let amount = row.number(AMOUNT)?.map(|amount| money(&amount, &currency)).transpose()?;
    let discount = fields.discount.as_ref().map_or(Ok(None), |field| row.number(field))?;
    let account = row.id("AccountId")?;
    let snapshot = Snapshot {
        subject: subject.clone(),
        revision: Some(row.changed()?.0),
        url: None,
        fields: vec![
            Field::new("name", Value::text_or_absent(row.text("Name")?)),
            Field::new("net_amount", amount.unwrap_or(Value::Absent)),
            Field::new("discount_percent", discount.map_or(Value::Absent, Value::Decimal)),
            Field::new("currency", Value::Text(currency.clone())),
            Field::new("stage", Value::text_or_absent(row.text("StageName")?)),
            Field::new(
                "account",
                account.map_or(Value::Absent, |id| Value::Reference(RecordRef::new("account", id))),
            ),
            Field::new("owner", Value::text_or_absent(row.id("OwnerId")?)),
        ],
    };
    Ok(Opportunity { snapshot, currency, has_products: row.flag("HasOpportunityLineItem")? })
}

/// What `set-price` would write.
pub(crate) fn plan(context: &Context<'_>, what: &Proposal) -> Result<WritePlan, Failure> {
    let fields = Fields::of(context)?;
    let now = read(context, &fields, &what.subject)?;
    let wanted = what.money("net_amount")?;
    must_be_in(&wanted.currency, &now.currency)?;
    let mut all = vec![Field::new("net_amount", money(&wanted.amount, &wanted.currency)?)];
    if *what.value("discount_percent") != Value::Absent {
        fields.discount()?;
        let percent = kept(what.decimal("discount_percent")?, "discount_percent")?;
        all.push(Field::new("discount_percent", Value::Decimal(percent)));
    }
    let plan = WritePlan::update(&now.snapshot, &all);
    if plan.after("net_amount").is_some() {
        now.must_have_no_products()?;
    }
    Ok(plan)
}

/// One attempt at `set-price`.
pub(crate) fn apply(context: &Context<'_>, effect: &Effect) -> Result<Receipt, Failure> {
    let revision = effect.plan.revision.as_deref();
    let since = revision
        .map(|revision| {
            let words = "the planned revision is no moment of Salesforce's";
            Moment::parse(revision).ok_or_else(|| Failure::bug(words))
        })
        .transpose()?;
    let fields = Fields::of(context)?;
    let now = read(context, &fields, &effect.what.subject)?;
    if holds(&now.snapshot, &effect.plan) {
        return Ok(receipt(&now.snapshot, &effect.plan));
    }
    if revision.is_some() && revision != now.snapshot.revision.as_deref() {
        return Err(moved(&now.snapshot));
    }
    write(context, "set-price", (&fields, &now), &effect.plan, since)
}

/// One attempt at taking `set-price` back. Other effects may have moved the record, so that there is no revision to hold
/// Salesforce to: the fields are compared just before they are written.
pub(crate) fn undo(context: &Context<'_>, effect: &Effect) -> Result<Receipt, Failure> {
    let fields = Fields::of(context)?;
    let now = read(context, &fields, &effect.what.subject)?;
    if holds(&now.snapshot, &effect.plan) {
        return Ok(receipt(&now.snapshot, &effect.plan));
    }
    write(context, "restore-price", (&fields, &now), &effect.plan, None)
}

/// The price itself says whether the effect, or what takes it back, landed.
pub(crate) fn probe(context: &Context<'_>, effect: &Effect) -> Result<Finding, Failure> {
    let now = fetch(context, &effect.what.subject)?;
    let is_there = holds(&now, &effect.plan);
    Ok(if is_there { Finding::Landed(receipt(&now, &effect.plan)) } else { Finding::Absent })
}

/// All fields in one request, and then what Salesforce says that it holds: a trigger may have had its own mind.
fn write(
    context: &Context<'_>,
    step: &str,
    (fields, now): (&Fields, &Opportunity),
    plan: &WritePlan,
    since: Option<Moment>,
) -> Result<Receipt, Failure> {
    // Moments are counted in seconds, so equal revisions are not trusted alone.
    let is_before = |now: &Snapshot, change: &Change| is_same(now.value(&change.name), &change.before);
    if !plan.changes.iter().all(|change| is_before(&now.snapshot, change)) {
        return Err(moved(&now.snapshot));
    }
    if plan.after("net_amount").is_some() {
        now.must_have_no_products()?;
    }
    let values = plan.changes.iter().map(|change| written(fields, &now.currency, change));
    let values = values.collect::<Result<BTreeMap<_, _>, Failure>>()?;
    let subject = &now.snapshot.subject;
    api::write(context, step, &[OBJECT, &subject.id], &values, since)
        .map_err(|failure| fields.named(failure))?;
    let after = read(context, fields, subject).map_err(|failure| api::unseen(&failure.detail().message))?;
    if plan.changes.iter().all(|change| is_before(&after.snapshot, change)) {
        return Err(api::unseen("the opportunity holds what it held before"));
    }
    Ok(receipt(&after.snapshot, plan))
}

/// A sealed change as Salesforce's field and value.
fn written(fields: &Fields, currency: &str, change: &Change) -> Result<(String, Box<RawValue>), Failure> {
    let unknown = || Failure::bug(format!("the plan writes `{}` as nothing that it can be", change.name));
    let field = match change.name.as_str() {
        "net_amount" => AMOUNT.to_owned(),
        "discount_percent" => fields.discount()?,
        _ => return Err(unknown()),
    };
    let value = match &change.after {
        Value::Absent => "null".to_owned(),
        Value::Money(amount) if change.name == "net_amount" => {
            must_be_in(&amount.currency, currency)?;
            kept(&amount.amount, &change.name)?
        }
        Value::Decimal(percent) if change.name == "discount_percent" => kept(percent, &change.name)?,
        _ => return Err(unknown()),
    };
    Ok((field, RawValue::from_string(value)?))
}

fn holds(now: &Snapshot, plan: &WritePlan) -> bool {
    plan.changes.iter().all(|change| is_same(now.value(&change.name), &change.after))
}

/// Whether two values are one. The host writes an amount with all digits of its currency, Salesforce without.
fn is_same(left: &Value, right: &Value) -> bool {
    let numbers = match (left, right) {
        (Value::Money(left), Value::Money(right)) if left.currency == right.currency => {
            (&left.amount, &right.amount)
        }
        (Value::Decimal(left), Value::Decimal(right)) => (left, right),
        _ => return left == right,
    };
    exact::plain(numbers.0).is_some_and(|left| exact::plain(numbers.1) == Some(left))
}

fn receipt(now: &Snapshot, plan: &WritePlan) -> Receipt {
    let applied =
        plan.changes.iter().map(|change| Field::new(&change.name, now.value(&change.name).clone())).collect();
    let mut receipt = Receipt::new(now.subject.clone(), applied);
    receipt.revision.clone_from(&now.revision);
    receipt
}

fn moved(now: &Snapshot) -> Failure {
    let conflict = Failure::conflict("moved", "the opportunity was changed by someone else in between");
    match &now.revision {
        Some(revision) => conflict.at_revision(revision),
        None => conflict,
    }
}

fn must_be_in(wanted: &str, held: &str) -> Result<(), Failure> {
    if wanted == held {
        return Ok(());
    }
    let words = format!("the opportunity is in {held}, and the approval in {wanted}");
    Err(Failure::rejected("other-currency", words).naming("net_amount"))
}

fn money(amount: &str, currency: &str) -> Result<Value, Failure> {
    Ok(Value::Money(Money::new(kept(amount, "net_amount")?, currency)))
}

fn kept(number: &str, field: &str) -> Result<String, Failure> {
    exact::kept(number).ok_or_else(|| {
        let words = format!("`{field}` has more digits than Salesforce keeps exactly, which are 15");
        Failure::rejected("not-exact", words).naming(field)
    })
}

impl Opportunity {
    /// An amount that is written to an opportunity with products is ignored without a word
    /// (<https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_opportunity.htm>).
    fn must_have_no_products(&self) -> Result<(), Failure> {
        if !self.has_products {
            return Ok(());
        }
        let words =
            "the opportunity has products, and Salesforce takes their sum for its amount; price the products";
        Err(Failure::rejected("has-products", words).naming("net_amount"))
    }
}
