//! How far a change may go: `<= 5%` is only said if every value down to the least one does.

use super::{Found, Move, Search, is_ordered};
use crate::policy::explain::Change;
use crate::policy::space::spelled;
use std::sync::Arc;

/// Most points that one claim is tried at; beyond it only the exact value is named.
const CLAIM_POINTS_MAX: usize = 16;

/// The values of one input that stand for all that a change claims, rising.
#[derive(Clone, Copy)]
struct Span<'a> {
    low: i64,
    cuts: &'a [i64],
    high: i64,
}

/// The changes of what was found, each as wide as it is true.
pub(super) fn changes(search: &mut Search<'_, '_>, found: &Found) -> Vec<Change> {
    // Both wide, then each alone, then none.
    let tries: &[[bool; 2]] = match found.moves.last {
        Some(_) => &[[true, true], [true, false], [false, true]],
        None => &[[true, false]],
    };
    let wide = tries.iter().find(|wide| holds(search, found, **wide)).copied().unwrap_or_default();
    let shown = |(change, wide): (Move, bool)| {
        let input = search.policy.inputs.get(change.input)?;
        let value = spelled(&input.kind, change.to);
        let cell = match (wide, change.to < change.from) {
            (false, _) => value,
            (true, true) => format!("<= {value}"),
            (true, false) => format!(">= {value}"),
        };
        let to = input.kind.value(change.to)?;
        Some(Change { input: input.name.clone(), to, cell: Arc::from(cell) })
    };
    found.moves.iter().zip(wide).filter_map(shown).collect()
}

/// Whether the answer is nowhere stricter if the wide changes go as far as their inputs' types go.
///
/// Between two beginnings of pieces the table says one thing, and guards that only rise or only fall
/// are at their strictest in a corner: so rows are tried on all pieces, and guards in the corners.
fn holds(search: &mut Search<'_, '_>, found: &Found, wide: [bool; 2]) -> bool {
    // Where there is one change, the second has nothing to vary.
    let mut spans = [Span::at(0); 2];
    for ((change, wide), own) in found.moves.iter().zip(wide).zip(&mut spans) {
        let Some(span) = span(search, change, wide) else { return false };
        *own = span;
    }
    let asks = search.asks;
    let rows = points(spans).is_some_and(|mut points| {
        points.all(|point| {
            for (change, value) in found.moves.iter().zip(point) {
                search.point.place(change.input, value);
            }
            search.point.rows().is_some_and(|(_, asked)| asks.is_within(asked, found.asked))
        })
    });
    // Where the changes lead to exactly, that was found already.
    let found_there =
        |point: &[i64; 2]| found.moves.iter().zip(point).all(|(change, value)| change.to == *value);
    let holds = rows
        && points(spans.map(Span::ends)).is_some_and(|points| {
            points.filter(|point| !found_there(point)).all(|point| {
                for (change, value) in found.moves.iter().zip(point) {
                    search.point.set(change.input, value);
                }
                search.point.look().is_some_and(|said| asks.is_within(said.by_all, found.asked))
            })
        });
    search.point.reset(&search.own);
    holds
}

/// Every choice of one value of each; nothing if there are too many.
fn points([first, second]: [Span<'_>; 2]) -> Option<impl Iterator<Item = [i64; 2]>> {
    let few = first.count().checked_mul(second.count()).is_some_and(|count| count <= CLAIM_POINTS_MAX);
    let all = move || second.values().flat_map(move |other| first.values().map(move |one| [one, other]));
    few.then(all)
}

impl<'a> Span<'a> {
    fn at(value: i64) -> Span<'a> {
        Span { low: value, cuts: &[], high: value }
    }

    fn ends(self) -> Span<'a> {
        Span { cuts: &[], ..self }
    }

    fn values(self) -> impl Iterator<Item = i64> {
        let last = self.cuts.last().unwrap_or(&self.low);
        let high = (*last != self.high).then_some(self.high);
        std::iter::once(self.low).chain(self.cuts.iter().copied()).chain(high)
    }

    fn count(self) -> usize {
        self.values().count()
    }
}

/// The values that a change claims; nothing if there are none that stand for all.
fn span<'a>(search: &Search<'_, 'a>, change: Move, wide: bool) -> Option<Span<'a>> {
    if !wide {
        return Some(Span::at(change.to));
    }
    let policy = search.policy;
    let input = policy.inputs.get(change.input)?;
    if !is_ordered(&input.kind) || policy.index.wavers(change.input) {
        return None;
    }
    let (min, max) = input.kind.bounds()?;
    let (low, high) = if change.to < change.from { (min, change.to) } else { (change.to, max) };
    Some(Span { low, cuts: policy.index.cuts(change.input, low, high)?, high })
}
