//! The connector natively, against a shop that remembers what is done to it.

use acme_orders::Orders;
use countersign_sdk::testing::{Manifest, Reply, ScriptedTarget, effect, proposal};
use countersign_sdk::{Connector, Effect, Field, Finding, Method, RecordRef, Value};
use serde_json::json;
use std::cell::RefCell;
use std::rc::Rc;

/// A shop with one order that remembers what is done to it, and does it once a key.
fn shop() -> ScriptedTarget {
    let target = ScriptedTarget::of(include_str!("../connector.toml"));
    let order = Rc::new(RefCell::new(json!({"status": "open", "version": 1})));
    let seen = Rc::clone(&order);
    target.answers(Method::Get, "/orders/7", move |_| Reply::json(200, &seen.borrow()));
    target.answers(Method::Post, "/orders/7/cancel", move |sent| {
        let mut order = order.borrow_mut();
        let wish = sent.json();
        if order["reference"] == wish["reference"] {
            return Reply::json(200, &order);
        }
        if wish["if_version"] != json!(order["version"].to_string()) {
            return Reply::status(409);
        }
        *order = json!({
            "status": "cancelled", "version": 2, "reason": wish["reason"], "reference": wish["reference"],
        });
        Reply::json(200, &order)
    });
    target
}

fn planned(shop: &ScriptedTarget, id: &str) -> Effect {
    let fields = vec![Field::new("reason", Value::Text("sold out".to_owned()))];
    let what = proposal("cancel-order", RecordRef::new("order", "7"), fields);
    let plan = shop.plan(&Orders, &what).expect("a plan");
    effect(id, &what, &plan)
}

#[test]
fn description_and_manifest_agree() {
    Manifest::parse(include_str!("../connector.toml")).agrees_with(&Orders.describe());
}

#[test]
fn an_order_is_cancelled_as_planned() {
    let shop = shop();
    let effect = planned(&shop, "eff-1");
    let receipt = shop.apply(&Orders, &effect).expect("a receipt");
    assert_eq!(receipt.applied, effect.plan.applied());
}

#[test]
fn an_order_is_cancelled_once_wherever_the_attempt_is_cut() {
    for after in [false, true] {
        let shop = shop();
        let effect = planned(&shop, "eff-1");
        if after {
            shop.stop_after("cancel")
        } else {
            shop.stop_before("cancel")
        }
        let cut = shop.apply(&Orders, &effect).expect_err("cut off");
        assert_eq!(cut.case(), if after { "uncertain" } else { "transient" });
        let found = shop.probe(&Orders, &effect).expect("an answer");
        assert_eq!(matches!(found, Finding::Landed(_)), after);
        let receipt = shop.apply(&Orders, &Effect { attempt: 2, ..effect }).expect("a receipt");
        assert_eq!(receipt.revision.as_deref(), Some("2"));
    }
}

#[test]
fn an_order_that_moved_since_the_plan_is_a_conflict() {
    let shop = shop();
    let (first, second) = (planned(&shop, "eff-1"), planned(&shop, "eff-2"));
    shop.apply(&Orders, &first).expect("a receipt");
    assert_eq!(shop.apply(&Orders, &second).expect_err("moved").case(), "conflict");
}

#[test]
fn a_step_outside_of_an_attempt_is_stopped() {
    let shop = shop();
    let effect = planned(&shop, "eff-1");
    let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = shop.reading(|context| Orders.apply(context, &effect));
    }));
    assert!(stopped.is_err());
    assert!(shop.steps().is_empty());
}
