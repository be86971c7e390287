//! Who sees an intent, and which of its tokens and facts.

use super::{FactSource, FactSpec, LogMeasure, TokenSpec};
use crate::document::{Document, Faults};
use crate::id::FieldName;
use crate::policy::{Whom, field_name, route_take as take};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

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
pub(super) fn whoms(text: &str) -> Result<Vec<Whom>, String> {
    text.split(", ")
        .map(|one| match Whom::parse(one) {
            Ok(whom @ (Whom::Pool(_) | Whom::Role(_) | Whom::Person(_))) => Ok(whom),
            Ok(Whom::Manager(_) | Whom::NamedIn(_) | Whom::OwnerOfPolicy) | Err(_) => {
                Err(format!("`{one}`: write a list of `pool NAME`, `role NAME` and `person NAME`"))
            }
        })
        .collect()
}

/// Reads the section `Visibility`: first what its rows say, then what follows from them for computed facts.
pub(super) fn fields(
    document: &Document,
    tokens: &[TokenSpec],
    facts: &[FactSpec],
    faults: &mut Faults,
) -> BTreeMap<FieldName, Vec<Whom>> {
    let mut said = BTreeMap::new();
    let Some(table) = document.table("Visibility") else { return said };
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
        } else if let Entry::Vacant(place) = said.entry(name) {
            place.insert(by);
        } else {
            faults.at(field, format!("who sees `{}` stands here twice", field.text));
        }
    }
    with_all_that_tells(&said, tokens, facts)
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

/// The readers of each field and of all that tells it: what tells two fields is for those who see both.
fn with_all_that_tells(
    said: &BTreeMap<FieldName, Vec<Whom>>,
    tokens: &[TokenSpec],
    facts: &[FactSpec],
) -> BTreeMap<FieldName, Vec<Whom>> {
    let mut fields: BTreeMap<FieldName, Vec<Whom>> = BTreeMap::new();
    for (named, by) in said {
        for name in with_members(named, tokens, facts) {
            let readers = fields.entry(name).or_insert_with_key(|name| said.get(name).unwrap_or(by).clone());
            readers.retain(|whom| by.contains(whom));
        }
    }
    fields
}

/// A field with all that tells it: the members of a list, what was found about its elements, and facts that are
/// computed of any of these.
fn with_members(name: &FieldName, tokens: &[TokenSpec], facts: &[FactSpec]) -> Vec<FieldName> {
    let all = tokens.iter().map(|token| &token.name).chain(facts.iter().map(|fact| &fact.name));
    let is_of = |other: &&FieldName| {
        *other == name || other.as_str().split_once('.').is_some_and(|(list, _)| list == name.as_str())
    };
    let mut names: Vec<FieldName> = all.filter(is_of).cloned().collect();
    // A fact is computed of what stands above it, so that one way down finds them all.
    for fact in facts.iter().filter(|fact| fact.name != *name) {
        let of = match &fact.source {
            FactSource::Age { of } | FactSource::Log { measure: LogMeasure::SumOf(of), .. } => of,
            FactSource::Connection { .. }
            | FactSource::Directory { .. }
            | FactSource::Log { measure: LogMeasure::Count, .. } => continue,
        };
        if names.contains(of) && !names.contains(&fact.name) {
            names.push(fact.name.clone());
        }
    }
    names
}
