//! One point of the input space: what rules and guards say there. As an input takes another value,
//! only what reads it is evaluated again.

use crate::policy::asks::{Asked, Asks};
use crate::policy::index::{Depth, Places, Seen};
use crate::policy::node::{Env, Slot};
use crate::policy::outcome::ReasonKind;
use crate::policy::{Hit, Policy};

/// Room for what the changes of one way change: more is taken where it does not suffice.
const CHANGES_USUAL: usize = 16;

pub(super) struct Point<'f, 'a> {
    policy: &'a Policy,
    asks: &'a Asks,
    env: &'f mut Env<'a>,
    /// Where the values lie in the columns of the table.
    places: Places<'a>,
    /// Whether each guard holds; nothing where that cannot be told.
    holds: Vec<Option<bool>>,
    /// What was changed since the beginning, in its order.
    changed: Vec<Before<'a>>,
}

/// What an input, a term, a column or a guard was before it changed.
#[derive(Clone, Copy)]
enum Before<'a> {
    Input(usize, Slot<'a>),
    Term(usize, Option<i128>),
    Place(usize, Seen<'a>),
    Guard(usize, Option<bool>),
}

/// What the guards that hold at a point ask for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Guarded {
    pub(super) asked: Asked,
    /// What more than one of them asks for.
    shared: Asked,
}

/// What is said at a point whose answer is sure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said {
    /// The first row that decides.
    pub(super) row: usize,
    pub(super) by_rows: Asked,
    pub(super) by_guards: Guarded,
}

impl<'f, 'a> Point<'f, 'a> {
    /// The point where everything has the value of `env`, which lie there in the table, and where of
    /// all guards only those hold.
    pub(super) fn of(
        policy: &'a Policy,
        env: &'f mut Env<'a>,
        places: Places<'a>,
        held: impl Iterator<Item = usize>,
    ) -> Point<'f, 'a> {
        let mut holds = vec![Some(false); policy.guards.len()];
        for guard in held {
            if let Some(own) = holds.get_mut(guard) {
                *own = Some(true);
            }
        }
        let changed = Vec::with_capacity(CHANGES_USUAL);
        Point { policy, asks: policy.index.asks(), env, places, holds, changed }
    }

    /// The point as it is, to come back to by [`Point::reset`].
    pub(super) fn mark(&self) -> usize {
        self.changed.len()
    }

    /// Takes back everything that was changed since then, the last first.
    pub(super) fn reset(&mut self, mark: usize) {
        while mark < self.changed.len()
            && let Some(before) = self.changed.pop()
        {
            match before {
                Before::Input(index, slot) => drop(put(&mut self.env.inputs, index, slot)),
                Before::Term(index, value) => drop(put(&mut self.env.terms, index, value)),
                Before::Place(index, seen) => drop(put(&mut self.places, index, seen)),
                Before::Guard(index, holds) => drop(put(&mut self.holds, index, holds)),
            }
        }
    }

    pub(super) fn number(&self, input: usize) -> Option<i64> {
        match self.env.inputs.get(input)? {
            Slot::Number(number) => Some(*number),
            Slot::Text(_) | Slot::Unknown => None,
        }
    }

    /// Gives an input another value for the guards and what they read: only [`Point::guards`] may be
    /// asked before it is placed too.
    pub(super) fn weigh(&mut self, input: usize, number: i64) {
        self.compute(input, number);
        let readers = self.policy.index.readers(input);
        for guard in readers.iter().flat_map(|readers| &readers.guards) {
            self.ask(*guard);
        }
    }

    /// Gives an input another value in the table alone: only [`Point::rows`] may be asked before it is
    /// weighed too.
    pub(super) fn place(&mut self, input: usize, number: i64) {
        let before = self.policy.index.place(&mut self.places, input, number);
        self.changed.extend(before.map(|(column, seen)| Before::Place(column, seen)));
    }

    /// Whether a guard does not hold with another value of one input.
    pub(super) fn releases(&mut self, guard: usize, input: usize, number: i64) -> bool {
        let mark = self.mark();
        self.compute(input, number);
        let releases = self.evaluate(guard) == Some(false);
        self.reset(mark);
        releases
    }

    /// Gives an input another value for the expressions that read it.
    fn compute(&mut self, input: usize, number: i64) {
        let before = put(&mut self.env.inputs, input, Slot::Number(number));
        self.changed.extend(before.map(|slot| Before::Input(input, slot)));
        let mut faults = Vec::new();
        let readers = self.policy.index.readers(input);
        for index in readers.iter().flat_map(|readers| &readers.terms) {
            let term = self.policy.terms.get(*index);
            let value = term.and_then(|(_, term)| term.node.evaluate(self.env, None, &mut faults));
            let before = put(&mut self.env.terms, *index, value);
            self.changed.extend(before.map(|value| Before::Term(*index, value)));
        }
    }

    fn evaluate(&self, guard: usize) -> Option<bool> {
        let mut faults: Vec<ReasonKind> = Vec::new();
        let guard = self.policy.guards.get(guard)?;
        guard.when.node.holds(self.env, None, &mut faults)
    }

    fn ask(&mut self, guard: usize) {
        let holds = self.evaluate(guard);
        let before = put(&mut self.holds, guard, holds);
        self.changed.extend(before.map(|holds| Before::Guard(guard, holds)));
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

    /// What the guards ask for here; nothing where the answer would be unsure.
    pub(super) fn guards(&self) -> Option<Guarded> {
        if self.env.terms.iter().any(Option::is_none) {
            return None;
        }
        let mut guarded = Guarded::default();
        for (guard, holds) in self.holds.iter().enumerate() {
            if (*holds)? {
                let asked = self.asks.guard(guard);
                guarded.shared = guarded.shared.with(guarded.asked.shared(asked));
                guarded.asked = guarded.asked.with(asked);
            }
        }
        Some(guarded)
    }

    /// Whether a guard holds here, where this is said, and asks for something that nobody else does.
    pub(super) fn is_decisive(&self, guard: usize, said: Said) -> bool {
        if self.holds.get(guard) != Some(&Some(true)) {
            return false;
        }
        let asked = self.asks.guard(guard);
        let Guarded { asked: all, shared } = said.by_guards;
        !self.asks.is_within(asked, said.by_rows.with(all.without(asked)).with(shared))
    }
}

/// Puts a value in the place of another one, which it returns.
fn put<T>(all: &mut [T], index: usize, value: T) -> Option<T> {
    all.get_mut(index).map(|own| std::mem::replace(own, value))
}
