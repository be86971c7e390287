//! What an intent type accepts at the door, what it reads and what it plans.

use super::*;
use crate::record::{Field, RecordRef, Value};
use crate::rulebook::Rulebook;
use crate::rulebook::tests::starter_rulebook;
use crate::time::Timestamp;
use std::fmt::Write as _;

fn intent(rulebook: &Rulebook, name: &str) -> IntentType {
    let name = IntentTypeName::parse(name).expect("it is a name");
    rulebook.intent_type(&name).expect("it is there").clone()
}

fn name(text: &str) -> FieldName {
    FieldName::parse(text).expect("it is a name")
}

const DISCOUNT: &str = r#"{"quote_id":"S001","customer_id":"C-1","discount_percent":"12.5%",
    "amount":{"amount":"12000.00","currency":"USD"},"term_months":18,"payment_days":30,"reason":"volume"}"#;

fn raw(json: &str) -> Raw {
    serde_json::from_str(json).expect("it is JSON")
}

fn faults(intent: &IntentType, json: &str) -> String {
    let faults = intent.validate(&raw(json)).expect_err("it has faults");
    faults.iter().fold(String::new(), |mut all, fault| {
        writeln!(all, "{fault}").expect("a String grows");
        all
    })
}

#[test]
fn a_good_request_becomes_tokens_that_read_back_exactly() {
    let discount = intent(&starter_rulebook(), "discount");
    let tokens = discount.validate(&raw(DISCOUNT)).expect("it is good");
    let words: Vec<String> = tokens.values().map(ToString::to_string).collect();
    assert_eq!(
        words,
        ["12000.00 USD", "account/C-1", "12.5%", "30 days", "quote/S001", "volume", "18 months"]
    );
    let json = serde_json::to_string(&tokens).expect("it has a form");
    assert_eq!(serde_json::from_str::<Tokens>(&json).expect("it reads back"), tokens);
    assert_eq!(discount.subject_of(&tokens).as_deref(), Some("S001"));
    assert_eq!(discount.stake_of(&tokens).map(|stake| stake.to_string()).as_deref(), Some("12000.00 USD"));
}

#[test]
fn the_door_names_every_fault_of_a_token() {
    let discount = intent(&starter_rulebook(), "discount");
    let check = |from: &str, to: &str, expected: &str| {
        assert!(DISCOUNT.contains(from), "{from}");
        let found = faults(&discount, &DISCOUNT.replace(from, to));
        assert!(found.contains(expected), "{to}: {found}");
        assert_eq!(found.lines().count(), 1, "{to}: {found}");
    };
    check(
        "\"12.5%\"",
        "12.5",
        "`/discount_percent`: expected percent 0% .. 60% as text such as `12.5%`, found a number",
    );
    check("\"12.5%\"", "\"0.125\"", "found the text `0.125`");
    check("\"12.5%\"", "\"12.505%\"", "in steps of 0.01%, found the text `12.505%`, which is finer");
    check("\"12.5%\"", "\"12.50000001%\"", "which is finer");
    check("\"12.5%\"", "\"61%\"", "out of bounds");
    check("\"12.5%\"", "\"-1%\"", "out of bounds");
    check("\"12.5%\"", "12", "found the number 12");
    check(
        "\"12000.00\"",
        "12000.00",
        "`/amount/amount`: expected decimal text such as `1250.00`, found a number with",
    );
    check("\"12000.00\"", "\"12000.001\"", "with at most 2 digits behind the point");
    check("\"12000.00\"", "\"12.000\"", "with at most 2 digits behind the point");
    check("\"12000.00\"", "\"1e3\"", "found the text `1e3`");
    check("\"USD\"", "\"EUR\"", "`/amount/currency`: expected the text `USD`, found the text `EUR`");
    check(
        "\"currency\":\"USD\"",
        "\"currency\":\"USD\",\"x\":1",
        "`/amount/x`: expected only `amount` and `currency`",
    );
    check(
        "\"currency\":\"USD\"",
        "\"currency\":\"USD\",\"amount\":\"1\"",
        "`/amount/amount`: expected each member once",
    );
    check("{\"amount\":\"12000.00\",\"currency\":\"USD\"}", "12000", "found the number 12000");
    check(
        "18",
        "18.0",
        "`/term_months`: expected months 1 .. 84 as a whole number, found a number with a point",
    );
    check("18", "0", "out of bounds");
    check("18", "99999999999999999999", "found a number");
    check("18", "\"18\"", "found the text `18`");
    check("\"volume\"", "\"volumes\"", "`/reason`: expected one of competitor");
    check("\"volume\"", "\"volume\",\"note\":\"a\\u202eb\"", "`/note`: expected text without hidden");
    check("\"volume\"", "\"volume\",\"note\":\"a\\u0000b\"", "U+0000");
    check("\"volume\"", "\"volume\",\"reason\":\"volume\"", "`/reason`: expected each token once");
    check("\"volume\"", "\"volume\",\"extra/y\":1", "`/extra~1y`: expected one of quote_id");
    check("\"S001\"", "\"\"", "`/quote_id`: expected the id of a quote");
    check("\"S001\"", "\"S 1\"", "ASCII characters without blanks");
    check("\"S001\"", "7", "the id of a quote of `crm` as text");
    check("\"quote_id\":\"S001\",", "", "`/quote_id`: expected record crm quote, found nothing");
}

#[test]
fn all_faults_come_at_once() {
    let discount = intent(&starter_rulebook(), "discount");
    assert_eq!(faults(&discount, "{}").lines().count(), 7);
    assert!(faults(&discount, "[]").contains("expected an object of tokens"));
    let optional = DISCOUNT.replace("\"volume\"", "\"volume\",\"note\":null");
    assert!(discount.validate(&raw(&optional)).is_ok());
}

fn redline(clauses: usize) -> String {
    let clause = format!(
        r#"{{"contract_clause_id":"C-100/7.2","old_text_sha256":"{}","new_text":"New.","author":"kim"}}"#,
        "a".repeat(64)
    );
    let clauses = vec![clause; clauses].join(",");
    format!(
        r#"{{"contract_id":"C-100","customer_id":"A-1","contract_type":"msa","reason":"renewal","clause":[{clauses}]}}"#
    )
}

#[test]
fn a_list_is_checked_element_by_element() {
    let redlines = intent(&starter_rulebook(), "contract_redline");
    let tokens = redlines.validate(&raw(&redline(2))).expect("it is good");
    assert!(matches!(tokens.get(&name("clause")), Some(TokenValue::List(elements)) if elements.len() == 2));
    assert!(faults(&redlines, &redline(0)).contains("`/clause`: expected list 1 .. 200 elements, found 0"));
    assert!(faults(&redlines, &redline(201)).contains("found 201 elements"));
    let short = redline(2).replacen("\"author\":\"kim\"", "\"author\":\"\"", 1);
    assert!(faults(&redlines, &short).contains("`/clause/0/author`: expected text 1 .. 120 characters"));
    let unknown = redline(1).replace("\"author\"", "\"writer\"");
    let found = faults(&redlines, &unknown);
    assert!(found.contains("`/clause/0/writer`") && found.contains("`/clause/0/author`"), "{found}");
}

#[test]
fn facts_say_what_to_read() {
    let rulebook = starter_rulebook();
    let redlines = intent(&rulebook, "contract_redline");
    let tokens = redlines.validate(&raw(&redline(2))).expect("it is good");
    let reads: Vec<String> = redlines
        .reads(&tokens)
        .iter()
        .map(|read| {
            format!("{} {:?} {} {} {}", read.fact, read.element, read.connection, read.record, read.field)
        })
        .collect();
    assert_eq!(
        reads,
        [
            "contract_value None contracts contract/C-100 value",
            "paper None contracts contract/C-100 paper",
            "clause.topic Some(0) contracts clause/C-100/7.2 topic",
            "clause.topic Some(1) contracts clause/C-100/7.2 topic",
            "clause.position Some(0) contracts new_text/New. position",
            "clause.position Some(1) contracts new_text/New. position",
        ]
    );
}

#[test]
fn a_targets_value_gets_onto_the_grid_or_is_refused() {
    let rulebook = starter_rulebook();
    let check = |intent_type: &str, fact: &str, value: Value, expected: Result<&str, &str>| {
        let intent = intent(&rulebook, intent_type);
        let spec = intent.facts().iter().find(|spec| spec.name == name(fact)).expect("it is there");
        match (IntentType::fact_value(spec, &value), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found.to_string(), expected),
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
            (found, _) => panic!("{fact} {value:?}: {found:?}"),
        }
    };
    let decimal = |text: &str| Value::Decimal(text.to_owned());
    let text = |text: &str| Value::Text(text.to_owned());
    check("discount", "margin", decimal("25"), Ok("25%"));
    check("discount", "margin", decimal("14.99"), Ok("14.99%"));
    check("discount", "margin", decimal("-3.50"), Ok("-3.5%"));
    check("discount", "margin", Value::Integer(25), Ok("25%"));
    check("discount", "margin", decimal("25.005"), Ok("25%"));
    check("discount", "margin", decimal("41.666666666666666667"), Ok("41.67%"));
    check("refund", "refunds_12m", decimal("2.5"), Err("finer than the step"));
    check("discount", "margin", decimal("101"), Err("is outside of percent -100% .. 100%"));
    check("discount", "margin", Value::Absent, Err("the target holds `nothing`"));
    check("discount", "segment", text("ent"), Ok("ent"));
    check("discount", "segment", text("enterprise"), Err("is outside of one of smb"));
    check("discount", "renewal", Value::Flag(true), Ok("yes"));
    check("discount", "renewal", text("yes"), Err("expected yes/no"));
    let record = RecordRef { kind: "customer".to_owned(), id: "b-1".to_owned() };
    check("discount", "billing_account", Value::Reference(record), Ok("customer/b-1"));
    check("discount", "billing_account", text("b-1"), Ok("customer/b-1"));
    let money = |amount: &str, code: &str| {
        let currency = crate::money::Currency::parse(code).expect("it is a code");
        Value::Money(Money::parse(amount, currency).expect("it is an amount"))
    };
    check("contract_redline", "contract_value", money("80000.00", "USD"), Ok("80000.00 USD"));
    check("contract_redline", "contract_value", money("80000.00", "EUR"), Err("expected money USD"));
    check("refund", "charged_on", Value::Date("2026-11-01".to_owned()), Ok("2026-11-01"));
    check("refund", "refunds_12m", Value::Integer(3), Ok("3"));
}

#[test]
fn an_age_counts_days_to_the_submission() {
    let refund = intent(&starter_rulebook(), "refund");
    let spec = refund.facts().iter().find(|spec| spec.name == name("charge_age")).expect("it is there");
    let now = Timestamp::from_rfc3339("2026-11-23T23:59:59Z").expect("it is a moment");
    let on = |text: &str| FactValue::Known(TokenValue::Date(Day::parse(text).expect("it is a date")));
    assert_eq!(IntentType::age(spec, Some(&on("2026-11-13")), now), FactValue::Known(TokenValue::Days(10)));
    assert!(matches!(IntentType::age(spec, Some(&on("2027-01-01")), now), FactValue::Missing(_)));
    assert_eq!(IntentType::age(spec, Some(&FactValue::Stale), now), FactValue::Stale);
    assert!(matches!(IntentType::age(spec, None, now), FactValue::Missing(_)));
}

#[test]
fn a_window_of_months_ends_on_the_same_day() {
    let now = Timestamp::from_rfc3339("2026-03-31T12:00:00Z").expect("it is a moment");
    assert_eq!(Window::Months(1).since(now).to_string(), "2026-02-28T12:00:00.000Z");
    assert_eq!(Window::Days(7).since(now).to_string(), "2026-03-24T12:00:00.000Z");
}

fn discount_facts() -> Facts {
    let record = RecordRef { kind: "customer".to_owned(), id: "b-1".to_owned() };
    Facts::from([
        (name("segment"), FactValue::Known(TokenValue::OneOf("smb".to_owned()))),
        (name("billing_account"), FactValue::Known(TokenValue::Record(record))),
        (name("margin"), FactValue::Known(TokenValue::Percent(Percent(400_000)))),
        (name("renewal"), FactValue::Known(TokenValue::YesNo(false))),
    ])
}

#[test]
fn what_a_caller_would_send_for_tokens_is_taken_as_those_tokens() {
    let rulebook = starter_rulebook();
    for (name, json) in [("discount", DISCOUNT.to_owned()), ("contract_redline", redline(2))] {
        let schema = intent(&rulebook, name);
        let tokens = schema.validate(&raw(&json)).expect("they are taken");
        assert_eq!(schema.validate(&Raw::of_tokens(&tokens)).ok(), Some(tokens), "{name}");
    }
}

fn engine() -> EngineNames {
    EngineNames { intent_id: "int_1".to_owned(), policy_version: "abc".to_owned() }
}

#[test]
fn proposals_say_field_by_field_what_will_be_written() {
    let discount = intent(&starter_rulebook(), "discount");
    let tokens = discount.validate(&raw(DISCOUNT)).expect("it is good");
    let mut planned = discount.proposals(&tokens, &discount_facts(), &engine()).expect("all is there");
    let mut lines = Vec::new();
    for planned in &planned {
        let proposal = &planned.proposal;
        lines.push(format!(
            "{} {} {} {}",
            planned.binding, planned.connection, proposal.operation, proposal.subject
        ));
        lines.extend(proposal.fields.iter().map(|field| format!("  {} = {:?}", field.name, field.value)));
    }
    let expected = r#"quote-price crm set-price quote/S001
  discount_percent = Decimal("12.5")
  net_amount = Money(Money { minor: 1050000, currency: Currency([85, 83, 68]) })
billing-price billing set-price customer/b-1
  net_amount = Money(Money { minor: 1050000, currency: Currency([85, 83, 68]) })
  term_months = Integer(18)
  payment_days = Integer(30)
approval-record crm record-approval quote/S001
  intent_id = Text("int_1")
  decision = Text("{decision.outcome}")
  approvers = Text("{decision.approvers}")
  policy_version = Text("abc")
  seal = Text("{seal}")"#;
    assert_eq!(lines.join("\n"), expected);
    assert_eq!(planned[2].after.len(), 2);
    let words = DecisionWords {
        outcome: "approved".to_owned(),
        approvers: "director-1".to_owned(),
        seal: "5ea1".to_owned(),
    };
    let fields = &mut planned[2].proposal.fields;
    fill_placeholders(fields, &words);
    let values: Vec<String> = fields.iter().map(|field| field.value.to_string()).collect();
    assert_eq!(values, ["int_1", "approved", "director-1", "abc", "5ea1"]);
    let mut changes = vec![Change {
        name: "seal".to_owned(),
        before: Value::Text("{seal}".to_owned()),
        after: Value::Text("{seal}".to_owned()),
    }];
    fill_planned(&mut changes, &words);
    assert_eq!(changes[0].before, Value::Text("{seal}".to_owned()));
    assert_eq!(changes[0].after, Value::Text("5ea1".to_owned()));
}

use crate::effect::plan::Change;

#[test]
fn a_missing_fact_stops_the_plan_and_is_named() {
    let discount = intent(&starter_rulebook(), "discount");
    let tokens = discount.validate(&raw(DISCOUNT)).expect("it is good");
    let mut facts = discount_facts();
    facts.insert(name("billing_account"), FactValue::Missing("no such field".to_owned()));
    let faults = discount.proposals(&tokens, &facts, &engine()).expect_err("the record is missing");
    let words: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        ["binding `billing-price`, field `subject`: `billing_account` is missing: no such field"]
    );
}

#[test]
fn a_token_cannot_stand_in_for_the_words_of_the_decision() {
    let refund = intent(&starter_rulebook(), "refund");
    let json = r#"{"payment_id":"p-1","customer_id":"c-1","invoice_id":"{seal}","ledger_code":"4090",
        "amount":{"amount":"40","currency":"USD"},"reason":"goodwill"}"#;
    let tokens = refund.validate(&raw(json)).expect("it is good");
    let faults = refund.proposals(&tokens, &Facts::new(), &engine()).expect_err("it would be replaced");
    assert!(faults[0].to_string().contains("is a word of the engine"), "{}", faults[0]);
}

#[test]
fn a_list_is_written_as_one_text() {
    let redlines = intent(&starter_rulebook(), "contract_redline");
    let tokens = redlines.validate(&raw(&redline(1))).expect("it is good");
    let planned = redlines.proposals(&tokens, &Facts::new(), &engine()).expect("all is there");
    let expected = format!(
        r#"[{{"author":"kim","contract_clause_id":"C-100/7.2","new_text":"New.","old_text_sha256":"{}"}}]"#,
        "a".repeat(64)
    );
    let field = Field { name: "clauses".to_owned(), value: Value::Json(expected) };
    assert_eq!(planned[0].proposal.fields, [field]);
    let refund = intent(&starter_rulebook(), "refund");
    let entry = refund.bindings.iter().find(|binding| binding.name.as_str() == "entry").expect("it is there");
    assert_eq!(entry.subject, None);
}
