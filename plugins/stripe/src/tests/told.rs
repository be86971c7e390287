//! Events of Stripe, and the records that they are about.

use crate::told::records;
use countersign_sdk::{Body, Delivery, RecordRef};

fn told(body: &str) -> Result<Vec<String>, String> {
    let body = Body::Text(body.to_owned());
    let delivery = Delivery { hook: "events".to_owned(), headers: Vec::new(), body, received_ms: 0 };
    let names =
        |records: Vec<RecordRef>| records.iter().map(|one| format!("{}/{}", one.kind, one.id)).collect();
    records(&delivery).map(names).map_err(|failure| failure.to_string())
}

#[test]
fn an_event_is_about_its_object_and_a_price_about_its_customer() {
    let event =
        |object: &str| format!(r#"{{"id": "evt_1", "object": "event", "data": {{"object": {object}}}}}"#);
    for (object, records) in [
        (r#"{"object": "customer", "id": "cus_1"}"#, vec!["customer/cus_1"]),
        (
            r#"{"object": "subscription", "id": "sub_1", "customer": "cus_1"}"#,
            vec!["subscription/sub_1", "customer/cus_1"],
        ),
        (r#"{"object": "charge", "id": "ch_1", "customer": "cus_1"}"#, vec!["payment/ch_1"]),
        (r#"{"object": "payment_intent", "id": "pi_1", "customer": null}"#, vec!["payment/pi_1"]),
        (r#"{"object": "invoice", "id": "in_1"}"#, vec!["invoice/in_1"]),
        (r#"{"object": "refund", "id": "re_1"}"#, vec!["refund/re_1"]),
        (r#"{"object": "credit_note", "id": "cn_1"}"#, vec!["credit-note/cn_1"]),
        // Concerns us not: an upcoming invoice has no id, and a balance is no record of ours.
        (r#"{"object": "invoice"}"#, vec![]),
        (r#"{"object": "balance"}"#, vec![]),
    ] {
        assert_eq!(told(&event(object)), Ok(records.into_iter().map(str::to_owned).collect()), "{object}");
    }
    for body in ["", "[]", r#"{"data": {}}"#] {
        let refused = told(body).expect_err("it is no event");
        assert!(refused.contains("no event of Stripe"), "{refused}");
    }
}
