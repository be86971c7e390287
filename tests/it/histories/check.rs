//! What must hold of every history, whatever happens in it.

use super::History;
use countersign_core::approval::event::{Actor, Entry, Event};
use countersign_core::approval::life::{Again, Replayed, replay};
use countersign_core::approval::seat::{Claim, Handed, Reply, Seat, Seats};
use countersign_core::approval::wake::Wake;
use countersign_core::approval::{Approval, Authority, Case, Intent, Outcome, Stage};
use countersign_core::break_glass::BREAK_GLASS;
use countersign_core::exception::Cause;
use countersign_core::id::{FieldName, PersonId};
use countersign_core::intent::{FactValue, TokenValue};
use countersign_core::notice::link::LinkVerb;
use countersign_core::override_::Override;
use countersign_core::people::{Asking, Whom};
use std::collections::BTreeSet;

impl History<'_> {
    /// A seat that lacked a voice before an amendment lacks one after it.
    pub(super) fn no_quorum_shrinks_by_amendment(&self, before: &Approval, after: &Approval, new: &[Entry]) {
        let (Some(earlier), Stage::Seated { seats, .. }) = (&before.earlier, &after.stage) else { return };
        for entry in new {
            let Event::Carried { row, .. } = &entry.event else { continue };
            let wanted = &seats.rows[usize::try_from(*row).expect("an index")];
            let was = (0_u32..).zip(&earlier.seats.rows).find(|(_, other)| *other == wanted);
            let was = was.and_then(|(row, _)| earlier.seats.open.get(&row)).expect("its voices were there");
            if !was.is_filled() && seats.open[row].is_filled() {
                self.fail("an amendment filled a seat that lacked a voice");
            }
        }
    }

    /// A seat is filled by a voice and by nothing else: a quorum that shrinks is no pass.
    pub(super) fn only_voices_fill(&self, before: &Approval, after: &Approval, new: &[Entry]) {
        let (Stage::Seated { seats: before, .. }, Stage::Seated { seats: after, .. }) =
            (&before.stage, &after.stage)
        else {
            return;
        };
        let voiced = |row: u32| {
            new.iter().any(|entry| matches!(&entry.event, Event::Voted { rows, .. } if rows.contains(&row)))
        };
        for (row, _) in before.unfilled() {
            if after.open.get(&row).is_some_and(Seat::is_filled) && !voiced(row) {
                self.fail("a seat was filled without a voice");
            }
        }
    }

    /// A timer acts at its time or after it, never before, and never while the requester is asked.
    pub(super) fn on_time(&self, before: &Approval, entry: &Entry) {
        let Stage::Seated { seats, .. } = &before.stage else { return };
        match (&entry.by, &entry.event) {
            (Actor::Timer, Event::Declined { .. }) => {
                let due =
                    seats.unfilled().any(|(row, seat)| seat.due <= self.now && seats.awaited(row).is_none());
                // An answer that did not come can end in the same turn as the seat.
                let asked = seats.questions.iter().any(
                    |question| matches!(question.reply, Reply::Awaited { until, .. } if until <= self.now),
                );
                if !due && !asked {
                    self.fail("it was declined before its time");
                }
            }
            (Actor::Timer, Event::Released { row, person, expired: true }) => {
                let claims = seats.open.get(row).map(|seat| seat.claims.as_slice()).unwrap_or_default();
                if !claims.iter().any(|claim| claim.by == *person && claim.until <= self.now) {
                    self.fail("a claim ended before its time");
                }
            }
            (Actor::Timer, Event::Reminded { rows, .. }) => {
                let in_time = |row: &u32| {
                    let seat = seats.open.get(row).filter(|seat| !seat.is_filled());
                    seat.is_some_and(|seat| {
                        seat.remind.is_some_and(|at| at <= self.now) && self.now < seat.due
                    })
                };
                if !rows.iter().all(in_time) {
                    self.fail("people were reminded too early, or of what is over");
                }
            }
            (_, Event::Unanswered { question, .. }) => {
                let index = usize::try_from(*question).expect("an index") - 1;
                let reply = &seats.questions[index].reply;
                let directory = self.book.directory();
                // Nobody waits for whoever has left the house.
                let has_left = !directory.knows(before.intent.behind(directory));
                if !matches!(reply, Reply::Awaited { until, .. } if *until <= self.now || has_left) {
                    self.fail("a question ended before its time");
                }
            }
            _ => {}
        }
    }

    /// A link is used once, by the person whom its notice told, about the revision that it told of.
    pub(super) fn linked(&self, before: &Approval, entry: &Entry) {
        let Event::LinkUsed { notice, verb } = &entry.event else { return };
        let Some(told) = before.notices.linked.get(notice) else { self.fail("a link of nothing was used") };
        let own = entry.by == Actor::Person(told.to.clone()) && LinkVerb::of(&told.about).contains(verb);
        if told.used || !own || told.revision != before.intent.revision {
            self.fail("a link was used that is not theirs, or is over");
        }
    }

    /// Whoever decides, or gets a seat, is there, did not ask for it, and has no voice in it yet.
    pub(super) fn by_right(&self, before: &Approval, entry: &Entry) {
        // What is resumed for the next revision is looked up when a seat of it is opened.
        if entry.by == Actor::Engine {
            return;
        }
        let (Event::Voted { person, .. }
        | Event::Claimed { claim: Claim { by: person, .. }, .. }
        | Event::Handed { handed: Handed { to: person, .. }, .. }
        | Event::VoiceAdded { by: person, .. }
        | Event::Asked { person, .. }) = &entry.event
        else {
            return;
        };
        let Stage::Seated { seats, .. } = &before.stage else { self.fail("nobody was asked") };
        let intent_type = &before.intent.intent_type;
        let directory = self.book.directory();
        let there = directory.knows(person) && directory.absence(person, intent_type, self.now).is_none();
        if !there || before.intent.requester == *person || seats.voices().any(|voice| voice == person) {
            self.fail("somebody acted in a seat who may not");
        }
    }

    /// What was decided by people was decided in every seat that was asked for, added ones too; and whoever had
    /// somebody decide in their place, by a cover or a deputy, has no voice of their own beside that one.
    pub(super) fn voices_are_distinct(&self, new: &[Entry]) {
        let mut state: Option<Approval> = None;
        let mut spent: BTreeSet<PersonId> = BTreeSet::new();
        if !new.iter().any(|entry| matches!(entry.event, Event::Approved { .. } | Event::Voted { .. })) {
            return;
        }
        for entry in self.entries.iter().chain(new) {
            if let Some(Approval { stage: Stage::Seated { seats, .. }, .. }) = &state {
                match &entry.event {
                    Event::Voted { person, rows, .. } => {
                        for row in rows {
                            if spent.contains(person) {
                                self.fail("somebody decided beside whoever decided in their place");
                            }
                            let whose = seats.open[row].standing_in.get(person);
                            // Of another seat it can be: a standby is there for whoever is in conflict.
                            if whose.is_some_and(|whose| seats.open[row].approved.contains(whose)) {
                                self.fail("somebody decided in the place of whoever had decided");
                            }
                            spent.extend(whose.cloned());
                        }
                    }
                    Event::Carried { row, people, .. } => {
                        let whose =
                            people.iter().filter_map(|person| seats.open[row].standing_in.get(person));
                        spent.extend(whose.cloned());
                    }
                    Event::Approved { authority: Authority::People(_) } if !seats.are_filled() => {
                        self.fail("it was approved though a seat lacks a voice");
                    }
                    _ => {}
                }
            }
            if matches!(entry.event, Event::Seated { .. }) {
                spent.clear();
            }
            let next = countersign_core::approval::life::after(state, entry);
            state = Some(next.unwrap_or_else(|fault| self.fail(&fault.to_string())));
        }
    }

    /// Each time that the glass is broken somebody else is to look at it, and whoever answers for it has not broken it.
    pub(super) fn broken(&self, after: &Approval, new: &[Entry]) {
        for entry in new {
            let Event::GlassBroken { person, .. } = &entry.event else { continue };
            let opened = |entry: &Entry| matches!(&entry.event, Event::ExceptionOpened { exception, .. } if exception.cause == Cause::BreakGlass && exception.barred.contains(person));
            if !new.iter().any(opened) {
                self.fail("the glass was broken, and nobody looks at it");
            }
        }
        let Some(broken) = &after.broken else { return };
        let open = after.exceptions.values().filter(|exception| exception.closed.is_none());
        let mut reviews = open.filter(|exception| exception.cause == Cause::BreakGlass);
        if reviews.any(|review| broken.everyone.contains(&review.owner)) {
            self.fail("whoever broke the glass answers for the review");
        }
    }

    /// Whoever decides against the policy did not ask for it, may by the table, and says why with evidence.
    pub(super) fn overridden(&self, before: &Approval, after: &Approval, new: &[Entry]) {
        let overrides = |what: &Override| {
            let intent = &before.intent;
            let schema = self.book.intent_type(&intent.intent_type).expect("the type is there");
            if what.reason == BREAK_GLASS {
                let broken = before.broken.as_ref().filter(|broken| self.now < broken.until);
                if broken.is_none_or(|broken| broken.by != what.by) || what.by == intent.requester {
                    self.fail("somebody decided alone who has not broken the glass");
                }
                return;
            }
            let rule = schema.overrides.iter().find(|rule| rule.reason == what.reason);
            let rule = rule.unwrap_or_else(|| self.fail("an override for a reason that is none"));
            let asking = Asking {
                requester: &intent.requester,
                answers: &[],
                intent_type: &intent.intent_type,
                tokens: &intent.tokens,
            };
            let filled = self.book.directory().fill(&rule.by, asking, &[], self.now);
            let may = filled.is_some_and(|filled| filled.eligible.contains(&what.by));
            if !may || what.by == intent.requester || what.words.is_empty() || what.evidence.is_empty() {
                self.fail("somebody overrode the policy who may not, or without a ground");
            }
        };
        let mut said = None;
        for entry in new {
            match &entry.event {
                Event::Overridden { what, .. } => {
                    // Who confirms an override is asked in a seat, which has its own check.
                    if matches!(&before.stage, Stage::Seated { case, .. } if !case.evaluation.is_against()) {
                        overrides(what);
                    }
                    said = Some(what.by.clone());
                }
                Event::Reopened { what, .. } => overrides(what),
                Event::Approved { authority: Authority::Override(person) }
                | Event::Declined { authority: Authority::Override(person), .. }
                    if said.as_ref() != Some(person) =>
                {
                    self.fail("an override decided that nobody gave");
                }
                Event::Approved { authority: Authority::People(_) | Authority::Policy } if said.is_some() => {
                    self.fail("an override passes for another decision");
                }
                _ => {}
            }
        }
        if let (Stage::Seated { case, seats }, Some(overridden)) = (&after.stage, &after.overridden)
            && case.evaluation.is_against()
            && seats.rows.iter().any(|row| row.whom != Whom::Person(overridden.what.by.clone()))
        {
            self.fail("somebody else is asked to confirm an override");
        }
    }

    /// A voice holds for the next revision only if it was given, and only for the same record and stake.
    pub(super) fn carried(&self, before: &Approval, after: &Approval, entry: &Entry) {
        let Event::Carried { people, revision, promises, .. } = &entry.event else { return };
        let Some(earlier) = &before.earlier else { self.fail("voices came from nowhere") };
        let given: BTreeSet<&PersonId> = earlier.seats.voices().collect();
        let fixed = ["quote_id", "customer_id", "amount"].map(|name| FieldName::parse(name).expect("a name"));
        let same = fixed.iter().all(|name| earlier.intent.tokens.get(name) == before.intent.tokens.get(name));
        if !same
            || *revision != earlier.intent.revision
            || !people.iter().all(|person| given.contains(person))
        {
            self.fail("a voice was carried to something that it was not given for");
        }
        let Some(case) = after.case() else { self.fail("a voice was carried to no seat") };
        let percent = |name: &str, intent: &Intent, case: &Case| {
            let name = FieldName::parse(name).expect("a name");
            match (intent.tokens.get(&name), case.facts.get(&name)) {
                (Some(TokenValue::Percent(percent)), _)
                | (None, Some(FactValue::Known(TokenValue::Percent(percent)))) => percent.0,
                other => self.fail(&format!("{name} is {other:?}")),
            }
        };
        for promise in promises {
            let (name, less) = match promise.as_str() {
                "more discount_percent never needs less" => ("discount_percent", true),
                "less margin never needs less" => ("margin", false),
                other => self.fail(&format!("nobody promised `{other}`")),
            };
            let (was, now) =
                (percent(name, &earlier.intent, &earlier.case), percent(name, &before.intent, case));
            if (now < was) != less || now == was {
                self.fail(&format!("a voice for {name} {was} holds for {now} by `{promise}`"));
            }
        }
    }

    /// What the log says of answers and seals comes out when it is made again, as far as the rules of now have the
    /// policy.
    pub(super) fn comes_out_again(&self) -> usize {
        let replayed =
            replay(&self.entries, &self.book).unwrap_or_else(|fault| self.fail(&fault.to_string()));
        let is_otherwise =
            |again: &Replayed| again.seal == Some(false) || matches!(again.answer, Again::Otherwise { .. });
        if let Some(again) = replayed.iter().find(|again| is_otherwise(again)) {
            self.fail(&format!("what is on record does not come out again: {again:#?}"));
        }
        replayed.iter().filter(|again| again.is_same()).count()
    }

    /// What must hold whenever nothing is due.
    pub(super) fn check(&self) {
        self.check_notices();
        self.reminders_came();
        let wakes = self.approval.wakes();
        self.each_wakes(&wakes);
        let open: Vec<_> = self.approval.exceptions.values().filter(|found| found.closed.is_none()).collect();
        match &self.approval.stage {
            Stage::Closed(outcome) => {
                let late = wakes.iter().filter(|(wake, _)| !matches!(wake, Wake::Notice(_))).count();
                if open.iter().any(|found| !found.cause.outlives()) || late != open.len() {
                    self.fail("something is open though all is over");
                }
                if wakes.values().any(|due| *due <= self.now) {
                    self.fail("something was due and is not looked after though all is over");
                }
                self.check_owners();
                if let Outcome::Done { authority: Authority::People(people), .. } = outcome {
                    let distinct: BTreeSet<&PersonId> = people.iter().collect();
                    if distinct.len() != people.len() || distinct.contains(&self.approval.intent.requester) {
                        self.fail("it was approved by somebody twice, or by the requester");
                    }
                }
                return;
            }
            Stage::Seated { seats, .. } => self.check_seats(seats),
            Stage::Returned { .. } => {
                let directory = self.book.directory();
                if !directory.knows(self.approval.intent.behind(directory)) {
                    self.fail("it was sent back to somebody who left");
                }
            }
            Stage::Preparing { .. } | Stage::Executing { .. } => {}
            Stage::Unsettled { .. } => {
                if open.is_empty() {
                    self.fail("it waits for nobody");
                }
            }
        }
        if wakes.is_empty() {
            self.fail("nothing will ever wake it");
        }
        if let Some((wake, due)) = wakes.iter().find(|(_, due)| **due <= self.now) {
            self.fail(&format!("{wake} was due at {due} and is not looked after"));
        }
        self.check_owners();
    }

    fn check_owners(&self) {
        // Under a clock that was set back it is looked up at the next command, and not before.
        if self.latest <= self.now {
            self.owners_are_there(&self.approval);
        }
        for exception in self.approval.exceptions.values().filter(|found| found.closed.is_none()) {
            if !self.book.directory().knows(&exception.owner) {
                self.fail("an exception belongs to somebody who left");
            }
        }
    }

    fn check_seats(&self, seats: &Seats) {
        let mut exceptions = self.approval.exceptions.values().filter(|found| found.closed.is_none());
        let no_seat = exceptions.any(|found| found.cause == Cause::NoSeat);
        if seats.unfilled().next().is_none() && !no_seat {
            self.fail("no seat is open and nobody looks for people");
        }
        for (row, seat) in seats.unfilled() {
            self.check_seat(seats, row, seat, no_seat);
        }
    }

    fn check_seat(&self, seats: &Seats, row: u32, seat: &Seat, no_seat: bool) {
        let directory = self.book.directory();
        let intent = &self.approval.intent;
        if seat.eligible.is_empty() {
            if !no_seat {
                self.fail("a seat is open for nobody, and nobody looks for people");
            }
            return;
        }
        if !seat.eligible.contains(seat.answerable()) {
            self.fail("a seat belongs to somebody who may not fill it");
        }
        // A voice that weighs more than is missing may be claimed too.
        let claims = u32::try_from(seat.claims.len()).expect("few");
        if seat.lacking() < claims {
            self.fail("more is claimed than is missing");
        }
        let open = seat.eligible.iter().filter(|person| !seats.voices().any(|voice| voice == *person));
        if seat.weigh(open) < seat.lacking() {
            self.fail("a seat lacks more voices than people can give");
        }
        for person in &seat.eligible {
            // Under a clock that was set back it is looked up at the next decision, and not before.
            let away = directory.absence(person, &intent.intent_type, self.now).is_some();
            let there =
                directory.knows(person) && !(away && self.latest <= self.now) && *person != intent.requester;
            // A voice of this seat stays, wherever its person is now.
            if !there && !seat.approved.contains(person) {
                self.fail(&format!("{person} may fill a seat and is not there"));
            }
        }
        if let Some((_, question)) = seats.awaited(row)
            && seats
                .questions
                .iter()
                .filter(|other| other.row == row)
                .filter(|other| matches!(other.reply, Reply::Awaited { .. }))
                .count()
                > 1
        {
            self.fail(&format!("{} asked while another question was open", question.by));
        }
    }
}
