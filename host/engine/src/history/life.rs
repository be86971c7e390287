//! What is held of one undecided intent while its entries are read.

use countersign_core::approval::event::{Entry, Event};
use countersign_core::approval::seat::Seat;
use countersign_core::approval::{Authority, Intent};
use countersign_core::id::{IntentTypeName, PersonId, RouteName};
use countersign_core::intent::Facts;
use countersign_core::policy::Evaluation;
use countersign_core::policy::backtest::{Fate, Named, Recorded, SeatTime, Was};
use countersign_core::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An intent on its way to a decision.
#[derive(Debug)]
pub(super) struct Life {
    intent: Arc<Intent>,
    facts: Facts,
    evaluation: Option<Box<Evaluation>>,
    /// The route of each row, in their order.
    rows: Vec<RouteName>,
    seats: BTreeMap<u32, Asked>,
}

/// A seat that was opened.
#[derive(Debug)]
struct Asked {
    opened: Timestamp,
    ended: Option<Timestamp>,
    need: u32,
    voices: u32,
    weights: BTreeMap<PersonId, u32>,
    eligible: Vec<PersonId>,
}

impl Asked {
    fn voice(&mut self, person: &PersonId) {
        let weight = self.weights.get(person).copied().unwrap_or(1);
        self.voices = self.voices.saturating_add(weight);
    }
}

impl Life {
    pub(super) fn of(intent: Arc<Intent>) -> Life {
        let (facts, rows, seats) = (Facts::new(), Vec::new(), BTreeMap::new());
        Life { intent, facts, evaluation: None, rows, seats }
    }

    pub(super) fn intent_type(&self) -> IntentTypeName {
        self.intent.intent_type.clone()
    }

    /// Adds an entry; says what became of the intent if this one decides it.
    pub(super) fn add(&mut self, entry: Entry) -> Option<Fate> {
        let at = entry.at;
        match entry.event {
            Event::Evaluated { evaluation, facts } => {
                (self.facts, self.evaluation) = (facts, Some(evaluation));
            }
            Event::Sealed { case } => {
                let case = Arc::unwrap_or_clone(case);
                (self.facts, self.evaluation) = (case.facts, Some(Box::new(case.evaluation)));
            }
            Event::Seated { rows } => {
                self.rows = rows.into_iter().map(|row| row.route).collect();
                self.seats.clear();
            }
            Event::SeatOpened { row, seat } | Event::SeatMoved { row, seat, .. } => self.asked(row, seat, at),
            Event::VoiceAdded { wanted, .. } => self.rows.push(wanted.route),
            Event::VoiceDropped { row } => drop(self.seats.remove(&row)),
            Event::Carried { row, people, .. } => self.carried(row, &people),
            // What is asked for now is what is compared; its evaluation follows.
            Event::Amended { intent } | Event::Renewed { intent } => {
                self.intent = intent;
                self.evaluation = None;
            }
            Event::Voted { rows, person, .. } => rows.iter().for_each(|row| self.answered(*row, &person, at)),
            Event::Approved { authority } => return Some(approved(&authority)),
            Event::Declined { authority: Authority::Override(_), .. } => return Some(Fate::Overridden),
            Event::Declined { authority: Authority::Policy, .. } => return Some(Fate::DeclinedByPolicy),
            Event::Declined {
                authority: Authority::People(people) | Authority::FailOpen(people), ..
            } => {
                self.declined(&people, at);
                return Some(Fate::DeclinedByPeople);
            }
            Event::Withdrawn { .. } => return Some(Fate::Withdrawn),
            Event::Submitted { .. }
            | Event::Postponed { .. }
            | Event::Repinned { .. }
            | Event::Activated { .. }
            | Event::FilePublished { .. }
            | Event::WentLive { .. }
            | Event::GlassBroken { .. }
            | Event::Sending { .. }
            | Event::Attempted { .. }
            | Event::Probed { .. }
            | Event::Replanned { .. }
            | Event::UndoBegun { .. }
            | Event::UndoPlanned { .. }
            | Event::Watched { .. }
            | Event::Reconciled { .. }
            | Event::ReAsserted { .. }
            | Event::NotReAsserted { .. }
            | Event::Superseded { .. }
            | Event::ExceptionOpened { .. }
            | Event::ExceptionEscalated { .. }
            | Event::ExceptionReminded { .. }
            | Event::ExceptionMoved { .. }
            | Event::ExceptionReview { .. }
            | Event::Claimed { .. }
            | Event::Released { .. }
            | Event::Handed { .. }
            | Event::Recalled { .. }
            | Event::Commented { .. }
            | Event::Reminded { .. }
            | Event::Asked { .. }
            | Event::Answered { .. }
            | Event::Unanswered { .. }
            | Event::SentBack { .. }
            | Event::Overridden { .. }
            | Event::Reopened { .. }
            | Event::Reconsidered { .. }
            | Event::ExceptionClosed { .. }
            | Event::Noticed { .. }
            | Event::Told { .. }
            | Event::NotTold { .. }
            | Event::NoticesMoot { .. }
            | Event::LinkUsed { .. }
            | Event::FailedOpen { .. }
            | Event::Closed => {}
        }
        None
    }

    /// A seat that moves to other people goes on waiting from its first question.
    fn asked(&mut self, row: u32, seat: Seat, at: Timestamp) {
        let opened = self.seats.get(&row).map_or(at, |asked| asked.opened);
        let (need, voices) = (seat.need, seat.given());
        let Seat { weights, eligible, .. } = seat;
        let asked = Asked { opened, ended: None, need, voices, weights, eligible };
        self.seats.insert(row, asked);
    }

    /// Voices that hold from before: a seat that they fill asked nobody, so it took no time.
    fn carried(&mut self, row: u32, people: &[PersonId]) {
        let Some(asked) = self.seats.get_mut(&row) else { return };
        people.iter().for_each(|person| asked.voice(person));
        if asked.need <= asked.voices {
            self.seats.remove(&row);
        }
    }

    fn answered(&mut self, row: u32, person: &PersonId, at: Timestamp) {
        let Some(asked) = self.seats.get_mut(&row) else { return };
        asked.voice(person);
        if asked.need <= asked.voices {
            asked.ended = Some(at);
        }
    }

    /// Whoever declines answers in the seats that they could fill.
    fn declined(&mut self, people: &[PersonId], at: Timestamp) {
        let unfilled = self.seats.values_mut().filter(|asked| asked.ended.is_none());
        for asked in unfilled.filter(|asked| asked.eligible.iter().any(|person| people.contains(person))) {
            asked.ended = Some(at);
        }
    }

    /// The case; `None` if it was never evaluated.
    pub(super) fn recorded(self, fate: Fate) -> Option<Recorded> {
        let seats = self.seats.into_iter().filter_map(|(row, asked)| {
            let route = self.rows.get(usize::try_from(row).ok()?)?.clone();
            Some(SeatTime { route, opened: asked.opened, ended: asked.ended })
        });
        let seats = seats.collect();
        let (name, was) = (Named::Intent(self.intent.id), Was::Evaluated(self.evaluation?));
        let tokens = Arc::unwrap_or_clone(self.intent).tokens;
        Some(Recorded { name, tokens, facts: self.facts, was, fate, seats })
    }
}

/// What becomes of an intent that is approved.
fn approved(authority: &Authority) -> Fate {
    match authority {
        Authority::Policy => Fate::ApprovedByPolicy,
        Authority::People(_) => Fate::ApprovedByPeople,
        Authority::FailOpen(_) => Fate::FailedOpen,
        Authority::Override(_) => Fate::Overridden,
    }
}
