//! Accounts: what policies ask of them.

use crate::api;
use countersign_sdk::{Context, Failure, Field, RecordRef, Snapshot, Value};

/// Salesforce's name of the object.
pub(crate) const OBJECT: &str = "Account";

/// The fields that are read, with those that settings name.
struct Fields {
    segment: Option<String>,
    billing_account: Option<String>,
}

impl Fields {
    fn of(context: &Context<'_>) -> Result<Fields, Failure> {
        Ok(Fields {
            segment: api::name_setting(context, "segment-field")?,
            billing_account: api::name_setting(context, "billing-account-field")?,
        })
    }

    fn names(&self) -> Vec<String> {
        let always = ["Id", "Name", "AccountNumber", "OwnerId", "SystemModstamp"].map(str::to_owned);
        always.into_iter().chain(self.segment.clone()).chain(self.billing_account.clone()).collect()
    }
}

/// Whether accounts can be read with all that is asked of them.
pub(crate) fn check(context: &Context<'_>) -> Result<(), Failure> {
    let names = Fields::of(context)?.names().join(", ");
    api::query(context, "query", &format!("SELECT {names} FROM {OBJECT} LIMIT 1")).map(|_| ())
}

/// Reads an account.
pub(crate) fn fetch(context: &Context<'_>, subject: &RecordRef) -> Result<Snapshot, Failure> {
    let fields = Fields::of(context)?;
    let row = api::record(context, OBJECT, &subject.id, &fields.names())?;
    let given = |name: &Option<String>| name.as_ref().map_or(Ok(None), |name| row.text(name));
    let billing_account = given(&fields.billing_account)?;
    Ok(Snapshot {
        subject: subject.clone(),
        revision: Some(row.changed()?.0),
        url: None,
        fields: vec![
            Field::new("name", Value::text_or_absent(row.text("Name")?)),
            Field::new("number", Value::text_or_absent(row.text("AccountNumber")?)),
            Field::new("owner", Value::text_or_absent(row.id("OwnerId")?)),
            Field::new("segment", Value::text_or_absent(given(&fields.segment)?)),
            Field::new(
                "billing_account",
                billing_account.map_or(Value::Absent, |id| Value::Reference(RecordRef::new("customer", id))),
            ),
        ],
    })
}
