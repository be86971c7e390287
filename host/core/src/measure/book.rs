//! The book of measures: a fold over the log that keeps counts by day, intent type, version of the policy and connection.
//!
//! It is given the entries in the order of the log, and holds no more than it needs: counts of each day, lengths of time
//! one by one as long as there is room for them, and of an intent only what later entries can change. What an intent
//! came to counts on the day on which it happened; shares of those that were asked for count on the day of their
//! submission, and change as long as something of them is open. Days are those of UTC. Trials count nowhere.

use super::figures::{Asked, Counts, Figures, Link, Writes, count};
use super::life::{Life, Mark, Number, Stage};
use super::period::Period;
use super::spread::Spread;
use crate::approval::event::{Actor, Entry, Event};
use crate::approval::{Authority, Case, Intent};
use crate::effect::life::EffectState;
use crate::effect::reconcile::Agreement;
use crate::hash::Digest;
use crate::id::{ConnectionName, EffectId, IntentId, IntentTypeName};
use crate::intent::{Day, Facts, Tokens};
use crate::policy::Evaluation;
use crate::rulebook::Rulebook;
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// Most intents of which later entries are counted: those that are not over, or whose writes are read back. Beyond it
/// the oldest is forgotten, about 1 KB of each.
pub const LIVES_MAX: usize = 200_000;

/// Most intents that are over and known still, the newest: somebody may comment on one, break the glass for it or decide
/// against the no of its policy. What comes of an older one does not count, but for such a decision.
pub const OVER_MAX: usize = 20_000;

/// Most counts that are kept, each of a day, an intent type, a version and perhaps a connection. Beyond it the oldest
/// days are forgotten; a house of ten types and thirty connections fills it in six years.
pub const CELLS_MAX: usize = 100_000;

/// Most lengths of time that are kept one by one, all days together: 32 MB. Beyond it those of the oldest days are kept
/// in buckets.
pub const LENGTHS_MAX: usize = 4_000_000;

/// Whose counts: type and version, and connection for writes.
type OfType = (Number, Number);
type OfConnection = (Number, Number, Number);

#[derive(Debug, Default)]
struct DayOf {
    figures: BTreeMap<OfType, Figures>,
    writes: BTreeMap<OfConnection, Writes>,
}

/// The book.
#[derive(Debug, Default)]
pub struct Book {
    types: Names<IntentTypeName>,
    versions: Names<Digest>,
    connections: Names<ConnectionName>,
    days: BTreeMap<Day, DayOf>,
    lives: BTreeMap<IntentId, Life>,
    /// Intents that are over, the newest of them.
    over: BTreeMap<IntentId, Life>,
    /// The intent of the last entry, if it seems to be over: more of the same commit may follow.
    ending: Option<IntentId>,
    /// The first day of which everything is kept, once days were forgotten.
    begins: Option<Day>,
    forgotten: u64,
}

/// Names with a number each.
#[derive(Debug)]
struct Names<T> {
    numbers: BTreeMap<T, Number>,
    names: Vec<T>,
}

impl<T> Default for Names<T> {
    fn default() -> Names<T> {
        Names { numbers: BTreeMap::new(), names: Vec::new() }
    }
}

impl<T: Ord + Clone> Names<T> {
    fn number(&mut self, name: &T) -> Number {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = Number::try_from(self.names.len()).unwrap_or(Number::MAX);
        self.names.push(name.clone());
        self.numbers.insert(name.clone(), number);
        number
    }

    fn name(&self, number: Number) -> Option<&T> {
        self.names.get(usize::try_from(number).ok()?)
    }
}

/// What figures are told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum By {
    /// Each intent type.
    Type,
    /// Each version of a policy.
    Policy,
    /// Each connection.
    Connection,
}

impl By {
    /// Each of them.
    pub const ALL: [By; 3] = [By::Type, By::Policy, By::Connection];

    /// The word of it on every surface.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            By::Type => "type",
            By::Policy => "policy",
            By::Connection => "connection",
        }
    }

    /// What a text names.
    #[must_use]
    pub fn parse(text: &str) -> Option<By> {
        By::ALL.into_iter().find(|by| by.as_str() == text)
    }
}

/// What somebody wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asking {
    /// The first day.
    pub since: Day,
    /// The day after the last one.
    pub until: Day,
    /// Of what.
    pub by: By,
    /// In which steps.
    pub per: Period,
}

/// Of what a group is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Of {
    /// An intent type.
    Type(IntentTypeName),
    /// A version of its policy.
    Policy(IntentTypeName, Digest),
    /// A connection.
    Connection(ConnectionName),
}

/// What somebody may know of an intent type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sees {
    /// Nothing.
    Nothing,
    /// How many, how long; no amounts.
    Counts,
    /// All of it.
    All,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Everything that whoever asks may know, together.
    pub all: Counts,
    /// The same by what was asked.
    pub groups: BTreeMap<Of, Counts>,
    /// The same by the first day of each period, without what stands open now. Periods without an entry are missing.
    pub periods: BTreeMap<Day, Counts>,
    /// The first day of which everything is kept, if days before it were forgotten.
    pub begins: Option<Day>,
    /// Intents whose later entries are not counted, as there were too many.
    pub forgotten: u64,
}

impl Book {
    /// Adds the next entry of the log, if it is one of an intent. The amount at stake is what the rules of now say it is.
    pub fn add(&mut self, intent: IntentId, entry: &Entry, rulebook: &Rulebook) {
        if let Some(ending) = self.ending.take_if(|ending| *ending != intent)
            && self.lives.get(&ending).is_some_and(Life::is_over)
        {
            self.ends(ending);
        }
        if let Event::Submitted { intent: asked, policy, .. } = &entry.event {
            self.submitted(asked, *policy, entry.at, rulebook);
            return;
        }
        // What the policy declined can be opened again, long after it was over.
        if let Event::Reopened { intent: asked, .. } = &entry.event
            && !self.lives.contains_key(&intent)
            && !self.over.contains_key(&intent)
            && asked.trial.is_none()
        {
            self.begins(asked, Digest::ZERO, rulebook);
        }
        let Some(mut life) = self.lives.remove(&intent).or_else(|| self.over.remove(&intent)) else { return };
        self.happened(&mut life, entry, rulebook);
        self.judge(&mut life, entry.at);
        if life.is_over() {
            self.ending = Some(intent);
        }
        self.lives.insert(intent, life);
    }

    /// Nothing of an intent is to come by itself.
    fn ends(&mut self, intent: IntentId) {
        let Some(life) = self.lives.remove(&intent) else { return };
        self.over.insert(intent, life);
        if OVER_MAX < self.over.len() {
            self.over.pop_first();
        }
    }

    fn submitted(&mut self, asked: &Intent, policy: Digest, at: Timestamp, rulebook: &Rulebook) {
        if asked.trial.is_some() {
            return;
        }
        let (kind, version) = self.begins(asked, policy, rulebook);
        let day = self.day(at);
        if let Some(life) = self.lives.get_mut(&asked.id) {
            life.home = Some((day, version));
        }
        count(&mut self.figures(day, (kind, version)).submitted);
    }

    fn begins(&mut self, asked: &Intent, policy: Digest, rulebook: &Rulebook) -> OfType {
        let (kind, version) = (self.types.number(&asked.intent_type), self.versions.number(&policy));
        let mut life = Life::of(kind, version, asked.submitted);
        life.stake = stake(rulebook, &asked.intent_type, &asked.tokens, &Facts::new());
        if LIVES_MAX <= self.lives.len() && self.lives.pop_first().is_some() {
            count(&mut self.forgotten);
        }
        self.lives.insert(asked.id, life);
        (kind, version)
    }

    /// The day of a moment; makes room when it is a new one.
    fn day(&mut self, at: Timestamp) -> Day {
        let day = Day::at(at);
        if !self.days.contains_key(&day) {
            self.make_room();
            self.days.entry(day).or_default();
        }
        day
    }

    fn make_room(&mut self) {
        let cells = |day: &DayOf| day.figures.len().saturating_add(day.writes.len());
        let mut left: usize = self.days.values().map(cells).sum();
        while CELLS_MAX < left {
            let Some((oldest, gone)) = self.days.pop_first() else { break };
            left = left.saturating_sub(cells(&gone));
            self.begins = Some(Day(oldest.0.saturating_add(1)));
        }
        let mut kept: usize =
            self.days.values_mut().flat_map(DayOf::spreads).map(|spread| spread.kept()).sum();
        for spread in self.days.values_mut().flat_map(DayOf::spreads) {
            if kept <= LENGTHS_MAX {
                break;
            }
            kept = kept.saturating_sub(spread.kept());
            spread.fold_up();
        }
    }

    fn figures(&mut self, day: Day, of: OfType) -> &mut Figures {
        self.days.entry(day).or_default().figures.entry(of).or_default()
    }

    /// The counts of a moment for an intent as it is decided now.
    fn of(&mut self, life: &Life, at: Timestamp) -> &mut Figures {
        let day = self.day(at);
        self.figures(day, (life.kind, life.version))
    }

    /// The counts of those that were submitted with it; none where that was forgotten.
    fn home(&mut self, life: &Life) -> Option<&mut Figures> {
        let (day, version) = life.home?;
        self.days.get_mut(&day)?.figures.get_mut(&(life.kind, version))
    }

    /// Notes that something happened to an intent, and counts it where it was submitted if that is the first time.
    fn mark(&mut self, life: &mut Life, mark: Mark, counter: fn(&mut Figures) -> &mut u64) {
        if life.marks.insert(mark)
            && let Some(home) = self.home(life)
        {
            count(counter(home));
        }
    }

    fn reworked(&mut self, life: &mut Life) {
        self.mark(life, Mark::Reworked, |home| &mut home.reworked);
    }

    #[expect(clippy::too_many_lines, reason = "one line an event: every one is thought of here")]
    fn happened(&mut self, life: &mut Life, entry: &Entry, rulebook: &Rulebook) {
        let at = entry.at;
        match &entry.event {
            Event::Repinned { policy } => life.version = self.versions.number(policy),
            Event::Evaluated { evaluation, facts } => {
                self.evaluated(life, evaluation);
                self.stakes(life, facts, rulebook);
            }
            Event::Sealed { case } => self.sealed(life, case, rulebook),
            Event::FailedOpen { .. } => drop(life.marks.insert(Mark::FailsOpen)),
            Event::Seated { rows } => life.seated(rows),
            Event::SeatOpened { row, seat } | Event::SeatMoved { row, seat, .. } => {
                let missed = life.asks(*row, seat);
                self.missed(life, missed, at);
            }
            Event::VoiceAdded { beside, order, wanted, .. } => {
                life.voice_added(wanted, *beside, *order);
                self.deed(life, entry);
            }
            Event::VoiceDropped { row } => {
                life.not_asked(*row);
                self.deed(life, entry);
            }
            Event::Asked { row, .. } => {
                life.questioned(*row);
                self.deed(life, entry);
            }
            Event::Answered { question, due, .. } => {
                life.runs_on(*question, *due);
                self.deed(life, entry);
            }
            Event::Unanswered { question, due, .. } => life.runs_on(*question, *due),
            Event::Carried { row, people, .. } => life.carried(*row, people),
            Event::Voted { person, rows, seal, .. } => {
                let kept = life.voted(person, rows, *seal);
                self.kept(life, kept, at);
                self.deed(life, entry);
            }
            Event::SentBack { .. } => {
                life.put_aside();
                self.mark(life, Mark::SentBack, |home| &mut home.sent_back);
                self.reworked(life);
                self.deed(life, entry);
            }
            Event::Amended { intent } => {
                life.asked = at;
                life.begin_again();
                life.passes_otherwise();
                life.stake = stake(rulebook, &intent.intent_type, &intent.tokens, &Facts::new());
                self.mark(life, Mark::Amended, |home| &mut home.amended);
                self.reworked(life);
                self.deed(life, entry);
            }
            Event::Renewed { .. } => {
                life.begin_again();
                life.passes_otherwise();
            }
            Event::Reopened { .. } => {
                life.asked = at;
                life.begin_again();
                life.passes_otherwise();
                self.deed(life, entry);
            }
            Event::Reconsidered { .. } => {
                life.asked = at;
                life.begin_again();
                self.reworked(life);
            }
            Event::Overridden { what, seal } => {
                life.passes_otherwise();
                life.overridden(*seal, !what.reason.is_empty() && !what.words.is_empty());
                self.deed(life, entry);
            }
            Event::Approved { authority } => {
                self.decided(life, authority, at, "");
                life.stage = Stage::Writing;
            }
            Event::Declined { authority, reason } => self.declined(life, (authority, reason), entry),
            Event::Withdrawn { .. } => {
                life.stage = Stage::Withdrawn;
                life.put_aside();
                life.passes_otherwise();
                count(&mut self.of(life, at).withdrawn);
                self.deed(life, entry);
            }
            Event::Closed => self.done(life, at),
            Event::Attempted { effect, verdict, .. } => self.attempted(life, *effect, verdict, at),
            Event::Probed { effect, verdict, .. } => self.probed(life, *effect, verdict, at),
            Event::UndoBegun { .. } => {
                life.undo_begins();
                self.reworked(life);
            }
            Event::UndoPlanned { effects } => life.undoes(effects),
            Event::Watched { effects } => life.looks_begin(effects.keys()),
            Event::Reconciled { effect, agreement, next, .. } => {
                self.looked(life, (*effect, *agreement), at);
                if next.is_none() {
                    life.looks_end(*effect);
                }
            }
            Event::ReAsserted { effect, .. } => life.writes_again(*effect),
            Event::Superseded { effect, .. } => life.looks_end(*effect),
            Event::ExceptionOpened { id, exception } => {
                life.opened(*id, exception);
                if exception.cause == crate::exception::Cause::Overdue {
                    let missed = life.overdue(at);
                    self.missed(life, missed, at);
                }
                count(&mut self.of(life, at).exceptions_opened);
                self.mark(life, Mark::Excepted, |home| &mut home.excepted);
            }
            Event::ExceptionClosed { id, closed, .. } => {
                life.settled(*id, closed);
                count(&mut self.of(life, at).exceptions_closed);
                if closed.person.is_some() {
                    self.deed(life, entry);
                }
            }
            Event::Claimed { .. }
            | Event::Reminded { .. }
            | Event::Released { .. }
            | Event::ExceptionMoved { .. }
            | Event::Handed { .. }
            | Event::Recalled { .. }
            | Event::Commented { .. }
            | Event::GlassBroken { .. } => self.deed(life, entry),
            Event::Submitted { .. }
            | Event::Postponed { .. }
            | Event::Sending { .. }
            | Event::Replanned { .. }
            | Event::NotReAsserted { .. }
            | Event::ExceptionEscalated { .. }
            | Event::ExceptionReminded { .. }
            | Event::ExceptionReview { .. }
            | Event::Activated { .. }
            | Event::FilePublished { .. }
            | Event::WentLive { .. }
            | Event::Noticed { .. }
            | Event::Told { .. }
            | Event::NotTold { .. }
            | Event::NoticesMoot { .. }
            | Event::LinkUsed { .. } => {}
        }
    }

    /// Counts what a person did; what the engine does for them is none.
    fn deed(&mut self, life: &Life, entry: &Entry) {
        if matches!(entry.by, Actor::Person(_)) {
            count(&mut self.of(life, entry.at).deeds);
        }
    }

    fn kept(&mut self, life: &Life, seats: impl IntoIterator<Item = Asked>, at: Timestamp) {
        for asked in seats {
            count(&mut self.of(life, at).seats.entry(asked).or_default().kept);
        }
    }

    fn missed(&mut self, life: &Life, seats: impl IntoIterator<Item = Asked>, at: Timestamp) {
        for asked in seats {
            count(&mut self.of(life, at).seats.entry(asked).or_default().missed);
        }
    }

    fn evaluated(&mut self, life: &mut Life, evaluation: &Evaluation) {
        if self.versions.name(life.version) == Some(&Digest::ZERO) {
            life.version = self.versions.number(&evaluation.version);
        }
        life.evaluated(self.versions.name(life.version) == Some(&evaluation.version));
    }

    fn stakes(&mut self, life: &mut Life, facts: &Facts, rulebook: &Rulebook) {
        let Some(kind) = self.types.name(life.kind) else { return };
        life.stake = life.stake.or_else(|| stake(rulebook, kind, &Tokens::new(), facts));
    }

    fn sealed(&mut self, life: &mut Life, case: &Case, rulebook: &Rulebook) {
        self.evaluated(life, &case.evaluation);
        life.sealed(case, |connection| self.connections.number(connection));
        self.stakes(life, &case.facts, rulebook);
    }

    /// It is decided, for the reason that is given.
    fn decided(&mut self, life: &mut Life, authority: &Authority, at: Timestamp, reason: &str) {
        let took = at.since(life.asked);
        life.decided(authority, !reason.is_empty());
        let figures = self.of(life, at);
        match authority {
            Authority::Policy | Authority::FailOpen(_) => figures.decision_by_policy.add(took),
            Authority::People(_) | Authority::Override(_) => figures.decision_by_people.add(took),
        }
        let is_no = !reason.is_empty();
        count(match authority {
            Authority::Policy if is_no => &mut figures.declined_by_policy,
            Authority::People(_) | Authority::FailOpen(_) if is_no => &mut figures.declined_by_people,
            Authority::Policy => &mut figures.approved_by_policy,
            Authority::People(_) => &mut figures.approved_by_people,
            Authority::Override(_) => &mut figures.overridden,
            Authority::FailOpen(_) => &mut figures.failed_open,
        });
    }

    fn declined(&mut self, life: &mut Life, (authority, reason): (&Authority, &str), entry: &Entry) {
        if let Authority::People(people) | Authority::FailOpen(people) = authority {
            let kept = life.declined_by(people);
            self.kept(life, kept, entry.at);
            self.deed(life, entry);
        }
        self.decided(life, authority, entry.at, if reason.is_empty() { "no reason" } else { reason });
        life.stage = Stage::Closed;
        life.put_aside();
        life.passes_otherwise();
    }

    /// Nothing of it is to be written any more.
    fn done(&mut self, life: &mut Life, at: Timestamp) {
        life.stage = Stage::Closed;
        life.put_aside();
        if life.marks.insert(Mark::Done) {
            let took = at.since(life.submitted);
            let figures = self.of(life, at);
            count(&mut figures.done);
            figures.until_done.add(took);
        }
    }

    /// Counts what was decided and is over, with what is missing of it; and again whenever that changes.
    fn judge(&mut self, life: &mut Life, at: Timestamp) {
        if life.stage != Stage::Closed {
            return;
        }
        let lacks = life.lacks();
        let (day, version, before) = match life.judged {
            Some((_, _, before)) if before == lacks => return,
            Some((day, version, before)) => (day, version, Some(before)),
            None => (self.day(at), life.version, None),
        };
        life.judged = Some((day, version, lacks));
        // Of a day that was forgotten nothing is told any more.
        let of_day =
            self.days.get_mut(&day).map(|found| found.figures.entry((life.kind, version)).or_default());
        let Some(figures) = of_day else { return };
        match before {
            Some(before) => *judged(figures, before) = judged(figures, before).saturating_sub(1),
            None => count(&mut figures.closed),
        }
        count(judged(figures, lacks));
    }

    fn writes(&mut self, life: &Life, connection: Number, at: Timestamp) -> &mut Writes {
        let day = self.day(at);
        let of = (life.kind, life.version, connection);
        self.days.entry(day).or_default().writes.entry(of).or_default()
    }

    fn attempted(&mut self, life: &mut Life, effect: EffectId, verdict: &EffectState, at: Timestamp) {
        let Some(write) = life.write(effect) else { return };
        write.attempts = write.attempts.saturating_add(1);
        let (connection, is_first) = (write.connection, write.attempts == 1);
        let is_in = landed(write, verdict);
        let writes = self.writes(life, connection, at);
        count(&mut writes.attempts);
        if is_first {
            count(&mut writes.first);
        }
        match verdict {
            EffectState::Landed { .. } => count(&mut writes.landed),
            EffectState::Ready { .. } => count(&mut writes.retried),
            EffectState::Probing { .. } => count(&mut writes.unknown),
            EffectState::Held { .. } => count(&mut writes.held),
            EffectState::Waiting | EffectState::Sent { .. } | EffectState::GivenUp => {}
        }
        if is_first && is_in {
            count(&mut writes.first_landed);
        }
    }

    fn probed(&mut self, life: &mut Life, effect: EffectId, verdict: &EffectState, at: Timestamp) {
        let Some(write) = life.write(effect) else { return };
        landed(write, verdict);
        let connection = write.connection;
        let writes = self.writes(life, connection, at);
        count(&mut writes.probes);
        if matches!(verdict, EffectState::Held { .. }) {
            count(&mut writes.held);
        }
    }

    /// A look at what a write has become.
    fn looked(&mut self, life: &mut Life, (effect, agreement): (EffectId, Agreement), at: Timestamp) {
        let Some(write) = life.write(effect) else { return };
        let connection = write.connection;
        let since = if agreement == Agreement::True { write.found() } else { None };
        let writes = self.writes(life, connection, at);
        count(&mut writes.looks);
        if let Some(since) = since {
            writes.lag.add(at.since(since));
        }
        if !agreement.is_amiss() {
            return;
        }
        count(&mut writes.amiss);
        self.reworked(life);
        if life.marks.insert(Mark::Amiss) {
            let stake = life.stake;
            let figures = self.of(life, at);
            count(&mut figures.amiss);
            if let Some(stake) = stake {
                figures.stakes(stake);
            }
        }
    }

    /// What was counted on these days of the intent types that `sees` lets through, and what of them stands open now.
    #[must_use]
    pub fn report(&self, asking: Asking, sees: impl Fn(&IntentTypeName) -> Sees) -> Report {
        let mut report = Report { begins: self.begins, forgotten: self.forgotten, ..Report::default() };
        let seen: Vec<Sees> = self.types.names.iter().map(sees).collect();
        let sight = |kind: Number| {
            usize::try_from(kind).ok().and_then(|kind| seen.get(kind)).copied().unwrap_or(Sees::Nothing)
        };
        if asking.since < asking.until {
            for (day, of) in self.days.range(asking.since..asking.until) {
                self.add_day(&mut report, asking, (*day, of), &sight);
            }
        }
        for life in self.lives.values().filter(|life| sight(life.kind) != Sees::Nothing) {
            self.add_open(&mut report, asking.by, life);
        }
        report
    }

    fn add_day(
        &self,
        report: &mut Report,
        asking: Asking,
        (day, of): (Day, &DayOf),
        sight: &dyn Fn(Number) -> Sees,
    ) {
        let first = asking.per.first(day);
        let is_seen = |kind: Number| sight(kind) != Sees::Nothing;
        for ((kind, version), figures) in of.figures.iter().filter(|((kind, _), _)| is_seen(*kind)) {
            let own = self.of_type(asking.by, (*kind, *version));
            let own = own.map(|group| report.groups.entry(group).or_default());
            let period = report.periods.entry(first).or_default();
            for counts in [Some(&mut report.all), Some(period), own].into_iter().flatten() {
                counts.figures.merge(figures);
                if sight(*kind) == Sees::All {
                    counts.figures.merge_stakes(figures);
                }
            }
        }
        for ((kind, version, connection), writes) in
            of.writes.iter().filter(|((kind, _, _), _)| is_seen(*kind))
        {
            report.all.writes.merge(writes);
            report.periods.entry(first).or_default().writes.merge(writes);
            let group = self.of_type(asking.by, (*kind, *version));
            if let Some(group) = group.or_else(|| self.of_connection(asking.by, *connection)) {
                report.groups.entry(group).or_default().writes.merge(writes);
            }
        }
    }

    fn add_open(&self, report: &mut Report, by: By, life: &Life) {
        let Report { all, groups, .. } = report;
        let own = self.of_type(by, (life.kind, life.version)).map(|group| groups.entry(group).or_default());
        for counts in [Some(all), own].into_iter().flatten() {
            let open = &mut counts.open;
            match life.stage {
                Stage::Undecided => count(&mut open.undecided),
                Stage::Writing => count(&mut open.writing),
                Stage::Closed | Stage::Withdrawn => {}
            }
            let exceptions = u64::try_from(life.exceptions.len()).unwrap_or(u64::MAX);
            open.exceptions = open.exceptions.saturating_add(exceptions);
            life.unseen().for_each(|(_, since)| open.not_seen(since));
        }
        for (connection, since) in life.unseen() {
            if let Some(group) = self.of_connection(by, connection) {
                groups.entry(group).or_default().open.not_seen(since);
            }
        }
    }

    fn of_type(&self, by: By, (kind, version): OfType) -> Option<Of> {
        let kind = self.types.name(kind)?.clone();
        match by {
            By::Type => Some(Of::Type(kind)),
            By::Policy => Some(Of::Policy(kind, *self.versions.name(version)?)),
            By::Connection => None,
        }
    }

    fn of_connection(&self, by: By, connection: Number) -> Option<Of> {
        match by {
            By::Type | By::Policy => None,
            By::Connection => Some(Of::Connection(self.connections.name(connection)?.clone())),
        }
    }

    /// Intents of which later entries are counted.
    #[must_use]
    pub fn lives(&self) -> usize {
        self.lives.len()
    }

    /// How many exceptions of an intent are open.
    #[must_use]
    pub fn open_exceptions(&self, intent: IntentId) -> usize {
        let life = self.lives.get(&intent).or_else(|| self.over.get(&intent));
        life.map_or(0, |life| life.exceptions.len())
    }
}

impl DayOf {
    fn spreads(&mut self) -> impl Iterator<Item = &mut Spread> {
        let figures = self.figures.values_mut().flat_map(Figures::spreads);
        figures.chain(self.writes.values_mut().map(|writes| &mut writes.lag))
    }
}

/// The counter of what is over, by what is missing of it.
fn judged(figures: &mut Figures, lacks: Option<Link>) -> &mut u64 {
    match lacks {
        Some(link) => figures.lacking.entry(link).or_default(),
        None => &mut figures.whole,
    }
}

/// Notes since when a write is in.
fn landed(write: &mut super::life::Write, verdict: &EffectState) -> bool {
    let EffectState::Landed { at, .. } = verdict else { return false };
    write.landed = Some(*at);
    true
}

fn stake(
    rulebook: &Rulebook,
    of: &IntentTypeName,
    tokens: &Tokens,
    facts: &Facts,
) -> Option<crate::money::Money> {
    rulebook.intent_type(of)?.stake_with(tokens, facts)
}
