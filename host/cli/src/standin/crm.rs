//! The CRM as Tryton's REST interface speaks: parties, sales with lines, notes.
//!
//! A search takes a domain, a read takes the names of the fields that are wanted, dots included.
//! A sale can be priced while it is a draft. Nothing has a key: a repeated note is written twice.

mod amounts;
mod domain;

use super::Landing;
use super::server::{Asked, Reply, StandIn};
use amounts::{decimal, line_cents, ten_thousandths};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The name of the database, which begins every path.
pub const DATABASE: &str = "crm";
/// The key that callers must show.
pub const KEY: &str = "crm-stand-in";

/// Records of a search where the caller does not say.
const RECORDS_MAX: usize = 1_000;

/// An account to begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// `smb`, `mid`, `ent` or `pub`.
    pub segment: String,
    /// Its customer at billing.
    pub billing_account: String,
}

/// A quote to begin with: one line at list price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// Its id.
    pub id: i64,
    /// The account that it is made to.
    pub account: i64,
    /// What it is; one that begins with "Renewal" is a renewal.
    pub description: String,
    /// How many.
    pub quantity: i64,
    /// List price of one, in cents.
    pub list_cents: i64,
    /// What one costs us, in cents.
    pub cost_cents: i64,
}

#[derive(Debug, Clone)]
struct Sale {
    quote: Quote,
    state: &'static str,
    /// Price of one in ten-thousandths, as Tryton keeps unit prices with four digits.
    unit_price: i64,
    changed: u64,
    priced: usize,
}

#[derive(Debug, Clone)]
struct Note {
    id: i64,
    resource: String,
    message: String,
    changed: u64,
}

/// The state.
#[derive(Debug, Default)]
pub struct Crm {
    accounts: BTreeMap<i64, Account>,
    sales: BTreeMap<i64, Sale>,
    notes: Vec<Note>,
    changes: u64,
}

impl Crm {
    /// Adds an account.
    pub fn add_account(&mut self, account: Account) {
        self.accounts.insert(account.id, account);
    }

    /// Adds a quote at list price.
    pub fn add_quote(&mut self, quote: Quote) {
        self.changes += 1;
        let unit_price = quote.list_cents * 100;
        let sale = Sale { quote, state: "draft", unit_price, changed: self.changes, priced: 0 };
        self.sales.insert(sale.quote.id, sale);
    }

    /// What a quote comes to now, in cents.
    #[must_use]
    pub fn net_cents(&self, quote: i64) -> Option<i64> {
        self.sales.get(&quote).map(Sale::net_cents)
    }

    /// The notes on a record (`sale.sale,7`), oldest first.
    pub fn notes<'a>(&'a self, resource: &'a str) -> impl Iterator<Item = &'a str> {
        self.notes.iter().filter(move |note| note.resource == resource).map(|note| note.message.as_str())
    }

    /// Gives a quote another unit price behind everybody's back.
    pub fn edit_unit_price(&mut self, quote: i64, cents: i64) {
        self.changes += 1;
        if let Some(sale) = self.sales.get_mut(&quote) {
            sale.unit_price = cents * 100;
            sale.changed = self.changes;
        }
    }

    /// Everything that was done here. A price bears no effect's id: it counts by its quote.
    #[must_use]
    pub fn landings(&self) -> Vec<Landing> {
        let priced = self.sales.values().filter(|sale| 0 < sale.priced).map(|sale| Landing {
            system: Self::NAME,
            operation: "set-price",
            record: sale.quote.id.to_string(),
            effect: None,
            times: sale.priced,
        });
        let mut landings: Vec<Landing> = priced.collect();
        let mut times: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for note in &self.notes {
            let effect = note.message.split(' ').next().unwrap_or_default();
            *times.entry((&note.resource, effect)).or_default() += 1;
        }
        landings.extend(times.into_iter().map(|((resource, effect), times)| Landing {
            system: Self::NAME,
            operation: "record-approval",
            record: resource.rsplit_once(',').map_or(resource, |(_, id)| id).to_owned(),
            effect: Some(effect.to_owned()),
            times,
        }));
        landings
    }

    /// All records of a model, with every field that is known of them.
    fn records(&self, model: &str) -> Option<Vec<Value>> {
        match model {
            "party.party" => Some(self.accounts.values().map(party_json).collect()),
            "sale.sale" => Some(self.sales.values().map(Sale::json).collect()),
            "ir.note" => Some(self.notes.iter().map(Note::json).collect()),
            "sale.opportunity" => Some(Vec::new()),
            _ => None,
        }
    }

    fn search(&self, asked: &Asked, model: &str) -> Reply {
        let Some(records) = self.records(model) else { return refused(404, "Model not found") };
        let Some(clauses) = domain::parse(asked.query("d")) else { return refused(400, "Invalid domain") };
        let number = |name| asked.query(name).and_then(|text| text.parse().ok());
        let (skip, most) = (number("p").unwrap_or(0), number("s").unwrap_or(RECORDS_MAX));
        let fitting = records.into_iter().filter(|record| domain::fits(record, &clauses));
        let found: Vec<Value> = fitting.skip(skip).take(most).map(|record| wanted(asked, &record)).collect();
        Reply::json(200, &json!(found))
    }

    fn read(&self, asked: &Asked, model: &str, id: &str) -> Reply {
        let records = self.records(model).unwrap_or_default();
        match records.iter().find(|record| has_id(record, id)) {
            Some(record) => Reply::json(200, &wanted(asked, record)),
            None => refused(404, "Record not found"),
        }
    }

    fn add_note(&mut self, asked: &Asked) -> Reply {
        let values: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        let (Some(resource), Some(message)) = (values["resource"].as_str(), values["message"].as_str())
        else {
            return refused(400, "The field \"Resource\" on \"Note\" is required.");
        };
        let (model, id) = resource.split_once(',').unwrap_or((resource, ""));
        let there = self.records(model).unwrap_or_default();
        if !there.iter().any(|record| has_id(record, id)) {
            return refused(400, "The resource of the note does not exist.");
        }
        self.changes += 1;
        let note = Note {
            id: i64::try_from(self.notes.len()).unwrap_or(i64::MAX).saturating_add(1),
            resource: resource.to_owned(),
            message: message.to_owned(),
            changed: self.changes,
        };
        let reply = Reply::json(200, &wanted(asked, &note.json()));
        self.notes.push(note);
        reply
    }

    fn price(&mut self, asked: &Asked, id: &str) -> Reply {
        let Some(sale) = id.parse().ok().and_then(|id: i64| self.sales.get_mut(&id)) else {
            return refused(404, "Record not found");
        };
        if sale.state != "draft" {
            return refused(400, "You are not allowed to modify lines of this sale in its state.");
        }
        let values: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        let mut price = None;
        for order in values["lines"].as_array().map(Vec::as_slice).unwrap_or_default() {
            let is_ours = order[0] == "write" && order[1][0] == json!(sale.line_id());
            match ten_thousandths(order[2]["unit_price"]["decimal"].as_str().unwrap_or_default()) {
                Some(given) if is_ours => price = Some(given),
                Some(_) | None => return refused(400, "The value for field \"Unit Price\" is not valid."),
            }
        }
        if let Some(price) = price {
            self.changes += 1;
            sale.unit_price = price;
            sale.changed = self.changes;
            sale.priced += 1;
        }
        Reply::json(200, &wanted(asked, &sale.json()))
    }
}

impl StandIn for Crm {
    const NAME: &'static str = "crm";

    fn answer(&mut self, asked: &Asked) -> Reply {
        if asked.header("authorization") != Some(format!("Bearer {KEY}").as_str()) {
            return Reply::status(401);
        }
        let (method, path) = asked.route();
        let [DATABASE, "rest", "model", rest @ ..] = path.as_slice() else { return Reply::status(404) };
        match (method, rest) {
            ("GET", [model]) => self.search(asked, model),
            ("GET", [model, id]) => self.read(asked, model, id),
            ("POST", ["ir.note"]) => self.add_note(asked),
            ("PUT", ["sale.sale", id]) => self.price(asked, id),
            _ => Reply::status(405),
        }
    }

    fn unwell(&self, status: u16) -> Reply {
        Reply::status(status)
    }
}

impl Sale {
    fn line_id(&self) -> i64 {
        self.quote.id * 10 + 1
    }

    fn net_cents(&self) -> i64 {
        line_cents(self.quote.quantity, self.unit_price)
    }

    fn json(&self) -> Value {
        let timestamp = timestamp(self.changed);
        let currency = json!({"id": 1, "code": "USD", "digits": 2});
        json!({
            "id": self.quote.id,
            "rec_name": self.quote.description,
            "number": self.quote.id.to_string(),
            "state": self.state,
            "description": self.quote.description,
            "party": self.quote.account,
            "currency": currency,
            "company": {"id": 1, "currency": currency},
            "untaxed_amount": decimal(self.net_cents(), 2),
            "_timestamp": timestamp,
            "write_date": moment(self.changed),
            "create_date": moment(self.changed),
            "lines": [{
                "id": self.line_id(),
                "type": "line",
                "quantity": self.quote.quantity,
                "unit_price": decimal(self.unit_price, 4),
                "base_price": decimal(self.quote.list_cents, 2),
                "product": {"id": 1, "cost_price": decimal(self.quote.cost_cents, 2)},
                "_timestamp": timestamp,
                "write_date": moment(self.changed),
                "create_date": moment(self.changed),
            }],
        })
    }
}

impl Note {
    fn json(&self) -> Value {
        json!({"id": self.id, "message": self.message, "resource": self.resource,
            "_timestamp": timestamp(self.changed)})
    }
}

fn party_json(account: &Account) -> Value {
    json!({
        "id": account.id,
        "rec_name": account.name,
        "name": account.name,
        "code": account.id.to_string(),
        "_timestamp": timestamp(0),
        "categories": [{"id": 2, "name": account.segment, "parent": {"id": 1, "name": "Segment"}}],
        "contact_mechanisms": [{"id": account.id, "name": "billing account", "value": account.billing_account}],
    })
}

/// The moment of a change, as Tryton writes it; changes are counted, no clock is asked.
fn timestamp(change: u64) -> String {
    format!("1790000000.{change:06}")
}

/// The same as a moment.
fn moment(change: u64) -> Value {
    json!({"__class__": "datetime", "year": 2026, "month": 9, "day": 21, "hour": 14, "minute": 13, "second": 20,
        "microsecond": change})
}

fn has_id(record: &Value, id: &str) -> bool {
    id.parse().is_ok_and(|id: i64| record["id"] == json!(id))
}

fn refused(status: u16, words: &str) -> Reply {
    Reply::json(status, &json!({"message": words, "description": ""}))
}

/// The fields of a record that the caller wants; its id always.
fn wanted(asked: &Asked, record: &Value) -> Value {
    let names = asked.query.iter().filter(|(name, _)| name == "f").map(|(_, field)| field.as_str());
    domain::projected(record, &names.collect::<Vec<_>>())
}
