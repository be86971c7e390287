//! Why an intent waits for somebody: what they can do about it now that nobody else does for them.

use super::seats;
use crate::api::view::intent::{Looking, may_amend, may_answer, may_decide, may_settle};
use crate::api::view::{SeatView, seat};
use countersign_core::approval::seat::{Seat, Seats};
use countersign_core::approval::{Approval, Sight, Stage};
use countersign_core::id::PersonId;

/// One reason, and until when it has time.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::console) struct Reason {
    pub(in crate::console) words: String,
    pub(in crate::console) due: Option<String>,
}

/// Every reason for which it waits for a person, the one that is due first before the others; none if it does not, or is
/// not for them. What they may do is asked of the transition table itself, and no more of it than may be a reason.
pub(in crate::console) fn reasons(approval: &Approval, looking: Looking<'_>) -> Vec<Reason> {
    if looking.rulebook.sight(approval, looking.person, looking.now) == Sight::Nothing {
        return Vec::new();
    }
    let mut found = match &approval.stage {
        Stage::Seated { seats, .. } => seated(approval, seats, looking),
        Stage::Returned { by, until, .. } if may_amend(approval, looking) => {
            vec![Reason { words: format!("{by} sent it back to you"), due: Some(until.to_string()) }]
        }
        Stage::Returned { .. }
        | Stage::Preparing { .. }
        | Stage::Unsettled { .. }
        | Stage::Executing { .. }
        | Stage::Closed(_) => Vec::new(),
    };
    let own = approval.exceptions.iter().filter(|(id, exception)| {
        exception.closed.is_none()
            && exception.owner == *looking.person
            && may_settle(approval, **id, looking)
    });
    found.extend(own.map(|(_, exception)| {
        let words = format!("you answer for an exception ({})", exception.cause.as_str());
        Reason { words, due: Some(exception.due.to_string()) }
    }));
    // What stands still waits behind what has a time. Moments of views are spelt so that they sort.
    found.sort_by(|one, other| (one.due.is_none(), &one.due).cmp(&(other.due.is_none(), &other.due)));
    found
}

/// The same, while people decide.
fn seated(approval: &Approval, seats: &Seats, looking: Looking<'_>) -> Vec<Reason> {
    let person = looking.person;
    let mut found = Vec::new();
    let asks_them = |seat: &Seat| seat.eligible.contains(person) && !seat.approved.contains(person);
    if seats.open.values().any(asks_them) && may_decide(approval, looking) {
        let views = seat::seats(seats);
        let own = |seat: &&SeatView| {
            matches!(seat.state.as_str(), "open" | "asked")
                && seat.eligible.iter().any(|name| name == person.as_str())
                && !seat.approved.iter().any(|name| name == person.as_str())
        };
        let own = views.iter().filter(own);
        found.extend(own.map(|seat| Reason { words: asks(&views, seat, person), due: seat.due.clone() }));
    }
    if !seats.questions.is_empty() && may_answer(approval, looking) {
        let questions = seat::questions(seats);
        let open = questions.into_iter().filter(|question| question.state == "open");
        found.extend(open.map(|question| Reason {
            words: format!("{} asks you something", question.by),
            due: question.until,
        }));
    }
    found
}

/// Why a seat asks a person.
fn asks(seats: &[SeatView], seat: &SeatView, person: &PersonId) -> String {
    let name = person.as_str();
    let mut words = format!("the route {} asks {}", seats::name(seats, seat), seat.whom);
    if 0 < seat.missed {
        words.push_str(", as a backup");
    }
    if let Some(stands) = seat.standing_in.iter().find(|stands| stands.person == name) {
        words.push_str(&format!(", you in the place of {}", stands.instead_of));
    }
    if seat.claims.iter().any(|claim| claim.by == name) {
        words.push_str("; you said that you will decide");
    } else if seat.fair && seat.owner.as_deref() == Some(name) {
        words.push_str("; you answer for it");
    }
    if seat.state == "asked" {
        words.push_str("; the requester has not answered yet");
    }
    words
}
