//! What an input moves: the terms and guards that read it, and where it makes a guard stop to hold.

use crate::intent::kind::FieldType;
use crate::policy::Policy;
use crate::policy::node::Node;
use crate::policy::space::{Trend, trend};
use crate::policy::typed::{Expression, Input};

/// An input that can make a guard stop to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lever {
    pub(crate) input: usize,
    /// Which way the guard's condition moves when the input rises.
    pub(crate) trend: Trend,
    /// The values beside which a comparison of the input with a constant turns.
    pub(crate) cuts: Vec<i64>,
    /// Whether the guard reads the input in another way too, such as through a term.
    pub(crate) computed: bool,
}

/// What has to be evaluated again when an input changes, each in the order of the document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Readers {
    pub(crate) terms: Vec<usize>,
    pub(crate) guards: Vec<usize>,
}

/// The readers of one input, through terms too.
pub(super) fn readers(input: &Input, policy: &Policy) -> Readers {
    let reads = |expression: &Expression| expression.reads.contains(&input.name);
    let terms = policy.terms.iter().enumerate().filter(|(_, (_, term))| reads(term));
    let guards = policy.guards.iter().enumerate().filter(|(_, guard)| reads(&guard.when));
    Readers {
        terms: terms.map(|(index, _)| index).collect(),
        guards: guards.map(|(index, _)| index).collect(),
    }
}

/// The numbers and dates that can make a guard with this condition stop to hold.
pub(super) fn levers(condition: &Expression, policy: &Policy) -> Vec<Lever> {
    let ordered = |input: &Input| {
        matches!(input.kind, FieldType::Number(_) | FieldType::Date { .. }) && !input.is_of_element()
    };
    let read = policy.inputs.iter().enumerate().filter(|(_, input)| condition.reads.contains(&input.name));
    read.filter(|(_, input)| ordered(input))
        .map(|(index, input)| {
            let mut lever = Lever {
                input: index,
                trend: trend(&condition.node, index, policy),
                cuts: Vec::new(),
                computed: false,
            };
            turns(&condition.node, input.kind.step().max(1), &mut lever);
            lever.cuts.sort_unstable();
            lever.cuts.dedup();
            lever
        })
        .collect()
}

/// Finds the constants that an input is compared with, and whether it stands elsewhere too.
fn turns(node: &Node, step: i64, lever: &mut Lever) {
    match node {
        Node::Compare(_, one, other) => {
            let turn = match (&**one, &**other) {
                (Node::Input(input), constant) | (constant, Node::Input(input)) if *input == lever.input => {
                    constant.constant().and_then(|number| i64::try_from(number).ok())
                }
                _ => None,
            };
            let Some(number) = turn else {
                turns(one, step, lever);
                turns(other, step, lever);
                return;
            };
            let on_grid = number.saturating_sub(number.checked_rem_euclid(step).unwrap_or(0));
            lever.cuts.extend([on_grid.saturating_sub(step), on_grid, on_grid.saturating_add(step)]);
        }
        Node::Input(input) => lever.computed |= *input == lever.input,
        // A term may read it; that costs a search and no mistake.
        Node::Term(_) => lever.computed = true,
        Node::Const(_) | Node::Element(_) | Node::Text(_) | Node::SameText(..) => {}
        Node::Not(inner) | Node::Negate(inner) => turns(inner, step, lever),
        Node::And(one, other)
        | Node::Or(one, other)
        | Node::Add(one, other)
        | Node::Subtract(one, other)
        | Node::Multiply(one, other)
        | Node::Extreme { one, other, .. } => {
            turns(one, step, lever);
            turns(other, step, lever);
        }
        Node::Round { value, by, .. } => {
            turns(value, step, lever);
            by.iter().for_each(|by| turns(by, step, lever));
        }
        Node::Fold { value, filter, .. } => {
            turns(value, step, lever);
            filter.iter().for_each(|filter| turns(filter, step, lever));
        }
    }
}
