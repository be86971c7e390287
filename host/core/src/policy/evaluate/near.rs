//! What would make the answer less strict: changes of one or two inputs, each to a boundary of the
//! policy's own, and only what is true of them.
//!
//! A change comes from a row that misses in one column, from an end of the row that decided, or from
//! where a guard stops to hold. Rules and guards are evaluated again at each changed value.

mod claim;
mod each;
mod point;

use super::Findings;
use crate::intent::kind::FieldType;
use crate::policy::asks::{Asked, Asks};
use crate::policy::explain::NearMiss;
use crate::policy::index::{Lever, Places};
use crate::policy::outcome::ReasonKind;
use crate::policy::space::Trend;
use crate::policy::{Hit, Policy, Rule};
use point::{Point, Said};
use std::sync::Arc;

/// Most ways that a trace shows; more do not help the requester.
const NEAR_MISSES_MAX: usize = 3;
/// Most rows that miss in one column that are looked at.
const NEAR_ROWS_MAX: usize = 16;
/// Most rows that decided whose ends are looked at, and most guards that hold.
const HELD_MAX: usize = 4;
/// Most changes of one way.
const MOVES_MAX: usize = 2;

/// One input, from its value to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Move {
    input: usize,
    from: i64,
    to: i64,
}

/// Nothing, one change, or one and a second that makes a guard stop to hold; no two of one input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Moves {
    all: [Move; MOVES_MAX],
    count: usize,
}

/// A less strict answer and the way to it.
#[derive(Debug, Clone, Copy)]
struct Found {
    row: usize,
    asked: Asked,
    moves: Moves,
}

/// What is beside the whole intent in the table.
#[derive(Debug, Default)]
pub(super) struct Beside<'a> {
    /// The rows that miss in one column.
    pub(super) rows: Vec<usize>,
    /// Where its values lie in the columns.
    pub(super) places: Places<'a>,
}

struct Search<'f, 'a> {
    policy: &'a Policy,
    asks: &'a Asks,
    point: Point<'f, 'a>,
    /// The answer as it is; nothing where no row matches.
    now: Option<Asked>,
    /// Where a lever releases a guard, by guard and input, as far as it was looked for at values that
    /// the guard does not read otherwise.
    released: Vec<((usize, usize), Option<i64>)>,
    found: Vec<Found>,
}

impl<'a> Findings<'a> {
    /// The ways to a less strict answer, the best first.
    pub(super) fn near(&mut self, beside: Beside<'a>) -> Vec<NearMiss> {
        let policy = self.policy;
        let asks = policy.index.asks();
        let now = if self.reasons.is_empty() {
            Some(asks.normal(self.known))
        } else if self.reasons.iter().all(|reason| reason.kind == ReasonKind::Gap) {
            None
        } else {
            return Vec::new();
        };
        if now == Some(Asked::default()) {
            return Vec::new();
        }
        if policy.each.is_some() {
            // Where one element has no row, another one may have none either.
            return if now.is_some() { each::near(self) } else { Vec::new() };
        }
        // A guard of which nobody can tell whether it holds is a reason of its own.
        let held = self.held.iter().map(|(guard, _)| *guard);
        let point = Point::of(policy, &mut self.env, beside.places, held);
        let (released, found) = (Vec::with_capacity(HELD_MAX), Vec::with_capacity(NEAR_ROWS_MAX));
        let mut search = Search { policy, asks, point, now, released, found };
        // Where all matching rows are joined, one more could only add.
        if policy.hit != Hit::Every {
            search.rows(&beside.rows);
        }
        search.ends(&self.decided);
        search.attempt(Moves::default());
        search.best().into_iter().filter_map(|found| search.claimed(&found)).collect()
    }
}

impl Search<'_, '_> {
    /// Each row that misses in one column, at the value of that column that is nearest. Of those that
    /// say the same of one input, only the one that asks for the smallest change.
    fn rows(&mut self, rows: &[usize]) {
        let mut nearest: Vec<(Asked, Move)> = Vec::with_capacity(NEAR_ROWS_MAX);
        for row in rows {
            let asked = self.asks.rule(*row);
            if self.now.is_some_and(|now| asked == now || !self.asks.is_within(asked, now)) {
                continue;
            }
            let Some(change) = self.policy.rules.get(*row).and_then(|rule| self.missed(rule)) else {
                continue;
            };
            let same = |known: &&mut (Asked, Move)| known.0 == asked && known.1.input == change.input;
            if let Some((_, other)) = nearest.iter_mut().find(same) {
                if change.distance() < other.distance() {
                    *other = change;
                }
            } else if nearest.len() < NEAR_ROWS_MAX {
                nearest.push((asked, change));
            }
        }
        for (_, change) in nearest {
            self.attempt(Moves::one(change));
        }
    }

    /// The least change with which a row that misses in one column does not.
    fn missed(&self, rule: &Rule) -> Option<Move> {
        let missed = rule.demands.iter().find_map(|demand| {
            let from = self.point.number(demand.input)?;
            (!demand.ranges.accept(from)).then_some((demand, from))
        });
        let (demand, from) = missed?;
        let ends = demand.ranges.pairs().iter().flat_map(|(low, high)| [*low, *high]);
        let to = ends.min_by_key(|end| end.abs_diff(from))?;
        Some(Move { input: demand.input, from, to })
    }

    /// The values just beyond the ends of the rows that decided: there they decide no more.
    fn ends(&mut self, decided: &[(usize, Option<usize>)]) {
        let policy = self.policy;
        for rule in decided.iter().take(HELD_MAX).filter_map(|(row, _)| policy.rules.get(*row)) {
            for demand in &rule.demands {
                let (Some(input), Some(from)) =
                    (policy.inputs.get(demand.input), self.point.number(demand.input))
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
                        self.attempt(Moves::one(Move { input: demand.input, from, to }));
                    }
                }
            }
        }
    }

    /// Looks at these changes, and at each further one that makes a guard stop to hold.
    fn attempt(&mut self, moves: Moves) {
        let mark = self.point.mark();
        if let Some(said) = self.look(moves.iter()) {
            self.note(said, moves);
            let mut left = HELD_MAX;
            for guard in 0..self.policy.guards.len() {
                if left > 0 && self.point.is_decisive(guard, said) {
                    left = left.saturating_sub(1);
                    self.release(guard, moves);
                }
            }
        }
        self.point.reset(mark);
    }

    /// Makes these changes, and says what is said there. The guards, which cost most, are not asked
    /// where the rows alone are no better than the answer as it is: they only add.
    fn look<'m>(&mut self, changes: impl Iterator<Item = &'m Move> + Clone) -> Option<Said> {
        for change in changes.clone() {
            self.point.place(change.input, change.to);
        }
        let (row, by_rows) = self.point.rows()?;
        if self.now.is_some_and(|now| !self.asks.is_within(by_rows, now)) {
            return None;
        }
        for change in changes {
            self.point.weigh(change.input, change.to);
        }
        let by_guards = self.point.guards()?;
        Some(Said { row, by_rows, by_guards })
    }

    /// Looks at the nearest value of each input with which this guard does not hold.
    fn release(&mut self, guard: usize, moves: Moves) {
        let policy = self.policy;
        for lever in policy.index.levers(guard) {
            if moves.iter().any(|earlier| earlier.input == lever.input) {
                continue;
            }
            let Some(from) = self.point.number(lever.input) else { continue };
            let Some(to) = self.released(guard, lever, from, moves) else { continue };
            let change = Move { input: lever.input, from, to };
            let mark = self.point.mark();
            if let Some(said) = self.look(std::iter::once(&change)) {
                self.note(said, moves.and(change));
            }
            self.point.reset(mark);
        }
    }

    /// The nearest value of a lever with which its guard does not hold, looked for once unless the
    /// guard reads what was changed before.
    fn released(&mut self, guard: usize, lever: &Lever, from: i64, moves: Moves) -> Option<i64> {
        let index = &self.policy.index;
        let reads = |change: &Move| {
            index.readers(change.input).is_some_and(|readers| readers.guards.contains(&guard))
        };
        let again = moves.iter().any(reads);
        let key = (guard, lever.input);
        let known = self.released.iter().find(|(own, _)| *own == key && !again);
        if let Some((_, to)) = known {
            return *to;
        }
        let to = self.search(guard, lever, from);
        if !again {
            self.released.push((key, to));
        }
        to
    }

    /// Looks for that value.
    fn search(&mut self, guard: usize, lever: &Lever, from: i64) -> Option<i64> {
        let (min, max) = self.policy.inputs.get(lever.input)?.kind.bounds()?;
        let mut cuts = nearest_first(&lever.cuts, from).filter(|cut| min <= *cut && *cut <= max);
        let to = cuts.find(|cut| self.point.releases(guard, lever.input, *cut));
        if !lever.computed {
            return to;
        }
        let end = match lever.trend {
            Trend::Up => Some(min),
            Trend::Down => Some(max),
            Trend::Flat | Trend::Unknown => None,
        };
        let bisected = end.and_then(|end| self.bisected(guard, lever.input, from, end));
        [to, bisected].into_iter().flatten().min_by_key(|to| to.abs_diff(from))
    }

    /// The value nearest to `from`, on the way to `end`, with which a monotone guard does not hold.
    fn bisected(&mut self, guard: usize, input: usize, from: i64, end: i64) -> Option<i64> {
        let step = self.policy.inputs.get(input)?.kind.step().max(1);
        if !self.point.releases(guard, input, end) {
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
            if self.point.releases(guard, input, at(middle)) { near = middle } else { far = middle }
        }
        Some(at(near))
    }

    /// Keeps what is said with these changes if it is less strict than the answer as it is.
    fn note(&mut self, said: Said, moves: Moves) {
        let asked = self.asks.normal(said.by_rows.with(said.by_guards.asked));
        let better = |now: Asked| now != asked && self.asks.is_within(asked, now);
        if moves.count > 0 && self.now.is_none_or(better) {
            self.found.push(Found { row: said.row, asked, moves });
        }
    }

    /// The best of what was found: no words before words, since a seller cannot change a segment,
    /// then the least strict answers, then the fewest changes.
    fn best(&self) -> Vec<Found> {
        let kept = self.found.iter().enumerate().filter(|(index, found)| {
            !self.found.iter().enumerate().any(|(other, better)| {
                let same = found.is_no_better(better, self.asks);
                same && (!better.is_no_better(found, self.asks) || other < *index)
            })
        });
        let mut best: Vec<((bool, u32, usize), &Found)> =
            kept.map(|(_, found)| (self.rank(found), found)).collect();
        best.sort_by_key(|(rank, _)| *rank);
        best.truncate(NEAR_MISSES_MAX);
        best.into_iter().map(|(_, found)| *found).collect()
    }

    fn rank(&self, found: &Found) -> (bool, u32, usize) {
        let words = found
            .moves
            .iter()
            .any(|change| self.policy.inputs.get(change.input).is_none_or(|input| !is_ordered(&input.kind)));
        (words, found.asked.strictness(), found.moves.count)
    }

    /// A way as the trace shows it.
    fn claimed(&mut self, found: &Found) -> Option<NearMiss> {
        let changes = claim::changes(self, found);
        let first = changes.first()?;
        let (input, cell) = (first.input.clone(), Arc::clone(&first.cell));
        let rule = Arc::clone(&self.policy.rules.get(found.row)?.id);
        Some(NearMiss { rule, outcome: self.asks.settled(found.asked), input, cell, changes })
    }
}

impl Moves {
    fn one(change: Move) -> Moves {
        Moves::default().and(change)
    }

    /// These and one more, of which there may be two in all.
    fn and(mut self, change: Move) -> Moves {
        if let Some(next) = self.all.get_mut(self.count) {
            *next = change;
            self.count = self.count.saturating_add(1);
        }
        self
    }

    fn iter(&self) -> std::slice::Iter<'_, Move> {
        self.all.get(..self.count).unwrap_or_default().iter()
    }
}

impl Move {
    fn distance(&self) -> u64 {
        self.to.abs_diff(self.from)
    }
}

impl Found {
    /// Whether `other` gives an answer that is as good, and asks for no change that this does not.
    fn is_no_better(&self, other: &Found, asks: &Asks) -> bool {
        asks.is_within(other.asked, self.asked)
            && other.moves.iter().all(|change| {
                self.moves.iter().any(|own| own.input == change.input && change.distance() <= own.distance())
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

/// Rising values by their distance from one; of two that are equally near the lower one comes first.
fn nearest_first(rising: &[i64], from: i64) -> impl Iterator<Item = i64> {
    let (mut below, mut above) = rising.split_at(rising.partition_point(|value| *value < from));
    std::iter::from_fn(move || match (below.split_last(), above.split_first()) {
        (Some((down, rest)), up) if up.is_none_or(|(up, _)| down.abs_diff(from) <= up.abs_diff(from)) => {
            below = rest;
            Some(*down)
        }
        (_, up) => {
            let (up, rest) = up?;
            above = rest;
            Some(*up)
        }
    })
}
