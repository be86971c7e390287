//! `policy check`: types, lint, examples, promises, mutants and coverage of policies in one report.

use super::Policy;
use super::coverage::{Coverage, Fired, Past, coverage};
use super::explain::Evaluation;
use super::lint::{Finding, Findings, House, Level, Spot, lint_until};
use super::mutant::{Mutant, mutants};
use super::promise::{Kept, Proof, promises};
use super::stop::{Stop, Stopped};
use crate::document::{Fault, Faults, SourceFile, any_of};
use crate::publish::POLICY_CHANGE_BYTES_MAX;
use crate::rulebook::Rulebook;
use crate::time::Timestamp;
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};
use std::fmt;

/// What one policy is worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Path of its file.
    pub file: String,
    /// The intent type that it decides.
    pub intent: String,
    /// What was found, most urgent first.
    pub findings: Vec<Finding>,
    /// How many examples it has.
    pub examples: usize,
    /// How many of them get the answer that they expect.
    pub passing: usize,
    /// Its promises.
    pub promises: Vec<Kept>,
    /// Bounds that were moved by one step.
    pub mutants: Vec<Mutant>,
    /// Which rows and guards were used.
    pub coverage: Coverage,
}

/// What a whole set is worth. Its JSON says first whether it [passes](Report::passes).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What kept the set from being read; then no policy was looked at.
    pub faults: Vec<Fault>,
    /// The policies, by intent type and date.
    pub policies: Vec<Checked>,
}

impl Report {
    /// Whether nothing keeps the set from becoming active. Warnings may need somebody's name.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.faults.is_empty() && !self.findings().any(|finding| finding.level == Level::Error)
    }

    /// All findings, policy by policy.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.policies.iter().flat_map(|policy| &policy.findings)
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut report = serializer.serialize_struct("Report", 3)?;
        report.serialize_field("passes", &self.passes())?;
        report.serialize_field("faults", &self.faults)?;
        report.serialize_field("policies", &self.policies)?;
        report.end()
    }
}

/// Checks a whole set of files. `on` says who is absent.
#[must_use]
pub fn check_files(files: &[SourceFile], on: Timestamp) -> Report {
    check_files_with(files, on, &Past::default())
}

/// The same with the recorded decisions of all policies, for the coverage.
#[must_use]
pub fn check_files_with(files: &[SourceFile], on: Timestamp, past: &Past) -> Report {
    let rulebook = match Rulebook::draft(files) {
        Ok(rulebook) => rulebook,
        Err(faults) => return Report { faults, policies: Vec::new() },
    };
    let never = Stop::never();
    let checked = |policy: &Policy| {
        let mut found = checked(&rulebook, policy, on, &past.of(&policy.intent), &never)?;
        let text = files.iter().find(|file| file.path == policy.path).map(|file| file.text.len());
        found.findings.extend(text.and_then(|bytes| too_long(&policy.path, bytes)));
        found.findings.sort_by(|one, other| one.urgency().cmp(&other.urgency()));
        Some(found)
    };
    Report { faults: Vec::new(), policies: rulebook.policies().filter_map(checked).collect() }
}

/// That a document is read, and longer than one that can be published.
fn too_long(path: &str, bytes: usize) -> Option<Finding> {
    (POLICY_CHANGE_BYTES_MAX < bytes).then(|| Finding {
        file: path.to_owned(),
        line: 1,
        column: 1,
        level: Level::Warning,
        kind: "too-long",
        at: String::new(),
        message: format!(
            "the document has {bytes} bytes; at most {POLICY_CHANGE_BYTES_MAX} can be published"
        ),
        witness: None,
        advice: Some(
            "let one row say what several do, or keep words that nobody decides by elsewhere".to_owned(),
        ),
    })
}

/// Checks every policy of a rulebook.
#[must_use]
pub fn check_all(rulebook: &Rulebook, on: Timestamp) -> Report {
    let policies = rulebook.policies().filter_map(|policy| check(rulebook, policy, on, [])).collect();
    Report { faults: Vec::new(), policies }
}

/// Checks one policy among the people and intent types of a rulebook. `decisions` are recorded
/// ones, for the coverage. Nothing if the rulebook lacks its intent type.
#[must_use]
pub fn check<'a>(
    rulebook: &Rulebook,
    policy: &Policy,
    on: Timestamp,
    decisions: impl IntoIterator<Item = &'a Evaluation>,
) -> Option<Checked> {
    checked(rulebook, policy, on, &decisions.into_iter().collect(), &Stop::never())
}

/// The same with recorded decisions that were summed up already.
///
/// # Errors
/// If it was stopped.
pub fn check_with(
    rulebook: &Rulebook,
    policy: &Policy,
    on: Timestamp,
    fired: &Fired,
    stop: &Stop<'_>,
) -> Result<Option<Checked>, Stopped> {
    stop.kept(checked(rulebook, policy, on, fired, stop))
}

fn checked(
    rulebook: &Rulebook,
    policy: &Policy,
    on: Timestamp,
    fired: &Fired,
    stop: &Stop<'_>,
) -> Option<Checked> {
    let intent = rulebook.intent_type(&policy.intent)?;
    let mut findings = lint_until(policy, House { directory: rulebook.directory(), intent, on }, stop);
    let promises = promises(policy, stop);
    let mutants = mutants(policy, stop);
    let coverage = coverage(policy, fired, stop);
    let mut more = Findings::new(policy);
    let failing = failing(policy, stop, &mut more);
    broken(&promises, &mut more);
    unseen(policy, &mut more);
    edges(&mutants, &mut more);
    unused(&coverage, &mut more);
    findings.extend(more.list);
    findings.sort_by(|one, other| one.urgency().cmp(&other.urgency()));
    Some(Checked {
        file: policy.path.clone(),
        intent: policy.intent.to_string(),
        findings,
        examples: policy.examples.len(),
        passing: policy.examples.len().saturating_sub(failing),
        promises,
        mutants,
        coverage,
    })
}

/// Runs the examples; says how many fail.
fn failing(policy: &Policy, stop: &Stop<'_>, findings: &mut Findings<'_>) -> usize {
    let mut faults = Faults::new(&policy.path);
    super::example::run(policy, stop, &mut faults);
    let list = faults.into_list();
    let count = list.len();
    for fault in list {
        let kind = "example-failed";
        findings.list.push(Finding {
            file: fault.file,
            line: fault.line,
            column: fault.column,
            level: Level::Error,
            kind,
            at: String::new(),
            message: fault.message,
            witness: None,
            advice: fault.help,
        });
    }
    count
}

fn broken(promises: &[Kept], findings: &mut Findings<'_>) {
    for (row, kept) in promises.iter().enumerate() {
        let place = Spot::Nth("Promises", row, &kept.promise);
        match &kept.proof {
            Proof::Proved => {}
            Proof::Tested { points } => {
                let message =
                    format!("promise \"{}\" is tested at {points} points, not proved", kept.promise);
                findings.add(Level::Warning, "promise-tested", place, message);
                findings.advise("compare inputs with constants, or accept it by name when publishing");
            }
            Proof::Broken { witness, by } => {
                let message = format!("promise \"{}\": BROKEN", kept.promise);
                findings.add(Level::Error, "promise-broken", place, message);
                findings.shown_by(neighbours(witness));
                let answer = any_of(by);
                findings.advise(format!(
                    "correct {answer} (the last of these is answered so), or take the promise back"
                ));
            }
        }
    }
}

/// Intents that break a promise and their outcomes; of the second only what differs.
fn neighbours(witness: &[(String, String)]) -> String {
    let mut shown = String::new();
    let mut before = "";
    for (intent, outcome) in witness {
        let differs = |(part, other): &(&str, &str)| part != other;
        let parts: Vec<&str> =
            intent.split(", ").zip(before.split(", ")).filter(differs).map(|(part, _)| part).collect();
        shown += &match before {
            "" => format!("{intent}: {outcome}"),
            _ => format!("; with {}: {outcome}", parts.join(", ")),
        };
        before = intent;
    }
    shown
}

/// What no proof sees: a component can add people or say no, whatever the tables promise.
fn unseen(policy: &Policy, findings: &mut Findings<'_>) {
    for component in &policy.components {
        let message = format!(
            "component `{}` is asked beside the tables: what is proved here is proved of the tables alone",
            component.id
        );
        findings.add(Level::Warning, "component", Spot::Row("Components", &component.id), message);
        findings.advise("it can only tighten; accept it by name when publishing");
    }
}

/// One warning for each cell with a bound that no example notices.
fn edges(mutants: &[Mutant], findings: &mut Findings<'_>) {
    let mut cells: Vec<(&Mutant, Vec<&str>)> = Vec::new();
    for mutant in mutants.iter().filter(|mutant| mutant.noticed_by.is_empty()) {
        match cells.last_mut() {
            Some((other, values)) if other.rule == mutant.rule && other.input == mutant.input => {
                values.push(&mutant.value);
            }
            Some(_) | None => cells.push((mutant, vec![&mutant.value])),
        }
    }
    for (mutant, values) in cells {
        findings.add(
            Level::Warning,
            "edge-without-example",
            Spot::Cell("Rules", &mutant.rule, mutant.input.as_str()),
            format!(
                "rule `{}`, {} `{}`: no example notices the edge at {}",
                mutant.rule,
                mutant.input,
                mutant.cell,
                values.join(" and ")
            ),
        );
        findings.advise("add an example on each side of it; `--suggest` writes them");
    }
}

fn unused(coverage: &Coverage, findings: &mut Findings<'_>) {
    let rules = coverage.rules.iter().map(|used| ("Rules", "rule", used));
    let guards = coverage.guards.iter().map(|used| ("Guards", "guard", used));
    for (section, what, used) in rules.chain(guards) {
        if used.examples == 0 && used.decisions == 0 {
            let message = match (coverage.days, coverage.decisions) {
                (Some(days), decisions) => format!(
                    "{what} `{}` is used by no example and fired 0 times in {days} days ({decisions} decisions)",
                    used.id
                ),
                (None, 0) => format!("{what} `{}` is used by no example", used.id),
                (None, _) => format!("{what} `{}` is used by no example and no recorded decision", used.id),
            };
            findings.add(Level::Note, "unused", Spot::Row(section, &used.id), message);
        }
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(formatter, "{finding}")?;
        }
        for kept in self.promises.iter().filter(|kept| kept.proof == Proof::Proved) {
            writeln!(formatter, "{}: {kept}", self.file)?;
        }
        let noticed = self.mutants.iter().filter(|mutant| !mutant.noticed_by.is_empty()).count();
        writeln!(
            formatter,
            "{}: {} of {} examples pass; they notice {noticed} of {} moved bounds",
            self.file,
            self.passing,
            self.examples,
            self.mutants.len()
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in &self.faults {
            writeln!(formatter, "{fault}")?;
            if let Some(help) = &fault.help {
                writeln!(formatter, "  try: {help}")?;
            }
        }
        self.policies.iter().try_for_each(|policy| write!(formatter, "{policy}"))
    }
}
