//! The connector to whatever takes signed JSON: one `POST` an effect, by the Standard Webhooks
//! specification.
//!
//! The host signs (`webhook-id`, `webhook-timestamp`, `webhook-signature`); the connector never
//! sees the key. The id is the idempotency key of the step, the same in every attempt, so a
//! receiver that remembers ids does each effect once.
//!
//! | operation | guarantee | for a receiver that |
//! |---|---|---|
//! | `deliver` | `by-key` | remembers `webhook-id` for a day and ignores a repeat |
//! | `deliver-once` | `blind` | does not: a person decides after an unknown outcome |
//!
//! The other way round, whatever posts signed JSON to the hook `intents` asks for intents ([`intent`]).

mod intent;
mod message;
#[cfg(test)]
mod tests;

use countersign_sdk::{
    Answer, Connector, Context, Delivery, Descriptor, DraftIntent, Effect, Failure, Finding, Guarantee,
    Intake, Method, Operation, Proposal, Receipt, RecordRef, Snapshot, WritePlan,
};

/// The endpoint of the manifest.
const RECEIVER: &str = "receiver";

/// The kind of record that every subject has: what it means is the receiver's to know.
const RECORD: &str = "record";

const DELIVER: &str = "deliver";
const DELIVER_ONCE: &str = "deliver-once";

/// Any fields.
const INPUT: &str = r#"{"type": "object", "minProperties": 1}"#;

/// The connector to whatever takes signed JSON.
#[derive(Debug, Default)]
pub struct Webhook;

countersign_sdk::export!(Webhook, intake);

impl Connector for Webhook {
    fn describe(&self) -> Descriptor {
        Descriptor::new("countersign.webhook", env!("CARGO_PKG_VERSION"), "webhook")
            .kinds(&[RECORD])
            .operation(Operation::new(DELIVER, RECORD, Guarantee::ByKey, INPUT))
            .operation(Operation::new(DELIVER_ONCE, RECORD, Guarantee::Blind, INPUT))
    }

    /// Asks for the head of the receiver's page. Most receivers answer 404 or 405 to that, which
    /// shows that they are there.
    fn check(&self, context: &Context<'_>) -> Result<(), Failure> {
        let answer = context.request(Method::Head, RECEIVER, path(context)?).read()?;
        match answer.status() {
            401 | 403 | 408 | 425 | 429 | 500.. => Err(answer.failure("")),
            _ => Ok(()),
        }
    }

    /// A receiver of deliveries cannot be read.
    fn fetch(&self, _context: &Context<'_>, subject: &RecordRef) -> Result<Snapshot, Failure> {
        if subject.kind != RECORD {
            return Err(Failure::unknown_kind(&subject.kind));
        }
        Err(Failure::rejected("not-readable", "a receiver of webhooks takes deliveries and cannot be read"))
    }

    fn plan(&self, context: &Context<'_>, what: &Proposal, _now_ms: u64) -> Result<WritePlan, Failure> {
        known(what)?;
        path(context)?;
        let plan = WritePlan::creation(what);
        // Written once, so that what cannot be delivered is refused before anybody is asked.
        message::body(&"e".repeat(message::EFFECT_ID_MAX), what)?;
        Ok(plan)
    }

    fn apply(&self, context: &Context<'_>, effect: &Effect) -> Result<Receipt, Failure> {
        known(&effect.what)?;
        let body = message::body(&effect.effect_id, &effect.sealed())?;
        let draft = context.post(RECEIVER, path(context)?).text("application/json", body);
        let answer = accepted(draft.step("deliver")?)?;
        let mut receipt = Receipt::new(effect.plan.subject.clone(), effect.plan.applied());
        receipt.vendor_request_id = answer.request_id().map(ToOwned::to_owned);
        Ok(receipt)
    }

    /// Nobody can be asked whether a delivery arrived.
    fn probe(&self, _context: &Context<'_>, effect: &Effect) -> Result<Finding, Failure> {
        known(&effect.what)?;
        Ok(Finding::Unknown)
    }
}

impl Intake for Webhook {
    fn receive(&self, _: &Context<'_>, delivery: &Delivery) -> Result<Vec<DraftIntent>, Failure> {
        intent::drafts(delivery)
    }
}

/// Refuses what is none of our operations, or about another kind of record.
fn known(what: &Proposal) -> Result<(), Failure> {
    if what.operation != DELIVER && what.operation != DELIVER_ONCE {
        return Err(Failure::unknown_operation(&what.operation));
    }
    if what.subject.kind != RECORD {
        return Err(Failure::unknown_kind(&what.subject.kind));
    }
    Ok(())
}

/// The receiver's path.
fn path(context: &Context<'_>) -> Result<String, Failure> {
    let path = context.required_setting("path")?;
    if path.starts_with('/') {
        Ok(path)
    } else {
        Err(Failure::rejected("bad-setting", format!("the setting `path` must begin with `/`, not `{path}`")))
    }
}

/// The answer itself if the receiver took the delivery.
fn accepted(answer: Answer) -> Result<Answer, Failure> {
    match answer.status() {
        200..=299 => Ok(answer),
        // The specification: a redirect is a failure, and 410 asks not to be called again.
        300..=399 => {
            let message = "the receiver points elsewhere: give the connection its final address";
            Err(Failure::rejected("redirected", message).answered(&answer))
        }
        410 => {
            let message = "the receiver asks not to be called any more";
            Err(Failure::rejected("unsubscribed", message).answered(&answer))
        }
        // Its answers are about the message, not about a record that moved.
        409 | 412 | 423 => {
            Err(Failure::rejected("refused", "the receiver refused the delivery").answered(&answer))
        }
        _ => Err(answer.failure(&answer.text())),
    }
}
