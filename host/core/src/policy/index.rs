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
/// Words that are kept, and looked at, together: 256 rows.
const BLOCK_WORDS: usize = 4;

/// A bit for each of so many rows.
type Block = [u64; BLOCK_WORDS];

/// What a rule table accepts, by column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Index {
    /// A bit for each row that there is.
    rows: Vec<Block>,
    columns: Vec<Column>,
    levers: Vec<Vec<Lever>>,
    readers: Vec<Readers>,
    asks: Asks,
    /// The inputs with which some guard or term neither only rises nor only falls.
    wavering: Vec<usize>,
    /// The column of each input of the whole intent that has one.
    column_of: Vec<Option<usize>>,
}

/// One column that some row restricts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    input: usize,
    of_element: bool,
    /// The rows that accept everything.
    free: Vec<Block>,
    accept: Accept,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Accept {
    /// Where the pieces begin, rising, and for each the rows that accept it, block by block.
    Pieces { starts: Vec<i64>, rows: Vec<Block> },
    /// What each row accepts.
    Rows(Vec<Option<Ranges>>),
}

/// Where a value lies in a column.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Seen<'a> {
    /// Nobody knows: every row stays possible.
    Nowhere,
    /// In a piece that these rows accept.
    Piece(&'a [Block]),
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
        let blocks = rules.len().div_ceil(BLOCK_WORDS.saturating_mul(WORD_ROWS));
        let mut columns: Vec<Column> = Vec::new();
        for demand in rules.iter().flat_map(|rule| &rule.demands) {
            if !columns.iter().any(|column| column.input == demand.input) {
                let column = Column::of(rules, blocks, demand.input, demand.of_element);
                columns.push(column);
            }
        }
        let mut all = vec![Block::default(); blocks];
        (0..rules.len()).for_each(|row| put(&mut all, row));
        Index { rows: all, columns, asks: Asks::of(rules, guards, covers), ..Index::default() }
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
        let column =
            |input| self.columns.iter().position(|column| column.input == input && !column.of_element);
        self.column_of = (0..policy.inputs.len()).map(column).collect();
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

    /// Takes in that an outer input has another value; the place that changes, and what it was.
    pub(crate) fn place<'a>(
        &'a self,
        places: &mut [Seen<'a>],
        input: usize,
        number: i64,
    ) -> Option<(usize, Seen<'a>)> {
        let index = self.column_of.get(input).copied().flatten()?;
        let (column, own) = self.columns.get(index).zip(places.get_mut(index))?;
        Some((index, std::mem::replace(own, column.at(number))))
    }

    /// The first row that matches the values of `env`, or of one element of its list; none if one is
    /// unknown.
    pub(crate) fn first(&self, env: &Env<'_>, element: Option<usize>) -> Option<usize> {
        self.first_at(|| self.columns.iter().map(|column| column.seen(env, element)))
    }

    /// The first row that matches values that lie there in the columns; none if one is unknown.
    pub(crate) fn first_in(&self, places: &[Seen<'_>]) -> Option<usize> {
        self.first_at(|| places.iter().copied())
    }

    /// Asks each column once a block, so that nothing has to be remembered.
    fn first_at<'a, S: Iterator<Item = Seen<'a>>>(&self, seen: impl Fn() -> S) -> Option<usize> {
        for (block, rows) in self.rows.iter().enumerate() {
            let from = block.saturating_mul(BLOCK_WORDS);
            let mut sure = *rows;
            for seen in seen() {
                match seen {
                    Seen::Nowhere => return None,
                    Seen::Piece(rows) => keep(&mut sure, rows.get(block)?),
                    Seen::Number(number, rows) => {
                        let accept = |word| scanned(rows, from.saturating_add(word), number);
                        keep(&mut sure, &std::array::from_fn(accept));
                    }
                }
            }
            if let Some((word, sure)) = sure.iter().enumerate().find(|(_, sure)| **sure != 0) {
                let row = usize::try_from(sure.trailing_zeros()).ok()?;
                return from.checked_add(word)?.checked_mul(WORD_ROWS)?.checked_add(row);
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
        if let Some(near) = near.as_deref_mut() {
            near.reserve(WORD_ROWS);
        }
        let mut matches = Matches::default();
        let words = self.rows.as_flattened().iter().copied().enumerate();
        for (word, all) in words.take_while(|(_, all)| *all != 0) {
            let (mut sure, mut live, mut once, mut twice) = (all, all, 0_u64, 0_u64);
            for (column, place) in self.columns.iter().zip(places) {
                let accept = match place {
                    Seen::Nowhere => {
                        sure &= word_of(&column.free, word);
                        continue;
                    }
                    Seen::Piece(rows) => word_of(rows, word),
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
}

impl Column {
    fn of(rules: &[Rule], blocks: usize, input: usize, of_element: bool) -> Column {
        let cells: Vec<Option<&Ranges>> = rules
            .iter()
            .map(|rule| rule.demands.iter().find(|demand| demand.input == input).map(|demand| &demand.ranges))
            .collect();
        let mut free = vec![Block::default(); blocks];
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
        if COLUMN_WORDS_MAX < starts.len().saturating_mul(blocks).saturating_mul(BLOCK_WORDS) {
            let rows = cells.into_iter().map(Option::<&Ranges>::cloned).collect();
            return Column { input, of_element, free, accept: Accept::Rows(rows) };
        }
        let mut rows: Vec<Block> = free.repeat(starts.len());
        for (row, ranges) in cells.iter().enumerate().filter_map(|(row, cell)| Some((row, (*cell)?))) {
            for (low, high) in ranges.pairs() {
                let from = starts.partition_point(|start| start < low);
                let until = starts.partition_point(|start| start <= high);
                let pieces = rows.chunks_exact_mut(blocks.max(1)).skip(from);
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
                let blocks = self.free.len();
                let from = piece.saturating_mul(blocks);
                Seen::Piece(rows.get(from..from.saturating_add(blocks)).unwrap_or(&[]))
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

fn put(blocks: &mut [Block], row: usize) {
    // 64 is `WORD_ROWS`.
    if let Some(word) = blocks.as_flattened_mut().get_mut(row / 64) {
        *word |= bit(row % 64);
    }
}

fn keep(block: &mut Block, other: &Block) {
    let ([one, two, three, four], [first, second, third, fourth]) = (block, other);
    *one &= first;
    *two &= second;
    *three &= third;
    *four &= fourth;
}

fn word_of(blocks: &[Block], word: usize) -> u64 {
    blocks.as_flattened().get(word).copied().unwrap_or(0)
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
