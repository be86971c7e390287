//! Who decides: how far the seats are, and what the requester was asked.

use super::all;
use super::moment::Clocks;
use crate::api::view::{IntentView, QuestionView, SeatView, seat_name};
use maud::{Markup, html};

/// The seats.
pub(in crate::console) fn seats(view: &IntentView, clocks: Clocks<'_>) -> Markup {
    if view.seats.is_empty() {
        return html! {};
    }
    html! {
        h2 { "Who decides" }
        p { (progress(view)) "." }
        table {
            thead { tr { th scope="col" { "seat" } th scope="col" { "whom" } th scope="col" { "state" } th scope="col" { "approved by" } th scope="col" { "until" } } }
            tbody {
                @for seat in &view.seats {
                    tr {
                        th scope="row" { (name(&view.seats, seat)) }
                        td data-of="whom" {
                            (seat.whom)
                            @if 0 < seat.missed { ", by its backup" }
                            @if let Some(by) = &seat.added_by { ", as " (by) " wants" }
                            @for stands in &seat.standing_in { p.note { (stands.person) " in the place of " (stands.instead_of) } }
                            @for claim in &seat.claims { p.note { (claim.by) " will decide, until " (clocks.exact(&claim.until)) } }
                        }
                        td data-of="state" { (seat.state) }
                        td data-of="approved by" { @if seat.approved.is_empty() { "nobody yet" } @else { (seat.approved.join(", ")) } }
                        td data-of="until" { @if let Some(due) = seat.due.as_ref().filter(|_| seat.state == "open") { (clocks.exact(due)) } @else { "-" } }
                    }
                }
            }
        }
        @for question in &view.questions { (asked(question, clocks)) }
    }
}

fn asked(question: &QuestionView, clocks: Clocks<'_>) -> Markup {
    html! {
        h3 { (question.by) " asked the requester" }
        p { (all(&question.words)) }
        p {
            @match (&question.answer, &question.until) {
                (Some(answer), _) => { "Answer: " (all(answer)) },
                (None, Some(until)) => { "Not answered yet; the requester has until " (clocks.exact(until)) ", and the time of the seat stands still." },
                (None, None) => { "Not answered; the time of the seat runs on." },
            }
        }
    }
}

/// The route of a seat, with its step where the route has several.
pub(in crate::console) fn name(seats: &[SeatView], seat: &SeatView) -> String {
    let steps = seats.iter().filter(|other| other.route == seat.route).map(|other| other.step);
    seat_name(&seat.route, seat.step, steps)
}

/// How far it is, in words: `1 of 3, finance (1 of 2 voices) pending, then legal`.
pub(in crate::console) fn progress(view: &IntentView) -> String {
    let Some(progress) = &view.progress else { return String::new() };
    let mut words = vec![format!("{} of {}", progress.filled, progress.of)];
    let left = view.seats.iter().filter(|seat| !matches!(seat.state.as_str(), "filled" | "taken-back"));
    words.extend(left.map(|seat| {
        let (name, voices) = (name(&view.seats, seat), voices(seat));
        match seat.state.as_str() {
            "later" => format!("then {name}"),
            "asked" => format!("{name}{voices} waits for the requester's answer"),
            _ => format!("{name}{voices} pending"),
        }
    }));
    words.join(", ")
}

fn voices(seat: &SeatView) -> String {
    match seat.need {
        Some(need) if 1 < need => {
            let what = if seat.weights.is_empty() { "voices" } else { "weight" };
            format!(" ({} of {need} {what})", seat.given.unwrap_or_default())
        }
        Some(_) | None => String::new(),
    }
}
