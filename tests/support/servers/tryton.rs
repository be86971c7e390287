//! Customers and quotes: Tryton on SQLite, with a company, a product and an application
//! key for its REST interface.
//!
//! Setting a database up takes most of a minute, so `tests/install` does it once (see
//! `tryton_template.py`) and each start works on a copy.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use data_encoding::BASE64URL;
use serde_json::{Value, json};

use super::http::{self, Answer};
use super::{Process, install_folder, python_program};

const DATABASE: &str = "crm";
const API_KEY: &str = "crm-key-for-tests";

/// Ids that `tryton_template.py` is sure of: the first of each kind in a new database.
const COMPANY: i64 = 1;
const CURRENCY: i64 = 1;
const PRODUCT: i64 = 1;
const UNIT: i64 = 1;

/// What the template's product costs us, for margins: 40.00 against a list price of 100.00.
pub const UNIT_COST: &str = "40.00";

/// One line of a quote to be seeded, of the template's product.
#[derive(Debug, Clone, Copy)]
pub struct QuoteLine<'a> {
    /// How many.
    pub quantity: u32,
    /// List price of one, as decimal text.
    pub list_price: &'a str,
}

/// A quote to be seeded.
#[derive(Debug, Clone, Copy)]
pub struct Quote<'a> {
    /// Id of the account that it is made to.
    pub account: &'a str,
    /// Its description; one that begins with "Renewal" makes it a renewal.
    pub description: &'a str,
    /// Its lines in order.
    pub lines: &'a [QuoteLine<'a>],
}

/// A running Tryton on a fresh copy of the template.
#[derive(Debug)]
pub struct Tryton {
    process: Process,
}

impl Tryton {
    /// Starts one.
    ///
    /// # Errors
    /// It is not installed, or does not answer.
    pub fn start() -> Result<Self> {
        let program = python_program("trytond")?;
        let template = install_folder().join("tryton-template.sqlite");
        ensure!(template.exists(), "the database template is missing: run `tests/install`");
        let ready = format!("/{DATABASE}/rest/model/party.party/1");
        let process = Process::start("trytond", &ready, |folder, port| {
            let database = folder.join(format!("{DATABASE}.sqlite"));
            std::fs::copy(&template, &database).context("the template cannot be copied")?;
            std::fs::write(
                folder.join("trytond.conf"),
                format!(
                    "[database]\nuri = sqlite://\npath = {}\n[web]\nlisten = 127.0.0.1:{port}\n",
                    folder.display()
                ),
            )?;
            let mut command = Command::new(&program);
            command.args(["-c", "trytond.conf", "-d", DATABASE]);
            Ok(command)
        })?;
        Ok(Self { process })
    }

    /// The base of an endpoint: scheme, host and port, without the database.
    pub fn base_url(&self) -> String {
        self.process.base_url()
    }

    /// The database's name, for the connector's setting `database`.
    pub fn database(&self) -> &'static str {
        DATABASE
    }

    /// The secret for the credential scheme `bearer`.
    pub fn api_key(&self) -> &'static str {
        API_KEY
    }

    /// Makes an account (a party) in a segment (`smb`, `mid`, `ent`, `pub`) with the id
    /// of its customer at the billing system; answers its id.
    ///
    /// # Errors
    /// The server refuses.
    pub fn account(&self, name: &str, segment: &str, billing_account: &str) -> Result<String> {
        let segments = self.search("party.category", &json!([["name", "=", segment]]), &["name"])?;
        let segment = segments.first().with_context(|| format!("no segment `{segment}`"))?;
        let party = self.create(
            "party.party",
            &json!({
                "name": name,
                "addresses": [["create", [{"street": "1 Main Street"}]]],
                "categories": [["add", [segment["id"]]]],
                "contact_mechanisms": [["create", [
                    {"type": "other", "name": "billing account", "value": billing_account},
                ]]],
            }),
        )?;
        Ok(party.to_string())
    }

    /// Makes a quote at list price; answers its id. It stays a draft: Tryton lets nobody
    /// change the prices of anything later.
    ///
    /// # Errors
    /// The server refuses.
    pub fn quote(&self, quote: &Quote<'_>) -> Result<String> {
        let party: i64 = quote.account.parse().context("an account's id is a number")?;
        let addresses = self.search("party.address", &json!([["party", "=", party]]), &["rec_name"])?;
        let address = addresses.first().context("the account has no address")?["id"].clone();
        let lines: Vec<Value> = quote
            .lines
            .iter()
            .map(|line| {
                json!({
                    "type": "line",
                    "product": PRODUCT,
                    "unit": UNIT,
                    "quantity": line.quantity,
                    "base_price": decimal(line.list_price),
                    "unit_price": decimal(line.list_price),
                })
            })
            .collect();
        let sale = self.create(
            "sale.sale",
            &json!({
                "party": party,
                "invoice_address": address,
                "shipment_address": address,
                "company": COMPANY,
                "currency": CURRENCY,
                "description": quote.description,
                "lines": [["create", lines]],
            }),
        )?;
        Ok(sale.to_string())
    }

    /// What a quote comes to now, without tax, as decimal text.
    ///
    /// # Errors
    /// The server refuses.
    pub fn net_amount(&self, quote: &str) -> Result<String> {
        let sale = self.record("sale.sale", quote, &["untaxed_amount"])?;
        sale["untaxed_amount"]["decimal"].as_str().map(str::to_owned).context("no amount")
    }

    /// The unit prices of a quote's lines, as decimal texts, by line id.
    ///
    /// # Errors
    /// The server refuses.
    pub fn unit_prices(&self, quote: &str) -> Result<Vec<String>> {
        let sale = self.record("sale.sale", quote, &["lines.unit_price"])?;
        let mut lines = sale["lines"].as_array().cloned().context("no lines")?;
        lines.sort_by_key(|line| line["id"].as_i64());
        lines
            .iter()
            .map(|line| line["unit_price"]["decimal"].as_str().map(str::to_owned).context("no price"))
            .collect()
    }

    /// Gives the first line of a quote another unit price behind everybody's back.
    ///
    /// # Errors
    /// The server refuses.
    pub fn edit_unit_price(&self, quote: &str, unit_price: &str) -> Result<()> {
        let sale = self.record("sale.sale", quote, &["lines.unit_price"])?;
        let line = sale["lines"][0]["id"].as_i64().context("no line")?;
        let path = format!("/{DATABASE}/rest/model/sale.line/{line}");
        self.send("PUT", &path, Some(&json!({"unit_price": decimal(unit_price)})))?.json()?;
        Ok(())
    }

    /// Describes a quote otherwise behind everybody's back.
    ///
    /// # Errors
    /// The server refuses.
    pub fn describe(&self, quote: &str, description: &str) -> Result<()> {
        let path = format!("/{DATABASE}/rest/model/sale.sale/{quote}");
        self.send("PUT", &path, Some(&json!({"description": description})))?.json()?;
        Ok(())
    }

    /// The messages of the notes on a quote (`sale.sale`) or account (`party.party`), in
    /// the order in which they were written.
    ///
    /// # Errors
    /// The server refuses.
    pub fn notes(&self, model: &str, id: &str) -> Result<Vec<String>> {
        let domain = json!([["resource", "=", format!("{model},{id}")]]);
        let mut notes = self.search("ir.note", &domain, &["message"])?;
        notes.sort_by_key(|note| note["id"].as_i64());
        Ok(notes.iter().filter_map(|note| note["message"].as_str().map(str::to_owned)).collect())
    }

    /// Reads fields of one record of any model.
    ///
    /// # Errors
    /// The server refuses.
    pub fn record(&self, model: &str, id: &str, fields: &[&str]) -> Result<Value> {
        let path = format!("/{DATABASE}/rest/model/{model}/{id}?{}", field_query(fields));
        self.send("GET", &path, None)?.json()
    }

    /// Finds records of any model by a Tryton domain.
    ///
    /// # Errors
    /// The server refuses.
    pub fn search(&self, model: &str, domain: &Value, fields: &[&str]) -> Result<Vec<Value>> {
        let domain = http::encode(&BASE64URL.encode(domain.to_string().as_bytes()));
        let path = format!("/{DATABASE}/rest/model/{model}?d={domain}&{}", field_query(fields));
        self.send("GET", &path, None)?.json()?.as_array().cloned().context("no list")
    }

    /// Makes a record of any model; answers its id.
    ///
    /// # Errors
    /// The server refuses.
    pub fn create(&self, model: &str, values: &Value) -> Result<i64> {
        let path = format!("/{DATABASE}/rest/model/{model}");
        let record = self.send("POST", &path, Some(values))?.json()?;
        record["id"].as_i64().with_context(|| format!("no id in {record}"))
    }

    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer> {
        let bearer = format!("Bearer {API_KEY}");
        let context = BASE64URL.encode(json!({"company": COMPANY}).to_string().as_bytes());
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
            ("x-tryton-context", context.as_str()),
        ];
        let body = body.map(Value::to_string).unwrap_or_default();
        http::send(method, &format!("{}{path}", self.base_url()), &headers, body.as_bytes())
    }
}

/// A decimal as Tryton's JSON wants it.
fn decimal(text: &str) -> Value {
    json!({"__class__": "Decimal", "decimal": text})
}

fn field_query(fields: &[&str]) -> String {
    fields.iter().map(|field| format!("f={field}")).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crm_holds_an_account_and_a_quote_at_list_price() -> Result<()> {
        let crm = Tryton::start()?;
        let account = crm.account("Acme Ltd", "mid", "cus_1")?;
        let lines = [QuoteLine { quantity: 1_000, list_price: "100.00" }];
        let quote = crm.quote(&Quote { account: &account, description: "New", lines: &lines })?;
        assert_eq!(crm.net_amount(&quote)?, "100000.00");
        crm.edit_unit_price(&quote, "80.00")?;
        assert_eq!(crm.net_amount(&quote)?, "80000.00");
        assert_eq!(crm.unit_prices(&quote)?, ["80.00"]);
        assert!(crm.notes("sale.sale", &quote)?.is_empty());
        Ok(())
    }
}
