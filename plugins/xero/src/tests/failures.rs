//! What Xero's refusals mean for the host, and what is refused before anything is sent.

use super::fake::fake;
use super::{ORGANISATION, Xero, credit, entry, nzd, planned, text};
use countersign_sdk::testing::Reply;
use countersign_sdk::{Failure, Field, Method, Money, Value};
use serde_json::{Value as Json, json};

fn validation(message: &str) -> Json {
    json!({"ErrorNumber": 10, "Type": "ValidationException", "Message": "A validation exception occurred",
        "Elements": [{"Narration": "x", "ValidationErrors": [{"Message": message}]}]})
}

fn door(status: u16, detail: &str) -> Reply {
    Reply::json(
        status,
        &json!({"Type": null, "Title": "No", "Status": status, "Detail": detail, "Instance": "x"}),
    )
}

/// A record as Xero gives it back with status 200 although it was not saved.
fn not_saved(errors: &Json) -> Reply {
    let id = "00000000-0000-0000-0000-000000000000";
    let record = json!({"ManualJournalID": id, "StatusAttributeString": "ERROR", "ValidationErrors": errors});
    Reply::json(200, &json!({"Status": "OK", "ManualJournals": [record]}))
}

fn limited(limit: &str) -> Reply {
    door(429, "").header("x-rate-limit-problem", limit).header("retry-after", "41")
}

#[test]
fn an_answer_to_an_entry_means_what_is_known_of_it() {
    let locked = "The document date cannot be before the period lock date";
    let no_data = json!({"ErrorNumber": 14, "Type": "NoDataProcessedException", "Message": "No data has been processed"});
    let other = json!({"ManualJournals": [{"ManualJournalID": "j-9", "Narration": "other", "Status": "POSTED",
        "Date": "/Date(0)/", "JournalLines": []}]});
    let rows = [
        (Reply::json(400, &validation(locked)), "rejected validation-exception"),
        (Reply::json(400, &no_data), "rejected no-data-processed-exception"),
        (Reply::text(400, "<html>bad request</html>"), "rejected http-400"),
        (not_saved(&json!([{"Message": locked}])), "rejected validation-exception"),
        (not_saved(&json!(null)), "rejected validation-exception"),
        (door(401, "TokenExpired: token expired 11/29/2026 00:05:48"), "denied token-expired"),
        (door(401, "AuthorizationUnsuccessful"), "denied authorization-unsuccessful"),
        (door(403, "AuthenticationUnsuccessful"), "denied authentication-unsuccessful"),
        (Reply::text(403, "<html>no</html>"), "denied not-permitted"),
        (Reply::text(404, "The resource you're looking for cannot be found"), "rejected not-found"),
        (Reply::status(409), "conflict moved"),
        (Reply::status(412), "rejected http-412"),
        (limited("minute"), "transient rate-limited"),
        (Reply::status(429), "transient rate-limited"),
        (Reply::json(500, &json!({"ErrorNumber": 500, "Type": "InternalError"})), "uncertain unavailable"),
        (
            Reply::json(501, &json!({"ErrorNumber": 20, "Type": "ApiMethodNotImplementedException"})),
            "rejected api-method-not-implemented-exception",
        ),
        (Reply::text(503, "The Organisation is offline"), "uncertain unavailable"),
        (Reply::text(200, "<Response>XML</Response>"), "uncertain unreadable-answer"),
        (Reply::json(200, &json!({"ManualJournals": []})), "uncertain unreadable-answer"),
        (Reply::json(200, &other), "uncertain unreadable-answer"),
        (Reply::text(200, "{\"ManualJournals\":[{\"Narr"), "uncertain unreadable-answer"),
        (Reply::lost(), "uncertain no-answer"),
        (Reply::not_sent(), "transient unreachable"),
    ];
    for (reply, expected) in rows {
        let fake = fake();
        let effect = planned(&fake, "eff_1", &entry());
        fake.target.once(Method::Put, "/ManualJournals", reply.clone());
        let failure = fake.target.apply(&Xero, &effect).expect_err("no entry");
        assert_eq!(format!("{} {}", failure.case(), failure.code()), expected, "{reply:?}");
    }
}

#[test]
fn a_refusal_keeps_xeros_words_and_its_request_and_a_limit_its_wait() {
    let fake = fake();
    let effect = planned(&fake, "eff_1", &entry());
    let refusal = Reply::json(400, &validation("Account code '400' is not a valid code for this document."));
    fake.target.once(Method::Put, "/ManualJournals", refusal.header("xero-correlation-id", "request-7"));
    let failure = fake.target.apply(&Xero, &effect).expect_err("refused");
    assert_eq!(failure.detail().vendor_request_id.as_deref(), Some("request-7"));
    let message = "the target answered 400: Account code '400' is not a valid code for this document.";
    assert_eq!(failure.detail().message, message);
    fake.target.once(Method::Put, "/ManualJournals", limited("day"));
    let failure = fake.target.apply(&Xero, &effect).expect_err("limited");
    assert_eq!(failure.detail().message, "the target answered 429: the limit `day` is reached");
    assert!(matches!(failure, Failure::Transient { after_ms: Some(41_000), .. }));
}

#[test]
fn a_read_can_be_tried_again_and_never_says_that_nothing_is_there() {
    let rows = [
        (Reply::status(500), "transient"),
        (Reply::text(503, "The Xero API is currently offline for maintenance"), "transient"),
        (Reply::status(304), "transient"),
        (Reply::text(200, "<Response/>"), "transient"),
        (Reply::json(200, &json!({"ManualJournals": null})), "transient"),
        (limited("concurrent"), "transient"),
        (door(401, "TokenExpired"), "denied"),
        (Reply::json(400, &json!({"Type": "QueryParseException"})), "rejected"),
    ];
    for (reply, expected) in rows {
        let fake = fake();
        let effect = planned(&fake, "eff_1", &entry());
        for _ in 0..2 {
            fake.target.once(Method::Get, "/ManualJournals", reply.clone());
        }
        assert_eq!(fake.target.probe(&Xero, &effect).expect_err("unknown").case(), expected, "{reply:?}");
        assert_eq!(fake.target.apply(&Xero, &effect).expect_err("unknown").case(), expected, "{reply:?}");
        assert!(fake.target.steps().is_empty());
    }
}

#[test]
fn what_no_journal_can_be_is_refused_while_planning() {
    let rows = [
        ("amount", nzd("0"), "bad-amount"),
        ("amount", nzd("-1"), "bad-amount"),
        ("amount", nzd("1.001"), "bad-amount"),
        ("amount", Value::Money(Money::new("1", "AUD")), "wrong-currency"),
        ("amount", text("1"), "bad-input"),
        ("debit_account", text("090"), "account-reserved"),
        ("debit_account", text("610"), "account-reserved"),
        ("debit_account", text("999"), "account-archived"),
        ("debit_account", text("123"), "no-such-account"),
        ("debit_account", text("620"), "bad-input"),
        ("narration", text("two\nlines"), "bad-input"),
        ("narration", text(" padded"), "bad-input"),
        ("narration", text(&"x".repeat(501)), "bad-input"),
    ];
    for (name, value, code) in rows {
        let mut what = entry();
        what.fields.retain(|field| field.name != name);
        what.fields.push(Field::new(name, value));
        let fake = fake();
        let failure = fake.target.plan(&Xero, &what).expect_err("refused");
        assert_eq!((failure.case(), failure.code()), ("rejected", code), "{name}");
        assert!(fake.target.steps().is_empty());
    }
}

#[test]
fn a_day_up_to_either_lock_of_the_books_is_refused() {
    // The plan is of 2026-01-01; the locks are of the day before, of that day, and of both.
    let (before, that) = (json!("/Date(1767139200000+0000)/"), json!("/Date(1767225600000+0000)/"));
    for (period, year, is_refused) in [
        (&before, &json!(null), false),
        (&that, &json!(null), true),
        (&before, &that, true),
        (&json!(null), &that, true),
        (&json!(null), &json!(null), false),
    ] {
        let fake = fake();
        fake.organisation.borrow_mut()["PeriodLockDate"] = period.clone();
        fake.organisation.borrow_mut()["EndOfYearLockDate"] = year.clone();
        let planned = fake.target.plan(&Xero, &entry());
        let code = planned.as_ref().err().map(Failure::code);
        assert_eq!(code, is_refused.then_some("locked-period"), "{period} {year}");
    }
}

#[test]
fn what_cannot_be_credited_is_refused_while_planning() {
    let rows = [
        ("Type", json!("ACCPAY"), "23", "not-a-sale"),
        ("Status", json!("DRAFT"), "23", "not-final"),
        ("CurrencyCode", json!("AUD"), "23", "wrong-currency"),
        ("InvoiceNumber", json!("9".repeat(181)), "23", "bad-number"),
        ("Total", json!(115), "95.01", "more-than-left"),
        ("Total", json!(115), "0", "bad-amount"),
    ];
    for (member, value, amount, code) in rows {
        let fake = fake();
        fake.invoice.borrow_mut()[member] = value;
        let failure = fake.target.plan(&Xero, &credit(amount)).expect_err("refused");
        assert_eq!((failure.case(), failure.code()), ("rejected", code), "{member}");
    }
    fake().target.plan(&Xero, &credit("95")).expect("all that is left");
}

#[test]
fn unknown_words_and_another_organisation_are_refused() {
    let fake = fake();
    let mut what = entry();
    what.subject.id = "organisation-2".to_owned();
    assert!(fake.target.plan(&Xero, &what).expect_err("not ours").is_not_found());
    what.subject.kind = "invoice".to_owned();
    assert_eq!(fake.target.plan(&Xero, &what).expect_err("refused").code(), "unknown-kind");
    what.operation = "burn".to_owned();
    assert_eq!(fake.target.plan(&Xero, &what).expect_err("refused").code(), "unknown-operation");
    assert_eq!(fake.target.fetch(&Xero, "person", "1").expect_err("none").code(), "unknown-kind");
    for id in ["", "j-1"] {
        assert!(fake.target.fetch(&Xero, "manual-journal", id).expect_err("none").is_not_found());
    }
    assert!(
        fake.target
            .fetch(&Xero, "organisation", &format!("{ORGANISATION}0"))
            .expect_err("none")
            .is_not_found()
    );
}
