//! What is counted: of intents, of writes, and of what stands open now.

use super::spread::Spread;
use crate::id::{PoolName, RoleName};
use crate::money::{Currency, Money};
use crate::policy::Whom;
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::fmt;

/// What an intent must leave behind so that its decision can be checked later, in the order of its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Link {
    /// The answer of the version of the policy that is pinned to it.
    Policy,
    /// The decision: a row of that policy, a voice for each person named on what was sealed, a reason, or the ground of
    /// an override.
    Decision,
    /// The sealed plan of its writes, where it has writes.
    Plan,
    /// An attempt at each write.
    Attempt,
    /// The target's proof of each write.
    Receipt,
    /// A look at which each watched write was found as approved.
    Reconciliation,
}

impl Link {
    /// The word of it on every surface.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Link::Policy => "policy version",
            Link::Decision => "decision",
            Link::Plan => "plan",
            Link::Attempt => "attempt",
            Link::Receipt => "receipt",
            Link::Reconciliation => "reconciliation",
        }
    }
}

/// Who was asked in a seat, without the name of a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Asked {
    /// Somebody of a pool.
    Pool(PoolName),
    /// Whoever has a role.
    Role(RoleName),
    /// A manager of whoever asked.
    Manager,
    /// Somebody whom the route or the intent names.
    Named,
}

impl Asked {
    /// Whom a row of a route asks.
    #[must_use]
    pub fn of(whom: &Whom) -> Asked {
        match whom {
            Whom::Pool(pool) => Asked::Pool(pool.clone()),
            Whom::Role(role) => Asked::Role(role.clone()),
            Whom::Manager(_) => Asked::Manager,
            // The owner of a policy stands in a row as the pool that it is.
            Whom::Person(_) | Whom::NamedIn(_) | Whom::OwnerOfPolicy => Asked::Named,
        }
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Asked::Pool(pool) => write!(formatter, "pool {pool}"),
            Asked::Role(role) => write!(formatter, "role {role}"),
            Asked::Manager => formatter.write_str("manager"),
            Asked::Named => formatter.write_str("somebody named"),
        }
    }
}

/// Seats by whether their time was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kept {
    /// Decided by those who were asked first, in their time.
    pub kept: u64,
    /// Passed on to a backup or to an exception, as their time was up.
    pub missed: u64,
}

/// Counts of intents.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// Asked for.
    pub submitted: u64,
    /// Approved by a row of the policy.
    pub approved_by_policy: u64,
    /// Approved by people in their seats.
    pub approved_by_people: u64,
    /// Declined by a row of the policy, or because nobody decided or amended in time.
    pub declined_by_policy: u64,
    /// Declined by people.
    pub declined_by_people: u64,
    /// Decided by a person against the policy.
    pub overridden: u64,
    /// Approved although the policy could not be evaluated.
    pub failed_open: u64,
    /// Taken back by whoever asked.
    pub withdrawn: u64,
    /// Approved with every write settled, each once.
    pub done: u64,
    /// From asking to the decision, where the policy decided.
    pub decision_by_policy: Spread,
    /// The same where people did, in their seats or against the policy.
    pub decision_by_people: Spread,
    /// From the submission to when every write was settled.
    pub until_done: Spread,
    /// Exceptions opened.
    pub exceptions_opened: u64,
    /// Exceptions that somebody closed, or the engine as it saw the criterion met.
    pub exceptions_closed: u64,
    /// Of `submitted`: those with an exception so far.
    pub excepted: u64,
    /// Of `submitted`: those that people sent back so far.
    pub sent_back: u64,
    /// Of `submitted`: those that were amended so far.
    pub amended: u64,
    /// Of `submitted`: those that were sent back, amended, decided anew, taken back after their approval, or of which a
    /// target was found not to hold what was approved.
    pub reworked: u64,
    /// Decided and over: approved with every write settled, or declined.
    pub closed: u64,
    /// Of `closed`: those of which no link is missing.
    pub whole: u64,
    /// Of `closed`: the first link that is missing of each of the others.
    pub lacking: BTreeMap<Link, u64>,
    /// What people did about intents after they were asked for.
    pub deeds: u64,
    /// Seats that came to an end, by who was asked.
    pub seats: BTreeMap<Asked, Kept>,
    /// Intents of which a target was found not to hold what was approved.
    pub amiss: u64,
    /// The money at stake in those, in minor units.
    pub amiss_stake: BTreeMap<Currency, i128>,
}

/// Counts of writes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Writes {
    /// Attempts.
    pub attempts: u64,
    /// Attempts by which it was in.
    pub landed: u64,
    /// First attempts at a write.
    pub first: u64,
    /// First attempts by which it was in.
    pub first_landed: u64,
    /// Attempts after which it was tried again.
    pub retried: u64,
    /// Attempts after which nobody knew.
    pub unknown: u64,
    /// Attempts and looks after which a person had to see to it.
    pub held: u64,
    /// Looks whether an attempt of which nobody knew is in.
    pub probes: u64,
    /// Looks at what became of what is in.
    pub looks: u64,
    /// Looks at which something else was found than was approved.
    pub amiss: u64,
    /// From when a write was in to when it was found as approved for the first time.
    pub lag: Spread,
}

/// What stands open now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Open {
    /// Intents that are not decided.
    pub undecided: u64,
    /// Intents that are approved, with a write that is not settled.
    pub writing: u64,
    /// Exceptions.
    pub exceptions: u64,
    /// Writes that are in, are watched, and were not found as approved yet.
    pub unseen: u64,
    /// Since when the oldest of those is in.
    pub unseen_since: Option<Timestamp>,
}

/// All that is counted of a group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Of intents.
    pub figures: Figures,
    /// Of writes.
    pub writes: Writes,
    /// Of what stands open now.
    pub open: Open,
}

/// Counts one more.
pub(super) fn count(counter: &mut u64) {
    plus(counter, 1);
}

fn plus(counter: &mut u64, more: u64) {
    *counter = counter.saturating_add(more);
}

fn merge<K: Ord + Clone>(all: &mut BTreeMap<K, u64>, more: &BTreeMap<K, u64>) {
    for (key, count) in more {
        plus(all.entry(key.clone()).or_default(), *count);
    }
}

impl Figures {
    /// Decisions: approvals and refusals, by whomever.
    #[must_use]
    pub fn decided(&self) -> u64 {
        let by_policy = self.approved_by_policy.saturating_add(self.declined_by_policy);
        let by_people = self.approved_by_people.saturating_add(self.declined_by_people);
        by_policy.saturating_add(by_people).saturating_add(self.overridden).saturating_add(self.failed_open)
    }

    /// Adds the money at stake in an intent.
    pub(super) fn stakes(&mut self, stake: Money) {
        let sum = self.amiss_stake.entry(stake.currency).or_default();
        *sum = sum.saturating_add(i128::from(stake.minor));
    }

    /// Adds all of another one but the amounts at stake.
    pub fn merge(&mut self, other: &Figures) {
        plus(&mut self.submitted, other.submitted);
        plus(&mut self.approved_by_policy, other.approved_by_policy);
        plus(&mut self.approved_by_people, other.approved_by_people);
        plus(&mut self.declined_by_policy, other.declined_by_policy);
        plus(&mut self.declined_by_people, other.declined_by_people);
        plus(&mut self.overridden, other.overridden);
        plus(&mut self.failed_open, other.failed_open);
        plus(&mut self.withdrawn, other.withdrawn);
        plus(&mut self.done, other.done);
        self.decision_by_policy.merge(&other.decision_by_policy);
        self.decision_by_people.merge(&other.decision_by_people);
        self.until_done.merge(&other.until_done);
        plus(&mut self.exceptions_opened, other.exceptions_opened);
        plus(&mut self.exceptions_closed, other.exceptions_closed);
        plus(&mut self.excepted, other.excepted);
        plus(&mut self.sent_back, other.sent_back);
        plus(&mut self.amended, other.amended);
        plus(&mut self.reworked, other.reworked);
        plus(&mut self.closed, other.closed);
        plus(&mut self.whole, other.whole);
        merge(&mut self.lacking, &other.lacking);
        plus(&mut self.deeds, other.deeds);
        for (asked, seats) in &other.seats {
            let all = self.seats.entry(asked.clone()).or_default();
            plus(&mut all.kept, seats.kept);
            plus(&mut all.missed, seats.missed);
        }
        plus(&mut self.amiss, other.amiss);
    }

    /// Adds the amounts at stake of another one.
    pub fn merge_stakes(&mut self, other: &Figures) {
        for (currency, sum) in &other.amiss_stake {
            let all = self.amiss_stake.entry(*currency).or_default();
            *all = all.saturating_add(*sum);
        }
    }

    pub(super) fn spreads(&mut self) -> [&mut Spread; 3] {
        [&mut self.decision_by_policy, &mut self.decision_by_people, &mut self.until_done]
    }
}

impl Writes {
    /// Adds all of another one.
    pub fn merge(&mut self, other: &Writes) {
        plus(&mut self.attempts, other.attempts);
        plus(&mut self.landed, other.landed);
        plus(&mut self.first, other.first);
        plus(&mut self.first_landed, other.first_landed);
        plus(&mut self.retried, other.retried);
        plus(&mut self.unknown, other.unknown);
        plus(&mut self.held, other.held);
        plus(&mut self.probes, other.probes);
        plus(&mut self.looks, other.looks);
        plus(&mut self.amiss, other.amiss);
        self.lag.merge(&other.lag);
    }
}

impl Open {
    /// Adds a write that is in since then and was not found as approved yet.
    pub(super) fn not_seen(&mut self, since: Timestamp) {
        count(&mut self.unseen);
        self.unseen_since = Some(self.unseen_since.map_or(since, |oldest| oldest.min(since)));
    }
}
