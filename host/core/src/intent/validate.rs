//! The door: what was sent becomes typed tokens, or every fault of it is named at once.

use super::kind::{FieldType, Grid, OffGrid, Unit, refused_character};
use super::raw::Raw;
use super::value::{Day, FactValue, Facts, TokenValue, Tokens};
use super::{FactSpec, IntentType, TokenSpec};
use crate::id::FieldName;
use crate::money::Currency;
use crate::record::RecordRef;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Longest id of a record that the door takes.
const RECORD_ID_BYTES_MAX: usize = 200;

/// One thing that is wrong with the tokens of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenFault {
    /// JSON Pointer (RFC 6901) to the place, such as `/amount`.
    pub pointer: String,
    /// What was expected there.
    pub expected: String,
    /// What was found.
    pub found: String,
}

impl fmt::Display for TokenFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}`: expected {}, found {}", self.pointer, self.expected, self.found)
    }
}

/// A place in a request, which is spelled only where something is wrong.
#[derive(Debug, Clone, Copy)]
enum At<'a> {
    Top,
    Member(&'a At<'a>, &'a str),
    Item(&'a At<'a>, usize),
}

impl fmt::Display for At<'_> {
    /// As a JSON Pointer (RFC 6901).
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            At::Top => Ok(()),
            At::Member(of, name) => write!(formatter, "{of}/{}", name.replace('~', "~0").replace('/', "~1")),
            At::Item(of, index) => write!(formatter, "{of}/{index}"),
        }
    }
}

struct Door {
    faults: Vec<TokenFault>,
}

impl IntentType {
    /// Types the tokens of a request.
    ///
    /// # Errors
    /// Every fault at once, in the order of the input.
    pub fn validate(&self, tokens: &Raw) -> Result<Tokens, Vec<TokenFault>> {
        let mut door = Door { faults: Vec::new() };
        let specs: Vec<(&str, &TokenSpec)> = self
            .tokens
            .iter()
            .filter(|token| !token.name.as_str().contains('.'))
            .map(|token| (token.name.as_str(), token))
            .collect();
        let typed = door.object(self, At::Top, tokens, &specs);
        if door.faults.is_empty() { Ok(typed) } else { Err(door.faults) }
    }

    /// Types facts that were recorded elsewhere, written as tokens are: `null` is a fact that could
    /// not be found, a dotted one is an array with one value for each element of the list.
    ///
    /// # Errors
    /// Every fault at once, in the order of the input.
    pub fn validate_facts(&self, facts: &Raw) -> Result<Facts, Vec<TokenFault>> {
        let mut door = Door { faults: Vec::new() };
        let typed = door.facts(self, facts);
        if door.faults.is_empty() { Ok(typed) } else { Err(door.faults) }
    }

    /// The tokens of one element, by the part of their name behind the dot.
    fn element_specs(&self) -> Vec<(&str, &TokenSpec)> {
        self.tokens
            .iter()
            .filter_map(|token| token.name.as_str().split_once('.').map(|(_, short)| (short, token)))
            .collect()
    }
}

impl Door {
    fn fault(&mut self, at: At<'_>, expected: impl Into<String>, found: impl Into<String>) {
        self.faults.push(TokenFault {
            pointer: at.to_string(),
            expected: expected.into(),
            found: found.into(),
        });
    }

    fn object(
        &mut self,
        intent: &IntentType,
        at: At<'_>,
        raw: &Raw,
        specs: &[(&str, &TokenSpec)],
    ) -> BTreeMap<FieldName, TokenValue> {
        let mut typed = BTreeMap::new();
        let Raw::Map(members) = raw else {
            self.fault(at, "an object of tokens", raw.found());
            return typed;
        };
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for (key, value) in members {
            let place = At::Member(&at, key);
            if !seen.insert(key) {
                self.fault(place, "each token once", "the token a second time");
                continue;
            }
            let Some((_, spec)) = specs.iter().find(|(name, _)| name == key) else {
                let known: Vec<&str> = specs.iter().map(|(name, _)| *name).collect();
                self.fault(place, format!("one of {}", known.join(", ")), "an unknown token");
                continue;
            };
            if matches!(value, Raw::Null) && !spec.required {
                continue;
            }
            let Some(value) = self.value(intent, place, value, &spec.kind) else { continue };
            if spec.name.as_str() == key {
                typed.insert(spec.name.clone(), value);
            } else if let Ok(short) = FieldName::parse(key) {
                typed.insert(short, value);
            }
        }
        for (name, spec) in specs {
            if spec.required && !seen.contains(name) {
                self.fault(At::Member(&at, name), spec.kind.to_string(), "nothing");
            }
        }
        typed
    }

    fn facts(&mut self, intent: &IntentType, raw: &Raw) -> Facts {
        let mut typed = Facts::new();
        let Raw::Map(members) = raw else {
            self.fault(At::Top, "an object of facts", raw.found());
            return typed;
        };
        for (index, (key, value)) in members.iter().enumerate() {
            let place = At::Member(&At::Top, key);
            if members.iter().take(index).any(|(other, _)| other == key) {
                self.fault(place, "each fact once", "the fact a second time");
                continue;
            }
            let Some(spec) = intent.facts.iter().find(|spec| spec.name.as_str() == key) else {
                let known: Vec<&str> = intent.facts.iter().map(|spec| spec.name.as_str()).collect();
                self.fault(place, format!("one of {}", known.join(", ")), "an unknown fact");
                continue;
            };
            let value = if !key.contains('.') {
                self.fact(intent, place, value, spec)
            } else if let Raw::List(items) = value {
                let readings = (0_usize..)
                    .zip(items)
                    .filter_map(|(index, item)| self.fact(intent, At::Item(&place, index), item, spec));
                Some(FactValue::Each(readings.collect()))
            } else {
                self.fault(place, "an array with one value for each element", value.found());
                None
            };
            if let Some(value) = value {
                typed.insert(spec.name.clone(), value);
            }
        }
        typed
    }

    fn fact(&mut self, intent: &IntentType, at: At<'_>, raw: &Raw, spec: &FactSpec) -> Option<FactValue> {
        if let Raw::Null = raw {
            return Some(FactValue::Missing("it is null in the record".to_owned()));
        }
        self.value(intent, at, raw, &spec.kind).map(FactValue::Known)
    }

    fn value(&mut self, intent: &IntentType, at: At<'_>, raw: &Raw, kind: &FieldType) -> Option<TokenValue> {
        match (kind, raw) {
            (FieldType::Number(grid), raw) => self.number(at, raw, grid, kind),
            (FieldType::YesNo, Raw::Bool(flag)) => Some(TokenValue::YesNo(*flag)),
            (FieldType::OneOf(words), Raw::Text(text)) if words.contains(text) => {
                Some(TokenValue::OneOf(text.clone()))
            }
            (FieldType::Date { .. }, Raw::Text(text)) => {
                let day = Day::parse(text).map(TokenValue::Date).filter(|day| kind.accepts(day).is_ok());
                if day.is_none() {
                    self.fault(at, kind.to_string(), raw.found());
                }
                day
            }
            (FieldType::Text { .. }, Raw::Text(text)) => self.text(at, text, kind),
            (FieldType::Record { kind: record, .. }, Raw::Text(text)) => self.record(at, text, record),
            (FieldType::List { .. }, Raw::List(items)) => self.list(intent, at, items, kind),
            (FieldType::Record { connection, kind: record }, raw) => {
                self.fault(at, format!("the id of a {record} of `{connection}` as text"), raw.found());
                None
            }
            (FieldType::List { .. }, raw) => {
                self.fault(at, format!("an array of objects, {kind}"), raw.found());
                None
            }
            (
                FieldType::YesNo | FieldType::OneOf(_) | FieldType::Date { .. } | FieldType::Text { .. },
                raw,
            ) => {
                self.fault(at, form(kind), raw.found());
                None
            }
        }
    }

    fn number(&mut self, at: At<'_>, raw: &Raw, grid: &Grid, kind: &FieldType) -> Option<TokenValue> {
        let number = match (grid.unit, raw) {
            (Unit::Percent, Raw::Text(text)) => match text.strip_suffix('%') {
                Some(digits) => grid.read(digits),
                None => Err(OffGrid::WrongKind),
            },
            (Unit::Money(currency), Raw::Map(members)) => {
                return self.money(at, members, currency, grid, kind);
            }
            (Unit::Months | Unit::Days | Unit::Count, Raw::Integer(number)) => grid.place(*number),
            (Unit::Percent | Unit::Money(_) | Unit::Months | Unit::Days | Unit::Count, _) => {
                Err(OffGrid::WrongKind)
            }
        };
        self.placed(at, number, grid, kind, raw)
    }

    /// A number that is on its grid, or the fault that it is not.
    fn placed(
        &mut self,
        at: At<'_>,
        number: Result<i64, OffGrid>,
        grid: &Grid,
        kind: &FieldType,
        raw: &Raw,
    ) -> Option<TokenValue> {
        let off = match number {
            Ok(number) => return Some(grid.value(number)),
            Err(off) => off,
        };
        let found = raw.found();
        let (expected, found) = match off {
            OffGrid::TooFine => {
                let step = grid.value(grid.step);
                (format!("{kind} in steps of {step}"), format!("{found}, which is finer"))
            }
            OffGrid::OutOfBounds => (kind.to_string(), format!("{found}, which is out of bounds")),
            OffGrid::WrongKind | OffGrid::NotOneOf => (form(kind), found),
        };
        self.fault(at, expected, found);
        None
    }

    fn money(
        &mut self,
        at: At<'_>,
        members: &[(String, Raw)],
        currency: Currency,
        grid: &Grid,
        kind: &FieldType,
    ) -> Option<TokenValue> {
        let member = |name: &str| members.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        let before = self.faults.len();
        for (index, (key, _)) in members.iter().enumerate() {
            let place = At::Member(&at, key);
            if key != "amount" && key != "currency" {
                self.fault(place, "only `amount` and `currency`", "an unknown member");
            } else if members.iter().take(index).any(|(other, _)| other == key) {
                self.fault(place, "each member once", "the member a second time");
            }
        }
        match member("currency") {
            Some(Raw::Text(code)) if Currency::parse(code) == Ok(currency) => {}
            Some(other) => {
                self.fault(At::Member(&at, "currency"), format!("the text `{currency}`"), other.found());
            }
            None => self.fault(At::Member(&at, "currency"), format!("the text `{currency}`"), "nothing"),
        }
        let place = At::Member(&at, "amount");
        let value = match member("amount") {
            // `12.000` is twelve to one half of the world and twelve thousand to the other.
            Some(raw @ Raw::Text(text)) if is_finer(text, currency) => {
                let digits = currency.digits();
                let expected =
                    format!("an amount of {currency}, with at most {digits} digits behind the point");
                self.fault(place, expected, raw.found());
                None
            }
            Some(raw @ Raw::Text(text)) => self.placed(place, grid.read(text), grid, kind, raw),
            Some(other) => {
                self.fault(place, "decimal text such as `1250.00`", other.found());
                None
            }
            None => {
                self.fault(place, "decimal text such as `1250.00`", "nothing");
                None
            }
        };
        if self.faults.len() == before { value } else { None }
    }

    fn text(&mut self, at: At<'_>, text: &str, kind: &FieldType) -> Option<TokenValue> {
        let most = match kind {
            FieldType::Text { length: Some((_, most)) } => *most,
            FieldType::Text { length: None }
            | FieldType::Number(_)
            | FieldType::YesNo
            | FieldType::OneOf(_)
            | FieldType::Date { .. }
            | FieldType::Record { .. }
            | FieldType::List { .. } => 0,
        };
        if let Some(character) = refused_character(text, most) {
            let code = u32::from(character);
            self.fault(at, "text without hidden or look-alike characters", format!("U+{code:04X}"));
            return None;
        }
        let value = TokenValue::Text(text.to_owned());
        if kind.accepts(&value).is_err() {
            self.fault(at, format!("{kind} characters"), format!("{} characters", text.chars().count()));
            return None;
        }
        Some(value)
    }

    fn record(&mut self, at: At<'_>, text: &str, kind: &str) -> Option<TokenValue> {
        let plain = !text.is_empty()
            && text.len() <= RECORD_ID_BYTES_MAX
            && text.chars().all(|character| character.is_ascii_graphic());
        if !plain {
            let found = Raw::Text(text.to_owned()).found();
            let expected =
                format!("the id of a {kind}: 1 .. {RECORD_ID_BYTES_MAX} ASCII characters without blanks");
            self.fault(at, expected, found);
            return None;
        }
        Some(TokenValue::Record(RecordRef { kind: kind.to_owned(), id: text.to_owned() }))
    }

    fn list(
        &mut self,
        intent: &IntentType,
        at: At<'_>,
        items: &[Raw],
        kind: &FieldType,
    ) -> Option<TokenValue> {
        let specs = intent.element_specs();
        let count = TokenValue::List(vec![BTreeMap::new(); items.len()]);
        if kind.accepts(&count).is_err() {
            self.fault(at, format!("{kind} elements"), format!("{} elements", items.len()));
            return None;
        }
        let elements = items
            .iter()
            .enumerate()
            .map(|(index, item)| self.object(intent, At::Item(&at, index), item, &specs))
            .collect();
        Some(TokenValue::List(elements))
    }
}

/// How a value of this type is written in JSON.
fn form(kind: &FieldType) -> String {
    match kind {
        FieldType::Number(grid) => match grid.unit {
            Unit::Percent => format!("{kind} as text such as `12.5%`"),
            Unit::Money(currency) => {
                format!("{kind} as {{\"amount\":\"1250.00\",\"currency\":\"{currency}\"}}")
            }
            Unit::Months | Unit::Days | Unit::Count => format!("{kind} as a whole number"),
        },
        FieldType::YesNo => "true or false".to_owned(),
        FieldType::Date { .. } => format!("{kind} as text such as `2026-11-23`"),
        FieldType::OneOf(_) | FieldType::Text { .. } | FieldType::Record { .. } | FieldType::List { .. } => {
            format!("{kind} as text")
        }
    }
}

/// Whether an amount has more digits behind its point than the currency.
fn is_finer(amount: &str, currency: Currency) -> bool {
    let most = usize::try_from(currency.digits()).unwrap_or(usize::MAX);
    amount.split_once('.').is_some_and(|(_, fraction)| most < fraction.len())
}
