//! The connector against a scripted `hledger-web` that keeps its journal and knows no keys.

use crate::Hledger;
use countersign_sdk::testing::{Manifest, Reply, ScriptedTarget, effect, proposal};
use countersign_sdk::{Connector, Effect, Field, Finding, Method, Money, Proposal, RecordRef, Value};
use serde_json::{Value as Json, json};
use std::cell::RefCell;
use std::rc::Rc;

/// A transaction as `hledger-web` 1.25 gives it.
const OTHER: &str = r#"{"tcode":"","tcomment":"","tdate":"2026-01-01","tdate2":null,"tdescription":"opening",
"tindex":1,"tpostings":[{"paccount":"assets:bank","pamount":[{"acommodity":"$","aprice":null,"aquantity":
{"decimalMantissa":10000,"decimalPlaces":2,"floatingPoint":100},"astyle":{"ascommodityside":"L",
"ascommodityspaced":false,"asdecimalpoint":".","asdigitgroups":null,"asprecision":2}}],"pbalanceassertion":null,
"pcomment":"","pdate":null,"pdate2":null,"poriginal":null,"pstatus":"Unmarked","ptags":[],"ptransaction_":"1",
"ptype":"RegularPosting"}],"tprecedingcomment":"","tsourcepos":[],"tstatus":"Unmarked","ttags":[]}"#;

struct Fake {
    target: ScriptedTarget,
    journal: Rc<RefCell<Vec<Json>>>,
}

fn fake() -> Fake {
    let target = ScriptedTarget::of(include_str!("../connector.toml"));
    let other: Json = serde_json::from_str(OTHER).expect("a transaction");
    let journal = Rc::new(RefCell::new(vec![other]));
    let read = Rc::clone(&journal);
    target.answers(Method::Get, "/transactions", move |_| Reply::json(200, &json!(*read.borrow())));
    let write = Rc::clone(&journal);
    target.answers(Method::Put, "/add", move |sent| {
        write.borrow_mut().push(sent.json());
        Reply::status(201)
    });
    Fake { target, journal }
}

fn text(words: &str) -> Value {
    Value::Text(words.to_owned())
}

fn refund_entry() -> Proposal {
    let fields = vec![
        Field::new("amount", Value::Money(Money::new("123.45", "USD"))),
        Field::new("ledger_code", text("4000-returns")),
        Field::new("invoice_id", text("in_1")),
        Field::new("payment_id", Value::Reference(RecordRef::new("payment", "ch_1"))),
        Field::new("reason", text("goodwill")),
        Field::new("intent_id", text("int_1")),
    ];
    proposal("post-entry", RecordRef::new("journal", "default"), fields)
}

fn planned(fake: &Fake, id: &str) -> Effect {
    let what = refund_entry();
    let plan = fake.target.plan(&Hledger, &what).expect("a plan");
    effect(id, &what, &plan)
}

#[test]
fn description_and_manifest_agree() {
    Manifest::parse(include_str!("../connector.toml")).agrees_with(&Hledger.describe());
}

#[test]
fn the_plan_shows_all_that_will_stand_in_the_journal() {
    let fake = fake();
    let plan = planned(&fake, "eff-1").plan;
    let names: Vec<_> = plan.changes.iter().map(|change| change.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "amount",
            "ledger_code",
            "invoice_id",
            "payment_id",
            "reason",
            "intent_id",
            "clearing_account",
            "date"
        ]
    );
    assert_eq!(plan.after("payment_id"), Some(&text("ch_1")));
    assert_eq!(plan.after("clearing_account"), Some(&text("assets:clearing")));
    assert_eq!(plan.after("date"), Some(&Value::Date("2026-01-01".to_owned())));
    assert!(fake.target.sent().is_empty());
}

#[test]
fn an_entry_lands_balanced_and_reads_back_as_planned() {
    let fake = fake();
    let effect = planned(&fake, "eff-1");
    let receipt = fake.target.apply(&Hledger, &effect).expect("a receipt");
    assert_eq!(receipt.subject, RecordRef::new("entry", "eff-1"));
    assert_eq!(receipt.applied, effect.plan.applied());
    let sent = fake.target.steps().remove(0).json();
    let quantity =
        |posting: usize| sent["tpostings"][posting]["pamount"][0]["aquantity"]["decimalMantissa"].clone();
    assert_eq!((quantity(0), quantity(1)), (json!(12_345), json!(-12_345)));
    assert_eq!(sent["tcode"], "eff-1");
    assert_eq!(sent["tcomment"], "invoice_id: in_1\npayment_id: ch_1\nreason: goodwill\nintent_id: int_1\n");
    let snapshot = fake.target.fetch(&Hledger, "entry", "eff-1").expect("a snapshot");
    for field in &receipt.applied {
        assert_eq!(snapshot.value(&field.name), &field.value);
    }
}

#[test]
fn an_entry_lands_once_wherever_the_attempt_is_cut() {
    for after in [false, true] {
        let fake = fake();
        let effect = planned(&fake, "eff-1");
        if after {
            fake.target.stop_after("add-entry")
        } else {
            fake.target.stop_before("add-entry")
        }
        let cut = fake.target.apply(&Hledger, &effect).expect_err("cut off");
        assert_eq!(cut.case(), if after { "uncertain" } else { "transient" });
        let probed = fake.target.probe(&Hledger, &effect).expect("an answer");
        assert_eq!(matches!(probed, Finding::Landed(_)), after);
        let next_day = Effect { attempt: 2, now_ms: effect.now_ms + 86_400_000, ..effect.clone() };
        let receipt = fake.target.apply(&Hledger, &next_day).expect("a receipt");
        assert_eq!(receipt.applied, effect.plan.applied());
        assert_eq!(fake.journal.borrow().len(), 2);
    }
}

#[test]
fn an_accepted_entry_that_is_not_in_the_journal_is_uncertain() {
    let fake = fake();
    let effect = planned(&fake, "eff-1");
    fake.target.once(Method::Put, "/add", Reply::status(201));
    let failure = fake.target.apply(&Hledger, &effect).expect_err("not there");
    assert_eq!(failure.case(), "uncertain");
}

#[test]
fn an_answer_means_what_is_known_of_the_entry() {
    let rows = [
        (Reply::json(400, &json!("could not parse json: key \"tcode\" not found")), "rejected"),
        (Reply::text(403, "<html>Permission Denied</html>"), "denied"),
        (Reply::status(500), "uncertain"),
        (Reply::status(503), "uncertain"),
        (Reply::lost(), "uncertain"),
        (Reply::not_sent(), "transient"),
    ];
    for (reply, expected) in rows {
        let fake = fake();
        let effect = planned(&fake, "eff-1");
        fake.target.once(Method::Put, "/add", reply.clone());
        let failure = fake.target.apply(&Hledger, &effect).expect_err("no entry");
        assert_eq!(failure.case(), expected, "{reply:?}");
    }
}

#[test]
fn what_the_journal_cannot_hold_is_refused_while_planning() {
    let rows = [
        ("amount", Value::Money(Money::new("0.00", "USD")), "bad-amount"),
        ("amount", Value::Money(Money::new("-1", "USD")), "bad-amount"),
        ("ledger_code", text("assets  bank"), "bad-input"),
        ("ledger_code", text("(virtual)"), "bad-input"),
        ("ledger_code", text("a\n2026-01-01 forged"), "bad-input"),
        ("invoice_id", text("in_1, reason: other"), "bad-input"),
        ("reason", text("good\nwill"), "bad-input"),
    ];
    for (name, value, code) in rows {
        let mut what = refund_entry();
        let field = what.fields.iter_mut().find(|field| field.name == name).expect("a field");
        field.value = value;
        let failure = fake().target.plan(&Hledger, &what).expect_err("refused");
        assert_eq!((failure.case(), failure.code()), ("rejected", code), "{name}");
    }
}

#[test]
fn unknown_words_are_refused() {
    let fake = fake();
    let mut what = refund_entry();
    what.subject.kind = "invoice".to_owned();
    assert_eq!(fake.target.plan(&Hledger, &what).expect_err("refused").code(), "unknown-kind");
    what.operation = "burn".to_owned();
    assert_eq!(fake.target.plan(&Hledger, &what).expect_err("refused").code(), "unknown-operation");
    assert!(fake.target.fetch(&Hledger, "entry", "eff-9").expect_err("none").is_not_found());
    assert_eq!(fake.target.fetch(&Hledger, "person", "1").expect_err("none").code(), "unknown-kind");
}

#[test]
fn the_journal_counts_its_entries_and_the_check_reads_it() {
    let fake = fake();
    let snapshot = fake.target.fetch(&Hledger, "journal", "default").expect("a snapshot");
    assert_eq!(snapshot.value("entries"), &Value::Integer(1));
    assert_eq!(fake.target.check(&Hledger), Ok(()));
    fake.target.once(Method::Get, "/transactions", Reply::status(503));
    assert_eq!(fake.target.check(&Hledger).expect_err("away").case(), "transient");
}
