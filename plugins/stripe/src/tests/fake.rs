//! A small Stripe: one customer, one subscription, one payment, one invoice.

use countersign_sdk::Method;
use countersign_sdk::testing::{Reply, ScriptedTarget, Sent};
use serde_json::{Value as Json, json};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// How the server calls what is sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    Prices,
    Plans,
}

pub(super) struct Fake {
    pub(super) target: ScriptedTarget,
    state: Rc<RefCell<State>>,
}

struct State {
    words: Words,
    honours_keys: bool,
    breaks_after_next: bool,
    broken: BTreeSet<String>,
    answers: BTreeMap<String, Json>,
    prices: Vec<Json>,
    refunds: Vec<Json>,
    notes: Vec<Json>,
    subscription: Json,
    moves: usize,
}

impl Fake {
    pub(super) fn new(words: Words) -> Fake {
        let target = ScriptedTarget::of(include_str!("../../connector.toml"));
        let old = price(words, "price_0", 100_000, &json!({"term_months": "12"}));
        let mut item = json!({"id": "si_1", "quantity": 1});
        item[word(words)] = old;
        let subscription = json!({
            "id": "sub_1", "customer": "cus_1", "status": "active", "livemode": true,
            "collection_method": "charge_automatically", "days_until_due": null,
            "items": {"data": [item], "has_more": false},
        });
        let state = Rc::new(RefCell::new(State {
            words,
            honours_keys: true,
            breaks_after_next: false,
            broken: BTreeSet::new(),
            answers: BTreeMap::new(),
            prices: Vec::new(),
            refunds: Vec::new(),
            notes: Vec::new(),
            subscription,
            moves: 0,
        }));
        let fake = Fake { target, state };
        fake.reads();
        fake.writes();
        fake
    }

    pub(super) fn prices(&self) -> usize {
        self.state.borrow().prices.len()
    }

    pub(super) fn moves(&self) -> usize {
        self.state.borrow().moves
    }

    pub(super) fn refunds(&self) -> usize {
        self.state.borrow().refunds.len()
    }

    pub(super) fn honour_keys(&self, honour: bool) {
        self.state.borrow_mut().honours_keys = honour;
    }

    /// The next write is done, answered with 500, and that answer is kept under its key.
    pub(super) fn break_after_next_write(&self) {
        self.state.borrow_mut().breaks_after_next = true;
    }

    /// As if the keys had expired.
    pub(super) fn forget_keys(&self) {
        self.state.borrow_mut().answers.clear();
    }

    /// Answers reads of `path` out of the state.
    fn read(&self, path: &str, answer: impl Fn(&State, &Sent) -> Json + 'static) {
        let state = Rc::clone(&self.state);
        self.target.answers(Method::Get, path, move |sent| Reply::json(200, &answer(&state.borrow(), sent)));
    }

    /// Answers writes of `path`, once a key.
    fn write(&self, path: &str, answer: impl Fn(&mut State, &Sent) -> Result<Json, Reply> + 'static) {
        let state = Rc::clone(&self.state);
        self.target.answers(Method::Post, path, move |sent| {
            let mut state = state.borrow_mut();
            let key = sent.key().expect("only steps write");
            if let (Some(known), true) = (state.answers.get(&key), state.honours_keys) {
                return Reply::json(200, known);
            }
            let broke = || Reply::json(500, &json!({"error": {"type": "api_error", "message": "broke"}}));
            if state.broken.contains(&key) {
                return broke();
            }
            match answer(&mut state, sent) {
                Ok(_) if std::mem::take(&mut state.breaks_after_next) => {
                    state.broken.insert(key);
                    broke()
                }
                Ok(body) => {
                    state.answers.insert(key, body.clone());
                    Reply::json(200, &body).header("request-id", "req_1")
                }
                Err(refusal) => refusal,
            }
        });
    }

    fn reads(&self) {
        let list = |data: Vec<Json>| json!({"data": data, "has_more": false});
        self.read("/v1/customers", move |_, _| list(vec![]));
        self.read("/v1/customers/cus_1", |_, _| json!({"id": "cus_1", "livemode": true}));
        self.read("/v1/subscriptions", move |state, _| list(vec![state.subscription.clone()]));
        self.read("/v1/refunds", move |state, _| list(state.refunds.clone()));
        self.read("/v1/refunds/re_1", |state, _| state.refunds[0].clone());
        self.read("/v1/credit_notes", move |state, _| list(state.notes.clone()));
        self.read("/v1/credit_notes/cn_1", |state, _| state.notes[0].clone());
        self.read("/v1/charges/ch_1", |state, _| charge(state));
        self.read(
            "/v1/payment_intents/pi_1",
            |state, _| json!({"id": "pi_1", "latest_charge": charge(state)}),
        );
        self.read("/v1/prices", move |state, sent| {
            let wanted = sent.query("lookup_keys[]").unwrap_or_default();
            list(state.prices.iter().filter(|price| price["lookup_key"] == wanted).cloned().collect())
        });
        self.read("/v1/plans/*", |state, sent| {
            let id = sent.request.path.trim_start_matches("/v1/plans/");
            state.prices.iter().find(|plan| plan["id"] == id).cloned().unwrap_or_default()
        });
        self.read("/v1/invoices/in_1", |_, _| {
            json!({
                "id": "in_1", "currency": "usd", "customer": "cus_1", "status": "open", "livemode": true,
                "total": 10_000, "amount_due": 10_000, "amount_paid": 7_000, "amount_remaining": 3_000,
            })
        });
    }

    fn writes(&self) {
        for path in ["/v1/prices", "/v1/plans"] {
            self.write(path, |state, sent| {
                let field = |name: &str| sent.form_value(name).unwrap_or_default();
                let (name_field, amount_field) = match state.words {
                    Words::Prices => ("lookup_key", "unit_amount"),
                    Words::Plans => ("id", "amount"),
                };
                if state.prices.iter().any(|price| price[name_field] == field(name_field)) {
                    let error = json!({"error": {"type": "invalid_request_error", "message": "taken"}});
                    return Err(Reply::json(400, &error));
                }
                let id = match state.words {
                    Words::Prices => format!("price_{}", state.prices.len() + 1),
                    Words::Plans => field("id"),
                };
                let amount = field(amount_field).parse().expect("an amount");
                let mut made = price(state.words, &id, amount, &metadata(sent));
                made["lookup_key"] = json!(sent.form_value("lookup_key"));
                state.prices.push(made.clone());
                Ok(made)
            });
        }
        self.write("/v1/subscriptions/sub_1", |state, sent| {
            let word = word(state.words);
            let wanted = sent.form_value(&format!("items[0][{word}]")).expect("a price");
            let price = state.prices.iter().find(|price| price["id"] == wanted.as_str()).cloned();
            state.subscription["items"]["data"][0][word] = price.expect("a known price");
            state.moves += 1;
            Ok(state.subscription.clone())
        });
        self.write("/v1/refunds", |state, sent| {
            let id = format!("re_{}", state.refunds.len() + 1);
            let refund = json!({
                "id": id, "amount": number(sent, "amount"), "currency": "usd", "status": "succeeded",
                "charge": "ch_1", "payment_intent": sent.form_value("payment_intent"),
                "reason": sent.form_value("reason"), "metadata": metadata(sent),
            });
            state.refunds.push(refund.clone());
            Ok(refund)
        });
        self.write("/v1/credit_notes", |state, sent| {
            let id = format!("cn_{}", state.notes.len() + 1);
            let note = json!({
                "id": id, "amount": number(sent, "amount"), "currency": "usd", "status": "issued",
                "invoice": "in_1", "post_payment_amount": number(sent, "credit_amount"),
                "reason": sent.form_value("reason"), "metadata": metadata(sent), "livemode": true,
            });
            state.notes.push(note.clone());
            Ok(note)
        });
    }
}

fn word(words: Words) -> &'static str {
    match words {
        Words::Prices => "price",
        Words::Plans => "plan",
    }
}

fn price(words: Words, id: &str, minor: i64, metadata: &Json) -> Json {
    match words {
        Words::Prices => json!({
            "id": id, "unit_amount": minor, "currency": "usd", "product": "prod_1", "metadata": metadata,
            "recurring": {"interval": "month", "interval_count": 1},
        }),
        Words::Plans => json!({
            "id": id, "amount": minor, "currency": "usd", "product": "prod_1", "metadata": metadata,
            "interval": "month", "interval_count": 1,
        }),
    }
}

fn charge(state: &State) -> Json {
    let refunded: i64 = state.refunds.iter().filter_map(|refund| refund["amount"].as_i64()).sum();
    json!({
        "id": "ch_1", "amount": 5_000, "amount_refunded": refunded, "currency": "usd", "status": "succeeded",
        "created": 1_795_467_185, "customer": "cus_1", "disputed": false, "livemode": true,
    })
}

fn number(sent: &Sent, field: &str) -> i64 {
    sent.form_value(field).map_or(0, |text| text.parse().expect("a number"))
}

fn metadata(sent: &Sent) -> Json {
    let inside = |name: &str| name.strip_prefix("metadata[")?.strip_suffix(']').map(str::to_owned);
    sent.form().into_iter().filter_map(|(name, value)| Some((inside(&name)?, Json::String(value)))).collect()
}
