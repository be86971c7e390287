//! What became of all histories, so that none of it can be trivial.

use super::History;
use countersign_core::approval::event::{Actor, Event};
use countersign_core::approval::{Outcome, Stage};
use countersign_core::break_glass::BREAK_GLASS;
use countersign_core::exception::{Cause, Exception};
use std::collections::BTreeMap;

/// What must have happened somewhere, or the checks of it have checked nothing.
const WANTED: [&str; 42] = [
    "done",
    "declined",
    "withdrawn",
    "open",
    "moved",
    "backups",
    "claims",
    "answers",
    "unanswered",
    "rounds",
    "carried",
    "no worse",
    "handed",
    "in place",
    "added",
    "reminded",
    "reminded by time",
    "reminded to settle",
    "decided again",
    "escalated",
    "overridden",
    "alone",
    "reopened",
    "broken",
    "no seat",
    "reviews",
    "budgets",
    "raised",
    "councils",
    "told",
    "given up",
    "moot",
    "links",
    "restarts",
    "away",
    "back",
    "covers",
    "left",
    "returned",
    "left a seat",
    "left a claim",
    "left an exception",
];

/// How often each happened.
#[derive(Debug, Default)]
pub(super) struct Tally(BTreeMap<&'static str, usize>);

impl Tally {
    /// Adds a history that is over.
    pub(super) fn count(&mut self, history: &History<'_>) {
        for entry in &history.entries {
            for name in names(&entry.by, &entry.event) {
                self.add(name, 1);
            }
        }
        self.add("in place", history.in_place);
        self.add("told", history.sent.len());
        self.add("restarts", history.restarts);
        self.add("decided again", history.comes_out_again());
        for (name, count) in &history.deeds {
            self.add(name, *count);
        }
        self.add(
            match &history.approval.stage {
                Stage::Closed(Outcome::Done { .. }) => "done",
                Stage::Closed(Outcome::Declined { .. }) => "declined",
                Stage::Closed(Outcome::Withdrawn { .. }) => "withdrawn",
                _ => "open",
            },
            1,
        );
    }

    fn add(&mut self, name: &'static str, count: usize) {
        *self.0.entry(name).or_default() += count;
    }

    /// Fails unless all that is to happen did.
    pub(super) fn has_some_of_all(&self) {
        for name in WANTED {
            assert!(self.0.get(name).is_some_and(|count| 0 < *count), "no history has `{name}`: {self:?}");
        }
    }
}

/// By which names an entry counts.
fn names(by: &Actor, event: &Event) -> &'static [&'static str] {
    match event {
        Event::SeatMoved { .. } => &["moved"],
        Event::SeatOpened { seat, .. } if 0 < seat.missed => &["backups"],
        Event::Claimed { .. } => &["claims"],
        Event::Answered { .. } => &["answers"],
        Event::Unanswered { .. } => &["unanswered"],
        Event::SentBack { .. } => &["rounds"],
        Event::Carried { promises, .. } if promises.is_empty() => &["carried"],
        Event::Carried { .. } => &["carried", "no worse"],
        Event::Handed { .. } => &["handed"],
        Event::VoiceAdded { .. } => &["added"],
        Event::Reminded { .. } if *by == Actor::Timer => &["reminded by time"],
        Event::Reminded { .. } => &["reminded"],
        Event::Overridden { what, .. } if what.reason == BREAK_GLASS => &["overridden", "alone"],
        Event::Overridden { .. } => &["overridden"],
        Event::Reopened { .. } => &["reopened"],
        Event::GlassBroken { .. } => &["broken"],
        Event::Sealed { case } if case.council.is_some() => &["councils"],
        Event::ExceptionOpened { exception, .. } => opened(exception),
        Event::ExceptionReminded { .. } => &["reminded to settle"],
        Event::ExceptionEscalated { .. } => &["escalated"],
        Event::ExceptionClosed { closed, .. } if closed.reason.starts_with("the budget is spent") => {
            &["raised"]
        }
        Event::NotTold { due: None, .. } => &["given up"],
        Event::NoticesMoot { .. } => &["moot"],
        Event::LinkUsed { .. } => &["links"],
        _ => &[],
    }
}

fn opened(exception: &Exception) -> &'static [&'static str] {
    match exception.cause {
        Cause::NoSeat => &["no seat"],
        Cause::PostMortem => &["reviews"],
        Cause::Budget => &["budgets"],
        _ => &[],
    }
}
