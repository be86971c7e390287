//! What becomes of a trial if nobody ever answers: the same transition table, on a clock that only goes on.

use crate::approval::command::Command;
use crate::approval::event::{Entry, Event};
use crate::approval::life::{self, Context};
use crate::approval::wake::Wake;
use crate::approval::{Approval, Outcome, Stage};
use crate::id::PersonId;
use crate::rulebook::Rulebook;
use crate::time::Timestamp;
use std::collections::BTreeSet;

/// Most times that something wakes: a held seat looks every hour, and an exception runs for weeks at most.
const WAKES_MAX: u32 = 4_096;

/// Plays a trial again from the moment at which people were asked, and lets everybody be silent.
///
/// # Errors
/// Why what waits would not end with a backup and then with the fallback owner, or be declined.
pub(super) fn silent(rulebook: &Rulebook, entries: &[Entry], fallback: &PersonId) -> Result<String, String> {
    let (mut approval, mut now) = seated(entries).ok_or("it came to no seat that could be missed")?;
    let (mut asked, mut moved) = (BTreeSet::new(), BTreeSet::new());
    // The seats open as they did, with the people of now.
    let mut command = Command::Review;
    for _ in 0..WAKES_MAX {
        let context = Context::new(rulebook, now, 0);
        let turn = life::decide(&approval, command, context).map_err(|refusal| refusal.to_string())?;
        let (entries, after) = turn.into_parts();
        approval = after;
        for entry in &entries {
            if let Event::SeatOpened { row, seat } = &entry.event {
                asked.insert(*row);
                if seat.missed > 0 && !seat.eligible.is_empty() {
                    moved.insert(*row);
                }
            }
        }
        if let Some(end) = ended(&approval, fallback) {
            return match asked.difference(&moved).next() {
                Some(_) => Err("a seat that nobody fills goes to none of its backups".to_owned()),
                None => Ok(format!("left alone, its seats go to their backups, and at {now} {end}")),
            };
        }
        let Some((next, due)) = next(&approval) else {
            return Err(match approval.stage {
                Stage::Preparing { .. } => {
                    format!("left alone, it is not with `{fallback}` when its seal ends")
                }
                Stage::Unsettled { .. }
                | Stage::Returned { .. }
                | Stage::Seated { .. }
                | Stage::Executing { .. }
                | Stage::Closed(_) => "left alone, it wakes nobody".to_owned(),
            });
        };
        now = now.max(due);
        command = next;
    }
    Err(format!("left alone, it is not with `{fallback}` after it has waked {WAKES_MAX} times"))
}

/// The trial as it stood when people were asked.
fn seated(entries: &[Entry]) -> Option<(Approval, Timestamp)> {
    let mut approval = None;
    for entry in entries {
        approval = Some(life::after(approval, entry).ok()?);
        if matches!(entry.event, Event::Seated { .. }) {
            return Some((approval?, entry.at));
        }
    }
    None
}

/// In what it ends, if it has.
fn ended(approval: &Approval, fallback: &PersonId) -> Option<String> {
    let mut open = approval.exceptions.values().filter(|exception| exception.closed.is_none());
    if open.any(|exception| exception.missed > 0 && exception.owner == *fallback) {
        return Some(format!("{fallback} has it"));
    }
    match &approval.stage {
        Stage::Closed(Outcome::Declined { .. }) => {
            Some(format!("it is declined; what cannot be declined ends with {fallback}"))
        }
        Stage::Preparing { .. }
        | Stage::Unsettled { .. }
        | Stage::Returned { .. }
        | Stage::Seated { .. }
        | Stage::Executing { .. }
        | Stage::Closed(Outcome::Done { .. } | Outcome::Withdrawn { .. }) => None,
    }
}

/// What wakes next, of seats and exceptions: nobody is told anything in here.
fn next(approval: &Approval) -> Option<(Command, Timestamp)> {
    let wakes = approval.wakes().into_iter();
    let wakes = wakes.filter_map(|(wake, due)| match wake {
        Wake::Seat(row) => Some((Command::SeatDue { row }, due)),
        Wake::Exception(id) => Some((Command::ExceptionDue { id }, due)),
        Wake::Prepare
        | Wake::Effect(_)
        | Wake::Watch(_)
        | Wake::ReAssert(_)
        | Wake::Returned
        | Wake::Notice(_)
        | Wake::Delivery => None,
    });
    wakes.min_by_key(|(_, due)| *due)
}
