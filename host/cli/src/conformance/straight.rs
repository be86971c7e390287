//! The straight way of one effect, from the plan to what takes it back: what a recorder walks at a real
//! target, and what the laws measure everything else against.
//!
//! It stops the host before each step and looks, so that a recorder hears what the target says in every
//! state that an effect can be left in.

use super::bench::{Bench, Call, Doing, Gave, Outcome};
use super::cassette::{Actor, Cassette};
use super::deliveries::Told;
use super::law::{self, Breach, Law};
use super::vendor::{Until, Vendor};
use anyhow::Result;
use countersign_core::effect::attempt::{BreakKind, Ended, Failure, Finding, Guarantee, Receipt};
use countersign_core::effect::plan::WritePlan;
use countersign_core::record::{Snapshot, Value};
use std::sync::Arc;

/// Most steps of one effect.
pub const STEPS_MAX: usize = 16;

/// What the straight way gave.
#[derive(Debug, Clone)]
pub struct Straight {
    /// What it is about.
    pub cassette: Arc<Cassette>,
    /// What is written.
    pub plan: WritePlan,
    /// The record as it was, if it can be read.
    pub before: Option<Snapshot>,
    /// What an attempt does and gives.
    pub done: Done,
    /// What taking it back does and gives, if it can be taken back.
    pub undone: Option<Done>,
}

/// An attempt that came to its end.
#[derive(Debug, Clone)]
pub struct Done {
    /// The receipt.
    pub receipt: Receipt,
    /// The steps, in order, as cassettes name them.
    pub steps: Vec<String>,
}

impl Straight {
    /// An attempt of the effect, or of what takes it back.
    #[must_use]
    pub fn doing(&self, actor: Actor, attempt: u32, until: Until) -> Doing {
        let doing = Doing::new(actor, &self.cassette, &self.plan);
        let doing = if actor == Actor::Undo { doing.taking_back(&self.done.receipt) } else { doing };
        Doing { attempt, until, ..doing }
    }
}

/// Walks the straight way of a cassette without a rival.
///
/// # Errors
/// Where it is not straight.
pub async fn walk(bench: &Bench, cassette: &Arc<Cassette>) -> Result<Straight, Crooked> {
    let walker = Walker { bench, cassette, law: Law::Idempotency };
    walker.begin()?;
    walker.ended(&Call::Check, "that all is well").await?;
    for kind in &bench.installed.tells {
        walker.ended(&Call::Changes(kind.clone()), "what has changed").await?;
    }
    let before = walker.record().await?;
    let plan = walker.plan().await?;
    let done = walker.done(&Doing::new(Actor::Effect, cassette, &plan)).await?;
    walker.record().await?;
    let receipt = Call::Fetch(done.receipt.subject.clone());
    walker.call(&receipt).await;
    let stranger = Doing::new(Actor::Stranger, cassette, &plan);
    let found = walker.call(&Call::Look(stranger)).await;
    // Two changes of a record to the same are one; two records that were made are two.
    let makes_something = plan.changes.iter().all(|change| change.before == Value::Absent);
    if makes_something && matches!(&found.ended, Ended::Returned(Gave::Finding(Finding::Landed(_)))) {
        let wanted = "`absent` or `unknown`: what another effect has made is not this one's";
        let told = law::told(&found);
        return Err(walker.crooked(Law::Probe, "probe, for an effect that never was", told, wanted));
    }
    let is_reversible = bench.operation(cassette).is_some_and(|operation| operation.reversible);
    let undone = if is_reversible {
        let undone =
            walker.done(&Doing::new(Actor::Undo, cassette, &plan).taking_back(&done.receipt)).await?;
        walker.record().await?;
        Some(undone)
    } else {
        None
    };
    Ok(Straight { cassette: Arc::clone(cassette), plan, before, done, undone })
}

/// Walks the way of a cassette with a rival: both plan, the rival writes, and ours must be a conflict.
///
/// # Errors
/// What ours is instead.
pub async fn walk_with_rival(bench: &Bench, cassette: &Arc<Cassette>) -> Result<(), Crooked> {
    let Some(fields) = cassette.rival.clone() else { return Ok(()) };
    let walker = Walker { bench, cassette, law: Law::Seal };
    walker.begin()?;
    let plan = walker.plan().await?;
    let rivals = Arc::new(Cassette { fields, ..Cassette::clone(cassette) });
    let rival = Walker { bench, cassette: &rivals, law: Law::Seal };
    let doing = Doing::new(Actor::Rival, &rivals, &rival.plan().await?);
    rival.ended(&Call::Attempt(doing), "a receipt: nothing stands in the way of the rival").await?;
    let ours = Doing::new(Actor::Effect, cassette, &plan);
    let outcome = walker.call(&Call::Attempt(ours.clone())).await;
    if !matches!(outcome.ended, Ended::Failed(Failure::Conflict { .. })) {
        let wanted = "`conflict`, and nothing written: the record has moved since the plan";
        return Err(walker.breach("apply, after a rival wrote the record", &outcome, wanted));
    }
    let outcome = walker.call(&Call::Look(ours)).await;
    if matches!(outcome.ended, Ended::Returned(Gave::Finding(Finding::Landed(_)))) {
        let wanted = "`absent`: the rival's write is not ours";
        return Err(walker.breach("probe, after a rival wrote the record", &outcome, wanted));
    }
    Ok(())
}

/// Walks the way of every cassette, and hands every delivery over once.
///
/// # Errors
/// If a connection cannot be made to hand a delivery over. Where a way is not straight is in what it gives.
pub async fn everywhere(
    bench: &Bench,
    cassettes: &[Arc<Cassette>],
    deliveries: &[Told],
) -> Result<Vec<Crooked>> {
    let mut crooked = Vec::new();
    for cassette in cassettes {
        let walked = match cassette.rival {
            Some(_) => walk_with_rival(bench, cassette).await,
            None => walk(bench, cassette).await.map(|_| ()),
        };
        crooked.extend(walked.err());
    }
    for told in deliveries {
        let cassette = told.begin(bench)?;
        for call in bench.told(&told.arrives(bench)) {
            bench.call(&call, cassette.moment(), None).await;
        }
    }
    Ok(crooked)
}

/// Where the way is not straight.
#[derive(Debug, Clone)]
pub struct Crooked {
    /// The law that is not kept there.
    pub law: Law,
    /// What is wrong.
    pub breach: Breach,
}

struct Walker<'b> {
    bench: &'b Bench,
    cassette: &'b Arc<Cassette>,
    /// The law that the way is about.
    law: Law,
}

impl Walker<'_> {
    fn begin(&self) -> Result<(), Crooked> {
        let wanted = "a connection: give the cassette the settings that the manifest wants";
        self.bench
            .begin(self.cassette)
            .map_err(|error| self.crooked(self.law, "connecting", format!("{error:#}"), wanted))
    }

    async fn call(&self, call: &Call) -> Outcome {
        self.bench.call(call, self.cassette.moment_of(call), None).await
    }

    fn crooked(&self, law: Law, doing: &str, found: String, wanted: &str) -> Crooked {
        let (cassette, doing, wanted) = (self.cassette.name.clone(), doing.to_owned(), wanted.to_owned());
        Crooked { law, breach: Breach { cassette, doing, found, wanted } }
    }

    fn breach(&self, doing: &str, outcome: &Outcome, wanted: &str) -> Crooked {
        let law = match &outcome.ended {
            Ended::Broke(broke) if broke.kind != BreakKind::Forbidden => Law::Failures,
            Ended::Broke(_) if !outcome.is_write => Law::Phase,
            Ended::Broke(_) | Ended::Returned(_) | Ended::Failed(_) => self.law,
        };
        let (mut found, vendor) = (law::told(outcome), self.bench.vendor());
        let unknown = vendor.map(|vendor| vendor.unknown()).unwrap_or_default();
        if let Some(request) = unknown.first() {
            found = format!("asked {request}, which the cassette has no answer to; then it {found}");
        }
        self.crooked(law, doing, found, wanted)
    }

    async fn ended(&self, call: &Call, wanted: &str) -> Result<Gave, Crooked> {
        let outcome = self.call(call).await;
        match outcome.ended {
            Ended::Returned(gave) => Ok(gave),
            Ended::Failed(_) | Ended::Broke(_) => Err(self.breach(call.name(), &outcome, wanted)),
        }
    }

    /// The record that the cassette is about. Some targets cannot be read at all.
    async fn record(&self) -> Result<Option<Snapshot>, Crooked> {
        let call = Call::Fetch(self.cassette.subject.clone());
        let outcome = self.call(&call).await;
        match &outcome.ended {
            Ended::Returned(Gave::Record(record)) => Ok(Some(record.clone())),
            Ended::Failed(Failure::Rejected { .. }) if outcome.exchanges.is_empty() => Ok(None),
            Ended::Returned(_) | Ended::Failed(_) | Ended::Broke(_) => Err(self.breach(
                "fetch",
                &outcome,
                "the record, or `rejected` without asking if none can be read",
            )),
        }
    }

    async fn plan(&self) -> Result<WritePlan, Crooked> {
        let gave = self.ended(&Call::Plan(self.cassette.proposal()), "a plan").await?;
        match gave {
            Gave::Plan(plan) => Ok(plan),
            Gave::Nothing
            | Gave::Record(_)
            | Gave::Changes(_)
            | Gave::Receipt(_)
            | Gave::Finding(_)
            | Gave::Records(_)
            | Gave::Drafts(_) => Ok(WritePlan {
                subject: self.cassette.subject.clone(),
                revision: None,
                changes: Vec::new(),
                remarks: Vec::new(),
            }),
        }
    }

    /// Does it, stopped before each step and looked at, and once more when it is done.
    async fn done(&self, doing: &Doing) -> Result<Done, Crooked> {
        let mut steps = Vec::new();
        let is_blind = self.bench.operation(self.cassette).is_some_and(|of| of.guarantee == Guarantee::Blind);
        for recorded in 0..=STEPS_MAX {
            let attempt = u32::try_from(recorded).unwrap_or(u32::MAX).saturating_add(1);
            // What can only be done blindly is not begun a second time.
            let until = if is_blind { Until::the_end() } else { Until::after(&steps, recorded.min(1)) };
            let now = Doing { attempt, until, ..doing.clone() };
            let outcome = self.call(&Call::Attempt(now)).await;
            let answered = outcome.exchanges.iter().filter(|exchange| exchange.answer.is_ok());
            for step in answered.filter_map(|exchange| exchange.step.as_deref()) {
                let step = doing.actor.step(step);
                if !steps.contains(&step) {
                    steps.push(step);
                }
            }
            let receipt = match &outcome.ended {
                Ended::Returned(Gave::Receipt(receipt)) => Some(receipt.clone()),
                Ended::Failed(_) if outcome.is_stopped => None,
                Ended::Returned(_) | Ended::Failed(_) | Ended::Broke(_) => {
                    return Err(self.breach("apply", &outcome, "a receipt"));
                }
            };
            if receipt.is_some() && steps.is_empty() && !doing.plan.changes.is_empty() {
                let found = "gave a receipt and sent no step".to_owned();
                let wanted = "a step for what the plan changes, or a plan without changes";
                return Err(self.crooked(self.law, "apply", found, wanted));
            }
            let look = self.call(&Call::Look(Doing { attempt, ..doing.clone() })).await;
            if let Some(receipt) = receipt {
                self.again(Doing { attempt: attempt.saturating_add(1), ..doing.clone() }).await?;
                if let Ended::Failed(_) | Ended::Broke(_) = &look.ended {
                    return Err(self.breach("probe, after it was done", &look, "a finding"));
                }
                return Ok(Done { receipt, steps });
            }
        }
        let found = format!("took more than {STEPS_MAX} steps");
        Err(self.crooked(self.law, "apply", found, "an effect of a few steps"))
    }

    /// The same once more. The host never does that blindly, so what can only be done blindly is left out.
    async fn again(&self, doing: Doing) -> Result<(), Crooked> {
        let operation = self.bench.operation(self.cassette);
        if operation.is_some_and(|operation| operation.guarantee == Guarantee::Blind) {
            return Ok(());
        }
        let again = self.call(&Call::Attempt(doing)).await;
        let (doing, wanted) = ("apply, after it was done already", "the receipt once more, and nothing done");
        if !matches!(&again.ended, Ended::Returned(Gave::Receipt(_))) {
            return Err(self.breach(doing, &again, wanted));
        }
        let twice = self.bench.vendor().ok().and_then(Vendor::twice);
        match twice {
            None => Ok(()),
            Some(step) => {
                let found = format!("did step `{step}` twice at the target");
                Err(self.crooked(Law::Idempotency, doing, found, wanted))
            }
        }
    }
}
