//! A block of the index: some streams with neighbouring names, in one value.
//!
//! How it stands in sled is told in [`crate::index`].

use crate::hot::{Head, Live};
use crate::index::{BLOCK, BLOCK_STREAMS_MAX, IndexFault, LABEL, key, unreadable};
use crate::wire::{Place, Reader, put_bytes, put_number, put_place};
use countersign_engine::port::store::{RowChange, StreamName};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A stream as the index knows it.
#[derive(Debug, Clone)]
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
        let mut reader = Reader(value);
        let mut streams = Vec::new();
        while !reader.0.is_empty() {
            streams.push(read_known(&mut reader).ok_or_else(|| unreadable("block"))?);
        }
        Ok(Block { name, streams, grows_at_end: false })
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
    /// said when it was read.
    pub(crate) fn write(&self, before: &BTreeSet<u32>, batch: &mut sled::Batch) {
        // New names mostly come at the end, and then nothing more comes to the pieces before it,
        // so they are left full. Elsewhere pieces of even size leave room in each.
        let pieces = self.streams.len().div_ceil(BLOCK_STREAMS_MAX).max(1);
        let size =
            if self.grows_at_end { BLOCK_STREAMS_MAX } else { self.streams.len().div_ceil(pieces).max(1) };
        for (number, streams) in self.streams.chunks(size).enumerate() {
            let first = streams.first().map(|known| known.stream.as_bytes()).unwrap_or_default();
            let (name, known) =
                if number == 0 { (&*self.name, before.clone()) } else { (first, BTreeSet::new()) };
            let labels = labels_of(streams);
            known.difference(&labels).for_each(|label| batch.remove(label_key(*label, name)));
            labels.difference(&known).for_each(|label| batch.insert(label_key(*label, name), &[][..]));
            let mut value = Vec::new();
            streams.iter().for_each(|known| put_known(&mut value, known));
            batch.insert(key(BLOCK, &[name]), value);
        }
    }
}

fn labels_of(streams: &[Known]) -> BTreeSet<u32> {
    streams.iter().flat_map(|known| known.labels.iter().copied()).collect()
}

/// The key under which a block stands that bears a label.
pub(crate) fn label_key(label: u32, name: &[u8]) -> Vec<u8> {
    key(LABEL, &[&label.to_be_bytes(), name])
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

fn read_known(reader: &mut Reader<'_>) -> Option<Known> {
    let stream = Arc::from(reader.text()?);
    let (sequence, position) = (reader.number()?, reader.number()?);
    let head = Head { sequence, position, last: reader.place()??, row: reader.place()? };
    let labels = (0..reader.count()?).map(|_| Some(u32::from_be_bytes(reader.take(4)?.try_into().ok()?)));
    let labels = labels.collect::<Option<_>>()?;
    Some(Known { stream, head, labels })
}

fn put_known(value: &mut Vec<u8>, known: &Known) {
    put_bytes(value, known.stream.as_bytes());
    put_number(value, known.head.sequence);
    put_number(value, known.head.position);
    put_place(value, Some(known.head.last));
    put_place(value, known.head.row);
    put_number(value, known.labels.len() as u64);
    known.labels.iter().for_each(|label| value.extend_from_slice(&label.to_be_bytes()));
}
