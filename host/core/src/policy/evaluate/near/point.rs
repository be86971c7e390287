//! One point of the input space: what rules and guards say there. As an input takes another value,
//! only what reads it is evaluated again.

use crate::policy::asks::{Asked, Asks};
use crate::policy::index::{Depth, Places};
use crate::policy::node::{Env, Slot};
use crate::policy::outcome::ReasonKind;
use crate::policy::{Hit, Policy};

pub(super) struct Point<'f, 'a> {
    policy: &'a Policy,
    asks: &'a Asks,
    env: &'f mut Env<'a>,
    /// Where the values lie in the columns of the table.
    places: Places<'a>,
    /// Whether each guard holds; nothing where that cannot be told.
    holds: Vec<Option<bool>>,
}

/// What a point was before some inputs took other values.
#[derive(Default)]
pub(super) struct Before<'a> {
    inputs: Vec<Slot<'a>>,
    terms: Vec<Option<i128>>,
    places: Places<'a>,
    holds: Vec<Option<bool>>,
}

/// What is said at a point whose answer is sure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said {
    /// The first row that decides.
    pub(super) row: usize,
    pub(super) by_rows: Asked,
    pub(super) by_all: Asked,
}

impl<'f, 'a> Point<'f, 'a> {
    /// The point where everything has the value of `env`.
    pub(super) fn of(policy: &'a Policy, asks: &'a Asks, env: &'f mut Env<'a>) -> Point<'f, 'a> {
        let places = policy.index.places(env, None);
        let holds = vec![None; policy.guards.len()];
        let mut point = Point { policy, asks, env, places, holds };
        for guard in 0..policy.guards.len() {
            point.ask(guard);
        }
        point
    }

    /// Notes the point as it is, to come back to.
    pub(super) fn keep(&self, before: &mut Before<'a>) {
        before.inputs.clone_from(&self.env.inputs);
        before.terms.clone_from(&self.env.terms);
        before.places.clone_from(&self.places);
        before.holds.clone_from(&self.holds);
    }

    pub(super) fn reset(&mut self, before: &Before<'a>) {
        self.env.inputs.copy_from_slice(&before.inputs);
        self.env.terms.copy_from_slice(&before.terms);
        self.places.copy_from_slice(&before.places);
        self.holds.copy_from_slice(&before.holds);
    }

    pub(super) fn number(&self, input: usize) -> Option<i64> {
        match self.env.inputs.get(input)? {
            Slot::Number(number) => Some(*number),
            Slot::Text(_) | Slot::Unknown => None,
        }
    }

    /// Gives an input another value.
    pub(super) fn set(&mut self, input: usize, number: i64) {
        self.compute(input, number);
        self.place(input, number);
        let readers = self.policy.index.readers(input);
        for guard in readers.iter().flat_map(|readers| &readers.guards) {
            self.ask(*guard);
        }
    }

    /// Gives an input another value in the table alone: only [`Point::rows`] may be asked before it is
    /// set again.
    pub(super) fn place(&mut self, input: usize, number: i64) {
        self.policy.index.place(&mut self.places, input, number);
    }

    /// Whether a guard does not hold with another value of one input. Nothing else may be asked before
    /// that is set or computed again.
    pub(super) fn releases(&mut self, guard: usize, input: usize, number: i64) -> bool {
        self.compute(input, number);
        self.evaluate(guard) == Some(false)
    }

    /// Gives an input another value for the expressions that read it.
    pub(super) fn compute(&mut self, input: usize, number: i64) {
        if let Some(slot) = self.env.inputs.get_mut(input) {
            *slot = Slot::Number(number);
        }
        let mut faults = Vec::new();
        let readers = self.policy.index.readers(input);
        for index in readers.iter().flat_map(|readers| &readers.terms) {
            let term = self.policy.terms.get(*index);
            let value = term.and_then(|(_, term)| term.node.evaluate(self.env, None, &mut faults));
            if let Some(own) = self.env.terms.get_mut(*index) {
                *own = value;
            }
        }
    }

    fn evaluate(&self, guard: usize) -> Option<bool> {
        let mut faults: Vec<ReasonKind> = Vec::new();
        let guard = self.policy.guards.get(guard)?;
        guard.when.node.evaluate(self.env, None, &mut faults).map(|truth| truth != 0)
    }

    fn ask(&mut self, guard: usize) {
        let holds = self.evaluate(guard);
        if let Some(own) = self.holds.get_mut(guard) {
            *own = holds;
        }
    }

    /// The first row that decides here, and what those that do ask for together; nothing where that is
    /// not sure.
    pub(super) fn rows(&self) -> Option<(usize, Asked)> {
        let index = &self.policy.index;
        if self.policy.hit == Hit::First {
            return index.first_in(&self.places).map(|row| (row, self.asks.rule(row)));
        }
        let matches = index.matches(&self.places, Depth::All, None);
        let overlap = self.policy.hit == Hit::Unique && matches.sure.len() > 1;
        let asked = matches.sure.iter().fold(Asked::default(), |all, row| all.with(self.asks.rule(*row)));
        let first = matches.sure.first().filter(|_| !overlap && matches.maybe.is_empty());
        first.map(|row| (*row, asked))
    }

    fn held(&self) -> impl Iterator<Item = usize> {
        self.holds.iter().enumerate().filter(|(_, holds)| **holds == Some(true)).map(|(guard, _)| guard)
    }

    /// What rules and guards say here; nothing where the answer would be unsure.
    pub(super) fn look(&self) -> Option<Said> {
        if !self.env.terms.iter().all(Option::is_some) || !self.holds.iter().all(Option::is_some) {
            return None;
        }
        let (row, by_rows) = self.rows()?;
        let by_all = self.held().fold(by_rows, |all, guard| all.with(self.asks.guard(guard)));
        Some(Said { row, by_rows, by_all })
    }

    /// Whether a guard holds here and asks for something that nobody else does.
    pub(super) fn is_decisive(&self, guard: usize, said: Said) -> bool {
        if self.holds.get(guard) != Some(&Some(true)) {
            return false;
        }
        let others = self.held().filter(|other| *other != guard);
        let others = others.fold(said.by_rows, |all, other| all.with(self.asks.guard(other)));
        !self.asks.is_within(self.asks.guard(guard), others)
    }
}
