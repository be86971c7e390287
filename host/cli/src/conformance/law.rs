//! The laws of a connector, and the book of what a run has shown of each.

use super::bench::{Gave, Outcome};
pub use countersign_connectors::Level;

use countersign_connectors::Exchange;
use countersign_core::effect::attempt::{Ended, Finding};
use serde::Serialize;
use std::collections::BTreeMap;

/// Most breaches of one law that are kept; the others are counted.
const BREACHES_MAX: usize = 20;

/// What a connector must keep, in the order in which it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Law {
    /// The component and its manifest are whole, and want nothing but the contract.
    Static,
    /// It says the same of itself each time, and needs nobody for that.
    Describe,
    /// What only looks changes nothing, whatever the target answers.
    Phase,
    /// However often an effect is cut off and begun again, the target does it once.
    Idempotency,
    /// What a probe says is true.
    Probe,
    /// Each trouble of the target is named as what it is.
    Failures,
    /// What is written is the sealed plan, and a record that has moved is a conflict.
    Seal,
    /// What is taken back is as it was.
    Compensation,
    /// The same questions and answers give the same plan and the same receipt.
    Determinism,
    /// A delivery is about what it is about, and asks for what it asks for, each time that it arrives.
    Deliveries,
    /// Neither credentials nor personal data are in what people read.
    Hygiene,
    /// No call takes much more than its author agreed to.
    Budgets,
    /// Nothing that it is asked or answered makes it break.
    Fuzz,
}

impl Law {
    /// All of them.
    pub const ALL: [Law; 13] = [
        Law::Static,
        Law::Describe,
        Law::Phase,
        Law::Idempotency,
        Law::Probe,
        Law::Failures,
        Law::Seal,
        Law::Compensation,
        Law::Determinism,
        Law::Deliveries,
        Law::Hygiene,
        Law::Budgets,
        Law::Fuzz,
    ];

    /// The level that cannot be had without it.
    #[must_use]
    pub fn level(self) -> Level {
        match self {
            Law::Static | Law::Describe => Level::Loads,
            Law::Phase | Law::Idempotency | Law::Probe | Law::Failures | Law::Seal | Law::Hygiene => {
                Level::Safe
            }
            Law::Compensation | Law::Determinism | Law::Deliveries | Law::Budgets | Law::Fuzz => {
                Level::Certified
            }
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Law::Static => "static",
            Law::Describe => "describe",
            Law::Phase => "phase",
            Law::Idempotency => "idempotency",
            Law::Probe => "probe",
            Law::Failures => "failures",
            Law::Seal => "seal",
            Law::Compensation => "compensation",
            Law::Determinism => "determinism",
            Law::Deliveries => "deliveries",
            Law::Hygiene => "hygiene",
            Law::Budgets => "budgets",
            Law::Fuzz => "fuzz",
        }
    }

    /// What it says, in one line.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Law::Static => "the component is whole and wants nothing but the contract",
            Law::Describe => "it says the same of itself each time, without asking anybody",
            Law::Phase => "what only looks changes nothing, whatever the target answers",
            Law::Idempotency => "cut off anywhere and begun again, an effect is done once",
            Law::Probe => "what a probe says is true",
            Law::Failures => "each trouble of the target is named as what it is",
            Law::Seal => "what is written is the sealed plan; a record that moved is a conflict",
            Law::Compensation => "what is taken back is as it was",
            Law::Determinism => "the same questions and answers give the same plan and receipt",
            Law::Deliveries => "what a vendor tells is taken for what it is, each time that it arrives",
            Law::Hygiene => "no credential and no personal data in what people read",
            Law::Budgets => "no call takes much more fuel or memory than was agreed to",
            Law::Fuzz => "nothing that it is asked or answered makes it break",
        }
    }
}

/// One time that a law was not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Breach {
    /// The cassette.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cassette: String,
    /// What was done, such as `apply, its request 1 (POST /v1/refunds) lost before it was done`.
    pub doing: String,
    /// What the connector did or said.
    pub found: String,
    /// What the law wants, and so what to change.
    pub wanted: String,
}

/// What a run has shown of one law.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Shown {
    /// How often it was looked at.
    pub checks: u64,
    /// How often it was not kept.
    pub broken: u64,
    /// The first times that it was not kept.
    pub breaches: Vec<Breach>,
}

/// What a run has shown of every law.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Book(BTreeMap<Law, Shown>);

impl Book {
    /// Enters one look at a law: kept, or what was wrong.
    pub fn enter(&mut self, law: Law, breach: Option<Breach>) {
        self.add(law, 1, u64::from(breach.is_some()));
        if let Some(breach) = breach {
            self.tell(law, breach);
        }
    }

    /// Enters so many looks at a law, in so many of which it was not kept.
    pub fn add(&mut self, law: Law, looks: u64, broken: u64) {
        let shown = self.0.entry(law).or_default();
        shown.checks += looks;
        shown.broken += broken;
    }

    /// Keeps what was wrong, if it is new and there is room.
    pub fn tell(&mut self, law: Law, breach: Breach) {
        let breaches = &mut self.0.entry(law).or_default().breaches;
        if breaches.len() < BREACHES_MAX && !breaches.contains(&breach) {
            breaches.push(breach);
        }
    }

    /// What was shown of a law.
    #[must_use]
    pub fn of(&self, law: Law) -> Shown {
        self.0.get(&law).cloned().unwrap_or_default()
    }

    /// The level that was reached: the highest of which every law is kept. A law of which nothing was looked at is
    /// not kept, unless it is one of the `idle` ones, which this connector cannot break.
    #[must_use]
    pub fn level(&self, idle: &[Law]) -> Level {
        let is_kept = |law: &Law| {
            let shown = self.of(*law);
            shown.broken == 0 && (0 < shown.checks || idle.contains(law))
        };
        let reached = |level: Level| Law::ALL.iter().filter(|law| law.level() == level).all(is_kept);
        let order = [Level::Loads, Level::Safe, Level::Certified];
        order.into_iter().take_while(|level| reached(*level)).last().unwrap_or(Level::None)
    }
}

/// A request, for people.
#[must_use]
pub fn request(exchange: &Exchange) -> String {
    let step = exchange.step.as_ref().map_or_else(String::new, |step| format!(", step `{step}`"));
    format!("{} {}{step}", exchange.method, exchange.path)
}

/// What became of a call, for people.
#[must_use]
pub fn told(outcome: &Outcome) -> String {
    match &outcome.ended {
        Ended::Returned(gave) => match gave {
            Gave::Nothing => "said that all is well".to_owned(),
            Gave::Record(_) => "gave a record".to_owned(),
            Gave::Changes(page) => format!("gave {} changes", page.items.len()),
            Gave::Plan(plan) => format!("gave a plan of {} changes", plan.changes.len()),
            Gave::Receipt(_) => "gave a receipt".to_owned(),
            Gave::Finding(Finding::Landed(_)) => "said `landed`".to_owned(),
            Gave::Finding(Finding::Absent) => "said `absent`".to_owned(),
            Gave::Finding(Finding::Unknown) => "said `unknown`".to_owned(),
            Gave::Records(records) => format!("named {} records", records.len()),
            Gave::Drafts(drafts) => format!("asked for {} intents", drafts.len()),
        },
        Ended::Failed(failure) => {
            let detail = failure.detail();
            format!("said `{}` ({}: {})", failure.case(), detail.code, detail.message)
        }
        Ended::Broke(broke) => broke.message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breach() -> Breach {
        Breach { cassette: String::new(), doing: String::new(), found: String::new(), wanted: String::new() }
    }

    #[test]
    fn a_level_needs_every_law_of_it_and_below() {
        let check = |broken: Option<Law>, expected: Level| {
            let mut book = Book::default();
            for law in Law::ALL {
                book.enter(law, (Some(law) == broken).then(breach));
            }
            assert_eq!(book.level(&[]), expected, "{broken:?}");
        };
        check(None, Level::Certified);
        check(Some(Law::Fuzz), Level::Safe);
        check(Some(Law::Idempotency), Level::Loads);
        check(Some(Law::Describe), Level::None);
        let mut book = Book::default();
        Law::ALL.into_iter().filter(|law| *law != Law::Fuzz).for_each(|law| book.enter(law, None));
        assert_eq!(book.level(&[]), Level::Safe, "nothing strange was asked");
        assert_eq!(book.level(&[Law::Fuzz]), Level::Certified);
    }
}
