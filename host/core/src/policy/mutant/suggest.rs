//! The examples that would notice the moved bounds that no example notices.

use super::{Mutant, deciding, mutants, point};
use crate::policy::space::{Space, Verdict};
use crate::policy::stop::{Stop, Stopped};
use crate::policy::sweep::{Area, Region, sweep};
use crate::policy::{Hit, Policy};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;

/// Most examples that are suggested at once; more nobody reads.
pub const SUGGESTED_MAX: usize = 100;

/// The examples that a policy lacks. As text they are an `Examples` table with its header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suggested {
    /// The intent type that it decides.
    pub intent: String,
    /// Path of its file.
    pub path: String,
    /// The inputs, in the order of the document.
    pub inputs: Vec<String>,
    /// The examples, in the order of the rows whose bounds they test.
    pub examples: Vec<Suggestion>,
    /// Whether [`SUGGESTED_MAX`] has left none out.
    pub all: bool,
}

/// One example. It passes today; whether the answer is the right one, only the owner knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suggestion {
    /// What it is called: the rule, the input and the value at its edge.
    pub case: String,
    /// One value for each input, as an example writes it.
    pub values: Vec<String>,
    /// What the policy answers.
    pub outcome: String,
    /// The rules that decide, then the guards that hold.
    pub by: Vec<String>,
}

impl Suggested {
    /// The examples that this policy lacks.
    ///
    /// # Errors
    /// If it was stopped.
    pub fn of(policy: &Policy, stop: &Stop<'_>) -> Result<Suggested, Stopped> {
        let (examples, all) = suggestions(policy, stop);
        let suggested = Suggested {
            intent: policy.intent.to_string(),
            path: policy.path.clone(),
            inputs: policy.inputs.iter().map(|input| input.name.to_string()).collect(),
            examples,
            all,
        };
        stop.kept(suggested)
    }
}

impl fmt::Display for Suggested {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "| case | {} | => outcome | by |", self.inputs.join(" | "))?;
        writeln!(formatter, "|---|{}", "---|".repeat(self.inputs.len().saturating_add(2)))?;
        self.examples.iter().try_for_each(|example| writeln!(formatter, "{example}"))
    }
}

impl fmt::Display for Suggestion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Suggestion { case, values, outcome, by } = self;
        write!(formatter, "| {case} | {} | {outcome} | {} |", values.join(" | "), by.join(", "))
    }
}

/// The examples, and whether these are all.
fn suggestions(policy: &Policy, stop: &Stop<'_>) -> (Vec<Suggestion>, bool) {
    let space = Space::of(policy, stop);
    let mut found = Vec::new();
    let Some(model) = space.models.first() else { return (found, true) };
    let first = policy.examples.iter().find_map(|example| point(policy, example));
    let mut seen: BTreeSet<Vec<i64>> = BTreeSet::new();
    for mutant in mutants(policy, stop).iter().filter(|mutant| mutant.noticed_by.is_empty()) {
        if stop.is_asked() {
            return (found, false);
        }
        let Some(region) = differs(&space, policy, mutant) else { continue };
        let mut point = first.clone().unwrap_or_else(|| space.corner(&Region::new()));
        for (axis, ranges) in &region {
            let (Some(number), Some(range)) = (point.numbers.get_mut(*axis), ranges.first()) else {
                continue;
            };
            if !ranges.iter().any(|(low, high)| *low <= *number && *number <= *high) {
                *number = range.0;
            }
        }
        let answered = space.answer(model, &point);
        if answered.verdict == Verdict::Unsure || seen.contains(&point.numbers) {
            continue;
        }
        if found.len() == SUGGESTED_MAX {
            return (found, false);
        }
        let rules = answered.rules.iter().filter_map(|row| policy.rules.get(*row)).map(|rule| &*rule.id);
        let guards = answered.guards.iter().filter_map(|row| policy.guards.get(*row)).map(|guard| &*guard.id);
        found.push(Suggestion {
            case: format!("{}, {} {}", mutant.rule, mutant.input, mutant.value),
            values: space.values(&point).into_iter().map(|(_, value)| value).collect(),
            outcome: answered.verdict.to_string(),
            by: rules.chain(guards).map(str::to_owned).collect(),
        });
        seen.insert(point.numbers);
    }
    (found, true)
}

/// Where a mutant is decided by another row than the policy; nothing if it cannot be told apart.
fn differs(space: &Space<'_>, policy: &Policy, mutant: &Mutant) -> Option<Region> {
    let rule = policy.rules.get(mutant.row)?;
    let mut rows: Vec<usize> = Vec::new();
    let mut areas: Vec<Area> = Vec::new();
    for (index, other) in policy.rules.iter().enumerate() {
        let of = |demand: &crate::policy::Demand| (demand.input, demand.ranges.pairs().to_vec());
        let rest = other.demands.iter().filter(|demand| demand.input != mutant.axis);
        let here = other
            .demands
            .iter()
            .filter(|demand| demand.input == mutant.axis)
            .all(|demand| demand.ranges.accept(mutant.number));
        if here || index == mutant.row {
            rows.push(index);
            areas.push(Area { demands: rest.map(of).collect() });
        }
    }
    let own = rows.iter().position(|row| *row == mutant.row)?;
    let diagram = sweep(&space.axes, &space.order(), &areas, Hit::Every, space.stop, |live| {
        let with: Vec<usize> =
            live.within(0, rows.len()).filter_map(|index| rows.get(index).copied()).collect();
        let without: Vec<usize> = with.iter().copied().filter(|row| *row != mutant.row).collect();
        live.has(own) && deciding(policy, &with) != deciding(policy, &without)
    })?;
    let (mut region, _) = diagram.regions(1, space.stop, |differs| *differs).0.into_iter().next()?;
    region.insert(mutant.axis, vec![(mutant.number, mutant.number)]);
    for demand in rule.demands.iter().filter(|demand| demand.input != mutant.axis) {
        region.entry(demand.input).or_insert_with(|| demand.ranges.pairs().to_vec());
    }
    Some(region)
}
