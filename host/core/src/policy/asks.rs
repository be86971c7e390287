//! Outcomes as bit sets, for searches that join and compare many of them: a bit for each route and each
//! kind of evidence that a policy can ask for, and one for `deny`.

use super::outcome::{Covers, Needs, Settled};
use super::{Guard, Rule};
use crate::id::RouteName;
use std::collections::BTreeMap;

/// Most routes and kinds of evidence that the rules and guards of one policy may name.
pub(crate) const NAMES_MAX: usize = 127;
const DENY: u128 = 1 << NAMES_MAX;

/// What somebody asks for; nothing is `approve`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Asked(u128);

/// What the rows and guards of a policy ask for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Asks {
    /// What each bit stands for.
    names: Vec<Name>,
    /// For each bit the bits of the routes that its route covers.
    covers: Vec<u128>,
    rules: Vec<Asked>,
    guards: Vec<Asked>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Route(RouteName),
    Evidence(String),
}

impl Asks {
    /// A policy with more names than [`NAMES_MAX`] is refused where it is read: see [`Asks::names`].
    pub(crate) fn of(rules: &[Rule], guards: &[Guard], covers: &Covers) -> Asks {
        let outcomes =
            || rules.iter().map(|rule| &rule.outcome).chain(guards.iter().map(|guard| &guard.then));
        let mut bits: BTreeMap<Name, u128> = BTreeMap::new();
        for name in outcomes().flat_map(names) {
            bits.insert(name, 0);
        }
        for (place, bit) in (0_u32..).zip(bits.values_mut()) {
            *bit = 1_u128.checked_shl(place).unwrap_or(0) & !DENY;
        }
        let all = |names: &mut dyn Iterator<Item = Name>| {
            names.filter_map(|name| bits.get(&name)).fold(0, |all, bit| all | bit)
        };
        let asked = |outcome: &Settled| match outcome {
            Settled::Deny => Asked(DENY),
            Settled::Approve | Settled::Needs(_) => Asked(all(&mut names(outcome))),
        };
        let below = |name: &Name| match name {
            Name::Route(route) => all(&mut covers.get(route).into_iter().flatten().cloned().map(Name::Route)),
            Name::Evidence(_) => 0,
        };
        Asks {
            covers: bits.keys().map(below).collect(),
            rules: rules.iter().map(|rule| asked(&rule.outcome)).collect(),
            guards: guards.iter().map(|guard| asked(&guard.then)).collect(),
            names: bits.into_keys().collect(),
        }
    }

    /// How many routes and kinds of evidence rules and guards name.
    pub(crate) fn names(&self) -> usize {
        self.names.len()
    }

    /// The outcome that asks for this.
    pub(crate) fn settled(&self, asked: Asked) -> Settled {
        let asked = self.normal(asked);
        let mut needs = Needs::default();
        for place in places(asked) {
            match self.names.get(place) {
                Some(Name::Route(route)) => drop(needs.routes.insert(route.clone())),
                Some(Name::Evidence(kind)) => drop(needs.evidence.insert(kind.clone())),
                None => {}
            }
        }
        match asked {
            Asked(DENY) => Settled::Deny,
            Asked(0) => Settled::Approve,
            Asked(_) => Settled::Needs(needs),
        }
    }

    pub(crate) fn rule(&self, row: usize) -> Asked {
        self.rules.get(row).copied().unwrap_or_default()
    }

    pub(crate) fn guard(&self, guard: usize) -> Asked {
        self.guards.get(guard).copied().unwrap_or_default()
    }

    /// The bits of all routes that these cover.
    fn covered(&self, asked: Asked) -> u128 {
        places(asked).filter_map(|place| self.covers.get(place)).fold(0, |all, bits| all | bits)
    }

    /// The same without the routes that another one covers; `deny` alone if it is among them.
    pub(crate) fn normal(&self, asked: Asked) -> Asked {
        if asked.0 & DENY != 0 { Asked(DENY) } else { Asked(asked.0 & !self.covered(asked)) }
    }

    /// Whether this asks for nothing that `other` does not ask for.
    pub(crate) fn is_within(&self, asked: Asked, other: Asked) -> bool {
        let rest = asked.0 & !other.0;
        // Mostly that is clear before it has to be found out what is covered.
        rest == 0 || other.0 & DENY != 0 || (rest & DENY == 0 && rest & !self.covered(other) == 0)
    }
}

impl Asked {
    /// Everything that can be asked for and more.
    pub(crate) const DENY: Asked = Asked(DENY);

    pub(crate) fn with(self, other: Asked) -> Asked {
        Asked(self.0 | other.0)
    }

    /// What both ask for.
    pub(crate) fn shared(self, other: Asked) -> Asked {
        Asked(self.0 & other.0)
    }

    /// What this asks for and the other does not.
    pub(crate) fn without(self, other: Asked) -> Asked {
        Asked(self.0 & !other.0)
    }

    /// How much it asks for, to show the least first.
    pub(crate) fn strictness(self) -> u32 {
        if self.0 & DENY != 0 { u32::MAX } else { self.0.count_ones() }
    }
}

/// The places of its bits, `deny` aside.
fn places(asked: Asked) -> impl Iterator<Item = usize> {
    let mut rest = asked.0 & !DENY;
    std::iter::from_fn(move || {
        let place = (rest != 0).then(|| usize::try_from(rest.trailing_zeros()).ok())?;
        rest &= rest.wrapping_sub(1);
        place
    })
}

/// What an outcome names; an approval and a denial name nothing.
fn names(outcome: &Settled) -> impl Iterator<Item = Name> {
    let needs = match outcome {
        Settled::Needs(needs) => Some(needs),
        Settled::Approve | Settled::Deny => None,
    };
    let routes = needs.into_iter().flat_map(|needs| needs.routes.iter().cloned().map(Name::Route));
    routes.chain(needs.into_iter().flat_map(|needs| needs.evidence.iter().cloned().map(Name::Evidence)))
}
