//! Outcomes as bit sets, for searches that join and compare many of them: a bit for each route and each
//! kind of evidence that a policy can ask for, and one for `deny`.

use super::outcome::{Covers, Settled};
use super::{Guard, Rule};
use crate::id::RouteName;
use std::collections::BTreeMap;

/// Most routes and kinds of evidence of one policy that have a bit; beyond it there is no search.
const NAMES_MAX: usize = 127;
const DENY: u128 = 1 << 127;

/// What somebody asks for; nothing is `approve`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Asked(u128);

/// What the rows and guards of a policy ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asks {
    rules: Vec<Asked>,
    guards: Vec<Asked>,
    /// For each bit the bits of the routes that its route covers.
    covers: Vec<u128>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Name<'a> {
    Route(&'a RouteName),
    Evidence(&'a str),
}

impl Asks {
    /// Nothing if there are more names than bits.
    pub(crate) fn of(rules: &[Rule], guards: &[Guard], covers: &Covers) -> Option<Asks> {
        let outcomes = rules.iter().map(|rule| &rule.outcome);
        let mut bits: BTreeMap<Name<'_>, u128> = BTreeMap::new();
        for name in outcomes.chain(guards.iter().map(|guard| &guard.then)).flat_map(names) {
            let next = u32::try_from(bits.len()).ok()?;
            bits.entry(name).or_insert(1_u128.checked_shl(next)?);
        }
        if NAMES_MAX < bits.len() {
            return None;
        }
        let asked = |outcome: &Settled| match outcome {
            Settled::Deny => Asked(DENY),
            Settled::Approve | Settled::Needs(_) => {
                Asked(names(outcome).filter_map(|name| bits.get(&name)).fold(0, |all, bit| all | bit))
            }
        };
        let mut below = vec![0; bits.len()];
        for (name, bit) in &bits {
            let Name::Route(route) = name else { continue };
            let covered = covers.get(*route).into_iter().flatten();
            let covered = covered.filter_map(|route| bits.get(&Name::Route(route)));
            if let Some(own) = usize::try_from(bit.trailing_zeros()).ok().and_then(|at| below.get_mut(at)) {
                *own = covered.fold(0, |all, bit| all | bit);
            }
        }
        Some(Asks {
            rules: rules.iter().map(|rule| asked(&rule.outcome)).collect(),
            guards: guards.iter().map(|guard| asked(&guard.then)).collect(),
            covers: below,
        })
    }

    pub(crate) fn rule(&self, row: usize) -> Asked {
        self.rules.get(row).copied().unwrap_or_default()
    }

    pub(crate) fn guard(&self, guard: usize) -> Asked {
        self.guards.get(guard).copied().unwrap_or_default()
    }

    /// The bits of all routes that these cover.
    fn covered(&self, asked: Asked) -> u128 {
        let (mut rest, mut covered) = (asked.0 & !DENY, 0);
        while rest != 0 {
            let bit = usize::try_from(rest.trailing_zeros()).unwrap_or(usize::MAX);
            covered |= self.covers.get(bit).copied().unwrap_or(0);
            rest &= rest.wrapping_sub(1);
        }
        covered
    }

    /// The same without the routes that another one covers; `deny` alone if it is among them.
    pub(crate) fn normal(&self, asked: Asked) -> Asked {
        if asked.0 & DENY != 0 { Asked(DENY) } else { Asked(asked.0 & !self.covered(asked)) }
    }

    /// Whether this asks for nothing that `other` does not ask for.
    pub(crate) fn is_within(&self, asked: Asked, other: Asked) -> bool {
        other.0 & DENY != 0 || asked.0 & !(other.0 | self.covered(other)) == 0
    }
}

impl Asked {
    pub(crate) fn with(self, other: Asked) -> Asked {
        Asked(self.0 | other.0)
    }

    /// How much it asks for, to show the least first.
    pub(crate) fn strictness(self) -> u32 {
        if self.0 & DENY != 0 { u32::MAX } else { self.0.count_ones() }
    }
}

/// What an outcome names; an approval and a denial name nothing.
fn names(outcome: &Settled) -> impl Iterator<Item = Name<'_>> {
    let needs = match outcome {
        Settled::Needs(needs) => Some(needs),
        Settled::Approve | Settled::Deny => None,
    };
    let routes = needs.into_iter().flat_map(|needs| &needs.routes).map(Name::Route);
    let evidence = needs.into_iter().flat_map(|needs| &needs.evidence);
    routes.chain(evidence.map(|kind| Name::Evidence(kind)))
}
