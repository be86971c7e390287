//! The trace of what an evaluation found.

use super::near::Beside;
use super::{Findings, number};
use crate::id::FieldName;
use crate::intent::value::TokenValue;
use crate::policy::component::Heard;
use crate::policy::explain::{CellTrace, Evaluation, GuardTrace, RuleTrace, TermTrace};
use crate::policy::node::Slot;
use crate::policy::typed::Input;
use crate::policy::{Demand, LANGUAGE};
use std::sync::Arc;

/// The whole answer. `beside` is what is beside the intent in the table.
pub(super) fn written<'a>(mut findings: Findings<'a>, beside: Beside<'a>, heard: &Heard) -> Evaluation {
    // A component may answer otherwise at another value, and nobody can ask it here.
    let near = if findings.policy.components.is_empty() { findings.near(beside) } else { Vec::new() };
    let policy = findings.policy;
    let terms = policy
        .terms
        .iter()
        .zip(&findings.env.terms)
        .filter_map(|((name, term), value)| {
            Some(TermTrace { name: name.clone(), value: term.value((*value)?)? })
        })
        .collect();
    let not_true = findings.not_true.iter().filter_map(|index| policy.guards.get(*index));
    Evaluation {
        outcome: findings.outcome(),
        policy: policy.intent.clone(),
        version: policy.version,
        language: LANGUAGE,
        rules: findings.decided.iter().filter_map(|(row, element)| findings.rule(*row, *element)).collect(),
        guards: findings.held.iter().filter_map(|(index, element)| findings.held(*index, *element)).collect(),
        components: heard.added.clone(),
        terms,
        near,
        not_true: not_true.map(|guard| Arc::clone(&guard.id)).collect(),
        fail_open: findings.fail_open(),
    }
}

impl Findings<'_> {
    fn slot(&self, demand: &Demand, element: Option<usize>) -> Option<&Slot<'_>> {
        if demand.of_element {
            self.env.elements.get(element?)?.get(demand.input)
        } else {
            self.env.inputs.get(demand.input)
        }
    }

    fn rule(&self, row: usize, element: Option<usize>) -> Option<RuleTrace> {
        let rule = self.policy.rules.get(row)?;
        let cells = rule
            .demands
            .iter()
            .filter_map(|demand| {
                let input = self.policy.inputs.get(demand.input)?;
                let value = shown(input, self.slot(demand, element)?)?;
                Some(CellTrace { input: input.name.clone(), value, cell: Arc::clone(&demand.text) })
            })
            .collect();
        Some(RuleTrace {
            id: Arc::clone(&rule.id),
            row: number(row),
            of: u32::try_from(self.policy.rules.len()).unwrap_or(u32::MAX),
            because: Arc::clone(&rule.because),
            outcome: rule.outcome.clone(),
            cells,
            reads: Arc::clone(&rule.reads),
            element: element.map(number),
        })
    }

    fn held(&self, index: usize, element: Option<usize>) -> Option<GuardTrace> {
        let guard = self.policy.guards.get(index)?;
        Some(GuardTrace {
            id: Arc::clone(&guard.id),
            when: Arc::clone(&guard.text),
            because: Arc::clone(&guard.because),
            adds: guard.then.clone(),
            reads: Arc::clone(&guard.reads),
            values: self.values(&guard.reads, element),
            element: element.map(number),
        })
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
}

fn shown(input: &Input, slot: &Slot<'_>) -> Option<TokenValue> {
    match slot {
        Slot::Number(number) => input.kind.value(*number),
        // A trace repeats no text: it can be long, and it stands in the tokens.
        Slot::Text(_) | Slot::Unknown => None,
    }
}
