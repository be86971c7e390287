//! What would make the answer less strict: changes of one or two inputs, each to a boundary of the
//! policy's own, and only what is true of them.
//!
//! A change comes from a row that misses in one column, from an end of the row that decided, or from
//! where a guard stops to hold. Rules and guards are evaluated again at each changed value.

mod claim;

use super::Findings;
use crate::intent::kind::FieldType;
use crate::policy::explain::NearMiss;
use crate::policy::index::Depth;
use crate::policy::node::{Env, Slot};
use crate::policy::outcome::{Covers, ReasonKind, Settled};
use crate::policy::space::Trend;
use crate::policy::{Hit, Policy};
use std::sync::Arc;

/// Most ways that a trace shows; more do not help the requester.
const NEAR_MISSES_MAX: usize = 3;
/// Most rows that miss in one column that are looked at.
const NEAR_ROWS_MAX: usize = 16;
/// Most rows that decided whose ends are looked at, and most guards that hold.
const HELD_MAX: usize = 4;

/// One input, from its value to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Move {
    input: usize,
    from: i64,
    to: i64,
}

/// A less strict answer and the way to it.
#[derive(Debug, Clone)]
struct Found {
    row: usize,
    outcome: Settled,
    moves: Vec<Move>,
}

struct Search<'f, 'a> {
    policy: &'a Policy,
    env: &'f mut Env<'a>,
    /// The answer as it is; nothing where no row matches.
    now: Option<Settled>,
    /// What rules and guards say at the values that were looked at last.
    said: Vec<&'a Settled>,
    held: Vec<usize>,
    found: Vec<Found>,
}

impl Findings<'_> {
    /// The ways to a less strict answer, the best first. `rows` are those that miss in one column.
    pub(super) fn near(&mut self, rows: &[usize]) -> Vec<NearMiss> {
        let policy = self.policy;
        let now = if self.reasons.is_empty() {
            Some(Settled::join_all(self.known.iter().copied(), &policy.covers))
        } else if self.reasons.iter().all(|reason| reason.kind == ReasonKind::Gap) {
            None
        } else {
            return Vec::new();
        };
        if policy.each.is_some() || now == Some(Settled::Approve) {
            return Vec::new();
        }
        let terms = self.env.terms.clone();
        let mut search =
            Search { policy, env: &mut self.env, now, said: Vec::new(), held: Vec::new(), found: Vec::new() };
        // Where all matching rows are joined, one more could only add.
        if policy.hit != Hit::Every {
            search.rows(rows);
        }
        search.ends(&self.decided);
        search.attempt(&[]);
        let near = search.best().into_iter().filter_map(|found| search.claimed(found)).collect();
        self.env.terms = terms;
        near
    }
}

impl<'a> Search<'_, 'a> {
    fn number(&self, input: usize) -> Option<i64> {
        match self.env.inputs.get(input)? {
            Slot::Number(number) => Some(*number),
            Slot::Text(_) | Slot::Unknown => None,
        }
    }

    /// Each row that misses in one column, at the value of that column that is nearest.
    fn rows(&mut self, rows: &[usize]) {
        let policy = self.policy;
        let wanted = rows.iter().filter_map(|row| policy.rules.get(*row)).filter(|rule| match &self.now {
            Some(now) => rule.outcome != *now && rule.outcome.is_within(now, &policy.covers),
            None => true,
        });
        for rule in wanted.take(NEAR_ROWS_MAX).collect::<Vec<_>>() {
            let missed = rule.demands.iter().find_map(|demand| {
                let from = self.number(demand.input)?;
                (!demand.ranges.accept(from)).then_some((demand, from))
            });
            let Some((demand, from)) = missed else { continue };
            let ends = demand.ranges.pairs().iter().flat_map(|(low, high)| [*low, *high]);
            let Some(to) = ends.min_by_key(|end| end.abs_diff(from)) else { continue };
            self.attempt(&[Move { input: demand.input, from, to }]);
        }
    }

    /// The values just beyond the ends of the rows that decided: there they decide no more.
    fn ends(&mut self, decided: &[(usize, Option<usize>)]) {
        let policy = self.policy;
        for rule in decided.iter().take(HELD_MAX).filter_map(|(row, _)| policy.rules.get(*row)) {
            for demand in &rule.demands {
                let (Some(input), Some(from)) = (policy.inputs.get(demand.input), self.number(demand.input))
                else {
                    continue;
                };
                let Some((min, max)) = input.kind.bounds().filter(|_| is_ordered(&input.kind)) else {
                    continue;
                };
                let around = demand.ranges.pairs().iter().find(|(low, high)| *low <= from && from <= *high);
                let Some((low, high)) = around else { continue };
                let step = input.kind.step();
                for to in [low.saturating_sub(step), high.saturating_add(step)] {
                    if min <= to && to <= max {
                        self.attempt(&[Move { input: demand.input, from, to }]);
                    }
                }
            }
        }
    }

    /// Looks at these changes, and at each further one that makes a guard stop to hold.
    fn attempt(&mut self, moves: &[Move]) {
        self.set(moves);
        if let Some(row) = self.look() {
            self.note(row, moves);
            let held: Vec<usize> = self.held.iter().copied().take(HELD_MAX).collect();
            for guard in held {
                self.release(guard, moves);
            }
        }
        self.reset(moves);
    }

    /// Looks at the nearest value of each input with which this guard does not hold.
    fn release(&mut self, guard: usize, moves: &[Move]) {
        let policy = self.policy;
        for lever in policy.index.levers(guard) {
            let Some(from) = self.number(lever.input) else { continue };
            if moves.iter().any(|earlier| earlier.input == lever.input) {
                continue;
            }
            let Some((min, max)) = policy.inputs.get(lever.input).and_then(|input| input.kind.bounds())
            else {
                continue;
            };
            let within = lever.cuts.iter().copied().filter(|cut| min <= *cut && *cut <= max);
            let mut to = within.filter(|cut| self.releases(guard, lever.input, *cut)).min_by_key(|cut| {
                // Of two that are equally near the lower one comes first.
                cut.abs_diff(from)
            });
            if lever.computed {
                let end = match lever.trend {
                    Trend::Up => Some(min),
                    Trend::Down => Some(max),
                    Trend::Flat | Trend::Unknown => None,
                };
                let bisected = end.and_then(|end| self.bisected(guard, lever.input, from, end));
                to = [to, bisected].into_iter().flatten().min_by_key(|to| to.abs_diff(from));
            }
            self.put(lever.input, from);
            if let Some(to) = to {
                let last = Move { input: lever.input, from, to };
                self.set(&[last]);
                if let Some(row) = self.look() {
                    let all: Vec<Move> = moves.iter().copied().chain([last]).collect();
                    self.note(row, &all);
                }
                self.reset(&[last]);
            }
        }
    }

    /// Whether a guard does not hold with this value.
    fn releases(&mut self, guard: usize, input: usize, to: i64) -> bool {
        self.put(input, to);
        let policy = self.policy;
        let mut faults = Vec::new();
        let holds =
            policy.guards.get(guard).map(|guard| guard.when.node.evaluate(self.env, None, &mut faults));
        holds == Some(Some(0))
    }

    /// The value nearest to `from`, on the way to `end`, with which a monotone guard does not hold.
    fn bisected(&mut self, guard: usize, input: usize, from: i64, end: i64) -> Option<i64> {
        let step = self.policy.inputs.get(input)?.kind.step().max(1);
        if !self.releases(guard, input, end) {
            return None;
        }
        // In steps from `end`: `near` of them release it, `far` of them do not.
        let (mut near, mut far) = (0_u64, from.abs_diff(end).checked_div(step.unsigned_abs())?);
        let at = |steps: u64| {
            let distance = i64::try_from(steps).unwrap_or(i64::MAX).saturating_mul(step);
            if end < from { end.saturating_add(distance) } else { end.saturating_sub(distance) }
        };
        while far.saturating_sub(near) > 1 {
            let middle = near.saturating_add(far.saturating_sub(near) / 2);
            if self.releases(guard, input, at(middle)) { near = middle } else { far = middle }
        }
        Some(at(near))
    }

    /// Evaluates rules and guards at the values as they are now; the first row that decides, or
    /// nothing where the answer would be unsure.
    fn look(&mut self) -> Option<usize> {
        let policy = self.policy;
        self.said.clear();
        self.held.clear();
        let depth = if policy.hit == Hit::First { Depth::First } else { Depth::All };
        let matches = policy.index.matches(self.env, None, depth, None);
        if !matches.maybe.is_empty() || (policy.hit == Hit::Unique && matches.sure.len() > 1) {
            return None;
        }
        let rules = matches.sure.iter().filter_map(|row| policy.rules.get(*row));
        self.said.extend(rules.map(|rule| &rule.outcome));
        let mut faults = Vec::new();
        for (index, guard) in policy.guards.iter().enumerate() {
            if guard.when.node.evaluate(self.env, None, &mut faults)? != 0 {
                self.said.push(&guard.then);
                self.held.push(index);
            }
        }
        matches.sure.first().copied().filter(|_| self.env.terms.iter().all(Option::is_some))
    }

    /// Keeps what was looked at last if it is less strict than the answer as it is.
    fn note(&mut self, row: usize, moves: &[Move]) {
        let covers = &self.policy.covers;
        if moves.is_empty() {
            return;
        }
        if let Some(now) = &self.now
            && !self.said.iter().all(|said| said.is_within(now, covers))
        {
            return;
        }
        let outcome = Settled::join_all(self.said.iter().copied(), covers);
        if self.now.as_ref() != Some(&outcome) {
            self.found.push(Found { row, outcome, moves: moves.to_vec() });
        }
    }

    fn set(&mut self, moves: &[Move]) {
        for change in moves {
            self.put(change.input, change.to);
        }
    }

    fn reset(&mut self, moves: &[Move]) {
        for change in moves {
            self.put(change.input, change.from);
        }
    }

    /// Gives an input another value, and the terms theirs.
    fn put(&mut self, input: usize, number: i64) {
        if let Some(slot) = self.env.inputs.get_mut(input) {
            *slot = Slot::Number(number);
        }
        let mut faults = Vec::new();
        for (index, (_, term)) in self.policy.terms.iter().enumerate() {
            let value = term.node.evaluate(self.env, None, &mut faults);
            if let Some(own) = self.env.terms.get_mut(index) {
                *own = value;
            }
        }
    }

    /// The best of what was found: no words before words, since a seller cannot change a segment,
    /// then the least strict answers, then the fewest changes.
    fn best(&self) -> Vec<Found> {
        let covers = &self.policy.covers;
        let kept = self.found.iter().enumerate().filter(|(index, found)| {
            !self.found.iter().enumerate().any(|(other, better)| {
                let same = found.is_no_better(better, covers);
                same && (!better.is_no_better(found, covers) || other < *index)
            })
        });
        let mut best: Vec<&Found> = kept.map(|(_, found)| found).collect();
        best.sort_by_key(|found| {
            let words = found.moves.iter().any(|change| {
                self.policy.inputs.get(change.input).is_none_or(|input| !is_ordered(&input.kind))
            });
            (words, strictness(&found.outcome), found.moves.len())
        });
        best.into_iter().take(NEAR_MISSES_MAX).cloned().collect()
    }

    /// A way as the trace shows it.
    fn claimed(&mut self, found: Found) -> Option<NearMiss> {
        let changes = claim::changes(self, &found);
        let first = changes.first()?;
        let (input, cell) = (first.input.clone(), Arc::clone(&first.cell));
        let rule = Arc::clone(&self.policy.rules.get(found.row)?.id);
        Some(NearMiss { rule, outcome: found.outcome, input, cell, changes })
    }
}

impl Found {
    /// Whether `other` gives an answer that is as good, and asks for no change that this does not.
    fn is_no_better(&self, other: &Found, covers: &Covers) -> bool {
        other.outcome.is_within(&self.outcome, covers)
            && other.moves.iter().all(|change| {
                self.moves.iter().any(|own| {
                    own.input == change.input && change.to.abs_diff(change.from) <= own.to.abs_diff(own.from)
                })
            })
    }
}

fn is_ordered(kind: &FieldType) -> bool {
    match kind {
        FieldType::Number(_) | FieldType::Date { .. } => true,
        FieldType::YesNo
        | FieldType::OneOf(_)
        | FieldType::Text { .. }
        | FieldType::Record { .. }
        | FieldType::List { .. } => false,
    }
}

/// How much an outcome asks for, to show the least first.
fn strictness(outcome: &Settled) -> usize {
    match outcome {
        Settled::Approve => 0,
        Settled::Needs(needs) => needs.routes.len().saturating_add(needs.evidence.len()),
        Settled::Deny => usize::MAX,
    }
}
