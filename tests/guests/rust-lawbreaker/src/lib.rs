//! A connector that keeps every law but one: the setting `breaks` says which. With `nothing` it is a good
//! one, so that what is seen of the others is their own fault.

use countersign_sdk::{
    Answer, Compensator, Connector, Context, Delivery, Descriptor, DraftIntent, Effect, Failure, Field, Finding,
    Guarantee, Intake, Level, Operation, Proposal, Receipt, RecordRef, Snapshot, Value, Webhooks, WritePlan, path,
};
use serde::Deserialize;
use serde_json::json;

/// The connector.
#[derive(Debug, Default)]
pub struct Lawbreaker;

countersign_sdk::export!(Lawbreaker, compensator, webhooks, intake);

const INPUT: &str =
    r#"{"type": "object", "required": ["level"], "properties": {"level": {"title": "Level"}}}"#;

#[derive(Deserialize)]
struct Held {
    level: String,
    version: u64,
    owner: String,
    #[serde(default)]
    by: Vec<String>,
}

fn breaks(context: &Context<'_>, law: &str) -> bool {
    context.setting("breaks").as_deref() == Some(law)
}

fn at(id: &str) -> String {
    path(["records", id])
}

fn held(context: &Context<'_>, id: &str) -> Result<Held, Failure> {
    let answer = context.get("api", at(id)).read()?;
    let held: Held = if breaks(context, "trap") {
        serde_json::from_str(&answer.text()).expect("a record")
    } else {
        answer.ok()?.json()?
    };
    if breaks(context, "leak") {
        context.say(Level::Info, "a record was read", &[("owner", &held.owner)]);
    }
    Ok(held)
}

fn snapshot(id: &str, held: &Held) -> Snapshot {
    Snapshot {
        subject: RecordRef::new("record", id),
        revision: Some(held.version.to_string()),
        url: None,
        fields: vec![Field::new("level", Value::Text(held.level.clone()))],
    }
}

fn receipt(effect: &Effect, held: &Held) -> Receipt {
    let now = snapshot(&effect.plan.subject.id, held);
    let applied =
        effect.plan.changes.iter().map(|change| Field::new(&change.name, now.value(&change.name).clone()));
    Receipt { revision: now.revision.clone(), ..Receipt::new(now.subject.clone(), applied.collect()) }
}

/// Sends the step that sets the level, and reads the answer.
fn set(context: &Context<'_>, effect: &Effect, level: &str, step: &str) -> Result<Receipt, Failure> {
    let id = &effect.plan.subject.id;
    let mut body = json!({"level": level, "by": effect.effect_id});
    if breaks(context, "other-bytes") {
        body["attempt"] = json!(effect.attempt);
    }
    if breaks(context, "clock-in-step") {
        body["at"] = json!(effect.now_ms);
    }
    let answer = context.put("api", at(id)).json(&body).step(step)?;
    let landed = |answer: &Answer| -> Result<Held, Failure> {
        if !answer.is_success() && breaks(context, "wrong-case") {
            return Err(Failure::rejected("no", "it did not work").answered(answer));
        }
        let held = answer.clone().ok()?.json::<Held>();
        if breaks(context, "transient-after-step") {
            return held.map_err(|_| Failure::transient("odd", "an odd answer"));
        }
        held
    };
    let mut receipt = receipt(effect, &landed(&answer)?);
    if breaks(context, "clock-in-receipt") {
        receipt.vendor_request_id = Some(effect.now_ms.to_string());
    }
    if breaks(context, "silent-receipt") {
        receipt.applied.clear();
    }
    Ok(receipt)
}

fn is_there(held: &Held, effect: &Effect) -> bool {
    held.by.contains(&effect.effect_id)
}

impl Connector for Lawbreaker {
    fn describe(&self) -> Descriptor {
        Descriptor::new("tests.lawbreaker", env!("CARGO_PKG_VERSION"), "tests")
            .kinds(&["record"])
            .operation(Operation::new("set-level", "record", Guarantee::ByProbe, INPUT).reversible())
    }

    fn check(&self, context: &Context<'_>) -> Result<(), Failure> {
        context.get("api", "/records/").read()?.ok().map(|_| ())
    }

    fn fetch(&self, context: &Context<'_>, subject: &RecordRef) -> Result<Snapshot, Failure> {
        Ok(snapshot(&subject.id, &held(context, &subject.id)?))
    }

    fn plan(&self, context: &Context<'_>, what: &Proposal, _now_ms: u64) -> Result<WritePlan, Failure> {
        let now = self.fetch(context, &what.subject)?;
        if breaks(context, "burns-fuel") {
            for number in 0..100_000_u32 {
                std::hint::black_box(number);
            }
        }
        if breaks(context, "hoards-memory") {
            drop(std::hint::black_box(vec![1_u8; 4 * 1024 * 1024]));
        }
        if breaks(context, "step-in-plan") {
            context.put("api", at(&what.subject.id)).json(&json!({"lock": true})).step("lock")?;
        }
        if breaks(context, "takes-any") {
            return Ok(WritePlan::creation(what));
        }
        Ok(WritePlan::update(&now, &[Field::new("level", Value::Text(what.text("level")?.to_owned()))]))
    }

    fn apply(&self, context: &Context<'_>, effect: &Effect) -> Result<Receipt, Failure> {
        let now = held(context, &effect.plan.subject.id);
        if breaks(context, "look-that-fails") && now.is_err() {
            return set(context, effect, effect.sealed().text("level")?, "set-level");
        }
        let now = now?;
        if breaks(context, "no-step") {
            let subject = effect.plan.subject.clone();
            return Ok(Receipt::new(subject, effect.plan.applied()));
        }
        if is_there(&now, effect) && !breaks(context, "no-look") {
            return Ok(receipt(effect, &now));
        }
        if effect.plan.revision.as_ref().is_some_and(|planned| *planned != now.version.to_string())
            && !breaks(context, "no-conflict")
            && !is_there(&now, effect)
        {
            return Err(
                Failure::conflict("moved", "the record was changed").at_revision(now.version.to_string())
            );
        }
        let what = if breaks(context, "unsealed") { effect.what.clone() } else { effect.sealed() };
        set(context, effect, what.text("level")?, "set-level")
    }

    fn probe(&self, context: &Context<'_>, effect: &Effect) -> Result<Finding, Failure> {
        let now = held(context, &effect.plan.subject.id)?;
        let is_any = breaks(context, "no-step") || (breaks(context, "takes-any") && now.level == "gold");
        let is_landed = is_any || is_there(&now, effect) != breaks(context, "untrue-probe");
        Ok(if is_landed { Finding::Landed(receipt(effect, &now)) } else { Finding::Absent })
    }
}

impl Compensator for Lawbreaker {
    fn undo(&self, context: &Context<'_>, effect: &Effect, _landed: &Receipt) -> Result<Receipt, Failure> {
        let now = held(context, &effect.plan.subject.id)?;
        if is_there(&now, effect) {
            return Ok(receipt(effect, &now));
        }
        set(context, effect, effect.sealed().text("level")?, "restore-level")
    }

    fn probe_undo(
        &self,
        context: &Context<'_>,
        effect: &Effect,
        _landed: &Receipt,
    ) -> Result<Finding, Failure> {
        let now = held(context, &effect.plan.subject.id)?;
        Ok(if is_there(&now, effect) { Finding::Landed(receipt(effect, &now)) } else { Finding::Absent })
    }
}

/// A delivery that it is told of.
#[derive(Deserialize)]
struct Told {
    record: String,
    /// The level that somebody wishes for.
    wish: Option<String>,
}

impl Webhooks for Lawbreaker {
    fn interpret(&self, context: &Context<'_>, delivery: &Delivery) -> Result<Vec<RecordRef>, Failure> {
        let told = serde_json::from_str::<Told>(delivery.text()?);
        let told = if breaks(context, "delivery-trap") {
            told.expect("a delivery")
        } else {
            told.map_err(|_| Failure::rejected("bad-delivery", "the delivery names no record"))?
        };
        if breaks(context, "delivery-leak") {
            context.say(Level::Info, "something was told", &[("body", delivery.text()?)]);
        }
        let kind = if breaks(context, "delivery-kind") { "other" } else { "record" };
        Ok(vec![RecordRef::new(kind, told.record)])
    }
}

impl Intake for Lawbreaker {
    fn receive(&self, _context: &Context<'_>, delivery: &Delivery) -> Result<Vec<DraftIntent>, Failure> {
        let told: Told = serde_json::from_str(delivery.text()?)
            .map_err(|_| Failure::rejected("bad-delivery", "the delivery names no record"))?;
        let draft = |wish: String| DraftIntent {
            intent_type: "level".to_owned(),
            dedupe_key: format!("{}-{wish}", told.record),
            source: RecordRef::new("record", told.record.clone()),
            fields: vec![Field::new("level", Value::Text(wish))],
            requester: None,
        };
        Ok(told.wish.map(draft).into_iter().collect())
    }
}
