//! The report of a backtest: bounded lists, as text and as JSON.

use super::answer::Answers;
use super::load::seats_of;
use super::{Bad, Fate, MOVED_MAX, Tally, Trial, WORST_MAX};
use crate::hash::Digest;
use crate::id::{FieldName, IntentTypeName, RouteName};
use crate::intent::value::Day;
use crate::money::{Currency, Money};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Most routes, and most seats, whose load is listed: those that grow most.
const LOADS_MAX: usize = 50;
/// Most inputs that are named as lacking.
const INPUTS_MAX: usize = 50;

/// What a changed policy would have answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backtest {
    /// The intent type.
    pub intent: IntentTypeName,
    /// The version that was tried.
    pub policy: Digest,
    /// The first day of the cases, if they were cut off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Day>,
    /// All cases.
    pub cases: Sum,
    /// Those that are decided otherwise.
    pub changed: Sum,
    /// Those that would be approved without asking anybody, and were not.
    pub newly_approved: Sum,
    /// Those of them that a person declined.
    pub newly_approved_though_declined: Sum,
    /// Was, would be: newly approved first, then what changes, then what stays.
    pub moved: Vec<Moved>,
    /// Rows that are left out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub moved_left_out: u64,
    /// Cases that cannot be compared, apart: an input of the changed policy was not recorded.
    pub lacking: Lacking,
    /// The cases with the most money among those decided otherwise, newly approved first.
    pub worst: Vec<Worst>,
    /// How often each route is asked, what grows first.
    pub routes: Vec<Load>,
    /// How many seats each pool, role or person gets, what grows first.
    pub seats: Vec<Load>,
    /// Routes in which nobody ever answered, so that their time counts as nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub untimed: Vec<RouteName>,
}

/// A number of cases and the money at stake in them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sum {
    /// How many.
    pub count: u64,
    /// How much, one amount a currency. It stops at the largest amount that can be written.
    pub at_stake: Vec<Money>,
}

/// Cases that got one answer and would get another, or the same again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moved {
    /// The recorded answer.
    pub was: String,
    /// The answer of the changed policy.
    pub would_be: String,
    /// How many.
    pub count: u64,
    /// How much is at stake, one amount a currency.
    pub at_stake: Vec<Money>,
    /// How many of them a person declined.
    pub declined_by_people: u64,
    /// Minutes that people's seats waited, by the median of each route.
    pub minutes_were: u64,
    /// The same for the new answer.
    pub minutes_would_be: u64,
}

/// Cases that the changed policy cannot decide, because of what was not recorded then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lacking {
    /// How many, and how much.
    pub cases: Sum,
    /// How many lack which input.
    pub inputs: BTreeMap<FieldName, u64>,
}

/// One case that is decided otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worst {
    /// The intent, or the line of the file.
    pub intent: String,
    /// The money at stake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_stake: Option<Money>,
    /// The recorded answer.
    pub was: String,
    /// The answer of the changed policy.
    pub would_be: String,
    /// What became of it.
    pub fate: Fate,
}

/// How often something is asked, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// What is asked: a route, or the people of a seat.
    pub name: String,
    /// How often it was.
    pub was: u64,
    /// How often it would be.
    pub would_be: u64,
    /// The median time of the route in minutes, if it is one and somebody ever answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minutes: Option<u64>,
}

impl Trial<'_> {
    /// The report of all cases so far.
    #[must_use]
    pub fn finish(self) -> Backtest {
        let all = |keep: fn(&(usize, usize)) -> bool| {
            let tallies = self.moved.iter().filter(|(key, _)| keep(key)).map(|(_, tally)| tally);
            tallies.fold(Tally::default(), Tally::with)
        };
        let changed = all(|(was, would_be)| Answers::differ(*was, *would_be));
        let cases = all(|_| true).with(&self.lacking);
        let (routes, seats) = self.loads();
        let mut moved = self.rows();
        let left_out = moved.len().saturating_sub(MOVED_MAX);
        moved.truncate(MOVED_MAX);
        let unanswered = |route: &&RouteName| self.seats.median(route).is_none();
        let untimed: BTreeSet<RouteName> = self.asked_routes().filter(unanswered).cloned().collect();
        Backtest {
            intent: self.versions.new.intent.clone(),
            policy: self.versions.new.version(),
            since: self.versions.since,
            cases: cases.sum(),
            changed: changed.sum(),
            newly_approved: self.approved_otherwise.sum(),
            newly_approved_though_declined: Sum {
                count: self.approved_otherwise.declined,
                at_stake: amounts(&self.approved_otherwise.declined_money),
            },
            moved,
            moved_left_out: u64::try_from(left_out).unwrap_or(u64::MAX),
            lacking: Lacking {
                cases: self.lacking.sum(),
                inputs: self
                    .inputs
                    .iter()
                    .take(INPUTS_MAX)
                    .map(|(name, count)| (name.clone(), *count))
                    .collect(),
            },
            worst: self.worst.iter().take(WORST_MAX).map(|bad| self.worst_of(bad)).collect(),
            routes,
            seats,
            untimed: untimed.into_iter().take(LOADS_MAX).collect(),
        }
    }

    fn rows(&self) -> Vec<Moved> {
        let mut rows: Vec<((usize, usize), Moved)> = self
            .moved
            .iter()
            .map(|(&(was, would_be), tally)| {
                let minutes = |answer: usize| self.minutes(answer).saturating_mul(tally.count);
                let moved = Moved {
                    was: self.answers.said(was).to_string(),
                    would_be: self.answers.said(would_be).to_string(),
                    count: tally.count,
                    at_stake: amounts(&tally.money),
                    declined_by_people: tally.declined,
                    minutes_were: minutes(was),
                    minutes_would_be: minutes(would_be),
                };
                ((was, would_be), moved)
            })
            .collect();
        let rank = |(was, would_be): (usize, usize)| match (
            Answers::differ(was, would_be),
            would_be == Answers::APPROVE,
        ) {
            (true, true) => 0,
            (true, false) => 1,
            (false, _) => 2,
        };
        // The numbers of answers depend on the order of the cases; their words do not.
        rows.sort_by(|(one, row), (other, next)| {
            let key = |moved: &Moved| (Reverse(moved.count), moved.was.clone(), moved.would_be.clone());
            (rank(*one), key(row)).cmp(&(rank(*other), key(next)))
        });
        rows.into_iter().map(|(_, moved)| moved).collect()
    }

    /// The time that one case with this answer takes its people, in minutes.
    fn minutes(&self, answer: usize) -> u64 {
        let routes = self.answers.routes(answer).into_iter().flatten();
        routes.filter_map(|route| self.seats.median(route)).fold(0, u64::saturating_add)
    }

    fn asked_routes(&self) -> impl Iterator<Item = &RouteName> {
        let answers = self.moved.keys().flat_map(|(was, would_be)| [*was, *would_be]);
        answers.filter_map(|answer| self.answers.routes(answer)).flatten()
    }

    /// The load of routes and of the people in their seats. Recorded cases are counted through the
    /// routes as the version in force has them.
    fn loads(&self) -> (Vec<Load>, Vec<Load>) {
        let mut routes: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        let mut seats: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        let new = self.versions.new;
        let old = self.versions.old.unwrap_or(new);
        for (&(was, would_be), tally) in &self.moved {
            for route in self.answers.routes(was).into_iter().flatten() {
                let place = &mut routes.entry(route.to_string()).or_default().0;
                *place = place.saturating_add(tally.count);
                for (whom, count) in seats_of(old, route) {
                    let place = &mut seats.entry(whom).or_default().0;
                    *place = place.saturating_add(count.saturating_mul(tally.count));
                }
            }
            for route in self.answers.routes(would_be).into_iter().flatten() {
                let place = &mut routes.entry(route.to_string()).or_default().1;
                *place = place.saturating_add(tally.count);
                for (whom, count) in seats_of(new, route) {
                    let place = &mut seats.entry(whom).or_default().1;
                    *place = place.saturating_add(count.saturating_mul(tally.count));
                }
            }
        }
        let median = |name: &str| RouteName::parse(name).ok().and_then(|route| self.seats.median(&route));
        (listed(routes, median), listed(seats, |_| None))
    }

    fn worst_of(&self, bad: &Bad) -> Worst {
        Worst {
            intent: bad.name.to_string(),
            at_stake: bad.stake,
            was: self.answers.said(bad.was).to_string(),
            would_be: self.answers.said(bad.would_be).to_string(),
            fate: bad.fate,
        }
    }
}

impl Tally {
    fn with(mut self, other: &Tally) -> Tally {
        self.count = self.count.saturating_add(other.count);
        for (currency, sum) in &other.money {
            let own = self.money.entry(*currency).or_default();
            *own = own.saturating_add(*sum);
        }
        self
    }

    fn sum(&self) -> Sum {
        Sum { count: self.count, at_stake: amounts(&self.money) }
    }
}

fn amounts(sums: &BTreeMap<Currency, i128>) -> Vec<Money> {
    let amount = |(currency, sum): (&Currency, &i128)| {
        let most = if *sum < 0 { i64::MIN } else { i64::MAX };
        Money { minor: i64::try_from(*sum).unwrap_or(most), currency: *currency }
    };
    sums.iter().map(amount).collect()
}

/// What grows most first, then what shrinks, each by name.
fn listed(counts: BTreeMap<String, (u64, u64)>, minutes: impl Fn(&str) -> Option<u64>) -> Vec<Load> {
    let mut loads: Vec<Load> = counts
        .into_iter()
        .map(|(name, (was, would_be))| Load { minutes: minutes(&name), name, was, would_be })
        .collect();
    loads.sort_by_key(|load| {
        let grown = i128::from(load.would_be).saturating_sub(i128::from(load.was));
        (Reverse(grown), load.name.clone())
    });
    loads.truncate(LOADS_MAX);
    loads
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl fmt::Display for Sum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.count)?;
        if self.at_stake.is_empty() { Ok(()) } else { write!(formatter, " ({})", joined(&self.at_stake)) }
    }
}

impl fmt::Display for Backtest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.since.map_or_else(String::new, |day| format!(" since {day}"));
        let stake = match joined(&self.cases.at_stake) {
            none if none.is_empty() => none,
            stake => format!(", {stake} at stake"),
        };
        writeln!(formatter, "{}: {} recorded intents{since}{stake}", self.intent, self.cases.count)?;
        writeln!(formatter, "decided otherwise: {}", self.changed)?;
        writeln!(formatter, "newly approved: {}", self.newly_approved)?;
        writeln!(formatter, "of these declined by people: {}", self.newly_approved_though_declined)?;
        if self.lacking.cases.count > 0 {
            let inputs = self.lacking.inputs.iter().map(|(name, count)| format!("{name} {count}"));
            let inputs = inputs.collect::<Vec<_>>().join(", ");
            writeln!(formatter, "apart, unsure for want of an input: {}: {inputs}", self.lacking.cases)?;
        }
        if !self.moved.is_empty() {
            self.table(formatter)?;
        }
        if !self.worst.is_empty() {
            writeln!(formatter, "\nthe most money among them:")?;
        }
        for worst in &self.worst {
            let stake = worst.at_stake.map_or_else(|| "no amount".to_owned(), |money| money.to_string());
            let (was, would_be, fate) = (&worst.was, &worst.would_be, worst.fate.words());
            writeln!(formatter, "  {}: {stake}, was {was}, would be {would_be} ({fate})", worst.intent)?;
        }
        loads(formatter, "routes", &self.routes)?;
        loads(formatter, "seats", &self.seats)?;
        if !self.untimed.is_empty() {
            let names = self.untimed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            writeln!(formatter, "nobody ever answered in {names}: their time counts as nothing")?;
        }
        Ok(())
    }
}

impl Backtest {
    fn table(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head =
            ["was", "would be", "intents", "at stake", "declined by people", "seat time was", "would be"];
        let mut rows = vec![head.map(str::to_owned)];
        rows.extend(self.moved.iter().map(|moved| {
            [
                moved.was.clone(),
                moved.would_be.clone(),
                moved.count.to_string(),
                joined(&moved.at_stake),
                moved.declined_by_people.to_string(),
                time(moved.minutes_were),
                time(moved.minutes_would_be),
            ]
        }));
        let widths: Vec<usize> = (0..head.len())
            .map(|column| {
                rows.iter()
                    .filter_map(|row| row.get(column))
                    .map(|cell| cell.chars().count())
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        writeln!(formatter)?;
        for row in &rows {
            let cells: Vec<String> =
                row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            writeln!(formatter, "{}", cells.join("  ").trim_end())?;
        }
        if self.moved_left_out > 0 {
            writeln!(formatter, "and {} further rows", self.moved_left_out)?;
        }
        Ok(())
    }
}

fn loads(formatter: &mut fmt::Formatter<'_>, what: &str, loads: &[Load]) -> fmt::Result {
    let mut grown = loads.iter().filter(|load| load.was < load.would_be).peekable();
    if grown.peek().is_some() {
        writeln!(formatter, "\n{what} that are asked more often:")?;
    }
    for load in grown {
        let each = load.minutes.map_or_else(String::new, |minutes| format!(", {} each", time(minutes)));
        writeln!(formatter, "  {}: {} -> {}{each}", load.name, load.was, load.would_be)?;
    }
    Ok(())
}

fn joined(amounts: &[Money]) -> String {
    amounts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" + ")
}

/// A length of time in hours and minutes.
fn time(minutes: u64) -> String {
    let hours = minutes.checked_div(60).unwrap_or(0);
    let rest = minutes.checked_rem(60).unwrap_or(0);
    match (hours, rest) {
        (0, rest) => format!("{rest} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, rest) => format!("{hours} h {rest} min"),
    }
}
