//! The connector natively, against a target that remembers what is done to it.

use acme_refunds::Refunds;
use countersign_sdk::Money;
use countersign_sdk::testing::{Manifest, Reply, ScriptedTarget, effect, proposal};
use countersign_sdk::{Connector, Effect, Field, Finding, Method, RecordRef, Value};
use serde_json::json;
use std::cell::RefCell;
use std::rc::Rc;

/// A target with a payment, where whatever is asked for is created: twice, if it is asked for twice.
fn target() -> ScriptedTarget {
    let target = ScriptedTarget::of(include_str!("../connector.toml"));
    target.on(Method::Get, "/payments/7", Reply::json(200, &json!({"status": "open"})));
    let held = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&held);
    target.answers(Method::Get, "/payments/7/refunds", move |_| Reply::json(200, &json!(*seen.borrow())));
    target.answers(Method::Post, "/payments/7/refunds", move |sent| {
        let mut made = sent.json();
        made["id"] = json!((40 + held.borrow().len()).to_string());
        held.borrow_mut().push(made.clone());
        Reply::json(201, &made)
    });
    target
}

fn planned(target: &ScriptedTarget, id: &str) -> Effect {
    let fields = vec![
        Field::new("amount", Value::Money(Money::new("40.00", "USD"))),
        Field::new("reason", Value::Text("as goodwill".to_owned())),
    ];
    let what = proposal("create-refund", RecordRef::new("payment", "7"), fields);
    let plan = target.plan(&Refunds, &what).expect("a plan");
    effect(id, &what, &plan)
}

#[test]
fn description_and_manifest_agree() {
    Manifest::parse(include_str!("../connector.toml")).agrees_with(&Refunds.describe());
}

#[test]
fn a_refund_is_created_as_planned() {
    let target = target();
    let effect = planned(&target, "eff-1");
    let receipt = target.apply(&Refunds, &effect).expect("a receipt");
    assert_eq!(receipt.applied, effect.plan.applied());
    assert_eq!(receipt.subject, RecordRef::new("refund", "40"));
}

#[test]
fn a_refund_is_created_once_wherever_the_attempt_is_cut() {
    for after in [false, true] {
        let target = target();
        let effect = planned(&target, "eff-1");
        if after {
            target.stop_after("refund")
        } else {
            target.stop_before("refund")
        }
        let cut = target.apply(&Refunds, &effect).expect_err("cut off");
        assert_eq!(cut.case(), if after { "uncertain" } else { "transient" });
        let found = target.probe(&Refunds, &effect).expect("an answer");
        assert_eq!(matches!(found, Finding::Landed(_)), after);
        let receipt = target.apply(&Refunds, &Effect { attempt: 2, ..effect }).expect("a receipt");
        assert_eq!(receipt.subject, RecordRef::new("refund", "40"));
    }
}

#[test]
fn a_refund_of_another_effect_is_none_of_ours() {
    let target = target();
    let (first, second) = (planned(&target, "eff-1"), planned(&target, "eff-2"));
    target.apply(&Refunds, &first).expect("a receipt");
    assert_eq!(target.probe(&Refunds, &second).expect("an answer"), Finding::Absent);
    let receipt = target.apply(&Refunds, &second).expect("a receipt");
    assert_eq!(receipt.subject, RecordRef::new("refund", "41"));
}

#[test]
fn a_step_outside_of_an_attempt_is_stopped() {
    let target = target();
    let effect = planned(&target, "eff-1");
    let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = target.reading(|context| Refunds.apply(context, &effect));
    }));
    assert!(stopped.is_err());
    assert!(target.steps().is_empty());
}
