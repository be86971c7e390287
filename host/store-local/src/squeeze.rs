//! Compression of payloads. Entries are short and made of the same words, so each is compressed by
//! itself with a dictionary of those words (`words.txt`): a place in the log is read without its
//! neighbours, and shrinks to about two fifths.
//!
//! The dictionary is part of the format: another one needs another [`crate::fault::FORMAT_VERSION`].

use std::cell::RefCell;
use std::io;
use std::sync::LazyLock;
use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};

/// Words in the order of how often they come, the commonest last: what is near costs less.
const WORDS: &[u8] = include_bytes!("words.txt");
/// A level at which a kilobyte costs some microseconds. Levels 6 to 12 make records no shorter, and the
/// slowest ones gain one per cent.
const LEVEL: i32 = 5;

static ENCODER: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(WORDS, LEVEL));
static DECODER: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(WORDS));

thread_local! {
    // Contexts are large and worth keeping; one a thread needs no lock.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// The bytes compressed, or `None` if that makes them no shorter.
pub(crate) fn squeeze(bytes: &[u8]) -> Option<Vec<u8>> {
    let squeezed = COMPRESSOR.with_borrow_mut(|slot| {
        let compressor = match slot {
            Some(compressor) => compressor,
            None => slot.insert(Compressor::with_prepared_dictionary(&ENCODER)?),
        };
        compressor.compress(bytes)
    });
    squeezed.ok().filter(|squeezed: &Vec<u8>| squeezed.len() < bytes.len())
}

/// The `length` bytes that [`squeeze`] made these of; `None` if they are something else.
pub(crate) fn unsqueeze(bytes: &[u8], length: usize) -> Option<Vec<u8>> {
    let whole = DECOMPRESSOR.with_borrow_mut(|slot| -> io::Result<Vec<u8>> {
        let decompressor = match slot {
            Some(decompressor) => decompressor,
            None => slot.insert(Decompressor::with_prepared_dictionary(&DECODER)?),
        };
        decompressor.decompress(bytes, length)
    });
    whole.ok().filter(|whole| whole.len() == length)
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
        assert_eq!(unsqueeze(&squeezed, entry.len()).as_deref(), Some(&entry[..]));
        assert_eq!(unsqueeze(&squeezed, entry.len() - 1), None);
        assert_eq!(unsqueeze(&squeezed[1..], entry.len()), None);
    }

    #[test]
    fn what_does_not_shrink_is_left_alone() {
        assert_eq!(squeeze(&Digest::of(b"noise").0), None);
    }

    #[test]
    fn the_words_belong_to_the_format_version() {
        let words = Digest::of(WORDS).to_string();
        assert_eq!(words.get(..16), Some("af1d72e501ca2eaf"), "other words need another format version");
    }
}
