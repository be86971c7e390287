//! Seats: who must decide, who has, who may, until when.

use countersign_core::approval::{Seat, Seats};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One required voice, or one that will be required once the step before it is filled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SeatView {
    /// The route that asks for it.
    pub route: String,
    /// Its place in the order of the route, from 1.
    pub step: u32,
    /// Who is asked, as the route says it.
    pub whom: String,
    /// later, open or filled.
    pub state: String,
    /// How many distinct persons must approve; known once it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need: Option<u32>,
    /// Who approved so far.
    pub approved: Vec<String>,
    /// Who may.
    pub eligible: Vec<String>,
    /// Who answers for it while nobody has decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// How often it was missed and moved to a backup.
    pub missed: u32,
}

/// How far a decision is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProgressView {
    /// Seats that are filled.
    pub filled: usize,
    /// Seats in all.
    pub of: usize,
    /// The same in words, such as `2 of 3, finance pending`.
    pub words: String,
}

/// Every seat, in the order of the routes and their steps.
#[must_use]
pub fn seats(seats: &Seats) -> Vec<SeatView> {
    let numbered = (0_u32..).zip(&seats.rows);
    numbered
        .map(|(number, row)| {
            let seat = seats.open.get(&number);
            SeatView {
                route: row.route.to_string(),
                step: row.step,
                whom: row.whom.to_string(),
                state: state(seat).to_owned(),
                need: seat.map(|seat| seat.need),
                approved: seat.map(|seat| people(&seat.approved)).unwrap_or_default(),
                eligible: seat.map(|seat| people(&seat.eligible)).unwrap_or_default(),
                owner: seat.map(|seat| seat.owner.to_string()),
                due: seat.map(|seat| seat.due.to_string()),
                missed: seat.map_or(0, |seat| seat.missed),
            }
        })
        .collect()
}

/// How far the seats are.
#[must_use]
pub fn progress(seats: &[SeatView]) -> ProgressView {
    let filled = seats.iter().filter(|seat| seat.state == "filled").count();
    let mut words = format!("{filled} of {}", seats.len());
    let mut pending: Vec<&str> =
        seats.iter().filter(|seat| seat.state != "filled").map(|seat| seat.route.as_str()).collect();
    pending.dedup();
    if !pending.is_empty() {
        words.push_str(&format!(", {} pending", pending.join(" and ")));
    }
    ProgressView { filled, of: seats.len(), words }
}

fn state(seat: Option<&Seat>) -> &'static str {
    match seat {
        None => "later",
        Some(seat) if seat.is_filled() => "filled",
        Some(_) => "open",
    }
}

fn people<T: ToString>(people: &[T]) -> Vec<String> {
    people.iter().map(ToString::to_string).collect()
}
