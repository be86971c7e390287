//! `create-refund`: money back for one payment.

use crate::amount::{minor, money, positive_in};
use crate::api::{self, EFFECT_FIELD, Search};
use crate::operations::Kind;
use crate::records::{charge, is_intent, optional_reference, subject};
use crate::shapes::{Refund, is_of_effect, value};
use countersign_sdk::{
    Context, Effect, Failure, Field, Finding, Proposal, Receipt, Snapshot, Value, WritePlan,
};

/// Our reason codes, each with Stripe's own reason of a refund.
const REASONS: [(&str, &str); 5] = [
    ("duplicate", "duplicate"),
    ("defect", "requested_by_customer"),
    ("goodwill", "requested_by_customer"),
    ("cancellation", "requested_by_customer"),
    ("error", "requested_by_customer"),
];

/// Stripe's reason for one of our reason codes.
fn reason_at_stripe(what: &Proposal) -> Result<&'static str, Failure> {
    let reason = what.text("reason")?;
    REASONS.iter().find(|(ours, _)| *ours == reason).map(|(_, stripes)| *stripes).ok_or_else(|| {
        let message =
            format!("the reason `{reason}` is none of duplicate, defect, goodwill, cancellation, error");
        Failure::rejected("bad-input", message).naming("reason")
    })
}

pub(crate) fn plan(context: &Context<'_>, what: &Proposal) -> Result<WritePlan, Failure> {
    let charge = charge(context, &what.subject.id)?;
    let amount = positive_in(what.money("amount")?, &charge.currency, "amount")?;
    reason_at_stripe(what)?;
    what.optional_text("invoice_id")?;
    if charge.disputed {
        let message = format!("the payment `{}` is disputed: the dispute decides about its money", charge.id);
        return Err(Failure::rejected("charge-disputed", message));
    }
    if charge.status != "succeeded" {
        let message = format!("the payment `{}` did not succeed", charge.id);
        return Err(Failure::rejected("not-charged", message));
    }
    let left = charge.amount.saturating_sub(charge.amount_refunded);
    if left < amount {
        let message = format!("only {} {} of the payment are left to give back", left, charge.currency);
        return Err(Failure::rejected("more-than-left", message).naming("amount"));
    }
    let mut plan = WritePlan::creation(what);
    for change in &mut plan.changes {
        if change.name == "amount" {
            change.after = money(amount, &charge.currency);
        }
    }
    Ok(plan)
}

pub(crate) fn apply(context: &Context<'_>, effect: &Effect) -> Result<Receipt, Failure> {
    // The key makes a repeat harmless at Stripe. The look makes it harmless also at servers that
    // take the key and ignore it.
    if 1 < effect.attempt
        && let Search::Found(refund) = search(context, effect)?
    {
        return receipt(effect, &refund);
    }
    let what = effect.sealed();
    let payment = &effect.plan.subject.id;
    let mut form = vec![
        (if is_intent(payment) { "payment_intent" } else { "charge" }, payment.clone()),
        ("amount", minor(what.money("amount")?)?.to_string()),
        (EFFECT_FIELD, effect.effect_id.clone()),
        ("metadata[reason]", what.text("reason")?.to_owned()),
    ];
    if let Some(invoice) = what.optional_text("invoice_id")? {
        form.push(("metadata[invoice_id]", invoice.to_owned()));
    }
    let stripes = reason_at_stripe(&what)?;
    if context.setting("refund-reason").as_deref() != Some("metadata") {
        form.push(("reason", stripes.to_owned()));
    }
    let answer = api::settled(api::post(context, &["refunds"], &form).step("create-refund")?)?;
    let mut receipt = receipt(effect, &answer.json()?)?;
    receipt.vendor_request_id = answer.request_id().map(ToOwned::to_owned);
    Ok(receipt)
}

/// The refund that the effect made, if it made one.
fn search(context: &Context<'_>, effect: &Effect) -> Result<Search<Refund>, Failure> {
    let payment = effect.plan.subject.id.as_str();
    let filter = if is_intent(payment) { "payment_intent" } else { "charge" };
    let ours = |refund: &Refund| is_of_effect(refund.metadata.as_ref(), &effect.effect_id);
    api::find(context, "refunds", (filter, payment), |refund: &Refund| &refund.id, ours)
}

pub(crate) fn probe(context: &Context<'_>, effect: &Effect) -> Result<Finding, Failure> {
    match search(context, effect)? {
        Search::Found(refund) => receipt(effect, &refund).map(Finding::Landed),
        Search::Nowhere => Ok(Finding::Absent),
        Search::TooLong => Ok(Finding::Unknown),
    }
}

fn fields(refund: &Refund) -> Vec<Field> {
    let metadata = refund.metadata.as_ref();
    let payment = refund.payment_intent.as_ref().or(refund.charge.as_ref());
    vec![
        Field::new("amount", money(refund.amount, &refund.currency)),
        Field::new("reason", Value::text_or_absent(value(metadata, "reason").or(refund.reason.as_deref()))),
        Field::new("invoice_id", Value::text_or_absent(value(metadata, "invoice_id"))),
        Field::new("payment", optional_reference(Kind::Payment, payment.map(|link| link.id()))),
        Field::new("status", Value::text_or_absent(refund.status.as_deref())),
    ]
}

fn receipt(effect: &Effect, refund: &Refund) -> Result<Receipt, Failure> {
    if matches!(refund.status.as_deref(), Some("failed" | "canceled")) {
        let message = format!("Stripe could not give the money back: the refund `{}` failed", refund.id);
        return Err(Failure::rejected("refund-failed", message));
    }
    let held = fields(refund);
    let planned = |field: &Field| effect.plan.after(&field.name).is_some();
    let applied = held.into_iter().filter(planned).collect();
    Ok(Receipt::new(subject(Kind::Refund, &refund.id), applied))
}

pub(crate) fn fetch(context: &Context<'_>, id: &str) -> Result<Snapshot, Failure> {
    let refund: Refund = api::record(context, &["refunds", id])?;
    Ok(Snapshot { subject: subject(Kind::Refund, id), revision: None, url: None, fields: fields(&refund) })
}
