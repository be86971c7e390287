//! The write plan: field by field, what an approval will change, shown before anybody decides.

use crate::approval::PlannedEffect;
use crate::canonical;
use crate::record::{Field, RecordRef, Value};
use serde::{Deserialize, Serialize};

/// Most fields of one write: more than a person would read.
pub const FIELDS_MAX: usize = 500;
/// Longest write plan of an intent, in bytes of its canonical form. It is one entry of the log, which has a mebibyte, and
/// the facts and the policy's answer stand beside it.
pub const PLAN_BYTES_MAX: usize = 768 * 1024;

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

/// Why whoever approves cannot be shown all that would be written, if so: then nobody approves it. Nothing of a plan is
/// ever left out instead.
///
/// # Errors
/// What is too long, and what is allowed.
pub(crate) fn can_be_shown(writes: &[PlannedEffect]) -> Result<(), String> {
    for write in writes {
        let (count, binding, connection) = (write.plan.changes.len(), &write.binding, &write.connection);
        if FIELDS_MAX < count {
            return Err(format!(
                "binding `{binding}` would write {count} fields at connection `{connection}`; {FIELDS_MAX} are allowed, so that \
                 whoever approves can be shown them all"
            ));
        }
    }
    let bytes = canonical::to_vec(&writes).map_err(|fault| fault.to_string())?.len();
    if PLAN_BYTES_MAX < bytes {
        return Err(format!(
            "the write plan has {bytes} bytes; {PLAN_BYTES_MAX} are allowed, so that whoever approves can be shown all of it"
        ));
    }
    Ok(())
}
