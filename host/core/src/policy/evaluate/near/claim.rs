//! How far a change may go: `<= 5%` is only said if every value down to the least one does.

use super::point::Point;
use super::{Found, MOVES_MAX, Move, Search, is_ordered};
use crate::policy::explain::Change;
use crate::policy::space::Spelled;
use std::sync::Arc;

/// Most points that one claim is tried at; beyond it only the exact value is named.
pub(super) const CLAIM_POINTS_MAX: usize = 16;

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
    let tries: &[[bool; MOVES_MAX]] = match found.moves.count {
        0 | 1 => &[[true, false]],
        _ => &[[true, true], [true, false], [false, true]],
    };
    let wide = tries.iter().find(|wide| holds(search, found, **wide)).copied().unwrap_or_default();
    let shown = |(change, wide): (&Move, bool)| {
        let input = search.policy.inputs.get(change.input)?;
        let value = Spelled { kind: &input.kind, number: change.to };
        let cell = match (wide, change.to < change.from) {
            (false, _) => value.to_string(),
            (true, true) => format!("<= {value}"),
            (true, false) => format!(">= {value}"),
        };
        let to = input.kind.value(change.to)?;
        Some(Change { input: input.name.clone(), to, cell: Arc::from(cell), element: None })
    };
    found.moves.iter().zip(wide).filter_map(shown).collect()
}

/// Whether the answer is nowhere stricter if the wide changes go as far as their inputs' types go.
///
/// Between two beginnings of pieces the table says one thing, and guards that only rise or only fall
/// are at their strictest in a corner: so rows are tried on all pieces, and guards in the corners.
fn holds(search: &mut Search<'_, '_>, found: &Found, wide: [bool; MOVES_MAX]) -> bool {
    // Where there is one change, the second has nothing to vary.
    let mut spans = [Span::at(0); MOVES_MAX];
    for ((change, wide), own) in found.moves.iter().zip(wide).zip(&mut spans) {
        let Some(span) = span(search, *change, wide) else { return false };
        *own = span;
    }
    let (asks, point) = (search.asks, &mut search.point);
    let mark = point.mark();
    let within = |asked| asks.is_within(asked, found.asked);
    let rows = |point: &Point<'_, '_>| point.rows().is_some_and(|(_, asked)| within(asked));
    let guards = |point: &Point<'_, '_>| point.guards().is_some_and(|said| within(said.asked));
    let holds = is_few(spans)
        && everywhere(point, found, spans, Point::place, rows)
        && everywhere(point, found, spans.map(Span::ends), Point::weigh, guards);
    point.reset(mark);
    holds
}

/// Whether there are not too many choices of one value of each.
fn is_few([first, second]: [Span<'_>; MOVES_MAX]) -> bool {
    first.count().checked_mul(second.count()).is_some_and(|count| count <= CLAIM_POINTS_MAX)
}

/// Whether something holds with every choice of one value of each, which `put` gives to the inputs.
fn everywhere<'f, 'a>(
    point: &mut Point<'f, 'a>,
    found: &Found,
    [first, second]: [Span<'_>; MOVES_MAX],
    put: fn(&mut Point<'f, 'a>, usize, i64),
    holds: impl Fn(&Point<'f, 'a>) -> bool,
) -> bool {
    let [one, other] = found.moves.all;
    let two = found.moves.count == MOVES_MAX;
    second.values().all(|last| {
        if two {
            put(point, other.input, last);
        }
        first.values().all(|value| {
            // Where the changes lead to exactly, that was found already.
            if value == one.to && (!two || last == other.to) {
                return true;
            }
            put(point, one.input, value);
            holds(point)
        })
    })
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
        let last = self.cuts.last().unwrap_or(&self.low);
        self.cuts.len().saturating_add(1).saturating_add(usize::from(*last != self.high))
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
