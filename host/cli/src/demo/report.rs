//! What was proved: the stand-ins' own counts beside the log, and every difference by name.

use super::record::{Ending, Record, ending};
use super::scenario::Flow;
use crate::standin::Landing;
use crate::standin::faults::Kind;
use countersign_core::approval::PlannedEffect;
use countersign_core::effect::life::EffectState;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Most differences that are told; the rest is counted.
const DIFFERENCES_TOLD_MAX: usize = 20;

/// What happened outside the log.
#[derive(Debug)]
pub struct Outside {
    /// The seed.
    pub seed: u64,
    /// Ids of the intents whose submission the host acknowledged.
    pub acknowledged: BTreeSet<String>,
    /// What the stand-ins were made to do.
    pub landings: Vec<Landing>,
    /// Troubles that requests met.
    pub faults: BTreeMap<Kind, u64>,
    /// Requests that the stand-ins got.
    pub requests: u64,
    /// How often the host was killed, and how many intents were under way then.
    pub killed: Vec<usize>,
    /// How long it took, from the first submission to the last effect.
    pub took_ms: u64,
}

/// The result, for people and for programs.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether everything that was promised is true.
    pub ok: bool,
    /// The seed that makes the same wishes and faults again.
    pub seed: u64,
    /// Milliseconds from the first submission to the last effect.
    pub took_ms: u64,
    /// Intents by flow and how they ended.
    pub flows: BTreeMap<&'static str, Flows>,
    /// Effects that landed, by system, as the stand-ins count them.
    pub landed: BTreeMap<&'static str, usize>,
    /// Requests that the stand-ins got.
    pub requests: u64,
    /// Faults, by kind.
    pub faults: BTreeMap<Kind, u64>,
    /// Kills of the host, each with the number of intents under way.
    pub killed: Vec<usize>,
    /// Attempts at effects, as the log counts them.
    pub attempts: u64,
    /// Attempts and probes after which an effect had to be tried or looked for again.
    pub retries: u64,
    /// Probes.
    pub probes: u64,
    /// Acknowledged intents, and effects on record, that are not there.
    pub lost: usize,
    /// Effects that were done more than once.
    pub doubled: usize,
    /// Changes at a stand-in that no approved effect explains.
    pub unexplained: usize,
    /// Intents that did not come to an end.
    pub open: usize,
    /// Exceptions that nobody has closed.
    pub open_exceptions: usize,
    /// Entries of the log, all verified.
    pub log_entries: u64,
    /// Head of the log's hash chain.
    pub log_head: String,
    /// What differs, one sentence each.
    pub differences: Vec<String>,
}

/// How the intents of one flow ended.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub struct Flows {
    /// All of them.
    pub asked: usize,
    /// Approved by a row of the policy.
    pub by_policy: usize,
    /// Approved by people.
    pub by_people: usize,
    /// Declined by a row of the policy.
    pub denied: usize,
    /// Declined by a person.
    pub declined: usize,
    /// Not at an end.
    pub open: usize,
}

impl Flows {
    fn count(&mut self, ending: Ending) {
        self.asked += 1;
        *match ending {
            Ending::ByPolicy => &mut self.by_policy,
            Ending::ByPeople => &mut self.by_people,
            Ending::Denied => &mut self.denied,
            Ending::Declined => &mut self.declined,
            Ending::Open => &mut self.open,
        } += 1;
    }

    pub(super) fn plus(self, other: Flows) -> Flows {
        Flows {
            asked: self.asked + other.asked,
            by_policy: self.by_policy + other.by_policy,
            by_people: self.by_people + other.by_people,
            denied: self.denied + other.denied,
            declined: self.declined + other.declined,
            open: self.open + other.open,
        }
    }
}

impl Report {
    /// Compares.
    #[must_use]
    pub fn of(record: &Record, outside: Outside) -> Report {
        let mut flows: BTreeMap<&'static str, Flows> =
            Flow::ALL.into_iter().map(|flow| (flow.intent_type(), Flows::default())).collect();
        for approval in record.approvals.values() {
            if let (Some(flow), ending) = ending(approval) {
                flows.entry(flow.intent_type()).or_default().count(ending);
            }
        }
        let open = flows.values().map(|flow| flow.open).sum();
        let mut found = Compared::default();
        found.acknowledged(record, &outside.acknowledged);
        found.effects(record.effects(), &outside.landings);
        let exceptions = record.open_exceptions();
        let mut landed: BTreeMap<&'static str, usize> = BTreeMap::new();
        for landing in &outside.landings {
            *landed.entry(landing.system).or_default() += landing.times;
        }
        if 0 < open {
            found.differences.push(format!("{open} intents did not come to an end in time"));
        }
        found.differences.extend(exceptions.iter().map(|line| format!("open exception {line}")));
        Report {
            ok: found.differences.is_empty(),
            seed: outside.seed,
            took_ms: outside.took_ms,
            flows,
            landed,
            requests: outside.requests,
            faults: outside.faults,
            killed: outside.killed,
            attempts: record.measures.attempts,
            retries: record.measures.retries,
            probes: record.measures.probes,
            lost: found.lost,
            doubled: found.doubled,
            unexplained: found.unexplained,
            open,
            open_exceptions: exceptions.len(),
            log_entries: record.verified.entries,
            log_head: record.verified.head.to_string(),
            differences: shortened(found.differences),
        }
    }
}

/// What the comparison finds.
#[derive(Debug, Default)]
struct Compared {
    lost: usize,
    doubled: usize,
    unexplained: usize,
    differences: Vec<String>,
}

impl Compared {
    /// Every acknowledged submission stands in the log.
    fn acknowledged(&mut self, record: &Record, acknowledged: &BTreeSet<String>) {
        let logged: BTreeSet<String> = record.approvals.keys().map(ToString::to_string).collect();
        for id in acknowledged.difference(&logged) {
            self.lost += 1;
            self.differences.push(format!("intent {id} was acknowledged and is not in the log"));
        }
    }

    /// Every effect that the log says landed is at its system once, and nothing else is.
    fn effects<'a>(
        &mut self,
        effects: impl Iterator<Item = (&'a PlannedEffect, &'a EffectState)>,
        landings: &[Landing],
    ) {
        let mut explained: BTreeSet<&Landing> = BTreeSet::new();
        for (planned, state) in effects {
            let id = planned.effect.to_string();
            let ours = landings.iter().find(|landing| {
                landing.system == planned.connection.as_str()
                    && landing.operation == planned.what.operation
                    && match &landing.effect {
                        Some(effect) => *effect == id,
                        None => landing.record == planned.what.subject.id,
                    }
            });
            let times = ours.map_or(0, |landing| landing.times);
            explained.extend(ours);
            let place = format!("{} ({}) at {}", id, planned.what.operation, planned.connection);
            let has_landed = matches!(state, EffectState::Landed { .. });
            let changes_nothing = planned.plan.changes.is_empty();
            if has_landed && times == 0 && !changes_nothing {
                self.lost += 1;
                self.differences.push(format!("effect {place} landed by the log and is not there"));
            }
            if 1 < times {
                self.doubled += 1;
                self.differences.push(format!("effect {place} is there {times} times"));
            }
            if !has_landed && 0 < times {
                self.unexplained += 1;
                self.differences.push(format!("effect {place} is there and has not landed by the log"));
            }
        }
        for landing in landings.iter().filter(|landing| !explained.contains(landing)) {
            self.unexplained += 1;
            let Landing { system, operation, record, effect, times } = landing;
            let effect = effect.as_deref().unwrap_or("no effect");
            self.differences.push(format!(
                "{system} was made to do {operation} on {record} {times} times ({effect}), which nobody approved"
            ));
        }
    }
}

fn shortened(mut differences: Vec<String>) -> Vec<String> {
    let more = differences.len().saturating_sub(DIFFERENCES_TOLD_MAX);
    differences.truncate(DIFFERENCES_TOLD_MAX);
    if 0 < more {
        differences.push(format!("and {more} more"));
    }
    differences
}

#[cfg(test)]
mod tests;
