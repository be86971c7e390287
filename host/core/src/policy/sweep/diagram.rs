//! Reduced decision diagrams: one question a node, neighbours that lead to different places, and each
//! node and answer there once.
//!
//! Two diagrams over one order of axes are joined by walking both at once and remembering each pair of
//! places (Bryant, "Graph-Based Algorithms for Boolean Function Manipulation", IEEE Transactions on
//! Computers C-35, 1986: `apply`).

use super::{Range, SWEEP_NODES_MAX};
use crate::policy::stop::Stop;
use std::cmp::Ordering;
use std::collections::BTreeMap;

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

/// The unique table of a diagram in the making: what is there is not made twice.
pub(super) struct Unique<T> {
    nodes: BTreeMap<Node, usize>,
    ends: BTreeMap<T, usize>,
}

/// The pieces of a node in the making, rising: neighbours with one place are one piece.
#[derive(Default)]
pub(super) struct Pieces(Vec<(i64, i64, Place)>);

impl Pieces {
    pub(super) fn push(&mut self, low: i64, high: i64, place: Place) {
        match self.0.last_mut() {
            Some((_, end, last)) if *last == place => *end = high,
            Some(_) | None => self.0.push((low, high, place)),
        }
    }
}

impl<T> Default for Unique<T> {
    fn default() -> Unique<T> {
        Unique { nodes: BTreeMap::new(), ends: BTreeMap::new() }
    }
}

impl<T: Ord> Unique<T> {
    pub(super) fn end(&mut self, answer: T) -> Place {
        let next = self.ends.len();
        Place::End(*self.ends.entry(answer).or_insert(next))
    }

    /// The place that asks for this axis; where only one piece is left nothing has to be asked.
    pub(super) fn node(&mut self, axis: usize, Pieces(pieces): Pieces) -> Place {
        if let [(_, _, only)] = pieces.as_slice() {
            return *only;
        }
        let next = self.nodes.len();
        Place::Node(*self.nodes.entry(Node { axis, pieces }).or_insert(next))
    }

    pub(super) fn diagram(self, root: Place) -> Diagram<T> {
        Diagram { nodes: in_order(self.nodes), ends: in_order(self.ends), root }
    }
}

fn in_order<K>(numbered: BTreeMap<K, usize>) -> Vec<K> {
    let mut list: Vec<(K, usize)> = numbered.into_iter().collect();
    list.sort_unstable_by_key(|(_, number)| *number);
    list.into_iter().map(|(key, _)| key).collect()
}

/// The walk through two diagrams at once.
struct Join<'a, T, U, V, F> {
    one: &'a Diagram<T>,
    other: &'a Diagram<U>,
    /// The place of each axis in the order of both.
    ranks: BTreeMap<usize, usize>,
    stop: &'a Stop<'a>,
    join: F,
    seen: BTreeMap<(Place, Place), Place>,
    unique: Unique<V>,
    visited: usize,
}

impl<T, U, V: Ord, F: Fn(&T, &U) -> V> Join<'_, T, U, V, F> {
    fn walk(&mut self, one: Place, other: Place) -> Option<Place> {
        if let Some(place) = self.seen.get(&(one, other)) {
            return Some(*place);
        }
        let place = match (self.one.question(one), self.other.question(other)) {
            (Err(one), Err(other)) => self.unique.end((self.join)(one?, other?)),
            (Ok(node), Err(_)) => self.split(node, |place| (place, other))?,
            (Err(_), Ok(node)) => self.split(node, |place| (one, place))?,
            (Ok(first), Ok(second)) => match self.ranks.get(&first.axis).cmp(&self.ranks.get(&second.axis)) {
                Ordering::Less => self.split(first, |place| (place, other))?,
                Ordering::Greater => self.split(second, |place| (one, place))?,
                Ordering::Equal => self.both(first, second)?,
            },
        };
        self.seen.insert((one, other), place);
        Some(place)
    }

    /// Follows a question that only one of them asks.
    fn split(&mut self, node: &Node, pair: impl Fn(Place) -> (Place, Place)) -> Option<Place> {
        let mut pieces = Pieces::default();
        for (low, high, place) in &node.pieces {
            let (one, other) = pair(*place);
            pieces.push(*low, *high, self.step(one, other)?);
        }
        Some(self.unique.node(node.axis, pieces))
    }

    /// Follows a question that both ask: from each beginning of a piece to the next.
    fn both(&mut self, one: &Node, other: &Node) -> Option<Place> {
        let mut pieces = Pieces::default();
        let (mut first, mut second) = (one.pieces.iter(), other.pieces.iter());
        let (mut left, mut right) = (first.next(), second.next());
        while let (Some((from, until, place)), Some((begin, end, beside))) = (left, right) {
            let joined = self.step(*place, *beside)?;
            pieces.push(*from.max(begin), *until.min(end), joined);
            left = if until <= end { first.next() } else { left };
            right = if end <= until { second.next() } else { right };
        }
        Some(self.unique.node(one.axis, pieces))
    }

    fn step(&mut self, one: Place, other: Place) -> Option<Place> {
        self.visited = self.visited.saturating_add(1);
        (self.visited <= SWEEP_NODES_MAX && !self.stop.is_asked()).then(|| self.walk(one, other))?
    }
}

impl<T> Diagram<T> {
    /// The question at a place, or its answer.
    fn question(&self, place: Place) -> Result<&Node, Option<&T>> {
        match place {
            Place::Node(index) => self.nodes.get(index).ok_or(None),
            Place::End(index) => Err(self.ends.get(index)),
        }
    }

    /// What two diagrams say together. Both were swept over the axes in `order`.
    ///
    /// Nothing if that would exceed [`SWEEP_NODES_MAX`], or nobody waits for it any more.
    pub(crate) fn with<U, V: Ord>(
        &self,
        other: &Diagram<U>,
        order: &[usize],
        stop: &Stop<'_>,
        join: impl Fn(&T, &U) -> V,
    ) -> Option<Diagram<V>> {
        let ranks = order.iter().enumerate().map(|(rank, axis)| (*axis, rank)).collect();
        let (seen, unique) = (BTreeMap::new(), Unique::default());
        let mut walk = Join { one: self, other, ranks, stop, join, seen, unique, visited: 0 };
        let root = walk.walk(self.root, other.root)?;
        Some(walk.unique.diagram(root))
    }
}

impl<T: Ord + Clone> Diagram<T> {
    /// The same diagram with other answers, reduced again.
    pub(crate) fn map<U: Ord>(&self, stop: &Stop<'_>, answer: impl Fn(&T) -> U) -> Diagram<U> {
        let mut unique = Unique::default();
        let ends = self.ends.iter().take_while(|_| !stop.is_asked());
        let end_of: Vec<Place> = ends.map(|end| unique.end(answer(end))).collect();
        let mut node_of: Vec<Place> = Vec::with_capacity(self.nodes.len());
        let moved = |place: Place, node_of: &[Place]| match place {
            Place::End(index) => end_of.get(index).copied().unwrap_or(place),
            Place::Node(index) => node_of.get(index).copied().unwrap_or(place),
        };
        for node in self.nodes.iter().take_while(|_| !stop.is_asked()) {
            let mut pieces = Pieces::default();
            for (low, high, place) in &node.pieces {
                pieces.push(*low, *high, moved(*place, &node_of));
            }
            node_of.push(unique.node(node.axis, pieces));
        }
        let root = moved(self.root, &node_of);
        unique.diagram(root)
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
        self.regions_from(self.root, most, stop, wanted)
    }

    /// The same behind a place.
    pub(crate) fn regions_from(
        &self,
        from: Place,
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
        search.go(from, &mut Region::new());
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
