//! Findings about the rule table, the guards and the names that nobody reads.

use super::{Findings, Level};
use crate::policy::Hit;
use crate::policy::outcome::Settled;
use crate::policy::route::Whom;
use crate::policy::space::{Model, Space, Verdict};
use crate::policy::sweep::{Diagram, Region};
use crate::policy::typed::Expression;
use crate::policy::{Policy, Promise, Rule};
use std::collections::BTreeSet;

/// Most gaps and overlaps that are listed one by one.
const REGIONS_MAX: usize = 8;
/// Most regions among which different overlaps are looked for.
const OVERLAPS_MAX: usize = 10_000;

/// Gaps, overlaps, rows that never decide and columns that never matter.
pub(super) fn rules(space: &Space<'_>, findings: &mut Findings<'_>) {
    let Some(policy) = space.models.first().map(|model| model.policy) else { return };
    let Some(table) = space.table() else {
        let nodes = crate::policy::sweep::SWEEP_NODES_MAX;
        findings.add(
            Level::Warning,
            "not-proved",
            "Rules",
            format!("the table has more than {nodes} cases: gaps and overlaps are not proved to be absent"),
        );
        findings.advise("split the table, or let fewer rows restrict the same columns");
        return;
    };
    gaps(space, &table, findings);
    if policy.hit == Hit::Unique {
        overlaps(space, policy, &table, findings);
    }
    let answers = table.answers().take_while(|_| !space.stop.is_asked());
    // One by one: collected, they would all be sorted first.
    let mut reached: BTreeSet<usize> = BTreeSet::new();
    answers.for_each(|rows| reached.extend(rows));
    for (index, rule) in policy.rules.iter().enumerate().filter(|(index, _)| !reached.contains(index)) {
        if space.stop.is_asked() {
            return;
        }
        findings.add(
            Level::Error,
            "unreachable",
            &format!("Rules {}", rule.id),
            format!("rule `{}` can never be the one that decides", rule.id),
        );
        findings.advise(hidden_by(policy, index));
    }
    columns(space, policy, &table, findings);
}

fn gaps(space: &Space<'_>, table: &Diagram<Vec<usize>>, findings: &mut Findings<'_>) {
    let (gaps, all) = table.regions(REGIONS_MAX, space.stop, Vec::is_empty);
    for (region, _) in &gaps {
        findings.add(Level::Error, "gap", "Rules", format!("no rule for {}", space.shown(region)));
        findings.witness(space, &space.corner(region));
        findings.advise("add a row for it, or a last row whose cells are empty");
    }
    if !all {
        findings.add(Level::Error, "gap", "Rules", format!("there are more gaps than these {REGIONS_MAX}"));
        findings.advise("close these first, then check again");
    }
}

fn overlaps(space: &Space<'_>, policy: &Policy, table: &Diagram<Vec<usize>>, findings: &mut Findings<'_>) {
    let mut said: BTreeSet<Vec<usize>> = BTreeSet::new();
    let (regions, _) = table.regions(OVERLAPS_MAX, space.stop, |rows| rows.len() > 1);
    for (region, rows) in regions {
        if said.len() == REGIONS_MAX {
            break;
        }
        if !said.insert(rows.clone()) {
            continue;
        }
        let rules: Vec<&Rule> = rows.iter().filter_map(|row| policy.rules.get(*row)).collect();
        let Some(first) = rules.first() else { continue };
        let names: Vec<String> = rules.iter().map(|rule| format!("`{}`", rule.id)).collect();
        let same = rules.iter().all(|rule| rule.outcome == first.outcome);
        let place = format!("Rules {}", rules.get(1).map_or(&first.id, |rule| &rule.id));
        let (kind, verb) = if same { ("overlap-same", "say the same") } else { ("overlap", "disagree") };
        let message = format!("{} {verb} at {}", names.join(" and "), space.shown(&region));
        findings.add(Level::Error, kind, &place, message);
        findings.witness(space, &space.corner(&region));
        findings.advise(if same {
            "merge the rows, or write `Rules: every`"
        } else {
            "move a bound so that only one of them matches; ends are included unless `>` or `<` stands there"
        });
    }
}

/// Which rows above hide a row.
fn hidden_by(policy: &Policy, index: usize) -> String {
    let Some(rule) = policy.rules.get(index) else { return String::new() };
    let meets = |other: &&Rule| {
        other.demands.iter().all(|demand| {
            rule.demands.iter().filter(|own| own.input == demand.input).all(|own| {
                own.ranges.pairs().iter().any(|(low, high)| {
                    demand.ranges.pairs().iter().any(|(from, until)| from <= high && low <= until)
                })
            })
        })
    };
    let above: Vec<String> =
        policy.rules.iter().take(index).filter(meets).map(|rule| format!("`{}`", rule.id)).collect();
    format!(
        "the rows above take everything from it ({}): correct one of them, or remove it",
        above.join(", ")
    )
}

fn columns(space: &Space<'_>, policy: &Policy, table: &Diagram<Vec<usize>>, findings: &mut Findings<'_>) {
    let outcomes = table.map(space.stop, |rows| {
        let said = rows.iter().filter_map(|row| policy.rules.get(*row)).map(|rule| &rule.outcome);
        (!rows.is_empty())
            .then(|| Verdict::of(&said.fold(Settled::Approve, |all, next| all.join(next, &policy.covers))))
    });
    for (axis, input) in space.inputs.iter().enumerate() {
        let stands = space.areas.iter().any(|area| area.demands.iter().any(|(own, _)| *own == axis));
        let in_rules = policy.rules.iter().flat_map(|rule| &rule.demands).any(|demand| demand.input == axis);
        if stands && in_rules && !outcomes.asks(axis) {
            findings.add(
                Level::Warning,
                "column-never-matters",
                "Rules",
                format!("column `{}` never changes what the rules say", input.name),
            );
            findings.advise("remove the column, or correct the cell that should make the difference");
        }
    }
}

/// Guards that never or always hold.
pub(super) fn guards(space: &Space<'_>, findings: &mut Findings<'_>) {
    let Some(model) = space.models.first() else { return };
    for (formula, guard) in model.guards.iter().zip(&model.policy.guards) {
        let mut read = BTreeSet::new();
        formula.reads(&mut read);
        let axes: Vec<usize> = formula.axes(&space.areas).into_iter().collect();
        let derived = axes.iter().any(|axis| *axis >= space.inputs.len());
        let Some(diagram) = space.conditions(&axes, &read, |live| formula.holds(live)) else {
            continue;
        };
        let found: BTreeSet<bool> = diagram.answers().copied().collect();
        let (seen, how) = if found.len() == 1 || !derived {
            (found, String::new())
        } else {
            let (seen, points) = tried(space, model, &guard.when);
            (seen, format!(" at any of {points} points (tested, not proved)"))
        };
        let place = format!("Guards {}", guard.id);
        let line = if seen == BTreeSet::from([false]) {
            ("guard-never", format!("guard `{}` never holds{how}: `{}`", guard.id, guard.when.source))
        } else if seen == BTreeSet::from([true]) {
            let how = how.replace(" at any of", " at all of");
            ("guard-always", format!("guard `{}` always holds{how}: `{}`", guard.id, guard.when.source))
        } else {
            continue;
        };
        findings.add(Level::Warning, line.0, &place, line.1);
        findings.advise("correct its bound, or write what it adds into the rules");
    }
}

/// The answers of a condition at points where something may change, until both were seen, and how many
/// points were looked at.
fn tried(space: &Space<'_>, model: &Model<'_>, condition: &Expression) -> (BTreeSet<bool>, usize) {
    let (mut seen, mut count) = (BTreeSet::new(), 0_usize);
    for point in space.points(&Region::new()) {
        count = count.saturating_add(1);
        seen.extend(space.condition(model, condition, &point));
        if seen.len() > 1 {
            break;
        }
    }
    (seen, count)
}

/// Terms and inputs that nothing reads.
pub(super) fn unread(space: &Space<'_>, policy: &Policy, findings: &mut Findings<'_>) {
    let promises = policy.promises.iter().filter_map(|promise| match promise {
        Promise::ApproveOnlyIf(condition) => Some(condition),
        Promise::More(_) | Promise::Less(_) => None,
    });
    let conditions: Vec<&Expression> = policy
        .guards
        .iter()
        .map(|guard| &guard.when)
        .chain(promises)
        .chain(policy.fail_open.iter().map(|open| &open.only_if))
        .collect();
    for (name, _) in policy.terms.iter().take_while(|_| !space.stop.is_asked()) {
        let formulas = policy.terms.iter().map(|(_, term)| term).chain(conditions.iter().copied());
        if !formulas.into_iter().any(|other| other.source.split(' ').any(|word| word == name.as_str())) {
            let place = format!("Terms {name}");
            findings.add(Level::Warning, "unread", &place, format!("term `{name}` is never read"));
            findings.advise("remove it, or read it in a guard");
        }
    }
    let people = policy.routes.values().flat_map(|route| &route.steps);
    let named: BTreeSet<&str> = people
        .flat_map(|step| std::iter::once(&step.whom).chain(&step.backup))
        .filter_map(|whom| match whom {
            Whom::NamedIn(token) => Some(token.as_str()),
            Whom::Pool(_) | Whom::Role(_) | Whom::Person(_) | Whom::Manager(_) | Whom::OwnerOfPolicy => None,
        })
        .collect();
    for (index, input) in policy.inputs.iter().enumerate() {
        let in_rules = policy.rules.iter().flat_map(|rule| &rule.demands).any(|demand| demand.input == index);
        let read = conditions.iter().any(|condition| condition.reads.contains(&input.name));
        if !in_rules && !read && !named.contains(input.name.as_str()) {
            findings.add(
                Level::Warning,
                "unread",
                &format!("Inputs {}", input.name),
                format!("input `{}` is never read, but an intent without it is `unsure`", input.name),
            );
            findings.advise("remove it, or read it in a rule or guard");
        }
    }
}
