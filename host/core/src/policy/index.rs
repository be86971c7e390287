//! The index of a rule table: what a decision costs does not grow with its rows.
//!
//! Every column is cut where a cell begins or ends; each piece has a bit set of the rows that accept
//! it. A decision is one binary search a column and one AND a column and 64 rows: from the same pass
//! come all rows that match, those that may (a value is unknown) and those that miss in one column.

mod lever;

pub(crate) use lever::{Lever, Readers};

use super::asks::Asks;
use super::cell::Ranges;
use super::node::{Env, Slot};
use super::outcome::Covers;
use super::space::{Trend, trend};
use super::{Guard, Policy, Rule};

/// Largest index of one column, in words of 64 rows: 1 MiB. A column with more pieces than that (some
/// 2,000 rows of which each has bounds of its own) is looked through row by row.
const COLUMN_WORDS_MAX: usize = 131_072;
/// Rows of one word.
const WORD_ROWS: usize = 64;

/// What a rule table accepts, by column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Index {
    rows: usize,
    columns: Vec<Column>,
    levers: Vec<Vec<Lever>>,
    readers: Vec<Readers>,
    asks: Asks,
    /// The inputs with which some guard or term neither only rises nor only falls.
    wavering: Vec<usize>,
}

/// One column that some row restricts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    input: usize,
    of_element: bool,
    /// The rows that accept everything, one bit each.
    free: Vec<u64>,
    accept: Accept,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Accept {
    /// Where the pieces begin, rising, and for each the rows that accept it, word by word.
    Pieces { starts: Vec<i64>, rows: Vec<u64> },
    /// What each row accepts.
    Rows(Vec<Option<Ranges>>),
}

/// Where a value lies in a column.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Seen<'a> {
    /// Nobody knows: every row stays possible.
    Nowhere,
    /// In a piece that these rows accept.
    Piece(&'a [u64]),
    /// In a column without pieces.
    Number(i64, &'a [Option<Ranges>]),
}

/// Where the values of one intent, or of one element, lie in all columns.
pub(crate) type Places<'a> = Vec<Seen<'a>>;

/// The rows of a table by how they match, each in the order of the document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Matches {
    /// Those that match.
    pub(crate) sure: Vec<usize>,
    /// Those of which something that they demand is unknown, and nothing is missed.
    pub(crate) maybe: Vec<usize>,
}

/// How much of a table is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Up to the first row that surely matches.
    First,
    /// All of it.
    All,
}

impl Index {
    /// The index of these rows, and what they and these guards ask for.
    pub(crate) fn of(rules: &[Rule], guards: &[Guard], covers: &Covers) -> Index {
        let words = rules.len().div_ceil(WORD_ROWS);
        let mut columns: Vec<Column> = Vec::new();
        for demand in rules.iter().flat_map(|rule| &rule.demands) {
            if !columns.iter().any(|column| column.input == demand.input) {
                let column = Column::of(rules, words, demand.input, demand.of_element);
                columns.push(column);
            }
        }
        Index { rows: rules.len(), columns, asks: Asks::of(rules, guards, covers), ..Index::default() }
    }

    /// Adds what moves the guards of this policy, whose rows are indexed.
    pub(crate) fn add_levers(&mut self, policy: &Policy) {
        self.levers = policy.guards.iter().map(|guard| lever::levers(&guard.when, policy)).collect();
        self.readers = policy.inputs.iter().map(|input| lever::readers(input, policy)).collect();
        let nodes = || {
            let guards = policy.guards.iter().map(|guard| &guard.when.node);
            guards.chain(policy.terms.iter().map(|(_, term)| &term.node))
        };
        let wavers = |input: &usize| nodes().any(|node| trend(node, *input, policy) == Trend::Unknown);
        self.wavering = (0..policy.inputs.len()).filter(wavers).collect();
    }

    /// What rows and guards ask for.
    pub(crate) fn asks(&self) -> &Asks {
        &self.asks
    }

    /// Whether nothing can be told of what lies between two values of this input.
    pub(crate) fn wavers(&self, input: usize) -> bool {
        self.wavering.contains(&input)
    }

    /// What can make a guard stop to hold: the numbers and dates that it reads.
    pub(crate) fn levers(&self, guard: usize) -> &[Lever] {
        self.levers.get(guard).map_or(&[], Vec::as_slice)
    }

    /// What reads an input.
    pub(crate) fn readers(&self, input: usize) -> Option<&Readers> {
        self.readers.get(input)
    }

    /// Where the values of `env`, or of one element of its list, lie in each column.
    pub(crate) fn places(&self, env: &Env<'_>, element: Option<usize>) -> Places<'_> {
        self.columns.iter().map(|column| column.seen(env, element)).collect()
    }

    /// Takes in that an outer input has another value.
    pub(crate) fn place<'a>(&'a self, places: &mut [Seen<'a>], input: usize, number: i64) {
        let columns = self.columns.iter().zip(places).filter(|(column, _)| !column.of_element);
        for (column, own) in columns.filter(|(column, _)| column.input == input) {
            *own = column.at(number);
        }
    }

    /// The first row that matches values that lie there in the columns; none if one is unknown.
    pub(crate) fn first(&self, places: &[Seen<'_>]) -> Option<usize> {
        for word in 0..self.rows.div_ceil(WORD_ROWS) {
            let mut sure = self.rows_of(word);
            for place in places {
                sure &= match place {
                    Seen::Nowhere => return None,
                    Seen::Piece(rows) => rows.get(word).copied().unwrap_or(0),
                    Seen::Number(number, rows) => scanned(rows, word, *number),
                };
            }
            if sure != 0 {
                let row = usize::try_from(sure.trailing_zeros()).ok()?;
                return word.checked_mul(WORD_ROWS)?.checked_add(row);
            }
        }
        None
    }

    /// The rows by how they match values that lie there in the columns.
    ///
    /// `near` receives the rows that miss in exactly one column; in a table of which only the first
    /// row counts those above it. Nobody asks for them where something is unknown.
    pub(crate) fn matches(
        &self,
        places: &[Seen<'_>],
        depth: Depth,
        mut near: Option<&mut Vec<usize>>,
    ) -> Matches {
        let mut matches = Matches::default();
        for word in 0..self.rows.div_ceil(WORD_ROWS) {
            let all = self.rows_of(word);
            let (mut sure, mut live, mut once, mut twice) = (all, all, 0_u64, 0_u64);
            for (column, place) in self.columns.iter().zip(places) {
                let free = column.free.get(word).copied().unwrap_or(0);
                let accept = match place {
                    Seen::Nowhere => {
                        sure &= free;
                        continue;
                    }
                    Seen::Piece(rows) => rows.get(word).copied().unwrap_or(0),
                    Seen::Number(number, rows) => scanned(rows, word, *number),
                };
                sure &= accept;
                live &= accept;
                twice |= once & !accept;
                once |= !accept;
            }
            let mut stop = WORD_ROWS;
            if depth == Depth::First && sure != 0 {
                stop = usize::try_from(sure.trailing_zeros()).unwrap_or(WORD_ROWS);
                sure = bit(stop);
                live &= sure | below(stop);
            }
            let from = word.saturating_mul(WORD_ROWS);
            each(sure, from, &mut matches.sure);
            each(live & !sure, from, &mut matches.maybe);
            if let Some(near) = near.as_deref_mut() {
                each(once & !twice & all & below(stop), from, near);
            }
            if stop < WORD_ROWS {
                break;
            }
        }
        matches
    }

    /// The values of an outer input at which another row may match, from one to before the other:
    /// the beginnings of the pieces. Nothing if the input's column has no pieces.
    pub(crate) fn cuts(&self, input: usize, after: i64, until: i64) -> Option<&[i64]> {
        let Some(column) = self.columns.iter().find(|column| column.input == input) else {
            return Some(&[]);
        };
        match &column.accept {
            Accept::Pieces { starts, .. } => {
                let from = starts.partition_point(|start| *start <= after);
                let to = starts.partition_point(|start| *start <= until);
                starts.get(from..to)
            }
            Accept::Rows(_) => None,
        }
    }

    /// A word with a bit for each row that there is.
    fn rows_of(&self, word: usize) -> u64 {
        below(self.rows.saturating_sub(word.saturating_mul(WORD_ROWS)))
    }
}

impl Column {
    fn of(rules: &[Rule], words: usize, input: usize, of_element: bool) -> Column {
        let cells: Vec<Option<&Ranges>> = rules
            .iter()
            .map(|rule| rule.demands.iter().find(|demand| demand.input == input).map(|demand| &demand.ranges))
            .collect();
        let mut free = vec![0_u64; words];
        for (row, _) in cells.iter().enumerate().filter(|(_, cell)| cell.is_none()) {
            put(&mut free, row);
        }
        let mut starts = vec![i64::MIN];
        for (low, high) in cells.iter().flatten().flat_map(|ranges| ranges.pairs()) {
            starts.push(*low);
            starts.extend(high.checked_add(1));
        }
        starts.sort_unstable();
        starts.dedup();
        if COLUMN_WORDS_MAX < starts.len().saturating_mul(words) {
            let rows = cells.into_iter().map(Option::<&Ranges>::cloned).collect();
            return Column { input, of_element, free, accept: Accept::Rows(rows) };
        }
        let mut rows: Vec<u64> = free.repeat(starts.len());
        for (row, ranges) in cells.iter().enumerate().filter_map(|(row, cell)| Some((row, (*cell)?))) {
            for (low, high) in ranges.pairs() {
                let from = starts.partition_point(|start| start < low);
                let until = starts.partition_point(|start| start <= high);
                let pieces = rows.chunks_exact_mut(words.max(1)).skip(from);
                pieces.take(until.saturating_sub(from)).for_each(|piece| put(piece, row));
            }
        }
        Column { input, of_element, free, accept: Accept::Pieces { starts, rows } }
    }

    fn seen<'a>(&'a self, env: &Env<'_>, element: Option<usize>) -> Seen<'a> {
        let slots = if self.of_element {
            element.and_then(|element| env.elements.get(element))
        } else {
            Some(&env.inputs)
        };
        match slots.and_then(|slots| slots.get(self.input)) {
            Some(Slot::Number(number)) => self.at(*number),
            // A text takes no column.
            Some(Slot::Text(_) | Slot::Unknown) | None => Seen::Nowhere,
        }
    }

    fn at(&self, number: i64) -> Seen<'_> {
        match &self.accept {
            Accept::Pieces { starts, rows } => {
                let piece = starts.partition_point(|start| *start <= number).saturating_sub(1);
                let words = self.free.len();
                let from = piece.saturating_mul(words);
                Seen::Piece(rows.get(from..from.saturating_add(words)).unwrap_or(&[]))
            }
            Accept::Rows(rows) => Seen::Number(number, rows),
        }
    }
}

fn bit(row: usize) -> u64 {
    u32::try_from(row).ok().and_then(|shift| 1_u64.checked_shl(shift)).unwrap_or(0)
}

/// A bit for each row before this one.
fn below(row: usize) -> u64 {
    if row < WORD_ROWS { bit(row).wrapping_sub(1) } else { u64::MAX }
}

fn put(words: &mut [u64], row: usize) {
    // 64 is `WORD_ROWS`.
    if let Some(word) = words.get_mut(row / 64) {
        *word |= bit(row % 64);
    }
}

fn each(mut word: u64, from: usize, rows: &mut Vec<usize>) {
    while word != 0 {
        rows.push(from.saturating_add(usize::try_from(word.trailing_zeros()).unwrap_or(0)));
        word &= word.wrapping_sub(1);
    }
}

fn scanned(rows: &[Option<Ranges>], word: usize, number: i64) -> u64 {
    let own = rows.iter().skip(word.saturating_mul(WORD_ROWS)).take(WORD_ROWS).enumerate();
    let accepted = own.filter(|(_, cell)| cell.as_ref().is_none_or(|ranges| ranges.accept(number)));
    accepted.fold(0, |word, (row, _)| word | bit(row))
}
