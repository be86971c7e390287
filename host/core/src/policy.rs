//! Policies: tables that their owner reads, and the pure function that decides by them.
//!
//! Rules decide, guards only tighten, results are joined in a lattice ([`Outcome`]), and whatever
//! cannot be evaluated is `unsure`, never "did not match". `decide` sees its arguments and nothing
//! else, so the same policy, tokens and facts give the same answer for ever.

mod asks;
pub mod backtest;
pub mod cell;
pub mod check;
pub mod component;
pub mod coverage;
pub mod diff;
mod evaluate;
pub mod example;
pub mod explain;
pub(crate) mod expr;
pub mod given;
pub(crate) mod index;
pub mod lint;
pub mod mutant;
pub(crate) mod node;
pub mod outcome;
mod parse;
pub mod places;
pub mod promise;
pub mod route;
pub(crate) mod space;
pub mod starter;
pub mod stop;
pub(crate) mod sweep;
pub mod typed;

pub(crate) use evaluate::{Layout, fill};
pub use evaluate::{decide, decide_with, outcome, outcome_with};
pub use explain::Evaluation;
pub use outcome::{Needs, Outcome, Reason, ReasonKind, Settled, Unsure};
pub use parse::{Head, head};
pub(crate) use parse::{SECTIONS, field_name};
pub(crate) use route::take as route_take;
pub use route::{Finally, Need, Route, RouteRow, RouteStep, Whom, Within};

use crate::document::Aside;
use crate::hash::Digest;
use crate::id::{FieldName, IntentTypeName, PoolName, RouteName};
use crate::intent::value::Day;
use cell::Ranges;
use component::Component;
use example::Example;
use index::Index;
use outcome::Covers;
use places::Places;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use typed::{Expression, Input};

/// The version of the language of these documents; part of every policy's version.
pub const LANGUAGE: u32 = 1;
/// Most guards of one policy.
pub const GUARDS_MAX: usize = 256;

/// How the rows of the rule table decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hit {
    /// The first row that matches.
    First,
    /// The one row that matches; two are an overlap.
    Unique,
    /// All rows that match, joined.
    Every,
}

/// What one cell of a rule demands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Demand {
    /// Index of the input.
    pub input: usize,
    /// What it accepts.
    pub ranges: Ranges,
    /// The cell as it was written.
    #[serde(skip)]
    pub text: Arc<str>,
    /// Whether the input belongs to the elements of the list.
    #[serde(skip)]
    pub of_element: bool,
}

/// One row of the rule table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Its id, stable over versions.
    pub id: Arc<str>,
    /// What it demands, in the order of the columns; columns that accept everything are left out.
    pub demands: Vec<Demand>,
    /// What it answers.
    pub outcome: Settled,
    /// Why, in its owner's words.
    pub because: Arc<str>,
    /// The inputs that it or a row above it restricts.
    #[serde(skip)]
    pub reads: Arc<[FieldName]>,
    /// Where it stands in its file.
    #[serde(skip)]
    pub line: u32,
}

/// One guard: it can only add to what the rules say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Guard {
    /// Its id, stable over versions.
    pub id: Arc<str>,
    /// When it holds.
    pub when: Expression,
    /// What it adds.
    pub then: Settled,
    /// Why, in its owner's words.
    pub because: Arc<str>,
    /// The inputs that its condition reads, as the trace shows them.
    #[serde(skip)]
    pub reads: Arc<[FieldName]>,
    /// Its condition, as the trace shows it.
    #[serde(skip)]
    pub text: Arc<str>,
}

/// The owner's declaration of when an `unsure` may pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailOpen {
    /// When; reads only inputs that are present and valid.
    pub only_if: Expression,
    /// How often a day.
    pub at_most_a_day: u32,
}

/// A promise about the whole table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Promise {
    /// `more INPUT never needs less`.
    More(FieldName),
    /// `less INPUT never needs less`.
    Less(FieldName),
    /// `approve only if CONDITION`.
    ApproveOnlyIf(Expression),
}

/// A checked policy, ready to decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// The intent type that it decides.
    pub intent: IntentTypeName,
    /// The pool that owns it.
    pub owner: PoolName,
    /// First day (00:00 UTC) of its being in force.
    pub effective: Day,
    /// When `unsure` may pass; `None` is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail_open: Option<FailOpen>,
    /// What it reads.
    pub inputs: Vec<Input>,
    /// Named formulas, each over inputs and earlier terms.
    pub terms: Vec<(FieldName, Expression)>,
    /// How rows decide.
    pub hit: Hit,
    /// The list whose elements are decided one by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub each: Option<FieldName>,
    /// The rule table.
    pub rules: Vec<Rule>,
    /// The guards.
    pub guards: Vec<Guard>,
    /// The components that it asks, none in most policies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
    /// Every route that it can ask for, its own and the shared ones.
    pub routes: BTreeMap<RouteName, Route>,
    /// What its owner promises of it.
    pub promises: Vec<Promise>,
    /// Which routes make others unnecessary.
    #[serde(skip)]
    pub covers: Covers,
    /// Its examples; all of them pass.
    #[serde(skip)]
    pub examples: Vec<Example>,
    /// Its content address: policy, intent type and shared routes.
    #[serde(skip)]
    pub version: Digest,
    /// Path of its file.
    #[serde(skip)]
    pub path: String,
    /// The list that dotted inputs belong to, whether or not it is decided one by one.
    #[serde(skip)]
    pub(crate) list: Option<FieldName>,
    /// Where the values of its inputs are looked for.
    #[serde(skip)]
    pub(crate) layout: Layout,
    /// Its rows by the values that they accept.
    #[serde(skip)]
    pub(crate) index: Index,
    /// What is proved of it, once somebody has asked.
    #[serde(skip)]
    pub(crate) proved: Proved,
    /// Where things stand in its file, for what only the whole of it shows.
    #[serde(skip)]
    pub places: Aside<Places>,
}

impl Hit {
    /// What the heading of the rules calls it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Hit::First => "first",
            Hit::Unique => "unique",
            Hit::Every => "every",
        }
    }
}

impl Policy {
    /// The content address of policy, intent type and the shared routes it uses.
    #[must_use]
    pub fn version(&self) -> Digest {
        self.version
    }

    /// The answer to one intent; see [`decide`].
    #[must_use]
    pub fn decide(
        &self,
        tokens: &crate::intent::value::Tokens,
        facts: &crate::intent::value::Facts,
    ) -> Evaluation {
        decide(self, tokens, facts)
    }

    /// Ids of the rules and guards that ask for a route.
    pub fn asking<'a>(&'a self, route: &'a RouteName) -> impl Iterator<Item = &'a str> {
        let rules = self.rules.iter().filter(move |rule| rule.outcome.needs(route)).map(|rule| &*rule.id);
        let guards = self.guards.iter().filter(move |guard| guard.then.needs(route)).map(|guard| &*guard.id);
        rules.chain(guards)
    }

    /// The list that dotted inputs belong to, whether or not it is decided one by one.
    #[must_use]
    pub fn list(&self) -> Option<&FieldName> {
        self.list.as_ref()
    }

    /// The promises about an input that moves one way that are proved, not only tested.
    ///
    /// The first call sweeps the policy, at most [`sweep::SWEEP_NODES_MAX`] nodes for each promise; later ones know.
    pub(crate) fn proved(&self) -> &[Promise] {
        self.proved.0.get_or_init(|| promise::proved(self))
    }

    /// The answer to one intent without its trace; see [`outcome`].
    #[must_use]
    pub fn outcome(
        &self,
        tokens: &crate::intent::value::Tokens,
        facts: &crate::intent::value::Facts,
    ) -> Outcome {
        outcome(self, tokens, facts)
    }
}

/// What is proved of one policy. A copy, which may become another policy, is proved anew; it is no part of what makes
/// two policies equal.
#[derive(Debug, Default)]
pub(crate) struct Proved(OnceLock<Vec<Promise>>);

impl Clone for Proved {
    fn clone(&self) -> Proved {
        Proved::default()
    }
}

impl PartialEq for Proved {
    fn eq(&self, _: &Proved) -> bool {
        true
    }
}

impl Eq for Proved {}

/// The list that the dotted ones of these inputs belong to.
fn list_of(inputs: &[Input]) -> Option<FieldName> {
    let input = inputs.iter().find(|input| input.is_of_element())?;
    let (list, _) = input.name.as_str().split_once('.')?;
    FieldName::parse(list).ok()
}

#[cfg(test)]
mod prover_tests;
#[cfg(test)]
mod tests;
