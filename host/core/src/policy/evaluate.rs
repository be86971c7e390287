//! `decide`: the ten rules of the product, as one pure and total function.

use super::explain::{CellTrace, Evaluation, GuardTrace, NearMiss, RuleTrace, TermTrace};
use super::node::{Env, Slot};
use super::outcome::{Outcome, Reason, ReasonKind, Settled, Unsure};
use super::typed::Input;
use super::{Demand, Hit, LANGUAGE, Policy, Rule};
use crate::id::FieldName;
use crate::intent::kind::{FieldType, OffGrid};
use crate::intent::value::{FactValue, Facts, TokenValue, Tokens};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Most near misses that a trace keeps; more do not help the requester.
const NEAR_MISSES_MAX: usize = 3;

/// The answer of `policy` to an intent with these tokens and facts.
///
/// It is total: whatever cannot be evaluated makes the outcome `unsure`. Every declared input must
/// have a valid value; nothing is absorbed, not even where the answer would be the same without it.
#[must_use]
pub fn decide(policy: &Policy, tokens: &Tokens, facts: &Facts) -> Evaluation {
    let mut reasons = BTreeSet::new();
    let list = policy.list();
    let mut env = fill(&policy.inputs, list.as_ref(), tokens, facts, &mut reasons);
    let mut faults = Vec::new();
    for (name, term) in &policy.terms {
        let value = term.node.evaluate(&env, None, &mut faults);
        note(&mut reasons, &mut faults, name.as_str());
        env.terms.push(value);
    }
    let mut run = Run {
        policy,
        env,
        reasons,
        known: Settled::Approve,
        possible: Settled::Approve,
        rules: Vec::new(),
        guards: Vec::new(),
        not_true: Vec::new(),
        near: Vec::new(),
    };
    run.all_rules(list.as_ref());
    run.all_guards();
    run.finish()
}

struct Run<'a> {
    policy: &'a Policy,
    env: Env<'a>,
    reasons: BTreeSet<Reason>,
    known: Settled,
    possible: Settled,
    rules: Vec<RuleTrace>,
    guards: Vec<GuardTrace>,
    not_true: Vec<Arc<str>>,
    near: Vec<NearMiss>,
}

/// Whether a row matches; `Maybe` where something that it demands is unknown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Match {
    Yes,
    No,
    Maybe,
}

impl Run<'_> {
    fn all_rules(&mut self, list: Option<&FieldName>) {
        let Some(each) = &self.policy.each else {
            self.table(None);
            return;
        };
        if self.env.elements.is_empty() {
            let at = list.unwrap_or(each).to_string();
            self.reasons.insert(Reason { kind: ReasonKind::EmptyList, at });
            self.any_row();
        }
        for element in 0..self.env.elements.len() {
            self.table(Some(element));
        }
    }

    /// Every row could have been the one.
    fn any_row(&mut self) {
        for rule in &self.policy.rules {
            self.possible = self.possible.join(&rule.outcome, &self.policy.covers);
        }
    }

    /// Decides one element, or the whole intent, by the rule table.
    fn table(&mut self, element: Option<usize>) {
        let policy = self.policy;
        let mut yes: Vec<usize> = Vec::new();
        let mut maybe: Vec<usize> = Vec::new();
        for (index, rule) in policy.rules.iter().enumerate() {
            match self.matches(rule, element) {
                Match::No => continue,
                Match::Maybe => maybe.push(index),
                Match::Yes => yes.push(index),
            }
            if policy.hit == Hit::First && yes.len() == 1 {
                break;
            }
        }
        for index in yes.iter().chain(&maybe) {
            if let Some(rule) = policy.rules.get(*index) {
                self.possible = self.possible.join(&rule.outcome, &policy.covers);
            }
        }
        let gap = yes.is_empty() && maybe.is_empty();
        let overlap = policy.hit == Hit::Unique && yes.len() > 1;
        if gap {
            self.reasons.insert(Reason { kind: ReasonKind::Gap, at: table_name(policy, element) });
            self.any_row();
        }
        if overlap {
            let ids: Vec<&str> =
                yes.iter().filter_map(|index| policy.rules.get(*index)).map(|rule| &*rule.id).collect();
            self.reasons.insert(Reason { kind: ReasonKind::Overlap, at: ids.join(", ") });
        }
        // In a `first` table a row that may match stands above the one that does.
        if overlap || (policy.hit == Hit::First && !maybe.is_empty()) {
            return;
        }
        for index in &yes {
            let Some(rule) = policy.rules.get(*index) else { continue };
            self.known = self.known.join(&rule.outcome, &policy.covers);
            let trace = self.rule_trace(rule, *index, element);
            self.rules.push(trace);
        }
        if element.is_none() && maybe.is_empty() {
            self.near_misses(&yes);
        }
    }

    fn slot(&self, demand: &Demand, element: Option<usize>) -> Option<&Slot<'_>> {
        if demand.of_element {
            self.env.elements.get(element?)?.get(demand.input)
        } else {
            self.env.inputs.get(demand.input)
        }
    }

    fn meets(&self, demand: &Demand, element: Option<usize>) -> Match {
        match self.slot(demand, element) {
            Some(Slot::Number(number)) if demand.ranges.accept(*number) => Match::Yes,
            Some(Slot::Number(_)) => Match::No,
            Some(Slot::Text(_) | Slot::Unknown) | None => Match::Maybe,
        }
    }

    fn matches(&self, rule: &Rule, element: Option<usize>) -> Match {
        let mut result = Match::Yes;
        for demand in &rule.demands {
            match self.meets(demand, element) {
                Match::Yes => {}
                Match::No => return Match::No,
                Match::Maybe => result = Match::Maybe,
            }
        }
        result
    }

    fn rule_trace(&self, rule: &Rule, index: usize, element: Option<usize>) -> RuleTrace {
        let cells = rule
            .demands
            .iter()
            .filter_map(|demand| {
                let input = self.policy.inputs.get(demand.input)?;
                let value = shown(input, self.slot(demand, element)?)?;
                Some(CellTrace { input: input.name.clone(), value, cell: Arc::clone(&demand.text) })
            })
            .collect();
        RuleTrace {
            id: Arc::clone(&rule.id),
            row: number(index),
            of: u32::try_from(self.policy.rules.len()).unwrap_or(u32::MAX),
            because: Arc::clone(&rule.because),
            outcome: rule.outcome.clone(),
            cells,
            reads: Arc::clone(&rule.reads),
            element: element.map(number),
        }
    }

    /// Rows that miss in one column only and ask for less than the rows that decided.
    fn near_misses(&mut self, decided: &[usize]) {
        let policy = self.policy;
        let rows = match policy.hit {
            Hit::First => decided.first().copied().unwrap_or(policy.rules.len()),
            Hit::Unique => policy.rules.len(),
            // Every row has its say there: another match could only add.
            Hit::Every => 0,
        };
        for rule in policy.rules.iter().take(rows) {
            let less =
                self.known != rule.outcome && self.known.join(&rule.outcome, &policy.covers) == self.known;
            if self.near.len() == NEAR_MISSES_MAX || !less {
                continue;
            }
            let mut missed = rule.demands.iter().filter(|demand| self.meets(demand, None) != Match::Yes);
            let (Some(demand), None) = (missed.next(), missed.next()) else { continue };
            let Some(input) = policy.inputs.get(demand.input) else { continue };
            let near = NearMiss {
                rule: Arc::clone(&rule.id),
                outcome: rule.outcome.clone(),
                input: input.name.clone(),
                cell: Arc::clone(&demand.text),
            };
            self.near.push(near);
        }
    }

    fn all_guards(&mut self) {
        let policy = self.policy;
        let elements: Vec<Option<usize>> = (0..self.env.elements.len()).map(Some).collect();
        let mut faults = Vec::new();
        for guard in &policy.guards {
            let places: &[Option<usize>] = if guard.when.per_element { &elements } else { &[None] };
            let mut held = false;
            for element in places {
                let result = guard.when.node.evaluate(&self.env, *element, &mut faults);
                note(&mut self.reasons, &mut faults, &guard.id);
                if result == Some(0) {
                    continue;
                }
                held = true;
                // Unsure counts as holding in what is possible.
                self.possible = self.possible.join(&guard.then, &policy.covers);
                if result.is_some() {
                    self.known = self.known.join(&guard.then, &policy.covers);
                    let trace = GuardTrace {
                        id: Arc::clone(&guard.id),
                        when: Arc::clone(&guard.text),
                        because: Arc::clone(&guard.because),
                        adds: guard.then.clone(),
                        reads: Arc::clone(&guard.reads),
                        values: self.values(&guard.reads, *element),
                        element: element.map(number),
                    };
                    self.guards.push(trace);
                }
            }
            if !held {
                self.not_true.push(Arc::clone(&guard.id));
            }
        }
    }

    fn values(&self, reads: &[FieldName], element: Option<usize>) -> Vec<(FieldName, TokenValue)> {
        reads
            .iter()
            .filter_map(|name| {
                let index = self.policy.inputs.iter().position(|input| input.name == *name)?;
                let input = self.policy.inputs.get(index)?;
                let slot = if input.is_of_element() {
                    self.env.elements.get(element?)?.get(index)?
                } else {
                    self.env.inputs.get(index)?
                };
                Some((name.clone(), shown(input, slot)?))
            })
            .collect()
    }

    /// Whether the owner lets this `unsure` pass: never for faults of the document itself.
    fn fail_open(&self) -> Option<u32> {
        let open = self.policy.fail_open.as_ref()?;
        let of_document = |reason: &Reason| matches!(reason.kind, ReasonKind::Gap | ReasonKind::Overlap);
        if self.reasons.is_empty() || self.reasons.iter().any(of_document) {
            return None;
        }
        let mut faults = Vec::new();
        let holds = open.only_if.node.evaluate(&self.env, None, &mut faults) == Some(1);
        (holds && faults.is_empty()).then_some(open.at_most_a_day)
    }

    fn finish(self) -> Evaluation {
        let fail_open = self.fail_open();
        let policy = self.policy;
        let terms = policy
            .terms
            .iter()
            .zip(&self.env.terms)
            .filter_map(|((name, term), value)| {
                Some(TermTrace { name: name.clone(), value: term.value((*value)?)? })
            })
            .collect();
        let outcome = if self.reasons.is_empty() {
            Outcome::from(self.known)
        } else {
            Outcome::Unsure(Unsure { reasons: self.reasons, known: self.known, possible: self.possible })
        };
        Evaluation {
            outcome,
            policy: policy.intent.clone(),
            version: policy.version,
            language: LANGUAGE,
            rules: self.rules,
            guards: self.guards,
            terms,
            near: self.near,
            not_true: self.not_true,
            fail_open,
        }
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1)
}

fn table_name(policy: &Policy, element: Option<usize>) -> String {
    match element {
        Some(element) => format!("{} (element {})", policy.intent, number(element)),
        None => policy.intent.to_string(),
    }
}

/// Moves faults of arithmetic into the reasons, under the name of what was evaluated.
fn note(reasons: &mut BTreeSet<Reason>, faults: &mut Vec<ReasonKind>, at: &str) {
    reasons.extend(faults.drain(..).map(|kind| Reason { kind, at: at.to_owned() }));
}

fn shown(input: &Input, slot: &Slot<'_>) -> Option<TokenValue> {
    match slot {
        Slot::Number(number) => input.kind.value(*number),
        // A trace repeats no text: it can be long, and it stands in the tokens.
        Slot::Text(_) | Slot::Unknown => None,
    }
}

/// Puts tokens and facts into slots; whatever has no valid value is noted and left unknown.
pub(crate) fn fill<'a>(
    inputs: &[Input],
    list: Option<&FieldName>,
    tokens: &'a Tokens,
    facts: &'a Facts,
    reasons: &mut BTreeSet<Reason>,
) -> Env<'a> {
    let elements: &[BTreeMap<FieldName, TokenValue>] = match list.and_then(|list| tokens.get(list)) {
        Some(TokenValue::List(elements)) => elements,
        Some(_) | None => &[],
    };
    if let Some(list) = list
        && !tokens.contains_key(list)
    {
        reasons.insert(Reason { kind: ReasonKind::Missing, at: list.to_string() });
    }
    let mut env = Env {
        inputs: Vec::with_capacity(inputs.len()),
        elements: elements.iter().map(|_| Vec::with_capacity(inputs.len())).collect(),
        terms: Vec::new(),
    };
    for input in inputs {
        if !input.is_of_element() {
            let found = match tokens.get(&input.name) {
                Some(value) => Found::Value(value),
                None => found(facts.get(&input.name)),
            };
            env.inputs.push(slot(input, found, reasons));
            for slots in &mut env.elements {
                slots.push(Slot::Unknown);
            }
            continue;
        }
        env.inputs.push(Slot::Unknown);
        let short = input.name.as_str().split_once('.').and_then(|(_, short)| FieldName::parse(short).ok());
        for (index, (slots, element)) in env.elements.iter_mut().zip(elements).enumerate() {
            let own = short.as_ref().and_then(|short| element.get(short));
            let found = match (own, facts.get(&input.name)) {
                (Some(value), _) => Found::Value(value),
                (None, Some(FactValue::Each(readings))) => found(readings.get(index)),
                (None, other) => found(other),
            };
            slots.push(slot(input, found, reasons));
        }
    }
    env
}

enum Found<'a> {
    Value(&'a TokenValue),
    Missing,
    Stale,
}

fn found(fact: Option<&FactValue>) -> Found<'_> {
    match fact {
        Some(FactValue::Known(value)) => Found::Value(value),
        Some(FactValue::Stale) => Found::Stale,
        Some(FactValue::Missing(_) | FactValue::Each(_)) | None => Found::Missing,
    }
}

fn slot<'a>(input: &Input, found: Found<'a>, reasons: &mut BTreeSet<Reason>) -> Slot<'a> {
    let kind = match found {
        Found::Missing => ReasonKind::Missing,
        Found::Stale => ReasonKind::Stale,
        Found::Value(value) => match (&input.kind, value) {
            (FieldType::Text { .. }, TokenValue::Text(text)) if input.kind.accepts(value).is_ok() => {
                return Slot::Text(text);
            }
            // A record or list is only passed on; no expression reads it.
            (FieldType::Record { .. } | FieldType::List { .. }, value)
                if input.kind.accepts(value).is_ok() =>
            {
                return Slot::Unknown;
            }
            (kind, value) => match kind.place(value) {
                Ok(number) => return Slot::Number(number),
                Err(OffGrid::OutOfBounds | OffGrid::TooFine | OffGrid::WrongKind | OffGrid::NotOneOf) => {
                    ReasonKind::OutOfBounds
                }
            },
        },
    };
    reasons.insert(Reason { kind, at: input.name.to_string() });
    Slot::Unknown
}
