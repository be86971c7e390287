//! Exception budgets: how many exceptions an intent type may have in some days, when its owner is told that
//! the budget burns, and what becomes of new intents once it is spent.
//!
//! Nothing here counts: the host does, and hands over what it found as a [`Spending`]. So the same count gives the
//! same answer at every door.

mod packet;
mod rows;

pub use packet::{Cluster, PACKET_CASES_MAX, PACKET_CLUSTERS_MAX, Packet, SpentOn};
pub use rows::{SUGGESTED_FROM, SUGGESTED_ROWS_MAX, SuggestedRow, rows};

use crate::exception::{Burn, Cause, Exception, Level};
use crate::id::{IntentId, IntentTypeName, PersonId, RouteName};
use crate::time::{Millis, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Most exceptions that a budget can allow.
pub const BUDGET_EXCEPTIONS_MAX: u32 = 1_000;

/// Most intents of a day that a spent budget can let through.
pub const THROTTLE_A_DAY_MAX: u32 = 1_000;

/// Longest window of a budget, in days: each of them is a look into the index.
pub const BUDGET_DAYS_MAX: u32 = 92;

/// An hour, in milliseconds: as fine as an exhaustion is foretold.
const HOUR_MS: i64 = 3_600_000;

/// The exception budget of an intent type: `20 in 7d, warn at 50%, then refuse`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Budget {
    /// So many exceptions ...
    pub at_most: u32,
    /// ... in so many days.
    pub days: u32,
    /// At which part of it the owner is told, in percent.
    pub warn_percent: u32,
    /// What becomes of new intents once it is spent.
    pub then: Spent,
}

/// What becomes of new intents of a type whose exception budget is spent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spent {
    /// Nothing: the owner is told, and that is all.
    Warn,
    /// People of this route of `routes.md` decide on each of them, whatever the policy lets pass.
    Council(RouteName),
    /// So many of a day, by UTC, are taken.
    Throttle(u32),
    /// None is taken.
    Refuse,
}

impl Budget {
    /// Reads `20 in 7d, warn at 50%, then refuse`.
    ///
    /// # Errors
    /// What is wrong, with what may stand there.
    pub fn parse(text: &str) -> Result<Budget, String> {
        let parts: Vec<&str> = text.split(", ").collect();
        let [often, warn, then] = parts.as_slice() else {
            return Err(format!(
                "`{text}`: write `20 in 7d, warn at 50%, then refuse`; the last part can be `then warn`, \
                 `then council ROUTE`, `then throttle 5 a day` or `then refuse`"
            ));
        };
        let number = |text: &str, most: u32| {
            let number = text.parse::<u32>().ok().filter(|number| (1..=most).contains(number));
            number.ok_or_else(|| format!("`{text}` is no number from 1 to {most}"))
        };
        let (count, days) = often
            .split_once(" in ")
            .and_then(|(count, days)| Some((count, days.strip_suffix('d')?)))
            .ok_or_else(|| format!("`{often}`: write how many in how many days, such as `20 in 7d`"))?;
        let percent = warn
            .strip_prefix("warn at ")
            .and_then(|percent| percent.strip_suffix('%'))
            .ok_or_else(|| format!("`{warn}`: write when the owner is told, such as `warn at 50%`"))?;
        let then = match then.split(' ').collect::<Vec<_>>().as_slice() {
            ["then", "warn"] => Spent::Warn,
            ["then", "refuse"] => Spent::Refuse,
            ["then", "council", route] => {
                Spent::Council(RouteName::parse(route).map_err(|fault| fault.to_string())?)
            }
            ["then", "throttle", often, "a", "day"] => Spent::Throttle(number(often, THROTTLE_A_DAY_MAX)?),
            _ => {
                return Err(format!(
                    "`{then}` is none of `then warn`, `then council ROUTE`, `then throttle 5 a day`, `then refuse`"
                ));
            }
        };
        Ok(Budget {
            at_most: number(count, BUDGET_EXCEPTIONS_MAX)?,
            days: number(days, BUDGET_DAYS_MAX)?,
            warn_percent: number(percent, 99)?,
            then,
        })
    }

    /// How long an exception counts.
    #[must_use]
    pub fn window(&self) -> Millis {
        Millis::hours(u64::from(self.days).saturating_mul(24))
    }

    /// From which number on the owner is told: the declared part, rounded up.
    #[must_use]
    pub fn warns_from(&self) -> u32 {
        let part = u64::from(self.at_most).saturating_mul(u64::from(self.warn_percent)).div_ceil(100);
        u32::try_from(part).unwrap_or(self.at_most)
    }
}

impl fmt::Display for Budget {
    /// As the file spells it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Budget { at_most, days, warn_percent, then } = self;
        write!(formatter, "{at_most} in {days}d, warn at {warn_percent}%, then {then}")
    }
}

impl fmt::Display for Spent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spent::Warn => formatter.write_str("warn"),
            Spent::Council(route) => write!(formatter, "council {route}"),
            Spent::Throttle(most) => write!(formatter, "throttle {most} a day"),
            Spent::Refuse => formatter.write_str("refuse"),
        }
    }
}

impl Cause {
    /// Whether an exception of this cause spends the budget of its intent type. What looks back at others
    /// does not: they were counted when they came.
    #[must_use]
    fn spends(self) -> bool {
        match self {
            Cause::Unsure
            | Cause::NoSeat
            | Cause::Overdue
            | Cause::Rounds
            | Cause::Rejected
            | Cause::Conflict
            | Cause::Uncertain
            | Cause::Exhausted
            | Cause::Denied
            | Cause::Quarantined
            | Cause::Irreversible
            | Cause::Unavailable
            | Cause::Drift
            | Cause::Late
            | Cause::Gone
            | Cause::Unreadable
            | Cause::FailOpen => true,
            Cause::PostMortem | Cause::Budget | Cause::BreakGlass => false,
        }
    }

    /// Whether nobody decided in time: there were none who could, or they did not.
    #[must_use]
    fn is_silence(self) -> bool {
        match self {
            Cause::NoSeat | Cause::Overdue => true,
            Cause::Rounds
            | Cause::Unsure
            | Cause::Rejected
            | Cause::Conflict
            | Cause::Uncertain
            | Cause::Exhausted
            | Cause::Denied
            | Cause::Quarantined
            | Cause::Irreversible
            | Cause::Unavailable
            | Cause::Drift
            | Cause::Late
            | Cause::Gone
            | Cause::Unreadable
            | Cause::FailOpen
            | Cause::PostMortem
            | Cause::Budget
            | Cause::BreakGlass => false,
        }
    }
}

impl Exception {
    /// Whether it spends the budget of its intent type.
    #[must_use]
    pub fn spends(&self) -> bool {
        self.cause.spends() && !self.of_council
    }
}

/// An exception about a budget, as the host finds it in the index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// When it was opened.
    #[serde(rename = "at")]
    pub opened: Timestamp,
    /// How far the budget had burnt when somebody was told last.
    #[serde(rename = "l")]
    pub level: Level,
    /// Whose it is.
    #[serde(rename = "w")]
    pub owner: PersonId,
    /// When it was closed, if it is.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Timestamp>,
}

/// What the host finds of an intent type: every exception that spends its budget and may still count, and every
/// exception about the budget itself that is open or not older than the window.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Moments at which exceptions were opened that spend it, with the intent of each.
    pub opened: Vec<(Timestamp, IntentId)>,
    /// Exceptions about it, with the intent in which each stands.
    pub told: Vec<(IntentId, Told)>,
}

/// How far the exception budget of an intent type has burnt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spending {
    /// The budget.
    pub budget: Budget,
    /// When this was so.
    pub now: Timestamp,
    /// From when on is counted: where the window begins, or where somebody gave a spent budget back.
    pub since: Timestamp,
    /// Moments at which the exceptions that count were opened, the oldest first.
    pub opened: Vec<Timestamp>,
    /// The open exception about it, with the intent in which it stands.
    pub open: Option<(IntentId, Told)>,
    /// Whether its owner was told since then, whatever became of it.
    pub was_told: bool,
    /// How many intents of the type were taken today, by UTC; `None` where nobody has counted.
    pub today: Option<u32>,
}

impl Spending {
    /// Counts what was found.
    #[must_use]
    pub fn of(budget: &Budget, found: Found, now: Timestamp) -> Spending {
        let given_back = found.told.iter().filter(|(_, told)| told.level == Level::Spent);
        let given_back = given_back.filter_map(|(_, told)| told.closed).max();
        let begins = Timestamp(now.0.saturating_sub(i64::try_from(budget.window().0).unwrap_or(i64::MAX)));
        let since = given_back.map_or(begins, |at| at.max(begins));
        let opened = found.opened.into_iter().map(|(at, _)| at);
        let mut opened: Vec<Timestamp> = opened.filter(|at| since < *at).collect();
        opened.sort_unstable();
        let was_told = found.told.iter().any(|(_, told)| since < told.opened);
        let open = found.told.into_iter().filter(|(_, told)| told.closed.is_none());
        // One at a time: were there two, the one that knows more.
        let open = open.max_by_key(|(intent, told)| (told.level, told.opened, *intent));
        Spending { budget: budget.clone(), now, since, opened, open, was_told, today: None }
    }

    /// How many count.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::try_from(self.opened.len()).unwrap_or(u32::MAX)
    }

    /// How far it has burnt; `None` below the part at which the owner is told.
    #[must_use]
    pub fn level(&self) -> Option<Level> {
        self.level_with(0)
    }

    /// The same once so many more are opened.
    #[must_use]
    pub fn level_with(&self, more: usize) -> Option<Level> {
        let count = self.count().saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
        if self.budget.at_most <= count {
            return Some(Level::Spent);
        }
        (self.budget.warns_from() <= count).then_some(Level::Burning)
    }

    /// The same with exceptions that are about to be opened.
    #[must_use]
    pub fn with(&self, more: usize) -> Spending {
        let mut spending = self.clone();
        spending.opened.extend(std::iter::repeat_n(self.now, more));
        spending
    }

    /// When it is spent no longer, if nothing new is opened: the oldest that must leave the window has left it.
    #[must_use]
    pub fn ends(&self) -> Option<Timestamp> {
        let over = self.count().checked_sub(self.budget.at_most)?;
        let last = self.opened.get(usize::try_from(over).ok()?)?;
        Some(last.plus(self.budget.window()))
    }

    /// The hour in which it is spent if exceptions go on at the rate of the newer half of those that count;
    /// `None` if it is spent, if nobody can tell, or if the old ones leave the window faster.
    #[must_use]
    pub fn exhausted(&self) -> Option<Timestamp> {
        if self.budget.at_most <= self.count() {
            return None;
        }
        let newer = self.opened.get(self.opened.len().checked_div(2)?..)?;
        let newer = if newer.len() < 2 { self.opened.as_slice() } else { newer };
        let gaps = u64::try_from(newer.len()).ok()?.checked_sub(1).filter(|gaps| 0 < *gaps)?;
        let span = self.now.since(*newer.first()?).0;
        // Each that comes, at that rate: those before it count as long as they are in the window. What is not full
        // after as many as it takes never is, as by then the old ones are gone.
        let comes = |number: u32| {
            let still = span.saturating_mul(u64::from(number)).checked_div(gaps).unwrap_or(u64::MAX);
            self.now.plus(Millis(still))
        };
        let is_full = |number: &u32| {
            let at = comes(*number);
            let counts = |opened: &Timestamp| at < opened.plus(self.budget.window());
            let old = self.opened.iter().filter(|opened| counts(opened)).count();
            let new = (1..=*number).filter(|number| counts(&comes(*number))).count();
            usize::try_from(self.budget.at_most).is_ok_and(|at_most| at_most <= old.saturating_add(new))
        };
        let at = (1..=self.budget.at_most).find(is_full).map(comes)?.0;
        Some(Timestamp(at.saturating_sub(at.rem_euclid(HOUR_MS))))
    }

    /// The figures as an exception about the budget keeps them.
    #[must_use]
    pub fn burn(&self, level: Level) -> Burn {
        let (at_most, days) = (self.budget.at_most, self.budget.days);
        let (exhausted, ends) = (self.exhausted(), self.ends());
        Burn { level, opened: self.count(), at_most, days, since: self.since, exhausted, ends }
    }

    /// What applies to new intents now, in words for whoever asks.
    #[must_use]
    pub fn words(&self) -> String {
        let Budget { at_most, days, then, .. } = &self.budget;
        let count = self.count();
        let (count, days) = (many(count, "exception"), many(*days, "day"));
        let figures = format!("{count} in {days}, of {at_most} that its budget allows");
        let (Some(stops), Some(until)) = (self.stops(), self.ends()) else {
            return match self.level() {
                Some(Level::Spent) => format!("{figures}: it is spent, and nothing else follows"),
                Some(Level::Burning) | None => {
                    format!("{figures}: what is asked for goes its usual way; once it is spent: {then}")
                }
            };
        };
        match stops {
            Spent::Warn => figures,
            Spent::Council(route) => format!(
                "{figures}: route `{route}` decides on whatever is new, until {until} or until the budget is given back"
            ),
            Spent::Throttle(most) => format!(
                "{figures}: at most {most} a day are taken, until {until} or until the budget is given back"
            ),
            Spent::Refuse => {
                format!("{figures}: nothing new is taken, until {until} or until the budget is given back")
            }
        }
    }

    /// What becomes of new intents now, if the budget is spent and says more than `warn`.
    #[must_use]
    pub fn stops(&self) -> Option<&Spent> {
        match &self.budget.then {
            Spent::Warn => None,
            then @ (Spent::Council(_) | Spent::Throttle(_) | Spent::Refuse) => {
                (self.level()? == Level::Spent).then_some(then)
            }
        }
    }
}

/// Why nothing new of an intent type is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakesNothing {
    /// The intent type.
    pub of: IntentTypeName,
    /// So many exceptions were opened ...
    pub opened: u32,
    /// ... of so many ...
    pub at_most: u32,
    /// ... in so many days.
    pub days: u32,
    /// How many of a day are taken all the same: today there were as many.
    pub a_day: Option<u32>,
    /// Until when, if nothing new is opened.
    pub until: Timestamp,
    /// Who can give the budget back, by closing the exception about it. In which intent that stands is not for
    /// everybody who asks for something.
    pub owner: Option<PersonId>,
}

impl fmt::Display for TakesNothing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TakesNothing { of, opened, at_most, days, a_day, until, owner } = self;
        write!(
            formatter,
            "nothing new of `{of}` is taken until {until}: it has {} in {}, and its budget is {at_most}",
            many(*opened, "exception"),
            many(*days, "day"),
        )?;
        if let Some(most) = a_day {
            write!(formatter, ", so at most {most} of a day are taken")?;
        }
        match owner {
            Some(owner) => write!(formatter, "; `{owner}` can give it back"),
            None => Ok(()),
        }
    }
}

/// So many of something, in words.
pub(crate) fn many(count: u32, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

#[cfg(test)]
mod tests;
