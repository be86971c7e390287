//! Routes: who must decide, in which order, until when, and who is asked next.

use super::outcome::Covers;
use crate::document::{Cell, Faults, Table};
use crate::id::{FieldName, PersonId, PoolName, RoleName, RouteName};
use crate::time::Millis;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Most steps of one route.
pub const ROUTE_STEPS_MAX: u32 = 20;

/// Who fills a seat.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whom {
    /// Anybody in a pool.
    Pool(PoolName),
    /// Who holds a role.
    Role(RoleName),
    /// One person.
    Person(PersonId),
    /// The requester's manager, so many levels up (1 = the direct one).
    Manager(u32),
    /// The person whom a token names.
    NamedIn(FieldName),
    /// The pool that owns the policy which is in force.
    OwnerOfPolicy,
}

/// How many voices a row of a route needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// So many.
    Count(u32),
    /// Everybody.
    All,
    /// So many of a hundred, rounded up.
    Percent(u32),
    /// Voices that weigh so much together, as the pool says what each weighs.
    Weight(u32),
}

/// A length of time for a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Within {
    /// Hours in which the calendar is open.
    BusinessHours(u32),
    /// Hours on the clock.
    Hours(u32),
}

/// What happens when the last backup is silent too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finally {
    /// An exception, cause `overdue`.
    Hold,
    /// Declined.
    Decline,
}

/// One row of a route. Rows with one step run side by side, steps in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteStep {
    /// Its place in the order, from 1.
    pub step: u32,
    /// Who is asked.
    pub whom: Whom,
    /// How many of them.
    pub need: Need,
    /// Until when.
    pub within: Within,
    /// Who is asked next, one after the other; each gets the same time anew.
    pub backup: Vec<Whom>,
    /// What then.
    pub finally: Finally,
}

/// One row of a route that an approval must pass, as it stood when its seats were opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteRow {
    /// The route.
    pub route: RouteName,
    /// Its place in the order of that route, from 1.
    pub step: u32,
    /// Who is asked; the owner of the policy is resolved to its pool.
    pub whom: Whom,
    /// How many of them.
    pub need: Need,
    /// Until when.
    pub within: Within,
    /// Who is asked next, one after the other.
    pub backup: Vec<Whom>,
    /// What then.
    pub finally: Finally,
}

/// A named route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Its name.
    pub name: RouteName,
    /// Its rows, by step.
    pub steps: Vec<RouteStep>,
    /// Routes that are not needed beside this one.
    pub covers: BTreeSet<RouteName>,
    /// Where it stands in its file.
    #[serde(skip)]
    pub line: u32,
}

impl RouteRow {
    /// Whom its seat asks after it was missed so often: first the people of the row, then its backups in
    /// turn, and the last of them for good.
    #[must_use]
    pub fn asked(&self, missed: u32) -> &Whom {
        let backup = missed.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        let backup = backup.and_then(|index| self.backup.get(index).or(self.backup.last()));
        backup.unwrap_or(&self.whom)
    }
}

impl Whom {
    /// The same, with the owner of the policy resolved to its pool.
    #[must_use]
    pub fn owned_by(&self, owner: &PoolName) -> Whom {
        match self {
            Whom::OwnerOfPolicy => Whom::Pool(owner.clone()),
            Whom::Pool(_) | Whom::Role(_) | Whom::Person(_) | Whom::Manager(_) | Whom::NamedIn(_) => {
                self.clone()
            }
        }
    }

    /// Reads `pool POOL`, `role ROLE`, `person PERSON`, `manager of requester`, `named in TOKEN`
    /// or `owner of policy`.
    ///
    /// # Errors
    /// What is wrong.
    pub fn parse(text: &str) -> Result<Whom, String> {
        let mut rest = text;
        let mut levels = 0_u32;
        while let Some(above) = rest.strip_prefix("manager of ") {
            levels = levels.saturating_add(1);
            rest = above;
        }
        if levels > 0 {
            return if rest == "requester" {
                Ok(Whom::Manager(levels))
            } else {
                Err(format!("`{text}`: only `manager of requester` is known"))
            };
        }
        let (word, name) = text.split_once(' ').unwrap_or((text, ""));
        let fault = |fault: crate::id::NotAName| fault.to_string();
        match (word, name) {
            ("pool", name) => PoolName::parse(name).map(Whom::Pool).map_err(fault),
            ("role", name) => RoleName::parse(name).map(Whom::Role).map_err(fault),
            ("person", name) => PersonId::parse(name).map(Whom::Person).map_err(fault),
            ("owner", "of policy") => Ok(Whom::OwnerOfPolicy),
            ("named", name) => match name.strip_prefix("in ") {
                Some(token) => FieldName::parse(token).map(Whom::NamedIn).map_err(fault),
                None => Err(format!("`{text}`: write `named in TOKEN`")),
            },
            _ => Err(format!(
                "`{text}` names nobody; pool, role, person, manager of requester, named in, owner of policy"
            )),
        }
    }

    /// Reads `whom [", " whom]`: one or two, the second asked after the first.
    ///
    /// # Errors
    /// What is wrong.
    pub fn backups(text: &str) -> Result<Vec<Whom>, String> {
        if text.is_empty() {
            return Err("a route has a backup".to_owned());
        }
        let list: Vec<Whom> = text.split(", ").map(Whom::parse).collect::<Result<_, _>>()?;
        if list.len() > 2 {
            return Err(format!("`{text}`: at most two backups"));
        }
        Ok(list)
    }
}

impl Within {
    /// The length itself, in whichever hours it runs.
    #[must_use]
    pub fn length(self) -> Millis {
        match self {
            Within::BusinessHours(hours) | Within::Hours(hours) => Millis::hours(u64::from(hours)),
        }
    }

    /// Reads `8bh` or `4h`.
    ///
    /// # Errors
    /// What is wrong.
    pub fn parse(text: &str) -> Result<Within, String> {
        let wrong = || format!("`{text}` is no time limit; write `8bh` (business hours) or `8h`");
        let (digits, business) = match text.strip_suffix("bh") {
            Some(digits) => (digits, true),
            None => (text.strip_suffix('h').ok_or_else(wrong)?, false),
        };
        let hours: u32 = digits.parse().map_err(|_| wrong())?;
        if hours == 0 || hours > 10_000 {
            return Err(wrong());
        }
        Ok(if business { Within::BusinessHours(hours) } else { Within::Hours(hours) })
    }
}

impl Need {
    fn parse(text: &str) -> Result<Need, String> {
        let wrong = || format!("`{text}` is no quorum; write a number of voices, `all`, `50%` or `weight 3`");
        let number = |digits: &str| match digits.parse::<u32>() {
            Ok(number) if number > 0 && digits.bytes().all(|byte| byte.is_ascii_digit()) => Ok(number),
            Ok(_) | Err(_) => Err(wrong()),
        };
        if text == "all" {
            return Ok(Need::All);
        }
        if let Some(digits) = text.strip_suffix('%') {
            return number(digits)
                .and_then(|percent| if percent <= 100 { Ok(Need::Percent(percent)) } else { Err(wrong()) });
        }
        if let Some(digits) = text.strip_prefix("weight ") {
            return number(digits).map(Need::Weight);
        }
        number(text).map(Need::Count)
    }

    /// How many of `count` people this asks for, or how much their voices weigh.
    #[must_use]
    pub fn of(self, count: usize) -> u32 {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        match self {
            Need::Count(needed) | Need::Weight(needed) => needed,
            Need::All => count,
            Need::Percent(percent) => count.saturating_mul(percent).div_ceil(100),
        }
    }
}

impl Whom {
    /// Whether who that is depends on the intent, and not on the house alone.
    #[must_use]
    pub fn depends_on_the_intent(&self) -> bool {
        match self {
            Whom::Manager(_) | Whom::NamedIn(_) | Whom::OwnerOfPolicy => true,
            Whom::Pool(_) | Whom::Role(_) | Whom::Person(_) => false,
        }
    }
}

impl Finally {
    /// What a route calls it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Finally::Hold => "hold",
            Finally::Decline => "decline",
        }
    }

    fn parse(text: &str) -> Result<Finally, String> {
        let all = [Finally::Hold, Finally::Decline];
        let found = all.into_iter().find(|finally| finally.as_str() == text);
        found.ok_or_else(|| {
            format!("`{text}` is not how a route ends: write `hold` or `decline`; that nobody came approves nothing")
        })
    }
}

impl fmt::Display for Whom {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Whom::Pool(name) => write!(formatter, "pool {name}"),
            Whom::Role(name) => write!(formatter, "role {name}"),
            Whom::Person(name) => write!(formatter, "person {name}"),
            Whom::Manager(levels) => {
                (0..*levels).try_for_each(|_| formatter.write_str("manager of "))?;
                formatter.write_str("requester")
            }
            Whom::NamedIn(token) => write!(formatter, "named in {token}"),
            Whom::OwnerOfPolicy => formatter.write_str("owner of policy"),
        }
    }
}

impl fmt::Display for Within {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Within::BusinessHours(hours) => write!(formatter, "{hours} business hours"),
            Within::Hours(hours) => write!(formatter, "{hours} hours"),
        }
    }
}

/// Notes an error at its cell and gives up the row.
pub(crate) fn take<T>(result: Result<T, String>, cell: &Cell, faults: &mut Faults) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(message) => {
            faults.at(cell, message);
            None
        }
    }
}

/// Reads a table of routes.
pub(crate) fn parse(table: &Table, faults: &mut Faults) -> BTreeMap<RouteName, Route> {
    let mut routes: BTreeMap<RouteName, Route> = BTreeMap::new();
    let with_covers = table.header.cells.len() == 8;
    let columns = ["route", "step", "whom", "need", "within", "backup", "finally", "covers"];
    let rows: Vec<&[Cell]> = if with_covers {
        table.rows_of::<8>(columns, faults).into_iter().map(<[Cell; 8]>::as_slice).collect()
    } else {
        let [route, step, whom, need, within, backup, finally, _] = columns;
        let columns = [route, step, whom, need, within, backup, finally];
        table.rows_of::<7>(columns, faults).into_iter().map(<[Cell; 7]>::as_slice).collect()
    };
    for row in rows {
        let (Some(name), covers) = (row.first(), row.get(7)) else { continue };
        let step = row_step(row, faults);
        let route = RouteName::parse(&name.text).map_err(|fault| fault.to_string());
        let (Some(route), Some(step)) = (take(route, name, faults), step) else { continue };
        let line = name.line;
        let entry = routes.entry(route.clone()).or_insert_with(|| Route {
            name: route.clone(),
            steps: Vec::new(),
            covers: BTreeSet::new(),
            line,
        });
        let expected = entry.steps.last().map_or(1, |last| last.step);
        if step.step != expected && step.step != expected.saturating_add(1) {
            faults.at(name, format!("the steps of `{route}` rise by one from 1"));
        }
        if let Some(covers) = covers
            && !covers.text.is_empty()
        {
            if step.step != 1 {
                faults.at(covers, "`covers` stands on step 1");
            }
            for covered in covers.text.split(", ") {
                let covered = RouteName::parse(covered).map_err(|fault| fault.to_string());
                entry.covers.extend(take(covered, covers, faults));
            }
        }
        if step.step == 1 && entry.steps.is_empty() || !entry.steps.is_empty() {
            entry.steps.push(step);
        } else {
            faults.at(name, format!("the route `{route}` begins with step 1"));
        }
    }
    routes
}

fn row_step(row: &[Cell], faults: &mut Faults) -> Option<RouteStep> {
    let [_, step, whom, need, within, backup, finally, ..] = row else { return None };
    let number = match step.text.parse::<u32>() {
        Ok(number) if 0 < number && number <= ROUTE_STEPS_MAX => Ok(number),
        Ok(_) | Err(_) => Err(format!("`{}` is no step; 1 .. {ROUTE_STEPS_MAX}", step.text)),
    };
    let number = take(number, step, faults);
    let who = take(Whom::parse(&whom.text), whom, faults);
    let quorum = take(Need::parse(&need.text), need, faults);
    let limit = take(Within::parse(&within.text), within, faults);
    let backups = take(Whom::backups(&backup.text), backup, faults);
    let end = take(Finally::parse(&finally.text), finally, faults);
    Some(RouteStep {
        step: number?,
        whom: who?,
        need: quorum?,
        within: limit?,
        backup: backups?,
        finally: end?,
    })
}

/// Follows `covers` to the end. A circle, or a route that is not there, is an error.
///
/// # Errors
/// The message and the line of the route that it is about.
pub(crate) fn closure(routes: &BTreeMap<RouteName, Route>) -> Result<Covers, Vec<(u32, String)>> {
    let mut faults = Vec::new();
    let mut covers: Covers = BTreeMap::new();
    for (name, route) in routes {
        let mut reached: BTreeSet<RouteName> = BTreeSet::new();
        let mut open: Vec<&RouteName> = route.covers.iter().collect();
        while let Some(next) = open.pop() {
            if !reached.insert(next.clone()) {
                continue;
            }
            match routes.get(next) {
                Some(further) => open.extend(further.covers.iter()),
                None => {
                    faults.push((route.line, format!("route `{name}` covers `{next}`, which is not there")))
                }
            }
        }
        if reached.contains(name) {
            faults.push((route.line, format!("route `{name}` covers itself in a circle")));
        }
        if !reached.is_empty() {
            covers.insert(name.clone(), reached);
        }
    }
    if faults.is_empty() { Ok(covers) } else { Err(faults) }
}
