//! Routes that meet although no element of a list needs them alone: two clauses of one redline, each with
//! a route of its own.

use super::people::{JOINS_MAX, Joins, Meeting};
use crate::id::RouteName;
use crate::intent::IntentType;
use crate::intent::kind::FieldType;
use crate::policy::Policy;
use crate::policy::outcome::{Covers, Needs, Settled};
use crate::policy::space::{Space, Verdict};
use crate::policy::stop::Stop;
use crate::policy::sweep::{Diagram, Place, Region};
use std::collections::{BTreeMap, BTreeSet};

/// Most elements that the list of this policy can have.
pub(super) fn elements_max(policy: &Policy, intent: &IntentType) -> usize {
    match policy.each.as_ref().and_then(|list| intent.kind_of(list)) {
        Some(FieldType::List { max, .. }) => usize::try_from(*max).unwrap_or(usize::MAX),
        Some(_) | None => 1,
    }
}

/// Adds to `joins` every set of routes that several elements of one intent need together. In `diagram`
/// what belongs to the whole intent is asked before what belongs to an element, so that behind a place
/// stand all elements that one intent can hold. Gives whether these are all.
pub(super) fn united(
    space: &Space<'_>,
    diagram: &Diagram<Verdict>,
    covers: &Covers,
    elements_max: usize,
    joins: &mut Joins,
) -> bool {
    let mut walk = Walk { space, diagram, seen: BTreeSet::new(), below: Vec::new() };
    walk.go(diagram.root, &mut Region::new());
    let mut tried: BTreeSet<Vec<bool>> = BTreeSet::new();
    for (place, path) in walk.below {
        let (ends, _) = diagram.reached(place);
        if space.stop.is_asked() || !tried.insert(ends.clone()) {
            continue;
        }
        let singles = singles(space.stop, diagram, place, &path, &ends);
        if !close(&singles, covers, elements_max, joins) {
            return false;
        }
    }
    true
}

/// Where the questions about one element begin, each with a way there.
struct Walk<'s, 'a> {
    space: &'s Space<'a>,
    diagram: &'s Diagram<Verdict>,
    seen: BTreeSet<Place>,
    below: Vec<(Place, Region)>,
}

impl Walk<'_, '_> {
    fn go(&mut self, place: Place, path: &mut Region) {
        if !self.seen.insert(place) || self.space.stop.is_asked() {
            return;
        }
        let node = match place {
            Place::Node(index) => self.diagram.nodes.get(index),
            Place::End(_) => None,
        };
        match node {
            Some(node) if !self.space.is_of_element(node.axis) => {
                for (low, high, next) in &node.pieces {
                    path.insert(node.axis, vec![(*low, *high)]);
                    self.go(*next, path);
                    path.remove(&node.axis);
                }
            }
            Some(_) => self.below.push((place, path.clone())),
            // Elements that all need the same meet nobody else.
            None => {}
        }
    }
}

/// What one element can need behind a place, each with a region that shows it. An element that is
/// denied, or about which the policy is unsure, makes the whole intent so.
fn singles(
    stop: &Stop<'_>,
    diagram: &Diagram<Verdict>,
    place: Place,
    path: &Region,
    ends: &[bool],
) -> BTreeMap<BTreeSet<RouteName>, Region> {
    let mut singles = BTreeMap::new();
    for (end, _) in diagram.ends.iter().zip(ends).filter(|(_, reached)| **reached) {
        let Some(Settled::Needs(needs)) = end.settled() else { continue };
        let below = diagram.regions_from(place, 1, stop, |other| other == end).0;
        let Some((below, _)) = below.into_iter().next() else { continue };
        let mut region = path.clone();
        region.extend(below);
        singles.entry(needs.routes).or_insert(region);
    }
    singles
}

/// Joins what single elements need until nothing new comes of it; says whether there was room for all.
fn close(
    singles: &BTreeMap<BTreeSet<RouteName>, Region>,
    covers: &Covers,
    elements_max: usize,
    joins: &mut Joins,
) -> bool {
    let needs = |routes: &BTreeSet<RouteName>| {
        Settled::Needs(Needs { routes: routes.clone(), evidence: BTreeSet::new() })
    };
    let mut fresh: Joins =
        singles.iter().map(|(routes, region)| (routes.clone(), vec![region.clone()])).collect();
    let mut known: BTreeSet<BTreeSet<RouteName>> = fresh.keys().cloned().collect();
    for _ in 1..elements_max {
        let mut next = Joins::new();
        for (routes, meeting) in &fresh {
            for (other, region) in singles {
                let Settled::Needs(joined) = needs(routes).join(&needs(other), covers) else { continue };
                if !known.insert(joined.routes.clone()) {
                    continue;
                }
                let meeting: Meeting = meeting.iter().chain([region]).cloned().collect();
                next.insert(joined.routes, meeting);
            }
        }
        for (routes, meeting) in &next {
            if joins.len() >= JOINS_MAX && !joins.contains_key(routes) {
                return false;
            }
            joins.entry(routes.clone()).or_insert_with(|| meeting.clone());
        }
        if next.is_empty() {
            break;
        }
        fresh = next;
    }
    true
}
