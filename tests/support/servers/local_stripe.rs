//! Billing: localstripe, a stand-in for Stripe with state of its own.
//!
//! It ignores `Idempotency-Key`, so a blind repeat really refunds twice: a test that
//! counts refunds here proves what *we* do. It has plans and no prices.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::http::{self, Answer};
use super::{Process, python_program};

/// Any key that begins with `sk_` is accepted.
const API_KEY: &str = "sk_test_countersign";

/// Only ever this one: a card that every charge succeeds with.
const GOOD_CARD: &str = "4242424242424242";

/// A running localstripe, empty at the start.
#[derive(Debug)]
pub struct LocalStripe {
    process: Process,
}

impl LocalStripe {
    /// Starts an empty one.
    ///
    /// # Errors
    /// It is not installed, or does not answer.
    pub fn start() -> Result<Self> {
        let program = python_program("localstripe")?;
        let process = Process::start("localstripe", "/v1/customers", |_, port| {
            let mut command = Command::new(&program);
            command.args(["--from-scratch", "--port", &port.to_string()]);
            Ok(command)
        })?;
        Ok(Self { process })
    }

    /// The base of an endpoint; paths go on with `/v1/...`.
    pub fn base_url(&self) -> String {
        self.process.base_url()
    }

    /// The secret for the credential scheme `bearer`.
    pub fn api_key(&self) -> &'static str {
        API_KEY
    }

    /// Makes a customer with a card that works; answers its `cus_...` id.
    ///
    /// # Errors
    /// The server refuses.
    pub fn customer(&self, name: &str) -> Result<String> {
        let customer = id_of(&self.post("/v1/customers", &[("name", name)])?)?;
        let card = self.post(
            "/v1/payment_methods",
            &[
                ("type", "card"),
                ("card[number]", GOOD_CARD),
                ("card[exp_month]", "12"),
                ("card[exp_year]", "2040"),
                ("card[cvc]", "123"),
            ],
        )?;
        let card = id_of(&card)?;
        self.post(&format!("/v1/payment_methods/{card}/attach"), &[("customer", &customer)])?;
        self.post(
            &format!("/v1/customers/{customer}"),
            &[("invoice_settings[default_payment_method]", &card)],
        )?;
        Ok(customer)
    }

    /// Gives a customer an active monthly subscription; answers its `sub_...` id.
    ///
    /// # Errors
    /// The server refuses.
    pub fn subscribe(&self, customer: &str, amount_minor: i64, currency: &str) -> Result<String> {
        let plan = self.plan(amount_minor, currency)?;
        let subscription =
            self.post("/v1/subscriptions", &[("customer", customer), ("items[0][plan]", &plan)])?;
        ensure!(subscription["status"] == "active", "the subscription is not active");
        id_of(&subscription)
    }

    /// A new monthly price; answers its id.
    fn plan(&self, amount_minor: i64, currency: &str) -> Result<String> {
        let plan = self.post(
            "/v1/plans",
            &[
                ("amount", &amount_minor.to_string()),
                ("currency", &currency.to_lowercase()),
                ("interval", "month"),
                ("product[name]", "Platform"),
            ],
        )?;
        id_of(&plan)
    }

    /// Lets a customer pay at once; answers the id of the paid charge (`ch_...`).
    ///
    /// # Errors
    /// The server refuses.
    pub fn pay(&self, customer: &str, amount_minor: i64, currency: &str) -> Result<String> {
        let charge = self.post(
            "/v1/charges",
            &[
                ("customer", customer),
                ("amount", &amount_minor.to_string()),
                ("currency", &currency.to_lowercase()),
            ],
        )?;
        ensure!(charge["status"] == "succeeded", "the charge is not paid");
        id_of(&charge)
    }

    /// All refunds of a charge, newest first.
    ///
    /// # Errors
    /// The server refuses.
    pub fn refunds_of(&self, charge: &str) -> Result<Vec<Value>> {
        let list = self.read(&format!("/v1/refunds?charge={charge}&limit=100"))?;
        list["data"].as_array().cloned().context("no list of refunds")
    }

    /// The one subscription of a customer.
    ///
    /// # Errors
    /// There is none, or more than one.
    pub fn subscription_of(&self, customer: &str) -> Result<Value> {
        let list = self.read(&format!("/v1/subscriptions?customer={customer}"))?;
        let data = list["data"].as_array().context("no list of subscriptions")?;
        ensure!(data.len() == 1, "{} subscriptions, not one", data.len());
        Ok(data[0].clone())
    }

    /// What a customer's one subscription costs each month, in minor units.
    ///
    /// # Errors
    /// There is no such subscription.
    pub fn subscribed_amount(&self, customer: &str) -> Result<i64> {
        let subscription = self.subscription_of(customer)?;
        subscription["items"]["data"][0]["plan"]["amount"].as_i64().context("no amount")
    }

    /// Puts a customer's one subscription onto another price, as somebody does who works there.
    ///
    /// # Errors
    /// The server refuses.
    pub fn reprice(&self, customer: &str, amount_minor: i64, currency: &str) -> Result<()> {
        let subscription = self.subscription_of(customer)?;
        let item = subscription["items"]["data"][0]["id"].as_str().context("an item")?;
        let plan = self.plan(amount_minor, currency)?;
        let path = format!("/v1/subscriptions/{}", id_of(&subscription)?);
        self.post(&path, &[("items[0][id]", item), ("items[0][plan]", &plan)])?;
        Ok(())
    }

    /// Changes what a customer is described as, of which it tells.
    ///
    /// # Errors
    /// The server refuses.
    pub fn describe(&self, customer: &str, description: &str) -> Result<()> {
        self.post(&format!("/v1/customers/{customer}"), &[("description", description)])?;
        Ok(())
    }

    /// From now on tells this address of every change of a customer, signed with this secret; each a second later.
    ///
    /// # Errors
    /// The server refuses.
    pub fn tells(&self, url: &str, secret: &str) -> Result<()> {
        let form = [("url", url), ("secret", secret), ("events[]", "customer.updated")];
        let answer = self.send("POST", "/_config/webhooks/host", &form)?;
        ensure!(answer.status == 200, "it tells nobody: {}", answer.status);
        Ok(())
    }

    /// Reads any path.
    ///
    /// # Errors
    /// The server refuses.
    pub fn read(&self, path: &str) -> Result<Value> {
        self.send("GET", path, &[])?.json().with_context(|| path.to_owned())
    }

    /// Posts a form to any path.
    ///
    /// # Errors
    /// The server refuses.
    pub fn post(&self, path: &str, form: &[(&str, &str)]) -> Result<Value> {
        self.send("POST", path, form)?.json().with_context(|| path.to_owned())
    }

    fn send(&self, method: &str, path: &str, form: &[(&str, &str)]) -> Result<Answer> {
        let bearer = format!("Bearer {API_KEY}");
        let headers =
            [("authorization", bearer.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        let body: Vec<String> = form
            .iter()
            .map(|(name, value)| format!("{}={}", http::encode(name), http::encode(value)))
            .collect();
        let url = format!("{}{path}", self.base_url());
        http::send(method, &url, &headers, body.join("&").as_bytes())
    }
}

fn id_of(record: &Value) -> Result<String> {
    record["id"].as_str().map(str::to_owned).with_context(|| format!("no id in {record}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn billing_holds_what_the_flows_need() -> Result<()> {
        let stripe = LocalStripe::start()?;
        let customer = stripe.customer("Acme Ltd")?;
        stripe.subscribe(&customer, 100_000, "USD")?;
        assert_eq!(stripe.subscribed_amount(&customer)?, 100_000);
        let charge = stripe.pay(&customer, 12_000, "USD")?;
        assert!(stripe.refunds_of(&charge)?.is_empty());
        stripe.post("/v1/refunds", &[("charge", &charge), ("amount", "500")])?;
        assert_eq!(stripe.refunds_of(&charge)?[0]["amount"], 500);
        Ok(())
    }
}
