//! What stood before an entry, for the words that need it: which step a seat is of, whether somebody missed it, which
//! write an effect is.

use super::seat::seat_name;
use countersign_core::approval::Case;
use countersign_core::approval::event::{Actor, Entry, Event};
use countersign_core::approval::seat::Seat;
use countersign_core::effect::key::undo_id;
use countersign_core::id::EffectId;
use countersign_core::policy::RouteRow;
use countersign_core::time::Timestamp;
use std::collections::BTreeMap;

/// The seats and the writes of an approval, as far as its story was told.
#[derive(Debug, Default)]
pub(super) struct Course {
    rows: Vec<RouteRow>,
    /// The seats that people can fill, by the index of their row.
    open: BTreeMap<u32, Asked>,
    /// The row in which each question was asked.
    questions: Vec<u32>,
    writes: BTreeMap<EffectId, String>,
}

/// Who was asked in a seat.
#[derive(Debug, Clone, Copy)]
struct Asked {
    missed: u32,
    /// Nothing while an answer is awaited.
    due: Option<Timestamp>,
}

impl Course {
    /// Goes on: what is asked from now on is asked about the entries after this one.
    pub(super) fn pass(&mut self, event: &Event) {
        if let Event::Sealed { case } = event {
            self.sealed(case);
        }
        if let Event::Seated { rows } = event {
            self.rows.clone_from(rows);
            self.open.clear();
            self.questions.clear();
        }
        if let Event::VoiceAdded { wanted, .. } = event {
            self.rows.push(wanted.clone());
        }
        if let Event::SeatOpened { row, seat } | Event::SeatMoved { row, seat, .. } = event {
            self.asked(*row, seat);
        }
        if let Event::Asked { row, .. } = event {
            self.questions.push(*row);
            self.runs(*row, None);
        }
        if let Event::Answered { question, due, .. } | Event::Unanswered { question, due, .. } = event {
            let index = question.checked_sub(1).and_then(|index| usize::try_from(index).ok());
            if let Some(row) = index.and_then(|index| self.questions.get(index)) {
                self.runs(*row, Some(*due));
            }
        }
    }

    fn sealed(&mut self, case: &Case) {
        for write in &case.writes {
            let name = format!("{} at {}", write.binding, write.connection);
            self.writes.insert(undo_id(write.effect), format!("undo of {name}"));
            self.writes.insert(write.effect, name);
        }
    }

    fn asked(&mut self, row: u32, seat: &Seat) {
        if seat.eligible.is_empty() {
            self.open.remove(&row);
        } else {
            self.open.insert(row, Asked { missed: seat.missed, due: Some(seat.due) });
        }
    }

    fn runs(&mut self, row: u32, due: Option<Timestamp>) {
        self.open.entry(row).and_modify(|asked| asked.due = due);
    }

    /// The route of a row, with its step where the route has several.
    pub(super) fn seat(&self, row: usize) -> Option<String> {
        let found = self.rows.get(row)?;
        let steps = self.rows.iter().filter(|other| other.route == found.route).map(|other| other.step);
        Some(seat_name(found.route.as_str(), found.step, steps))
    }

    /// Whether an entry asks whoever comes next, as nobody decided in time.
    pub(super) fn is_missed(&self, entry: &Entry) -> bool {
        let Event::SeatOpened { row, seat } = &entry.event else { return false };
        let late = |asked: &Asked| asked.missed < seat.missed && asked.due.is_some_and(|due| due <= entry.at);
        entry.by == Actor::Timer && self.open.get(row).is_some_and(late)
    }

    /// Which write it was that went out, or was looked at.
    pub(super) fn write(&self, event: &Event) -> Option<&str> {
        let (Event::Sending { effect, .. }
        | Event::Attempted { effect, .. }
        | Event::Probed { effect, .. }
        | Event::Reconciled { effect, .. }) = event
        else {
            return None;
        };
        self.writes.get(effect).map(String::as_str)
    }
}
