//! The connector against a scripted receiver.

use crate::{Webhook, intent};
use countersign_sdk::testing::{Manifest, Reply, ScriptedTarget, effect, proposal};
use countersign_sdk::{
    Body, Connector, Delivery, Effect, Failure, Field, Finding, Guarantee, Method, Money, Proposal,
    RecordRef, Value,
};
use serde_json::json;

fn target() -> ScriptedTarget {
    let target = ScriptedTarget::of(include_str!("../connector.toml"));
    target.set("path", "/in/7");
    target.on(Method::Post, "/in/7", Reply::status(204));
    target
}

fn what(operation: &str) -> Proposal {
    let fields = vec![
        Field::new("price", Value::Money(Money::new("12.50", "EUR"))),
        Field::new("discount_percent", Value::Decimal("25".to_owned())),
        Field::new("account", Value::Reference(RecordRef::new("account", "7"))),
        Field::new("lines", Value::Json(r#"[{"a":1}]"#.to_owned())),
        Field::new("renewal", Value::Flag(true)),
        Field::new("note", Value::Absent),
    ];
    proposal(operation, RecordRef::new("record", "order-7"), fields)
}

fn planned(target: &ScriptedTarget, operation: &str) -> Effect {
    let what = what(operation);
    let plan = target.plan(&Webhook, &what).expect("a plan");
    effect("eff-1", &what, &plan)
}

#[test]
fn description_and_manifest_agree() {
    let descriptor = Webhook.describe();
    Manifest::parse(include_str!("../connector.toml")).agrees_with(&descriptor);
    let guarantees: Vec<_> = descriptor
        .operations
        .iter()
        .map(|operation| (operation.name.as_str(), operation.guarantee))
        .collect();
    assert_eq!(guarantees, [("deliver", Guarantee::ByKey), ("deliver-once", Guarantee::Blind)]);
}

#[test]
fn a_delivery_carries_the_effect_and_its_changes() {
    for operation in ["deliver", "deliver-once"] {
        let target = target();
        let effect = planned(&target, operation);
        assert!(target.sent().is_empty(), "planning sends nothing");
        let receipt = target.apply(&Webhook, &effect).expect("a receipt");
        assert_eq!(receipt.applied, effect.plan.applied());
        let sent = target.steps().remove(0);
        assert_eq!(sent.line(), "POST /in/7");
        assert_eq!(sent.header("content-type"), Some("application/json"));
        let expected = json!({
            "type": "countersign.effect.v1",
            "data": {
                "effect_id": "eff-1",
                "subject": {"kind": "record", "id": "order-7"},
                "changes": {
                    "price": {"amount": "12.50", "currency": "EUR"},
                    "discount_percent": "25",
                    "account": {"kind": "account", "id": "7"},
                    "lines": [{"a": 1}],
                    "renewal": true,
                    "note": null,
                },
            },
        });
        assert_eq!(sent.json(), expected);
    }
}

#[test]
fn a_repeat_is_the_same_step_with_the_same_bytes() {
    let target = target();
    let effect = planned(&target, "deliver");
    target.stop_after("deliver");
    assert_eq!(target.apply(&Webhook, &effect).expect_err("cut off").case(), "uncertain");
    assert_eq!(target.probe(&Webhook, &effect), Ok(Finding::Unknown));
    let again = Effect { attempt: 2, now_ms: effect.now_ms + 60_000, ..effect };
    target.apply(&Webhook, &again).expect("a receipt");
    let keys: Vec<_> = target.steps().iter().map(|sent| sent.key()).collect();
    assert_eq!(keys[0], keys[1]);
}

#[test]
fn an_answer_means_what_is_known_of_the_delivery() {
    let rows = [
        (Reply::status(200), None),
        (
            Reply::status(301).header("location", "https://elsewhere.example/"),
            Some(("rejected", "redirected")),
        ),
        (Reply::text(400, "no such order"), Some(("rejected", "http-400"))),
        (Reply::status(401), Some(("denied", "not-permitted"))),
        (Reply::status(404), Some(("rejected", "not-found"))),
        (Reply::status(409), Some(("rejected", "refused"))),
        (Reply::status(410), Some(("rejected", "unsubscribed"))),
        (Reply::status(429).header("retry-after", "7"), Some(("transient", "rate-limited"))),
        (Reply::status(500), Some(("uncertain", "unavailable"))),
        (Reply::status(503).header("retry-after", "7"), Some(("uncertain", "unavailable"))),
        (Reply::not_sent(), Some(("transient", "unreachable"))),
        (Reply::lost(), Some(("uncertain", "no-answer"))),
    ];
    for (reply, expected) in rows {
        let target = target();
        let effect = planned(&target, "deliver");
        target.once(Method::Post, "/in/7", reply.clone());
        let end = target.apply(&Webhook, &effect);
        let found = end.as_ref().err().map(|failure| (failure.case(), failure.code()));
        assert_eq!(found, expected, "{reply:?}");
    }
}

#[test]
fn what_cannot_be_delivered_is_refused_while_planning() {
    let long = Field::new("text", Value::Text("x".repeat(20_000)));
    let broken = Field::new("text", Value::Json("{".to_owned()));
    let twice = Field::new("note", Value::Flag(false));
    for (field, code) in [(long, "too-long"), (broken, "bad-input"), (twice, "bad-input")] {
        let mut what = what("deliver");
        what.fields.push(field);
        assert_eq!(target().plan(&Webhook, &what).expect_err("refused").code(), code);
    }
    let mut strange = what("broadcast");
    assert_eq!(target().plan(&Webhook, &strange).expect_err("refused").code(), "unknown-operation");
    strange.operation = "deliver".to_owned();
    strange.subject.kind = "invoice".to_owned();
    assert_eq!(target().plan(&Webhook, &strange).expect_err("refused").code(), "unknown-kind");
}

#[test]
fn a_path_of_the_operator_must_be_one() {
    let target = target();
    target.set("path", "in/7");
    assert_eq!(target.plan(&Webhook, &what("deliver")).expect_err("refused").code(), "bad-setting");
}

#[test]
fn the_check_sees_whether_anybody_is_there() {
    for (status, fine) in [(200, true), (404, true), (405, true), (401, false), (503, false)] {
        let target = target();
        target.on(Method::Head, "/in/7", Reply::status(status));
        assert_eq!(target.check(&Webhook).is_ok(), fine, "{status}");
    }
}

#[test]
fn a_receiver_cannot_be_read() {
    let target = target();
    assert_eq!(target.fetch(&Webhook, "record", "7").expect_err("unreadable").code(), "not-readable");
    assert_eq!(target.fetch(&Webhook, "person", "7").expect_err("unknown").code(), "unknown-kind");
}

fn delivery(body: &str) -> Delivery {
    Delivery {
        hook: "intents".to_owned(),
        headers: Vec::new(),
        body: Body::Text(body.to_owned()),
        received_ms: 1_767_225_600_000,
    }
}

#[test]
fn signed_json_asks_for_an_intent() {
    let asked = json!({"type": "countersign.intent.v1", "data": {
        "key": "Q-1042/2", "intent_type": "discount", "requester": "sam@example.com",
        "source": {"kind": "quote", "id": "Q-1042"},
        "tokens": {"discount": "25%", "months": 18, "rush": true, "note": null, "list": {"amount": "1.00", "currency": "USD"}},
    }});
    let drafts = intent::drafts(&delivery(&asked.to_string())).expect("it asks");
    let [draft] = drafts.as_slice() else { panic!("one intent: {drafts:?}") };
    assert_eq!((draft.intent_type.as_str(), draft.dedupe_key.as_str()), ("discount", "Q-1042/2"));
    assert_eq!(draft.requester.as_deref(), Some("sam@example.com"));
    assert_eq!(draft.source, RecordRef::new("quote", "Q-1042"));
    let value = |name: &str| draft.fields.iter().find(|field| field.name == name).map(|field| &field.value);
    assert_eq!(value("discount"), Some(&Value::Text("25%".to_owned())));
    assert_eq!((value("months"), value("rush")), (Some(&Value::Integer(18)), Some(&Value::Flag(true))));
    assert_eq!(value("note"), Some(&Value::Absent));
    assert_eq!(value("list"), Some(&Value::Json(r#"{"amount":"1.00","currency":"USD"}"#.to_owned())));
    // A message of another type asks for nothing.
    assert_eq!(intent::drafts(&delivery(r#"{"type": "ping"}"#)), Ok(Vec::new()));
    for (from, to, place) in [
        ("\"25%\"", "12.5", "/data/tokens/discount"),
        ("\"key\"", "\"keys\"", "/data/keys"),
        ("\"sam@example.com\"", "7", "requester"),
        ("\"kind\"", "\"sort\"", "kind"),
        ("{\"data\"", "[{\"data\"", "1:"),
    ] {
        let text = asked.to_string();
        let changed = text.replace(from, to);
        assert_ne!(changed, text, "{from}");
        let refused = intent::drafts(&delivery(&changed)).expect_err(place);
        let Failure::Rejected { detail, .. } = &refused else { panic!("{refused:?}") };
        assert!(detail.code == "bad-delivery" && detail.message.contains(place), "{}", detail.message);
    }
}
