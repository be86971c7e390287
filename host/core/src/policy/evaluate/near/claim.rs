//! How far a change may go: `<= 5%` is only said if every value down to the least one does.

use super::{Found, Move, Search, is_ordered};
use crate::policy::explain::Change;
use crate::policy::space::spelled;
use std::sync::Arc;

/// Most points that one claim is tried at; beyond it only the exact value is named.
const CLAIM_POINTS_MAX: usize = 16;

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
/// are at their strictest in a corner: so the points that are tried stand for all.
fn holds(search: &mut Search<'_, '_>, found: &Found, wide: &[bool]) -> bool {
    let mut points: Vec<Vec<i64>> = vec![Vec::new()];
    for (change, wide) in found.moves.iter().zip(wide) {
        let Some(values) = values(search, change, *wide) else { return false };
        if CLAIM_POINTS_MAX < points.len().saturating_mul(values.len()) {
            return false;
        }
        let longer = |point: &Vec<i64>, value: i64| point.iter().copied().chain([value]).collect();
        points = points.iter().flat_map(|point| values.iter().map(|value| longer(point, *value))).collect();
    }
    let covers = &search.policy.covers;
    let holds = points.iter().all(|point| {
        for (change, value) in found.moves.iter().zip(point) {
            search.put(change.input, *value);
        }
        search.look().is_some() && search.said.iter().all(|said| said.is_within(&found.outcome, covers))
    });
    search.reset(&found.moves);
    holds
}

/// The values of one input that stand for all that a change claims; nothing if there are none such.
fn values(search: &Search<'_, '_>, change: &Move, wide: bool) -> Option<Vec<i64>> {
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
    let mut values = vec![low];
    values.extend(cuts);
    if values.last() != Some(&high) {
        values.push(high);
    }
    Some(values)
}
