//! The linter: what is wrong with a policy that could be read, and what its owner should know.

mod each;
mod people;
mod seats;
mod table;

use super::Policy;
use super::space::{Point, Space};
use super::stop::Stop;
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
    /// Column in characters, from 1; 0 where it is about the whole line.
    pub column: u32,
    /// How much it weighs.
    pub level: Level,
    /// What it is, in a word that does not change: `gap`, `overlap`, `unreachable`.
    pub kind: &'static str,
    /// The rule, guard, route, term or input that it is about; empty if it is the whole policy.
    pub at: String,
    /// What is wrong.
    pub message: String,
    /// One intent that shows it.
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

    /// Notes a finding. `place` names a line of the policy: `Rules`, `Guards big-give`.
    pub(crate) fn add(&mut self, level: Level, kind: &'static str, place: &str, message: String) {
        let line = self.policy.lines.get(place).copied().unwrap_or(0);
        let at = place.split_once(' ').map_or("", |(_, id)| id).to_owned();
        self.list.push(Finding {
            file: self.policy.path.clone(),
            line,
            column: 0,
            level,
            kind,
            at,
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
        if let Some(last) = self.list.last_mut() {
            last.witness = Some(space.said(point));
        }
    }

    /// The same for an intent with several elements: one point each.
    pub(crate) fn witnesses(&mut self, space: &Space<'_>, points: &[Point]) {
        let Some((first, others)) = points.split_first() else { return };
        let others = others.iter().map(|point| format!("; and beside it {}", space.said_of_element(point)));
        let said = others.fold(space.said(first), |said, other| said + &other);
        if let Some(last) = self.list.last_mut() {
            last.witness = Some(said);
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
    let joins = people::joins(&space, house, &mut findings);
    if let Some(joins) = joins {
        seats::all(&space, house, &joins, &mut findings);
    }
    let mut list = findings.list;
    list.sort_by(|one, other| (one.level, one.line, one).cmp(&(other.level, other.line, other)));
    list
}
