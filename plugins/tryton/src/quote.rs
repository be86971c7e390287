//! Quotes: Tryton's sales (`sale.sale`) with the prices of their lines.
//!
//! A quote can be priced while it is a draft; Tryton refuses later changes itself. All prices
//! are written in one request, which is one transaction.

use crate::decimal::{Decimal, Wire};
use crate::rest;
use countersign_sdk::{
    Context, Effect, Failure, Field, Finding, Money, Proposal, Receipt, RecordRef, Snapshot, Value, WritePlan,
};
use serde::Deserialize;
use serde_json::json;

/// Tryton's name of the model.
pub(crate) const MODEL: &str = "sale.sale";

/// Prefix of the field that holds the unit price of one line; the line's id follows.
const UNIT_PRICE: &str = "unit_price/";

/// Most priced lines of a quote that can be told and priced; the host takes 500 fields.
const LINES_MAX: usize = 400;

/// A percentage is told with two digits, as policies count it.
const PERCENT_DIGITS: u32 = 2;

const FIELDS: &[&str] = &[
    "number",
    "state",
    "description",
    "party",
    "currency.code",
    "currency.digits",
    "company.currency.code",
    "untaxed_amount",
    "_timestamp",
    "lines.type",
    "lines.quantity",
    "lines.unit_price",
    "lines.base_price",
    "lines.product.cost_price",
    "lines._timestamp",
];

#[derive(Debug, Clone, Deserialize)]
struct Sale {
    id: i64,
    number: Option<String>,
    state: String,
    description: Option<String>,
    party: Option<i64>,
    currency: Currency,
    company: Option<Company>,
    untaxed_amount: Option<Wire>,
    #[serde(rename = "_timestamp")]
    timestamp: String,
    lines: Vec<Line>,
}

#[derive(Debug, Clone, Deserialize)]
struct Currency {
    code: String,
    #[serde(default = "two")]
    digits: u32,
}

#[derive(Debug, Clone, Deserialize)]
struct Company {
    currency: Currency,
}

#[derive(Debug, Clone, Deserialize)]
struct Line {
    id: i64,
    #[serde(rename = "type")]
    kind: String,
    quantity: Option<serde_json::Number>,
    unit_price: Option<Wire>,
    base_price: Option<Wire>,
    product: Option<Product>,
    #[serde(rename = "_timestamp")]
    timestamp: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Product {
    cost_price: Option<Wire>,
}

/// The numbers of one priced line.
struct Priced {
    id: i64,
    quantity: Decimal,
    price: Decimal,
    list_price: Option<Decimal>,
    cost: Option<Decimal>,
}

fn two() -> u32 {
    2
}

/// Reads a quote.
pub(crate) fn fetch(context: &Context<'_>, subject: &RecordRef) -> Result<Snapshot, Failure> {
    read(context, &subject.id)?.snapshot(context)
}

/// The newest change of a quote or of a line, and how many lines there are: a line that is taken away leaves no time
/// behind.
pub(crate) fn revision<'a>(
    own: &str,
    lines: impl ExactSizeIterator<Item = &'a str>,
) -> Result<String, Failure> {
    let (mut newest, count) = (Decimal::parse(own)?, lines.len());
    for line in lines {
        newest = newest.max(Decimal::parse(line)?);
    }
    Ok(format!("{newest}/{count}"))
}

/// What `set-price` would write: the price of each line, and what the quote comes to.
pub(crate) fn plan(context: &Context<'_>, what: &Proposal) -> Result<WritePlan, Failure> {
    let sale = read(context, &what.subject.id)?;
    let now = sale.snapshot(context)?;
    let discount = Decimal::parse(what.decimal("discount_percent")?)?;
    let wanted_net = what.money("net_amount")?;
    if wanted_net.currency != sale.currency.code {
        return Err(Failure::rejected(
            "other-currency",
            format!("the quote is in {}, and the approval in {}", sale.currency.code, wanted_net.currency),
        )
        .naming("net_amount"));
    }
    let prices = sale.prices_at(discount, price_digits(context)?)?;
    let net = sale.total(&prices)?;
    if net != Decimal::parse(&wanted_net.amount)? {
        return Err(Failure::rejected(
            "amount-mismatch",
            format!(
                "at {discount} % off the lines come to {net} {}, not to {wanted_net}",
                sale.currency.code
            ),
        )
        .naming("net_amount"));
    }
    let mut wanted = vec![
        Field::new("discount_percent", Value::Decimal(discount.to_string())),
        Field::new("net_amount", sale.money(net)?),
    ];
    for line in &prices {
        wanted.push(Field::new(format!("{UNIT_PRICE}{}", line.id), Value::Decimal(line.price.to_string())));
    }
    let plan = WritePlan::update(&now, &wanted);
    if !plan.changes.is_empty() {
        sale.must_be_draft()?;
    }
    Ok(plan)
}

/// One attempt at `set-price`.
pub(crate) fn apply(context: &Context<'_>, effect: &Effect) -> Result<Receipt, Failure> {
    let sale = read(context, &effect.what.subject.id)?;
    let now = sale.snapshot(context)?;
    if holds(&now, &effect.plan) {
        return Ok(receipt(&now, &effect.plan));
    }
    sale.must_be_draft()?;
    if effect.plan.revision.is_some() && effect.plan.revision != now.revision {
        let moved = Failure::conflict("moved", "the quote was changed by someone else since it was planned");
        return Err(match moved {
            Failure::Conflict { detail, .. } => Failure::Conflict { revision: now.revision, detail },
            other => other,
        });
    }
    write(context, "set-price", &sale, &effect.plan)
}

/// One attempt at taking `set-price` back: the prices are again what they were, unless somebody has changed them since.
pub(crate) fn undo(context: &Context<'_>, effect: &Effect) -> Result<Receipt, Failure> {
    let sale = read(context, &effect.what.subject.id)?;
    let now = sale.snapshot(context)?;
    if holds(&now, &effect.plan) {
        return Ok(receipt(&now, &effect.plan));
    }
    sale.must_be_draft()?;
    if let Some(moved) = effect.plan.changes.iter().find(|change| *now.value(&change.name) != change.before) {
        return Err(Failure::conflict(
            "moved",
            format!("`{}` of the quote was changed by someone else since it was priced", moved.name),
        ));
    }
    write(context, "restore-price", &sale, &effect.plan)
}

/// All lines in one request.
fn write(context: &Context<'_>, step: &str, sale: &Sale, plan: &WritePlan) -> Result<Receipt, Failure> {
    let values = json!({"lines": written_lines(plan)?});
    let id = sale.id.to_string();
    let written: Sale = rest::update(context, step, (MODEL, &id), &values, FIELDS)?;
    Ok(receipt(&written.snapshot(context)?, plan))
}

/// The prices themselves say whether the effect, or what takes it back, landed.
pub(crate) fn probe(context: &Context<'_>, effect: &Effect) -> Result<Finding, Failure> {
    let now = fetch(context, &effect.what.subject)?;
    if holds(&now, &effect.plan) {
        Ok(Finding::Landed(receipt(&now, &effect.plan)))
    } else {
        Ok(Finding::Absent)
    }
}

fn read(context: &Context<'_>, id: &str) -> Result<Sale, Failure> {
    rest::record(context, MODEL, id, FIELDS)
}

/// Tryton's orders to its lines, from the sealed changes.
fn written_lines(plan: &WritePlan) -> Result<Vec<serde_json::Value>, Failure> {
    let mut lines = Vec::new();
    for change in &plan.changes {
        let Some(line) = change.name.strip_prefix(UNIT_PRICE) else { continue };
        let line: i64 = line.parse()?;
        let Value::Decimal(price) = &change.after else {
            return Err(Failure::bug(format!("the planned price of line {line} is no decimal number")));
        };
        lines.push(json!(["write", [line], {"unit_price": Wire::new(price)}]));
    }
    Ok(lines)
}

fn holds(now: &Snapshot, plan: &WritePlan) -> bool {
    plan.changes.iter().all(|change| *now.value(&change.name) == change.after)
}

fn receipt(now: &Snapshot, plan: &WritePlan) -> Receipt {
    let applied =
        plan.changes.iter().map(|change| Field::new(&change.name, now.value(&change.name).clone())).collect();
    let mut receipt = Receipt::new(now.subject.clone(), applied);
    receipt.revision.clone_from(&now.revision);
    receipt
}

fn price_digits(context: &Context<'_>) -> Result<u32, Failure> {
    let text = context.setting("price-digits").unwrap_or_else(|| "4".to_owned());
    match text.parse() {
        Ok(digits) if digits <= 8 => Ok(digits),
        Ok(_) | Err(_) => Err(Failure::rejected(
            "bad-setting",
            format!("the setting `price-digits` is `{text}`; it must be a number from 0 to 8"),
        )),
    }
}

impl Sale {
    fn snapshot(&self, context: &Context<'_>) -> Result<Snapshot, Failure> {
        let lines = self.priced()?;
        let net = self.net(&lines)?;
        let mut fields = vec![
            Field::new("number", Value::text_or_absent(self.number.as_deref())),
            Field::new("state", Value::Text(self.state.clone())),
            Field::new(
                "account",
                self.party.map_or(Value::Absent, |party| {
                    Value::Reference(RecordRef::new("account", party.to_string()))
                }),
            ),
            Field::new("description", Value::text_or_absent(self.description.as_deref())),
            Field::new("renewal", Value::Flag(self.is_renewal(context))),
            Field::new(
                "list_amount",
                self.list_amount(&lines)?.map_or(Ok(Value::Absent), |sum| self.money(sum))?,
            ),
            Field::new("net_amount", self.money(net)?),
            Field::new("discount_percent", percent(self.discount(&lines)?)),
            Field::new("margin", percent(self.margin(&lines, net)?)),
        ];
        // A longer quote still tells what policies ask of it; pricing it is refused.
        for line in lines.iter().filter(|_| lines.len() <= LINES_MAX) {
            let price = Value::Decimal(line.price.to_string());
            fields.push(Field::new(format!("{UNIT_PRICE}{}", line.id), price));
        }
        Ok(Snapshot {
            subject: RecordRef::new("quote", self.id.to_string()),
            revision: Some(self.revision()?),
            url: None,
            fields,
        })
    }

    fn revision(&self) -> Result<String, Failure> {
        revision(&self.timestamp, self.lines.iter().map(|line| line.timestamp.as_str()))
    }

    fn must_be_draft(&self) -> Result<(), Failure> {
        if self.state == "draft" {
            return Ok(());
        }
        Err(Failure::rejected(
            "not-draft",
            format!(
                "the quote is in the state `{}`, and only a draft can be priced; set it back to draft",
                self.state
            ),
        ))
    }

    fn is_renewal(&self, context: &Context<'_>) -> bool {
        let word = context.setting("renewal-word").unwrap_or_else(|| "renewal".to_owned()).to_lowercase();
        let description = self.description.as_deref().unwrap_or_default().trim().to_lowercase();
        !word.is_empty() && description.starts_with(&word)
    }

    /// The lines that have a price; titles, comments and subtotals have none.
    fn priced(&self) -> Result<Vec<Priced>, Failure> {
        let mut lines = Vec::new();
        for line in self.lines.iter().filter(|line| line.kind == "line") {
            let read = |wire: &Option<Wire>| wire.as_ref().map(Wire::read).transpose();
            let quantity = line
                .quantity
                .as_ref()
                .map_or(Ok(Decimal::ZERO), |number| Decimal::parse(&number.to_string()))?;
            lines.push(Priced {
                id: line.id,
                quantity,
                price: read(&line.unit_price)?.unwrap_or(Decimal::ZERO),
                list_price: read(&line.base_price)?,
                cost: line.product.as_ref().map_or(Ok(None), |product| read(&product.cost_price))?,
            });
        }
        lines.sort_by_key(|line| line.id);
        Ok(lines)
    }

    /// The lines with `discount` percent off their list prices.
    fn prices_at(&self, discount: Decimal, digits: u32) -> Result<Vec<Priced>, Failure> {
        let share = Decimal::HUNDRED.minus(discount)?;
        let mut lines = self.priced()?;
        if lines.len() > LINES_MAX {
            return Err(Failure::rejected(
                "too-many-lines",
                format!(
                    "the quote has {} priced lines, and at most {LINES_MAX} can be priced here",
                    lines.len()
                ),
            ));
        }
        for line in &mut lines {
            let Some(list_price) = line.list_price.filter(|price| price.is_positive()) else {
                return Err(Failure::rejected(
                    "no-list-price",
                    format!("line {} of the quote has no list price to take a discount from", line.id),
                ));
            };
            let price = list_price.times(share)?.over(Decimal::HUNDRED, digits)?;
            line.price = price.unwrap_or(Decimal::ZERO);
        }
        let told = self.discount(&lines)?;
        if lines.is_empty() || told != Some(discount) {
            return Err(Failure::rejected(
                "not-exact",
                format!(
                    "the prices of the lines cannot say {discount} % off exactly; they would say {}",
                    told.map_or_else(|| "nothing".to_owned(), |told| format!("{told} %"))
                ),
            )
            .naming("discount_percent"));
        }
        Ok(lines)
    }

    /// What Tryton says the quote comes to without tax; else the sum of the lines.
    fn net(&self, lines: &[Priced]) -> Result<Decimal, Failure> {
        match &self.untaxed_amount {
            Some(amount) => amount.read(),
            None => self.total(lines),
        }
    }

    /// The sum of the lines, each rounded to the currency as Tryton does.
    fn total(&self, lines: &[Priced]) -> Result<Decimal, Failure> {
        lines.iter().try_fold(Decimal::ZERO, |sum, line| {
            sum.plus(line.quantity.times(line.price)?.rounded(self.currency.digits)?)
        })
    }

    /// The sum of the lines at list price; `None` when a line has none.
    fn list_amount(&self, lines: &[Priced]) -> Result<Option<Decimal>, Failure> {
        sum_of(lines, |line| line.list_price)
    }

    /// Percent off the list price of the whole quote.
    fn discount(&self, lines: &[Priced]) -> Result<Option<Decimal>, Failure> {
        let Some(list) = self.list_amount(lines)? else { return Ok(None) };
        let Some(asked) = sum_of(lines, |line| Some(line.price))? else { return Ok(None) };
        Decimal::HUNDRED.times(list.minus(asked)?)?.over(list, PERCENT_DIGITS)
    }

    /// Percent of the net amount that is left over the cost. Costs are in the company's currency,
    /// so a quote in another one has no margin here.
    fn margin(&self, lines: &[Priced], net: Decimal) -> Result<Option<Decimal>, Failure> {
        if self.company.as_ref().is_none_or(|company| company.currency.code != self.currency.code) {
            return Ok(None);
        }
        let Some(cost) = sum_of(lines, |line| line.cost)? else { return Ok(None) };
        Decimal::HUNDRED.times(net.minus(cost)?)?.over(net, PERCENT_DIGITS)
    }

    fn money(&self, amount: Decimal) -> Result<Value, Failure> {
        Ok(Value::Money(Money::new(amount.fixed(self.currency.digits)?, &self.currency.code)))
    }
}

/// The sum of quantity times something, `None` when a line lacks it.
fn sum_of(lines: &[Priced], of: impl Fn(&Priced) -> Option<Decimal>) -> Result<Option<Decimal>, Failure> {
    let mut sum = Decimal::ZERO;
    for line in lines {
        let Some(each) = of(line) else { return Ok(None) };
        sum = sum.plus(line.quantity.times(each)?)?;
    }
    Ok(Some(sum))
}

fn percent(number: Option<Decimal>) -> Value {
    number.map_or(Value::Absent, |number| Value::Decimal(number.to_string()))
}
