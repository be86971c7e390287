//! Backtest: what a changed policy would have answered to the intents that were decided already.
//!
//! It is a fold over [`Recorded`] cases, one after the other, in bounded memory: [`Trial::add`] keeps
//! sums, never a case. The same cases in the same order give the same [`Backtest`], byte for byte.

mod answer;
mod load;
mod report;

pub use report::{Backtest, Lacking, Load, Moved, Sum, Worst};

use super::{Evaluation, Needs, Policy, Settled};
use crate::id::{FieldName, IntentId, RouteName};
use crate::intent::IntentType;
use crate::intent::value::{Day, Facts, Tokens};
use crate::money::{Currency, Money};
use crate::time::Timestamp;
use answer::{Answers, Judge, Judged};
use load::SeatTimes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Most rows of the table "was, would be" that are listed; the rest is counted in one number.
pub const MOVED_MAX: usize = 100;
/// How many cases are named: those with the most money among what is decided otherwise.
pub const WORST_MAX: usize = 10;

/// One decision as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// What it is called in the report.
    pub name: Named,
    /// What was asked for.
    pub tokens: Tokens,
    /// What the host had found out; empty if the record does not have it.
    pub facts: Facts,
    /// What the policy answered then.
    pub was: Was,
    /// What became of it.
    pub fate: Fate,
    /// The seats that people had.
    pub seats: Vec<SeatTime>,
}

/// The name of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    /// An intent of the log.
    Intent(IntentId),
    /// A line of a file, from 1.
    Line(u64),
}

/// What the policy answered when the case was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Was {
    /// As the log has it, with its trace.
    Evaluated(Box<Evaluation>),
    /// As a file says; `None` is unsure.
    Said(Option<Settled>),
    /// Nothing is recorded: the version in force answers instead.
    Unsaid,
}

/// What became of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// A row of the policy approved it.
    ApprovedByPolicy,
    /// People approved it.
    ApprovedByPeople,
    /// The policy declined it, or nobody was there in time.
    DeclinedByPolicy,
    /// A person declined it.
    DeclinedByPeople,
    /// A person decided it against the policy, one way or the other.
    Overridden,
    /// It passed although the policy could not be evaluated.
    FailedOpen,
    /// The requester took it back.
    Withdrawn,
    /// Nothing is decided yet.
    Open,
}

/// How long one seat waited for a voice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeatTime {
    /// The route that it belongs to.
    pub route: RouteName,
    /// When somebody was asked first.
    pub opened: Timestamp,
    /// When the last voice that it needed was in, or a person declined in it; `None` if neither came.
    pub ended: Option<Timestamp>,
}

/// What is compared.
#[derive(Debug, Clone, Copy)]
pub struct Versions<'a> {
    /// The version in force: answers where nothing is recorded, and says who its routes ask.
    pub old: Option<&'a Policy>,
    /// The changed one.
    pub new: &'a Policy,
    /// Their intent type: says what is at stake.
    pub intent: &'a IntentType,
    /// The first day of the cases, if they were cut off; only shown.
    pub since: Option<Day>,
}

/// A backtest that is under way.
#[derive(Debug)]
pub struct Trial<'a> {
    versions: Versions<'a>,
    old: Option<Judge<'a>>,
    new: Judge<'a>,
    answers: Answers,
    cases: u64,
    moved: BTreeMap<(usize, usize), Tally>,
    approved_otherwise: Tally,
    lacking: Tally,
    inputs: BTreeMap<FieldName, u64>,
    seats: SeatTimes,
    worst: Vec<Bad>,
}

/// A running sum.
#[derive(Debug, Default)]
struct Tally {
    count: u64,
    money: BTreeMap<Currency, i128>,
    declined: u64,
    declined_money: BTreeMap<Currency, i128>,
}

/// A case that may be among the worst.
#[derive(Debug, Clone, Copy)]
struct Bad {
    name: Named,
    stake: Option<Money>,
    was: usize,
    would_be: usize,
    fate: Fate,
}

/// What `versions.new` would have answered to these cases.
#[must_use]
pub fn backtest<'c>(versions: Versions<'_>, cases: impl IntoIterator<Item = &'c Recorded>) -> Backtest {
    let mut trial = Trial::new(versions);
    for case in cases {
        trial.add(case);
    }
    trial.finish()
}

impl<'a> Trial<'a> {
    /// No case yet.
    #[must_use]
    pub fn new(versions: Versions<'a>) -> Trial<'a> {
        Trial {
            versions,
            old: versions.old.map(Judge::new),
            new: Judge::new(versions.new),
            answers: Answers::default(),
            cases: 0,
            moved: BTreeMap::new(),
            approved_otherwise: Tally::default(),
            lacking: Tally::default(),
            inputs: BTreeMap::new(),
            seats: SeatTimes::default(),
            worst: Vec::new(),
        }
    }

    /// Adds one case. Nothing of it is kept but sums, and its name if it is among the worst.
    pub fn add(&mut self, case: &Recorded) {
        self.cases = self.cases.saturating_add(1);
        self.seats.add(&case.seats);
        let stake = self.versions.intent.stake_with(&case.tokens, &case.facts);
        let was = match &case.was {
            Was::Evaluated(evaluation) => self.answers.of(&evaluation.outcome),
            Was::Said(Some(settled)) => self.answers.settled(settled),
            Was::Said(None) => Answers::UNSURE,
            Was::Unsaid => match &mut self.old {
                Some(old) => old.judge(&case.tokens, &case.facts, &mut self.answers).answer(),
                None => Answers::UNSURE,
            },
        };
        let would_be = match self.new.judge(&case.tokens, &case.facts, &mut self.answers) {
            Judged::Answer(answer) => answer,
            Judged::Lacking(inputs) => {
                self.lacking.add(stake, case.fate);
                for input in inputs {
                    let count = self.inputs.entry(input).or_default();
                    *count = count.saturating_add(1);
                }
                return;
            }
        };
        self.moved.entry((was, would_be)).or_default().add(stake, case.fate);
        if Answers::differ(was, would_be) {
            if would_be == Answers::APPROVE {
                self.approved_otherwise.add(stake, case.fate);
            }
            self.note(Bad { name: case.name, stake, was, would_be, fate: case.fate });
        }
    }

    /// Keeps the worst in their order: newly approved first, then the most money.
    fn note(&mut self, bad: Bad) {
        let rank = |bad: &Bad| {
            let kept = bad.would_be != Answers::APPROVE;
            (kept, std::cmp::Reverse(bad.stake.map(face)), bad.name)
        };
        let place = self.worst.partition_point(|other| rank(other) <= rank(&bad));
        if place < WORST_MAX {
            self.worst.insert(place, bad);
            self.worst.truncate(WORST_MAX);
        }
    }
}

impl Tally {
    fn add(&mut self, stake: Option<Money>, fate: Fate) {
        self.count = self.count.saturating_add(1);
        add_money(&mut self.money, stake);
        if fate == Fate::DeclinedByPeople {
            self.declined = self.declined.saturating_add(1);
            add_money(&mut self.declined_money, stake);
        }
    }
}

fn add_money(sums: &mut BTreeMap<Currency, i128>, stake: Option<Money>) {
    let Some(stake) = stake else { return };
    let sum = sums.entry(stake.currency).or_default();
    *sum = sum.saturating_add(i128::from(stake.minor));
}

/// An amount by which cases of several currencies can be put in one order: its face value.
fn face(money: Money) -> i128 {
    /// Most digits behind the point that a currency has.
    const DIGITS: u32 = 4;
    let up = 10_i128.checked_pow(DIGITS.saturating_sub(money.currency.digits())).unwrap_or(1);
    i128::from(money.minor).saturating_mul(up)
}

impl Was {
    /// Reads an answer as documents write it: `approve`, `deny`, `unsure`, or routes and evidence
    /// with ` + ` between them. The routes need not be there any more.
    #[must_use]
    pub fn parse(text: &str) -> Option<Was> {
        let settled = match text {
            "approve" => Settled::Approve,
            "deny" => Settled::Deny,
            "unsure" => return Some(Was::Said(None)),
            needs => {
                let mut all = Needs::default();
                for need in needs.split(" + ") {
                    let own = match need.strip_prefix("evidence ") {
                        Some(kind) => all.evidence.insert(RouteName::parse(kind).ok()?.to_string()),
                        None => all.routes.insert(RouteName::parse(need).ok()?),
                    };
                    if !own {
                        return None;
                    }
                }
                Settled::Needs(all)
            }
        };
        Some(Was::Said(Some(settled)))
    }
}

impl fmt::Display for Named {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Named::Intent(id) => write!(formatter, "{id}"),
            Named::Line(line) => write!(formatter, "line {line}"),
        }
    }
}

impl Fate {
    /// What became of it, in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Fate::ApprovedByPolicy => "approved by policy",
            Fate::ApprovedByPeople => "approved by people",
            Fate::DeclinedByPolicy => "declined by policy",
            Fate::DeclinedByPeople => "declined by people",
            Fate::Overridden => "decided by override",
            Fate::FailedOpen => "passed by fail-open",
            Fate::Withdrawn => "withdrawn",
            Fate::Open => "still open",
        }
    }
}

#[cfg(test)]
mod tests;
