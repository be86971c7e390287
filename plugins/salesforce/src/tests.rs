//! The connector against a small Salesforce that keeps one opportunity and its approval records.

use super::*;
use countersign_sdk::testing::{Manifest, Reply, ScriptedTarget, Sent, compensation, effect, proposal};
use countersign_sdk::{Field, Method, Money, Value};
use serde_json::{Value as Json, json};
use std::cell::RefCell;
use std::rc::Rc;

const MANIFEST: &str = include_str!("../connector.toml");
const ID: &str = "0065g00000A0001EAA";
const OPPORTUNITY: &str = "/services/data/v67.0/sobjects/Opportunity/0065g00000A0001EAA";
const UPSERT: &str = "/services/data/v67.0/sobjects/Countersign_Approval__c/Effect_Id__c/eff_1";
const APPROVAL: &str = "/services/data/v67.0/sobjects/Countersign_Approval__c/a0X5g00000A0001EAA";
const DESCRIBE: &str = "/services/data/v67.0/sobjects/Countersign_Approval__c/describe";
const QUERY: &str = "/services/data/v67.0/query";
const QUERY_ALL: &str = "/services/data/v67.0/queryAll";

struct Crm {
    target: ScriptedTarget,
    opportunity: Rc<RefCell<Json>>,
    approvals: Rc<RefCell<Vec<Json>>>,
}

/// An opportunity of 100,000 in an organization with one currency.
fn crm() -> Crm {
    let opportunity = json!({
        "attributes": {"type": "Opportunity"}, "Id": ID, "Name": "New business", "Amount": 100_000.0,
        "Discount_Percent__c": null, "StageName": "Negotiation", "AccountId": "0015g00000A0001EAA",
        "OwnerId": "0055g00000A0001EAA", "HasOpportunityLineItem": false,
        "SystemModstamp": "2026-11-02T09:00:00.000+0000",
    });
    let crm = Crm {
        target: ScriptedTarget::of(MANIFEST),
        opportunity: Rc::new(RefCell::new(opportunity)),
        approvals: Rc::default(),
    };
    crm.target.set("currency", "USD");
    let opportunity = crm.opportunity.clone();
    crm.target.answers(Method::Get, OPPORTUNITY, move |_| Reply::json(200, &opportunity.borrow()));
    let opportunity = crm.opportunity.clone();
    crm.target.answers(Method::Patch, OPPORTUNITY, move |sent| {
        change(&mut opportunity.borrow_mut(), sent);
        Reply::status(204)
    });
    let approvals = crm.approvals.clone();
    crm.target.answers(Method::Get, QUERY, move |_| {
        Reply::json(200, &json!({"totalSize": 1, "done": true, "records": *approvals.borrow()}))
    });
    let approvals = crm.approvals.clone();
    crm.target.answers(Method::Patch, UPSERT, move |sent| {
        let mut record = json!({"Id": "a0X5g00000A0001EAA", "Effect_Id__c": "eff_1", "Decision__c": null,
            "Approvers__c": null, "Policy_Version__c": null, "Seal__c": null});
        change(&mut record, sent);
        approvals.borrow_mut().push(record);
        Reply::json(201, &json!({"id": "a0X5g00000A0001EAA", "success": true, "errors": [], "created": true}))
    });
    crm
}

fn change(record: &mut Json, sent: &Sent) {
    for (field, value) in sent.json().as_object().expect("fields") {
        record[field] = if *value == json!("") { Json::Null } else { value.clone() };
    }
    record["SystemModstamp"] = json!("2026-11-02T09:01:00.000+0000");
}

fn price(net: &str, percent: Option<&str>) -> Proposal {
    let mut fields = vec![Field::new("net_amount", Value::Money(Money::new(net, "USD")))];
    fields.extend(percent.map(|percent| Field::new("discount_percent", Value::Decimal(percent.into()))));
    proposal("set-price", RecordRef::new("opportunity", ID), fields)
}

fn approval() -> Proposal {
    let words = [("intent_id", "int_1"), ("decision", " approve\n"), ("approvers", ""), ("seal", "{seal}")];
    let fields = words.iter().map(|(name, word)| Field::new(*name, Value::Text((*word).into()))).collect();
    proposal("record-approval", RecordRef::new("opportunity", ID), fields)
}

fn planned(crm: &Crm, what: &Proposal) -> Effect {
    let plan = crm.target.plan(&Salesforce, what).expect("a plan");
    effect("eff_1", what, &plan)
}

fn refusal(code: &str) -> Json {
    json!([{"message": "no", "errorCode": code, "fields": []}])
}

#[test]
fn the_description_agrees_with_the_manifest() {
    Manifest::parse(MANIFEST).agrees_with(&Salesforce.describe());
}

#[test]
fn an_opportunity_tells_what_policies_ask_of_it() {
    let crm = crm();
    // As Salesforce writes twelve and a half million; a reader of floats would lose what the next one holds.
    for (written, told) in [("1.25E7", "12500000"), ("9007199254740.99", "9007199254740.99"), ("0.0", "0")] {
        let text = crm.opportunity.borrow().to_string().replace("100000.0", written);
        crm.target.once(Method::Get, OPPORTUNITY, Reply::text(200, text));
        let opportunity = crm.target.fetch(&Salesforce, "opportunity", ID).expect("an opportunity");
        assert_eq!(opportunity.value("net_amount"), &Value::Money(Money::new(told, "USD")));
    }
    crm.target.set("discount-field", "discount_percent__C");
    crm.opportunity.borrow_mut()["Amount"] = Json::Null;
    crm.opportunity.borrow_mut()["Discount_Percent__c"] = json!(12.50);
    let opportunity = crm.target.fetch(&Salesforce, "opportunity", ID).expect("an opportunity");
    assert_eq!(opportunity.revision.as_deref(), Some("2026-11-02T09:00:00.000+0000"));
    for (name, expected) in [
        ("name", Value::Text("New business".into())),
        ("net_amount", Value::Absent),
        ("discount_percent", Value::Decimal("12.5".into())),
        ("currency", Value::Text("USD".into())),
        ("stage", Value::Text("Negotiation".into())),
        ("account", Value::Reference(RecordRef::new("account", "0015g00000A0001EAA"))),
        ("owner", Value::Text("0055g00000A0001EAA".into())),
    ] {
        assert_eq!(opportunity.value(name), &expected, "{name}");
    }
    // With several currencies each record has its own.
    crm.target.set("currency", "");
    crm.opportunity.borrow_mut()["CurrencyIsoCode"] = json!("EUR");
    let opportunity = crm.target.fetch(&Salesforce, "opportunity", ID).expect("an opportunity");
    assert_eq!(opportunity.value("currency"), &Value::Text("EUR".into()));
}

#[test]
fn an_account_tells_what_settings_name() {
    let crm = crm();
    let account = json!({"Id": "0015g00000A0001EAA", "Name": "Acme", "AccountNumber": null, "Type": "mid",
        "OwnerId": null, "Billing__c": "cus_1", "SystemModstamp": "2026-11-02T09:00:00.000+0000"});
    crm.target.on(Method::Get, "/services/data/v67.0/sobjects/Account/*", Reply::json(200, &account));
    crm.target.set("segment-field", "Type");
    crm.target.set("billing-account-field", "Billing__c");
    let account = crm.target.fetch(&Salesforce, "account", "0015g00000A0001").expect("an account");
    assert_eq!(account.value("segment"), &Value::Text("mid".into()));
    assert_eq!(account.value("billing_account"), &Value::Reference(RecordRef::new("customer", "cus_1")));
    assert_eq!((account.value("number"), account.value("owner")), (&Value::Absent, &Value::Absent));
    // An answer to somebody else's question is none.
    let failure = crm.target.fetch(&Salesforce, "account", "0015g00000A0002EAA").expect_err("another one");
    assert_eq!((failure.case(), failure.code()), ("transient", "unreadable-answer"));
}

#[test]
fn a_price_that_the_opportunity_cannot_hold_is_refused_with_its_reason() {
    let rows: [(&str, &str, Json, Proposal); 6] = [
        ("has-products", "HasOpportunityLineItem", json!(true), price("75000", None)),
        ("not-exact", "Name", json!("x"), price("12345678901234.56", None)),
        ("not-exact", "Name", json!("x"), price("75000", Some("0.1234567890123456"))),
        ("other-currency", "Name", json!("x"), {
            let mut what = price("75000", None);
            what.fields[0].value = Value::Money(Money::new("75000", "EUR"));
            what
        }),
        ("bad-input", "Name", json!("x"), proposal("set-price", RecordRef::new("opportunity", ID), vec![])),
        ("unreadable-answer", "SystemModstamp", json!("today"), price("75000", None)),
    ];
    for (code, field, value, what) in rows {
        let crm = crm();
        crm.opportunity.borrow_mut()[field] = value;
        assert_eq!(crm.target.plan(&Salesforce, &what).expect_err(code).code(), code);
    }
    for (setting, value, code) in [
        ("discount-field", "", "missing-setting"),
        ("discount-field", "Discount__c, Id FROM User --", "bad-setting"),
        ("currency", "usd", "bad-setting"),
    ] {
        let crm = crm();
        crm.target.set(setting, value);
        let failure = crm.target.plan(&Salesforce, &price("75000", Some("25"))).expect_err(setting);
        assert_eq!(failure.code(), code, "{setting}");
    }
}

#[test]
fn a_price_lands_in_one_conditional_step_and_is_found_by_a_look() {
    let crm = crm();
    let mut effect = planned(&crm, &price("75000.00", Some("25.0")));
    assert_eq!(crm.target.probe(&Salesforce, &effect), Ok(Finding::Absent));
    // The host writes an amount with all digits of its currency.
    assert_eq!(effect.plan.changes[0].name, "net_amount");
    effect.plan.changes[0].before = Value::Money(Money::new("100000.00", "USD"));
    effect.plan.changes[0].after = Value::Money(Money::new("75000.00", "USD"));
    let receipt = crm.target.apply(&Salesforce, &effect).expect("it lands");
    let steps = crm.target.steps();
    assert_eq!(steps.len(), 1);
    assert_eq!(steps[0].text(), r#"{"Amount":75000,"Discount_Percent__c":25}"#);
    assert_eq!(steps[0].header("if-unmodified-since"), Some("Mon, 02 Nov 2026 09:00:00 GMT"));
    assert_eq!(receipt.revision.as_deref(), Some("2026-11-02T09:01:00.000+0000"));
    assert_eq!(receipt.applied[0].value, Value::Money(Money::new("75000", "USD")));
    assert_eq!(crm.target.probe(&Salesforce, &effect), Ok(Finding::Landed(receipt)));
    assert!(planned(&crm, &price("75000", Some("25"))).plan.changes.is_empty());
}

#[test]
fn wherever_an_attempt_stops_the_next_one_lands_once() {
    for after in [false, true] {
        for (step, what) in [("set-price", price("75000", None)), ("record-approval", approval())] {
            let crm = crm();
            let effect = planned(&crm, &what);
            if after {
                crm.target.stop_after(step);
            } else {
                crm.target.stop_before(step);
            }
            let failure = crm.target.apply(&Salesforce, &effect).expect_err("it stops");
            assert_eq!(failure.case(), if after { "uncertain" } else { "transient" });
            let found = crm.target.probe(&Salesforce, &effect).expect("a finding");
            assert_eq!(matches!(found, Finding::Landed(_)), after, "{step}");
            crm.target.apply(&Salesforce, &effect).expect("the next attempt lands");
            assert_eq!(crm.target.steps().len(), 1, "{step} reached Salesforce once");
        }
    }
}

#[test]
fn an_opportunity_that_someone_else_changed_is_a_conflict_and_stays_as_it_is() {
    for (field, value) in [
        ("SystemModstamp", json!("2026-11-02T09:00:01.000+0000")),
        // Within the same second.
        ("Amount", json!(90_000.0)),
    ] {
        let crm = crm();
        let effect = planned(&crm, &price("75000", None));
        crm.opportunity.borrow_mut()[field] = value;
        let failure = crm.target.apply(&Salesforce, &effect).expect_err("it moved");
        assert!(matches!(&failure, Failure::Conflict { revision: Some(_), .. }), "{failure}");
        assert!(crm.target.steps().is_empty());
    }
    // Between our look and our step.
    let crm = crm();
    let effect = planned(&crm, &price("75000", None));
    crm.target.once(Method::Patch, OPPORTUNITY, Reply::status(412));
    assert_eq!(crm.target.apply(&Salesforce, &effect).expect_err("it moved").case(), "conflict");
    crm.opportunity.borrow_mut()["HasOpportunityLineItem"] = json!(true);
    assert_eq!(crm.target.apply(&Salesforce, &effect).expect_err("summed up").code(), "has-products");
}

#[test]
fn what_the_opportunity_holds_afterwards_is_told_and_what_cannot_be_seen_is_uncertain() {
    let crm = crm();
    let effect = planned(&crm, &price("75000", None));
    // Somebody in between says that all is well.
    crm.target.once(Method::Patch, OPPORTUNITY, Reply::text(200, "<html>"));
    let failure = crm.target.apply(&Salesforce, &effect).expect_err("nothing was written");
    assert_eq!((failure.case(), failure.code()), ("uncertain", "not-seen"));
    let crm = self::crm();
    let opportunity = crm.opportunity.clone();
    crm.target.answers(Method::Patch, OPPORTUNITY, move |sent| {
        change(&mut opportunity.borrow_mut(), sent);
        opportunity.borrow_mut()["Amount"] = json!(75_100.0);
        Reply::status(204)
    });
    let receipt = crm.target.apply(&Salesforce, &effect).expect("a trigger has its own mind");
    assert_eq!(receipt.applied, [Field::new("net_amount", Value::Money(Money::new("75100", "USD")))]);
    // The look after the step is refused.
    let crm = self::crm();
    crm.target.once(Method::Get, OPPORTUNITY, Reply::json(200, &crm.opportunity.borrow()));
    crm.target.once(Method::Get, OPPORTUNITY, Reply::json(403, &refusal("REQUEST_LIMIT_EXCEEDED")));
    assert_eq!(crm.target.apply(&Salesforce, &effect).expect_err("not seen").case(), "uncertain");
}

#[test]
fn a_price_is_taken_back_once_wherever_an_attempt_stops() {
    for stop in [ScriptedTarget::stop_before, ScriptedTarget::stop_after] {
        let crm = crm();
        let before = crm.target.fetch(&Salesforce, "opportunity", ID).expect("an opportunity");
        let priced = planned(&crm, &price("75000", Some("25")));
        let landed = crm.target.apply(&Salesforce, &priced).expect("it lands");
        let undo = compensation(&priced);
        assert_eq!(crm.target.probe_undo(&Salesforce, &undo, &landed), Ok(Finding::Absent));
        stop(&crm.target, "restore-price");
        crm.target.undo(&Salesforce, &undo, &landed).expect_err("it stops");
        let receipt = crm.target.undo(&Salesforce, &undo, &landed).expect("it is taken back");
        assert_eq!(receipt.applied, undo.plan.applied());
        assert_eq!(
            crm.target.fetch(&Salesforce, "opportunity", ID).expect("an opportunity").fields,
            before.fields
        );
        let steps = crm.target.steps();
        assert_eq!(steps.len(), 2, "one price and one restored price reached Salesforce");
        assert_eq!(steps[1].text(), r#"{"Amount":100000,"Discount_Percent__c":null}"#);
        assert_eq!(crm.target.probe_undo(&Salesforce, &undo, &landed), Ok(Finding::Landed(receipt)));
    }
    let crm = crm();
    let priced = planned(&crm, &price("75000", None));
    let landed = crm.target.apply(&Salesforce, &priced).expect("it lands");
    crm.opportunity.borrow_mut()["Amount"] = json!(60_000.0);
    let failure = crm.target.undo(&Salesforce, &compensation(&priced), &landed).expect_err("it moved");
    assert_eq!((failure.case(), crm.target.steps().len()), ("conflict", 1));
    let record = planned(&crm, &approval());
    let failure = crm.target.undo(&Salesforce, &compensation(&record), &landed).expect_err("never");
    assert_eq!(failure.code(), "unknown-operation");
}

#[test]
fn an_approval_record_stands_under_the_effects_id_with_the_sealed_words() {
    let crm = crm();
    let mut effect = planned(&crm, &approval());
    assert_eq!(effect.plan.after("decision"), Some(&Value::Text("approve".into())));
    let seal = effect.plan.changes.iter_mut().find(|change| change.name == "seal").expect("the seal");
    seal.after = Value::Text("5ea1".into());
    let receipt = crm.target.apply(&Salesforce, &effect).expect("it lands");
    assert_eq!(receipt.subject, RecordRef::new("approval", "a0X5g00000A0001EAA"));
    assert_eq!(receipt.applied, effect.plan.applied());
    let expected = json!({"Opportunity__c": ID, "Intent_Id__c": "int_1", "Decision__c": "approve",
        "Approvers__c": "", "Seal__c": "5ea1"});
    assert_eq!(crm.target.steps()[0].json(), expected);
    let asked = crm.target.sent().pop().expect("a look");
    let soql = "SELECT Id, Effect_Id__c, Opportunity__c, SystemModstamp, Intent_Id__c, Decision__c, Approvers__c, \
                Policy_Version__c, Seal__c FROM Countersign_Approval__c WHERE Effect_Id__c = 'eff_1' LIMIT 2";
    assert_eq!(asked.query("q"), Some(soql));
    let record = crm.approvals.borrow()[0].clone();
    crm.target.on(Method::Get, APPROVAL, Reply::json(200, &record));
    let fetched = crm.target.fetch(&Salesforce, "approval", "a0X5g00000A0001EAA").expect("a record");
    assert_eq!(fetched.value("seal"), &Value::Text("5ea1".into()));
    assert_eq!(fetched.value("opportunity"), &Value::Reference(RecordRef::new("opportunity", ID)));
}

#[test]
fn another_effects_record_is_not_taken_for_ours_and_two_are_for_a_person() {
    let crm = crm();
    let effect = planned(&crm, &approval());
    crm.target.apply(&Salesforce, &effect).expect("it lands");
    let record = crm.approvals.borrow()[0].clone();
    crm.approvals.borrow_mut().push(record);
    assert_eq!(crm.target.probe(&Salesforce, &effect).expect_err("two").code(), "not-unique");
    crm.approvals.borrow_mut().truncate(1);
    crm.approvals.borrow_mut()[0]["Effect_Id__c"] = json!("eff_2");
    assert_eq!(crm.target.probe(&Salesforce, &effect).expect_err("another's").case(), "transient");
    crm.approvals.borrow_mut().clear();
    crm.target.once(Method::Patch, UPSERT, Reply::json(200, &json!({"success": true})));
    assert_eq!(crm.target.apply(&Salesforce, &effect).expect_err("not there").code(), "not-seen");
    let mut strange = effect.clone();
    strange.effect_id = "eff' OR Id != '".into();
    assert_eq!(crm.target.probe(&Salesforce, &strange).expect_err("no id").code(), "connector.bug");
    crm.target.set("approval-object", "");
    let failure = crm.target.plan(&Salesforce, &approval()).expect_err("no object");
    assert_eq!(failure.code(), "missing-setting");
}

#[test]
fn salesforces_word_and_its_status_become_one_of_the_five_answers() {
    let named = |code: &str| json!([{"message": "no", "errorCode": code, "fields": ["Intent_Id__c"]}]);
    let rows = [
        (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "rejected (field-custom-validation-exception)"),
        (400, "DUPLICATES_DETECTED", "rejected (duplicates-detected)"),
        (400, "A WORD OF_TOMORROW", "rejected (a-word-of-tomorrow)"),
        (400, "MALFORMED_ID", "rejected (not-found)"),
        (404, "ENTITY_IS_DELETED", "rejected (not-found)"),
        (404, "NOT_FOUND", "rejected (not-found)"),
        (300, "anything", "rejected (not-unique)"),
        (401, "INVALID_SESSION_ID", "denied (invalid-session-id)"),
        (400, "INVALID_FIELD_FOR_INSERT_UPDATE", "denied (invalid-field-for-insert-update)"),
        (400, "INSUFFICIENT_ACCESS_OR_READONLY", "denied (insufficient-access-or-readonly)"),
        (403, "A_NEW_KIND_OF_NO", "denied (a-new-kind-of-no)"),
        (403, "REQUEST_LIMIT_EXCEEDED", "transient (request-limit-exceeded)"),
        (400, "UNABLE_TO_LOCK_ROW", "transient (unable-to-lock-row)"),
        (400, "DUPLICATE_VALUE", "uncertain (duplicate-value)"),
        (503, "SERVER_UNAVAILABLE", "uncertain (server-unavailable)"),
        (500, "UNKNOWN_EXCEPTION", "uncertain (unknown-exception)"),
        (412, "PRECONDITION_FAILED", "conflict (moved)"),
    ];
    for (status, code, expected) in rows {
        let crm = crm();
        let effect = planned(&crm, &approval());
        crm.target.once(Method::Patch, UPSERT, Reply::json(status, &named(code)));
        let failure = crm.target.apply(&Salesforce, &effect).expect_err(code);
        assert!(failure.to_string().starts_with(expected), "{code}: {failure}");
        if let Failure::Rejected { fields, .. } = &failure {
            // Where there are several records, Salesforce lists them instead.
            assert_eq!(fields.first().map(String::as_str), (status != 300).then_some("intent_id"), "{code}");
        }
    }
    let crm = crm();
    let limited = Reply::json(503, &refusal("SERVER_UNAVAILABLE")).header("retry-after", "7");
    crm.target.once(Method::Get, OPPORTUNITY, limited);
    let failure = crm.target.fetch(&Salesforce, "opportunity", ID).expect_err("away");
    assert!(matches!(failure, Failure::Transient { after_ms: Some(7_000), .. }), "{failure}");
    // Some pages of the documentation show an error outside of a list; a proxy shows none.
    let alone = json!({"message": "no", "errorCode": "API_DISABLED_FOR_ORG"});
    for (reply, expected) in [
        (Reply::json(403, &alone), "denied (api-disabled-for-org): the target answered 403: no"),
        (Reply::text(502, "<html>"), "transient (unavailable): the target answered 502"),
        (Reply::text(200, "<html>"), "transient (unreadable-answer)"),
    ] {
        crm.target.once(Method::Get, OPPORTUNITY, reply);
        let failure = crm.target.fetch(&Salesforce, "opportunity", ID).expect_err("refused").to_string();
        assert!(failure.starts_with(expected), "{failure}");
    }
}

#[test]
fn changes_are_told_one_by_one_even_within_one_second() {
    let crm = crm();
    let id = |number: u32| format!("0065g00000A{number:04}EAA");
    let all: Vec<(String, &str)> = vec![
        (id(1), "2026-11-02T09:00:00.000+0000"),
        (id(2), "2026-11-02T09:00:00.000+0000"),
        (id(3), "2026-11-02T09:00:00.000+0000"),
        (id(4), "2026-11-02T09:00:50.000+0000"),
    ];
    let now = Rc::new(RefCell::new("Mon, 02 Nov 2026 09:01:04 GMT"));
    let clock = now.clone();
    crm.target.answers(Method::Get, QUERY_ALL, move |sent| {
        let soql = sent.query("q").expect("a query");
        let after = soql.split('\'').nth(1).unwrap_or_default();
        let row = |(id, at): &(String, &str)| json!({"Id": id, "SystemModstamp": at});
        let found: Vec<Json> = all.iter().filter(|(id, _)| after < id.as_str()).take(2).map(row).collect();
        Reply::json(200, &json!({"done": true, "records": found})).header("date", *clock.borrow())
    });
    let page =
        |cursor: Option<&str>| crm.target.changes(&Salesforce, "opportunity", cursor, 2).expect("a page");
    let first = page(None);
    let ids: Vec<&str> = first.items.iter().map(|item| item.subject.id.as_str()).collect();
    assert_eq!(ids, [id(1), id(2)]);
    let next = first.next.expect("where to go on");
    assert_eq!(next, format!("2026-11-02T09:00:00Z {}", id(2)));
    // Within fifteen seconds another record may still get that second.
    let second = page(Some(&next));
    assert_eq!((second.items.len(), second.items[0].subject.id.clone()), (1, id(3)));
    let soql = format!(
        "SELECT Id, SystemModstamp FROM Opportunity WHERE SystemModstamp >= 2026-11-02T09:00:00Z AND \
         (SystemModstamp > 2026-11-02T09:00:00Z OR Id > '{}') ORDER BY SystemModstamp, Id LIMIT 2",
        id(2)
    );
    assert_eq!(crm.target.sent()[1].query("q"), Some(soql.as_str()));
    let next = second.next.expect("where to go on");
    let third = page(Some(&next));
    assert_eq!((third.items.len(), third.next), (0, None), "nothing is told before its time");
    *now.borrow_mut() = "Mon, 02 Nov 2026 09:01:05 GMT";
    let fourth = page(Some(&next));
    assert_eq!(fourth.items[0].revision.as_deref(), Some("2026-11-02T09:00:50.000+0000"));
    let last = page(fourth.next.as_deref());
    assert_eq!((last.items.len(), last.next), (0, None));
}

#[test]
fn a_place_that_is_none_of_ours_is_refused_and_never_sent() {
    let crm = crm();
    for cursor in [
        "yesterday",
        "2026-11-02T09:00:00Z",
        "2026-11-02T09:00:00Z 0065g00000A0001EA' OR Id != '",
        "2026-11-02T09:00:00Z) OR (Id != null 0065g00000A0001EAA",
    ] {
        let failure = crm.target.changes(&Salesforce, "account", Some(cursor), 2).expect_err(cursor);
        assert_eq!(failure.code(), "bad-cursor");
    }
    crm.target.set("approval-object", "");
    assert_eq!(crm.target.changes(&Salesforce, "approval", None, 2), Ok(Page::default()));
    assert_eq!(crm.target.changes(&Salesforce, "user", None, 2).expect_err("none").code(), "unknown-kind");
    for id in ["", "0065g00000A0001EA'", "../../../../query", "0065g00000A0001EAAA"] {
        assert!(crm.target.fetch(&Salesforce, "opportunity", id).expect_err(id).is_not_found());
    }
    assert!(crm.target.sent().is_empty());
}

#[test]
fn the_check_reads_what_the_connector_needs_and_wants_a_unique_key() {
    let crm = crm();
    let field = |name: &str, unique: bool, createable: bool| json!({"name": name, "createable": createable, "externalId": unique, "unique": unique});
    let others =
        ["Opportunity__c", "Intent_Id__c", "Decision__c", "Approvers__c", "Policy_Version__c", "Seal__c"];
    let described = |unique: bool, createable: bool| {
        let mut fields = vec![field("Effect_Id__c", unique, true)];
        fields.extend(others.map(|name| field(name, false, createable)));
        Reply::json(200, &json!({"fields": fields}))
    };
    for (reply, expected) in [
        (described(true, true), None),
        (described(false, true), Some(("rejected", "not-unique"))),
        (described(true, false), Some(("denied", "missing-field"))),
        (Reply::json(404, &refusal("NOT_FOUND")), Some(("rejected", "not-found"))),
    ] {
        crm.target.on(Method::Get, DESCRIBE, reply);
        let failure = crm.target.check(&Salesforce).err();
        assert_eq!(failure.as_ref().map(|failure| (failure.case(), failure.code())), expected);
    }
    crm.target.set("approval-object", "");
    assert_eq!(crm.target.check(&Salesforce), Ok(()));
    crm.target.once(Method::Get, QUERY, Reply::json(400, &refusal("INVALID_FIELD")));
    assert_eq!(crm.target.check(&Salesforce).expect_err("no such field").code(), "invalid-field");
}

#[test]
fn an_operation_or_kind_that_is_not_ours_is_refused() {
    let crm = crm();
    let mut what = price("75000", None);
    what.subject.kind = "account".into();
    assert_eq!(crm.target.plan(&Salesforce, &what).expect_err("unknown").code(), "unknown-kind");
    what.operation = "delete".into();
    assert_eq!(crm.target.plan(&Salesforce, &what).expect_err("unknown").code(), "unknown-operation");
    assert_eq!(crm.target.fetch(&Salesforce, "user", "1").expect_err("unknown").code(), "unknown-kind");
}
