//! `decide`: the ten rules of the product, as one pure and total function.
//!
//! One pass finds everything that has a say ([`Findings`]); the answer is their join, and the trace
//! is written from them where somebody will ask why.

mod fill;
mod near;
mod trace;

pub(crate) use fill::{Layout, fill};

use super::asks::Asked;
use super::component::{Contributions, Heard};
use super::explain::Evaluation;
use super::index::Depth;
use super::node::Env;
use super::outcome::{Outcome, Reason, ReasonKind, Settled, Unsure};
use super::{Hit, Policy};
use crate::intent::value::{Facts, Tokens};
use near::Beside;
use std::collections::BTreeSet;

/// The answer of the tables of `policy` to an intent with these tokens and facts, and how they came
/// to that. Components are not asked: see [`decide_with`].
///
/// It is total: whatever cannot be evaluated makes the outcome `unsure`. Every declared input must
/// have a valid value; nothing is absorbed, not even where the answer would be the same without it.
#[must_use]
pub fn decide(policy: &Policy, tokens: &Tokens, facts: &Facts) -> Evaluation {
    answered(policy, tokens, facts, &Heard::default())
}

/// The whole answer of `policy`, with what its components said. One that failed or was not asked
/// makes the outcome `unsure`; what they add is joined, so they can only tighten.
#[must_use]
pub fn decide_with(policy: &Policy, tokens: &Tokens, facts: &Facts, said: &Contributions) -> Evaluation {
    answered(policy, tokens, facts, &policy.heard(said))
}

fn answered(policy: &Policy, tokens: &Tokens, facts: &Facts, heard: &Heard) -> Evaluation {
    let mut beside = Beside::default();
    let mut findings = Findings::over(policy, tokens, facts, Some(&mut beside));
    findings.hear(heard);
    trace::written(findings, beside, heard)
}

/// The same answer without its reasons, for a million replays at once.
#[must_use]
pub fn outcome(policy: &Policy, tokens: &Tokens, facts: &Facts) -> Outcome {
    Findings::over(policy, tokens, facts, None).outcome()
}

/// The answer of [`decide_with`] without its reasons, for whoever only has to know what comes next.
#[must_use]
pub fn outcome_with(policy: &Policy, tokens: &Tokens, facts: &Facts, said: &Contributions) -> Outcome {
    let heard = policy.heard(said);
    let mut findings = Findings::over(policy, tokens, facts, None);
    findings.hear(&heard);
    findings.outcome()
}

/// What rows and guards ask for, for whoever counts equal answers; nothing where the outcome is unsure.
pub(crate) fn asked(policy: &Policy, tokens: &Tokens, facts: &Facts) -> Option<Asked> {
    let findings = Findings::over(policy, tokens, facts, None);
    findings.reasons.is_empty().then(|| policy.index.asks().normal(findings.known))
}

/// What has a say in one evaluation.
struct Findings<'a> {
    policy: &'a Policy,
    env: Env<'a>,
    reasons: BTreeSet<Reason>,
    /// What rows and guards ask for that surely count.
    known: Asked,
    /// What those ask for that may count.
    possible: Asked,
    /// What components ask for.
    heard: Vec<&'a Settled>,
    /// Whether somebody will ask for what follows.
    traced: bool,
    /// The rules that decided, by row and element.
    decided: Vec<(usize, Option<usize>)>,
    /// The guards that hold, by their place in the document and element.
    held: Vec<(usize, Option<usize>)>,
    not_true: Vec<usize>,
}

impl<'a> Findings<'a> {
    /// Evaluates everything once, and notes what is beside it in the table for a trace.
    fn over(
        policy: &'a Policy,
        tokens: &'a Tokens,
        facts: &'a Facts,
        beside: Option<&mut Beside<'a>>,
    ) -> Findings<'a> {
        let mut reasons = BTreeSet::new();
        let env = fill(&policy.inputs, &policy.layout, policy.list(), tokens, facts, &mut reasons);
        Findings::in_env(policy, env, reasons, beside.is_some(), beside)
    }

    /// The same of values that stand in their slots already, without their terms.
    fn in_env(
        policy: &'a Policy,
        mut env: Env<'a>,
        mut reasons: BTreeSet<Reason>,
        traced: bool,
        beside: Option<&mut Beside<'a>>,
    ) -> Findings<'a> {
        let mut faults = Vec::new();
        env.terms.reserve_exact(policy.terms.len());
        for (name, term) in &policy.terms {
            let value = term.node.evaluate(&env, None, &mut faults);
            note(&mut reasons, &mut faults, name.as_str());
            env.terms.push(value);
        }
        let mut findings = Findings {
            policy,
            env,
            reasons,
            known: Asked::default(),
            possible: Asked::default(),
            heard: Vec::new(),
            traced,
            decided: Vec::new(),
            held: Vec::new(),
            not_true: Vec::new(),
        };
        findings.rules(beside);
        findings.guards();
        findings
    }

    /// Takes in what the components said.
    fn hear(&mut self, heard: &'a Heard) {
        self.heard.extend(heard.added.iter().map(|added| &added.adds));
        for (component, why) in &heard.failed {
            let at = format!("{component}: {why}");
            self.reasons.insert(Reason { kind: ReasonKind::Component, at });
            // It could have said no.
            self.possible = Asked::DENY;
        }
    }

    fn rules(&mut self, beside: Option<&mut Beside<'a>>) {
        let Some(each) = &self.policy.each else {
            self.table(None, beside);
            return;
        };
        if self.env.elements.is_empty() {
            if self.env.list_known {
                self.reasons.insert(Reason { kind: ReasonKind::EmptyList, at: each.to_string() });
            }
            self.any_row();
        }
        for element in 0..self.env.elements.len() {
            self.table(Some(element), None);
        }
    }

    /// Every row could have been the one.
    fn any_row(&mut self) {
        self.may_count(0..self.policy.rules.len());
    }

    fn may_count(&mut self, rows: impl IntoIterator<Item = usize>) {
        let asks = self.policy.index.asks();
        self.possible = rows.into_iter().fold(self.possible, |all, row| all.with(asks.rule(row)));
    }

    fn counts(&mut self, row: usize, element: Option<usize>) {
        self.known = self.known.with(self.policy.index.asks().rule(row));
        if self.traced {
            self.decided.push((row, element));
        }
    }

    /// Decides one element, or the whole intent, by the rule table.
    fn table(&mut self, element: Option<usize>, mut beside: Option<&mut Beside<'a>>) {
        let policy = self.policy;
        if policy.hit == Hit::First
            && beside.is_none()
            && let Some(row) = policy.index.first(&self.env, element)
        {
            self.counts(row, element);
            return;
        }
        let places = policy.index.places(&self.env, element);
        let depth = if policy.hit == Hit::First { Depth::First } else { Depth::All };
        let near = beside.as_deref_mut().map(|beside| &mut beside.rows);
        let matches = policy.index.matches(&places, depth, near);
        if let Some(beside) = beside {
            beside.places = places;
        }
        let rule = |row: &usize| policy.rules.get(*row);
        if matches.sure.is_empty() && matches.maybe.is_empty() {
            self.reasons.insert(Reason { kind: ReasonKind::Gap, at: table_name(policy, element) });
            self.any_row();
            return;
        }
        self.may_count(matches.maybe.iter().copied());
        let overlap = policy.hit == Hit::Unique && matches.sure.len() > 1;
        if overlap {
            let ids: Vec<&str> = matches.sure.iter().filter_map(rule).map(|rule| &*rule.id).collect();
            self.reasons.insert(Reason { kind: ReasonKind::Overlap, at: ids.join(", ") });
        }
        // In a `first` table a row that may match stands above the one that does.
        if overlap || (policy.hit == Hit::First && !matches.maybe.is_empty()) {
            self.may_count(matches.sure);
            return;
        }
        for row in matches.sure {
            self.counts(row, element);
        }
    }

    fn guards(&mut self) {
        let policy = self.policy;
        let mut faults = Vec::new();
        for (index, guard) in policy.guards.iter().enumerate() {
            let mut held = false;
            if !guard.when.per_element {
                held = self.guard(index, None, &mut faults);
            } else if self.env.elements.is_empty() {
                // Without an element nobody knows what it would say of one.
                self.possible = self.possible.with(policy.index.asks().guard(index));
                held = true;
            }
            for element in (0..self.env.elements.len()).filter(|_| guard.when.per_element) {
                held |= self.guard(index, Some(element), &mut faults);
            }
            if !held && self.traced {
                self.not_true.push(index);
            }
        }
    }

    /// Whether a guard holds or may hold; unsure counts as holding in what is possible.
    fn guard(&mut self, index: usize, element: Option<usize>, faults: &mut Vec<ReasonKind>) -> bool {
        let Some(guard) = self.policy.guards.get(index) else { return false };
        let holds = guard.when.node.holds(&self.env, element, faults);
        note(&mut self.reasons, faults, &guard.id);
        let asked = self.policy.index.asks().guard(index);
        match holds {
            Some(false) => return false,
            Some(true) => {
                self.known = self.known.with(asked);
                if self.traced {
                    self.held.push((index, element));
                }
            }
            None => self.possible = self.possible.with(asked),
        }
        true
    }

    /// How often a day the owner lets this `unsure` pass: never for faults of the document itself.
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

    fn outcome(&self) -> Outcome {
        let known = self.joined(self.known);
        if self.reasons.is_empty() {
            return Outcome::from(known);
        }
        let possible = self.joined(self.known.with(self.possible));
        Outcome::Unsure(Unsure { reasons: self.reasons.clone(), known, possible })
    }

    /// What rows and guards ask for, with what the components do.
    fn joined(&self, asked: Asked) -> Settled {
        let own = self.policy.index.asks().settled(asked);
        if self.heard.is_empty() {
            return own;
        }
        Settled::join_all(self.heard.iter().copied().chain([&own]), &self.policy.covers)
    }
}

/// A place counted as people do.
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
    if faults.is_empty() {
        return;
    }
    reasons.extend(faults.drain(..).map(|kind| Reason { kind, at: at.to_owned() }));
}
