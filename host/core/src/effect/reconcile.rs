//! Reconciliation: what was approved, what was written and what the target holds now, side by side.

use super::attempt::Receipt;
use super::plan::Change;
use crate::record::{Snapshot, Value};
use serde::{Deserialize, Serialize};

/// Whether a target holds what was approved. In the order in which they weigh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Agreement {
    /// It does.
    True,
    /// It holds what it held before: the write was lost, or somebody took it back.
    Late,
    /// It holds something else.
    Drifted,
    /// The record is not there.
    Gone,
    /// Nobody can say: it could not be read, or its connector does not read that field.
    Unreadable,
}

impl Agreement {
    /// The word of it on every surface.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Agreement::True => "true",
            Agreement::Late => "late",
            Agreement::Drifted => "drifted",
            Agreement::Gone => "gone",
            Agreement::Unreadable => "unreadable",
        }
    }
}

/// One field, compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// Name of the field.
    pub field: String,
    /// What the target held when it was planned.
    pub before: Value,
    /// What was approved.
    pub approved: Value,
    /// What the target said that it had written; `None` if it said nothing of this field.
    pub written: Option<Value>,
    /// What the target holds now; `None` if nobody can say.
    pub current: Option<Value>,
    /// The verdict.
    pub agreement: Agreement,
}

/// Why a target could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// It answered that there is no such record.
    Gone,
    /// It did not answer, or not that.
    Unreadable,
}

/// Compares each field that was written with what is there now.
#[must_use]
pub fn compare(changes: &[Change], receipt: &Receipt, now: Result<&Snapshot, Unread>) -> Vec<Compared> {
    let compared = |change: &Change| {
        let current = now.ok().and_then(|snapshot| snapshot.field(&change.name)).cloned();
        let agreement = match (now, &current) {
            (Err(Unread::Gone), _) => Agreement::Gone,
            (Err(Unread::Unreadable), _) | (Ok(_), None) => Agreement::Unreadable,
            (Ok(_), Some(current)) if *current == change.after => Agreement::True,
            (Ok(_), Some(current)) if *current == change.before => Agreement::Late,
            (Ok(_), Some(_)) => Agreement::Drifted,
        };
        let written = receipt.applied.iter().find(|field| field.name == change.name);
        Compared {
            field: change.name.clone(),
            before: change.before.clone(),
            approved: change.after.clone(),
            written: written.map(|field| field.value.clone()),
            current,
            agreement,
        }
    };
    changes.iter().map(compared).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Field, RecordRef};

    #[test]
    fn a_field_is_true_late_drifted_gone_or_unreadable() {
        let text = |value: &str| Value::Text(value.into());
        let change = Change { name: "price".into(), before: text("100"), after: text("75") };
        let subject = RecordRef { kind: "quote".into(), id: "7".into() };
        let applied = vec![Field { name: "price".into(), value: text("75.00") }];
        let receipt =
            Receipt { subject: subject.clone(), revision: None, url: None, vendor_request_id: None, applied };
        let holding = |name: &str, value: &str| Snapshot {
            subject: subject.clone(),
            revision: None,
            url: None,
            fields: vec![Field { name: name.into(), value: text(value) }],
        };
        for (now, expected) in [
            (Ok(holding("price", "75")), Agreement::True),
            (Ok(holding("price", "100")), Agreement::Late),
            (Ok(holding("price", "80")), Agreement::Drifted),
            (Ok(holding("term", "75")), Agreement::Unreadable),
            (Err(Unread::Gone), Agreement::Gone),
            (Err(Unread::Unreadable), Agreement::Unreadable),
        ] {
            let found = compare(std::slice::from_ref(&change), &receipt, now.as_ref().map_err(|why| *why));
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].agreement, expected, "{now:?}");
            assert_eq!(found[0].written, Some(text("75.00")));
        }
        // Where nothing was to change, what is approved is what was there: that is no write that was lost.
        let same = Change { after: text("100"), ..change };
        let found = compare(&[same], &receipt, Ok(&holding("price", "100")));
        assert_eq!(found[0].agreement, Agreement::True);
    }
}
