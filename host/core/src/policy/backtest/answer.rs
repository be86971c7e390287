//! Answers without their trace: what a policy says to a case, as a number that is cheap to count by.

use crate::id::{FieldName, RouteName};
use crate::intent::value::{Facts, TokenValue, Tokens};
use crate::policy::node::{Env, Slot};
use crate::policy::outcome::{Outcome, ReasonKind, Settled};
use crate::policy::{Hit, Policy, Rule, fill};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Most different answers that are told apart; what comes after them is one answer, `others`.
const ANSWERS_MAX: usize = 256;
/// Most combinations of rows and guards whose join is kept; others are joined anew each time.
const JOINS_MAX: usize = 4_096;

/// Every answer that was seen, by its number.
#[derive(Debug)]
pub(super) struct Answers {
    seen: Vec<Said>,
}

/// One answer, without its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    Settled(Settled),
    Unsure,
    Others,
}

impl Default for Answers {
    fn default() -> Answers {
        Answers { seen: vec![Said::Settled(Settled::Approve), Said::Unsure, Said::Others] }
    }
}

impl Answers {
    pub(super) const APPROVE: usize = 0;
    pub(super) const UNSURE: usize = 1;
    pub(super) const OTHERS: usize = 2;

    /// The number of a recorded answer.
    pub(super) fn of(&mut self, outcome: &Outcome) -> usize {
        match outcome {
            Outcome::Approve => Answers::APPROVE,
            Outcome::Needs(needs) => {
                let same = |said: &Said| matches!(said, Said::Settled(Settled::Needs(own)) if own == needs);
                let known = self.seen.iter().position(same);
                known.unwrap_or_else(|| self.add(Settled::Needs(needs.clone())))
            }
            Outcome::Deny => self.settled(&Settled::Deny),
            Outcome::Unsure(_) => Answers::UNSURE,
        }
    }

    /// The number of an answer in which everything could be evaluated.
    pub(super) fn settled(&mut self, settled: &Settled) -> usize {
        let same = |said: &Said| matches!(said, Said::Settled(own) if own == settled);
        self.seen.iter().position(same).unwrap_or_else(|| self.add(settled.clone()))
    }

    fn add(&mut self, settled: Settled) -> usize {
        if ANSWERS_MAX <= self.seen.len() {
            return Answers::OTHERS;
        }
        self.seen.push(Said::Settled(settled));
        self.seen.len().saturating_sub(1)
    }

    /// Whether two answers are not the same, as far as they are told apart.
    pub(super) fn differ(one: usize, other: usize) -> bool {
        one != other || one == Answers::OTHERS
    }

    pub(super) fn said(&self, number: usize) -> &Said {
        self.seen.get(number).unwrap_or(&Said::Others)
    }

    /// The routes that an answer asks; none unless it needs people.
    pub(super) fn routes(&self, number: usize) -> Option<&BTreeSet<RouteName>> {
        match self.said(number) {
            Said::Settled(Settled::Needs(needs)) => Some(&needs.routes),
            Said::Settled(Settled::Approve | Settled::Deny) | Said::Unsure | Said::Others => None,
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Said::Settled(settled) => write!(formatter, "{settled}"),
            Said::Unsure => formatter.write_str("unsure"),
            Said::Others => formatter.write_str("others"),
        }
    }
}

/// What a policy says to one case.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// The number of its answer.
    Answer(usize),
    /// It is unsure because these inputs were not recorded: no fault of the policy.
    Lacking(Vec<FieldName>),
}

impl Judged {
    pub(super) fn answer(self) -> usize {
        match self {
            Judged::Answer(answer) => answer,
            Judged::Lacking(_) => Answers::UNSURE,
        }
    }
}

/// One policy that answers many cases.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    policy: &'a Policy,
    /// Which rows and guards come to which answer.
    joins: BTreeMap<Vec<usize>, usize>,
    /// The rows that decide and the guards that hold in the case at hand; kept for its memory.
    voices: Vec<usize>,
    faults: Vec<ReasonKind>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(policy: &'a Policy) -> Judge<'a> {
        let (joins, voices, faults) = (BTreeMap::new(), Vec::new(), Vec::new());
        Judge { policy, joins, voices, faults }
    }

    /// The outcome that [`crate::policy::decide`] has, without the trace.
    pub(super) fn judge(&mut self, tokens: &Tokens, facts: &Facts, answers: &mut Answers) -> Judged {
        let policy = self.policy;
        let mut reasons = BTreeSet::new();
        let mut env = fill(&policy.inputs, &policy.layout, policy.list(), tokens, facts, &mut reasons);
        if !reasons.is_empty() {
            let lacking = lacking(policy, tokens, facts);
            return if lacking.is_empty() {
                Judged::Answer(Answers::UNSURE)
            } else {
                Judged::Lacking(lacking)
            };
        }
        self.voices.clear();
        self.faults.clear();
        for (_, term) in &policy.terms {
            let value = term.node.evaluate(&env, None, &mut self.faults);
            env.terms.push(value);
        }
        if !self.rules(&env) || !self.guards(&env) || !self.faults.is_empty() {
            return Judged::Answer(Answers::UNSURE);
        }
        if let Some(answer) = self.joins.get(self.voices.as_slice()) {
            return Judged::Answer(*answer);
        }
        let answer = answers.settled(&self.joined());
        if self.joins.len() < JOINS_MAX {
            self.joins.insert(self.voices.clone(), answer);
        }
        Judged::Answer(answer)
    }

    /// Notes the rows that decide; whether the table has an answer.
    fn rules(&mut self, env: &Env<'_>) -> bool {
        if self.policy.each.is_none() {
            return self.table(env, None);
        }
        if env.elements.is_empty() {
            return false;
        }
        let settled = (0..env.elements.len()).all(|element| self.table(env, Some(element)));
        self.voices.sort_unstable();
        self.voices.dedup();
        settled
    }

    fn table(&mut self, env: &Env<'_>, element: Option<usize>) -> bool {
        let before = self.voices.len();
        for (index, rule) in self.policy.rules.iter().enumerate() {
            if !matches(rule, env, element) {
                continue;
            }
            self.voices.push(index);
            if self.policy.hit == Hit::First {
                break;
            }
        }
        let matched = self.voices.len().saturating_sub(before);
        match self.policy.hit {
            Hit::Unique => matched == 1,
            Hit::First | Hit::Every => matched > 0,
        }
    }

    /// Notes the guards that hold, counted on from the rows; whether all could be evaluated.
    fn guards(&mut self, env: &Env<'_>) -> bool {
        for (index, guard) in self.policy.guards.iter().enumerate() {
            let mut holds = false;
            let places = if guard.when.per_element { 0..env.elements.len() } else { 0..1 };
            for place in places {
                let element = guard.when.per_element.then_some(place);
                match guard.when.node.evaluate(env, element, &mut self.faults) {
                    Some(truth) => holds |= truth != 0,
                    None => return false,
                }
            }
            if holds {
                self.voices.push(self.policy.rules.len().saturating_add(index));
            }
        }
        true
    }

    fn joined(&self) -> Settled {
        let (policy, rows) = (self.policy, self.policy.rules.len());
        let said = self.voices.iter().filter_map(|voice| match voice.checked_sub(rows) {
            None => policy.rules.get(*voice).map(|rule| &rule.outcome),
            Some(guard) => policy.guards.get(guard).map(|guard| &guard.then),
        });
        said.fold(Settled::Approve, |all, next| all.join(next, &policy.covers))
    }
}

fn matches(rule: &Rule, env: &Env<'_>, element: Option<usize>) -> bool {
    rule.demands.iter().all(|demand| {
        let slot = if demand.of_element {
            element.and_then(|element| env.elements.get(element)?.get(demand.input))
        } else {
            env.inputs.get(demand.input)
        };
        matches!(slot, Some(Slot::Number(number)) if demand.ranges.accept(*number))
    })
}

/// The inputs of which the record has nothing at all, not even that they were missing.
fn lacking(policy: &Policy, tokens: &Tokens, facts: &Facts) -> Vec<FieldName> {
    let elements = match policy.list().and_then(|list| tokens.get(list)) {
        Some(TokenValue::List(elements)) => elements.as_slice(),
        Some(_) | None => &[],
    };
    let recorded = |name: &FieldName| {
        if tokens.contains_key(name) || facts.contains_key(name) {
            return true;
        }
        let short = name.as_str().split_once('.').and_then(|(_, short)| FieldName::parse(short).ok());
        short.is_some_and(|short| elements.iter().all(|element| element.contains_key(&short)))
    };
    policy.inputs.iter().map(|input| &input.name).filter(|name| !recorded(name)).cloned().collect()
}
