//! Sales invoices, as far as a credit note depends on them.
//! Source: https://developer.xero.com/documentation/api/accounting/invoices

use crate::amount::Cents;
use crate::api;
use crate::date::Day;
use countersign_sdk::{Context, Failure, Field, RecordRef, Snapshot, Value};
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Invoice {
    r#type: String,
    #[serde(rename = "InvoiceNumber", default)]
    pub(crate) number: String,
    status: String,
    pub(crate) contact: Contact,
    pub(crate) currency_code: String,
    date: Option<Day>,
    total: Cents,
    amount_due: Cents,
    amount_paid: Cents,
    amount_credited: Cents,
    line_amount_types: String,
    #[serde(default)]
    line_items: Vec<Line>,
}

#[derive(Deserialize)]
pub(crate) struct Contact {
    #[serde(rename = "ContactID")]
    pub(crate) id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Line {
    account_code: Option<String>,
    tax_type: Option<String>,
}

/// The invoice with this id or number.
pub(crate) fn read(context: &Context<'_>, id: &str) -> Result<Invoice, Failure> {
    api::record(context, "Invoices", id)
}

pub(crate) fn fetch(context: &Context<'_>, subject: &RecordRef) -> Result<Snapshot, Failure> {
    let invoice = read(context, &subject.id)?;
    let amount = |cents: Cents| cents.value(&invoice.currency_code);
    let fields = vec![
        Field::new("number", Value::text_or_absent(Some(&invoice.number))),
        Field::new("type", Value::text_or_absent(Some(&invoice.r#type))),
        Field::new("status", Value::text_or_absent(Some(&invoice.status))),
        Field::new("contact", Value::text_or_absent(Some(&invoice.contact.id))),
        Field::new("date", invoice.date.as_ref().map_or(Value::Absent, Day::value)),
        Field::new("total", amount(invoice.total)),
        Field::new("amount_due", amount(invoice.amount_due)),
        Field::new("amount_paid", amount(invoice.amount_paid)),
        Field::new("amount_credited", amount(invoice.amount_credited)),
    ];
    Ok(Snapshot { subject: subject.clone(), revision: None, url: None, fields })
}

impl Invoice {
    /// Why so much of it cannot be credited: a code and a message.
    pub(crate) fn refusal(&self, amount: Cents) -> Option<(&'static str, String)> {
        let number = &self.number;
        let left = self.total.0.saturating_sub(self.amount_credited.0);
        if self.r#type != "ACCREC" {
            return Some(("not-a-sale", format!("`{number}` is a bill, and no sales invoice")));
        }
        if !matches!(self.status.as_str(), "AUTHORISED" | "PAID") {
            return Some(("not-final", format!("the invoice `{number}` is {}", self.status.to_lowercase())));
        }
        (left < amount.0).then(|| {
            ("more-than-left", format!("less than that of the invoice `{number}` is left to credit"))
        })
    }

    pub(crate) fn is_without_tax(&self) -> bool {
        self.line_amount_types == "NoTax"
    }

    /// The one account of all lines, and the one kind of tax. A line without an account is mere text.
    pub(crate) fn account(&self) -> Option<&str> {
        one(self.lines().filter_map(|line| line.account_code.as_deref()))
    }

    pub(crate) fn tax_type(&self) -> Option<&str> {
        one(self.lines().map(|line| line.tax_type.as_deref().unwrap_or_default()))
            .filter(|tax| !tax.is_empty())
    }

    fn lines(&self) -> impl Iterator<Item = &Line> {
        self.line_items.iter().filter(|line| line.account_code.is_some())
    }
}

/// The one text that all of them are.
fn one<'t>(texts: impl Iterator<Item = &'t str>) -> Option<&'t str> {
    let mut different: BTreeSet<&str> = texts.collect();
    different.pop_first().filter(|_| different.is_empty())
}
