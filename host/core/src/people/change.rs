//! What time and edits of the directory do to a seat: when to look again, and why somebody is out.

use super::{Absence, Asking, CalendarName, Directory, Whom, Within};
use crate::approval::seat::Because;
use crate::id::{IntentTypeName, PersonId};
use crate::intent::value::Day;
use crate::time::{Millis, Timestamp};

impl Directory {
    /// The next moment after `now` at which an absence begins or ends that can change who fills a
    /// seat for `whom`; `None` if nobody concerned will be away.
    #[must_use]
    pub fn next_change(&self, whom: &Whom, asking: Asking<'_>, now: Timestamp) -> Option<Timestamp> {
        if self.absence.is_empty() {
            return None;
        }
        let holders = self.holders(whom, asking);
        let covers = self.absence.iter().filter(|absence| holders.contains(&absence.person));
        let covers = covers.filter_map(|absence| absence.cover.as_ref());
        let standing = self.standby_of(whom, &holders).into_iter().map(|(stand_in, _)| stand_in);
        let people: Vec<&PersonId> = holders.iter().chain(covers).chain(standing).collect();
        let of_type = |of: &Option<_>| of.as_ref().is_none_or(|name| name == asking.intent_type);
        let absences = self.absence.iter().filter(|absence| people.contains(&&absence.person));
        absences
            .filter(|absence| of_type(&absence.of))
            .filter_map(|absence| Some((absence, self.calendars.get(self.calendar_of(&absence.person)?)?)))
            .flat_map(|(absence, calendar)| {
                let after = Day(absence.until.0.saturating_add(1));
                [calendar.begins(absence.from), calendar.begins(after)]
            })
            .flatten()
            .filter(|moment| now < *moment)
            .min()
    }

    /// The next moment after `now` at which a person begins to be away from seats of this intent type.
    #[must_use]
    pub fn next_away(&self, person: &PersonId, of: &IntentTypeName, now: Timestamp) -> Option<Timestamp> {
        let calendar = self.calendars.get(self.calendar_of(person)?)?;
        let own = self.absence.iter().filter(|absence| absence.person == *person);
        own.filter(|absence| absence.of.as_ref().is_none_or(|name| name == of))
            .filter_map(|absence| calendar.begins(absence.from))
            .filter(|moment| now < *moment)
            .min()
    }

    /// Whether a person is in the house and not away from seats of this intent type now.
    #[must_use]
    pub fn is_there(&self, person: &PersonId, of: &IntentTypeName, now: Timestamp) -> bool {
        self.knows(person) && self.absence(person, of, now).is_none()
    }

    /// Whether an absence is of today, in the calendar of whoever is away.
    #[must_use]
    pub fn is_today(&self, absence: &Absence, now: Timestamp) -> bool {
        let calendar = self.calendar_of(&absence.person).and_then(|name| self.calendars.get(name));
        let today = calendar.and_then(|calendar| calendar.day(now));
        today.is_some_and(|today| absence.from <= today && today <= absence.until)
    }

    /// Whether an absence begins after today, in the calendar of whoever will be away.
    #[must_use]
    pub fn is_ahead(&self, absence: &Absence, now: Timestamp) -> bool {
        self.today(&absence.person, now) < absence.from
    }

    /// Why a person who could fill a seat of this intent cannot any more.
    #[must_use]
    pub fn because(&self, person: &PersonId, asking: Asking<'_>, now: Timestamp) -> Because {
        if !self.knows(person) {
            return Because::Left;
        }
        match self.absence(person, asking.intent_type, now) {
            Some(absence) => Because::Away(absence.until),
            None => Because::Elsewhere,
        }
    }

    /// How much of a seat's time is left between two moments, in the hours in which it runs.
    #[must_use]
    pub fn left(
        &self,
        within: &Within,
        calendar: &CalendarName,
        from: Timestamp,
        until: Timestamp,
    ) -> Millis {
        match (within, self.calendars.get(calendar)) {
            (Within::BusinessHours(_), Some(calendar)) => calendar.open_between(from, until),
            (Within::BusinessHours(_), None) | (Within::Hours(_), _) => until.since(from),
        }
    }

    /// The moment at which so much of a seat's time has run since `from`.
    #[must_use]
    pub fn after(
        &self,
        within: &Within,
        calendar: &CalendarName,
        from: Timestamp,
        length: Millis,
    ) -> Timestamp {
        match (within, self.calendars.get(calendar)) {
            (Within::BusinessHours(_), Some(calendar)) => calendar.after(from, length),
            // A calendar that is not there cannot keep a seat open for ever.
            (Within::BusinessHours(_), None) | (Within::Hours(_), _) => from.plus(length),
        }
    }

    /// When people are reminded of what has so long to run since `from`.
    #[must_use]
    pub fn reminds(
        &self,
        within: &Within,
        calendar: &CalendarName,
        from: Timestamp,
        length: Millis,
    ) -> Timestamp {
        self.after(within, calendar, from, most_of(length))
    }

    /// The calendar of a person.
    #[must_use]
    pub fn calendar_of(&self, person: &PersonId) -> Option<&CalendarName> {
        self.persons.get(person).map(|person| &person.calendar)
    }
}

/// Three quarters of the time that somebody has: what is left is enough to act, and to tell whoever comes next.
pub(crate) fn most_of(length: Millis) -> Millis {
    Millis(length.0.saturating_sub(length.0 / 4))
}
