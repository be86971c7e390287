//! The same where each element of a list is decided: one change, of the whole intent or of one element.
//!
//! An element is looked at if it alone asks for something, since a change of one of two that ask for
//! the same is no way. Each change is evaluated whole: the other elements, terms and guards too.

use super::claim::CLAIM_POINTS_MAX;
use super::{HELD_MAX, NEAR_MISSES_MAX, is_ordered, nearest_first};
use crate::policy::asks::{Asked, Asks};
use crate::policy::evaluate::{Findings, number};
use crate::policy::explain::{Change, NearMiss};
use crate::policy::index::Depth;
use crate::policy::node::{Env, Slot};
use crate::policy::space::Spelled;
use crate::policy::{Demand, Hit, Policy};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Most evaluations of the whole intent.
const LOOKS_MAX: usize = 64;
/// Most elements that are evaluated in all of them: some milliseconds.
const ELEMENT_LOOKS_MAX: usize = 4_096;

/// One input, of the whole intent or of one element, from its value to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Move {
    input: usize,
    element: Option<usize>,
    from: i64,
    to: i64,
}

/// A less strict answer, the row that decides there, and the way to it.
#[derive(Debug, Clone, Copy)]
struct Found {
    asked: Asked,
    row: usize,
    change: Move,
}

struct Search<'a> {
    policy: &'a Policy,
    asks: &'a Asks,
    env: Env<'a>,
    now: Asked,
    looks_left: usize,
}

/// The ways to a less strict answer, the best first. Every element and guard is known.
pub(super) fn near(findings: &mut Findings<'_>) -> Vec<NearMiss> {
    let policy = findings.policy;
    let asks = policy.index.asks();
    let elements = findings.env.elements.len();
    let looks_left = ELEMENT_LOOKS_MAX.checked_div(elements).unwrap_or(0).min(LOOKS_MAX);
    let now = asks.normal(findings.known);
    let terms = findings.env.terms.clone();
    let mut search = Search { policy, asks, env: std::mem::take(&mut findings.env), now, looks_left };
    let changes = search.changes(&findings.decided, &findings.held);
    let mut found: Vec<Found> = Vec::new();
    for change in changes {
        if let Some((asked, row)) = search.look(change)
            && asked != now
            && asks.is_within(asked, now)
        {
            found.push(Found { asked, row, change });
        }
    }
    let best = search.best(&found);
    let near = best.into_iter().filter_map(|found| search.claimed(found)).collect();
    findings.env = Env { terms, ..search.env };
    near
}

impl<'a> Search<'a> {
    /// What is worth trying: rows that an element misses in one column, ends of the row that decided
    /// it, and turns of guards that hold.
    fn changes(&self, decided: &[(usize, Option<usize>)], held: &[(usize, Option<usize>)]) -> Vec<Move> {
        let mut of: BTreeMap<usize, (Asked, Vec<usize>)> = BTreeMap::new();
        for (row, element) in decided {
            let (asked, rows) = of.entry(element.unwrap_or(0)).or_default();
            *asked = asked.with(self.asks.rule(*row));
            rows.push(*row);
        }
        let guards = held.iter().fold(Asked::default(), |all, (guard, _)| all.with(self.asks.guard(*guard)));
        let mut changes = Vec::new();
        for (element, (asked, rows)) in &of {
            let others = of.iter().filter(|(other, _)| *other != element);
            let others = others.fold(guards, |all, (_, (asked, _))| all.with(*asked));
            if self.asks.is_within(*asked, self.asks.normal(others)) {
                continue;
            }
            self.missed(*element, others, &mut changes);
            rows.iter().take(HELD_MAX).for_each(|row| self.ends(*row, *element, &mut changes));
        }
        for (guard, _) in held.iter().take(HELD_MAX) {
            self.turns(*guard, &mut changes);
        }
        let mut seen: Vec<Move> = Vec::with_capacity(changes.len());
        for change in changes {
            if !seen.contains(&change) {
                seen.push(change);
            }
        }
        seen
    }

    fn slot(&self, input: usize, element: Option<usize>) -> Option<i64> {
        let slots = match element {
            Some(element) => self.env.elements.get(element)?,
            None => &self.env.inputs,
        };
        match slots.get(input)? {
            Slot::Number(number) => Some(*number),
            Slot::Text(_) | Slot::Unknown => None,
        }
    }

    /// The rows that an element misses in one column, each at the nearest value of that column.
    fn missed(&self, element: usize, others: Asked, changes: &mut Vec<Move>) {
        let policy = self.policy;
        // Where all matching rows are joined, one more could only add.
        if policy.hit == Hit::Every {
            return;
        }
        // A row below the one that decides can be the way too, where the change lets that one go.
        let mut rows = Vec::new();
        let places = policy.index.places(&self.env, Some(element));
        policy.index.matches(&places, Depth::All, Some(&mut rows));
        for row in rows {
            let then = self.asks.normal(self.asks.rule(row).with(others));
            if then == self.now || !self.asks.is_within(then, self.now) {
                continue;
            }
            let demands = policy.rules.get(row).map_or(&[][..], |rule| &rule.demands);
            let missed = demands.iter().find_map(|demand| {
                let of = demand.of_element.then_some(element);
                let from = self.slot(demand.input, of)?;
                (!demand.ranges.accept(from)).then_some((demand, of, from))
            });
            let Some((demand, of, from)) = missed else { continue };
            let ends = demand.ranges.pairs().iter().flat_map(|(low, high)| [*low, *high]);
            if let Some(to) = ends.min_by_key(|end| end.abs_diff(from)) {
                changes.push(Move { input: demand.input, element: of, from, to });
            }
        }
    }

    /// The values just beyond the ends of a row that decided an element.
    fn ends(&self, row: usize, element: usize, changes: &mut Vec<Move>) {
        let demands = self.policy.rules.get(row).map_or(&[][..], |rule| &rule.demands);
        for Demand { input, of_element, ranges, .. } in demands {
            let of = of_element.then_some(element);
            let (Some(from), Some(kind)) = (self.slot(*input, of), self.kind(*input)) else { continue };
            let Some((min, max)) = kind.bounds().filter(|_| is_ordered(kind)) else { continue };
            let around = ranges.pairs().iter().find(|(low, high)| *low <= from && from <= *high);
            let Some((low, high)) = around else { continue };
            let beyond = [low.saturating_sub(kind.step()), high.saturating_add(kind.step())];
            let beyond = beyond.into_iter().filter(|to| min <= *to && *to <= max);
            changes.extend(beyond.map(|to| Move { input: *input, element: of, from, to }));
        }
    }

    /// The nearest values of the whole intent beside which a guard turns.
    fn turns(&self, guard: usize, changes: &mut Vec<Move>) {
        for lever in self.policy.index.levers(guard) {
            let (Some(from), Some(kind)) = (self.slot(lever.input, None), self.kind(lever.input)) else {
                continue;
            };
            let Some((min, max)) = kind.bounds() else { continue };
            let cuts = nearest_first(&lever.cuts, from).filter(|cut| min <= *cut && *cut <= max);
            let cuts = cuts.filter(|cut| *cut != from).take(HELD_MAX);
            changes.extend(cuts.map(|to| Move { input: lever.input, element: None, from, to }));
        }
    }

    fn kind(&self, input: usize) -> Option<&crate::intent::kind::FieldType> {
        self.policy.inputs.get(input).map(|input| &input.kind)
    }

    /// What is answered with a change, and the row that decides the element that it is of, or the
    /// first one; nothing if that is unsure, or enough was looked at.
    fn look(&mut self, change: Move) -> Option<(Asked, usize)> {
        self.looks_left = self.looks_left.checked_sub(1)?;
        let before = self.put(change, Slot::Number(change.to))?;
        let mut env = std::mem::take(&mut self.env);
        env.terms.clear();
        let findings = Findings::in_env(self.policy, env, BTreeSet::new(), true, None);
        let mut rows = findings.decided.iter();
        let row = rows.find(|(_, element)| change.element.is_none() || *element == change.element);
        let said = row.map(|(row, _)| (self.asks.normal(findings.known), *row));
        let said = said.filter(|_| findings.reasons.is_empty());
        self.env = findings.env;
        self.put(change, before)?;
        said
    }

    /// Puts a value in the place of another one, which it returns.
    fn put(&mut self, change: Move, slot: Slot<'a>) -> Option<Slot<'a>> {
        let slots = match change.element {
            Some(element) => self.env.elements.get_mut(element)?,
            None => &mut self.env.inputs,
        };
        slots.get_mut(change.input).map(|own| std::mem::replace(own, slot))
    }

    /// The best of what was found: no words before words, then the least strict answers.
    fn best(&self, found: &[Found]) -> Vec<Found> {
        let kept = found.iter().enumerate().filter(|(index, own)| {
            !found.iter().enumerate().any(|(other, better)| {
                let same = better.is_as_good(own, self.asks);
                same && (!own.is_as_good(better, self.asks) || other < *index)
            })
        });
        let mut best: Vec<((bool, u32), &Found)> = kept
            .map(|(_, found)| {
                let words = self.kind(found.change.input).is_none_or(|kind| !is_ordered(kind));
                ((words, found.asked.strictness()), found)
            })
            .collect();
        best.sort_by_key(|(rank, _)| *rank);
        best.truncate(NEAR_MISSES_MAX);
        best.into_iter().map(|(_, found)| *found).collect()
    }

    /// A way as the trace shows it, as wide as it is true.
    fn claimed(&mut self, found: Found) -> Option<NearMiss> {
        let Move { input, element, from, to } = found.change;
        let wide = self.is_wide(found);
        let own = self.policy.inputs.get(input)?;
        let value = Spelled { kind: &own.kind, number: to };
        let cell: Arc<str> = Arc::from(match (wide, to < from) {
            (false, _) => value.to_string(),
            (true, true) => format!("<= {value}"),
            (true, false) => format!(">= {value}"),
        });
        let change = Change {
            input: own.name.clone(),
            to: own.kind.value(to)?,
            cell: Arc::clone(&cell),
            element: element.map(number),
        };
        let rule = Arc::clone(&self.policy.rules.get(found.row)?.id);
        let outcome = self.asks.settled(found.asked);
        Some(NearMiss { rule, outcome, input: own.name.clone(), cell, changes: vec![change] })
    }

    /// Whether the answer is nowhere stricter up to the end of the input's type: at each value where
    /// the table begins to say something else, and at the end, where what only rises or only falls is
    /// at its strictest.
    fn is_wide(&mut self, found: Found) -> bool {
        let Move { input, element, from, to } = found.change;
        let Some(kind) = self.kind(input) else { return false };
        let Some((min, max)) = kind.bounds().filter(|_| is_ordered(kind)) else { return false };
        if self.policy.index.wavers(input) {
            return false;
        }
        let (low, high) = if to < from { (min, to) } else { (to, max) };
        let step = kind.step();
        let demands = self.policy.rules.iter().flat_map(|rule| &rule.demands);
        let own = demands.filter(|demand| demand.input == input && demand.of_element == element.is_some());
        let begins = own.flat_map(|demand| demand.ranges.pairs());
        let begins = begins.flat_map(|(first, last)| [*first, last.saturating_add(step)]);
        let mut points: BTreeSet<i64> = begins.filter(|begin| low <= *begin && *begin <= high).collect();
        points.extend([low, high]);
        points.remove(&to);
        if points.len() > CLAIM_POINTS_MAX {
            return false;
        }
        points.into_iter().all(|to| {
            let said = self.look(Move { to, ..found.change });
            said.is_some_and(|(asked, _)| self.asks.is_within(asked, found.asked))
        })
    }
}

impl Found {
    /// Whether this gives an answer that is as good as another one's, with no greater change of the
    /// same input.
    fn is_as_good(&self, other: &Found, asks: &Asks) -> bool {
        let (own, change) = (self.change, other.change);
        asks.is_within(self.asked, other.asked)
            && (own.input, own.element) == (change.input, change.element)
            && own.to.abs_diff(own.from) <= change.to.abs_diff(change.from)
    }
}
