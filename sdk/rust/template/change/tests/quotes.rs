//! The connector natively, against a target that remembers what is done to it.

use acme_quotes::Quotes;
use countersign_sdk::Money;
use countersign_sdk::testing::{Manifest, Reply, ScriptedTarget, effect, proposal};
use countersign_sdk::{Connector, Effect, Field, Finding, Method, RecordRef, Value};
use serde_json::json;
use std::cell::RefCell;
use std::rc::Rc;

/// A target with a quote that remembers what is done to it, and does it once a key.
fn target() -> ScriptedTarget {
    let target = ScriptedTarget::of(include_str!("../connector.toml"));
    let held = Rc::new(RefCell::new(json!({
        "status": "open",
        "net_amount": "100000.00",
        "currency": "USD",
        "version": 1,
    })));
    let seen = Rc::clone(&held);
    target.answers(Method::Get, "/quotes/7", move |_| Reply::json(200, &seen.borrow()));
    target.answers(Method::Post, "/quotes/7/price", move |sent| {
        let mut held = held.borrow_mut();
        let wish = sent.json();
        if held["reference"] == wish["reference"] {
            return Reply::json(200, &held);
        }
        if wish["if_version"] != json!(held["version"].to_string()) {
            return Reply::status(409);
        }
        *held = json!({
            "status": "priced",
            "net_amount": wish["net_amount"],
            "currency": wish["currency"],
            "version": 2,
            "reason": wish["reason"],
            "reference": wish["reference"],
        });
        Reply::json(200, &held)
    });
    target
}

fn planned(target: &ScriptedTarget, id: &str) -> Effect {
    let fields = vec![
        Field::new("net_amount", Value::Money(Money::new("75000.00", "USD"))),
        Field::new("reason", Value::Text("a renewal".to_owned())),
    ];
    let what = proposal("set-price", RecordRef::new("quote", "7"), fields);
    let plan = target.plan(&Quotes, &what).expect("a plan");
    effect(id, &what, &plan)
}

#[test]
fn description_and_manifest_agree() {
    Manifest::parse(include_str!("../connector.toml")).agrees_with(&Quotes.describe());
}

#[test]
fn a_quote_is_priced_as_planned() {
    let target = target();
    let effect = planned(&target, "eff-1");
    let receipt = target.apply(&Quotes, &effect).expect("a receipt");
    assert_eq!(receipt.applied, effect.plan.applied());
}

#[test]
fn a_quote_is_priced_once_wherever_the_attempt_is_cut() {
    for after in [false, true] {
        let target = target();
        let effect = planned(&target, "eff-1");
        if after {
            target.stop_after("price")
        } else {
            target.stop_before("price")
        }
        let cut = target.apply(&Quotes, &effect).expect_err("cut off");
        assert_eq!(cut.case(), if after { "uncertain" } else { "transient" });
        let found = target.probe(&Quotes, &effect).expect("an answer");
        assert_eq!(matches!(found, Finding::Landed(_)), after);
        let receipt = target.apply(&Quotes, &Effect { attempt: 2, ..effect }).expect("a receipt");
        assert_eq!(receipt.revision.as_deref(), Some("2"));
    }
}

#[test]
fn a_quote_that_moved_since_the_plan_is_a_conflict() {
    let target = target();
    let (first, second) = (planned(&target, "eff-1"), planned(&target, "eff-2"));
    target.apply(&Quotes, &first).expect("a receipt");
    assert_eq!(target.apply(&Quotes, &second).expect_err("moved").case(), "conflict");
}

#[test]
fn a_step_outside_of_an_attempt_is_stopped() {
    let target = target();
    let effect = planned(&target, "eff-1");
    let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = target.reading(|context| Quotes.apply(context, &effect));
    }));
    assert!(stopped.is_err());
    assert!(target.steps().is_empty());
}
