//! The load: clients that ask for one refund after the other, and ask again with the same key until
//! they are told that it is kept.

use super::scene::{cents, customer, payment};
use anyhow::{Context, Result, bail, ensure};
use countersign_tests::host::now;
use countersign_tests::servers::http;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Clients at once.
pub(crate) const CLIENTS: usize = 4;
/// Wait before a request is sent again, or work is looked for.
const AGAIN_MS: u64 = 10;
/// How often one request is sent while the host is away: longer than any restart.
const TRIES_MAX: u32 = 6_000;
/// How long something may take that a host does by itself.
const PATIENCE: Duration = Duration::from_secs(30);
/// Wait between two looks.
const LOOK: Duration = Duration::from_millis(20);
/// Every so many-th request is sent once more although it was acknowledged.
const REPEATED_EVERY: usize = 3;

/// The API of one host for one person.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    base: String,
    bearer: String,
}

impl Client {
    /// The API at `base` with this token.
    pub(crate) fn new(base: String, token: &str) -> Client {
        Client { base, bearer: format!("Bearer {token}") }
    }

    /// Reads an address.
    pub(crate) fn get(&self, path: &str) -> Result<Value> {
        http::get(&format!("{}{path}", self.base), &[("authorization", &self.bearer)])?.json()
    }

    /// The request for the refund of payment `number`, always under the same key: headers and body.
    pub(crate) fn request(&self, number: usize) -> ([(&'static str, String); 3], String) {
        let minor = cents(number);
        let body = json!({"type": "refund", "tokens": {
            "payment_id": payment(number),
            "customer_id": customer(number),
            "invoice_id": format!("INV-{number}"),
            "ledger_code": "4090",
            "amount": {"amount": format!("{}.{:02}", minor / 100, minor % 100), "currency": "USD"},
            "reason": "goodwill",
        }});
        let headers = [
            ("authorization", self.bearer.clone()),
            ("content-type", "application/json".to_owned()),
            ("idempotency-key", format!("crash-{number}")),
        ];
        (headers, body.to_string())
    }

    /// Asks for the refund of payment `number`.
    ///
    /// # Errors
    /// If there is no answer.
    pub(crate) fn ask(&self, number: usize) -> Result<http::Answer> {
        let (headers, body) = self.request(number);
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        http::send("POST", &format!("{}/v1/intents", self.base), &headers, body.as_bytes())
    }

    /// The same. Gives the intent's id; `None` if nobody acknowledged it, whatever became of it.
    pub(crate) fn submit(&self, number: usize) -> Result<Option<String>> {
        let Ok(answer) = self.ask(number) else { return Ok(None) };
        match answer.status {
            429 | 503 | 507 => Ok(None),
            // It was asked before, by a request that we gave up.
            409 if answer.text().contains("CS-E0214") => Ok(None),
            200..=202 => {
                let id = answer.json()?["id"].as_str().map(str::to_owned);
                Ok(Some(id.context("an acknowledgement names the intent")?))
            }
            status => bail!("refund {number} is refused with {status}: {}", answer.text()),
        }
    }

    /// The same until it is acknowledged.
    pub(crate) fn insist(&self, number: usize) -> Result<String> {
        for _ in 0..TRIES_MAX {
            if let Some(id) = self.submit(number)? {
                return Ok(id);
            }
            std::thread::sleep(Duration::from_millis(AGAIN_MS));
        }
        bail!("refund {number} was never acknowledged")
    }
}

/// What all clients share: how many refunds may be asked for, and what was acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Load {
    allowed: AtomicUsize,
    taken: AtomicUsize,
    is_over: AtomicBool,
    acknowledged: Mutex<BTreeMap<usize, String>>,
}

impl Load {
    /// Lets the clients ask for so many more.
    pub(crate) fn allow(&self, more: usize) {
        self.allowed.fetch_add(more, Ordering::SeqCst);
    }

    /// How many were allowed so far.
    pub(crate) fn allowed(&self) -> usize {
        self.allowed.load(Ordering::SeqCst)
    }

    /// Nothing more will be allowed: the clients end when everything is acknowledged.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }

    /// The id that each request was acknowledged with.
    pub(crate) fn acknowledged(&self) -> BTreeMap<usize, String> {
        self.locked().clone()
    }

    /// Somebody asked for `number` and was told this id.
    pub(crate) fn keep(&self, number: usize, id: String) {
        self.locked().insert(number, id);
    }

    /// One client, until the end. The same request always gets the same answer, or this fails.
    pub(crate) fn serve(&self, client: &Client) -> Result<()> {
        loop {
            let Some(number) = self.take() else {
                if self.is_over.load(Ordering::SeqCst) {
                    return Ok(());
                }
                std::thread::sleep(Duration::from_millis(AGAIN_MS));
                continue;
            };
            let id = client.insist(number)?;
            self.locked().insert(number, id.clone());
            if number % REPEATED_EVERY == 0 {
                let again = client.insist(number)?;
                if again != id {
                    bail!("refund {number} was acknowledged as {id} and then, with the same key, as {again}");
                }
            }
        }
    }

    fn take(&self) -> Option<usize> {
        let next = |taken: usize| (taken < self.allowed()).then_some(taken + 1);
        self.taken.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next).ok()
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<usize, String>> {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until it is so, and says how long that took.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<Duration> {
    let begun = now();
    while !is_so()? {
        ensure!(begun.elapsed() < PATIENCE, "{what}: not within {} s", PATIENCE.as_secs());
        std::thread::sleep(LOOK);
    }
    Ok(begun.elapsed())
}

/// Asks for so many more and waits until all are acknowledged.
pub(crate) fn acknowledge(load: &Load, more: usize) -> Result<Duration> {
    load.allow(more);
    until("everything is acknowledged", || Ok(load.acknowledged().len() == load.allowed()))
}
