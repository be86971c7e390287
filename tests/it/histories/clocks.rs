//! Clocks of random lives: whatever is open has all of its time and a next wake-up, is reminded and passed on then and
//! not before, to whoever is named next and to nobody else, and they hear of it in the same commit.

use super::History;
use countersign_core::approval::event::{Actor, Entry, Event};
use countersign_core::approval::life;
use countersign_core::approval::seat::{Question, Reply, Seat, Seats};
use countersign_core::approval::wake::Wake;
use countersign_core::approval::{Approval, Stage};
use countersign_core::exception::{Cause, Exception};
use countersign_core::id::{ExceptionId, PersonId};
use countersign_core::notice::{About, Notice, Why, is_moot};
use countersign_core::people::{Asking, Contact, Whom};
use countersign_core::policy::{Finally, Need, RouteRow};
use countersign_core::rulebook::ExceptionRoute;
use countersign_core::time::{Millis, Timestamp};
use std::collections::BTreeMap;

/// One entry, in the turn to which it belongs.
struct Moment<'a> {
    before: &'a Approval,
    entry: &'a Entry,
    /// All entries of the turn, and the approval after them.
    turn: &'a [Entry],
    after: &'a Approval,
}

/// The people of the `missed`-th who are asked, as the row names them.
fn named(row: &RouteRow, missed: u32) -> Option<&Whom> {
    let backup = usize::try_from(missed).expect("an index").checked_sub(1);
    backup.map_or(Some(&row.whom), |backup| row.backup.get(backup))
}

fn seats_of(approval: &Approval) -> Option<&Seats> {
    match &approval.stage {
        Stage::Seated { seats, .. } => Some(seats),
        _ => None,
    }
}

fn row_of(seats: &Seats, row: u32) -> &RouteRow {
    &seats.rows[usize::try_from(row).expect("an index")]
}

fn is_awaited(seats: &Seats, row: u32) -> bool {
    let open = |question: &Question| matches!(question.reply, Reply::Awaited { .. });
    seats.questions.iter().any(|question| question.row == row && open(question))
}

impl History<'_> {
    /// What a turn did to the times of seats and exceptions.
    pub(super) fn clocks(&self, before: &Approval, after: &Approval, new: &[Entry]) {
        let mut state = before.clone();
        for entry in new {
            let moment = Moment { before: &state, entry, turn: new, after };
            match &entry.event {
                Event::SeatOpened { row, seat } => self.opened(&moment, *row, seat),
                Event::SeatMoved { row, seat, .. } => self.moved(&moment, *row, seat),
                Event::Reminded { rows, next } if entry.by == Actor::Timer => {
                    rows.iter().for_each(|row| self.reminded(&moment, *row, next));
                }
                Event::ExceptionOpened { exception, .. } => {
                    self.has_its_time(exception, (exception.due, exception.remind));
                    self.answers(&moment, exception, &exception.owner);
                }
                Event::ExceptionMoved { id, owner, .. } => self.passed(&moment, *id, owner),
                Event::ExceptionEscalated { id, owner, due, remind } => {
                    self.escalated(&moment, *id, (owner, *due, *remind));
                }
                Event::ExceptionReminded { id, next } => {
                    self.reminded_to_settle(&moment, *id, next.as_ref());
                }
                _ => {}
            }
            state = life::after(Some(state), entry).unwrap_or_else(|fault| self.fail(&fault.to_string()));
        }
    }

    /// A seat is opened with all of its time: for the first time, once somebody can fill it, or for whoever is next.
    fn opened(&self, moment: &Moment<'_>, row: u32, seat: &Seat) {
        let Some(seats) = seats_of(moment.before) else { self.fail("a seat was opened of nothing") };
        let wanted = row_of(seats, row);
        let known = seats.open.get(&row).filter(|known| !known.eligible.is_empty());
        let Some(known) = known.filter(|known| known.missed != seat.missed) else {
            return match known {
                Some(known) => self.held(moment, row, (known, seat)),
                None => self.has_all_time(wanted, seat),
            };
        };
        self.has_all_time(wanted, seat);
        let is_late = known.due <= self.now && !is_awaited(seats, row);
        if !is_late && self.could_go_on(moment.before, row, known) {
            self.fail("a seat was passed on before its time");
        }
        let skipped = known.missed + 1..seat.missed;
        if skipped.into_iter().any(|missed| self.would_do(moment.before, row, missed)) {
            self.fail("a backup was passed over");
        }
        let next = self.could(moment.before, row, seat.missed);
        let is_in =
            |person: &PersonId| seat.standing_in.contains_key(person) || seat.approved.contains(person);
        if seat.eligible.iter().any(|person| !next.contains(person) && !is_in(person)) {
            self.fail("a seat was passed on to somebody whom its row does not name next");
        }
        if is_late {
            for person in &seat.eligible {
                let about = About::Seat { rows: vec![row], why: Why::Missed };
                self.hears(
                    moment,
                    person,
                    &about,
                    |about| matches!(about, About::Seat { rows, .. } if rows.contains(&row)),
                );
            }
            let about = About::Missed { row };
            self.hears(moment, &moment.before.intent.requester, &about, |other| *other == about);
        }
    }

    /// Nobody is next: the seat stays with the same people, beside somebody who answers for its being late.
    fn held(&self, moment: &Moment<'_>, row: u32, (known, seat): (&Seat, &Seat)) {
        let Some(seats) = seats_of(moment.before) else { self.fail("a seat was held of nothing") };
        let wanted = row_of(seats, row);
        let left = u32::try_from(wanted.backup.len()).expect("few");
        let is_late = known.due <= self.now && !is_awaited(seats, row);
        if !is_late || wanted.finally != Finally::Hold {
            self.fail("a seat got more time than it has");
        }
        if (known.missed + 1..=left).any(|missed| self.would_do(moment.before, row, missed)) {
            self.fail("a seat was held, and a backup was not asked");
        }
        let mut open = moment.before.exceptions.values().filter(|exception| exception.closed.is_none());
        if !open.any(|exception| exception.cause == Cause::Overdue) {
            self.fail("a seat is late, and nobody answers for that");
        }
        if seat.due <= self.now {
            self.fail("a seat was held and does not wake again");
        }
    }

    /// Whoever comes and goes: the time of the seat runs on.
    fn moved(&self, moment: &Moment<'_>, row: u32, seat: &Seat) {
        let known = seats_of(moment.before).and_then(|seats| seats.open.get(&row));
        let Some(known) = known else { self.fail("a seat was moved that is not open") };
        let is_empty = seat.eligible.is_empty();
        let stays = known.missed == seat.missed && known.due == seat.due;
        if !stays || !(is_empty || known.remind == seat.remind) {
            self.fail("a seat has another time since other people fill it");
        }
    }

    /// Whoever is asked next hears of it while there is time, and nobody else does.
    fn reminded(&self, moment: &Moment<'_>, row: u32, next: &[PersonId]) {
        let Some(seats) = seats_of(moment.before) else { self.fail("nobody is asked") };
        let (wanted, seat) = (row_of(seats, row), &seats.open[&row]);
        let left = u32::try_from(wanted.backup.len()).expect("few");
        let later = |missed: u32| seat.missed < missed && missed <= left;
        let is_handed = |person: &PersonId| seats.handed.iter().any(|handed| handed.to == *person);
        for person in next {
            let is_named = (0..=left)
                .any(|missed| later(missed) && self.could(moment.before, row, missed).contains(person));
            if !is_named && !is_handed(person) {
                self.fail("somebody was told that they are next, and is not");
            }
            let about = About::Soon { row, missed: seat.missed };
            self.hears(moment, person, &about, |other| *other == about);
        }
        let first = seat.missed + 1;
        if later(first) && self.would_do(moment.before, row, first) && seats.handed.is_empty() {
            let asked = |person: &PersonId| seat.eligible.contains(person) || seat.approved.contains(person);
            let mut named = self.could(moment.before, row, first).into_iter();
            if named.any(|person| !asked(&person) && !next.contains(&person)) {
                self.fail("whoever is next was not told");
            }
        }
    }

    /// Who could fill a seat now, after it was missed so often.
    fn could(&self, approval: &Approval, row: u32, missed: u32) -> Vec<PersonId> {
        let Some(seats) = seats_of(approval) else { return Vec::new() };
        let Some(whom) = named(row_of(seats, row), missed) else { return Vec::new() };
        let others = seats.open.iter().filter(|(other, _)| **other != row);
        let mut taken: Vec<PersonId> =
            others.flat_map(|(_, seat)| seat.approved.iter().chain(&seat.spent)).cloned().collect();
        let (mut used, mut voices) = (Vec::new(), Vec::new());
        if let Some(seat) = seats.open.get(&row) {
            taken.extend(seat.spent.iter().cloned());
            used.extend(seat.approved.iter().chain(&seat.spent).cloned());
            voices.extend(seat.approved.iter());
        }
        let filled = self.book.directory().fill_places(whom, asking(approval), (&taken, &used), self.now);
        let mut people = filled.map(|filled| filled.eligible).unwrap_or_default();
        people.retain(|person| !voices.contains(&person));
        people
    }

    /// Whether whoever is asked after so many misses is enough for it.
    fn would_do(&self, approval: &Approval, row: u32, missed: u32) -> bool {
        let one = seats_of(approval).is_some_and(|seats| row_of(seats, row).need == Need::Count(1));
        one && !self.could(approval, row, missed).is_empty()
    }

    /// Whether everybody who was asked in a seat can still fill it, each for themselves.
    fn could_go_on(&self, approval: &Approval, row: u32, seat: &Seat) -> bool {
        let could = self.could(approval, row, seat.missed);
        let wanted = seats_of(approval).map(|seats| row_of(seats, row));
        let weighs = wanted.is_none_or(|wanted| match (wanted.need, named(wanted, seat.missed)) {
            // What a voice weighs can have changed too.
            (Need::Weight(need), Some(whom)) => {
                need <= seat.given() + self.book.directory().weigh(whom, &could)
            }
            _ => true,
        });
        weighs
            && seat.standing_in.is_empty()
            && seat.eligible.iter().all(|person| seat.approved.contains(person) || could.contains(person))
    }

    /// A seat is due when its time has run in one of the calendars, that of its pool if it is one's, and its people are
    /// reminded after three quarters.
    fn has_all_time(&self, wanted: &RouteRow, seat: &Seat) {
        if seat.eligible.is_empty() {
            return;
        }
        let directory = self.book.directory();
        let whom = named(wanted, seat.missed).unwrap_or_else(|| self.fail("a seat is for nobody"));
        let length = wanted.within.length();
        let most = Millis(length.0 - length.0 / 4);
        let of_pool = directory.pool_of(whom).map(|pool| &pool.calendar);
        let fits = |calendar| {
            let after = |length| directory.after(&wanted.within, calendar, self.now, length);
            after(length) == seat.due && Some(after(most)) == seat.remind
        };
        if !of_pool.map_or_else(|| directory.calendars.keys().any(fits), fits) {
            self.fail("a seat has another time than its row says");
        }
    }

    /// The row of the exception table that gave an exception its owner; nothing if it is in the files no more.
    fn route_of(&self, exception: &Exception) -> Option<&ExceptionRoute> {
        let mut routes = self.book.shared().exceptions.iter().map(|rule| &rule.route);
        routes.find(|route| route.id == exception.route)
    }

    /// An exception has the time that its row gives, from now on, and its owner is reminded after three quarters.
    fn has_its_time(&self, exception: &Exception, (due, remind): (Timestamp, Option<Timestamp>)) {
        let Some(route) = self.route_of(exception) else { return };
        let directory = self.book.directory();
        let length = route.within.length();
        let most = Millis(length.0 - length.0 / 4);
        let fits = |calendar| {
            let after = |length| directory.after(&route.within, calendar, self.now, length);
            after(length) == due && Some(after(most)) == remind
        };
        if !directory.calendars.keys().any(fits) {
            self.fail("an exception has another time than its row says");
        }
    }

    /// Who is named for an exception after so many misses, and is there.
    fn named_for(&self, approval: &Approval, exception: &Exception, missed: u32) -> Option<PersonId> {
        let route = self.route_of(exception)?;
        let policy = self.book.policy(&approval.intent.intent_type, self.now)?;
        let whoms = std::iter::once(&route.whom).chain(&route.backup);
        let mut whoms =
            whoms.skip(usize::try_from(missed).expect("an index")).map(|whom| whom.owned_by(&policy.owner));
        let directory = self.book.directory();
        whoms.find_map(|whom| {
            let filled = directory.fill(&whom, asking(approval), &exception.barred, self.now)?;
            Some(self.on_call(&whom, &filled.eligible).unwrap_or(filled.owner))
        })
    }

    /// Whose turn it is in a pool that takes turns, or whoever of those who can comes after them.
    fn on_call(&self, whom: &Whom, can: &[PersonId]) -> Option<PersonId> {
        let Whom::Pool(pool) = whom else { return None };
        let directory = self.book.directory();
        let turns = directory.rotations.get(pool)?;
        let today = directory.calendars[&directory.pools[pool].calendar].day(self.now).expect("a day");
        let turn = usize::try_from((today.0 - turns.from.0).div_euclid(turns.days)).ok()?;
        let places = turn..turn + turns.order.len();
        places.map(|place| &turns.order[place % turns.order.len()]).find(|who| can.contains(*who)).cloned()
    }

    /// Whoever answers for an exception is the first who is named and there; if nobody is, somebody of the house.
    fn answers(&self, moment: &Moment<'_>, exception: &Exception, owner: &PersonId) {
        let named = self.named_for(moment.before, exception, exception.missed);
        if named.is_some_and(|named| named != *owner) {
            self.fail("an exception is somebody else's than the one who is named for it");
        }
        if !self.book.directory().knows(owner) {
            self.fail("an exception was given to somebody who left");
        }
    }

    /// An exception is given to somebody else only by a person, or because its owner is not there.
    fn passed(&self, moment: &Moment<'_>, id: ExceptionId, owner: &PersonId) {
        let exception = &moment.before.exceptions[&id];
        let directory = self.book.directory();
        let intent = &moment.before.intent;
        let stays = directory.is_there(&exception.owner, &intent.intent_type, self.now)
            && !exception.barred.contains(&exception.owner)
            && exception.owner != intent.requester;
        if stays {
            self.fail("an exception was taken from somebody who is there");
        }
        self.answers(moment, exception, owner);
        self.told_of(moment, id, owner);
    }

    /// Nobody looked after an exception in time: whoever is named next does, with all of its time.
    fn escalated(
        &self,
        moment: &Moment<'_>,
        id: ExceptionId,
        (owner, due, remind): (&PersonId, Timestamp, Option<Timestamp>),
    ) {
        let exception = &moment.before.exceptions[&id];
        if entry_is_early(moment, exception, self.now) {
            self.fail("an exception was passed on before its time");
        }
        self.has_its_time(exception, (due, remind));
        let next = Exception { missed: exception.missed + 1, ..exception.clone() };
        self.answers(moment, &next, owner);
        self.told_of(moment, id, owner);
    }

    /// Whoever answers for an exception is reminded once, by time alone, and hears of it with whoever comes next.
    fn reminded_to_settle(&self, moment: &Moment<'_>, id: ExceptionId, next: Option<&PersonId>) {
        let exception = &moment.before.exceptions[&id];
        let is_time = exception.remind.is_some_and(|remind| remind <= self.now) && self.now < exception.due;
        if moment.entry.by != Actor::Timer || exception.closed.is_some() || !is_time {
            self.fail("somebody was reminded of an exception at another time than its own");
        }
        if next == Some(&exception.owner) {
            self.fail("somebody was told that they come after themselves");
        }
        let named = self.named_for(moment.before, exception, exception.missed + 1);
        if named.is_some_and(|named| named != *next.unwrap_or(&exception.owner)) {
            self.fail("somebody else than whoever is named was told that an exception is theirs next");
        }
        self.told_of(moment, id, &exception.owner);
        let about = About::SoonException { id, missed: exception.missed };
        next.into_iter().for_each(|next| self.hears(moment, next, &about, |other| *other == about));
    }

    /// No reminder is lost: whatever waits for none has had it since it was given its time.
    pub(super) fn reminders_came(&self) {
        for (id, exception) in self.approval.exceptions.iter().filter(|(_, found)| found.closed.is_none()) {
            let since = self.entries.iter().rev().find_map(|entry| match &entry.event {
                Event::ExceptionReminded { id: other, .. } if other == id => Some(true),
                Event::ExceptionOpened { id: other, .. } | Event::ExceptionEscalated { id: other, .. }
                    if other == id =>
                {
                    Some(false)
                }
                _ => None,
            });
            if since == Some(exception.remind.is_some()) {
                self.fail(&format!("whoever answers for {id} was not reminded, or is to be twice"));
            }
        }
    }

    fn told_of(&self, moment: &Moment<'_>, id: ExceptionId, owner: &PersonId) {
        let about = About::Exception { id, why: Why::Missed };
        self.hears(
            moment,
            owner,
            &about,
            |about| matches!(about, About::Exception { id: other, .. } if *other == id),
        );
    }

    /// Whoever can be told is told in the same commit, unless it was over again by its end.
    fn hears(&self, moment: &Moment<'_>, person: &PersonId, what: &About, is: impl Fn(&About) -> bool) {
        if !self.is_reached(person) {
            return;
        }
        let by = Contact::mail("somebody@example.com").expect("an address");
        let notice = Notice { to: person.clone(), by, about: what.clone() };
        let told = moment.turn.iter().any(|entry| {
            let Event::Noticed { notices } = &entry.event else { return false };
            notices.iter().any(|notice| notice.to == *person && is(&notice.about))
        });
        if !told && !is_moot(moment.after, &notice) {
            self.fail(&format!("{person} does not hear of {}", what.as_str()));
        }
    }

    /// Once all was looked up again, whoever answers for an exception is there, unless nobody who is named is.
    pub(super) fn owners_are_there(&self, approval: &Approval) {
        let directory = self.book.directory();
        for exception in approval.exceptions.values().filter(|exception| exception.closed.is_none()) {
            let there = directory.is_there(&exception.owner, &approval.intent.intent_type, self.now);
            if !there && self.named_for(approval, exception, exception.missed).is_some() {
                self.fail(&format!("{} answers for an exception and is not there", exception.owner));
            }
        }
    }

    /// Each open item wakes by itself, in time for whatever happens to it next.
    pub(super) fn each_wakes(&self, wakes: &BTreeMap<Wake, Timestamp>) {
        let by = |wake: Wake, latest: Timestamp| {
            if wakes.get(&wake).is_none_or(|due| latest < *due) {
                self.fail(&format!("{wake} does not wake until {latest}: {wakes:?}"));
            }
        };
        let directory = self.book.directory();
        let intent = &self.approval.intent;
        for (id, exception) in self.approval.exceptions.iter().filter(|(_, found)| found.closed.is_none()) {
            by(Wake::Exception(*id), exception.due);
            exception.remind.into_iter().for_each(|remind| by(Wake::Exception(*id), remind));
            // Under a clock that was set back it is looked up at the next command, and not before.
            let away = directory.next_away(&exception.owner, &intent.intent_type, self.now);
            away.filter(|_| self.latest <= self.now)
                .into_iter()
                .for_each(|away| by(Wake::Exception(*id), away));
        }
        for (number, notice) in &self.approval.notices.open {
            by(Wake::Notice(*number), notice.due);
        }
        let Some(seats) = seats_of(&self.approval) else { return };
        for (row, seat) in seats.unfilled() {
            by(Wake::Seat(row), seats.needs_by(row, seat));
            seat.claims.iter().for_each(|claim| by(Wake::Seat(row), claim.until));
            if self.now < self.latest {
                continue;
            }
            for person in seat.eligible.iter().filter(|person| !seat.approved.contains(person)) {
                let away = directory.next_away(person, &intent.intent_type, self.now);
                away.into_iter().for_each(|away| by(Wake::Seat(row), away));
            }
        }
        for question in &seats.questions {
            let Reply::Awaited { until, .. } = &question.reply else { continue };
            by(Wake::Seat(question.row), *until);
            if !directory.knows(intent.behind(directory)) {
                self.fail("an answer is awaited from somebody who left");
            }
        }
    }
}

/// Whether an exception is passed on before it is due, or by something else than time.
fn entry_is_early(moment: &Moment<'_>, exception: &Exception, now: Timestamp) -> bool {
    moment.entry.by != Actor::Timer || exception.closed.is_some() || now < exception.due
}

fn asking(approval: &Approval) -> Asking<'_> {
    let intent = &approval.intent;
    Asking {
        requester: &intent.requester,
        answers: &intent.answers,
        intent_type: &intent.intent_type,
        tokens: &intent.tokens,
    }
}
