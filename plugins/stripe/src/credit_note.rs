//! `create-credit-note`: an invoice owes less, or was worth less than was paid.

use crate::amount::{minor, money, positive_in};
use crate::api::{self, EFFECT_FIELD, Search};
use crate::operations::Kind;
use crate::records::{reference, subject};
use crate::shapes::{CreditNote, Invoice, dashboard, is_of_effect, value};
use countersign_sdk::{
    Change, Context, Effect, Failure, Field, Finding, Proposal, Receipt, Snapshot, Value, WritePlan,
};

/// Our reason codes, each with Stripe's own reason of a credit note where it has one.
const REASONS: [(&str, Option<&str>); 5] = [
    ("duplicate", Some("duplicate")),
    ("defect", Some("product_unsatisfactory")),
    ("goodwill", None),
    ("cancellation", Some("order_change")),
    ("error", None),
];

fn reason_at_stripe(what: &Proposal) -> Result<Option<&'static str>, Failure> {
    let reason = what.text("reason")?;
    REASONS.iter().find(|(ours, _)| *ours == reason).map(|(_, stripes)| *stripes).ok_or_else(|| {
        let message =
            format!("the reason `{reason}` is none of duplicate, defect, goodwill, cancellation, error");
        Failure::rejected("bad-input", message).naming("reason")
    })
}

/// What goes beyond the open rest of the invoice becomes a credit of the customer. It is part of
/// the plan, so that the same amount is written whatever happens to the invoice in between.
pub(crate) fn plan(context: &Context<'_>, what: &Proposal) -> Result<WritePlan, Failure> {
    let invoice: Invoice = api::record(context, &["invoices", &what.subject.id])?;
    let amount = positive_in(what.money("amount")?, &invoice.currency, "amount")?;
    reason_at_stripe(what)?;
    if !matches!(invoice.status.as_deref(), Some("open" | "paid")) {
        let message = format!("the invoice `{}` is neither open nor paid", invoice.id);
        return Err(Failure::rejected("not-final", message));
    }
    if invoice.total < amount {
        let message = format!("the invoice `{}` is over less than that", invoice.id);
        return Err(Failure::rejected("more-than-total", message).naming("amount"));
    }
    let mut plan = WritePlan::creation(what);
    for change in &mut plan.changes {
        if change.name == "amount" {
            change.after = money(amount, &invoice.currency);
        }
    }
    let beyond = amount.saturating_sub(invoice.amount_remaining.max(0)).max(0);
    if 0 < beyond {
        let credit = money(beyond, &invoice.currency);
        plan.changes.push(Change::new("balance_credit", Value::Absent, credit));
        plan.remarks
            .push("the customer's balance is credited, and the next invoice is lower by it".to_owned());
    }
    Ok(plan)
}

pub(crate) fn apply(context: &Context<'_>, effect: &Effect) -> Result<Receipt, Failure> {
    if 1 < effect.attempt
        && let Search::Found(note) = search(context, effect)?
    {
        return receipt(effect, &note);
    }
    let what = effect.sealed();
    let mut form = vec![
        ("invoice", effect.plan.subject.id.clone()),
        ("amount", minor(what.money("amount")?)?.to_string()),
        (EFFECT_FIELD, effect.effect_id.clone()),
        ("metadata[reason]", what.text("reason")?.to_owned()),
    ];
    if let Some(reason) = reason_at_stripe(&what)? {
        form.push(("reason", reason.to_owned()));
    }
    if let Value::Money(credit) = what.value("balance_credit") {
        form.push(("credit_amount", minor(credit)?.to_string()));
    }
    let answer = api::settled(api::post(context, &["credit_notes"], &form).step("create-credit-note")?)?;
    let mut receipt = receipt(effect, &answer.json()?)?;
    receipt.vendor_request_id = answer.request_id().map(ToOwned::to_owned);
    Ok(receipt)
}

fn search(context: &Context<'_>, effect: &Effect) -> Result<Search<CreditNote>, Failure> {
    let filter = ("invoice", effect.plan.subject.id.as_str());
    let ours = |note: &CreditNote| is_of_effect(note.metadata.as_ref(), &effect.effect_id);
    api::find(context, "credit_notes", filter, |note: &CreditNote| &note.id, ours)
}

pub(crate) fn probe(context: &Context<'_>, effect: &Effect) -> Result<Finding, Failure> {
    match search(context, effect)? {
        Search::Found(note) => receipt(effect, &note).map(Finding::Landed),
        Search::Nowhere => Ok(Finding::Absent),
        Search::TooLong => Ok(Finding::Unknown),
    }
}

fn fields(note: &CreditNote) -> Vec<Field> {
    let reason = value(note.metadata.as_ref(), "reason").or(note.reason.as_deref());
    let credit = match note.post_payment_amount {
        0 => Value::Absent,
        amount => money(amount, &note.currency),
    };
    vec![
        Field::new("amount", money(note.amount, &note.currency)),
        Field::new("reason", Value::text_or_absent(reason)),
        Field::new("balance_credit", credit),
        Field::new("invoice", reference(Kind::Invoice, note.invoice.id())),
        Field::new("status", Value::text_or_absent(note.status.as_deref())),
    ]
}

fn receipt(effect: &Effect, note: &CreditNote) -> Result<Receipt, Failure> {
    if note.status.as_deref() == Some("void") {
        return Err(Failure::rejected("voided", format!("the credit note `{}` was voided", note.id)));
    }
    let planned = |field: &Field| effect.plan.after(&field.name).is_some();
    let applied = fields(note).into_iter().filter(planned).collect();
    let mut receipt = Receipt::new(subject(Kind::CreditNote, &note.id), applied);
    receipt.url = dashboard(note.livemode, "invoices", note.invoice.id());
    Ok(receipt)
}

pub(crate) fn fetch(context: &Context<'_>, id: &str) -> Result<Snapshot, Failure> {
    let note: CreditNote = api::record(context, &["credit_notes", id])?;
    let url = dashboard(note.livemode, "invoices", note.invoice.id());
    Ok(Snapshot { subject: subject(Kind::CreditNote, id), revision: None, url, fields: fields(&note) })
}
