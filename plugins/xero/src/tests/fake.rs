//! A small Xero: one organisation, one invoice of two lines, and the journals and credit notes that are made. It knows no
//! idempotency keys.

use crate::tests::{INVOICE, ORGANISATION};
use countersign_sdk::Method;
use countersign_sdk::testing::{Reply, ScriptedTarget, Sent};
use serde_json::{Value as Json, json};
use std::cell::RefCell;
use std::rc::Rc;

pub(super) type Records = Rc<RefCell<Vec<Json>>>;

pub(super) struct Fake {
    pub(super) target: ScriptedTarget,
    pub(super) journals: Records,
    pub(super) notes: Records,
    pub(super) organisation: Rc<RefCell<Json>>,
    pub(super) invoice: Rc<RefCell<Json>>,
}

pub(super) fn fake() -> Fake {
    let organisation = json!({"OrganisationID": ORGANISATION, "Name": "Demo", "BaseCurrency": "NZD",
        "PeriodLockDate": "/Date(1759190400000+0000)/"});
    let account = |code: &str, kind: &str| json!({"Code": code, "Type": kind, "Status": "ACTIVE"});
    let accounts = json!([account("090", "BANK"), account("400", "EXPENSE"), account("620", "CURRENT"),
        {"Code": "610", "Type": "CURRENT", "Status": "ACTIVE", "SystemAccount": "DEBTORS"},
        {"Code": "999", "Type": "EXPENSE", "Status": "ARCHIVED"}, {"Type": "CURRENT", "Status": "ACTIVE"}]);
    let line = |text: &str| json!({"Description": text, "AccountCode": "200", "TaxType": "OUTPUT2"});
    let invoice = json!({"Type": "ACCREC", "InvoiceID": INVOICE, "InvoiceNumber": "INV-1", "Status": "AUTHORISED",
        "Contact": {"ContactID": "contact-1", "Name": "Globex"}, "CurrencyCode": "NZD", "Total": 115.00, "AmountDue": 15.00,
        "AmountPaid": 80.00, "AmountCredited": 20.00, "LineAmountTypes": "Exclusive",
        "Date": "/Date(1759276800000+0000)/", "LineItems": [line("Seats"), line("Support"), {"Description": "Thanks"}]});
    let fake = Fake {
        target: ScriptedTarget::of(include_str!("../../connector.toml")),
        journals: Records::default(),
        notes: Records::default(),
        organisation: Rc::new(RefCell::new(organisation)),
        invoice: Rc::new(RefCell::new(invoice)),
    };
    let organisation = Rc::clone(&fake.organisation);
    fake.target.answers(Method::Get, "/Organisation", move |_| one("Organisations", &organisation.borrow()));
    fake.target.on(Method::Get, "/Accounts", Reply::json(200, &json!({"Accounts": accounts})));
    let invoice = Rc::clone(&fake.invoice);
    fake.target.answers(Method::Get, "/Invoices/*", move |_| one("Invoices", &invoice.borrow()));
    fake.keeps("ManualJournals", "ManualJournalID", &fake.journals, journal);
    fake.keeps("CreditNotes", "CreditNoteID", &fake.notes, note);
    fake
}

fn one(name: &str, record: &Json) -> Reply {
    Reply::json(200, &json!({"Status": "OK", name: [record]}))
}

impl Fake {
    /// A list of records, each made by a `PUT` and given alone or by pages.
    fn keeps(&self, name: &'static str, id: &'static str, records: &Records, made: fn(Json) -> Json) {
        let (list, alone) = (format!("/{name}"), format!("/{name}/*"));
        let kept = Rc::clone(records);
        self.target.answers(Method::Get, &list, move |sent| page(name, &kept.borrow(), sent));
        let kept = Rc::clone(records);
        self.target.answers(Method::Get, &alone, move |sent| {
            let kept = kept.borrow();
            match kept
                .iter()
                .find(|record| record[id].as_str().is_some_and(|id| sent.request.path.ends_with(id)))
            {
                Some(record) => one(name, record),
                None => Reply::text(404, "The resource you're looking for cannot be found"),
            }
        });
        let kept = Rc::clone(records);
        self.target.answers(Method::Put, &list, move |sent| {
            let mut record = made(sent.json()[name][0].clone());
            record[id] = json!(format!("{id}-{}", kept.borrow().len() + 1));
            record["Date"] = json!("/Date(1767225600000+0000)/");
            kept.borrow_mut().push(record.clone());
            one(name, &record).header("xero-correlation-id", "request-1")
        });
    }
}

fn page(name: &str, records: &[Json], sent: &Sent) -> Reply {
    let number = |parameter: &str| {
        sent.query(parameter).and_then(|text| text.parse::<usize>().ok()).expect("a number")
    };
    let (page, size) = (number("page"), number("pageSize"));
    let some: Vec<&Json> = records.iter().skip((page - 1) * size).take(size).collect();
    let count = records.len().div_ceil(size);
    Reply::json(200, &json!({name: some, "pagination": {"page": page, "pageCount": count}}))
}

fn journal(mut journal: Json) -> Json {
    let blank = json!({"IsBlank": true});
    journal["JournalLines"].as_array_mut().expect("lines").push(blank);
    journal
}

fn note(mut note: Json) -> Json {
    note["Total"] = note["LineItems"][0]["UnitAmount"].clone();
    note["RemainingCredit"] = note["Total"].clone();
    note["CreditNoteNumber"] = json!("CN-1");
    note
}
