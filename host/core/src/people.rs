//! People: who exists, who fills which seat today, and until when a seat is due.
//!
//! Ids are never reused. A seat goes to its holder; an absent holder is replaced by their cover,
//! then by the standby. Requesters and people who already have a voice in an intent never count.

mod account;
mod calendar;
mod change;
mod clock;
mod contact;
mod duty;
mod parse;
pub mod register;
mod rotation;
mod with;

pub use crate::policy::route::{Whom, Within};
pub use account::Account;
pub use calendar::{Calendar, CalendarName};
pub(crate) use change::most_of;
pub use clock::Spelt;
pub use contact::{Contact, MailAddress};
pub use duty::{Duty, NoOperator};
pub(crate) use parse::{MANAGERS_MAX, SECTIONS};
pub use rotation::{OnCall, Rotation};
pub(crate) use with::successor;

use crate::id::{ConnectionName, FieldName, IntentTypeName, PersonId, PoolName, RoleName};
use crate::intent::value::{Day, TokenValue, Tokens};
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// A requester who is nobody of the house, so that nobody is left out because they asked.
const OUTSIDE: &str = "somebody-outside";

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Whom they report to; nobody for the head of the house.
    pub manager: Option<PersonId>,
    /// Their working hours.
    pub calendar: CalendarName,
}

/// People of whom any can fill a seat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Two or more.
    pub members: Vec<PersonId>,
    /// Who owns what nobody has claimed; a member.
    pub lead: PersonId,
    /// The calendar of its seats.
    pub calendar: CalendarName,
    /// After how long a claim goes back to the pool.
    pub claim_returns: Within,
    /// Members whose voice weighs more than one, where a row of a route asks for weight.
    pub weights: BTreeMap<PersonId, u32>,
    /// Who answers for a seat of it that nobody has claimed.
    pub assigns: Assigns,
}

/// Who answers for a seat of a pool while nobody has claimed it. Whoever may decide can, whoever that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Assigns {
    /// The lead.
    #[default]
    Lead,
    /// Whoever of the pool has time until it is due and answers for the fewest.
    Fair,
}

/// Who fills a seat of a role or person that cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standby {
    /// A role or a person.
    pub instead_of: Whom,
    /// Who, in this order.
    pub people: Vec<PersonId>,
}

/// A time in which a person is not asked, and who is asked instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absence {
    /// Who.
    pub person: PersonId,
    /// First day, in the person's calendar.
    pub from: Day,
    /// Last day.
    pub until: Day,
    /// Who is asked instead; nobody if whoever was to has left: then the standby is, or the backup.
    pub cover: Option<PersonId>,
    /// For which intent type; `None` is all.
    pub of: Option<IntentTypeName>,
    /// Who put it on record; nobody if the file has it.
    pub by: Option<PersonId>,
}

/// Everybody: as `people.md` has them, or with what is on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// The pool that owns the file.
    pub owner: PoolName,
    /// The calendar of whoever has no other.
    pub calendar: CalendarName,
    /// Pools that groups of the identity provider fill beside the file; no others.
    pub groups: BTreeSet<PoolName>,
    /// People.
    pub persons: BTreeMap<PersonId, Person>,
    /// Pools.
    pub pools: BTreeMap<PoolName, Pool>,
    /// In which turns the people of a pool answer for its exceptions; the lead does where a pool has none.
    pub rotations: BTreeMap<PoolName, Rotation>,
    /// Who holds which role.
    pub roles: BTreeMap<RoleName, PersonId>,
    /// What pools do for the house beside deciding.
    pub duties: BTreeMap<Duty, PoolName>,
    /// Which pool owns a connection: its members are the integration owners of it.
    pub integrations: BTreeMap<ConnectionName, PoolName>,
    /// Who stands by for whom.
    pub standby: Vec<Standby>,
    /// Working hours.
    pub calendars: BTreeMap<CalendarName, Calendar>,
    /// Who is away.
    pub absence: Vec<Absence>,
    /// How people are told, in the order of the file. Whoever is not in it looks for themselves.
    pub contacts: BTreeMap<PersonId, Vec<Contact>>,
    /// Who signs in by which accounts of the identity provider. A person may have several; however many,
    /// it is one person with one voice.
    pub accounts: BTreeMap<Account, PersonId>,
    /// Programs that ask for things, and who answers for each. A machine is nobody of the house: it fills no seat,
    /// holds nothing and decides nothing.
    pub machines: BTreeMap<PersonId, PersonId>,
}

/// The intent for which a seat is filled.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// Who asks; never fills a seat of it.
    pub requester: &'a PersonId,
    /// Who answered for the requester then, where that is a machine; never fills a seat of it either.
    pub answers: &'a [PersonId],
    /// Its type: an absence may be for one only.
    pub intent_type: &'a IntentTypeName,
    /// Its tokens: a route may ask whom one of them names.
    pub tokens: &'a Tokens,
}

/// The people of a seat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    /// Who may decide; never empty.
    pub eligible: Vec<PersonId>,
    /// Who answers for it while nobody has decided; one of `eligible`.
    pub owner: PersonId,
    /// The calendar that its time runs in.
    pub calendar: CalendarName,
    /// Those of `eligible` who stand in for somebody who is away, and for whom.
    pub standing_in: BTreeMap<PersonId, PersonId>,
}

impl Directory {
    /// Whether this person exists.
    #[must_use]
    pub fn knows(&self, person: &PersonId) -> bool {
        self.persons.contains_key(person)
    }

    /// Who answers for what somebody asked: whoever answers for a machine, else themselves.
    #[must_use]
    pub fn answering<'a>(&'a self, requester: &'a PersonId) -> &'a PersonId {
        self.machines.get(requester).unwrap_or(requester)
    }

    /// Whether a person asked for it, themselves or by a machine for which they answer, or did then.
    #[must_use]
    pub fn has_asked(&self, person: &PersonId, asking: Asking<'_>) -> bool {
        person == asking.requester
            || asking.answers.contains(person)
            || self.machines.get(asking.requester) == Some(person)
    }

    /// Who is behind what somebody asked: whoever answers for a machine, or was the last who did; else themselves.
    #[must_use]
    pub fn behind<'a>(&'a self, requester: &'a PersonId, answers: &'a [PersonId]) -> &'a PersonId {
        self.machines.get(requester).or(answers.last()).unwrap_or(requester)
    }

    /// Every name in which a person asks: their own, and those of the machines for which they answer.
    #[must_use]
    pub fn asks_as(&self, person: &PersonId) -> Vec<PersonId> {
        let machines = self.machines.iter().filter(|(_, answers)| *answers == person);
        std::iter::once(person).chain(machines.map(|(machine, _)| machine)).cloned().collect()
    }

    /// The pool called `name`.
    #[must_use]
    pub fn pool(&self, name: &PoolName) -> Option<&Pool> {
        self.pools.get(name)
    }

    /// The pool that `whom` names, if it names one.
    #[must_use]
    pub fn pool_of(&self, whom: &Whom) -> Option<&Pool> {
        match whom {
            Whom::Pool(name) => self.pools.get(name),
            Whom::Role(_) | Whom::Person(_) | Whom::Manager(_) | Whom::NamedIn(_) | Whom::OwnerOfPolicy => {
                None
            }
        }
    }

    /// What a voice weighs in a seat for `whom`: what the pool says of whoever it is given for, else one.
    #[must_use]
    pub fn weight(&self, whom: &Whom, person: &PersonId) -> u32 {
        self.pool_of(whom).and_then(|pool| pool.weights.get(person).copied()).unwrap_or(1)
    }

    /// What the voices of some people weigh together in a seat for `whom`.
    #[must_use]
    pub fn weigh(&self, whom: &Whom, people: &[PersonId]) -> u32 {
        people.iter().map(|person| self.weight(whom, person)).fold(0, u32::saturating_add)
    }

    /// What all voices of a pool weigh together; nothing if `whom` is no pool.
    #[must_use]
    pub fn whole_weight(&self, whom: &Whom) -> Option<u32> {
        self.pool_of(whom).map(|pool| self.weigh(whom, &pool.members))
    }

    /// Whether seats for `whom` are given to whoever has time for them.
    #[must_use]
    pub fn is_fair(&self, whom: &Whom) -> bool {
        self.pool_of(whom).is_some_and(|pool| pool.assigns == Assigns::Fair)
    }

    /// Whether a pool gives its seats to whoever has time for them.
    #[must_use]
    pub fn has_fair_pools(&self) -> bool {
        self.pools.values().any(|pool| pool.assigns == Assigns::Fair)
    }

    /// The lead of a pool.
    #[must_use]
    pub fn lead(&self, name: &PoolName) -> Option<&PersonId> {
        self.pools.get(name).map(|pool| &pool.lead)
    }

    /// Who may fill a seat for `whom` at the moment `on`; `None` if nobody can. The requester and
    /// `excluded` never count. [`Whom::OwnerOfPolicy`] must be replaced by a pool before.
    #[must_use]
    pub fn fill(
        &self,
        whom: &Whom,
        asking: Asking<'_>,
        excluded: &[PersonId],
        on: Timestamp,
    ) -> Option<Filled> {
        self.fill_places(whom, asking, (excluded, &[]), on)
    }

    /// Who could fill a seat for `whom` at the moment `on`, whoever outside of the house asked; `None` if that
    /// depends on the intent. `without` never count.
    #[must_use]
    pub fn present(
        &self,
        whom: &Whom,
        of: &IntentTypeName,
        without: &[PersonId],
        on: Timestamp,
    ) -> Option<Vec<PersonId>> {
        if whom.depends_on_the_intent() {
            return None;
        }
        let (requester, tokens) = (PersonId::parse(OUTSIDE).ok()?, Tokens::new());
        let asking = Asking { requester: &requester, answers: &[], intent_type: of, tokens: &tokens };
        let filled = self.fill(whom, asking, without, on);
        Some(filled.map(|filled| filled.eligible).unwrap_or_default())
    }

    /// The same for a seat in which some places are used already: whoever has decided there, or had somebody
    /// decide in their place, has nobody to cover for them.
    #[must_use]
    pub fn fill_places(
        &self,
        whom: &Whom,
        asking: Asking<'_>,
        (excluded, used): (&[PersonId], &[PersonId]),
        on: Timestamp,
    ) -> Option<Filled> {
        let asked = |person: &PersonId| self.has_asked(person, asking);
        let free = |person: &PersonId| self.knows(person) && !asked(person) && !excluded.contains(person);
        let mut eligible: Vec<PersonId> = Vec::new();
        let mut standing_in = BTreeMap::new();
        let holders = self.holders(whom, asking);
        for holder in &holders {
            let person = match self.absence(holder, asking.intent_type, on) {
                None => holder,
                // A voice that was given in their place was theirs, and nobody decides in the requester's.
                Some(_) if excluded.contains(holder) || used.contains(holder) => continue,
                Some(_) if asked(holder) => continue,
                // Whoever sent them away does not choose who decides what they ask for.
                Some(absence) if absence.by.as_ref().is_some_and(asked) => continue,
                // A cover never passes a seat on.
                Some(Absence { cover: Some(cover), .. })
                    if self.absence(cover, asking.intent_type, on).is_none() =>
                {
                    cover
                }
                Some(_) => continue,
            };
            if !free(person) || eligible.contains(person) {
                continue;
            }
            // Whoever has a seat of their own stands in for nobody.
            if person != holder && !holders.contains(person) {
                standing_in.insert(person.clone(), holder.clone());
            }
            eligible.push(person.clone());
        }
        if eligible.is_empty() {
            // A place that was used is nobody's to stand in for, nor is the requester's while there are others.
            let others = holders.iter().any(|holder| !asked(holder));
            let open = |whose: &PersonId| !(used.contains(whose) || others && asked(whose));
            let present =
                |person: &PersonId| free(person) && self.absence(person, asking.intent_type, on).is_none();
            let mut standing = self.standby_of(whom, &holders).into_iter();
            if let Some((person, whose)) =
                standing.find(|(person, whose)| whose.is_none_or(open) && present(person))
            {
                // Whoever stands by for all of them stands in for the first, and nobody does for the requester.
                let free = |holder: &&PersonId| !asked(holder) && !used.contains(*holder);
                let whose = whose.or(holders.iter().find(free)).filter(|whose| !asked(whose));
                standing_in.extend(whose.map(|whose| (person.clone(), whose.clone())));
                eligible.push(person.clone());
            }
        }
        let first = eligible.first()?.clone();
        let pool = self.pool_of(whom);
        let owner = pool.map(|pool| &pool.lead).filter(|lead| eligible.contains(lead)).cloned();
        let owner = owner.unwrap_or(first);
        let calendar = match pool {
            Some(pool) => pool.calendar.clone(),
            None => self.persons.get(&owner)?.calendar.clone(),
        };
        Some(Filled { eligible, owner, calendar, standing_in })
    }

    /// Who holds a seat when nobody is away.
    fn holders(&self, whom: &Whom, asking: Asking<'_>) -> Vec<PersonId> {
        match whom {
            Whom::Pool(name) => self.pools.get(name).map(|pool| pool.members.clone()).unwrap_or_default(),
            Whom::Role(name) => self.roles.get(name).cloned().into_iter().collect(),
            Whom::Person(person) => vec![person.clone()],
            Whom::Manager(levels) => {
                self.manager(self.behind(asking.requester, asking.answers), *levels).into_iter().collect()
            }
            Whom::NamedIn(token) => named_in(token, asking.tokens).into_iter().collect(),
            Whom::OwnerOfPolicy => Vec::new(),
        }
    }

    /// The manager so many levels above a person.
    #[must_use]
    pub fn manager(&self, person: &PersonId, levels: u32) -> Option<PersonId> {
        let mut person = person.clone();
        for _ in 0..levels {
            person = self.persons.get(&person)?.manager.clone()?;
        }
        Some(person)
    }

    /// To whom a person can hand a seat for `whom`: whoever the house lets stand in for them in any case
    /// (their standby, that of the seat, the cover of an absence), and the person's manager.
    #[must_use]
    pub fn deputies(&self, whom: &Whom, person: &PersonId) -> Vec<PersonId> {
        let standby = self.standby_of(whom, std::slice::from_ref(person)).into_iter();
        // What people put on record is for its days; what the file says is the house's.
        let filed = |absence: &&Absence| absence.person == *person && absence.by.is_none();
        let covers = self.absence.iter().filter(filed);
        let mut deputies: Vec<PersonId> = standby
            .map(|(person, _)| person)
            .chain(covers.filter_map(|absence| absence.cover.as_ref()))
            .cloned()
            .chain(self.manager(person, 1))
            .collect();
        deputies.sort();
        deputies.dedup();
        deputies.retain(|deputy| deputy != person && self.knows(deputy));
        deputies
    }

    /// Who stands by for a seat, and for whom, if that is one of its holders.
    fn standby_of<'a>(
        &'a self,
        whom: &Whom,
        holders: &'a [PersonId],
    ) -> Vec<(&'a PersonId, Option<&'a PersonId>)> {
        let holder = |standby: &Standby| match &standby.instead_of {
            Whom::Person(person) => holders.iter().find(|holder| *holder == person),
            Whom::Pool(_) | Whom::Role(_) | Whom::Manager(_) | Whom::NamedIn(_) | Whom::OwnerOfPolicy => None,
        };
        let own = self.standby.iter().filter(|standby| standby.instead_of == *whom);
        let others = self.standby.iter().filter(|standby| standby.instead_of != *whom);
        let of_people = others.filter_map(|standby| Some((standby, Some(holder(standby)?))));
        let all = own.map(|standby| (standby, holder(standby))).chain(of_people);
        all.flat_map(|(standby, whose)| standby.people.iter().map(move |person| (person, whose))).collect()
    }

    /// The absence that keeps a person from a seat of this intent type now.
    #[must_use]
    pub fn absence(&self, person: &PersonId, of: &IntentTypeName, on: Timestamp) -> Option<&Absence> {
        self.absence.iter().find(|absence| {
            absence.person == *person
                && absence.of.as_ref().is_none_or(|name| name == of)
                && self.is_today(absence, on)
        })
    }

    /// The moment at which a seat that is opened at `from` is due. Business hours run while the
    /// calendar is open; daylight saving and holidays are taken into account.
    #[must_use]
    pub fn due(&self, within: &Within, calendar: &CalendarName, from: Timestamp) -> Timestamp {
        self.after(within, calendar, from, within.length())
    }
}

fn named_in(token: &FieldName, tokens: &Tokens) -> Option<PersonId> {
    match tokens.get(token)? {
        TokenValue::Text(text) | TokenValue::OneOf(text) => PersonId::parse(text).ok(),
        TokenValue::Record(record) => PersonId::parse(&record.id).ok(),
        TokenValue::Percent(_)
        | TokenValue::Money(_)
        | TokenValue::Months(_)
        | TokenValue::Days(_)
        | TokenValue::Count(_)
        | TokenValue::YesNo(_)
        | TokenValue::Date(_)
        | TokenValue::List(_) => None,
    }
}

#[cfg(test)]
mod tests;
