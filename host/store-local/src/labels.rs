//! A block of labels: some neighbouring pairs of a label and a block of streams that bears it, in one value.
//!
//! How it stands in sled is told in [`crate::index`].

use crate::block::separator;
use crate::index::{IndexFault, LABEL, key, unreadable};
use crate::wire::{Reader, put_bytes, put_number};
use std::collections::BTreeSet;

/// Most labels of one block. A new one can lie anywhere, and the block in which it lies is written anew for it: what more
/// of them in a block saves of bytes, it soon costs in writes.
const BLOCK_LABELS_MAX: usize = 32;

/// Bytes of a label's sum.
const SUM_BYTES: usize = 4;

/// That a block of streams bears a label: 4 bytes sum of the label | the block's name.
pub(crate) fn borne(label: u32, block: &[u8]) -> Vec<u8> {
    [&label.to_be_bytes(), block].concat()
}

/// Some pairs in order, each as [`borne`] says it.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    pub(crate) name: Vec<u8>,
    borne: BTreeSet<Vec<u8>>,
}

impl Labels {
    pub(crate) fn read(name: Vec<u8>, value: &[u8]) -> Result<Labels, IndexFault> {
        let mut found = BTreeSet::new();
        let read = each(value, |label, block| {
            found.insert(borne(label, block));
        });
        read.ok_or_else(|| unreadable("block of labels"))?;
        Ok(Labels { name, borne: found })
    }

    /// The greatest name below `bound` of a block of streams that bears `label`, read from a value without the rest of it.
    pub(crate) fn below_in(value: &[u8], label: u32, bound: &[u8]) -> Result<Option<Vec<u8>>, IndexFault> {
        let mut found = None;
        let read = each(value, |other, block| {
            if other == label && block < bound {
                let name: &mut Vec<u8> = found.get_or_insert_default();
                name.clear();
                name.extend_from_slice(block);
            }
        });
        read.ok_or_else(|| unreadable("block of labels"))?;
        Ok(found)
    }

    /// Takes in whether `borne` is so.
    pub(crate) fn put(&mut self, borne: Vec<u8>, is_so: bool) {
        if is_so {
            self.borne.insert(borne);
        } else {
            self.borne.remove(&borne);
        }
    }

    /// Writes the block, as several of even size if it has grown too large, or removes it if nothing is left.
    pub(crate) fn write(&self, batch: &mut sled::Batch) {
        if self.borne.is_empty() {
            batch.remove(key(LABEL, &[&self.name]));
            return;
        }
        let borne: Vec<&[u8]> = self.borne.iter().map(Vec::as_slice).collect();
        let pieces = borne.len().div_ceil(BLOCK_LABELS_MAX);
        let mut last: Option<&[u8]> = None;
        for piece in borne.chunks(borne.len().div_ceil(pieces)) {
            let name = match (last, piece.first()) {
                (Some(last), Some(first)) => separator(last, first),
                (None, _) | (_, None) => &self.name,
            };
            batch.insert(key(LABEL, &[name]), value_of(piece));
            last = piece.last().copied();
        }
    }
}

fn value_of(borne: &[&[u8]]) -> Vec<u8> {
    let mut value = Vec::new();
    let (mut label_before, mut before): (u32, &[u8]) = (0, &[]);
    for borne in borne {
        let Some((sum, block)) = borne.split_first_chunk::<SUM_BYTES>() else { continue };
        let label = u32::from_be_bytes(*sum);
        put_number(&mut value, u64::from(label.saturating_sub(label_before)));
        let shared = before.iter().zip(block).take_while(|(one, other)| one == other).count();
        put_number(&mut value, shared as u64);
        put_bytes(&mut value, block.get(shared..).unwrap_or_default());
        (label_before, before) = (label, block);
    }
    value
}

/// Calls `found` with each label and the name of a block that bears it; `None` if the bytes are something else.
fn each(value: &[u8], mut found: impl FnMut(u32, &[u8])) -> Option<()> {
    let mut reader = Reader(value);
    let (mut label, mut block) = (0_u32, Vec::new());
    while !reader.0.is_empty() {
        label = label.checked_add(u32::try_from(reader.number()?).ok()?)?;
        let shared = usize::try_from(reader.number()?).ok()?;
        block.get(..shared)?;
        block.truncate(shared);
        block.extend_from_slice(reader.bytes()?);
        found(label, &block);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> (Vec<Vec<u8>>, Vec<u8>) {
        let pairs = [
            (0, ""),
            (7, ""),
            (7, "int_01m8byjj"),
            (7, "int_01m8byk"),
            (1 << 31, "int_01"),
            (u32::MAX, "rates"),
        ];
        let pairs: Vec<Vec<u8>> =
            pairs.iter().map(|(label, block)| borne(*label, block.as_bytes())).collect();
        let value = value_of(&pairs.iter().map(Vec::as_slice).collect::<Vec<_>>());
        (pairs, value)
    }

    #[test]
    fn a_block_of_labels_reads_back_as_it_was_written() {
        let (pairs, value) = values();
        let block = Labels::read(Vec::new(), &value).expect("it is a block of labels");
        assert!(block.borne.iter().eq(&pairs));
        let below = |label, bound: &str| {
            let found = Labels::below_in(&value, label, bound.as_bytes()).expect("it is a block of labels");
            found.map(|name| String::from_utf8_lossy(&name).into_owned())
        };
        assert_eq!(below(7, "int_01m8byk"), Some("int_01m8byjj".to_owned()));
        assert_eq!(below(7, "int_01m8byjj"), Some(String::new()));
        assert_eq!((below(7, ""), below(8, "z"), below(u32::MAX, "rates")), (None, None, None));
    }

    #[test]
    fn a_value_of_any_bytes_is_refused_or_read_without_a_panic() {
        let (_, whole) = values();
        for place in 0..whole.len() {
            drop(Labels::read(Vec::new(), &whole[..place]));
            for byte in [0, 1, 0x7f, 0xff] {
                let mut broken = whole.clone();
                broken[place] = byte;
                drop(Labels::read(Vec::new(), &broken));
                drop(Labels::below_in(&broken, 7, b"int_02"));
            }
        }
    }
}
