//! Seats: who must decide, who has, who may, until when.

use countersign_core::approval::seat::{Claim, Reply, Seat, Seats};
use countersign_core::id::PersonId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
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
    /// later, open, asked (the requester must answer first), filled, or taken-back (an added voice that is not
    /// needed any more).
    pub state: String,
    /// How many distinct persons must approve; known once it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need: Option<u32>,
    /// How many voices are in, or what they weigh, once it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<u32>,
    /// What voices weigh, where the row asks for weight; whoever is not here weighs one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub weights: BTreeMap<String, u32>,
    /// Who approved so far.
    pub approved: Vec<String>,
    /// Who may.
    pub eligible: Vec<String>,
    /// Who said that they will decide, each until a moment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<ClaimView>,
    /// Who answers for it while nobody has decided: whoever claimed it first, or the lead of the pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Whether that is whoever of the pool had time for it, and not its lead.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fair: bool,
    /// Until when. Absent while the requester is asked: the time of the seat stands still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// How often it was missed and moved to a backup.
    pub missed: u32,
    /// Who stands in for whom in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub standing_in: Vec<StandInView>,
    /// Who wanted this voice beside their own, where no route asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added_by: Option<String>,
}

/// Somebody who decides in somebody's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StandInView {
    /// Who decides.
    pub person: String,
    /// In whose place.
    pub instead_of: String,
    /// When that ends, if it was delegated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// One person's word that they will decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClaimView {
    /// Who.
    pub by: String,
    /// When it goes back to the pool by itself.
    pub until: String,
}

/// Something that the requester was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuestionView {
    /// Its number, from 1.
    pub number: u32,
    /// Who asked.
    pub by: String,
    /// In which seat: the route that asks for it.
    pub route: String,
    /// The question.
    pub words: String,
    /// open, answered or unanswered.
    pub state: String,
    /// Until when the requester can answer, while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// The requester's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// How far a decision is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProgressView {
    /// Seats that are filled.
    pub filled: usize,
    /// Seats in all.
    pub of: usize,
    /// The same in words, such as `1 of 2, finance (1 of 2 voices) pending until
    /// 2026-11-30T22:00:00.000Z`.
    pub words: String,
}

/// Every seat, in the order of the routes and their steps.
#[must_use]
pub fn seats(seats: &Seats) -> Vec<SeatView> {
    let numbered = (0_u32..).zip(&seats.rows);
    numbered
        .map(|(number, row)| {
            let seat = seats.open.get(&number);
            let asked = seats.awaited(number).is_some();
            SeatView {
                route: row.route.to_string(),
                step: row.step,
                whom: row.whom.to_string(),
                state: if seats.is_gone(number) { "taken-back" } else { state(seat, asked) }.to_owned(),
                need: seat.map(|seat| seat.need),
                given: seat.map(Seat::given),
                weights: seat.map(weights).unwrap_or_default(),
                approved: seat.map(|seat| people(&seat.approved)).unwrap_or_default(),
                eligible: seat.map(|seat| people(&seat.eligible)).unwrap_or_default(),
                claims: seat.map(claims).unwrap_or_default(),
                owner: seat.map(|seat| seat.answerable().to_string()),
                fair: seat.is_some_and(|seat| seat.fair),
                due: seat.filter(|_| !asked).map(|seat| seat.due.to_string()),
                missed: seat.map_or(0, |seat| seat.missed),
                standing_in: seat.map(|seat| standing_in(seats, number, seat)).unwrap_or_default(),
                added_by: seats.added.get(&number).map(|added| added.by.to_string()),
            }
        })
        .collect()
}

/// How far the seats are.
#[must_use]
pub fn progress(seats: &[SeatView]) -> ProgressView {
    let seats: Vec<&SeatView> = seats.iter().filter(|seat| seat.state != "taken-back").collect();
    let filled = seats.iter().filter(|seat| seat.state == "filled").count();
    let mut words = vec![format!("{filled} of {}", seats.len())];
    for seat in seats.iter().filter(|seat| seat.state != "filled") {
        let voices = match seat.need {
            Some(need) if need > 1 => {
                let what = if seat.weights.is_empty() { "voices" } else { "weight" };
                format!(" ({} of {need} {what})", seat.given.unwrap_or_default())
            }
            Some(_) | None => String::new(),
        };
        let steps = seats.iter().filter(|other| other.route == seat.route).map(|other| other.step);
        let route = format!("{}{}", seat_name(&seat.route, seat.step, steps), extra(seat));
        words.push(match (seat.state.as_str(), &seat.due) {
            ("later", _) => format!("then {route}"),
            ("asked", _) => format!("{route}{voices} waits for the requester's answer"),
            (_, Some(due)) => format!("{route}{voices} pending until {due}"),
            (_, None) => format!("{route}{voices} pending"),
        });
    }
    ProgressView { filled, of: seats.len(), words: words.join(", ") }
}

/// An added voice stands beside its route and is told by its person.
fn extra(seat: &SeatView) -> String {
    seat.added_by.as_ref().map(|_| format!(" ({})", seat.whom)).unwrap_or_default()
}

/// Everything that the requester was asked, in order.
#[must_use]
pub fn questions(seats: &Seats) -> Vec<QuestionView> {
    let numbered = (1_u32..).zip(&seats.questions);
    numbered
        .map(|(number, question)| {
            let row = usize::try_from(question.row).ok().and_then(|row| seats.rows.get(row));
            let (state, until, answer) = match &question.reply {
                Reply::Awaited { until, .. } => ("open", Some(until.to_string()), None),
                Reply::Given(words) => ("answered", None, Some(words.clone())),
                Reply::Missing => ("unanswered", None, None),
            };
            QuestionView {
                number,
                by: question.by.to_string(),
                route: row.map(|row| row.route.to_string()).unwrap_or_default(),
                words: question.words.clone(),
                state: state.to_owned(),
                until,
                answer,
            }
        })
        .collect()
}

fn standing_in(seats: &Seats, row: u32, seat: &Seat) -> Vec<StandInView> {
    let until = |person: &PersonId, whose: &PersonId| {
        let mut handed = seats.handed.iter().rev().filter(|handed| handed.row == row);
        handed.find(|handed| handed.to == *person && handed.from == *whose)?.until
    };
    let view = |(person, whose): (&PersonId, &PersonId)| StandInView {
        person: person.to_string(),
        instead_of: whose.to_string(),
        until: until(person, whose).map(|until| until.to_string()),
    };
    seat.standing_in.iter().map(view).collect()
}

fn weights(seat: &Seat) -> BTreeMap<String, u32> {
    seat.weights.iter().map(|(person, weight)| (person.to_string(), *weight)).collect()
}

fn claims(seat: &Seat) -> Vec<ClaimView> {
    let view = |claim: &Claim| ClaimView { by: claim.by.to_string(), until: claim.until.to_string() };
    seat.claims.iter().map(view).collect()
}

fn state(seat: Option<&Seat>, asked: bool) -> &'static str {
    match seat {
        None => "later",
        Some(seat) if seat.is_filled() => "filled",
        Some(_) if asked => "asked",
        Some(_) => "open",
    }
}

fn people<T: ToString>(people: &[T]) -> Vec<String> {
    people.iter().map(ToString::to_string).collect()
}

/// What a seat is called: its route, with its step where the route has several. `steps` are those of the route.
#[must_use]
pub fn seat_name(route: &str, step: u32, mut steps: impl Iterator<Item = u32>) -> String {
    if steps.any(|other| other != step) { format!("{route} step {step}") } else { route.to_owned() }
}
