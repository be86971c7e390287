//! The exact sweep: areas over axes become a reduced decision diagram.
//!
//! Every axis is cut where an area begins or ends; each piece has a set of the areas that accept
//! it. The sweep walks the axes, intersects the sets and remembers (axis, set). What it finds is
//! exact; beyond [`SWEEP_NODES_MAX`] there is no diagram, and the answer is "not proved".

use super::stop::Stop;
use std::collections::BTreeMap;

/// Most pieces that one sweep looks at, each of them an edge of the diagram: some 100 MB. Beyond it
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

/// Areas of which only the first live one counts, as rows of a `first` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ranked {
    pub(crate) from: usize,
    pub(crate) until: usize,
}

/// A place of the diagram: a further question, or an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    End(usize),
    Node(usize),
}

/// The question for one axis: rising pieces, neighbours lead to different places.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Node {
    pub(crate) axis: usize,
    pub(crate) pieces: Vec<(i64, i64, Place)>,
}

/// A reduced decision diagram with answers `T`. Each node stands behind the nodes it leads to.
#[derive(Debug, Clone)]
pub(crate) struct Diagram<T> {
    pub(crate) nodes: Vec<Node>,
    pub(crate) ends: Vec<T>,
    pub(crate) root: Place,
}

/// The points of one answer: the ranges of each axis that is not free.
pub(crate) type Region = BTreeMap<usize, Vec<Range>>;

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

    fn and(&self, other: &Areas) -> Areas {
        Areas(self.0.iter().zip(&other.0).map(|(one, two)| one & two).collect())
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

/// Sweeps `areas` over the axes in `order`. `answer` says what a set of live areas means; of the
/// `ranked` ones only the first live one is surely among them.
///
/// Nothing if the diagram would exceed [`SWEEP_NODES_MAX`], or nobody waits for it any more.
pub(crate) fn sweep<T: Ord + Clone>(
    axes: &[Axis],
    order: &[usize],
    areas: &[Area],
    ranked: &[Ranked],
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
    let mut sweep = Sweep {
        seen: cuts.iter().map(|_| BTreeMap::new()).collect(),
        cuts: &cuts,
        ranked,
        stop,
        answer,
        nodes: BTreeMap::new(),
        ends: BTreeMap::new(),
        visited: 0,
    };
    let root = sweep.walk(0, all)?;
    let mut nodes: Vec<(usize, Node)> = sweep.nodes.into_iter().map(|(node, id)| (id, node)).collect();
    nodes.sort_unstable_by_key(|(id, _)| *id);
    let mut ends: Vec<(usize, T)> = sweep.ends.into_iter().map(|(end, id)| (id, end)).collect();
    ends.sort_unstable_by_key(|(id, _)| *id);
    Some(Diagram {
        nodes: nodes.into_iter().map(|(_, node)| node).collect(),
        ends: ends.into_iter().map(|(_, end)| end).collect(),
        root,
    })
}

struct Sweep<'a, T, F> {
    cuts: &'a [Cut],
    ranked: &'a [Ranked],
    stop: &'a Stop<'a>,
    answer: F,
    seen: Vec<BTreeMap<Areas, Place>>,
    nodes: BTreeMap<Node, usize>,
    ends: BTreeMap<T, usize>,
    visited: usize,
}

impl<T: Ord, F: Fn(&Areas) -> T> Sweep<'_, T, F> {
    fn walk(&mut self, mut depth: usize, mut live: Areas) -> Option<Place> {
        let cuts = self.cuts;
        let cut = loop {
            let Some(cut) = cuts.get(depth) else {
                let next = self.ends.len();
                let end = (self.answer)(&live);
                return Some(Place::End(*self.ends.entry(end).or_insert(next)));
            };
            // A row that nothing can take away any more hides the rows below it.
            for ranked in self.ranked {
                if let Some(sure) = live.and(&cut.settled).within(ranked.from, ranked.until).next() {
                    live.drop_range(sure.saturating_add(1), ranked.until);
                }
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
        let mut pieces: Vec<(i64, i64, Place)> = Vec::new();
        let mut before: Option<(Areas, Place)> = None;
        for (low, high, accept) in &cut.pieces {
            let child = live.and(accept);
            let place = match &before {
                Some((same, place)) if *same == child => *place,
                Some(_) | None => self.walk(depth.saturating_add(1), child.clone())?,
            };
            before = Some((child, place));
            match pieces.last_mut() {
                Some((_, end, last)) if *last == place => *end = *high,
                Some(_) | None => pieces.push((*low, *high, place)),
            }
        }
        let place = match pieces.as_slice() {
            [(_, _, only)] => *only,
            _ => {
                let next = self.nodes.len();
                Place::Node(*self.nodes.entry(Node { axis: cut.axis, pieces }).or_insert(next))
            }
        };
        if let Some(seen) = self.seen.get_mut(depth) {
            seen.insert(live, place);
        }
        Some(place)
    }
}

impl<T: Ord + Clone> Diagram<T> {
    /// The same diagram with other answers, reduced again.
    pub(crate) fn map<U: Ord + Clone>(&self, stop: &Stop<'_>, answer: impl Fn(&T) -> U) -> Diagram<U> {
        let mut ends: Vec<U> = Vec::new();
        let mut end_of: Vec<Place> = Vec::new();
        for end in self.ends.iter().take_while(|_| !stop.is_asked()) {
            let end = answer(end);
            let found = ends.iter().position(|other| *other == end);
            end_of.push(Place::End(found.unwrap_or(ends.len())));
            if found.is_none() {
                ends.push(end);
            }
        }
        let mut known: BTreeMap<Node, usize> = BTreeMap::new();
        let mut nodes: Vec<Node> = Vec::new();
        let mut node_of: Vec<Place> = Vec::new();
        let moved = |place: Place, node_of: &[Place]| match place {
            Place::End(index) => end_of.get(index).copied().unwrap_or(place),
            Place::Node(index) => node_of.get(index).copied().unwrap_or(place),
        };
        for node in self.nodes.iter().take_while(|_| !stop.is_asked()) {
            let mut pieces: Vec<(i64, i64, Place)> = Vec::new();
            for (low, high, place) in &node.pieces {
                let place = moved(*place, &node_of);
                match pieces.last_mut() {
                    Some((_, end, last)) if *last == place => *end = *high,
                    Some(_) | None => pieces.push((*low, *high, place)),
                }
            }
            let place = match pieces.as_slice() {
                [(_, _, only)] => *only,
                _ => {
                    let node = Node { axis: node.axis, pieces };
                    let next = nodes.len();
                    let id = *known.entry(node.clone()).or_insert(next);
                    if id == next {
                        nodes.push(node);
                    }
                    Place::Node(id)
                }
            };
            node_of.push(place);
        }
        Diagram { root: moved(self.root, &node_of), nodes, ends }
    }

    /// Whether some node that can be reached asks for this axis.
    pub(crate) fn asks(&self, axis: usize) -> bool {
        self.reached(self.root).1.iter().zip(&self.nodes).any(|(reached, node)| *reached && node.axis == axis)
    }

    /// The ends and nodes that can be reached from a place.
    pub(crate) fn reached(&self, from: Place) -> (Vec<bool>, Vec<bool>) {
        let mut ends = vec![false; self.ends.len()];
        let mut nodes = vec![false; self.nodes.len()];
        let mut open = vec![from];
        while let Some(place) = open.pop() {
            match place {
                Place::End(index) => {
                    if let Some(end) = ends.get_mut(index) {
                        *end = true;
                    }
                }
                Place::Node(index) => {
                    let Some(seen) = nodes.get_mut(index) else { continue };
                    if !std::mem::replace(seen, true)
                        && let Some(node) = self.nodes.get(index)
                    {
                        open.extend(node.pieces.iter().map(|(_, _, place)| *place));
                    }
                }
            }
        }
        (ends, nodes)
    }

    /// The answers that some point gets.
    pub(crate) fn answers(&self) -> impl Iterator<Item = &T> {
        let (ends, _) = self.reached(self.root);
        self.ends.iter().zip(ends).filter(|(_, reached)| *reached).map(|(end, _)| end)
    }

    /// At most `most` regions whose answer is wanted, and whether these are all.
    pub(crate) fn regions(
        &self,
        most: usize,
        stop: &Stop<'_>,
        wanted: impl Fn(&T) -> bool,
    ) -> (Vec<(Region, T)>, bool) {
        let ends: Vec<bool> = self.ends.iter().map(wanted).collect();
        let mut leads: Vec<bool> = Vec::with_capacity(self.nodes.len());
        for node in self.nodes.iter().take_while(|_| !stop.is_asked()) {
            let leads_there = node.pieces.iter().any(|(_, _, place)| match place {
                Place::End(index) => ends.get(*index).copied().unwrap_or(false),
                Place::Node(index) => leads.get(*index).copied().unwrap_or(false),
            });
            leads.push(leads_there);
        }
        let mut search = Search { diagram: self, ends, leads, most, stop, found: Vec::new(), all: true };
        search.go(self.root, &mut Region::new());
        (search.found, search.all)
    }

    /// A region that leads to the node, from the root.
    pub(crate) fn path_to(&self, target: usize) -> Option<Region> {
        let mut leads: Vec<bool> = Vec::with_capacity(self.nodes.len());
        for (index, node) in self.nodes.iter().enumerate() {
            let leads_there = index == target
                || node.pieces.iter().any(|(_, _, place)| {
                    matches!(place, Place::Node(child) if leads.get(*child).copied().unwrap_or(false))
                });
            leads.push(leads_there);
        }
        let mut region = Region::new();
        let mut place = self.root;
        loop {
            match place {
                Place::Node(index) if index == target => return Some(region),
                Place::Node(index) => {
                    let node = self.nodes.get(index)?;
                    let (low, high, next) = node.pieces.iter().find(|(_, _, place)| {
                        matches!(place, Place::Node(child) if leads.get(*child).copied().unwrap_or(false))
                    })?;
                    region.insert(node.axis, vec![(*low, *high)]);
                    place = *next;
                }
                Place::End(_) => return None,
            }
        }
    }
}

struct Search<'a, T> {
    diagram: &'a Diagram<T>,
    ends: Vec<bool>,
    leads: Vec<bool>,
    most: usize,
    stop: &'a Stop<'a>,
    found: Vec<(Region, T)>,
    all: bool,
}

impl<T: Clone> Search<'_, T> {
    fn go(&mut self, place: Place, path: &mut Region) {
        match place {
            Place::End(index) => {
                if self.ends.get(index) != Some(&true) {
                    return;
                }
                if self.found.len() == self.most {
                    self.all = false;
                } else if let Some(end) = self.diagram.ends.get(index) {
                    self.found.push((path.clone(), end.clone()));
                }
            }
            Place::Node(index) => {
                self.all &= !self.stop.is_asked();
                if self.leads.get(index) != Some(&true) || !self.all {
                    return;
                }
                let Some(node) = self.diagram.nodes.get(index) else { return };
                // Pieces that lead to one place are one region: `smb, mid` and not two lines.
                let mut groups: Vec<(Place, Vec<Range>)> = Vec::new();
                for (low, high, place) in &node.pieces {
                    match groups.iter_mut().find(|(other, _)| other == place) {
                        Some((_, ranges)) => ranges.push((*low, *high)),
                        None => groups.push((*place, vec![(*low, *high)])),
                    }
                }
                for (place, ranges) in groups {
                    path.insert(node.axis, ranges);
                    self.go(place, path);
                    path.remove(&node.axis);
                }
            }
        }
    }
}
