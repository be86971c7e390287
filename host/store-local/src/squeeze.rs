//! Compression of payloads. Entries are short and made of the same words, so each is compressed by
//! itself with a dictionary of those words: a place in the log is read without its neighbours, and
//! shrinks to a quarter.
//!
//! The dictionary is part of the format: another one needs another [`crate::fault::FORMAT_VERSION`]. How it was made
//! stands in the decision record 0071.

use std::cell::RefCell;
use std::io;
use std::sync::LazyLock;
use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};

/// A dictionary in the format of RFC 8878 §5: words, and how often each sign of what is left comes.
const WORDS: &[u8] = include_bytes!("words.zdict");
/// The words of formats 2 and 3, which are only read.
const WORDS_3: &[u8] = include_bytes!("words.txt");
/// A level at which a record costs some microseconds. The next one that makes records shorter is 6, by two per cent,
/// for five times as long.
const LEVEL: i32 = 3;

static ENCODER: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(WORDS, LEVEL));
static DECODER: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(WORDS));
static DECODER_3: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(WORDS_3));

thread_local! {
    // Contexts are large and worth keeping; one a thread needs no lock.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR_3: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Which words something was compressed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words {
    /// Those that are written.
    Now,
    /// Those of formats 2 and 3.
    Before4,
}

/// The bytes compressed, or `None` if that makes them no shorter.
pub(crate) fn squeeze(bytes: &[u8]) -> Option<Vec<u8>> {
    let squeezed = COMPRESSOR.with_borrow_mut(|slot| {
        let compressor = match slot {
            Some(compressor) => compressor,
            None => slot.insert(compressor()?),
        };
        compressor.compress(bytes)
    });
    squeezed.ok().filter(|squeezed: &Vec<u8>| squeezed.len() < bytes.len())
}

/// One that leaves out what a record says itself: which dictionary it was, and how long the bytes are.
fn compressor() -> io::Result<Compressor<'static>> {
    let mut compressor = Compressor::with_prepared_dictionary(&ENCODER)?;
    compressor.include_dictid(false)?;
    compressor.include_contentsize(false)?;
    Ok(compressor)
}

/// The `length` bytes that were compressed with these words; `None` if they are something else.
pub(crate) fn unsqueeze(bytes: &[u8], length: usize, words: Words) -> Option<Vec<u8>> {
    let (cell, dictionary) = match words {
        Words::Now => (&DECOMPRESSOR, &DECODER),
        Words::Before4 => (&DECOMPRESSOR_3, &DECODER_3),
    };
    let whole = cell.with_borrow_mut(|slot| -> io::Result<Vec<u8>> {
        let decompressor = match slot {
            Some(decompressor) => decompressor,
            None => slot.insert(Decompressor::with_prepared_dictionary(dictionary)?),
        };
        decompressor.decompress(bytes, length)
    });
    whole.ok().filter(|whole| whole.len() == length)
}

/// What formats 2 and 3 made of these bytes.
#[cfg(test)]
pub(crate) fn squeezed_before_4(bytes: &[u8]) -> Vec<u8> {
    let compressor = Compressor::with_dictionary(5, WORDS_3);
    compressor.and_then(|mut compressor| compressor.compress(bytes)).expect("it is compressed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::hash::Digest;

    #[test]
    fn an_entry_shrinks_and_comes_back() {
        let entry = br#"{"at":1795537764054,"by":"engine","event":{"approved":{"authority":"policy"}}}"#;
        let squeezed = squeeze(entry).expect("it is made of known words");
        assert!(squeezed.len() * 2 < entry.len(), "{} of {}", squeezed.len(), entry.len());
        assert_eq!(unsqueeze(&squeezed, entry.len(), Words::Now).as_deref(), Some(&entry[..]));
        assert_eq!(unsqueeze(&squeezed, entry.len() - 1, Words::Now), None);
        assert_eq!(unsqueeze(&squeezed[1..], entry.len(), Words::Now), None);
    }

    #[test]
    fn what_was_compressed_with_the_words_before_is_read_with_them() {
        let entry = br#"{"at":1795537764054,"by":"engine","event":{"approved":{"authority":"policy"}}}"#;
        let squeezed = squeezed_before_4(entry);
        assert_eq!(unsqueeze(&squeezed, entry.len(), Words::Before4).as_deref(), Some(&entry[..]));
        assert_ne!(unsqueeze(&squeezed, entry.len(), Words::Now).as_deref(), Some(&entry[..]));
    }

    #[test]
    fn what_does_not_shrink_is_left_alone() {
        assert_eq!(squeeze(&Digest::of(b"noise").0), None);
    }

    #[test]
    fn the_words_belong_to_the_format_version() {
        for (words, digest) in [(WORDS, "d0bb870d1c2a572e"), (WORDS_3, "af1d72e501ca2eaf")] {
            let found = Digest::of(words).to_string();
            assert_eq!(found.get(..16), Some(digest), "other words need another format version");
        }
    }
}
