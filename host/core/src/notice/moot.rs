//! When there is nothing to tell any more.

use super::{About, Notice};
use crate::approval::seat::{Reply, Seat, Seats};
use crate::approval::{Approval, Stage};
use crate::exception::Exception;
use crate::id::{ExceptionId, PersonId};

/// Whether what a notice is about is over, or is not its person's any more. How an intent ended is always
/// told.
#[must_use]
pub fn is_moot(approval: &Approval, notice: &Notice) -> bool {
    is_over(approval, &notice.to, &notice.about)
}

/// The same of what somebody was told about, by whatever way.
pub(super) fn is_over(approval: &Approval, to: &PersonId, about: &About) -> bool {
    match about {
        About::Seat { rows, .. } => !rows.iter().any(|row| can_decide(approval, *row, to)),
        About::Free { row, .. } => !can_decide(approval, *row, to),
        About::Question { question } => {
            let asked = seats(approval).and_then(|seats| seats.question(*question));
            !asked.is_some_and(|asked| matches!(asked.reply, Reply::Awaited { .. }))
        }
        About::Answer { question } => {
            let asked = seats(approval).and_then(|seats| seats.question(*question));
            !asked.is_some_and(|asked| can_decide(approval, asked.row, to))
        }
        About::Soon { row, missed } => {
            let seat = seats(approval).and_then(|seats| seats.open.get(row));
            seat.is_none_or(|seat| seat.is_filled() || seat.missed != *missed || seat.eligible.contains(to))
        }
        About::SentBack => !matches!(approval.stage, Stage::Returned { .. }),
        About::Missed { row } => {
            let seat = seats(approval).and_then(|seats| seats.open.get(row));
            seat.is_none_or(Seat::is_filled)
        }
        About::HeldUp { id } => open(approval, *id).is_none(),
        About::Exception { id, .. } => open(approval, *id).is_none_or(|exception| exception.owner != *to),
        About::SoonException { id, missed } => {
            open(approval, *id).is_none_or(|exception| exception.missed != *missed || exception.owner == *to)
        }
        // What was declined and is overridden has not ended like that.
        About::Declined => !matches!(approval.stage, Stage::Closed(_)),
        About::GlassBroken | About::Approved | About::Done => false,
    }
}

/// Whether a person can give a voice in a seat now, as far as the approval itself says.
pub(super) fn can_decide(approval: &Approval, row: u32, person: &PersonId) -> bool {
    let Some(seats) = seats(approval) else { return false };
    let Some(seat) = seats.open.get(&row) else { return false };
    let voiced = seats.voices().any(|voice| voice == person);
    !seat.is_filled() && !voiced && seat.eligible.contains(person) && seat.is_free_for(person)
}

pub(super) fn seats(approval: &Approval) -> Option<&Seats> {
    match &approval.stage {
        Stage::Seated { seats, .. } => Some(seats),
        Stage::Preparing { .. }
        | Stage::Unsettled { .. }
        | Stage::Returned { .. }
        | Stage::Executing { .. }
        | Stage::Closed(_) => None,
    }
}

pub(super) fn open(approval: &Approval, id: ExceptionId) -> Option<&Exception> {
    approval.exceptions.get(&id).filter(|exception| exception.closed.is_none())
}
