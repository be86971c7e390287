//! The linter: what is wrong with a policy that could be read, and what its owner should know.

mod each;
mod exposure;
mod people;
mod seats;
mod table;

use super::Policy;
use super::space::{Point, Space};
use super::stop::Stop;
use crate::document::Place;
use crate::id::RouteName;
use crate::intent::IntentType;
use crate::people::Directory;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The policy must not become active.
    Error,
    /// Somebody must have looked at it.
    Warning,
    /// Good to know.
    Note,
}

/// One thing that was found, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// Path of the file.
    pub file: String,
    /// Line, from 1; 0 where it is about the whole file.
    pub line: u32,
    /// Column in characters, from 1; 0 where it is about the whole file.
    pub column: u32,
    /// How much it weighs.
    pub level: Level,
    /// What it is, in a word that does not change: `gap`, `overlap`, `unreachable`.
    pub kind: &'static str,
    /// The setting, rule, guard, route, term, input or promise that it is about; empty if it is a whole table.
    pub at: String,
    /// What is wrong.
    pub message: String,
    /// One intent that shows it, and what becomes of it where that is what was found; for a column that never matters,
    /// two that differ in nothing else.
    ///
    /// There is none where no intent can show it: of a guard that never holds, of what nobody reads, of the people
    /// behind a route, whoever asks, and of what is not proved. For edges and rows without example
    /// [`Suggested`](super::mutant::Suggested) writes whole examples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness: Option<String>,
    /// What to try.
    #[serde(rename = "try", skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "note",
        })
    }
}

impl Finding {
    /// What comes first is most urgent; beside that, the order of the document.
    pub(crate) fn urgency(&self) -> (Level, u32, &Finding) {
        (self.level, self.line, self)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.file)?;
        if self.line > 0 {
            write!(formatter, ":{}", self.line)?;
        }
        if self.column > 0 {
            write!(formatter, ":{}", self.column)?;
        }
        write!(formatter, ": {} {}: {}", self.level, self.kind, self.message)?;
        if let Some(witness) = &self.witness {
            write!(formatter, "\n  such as: {witness}")?;
        }
        if let Some(advice) = &self.advice {
            write!(formatter, "\n  try: {advice}")?;
        }
        Ok(())
    }
}

/// Findings of one policy while it is looked at.
#[derive(Debug)]
pub(crate) struct Findings<'a> {
    policy: &'a Policy,
    pub(crate) list: Vec<Finding>,
}

impl<'a> Findings<'a> {
    pub(crate) fn new(policy: &'a Policy) -> Findings<'a> {
        Findings { policy, list: Vec::new() }
    }

    /// Notes a finding at its place.
    pub(crate) fn add(&mut self, level: Level, kind: &'static str, spot: Spot<'_>, message: String) {
        let Place { line, column } = spot.place(self.policy);
        self.list.push(Finding {
            file: self.policy.path.clone(),
            line,
            column,
            level,
            kind,
            at: spot.name().to_owned(),
            message,
            witness: None,
            advice: None,
        });
    }

    /// Adds the next step to the finding that was noted last.
    pub(crate) fn advise(&mut self, advice: impl Into<String>) {
        if let Some(last) = self.list.last_mut() {
            last.advice = Some(advice.into());
        }
    }

    /// Adds an intent that shows the finding that was noted last.
    pub(crate) fn witness(&mut self, space: &Space<'_>, point: &Point) {
        self.shown_by(space.said(point));
    }

    /// The same for an intent with several elements: one point each.
    pub(crate) fn witnesses(&mut self, space: &Space<'_>, points: &[Point]) {
        let Some((first, others)) = points.split_first() else { return };
        let others = others.iter().map(|point| format!("; and beside it {}", space.said_of_element(point)));
        self.shown_by(others.fold(space.said(first), |said, other| said + &other));
    }

    /// The same in words of its own.
    pub(crate) fn shown_by(&mut self, witness: String) {
        if let Some(last) = self.list.last_mut() {
            last.witness = Some(witness);
        }
    }
}

/// What a finding is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Spot<'a> {
    /// The value of a setting.
    Setting(&'a str),
    /// A table.
    Table(&'static str),
    /// A column of a table, by its name.
    Column(&'static str, &'a str),
    /// The row of a table that begins with an id.
    Row(&'static str, &'a str),
    /// A cell of such a row: table, id, column.
    Cell(&'static str, &'a str, &'a str),
    /// A row of a table by its number, and what it says.
    Nth(&'static str, usize, &'a str),
    /// A row of a route, and its column.
    Step(&'a RouteName, usize, &'static str),
}

impl<'a> Spot<'a> {
    fn name(self) -> &'a str {
        match self {
            Spot::Table(_) => "",
            Spot::Setting(name)
            | Spot::Column(_, name)
            | Spot::Row(_, name)
            | Spot::Cell(_, name, _)
            | Spot::Nth(_, _, name) => name,
            Spot::Step(route, ..) => route.as_str(),
        }
    }

    fn place(self, policy: &Policy) -> Place {
        let places = &policy.places;
        match self {
            Spot::Setting(name) => places.setting(name),
            Spot::Table(section) => places.table(section),
            Spot::Column(section, name) => places.column(section, name),
            Spot::Row(section, id) => places.row(section, id),
            Spot::Cell(section, id, column) => places.cell(section, id, column),
            Spot::Nth(section, row, _) => places.nth(section, row),
            Spot::Step(route, nth, column) if places.has("Routes", route.as_str()) => {
                places.cell_of("Routes", (route.as_str(), nth), column)
            }
            // A shared route stands in another file: this one says where it is asked.
            Spot::Step(route, ..) => {
                let rule = policy.rules.iter().find(|rule| rule.outcome.needs(route));
                let guard = policy.guards.iter().find(|guard| guard.then.needs(route));
                match (rule, guard) {
                    (Some(rule), _) => places.cell("Rules", &rule.id, "=> outcome"),
                    (None, Some(guard)) => places.cell("Guards", &guard.id, "then"),
                    (None, None) => places.table("Rules"),
                }
            }
        }
    }
}

/// Who and when: what seats are checked against.
#[derive(Debug, Clone, Copy)]
pub struct House<'a> {
    /// The people.
    pub directory: &'a Directory,
    /// The intent type of the policy.
    pub intent: &'a IntentType,
    /// Who is absent at this moment does not fill a seat.
    pub on: Timestamp,
}

/// Everything that can be found in a policy without running its examples, most urgent first.
#[must_use]
pub fn lint(policy: &Policy, house: House<'_>) -> Vec<Finding> {
    lint_until(policy, house, &Stop::never())
}

/// The same; worth nothing if it was stopped.
pub(crate) fn lint_until(policy: &Policy, house: House<'_>, stop: &Stop<'_>) -> Vec<Finding> {
    let mut findings = Findings::new(policy);
    let space = Space::of(policy, stop);
    table::rules(&space, &mut findings);
    table::guards(&space, &mut findings);
    table::unread(&space, policy, &mut findings);
    people::routes(policy, house, &mut findings);
    exposure::of_fail_open(policy, house, stop, &mut findings);
    let joins = people::joins(&space, house, &mut findings);
    if let Some(joins) = joins {
        seats::all(&space, house, &joins, &mut findings);
    }
    let mut list = findings.list;
    list.sort_by(|one, other| one.urgency().cmp(&other.urgency()));
    list
}

#[cfg(test)]
mod tests;
