//! The oracle: compares what was acknowledged, what the log says and what the targets did. It
//! believes none of them, and it knows nothing of how the host works.

use super::load::Client;
use super::scene::{cents, payment};
use anyhow::{Context, Result};
use countersign::standin::StandIns;
use countersign_tests::host::now;
use countersign_tests::servers::http;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long everything may take to settle once nobody kills and nothing fails any more: the longest
/// settle time of a target (half a minute), and the queue of a run on a machine that is busy.
const SETTLE_MS_MAX: u64 = 120_000;
/// Wait between two looks.
const LOOK_MS: u64 = 200;
/// The states in which something is still to come.
const OPEN_STATES: [&str; 5] = ["preparing", "unsettled", "seated", "returned", "executing"];

/// One intent as the host tells it.
#[derive(Debug)]
pub(crate) struct Told {
    id: String,
    state: String,
    payment: String,
    /// The effect at each connection, if it landed.
    landed: BTreeMap<String, String>,
    /// Why it does not go on by itself, with who answers for it.
    exceptions: Vec<String>,
}

impl Told {
    /// Its id.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Whether all of it is done.
    pub(crate) fn is_done(&self) -> bool {
        self.state == "done"
    }
}

/// Waits until nothing is open, or the time is up, and says how long that took; what is open then is
/// told by [`faults`].
pub(crate) fn settle(client: &Client) -> Result<Duration> {
    let begun = now();
    while begun.elapsed() < Duration::from_millis(SETTLE_MS_MAX) {
        let mut is_open = false;
        for state in OPEN_STATES {
            let page = client.get(&format!("/v1/intents?state={state}&limit=1"))?;
            is_open |= page["items"].as_array().is_some_and(|items| !items.is_empty());
        }
        if !is_open {
            return Ok(begun.elapsed());
        }
        std::thread::sleep(Duration::from_millis(LOOK_MS));
    }
    Ok(begun.elapsed())
}

/// Every intent that the host knows of.
pub(crate) fn told(client: &Client) -> Result<Vec<Told>> {
    let mut all = Vec::new();
    let mut path = "/v1/intents?limit=200".to_owned();
    loop {
        let page = client.get(&path)?;
        for row in page["items"].as_array().context("a list has items")? {
            let id = row["id"].as_str().context("an intent has an id")?;
            all.push(one(&client.get(&format!("/v1/intents/{id}"))?)?);
        }
        let Some(next) = page["next"].as_str() else { return Ok(all) };
        path = format!("/v1/intents?limit=200&cursor={}", http::encode(next));
    }
}

fn one(intent: &Value) -> Result<Told> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let effects = intent["effects"].as_array().context("an intent has effects")?;
    let landed = effects.iter().filter(|effect| effect["state"] == "landed");
    let exceptions = intent["exceptions"].as_array().context("an intent has exceptions")?;
    let open = exceptions.iter().filter(|exception| exception["state"] == "open");
    Ok(Told {
        id: text(&intent["id"]),
        state: text(&intent["state"]),
        payment: text(&intent["tokens"]["payment_id"]),
        landed: landed.map(|effect| (text(&effect["connection"]), text(&effect["id"]))).collect(),
        exceptions: open
            .map(|found| format!("{} of {}: {}", found["cause"], found["owner"], found["detail"]["message"]))
            .collect(),
    })
}

/// Everything that does not fit together, one sentence each.
pub(crate) fn faults(
    told: &[Told],
    acknowledged: &BTreeMap<usize, String>,
    targets: &StandIns,
) -> Vec<String> {
    let mut faults = Vec::new();
    let mut by_payment: BTreeMap<&str, Vec<&Told>> = BTreeMap::new();
    for intent in told {
        by_payment.entry(&intent.payment).or_default().push(intent);
        if intent.state != "done" {
            let why = intent.exceptions.join("; ");
            faults.push(format!("{} is {} and not done: [{why}]", intent.id, intent.state));
        }
    }
    for (number, id) in acknowledged {
        match by_payment.remove(payment(*number).as_str()).as_deref() {
            None => faults.push(format!("{id} was acknowledged and is lost")),
            Some([only]) if only.id == *id => {}
            Some(several) => {
                let ids: Vec<&str> = several.iter().map(|intent| intent.id.as_str()).collect();
                faults.push(format!("one key was acknowledged as {id} and made {}", ids.join(", ")));
            }
        }
    }
    // Every client went on until it was acknowledged, so nothing else can be there.
    faults.extend(by_payment.keys().map(|payment| format!("nobody was told of the refund of {payment}")));
    faults.extend(refund_faults(told, acknowledged, targets));
    faults.extend(entry_faults(told, targets));
    faults
}

/// Billing has one refund for each request, of the right amount, made by the intent's own effect.
fn refund_faults(told: &[Told], acknowledged: &BTreeMap<usize, String>, targets: &StandIns) -> Vec<String> {
    let mut faults = Vec::new();
    let refunds = targets.billing.look(|billing| billing.refunds().to_vec());
    for (number, id) in acknowledged {
        let charge = payment(*number);
        let ours: Vec<_> = refunds.iter().filter(|refund| refund.charge == charge).collect();
        let intent = told.iter().find(|intent| intent.id == *id);
        let effect = intent.and_then(|intent| intent.landed.get("billing"));
        match ours.as_slice() {
            [one] if one.amount_minor != cents(*number) => {
                faults.push(format!(
                    "{charge} got {} cents back instead of {}",
                    one.amount_minor,
                    cents(*number)
                ));
            }
            [one] if !one.metadata.values().any(|value| Some(value) == effect) => {
                faults.push(format!("the refund {} of {id} does not name the effect that made it", one.id));
            }
            [_] => {}
            other => faults.push(format!("{charge} of {id} was refunded {} times", other.len())),
        }
    }
    if refunds.len() != acknowledged.len() {
        faults.push(format!("{} refunds for {} requests", refunds.len(), acknowledged.len()));
    }
    faults
}

/// The ledger has one entry for each effect that the host says landed there, and no other.
fn entry_faults(told: &[Told], targets: &StandIns) -> Vec<String> {
    let entries = targets.ledger.look(countersign::standin::ledger::Ledger::landings);
    let mut expected: BTreeSet<&str> =
        told.iter().filter_map(|intent| intent.landed.get("ledger")).map(String::as_str).collect();
    let mut faults = Vec::new();
    for entry in &entries {
        let effect = entry.effect.as_deref().unwrap_or_default();
        if !expected.remove(effect) {
            faults.push(format!("the ledger has an entry of `{effect}`, which the host does not say landed"));
        }
        if entry.times != 1 {
            faults.push(format!("the ledger has the entry of {effect} {} times", entry.times));
        }
    }
    faults.extend(expected.iter().map(|effect| format!("the entry of {effect} landed and is not there")));
    faults
}
