//! Whom the entries of a turn concern: one pure look at what a command caused.
//!
//! Whoever must act now is told, and the requester whose intent moved. Nobody is told of their own deed,
//! nor of what was over again before the turn ended.

use super::moot::{can_decide, open, seats};
use super::{About, Notice, Why, is_moot};
use crate::approval::Approval;
use crate::approval::event::{Actor, Entry, Event};
use crate::approval::life;
use crate::approval::seat::Seat;
use crate::break_glass::BREAK_GLASS;
use crate::exception::Exception;
use crate::id::{ExceptionId, PersonId};
use crate::people::Directory;

/// Who is to be told of what `entries` did to an approval that was `before` and is `after`, each by every
/// way that the directory has for them.
#[must_use]
pub fn whom(directory: &Directory, before: &Approval, entries: &[Entry], after: &Approval) -> Vec<Notice> {
    if directory.contacts.is_empty() {
        return Vec::new();
    }
    // Nobody reads what a machine is told: whoever answers for it does.
    let requester = before.intent.behind(directory).clone();
    let mut found = Found { all: Vec::new(), requester };
    let mut approval = before.clone();
    for entry in entries {
        found.entry(&approval, entry);
        match life::after(Some(approval), entry) {
            Ok(next) => approval = next,
            // INVARIANT: the same table recorded the entry just now, so it fits.
            Err(_) => break,
        }
    }
    found.newly_able(before, after);
    let ended = found.all.iter().any(|(_, about)| *about == About::Done);
    let told = found.all.into_iter().filter(|(_, about)| !(ended && *about == About::Approved));
    let by_every_way = |(to, about): (PersonId, About)| {
        let ways = directory.contacts.get(&to).cloned().unwrap_or_default();
        ways.into_iter().map(move |by| Notice { to: to.clone(), by, about: about.clone() })
    };
    told.flat_map(by_every_way).filter(|notice| !is_moot(after, notice)).collect()
}

/// What was found so far, each person and subject once.
struct Found {
    all: Vec<(PersonId, About)>,
    /// Who answers for what was asked.
    requester: PersonId,
}

impl Found {
    /// Adds whom one entry concerns, given the approval before it.
    fn entry(&mut self, before: &Approval, entry: &Entry) {
        let requester = &self.requester.clone();
        match &entry.event {
            Event::SeatOpened { row, seat } => self.opened(before, entry, *row, seat),
            Event::SeatMoved { row, come, seat, .. } => {
                self.seat(entry, come, *row, Why::Moved);
                let known = seats(before).and_then(|seats| seats.open.get(row));
                // Whoever could decide before and answers for it now must know that it is theirs.
                if seat.fair && seat.claims.is_empty() && known.is_none_or(|known| known.owner != seat.owner)
                {
                    self.seat(entry, std::slice::from_ref(&seat.owner), *row, Why::Moved);
                }
            }
            Event::Released { row, person, expired } => {
                let about = About::Free { row: *row, person: person.clone(), expired: *expired };
                self.free(before, entry, (*row, &about));
            }
            Event::Asked { .. } => {
                self.add(entry, requester, About::Question { question: next_question(before) });
            }
            Event::Answered { question, .. } | Event::Unanswered { question, .. } => {
                self.answered(before, entry, *question);
            }
            Event::Reminded { rows, next } => self.reminded(before, entry, (rows, next)),
            Event::SentBack { .. } => self.add(entry, requester, About::SentBack),
            Event::Approved { .. } => self.add(entry, requester, About::Approved),
            Event::Declined { .. } => self.add(entry, requester, About::Declined),
            // Whoever asked knows it since it was done first; what is written again is nobody's news.
            Event::Closed if !before.watches.is_empty() => {}
            Event::Closed => self.add(entry, requester, About::Done),
            Event::ExceptionOpened { id, exception } => self.open(entry, requester, (*id, exception)),
            Event::GlassBroken { loud, .. } => self.all(entry, loud),
            Event::Overridden { what, .. } if what.reason == BREAK_GLASS => {
                self.all(entry, before.broken.as_ref().map_or(&[], |broken| &broken.loud));
            }
            Event::ExceptionEscalated { id, owner, .. } => self.passed(entry, owner, (*id, Why::Missed)),
            Event::ExceptionReminded { id, next } => {
                self.reminded_to_settle(before, entry, (*id, next.as_ref()))
            }
            Event::ExceptionMoved { id, owner, .. } => self.passed(entry, owner, (*id, Why::Moved)),
            Event::Submitted { .. }
            | Event::Postponed { .. }
            | Event::Repinned { .. }
            | Event::Evaluated { .. }
            | Event::Sealed { .. }
            | Event::Seated { .. }
            | Event::Claimed { .. }
            | Event::Carried { .. }
            | Event::Handed { .. }
            | Event::Recalled { .. }
            | Event::VoiceAdded { .. }
            | Event::VoiceDropped { .. }
            | Event::Commented { .. }
            | Event::Overridden { .. }
            | Event::Reopened { .. }
            | Event::Reconsidered { .. }
            | Event::Renewed { .. }
            | Event::Amended { .. }
            | Event::Voted { .. }
            | Event::Activated { .. }
            | Event::FilePublished { .. }
            | Event::WentLive { .. }
            | Event::Withdrawn { .. }
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
            | Event::ExceptionReview { .. }
            | Event::ExceptionClosed { .. }
            | Event::Noticed { .. }
            | Event::Told { .. }
            | Event::NotTold { .. }
            | Event::NoticesMoot { .. }
            | Event::FailedOpen { .. }
            | Event::LinkUsed { .. } => {}
        }
    }

    /// Whoever asked has an answer, or gets none.
    fn answered(&mut self, before: &Approval, entry: &Entry, question: u32) {
        let asked = seats(before).and_then(|seats| seats.question(question));
        if let Some(asked) = asked {
            self.add(entry, &asked.by, About::Answer { question });
        }
    }

    /// Somebody else answers for an exception now, or is to do it.
    fn passed(&mut self, entry: &Entry, owner: &PersonId, (id, why): (ExceptionId, Why)) {
        self.add(entry, owner, About::Exception { id, why });
    }

    /// A seat is the pool's again.
    fn free(&mut self, before: &Approval, entry: &Entry, (row, about): (u32, &About)) {
        let seat = seats(before).and_then(|seats| seats.open.get(&row));
        for member in seat.map(|seat| seat.eligible.as_slice()).unwrap_or_default() {
            self.add(entry, member, about.clone());
        }
    }

    /// A seat was opened: for the first time, anew after somebody came, or for a backup. One that only
    /// gets more time asks nobody again.
    fn opened(&mut self, before: &Approval, entry: &Entry, row: u32, seat: &Seat) {
        let known = seats(before).and_then(|seats| Some((seats, seats.open.get(&row)?)));
        let Some((seats, known)) = known else {
            return self.seat(entry, &seat.eligible, row, Why::Opened);
        };
        if known.missed == seat.missed {
            let come: Vec<PersonId> =
                seat.eligible.iter().filter(|person| !known.eligible.contains(person)).cloned().collect();
            return self.seat(entry, &come, row, Why::Moved);
        }
        let late = seats.awaited(row).is_none() && known.due <= entry.at && !known.eligible.is_empty();
        if late {
            self.add(entry, &self.requester.clone(), About::Missed { row });
        }
        self.seat(entry, &seat.eligible, row, if late { Why::Missed } else { Why::Moved });
    }

    /// Whoever can decide now and could not before must hear of it, whatever the reason: a claim that went
    /// with its person, a quorum that grew.
    fn newly_able(&mut self, before: &Approval, after: &Approval) {
        let Some(now) = seats(after) else { return };
        for (row, seat) in now.unfilled() {
            for person in &seat.eligible {
                let newly = can_decide(after, row, person) && !can_decide(before, row, person);
                if newly && !self.all.iter().any(|(known, about)| known == person && is_of(about, row)) {
                    self.all.push((person.clone(), About::Seat { rows: vec![row], why: Why::Moved }));
                }
            }
        }
    }

    fn seat(&mut self, entry: &Entry, people: &[PersonId], row: u32, why: Why) {
        for person in people {
            let known = self.all.iter_mut().find_map(|(known, about)| {
                let About::Seat { rows, .. } = about else { return None };
                (known == person).then_some(rows)
            });
            match known {
                Some(rows) if rows.contains(&row) => {}
                Some(rows) => rows.push(row),
                None => self.add(entry, person, About::Seat { rows: vec![row], why }),
            }
        }
    }

    /// Whoever is asked and has not decided, and with most of the time gone whoever is asked next.
    fn reminded(&mut self, before: &Approval, entry: &Entry, (rows, next): (&[u32], &[PersonId])) {
        for row in rows {
            let seat = seats(before).and_then(|seats| seats.open.get(row));
            let people = seat.map(|seat| seat.eligible.as_slice()).unwrap_or_default();
            self.seat(entry, people, *row, Why::Reminded);
            let missed = seat.map_or(0, |seat| seat.missed);
            next.iter().for_each(|person| self.add(entry, person, About::Soon { row: *row, missed }));
        }
    }

    /// Whoever answers for an exception and has not settled it, and whoever does next.
    fn reminded_to_settle(
        &mut self,
        before: &Approval,
        entry: &Entry,
        (id, next): (ExceptionId, Option<&PersonId>),
    ) {
        let Some(exception) = open(before, id) else { return };
        // Who has it since this turn hears so once.
        let knows = |(known, about): &(PersonId, About)| {
            *known == exception.owner && matches!(about, About::Exception { id: other, .. } if *other == id)
        };
        if !self.all.iter().any(knows) {
            self.passed(entry, &exception.owner, (id, Why::Reminded));
        }
        let missed = exception.missed;
        next.into_iter().for_each(|next| self.add(entry, next, About::SoonException { id, missed }));
    }

    /// Everybody who is to hear that somebody decides alone, or did.
    fn all(&mut self, entry: &Entry, loud: &[PersonId]) {
        loud.iter().for_each(|person| self.add(entry, person, About::GlassBroken));
    }

    /// Whoever answers for an exception, and the requester whom it holds up.
    fn open(&mut self, entry: &Entry, requester: &PersonId, (id, exception): (ExceptionId, &Exception)) {
        self.add(entry, &exception.owner, About::Exception { id, why: Why::Opened });
        if exception.owner != *requester && !exception.cause.outlives() {
            self.add(entry, requester, About::HeldUp { id });
        }
    }

    fn add(&mut self, entry: &Entry, person: &PersonId, about: About) {
        let own_deed = matches!(&entry.by, Actor::Person(by) if by == person);
        let known = self.all.iter().any(|(known, other)| known == person && *other == about);
        if !own_deed && !known {
            self.all.push((person.clone(), about));
        }
    }
}

/// The number of a question that is asked now.
fn next_question(before: &Approval) -> u32 {
    let asked = seats(before).map_or(0, |seats| seats.questions.len());
    u32::try_from(asked).unwrap_or(u32::MAX).saturating_add(1)
}

/// Whether it asks for a decision in this seat.
fn is_of(about: &About, row: u32) -> bool {
    match about {
        About::Seat { rows, .. } => rows.contains(&row),
        About::Free { row: own, .. } => *own == row,
        About::Question { .. }
        | About::Answer { .. }
        | About::Soon { .. }
        | About::SentBack
        | About::Missed { .. }
        | About::HeldUp { .. }
        | About::Exception { .. }
        | About::SoonException { .. }
        | About::GlassBroken
        | About::Approved
        | About::Declined
        | About::Done => false,
    }
}
