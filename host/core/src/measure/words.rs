//! What each figure means, in the words that stand beside it on every surface: name, formula, and the entries of the log
//! that it is counted from.

use super::figures::Counts;
use super::spread::Spread;
use crate::money::Currency;
use crate::time::{Millis, Timestamp};
use std::collections::BTreeMap;

/// Where coordination loses something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Leak {
    /// Hours in which an intent waits for people.
    Time,
    /// Amounts that are otherwise than was approved.
    Money,
    /// Decisions that cannot be checked, or went past the policy.
    Risk,
    /// What people do by hand.
    Capacity,
}

impl Leak {
    /// Each of them.
    pub const ALL: [Leak; 4] = [Leak::Time, Leak::Money, Leak::Risk, Leak::Capacity];

    /// The word of it on every surface.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Leak::Time => "time",
            Leak::Money => "money",
            Leak::Risk => "risk",
            Leak::Capacity => "capacity",
        }
    }
}

/// What a measure is about, and so of which groups it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum About {
    /// Intents: told of types and versions, not of connections.
    Intents,
    /// Writes: told of all.
    Writes,
}

/// Which way one wants a figure to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Better {
    /// Less of it.
    Less,
    /// More of it.
    More,
}

impl Better {
    /// The word of it on every surface.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Better::Less => "less",
            Better::More => "more",
        }
    }
}

/// One measure.
#[derive(Debug, Clone, Copy)]
pub struct Measure {
    /// Its name for programs, for ever.
    pub id: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// How it is had.
    pub formula: &'static str,
    /// The entries of the log from which it is counted.
    pub source: &'static str,
    /// What it is about.
    pub about: About,
    /// Which leak it shows, if it is the figure of one.
    pub leak: Option<Leak>,
    /// Whether it says what stands open now, whatever days are asked for.
    pub is_now: bool,
    /// Which way one wants it to go, if either: that of a rate or of lengths. How much there was of something follows from
    /// how much was asked for, and is neither good nor bad.
    pub better: Option<Better>,
    figure: for<'a> fn(&'a Counts, Timestamp) -> Figure<'a>,
}

/// The value of a measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure<'a> {
    /// So many.
    Count(u64),
    /// So many of so many.
    Share {
        /// So many.
        part: u64,
        /// Of so many.
        of: u64,
    },
    /// Lengths of time.
    Spread(&'a Spread),
    /// One length of time; none where there is nothing that it could be of.
    Length(Option<Millis>),
    /// Sums of money, in minor units.
    Money(&'a BTreeMap<Currency, i128>),
}

impl Measure {
    /// Its value.
    #[must_use]
    pub fn of<'a>(&self, counts: &'a Counts, now: Timestamp) -> Figure<'a> {
        (self.figure)(counts, now)
    }

    /// The measure of an id.
    #[must_use]
    pub fn find(id: &str) -> Option<&'static Measure> {
        MEASURES.iter().find(|measure| measure.id == id)
    }
}

impl Figure<'_> {
    /// A share in tenths of a percent, rounded down, so that what is not all of it never says 100.
    #[must_use]
    pub fn per_mille(part: u64, of: u64) -> Option<u64> {
        let mille = u128::from(part).saturating_mul(1_000).checked_div(u128::from(of))?;
        u64::try_from(mille).ok()
    }
}

const fn intents(
    id: &'static str,
    name: &'static str,
    formula: &'static str,
    source: &'static str,
    figure: for<'a> fn(&'a Counts, Timestamp) -> Figure<'a>,
) -> Measure {
    Measure {
        id,
        name,
        formula,
        source,
        about: About::Intents,
        leak: None,
        is_now: false,
        better: None,
        figure,
    }
}

const fn writes(
    id: &'static str,
    name: &'static str,
    formula: &'static str,
    source: &'static str,
    figure: for<'a> fn(&'a Counts, Timestamp) -> Figure<'a>,
) -> Measure {
    Measure { about: About::Writes, ..intents(id, name, formula, source, figure) }
}

impl Measure {
    const fn now(self) -> Measure {
        Measure { is_now: true, ..self }
    }

    const fn leak(self, leak: Leak) -> Measure {
        Measure { leak: Some(leak), ..self }
    }

    const fn less(self) -> Measure {
        Measure { better: Some(Better::Less), ..self }
    }

    const fn more(self) -> Measure {
        Measure { better: Some(Better::More), ..self }
    }
}

/// Every measure, in the order in which surfaces show them.
pub const MEASURES: &[Measure] = &[
    intents(
        "leak_time",
        "Waited for people",
        "sum of the times to decision by people; what nobody decided in time is not in it",
        "submitted, amended, reopened, reconsidered; approved, declined",
        |counts, _| Figure::Length(Some(counts.figures.decision_by_people.total())),
    )
    .leak(Leak::Time),
    intents(
        "leak_money",
        "At stake where a target holds something else",
        "sum of the amounts at stake in intents of which a target was found not to hold what was approved, each intent once, \
         on the day of the first such look",
        "reconciled; the amount is the field that the intent type names",
        |counts, _| Figure::Money(&counts.figures.amiss_stake),
    )
    .leak(Leak::Money),
    intents(
        "leak_risk",
        "Decisions without a whole record, or past the policy",
        "closed intents with a missing link + overrides + intents that passed unevaluated",
        "those of audit completeness; overridden, failed-open",
        |counts, _| {
            let figures = &counts.figures;
            let incomplete = figures.closed.saturating_sub(figures.whole);
            Figure::Count(incomplete.saturating_add(figures.overridden).saturating_add(figures.failed_open))
        },
    )
    .leak(Leak::Risk),
    intents(
        "leak_capacity",
        "Things that people did by hand",
        "voices, refusals, questions, answers, claims and what is given back, hand-overs, people asked besides, comments, \
         reminders, what is sent back, amendments, what is taken up again, withdrawals, overrides, exceptions moved or closed; \
         asking itself does not count",
        "every entry of these kinds that a person caused; one that ends in several rows may be several entries",
        |counts, _| Figure::Count(counts.figures.deeds),
    )
    .leak(Leak::Capacity),
    intents("submitted", "Asked for", "intents submitted", "submitted", |counts, _| {
        Figure::Count(counts.figures.submitted)
    }),
    intents(
        "decided",
        "Decided",
        "approvals + refusals, by whomever; what is decided anew counts again",
        "approved, declined",
        |counts, _| Figure::Count(counts.figures.decided()),
    ),
    intents("done", "Done", "approved intents of which every write is settled, each once", "closed", |counts, _| {
        Figure::Count(counts.figures.done)
    }),
    intents("withdrawn", "Withdrawn", "intents taken back by whoever asked", "withdrawn", |counts, _| {
        Figure::Count(counts.figures.withdrawn)
    }),
    intents("undecided", "Not decided", "intents that are not decided, now", "all of an intent", |counts, _| {
        Figure::Count(counts.open.undecided)
    })
    .now(),
    intents(
        "decided_by_policy",
        "Decided by policy",
        "decisions of a row of the policy, and refusals because nobody came in time / decided",
        "approved, declined",
        |counts, _| {
            let figures = &counts.figures;
            let part = figures.approved_by_policy.saturating_add(figures.declined_by_policy);
            Figure::Share { part, of: figures.decided() }
        },
    ),
    intents(
        "decision_by_policy",
        "Time to decision by policy",
        "decision − when what is decided was asked for; also of what passed unevaluated, or was refused as nobody came in time",
        "submitted, amended, reopened, reconsidered; approved, declined",
        |counts, _| Figure::Spread(&counts.figures.decision_by_policy),
    )
    .less(),
    intents(
        "decision_by_people",
        "Time to decision by people",
        "decision − when what is decided was asked for; in hours of the clock, nights and weekends too",
        "submitted, amended, reopened, reconsidered; approved, declined",
        |counts, _| Figure::Spread(&counts.figures.decision_by_people),
    )
    .less(),
    intents(
        "until_done",
        "Time until done",
        "last write settled − submission, of intents that were done",
        "submitted, closed",
        |counts, _| Figure::Spread(&counts.figures.until_done),
    )
    .less(),
    intents(
        "kept_in_time",
        "Seats decided in time",
        "seats decided by those who were asked first, in their time / those + seats passed on because it was up",
        "seat-opened, voted, declined, exception-opened (overdue)",
        |counts, _| {
            let seats = counts.figures.seats.values();
            let (kept, missed) = seats.fold((0_u64, 0_u64), |(kept, missed), seats| {
                (kept.saturating_add(seats.kept), missed.saturating_add(seats.missed))
            });
            Figure::Share { part: kept, of: kept.saturating_add(missed) }
        },
    )
    .more(),
    intents(
        "exception_rate",
        "Exception rate",
        "intents asked for on these days that have had an exception so far / intents asked for on these days",
        "submitted, exception-opened",
        |counts, _| Figure::Share { part: counts.figures.excepted, of: counts.figures.submitted },
    )
    .less(),
    intents("exceptions_opened", "Exceptions opened", "exceptions opened", "exception-opened", |counts, _| {
        Figure::Count(counts.figures.exceptions_opened)
    }),
    intents(
        "exceptions_open",
        "Exceptions open",
        "exceptions that are open, now",
        "exception-opened, exception-closed, and what ends the intent or its revision",
        |counts, _| Figure::Count(counts.open.exceptions),
    )
    .now(),
    intents(
        "rework_rate",
        "Rework rate",
        "intents asked for on these days that were sent back, amended, decided anew, taken back, or of which a target was \
         found not to hold what was approved, each once / intents asked for on these days",
        "submitted; sent-back, amended, reconsidered, undo-begun, reconciled",
        |counts, _| Figure::Share { part: counts.figures.reworked, of: counts.figures.submitted },
    )
    .less(),
    intents(
        "sent_back",
        "Sent back",
        "intents asked for on these days that people sent back so far",
        "submitted, sent-back",
        |counts, _| Figure::Count(counts.figures.sent_back),
    ),
    intents(
        "amended",
        "Amended",
        "intents asked for on these days that were amended so far",
        "submitted, amended",
        |counts, _| Figure::Count(counts.figures.amended),
    ),
    intents(
        "audit_completeness",
        "Audit completeness",
        "of intents decided and closed: no link missing of policy version, decision, plan, attempt, receipt, \
         reconciliation / all of them; one that was declined ends with the decision, one that was taken back needs the \
         receipt of that, and of reconciliation what the type watches",
        "all of an intent",
        |counts, _| Figure::Share { part: counts.figures.whole, of: counts.figures.closed },
    )
    .more(),
    writes("attempts", "Attempts", "attempts to write", "attempted", |counts, _| {
        Figure::Count(counts.writes.attempts)
    }),
    writes(
        "write_success",
        "Write success",
        "attempts by which the write was in / attempts",
        "attempted",
        |counts, _| Figure::Share { part: counts.writes.landed, of: counts.writes.attempts },
    )
    .more(),
    writes(
        "first_try",
        "In at the first attempt",
        "writes that were in by their first attempt / writes attempted for the first time",
        "attempted",
        |counts, _| Figure::Share { part: counts.writes.first_landed, of: counts.writes.first },
    )
    .more(),
    writes(
        "unknown",
        "Nobody knew",
        "attempts after which the target was asked whether the write is in",
        "attempted",
        |counts, _| Figure::Count(counts.writes.unknown),
    ),
    writes(
        "held",
        "Handed to a person",
        "attempts and probes after which a person had to see to the write",
        "attempted, probed",
        |counts, _| Figure::Count(counts.writes.held),
    ),
    writes(
        "reconciliation_lag",
        "Reconciliation lag",
        "first look at which a write was found as approved − when it was in",
        "attempted, probed; reconciled",
        |counts, _| Figure::Spread(&counts.writes.lag),
    )
    .less(),
    writes(
        "unseen",
        "Not reconciled yet",
        "watched writes that are in and were not found as approved yet, now",
        "watched, reconciled",
        |counts, _| Figure::Count(counts.open.unseen),
    )
    .now(),
    writes(
        "oldest_unseen",
        "Oldest not reconciled",
        "now − when the oldest of those was in",
        "watched, reconciled",
        |counts, now| Figure::Length(counts.open.unseen_since.map(|since| now.since(since))),
    )
    .now(),
    writes(
        "amiss",
        "Looks that found something else",
        "looks at which a target did not hold what was approved",
        "reconciled",
        |counts, _| Figure::Count(counts.writes.amiss),
    ),
];
