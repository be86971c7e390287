//! Routes: who must decide, in which order, until when, and who is asked next.

use super::outcome::Covers;
use crate::document::{Aside, Cell, Faults, Place, Table, Wrong, did_you_mean};
use crate::id::{FieldName, PersonId, PoolName, RoleName, RouteName};
use crate::time::Millis;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Most steps of one route.
pub const ROUTE_STEPS_MAX: u32 = 20;
/// Longest time of one seat, in hours: more than a year.
const WITHIN_HOURS_MAX: u32 = 10_000;
/// Longest time that is understood where its unit is a slip, so that as days it fits too.
const WITHIN_DAYS_MAX: u32 = WITHIN_HOURS_MAX / 24;

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
    /// Where its rows stand in its file, step by step; empty if nobody knows.
    #[serde(skip)]
    pub places: Aside<Vec<StepPlaces>>,
}

/// Where a row of a route stands in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StepPlaces {
    /// The name of the route.
    pub route: Place,
    /// Who is asked.
    pub whom: Place,
    /// How many of them.
    pub need: Place,
    /// Who is asked next.
    pub backup: Place,
    /// What it covers; where there is no such column, the name of the route.
    pub covers: Place,
}

impl Route {
    /// Where a row of it stands, counted from 0.
    #[must_use]
    pub fn places(&self, row: usize) -> StepPlaces {
        self.places.get(row).copied().unwrap_or_default()
    }
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
    pub fn backups(text: &str) -> Result<Vec<Whom>, Wrong> {
        if text.is_empty() {
            return Err(Wrong::advised(
                "a route has a backup",
                "name who is asked when nobody answers in time",
            ));
        }
        let list: Vec<Whom> = text.split(", ").map(Whom::parse).collect::<Result<_, _>>()?;
        if list.len() > 2 {
            let two: Vec<&str> = text.split(", ").take(2).collect();
            return Err(Wrong::advised(
                format!("`{text}`: at most two backups"),
                format!("write `{}`", two.join(", ")),
            ));
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
    pub fn parse(text: &str) -> Result<Within, Wrong> {
        let wrong = || {
            // A bare number has the unit to come, a day is eight hours of business or 24 on the clock.
            let number =
                |text: &str| text.parse::<u32>().ok().filter(|hours| 0 < *hours && *hours <= WITHIN_DAYS_MAX);
            let (business, clock) = match (number(text), text.strip_suffix('d').and_then(number)) {
                (Some(hours), _) => (hours, hours),
                (None, Some(days)) => (days.saturating_mul(8), days.saturating_mul(24)),
                (None, None) => (8, 8),
            };
            Wrong::advised(
                format!("`{text}` is no time limit"),
                format!("write `{business}bh` (business hours) or `{clock}h` (hours on the clock)"),
            )
        };
        let (digits, business) = match text.strip_suffix("bh") {
            Some(digits) => (digits, true),
            None => (text.strip_suffix('h').ok_or_else(wrong)?, false),
        };
        let hours: u32 = digits.parse().map_err(|_| wrong())?;
        if hours == 0 || WITHIN_HOURS_MAX < hours {
            return Err(wrong());
        }
        Ok(if business { Within::BusinessHours(hours) } else { Within::Hours(hours) })
    }
}

impl Need {
    fn parse(text: &str) -> Result<Need, Wrong> {
        let wrong = || {
            Wrong::advised(
                format!("`{text}` is no quorum"),
                "write a number of voices such as `1`, or `all`, `50%` or `weight 3`",
            )
        };
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

    fn parse(text: &str) -> Result<Finally, Wrong> {
        let all = [Finally::Hold, Finally::Decline];
        let found = all.into_iter().find(|finally| finally.as_str() == text);
        found.ok_or_else(|| {
            Wrong::advised(
                format!("`{text}` is not how a route ends; that nobody came approves nothing"),
                "write `hold`, and an exception goes to an owner, or `decline`",
            )
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

/// Notes what is wrong at its cell and gives up the row.
pub(crate) fn take<T, E: Into<Wrong>>(result: Result<T, E>, cell: &Cell, faults: &mut Faults) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(wrong) => {
            faults.inside(cell, wrong.into());
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
    let backups = rows.iter().filter_map(|row| row.get(5)).map(|backup| backup.text.as_str());
    let such_as = backups.into_iter().find(|text| !text.is_empty()).unwrap_or("pool deal-desk");
    for row in &rows {
        let (Some(name), covers) = (row.first(), row.get(7)) else { continue };
        let step = row_step(row, such_as, faults);
        let route = RouteName::parse(&name.text).map_err(|fault| fault.to_string());
        let Some(route) = take(route, name, faults) else { continue };
        // A route with a fault of its own is there all the same: whoever asks for it made no mistake.
        let entry = routes.entry(route.clone()).or_insert_with(|| Route {
            name: route.clone(),
            steps: Vec::new(),
            covers: BTreeSet::new(),
            places: Aside::default(),
        });
        let Some(step) = step else { continue };
        let expected = entry.steps.last().map_or(1, |last| last.step);
        if step.step != expected && step.step != expected.saturating_add(1) {
            faults.at(name, format!("the steps of `{route}` rise by one from 1"));
            faults.help(format!("write `{expected}` or `{}` for `step`", expected.saturating_add(1)));
        }
        if let Some(covers) = covers
            && !covers.text.is_empty()
        {
            if step.step != 1 {
                faults.at(covers, "`covers` stands on step 1");
                faults.help(format!("write it in the first row of `{route}`"));
            }
            for covered in covers.text.split(", ") {
                let covered = RouteName::parse(covered).map_err(|fault| fault.to_string());
                entry.covers.extend(take(covered, covers, faults));
            }
        }
        if step.step == 1 && entry.steps.is_empty() || !entry.steps.is_empty() {
            entry.steps.push(step);
            entry.places.0.push(places_of(row, name.place()));
        } else {
            faults.at(name, format!("the route `{route}` begins with step 1"));
            faults.help("write `1` for `step`");
        }
    }
    routes
}

fn places_of(row: &[Cell], route: Place) -> StepPlaces {
    let of = |index: usize| row.get(index).map_or(route, Cell::place);
    StepPlaces { route, whom: of(2), need: of(3), backup: of(5), covers: of(7) }
}

fn row_step(row: &[Cell], such_as: &str, faults: &mut Faults) -> Option<RouteStep> {
    let [_, step, whom, need, within, backup, finally, ..] = row else { return None };
    let number = match step.text.parse::<u32>() {
        Ok(number) if 0 < number && number <= ROUTE_STEPS_MAX => Ok(number),
        Ok(_) | Err(_) => Err(Wrong::advised(
            format!("`{}` is no step", step.text),
            format!("write a number from 1 to {ROUTE_STEPS_MAX}"),
        )),
    };
    let number = take(number, step, faults);
    let who = take(Whom::parse(&whom.text), whom, faults);
    let quorum = take(Need::parse(&need.text), need, faults);
    let limit = take(Within::parse(&within.text), within, faults);
    let backups = Whom::backups(&backup.text).map_err(|wrong| match backup.text.as_str() {
        "" => Wrong::advised(
            wrong.message,
            format!("name who is asked when nobody answers in time, such as `{such_as}`"),
        ),
        _ => wrong,
    });
    let backups = take(backups, backup, faults);
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

/// Follows `covers` to the end. A circle, or a route that is not there, is a fault of those routes that are `own`:
/// the shared ones are looked at in their own file.
pub(crate) fn closure(
    routes: &BTreeMap<RouteName, Route>,
    own: impl Fn(&RouteName) -> bool,
    faults: &mut Faults,
) -> Option<Covers> {
    let mut closed = true;
    let mut covers: Covers = BTreeMap::new();
    for (name, route) in routes {
        let reached = covered(routes, &route.covers);
        let place = route.places(0).covers;
        for missing in route.covers.iter().filter(|covered| !routes.contains_key(*covered)) {
            closed = false;
            if own(name) {
                faults.at_place(place, format!("route `{name}` covers `{missing}`, which is not there"));
                let others = routes.keys().filter(|other| *other != name).map(RouteName::as_str);
                faults.help(did_you_mean(missing.as_str(), others, "the other routes are"));
            }
        }
        if reached.contains(name) {
            closed = false;
            if own(name) {
                let leads_back = |covered: &&RouteName| {
                    *covered == name
                        || routes
                            .get(*covered)
                            .is_some_and(|next| self::covered(routes, &next.covers).contains(name))
                };
                let back = route.covers.iter().find(leads_back).unwrap_or(name);
                faults.at_place(place, format!("route `{name}` covers itself in a circle"));
                faults
                    .help(format!("take `{back}` out of what `{name}` covers, or open the circle elsewhere"));
            }
        }
        if !reached.is_empty() {
            covers.insert(name.clone(), reached);
        }
    }
    closed.then_some(covers)
}

/// All routes that these cover, directly or through others, themselves among them.
fn covered(routes: &BTreeMap<RouteName, Route>, from: &BTreeSet<RouteName>) -> BTreeSet<RouteName> {
    let mut reached: BTreeSet<RouteName> = BTreeSet::new();
    let mut open: Vec<&RouteName> = from.iter().collect();
    while let Some(next) = open.pop() {
        if reached.insert(next.clone())
            && let Some(further) = routes.get(next)
        {
            open.extend(&further.covers);
        }
    }
    reached
}
