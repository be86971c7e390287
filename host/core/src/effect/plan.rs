//! The write plan: field by field, what an approval will change, shown before anybody decides.

use crate::record::{Field, RecordRef, Value};
use serde::{Deserialize, Serialize};

/// What is to be done at one connection, without saying that anybody approved it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// One of the connector's operations.
    pub operation: String,
    /// The record that the change is about; the parent, for a creation.
    pub subject: RecordRef,
    /// The input of the operation.
    pub fields: Vec<Field>,
}

/// One line of a write plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Name of the field.
    pub name: String,
    /// What the target holds now.
    pub before: Value,
    /// What it will hold once the effect has landed.
    pub after: Value,
}

impl Change {
    /// The change that takes this one back.
    #[must_use]
    pub fn exchanged(&self) -> Change {
        Change { name: self.name.clone(), before: self.after.clone(), after: self.before.clone() }
    }
}

/// The changes that one effect will make. The seal covers it; `apply` writes these and no others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WritePlan {
    /// The record that will be written.
    pub subject: RecordRef,
    /// The revision that `before` was read at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Every field that will be written, each name at most once.
    pub changes: Vec<Change>,
    /// The connector's own words to the approver.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

impl WritePlan {
    /// The plan that takes this one back.
    ///
    /// It carries no revision. What else became of the record since is none of its business: the connector compares
    /// the fields themselves.
    #[must_use]
    pub fn taken_back(&self) -> WritePlan {
        WritePlan {
            subject: self.subject.clone(),
            revision: None,
            changes: self.changes.iter().map(Change::exchanged).collect(),
            remarks: Vec::new(),
        }
    }
}
