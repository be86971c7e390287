//! The exact sweep: areas over axes become a reduced decision diagram.
//!
//! Every axis is cut where an area begins or ends; each piece has a set of the areas that accept
//! it. The sweep walks the axes, intersects the sets and remembers (axis, set). What it finds is
//! exact; beyond [`SWEEP_NODES_MAX`] there is no diagram, and the answer is "not proved".

mod diagram;

pub(crate) use diagram::{Diagram, Place, Region};

use super::Hit;
use super::stop::Stop;
use diagram::{Pieces, Unique};
use std::collections::BTreeMap;

/// Most pieces that one sweep, or the joining of two diagrams, looks at: some 100 MB. Beyond it
/// the answer is "not proved", never "fine".
pub(crate) const SWEEP_NODES_MAX: usize = 1_000_000;

/// A closed range of integers.
pub(crate) type Range = (i64, i64);

/// One dimension: a grid from `low` to `high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Axis {
    pub(crate) low: i64,
    pub(crate) high: i64,
    pub(crate) step: i64,
}

/// A set of points: the ranges that it accepts on some axes, everything on the others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Area {
    pub(crate) demands: Vec<(usize, Vec<Range>)>,
}

/// A set of areas, one bit each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Areas(Box<[u64]>);

impl Areas {
    fn none(count: usize) -> Areas {
        Areas(vec![0; count.div_ceil(64)].into())
    }

    pub(crate) fn has(&self, index: usize) -> bool {
        let word = self.0.get(index / 64).copied().unwrap_or(0);
        word & bit(index) != 0
    }

    fn put(&mut self, index: usize) {
        if let Some(word) = self.0.get_mut(index / 64) {
            *word |= bit(index);
        }
    }

    fn drop_range(&mut self, from: usize, until: usize) {
        for index in from..until {
            if let Some(word) = self.0.get_mut(index / 64) {
                *word &= !bit(index);
            }
        }
    }

    /// Becomes the members that both have.
    fn keep(&mut self, one: &Areas, other: &Areas) {
        let words = one.0.iter().zip(&other.0);
        self.0.iter_mut().zip(words).for_each(|(own, (one, other))| *own = one & other);
    }

    /// The first member that both have.
    fn first_of(&self, other: &Areas) -> Option<usize> {
        let mut words = self.0.iter().zip(&other.0).map(|(one, other)| one & other).enumerate();
        let (word, bits) = words.find(|(_, bits)| *bits != 0)?;
        word.checked_mul(64)?.checked_add(usize::try_from(bits.trailing_zeros()).ok()?)
    }

    fn meets(&self, other: &Areas) -> bool {
        self.0.iter().zip(&other.0).any(|(one, two)| one & two != 0)
    }

    /// The members from `from` to before `until`.
    pub(crate) fn within(&self, from: usize, until: usize) -> impl Iterator<Item = usize> + '_ {
        let words = self.0.iter().enumerate().take(until.div_ceil(64)).skip(from / 64);
        let members = words.flat_map(|(word, bits)| {
            let mut rest = *bits;
            std::iter::from_fn(move || {
                let place = (rest != 0).then(|| usize::try_from(rest.trailing_zeros()).ok())??;
                rest &= rest.wrapping_sub(1);
                Some(word.saturating_mul(64).saturating_add(place))
            })
        });
        members.skip_while(move |index| *index < from).take_while(move |index| *index < until)
    }
}

fn bit(index: usize) -> u64 {
    u32::try_from(index % 64).ok().and_then(|shift| 1_u64.checked_shl(shift)).unwrap_or(0)
}

/// One axis, cut: the pieces and who accepts them.
struct Cut {
    axis: usize,
    pieces: Vec<(i64, i64, Areas)>,
    /// The areas that this axis restricts.
    restricted: Areas,
    /// The areas that no later axis restricts, this one included.
    settled: Areas,
}

fn cut(axis: usize, grid: Axis, areas: &[Area]) -> Cut {
    let mut restricted = Areas::none(areas.len());
    let mut starts = vec![grid.low];
    for (index, area) in areas.iter().enumerate() {
        for (_, ranges) in area.demands.iter().filter(|(own, _)| *own == axis) {
            restricted.put(index);
            for (low, high) in ranges {
                starts.push(*low);
                starts.push(high.saturating_add(grid.step));
            }
        }
    }
    starts.retain(|start| grid.low <= *start && *start <= grid.high);
    starts.sort_unstable();
    starts.dedup();
    let mut free = Areas::none(areas.len());
    (0..areas.len()).filter(|index| !restricted.has(*index)).for_each(|index| free.put(index));
    let ends = starts.iter().skip(1).map(|next| next.saturating_sub(grid.step)).chain([grid.high]);
    let mut pieces: Vec<(i64, i64, Areas)> =
        starts.iter().copied().zip(ends).map(|(low, high)| (low, high, free.clone())).collect();
    for (index, area) in areas.iter().enumerate() {
        for (low, high) in area.demands.iter().filter(|(own, _)| *own == axis).flat_map(|(_, ranges)| ranges)
        {
            let from = pieces.partition_point(|piece| piece.0 < *low);
            for piece in pieces.iter_mut().skip(from).take_while(|piece| piece.1 <= *high) {
                piece.2.put(index);
            }
        }
    }
    Cut { axis, pieces, settled: Areas::none(areas.len()), restricted }
}

/// Sweeps `areas` over the axes in `order`. `answer` says what a set of live areas means; where `hit`
/// is [`Hit::First`] only the first of them is surely among them.
///
/// Nothing if the diagram would exceed [`SWEEP_NODES_MAX`], or nobody waits for it any more.
pub(crate) fn sweep<T: Ord>(
    axes: &[Axis],
    order: &[usize],
    areas: &[Area],
    hit: Hit,
    stop: &Stop<'_>,
    answer: impl Fn(&Areas) -> T,
) -> Option<Diagram<T>> {
    let mut cuts: Vec<Cut> = Vec::with_capacity(order.len());
    for (axis, grid) in order.iter().filter_map(|axis| Some((*axis, axes.get(*axis)?))) {
        if stop.is_asked() {
            return None;
        }
        cuts.push(cut(axis, *grid, areas));
    }
    let mut later = Areas::none(areas.len());
    for cut in cuts.iter_mut().rev() {
        for index in 0..areas.len() {
            if cut.restricted.has(index) {
                later.put(index);
            }
            if !later.has(index) {
                cut.settled.put(index);
            }
        }
    }
    let mut all = Areas::none(areas.len());
    (0..areas.len()).for_each(|index| all.put(index));
    let seen = cuts.iter().map(|_| BTreeMap::new()).collect();
    let (count, unique) = (areas.len(), Unique::default());
    let mut sweep = Sweep { seen, cuts: &cuts, count, hit, stop, answer, unique, visited: 0 };
    let root = sweep.walk(0, all)?;
    Some(sweep.unique.diagram(root))
}

struct Sweep<'a, T, F> {
    cuts: &'a [Cut],
    count: usize,
    hit: Hit,
    stop: &'a Stop<'a>,
    answer: F,
    seen: Vec<BTreeMap<Areas, Place>>,
    unique: Unique<T>,
    visited: usize,
}

impl<T: Ord, F: Fn(&Areas) -> T> Sweep<'_, T, F> {
    fn walk(&mut self, mut depth: usize, mut live: Areas) -> Option<Place> {
        let cuts = self.cuts;
        let cut = loop {
            let Some(cut) = cuts.get(depth) else { return Some(self.unique.end((self.answer)(&live))) };
            // A row that nothing can take away any more hides the rows below it.
            if self.hit == Hit::First
                && let Some(sure) = live.first_of(&cut.settled)
            {
                live.drop_range(sure.saturating_add(1), self.count);
            }
            if live.meets(&cut.restricted) {
                break cut;
            }
            depth = depth.saturating_add(1);
        };
        if let Some(place) = self.seen.get(depth).and_then(|seen| seen.get(&live)) {
            return Some(*place);
        }
        self.visited = self.visited.saturating_add(cut.pieces.len());
        if self.visited > SWEEP_NODES_MAX || self.stop.is_asked() {
            return None;
        }
        let mut pieces = Pieces::default();
        let mut child = live.clone();
        let mut before: Option<(Areas, Place)> = None;
        for (low, high, accept) in &cut.pieces {
            child.keep(&live, accept);
            let place = match &before {
                Some((same, place)) if *same == child => *place,
                Some(_) | None => {
                    let place = self.walk(depth.saturating_add(1), child.clone())?;
                    before = Some((child.clone(), place));
                    place
                }
            };
            pieces.push(*low, *high, place);
        }
        let place = self.unique.node(cut.axis, pieces);
        if let Some(seen) = self.seen.get_mut(depth) {
            seen.insert(live, place);
        }
        Some(place)
    }
}
