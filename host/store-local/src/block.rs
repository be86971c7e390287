//! A block of the index: some streams with neighbouring names, in one value.
//!
//! How it stands in sled is told in [`crate::index`].

use crate::hot::{Head, Live};
use crate::index::{BLOCK, BLOCK_STREAMS_MAX, IndexFault, key, unreadable};
use crate::labels::borne;
use crate::wire::{Place, Reader, put_bytes, put_number, put_place};
use countersign_engine::port::store::{RowChange, StreamName};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Bytes of a label's sum.
const LABEL_BYTES: usize = 4;

/// Which record holds the row of a stream.
const NO_ROW: u8 = 0;
const ROW_IN_LAST: u8 = 1;
const ROW_ELSEWHERE: u8 = 2;

/// A stream as the index knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) stream: StreamName,
    pub(crate) head: Head,
    /// Sums of the labels that its row bears.
    pub(crate) labels: Vec<u32>,
}

/// Some streams in order of their names.
#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(crate) name: Vec<u8>,
    pub(crate) streams: Vec<Known>,
    /// Whether what came last was put at the end.
    grows_at_end: bool,
}

impl Block {
    pub(crate) fn read(name: Vec<u8>, value: &[u8]) -> Result<Block, IndexFault> {
        let streams = read_streams(value).ok_or_else(|| unreadable("block"))?;
        Ok(Block { name, streams, grows_at_end: false })
    }

    /// Where `stream` is, read from a block's value without the rest of it.
    pub(crate) fn head_in(value: &[u8], stream: &str) -> Result<Option<Head>, IndexFault> {
        find_head(value, stream).ok_or_else(|| unreadable("block"))
    }

    /// Where `stream` stands among the streams, or where it would.
    pub(crate) fn find(&self, stream: &str) -> Result<usize, usize> {
        self.streams.binary_search_by(|known| (*known.stream).cmp(stream))
    }

    /// Takes in what a stream has become. `row_at` reads a row that is not at hand.
    pub(crate) fn put(
        &mut self,
        stream: &StreamName,
        live: &Live,
        mut row_at: impl FnMut(&str, Place) -> Result<Option<RowChange>, IndexFault>,
    ) -> Result<(), IndexFault> {
        let place = self.find(stream);
        let old = place.ok().and_then(|place| self.streams.get(place));
        let labels = match (&live.row, live.head.row) {
            (Some(row), _) => sums(row),
            (None, None) => Vec::new(),
            (None, Some(row)) => match old.filter(|old| old.head.row == Some(row)) {
                Some(old) => old.labels.clone(),
                None => row_at(stream, row)?.as_ref().map(sums).unwrap_or_default(),
            },
        };
        let known = Known { stream: Arc::clone(stream), head: live.head, labels };
        self.grows_at_end = place == Err(self.streams.len());
        match place {
            Ok(place) => self.streams.splice(place..=place, [known]).for_each(drop),
            Err(place) => self.streams.insert(place, known),
        }
        Ok(())
    }

    /// The labels that any of its streams bears.
    pub(crate) fn labels(&self) -> BTreeSet<u32> {
        labels_of(&self.streams)
    }

    /// Writes the block, as several if it has grown too large. `before` is what [`Block::labels`]
    /// said when it was read; what is borne since, or is no more, goes into `changes`.
    pub(crate) fn write(
        &self,
        before: &BTreeSet<u32>,
        changes: &mut BTreeMap<Vec<u8>, bool>,
        batch: &mut sled::Batch,
    ) {
        // New names mostly come at the end, and then nothing more comes to the pieces before it,
        // so they are left full. Elsewhere pieces of even size leave room in each.
        let pieces = self.streams.len().div_ceil(BLOCK_STREAMS_MAX).max(1);
        let size =
            if self.grows_at_end { BLOCK_STREAMS_MAX } else { self.streams.len().div_ceil(pieces).max(1) };
        let nothing = BTreeSet::new();
        let mut last: Option<&[u8]> = None;
        for streams in self.streams.chunks(size) {
            let (name, known) = match (last, streams.first()) {
                (Some(last), Some(first)) => (separator(last, first.stream.as_bytes()), &nothing),
                (None, _) | (_, None) => (&*self.name, before),
            };
            let labels = labels_of(streams);
            changes.extend(known.difference(&labels).map(|label| (borne(*label, name), false)));
            changes.extend(labels.difference(known).map(|label| (borne(*label, name), true)));
            batch.insert(key(BLOCK, &[name]), value_of(streams, &labels));
            last = streams.last().map(|known| known.stream.as_bytes());
        }
    }
}

/// The shortest name that a block can have which begins with `first`, if `last` is the greatest before it.
pub(crate) fn separator<'a>(last: &[u8], first: &'a [u8]) -> &'a [u8] {
    let shared = last.iter().zip(first).take_while(|(one, other)| one == other).count();
    first.get(..=shared).unwrap_or(first)
}

fn labels_of(streams: &[Known]) -> BTreeSet<u32> {
    streams.iter().flat_map(|known| known.labels.iter().copied()).collect()
}

/// A label, shortened.
pub(crate) fn label_sum(name: &str, value: &str) -> u32 {
    let mut label = Vec::with_capacity(name.len() + value.len() + 4);
    put_bytes(&mut label, name.as_bytes());
    put_bytes(&mut label, value.as_bytes());
    crc32c::crc32c(&label)
}

fn sums(row: &RowChange) -> Vec<u32> {
    let labels: BTreeSet<u32> = row.labels.iter().map(|(name, value)| label_sum(name, value)).collect();
    labels.into_iter().collect()
}

fn read_streams(value: &[u8]) -> Option<Vec<Known>> {
    let mut reader = Reader(value);
    let table = read_table(&mut reader)?;
    let mut name = String::new();
    let mut streams = Vec::new();
    while !reader.0.is_empty() {
        read_name(&mut reader, &mut name)?;
        let head = read_head(&mut reader)?;
        let labels = (0..reader.count()?).map(|_| read_label(&mut reader, table)).collect::<Option<_>>()?;
        streams.push(Known { stream: Arc::from(&*name), head, labels });
    }
    Some(streams)
}

#[expect(clippy::option_option, reason = "the outer one is broken bytes, the inner one is an unknown stream")]
fn find_head(value: &[u8], stream: &str) -> Option<Option<Head>> {
    let mut reader = Reader(value);
    read_table(&mut reader)?;
    let mut name = String::new();
    while !reader.0.is_empty() {
        read_name(&mut reader, &mut name)?;
        let head = read_head(&mut reader)?;
        if name == stream {
            return Some(Some(head));
        }
        for _ in 0..reader.count()? {
            reader.number()?;
        }
    }
    Some(None)
}

/// The labels that the block's streams point at.
fn read_table<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let count = reader.count()?;
    reader.take(count.checked_mul(LABEL_BYTES)?)
}

fn read_label(reader: &mut Reader<'_>, table: &[u8]) -> Option<u32> {
    let start = usize::try_from(reader.number()?).ok()?.checked_mul(LABEL_BYTES)?;
    let label = table.get(start..)?.first_chunk()?;
    Some(u32::from_be_bytes(*label))
}

/// Turns the name before into the next one.
fn read_name(reader: &mut Reader<'_>, name: &mut String) -> Option<()> {
    let shared = usize::try_from(reader.number()?).ok()?;
    name.get(..shared)?;
    name.truncate(shared);
    name.push_str(reader.text()?);
    Some(())
}

fn read_head(reader: &mut Reader<'_>) -> Option<Head> {
    let (sequence, position, last) = (reader.number()?, reader.number()?, reader.place()??);
    let row = match reader.byte()? {
        NO_ROW => None,
        ROW_IN_LAST => Some(last),
        ROW_ELSEWHERE => Some(reader.place()??),
        _ => return None,
    };
    Some(Head { sequence, position, last, row })
}

/// The value of a block of `streams`, which bear `labels`.
fn value_of(streams: &[Known], labels: &BTreeSet<u32>) -> Vec<u8> {
    let mut value = Vec::new();
    put_number(&mut value, labels.len() as u64);
    labels.iter().for_each(|label| value.extend_from_slice(&label.to_be_bytes()));
    let numbers: BTreeMap<u32, u64> = labels.iter().copied().zip(0..).collect();
    let mut before = "";
    for known in streams {
        let shared = shared_bytes(before, &known.stream);
        put_number(&mut value, shared as u64);
        put_bytes(&mut value, known.stream.get(shared..).unwrap_or_default().as_bytes());
        put_head(&mut value, &known.head);
        put_number(&mut value, known.labels.len() as u64);
        known.labels.iter().filter_map(|label| numbers.get(label)).for_each(|it| put_number(&mut value, *it));
        before = &known.stream;
    }
    value
}

/// How many bytes two names have in common at their beginning, in whole characters.
fn shared_bytes(one: &str, other: &str) -> usize {
    let same = one.chars().zip(other.chars()).take_while(|(one, other)| one == other);
    same.map(|(one, _)| one.len_utf8()).sum()
}

fn put_head(value: &mut Vec<u8>, head: &Head) {
    put_number(value, head.sequence);
    put_number(value, head.position);
    put_place(value, Some(head.last));
    match head.row {
        None => value.push(NO_ROW),
        Some(row) if row == head.last => value.push(ROW_IN_LAST),
        Some(row) => {
            value.push(ROW_ELSEWHERE);
            put_place(value, Some(row));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block() -> Block {
        let place = |offset| Place { segment: 3, offset, length: 300 };
        let known = |name: &str, row, labels: &[u32]| Known {
            stream: Arc::from(name),
            head: Head { sequence: 6, position: 1 << 40, last: place(70_000), row },
            labels: labels.to_vec(),
        };
        let streams = vec![
            known("int_01m8byjj51b7", Some(place(70_000)), &[7, 1 << 31]),
            known("int_01m8byjj51b7x", Some(place(64)), &[7]),
            known("int_01m8byjk\u{e9}", None, &[]),
            known("int_01m8byjk\u{ea}", None, &[9]),
            known("rates", Some(place(1)), &[9, 7]),
        ];
        Block { name: b"int_".to_vec(), streams, grows_at_end: false }
    }

    #[test]
    fn a_block_reads_back_as_it_was_written() {
        let block = block();
        let value = value_of(&block.streams, &block.labels());
        let read = Block::read(block.name.clone(), &value).expect("it is a block");
        assert_eq!(read.streams, block.streams);
        for known in &block.streams {
            assert_eq!(Block::head_in(&value, &known.stream).ok().flatten(), Some(known.head));
        }
        assert_eq!(Block::head_in(&value, "int_01m8byjj51b").ok(), Some(None));
    }

    #[test]
    fn a_value_of_any_bytes_is_refused_or_read_without_a_panic() {
        let block = block();
        let whole = value_of(&block.streams, &block.labels());
        for place in 0..whole.len() {
            drop(Block::read(Vec::new(), &whole[..place]));
            for byte in [0, 1, 0x7f, 0xff] {
                let mut broken = whole.clone();
                broken[place] = byte;
                drop(Block::read(Vec::new(), &broken));
                drop(Block::head_in(&broken, "rates"));
            }
        }
    }

    #[test]
    fn a_stream_costs_few_bytes() {
        let streams: Vec<Known> = (0..BLOCK_STREAMS_MAX as u32)
            .map(|number| {
                let last = Place { segment: 1, offset: 5_000_000 + number * 400, length: 380 };
                Known {
                    stream: Arc::from(format!("int_01m8byjj51{number:016}")),
                    head: Head { sequence: 6, position: 20_000, last, row: Some(last) },
                    labels: vec![1, 2, 3 + number % 2],
                }
            })
            .collect();
        let value = value_of(&streams, &labels_of(&streams));
        assert!(value.len() < streams.len() * 40, "{}", value.len());
    }
}
