//! How far a change may go: `<= 5%` is only said if every value down to the least one does.

use super::{Found, Move, Search, is_ordered};
use crate::policy::explain::Change;
use crate::policy::space::spelled;
use std::sync::Arc;

/// Most points that one claim is tried at; beyond it only the exact value is named.
const CLAIM_POINTS_MAX: usize = 16;

/// Values of one input, rising.
type Values = Vec<i64>;

/// The changes of what was found, each as wide as it is true.
pub(super) fn changes(search: &mut Search<'_, '_>, found: &Found) -> Vec<Change> {
    let all = found.moves.len();
    let mut wide = vec![true; all];
    // All of them, then each alone, then none.
    let tries = (0..all).map(Some).chain([None]);
    if !holds(search, found, &wide) {
        for only in tries {
            wide = (0..all).map(|index| Some(index) == only).collect();
            if only.is_none() || holds(search, found, &wide) {
                break;
            }
        }
    }
    let shown = |(change, wide): (&Move, bool)| {
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
fn holds(search: &mut Search<'_, '_>, found: &Found, wide: &[bool]) -> bool {
    let mut values: Vec<Values> = Vec::new();
    for (change, wide) in found.moves.iter().zip(wide) {
        let Some(own) = self::values(search, change, *wide) else { return false };
        values.push(own);
    }
    let asks = search.asks;
    let rows = points(&values).is_some_and(|mut points| {
        points.all(|point| {
            for (change, value) in found.moves.iter().zip(point) {
                search.point.place(change.input, value);
            }
            search.point.rows().is_some_and(|(_, asked)| asks.is_within(asked, found.asked))
        })
    });
    for ends in &mut values {
        ends.drain(1..ends.len().saturating_sub(1).max(1));
    }
    // Where the changes lead to exactly, that was found already.
    let found_there =
        |point: &[i64]| found.moves.iter().zip(point).all(|(change, value)| change.to == *value);
    let holds = rows
        && points(&values).is_some_and(|mut points| {
            points.all(|point| {
                if found_there(&point) {
                    return true;
                }
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
fn points(values: &[Values]) -> Option<impl Iterator<Item = Vec<i64>>> {
    let count = values.iter().try_fold(1_usize, |count, values| count.checked_mul(values.len()))?;
    (count <= CLAIM_POINTS_MAX).then(|| {
        (0..count).map(move |mut number| {
            let chosen = values.iter().filter_map(|values| {
                let at = number.checked_rem(values.len())?;
                number = number.checked_div(values.len())?;
                values.get(at).copied()
            });
            chosen.collect()
        })
    })
}

/// The values of one input that stand for all that a change claims; nothing if there are none such.
fn values(search: &Search<'_, '_>, change: &Move, wide: bool) -> Option<Values> {
    if !wide {
        return Some(vec![change.to]);
    }
    let policy = search.policy;
    let input = policy.inputs.get(change.input)?;
    if !is_ordered(&input.kind) || policy.index.wavers(change.input) {
        return None;
    }
    let (min, max) = input.kind.bounds()?;
    let (low, high) = if change.to < change.from { (min, change.to) } else { (change.to, max) };
    let cuts = policy.index.cuts(change.input, low, high)?;
    if CLAIM_POINTS_MAX < cuts.len() {
        return None;
    }
    let mut values: Values = vec![low];
    values.extend_from_slice(cuts);
    if values.last() != Some(&high) {
        values.push(high);
    }
    Some(values)
}
