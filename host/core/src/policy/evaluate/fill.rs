//! Tokens and facts as slots: whatever has no valid value is noted and left unknown.

use crate::id::FieldName;
use crate::intent::kind::{FieldType, OffGrid};
use crate::intent::value::{FactValue, Facts, TokenValue, Tokens};
use crate::policy::node::{Env, Slot};
use crate::policy::outcome::{Reason, ReasonKind};
use crate::policy::typed::Input;
use std::collections::{BTreeMap, BTreeSet};

/// Puts tokens and facts into slots; whatever has no valid value is noted and left unknown.
pub(crate) fn fill<'a>(
    inputs: &[Input],
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
        inputs: Vec::with_capacity(inputs.len()),
        elements: elements.iter().map(|_| Vec::with_capacity(inputs.len())).collect(),
        list_known,
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
