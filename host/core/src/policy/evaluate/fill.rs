//! Tokens and facts as slots: whatever has no valid value is noted and left unknown.

use crate::id::FieldName;
use crate::intent::kind::{FieldType, OffGrid};
use crate::intent::value::{FactValue, Facts, TokenValue, Tokens};
use crate::policy::node::{Env, Slot};
use crate::policy::outcome::{Reason, ReasonKind};
use crate::policy::typed::Input;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, btree_map};

/// The inputs of a policy by where their values are looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Layout {
    /// Those of the whole intent, by name: tokens and facts are walked once beside them.
    outer: Vec<usize>,
    /// Those of the elements, with the part of the name behind the dot.
    of_element: Vec<(usize, FieldName)>,
}

impl Layout {
    pub(crate) fn of(inputs: &[Input]) -> Layout {
        let mut layout = Layout::default();
        for (index, input) in inputs.iter().enumerate() {
            match input.name.as_str().split_once('.').map(|(_, short)| FieldName::parse(short)) {
                None => layout.outer.push(index),
                Some(Ok(short)) => layout.of_element.push((index, short)),
                // What stands behind the dot of a name is a name.
                Some(Err(_)) => {}
            }
        }
        layout.outer.sort_by_key(|index| inputs.get(*index).map(|input| &input.name));
        layout
    }
}

/// Puts tokens and facts into slots; whatever has no valid value is noted and left unknown.
pub(crate) fn fill<'a>(
    inputs: &[Input],
    layout: &Layout,
    list: Option<&FieldName>,
    tokens: &'a Tokens,
    facts: &'a Facts,
    reasons: &mut BTreeSet<Reason>,
) -> Env<'a> {
    let mut elements: &[BTreeMap<FieldName, TokenValue>] = &[];
    let mut list_known = true;
    if let Some(list) = list {
        match tokens.get(list) {
            Some(TokenValue::List(found)) => elements = found,
            other => {
                let kind = if other.is_some() { ReasonKind::OutOfBounds } else { ReasonKind::Missing };
                reasons.insert(Reason { kind, at: list.to_string() });
                list_known = false;
            }
        }
    }
    let mut env = Env {
        inputs: vec![Slot::Unknown; inputs.len()],
        elements: elements.iter().map(|_| vec![Slot::Unknown; inputs.len()]).collect(),
        list_known,
        terms: Vec::new(),
    };
    let (mut tokens, mut outer) = (Rising::of(tokens), Rising::of(facts));
    for index in &layout.outer {
        let (Some(input), Some(own)) = (inputs.get(*index), env.inputs.get_mut(*index)) else { continue };
        let found = match tokens.take(&input.name) {
            Some(value) => Found::Value(value),
            None => found(outer.take(&input.name)),
        };
        *own = slot(input, found, reasons);
    }
    for (index, short) in &layout.of_element {
        let Some(input) = inputs.get(*index) else { continue };
        let fact = facts.get(&input.name);
        for (number, (slots, element)) in env.elements.iter_mut().zip(elements).enumerate() {
            let found = match (element.get(short), fact) {
                (Some(value), _) => Found::Value(value),
                (None, Some(FactValue::Each(readings))) => found(readings.get(number)),
                (None, other) => found(other),
            };
            if let Some(own) = slots.get_mut(*index) {
                *own = slot(input, found, reasons);
            }
        }
    }
    env
}

/// Values of which each is asked for once, in the order of their names.
struct Rising<'a, V> {
    next: Option<(&'a FieldName, &'a V)>,
    rest: btree_map::Iter<'a, FieldName, V>,
}

impl<'a, V> Rising<'a, V> {
    fn of(values: &'a BTreeMap<FieldName, V>) -> Rising<'a, V> {
        let mut rest = values.iter();
        Rising { next: rest.next(), rest }
    }

    fn take(&mut self, name: &FieldName) -> Option<&'a V> {
        loop {
            let (own, value) = self.next?;
            let order = own.cmp(name);
            if order == Ordering::Greater {
                return None;
            }
            self.next = self.rest.next();
            if order == Ordering::Equal {
                return Some(value);
            }
        }
    }
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
