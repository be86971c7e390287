//! Approval records: records of a custom object, each under the id of its effect.
//!
//! The id stands in a unique external-id field, and the record is made by an upsert on it: sent twice, it is one record
//! (<https://developer.salesforce.com/docs/platform/api-rest/guide/dome-upsert.html>).

use crate::api::{self, Row};
use crate::opportunity;
use countersign_sdk::{
    Context, Effect, Failure, Field, Finding, Proposal, Receipt, RecordRef, Snapshot, Value, WritePlan,
};
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use std::collections::BTreeMap;

/// What an approval record says, and in which fields.
const WORDS: [(&str, &str); 5] = [
    ("intent_id", "Intent_Id__c"),
    ("decision", "Decision__c"),
    ("approvers", "Approvers__c"),
    ("policy_version", "Policy_Version__c"),
    ("seal", "Seal__c"),
];

/// Its field for the opportunity.
const OPPORTUNITY: &str = "Opportunity__c";

/// The object, and its field for the effect's id.
struct Place {
    object: String,
    key: String,
}

#[derive(Debug, Deserialize)]
struct Described {
    fields: Vec<DescribedField>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescribedField {
    name: String,
    createable: bool,
    external_id: bool,
    unique: bool,
}

impl Place {
    /// `None` where no approval records are kept.
    fn of(context: &Context<'_>) -> Result<Option<Place>, Failure> {
        let Some(object) = api::name_setting(context, "approval-object")? else { return Ok(None) };
        let key = api::name_setting(context, "approval-key")?.ok_or_else(|| missing("approval-key"))?;
        Ok(Some(Place { object, key }))
    }

    fn needed(context: &Context<'_>) -> Result<Place, Failure> {
        Place::of(context)?.ok_or_else(|| missing("approval-object"))
    }

    fn names(&self) -> Vec<String> {
        let always = ["Id", &self.key, OPPORTUNITY, "SystemModstamp"];
        always.into_iter().chain(WORDS.map(|(_, field)| field)).map(str::to_owned).collect()
    }
}

/// The object of the approval records, if there is any.
pub(crate) fn object(context: &Context<'_>) -> Result<Option<String>, Failure> {
    Ok(Place::of(context)?.map(|place| place.object))
}

/// Whether the object can keep the promise: without a unique key, a record could be made twice.
pub(crate) fn check(context: &Context<'_>) -> Result<(), Failure> {
    let Some(place) = Place::of(context)? else { return Ok(()) };
    let described: Described = api::describe(context, &place.object)?;
    let field = |name: &str| described.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name));
    if !field(&place.key).is_some_and(|key| key.external_id && key.unique) {
        let words = format!("`{}.{}` must be an external id, and unique", place.object, place.key);
        return Err(Failure::rejected("not-unique", words));
    }
    let names = [place.key.as_str(), OPPORTUNITY].into_iter().chain(WORDS.map(|(_, name)| name));
    let closed: Vec<&str> = names.filter(|name| !field(name).is_some_and(|field| field.createable)).collect();
    if closed.is_empty() {
        return Ok(());
    }
    let words = format!("`{}` cannot be made with {}", place.object, closed.join(", "));
    Err(Failure::denied("missing-field", words))
}

/// Reads an approval record.
pub(crate) fn fetch(context: &Context<'_>, subject: &RecordRef) -> Result<Snapshot, Failure> {
    let place = Place::needed(context)?;
    snapshot(&api::record(context, &place.object, &subject.id, &place.names())?)
}

/// A new record with every word of the proposal.
pub(crate) fn plan(context: &Context<'_>, what: &Proposal) -> Result<WritePlan, Failure> {
    let place = Place::needed(context)?;
    // Only its presence matters: a record of nothing would be refused too late.
    api::record(context, opportunity::OBJECT, &what.subject.id, &["Id".to_owned()])?;
    what.text("intent_id")?;
    let mut plan = WritePlan::creation(what);
    for change in &mut plan.changes {
        let word = what.optional_text(&change.name)?.unwrap_or_default();
        // Salesforce keeps no white space at either end.
        change.after = Value::Text(word.trim().to_owned());
    }
    plan.remarks.push(format!("a record of `{}` is made; the opportunity stays as it is", place.object));
    Ok(plan)
}

/// One attempt. It looks first, so that a record that somebody has changed since is not written over.
pub(crate) fn apply(context: &Context<'_>, effect: &Effect) -> Result<Receipt, Failure> {
    let place = Place::needed(context)?;
    api::must_be_id(&effect.what.subject.id)?;
    if let Some(row) = find(context, &place, effect)? {
        return receipt(&row, effect);
    }
    let at = [place.object.as_str(), &place.key, &effect.effect_id];
    api::write(context, "record-approval", &at, &values(effect)?, None).map_err(named)?;
    let found = find(context, &place, effect)
        .and_then(|row| row.map(|row| receipt(&row, effect)).transpose())
        .map_err(|failure| api::unseen(&failure.detail().message))?;
    found.ok_or_else(|| api::unseen("there is no record with the effect's id"))
}

/// The record under the effect's id is the effect.
pub(crate) fn probe(context: &Context<'_>, effect: &Effect) -> Result<Finding, Failure> {
    match find(context, &Place::needed(context)?, effect)? {
        Some(row) => Ok(Finding::Landed(receipt(&row, effect)?)),
        None => Ok(Finding::Absent),
    }
}

fn find(context: &Context<'_>, place: &Place, effect: &Effect) -> Result<Option<Row>, Failure> {
    let Place { object, key } = place;
    let id = &effect.effect_id;
    if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)) {
        return Err(Failure::bug("the effect's id has characters that no query may hold"));
    }
    let soql = format!("SELECT {} FROM {object} WHERE {key} = '{id}' LIMIT 2", place.names().join(", "));
    let mut rows = api::query(context, "query", &soql)?.rows;
    if 1 < rows.len() {
        return Err(api::not_unique());
    }
    match rows.pop() {
        Some(row) if row.needed(key)? != *id => Err(api::odd(key)),
        row => Ok(row),
    }
}

/// The sealed words as Salesforce's fields.
fn values(effect: &Effect) -> Result<BTreeMap<String, Box<RawValue>>, Failure> {
    let sealed = effect.sealed();
    sealed.text("intent_id")?;
    let mut values = BTreeMap::from([(OPPORTUNITY.to_owned(), to_raw_value(&effect.what.subject.id)?)]);
    for (name, field) in WORDS {
        if let Some(word) = sealed.optional_text(name)? {
            values.insert(field.to_owned(), to_raw_value(word)?);
        }
    }
    Ok(values)
}

/// Our names of the fields that Salesforce names in a refusal.
fn named(failure: Failure) -> Failure {
    let Failure::Rejected { fields, detail } = failure else { return failure };
    let ours = |field: String| {
        let known = WORDS.iter().find(|(_, theirs)| *theirs == field);
        known.map_or(field, |(name, _)| (*name).to_owned())
    };
    Failure::Rejected { fields: fields.into_iter().map(ours).collect(), detail }
}

fn receipt(row: &Row, effect: &Effect) -> Result<Receipt, Failure> {
    let now = snapshot(row)?;
    let planned = effect.plan.changes.iter();
    let applied = planned.map(|change| Field::new(&change.name, now.value(&change.name).clone())).collect();
    let mut receipt = Receipt::new(now.subject, applied);
    receipt.revision = now.revision;
    Ok(receipt)
}

fn snapshot(row: &Row) -> Result<Snapshot, Failure> {
    let mut fields = Vec::new();
    for (name, field) in WORDS {
        // Salesforce keeps an empty word as nothing.
        fields.push(Field::new(name, Value::Text(row.text(field)?.unwrap_or_default())));
    }
    let opportunity = row.id(OPPORTUNITY)?;
    fields.push(Field::new(
        "opportunity",
        opportunity.map_or(Value::Absent, |id| Value::Reference(RecordRef::new("opportunity", id))),
    ));
    Ok(Snapshot {
        subject: RecordRef::new("approval", row.own_id()?),
        revision: Some(row.changed()?.0),
        url: None,
        fields,
    })
}

fn missing(setting: &str) -> Failure {
    Failure::rejected("missing-setting", format!("the connection needs the setting `{setting}`"))
}
