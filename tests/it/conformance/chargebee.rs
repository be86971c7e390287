//! What a stand-in for Chargebee answers is recorded and certifies; and what no recording shows: its refusals, and what
//! cannot be known of a refund.

use super::scripted::{World, case, proposal};
use super::{asked, connection, money, recorded};
use anyhow::{Result, bail, ensure};
use countersign_core::effect::attempt::{Ended, Failure, Finding, Guarantee};
use countersign_core::effect::plan::{Proposal, WritePlan};
use countersign_core::id::EffectId;
use countersign_core::money::{Currency, Money};
use countersign_core::record::{RecordRef, Value};
use countersign_engine::port::connectors::{Call, Connectors as _};
use countersign_tests::servers::Vendor;
use serde_json::{Value as Json, json};

const SUBSCRIPTION: &str = "/subscriptions/s1";
const UPDATE: &str = "/subscriptions/s1/update_for_items";
const INVOICE: &str = "/invoices/i1";
const REFUND: &str = "/invoices/i1/refund";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_chargebee_answers_is_recorded_and_certifies() -> Result<()> {
    let vendor = tokio::task::spawn_blocking(|| Vendor::start("chargebee")).await??;
    let about = "Recorded at a stand-in made from what Chargebee publishes.";
    let price = |amount: &str| {
        json!([
            {"name": "unit_price", "value": money(amount, "USD")},
            {"name": "prorate", "value": {"flag": false}},
        ])
    };
    let credit = |amount: &str, currency: &str, reason: &str| {
        json!([
            {"name": "amount", "value": money(amount, currency)},
            {"name": "reason", "value": {"text": reason}},
        ])
    };
    let moved = |mut cassette: Json, rival: Json| {
        cassette["rival"] = rival;
        cassette
    };
    let of =
        |operation: &str, kind: &str, id: &str, fields: &Json| asked(about, operation, (kind, id), fields);
    let noted = of("create-credit-note", "invoice", "inv_open_2", &credit("200.50", "USD", "error"));
    let mut note = of("create-credit-note", "invoice", "inv_open_1", &credit("200.50", "USD", "error"));
    note["settings"] = json!({"reason-codes": "error = Billing error"});
    let priced = of("set-price", "subscription", "sub_2", &price("75.00"));
    let refunded = of("create-refund", "invoice", "inv_paid_1", &credit("40.00", "USD", "goodwill"));
    let all = vec![
        ("credit-note-that-moved", moved(noted, credit("300.00", "USD", "error"))),
        ("credit-note", note),
        ("price-that-moved", moved(priced, price("80.00"))),
        ("price", of("set-price", "subscription", "sub_1", &price("75.00"))),
        ("refund-that-moved", moved(refunded, credit("50.00", "USD", "goodwill"))),
        ("refund", of("create-refund", "invoice", "inv_paid_2", &credit("40000", "JPY", "goodwill"))),
    ];
    let base = format!("{}/api/v2", vendor.base_url());
    recorded("chargebee", connection("chargebee", &base, "test_stand_in:")?, all).await?;
    let state = tokio::task::spawn_blocking(move || vendor.state()).await??;
    // The rivals' price and ours, each once; the quantity of the plan is what it was.
    let updates = json!([
        {"subscription": "sub_2", "unit_price": 8_000, "prorate": "false"},
        {"subscription": "sub_1", "unit_price": 7_500, "prorate": "false"},
    ]);
    assert_eq!(state["updates"], updates);
    let plan = &state["subscriptions"]["sub_1"]["subscription_items"][0];
    assert_eq!((&plan["unit_price"], &plan["quantity"]), (&json!(7_500), &json!(750)));
    let of_invoice = |id: &str| -> Vec<Json> {
        let notes = state["credit_notes"].as_object().into_iter().flat_map(serde_json::Map::values);
        notes.filter(|note| note["reference_invoice_id"] == id).map(|note| note["total"].clone()).collect()
    };
    for (id, total) in
        [("inv_open_1", 20_050), ("inv_open_2", 30_000), ("inv_paid_1", 5_000), ("inv_paid_2", 40_000)]
    {
        assert_eq!(of_invoice(id), [json!(total)], "{id}");
    }
    assert_eq!(state["transactions"].as_object().map(serde_json::Map::len), Some(2));
    assert_eq!(
        state["invoices"]["inv_open_1"]["adjustment_credit_notes"][0]["cn_create_reason_code"],
        "Billing error"
    );
    Ok(())
}

async fn world() -> Result<World> {
    World::start("chargebee", "test_canary-4711:").await
}

fn amount(amount: &str, currency: &str) -> Result<Value> {
    Ok(Value::Money(Money::parse(amount, Currency::parse(currency)?)?))
}

fn set_price(price: &str, currency: &str) -> Result<Proposal> {
    Ok(proposal("set-price", ("subscription", "s1"), &[("unit_price", amount(price, currency)?)]))
}

fn credit(operation: &str, of: &str) -> Result<Proposal> {
    let fields = [("amount", amount(of, "USD")?), ("reason", Value::Text("goodwill".into()))];
    Ok(proposal(operation, ("invoice", "i1"), &fields))
}

fn subscription(currency: &str, unit_price: u32) -> Json {
    json!({"subscription": {
        "id": "s1", "customer_id": "c1", "status": "active", "currency_code": currency, "resource_version": 1,
        "subscription_items": [
            {"item_price_id": "p1", "item_type": "plan", "unit_price": unit_price, "quantity": 3},
            {"item_price_id": "a1", "item_type": "addon", "unit_price": 1, "quantity": 1},
        ],
    }})
}

/// A paid invoice of 100.00 USD, with these credit notes.
fn invoice(version: u32, notes: &Json) -> Json {
    json!({"invoice": {
        "id": "i1", "customer_id": "c1", "status": "paid", "currency_code": "USD", "resource_version": version,
        "total": 10_000, "amount_paid": 10_000, "amount_due": 0, "issued_credit_notes": notes,
        "linked_payments": [{"txn_id": "t0", "applied_amount": 10_000, "txn_status": "success"}],
    }})
}

/// A credit note of this total, whose refund is in this state.
fn credit_note(total: u32, refund: &str) -> Json {
    json!({"credit_note": {
        "id": "n1", "customer_id": "c1", "reference_invoice_id": "i1", "type": "refundable", "status": "refunded",
        "currency_code": "USD", "resource_version": 1, "total": total, "amount_refunded": total, "reason_code": "waiver",
        "linked_refunds": [{"txn_id": "t1", "applied_amount": total, "txn_status": refund}],
    }})
}

fn error(kind: &str, code: &str, param: &str, cause: &str) -> Json {
    json!({"message": "words of the vendor", "type": kind, "api_error_code": code, "param": param, "error_cause_id": cause})
}

/// One attempt at what was planned.
async fn planned(world: &World, what: Proposal) -> Result<Call> {
    let Ended::Returned(plan) = world.plan(what.clone()).await? else { bail!("it is planned") };
    world.call(what, plan, Guarantee::ByProbe)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_chargebee_refuses_is_named_as_what_it_is() -> Result<()> {
    let world = world().await?;
    for (status, code, looking, writing) in [
        (400, "param_wrong_value", "rejected param-wrong-value", "rejected param-wrong-value"),
        (400, "a_word_of_tomorrow", "rejected a-word-of-tomorrow", "rejected a-word-of-tomorrow"),
        (
            401,
            "api_authentication_failed",
            "denied api-authentication-failed",
            "denied api-authentication-failed",
        ),
        (
            403,
            "api_authorization_failed",
            "denied api-authorization-failed",
            "denied api-authorization-failed",
        ),
        (403, "request_blocked", "denied request-blocked", "denied request-blocked"),
        (404, "resource_not_found", "rejected not-found", "rejected not-found"),
        // The site is gone: no record is, and every record would be.
        (404, "site_not_found", "denied site-not-found", "denied site-not-found"),
        (
            409,
            "invalid_state_for_request",
            "rejected invalid-state-for-request",
            "rejected invalid-state-for-request",
        ),
        // Another request holds the key: it may be ours.
        (
            422,
            "unable_to_process_request",
            "rejected unable-to-process-request",
            "uncertain unable-to-process-request",
        ),
        (
            429,
            "api_request_limit_exceeded",
            "transient api-request-limit-exceeded",
            "transient api-request-limit-exceeded",
        ),
        (429, "lock_timeout", "transient lock-timeout", "transient lock-timeout"),
        (500, "internal_error", "transient internal-error", "uncertain internal-error"),
        (
            503,
            "internal_temporary_error",
            "transient internal-temporary-error",
            "uncertain internal-temporary-error",
        ),
    ] {
        let said = error("operation_failed", code, "", "");
        world.anew()?;
        world.target.say_with(status, SUBSCRIPTION, &said);
        let subject = RecordRef { kind: "subscription".into(), id: "s1".into() };
        assert_eq!(case(&world.fetch(subject).await?), looking, "{code}");
        world.anew()?;
        world.target.say(SUBSCRIPTION, &subscription("USD", 100));
        world.target.say_with(status, UPDATE, &said);
        let call = planned(&world, set_price("2.00", "USD")?).await?;
        assert_eq!(case(&world.apply(call).await), writing, "{code}");
    }
    // A proxy's page says nothing of Chargebee's: the status speaks.
    world.anew()?;
    world.target.say(SUBSCRIPTION, &subscription("USD", 100));
    world.target.say_with(502, UPDATE, &json!("Bad Gateway"));
    let call = planned(&world, set_price("2.00", "USD")?).await?;
    assert_eq!(case(&world.apply(call).await), "uncertain unavailable");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_is_what_the_gateway_made_of_it() -> Result<()> {
    let world = world().await?;
    let declined = |cause| error("payment", "payment_processing_failed", "refund_amount", cause);
    for (status, said, wanted) in [
        (400, declined("gateway.general.decline"), "rejected payment-processing-failed"),
        // Nobody knows what the gateway has done.
        (400, declined("gateway.technical.timeout"), "uncertain payment-processing-failed"),
        (200, credit_note(4_000, "failure"), "rejected refund-failed"),
        (200, credit_note(4_000, "needs_attention"), "uncertain refund-open"),
        (200, credit_note(4_000, "a_word_of_tomorrow"), "uncertain refund-open"),
        // Not what was asked for, and nothing at all.
        (200, credit_note(5_000, "success"), "uncertain unreadable-answer"),
        (200, json!({"transaction": {"id": "t1"}}), "uncertain unreadable-answer"),
    ] {
        world.anew()?;
        world.target.say(INVOICE, &invoice(1, &json!([])));
        world.target.say_with(status, REFUND, &said);
        let call = planned(&world, credit("create-refund", "40.00")?).await?;
        let ended = world.apply(call).await;
        assert_eq!(case(&ended), wanted, "{said}");
        if let Ended::Failed(Failure::Rejected { fields, .. }) = ended {
            ensure!(status == 200 || fields == ["amount"], "{fields:?}");
        }
    }
    world.anew()?;
    world.target.say(INVOICE, &invoice(1, &json!([])));
    world.target.say(REFUND, &credit_note(4_000, "in_progress"));
    let call = planned(&world, credit("create-refund", "40.00")?).await?;
    let Ended::Returned(receipt) = world.apply(call).await else { bail!("it is on its way") };
    assert_eq!(receipt.subject, RecordRef { kind: "credit-note".into(), id: "n1".into() });
    let asked = world.target.take();
    let sent = asked.iter().find(|line| line.starts_with("POST")).map(String::as_str).unwrap_or_default();
    let reference = EffectId::from_bits(1);
    let form =
        format!("refund_amount=4000&credit_note%5Breason_code%5D=waiver&comment=countersign%20{reference}");
    ensure!(sent.ends_with(&form), "{sent}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_known_of_a_refund_is_not_guessed() -> Result<()> {
    let world = world().await?;
    let reference = format!("countersign {}", EffectId::from_bits(1));
    let ours = reference.as_str();
    let issued = json!([{"cn_id": "n1", "cn_total": 4_000, "cn_status": "refunded"}]);
    let comments = |notes: &[&str]| {
        let list: Vec<Json> = notes.iter().map(|notes| json!({"comment": {"notes": notes}})).collect();
        json!({"list": list})
    };
    // The credit notes of the invoice, its version, and what the comments on the credit note and on its refund say.
    for (notes, version, on_note, on_refund, wanted) in [
        (json!([]), 2, comments(&[]), comments(&[]), "absent"),
        (issued.clone(), 2, comments(&["well done", ours]), comments(&[]), "landed"),
        (issued.clone(), 2, comments(&[]), comments(&[ours]), "landed"),
        (issued.clone(), 2, comments(&["countersign eff_another"]), comments(&[]), "absent"),
        // It may be ours, unless it was there before the plan was made.
        (issued.clone(), 2, comments(&["well done"]), comments(&[]), "unknown"),
        (issued.clone(), 1, comments(&["well done"]), comments(&[]), "absent"),
    ] {
        world.anew()?;
        world.target.say(INVOICE, &invoice(1, &json!([])));
        let call = planned(&world, credit("create-refund", "40.00")?).await?;
        world.anew()?;
        world.target.say(INVOICE, &invoice(version, &notes));
        world.target.say("/credit_notes/n1", &credit_note(4_000, "success"));
        world.target.say("/comments", &on_note);
        world.target.say("/comments", &on_refund);
        let found = match world.runtime.probe(call).await {
            Ended::Returned(Finding::Landed(_)) => "landed",
            Ended::Returned(Finding::Absent) => "absent",
            Ended::Returned(Finding::Unknown) => "unknown",
            other => bail!("{other:?}"),
        };
        assert_eq!(found, wanted, "{notes} {version} {on_note} {on_refund}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amounts_are_counted_as_chargebee_counts_them() -> Result<()> {
    let world = world().await?;
    for (asked, currency, counted) in [
        ("75", "USD", 7_500),
        ("0.05", "USD", 5),
        ("1500", "JPY", 1_500),
        // Thousandths exist, and Chargebee counts hundredths.
        ("1.230", "KWD", 123),
    ] {
        world.anew()?;
        world.target.say(SUBSCRIPTION, &subscription(currency, 100_000));
        world.target.say(UPDATE, &subscription(currency, counted));
        let call = planned(&world, set_price(asked, currency)?).await?;
        let Ended::Returned(receipt) = world.apply(call).await else { bail!("{asked} {currency}") };
        assert_eq!(receipt.applied[0].value, amount(asked, currency)?);
        let form = format!(
            "subscription_items%5Bitem_price_id%5D%5B0%5D=p1&subscription_items%5Bunit_price%5D%5B0%5D={counted}\
             &change_option=immediately&reactivate=false&subscription_items%5Bquantity%5D%5B0%5D=3"
        );
        ensure!(world.target.take().iter().any(|line| line.ends_with(&form)), "{asked} {currency}");
    }
    for (asked, currency, held, code) in [
        ("1.234", "KWD", "KWD", "bad-amount"),
        ("0", "USD", "USD", "bad-amount"),
        ("1.00", "EUR", "USD", "wrong-currency"),
        // In what it counts these is not published.
        ("1500", "VND", "VND", "unknown-unit"),
    ] {
        world.anew()?;
        world.target.say(SUBSCRIPTION, &subscription(held, 100));
        let refused = world.plan(set_price(asked, currency)?).await?;
        assert_eq!(case(&refused), format!("rejected {code}"), "{asked} {currency}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_change_more_than_was_asked_is_refused_before_anybody_approves_it() -> Result<()> {
    let world = world().await?;
    let plan = json!({"item_price_id": "p2", "item_type": "plan", "unit_price": 1});
    let finer = json!([{"item_price_id": "p1", "item_type": "plan", "unit_price": 1, "unit_price_in_decimal": "0.012"}]);
    let tiers = json!([{"item_price_id": "p1", "item_type": "plan"}]);
    for (member, value, code) in [
        ("status", json!("cancelled"), "not-active"),
        ("subscription_items", json!([plan, plan]), "not-one-plan"),
        ("subscription_items", finer, "finer-price"),
        ("subscription_items", tiers, "no-unit-price"),
        ("has_scheduled_changes", json!(true), "scheduled-changes"),
        ("remaining_billing_cycles", json!(5), "fixed-terms"),
        ("deleted", json!(true), "not-found"),
    ] {
        world.anew()?;
        let mut now = subscription("USD", 100);
        now["subscription"][member] = value;
        world.target.say(SUBSCRIPTION, &now);
        assert_eq!(case(&world.plan(set_price("2.00", "USD")?).await?), format!("rejected {code}"));
    }
    let in_progress = json!([{"txn_id": "t0", "applied_amount": 10_000, "txn_status": "in_progress"}]);
    let credited = json!([{"cn_id": "n0", "cn_total": 7_000, "cn_status": "refund_due"}]);
    for (member, value, code) in [
        ("status", json!("voided"), "not-closed"),
        ("linked_payments", in_progress, "being-paid"),
        ("issued_credit_notes", credited, "more-than-left"),
    ] {
        world.anew()?;
        let mut now = invoice(1, &json!([]));
        now["invoice"][member] = value;
        world.target.say(INVOICE, &now);
        assert_eq!(case(&world.plan(credit("create-refund", "40.00")?).await?), format!("rejected {code}"));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credit_note_lowers_what_is_due_before_it_credits_what_was_paid() -> Result<()> {
    let world = world().await?;
    for (due, wanted) in [(4_000, "adjustment"), (3_999, "refundable")] {
        world.anew()?;
        let mut now = invoice(1, &json!([]));
        now["invoice"]["amount_due"] = json!(due);
        now["invoice"]["status"] = json!("payment_due");
        world.target.say(INVOICE, &now);
        let Ended::Returned(WritePlan { changes, remarks, revision, .. }) =
            world.plan(credit("create-credit-note", "40.00")?).await?
        else {
            bail!("it is planned")
        };
        let kind = changes.iter().find(|change| change.name == "type").map(|change| change.after.clone());
        assert_eq!(kind, Some(Value::Text(wanted.into())));
        assert_eq!((remarks.len(), revision.as_deref()), (1, Some("1")));
    }
    Ok(())
}
