//! What is held of one intent while entries about it may still come: little, as there are many.

use super::figures::{Asked, Link};
use crate::approval::seat::{Order, Seat};
use crate::approval::{Authority, Case};
use crate::effect::key::{re_assert_id, undo_id};
use crate::exception::{Cause, Closed, Closure, Exception};
use crate::id::{EffectId, ExceptionId, PersonId};
use crate::intent::Day;
use crate::money::Money;
use crate::policy::RouteRow;
use crate::seal::Seal;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Names by number, each once.
pub(super) type Number = u32;

/// What is known of an intent that happened at least once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    Excepted,
    SentBack,
    Amended,
    Reworked,
    /// A target was found not to hold what was approved.
    Amiss,
    Done,
    /// It passes although the policy could not be evaluated.
    FailsOpen,
    /// It is decided against the policy, on a ground.
    Grounded,
    /// The pinned version of the policy has answered.
    Answered,
    /// Its decision has what it rests on.
    Decided,
}

/// An intent.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) kind: Number,
    pub(super) version: Number,
    /// Where its submission was counted; nothing where only later entries of it were read.
    pub(super) home: Option<(Day, Number)>,
    pub(super) submitted: Timestamp,
    /// Since when what is asked for now is.
    pub(super) asked: Timestamp,
    pub(super) stake: Option<Money>,
    pub(super) marks: BTreeSet<Mark>,
    pub(super) stage: Stage,
    seal: Option<Seal>,
    /// Persons who gave their voice on what is sealed.
    voices: BTreeSet<PersonId>,
    rows: Vec<Asked>,
    seats: BTreeMap<u32, Sitting>,
    /// The rows of the seats from which each question was asked.
    questions: Vec<u32>,
    pub(super) exceptions: Vec<Open>,
    pub(super) writes: Vec<Write>,
    /// Whether what it wrote is taken back, and which writes those are.
    undone: Option<Vec<EffectId>>,
    /// Where its end was counted, with the link that was missing.
    pub(super) judged: Option<(Day, Number, Option<Link>)>,
}

/// Where it stands, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Undecided,
    Writing,
    Closed,
    Withdrawn,
}

/// An exception that is open.
#[derive(Debug)]
pub(super) struct Open {
    id: ExceptionId,
    cause: Cause,
    effect: Option<EffectId>,
    is_of_watch: bool,
}

/// A write, or what takes one back or writes it again.
#[derive(Debug)]
pub(super) struct Write {
    effect: EffectId,
    pub(super) connection: Number,
    /// What it writes again.
    again_of: Option<EffectId>,
    /// Whether its plan is sealed.
    is_sealed: bool,
    pub(super) attempts: u32,
    pub(super) landed: Option<Timestamp>,
    is_seen: bool,
    watch: Watch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Watch {
    Never,
    Looked,
    Over,
}

/// An open seat that is not filled.
#[derive(Debug)]
struct Sitting {
    need: u32,
    given: u32,
    weights: BTreeMap<PersonId, u32>,
    eligible: Vec<PersonId>,
    due: Timestamp,
    missed: u32,
    is_late: bool,
}

impl Life {
    pub(super) fn of(kind: Number, version: Number, submitted: Timestamp) -> Life {
        Life {
            kind,
            version,
            home: None,
            submitted,
            asked: submitted,
            stake: None,
            marks: BTreeSet::new(),
            stage: Stage::Undecided,
            seal: None,
            voices: BTreeSet::new(),
            rows: Vec::new(),
            seats: BTreeMap::new(),
            questions: Vec::new(),
            exceptions: Vec::new(),
            writes: Vec::new(),
            undone: None,
            judged: None,
        }
    }

    /// Whether nothing of it can change a figure any more, unless it is opened again.
    pub(super) fn is_over(&self) -> bool {
        let looks = self.writes.iter().any(|write| write.watch == Watch::Looked);
        let ended = matches!(self.stage, Stage::Closed | Stage::Withdrawn);
        ended && self.exceptions.is_empty() && !looks
    }

    /// It is prepared from the beginning: what was answered and decided is forgotten.
    pub(super) fn begin_again(&mut self) {
        (self.stage, self.judged) = (Stage::Undecided, None);
        self.put_aside();
        for mark in [Mark::Grounded, Mark::Answered, Mark::Decided] {
            self.marks.remove(&mark);
        }
    }

    /// Nobody is asked any more about what stood there, and what was open about it alone is settled.
    pub(super) fn put_aside(&mut self) {
        self.seats.clear();
        self.exceptions.retain(|open| open.cause.outlives());
    }

    /// It is not to pass unevaluated after all, where it was to.
    pub(super) fn passes_otherwise(&mut self) {
        if self.marks.remove(&Mark::FailsOpen) {
            self.exceptions.retain(|open| open.cause != Cause::FailOpen);
        }
    }

    /// The policy has answered.
    pub(super) fn evaluated(&mut self, is_pinned: bool) {
        (self.seal, self.writes, self.questions) = (None, Vec::new(), Vec::new());
        self.voices.clear();
        if is_pinned {
            self.marks.insert(Mark::Answered);
        }
    }

    /// What is decided about is sealed.
    pub(super) fn sealed(
        &mut self,
        case: &Case,
        connection: impl FnMut(&crate::id::ConnectionName) -> Number,
    ) {
        self.seal = Some(case.seal);
        let connections = case.writes.iter().map(|planned| &planned.connection).map(connection);
        let writes = case.writes.iter().zip(connections);
        self.writes = writes.map(|(planned, connection)| Write::of(planned.effect, connection)).collect();
    }

    /// A person decided against the policy.
    pub(super) fn overridden(&mut self, seal: Seal, has_ground: bool) {
        if has_ground && self.seal == Some(seal) {
            self.marks.insert(Mark::Grounded);
        }
    }

    /// People are asked.
    pub(super) fn seated(&mut self, rows: &[RouteRow]) {
        self.rows = rows.iter().map(|row| Asked::of(&row.whom)).collect();
        self.seats.clear();
    }

    /// One more is asked, after the seat of whoever wanted it or before: then that one is asked anew.
    pub(super) fn voice_added(&mut self, row: &RouteRow, beside: u32, order: Order) {
        self.rows.push(Asked::of(&row.whom));
        if order == Order::Before {
            self.seats.remove(&beside);
        }
    }

    /// A seat was opened, or moved; gives whose time was up with it.
    pub(super) fn asks(&mut self, row: u32, seat: &Seat) -> Option<Asked> {
        let (before, asked) = (self.seats.get(&row), self.asked_in(row));
        let is_passed_on = before.is_some_and(|before| before.missed < seat.missed);
        let was_late = before.is_some_and(|before| before.is_late);
        let sitting = Sitting {
            need: seat.need,
            given: seat.given(),
            weights: seat.weights.clone(),
            eligible: seat.eligible.clone(),
            due: seat.due,
            missed: seat.missed,
            is_late: was_late || is_passed_on,
        };
        self.seats.insert(row, sitting);
        asked.filter(|_| is_passed_on && !was_late)
    }

    pub(super) fn not_asked(&mut self, row: u32) {
        self.seats.remove(&row);
    }

    /// Whoever asked for it is asked something: the time of the seat stands still.
    pub(super) fn questioned(&mut self, row: u32) {
        self.questions.push(row);
        self.runs_until(row, Timestamp(i64::MAX));
    }

    /// The time of the seat runs on, with an answer to a question or without.
    pub(super) fn runs_on(&mut self, question: u32, due: Timestamp) {
        let place = usize::try_from(question.saturating_sub(1)).unwrap_or(usize::MAX);
        if let Some(row) = self.questions.get(place) {
            self.runs_until(*row, due);
        }
    }

    fn runs_until(&mut self, row: u32, due: Timestamp) {
        if let Some(sitting) = self.seats.get_mut(&row) {
            sitting.due = due;
        }
    }

    /// Nobody of a seat and its backups decided: gives those whose time was up.
    pub(super) fn overdue(&mut self, now: Timestamp) -> Vec<Asked> {
        let rows = &self.rows;
        let late = self.seats.iter_mut().filter(|(_, sitting)| !sitting.is_late && sitting.due <= now);
        late.filter_map(|(row, sitting)| {
            sitting.is_late = true;
            rows.get(usize::try_from(*row).ok()?).cloned()
        })
        .collect()
    }

    /// A voice on what is sealed; gives the seats that it fills in their time.
    pub(super) fn voted(&mut self, person: &PersonId, rows: &[u32], seal: Seal) -> Vec<Asked> {
        if self.seal == Some(seal) {
            self.voices.insert(person.clone());
        }
        let filled = rows.iter().filter_map(|row| {
            let sitting = self.seats.get_mut(row)?;
            sitting.voice(person);
            (sitting.need <= sitting.given).then_some(*row)
        });
        let filled: Vec<u32> = filled.collect();
        filled.into_iter().filter_map(|row| self.ends(row)).collect()
    }

    /// Voices for an earlier revision hold: a seat that they fill asks nobody.
    pub(super) fn carried(&mut self, row: u32, people: &[PersonId]) {
        self.voices.extend(people.iter().cloned());
        let Some(sitting) = self.seats.get_mut(&row) else { return };
        people.iter().for_each(|person| sitting.voice(person));
        if sitting.need <= sitting.given {
            self.seats.remove(&row);
        }
    }

    /// People declined it; gives the seats that they decided in their time.
    pub(super) fn declined_by(&mut self, people: &[PersonId]) -> Vec<Asked> {
        let could = |sitting: &Sitting| sitting.eligible.iter().any(|person| people.contains(person));
        let rows: Vec<u32> =
            self.seats.iter().filter(|(_, sitting)| could(sitting)).map(|(row, _)| *row).collect();
        rows.into_iter().filter_map(|row| self.ends(row)).collect()
    }

    fn ends(&mut self, row: u32) -> Option<Asked> {
        let sitting = self.seats.remove(&row)?;
        self.asked_in(row).filter(|_| !sitting.is_late)
    }

    fn asked_in(&self, row: u32) -> Option<Asked> {
        self.rows.get(usize::try_from(row).ok()?).cloned()
    }

    /// It is decided: nobody is asked any more, and who was is forgotten.
    pub(super) fn decided(&mut self, authority: &Authority, is_told_why: bool) {
        let has_voices = |people: &[PersonId]| people.iter().all(|person| self.voices.contains(person));
        let is_decided = match authority {
            Authority::Policy => self.marks.contains(&Mark::Answered),
            Authority::People(people) => is_told_why || (!people.is_empty() && has_voices(people)),
            Authority::Override(_) => self.marks.contains(&Mark::Grounded),
            Authority::FailOpen(people) => {
                is_told_why || (self.marks.contains(&Mark::FailsOpen) && has_voices(people))
            }
        };
        if is_decided {
            self.marks.insert(Mark::Decided);
        }
        (self.rows, self.seats, self.questions) = (Vec::new(), BTreeMap::new(), Vec::new());
        self.voices.clear();
    }

    /// An exception is somebody's.
    pub(super) fn opened(&mut self, id: ExceptionId, exception: &Exception) {
        let (cause, effect) = (exception.cause, exception.effect);
        self.exceptions.push(Open { id, cause, effect, is_of_watch: exception.is_of_watch() });
    }

    /// It is settled.
    pub(super) fn settled(&mut self, id: ExceptionId, closed: &Closed) {
        let Some(place) = self.exceptions.iter().position(|open| open.id == id) else { return };
        let open = self.exceptions.remove(place);
        if let Some(effect) = open.effect.filter(|_| open.is_of_watch && closed.person.is_some()) {
            match closed.by {
                Closure::GiveUp => self.watched(effect, Watch::Over),
                Closure::ReAssert | Closure::Probe => self.watched(effect, Watch::Looked),
                Closure::Retry
                | Closure::Undo
                | Closure::Decline
                | Closure::Reviewed
                | Closure::Confirmed
                | Closure::Reversed => {}
            }
        }
    }

    fn watched(&mut self, effect: EffectId, watch: Watch) {
        if let Some(write) = self.write(effect) {
            write.watch = watch;
        }
    }

    /// A write, what takes it back, or what writes it again.
    pub(super) fn write(&mut self, effect: EffectId) -> Option<&mut Write> {
        self.writes.iter_mut().find(|write| write.effect == effect)
    }

    /// Its targets are read back from now on.
    pub(super) fn looks_begin<'a>(&mut self, effects: impl Iterator<Item = &'a EffectId>) {
        effects.for_each(|effect| self.watched(*effect, Watch::Looked));
    }

    /// Nobody looks any more.
    pub(super) fn looks_end(&mut self, effect: EffectId) {
        self.watched(effect, Watch::Over);
    }

    /// Writes that are in, are watched, and were not found as approved yet: at which connection, since when.
    pub(super) fn unseen(&self) -> impl Iterator<Item = (Number, Timestamp)> + '_ {
        let unseen = self.writes.iter().filter(|write| write.watch == Watch::Looked && !write.is_seen);
        unseen.filter_map(|write| Some((write.connection, write.landed?)))
    }

    pub(super) fn undo_begins(&mut self) {
        self.undone = Some(Vec::new());
    }

    /// These are taken back.
    pub(super) fn undoes(&mut self, effects: &[EffectId]) {
        for effect in effects {
            let Some(connection) = self.write(*effect).map(|write| write.connection) else { continue };
            self.writes.push(Write { is_sealed: false, ..Write::of(undo_id(*effect), connection) });
        }
        self.undone = Some(effects.to_vec());
    }

    /// This one is written again.
    pub(super) fn writes_again(&mut self, effect: EffectId) {
        let Some(connection) = self.write(effect).map(|write| write.connection) else { return };
        let before = self.writes.iter().filter(|write| write.again_of == Some(effect)).count();
        let number = u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1);
        let again = Write::of(re_assert_id(effect, number), connection);
        self.writes.push(Write { is_sealed: false, again_of: Some(effect), ..again });
    }

    /// The first link that is missing so that its decision could be checked.
    pub(super) fn lacks(&self) -> Option<Link> {
        let sealed = || self.writes.iter().filter(|write| write.is_sealed);
        if !self.marks.contains(&Mark::Answered) {
            return Some(Link::Policy);
        }
        if !self.marks.contains(&Mark::Decided) {
            return Some(Link::Decision);
        }
        if !self.marks.contains(&Mark::Done) {
            // Declined: there is nothing to write.
            return None;
        }
        if self.seal.is_none() {
            return Some(Link::Plan);
        }
        let is_back = |effect: &EffectId| {
            let undo = undo_id(*effect);
            self.writes.iter().any(|write| write.effect == undo && write.landed.is_some())
        };
        if let Some(undone) = &self.undone {
            return (!undone.iter().all(is_back)).then_some(Link::Receipt);
        }
        if sealed().any(|write| write.attempts == 0) {
            return Some(Link::Attempt);
        }
        if sealed().any(|write| write.landed.is_none()) {
            return Some(Link::Receipt);
        }
        let is_watched = |write: &Write| write.watch != Watch::Never;
        sealed().any(|write| is_watched(write) && !write.is_seen).then_some(Link::Reconciliation)
    }
}

impl Write {
    fn of(effect: EffectId, connection: Number) -> Write {
        let (again_of, is_sealed, attempts, landed, is_seen) = (None, true, 0, None, false);
        Write { effect, connection, again_of, is_sealed, attempts, landed, is_seen, watch: Watch::Never }
    }

    /// It was found as approved; gives since when it is in, the first time.
    pub(super) fn found(&mut self) -> Option<Timestamp> {
        let is_first = !std::mem::replace(&mut self.is_seen, true);
        self.landed.filter(|_| is_first)
    }
}

impl Sitting {
    fn voice(&mut self, person: &PersonId) {
        let weight = self.weights.get(person).copied().unwrap_or(1);
        self.given = self.given.saturating_add(weight);
    }
}
