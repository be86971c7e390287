//! Outcomes and their lattice: `approve` < `needs` < `deny` < `unsure`. Results are joined, the
//! highest wins, and order can never matter.

use crate::id::RouteName;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Which routes each route makes unnecessary, followed to the end.
pub type Covers = BTreeMap<RouteName, BTreeSet<RouteName>>;

/// An outcome in which everything could be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Settled {
    /// Nobody needs to be asked.
    Approve,
    /// People must decide.
    Needs(Needs),
    /// The answer is no.
    Deny,
}

impl Settled {
    /// Whether a route must decide.
    #[must_use]
    pub fn needs(&self, route: &RouteName) -> bool {
        match self {
            Settled::Needs(needs) => needs.routes.contains(route),
            Settled::Approve | Settled::Deny => false,
        }
    }
}

/// Who must decide, and what they must be shown.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Needs {
    /// Routes, all of them.
    pub routes: BTreeSet<RouteName>,
    /// Kinds of evidence, all of them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub evidence: BTreeSet<String>,
}

/// The answer of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nobody needs to be asked.
    Approve,
    /// People must decide.
    Needs(Needs),
    /// The answer is no.
    Deny,
    /// Something could not be evaluated; this is no decision.
    Unsure(Unsure),
}

/// What is known although something could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unsure {
    /// Why.
    pub reasons: BTreeSet<Reason>,
    /// The join of all that did evaluate.
    pub known: Settled,
    /// The join of all that the rest could have said.
    pub possible: Settled,
}

/// One reason for `unsure`, and the input, term, guard or table that it is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// What went wrong.
    pub kind: ReasonKind,
    /// The name of what it is about.
    pub at: String,
}

/// What can keep an evaluation from an answer. The list is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonKind {
    /// An input has no value.
    Missing,
    /// A fact was read too long ago.
    Stale,
    /// A value lies outside of the policy's bounds.
    OutOfBounds,
    /// No row matches.
    Gap,
    /// Several rows of a `unique` table match.
    Overlap,
    /// The list has no element.
    EmptyList,
    /// A number grew too large.
    Overflow,
    /// Something was divided by zero.
    DivisionByZero,
    /// A policy component failed.
    Component,
}

impl ReasonKind {
    /// The word that the log and the exception table use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            ReasonKind::Missing => "missing",
            ReasonKind::Stale => "stale",
            ReasonKind::OutOfBounds => "out-of-bounds",
            ReasonKind::Gap => "gap",
            ReasonKind::Overlap => "overlap",
            ReasonKind::EmptyList => "empty-list",
            ReasonKind::Overflow => "overflow",
            ReasonKind::DivisionByZero => "division-by-zero",
            ReasonKind::Component => "component",
        }
    }
}

impl Needs {
    fn joined(&self, other: &Needs, covers: &Covers) -> Needs {
        let all: BTreeSet<RouteName> = self.routes.union(&other.routes).cloned().collect();
        Needs {
            routes: uncovered(all, covers),
            evidence: self.evidence.union(&other.evidence).cloned().collect(),
        }
    }
}

/// Drops the routes that another one of the set covers.
fn uncovered(routes: BTreeSet<RouteName>, covers: &Covers) -> BTreeSet<RouteName> {
    let covered: BTreeSet<&RouteName> =
        routes.iter().filter_map(|route| covers.get(route)).flatten().collect();
    if covered.is_empty() {
        return routes;
    }
    routes.iter().filter(|route| !covered.contains(route)).cloned().collect()
}

impl Settled {
    /// The join of two outcomes: the highest wins, needs are united without what is covered.
    #[must_use]
    pub fn join(&self, other: &Settled, covers: &Covers) -> Settled {
        match (self, other) {
            (Settled::Deny, _) | (_, Settled::Deny) => Settled::Deny,
            (Settled::Approve, Settled::Approve) => Settled::Approve,
            (Settled::Needs(own), Settled::Needs(other)) => Settled::Needs(own.joined(other, covers)),
            (Settled::Needs(own), Settled::Approve) | (Settled::Approve, Settled::Needs(own)) => {
                // A single need may name a route beside one that it covers; the normal form has neither.
                Settled::Needs(own.joined(&Needs::default(), covers))
            }
        }
    }

    /// The join of all of them; approve if there is none.
    #[must_use]
    pub fn join_all<'a>(all: impl IntoIterator<Item = &'a Settled>, covers: &Covers) -> Settled {
        let mut routes: Vec<&RouteName> = Vec::new();
        let mut evidence = BTreeSet::new();
        for settled in all {
            match settled {
                Settled::Approve => {}
                Settled::Deny => return Settled::Deny,
                Settled::Needs(needs) => {
                    for route in &needs.routes {
                        if !routes.contains(&route) {
                            routes.push(route);
                        }
                    }
                    evidence.extend(needs.evidence.iter().cloned());
                }
            }
        }
        if routes.is_empty() {
            return Settled::Approve;
        }
        let covered = |route: &RouteName| {
            let by = |other: &&RouteName| covers.get(*other).is_some_and(|below| below.contains(route));
            routes.iter().any(by)
        };
        // One by one, since nearly all outcomes have one route or two.
        let mut kept = BTreeSet::new();
        for route in routes.iter().filter(|route| routes.len() == 1 || !covered(route)) {
            kept.insert((*route).clone());
        }
        Settled::Needs(Needs { routes: kept, evidence })
    }

    /// Whether this asks for nothing that `other`, which is in its normal form, does not ask for:
    /// joined with it the other stays as it is.
    #[must_use]
    pub fn is_within(&self, other: &Settled, covers: &Covers) -> bool {
        match (self, other) {
            (Settled::Approve, _) | (_, Settled::Deny) => true,
            (Settled::Needs(_) | Settled::Deny, Settled::Approve) | (Settled::Deny, Settled::Needs(_)) => {
                false
            }
            (Settled::Needs(own), Settled::Needs(other)) => {
                let covered = |route: &RouteName| {
                    let by = |other: &RouteName| covers.get(other).is_some_and(|below| below.contains(route));
                    other.routes.iter().any(by)
                };
                let asked = |route: &RouteName| other.routes.contains(route) || covered(route);
                own.routes.iter().all(asked) && own.evidence.is_subset(&other.evidence)
            }
        }
    }

    /// The same outcome without the routes that another one of it covers.
    #[must_use]
    pub fn normal(&self, covers: &Covers) -> Settled {
        self.join(&Settled::Approve, covers)
    }
}

impl Outcome {
    /// The join of two outcomes. Associative, commutative and idempotent on normal forms.
    #[must_use]
    pub fn join(&self, other: &Outcome, covers: &Covers) -> Outcome {
        let (one, reasons_of_one) = self.parts();
        let (two, reasons_of_two) = other.parts();
        let reasons: BTreeSet<Reason> = reasons_of_one.union(&reasons_of_two).cloned().collect();
        if reasons.is_empty() {
            return Outcome::from(one.0.join(&two.0, covers));
        }
        let known = one.0.join(&two.0, covers);
        let possible = one.1.join(&two.1, covers);
        Outcome::Unsure(Unsure { reasons, known, possible })
    }

    /// `known` and `possible`, which are the same where nothing is unsure.
    fn parts(&self) -> ((Settled, Settled), BTreeSet<Reason>) {
        let settled = match self {
            Outcome::Approve => Settled::Approve,
            Outcome::Needs(needs) => Settled::Needs(needs.clone()),
            Outcome::Deny => Settled::Deny,
            Outcome::Unsure(unsure) => {
                return ((unsure.known.clone(), unsure.possible.clone()), unsure.reasons.clone());
            }
        };
        ((settled.clone(), settled), BTreeSet::new())
    }
}

impl From<Settled> for Outcome {
    fn from(settled: Settled) -> Outcome {
        match settled {
            Settled::Approve => Outcome::Approve,
            Settled::Needs(needs) => Outcome::Needs(needs),
            Settled::Deny => Outcome::Deny,
        }
    }
}

impl fmt::Display for Needs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let routes = self.routes.iter().map(ToString::to_string);
        let evidence = self.evidence.iter().map(|kind| format!("evidence {kind}"));
        let words: Vec<String> = routes.chain(evidence).collect();
        formatter.write_str(&words.join(" + "))
    }
}

impl fmt::Display for Settled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Settled::Approve => formatter.write_str("approve"),
            Settled::Needs(needs) => write!(formatter, "{needs}"),
            Settled::Deny => formatter.write_str("deny"),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Approve => formatter.write_str("approve"),
            Outcome::Needs(needs) => write!(formatter, "{needs}"),
            Outcome::Deny => formatter.write_str("deny"),
            Outcome::Unsure(_) => formatter.write_str("unsure"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = &self.at;
        match self.kind {
            ReasonKind::Missing => write!(formatter, "`{at}` has no value"),
            ReasonKind::Stale => write!(formatter, "`{at}` was read too long ago"),
            ReasonKind::OutOfBounds => write!(formatter, "`{at}` is outside of the policy's bounds"),
            ReasonKind::Gap => write!(formatter, "no rule of {at} matches"),
            ReasonKind::Overlap => write!(formatter, "several rules match: {at}"),
            ReasonKind::EmptyList => write!(formatter, "`{at}` is an empty list"),
            ReasonKind::Overflow => write!(formatter, "`{at}` grew too large a number"),
            ReasonKind::DivisionByZero => write!(formatter, "`{at}` divides by zero"),
            ReasonKind::Component => write!(formatter, "component {at}"),
        }
    }
}
