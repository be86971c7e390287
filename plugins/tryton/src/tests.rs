//! The connector against a small Tryton that keeps one quote and its notes.

use super::*;
use countersign_sdk::testing::{Manifest, Reply, ScriptedTarget, Sent, compensation, effect, proposal};
use countersign_sdk::{Field, Method, Money, Value};
use serde_json::{Value as Json, json};
use std::cell::RefCell;
use std::rc::Rc;

const MANIFEST: &str = include_str!("../connector.toml");
const QUOTE: &str = "/rest/model/sale.sale/7";
const NOTES: &str = "/rest/model/ir.note";
const SALES: &str = "/rest/model/sale.sale";

/// What a person changed in the quote before it is planned.
type Edit = fn(&mut Json);

struct Crm {
    target: ScriptedTarget,
    sale: Rc<RefCell<Json>>,
    notes: Rc<RefCell<Vec<Json>>>,
}

fn amount(text: &str) -> Json {
    json!({"__class__": "Decimal", "decimal": text})
}

fn line(id: i64, quantity: f64, price: &str) -> Json {
    json!({"id": id, "type": "line", "quantity": quantity, "unit_price": amount(price), "base_price": amount(price),
        "product": {"id": 1, "cost_price": amount("40.00")}, "_timestamp": "1795465998.85304"})
}

/// A draft quote of two priced lines and a comment, 100,000 at list price.
fn crm() -> Crm {
    let sale = json!({
        "id": 7, "number": null, "state": "draft", "description": "Renewal 2027", "party": 2,
        "currency": {"id": 1, "code": "USD", "digits": 2}, "company": {"id": 1, "currency": {"id": 1, "code": "USD", "digits": 2}},
        "untaxed_amount": amount("100000.00"), "_timestamp": "1795465998.9",
        "lines": [line(11, 500.0, "100.00"), line(12, 500.0, "100.00"),
            {"id": 13, "type": "comment", "quantity": null, "unit_price": null, "base_price": null, "product": null,
                "_timestamp": "1795465998.85304"}],
    });
    let crm =
        Crm { target: ScriptedTarget::of(MANIFEST), sale: Rc::new(RefCell::new(sale)), notes: Rc::default() };
    let sale = crm.sale.clone();
    crm.target.answers(Method::Get, QUOTE, move |_| Reply::json(200, &sale.borrow()));
    let sale = crm.sale.clone();
    crm.target.answers(Method::Put, QUOTE, move |sent| reprice(&mut sale.borrow_mut(), sent));
    let notes = crm.notes.clone();
    crm.target.answers(Method::Get, NOTES, move |_| Reply::json(200, &json!(*notes.borrow())));
    let notes = crm.notes.clone();
    crm.target.answers(Method::Post, NOTES, move |sent| {
        let mut note = sent.json();
        note["id"] = json!(notes.borrow().len() + 1);
        note["_timestamp"] = json!("1795466000.1");
        notes.borrow_mut().push(note.clone());
        Reply::json(200, &note)
    });
    crm
}

/// Writes the lines as Tryton does, and sums them up.
fn reprice(sale: &mut Json, sent: &Sent) -> Reply {
    let orders = sent.json()["lines"].clone();
    for order in orders.as_array().expect("orders") {
        assert_eq!(order[0], "write");
        let lines = sale["lines"].as_array_mut().expect("lines");
        let line = lines.iter_mut().find(|line| line["id"] == order[1][0]).expect("a line");
        line["unit_price"] = order[2]["unit_price"].clone();
        line["_timestamp"] = json!("1795467000.5");
    }
    let net: f64 = sale["lines"]
        .as_array()
        .expect("lines")
        .iter()
        .filter_map(|line| {
            let price: f64 = line["unit_price"]["decimal"].as_str()?.parse().ok()?;
            Some(price * line["quantity"].as_f64()?)
        })
        .sum();
    sale["untaxed_amount"] = amount(&format!("{net:.2}"));
    Reply::json(200, sale)
}

fn price(percent: &str, net: &str) -> Proposal {
    proposal(
        "set-price",
        RecordRef::new("quote", "7"),
        vec![
            Field::new("discount_percent", Value::Decimal(percent.into())),
            Field::new("net_amount", Value::Money(Money::new(net, "USD"))),
        ],
    )
}

fn approval(kind: &str, id: &str) -> Proposal {
    let fields = [
        ("intent_id", "int_1"),
        ("decision", "approve"),
        ("approvers", ""),
        ("policy_version", "p1"),
        ("seal", "{seal}"),
    ];
    let fields = fields.iter().map(|(name, word)| Field::new(*name, Value::Text((*word).into()))).collect();
    proposal("record-approval", RecordRef::new(kind, id), fields)
}

fn planned(crm: &Crm, what: &Proposal) -> Effect {
    let plan = crm.target.plan(&Tryton, what).expect("a plan");
    effect("eff_1", what, &plan)
}

#[test]
fn the_description_agrees_with_the_manifest() {
    Manifest::parse(MANIFEST).agrees_with(&Tryton.describe());
}

#[test]
fn a_quote_tells_what_policies_ask_of_it() {
    let crm = crm();
    let quote = crm.target.fetch(&Tryton, "quote", "7").expect("a quote");
    assert_eq!(quote.revision.as_deref(), Some("1795465998.9/3"));
    for (name, expected) in [
        ("discount_percent", Value::Decimal("0".into())),
        ("net_amount", Value::Money(Money::new("100000.00", "USD"))),
        ("list_amount", Value::Money(Money::new("100000.00", "USD"))),
        ("margin", Value::Decimal("60".into())),
        ("renewal", Value::Flag(true)),
        ("account", Value::Reference(RecordRef::new("account", "2"))),
        ("number", Value::Absent),
    ] {
        assert_eq!(quote.value(name), &expected, "{name}");
    }
}

#[test]
fn what_cannot_be_computed_is_absent_and_never_guessed() {
    let crm = crm();
    crm.sale.borrow_mut()["lines"][0]["product"]["cost_price"] = Json::Null;
    crm.sale.borrow_mut()["lines"][1]["base_price"] = Json::Null;
    crm.sale.borrow_mut()["description"] = Json::Null;
    let quote = crm.target.fetch(&Tryton, "quote", "7").expect("a quote");
    for name in ["margin", "discount_percent", "list_amount"] {
        assert_eq!(quote.value(name), &Value::Absent, "{name}");
    }
    assert_eq!(quote.value("renewal"), &Value::Flag(false));
    crm.sale.borrow_mut()["company"]["currency"]["code"] = json!("EUR");
    let quote = crm.target.fetch(&Tryton, "quote", "7").expect("a quote");
    assert_eq!(quote.value("margin"), &Value::Absent);
}

#[test]
fn an_account_tells_its_segment_and_its_customer_at_billing() {
    let crm = crm();
    let segment = json!({"id": 3, "name": "mid", "parent": {"id": 1, "name": "Segment"}});
    let other = json!({"id": 9, "name": "partner", "parent": null});
    let billing = json!({"id": 1, "name": "billing account", "value": "cus_1"});
    let rows = [
        (
            json!([segment, other]),
            json!([billing]),
            Value::Text("mid".into()),
            Value::Reference(RecordRef::new("customer", "cus_1")),
        ),
        (json!([other]), json!([]), Value::Absent, Value::Absent),
        (json!([segment, segment]), json!([billing, billing]), Value::Absent, Value::Absent),
    ];
    for (categories, mechanisms, segment, billing_account) in rows {
        let party = json!({"id": 2, "name": "Acme", "code": "2", "_timestamp": "1.5", "categories": categories,
            "contact_mechanisms": mechanisms});
        crm.target.on(Method::Get, "/rest/model/party.party/2", Reply::json(200, &party));
        let account = crm.target.fetch(&Tryton, "account", "2").expect("an account");
        assert_eq!(
            (account.value("segment"), account.value("billing_account")),
            (&segment, &billing_account)
        );
    }
}

#[test]
fn a_plan_shows_each_price_and_what_the_quote_comes_to() {
    let crm = crm();
    let plan = planned(&crm, &price("12.5", "87500.00")).plan;
    let names: Vec<&str> = plan.changes.iter().map(|change| change.name.as_str()).collect();
    assert_eq!(names, ["discount_percent", "net_amount", "unit_price/11", "unit_price/12"]);
    assert_eq!(plan.after("unit_price/11"), Some(&Value::Decimal("87.5".into())));
    assert_eq!(plan.revision.as_deref(), Some("1795465998.9/3"));
}

#[test]
fn a_price_that_the_quote_cannot_say_is_refused_with_its_reason() {
    let rows: [(&str, Edit, Proposal); 6] = [
        ("amount-mismatch", |_| (), price("25", "75000.01")),
        ("not-exact", |sale| sale["lines"] = json!([line(11, 1.0, "0.0001")]), price("25", "0.00")),
        ("no-list-price", |sale| sale["lines"][0]["base_price"] = Json::Null, price("25", "75000.00")),
        (
            "too-many-lines",
            |sale| sale["lines"] = (0..401).map(|id| line(id, 1.0, "100.00")).collect(),
            price("25", "30075.00"),
        ),
        ("not-draft", |sale| sale["state"] = json!("quotation"), price("25", "75000.00")),
        ("other-currency", |sale| sale["currency"]["code"] = json!("EUR"), price("25", "75000.00")),
    ];
    for (code, edit, what) in rows {
        let crm = crm();
        edit(&mut crm.sale.borrow_mut());
        let failure = crm.target.plan(&Tryton, &what).expect_err(code);
        assert_eq!((failure.case(), failure.code()), ("rejected", code));
    }
}

#[test]
fn a_price_that_is_there_already_needs_no_change() {
    let crm = crm();
    assert!(planned(&crm, &price("0", "100000.00")).plan.changes.is_empty());
}

#[test]
fn a_price_lands_in_one_step_and_is_found_by_a_look() {
    let crm = crm();
    let effect = planned(&crm, &price("25", "75000.00"));
    assert_eq!(crm.target.probe(&Tryton, &effect), Ok(Finding::Absent));
    let receipt = crm.target.apply(&Tryton, &effect).expect("it lands");
    assert_eq!(receipt.applied, effect.plan.applied());
    assert_eq!(receipt.revision.as_deref(), Some("1795467000.5/3"));
    assert_eq!(crm.target.steps().len(), 1);
    assert_eq!(crm.target.probe(&Tryton, &effect), Ok(Finding::Landed(receipt)));
}

#[test]
fn wherever_an_attempt_stops_the_next_one_lands_once() {
    for after in [false, true] {
        for (step, what) in
            [("set-price", price("25", "75000.00")), ("record-approval", approval("quote", "7"))]
        {
            let crm = crm();
            let effect = planned(&crm, &what);
            if after {
                crm.target.stop_after(step);
            } else {
                crm.target.stop_before(step);
            }
            let failure = crm.target.apply(&Tryton, &effect).expect_err("it stops");
            assert_eq!(failure.case(), if after { "uncertain" } else { "transient" });
            let found = crm.target.probe(&Tryton, &effect).expect("a finding");
            assert_eq!(matches!(found, Finding::Landed(_)), after, "{step}");
            crm.target.apply(&Tryton, &effect).expect("the next attempt lands");
            assert_eq!(crm.target.steps().len(), 1, "{step} reached Tryton once");
            assert!(crm.notes.borrow().len() <= 1);
        }
    }
}

#[test]
fn a_quote_that_someone_else_changed_is_a_conflict_and_stays_as_it_is() {
    let crm = crm();
    let effect = planned(&crm, &price("25", "75000.00"));
    crm.sale.borrow_mut()["lines"][0]["_timestamp"] = json!("1795469000");
    let failure = crm.target.apply(&Tryton, &effect).expect_err("it moved");
    assert!(
        matches!(&failure, Failure::Conflict { revision: Some(now), .. } if now == "1795469000/3"),
        "{failure}"
    );
    assert!(crm.target.steps().is_empty());
}

#[test]
fn a_price_is_taken_back_once_wherever_an_attempt_stops() {
    for stop in [ScriptedTarget::stop_before, ScriptedTarget::stop_after] {
        let crm = crm();
        let before = crm.target.fetch(&Tryton, "quote", "7").expect("a quote");
        let priced = planned(&crm, &price("25", "75000.00"));
        let landed = crm.target.apply(&Tryton, &priced).expect("it lands");
        let undo = compensation(&priced);
        assert_eq!(crm.target.probe_undo(&Tryton, &undo, &landed), Ok(Finding::Absent));
        stop(&crm.target, "restore-price");
        crm.target.undo(&Tryton, &undo, &landed).expect_err("it stops");
        let receipt = crm.target.undo(&Tryton, &undo, &landed).expect("it is taken back");
        assert_eq!(receipt.applied, undo.plan.applied());
        assert_eq!(crm.target.fetch(&Tryton, "quote", "7").expect("a quote").fields, before.fields);
        assert_eq!(crm.target.steps().len(), 2, "one price and one restored price reached Tryton");
        assert_eq!(crm.target.probe_undo(&Tryton, &undo, &landed), Ok(Finding::Landed(receipt)));
    }
}

#[test]
fn a_price_that_someone_else_changed_since_is_not_taken_back() {
    let crm = crm();
    let priced = planned(&crm, &price("25", "75000.00"));
    let landed = crm.target.apply(&Tryton, &priced).expect("it lands");
    crm.sale.borrow_mut()["lines"][0]["unit_price"] = amount("60.00");
    let failure = crm.target.undo(&Tryton, &compensation(&priced), &landed).expect_err("it moved");
    assert_eq!(failure.case(), "conflict");
    assert_eq!(crm.target.steps().len(), 1);
    assert_eq!(crm.sale.borrow()["lines"][0]["unit_price"], amount("60.00"));
}

#[test]
fn what_is_written_is_what_was_sealed_even_when_list_prices_moved() {
    let crm = crm();
    let mut effect = planned(&crm, &price("25", "75000.00"));
    effect.plan.revision = None;
    crm.sale.borrow_mut()["lines"][0]["base_price"] = amount("500.00");
    let receipt = crm.target.apply(&Tryton, &effect).expect("it is written");
    assert_eq!(crm.sale.borrow()["lines"][0]["unit_price"], amount("75"));
    assert_ne!(receipt.applied, effect.plan.applied(), "the discount that it says now is another one");
}

#[test]
fn an_approval_record_bears_the_effects_id_and_the_sealed_words() {
    let crm = crm();
    let mut effect = planned(&crm, &approval("quote", "7"));
    let seal = effect.plan.changes.iter_mut().find(|change| change.name == "seal").expect("the seal");
    seal.after = Value::Text("5ea1".into());
    let receipt = crm.target.apply(&Tryton, &effect).expect("it lands");
    assert_eq!(receipt.subject, RecordRef::new("approval", "1"));
    assert_eq!(receipt.applied, effect.plan.applied());
    let note = crm.notes.borrow()[0].clone();
    assert_eq!(note["resource"], "sale.sale,7");
    assert_eq!(
        note["message"],
        "eff_1 countersign approval record\nintent_id: int_1\ndecision: approve\napprovers: \npolicy_version: p1\nseal: 5ea1"
    );
    crm.target.on(Method::Get, "/rest/model/ir.note/1", Reply::json(200, &note));
    let record = crm.target.fetch(&Tryton, "approval", "1").expect("a record");
    assert_eq!(record.value("seal"), &Value::Text("5ea1".into()));
}

#[test]
fn another_effects_note_is_not_taken_for_ours() {
    let crm = crm();
    let effect = planned(&crm, &approval("quote", "7"));
    for message in ["effX1 countersign approval record", "eff_11 countersign approval record", "about eff_1 "]
    {
        let note = json!({"id": 5, "message": message, "resource": "sale.sale,7", "_timestamp": "1.0"});
        crm.notes.borrow_mut().push(note);
    }
    assert_eq!(crm.target.probe(&Tryton, &effect), Ok(Finding::Absent));
    let asked = crm.target.sent().pop().expect("a look");
    let pattern = r#"[["resource","=","sale.sale,7"],["message","like","eff\\_1 %"]]"#;
    assert_eq!(asked.query("d"), Some(rest::base64url(pattern.as_bytes()).as_str()));
}

#[test]
fn an_approval_record_may_stand_on_an_account_and_on_nothing_that_is_not_there() {
    let crm = crm();
    crm.target.on(Method::Get, "/rest/model/party.party/2", Reply::json(200, &json!({"id": 2})));
    let effect = planned(&crm, &approval("account", "2"));
    crm.target.apply(&Tryton, &effect).expect("it lands");
    assert_eq!(crm.notes.borrow()[0]["resource"], "party.party,2");
    crm.target.on(Method::Get, "/rest/model/party.party/*", Reply::status(404));
    assert!(crm.target.plan(&Tryton, &approval("account", "3")).expect_err("nothing there").is_not_found());
    assert_eq!(
        crm.target.plan(&Tryton, &approval("approval", "1")).expect_err("no kind").code(),
        "unknown-kind"
    );
}

#[test]
fn trytons_words_and_its_status_reach_people() {
    let crm = crm();
    let effect = planned(&crm, &price("25", "75000.00"));
    let words =
        json!({"status": 400, "message": "You are not allowed to modify the field", "description": ""});
    let rows = [
        (
            Reply::json(400, &words),
            "rejected (http-400): the target answered 400: You are not allowed to modify the field",
        ),
        (Reply::status(401), "denied (not-permitted): the target answered 401"),
        (Reply::text(500, "<html>"), "uncertain (unavailable): the target answered 500"),
        (Reply::status(429), "transient (rate-limited): the target answered 429"),
    ];
    for (reply, expected) in rows {
        crm.target.once(Method::Put, QUOTE, reply);
        assert_eq!(crm.target.apply(&Tryton, &effect).expect_err("refused").to_string(), expected);
    }
}

#[test]
fn an_id_that_is_no_number_is_not_sent() {
    let crm = crm();
    for id in ["7/quote", "abc", "-1", "1234567890123456789"] {
        assert!(crm.target.fetch(&Tryton, "quote", id).expect_err("no such quote").is_not_found(), "{id}");
    }
    assert!(crm.target.sent().is_empty());
}

#[test]
fn an_operation_or_kind_that_is_not_ours_is_refused() {
    let crm = crm();
    let mut what = price("25", "75000.00");
    what.subject.kind = "account".into();
    assert_eq!(crm.target.plan(&Tryton, &what).expect_err("unknown").code(), "unknown-kind");
    what.operation = "delete".into();
    assert_eq!(crm.target.plan(&Tryton, &what).expect_err("unknown").code(), "unknown-operation");
    assert_eq!(crm.target.fetch(&Tryton, "invoice", "1").expect_err("unknown").code(), "unknown-kind");
}

#[test]
fn the_check_reads_what_the_connector_needs() {
    let crm = crm();
    crm.target.on(Method::Get, "/rest/model/*", Reply::json(200, &json!([])));
    assert_eq!(crm.target.check(&Tryton), Ok(()));
    crm.target.on(Method::Get, "/rest/model/sale.sale", Reply::text(500, "<p>&#39;base_price&#39;</p>"));
    assert_eq!(crm.target.check(&Tryton).expect_err("no list prices").code(), "missing-module");
    crm.target.on(Method::Get, "/rest/model/*", Reply::status(401));
    assert_eq!(crm.target.check(&Tryton).expect_err("denied").case(), "denied");
}

fn at(second: u32, microsecond: u32) -> Json {
    json!({"__class__": "datetime", "year": 2026, "month": 11, "day": 23, "hour": 5, "minute": 13,
        "second": second, "microsecond": microsecond})
}

#[test]
fn changes_are_told_page_by_page_and_go_on_where_they_ended() {
    let crm = ScriptedTarget::of(MANIFEST);
    let asked: Rc<RefCell<Vec<Sent>>> = Rc::default();
    let quote = |id: i64, line: Json| {
        json!({"id": id, "write_date": null, "create_date": at(1, 0), "_timestamp": "1795465998.9",
            "lines": [{"write_date": line, "create_date": at(1, 0), "_timestamp": "1795465999.5"}]})
    };
    let all = [quote(1, at(7, 5)), quote(2, Json::Null), quote(3, at(2, 0))];
    let seen = asked.clone();
    crm.answers(Method::Get, SALES, move |sent| {
        let number = |name| sent.query(name).and_then(|text| text.parse::<usize>().ok()).expect("a number");
        let found: Vec<Json> = all.iter().skip(number("p")).take(number("s")).cloned().collect();
        let answered = if seen.borrow().len() < 2 { found } else { Vec::new() };
        seen.borrow_mut().push(sent.clone());
        Reply::json(200, &json!(answered))
    });
    let page = |cursor: Option<&str>| crm.changes(&Tryton, "quote", cursor, 2).expect("a page");
    let first = page(None);
    let found: Vec<(&str, Option<&str>)> =
        first.items.iter().map(|item| (item.subject.id.as_str(), item.revision.as_deref())).collect();
    assert_eq!(found, [("1", Some("1795465999.5/1")), ("2", Some("1795465999.5/1"))]);
    let second = page(first.next.as_deref());
    assert_eq!(second.items.len(), 1);
    let next = second.next.expect("where to go on");
    assert_eq!(next, "2026-11-23T05:13:07.000005 0 2026-11-23T05:13:07.000005");
    // Nothing more for now, from the newest change on.
    let third = page(Some(&next));
    assert_eq!((third.items.len(), third.next), (0, None));
    let later = |field: &str| json!([field, ">", "2026-11-23T05:13:07.000005"]);
    let fields = ["write_date", "create_date", "lines.write_date", "lines.create_date"].map(later);
    let domain = Json::Array(std::iter::once(json!("OR")).chain(fields).collect());
    let sent = asked.borrow()[2].query("d").map(ToOwned::to_owned);
    assert_eq!(sent, Some(rest::base64url(domain.to_string().as_bytes())));
    let failure = crm.changes(&Tryton, "quote", Some("yesterday"), 2).expect_err("no cursor of ours");
    assert_eq!(failure.code(), "bad-cursor");
}
