//! The stand-ins over the wire, asked by a client that knows nothing of connectors.

use super::faults::{Faults, Kind, Mix};
use super::{StandIns, World, billing, contracts, crm};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer, as far as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    fn header(&self, name: &str) -> Option<&str> {
        let line =
            self.head.lines().find_map(|line| line.split_once(": ").filter(|(known, _)| *known == name));
        line.map(|(_, value)| value)
    }

    fn is_whole(&self) -> bool {
        self.header("content-length").and_then(|length| length.parse().ok()) == Some(self.body.len())
    }
}

/// One request on a connection of its own; `None` if nothing comes back.
async fn ask(base: &str, line: &str, headers: &[(&str, &str)], body: &str) -> Option<Answer> {
    let mut stream = TcpStream::connect(base.trim_start_matches("http://")).await.expect("it listens");
    let mut request = format!("{line} HTTP/1.1\r\nhost: stand-in\r\nconnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut bytes = Vec::new();
    // A lost answer may end in a reset; what came before it counts.
    let _reset = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8(bytes).expect("text");
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_lowercase(), body: body.to_owned() })
}

async fn world(mix: Mix) -> StandIns {
    let mut world = World::default();
    world.billing.add_customer(billing::Customer {
        id: "cus_1".into(),
        net_minor: 1_200_000,
        term_months: 12,
        payment_days: 30,
    });
    world.billing.add_charge(billing::Charge {
        id: "ch_1".into(),
        customer: "cus_1".into(),
        amount_minor: 5_000,
        created: 1_790_000_000,
        disputed: false,
    });
    world.crm.add_account(crm::Account {
        id: 1,
        name: "Acme".into(),
        segment: "smb".into(),
        billing_account: "cus_1".into(),
    });
    world.crm.add_quote(crm::Quote {
        id: 7,
        account: 1,
        description: "New".into(),
        quantity: 100,
        list_cents: 12_000,
        cost_cents: 6_000,
    });
    world.contracts.add_contract("C-1", &json!({"contract_id": "C-1", "version": 1, "history": []}));
    world.contracts.set_playbook(&json!({"wordings": []}));
    StandIns::start(world, Faults::new(1, mix)).await.expect("a port")
}

const STRIPE: (&str, &str) = ("authorization", "Bearer sk_test_stand_in");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const REFUND: &str = "charge=ch_1&amount=2000&reason=duplicate&metadata%5Bcountersign_effect%5D=eff_1";

async fn refund(all: &StandIns, key: &str, form: &str) -> Option<Answer> {
    let headers = [STRIPE, FORM, ("idempotency-key", key)];
    ask(&all.billing.base_url(), "POST /v1/refunds", &headers, form).await
}

#[tokio::test]
async fn a_refund_under_one_key_is_made_once_and_told_as_often_as_asked() {
    let all = world(Mix::calm()).await;
    let first = refund(&all, "k1", REFUND).await.expect("an answer");
    let again = refund(&all, "k1", REFUND).await.expect("an answer");
    assert_eq!((first.status, again.status), (200, 200));
    assert_eq!(first.body, again.body);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(all.billing.look(|billing| billing.refunds().len()), 1);
    let charge =
        ask(&all.billing.base_url(), "GET /v1/charges/ch_1", &[STRIPE], "").await.expect("an answer");
    assert_eq!(charge.json()["amount_refunded"], 2_000);
    assert_eq!(all.applied("eff_1"), 1);
}

#[tokio::test]
async fn a_repeat_under_another_key_is_a_second_refund_and_seen_as_one() {
    let all = world(Mix::calm()).await;
    for key in ["k1", "k2"] {
        assert_eq!(refund(&all, key, REFUND).await.expect("an answer").status, 200);
    }
    assert_eq!(all.applied("eff_1"), 2);
}

#[tokio::test]
async fn other_parameters_under_a_key_are_an_idempotency_error() {
    let all = world(Mix::calm()).await;
    refund(&all, "k1", REFUND).await.expect("an answer");
    let other = refund(&all, "k1", "charge=ch_1&amount=1").await.expect("an answer");
    assert_eq!((other.status, &other.json()["error"]["type"]), (400, &json!("idempotency_error")));
}

#[tokio::test]
async fn what_failed_validation_is_not_kept_and_what_began_is() {
    let all = world(Mix::calm()).await;
    for (key, form, code, kept) in [
        ("k1", "charge=ch_1&amount=x", "parameter_invalid_integer", false),
        ("k2", "charge=ch_9&amount=1", "resource_missing", false),
        ("k3", "charge=ch_1&amount=1&colour=red", "parameter_unknown", false),
        ("k4", "charge=ch_1&amount=9999999", "amount_too_large", true),
    ] {
        let first = refund(&all, key, form).await.expect("an answer");
        assert_eq!(first.json()["error"]["code"], code);
        let again = refund(&all, key, form).await.expect("an answer");
        assert_eq!(again.header("idempotent-replayed").is_some(), kept, "{code}");
    }
    assert!(all.billing.look(|billing| billing.refunds().is_empty()));
}

#[tokio::test]
async fn an_error_after_the_refund_is_replayed_although_the_refund_is_there() {
    let all = world(Mix::always(Kind::ErrorAfter)).await;
    for replayed in [None, Some("true")] {
        let answer = refund(&all, "k1", REFUND).await.expect("an answer");
        assert_eq!((answer.status, answer.header("idempotent-replayed")), (500, replayed));
        all.faults().become_as(Mix::calm());
    }
    assert_eq!(all.applied("eff_1"), 1);
}

#[tokio::test]
async fn trouble_with_a_replay_does_not_change_what_is_kept() {
    let all = world(Mix::calm()).await;
    refund(&all, "k1", REFUND).await.expect("an answer");
    all.faults().become_as(Mix::always(Kind::ErrorAfter));
    assert_eq!(refund(&all, "k1", REFUND).await.expect("an answer").status, 500);
    all.faults().become_as(Mix::calm());
    assert_eq!(refund(&all, "k1", REFUND).await.expect("an answer").status, 200);
}

#[tokio::test]
async fn a_burnt_key_answers_500_for_ever_and_nothing_is_there() {
    let all = world(Mix::always(Kind::Burnt)).await;
    refund(&all, "k1", REFUND).await.expect("an answer");
    all.faults().become_as(Mix::calm());
    assert_eq!(refund(&all, "k1", REFUND).await.expect("an answer").status, 500);
    assert_eq!(all.applied("eff_1"), 0);
    assert_eq!(refund(&all, "k2", REFUND).await.expect("an answer").status, 200);
}

#[tokio::test]
async fn each_fault_does_what_its_name_says() {
    for kind in Kind::ALL {
        let all = world(Mix::always(kind)).await;
        let answer = refund(&all, "k1", REFUND).await;
        assert_eq!(all.applied("eff_1"), usize::from(kind.is_done()), "{kind:?}");
        let heard = answer.filter(Answer::is_whole).map(|answer| answer.status);
        let expected = match kind {
            Kind::UnavailableBefore | Kind::UnavailableAfter => Some(503),
            Kind::TooMany => Some(429),
            Kind::ErrorAfter | Kind::Burnt => Some(500),
            Kind::Slow => Some(200),
            Kind::LostBefore | Kind::LostAfter | Kind::CutAfter => None,
        };
        assert_eq!(heard, expected, "{kind:?}");
        assert_eq!(all.faults().injected().get(&kind), Some(&1));
    }
}

#[tokio::test]
async fn a_subscription_moves_to_the_new_price_and_lists_have_pages() {
    let all = world(Mix::calm()).await;
    let base = all.billing.base_url();
    let price = "lookup_key=l1&unit_amount=900000&currency=usd&product=p&recurring%5Binterval%5D=year\
        &recurring%5Binterval_count%5D=1&metadata%5Bcountersign_effect%5D=eff_2";
    let made = ask(&base, "POST /v1/prices", &[STRIPE, FORM], price).await.expect("an answer").json();
    let list = ask(&base, "GET /v1/subscriptions?customer=cus_1&status=active&limit=2", &[STRIPE], "").await;
    let list = list.expect("an answer").json();
    let (id, item) = (&list["data"][0]["id"], &list["data"][0]["items"]["data"][0]["id"]);
    let form = format!("items[0][id]={}&items[0][price]={}", text(item), text(&made["id"]));
    let line = format!("POST /v1/subscriptions/{}", text(id));
    let moved = ask(&base, &line, &[STRIPE, FORM], &form).await.expect("an answer").json();
    assert_eq!(moved["items"]["data"][0]["price"]["unit_amount"], 900_000);
    assert_eq!(all.billing.look(|billing| billing.net_minor("cus_1")), Some(900_000));
    assert_eq!(all.applied("eff_2"), 1);
    let taken = ask(&base, "POST /v1/prices", &[STRIPE, FORM], price).await.expect("an answer");
    assert_eq!((taken.status, &taken.json()["error"]["param"]), (400, &json!("lookup_key")));
    let page = ask(&base, "GET /v1/prices?limit=1", &[STRIPE], "").await.expect("an answer").json();
    assert_eq!((page["data"].as_array().map(Vec::len), &page["has_more"]), (Some(1), &json!(true)));
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

const TRYTON: (&str, &str) = ("authorization", "Bearer crm-stand-in");

#[tokio::test]
async fn a_quote_is_read_by_field_priced_and_searched() {
    let all = world(Mix::calm()).await;
    let base = all.crm.base_url();
    let line = "GET /crm/rest/model/sale.sale/7?f=untaxed_amount&f=lines.unit_price&f=currency.code";
    let sale = ask(&base, line, &[TRYTON], "").await.expect("an answer").json();
    assert_eq!(
        sale,
        json!({"id": 7, "untaxed_amount": {"__class__": "Decimal", "decimal": "12000.00"},
            "currency": {"id": 1, "code": "USD"},
            "lines": [{"id": 71, "unit_price": {"__class__": "Decimal", "decimal": "120.0000"}}]})
    );
    let price = json!({"__class__": "Decimal", "decimal": "96"});
    let order = json!({"lines": [["write", [71], {"unit_price": price}]]}).to_string();
    let put = ask(&base, "PUT /crm/rest/model/sale.sale/7?f=untaxed_amount", &[TRYTON], &order).await;
    assert_eq!(put.expect("an answer").json()["untaxed_amount"]["decimal"], "9600.00");
    assert_eq!(all.crm.look(|crm| crm.net_cents(7)), Some(960_000));
    let priced = all.landings();
    assert_eq!(
        priced.iter().map(|landing| (landing.record.as_str(), landing.times)).collect::<Vec<_>>(),
        [("7", 1)]
    );
}

#[tokio::test]
async fn a_note_is_found_by_the_effect_that_it_begins_with() {
    let all = world(Mix::calm()).await;
    let base = all.crm.base_url();
    let note = json!({"resource": "sale.sale,7", "message": "eff_1 countersign approval record"});
    let post = ask(&base, "POST /crm/rest/model/ir.note?f=message", &[TRYTON], &note.to_string()).await;
    assert_eq!(post.expect("an answer").status, 200);
    for (pattern, expected) in [("eff\\_1 %", 1), ("eff\\_2 %", 0)] {
        let domain = json!([["resource", "=", "sale.sale,7"], ["message", "like", pattern]]).to_string();
        let domain = data_encoding::BASE64URL.encode(domain.as_bytes());
        let line = format!("GET /crm/rest/model/ir.note?d={domain}&s=2&f=message");
        let found = ask(&base, &line, &[TRYTON], "").await.expect("an answer").json();
        assert_eq!(found.as_array().map(Vec::len), Some(expected), "{pattern}");
    }
    assert_eq!(all.applied("eff_1"), 1);
    let nowhere = json!({"resource": "sale.sale,8", "message": "eff_2 x"}).to_string();
    let refused = ask(&base, "POST /crm/rest/model/ir.note", &[TRYTON], &nowhere).await.expect("an answer");
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn a_file_is_guarded_by_its_entity_tag() {
    let all = world(Mix::calm()).await;
    let base = all.contracts.base_url();
    let basic =
        data_encoding::BASE64.encode(format!("{}:{}", contracts::USER, contracts::PASSWORD).as_bytes());
    let basic = format!("Basic {basic}");
    let who = ("authorization", basic.as_str());
    let at = "/contracts/C-1/canonical.json";
    let there = ask(&base, &format!("GET {at}"), &[who], "").await.expect("an answer");
    let tag = there.header("etag").expect("a tag").to_owned();
    let next = json!({"history": [{"effect_id": "eff_3", "version": 2}]}).to_string();
    for (condition, value, path, status) in [
        ("if-none-match", "*", at, 412),
        ("if-match", "\"other\"", at, 412),
        ("if-match", tag.as_str(), at, 204),
        ("if-match", tag.as_str(), at, 412),
        ("if-none-match", "*", "/contracts/C-1/versions/eff_3.json", 201),
        ("if-none-match", "*", "/contracts/C-1/versions/eff_3.json", 412),
        ("if-none-match", "*", "/contracts/C-2/versions/eff_3.json", 409),
    ] {
        let answer = ask(&base, &format!("PUT {path}"), &[who, (condition, value)], &next).await;
        assert_eq!(answer.expect("an answer").status, status, "{condition}: {value} {path}");
    }
    assert_eq!((all.applied("eff_3"), all.contracts.look(|contracts| contracts.versions("C-1"))), (1, 1));
}

fn entry(code: &str, back: i64) -> String {
    let posting = |account: &str, mantissa: i64| {
        json!({"paccount": account, "pamount": [{"acommodity": "USD", "aprice": null, "aquantity":
            {"decimalMantissa": mantissa, "decimalPlaces": 2, "floatingPoint": 0}}]})
    };
    json!({"tcode": code, "tcomment": "", "tdate": "2026-11-23", "tdate2": null, "tdescription": "Refund",
        "tindex": 0, "tpostings": [posting("expenses:refunds:4090", 500), posting("assets:clearing", back)],
        "tprecedingcomment": "", "tsourcepos": [], "tstatus": "Unmarked", "ttags": []})
    .to_string()
}

#[tokio::test]
async fn an_entry_is_written_as_often_as_it_is_sent_and_only_if_it_balances() {
    let all = world(Mix::calm()).await;
    let base = all.ledger.base_url();
    for (body, status) in [
        (entry("eff_4", -500), 201),
        (entry("eff_4", -500), 201),
        (entry("eff_5", -400), 400),
        ("{}".into(), 400),
    ] {
        assert_eq!(ask(&base, "PUT /add", &[], &body).await.expect("an answer").status, status);
    }
    let all_entries = ask(&base, "GET /transactions", &[], "").await.expect("an answer").json();
    assert_eq!((&all_entries[0]["tcode"], &all_entries[1]["tindex"]), (&json!("eff_4"), &json!(2)));
    assert_eq!((all.applied("eff_4"), all.applied("eff_5")), (2, 0));
    assert_eq!(ask(&base, "GET /nothing", &[], "").await.expect("an answer").status, 403);
}

#[tokio::test]
async fn nobody_is_let_in_without_the_right_credential() {
    let all = world(Mix::calm()).await;
    for (base, line) in [
        (all.billing.base_url(), "GET /v1/customers"),
        (all.crm.base_url(), "GET /crm/rest/model/party.party"),
        (all.contracts.base_url(), "GET /playbook.json"),
    ] {
        assert_eq!(ask(&base, line, &[], "").await.expect("an answer").status, 401, "{line}");
    }
}
