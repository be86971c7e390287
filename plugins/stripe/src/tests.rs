//! The connector against a scripted Stripe that keeps its state and honours idempotency keys.

mod failures;
mod fake;
mod told;

use crate::Stripe;
use countersign_sdk::testing::{Manifest, effect, proposal};
use countersign_sdk::{
    Connector, Effect, Field, Finding, Method, Money, Proposal, RecordRef, Value, WritePlan,
};
use fake::{Fake, Words};

fn usd(text: &str) -> Value {
    Value::Money(Money::new(text, "USD"))
}

fn text(words: &str) -> Value {
    Value::Text(words.to_owned())
}

fn set_price(net: &str, months: i64, days: i64) -> Proposal {
    let fields = vec![
        Field::new("net_amount", usd(net)),
        Field::new("term_months", Value::Integer(months)),
        Field::new("payment_days", Value::Integer(days)),
    ];
    proposal("set-price", RecordRef::new("customer", "cus_1"), fields)
}

fn create_refund(amount: &str) -> Proposal {
    let fields = vec![
        Field::new("amount", usd(amount)),
        Field::new("reason", text("goodwill")),
        Field::new("invoice_id", text("in_1")),
    ];
    proposal("create-refund", RecordRef::new("payment", "ch_1"), fields)
}

fn planned(fake: &Fake, id: &str, what: &Proposal) -> Effect {
    let plan: WritePlan = fake.target.plan(&Stripe, what).expect("a plan");
    effect(id, what, &plan)
}

fn again(effect: &Effect) -> Effect {
    Effect { attempt: effect.attempt + 1, ..effect.clone() }
}

#[test]
fn description_and_manifest_agree() {
    Manifest::parse(include_str!("../connector.toml")).agrees_with(&Stripe.describe());
}

#[test]
fn a_customer_shows_price_and_terms_of_the_one_active_subscription() {
    for words in [Words::Prices, Words::Plans] {
        let fake = Fake::new(words);
        let snapshot = fake.target.fetch(&Stripe, "customer", "cus_1").expect("a snapshot");
        assert_eq!(snapshot.value("net_amount"), &usd("1000.00"));
        assert_eq!(snapshot.value("term_months"), &Value::Integer(12));
        assert_eq!(snapshot.value("payment_days"), &Value::Absent);
        assert_eq!(
            snapshot.value("subscription"),
            &Value::Reference(RecordRef::new("subscription", "sub_1"))
        );
    }
}

#[test]
fn the_price_plan_shows_only_what_changes() {
    let fake = Fake::new(Words::Prices);
    let plan = fake.target.plan(&Stripe, &set_price("750", 12, 30)).expect("a plan");
    let changes: Vec<_> =
        plan.changes.iter().map(|c| (c.name.as_str(), c.before.clone(), c.after.clone())).collect();
    assert_eq!(
        changes,
        [("net_amount", usd("1000.00"), usd("750.00")), ("payment_days", Value::Absent, Value::Integer(30)),]
    );
    assert_eq!(plan.remarks, ["Stripe prorates the running period on the next invoice"]);
    assert!(fake.target.steps().is_empty());
}

#[test]
fn a_price_lands_as_planned_and_reads_back_so() {
    for words in [Words::Prices, Words::Plans] {
        let fake = Fake::new(words);
        let effect = planned(&fake, "eff-1", &set_price("750", 18, 30));
        let receipt = fake.target.apply(&Stripe, &effect).expect("a receipt");
        assert_eq!(receipt.applied, effect.plan.applied(), "{words:?}");
        let steps: Vec<_> = fake.target.steps().iter().filter_map(|s| s.step().map(str::to_owned)).collect();
        assert_eq!(steps, ["create-price", "move-subscription"]);
        let snapshot = fake.target.fetch(&Stripe, "customer", "cus_1").expect("a snapshot");
        assert_eq!(snapshot.value("net_amount"), &usd("750.00"));
        assert_eq!(snapshot.value("term_months"), &Value::Integer(18));
        assert!(matches!(fake.target.probe(&Stripe, &effect), Ok(Finding::Landed(_))));
    }
}

#[test]
fn a_price_lands_once_wherever_the_attempt_is_cut() {
    for words in [Words::Prices, Words::Plans] {
        for (step, landed_early) in [("create-price", false), ("move-subscription", true)] {
            for after in [false, true] {
                let fake = Fake::new(words);
                let effect = planned(&fake, "eff-1", &set_price("750", 18, 30));
                if after {
                    fake.target.stop_after(step)
                } else {
                    fake.target.stop_before(step)
                }
                let cut = fake.target.apply(&Stripe, &effect).expect_err("cut off");
                assert_eq!(cut.case(), if after { "uncertain" } else { "transient" });
                let probed = fake.target.probe(&Stripe, &effect).expect("an answer");
                assert_eq!(matches!(probed, Finding::Landed(_)), after && landed_early, "{step} {after}");
                let receipt = fake.target.apply(&Stripe, &again(&effect)).expect("a receipt");
                assert_eq!(receipt.applied, effect.plan.applied());
                assert_eq!((fake.prices(), fake.moves()), (1, 1), "{words:?} {step} {after}");
            }
        }
    }
}

#[test]
fn a_price_that_is_there_under_a_burnt_key_is_used() {
    let fake = Fake::new(Words::Plans);
    let effect = planned(&fake, "eff-1", &set_price("750", 18, 30));
    fake.target.stop_after("create-price");
    let _ = fake.target.apply(&Stripe, &effect);
    fake.forget_keys();
    fake.target.apply(&Stripe, &again(&effect)).expect("a receipt");
    assert_eq!((fake.prices(), fake.moves()), (1, 1));
}

#[test]
fn a_price_that_was_made_before_a_500_is_used_at_once() {
    for words in [Words::Prices, Words::Plans] {
        let fake = Fake::new(words);
        let effect = planned(&fake, "eff-1", &set_price("750", 18, 30));
        fake.break_after_next_write();
        let receipt = fake.target.apply(&Stripe, &effect).expect("a receipt");
        assert_eq!(receipt.applied, effect.plan.applied());
        assert_eq!((fake.prices(), fake.moves()), (1, 1), "{words:?}");
    }
}

#[test]
fn a_price_that_moved_since_the_plan_is_a_conflict() {
    let fake = Fake::new(Words::Prices);
    let first = planned(&fake, "eff-1", &set_price("750", 18, 30));
    let second = planned(&fake, "eff-2", &set_price("800", 18, 30));
    fake.target.apply(&Stripe, &second).expect("a receipt");
    let conflict = fake.target.apply(&Stripe, &first).expect_err("moved");
    assert_eq!((conflict.case(), fake.moves()), ("conflict", 1));
}

#[test]
fn a_refund_lands_as_planned_and_reads_back_so() {
    let fake = Fake::new(Words::Prices);
    let effect = planned(&fake, "eff-1", &create_refund("12.5"));
    assert!(effect.plan.changes.iter().all(|change| change.before == Value::Absent));
    let receipt = fake.target.apply(&Stripe, &effect).expect("a receipt");
    assert_eq!(receipt.subject, RecordRef::new("refund", "re_1"));
    assert_eq!(receipt.applied, effect.plan.applied());
    assert_eq!(receipt.vendor_request_id.as_deref(), Some("req_1"));
    let snapshot = fake.target.fetch(&Stripe, "refund", "re_1").expect("a snapshot");
    for field in &receipt.applied {
        assert_eq!(snapshot.value(&field.name), &field.value);
    }
    let payment = fake.target.fetch(&Stripe, "payment", "ch_1").expect("a snapshot");
    assert_eq!(payment.value("refunded"), &usd("12.50"));
    assert_eq!(payment.value("charged_on"), &Value::Date("2026-11-23".to_owned()));
    assert_eq!(payment.value("chargeback_open"), &Value::Flag(false));
}

#[test]
fn a_refund_lands_once_wherever_the_attempt_is_cut_even_where_keys_are_ignored() {
    for honours_keys in [true, false] {
        for after in [false, true] {
            let fake = Fake::new(Words::Prices);
            fake.honour_keys(honours_keys);
            let effect = planned(&fake, "eff-1", &create_refund("12.50"));
            if after {
                fake.target.stop_after("create-refund");
            } else {
                fake.target.stop_before("create-refund");
            }
            let cut = fake.target.apply(&Stripe, &effect).expect_err("cut off");
            assert_eq!(cut.case(), if after { "uncertain" } else { "transient" });
            let probed = fake.target.probe(&Stripe, &effect).expect("an answer");
            assert_eq!(matches!(probed, Finding::Landed(_)), after);
            fake.target.apply(&Stripe, &again(&effect)).expect("a receipt");
            assert_eq!(fake.refunds(), 1);
        }
    }
}

#[test]
fn two_refunds_of_one_payment_are_told_apart() {
    let fake = Fake::new(Words::Prices);
    let first = planned(&fake, "eff-1", &create_refund("10"));
    let second = planned(&fake, "eff-2", &create_refund("10"));
    fake.target.apply(&Stripe, &first).expect("a receipt");
    assert_eq!(fake.target.probe(&Stripe, &second), Ok(Finding::Absent));
    fake.target.apply(&Stripe, &second).expect("a receipt");
    assert_eq!(fake.refunds(), 2);
}

#[test]
fn the_reason_code_becomes_stripes_own_unless_the_operator_says_otherwise() {
    for (setting, expected) in [(None, Some("requested_by_customer")), (Some("metadata"), None)] {
        let fake = Fake::new(Words::Prices);
        if let Some(setting) = setting {
            fake.target.set("refund-reason", setting);
        }
        let effect = planned(&fake, "eff-1", &create_refund("10"));
        fake.target.apply(&Stripe, &effect).expect("a receipt");
        let sent = fake.target.steps().remove(0);
        assert_eq!(sent.form_value("reason").as_deref(), expected);
        assert_eq!(sent.form_value("metadata[reason]").as_deref(), Some("goodwill"));
        assert_eq!(sent.form_value("metadata[countersign_effect]").as_deref(), Some("eff-1"));
    }
}

#[test]
fn a_payment_intent_is_refunded_as_such() {
    let fake = Fake::new(Words::Prices);
    let mut what = create_refund("10");
    what.subject.id = "pi_1".to_owned();
    let effect = planned(&fake, "eff-1", &what);
    fake.target.apply(&Stripe, &effect).expect("a receipt");
    assert_eq!(fake.target.steps()[0].form_value("payment_intent").as_deref(), Some("pi_1"));
    assert!(matches!(fake.target.probe(&Stripe, &effect), Ok(Finding::Landed(_))));
}

#[test]
fn a_credit_note_beyond_the_open_rest_credits_the_customer() {
    let fake = Fake::new(Words::Prices);
    let fields = vec![Field::new("amount", usd("80")), Field::new("reason", text("cancellation"))];
    let what = proposal("create-credit-note", RecordRef::new("invoice", "in_1"), fields);
    let effect = planned(&fake, "eff-1", &what);
    assert_eq!(effect.plan.after("balance_credit"), Some(&usd("50.00")));
    assert_eq!(effect.plan.remarks.len(), 1);
    let receipt = fake.target.apply(&Stripe, &effect).expect("a receipt");
    assert_eq!(receipt.applied, effect.plan.applied());
    assert_eq!(receipt.subject, RecordRef::new("credit-note", "cn_1"));
    let sent = fake.target.steps().remove(0);
    assert_eq!(sent.form_value("credit_amount").as_deref(), Some("5000"));
    assert_eq!(sent.form_value("reason").as_deref(), Some("order_change"));
    assert!(matches!(fake.target.probe(&Stripe, &effect), Ok(Finding::Landed(_))));
    let snapshot = fake.target.fetch(&Stripe, "credit-note", "cn_1").expect("a snapshot");
    assert_eq!(snapshot.value("balance_credit"), &usd("50.00"));
}

#[test]
fn the_check_reads_and_nothing_else() {
    let fake = Fake::new(Words::Prices);
    assert_eq!(fake.target.check(&Stripe), Ok(()));
    assert!(fake.target.sent().iter().all(|sent| sent.request.method == Method::Get));
}
