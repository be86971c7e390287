//! Findings about the rule table, the guards and the names that nobody reads.

use super::{Findings, Level, Spot};
use crate::id::FieldName;
use crate::intent::kind::FieldType;
use crate::policy::Hit;
use crate::policy::outcome::Settled;
use crate::policy::route::Whom;
use crate::policy::space::{Model, Point, Space, Verdict, spelled, spelled_ranges};
use crate::policy::sweep::{Diagram, Region};
use crate::policy::typed::Expression;
use crate::policy::{Policy, Promise, Rule};
use std::collections::BTreeSet;

/// Most gaps and overlaps that are listed one by one.
const REGIONS_MAX: usize = 8;
/// Most rows that are named as those that hide one.
const ABOVE_SHOWN_MAX: usize = 8;
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
            Spot::Table("Rules"),
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
            Spot::Row("Rules", &rule.id),
            format!("rule `{}` can never be the one that decides", rule.id),
        );
        hidden(space, policy, index, findings);
    }
    columns(space, policy, &table, findings);
}

/// Shows the first intent that a row accepts and who takes it, and says what to correct.
fn hidden(space: &Space<'_>, policy: &Policy, index: usize, findings: &mut Findings<'_>) {
    let (Some(model), Some(rule)) = (space.models.first(), policy.rules.get(index)) else { return };
    let area = space.areas.get(model.rows.clone()).and_then(|rows| rows.get(index));
    let Some(area) = area else { return };
    let point = space.corner(&area.demands.iter().cloned().collect());
    let taker = space.answer(model, &point).rules.first().and_then(|row| policy.rules.get(*row));
    if let Some(taker) = taker {
        findings.shown_by(format!("{}: `{}` decides", space.said(&point), taker.id));
    }
    let named = |rule: &Rule| format!("`{}` (line {})", rule.id, rule.line);
    let mut above = policy.rules.iter().take(index).filter(|other| meets(rule, other));
    let shown: Vec<String> = above.by_ref().take(ABOVE_SHOWN_MAX).map(named).collect();
    let more = if above.next().is_some() { " and others" } else { "" };
    findings.advise(match shown.as_slice() {
        [one] => format!("correct {one}, which takes everything from it, or remove `{}`", rule.id),
        several => format!(
            "correct one of {}{more}, which together take everything from it, or remove `{}`",
            several.join(", "),
            rule.id
        ),
    });
}

/// Whether some intent is accepted by both.
fn meets(rule: &Rule, other: &Rule) -> bool {
    other.demands.iter().all(|demand| {
        rule.demands.iter().filter(|own| own.input == demand.input).all(|own| {
            own.ranges.pairs().iter().any(|(low, high)| {
                demand.ranges.pairs().iter().any(|(from, until)| from <= high && low <= until)
            })
        })
    })
}

fn gaps(space: &Space<'_>, table: &Diagram<Vec<usize>>, findings: &mut Findings<'_>) {
    let (gaps, all) = table.regions(REGIONS_MAX, space.stop, Vec::is_empty);
    for (region, _) in &gaps {
        let place = Spot::Table("Rules");
        findings.add(Level::Error, "gap", place, format!("no rule for {}", space.shown(region)));
        findings.witness(space, &space.corner(region));
        findings.advise(format!(
            "add a row such as `{}`, or a last row whose cells are empty",
            row_for(space, region)
        ));
    }
    if !all {
        let place = Spot::Table("Rules");
        findings.add(Level::Error, "gap", place, format!("there are more gaps than these {REGIONS_MAX}"));
        findings.advise("close these first, then check again");
    }
}

/// A row of the rule table that takes a region, or where a cell cannot hold all of it, the first part.
fn row_for(space: &Space<'_>, region: &Region) -> String {
    let Some(policy) = space.models.first().map(|model| model.policy) else { return String::new() };
    let cells = policy.places.columns("Rules").iter().map(|column| match column.as_str() {
        "id" => "ID".to_owned(),
        "=> outcome" => "OUTCOME".to_owned(),
        "because" => "WHY".to_owned(),
        name => {
            let axis = space.inputs.iter().position(|input| input.name.as_str() == name);
            let own = axis.and_then(|axis| Some((space.inputs.get(axis)?, region.get(&axis)?)));
            own.map_or_else(String::new, |(input, ranges)| {
                let listed = matches!(input.kind, FieldType::OneOf(_) | FieldType::YesNo);
                let most = if listed { ranges.len() } else { 1 };
                spelled_ranges(&input.kind, ranges.get(..most).unwrap_or_default())
            })
        }
    });
    format!("| {} |", cells.collect::<Vec<String>>().join(" | "))
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
        let second = rules.get(1).unwrap_or(first);
        let (kind, verb) = if same { ("overlap-same", "say the same") } else { ("overlap", "disagree") };
        let message = format!("{} {verb} at {}", names.join(" and "), space.shown(&region));
        findings.add(Level::Error, kind, Spot::Row("Rules", &second.id), message);
        findings.witness(space, &space.corner(&region));
        findings.advise(match apart(space, policy, first, second) {
            Some(advice) => advice,
            None if same => "merge the rows, or write `## Rules: every`".to_owned(),
            None => format!("let a cell of `{}` or `{}` leave this to the other one", first.id, second.id),
        });
    }
}

/// A cell of one of two rows that overlap by a bound, moved so that they do not meet there any more.
fn apart(space: &Space<'_>, policy: &Policy, first: &Rule, second: &Rule) -> Option<String> {
    let moved = |lower: &Rule, upper: &Rule| {
        lower.demands.iter().find_map(|below| {
            let above = upper.demands.iter().find(|above| above.input == below.input)?;
            let (&[(from, until)], &[(start, end)]) = (below.ranges.pairs(), above.ranges.pairs()) else {
                return None;
            };
            let input = policy.inputs.get(below.input)?;
            let ordered = matches!(input.kind, FieldType::Number(_) | FieldType::Date { .. });
            if !(ordered && from < start && start <= until && until < end) {
                return None;
            }
            let (_, max) = input.kind.bounds()?;
            let bound = spelled(&input.kind, until);
            let cell = match end == max {
                true => format!("> {bound}"),
                false => format!("> {bound} .. {}", spelled(&input.kind, end)),
            };
            Some(format!(
                "write `{cell}` for {} in `{}`, and they do not meet any more",
                input.name, upper.id
            ))
        })
    };
    let advice = moved(first, second).or_else(|| moved(second, first));
    advice.filter(|_| !space.stop.is_asked())
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
                Spot::Column("Rules", input.name.as_str()),
                format!("column `{}` never changes what the rules say", input.name),
            );
            if let Some(witness) = twins(space, policy, axis) {
                findings.shown_by(witness);
            }
            findings.advise("remove the column, or correct the cell that should make the difference");
        }
    }
}

/// Two intents that differ in one column alone, and get one answer: one that a cell of it accepts and one that it
/// does not.
fn twins(space: &Space<'_>, policy: &Policy, axis: usize) -> Option<String> {
    let (model, input, grid) = (space.models.first()?, space.inputs.get(axis)?, space.axes.get(axis)?);
    let said = |point: &Point| {
        let rules = space.answer(model, point).rules;
        let ids: Vec<&str> = rules.iter().filter_map(|row| Some(&*policy.rules.get(*row)?.id)).collect();
        format!("{} by {}", space.joined(policy, &rules, &[]), ids.join(", "))
    };
    let rows = space.areas.get(model.rows.clone()).unwrap_or_default();
    rows.iter().find_map(|area| {
        let (_, ranges) = area.demands.iter().find(|(own, _)| *own == axis)?;
        let outside = ranges
            .iter()
            .flat_map(|(low, high)| [low.saturating_sub(grid.step), high.saturating_add(grid.step)]);
        let accepted = |number: i64| ranges.iter().any(|(low, high)| *low <= number && number <= *high);
        let mut outside =
            outside.filter(|number| grid.low <= *number && *number <= grid.high && !accepted(*number));
        let one = space.corner(&area.demands.iter().cloned().collect());
        let mut other = one.clone();
        *other.numbers.get_mut(axis)? = outside.next()?;
        let value = spelled(&input.kind, *other.numbers.get(axis)?);
        let (first, second) = (said(&one), said(&other));
        Some(format!("{}: {first}; with {} {value}: {second}", space.said(&one), input.name))
    })
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
        let place = Spot::Cell("Guards", &guard.id, "when");
        if seen == BTreeSet::from([false]) {
            let message = format!("guard `{}` never holds{how}: `{}`", guard.id, guard.when.source);
            findings.add(Level::Warning, "guard-never", place, message);
            findings.advise(format!("correct its bound, or remove it: {}", bounds(space, &guard.reads)));
        } else if seen == BTreeSet::from([true]) {
            let how = how.replace(" at any of", " at all of");
            let message = format!("guard `{}` always holds{how}: `{}`", guard.id, guard.when.source);
            findings.add(Level::Warning, "guard-always", place, message);
            let holds = |point: &Point| space.condition(model, &guard.when, point) == Some(true);
            let corner = space.corner(&Region::new());
            let point = if holds(&corner) { Some(corner) } else { space.points(&Region::new()).find(holds) };
            if let Some(point) = point {
                findings.witness(space, &point);
            }
            findings.advise(format!("correct its bound, or write `{}` into the rules instead", guard.then));
        }
    }
}

/// Between which values the inputs lie that a condition reads.
fn bounds(space: &Space<'_>, reads: &[FieldName]) -> String {
    let said = reads.iter().filter_map(|name| {
        let input = space.inputs.iter().find(|input| input.name == *name)?;
        Some(format!("`{name}` is {}", input.kind))
    });
    said.collect::<Vec<String>>().join(", ")
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
            let place = Spot::Row("Terms", name.as_str());
            findings.add(Level::Warning, "unread", place, format!("term `{name}` is never read"));
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
                Spot::Row("Inputs", input.name.as_str()),
                format!("input `{}` is never read, but an intent without it is `unsure`", input.name),
            );
            findings.advise("remove it, or read it in a rule or guard");
        }
    }
}
