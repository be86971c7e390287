//! Policies as areas over axes: what the sweep, the linter, promises and diffs reason about.
//!
//! Each input is an axis. A condition that compares an input with a constant is an area on its
//! axis; whatever else a guard compares becomes a *derived* axis of its own, as if it could take
//! any value: what is proved so is proved, what is found so must be confirmed at a point.

mod formula;
mod point;
mod spell;

pub(crate) use formula::{Formula, Trend, trend};
pub(crate) use point::{Answered, Point, Verdict};
use spell::spelled_term;
pub(crate) use spell::{Spelled, spelled, spelled_ranges, spelled_value};

use super::Hit;
use super::Policy;
use super::asks::Asked;
use super::node::Node;
use super::stop::Stop;
use super::sweep::{Area, Areas, Axis, Diagram, Range, Region, sweep};
use super::typed::{Expression, Input};
use crate::intent::kind::FieldType;
use crate::intent::value::Day;
use std::collections::BTreeSet;

/// One policy, or two versions of it, over the same axes.
#[derive(Debug)]
pub(crate) struct Space<'a> {
    /// The inputs of all policies; the axes of the same index are theirs.
    pub(crate) inputs: Vec<Input>,
    pub(crate) axes: Vec<Axis>,
    /// What the axes behind the inputs stand for, and whose it is if the inputs differ.
    pub(crate) derived: Vec<Derived>,
    pub(crate) areas: Vec<Area>,
    pub(crate) models: Vec<Model<'a>>,
    /// Whether anybody still waits for what is proved of them.
    pub(crate) stop: &'a Stop<'a>,
}

/// A value that is computed from inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Derived {
    pub(crate) axis: usize,
    pub(crate) node: Node,
    owner: usize,
}

/// One policy in a space.
#[derive(Debug)]
pub(crate) struct Model<'a> {
    pub(crate) policy: &'a Policy,
    /// The axis of each of its inputs.
    pub(crate) axis_of: Vec<usize>,
    /// The areas of its rules.
    pub(crate) rows: std::ops::Range<usize>,
    /// Its guards, in order.
    pub(crate) guards: Vec<Formula>,
    /// The areas that all inputs must lie in where another policy's bounds are wider.
    bounds: Vec<usize>,
}

impl<'a> Space<'a> {
    /// The space of one policy.
    pub(crate) fn of(policy: &'a Policy, stop: &'a Stop<'a>) -> Space<'a> {
        Space::over(&[policy], stop)
    }

    /// The space of several policies of one intent type.
    pub(crate) fn over(policies: &[&'a Policy], stop: &'a Stop<'a>) -> Space<'a> {
        let mut space = Space {
            inputs: Vec::new(),
            axes: Vec::new(),
            derived: Vec::new(),
            areas: Vec::new(),
            models: Vec::new(),
            stop,
        };
        let axes: Vec<Vec<usize>> = policies
            .iter()
            .map(|policy| policy.inputs.iter().map(|input| space.axis(input)).collect())
            .collect();
        space.axes = space.inputs.iter().map(|input| axis_of(&input.kind)).collect();
        for (policy, axis_of) in policies.iter().zip(axes) {
            space.add(policy, axis_of);
        }
        space
    }

    /// The axis of an input; one that it shares with an earlier policy if the types can meet.
    fn axis(&mut self, input: &Input) -> usize {
        for (index, own) in self.inputs.iter_mut().enumerate().filter(|(_, own)| own.name == input.name) {
            if let Some(kind) = united(&own.kind, &input.kind) {
                own.kind = kind;
                return index;
            }
        }
        self.inputs.push(input.clone());
        self.inputs.len().saturating_sub(1)
    }

    fn add(&mut self, policy: &'a Policy, axis_of: Vec<usize>) {
        let from = self.areas.len();
        for rule in &policy.rules {
            let demands = rule
                .demands
                .iter()
                .filter_map(|demand| Some((*axis_of.get(demand.input)?, demand.ranges.pairs().to_vec())))
                .collect();
            self.areas.push(Area { demands });
        }
        let rows = from..self.areas.len();
        let mut bounds = Vec::new();
        for (input, axis) in policy.inputs.iter().zip(&axis_of) {
            let (Some(own), Some(grid)) = (input.kind.bounds(), self.axes.get(*axis)) else { continue };
            if own != (grid.low, grid.high) {
                bounds.push(self.areas.len());
                self.areas.push(Area { demands: vec![(*axis, vec![own])] });
            }
        }
        self.models.push(Model { policy, axis_of, rows, guards: Vec::new(), bounds });
        let model = self.models.len().saturating_sub(1);
        let guards = policy.guards.iter().map(|guard| self.formula(model, &guard.when)).collect();
        if let Some(model) = self.models.get_mut(model) {
            model.guards = guards;
        }
    }

    /// A condition of one of the policies as areas.
    pub(crate) fn formula(&mut self, model: usize, condition: &Expression) -> Formula {
        let Some(of) = self.models.get(model).filter(|_| !self.stop.is_asked()) else {
            return Formula::Always(false);
        };
        let (policy, axis_of) = (of.policy, of.axis_of.clone());
        formula::Builder { space: self, policy, axis_of: &axis_of, owner: model }.truth(&condition.node)
    }

    fn atom(&mut self, axis: usize, ranges: Vec<Range>) -> Formula {
        let area = Area { demands: vec![(axis, ranges)] };
        // Rules keep their own areas: those can be hidden by rows above them.
        let first = self.models.iter().map(|model| model.rows.end).max().unwrap_or(0);
        let found = self.areas.iter().skip(first).position(|own| *own == area);
        match found {
            Some(index) => Formula::Area(index.saturating_add(first)),
            None => {
                self.areas.push(area);
                Formula::Area(self.areas.len().saturating_sub(1))
            }
        }
    }

    /// All axes, in their order.
    pub(crate) fn order(&self) -> Vec<usize> {
        (0..self.axes.len()).collect()
    }

    /// Whether a region restricts something that is computed.
    pub(crate) fn is_derived(&self, region: &Region) -> bool {
        region.keys().any(|axis| *axis >= self.inputs.len())
    }

    /// Whether an axis is asked of each element of a list, and not of the whole intent.
    pub(crate) fn is_of_element(&self, axis: usize) -> bool {
        match self.inputs.get(axis) {
            Some(input) => input.is_of_element(),
            None => {
                let derived = self.derived.iter().find(|derived| derived.axis == axis);
                derived.is_some_and(|derived| derived.node.reads_element())
            }
        }
    }

    /// What the rows of a policy ask for; nothing where no row is live, or too many are.
    fn by_rows(model: &Model<'_>, mut live: impl Iterator<Item = usize>) -> Option<Asked> {
        let asks = model.policy.index.asks();
        let first = asks.rule(live.next()?);
        match model.policy.hit {
            Hit::First => Some(first),
            Hit::Unique => live.next().is_none().then_some(first),
            Hit::Every => Some(live.map(|row| asks.rule(row)).fold(first, Asked::with)),
        }
    }

    /// What a policy asks for with those guards that count, over the axes in `order`: nothing where
    /// the answer is unsure. The table and the guards are swept apart and then joined: many rows say
    /// the same, so that few cases of the table are left to meet those of the guards.
    pub(crate) fn asked(
        &self,
        model: &Model<'_>,
        order: &[usize],
        counts: impl Fn(usize) -> bool,
    ) -> Option<Diagram<Option<Asked>>> {
        let asks = model.policy.index.asks();
        let rows = self.rows(model, order, |live| Space::by_rows(model, live))?;
        let counted = || model.guards.iter().enumerate().filter(|(guard, _)| counts(*guard));
        let mut read: BTreeSet<usize> = model.bounds.iter().copied().collect();
        counted().for_each(|(_, formula)| formula.reads(&mut read));
        let guards = self.conditions(order, &read, |areas| {
            let bounded = model.bounds.iter().all(|index| areas.has(*index));
            let held = counted().filter(|(_, formula)| formula.holds(areas));
            bounded.then(|| held.map(|(guard, _)| asks.guard(guard)).fold(Asked::default(), Asked::with))
        })?;
        rows.with(&guards, order, self.stop, |rows, guards| Some(asks.normal((*rows)?.with((*guards)?))))
    }

    /// The diagram of conditions that read these areas and no others.
    pub(crate) fn conditions<T: Ord>(
        &self,
        order: &[usize],
        read: &BTreeSet<usize>,
        answer: impl Fn(&Areas) -> T,
    ) -> Option<Diagram<T>> {
        let own = |(index, area): (usize, &Area)| match read.contains(&index) {
            true => area.clone(),
            false => Area::default(),
        };
        let areas: Vec<Area> = self.areas.iter().enumerate().map(own).collect();
        sweep(&self.axes, order, &areas, Hit::Every, self.stop, answer)
    }

    /// The diagram of a rule table alone; `answer` gets the rows that are live, in a `first` table
    /// only the first of them for sure.
    fn rows<T: Ord>(
        &self,
        model: &Model<'_>,
        order: &[usize],
        answer: impl Fn(&mut dyn Iterator<Item = usize>) -> T,
    ) -> Option<Diagram<T>> {
        let areas = self.areas.get(model.rows.clone())?;
        let live = |live: &Areas| answer(&mut live.within(0, areas.len()));
        sweep(&self.axes, order, areas, model.policy.hit, self.stop, live)
    }

    /// What a policy answers if it asks for this.
    pub(crate) fn verdict(&self, model: &Model<'_>, asked: Option<Asked>) -> Verdict {
        asked.map_or(Verdict::Unsure, |asked| Verdict::of(&model.policy.index.asks().settled(asked)))
    }

    /// The diagram of the first policy's rule table: which rows decide where.
    pub(crate) fn table(&self) -> Option<Diagram<Vec<usize>>> {
        let model = self.models.first()?;
        let most = if model.policy.hit == Hit::First { 1 } else { usize::MAX };
        self.rows(model, &self.order(), |live| live.take(most).collect())
    }

    /// A region in the document's own spelling.
    pub(crate) fn shown(&self, region: &Region) -> String {
        let parts: Vec<String> = region
            .iter()
            .filter_map(|(axis, ranges)| match self.inputs.get(*axis) {
                Some(input) => Some(format!("{} {}", input.name, spelled_ranges(&input.kind, ranges))),
                None => {
                    let derived = self.derived.iter().find(|derived| derived.axis == *axis)?;
                    let policy = self.models.get(derived.owner)?.policy;
                    let Node::Term(index) = derived.node else { return None };
                    let (name, term) = policy.terms.get(index)?;
                    Some(format!("{name} {}", spelled_term(term, *self.axes.get(*axis)?, ranges)?))
                }
            })
            .collect();
        match parts.as_slice() {
            [] if region.is_empty() => "everything".to_owned(),
            [] => "some cases".to_owned(),
            parts => parts.join(", "),
        }
    }
}

/// The axis of a type; a text has none, so its axis is a single point.
fn axis_of(kind: &FieldType) -> Axis {
    let (low, high) = kind.bounds().unwrap_or((0, 0));
    Axis { low, high, step: kind.step() }
}

/// The type that holds both; nothing if their values do not mean the same.
fn united(one: &FieldType, other: &FieldType) -> Option<FieldType> {
    match (one, other) {
        (FieldType::Number(one), FieldType::Number(other))
            if one.unit == other.unit && one.step == other.step =>
        {
            let (min, max) = (one.min.min(other.min), one.max.max(other.max));
            Some(FieldType::Number(crate::intent::kind::Grid { min, max, ..*one }))
        }
        (FieldType::Date { from, until }, FieldType::Date { from: first, until: last }) => {
            Some(FieldType::Date { from: Day(from.0.min(first.0)), until: Day(until.0.max(last.0)) })
        }
        // Words are numbered: a list that only grew at its end keeps its numbers.
        (FieldType::OneOf(one), FieldType::OneOf(other)) if one.starts_with(other) => {
            Some(FieldType::OneOf(one.clone()))
        }
        (FieldType::OneOf(one), FieldType::OneOf(other)) if other.starts_with(one) => {
            Some(FieldType::OneOf(other.clone()))
        }
        (FieldType::Text { .. }, FieldType::Text { .. }) => Some(one.clone()),
        _ if one == other => Some(one.clone()),
        _ => None,
    }
}
