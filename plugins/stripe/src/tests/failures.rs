//! What Stripe's refusals mean for the host, and what is refused before anything is sent.

use super::fake::{Fake, Words};
use super::{Stripe, create_refund, planned, set_price, usd};
use countersign_sdk::testing::Reply;
use countersign_sdk::{Failure, Method, Value};
use serde_json::json;

fn error(kind: &str, code: &str, param: &str) -> serde_json::Value {
    json!({"error": {"type": kind, "code": code, "param": param, "message": "words of the vendor"}})
}

#[test]
fn an_answer_to_a_refund_means_what_is_known_of_the_money() {
    let rows = [
        (Reply::json(400, &error("invalid_request_error", "charge_already_refunded", "")), "rejected"),
        (Reply::json(400, &error("idempotency_error", "", "")), "uncertain"),
        (Reply::json(401, &error("invalid_request_error", "", "")), "denied"),
        (Reply::json(402, &error("card_error", "card_declined", "")), "rejected"),
        (Reply::json(403, &error("invalid_request_error", "", "")), "denied"),
        (Reply::json(404, &error("invalid_request_error", "resource_missing", "charge")), "rejected"),
        (Reply::json(409, &error("idempotency_error", "idempotency_key_in_use", "")), "uncertain"),
        (Reply::json(429, &error("invalid_request_error", "lock_timeout", "")), "transient"),
        (Reply::json(400, &error("api_error", "", "")).header("stripe-should-retry", "true"), "transient"),
        (Reply::json(500, &error("api_error", "", "")), "uncertain"),
        (Reply::json(503, &error("api_error", "", "")).header("stripe-should-retry", "true"), "uncertain"),
        (Reply::text(502, "<html>bad gateway</html>"), "uncertain"),
        (Reply::text(200, "<html>welcome</html>"), "uncertain"),
        (Reply::json(200, &json!({"id": "re_9"})), "uncertain"),
        (Reply::lost(), "uncertain"),
        (Reply::not_sent(), "transient"),
    ];
    for (reply, expected) in rows {
        let fake = Fake::new(Words::Prices);
        let effect = planned(&fake, "eff-1", &create_refund("10"));
        fake.target.once(Method::Post, "/v1/refunds", reply.clone());
        let failure = fake.target.apply(&Stripe, &effect).expect_err("no refund");
        assert_eq!(failure.case(), expected, "{reply:?}");
    }
}

#[test]
fn a_refusal_keeps_the_vendors_code_words_and_field() {
    let fake = Fake::new(Words::Prices);
    let effect = planned(&fake, "eff-1", &create_refund("10"));
    let refusal = Reply::json(400, &error("invalid_request_error", "amount_too_large", "amount"));
    fake.target.once(Method::Post, "/v1/refunds", refusal.header("request-id", "req_7"));
    let failure = fake.target.apply(&Stripe, &effect).expect_err("refused");
    assert_eq!(failure.code(), "amount_too_large");
    assert_eq!(failure.detail().vendor_request_id.as_deref(), Some("req_7"));
    assert_eq!(failure.detail().message, "the target answered 400: words of the vendor");
    assert!(matches!(failure, Failure::Rejected { fields, .. } if fields == ["amount"]));
}

#[test]
fn a_refund_that_failed_at_once_is_no_receipt() {
    let fake = Fake::new(Words::Prices);
    let effect = planned(&fake, "eff-1", &create_refund("10"));
    let failed = json!({"id": "re_9", "amount": 1000, "currency": "usd", "charge": "ch_1",
        "status": "failed", "metadata": {}});
    fake.target.once(Method::Post, "/v1/refunds", Reply::json(200, &failed));
    let failure = fake.target.apply(&Stripe, &effect).expect_err("failed");
    assert_eq!((failure.case(), failure.code()), ("rejected", "refund-failed"));
}

#[test]
fn a_read_can_always_be_tried_again() {
    for reply in [Reply::status(429), Reply::status(500), Reply::status(409), Reply::text(200, "no JSON")] {
        let fake = Fake::new(Words::Prices);
        fake.target.once(Method::Get, "/v1/charges/ch_1", reply);
        let failure = fake.target.fetch(&Stripe, "payment", "ch_1").expect_err("unreadable");
        assert_eq!(failure.case(), "transient");
    }
}

#[test]
fn a_record_that_is_gone_is_said_so() {
    let fake = Fake::new(Words::Prices);
    let missing = Reply::json(404, &error("invalid_request_error", "resource_missing", "id"));
    fake.target.once(Method::Get, "/v1/charges/ch_1", missing);
    let failure = fake.target.fetch(&Stripe, "payment", "ch_1").expect_err("gone");
    assert!(failure.is_not_found());
    assert_eq!(fake.target.fetch(&Stripe, "order", "7").expect_err("no kind").code(), "unknown-kind");
}

#[test]
fn what_can_never_work_is_refused_while_planning() {
    let disputed = json!({"id": "ch_1", "amount": 5000, "amount_refunded": 0, "currency": "usd",
        "status": "succeeded", "created": 0, "disputed": true});
    let cases: [(&str, Option<serde_json::Value>, &str); 4] = [
        ("50.01", None, "more-than-left"),
        ("0", None, "bad-amount"),
        ("10.001", None, "bad-amount"),
        ("10", Some(disputed), "charge-disputed"),
    ];
    for (amount, charge, code) in cases {
        let fake = Fake::new(Words::Prices);
        if let Some(charge) = charge {
            fake.target.on(Method::Get, "/v1/charges/ch_1", Reply::json(200, &charge));
        }
        let failure = fake.target.plan(&Stripe, &create_refund(amount)).expect_err("refused");
        assert_eq!((failure.case(), failure.code()), ("rejected", code));
    }
    let mut unknown = create_refund("10");
    unknown.fields[1].value = Value::Text("whim".to_owned());
    let fake = Fake::new(Words::Prices);
    assert_eq!(fake.target.plan(&Stripe, &unknown).expect_err("refused").code(), "bad-input");
    unknown.fields[0].value = usd("10");
    unknown.operation = "give-gold".to_owned();
    assert_eq!(fake.target.plan(&Stripe, &unknown).expect_err("refused").code(), "unknown-operation");
}

#[test]
fn a_price_needs_one_active_subscription_of_one_thing() {
    let item = json!({"id": "si_1", "quantity": 1, "price": {"id": "price_0", "unit_amount": 1,
        "currency": "usd", "product": "prod_1", "recurring": {"interval": "month", "interval_count": 1}}});
    let mut many = item.clone();
    many["quantity"] = json!(3);
    let subscription = |items: Vec<serde_json::Value>| json!({"id": "sub_1", "customer": "cus_1", "status": "active", "items": {"data": items}});
    let one = subscription(vec![item.clone()]);
    let cases = [
        (vec![], "no-active-subscription"),
        (vec![one.clone(), one], "several-subscriptions"),
        (vec![subscription(vec![item.clone(), item])], "not-one-item"),
        (vec![subscription(vec![many])], "not-one-unit"),
    ];
    for (data, code) in cases {
        let fake = Fake::new(Words::Prices);
        fake.target.on(Method::Get, "/v1/subscriptions", Reply::json(200, &json!({"data": data})));
        let failure = fake.target.plan(&Stripe, &set_price("750", 18, 30)).expect_err("refused");
        assert_eq!((failure.case(), failure.code()), ("rejected", code));
    }
}
