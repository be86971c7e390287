//! What lists show of an approval, and what it can be found by. Derived from the state alone.

use crate::port::store::RowChange;
use crate::prepare::summed;
use countersign_core::approval::seat::Seats;
use countersign_core::approval::{Approval, Intent, Outcome, Overridden, PlannedEffect, Stage};
use countersign_core::budget::{Spent, Told};
use countersign_core::effect::life::{EffectState, HeldCause};
use countersign_core::exception::{Cause, Exception};
use countersign_core::hash::Digest;
use countersign_core::id::{ConnectionName, FieldName, PersonId};
use countersign_core::intent::{Day, FactSource, IntentType, LogMeasure, TokenValue};
use countersign_core::money::Money;
use countersign_core::record::RecordRef;
use countersign_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Label of an approval that was decided against the policy: the reason.
pub const OVERRIDE: &str = "override";
/// Label of an approval that was decided against the policy, for whatever reason.
pub const OVERRIDDEN: (&str, &str) = ("decided", "override");
/// Label of an approval that passed although its policy could not be evaluated: the day, by UTC.
pub const FAILED_OPEN: &str = "failed-open";
/// Label of an approval with an open post-mortem: the reason of the overrides.
pub const POST_MORTEM: &str = "post-mortem";
/// Label of an approval with an exception that counts against the budget of its intent type, or is about that budget:
/// each day, by UTC, on which one was opened or a budget given back.
pub const EXCEPTED: &str = "excepted";
/// Label of an intent of a type that a spent budget throttles: the day on which it was taken, by UTC.
pub const TAKEN: &str = "taken";
/// Label of an approval with an open exception about the budget of its intent type.
pub const BUDGET: (&str, &str) = ("budget", "open");
/// Most exceptions of one approval that count against the budget of its intent type: the newest of them.
pub const EXCEPTIONS_COUNTED_MAX: usize = 32;
/// Most exceptions of one approval about that budget that are told of: the newest, among which the open one is.
pub const BUDGETS_TOLD_MAX: usize = 8;
/// Label of a trial of an intent type that is a draft. It has none of the labels that something is counted by.
pub const TRIAL: (&str, &str) = ("trial", "yes");
/// Label of an approval whose glass was broken, whatever came of it.
pub const GLASS: (&str, &str) = ("glass", "broken");
/// Label of an approval with an open seat of a fair pool: who answers for it.
pub const ASSIGNED: &str = "assigned";
/// Label of an intent that adopts what a target was found to hold: the exception about that.
pub const ADOPTS: &str = "adopts";
/// Label of what a machine asked: who answered for it.
pub const ANSWERS: &str = "answers";
/// Label of a trial: the day on which it was taken, by UTC.
pub const TRIED: &str = "tried";
/// Label of an approval with an exception that stays open when the intent is over.
pub const OUTLIVES: (&str, &str) = ("exceptions", "outlive");

/// Label of an approval with an open exception.
pub const EXCEPTION_OPEN: (&str, &str) = ("exceptions", "open");

/// Label of an approval with a write of which nobody knows whether it landed: the connection.
pub const UNKNOWN: &str = "unknown";

/// Label of an approval with a landed write that its target does not hold any more, and an open exception about that:
/// the connection.
pub const AMISS: &str = "amiss";

/// Label of an approval with an open exception about a whole connection.
pub const CONNECTION: (&str, &str) = ("exceptions", "connection");

/// Label of an approval that wrote to a record, or may have: a digest of connection, kind and id.
pub const RECORD: &str = "record";

/// The value of that label. Ids of records can be longer than a label.
#[must_use]
pub fn record_label(connection: &ConnectionName, record: &RecordRef) -> String {
    let parts = [connection.as_str().as_bytes(), record.kind.as_bytes(), record.id.as_bytes()];
    Digest::of_parts(&parts).to_string()
}

/// The records that an approval wrote to, or may have; also those of what was given up, as that may be in.
fn records(approval: &Approval) -> Vec<(String, String)> {
    let (Stage::Executing { effects, .. } | Stage::Closed(Outcome::Done { effects, .. })) = &approval.stage
    else {
        return Vec::new();
    };
    let record = |planned: &PlannedEffect| {
        let record = match effects.get(&planned.effect)? {
            EffectState::Landed { receipt, .. } => &receipt.subject,
            EffectState::Waiting
            | EffectState::Ready { .. }
            | EffectState::Sent { .. }
            | EffectState::Probing { .. }
            | EffectState::Held { .. }
            | EffectState::GivenUp => &planned.plan.subject,
        };
        Some((RECORD.to_owned(), record_label(&planned.connection, record)))
    };
    approval.writes().filter_map(record).collect()
}

/// Whether an open seat was missed by those who were asked first.
fn seat_missed(approval: &Approval) -> bool {
    let Stage::Seated { seats, .. } = &approval.stage else { return false };
    seats.unfilled().any(|(_, seat)| 0 < seat.missed)
}

/// Whether an open exception was missed by whoever was to settle it first.
fn exception_missed(approval: &Approval) -> bool {
    let mut exceptions = approval.exceptions.values();
    exceptions.any(|exception| exception.closed.is_none() && 0 < exception.missed)
}

/// How many exceptions are open, by cause.
fn open_exceptions(approval: &Approval) -> BTreeMap<String, u32> {
    let mut open = BTreeMap::<String, u32>::new();
    for exception in approval.exceptions.values().filter(|exception| exception.closed.is_none()) {
        let count = open.entry(exception.cause.as_str().to_owned()).or_default();
        *count = count.saturating_add(1);
    }
    open
}

/// That something is open beside the normal path, and the connections at which something is not known, or not as it was
/// approved.
fn doubtful(approval: &Approval) -> Vec<(String, String)> {
    let mut labels = Vec::new();
    if let Stage::Executing { effects, .. } | Stage::Closed(Outcome::Done { effects, .. }) = &approval.stage {
        let open = effects.iter().filter(|(_, state)| is_unknown(state));
        let planned = open.filter_map(|(effect, _)| approval.planned(*effect));
        labels.extend(planned.map(|planned| (UNKNOWN.to_owned(), planned.connection.to_string())));
    }
    let open = || approval.exceptions.values().filter(|exception| exception.closed.is_none());
    labels.extend(open().next().map(|_| (EXCEPTION_OPEN.0.to_owned(), EXCEPTION_OPEN.1.to_owned())));
    let amiss = open().filter(|exception| match exception.cause {
        Cause::Drift | Cause::Late | Cause::Gone => true,
        Cause::Unsure
        | Cause::NoSeat
        | Cause::Overdue
        | Cause::Rounds
        | Cause::Rejected
        | Cause::Conflict
        | Cause::Uncertain
        | Cause::Exhausted
        | Cause::Denied
        | Cause::Quarantined
        | Cause::Irreversible
        | Cause::Unavailable
        | Cause::Unreadable
        | Cause::PostMortem
        | Cause::FailOpen
        | Cause::Budget
        | Cause::BreakGlass => false,
    });
    let planned = amiss.filter_map(|exception| approval.planned(exception.effect?));
    labels.extend(planned.map(|planned| (AMISS.to_owned(), planned.connection.to_string())));
    labels
}

/// Whether nobody knows if a write landed.
fn is_unknown(state: &EffectState) -> bool {
    match state {
        EffectState::Probing { .. } | EffectState::Held { cause: HeldCause::Uncertain, .. } => true,
        EffectState::Waiting
        | EffectState::Ready { .. }
        | EffectState::Sent { .. }
        | EffectState::Landed { .. }
        | EffectState::Held { .. }
        | EffectState::GivenUp => false,
    }
}

/// The line that a list shows of one approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Intent type.
    #[serde(rename = "t")]
    pub intent_type: String,
    /// Where it stands.
    #[serde(rename = "s")]
    pub state: String,
    /// Who asked.
    #[serde(rename = "r")]
    pub requester: String,
    /// When.
    #[serde(rename = "at")]
    pub submitted: Timestamp,
    /// When its present revision was asked for, if that is not the first.
    #[serde(rename = "ra", default, skip_serializing_if = "Option::is_none")]
    pub amended: Option<Timestamp>,
    /// The record that it is about.
    #[serde(rename = "on", default, skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// Amount at stake.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub stake: Option<Money>,
    /// When it next needs somebody.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// When the policy was overridden.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub overridden: Option<Timestamp>,
    /// By whom.
    #[serde(rename = "ob", default, skip_serializing_if = "Option::is_none")]
    pub overrider: Option<PersonId>,
    /// When exceptions were opened that count against the budget of the intent type, the newest of them.
    #[serde(rename = "x", default, skip_serializing_if = "Vec::is_empty")]
    pub excepted: Vec<Timestamp>,
    /// The exceptions about that budget.
    #[serde(rename = "b", default, skip_serializing_if = "Vec::is_empty")]
    pub budget: Vec<Told>,
    /// How many exceptions are open, by cause.
    #[serde(rename = "e", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub exceptions: BTreeMap<String, u32>,
    /// Whether somebody should have filled an open seat by now: its backup has it.
    #[serde(rename = "ls", default, skip_serializing_if = "std::ops::Not::not")]
    pub seat_missed: bool,
    /// Whether somebody should have settled an open exception by now: its backup has it.
    #[serde(rename = "lx", default, skip_serializing_if = "std::ops::Not::not")]
    pub exception_missed: bool,
    /// Tokens that counters sum up, on their grid.
    #[serde(rename = "n", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sums: BTreeMap<String, i64>,
    /// Whether it is a trial.
    #[serde(rename = "y", default, skip_serializing_if = "std::ops::Not::not")]
    pub trial: bool,
}

impl Summary {
    /// When what it asks for now was asked for: counters over the log count it from then on.
    #[must_use]
    pub fn asked(&self) -> Timestamp {
        self.amended.unwrap_or(self.submitted)
    }
}

/// When the approval of a row next needs somebody, of very many rows: nothing else of the summary is kept.
///
/// # Errors
/// If another program wrote the row.
pub fn due(row: &RowChange) -> Result<Option<Timestamp>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Due {
        #[serde(default)]
        d: Option<Timestamp>,
    }
    Ok(serde_json::from_slice::<Due>(&row.summary)?.d)
}

/// The row of an approval.
#[must_use]
pub fn row(approval: &Approval, schema: Option<&IntentType>) -> RowChange {
    let intent = &approval.intent;
    let mut labels = vec![
        ("type".to_owned(), intent.intent_type.to_string()),
        ("state".to_owned(), approval.stage.as_str().to_owned()),
        ("requester".to_owned(), intent.requester.to_string()),
    ];
    labels.extend(intent.answers.iter().map(|person| (ANSWERS.to_owned(), person.to_string())));
    labels.extend(intent.adopts.map(|adopts| (ADOPTS.to_owned(), adopts.exception.to_string())));
    let mut due = None;
    match &approval.stage {
        Stage::Seated { seats, .. } => {
            labels.extend(seated(seats, intent));
            due = seats.unfilled().map(|(row, seat)| seats.needs_by(row, seat)).min();
        }
        Stage::Executing { effects, .. } => {
            let open = !effects.values().all(EffectState::is_settled);
            if open {
                labels.push(("effects".to_owned(), "open".to_owned()));
            }
        }
        Stage::Returned { until, .. } => {
            labels.push(("question".to_owned(), intent.requester.to_string()));
            due = Some(*until);
        }
        Stage::Preparing { .. } | Stage::Unsettled { .. } | Stage::Closed(_) => {}
    }
    for exception in approval.exceptions.values().filter(|exception| exception.closed.is_none()) {
        labels.push(("exception".to_owned(), exception.owner.to_string()));
        due = Some(due.map_or(exception.due, |due| due.min(exception.due)));
    }
    let fixed = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let is_trial = intent.trial.is_some();
    if is_trial {
        labels.push(fixed(TRIAL));
        labels.push((TRIED.to_owned(), Day::at(intent.submitted).to_string()));
    } else {
        labels.extend(overridden(approval));
        labels.extend(throttled(intent, schema));
    }
    if approval.broken.is_some() {
        labels.push(fixed(GLASS));
    }
    labels.extend(approval.failed_open.map(|at| (FAILED_OPEN.to_owned(), Day::at(at).to_string())));
    let mut exceptions = approval.exceptions.values();
    if exceptions.any(|exception| exception.closed.is_none() && exception.cause.outlives()) {
        labels.push(fixed(OUTLIVES));
    }
    if !approval.pauses().is_empty() || !approval.tells_of().is_empty() {
        labels.push(fixed(CONNECTION));
    }
    let (excepted, budget) = if is_trial { (Vec::new(), Vec::new()) } else { spent(approval, &mut labels) };
    let (counted, sums) =
        schema.filter(|_| !is_trial).map(|schema| counted(approval, schema)).unwrap_or_default();
    labels.extend(counted);
    labels.extend(records(approval));
    labels.extend(doubtful(approval));
    labels.sort();
    labels.dedup();
    let summary = Summary {
        intent_type: intent.intent_type.to_string(),
        state: approval.stage.as_str().to_owned(),
        requester: intent.requester.to_string(),
        submitted: intent.submitted,
        amended: (approval.asked != intent.submitted).then_some(approval.asked),
        subject: schema.and_then(|schema| schema.subject_of(&intent.tokens)).unwrap_or_default(),
        stake: schema.and_then(|schema| schema.stake_of(&intent.tokens)),
        due,
        overridden: approval.overridden.as_ref().and_then(|overridden| overridden.at),
        overrider: approval.overridden.as_ref().map(|overridden| overridden.what.by.clone()),
        excepted,
        budget,
        exceptions: open_exceptions(approval),
        seat_missed: seat_missed(approval),
        exception_missed: exception_missed(approval),
        sums,
        trial: is_trial,
    };
    let bytes = serde_json::to_vec(&summary).unwrap_or_default();
    RowChange { labels, summary: bytes.into() }
}

/// Labels of open seats: who may vote, who answers for a seat of a fair pool, and whether the
/// requester is asked something.
fn seated(seats: &Seats, intent: &Intent) -> Vec<(String, String)> {
    let mut waiting: Vec<_> = seats.unfilled().flat_map(|(_, seat)| &seat.eligible).collect();
    waiting.sort();
    waiting.dedup();
    // A trial is counted nowhere.
    let fair = seats.unfilled().filter(|(_, seat)| seat.fair && intent.trial.is_none());
    let asked = seats.unfilled().any(|(row, _)| seats.awaited(row).is_some()).then_some(&intent.requester);
    let label = |name: &'static str| move |person: &PersonId| (name.to_owned(), person.to_string());
    let waiting = waiting.into_iter().map(label("seat"));
    let fair = fair.map(|(_, seat)| seat.answerable()).map(label(ASSIGNED));
    waiting.chain(fair).chain(asked.map(label("question"))).collect()
}

/// The label by which a spent budget counts what was taken of a day, if it throttles.
fn throttled(intent: &Intent, schema: Option<&IntentType>) -> Option<(String, String)> {
    let throttles = matches!(schema?.budget.as_ref()?.then, Spent::Throttle(_));
    throttles.then(|| (TAKEN.to_owned(), Day::at(intent.submitted).to_string()))
}

/// Labels by which overrides are counted, and open post-mortems about them found.
fn overridden(approval: &Approval) -> Vec<(String, String)> {
    let Some(Overridden { what, at: Some(_) }) = &approval.overridden else { return Vec::new() };
    let fixed = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let mut labels = vec![(OVERRIDE.to_owned(), what.reason.clone()), fixed(OVERRIDDEN)];
    let mut exceptions = approval.exceptions.values();
    let is_open = |exception: &Exception| exception.closed.is_none() && exception.cause == Cause::PostMortem;
    if exceptions.any(is_open) {
        labels.push((POST_MORTEM.to_owned(), what.reason.clone()));
    }
    labels
}

/// What counts against the budget of the intent type, and what is about it, each with the labels by which it is found.
fn spent(approval: &Approval, labels: &mut Vec<(String, String)>) -> (Vec<Timestamp>, Vec<Told>) {
    let mut label = |at: Timestamp| labels.push((EXCEPTED.to_owned(), Day::at(at).to_string()));
    let exceptions = || approval.exceptions.values();
    let mut excepted: Vec<Timestamp> =
        exceptions().filter(|exception| exception.spends()).map(|exception| exception.opened).collect();
    excepted.sort_unstable();
    let excepted = excepted.split_off(excepted.len().saturating_sub(EXCEPTIONS_COUNTED_MAX));
    excepted.iter().copied().for_each(&mut label);
    let told = |exception: &Exception| {
        let closed = exception.closed.as_ref().map(|closed| closed.at);
        let (opened, owner) = (exception.opened, exception.owner.clone());
        Some(Told { opened, level: exception.burn.as_ref()?.level, owner, closed })
    };
    let mut budget: Vec<Told> = exceptions().filter_map(told).collect();
    budget.sort_by_key(|told| told.opened);
    let budget = budget.split_off(budget.len().saturating_sub(BUDGETS_TOLD_MAX));
    budget.iter().flat_map(|told| [Some(told.opened), told.closed]).flatten().for_each(&mut label);
    if budget.iter().any(|told| told.closed.is_none()) {
        labels.push((BUDGET.0.to_owned(), BUDGET.1.to_owned()));
    }
    (excepted, budget)
}

/// Labels and sums by which counters over the log find an approval.
fn counted(approval: &Approval, schema: &IntentType) -> (Vec<(String, String)>, BTreeMap<String, i64>) {
    let tokens = &approval.intent.tokens;
    let mut labels = Vec::new();
    let mut sums = BTreeMap::new();
    for fact in &schema.facts {
        let FactSource::Log { measure, by, .. } = &fact.source else { continue };
        labels.extend(tokens.get(by).map(|value| counted_label(by, value)));
        if let LogMeasure::SumOf(token) = measure {
            sums.extend(summed(tokens, token).map(|sum| (token.to_string(), sum)));
        }
    }
    (labels, sums)
}

/// The label of one value of a token that counters count by.
#[must_use]
pub fn counted_label(by: &FieldName, value: &TokenValue) -> (String, String) {
    (format!("by {by}"), value.to_string())
}

/// Whether counters count this approval as approved, as asked (approved or still open), or not at all.
#[must_use]
pub fn counts_as(stage: &str) -> (bool, bool) {
    match stage {
        "executing" | "done" => (true, true),
        "preparing" | "unsettled" | "seated" | "returned" => (false, true),
        _ => (false, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::LABEL_BYTES_MAX;

    #[test]
    fn a_record_of_any_length_fits_into_its_label() {
        let connection = ConnectionName::parse("crm").expect("a name");
        let of =
            |id: &str| record_label(&connection, &RecordRef { kind: "k".repeat(200), id: id.to_owned() });
        assert!(RECORD.len() + of(&"i".repeat(2_048)).len() <= LABEL_BYTES_MAX);
        assert_eq!(of("1"), of("1"));
        assert_ne!(of("1"), of("2"));
    }
}
