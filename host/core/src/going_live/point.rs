//! The eleven things that must stand before an intent type goes live: six fields and five points.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One of them. The first six are fields of the intent type's file, the others are shown by a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Point {
    /// A pool with two people who are there.
    Owner,
    /// A configured connection.
    Source,
    /// Configured connections that can do what the bindings ask for, as surely as they ask.
    Destinations,
    /// Rows that give every exception of this type to somebody.
    ExceptionRoute,
    /// A pool that looks at a sample again.
    QaCheckpoint,
    /// Required tokens by which the type is reported.
    ReportingField,
    /// The trial began as every intent of this type will.
    Trigger,
    /// People decided it, in every seat.
    ReviewPath,
    /// Its record is whole.
    AuditTrail,
    /// Left alone, it ends with the fallback owner, who is there.
    FallbackOwner,
    /// It is closed, and what it wrote has landed.
    Outcome,
}

impl Point {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Point; 11] = [
        Point::Owner,
        Point::Source,
        Point::Destinations,
        Point::ExceptionRoute,
        Point::QaCheckpoint,
        Point::ReportingField,
        Point::Trigger,
        Point::ReviewPath,
        Point::AuditTrail,
        Point::FallbackOwner,
        Point::Outcome,
    ];

    /// Those that only a trial shows.
    pub const SHOWN: [Point; 5] =
        [Point::Trigger, Point::ReviewPath, Point::AuditTrail, Point::FallbackOwner, Point::Outcome];

    /// What it takes.
    #[must_use]
    pub fn takes(self) -> &'static str {
        match self {
            Point::Owner => "a pool, two people of which are there",
            Point::Source => "a connection that is configured",
            Point::Destinations => "connections that can do what the bindings ask for, as surely as they ask",
            Point::ExceptionRoute => "every row that an exception of this type reaches, each with somebody",
            Point::QaCheckpoint => "a pool that looks at a sample, somebody of which is there",
            Point::ReportingField => "one or more tokens that must be given",
            Point::Trigger => {
                "a trial that began as every intent of this type will, or a reason to do without"
            }
            Point::ReviewPath => "a trial in which people decided in every seat",
            Point::AuditTrail => "a trial whose record is whole",
            Point::FallbackOwner => "somebody who is there, and has the trial in the end if nobody answers",
            Point::Outcome => "a trial that is done, with everything that it wrote",
        }
    }

    /// What it is called on every surface.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Point::Owner => "owner",
            Point::Source => "source",
            Point::Destinations => "destinations",
            Point::ExceptionRoute => "exception route",
            Point::QaCheckpoint => "QA checkpoint",
            Point::ReportingField => "reporting field",
            Point::Trigger => "trigger",
            Point::ReviewPath => "review path",
            Point::AuditTrail => "audit trail",
            Point::FallbackOwner => "fallback owner",
            Point::Outcome => "outcome",
        }
    }
}

/// Something that is lacking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// Which of the eleven.
    pub point: Point,
    /// What is wrong with it.
    pub why: String,
}

impl Lack {
    pub(super) fn new(point: Point, why: impl Into<String>) -> Lack {
        Lack { point, why: why.into() }
    }
}

impl fmt::Display for Lack {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.point.as_str(), self.why)
    }
}

/// One of the eleven that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Met {
    /// Which.
    pub point: Point,
    /// By what.
    pub by: String,
}

impl Met {
    pub(super) fn new(point: Point, by: impl Into<String>) -> Met {
        Met { point, by: by.into() }
    }
}
