//! Why an intent waits for somebody: what they can do about it now that nobody else does for them.

use super::seats;
use crate::api::view::{IntentView, SeatView};
use countersign_core::id::PersonId;

/// One reason, and until when it has time.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::console) struct Reason {
    pub(in crate::console) words: String,
    pub(in crate::console) due: Option<String>,
}

/// Every reason for which it waits for a person, the one that is due first before the others; none if it does not.
/// What they may do was asked of the transition table itself.
pub(in crate::console) fn reasons(view: &IntentView, person: &PersonId) -> Vec<Reason> {
    let can = |verb: &str| view.can.iter().any(|can| can == verb);
    let mut found = Vec::new();
    if can("approve") || can("decline") {
        let own = |seat: &&SeatView| {
            matches!(seat.state.as_str(), "open" | "asked")
                && seat.eligible.iter().any(|name| name == person.as_str())
                && !seat.approved.iter().any(|name| name == person.as_str())
        };
        let seats = view.seats.iter().filter(own);
        found.extend(seats.map(|seat| Reason { words: asks(view, seat, person), due: seat.due.clone() }));
    }
    if can("answer") {
        let open = view.questions.iter().filter(|question| question.state == "open");
        found.extend(open.map(|question| Reason {
            words: format!("{} asks you something", question.by),
            due: question.until.clone(),
        }));
    }
    if let Some(returned) = view.returned.as_ref().filter(|_| can("amend")) {
        let words = format!("{} sent it back to you", returned.by);
        found.push(Reason { words, due: Some(returned.until.clone()) });
    }
    let open = view.exceptions.iter().filter(|exception| !exception.can.is_empty());
    let own = open.filter(|exception| exception.state == "open" && exception.owner == person.as_str());
    found.extend(own.map(|exception| {
        let words = format!("you answer for an exception ({})", exception.cause);
        Reason { words, due: Some(exception.due.clone()) }
    }));
    // What stands still waits behind what has a time. Moments of views are spelt so that they sort.
    found.sort_by(|one, other| (one.due.is_none(), &one.due).cmp(&(other.due.is_none(), &other.due)));
    found
}

/// Why a seat asks a person.
fn asks(view: &IntentView, seat: &SeatView, person: &PersonId) -> String {
    let name = person.as_str();
    let mut words = format!("the route {} asks {}", seats::name(view, seat), seat.whom);
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
