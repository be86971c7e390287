//! Rotations: who of a pool is on call, so that what is routed to the pool as an exception is theirs.

use super::{Absence, Directory, Filled, Pool, Whom};
use crate::document::{Cell, Document, Faults, day};
use crate::id::{PersonId, PoolName};
use crate::intent::value::Day;
use crate::policy::route_take as take;
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// Longest turn, in days: a quarter. Whoever answers for longer is the lead.
const TURN_DAYS_MAX: i64 = 92;

/// The turns in which the people of a pool are on call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The first day of the first turn, in the pool's calendar.
    pub from: Day,
    /// How many days one turn has.
    pub days: i64,
    /// Who, one after the other and then from the beginning.
    pub order: Vec<PersonId>,
}

/// Who is on call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnCall {
    /// Who.
    pub person: PersonId,
    /// The last day of the turn, in the pool's calendar.
    pub until: Day,
    /// Whose turn it is, where they are away and it is the next one.
    pub instead_of: Option<PersonId>,
}

impl Rotation {
    /// Everybody, beginning with whoever's turn a day lies in, and the last day of that turn; nothing before the first.
    fn on(&self, today: Day) -> Option<(impl Iterator<Item = &PersonId>, Day)> {
        let passed = today.0.checked_sub(self.from.0).filter(|passed| 0 <= *passed)?;
        let turn = passed.checked_div(self.days)?;
        let place = usize::try_from(turn).ok()?.checked_rem(self.order.len())?;
        let until = self.from.0.checked_add(turn.checked_add(1)?.checked_mul(self.days)?)?.checked_sub(1)?;
        Some((self.order.iter().cycle().skip(place).take(self.order.len()), Day(until)))
    }
}

impl Directory {
    /// Who of a pool is on call, if it has a rotation that has begun and somebody of it is there.
    #[must_use]
    pub fn on_call(&self, pool: &PoolName, now: Timestamp) -> Option<OnCall> {
        let (mut people, until) = self.turn(pool, now)?;
        let away = |absence: &Absence| absence.of.is_none() && self.is_today(absence, now);
        let there = |person: &&PersonId| {
            let mut absences = self.absence.iter().filter(|absence| absence.person == **person);
            self.knows(person) && !absences.any(away)
        };
        let first = people.next()?;
        let person = std::iter::once(first).chain(people).find(there)?;
        let instead_of = (person != first).then(|| first.clone());
        Some(OnCall { person: person.clone(), until, instead_of })
    }

    fn turn(&self, pool: &PoolName, now: Timestamp) -> Option<(impl Iterator<Item = &PersonId>, Day)> {
        let rotation = self.rotations.get(pool)?;
        let calendar = self.calendars.get(&self.pools.get(pool)?.calendar)?;
        rotation.on(calendar.day(now)?)
    }

    /// The people of a seat as those of an exception: whoever is on call answers for it, or the next of them who can.
    #[must_use]
    pub(crate) fn answered_for(&self, whom: &Whom, filled: Filled, now: Timestamp) -> Filled {
        let Whom::Pool(pool) = whom else { return filled };
        let can = |person: &&PersonId| filled.eligible.contains(person);
        let on_call = self.turn(pool, now).and_then(|(mut people, _)| people.find(can)).cloned();
        match on_call {
            Some(owner) => Filled { owner, ..filled },
            None => filled,
        }
    }
}

/// Reads the section `Rotations`.
pub(super) fn read(
    document: &Document,
    pools: &BTreeMap<PoolName, Pool>,
    faults: &mut Faults,
) -> BTreeMap<PoolName, Rotation> {
    let mut rotations = BTreeMap::new();
    let Some(table) = document.table("Rotations") else { return rotations };
    for [pool, from, days, order] in table.rows_of(["pool", "from", "days", "order"], faults) {
        let name = PoolName::parse(&pool.text).ok().filter(|name| pools.contains_key(name));
        if name.is_none() {
            faults.at(pool, format!("`{}` is no pool of this file", pool.text));
        }
        let from = take(day(&from.text), from, faults);
        let length = days.text.parse().ok().filter(|days| (1..=TURN_DAYS_MAX).contains(days));
        if length.is_none() {
            faults.at(days, format!("`{}` is no number of days from 1 to {TURN_DAYS_MAX}", days.text));
        }
        let members = name.as_ref().and_then(|name| pools.get(name)).map(|pool| &*pool.members);
        let people = in_turn(order, members.unwrap_or_default(), faults);
        let (Some(name), Some(from), Some(days)) = (name, from, length) else { continue };
        if rotations.insert(name, Rotation { from, days, order: people }).is_some() {
            faults.at(pool, format!("pool `{}` stands here twice", pool.text));
        }
    }
    rotations
}

/// Reads `integration-1, integration-2`.
fn in_turn(cell: &Cell, members: &[PersonId], faults: &mut Faults) -> Vec<PersonId> {
    let mut people: Vec<PersonId> = Vec::new();
    for text in cell.text.split(", ").filter(|text| !text.is_empty()) {
        match PersonId::parse(text).ok().filter(|person| members.contains(person)) {
            Some(person) if people.contains(&person) => {
                faults.at(cell, format!("`{text}` stands here twice"))
            }
            Some(person) => people.push(person),
            None => faults.at(cell, format!("`{text}` is no member of the pool")),
        }
    }
    if people.len() < 2 {
        faults.at(cell, "fewer than two people take turns");
        faults.help("name two or more members of the pool; one alone is its lead");
    }
    people
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::Asking;
    use crate::rulebook::tests::{discount_tokens, starter};
    use crate::rulebook::{Happening, Rulebook};

    const TABLE: &str = "## Rotations\n\n| pool | from | days | order |\n|---|---|---|---|\n";
    /// New York is five hours behind, so a turn begins at five.
    const WEEK: &str = "| revenue-operations | 2026-11-23 | 7 | revops-1, revops-lead |";

    fn house(rows: &str, absence: &str) -> Result<Rulebook, String> {
        let mut files = starter();
        let people = files.iter_mut().find(|file| file.path == "people.md").expect("people.md");
        people.text = people.text.replacen("## Roles", &format!("{TABLE}{rows}\n\n## Roles"), 1);
        people.text.push_str(absence);
        Rulebook::load(&files).map_err(|faults| format!("{faults:?}"))
    }

    fn at(moment: &str) -> Timestamp {
        Timestamp::from_rfc3339(moment).expect("a moment")
    }

    /// Who answers for an exception of the pool then, asked for by `ae-1`.
    fn owner(rulebook: &Rulebook, moment: &str, (missed, barred): (u32, &[PersonId])) -> String {
        let name = crate::id::IntentTypeName::parse("discount").expect("a name");
        let schema = rulebook.intent_type(&name).expect("the type");
        let tokens = schema.validate(&discount_tokens()).expect("they fit");
        let requester = PersonId::parse("ae-1").expect("a person");
        let asking = Asking { requester: &requester, answers: &[], intent_type: &name, tokens: &tokens };
        let happened = Happening { cause: "overdue", amount: None, connection: None };
        let found = rulebook.owner_of(asking, happened, (missed, barred), at(moment));
        found.expect("somebody always answers").owner.to_string()
    }

    #[test]
    fn an_exception_is_whose_turn_it_is_when_it_is_given_to_their_pool() {
        let rulebook = house(WEEK, "").expect("it loads");
        for (moment, expected) in [
            ("2026-11-23T04:59:59Z", "revops-lead"),
            ("2026-11-23T05:00:00Z", "revops-1"),
            ("2026-11-30T04:59:59Z", "revops-1"),
            ("2026-11-30T05:00:00Z", "revops-lead"),
            ("2026-12-07T05:00:00Z", "revops-1"),
            // Clocks go forward in March: the turn begins an hour earlier by UTC.
            ("2027-03-15T03:59:59Z", "revops-lead"),
            ("2027-03-15T04:00:00Z", "revops-1"),
            ("2027-03-22T04:00:00Z", "revops-lead"),
        ] {
            assert_eq!(owner(&rulebook, moment, (0, &[])), expected, "{moment}");
        }
        // Its backup has no rotation, and who is barred has no turn.
        assert_eq!(owner(&rulebook, "2026-11-24T12:00:00Z", (1, &[])), "cro-chief-of-staff");
        let barred = [PersonId::parse("revops-1").expect("a person")];
        assert_eq!(owner(&rulebook, "2026-11-24T12:00:00Z", (0, &barred)), "revops-lead");
    }

    #[test]
    fn whoever_is_away_in_their_turn_is_skipped_and_seats_stay_the_leads() {
        let away = "| revops-1 | 2026-11-24 | 2026-11-24 | revops-lead | all |\n";
        let rulebook = house(WEEK, away).expect("it loads");
        for (moment, expected) in [
            ("2026-11-23T12:00:00Z", "revops-1"),
            ("2026-11-24T12:00:00Z", "revops-lead"),
            ("2026-11-25T12:00:00Z", "revops-1"),
        ] {
            assert_eq!(owner(&rulebook, moment, (0, &[])), expected, "{moment}");
        }
        let pool = PoolName::parse("revenue-operations").expect("a pool");
        let on_call = |moment: &str| rulebook.directory().on_call(&pool, at(moment));
        let until = Day::parse("2026-11-29").expect("a day");
        let person = |name: &str| PersonId::parse(name).expect("a person");
        let lead = OnCall { person: person("revops-lead"), until, instead_of: Some(person("revops-1")) };
        assert_eq!(on_call("2026-11-24T12:00:00Z"), Some(lead));
        assert_eq!(on_call("2026-11-25T12:00:00Z").map(|call| call.person), Some(person("revops-1")));
        assert_eq!(on_call("2026-11-22T12:00:00Z"), None, "it has not begun");
        let (requester, tokens) = (person("ae-1"), Default::default());
        let of = crate::id::IntentTypeName::parse("discount").expect("a name");
        let asking = Asking { requester: &requester, answers: &[], intent_type: &of, tokens: &tokens };
        let filled = rulebook.directory().fill(&Whom::Pool(pool), asking, &[], at("2026-11-25T12:00:00Z"));
        assert_eq!(filled.expect("they are there").owner, person("revops-lead"), "a seat is the pool's");
    }

    #[test]
    fn a_slip_in_a_rotation_is_named() {
        for (row, expected) in [
            ("| nobody | 2026-11-23 | 7 | revops-1, revops-lead |", "`nobody` is no pool of this file"),
            ("| revenue-operations | monday | 7 | revops-1, revops-lead |", "monday"),
            (
                "| revenue-operations | 2026-11-23 | 0 | revops-1, revops-lead |",
                "`0` is no number of days from 1 to 92",
            ),
            ("| revenue-operations | 2026-11-23 | 93 | revops-1, revops-lead |", "`93` is no number of days"),
            (
                "| revenue-operations | 2026-11-23 | 7 | revops-1, finance-1 |",
                "`finance-1` is no member of the pool",
            ),
            ("| revenue-operations | 2026-11-23 | 7 | revops-1, zoe |", "`zoe` is no member of the pool"),
            ("| revenue-operations | 2026-11-23 | 7 | revops-1, revops-1 |", "`revops-1` stands here twice"),
            ("| revenue-operations | 2026-11-23 | 7 | |", "fewer than two people take turns"),
            (&format!("{WEEK}\n{WEEK}"), "pool `revenue-operations` stands here twice"),
        ] {
            let faults = house(row, "").expect_err(row);
            assert!(faults.contains(expected), "{row}: {faults}");
        }
    }
}
