//! Who sees an intent, and which of its tokens and facts.

use super::{FactSpec, TokenSpec};
use crate::document::{Cell, Document, Faults};
use crate::id::FieldName;
use crate::policy::{Whom, field_name, route_take as take};
use std::collections::BTreeMap;

/// What is said of those who see nothing but what they are in anyway.
const IN_IT: &str = "those in it";
/// What is said of a field that is for nobody but those who decide.
const DECIDE: &str = "those who decide";

/// Who sees an intent, beside those who are in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SeenBy {
    /// Everybody of the house.
    #[default]
    Everybody,
    /// These; nobody if there are none.
    Only(Vec<Whom>),
}

/// What of the intents of a type is not for everybody. No part of what is decided, and so of no version of a
/// policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Visibility {
    /// Who sees that there is an intent.
    pub intent: SeenBy,
    /// Tokens and facts that are not for everybody who sees the intent, and for whom they are beside those who
    /// decide.
    pub fields: BTreeMap<FieldName, Vec<Whom>>,
}

impl Visibility {
    /// Whether everybody sees everything.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.intent == SeenBy::Everybody && self.fields.is_empty()
    }
}

impl SeenBy {
    /// Who is named.
    #[must_use]
    pub fn named(&self) -> &[Whom] {
        match self {
            SeenBy::Everybody => &[],
            SeenBy::Only(whoms) => whoms,
        }
    }

    /// Reads the header row `seen by`.
    pub(super) fn parse(text: &str) -> Result<SeenBy, String> {
        match text {
            "everybody" => Ok(SeenBy::Everybody),
            IN_IT => Ok(SeenBy::Only(Vec::new())),
            list => {
                whoms(list).map(SeenBy::Only).map_err(|why| format!("{why}; or `everybody`, or `{IN_IT}`"))
            }
        }
    }
}

/// Pools, roles and persons, the same whoever asks for what.
fn whoms(text: &str) -> Result<Vec<Whom>, String> {
    text.split(", ")
        .map(|one| match Whom::parse(one) {
            Ok(whom @ (Whom::Pool(_) | Whom::Role(_) | Whom::Person(_))) => Ok(whom),
            Ok(Whom::Manager(_) | Whom::NamedIn(_) | Whom::OwnerOfPolicy) | Err(_) => {
                Err(format!("`{one}`: write a list of `pool NAME`, `role NAME` and `person NAME`"))
            }
        })
        .collect()
}

/// Reads the section `Visibility`.
pub(super) fn fields(
    document: &Document,
    tokens: &[TokenSpec],
    facts: &[FactSpec],
    faults: &mut Faults,
) -> BTreeMap<FieldName, Vec<Whom>> {
    let mut fields = BTreeMap::new();
    let Some(table) = document.table("Visibility") else { return fields };
    for [field, seen] in table.rows_of(["field", "seen by"], faults) {
        let name = take(field_name(&field.text), field, faults);
        let by = if seen.text == DECIDE {
            Some(Vec::new())
        } else {
            take(whoms(&seen.text).map_err(|why| format!("{why}; or `{DECIDE}`")), seen, faults)
        };
        let (Some(name), Some(by)) = (name, by) else { continue };
        if let Some(wrong) = unfit(&name, tokens, facts) {
            faults.at(field, wrong);
            continue;
        }
        noted(&mut fields, with_members(&name, tokens, facts), by, field, faults);
    }
    fields
}

/// Why a field cannot have readers of its own.
fn unfit(name: &FieldName, tokens: &[TokenSpec], facts: &[FactSpec]) -> Option<String> {
    let token = tokens.iter().find(|token| token.name == *name);
    let list = name.as_str().split_once('.').map(|(list, _)| list);
    match (token, list) {
        (Some(_), Some(list)) => Some(format!("`{name}` is shown with its list; write `{list}`")),
        (Some(_), None) => None,
        (None, _) if facts.iter().any(|fact| fact.name == *name) => None,
        (None, _) => Some(format!("`{name}` is no token and no fact")),
    }
}

fn noted(
    fields: &mut BTreeMap<FieldName, Vec<Whom>>,
    names: Vec<FieldName>,
    by: Vec<Whom>,
    cell: &Cell,
    faults: &mut Faults,
) {
    for name in names {
        if fields.insert(name.clone(), by.clone()).is_some() {
            faults.at(cell, format!("who sees `{name}` stands here twice"));
        }
    }
}

/// A field with all that belongs to it: the members of a list and what was found about its elements.
fn with_members(name: &FieldName, tokens: &[TokenSpec], facts: &[FactSpec]) -> Vec<FieldName> {
    let all = tokens.iter().map(|token| &token.name).chain(facts.iter().map(|fact| &fact.name));
    let is_of = |other: &&FieldName| {
        *other == name || other.as_str().split_once('.').is_some_and(|(list, _)| list == name.as_str())
    };
    all.filter(is_of).cloned().collect()
}
