//! Reconciliation: what was approved, what was written and what the target holds now, side by side; and when the
//! target is read for it.

use super::attempt::Receipt;
use super::plan::Change;
use crate::exception::Cause;
use crate::intent::{Reconciled, Remedy};
use crate::record::{Snapshot, Value};
use crate::time::{Millis, Timestamp};
use serde::{Deserialize, Serialize};

/// How long after its landing a write is read back for the first time.
pub const FIRST_LOOK: Millis = Millis::minutes(1);
/// A write is read back again when it is so many times as old as it was at the last look.
pub const LOOK_AGE_FACTOR: u64 = 4;
/// Longest time between two looks.
pub const LOOK_GAP_MAX: Millis = Millis::hours(7 * 24);
/// Longest time between two looks while the target does not hold what was approved.
pub const AMISS_GAP_MAX: Millis = Millis::hours(24);
/// How long a write is read back at all, unless its target does not hold what was approved.
pub const WATCHED_MAX: Millis = Millis::hours(90 * 24);
/// How often a write is written again by itself. What then still is otherwise somebody must look at: something else
/// writes there.
pub const RE_ASSERTS_MAX: u32 = 3;
/// Code of what says that something is not written again while another intent is writing there.
pub const WRITTEN_ELSEWHERE: &str = "written-elsewhere";
/// How long a write that is to be written again may wait for its target to answer.
pub const RE_ASSERT_WAIT_MAX: Millis = Millis::hours(24);

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

    /// Whether the target is known not to hold what was approved.
    #[must_use]
    pub fn is_amiss(self) -> bool {
        match self {
            Agreement::Late | Agreement::Drifted | Agreement::Gone => true,
            Agreement::True | Agreement::Unreadable => false,
        }
    }

    /// The cause of an exception about it.
    #[must_use]
    pub fn cause(self) -> Option<Cause> {
        match self {
            Agreement::True => None,
            Agreement::Late => Some(Cause::Late),
            Agreement::Drifted => Some(Cause::Drift),
            Agreement::Gone => Some(Cause::Gone),
            Agreement::Unreadable => Some(Cause::Unreadable),
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
    /// It answered that this record cannot be read: asked again it will say the same.
    Refused,
    /// It refused the credential of this host.
    Denied,
    /// It cannot be reached now, whatever the record.
    Unreachable,
}

/// When a write that landed then is read back next, after a look of now; `None` once it is old.
#[must_use]
pub fn next_look(landed: Timestamp, now: Timestamp, agreement: Agreement) -> Option<Timestamp> {
    let age = now.since(landed);
    // A clock that was set back since says nothing of how old it is.
    let grown =
        if now < landed { AMISS_GAP_MAX.0 } else { age.0.saturating_mul(LOOK_AGE_FACTOR.saturating_sub(1)) };
    let wait = grown.max(FIRST_LOOK.0);
    let longest = match agreement {
        Agreement::True | Agreement::Unreadable => LOOK_GAP_MAX,
        Agreement::Late | Agreement::Drifted | Agreement::Gone => AMISS_GAP_MAX,
    };
    let goes_on = age < WATCHED_MAX || agreement.is_amiss();
    goes_on.then(|| now.plus(Millis(wait.min(longest.0))))
}

/// What a look says of the fields that the intent type watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The gravest verdict on them; nobody can say only where nothing is known to be amiss.
    pub agreement: Agreement,
    /// The fields that have it, or are amiss otherwise.
    pub fields: Vec<String>,
    /// What the intent type says about that: the most careful of its rows. `None` where nothing is amiss.
    pub remedy: Option<Remedy>,
}

/// Judges a look by the rows of the intent type for its binding; what is not watched does not count.
#[must_use]
pub fn judge(compared: &[Compared], rows: &[&Reconciled]) -> Judged {
    let row = |field: &str| rows.iter().find(|row| row.field == field);
    let watched = compared.iter().filter_map(|field| Some((field, row(&field.field)?)));
    let (mut agreement, mut remedy) = (Agreement::True, None);
    let (mut amiss, mut unread) = (Vec::new(), Vec::new());
    for (field, row) in watched {
        let wanted = match field.agreement {
            Agreement::True => continue,
            Agreement::Unreadable => {
                unread.push(field.field.clone());
                continue;
            }
            Agreement::Late => row.late,
            Agreement::Drifted => row.drifted,
            Agreement::Gone => row.gone,
        };
        agreement = agreement.max(field.agreement);
        remedy = remedy.max(Some(wanted));
        amiss.push(field.field.clone());
    }
    if amiss.is_empty() && !unread.is_empty() {
        return Judged { agreement: Agreement::Unreadable, fields: unread, remedy: None };
    }
    Judged { agreement, fields: amiss, remedy }
}

/// Compares each field that was written with what is there now.
#[must_use]
pub fn compare(changes: &[Change], receipt: &Receipt, now: Result<&Snapshot, Unread>) -> Vec<Compared> {
    let compared = |change: &Change| {
        let current = now.ok().and_then(|snapshot| snapshot.field(&change.name)).cloned();
        let agreement = match (now, &current) {
            (Err(Unread::Gone), _) => Agreement::Gone,
            (Err(Unread::Refused | Unread::Denied | Unread::Unreachable), _) | (Ok(_), None) => {
                Agreement::Unreadable
            }
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
        let receipt = Receipt {
            subject: subject.clone(),
            revision: None,
            url: None,
            vendor_request_id: None,
            applied,
            extra: Vec::new(),
        };
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
            (Err(Unread::Refused), Agreement::Unreadable),
            (Err(Unread::Unreachable), Agreement::Unreadable),
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
