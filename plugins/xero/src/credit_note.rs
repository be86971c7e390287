//! `create-credit-note`: an invoice was worth less.
//! Source: https://developer.xero.com/documentation/api/accounting/creditnotes

use crate::amount::{Cents, positive, positive_in};
use crate::date::{self, Day};
use crate::invoice::{self, Invoice};
use crate::kept::{self, Kept};
use crate::{CREDIT_NOTE, api, input};
use countersign_sdk::{
    Context, Effect, Failure, Field, Proposal, Receipt, RecordRef, Snapshot, Value, WritePlan,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Longest description of a line, in characters.
const REASON_CHARACTERS_MAX: usize = 4_000;

/// Longest number of an invoice, in characters, that has room in a reference of 255 beside the id of the effect.
const NUMBER_CHARACTERS_MAX: usize = 180;

pub(crate) fn plan(context: &Context<'_>, what: &Proposal, now_ms: u64) -> Result<WritePlan, Failure> {
    let reason = input::line(what, "reason", REASON_CHARACTERS_MAX)?;
    let invoice = invoice::read(context, &what.subject.id)?;
    let amount = positive_in(what, &invoice.currency_code)?;
    if let Some((code, message)) = invoice.refusal(amount) {
        return Err(Failure::rejected(code, message));
    }
    if NUMBER_CHARACTERS_MAX < invoice.number.chars().count() {
        let message = format!("the number of the invoice has more than {NUMBER_CHARACTERS_MAX} characters");
        return Err(Failure::rejected("bad-number", message));
    }
    let approved = input::is_final(context)?;
    let text = |words: &str| Value::Text(words.to_owned());
    let mut fields = vec![
        Field::new("amount", amount.value(&invoice.currency_code)),
        Field::new("reason", text(reason)),
        Field::new("account", text(&chosen(what, "account", invoice.account())?)),
    ];
    if !invoice.is_without_tax() {
        fields.push(Field::new("tax_type", text(&chosen(what, "tax_type", invoice.tax_type())?)));
    }
    fields.extend([
        Field::new("invoice_number", text(&invoice.number)),
        Field::new("contact", text(&invoice.contact.id)),
        Field::new("date", Value::Date(date::today(now_ms))),
        Field::new("approved", Value::Flag(approved)),
    ]);
    let mut plan = WritePlan::creation(&Proposal { fields, ..what.clone() });
    plan.remarks.push(if approved {
        "the credit is the customer's until somebody allocates it to the invoice or pays it out in Xero"
            .to_owned()
    } else {
        "the credit note is a draft until somebody approves it in Xero".to_owned()
    });
    Ok(plan)
}

/// What was asked for, else what all lines of the invoice have.
fn chosen(what: &Proposal, name: &str, of_invoice: Option<&str>) -> Result<String, Failure> {
    let asked = what.optional_text(name)?.filter(|asked| !asked.is_empty());
    asked.or(of_invoice).map(ToOwned::to_owned).ok_or_else(|| {
        let message = format!("the lines of the invoice have no common `{name}`: say which");
        Failure::rejected("ambiguous", message).naming(name)
    })
}

pub(crate) fn apply(context: &Context<'_>, effect: &Effect) -> Result<Receipt, Failure> {
    let what = effect.sealed();
    kept::attempt::<CreditNote, _>(context, effect, "create-credit-note", || {
        let amount = positive(&what)?;
        still_creditable(&invoice::read(context, &effect.plan.subject.id)?, amount)?;
        let tax_type = what.optional_text("tax_type")?.map(ToOwned::to_owned);
        let note = NewNote {
            r#type: "ACCRECCREDIT",
            contact: NewContact { id: what.text("contact")?.to_owned() },
            date: input::date(&what, "date")?.to_owned(),
            status: if input::flag(&what, "approved")? { "AUTHORISED" } else { "DRAFT" },
            currency_code: what.money("amount")?.currency.clone(),
            reference: kept::marked(what.text("invoice_number")?, effect),
            // The amount is what the customer gets, tax included.
            line_amount_types: if tax_type.is_some() { "Inclusive" } else { "NoTax" },
            line_items: [NewLine {
                description: what.text("reason")?.to_owned(),
                quantity: 1,
                unit_amount: amount.number()?,
                account_code: what.text("account")?.to_owned(),
                tax_type,
            }],
        };
        Ok(NewNotes { credit_notes: [note] })
    })
}

/// Xero does not know what a credit note is for, so it would take one for an invoice that was voided since the plan.
fn still_creditable(invoice: &Invoice, amount: Cents) -> Result<(), Failure> {
    match invoice.refusal(amount) {
        None => Ok(()),
        Some((code, message)) => Err(Failure::conflict(code, message)),
    }
}

pub(crate) fn fetch(context: &Context<'_>, subject: &RecordRef) -> Result<Snapshot, Failure> {
    let note: CreditNote = api::record(context, CreditNote::LIST, &subject.id)?;
    Ok(kept::snapshot(subject, &note, &note.currency_code))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NewNotes {
    credit_notes: [NewNote; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NewNote {
    r#type: &'static str,
    contact: NewContact,
    date: String,
    status: &'static str,
    currency_code: String,
    reference: String,
    line_amount_types: &'static str,
    line_items: [NewLine; 1],
}

/// The id alone: with anything else the contact would be changed.
#[derive(Serialize)]
struct NewContact {
    #[serde(rename = "ContactID")]
    id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NewLine {
    description: String,
    quantity: u32,
    unit_amount: Box<RawValue>,
    account_code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tax_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreditNote {
    #[serde(rename = "CreditNoteID")]
    id: String,
    #[serde(rename = "CreditNoteNumber")]
    number: Option<String>,
    #[serde(default)]
    reference: String,
    contact: invoice::Contact,
    date: Day,
    status: String,
    currency_code: String,
    total: Cents,
    remaining_credit: Option<Cents>,
    line_amount_types: String,
    line_items: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Line {
    description: Option<String>,
    account_code: Option<String>,
    tax_type: Option<String>,
}

impl Kept for CreditNote {
    const KIND: &'static str = CREDIT_NOTE;
    const LIST: &'static str = "CreditNotes";
    const ID: &'static str = "CreditNoteID";
    const WORDS: &'static str = "invoice_number";

    fn id(&self) -> &str {
        &self.id
    }

    fn words(&self) -> &str {
        &self.reference
    }

    fn status(&self) -> &str {
        &self.status
    }

    fn fields(&self, _: &str) -> Vec<Field> {
        let amount = |cents: Cents| cents.value(&self.currency_code);
        // Several lines are none of ours.
        let line = match self.line_items.as_slice() {
            [line] => Some(line),
            _ => None,
        };
        let of_line = |part: fn(&Line) -> Option<&str>| Value::text_or_absent(line.and_then(part));
        let tax = if self.line_amount_types == "NoTax" {
            Value::Absent
        } else {
            of_line(|line| line.tax_type.as_deref())
        };
        vec![
            Field::new("amount", amount(self.total)),
            Field::new("reason", of_line(|line| line.description.as_deref())),
            Field::new("account", of_line(|line| line.account_code.as_deref())),
            Field::new("tax_type", tax),
            Field::new("invoice_number", Value::text_or_absent(Some(kept::plain(&self.reference)))),
            Field::new("contact", Value::text_or_absent(Some(&self.contact.id))),
            Field::new("date", self.date.value()),
            Field::new("approved", Value::Flag(matches!(self.status.as_str(), "AUTHORISED" | "PAID"))),
            Field::new("number", Value::text_or_absent(self.number.as_deref())),
            Field::new("status", Value::text_or_absent(Some(&self.status))),
            Field::new("remaining_credit", self.remaining_credit.map_or(Value::Absent, amount)),
        ]
    }
}
