//! What is asked for, what was shown, what was written: the records of the contract.

use crate::failure::Failure;
use crate::value::{Field, Money, RecordRef, Value};

/// What the vendor holds now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The record that was read.
    pub subject: RecordRef,
    /// The vendor's version token, if it has one.
    pub revision: Option<String>,
    /// Where a person opens the record, if the vendor has an address for it.
    pub url: Option<String>,
    /// The fields that this connector knows, each name at most once, in a fixed order.
    pub fields: Vec<Field>,
}

impl Snapshot {
    /// The value of the field `name`; [`Value::Absent`] if the snapshot has no such field.
    #[must_use]
    pub fn value(&self, name: &str) -> &Value {
        value_in(&self.fields, name)
    }
}

/// One page of changed records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The records, oldest change first.
    pub items: Vec<Snapshot>,
    /// Where to go on; a page with items always says it. `None` when there is nothing more for now.
    pub next: Option<String>,
}

/// What is to be done, without saying that anybody approved it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Name of one of the described operations.
    pub operation: String,
    /// The record that the change is about; for a creation, the parent.
    pub subject: RecordRef,
    /// The input, already checked by the host against the operation's schema.
    pub fields: Vec<Field>,
}

impl Proposal {
    /// The value of the input `name`; [`Value::Absent`] if it was left out.
    #[must_use]
    pub fn value(&self, name: &str) -> &Value {
        value_in(&self.fields, name)
    }

    /// The input `name` as money.
    ///
    /// # Errors
    /// `rejected`, naming the field, when it is missing or something else.
    pub fn money(&self, name: &str) -> Result<&Money, Failure> {
        match self.value(name) {
            Value::Money(money) => Ok(money),
            other => Err(wrong(name, "an amount of money", other)),
        }
    }

    /// The input `name` as text that is not empty.
    ///
    /// # Errors
    /// `rejected`, naming the field, when it is missing, empty or something else.
    pub fn text(&self, name: &str) -> Result<&str, Failure> {
        match self.value(name) {
            Value::Text(text) if !text.is_empty() => Ok(text),
            other => Err(wrong(name, "text", other)),
        }
    }

    /// The input `name` as text; `None` if it was left out.
    ///
    /// # Errors
    /// `rejected`, naming the field, when it is something else.
    pub fn optional_text(&self, name: &str) -> Result<Option<&str>, Failure> {
        match self.value(name) {
            Value::Text(text) => Ok(Some(text)),
            Value::Absent => Ok(None),
            other => Err(wrong(name, "text", other)),
        }
    }

    /// The input `name` as a whole number.
    ///
    /// # Errors
    /// `rejected`, naming the field, when it is missing or something else.
    pub fn integer(&self, name: &str) -> Result<i64, Failure> {
        match self.value(name) {
            Value::Integer(number) => Ok(*number),
            other => Err(wrong(name, "a whole number", other)),
        }
    }

    /// The input `name` as decimal text.
    ///
    /// # Errors
    /// `rejected`, naming the field, when it is missing or something else.
    pub fn decimal(&self, name: &str) -> Result<&str, Failure> {
        match self.value(name) {
            Value::Decimal(text) => Ok(text),
            other => Err(wrong(name, "a decimal number", other)),
        }
    }

    /// The id of a record that is given either as a reference or, by people, as plain text.
    ///
    /// # Errors
    /// `rejected`, naming the field, when it is missing or something else.
    pub fn record_id(&self, name: &str) -> Result<&str, Failure> {
        match self.value(name) {
            Value::Reference(record) if !record.id.is_empty() => Ok(&record.id),
            Value::Text(text) if !text.is_empty() => Ok(text),
            other => Err(wrong(name, "a record", other)),
        }
    }
}

/// The value of the field called `name`; [`Value::Absent`] if there is none.
fn value_in<'a>(fields: &'a [Field], name: &str) -> &'a Value {
    fields.iter().find(|field| field.name == name).map_or(&Value::Absent, |field| &field.value)
}

/// The refusal of an input that is not what the operation takes.
fn wrong(name: &str, wanted: &str, found: &Value) -> Failure {
    let found = match found {
        Value::Text(text) if text.is_empty() => "empty text",
        other => other.case(),
    };
    Failure::rejected("bad-input", format!("the field `{name}` must be {wanted}, not {found}")).naming(name)
}

/// One line of a write plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Name of the field, as in a snapshot.
    pub name: String,
    /// What the vendor holds now; [`Value::Absent`] for a creation.
    pub before: Value,
    /// What it will hold once the effect has landed.
    pub after: Value,
}

impl Change {
    /// A change of the field `name`.
    #[must_use]
    pub fn new(name: impl Into<String>, before: Value, after: Value) -> Change {
        Change { name: name.into(), before, after }
    }
}

/// The field-by-field changes that an approval will make. People see it before they decide, and
/// `apply` writes these changes and no others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WritePlan {
    /// The record that will be written; the parent, for a creation.
    pub subject: RecordRef,
    /// Revision that `before` was read at.
    pub revision: Option<String>,
    /// Every field that will be written, each name at most once.
    pub changes: Vec<Change>,
    /// Plain sentences for the approver on what the vendor will do by itself.
    pub remarks: Vec<String>,
}

impl WritePlan {
    /// The plan of a creation: every field of the proposal, from nothing to what was asked for.
    #[must_use]
    pub fn creation(what: &Proposal) -> WritePlan {
        let changes = what
            .fields
            .iter()
            .map(|field| Change::new(&field.name, Value::Absent, field.value.clone()))
            .collect();
        WritePlan { subject: what.subject.clone(), revision: None, changes, remarks: Vec::new() }
    }

    /// The plan of an update: each wanted field that the snapshot does not hold already.
    #[must_use]
    pub fn update(now: &Snapshot, wanted: &[Field]) -> WritePlan {
        let changes = wanted
            .iter()
            .filter(|field| *now.value(&field.name) != field.value)
            .map(|field| Change::new(&field.name, now.value(&field.name).clone(), field.value.clone()))
            .collect();
        WritePlan {
            subject: now.subject.clone(),
            revision: now.revision.clone(),
            changes,
            remarks: Vec::new(),
        }
    }

    /// The value that the field `name` will have; `None` if the plan does not write it.
    #[must_use]
    pub fn after(&self, name: &str) -> Option<&Value> {
        self.changes.iter().find(|change| change.name == name).map(|change| &change.after)
    }

    /// The planned fields with the values that they will have: what a receipt that took
    /// everything as planned says it applied.
    #[must_use]
    pub fn applied(&self) -> Vec<Field> {
        self.changes.iter().map(|change| Field::new(&change.name, change.after.clone())).collect()
    }
}

/// One approved change to one system, as one attempt sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The same for ever. At most 64 characters of a-z, 0-9, `_` and `-`: fit to be stored at
    /// the vendor as a key.
    pub effect_id: String,
    /// Which attempt this is, counted from 1. What is written must not depend on it.
    pub attempt: u32,
    /// What was asked for.
    pub what: Proposal,
    /// What was shown and sealed.
    pub plan: WritePlan,
    /// The moment of the attempt, in milliseconds since 1970 in UTC.
    pub now_ms: u64,
    /// Documented names; ignore unknown ones.
    pub extra: Vec<(String, String)>,
}

impl Effect {
    /// What is to be written, as sealed: the proposal with each planned field as the plan has
    /// it. `apply` reads its input from here, so that it writes what was shown.
    #[must_use]
    pub fn sealed(&self) -> Proposal {
        let mut sealed = self.what.clone();
        for change in &self.plan.changes {
            match sealed.fields.iter_mut().find(|field| field.name == change.name) {
                Some(field) => field.value = change.after.clone(),
                None => sealed.fields.push(Field::new(&change.name, change.after.clone())),
            }
        }
        sealed
    }
}

/// The target's proof that an effect landed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The record that holds the change now; for a creation, the new record.
    pub subject: RecordRef,
    /// Its revision after the write, if the vendor has one.
    pub revision: Option<String>,
    /// Where a person opens the record, if the vendor has an address for it.
    pub url: Option<String>,
    /// The vendor's own id of the request.
    pub vendor_request_id: Option<String>,
    /// The written fields with the values that the vendor says it holds now.
    pub applied: Vec<Field>,
    /// Documented names.
    pub extra: Vec<(String, String)>,
}

impl Receipt {
    /// A receipt with the two things that every receipt has.
    #[must_use]
    pub fn new(subject: RecordRef, applied: Vec<Field>) -> Receipt {
        Receipt { subject, revision: None, url: None, vendor_request_id: None, applied, extra: Vec::new() }
    }
}

/// What a probe found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The effect is there.
    Landed(Receipt),
    /// The effect is not there.
    Absent,
    /// The vendor does not say, or may still be working on it.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposal(fields: Vec<Field>) -> Proposal {
        Proposal { operation: "set".into(), subject: RecordRef::new("quote", "7"), fields }
    }

    #[test]
    fn an_update_plans_only_what_differs() {
        let now = Snapshot {
            subject: RecordRef::new("quote", "7"),
            revision: Some("r1".into()),
            url: None,
            fields: vec![Field::new("term", Value::Integer(12)), Field::new("days", Value::Integer(30))],
        };
        let wanted = [Field::new("term", Value::Integer(12)), Field::new("days", Value::Integer(14))];
        let plan = WritePlan::update(&now, &wanted);
        assert_eq!(plan.changes, [Change::new("days", Value::Integer(30), Value::Integer(14))]);
        assert_eq!(plan.revision.as_deref(), Some("r1"));
    }

    #[test]
    fn what_is_written_is_what_was_sealed() {
        let what = proposal(vec![Field::new("seal", Value::Text("{seal}".into()))]);
        let mut plan = WritePlan::creation(&what);
        plan.changes[0].after = Value::Text("abc".into());
        let effect = Effect { effect_id: "e-1".into(), attempt: 1, what, plan, now_ms: 0, extra: Vec::new() };
        assert_eq!(effect.sealed().text("seal"), Ok("abc"));
    }

    #[test]
    fn a_wrong_input_is_refused_by_name() {
        let what = proposal(vec![Field::new("amount", Value::Text("12".into()))]);
        let refused = what.money("amount").expect_err("text is no money");
        assert_eq!(
            refused.to_string(),
            "rejected (bad-input): the field `amount` must be an amount of money, not text"
        );
        assert!(matches!(refused, Failure::Rejected { fields, .. } if fields == ["amount"]));
        assert!(what.text("reason").is_err());
        assert_eq!(what.optional_text("reason"), Ok(None));
    }
}
