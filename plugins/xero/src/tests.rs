//! The connector against a scripted Xero that keeps what is made and knows no keys.

mod failures;
mod fake;

use crate::Xero;
use countersign_sdk::testing::{Manifest, Reply, effect, proposal};
use countersign_sdk::{
    Connector, Effect, Field, Finding, Method, Money, Proposal, RecordRef, Value, WritePlan,
};
use fake::{Fake, fake};
use serde_json::json;

const ORGANISATION: &str = "organisation-1";
const INVOICE: &str = "invoice-1";

fn nzd(text: &str) -> Value {
    Value::Money(Money::new(text, "NZD"))
}

fn text(words: &str) -> Value {
    Value::Text(words.to_owned())
}

fn entry() -> Proposal {
    let fields = vec![
        Field::new("amount", nzd("40.50")),
        Field::new("debit_account", text("400")),
        Field::new("credit_account", text("620")),
        Field::new("narration", text("Goodwill for INV-1")),
    ];
    proposal("post-entry", RecordRef::new("organisation", ORGANISATION), fields)
}

fn credit(amount: &str) -> Proposal {
    let fields = vec![Field::new("amount", nzd(amount)), Field::new("reason", text("Two seats less"))];
    proposal("create-credit-note", RecordRef::new("invoice", INVOICE), fields)
}

fn planned(fake: &Fake, id: &str, what: &Proposal) -> Effect {
    let plan: WritePlan = fake.target.plan(&Xero, what).expect("a plan");
    effect(id, what, &plan)
}

#[test]
fn description_and_manifest_agree() {
    Manifest::parse(include_str!("../connector.toml")).agrees_with(&Xero.describe());
}

#[test]
fn an_entry_lands_balanced_and_reads_back_as_planned() {
    let fake = fake();
    let effect = planned(&fake, "eff_1", &entry());
    assert_eq!(effect.plan.after("date"), Some(&Value::Date("2026-01-01".to_owned())));
    assert_eq!(effect.plan.remarks, Vec::<String>::new());
    let receipt = fake.target.apply(&Xero, &effect).expect("a receipt");
    assert_eq!(receipt.subject, RecordRef::new("manual-journal", "ManualJournalID-1"));
    assert_eq!(receipt.applied, effect.plan.applied());
    assert_eq!(receipt.vendor_request_id.as_deref(), Some("request-1"));
    let sent = fake.target.steps().remove(0);
    // Not only the same number, but the same digits: no float has been in between.
    let body = "{\"ManualJournals\":[{\"Narration\":\"Goodwill for INV-1 / Ref: eff_1\",\"Date\":\"2026-01-01\",\
        \"Status\":\"POSTED\",\"LineAmountTypes\":\"NoTax\",\"JournalLines\":[{\"AccountCode\":\"400\",\
        \"LineAmount\":40.50},{\"AccountCode\":\"620\",\"LineAmount\":-40.50}]}]}";
    assert_eq!(sent.text(), body);
    assert_eq!(sent.header("accept"), Some("application/json"));
    assert_eq!(sent.header("xero-tenant-id"), None);
    let snapshot = fake.target.fetch(&Xero, "manual-journal", "ManualJournalID-1").expect("a snapshot");
    for field in &receipt.applied {
        assert_eq!(snapshot.value(&field.name), &field.value);
    }
}

#[test]
fn a_credit_note_takes_account_and_tax_of_the_invoice_and_reads_back_as_planned() {
    let fake = fake();
    let effect = planned(&fake, "eff_1", &credit("23"));
    assert_eq!(effect.plan.after("account"), Some(&text("200")));
    assert_eq!(effect.plan.after("tax_type"), Some(&text("OUTPUT2")));
    assert_eq!(effect.plan.remarks.len(), 1);
    let receipt = fake.target.apply(&Xero, &effect).expect("a receipt");
    assert_eq!(receipt.subject, RecordRef::new("credit-note", "CreditNoteID-1"));
    assert_eq!(receipt.applied, effect.plan.applied());
    let sent = fake.target.steps().remove(0).json();
    assert_eq!(sent["CreditNotes"][0]["Reference"], "INV-1 / Ref: eff_1");
    assert_eq!(sent["CreditNotes"][0]["LineAmountTypes"], "Inclusive");
    assert_eq!(sent["CreditNotes"][0]["Contact"], json!({"ContactID": "contact-1"}));
    // Somebody allocates all of it.
    fake.notes.borrow_mut()[0]["Status"] = json!("PAID");
    let snapshot = fake.target.fetch(&Xero, "credit-note", "CreditNoteID-1").expect("a snapshot");
    for field in &receipt.applied {
        assert_eq!(snapshot.value(&field.name), &field.value);
    }
}

#[test]
fn an_invoice_without_tax_is_credited_without_tax_and_one_of_many_accounts_as_asked() {
    let fake = fake();
    fake.invoice.borrow_mut()["LineAmountTypes"] = json!("NoTax");
    let effect = planned(&fake, "eff_1", &credit("23"));
    assert_eq!(effect.plan.after("tax_type"), None);
    let receipt = fake.target.apply(&Xero, &effect).expect("a receipt");
    assert_eq!(receipt.applied, effect.plan.applied());
    assert_eq!(fake.notes.borrow()[0]["LineAmountTypes"], "NoTax");
    fake.invoice.borrow_mut()["LineAmountTypes"] = json!("Inclusive");
    fake.invoice.borrow_mut()["LineItems"][0]["AccountCode"] = json!("201");
    let mut what = credit("23");
    assert_eq!(fake.target.plan(&Xero, &what).expect_err("which one").code(), "ambiguous");
    what.fields.push(Field::new("account", text("201")));
    assert_eq!(planned(&fake, "eff_2", &what).plan.after("account"), Some(&text("201")));
}

#[test]
fn each_lands_once_wherever_the_attempt_is_cut() {
    for (what, step) in [(entry(), "post-journal"), (credit("23"), "create-credit-note")] {
        for after in [false, true] {
            let fake = fake();
            let effect = planned(&fake, "eff_1", &what);
            if after {
                fake.target.stop_after(step)
            } else {
                fake.target.stop_before(step)
            }
            let cut = fake.target.apply(&Xero, &effect).expect_err("cut off");
            assert_eq!(cut.case(), if after { "uncertain" } else { "transient" });
            let probed = fake.target.probe(&Xero, &effect).expect("an answer");
            assert_eq!(matches!(probed, Finding::Landed(_)), after, "{step}");
            let next_day = Effect { attempt: 2, now_ms: effect.now_ms + 86_400_000, ..effect.clone() };
            let receipt = fake.target.apply(&Xero, &next_day).expect("a receipt");
            assert_eq!(receipt.applied, effect.plan.applied());
            assert_eq!(fake.journals.borrow().len() + fake.notes.borrow().len(), 1, "{step}");
        }
    }
}

#[test]
fn an_entry_is_looked_for_from_the_day_before_its_plan_on_all_pages() {
    let fake = fake();
    let effect = planned(&fake, "eff_1", &entry());
    let other = |number: usize| json!({"ManualJournalID": format!("other-{number}"), "Narration": format!("{number}")});
    fake.journals.borrow_mut().extend((0..249).map(other));
    // Journals of other people may have any shape.
    fake.journals
        .borrow_mut()
        .push(json!({"ManualJournalID": "x", "Narration": null, "JournalLines": [{"LineAmount": 0.001}]}));
    assert_eq!(fake.target.probe(&Xero, &effect), Ok(Finding::Absent));
    let asked = fake.target.sent().split_off(4);
    assert_eq!(asked.iter().filter_map(|sent| sent.query("page")).collect::<Vec<_>>(), ["1", "2", "3"]);
    assert_eq!(asked[0].header("if-modified-since"), Some("2025-12-31T00:00:00"));
    assert_eq!(asked[0].query("order"), Some("ManualJournalID ASC"));
    fake.target.apply(&Xero, &effect).expect("a receipt");
    assert!(matches!(fake.target.probe(&Xero, &effect), Ok(Finding::Landed(_))));
    let longer = Effect { effect_id: "eff_12".to_owned(), ..effect.clone() };
    assert_eq!(fake.target.probe(&Xero, &longer), Ok(Finding::Absent));
    // More than one call can read: nothing is known, and nothing is sent.
    fake.journals.borrow_mut().extend((0..2_500).map(other));
    assert_eq!(fake.target.probe(&Xero, &longer), Ok(Finding::Unknown));
    assert_eq!(fake.target.apply(&Xero, &longer).expect_err("too many").code(), "too-many-records");
    assert_eq!(fake.target.steps().len(), 1);
}

#[test]
fn of_a_journal_and_its_reversal_the_journal_is_found() {
    let fake = fake();
    let effect = planned(&fake, "eff_1", &entry());
    fake.target.apply(&Xero, &effect).expect("a receipt");
    let mut reversal = fake.journals.borrow()[0].clone();
    reversal["ManualJournalID"] = json!("a-reversal");
    reversal["Narration"] = json!("Reversal: Goodwill for INV-1 / Ref: eff_1");
    fake.journals.borrow_mut().insert(0, reversal);
    let Ok(Finding::Landed(receipt)) = fake.target.probe(&Xero, &effect) else { panic!("it has landed") };
    assert_eq!(receipt.subject.id, "ManualJournalID-1");
    // What somebody has reworded is ours still.
    fake.journals.borrow_mut().remove(0);
    fake.journals.borrow_mut()[0]["Narration"] = json!("Gift / Ref: eff_1");
    let Ok(Finding::Landed(receipt)) = fake.target.probe(&Xero, &effect) else { panic!("it has landed") };
    assert!(receipt.applied.contains(&Field::new("narration", text("Gift"))));
}

#[test]
fn a_list_without_word_of_its_pages_ends_with_an_empty_one() {
    let fake = fake();
    let effect = planned(&fake, "eff_1", &entry());
    let page = json!({"ManualJournals": [{"ManualJournalID": "other", "Narration": "noise"}]});
    fake.target.once(Method::Get, "/ManualJournals", Reply::json(200, &page));
    fake.target.once(Method::Get, "/ManualJournals", Reply::json(200, &json!({"ManualJournals": []})));
    assert_eq!(fake.target.probe(&Xero, &effect), Ok(Finding::Absent));
    assert_eq!(fake.target.sent().iter().filter(|sent| sent.line() == "GET /ManualJournals").count(), 2);
}

#[test]
fn a_draft_is_one_and_says_so() {
    let fake = fake();
    fake.target.set("status", "draft");
    for (what, flag) in [(entry(), "posted"), (credit("23"), "approved")] {
        let effect = planned(&fake, "eff_1", &what);
        assert_eq!(effect.plan.after(flag), Some(&Value::Flag(false)));
        assert_eq!(effect.plan.remarks.len(), 1);
        let receipt = fake.target.apply(&Xero, &effect).expect("a receipt");
        assert_eq!(receipt.applied, effect.plan.applied());
    }
    assert_eq!(fake.journals.borrow()[0]["Status"], "DRAFT");
    assert_eq!(fake.notes.borrow()[0]["Status"], "DRAFT");
    fake.target.set("status", "final");
    assert_eq!(fake.target.plan(&Xero, &entry()).expect_err("no status").code(), "bad-setting");
}

#[test]
fn what_was_made_and_taken_back_by_somebody_is_not_made_again() {
    let fake = fake();
    let effect = planned(&fake, "eff_1", &entry());
    fake.target.stop_after("post-journal");
    fake.target.apply(&Xero, &effect).expect_err("cut off");
    fake.journals.borrow_mut()[0]["Status"] = json!("VOIDED");
    assert_eq!(fake.target.apply(&Xero, &effect).expect_err("voided").code(), "voided");
    assert_eq!(fake.target.probe(&Xero, &effect).expect_err("voided").code(), "voided");
}

#[test]
fn an_invoice_that_changed_since_the_plan_is_a_conflict() {
    for (member, value, code) in
        [("Status", json!("VOIDED"), "not-final"), ("AmountCredited", json!(100), "more-than-left")]
    {
        let fake = fake();
        let effect = planned(&fake, "eff_1", &credit("23"));
        fake.invoice.borrow_mut()[member] = value;
        let conflict = fake.target.apply(&Xero, &effect).expect_err("moved");
        assert_eq!((conflict.case(), conflict.code()), ("conflict", code));
        assert!(fake.notes.borrow().is_empty());
    }
}

#[test]
fn records_are_read_field_by_field() {
    let fake = fake();
    let organisation = fake.target.fetch(&Xero, "organisation", ORGANISATION).expect("a snapshot");
    assert_eq!(organisation.value("base_currency"), &text("NZD"));
    assert_eq!(organisation.value("period_lock_date"), &Value::Date("2025-09-30".to_owned()));
    assert_eq!(organisation.value("end_of_year_lock_date"), &Value::Absent);
    let invoice = fake.target.fetch(&Xero, "invoice", "INV-1").expect("a snapshot");
    assert_eq!(invoice.value("amount_due"), &nzd("15"));
    assert_eq!(invoice.value("contact"), &text("contact-1"));
    // A journal that somebody wrote: of three lines, so of no one amount.
    let line = |amount: i64| json!({"AccountCode": "400", "LineAmount": amount});
    fake.journals
        .borrow_mut()
        .push(json!({"ManualJournalID": "j-1", "Narration": "Rent / Ref: see below", "Status": "POSTED",
        "Date": "/Date(1767225600000)/", "JournalLines": [line(3), line(-1), line(-2)]}));
    let journal = fake.target.fetch(&Xero, "manual-journal", "j-1").expect("a snapshot");
    assert_eq!(journal.value("amount"), &Value::Absent);
    assert_eq!(journal.value("narration"), &text("Rent / Ref: see below"));
    assert_eq!(fake.target.check(&Xero), Ok(()));
}

#[test]
fn the_tenant_is_named_only_where_the_operator_names_one() {
    for (tenant, expected) in [("", None), ("tenant-1", Some("tenant-1"))] {
        let fake = fake();
        fake.target.set("tenant-id", tenant);
        fake.target.check(&Xero).expect("it works");
        assert_eq!(fake.target.sent()[0].header("xero-tenant-id"), expected);
    }
}
